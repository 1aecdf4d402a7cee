"""Rollouts: shares by plan, guards, and what happens when a host or a version fails."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest
from tests.fleet.cluster import until
from tests.plugins.conftest import Rig
from tests.plugins.guests import module, says, with_manifest

from omnicore.clock import ManualClock
from omnicore.errors import (
    Conflict,
    DeadlineExceeded,
    FuelExhausted,
    GuestFailed,
    GuestTrapped,
    InvalidInput,
    NotFound,
    OmniError,
)
from omnicore.plugins.rollout import LEAST_CALLS, RolloutOrder, Rollouts, judge
from omnicore.plugins.view import CallStatus
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.storage.tables.plugins import Rollout, RolloutCount

FAILS = module('(func (export "say") (result i32) (i32.const 1))')


MIXED = module("""
  (func (export "say") (result i32) (local $letter i32)
    (if (i64.ne (call $length) (i64.const 0)) (then (local.set $letter (call $load (i64.const 0)))))
    (if (i32.eq (local.get $letter) (i32.const 116)) (then unreachable))
    (if (i32.eq (local.get $letter) (i32.const 115)) (then (loop $on (br $on))))
    (if (i32.eq (local.get $letter) (i32.const 109)) (then (loop $on
      (br_if $on (i32.ge_s (memory.grow (i32.const 64)) (i32.const 0)))) unreachable))
    (if (i32.eq (local.get $letter) (i32.const 102)) (then (return (i32.const 1))))
    (if (i32.eq (local.get $letter) (i32.const 120)) (then (call $say (local.get $letter)) (return (i32.const 0))))
    (call $say (i32.const 50)) (i32.const 0))""")
"""Does something wrong by the first letter of its input: trap, spin, memory, fail, an output outside of its schema."""


def digest(text: str | bytes) -> str:
    return hashlib.sha256(wat_to_wasm(text.encode()) if isinstance(text, str) else text).hexdigest()


def install(rig: Rig, new: str | bytes = says("2")) -> tuple[str, str]:
    """The hashes of the version that serves and of the one that is held back."""
    rig.host.install("a.wasm", wat_to_wasm(says("1").encode()))
    rig.host.install("a.wasm", wat_to_wasm(new.encode()) if isinstance(new, str) else new, hold=True)
    return digest(says("1")), digest(new)


def mixed(rig: Rig, **limits: float) -> tuple[Rollouts, str]:
    """A rollout that gives `MIXED` 99 % of the calls, and its hash."""
    answer = {"input_media": "application/octet-stream", "output": {"type": "integer"}}
    _, new = install(rig, with_manifest(MIXED, {"functions": {"say": answer}, "limits": limits}))
    rollouts = carrying(rig)
    rollouts.begin("a", RolloutOrder(version=new, shares=(99, 100), guards=("errors<1%", "p95<150ms")), who="ann")
    compiled(rig, new)
    return rollouts, new


def carrying(rig: Rig, host: str = "one") -> Rollouts:
    return Rollouts(rig.host, rig.database, rig.events, rig.clock, host=host, work=False)


def order(version: str, *guards: str) -> RolloutOrder:
    return RolloutOrder(version=version, shares=(5, 50, 100), every_s=60.0, guards=guards)


@pytest.fixture
def rig(rig_at: Callable[..., Rig], tmp_path: Path) -> Rig:
    return rig_at(tmp_path, clock=ManualClock(), breaker_failures=10_000)


def called(rig: Rig, times: int) -> None:
    for _ in range(times):
        with suppress(OmniError):
            rig.host.call_blocking("a")


def compiled(rig: Rig, hash_: str) -> None:
    """Calls until a version answers: until it is compiled the one before does."""

    def answered() -> bool:
        called(rig, 1)
        return rig.host.tallies("a").get(hash_, CallStatus()).calls > 0

    until(answered, "the version answers")


def advance(rig: Rig, seconds: float) -> None:
    assert isinstance(rig.clock, ManualClock)
    rig.clock.advance(seconds)


def test_shares_follow_the_plan_until_the_version_has_all(rig: Rig) -> None:
    old, new = install(rig)
    rollouts = carrying(rig)
    begun = rollouts.begin("a", order(new[:8]), who="ann")
    assert (begun.state, rig.host.get("a").shares) == ("running", {old: 95, new: 5})
    advance(rig, 59)
    rollouts.look()
    assert rig.host.get("a").shares == {old: 95, new: 5}
    advance(rig, 1)
    rollouts.look()
    assert rig.host.get("a").shares == {old: 50, new: 50}
    advance(rig, 60)
    assert rollouts.look()
    assert not rollouts.look()
    view, ended = rig.host.get("a"), rollouts.of("a")
    assert (view.shares, view.serving, view.state) == (None, new, "enabled")
    assert ended is not None
    assert (ended.state, ended.reason) == ("done", "")


def test_a_version_that_fails_is_rolled_back_with_the_reason(rig: Rig) -> None:
    old, new = install(rig, FAILS)
    rollouts, heard = carrying(rig), rig.events.subscribe("plugin.rollout-ended")
    with heard:
        rollouts.begin("a", RolloutOrder(version=new, shares=(90, 100), guards=("errors<1%",)), who="ann")
        compiled(rig, new)
        called(rig, LEAST_CALLS * 2)
        rollouts.look()
    view, ended = rig.host.get("a"), rollouts.of("a")
    assert (view.shares, view.serving, view.state) == (None, old, "enabled")
    assert ended is not None
    assert ended.state == "rolled-back"
    assert ended.reason.startswith("guard errors<1%: 100.00 % of the calls failed")
    assert bytes(rig.host.call_blocking("a")) == b"1"


@pytest.mark.parametrize(
    ("data", "limits", "timeout_s", "error"),
    [
        (b"t", {}, None, GuestTrapped),
        (b"f", {}, None, GuestFailed),
        (b"s", {"timeout_s": 0.05}, None, DeadlineExceeded),
        (b"s", {"timeout_s": 0.05}, 0.1, DeadlineExceeded),
        (b"s", {"fuel": 100_000}, None, FuelExhausted),
        (b"m", {"memory_bytes": 1 << 22}, None, GuestTrapped),
        (b"x", {}, None, GuestFailed),
    ],
)
def test_guards_count_each_call_that_the_version_failed(
    rig: Rig, data: bytes, limits: dict[str, float], timeout_s: float | None, error: type[OmniError]
) -> None:
    rollouts, new = mixed(rig, **limits)
    called(rig, LEAST_CALLS * 2)
    rollouts.look()
    assert rig.host.tallies("a")[new].errors == 0
    failed = 0
    while failed < LEAST_CALLS / 20:
        try:
            rig.host.call_blocking("a", data, timeout_s=timeout_s)
        except error:
            failed += 1
    assert rig.host.tallies("a")[new].errors == failed
    rollouts.look()
    ended = rollouts.of("a")
    assert ended is not None
    assert (ended.state, ended.reason.partition(":")[0]) == ("rolled-back", "guard errors<1%")


async def cancelled(rig: Rig) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(rig.host.call("a", b"s", timeout_s=20), 0.05)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda rig: rig.host.call_blocking("a", b"s", timeout_s=0.05),
        lambda rig: rig.host.call_blocking("a", b"_" * 2_000),
        lambda rig: rig.host.call_blocking("a.nothing"),
        lambda rig: asyncio.run(cancelled(rig)),
    ],
    ids=["a deadline of the caller's", "input too long", "no such function", "cancelled"],
)
def test_guards_do_not_count_calls_that_their_callers_spoiled(rig: Rig, spoil: Callable[[Rig], object]) -> None:
    rollouts, new = mixed(rig, input_bytes=1_000)
    called(rig, LEAST_CALLS * 2)
    before = rig.host.tallies("a")[new]
    for _ in range(LEAST_CALLS // 5):
        with suppress(OmniError):
            spoil(rig)
    after = rig.host.tallies("a")[new]
    assert (after.errors, after.p95_ms) == (0, before.p95_ms)
    rollouts.look()
    running = rollouts.of("a")
    assert running is not None
    assert running.state == "running"


def test_a_version_in_quarantine_is_rolled_back_and_the_one_before_answers(
    rig_at: Callable[..., Rig], tmp_path: Path
) -> None:
    rig = rig_at(tmp_path, clock=ManualClock(), breaker_failures=3)
    old, new = install(rig, module('(func (export "say") (result i32) unreachable)'))
    rollouts = carrying(rig)
    rollouts.begin("a", RolloutOrder(version=new, shares=(99, 100)), who="ann")
    users = iter(range(100_000))

    def tripped() -> bool:  # a breaker opens for failures of several callers, once the version is compiled
        with rig.host.callers.named(f"user {next(users)}"):
            called(rig, 1)
        return new in rig.host.routes.tripped("a")

    until(tripped, "the breaker opens")
    rollouts.look()
    view, ended = rig.host.get("a"), rollouts.of("a")
    assert (view.serving, view.state, view.shares) == (old, "enabled", None)
    assert ended is not None
    assert (ended.state, ended.reason.startswith("quarantine:")) == ("rolled-back", True)
    assert bytes(rig.host.call_blocking("a")) == b"1"


def test_a_step_with_guards_waits_for_enough_calls(rig: Rig) -> None:
    old, new = install(rig)
    rollouts = carrying(rig)
    rollouts.begin("a", order(new, "errors<1%"), who="ann")
    advance(rig, 600)
    rollouts.look()
    waiting = rollouts.of("a")
    assert waiting is not None
    assert waiting.reason == f"errors<1% waits for 100 calls of version {new[:8]} in this step"
    assert rig.host.get("a").shares == {old: 95, new: 5}


def test_another_host_goes_on_when_the_one_that_carries_is_closed(rig: Rig) -> None:
    old, new = install(rig)
    carrying(rig).begin("a", order(new), who="ann")
    other = carrying(rig, "two")
    advance(rig, 6)
    assert other.look()
    rollout = other.of("a")
    assert rollout is not None
    assert rollout.carrier == "one"  # its lease still holds
    advance(rig, 60)
    other.look()
    assert rig.host.get("a").shares == {old: 50, new: 50}


def test_a_rollout_goes_on_after_a_restart(rig_at: Callable[..., Rig], tmp_path: Path) -> None:
    clock = ManualClock()
    first = rig_at(tmp_path, clock=clock)
    old, new = install(first)
    carrying(first).begin("a", order(new), who="ann")
    first.close()
    clock.advance(61)
    second = rig_at(tmp_path, clock=clock)
    second.scan()
    carrying(second).look()
    assert second.host.get("a").shares == {old: 50, new: 50}


def test_a_step_that_was_written_down_and_not_carried_out_is_carried_out(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = install(rig)
    rollouts = carrying(rig)
    rollouts.begin("a", order(new), who="ann")
    advance(rig, 60)
    with monkeypatch.context() as broken:
        broken.setattr(rollouts, "_apply", lambda *_: None)
        rollouts.look()
    assert rig.host.get("a").shares == {old: 95, new: 5}
    rollouts.look()
    assert rig.host.get("a").shares == {old: 50, new: 50}


def test_who_stops_a_rollout_gives_all_calls_to_the_version_before(rig: Rig) -> None:
    old, new = install(rig)
    rollouts = carrying(rig)
    rollouts.begin("a", order(new), who="ann")
    stopped = rollouts.abort("a", who="bob")
    assert (stopped.state, stopped.reason) == ("stopped", "stopped by bob")
    assert (rig.host.get("a").shares, rig.host.get("a").serving) == (None, old)
    with pytest.raises(Conflict, match="no rollout"):
        rollouts.abort("a", who="bob")


def test_who_promotes_a_rollout_gives_the_version_all_calls(rig: Rig) -> None:
    _, new = install(rig)
    rollouts = carrying(rig)
    rollouts.begin("a", order(new), who="ann")
    done = rollouts.promote("a", who="bob")
    assert (done.state, done.reason) == ("done", "promoted by bob")
    assert (rig.host.get("a").shares, rig.host.get("a").serving) == (None, new)
    assert not rollouts.look()
    with pytest.raises(Conflict, match="no rollout"):
        rollouts.promote("a", who="bob")


def test_progress_shows_both_versions_and_what_each_guard_measures(rig: Rig) -> None:
    _, new = install(rig, FAILS)
    rollouts = carrying(rig)
    with pytest.raises(NotFound, match="had no rollout"):
        rollouts.progress("a")
    plan = RolloutOrder(version=new, shares=(90, 100), every_s=60.0, guards=("errors<1%", "p95<2x"))
    rollouts.begin("a", plan, who="ann")
    compiled(rig, new)
    called(rig, 10)
    rollouts.look()
    found = rollouts.progress("a")
    assert (found.share, found.next_at, found.before.share, found.after.share) == (
        90,
        found.rollout.step_at + 60,
        10,
        90,
    )
    assert found.after.calls == found.after.errors > 0
    assert found.before.errors == 0
    errors, p95 = found.guards
    assert (errors.state, errors.measured, errors.most) == ("waits", 100.0, 1.0)
    assert errors.says.startswith("errors<1% waits for 100 calls")
    assert (p95.figure, p95.measured) == ("p95", found.after.p95_ms)
    assert p95.most is not None
    assert [one.rollout.plugin for one in rollouts.under_way().items] == ["a"]
    called(rig, LEAST_CALLS * 2)
    rollouts.look()
    ended = rollouts.progress("a")
    assert (ended.guards[0].state, ended.next_at, ended.share) == ("failed", None, 0)
    assert ended.rollout.reason == ended.guards[0].says
    assert rollouts.under_way().items == ()


def test_a_decision_by_hand_ends_a_rollout_and_stays(rig: Rig) -> None:
    old, new = install(rig)
    rollouts = carrying(rig)
    rollouts.begin("a", order(new), who="ann")
    rig.host.divide("a", {old: 80, new: 20}, who="bob")
    advance(rig, 60)
    rollouts.look()
    ended = rollouts.of("a")
    assert ended is not None
    assert (ended.state, rig.host.get("a").shares) == ("stopped", {old: 80, new: 20})


def test_one_rollout_of_a_plugin_is_under_way_at_a_time(rig: Rig) -> None:
    old, new = install(rig)
    rollouts = carrying(rig)
    with pytest.raises(NotFound):
        rollouts.begin("a", order("9.9.9"), who="ann")
    with pytest.raises(Conflict, match="serves already"):
        rollouts.begin("a", order(old), who="ann")
    rollouts.begin("a", order(new), who="ann")
    with pytest.raises(Conflict):
        rollouts.begin("a", order(new), who="ann")


@pytest.mark.parametrize(
    ("path", "changes"),
    [
        *(("shares", {"shares": shares}) for shares in ((), (5, 50), (50, 5, 100), (0, 100), (5, 5, 100), (100, 101))),
        *(("every_s", {"every_s": every}) for every in (0.0, -1.0, 1e9, float("nan"))),
        *(
            ("guards", {"guards": (text,)})
            for text in ("", "errors<0%", "errors<2x", "p95>2x", "errors<101%", "x" * 99)
        ),
        ("guards", {"guards": ("errors<1%",) * 9}),
    ],
)
def test_an_order_that_is_wrong_is_refused_with_its_path(rig: Rig, path: str, changes: dict[str, object]) -> None:
    _, new = install(rig)
    with pytest.raises(InvalidInput) as refused:
        carrying(rig).begin("a", RolloutOrder(version=new, **changes), who="ann")  # type: ignore[arg-type]
    assert refused.value.details["path"] == path
    assert rig.host.get("a").shares is None


def counted(host: str, hash_: str, calls: int, errors: int = 0, bucket: int = 3) -> RolloutCount:
    durations = tuple(calls if place >= bucket else 0 for place in range(12))
    return RolloutCount(host, "a", hash_, 0.0, calls, errors, durations)


@pytest.mark.parametrize(
    ("guard", "counts", "failed"),
    [
        ("errors<1%", [counted("one", "new", 60), counted("two", "new", 60, 1)], False),
        ("errors<1%", [counted("one", "new", 60, 1), counted("two", "new", 60, 1)], True),
        ("errors<1%", [counted("one", "new", 99, 99)], False),
        ("p95<2x", [counted("one", "new", 100), counted("one", "old", 100)], False),
        ("p95<2x", [counted("one", "new", 100, bucket=8), counted("two", "old", 100)], True),
        ("p95<2x", [counted("one", "new", 100, bucket=8), counted("two", "old", 99)], False),
        ("p95<0.0001ms", [counted("one", "new", 100)], True),
        ("p95<100s", [counted("one", "new", 100)], False),
    ],
)
def test_guards_judge_the_calls_of_all_hosts_once_there_are_enough(
    guard: str, counts: list[RolloutCount], *, failed: bool
) -> None:
    rollout = Rollout(
        plugin="a",
        version="2",
        digest="new",
        before="old",
        shares=(5, 100),
        every_s=1.0,
        guards=(guard,),
        who="ann",
        began_at=0.0,
        step_at=0.0,
    )
    assert bool(judge(rollout, counts).failed) is failed


@pytest.mark.anyio
async def test_nothing_runs_without_a_rollout_and_a_thread_does_with_one(rig: Rig) -> None:
    old, new = install(rig)
    rollouts = Rollouts(rig.host, rig.database, rig.events, rig.clock, host="one")
    await rollouts.start()
    assert rollouts._thread is None
    rollouts.begin("a", order(new), who="ann")
    thread = rollouts._thread
    assert thread is not None
    await rollouts.stop()
    assert not thread.is_alive()
    again = Rollouts(rig.host, rig.database, rig.events, rig.clock, host="two")
    await again.start()
    assert again._thread is not None
    await again.stop()
    assert rig.host.get("a").shares == {old: 95, new: 5}


def test_hosts_of_one_database_add_up_their_calls_and_any_of_them_goes_on(
    tmp_path: Path, postgresql_url: str, engine: ExtismEngine
) -> None:
    from omnicore.storage.postgresql import PostgresDatabase  # where psycopg is missing, other tests still run

    clock = ManualClock()
    rigs = [
        Rig(tmp_path / name, engine, clock=clock, database=PostgresDatabase.open(postgresql_url))
        for name in ("one", "two")
    ]
    try:
        _, new = install(rigs[0])
        first, second = (carrying(rig, name) for rig, name in zip(rigs, ("one", "two"), strict=True))
        plan = RolloutOrder(version=new, shares=(50, 100), every_s=60.0, guards=("errors<1%",))
        first.begin("a", plan, who="ann")
        for rig, rollouts, least in ((rigs[0], first, 60), (rigs[1], second, 60)):
            compiled(rig, new)
            while rig.host.tallies("a")[new].calls < least:
                called(rig, 1)
            rollouts.look()
        waiting = second.of("a")
        assert waiting is not None
        assert waiting.carrier == "one"
        rigs[0].host.close()
        clock.advance(60)
        second.look()
        ended = second.of("a")
        assert ended is not None
        assert (ended.state, ended.carrier) == ("done", "two")
        assert rigs[1].host.get("a").serving == new
    finally:
        for rig in rigs:
            rig.close()


def test_a_paused_rollout_stays_at_its_share_through_restarts_and_goes_on_where_it_was(rig: Rig) -> None:
    old, new = install(rig)
    rollouts = carrying(rig)
    rollouts.begin("a", order(new), who="ann")
    advance(rig, 40)
    paused = rollouts.pause("a", who="bob")
    assert (paused.state, paused.reason) == ("running", "paused by bob")
    assert rollouts.progress("a").next_at is None
    advance(rig, 3600)
    again = carrying(rig, "two")  # another host, or this one after a restart
    again.look()
    assert rig.host.get("a").shares == {old: 95, new: 5}
    with pytest.raises(Conflict, match="is paused already"):
        again.pause("a", who="bob")
    resumed = again.resume("a", who="ann")
    assert (resumed.paused_at, resumed.paused_s, resumed.reason) == (None, 3600.0, "")
    with pytest.raises(Conflict, match="is not paused"):
        again.resume("a", who="ann")
    advance(rig, 19)
    again.look()
    assert rig.host.get("a").shares == {old: 95, new: 5}
    advance(rig, 1)
    again.look()
    assert rig.host.get("a").shares == {old: 50, new: 50}
    assert again.progress("a").rollout.paused_s == 0.0


def test_guards_give_the_calls_back_while_a_rollout_is_paused(rig: Rig) -> None:
    rollouts, new = mixed(rig)
    rollouts.pause("a", who="bob")
    for _ in range(LEAST_CALLS + 50):
        with suppress(OmniError):
            rig.host.call_blocking("a", b"f")
    rollouts.look()
    ended = rollouts.of("a")
    assert ended is not None
    assert (ended.state, ended.paused_at) == ("rolled-back", None)
    assert "errors<1%" in ended.reason
    assert rig.host.get("a").serving != new


@pytest.mark.parametrize("order_", ["promote", "abort"])
def test_a_paused_rollout_can_be_ended_either_way(rig: Rig, order_: str) -> None:
    old, new = install(rig)
    rollouts = carrying(rig)
    rollouts.begin("a", order(new), who="ann")
    rollouts.pause("a", who="bob")
    ended = getattr(rollouts, order_)("a", who="ann")
    assert ended.state == {"promote": "done", "abort": "stopped"}[order_]
    assert rig.host.get("a").serving == {"promote": new, "abort": old}[order_]
    with pytest.raises(Conflict, match="no rollout of a is under way"):
        rollouts.pause("a", who="bob")


def test_a_host_that_knows_no_pauses_does_not_carry_a_paused_rollout_on(rig: Rig) -> None:
    _, new = install(rig)
    rollouts = carrying(rig)
    rollouts.begin("a", order(new), who="ann")
    paused = rollouts.pause("a", who="bob")
    advance(rig, 30 * 86400)
    assert (paused.carrier, paused.carried_until > rig.clock.now()) == ("", True)
