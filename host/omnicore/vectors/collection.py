"""A collection in memory: its vectors, perhaps a graph, the labels that pass a filter, and the searches of all of them.

Collections in memory are those used last, within a number of vectors and of bytes.
"""

from __future__ import annotations

import json
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from omnicore.errors import StorageFailed
from omnicore.filters import Combination, Condition, MetadataFilter, equalities
from omnicore.vectors.ann import Graph, GraphFailed
from omnicore.vectors.exact import ExactIndex, Floats, Labels, Matrix, Rows, directed, distances, nearest, prepared
from omnicore.vectors.numeric import np
from omnicore.vectors.vector import Match, VectorChange, tag_of

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omnicore.config.settings import VectorSettings
    from omnicore.storage.tables.vectors import Collection, VectorTable
    from omnicore.vectors.snapshots import SnapshotManifest


_KEPT = 16


@dataclass(frozen=True, slots=True)
class TaggedFilter:
    """A filter as the index has it: tags that a vector must have, and the whole, where tags do not say all of it."""

    tags: tuple[int, ...] = ()
    rest: MetadataFilter | None = None

    @classmethod
    def of(cls, wanted: MetadataFilter | None) -> TaggedFilter:
        """The tags of what has to be equal, and the filter, unless they are all of it."""
        if wanted is None:
            return cls()
        parts = wanted.parts if isinstance(wanted, Combination) and wanted.kind == "all" else (wanted,)
        told = all(isinstance(one, Condition) and one.operator == "$eq" for one in parts)
        tags = {tag_of(one.name, one.given[0]) for one in equalities(wanted)}
        return cls(tuple(sorted(tags)), None if told else wanted)

    def __bool__(self) -> bool:
        return bool(self.tags) or self.rest is not None

    def passes(self, metadata: str) -> bool:
        """True for metadata that the tags do not say enough of, and that pass."""
        return self.rest is None or self.rest.passes(json.loads(metadata))


class Filters:
    """The labels that match the filters asked last. A label matches for ever, so only new ones are looked for.

    Labels that were deleted since stay; a search leaves them out.
    """

    def __init__(self, table: VectorTable, key: int) -> None:
        self._table = table
        self._key = key
        self._lock = threading.Lock()
        self._known: OrderedDict[TaggedFilter, tuple[int, Labels]] = OrderedDict()
        self._wide: set[TaggedFilter] = set()

    def labels(self, wanted: TaggedFilter, seq: int, most: int) -> Labels | None:
        """The labels that pass up to `seq` at least, or None when they are more than `most`."""
        if wanted in self._wide:
            return None
        with self._lock:
            upto, labels = self._known.get(wanted, (0, np.empty(0, np.int64)))
        if upto < seq:
            new = self._more(wanted, upto, most + 1 - len(labels))
            if new is None or len(labels) + len(new) > most:
                self._set_wide(wanted)
                return None
            labels = np.concatenate([labels, np.array(new, np.int64)]) if new else labels
            upto = max(seq, new[-1]) if new else seq
        with self._lock:
            self._known[wanted] = (upto, labels)
            self._known.move_to_end(wanted)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return labels

    def narrowed(self, wanted: TaggedFilter) -> None:
        """Notes that few vectors pass a filter after all; they are counted again."""
        self._wide.discard(wanted)

    def _more(self, wanted: TaggedFilter, after: int, most: int) -> list[int] | None:
        """The first labels behind `after`; None when even the rarest tag has too many to go through."""
        tags = wanted.tags
        if wanted.rest is not None:
            passing: list[int] = []
            for seq, text in self._table.described(self._key, tags, after):
                if wanted.passes(text):
                    passing.append(seq)
                    if len(passing) >= most:
                        break
            return passing
        if len(tags) == 1 or after:
            return self._table.matching(self._key, tags, after, most)
        shares = sorted((self._table.share(self._key, tag, most), tag) for tag in tags)
        if shares[0][0] >= most:
            return None
        return self._table.matching(self._key, [tag for _, tag in shares], after, most)

    def _set_wide(self, wanted: TaggedFilter) -> None:
        with self._lock:
            if len(self._wide) > 64 * _KEPT:
                self._wide.clear()
            self._wide.add(wanted)
            self._known.pop(wanted, None)


Found = tuple[Labels, Floats, bool]
"""Labels, nearest first, their distances, and whether they surely are the nearest."""

_WAIT_S = 0.05
_SPARSE = 10  # a search for more than a tenth of all is better done without the graph
_UNMARKED = 1000
_COMPACT = 1000


@dataclass(frozen=True, slots=True)
class Served:
    """The state that searches read, replaced as one: the graph has the first `folded` rows of the exact."""

    exact: ExactIndex
    graph: Graph | None = None
    folded: int = 0


@dataclass(slots=True)
class Faults:
    """Failures of a collection's graphs. `recovering` from the last one until the next graph is in use."""

    count: int = 0
    reason: str = ""
    recovering: bool = False


class LoadedCollection:
    """Follows its table: by the changes of this process, and by reading on from the `seq` it has come to.

    Searches take no lock of this class. `fail` throws the graph away; the exact index answers then.
    """

    def __init__(
        self,
        collection: Collection,
        table: VectorTable,
        on_failure: Callable[[LoadedCollection, str], None],
        exact_only: Callable[[], bool] = lambda: False,
    ) -> None:
        self.collection = collection
        self.served = Served(ExactIndex.empty(collection.dimensions, collection.metric))
        self.filters = Filters(table, collection.key)
        self.seq = 0
        self.behind = True
        self.building = False
        self.left = False
        self.unmarked: list[int] = []
        self.changes = 0
        self.base: SnapshotManifest | None = None
        self.faults = Faults()
        self._table = table
        self._on_failure = on_failure
        self._exact_only = exact_only
        self.changing = threading.RLock()

    def search(self, query: Matrix, k: int) -> Found:
        """The nearest of all. `query` as the rows of the exact index are."""
        served = self.served
        exact = served.exact
        if served.graph is None or self._exact_only() or k * _SPARSE > served.folded or len(self.unmarked) > _UNMARKED:
            return self._all(exact, query, k)
        try:
            labels = served.graph.search(query, k + len(self.unmarked))
        except GraphFailed as error:
            self.fail(str(error), served.graph)
            return self._all(exact, query, k)
        rows = exact.rows_of(labels)
        rows = rows[exact.alive[rows]]
        if served.folded < exact.rows:
            rows = np.union1d(rows, exact.nearest(query, k, served.folded)[0])
        if len(rows) < min(k, exact.living):
            return self._all(exact, query, k)
        found = distances(exact.matrix, rows, query, exact.metric)
        order = np.argsort(found, kind="stable")[:k]
        return exact.labels[rows[order]], found[order], False

    def search_of(self, labels: Labels, query: Matrix, k: int) -> Found:
        """The nearest of some."""
        exact = self.served.exact
        rows, found = exact.nearest_of(exact.rows_of(labels), query, k)
        return exact.labels[rows], found, True

    def apply(self, change: VectorChange) -> None:
        """Follows a write of this process, if it is the next one; otherwise the table is read later."""
        if not self.changing.acquire(timeout=_WAIT_S):  # it is being loaded
            self.behind = True
            return
        try:
            if change.before != self.seq:
                self.behind = self.behind or change.after > self.seq
                return
            self._take(change.seqs, change.matrix, change.gone)
            self.seq = change.after
        finally:
            self.changing.release()

    def catch_up(self, now: Collection) -> None:
        """Reads what happened in the table until `now`. Raises: StorageFailed."""
        with self.changing:
            if now.seq <= self.seq:
                return
            if not self.served.exact.rows:
                self.served = Served(self.served.exact.with_room(now.live))
            try:
                if self.seq:  # the dead first: those that came and went in between are not in the table
                    self._take((), np.empty((0, now.dimensions), np.float32), self._gone(now))
                for block in self._table.blocks(now.key, self.seq, now.seq):
                    self._take(block.seqs, _matrix(block.vectors, now), ())
                    self.seq = block.seqs[-1]  # so that nothing is taken twice when a block fails
            except BaseException:
                self.behind = True
                raise
            self.seq = now.seq

    def fail(self, reason: str, graph: Graph | None) -> None:
        """Throws a graph away that did not do its work, unless another has its place already."""
        with self.changing:
            if graph is not self.served.graph:
                return
            self.served = Served(self.served.exact)
            self.unmarked = []
            self.base = None
            self.faults = Faults(self.faults.count + 1, reason, recovering=True)
        self._on_failure(self, reason)

    def adopt(self, graph: Graph, start: ExactIndex, labels: Labels) -> None:
        """Takes a graph of `labels` into use, which was built from the rows of `start` that lived."""
        with self.changing:
            exact = self.served.exact
            folded = int(np.count_nonzero(exact.alive[: start.rows])) if exact.dead else start.rows
            if exact.dead:
                exact = exact.compact()
            self.unmarked = np.setdiff1d(labels, exact.labels[:folded]).tolist()
            self.served = Served(exact, graph, folded)
            self.faults.reason = ""

    def folded(self, rows: Rows, upto: int) -> None:
        """Notes that the graph has these rows now, and all rows up to `upto`."""
        with self.changing:
            exact = self.served.exact
            self.unmarked += exact.labels[rows[~exact.alive[rows]]].tolist()  # they died meanwhile
            self.served = replace(self.served, folded=upto)

    def _take(self, seqs: Sequence[int], matrix: Matrix, gone: Sequence[int]) -> None:
        served = self.served
        exact = served.exact.added(seqs, matrix) if seqs else served.exact
        if gone:
            exact, rows = exact.buried(gone)
            self.unmarked += exact.labels[rows[rows < served.folded]].tolist()
        if served.graph is None and not self.building and exact.dead > max(_COMPACT, exact.living // 2):
            exact = exact.compact()
        self.changes += len(seqs) + len(gone)
        self.served = replace(served, exact=exact)

    def _gone(self, now: Collection) -> list[int]:
        gone = self._table.deaths(now.key, self.seq, now.seq)
        if self._table.purged(now.key) <= self.seq:
            return gone
        exact = self.served.exact
        living = exact.labels[: exact.rows][exact.alive[: exact.rows]]
        lost: list[int] = np.setdiff1d(living, np.array(self._table.seqs(now.key), np.int64)).tolist()
        return lost

    def _all(self, exact: ExactIndex, query: Matrix, k: int) -> Found:
        rows, found = exact.nearest(query, k)
        return exact.labels[rows], found, True


def _matrix(data: bytes, collection: Collection) -> Matrix:
    if len(data) % (4 * collection.dimensions):
        raise StorageFailed(
            f"vectors of the collection {collection.name} are damaged",
            remedy="restore a backup, or drop the collection and write it again",
        )
    return np.frombuffer(data, "<f4").reshape(-1, collection.dimensions)


_ALL = 1 << 31
_WIDER = 4
_WIDEST = 2000


def in_memory(
    table: VectorTable, loaded: LoadedCollection, query: Matrix, k: int, asked: TaggedFilter, settings: VectorSettings
) -> Found:
    """The nearest in a collection that is in memory.

    A filter that lets few through has them compared; a wide one has the graph asked for more than wanted, until
    enough of them pass. Filtering inside of the graph finds 46 % of the nearest where one in a hundred matches. What
    no tag says is read from the metadata: of the nearest first, and of all, once, where too few of these pass.
    """
    wanted = _compared(query, loaded.collection.metric)
    if not asked:
        return loaded.search(wanted, k)
    if asked.rest is not None and (found := _widened(table, loaded, wanted, k, asked)) is not None:
        return found
    indexed = loaded.served.graph is not None
    most = max(settings.exact_up_to, k) if indexed else _ALL
    labels = loaded.filters.labels(asked, loaded.seq, most)
    if labels is not None:
        return loaded.search_of(labels, wanted, k)
    found = _widened(table, loaded, wanted, k, asked)
    if found is not None:
        return found
    loaded.filters.narrowed(asked)
    labels = Filters(table, loaded.collection.key).labels(asked, loaded.seq, _ALL)
    return loaded.search_of(labels if labels is not None else np.empty(0, np.int64), wanted, k)


def in_table(table: VectorTable, row: Collection, query: Matrix, k: int, asked: TaggedFilter) -> Found:
    """The nearest in a collection that is not in memory; no more than a block of it is at a time."""
    wanted = _compared(query, row.metric)
    labels, distances = np.empty(0, np.int64), np.empty(0)
    for block in table.blocks(row.key, 0, row.seq, asked.tags):
        try:
            matrix = np.frombuffer(block.vectors, "<f4").reshape(len(block.seqs), row.dimensions)
        except ValueError as error:
            raise StorageFailed(f"vectors of {row.name} are damaged", remedy="restore a backup") from error
        ready, squares = prepared(matrix, row.metric)
        open_ = np.ones(len(ready), np.bool_)
        if asked.rest is not None:
            named = table.named(row.key, block.seqs)
            open_ = np.array([seq in named and asked.passes(named[seq][1]) for seq in block.seqs], np.bool_)
        rows, found = nearest(ready, squares, open_, wanted, k, row.metric)
        labels = np.concatenate([labels, np.array(block.seqs, np.int64)[rows]])
        distances = np.concatenate([distances, found])
        order = np.argsort(distances, kind="stable")[:k]
        labels, distances = labels[order], distances[order]
    return labels, distances, True


def matches(
    labels: Labels, distances: Floats, named: Mapping[int, tuple[str, str]], wanted: MetadataFilter | None
) -> list[Match]:
    """Matches with ids and metadata. Tags are hashes, so values are compared with the filter again."""
    found = []
    for label, distance in zip(labels.tolist(), distances.tolist(), strict=True):
        if label in named:
            id_, text = named[label]
            metadata = json.loads(text) if text != "{}" else {}
            if wanted is None or wanted.passes(metadata):
                found.append(Match(id_, distance, metadata))
    return found


def _compared(query: Matrix, metric: str) -> Matrix:
    return directed(query.reshape(1, -1))[0] if metric == "cosine" else query


def _widened(table: VectorTable, loaded: LoadedCollection, query: Matrix, k: int, wanted: TaggedFilter) -> Found | None:
    """Asks the graph for more and more; None when too few of the nearest pass the filter."""
    asked = k * _WIDER
    while asked <= max(_WIDEST, k * _WIDER):
        labels, distances, exact = loaded.search(query, asked)
        passing = table.having(loaded.collection.key, labels.tolist(), wanted.tags)
        if wanted.rest is not None:
            named = table.named(loaded.collection.key, sorted(passing))
            passing = {seq for seq, (_, text) in named.items() if wanted.passes(text)}
        keep = np.array([label in passing for label in labels.tolist()], np.bool_)
        if np.count_nonzero(keep) >= k:
            return labels[keep][:k], distances[keep][:k], exact
        asked *= _WIDER
    return None


MOST_LOADED = 1024
_LINK_BYTES = 4


def bytes_of(collection: Collection, vectors: int, settings: VectorSettings) -> int:
    """About what a collection takes in memory: its matrix, and its index with a second one and two links for each M."""
    row = 4 * collection.dimensions + 17
    if vectors > settings.exact_up_to:
        row += 4 * collection.dimensions + 2 * _LINK_BYTES * settings.m + 32
    return vectors * row


class CollectionCache:
    """Collections by key. One that does not fit is not kept; those used least recently make room.

    Empty ones take next to nothing, but each is looked at after each write, so there are `MOST_LOADED` at most.
    """

    def __init__(self, settings: VectorSettings, make: Callable[[Collection], LoadedCollection]) -> None:
        self._settings = settings
        self._make = make
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, LoadedCollection] = OrderedDict()

    def get(self, key: int) -> LoadedCollection | None:
        """The collection, if it is in memory; it counts as used."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def take(self, collection: Collection) -> LoadedCollection | None:
        """The collection, loaded if need be; None when the collection is too large for memory."""
        with self._lock:
            found = self._kept.get(collection.key)
            if found is None:
                if not self._fits([(collection, collection.live)]):
                    return None
                found = self._kept[collection.key] = self._make(collection)
            self._kept.move_to_end(collection.key)
            self._shrink(found, collection.live)
            return found

    def has_room(self, collection: Collection) -> bool:
        """True if the collection fits beside all that is in memory."""
        with self._lock:
            there = [(one.collection, one.served.exact.living) for one in self._kept.values()]
            return self._fits([*there, (collection, collection.live)])

    def grown(self, loaded: LoadedCollection) -> None:
        """Makes room after a write; a collection that has become too large leaves itself."""
        with self._lock:
            if self._kept.get(loaded.collection.key) is loaded:
                self._shrink(loaded, loaded.served.exact.living)

    def drop(self, key: int) -> None:
        """Forgets a collection."""
        with self._lock:
            self._leave(key)

    def collections(self) -> list[LoadedCollection]:
        """All of them, the one used last at the end."""
        with self._lock:
            return list(self._kept.values())

    def vectors(self) -> int:
        """The number of vectors in memory."""
        return sum(one.served.exact.living for one in self.collections())

    def _shrink(self, newest: LoadedCollection, living: int) -> None:
        sizes = {
            key: (one.collection, living if one is newest else one.served.exact.living)
            for key, one in self._kept.items()
        }
        for key in list(sizes):
            if self._fits(list(sizes.values())):
                return
            if key != newest.collection.key or len(sizes) == 1:
                self._leave(key)
                del sizes[key]

    def _fits(self, sizes: list[tuple[Collection, int]]) -> bool:
        settings = self._settings
        return (
            len(sizes) <= MOST_LOADED
            and sum(vectors for _, vectors in sizes) <= settings.cache_size
            and sum(bytes_of(one, vectors, settings) for one, vectors in sizes) <= settings.cache_bytes
        )

    def _leave(self, key: int) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            gone.left = True
