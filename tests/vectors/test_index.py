"""The index: built, extended, renewed, copied, damaged, lost, and recovered while searches go on being right."""

from __future__ import annotations

import asyncio
import itertools
import json
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.vectors.conftest import Make, Told, filled, ids, names, nearest, some

from omnicore.clock import ManualClock
from omnicore.config.settings import VectorSettings
from omnicore.vectors import links
from omnicore.vectors.ann import Graph, GraphFailed
from omnicore.vectors.collection import LoadedCollection
from omnicore.vectors.exact import directed
from omnicore.vectors.links import OtherForm, nameless, stripped
from omnicore.vectors.service import IndexState, VectorService, backoff_s, due
from omnicore.vectors.snapshots import IndexSnapshots, SnapshotOrder, written

pytest.importorskip("hnswlib")


@pytest.fixture(params=["sqlite"])
def dialect(request: pytest.FixtureRequest) -> str:
    """Indexes are the same over both databases."""
    return str(request.param)


def indexed(service: VectorService, count: int = 200) -> Any:
    """A collection with an index and a copy of it. Returns its rows."""
    rows = filled(service, count)
    service.search("p", "docs", rows[0])
    service.round()
    assert service.stats("p", "docs")["indexed"] == count
    return rows


def copy_of(tmp_path: Path) -> tuple[Path, Path]:
    """The file of the only copy, and its manifest."""
    (manifest,) = (tmp_path / "vectors").glob("*.json")
    return tmp_path / "vectors" / json.loads(manifest.read_text())["file"], manifest


def test_a_large_collection_is_searched_by_its_index(service: VectorService, told: Told) -> None:
    rows = indexed(service)
    found = service.search("p", "docs", rows[7], 5)
    assert (ids(found), found[1]) == (nearest(rows, rows[7], 5), False)
    assert told == [("vectors.indexed", {"owner": "p", "collection": "docs", "count": 200})]
    assert service.figures()["indexes"] == 1


@pytest.mark.parametrize("metric", ["cosine", "l2", "dot"])
def test_the_index_finds_what_comparing_all_finds(make: Make, metric: str) -> None:
    exact, approximate = make(exact_up_to=10_000), make()
    rows = filled(exact, 400, metric=metric)
    approximate.search("p", "docs", rows[0])
    assert approximate.round()
    agreed = 0
    for query in some(50, seed=9):
        surely, maybe = exact.search("p", "docs", query, 10), approximate.search("p", "docs", query, 10)
        assert (surely[1], maybe[1]) == (True, False)
        agreed += len(set(ids(surely)) & set(ids(maybe)))
    assert agreed >= 0.95 * 500


def test_what_is_written_and_deleted_after_the_index_was_built_counts(service: VectorService) -> None:
    rows = indexed(service)
    service.upsert_rows("p", "docs", ["new"], rows[7:8])
    service.delete("p", "docs", ["v7", "v8"])
    found = service.search("p", "docs", rows[7], 3)
    assert found[1] is False
    assert ids(found)[0] == "new"
    assert not {"v7", "v8"} & set(ids(service.search("p", "docs", rows[8], 15)))


def test_the_index_takes_up_new_rows_when_it_is_quiet(service: VectorService, clock: ManualClock) -> None:
    rows = indexed(service)
    service.upsert_rows("p", "docs", ["new"], rows[7:8])
    service.delete("p", "docs", ["v7"])
    service.round()
    assert service.stats("p", "docs")["indexed"] == 200
    clock.advance(2)
    service.round()
    (loaded,) = service._cache.collections()
    assert (loaded.served.folded, loaded.unmarked) == (201, [])
    assert ids(service.search("p", "docs", rows[7], 1)) == ["new"]


def test_an_index_with_many_dead_is_built_anew(service: VectorService) -> None:
    rows = indexed(service)
    service.delete("p", "docs", names(80))
    service.round()
    (loaded,) = service._cache.collections()
    assert loaded.served.graph is not None
    assert (loaded.served.graph.rows, loaded.served.exact.rows) == (120, 120)
    assert ids(service.search("p", "docs", rows[100], 1)) == ["v100"]


def test_a_collection_that_shrinks_loses_its_index(service: VectorService, tmp_path: Path) -> None:
    rows = indexed(service)
    service.delete("p", "docs", names(180))
    service.round()
    assert service.stats("p", "docs")["indexed"] == 0
    assert not list((tmp_path / "vectors").glob("*.hnsw"))
    assert service.search("p", "docs", rows[190], 1)[1] is True


def test_the_next_start_takes_the_copy_and_what_came_since(
    service: VectorService, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = indexed(service)
    service.upsert_rows("p", "docs", ["new"], rows[7:8])
    service.delete("p", "docs", ["v7"])
    service.upsert_rows("p", "docs", ["v9"], rows[8:9])
    monkeypatch.setattr("omnicore.vectors.service.IndexMaintenance._renew", None)  # whatever builds, fails
    again = make()
    again.round()
    assert again.health().ok
    assert again.stats("p", "docs")["in_memory"]  # before it was asked for
    found = again.search("p", "docs", rows[7], 10)
    assert (ids(found)[0], found[1]) == ("new", False)
    assert {"v8", "v9"} == set(ids(again.search("p", "docs", rows[8], 2)))
    assert "v7" not in ids(found)


def test_a_second_copy_is_made_from_the_first(service: VectorService, make: Make, tmp_path: Path) -> None:
    rows = indexed(service)
    first, manifest = copy_of(tmp_path)
    service.upsert_rows("p", "docs", [f"w{n}" for n in range(40)], some(40, seed=5))
    service.delete("p", "docs", names(10))
    service.round()
    second, _ = copy_of(tmp_path)
    assert second != first
    assert not first.exists()
    assert json.loads(manifest.read_text())["rows"] == 240  # the dead of the first are in it, marked
    again = make()
    again.round()
    assert again.health().ok
    assert again.stats("p", "docs")["indexed"] == 230
    assert not set(names(10)) & set(ids(again.search("p", "docs", rows[0], 20)))


def test_no_copy_holds_a_vector(service: VectorService, tmp_path: Path) -> None:
    rows = indexed(service)
    unit = rows / np.linalg.norm(rows.astype(np.float64), axis=1, keepdims=True)
    for _ in range(2):
        data = b"".join(path.read_bytes() for path in (tmp_path / "vectors").rglob("*") if path.is_file())
        assert len(data) > 8000
        assert not any(row.astype(np.float32)[:3].tobytes() in data for row in (*rows, *unit))
        service.upsert_rows("p", "docs", [f"w{n}" for n in range(40)], some(40, seed=5))
        service.delete("p", "docs", names(10))
        service.round()


def test_a_copy_of_the_form_before_which_held_vectors_is_removed(
    service: VectorService, make: Make, tmp_path: Path
) -> None:
    rows = indexed(service)
    copy, manifest = copy_of(tmp_path)
    manifest.write_text(json.dumps({**json.loads(manifest.read_text()), "format": 1}))
    again = make()
    again.round()
    assert not copy.exists()
    assert again.health().ok
    assert ids(again.search("p", "docs", rows[7], 5)) == nearest(rows, rows[7], 5)
    assert json.loads(copy_of(tmp_path)[1].read_text())["format"] == 2


@pytest.mark.parametrize("metric", ["cosine", "l2"])
def test_an_index_is_the_same_bytes_after_its_vectors_were_taken_out_and_put_in(metric: str) -> None:
    rows = directed(some(300))
    graph = Graph(8, metric, m=8, ef=60)
    graph.add(np.arange(300) * 3 + 5, rows)
    with nameless() as (file, path):
        graph._index.save_index(str(path))
        whole = file.read()
    bare = b"".join(stripped(memoryview(whole), 8))
    assert len(bare) == len(whole) - 300 * 32
    assert b"".join(links.filled(memoryview(bare), 8, np.arange(300) * 3 + 5, rows)) == whole
    for other in (whole[:50], b"\1" + whole[1:], whole[:500]):
        with pytest.raises(OtherForm):
            list(stripped(memoryview(other), 8))
    with pytest.raises(OtherForm):
        list(stripped(memoryview(whole), 9))


def damage(copy: Path, manifest: Path, how: str) -> None:
    data = bytearray(copy.read_bytes())
    if how == "a bit":
        data[len(data) // 3] ^= 4
        copy.write_bytes(data)
    elif how == "cut off":
        copy.write_bytes(data[:-5])
    elif how == "empty":
        copy.write_bytes(b"")
    elif how == "no file":
        copy.unlink()
    else:
        changed = {"dimensions": {"dimensions": 16}, "metric": {"metric": "l2"}, "m": {"m": 9}, "seq": {"seq": 1 << 60}}
        words = {**json.loads(manifest.read_text()), **changed.get(how, {})}
        texts = {"manifest": "{", "list": "[]", "types": json.dumps({**words, "crc": "1"}), "long": " " * 5000}
        outside = json.dumps({**words, "file": "../" + words["file"]})
        manifest.write_text({**texts, "outside": outside}.get(how) or json.dumps(words))


DAMAGE = ["a bit", "cut off", "empty", "no file", "seq", "manifest", "list", "types", "long", "outside"]


@pytest.mark.parametrize("how", DAMAGE)
def test_a_damaged_copy_is_told_and_built_anew_while_searches_compare_all(
    service: VectorService, make: Make, told: Told, tmp_path: Path, clock: ManualClock, how: str
) -> None:
    rows = indexed(service)
    damage(*copy_of(tmp_path), how)
    told.clear()
    again = make()
    again.search("p", "docs", rows[7])
    again.round()
    found = again.search("p", "docs", rows[7], 5)
    assert (ids(found), found[1]) == (nearest(rows, rows[7], 5), True)
    assert not again.health().ok
    assert again.health().reason.startswith("docs: ")
    clock.advance(1.5)
    again.round()
    assert again.health().ok
    assert again.search("p", "docs", rows[7], 5)[1] is False
    assert told.topics == ["vectors.degraded", "vectors.recovered"]
    third = make()
    third.round()
    assert third.stats("p", "docs")["indexed"] == 200
    assert third.health().ok


@pytest.mark.parametrize("how", ["dimensions", "metric", "m"])
def test_a_copy_of_another_shape_is_not_read(service: VectorService, make: Make, tmp_path: Path, how: str) -> None:
    rows = indexed(service)
    damage(*copy_of(tmp_path), how)
    again = make()
    again.round()
    assert again.health().ok
    assert ids(again.search("p", "docs", rows[7], 5)) == nearest(rows, rows[7], 5)


def test_a_copy_of_another_history_is_not_believed(
    service: VectorService, make: Make, clock: ManualClock, tmp_path: Path
) -> None:
    rows = indexed(service, 100)
    copy, manifest = copy_of(tmp_path)
    kept, words = copy.read_bytes(), manifest.read_text()
    service.delete("p", "docs", names(100))  # as if a backup had been restored, and then this had been written
    service.upsert_rows("p", "docs", names(100), rows[::-1])
    copy.write_bytes(kept)
    manifest.write_text(words)
    again = make()
    again.round()
    again.round()
    clock.advance(1.5)
    again.round()
    assert ids(again.search("p", "docs", rows[0], 1)) == ["v99"]
    assert again.health().ok


def test_an_index_that_fails_in_a_search_is_replaced(
    service: VectorService, told: Told, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = indexed(service)

    def broken(self: Graph, query: Any, k: int) -> Any:
        raise GraphFailed("the index failed: broken on purpose")

    with monkeypatch.context() as patch:
        patch.setattr(Graph, "search", broken)
        found = service.search("p", "docs", rows[7], 5)
    assert (ids(found), found[1]) == (nearest(rows, rows[7], 5), True)
    assert service.health().reason == "docs: the index failed: broken on purpose"
    clock.advance(0.5)
    service.round()
    clock.advance(1.5)
    service.round()
    assert service.health().ok
    assert service.search("p", "docs", rows[7], 5)[1] is False
    assert told.topics == ["vectors.indexed", "vectors.degraded", "vectors.recovered"]


def test_an_index_that_fails_again_and_again_is_built_more_and_more_rarely(
    service: VectorService, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows, built = indexed(service), []

    def broken(self: Graph, query: Any, k: int) -> Any:
        raise GraphFailed("broken on purpose")

    adopt = LoadedCollection.adopt
    monkeypatch.setattr(LoadedCollection, "adopt", lambda *given: (built.append(clock.monotonic()), adopt(*given)))
    with monkeypatch.context() as patch:
        patch.setattr(Graph, "search", broken)
        for _ in range(40):
            service.search("p", "docs", rows[7], 5)
            service.round()
            clock.advance(0.5)
    assert [b - a for a, b in itertools.pairwise(built)] == [
        2.5,
        4.5,
        8.5,
    ]  # found out half a second after it was built
    clock.advance(200)
    service.round()
    clock.advance(200)
    service.round()
    assert service.health().ok
    assert service._cache.collections()[0].faults.count == 0


def test_an_index_that_cannot_be_built_is_tried_again_more_and_more_rarely(
    service: VectorService, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = filled(service)
    tries = []

    def broken(self: Graph, labels: Any, matrix: Any) -> None:
        tries.append(clock.monotonic())
        raise MemoryError("no memory")

    monkeypatch.setattr(Graph, "add", broken)
    service.search("p", "docs", rows[0])
    for _ in range(80):
        service.round()
        clock.advance(0.5)
    assert [round(b - a, 1) for a, b in itertools.pairwise(tries)] == [1.0, 2.0, 4.0, 8.0, 16.0]
    assert service.search("p", "docs", rows[7], 1)[0][0].id == "v7"
    assert "no memory" in service.health().reason


def test_a_copy_that_fails_harms_no_search(service: VectorService, monkeypatch: pytest.MonkeyPatch) -> None:
    rows = filled(service)
    monkeypatch.setattr(sys, "executable", "/nowhere/python")
    service.search("p", "docs", rows[0])
    monkeypatch.setattr(service._maintenance, "_settings", VectorSettings(exact_up_to=50, m=8, ef=60, snapshot_s=60))
    service.round()
    assert service.stats("p", "docs")["copy"] is None
    assert service.search("p", "docs", rows[7], 1)[1] is False
    assert service.health().ok


def test_a_killed_scribe_is_an_error_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    started = subprocess.Popen

    def killed(*arguments: Any, **options: Any) -> Any:
        process = started(*arguments, **options)
        process.send_signal(signal.SIGKILL)
        process.wait()
        return process

    monkeypatch.setattr(subprocess, "Popen", killed)
    snapshots = IndexSnapshots(tmp_path / "vectors")
    with snapshots.workplace() as folder:
        order = SnapshotOrder(str(folder), "", 0, 0, 8, "l2", 8, 60)
        with pytest.raises((GraphFailed, BrokenPipeError)):
            written(order, np.arange(9), some(9), lambda: False)
    assert list((tmp_path / "vectors").iterdir()) == []


def test_a_stopping_host_ends_the_scribe(tmp_path: Path) -> None:
    with IndexSnapshots(tmp_path).workplace() as folder:
        order = SnapshotOrder(str(folder), "", 0, 0, 64, "l2", 64, 2000)
        with pytest.raises(GraphFailed, match="the host stops"):
            written(order, np.arange(20_000), some(20_000, 64), lambda: True)


def test_the_thread_builds_the_index_by_itself(make: Make, told: Told) -> None:
    service = make()
    rows = filled(service)

    async def run() -> None:
        await service.start()
        service.search("p", "docs", rows[0])
        async with asyncio.timeout(60):
            while service.stats("p", "docs")["copy"] is None:
                await asyncio.sleep(0.01)
        await service.stop()

    asyncio.run(run())
    assert told.topics == ["vectors.indexed"]


def test_without_hnswlib_all_is_the_same_but_exact(tmp_path: Path) -> None:
    script = """
import asyncio, logging, sys
sys.modules["hnswlib"] = None
from pathlib import Path
import numpy as np
from omnicore.config.settings import VectorSettings
from omnicore.storage.database import Database
from omnicore.vectors.service import VectorService
logging.basicConfig(format="%(message)s")
async def run():
    store = Database.open(Path(sys.argv[1]) / "x.db")
    service = VectorService(store, Path(sys.argv[1]) / "vectors", VectorSettings(exact_up_to=10))
    await service.start()
    service.create("p", "docs", 4)
    rows = np.random.default_rng(0).standard_normal((50, 4))
    service.upsert_rows("p", "docs", [str(n) for n in range(50)], rows)
    found, exact = service.search("p", "docs", rows[3], 1)
    assert service.round() == 0
    print(found[0].id, exact, service.health().ok)
    await service.stop()
    store.close()
asyncio.run(run())
"""
    done = subprocess.run(
        [sys.executable, "-W", "error", "-c", script, str(tmp_path)], capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stdout) == (0, "3 True True\n"), done.stderr
    assert done.stderr.count("hnswlib is not installed") == 1
    assert "pip install 'omnicore[hnsw]'" in done.stderr


def test_rebuilding_by_hand_makes_index_and_copy(make: Make, tmp_path: Path) -> None:
    service = make()
    rows = filled(service)
    found = service.rebuild("p", "docs")
    assert (found["indexed"], found["copy"]["rows"]) == (200, 200)
    service.delete("p", "docs", names(190))
    assert service.rebuild("p", "docs")["indexed"] == 0
    assert not list((tmp_path / "vectors").glob("*.hnsw"))
    assert service.search("p", "docs", rows[195], 1)[1] is True


IDLE = IndexState(100, True, 100, 100, 0, 9.0, False, 0, True, 9.0)


@pytest.mark.parametrize(
    ("changes", "work"),
    [
        ({}, None),
        ({"indexed": False}, "open"),
        ({"indexed": False, "waiting": True}, None),
        ({"indexed": False, "living": 50}, None),
        ({"living": 25}, "drop"),
        ({"living": 26}, None),
        ({"graph_living": 69}, "renew"),
        ({"graph_living": 70}, None),
        ({"behind_rows": 1}, "fold"),
        ({"behind_rows": 1, "quiet_s": 0.9}, None),
        ({"behind_rows": 1024, "quiet_s": 0.0}, "fold"),
        ({"copied": False}, "copy"),
        ({"changes": 11}, "copy"),
        ({"changes": 10}, None),
        ({"changes": 11, "since_copy_s": 0.5}, None),
    ],
)
def test_what_is_due_follows_from_the_state(changes: dict[str, Any], work: str | None) -> None:
    settings = VectorSettings(exact_up_to=50, snapshot_s=1.0)
    assert due(IndexState(**{**{f: getattr(IDLE, f) for f in IndexState.__slots__}, **changes}), settings) == work


def test_waiting_after_failures_grows_to_a_minute() -> None:
    assert [backoff_s(n) for n in (0, 1, 2, 3, 7, 500)] == [0.0, 1.0, 2.0, 4.0, 60.0, 60.0]
