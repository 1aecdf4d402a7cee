"""The plugin folder: its files, changes to them, and the files that the host itself puts there.

Nothing in the folder is trusted. Entries are opened without following links and without blocking, one path component
at a time, so that a pipe, a device or a link out of the folder is refused.
"""

from __future__ import annotations

import asyncio
import hashlib
import logging
import os
import re
import secrets
import stat
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from watchfiles import awatch

from omnicore.errors import Conflict, InvalidInput, ModuleRejected, OmniError, StorageFailed
from omnicore.plugins.manifest import NAME, name_of_stem
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.storage.store import storage_failed
from omnicore.storage.tables.plugins import AcceptancesTable, RollbackRow, VersionsTable, identity

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Callable, Iterator

    from omnicore.clock import Clock
    from omnicore.storage.modules import ModuleStore
    from omnicore.storage.store import Store


Settled = Literal["yes", "soon", "writing"]

_TAKEN = (".wasm", ".wat")
_LISTED = (*_TAKEN, ".cwasm")
_SETTLED_S = 0.1
_OLD_S = 2.0
_PATIENCE_S = 1.0
_POLL_S = 0.25
_MOST_SIDECAR = 256 * 1024 + 1
_MOST_UNNAMED = 100
_log = logging.getLogger("omnicore.plugins")


@dataclass(frozen=True, slots=True)
class Candidate:
    """A file that may be a plugin. `path` is relative to the folder; `problem` says why it cannot be one.

    `signature` changes whenever the file or its sidecar does, `modified_at` is the newest change of both.
    Units: `size` bytes, `modified_at` seconds since the Unix epoch.
    """

    path: str
    stem: str
    sidecar: str | None
    size: int
    signature: str
    modified_at: float
    problem: str = ""


@dataclass(frozen=True, slots=True)
class _Look:
    """The stamp of a file, since when it is unchanged, and when it was first seen. Units: monotonic seconds."""

    signature: str
    since: float
    first: float


class Folder:
    """Looks into the plugin folder. Used by one thread at a time.

    Args:
        now: wall-clock seconds, compared with the times files carry.
    """

    def __init__(
        self,
        root: Path,
        *,
        now: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self.root = root
        self._now = now
        self._monotonic = monotonic
        self._seen: dict[str, _Look] = {}
        self._unnamed: set[str] = set()

    def list(self) -> list[Candidate]:
        """Everything that could be a plugin, by path: files in the folder and `NAME/dist/NAME.wasm`.

        Raises: StorageFailed: the folder cannot be made or read.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with os.scandir(self.root) as entries:
                found = [one for entry in entries if self._named(entry.name) for one in self._candidates(entry)]
        except OSError as error:
            raise storage_failed(error, str(self.root)) from error
        return sorted(found, key=lambda candidate: candidate.path)

    def settled(self, candidate: Candidate) -> Settled:
        """ "yes" when nobody writes to the file any more: it is unchanged for a while, or between two looks.

        Returns: "yes"; "soon" when another look will tell; "writing" when it has changed for over a second.
        """
        if candidate.problem or self._now() - candidate.modified_at > _OLD_S:
            self._seen.pop(candidate.path, None)
            return "yes"
        now = self._monotonic()
        last = self._seen.get(candidate.path) or _Look(candidate.signature, since=now, first=now)
        if last.signature != candidate.signature:
            last = _Look(candidate.signature, since=now, first=last.first)
        self._seen[candidate.path] = last
        if now - last.since >= _SETTLED_S:
            del self._seen[candidate.path]
            return "yes"
        return "writing" if now - last.first > _PATIENCE_S else "soon"

    def read(self, candidate: Candidate, most: int) -> tuple[bytes, bytes | None]:
        """The bytes of the file and of its sidecar.

        Raises: ModuleRejected: over `most` bytes, not a plain file, or changed while it was read.
        """
        sidecar = self._bytes(candidate.sidecar, _MOST_SIDECAR) if candidate.sidecar else None
        return self._bytes(candidate.path, most), sidecar

    async def changes(self) -> AsyncIterator[bool]:
        """Yields True when something in the folder changed, and every quarter of a second False if not.

        Where the system cannot watch (too many watches, a network folder) the regular looks remain.
        """
        while True:
            try:
                places = self._watched()
                async for events in awatch(
                    *places,
                    recursive=False,
                    debounce=200,
                    step=100,  # each step asks for the interpreter's lock, which a busy loop has to hand over
                    yield_on_timeout=True,
                    rust_timeout=int(_POLL_S * 1000),
                ):
                    yield bool(events)
                    if self._watched() != places:
                        break
            except (OSError, RuntimeError):
                await asyncio.sleep(_POLL_S)
                yield True

    def _watched(self) -> tuple[Path, ...]:
        places = [self.root]
        for entry in os.scandir(self.root):
            if entry.is_dir(follow_symlinks=False) and not entry.name.startswith("."):
                built = Path(entry.path, "dist")
                places.extend((Path(entry.path), built) if built.is_dir() else (Path(entry.path),))
        return tuple(places)

    def _named(self, name: str) -> bool:
        """True when a name is valid text: one that is not UTF-8 fits no database and no answer."""
        if name.isascii():
            return True
        try:
            name.encode()
        except UnicodeEncodeError:
            if name not in self._unnamed and len(self._unnamed) < _MOST_UNNAMED:
                self._unnamed.add(name)
                _log.warning("%s in %s is not looked at: its name is not UTF-8; rename it", ascii(name), self.root)
            return False
        return True

    def _candidates(self, entry: os.DirEntry[str]) -> Iterator[Candidate]:
        if entry.name.startswith("."):
            return
        if entry.is_dir(follow_symlinks=False):
            yield from self._built(entry.name)
        elif entry.name.endswith(_LISTED):
            yield self._candidate(entry.name, (f"{_stem(entry.name)}.toml",))

    def _built(self, name: str) -> Iterator[Candidate]:
        """A plugin with its source beside it: `NAME/dist/NAME.wasm` and `NAME/plugin.toml`."""
        dist = f"{name}/dist"
        try:
            if not stat.S_ISDIR(os.lstat(self.root / dist).st_mode):
                return
        except OSError:
            return
        for ending in _TAKEN:
            path = f"{dist}/{name}{ending}"
            if os.path.lexists(self.root / path):
                yield self._candidate(path, (f"{dist}/{name}.toml", f"{name}/plugin.toml"))
                return

    def _candidate(self, path: str, sidecars: tuple[str, ...]) -> Candidate:
        sidecar = next((one for one in sidecars if os.path.lexists(self.root / one)), None)
        try:
            found = os.lstat(self.root / path)
            beside = os.lstat(self.root / sidecar) if sidecar else None
        except OSError:  # gone between two looks; the next one sees it as it is
            return Candidate(path, _stem(path), sidecar, 0, "gone", self._now(), "cannot be looked at")
        signature = _signature(found) + (f"|{sidecar}:{_signature(beside)}" if beside else "")
        modified = max(one.st_mtime for one in (found, beside) if one)
        return Candidate(path, _stem(path), sidecar, found.st_size, signature, modified, _problem(path, found))

    def _bytes(self, path: str, most: int) -> bytes:
        try:
            descriptor = _open_inside(self.root, path)
        except OSError as error:
            raise ModuleRejected(
                f"{path} cannot be opened: {error.strerror}", remedy="put a plain file there"
            ) from error
        with open(descriptor, "rb") as file:
            found = os.fstat(descriptor)
            if not stat.S_ISREG(found.st_mode):
                raise ModuleRejected(f"{path} is no plain file", remedy="put a plain file there")
            if found.st_size > most:
                raise _too_big(path, found.st_size, most)
            data = file.read(most + 1)
            if len(data) != found.st_size or _signature(os.fstat(descriptor)) != _signature(found):
                raise ModuleRejected(f"{path} changed while it was read", remedy="wait until it is written")
        return data


def _too_big(path: str, size: int, most: int) -> ModuleRejected:
    return ModuleRejected(
        f"{path} has {size} bytes where {most} are allowed",
        remedy="raise limits.module_bytes or strip the module",
    )


def _stem(path: str) -> str:
    return path.rsplit("/", 1)[-1].rsplit(".", 1)[0]


def _signature(found: os.stat_result) -> str:
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _problem(path: str, found: os.stat_result) -> str:
    if path.endswith(".cwasm"):
        return "precompiled code is never loaded; drop the .wasm it was made from"
    if stat.S_ISLNK(found.st_mode):
        return "is a link, which is never followed; copy the file itself"
    if not stat.S_ISREG(found.st_mode):
        return "is no plain file; put a plain file there"
    return ""


def _open_inside(root: Path, path: str) -> int:
    """Opens a file below `root`; no component may be a link, and a pipe does not block."""
    *folders, name = path.split("/")
    place = os.open(root, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=place)
            os.close(place)
            place = inner
        return os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=place)
    finally:
        os.close(place)


_FILENAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,120}\.(wasm|wat)")
_DEVICES = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\..*)?", re.IGNORECASE)  # files that Windows cannot have


def check_filename(filename: str) -> str:
    """The name's stem. Raises: InvalidInput: a path, another ending, or a name no plugin can have."""
    stem = filename.rpartition(".")[0]
    known = _FILENAME.fullmatch(filename) and NAME.fullmatch(name_of_stem(stem))
    if not known or _DEVICES.fullmatch(stem):
        raise InvalidInput(
            f"{filename[:120]!r} cannot be the name of a plugin's file",
            remedy="use letters, digits, '-' and '_', and end it with .wasm or .wat",
        )
    return stem


def sidecar_beside(folder: Path, filename: str) -> bytes | None:
    """The manifest that is in the folder already and that a file of this name would have.

    Raises: Conflict: another file has it.
    """
    stem, _, ending = filename.rpartition(".")
    other = f"{stem}.{'wat' if ending == 'wasm' else 'wasm'}"
    if os.path.lexists(folder / other):
        raise Conflict(
            f"{filename} would share the manifest {stem}.toml with {other}",
            remedy="give the file another name, or remove the other one first",
        )
    try:
        descriptor = os.open(folder / f"{stem}.toml", os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:  # none, or none that the host would read
        return None
    with open(descriptor, "rb") as file:
        return file.read(_MOST_SIDECAR)


def write_whole(folder: Path, filename: str, data: bytes) -> None:
    """Puts a file in place in one step, so that nobody sees half of it. Raises: StorageFailed."""
    partial = folder / f".{filename}.{secrets.token_hex(4)}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, 0o644), "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, folder / filename)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise storage_failed(error, str(folder / filename)) from error


def remove_files(folder: Path, path: str) -> None:
    """Deletes a plugin's file, and the sidecar beside it. Raises: StorageFailed."""
    file = folder / path
    try:
        file.unlink(missing_ok=True)
        file.with_suffix(".toml").unlink(missing_ok=True)
    except OSError as error:
        raise storage_failed(error, str(file)) from error


class Rollbacks:
    """Earlier versions put back into the folder, so that folder and catalogue agree whatever happens in between.

    The intention is recorded first. The next pass over the folder, by this process or a later one, completes it; doing
    it twice does no harm. A file that somebody else changed since then is left alone.
    """

    def __init__(self, root: Path, database: Store, modules: ModuleStore, clock: Clock, *, host: str) -> None:
        self._root, self._modules, self._clock, self._host = root, modules, clock, host
        self._versions, self._acceptances = VersionsTable(database), AcceptancesTable(database)

    def install(self, plugin: str, path: str, data: bytes, *, module: bytes, sidecar: str) -> None:
        """Puts a file of the folder itself and its manifest in place: both, or with a crash between them both later.

        Raises: StorageFailed.
        """
        digest = self._modules.put(module)
        if path.endswith(".wat"):
            self._modules.put_text(digest, data)
        self._versions.keep_sidecar(plugin, digest, sidecar)
        row = RollbackRow(plugin, digest, path, _file_signature(self._root / path), self._clock.now(), self._host)
        self._versions.begin(row, identity(digest, sidecar))
        try:
            self._put_back(plugin, path, digest)
        finally:  # who is told that it failed does not expect it to happen later
            self._versions.end(row)

    def begin(self, plugin: str, path: str, digest: str) -> None:
        """Writes down that a plugin's file is to become that of a version.

        Raises: Conflict: it cannot be put back; StorageFailed.
        """
        self._check(plugin, path, digest)
        signature = _file_signature(self._root / path)
        sidecar = self.sidecar(plugin, digest)
        self._versions.keep_sidecar(plugin, digest, sidecar)
        order = RollbackRow(plugin, digest, path, signature, self._clock.now(), self._host)
        self._versions.begin(order, identity(digest, sidecar))

    def finish(self) -> list[str]:
        """Does what was begun; the paths of files that are whole now. What the disk refuses is tried again later."""
        done = []
        for row in self._versions.begun(self._host):
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

    def _check(self, plugin: str, path: str, digest: str) -> None:
        self._file(path, digest)
        own, others = _sidecars(path)
        beside = [one for one in others if os.path.lexists(self._root / one)]
        if self.sidecar(plugin, digest) is None and beside:
            raise Conflict(
                f"that version of {plugin} had no manifest beside it, and {beside[0]} belongs to its source",
                remedy="restore the source and build it again",
            )
        for folder in (Path(own).parents)[:-1]:
            if not stat.S_ISDIR(os.lstat(self._root / folder).st_mode):
                raise Conflict(f"{folder} is a link, which is never followed", remedy="put a plain folder there")

    def _is_ours(self, row: RollbackRow, data: bytes) -> bool:
        """True when the file is as it was when the rollback began, or is that of the version already."""
        path = self._root / row.path
        try:
            if _file_signature(path) == row.signature:
                return True
            return _is_plain(path) and _digest(path) == hashlib.sha256(data).hexdigest()
        except OSError:
            return False

    def sidecar(self, plugin: str, digest: str) -> str | None:
        """The manifest that was accepted beside a version last, else the one seen beside it last."""
        for one in self._acceptances.of(plugin):
            if one.hash == digest:
                return one.sidecar
        return self._versions.sidecar(plugin, digest)

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
    """Paths of the manifest beside a file: the host's own, then those that belong to its source."""
    own = path.rpartition(".")[0] + ".toml"
    name, slash, _ = path.partition("/")
    return own, (f"{name}/plugin.toml",) if slash else ()


def _file_signature(path: Path) -> str:
    try:
        found = os.lstat(path)
    except OSError:
        return ""
    return f"{found.st_ino}:{found.st_size}:{found.st_mtime_ns}:{found.st_ctime_ns}"


def _is_plain(path: Path) -> bool:
    """True for a regular file: a link would lead elsewhere, and a pipe would never end."""
    return stat.S_ISREG(os.lstat(path).st_mode)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
