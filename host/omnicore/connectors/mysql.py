"""MySQL and MariaDB, through aiomysql: rows in, rows out, one statement at a time."""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import aiomysql
from pymysql.constants import CLIENT, COMMAND

from omnicore.connectors.kind import Opening, number, temporary, text
from omnicore.connectors.rows import Pooled, Rows, powerful, sql_kind, unfit
from omnicore.errors import OmniError

_CONNECT_S = 10
_BATCH = 100
_LONGEST_S = 86_400.0
_UNREACHABLE = 2003
_RESET_CONNECTION = COMMAND.COM_END  # the driver's table ends where the protocol has this command, 0x1f
# Server errors that pass by themselves: too many connections, locks, a shutdown, a deadlock.
_PASSING = (1040, 1053, 1077, 1203, 1205, 1213)
# Texts are read as the proof of a query reads them; and nothing in the session makes it one that writes.
_SETTLE = (
    "SET SESSION sql_mode = 'ERROR_FOR_DIVISION_BY_ZERO,NO_ENGINE_SUBSTITUTION'",
    "SET SESSION TRANSACTION READ ONLY",
)
# Rights on everything that only let somebody look.
_LOOKING = frozenset(
    {"USAGE", "SELECT", "SHOW DATABASES", "SHOW VIEW", "PROCESS", "REPLICATION CLIENT", "BINLOG MONITOR"}
    | {"SLAVE MONITOR", "REPLICA MONITOR"}
)
_GLOBAL = re.compile(r"GRANT (?P<rights>.+?) ON \*\.\* TO ", re.DOTALL)
_READER = (
    "give it a login of its own: CREATE USER omnicore_reader IDENTIFIED BY '...'; "
    "GRANT SELECT ON `{database}`.* TO omnicore_reader."
)


class _MySql:
    """Statements go one at a time; nothing stays behind in a session."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._config = opening.config
        self._pool: Pooled[Any] = Pooled(self._connect, _reset, _close, most=opening.concurrency)

    async def query(self, sql: str, parameters: Sequence[Any], timeout_s: float) -> dict[str, Any]:
        """See `omnicore.connectors.rows.Server`."""
        async with _translated(self._opening.name), self._pool.lent() as connection:
            return await self._query(connection, sql, parameters, timeout_s)

    async def execute(self, sql: str, parameters: Sequence[Any], timeout_s: float) -> dict[str, int]:
        """See `omnicore.connectors.rows.Server`."""
        async with _translated(self._opening.name), self._pool.lent() as connection:
            return await _execute(connection, sql, parameters)

    async def probe(self) -> None:
        """See `omnicore.connectors.rows.Server`."""
        async with _translated(self._opening.name), self._pool.lent() as connection:
            await connection.ping(reconnect=False)

    async def close(self) -> None:
        """See `omnicore.connectors.rows.Server`."""
        await self._pool.close()

    async def _connect(self) -> Any:
        config = self._config
        if "socket" in config:
            return await self._connect_to(None)
        host, port = config.get("host", "127.0.0.1"), config.get("port", 3306)
        spelled = {"host", "port"} <= config.keys()
        failure: Exception = OSError("no address")
        for address in await self._opening.reserved.addresses(host, port, spelled=spelled):
            try:
                return await self._connect_to(address)
            except aiomysql.OperationalError as error:
                failure = error
                if error.args[0] != _UNREACHABLE:
                    break
        raise failure

    async def _connect_to(self, address: str | None) -> Any:
        config = self._config
        connection = aiomysql.Connection(
            host=address or "localhost",
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
        try:
            await self._check_login(connection)
        except BaseException:
            await asyncio.shield(_close(connection))
            raise
        return connection

    async def _check_login(self, connection: Any) -> None:
        """Raises: PermissionDenied: the connector only reads, and its login could do more than read."""
        if self._config.get("writable", False):
            return
        async with connection.cursor() as cursor:
            await cursor.execute("SHOW GRANTS")
            lines = [str(row[0]) for row in await cursor.fetchall()]
        found = {
            right.strip().upper()
            for grant in map(_GLOBAL.match, lines)
            if grant is not None
            for right in grant["rights"].split(",")
        }
        if more := sorted(found - _LOOKING):
            remedy = _READER.format(database=self._config["database"].replace("`", "``"))
            raise powerful(self._opening.name, self._config["user"], more, remedy)

    async def _query(self, connection: Any, sql: str, parameters: Sequence[Any], timeout_s: float) -> dict[str, Any]:
        for setting in (*_SETTLE, _bound(connection, timeout_s), "START TRANSACTION READ ONLY"):
            await _run(connection, setting, ())
        cursor = await connection.cursor(_Cursor)
        await cursor.execute(sql, parameters or None)
        rows = Rows.of(self._opening, [column[0] for column in cursor.description or ()])
        while batch := await cursor.fetchmany(_BATCH):
            if not all(rows.add(row) for row in batch):
                connection.close()  # closing the cursor would first read all that is left
                return rows.answer()
        await cursor.close()
        await connection.rollback()
        return rows.answer()


def _bound(connection: Any, timeout_s: float) -> str:
    """The statement that ends later ones after a time, which MariaDB counts in seconds and MySQL in milliseconds."""
    longest_s = min(timeout_s, _LONGEST_S) + 1
    if "mariadb" in connection.get_server_info().lower():
        return f"SET SESSION max_statement_time = {longest_s:.3f}"
    return f"SET SESSION max_execution_time = {int(longest_s * 1000)}"


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


KIND = sql_kind(
    "mysql",
    "MySQL",
    "A MySQL or MariaDB database",
    "mysql",
    _MySql,
    "database",
    "user",
    secrets={"password": "of the user"},
    host=text("name or address", most=253),
    port=number(least=1, most=65535),
    socket=text("file of a local socket, instead of host and port", most=200),
    database=text(most=64),
    user=text(most=80),
)
