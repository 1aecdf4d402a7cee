"""Collections and vectors on both databases: what is written is found, and nothing else."""

from __future__ import annotations

import math
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from tests.vectors.conftest import Make, filled, ids, names, nearest, some

from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.vectors.service import VectorService
from omnicore.vectors.vector import Match, Vector


def test_a_collection_is_new_once_and_keeps_its_shape(service: VectorService) -> None:
    assert service.create("p", "docs", 3) is True
    assert service.create("p", "docs", 3) is False
    with pytest.raises(InvalidInput, match="has 3 dimensions under cosine"):
        service.create("p", "docs", 4)
    with pytest.raises(InvalidInput, match="has 3 dimensions under cosine"):
        service.create("p", "docs", 3, "l2")


def test_a_collection_that_names_no_dimensions_has_those_of_the_settings(service: VectorService) -> None:
    service.create("p", "docs")
    found = service.find("p", "docs")
    assert found is not None
    assert found.dimensions == 768


@pytest.mark.parametrize(
    ("name", "dimensions", "metric"),
    [("", 3, "cosine"), ("a\nb", 3, "cosine"), ("x" * 257, 3, "l2"), ("a", 0, "l2"), ("a", 4097, "l2"), ("a", 3, "L2")],
)
def test_an_impossible_collection_is_refused(service: VectorService, name: str, dimensions: int, metric: str) -> None:
    with pytest.raises(InvalidInput):
        service.create("p", name, dimensions, metric)


def test_a_plugin_has_so_many_collections_and_no_more(make: Make) -> None:
    service = make(max_collections=2)
    service.create("p", "a", 2)
    service.create("p", "b", 2)
    with pytest.raises(LimitExceeded) as caught:
        service.create("p", "c", 2)
    assert caught.value.details["limit"] == "max_collections"
    assert [one.name for one in service.collections("p")] == ["a", "b"]
    assert service.create("q", "c", 2)


@pytest.mark.parametrize(
    ("metric", "values", "distances"),
    [
        ("cosine", [2.0, 0.0], [0.0, 1.0 - math.sqrt(0.5), 2.0]),
        ("l2", [1.0, 0.0], [0.0, 1.0, 4.0]),
        ("dot", [1.0, 0.0], [0.0, 0.0, 4.0]),
    ],
)
def test_distances_are_those_of_the_metric(
    service: VectorService, metric: str, values: list[float], distances: list[float]
) -> None:
    service.create("p", "docs", 2, metric)
    service.upsert_rows("p", "docs", ["same", "near", "far"], [[1, 0], [1, 1], [-3, 0]])
    found, exact = service.search("p", "docs", values)
    assert [one.id for one in found] == ["same", "near", "far"]
    assert [one.distance for one in found] == pytest.approx(distances)
    assert exact


def test_vectors_come_with_their_metadata(service: VectorService) -> None:
    service.create("p", "docs", 2)
    metadata = {"page": 7, "deep": {"a": [1, None, "ü\0"]}}
    assert service.upsert("p", "docs", [Vector("a", (1.0, 0.5), metadata)]) == 1
    assert service.search("p", "docs", (1, 0.5)) == ([Match("a", 0.0, metadata)], True)
    assert service.get("p", "docs", ["a", "b"]) == [Vector("a", (1.0, 0.5), metadata)]


def test_writing_an_id_again_replaces_the_vector(service: VectorService) -> None:
    rows = filled(service, 20)
    service.upsert_rows("p", "docs", ["v3"], rows[4:5])
    assert service.count("p", "docs") == 20
    assert set(ids(service.search("p", "docs", rows[4], 2))) == {"v3", "v4"}
    assert "v3" not in ids(service.search("p", "docs", rows[3], 1))


def test_writing_the_same_again_changes_nothing(service: VectorService) -> None:
    rows = filled(service, 20)
    service.search("p", "docs", rows[0])
    before = service.table.store.rows("SELECT id, seq FROM vectors ORDER BY id")
    assert service.upsert_rows("p", "docs", names(20), rows) == 20
    assert service.table.store.rows("SELECT id, seq FROM vectors ORDER BY id") == before


def test_the_last_of_two_with_one_id_counts(service: VectorService) -> None:
    service.create("p", "docs", 2)
    assert service.upsert("p", "docs", [Vector("a", (1, 0), {}), Vector("a", (0, 1), {"n": 2})]) == 1
    assert service.search("p", "docs", (0, 1)) == ([Match("a", 0.0, {"n": 2})], True)


def test_what_is_deleted_is_not_found(service: VectorService) -> None:
    rows = filled(service, 20)
    assert service.delete("p", "docs", ["v3", "v4", "v4", "nobody"]) == 2
    assert not {"v3", "v4"} & set(ids(service.search("p", "docs", rows[3], 20)))
    assert service.count("p", "docs") == 18
    assert service.table.store.rows("SELECT count(*) FROM vector_tags")[0][0] == 0


def test_a_limit_beyond_what_there_is_gives_all(service: VectorService) -> None:
    rows = filled(service, 5)
    assert len(service.search("p", "docs", rows[0], 1000)[0]) == 5
    service.delete("p", "docs", names(5))
    assert service.search("p", "docs", rows[0], 10) == ([], True)


def test_every_owner_sees_only_its_own(service: VectorService) -> None:
    filled(service, 5)
    with pytest.raises(InvalidInput, match="no collection docs"):
        service.search("q", "docs", [0.5] * 8)
    service.create("q", "docs", 8)
    assert service.search("q", "docs", [0.5] * 8) == ([], True)
    assert service.delete("q", "docs", ["v1"]) == 0


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ([[0.0, 0.0]], "zero vector"),
        ([[1e-60, 0.0]], "zero vector"),
        ([[math.nan, 1.0]], "not finite"),
        ([[math.inf, 1.0]], "not finite"),
        ([[1e39, 1.0]], "not finite"),
        ([[1.0]], "1 dimensions where the collection has 2"),
        ([[1.0, 2.0, 3.0]], "3 dimensions where the collection has 2"),
        ([["a", 1.0]], "no number"),
        ([[None, 1.0]], "not finite"),
    ],
)
def test_vectors_without_a_direction_are_refused(service: VectorService, values: Any, words: str) -> None:
    service.create("p", "docs", 2)
    good = Vector("good", (1.0, 1.0), {})
    with pytest.raises(InvalidInput, match=words):
        service.upsert("p", "docs", [good, *(Vector("bad", tuple(one), {}) for one in values)])
    assert service.count("p", "docs") == 0
    with pytest.raises(InvalidInput, match=words):
        service.search("p", "docs", values[0])


def test_zero_is_a_place_under_l2_and_numbers_beyond_squares_are_refused(service: VectorService) -> None:
    service.create("p", "docs", 2, "l2")
    service.upsert_rows("p", "docs", ["zero", "edge"], [[0, 0], [1e15, -1e15]])
    assert ids(service.search("p", "docs", [0, 0])) == ["zero", "edge"]
    with pytest.raises(InvalidInput, match="beyond 1e\\+15"):
        service.upsert_rows("p", "docs", ["a"], [[2e15, 0]])


@pytest.mark.parametrize("id_", ["", "a\0b", "\ud800", "x" * 257])
def test_an_id_that_a_database_cannot_keep_is_refused(service: VectorService, id_: str) -> None:
    service.create("p", "docs", 2)
    with pytest.raises(InvalidInput):
        service.upsert_rows("p", "docs", [id_], [[1, 1]])


@pytest.mark.parametrize(
    "metadata", [{"a": math.nan}, {"a": object()}, {str(n): n for n in range(65)}, {"a": "x" * 100_000}]
)
def test_metadata_that_cannot_be_kept_are_refused(service: VectorService, metadata: dict[str, Any]) -> None:
    service.create("p", "docs", 2)
    with pytest.raises(InvalidInput):
        service.upsert_rows("p", "docs", ["a"], [[1, 1]], [metadata])


def test_the_quota_is_over_all_collections_and_all_or_nothing(service: VectorService) -> None:
    service.create("p", "a", 8)
    service.create("p", "b", 8)
    service.upsert_rows("p", "a", names(3), some(3), max_vectors=5)
    with pytest.raises(LimitExceeded) as caught:
        service.upsert_rows("p", "b", names(3), some(3), max_vectors=5)
    assert caught.value.details == {"limit": "max_vectors", "allowed": 5}
    assert service.count("p", "b") == 0
    assert service.search("p", "b", some(1)[0]) == ([], True)
    service.upsert_rows("p", "b", names(2), some(2), max_vectors=5)
    service.upsert_rows("p", "a", names(3), some(3, seed=1), max_vectors=2)  # replacing is no growth
    service.delete("p", "a", names(3))
    service.upsert_rows("p", "b", names(5), some(5), max_vectors=5)
    service.drop("p", "b")
    service.upsert_rows("p", "a", names(5), some(5), max_vectors=5)
    assert service.table.vectors("p") == 5


def test_filters_ask_for_equal_metadata(service: VectorService) -> None:
    service.create("p", "docs", 2)
    kinds: list[Any] = [1, 1.0, True, "1", None, [1], {"a": 1, "b": 2.0}, {"b": 2, "a": 1}]
    service.upsert_rows("p", "docs", names(8), [[1, 1]] * 8, [{"k": kind} for kind in kinds])

    def found(**wanted: Any) -> set[str]:
        return set(ids(service.search("p", "docs", [1, 1], 10, wanted)))

    assert found(k=1) == {"v0", "v1"}
    assert found(k=True) == {"v2"}
    assert found(k="1") == {"v3"}
    assert found(k=None) == {"v4"}
    assert found(k=[1.0]) == {"v5"}
    assert found(k={"a": 1, "b": 2}) == {"v6", "v7"}
    assert found(k=2) == found(other=1) == found(k=1, other=1) == set()


@pytest.mark.parametrize("indexed", [False, True])
def test_filters_by_many_members_find_the_nearest(service: VectorService, indexed: bool) -> None:
    rows = filled(service, 300, metadata=[{"odd": n % 2, "third": n % 3} for n in range(300)])
    service.search("p", "docs", rows[0])
    if indexed:
        assert service.round()
    for wanted, step, start in (({"odd": 1}, 2, 1), ({"third": 2}, 3, 2), ({"odd": 1, "third": 2}, 6, 5)):
        found = service.search("p", "docs", rows[7], 5, wanted)
        best = nearest(rows[start::step], rows[7], 5)
        assert ids(found) == [f"v{int(one[1:]) * step + start}" for one in best]
    service.upsert_rows("p", "docs", ["v7"], rows[7:8], [{"odd": 0}])
    service.delete("p", "docs", ["v5"])
    assert ids(service.search("p", "docs", rows[7], 1, {"odd": 0})) == ["v7"]
    assert "v5" not in ids(service.search("p", "docs", rows[5], 60, {"odd": 1, "third": 2}))


def test_a_dropped_collection_is_gone_with_all_its_rows(service: VectorService, make: Make) -> None:
    other = make()
    rows = filled(service, 100, metadata=[{"n": 1}] * 100)
    other.search("p", "docs", rows[0])
    assert service.drop("p", "docs") is True
    assert service.drop("p", "docs") is False
    for one in (service, other):
        with pytest.raises(InvalidInput, match="no collection docs"):
            one.search("p", "docs", rows[0])
    for table in ("vectors", "vector_tags", "vector_deaths", "vector_collections"):
        assert service.table.store.rows(f"SELECT count(*) FROM {table}")[0][0] == 0
    filled(service, 3)
    assert ids(other.search("p", "docs", rows[0], 10))[0] == "v0"


def test_a_drop_that_was_killed_is_finished_at_the_next_start(service: VectorService, make: Make) -> None:
    filled(service, 100)
    service.table.store.apply(lambda session: service.table.drop(session, "p", "docs"))
    with pytest.raises(InvalidInput, match="no collection docs"):
        service.count("p", "docs")
    make().round()
    assert service.table.store.rows("SELECT count(*) FROM vectors")[0][0] == 0


def test_a_removed_plugin_leaves_nothing(service: VectorService) -> None:
    for name in ("a", "b"):
        service.create("p", name, 8)
        service.upsert_rows("p", name, names(3), some(3))
    service.create("q", "a", 8)
    service.clear("p")
    assert [one.owner for one in service.collections()] == ["q"]
    assert service.table.vectors("p") == 0


def test_collections_are_listed_in_pages(service: VectorService) -> None:
    for owner, name in (("p", "b"), ("q", "a"), ("p", "a")):
        service.create(owner, name, 2)
    first = service.collections(limit=2)
    assert [(one.owner, one.name) for one in first] == [("p", "a"), ("p", "b")]
    rest = service.collections(after=("p", "b"))
    assert [(one.owner, one.name) for one in rest] == [("q", "a")]


def test_writes_of_another_process_are_found(service: VectorService, make: Make) -> None:
    rows = filled(service, 100)
    other = make()
    assert ids(other.search("p", "docs", rows[5], 1)) == ["v5"]
    service.upsert_rows("p", "docs", ["new"], rows[5:6] * 2)
    service.delete("p", "docs", ["v5"])
    assert ids(other.search("p", "docs", rows[5], 1)) == ["new"]
    other.upsert_rows("p", "docs", ["v5"], rows[5:6])
    assert set(ids(service.search("p", "docs", rows[5], 2))) == {"new", "v5"}


def test_who_missed_the_deaths_compares_everything(
    service: VectorService, make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = filled(service, 30)
    other = make()
    other.search("p", "docs", rows[0])
    monkeypatch.setattr("omnicore.storage.tables.vectors._DEATHS", 2)
    service.delete("p", "docs", names(10))
    service.delete("p", "docs", ["v10"])
    service.table.store.apply(lambda session: service.table.purge(session, service.collections("p")[0].key))
    assert service.table.store.rows("SELECT count(*) FROM vector_deaths")[0][0] < 10
    assert set(ids(other.search("p", "docs", rows[0], 30))) == {f"v{n}" for n in range(11, 30)}


def test_another_process_is_asked_after_a_while_only(make: Make, clock: Any) -> None:
    writer, reader = make(), make(refresh_s=1.0)
    rows = filled(writer, 10)
    reader.search("p", "docs", rows[0])
    writer.upsert_rows("p", "docs", ["new"], rows[:1])
    assert "new" not in ids(reader.search("p", "docs", rows[0], 2))
    clock.advance(1.0)
    assert "new" in ids(reader.search("p", "docs", rows[0], 2))


def test_its_own_writes_are_found_at_once_however_rarely_it_asks(make: Make) -> None:
    service = make(refresh_s=1000.0)
    rows = filled(service, 10)
    service.search("p", "docs", rows[0])
    service.upsert_rows("p", "docs", ["new"], rows[:1])
    assert "new" in ids(service.search("p", "docs", rows[0], 2))
    service.delete("p", "docs", ["new"])
    assert "new" not in ids(service.search("p", "docs", rows[0], 2))


def test_a_collection_too_large_for_memory_is_searched_in_the_table(make: Make) -> None:
    service = make(cache_size=50)
    rows = filled(service, 120, metadata=[{"odd": n % 2} for n in range(120)])
    assert ids(service.search("p", "docs", rows[7], 5)) == nearest(rows, rows[7], 5)
    assert ids(service.search("p", "docs", rows[7], 1, {"odd": 1})) == ["v7"]
    assert ids(service.search("p", "docs", rows[7], 1, {"odd": 0})) != ["v7"]
    assert service.figures()["vectors"] == 0


def test_the_collection_used_longest_ago_leaves_memory(make: Make) -> None:
    service = make(cache_size=50)
    for name in ("a", "b", "c"):
        service.create("p", name, 8)
        service.upsert_rows("p", name, names(20), some(20))
        service.search("p", name, some(1)[0])
    assert service.figures()["collections"] == 2
    assert [service.stats("p", name)["in_memory"] for name in ("a", "b", "c")] == [False, True, True]
    service.upsert_rows("p", "c", [f"w{n}" for n in range(60)], some(60))  # alone it is too large now
    assert service.figures()["collections"] == 0
    assert ids(service.search("p", "c", some(1)[0], 1)) == ["v0"]


def test_a_write_may_stand_in_a_transaction_of_the_caller(service: VectorService) -> None:
    rows = filled(service, 10)
    service.search("p", "docs", rows[0])
    with service.table.store.write() as session:
        change = service.stage(session, "p", "docs", ["new"], rows[:1])
    service.kept(change)
    assert "new" in ids(service.search("p", "docs", rows[0], 2))
    with suppress(ZeroDivisionError), service.table.store.write() as session:
        service.stage_removal(session, "p", "docs", ["new"])
        raise ZeroDivisionError
    assert "new" in ids(service.search("p", "docs", rows[0], 2))
    with service.table.store.write() as session:
        change = service.stage_removal(session, "p", "docs", ["new"])
    service.kept(change)
    assert "new" not in ids(service.search("p", "docs", rows[0], 2))


def test_values_are_kept_on_32_bits(service: VectorService) -> None:
    service.create("p", "docs", 3)
    service.upsert("p", "docs", [Vector("a", (0.1, 1e30, -1e-30), {})])
    assert service.get("p", "docs", ["a"])[0].values == tuple(np.array([0.1, 1e30, -1e-30], np.float32).tolist())
