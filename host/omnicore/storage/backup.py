"""Backups of a data folder: made while the host runs, restored at the next start; imports of old folders.

A folder to import is not trusted: nothing in it is written, links are not followed, and compiled code and the key that
signs it are never read.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
import re
import secrets
import shutil
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, Protocol, cast

from omnicore.errors import Conflict, InvalidInput, NotFound, OmniError, StorageFailed
from omnicore.files import only_one, own_file, own_folder, write_whole
from omnicore.storage.archive import (
    Contents,
    copy_into_postgresql,
    copy_into_sqlite,
    describe,
    drop_made_again,
    extract,
    files_of,
    read_contents,
    write_archive,
)
from omnicore.storage.database import DATABASE, Database, Presence, quick_check
from omnicore.storage.migrations import NEWEST, foreign_code, newest_step
from omnicore.storage.modules import ModuleStore
from omnicore.storage.store import Session, Store, storage_failed
from omnicore.storage.tables.memory_words import merge_words

if TYPE_CHECKING:
    from omnicore.clock import Clock


_PRIMARY = 0xFF
Derive = Callable[[Store, Session], None]
"""Rebuilds what differs between the databases, such as indexes of words, after rows were copied from the other one."""


class Snapshots(Protocol):
    """A store with snapshots: it can be read as of one instant while others write."""

    def snapshot(self) -> Any: ...


def backup(store: Store, data: Path, target: Path, *, clock: Clock) -> Contents:
    """Writes all data of the host, as of now, to one file, from which either database can be restored.

    Raises: Conflict: the file is there. StorageFailed: damage, or no room; no file is left.
    """
    if target.exists():
        raise Conflict(f"{target} is there already", remedy="name another file, or move it away")
    with scratch(target.parent) as folder:
        copy = folder / DATABASE
        if isinstance(store, Database):
            if store.path is None:
                raise Conflict("a database in memory has no backup", remedy="open one in a file")
            _copied(store.path, copy)
        else:
            _exported(store, copy, clock)
            ModuleStore(data / "modules", store).fetch_all()
        return write_archive(
            target, Contents(store.dialect, NEWEST, clock.now(), {}), [(DATABASE, copy), *files_of(data)]
        )


def restore_sqlite(
    file: Path, data: Path, *, clock: Clock, derive: Derive, wait_s: float = 0
) -> tuple[Contents, Path | None]:
    """Replaces the SQLite database of a data folder with a backup; the old file is kept beside it.

    Returns: what it held, and where the old file is now. Raises: InvalidInput: no good backup.
    StorageFailed: the database is in use for longer than `wait_s`, or there is no room; nothing was changed.
    """
    target = data / DATABASE
    with _alone(target, wait_s), scratch(data) as folder:
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
    """Replaces the contents of a PostgreSQL database with a backup, in one transaction.

    Args: store: opened alone. Returns: what it held, and a backup of what was there before.
    Raises: as `restore_sqlite`.
    """
    own_folder(data)
    with scratch(data) as folder:
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
    own_file(target)
    try:
        with closing(sqlite3.connect(source)) as origin, closing(sqlite3.connect(target)) as copy:
            origin.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")
            copy.execute("PRAGMA secure_delete=ON")
            with copy:
                merge_words(copy)  # a backup holds no word of what was forgotten a moment ago
            problems = quick_check(copy, None)
    except sqlite3.Error as error:
        raise storage_failed(error, str(source)) from error
    if problems:
        remedy = "restore an older backup: one of this would be damaged too"
        raise StorageFailed(f"{source} is damaged", remedy=remedy, path=str(source), reason=problems[0])


def _exported(store: Store, target: Path, clock: Clock) -> None:
    with closing(Database.open(target, clock=clock)) as copy, cast("Snapshots", store).snapshot() as rows:
        copy_into_sqlite(store, rows, copy)
    _settled(target)


def _verified(file: Path, folder: Path) -> Contents:
    """Unpacks a backup and checks its database for damage."""
    contents = extract(file, folder)
    verified_database(folder / DATABASE, file)
    return contents


def verified_database(copy: Path, file: Path) -> None:
    """Checks a database from elsewhere. Args: file: the file that errors name.

    Raises: InvalidInput: it is damaged, was altered, or is of a newer version.
    """
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


def _settled(file: Path) -> None:
    """Merges the write-ahead log into the file, so that it is complete alone, and waits for the disk."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("PRAGMA journal_mode=DELETE")
    handle = os.open(file, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _swapped(new: Path, target: Path) -> Path | None:
    """Replaces the file in one step: a kill before it leaves the old file, after it the new one."""
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
                # SQLite would apply an old log beside the new file.
                log.replace(kept.with_name(kept.name + ending))
    new.replace(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
    return kept


def _place_files(folder: Path, data: Path) -> None:
    """Adds the files of the backup; a file that exists already has the same bytes, as its name is their hash."""
    for name, path in files_of(folder):
        target = data / name
        if not target.exists():
            own_folder(target.parent)
            path.replace(target)


@contextmanager
def _alone(target: Path, wait_s: float) -> Iterator[None]:
    own_folder(target.parent)
    presence = Presence(target, alone=True, timeout_s=wait_s)
    try:
        yield
    finally:
        presence.leave()


@contextmanager
def scratch(parent: Path) -> Iterator[Path]:
    """A temporary folder on the same disk, deleted after the block."""
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
    """Deletes the folder of a killed process, whose lock is free."""
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


MOST = 20
"""The most backups in the data folder; a person decides which are deleted."""

_FOLDER, _STAGED, _OUTCOME = "backups", "restore.json", "restored.json"
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.backup")
_MOST_LOOKED_AT = 1000
_NOTE_BYTES = 16 * 1024
_STOP_S = 5.0


@dataclass(frozen=True, slots=True)
class Backup:
    """One file. Units: `made_at` seconds since the Unix epoch."""

    name: str
    size_bytes: int
    made_at: float
    state: Literal["ready", "making"] = "ready"


@dataclass(frozen=True, slots=True)
class Staged:
    """A backup that is restored at the next start."""

    backup: str
    asked_at: float
    by: str


@dataclass(frozen=True, slots=True)
class RestoreOutcome:
    """The outcome of the last restore."""

    backup: str
    at: float
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class BackupsOverview:
    """All backups, newest first. `failed` is the reason why the last one was not made."""

    items: list[Backup]
    most: int
    staged: Staged | None
    restored: RestoreOutcome | None
    failed: str


class Backups:
    """Usable from any thread; one backup is made at a time.

    Args:
        tell: called with a name and what happened to it: made, failed, deleted, staged or unstaged.
    """

    def __init__(
        self, store: Store, data: Path, *, clock: Clock, tell: Callable[[str, str], object] = lambda *_: None
    ) -> None:
        self._store, self._data, self._clock = store, data, clock
        self._folder = data / _FOLDER
        self._tell = tell
        self._lock = threading.Lock()
        self._making: _Making | None = None
        self._failed = ""

    def overview(self) -> BackupsOverview:
        """The backups, the restore that waits, and the outcome of the last one. Raises: StorageFailed."""
        making = self._making
        begun = [Backup(making.name, 0, making.begun, "making")] if making is not None else []
        items = begun + [one for one in self._list() if making is None or one.name != making.name]
        newest_first = sorted(items, key=lambda one: (one.made_at, one.name), reverse=True)
        outcome = _note(self._data / _OUTCOME, RestoreOutcome)
        return BackupsOverview(newest_first, MOST, read_staged(self._data), outcome, self._failed)

    def make(self, *, wait_s: float) -> Backup:
        """Makes a backup and waits for it for up to `wait_s`; a larger one is then still `making`.

        Raises: Conflict: one is being made, or there are too many. StorageFailed: damage, or no room.
        """
        with self._lock:
            making = self._begin()
        making.thread.start()
        making.thread.join(wait_s)
        if making.thread.is_alive():
            return Backup(making.name, 0, making.begun, "making")
        if making.error is not None:
            raise making.error
        return self._about(self._folder / making.name)

    def path(self, name: str) -> Path:
        """The file of a backup. Raises: NotFound."""
        return _file(self._folder, name)

    def delete(self, name: str) -> None:
        """Deletes a backup. Raises: NotFound; Conflict: it is to be restored."""
        path = self.path(name)
        with only_one(self._data / _STAGED):
            staged = read_staged(self._data)
            if staged is not None and staged.backup == name:
                raise Conflict(f"{name} is restored at the next start", remedy="take the restore back first")
            path.unlink(missing_ok=True)
        self._tell(name, "deleted")

    def stage(self, name: str, *, by: str) -> Staged:
        """Marks a backup to be restored at the next start, instead of any other.

        Raises: NotFound; InvalidInput: it is no backup, or of a newer OmniCore; StorageFailed.
        """
        contents = read_contents(self.path(name))
        if contents.step > NEWEST:
            raise InvalidInput(f"{name} was written by a newer OmniCore", remedy="upgrade OmniCore, then restore it")
        staged = Staged(name, self._clock.now(), by)
        with only_one(self._data / _STAGED):
            write_whole(self._data / _STAGED, json.dumps(asdict(staged)).encode())
        self._tell(name, "staged")
        return staged

    def unstage(self, name: str) -> None:
        """Removes the mark. Raises: NotFound: this backup is not to be restored."""
        with only_one(self._data / _STAGED):
            staged = read_staged(self._data)
            if staged is None or staged.backup != name:
                raise NotFound(f"{name[:100]!r} does not wait to be restored", remedy="see the list of backups")
            (self._data / _STAGED).unlink(missing_ok=True)
        self._tell(name, "unstaged")

    def close(self) -> None:
        """Waits a few seconds for a backup in progress; it is written whole or not at all."""
        making = self._making
        if making is not None:
            making.thread.join(_STOP_S)

    def _begin(self) -> _Making:
        if self._making is not None:
            raise Conflict("a backup is being made", remedy="wait until it is ready")
        if len(self._list()) >= MOST:
            raise Conflict(f"{MOST} backups are kept already", remedy="delete one of them")
        now = self._clock.now()
        stamp = time.strftime("%Y%m%d-%H%M%S", time.gmtime(now))
        names = (f"omnicore-{stamp}{ending}.backup" for ending in ("", *(f"-{n}" for n in range(2, MOST + 2))))
        name = next(one for one in names if not (self._folder / one).exists())
        self._failed = ""
        self._making = _Making(name, now, threading.Thread(target=self._write, name="omnicore-backup", daemon=True))
        return self._making

    def _write(self) -> None:
        making = self._making
        if making is None:
            return
        try:
            own_folder(self._folder)
            for left in self._folder.glob(".*.partial"):  # of a killed process
                left.unlink(missing_ok=True)
            backup(self._store, self._data, self._folder / making.name, clock=self._clock)
        except OmniError as error:
            making.error = error
        except OSError as error:
            making.error = storage_failed(error, str(self._folder))
        except Exception as error:  # reported here, as nothing else sees an error of this thread
            making.error = StorageFailed(f"the backup was not made: {error}", remedy="see the host's log")
        finally:
            self._failed = str(making.error or "")
            self._making = None
            self._tell(making.name, "failed" if making.error is not None else "made")

    def _list(self) -> list[Backup]:
        try:
            with os.scandir(self._folder) as found:
                near = list(islice(found, _MOST_LOOKED_AT))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise storage_failed(error, str(self._folder)) from error
        named = (entry for entry in near if _NAME.fullmatch(entry.name) and entry.is_file(follow_symlinks=False))
        return [self._about(Path(entry.path)) for entry in named]

    @staticmethod
    def _about(path: Path) -> Backup:
        about = path.stat()
        return Backup(path.name, about.st_size, about.st_mtime)


@dataclass(slots=True)
class _Making:
    name: str
    begun: float
    thread: threading.Thread
    error: OmniError | None = None


def read_staged(data: Path) -> Staged | None:
    """The backup that is restored into a data folder at the next start."""
    found: Staged | None = _note(data / _STAGED, Staged)
    return found


def staged_file(data: Path, staged: Staged) -> Path:
    """The file of a staged backup. Raises: NotFound: it was deleted, or the note is wrong."""
    return _file(data / _FOLDER, staged.backup)


def settle(data: Path, outcome: RestoreOutcome) -> None:
    """Writes the outcome, then removes the mark: a kill between them only repeats the restore."""
    write_whole(data / _OUTCOME, json.dumps(asdict(outcome)).encode())
    (data / _STAGED).unlink(missing_ok=True)


def _file(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name) or (folder / name).is_symlink() or not (folder / name).is_file():
        raise NotFound(f"there is no backup {name[:100]!r}", remedy="see the list of backups")
    return folder / name


def _note(file: Path, kind: type[Any]) -> Any:
    """A note, or None if it does not exist or cannot be read."""
    try:
        with file.open("rb") as stream:
            return kind(**json.loads(stream.read(_NOTE_BYTES)))
    except (OSError, ValueError, TypeError, RecursionError):
        return None


COUNTED = ("plugins", "grants", "users", "tokens", "connectors", "secrets", "memories", "kv", "vectors", "workflows")
"""Tables with data of users: an import shows their counts and never replaces them."""

SMALL_FILES = ("master.key", "overrides.json")
"""Files beside the database that an import copies: the vault's master key and the settings made in the console."""

_WORK = ("tasks", "schedules", "workflow_runs", "intelligences", "subscriptions", "webhooks", "plugin_config")
_MODULES = "modules"
_MOST_BYTES = 64 * 1024
_MOST_MODULE_BYTES = 64 * 1024 * 1024
_CHUNK = 1024 * 1024


@dataclass(frozen=True, slots=True)
class OldState:
    """The contents of another data folder: rows by table, small files by name, modules, a backup of its database."""

    rows: Mapping[str, int]
    files: Mapping[str, bytes]
    modules: tuple[Path, ...]
    backup: Path | None


@contextmanager
def opened_state(folder: Path, *, clock: Clock, beside: Path) -> Iterator[OldState]:
    """The contents of another data folder; the backup is deleted after the block.

    Args:
        beside: a private folder of this user, for copies.

    Raises:
        NotFound: there is no such folder, or no state in it.
        InvalidInput: it has links where files belong, or its database is damaged, altered or of a newer version.
        StorageFailed: it cannot be read, or there is no room for a copy.
    """
    if folder.is_symlink() or not folder.is_dir():
        raise NotFound(f"there is no data folder {folder}", remedy="name the folder that holds omnicore.db")
    with scratch(beside) as place:
        files = {name: data for name in SMALL_FILES if (data := _bytes(folder / name, _MOST_BYTES)) is not None}
        rows: dict[str, int] = {}
        made: Path | None = None
        if _copied_folder(folder, place):
            verified_database(place / DATABASE, folder)
            with closing(Database.open(place / DATABASE, clock=clock)) as store:
                rows = describe(store).rows
                made = place / "old.backup"
                backup(store, place, made, clock=clock)
        if made is None and not files:
            raise NotFound(f"{folder} holds no state", remedy="name the folder that holds omnicore.db")
        modules = () if (folder / _MODULES).is_symlink() else tuple(path for _, path in files_of(folder))
        yield OldState(rows, files, modules, made)


def take_modules(found: OldState, data: Path) -> None:
    """Copies the modules whose bytes match the hash in their name. Raises: StorageFailed, InvalidInput."""
    store = ModuleStore(data / _MODULES)
    for path in found.modules:
        whole = _bytes(path, _MOST_MODULE_BYTES)
        if path.suffix == ".wasm" and whole is not None and hashlib.sha256(whole).hexdigest() == path.stem:
            store.put(whole)
        elif path.suffix == ".wat" and whole is not None:
            store.put_text(path.stem, whole)


def holds_data(store: Store) -> list[str]:
    """The tables of a database with data of users; a host that only started has none."""
    rows = describe(store).rows
    # A host adds each plugin in its folder by itself.
    return [name for name in (*COUNTED, *_WORK) if name != "plugins" and rows.get(name)]


def _copied_folder(folder: Path, place: Path) -> bool:
    """Copies the database with its log. Returns False when there is none."""
    if not _copy(folder / DATABASE, place / DATABASE):
        return False
    _copy(folder / f"{DATABASE}-wal", place / f"{DATABASE}-wal")
    return True


def _copy(source: Path, target: Path) -> bool:
    handle = _opened(source)
    if handle is None:
        return False
    try:
        with open(handle, "rb") as old, open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as new:
            shutil.copyfileobj(old, new, _CHUNK)
    except OSError as error:
        raise _unreadable(source, error) from error
    return True


def _bytes(file: Path, most: int) -> bytes | None:
    handle = _opened(file)
    if handle is None:
        return None
    with open(handle, "rb") as stream:
        data = stream.read(most + 1)
    if len(data) > most:
        raise InvalidInput(f"{file} is larger than {most} bytes", remedy="remove it, if it is not needed")
    return data


def _opened(file: Path) -> int | None:
    """A descriptor of a regular file, or None if it does not exist. Raises: InvalidInput: a link, or no plain file."""
    try:
        handle = os.open(file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return None
    except OSError as error:
        if file.is_symlink():
            raise InvalidInput(f"{file} is a symbolic link", remedy="put the file there that it leads to") from error
        raise _unreadable(file, error) from error
    if not stat.S_ISREG(os.fstat(handle).st_mode):
        os.close(handle)
        raise InvalidInput(f"{file} is no plain file", remedy="remove it, if it is not needed")
    return handle


def _unreadable(file: Path, error: OSError) -> StorageFailed:
    reason = error.strerror or str(error)
    return StorageFailed(f"{file} cannot be copied ({reason})", remedy="check its rights and the room on the disk")


def refuse_filled(tables: list[str], data: Path) -> None:
    """Raises: Conflict: the data folder in use holds data already."""
    if tables:
        raise Conflict(
            f"{data} holds {', '.join(tables)} already",
            remedy="name an empty data folder with --data, or move this one away",
        )
