"""Builds the console once in a clone, where it did not come with the package."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from omnicore.api.console import HOME, WEB, built_console
from omnicore.cli.output import Output

__all__ = ["build_console"]

_BUILD_S = 600


def build_console(output: Output) -> None:
    """Builds it where it is missing and Node is there; otherwise says what to do. A failure harms nothing else."""
    if (
        built_console() is not None
        or not (WEB / "package.json").is_file()
        or os.environ.get("OMNICORE_CONSOLE") == "skip"
    ):
        return
    npm = shutil.which("npm")
    if npm is None:
        output.say(f"The console is not built: install Node.js 20.19 or newer, then run again. {HOME} tells more.")
        return
    output.say("Building the console, once; OMNICORE_CONSOLE=skip leaves it out.")
    with output.waiting("Building the console"):
        failure = _build(npm, WEB)
    if failure:
        output.say(f"The console could not be built ({failure}). Everything else works; {HOME} tells what to do.")


def _build(npm: str, web: Path) -> str | None:
    """Installs what the build needs, when that is missing, and builds. Tells why it could not."""
    steps = [] if (web / "node_modules").is_dir() else [[npm, "ci", "--no-audit", "--no-fund"]]
    for command in (*steps, [npm, "run", "build"]):
        try:
            done = subprocess.run(
                command, cwd=web, timeout=_BUILD_S, stdin=subprocess.DEVNULL, capture_output=True, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"npm {command[1]}: {error}"
        if done.returncode:
            lines = done.stderr.decode(errors="replace").strip().splitlines()
            return f"npm {command[1]}: {lines[-1] if lines else f'exit code {done.returncode}'}"
    return None
