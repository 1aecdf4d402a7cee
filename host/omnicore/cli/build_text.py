"""What was built, as rows and lines for people."""

from __future__ import annotations

import hashlib
import json
import os
import shlex
from collections.abc import Callable, Collection, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from time import perf_counter

from omnicore.cli.output import Cell, Output
from omnicore.cli.plugin_text import in_words, size_text
from omnicore.errors import OmniError
from omnicore.toolchains.build import Plugin, build
from omnicore.toolchains.languages import LANGUAGES
from omnicore.toolchains.toolchain import Source, Toolchain

__all__ = ["Work", "built", "quoted", "short_path", "show_failure", "show_plugin"]


@dataclass(frozen=True, slots=True)
class Work:
    """A source that is built once or again and again; `allowed` are imports that a host application provides."""

    toolchain: Toolchain
    source: Source
    name: str | None = None
    allowed: Collection[str] = ()


def built(work: Work, report: Callable[[str], None]) -> tuple[Plugin, float]:
    """The plugin, and the seconds it took. Raises: what `omnicore.toolchains.build.build` raises."""
    started = perf_counter()
    plugin = build(work.toolchain, work.source, report=report, name=work.name, allowed=work.allowed)
    return plugin, perf_counter() - started


def show_plugin(output: Output, plugin: Plugin, file: Path, took_s: float) -> None:
    """The result as a table or lines, then what the author should know."""
    shown = short_path(file)
    if output.is_json:
        output.document({**plugin.to_json(), "file": str(file), "took_s": round(took_s, 3)})
        return
    output.rows(("plugin", plugin.manifest.name), _rows(plugin, shown, took_s))
    for words, lines, style in (("warning", plugin.warnings, "yellow"), ("note", plugin.notes, "dim")):
        for line in lines:
            output.say(f"{words}: {line}", style)


def show_failure(output: Output, error: OmniError) -> None:
    """A failure that does not end the command."""
    if output.is_json:
        output.document({"error": error.to_json()})
    else:
        output.say(f"error: {error}", "red")


def short_path(file: Path) -> str:
    """The path from here, where that is shorter."""
    absolute = str(file)
    with suppress(ValueError):
        return min(os.path.relpath(file), absolute, key=len)
    return absolute


def quoted(file: Path) -> str:
    """The path as a shell takes it."""
    return shlex.quote(short_path(file))


def _rows(plugin: Plugin, shown: str, took_s: float) -> Iterator[tuple[Cell, Cell]]:
    manifest, imports = plugin.manifest, plugin.imports
    language = LANGUAGES[plugin.language].title if plugin.language in LANGUAGES else plugin.language
    yield "file", shown
    yield "built", f"from {language} in {took_s:.1f} s" + (", a component" if plugin.kind == "component" else "")
    yield "size", f"{size_text(len(plugin.wasm))} ({len(plugin.wasm)} bytes)"
    yield "sha256", hashlib.sha256(plugin.wasm).hexdigest()
    if manifest.version:
        yield "version", manifest.version
    for function in manifest.functions:
        yield "function", in_words(function)
    for one in manifest.capabilities:
        scope = f" {json.dumps(dict(one.scope), ensure_ascii=False)}" if one.scope else ""
        yield "asks for", f"{one.name}{scope}  because: {one.reason}"
    if not manifest.capabilities:
        yield "asks for", "nothing"
    for door, names in imports.doors.items():
        yield "uses", f"{door}: {', '.join(names)}"
