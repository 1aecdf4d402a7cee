"""Backup while the host goes on, and restore while it does not."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, Protocol, cast

from omnicore.clock import Clock
from omnicore.errors import Conflict, InvalidInput, StorageFailed
from omnicore.storage.archive import DATABASE, Contents, extract, write_archive
from omnicore.storage.database import Database
from omnicore.storage.faults import storage_failed
from omnicore.storage.kept_files import drop_made_again, files_of
from omnicore.storage.migrations import NEWEST
from omnicore.storage.presence import Presence
from omnicore.storage.sqlite_copies import quick_check
from omnicore.storage.sqlite_schema import foreign_code, newest_step
from omnicore.storage.store import Session, Store
from omnicore.storage.transfer import copy_into_postgresql, copy_into_sqlite

__all__ = ["backup", "restore_postgresql", "restore_sqlite"]

_PRIMARY = 0xFF
Derive = Callable[[Store, Session], None]
"""Makes again what each database keeps in its own way, such as indexes of words, after rows came from another one."""


class Snapshots(Protocol):
    """A store that can be read as of one instant while others write."""

    def snapshot(self) -> Any: ...


def backup(store: Store, data: Path, target: Path, *, clock: Clock) -> Contents:
    """Writes all that the host keeps, as of now, to one file that either database can be restored from.

    Raises: Conflict: the file is there. StorageFailed: damage, or no room; no file is left.
    """
    if target.exists():
        raise Conflict(f"{target} is there already", remedy="name another file, or move it away")
    with _scratch(target.parent) as folder:
        copy = folder / DATABASE
        if isinstance(store, Database):
            if store.path is None:
                raise Conflict("a database in memory has no backup", remedy="open one in a file")
            _copied(store.path, copy)
        else:
            _exported(store, copy, clock)
        return write_archive(
            target, Contents(store.dialect, NEWEST, clock.now(), {}), [(DATABASE, copy), *files_of(data)]
        )


def restore_sqlite(
    file: Path, data: Path, *, clock: Clock, derive: Derive, wait_s: float = 0
) -> tuple[Contents, Path | None]:
    """Puts a backup in the place of the SQLite database of a data folder; the old file is kept beside it.

    Returns: what it held, and where the old file is now. Raises: InvalidInput: no good backup.
    StorageFailed: the database is in use for longer than `wait_s`, or there is no room; nothing was changed.
    """
    target = data / DATABASE
    with _alone(target, wait_s), _scratch(data) as folder:
        contents = _verified(file, folder)
        copy = folder / DATABASE
        with closing(Database.open(copy, clock=clock)) as store:
            if contents.dialect != store.dialect:
                with store.write() as session:
                    derive(store, session)
        _settled(copy)
        _place_files(folder, data)
        drop_made_again(data)
        return contents, _swapped(copy, target)


def restore_postgresql(file: Path, store: Store, data: Path, *, clock: Clock, derive: Derive) -> tuple[Contents, Path]:
    """Puts a backup in the place of what a PostgreSQL database holds, in one transaction.

    Args: store: opened alone. Returns: what it held, and a backup of what was there before.
    Raises: as `restore_sqlite`.
    """
    data.mkdir(parents=True, exist_ok=True, mode=0o700)
    with _scratch(data) as folder:
        contents = _verified(file, folder)
        kept = data / f"before-restore-{_stamp(clock)}.backup"
        backup(store, data, kept, clock=clock)
        copy = folder / DATABASE
        drop_made_again(data)
        with closing(Database.open(copy, clock=clock)) as source:
            copy_into_postgresql(copy, source, store, derive)
        _place_files(folder, data)
    return contents, kept


def _copied(source: Path, target: Path) -> None:
    try:
        with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
            origin.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            problems = quick_check(copy, None)
    except sqlite3.Error as error:
        raise storage_failed(error, str(source)) from error
    if problems:
        remedy = "restore an older backup: one of this would be damaged too"
        raise StorageFailed(f"{source} is damaged", remedy=remedy, path=str(source), reason=problems[0])


def _exported(store: Store, target: Path, clock: Clock) -> None:
    with closing(Database.open(target, clock=clock)) as copy, cast(Snapshots, store).snapshot() as rows:
        copy_into_sqlite(store, rows, copy)
    _settled(target)


def _verified(file: Path, folder: Path) -> Contents:
    """Unpacks a backup and looks for damage in its database."""
    contents = extract(file, folder)
    copy = folder / DATABASE
    try:
        with closing(sqlite3.connect(copy)) as connection:
            problems = quick_check(connection, None)
            step, foreign = newest_step(connection), foreign_code(connection)
    except sqlite3.Error as error:
        raise InvalidInput(f"the database in {file} cannot be read", remedy="take another backup") from error
    if problems or not step > 0:
        raise InvalidInput(f"the database in {file} is damaged", remedy="take another backup")
    if foreign:
        raise InvalidInput(
            f"the database in {file} has {foreign[0][:80]!r}, a trigger or view that is not OmniCore's",
            remedy="take another backup: somebody has altered this one",
        )
    if step > NEWEST:
        raise InvalidInput(f"{file} was written by a newer OmniCore", remedy="upgrade OmniCore, then restore it")
    return contents


def _settled(file: Path) -> None:
    """Takes the write-ahead log back into the file, so that it stands alone, and waits for the disk."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swapped(new: Path, target: Path) -> Path | None:
    """Puts the file in its place in one step. A kill before that leaves the old one, after it the new one."""
    kept: Path | None = None
    if target.exists():
        try:
            _settled(target)
        except sqlite3.Error as error:
            if error.sqlite_errorcode & _PRIMARY in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED):
                raise storage_failed(error, str(target)) from error
            # It is damaged: its log is kept beside it.
        kept = target.with_name(f"{target.name}.replaced-{time.strftime('%Y%m%d-%H%M%S')}-{secrets.token_hex(2)}")
        os.link(target, kept)
        for ending in ("-wal", "-shm"):
            log = target.with_name(target.name + ending)
            if log.exists():
                # An old log beside the new file would be taken for its own.
                log.replace(kept.with_name(kept.name + ending))
    new.replace(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return kept


def _place_files(folder: Path, data: Path) -> None:
    """Adds the kept files; what is there already has the same name because it has the same bytes."""
    for name, path in files_of(folder):
        target = data / name
        if not target.exists():
            target.parent.mkdir(mode=0o700, exist_ok=True)
            path.replace(target)


@contextmanager
def _alone(target: Path, wait_s: float) -> Iterator[None]:
    target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    presence = Presence(target, alone=True, timeout_s=wait_s)
    try:
        yield
    finally:
        presence.leave()


@contextmanager
def _scratch(parent: Path) -> Iterator[Path]:
    """A folder on the same disk, gone with the block."""
    folder = parent / f".omnicore-{secrets.token_hex(6)}"
    try:
        for left in parent.glob(".omnicore-????????????"):
            _remove_unused(left)
        folder.mkdir(mode=0o700)
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise storage_failed(error, str(parent)) from error
    try:
        fcntl.flock(handle, fcntl.LOCK_SH)
        yield folder
    except OSError as error:
        raise storage_failed(error, str(parent)) from error
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(handle)


def _remove_unused(folder: Path) -> None:
    """Removes what a killed process left: nobody holds the lock on it any more."""
    try:
        handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW)
    except OSError:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        shutil.rmtree(folder, ignore_errors=True)
    except BlockingIOError:
        return
    finally:
        os.close(handle)


def _stamp(clock: Clock) -> str:
    return time.strftime("%Y%m%d-%H%M%S", time.gmtime(clock.now()))
