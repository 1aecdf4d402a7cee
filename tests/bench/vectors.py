"""Vectors against plain hnswlib and against a numpy product, on the same clustered vectors in the same run."""

from __future__ import annotations

import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from typing import Any

import hnswlib
import numpy as np
from tests.bench.measure import Effort, Figure, interleave
from tests.bench.report import Row, Target, at_most

from omnicore.config.settings import VectorSettings
from omnicore.storage.database import Database
from omnicore.vectors.service import VectorService

__all__ = ["clustered", "vectors"]

_ROWS = 100_000
_LEAST = 2000
_DIMENSIONS = 256
_QUERIES = 300
_K = 10
_SETTINGS = VectorSettings(exact_up_to=1000, snapshot_s=1e9)


def clustered(rows: int, dimensions: int, seed: int) -> Any:
    """Vectors in a thousand clusters, of length 1. The centres are the same for every seed."""
    centres = np.random.default_rng(0).standard_normal((1000, dimensions)).astype(np.float32)
    chance = np.random.default_rng(seed)
    made = centres[chance.integers(0, 1000, rows)] + 0.6 * chance.standard_normal((rows, dimensions), np.float32)
    return made / np.linalg.norm(made, axis=1, keepdims=True)


def vectors(effort: Effort) -> Iterator[Row]:
    """The rows. A quick run takes all 100,000 vectors too: an index is only interesting when it is large."""
    rows = max(_LEAST, round(_ROWS * min(1.0, 10 * effort.scale)))
    data, queries = clustered(rows, _DIMENSIONS, 1), clustered(_QUERIES, _DIMENSIONS, 2)
    plain = hnswlib.Index("ip", _DIMENSIONS)
    plain.init_index(rows + 10_000, M=_SETTINGS.m, ef_construction=_SETTINGS.ef)
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        store = Database.open(place / "omnicore.db")
        try:
            yield from _inserts(effort, store, place, data, plain)
            service = VectorService(store, place / "vectors", _SETTINGS)
            yield from _opening(service, plain, place, data)
            yield from _searches(effort, service, plain, data, queries)
            yield from _single_inserts(effort, service, plain)
        finally:
            store.close()


def _inserts(effort: Effort, store: Database, place: Path, data: Any, plain: Any) -> Iterator[Row]:
    service = VectorService(store, place / "vectors", _SETTINGS)
    service.create("bench", "docs", _DIMENSIONS)
    metadata = [{"rare": n % 100, "half": n % 2} for n in range(len(data))]
    began = time.perf_counter()
    for at in range(0, len(data), 500):
        ids = [str(n) for n in range(at, min(at + 500, len(data)))]
        service.upsert_rows("bench", "docs", ids, data[at : at + 500], metadata[at : at + 500])
    kept = len(data) / (time.perf_counter() - began)
    began = time.perf_counter()
    plain.add_items(data, np.arange(len(data)), num_threads=_SETTINGS.threads)
    added = len(data) / (time.perf_counter() - began)
    note = "with two tags each; indexed later, beside searches; hnswlib keeps in memory only, on two threads"
    yield Row("vectors kept a second, 500 at once", _one(kept), _one(added), "/s", rate=True, note=note)


def _opening(service: VectorService, plain: Any, place: Path, data: Any) -> Iterator[Row]:
    service.search("bench", "docs", data[0])
    began = time.perf_counter()
    service._maintenance._open(service._cache.collections()[0])
    built = time.perf_counter() - began
    freeze = _longest_freeze(lambda: service._maintenance._copy(service._cache.collections()[0]))
    plain_freeze = _longest_freeze(lambda: plain.save_index(str(place / "plain")))
    opened = VectorService(service.table.store, place / "vectors", _SETTINGS)
    began = time.perf_counter()
    opened.search("bench", "docs", data[0])
    usable = time.perf_counter() - began
    opened.round()
    ready = time.perf_counter() - began
    assert opened.stats("bench", "docs")["indexed"] == len(data)
    size = f"{len(data):,} vectors of {_DIMENSIONS}"
    yield Row(f"building an index of {size}", _one(built), None, "s")
    yield Row(f"opening {size}: the first answer", _one(usable), None, "s", at_most(1.0))
    yield Row(f"opening {size}: with the index", _one(ready), _one(built), "s", at_most(1.0), note="peer: building")
    note = "peer: hnswlib's save_index"
    yield Row("longest freeze while an index is copied", _one(freeze), _one(plain_freeze), "ms", at_most(50), note=note)


def _searches(effort: Effort, service: VectorService, plain: Any, data: Any, queries: Any) -> Iterator[Row]:
    service.search("bench", "docs", queries[0])
    service.round()
    plain.set_ef(_SETTINGS.ef)
    best = [set(row) for row in np.argsort(-(queries @ data.T), axis=1)[:, :_K].tolist()]
    ours = _recall([{int(one.id) for one in service.search("bench", "docs", q, _K)[0]} for q in queries], best)
    theirs = _recall([set(plain.knn_query(q, _K, num_threads=1)[0][0].tolist()) for q in queries], best)
    yield Row("recall of the nearest 10", _one(ours), _one(theirs), "", Target("at least", 0.95, ratio=False))
    following = count()

    def query() -> Any:
        return queries[next(following) % len(queries)]

    search = interleave(
        effort,
        lambda: service.search("bench", "docs", query(), _K),
        lambda: plain.knn_query(query(), _K, num_threads=1),
        lambda: _brute(data, query()),
        lambda: service.search("bench", "docs", query(), _K, {"rare": 7}),
        lambda: _brute(data[7::100], query()),
        lambda: service.search("bench", "docs", query(), _K, {"half": 1}),
        lambda: _brute(data[1::2], query()),
    )
    ours_ms, plain_ms, brute_ms, rare, rare_brute, half, half_brute = (one.scaled(1e3) for one in search)
    size = f"among {len(data):,}"
    yield Row(f"a search {size}, against hnswlib", ours_ms, plain_ms, "ms", at_most(0.3), note="with metadata")
    yield Row(f"a search {size}, against comparing all", ours_ms, brute_ms, "ms")
    yield Row("a search within 1 %, against comparing these", rare, rare_brute, "ms")
    yield Row("a search within 50 %, against comparing these", half, half_brute, "ms")


def _single_inserts(effort: Effort, service: VectorService, plain: Any) -> Iterator[Row]:
    fresh = clustered(1000, _DIMENSIONS, 3)
    number = count(10_000_000)

    def ours() -> None:
        at = next(number)
        service.upsert_rows("bench", "docs", [str(at)], fresh[at % 1000 : at % 1000 + 1])

    def theirs() -> None:
        at = next(number)
        if plain.element_count == plain.max_elements:
            plain.resize_index(plain.max_elements + 10_000)
        plain.add_items(fresh[at % 1000], at, num_threads=1)

    kept, added = interleave(effort, ours, theirs)
    note = "kept in the table; hnswlib in memory only"
    yield Row("vectors kept a second, one by one", _rate(kept), _rate(added), "/s", rate=True, note=note)


def _brute(data: Any, query: Any) -> Any:
    rating = data @ query
    best = np.argpartition(-rating, _K)[:_K]
    return best[np.argsort(-rating[best])]


def _recall(found: list[set[int]], best: list[set[int]]) -> float:
    return sum(len(a & b) for a, b in zip(found, best, strict=True)) / (_K * len(best))


def _longest_freeze(work: Callable[[], object]) -> float:
    """Milliseconds that another thread stood still at most, meanwhile."""
    done, worst = threading.Event(), 0.0

    def tick() -> None:
        nonlocal worst
        last = time.perf_counter()
        while not done.wait(0.001):
            now = time.perf_counter()
            worst, last = max(worst, now - last), now

    thread = threading.Thread(target=tick)
    thread.start()
    try:
        work()
    finally:
        done.set()
        thread.join()
    return worst * 1e3


def _one(value: float) -> Figure:
    return Figure(value, value)


def _rate(seconds: Figure) -> Figure:
    return Figure(1 / seconds.median, 1 / seconds.minimum)
