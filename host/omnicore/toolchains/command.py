"""Compilers as child processes: found or named with the command that installs them, and what they say on failure."""

from __future__ import annotations

import importlib.util
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from omnicore.errors import BuildFailed, ToolMissing

__all__ = ["program", "python_program", "run"]

_MOST_LINES = 60
# What npm, go and cargo say when they fetch packages and nobody answers.
_NO_NETWORK = re.compile(
    r"\bE(?:CONNREFUSED|NOTFOUND|AI_AGAIN|TIMEDOUT)\b|\bdial tcp\b|\bfailed to download\b|Could not (?:resolve|connect)"
)


def program(name: str, *, language: str, install: str) -> str:
    """The path of a program on PATH. Raises: ToolMissing, with the command that installs it."""
    found = shutil.which(name)
    if found is None:
        raise ToolMissing(f"{language} needs {name}, which is not on this machine", remedy=install, tool=name)
    return found


def python_program(module: str, *, language: str, install: str) -> list[str]:
    """The words that run a compiler installed as a Python package. Raises: ToolMissing."""
    if importlib.util.find_spec(module) is None:
        raise ToolMissing(f"{language} needs the package {module}, which is not installed", remedy=install, tool=module)
    return [sys.executable, "-m", module]


def run(words: Sequence[str], *, cwd: Path, language: str, env: Mapping[str, str] | None = None) -> str:
    """Runs a compiler to its end and returns what it printed.

    Args:
        env: variables beside those of this process.

    Raises: BuildFailed: it failed; `output` has its last lines.
    """
    done = subprocess.run(
        list(words),
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        check=False,
    )
    said = done.stdout.decode(errors="replace")
    if done.returncode != 0:
        shown = "\n".join(said.strip().splitlines()[-_MOST_LINES:])
        raise BuildFailed(
            f"{_named(words)} failed with code {done.returncode}:\n{shown}",
            remedy=_remedy(shown, language),
            output=shown,
        )
    return said


def _named(words: Sequence[str]) -> str:
    """The compiler's name, which for one that comes as a Python package is not that of Python."""
    return words[2] if words[1:2] == ["-m"] else Path(words[0]).name


def _remedy(said: str, language: str) -> str:
    if _NO_NETWORK.search(said):
        return "packages are fetched when they are first needed: check the network and the proxy's settings"
    return f"mend the {language} source"
