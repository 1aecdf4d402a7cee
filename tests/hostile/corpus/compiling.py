"""Cases 31 to 45: small or large files that cost a compiler far more than they are."""

from __future__ import annotations

from tests.hostile import wasm_builder as wb

_BR_IF = b"\x41\0\x0d\0"
_DROP = b"\x1a"


def loop_phi(depth: int = 400, carried: int = 800) -> bytes:
    """Every nested loop carries every local: joins times locals. 9 KB took 16 to 24 s."""
    change = b"".join(
        b"\x20" + wb.u32(n) + b"\x20" + wb.u32((n * 7 + 1) % carried) + b"\x6a\x21" + wb.u32(n) for n in range(carried)
    )
    code = b"\x03\x40" * depth + change + (_BR_IF + wb.END) * depth
    return wb.run_module(code, [(carried, wb.I32)])


def loop_phi_40_kb() -> bytes:
    return loop_phi(2_500, 2_700)


def phi_bomb() -> bytes:
    """0.96 MB: many blocks with an early exit, each exit joining hundreds of changed locals."""
    carried = 1_000
    piece = b"".join(b"\x41" + wb.s32(n) + b"\x21" + wb.u32(n) + _BR_IF for n in range(carried))
    return wb.run_module((b"\x02\x40" + piece + wb.END) * 100, [(carried, wb.I32)])


def nested_loops() -> bytes:
    return wb.run_module(b"\x03\x40" * 300_000 + wb.END * 300_000)


def many_functions(count: int = 900_000) -> bytes:
    builder = wb.ModuleBuilder(functions=[0] * count, bodies=[wb.body(b"")] * count)
    return builder.build()


def many_functions_allowed() -> bytes:
    return many_functions(100_000)


def many_types() -> bytes:
    kinds = (wb.I32, wb.I64, wb.F32, wb.F64)
    types = [wb.func_type([kinds[n >> shift & 3] for shift in range(0, 20, 2)]) for n in range(500_000)]
    return wb.ModuleBuilder(types=types).build()


def many_elements() -> bytes:
    segment = b"\x01\0" + wb.u32(10_000_000) + bytes(10_000_000)
    return wb.ModuleBuilder(functions=[0], elements=[segment], bodies=[wb.body(b"")]).build()


def many_element_segments() -> bytes:
    return wb.ModuleBuilder(functions=[0], elements=[b"\x01\0\0"] * 1_000_000, bodies=[wb.body(b"")]).build()


def huge_body() -> bytes:
    # One basic block of 7.5 MB: load, add, store over and over.
    step = b"\x41\0\x41\0\x28\x02\0\x41\x05\x6a\x36\x02\0"
    return wb.run_module(step * (7_500_000 // len(step)))


def nested_blocks() -> bytes:
    return wb.run_module(b"\x02\x40" * 1_000_000 + wb.END * 1_000_000)


def nested_ifs() -> bytes:
    return wb.run_module(b"\x41\0\x04\x40" * 400_000 + wb.END * 400_000)


def branch_table() -> bytes:
    return wb.run_module(b"\x41\0\x0e" + wb.u32(1_000_000) + bytes(1_000_001))


def locals_50_k() -> bytes:
    return wb.run_module(b"", [(50_000, wb.I32)])


def locals_4_g() -> bytes:
    return wb.run_module(b"", [(2**32 - 1, wb.I64)])


def custom_200_mb() -> bytes:
    return wb.run_module(b"", (), wb.custom("x", bytes(200_000_000)))


def custom_9_mb() -> bytes:
    return wb.run_module(b"", (), wb.custom("x", bytes(9_000_000)))


def many_imports() -> bytes:
    return wb.ModuleBuilder(imports=[wb.imported("a", "b", b"\0\0")] * 900_000).build()


def many_exports() -> bytes:
    exports = [wb.export(f"{n:x}", wb.FUNCTION, 0) for n in range(500_000)]
    return wb.ModuleBuilder(functions=[0], exports=exports, bodies=[wb.body(b"")]).build()


def component_type_bomb() -> bytes:
    # Tuples of tuples: each level doubles what a value of the type would hold.
    levels = b"".join(b"\x6f\x02" + wb.u32(n) * 2 for n in range(64))
    return b"\0asm\x0d\0\x01\0" + wb.section(7, wb.u32(65) + b"\x6f\x02\x79\x79" + levels)


def component_nesting() -> bytes:
    inner = b"\0asm\x0d\0\x01\0"
    for _ in range(500):
        inner = b"\0asm\x0d\0\x01\0" + wb.section(4, inner)
    return inner


def code_amplifier() -> bytes:
    """40 KB whose quickly allocated code is 96 MB: few changes, very many joins over very many locals."""
    return loop_phi(3_000, 2_400)


def memory_grow_chain() -> bytes:
    """Each instruction is a call into the runtime on the result of the one before."""
    return wb.run_module(b"\x41\0" + b"\x40\0" * 200_000 + _DROP)
