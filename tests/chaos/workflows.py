"""Workflows under `kill -9`: no run is lost, and no recorded step is done again.

`python -m tests.chaos.run --only workflows [--kills N]`. Two hosts share one database and are killed at random moments
while runs of every kind go on. Now and then one is stopped for longer than its lease and goes on as a ghost, one is
asked to end, both are killed at once, and the server of the database is killed. Each effect leaves its idempotency key
in a ledger, which is held against the journal in the end.
"""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import random
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.chaos.workflows_documents import documents
from tests.chaos.workflows_driver import Driver
from tests.chaos.workflows_judge import Blows, judged
from tests.chaos.workflows_ledger import Ledger
from tests.chaos.workflows_worker import LEASE_S, OVER, settings_of, work
from tests.plugins.guests import ECHO

from omnicore.assembly import Host
from omnicore.errors import StorageFailed

__all__ = ["EVERY", "Report", "run"]

_WORKERS = 2
_UP_S, _END_S = 60.0, 180.0
EVERY = {"both": 23, "ghost": 40, "term": 31, "look": 12, "server": 125}
"""Each so manyth blow is another one than a kill, or is followed by a look at who takes over."""

_LATE = 1.2
"""Leases within which somebody takes over, on a machine that has time for it."""

_LOOK_S = 0.005
_WATCH_S = 0.1
_SHARES = 3
"""So many times what a look here came late may those come late who take over: they sleep, look, and write."""


@dataclass
class Report:
    """What came of a campaign. `repeats` are effects that were cut before they were recorded, and so done again."""

    kills: int
    others: int
    runs: int = 0
    steps: int = 0
    repeats: int = 0
    takeovers: tuple[float, ...] = ()
    """In leases: median and longest."""
    problems: list[str] = field(default_factory=list)


def run(
    kills: int,
    url: str | None,
    folder: Path,
    *,
    seed: int = 0,
    crash: Callable[[], None] | None = None,
    every: Mapping[str, int] = EVERY,
    most_open: int = 150,
) -> Report:
    """Kills hosts so many times; then lets the rest finish and looks at everything.

    Args:
        url: of an empty PostgreSQL database; None is SQLite in the folder.
        crash: kills the database's server and starts it again.
        most_open: runs at once.
    """
    (folder / "plugins").mkdir()
    (folder / "plugins/echo.wat").write_text(ECHO)
    return asyncio.run(_Campaign(url, folder, random.Random(seed), crash, every).run(kills, most_open))


class _Campaign:
    def __init__(
        self,
        url: str | None,
        folder: Path,
        chance: random.Random,
        crash: Callable[[], None] | None,
        every: Mapping[str, int],
    ) -> None:
        self._every = every
        self._url, self._folder, self._chance, self._crash = url, folder, chance, crash
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.chaos.workflows_worker"])
        self._workers: list[Any] = [None] * _WORKERS
        self._blows = Blows()
        self._takeovers: list[float] = []
        self._problems: list[str] = []
        self._kills = self._others = 0

    async def run(self, kills: int, most_open: int) -> Report:
        ledger = Ledger(self._folder, self._context)
        server = ledger.start()
        async with Host(**settings_of(self._url, self._folder, "driver"), work=False) as host:
            for text in documents(server):
                await host.workflows.apply(text)
            driver = Driver(host, most_open)
            for place in range(_WORKERS):
                self._spawn(place)
            going = (driver.begin(), driver.feed(), self._watch(driver))
            tasks = [asyncio.create_task(one) for one in going]
            while self._kills < kills:
                await self._blow(driver)
            await self._finish(driver, tasks[0])
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end()
            ledger.stop()
            found_out = [float(at) for at in self._lines("lapses.log")]
            self._blows.lapses += [(at - 4 * LEASE_S, at + LEASE_S) for at in found_out]
            acknowledged = driver.acknowledged | dict.fromkeys(self._begun(), 0)
            runs, steps, found = await asyncio.to_thread(judged, host.store, ledger.calls, acknowledged, self._blows)
            problems = [*self._problems, *found, *await self._chains(host)]
        ranked = sorted(self._takeovers)
        takeovers = (round(ranked[len(ranked) // 2], 2), round(ranked[-1], 2)) if ranked else ()
        return Report(self._kills, self._others, runs, steps, ledger.repeats, takeovers, problems[:50])

    # -- blows

    async def _blow(self, driver: Driver) -> None:
        await self._up()
        await asyncio.sleep(self._chance.uniform(0, 0.15))
        turn = self._kills + self._others + 1
        place = self._chance.randrange(_WORKERS)
        if turn % self._every["server"] == 0 and self._crash is not None:
            await self._kill_server(self._crash)
        elif turn % self._every["ghost"] == 0:
            await self._ghost(place)
        elif turn % self._every["term"] == 0:
            await self._term(place)
        elif turn % self._every["both"] == 0:
            self._kill(0)
            self._kill(1)
        else:
            dead = self._host(place)
            at = self._kill(place)
            if turn % self._every["look"] == 0 and dead:
                await self._look(driver, dead, at)

    def _kill(self, place: int) -> float:
        worker = self._workers[place]
        at = time.time()
        os.kill(worker.pid, signal.SIGKILL)
        self._kills += 1
        self._blows.kills.append(at)
        worker.join()
        self._spawn(place)
        return at

    async def _ghost(self, place: int) -> None:
        """Stops a host for so long that another takes over; then it goes on, and must not write."""
        self._others += 1
        at, pid = time.time(), self._workers[place].pid
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(LEASE_S * self._chance.uniform(1.3, 2.0))
        os.kill(pid, signal.SIGCONT)
        self._blows.lapses.append((at, time.time() + LEASE_S))

    async def _term(self, place: int) -> None:
        """A host that is asked to end lets others have its runs, and ends."""
        self._others += 1
        worker = self._workers[place]
        self._blows.kills.append(time.time())
        os.kill(worker.pid, signal.SIGTERM)
        await asyncio.to_thread(worker.join, _UP_S)
        self._blows.kills.append(time.time())
        if worker.exitcode != 0:
            self._problems.append(f"a host that was asked to end ended with {worker.exitcode}")
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
        self._spawn(place)

    async def _kill_server(self, crash: Callable[[], None]) -> None:
        self._others += 1
        at = time.time()
        await asyncio.to_thread(crash)
        self._blows.lapses.append((at, time.time() + 3 * LEASE_S))

    async def _look(self, driver: Driver, dead: str, at: float) -> None:
        """How long it takes until somebody has taken over."""
        other_end, lag_s, seen = at + 10 * LEASE_S, 0.0, time.time()
        while seen < other_end:
            rows = await asyncio.to_thread(driver.store.rows, "SELECT 1 FROM workflow_hosts WHERE host = ?", (dead,))
            if not rows:
                break
            await asyncio.sleep(_LOOK_S)
            before, seen = seen, time.time()
            lag_s = max(lag_s, seen - before - _LOOK_S)
        leases = (time.time() - at) / LEASE_S
        self._takeovers.append(leases)
        if leases > _LATE + _SHARES * lag_s / LEASE_S:
            self._problems.append(f"{dead} was taken over after {leases:.2f} leases; a look came {lag_s:.2f} s late")

    # -- workers

    def _spawn(self, place: int) -> None:
        worker = self._context.Process(target=work, args=(self._url, str(self._folder), str(place)), daemon=True)
        worker.start()
        self._workers[place] = worker

    async def _up(self) -> None:
        """Waits until every host is there to be killed."""
        end = time.monotonic() + _UP_S
        while not all(self._host(place) for place in range(_WORKERS)):
            if time.monotonic() > end:
                raise TimeoutError("the hosts do not begin")
            for place, worker in enumerate(self._workers):
                if worker.exitcode is not None:  # the server of the database was away when it began
                    self._spawn(place)
            await asyncio.sleep(0.01)

    def _host(self, place: int) -> str:
        """Who a worker is, once it has begun."""
        pid = self._workers[place].pid
        return next((host for _, other, host in reversed(self._hosts()) if other == pid), "")

    def _hosts(self) -> list[tuple[float, int, str]]:
        found = [line.split() for line in self._lines("hosts.log")]
        return [(float(at), int(pid), host) for at, pid, host in found]

    def _begun(self) -> list[str]:
        return self._lines("begun.log")

    def _lines(self, name: str) -> list[str]:
        file = self._folder / name
        text = file.read_text() if file.exists() else ""
        return [line[:-1] for line in text.splitlines() if line[-1:] == "."]

    async def _watch(self, driver: Driver) -> None:
        """A host that was buried while it lived, because the machine was too slow, is a ghost too."""
        before: set[str] = set()
        while True:
            await asyncio.sleep(_WATCH_S)
            with suppress(StorageFailed):
                rows = await asyncio.to_thread(driver.store.rows, "SELECT host FROM workflow_hosts")
                present = {str(row[0]) for row in rows}
                if any(self._lives(host) for host in before - present):
                    self._blows.lapses.append((time.time() - 4 * LEASE_S, time.time() + 2 * LEASE_S))
                before = present

    def _lives(self, host: str) -> bool:
        pids = {worker.pid for worker in self._workers}
        return any(other == host and pid in pids for _, pid, other in self._hosts())

    # -- the end

    async def _finish(self, driver: Driver, beginning: asyncio.Task[None]) -> None:
        await self._up()
        driver.over = True
        (self._folder / OVER).touch()
        await beginning
        await driver.host.workflows.switch("ticks", on=False)
        end = time.monotonic() + _END_S
        while time.monotonic() < end:
            with suppress(StorageFailed):
                if not await asyncio.to_thread(driver.open) and not await asyncio.to_thread(
                    driver.store.rows, "SELECT 1 FROM workflow_events LIMIT 1"
                ):
                    return
            await asyncio.sleep(0.1)

    async def _end(self) -> None:
        for worker in self._workers:
            os.kill(worker.pid, signal.SIGTERM)
        for worker in self._workers:
            await asyncio.to_thread(worker.join, _UP_S)

    async def _chains(self, host: Host) -> list[str]:
        """Whether the rows of each run are those that were written."""
        rows = await asyncio.to_thread(host.store.rows, "SELECT id FROM workflow_runs")
        found = []
        for (run_id,) in rows:
            verified = await host.workflows.journal.verify(run_id)
            if not verified.ok:
                found.append(f"the chain of {run_id} is broken: {verified.fact}")
        return found
