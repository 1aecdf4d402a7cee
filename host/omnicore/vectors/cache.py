"""Which collections are in memory: those used last, within a number of vectors and of bytes.

What is done for collections in memory, in the background: graphs are built, extended, renewed and copied.
"""

from __future__ import annotations

import logging
import math
import threading
from collections import OrderedDict
from dataclasses import dataclass, replace
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Literal

from omnicore.vectors.ann import Graph, available
from omnicore.vectors.numeric import np
from omnicore.vectors.snapshots import WORK, Manifest, Order, SnapshotBroken, Snapshots, written

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from omnicore.clock import Clock
    from omnicore.config.settings import VectorSettings
    from omnicore.storage.tables.vectors import Collection
    from omnicore.vectors.collection import Resident

__all__ = ["MOST_RESIDENTS", "Cache", "Duty", "State", "Upkeep", "backoff_s", "bytes_of", "due"]


MOST_RESIDENTS = 1024
_LINK_BYTES = 4


def bytes_of(collection: Collection, vectors: int, settings: VectorSettings) -> int:
    """About what a collection takes in memory: its matrix, and its index with a second one and two links for each M."""
    row = 4 * collection.dimensions + 17
    if vectors > settings.exact_up_to:
        row += 4 * collection.dimensions + 2 * _LINK_BYTES * settings.m + 32
    return vectors * row


class Cache:
    """Residents by key. One that does not fit is not kept, one not used for long makes room.

    Empty ones take next to nothing, but each is looked at after each write, so there are `MOST_RESIDENTS` at most.
    """

    def __init__(self, settings: VectorSettings, make: Callable[[Collection], Resident]) -> None:
        self._settings = settings
        self._make = make
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, Resident] = OrderedDict()

    def get(self, key: int) -> Resident | None:
        """The resident, if it is in memory; it counts as used."""
        with self._lock:
            found = self._kept.get(key)
            if found is not None:
                self._kept.move_to_end(key)
            return found

    def take(self, collection: Collection) -> Resident | None:
        """The resident, a new one if need be; None when the collection is too large for memory."""
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
            there = [(one.collection, one.served.twin.living) for one in self._kept.values()]
            return self._fits([*there, (collection, collection.live)])

    def grown(self, resident: Resident) -> None:
        """Makes room after a write; a collection that has become too large leaves itself."""
        with self._lock:
            if self._kept.get(resident.collection.key) is resident:
                self._shrink(resident, resident.served.twin.living)

    def drop(self, key: int) -> None:
        """Forgets a collection."""
        with self._lock:
            self._leave(key)

    def residents(self) -> list[Resident]:
        """All of them, the one used last at the end."""
        with self._lock:
            return list(self._kept.values())

    def vectors(self) -> int:
        """How many vectors are in memory."""
        return sum(one.served.twin.living for one in self.residents())

    def _shrink(self, newest: Resident, living: int) -> None:
        sizes = {
            key: (one.collection, living if one is newest else one.served.twin.living)
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
            len(sizes) <= MOST_RESIDENTS
            and sum(vectors for _, vectors in sizes) <= settings.cache_size
            and sum(bytes_of(one, vectors, settings) for one, vectors in sizes) <= settings.cache_bytes
        )

    def _leave(self, key: int) -> None:
        gone = self._kept.pop(key, None)
        if gone is not None:
            gone.left = True


Duty = Literal["open", "renew", "fold", "copy", "drop"]

DEAD_SHARE = 0.3  # 828 instead of 5,308 searches a second at 90 %
_CHANGED_SHARE = 0.1
_FOLD_ROWS = 1024  # comparing the rows behind the graph costs 0.1 ms then
_FOLD_AFTER_S = 1.0
_SLICE_S = 0.004  # how long searches wait for an insertion
_BUILD_ROWS = 2000
_TICK_S = 0.5
_LONGEST_WAIT_S = 60.0
_FORGIVEN_S = 120.0  # a graph that did well for so long begins anew with its failures

_log = logging.getLogger("omnicore.vectors")


@dataclass(frozen=True, slots=True)
class State:
    """What there is to know about one collection. Units: rows, seconds."""

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


def due(state: State, settings: VectorSettings) -> Duty | None:
    """What to do next for a collection."""
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
    """How long to wait after so many failures in a row: 1, 2, 4 seconds, a minute at most."""
    return float(min(_LONGEST_WAIT_S, 2.0 ** min(failures - 1, 10))) if failures else 0.0


@dataclass(slots=True)
class _Times:
    """When things happened to one collection, on the monotonic clock."""

    failed: float = -math.inf
    failures: int = 0
    copied: float = -math.inf
    seen: int = 0  # its changes, when it was looked at last
    quiet: float = -math.inf  # since when there are no more


class Upkeep:
    """A thread that goes round the collections, or `round` called by hand.

    Owns: its thread, and the process that writes a copy, until `stop`.
    """

    def __init__(
        self,
        residents: Callable[[], Iterable[Resident]],
        snapshots: Snapshots,
        *,
        settings: VectorSettings,
        clock: Clock,
        on_ready: Callable[[Resident], None],
        chores: Callable[[], None],
    ) -> None:
        self._residents = residents
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
        """Does what is due now for every collection. Returns how much was done."""
        with self._working:
            return self._round()

    def _round(self) -> int:
        done = 0
        residents = list(self._residents())
        self._times = {key: times for key, times in self._times.items() if any(key == id(one) for one in residents)}
        for resident in residents:
            while not self._stopping.is_set() and not resident.left and self._one(resident):
                done += 1
        return done

    def rebuild(self, resident: Resident) -> None:
        """Builds the graph of a collection anew and copies it; one too small for a graph loses its copy."""
        with self._working:
            if resident.served.twin.living <= self._settings.exact_up_to:
                self._drop(resident)
                return
            self._renew(resident)
            self._copy(resident)

    def _one(self, resident: Resident) -> bool:
        """Does what is due first. A failure is told and tried again later."""
        duty = due(self._state(resident), self._settings) if available() else None
        if duty is None:
            return False
        graph = resident.served.graph
        try:
            getattr(self, f"_{duty}")(resident)
        except Exception as error:  # whatever it is, the twin answers, and it is tried again after a while
            if self._stopping.is_set():
                return False
            self._failed(resident, duty, graph, error)
        return True

    def _failed(self, resident: Resident, duty: Duty, graph: Graph | None, error: Exception) -> None:
        _log.warning("vectors %s: %s failed: %s", resident.collection.name, duty, error)
        times = self._times_of(resident)
        if duty == "copy":  # searches need none; the next one starts from nothing
            resident.base = None
            times.copied = self._clock.monotonic()
            return
        resident.fail(str(error), graph)

    def _state(self, resident: Resident) -> State:
        served, now, times = resident.served, self._clock.monotonic(), self._times_of(resident)
        if times.seen != resident.changes:
            times.seen, times.quiet = resident.changes, now
        if resident.failures > times.failures:
            times.failed = now
        elif served.graph is not None and now - times.failed >= _FORGIVEN_S:
            resident.failures = 0
        times.failures = resident.failures
        graph = served.graph
        return State(
            living=served.twin.living,
            indexed=graph is not None,
            graph_rows=graph.rows if graph else 0,
            graph_living=int(np.count_nonzero(served.twin.alive[: served.folded])),
            behind_rows=served.twin.rows - served.folded + len(resident.unmarked),
            quiet_s=now - times.quiet,
            waiting=now - times.failed < backoff_s(resident.failures),
            changes=resident.changes,
            copied=resident.base is not None,
            since_copy_s=now - times.copied,
        )

    def _open(self, resident: Resident) -> None:
        """Takes the copy on disk, or builds a graph where there is none or another history's."""
        collection = resident.collection
        manifest = None if resident.failures else self._snapshots.manifest(collection.key)
        shape = (collection.dimensions, collection.metric, self._settings.m)
        if manifest is None or (manifest.dimensions, manifest.metric, manifest.m) != shape:
            self._renew(resident)
            return
        graph = self._loaded(resident, manifest)
        labels = graph.labels()
        with resident.changing:
            twin = resident.served.twin
            upto = int(np.searchsorted(twin.labels[: twin.rows], manifest.seq, side="right"))
            known = twin.labels[:upto][twin.alive[:upto]]
            if manifest.seq > resident.seq or not np.isin(known, labels, assume_unique=True).all():
                raise SnapshotBroken("the copy of the index belongs to another history of the database")
            graph.mark(np.setdiff1d(labels, known, assume_unique=True).tolist())
            resident.adopt(graph, replace(twin, rows=upto), known)
            resident.base, resident.changes = manifest, twin.rows - upto
        self._on_ready(resident)

    def _loaded(self, resident: Resident, manifest: Manifest) -> Graph:
        collection, settings = resident.collection, self._settings
        return Graph.loaded(
            *(self._snapshots.verified(manifest), collection.dimensions, collection.metric),
            rows=manifest.rows,
            m=settings.m,
            ef=settings.ef,
            threads=settings.threads,
        )

    def _renew(self, resident: Resident) -> None:
        """Builds a graph of the living beside the one that answers, and puts it in its place."""
        settings = self._settings
        resident.building = True
        try:
            start = resident.served.twin
            fresh = start.compact() if start.dead else start
            graph = Graph(fresh.matrix.shape[1], fresh.metric, m=settings.m, ef=settings.ef, threads=settings.threads)
            for at in range(0, fresh.rows, _BUILD_ROWS):
                if self._stopping.is_set() or resident.left:
                    return
                end = min(fresh.rows, at + _BUILD_ROWS)
                graph.add(fresh.labels[at:end], fresh.matrix[at:end])
            resident.adopt(graph, start, fresh.labels[: fresh.rows])
            resident.base = None
        finally:
            resident.building = False
        self._on_ready(resident)

    def _fold(self, resident: Resident) -> None:
        """Brings the graph up to the twin, in slices so short that searches hardly wait."""
        graph = resident.served.graph
        if graph is None:
            return
        with resident.changing:
            marks, resident.unmarked = resident.unmarked, []
        graph.mark(marks)
        while not self._stopping.is_set() and resident.served.graph is graph:
            served = resident.served
            end = min(served.twin.rows, served.folded + self._slice)
            if served.folded == end:
                return
            rows = served.folded + np.flatnonzero(served.twin.alive[served.folded : end])
            began = perf_counter()
            if len(rows):
                graph.add(served.twin.labels[rows], served.twin.matrix[rows])
            self._slice = _next_slice(self._slice, perf_counter() - began)
            resident.folded(rows, end)

    def _copy(self, resident: Resident) -> None:
        """Lets another process write a copy: the one before with what came since, or all anew."""
        collection, base, twin = resident.collection, resident.base, resident.served.twin
        changes, path = resident.changes, Path()
        if base is not None:
            path = self._snapshots.folder / base.file
        start = int(np.searchsorted(twin.labels[: twin.rows], base.seq, side="right")) if base else 0
        rows = start + np.flatnonzero(twin.alive[start : twin.rows])
        living = twin.labels[: twin.rows][twin.alive[: twin.rows]]
        settings = self._settings
        with self._snapshots.workplace() as folder:
            order = Order(
                *(str(folder), str(path) if base else "", base.rows if base else 0, base.crc if base else 0),
                *(collection.dimensions, collection.metric, settings.m, settings.ef),
            )
            made, count, size, crc = written(order, twin.labels[rows], twin.matrix[rows], living, self._stopping.is_set)
            seq = int(twin.labels[twin.rows - 1])
            name = f"{collection.key:016x}.{folder.name.removeprefix(WORK)}.hnsw"
            manifest = Manifest(name, seq, count, size, crc, collection.dimensions, collection.metric, settings.m)
            if resident.left:  # perhaps dropped: its copies are deleted already
                return
            self._snapshots.publish(collection.key, made, manifest)
        with resident.changing:
            resident.base = manifest
            resident.changes -= changes
        self._times_of(resident).copied = self._clock.monotonic()

    def _drop(self, resident: Resident) -> None:
        """Goes back to comparing all: the collection has shrunk."""
        with resident.changing:
            resident.served = type(resident.served)(resident.served.twin)
            resident.unmarked, resident.base = [], None
        self._snapshots.remove(resident.collection.key)

    def _times_of(self, resident: Resident) -> _Times:
        return self._times.setdefault(id(resident), _Times())

    def _main(self) -> None:
        while not self._stopping.is_set():
            try:
                self._chores()
                self.round()
            except Exception:  # the database is away, say: this thread is what recovers by itself
                _log.exception("vectors: the upkeep failed; it goes on")
            self._woken.wait(_TICK_S)
            self._woken.clear()


def _next_slice(rows: int, seconds: float) -> int:
    """How many rows to add at once, so that it takes the time it may."""
    return max(1, min(512, int(rows * min(2.0, _SLICE_S / max(seconds, 1e-6)))))
