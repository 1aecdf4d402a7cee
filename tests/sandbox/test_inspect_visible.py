"""The host can see a module's own memory and tables, and nothing else about it changes."""

from __future__ import annotations

import pytest
import wasmtime
from tests.hostile import wasm_builder as wb

from omnicore.sandbox.inspect import inspect, with_visible_limits

CASES = {
    "no exports": ("(module (memory 3) (table 4 funcref) (func))", {"memory": 3, "table:0": 4}),
    "some exports": ('(module (memory 3) (func (export "run")) (func (export "b")))', {"memory": 3}),
    "start, elements and data": (
        "(module (memory 1) (table 2 externref) (table 3 funcref) (func $f) (start $f)"
        ' (elem (table 1) (i32.const 0) func $f) (data (i32.const 0) "abc"))',
        {"memory": 1, "table:0": 2, "table:1": 3, "start": None},
    ),
    "imported ones stay unseen": (
        '(module (import "a" "t" (table 1 funcref)) (import "a" "m" (memory 1)) (table 6 funcref))',
        {"table:0": 6},
    ),
    "exported already": ('(module (memory (export "memory") 2))', {"memory": 2}),
    "only a memory": ("(module (memory 1))", {"memory": 1}),
}


def _size(kind: object) -> int | None:
    return kind.limits.min if isinstance(kind, wasmtime.MemoryType | wasmtime.TableType) else None


@pytest.mark.parametrize("case", CASES)
def test_own_memories_and_tables_become_exports(case: str) -> None:
    source, expected = CASES[case]
    data = wasmtime.wat2wasm(source)
    seen = with_visible_limits(data, inspect(data))
    module = wasmtime.Module(wasmtime.Engine(), seen)
    before = [one.name for one in inspect(data).exports]
    assert [one.name for one in module.exports] == before + [f"omnicore:{name}" for name in expected]
    sizes = {one.name.removeprefix("omnicore:"): _size(one.type) for one in module.exports if ":" in one.name}
    assert sizes == expected


@pytest.mark.parametrize("rest", ["", '(func (export "run"))', '(func (export "run")) (data "x") (elem func $s)'])
def test_the_start_function_no_longer_runs_by_itself(rest: str) -> None:
    data = wasmtime.wat2wasm(f"(module (func $s unreachable) (start $s) {rest})")
    seen = with_visible_limits(data, inspect(data))
    store = wasmtime.Store()
    instance = wasmtime.Instance(store, wasmtime.Module(store.engine, seen), [])
    start = instance.exports(store)["omnicore:start"]
    assert isinstance(start, wasmtime.Func)
    with pytest.raises(wasmtime.Trap):
        start(store)


def test_a_module_without_either_stays_the_same_object() -> None:
    data = wasmtime.wat2wasm('(module (func (export "run")))')
    assert with_visible_limits(data, inspect(data)) is data


def test_custom_sections_keep_their_place_and_content() -> None:
    tail = wb.custom("omnicore:manifest", b'{"name": "x"}'), wb.custom("name", b"\0\1\0")
    data = wb.run_module(b"", (), *tail)
    seen = with_visible_limits(data, inspect(data))
    assert seen.endswith(b"".join(tail))
    assert dict(inspect(seen).custom) == dict(inspect(data).custom)


def test_hundreds_of_exports_still_have_a_right_count_and_size() -> None:
    exports = [wb.export(f"f{n}", wb.FUNCTION, 0) for n in range(127)]
    builder = wb.ModuleBuilder(functions=[0], memories=[wb.limits(1)], exports=exports, bodies=[wb.body(b"")])
    data = builder.build()
    seen = inspect(with_visible_limits(data, inspect(data)))
    assert [one.name for one in seen.exports][-1] == "omnicore:memory"
    assert len(seen.exports) == 128
