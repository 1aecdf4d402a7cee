"""The plugin folder: what lies in it, whether it is whole, and word when it changes.

Nothing in the folder is trusted. Entries are opened without following links and without waiting, one
component at a time, so that a pipe, a device or a link out of the folder is refused and never blocks.
"""

from __future__ import annotations

import asyncio
import os
import stat
import time
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from watchfiles import awatch

from omnicore.errors import ModuleRejected
from omnicore.storage.faults import storage_failed

__all__ = ["Candidate", "Folder", "Settled"]

Settled = Literal["yes", "soon", "writing"]

_TAKEN = (".wasm", ".wat")
_LISTED = (*_TAKEN, ".cwasm")
_SETTLED_S = 0.1
_OLD_S = 2.0
_PATIENCE_S = 1.0
_POLL_S = 0.25
_MOST_SIDECAR = 256 * 1024 + 1


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
    """How a file looked, since when it looks so, and when it was first seen. Units: monotonic seconds."""

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

    def list(self) -> list[Candidate]:
        """Everything that could be a plugin, by path: files in the folder and `NAME/dist/NAME.wasm`.

        Raises: StorageFailed: the folder cannot be made or read.
        """
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            with os.scandir(self.root) as entries:
                found = [one for entry in entries for one in self._candidates(entry)]
        except OSError as error:
            raise storage_failed(error, str(self.root)) from error
        return sorted(found, key=lambda candidate: candidate.path)

    def settled(self, candidate: Candidate) -> Settled:
        """Whether nobody writes to the file any more: unchanged for a while, or between two looks.

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
