"""WASI 0.2 gives a clock, random bytes and a log, and reaches nothing else."""

from __future__ import annotations

import json
import time

import pytest
from tests.sandbox.component.conftest import Loader, component

from omnicore.errors import DeadlineExceeded, GuestFailed, GuestTrapped, LimitExceeded, LinkFailed, PermissionDenied
from omnicore.sandbox.abi import Doors, WasiGrant
from omnicore.sandbox.capi.code import wat_to_wasm


def test_without_a_grant_nothing_of_it_is_linked(load: Loader) -> None:
    with pytest.raises(LinkFailed, match="wasi = true"):
        load(doors=Doors())


def test_the_hosts_variables_arguments_and_folder_stay_unknown(load: Loader, monkeypatch) -> None:
    monkeypatch.setenv("SECRET", "hidden")
    assert json.loads(load().instance().call("surroundings", b"")) == ["/"]


def test_what_the_grant_names_is_seen(load: Loader) -> None:
    wasi = WasiGrant(arguments=("a",), environment={"B": "c"})
    assert json.loads(load(doors=Doors(wasi=wasi)).instance().call("surroundings", b"")) == ["a", "B=c", "/"]


@pytest.mark.parametrize("path", ["/etc/passwd", "secret", "../../etc/passwd", "/proc/self/environ", ""])
def test_no_file_can_be_opened(load: Loader, path: str) -> None:
    with pytest.raises(GuestFailed, match=r"No such file|os error"):
        load().instance().call("read_file", path.encode())


@pytest.mark.parametrize("address", ["127.0.0.1:80", "[::1]:80", "localhost:80"])
def test_no_address_can_be_reached(load: Loader, address: str) -> None:
    with pytest.raises(GuestFailed, match=r"ermission|os error|failed to lookup"):
        load().instance().call("connect", address.encode())


def test_a_short_sleep_is_slept(load: Loader) -> None:
    started = time.monotonic()
    load().instance().call("sleep", b"30")
    assert time.monotonic() - started >= 0.03


def test_a_frozen_clock_stands_still_and_sleeping_moves_it(load: Loader) -> None:
    wasi = WasiGrant(frozen_clock_ns=1_000_000_000_000)
    instance = load(doors=Doors(wasi=wasi)).instance()
    assert instance.call("now", b"") == b"1000"
    started = time.monotonic()
    instance.call("sleep", b"60000")
    assert time.monotonic() - started < 20
    assert instance.call("now", b"") == b"1060"


def test_the_clock_is_the_machines(load: Loader) -> None:
    assert abs(int(load().instance().call("now", b"")) - time.time()) < 5


def test_a_seed_makes_random_bytes_repeatable(load: Loader) -> None:
    template = load(doors=Doors(wasi=WasiGrant(seed=b"seed")))
    first, second = (template.instance().call("dice", b"8") for _ in range(2))
    assert first == second
    assert load().instance().call("dice", b"8") != load().instance().call("dice", b"8")


def test_what_is_printed_reaches_the_log_by_line(load: Loader) -> None:
    lines: list[tuple[str, str]] = []
    doors = Doors(wasi=WasiGrant(), log=lambda level, line: lines.append((level, line)))
    with pytest.raises(GuestTrapped):  # the log door is not there, which this guest does not expect
        load(doors=doors).instance().call("say", b"one\ntwo")
    assert lines[-2:] == [("info", "one"), ("info", "two")]
    assert lines[:2] == [("warn", "one"), ("warn", "two")]


def test_printing_more_than_the_log_takes_ends_in_an_error_for_the_guest(load: Loader) -> None:
    lines: list[str] = []
    doors = Doors(wasi=WasiGrant(), log=lambda level, line: lines.append(line))
    with pytest.raises(GuestTrapped):
        load(doors=doors, log_bytes=1_000).instance().call("say", b"x" * 5_000)
    assert sum(map(len, lines)) <= 1_000


def test_a_stream_that_is_full_is_closed_however_much_too_long_the_last_write_was(load: Loader) -> None:
    streams = """(import "wasi:io/error@0.2.0" (instance $e (export "error" (type (sub resource)))))
        (alias export $e "error" (type $error))
        (import "wasi:io/streams@0.2.0" (instance $s (export "output-stream" (type $o (sub resource)))
         (alias outer 1 $error (type $x)) (export "error" (type $y (eq $x)))
         (type $f0 (variant (case "last-operation-failed" (own $y)) (case "closed")))
         (export "stream-error" (type $f (eq $f0)))
         (export "[method]output-stream.check-write" (func (param "self" (borrow $o)) (result (result u64 (error $f)))))
         (export "[method]output-stream.write"
          (func (param "self" (borrow $o)) (param "contents" (list u8)) (result (result (error $f)))))))
        (alias export $s "output-stream" (type $stream))
        (import "wasi:cli/stderr@0.2.0" (instance $c (alias outer 1 $stream (type $q))
         (export "output-stream" (type $p (eq $q))) (export "get-stderr" (func (result (own $p))))))"""
    lowered = "".join(
        f'(core func ${name} (canon lower (func {path}) (memory (core memory $l "memory"))))'
        for name, path in (
            ("get", '$c "get-stderr"'),
            ("check", '$s "[method]output-stream.check-write"'),
            ("write", '$s "[method]output-stream.write"'),
        )
    )
    wasm = f"""(component {streams} (core module $L (memory (export "memory") 1)) (core instance $l (instantiate $L))
        {lowered}
        (core module $M (import "h" "memory" (memory 1)) (import "h" "get" (func $get (result i32)))
         (import "h" "check" (func $check (param i32 i32))) (import "h" "write" (func $write (param i32 i32 i32 i32)))
         (func (export "run") (result i32) (local $s i32) (local.set $s (call $get))
          (call $write (local.get $s) (i32.const 0) (i32.const 2000) (i32.const 4096))
          (call $check (local.get $s) (i32.const 8192))
          (i32.add (i32.load8_u (i32.const 4096)) (i32.load8_u (i32.const 8192)))))
        (core instance $m (instantiate $M (with "h" (instance (export "memory" (memory $l "memory"))
         (export "get" (func $get)) (export "check" (func $check)) (export "write" (func $write))))))
        (func (export "run") (result u32) (canon lift (core func $m "run"))))"""
    assert load(wat_to_wasm(wasm.encode()), log_bytes=1_000).instance().call("run", b"") == b"2"  # both failed


def test_exiting_is_no_answer(load: Loader) -> None:
    for code, due in ((b"0", 0), (b"3", 1)):  # WASI 0.2 tells only success from failure
        instance = load().instance()
        with pytest.raises(GuestFailed, match="exited") as caught:
            instance.call("leave", code)
        assert caught.value.details["exit_code"] == due
        assert not instance.healthy


def test_what_is_linked_as_a_refusal_ends_the_call_with_one(load: Loader) -> None:
    imports = """(import "wasi:clocks/timezone@0.2.0" (instance $t (export "utc-offset" (func (result s32)))))
        (core func $f (canon lower (func $t "utc-offset")))"""
    wasm = f"""(component {imports} (core module $M (import "h" "f" (func $f (result i32)))
        (func (export "run") (drop (call $f))))
        (core instance $m (instantiate $M (with "h" (instance (export "f" (func $f))))))
        (func (export "run") (canon lift (core func $m "run"))))"""
    with pytest.raises(PermissionDenied, match="utc-offset"):
        load(wat_to_wasm(wasm.encode())).instance().call("run", b"")


POLLS = """(import "wasi:io/poll@0.2.0" (instance $p (export "pollable" (type $r (sub resource)))
 (export "[method]pollable.block" (func (param "self" (borrow $r))))
 (export "poll" (func (param "in" (list (borrow $r))) (result (list u32))))))
 (alias export $p "pollable" (type $pollable))
 (import "wasi:clocks/monotonic-clock@0.2.0" (instance $c (alias outer 1 $pollable (type $q))
 (export "pollable" (type $o (eq $q)))
 (export "subscribe-duration" (func (param "when" u64) (result (own $o))))))"""


def polling(body: str) -> bytes:
    """A component that makes pollables and waits for them."""
    return wat_to_wasm(
        f"""(component {POLLS}
        (core func $s (canon lower (func $c "subscribe-duration")))
        (core func $b (canon lower (func $p "[method]pollable.block")))
        (core func $d (canon resource.drop $pollable))
        (core module $M (import "h" "s" (func $s (param i64) (result i32))) (import "h" "b" (func $b (param i32)))
         (import "h" "d" (func $d (param i32))) (func (export "run") {body}))
        (core instance $m (instantiate $M (with "h" (instance
         (export "s" (func $s)) (export "b" (func $b)) (export "d" (func $d))))))
        (func (export "run") (canon lift (core func $m "run"))))""".encode()
    )


def test_a_guest_that_waits_for_ever_is_cut(load: Loader) -> None:
    wasm = polling("(call $b (call $s (i64.const -1)))")
    with pytest.raises(DeadlineExceeded):
        load(wasm, timeout_s=0.1).instance().call("run", b"")


def test_resources_are_bounded_and_dropping_them_makes_room(load: Loader) -> None:
    with pytest.raises(LimitExceeded, match="resources"):
        load(polling("(loop $l (drop (call $s (i64.const 0))) (br $l))")).instance().call("run", b"")
    body = """(local $n i32) (loop $l (call $d (call $s (i64.const 0)))
        (local.set $n (i32.add (local.get $n) (i32.const 1))) (br_if $l (i32.lt_u (local.get $n) (i32.const 3000))))"""
    assert load(polling(body)).instance().call("run", b"") == b""


def test_a_component_without_imports_needs_no_grant(load: Loader) -> None:
    assert load(component('(func (export "run"))'), Doors()).instance().call("run", b"") == b""
