"""Plain WASI command modules: standard input in, standard output out, everything new for every call."""

from __future__ import annotations

import asyncio

import pytest
from tests.sandbox.child import run_child

from omnicore.errors import DeadlineExceeded, GuestFailed, GuestTrapped, LimitExceeded, LinkFailed
from omnicore.sandbox.abi import Doors, Limits, WasiGrant
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine

WASI = """
 (import "wasi_snapshot_preview1" "fd_read" (func $read (param i32 i32 i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
 (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
 (memory (export "memory") 2)
 (global $calls (mut i32) (i32.const 48))
 ;; Copies a piece of standard input to a stream; 0 at its end.
 (func $copy (param $to i32) (result i32)
   (i32.store (i32.const 0) (i32.const 1024)) (i32.store (i32.const 4) (i32.const 60000))
   (drop (call $read (i32.const 0) (i32.const 0) (i32.const 1) (i32.const 8)))
   (i32.store (i32.const 4) (i32.load (i32.const 8)))
   (if (i32.eqz (i32.load (i32.const 8))) (then (return (i32.const 0))))
   (i32.eqz (call $write (local.get $to) (i32.const 0) (i32.const 1) (i32.const 8))))
 (func $say (param $to i32) (param $text i32) (param $size i32)
   (i32.store (i32.const 0) (local.get $text)) (i32.store (i32.const 4) (local.get $size))
   (drop (call $write (local.get $to) (i32.const 0) (i32.const 1) (i32.const 8))))
"""
CAT = '(func (export "_start") (loop $l (br_if $l (call $copy (i32.const 1)))))'


@pytest.fixture
def command():
    """Loads a command; limits and log by keyword."""
    made = []

    def load(body: str, *, log=None, engine: ExtismEngine | None = None, **limits):
        wasm = wat_to_wasm(f"(module {WASI} {body})".encode())
        doors = Doors(wasi=WasiGrant(), log=log)
        made.append((engine or ExtismEngine()).load([("main", wasm)], Limits(**limits), doors))
        return made[-1]

    yield load
    for template in made:
        template.close()


@pytest.mark.parametrize("size", [0, 1, 60_000, 60_001, 500_000])
def test_standard_input_goes_in_and_standard_output_comes_out(command, size):
    data = (bytes(range(256)) * (size // 256 + 1))[:size]
    assert command(CAT).instance().call("_start", data) == data


def test_a_command_may_be_called_on_the_event_loop(command):
    template = command(CAT)
    assert asyncio.run(template.instance(on_loop=True).call_async("_start", b"on the loop")) == b"on the loop"


def test_a_command_has_no_input_beyond_its_own(command):
    instance = command(CAT).instance()
    assert instance.call("_start", b"first, and longer") == b"first, and longer"
    assert instance.call("_start", b"second") == b"second"
    assert instance.call("_start", b"") == b""


@pytest.mark.parametrize("code", [1, 42, 255])
def test_an_exit_code_is_an_error_that_tells_it(command, code):
    instance = command(f'(func (export "_start") (call $exit (i32.const {code})))').instance()
    with pytest.raises(GuestFailed, match=f"Error code: {code}") as caught:
        instance.call("_start", b"")
    assert caught.value.details["exit_code"] == code


def test_what_was_written_before_a_clean_exit_is_the_answer(command):
    body = '(func (export "_start") (drop (call $copy (i32.const 1))) (call $exit (i32.const 0)) unreachable)'
    assert command(body).instance().call("_start", b"so far") == b"so far"


def test_a_command_that_traps_is_a_trap(command):
    with pytest.raises(GuestTrapped, match="unreachable"):
        command('(func (export "_start") unreachable)').instance().call("_start", b"")


def test_every_call_finds_everything_new(command):
    body = """(func (export "_start")
        (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
        (i32.store8 (i32.const 500) (i32.add (i32.load8_u (i32.const 500)) (i32.const 1)))
        (i32.store8 (i32.const 501) (global.get $calls))
        (call $say (i32.const 1) (i32.const 500) (i32.const 2)))"""
    instance = command(body).instance()
    assert {instance.call("_start", b"") for _ in range(5)} == {b"\x011"}


def test_an_instance_serves_thousands_of_command_calls_without_filling_the_engine(command):
    instance = command(CAT, engine=ExtismEngine(instances=10)).instance()
    for turn in range(3000):
        assert instance.call("_start", b"%d" % turn) == b"%d" % turn
    instance.close()


def test_an_instance_serves_commands_that_fail_without_filling_the_engine(command):
    body = '(func (export "_start") (call $exit (i32.const 3)))'
    instance = command(body, engine=ExtismEngine(instances=10)).instance()
    for _ in range(500):
        with pytest.raises(GuestFailed, match="Error code: 3"):
            instance.call("_start", b"")
    instance.close()


@pytest.mark.parametrize(("allowed", "fits"), [(1000, True), (999, False)])
def test_standard_output_is_bounded(command, allowed, fits):
    instance = command(CAT, output_bytes=allowed).instance()
    if fits:
        assert instance.call("_start", bytes(1000)) == bytes(1000)
        return
    with pytest.raises(LimitExceeded, match=r"limits\.output_bytes"):
        instance.call("_start", bytes(1000))


def test_an_endless_printer_ends_at_its_limit(command):
    body = '(func (export "_start") (loop $l (call $say (i32.const 1) (i32.const 1024) (i32.const 60000)) (br $l)))'
    with pytest.raises((LimitExceeded, DeadlineExceeded)):
        command(body, timeout_s=5).instance().call("_start", b"")


def test_standard_error_is_logged_and_standard_output_is_not(command):
    lines = []
    body = """(data (i32.const 100) "answer") (data (i32.const 200) "careful\\nnow")
      (func (export "_start") (call $say (i32.const 1) (i32.const 100) (i32.const 6))
        (call $say (i32.const 2) (i32.const 200) (i32.const 11)))"""
    instance = command(body, log=lambda level, text: lines.append((level, text))).instance()
    assert instance.call("_start", b"") == b"answer"
    assert lines == [("warn", "careful"), ("warn", "now")]


def test_a_command_that_is_a_reactor_too_is_initialised_and_runs(command):
    body = """(func (export "_initialize") (global.set $calls (i32.const 57)))
      (func (export "_start") (i32.store8 (i32.const 500) (global.get $calls))
        (call $say (i32.const 1) (i32.const 500) (i32.const 1)))
      (func (export "f") (global.set $calls (i32.const 65)))"""
    instance = command(body).instance()
    assert instance.call("_start", b"") == b"9"
    instance.call("f", b"")
    assert instance.call("_start", b"") == b"A"
    assert instance.call("_start", b"") == b"9"


def test_start_is_not_called_by_itself(command):
    body = '(func (export "_start") unreachable) (func (export "f") (result i32) (i32.const 0))'
    assert command(body).instance().call("f", b"") == b""


def test_a_command_needs_a_grant_for_wasi():
    wasm = wat_to_wasm(f"(module {WASI} {CAT})".encode())
    with pytest.raises(LinkFailed, match="wasi = true"):
        ExtismEngine().load([("main", wasm)], Limits(), Doors())


def test_commands_leave_no_memory_behind():
    grown = run_child("""
from omnicore.sandbox.abi import WasiGrant
from omnicore.sandbox.capi.code import wat_to_wasm
from tests.sandbox.extism.test_commands import CAT, WASI
wasm = wat_to_wasm(f"(module {WASI} {CAT})".encode())
template = ExtismEngine(instances=20).load([("main", wasm)], Limits(), Doors(wasi=WasiGrant()))
def run(times):
    for _ in range(times):
        instance = template.instance()
        for _ in range(3):
            assert instance.call("_start", b"text") == b"text"
        instance.close()
run(300)
before = resident()
run(2000)
print(resident() - before)
""")
    print(f"6,000 command calls: {int(grown) // 1024} KB")
    assert int(grown) < 3 * 1024 * 1024
