"""PostgreSQL, through psycopg: rows in, rows out, one statement at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection

from omnicore.connectors.faults import temporary
from omnicore.connectors.kind import Client, Kind, Opening, number, obj, text
from omnicore.connectors.pooled import Pooled
from omnicore.connectors.rows import ACTIONS, MAX_ROWS, WRITABLE, Rows, check_writable, of_json, unfit
from omnicore.errors import OmniError

__all__ = ["KIND"]

_CONNECT_S = 10
_BATCH = 100
# Lists of a server's own states (SQLSTATE classes) that pass by themselves.
_PASSING = ("08", "40", "53", "55P03", "57P")


class _PostgreSql:
    """Statements go by the extended protocol, which takes one at a time; nothing stays behind in a session."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._config = opening.config
        self._pool: Pooled[AsyncConnection] = Pooled(self._connect, _reset, _close, most=opening.concurrency)

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """See `omnicore.connectors.kind.Client.call`."""
        parameters = of_json(given.get("parameters", ()))
        if action == "execute":
            check_writable(self._config, self._opening.name)
        async with _translated(self._opening.name), self._pool.lent() as connection:
            await connection.set_read_only(action == "query")
            if action == "execute":
                return await _execute(connection, given["sql"], parameters)
            return await self._query(connection, given["sql"], parameters)

    async def probe(self) -> None:
        """See `omnicore.connectors.kind.Client.probe`."""
        async with _translated(self._opening.name), self._pool.lent() as connection:
            await connection.execute("SELECT 1")

    async def close(self) -> None:
        """See `omnicore.connectors.kind.Client.close`."""
        await self._pool.close()

    async def _connect(self) -> AsyncConnection:
        config = self._config
        return await AsyncConnection.connect(
            host=config.get("host", "127.0.0.1"),
            port=config.get("port", 5432),
            dbname=config["database"],
            user=config["user"],
            password=self._opening.credentials.get("password"),
            sslmode=config.get("sslmode", "prefer"),
            connect_timeout=_CONNECT_S,
            application_name="omnicore",
            prepare_threshold=None,  # `DISCARD ALL` would take prepared statements away from under it
        )

    async def _query(self, connection: AsyncConnection, sql: str, parameters: Sequence[Any]) -> Any:
        # Once a transaction has read, the server refuses to make it one that writes.
        await connection.execute("SELECT 1")
        async with connection.cursor() as cursor:
            rows: Rows | None = None
            # A plugin's statement; its marks are the driver's and its values never become part of it.
            async for row in cursor.stream(sql.encode(), parameters or None, size=_BATCH):
                if rows is None:
                    rows = self._rows([column.name for column in cursor.description or ()])
                if not rows.add(row):
                    break
            answer = (rows or self._rows([])).answer()
        await connection.rollback()
        return answer

    def _rows(self, columns: list[str]) -> Rows:
        most = self._config.get("max_rows", MAX_ROWS["default"])
        return Rows(columns, most_rows=most, most_bytes=self._opening.output_bytes)


async def _execute(connection: AsyncConnection, sql: str, parameters: Sequence[Any]) -> dict[str, int]:
    # In a pipeline the driver always speaks the extended protocol, which takes one statement, not several.
    async with connection.cursor() as cursor:
        async with connection.pipeline():
            await cursor.execute(sql.encode(), parameters or None)
        changed = max(cursor.rowcount, 0)
    await connection.commit()
    return {"changed": changed}


async def _reset(connection: AsyncConnection) -> bool:
    """Takes away settings, temporary tables, locks and listeners that a call left."""
    try:
        await connection.rollback()
        await connection.set_read_only(None)
        await connection.set_autocommit(True)
        await connection.execute("DISCARD ALL")
        await connection.set_autocommit(False)
    except psycopg.Error:
        return False
    return True


async def _close(connection: AsyncConnection) -> None:
    with suppress(psycopg.Error, OSError):
        await connection.close()


@asynccontextmanager
async def _translated(name: str) -> AsyncIterator[None]:
    try:
        yield
    except psycopg.Error as error:
        raise _fault(name, error) from error
    except (TypeError, ValueError, OverflowError) as error:  # the driver's, about marks and parameters
        raise unfit(name, str(error)) from error


def _fault(name: str, error: psycopg.Error) -> OmniError:
    state = error.sqlstate or ""
    said = (error.diag.message_primary or type(error).__name__)[:300]
    if state.startswith(_PASSING) or (not state and isinstance(error, psycopg.OperationalError)):
        return temporary(f"{name} cannot be reached or is busy: {said}", acted=None if state else False)
    if isinstance(error, psycopg.ProgrammingError) and not state:
        said = str(error)[:300]  # the driver's own words about marks and parameters
    return unfit(name, said, code=state)


async def _open(opening: Opening) -> Client:
    await asyncio.sleep(0)
    return _PostgreSql(opening)


KIND = Kind(
    name="postgresql",
    says="A PostgreSQL database",
    config=obj(
        "database",
        "user",
        host=text("name, address or folder of a socket", most=253),
        port=number(least=1, most=65535),
        database=text(most=63),
        user=text(most=63),
        sslmode={"enum": ["disable", "prefer", "require", "verify-ca", "verify-full"]},
        writable=WRITABLE,
        max_rows=MAX_ROWS,
    ),
    secrets={"password": "of the user"},
    actions=ACTIONS,
    open=_open,
)
