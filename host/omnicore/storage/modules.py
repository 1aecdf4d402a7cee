"""The bytes of accepted modules by hash, so that every host can serve a version, and still does after its file changed.

Hosts share the bytes through a `ModulePlace`: their PostgreSQL database, or what the setting `modules.store` names. The
folder of each host is a cache of what it has used. With SQLite the folder lies beside the database and all processes
see it, so that bytes are kept once: a second copy in the database made keeping a module of 8 MB twice as slow (122 ms
in place of 60) and doubled its room on the disk.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import CancelledError, Future
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol, TypeVar

from omnicore.errors import InvalidSetting, OmniError, StorageFailed, Unavailable
from omnicore.files import own_folder
from omnicore.storage.store import Store, storage_failed

MODULE_PARTS = "module_parts"
"""The table of the bytes. Backups leave it out: they hold the files of the folder, which `fetch_all` completes."""

_Result = TypeVar("_Result")

_NAME = re.compile(r"[0-9a-f]{64}\.wasm\Z")
_KEPT = re.compile(r"[0-9a-f]{64}\.(wasm|wat)\Z")
_PARTIAL = re.compile(r"\.[0-9a-f]{64}\.(wasm|wat)\.[0-9a-f]{8}\Z")
_PART = 256 * 1024
_LEFT_S = 2.0
_STOP_S = 5.0  # of leaving a place
_YOUNG_S = 600.0  # bytes whose version may not be written yet are not deleted
_MOST_BYTES = 50 * 1024 * 1024
_INSERT = f"INSERT INTO {MODULE_PARTS} (name, part, data, kept_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_DROP = f"""
DELETE FROM {MODULE_PARTS} WHERE name IN (
  SELECT name FROM {MODULE_PARTS} WHERE part = 0 AND kept_at < ?
    AND NOT EXISTS (SELECT 1 FROM versions WHERE versions.hash = substr({MODULE_PARTS}.name, 1, 64)))
"""


class ModulePlace(Protocol):
    """A place through which hosts share modules. Whoever takes bytes out compares them with their hash.

    Usable from any thread. `shown` names it without credentials. Each method raises Unavailable while the place does
    not answer, and StorageFailed where it refuses.
    """

    shown: str

    def get(self, digest: str, most: int) -> bytes | None:
        """The bytes; None: there are none. Raises: StorageFailed: more than `most` bytes are there."""

    def put(self, digest: str, data: bytes) -> None:
        """Stores the bytes, in the place of any that have this hash."""

    def has(self, digest: str) -> bool:
        """True where something is stored by this hash."""

    def delete(self, digest: str) -> None:
        """Deletes what is stored by this hash, if anything is."""

    def check(self) -> None:
        """Asks whether modules could be read and written now."""

    def close(self) -> None:
        """Gives up connections."""


def wrong_place(fact: str, remedy: str) -> InvalidSetting:
    """The refusal of a setting that names no place of modules."""
    return InvalidSetting(f"modules.store {fact}", remedy=remedy, setting="modules.store")


def too_long(place: str, digest: str, most: int) -> StorageFailed:
    """The refusal of an object that can be no module."""
    return StorageFailed(
        f"{place} has more than {most} bytes by the name of module {digest[:12]}",
        remedy="delete that object and install the version again",
    )


class PlaceLoop:
    """An event loop for a place whose library is asynchronous: whoever wants a module waits for it on any thread.

    Args: shown: names the place.
    Owns: a thread, from the first question until `close`.
    """

    def __init__(self, shown: str) -> None:
        self._shown, self._lock = shown, threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: set[Future[Any]] = set()
        self._closed = False

    def ask(self, work: Callable[[], Coroutine[Any, Any, _Result]]) -> _Result:
        """The answer to a question that is asked on the loop. Raises: Unavailable: the host closes; as `work` does."""
        closing = Unavailable(f"{self._shown} is not asked any more: the host closes", remedy="start the host again")
        with self._lock:
            if self._closed:
                raise closing
            question = asyncio.run_coroutine_threadsafe(work(), self._running())
            self._under_way.add(question)
        try:
            return question.result()
        except CancelledError:
            raise closing from None
        finally:
            with self._lock:
                self._under_way.discard(question)

    def close(self, leave: Callable[[], Awaitable[None]]) -> None:
        """Cancels the questions that are under way, leaves the place and ends the thread."""
        with self._lock:
            self._closed = True
            loop, self._loop = self._loop, None
            for one in tuple(self._under_way):
                one.cancel()

        async def end() -> None:
            await leave()
            if left := asyncio.all_tasks() - {asyncio.current_task()}:  # they clean up after themselves
                await asyncio.wait(left, timeout=_STOP_S / 2)

        if loop is not None:
            with suppress(TimeoutError):
                asyncio.run_coroutine_threadsafe(end(), loop).result(_STOP_S)
            loop.call_soon_threadsafe(loop.stop)

    def _running(self) -> asyncio.AbstractEventLoop:
        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            threading.Thread(target=_run, args=(self._loop,), name="omnicore-modules", daemon=True).start()
        return self._loop


def _run(loop: asyncio.AbstractEventLoop) -> None:
    try:
        loop.run_forever()
    finally:
        loop.close()


class DatabaseModules:
    """Files of modules in the table of a PostgreSQL database: `<sha256>.wasm`, and `.wat` for their texts."""

    def __init__(self, store: Store) -> None:
        self._store, self.shown = store, store.place

    def get(self, digest: str, most: int) -> bytes | None:
        """See `ModulePlace`."""
        data = self.file(f"{digest}.wasm")
        if data is not None and len(data) > most:
            raise too_long(self.shown, digest, most)
        return data

    def put(self, digest: str, data: bytes) -> None:
        """See `ModulePlace`; bytes that are there already are young again."""
        self.keep(f"{digest}.wasm", data)

    def has(self, digest: str) -> bool:
        """See `ModulePlace`."""
        return bool(self._store.rows(f"SELECT 1 FROM {MODULE_PARTS} WHERE name = ? AND part = 0", (f"{digest}.wasm",)))

    def delete(self, digest: str) -> None:
        """See `ModulePlace`."""
        with self._store.write(locks=(MODULE_PARTS,)) as session:
            session.execute(f"DELETE FROM {MODULE_PARTS} WHERE name = ?", (f"{digest}.wasm",))

    def check(self) -> None:
        """See `ModulePlace`; the database is watched by itself."""

    def close(self) -> None:
        """See `ModulePlace`; the database is closed by its owner."""

    def names(self) -> list[str]:
        """The names of all files."""
        return [name for (name,) in self._store.rows(f"SELECT name FROM {MODULE_PARTS} WHERE part = 0")]

    def keep(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Stores a file; one that is there already is young again."""
        with self._store.write(durable=True, locks=(MODULE_PARTS,)) as session:
            if replace:
                session.execute(f"DELETE FROM {MODULE_PARTS} WHERE name = ?", (name,))
            touch = f"UPDATE {MODULE_PARTS} SET kept_at = ? WHERE name = ? AND part = 0"
            if session.execute(touch, (time.time(), name)).rowcount:
                return
            for number, part in enumerate(_parts(data)):
                session.execute(_INSERT, (name, number, part, time.time()))

    def file(self, name: str) -> bytes | None:
        """The bytes of a file, None where there is none."""
        parts: list[bytes] = []
        sql = f"SELECT data FROM {MODULE_PARTS} WHERE name = ? AND part = ?"
        while found := self._store.rows(sql, (name, len(parts))):
            parts.append(bytes(found[0][0]))
        return b"".join(parts) if parts else None

    def drop_unused(self) -> None:
        """Deletes the files that no version of any plugin has had for a while."""
        with self._store.write(locks=(MODULE_PARTS,)) as session:
            session.execute(_DROP, (time.time() - _YOUNG_S,))


class ModuleStore:
    """A folder of `<sha256>.wasm` files, with `.wat` for modules that were written as text.

    Files are written atomically and are readable by this user only. Texts are shared through the database alone: their
    names are hashes of the modules, by which a text fetched from elsewhere could not be checked.

    Args:
        store: the database that shares the bytes with other hosts, if it is PostgreSQL.
        place: shares modules in the place of that database, which then only gives out what it had before.
        most: the largest module that is fetched. Units: bytes.
    """

    def __init__(
        self,
        folder: Path,
        store: Store | None = None,
        *,
        place: ModulePlace | None = None,
        most: int = _MOST_BYTES,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        shared = store is not None and store.dialect == "postgresql"
        self._database = DatabaseModules(store) if store is not None and shared else None
        self._place: ModulePlace | None = place or self._database
        self._folder, self._most, self._monotonic = folder, most, monotonic
        self._unused: dict[str, float] = {}
        self._altered: set[str] = set()
        self._wanted: dict[str, None] = {}
        self._left_until = float("-inf")
        self.trouble = ""
        """The reason why modules cannot be shared now, as of the last time that this was tried."""
        own_folder(folder)

    @property
    def outer(self) -> ModulePlace | None:
        """The place that is not the database, where there is one."""
        return self._place if self._place is not self._database else None

    def put(self, data: bytes) -> str:
        """Stores the bytes and returns their hash. Raises: StorageFailed; Unavailable: hosts could not fetch them."""
        digest = hashlib.sha256(data).hexdigest()
        target = self._folder / f"{digest}.wasm"
        if not target.exists() or target.stat().st_size != len(data):
            self._write(target, data)
        self._share(digest, data)
        return digest

    def put_text(self, digest: str, text: bytes) -> None:
        """Stores the text of a module beside it; of several texts, the last. Raises: StorageFailed."""
        target = self._folder / f"{digest}.wat"
        self._write(target, text)
        if self._database is not None:
            self._database.keep(target.name, text, replace=True)

    def text(self, digest: str) -> bytes | None:
        """The text of a module, or None. Raises: StorageFailed."""
        path = self._folder / f"{digest}.wat"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return self._database.file(path.name) if self._database is not None else None
        except OSError as error:
            raise storage_failed(error, str(path)) from error

    def get(self, digest: str) -> bytes:
        """The bytes, checked against their hash; those that the folder has not are fetched and kept there.

        Raises: StorageFailed: they are missing or were altered. Unavailable: they cannot be fetched now.
        """
        path = self._folder / f"{digest}.wasm"
        data, failure = None, None
        try:
            data = path.read_bytes()
        except OSError as error:
            failure = error
        if data is not None and hashlib.sha256(data).hexdigest() == digest:
            return data
        fetched = self._fetched(digest)
        if fetched is not None:
            self._write(path, fetched)
            return fetched
        if failure is not None:
            raise storage_failed(failure, str(path)) from failure
        raise StorageFailed(f"{path} was altered", remedy="delete it; the host takes in the plugin's file again")

    def kept(self) -> set[str]:
        """The hashes of all stored modules; of a place that is not the database, those that were fetched."""
        here = {path.stem for path in self._folder.iterdir() if _NAME.match(path.name)}
        return here.union(*({name[:64]} for name in self._names() if _NAME.match(name)))

    def keep_only(self, digests: set[str]) -> int:
        """Deletes all other modules with their texts, and returns the number of files.

        What a process that was killed left half written goes too, once nobody can be writing it any more.
        Of the bytes in the database those go that no version of any plugin has had for a while; of another place those
        of this folder, once they were unused for as long. Raises: StorageFailed.
        """
        unused = [path for path in self._folder.iterdir() if _KEPT.match(path.name) and path.stem not in digests]
        if self._place is not None and self.outer is not None:
            unused = self._long_unused(self._place, unused)
        for path in (*unused, *self._left_behind()):
            path.unlink(missing_ok=True)
        if self._database is not None:
            self._database.drop_unused()
        return len(unused)

    def share_all(self, digests: set[str]) -> None:
        """Shares the modules of this folder that nobody could fetch yet: those of a host of version 0.1.0, of a
        backup, or of the time before `modules.store` was set. One that was altered stays away.

        Raises: StorageFailed, Unavailable.
        """
        if self._place is None or not digests:
            return
        there = set(self._names())
        for path in self._folder.iterdir():
            if not _KEPT.match(path.name) or path.stem not in digests or path.name in there:
                continue
            data = path.read_bytes()
            if path.suffix != ".wasm":
                if self._database is not None:
                    self._database.keep(path.name, data)
            elif hashlib.sha256(data).hexdigest() == path.stem and not (self.outer and self._place.has(path.stem)):
                self._place.put(path.stem, data)

    def fetch_all(self) -> None:
        """Puts all modules that are only in the database into the folder, for a backup of it. Raises: StorageFailed."""
        for name in self._database.names() if self._database is not None else ():
            path = self._folder / name
            if path.exists() or self._database is None:
                continue
            data = self._fetched(path.stem) if path.suffix == ".wasm" else self._database.file(name)
            if data is not None:
                self._write(path, data)

    def look(self) -> str:
        """Asks the place that is not the database whether it works, and fetches what was wanted in vain. Blocks.

        Returns: the trouble with it; "": there is none, or no such place.
        """
        if self.outer is None:
            return ""
        try:
            self.outer.check()
            self._left_until = float("-inf")
            for digest in tuple(self._wanted):
                self.get(digest)
        except OmniError as error:
            self.trouble = error.fact
        else:
            self.trouble = ""
        return self.trouble

    @property
    def missing(self) -> int:
        """Modules that were wanted and could not be fetched."""
        return len(self._wanted)

    def close(self) -> None:
        """Gives up connections to the place that is not the database."""
        if self.outer is not None:
            self.outer.close()

    # -- inner parts

    def _write(self, target: Path, data: bytes) -> None:
        partial = self._folder / f".{target.name}.{secrets.token_hex(4)}"
        try:
            with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            partial.replace(target)
        except OSError as error:
            partial.unlink(missing_ok=True)
            raise storage_failed(error, str(target)) from error

    def _left_behind(self) -> Iterator[Path]:
        """Files that were begun long ago and never got their names."""
        for path in self._folder.iterdir():
            with suppress(FileNotFoundError):  # it has just got its name
                if _PARTIAL.match(path.name) and path.stat().st_mtime < time.time() - _YOUNG_S:
                    yield path

    def _names(self) -> list[str]:
        """The names of files in the database, where modules are shared through it."""
        return self._database.names() if self._database is not None and self.outer is None else []

    @contextmanager
    def _asked(self) -> Iterator[None]:
        """A question to the place; one that has just not answered is left alone, as who asks may hold a lock.

        Raises: Unavailable.
        """
        if self._monotonic() < self._left_until:
            raise Unavailable(f"modules cannot be shared now: {self.trouble}", remedy="try again")
        try:
            yield
        except OmniError as error:
            if self.outer is not None:
                self.trouble = error.fact
                self._left_until = self._monotonic() + (_LEFT_S if isinstance(error, Unavailable) else 0)
            raise

    def _share(self, digest: str, data: bytes) -> None:
        if self._place is None:
            return
        with self._asked():
            if digest in self._altered:
                self._place.delete(digest)
            self._place.put(digest, data)
        self.trouble = ""
        self._altered.discard(digest)
        self._unused.pop(digest, None)

    def _fetched(self, digest: str) -> bytes | None:
        """The bytes from where hosts share them, None where nothing has them.

        Raises: StorageFailed: they were altered. Unavailable: the place does not answer.
        """
        if self._place is None:
            return None
        place = self._place
        if self.outer is not None:
            self._wanted[digest] = None
        with self._asked():
            data = place.get(digest, self._most)
        if data is None and self._database is not None and place is not self._database:
            place = self._database
            data = place.get(digest, self._most)
        if data is not None and hashlib.sha256(data).hexdigest() != digest:
            self._altered.add(digest)
            raise StorageFailed(
                f"module {digest[:12]} in {place.shown} was altered",
                remedy="install that version again; nothing of it runs until then",
            )
        self._wanted.pop(digest, None)
        if data is not None and place is not self._place:  # it was stored before `modules.store` was set
            with suppress(OmniError):
                self._place.put(digest, data)
        return data

    def _long_unused(self, place: ModulePlace, unused: list[Path]) -> list[Path]:
        """Those of files that were unused ten minutes ago and are so now; the place has their modules no more."""
        now = self._monotonic()
        self._unused = {path.stem: self._unused.get(path.stem, now) for path in unused}
        gone = [path for path in unused if now - self._unused[path.stem] >= _YOUNG_S]
        try:
            for path in gone:
                if path.suffix == ".wasm":
                    place.delete(path.stem)
        except OmniError as error:  # the next time is soon enough
            self.trouble = error.fact
            return []
        return gone


def _parts(data: bytes) -> Iterator[bytes]:
    """The bytes in pieces, so that no row and no statement is long; one empty piece for none."""
    for start in range(0, max(1, len(data)), _PART):
        yield data[start : start + _PART]
