"""Indexes of memories in RAM: opened when they are needed, kept up with the table, the least recently used dropped.

The nearest by meaning are found by comparing all while they are few, and proposed by a graph when they are many. The
graph only names candidates, whose cosines come from the matrix: while it is built, is behind or fails, the same
question is answered exactly, only slower. The immediate tier is in RAM only: the last thousand memories of each
plugin, for a minute.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter, OrderedDict
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from omnicore.errors import InvalidInput
from omnicore.memory.bm25 import Held, WordIndex
from omnicore.memory.candidates import LISTED, nearest
from omnicore.memory.columns import Bools, Floats, Matrix, MemoryColumns, Places, best
from omnicore.memory.tiers import MemoryTier, policy_of
from omnicore.storage.tables.memory import LIVE, NewMemory, Outline, Space
from omnicore.storage.tables.memory_words import rarity
from omnicore.vectors.ann import Graph, GraphFailed, available
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import threading
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor

    from omnicore.clock import Clock
    from omnicore.memory.words import Asked
    from omnicore.storage.tables.memory import MemoryTable


_PAGE = 5000
_REBUILD_SHARE = 0.3
_REBUILD_LEAST = 1000


class MemoryIndex:
    """The columns of one plugin with their lock and the ways to search them. Whoever reads it holds `lock`."""

    def __init__(
        self, columns: MemoryColumns, number: int, make: Callable[[str, threading.RLock], VectorIndex]
    ) -> None:
        self.lock = threading.RLock()
        self.columns = columns
        self.number = number
        self.words = WordIndex(number)
        self.near = {space: make(space, self.lock) for space in ("sense", "given")}
        self.dimensions = 0
        self.languages: frozenset[str] = frozenset()
        self.upto = -1
        self.purged = 0

    @property
    def problems(self) -> list[str]:
        """Reasons why recall is slower than it could be."""
        return [near.problem for near in self.near.values() if near.problem is not None]


class MemoryIndexes:
    """One index for each plugin that has memories. Usable from any thread.

    Args:
        sense_by: the name of the embedder whose vectors count.
        most: memories kept in RAM, all plugins together; the indexes that were used last stay.
        exact_upto, m, ef: see `VectorIndex`.
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
        self._open: OrderedDict[str, MemoryIndex] = OrderedDict()
        self._executor: Executor | None = None
        self.exact_only = False
        """True if graphs are left alone and all is compared, as long as somebody does not trust them."""

    @contextmanager
    def of(self, plugin: str) -> Iterator[MemoryIndex | None]:
        """A plugin's index, as new as the table, for the length of the block; None where there is nothing yet."""
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
        """Drops a plugin's index."""
        with self._lock:
            self._open.pop(plugin, None)

    def problems(self) -> list[str]:
        """Reasons why recall is slower than it could be, of all indexes."""
        with self._lock:
            return [problem for opened in self._open.values() for problem in opened.problems]

    def close(self) -> None:
        """Drops all indexes and waits for what is being built."""
        with self._lock:
            self._open.clear()
            executor, self._executor = self._executor, None
        if isinstance(executor, ThreadPoolExecutor):
            executor.shutdown(wait=True, cancel_futures=True)

    def _opened(self, plugin: str, space: Space) -> MemoryIndex:
        with self._lock:
            found = self._open.get(plugin)
            if found is None or found.number != space.number:
                found = MemoryIndex(MemoryColumns(self._sense_by), space.number, self._vector_index)
                self._open[plugin] = found
            self._open.move_to_end(plugin)
            return found

    def _vector_index(self, space: str, lock: threading.RLock) -> VectorIndex:
        if self._executor is None:
            self._executor = ThreadPoolExecutor(1, "omnicore-memory-index")  # a thread starts with the first graph
        return VectorIndex(
            space,
            exact_upto=self._exact_upto,
            lock=lock,
            executor=self._executor,
            monotonic=self._clock.monotonic,
            exact_only=lambda: self.exact_only,
            m=self._m,
            ef=self._ef,
        )

    def _sync(self, plugin: str, opened: MemoryIndex, space: Space) -> None:
        opened.dimensions = space.dimensions
        if opened.upto != space.sequence:
            languages = self._table.languages(plugin)
            opened.languages = frozenset(languages)
            opened.words.follow(sum(languages.values()))
            opened.upto = space.sequence
        columns = opened.columns
        gone_too_many = columns.gone > max(_REBUILD_LEAST, _REBUILD_SHARE * columns.count)
        # Tombstones that were purged before this copy saw them cannot be followed: it begins anew.
        if gone_too_many or columns.upto < space.purged or (columns.upto == 0 and space.sequence):
            self._load(plugin, opened, space)
        while columns.upto < space.sequence:
            outlines = self._table.outlines(plugin, after=columns.upto, most=_PAGE)
            columns.apply(outlines)
            if len(outlines) < _PAGE:
                columns.upto = max(columns.upto, space.sequence)
            columns = opened.columns

    def _load(self, plugin: str, opened: MemoryIndex, space: Space) -> None:
        columns = MemoryColumns(self._sense_by)
        after = 0
        while True:
            outlines = self._table.outlines(plugin, seq=after, most=_PAGE)
            columns.apply(outlines)
            if len(outlines) < _PAGE:
                break
            after = outlines[-1].seq
        # What changed since `space` was read has a higher number and is asked for again: applying twice is harmless.
        columns.upto = space.sequence
        opened.columns = columns
        opened.near = {name: self._vector_index(name, opened.lock) for name in opened.near}

    def _make_room(self, kept: str) -> None:
        with self._lock:
            total = sum(opened.columns.count for opened in self._open.values())
            for plugin in list(self._open):
                if total <= self._most or plugin == kept:
                    break
                total -= self._open.pop(plugin).columns.count


_PLUGINS = 1_000
_BYTES = 1024 * 1024  # of one plugin: a thousand of the longest texts with their words would be gigabytes
_LENGTH_SHARE, _SATURATION = 0.75, 1.2


@dataclass(slots=True)
class ImmediateMemory:
    """An immediate memory and how often it was recalled."""

    seq: int
    row: NewMemory
    words: Counter[str]
    hits: int = 0


class ImmediateMemories:
    """One plugin's immediate memories, as columns and the words beside them. Whoever uses it holds `lock`."""

    def __init__(self, sense_by: str | None) -> None:
        self.lock = threading.RLock()
        self._sense_by = sense_by
        self._items: OrderedDict[int, ImmediateMemory] = OrderedDict()
        self._next = 1
        self._bytes = 0
        self.columns = MemoryColumns(sense_by)
        self.languages: set[str] = set()

    def add(self, row: NewMemory, now: float) -> tuple[str, bool]:
        """Keeps it and lets the oldest go; the id, and whether it is new.

        Raises: InvalidInput: an embedding of another length than the others have.
        """
        self.expire(now)
        if not self._items:
            self.columns = MemoryColumns(self._sense_by)
        known = self.columns.given.dimensions
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
        self._items[seq] = ImmediateMemory(seq, row, Counter(row.words))
        self._bytes += row.size
        self.columns.apply([_outline(seq, row)])
        if row.language:
            self.languages.add(row.language)
        return row.id, True

    def expire(self, now: float) -> None:
        """Lets go of what is over."""
        while self._items:
            seq, item = next(iter(self._items.items()))
            if item.row.expires_at is None or item.row.expires_at > now:
                break
            self._drop(seq)
        if self.columns.count > 2 * policy_of(MemoryTier.Immediate).cap:
            self.columns = MemoryColumns(self._sense_by)
            self.columns.apply([_outline(seq, item.row) for seq, item in self._items.items()])

    def find(self, words: Sequence[Asked]) -> list[tuple[int, float]]:
        """The numbers of those that hold the words, with BM25."""
        items = self._items.values()
        if not items:
            return []
        asked = set(chain.from_iterable(words))
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

    def held(self, words: Sequence[Asked], allowed: Bools) -> Held:
        """Those of the words that each of them holds, by place."""
        stems = set(chain.from_iterable(words))
        found = {stem: [seq for seq, item in self._items.items() if stem in item.words] for stem in stems}
        places = {stem: np.array(self.columns.places(seqs), np.int64) for stem, seqs in found.items()}
        counted = {stem: len(seqs) for stem, seqs in found.items()}
        return Held.of(words, places, counted, allowed)

    def at(self, seqs: Iterable[int]) -> list[ImmediateMemory]:
        """Some of them by their numbers."""
        return [self._items[seq] for seq in seqs if seq in self._items]

    def named(self, item: str) -> ImmediateMemory | None:
        """One by its id."""
        return next((one for one in self._items.values() if one.row.id == item), None)

    def remove(self, item: str) -> bool:
        """True if it existed."""
        found = self.named(item)
        if found is not None:
            self._drop(found.seq)
        return found is not None

    def all(self) -> list[ImmediateMemory]:
        """All of them, the oldest first."""
        return list(self._items.values())

    def _drop(self, seq: int) -> None:
        row = self._items.pop(seq).row
        self._bytes -= row.size
        self.columns.apply([_outline(seq, row, state=2)])


class ImmediateTier:
    """The immediate memories of all plugins; those that were used last are kept."""

    def __init__(self, sense_by: str | None) -> None:
        self._sense_by = sense_by
        self._lock = threading.Lock()
        self._immediate: OrderedDict[str, ImmediateMemories] = OrderedDict()

    def of(self, plugin: str) -> ImmediateMemories:
        """A plugin's immediate memories."""
        with self._lock:
            recent = self._immediate.get(plugin)
            if recent is None:
                recent = self._immediate[plugin] = ImmediateMemories(self._sense_by)
                if len(self._immediate) > _PLUGINS:
                    self._immediate.popitem(last=False)
            self._immediate.move_to_end(plugin)
            return recent

    def known(self, plugin: str) -> ImmediateMemories | None:
        """A plugin's immediate memories, if it ever had some."""
        with self._lock:
            return self._immediate.get(plugin)

    def drop(self, plugin: str) -> None:
        """Forgets a plugin's immediate memories."""
        with self._lock:
            self._immediate.pop(plugin, None)

    def plugins(self) -> list[str]:
        """Plugins that have immediate memories."""
        with self._lock:
            return list(self._immediate)


def _outline(seq: int, row: NewMemory, state: int = LIVE) -> Outline:
    return Outline(
        *(seq, seq, row.tier, state, row.importance, row.created_at, 0, row.expires_at, row.valid_from, row.valid_to),
        *(row.pinned, 0, row.session, row.speaker, row.given, row.sense, row.sense_by, row.hash),
    )


_log = logging.getLogger(__name__)
_SLICE = 500
_TAIL = 2000  # memories that wait for the graph; each is looked at meanwhile
_AGAIN_S = 60.0


class VectorIndex:
    """The graph over one space of an index.

    Args:
        exact_upto: so many allowed memories are looked at one by one: at 256 numbers 20,000 take 1 to 2 ms.
        lock: the lock of the index; whoever calls `places` holds it.
        executor: runs the building; None builds no graph.
        monotonic: seconds, for the wait after a failure.
        exact_only: whether the graph is left alone now.
        m, ef: links of each memory in the graph, and candidates looked at while searching and building.
    """

    def __init__(
        self,
        space: str,
        *,
        exact_upto: int,
        lock: threading.RLock,
        executor: Executor | None,
        monotonic: Callable[[], float],
        exact_only: Callable[[], bool] = lambda: False,
        m: int = 16,
        ef: int = 100,
    ) -> None:
        self._space = space
        self._exact_upto = exact_upto
        self._lock = lock
        self._executor = executor if available() else None
        self._monotonic = monotonic
        self._exact_only = exact_only
        self._m, self._ef = m, ef
        self._graph: Graph | None = None
        self._upto = 0
        self._building = False
        self._failed_at: float | None = None
        self.problem: str | None = None

    @property
    def ready(self) -> bool:
        """True if a graph is in use."""
        return self._graph is not None

    def places(self, columns: MemoryColumns, query: Floats, allowed: Bools) -> Places:
        """The places of about the nearest `LISTED` that are allowed."""
        open_count = int(np.count_nonzero(allowed))
        if open_count <= self._exact_upto:
            return self._exact(columns, query, allowed, open_count)
        self._keep_up(columns)
        if self._graph is not None and not self._exact_only():
            found = self._proposed(columns, self._graph, query, allowed, open_count)
            if found is not None:
                return found
        return nearest(columns, self._space, query, allowed)

    def _exact(self, columns: MemoryColumns, query: Floats, allowed: Bools, open_count: int) -> Places:
        if open_count * 4 > columns.count:
            return nearest(columns, self._space, query, allowed)
        matrix = self._matrix(columns)
        places = np.flatnonzero(allowed)
        places = places[matrix.has(places)]
        return places[best(matrix.scores(query, places), LISTED)]

    def _proposed(
        self, columns: MemoryColumns, graph: Graph, query: Floats, allowed: Bools, open_count: int
    ) -> Places | None:
        matrix = self._matrix(columns)
        # The rarer the allowed ones are, the more must be asked for; far beyond that, looking at each is cheaper.
        wanted = int(LISTED * 1.5 * columns.count / open_count) + 1
        try:
            found = graph.search(query, wanted)
        except GraphFailed as error:
            self._fail(str(error))
            return None
        tail = np.arange(self._upto, columns.count)
        places = np.concatenate([found[found < columns.count], tail[matrix.has(tail)]])
        places = places[allowed[places]]
        return places[best(matrix.scores(query, places), LISTED)] if len(places) >= LISTED else None

    def _keep_up(self, columns: MemoryColumns) -> None:
        behind = columns.count - self._upto
        waits = self._failed_at is not None and self._monotonic() - self._failed_at < _AGAIN_S
        if self._executor is None or self._building or waits or (self._graph is not None and behind < _TAIL):
            return
        self._building = True
        self._executor.submit(self._build, columns)

    def _build(self, columns: MemoryColumns) -> None:
        try:
            with self._lock:
                matrix, graph, upto = self._matrix(columns), self._graph, self._upto
            graph = graph or Graph(matrix.dimensions, "cosine", m=self._m, ef=self._ef)
            while True:
                with self._lock:  # a copy of a slice: the matrix moves when it grows
                    places = np.arange(upto, min(upto + _SLICE, columns.count))
                    labels = places[matrix.has(places)]
                    rows = matrix.rows(labels)
                if len(labels):
                    graph.add(labels, rows)
                if not len(places):
                    break
                upto = int(places[-1]) + 1
            with self._lock:
                self._graph, self._upto = graph, upto
                self._failed_at = self.problem = None
        except GraphFailed as error:
            self._fail(str(error))
        finally:
            self._building = False

    def _fail(self, problem: str) -> None:
        """Looks at each memory from now on, and builds anew in a while."""
        _log.warning("the index of memories failed: %s; recall looks at each of them", problem)
        with self._lock:
            self._graph, self._upto = None, 0
            self._failed_at = self._monotonic()
            self.problem = problem

    def _matrix(self, columns: MemoryColumns) -> Matrix:
        return columns.sense if self._space == "sense" else columns.given
