"""Connections to one PostgreSQL database: where they lead, how they are made, and values as SQLite has them."""

from __future__ import annotations

import random
import re
import threading
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg.adapt import Buffer, Dumper
from psycopg.conninfo import conninfo_to_dict
from psycopg.types.bool import BoolBinaryLoader, BoolLoader
from psycopg.types.numeric import NumericBinaryLoader

from omnicore.errors import InvalidSetting, StorageFailed

__all__ = ["Connection", "Link", "read_url"]

Connection = psycopg.Connection[tuple[Any, ...]]

_IDLE = 4
_AGAIN_S = 0.05
_LONGEST_PAUSE_S = 0.5
_IDLE_SHARE = 0.75
_SHOWN = ("host", "hostaddr", "port", "dbname")
_PORTS = re.compile(r"[0-9,]{0,200}")
_OLDEST = 130_000  # pg_current_xact_id_if_assigned
# Silence of a dead machine is noticed within a minute, not within the two hours of the system.
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
            found = None  # the message of the parser quotes the password
    # An @ or / of a password that was not escaped moves a part of it to where errors would show it.
    if found is None or any("@" in str(found.get(name, "")) for name in _SHOWN) or not _PORTS.fullmatch(_port(found)):
        remedy = "write it as postgresql://user:password@host:5432/database; what is special in a password as %40"
        raise InvalidSetting("storage.url is no URL of a PostgreSQL database", remedy=remedy)
    host = found.get("host") or found.get("hostaddr") or "localhost"
    port = f":{_port(found)}" if _port(found) else ""
    return {**_DEFAULTS, **found}, f"postgresql://{host}{port}/{found.get('dbname') or found.get('user') or ''}"


class Link:
    """Makes connections, and lends idle ones to readers.

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
        """In a forked child: the parent's connections are its own. psycopg closes none of another process."""
        self._idle: deque[Connection] = deque()
        self._free = threading.BoundedSemaphore(self._readers)

    def connect(self) -> Connection:
        """A new connection. A server that is still starting is waited for. Raises: psycopg.Error, StorageFailed."""
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
        """Closes the connections nobody uses: the server went away under one of them."""
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


def _settings(statement_timeout_s: float, lock_timeout_s: float) -> str:
    values = {
        "client_encoding": "'UTF8'",
        "timezone": "'UTC'",
        "statement_timeout": round(statement_timeout_s * 1000),
        "lock_timeout": round(lock_timeout_s * 1000),
        # Below the time that others wait for a lock: a process that stops in the middle of a transaction loses it
        # before they give up.
        "idle_in_transaction_session_timeout": round(min(statement_timeout_s, _IDLE_SHARE * lock_timeout_s) * 1000),
        "default_transaction_read_only": "on",  # as SQLite's readers; the writer says otherwise
    }
    return "; ".join(f"SET {name} = {value}" for name, value in values.items())


def _is_starting(error: psycopg.OperationalError) -> bool:
    return "starting up" in str(error) or "recovery mode" in str(error) or "not yet accepting" in str(error)
