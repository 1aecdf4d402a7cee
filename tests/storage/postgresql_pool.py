"""PostgreSQL databases that tests take in turns: emptied between two tests, which costs a tenth of making one."""

from __future__ import annotations

import itertools
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psycopg
from tests.storage.postgresql_server import PostgresServer

__all__ = ["PostgresPool"]

_OWN = "n.nspname NOT LIKE 'pg\\_%' AND n.nspname <> 'information_schema'"
_SHAPE = f"""
SELECT md5(string_agg(line, ';' ORDER BY line)) FROM (
  SELECT concat_ws(' ', n.nspname, c.relname, c.relkind, a.attname, a.atttypid, a.attnotnull) AS line
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped WHERE {_OWN}
  UNION ALL SELECT concat_ws(' ', n.nspname, p.proname, md5(p.prosrc))
    FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE {_OWN}
  UNION ALL SELECT concat_ws(' ', t.tgrelid::regclass, t.tgname, t.tgenabled) FROM pg_trigger t WHERE NOT t.tgisinternal
  UNION ALL SELECT concat_ws(' ', o.conrelid::regclass, o.conname) FROM pg_constraint o
  UNION ALL SELECT n.nspname FROM pg_namespace n WHERE {_OWN}) AS lines"""
"""What a database has beside rows, as one text to compare."""

# Tables that no test wrote to cost nothing. A long one is cut off, for what DELETE leaves behind slows the next test.
_EMPTIED = """
DO $$ DECLARE t record; BEGIN
  FOR t IN SELECT oid::regclass AS name, pg_relation_size(oid) AS bytes FROM pg_class
           WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0 LOOP
    EXECUTE format(CASE WHEN t.bytes > 100000 THEN 'TRUNCATE %s' ELSE 'DELETE FROM %s' END, t.name);
  END LOOP;
END $$"""
_FIRST_ROWS = """
SELECT format('INSERT INTO %%1$I SELECT * FROM json_populate_recordset(NULL::%%1$I, %%2$L)', %s::text, json_agg(r))
FROM {} r HAVING count(*) > 0"""
_SEQUENCES = """
SELECT format('SELECT setval(%L, %s, %L)', format('%I.%I', schemaname, sequencename),
              coalesce(last_value, start_value), last_value IS NOT NULL) FROM pg_sequences"""
_ALONE = """
SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'"""


class PostgresPool:
    """Copies of one database. What a test did to other things than rows makes its copy the last test's own.

    Owns: its databases and a connection to each, until `close`.
    """

    def __init__(self, server: PostgresServer, template: str) -> None:
        self._server, self._template = server, template
        self._free: list[str] = []
        self._links: dict[str, psycopg.Connection[tuple[Any, ...]]] = {}
        self._numbers = itertools.count(1)
        with psycopg.connect(server.url(template), autocommit=True) as first:
            self._shape = _shape(first)
            self._renew = "; ".join([_EMPTIED, *_first_rows(first), *_all(first, _SEQUENCES)])

    @contextmanager
    def database(self) -> Iterator[str]:
        """The URL of a database whose tables are as in the first one, for as long as the block runs."""
        name = self._free.pop() if self._free else self._made()
        yield self._server.url(name)
        try:
            renewed = self._renewed(name)
        except psycopg.Error:
            renewed = False  # its server was killed, its files were damaged
        if renewed:
            self._free.append(name)
        else:
            self._drop(name)

    def close(self) -> None:
        """Closes the connections; the databases go with their server."""
        for link in self._links.values():
            link.close()

    def _made(self) -> str:
        name = f"test_{os.getpid()}_{next(self._numbers)}"
        self._server.sql(f"CREATE DATABASE {name} TEMPLATE {self._template} STRATEGY file_copy")
        return name

    def _drop(self, name: str) -> None:
        if name in self._links:
            self._links.pop(name).close()
        self._server.sql(f"DROP DATABASE {name} WITH (FORCE)")

    def _renewed(self, name: str) -> bool:
        link = self._link(name)
        while _all(link, _ALONE) != [0]:
            pass  # what a test left open would write into the next one's rows
        if _shape(link) != self._shape:
            return False
        link.execute(self._renew)
        return True

    def _link(self, name: str) -> psycopg.Connection[tuple[Any, ...]]:
        link = self._links.get(name)
        if link is not None:
            with suppress(psycopg.OperationalError):  # the server was started anew meanwhile
                link.execute("SELECT 1")
                return link
            link.close()
        self._links[name] = psycopg.connect(self._server.url(name), autocommit=True)
        return self._links[name]


def _shape(link: psycopg.Connection[tuple[Any, ...]]) -> list[Any]:
    return _all(link, _SHAPE)


def _first_rows(link: psycopg.Connection[tuple[Any, ...]]) -> list[str]:
    tables = _all(link, "SELECT quote_ident(tablename) FROM pg_tables WHERE schemaname = 'public'")
    return [row[0] for table in tables for row in link.execute(_FIRST_ROWS.format(table), (table,))]


def _all(link: psycopg.Connection[tuple[Any, ...]], sql: str) -> list[Any]:
    return [row[0] for row in link.execute(sql)]
