"""Builds the console when a wheel is made, so that who installs the wheel needs no Node.

Without Node, or without the network that `npm ci` needs, the wheel is made without the console, loudly.
`OMNICORE_CONSOLE=required` makes that a failure, `OMNICORE_CONSOLE=skip` does not even try.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

_NPM_S = 900


class ConsoleHook(BuildHookInterface):
    """The hook that pyproject.toml names."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Puts `web/dist`, freshly built, into the wheel as `omnicore/console`; an editable one needs none."""
        wish = os.environ.get("OMNICORE_CONSOLE", "")
        if version == "editable" or wish == "skip":
            return
        web = Path(self.root) / "web"
        failure = _build(web)
        if failure is None:
            build_data["force_include"][str(web / "dist")] = "omnicore/console"
        elif wish == "required":
            raise RuntimeError(f"the console could not be built: {failure}")
        else:
            _warn(failure)


def _build(web: Path) -> str | None:
    """Why there is no console, or None."""
    npm = shutil.which("npm")
    if npm is None:
        return "Node.js 20.19 or newer with npm is not there"
    for command in ([npm, "ci", "--no-audit", "--no-fund"], [npm, "run", "build"]):
        try:
            done = subprocess.run(
                command, cwd=web, timeout=_NPM_S, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            return f"{' '.join(command[1:])}: {error}"
        if done.returncode:
            last = done.stdout.decode(errors="replace").strip().splitlines()[-5:]
            return f"npm {' '.join(command[1:])} failed: " + " | ".join(last)
    return None


def _warn(failure: str) -> None:
    line = "*" * 78
    remedy = "Everything else works. OMNICORE_CONSOLE=required fails instead."
    sys.stderr.write(f"\n{line}\n* This wheel has NO CONSOLE: {failure}\n* {remedy}\n{line}\n")
