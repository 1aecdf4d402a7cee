"""Every limit at its edge: exactly what is allowed passes, one more is refused by name."""

from __future__ import annotations

import time

import pytest

from omnicore.errors import (
    DeadlineExceeded,
    FuelExhausted,
    GuestTrapped,
    InvalidInput,
    LimitExceeded,
    MemoryExceeded,
    ModuleRejected,
)
from omnicore.sandbox.abi import Doors, HostFunction, HttpResponse, Limits
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine

PAGE = 65_536
ECHO = '(func (export "echo") (call $output (call $input) (call $size)))'
LOOP = '(func (export "loop") (loop $l (br $l)))'
GROW = """
 (import "extism:host/env" "input_load_u64" (func $number (param i64) (result i64)))
"""


def number(value: int) -> bytes:
    return value.to_bytes(8, "little", signed=True)


def test_input_at_the_limit_passes_and_one_byte_more_does_not(load):
    instance = load(ECHO, input_bytes=100).instance()
    assert len(instance.call("echo", bytes(100))) == 100
    with pytest.raises(InvalidInput, match=r"101 bytes, 100 are allowed.*limits\.input_bytes"):
        instance.call("echo", bytes(101))


def test_output_at_the_limit_passes_and_one_byte_more_does_not(load):
    instance = load(ECHO, output_bytes=100).instance()
    assert len(instance.call("echo", bytes(100))) == 100
    with pytest.raises(LimitExceeded, match=r"limits\.output_bytes"):
        instance.call("echo", bytes(101))


def test_an_endless_loop_ends_at_its_deadline_and_the_next_plugin_answers(load):
    instance = load(LOOP, timeout_s=0.05).instance()
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded, match=r"timeout.*limits\.timeout_s"):
        instance.call("loop", b"")
    assert time.monotonic() - started < 20
    assert not instance.healthy
    assert load(ECHO).instance().call("echo", b"well") == b"well"


def test_a_call_may_bring_its_own_deadline(load):
    with pytest.raises(DeadlineExceeded):
        load(LOOP, timeout_s=60).instance().call("loop", b"", timeout_s=0.02)


def test_one_plugins_timeout_leaves_another_running(load):
    short, long = load(LOOP, timeout_s=0.03), load(ECHO + LOOP, timeout_s=0.2)
    with pytest.raises(DeadlineExceeded):
        short.instance().call("loop", b"")
    started = time.monotonic()
    with pytest.raises(DeadlineExceeded):
        long.instance().call("loop", b"")
    assert time.monotonic() - started >= 0.2


@pytest.mark.parametrize(
    "body",
    [
        '(func $s (loop $l (br $l))) (start $s) (func (export "f"))',
        '(func (export "_initialize") (loop $l (br $l))) (func (export "f"))',
        '(func (export "__wasm_call_ctors") (loop $l (br $l))) (func (export "f"))',
    ],
)
def test_start_and_initialisers_are_under_the_deadline(load, body):
    with pytest.raises(DeadlineExceeded):
        load(body, timeout_s=0.03).instance().call("f", b"")


def test_fuel_is_exact(load):
    def used(fuel: int) -> int | None:
        instance = load(ECHO, fuel=fuel).instance()
        instance.call("echo", b"x")
        return instance.usage().fuel

    need = used(10_000)
    assert need
    assert used(need) == need == used(need + 1)
    with pytest.raises(FuelExhausted, match=r"fuel.*limits\.fuel"):
        used(need - 1)


def test_an_endless_loop_ends_when_its_fuel_does(load):
    with pytest.raises(FuelExhausted):
        load(LOOP, fuel=1_000_000, timeout_s=60).instance().call("loop", b"")


def grower(load, pages: int, **limits):
    body = f"""(memory (export "memory") {pages})
      (func (export "grow") (call $emit (i64.extend_i32_s
        (memory.grow (i32.wrap_i64 (call $number (i64.const 0)))))))"""
    return load(body, GROW, **limits)


def test_memory_may_grow_to_its_limit_and_not_beyond(load):
    instance = grower(load, 1, memory_bytes=4 * PAGE).instance()
    assert instance.call("grow", number(3)) == number(1)
    with pytest.raises(MemoryExceeded, match=r"oom.*limits\.memory_bytes"):
        instance.call("grow", number(1))


def test_memory_that_a_module_does_not_export_is_counted_too(load):
    body = """(memory 1) (func (export "grow") (call $emit (i64.extend_i32_s
        (memory.grow (i32.wrap_i64 (call $number (i64.const 0)))))))"""
    with pytest.raises(MemoryExceeded):
        load(body, GROW, memory_bytes=4 * PAGE).instance().call("grow", number(4))


def test_a_jump_far_over_the_limit_is_refused_as_the_specification_says(load):
    instance = grower(load, 1, memory_bytes=4 * PAGE).instance()
    assert instance.call("grow", number(10_000)) == number(-1)


def test_a_memory_that_begins_over_the_limit_is_refused_when_loaded(load):
    with pytest.raises(ModuleRejected, match="oom"):
        grower(load, 5, memory_bytes=4 * PAGE)


def test_the_memories_of_all_modules_count_together(load):
    library = wat_to_wasm(b"""(module (memory 2) (func (export "more") (result i32) (memory.grow (i32.const 2))))""")
    template = load(
        '(memory 2) (func (export "f") (drop (call $more)))',
        '(import "lib" "more" (func $more (result i32)))',
        others=[("lib", library)],
        memory_bytes=5 * PAGE,
    )
    with pytest.raises(MemoryExceeded, match=f"hold {6 * PAGE} bytes, {5 * PAGE} are allowed"):
        template.instance().call("f", b"")


def test_what_a_guest_allocates_from_the_host_counts_as_its_memory(load):
    body = """(func (export "hoard") (local $i i32) (loop $l
        (drop (call $alloc (i64.const 1048576)))
        (br_if $l (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 1000)))))"""
    instance = load(body, memory_bytes=8 * 1024 * 1024, input_bytes=16, output_bytes=16).instance()
    instance.call("hoard", b"")
    assert instance.usage().memory_bytes <= 8 * 1024 * 1024


def test_a_table_grows_to_its_limit_and_not_beyond(load):
    body = """(table $t 1 funcref) (func (export "grow") (call $emit (i64.extend_i32_s
        (table.grow $t (ref.null func) (i32.wrap_i64 (call $number (i64.const 0)))))))"""
    instance = load(body, GROW, table_elements=10).instance()
    assert instance.call("grow", number(9)) == number(1)
    assert instance.call("grow", number(1)) == number(-1)


def test_endless_recursion_is_a_trap_and_the_host_lives(load):
    template = load('(func $f (export "f") (call $f))')
    with pytest.raises(GuestTrapped, match="call stack exhausted"):
        template.instance().call("f", b"")
    assert load(ECHO).instance().call("echo", b"x") == b"x"


def test_host_calls_stop_at_their_limit(load):
    body = """(func (export "f") (local $i i64) (loop $l
        (drop (call $h (i64.const 0)))
        (br_if $l (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (call $number (i64.const 0))))))"""
    doors = Doors(functions=(HostFunction("h", "h", ("i64",), ("i64",), lambda _call, _h: 0),))
    instance = load(
        body, GROW + '(import "h" "h" (func $h (param i64) (result i64)))', doors=doors, host_calls=5
    ).instance()
    instance.call("f", number(5))
    assert instance.usage().host_calls == 5
    with pytest.raises(LimitExceeded, match=r"more than 5 host calls.*limits\.host_calls"):
        instance.call("f", number(6))


LOG = """(import "extism:host/env" "log_info" (func $log (param i64)))
 (import "extism:host/env" "input_load_u64" (func $number (param i64) (result i64)))"""
LOGGER = """(func (export "f") (local $i i64) (loop $l
    (call $log (call $alloc (i64.const 10)))
    (br_if $l (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (call $number (i64.const 0))))))"""


@pytest.mark.parametrize(("limit", "allowed"), [("log_lines", 3), ("log_bytes", 30)])
def test_log_lines_and_bytes_stop_at_their_limits(load, limit, allowed):
    lines = []
    doors = Doors(log=lambda level, text: lines.append((level, text)))
    instance = load(LOGGER, LOG, doors=doors, **{limit: allowed}).instance()
    instance.call("f", number(3))
    assert len(lines) == 3
    with pytest.raises(LimitExceeded, match=rf"limits\.{limit}"):
        instance.call("f", number(4))


def test_a_guest_cannot_win_new_budgets_by_resetting_its_memory(load):
    body = """(func (export "f") (local $i i64) (loop $l
        (call $reset) (call $log (call $alloc (i64.const 10)))
        (br_if $l (i64.lt_u (local.tee $i (i64.add (local.get $i) (i64.const 1))) (i64.const 100)))))"""
    reset = '(import "extism:host/env" "reset" (func $reset))'
    with pytest.raises(LimitExceeded, match="log_lines"):
        load(body, LOG + reset, doors=Doors(log=lambda *_: None), log_lines=10).instance().call("f", b"")


HTTP = '(import "extism:host/env" "http_request" (func $http (param i64 i64) (result i64)))'
FETCH = '(func (export "f") (drop (call $http (call $input) (i64.const 0))))'
POST = '(func (export "f") (drop (call $http (call $input) (call $alloc (i64.const 11)))))'


async def answering(_request):
    return HttpResponse(200, {}, b"ok")


def test_http_requests_stop_at_their_limit(load):
    one = "(local.set $h (call $text)) (drop (call $http (local.get $h) (i64.const 0)))"
    body = f"""(memory 1) (data (i32.const 0) "{{\\22url\\22:\\22http\\22}}  ")
      (func $text (result i64) (local $h i64)
        (local.set $h (call $alloc (i64.const 16)))
        (call $store (local.get $h) (i64.load (i32.const 0)))
        (call $store (i64.add (local.get $h) (i64.const 8)) (i64.load (i32.const 8)))
        (local.get $h))
      (func (export "f") (local $h i64) {one} {one})
      (func (export "g") (local $h i64) {one} {one} {one})"""
    instance = load(body, HTTP, doors=Doors(http=answering), http_requests=2).instance()
    instance.call("f", b"")
    assert instance.usage().http_requests == 2
    with pytest.raises(LimitExceeded, match=r"more than 2 HTTP requests.*limits\.http_requests"):
        instance.call("g", b"")


@pytest.mark.parametrize(("allowed", "fits"), [(11, True), (10, False)])
def test_the_body_of_a_request_is_bounded(load, allowed, fits):
    instance = load(POST, HTTP, doors=Doors(http=answering), http_request_bytes=allowed).instance()
    if fits:
        instance.call("f", b'{"url":"http://x/"}')
        return
    with pytest.raises(LimitExceeded, match=r"limits\.http_request_bytes"):
        instance.call("f", b'{"url":"http://x/"}')


def test_the_limit_of_a_response_is_handed_to_whoever_sends(load):
    asked = []

    async def send(request):
        asked.append((request.max_bytes, 0 < request.timeout_s <= 0.5))
        return HttpResponse(200, {}, b"")

    instance = load(FETCH, HTTP, doors=Doors(http=send), http_response_bytes=123, timeout_s=0.5).instance()
    instance.call("f", b'{"url":"http://x/"}')
    assert asked == [(123, True)]


VARS = """(import "extism:host/env" "var_set" (func $set (param i64 i64)))"""
SETTER = """(func (export "f") (local $k i64) (local.set $k (call $alloc (i64.const 4)))
    (call $set (local.get $k) (call $input)))"""


def test_variables_stop_at_their_limit(load):
    instance = load(SETTER, VARS, var_bytes=48 + 4 + 10).instance()
    instance.call("f", bytes(10))
    with pytest.raises(LimitExceeded, match=r"Variable store is full.*limits\.var_bytes"):
        load(SETTER, VARS, var_bytes=48 + 4 + 10).instance().call("f", bytes(11))


def test_a_module_over_its_size_is_refused_before_it_is_read():
    wasm = wat_to_wasm(b'(module (func (export "f")))')
    ExtismEngine().load([("main", wasm)], Limits(module_bytes=len(wasm)), Doors())
    with pytest.raises(ModuleRejected, match=r"limits\.module_bytes"):
        ExtismEngine().load([("main", wasm)], Limits(module_bytes=len(wasm) - 1), Doors())
