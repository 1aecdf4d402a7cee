"""Fixtures that tests of every room may ask for."""

from __future__ import annotations

from tests.storage.stores import (
    dialect,
    empty_postgresql_url,
    open_store,
    postgresql_pool,
    postgresql_server,
    postgresql_url,
    sqlite_template,
    store,
)

__all__ = [
    "dialect",
    "empty_postgresql_url",
    "open_store",
    "postgresql_pool",
    "postgresql_server",
    "postgresql_url",
    "sqlite_template",
    "store",
]
