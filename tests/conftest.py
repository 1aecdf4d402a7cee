"""Fixtures that tests of every room may ask for."""

from __future__ import annotations

import gc
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

EVERYWHERE = frozenset(
    {
        *("adapters", "api/test_calls.py", "api/test_live.py", "api/test_server.py"),
        *("capabilities/test_guests.py", "cli/test_native.py", "cli/test_tasks.py", "config/test_loader.py"),
        *("connectors/test_http.py", "core"),
        *("events", "hostile/test_hostile_host.py", "mcp", "memory/test_service.py", "modules", "plugins/test_host.py"),
        *("plugins/test_host_async.py", "plugins/test_native.py", "resilience", "runtime", "sandbox/capi"),
        *("sandbox/component", "sandbox/extism", "sandbox/wasi", "storage/test_database.py"),
        *("storage/test_postgresql.py", "storage/test_store.py", "telemetry", "test_records.py"),
        *("testing/test_pytest_plugin.py", "toolchains/test_watch.py", "vectors/test_service.py", "wiring"),
        *("workflows/effects/test_http.py", "workflows/test_journal.py", "workflows/test_runner.py"),
        "workflows/triggering/test_ticking.py",
    }
)
"""Folders and files whose tests depend on the Python: event loops, threads, signals, ctypes, installed packages.
`tox -m rest` runs them on the newest one as well, `tox -e py312` on the one between. All others come out the same and
run on the oldest."""

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

_FOLDERS = {"everywhere": EVERYWHERE, "quick": QUICK}
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


def _is_everywhere(path: str, item: pytest.Item) -> bool:
    """True when every Python counts. PostgreSQL's own tests run on all; other tests on it run on SQLite there."""
    return bool(_places(path) & EVERYWHERE) and (path.startswith("storage/") or not _on_postgresql(item))


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Leaves out the files of which `-m MARK` takes nothing: importing all of them takes twenty seconds."""
    mark = config.option.markexpr.partition(" ")[0]
    here = Path(__file__).parent
    if not collection_path.name.startswith("test_") or not collection_path.is_relative_to(here):
        return None
    path = collection_path.relative_to(here).as_posix()
    if mark in _FOLDERS:
        return None if _places(path) & _FOLDERS[mark] else True
    if mark in ("console", "long", "services", "toolchain"):
        written = f"mark.{mark}" in collection_path.read_text(encoding="utf-8")
        return None if written or path.startswith(f"{mark}/") else True
    return None


def pytest_collection_finish() -> None:
    """Takes what has been collected out of the garbage collector's rounds: twelve thousand tests cost a second each."""
    gc.collect()
    gc.freeze()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Adds the marks that follow from where a test is, before `-m` selects."""
    here = Path(__file__).parent
    for item in items:
        path = item.path.relative_to(here).as_posix() if item.path.is_relative_to(here) else ""
        if _is_everywhere(path, item):
            item.add_marker(pytest.mark.everywhere)
        slow = any(map(item.get_closest_marker, ("slow", "long", "services")))
        if _places(path) & QUICK and not _on_postgresql(item) and not slow:
            item.add_marker(pytest.mark.quick)
        for folder, mark in (("console/", pytest.mark.console), ("services/", pytest.mark.services)):
            if path.startswith(folder):
                item.add_marker(mark)
