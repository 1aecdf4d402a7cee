"""Guests that call guests through host functions: a stack holds only so many of them."""

from __future__ import annotations

import asyncio
import threading

import pytest
from tests.sandbox.child import run_child

from omnicore.errors import LimitExceeded
from omnicore.sandbox.abi import Doors, HostFunction

AGAIN = '(import "h" "again" (func $again (param i64) (result i64)))'
# Uses nearly all of its 512 KiB of stack before it calls the host.
DEEP = """
 (func $deep (param $n i32) (result i64)
  (if (result i64) (i32.eqz (local.get $n)) (then (call $again (i64.const 0)))
   (else (i64.add (call $deep (i32.sub (local.get $n) (i32.const 1))) (i64.const 1)))))
 (func (export "f") (drop (call $deep (i32.const 15000))))"""


DEEPER = """
def down(levels, run):
    return down(levels - 1, run) if levels else run()

SPIN = '''(func (export "spin") (local $i i32) (loop $l (local.set $i (i32.add (local.get $i) (i32.const 1)))
  (br_if $l (i32.lt_u (local.get $i) (i32.const 30000000)))))
 (func (export "call") (drop (call $h (i64.const 0)))) (func (export "log") (call $log (i64.const 0)))'''
LOG = '(import "extism:host/env" "log_error" (func $log (param i64)))'
doors = Doors(functions=door(lambda call, argument: 0).functions, log=lambda level, line: None)
template = load(COUNT + SPIN, DOOR + LOG, doors=doors, timeout_s=5.0)
"""


@pytest.fixture
def circle(load):
    depths = []

    def again(call, _argument):
        depths.append(call)
        instance = template.instance()
        try:
            instance.call("f", b"")
        finally:
            instance.close()
        return 0

    template = load(
        DEEP, AGAIN, doors=Doors(functions=(HostFunction("h", "again", ("i64",), ("i64",), again),)), timeout_s=20.0
    )
    return template, depths


def test_a_circle_of_deep_guests_ends_before_the_threads_stack_does(circle):
    template, depths = circle
    caught = []

    def run():
        with pytest.raises(LimitExceeded) as error:
            template.instance().call("f", b"")
        caught.append(error.value.details["limit"])

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert caught == ["nesting"]
    assert len(depths) == 8


def test_a_circle_of_deep_guests_ends_before_the_small_stack_on_an_event_loop_does(circle):
    template, depths = circle
    with pytest.raises(LimitExceeded) as error:
        asyncio.run(template.instance(on_loop=True).call_async("f", b""))
    assert error.value.details["limit"] == "nesting"
    assert len(depths) == 2


@pytest.mark.parametrize("export", ["count", "call", "log", "spin"])
def test_a_call_close_to_the_recursion_limit_works_or_raises(export):
    # Beyond the check, the exception of a callback that no longer fits would be lost and C go on with anything.
    run_child(
        DEEPER
        + f"""
for depth in range(200, 300):
    sys.setrecursionlimit(3000)
    instance = template.instance()
    instance.call("{export}", b"")
    sys.setrecursionlimit(300)
    try:
        down(depth, lambda: instance.call("{export}", b"abc"))
    except RecursionError:
        pass
    instance.close()
"""
    )
