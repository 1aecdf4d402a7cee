"""Fixtures that tests of every room may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
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

ONCE = frozenset({"architecture", "bench", "eval", "examples", "journeys", "sdk"})
"""Folders whose tests come out the same on every Python: `tox` runs them on the oldest one."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them, before `-m` chooses."""
    here = Path(__file__).parent
    for item in items:
        if item.path.is_relative_to(here) and item.path.relative_to(here).parts[0] in ONCE:
            item.add_marker(pytest.mark.once)
