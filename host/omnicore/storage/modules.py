"""The bytes of accepted modules by hash, so that every host can serve a version, and still does after its file changed.

Hosts of one PostgreSQL database share the bytes through it: the folder of each is a cache of what it has used. With
SQLite the folder lies beside the database and all processes see it, so that bytes are kept once: a second copy in the
database made keeping a module of 8 MB twice as slow (122 ms in place of 60) and doubled its room on the disk.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

from omnicore.errors import StorageFailed
from omnicore.files import own_folder
from omnicore.storage.store import Store, storage_failed

MODULE_PARTS = "module_parts"
"""The table of the bytes. Backups leave it out: they hold the files of the folder, which `fetch_all` completes."""

_NAME = re.compile(r"[0-9a-f]{64}\.wasm\Z")
_KEPT = re.compile(r"[0-9a-f]{64}\.(wasm|wat)\Z")
_PART = 256 * 1024
_YOUNG_S = 600.0  # bytes whose version may not be written yet are not deleted
_INSERT = f"INSERT INTO {MODULE_PARTS} (name, part, data, kept_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING"
_DROP = f"""
DELETE FROM {MODULE_PARTS} WHERE name IN (
  SELECT name FROM {MODULE_PARTS} WHERE part = 0 AND kept_at < ?
    AND NOT EXISTS (SELECT 1 FROM versions WHERE versions.hash = substr({MODULE_PARTS}.name, 1, 64)))
"""


class ModuleStore:
    """A folder of `<sha256>.wasm` files, with `.wat` for modules that were written as text.

    Files are written atomically and are readable by this user only.

    Args:
        store: the database that shares the bytes with other hosts, if it is PostgreSQL.
    """

    def __init__(self, folder: Path, store: Store | None = None) -> None:
        self._folder = folder
        self._shared = store if store is not None and store.dialect == "postgresql" else None
        own_folder(folder)

    def put(self, data: bytes) -> str:
        """Stores the bytes and returns their hash. Raises: StorageFailed."""
        digest = hashlib.sha256(data).hexdigest()
        target = self._folder / f"{digest}.wasm"
        if not target.exists() or target.stat().st_size != len(data):
            self._write(target, data)
        self._share(target.name, data)
        return digest

    def put_text(self, digest: str, text: bytes) -> None:
        """Stores the text of a module beside it; of several texts, the last. Raises: StorageFailed."""
        target = self._folder / f"{digest}.wat"
        self._write(target, text)
        self._share(target.name, text, replace=True)

    def text(self, digest: str) -> bytes | None:
        """The text of a module, or None. Raises: StorageFailed."""
        path = self._folder / f"{digest}.wat"
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return self._fetched(path.name)
        except OSError as error:
            raise storage_failed(error, str(path)) from error

    def get(self, digest: str) -> bytes:
        """The bytes, checked against their hash; those that the folder has not are fetched and kept there.

        Raises: StorageFailed: they are missing or were altered.
        """
        path = self._folder / f"{digest}.wasm"
        try:
            data = path.read_bytes()
        except OSError as error:
            fetched = self._fetched(path.name)
            if fetched is None:
                raise storage_failed(error, str(path)) from error
            return self._kept_here(path, fetched)
        if hashlib.sha256(data).hexdigest() == digest:
            return data
        fetched = self._fetched(path.name)
        if fetched is None:
            raise StorageFailed(
                f"{path} was altered",
                remedy="delete it; the host takes in the plugin's file again",
            )
        return self._kept_here(path, fetched)

    def kept(self) -> set[str]:
        """The hashes of all stored modules."""
        here = {path.stem for path in self._folder.iterdir() if _NAME.match(path.name)}
        return here.union(*({name[:64]} for name in self._names() if _NAME.match(name)))

    def keep_only(self, digests: set[str]) -> int:
        """Deletes all other modules with their texts, and returns the number of files.

        Of the bytes in the database those go that no version of any plugin has had for a while.
        """
        unused = [path for path in self._folder.iterdir() if _KEPT.match(path.name) and path.stem not in digests]
        for path in unused:
            path.unlink(missing_ok=True)
        if self._shared is not None:
            with self._shared.write(locks=(MODULE_PARTS,)) as session:
                session.execute(_DROP, (time.time() - _YOUNG_S,))
        return len(unused)

    def share_all(self, digests: set[str]) -> None:
        """Puts the modules of this folder into the database that are not there: those of a host of version 0.1.0, or
        of a backup. One that was altered stays away. Raises: StorageFailed."""
        if self._shared is None or not digests:
            return
        there = set(self._names())
        for path in self._folder.iterdir():
            if not _KEPT.match(path.name) or path.stem not in digests or path.name in there:
                continue
            data = path.read_bytes()
            if path.suffix != ".wasm" or hashlib.sha256(data).hexdigest() == path.stem:
                self._share(path.name, data)

    def fetch_all(self) -> None:
        """Puts all modules that are only in the database into the folder, for a backup of it. Raises: StorageFailed."""
        for name in self._names():
            path = self._folder / name
            if not path.exists() and (data := self._fetched(name)) is not None:
                self._write(path, data)

    # -- inner parts

    def _kept_here(self, path: Path, data: bytes) -> bytes:
        self._write(path, data)
        return data

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

    def _names(self) -> list[str]:
        """The names of files in the database."""
        if self._shared is None:
            return []
        return [name for (name,) in self._shared.rows(f"SELECT name FROM {MODULE_PARTS} WHERE part = 0")]

    def _share(self, name: str, data: bytes, *, replace: bool = False) -> None:
        """Puts a file into the database; one that is there already is young again."""
        if self._shared is None:
            return
        with self._shared.write(durable=True, locks=(MODULE_PARTS,)) as session:
            if replace:
                session.execute(f"DELETE FROM {MODULE_PARTS} WHERE name = ?", (name,))
            touch = f"UPDATE {MODULE_PARTS} SET kept_at = ? WHERE name = ? AND part = 0"
            if session.execute(touch, (time.time(), name)).rowcount:
                return
            for number, part in enumerate(_parts(data)):
                session.execute(_INSERT, (name, number, part, time.time()))

    def _fetched(self, name: str) -> bytes | None:
        """The bytes of a file in the database, None where it has none. Raises: StorageFailed: they were altered."""
        if self._shared is None:
            return None
        parts: list[bytes] = []
        while True:
            sql = f"SELECT data FROM {MODULE_PARTS} WHERE name = ? AND part = ?"
            found = self._shared.rows(sql, (name, len(parts)))
            if not found:
                break
            parts.append(bytes(found[0][0]))
        if not parts:
            return None
        data = b"".join(parts)
        if name.endswith(".wasm") and hashlib.sha256(data).hexdigest() != name[:64]:
            raise StorageFailed(
                f"module {name[:12]} in {self._shared.place} was altered",
                remedy="install that version again; nothing of it runs until then",
            )
        return data


def _parts(data: bytes) -> Iterator[bytes]:
    """The bytes in pieces, so that no row and no statement is long; one empty piece for none."""
    for start in range(0, max(1, len(data)), _PART):
        yield data[start : start + _PART]
