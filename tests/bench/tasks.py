"""Tasks: jobs in memory against an `asyncio.Queue` with futures for results, stored ones against huey on SQLite.

Both databases are in WAL mode and neither waits for the disk at a commit. huey keeps a task's message and takes it
away before the task runs; ours keeps state, lease, attempts and output, and survives a worker that dies. Where huey
is not installed (`tox -e bench` does it), a bare table in `sqlite3` stands in for it, which is less than a queue.

One thread submits on both sides, in one process. Ours runs tasks on an event loop, huey in the thread that takes them.
"""

from __future__ import annotations

import asyncio
import sqlite3
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Protocol

from tests.bench.commits import commit_s, in_commits, last_row, postgresql_commit_s
from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, at_least
from tests.storage.postgresql_server import find_binaries, private_server

from omnicore.jobs.tasks import StoredTasks
from omnicore.runtime.tasks import TaskEngine
from omnicore.storage.database import Database
from omnicore.storage.postgresql import PostgresDatabase
from omnicore.storage.store import Store
from omnicore.storage.tables.tasks import TaskOrder

__all__ = ["tasks"]

_WORKERS = 8


class Peer(Protocol):
    """What stores and runs tasks beside ours."""

    name: str

    def submit(self) -> object: ...

    def run_all(self) -> None: ...


def tasks(effort: Effort) -> Iterator[Row]:
    """The rows. Targets are modest: the peers promise less."""
    number = max(10, int(2000 * effort.scale))
    rounds = max(1, min(effort.rounds, 7))
    jobs = [asyncio.run(_jobs(number)) for _ in range(rounds)]
    yield _row("job in memory: submit, run, end", jobs, "asyncio.Queue", 0.05)
    with TemporaryDirectory() as folder:
        submits, runs, peer = _stored(Path(folder), number, rounds)
    yield _row("stored task: submit", submits, peer, 0.2)
    yield _row("stored task: claim, run, end", runs, peer, 0.5)
    yield from _against_commits(max(10, number // 4), rounds)


def _against_commits(number: int, rounds: int) -> Iterator[Row]:
    """The same in raw commits, by turns with these: medians, as a checkpoint of SQLite takes as long as many."""
    for mode in ("NORMAL", "FULL"):
        with TemporaryDirectory() as name:
            file = Path(name) / "ours.db"
            with closing(Database.open(file, synchronous="full" if mode == "FULL" else "normal")) as store:
                yield from _in_commits(f"SQLite {mode}", store, number, rounds, partial(_raw, file, mode))
    binaries = find_binaries()
    if binaries is None:
        return
    with private_server(binaries, memory=False, settings={}) as server:
        server.sql("CREATE DATABASE tasks")
        url = server.url("tasks")
        with closing(PostgresDatabase.open(url)) as store:
            commit = partial(postgresql_commit_s, url, "tasks")
            yield from _in_commits("PostgreSQL fsync on", store, number, rounds, commit)


def _raw(file: Path, synchronous: str) -> float:
    return commit_s(file.parent, last_row(file, "tasks"), synchronous)


def _in_commits(mode: str, store: Store, number: int, rounds: int, commit: Callable[[], float]) -> Iterator[Row]:
    desk, order = StoredTasks(store), TaskOrder("bench.nothing", {"to": "Ada"})
    submits, runs, commits = [], [], []
    for _ in range(rounds):
        submits += [_once(lambda: desk.submit(order)) for _ in range(number)]
        runs.append(asyncio.run(_run_ours(desk)) / number)
        commits.append(commit())
    for work, taken in (("submit", submits), ("claim, run, end", runs)):
        yield in_commits(f"stored task: {work}, {mode}", statistics.median(taken), statistics.median(commits))


def _row(work: str, samples: list[tuple[float, float]], peer: str, ratio: float) -> Row:
    ours, theirs = zip(*samples, strict=True)
    return Row(work, Figure.of(ours), Figure.of(theirs), "us", at_least(ratio), note=f"peer: {peer}")


async def _jobs(number: int) -> tuple[float, float]:
    async def job() -> None:
        return None

    async def worker(queue: asyncio.Queue[Any]) -> None:
        while (item := await queue.get()) is not None:
            work, result = item
            result.set_result(await work())

    engine = TaskEngine(_WORKERS)
    await engine.start()
    began = time.perf_counter()
    for _ in range(number):
        await engine.submit(job)
    await engine.stop()
    ours = time.perf_counter() - began
    queue: asyncio.Queue[Any] = asyncio.Queue()
    workers = [asyncio.create_task(worker(queue)) for _ in range(_WORKERS)]
    began = time.perf_counter()
    loop = asyncio.get_running_loop()
    for _ in range(number):
        await queue.put((job, loop.create_future()))
    for _ in range(_WORKERS):
        await queue.put(None)
    await asyncio.gather(*workers)
    return ours / number * 1e6, (time.perf_counter() - began) / number * 1e6


def _stored(folder: Path, number: int, rounds: int) -> tuple[list[Any], list[Any], str]:
    submits, runs = [], []
    database = Database.open(folder / "ours.db")
    stored, peer = StoredTasks(database), _peer(folder / "peer.db")
    order = TaskOrder("bench.nothing", {"to": "Ada"})
    for _ in range(rounds):
        submits.append((_per(lambda: stored.submit(order), number), _per(peer.submit, number)))
        runs.append((asyncio.run(_run_ours(stored)) / number * 1e6, _once(peer.run_all) / number * 1e6))
    database.close()
    return submits, runs, peer.name


async def _run_ours(stored: StoredTasks) -> float:
    async def call(ref: str, value: Any, *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        return None

    engine = TaskEngine(_WORKERS, call=call, stored=stored)
    began = time.perf_counter()
    await engine.start()
    while stored.pending():
        await asyncio.sleep(0.001)
    taken = time.perf_counter() - began
    await engine.stop()
    return taken


def _peer(path: Path) -> Peer:
    return _Huey(path) if find_spec("huey") else _Table(path)


class _Huey:
    name = "huey"

    def __init__(self, path: Path) -> None:
        from huey import SqliteHuey

        self._huey = SqliteHuey(filename=str(path), fsync=False, results=True)

        @self._huey.task()
        def nothing(value: Any) -> None:
            return None

        self._task = nothing

    def submit(self) -> object:
        return self._task({"to": "Ada"})

    def run_all(self) -> None:
        while (task := self._huey.dequeue()) is not None:
            self._huey.execute(task)


class _Table:
    name = "a bare sqlite3 table"

    def __init__(self, path: Path) -> None:
        self._connection = sqlite3.connect(path, isolation_level=None)
        for sql in (
            "PRAGMA journal_mode=WAL",
            "PRAGMA synchronous=NORMAL",
            "CREATE TABLE work (id INTEGER PRIMARY KEY, input TEXT)",
        ):
            self._connection.execute(sql)

    def submit(self) -> object:
        return self._connection.execute("INSERT INTO work (input) VALUES (?)", ('{"to":"Ada"}',))

    def run_all(self) -> None:
        taken = "DELETE FROM work WHERE id = (SELECT min(id) FROM work) RETURNING input"
        while self._connection.execute(taken).fetchone() is not None:
            pass
        self._connection.commit()


def _per(action: Callable[[], object], number: int) -> float:
    began = time.perf_counter()
    for _ in range(number):
        action()
    return (time.perf_counter() - began) / number * 1e6


def _once(action: Callable[[], object]) -> float:
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
