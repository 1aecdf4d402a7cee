"""The manifest that goes into a module: what the source's kit says, and `plugin.toml`, which wins."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnicore.errors import BuildFailed, ModuleRejected
from omnicore.sandbox.wasm import Reader, write_u32

FILE = "plugin.toml"
_SECTION = "omnicore:manifest"
_HEADS = (b"\0asm\x01\0\0\0", b"\0asm\x0d\0\x01\0")


@dataclass(frozen=True, slots=True)
class RawSection:
    """A section as it stands in the file, header included; `name` is that of a custom one."""

    identifier: int
    name: str
    start: int
    end: int

    @property
    def size(self) -> int:
        """Bytes of it in the file."""
        return self.end - self.start


def merged(*described: Mapping[str, Any]) -> dict[str, Any]:
    """One manifest of several; a later one wins, key by key, also within `limits` and each of the `functions`."""
    values: dict[str, Any] = {}
    functions: dict[str, dict[str, Any]] = {}
    for one in described:
        limits = {**values.get("limits", {}), **one.get("limits", {})}
        values.update({**one, **({"limits": limits} if limits else {})})
        for name, function in one.get("functions", {}).items():
            functions.setdefault(name, {}).update(function)
    return {**values, "functions": functions} if functions else values


def toml_values(folder: Path) -> tuple[bytes | None, dict[str, Any]]:
    """The bytes of `plugin.toml` in a folder, None where there is none, and what it says.

    Invalid TOML is ignored here: the check of the bytes reports it with its line.

    Raises: BuildFailed: it is no file, or one that may not be read.
    """
    try:
        data = folder.joinpath(FILE).read_bytes()
    except FileNotFoundError:
        return None, {}
    except OSError as error:
        raise BuildFailed(f"{FILE} cannot be read: {error.strerror}", remedy="make it a file you may read") from error
    try:
        return data, tomllib.loads(data.decode())
    except (ValueError, RecursionError):
        return data, {}


def embedded(values: Mapping[str, Any]) -> bytes:
    """A manifest as it is embedded: the same values give the same bytes."""
    return json.dumps(values, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def with_manifest(wasm: bytes, manifest: bytes) -> bytes:
    """The module or component with this manifest, at its end, and no other. Raises: ModuleRejected."""
    kept = [wasm[one.start : one.end] for one in sections(wasm) if (one.identifier, one.name) != (0, _SECTION)]
    name = _SECTION.encode()
    body = write_u32(len(name)) + name + manifest
    return b"".join([wasm[:8], *kept, b"\0", write_u32(len(body)), body])


def sections(wasm: bytes) -> Iterator[RawSection]:
    """The sections of a module or component in their order. Raises: ModuleRejected."""
    if wasm[:8] not in _HEADS:
        raise ModuleRejected("this is not a WebAssembly module", remedy="build the plugin again")
    reader = Reader(wasm, 8, len(wasm))
    while reader.position < reader.end:
        start, identifier, size = reader.position, reader.byte(), reader.u32()
        end = reader.position + size
        if end > reader.end:
            raise ModuleRejected("the file ends inside a section", remedy="build the plugin again", offset=start)
        name = Reader(wasm, reader.position, end).name() if identifier == 0 else ""
        reader.position = end
        yield RawSection(identifier, name, start, end)
