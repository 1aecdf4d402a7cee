"""Puts an earlier version back into the folder, so that folder and catalogue agree whatever happens meanwhile.

The intention is written down first. Whoever next looks into the folder, this process or a later one, finishes what
was begun: both files are put in place whole, and again does no harm. A file that somebody else put there since then
is left alone.
"""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from pathlib import Path

from omnicore.clock import Clock
from omnicore.errors import Conflict, OmniError, StorageFailed
from omnicore.plugins.install import write_whole
from omnicore.sandbox.wat import wat_to_wasm
from omnicore.storage.faults import storage_failed
from omnicore.storage.modules import ModuleStore
from omnicore.storage.store import Store
from omnicore.storage.tables.plugins import PluginRow
from omnicore.storage.tables.versions import RollbackRow, VersionsTable

__all__ = ["Restoring"]

_MOST_SIDECAR = 256 * 1024 + 1
_log = logging.getLogger("omnicore.plugins")


class Restoring:
    """Rollbacks in one plugin folder."""

    def __init__(self, root: Path, database: Store, modules: ModuleStore, clock: Clock) -> None:
        self._root, self._modules, self._clock = root, modules, clock
        self._versions = VersionsTable(database)

    def install(self, plugin: str, path: str, data: bytes, *, module: bytes, sidecar: str) -> None:
        """Puts a file of the folder itself and its manifest in place: both, or with a crash between them both later.

        Raises: StorageFailed.
        """
        digest = self._modules.put(module)
        if path.endswith(".wat"):
            self._modules.put_text(digest, data)
        self._versions.keep_sidecar(plugin, digest, sidecar)
        row = RollbackRow(plugin, digest, path, _signature(self._root / path), self._clock.now())
        self._versions.begin(row)
        try:
            self._put_back(plugin, path, digest)
        finally:  # who is told that it failed does not expect it to happen later
            self._versions.end(row)

    def begin(self, row: PluginRow, digest: str) -> None:
        """Writes down that a plugin's file is to become that of a version.

        Raises: Conflict: it cannot be put back; StorageFailed.
        """
        self._check(row, digest)
        signature = _signature(self._root / row.path)
        self._versions.begin(RollbackRow(row.name, digest, row.path, signature, self._clock.now()))

    def finish(self) -> list[str]:
        """Does what was begun; the paths of files that are whole now. What the disk refuses is tried again later."""
        done = []
        for row in self._versions.begun():
            try:
                ours = self._is_ours(row, self._file(row.path, row.hash))
            except OmniError as error:
                _log.error("%s cannot be rolled back to %s: %s", row.plugin, row.hash[:8], error)
                self._versions.end(row)
                continue
            try:
                if ours:
                    self._put_back(row.plugin, row.path, row.hash)
                    done.append(row.path)
                self._versions.end(row)
            except StorageFailed as error:
                _log.error("%s is not rolled back to %s yet: %s", row.plugin, row.hash[:8], error)
        return done

    def _check(self, row: PluginRow, digest: str) -> None:
        self._file(row.path, digest)
        own, others = _sidecars(row.path)
        beside = [one for one in others if os.path.lexists(self._root / one)]
        if self._versions.sidecar(row.name, digest) is None and beside:
            raise Conflict(
                f"that version of {row.name} had no manifest beside it, and {beside[0]} belongs to its source",
                remedy="restore the source and build it again",
            )
        for folder in (Path(own).parents)[:-1]:
            if not stat.S_ISDIR(os.lstat(self._root / folder).st_mode):
                raise Conflict(f"{folder} is a link, which is never followed", remedy="put a plain folder there")

    def _is_ours(self, row: RollbackRow, data: bytes) -> bool:
        """Whether the file is as it was when the rollback began, or is that of the version already."""
        path = self._root / row.path
        try:
            if _signature(path) == row.signature:
                return True
            return _is_plain(path) and _digest(path) == hashlib.sha256(data).hexdigest()
        except OSError:
            return False

    def _put_back(self, plugin: str, path: str, digest: str) -> None:
        data, sidecar = self._file(path, digest), self._versions.sidecar(plugin, digest)
        own, others = _sidecars(path)
        if sidecar is None:
            self._drop(own)
        elif sidecar != self._first((own, *others)):
            self._write(own, sidecar.encode())
        self._write(path, data)  # last: it is what tells whether all is done

    def _file(self, path: str, digest: str) -> bytes:
        """The bytes of a version's file: the module, or the text it was made of."""
        if not path.endswith(".wat"):
            return self._modules.get(digest)
        text = self._modules.text(digest)
        if text is None or hashlib.sha256(wat_to_wasm(text)).hexdigest() != digest:
            raise Conflict(
                f"the text of version {digest[:8]} was not kept", remedy="install that version again from its own file"
            )
        return text

    def _first(self, places: tuple[str, ...]) -> str | None:
        """The manifest that the folder's next look would take, None for none or one it would refuse."""
        found = next((self._root / one for one in places if os.path.lexists(self._root / one)), None)
        if found is None or not _is_plain(found):
            return None
        with found.open("rb") as file:
            return file.read(_MOST_SIDECAR).decode(errors="replace")

    def _write(self, path: str, data: bytes) -> None:
        place = self._root / path
        write_whole(place.parent, place.name, data)

    def _drop(self, path: str) -> None:
        try:
            (self._root / path).unlink(missing_ok=True)
        except OSError as error:
            raise storage_failed(error, path) from error


def _sidecars(path: str) -> tuple[str, tuple[str, ...]]:
    """Where the manifest beside a file is: a place of the host's own, then those that belong to its source."""
    own = path.rpartition(".")[0] + ".toml"
    name, slash, _ = path.partition("/")
    return own, (f"{name}/plugin.toml",) if slash else ()


def _signature(path: Path) -> str:
    try:
        found = os.lstat(path)
    except OSError:
        return ""
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _is_plain(path: Path) -> bool:
    """Whether it is a file itself: a link would lead elsewhere, and a pipe would never end."""
    return stat.S_ISREG(os.lstat(path).st_mode)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
