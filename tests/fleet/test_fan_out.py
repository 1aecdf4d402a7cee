"""Loops and forks spread over the fleet: rounds go to every host that serves the plugin, and only so many at once."""

from __future__ import annotations

import asyncio
import threading
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from tests.fleet.fleets import Fleet, fleet
from tests.services.conftest import Servers

from omnicore.assembly import Host
from omnicore.hookspecs import NativeFunction

pytestmark = pytest.mark.services

EACH = """
document: {dsl: '1.0.3', namespace: default, name: each, version: 1.0.0}
do:
  - rounds:
      for: {each: one, in: '${ [range(%d)] }'}
      while: '${ $one < %d }'
      host: {concurrency: %d}
      do:
        - work: {call: slow.work, with: '${ $one | tostring }'}
"""
FORK = """
document: {dsl: '1.0.3', namespace: default, name: fork, version: 1.0.0}
do:
  - both:
      host: {concurrency: 4}
      fork:
        branches:
%s
"""
_BRANCH = "          - b%d: {call: slow.work, with: '%d'}\n"


class Gauge:
    """The calls of all hosts: how many are under way, and the most that ever were."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.now = self.most = 0
        self.by_host: Counter[str] = Counter()
        self.made: list[str] = []

    def enter(self, host: str, text: str) -> None:
        with self._lock:
            self.now += 1
            self.most = max(self.most, self.now)
            self.by_host[host] += 1
            self.made.append(text)

    def leave(self) -> None:
        with self._lock:
            self.now -= 1


class Slow:
    """A plugin whose calls take a while, and count where they are made."""

    name = "slow"

    def __init__(self, gauge: Gauge, host: str) -> None:
        self._gauge, self._host = gauge, host

    def functions(self) -> list[Any]:
        async def work(text: str) -> str:
            self._gauge.enter(self._host, text)
            try:
                await asyncio.sleep(0.03)
            finally:
                self._gauge.leave()
            return f"{text} done"

        return [NativeFunction(work, name="work")]


async def hosts(made: Fleet, gauge: Gauge, *, without: str = "") -> Host:
    """Three hosts with the plugin, but for one; the first is returned."""
    for name in "abc":
        await made.host(name, native=None if name == without else Slow(gauge, name))
    return made.hosts["a"]


async def ended(host: Host, text: str, name: str) -> Any:
    await host.workflows.apply(text)
    run = await host.workflows.start(name, {})
    return await asyncio.wait_for(host.workflows.engine.ended(run.id), 60)


@pytest.mark.parametrize("without", ["", "a"])
async def test_a_loop_of_a_hundred_rounds_is_shared_by_all_hosts_with_so_many_at_once(
    tmp_path: Path, servers: Servers, without: str
) -> None:
    gauge = Gauge()
    async with fleet(tmp_path, servers("nats")) as made:
        run = await ended(await hosts(made, gauge, without=without), EACH % (120, 100, 12), "each")
    assert (run.status, run.output) == ("completed", [f"{one} done" for one in range(100)])
    assert sorted(gauge.made, key=int) == [str(one) for one in range(100)], "each round once"
    assert 6 <= gauge.most <= 12
    shares = {name: gauge.by_host[name] for name in "abc" if name != without}
    assert min(shares.values()) >= 15, shares
    assert gauge.by_host[without] == 0


async def test_branches_of_a_fork_are_shared_with_so_many_at_once(tmp_path: Path, servers: Servers) -> None:
    gauge = Gauge()
    branches = "".join(_BRANCH % (one, one) for one in range(40))
    async with fleet(tmp_path, servers("nats")) as made:
        run = await ended(await hosts(made, gauge, without="a"), FORK % branches, "fork")
    assert run.status == "completed", run.fault
    assert sorted(gauge.made, key=int) == [str(one) for one in range(40)]
    assert gauge.most <= 4
    assert min(gauge.by_host[name] for name in "bc") >= 8, gauge.by_host


async def test_rounds_stay_where_they_are_while_no_other_host_has_room(tmp_path: Path, servers: Servers) -> None:
    gauge = Gauge()
    async with fleet(tmp_path, servers("nats")) as made:
        a = await made.host("a", native=Slow(gauge, "a"))
        b = await made.host("b", native=Slow(gauge, "b"))
        assert b.nats is not None
        await b.nats.drain()
        await made.known(lambda: bool(a.nats) and not a.nats.directory.places("slow"))
        run = await ended(a, EACH % (30, 30, 10), "each")
    assert run.status == "completed"
    assert gauge.by_host == {"a": 30}
