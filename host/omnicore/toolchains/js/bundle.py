"""TypeScript and npm packages, put into one file by esbuild."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnicore.errors import ToolMissing
from omnicore.toolchains.command import run
from omnicore.toolchains.js.sourcemap import stretches
from omnicore.toolchains.toolchain import Report, Source

__all__ = ["Bundle", "bundled"]

_NAME = "plugin.js"
_FLAGS = (
    "--bundle",
    "--format=cjs",
    "--platform=browser",  # the builds of packages that need nothing of Node
    "--target=es2023",
    "--external:omnicore",
    '--define:process.env.NODE_ENV="production"',
    "--define:global=globalThis",
    "--sourcemap=external",
    "--charset=utf8",
    "--log-level=warning",
    "--color=false",
)


@dataclass(frozen=True, slots=True)
class Bundle:
    """One file of JavaScript. `map` leads from its lines to those of the author, for errors."""

    name: str
    text: str
    map: Mapping[str, Any] | None = None


def bundled(source: Source, report: Report) -> Bundle:
    """The source with all it imports, the kit aside.

    Raises:
        ToolMissing: there is no esbuild.
        BuildFailed: it does not parse, or imports what is not there.
    """
    program = _esbuild(source.folder)
    entry = source.entry.relative_to(source.folder).as_posix()
    report(f"bundling {entry}")
    with tempfile.TemporaryDirectory(prefix="omnicore-js-") as scratch:
        made = Path(scratch) / _NAME
        run([program, f"./{entry}", *_FLAGS, f"--outfile={made}"], cwd=source.folder, language="JavaScript")
        text = made.read_text("utf-8")
        found = json.loads(made.with_name(f"{_NAME}.map").read_text("utf-8"))
        sources = [_relative(made.parent / one, source.folder) for one in found["sources"]]
    return Bundle(_NAME, text, {"name": _NAME, **stretches(found["mappings"], sources)})


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(os.path.realpath(path), folder.resolve())).as_posix()


def _esbuild(folder: Path) -> str:
    """The nearest one: of the project, of a folder above it, or on PATH. Raises: ToolMissing."""
    places = [above / "node_modules" / ".bin" / "esbuild" for above in (folder, *folder.resolve().parents)]
    found = next((str(place) for place in places if place.is_file()), None) or shutil.which("esbuild")
    if found is None:
        first = "" if shutil.which("npm") else "`pip install 'omnicore[js]'` for npm, then "
        raise ToolMissing(
            "TypeScript and npm packages need esbuild, which is not on this machine",
            remedy=f"{first}run `npm install --save-dev esbuild` in {folder.name}; plain JavaScript needs nothing",
            tool="esbuild",
        )
    return found
