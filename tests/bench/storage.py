"""Writes that are kept, against plain `sqlite3` with the same statement in a transaction of its own.

Each side has its own file in one folder and the same callers in one process: one thread, eight threads, or a hundred
tasks on an event loop. `full` waits for the disk at each commit, `normal` does not.
"""

from __future__ import annotations

import asyncio
import sqlite3
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from tests.bench.measure import Effort, Figure, interleave
from tests.bench.report import Row, at_least

from omnicore.storage.database import Database
from omnicore.storage.store import Session

__all__ = ["storage_writes"]

_THREADS = 8
_WRITES = 250
_WAITING = 100
_TABLE = (
    "CREATE TABLE grants (plugin TEXT, capability TEXT, scope TEXT NOT NULL, granted_by TEXT NOT NULL,"
    " granted_at REAL NOT NULL, PRIMARY KEY (plugin, capability))"
)
_WRITE = (
    "INSERT INTO grants VALUES (?, ?, '{}', 'bench', 0) ON CONFLICT (plugin, capability)"
    " DO UPDATE SET granted_at = granted_at + 1"
)


def storage_writes(effort: Effort) -> Iterator[Row]:
    """A write of one thread, of eight threads, and of a hundred tasks on an event loop."""
    for level in ("normal", "full"):
        with (
            tempfile.TemporaryDirectory() as folder,
            closing(Database.open(Path(folder) / "ours.db", synchronous=level)) as ours,  # type: ignore[arg-type]
            closing(_plain(Path(folder) / "plain.db", level)) as plain,
        ):
            yield from _rows(effort, level, ours, plain)


def _rows(effort: Effort, level: str, ours: Database, plain: sqlite3.Connection) -> Iterator[Row]:
    lock = threading.Lock()

    def theirs() -> None:
        with lock:
            plain.execute("BEGIN IMMEDIATE")
            _work(plain)
            plain.execute("COMMIT")

    alone = interleave(effort, lambda: ours.apply(_work), theirs)
    yield Row(f"a write, {level}", *_micro(alone), "us", at_least(0.7))
    writes = max(2, round(_WRITES * effort.scale))
    many: tuple[list[float], list[float], list[float], list[float]] = ([], [], [], [])
    for _ in range(max(1, effort.rounds // 3)):
        many[0].append(_threads(lambda: ours.apply(_work), writes))
        many[1].append(_threads(theirs, writes))
        many[2].append(asyncio.run(_tasks(lambda: ours.apply_async(_work), writes)))
        many[3].append(asyncio.run(_tasks(lambda: asyncio.to_thread(theirs), writes)))
    shared, apart, awaited, handed = _micro([Figure.of(taken) for taken in many])
    yield Row(f"a write of {_THREADS} threads, {level}", shared, apart, "us", at_least(1.5 if level == "full" else 0.5))
    note = "peer: the same tasks, each write by asyncio.to_thread"
    yield Row(f"a write of {_WAITING} tasks on a loop, {level}", awaited, handed, "us", at_least(1.5), note=note)


def _work(session: Session | sqlite3.Connection) -> Any:
    return session.execute(_WRITE, ("plugin", "kv"))


def _plain(file: Path, level: str) -> sqlite3.Connection:
    connection = sqlite3.connect(file, isolation_level=None, check_same_thread=False)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(f"PRAGMA synchronous={level}")
    connection.execute(_TABLE)
    return connection


def _threads(write: Callable[[], object], writes: int) -> float:
    """Seconds for one write of many threads."""

    def run() -> None:
        for _ in range(writes):
            write()

    threads = [threading.Thread(target=run) for _ in range(_THREADS)]
    began = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return (time.perf_counter() - began) / (_THREADS * writes)


async def _tasks(write: Callable[[], Awaitable[object]], writes: int) -> float:
    """Seconds for one write of many tasks."""

    async def run() -> None:
        for _ in range(turns):
            await write()

    turns = max(1, _THREADS * writes // _WAITING)
    began = time.perf_counter()
    await asyncio.gather(*(run() for _ in range(_WAITING)))
    return (time.perf_counter() - began) / (_WAITING * turns)


def _micro(figures: list[Figure]) -> list[Figure]:
    return [figure.scaled(1e6) for figure in figures]
