"""Which modules are so small and plain that compiling them cannot hurt the process that does it."""

from __future__ import annotations

from omnicore.errors import ModuleRejected
from omnicore.sandbox.wasm_reader import Reader
from omnicore.sandbox.wasm_types import ModuleInfo

__all__ = ["harmless"]

_CODE_BYTES = 4_096
_COMPONENT_BYTES = 16_384
_MOST_MODULES = 4
_DATA_BYTES = 1_048_576
_MOST = 256
_WIDEST_TYPE = 100
# Worst cases found within these bounds, wasmtime 50, one thread, fuel counted: 400 memory.grow instructions
# 40 ms, 400 nested loops 15 ms, 60 locals changed in 100 nested loops 20 ms.
_MOST_JOINS = 400
_MOST_MOVES = 20_000
# Where control flow forks, joins or leaves for the runtime, the compiler may have to move every live value:
# block loop if else try throw br br_if br_table return calls try_table table.get table.set memory.grow.
# Immediates that happen to hold the same byte are counted too.
_JOINS = bytes.fromhex("02 03 04 05 06 08 0c 0d 0e 0f 10 11 12 13 1f 25 26 40")
_BRANCH_TABLE = 0x0E


def harmless(info: ModuleInfo) -> bool:
    """Whether compiling in the host's own process is cheap: under 50 ms for the worst found within bounds.

    Components with others inside never are: the engine makes code for what these pass each other, which grows with
    the types and not with the file.
    """
    if info.component is not None:
        found = info.component
        plain = info.size_bytes <= _COMPONENT_BYTES and not found.nested and len(found.modules) <= _MOST_MODULES
        return plain and all(harmless(module) for module in found.modules)
    small = (
        info.kind == "core"
        and info.code_bytes <= _CODE_BYTES
        and info.data_bytes <= _DATA_BYTES
        and info.element_bytes <= _CODE_BYTES
        and info.widest_type <= _WIDEST_TYPE
        and max(info.types, info.functions, info.globals, info.elements, info.data_segments) <= _MOST
        and max(len(info.imports), len(info.exports)) <= _MOST
    )
    return small and _plain(bytes(info.code), info.widest_type)


def _plain(code: bytes, widest_type: int) -> bool:
    reader = Reader(code, 0, len(code))
    all_joins = all_moves = 0
    try:
        for _ in range(reader.u32() if code else 0):
            values, joins, targets = _measure(reader)
            all_joins += joins
            all_moves += (values + widest_type + 1) * (joins + targets + 1)
    except ModuleRejected:
        return False
    return all_joins <= _MOST_JOINS and all_moves <= _MOST_MOVES


def _measure(reader: Reader) -> tuple[int, int, int]:
    """Of the next body: locals, places where values may have to move, and branch targets at most."""
    size = reader.u32()
    body = Reader(reader.data, reader.position, reader.position + size)
    reader.take(size)
    values = 0
    for _ in range(body.count("locals", _CODE_BYTES, entry_bytes=2)):
        values += body.u32()
        body.byte()
    rest = body.data[body.position : body.end]
    joins = len(rest) - len(rest.translate(None, _JOINS))
    return values, joins, len(rest) if _BRANCH_TABLE in rest else 0
