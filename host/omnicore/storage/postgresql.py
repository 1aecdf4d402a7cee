"""A PostgreSQL database behind the same protocol as SQLite's, for hosts on many machines."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from itertools import chain
from typing import Any

import psycopg

from omnicore.clock import Clock, SystemClock
from omnicore.errors import StorageFailed
from omnicore.storage.forks import renewed_after_fork
from omnicore.storage.marks import copy_of, many_of, with_percent_marks
from omnicore.storage.migrations import pending
from omnicore.storage.postgresql_changes import CHANNEL, PostgresChanges
from omnicore.storage.postgresql_faults import is_lost, is_passing, postgresql_failed
from omnicore.storage.postgresql_link import Connection, Link
from omnicore.storage.postgresql_schema import CHANGES, statements
from omnicore.storage.store import Dialect
from omnicore.storage.writing import Writing

__all__ = ["PostgresDatabase"]

# Writers of all processes take turns on this lock, as in SQLite: what a transaction reads stays true until it
# commits, nothing collides, and statements that are right there are right here. Readers never wait.
_TURN = 0x4F4D4E49
_BEGIN = f"BEGIN READ WRITE; SELECT pg_advisory_xact_lock({_TURN})"
# The counter moves only when something was written: an empty transaction costs no disk.
_COMMIT = (
    "UPDATE changes SET number = number + 1 WHERE pg_current_xact_id_if_assigned() IS NOT NULL;"
    f" SELECT pg_notify('{CHANNEL}', '') WHERE pg_current_xact_id_if_assigned() IS NOT NULL; COMMIT"
)
_SNAPSHOT = (
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
    " BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
)
_FETCHED = 1000
# From here on the one more turn to the server that COPY takes is less than what it saves.
_MANY = 8
# Each process shares this lock as long as its writer is connected; a restore wants it alone.
_PRESENCE = 0x4F4D4E50
_AGAIN_S = 0.05


class PostgresDatabase(Writing):
    """One PostgreSQL database, safe to use from any thread and after `fork()`.

    Every commit waits for the server's disk. A server that went away is connected to again at the next use;
    what was under way fails with `StorageFailed`, reads are tried once more.

    Owns: one connection that writes and a few that read, until `close`.
    """

    dialect: Dialect = "postgresql"

    def __init__(self, link: Link, clock: Clock, *, alone: bool, timeout_s: float) -> None:
        super().__init__()
        self._link = link
        self._alone, self._timeout_s = alone, timeout_s
        self.place = link.place
        self._closed = False
        self._writer: Connection | None = None
        self._inherited: list[object] = []
        self._own_changes = 0
        self._ending = False
        try:
            self._migrate(clock)
        except psycopg.Error as error:
            self.close()
            raise postgresql_failed(error, self.place) from error
        except BaseException:
            self.close()
            raise
        renewed_after_fork(self)

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock | None = None,
        readers: int = 8,
        timeout_s: float = 5.0,
        statement_timeout_s: float = 30.0,
        lock_timeout_s: float = 10.0,
        alone: bool = False,
    ) -> PostgresDatabase:
        """Connects and brings the tables up to date.

        Args:
            url: `postgresql://user:password@host:port/database`, with libpq's parameters.
            readers: queries at the same time; more of them wait for `timeout_s`.
            alone: no other process may have it open, and none can open it meanwhile.

        Raises: InvalidSetting: the URL. StorageFailed: the server is away, refuses, or a newer version wrote it.
        """
        link = Link(
            url,
            readers=readers,
            timeout_s=timeout_s,
            statement_timeout_s=statement_timeout_s,
            lock_timeout_s=lock_timeout_s,
        )
        return cls(link, clock or SystemClock(), alone=alone, timeout_s=timeout_s)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query, as tuples. Raises: StorageFailed."""
        if self._closed:
            raise self._is_closed()
        try:
            return self._read(sql, parameters)
        except psycopg.Error as error:
            raise self.failure(error) from error

    def data_version(self) -> int:
        """A number that changes whenever another process, or another store, has written."""
        with self._lock:
            if self._owner is None:
                return int(self.rows("SELECT number FROM changes")[0][0]) - self._own_changes
            found = self._alive().execute("SELECT number FROM changes").fetchone()
            return int(found[0] if found else 0) - self._own_changes

    def data_version_at_hand(self) -> int | None:
        """None: only the server knows."""
        return None

    def changes(self) -> PostgresChanges:
        """Tells an event loop when another process has written. Raises: StorageFailed."""
        try:
            connection = self._link.connect()
            connection.execute(f"LISTEN {CHANNEL}", prepare=False)
        except psycopg.Error as error:
            raise self.failure(error) from error
        return PostgresChanges(connection, self._pid)

    def _pid(self) -> int | None:
        writer = self._writer
        return None if writer is None or writer.closed else writer.info.backend_pid

    def check(self) -> None:
        """Reads every table. Raises: StorageFailed when one cannot be read."""
        names = self.rows("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()")
        with self.snapshot() as ask:
            for (name,) in names:
                list(ask(f"SELECT count(whole) FROM {name} AS whole"))  # an index alone could count the rows

    @contextmanager
    def snapshot(self) -> Iterator[Callable[[str], Iterator[tuple[Any, ...]]]]:
        """Answers queries as of one instant, however long that takes and whoever writes. Raises: StorageFailed."""
        try:
            with closing(self._link.connect()) as connection:
                connection.execute(_SNAPSHOT, prepare=False)
                yield partial(_streamed, connection)
        except psycopg.Error as error:
            raise self.failure(error) from error

    def close(self) -> None:
        """Closes every connection; a second time does nothing."""
        self._refuse_nesting()
        self._group.close()
        with self._lock:
            self._closed = True
            self._link.drop_idle()
            if self._writer is not None:
                self._writer.close()
                self._writer = None

    def renew(self) -> None:
        """In a forked child: new locks and, when they are needed, connections."""
        self._locks()
        self._inherited.append(self._writer)
        self._writer = None
        self._link.renew()

    def failure(self, error: BaseException) -> BaseException:
        """PostgreSQL's errors as `StorageFailed`, or `InvalidInput` where a value is at fault."""
        return postgresql_failed(error, self.place) if isinstance(error, psycopg.Error) else error

    def passing(self, error: BaseException) -> bool:
        """Transactions that collided, and a connection that broke before anything could be kept."""
        lost = is_lost(error, self._writer)
        return is_passing(error) or (lost and not self._ending and not self._closed)

    def _begin(self, durable: bool) -> _Session:
        self._ending = False
        connection = self._alive()
        if connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            self._rollback()  # an interrupt came before anybody could end it
        try:
            connection.execute(_BEGIN, prepare=False)
        except psycopg.Error as error:
            if not is_lost(error, connection):
                raise
            # It broke while nobody used it, and nothing has been said on it yet: another one does.
            connection = self._alive()
            connection.execute(_BEGIN, prepare=False)
        return _Session(connection)

    def _commit(self) -> None:
        connection = self._writer
        if connection is None or connection.closed:  # another one would keep nothing, and call that a success
            raise self._went_away("and nothing was kept", "try again")
        self._ending = True
        try:
            changed = connection.execute(_COMMIT, prepare=False).rowcount
        except psycopg.Error as error:
            if is_lost(error, connection):
                remedy = "look whether the change is there before you repeat it"
                raise self._went_away("at the moment of keeping a change", remedy) from error
            raise
        self._own_changes += max(changed, 0)

    def _went_away(self, when: str, remedy: str) -> StorageFailed:
        return StorageFailed(f"{self.place} does not answer, {when}", remedy=remedy, path=self.place)

    def _rollback(self) -> None:
        connection = self._writer
        if connection is not None and not connection.closed:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK", prepare=False)

    def _alive(self) -> Connection:
        if self._closed:
            raise self._is_closed()
        connection = self._writer
        if connection is None or connection.closed or connection.broken:
            if connection is not None:
                connection.close()
                self._writer = None
                self._link.drop_idle()
            self._writer = connection = self._link.connect()
            self._announce(connection)
        return connection

    def _announce(self, connection: Connection) -> None:
        """Takes part in the lock that tells a restore whether the database is in use."""
        end = time.monotonic() + self._timeout_s
        take = "pg_try_advisory_lock" if self._alone else "pg_try_advisory_lock_shared"
        while connection.execute(f"SELECT {take}({_PRESENCE})", prepare=False).fetchone() != (1,):
            if time.monotonic() >= end:
                connection.close()
                remedy = "stop the servers and the commands that use it, then try again"
                doing = "is open in another process" if self._alone else "is being restored"
                raise StorageFailed(f"{self.place} {doing}", remedy=remedy, path=self.place)
            time.sleep(_AGAIN_S)

    def _read(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        for last in (False, True):
            with self._link.reader() as connection:
                try:
                    return _Session(connection).execute(sql, parameters).fetchall()
                except psycopg.Error as error:
                    if last or not is_lost(error, connection):
                        raise
            self._link.drop_idle()
        raise AssertionError  # the second turn returns or raises

    def _migrate(self, clock: Clock) -> None:
        connection = self._alive()
        with suppress(psycopg.errors.UndefinedTable):
            if not pending(_done(connection), self.place):
                return
        connection.execute(_BEGIN, prepare=False)
        # Whoever comes second waits for the lock, and finds it done.
        connection.execute(
            "CREATE TABLE IF NOT EXISTS migrations"
            " (number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at DOUBLE PRECISION NOT NULL)"
        )
        done = _done(connection)
        if not done:
            for sql in CHANGES:
                connection.execute(sql)
        for number, name, step in pending(done, self.place):
            for part in step:
                for sql in statements(part):
                    connection.execute(sql, prepare=False)
            connection.execute("INSERT INTO migrations VALUES (%s, %s, %s)", (number, name, clock.now()))
        connection.execute("COMMIT", prepare=False)

    def _is_closed(self) -> StorageFailed:
        return StorageFailed(f"{self.place} is closed", remedy="open the host again")


def _streamed(connection: Connection, sql: str) -> Iterator[tuple[Any, ...]]:
    """The rows of a query, fetched as they are asked for."""
    with connection.cursor("rows", binary=True) as cursor:
        cursor.itersize = _FETCHED
        cursor.execute(with_percent_marks(sql), ())
        yield from cursor


class _Session:
    """An open transaction, or a reader."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def execute(self, sql: str, parameters: Sequence[Any] = (), /) -> psycopg.Cursor[tuple[Any, ...]]:
        cursor = self._connection.cursor(binary=True)
        return cursor.execute(with_percent_marks(sql), parameters)

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> psycopg.Cursor[tuple[Any, ...]]:
        cursor = self._connection.cursor(binary=True)
        rows = parameters if isinstance(parameters, Sequence) else list(parameters)
        if len(rows) < _MANY:
            cursor.executemany(with_percent_marks(sql), rows)
        elif (copying := copy_of(sql)) is not None:
            with cursor.copy(copying) as copy:
                for row in rows:
                    copy.write_row(row)
        elif (many := many_of(sql, _MANY)) is not None:
            whole = len(rows) - len(rows) % _MANY
            groups = [list(chain.from_iterable(rows[at : at + _MANY])) for at in range(0, whole, _MANY)]
            cursor.executemany(with_percent_marks(many), groups)
            cursor.executemany(with_percent_marks(sql), rows[whole:])
        else:
            cursor.executemany(with_percent_marks(sql), rows)
        return cursor


def _done(connection: Connection) -> int:
    found = connection.execute("SELECT coalesce(max(number), 0) FROM migrations").fetchone()
    return int(found[0]) if found else 0
