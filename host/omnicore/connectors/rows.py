"""Connectors to databases: one client over a server, its two actions, rows as JSON, and a pool of connections."""

from __future__ import annotations

import asyncio
import json
import math
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import date, time, timedelta
from decimal import Decimal
from functools import partial
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from omnicore.connectors.kind import Action, Kind, Opening, Schema, ServiceClient, number, obj, shown, text, wrapped
from omnicore.connectors.queries import Dialect, proven_query
from omnicore.errors import InvalidInput, LimitExceeded, PermissionDenied, ServiceRefused

_ODD_CHARACTERS = 1000  # of a value of a type that only its database knows

_STATEMENT: Schema = obj(
    "sql",
    sql=text("one statement, with the database's own marks for parameters", most=65536),
    parameters={"type": "array", "maxItems": 1000, "description": "a value for each mark; bytes as {base64}"},
)
_ROWS: Schema = obj(
    "columns",
    "rows",
    "truncated",
    columns={"type": "array", "items": {"type": "string"}},
    rows={"type": "array", "items": {"type": "array"}},
    truncated={"type": "boolean", "description": "whether there were more than `max_rows`"},
)
_ACTIONS = (
    Action("query", "Reads rows; a statement that could do more is refused.", _STATEMENT, _ROWS, repeat="always"),
    Action(
        "execute",
        "Changes rows, where the connector is writable; returns how many.",
        _STATEMENT,
        obj("changed", changed={"type": "integer"}),
    ),
)
"""`query` and `execute`, the same for every database."""

_WRITABLE: Schema = {
    "type": "boolean",
    "default": False,
    "description": "whether `execute` may be used; without it the login must not be a powerful one",
}
_FUNCTIONS: Schema = {
    "type": "array",
    "items": text(most=200),
    "maxItems": 200,
    "description": "further functions that a query may call, which change nothing, such as `shop.price_of`",
}
_MAX_ROWS = number("most rows that a query returns", least=1, most=100_000, default=1000)


class Rows:
    """The rows of a query as they come, within a number and a size. Units: `most_bytes` of JSON."""

    @classmethod
    def of(cls, opening: Opening, columns: Sequence[str]) -> Rows:
        """Rows within the bounds of a connector."""
        most_rows = opening.config.get("max_rows", _MAX_ROWS["default"])
        return cls(columns, most_rows=most_rows, most_bytes=opening.output_bytes)

    def __init__(self, columns: Sequence[str], *, most_rows: int, most_bytes: int) -> None:
        self._columns = list(columns)
        self._rows: list[list[Any]] = []
        self._most_rows = most_rows
        self._most_bytes = most_bytes
        self._bytes = 0
        self._truncated = False

    def add(self, row: Sequence[Any]) -> bool:
        """Takes a row; False when no more are wanted. Raises: LimitExceeded: they are too large."""
        if len(self._rows) >= self._most_rows:
            self._truncated = True
            return False
        values = [to_json(value) for value in row]
        self._bytes += len(json.dumps(values, ensure_ascii=False).encode())
        if self._bytes > self._most_bytes:
            raise LimitExceeded(
                f"the rows have more than {self._most_bytes} bytes",
                remedy="ask for fewer rows or columns",
                limit="output_bytes",
                allowed=self._most_bytes,
            )
        self._rows.append(values)
        return True

    def answer(self) -> dict[str, Any]:
        """The answer of `query`."""
        return {"columns": self._columns, "rows": self._rows, "truncated": self._truncated}


def to_json(value: Any) -> Any:
    """A column's value as JSON: decimals and times as text, bytes as text or `{"base64": ...}`.

    >>> to_json(Decimal("1.10")), to_json(b"\\xff")
    ('1.10', {'base64': '/w=='})
    """
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    for kinds, show in _SHOWN:
        if isinstance(value, kinds):
            return show(value)
    return str(value)[:_ODD_CHARACTERS]


def of_json(values: Sequence[Any]) -> list[Any]:
    """Parameters for a driver. Raises: InvalidInput: one is neither plain nor `{"base64": ...}`."""
    return [_of_json(place, value) for place, value in enumerate(values)]


def powerful(name: str, user: str, rights: Sequence[str], remedy: str) -> PermissionDenied:
    """The error for a read-only connector whose login could do more than read."""
    return PermissionDenied(
        f"{name} only reads, and its login {user} has more rights than that: {', '.join(rights)}",
        remedy=f"{remedy} Or set `writable`, if the connector is to write",
        resource=name,
    )


def unfit(name: str, said: str, *, code: str = "") -> ServiceRefused:
    """The error for a statement or parameters that do not fit, in the words of the database or its driver."""
    return ServiceRefused(
        f"{name} refused: {said[:300]}",
        remedy="correct the statement or its parameters",
        service=name,
        service_code=code,
    )


def _list_to_json(values: Any) -> list[Any]:
    return [to_json(value) for value in values]


def _table_to_json(table: Mapping[Any, Any]) -> dict[str, Any]:
    return {str(key): to_json(value) for key, value in table.items()}


_SHOWN: tuple[tuple[tuple[type, ...], Callable[[Any], Any]], ...] = (
    ((bytes, bytearray, memoryview), lambda value: shown(bytes(value))),
    ((date, time), lambda value: value.isoformat()),
    ((timedelta,), timedelta.total_seconds),
    ((Decimal, UUID), str),
    ((Mapping,), _table_to_json),
    ((list, tuple, set), _list_to_json),
)


def _of_json(place: int, value: Any) -> Any:
    if value is None or isinstance(value, (bool, int, float, str)):
        return value
    data = wrapped(value)
    if data is not None:
        return data
    raise InvalidInput(
        f"parameter {place} is not text, a number, true, false, null or base64",
        remedy='send lists and objects as JSON text, bytes as {"base64": "..."}',
    )


class Server(Protocol):
    """A database behind its client. Methods raise what `omnicore.connectors.kind.ServiceClient.call` does."""

    async def query(self, sql: str, parameters: Sequence[Any], timeout_s: float) -> dict[str, Any]:
        """The rows of a statement that was proven to only read."""

    async def execute(self, sql: str, parameters: Sequence[Any], timeout_s: float) -> dict[str, int]:
        """The number of rows that a statement changed."""

    async def probe(self) -> None:
        """Returns when the database answers."""

    async def close(self) -> None:
        """Closes all connections; a second time does nothing."""


class _SqlClient:
    """A client that proves each query before its server sees it, see `omnicore.connectors.kind.ServiceClient`."""

    def __init__(self, opening: Opening, dialect: Dialect, server: Server) -> None:
        self._name, self._config, self._dialect, self._server = opening.name, opening.config, dialect, server
        self.probe, self.close = server.probe, server.close

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """The rows of a query, or the number of rows that a statement changed."""
        sql, parameters = given["sql"], of_json(given.get("parameters", ()))
        if action == "query":
            proven = partial(proven_query, marks=bool(parameters), functions=self._config.get("functions", ()))
            return await self._server.query(await asyncio.to_thread(proven, sql, self._dialect), parameters, timeout_s)
        if not self._config.get("writable", False):
            raise InvalidInput(
                f"the connector {self._name} only reads", remedy="the operator sets `writable` in its settings"
            )
        return await self._server.execute(sql, parameters, timeout_s)


def sql_kind(
    name: str,
    title: str,
    says: str,
    dialect: Dialect,
    server: Callable[[Opening], Server],
    *required: str,
    secrets: Mapping[str, str],
    **config: Schema,
) -> Kind:
    """A kind of connector to a database. `required` and `config` are its own settings."""

    async def opened(opening: Opening) -> ServiceClient:
        await asyncio.sleep(0)
        return _SqlClient(opening, dialect, server(opening))

    members = {**config, "writable": _WRITABLE, "max_rows": _MAX_ROWS, "functions": _FUNCTIONS}
    settings = obj(*required, more=False, **members)
    return Kind(name=name, title=title, says=says, config=settings, secrets=secrets, actions=_ACTIONS, open=opened)


_T = TypeVar("_T")


class Pooled(Generic[_T]):
    """Connections on one event loop. One that was used comes back only when `reset` has cleaned it.

    Args:
        most: how many may be open at once; further users wait.
        reset: takes away what the last user left (session settings, locks, temporary tables); False drops it.
    """

    def __init__(
        self,
        connect: Callable[[], Awaitable[_T]],
        reset: Callable[[_T], Awaitable[bool]],
        close: Callable[[_T], Awaitable[None]],
        *,
        most: int,
    ) -> None:
        self._connect, self._reset, self._close = connect, reset, close
        self._room = asyncio.Semaphore(most)
        self._idle: list[_T] = []
        self._closed = False

    @asynccontextmanager
    async def lent(self) -> AsyncIterator[_T]:
        """A connection; one whose block fails or is cancelled is closed and never lent again."""
        async with self._room:
            one = self._idle.pop() if self._idle else await self._connect()
            good = False
            try:
                yield one
                good = not self._closed and await self._reset(one)
            finally:
                if good:
                    self._idle.append(one)
                else:
                    await asyncio.shield(self._close(one))

    async def close(self) -> None:
        """Closes those that nobody uses; the others go when they come back."""
        self._closed = True
        while self._idle:
            await self._close(self._idle.pop())
