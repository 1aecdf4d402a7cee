"""The backups of a data folder: made while the host runs, kept up to a number, and staged to be put back."""

from __future__ import annotations

import json
import os
import re
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any, Literal

from omnicore.clock import Clock
from omnicore.errors import Conflict, InvalidInput, NotFound, OmniError, StorageFailed
from omnicore.files import only_one, write_whole
from omnicore.storage.archive import read_contents
from omnicore.storage.backup import backup as write_backup
from omnicore.storage.faults import storage_failed
from omnicore.storage.migrations import NEWEST
from omnicore.storage.store import Store

__all__ = ["MOST", "Backup", "Backups", "BackupsOverview", "Outcome", "Staged", "read_staged", "settle", "staged_file"]

MOST = 20
"""Backups that are kept in the data folder; a person decides which of them go."""

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
    """A backup that is put back at the next start."""

    backup: str
    asked_at: float
    by: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of the last one that was staged."""

    backup: str
    at: float
    ok: bool
    text: str


@dataclass(frozen=True, slots=True)
class BackupsOverview:
    """All backups, newest first. `failed` is why the last one was not made."""

    items: list[Backup]
    most: int
    staged: Staged | None
    restored: Outcome | None
    failed: str


class Backups:
    """Usable from any thread; one backup is made at a time.

    Args:
        tell: told a name and what became of it: made, failed, deleted, staged or unstaged.
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
        """What there is, what waits, and what came of the last. Raises: StorageFailed."""
        making = self._making
        begun = [Backup(making.name, 0, making.begun, "making")] if making is not None else []
        items = begun + [one for one in self._list() if making is None or one.name != making.name]
        newest_first = sorted(items, key=lambda one: (one.made_at, one.name), reverse=True)
        outcome = _note(self._data / _OUTCOME, Outcome)
        return BackupsOverview(newest_first, MOST, read_staged(self._data), outcome, self._failed)

    def make(self, *, wait_s: float) -> Backup:
        """Makes one and waits for it so long; a larger one is still `making` then.

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
        """Deletes one. Raises: NotFound; Conflict: it waits to be restored."""
        path = self.path(name)
        with only_one(self._data / _STAGED):
            staged = read_staged(self._data)
            if staged is not None and staged.backup == name:
                raise Conflict(f"{name} is restored at the next start", remedy="take the restore back first")
            path.unlink(missing_ok=True)
        self._tell(name, "deleted")

    def stage(self, name: str, *, by: str) -> Staged:
        """Has a backup put back at the next start, in the place of another that was to be.

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
        """Takes that back. Raises: NotFound: this one is not to be restored."""
        with only_one(self._data / _STAGED):
            staged = read_staged(self._data)
            if staged is None or staged.backup != name:
                raise NotFound(f"{name[:100]!r} does not wait to be restored", remedy="see the list of backups")
            (self._data / _STAGED).unlink(missing_ok=True)
        self._tell(name, "unstaged")

    def close(self) -> None:
        """Waits a moment for what is being made; it is made whole or not at all."""
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
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            for left in self._folder.glob(".*.partial"):  # of a killed process
                left.unlink(missing_ok=True)
            write_backup(self._store, self._data, self._folder / making.name, clock=self._clock)
        except OmniError as error:
            making.error = error
        except OSError as error:
            making.error = storage_failed(error, str(self._folder))
        except Exception as error:  # whatever it is must be told, for nobody else hears of it
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
    """What is to be put back into a data folder at the next start."""
    found: Staged | None = _note(data / _STAGED, Staged)
    return found


def staged_file(data: Path, staged: Staged) -> Path:
    """The file of a staged backup. Raises: NotFound: it went away, or the note names something else."""
    return _file(data / _FOLDER, staged.backup)


def settle(data: Path, outcome: Outcome) -> None:
    """Notes what came of it. First that, then it is no longer staged: a kill between them only repeats it."""
    write_whole(data / _OUTCOME, json.dumps(asdict(outcome)).encode())
    (data / _STAGED).unlink(missing_ok=True)


def _file(folder: Path, name: str) -> Path:
    if not _NAME.fullmatch(name) or (folder / name).is_symlink() or not (folder / name).is_file():
        raise NotFound(f"there is no backup {name[:100]!r}", remedy="see the list of backups")
    return folder / name


def _note(file: Path, kind: type[Any]) -> Any:
    """A note, or None where there is none that can be read."""
    try:
        with file.open("rb") as stream:
            return kind(**json.loads(stream.read(_NOTE_BYTES)))
    except (OSError, ValueError, TypeError, RecursionError):
        return None
