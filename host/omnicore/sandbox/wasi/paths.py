"""Walking a guest's path below a directory, one component at a time, so that it cannot leave.

The kernel is never handed more than one component, never follows a link for us and never sees a trailing
slash (`open("link/", O_NOFOLLOW)` follows the link). Links are read and expanded here under the same rules.
`..` goes back along the names that were walked, never through the file system, so a directory moved
by somebody else in the meantime gives an error and not a way out.

Not seen from here: a hard link that somebody on the host made into the directory is a file of the directory.
"""

from __future__ import annotations

import errno as host
import os
from types import TracebackType
from typing import Final, Self

from omnicore.sandbox.wasi.errno import LOOP, NOENT, PERM, WasiError

MAX_LINKS: Final = 40
MAX_STEPS: Final = 4096

_SEARCH: Final = getattr(os, "O_PATH", os.O_RDONLY) | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class Walk:
    """Where a path leads: `directory` (a host descriptor), `name` in it, and whether it must be a `folder`.

    `follow` says whether a link in last place is followed; one before it always is.

    Owns: `directory`, until the block is left, unless it is the directory the walk began in.

    Example: `with Walk(base, b"a/b", follow=True) as at: os.stat(at.name, dir_fd=at.directory, ...)`
    """

    __slots__ = ("_base", "_links", "_names", "_steps", "directory", "folder", "name")

    def __init__(self, base: int, path: bytes, *, follow: bool) -> None:
        self._base = self.directory = base
        self._names: list[bytes] = []
        self._links = self._steps = 0
        self.folder = path.endswith((b"/", b"/.", b"/.."))
        if not path:
            raise WasiError(NOENT)
        try:
            self.name = self._walk(_split(path), follow)
        except BaseException:
            self._move(base)
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._move(self._base)

    def _walk(self, pending: list[bytes], follow: bool) -> bytes:
        while pending:
            name = pending.pop()
            if name == b"..":
                self._up()
            elif pending:
                self._expand(self._enter(name), pending)
            else:
                target = self._link(name) if follow else None
                if target is None:
                    return name
                self._expand(target, pending)
        return b"."

    def _enter(self, name: bytes) -> bytes | None:
        """Goes into a directory, or returns the target of the link that stands there."""
        try:
            self._descend(name)
        except OSError as error:
            target = self._link(name) if error.errno in (host.ENOTDIR, host.ELOOP) else None
            if target is None:
                raise
            return target
        self._names.append(name)
        return None

    def _descend(self, name: bytes) -> None:
        self._steps += 1
        if self._steps > MAX_STEPS:
            raise WasiError(LOOP)
        self._move(os.open(name, _SEARCH, dir_fd=self.directory))

    def _move(self, directory: int) -> None:
        left, self.directory = self.directory, directory
        if left not in (self._base, directory):
            os.close(left)

    def _up(self) -> None:
        if not self._names:
            raise WasiError(PERM)
        self._names.pop()
        self._move(self._base)
        for name in self._names:
            self._descend(name)

    def _link(self, name: bytes) -> bytes | None:
        try:
            return os.readlink(name, dir_fd=self.directory)
        except OSError as error:
            if error.errno in (host.EINVAL, host.ENOENT):
                return None
            raise

    def _expand(self, target: bytes | None, pending: list[bytes]) -> None:
        if target is None:
            return
        self._links += 1
        if self._links > MAX_LINKS:
            raise WasiError(LOOP)
        if not pending:
            self.folder = self.folder or target.endswith(b"/")
        pending.extend(_split(target))


def _split(path: bytes) -> list[bytes]:
    """The components, last one first. Raises: WasiError for an absolute path."""
    if path.startswith(b"/"):
        raise WasiError(PERM)
    return [part for part in reversed(path.split(b"/")) if part not in (b"", b".")]


def stays_below(target: bytes) -> bool:
    """Whether a link with this text leads down from where it stands, wherever it is moved to."""
    return not target.startswith(b"/") and b".." not in target.split(b"/")
