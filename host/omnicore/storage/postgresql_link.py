"""Connections to one PostgreSQL database, with the statements, values and errors of SQLite.

No message shows the user or the password of the URL. A server that stands still, or whose packets are dropped, counts
as away after some seconds: who waits for it is released, and who comes next is refused at once until it answers.
"""

from __future__ import annotations

import asyncio
import random
import re
import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import lru_cache
from typing import Any, TypeVar

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.bool import BoolBinaryLoader, BoolLoader
from psycopg.types.numeric import NumericBinaryLoader

from omnicore.errors import InvalidInput, InvalidSetting, OmniError, StorageAway, StorageFailed
from omnicore.storage.store import storage_busy

_T = TypeVar("_T")

_USUAL_READERS, _IDLE = 2, 4
_IDLE_S = 3.0  # a host that does little gives back what a burst needed
_COINCIDENCES, _COINCIDENCE_S = 5, 0.1  # in a second; more often it is load
_AGAIN_S = 0.05
_LONGEST_PAUSE_S = 0.5
_AT_ONCE_S = 1.0  # whoever refuses connections does so at once
_PREPARE_AFTER = 5
_LOOKS = 5
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


class Connection(psycopg.Connection[tuple[Any, ...]]):
    """A connection whose waits end when its server is silent.

    silence_s: after so long without a byte `answers` tells whether the server lives; None: it waits on.
    longest_s: no statement takes longer than the server was told to let it.
    """

    silence_s: float | None = None
    longest_s: float = 60.0
    answers: Callable[[Connection], bool]

    def wait(self, gen: Generator[Any, Any, _T], *args: Any, **more: Any) -> _T:
        """The result of an exchange with the server. Raises: psycopg.OperationalError: the server is silent."""
        if self.silence_s is not None:
            gen = self._heard(gen, self.silence_s)
        return super().wait(gen, *args, **more)

    def _heard(self, gen: Generator[Any, Any, _T], silence_s: float) -> Generator[Any, Any, _T]:
        try:
            wanted = next(gen)
            heard = asked = time.monotonic()
            while True:
                ready = yield wanted
                now = time.monotonic()
                if ready:
                    heard = asked = now
                elif now > asked + silence_s:  # psycopg comes here some times a second, while nothing else does
                    if now > heard + self.longest_s or not self.answers(self):
                        self.close()
                        raise psycopg.OperationalError("the server is silent")
                    asked = now
                wanted = gen.send(ready)
        except StopIteration as end:
            result: _T = end.value
            return result


class IdleConnections:
    """Connections in turns. Those that nobody used for some seconds are closed, but for one.

    Who comes while `usual` ones are in use waits a moment for one of them, unless many do: what a host at rest does at
    the same instant by chance needs no further connection.

    Args: most: more are not kept.
    """

    def __init__(self, usual: int, most: int) -> None:
        self._usual, self._most = usual, most
        self._kept: deque[tuple[float, Connection]] = deque()
        self._returned = threading.Condition(threading.Lock())
        self._used = 0
        self._waits, self._second = 0, 0

    def take(self, connect: Callable[[], Connection]) -> Connection:
        """The one that was used last, or else a new one. Raises: what `connect` raises."""
        with self._returned:
            if not self._kept and self._used >= self._usual and self._may_wait():
                self._returned.wait(_COINCIDENCE_S)
            self._used += 1
            if self._kept:
                return self._kept.pop()[1]
        try:
            return connect()
        except BaseException:
            with self._returned:
                self._used -= 1
            raise

    def give(self, connection: Connection) -> None:
        """Keeps a connection, if it works, is in no transaction, and there is room."""
        usable = not (connection.closed or connection.broken)
        idle = usable and connection.info.transaction_status == psycopg.pq.TransactionStatus.IDLE
        now = time.monotonic()
        old = []
        with self._returned:
            self._used -= 1
            if idle and len(self._kept) < self._most:
                self._kept.append((now, connection))
                self._returned.notify()
            else:
                old.append(connection)
            while len(self._kept) > 1 and self._kept[0][0] < now - _IDLE_S:
                old.append(self._kept.popleft()[1])
        for one in old:
            one.close()

    def close(self) -> None:
        """Closes those that nobody uses."""
        with self._returned:
            kept = list(self._kept)
            self._kept.clear()
        for _, connection in kept:
            connection.close()

    def _may_wait(self) -> bool:
        second = int(time.monotonic())
        self._waits = self._waits + 1 if second == self._second else 1
        self._second = second
        return self._waits <= _COINCIDENCES


class Ear:
    """The one connection of a process that listens, for everybody in it who wants to hear.

    Args:
        connection: listens already, and has no other use.
        own: the name under which this process announces its writes: those are ignored.
    Owns: the connection, until nobody wants to hear any more or the server is lost.
    """

    def __init__(self, connection: Connection, own: str) -> None:
        self._connection, self._own = connection, own
        self._loop: asyncio.AbstractEventLoop | None = None
        self._told: dict[PostgresChanges, asyncio.AbstractEventLoop] = {}
        self._watched = -1
        self.works = True

    def begin(self, one: PostgresChanges) -> None:
        """Tells one more, on the running loop."""
        loop = asyncio.get_running_loop()
        self._told[one] = loop
        if not self.works:
            self._end()
        elif self._loop is None:
            self._loop, self._watched = loop, self._connection.fileno()
            loop.add_reader(self._watched, self._readable)

    def leave(self, one: PostgresChanges) -> None:
        """Tells one less. Without its event loop the connection hears nothing more."""
        loop = self._told.pop(one, None)
        if not self._told or (loop is self._loop and loop not in self._told.values()):
            self._end()

    def drop(self) -> None:
        """Ends, from any thread."""
        self.works = False
        loop = self._loop
        if loop is None:
            self._connection.close()
            return
        with suppress(RuntimeError):  # the loop is closed
            loop.call_soon_threadsafe(self._end)

    def _end(self) -> None:
        self.works = False
        if self._loop is not None:
            # By the number of the socket as it was: a broken connection closes its socket at once, and the loop would
            # refuse the next socket that gets the number.
            self._loop.remove_reader(self._watched)
            self._loop = None
        self._connection.close()
        told, self._told = self._told, {}
        self._tell(told)

    def _readable(self) -> None:
        news, server = False, self._connection.pgconn
        try:
            server.consume_input()
            while (note := server.notifies()) is not None:
                news = news or note.extra != self._own.encode()
        except psycopg.Error:  # the server is away: the listener must poll
            self._end()
            return
        if server.status != psycopg.pq.ConnStatus.OK:
            self._end()
        elif news:
            self._tell(self._told)

    def _tell(self, told: Mapping[PostgresChanges, asyncio.AbstractEventLoop]) -> None:
        for one, loop in tuple(told.items()):
            if loop is asyncio.get_running_loop():
                one.notify()
            else:
                with suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(one.notify)


class PostgresChanges:
    """Notifications on an event loop. See `omnicore.storage.store.Changes`."""

    def __init__(self, ear: Ear) -> None:
        self._ear = ear
        self.notify: Callable[[], None] = lambda: None

    @property
    def works(self) -> bool:
        """False after the notifications have ended."""
        return self._ear.works

    def begin(self, notify: Callable[[], None]) -> None:
        """Calls `notify` on the running loop from now on."""
        self.notify = notify
        self._ear.begin(self)

    def close(self) -> None:
        """Ends the notifications."""
        self._ear.leave(self)


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

    Through a pooler in transaction mode nothing is said to a session, which may be another one for the next statement:
    `limits` begin each transaction.

    Args:
        timeout_s: for connecting; a server that says nothing for so long is asked on another connection.
        statement_timeout_s, lock_timeout_s: as the server keeps them.
        pooled: the URL leads to a pooler in transaction mode.
    Owns: the idle connections, until `close`.
    """

    def __init__(
        self,
        url: str,
        *,
        readers: int,
        timeout_s: float,
        statement_timeout_s: float,
        lock_timeout_s: float,
        pooled: bool = False,
    ) -> None:
        self._parameters, self.place = read_url(url)
        self._parameters.setdefault("connect_timeout", max(2, round(timeout_s)))
        self._readers, self._timeout_s = readers, timeout_s
        self._longest_s = statement_timeout_s + timeout_s
        limits = _limits(statement_timeout_s, lock_timeout_s)
        self.pooled, self._direct = pooled, False
        if pooled:
            self._parameters["client_encoding"] = "UTF8"
        self._session = "" if pooled else "; ".join(f"SET {one}" for one in (*_SESSION, *limits))
        self.limits = "".join(f"; SET LOCAL {one}" for one in limits) if pooled else ""
        """Statement after each BEGIN."""
        self.lock_timeout_s = lock_timeout_s
        self.lost: Callable[[], None] = lambda: None
        """Called after the server was lost, from any thread."""
        self.renew()

    def renew(self) -> None:
        """In a forked child: forgets the parent's connections, which psycopg does not close in another process."""
        self._idle = IdleConnections(_USUAL_READERS, _IDLE)
        self._free = threading.BoundedSemaphore(self._readers)
        self._asking = threading.Lock()
        self._answered: float | None = 0.0  # None: it is silent

    def connect(self, *, watched: bool = True) -> Connection:
        """A new connection; waits for a server that is starting.

        Args: watched: its waits end when the server falls silent.
        Raises: psycopg.Error. StorageFailed. StorageAway: the server is silent, and another thread is asking it.
        """
        asking = self.silent
        if asking and not self._asking.acquire(blocking=False):
            raise self.away()
        began = time.monotonic()
        try:
            connection = self._started(ask=asking)
        except psycopg.OperationalError:
            if time.monotonic() - began > _AT_ONCE_S:
                self.note_silence()
            raise
        finally:
            if asking:
                self._asking.release()
        self._answered = time.monotonic()
        connection.answers, connection.longest_s = self._answers, self._longest_s
        if not watched:
            connection.silence_s = None
        return connection

    @property
    def silent(self) -> bool:
        """True from when the server was silent until it answers."""
        return self._answered is None

    def away(self) -> StorageAway:
        """The error of a server that says nothing."""
        return StorageAway(f"{self.place} {_GONE[0]}", remedy=_GONE[1], path=self.place, reason="it is silent")

    def note_silence(self) -> None:
        """From now on one thread at a time asks the server, and the others are refused, until it answers."""
        self._answered = None
        self.drop_idle()

    @contextmanager
    def idle(self) -> Iterator[Connection]:
        """A connection for the length of the block, however many are in use."""
        connection = self._idle.take(self.connect)
        try:
            yield connection
        finally:
            self._idle.give(connection)

    @contextmanager
    def reader(self) -> Iterator[Connection]:
        """A connection that only reads, for the length of the block. Raises: StorageFailed: all are in use."""
        free = self._free
        if not free.acquire(timeout=self._timeout_s):
            if self.silent:
                raise self.away()
            remedy = "raise storage.connections, or look for queries that take long"
            raise StorageFailed(f"all connections to {self.place} are in use", remedy=remedy, path=self.place)
        try:
            connection = self._idle.take(self.connect)
            try:
                yield connection
            finally:
                self._idle.give(connection)
        finally:
            free.release()

    def drop_idle(self) -> None:
        """Closes the idle connections, after one of them has lost the server."""
        self._idle.close()
        self.lost()

    def _started(self, *, ask: bool) -> Connection:
        end = time.monotonic() + self._timeout_s
        pause = _AGAIN_S
        while True:
            try:
                return self._connected(ask=ask)
            except psycopg.OperationalError as error:
                if not _is_starting(error) or time.monotonic() + pause > end:
                    raise
            time.sleep(pause * random.uniform(0.5, 1.0))  # noqa: S311 -- many processes wait for one server
            pause = min(2 * pause, _LONGEST_PAUSE_S)

    def _answers(self, connection: Connection) -> bool:
        """True if the server of a connection answers on another one, now or a short while ago."""
        asked = time.monotonic()
        with self._asking:
            if self._answered is not None and self._answered < asked - self._timeout_s:
                self._ask(connection)
            return not self.silent

    def _ask(self, connection: Connection) -> None:
        try:
            with self._connected(ask=True) as other:
                # Of several servers another one may have taken over, while the old one's sockets are still open.
                same = other.info.host == connection.info.host and other.info.port == connection.info.port
        except psycopg.Error:
            same = False
        if same:
            self._answered = time.monotonic()
        else:
            self.note_silence()

    def _connected(self, *, ask: bool = False) -> Connection:
        """Args: ask: a pooler's word that it is there is not enough."""
        prepare = None if self.pooled else _PREPARE_AFTER
        connection = Connection.connect(**self._parameters, prepare_threshold=prepare, autocommit=True)
        connection.silence_s, connection.answers = self._timeout_s, lambda _: False
        try:
            info = connection.info
            if info.server_version < _OLDEST or info.parameter_status("server_encoding") != "UTF8":
                raise StorageFailed(
                    f"{self.place} is older than PostgreSQL 13 or not encoded in UTF-8",
                    remedy="use a newer server, and a database made with `createdb -E UTF8 -T template0`",
                    path=self.place,
                )
            _adapt(connection)
            if self.pooled:
                if ask:
                    connection.execute("SELECT 1")
            else:
                if not self._direct:
                    self._refuse_pooler(connection)
                connection.execute(self._session, prepare=False)
        except BaseException:
            connection.close()
            raise
        return connection

    def _refuse_pooler(self, connection: Connection) -> None:
        """Raises: StorageFailed: statements of two connections are answered by the same session in turns."""
        if _session_of(connection) != connection.info.backend_pid:  # a pooler in session mode does no harm
            with Connection.connect(**self._parameters, prepare_threshold=None, autocommit=True) as other:
                other.silence_s, other.answers = self._timeout_s, lambda _: False
                if any(_session_of(connection) == _session_of(other) for _ in range(_LOOKS)):
                    raise StorageFailed(
                        f"{self.place} is a connection pooler in transaction mode",
                        remedy="set storage.pooler = true, and storage.direct_url to PostgreSQL's own address",
                        path=self.place,
                    )
        self._direct = True


def _session_of(connection: Connection) -> int:
    """The process of the server that answers."""
    found = connection.execute("SELECT pg_backend_pid()", prepare=False).fetchone()
    return int(found[0]) if found else 0


def _adapt(connection: Connection) -> None:
    connection.adapters.register_dumper(bool, _BoolAsInt)
    connection.adapters.register_loader("bool", _IntOfBool)
    connection.adapters.register_loader("bool", _IntOfBoolText)
    connection.adapters.register_loader("numeric", _PlainNumber)


_SESSION = ("client_encoding = 'UTF8'", "timezone = 'UTC'", "default_transaction_read_only = on")
"""Readers only read, as those of SQLite; a transaction that writes says so."""


def _limits(statement_timeout_s: float, lock_timeout_s: float) -> list[str]:
    values = {
        "statement_timeout": statement_timeout_s,
        "lock_timeout": _LOCK_SHARE * lock_timeout_s,  # the rest is for the refusal to get back to who waits
        # Shorter than the lock timeout: a process that stops in the middle of a transaction loses it before others
        # give up.
        "idle_in_transaction_session_timeout": min(statement_timeout_s, _IDLE_SHARE * lock_timeout_s),
    }
    return [f"{name} = {round(seconds * 1000)}" for name, seconds in values.items()]


def _is_starting(error: psycopg.OperationalError) -> bool:
    return "starting up" in str(error) or "recovery mode" in str(error) or "not yet accepting" in str(error)


_GONE = ("does not answer", "see that PostgreSQL runs and can be reached; the host connects again by itself")
_STANDBY = ("cannot be written: it is a standby", "point storage.url at the primary server")
_RIGHTS = ("refuses this user", "give the user of storage.url the right to make and change tables in its database")
_STATES = {
    "08": _GONE,
    "57P": _GONE,
    "25P03": _GONE,
    "28": ("refuses the credentials", "check the user and the password in storage.url"),
    "3D000": ("has no such database", "make it with `createdb`, or correct storage.url"),
    "42501": _RIGHTS,
    "25006": _STANDBY,
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
    # A standby says so by either code: by the second where a transaction that writes begins.
    standby = isinstance(error, psycopg.errors.FeatureNotSupported) and "during recovery" in str(error)
    known = _STANDBY if standby else _known(error.sqlstate) if error.sqlstate else _of_words(error)
    fact, remedy = known or (f"failed: {_first_line(error)}", "see the reason; `omnicore db check` looks for damage")
    kind = StorageAway if known in (_GONE, _STANDBY) else StorageFailed
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
