"""Waits until the source of a plugin is saved."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from watchfiles import awatch

from omnicore.toolchains.languages import PluginSource, Toolchain
from omnicore.toolchains.manifest import FILE

__all__ = ["SourceWatch"]

_LOOK_MS = 1_000
_SKIPPED = frozenset({"target", "node_modules", "dist", "build", "zig-out", "__pycache__"})


@dataclass(frozen=True, slots=True)
class _Look:
    """The state of a file: time of writing, length and content."""

    stamp: tuple[int, int]
    digest: bytes


_State = Mapping[str, _Look]


class SourceWatch:
    """Looks at the files a build depends on.

    What counts is what is in the files compared with what was when the last build began: a compiler may write
    a source of its own anew. The system's word only says when to look, and a look every second does where it
    says nothing.
    """

    def __init__(self, source: PluginSource, toolchain: Toolchain) -> None:
        self._folder = source.folder
        self._patterns = (FILE, *toolchain.watched)
        if not source.entry.is_dir():
            self._patterns += (os.path.relpath(source.entry, source.folder),)
        self._seen: _State = {}
        self._seen = self._state()

    async def saves(self) -> AsyncIterator[list[str]]:
        """Yields the files that changed since the last time, by their paths in the source's folder."""
        while True:
            if changed := self.changed():
                yield changed
            await self._wait()

    def changed(self) -> list[str]:
        """The files that look different from the last time they were asked for."""
        before, self._seen = self._seen, self._state()
        digests = {path: look.digest for path, look in before.items()}
        now = {path: look.digest for path, look in self._seen.items()}
        return sorted(path for path in digests.keys() | now if digests.get(path) != now.get(path))

    async def _wait(self) -> None:
        async for _ in awatch(
            *self._folders(),
            recursive=False,
            debounce=100,
            step=50,
            yield_on_timeout=True,
            rust_timeout=_LOOK_MS,
            watch_filter=None,
        ):
            return

    def _state(self) -> _State:
        state = {}
        for folder in self._folders():
            for entry in os.scandir(folder):
                path = os.path.relpath(entry.path, self._folder)
                if entry.is_file() and any(_pattern(one).fullmatch(path) for one in self._patterns):
                    with suppress(OSError):  # gone between two looks
                        state[path] = self._look(path, entry)
        return state

    def _look(self, path: str, entry: os.DirEntry[str]) -> _Look:
        found = entry.stat()
        stamp, last = (found.st_mtime_ns, found.st_size), self._seen.get(path)
        if last is not None and last.stamp == stamp:
            return last
        return _Look(stamp, hashlib.sha256(Path(entry.path).read_bytes()).digest())

    def _folders(self) -> Iterator[Path]:
        for folder, inner, _ in os.walk(self._folder):
            inner[:] = [name for name in inner if name not in _SKIPPED and not name.startswith(".")]
            yield Path(folder)


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    """A pattern such as `src/**/*.rs`; `**` is any number of folders."""
    parts = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob.removeprefix("./"))
    return re.compile("".join(parts.get(piece, re.escape(piece)) for piece in pieces))
