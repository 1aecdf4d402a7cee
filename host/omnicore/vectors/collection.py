"""Which vectors have the metadata that a filter wants, read from the table once and then only what is new.

A collection in memory: its twin, perhaps its graph, and what a search does with both.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from omnicore.errors import StorageFailed
from omnicore.vectors.ann import Graph, GraphFailed
from omnicore.vectors.exact import Floats, Labels, Matrix, Rows, Twin, distances
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from omnicore.storage.tables.vectors import Collection, VectorTable
    from omnicore.vectors.snapshots import Manifest

__all__ = ["Change", "Filters", "Found", "Resident", "Served"]


_KEPT = 16


class Filters:
    """The labels that match the filters asked last. A label matches for ever, so only new ones are looked for.

    Labels that died meanwhile stay in here: who searches leaves the dead out anyway.
    """

    def __init__(self, table: VectorTable, key: int) -> None:
        self._table = table
        self._key = key
        self._lock = threading.Lock()
        self._known: OrderedDict[tuple[int, ...], tuple[int, Labels]] = OrderedDict()
        self._wide: set[tuple[int, ...]] = set()

    def labels(self, tags: Sequence[int], seq: int, most: int) -> Labels | None:
        """What has all tags up to `seq` at least, or None when it is more than `most`."""
        wanted = tuple(sorted(tags))
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

    def narrowed(self, tags: Sequence[int]) -> None:
        """Says that a filter let few through after all: it is counted again."""
        self._wide.discard(tuple(sorted(tags)))

    def _more(self, tags: tuple[int, ...], after: int, most: int) -> list[int] | None:
        """The first labels behind `after`; None when even the rarest tag has too many to go through."""
        if len(tags) == 1 or after:
            return self._table.matching(self._key, tags, after, most)
        shares = sorted((self._table.share(self._key, tag, most), tag) for tag in tags)
        if shares[0][0] >= most:
            return None
        return self._table.matching(self._key, [tag for _, tag in shares], after, most)

    def _set_wide(self, tags: tuple[int, ...]) -> None:
        with self._lock:
            if len(self._wide) > 64 * _KEPT:
                self._wide.clear()
            self._wide.add(tags)
            self._known.pop(tags, None)


Found = tuple[Labels, Floats, bool]
"""Labels, nearest first, their distances, and whether they surely are the nearest."""

_WAIT_S = 0.05
_SPARSE = 10  # a search for more than a tenth of all is better done without the graph
_UNMARKED = 1000
_COMPACT = 1000


@dataclass(frozen=True, slots=True)
class Change:
    """A write that is kept: the collection's `seq` before and after it, what came and what went."""

    collection: Collection
    before: int
    after: int
    count: int
    seqs: Sequence[int]
    matrix: Matrix
    gone: Sequence[int]


@dataclass(frozen=True, slots=True)
class Served:
    """What searches read, replaced as one: the graph has the first `folded` rows of the twin."""

    twin: Twin
    graph: Graph | None = None
    folded: int = 0


class Resident:
    """Follows its table: by the changes of this process, and by reading on from the `seq` it has come to.

    Searches take no lock of this class. `fail` throws the graph away; the twin answers then.
    """

    def __init__(
        self,
        collection: Collection,
        table: VectorTable,
        on_failure: Callable[[Resident, str], None],
        exact_only: Callable[[], bool] = lambda: False,
    ) -> None:
        self.collection = collection
        self.served = Served(Twin.empty(collection.dimensions, collection.metric))
        self.filters = Filters(table, collection.key)
        self.seq = 0
        self.behind = True
        self.building = False
        self.left = False
        self.recovering = False
        self.unmarked: list[int] = []
        self.changes = 0
        self.base: Manifest | None = None
        self.failures = 0
        self.reason = ""
        self._table = table
        self._on_failure = on_failure
        self._exact_only = exact_only
        self.changing = threading.RLock()

    def search(self, query: Matrix, k: int) -> Found:
        """The nearest of all. `query` as the twin's rows are."""
        served = self.served
        twin = served.twin
        if served.graph is None or self._exact_only() or k * _SPARSE > served.folded or len(self.unmarked) > _UNMARKED:
            return self._all(twin, query, k)
        try:
            labels = served.graph.search(query, k + len(self.unmarked))
        except GraphFailed as error:
            self.fail(str(error), served.graph)
            return self._all(twin, query, k)
        rows = twin.rows_of(labels)
        rows = rows[twin.alive[rows]]
        if served.folded < twin.rows:
            rows = np.union1d(rows, twin.nearest(query, k, served.folded)[0])
        if len(rows) < min(k, twin.living):
            return self._all(twin, query, k)
        found = distances(twin.matrix, rows, query, twin.metric)
        order = np.argsort(found, kind="stable")[:k]
        return twin.labels[rows[order]], found[order], False

    def search_of(self, labels: Labels, query: Matrix, k: int) -> Found:
        """The nearest of some."""
        twin = self.served.twin
        rows, found = twin.nearest_of(twin.rows_of(labels), query, k)
        return twin.labels[rows], found, True

    def apply(self, change: Change) -> None:
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
            if not self.served.twin.rows:
                self.served = Served(self.served.twin.with_room(now.live))
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
            self.served = Served(self.served.twin)
            self.unmarked = []
            self.base = None
            self.failures += 1
            self.reason = reason
            self.recovering = True
        self._on_failure(self, reason)

    def adopt(self, graph: Graph, start: Twin, labels: Labels) -> None:
        """Takes a graph of `labels` into use, which was built from the rows of `start` that lived."""
        with self.changing:
            twin = self.served.twin
            folded = int(np.count_nonzero(twin.alive[: start.rows])) if twin.dead else start.rows
            if twin.dead:
                twin = twin.compact()
            self.unmarked = np.setdiff1d(labels, twin.labels[:folded]).tolist()
            self.served = Served(twin, graph, folded)
            self.reason = ""

    def folded(self, rows: Rows, upto: int) -> None:
        """Says that the graph has these rows now, and all there are up to `upto`."""
        with self.changing:
            twin = self.served.twin
            self.unmarked += twin.labels[rows[~twin.alive[rows]]].tolist()  # they died meanwhile
            self.served = replace(self.served, folded=upto)

    def _take(self, seqs: Sequence[int], matrix: Matrix, gone: Sequence[int]) -> None:
        served = self.served
        twin = served.twin.added(seqs, matrix) if seqs else served.twin
        if gone:
            twin, rows = twin.buried(gone)
            self.unmarked += twin.labels[rows[rows < served.folded]].tolist()
        if served.graph is None and not self.building and twin.dead > max(_COMPACT, twin.living // 2):
            twin = twin.compact()
        self.changes += len(seqs) + len(gone)
        self.served = replace(served, twin=twin)

    def _gone(self, now: Collection) -> list[int]:
        gone = self._table.deaths(now.key, self.seq, now.seq)
        if self._table.purged(now.key) <= self.seq:
            return gone
        twin = self.served.twin
        living = twin.labels[: twin.rows][twin.alive[: twin.rows]]
        lost: list[int] = np.setdiff1d(living, np.array(self._table.seqs(now.key), np.int64)).tolist()
        return lost

    def _all(self, twin: Twin, query: Matrix, k: int) -> Found:
        rows, found = twin.nearest(query, k)
        return twin.labels[rows], found, True


def _matrix(data: bytes, collection: Collection) -> Matrix:
    if len(data) % (4 * collection.dimensions):
        raise StorageFailed(
            f"vectors of the collection {collection.name} are damaged",
            remedy="restore a backup, or drop the collection and write it again",
        )
    return np.frombuffer(data, "<f4").reshape(-1, collection.dimensions)
