"""The shelves of all plugins: opened when they are needed, kept up with the table, the oldest let go.

The immediate tier: the last thousand things of each plugin, for a minute, in RAM only.
"""

from __future__ import annotations

import threading
from collections import Counter, OrderedDict
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

from omnicore.errors import InvalidInput
from omnicore.memory.ann import Nearby
from omnicore.memory.bm25 import WordFinder
from omnicore.memory.columns import Shelf
from omnicore.memory.tiers import MemoryTier, policy_of
from omnicore.storage.tables.memory import LIVE, NewMemory, Outline, Space
from omnicore.storage.tables.memory_words import rarity

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from omnicore.clock import Clock
    from omnicore.storage.tables.memory import MemoryTable

__all__ = ["OpenShelf", "Ring", "Rings", "Scratch", "Shelves"]


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
        """True if graphs are left alone and all is compared, as long as somebody does not trust them."""

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


_PLUGINS = 1_000
_BYTES = 1024 * 1024  # of one plugin: a thousand of the longest texts with their words would be gigabytes
_LENGTH_SHARE, _SATURATION = 0.75, 1.2


@dataclass(slots=True)
class Scratch:
    """An immediate memory and how often it was recalled."""

    seq: int
    row: NewMemory
    words: Counter[str]
    hits: int = 0


class Ring:
    """One plugin's immediate memories, as a shelf and the words beside it. Whoever uses it holds `lock`."""

    def __init__(self, sense_by: str | None) -> None:
        self.lock = threading.RLock()
        self._sense_by = sense_by
        self._items: OrderedDict[int, Scratch] = OrderedDict()
        self._next = 1
        self._bytes = 0
        self.shelf = Shelf(sense_by)

    def add(self, row: NewMemory, now: float) -> tuple[str, bool]:
        """Keeps it and lets the oldest go; the id, and whether it is new.

        Raises: InvalidInput: an embedding of another length than the others have.
        """
        self.expire(now)
        if not self._items:
            self.shelf = Shelf(self._sense_by)
        known = self.shelf.given.dimensions
        if row.given is not None and known not in (0, len(row.given) // 4):
            raise InvalidInput(
                f"an embedding of {len(row.given) // 4} numbers does not fit the {known} of the memories",
                remedy="use one embedding model, or wait until those that are there are over",
                dimensions=known,
            )
        for item in self._items.values():
            if item.row.hash == row.hash:
                item.hits += 1
                return item.row.id, False
        while self._items and (
            len(self._items) >= policy_of(MemoryTier.Immediate).cap or self._bytes + row.size > _BYTES
        ):
            self._drop(next(iter(self._items)))
        seq, self._next = self._next, self._next + 1
        self._items[seq] = Scratch(seq, row, Counter(row.words))
        self._bytes += row.size
        self.shelf.apply([_outline(seq, row)])
        return row.id, True

    def expire(self, now: float) -> None:
        """Lets go of what is over."""
        while self._items:
            seq, item = next(iter(self._items.items()))
            if item.row.expires_at is None or item.row.expires_at > now:
                break
            self._drop(seq)
        if self.shelf.count > 2 * policy_of(MemoryTier.Immediate).cap:
            self.shelf = Shelf(self._sense_by)
            self.shelf.apply([_outline(seq, item.row) for seq, item in self._items.items()])

    def find(self, words: Sequence[str]) -> list[tuple[int, float]]:
        """The numbers of those that hold the words, with BM25."""
        items = self._items.values()
        if not items:
            return []
        asked = set(words)
        usual = sum(len(item.row.words) for item in items) / len(items)
        counts = {word: sum(word in item.words for item in items) for word in asked}
        found = []
        for item in items:
            score = 0.0
            for word in asked & item.words.keys():
                times = item.words[word]
                longer = 1 - _LENGTH_SHARE + _LENGTH_SHARE * len(item.row.words) / max(usual, 1)
                part = times * (_SATURATION + 1) / (times + _SATURATION * longer)
                score += rarity(counts[word], len(items)) * part
            if score:
                found.append((item.seq, score))
        return found

    def at(self, seqs: Iterable[int]) -> list[Scratch]:
        """Some of them by their numbers."""
        return [self._items[seq] for seq in seqs if seq in self._items]

    def named(self, item: str) -> Scratch | None:
        """One by its id."""
        return next((one for one in self._items.values() if one.row.id == item), None)

    def remove(self, item: str) -> bool:
        """True if it existed."""
        found = self.named(item)
        if found is not None:
            self._drop(found.seq)
        return found is not None

    def all(self) -> list[Scratch]:
        """All of them, the oldest first."""
        return list(self._items.values())

    def _drop(self, seq: int) -> None:
        row = self._items.pop(seq).row
        self._bytes -= row.size
        self.shelf.apply([_outline(seq, row, state=2)])


class Rings:
    """The rings of all plugins; those that were used last are kept."""

    def __init__(self, sense_by: str | None) -> None:
        self._sense_by = sense_by
        self._lock = threading.Lock()
        self._rings: OrderedDict[str, Ring] = OrderedDict()

    def of(self, plugin: str) -> Ring:
        """A plugin's ring."""
        with self._lock:
            ring = self._rings.get(plugin)
            if ring is None:
                ring = self._rings[plugin] = Ring(self._sense_by)
                if len(self._rings) > _PLUGINS:
                    self._rings.popitem(last=False)
            self._rings.move_to_end(plugin)
            return ring

    def known(self, plugin: str) -> Ring | None:
        """A plugin's ring, if it has one."""
        with self._lock:
            return self._rings.get(plugin)

    def drop(self, plugin: str) -> None:
        """Forgets a plugin's ring."""
        with self._lock:
            self._rings.pop(plugin, None)

    def plugins(self) -> list[str]:
        """Who has a ring."""
        with self._lock:
            return list(self._rings)


def _outline(seq: int, row: NewMemory, state: int = LIVE) -> Outline:
    return Outline(
        seq=seq,
        changed=seq,
        tier=row.tier,
        state=state,
        importance=row.importance,
        created_at=row.created_at,
        hits=0,
        expires_at=row.expires_at,
        valid_from=row.valid_from,
        valid_to=row.valid_to,
        pinned=int(row.pinned),
        superseded=0,
        session=row.session,
        speaker=row.speaker,
        given=row.given,
        sense=row.sense,
        sense_by=row.sense_by,
        hash=row.hash,
    )
