"""The reader sees what wasmtime sees, and refuses what is no module."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import wasmtime
from tests.hostile import wasm_builder as wb

from omnicore.errors import ModuleRejected
from omnicore.sandbox.inspect import FuncType, GlobalType, MemoryType, TableType, inspect

ROOT = Path(__file__).parents[2]

RICH = """(module
  (import "extism:host/env" "alloc" (func (param i64) (result i64)))
  (import "lib" "m" (memory 1 5))
  (import "lib" "t" (table 2 7 funcref))
  (import "lib" "g" (global (mut f32)))
  (type (func (param f32 externref funcref f64) (result i32 i64)))
  (table 3 externref)
  (global $own (export "own") i64 (i64.const -9_000_000_000))
  (global v128 (v128.const i64x2 1 2))
  (global (mut f64) (f64.const 3))
  (global funcref (ref.func $run))
  (global i32 (i32.add (i32.const 1) (i32.mul (i32.const 3) (i32.const 4))))
  (func $run (export "run") (result i32) i32.const 0)
  (func (export "wide") (type 0) unreachable)
  (func $go)
  (export "alloc" (func 0)) (export "memory" (memory 0)) (export "table" (table 1)) (export "g" (global 0))
  (start $go)
  (elem (i32.const 0) $run) (data "abc") (data (i32.const 4) "xyz"))"""

SAMPLES = {
    "empty": "(module)",
    "rich": RICH,
    "memory": '(module (memory (export "memory") 2 9))',
    "many types": "(module " + "".join(f"(type (func (param {'i32 ' * n})))" for n in range(300)) + ")",
    "many functions": "(module " + "".join(f'(func (export "f{n}") (param i64))' for n in range(700)) + ")",
    "types over 127": "(module "
    + "".join(f"(type $t{n} (func (param {'i32 ' * n})))" for n in range(200))
    + "".join(f'(func (export "f{n}") (type $t{n}))' for n in range(200))
    + ")",
}


def built_modules() -> list[Path]:
    """Modules that other toolchains built for this project's plugins and tests."""
    return sorted([*ROOT.glob("plugins/*/dist/*.wasm"), *ROOT.glob("tests/guests/*/*.wasm")])


def _names(types: list[wasmtime.ValType]) -> tuple[str, ...]:
    # wasmtime's binding calls funcref anyfunc in places, and externref anyref.
    names = {"anyfunc": "funcref", "anyref": "externref"}
    return tuple(names.get(str(kind), str(kind)) for kind in types)


def _shape(kind: object) -> object:
    """What wasmtime says of a type, in the words of the reader."""
    if isinstance(kind, wasmtime.FuncType):
        return "function", _names(kind.params), _names(kind.results)
    if isinstance(kind, wasmtime.MemoryType):
        return "memory", kind.limits.min, kind.limits.max
    if isinstance(kind, wasmtime.TableType):
        return "table", *_names([kind.element]), kind.limits.min, kind.limits.max
    assert isinstance(kind, wasmtime.GlobalType)
    return "global", *_names([kind.content]), kind.mutable


def _ours(kind: object) -> object:
    if isinstance(kind, FuncType):
        return "function", kind.params, kind.results
    if isinstance(kind, MemoryType):
        return "memory", kind.minimum_pages, kind.maximum_pages
    if isinstance(kind, TableType):
        return "table", kind.element, kind.minimum, kind.maximum
    assert isinstance(kind, GlobalType)
    return "global", kind.value, kind.mutable


def _agrees(data: bytes) -> None:
    module = wasmtime.Module(wasmtime.Engine(), data)
    info = inspect(data)
    theirs = [(one.module, one.name, _shape(one.type)) for one in module.imports]
    assert [(one.module, one.name, _ours(one.type)) for one in info.imports] == theirs
    exports = [(one.name, _shape(one.type)) for one in module.exports]
    assert [(one.name, _ours(one.type)) for one in info.exports] == exports


@pytest.mark.parametrize("name", SAMPLES)
def test_imports_and_exports_agree_with_wasmtime(name: str) -> None:
    _agrees(wasmtime.wat2wasm(SAMPLES[name]))


@pytest.mark.slow
@pytest.mark.parametrize("path", [path for path in built_modules() if path.stat().st_size < 1_000_000], ids=str)
def test_modules_of_real_toolchains_agree_with_wasmtime(path: Path) -> None:
    _agrees(path.read_bytes())


@pytest.mark.parametrize("path", built_modules(), ids=str)
def test_modules_of_real_toolchains_are_read(path: Path) -> None:
    info = inspect(path.read_bytes())
    assert info.kind == "core"
    assert info.functions > 0


def test_the_summary_counts_what_the_module_defines() -> None:
    info = inspect(wasmtime.wat2wasm(RICH))
    assert info.has_start
    assert (info.functions, info.globals, info.elements, info.data_segments) == (3, 6, 1, 2)
    assert [memory.imported for memory in info.memories] == [True]
    assert [table.imported for table in info.tables] == [True, False]
    assert "externref" in info.features


def test_vectors_in_types_are_read() -> None:
    # Not compared with wasmtime: its binding aborts the process when asked for the name of v128.
    info = inspect(wasmtime.wat2wasm('(module (func (export "v") (param v128)) (global v128 (v128.const i64x2 1 2)))'))
    assert info.exports[0].type == FuncType(("v128",), ())
    assert "simd" in info.features


def test_the_largest_function_is_read_from_its_size_prefix() -> None:
    info = inspect(wb.run_module(b"\x01" * 500))
    assert info.largest_function_bytes == 502
    assert info.code_bytes == 505


def test_custom_sections_are_views_of_at_most_a_mebibyte_and_the_first_of_a_name_counts() -> None:
    tail = (
        wb.custom("omnicore:manifest", b"{}"),
        wb.custom("omnicore:manifest", b"no"),
        wb.custom("big", bytes(2**21)),
    )
    info = inspect(wb.run_module(b"", (), *tail))
    assert bytes(info.custom["omnicore:manifest"]) == b"{}"
    assert len(info.custom["big"]) == 2**20


def test_a_component_is_told_apart() -> None:
    assert inspect(b"\0asm\x0d\0\x01\0").kind == "component"
    assert inspect(wasmtime.wat2wasm("(component)")).kind == "component"


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"\0asm", "only a header"),
        (b"\0asm\x63\0\0\0", "version 99"),
        (b"\0asm\x01\0\0", "only a header"),
        (b"\x7fELF\x02\x01\x01\0", "precompiled"),
        (b"  (module)", "text"),
        (b"random bytes", "not a WebAssembly module"),
    ],
)
def test_files_that_are_no_module_say_what_they_are(data: bytes, reason: str) -> None:
    with pytest.raises(ModuleRejected, match=reason):
        inspect(data)


BROKEN = {
    "section longer than the file": (wb.MAGIC + b"\x01\xff\xff\xff\xff\x0f", "announces"),
    "number without end": (wb.MAGIC + b"\x01" + b"\x80" * 9, "longer than its type"),
    "number over 32 bits": (wb.MAGIC + b"\x01\xff\xff\xff\xff\x1f", "too large"),
    "count over the bytes": (wb.MAGIC + wb.section(1, wb.u32(4_000_000_000)), "more than it has bytes for"),
    "section ends early": (wb.MAGIC + wb.section(1, b"\x01\x60"), "ends inside"),
    "bytes left over": (wb.MAGIC + wb.section(1, b"\x00\x00"), "too many"),
    "section twice": (wb.MAGIC + wb.section(1, b"\0") * 2, "twice"),
    "section out of order": (wb.MAGIC + wb.section(3, b"\0") + wb.section(1, b"\0"), "out of order"),
    "unknown section": (wb.MAGIC + wb.section(14, b""), "not known"),
    "name not utf-8": (wb.MAGIC + wb.section(0, b"\x02\xff\xfe"), "UTF-8"),
    "name too long": (wb.MAGIC + wb.custom("x" * 5000, b""), "4096"),
    "type of a missing index": (
        wb.ModuleBuilder(types=[], imports=[wb.imported("a", "b", b"\0\x05")]).build(),
        "type 5",
    ),
    "export of nothing": (wb.ModuleBuilder(exports=[wb.export("a", 0, 3)]).build(), "function 3"),
    "memory of nothing": (wb.ModuleBuilder(exports=[wb.export("a", 2, 0)]).build(), "memory 0"),
    "start of nothing": (wb.ModuleBuilder(start=0).build(), "function 0"),
    "start with parameters": (
        wb.ModuleBuilder(types=[wb.func_type([wb.I32])], functions=[0], bodies=[wb.body(b"")], start=0).build(),
        "start function",
    ),
    "functions without bodies": (wb.ModuleBuilder(functions=[0]).build(), "none has a body"),
    "bodies without functions": (wb.ModuleBuilder(bodies=[wb.body(b"")]).build(), "1 have a body"),
    "body over its section": (
        wb.ModuleBuilder(functions=[0], bodies=[b"\x40\0\x0b"]).build(),
        "behind its section",
    ),
    "same name twice": (
        wb.ModuleBuilder(memories=[wb.limits(1)], exports=[wb.export("m", 2, 0)] * 2).build(),
        "same",
    ),
    "unknown kind": (wb.ModuleBuilder(imports=[wb.imported("a", "b", b"\x09\0")]).build(), "not a kind"),
    "unknown limits": (wb.ModuleBuilder(memories=[b"\x77\0"]).build(), "limits of form"),
    "gc type": (wb.ModuleBuilder(types=[b"\x5f\x00"]).build(), "0x5f"),
    "anyref parameter": (wb.ModuleBuilder(types=[wb.func_type([0x6E])]).build(), "0x6e"),
    "table of numbers": (wb.ModuleBuilder(tables=[b"\x7f\0\1"]).build(), "cannot hold"),
    "table with a value": (wb.ModuleBuilder(tables=[b"\x40\0\x70\0\1\xd0\x70\x0b"]).build(), "initial value"),
    "global with a call": (wb.ModuleBuilder(globals=[b"\x7f\0\x10\0\x0b"]).build(), "not constant"),
    "global without end": (wb.ModuleBuilder(globals=[b"\x7f\0" + b"\x41\0" * 70]).build(), "too long"),
    "function entries missing": (wb.MAGIC + wb.section(3, b"\x02\x00\x80"), "does not hold 2"),
    "many custom sections": (wb.MAGIC + wb.custom("a", b"") * 1001, "1000"),
    "many types": (wb.ModuleBuilder(types=[wb.func_type()] * 10_001).build(), "10000 are allowed"),
    "many exports": (
        wb.ModuleBuilder(exports=[wb.export(f"{n}", 0, 0) for n in range(10_001)]).build(),
        "allowed",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_broken_modules_are_refused_with_the_place(case: str) -> None:
    data, reason = BROKEN[case]
    with pytest.raises(ModuleRejected, match=reason) as caught:
        inspect(data)
    assert 0 <= caught.value.details["offset"] <= len(data)
    assert caught.value.remedy


def test_eighteen_megabytes_are_read_without_walking_them() -> None:
    builder = wb.ModuleBuilder(
        types=[wb.func_type([wb.I32] * (n % 9), [wb.I64]) for n in range(120)],
        functions=[n % 120 for n in range(10_000)],
        memories=[wb.limits(17)],
        exports=[wb.export(f"export{n}", 0, n * 900) for n in range(10)],
        bodies=[wb.body(b"\x01" * 1_800)] * 10_000,
    )
    data = builder.build(wb.custom("name", bytes(100_000)))
    assert len(data) > 18_000_000
    best = min(_seconds(data) for _ in range(20))
    # A quarter of the time of this loop; walking the bodies takes twice as long as it, reading them 60 times.
    assert best < min(_loops() for _ in range(20))


def _loops() -> float:
    started = time.perf_counter()
    for _ in range(100_000):
        pass
    return time.perf_counter() - started


def _seconds(data: bytes) -> float:
    started = time.perf_counter()
    inspect(data)
    return time.perf_counter() - started
