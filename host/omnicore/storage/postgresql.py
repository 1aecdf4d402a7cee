"""A PostgreSQL database with the same interface as SQLite, for hosts on several machines."""

from __future__ import annotations

import hashlib
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import lru_cache, partial
from itertools import chain
from typing import Any, TypeVar

import psycopg

from omnicore.clock import Clock, SystemClock
from omnicore.errors import Conflict, OmniError, StorageAway, StorageFailed
from omnicore.ids import new_id
from omnicore.storage import migrations
from omnicore.storage.commits import SharedCommits, Transaction
from omnicore.storage.migrations import APPLIED, RECORDS, Applied, SchemaStep, pending, statements
from omnicore.storage.postgresql_link import (
    Connection,
    Ear,
    IdleConnections,
    Link,
    PostgresChanges,
    copy_of,
    is_blocked,
    is_lost,
    is_passing,
    many_of,
    postgresql_failed,
    with_percent_marks,
)
from omnicore.storage.store import Dialect, Session, renewed_after_fork, storage_busy

_T = TypeVar("_T")

# Whoever migrates the tables holds this lock.
_MIGRATION = 0x4F4D4E49
_COMMIT = "SELECT pg_current_xact_id_if_assigned() IS NOT NULL; COMMIT"
_UNHURRIED = "; SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0"
_SNAPSHOT = f"BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY{_UNHURRIED}"
_OTHERS = (
    "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
    " AND backend_type = 'client backend' AND application_name = 'omnicore'"
)
_FETCHED = 1000
# From here on the one more turn to the server that COPY takes is less than what it saves.
_MANY = 8
# Each process shares this lock as long as one of its writers is connected; a restore wants it alone. Beside it lies a
# lock whose second number is the newest step that the process knows; 0.1.0 has none.
_PRESENCE, _KNOWN_STEPS = 0x4F4D4E50, 0x4F4D4E51
_OLDER = (
    "SELECT count(*) FROM pg_locks p WHERE p.locktype = 'advisory' AND p.objid = {} AND p.objsubid = 1 AND p.granted"
    " AND p.database = (SELECT oid FROM pg_database WHERE datname = current_database()) AND p.pid <> pg_backend_pid()"
    " AND NOT EXISTS (SELECT FROM pg_locks k WHERE k.pid = p.pid AND k.locktype = 'advisory' AND k.objsubid = 2"
    " AND k.classid = {} AND k.objid >= {})"
)
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

_STEPS_S = 60.0
"""As long may hosts that run keep a step from a table."""
_THERE = "SELECT to_regclass('migrations') IS NOT NULL, to_regclass('schema_steps') IS NOT NULL"

_CHANNEL = "omnicore_changes"
"""The channel on which each process announces its writes, soon after the commit."""

# NOTIFY takes a lock of the whole server until its transaction ends, and one row that counts changes would make all
# writers wait for each other. So both follow the commit, in a transaction that does not wait for the disk, and one
# notification stands for all commits of a process in this time.
_PAUSE_S = 0.02
_SPEAK_AGAIN_S = 0.5
_SAY = "SELECT nextval('change_numbers'), pg_notify('{}', '{}'); COMMIT"
_ASK = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM change_numbers"


class PostgresDatabase:
    """One PostgreSQL database, safe to use from any thread and after `fork()`.

    Transactions run at the same time at the level READ COMMITTED. Rows they change are locked; other things that must
    not happen at the same time have a named lock (`locks`). The server ends a transaction that stays idle before
    other sessions stop waiting for its locks. Every commit waits for the server's disk. After the server was away the
    next use connects again; a write in progress fails with `StorageFailed`, a read is repeated once.

    At rest it has one connection that writes, one or two that read, and one that listens; some seconds after a burst
    the others are closed.

    Args: direct: leads to PostgreSQL itself where `link` leads to a pooler: for notifications, migrations and backups.
    Owns: its connections, until `close`.
    """

    dialect: Dialect = "postgresql"

    def __init__(self, link: Link, direct: Link | None, clock: Clock, *, alone: bool, timeout_s: float) -> None:
        self._link, self._direct = link, direct
        self._alone, self._timeout_s = alone, timeout_s
        self.place = link.place
        self.refused = 0
        self._closed = False
        self._inherited: list[object] = []
        self._ear: Ear | None = None
        self._locks()
        link.lost = self._lost
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
        self._writers = IdleConnections(1, _WRITERS)
        self._blocks = threading.BoundedSemaphore(1 if self._alone else _WRITERS)
        self._sole = threading.RLock()
        self._open = threading.local()
        self._notes = _ChangeNotes(self._speak)
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
        pooled: bool = False,
        direct_url: str | None = None,
    ) -> PostgresDatabase:
        """Connects and migrates the tables.

        Args:
            url: `postgresql://user:password@host:port/database`, with libpq's parameters.
            readers: the most queries at the same time; further ones wait for up to `timeout_s`.
            lock_timeout_s: longest wait of a write for another session; a session that is idle in a transaction loses
                it a little earlier.
            alone: fail if another process has it open, and keep others from opening it.
            pooled: `url` leads to a pooler in transaction mode; `direct_url` to PostgreSQL itself.

        Raises: InvalidSetting: the URL. StorageFailed: the server is away, refuses, a newer version wrote it, or the
        URL leads to a pooler and nothing says so.
        """
        link_to = partial(
            Link,
            readers=readers,
            timeout_s=timeout_s,
            statement_timeout_s=statement_timeout_s,
            lock_timeout_s=lock_timeout_s,
        )
        link = link_to(url, pooled=pooled)
        direct = link_to(direct_url) if direct_url else None if pooled else link
        if alone and pooled:
            link = direct = _past_pooler(link, direct)
        return cls(link, direct, clock or SystemClock(), alone=alone, timeout_s=timeout_s)

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

    def changes(self) -> PostgresChanges | None:
        """Notifies an event loop when another process has written; None through a pooler alone, which cannot.

        All who ask share one connection. Raises: StorageFailed.
        """
        if self._direct is None:
            return None
        with self._notes.lock:
            ear = self._ear
            if ear is None or not ear.works:
                try:
                    ear = self._ear = Ear(self._listening(self._direct), self._notes.name)
                except psycopg.Error as error:
                    raise self.failure(error) from error
        return PostgresChanges(ear)

    def clean(self) -> None:
        """Does nothing: the server's vacuum frees what was deleted; see `Store.clean`."""

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
            with closing((self._direct or self._link).connect(watched=False)) as connection:
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

    def renew(self) -> None:
        """In a forked child: creates new locks and, when needed, new connections."""
        self._inherited += [self._writers, self._ear]
        self._ear = None
        self._locks()
        self._link.renew()
        if self._direct is not None:
            self._direct.renew()

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
            fact = f"{self.place} does not answer, and nothing was saved"
            raise StorageAway(fact, remedy="try again", path=self.place)
        try:
            found = connection.execute(_COMMIT, prepare=False).fetchone()
        except psycopg.Error as error:
            if is_lost(error, connection):
                remedy = "check whether the change is there before you repeat it"
                fact = f"{self.place} does not answer, during a commit"
                raise StorageFailed(fact, remedy=remedy, path=self.place) from error
            raise
        return bool(found and found[0])

    def _writer(self) -> Connection:
        """A connection that may write, for one caller."""
        if self._closed:
            raise self._is_closed()
        return self._writers.take(self._new_writer)

    def _new_writer(self) -> Connection:
        connection = self._link.connect()
        try:
            if not self._link.pooled:
                self._announce(connection)
            if self._alone:
                connection.execute("SET idle_in_transaction_session_timeout = 0", prepare=False)
        except BaseException:
            connection.close()
            raise
        return connection

    def _give_back(self, connection: Connection) -> None:
        self._writers.give(connection)
        if self._closed:
            self._writers.close()

    def _listening(self, link: Link) -> Connection:
        """A new connection that listens, and shows that the database is in use where its writers cannot."""
        connection = link.connect()
        try:
            if self._link.pooled:
                self._announce(connection)
            connection.execute(f"LISTEN {_CHANNEL}", prepare=False)
        except BaseException:
            connection.close()
            raise
        return connection

    def _speak(self, said: str) -> None:
        if self._closed:
            raise self._is_closed()
        begin = f"BEGIN READ WRITE{self._link.limits}; SET LOCAL synchronous_commit = off"
        with self._link.idle() as connection:
            try:
                connection.execute(f"{begin}; {said}", prepare=False)
            except psycopg.Error as error:
                if is_lost(error, connection):
                    self._link.drop_idle()
                raise

    def _lost(self) -> None:
        """The server was lost: idle connections to it are of no use, and whoever listens must listen anew."""
        self._writers.close()
        ear = self._ear
        if ear is not None:
            ear.drop()

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
        connection.execute(f"SELECT pg_advisory_lock_shared({_KNOWN_STEPS}, {migrations.NEWEST})", prepare=False)

    def _read(self, sql: str, parameters: Sequence[Any]) -> list[Any]:
        for last in (False, True):
            with self._link.reader() as connection:
                try:
                    if not self._link.pooled:
                        return _Session(connection).execute(sql, parameters).fetchall()
                    connection.execute(f"BEGIN READ ONLY{self._link.limits}")
                    rows = _Session(connection).execute(sql, parameters).fetchall()
                    connection.execute("COMMIT")
                    return rows
                except psycopg.Error as error:
                    if last or self._link.silent or not is_lost(error, connection):
                        raise
            self._link.drop_idle()
        raise AssertionError  # the second turn returns or raises

    def _migrate(self, clock: Clock) -> None:
        connection = self._writer()
        try:
            if pending(_applied(connection), self.place):
                with closing((self._direct or self._link).connect(watched=False)) as own:
                    _update(own, clock, self.place)
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
        text = _begin_text(database._link.limits, locks, brief=brief)
        try:
            return _Session(self._opened(text))
        except psycopg.Error as error:
            if not is_lost(error, self._connection) or database._link.silent:
                raise
        # The connection broke while it was idle, and nothing has been sent yet: use another one.
        lost, self._connection = self._connection, None
        if lost is not None:
            database._give_back(lost)
        database._link.drop_idle()
        return _Session(self._opened(text))

    def _opened(self, text: str) -> Connection:
        connection = self._connection = self._database._writer()
        try:
            connection.execute(text, prepare=False)
        except psycopg.errors.FeatureNotSupported as error:
            connection.close()  # as in `_Session.execute`
            raise psycopg.errors.ReadOnlySqlTransaction(str(error)) from error
        return connection

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
        lost = is_lost(error, self._connection)
        if lost:
            self._database._link.drop_idle()
        return lost and not (self._ending or self._database._closed or self._database._link.silent)

    def collided(self, error: BaseException) -> bool:
        """See `Transaction`."""
        return is_passing(error)

    def blocked(self, error: BaseException) -> bool:
        """See `Transaction`."""
        return is_blocked(error)


@lru_cache(maxsize=1024)
def _begin_text(limits: str, locks: frozenset[str], *, brief: bool) -> str:
    """The text that begins a transaction and takes its locks in the order of their numbers, without deadlocks."""
    text = f"BEGIN READ WRITE{limits}"
    if brief:
        text += f"; SET LOCAL lock_timeout = {_BRIEF_MS}"
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
        try:
            return cursor.execute(with_percent_marks(sql), parameters)
        except psycopg.errors.ReadOnlySqlTransaction:
            self._connection.close()  # the primary became a standby, and the next connection may find the new one
            raise

    def executemany(self, sql: str, parameters: Iterable[Sequence[Any]], /) -> psycopg.Cursor[tuple[Any, ...]]:
        try:
            return self._execute_all(sql, parameters)
        except psycopg.errors.ReadOnlySqlTransaction:
            self._connection.close()
            raise

    def _execute_all(self, sql: str, parameters: Iterable[Sequence[Any]]) -> psycopg.Cursor[tuple[Any, ...]]:
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


def _past_pooler(link: Link, direct: Link | None) -> Link:
    """The link through which a process can have the database alone.

    Raises: StorageFailed: there is none, or a host has it open, itself or through the pooler, which hides its locks.
    """
    if direct is None:
        raise StorageFailed(
            f"{link.place} is a connection pooler, through which nobody has a database alone",
            remedy="set storage.direct_url to PostgreSQL's own address",
            path=link.place,
        )
    with closing(direct.connect()) as connection:
        found = connection.execute(_OTHERS, prepare=False).fetchone()
    if found and found[0]:
        raise StorageFailed(
            f"{direct.place} is in use",
            remedy="stop the hosts and commands that use it, tell the pooler to RECONNECT, then try again",
            path=direct.place,
        )
    return direct


def _applied(connection: Connection) -> Applied:
    """The steps that the database has seen."""
    there = connection.execute(_THERE, prepare=False).fetchone() or (0, 0)
    first, extended = (
        connection.execute(sql, prepare=False).fetchone() if known else None
        for sql, known in zip(APPLIED, there, strict=True)
    )
    return Applied.of(int(first[0]) if first else 0, (int(extended[0]), str(extended[1])) if extended else None)


def _update(connection: Connection, clock: Clock, place: str) -> None:
    """Applies the steps that a database has not seen: to an empty one all at once, else each in its own transaction.

    Hosts of the version before run on. So a step waits only briefly for a table, because their statements queue behind
    it; then it lets them pass and tries again. Raises: psycopg.Error. StorageFailed.
    """
    end = time.monotonic() + _STEPS_S
    while pending(_applied(connection), place):
        try:
            _apply_steps(connection, clock, place)
        except psycopg.Error as error:
            if connection.closed or not (is_blocked(error) or is_passing(error)) or time.monotonic() > end:
                raise
            connection.execute("ROLLBACK", prepare=False)
            time.sleep(random.uniform(_AGAIN_S, 2 * _BRIEF_MS / 1000))  # noqa: S311


def _refuse_older(connection: Connection, step: SchemaStep, place: str) -> None:
    """Raises: StorageFailed: hosts are connected that use what a step takes away."""
    found = connection.execute(_OLDER.format(_PRESENCE, _KNOWN_STEPS, step.number), prepare=False).fetchone()
    if found and found[0]:
        raise StorageFailed(
            f"{place} is in use by hosts of a version before {step.oldest}, which this version would break",
            remedy=f"upgrade all hosts to {step.oldest} or stop them, then start this one",
            path=place,
        )


def _apply_steps(connection: Connection, clock: Clock, place: str) -> None:
    connection.execute(
        f"BEGIN READ WRITE{_UNHURRIED}; SET LOCAL lock_timeout = 0; SELECT pg_advisory_xact_lock({_MIGRATION})",
        prepare=False,
    )
    # A second process waits for the lock, and finds the migrations applied.
    applied = _applied(connection)
    steps = pending(applied, place)
    if applied.newest:
        steps = steps[:1]
        connection.execute(f"SET LOCAL lock_timeout = {_BRIEF_MS}", prepare=False)
    for sql in RECORDS if steps else ():
        connection.execute(sql, prepare=False)
    for step in steps:
        if step.needs:
            _refuse_older(connection, step, place)
        for sql in statements(step.file, "postgresql"):
            connection.execute(sql, prepare=False)
        for sql, values in step.records(clock.now()):
            _Session(connection).execute(sql, values)
    connection.execute("COMMIT", prepare=False)


class _ChangeNotes:
    """Announces the writes of this process, and counts those of the others.

    Args: speak: runs statements in a transaction that waits for no disk, and commits at their end.
    Owns: a thread, from the first write until `close`.
    """

    def __init__(self, speak: Callable[[str], None]) -> None:
        self._speak = speak
        self.name = new_id("process")
        """Tells the announcements of this process from those of others."""
        self.lock = threading.Lock()
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
            with self.lock:
                if self._thread is None and not self._closed:
                    self._thread = threading.Thread(target=self._serve, name="omnicore-changes", daemon=True)
                    self._thread.start()
        self._wake.set()

    def number(self, ask: Callable[[str], int]) -> int:
        """A number that changes when another process has written. Args: ask: the answer to a query."""
        with self.lock:
            return ask(_ASK) - self._own

    def close(self) -> None:
        """Announces what is outstanding, and ends the thread."""
        with self.lock:
            self._closed = True
        self._wake.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._thread.join()
        with suppress(psycopg.Error, OmniError):
            self._say()

    def _say(self) -> None:
        with self.lock:
            if not self._unsaid:
                return
            self._unsaid = False
            try:
                self._speak(_SAY.format(_CHANNEL, self.name))
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
