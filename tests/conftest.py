"""Fixtures that tests of every room may ask for."""

from __future__ import annotations

import signal
from pathlib import Path, PurePosixPath

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

ONCE = frozenset(
    {
        *("acceptance", "api", "architecture", "attack", "bench", "cli", "conformance", "connectors", "console"),
        *("eval", "examples", "hostile/test_fuzz.py", "hostile/test_hostile_reader.py", "intelligences", "journeys"),
        *("loops", "memory", "sandbox/compiling", "sandbox/reference", "sdk", "storage/test_backup.py"),
        *("storage/test_kills.py", "test_suite.py", "testing", "toolchains", "vectors/test_distance.py"),
        *("vectors/test_index.py", "vectors/test_kill.py", "workflows/brokers", "workflows/chaos"),
        *("workflows/corpus", "workflows/ctk", "workflows/effects", "workflows/examples", "workflows/flow"),
        *("workflows/language", "workflows/shipped", "workflows/triggering"),
    }
)
"""Folders and files whose tests come out the same on every Python: `tox` runs them on the oldest one."""

EVERYWHERE = frozenset(
    {
        *("api/test_calls.py", "api/test_live.py", "api/test_server.py", "connectors/test_http.py"),
        *("cli/test_health.py", "cli/test_native.py", "cli/test_run.py", "cli/test_run_app.py", "cli/test_tasks.py"),
        *("memory/test_service.py", "workflows/effects/test_http.py", "workflows/triggering/test_ticking.py"),
        *("testing/test_pytest_plugin.py", "toolchains/test_watch.py"),
    }
)
"""Files among them that depend on it all the same: event loops, signals, installed packages."""


def pytest_configure() -> None:
    """Takes Ctrl-C as people send it: a shell's background job has it ignored, and so would all that tests start."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def _is_once(path: str, item: pytest.Item) -> bool:
    """Whether one Python is enough. PostgreSQL's own tests run on all; what else runs on it too has SQLite there."""
    places = {str(place) for place in (PurePosixPath(path), *PurePosixPath(path).parents)}
    if places & EVERYWHERE:
        return False
    given = getattr(item, "callspec", None)
    twice = given is not None and given.params.get("dialect") == "postgresql" and not path.startswith("storage/")
    return bool(places & ONCE) or twice or item.name.startswith("test_the_host_survives[")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Marks them, the console's and those of the services, before `-m` chooses."""
    here = Path(__file__).parent
    for item in items:
        path = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        if _is_once(path, item):
            item.add_marker(pytest.mark.once)
        for folder, mark in (("console/", pytest.mark.console), ("services/", pytest.mark.services)):
            if path.startswith(folder):
                item.add_marker(mark)
