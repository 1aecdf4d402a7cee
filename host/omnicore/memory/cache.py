"""Indexes of memories in RAM: opened when they are needed, kept up with the table, the least recently used dropped.

The nearest by meaning are found by comparing all while they are few, and proposed by a graph when they are many. The
graph only names candidates, whose cosines come from the matrix: while it is built, is behind or fails, the same
question is answered exactly, only slower. The immediate tier is in RAM only: the last thousand memories of each
plugin, for a minute.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import Counter, OrderedDict
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import chain
from time import perf_counter, thread_time
from typing import TYPE_CHECKING

from omnicore.errors import InvalidInput, OmniError, StorageFailed
from omnicore.memory.bm25 import FewWords, HeldWords, WordIndex
from omnicore.memory.candidates import LISTED, nearest
from omnicore.memory.columns import Bools, Floats, Matrix, MemoryColumns, Places, best
from omnicore.memory.index_file import (
    DEAD_WHEN_WRITTEN,
    SPACES,
    IndexFileBroken,
    IndexFiles,
    divided_in,
    draft_of,
    opened_columns,
    opened_partition,
    stale,
)
from omnicore.memory.partition import NOWHERE, Partition, centre_count, centres_of, lists_of, sample_size
from omnicore.memory.selection import FilteredValues
from omnicore.memory.tiers import MemoryTier, policy_of
from omnicore.storage.tables.memory import LIVE, NewMemory, Outline, Space
from omnicore.storage.tables.memory_words import rarity
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence
    from concurrent.futures import Executor
    from pathlib import Path

    from omnicore.clock import Clock
    from omnicore.memory.index_file import OpenIndexFile
    from omnicore.memory.words import Asked
    from omnicore.storage.tables.memory import MemoryTable


_PAGE = 5000
_REBUILD_SHARE = 0.3
_REBUILD_LEAST = 1000
_CHANGES_LEAST = 2000  # behind a file: following them takes 50 ms
_CHANGES_SHARE = 0.1


class MemoryIndex:
    """The columns of one plugin with their lock and the ways to search them. Whoever reads it holds `lock`."""

    def __init__(
        self, columns: MemoryColumns, number: int, make: Callable[[str, threading.RLock], VectorIndex]
    ) -> None:
        self.lock = threading.RLock()
        self.columns = columns
        self.number = number
        self.words = WordIndex(number)
        self.few = FewWords()
        self.values = FilteredValues()
        self.near = {space: make(space, self.lock) for space in SPACES}
        self.dimensions = 0
        self.copy = IndexCopy()
        self.problem: str | None = None
        self.languages: frozenset[str] = frozenset()
        self.upto = -1

    @property
    def problems(self) -> list[str]:
        """Reasons why recall is slower than it could be."""
        found = [near.problem for near in self.near.values() if near.problem is not None]
        return found if self.problem is None else [*found, self.problem]


@dataclass(slots=True)
class IndexCopy:
    """The file that an index has: its token, up to which change it goes, and the partitions it holds."""

    token: str | None = None
    upto: int = 0
    at: float = -math.inf
    writing: bool = False
    divided: tuple[str, ...] = ()


class MemoryIndexes:
    """One index for each plugin that has memories. Usable from any thread.

    Args:
        sense_by: the name of the embedder whose vectors count.
        most: memories kept in RAM, all plugins together; the indexes that were used last stay.
        exact_upto: see `VectorIndex`.
        folder: where indexes are kept for the next start; None keeps none.
        file_least: memories from which on an index has a file: fewer are read in a fifth of a second.
        file_every_s: the least time between two files of an index.
    """

    def __init__(
        self,
        table: MemoryTable,
        *,
        clock: Clock,
        sense_by: str | None,
        most: int,
        exact_upto: int,
        folder: Path | None = None,
        file_least: int = 5_000,
        file_every_s: float = 60.0,
    ) -> None:
        self._table = table
        self._clock = clock
        self._sense_by = sense_by
        self._most = most
        self._exact_upto = exact_upto
        self._files = None if folder is None else IndexFiles(folder)
        self._file_least, self._file_every_s = file_least, file_every_s
        self._lock = threading.Lock()
        self._open: OrderedDict[str, MemoryIndex] = OrderedDict()
        self._tended: dict[str, tuple[str, int]] = {}
        self._executor: Executor | None = None
        self._closing = threading.Event()
        self.exact_only = False
        """True if partitions are left alone and all is compared, as long as somebody does not trust them."""

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
            self._keep(plugin, opened, space)
            yield opened
        self._make_room(plugin)

    def forget(self, plugin: str, seqs: Sequence[int], now: float) -> int:
        """Erases memories from the table and from the plugin's file, and returns how many there were."""
        gone = self._table.forget(plugin, seqs, now)
        if gone:
            self._erase(plugin, seqs)
        return gone

    def erase(self, plugin: str, items: Sequence[str], now: float) -> list[str]:
        """Erases memories with all that was made of them, as `MemoryTable.erase`, from the plugin's file too."""
        gone = self._table.erase(plugin, items, now)
        if gone and self._files is not None:
            self._erase(plugin, self._table.seqs(plugin, gone))
        return gone

    def drop(self, plugin: str) -> None:
        """Drops a plugin's index and its file."""
        with self._lock:
            self._open.pop(plugin, None)
        if self._files is not None:
            self._files.remove(plugin)

    def tend(self) -> None:
        """Follows the table in all files: what other processes have forgotten must not outlive that here."""
        for plugin in self._files.owners() if self._files is not None else ():
            with self._lock:
                opened = plugin in self._open
            if opened:
                with self.of(plugin):
                    continue
            self._tend(plugin)

    def problems(self) -> list[str]:
        """Reasons why recall is slower than it could be, of all indexes."""
        with self._lock:
            return [problem for opened in self._open.values() for problem in opened.problems]

    def close(self) -> None:
        """Drops all indexes, waits for what is being built, and writes the files of those that have changed much."""
        self._closing.set()
        with self._lock:
            opened = list(self._open.items())
            executor, self._executor = self._executor, None
        if isinstance(executor, ThreadPoolExecutor):
            executor.shutdown(wait=True, cancel_futures=True)
        for plugin, index in opened:
            index.copy.writing = False  # it was not begun any more
            with suppress(OmniError):  # the database may be gone already, and a start can do without the file
                space = self._table.space(plugin)
                if space is not None and self._wants_file(index, space, ending=True):
                    self._write(plugin, index)
        with self._lock:
            self._open.clear()
        if self._files is not None:
            self._files.close()

    def _opened(self, plugin: str, space: Space) -> MemoryIndex:
        with self._lock:
            found = self._open.get(plugin)
            if found is None or found.number != space.number:
                found = MemoryIndex(MemoryColumns(self._sense_by), space.number, self._vector_index)
                self._open[plugin] = found
            self._open.move_to_end(plugin)
            return found

    def _vector_index(self, space: str, lock: threading.RLock) -> VectorIndex:
        return VectorIndex(
            space,
            exact_upto=self._exact_upto,
            lock=lock,
            executor=self._worker(),
            monotonic=self._clock.monotonic,
            exact_only=lambda: self.exact_only,
            stopping=self._closing,
        )

    def _worker(self) -> Executor:
        if self._executor is None:
            # One divides, another writes. A thread starts with the first work.
            self._executor = ThreadPoolExecutor(2, "omnicore-memory-index")
        return self._executor

    def _sync(self, plugin: str, opened: MemoryIndex, space: Space) -> None:
        opened.dimensions = space.dimensions
        if opened.upto != space.sequence:
            languages = self._table.languages(plugin)
            opened.languages = frozenset(languages)
            opened.words.follow(sum(languages.values()))
            opened.upto = space.sequence
        columns = opened.columns
        if columns.upto == 0 and space.sequence:
            self._restore(plugin, opened, space)
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
        if columns.erased:
            self._erase(plugin, columns.erased)
            if not opened.copy.writing:
                columns.erased = []

    def _erase(self, plugin: str, seqs: Sequence[int]) -> None:
        try:
            if self._files is not None:
                self._files.erase(plugin, seqs)
        except (OSError, StorageFailed) as error:  # `tend` removes a file that cannot be followed any more
            _log.warning("forgotten memories of %s are still in its index file: %s", plugin, error)

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
        self._take(opened, columns, IndexCopy())

    def _take(self, opened: MemoryIndex, columns: MemoryColumns, copy: IndexCopy) -> None:
        opened.columns, opened.copy = columns, copy
        opened.near = {name: self._vector_index(name, opened.lock) for name in opened.near}

    def _restore(self, plugin: str, opened: MemoryIndex, space: Space) -> None:
        """Takes the index from its file, if that belongs to the table as it is."""
        if self._files is None:
            return
        try:
            found = self._files.open(plugin)
            if found is None or found.head.sense_by != self._sense_by:
                return
            self._check(found, space)
            columns = opened_columns(found, self._sense_by)
        except (IndexFileBroken, OSError, StorageFailed) as error:
            _log.warning("the index file of %s is not used and made anew: %s", plugin, error)
            with suppress(OSError, StorageFailed):
                self._files.remove(plugin)
            return
        self._take(opened, columns, IndexCopy(found.head.token, found.head.upto, self._clock.monotonic()))
        for name in SPACES:
            partition = opened_partition(found, name)
            if partition is not None:
                opened.near[name].adopt(columns, partition)
                opened.copy.divided += (name,)

    def _check(self, found: OpenIndexFile, space: Space) -> None:
        reason = stale(found.head, space)
        if reason is not None:
            raise IndexFileBroken(reason)
        arrays = found.arrays
        erased = ~arrays["kept"] & (arrays["hits"] != DEAD_WHEN_WRITTEN)
        # A backup from before the forgetting brings them back, without what was erased here.
        if self._table.fetch(space.plugin, arrays["seq"][erased].tolist()):
            raise IndexFileBroken("the database holds memories that were erased from the file")

    def _tend(self, plugin: str) -> None:
        files = self._files
        space = self._table.space(plugin)
        head = files.head(plugin) if files is not None else None
        if files is None or head is None:
            return
        if space is None or stale(head, space) is not None:
            files.remove(plugin)
            return
        token, after = self._tended.get(plugin, ("", 0))
        after = after if token == head.token else head.upto
        while after < space.sequence:
            outlines = self._table.outlines(plugin, after=after, most=_PAGE)
            files.erase(plugin, [one.seq for one in outlines if one.state > LIVE + 1])
            after = outlines[-1].changed if len(outlines) == _PAGE else space.sequence
        self._tended[plugin] = (head.token, after)

    def _keep(self, plugin: str, opened: MemoryIndex, space: Space) -> None:
        """Has the file written aside when it is due."""
        if self._wants_file(opened, space) and not self._closing.is_set():
            opened.copy.writing = True
            self._worker().submit(self._write, plugin, opened)

    def _wants_file(self, opened: MemoryIndex, space: Space, *, ending: bool = False) -> bool:
        copy, columns = opened.copy, opened.columns
        if self._files is None or copy.writing or columns.count - columns.gone < self._file_least:
            return False
        divided = tuple(name for name, near in opened.near.items() if near.ready and not near.building)
        changed = columns.upto - copy.upto
        due = (
            copy.token is None
            or space.purged > copy.upto
            or changed > max(_CHANGES_LEAST, _CHANGES_SHARE * columns.count)
            or not set(divided) <= set(copy.divided)
            or (ending and changed > _CHANGES_LEAST)
        )
        waited = self._clock.monotonic() - copy.at >= self._file_every_s
        return due and (waited or ending)

    def _write(self, plugin: str, opened: MemoryIndex) -> None:
        """Writes the index's file, if this process may, and maps it in place of what it holds in memory."""
        files = self._files
        try:
            if files is not None and files.may_write():
                self._write_to(files, plugin, opened)
            opened.problem = None
        except Exception as error:  # a full disk: recall goes on, and the next start takes longer
            _log.warning("the index file of %s was not written: %s", plugin, error)
            opened.problem = f"its file was not written: {error}"
        finally:
            with opened.lock:
                opened.copy.writing = False
                opened.copy.at = self._clock.monotonic()

    def _write_to(self, files: IndexFiles, plugin: str, opened: MemoryIndex) -> None:
        with opened.lock:
            columns = opened.columns
            opened.copy.writing = True
            columns.erased = []
            partitions = {name: near.partition for name, near in opened.near.items()}
            draft = draft_of(plugin, columns, partitions, opened.lock)
        head, partial = files.write(draft)
        try:
            with opened.lock, files.changing():
                space = self._table.space(plugin)
                if space is None or space.number != opened.number or opened.columns is not columns:
                    return
                self._follow(plugin, columns, space)
                # Forgotten while the file was written: it is not in its place yet.
                files.erase_in(partial, columns.erased)
                columns.erased = []
                if not partial.exists() or not self._table.vouch(plugin, space.number, head.token, opened.copy.token):
                    return
                files.publish(plugin, partial)
                opened.copy = IndexCopy(head.token, head.upto, divided=divided_in(head))
            found = files.open(plugin)
            if found is not None and found.head.token == head.token:
                with opened.lock:
                    for name in SPACES:
                        matrix = getattr(columns, name)
                        if name in found.arrays:
                            matrix.rebase(found.arrays[name])
        finally:
            partial.unlink(missing_ok=True)

    def _follow(self, plugin: str, columns: MemoryColumns, space: Space) -> None:
        while columns.upto < space.sequence:
            outlines = self._table.outlines(plugin, after=columns.upto, most=_PAGE)
            columns.apply(outlines)
            if len(outlines) < _PAGE:
                columns.upto = max(columns.upto, space.sequence)

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

    def held(self, words: Sequence[Asked], allowed: Bools) -> HeldWords:
        """Those of the words that each of them holds, by place."""
        stems = set(chain.from_iterable(words))
        found = {stem: [seq for seq, item in self._items.items() if stem in item.words] for stem in stems}
        places = {stem: np.array(self.columns.places(seqs), np.int64) for stem, seqs in found.items() if seqs}
        counted = {stem: len(seqs) for stem, seqs in found.items()}
        return HeldWords.of(words, places, counted, allowed)

    def at(self, seqs: Iterable[int]) -> list[ImmediateMemory]:
        """Some of them by their numbers."""
        return [self._items[seq] for seq in seqs if seq in self._items]

    def rows(self, seqs: Iterable[int]) -> list[NewMemory]:
        """The rows of some of them by their numbers."""
        return [one.row for one in self.at(seqs)]

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
        *(row.user_id, row.agent_id, row.app_id),
    )


_log = logging.getLogger(__name__)
_SLICE = 4096
_TAIL = 2000  # memories that wait for the partition; each is looked at meanwhile
_AGAIN_S = 60.0
_SPAN = 4.0  # seconds for each of work: half a processor, as the library for products takes two
_ANEW = 3  # times as many as when the centres were found
_STEP_SHARE = 0.1


class Stopped(Exception):
    """The building ends because the host does."""


class Pace:
    """Rests between the steps of a work, so that it takes half of a processor. Raises: Stopped."""

    def __init__(self, stopping: threading.Event, span: float = _SPAN) -> None:
        self._stopping = stopping
        self._span = span
        self._worked, self._since = thread_time(), perf_counter()

    def __call__(self) -> None:
        # Of a busy machine it gets less than that anyway.
        rest = self._span * (thread_time() - self._worked) - (perf_counter() - self._since)
        if self._stopping.wait(min(1.0, max(rest, 0.0))):
            raise Stopped
        self._worked, self._since = thread_time(), perf_counter()


class VectorIndex:
    """The partition of one space of an index.

    Args:
        exact_upto: so many allowed memories are looked at one by one: at 256 numbers 20,000 take 1 to 2 ms.
        lock: the lock of the index; whoever calls `places` holds it.
        executor: runs the building; None builds no partition.
        monotonic: seconds, for the wait after a failure.
        exact_only: whether the partition is left alone now.
        stopping: ends the building.
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
        stopping: threading.Event | None = None,
    ) -> None:
        self._space = space
        self._exact_upto = exact_upto
        self._lock = lock
        self._executor = executor
        self._monotonic = monotonic
        self._exact_only = exact_only
        self._stopping = stopping or threading.Event()
        self._trained = 0
        self._failed_at: float | None = None
        self.partition: Partition | None = None
        self.building = False
        self.problem: str | None = None

    @property
    def ready(self) -> bool:
        """True if a partition is in use."""
        return self.partition is not None

    def adopt(self, columns: MemoryColumns, partition: Partition) -> None:
        """Takes a partition into use."""
        self.partition, self._trained = partition, partition.upto
        self._matrix(columns).divided = partition.upto

    def places(self, columns: MemoryColumns, query: Floats, allowed: Bools) -> Places:
        """The places of about the nearest `LISTED` that are allowed."""
        open_count = int(np.count_nonzero(allowed))
        if open_count <= self._exact_upto:
            return self._exact(columns, query, allowed, open_count)
        self._keep_up(columns)
        if self.partition is not None and not self._exact_only():
            try:
                found = self._proposed(columns, self.partition, query, allowed, open_count)
            except Exception as error:  # whatever it is, looking at each answers
                self._fail(str(error) or type(error).__name__)
                found = None
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
        self, columns: MemoryColumns, partition: Partition, query: Floats, allowed: Bools, open_count: int
    ) -> Places | None:
        matrix = self._matrix(columns)
        found = partition.near(query, allowed[: partition.upto], open_count / columns.count)
        tail = np.arange(partition.upto, columns.count)
        if matrix.moved:
            moved = np.array(sorted(place for place in matrix.moved if place < partition.upto), np.int64)
            tail = np.concatenate([np.setdiff1d(moved, found), tail])
        tail = tail[allowed[tail]]
        places = np.concatenate([found, tail[matrix.has(tail)]])
        return places[best(matrix.scores(query, places), LISTED)] if len(places) >= LISTED else None

    def _keep_up(self, columns: MemoryColumns) -> None:
        matrix = self._matrix(columns)
        behind = columns.count - (0 if self.partition is None else self.partition.upto) + len(matrix.moved)
        waits = self._failed_at is not None and self._monotonic() - self._failed_at < _AGAIN_S
        if self._executor is None or self.building or waits or not matrix.count or (self.ready and behind < _TAIL):
            return
        self.building = True
        try:
            self._executor.submit(self._build, columns)
        except RuntimeError:  # the host ends
            self.building = False

    def _build(self, columns: MemoryColumns) -> None:
        pace = Pace(self._stopping)
        try:
            partition = self.partition
            if partition is None or columns.count > _ANEW * self._trained:
                partition = self._trained_on(columns, pace)
            self._divide(columns, partition, pace)
        except Stopped:
            return
        except Exception as error:  # of memory, say: whatever it is, looking at each answers
            self._fail(str(error) or type(error).__name__)
        finally:
            self.building = False

    def _trained_on(self, columns: MemoryColumns, pace: Pace) -> Partition:
        """A partition with centres found anew, which holds nothing yet."""
        with self._lock:
            matrix = self._matrix(columns)
            there = np.flatnonzero(matrix.has(np.arange(columns.count)))
            some = there[np.linspace(0, len(there) - 1, sample_size(len(there))).astype(np.int64)]
            sample = matrix.rows(some)
        centres = centres_of(sample, centre_count(len(there)), pace)
        return Partition(centres, np.zeros(0, np.int16))

    def _divide(self, columns: MemoryColumns, partition: Partition, pace: Pace) -> None:
        """Enters what is in no list yet. What is done is in use each time that it has grown by a tenth."""
        matrix = self._matrix(columns)
        with self._lock:
            moved = np.array(sorted(place for place in matrix.moved if place < partition.upto), np.int64)
            matrix.moved.difference_update(moved.tolist())
            rows = matrix.rows(moved)
        again = lists_of(rows, partition.centres, pace)
        lists, upto = [np.array(partition.lists)], partition.upto
        lists[0][moved] = again
        while True:
            with self._lock:  # a copy of a slice: the matrix moves when it grows
                places = np.arange(upto, min(upto + _SLICE, columns.count))
                there = matrix.has(places)
                rows = matrix.rows(places[there])
                matrix.divided = max(matrix.divided, upto + len(places))
                matrix.moved.difference_update(places.tolist() if matrix.moved else ())
            new = np.full(len(places), NOWHERE, np.int16)
            new[there] = lists_of(rows, partition.centres, pace)
            lists.append(new)
            upto += len(places)
            done = upto >= columns.count
            if done or upto - (self.partition.upto if self.partition else 0) > max(_SLICE, _STEP_SHARE * upto):
                lists = [np.concatenate(lists)]
                grown = Partition(partition.centres, lists[0])
                with self._lock:
                    if done or self.partition is None or grown.upto >= self.partition.upto:
                        self.partition = grown
                        self._trained = self._trained if partition.upto else columns.count
                        self._failed_at = self.problem = None
            if done:
                return

    def _fail(self, problem: str) -> None:
        """Looks at each memory from now on, and builds anew in a while."""
        _log.warning("the index of memories failed: %s; recall looks at each of them", problem)
        with self._lock:
            self.partition, self._trained = None, 0
            self._failed_at = self._monotonic()
            self.problem = problem

    def _matrix(self, columns: MemoryColumns) -> Matrix:
        return columns.sense if self._space == "sense" else columns.given
