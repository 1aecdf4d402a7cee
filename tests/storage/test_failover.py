"""PostgreSQL servers that stand still, and standbys that are promoted: nothing acknowledged is lost or doubled."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from typing import Any

import pytest
from tests.storage.postgresql_server import PostgresServer, find_binaries, private_server

from omnicore.errors import OmniError, StorageAway, StorageFailed
from omnicore.storage.postgresql import PostgresDatabase
from omnicore.storage.store import Session

pytestmark = pytest.mark.services
ADD = "INSERT INTO grants (plugin, capability, scope, granted_by, granted_at) VALUES (?, 'kv', '{}', 'test', 0)"
NAMES = "SELECT plugin FROM grants"


@pytest.fixture
def frozen(postgresql_server: PostgresServer) -> Iterator[Callable[[], None]]:
    """Freezes the server; the end of the test thaws it."""
    with ExitStack() as stack:

        def freeze() -> None:
            stack.callback(postgresql_server.thaw)
            postgresql_server.freeze()

        yield freeze


@pytest.fixture
def pair() -> Iterator[tuple[PostgresServer, PostgresServer]]:
    """A primary, and its standby that has every commit before it is acknowledged."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not on this machine: apt install postgresql")
    with private_server(binaries) as primary, private_server(binaries, primary=primary) as standby:
        yield primary, standby


def _add(database: PostgresDatabase, name: str) -> None:
    database.apply(lambda session: session.execute(ADD, (name,)).rowcount)


def _timed(work: Callable[[], Any]) -> tuple[float, Any]:
    began = time.monotonic()
    try:
        found = work()
    except OmniError as error:
        found = error
    return time.monotonic() - began, found


# -- a server that stands still


def test_a_server_that_stands_still_is_away_for_all_and_is_used_again_when_it_goes_on(
    postgresql_url: str, postgresql_server: PostgresServer, frozen: Callable[[], None]
) -> None:
    with closing(PostgresDatabase.open(postgresql_url, timeout_s=0.3)) as database, ThreadPoolExecutor(8) as pool:
        _add(database, "before")
        frozen()
        works = [lambda: database.rows(NAMES), lambda: _add(database, "lost")] * 4
        for took, found in pool.map(_timed, works):
            assert isinstance(found, StorageAway), found
            assert took < 6.0  # silence, a second connection that takes libpq's shortest time, and one more attempt
        again = sorted(took for took, _ in pool.map(_timed, works))
        assert again[-2] < 0.5, again  # one asks, the others need not wait
        postgresql_server.thaw()
        _add(database, "after")
        assert {"before", "after"} <= {name for (name,) in database.rows(NAMES)}


def test_a_statement_that_takes_long_on_a_server_that_answers_is_not_cut_off(postgresql_url: str) -> None:
    with closing(PostgresDatabase.open(postgresql_url, timeout_s=0.2)) as database:
        assert database.rows("SELECT 1 FROM pg_sleep(1)") == [(1,)]


def test_a_commit_that_a_standstill_cuts_off_is_reported_as_unknown_and_not_repeated(
    postgresql_url: str, postgresql_server: PostgresServer, frozen: Callable[[], None]
) -> None:
    turns: list[int] = []

    def work(session: Session) -> None:
        turns.append(session.execute(ADD, (f"n{len(turns)}",)).rowcount)
        frozen()

    with closing(PostgresDatabase.open(postgresql_url, timeout_s=0.3)) as database:
        with pytest.raises(StorageFailed, match="during a commit; check whether the change is there"):
            database.apply(work)
        postgresql_server.thaw()
        assert len(turns) == 1
        assert database.rows(NAMES) in ([("n0",)], [])


def test_whoever_listens_is_told_when_the_server_stands_still(
    postgresql_url: str, postgresql_server: PostgresServer, frozen: Callable[[], None]
) -> None:
    async def listen(database: PostgresDatabase) -> None:
        changes = await asyncio.to_thread(database.changes)
        assert changes is not None
        told = asyncio.Event()
        changes.begin(told.set)
        frozen()
        with pytest.raises(StorageAway):
            await asyncio.to_thread(database.rows, NAMES)
        await asyncio.wait_for(told.wait(), 10)
        assert not changes.works
        postgresql_server.thaw()
        again = await asyncio.to_thread(database.changes)
        assert again is not None
        assert again.works
        again.close()

    with closing(PostgresDatabase.open(postgresql_url, timeout_s=0.3)) as database:
        asyncio.run(listen(database))


# -- a standby that is promoted


class _Writer:
    """Writes one name after the other, and remembers which were acknowledged and which are unknown."""

    def __init__(self, database: PostgresDatabase) -> None:
        self._database, self._over = database, threading.Event()
        self.kept: list[str] = []
        self.refused: list[OmniError] = []
        self._reached = threading.Condition()
        self._thread = threading.Thread(target=self._write)

    def __enter__(self) -> _Writer:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def more(self, count: int, within_s: float = 30.0) -> None:
        """Waits for so many further names."""
        end = len(self.kept) + count
        self.until(lambda: len(self.kept) >= end, within_s)

    def until(self, holds: Callable[[], bool], within_s: float = 30.0) -> None:
        """Waits until something holds after a write."""
        with self._reached:
            assert self._reached.wait_for(holds, within_s), self.refused[-3:]

    def _write(self) -> None:
        number = 0
        while not self._over.is_set():
            number += 1
            _, refused = _timed(lambda: _add(self._database, str(number)))  # noqa: B023 -- done before the next turn
            with self._reached:
                if refused is None:
                    self.kept.append(str(number))
                else:
                    self.refused.append(refused)
                self._reached.notify()
            self._over.wait(0.02 if refused else 0)


def _judged(database: PostgresDatabase, writer: _Writer) -> None:
    found = [name for (name,) in database.rows(NAMES)]
    assert set(writer.kept) <= set(found)
    unknown = sum("during a commit" in str(error) for error in writer.refused)
    assert len(found) <= len(writer.kept) + unknown
    assert {type(error) for error in writer.refused} <= {StorageAway, StorageFailed}


def test_hosts_that_name_both_servers_go_on_with_the_promoted_one(pair: tuple[PostgresServer, PostgresServer]) -> None:
    primary, standby = pair
    url = f"postgresql://omnicore@/postgres?host={primary.folder},{standby.folder}&target_session_attrs=read-write"

    async def listen(database: PostgresDatabase, other: PostgresDatabase) -> None:
        changes = await asyncio.to_thread(database.changes)
        assert changes is not None
        assert changes.works
        told = asyncio.Event()
        changes.begin(told.set)
        await asyncio.to_thread(_add, other, "heard")
        await asyncio.wait_for(told.wait(), 5)
        changes.close()

    with closing(PostgresDatabase.open(url)) as database, closing(PostgresDatabase.open(url)) as other:
        asyncio.run(listen(database, other))
        other.apply(lambda session: session.execute("DELETE FROM grants").rowcount)
        with _Writer(database) as writer:
            writer.more(50)
            primary.kill()
            with pytest.raises(StorageAway):
                other.rows(NAMES)
            standby.sql("ALTER SYSTEM RESET synchronous_standby_names")
            standby.promote()
            writer.more(50)
        _judged(database, writer)
        asyncio.run(listen(database, other))


def _count(database: PostgresDatabase) -> int:
    """The grants that a server shows: a standby has what it has replayed, maybe not even the table yet."""
    try:
        return int(database.rows("SELECT count(*) FROM grants")[0][0])
    except StorageFailed:
        return -1


def test_hosts_follow_an_address_that_moves_to_the_promoted_server(
    pair: tuple[PostgresServer, PostgresServer], tmp_path: Path
) -> None:
    primary, standby = pair
    address = tmp_path / "address"

    def move(server: PostgresServer) -> None:
        with suppress(FileNotFoundError):
            address.unlink()
        address.symlink_to(server.folder)

    move(primary)
    with closing(PostgresDatabase.open(f"postgresql://omnicore@/postgres?host={address}")) as database:
        with _Writer(database) as writer:
            writer.more(20)
            move(standby)
            primary.kill()
            writer.until(lambda: any("it is a standby" in str(error) for error in writer.refused))
            writer.until(lambda: _count(database) >= len(writer.kept))
            standby.sql("ALTER SYSTEM RESET synchronous_standby_names")
            standby.promote()
            writer.more(20)
        _judged(database, writer)


def test_a_connection_to_a_server_that_became_a_standby_is_not_kept(
    pair: tuple[PostgresServer, PostgresServer], tmp_path: Path
) -> None:
    primary, standby = pair
    address = tmp_path / "address"
    address.symlink_to(standby.folder)
    with closing(PostgresDatabase.open(primary.url())) as made:
        _add(made, "before")
    with closing(PostgresDatabase.open(f"postgresql://omnicore@/postgres?host={address}")) as database:
        for _ in range(2):
            with pytest.raises(StorageAway, match=r"it is a standby; point storage\.url at the primary"):
                _add(database, "refused")
        address.unlink()
        address.symlink_to(primary.folder)
        _add(database, "after")
        assert database.rows(f"{NAMES} ORDER BY 1") == [("after",), ("before",)]
