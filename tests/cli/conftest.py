"""The real command in a folder of its own, with nothing of the developer's environment."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

COMMAND = [sys.executable, "-W", "error", "-m", "omnicore.cli.main"]


def clean_environment(**more: str) -> dict[str, str]:
    kept = {name: text for name, text in os.environ.items() if not name.startswith(("OMNICORE_", "_OMNICORE"))}
    return {**kept, "TERM": "xterm-256color", "COLUMNS": "120", "NO_COLOR": "", **more}


@dataclass(frozen=True, slots=True)
class Ran:
    code: int
    out: str
    err: str
    raw: bytes


Run = Callable[..., Ran]


@pytest.fixture
def omnicore(tmp_path: Path) -> Run:
    """Runs `omnicore ARGUMENTS` in `tmp_path` (or `folder`) with pipes and returns what came out."""

    def run(*arguments: str, folder: Path = tmp_path, stdin: bytes = b"", **environment: str) -> Ran:
        done = subprocess.run(
            [*COMMAND, *map(str, arguments)],
            cwd=folder,
            input=stdin,
            capture_output=True,
            env=clean_environment(**environment),
            timeout=60,
            check=False,
        )
        return Ran(done.returncode, done.stdout.decode("utf-8", "replace"), done.stderr.decode(), done.stdout)

    return run
