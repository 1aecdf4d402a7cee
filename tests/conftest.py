"""Fixtures that tests of every room may ask for."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
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


QUICK = frozenset(
    {
        *("access", "adapters", "architecture", "capabilities", "config", "core", "events", "intelligences", "loops"),
        *(
            "test_ids.py",
            "test_texts.py",
            "memory",
            "modules",
            "omega",
            "resilience",
            "runtime",
            "sandbox/capi",
            "sandbox/wasi",
            "telemetry",
        ),
        *("workflows/effects", "workflows/flow", "workflows/language", "workflows/triggering"),
    }
)
"""Folders whose tests need no other process, server or compiler: `tox -e quick` runs them, on SQLite only."""

_PLACES = pytest.StashKey[Path]()


def pytest_configure(config: pytest.Config) -> None:
    """Gives the run, and all that it starts, a state and a cache folder of its own.

    Takes Ctrl-C as people send it: a shell's background job has it ignored, and so would all that tests start.
    """
    config.stash[_PLACES] = places = Path(tempfile.mkdtemp(prefix="omnicore-tests-"))
    caches = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    # What compilers keep between builds is not the host's, and takes minutes to make again.
    os.environ.setdefault("GOCACHE", str(caches / "go-build"))
    os.environ.setdefault("ZIG_GLOBAL_CACHE_DIR", str(caches / "omnicore" / "zig"))
    os.umask(0o077)  # state that a test writes by hand is as the host wants it; tests of its modes set their own
    os.environ.update(XDG_STATE_HOME=str(places / "state"), XDG_CACHE_HOME=str(places / "cache"))
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_unconfigure(config: pytest.Config) -> None:
    """Removes those folders."""
    shutil.rmtree(config.stash[_PLACES], ignore_errors=True)


def _places(path: str) -> set[str]:
    return {str(place) for place in (PurePosixPath(path), *PurePosixPath(path).parents)}


def _on_postgresql(item: pytest.Item) -> bool:
    given = getattr(item, "callspec", None)
    return given is not None and given.params.get("dialect") == "postgresql"


def _is_once(path: str, item: pytest.Item) -> bool:
    """True when one Python is enough. PostgreSQL's own tests run on all; other tests on it run on SQLite there."""
    places = _places(path)
    if places & EVERYWHERE:
        return False
    twice = _on_postgresql(item) and not path.startswith("storage/")
    return bool(places & ONCE) or twice or item.name.startswith("test_the_host_survives[")


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Adds the marks that follow from where a test is, before `-m` selects."""
    here = Path(__file__).parent
    for item in items:
        path = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        if _is_once(path, item):
            item.add_marker(pytest.mark.once)
        if _places(path) & QUICK and not _on_postgresql(item) and not item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.quick)
        for folder, mark in (("console/", pytest.mark.console), ("services/", pytest.mark.services)):
            if path.startswith(folder):
                item.add_marker(mark)
