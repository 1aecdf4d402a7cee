"""From source to a plugin that a host would take: compiled, described, checked, with its manifest in it."""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnicore.capabilities.doors import DOORS
from omnicore.config.settings import LARGEST_LIMITS
from omnicore.errors import InvalidSetting, ManifestInvalid
from omnicore.plugins.install import write_whole
from omnicore.plugins.intake import read_module
from omnicore.plugins.manifest import Manifest, callable_exports, name_of_stem, read_manifest
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.inspect import ModuleInfo, inspect
from omnicore.toolchains.describe import described
from omnicore.toolchains.imports import Imports, check_imports, lines_to_ask
from omnicore.toolchains.manifest import FILE, embedded, merged, toml_values, with_manifest
from omnicore.toolchains.toolchain import Built, Report, Source, Toolchain

__all__ = ["Plugin", "build", "target", "write"]

_OPEN = frozenset(door.name for door in DOORS if not door.needs_grant)
_IMPORTED = frozenset(door.name for door in DOORS if door.verbs)
_LIMITS = (Limits(), LARGEST_LIMITS)


@dataclass(frozen=True, slots=True)
class Plugin:
    """A plugin as built. `warnings` are for the author to mend, `notes` to know."""

    language: str
    wasm: bytes
    kind: str
    manifest: Manifest
    imports: Imports
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The plugin as `-o json` shows it, its bytes as size and hash."""
        manifest = self.manifest
        return {
            "plugin": manifest.name,
            "version": manifest.version,
            "language": self.language,
            "kind": self.kind,
            "size_bytes": len(self.wasm),
            "sha256": hashlib.sha256(self.wasm).hexdigest(),
            "functions": {function.name: function.to_json() for function in manifest.functions},
            "asks": [
                {"name": one.name, "scope": dict(one.scope), "reason": one.reason} for one in manifest.capabilities
            ],
            "doors": {door: list(names) for door, names in self.imports.doors.items()},
            "wasi": list(self.imports.wasi),
            "others": [f"{namespace}::{name}" for namespace, name in self.imports.others],
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }


def build(
    toolchain: Toolchain,
    source: Source,
    *,
    report: Report,
    name: str | None = None,
    allowed: Collection[str] = (),
) -> Plugin:
    """Compiles a source and makes a plugin of it; nothing is written.

    Args:
        name: instead of the one in the manifest.
        allowed: imports that a host application provides.

    Raises:
        ToolMissing, BuildFailed: see `omnicore.toolchains.toolchain.Toolchain.build`.
        LinkFailed: it imports what nobody provides.
        ManifestInvalid, ModuleRejected: a host would not take it.
    """
    toml, values = toml_values(source.folder)
    if toml is not None and not values:
        _check_toml(toml, source, ModuleInfo("core", 0))
    built = toolchain.build(source, report)
    info = inspect(built.wasm)
    imports = check_imports(info, allowed)
    says = merged(built.described, described(built.wasm, info, report))
    if toml is not None:
        _check_toml(toml, source, info)
    given = {"name": name} if name else {}
    own_name = {"name": name_of_stem(source.name)}
    return _finished(source, built, imports, merged(own_name, says, values, given))


def target(path: Path, plugin: Plugin, out: Path | None) -> Path:
    """Where a plugin is written: `out`, else `plugins/NAME.wasm` in a folder and `NAME.wasm` beside a file.

    Raises: InvalidSetting: that would overwrite the source.
    """
    if out is not None:
        if path.is_file() and out.exists() and out.samefile(path):
            raise InvalidSetting(f"{out} is the source itself", remedy="name another file with -o")
        return out
    name = f"{plugin.manifest.name}.wasm"
    return path / "plugins" / name if path.is_dir() else path.with_name(name)


def write(file: Path, plugin: Plugin) -> None:
    """Puts the file in place in one step. Raises: StorageFailed."""
    write_whole(file.absolute().parent, file.name, plugin.wasm)


def _check_toml(toml: bytes, source: Source, info: ModuleInfo) -> None:
    """Tells what is wrong in the author's own file, with its line, before it is merged with anything."""
    try:
        read_manifest(source.name, info, sidecar=toml, sidecar_path=FILE)
    except ManifestInvalid as error:
        error.details["path"] = str(source.folder / FILE)
        raise


def _finished(source: Source, built: Built, imports: Imports, values: Mapping[str, Any]) -> Plugin:
    wasm = with_manifest(built.wasm, embedded(values))
    _, manifest = read_module(source.name, wasm, text=False, sidecar=None, sidecar_path="", limits=_LIMITS)
    info = inspect(wasm)
    return Plugin(
        language=source.language,
        wasm=wasm,
        kind=info.kind,
        manifest=manifest,
        imports=imports,
        warnings=tuple(_warnings(source, manifest, imports, info)),
        notes=tuple(_notes(built, manifest, imports, info)),
    )


def _warnings(source: Source, manifest: Manifest, imports: Imports, info: ModuleInfo) -> Iterator[str]:
    if info.kind == "core" and not manifest.functions:
        yield "it has no function to call: export one that takes nothing and returns an i32"
    if _chosen(imports, info):
        # A JavaScript engine takes Extism's globals along wherever it cannot rule out that they are used.
        used = frozenset(imports.doors) if source.language == "js" else imports.used
        for door in sorted(used - {one.name for one in manifest.capabilities} - _OPEN):
            yield f"it uses {door} and does not ask for it, so every call of it is refused; add to {FILE}:\n" + (
                lines_to_ask(door)
            )


def _chosen(imports: Imports, info: ModuleInfo) -> bool:
    """Whether it imports what it uses: a component can import the whole world, used or not."""
    return info.kind == "core" or len(imports.doors) < len(_IMPORTED)


def _notes(built: Built, manifest: Manifest, imports: Imports, info: ModuleInfo) -> Iterator[str]:
    yield from built.notes
    if _chosen(imports, info):
        for one in manifest.capabilities:
            if one.name in _IMPORTED - imports.used - _OPEN:
                yield f"it asks for {one.name} and never uses it: take it out of the manifest"
    if imports.wasi and info.kind == "core":
        yield f"it imports {len(imports.wasi)} WASI functions: it gets a clock and random bytes, no files, no network"
    if imports.others:
        others = ", ".join(f"{namespace}::{name}" for namespace, name in imports.others)
        yield f"only a host application that provides {others} can run it"
    hidden = sorted({*callable_exports(info)} - {function.name for function in manifest.functions})
    if hidden:
        names = ", ".join(hidden[:10])
        yield f"exported, but in no manifest, so nobody can call: {names}; add [functions.{hidden[0]}] to {FILE}"
