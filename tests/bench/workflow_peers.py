"""The same three steps on DBOS and on Restate's server, each in a process of its own; None: it cannot be had here.

`tox -e bench` installs the Python packages; elsewhere `BENCH_PEERS_PYTHON` names a Python that has them. Restate's
server comes from npm, once, into a folder of the user's cache.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from tests.bench.guests import ROOT

__all__ = ["dbos", "restate"]

_FOLDER = ROOT / "tests" / "bench" / "peers"
_PACKAGE = "@restatedev/restate-server"
_LONGEST_S = 600


def dbos(url: str, runs: int, at_once: int) -> dict[str, float]:
    """DBOS on a database. Raises: RuntimeError: it cannot be had, or fails."""
    return _asked(_python("dbos"), "dbos_peer.py", url, str(runs), str(at_once))


@contextmanager
def restate() -> Iterator[str]:
    """Restate's server and a process with the handlers; gives the URL that begins a run.

    Raises:
        RuntimeError: it is not available, or fails.
    """
    python, server = _python("restate"), _restate_server()
    with tempfile.TemporaryDirectory() as folder:
        command = [python, str(_FOLDER / "restate_peer.py"), str(server), folder]
        pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
        with subprocess.Popen(command, cwd=folder, **pipes) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                url = process.stdout.readline().strip()
                if not url:
                    raise RuntimeError("restate_peer.py did not start")
                yield url
            finally:
                process.stdin.close()
                process.wait(60)


def _asked(python: str, script: str, *arguments: str) -> dict[str, float]:
    command = [python, str(_FOLDER / script), *arguments]
    with tempfile.TemporaryDirectory() as folder:
        done = subprocess.run(command, capture_output=True, text=True, cwd=folder, timeout=_LONGEST_S, check=False)
    lines = [line for line in done.stdout.splitlines() if line.startswith("{")]
    if done.returncode or not lines:
        raise RuntimeError(f"{script} fails: {done.stderr.strip()[-500:]}")
    found: dict[str, Any] = json.loads(lines[-1])
    return found


def _python(package: str) -> str:
    if find_spec(package):
        return sys.executable
    given = os.environ.get("BENCH_PEERS_PYTHON", "")
    if given:
        return given
    raise RuntimeError(f"the package {package} is not installed; `tox -e bench` installs it")


def _restate_server() -> Path:
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "omnicore-bench"
    found = next(cache.glob("node_modules/@restatedev/restate-server-linux-*/bin/restate-server"), None)
    if found is not None:
        return found
    npm = shutil.which("npm")
    if npm is None:
        raise RuntimeError(f"{_PACKAGE} is not installed, and there is no npm to install it with")
    cache.mkdir(parents=True, exist_ok=True)
    command = [npm, "install", "--prefix", str(cache), "--no-audit", "--no-fund", "--silent", _PACKAGE]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LONGEST_S, check=False)
    found = next(cache.glob("node_modules/@restatedev/restate-server-linux-*/bin/restate-server"), None)
    if found is None:
        raise RuntimeError(f"npm cannot install {_PACKAGE}: {done.stderr.strip()[-500:]}")
    return found
