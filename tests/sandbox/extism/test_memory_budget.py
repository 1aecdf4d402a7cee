"""What sandboxes are charged with, and what they give back."""

from __future__ import annotations

import asyncio
import contextlib
import gc
from collections.abc import Iterator

import pytest
from tests.sandbox.child import run_child

from omnicore.errors import Conflict, OmniError, Unavailable
from omnicore.sandbox.abi import MIB
from omnicore.sandbox.budget import BUDGET, SHORT, Charge, reclaim

# Grows by 32 MiB.
GROW = '(memory (export "memory") 1) (func (export "grow") (drop (memory.grow (i32.const 512))))'
QUIET = '(func (export "quiet"))'
# Grows by 32 MiB and goes on until it is cut.
GROW_AND_SPIN = """(memory (export "memory") 1)
 (func (export "spin") (drop (memory.grow (i32.const 512))) (loop $on (br $on)))"""


@pytest.fixture(scope="module", autouse=True)
def _collects_quickly() -> None:
    """What earlier tests left in memory is not looked at each time that these collect garbage."""
    gc.collect()
    gc.freeze()


@pytest.fixture
def budget(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """256 MiB without a wait. Sandboxes of other tests do not count; what counts at the start."""
    monkeypatch.setattr(BUDGET, "_used", 0)
    BUDGET.resize(256 * MIB, wait_s=0.0)
    yield 0
    BUDGET.resize(None)


@pytest.fixture
def rest() -> Iterator[Charge]:
    """A holder that stands for all other sandboxes."""
    holder = Charge()
    yield holder
    BUDGET.charge(holder, 0)


def charged(before: int) -> float:
    return (BUDGET.use().used_bytes - before) / MIB


def test_a_sandbox_is_charged_what_it_holds_and_nothing_once_it_is_gone(load, budget) -> None:
    template = load(GROW)
    instance = template.instance()
    assert charged(budget) < 4
    instance.call("grow", b"")
    assert 32 <= charged(budget) < 40
    instance.close()
    template.close()
    assert charged(budget) == 0


def test_a_call_that_fails_leaves_no_charge(load, budget) -> None:
    body = '(memory (export "memory") 1) (func (export "f") (drop (memory.grow (i32.const 512))) (unreachable))'
    template = load(body)
    instance = template.instance()
    with pytest.raises(Exception, match="unreachable"):
        instance.call("f", b"")
    instance.close()
    template.close()
    assert charged(budget) == 0


def test_a_large_limit_is_reserved_for_the_time_of_a_call_only(load, budget) -> None:
    template = load(QUIET, memory_bytes=128 * MIB)
    first, second = template.instance(), template.instance()
    first.call("quiet", b"")
    assert charged(budget) < 8
    second.call("quiet", b"")
    assert charged(budget) < 8


def test_a_large_limit_finds_no_room_where_an_ordinary_one_does(load, budget, rest) -> None:
    limit = max(128 * MIB, (budget + 256 * MIB) // 8)  # what is large depends on the whole budget
    large, ordinary = load(QUIET, memory_bytes=limit).instance(), load(QUIET).instance()
    BUDGET.charge(rest, 100 * MIB)
    with pytest.raises(Unavailable, match="sandbox_memory_bytes"):
        large.call("quiet", b"")
    assert ordinary.call("quiet", b"") == b""


def test_once_memory_is_short_ordinary_ones_are_admitted_too(load, budget, rest) -> None:
    instance = load(QUIET).instance()
    BUDGET.charge(rest, 130 * MIB)
    assert SHORT
    assert instance.call("quiet", b"") == b""
    BUDGET.charge(rest, 256 * MIB)
    with pytest.raises(Unavailable):
        instance.call("quiet", b"")


async def test_on_the_event_loop_too(load, budget, rest) -> None:
    instance = load(QUIET).instance(on_loop=True)
    BUDGET.charge(rest, 256 * MIB)
    with pytest.raises(Unavailable):
        await instance.call_async("quiet", b"")
    BUDGET.charge(rest, 0)
    again = load(QUIET, memory_bytes=128 * MIB).instance(on_loop=True)
    assert await again.call_async("quiet", b"") == b""
    assert charged(budget) < 16


def test_a_guest_whose_growth_does_not_fit_is_cut(load, budget) -> None:
    instance = load(GROW_AND_SPIN, timeout_s=30.0).instance()
    BUDGET.resize(budget + 30 * MIB, wait_s=0.0)
    refused = BUDGET.use().refused
    with pytest.raises(Unavailable, match="in use"):
        instance.call("spin", b"")
    assert not instance.healthy
    assert BUDGET.use().refused == refused + 1
    instance.close()


def test_the_memory_of_a_burst_goes_back_to_the_machine_at_once() -> None:
    shown = run_child("""
body = '''(memory (export "memory") 1)
 (func (export "f") (drop (memory.grow (i32.const 1023)))
  (memory.fill (i32.const 0) (i32.const 1) (i32.const 67108864)))'''
template = load(body, memory_bytes=1 << 27, timeout_s=60)
before = resident()
for _ in range(5):
    instance = template.instance()
    instance.call("f", b"")
    instance.close()
print((resident() - before) >> 20)
""")
    assert int(shown) < 16


def test_large_inputs_leave_nothing_resident_either() -> None:
    shown = run_child("""
template = load(ECHO, memory_bytes=1 << 28, input_bytes=1 << 26, output_bytes=1 << 26, timeout_s=60)
before, data = resident(), bytes(1 << 26)
for _ in range(3):
    instance = template.instance()
    assert len(instance.call("echo", data)) == len(data)
    instance.close()
del data
template.close()
print((resident() - before) >> 20)
""")
    assert int(shown) < 48


def test_a_forked_child_has_the_whole_budget() -> None:
    shown = run_child("""
from omnicore.sandbox.budget import BUDGET
instance = load(ECHO).instance()
instance.call("echo", b"x")
assert BUDGET.use().used_bytes > 0
child = os.fork()
if not child:
    free = BUDGET.use().used_bytes == 0
    again = load(ECHO).instance()
    again.call("echo", b"x")
    again.close()
    os._exit(0 if free else 1)
print(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
""")
    assert shown.strip() == "0"


def used() -> int:
    gc.collect()
    reclaim()
    return BUDGET.use().used_bytes


@pytest.mark.parametrize("on_loop", [False, True])
@pytest.mark.parametrize(
    ("body", "limits"),
    [
        ("(unreachable)", {}),
        ("(loop $l (br $l))", {"timeout_s": 0.05}),
        ("(loop $l (drop (memory.grow (i32.const 16))) (br $l))", {"memory_bytes": 32 * MIB}),
        ("(loop $l (br $l))", {"fuel": 10_000}),
        ("(drop (memory.grow (i32.const 640)))", {"memory_bytes": 512 * MIB}),
    ],
    ids=["trap", "timeout", "oversize", "fuel", "large"],
)
async def test_instances_that_nobody_closed_leave_no_charge(load, body, limits, on_loop) -> None:
    before = used()
    module = f'(memory (export "memory") 1) (func (export "f") {body})'
    template = load(module, **limits)
    for _ in range(3):
        with contextlib.suppress(OmniError):
            instance = template.instance(on_loop=on_loop)
            await instance.call_async("f", b"") if on_loop else instance.call("f", b"")
    del instance, template
    assert used() == before


async def test_a_call_that_was_cut_is_charged_no_more(load) -> None:
    before = used()
    template = load('(memory (export "memory") 64) (func (export "f") (loop $l (br $l)))', timeout_s=30.0)
    instance = template.instance(on_loop=True)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(instance.call_async("f", b""), 0.05)
    assert used() == before, "before anybody closes it"
    assert not instance.healthy
    with pytest.raises(Conflict):
        instance.usage()
    instance.close()


def test_a_guest_that_cannot_be_made_leaves_no_charge(load) -> None:
    before = used()
    for _ in range(3):
        with pytest.raises(OmniError):
            load('(memory 64) (data (i32.const 0x7fffffff) "x") (func (export "f"))').instance().call("f", b"")
    assert used() == before
