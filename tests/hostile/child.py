"""A process that answers one line of JSON for each line it is given, and may die or hang in between."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parents[2]


class ChildDied(Exception):
    """The process ended, was killed by a signal, or did not answer in time."""


class Child:
    """Starts `python -m MODULE` when it is first asked, and again after it died."""

    def __init__(self, module: str) -> None:
        self._module = module
        self._process: subprocess.Popen[bytes] | None = None
        self._errors: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115

    def ask(self, line: str, timeout_s: float) -> dict[str, Any]:
        """The answer. Raises: ChildDied."""
        process = self._started()
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdin.write(line.encode() + b"\n")
        process.stdin.flush()
        answer = _line(process.stdout.fileno(), time.monotonic() + timeout_s)
        if answer is not None and answer.endswith(b"\n"):
            found: dict[str, Any] = json.loads(answer)
            return found
        if answer is not None:
            process.wait(timeout=10)
        self.stop()
        how = f"gave no answer in {timeout_s:g} s" if answer is None else f"ended with {process.returncode}"
        raise ChildDied(f"the process {how} on {line}: {self._tail()}")

    def stop(self) -> None:
        """Ends the process."""
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
            self._process = None

    def close(self) -> None:
        """Ends the process and forgets its error output."""
        self.stop()
        self._errors.close()

    def _started(self) -> subprocess.Popen[bytes]:
        if self._process is None:
            environment = {**os.environ, "PYTHONPATH": f"{ROOT}{os.pathsep}{ROOT / 'host'}"}
            pipe = subprocess.PIPE
            command = [sys.executable, "-X", "faulthandler", "-m", self._module]
            self._process = subprocess.Popen(
                command, cwd=ROOT, stdin=pipe, stdout=pipe, stderr=self._errors, env=environment, bufsize=0
            )
        return self._process

    def _tail(self) -> str:
        self._errors.seek(0, os.SEEK_END)
        self._errors.seek(max(0, self._errors.tell() - 3_000))
        return self._errors.read().decode(errors="replace")


def _line(descriptor: int, deadline: float) -> bytes | None:
    """Bytes up to a newline or the end of the stream; None when time runs out first."""
    found = b""
    while not found.endswith(b"\n"):
        left = deadline - time.monotonic()
        if left <= 0 or not select.select([descriptor], [], [], left)[0]:
            return None
        part = os.read(descriptor, 65_536)
        if not part:
            return found
        found += part
    return found
