"""`omnicore vectors` over the data of a folder, with and without a server."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from omnicore.config.folders import project_data
from omnicore.storage.database import Database
from omnicore.vectors.service import VectorService


@pytest.fixture
def data(tmp_path: Path) -> Path:
    (tmp_path / "plugins").mkdir()
    store = Database.open(project_data(tmp_path) / "omnicore.db")
    service = VectorService(store, project_data(tmp_path) / "vectors")
    service.create("@host", "docs", 2)
    service.upsert_rows("@host", "docs", ["a", "b"], [[1, 0], [0, 1]], [{"page": 7}, {"page": "x"}])
    service.create("text", "notes", 3, "l2")
    service.upsert_rows("text", "notes", [str(n) for n in range(60)], np.eye(3)[np.arange(60) % 3])
    store.close()
    return tmp_path


def test_collections_are_listed(omnicore, data):
    assert omnicore("vectors", "ls").out.splitlines() == [
        "owner\tcollection\tvectors\tdimensions\tmetric",
        "@host\tdocs\t2\t2\tcosine",
        "text\tnotes\t60\t3\tl2",
    ]
    found = json.loads(omnicore("vectors", "ls", "--owner", "text", "-o", "json").out)
    assert [one["name"] for one in found] == ["notes"]


def test_no_collections_say_where_they_come_from(omnicore, tmp_path):
    (tmp_path / "plugins").mkdir()
    assert "POST /api/v1/vectors/collections" in omnicore("vectors", "ls").err


def test_the_nearest_are_found(omnicore, data):
    ran = omnicore("vectors", "search", "docs", "[1, 0]", "-n", "1")
    assert ran.out.splitlines()[1] == 'a\t0\t{"page": 7}'
    arguments = ("vectors", "search", "docs", "-", "--filter", "page=x", "-o", "json")
    found = json.loads(omnicore(*arguments, stdin=b"[1, 0]").out)
    assert ([one["id"] for one in found["matches"]], found["exact"]) == (["b"], True)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (("search", "docs", "[1,"), 2, "VALUES is not JSON"),
        (("search", "docs", "7"), 2, "is not a JSON list"),
        (("search", "docs", "[1]"), 2, "1 dimensions where the collection has 2"),
        (("search", "docs", "[1, 0]", "--filter", "page"), 2, "is not KEY=JSON"),
        (("search", "nothing", "[1, 0]"), 5, "no collection nothing"),
        (("stats", "nothing"), 5, "no collection nothing"),
        (("rm", "nothing"), 5, "has no collection nothing"),
    ],
)
def test_what_cannot_be_done_says_why(omnicore, data, arguments, code, words):
    ran = omnicore("vectors", *arguments)
    assert (ran.code, words in ran.err) == (code, True), ran.err


def test_an_index_is_rebuilt_by_hand_and_shown(omnicore, data):
    pytest.importorskip("hnswlib")
    store = Database.open(project_data(data) / "omnicore.db")
    rows = np.random.default_rng(1).normal(size=(20_001, 3))  # up to 20,000 need no index
    service = VectorService(store, project_data(data) / "vectors")
    service.upsert_rows("text", "notes", [str(n) for n in range(len(rows))], rows)
    store.close()
    ran = omnicore("vectors", "rebuild", "notes", "--owner", "text")
    assert ran.out == "The index of notes holds 20001 vectors\n", ran.err
    stats = json.loads(omnicore("vectors", "stats", "notes", "--owner", "text", "-o", "json").out)
    assert (stats["count"], stats["copy"]["rows"]) == (20_001, 20_001)
    assert "without an index" in omnicore("vectors", "rebuild", "docs").out


def test_a_removed_collection_is_gone(omnicore, data):
    assert omnicore("vectors", "rm", "docs").out == "Dropped docs\n"
    assert "docs" not in omnicore("vectors", "ls").out
