"""Whether what one module exports can stand for what another imports, by their declared types."""

from __future__ import annotations

from omnicore.sandbox.wasm_types import ExternType, GlobalType, MemoryType, TableType

__all__ = ["described", "fits"]


def fits(wanted: ExternType | None, provided: ExternType | None) -> bool:
    """Source: the WebAssembly specification, import matching."""
    if isinstance(wanted, MemoryType) and isinstance(provided, MemoryType):
        alike = (wanted.shared, wanted.wide) == (provided.shared, provided.wide)
        return alike and _within(_pages(wanted), _pages(provided))
    if isinstance(wanted, TableType) and isinstance(provided, TableType):
        alike = (wanted.element, wanted.wide) == (provided.element, provided.wide)
        return alike and _within((wanted.minimum, wanted.maximum), (provided.minimum, provided.maximum))
    return wanted == provided


def described(kind: ExternType | None) -> str:
    """A memory, table or global in words."""
    match kind:
        case MemoryType():
            return f"a memory of {_bounds(*_pages(kind))} pages"
        case TableType():
            return f"a table of {_bounds(kind.minimum, kind.maximum)} {kind.element}"
        case GlobalType():
            return f"a {'mutable' if kind.mutable else 'constant'} {kind.value} global"
    return "something else"


def _pages(memory: MemoryType) -> tuple[int, int | None]:
    return memory.minimum_pages, memory.maximum_pages


def _within(wanted: tuple[int, int | None], provided: tuple[int, int | None]) -> bool:
    if provided[0] < wanted[0]:
        return False
    return wanted[1] is None or (provided[1] is not None and provided[1] <= wanted[1])


def _bounds(least: int, most: int | None) -> str:
    return f"{least} or more" if most is None else f"{least} to {most}"
