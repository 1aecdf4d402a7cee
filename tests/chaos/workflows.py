"""Workflows under `kill -9`: no run is lost, and no recorded step is done again.

`python -m tests.chaos.run --only workflows [--kills N]`. Two hosts share one database and are killed at random moments
while runs of every kind go on, with a scheduler in each. Now and then one is stopped for longer than its lease and goes
on as a ghost, one is asked to end, both are killed at once, and the server of the database is killed. Each effect
leaves its idempotency key in a ledger, which is held against the journal in the end. The hosts are those of one
machine, which see at once that the other died, or as on two machines, which have to wait for the lease.
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
from tests.chaos.workflows_judge import Found, judged
from tests.chaos.workflows_ledger import Ledger
from tests.chaos.workflows_marks import Marks
from tests.chaos.workflows_takeovers import Killed, Pulse, taken_over
from tests.chaos.workflows_worker import LEASE_S, OVER, settings_of, work
from tests.plugins.guests import ECHO

from omnicore.assembly import Host
from omnicore.errors import StorageFailed

__all__ = ["EVERY", "Report", "run"]

_WORKERS = 2
_UP_S, _END_S = 60.0, 180.0
EVERY = {"both": 23, "ghost": 12, "term": 31, "look": 4, "server": 25}
"""Each so manyth blow is another one than a kill, or has time after it for somebody to take over."""

_LOOK_LEASES = 2.0


@dataclass
class Report:
    """What came of a campaign. `repeats` are effects that were cut before they were recorded, and so done again."""

    kills: int
    others: int
    found: Found
    takeovers: str = ""
    buried_alive: int = 0
    """Hosts that were neither killed nor stopped, and were taken for dead."""
    problems: list[str] = field(default_factory=list)

    @property
    def runs(self) -> int:
        """How many runs there were."""
        return self.found.runs


def run(
    kills: int,
    url: str | None,
    folder: Path,
    *,
    seed: int = 0,
    crash: Callable[[], None] | None = None,
    every: Mapping[str, int] = EVERY,
    most_open: int = 150,
    machines: int = 1,
) -> Report:
    """Kills hosts so many times; then lets the rest finish and looks at everything.

    Args:
        url: of an empty PostgreSQL database; None is SQLite in the folder.
        crash: kills the database's server and starts it again.
        most_open: runs at once.
        machines: 2 hides each host's lock from the other.
    """
    (folder / "plugins").mkdir()
    (folder / "plugins/echo.wat").write_text(ECHO)
    return asyncio.run(_Campaign(url, folder, random.Random(seed), crash, every, machines).run(kills, most_open))


class _Campaign:
    def __init__(
        self,
        url: str | None,
        folder: Path,
        chance: random.Random,
        crash: Callable[[], None] | None,
        every: Mapping[str, int],
        machines: int,
    ) -> None:
        self._every, self._machines = every, machines
        self._url, self._folder, self._chance, self._crash = url, folder, chance, crash
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(["tests.chaos.workflows_worker"])
        self._workers: list[Any] = [None] * _WORKERS
        self._killed: list[Killed] = []
        self._disturbed: list[tuple[float, float]] = []
        self._struck: set[str] = set()
        self._problems: list[str] = []
        self._kills = self._others = 0

    async def run(self, kills: int, most_open: int) -> Report:
        ledger = Ledger(self._folder, self._context)
        server = ledger.start()
        pulse = Pulse(self._folder, self._context)
        pulse.start()
        async with Host(**settings_of(self._url, self._folder, "driver"), work=False) as host:
            for text in documents(server):
                await host.workflows.apply(text)
            driver = Driver(host, most_open)
            for place in range(_WORKERS):
                self._spawn(place)
            tasks = [asyncio.create_task(one) for one in (driver.begin(), driver.feed())]
            began = time.monotonic()
            while self._kills < kills:
                await self._blow()
            await self._finish(driver, tasks[0])
            seconds = time.monotonic() - began
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await self._end()
            ledger.stop()
            pulse.stop()
            acknowledged = driver.acknowledged | dict.fromkeys(self._begun(), 0)
            marks = await asyncio.to_thread(Marks.read, self._folder)
            found = await asyncio.to_thread(judged, host.store, ledger.calls, acknowledged, marks, seconds)
            chains = await self._chains(host)
        takeovers = taken_over(self._killed, self._disturbed, marks, pulse, LEASE_S)
        problems = [*self._problems, *found.problems, *chains, *takeovers.problems]
        found.problems = []
        alive = len({host for host in marks.left if host in marks.entered} - self._struck)
        return Report(self._kills, self._others, found, takeovers.figures, alive, problems[:50])

    # -- blows

    async def _blow(self) -> None:
        await self._up()
        await asyncio.sleep(self._chance.uniform(0, 0.15))
        turn = self._kills + self._others + 1
        place = self._chance.randrange(_WORKERS)
        if turn % self._every["server"] == 0 and self._crash is not None:
            self._others += 1
            at = time.time()
            await asyncio.to_thread(self._crash)
            self._disturbed.append((at, time.time() + LEASE_S))
        elif turn % self._every["ghost"] == 0:
            await self._ghost(place)
        elif turn % self._every["term"] == 0:
            await self._term(place)
        elif turn % self._every["both"] == 0:
            self._kill(0)
            self._kill(1)
        else:
            self._kill(place)
            if turn % self._every["look"] == 0:  # so long nothing else is done to whoever takes over
                await asyncio.sleep(LEASE_S * _LOOK_LEASES)

    def _kill(self, place: int) -> None:
        worker, host = self._workers[place], self._host(place)
        self._killed.append(Killed(time.time(), host))
        os.kill(worker.pid, signal.SIGKILL)
        self._kills += 1
        self._struck.add(host)
        worker.join()
        self._spawn(place)

    async def _ghost(self, place: int) -> None:
        """Stops a host for so long that another takes over; then it goes on, and must not do anything for its runs."""
        self._others += 1
        self._struck.add(self._host(place))
        at, pid = time.time(), self._workers[place].pid
        os.kill(pid, signal.SIGSTOP)
        await asyncio.sleep(LEASE_S * self._chance.uniform(1.3, 2.0))
        os.kill(pid, signal.SIGCONT)
        self._disturbed.append((at, time.time() + LEASE_S))

    async def _term(self, place: int) -> None:
        """A host that is asked to end lets others have its runs, and ends."""
        self._others += 1
        worker = self._workers[place]
        self._struck.add(self._host(place))
        os.kill(worker.pid, signal.SIGTERM)
        await asyncio.to_thread(worker.join, _UP_S)
        if worker.exitcode != 0:
            self._problems.append(f"a host that was asked to end ended with {worker.exitcode}")
            with suppress(ProcessLookupError):
                os.kill(worker.pid, signal.SIGKILL)
        self._spawn(place)

    # -- workers

    def _spawn(self, place: int) -> None:
        given = (self._url, str(self._folder), str(place), self._machines)
        worker = self._context.Process(target=work, args=given, daemon=True)
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
        self._struck.update(self._host(place) for place in range(_WORKERS))
        for worker in self._workers:
            os.kill(worker.pid, signal.SIGTERM)
        for worker in self._workers:
            await asyncio.to_thread(worker.join, _UP_S)

    async def _chains(self, host: Host) -> list[str]:
        """Whether the rows of each run are those that were written."""
        rows = await asyncio.to_thread(host.store.rows, "SELECT id FROM workflow_runs")
        found = []
        for (run_id,) in rows:
            verified = await host.workflows.engine.journal.queries.verify(run_id)
            if not verified.ok:
                found.append(f"the chain of {run_id} is broken: {verified.fact}")
        return found
