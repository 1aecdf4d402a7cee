from __future__ import annotations

import multiprocessing
import os
import sqlite3
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.storage.stores import STEPS_SEEN

from omnicore.errors import StorageFailed
from omnicore.storage.database import Database
from omnicore.storage.migrations import NEWEST


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database.open(tmp_path / "omnicore.db")
    yield database
    database.close()


def _fill(database: Database, count: int, size: int = 10) -> None:
    with database.write() as connection:
        connection.executemany(
            "INSERT INTO grants VALUES (?, 'kv', ?, 'test', 0) ON CONFLICT (plugin, capability) DO NOTHING",
            [(f"p{n}", "x" * size) for n in range(count)],
        )


def _count(database: Database) -> int:
    return database.rows("SELECT count(*) FROM grants")[0][0]


def test_a_new_file_gets_every_table_and_is_in_wal_mode(database: Database) -> None:
    tables = {row[0] for row in database.rows("SELECT name FROM sqlite_master WHERE type = 'table'")}
    assert {"plugins", "versions", "grants", "kv", "kv_totals", "migrations"} <= tables
    assert database.rows("PRAGMA journal_mode") == [("wal",)]
    assert database.rows(STEPS_SEEN) == [(NEWEST, NEWEST)]


def test_opening_again_keeps_what_was_written(tmp_path: Path) -> None:
    for expected in (1, 1):
        database = Database.open(tmp_path / "deep" / "down" / "omnicore.db")
        if _count(database) == 0:
            _fill(database, 1)
        assert _count(database) == expected
        database.close()


def test_a_block_that_raises_leaves_nothing_behind(database: Database) -> None:
    def interrupted() -> None:
        with database.write() as connection:
            connection.execute("INSERT INTO grants VALUES ('p', 'kv', '{}', 'test', 0)")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert _count(database) == 0


@pytest.mark.parametrize(("durable", "level"), [(True, 2), (False, 1)])
def test_a_durable_write_waits_for_the_disk(database: Database, durable: bool, level: int) -> None:
    with database.write(durable=durable) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (level,)


def test_a_file_that_is_no_database_says_what_to_do(tmp_path: Path) -> None:
    path = tmp_path / "omnicore.db"
    path.write_bytes(b"this is a shopping list, not a database" * 100)
    with pytest.raises(StorageFailed, match=r"is no database; move the file away") as caught:
        Database.open(path)
    assert caught.value.details == {"path": str(path), "reason": "SQLITE_NOTADB"}


def test_damage_inside_the_file_is_found_by_check(tmp_path: Path) -> None:
    path = tmp_path / "omnicore.db"
    database = Database.open(path)
    database.check()
    _fill(database, 500, size=500)
    database.close()
    with path.open("r+b") as file:
        file.seek(path.stat().st_size * 9 // 10)
        file.write(os.urandom(8192))
    database = Database.open(path)
    with pytest.raises(StorageFailed, match=r"is damaged; restore a backup"):
        database.check()
    database.close()


def test_a_locked_file_names_the_lock(tmp_path: Path) -> None:
    path = tmp_path / "omnicore.db"
    Database.open(path).close()
    holder = sqlite3.connect(path, isolation_level=None)
    holder.execute("BEGIN IMMEDIATE")
    database = Database.open(path, busy_timeout_s=0.01)
    with pytest.raises(StorageFailed, match=r"is locked by another process; stop the other process"):
        _fill(database, 1)
    holder.execute("ROLLBACK")
    holder.close()
    _fill(database, 1)
    database.close()


def test_a_full_disk_keeps_the_last_good_state(database: Database) -> None:
    _fill(database, 1)
    with database.write() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StorageFailed, match=r"the disk is full; free space") as caught:
        _fill(database, 1000, size=1000)
    assert caught.value.details["reason"] == "SQLITE_FULL"
    assert _count(database) == 1
    with database.write() as connection:
        connection.execute("PRAGMA max_page_count=100000")
        connection.execute("DELETE FROM grants")
    _fill(database, 1000, size=1000)
    assert _count(database) == 1000


def test_a_folder_that_cannot_be_made_says_so(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StorageFailed, match="is not a folder; remove it"):
        Database.open(tmp_path / "file" / "omnicore.db")


def test_a_folder_in_place_of_the_file_says_so(tmp_path: Path) -> None:
    (tmp_path / "omnicore.db").mkdir()
    with pytest.raises(StorageFailed, match="is not a file; remove it"):
        Database.open(tmp_path / "omnicore.db")


def test_a_file_of_a_newer_version_is_left_alone(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "omnicore.db")
    with database.write() as connection:
        connection.execute("INSERT INTO migrations VALUES (999, 'future', 0)")
    database.close()
    with pytest.raises(StorageFailed, match=r"written by a newer OmniCore .*; upgrade OmniCore"):
        Database.open(tmp_path / "omnicore.db")


def test_many_threads_read_and_write_without_loss(database: Database) -> None:
    def work(number: int) -> None:
        for turn in range(20):
            with database.write() as connection:
                connection.execute("INSERT INTO grants VALUES (?, 'kv', '{}', 'test', 0)", (f"{number}-{turn}",))
            assert database.rows("SELECT 1 FROM grants WHERE plugin = ?", (f"{number}-{turn}",)) == [(1,)]

    threads = [threading.Thread(target=work, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert _count(database) == 160


def test_a_database_in_memory_works_from_any_thread() -> None:
    database = Database.open(None)
    thread = threading.Thread(target=_fill, args=(database, 3))
    thread.start()
    thread.join()
    assert _count(database) == 3
    database.close()


def test_the_data_version_changes_only_when_others_write(tmp_path: Path) -> None:
    mine, other = (Database.open(tmp_path / "omnicore.db") for _ in range(2))
    before = mine.data_version()
    _fill(mine, 1)
    assert mine.data_version() == before
    with other.write() as connection:
        connection.execute("DELETE FROM grants")
    assert mine.data_version() != before
    mine.close()
    other.close()


def test_a_closed_database_refuses_and_closes_twice(tmp_path: Path) -> None:
    database = Database.open(tmp_path / "omnicore.db")
    _count(database)
    database.close()
    database.close()
    with pytest.raises(StorageFailed, match="is closed"):
        _count(database)
    with pytest.raises(StorageFailed, match="is closed"):
        _fill(database, 1)


def _open_at_once(path: Path, gate: multiprocessing.synchronize.Barrier, answers: multiprocessing.Queue) -> None:
    gate.wait()
    try:
        Database.open(path).close()
        answers.put("")
    except StorageFailed as error:
        answers.put(str(error))


def test_processes_that_open_a_new_file_at_once_agree(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    gate, answers = context.Barrier(4), context.Queue()
    processes = [
        context.Process(target=_open_at_once, args=(tmp_path / "omnicore.db", gate, answers)) for _ in range(4)
    ]
    for process in processes:
        process.start()
    assert [answers.get(timeout=60) for _ in processes] == [""] * 4
    for process in processes:
        process.join()


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
def test_a_forked_child_uses_connections_of_its_own(database: Database) -> None:
    _fill(database, 1)
    assert _count(database) == 1
    child = os.fork()
    if child == 0:  # nothing may raise past this point, or the child would go on running tests
        try:
            with database.write() as connection:
                connection.execute("INSERT INTO grants VALUES ('child', 'kv', '{}', 'test', 0)")
            os._exit(0 if _count(database) == 2 else 1)
        except BaseException:
            os._exit(2)
    assert os.waitpid(child, 0)[1] == 0
    assert _count(database) == 2
    database.check()


def test_what_was_written_survives_a_killed_process(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    process = context.Process(target=_write_and_die, args=(tmp_path / "omnicore.db",))
    process.start()
    process.join()
    assert process.exitcode == -9
    database = Database.open(tmp_path / "omnicore.db")
    assert _count(database) == 7
    database.close()


def _write_and_die(path: Path) -> None:
    _fill(Database.open(path), 7)
    os.kill(os.getpid(), 9)
