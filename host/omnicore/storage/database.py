"""The database file: one writer behind a lock, a few readers, migrations, and errors that say what to do."""

from __future__ import annotations

import os
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from omnicore.clock import Clock, SystemClock
from omnicore.errors import StorageFailed
from omnicore.storage.faults import storage_failed
from omnicore.storage.migrations import migrate
from omnicore.storage.store import Dialect, Session

__all__ = ["Database"]

_T = TypeVar("_T")
_IDLE_READERS = 4
_BUSY_TIMEOUT_S = 5.0
_AGAIN_S = 0.01


class Database:
    """One SQLite database, safe to use from any thread and after `fork()`.

    Writes are transactions behind one lock. In WAL mode with `synchronous=NORMAL` a finished write survives
    a killed process at once, a power cut after the next checkpoint; `write(durable=True)` waits for the disk.

    Owns: its connections, until `close`.
    """

    dialect: Dialect = "sqlite"

    def __init__(self, path: Path | None, *, clock: Clock, busy_timeout_s: float) -> None:
        self.path = path
        self.place = str(path) if path else "the database in memory"
        self._busy_timeout_s = busy_timeout_s
        self._lock = threading.RLock()
        self._readers: deque[sqlite3.Connection] = deque()
        self._inherited: list[object] = []
        self._pid = os.getpid()
        self._closed = False
        self._writer = self._open_writer(clock)

    @classmethod
    def open(
        cls, path: Path | None, *, clock: Clock | None = None, busy_timeout_s: float = _BUSY_TIMEOUT_S
    ) -> Database:
        """Opens the file, or a database in memory for None, and brings its tables up to date.

        Raises: StorageFailed: damaged, locked, not writable, or written by a newer version.
        """
        return cls(path, clock=clock or SystemClock(), busy_timeout_s=busy_timeout_s)

    @contextmanager
    def write(self, *, durable: bool = False) -> Iterator[sqlite3.Connection]:
        """A transaction: all of it is kept, or nothing when the block raises.

        Args:
            durable: wait until the disk holds it, for what a person decided (grants, states).

        Raises: StorageFailed.
        """
        with self._lock, self._translated():
            connection = self._connection()
            # The pragma has no effect inside a transaction, so it comes first.
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield connection
                connection.execute("COMMIT")
            except BaseException:
                if connection.in_transaction:  # a full disk may have rolled back already
                    connection.execute("ROLLBACK")
                raise

    def apply(self, work: Callable[[Session], _T]) -> _T:
        """Runs `work` in a transaction; see `omnicore.storage.store.Store.apply`."""
        with self.write() as session:
            return work(session)

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query, as tuples. Raises: StorageFailed."""
        with self._translated():
            if self.path is None:
                with self._lock:
                    return self._connection().execute(sql, parameters).fetchall()
            reader = self._take_reader()
            try:
                return reader.execute(sql, parameters).fetchall()
            finally:
                self._give_reader(reader)

    def data_version(self) -> int:
        """A number that changes whenever another process, or another `Database`, has written."""
        with self._lock, self._translated():
            return int(self._connection().execute("PRAGMA data_version").fetchone()[0])

    def check(self) -> None:
        """Reads the whole file. Raises: StorageFailed when anything in it is damaged."""
        problems = [row[0] for row in self.rows("PRAGMA quick_check(3)")]
        if problems != ["ok"]:
            remedy = "restore a backup, or move the file away and the host makes a new one"
            raise StorageFailed(f"{self.place} is damaged", remedy=remedy, path=self.place, reason=problems[0])

    def close(self) -> None:
        """Closes every connection; a second time does nothing."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._drop_inherited()
            while self._readers:
                self._readers.popleft().close()
            self._writer.close()

    def _open_writer(self, clock: Clock) -> sqlite3.Connection:
        if self.path:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise storage_failed(error, str(self.path.parent)) from error
        with self._translated():
            connection = self._connect()
            try:
                self._write_ahead(connection)
                connection.execute("PRAGMA foreign_keys=ON")
                migrate(connection, self.place, now=clock.now())
            except BaseException:
                connection.close()
                raise
        return connection

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait for its busy timeout here: processes that open a new file at once collide.
        end = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                connection.execute("PRAGMA journal_mode=WAL")
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                    raise
                time.sleep(_AGAIN_S)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self.path or ":memory:",
            timeout=self._busy_timeout_s,
            isolation_level=None,  # transactions begin and end where `write` says
            check_same_thread=False,
        )

    def _connection(self) -> sqlite3.Connection:
        if self._pid != os.getpid():
            self._drop_inherited()
            self._writer = self._connect()
            self._writer.execute("PRAGMA foreign_keys=ON")
        if self._closed:
            raise StorageFailed(f"{self.place} is closed", remedy="open the host again")
        return self._writer

    def _take_reader(self) -> sqlite3.Connection:
        if self._closed or self._pid != os.getpid():
            with self._lock:
                self._connection()
        try:
            return self._readers.pop()
        except IndexError:
            reader = self._connect()
            reader.execute("PRAGMA query_only=ON")
            return reader

    def _give_reader(self, reader: sqlite3.Connection) -> None:
        if self._closed or len(self._readers) >= _IDLE_READERS:
            reader.close()
        else:
            self._readers.append(reader)

    def _drop_inherited(self) -> None:
        # SQLite forbids carrying a connection over fork(); closing the parent's here could release locks it
        # holds or checkpoint under it, so the child keeps them, unused, and opens its own.
        if self._pid != os.getpid():
            self._inherited = [self._writer, *self._readers]
            self._readers.clear()
            self._pid = os.getpid()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise storage_failed(error, self.place) from error
