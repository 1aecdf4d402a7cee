"""What the steps of workflows do in a host: its services put together, and the plugins that scripts run in."""

from __future__ import annotations

import hashlib
import tempfile
from pathlib import Path
from typing import Literal

from omnicore.config.folders import code_folder
from omnicore.config.settings import Settings
from omnicore.errors import BuildFailed
from omnicore.files import only_one, write_whole
from omnicore.sandbox.engine import Engine
from omnicore.toolchains.languages import load
from omnicore.wiring.engines import engine_for
from omnicore.workflows.steps.step import Scripting

__all__ = ["scripting"]

_ENTRIES = {"js": "script.js", "python": "script.py"}


def scripting(settings: Settings) -> Scripting:
    """Builds the plugins of scripts with the toolchains that are installed, and keeps them in the folder of data."""
    folder = settings.data / "scripts"

    def build(language: Literal["js", "python"], source: str) -> bytes:
        kept = folder / f"{hashlib.sha256(source.encode()).hexdigest()}.wasm"
        with only_one(kept):
            if kept.is_file():
                return kept.read_bytes()
            wasm = _built(language, source)
            write_whole(kept, wasm)
            return wasm

    def engine() -> Engine:
        return engine_for(settings, code_folder(settings.data))

    return Scripting(build, engine)


def _built(language: str, source: str) -> bytes:
    toolchain = load(language)
    with tempfile.TemporaryDirectory(prefix="omnicore-script-") as scratch:
        entry = Path(scratch) / _ENTRIES[language]
        entry.write_text(source, "utf-8")
        found = toolchain.find(entry)
        if found is None:
            raise BuildFailed(f"{entry.name} is no source that can be built", remedy="install omnicore once more")
        return toolchain.build(found, lambda line: None).wasm
