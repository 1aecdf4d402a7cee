"""Rates and breaker verdicts of connectors that hosts share: what all together may do, and what each learns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.local_server import reply, serve
from tests.connectors.rooms import Room, during, room
from tests.storage.stores import OpenStore

from omnicore.clock import ManualClock, SystemClock
from omnicore.connectors.kind import CallLimits
from omnicore.connectors.line import SharedRates
from omnicore.errors import LimitExceeded, OmniError
from omnicore.storage.store import Store
from omnicore.storage.tables.connectors import BudgetOrder, SharedLimits

HOSTS, RATE = 3, 100.0


class Counted:
    """The shared buckets, with the number of times that the database was asked."""

    def __init__(self, store: Store) -> None:
        self.limits, self.asked = SharedLimits(store), 0

    def lease(self, orders: Sequence[BudgetOrder]) -> list[float]:
        self.asked += 1
        return self.limits.lease(orders)


def test_hosts_together_keep_a_rate_within_a_tenth_of_it_for_each(open_store: OpenStore) -> None:
    limits = CallLimits(rate=RATE, plugin_rate=1e6)
    rates: list[Any] = [SharedRates("shop", limits, Counted(open_store())) for _ in range(HOSTS)]
    clock, begun = SystemClock(), time.monotonic()
    granted, refused = asyncio.run(greedy(rates, clock, until=begun + 0.7))
    took = time.monotonic() - begun
    assert granted <= RATE + RATE * took + HOSTS * RATE / 10
    assert granted >= RATE, "the burst at least"
    assert refused[0].details["retry_after_s"] > 0
    assert "on all hosts" in refused[0].fact
    assert sum(one._budgets.asked for one in rates) <= HOSTS * (2 + took / 0.1) + granted / 10


async def greedy(rates: Sequence[Any], clock: SystemClock, until: float) -> tuple[int, list[LimitExceeded]]:
    """Calls as fast as may be on all hosts at once: how many went through, and some that did not."""
    refused: list[LimitExceeded] = []

    async def one(rate: Any) -> int:
        count = 0
        while clock.monotonic() < until:
            try:
                await rate.take("plugin:text", clock.monotonic())
                count += 1
            except LimitExceeded as error:
                refused[:] = [error]
                await asyncio.sleep(0)
        return count

    return sum(await asyncio.gather(*(one(rate) for rate in rates))), refused


def test_a_call_that_one_rate_refuses_costs_nothing_of_the_other(store: Store) -> None:
    async def scene() -> None:
        rates: Any = SharedRates("shop", CallLimits(rate=1000.0, plugin_rate=0.001), Counted(store))
        await rates.take("plugin:a", 0.0)
        before = rates._held[""].tokens
        with pytest.raises(LimitExceeded, match="shop by plugin:a"):
            await rates.take("plugin:a", 0.0)
        assert rates._held[""].tokens == before
        await rates.take("plugin:b", 0.0)

    asyncio.run(scene())


def test_buckets_that_nobody_uses_go(store: Store) -> None:
    limits = SharedLimits(store)
    assert limits.lease([BudgetOrder("a|", 1.0, 1.0, 1.0)]) == [1.0]
    assert limits.lease([BudgetOrder("a|", 1.0, 1.0, 1.0)]) == [0.0]
    with store.write() as session:
        session.execute("UPDATE connector_budgets SET at = at - 4000")
    limits.prune()
    assert store.rows("SELECT * FROM connector_budgets") == []


def failing(made: Room) -> str:
    with pytest.raises(OmniError) as caught:
        made.use("shop", "get", path="/")
    return caught.value.fact


def settled(made: Room) -> None:
    """Returns when the other hosts were told."""
    others: Any = made.service._others

    async def wait() -> None:
        await asyncio.gather(*others._telling)

    made.service._lane.run_blocking(wait())


def heard(made: Room) -> None:
    """Looks at what other hosts told, as a notification makes it."""
    others: Any = made.service._others
    others.look()

    async def nothing() -> None:
        """What was put on the loop before this is done."""

    made.service._lane.run_blocking(nothing())


def test_a_verdict_of_one_host_makes_each_other_try_once_and_its_end_frees_all(
    tmp_path: Path, postgresql_url: str
) -> None:
    from omnicore.storage.postgresql import PostgresDatabase

    status, clocks = [500], [ManualClock() for _ in range(2)]

    def work(url: str) -> list[str]:
        stores = [PostgresDatabase.open(postgresql_url) for _ in range(2)]
        key = {"OMNICORE_MASTER_KEY": "11" * 32}
        with (
            room(tmp_path / "a", store=stores[0], clock=clocks[0], environ=key) as a,
            room(tmp_path / "b", store=stores[1], clock=clocks[1], environ=key) as b,
        ):
            a.add("shop", "http", url, limits={"retries": 0, "breaker_failures": 3})
            status[0] = 200
            b.use("shop", "get", path="/")
            status[0] = 500
            clocks[1].advance(5)
            for _ in range(3):
                failing(a)
            settled(a)
            heard(b)
            said = [failing(b), failing(b)]  # a trial, and then it is left alone here too
            clocks[0].advance(61)
            status[0] = 200
            a.use("shop", "get", path="/")
            settled(a)
            settled(b)
            heard(b)
            b.use("shop", "get", path="/")  # long before its own pause is over
            assert b.service.ailing() == ()
            settled(b)
            # A host that alone cannot reach it stops nobody whose calls go well.
            status[0] = 500
            for _ in range(3):
                failing(a)
            settled(a)
            status[0] = 200
            b.use("shop", "get", path="/")
            heard(b)
            assert b.service.ailing() == ()
        for store in stores:
            store.close()
        return said

    async def play() -> tuple[list[str], int]:
        async with serve(lambda seen: reply(status[0], b"{}", "Content-Type: application/json")) as server:
            return await during(lambda: work(server.url("/v1"))), len(server.seen)

    said, asked = asyncio.run(play())
    assert "left alone" not in said[0]
    assert "left alone" in said[1]
    assert asked == 1 + 3 + 1 + 1 + 1 + 3 + 1
