"""Hosts that write to one PostgreSQL database at the same time: nothing is lost, counted twice or held up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnicore.clock import SystemClock
from omnicore.errors import LimitExceeded, StorageBusy, StorageFailed
from omnicore.ids import new_id
from omnicore.storage.postgresql import PostgresDatabase
from omnicore.storage.store import Session
from omnicore.storage.tables.audit import AuditEntry, AuditTable, hash_of
from omnicore.storage.tables.kv import KvTable
from omnicore.storage.tables.tasks import Ending, Task, TaskClaims, TasksTable

Two = tuple[PostgresDatabase, PostgresDatabase]
ADD = "INSERT INTO grants VALUES (?, 'kv', '{}', 'test', 0)"
_SHARED = settings(
    max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


@pytest.fixture
def two(postgresql_url: str) -> Iterator[Two]:
    """Two hosts on one database."""
    with (
        closing(PostgresDatabase.open(postgresql_url)) as one,
        closing(PostgresDatabase.open(postgresql_url)) as other,
    ):
        yield one, other


def _at_once(works: list[Callable[[], Any]]) -> list[Any]:
    """The answers of works that begin together, or what they raised."""
    gate = threading.Barrier(len(works))

    def run(work: Callable[[], Any]) -> Any:
        gate.wait(60)
        try:
            return work()
        except Exception as error:
            return error

    with ThreadPoolExecutor(len(works)) as pool:
        return list(pool.map(run, works))


def _task(owner: str, **more: Any) -> Task:
    row = {"function": "text.echo", "most_attempts": 3, "lane": "", "size": 4}
    at = {"created_at": 1.0, "due_at": 1.0, "stamped_at": 1.0}
    return Task(**{"id": new_id("task"), "owner": owner, **row, **at, **more})


@_SHARED
@given(st.lists(st.tuples(st.integers(0, 1), st.sampled_from("ab")), min_size=4, max_size=16))
def test_a_key_that_two_hosts_compare_and_set_loses_no_update(two: Two, turns: list[tuple[int, str]]) -> None:
    tables = [KvTable(store, SystemClock()) for store in two]
    plugin = new_id("p")

    def add(host: int, key: str) -> None:
        while True:
            found = tables[host].get(plugin, key)
            value, version = found or (b"0", None)
            if tables[host].cas(plugin, key, version, b"%d" % (int(value) + 1))[0]:
                return

    assert _at_once([lambda turn=turn: add(*turn) for turn in turns]) == [None] * len(turns)
    for key, count in Counter(key for _, key in turns).items():
        assert (tables[0].get(plugin, key) or (b"",))[0] == b"%d" % count


@_SHARED
@given(st.lists(st.integers(1, 40), min_size=4, max_size=16), st.integers(20, 100))
def test_a_quota_is_never_passed(two: Two, sizes: list[int], most: int) -> None:
    tables = [KvTable(store, SystemClock()) for store in two]
    plugin = new_id("q")

    def put(place: int, size: int) -> int:
        return tables[place % 2].put(plugin, f"{place:02}", b"x" * size, max_bytes=most, max_keys=8)

    answers = _at_once([lambda one=one: put(*one) for one in enumerate(sizes)])
    assert all(isinstance(one, int | LimitExceeded) for one in answers)
    kept = [size for size, answer in zip(sizes, answers, strict=True) if isinstance(answer, int)]
    totals = tables[0].totals(plugin)
    assert (totals.keys, totals.bytes) == (len(kept), sum(kept) + 2 * len(kept))
    assert totals.bytes <= most
    assert totals.keys <= 8
    versions = [answer for answer in answers if isinstance(answer, int)]
    assert len(set(versions)) == len(versions)


@_SHARED
@given(st.integers(2, 12), st.integers(1, 6))
def test_an_owner_has_no_more_tasks_than_it_may_and_a_key_names_one(two: Two, orders: int, most: int) -> None:
    tables = [TasksTable(store) for store in two]
    owner, keyed = new_id("o"), new_id("k")

    def order(place: int) -> tuple[str, bool]:
        return tables[place % 2].add(_task(owner), most_pending=most)

    def order_once(place: int) -> tuple[str, bool]:
        return tables[place % 2].add(_task(keyed, key="once"), most_pending=1)

    answers = _at_once([lambda place=place: order(place) for place in range(orders)])
    assert sum(isinstance(one, tuple) for one in answers) == min(orders, most)
    named = _at_once([lambda place=place: order_once(place) for place in range(orders)])
    assert len({task for task, _ in named}) == 1
    assert sum(new for _, new in named) == 1


def test_a_task_is_claimed_once_by_hosts_that_claim_together(two: Two) -> None:
    for place in range(60):
        TasksTable(two[place % 2]).add(_task(f"@{place % 3}"), most_pending=None)
    claims = [TaskClaims(store) for store in two]
    taken: Counter[str] = Counter()
    lock = threading.Lock()

    def host(place: int) -> None:
        name, endings = f"host{place}", list[Ending]()
        while True:
            claim = claims[place % 2].turn(name, endings, free=4, now=2.0, limits={})
            assert not claim.refused
            with lock:
                taken.update(task.id for task in claim.tasks)
            endings = [Ending(task.id, task.token, "done", 3.0, output="null") for task in claim.tasks]
            if not endings and claims[0].next_due([""]) is None:
                return

    assert _at_once([lambda place=place: host(place) for place in range(6)]) == [None] * 6
    assert len(taken) == 60
    assert set(taken.values()) == {1}
    assert two[0].rows("SELECT state, count(*) FROM tasks GROUP BY state") == [("done", 60)]
    assert TasksTable(two[0]).pending() == 0


def test_a_queue_with_a_limit_never_runs_more(two: Two) -> None:
    for _ in range(20):
        TasksTable(two[0]).add(_task("@one", queue="slow", lane="slow"), most_pending=None)

    def turn(place: int) -> int:
        return len(TaskClaims(two[place % 2]).turn(f"h{place}", (), free=5, now=2.0, limits={"slow": 3}).tasks)

    assert sum(_at_once([lambda place=place: turn(place) for place in range(6)])) == 3


def test_the_chain_of_the_record_stays_whole(two: Two) -> None:
    tables = [AuditTable(store) for store in two]

    def append(place: int) -> None:
        for turn in range(10):
            tables[place % 2].append([AuditEntry(float(turn), f"a{place}", "test", "here", "do", "it")])

    assert _at_once([lambda place=place: append(place) for place in range(6)]) == [None] * 6
    rows = tables[0].after(0, 100)
    assert [row.seq for row in rows] == list(range(1, 61))
    last = rows[0].hash
    for row in rows[1:]:
        assert row.hash == hash_of(row.seq, row, last)
        last = row.hash
    assert tables[1].anchor("head").hash == last


def test_writers_that_take_the_same_rows_in_another_order_all_come_through(two: Two) -> None:
    with two[0].write() as session:
        session.executemany(ADD, [("a",), ("b",)])

    def both(store: PostgresDatabase, names: str) -> None:
        def work(session: Session) -> None:
            for name in names:
                session.execute("UPDATE grants SET granted_at = granted_at + 1 WHERE plugin = ?", (name,))

        for _ in range(10):
            store.apply(work)

    works = [(two[0], "ab"), (two[1], "ba")]
    assert _at_once([lambda one=one: both(*one) for one in works]) == [None] * 2
    assert two[0].rows("SELECT granted_at FROM grants") == [(20.0,)] * 2


def test_a_host_that_stands_still_in_a_transaction_holds_nobody_up_for_two_seconds(two: Two) -> None:
    still, other = two

    def standing() -> float:
        with still.write(locks=["noun"]) as session:
            session.execute(ADD, ("one",))
            began = time.monotonic()
            other.apply(lambda session: session.execute(ADD, ("one",)).rowcount, locks=["noun"])
            took = time.monotonic() - began
        return took

    began = time.monotonic()
    with pytest.raises(StorageFailed):
        standing()
    assert time.monotonic() - began < 2.5
    assert other.rows("SELECT plugin FROM grants") == [("one",)]


def test_a_stranger_that_stands_still_holds_up_only_who_wants_the_same_and_is_named(
    two: Two, postgresql_url: str
) -> None:
    store = two[0]
    stop = threading.Event()
    slowest = [0.0]

    def others() -> None:
        number = 0
        while not stop.is_set():
            began, number = time.monotonic(), number + 1
            name = f"{threading.get_ident()}-{number}"
            store.apply(lambda session, name=name: session.execute(ADD, (name,)).rowcount)
            slowest[0] = max(slowest[0], time.monotonic() - began)

    def blocked(turn: int) -> float:
        began = time.monotonic()
        with pytest.raises(
            StorageBusy, match=r"a lock of session \d+ \(psql, idle in transaction for \d+ s\)"
        ) as caught:
            store.apply(lambda session: session.execute(ADD, ("held",)).rowcount, locks=[f"n{turn}"])
        assert "pg_terminate_backend" in str(caught.value)
        return time.monotonic() - began

    with psycopg.connect(postgresql_url, application_name="psql") as stranger:
        stranger.execute("INSERT INTO grants VALUES ('held', 'kv', '{}', 'test', 0)")
        threads = [threading.Thread(target=others) for _ in range(4)]
        for thread in threads:
            thread.start()
        took = _at_once([lambda turn=turn: blocked(turn) for turn in range(2)])
        stop.set()
        for thread in threads:
            thread.join(60)
    assert all(isinstance(one, float) and one < 4 for one in took), took
    assert slowest[0] < 2.0


def test_an_event_loop_goes_on_while_its_work_waits_for_a_lock(two: Two) -> None:
    store = two[0]

    async def main() -> list[int]:
        with two[1].write(locks=["held"]):
            waiting = asyncio.create_task(
                store.apply_async(lambda session: session.execute(ADD, ("late",)).rowcount, locks=["held"])
            )
            done = [
                await store.apply_async(lambda session, place=place: session.execute(ADD, (str(place),)).rowcount)
                for place in range(5)
            ]
            assert not waiting.done()
        return [*done, await waiting]

    assert asyncio.run(main()) == [1] * 6
