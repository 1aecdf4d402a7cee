"""Schemathesis over the whole OpenAPI document: `python -m tests.attack.document [--seconds N] [more for its command]`.

All its phases run against a host that serves on this machine, with one thing of each kind; whatever is asked of it, the
host connects to nothing else. It passes when no answer says that the host has failed.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address
from pathlib import Path
from typing import Any

import httpx
from tests.api.conftest import MANY
from tests.api.hosting import Served
from tests.attack.conftest import CHEAP

__all__ = ["main", "only_this_machine", "stocked"]

ROOT = Path(__file__).parents[2]
_KEY = "the key of this run"
_GRACE_S = 120.0
_THINGS = {
    "webhooks": {"name": "there", "rule": "hmac", "secret": "long enough"},
    "vectors/collections": {"name": "there", "dimensions": 2},
    "connectors": {"name": "there", "kind": "sqlite", "config": {"file": "none.db"}},
    "memory": {"text": "the first of all"},
    "users": {"name": "somebody", "password": "a long enough password", "role": "viewer"},
    "tokens": {"name": "some", "role": "viewer"},
    "backups": {},
}


def only_this_machine(event: str, arguments: tuple[Any, ...]) -> None:
    """An audit hook of Python: names and addresses of other machines cannot be reached. Raises: OSError."""
    if event == "socket.getaddrinfo" and not _is_here(arguments[0]):
        raise OSError("no other machine is asked")
    if event == "socket.connect" and isinstance(arguments[1], tuple) and not _is_here(arguments[1][0]):
        raise OSError("no other machine is reached")


def _is_here(host: Any) -> bool:
    text = host.decode("latin-1") if isinstance(host, bytes) else str(host or "localhost")
    try:
        return ip_address(text).is_loopback
    except ValueError:
        return text == "localhost"


@contextmanager
def stocked(folder: Path) -> Iterator[Served]:
    """A host with one thing of each kind; `_KEY` is its administrator's."""
    with Served(folder, {"echo.wat": MANY}, access=CHEAP, token=_KEY, request_timeout_s=20.0) as host:
        for path, body in _THINGS.items():
            made = httpx.post(f"{host.url}/api/v1/{path}", json=body, headers=_headers(), timeout=60)
            assert made.is_success, (path, made.text)
        yield host


def _headers() -> dict[str, str]:
    return {"authorization": f"Bearer {_KEY}"}


def main(arguments: list[str]) -> int:
    """Returns: 0 when no answer said that the host failed."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=300)
    options, more = parser.parse_known_args(arguments)
    sys.addaudithook(only_this_machine)
    with tempfile.TemporaryDirectory() as folder, stocked(Path(folder) / "host") as host:
        command = [
            *(str(Path(sys.executable).with_name("schemathesis")), "run", f"{host.url}/openapi.json"),
            *("--header", f"Authorization: Bearer {_KEY}", "--checks", "the_host_has_not_failed"),
            *("--exclude-path-regex", "^/ws", "--phases", "examples,coverage,fuzzing,stateful"),
            *("--max-time", str(options.seconds), "--request-timeout", "60", "--continue-on-failure"),
            *("--warnings", "off", "--suppress-health-check", "all", *more),
        ]
        environment = {**os.environ, "SCHEMATHESIS_HOOKS": "tests.attack.document_check", "PYTHONPATH": str(ROOT)}
        code = subprocess.run(
            command, cwd=folder, env=environment, timeout=options.seconds + _GRACE_S, check=False
        ).returncode
        alive = httpx.get(f"{host.url}/healthz", timeout=60).status_code
    return code if alive == 200 else 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
