"""Limits on the calls of a plugin: at once and in a second, on one host, and what they cost those without."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.plugins.conftest import Rig
from tests.plugins.guests import MOODY, says

from omnicore.clock import ManualClock
from omnicore.errors import InvalidInput, LimitExceeded, NotFound, OmniError
from omnicore.plugins.callers import LEASE_S, CallLimitOrder, LimitGate, PluginLimits, SharedLedger
from omnicore.storage.database import Database
from omnicore.storage.tables.connectors import CallLimit, LimitsTable, SharedLimits


@pytest.fixture
def rig(rig_at: Callable[..., Rig], tmp_path: Path) -> Rig:
    rig = rig_at(tmp_path, clock=ManualClock(), breaker_failures=10_000)
    rig.drop("a.wat", says("1"))
    rig.drop("b.wat", says("2"))
    rig.drop("moody.wat", MOODY)
    rig.scan()
    return rig


def limiting(rig: Rig) -> PluginLimits:
    routes = rig.host.routes
    return PluginLimits(rig.database, rig.clock, host="", gates=routes.gates, renew=routes.renew, known=rig.host.get)


def advance(rig: Rig, seconds: float) -> None:
    assert isinstance(rig.clock, ManualClock)
    rig.clock.advance(seconds)


def test_calls_over_the_limit_of_a_second_are_refused_until_there_is_a_token(rig: Rig) -> None:
    limiting(rig).set("a", CallLimitOrder(per_second=4.0), who="ann")
    for _ in range(4):
        rig.host.call_blocking("a")
    with pytest.raises(LimitExceeded, match="a is called over 4 times a second") as refused:
        rig.host.call_blocking("a")
    assert refused.value.details == {
        "plugin": "a",
        "limit": "plugin_per_second",
        "allowed": 4.0,
        "retry_after_s": 0.25,
    }
    advance(rig, 0.5)
    rig.host.call_blocking("a")
    rig.host.call_blocking("a")
    with pytest.raises(LimitExceeded):
        rig.host.call_blocking("a")
    rig.host.call_blocking("b")  # another plugin
    assert rig.host.status("a").calls.calls == 6, "a call that is refused is none"


@pytest.mark.anyio
async def test_so_many_calls_run_at_once_and_a_call_that_ends_or_fails_makes_room(rig: Rig) -> None:
    limiting(rig).set("moody", CallLimitOrder(concurrent=2), who="ann")
    running = [asyncio.create_task(rig.host.call("moody.spin", timeout_s=20)) for _ in range(2)]
    while rig.host.status("moody").in_flight < 2:
        await asyncio.sleep(0)
    with pytest.raises(LimitExceeded, match="2 calls of moody run already"):
        await rig.host.call("moody.well")
    running[0].cancel()
    await asyncio.wait([running[0]])
    with pytest.raises(OmniError):
        await rig.host.call("moody.trap")
    assert await rig.host.call("moody.well") == b"w"
    running[1].cancel()
    await asyncio.wait([running[1]])
    assert rig.host.routes.gates["moody"].running == 0


def test_limits_hold_for_threads(rig: Rig) -> None:
    limiting(rig).set("a", CallLimitOrder(concurrent=4, per_second=100.0), who="ann")

    def called(_: int) -> bool:
        try:
            rig.host.call_blocking("a")
        except LimitExceeded:
            return False
        return True

    with ThreadPoolExecutor(16) as pool:
        assert sum(pool.map(called, range(400))) <= 100
    assert rig.host.routes.gates["a"].running == 0


def test_limits_are_changed_lifted_kept_and_forgotten(rig: Rig) -> None:
    limits = limiting(rig)
    limits.set("a", CallLimitOrder(per_second=1.0), who="ann")
    rig.host.call_blocking("a")
    with pytest.raises(LimitExceeded):
        rig.host.call_blocking("a")
    shown = limits.set("a", CallLimitOrder(concurrent=3, per_second=1000.0), who="bob")
    assert (shown.concurrent, shown.per_second, shown.who) == (3, 1000.0, "bob")
    advance(rig, 1)
    for _ in range(10):
        rig.host.call_blocking("a")
    assert limiting(rig).of("a").concurrent == 3, "another start of the host knows them"
    assert limits.set("a", CallLimitOrder(), who="bob").who is None
    assert rig.host.routes.gates == {}
    rig.host.call_blocking("a")
    assert rig.host.routes.targets["a"].gate is None
    limits.set("a", CallLimitOrder(concurrent=3), who="bob")
    limits.forget("a")
    assert limits.of("a").concurrent is None


@pytest.mark.parametrize(
    ("order", "path"),
    [
        (CallLimitOrder(concurrent=0), "concurrent"),
        (CallLimitOrder(concurrent=10**7), "concurrent"),
        (CallLimitOrder(per_second=0.0), "per_second"),
        (CallLimitOrder(per_second=float("nan")), "per_second"),
    ],
)
def test_limits_that_are_none_are_refused_with_their_path(rig: Rig, order: CallLimitOrder, path: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        limiting(rig).set("a", order, who="ann")
    assert refused.value.details["path"] == path
    with pytest.raises(NotFound):
        limiting(rig).set("nobody", CallLimitOrder(), who="ann")


def test_calls_without_limits_ask_no_database(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    limiting(rig)
    rig.host.call_blocking("a")
    with monkeypatch.context() as broken:
        for name in ("apply", "rows", "write"):
            broken.setattr(Database, name, None)
        assert bytes(rig.host.call_blocking("a")) == b"1"


# -- places that hosts share; two hosts as processes are in tests/fleet/test_limits.py


class Shared:
    """Gates of two hosts over one database."""

    def __init__(self, rig: Rig, **limit: float) -> None:
        self.clock, self.table = ManualClock(), LimitsTable(rig.database)
        wanted = CallLimit("a", limit.get("concurrent"), limit.get("per_second"), "ann", 0.0)  # type: ignore[arg-type]
        budgets = SharedLimits(rig.database)
        self.one, self.two = (
            LimitGate(wanted, SharedLedger(self.table, budgets, host), self.clock.monotonic) for host in ("one", "two")
        )


def taken(gate: LimitGate) -> bool:
    try:
        while not gate.enter():
            gate.fill()
    except LimitExceeded:
        return False
    return True


def test_hosts_never_hold_more_places_than_there_are(rig: Rig) -> None:
    shared = Shared(rig, concurrent=8)
    assert [taken(shared.one) for _ in range(7)] == [True] * 7
    assert taken(shared.two) is False, "the first host asked for two at a time and holds one to spare"
    assert shared.table.wanting("one") == {"a"}
    assert shared.one.keep(lambda: "a" in shared.table.wanting("one"))
    shared.clock.advance(0.2)
    assert taken(shared.two) is True
    assert taken(shared.two) is False
    assert shared.table.held("a") == 8


def test_a_host_that_is_refused_asks_again_a_tenth_of_a_second_later(rig: Rig, monkeypatch: pytest.MonkeyPatch) -> None:
    shared = Shared(rig, concurrent=1)
    assert taken(shared.one)
    assert not taken(shared.two)
    with monkeypatch.context() as broken:
        broken.setattr(Database, "apply", None)
        assert not taken(shared.two)
        shared.one.leave()
        assert taken(shared.one), "a place that is held and free costs no question"


def test_a_lease_is_renewed_given_back_when_unused_and_not_used_once_it_may_have_ended(rig: Rig) -> None:
    shared = Shared(rig, concurrent=4)
    assert taken(shared.one)
    shared.one.leave()
    assert shared.one.keep(lambda: False)
    shared.clock.advance(LEASE_S)
    assert not shared.one.enter(), "others may have the places by now"
    shared.one.fill()
    assert shared.one.enter()
    shared.one.leave()
    shared.clock.advance(1.1)
    assert not shared.one.keep(lambda: False)
    assert (shared.one.holds, shared.table.held("a")) == (False, 0)
    assert taken(shared.two)
    shared.two.leave()
    shared.two.close()
    assert shared.table.held("a") == 0


def test_tokens_are_leased_in_batches_and_shared(rig: Rig) -> None:
    shared = Shared(rig, per_second=20.0)
    counts = [sum(taken(gate) for _ in range(30)) for gate in (shared.one, shared.two)]
    assert 20 <= sum(counts) <= 22  # the database's clock goes on meanwhile
