"""PostgreSQL, through psycopg: rows in, rows out, one statement at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from typing import Any

import psycopg
from psycopg import AsyncConnection

from omnicore.connectors.kind import Opening, number, temporary, text
from omnicore.connectors.queries import unproven_columns
from omnicore.connectors.rows import Pooled, Rows, powerful, sql_kind, unfit
from omnicore.errors import InvalidInput, OmniError

_CONNECT_S = 10
_BATCH = 100
# Lists of a server's own states (SQLSTATE classes) that pass by themselves.
_LONGEST_S = 86_400.0
# Once a transaction has read, the server refuses to make it one that writes.
_BEGIN = """
    SELECT set_config('standard_conforming_strings', 'on', true), set_config('statement_timeout', %s, true),
        ARRAY(SELECT proname::text FROM pg_catalog.pg_proc WHERE proname = ANY(%s::name[]) AND provolatile = 'v'
            AND pronargs > 0 AND pronargs - pronargdefaults < 2 AND pg_catalog.pg_function_is_visible(oid))"""
_RIGHTS = """
    SELECT r.rolsuper OR EXISTS (SELECT FROM pg_roles s WHERE s.rolsuper AND pg_has_role(r.oid, s.oid, 'MEMBER')),
        r.rolcreaterole, r.rolreplication,
        ARRAY(SELECT g.rolname::text FROM pg_roles g WHERE pg_has_role(r.oid, g.oid, 'MEMBER') AND g.rolname IN
            ('pg_execute_server_program', 'pg_read_server_files', 'pg_write_server_files') ORDER BY g.rolname)
    FROM pg_roles r WHERE r.rolname = session_user"""
_READER = (
    "give it a login of its own: CREATE ROLE omnicore_reader LOGIN PASSWORD '...'; "
    'GRANT CONNECT ON DATABASE "{database}" TO omnicore_reader; GRANT USAGE ON SCHEMA public TO omnicore_reader; '
    "GRANT SELECT ON ALL TABLES IN SCHEMA public TO omnicore_reader."
)
_PASSING = ("08", "40", "53", "55P03", "57P")


class _PostgreSql:
    """Statements go by the extended protocol, which takes one at a time; nothing stays behind in a session."""

    def __init__(self, opening: Opening) -> None:
        self._opening = opening
        self._config = opening.config
        self._pool: Pooled[AsyncConnection] = Pooled(self._connect, _reset, _close, most=opening.concurrency)

    async def query(self, sql: str, parameters: Sequence[Any], timeout_s: float) -> dict[str, Any]:
        """See `omnicore.connectors.rows.Server`."""
        async with _translated(self._opening.name), self._pool.lent() as connection:
            await connection.set_read_only(True)
            return await self._query(connection, sql, parameters, timeout_s)

    async def execute(self, sql: str, parameters: Sequence[Any], timeout_s: float) -> dict[str, int]:
        """See `omnicore.connectors.rows.Server`."""
        async with _translated(self._opening.name), self._pool.lent() as connection:
            await connection.set_read_only(False)
            return await _execute(connection, sql, parameters)

    async def probe(self) -> None:
        """See `omnicore.connectors.rows.Server`."""
        async with _translated(self._opening.name), self._pool.lent() as connection:
            await connection.execute("SELECT 1")

    async def close(self) -> None:
        """See `omnicore.connectors.rows.Server`."""
        await self._pool.close()

    async def _connect(self) -> AsyncConnection:
        config = self._config
        connection = await AsyncConnection.connect(
            **await self._place(),
            dbname=config["database"],
            user=config["user"],
            password=self._opening.credentials.get("password"),
            sslmode=config.get("sslmode", "prefer"),
            connect_timeout=_CONNECT_S,
            application_name="omnicore",
            prepare_threshold=None,  # `DISCARD ALL` would take prepared statements away from under it
        )
        try:
            await self._check_login(connection)
        except BaseException:
            await asyncio.shield(_close(connection))
            raise
        return connection

    async def _place(self) -> dict[str, Any]:
        """The place of the server: a socket's folder, or the name with the addresses that were checked."""
        config = self._config
        host, port = config.get("host", "127.0.0.1"), config.get("port", 5432)
        if host.startswith(("/", "@")):
            return {"host": host, "port": port}
        spelled = {"host", "port"} <= config.keys()
        found = await self._opening.reserved.addresses(host, port, spelled=spelled)
        return {"host": ",".join([host] * len(found)), "hostaddr": ",".join(found), "port": port}

    async def _check_login(self, connection: AsyncConnection) -> None:
        """Raises: PermissionDenied: the connector only reads, and its login could do more than read."""
        if self._config.get("writable", False):
            return
        found = await (await connection.execute(_RIGHTS)).fetchone()
        await connection.rollback()
        if found is None:
            return
        names = ("superuser", "createrole", "replication")
        rights = [name for name, has in zip(names, found[:3], strict=True) if has]
        if rights or found[3]:
            remedy = _READER.format(database=self._config["database"].replace('"', '""'))
            raise powerful(self._opening.name, self._config["user"], [*rights, *found[3]], remedy)

    async def _query(
        self, connection: AsyncConnection, sql: str, parameters: Sequence[Any], timeout_s: float
    ) -> dict[str, Any]:
        columns = unproven_columns(sql, marks=bool(parameters), functions=tuple(self._config.get("functions", ())))
        limit_ms = str(int(min(timeout_s, _LONGEST_S) * 1000) + 1000)
        begun = await (await connection.execute(_BEGIN, [limit_ms, list(columns)])).fetchone()
        if begun is not None and begun[2]:
            raise _is_function(begun[2][0])
        async with connection.cursor() as cursor:
            rows: Rows | None = None
            # A plugin's statement; its marks are the driver's and its values never become part of it.
            async for row in cursor.stream(sql.encode(), parameters or None, size=_BATCH):
                if rows is None:
                    rows = Rows.of(self._opening, [column.name for column in cursor.description or ()])
                if not rows.add(row):
                    break
            answer = (rows or Rows.of(self._opening, [])).answer()
        await connection.rollback()
        return answer


def _is_function(name: str) -> InvalidInput:
    return InvalidInput(
        f"PostgreSQL reads .{name} as a call of the function {name}, which is not known to only read",
        remedy=f"write the column {name} without what stands before it, or rename it as in `FROM t AS t(a, b)`;"
        f" the operator can name {name} in the connector's setting `functions`",
    )


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


KIND = sql_kind(
    "postgresql",
    "PostgreSQL",
    "A PostgreSQL database",
    "postgres",
    _PostgreSql,
    "database",
    "user",
    secrets={"password": "of the user"},
    host=text("name, address or folder of a socket", most=253),
    port=number(least=1, most=65535),
    database=text(most=63),
    user=text(most=63),
    sslmode={"enum": ["disable", "prefer", "require", "verify-ca", "verify-full"]},
)
