"""The database file: one writer behind a lock, a few readers, migrations, and errors that say what to do."""

from __future__ import annotations

import sqlite3
import time
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, Literal

from omnicore.clock import Clock, SystemClock
from omnicore.errors import StorageFailed
from omnicore.storage.faults import storage_failed
from omnicore.storage.forks import renewed_after_fork
from omnicore.storage.presence import Presence
from omnicore.storage.sqlite_copies import keep_copy, quick_check
from omnicore.storage.sqlite_schema import migrate
from omnicore.storage.store import Dialect
from omnicore.storage.writing import Writing

__all__ = ["Database"]

_IDLE_READERS = 4
_BUSY_TIMEOUT_S = 5.0
_AGAIN_S = 0.01


class Database(Writing):
    """One SQLite database, safe to use from any thread and after `fork()`.

    Writes are transactions behind one lock. In WAL mode with `synchronous="normal"` a finished write survives a
    killed process at once, a power cut after the next checkpoint; with "full", and with `write(durable=True)`,
    it is on the disk when it returns.

    Owns: its connections, until `close`.
    """

    dialect: Dialect = "sqlite"

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Clock,
        busy_timeout_s: float,
        synchronous: Literal["normal", "full"],
        keep_copies: bool,
    ) -> None:
        super().__init__()
        self.path = path
        self.place = str(path) if path else "the database in memory"
        self._busy_timeout_s = busy_timeout_s
        self._usual = synchronous == "full"
        self._durable: bool | None = None
        self._readers: deque[sqlite3.Connection] = deque()
        self._inherited: list[object] = []
        self._forked = False
        self._closed = False
        self._presence: Presence | None = None
        self._writer = self._open_writer(clock, keep_copies)
        renewed_after_fork(self)

    @classmethod
    def open(
        cls,
        path: Path | None,
        *,
        clock: Clock | None = None,
        busy_timeout_s: float = _BUSY_TIMEOUT_S,
        synchronous: Literal["normal", "full"] = "normal",
        keep_copies: bool = False,
    ) -> Database:
        """Opens the file, or a database in memory for None, and brings its tables up to date.

        Args:
            keep_copies: copy the file before its tables change, to `<file>.before-<step>`.

        Raises: StorageFailed: damaged, locked, not writable, or written by a newer version.
        """
        return cls(
            path,
            clock=clock or SystemClock(),
            busy_timeout_s=busy_timeout_s,
            synchronous=synchronous,
            keep_copies=keep_copies,
        )

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

    def data_version_at_hand(self) -> int | None:
        """The same without waiting, in a few microseconds; None: somebody writes just now."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self.data_version()
        finally:
            self._lock.release()

    def changes(self) -> None:
        """SQLite tells nobody: `data_version` is asked for."""

    def check(self) -> None:
        """Reads the whole file. Raises: StorageFailed when anything in it is damaged."""
        self.check_for(None)

    def check_for(self, seconds: float | None) -> bool:
        """Reads as much of the file as that time allows; None reads all.

        Returns: whether it came to the end. Raises: StorageFailed when anything in it is damaged.
        """
        with self._translated():
            reader = self._take_reader() if self.path else self._connection()
            try:
                problems = quick_check(reader, None if seconds is None else time.monotonic() + seconds)
            finally:
                if self.path:
                    self._give_reader(reader)
        if problems:
            remedy = "restore a backup, or move the file away and the host makes a new one"
            raise StorageFailed(f"{self.place} is damaged", remedy=remedy, path=self.place, reason=problems[0])
        return problems is not None

    def close(self) -> None:
        """Closes every connection; a second time does nothing."""
        self._refuse_nesting()
        self._group.close()
        with self._lock:
            if self._closed:
                return
            self._closed = True
            while self._readers:
                self._readers.popleft().close()
            if not self._forked:
                self._writer.close()
            if self._presence is not None:
                self._presence.leave()

    def renew(self) -> None:
        """In a forked child: new locks and, when they are needed, connections.

        SQLite forbids carrying a connection over fork(); closing the parent's here could release locks it
        holds or checkpoint under it, so the child keeps them, unused.
        """
        self._locks()
        self._inherited += [self._writer, *self._readers]
        self._readers = deque()
        self._forked = True

    def failure(self, error: BaseException) -> BaseException:
        """SQLite's errors as `StorageFailed`."""
        return storage_failed(error, self.place) if isinstance(error, sqlite3.Error) else error

    def _begin(self, durable: bool) -> sqlite3.Connection:
        connection = self._connection()
        if connection.in_transaction:  # an interrupt came before anybody could end it
            connection.execute("ROLLBACK")
        durable = durable or self._usual
        if durable is not self._durable:
            # The pragma has no effect inside a transaction, so it comes first.
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        connection.execute("BEGIN IMMEDIATE")
        return connection

    def _commit(self) -> None:
        self._writer.execute("COMMIT")

    def _rollback(self) -> None:
        with suppress(sqlite3.Error):
            if self._writer.in_transaction:  # a full disk may have rolled back already
                self._writer.execute("ROLLBACK")

    def _open_writer(self, clock: Clock, keep_copies: bool) -> sqlite3.Connection:
        if self.path:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            except OSError as error:
                raise storage_failed(error, str(self.path.parent)) from error
            self._presence = Presence(self.path, alone=False, timeout_s=self._busy_timeout_s)
        try:
            return self._prepared(clock, keep_copies)
        except BaseException:
            if self._presence is not None:
                self._presence.leave()
            raise

    def _prepared(self, clock: Clock, keep_copies: bool) -> sqlite3.Connection:
        with self._translated():
            connection = self._connect()
            try:
                self._write_ahead(connection)
                connection.execute("PRAGMA foreign_keys=ON")
                before = partial(keep_copy, self.path) if keep_copies and self.path else None
                migrate(connection, self.place, now=clock.now(), before=before)
            except BaseException:
                connection.close()
                raise
        return connection

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        # SQLite does not wait for its busy timeout here: processes that open a new file at once collide.
        end = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                if self.path and mode != "wal":  # no shared memory: some network and container file systems
                    remedy = "put the data folder on a local disk, or use PostgreSQL by storage.url"
                    raise StorageFailed(
                        f"{self.place} cannot have a write-ahead log there", remedy=remedy, path=self.place
                    )
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
        if self._closed:
            raise StorageFailed(f"{self.place} is closed", remedy="open the host again")
        if self._forked:
            self._writer = self._connect()
            self._writer.execute("PRAGMA foreign_keys=ON")
            self._durable, self._forked = None, False
        return self._writer

    def _take_reader(self) -> sqlite3.Connection:
        if self._closed:
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

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except sqlite3.Error as error:
            raise storage_failed(error, self.place) from error
