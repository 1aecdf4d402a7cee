"""Each limit ends a call with its error, and the host goes on."""

from __future__ import annotations

import asyncio
import threading
import time

import pytest
from tests.sandbox.component.conftest import GUEST, Loader, component, logging, returning

from omnicore.errors import (
    CallCancelled,
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    FuelExhausted,
    GuestTrapped,
    InstanceBusy,
    InvalidInput,
    LimitExceeded,
    LinkFailed,
    MemoryExceeded,
    ModuleRejected,
    NotFound,
    Unavailable,
)
from omnicore.sandbox.abi import Doors, HostCall, HostFunction, Limits, WasiGrant
from omnicore.sandbox.component.engine import ComponentEngine
from omnicore.sandbox.component.instance import ComponentInstance

LOOP = '(func (export "run") (loop $l (br $l)))'
START = '(func $s (loop $l (br $l))) (start $s) (func (export "run"))'


@pytest.mark.parametrize("module", [LOOP, START], ids=["run", "start"])
def test_an_endless_loop_is_cut_at_the_deadline(load: Loader, module: str) -> None:
    started = time.monotonic()
    instance = load(component(module), timeout_s=0.1).instance()
    with pytest.raises(DeadlineExceeded, match="timeout"):
        instance.call("run", b"")
    assert time.monotonic() - started < 20
    assert not instance.healthy


def test_a_sleep_ends_with_the_deadline(load: Loader) -> None:
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        load(timeout_s=0.1).instance().call("sleep", b"60000")
    assert time.monotonic() - started < 20


def test_a_call_is_cancelled_from_another_thread(load: Loader) -> None:
    for function, data in (("spin", b""), ("sleep", b"60000")):
        instance = load(timeout_s=30).instance()
        instance.call("count", b"")
        ended = threading.Event()

        def cancel(instance: ComponentInstance = instance, ended: threading.Event = ended) -> None:
            while not ended.wait(0.05):  # one that comes before the call begins is forgotten by it
                instance.cancel()

        thread = threading.Thread(target=cancel)
        thread.start()
        with pytest.raises(CallCancelled):
            instance.call(function, data)
        ended.set()
        thread.join()


def test_cancelling_a_task_cuts_its_guest(load: Loader) -> None:
    async def main() -> None:
        instance = load(timeout_s=30).instance(on_loop=True)
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(instance.call_async("spin", b""), 0.1)
        assert not instance.healthy
        instance.close()
        other = load().instance(on_loop=True)
        assert await other.call_async("shout", b"a") == b"A"

    asyncio.run(main())


def test_fuel_is_counted_and_bounds_a_call(load: Loader) -> None:
    template = load(fuel=1_000_000)
    instance = template.instance()
    instance.call("shout", b"a")
    used = instance.usage().fuel
    assert used is not None
    assert 0 < used < 1_000_000
    instance.call("shout", b"a")
    second = instance.usage().fuel
    assert second is not None
    assert second <= used
    with pytest.raises(FuelExhausted):
        template.instance().call("spin", b"")


def test_the_same_call_uses_the_same_fuel_each_time(load: Loader) -> None:
    template, counts = load(fuel=10_000_000), set()
    for _ in range(3):
        instance = template.instance()
        instance.call("repeat", b'{"text": "abc", "times": 100}')
        counts.add(instance.usage().fuel)
        instance.close()
    assert len(counts) == 1


def test_memory_does_not_grow_beyond_the_limit(load: Loader) -> None:
    with pytest.raises(GuestTrapped, match="memory allocation"):
        load(memory_bytes=8 << 20).instance().call("hoard", b"10000000")
    assert load(memory_bytes=16 << 20).instance().call("hoard", b"5000000") == b"5"


def test_two_memories_share_the_limit(load: Loader) -> None:
    module = """(memory 1) (func (export "run") (result i32) (loop $l (br_if $l
        (i32.ne (memory.grow (i32.const 1)) (i32.const -1)))) (memory.size))"""
    other = "(core module $N (memory 1)) (core instance (instantiate $N))"
    wasm = component(module, kind="(result u32)", parts=other)
    assert load(wasm, memory_bytes=10 << 16).instance().call("run", b"") == b"5"


def test_a_module_instantiated_more_often_than_it_stands_there_gets_no_more_memories(load: Loader) -> None:
    wasm = component(
        '(memory 1) (func (export "run"))',
        parts="(core module $N (memory 1)) " + "(core instance (instantiate $N))" * 3,
    )
    with pytest.raises(MemoryExceeded):
        load(wasm).instance().call("run", b"")


def test_a_component_that_starts_with_too_much_is_refused(load: Loader) -> None:
    with pytest.raises(ModuleRejected, match="memory_bytes"):
        load(component('(memory 1025) (func (export "run"))'))
    with pytest.raises(ModuleRejected, match="table_elements"):
        load(component('(table 10001 funcref) (func (export "run"))'))
    with pytest.raises(ModuleRejected, match="component_bytes"):
        load(component(LOOP), component_bytes=10)


def test_tables_do_not_grow_beyond_the_limit(load: Loader) -> None:
    module = """(table 1 funcref) (func (export "run") (result i32) (loop $l (br_if $l
        (i32.ne (table.grow (ref.null func) (i32.const 1)) (i32.const -1)))) (table.size))"""
    assert load(component(module, kind="(result u32)")).instance().call("run", b"") == b"10000"


def test_deep_recursion_is_a_trap(load: Loader) -> None:
    wasm = component('(func $f (export "run") (call $f))')
    with pytest.raises(GuestTrapped, match="stack exhausted"):
        load(wasm).instance().call("run", b"")


@pytest.mark.parametrize(
    ("wasm", "error"),
    [
        (returning("string", 0xFFFF_FFFF), GuestTrapped),
        (returning("string", 70_000), GuestTrapped),
        (returning("string", 3, data="\\ff\\fe\\00"), GuestTrapped),
        (returning("(list string)", 60_000), GuestTrapped),
        (returning("string", 60_000_000, pages=1024), LimitExceeded),
        (returning("(list u8)", 60_000_000, pages=1024), LimitExceeded),
        (returning("(list (tuple u8))", 3_000_000, pages=1024), LimitExceeded),
    ],
    ids=["pointer", "length", "utf-8", "list", "large text", "large list", "many values"],
)
def test_malformed_and_oversized_results_end_the_call(load: Loader, wasm: bytes, error: type[Exception]) -> None:
    instance = load(wasm).instance()
    with pytest.raises(error):
        instance.call("run", b"")
    assert not instance.healthy


@pytest.mark.parametrize(("kind", "number"), [("char", 0xD800), ("char", 0x110000), ("$e", 7)])
def test_a_result_outside_its_type_is_a_trap(load: Loader, kind: str, number: int) -> None:
    parts = '(type $e0 (enum "a" "b")) (export $e "e" (type $e0))'
    wasm = component(f'(func (export "run") (result i32) (i32.const {number}))', kind=f"(result {kind})", parts=parts)
    with pytest.raises(GuestTrapped):
        load(wasm).instance().call("run", b"")


def test_host_calls_are_counted(load: Loader) -> None:
    def answer(call: HostCall, handle: int) -> int:
        return call.write(b"{}")

    doors = Doors(functions=(HostFunction("extism:host/user", "log_write_v1", ("i64",), ("i64",), answer),))
    instance = load(logging(5, endless=True), doors, host_calls=50).instance()
    with pytest.raises(LimitExceeded, match="host calls"):
        instance.call("run", b"")
    assert instance.usage().host_calls == 50


def test_a_guest_that_passes_a_host_more_than_it_reads_is_cut(load: Loader) -> None:
    instance = load(logging(60_000_000, pages=1024), Doors()).instance()
    with pytest.raises(LimitExceeded, match="passed more"):
        instance.call("run", b"")


def test_input_over_the_limit_is_refused_before_the_guest_runs(load: Loader) -> None:
    with pytest.raises(InvalidInput, match="input_bytes"):
        load(input_bytes=3).instance().call("shout", b"four")


def test_input_that_is_small_as_json_and_large_as_values_is_refused(load: Loader) -> None:
    fields = " ".join(f'(field "f{number}" (option string))' for number in range(100))
    kind = f'(type $t0 (record {fields})) (import "t" (type $t (eq $t0)))'
    module = """(memory (export "memory") 1) (func (export "run") (param i32 i32))
        (func (export "realloc") (param i32 i32 i32 i32) (result i32) (i32.const 0))"""
    options = '(memory (core memory $m "memory")) (realloc (core func $m "realloc"))'
    instance = load(component(module, kind='(param "x" (list $t))', options=options, parts=kind)).instance()
    started = time.monotonic()
    with pytest.raises(InvalidInput, match="more than 67108864 bytes of memory"):
        instance.call("run", b"[" + b",".join([b"{}"] * 100_000) + b"]")
    assert time.monotonic() - started < 30
    assert instance.healthy


def test_an_instance_takes_one_call_at_a_time(load: Loader) -> None:
    instance = load(timeout_s=30).instance()
    instance.call("count", b"")
    found: list[BaseException] = []

    def spin() -> None:
        try:
            instance.call("spin", b"")
        except CallCancelled as error:
            found.append(error)

    thread = threading.Thread(target=spin)
    thread.start()
    deadline = time.monotonic() + 10
    while instance._free and time.monotonic() < deadline:
        pass
    for refused in (lambda: instance.call("count", b""), instance.usage):
        with pytest.raises(InstanceBusy):
            refused()
    with pytest.raises(InstanceBusy):
        instance.close()
    instance.cancel()
    thread.join()
    assert len(found) == 1


def test_an_engine_has_room_for_so_many_sandboxes() -> None:
    template = ComponentEngine(instances=2).load([("main", component(LOOP))], Limits(), Doors())
    first, _second = template.instance(), template.instance()
    with pytest.raises(CapacityReached):
        template.instance()
    first.close()
    first.close()
    third = template.instance()
    with pytest.raises(CapacityReached):
        template.instance()
    del third  # one that nobody closed gives its place back as well
    template.instance()


def test_what_is_closed_says_so(load: Loader) -> None:
    template = load()
    instance = template.instance()
    instance.close()
    with pytest.raises(Conflict):
        instance.call("count", b"")
    template.close()
    with pytest.raises(Unavailable):
        template.instance()


def test_a_function_that_is_not_there_is_named_with_those_that_are(load: Loader) -> None:
    with pytest.raises(NotFound, match="shout"):
        load().instance().call("nope", b"")


def test_state_lives_as_long_as_its_instance(load: Loader) -> None:
    template = load()
    instance = template.instance()
    assert [instance.call("count", b"") for _ in range(3)] == [b"1", b"2", b"3"]
    assert template.instance().call("count", b"") == b"1"


def test_the_cache_gives_the_same_functions_at_once(tmp_path) -> None:
    for _ in range(2):
        engine = ComponentEngine(tmp_path / "code")
        template = engine.load([("main", GUEST.read_bytes())], Limits(), Doors(wasi=WasiGrant()))
        assert template.instance().call("shout", b"a") == b"A"
    assert len(list((tmp_path / "code").glob("*component*.code"))) == 1


def test_a_component_stands_alone(engine: ComponentEngine) -> None:
    wasm = component(LOOP)
    with pytest.raises(LinkFailed):
        engine.load([("lib", wasm), ("main", wasm)], Limits(), Doors())
