"""Which collections there are, as this process saw them a moment ago.

How a search is answered: from memory with or without the graph, or block by block from the table.

Writing vectors: the steps of one transaction.

The vector service: collections of plugins and of the host, written to the table and searched in memory.
"""

from __future__ import annotations

import json
import logging
import secrets
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import VectorSettings
from omnicore.errors import EngineFailed, InvalidInput, LimitExceeded, StorageFailed
from omnicore.storage.tables.vectors import Collection, Kept, Row, VectorTable, owner_locks
from omnicore.vectors.ann import GraphFailed, available, missing
from omnicore.vectors.cache import Cache, Upkeep
from omnicore.vectors.collection import Change, Filters, Found, Resident
from omnicore.vectors.exact import Floats, Labels, Matrix, directed, nearest, prepared
from omnicore.vectors.numeric import np
from omnicore.vectors.snapshots import SnapshotBroken, Snapshots
from omnicore.vectors.vector import (
    Match,
    Vector,
    VectorHealth,
    can_be,
    check_ids,
    checked_matrix,
    checked_query,
    checked_shape,
    filter_tags,
    metadata_text,
    packed,
    tag_of,
    tags_of,
    tags_of_text,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from pathlib import Path

    import numpy.typing as npt

    from omnicore.storage.store import Session, Store

__all__ = ["Batch", "Directory", "VectorService", "batch_of", "in_memory", "in_table", "matches", "remove", "write"]


_KNOWN = 4096


@dataclass(frozen=True, slots=True)
class _Seen:
    collection: Collection
    at: float


class Directory:
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


_ALL = 1 << 31
_WIDER = 4
_WIDEST = 2000


def in_memory(
    table: VectorTable, resident: Resident, query: Matrix, k: int, tags: Sequence[int], settings: VectorSettings
) -> Found:
    """The nearest in a collection that is in memory.

    A filter that lets few through has them compared; a wide one has the graph asked for more than wanted, until
    enough of them pass. Filtering inside of the graph finds 46 % of the nearest where one in a hundred matches.
    """
    wanted = _compared(query, resident.collection.metric)
    if not tags:
        return resident.search(wanted, k)
    indexed = resident.served.graph is not None
    most = max(settings.exact_up_to, k) if indexed else _ALL
    labels = resident.filters.labels(tags, resident.seq, most)
    if labels is not None:
        return resident.search_of(labels, wanted, k)
    found = _widened(table, resident, wanted, k, tags)
    if found is not None:
        return found
    resident.filters.narrowed(tags)
    labels = Filters(table, resident.collection.key).labels(tags, resident.seq, _ALL)
    return resident.search_of(labels if labels is not None else np.empty(0, np.int64), wanted, k)


def in_table(table: VectorTable, row: Collection, query: Matrix, k: int, tags: Sequence[int]) -> Found:
    """The nearest in a collection that is not in memory; no more than a block of it is at a time."""
    wanted = _compared(query, row.metric)
    labels, distances = np.empty(0, np.int64), np.empty(0)
    for block in table.blocks(row.key, 0, row.seq, tags):
        try:
            matrix = np.frombuffer(block.vectors, "<f4").reshape(len(block.seqs), row.dimensions)
        except ValueError as error:
            raise StorageFailed(f"vectors of {row.name} are damaged", remedy="restore a backup") from error
        ready, squares = prepared(matrix, row.metric)
        rows, found = nearest(ready, squares, np.ones(len(ready), np.bool_), wanted, k, row.metric)
        labels = np.concatenate([labels, np.array(block.seqs, np.int64)[rows]])
        distances = np.concatenate([distances, found])
        order = np.argsort(distances, kind="stable")[:k]
        labels, distances = labels[order], distances[order]
    return labels, distances, True


def matches(
    labels: Labels, distances: Floats, named: Mapping[int, tuple[str, str]], filter: Mapping[str, Any] | None
) -> list[Match]:
    """What was found, with ids and metadata. Tags are hashes, so the filter has the last word."""
    wanted = {key: tag_of(key, value) for key, value in filter.items()} if filter else {}
    found = []
    for label, distance in zip(labels.tolist(), distances.tolist(), strict=True):
        if label in named:
            id_, text = named[label]
            metadata = json.loads(text) if text != "{}" else {}
            if all(key in metadata and tag_of(key, metadata[key]) == tag for key, tag in wanted.items()):
                found.append(Match(id_, distance, metadata))
    return found


def _compared(query: Matrix, metric: str) -> Matrix:
    return directed(query.reshape(1, -1))[0] if metric == "cosine" else query


def _widened(table: VectorTable, resident: Resident, query: Matrix, k: int, tags: Sequence[int]) -> Found | None:
    """Asks the graph for more and more; None when too few of the nearest pass the filter."""
    asked = k * _WIDER
    while asked <= max(_WIDEST, k * _WIDER):
        labels, distances, exact = resident.search(query, asked)
        passing = table.having(resident.collection.key, labels.tolist(), tags)
        keep = np.array([label in passing for label in labels.tolist()], np.bool_)
        if np.count_nonzero(keep) >= k:
            return labels[keep][:k], distances[keep][:k], exact
        asked *= _WIDER
    return None


_GAP_BITS = 20
_PURGE_EVERY = 64


@dataclass(frozen=True, slots=True)
class Batch:
    """Vectors to write, each id once. Shapes: `matrix: float32[len(ids), dimensions]`."""

    ids: list[str]
    matrix: Matrix
    metadata: list[str]
    tags: list[list[int]]


def batch_of(ids: Sequence[str], matrix: Matrix, metadata: Sequence[Mapping[str, Any]] | None) -> Batch:
    """Raises: InvalidInput. Of two with one id the last one counts."""
    check_ids(ids)
    if len(ids) != len(matrix) or (metadata is not None and len(metadata) != len(ids)):
        raise InvalidInput("ids, vectors and metadata differ in number", remedy="give one of each")
    last = {one: place for place, one in enumerate(ids)}
    places = list(last.values())
    given = [metadata[place] for place in places] if metadata is not None else [{}] * len(places)
    return Batch(
        list(last),
        matrix if len(last) == len(ids) else matrix[places],
        [metadata_text(one) for one in given],
        [tags_of(one) for one in given],
    )


def write(
    table: VectorTable,
    session: Session,
    collection: Collection,
    batch: Batch,
    max_vectors: int | None,
    random_bits: Callable[[int], int],
) -> Change:
    """Writes a batch; what is there already, values and metadata, is left as it is.

    Raises: InvalidInput: the collection is gone. LimitExceeded: over the owner's quota; only growth is refused.
    """
    count, size = len(batch.ids), 4 * collection.dimensions
    before, after = _reserved(table, session, collection, count, random_bits)
    there = {one.id: one for one in table.kept(session, collection.key, batch.ids)}
    blob = batch.matrix.tobytes()
    rows, places = [], []
    for place, (id_, text, tags) in enumerate(zip(batch.ids, batch.metadata, batch.tags, strict=True)):
        vector = blob[place * size : (place + 1) * size]
        old = there.get(id_)
        if old is None or (old.vector, old.metadata) != (vector, text):
            rows.append(Row(before + 1 + place, id_, vector, text, tags))
            places.append(place)
    gone = [there[row.id] for row in rows if row.id in there]
    _bury(table, session, collection, gone, after)
    table.insert(session, collection.key, rows)
    if len(rows) > len(gone):
        total = table.settle(session, collection.owner, collection.key, len(rows) - len(gone))
        if max_vectors is not None and total > max_vectors:
            raise _over(collection.owner, max_vectors)
    matrix = batch.matrix if len(places) == count else batch.matrix[places]
    return Change(
        *(collection, before, after, count, [row.seq for row in rows], matrix), gone=[one.seq for one in gone]
    )


def remove(
    table: VectorTable,
    session: Session,
    collection: Collection,
    ids: Sequence[str],
    random_bits: Callable[[int], int],
) -> Change:
    """Deletes vectors, those that are there. Raises: InvalidInput: the collection is gone."""
    before, after = _reserved(table, session, collection, 0, random_bits)
    gone = table.kept(session, collection.key, list(dict.fromkeys(ids)))
    _bury(table, session, collection, gone, after)
    if gone:
        table.settle(session, collection.owner, collection.key, -len(gone))
    empty = np.empty((0, collection.dimensions), np.float32)
    return Change(collection, before, after, len(gone), [], empty, [one.seq for one in gone])


def _reserved(
    table: VectorTable, session: Session, collection: Collection, count: int, random_bits: Callable[[int], int]
) -> tuple[int, int]:
    """The collection's `seq` before and after this write.

    The gap is random: after a backup is restored, the writes that follow get other numbers than those the backup
    has not seen, so a copy of the index from before is never taken for one of now.
    """
    step = count + 1 + random_bits(_GAP_BITS)
    after = table.reserve(session, collection.key, step)
    if after is None:
        raise InvalidInput(f"there is no collection {collection.name}", remedy="create it first")
    return after - step, after


def _bury(table: VectorTable, session: Session, collection: Collection, gone: Sequence[Kept], at: int) -> None:
    if not gone:
        return
    table.remove(session, collection.key, [(one.seq, tags_of_text(one.metadata)) for one in gone], at=at)
    if at % _PURGE_EVERY == 0:
        table.purge(session, collection.key)


def _over(owner: str, allowed: int) -> LimitExceeded:
    return LimitExceeded(
        f"{owner} may keep {allowed} vectors and has no room left",
        remedy="delete some, or ask for more by max_vectors in the scope of its vectors capability",
        limit="max_vectors",
        allowed=allowed,
    )


_MOST = 1000

_log = logging.getLogger("omnicore.vectors")


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
        self._snapshots = Snapshots(folder)
        self._clock = clock or SystemClock()
        self._publish = publish
        self._work = work
        self._random_bits = random_bits
        self._counts = {"exact": 0, "index": 0}
        self.exact_only = False
        """True if searches leave indexes alone and compare all, as long as somebody does not trust them."""
        self._cache = Cache(self.settings, lambda one: Resident(one, self.table, self._failed, lambda: self.exact_only))
        self._directory = Directory(
            self.table, refresh_s=self.settings.refresh_s, clock=self._clock, on_gone=self._gone
        )
        self._upkeep = Upkeep(
            *(self._cache.residents, self._snapshots),
            settings=self.settings,
            clock=self._clock,
            on_ready=self._ready,
            chores=self._chores,
        )
        self._swept = False

    # Lifecycle.

    async def start(self) -> None:
        """Begins the upkeep. Small collections come into memory when they are used first."""
        if self._work:
            if not available():
                _log.warning("%s", missing())
            self._upkeep.start()

    async def stop(self) -> None:
        """Ends the upkeep; an index that was being built is built again later."""
        self._upkeep.stop()

    def round(self) -> int:
        """Does what the upkeep's thread would do now. Returns how much there was to do."""
        self._chores()
        return self._upkeep.round()

    def health(self) -> VectorHealth:
        """True if every index does its work."""
        reasons = [f"{one.collection.name}: {one.reason}" for one in self._cache.residents() if one.reason]
        return VectorHealth(not reasons, "; ".join(reasons[:3]))

    def figures(self) -> dict[str, int]:
        """Numbers for metrics: vectors and collections in memory, indexes, and searches by how they were answered."""
        residents = self._cache.residents()
        return {
            "vectors": sum(one.served.twin.living for one in residents),
            "collections": len(residents),
            "indexes": sum(one.served.graph is not None for one in residents),
            "exact_searches": self._counts["exact"],
            "index_searches": self._counts["index"],
        }

    # Collections.

    def create(self, plugin: str, collection: str, dimensions: int | None = None, metric: str = "cosine") -> bool:
        """True if the collection is new. One that is there must have the same shape."""
        dimensions = self.settings.dimensions if dimensions is None else dimensions
        checked_shape(plugin, collection, dimensions, metric)
        key = self._random_bits(62)
        new = Collection(key, plugin, collection, dimensions, metric, 0, 0, 0, self._clock.now())
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
        """How many vectors the collection has."""
        return self._directory.read(plugin, collection).live

    def stats(self, plugin: str, collection: str) -> dict[str, Any]:
        """What is known of a collection: its shape, whether it is in memory, its index and the copy of it."""
        row = self._directory.read(plugin, collection)
        resident = self._cache.get(row.key)
        graph = resident.served.graph if resident is not None else None
        try:
            manifest = self._snapshots.manifest(row.key)
            copy: Any = {"rows": manifest.rows, "bytes": manifest.bytes} if manifest is not None else None
        except SnapshotBroken as error:
            copy = {"error": str(error)}
        return {
            **row.to_json(),
            "in_memory": resident is not None,
            "indexed": graph.rows - graph.marked if graph is not None else 0,
            "reason": resident.reason if resident is not None else "",
            "copy": copy,
        }

    def rebuild(self, plugin: str, collection: str) -> dict[str, Any]:
        """Builds the index anew and writes its copy, now. Returns `stats`.

        Raises: ToolMissing; LimitExceeded: the collection is too large for memory.
        """
        if not available():
            raise missing()
        row, resident = self._ready_to_search(plugin, collection)
        if resident is None:
            raise LimitExceeded(
                f"{collection} has {row.live} vectors of {row.dimensions} numbers, too many for memory",
                remedy="raise vectors.cache_size",
                limit="cache_size",
                allowed=self.settings.cache_size,
            )
        try:
            self._upkeep.rebuild(resident)
        except (GraphFailed, OSError) as error:
            raise EngineFailed(f"the index of {collection} was not built: {error}", remedy="see the log") from error
        return self.stats(plugin, collection)

    # Vectors.

    def upsert(self, plugin: str, collection: str, vectors: Sequence[Vector], *, max_vectors: int | None = None) -> int:
        """Keeps all or none, within the owner's quota over all collections. Returns how many ids there were."""
        row = self._directory.now(plugin, collection)
        matrix = checked_matrix(row, packed(vectors, row.dimensions))
        batch = batch_of([one.id for one in vectors], matrix, [one.metadata for one in vectors])
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
    ) -> Change:
        """A write within the caller's transaction, beside rows of its own. After the commit comes `kept`."""
        row = self._directory.now(plugin, collection)
        batch = batch_of(ids, checked_matrix(row, matrix), metadata)
        return write(self.table, session, row, batch, None, self._random_bits)

    def stage_removal(self, session: Session, plugin: str, collection: str, ids: Sequence[str]) -> Change:
        """A deletion within the caller's transaction. After the commit comes `kept`."""
        return remove(self.table, session, self._directory.now(plugin, collection), ids, self._random_bits)

    def kept(self, change: Change) -> None:
        """Says that a transaction with a staged change is committed: searches of this process find it from now on."""
        resident = self._cache.get(change.collection.key)
        if resident is not None:
            resident.apply(change)
            self._cache.grown(resident)

    def delete(self, plugin: str, collection: str, ids: Sequence[str]) -> int:
        """How many there were."""
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
        """The nearest whose metadata equal the filter, nearest first, and whether they surely are the nearest."""
        k = max(1, min(limit, _MOST))
        tags = filter_tags(filter) if filter else []
        row, resident = self._ready_to_search(plugin, collection)
        for _ in range(2):
            query = checked_query(row, values)
            if resident is None:
                labels, distances, exact = in_table(self.table, row, query, k, tags)
            else:
                labels, distances, exact = in_memory(self.table, resident, query, k, tags, self.settings)
            named = self.table.named(row.key, labels.tolist())
            if len(named) == len(labels):
                break
            row, resident = self._ready_to_search(plugin, collection, anew=True)  # another process deleted some
        self._counts["exact" if exact else "index"] += 1
        return matches(labels, distances, named, filter), exact

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
    ) -> tuple[Collection, Resident | None]:
        seen = None if anew else self._directory.fresh(plugin, collection)
        if seen is not None:
            resident = self._cache.get(seen.key)
            if resident is not None and not resident.behind:
                return seen, resident
        row = self._directory.read(plugin, collection)
        resident = self._cache.take(row)
        if resident is not None:
            resident.behind = False  # before the row is read: what is missed later sets it again
            row = self._directory.read(plugin, collection)
            resident.catch_up(row)
            self._cache.grown(resident)
        return row, resident

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

    def _failed(self, resident: Resident, reason: str) -> None:
        collection = resident.collection
        _log.warning("vectors %s: the index failed, all vectors are compared: %s", collection.name, reason)
        self._publish(
            "vectors.degraded", {"owner": collection.owner, "collection": collection.name, "reason": reason[:500]}
        )
        self._upkeep.wake()

    def _ready(self, resident: Resident) -> None:
        collection, count = resident.collection, resident.served.twin.living
        topic = "vectors.recovered" if resident.recovering else "vectors.indexed"
        resident.recovering = False
        self._publish(topic, {"owner": collection.owner, "collection": collection.name, "count": count})
