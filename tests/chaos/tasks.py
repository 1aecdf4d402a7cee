"""Tasks under `kill -9`: nothing acknowledged is lost, nothing finished is done again.

`python -m tests.chaos.tasks [--rounds N] [--url postgresql://...]` runs the campaign by itself; `run` is for
others. Worker processes share one database and are killed at random moments; each call leaves a line in a file of
its own before and after, so that what really happened can be compared with what the tables say.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import os
import random
import signal
import tempfile
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnicore.config.settings import StorageSettings, TaskSettings
from omnicore.jobs.tasks import StoredTasks
from omnicore.runtime.tasks import TaskEngine
from omnicore.storage.database import open_store
from omnicore.storage.store import Store
from omnicore.storage.tables.tasks import TaskOrder

__all__ = ["Report", "run"]

_SETTINGS = TaskSettings(lease_s=0.5, poll_s=0.05, most_lost=1000)
_TASKS_A_ROUND = 30
_WORKERS = 2


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a campaign. `repeats` are calls beyond the first one, of attempts that were cut by a kill."""

    kills: int
    tasks: int
    done: int
    repeats: int
    problems: tuple[str, ...]


def run(rounds: int, store_url: str | None, folder: Path, *, seed: int = 0) -> Report:
    """Kills a worker process `rounds` times while tasks run; then lets the rest finish and looks at everything.

    Args:
        store_url: of a PostgreSQL database with room for tables; None is SQLite in the folder.
    """
    chance = random.Random(seed)
    store = _opened(store_url, folder)
    stored = StoredTasks(store, _SETTINGS)
    context = multiprocessing.get_context("spawn")
    acknowledged: list[str] = []

    def spawned() -> Any:
        process = context.Process(target=_work, args=(store_url, str(folder)), daemon=True)
        process.start()
        return process

    workers = [spawned() for _ in range(_WORKERS)]
    for _ in range(rounds):
        _until_begun(folder, workers)
        for _ in range(_TASKS_A_ROUND):
            acknowledged.append(stored.submit(TaskOrder("chaos.note", len(acknowledged), attempts=20)))
        time.sleep(chance.uniform(0, 0.04))
        place = chance.randrange(_WORKERS)
        os.kill(workers[place].pid, signal.SIGKILL)
        workers[place].join()
        workers[place] = spawned()
    end = time.monotonic() + 120
    while stored.pending() and time.monotonic() < end:
        time.sleep(0.05)
    for worker in workers:
        os.kill(worker.pid, signal.SIGTERM)
        worker.join(20)
    report = _judged(stored, folder, acknowledged, rounds)
    store.close()
    return report


def _judged(stored: StoredTasks, folder: Path, acknowledged: list[str], kills: int) -> Report:
    views = [stored.get(task) for task in acknowledged]
    begun: Counter[str] = Counter()
    ended: dict[str, float] = {}
    problems = [f"{view.id} is {view.state}: {view.error}" for view in views if view.state != "done"]
    lines = sorted(
        line for file in folder.glob("calls-*") for line in file.read_text().splitlines() if line[-1:] == "."
    )
    finished_at = {view.id: view.finished_at or 0.0 for view in views}
    for line in lines:
        at, what, task = line.rstrip(".").split()
        if what == "begin":
            begun[task] += 1
            if float(at) > finished_at.get(task, 0.0) + 0.001:
                problems.append(f"{task} began again after it was finished")
        else:
            ended[task] = float(at)
    problems += [f"{view.id} is done, but nobody ran it" for view in views if view.id not in ended]
    repeats = sum(count - 1 for count in begun.values())
    return Report(kills, len(views), sum(view.state == "done" for view in views), repeats, tuple(problems))


def _until_begun(folder: Path, workers: list[Any]) -> None:
    """Waits until every worker is there to be killed."""
    end = time.monotonic() + 30
    while not all((folder / f"calls-{worker.pid}").exists() for worker in workers):
        if time.monotonic() > end:
            raise TimeoutError("the workers do not begin")
        time.sleep(0.005)


def _opened(url: str | None, folder: Path) -> Store:
    return open_store(StorageSettings(url=url), folder / "data", check=False)


def _work(url: str | None, folder: str) -> None:
    """A worker process: runs tasks until SIGTERM."""
    notes = open(Path(folder) / f"calls-{os.getpid()}", "a", buffering=1)  # noqa: SIM115 -- as long as the process

    async def call(ref: str, value: Any, *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        notes.write(f"{time.time():.6f} begin {host_context.task}.\n")
        await asyncio.sleep(0.005)
        notes.write(f"{time.time():.6f} end {host_context.task}.\n")
        return value

    async def main() -> None:
        stop = asyncio.Event()
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
        engine = TaskEngine(4, call=call, stored=StoredTasks(store, _SETTINGS), drain_s=5)
        await engine.start()
        await stop.wait()
        await engine.stop()

    store = _opened(url, Path(folder))
    asyncio.run(main())
    store.close()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=100)
    parser.add_argument("--url")
    parser.add_argument("--seed", type=int, default=int(time.time()))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        report = run(given.rounds, given.url, Path(folder), seed=given.seed)
    print(f"seed {given.seed}: {report}")
    raise SystemExit(1 if report.problems else 0)


if __name__ == "__main__":
    main()
