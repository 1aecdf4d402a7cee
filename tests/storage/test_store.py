"""What every store promises, on each database."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from tests.storage.stores import STEPS_SEEN, OpenStore

from omnicore.errors import Conflict, InvalidInput, StorageFailed
from omnicore.storage.database import Database
from omnicore.storage.migrations import NEWEST
from omnicore.storage.store import Session, Store

COMMIT = {"sqlite": "commit", "postgresql": "_commit"}
ADD = "INSERT INTO grants VALUES (?, 'kv', '{}', 'test', 0)"


def _adding(*names: str) -> Callable[[Session], tuple[str, ...]]:
    def work(session: Session) -> tuple[str, ...]:
        for name in names:
            session.execute(ADD, (name,))
        return names

    return work


def _names(store: Store) -> list[str]:
    return [row[0] for row in store.rows("SELECT plugin FROM grants ORDER BY plugin")]


def test_every_table_is_there_and_every_step_recorded(store: Store) -> None:
    tables = ("plugins", "grants", "kv", "tasks", "schedules", "logs", "users", "workflows", "memories", "memory_edges")
    tables += ("vectors", "intelligences", "skills", "lanes", "connectors", "secrets", "webhooks")
    assert [store.rows(f"SELECT count(*) FROM {name}") for name in tables] == [[(0,)]] * len(tables)
    assert store.rows(STEPS_SEEN) == [(NEWEST, NEWEST)]


def test_opening_again_keeps_what_was_written(open_store: OpenStore) -> None:
    first = open_store()
    first.apply(_adding("a"))
    first.close()
    assert _names(open_store()) == ["a"]


def test_a_block_that_raises_leaves_nothing_behind(store: Store) -> None:
    def interrupted() -> None:
        with store.write() as session:
            session.execute(ADD, ("a",))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    store.apply(_adding("b"))
    assert _names(store) == ["b"]


def test_a_broken_rule_of_a_table_is_an_error_of_the_store(store: Store) -> None:
    store.apply(_adding("a"))
    with pytest.raises(StorageFailed, match="see the reason"):
        store.apply(_adding("b", "a"))
    with pytest.raises(StorageFailed, match="see the reason"), store.write(durable=True) as session:
        session.execute(ADD, ("a",))
    with pytest.raises(StorageFailed):
        store.rows("SELECT nothing FROM grants")
    assert _names(store) == ["a"]


def test_a_transaction_inside_another_is_refused(store: Store) -> None:
    with store.write() as session:
        with pytest.raises(Conflict, match="write through its session"):
            store.apply(_adding("b"))
        with pytest.raises(Conflict, match="write through its session"):
            store.apply(lambda _: store.apply(_adding("c")))
        session.execute(ADD, ("a",))
    assert _names(store) == ["a"]


def test_values_come_back_in_the_same_types(store: Store) -> None:
    with store.write() as session:
        session.execute(
            "INSERT INTO kv VALUES (?, ?, ?, ?, ?)", ("%s ? 'é'", b"\x00%?\xff", bytes(range(256)), 2**62, None)
        )
        session.execute("INSERT INTO kv VALUES ('?%', ?, ?, ?, ?)", (b"k", b"", True, 1.5))
    rows = store.rows("SELECT * FROM kv ORDER BY plugin")
    assert rows == [
        ("%s ? 'é'", b"\x00%?\xff", bytes(range(256)), 2**62, None),
        ("?%", b"k", b"", 1, 1.5),
    ]
    assert [type(value) for value in rows[1]] == [str, bytes, bytes, int, float]
    counted = store.rows("SELECT sum(version), avg(expires_at), count(*), max(version) FROM kv WHERE plugin LIKE '?%'")
    assert counted == [(1, 1.5, 1, 1)]
    assert [type(value) for value in counted[0]] == [int, float, int, int]


def test_texts_are_ordered_by_their_bytes(store: Store) -> None:
    names = ["Z", "a", "B", "é", "_", "ä", "aa", "A"]
    store.apply(_adding(*names))
    assert _names(store) == sorted(names, key=str.encode)


def test_many_rows_at_once_and_what_a_statement_changed(store: Store) -> None:
    with store.write() as session:
        session.executemany(ADD, [(f"p{number}",) for number in range(50)])
        assert session.execute("UPDATE grants SET granted_at = 1 WHERE plugin < ?", ("p2",)).rowcount == 12
        assert session.execute("DELETE FROM grants WHERE granted_at = 1 RETURNING plugin").fetchone() is not None
        assert session.execute("SELECT plugin FROM grants WHERE plugin = 'p1'").fetchone() is None
        assert len(session.execute("SELECT plugin FROM grants").fetchall()) == 38


def test_many_rows_come_back_as_they_went_in(store: Store) -> None:
    kv = "INSERT INTO kv (plugin, key, value, version, expires_at) VALUES (?, ?, ?, ?, ?)"
    odd = ["", "\\N", "\\.", "a\tb\r\nc\\t", "é%s ?", "\U0001f600", '{"a": "\\u0000"}', "NULL", "\x01"]
    rows = [
        (name, bytes(range(256)) + name.encode(), b"", 2**62 - place, None if place % 2 else 0.1 + 1e-300 * place)
        for place, name in enumerate(odd)
    ]
    with store.write() as session:
        session.executemany(kv, [*rows, ("yes", b"k", b"v", True, 1e300)])
    assert store.rows("SELECT * FROM kv WHERE plugin <> 'yes' ORDER BY version DESC") == rows
    assert store.rows("SELECT version, expires_at FROM kv WHERE plugin = 'yes'") == [(1, 1e300)]


def test_of_many_rows_those_that_are_there_already_are_left_out(store: Store) -> None:
    once = "INSERT INTO kv (plugin, key, value, version, expires_at) VALUES (?, ?, ?, ?, ?) ON CONFLICT DO NOTHING"
    with store.write() as session:
        session.executemany(once, [(f"p{number}", b"", b"", number, None) for number in range(0, 30, 3)])
        session.executemany(once, [(f"p{number % 21}", b"", b"", 99, None) for number in range(29)])
    rows = store.rows("SELECT plugin, version FROM kv")
    assert len(rows) == 24
    assert all(version == (int(name[1:]) if int(name[1:]) % 3 == 0 else 99) for name, version in rows)


def test_one_of_many_rows_that_breaks_a_rule_undoes_all_of_them(store: Store) -> None:
    add = "INSERT INTO grants (plugin, capability, scope, granted_by, granted_at) VALUES (?, 'kv', '{}', 'test', 0)"
    names = [(f"p{number}",) for number in range(50)]
    with pytest.raises(StorageFailed), store.write() as session:
        session.executemany(add, [*names, ("p7",)])
    many = "INSERT INTO kv (plugin, key, value, version, expires_at) VALUES (?, ?, ?, ?, ?)"
    with pytest.raises(StorageFailed), store.write() as session:
        session.executemany(many, [(f"p{number % 40}", b"k", b"", 1, None) for number in range(50)])
    assert _names(store) == []
    assert store.rows("SELECT count(*) FROM kv") == [(0,)]
    store.apply(_adding("a"))
    assert _names(store) == ["a"]


def test_queries_cannot_write(store: Store) -> None:
    with pytest.raises(StorageFailed):
        store.rows("DELETE FROM grants RETURNING plugin")


def test_work_of_many_threads_is_kept_and_answered_each_its_own(store: Store) -> None:
    wrong: list[object] = []

    def worker(number: int) -> None:
        for turn in range(25):
            name = f"{number}-{turn}"
            if store.apply(_adding(name)) != (name,) or store.rows(
                "SELECT count(*) FROM grants WHERE plugin = ?", (name,)
            ) != [(1,)]:
                wrong.append(name)

    threads = [threading.Thread(target=worker, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(_names(store)) == 200


class _Together:
    """Work of several threads that waits for one transaction: the lead is kept busy until all have come."""

    def __init__(self, store: Store) -> None:
        self._store, self._begun, self._go = store, threading.Event(), threading.Event()
        if store.dialect == "postgresql":
            store._group._most = 1  # type: ignore[attr-defined]  # one that leads, as in SQLite
        self.answers: dict[str, object] = {}

    def run(self, works: dict[str, Callable[[Session], object]]) -> dict[str, object]:
        threads = [threading.Thread(target=self._one, args=("lead", self._hold))]
        threads[0].start()
        assert self._begun.wait(60)
        for name, work in works.items():
            threads.append(threading.Thread(target=self._one, args=(name, work)))
            threads[-1].start()
            while len(self._store._group._waiting) < len(threads) - 1:  # type: ignore[attr-defined]
                threads[-1].join(0.001)
        self._go.set()
        for thread in threads:
            thread.join(60)
        return self.answers

    def _hold(self, session: Session) -> None:
        self._begun.set()
        assert self._go.wait(60)

    def _one(self, name: str, work: Callable[[Session], object]) -> None:
        try:
            self.answers[name] = self._store.apply(work)
        except BaseException as error:
            self.answers[name] = error


def test_what_one_work_raises_undoes_its_own_writes_only(store: Store) -> None:
    def failing(session: Session) -> None:
        session.execute(ADD, ("lost",))
        raise ValueError("no")

    def breaking(session: Session) -> None:
        session.execute(ADD, ("lost too",))
        session.execute(ADD, ("a",))

    answers = _Together(store).run(
        {"one": _adding("a"), "two": failing, "three": _adding("b"), "four": breaking, "five": _adding("c")}
    )
    assert (answers["one"], answers["three"], answers["five"]) == (("a",), ("b",), ("c",))
    assert isinstance(answers["two"], ValueError)
    assert isinstance(answers["four"], StorageFailed)
    assert _names(store) == ["a", "b", "c"]


def test_work_that_waited_together_shares_one_commit(store: Store, open_store: OpenStore) -> None:
    other = open_store()
    other.data_version()
    seen: list[int] = []

    def looking(number: int) -> Callable[[Session], object]:
        def work(session: Session) -> None:
            session.execute(ADD, (str(number),))
            seen.append(len(_names(other)))  # nothing of the others is out before all of it is

        return work

    _Together(store).run({str(number): looking(number) for number in range(5)})
    assert seen == [0] * 5
    assert len(_names(other)) == 5


def test_a_commit_that_fails_fails_all_who_share_it(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    name = COMMIT[store.dialect]
    commit = getattr(store, name)
    commits: list[int] = []

    def breaking(*given: Any) -> Any:
        commits.append(1)
        if len(commits) == 2:  # the first is the holder's
            raise StorageFailed("the disk is gone")
        return commit(*given)

    monkeypatch.setattr(store, name, breaking)
    answers = _Together(store).run({"one": _adding("a"), "two": _adding("b")})
    assert [str(answers[name]) for name in ("one", "two")] == ["the disk is gone"] * 2
    assert _names(store) == []
    store.apply(_adding("c"))
    assert _names(store) == ["c"]


def test_an_interrupt_stops_who_leads_and_the_others_go_on(store: Store) -> None:
    def interrupted(session: Session) -> None:
        session.execute(ADD, ("lost",))
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        store.apply(interrupted)
    answers = _Together(store).run({"one": _adding("a"), "two": interrupted, "three": _adding("b")})
    # The thread of "one" led when it came, as Ctrl-C comes to the thread that runs; "two" brings its own.
    assert [type(answers[name]) for name in ("one", "two")] == [KeyboardInterrupt] * 2
    assert answers["three"] == ("b",)
    assert _names(store) == ["b"]


def test_an_interrupt_at_the_commit_lets_nothing_be_done_twice(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    name = COMMIT[store.dialect]
    commit = getattr(store, name)
    commits: list[int] = []

    def interrupted(*given: Any) -> Any:
        kept = commit(*given)
        commits.append(1)
        if len(commits) == 2:  # the first is the holder's
            raise KeyboardInterrupt
        return kept

    monkeypatch.setattr(store, name, interrupted)
    answers = _Together(store).run({"one": _adding("a"), "two": _adding("b")})
    assert isinstance(answers["one"], KeyboardInterrupt)
    assert "check whether the change is there" in str(answers["two"])
    assert _names(store) == ["a", "b"]


def test_a_transaction_that_nobody_could_end_is_dropped_by_the_next(store: Store) -> None:
    if isinstance(store, Database):
        store.begin().execute(ADD, ("lost",))
        store._owner = None  # as if an interrupt had come between two instructions
    else:
        lost = store._new_writer()  # type: ignore[attr-defined]
        lost.execute(f"BEGIN READ WRITE; {ADD.replace('?', repr('lost'))}")
        store._give_back(lost)  # type: ignore[attr-defined]
    store.apply(_adding("a"))
    assert _names(store) == ["a"]


def test_a_lead_that_was_lost_is_taken_by_who_waits(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnicore.storage.commits._LOST_S", 0.01)
    monkeypatch.setattr("omnicore.storage.commits._LOST_S", 0.01)
    if isinstance(store, Database):
        store._group._led = True  # as if the leader had been interrupted at the worst point
    else:
        group = store._group  # type: ignore[attr-defined]
        monkeypatch.setattr(group, "_enter", lambda job: group._waiting.append(job))
    assert store.apply(_adding("a")) == ("a",)
    assert store.apply(_adding("b")) == ("b",)


def test_work_that_takes_long_lets_the_others_wait_no_longer_than_a_while(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnicore.storage.commits._BATCH_S", 0.0)
    monkeypatch.setattr("omnicore.storage.commits._BATCH_S", 0.0)
    answers = _Together(store).run({name: _adding(name) for name in "abc"})
    assert [answers[name] for name in "abc"] == [("a",), ("b",), ("c",)]


async def _from_a_loop(store: Store) -> list[object]:
    def failing(session: Session) -> None:
        session.execute(ADD, ("lost",))
        raise ValueError("no")

    works = [_adding(f"p{number:03}") for number in range(300)]
    return list(
        await asyncio.gather(
            *(store.apply_async(work) for work in works), store.apply_async(failing), return_exceptions=True
        )
    )


def test_an_event_loop_writes_without_waiting_for_the_disk(store: Store) -> None:
    *kept, refused = asyncio.run(_from_a_loop(store))
    assert kept == [(f"p{number:03}",) for number in range(300)]
    assert isinstance(refused, ValueError)
    assert len(_names(store)) == 300


def test_an_event_loop_goes_on_while_another_thread_writes(store: Store) -> None:
    async def loop() -> list[str]:
        turns = []
        with store.write() as session:
            waiting = asyncio.ensure_future(store.apply_async(_adding("a")))
            for _ in range(3):
                await asyncio.sleep(0)
                turns.append("turn")
            session.execute(ADD, ("b",))
        await waiting
        return turns

    assert asyncio.run(loop()) == ["turn"] * 3
    assert _names(store) == ["a", "b"]


def test_a_wait_that_is_cancelled_leaves_the_others_alone(store: Store) -> None:
    async def loop() -> None:
        with store.write():
            first, second = (asyncio.ensure_future(store.apply_async(_adding(name))) for name in "ab")
            await asyncio.sleep(0)
            first.cancel()
            await asyncio.sleep(0)
        await second

    asyncio.run(loop())
    assert "b" in _names(store)


def test_the_data_version_changes_only_when_others_write(open_store: OpenStore) -> None:
    mine, other = open_store(), open_store()
    before = mine.data_version()
    mine.apply(_adding("a"))
    assert mine.data_version() == before
    other.apply(lambda session: session.execute("DELETE FROM grants WHERE plugin = 'nobody'").rowcount)
    assert mine.data_version() == before
    with other.write() as session:
        session.execute(ADD, ("b",))
    assert mine.data_version() != before


def test_what_is_known_at_hand_is_what_asking_would_tell(open_store: OpenStore) -> None:
    mine, other = open_store(), open_store()
    before = mine.data_version_at_hand()
    assert before == (None if mine.dialect == "postgresql" else mine.data_version())
    other.apply(_adding("a"))
    assert mine.data_version_at_hand() in (None, mine.data_version())
    with mine.write() as session, ThreadPoolExecutor(1) as beside:
        session.execute("DELETE FROM grants")
        assert beside.submit(mine.data_version_at_hand).result() is None


def test_a_loop_hears_at_once_that_another_process_has_written(open_store: OpenStore) -> None:
    mine, other = open_store(), open_store()

    async def hear() -> None:
        changes = await asyncio.to_thread(mine.changes)
        if mine.dialect == "sqlite":
            assert changes is None
            return
        assert changes is not None
        news: asyncio.Queue[None] = asyncio.Queue()
        changes.begin(lambda: news.put_nowait(None))
        await mine.apply_async(_adding("own"))
        await other.apply_async(lambda session: session.execute("DELETE FROM grants WHERE plugin = 'nobody'").rowcount)
        await asyncio.to_thread(other.rows, "SELECT 1")
        assert news.empty()
        await other.apply_async(_adding("b"))
        await asyncio.wait_for(news.get(), 10)
        assert changes.works
        changes.close()
        changes.close()
        assert not changes.works

    asyncio.run(hear())


def test_a_closed_store_refuses_and_closes_twice(store: Store) -> None:
    asyncio.run(store.apply_async(_adding("a")))
    store.close()
    store.close()
    for use in (lambda: store.rows("SELECT 1"), lambda: store.apply(_adding("b")), store.data_version):
        with pytest.raises(StorageFailed, match="is closed"):
            use()
    with pytest.raises(StorageFailed, match="is closed"):
        asyncio.run(store.apply_async(_adding("b")))


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_uses_connections_and_locks_of_its_own(store: Store) -> None:
    store.apply(_adding("parent"))
    asyncio.run(store.apply_async(_adding("thread")))
    held, go = threading.Event(), threading.Event()

    def holding() -> None:
        with store.write():
            held.set()
            go.wait(60)

    holder = threading.Thread(target=holding)
    holder.start()
    assert held.wait(60)
    child = os.fork()
    if child == 0:  # nothing may raise past this point, or the child would go on running tests
        try:
            os._exit(0 if _names(store) == ["parent", "thread"] else 1)
        except BaseException:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    go.set()
    holder.join()
    child = os.fork()
    if child == 0:
        try:
            store.apply(_adding("child"))
            asyncio.run(store.apply_async(_adding("other")))
            os._exit(0)
        except BaseException:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert _names(store) == ["child", "other", "parent", "thread"]
    store.apply(_adding("still"))
    store.check()


def _count_up(opened: Callable[[], Store], turns: int) -> None:
    store = opened()
    for _ in range(turns):

        def work(session: Session) -> None:
            (value,) = session.execute("SELECT granted_at FROM grants WHERE plugin = 'p'").fetchone()
            session.execute("UPDATE grants SET granted_at = ? WHERE plugin = 'p'", (value + 1,))

        store.apply(work, locks=("count",))
    store.close()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_what_a_transaction_read_stays_true_until_it_commits(open_store: OpenStore) -> None:
    store = open_store()
    store.apply(_adding("p"))
    context = multiprocessing.get_context("fork")
    processes = [context.Process(target=_count_up, args=(open_store, 25)) for _ in range(3)]
    for process in processes:
        process.start()
    _count_up(open_store, 25)
    for process in processes:
        process.join(60)
    assert [process.exitcode for process in processes] == [0, 0, 0]
    assert store.rows("SELECT granted_at FROM grants") == [(100.0,)]


@pytest.mark.parametrize("dialect", ["postgresql"], indirect=True)
def test_a_value_that_postgresql_cannot_hold_is_the_callers_fault(store: Store) -> None:
    with pytest.raises(InvalidInput, match="NUL"):
        store.apply(_adding("a\x00b"))
    with pytest.raises(InvalidInput, match="a value cannot be stored"), store.write() as session:
        session.execute("UPDATE plugins SET present = ?", (2**70,))
    many = "INSERT INTO kv (plugin, key, value, version, expires_at) VALUES (?, ?, ?, ?, ?)"
    with pytest.raises(InvalidInput, match="NUL"), store.write() as session:
        session.executemany(many, [(f"p{number}\x00", b"", b"", 1, None) for number in range(50)])
