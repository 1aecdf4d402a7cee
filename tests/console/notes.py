"""A plugin in two versions: the second has another module, a function more, and asks for more."""

from __future__ import annotations

from pathlib import Path

from tests.api.conftest import MANY

__all__ = ["first_files", "second_files"]

_FIRST = """
name = "notes"
version = "1.0.0"
description = "Gives back what it is told."
author = "Ada"
[[capabilities]]
name = "kv"
reason = "Keeps your notes between calls"
scope = { max_keys = 10 }
[functions.echo]
description = "Gives the value back"
output = { type = "object" }
[functions.echo.input]
type = "object"
required = ["value"]
properties = { value = { type = "string", title = "Value" } }
[functions.warn]
description = "Logs what it is given"
input_media = "text/plain"
[config]
type = "object"
properties = { tone = { type = "string", title = "Tone", default = "calm" } }
"""
_SECOND = (
    _FIRST.replace("1.0.0", "2.0.0").replace("Logs what it is given", "Logs what it is told")
    + """
[functions.fail]
description = "Always fails"
[limits]
timeout_s = 3.0
[[capabilities]]
name = "http"
reason = "Looks words up"
scope = { hosts = ["words.example.org"] }
"""
)


def first_files(folder: Path) -> list[Path]:
    """The module and the manifest of the first version, written into a new folder."""
    return _files(folder, MANY, _FIRST)


def second_files(folder: Path) -> list[Path]:
    """The same of the second."""
    return _files(folder, MANY.replace("300000000", "1000"), _SECOND)


def _files(folder: Path, module: str, manifest: str) -> list[Path]:
    folder.mkdir()
    files = [folder / "notes.wat", folder / "notes.toml"]
    files[0].write_text(module)
    files[1].write_text(manifest)
    return files
