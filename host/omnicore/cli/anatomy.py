"""What is in a plugin's file: kind, size, hash, exports, imports by who provides them, sections."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from omnicore.cli.bars import bar
from omnicore.cli.output import Cell
from omnicore.cli.plugin_text import size_text
from omnicore.plugins.manifest import callable_exports
from omnicore.sandbox.inspect import Export, FuncType, ModuleInfo, inspect
from omnicore.toolchains.imports import Imports, sorted_imports
from omnicore.toolchains.manifest import sections

__all__ = ["SECTION_HEADS", "Anatomy", "anatomy_rows", "dissected", "section_rows"]

SECTION_HEADS = ("section", "size", "")
_CORE = {
    **{0: "custom", 1: "types", 2: "imports", 3: "functions", 4: "tables", 5: "memories", 6: "globals"},
    **{7: "exports", 8: "start", 9: "elements", 10: "code", 11: "data", 12: "data count", 13: "tags"},
}
_COMPONENT = {
    **{0: "custom", 1: "core modules", 2: "core instances", 3: "core types", 4: "components", 5: "instances"},
    **{6: "aliases", 7: "types", 8: "canonical functions", 9: "start", 10: "imports", 11: "exports", 12: "values"},
}
_MOST = 40


@dataclass(frozen=True, slots=True)
class Anatomy:
    """A module or component; `sections` are its parts with their bytes, like ones together, the largest first."""

    info: ModuleInfo
    sha256: str
    imports: Imports
    sections: tuple[tuple[str, int], ...]

    def to_json(self) -> dict[str, Any]:
        """What `plugins inspect -o json` adds."""
        info = self.info
        return {
            "kind": info.kind,
            "size_bytes": info.size_bytes,
            "sha256": self.sha256,
            "exports": [{"name": one.name, "kind": one.kind, "type": _type(one)} for one in info.exports],
            "imports": [{"from": one.module, "name": one.name, "kind": one.kind} for one in info.imports],
            "doors": {door: list(names) for door, names in self.imports.doors.items()},
            "wasi": list(self.imports.wasi),
            "sections": [{"name": name, "size_bytes": size} for name, size in self.sections],
        }


def dissected(data: bytes) -> Anatomy:
    """What is in a file. Raises: ModuleRejected: it is no WebAssembly."""
    info = inspect(data)
    names = _COMPONENT if info.kind == "component" else _CORE
    sizes: dict[str, int] = {}
    for one in sections(data):
        kind = names.get(one.identifier, str(one.identifier))
        name = f"{kind} {one.name[:64]}" if one.identifier == 0 else kind
        sizes[name] = sizes.get(name, 0) + one.size
    ordered = tuple(sorted(sizes.items(), key=lambda item: (-item[1], item[0])))
    return Anatomy(info, hashlib.sha256(data).hexdigest(), sorted_imports(info), ordered)


def anatomy_rows(anatomy: Anatomy) -> Iterator[tuple[Cell, Cell]]:
    """The file in lines: what it exports and what it wants."""
    info, imports = anatomy.info, anatomy.imports
    yield "kind", f"{'component' if info.kind == 'component' else 'core module'}, {size_text(info.size_bytes)}"
    yield "file sha256", anatomy.sha256
    called = callable_exports(info)
    for label, names in (("exports", called), ("exports too", _others(info, called))):
        if names:
            yield label, _joined(names)
    for door, names in imports.doors.items():
        yield f"door {door}", _joined(names)
    others = tuple(f"{namespace}::{name}" for namespace, name in imports.others)
    # A component wants whole interfaces of WASI, a function more or less in them says nothing.
    wasi = tuple(dict.fromkeys(name.partition("::")[0] for name in imports.wasi))
    for label, names in (("guest ABI", imports.env), ("WASI", wasi), ("other imports", others)):
        if names:
            yield label, _joined(names)


def section_rows(anatomy: Anatomy) -> Iterator[tuple[Cell, ...]]:
    """The sections with a bar for the part each has in the file."""
    for name, size in anatomy.sections:
        yield name, size_text(size), bar(size, anatomy.info.size_bytes)


def _others(info: ModuleInfo, called: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(f"{one.name} {_type(one)}".strip() for one in info.exports if one.name not in called)


def _type(export: Export) -> str:
    if isinstance(export.type, FuncType):
        return f"({' '.join(export.type.params)}) -> ({' '.join(export.type.results)})"
    return export.kind


def _joined(names: tuple[str, ...]) -> str:
    return ", ".join(names[:_MOST]) + (f" and {len(names) - _MOST} more" if len(names) > _MOST else "")
