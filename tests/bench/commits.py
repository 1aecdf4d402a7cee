"""Raw commits: one row a transaction through `sqlite3` or psycopg alone, the yardstick for rows about durable work.

Times differ twofold between machines; how many raw commits of the same row something costs differs far less.
"""

from __future__ import annotations

import sqlite3
import statistics
import time
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

import psycopg
from tests.bench.report import Row, record

__all__ = ["commit_s", "in_commits", "last_row", "postgresql_commit_s"]

_COMMITS = 300
_TYPES = {int: "BIGINT", float: "DOUBLE PRECISION", bytes: "BYTEA"}


def last_row(database: Path, table: str) -> tuple[Any, ...]:
    """The newest row of a table as it is stored."""
    with closing(sqlite3.connect(database)) as connection:
        found = connection.execute(f"SELECT * FROM {table} ORDER BY rowid DESC LIMIT 1").fetchone()
    assert found is not None
    return tuple(found)


def commit_s(folder: Path, row: Sequence[Any], synchronous: str, number: int = _COMMITS) -> float:
    """The median time of a transaction that inserts such a row. Units: seconds."""
    path = folder / f"raw {synchronous}.db"
    path.unlink(missing_ok=True)
    columns = ", ".join(f"c{place}" for place in range(len(row)))
    insert = f"INSERT INTO raw VALUES ({', '.join('?' for _ in row)})"
    taken = []
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        for sql in ("PRAGMA journal_mode=WAL", f"PRAGMA synchronous={synchronous}", f"CREATE TABLE raw ({columns})"):
            connection.execute(sql)
        for _ in range(number):
            began = time.perf_counter()
            connection.execute("BEGIN IMMEDIATE")
            connection.execute(insert, row)
            connection.execute("COMMIT")
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def postgresql_commit_s(url: str, table: str, number: int = _COMMITS) -> float:
    """The same for a row of a table over one connection to PostgreSQL. Units: seconds."""
    with psycopg.connect(url) as connection:
        row = connection.execute(f"SELECT * FROM {table} ORDER BY ctid DESC LIMIT 1").fetchone()
    assert row is not None
    columns = ", ".join(f"c{place} {_TYPES.get(type(value), 'TEXT')}" for place, value in enumerate(row))
    insert = f"INSERT INTO raw VALUES ({', '.join('%s' for _ in row)})"
    taken = []
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("DROP TABLE IF EXISTS raw")
        connection.execute(f"CREATE TABLE raw ({columns})")
        for _ in range(number):
            began = time.perf_counter()
            with connection.transaction():
                connection.execute(insert, row)
            taken.append(time.perf_counter() - began)
    return statistics.median(taken)


def in_commits(work: str, taken_s: float, commit: float) -> Row:
    """A row that says how many raw commits something costs."""
    note = f"a raw commit of its row by one connection in the same process: {commit * 1e6:.0f} us"
    return record(f"{work}, in raw commits", taken_s / commit, "x", note=note)
