"""Opens the database that the settings name: SQLite in the data folder, or PostgreSQL by its URL."""

from __future__ import annotations

import logging
from importlib import import_module
from pathlib import Path
from typing import Literal, Protocol

from omnicore.clock import Clock, SystemClock
from omnicore.errors import ToolMissing
from omnicore.storage.database import Database
from omnicore.storage.filesystem import refuse_network
from omnicore.storage.store import Store

__all__ = ["FILE", "StorageOptions", "open_store"]

FILE = "omnicore.db"
"""The name of the database in the data folder."""

_QUICK_S = 0.2
_log = logging.getLogger("omnicore.storage")


class StorageOptions(Protocol):
    """The settings under `storage`."""

    @property
    def url(self) -> str | None: ...

    @property
    def synchronous(self) -> Literal["normal", "full"]: ...

    @property
    def busy_timeout_s(self) -> float: ...

    @property
    def check_s(self) -> float: ...

    @property
    def connections(self) -> int: ...

    @property
    def connect_timeout_s(self) -> float: ...

    @property
    def statement_timeout_s(self) -> float: ...


def open_store(
    options: StorageOptions, data: Path, *, clock: Clock | None = None, check: bool = True, alone: bool = False
) -> Store:
    """Opens the database and brings its tables up to date, SQLite's after a copy beside it.

    Args:
        check: look for damage first; a command that is one of many leaves it to the server.
        alone: for PostgreSQL, no other process may have it open.

    Raises:
        StorageFailed: damaged, locked, full, not writable, on a network disk, away, or of a newer version.
        InvalidSetting: storage.url. ToolMissing: PostgreSQL's library is not installed.
    """
    clock = clock or SystemClock()
    if options.url is not None:
        return _postgresql(options, options.url, clock, alone)
    file = data / FILE
    refuse_network(file)
    unclean = check and left_open(file)
    store = Database.open(
        file, clock=clock, busy_timeout_s=options.busy_timeout_s, synchronous=options.synchronous, keep_copies=True
    )
    try:
        if check:
            _checked(store, options.check_s if unclean else min(_QUICK_S, options.check_s), unclean)
    except BaseException:
        store.close()
        raise
    return store


def left_open(file: Path) -> bool:
    """Whether the last process did not close the file, or one has it open: its log is still there."""
    try:
        return file.with_name(f"{file.name}-wal").stat().st_size > 0
    except OSError:
        return False


def _checked(store: Database, seconds: float, unclean: bool) -> None:
    whole = store.check_for(seconds)
    if unclean and not whole:
        _log.warning("%s is too large to be checked in %s s; `omnicore db check` reads it all", store.place, seconds)


def _postgresql(options: StorageOptions, url: str, clock: Clock, alone: bool) -> Store:
    try:
        module = import_module("omnicore.storage.postgresql")
    except ImportError as error:
        raise ToolMissing(
            "the library psycopg is not installed",
            remedy="run `pip install 'omnicore[postgresql]'`",
            tool="psycopg",
        ) from error
    store: Store = module.PostgresDatabase.open(
        url,
        clock=clock,
        readers=options.connections,
        timeout_s=options.connect_timeout_s,
        statement_timeout_s=options.statement_timeout_s,
        lock_timeout_s=options.busy_timeout_s,
        alone=alone,
    )
    return store
