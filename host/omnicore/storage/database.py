"""The database that the settings name: SQLite in the data folder, or PostgreSQL by its URL.

SQLite has one writer behind a lock, a few readers, and a lock file that shows who has it open.
"""

from __future__ import annotations

import fcntl
import logging
import os
import re
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, TypeVar

from omnicore.clock import Clock, SystemClock
from omnicore.errors import Conflict, StorageFailed, ToolMissing
from omnicore.files import check_own, own_file, own_folder
from omnicore.storage.commits import GroupCommit
from omnicore.storage.migrations import migrate
from omnicore.storage.store import Session, renewed_after_fork, storage_failed

if TYPE_CHECKING:
    from omnicore.storage.store import Dialect, Store


_T = TypeVar("_T")

DATABASE = "omnicore.db"
"""The name of the database in the data folder."""

_QUICK_S = 0.2
_LOCK_S = 2.0  # PostgreSQL: longest wait for an idle session that holds a lock
_log = logging.getLogger("omnicore.storage")
_AGAIN_S = 0.02
_KEPT = 2
_INSTRUCTIONS = 10_000  # between two looks at the time: about 0.1 ms
_IDLE_READERS = 4
_BUSY_TIMEOUT_S = 5.0
_REOPEN_S = 0.01
_NOTHING_LEFT = "PRAGMA secure_delete=ON"  # what is deleted is overwritten: what was forgotten is in no page
_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre", "beegfs", "gpfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.davfs2", "davfs"}
)
_MOUNTS = Path("/proc/self/mounts")
_ESCAPED = re.compile(r"\\([0-7]{3})")


class Presence:
    """A lock on `<file>.lock`, held until `leave`; the system releases it when the process ends.

    Args: alone: an exclusive lock; otherwise a shared one.
    Raises: StorageFailed: it cannot be acquired within `timeout_s`, or the folder cannot be written.
    """

    def __init__(self, file: Path, *, alone: bool, timeout_s: float) -> None:
        path = file.with_name(f"{file.name}.lock")
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise storage_failed(error, str(file)) from error
        try:
            self._wait(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, timeout_s)
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Releases the lock; a second time does nothing."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def _wait(self, file: Path, way: int, timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(self._handle, way | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if time.monotonic() >= end:
                    doing = "is open in another process" if way == fcntl.LOCK_EX else "is being restored"
                    remedy = "stop the server and the commands that use it, then try again"
                    raise StorageFailed(f"{file} {doing}", remedy=remedy, path=str(file)) from error
            except OSError as error:
                raise storage_failed(error, str(file)) from error
            time.sleep(_AGAIN_S)


def quick_check(connection: sqlite3.Connection, until: float | None) -> list[str] | None:
    """Up to three findings of damage, or None if the time (`time.monotonic`) ended before the check."""
    if until is not None:
        connection.set_progress_handler(lambda: time.monotonic() > until, _INSTRUCTIONS)
    try:
        found = [str(row[0]) for row in connection.execute("PRAGMA quick_check(3)").fetchall()]
    except sqlite3.OperationalError as error:
        if error.sqlite_errorcode != sqlite3.SQLITE_INTERRUPT:
            raise
        return None
    finally:
        connection.set_progress_handler(None, 0)
    return [] if found == ["ok"] else found


def keep_copy(file: Path, step: int) -> None:
    """Copies the file atomically to `<file>.before-<step>`, and keeps the last two such copies.

    Raises: StorageFailed, sqlite3.Error: no room for it.
    """
    try:
        _keep(file, step)
    except OSError as error:
        raise storage_failed(error, str(file)) from error


def _keep(file: Path, step: int) -> None:
    target = file.with_name(f"{file.name}.before-{step}")
    partial = target.with_name(f".{target.name}.partial")
    partial.unlink(missing_ok=True)
    own_file(partial)
    try:
        with closing(sqlite3.connect(file)) as source, closing(sqlite3.connect(partial)) as copy:
            source.backup(copy)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
    pattern = re.compile(re.escape(f"{file.name}.before-") + r"([0-9]{1,9})\Z")
    copies = [(int(found.group(1)), path) for path in file.parent.iterdir() if (found := pattern.match(path.name))]
    for _, path in sorted(copies)[:-_KEPT]:
        path.unlink(missing_ok=True)


class Database:
    """One SQLite database, safe to use from any thread and after `fork()`.

    Writes are transactions behind one lock. In WAL mode with `synchronous="normal"` a finished write survives a
    killed process at once, a power cut after the next checkpoint; with "full", and with `write(durable=True)`,
    it is on the disk when it returns.

    Owns: its connections, until `close`.
    """

    dialect: Dialect = "sqlite"
    refused = 0
    """Always 0: SQLite has one writer, and a write that waits for it too long fails."""

    def __init__(
        self,
        path: Path | None,
        *,
        clock: Clock,
        busy_timeout_s: float,
        synchronous: Literal["normal", "full"],
        keep_copies: bool,
    ) -> None:
        self._owner: int | None = None
        self._locks()
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

    @contextmanager
    def write(self, *, durable: bool = False, locks: Sequence[str] = ()) -> Iterator[Session]:
        """A transaction: committed at the end of the block, rolled back when it raises.

        Args:
            durable: wait until the data is on the disk, for decisions of people (grants, states).
            locks: not used: SQLite has one writer at a time.

        Raises: StorageFailed. Conflict: this thread is in a transaction already.
        """
        self._refuse_nesting()
        with self._lock:
            try:
                try:
                    yield self.begin(durable=durable)
                    self.commit()
                except BaseException:
                    self.rollback()
                    raise
            except BaseException as error:
                told = self.failure(error)
                if told is error:
                    raise
                raise told from error

    def apply(self, work: Callable[[Session], _T], *, locks: Sequence[str] = ()) -> _T:
        """Runs `work` in a transaction that may be shared; see `omnicore.storage.store.Store.apply`."""
        self._refuse_nesting()
        return self._group.apply(work)

    async def apply_async(self, work: Callable[[Session], _T], *, locks: Sequence[str] = ()) -> _T:
        """The same without blocking the event loop; see `omnicore.storage.store.Store.apply_async`."""
        return await self._group.apply_async(work)

    def begin(self, *, durable: bool = False) -> Session:
        """Begins a transaction; the caller holds the lock."""
        connection = self._connection()
        if connection.in_transaction:  # an interrupt prevented its end
            connection.execute("ROLLBACK")
        durable = durable or self._usual
        if durable is not self._durable:
            # The pragma has no effect inside a transaction, so it comes first.
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            self._durable = durable
        connection.execute("BEGIN IMMEDIATE")
        self._owner = threading.get_ident()
        return connection

    def commit(self) -> None:
        """Commits the transaction."""
        self._writer.execute("COMMIT")
        self._owner = None

    def rollback(self) -> None:
        """Rolls the transaction back. Raises nothing: it is called after a failure."""
        self._owner = None
        with suppress(sqlite3.Error):
            if self._writer.in_transaction:  # a full disk may have rolled back already
                self._writer.execute("ROLLBACK")

    def failure(self, error: BaseException) -> BaseException:
        """SQLite's errors as `StorageFailed`."""
        return storage_failed(error, self.place) if isinstance(error, sqlite3.Error) else error

    def passing(self, error: BaseException) -> bool:
        """False: repeating the work at once does not help with SQLite."""
        return False

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
        """The same number without waiting, in a few microseconds; None while another thread writes."""
        if not self._lock.acquire(blocking=False):
            return None
        try:
            return self.data_version()
        finally:
            self._lock.release()

    def changes(self) -> None:
        """None: SQLite has no notifications; poll `data_version`."""

    def clean(self) -> None:
        """Empties the write-ahead log, in which pages from before a deletion are; see `Store.clean`."""
        self._refuse_nesting()
        with self._lock, self._translated():
            self._connection().execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def check(self) -> None:
        """Reads the whole file. Raises: StorageFailed when anything in it is damaged."""
        self.check_for(None)

    def check_for(self, seconds: float | None) -> bool:
        """Reads as much of the file as the time allows; None reads all.

        Returns: True if all of the file was read. Raises: StorageFailed when anything in it is damaged.
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

    def _locks(self) -> None:
        self._lock = threading.RLock()
        self._owner = None
        self._group = GroupCommit(self._lock, self)

    def _refuse_nesting(self) -> None:
        if self._owner == threading.get_ident():
            raise Conflict("a transaction is open in this thread already", remedy="write through its session")

    def _open_writer(self, clock: Clock, keep_copies: bool) -> sqlite3.Connection:
        if self.path:
            own_folder(self.path.parent)
            own_file(self.path)  # before SQLite creates it with the umask; its log gets the same mode
            for part in ("-wal", "-shm", "-journal"):
                check_own(self.path.with_name(self.path.name + part))
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
                connection.execute(_NOTHING_LEFT)
                before = partial(keep_copy, self.path) if keep_copies and self.path else None
                migrate(connection, self.place, now=clock.now(), before=before)
            except BaseException:
                connection.close()
                raise
        return connection

    def _write_ahead(self, connection: sqlite3.Connection) -> None:
        # SQLite ignores its busy timeout here: processes that open a new file at the same time collide.
        end = time.monotonic() + self._busy_timeout_s
        while True:
            try:
                mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
                if self.path and mode != "wal":  # no shared memory, as on some network and container file systems
                    remedy = "put the data folder on a local disk, or use PostgreSQL by storage.url"
                    raise StorageFailed(
                        f"{self.place} cannot have a write-ahead log there", remedy=remedy, path=self.place
                    )
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() >= end:
                    raise
                time.sleep(_REOPEN_S)

    def _connect(self) -> sqlite3.Connection:
        return sqlite3.connect(
            self.path or ":memory:",
            timeout=self._busy_timeout_s,
            isolation_level=None,  # `begin` and `commit` control transactions
            check_same_thread=False,
        )

    def _connection(self) -> sqlite3.Connection:
        if self._closed:
            raise StorageFailed(f"{self.place} is closed", remedy="open the host again")
        if self._forked:
            self._writer = self._connect()
            self._writer.execute("PRAGMA foreign_keys=ON")
            self._writer.execute(_NOTHING_LEFT)
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


def filesystem_of(path: Path, mounts: str) -> str:
    """The type of the file system that holds an absolute path; `mounts` as in /proc/self/mounts.

    >>> filesystem_of(Path("/srv/data/x.db"), "a / ext4 rw 0 0\\nb:/ /srv nfs4 rw 0 0")
    'nfs4'
    """
    found, length = "", -1
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _ESCAPED.sub(lambda code: chr(int(code.group(1), 8)), fields[1])
        # Of two mounts on one point the later one counts.
        if len(point) >= length and path.is_relative_to(point):
            found, length = fields[2], len(point)
    return found


def refuse_network(file: Path) -> None:
    """Raises: StorageFailed: the file is on a network file system, according to /proc/self/mounts."""
    try:
        mounts = _MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return
    kind = filesystem_of(Path(os.path.realpath(file)), mounts)
    if kind in _NETWORK:
        raise StorageFailed(
            f"{file} lies on a network file system ({kind}), where SQLite would damage it",
            remedy="put the data folder on a local disk, or use PostgreSQL by storage.url",
            path=str(file),
        )


class StorageOptions(Protocol):
    """The settings under `storage`."""

    @property
    def url(self) -> str | None: ...

    @property
    def synchronous(self) -> Literal["normal", "full"]: ...

    @property
    def busy_timeout_s(self) -> float: ...

    @property
    def check_s(self) -> float: ...

    @property
    def connections(self) -> int: ...

    @property
    def connect_timeout_s(self) -> float: ...

    @property
    def statement_timeout_s(self) -> float: ...

    @property
    def pooler(self) -> bool: ...

    @property
    def direct_url(self) -> str | None: ...


def open_store(
    options: StorageOptions, data: Path, *, clock: Clock | None = None, check: bool = True, alone: bool = False
) -> Store:
    """Opens the database and brings its tables up to date, SQLite's after a copy beside it.

    Args:
        check: look for damage first; short commands leave this to the server.
        alone: for PostgreSQL, no other process may have it open.

    Raises:
        StorageFailed: damaged, locked, full, not writable, on a network disk, away, or of a newer version.
        InvalidSetting: storage.url. ToolMissing: PostgreSQL's library is not installed.
    """
    clock = clock or SystemClock()
    if options.url is not None:
        return _postgresql(options, options.url, clock, alone)
    file = data / DATABASE
    refuse_network(file)
    unclean = check and left_open(file)
    store = Database.open(
        file, clock=clock, busy_timeout_s=options.busy_timeout_s, synchronous=options.synchronous, keep_copies=True
    )
    try:
        if check:
            _checked(store, options.check_s if unclean else min(_QUICK_S, options.check_s), unclean)
    except BaseException:
        store.close()
        raise
    return store


def left_open(file: Path) -> bool:
    """True if the last process did not close the file, or a process has it open: its log still exists."""
    try:
        return file.with_name(f"{file.name}-wal").stat().st_size > 0
    except OSError:
        return False


def _checked(store: Database, seconds: float, unclean: bool) -> None:
    whole = store.check_for(seconds)
    if unclean and not whole:
        _log.warning("%s is too large to be checked in %s s; `omnicore db check` reads it all", store.place, seconds)


def _postgresql(options: StorageOptions, url: str, clock: Clock, alone: bool) -> Store:
    try:
        module = import_module("omnicore.storage.postgresql")
    except ImportError as error:
        raise ToolMissing(
            "the library psycopg is not installed",
            remedy="run `pip install 'omnicore[postgresql]'`",
            tool="psycopg",
        ) from error
    store: Store = module.PostgresDatabase.open(
        url,
        clock=clock,
        readers=options.connections,
        timeout_s=options.connect_timeout_s,
        statement_timeout_s=options.statement_timeout_s,
        lock_timeout_s=min(options.busy_timeout_s, _LOCK_S),
        alone=alone,
        pooled=options.pooler,
        direct_url=options.direct_url,
    )
    return store
