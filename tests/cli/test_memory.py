"""`omnicore memory` over the data of a folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from omnicore.clock import SystemClock
from omnicore.config.folders import project_data
from omnicore.config.settings import MemorySettings
from omnicore.memory.embedder import Sense, embedder_named
from omnicore.memory.memories import Memories
from omnicore.storage.database import Database


@pytest.fixture
def door(tmp_path: Path) -> str:
    (tmp_path / "plugins").mkdir()
    store = Database.open(project_data(tmp_path) / "omnicore.db")
    memories = Memories(
        store,
        settings=MemorySettings(),
        clock=SystemClock(),
        sense=Sense(embedder_named("static")),
        tell=lambda topic, data: None,
    )
    memories.store("Bob hates walnuts", "semantic", owner="text")
    item = memories.store("The garden door is blue", "semantic", metadata={"speaker": "Ann"})
    memories.close()
    store.close()
    return item


def test_a_text_is_stored_and_recalled_by_its_meaning(omnicore, door):
    stored = json.loads(omnicore("memory", "store", "We adopted a greyhound", "--importance", "1", "-o", "json").out)
    found = omnicore("memory", "recall", "which dog do they have", "-n", "1", "--explain")
    assert stored["id"] in found.out
    assert "turn=" in found.out
    found = json.loads(omnicore("memory", "recall", "walnuts", "--owner", "text", "-o", "json").out)
    assert [item["text"] for item in found["items"]] == ["Bob hates walnuts"]


def test_what_does_not_answer_is_left_out_by_its_score(omnicore, door):
    assert door in omnicore("memory", "recall", "Is the garden door blue?", "--min-score", "0.5").out
    found = omnicore("memory", "recall", "lattice gauge", "--min-score", "0.5")
    assert "nothing is known that fits" in found.out + found.err
    assert door not in found.out


def test_a_memory_is_shown_and_forgotten(omnicore, door):
    assert "The garden door is blue" in omnicore("memory", "get", door).out
    assert omnicore("memory", "forget", door).code == 0
    assert omnicore("memory", "get", door).code == 5
    assert omnicore("memory", "forget", door).code == 5


def test_stats_and_tiers_are_shown(omnicore, door):
    assert json.loads(omnicore("memory", "stats", "-o", "json").out)["by_owner"] == {"@host": 1, "text": 1}
    tiers = omnicore("memory", "tiers").out.splitlines()
    assert len(tiers) == 13
    assert tiers[1].startswith("working\timmediate\t")


def test_memories_travel_as_a_file(omnicore, door, tmp_path):
    assert omnicore("memory", "export", "pack.jsonl", "--name", "doors").code == 0
    found = json.loads(omnicore("memory", "import", "pack.jsonl", "--tier", "planetary", "-o", "json").out)
    assert (found["pack"], found["memories"]) == ("doors", 1)
    (tmp_path / "pack.jsonl").write_text("{}\n")
    assert omnicore("memory", "import", "pack.jsonl").code == 2


def test_what_makes_no_sense_is_a_usage_error(omnicore, door):
    assert omnicore("memory", "store", "x", "--metadata", "[]").code == 2
    assert omnicore("memory", "store", "x", "--tier", "working").code == 2
    assert omnicore("memory", "recall", "").code == 2


def test_a_user_s_memories_are_stored_found_shown_and_forgotten(omnicore, door: str) -> None:
    for user in ("ada", "bob"):
        assert (
            omnicore("memory", "store", "Ida lives in Rome", "--user", user, "--metadata", '{"year": 2020}').code == 0
        )
    asked = ("memory", "recall", "Ida", "--user", "ada", "-o", "json")
    assert [one["user"] for one in json.loads(omnicore(*asked).out)["items"]] == ["ada"]
    found = json.loads(omnicore(*asked, "--filter", '{"year": {"$gt": 2020}}').out)
    assert found["items"] == []
    assert "home: Rome" in omnicore("memory", "about", "Ida", "--user", "ada").out
    assert "Erased 1 memories" in omnicore("memory", "forget", "--user", "ada").out
    assert "Ida" not in omnicore("memory", "ls", "--user", "ada").out
    assert "Ida" in omnicore("memory", "ls", "--user", "bob").out
    assert omnicore("memory", "forget").code == 2


def test_a_core_block_is_set_shown_put_back_and_removed(omnicore, door: str) -> None:
    ada = ("--user", "ada")
    assert omnicore("memory", "blocks", "set", "human", "Ada likes figs.", *ada).code == 0
    assert omnicore("memory", "blocks", "set", "human", "Ada likes nuts.", *ada).code == 1
    assert omnicore("memory", "blocks", "set", "human", "Ada likes nuts.", "--version", "1", *ada).code == 0
    found = omnicore("memory", "recall", "what to cook?", *ada)
    assert "human: Ada likes nuts." in found.out + found.err
    assert "at version 3" in omnicore("memory", "blocks", "restore", "human", "1", "--version", "2", *ada).out
    assert "Ada likes nuts." in omnicore("memory", "blocks", "versions", "human", *ada).out
    assert "user=ada" in omnicore("memory", "blocks", "ls").out
    assert "1 core blocks" in omnicore("memory", "forget", *ada).out
    assert omnicore("memory", "blocks", "rm", "human", *ada).code == 5
