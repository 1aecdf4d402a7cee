from __future__ import annotations

import pytest

from omnicore.errors import Conflict, GuestFailed, GuestTrapped, InstanceBusy, NotFound, Unavailable
from omnicore.sandbox.abi import Doors, HostFunction

ECHO = '(func (export "echo") (result i32) (call $output (call $input) (call $size)) i32.const 0)'
COUNT = """
 (global $n (mut i64) (i64.const 0))
 (func (export "count") (global.set $n (i64.add (global.get $n) (i64.const 1))) (call $emit (global.get $n)))
"""


@pytest.mark.parametrize("size", [0, 1, 15, 16, 17, 4096, 65_536, 1_000_000])
def test_what_goes_in_comes_out(load, size):
    data = bytes(range(256)) * (size // 256 + 1)
    assert load(ECHO).instance().call("echo", data[:size]) == data[:size]


def test_a_warm_instance_keeps_its_state_and_a_fresh_one_has_none(load):
    template = load(COUNT)
    first = template.instance()
    assert [first.call("count", b"")[0] for _ in range(3)] == [1, 2, 3]
    first.close()
    for _ in range(100):  # more than one cell's worth of guests
        fresh = template.instance()
        assert fresh.call("count", b"")[0] == 1
        fresh.close()


def test_a_fresh_guest_reads_nothing_of_the_call_before_it(load):
    template = load(
        """(func (export "leak") (local $h i64)
             (local.set $h (call $alloc (i64.const 4096)))
             (call $output (local.get $h) (call $length (local.get $h))))"""
        + ECHO
    )
    secret = template.instance()
    secret.call("echo", b"s" * 5000)
    assert secret.call("leak", b"") == bytes(4096)
    secret.call("echo", b"s" * 5000)
    secret.close()
    assert template.instance().call("leak", b"") == bytes(4096)


def test_the_tail_of_a_short_input_holds_nothing_of_a_longer_one(load):
    instance = load(ECHO + '(func (export "tail") (call $output (call $input) (i64.const 16)))').instance()
    instance.call("echo", b"secret secret secret secret")
    assert instance.call("tail", b"abc") == b"abc" + bytes(13)


def test_an_unknown_function_is_named_with_those_there_are(load):
    with pytest.raises(NotFound, match=r"Function not found: nope.*echo"):
        load(ECHO).instance().call("nope", b"")


def test_a_guests_error_text_wins_over_its_trap_and_its_code(load):
    template = load('(func (export "f") (result i32) (call $error (call $input)) unreachable)')
    with pytest.raises(GuestFailed, match=r"^it broke$"):
        template.instance().call("f", b"it broke")


def test_a_trap_tells_its_kind_and_where(load):
    template = load('(func $deep unreachable) (func (export "f") (call $deep))')
    instance = template.instance()
    with pytest.raises(GuestTrapped, match="unreachable") as caught:
        instance.call("f", b"")
    assert caught.value.details["trap"] == "unreachable-code-reached"
    assert caught.value.details["backtrace"]
    assert not instance.healthy


@pytest.mark.parametrize(("code", "shown"), [(7, "7"), (-1, "-1")])
def test_an_exit_code_other_than_zero_is_an_error(load, code, shown):
    with pytest.raises(GuestFailed, match=f"Error code: {shown}"):
        load(f'(func (export "f") (result i32) (i32.const {code}))').instance().call("f", b"")


def test_what_a_host_function_raises_reaches_the_caller_as_itself(load):
    class Own(Exception):
        pass

    def fail(_call, _handle):
        raise Own("from the host")

    doors = Doors(functions=(HostFunction("extism:host/user", "fail", ("i64",), ("i64",), fail),))
    template = load(
        '(func (export "f") (drop (call $fail (i64.const 0))))',
        '(import "extism:host/user" "fail" (func $fail (param i64) (result i64)))',
        doors=doors,
    )
    with pytest.raises(Own, match="from the host") as caught:
        template.instance().call("f", b"")
    assert any("in the guest" in note for note in caught.value.__notes__)


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, GeneratorExit])
def test_even_exceptions_that_are_no_errors_pass_through_the_guest(load, error):
    def fail(_call):
        raise error

    doors = Doors(functions=(HostFunction("h", "fail", (), (), fail),))
    template = load('(func (export "f") (call $fail))', '(import "h" "fail" (func $fail))', doors=doors)
    with pytest.raises(error):
        template.instance().call("f", b"")
    assert template.instance().healthy


@pytest.mark.parametrize(
    ("kind", "value", "raised"),
    [
        ("i64", 1 << 64, OverflowError),
        ("i64", -(1 << 63) - 1, OverflowError),
        ("i64", "text", TypeError),
        ("i32", 1 << 32, OverflowError),
        ("i32", 1.5, TypeError),
    ],
)
def test_a_result_that_does_not_fit_is_an_error_and_not_cut_off(load, kind, value, raised):
    doors = Doors(functions=(HostFunction("h", "f", ("i64",), (kind,), lambda _call, _x: value),))
    template = load(
        '(func (export "f") (drop (call $f (i64.const 0))))',
        f'(import "h" "f" (func $f (param i64) (result {kind})))',
        doors=doors,
    )
    with pytest.raises(raised):
        template.instance().call("f", b"")


def test_numbers_of_all_kinds_pass_both_ways(load):
    seen = []

    def take(_call, a, b, c, d):
        seen.append((a, b, c, d))
        return 2.5

    doors = Doors(functions=(HostFunction("h", "f", ("i32", "i64", "f32", "f64"), ("f64",), take),))
    template = load(
        """(func (export "f") (call $emit (i64.reinterpret_f64
            (call $f (i32.const -1) (i64.const -1) (f32.const 1.5) (f64.const -0.25)))))""",
        '(import "h" "f" (func $f (param i32 i64 f32 f64) (result f64)))',
        doors=doors,
    )
    output = template.instance().call("f", b"")
    assert seen == [(0xFFFFFFFF, 0xFFFFFFFFFFFFFFFF, 1.5, -0.25)]
    assert int.from_bytes(output, "little") == 0x4004000000000000


def test_a_host_function_that_calls_its_own_instance_is_told_that_it_is_busy(load):
    held = []

    def again(_call):
        return held[0].call("f", b"")

    doors = Doors(functions=(HostFunction("h", "again", (), (), again),))
    template = load('(func (export "f") (call $again))', '(import "h" "again" (func $again))', doors=doors)
    held.append(template.instance())
    with pytest.raises(InstanceBusy):
        held[0].call("f", b"")


def test_a_host_call_kept_beyond_its_end_touches_no_freed_memory(load):
    kept = []
    doors = Doors(functions=(HostFunction("h", "keep", (), (), lambda call: kept.append(call)),))
    template = load('(func (export "f") (call $keep))', '(import "h" "keep" (func $keep))', doors=doors)
    instance = template.instance()
    instance.call("f", b"")
    instance.close()
    template.close()
    with pytest.raises(Conflict, match="the call is over"):
        kept[0].read(16)
    with pytest.raises(Conflict):
        kept[0].load(0, 1)


def test_a_closed_instance_and_a_closed_template_say_so(load):
    template = load(ECHO)
    instance = template.instance()
    instance.close()
    instance.close()
    with pytest.raises(Conflict, match="closed"):
        instance.call("echo", b"")
    template.close()
    with pytest.raises(Unavailable):
        template.instance()


def test_usage_can_be_asked_before_the_first_call(load):
    assert load(ECHO + '(memory (export "memory") 1)').instance().usage().host_calls == 0
