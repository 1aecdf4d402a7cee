"""MySQL and MariaDB, through aiomysql: rows in, rows out, one statement at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiomysql
from pymysql.constants import CLIENT, COMMAND

from omnicore.connectors.faults import temporary
from omnicore.connectors.kind import Client, Kind, Opening, number, obj, text
from omnicore.connectors.pooled import Pooled
from omnicore.connectors.rows import ACTIONS, MAX_ROWS, WRITABLE, Rows, check_writable, of_json, unfit
from omnicore.errors import OmniError

__all__ = ["KIND"]

_CONNECT_S = 10
_BATCH = 100
_RESET_CONNECTION = COMMAND.COM_END  # the driver's table ends where the protocol has this command, 0x1f
# Server errors that pass by themselves: too many connections, locks, a shutdown, a deadlock.
_PASSING = (1040, 1053, 1077, 1203, 1205, 1213)
# What only reads begins so. A block of statements, which MariaDB takes as one, could end the transaction that only
# reads and begin another. Comments with a mark of exclamation are no comments to the server.
_COMMENT = r"/\*(?!M?!)[^*]*+(?:\*(?!/)[^*]*+)*+\*/|--(?:[^\S\n][^\n]*+)?+\n|#[^\n]*+\n"
_READING = re.compile(
    rf"(?:[\s(]|{_COMMENT})*+(?:SELECT|WITH|SHOW|DESC|DESCRIBE|EXPLAIN|VALUES|TABLE)\b", re.IGNORECASE | re.ASCII
)


class _MySql:
    """Statements go one at a time; nothing stays behind in a session."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._config = opening.config
        self._pool: Pooled[Any] = Pooled(self._connect, _reset, _close, most=opening.concurrency)

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """See `omnicore.connectors.kind.Client.call`."""
        parameters = of_json(given.get("parameters", ()))
        if action == "execute":
            check_writable(self._config, self._opening.name)
        async with _translated(self._opening.name), self._pool.lent() as connection:
            if action == "execute":
                return await _execute(connection, given["sql"], parameters)
            return await self._query(connection, given["sql"], parameters)

    async def probe(self) -> None:
        """See `omnicore.connectors.kind.Client.probe`."""
        async with _translated(self._opening.name), self._pool.lent() as connection:
            await connection.ping(reconnect=False)

    async def close(self) -> None:
        """See `omnicore.connectors.kind.Client.close`."""
        await self._pool.close()

    async def _connect(self) -> Any:
        config = self._config
        connection = aiomysql.Connection(
            host=config.get("host", "127.0.0.1"),
            unix_socket=config.get("socket"),
            port=config.get("port", 3306),
            db=config["database"],
            user=config["user"],
            password=self._opening.credentials.get("password", ""),
            connect_timeout=_CONNECT_S,
            charset="utf8mb4",
            local_infile=False,
            program_name="omnicore",
        )
        # The driver always allows several statements in one text, by which one could slip out of a transaction.
        connection.client_flag &= ~CLIENT.MULTI_STATEMENTS
        await connection._connect()  # `aiomysql.connect` makes its own object, with that flag set
        return connection

    async def _query(self, connection: Any, sql: str, parameters: Sequence[Any]) -> Any:
        if not _READING.match(sql):
            words = "a query begins with SELECT, WITH, SHOW, DESCRIBE, EXPLAIN, VALUES or TABLE"
            raise unfit(self._opening.name, words)
        await _run(connection, "START TRANSACTION READ ONLY", ())
        cursor = await connection.cursor(_Cursor)
        await cursor.execute(sql, parameters or None)
        columns = [column[0] for column in cursor.description or ()]
        most = self._config.get("max_rows", MAX_ROWS["default"])
        rows = Rows(columns, most_rows=most, most_bytes=self._opening.output_bytes)
        while batch := await cursor.fetchmany(_BATCH):
            if not all(rows.add(row) for row in batch):
                connection.close()  # closing the cursor would first read all that is left
                return rows.answer()
        await cursor.close()
        await connection.rollback()
        return rows.answer()


class _Cursor(aiomysql.SSCursor):  # type: ignore[misc]
    """Rows as they come; what the server warns of is not printed."""

    async def _show_warnings(self, conn: Any) -> None:
        """The driver would turn each into a warning of Python."""


async def _execute(connection: Any, sql: str, parameters: Sequence[Any]) -> dict[str, int]:
    changed = await _run(connection, sql, parameters)
    await connection.commit()
    return {"changed": max(changed, 0)}


async def _run(connection: Any, sql: str, parameters: Sequence[Any]) -> int:
    async with connection.cursor(_Cursor) as cursor:
        changed: int = await cursor.execute(sql, parameters or None)
        while await cursor.fetchmany(_BATCH):
            pass
    return changed if changed < 2**63 else 0  # of rows that were returned the number is not known


async def _reset(connection: Any) -> bool:
    """Takes away settings, temporary tables, locks and prepared statements that a call left."""
    if connection.closed:
        return False
    try:
        await connection._execute_command(_RESET_CONNECTION, b"")
        await connection._read_ok_packet()
        await connection.set_charset("utf8mb4")
    except (aiomysql.Error, OSError, RuntimeError):
        return False
    return True


async def _close(connection: Any) -> None:
    with suppress(aiomysql.Error, OSError):
        connection.close()
    await asyncio.sleep(0)


@asynccontextmanager
async def _translated(name: str) -> AsyncIterator[None]:
    try:
        yield
    except (aiomysql.Error, OSError) as error:
        raise _fault(name, error) from error
    except (TypeError, ValueError, OverflowError) as error:  # the driver fills marks in by `%`
        raise unfit(name, "the marks of the statement and its parameters do not fit") from error


def _fault(name: str, error: Exception) -> OmniError:
    number_, said = (*error.args, "", "")[:2] if error.args and isinstance(error.args[0], int) else (0, str(error))
    if isinstance(error, OSError) or 2000 <= number_ < 3000 or number_ in _PASSING:
        return temporary(
            f"{name} cannot be reached or is busy: {str(said)[:300]}", acted=False if number_ in (2003, 1040) else None
        )
    return unfit(name, str(said), code=str(number_ or ""))


async def _open(opening: Opening) -> Client:
    await asyncio.sleep(0)
    return _MySql(opening)


KIND = Kind(
    name="mysql",
    says="A MySQL or MariaDB database",
    config=obj(
        "database",
        "user",
        host=text("name or address", most=253),
        port=number(least=1, most=65535),
        socket=text("file of a local socket, instead of host and port", most=200),
        database=text(most=64),
        user=text(most=80),
        writable=WRITABLE,
        max_rows=MAX_ROWS,
    ),
    secrets={"password": "of the user"},
    actions=ACTIONS,
    open=_open,
)
