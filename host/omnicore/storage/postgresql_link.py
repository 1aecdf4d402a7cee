"""Connections to one PostgreSQL database, with the statements, values and errors of SQLite.

No message shows the user or the password of the URL.
"""

from __future__ import annotations

import random
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.bool import BoolBinaryLoader, BoolLoader
from psycopg.types.numeric import NumericBinaryLoader

from omnicore.errors import InvalidInput, InvalidSetting, OmniError, StorageAway, StorageFailed
from omnicore.storage.store import storage_busy

__all__ = [
    "Connection",
    "Link",
    "copy_of",
    "is_blocked",
    "is_lost",
    "is_passing",
    "lock_timeout_ms",
    "many_of",
    "postgresql_failed",
    "read_url",
    "with_percent_marks",
]


Connection = psycopg.Connection[tuple[Any, ...]]

_IDLE = 4
_AGAIN_S = 0.05
_LONGEST_PAUSE_S = 0.5
_IDLE_SHARE = 0.75
_LOCK_SHARE = 0.9
_SHOWN = ("host", "hostaddr", "port", "dbname")
_PORTS = re.compile(r"[0-9,]{0,200}")
_OLDEST = 130_000  # pg_current_xact_id_if_assigned
# A dead machine is noticed within a minute, not after the two hours of the system's default.
_DEFAULTS = {
    "application_name": "omnicore",
    "keepalives_idle": 20,
    "keepalives_interval": 10,
    "keepalives_count": 3,
    "tcp_user_timeout": 40_000,
}


class _BoolAsInt(Dumper):
    """Truth values are the numbers 0 and 1, as in SQLite."""

    oid = psycopg.adapters.types["int2"].oid

    def dump(self, obj: bool) -> bytes:
        return b"1" if obj else b"0"


class _IntOfBool(BoolBinaryLoader):
    def load(self, data: Buffer) -> int:  # type: ignore[override]
        return int(super().load(data))


class _IntOfBoolText(BoolLoader):
    def load(self, data: Buffer) -> int:  # type: ignore[override]
        return int(super().load(data))


class _PlainNumber(NumericBinaryLoader):
    """Sums and averages of whole numbers, which PostgreSQL calculates in decimals."""

    def load(self, data: Buffer) -> int | float:  # type: ignore[override]
        value = super().load(data)
        return int(value) if value == value.to_integral_value() and not value.as_tuple().exponent else float(value)


def _port(found: dict[str, Any]) -> str:
    return str(found.get("port") or "")


def read_url(url: str) -> tuple[dict[str, Any], str]:
    """The parameters of a connection, and the place as errors name it, without user and password.

    Raises: InvalidSetting: no URL of PostgreSQL; it does not show the URL.
    """
    found: dict[str, Any] | None = None
    if url.startswith(("postgresql://", "postgres://")):
        try:
            found = conninfo_to_dict(url)
        except psycopg.Error:
            found = None  # the message of the parser shows the password
    # With an unescaped @ or / a part of the password would be taken for the host, which messages show.
    if found is None or any("@" in str(found.get(name, "")) for name in _SHOWN) or not _PORTS.fullmatch(_port(found)):
        remedy = "write it as postgresql://user:password@host:5432/database; what is special in a password as %40"
        raise InvalidSetting("storage.url is no URL of a PostgreSQL database", remedy=remedy)
    host = found.get("host") or found.get("hostaddr") or "localhost"
    port = f":{_port(found)}" if _port(found) else ""
    return {**_DEFAULTS, **found}, f"postgresql://{host}{port}/{found.get('dbname') or found.get('user') or ''}"


class Link:
    """Opens connections, and lends idle ones to readers.

    Args: timeout_s: for connecting; statement_timeout_s, lock_timeout_s: as the server keeps them.
    Owns: the idle connections, until `close`.
    """

    def __init__(
        self, url: str, *, readers: int, timeout_s: float, statement_timeout_s: float, lock_timeout_s: float
    ) -> None:
        self._parameters, self.place = read_url(url)
        self._parameters.setdefault("connect_timeout", max(2, round(timeout_s)))
        self._readers, self._timeout_s = readers, timeout_s
        self._settings = _settings(statement_timeout_s, lock_timeout_s)
        self.lock_timeout_s = lock_timeout_s
        self.renew()

    def renew(self) -> None:
        """In a forked child: forgets the parent's connections, which psycopg does not close in another process."""
        self._idle: deque[Connection] = deque()
        self._free = threading.BoundedSemaphore(self._readers)

    def connect(self) -> Connection:
        """A new connection; waits for a server that is starting. Raises: psycopg.Error, StorageFailed."""
        end = time.monotonic() + self._timeout_s
        pause = _AGAIN_S
        while True:
            try:
                return self._connected()
            except psycopg.OperationalError as error:
                if not _is_starting(error) or time.monotonic() + pause > end:
                    raise
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 -- many processes wait for one server
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A connection that only reads, for the length of the block. Raises: StorageFailed: all are in use."""
        free = self._free
        if not free.acquire(timeout=self._timeout_s):
            remedy = "raise storage.connections, or look for queries that take long"
            raise StorageFailed(f"all connections to {self.place} are in use", remedy=remedy, path=self.place)
        try:
            connection = self._take() or self.connect()
            try:
                yield connection
            finally:
                self._give(connection)
        finally:
            free.release()

    def drop_idle(self) -> None:
        """Closes the idle connections, after one of them has lost the server."""
        while self._idle:
            try:
                self._idle.pop().close()
            except IndexError:  # another thread was first
                return

    def _take(self) -> Connection | None:
        try:
            return self._idle.pop()
        except IndexError:
            return None

    def _give(self, connection: Connection) -> None:
        fit = not (connection.closed or connection.broken) and len(self._idle) < _IDLE
        if fit and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE:
            self._idle.append(connection)
        else:
            connection.close()

    def _connected(self) -> Connection:
        connection: Connection = psycopg.connect(**self._parameters, autocommit=True)
        try:
            info = connection.info
            if info.server_version < _OLDEST or info.parameter_status("server_encoding") != "UTF8":
                raise StorageFailed(
                    f"{self.place} is older than PostgreSQL 13 or not encoded in UTF-8",
                    remedy="use a newer server, and a database made with `createdb -E UTF8 -T template0`",
                    path=self.place,
                )
            _adapt(connection)
            connection.execute(self._settings, prepare=False)
        except BaseException:
            connection.close()
            raise
        return connection


def _adapt(connection: Connection) -> None:
    connection.adapters.register_dumper(bool, _BoolAsInt)
    connection.adapters.register_loader("bool", _IntOfBool)
    connection.adapters.register_loader("bool", _IntOfBoolText)
    connection.adapters.register_loader("numeric", _PlainNumber)


def lock_timeout_ms(lock_timeout_s: float) -> int:
    """The wait that the server is told. The rest of the time is for its refusal to get back to who waits."""
    return round(_LOCK_SHARE * lock_timeout_s * 1000)


def _settings(statement_timeout_s: float, lock_timeout_s: float) -> str:
    values = {
        "client_encoding": "'UTF8'",
        "timezone": "'UTC'",
        "statement_timeout": round(statement_timeout_s * 1000),
        "lock_timeout": lock_timeout_ms(lock_timeout_s),
        # Shorter than the lock timeout: a process that stops in the middle of a transaction loses it before others
        # give up.
        "idle_in_transaction_session_timeout": round(min(statement_timeout_s, _IDLE_SHARE * lock_timeout_s) * 1000),
        "default_transaction_read_only": "on",  # as SQLite's readers; the writer says otherwise
    }
    return "; ".join(f"SET {name} = {value}" for name, value in values.items())


def _is_starting(error: psycopg.OperationalError) -> bool:
    return "starting up" in str(error) or "recovery mode" in str(error) or "not yet accepting" in str(error)


_GONE = ("does not answer", "see that PostgreSQL runs and can be reached; the host connects again by itself")
_RIGHTS = ("refuses this user", "give the user of storage.url the right to make and change tables in its database")
_STATES = {
    "08": _GONE,
    "57P": _GONE,
    "25P03": _GONE,
    "28": ("refuses the credentials", "check the user and the password in storage.url"),
    "3D000": ("has no such database", "make it with `createdb`, or correct storage.url"),
    "42501": _RIGHTS,
    "25006": ("cannot be written: it is a standby", "point storage.url at the primary server"),
    "53100": ("cannot grow: the disk is full", "free space on its disk; nothing of the last change was kept"),
    "53200": ("is out of memory", "give the server more memory or fewer connections"),
    "53300": ("has no connection left", "raise its max_connections or stop other programs that use it"),
    "57014": ("took too long", "look at the load of the server; the statement was cut off and nothing was kept"),
    "40": ("is too busy: transactions collide", "try again"),
    "XX": ("is damaged", "restore a backup"),
    "58": ("cannot be read or written: the system reports an error", "look at the log of the server"),
}
# A failed attempt to connect has no code, only a message.
_WORDS = (
    (("too many", "connection slots"), "53300"),
    (("authentication failed", "no pg_hba.conf entry", "no password supplied", "role "), "28"),
    (("database ",), "3D000"),
)
_USER = re.compile(r'(user|role) "(?:[^"]|"")*"')
_REASON = 200


def postgresql_failed(error: psycopg.Error, place: str) -> OmniError:
    """The error to raise `from error`. Details: `path` (the place), and `reason`, the server's code or words."""
    reason = error.sqlstate or _first_line(error)
    if isinstance(error, psycopg.DataError):
        remedy = "send text without NUL characters, and numbers of 64 bits"
        return InvalidInput(f"a value cannot be stored: {_first_line(error)}", remedy=remedy)
    if is_blocked(error):
        return storage_busy(place)
    known = _known(error.sqlstate) if error.sqlstate else _of_words(error)
    fact, remedy = known or (f"failed: {_first_line(error)}", "see the reason; `omnicore db check` looks for damage")
    kind = StorageAway if known is _GONE else StorageFailed
    return kind(f"{place} {fact}", remedy=remedy, path=place, reason=reason)


def _known(state: str) -> tuple[str, str] | None:
    return next((_STATES[state[:length]] for length in (5, 3, 2) if state[:length] in _STATES), None)


def _of_words(error: psycopg.Error) -> tuple[str, str] | None:
    if not isinstance(error, psycopg.OperationalError):
        return None
    _, fatal, words = str(error).partition("FATAL:")
    state = next((state for known, state in _WORDS if any(word in words for word in known)), "08") if fatal else "08"
    return _known(state)


def is_lost(error: BaseException, connection: psycopg.Connection | None) -> bool:
    """True when the connection broke, so that another one may work."""
    return isinstance(error, psycopg.Error) and connection is not None and (connection.closed or connection.broken)


def is_passing(error: BaseException) -> bool:
    """True when the server asks to repeat the transaction: a deadlock or a serialization failure."""
    return isinstance(error, (psycopg.errors.SerializationFailure, psycopg.errors.DeadlockDetected))


def is_blocked(error: BaseException) -> bool:
    """True when a statement waited too long for a lock that another session holds."""
    return isinstance(error, psycopg.errors.LockNotAvailable)


def _first_line(error: psycopg.Error) -> str:
    return _USER.sub(r"\1 ***", str(error).partition("\n")[0])[:_REASON]


_MARK = "?"
# Texts, names and comments are matched as a whole: a `?` inside of them is no mark.
_TOKEN = re.compile(r"""'(?:[^']|'')*' | "(?:[^"]|"")*" | --[^\n]* | /\*.*?\*/ | \? | %""", re.VERBOSE | re.DOTALL)
_PLAIN_INSERT = re.compile(r"INSERT INTO (\w+ \([\w\", ]+\)) VALUES \(\?(?:, \?)*\)")
_INSERT_ONCE = re.compile(
    r"(INSERT INTO \w+ \([\w\", ]+\) VALUES )(\(\?(?:, \?)*\))( ON CONFLICT(?: \([\w, ]+\))? DO NOTHING)"
)


@lru_cache(maxsize=2048)
def with_percent_marks(sql: str) -> str:
    """The statement with `%s` for each mark and every `%` doubled, also those in texts.

    >>> with_percent_marks("SELECT '?%' WHERE a = ?")
    "SELECT '?%%' WHERE a = %s"

    The text of a comment that begins with an exclamation mark is for PostgreSQL alone:

    >>> with_percent_marks("SELECT a FROM t /*! FOR UPDATE */")
    'SELECT a FROM t  FOR UPDATE '
    """
    return _TOKEN.sub(_marked, sql)


@lru_cache(maxsize=256)
def copy_of(sql: str) -> str | None:
    """The COPY that does what a plain INSERT does for many rows; None for any other statement.

    >>> copy_of("INSERT INTO t (a, b) VALUES (?, ?)"), copy_of("INSERT INTO t (a) VALUES (?) ON CONFLICT DO NOTHING")
    ('COPY t (a, b) FROM STDIN', None)
    """
    found = _PLAIN_INSERT.fullmatch(sql)
    return None if found is None else f"COPY {found[1]} FROM STDIN"


@lru_cache(maxsize=256)
def many_of(sql: str, rows: int) -> str | None:
    """The INSERT of so many rows at once for one that leaves out what is there; None for any other statement.

    >>> many_of("INSERT INTO t (a, b) VALUES (?, ?) ON CONFLICT DO NOTHING", 2)
    'INSERT INTO t (a, b) VALUES (?, ?), (?, ?) ON CONFLICT DO NOTHING'
    """
    found = _INSERT_ONCE.fullmatch(sql)
    return None if found is None else f"{found[1]}{', '.join([found[2]] * rows)}{found[3]}"


def _marked(found: re.Match[str]) -> str:
    token = found.group()
    if token.startswith("/*!"):
        return token[3:-2]
    return "%s" if token == _MARK else token.replace("%", "%%")
