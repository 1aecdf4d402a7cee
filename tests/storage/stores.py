"""Fixtures: a store on each database. `tests/conftest.py` makes them known to every test.

`store` runs a test once on SQLite and once on PostgreSQL; `open_store` opens further stores on the same data, as other
processes would; `postgresql_url` is a fresh, empty PostgreSQL database. Without PostgreSQL on the machine those tests
are skipped; where it is there and does not start, they fail.
"""

from __future__ import annotations

import itertools
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from tests.storage.postgresql_server import PostgresServer, find_binaries, private_server

from omnicore.storage.database import Database
from omnicore.storage.store import Store

if TYPE_CHECKING:
    from tests.storage.postgresql_pool import PostgresPool

__all__ = [
    "STEPS_SEEN",
    "OpenStore",
    "dialect",
    "empty_postgresql_url",
    "open_store",
    "postgresql_pool",
    "postgresql_server",
    "postgresql_url",
    "sqlite_template",
    "store",
]

OpenStore = Callable[[], Store]
STEPS_SEEN = (
    "SELECT max(number), count(*) FROM (SELECT number FROM migrations UNION SELECT number FROM schema_steps) AS steps"
)
"""The newest migration of a database, and how many it has seen."""
_TEMPLATE = "migrated"
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def postgresql_server() -> Iterator[PostgresServer]:
    """The private server of this run of tests."""
    binaries = find_binaries()
    if binaries is None:
        pytest.skip("PostgreSQL is not on this machine: apt install postgresql")
    with private_server(binaries) as server:
        server.sql(f"CREATE DATABASE {_TEMPLATE}")
        _postgresql(server.url(_TEMPLATE)).close()
        yield server


@pytest.fixture(scope="session")
def postgresql_pool(postgresql_server: PostgresServer) -> Iterator[PostgresPool]:
    """Databases with every table, which tests take in turns."""
    from tests.storage.postgresql_pool import PostgresPool  # where psycopg is missing, SQLite's tests still run

    with closing(PostgresPool(postgresql_server, _TEMPLATE)) as pool:
        yield pool


@pytest.fixture
def postgresql_url(postgresql_pool: PostgresPool) -> Iterator[str]:
    """The URL of a database of the test's own; its tables are there and empty."""
    with postgresql_pool.database() as url:
        yield url


@pytest.fixture
def empty_postgresql_url(postgresql_server: PostgresServer) -> Iterator[str]:
    """The URL of a database without any table."""
    name = f"empty_{os.getpid()}_{next(_numbers)}"
    postgresql_server.sql(f"CREATE DATABASE {name}")
    yield postgresql_server.url(name)
    postgresql_server.sql(f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(params=["sqlite", "postgresql"])
def dialect(request: pytest.FixtureRequest) -> str:
    """The database that the test runs on."""
    return str(request.param)


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with every table, to be copied: that takes a tenth of the time of making them."""
    path = tmp_path_factory.mktemp("template") / "omnicore.db"
    Database.open(path).close()
    return path


@pytest.fixture
def open_store(
    dialect: str, tmp_path: Path, sqlite_template: Path, request: pytest.FixtureRequest
) -> Iterator[OpenStore]:
    """Opens a store on the test's data, each time another one; all are closed at the end."""
    stores: list[Store] = []
    if dialect == "postgresql":
        url: str = request.getfixturevalue("postgresql_url")
    else:
        shutil.copy(sqlite_template, tmp_path / "omnicore.db")

    def opened() -> Store:
        store = _postgresql(url) if dialect == "postgresql" else Database.open(tmp_path / "omnicore.db")
        stores.append(store)
        return store

    yield opened
    for store in stores:
        store.close()


@pytest.fixture
def store(open_store: OpenStore) -> Store:
    """A store with every table, empty."""
    return open_store()


def _postgresql(url: str) -> Store:
    from omnicore.storage.postgresql import PostgresDatabase  # where psycopg is missing, SQLite's tests still run

    return PostgresDatabase.open(url)
