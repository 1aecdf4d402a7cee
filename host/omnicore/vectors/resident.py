"""A collection in memory: its twin, perhaps its graph, and what a search does with both."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from omnicore.errors import StorageFailed
from omnicore.storage.tables.vectors import Collection, VectorTable
from omnicore.vectors.distance import Floats, Matrix, Rows, distances
from omnicore.vectors.filters import Filters
from omnicore.vectors.graph import Graph, GraphFailed
from omnicore.vectors.numeric import np
from omnicore.vectors.snapshots import Manifest
from omnicore.vectors.twin import Labels, Twin

__all__ = ["Change", "Found", "Resident", "Served"]

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
