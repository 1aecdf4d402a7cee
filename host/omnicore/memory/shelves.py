"""The shelves of all plugins: opened when they are needed, kept up with the table, the oldest let go."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager

from omnicore.clock import Clock
from omnicore.memory.nearby import Nearby
from omnicore.memory.shelf import Shelf
from omnicore.memory.wordfind import WordFinder
from omnicore.storage.tables.memory import MemoryTable
from omnicore.storage.tables.memory_rows import Space

__all__ = ["OpenShelf", "Shelves"]

_PAGE = 5000
_REBUILD_SHARE = 0.3
_REBUILD_LEAST = 1000


class OpenShelf:
    """A shelf with its lock and the ways to search it. Whoever reads it holds `lock`."""

    def __init__(self, shelf: Shelf, number: int, make: Callable[[str, threading.RLock], Nearby]) -> None:
        self.lock = threading.RLock()
        self.shelf = shelf
        self.number = number
        self.words = WordFinder(number)
        self.near = {space: make(space, self.lock) for space in ("sense", "given")}
        self.dimensions = 0
        self.purged = 0

    @property
    def problems(self) -> list[str]:
        """Why recall is slower than it could be."""
        return [near.problem for near in self.near.values() if near.problem is not None]


class Shelves:
    """One shelf for each plugin that remembers. Usable from any thread.

    Args:
        sense_by: the name of the embedder whose vectors count.
        most: memories kept in RAM, all plugins together; the shelves that were used last stay.
        exact_upto, m, ef: see `Nearby`.
    """

    def __init__(
        self,
        table: MemoryTable,
        *,
        clock: Clock,
        sense_by: str | None,
        most: int,
        exact_upto: int,
        m: int = 16,
        ef: int = 100,
    ) -> None:
        self._table = table
        self._clock = clock
        self._sense_by = sense_by
        self._most = most
        self._exact_upto, self._m, self._ef = exact_upto, m, ef
        self._lock = threading.Lock()
        self._open: OrderedDict[str, OpenShelf] = OrderedDict()
        self._executor: Executor | None = None
        self.exact_only = False
        """Whether graphs are left alone and all is compared, as long as somebody does not trust them."""

    @contextmanager
    def of(self, plugin: str) -> Iterator[OpenShelf | None]:
        """A plugin's shelf, as new as the table, for the length of the block; None where there is nothing yet."""
        space = self._table.space(plugin)
        if space is None:
            yield None
            return
        opened = self._opened(plugin, space)
        with opened.lock:
            self._sync(plugin, opened, space)
            yield opened
        self._make_room(plugin)

    def drop(self, plugin: str) -> None:
        """Lets go of a plugin's shelf."""
        with self._lock:
            self._open.pop(plugin, None)

    def problems(self) -> list[str]:
        """Why recall is slower than it could be, of all shelves."""
        with self._lock:
            return [problem for opened in self._open.values() for problem in opened.problems]

    def close(self) -> None:
        """Lets go of all shelves and waits for what is being built."""
        with self._lock:
            self._open.clear()
            executor, self._executor = self._executor, None
        if isinstance(executor, ThreadPoolExecutor):
            executor.shutdown(wait=True, cancel_futures=True)

    def _opened(self, plugin: str, space: Space) -> OpenShelf:
        with self._lock:
            found = self._open.get(plugin)
            if found is None or found.number != space.number:
                found = OpenShelf(Shelf(self._sense_by), space.number, self._nearby)
                self._open[plugin] = found
            self._open.move_to_end(plugin)
            return found

    def _nearby(self, space: str, lock: threading.RLock) -> Nearby:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "omnicore-memory-index")  # a thread starts with the first graph
        return Nearby(
            space,
            exact_upto=self._exact_upto,
            lock=lock,
            executor=self._executor,
            monotonic=self._clock.monotonic,
            exact_only=lambda: self.exact_only,
            m=self._m,
            ef=self._ef,
        )

    def _sync(self, plugin: str, opened: OpenShelf, space: Space) -> None:
        opened.dimensions = space.dimensions
        shelf = opened.shelf
        gone_too_many = shelf.gone > max(_REBUILD_LEAST, _REBUILD_SHARE * shelf.count)
        # Tombstones that were purged before this copy saw them cannot be followed: it begins anew.
        if gone_too_many or shelf.upto < space.purged or (shelf.upto == 0 and space.sequence):
            self._load(plugin, opened, space)
        while shelf.upto < space.sequence:
            outlines = self._table.outlines(plugin, after=shelf.upto, most=_PAGE)
            shelf.apply(outlines)
            if len(outlines) < _PAGE:
                shelf.upto = max(shelf.upto, space.sequence)
            shelf = opened.shelf

    def _load(self, plugin: str, opened: OpenShelf, space: Space) -> None:
        shelf = Shelf(self._sense_by)
        after = 0
        while True:
            outlines = self._table.outlines(plugin, seq=after, most=_PAGE)
            shelf.apply(outlines)
            if len(outlines) < _PAGE:
                break
            after = outlines[-1].seq
        # What changed since `space` was read has a higher number and is asked for again: applying twice is harmless.
        shelf.upto = space.sequence
        opened.shelf = shelf
        opened.near = {name: self._nearby(name, opened.lock) for name in opened.near}

    def _make_room(self, kept: str) -> None:
        with self._lock:
            total = sum(opened.shelf.count for opened in self._open.values())
            for plugin in list(self._open):
                if total <= self._most or plugin == kept:
                    break
                total -= self._open.pop(plugin).shelf.count
