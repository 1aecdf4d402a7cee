"""Writes of 32 writers on four hosts over PostgreSQL, against plain psycopg with the same rows in the same run.

A host is a process with eight threads. Ours shares one `PostgresDatabase` in each host; plain has a connection for each
thread and a transaction for each write. The server has its fsync on and its data on the disk.
"""

from __future__ import annotations

import multiprocessing
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from typing import Any

import psycopg
from msgspec.structs import astuple
from tests.bench.measure import Effort, Figure
from tests.bench.report import Row, at_least
from tests.storage.postgresql_server import find_binaries, private_server

from omnicore.ids import new_id
from omnicore.storage.postgresql import PostgresDatabase
from omnicore.storage.postgresql_link import with_percent_marks
from omnicore.storage.tables.connectors import ConnectorsTable, UseRow
from omnicore.storage.tables.tasks import Task, TasksTable, insert

__all__ = ["postgresql_writes"]

_HOSTS, _THREADS = 4, 8
_TURN_S = 3.0
_LEAST = 0.5
_WORKS = {
    "use": "32 writers, a row each",
    "block": "32 writers, a transaction of its own each",
    "tasks": "32 writers, a task each, an owner for each writer",
    "owner": "32 writers, a task each, one owner for all",
}
_USE = (
    "INSERT INTO connector_uses (id, connector, action, who, at, took_s, attempts, outcome)"
    " VALUES (%s, %s, %s, %s, %s, %s, %s, %s)"
)


def postgresql_writes(effort: Effort) -> Iterator[Row]:
    """Rows a second, ours and plain by turns."""
    binaries = find_binaries()
    assert binaries is not None
    with private_server(binaries, memory=False, settings={"max_connections": "100"}) as server:
        for work, words in _WORKS.items():
            server.sql(f"CREATE DATABASE bench_{work}")
            url = server.url(f"bench_{work}")
            PostgresDatabase.open(url).close()
            seconds = _TURN_S if effort.scale >= 1 else 0.3 + 7 * effort.scale
            rates: dict[bool, list[float]] = {True: [], False: []}
            for _ in range(max(1, effort.rounds // 7)):
                for ours, taken in rates.items():
                    taken.append(_rate(url, work, ours, seconds))
            note = f"{_HOSTS} processes of {_THREADS} threads and the same rows on both sides; plain: a connection each"
            yield Row(
                f"{words}, PostgreSQL fsync on, against plain psycopg",
                Figure.of(rates[True]),
                Figure.of(rates[False]),
                "/s",
                at_least(_LEAST),
                rate=True,
                note=note,
            )


def _rate(url: str, work: str, ours: bool, seconds: float) -> float:
    context = multiprocessing.get_context("fork")  # nothing is open here
    gate, answers = context.Barrier(_HOSTS), context.Queue()
    hosts = [context.Process(target=_host, args=(url, work, ours, seconds, gate, answers)) for _ in range(_HOSTS)]
    for host in hosts:
        host.start()
    counts = [answers.get(timeout=120) for _ in hosts]
    for host in hosts:
        host.join()
    return float(sum(counts) / seconds)


def _host(url: str, work: str, ours: bool, seconds: float, gate: Any, answers: Any) -> None:
    if ours:
        with closing(PostgresDatabase.open(url)) as database:
            answers.put(_threads([_ours(database, work)] * _THREADS, seconds, gate))
        return
    links = [psycopg.connect(url) for _ in range(_THREADS)]
    answers.put(_threads([_plain(link, work) for link in links], seconds, gate))
    for link in links:
        link.close()


def _ours(database: PostgresDatabase, work: str) -> Callable[[str], object]:
    if work == "use":
        uses = ConnectorsTable(database)
        return lambda _owner: uses.begin_use(_use())
    if work == "block":

        def block(_owner: str) -> None:
            with database.write() as session:
                session.execute(_USE.replace("%s", "?"), astuple(_use()))

        return block
    tasks = TasksTable(database)
    return lambda owner: tasks.add(_task(owner if work == "tasks" else "@all"), most_pending=None)


def _plain(link: psycopg.Connection[Any], work: str) -> Callable[[str], object]:
    class Session:
        def execute(self, sql: str, parameters: Any = ()) -> Any:
            return link.execute(with_percent_marks(sql), parameters)

    def use(_owner: str) -> None:
        with link.transaction():
            link.execute(_USE, astuple(_use()))

    def task(owner: str) -> None:
        with link.transaction():
            insert(Session(), _task(owner if work == "tasks" else "@all"), most_pending=None)  # type: ignore[arg-type]

    return use if work in ("use", "block") else task


def _threads(writes: list[Callable[[str], object]], seconds: float, gate: Any) -> int:
    """How many writes a host did."""
    counts = [0] * len(writes)
    owners = [new_id("bench") for _ in writes]

    def run(place: int) -> None:
        write, owner = writes[place], owners[place]
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            write(owner)
            counts[place] += 1

    for write, owner in zip(writes, owners, strict=True):
        write(owner)
    threads = [threading.Thread(target=run, args=(place,)) for place in range(len(writes))]
    gate.wait()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts)


def _use() -> UseRow:
    return UseRow(new_id("use"), "bench", "get", "bench", time.time(), None, 1, "begun")


def _task(owner: str) -> Task:
    now = time.time()
    return Task(
        **{"id": new_id("task"), "owner": owner, "function": "bench.work", "input": {"text": "x"}, "most_attempts": 3},
        **{"created_at": now, "due_at": now, "stamped_at": now, "lane": "", "size": 64},
    )
