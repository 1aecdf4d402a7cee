"""Processes that are stopped where they are: a signal takes its time, and a test must not go on before it has."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

__all__ = ["freeze"]

_LONGEST_S = 30.0


def freeze(pid: int) -> None:
    """Stops a process and returns once each of its threads stands still. Raises: ProcessLookupError, TimeoutError."""
    os.kill(pid, signal.SIGSTOP)
    end = time.monotonic() + _LONGEST_S
    while not all(_stands(task) for task in Path(f"/proc/{pid}/task").iterdir()):
        if time.monotonic() > end:
            raise TimeoutError(f"process {pid} does not stop")
        os.sched_yield()


def _stands(task: Path) -> bool:
    try:
        state = task.joinpath("stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):  # it has just ended
        return True
    return state in "TtZX"
