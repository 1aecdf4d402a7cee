"""A PostgreSQL database with the same interface as SQLite, for hosts on several machines."""

from __future__ import annotations

import asyncio
import hashlib
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache, partial
from itertools import chain
from typing import Any, TypeVar

import psycopg

from omnicore.clock import Clock, SystemClock
from omnicore.errors import Conflict, OmniError, StorageFailed
from omnicore.storage.commits import SharedCommits, Transaction
from omnicore.storage.migrations import pending, statements
from omnicore.storage.postgresql_link import (
    Connection,
    Link,
    copy_of,
    is_blocked,
    is_lost,
    is_passing,
    lock_timeout_ms,
    many_of,
    postgresql_failed,
    with_percent_marks,
)
from omnicore.storage.store import Dialect, Session, renewed_after_fork, storage_busy

__all__ = ["PostgresChanges", "PostgresDatabase"]

_T = TypeVar("_T")

# Whoever migrates the tables holds this lock.
_MIGRATION = 0x4F4D4E49
_COMMIT = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL; COMMIT"
_SNAPSHOT = (
    "SET statement_timeout = 0; SET idle_in_transaction_session_timeout = 0;"
    " BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
)
_FETCHED = 1000
# From here on the one more turn to the server that COPY takes is less than what it saves.
_MANY = 8
# Each process shares this lock as long as one of its writers is connected; a restore wants it alone.
_PRESENCE = 0x4F4D4E50
_AGAIN_S = 0.05
# Shared transactions at the same time, and as many blocks. With more, 32 writers on two cores were no faster.
_WRITERS = 4
# A shared transaction waits no longer than this for a lock: whose work meets it then waits alone.
_BRIEF_MS = 300
_HOLDER = (
    "SELECT 'session ' || pid || ' (' || coalesce(nullif(application_name, ''), 'unnamed') || ', ' || state || ' for '"
    " || round(extract(epoch FROM clock_timestamp() - xact_start)) || ' s)' FROM pg_stat_activity"
    " WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_xid IS NOT NULL"
    " AND xact_start < clock_timestamp() - interval '1 s' AND wait_event_type IS DISTINCT FROM 'Lock'"
    " ORDER BY xact_start LIMIT 1"
)

_CHANNEL = "omnicore_changes"
"""The channel on which each process announces its writes, soon after the commit."""

# NOTIFY takes a lock of the whole server until its transaction ends, and one row that counts changes would make all
# writers wait for each other. So both follow the commit, in a transaction that does not wait for the disk, and one
# notification stands for all commits of a process in this time.
_PAUSE_S = 0.02
_SPEAK_AGAIN_S = 0.5
_SAY = f"SELECT nextval('change_numbers'), pg_notify('{_CHANNEL}', '')"
_ASK = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM change_numbers"


class PostgresDatabase:
    """One PostgreSQL database, safe to use from any thread and after `fork()`.

    Transactions run at the same time at the level READ COMMITTED. Rows they change are locked; other things that must
    not happen at the same time have a named lock (`locks`). The server ends a transaction that stays idle before
    other sessions stop waiting for its locks. Every commit waits for the server's disk. After the server was away the
    next use connects again; a write in progress fails with `StorageFailed`, a read is repeated once.

    Owns: a few connections that write, one that notifies other processes, and a few that read, until `close`.
    """

    dialect: Dialect = "postgresql"

    def __init__(self, link: Link, clock: Clock, *, alone: bool, timeout_s: float) -> None:
        self._link = link
        self._alone, self._timeout_s = alone, timeout_s
        self.place = link.place
        self.refused = 0
        self._closed = False
        self._inherited: list[object] = []
        self._speaker: Connection | None = None
        self._locks()
        try:
            self._migrate(clock)
        except psycopg.Error as error:
            self.close()
            raise postgresql_failed(error, self.place) from error
        except BaseException:
            self.close()
            raise
        renewed_after_fork(self)

    def _locks(self) -> None:
        self._writers: deque[Connection] = deque()
        self._blocks = threading.BoundedSemaphore(1 if self._alone else _WRITERS)
        self._sole = threading.RLock()
        self._open = threading.local()
        self._notes = _ChangeNotes(self._speaking)
        self._group = SharedCommits(
            partial(_Transaction, self), 1 if self._alone else _WRITERS, self._link.lock_timeout_s
        )

    @classmethod
    def open(
        cls,
        url: str,
        *,
        clock: Clock | None = None,
        readers: int = 8,
        timeout_s: float = 5.0,
        statement_timeout_s: float = 30.0,
        lock_timeout_s: float = 2.0,
        alone: bool = False,
    ) -> PostgresDatabase:
        """Connects and migrates the tables.

        Args:
            url: `postgresql://user:password@host:port/database`, with libpq's parameters.
            readers: the most queries at the same time; further ones wait for up to `timeout_s`.
            lock_timeout_s: longest wait of a write for another session; a session that is idle in a transaction loses
                it a little earlier.
            alone: fail if another process has it open, and keep others from opening it.

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

    # -- writing

    @contextmanager
    def write(self, *, durable: bool = False, locks: Sequence[str] = ()) -> Iterator[Session]:
        """A transaction for this block: committed at its end, rolled back when the block raises.

        Other processes are notified before it returns. Every commit is durable. `locks`: see
        `omnicore.storage.store.Store.write`.

        Raises: StorageFailed. StorageBusy: another session holds a lock. Conflict: this thread is in a transaction.
        """
        self._refuse_nesting()
        if not self._blocks.acquire(timeout=self._timeout_s):
            raise storage_busy(self.place, f"{_WRITERS} transactions of this process")
        transaction = _Transaction(self)
        try:
            try:
                yield transaction.begin(frozenset(locks), brief=False)
                transaction.commit(wait=True)
            finally:
                transaction.end()
                self._blocks.release()
        except BaseException as error:
            told = self.failure(error)
            if told is error:
                raise
            raise told from error

    def apply(self, work: Callable[[Session], _T], *, locks: Sequence[str] = ()) -> _T:
        """Runs `work` in a transaction that may be shared; see `omnicore.storage.store.Store.apply`."""
        self._refuse_nesting()
        return self._group.apply(work, locks)

    async def apply_async(self, work: Callable[[Session], _T], *, locks: Sequence[str] = ()) -> _T:
        """The same without blocking the event loop; see `omnicore.storage.store.Store.apply_async`."""
        return await self._group.apply_async(work, locks)

    # -- reading

    def rows(self, sql: str, parameters: Sequence[Any] = ()) -> list[Any]:
        """The rows of a query, as tuples. Raises: StorageFailed."""
        if self._closed:
            raise self._is_closed()
        try:
            return self._read(sql, parameters)
        except psycopg.Error as error:
            raise self.failure(error) from error

    def data_version(self) -> int:
        """A number that changes when another process, or another store, has written.

        It changes at once after `write`, and some milliseconds after `apply`.
        """
        return self._notes.number(lambda sql: int(self.rows(sql)[0][0]))

    def data_version_at_hand(self) -> int | None:
        """None: only the server knows the number."""
        return None

    def changes(self) -> PostgresChanges:
        """Notifies an event loop when another process has written. Raises: StorageFailed."""
        try:
            connection = self._link.connect()
            connection.execute(f"LISTEN {_CHANNEL}", prepare=False)
        except psycopg.Error as error:
            raise self.failure(error) from error
        return PostgresChanges(connection, self._pid)

    def check(self) -> None:
        """Reads every table. Raises: StorageFailed when one cannot be read."""
        names = self.rows("SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = current_schema()")
        with self.snapshot() as ask:
            for (name,) in names:
                list(ask(f"SELECT count(whole) FROM {name} AS whole"))  # an index alone could count the rows

    @contextmanager
    def snapshot(self) -> Iterator[Callable[[str], Iterator[tuple[Any, ...]]]]:
        """A function that answers queries as of one instant, while others write. Raises: StorageFailed."""
        try:
            with closing(self._link.connect()) as connection:
                connection.execute(_SNAPSHOT, prepare=False)
                yield partial(_streamed, connection)
        except psycopg.Error as error:
            raise self.failure(error) from error

    # -- its life

    def close(self) -> None:
        """Closes every connection; a second time does nothing."""
        self._refuse_nesting()
        self._group.close()
        if not self._closed:
            self._notes.close()
        self._closed = True
        self._link.drop_idle()
        while self._writers:
            self._writers.pop().close()
        if self._speaker is not None:
            self._speaker.close()
            self._speaker = None

    def renew(self) -> None:
        """In a forked child: creates new locks and, when needed, new connections."""
        self._inherited += [*self._writers, self._speaker]
        self._speaker = None
        self._locks()
        self._link.renew()

    def failure(self, error: BaseException) -> BaseException:
        """PostgreSQL's errors as `StorageFailed`, or `InvalidInput` where a value is at fault."""
        if is_blocked(error):
            self.refused += 1
            return storage_busy(self.place, self._holder())
        return postgresql_failed(error, self.place) if isinstance(error, psycopg.Error) else error

    def _holder(self) -> str:
        """The session that has been writing for the longest time and is not waiting for a lock itself."""
        with suppress(psycopg.Error, StorageFailed):
            found = self._read(_HOLDER, ())
            return str(found[0][0]) if found and found[0][0] else ""
        return ""

    def _commit(self, connection: Connection) -> bool:
        """Commits. Returns True when something was written."""
        if connection.closed:  # a new connection would commit nothing and report success
            raise self._went_away("and nothing was saved", "try again")
        try:
            found = connection.execute(_COMMIT, prepare=False).fetchone()
        except psycopg.Error as error:
            if is_lost(error, connection):
                remedy = "check whether the change is there before you repeat it"
                raise self._went_away("during a commit", remedy) from error
            raise
        return bool(found and found[0])

    def _went_away(self, when: str, remedy: str) -> StorageFailed:
        return StorageFailed(f"{self.place} does not answer, {when}", remedy=remedy, path=self.place)

    def _writer(self) -> Connection:
        """A connection that may write, for one caller."""
        if self._closed:
            raise self._is_closed()
        try:
            return self._writers.pop()
        except IndexError:
            return self._new_writer()

    def _new_writer(self) -> Connection:
        connection = self._link.connect()
        try:
            self._announce(connection)
            more = "; SET idle_in_transaction_session_timeout = 0" if self._alone else ""
            connection.execute(f"SET default_transaction_read_only = off{more}", prepare=False)
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: Connection) -> None:
        idle = connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        if idle and not self._closed and len(self._writers) < _WRITERS:
            self._writers.append(connection)
        else:
            connection.close()

    def _speaking(self) -> Connection:
        """The connection that notifies other processes."""
        connection = self._speaker
        if connection is None or connection.closed or connection.broken:
            if self._closed:
                raise self._is_closed()
            self._speaker = connection = self._link.connect()
            connection.execute("SET default_transaction_read_only = off; SET synchronous_commit = off", prepare=False)
        return connection

    def _pid(self) -> int | None:
        speaker = self._speaker
        return None if speaker is None or speaker.closed else speaker.info.backend_pid

    def _announce(self, connection: Connection) -> None:
        """Takes the lock by which a restore sees that the database is in use."""
        end = time.monotonic() + self._timeout_s
        take = "pg_try_advisory_lock" if self._alone else "pg_try_advisory_lock_shared"
        while connection.execute(f"SELECT {take}({_PRESENCE})", prepare=False).fetchone() != (1,):
            if time.monotonic() >= end:
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
        connection = self._writer()
        try:
            with suppress(psycopg.errors.UndefinedTable):
                if not pending(_done(connection), self.place):
                    return
            connection.execute(
                f"SET lock_timeout = 0; BEGIN; SELECT pg_advisory_xact_lock({_MIGRATION})", prepare=False
            )
            # A second process waits for the lock, and finds the migrations applied.
            connection.execute(
                "CREATE TABLE IF NOT EXISTS migrations"
                " (number BIGINT PRIMARY KEY, name TEXT NOT NULL, applied_at DOUBLE PRECISION NOT NULL)"
            )
            for number, name, step in pending(_done(connection), self.place):
                for sql in statements(step, "postgresql"):
                    connection.execute(sql, prepare=False)
                connection.execute("INSERT INTO migrations VALUES (%s, %s, %s)", (number, name, clock.now()))
            timeout = lock_timeout_ms(self._link.lock_timeout_s)
            connection.execute(f"COMMIT; SET lock_timeout = {timeout}", prepare=False)
        finally:
            self._give_back(connection)

    def _refuse_nesting(self) -> None:
        if getattr(self._open, "transaction", False):
            raise Conflict("a transaction is open in this thread already", remedy="write through its session")

    def _is_closed(self) -> StorageFailed:
        return StorageFailed(f"{self.place} is closed", remedy="open the host again")


class _Transaction(Transaction):
    """A transaction on its own connection. One thread begins and ends it."""

    __slots__ = ("_connection", "_database", "_ending")

    def __init__(self, database: PostgresDatabase) -> None:
        self._database = database
        self._connection: Connection | None = None
        self._ending = False

    def begin(self, locks: frozenset[str], *, brief: bool) -> Session:
        """See `Transaction`."""
        database = self._database
        database._open.transaction = True
        if database._alone:
            database._sole.acquire()
        text = _begin_text(locks, brief=brief)
        connection = self._connection = database._writer()
        try:
            connection.execute(text, prepare=False)
        except psycopg.Error as error:
            if not is_lost(error, connection):
                raise
            # The connection broke while it was idle, and nothing has been sent yet: use another one.
            connection.close()
            while database._writers:
                database._writers.pop().close()
            database._link.drop_idle()
            connection = self._connection = database._writer()
            connection.execute(text, prepare=False)
        return _Session(connection)

    def commit(self, *, wait: bool = False) -> None:
        """See `Transaction`. Args: wait: notify other processes before returning."""
        connection = self._connection
        if connection is None:
            raise RuntimeError("the transaction was not begun")
        self._ending = True
        if self._database._commit(connection):
            self._database._notes.note(wait=wait)

    def end(self) -> None:
        """See `Transaction`."""
        database, connection = self._database, self._connection
        if database._alone and getattr(database._open, "transaction", False):
            database._sole.release()
        database._open.transaction = False
        self._connection = None
        if connection is None:
            return
        if not connection.closed and connection.info.transaction_status != psycopg.pq.TransactionStatus.IDLE:
            with suppress(psycopg.Error):
                connection.execute("ROLLBACK", prepare=False)
        database._give_back(connection)

    def failure(self, error: BaseException) -> BaseException:
        """See `Transaction`."""
        return self._database.failure(error)

    def passing(self, error: BaseException) -> bool:
        """True when the connection broke before the commit."""
        return is_lost(error, self._connection) and not self._ending and not self._database._closed

    def collided(self, error: BaseException) -> bool:
        """See `Transaction`."""
        return is_passing(error)

    def blocked(self, error: BaseException) -> bool:
        """See `Transaction`."""
        return is_blocked(error)


@lru_cache(maxsize=1024)
def _begin_text(locks: frozenset[str], *, brief: bool) -> str:
    """The text that begins a transaction and takes its locks in the order of their numbers, without deadlocks."""
    text = f"BEGIN; SET LOCAL lock_timeout = {_BRIEF_MS}" if brief else "BEGIN"
    if locks:
        numbers = sorted(
            int.from_bytes(hashlib.blake2b(name.encode(), digest_size=8).digest(), signed=True) for name in locks
        )
        text += f"; SELECT {', '.join(f'pg_advisory_xact_lock({number})' for number in numbers)}"
    return text


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


class _ChangeNotes:
    """Announces the writes of this process, and counts those of the others.

    Args: connection: returns the connection for announcements, which has no other use.
    Owns: a thread, from the first write until `close`.
    """

    def __init__(self, connection: Callable[[], Connection]) -> None:
        self._connection = connection
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._thread: threading.Thread | None = None
        self._own = 0
        self._unsaid = self._closed = False

    def note(self, *, wait: bool) -> None:
        """Announces a commit. Args: wait: before returning, unless the server is away; otherwise soon after."""
        self._unsaid = True
        if wait:
            with suppress(psycopg.Error, OmniError):
                self._say()
                return
        if self._thread is None:
            with self._lock:
                if self._thread is None and not self._closed:
                    self._thread = threading.Thread(target=self._serve, name="omnicore-changes", daemon=True)
                    self._thread.start()
        self._wake.set()

    def number(self, ask: Callable[[str], int]) -> int:
        """A number that changes when another process has written. Args: ask: the answer to a query."""
        with self._lock:
            return ask(_ASK) - self._own

    def close(self) -> None:
        """Announces what is outstanding, and ends the thread."""
        with self._lock:
            self._closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        with suppress(psycopg.Error, OmniError):
            self._say()

    def _say(self) -> None:
        with self._lock:
            if not self._unsaid:
                return
            self._unsaid = False
            try:
                self._connection().execute(_SAY, prepare=False)
            except BaseException:
                self._unsaid = True
                raise
            self._own += 1

    def _serve(self) -> None:
        pause = threading.Event()  # never set
        while not self._closed:
            self._wake.wait()
            self._wake.clear()
            try:
                self._say()
            except (psycopg.Error, OmniError):  # the server is away: listeners poll by themselves
                pause.wait(_SPEAK_AGAIN_S)
                if not self._closed:
                    self._wake.set()
            pause.wait(_PAUSE_S)


class PostgresChanges:
    """Notifications on an event loop. See `omnicore.storage.store.Changes`.

    Args:
        connection: listens already, and has no other use.
        own: the server process that announces the writes of this store: its notifications are ignored.
    Owns: the connection, until `close`.
    """

    def __init__(self, connection: Connection, own: Callable[[], int | None]) -> None:
        self._connection, self._own = connection, own
        self._loop: asyncio.AbstractEventLoop | None = None
        self._notify: Callable[[], None] = lambda: None
        self._watched = -1
        self.works = True

    def begin(self, notify: Callable[[], None]) -> None:
        """Calls `notify` on the running loop from now on."""
        self._notify, self._loop = notify, asyncio.get_running_loop()
        self._watched = self._connection.fileno()
        self._loop.add_reader(self._watched, self._readable)

    def close(self) -> None:
        """Ends the notifications."""
        self.works = False
        if self._loop is not None:
            # By the number of the socket as it was: a broken connection closes its socket at once, and the loop would
            # refuse the next socket that gets the number.
            self._loop.remove_reader(self._watched)
            self._loop = None
        self._connection.close()

    def _readable(self) -> None:
        news, server, own = False, self._connection.pgconn, self._own()
        try:
            server.consume_input()
            while (note := server.notifies()) is not None:
                news = news or note.be_pid != own
        except psycopg.Error:  # the server is away: the listener must poll
            self._lost()
            return
        if server.status != psycopg.pq.ConnStatus.OK:
            self._lost()
        elif news:
            self._notify()

    def _lost(self) -> None:
        notify = self._notify
        self.close()
        notify()
