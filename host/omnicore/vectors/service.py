"""The vector service: collections of plugins and of the host, written to the table and searched in memory.

A thread maintains the graphs of collections in memory: it builds, extends, renews and copies them.
"""

from __future__ import annotations

import json
import logging
import math
import secrets
import threading
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, cast

from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import VectorSettings
from omnicore.errors import EngineFailed, InvalidInput, LimitExceeded
from omnicore.filters import read_filter
from omnicore.records import asdict
from omnicore.storage.tables.vectors import Collection, VectorTable, owner_locks
from omnicore.vectors.ann import Graph, GraphFailed, available, missing
from omnicore.vectors.collection import CollectionCache, LoadedCollection, TaggedFilter, in_memory, in_table, matches
from omnicore.vectors.numeric import np
from omnicore.vectors.snapshots import WORK, IndexSnapshots, SnapshotBroken, SnapshotManifest, SnapshotOrder, written
from omnicore.vectors.vector import (
    Batch,
    CollectionIndex,
    Match,
    Vector,
    VectorChange,
    VectorHealth,
    batch_of,
    can_be,
    check_ids,
    checked_matrix,
    checked_query,
    checked_shape,
    packed,
    remove,
    write,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping, Sequence

    import numpy.typing as npt

    from omnicore.storage.store import Session, Store
    from omnicore.storage.tables.vectors import Metric


_log = logging.getLogger("omnicore.vectors")

_KNOWN = 4096


@dataclass(frozen=True, slots=True)
class _Seen:
    collection: Collection
    at: float


class CollectionDirectory:
    """Rows of collections by owner and name, read again after `refresh_s`.

    Args:
        on_gone: told the key of a collection that another process dropped, or made anew.
    """

    def __init__(self, table: VectorTable, *, refresh_s: float, clock: Clock, on_gone: Callable[[int], None]) -> None:
        self._table = table
        self._refresh_s = refresh_s
        self._clock = clock
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], _Seen] = {}

    def fresh(self, owner: str, name: str) -> Collection | None:
        """The collection, if it was read a moment ago."""
        seen = self._seen.get((owner, name))
        if seen is None or self._clock.monotonic() - seen.at >= self._refresh_s:
            return None
        return seen.collection

    def read(self, owner: str, name: str) -> Collection:
        """The collection as it is now. Raises: InvalidInput: there is none."""
        at = self._clock.monotonic()
        row = self._table.find(owner, name) if can_be(owner, name) else None
        seen = self._seen.get((owner, name))
        if seen is not None and (row is None or row.key != seen.collection.key):
            self.forget(owner, name)
            self._on_gone(seen.collection.key)
        if row is None:
            raise InvalidInput(f"there is no collection {name[:80]}", remedy="create it first")
        with self._lock:
            if len(self._seen) >= _KNOWN:
                self._seen.clear()
            self._seen[owner, name] = _Seen(row, at)
        return row

    def now(self, owner: str, name: str) -> Collection:
        """The collection as it was a moment ago at most. Raises: InvalidInput."""
        return self.fresh(owner, name) or self.read(owner, name)

    def forget(self, owner: str, name: str) -> None:
        """The collection was dropped."""
        with self._lock:
            self._seen.pop((owner, name), None)


Maintenance = Literal["open", "renew", "fold", "copy", "drop"]

DEAD_SHARE = 0.3  # 828 instead of 5,308 searches a second at 90 %
_CHANGED_SHARE = 0.1
_FOLD_ROWS = 1024  # comparing the rows behind the graph costs 0.1 ms then
_FOLD_AFTER_S = 1.0
_SLICE_S = 0.004  # how long searches wait for an insertion
_BUILD_ROWS = 2000
_TICK_S = 0.5
_LONGEST_WAIT_S = 60.0
_FORGIVEN_S = 120.0  # a graph that did well for so long begins anew with its failures


@dataclass(frozen=True, slots=True)
class IndexState:
    """The state of one collection and its graph. Units: rows, seconds."""

    living: int
    indexed: bool
    graph_rows: int
    graph_living: int
    behind_rows: int  # rows that the graph has not, and dead ones that it does not know of
    quiet_s: float
    waiting: bool  # for the end of the time after a failure
    changes: int
    copied: bool
    since_copy_s: float


def due(state: IndexState, settings: VectorSettings) -> Maintenance | None:
    """The next work on a collection; None when there is none."""
    if not state.indexed:
        return "open" if state.living > settings.exact_up_to and not state.waiting else None
    if state.living <= settings.exact_up_to // 2:
        return "drop"
    if state.graph_rows - state.graph_living > DEAD_SHARE * state.graph_rows:
        return "renew"
    if state.behind_rows >= _FOLD_ROWS or (state.behind_rows and state.quiet_s >= _FOLD_AFTER_S):
        return "fold"
    changed = not state.copied or state.changes > _CHANGED_SHARE * state.living
    return "copy" if changed and state.since_copy_s >= settings.snapshot_s else None


def backoff_s(failures: int) -> float:
    """The wait after so many failures in a row: 1, 2, 4 seconds, a minute at most."""
    return float(min(_LONGEST_WAIT_S, 2.0 ** min(failures - 1, 10))) if failures else 0.0


@dataclass(slots=True)
class _Times:
    """Times of one collection's events, on the monotonic clock."""

    failed: float = -math.inf
    failures: int = 0
    copied: float = -math.inf
    seen: int = 0  # its changes, when it was looked at last
    quiet: float = -math.inf  # since when there are no more


class IndexMaintenance:
    """Builds and copies the graphs of collections in memory, in a thread or by calls of `round`.

    Owns: its thread, and the process that writes a copy, until `stop`.
    """

    def __init__(
        self,
        collections: Callable[[], Iterable[LoadedCollection]],
        snapshots: IndexSnapshots,
        *,
        settings: VectorSettings,
        clock: Clock,
        on_ready: Callable[[LoadedCollection], None],
        chores: Callable[[], None],
    ) -> None:
        self._collections = collections
        self._snapshots = snapshots
        self._settings = settings
        self._clock = clock
        self._on_ready = on_ready
        self._chores = chores
        self._times: dict[int, _Times] = {}
        self._slice = 8
        self._working = threading.Lock()  # one who builds or copies
        self._stopping = threading.Event()
        self._woken = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Begins to go round."""
        self._stopping.clear()
        self._thread = threading.Thread(target=self._main, name="omnicore-vectors", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Ends what is being done; nothing is lost by it."""
        self._stopping.set()
        self._woken.set()
        if self._thread is not None:
            self._thread.join()
            self._thread = None

    def wake(self) -> None:
        """Says that there may be something to do."""
        self._woken.set()

    def round(self) -> int:
        """Does what is due now for every collection. Returns the number of things done."""
        with self._working:
            return self._round()

    def _round(self) -> int:
        done = 0
        collections = list(self._collections())
        self._times = {key: times for key, times in self._times.items() if any(key == id(one) for one in collections)}
        for loaded in collections:
            while not self._stopping.is_set() and not loaded.left and self._one(loaded):
                done += 1
        return done

    def rebuild(self, loaded: LoadedCollection) -> None:
        """Builds the graph of a collection anew and copies it; one too small for a graph loses its copy."""
        with self._working:
            if loaded.served.exact.living <= self._settings.exact_up_to:
                self._drop(loaded)
                return
            self._renew(loaded)
            self._copy(loaded)

    def _one(self, loaded: LoadedCollection) -> bool:
        """Does what is due first. A failure is told and tried again later."""
        work = due(self._state(loaded), self._settings) if available() else None
        if work is None:
            return False
        graph = loaded.served.graph
        try:
            getattr(self, f"_{work}")(loaded)
        except Exception as error:  # whatever it is, the exact index answers; it is tried again later
            if self._stopping.is_set():
                return False
            self._failed(loaded, work, graph, error)
        return True

    def _failed(self, loaded: LoadedCollection, work: Maintenance, graph: Graph | None, error: Exception) -> None:
        _log.warning("vectors %s: %s failed: %s", loaded.collection.name, work, error)
        times = self._times_of(loaded)
        if work == "copy":  # searches need none; the next one starts from nothing
            loaded.base = None
            times.copied = self._clock.monotonic()
            return
        loaded.fail(str(error), graph)

    def _state(self, loaded: LoadedCollection) -> IndexState:
        served, now, times = loaded.served, self._clock.monotonic(), self._times_of(loaded)
        if times.seen != loaded.changes:
            times.seen, times.quiet = loaded.changes, now
        if loaded.faults.count > times.failures:
            times.failed = now
        elif served.graph is not None and now - times.failed >= _FORGIVEN_S:
            loaded.faults.count = 0
        times.failures = loaded.faults.count
        graph = served.graph
        return IndexState(
            living=served.exact.living,
            indexed=graph is not None,
            graph_rows=graph.rows if graph else 0,
            graph_living=int(np.count_nonzero(served.exact.alive[: served.folded])),
            behind_rows=served.exact.rows - served.folded + len(loaded.unmarked),
            quiet_s=now - times.quiet,
            waiting=now - times.failed < backoff_s(loaded.faults.count),
            changes=loaded.changes,
            copied=loaded.base is not None,
            since_copy_s=now - times.copied,
        )

    def _open(self, loaded: LoadedCollection) -> None:
        """Takes the copy on disk, or builds a graph where there is none or another history's."""
        collection = loaded.collection
        manifest = None if loaded.faults.count else self._snapshots.manifest(collection.key)
        shape = (collection.dimensions, collection.metric, self._settings.m)
        if manifest is None or (manifest.dimensions, manifest.metric, manifest.m) != shape:
            self._renew(loaded)
            return
        graph = self._loaded(loaded, manifest)
        labels = graph.labels()
        with loaded.changing:
            exact = loaded.served.exact
            upto = int(np.searchsorted(exact.labels[: exact.rows], manifest.seq, side="right"))
            known = exact.labels[:upto][exact.alive[:upto]]
            if manifest.seq > loaded.seq or not np.isin(known, labels, assume_unique=True).all():
                raise SnapshotBroken("the copy of the index belongs to another history of the database")
            graph.mark(np.setdiff1d(labels, known, assume_unique=True).tolist())
            loaded.adopt(graph, replace(exact, rows=upto), known)
            loaded.base, loaded.changes = manifest, exact.rows - upto
        self._on_ready(loaded)

    def _loaded(self, loaded: LoadedCollection, manifest: SnapshotManifest) -> Graph:
        collection, settings = loaded.collection, self._settings
        exact = loaded.served.exact
        return Graph.restored(
            *(self._snapshots.verified(manifest), collection.dimensions, collection.metric),
            vectors=(exact.labels[: exact.rows], exact.matrix[: exact.rows]),
            rows=manifest.rows,
            m=settings.m,
            ef=settings.ef,
            threads=settings.threads,
        )

    def _renew(self, loaded: LoadedCollection) -> None:
        """Builds a graph of the living beside the one that answers, and puts it in its place."""
        settings = self._settings
        loaded.building = True
        try:
            start = loaded.served.exact
            fresh = start.compact() if start.dead else start
            graph = Graph(fresh.matrix.shape[1], fresh.metric, m=settings.m, ef=settings.ef, threads=settings.threads)
            for at in range(0, fresh.rows, _BUILD_ROWS):
                if self._stopping.is_set() or loaded.left:
                    return
                end = min(fresh.rows, at + _BUILD_ROWS)
                graph.add(fresh.labels[at:end], fresh.matrix[at:end])
            loaded.adopt(graph, start, fresh.labels[: fresh.rows])
            loaded.base = None
        finally:
            loaded.building = False
        self._on_ready(loaded)

    def _fold(self, loaded: LoadedCollection) -> None:
        """Adds new rows to the graph, in slices so short that searches hardly wait."""
        graph = loaded.served.graph
        if graph is None:
            return
        with loaded.changing:
            marks, loaded.unmarked = loaded.unmarked, []
        graph.mark(marks)
        while not self._stopping.is_set() and loaded.served.graph is graph:
            served = loaded.served
            end = min(served.exact.rows, served.folded + self._slice)
            if served.folded == end:
                return
            rows = served.folded + np.flatnonzero(served.exact.alive[served.folded : end])
            began = perf_counter()
            if len(rows):
                graph.add(served.exact.labels[rows], served.exact.matrix[rows])
            self._slice = _next_slice(self._slice, perf_counter() - began)
            loaded.folded(rows, end)

    def _copy(self, loaded: LoadedCollection) -> None:
        """Lets another process write a copy: the one before with what came since, or all anew."""
        collection, base, exact = loaded.collection, loaded.base, loaded.served.exact
        changes, path = loaded.changes, Path()
        if base is not None:
            path = self._snapshots.folder / base.file
        rows = np.flatnonzero(exact.alive[: exact.rows])
        settings = self._settings
        with self._snapshots.workplace() as folder:
            order = SnapshotOrder(
                *(str(folder), str(path) if base else "", base.rows if base else 0, base.crc if base else 0),
                *(collection.dimensions, collection.metric, settings.m, settings.ef),
            )
            made, count, size, crc = written(order, exact.labels[rows], exact.matrix[rows], self._stopping.is_set)
            seq = int(exact.labels[exact.rows - 1])
            name = f"{collection.key:016x}.{folder.name.removeprefix(WORK)}.hnsw"
            manifest = SnapshotManifest(
                name, seq, count, size, crc, collection.dimensions, collection.metric, settings.m
            )
            if loaded.left:  # perhaps dropped: its copies are deleted already
                return
            self._snapshots.publish(collection.key, made, manifest)
        with loaded.changing:
            loaded.base = manifest
            loaded.changes -= changes
        self._times_of(loaded).copied = self._clock.monotonic()

    def _drop(self, loaded: LoadedCollection) -> None:
        """Goes back to comparing all: the collection has shrunk."""
        with loaded.changing:
            loaded.served = type(loaded.served)(loaded.served.exact)
            loaded.unmarked, loaded.base = [], None
        self._snapshots.remove(loaded.collection.key)

    def _times_of(self, loaded: LoadedCollection) -> _Times:
        return self._times.setdefault(id(loaded), _Times())

    def _main(self) -> None:
        while not self._stopping.is_set():
            try:
                self._chores()
                self.round()
            except Exception:  # the database is away, say: this thread is what recovers by itself
                _log.exception("vectors: maintenance of indexes failed; it continues")
            self._woken.wait(_TICK_S)
            self._woken.clear()


def _next_slice(rows: int, seconds: float) -> int:
    """The number of rows to add at once, by the time that the last ones took."""
    return max(1, min(512, int(rows * min(2.0, _SLICE_S / max(seconds, 1e-6)))))


_MOST = 1000


class VectorService:
    """Vectors by owner (a plugin, or the host under a name with `@`), collection and id. Usable from any thread.

    The table is the truth. A search finds every write of this process that has returned, and every write of other
    processes on the same database after `refresh_s` at most. Searches compare all vectors of a small collection and
    ask an index in a large one; when the index fails they compare all, `health` says why, and it is built anew.

    Args:
        folder: where copies of indexes lie; they can be deleted at any time.
        publish: told `vectors.degraded`, `vectors.recovered` and `vectors.indexed`, with a JSON value.
        work: whether indexes are kept by this process. Without, every search compares, surely right.

    Owns: memory within the settings, and from `start` until `stop` a thread.
    Raises: InvalidInput, for what is not there or has another shape; LimitExceeded; StorageFailed.
    """

    def __init__(
        self,
        store: Store,
        folder: Path,
        settings: VectorSettings | None = None,
        *,
        clock: Clock | None = None,
        publish: Callable[[str, Any], object] = lambda topic, data: None,
        work: bool = True,
        random_bits: Callable[[int], int] = secrets.randbits,
    ) -> None:
        self.settings = settings or VectorSettings()
        self.table = VectorTable(store)
        self._snapshots = IndexSnapshots(folder)
        self._clock = clock or SystemClock()
        self._publish = publish
        self._work = work
        self._random_bits = random_bits
        self._counts = {"exact": 0, "index": 0}
        self.exact_only = False
        """True if searches leave indexes alone and compare all, as long as somebody does not trust them."""
        self._cache = CollectionCache(
            self.settings, lambda one: LoadedCollection(one, self.table, self._failed, lambda: self.exact_only)
        )
        self._directory = CollectionDirectory(
            self.table, refresh_s=self.settings.refresh_s, clock=self._clock, on_gone=self._gone
        )
        self._maintenance = IndexMaintenance(
            *(self._cache.collections, self._snapshots),
            settings=self.settings,
            clock=self._clock,
            on_ready=self._ready,
            chores=self._chores,
        )
        self._swept = False

    # Lifecycle.

    async def start(self) -> None:
        """Starts the maintenance of indexes. Small collections come into memory when they are used first."""
        if self._work:
            if not available():
                _log.warning("%s", missing())
            self._maintenance.start()

    async def stop(self) -> None:
        """Stops the maintenance; an index that was being built is built again later."""
        self._maintenance.stop()

    def round(self) -> int:
        """Does what the maintenance thread would do now. Returns how much there was to do."""
        self._chores()
        return self._maintenance.round()

    def health(self) -> VectorHealth:
        """True if every index does its work."""
        reasons = [
            f"{one.collection.name}: {one.faults.reason}" for one in self._cache.collections() if one.faults.reason
        ]
        return VectorHealth(not reasons, "; ".join(reasons[:3]))

    def figures(self) -> dict[str, int]:
        """Numbers for metrics: vectors and collections in memory, indexes, and searches by how they were answered."""
        collections = self._cache.collections()
        return {
            "vectors": sum(one.served.exact.living for one in collections),
            "collections": len(collections),
            "indexes": sum(one.served.graph is not None for one in collections),
            "exact_searches": self._counts["exact"],
            "index_searches": self._counts["index"],
        }

    # Collections.

    def create(self, plugin: str, collection: str, dimensions: int | None = None, metric: str = "cosine") -> bool:
        """True if the collection is new. One that is there must have the same shape."""
        dimensions = self.settings.dimensions if dimensions is None else dimensions
        checked_shape(plugin, collection, dimensions, metric)
        key = self._random_bits(62)
        new = Collection(key, plugin, collection, dimensions, cast("Metric", metric), 0, 0, 0, self._clock.now())
        if self.table.store.apply(lambda session: self._create(session, new), locks=owner_locks(plugin)):
            return True
        there = self._directory.read(plugin, collection)
        if (there.dimensions, there.metric) != (dimensions, metric):
            raise InvalidInput(
                f"the collection {collection} has {there.dimensions} dimensions under {there.metric}",
                remedy="take another name, or drop it first",
            )
        return False

    def collections(
        self, plugin: str | None = None, *, after: tuple[str, str] = ("", ""), limit: int = 100
    ) -> list[Collection]:
        """Collections behind (owner, name), in that order; of one owner, or of all."""
        return self.table.collections(plugin, after, limit)

    def find(self, plugin: str, collection: str) -> Collection | None:
        """A collection as the table has it now."""
        return self.table.find(plugin, collection) if can_be(plugin, collection) else None

    def drop(self, plugin: str, collection: str) -> bool:
        """True if there was such a collection. It is gone at once; its rows are deleted bit by bit."""
        if self.find(plugin, collection) is None:
            return False
        key = self.table.store.apply(
            lambda session: self.table.drop(session, plugin, collection), locks=owner_locks(plugin)
        )
        if key is None:
            return False
        self._directory.forget(plugin, collection)
        self._gone(key)
        self.table.sweep(key)
        return True

    def clear(self, plugin: str) -> None:
        """Drops all collections of an owner, for when a plugin is removed."""
        after = ("", "")
        while found := self.table.collections(plugin, after):
            for one in found:
                self.drop(plugin, one.name)
            after = (plugin, found[-1].name)

    def count(self, plugin: str, collection: str) -> int:
        """The number of vectors in the collection."""
        return self._directory.read(plugin, collection).live

    def stats(self, plugin: str, collection: str) -> dict[str, Any]:
        """A collection with its shape, whether it is in memory, its index and the copy of it."""
        row = self._directory.read(plugin, collection)
        loaded = self._cache.get(row.key)
        graph = loaded.served.graph if loaded is not None else None
        try:
            manifest = self._snapshots.manifest(row.key)
            copy: Any = {"rows": manifest.rows, "bytes": manifest.bytes} if manifest is not None else None
        except SnapshotBroken as error:
            copy = {"error": str(error)}
        found = CollectionIndex(
            **asdict(row),
            in_memory=loaded is not None,
            indexed=graph.rows - graph.marked if graph is not None else 0,
            reason=loaded.faults.reason if loaded is not None else "",
            copy=copy,
        )
        return found.to_json()

    def rebuild(self, plugin: str, collection: str) -> dict[str, Any]:
        """Builds the index anew and writes its copy, now. Returns `stats`.

        Raises: ToolMissing; LimitExceeded: the collection is too large for memory.
        """
        if not available():
            raise missing()
        row, loaded = self._ready_to_search(plugin, collection)
        if loaded is None:
            raise LimitExceeded(
                f"{collection} has {row.live} vectors of {row.dimensions} numbers, too many for memory",
                remedy="raise vectors.cache_size",
                limit="cache_size",
                allowed=self.settings.cache_size,
            )
        try:
            self._maintenance.rebuild(loaded)
        except (GraphFailed, OSError) as error:
            raise EngineFailed(f"the index of {collection} was not built: {error}", remedy="see the log") from error
        return self.stats(plugin, collection)

    # Vectors.

    def upsert(self, plugin: str, collection: str, vectors: Sequence[Vector], *, max_vectors: int | None = None) -> int:
        """Keeps all or none, within the owner's quota over all collections. Returns how many ids there were."""
        row = self._directory.now(plugin, collection)
        matrix = checked_matrix(row, packed(vectors, row.dimensions))
        batch = batch_of([one.id for one in vectors], matrix, [one.metadata or {} for one in vectors])
        return self._write(row, batch, max_vectors)

    def upsert_rows(
        self,
        plugin: str,
        collection: str,
        ids: Sequence[str],
        matrix: npt.ArrayLike,
        metadata: Sequence[Mapping[str, Any]] | None = None,
        *,
        max_vectors: int | None = None,
    ) -> int:
        """The same from a matrix. Shapes: `matrix: float[len(ids), dimensions]`."""
        row = self._directory.now(plugin, collection)
        return self._write(row, batch_of(ids, checked_matrix(row, matrix), metadata), max_vectors)

    def stage(
        self,
        session: Session,
        plugin: str,
        collection: str,
        ids: Sequence[str],
        matrix: npt.ArrayLike,
        metadata: Sequence[Mapping[str, Any]] | None = None,
    ) -> VectorChange:
        """A write within the caller's transaction, beside rows of its own. After the commit comes `kept`."""
        row = self._directory.now(plugin, collection)
        batch = batch_of(ids, checked_matrix(row, matrix), metadata)
        return write(self.table, session, row, batch, None, self._random_bits)

    def stage_removal(self, session: Session, plugin: str, collection: str, ids: Sequence[str]) -> VectorChange:
        """A deletion within the caller's transaction. After the commit comes `kept`."""
        return remove(self.table, session, self._directory.now(plugin, collection), ids, self._random_bits)

    def kept(self, change: VectorChange) -> None:
        """Says that a transaction with a staged change is committed: searches of this process find it from now on."""
        loaded = self._cache.get(change.collection.key)
        if loaded is not None:
            loaded.apply(change)
            self._cache.grown(loaded)

    def delete(self, plugin: str, collection: str, ids: Sequence[str]) -> int:
        """Deletes vectors and returns how many there were."""
        check_ids(ids)
        row = self._directory.now(plugin, collection)
        change = self.table.store.apply(
            lambda session: remove(self.table, session, row, ids, self._random_bits), locks=owner_locks(plugin)
        )
        self.kept(change)
        return change.count

    def get(self, plugin: str, collection: str, ids: Sequence[str]) -> list[Vector]:
        """Vectors by id, those that are there; their values as they were kept, on 32 bits."""
        check_ids(ids)
        return [
            Vector(one.id, tuple(np.frombuffer(one.vector, "<f4").tolist()), json.loads(one.metadata))
            for one in self.table.by_id(self._directory.read(plugin, collection).key, ids)
        ]

    def search(
        self,
        plugin: str,
        collection: str,
        values: Sequence[float],
        limit: int = 10,
        filter: Mapping[str, Any] | None = None,
    ) -> tuple[list[Match], bool]:
        """The nearest whose metadata pass the filter, nearest first, and whether they surely are the nearest.

        Args: filter: see `omnicore.filters`.
        """
        k = max(1, min(limit, _MOST))
        wanted = read_filter(filter)
        asked = TaggedFilter.of(wanted)
        row, loaded = self._ready_to_search(plugin, collection)
        for _ in range(2):
            query = checked_query(row, values)
            if loaded is None:
                labels, distances, exact = in_table(self.table, row, query, k, asked)
            else:
                labels, distances, exact = in_memory(self.table, loaded, query, k, asked, self.settings)
            named = self.table.named(row.key, labels.tolist())
            if len(named) == len(labels):
                break
            row, loaded = self._ready_to_search(plugin, collection, anew=True)  # another process deleted some
        self._counts["exact" if exact else "index"] += 1
        return matches(labels, distances, named, wanted), exact

    # Inside.

    def _create(self, session: Session, new: Collection) -> bool:
        count = self.table.create(session, new)
        if count is not None and count > self.settings.max_collections and not new.owner.startswith("@"):
            raise LimitExceeded(
                f"{new.owner} may have {self.settings.max_collections} collections",
                remedy="drop some",
                limit="max_collections",
                allowed=self.settings.max_collections,
            )
        return count is not None

    def _write(self, row: Collection, batch: Batch, max_vectors: int | None) -> int:
        change = self.table.store.apply(
            lambda session: write(self.table, session, row, batch, max_vectors, self._random_bits),
            locks=owner_locks(row.owner),
        )
        self.kept(change)
        return change.count

    def _ready_to_search(
        self, plugin: str, collection: str, *, anew: bool = False
    ) -> tuple[Collection, LoadedCollection | None]:
        seen = None if anew else self._directory.fresh(plugin, collection)
        if seen is not None:
            loaded = self._cache.get(seen.key)
            if loaded is not None and not loaded.behind:
                return seen, loaded
        row = self._directory.read(plugin, collection)
        loaded = self._cache.take(row)
        if loaded is not None:
            loaded.behind = False  # before the row is read: what is missed later sets it again
            row = self._directory.read(plugin, collection)
            loaded.catch_up(row)
            self._cache.grown(loaded)
        return row, loaded

    def _gone(self, key: int) -> None:
        self._cache.drop(key)
        self._snapshots.remove(key)

    def _chores(self) -> None:
        """Once: finishes what a killed process left, and reads large collections before they are asked for."""
        if self._swept:
            return
        self._snapshots.tidy(self._clock.now())
        for key in self.table.dropped():
            self.table.sweep(key)
        for key in self._snapshots.keys():  # noqa: SIM118 -- it is no mapping
            row = self.table.at(key)
            if row is None:
                self._snapshots.remove(key)
            elif self._cache.has_room(row):
                self._ready_to_search(row.owner, row.name)
        self._swept = True

    def _failed(self, loaded: LoadedCollection, reason: str) -> None:
        collection = loaded.collection
        _log.warning("vectors %s: the index failed, all vectors are compared: %s", collection.name, reason)
        self._publish(
            "vectors.degraded", {"owner": collection.owner, "collection": collection.name, "reason": reason[:500]}
        )
        self._maintenance.wake()

    def _ready(self, loaded: LoadedCollection) -> None:
        collection, count = loaded.collection, loaded.served.exact.living
        topic = "vectors.recovered" if loaded.faults.recovering else "vectors.indexed"
        loaded.faults.recovering = False
        self._publish(topic, {"owner": collection.owner, "collection": collection.name, "count": count})
