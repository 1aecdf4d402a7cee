"""What is forgotten is gone in every form, what is used lives on, and what matters is never dropped in silence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from tests.memory.conftest import MakeMind, Mind

from omnicore.clock import SystemClock
from omnicore.config.settings import MemorySettings
from omnicore.errors import LimitExceeded
from omnicore.memory.consolidation import Consolidator
from omnicore.memory.embedder import Sense
from omnicore.memory.item import MemoryDraft
from omnicore.memory.memories import Memories
from omnicore.resilience.breaker import Breaker
from omnicore.storage.archive import extract
from omnicore.storage.backup import backup
from omnicore.storage.database import Database

DAY = 86_400.0
PASSPORT = "my passport number is X4711zebra"


def _found_in(folder: Path, words: bytes) -> list[str]:
    return [path.name for path in folder.rglob("*") if path.is_file() and words in path.read_bytes().lower()]


def test_a_forgotten_memory_takes_along_what_was_made_of_it(mind: Mind) -> None:
    item = mind.memories.store(PASSPORT, "episodic", importance=0.9)
    Consolidator(mind.memories).run()
    assert len(mind.memories.recall("passport", tiers=["semantic"]).items) == 1
    gone = mind.memories.forget(item)
    assert gone[0] == item
    assert len(gone) == 2
    assert mind.texts("passport number") == []
    assert ("memory.forgotten", {"tier": "episodic", "id": item, "owner": "@host", "also": [gone[1]]}) in mind.told


def test_forgetting_the_copy_forgets_what_it_was_copied_from(mind: Mind) -> None:
    mind.memories.store(PASSPORT, "episodic", importance=0.9)
    Consolidator(mind.memories).run()
    (copy,) = mind.memories.recall("passport", tiers=["semantic"]).items
    assert len(mind.memories.forget(copy.id)) == 2
    assert mind.texts("passport number") == []


def test_what_else_a_derived_memory_was_made_of_is_derived_from_again(mind: Mind) -> None:
    first = mind.memories.store("the blue door was painted on monday", "episodic", importance=0.9)
    mind.memories.store("on monday the blue door was painted", "episodic", importance=0.8)
    Consolidator(mind.memories).run()
    assert len(mind.memories.recall("door", tiers=["semantic"]).items) == 1
    mind.memories.forget(first)
    assert mind.texts("door", tiers=["semantic"]) == []
    Consolidator(mind.memories).run()
    assert mind.texts("door", tiers=["semantic"]) == ["on monday the blue door was painted"]


def test_a_forgotten_word_is_in_no_file_and_in_no_new_backup(tmp_path: Path) -> None:
    store = Database.open(tmp_path / "data" / "omnicore.db", clock=SystemClock())
    sense = Sense(None, Breaker(clock=SystemClock()))
    memories = Memories(store, settings=MemorySettings(), clock=SystemClock(), sense=sense, tell=lambda *_: None)
    try:
        for at in range(50):
            memories.store(f"the door number {at} is painted blue")
        item = memories.store(PASSPORT, importance=0.9)
        Consolidator(memories).run()
        assert _found_in(tmp_path / "data", b"x4711zebra")
        memories.forget(item)
        backup(store, tmp_path / "data", tmp_path / "at-once.backup", clock=SystemClock())
        (tmp_path / "unpacked").mkdir()
        extract(tmp_path / "at-once.backup", tmp_path / "unpacked")
        assert _found_in(tmp_path / "unpacked", b"door number 49")
        assert _found_in(tmp_path / "unpacked", b"x4711zebra") == []
        memories.clean()
        assert _found_in(tmp_path / "data", b"x4711zebra") == []
        assert len(memories.recall("door painted", limit=100).items) == 50
    finally:
        memories.close()
        store.close()


def test_a_memory_that_is_used_lives_on(mind: Mind) -> None:
    used = mind.memories.store("Ada keeps bees", "semantic", importance=0.5)
    unused = mind.memories.store("Bob keeps goats", "semantic", importance=0.5)
    for _ in range(6):
        mind.clock.advance(300 * DAY)
        mind.memories.recall("Ada bees", limit=1)
        mind.memories.flush()
        Consolidator(mind.memories).sweep()
    assert mind.tier(used) == "semantic"
    assert mind.tier(unused) is None


@pytest.mark.parametrize("tier", ["semantic", "procedural"])
def test_knowledge_that_matters_most_stays_for_ever(mind: Mind, tier: str) -> None:
    item = mind.memories.store("Ada is allergic to nuts", tier, importance=1.0)
    mind.clock.advance(20 * 365 * DAY)
    Consolidator(mind.memories).sweep()
    assert mind.tier(item) == tier


def test_unpinning_lets_its_importance_decide_again(mind: Mind) -> None:
    item = mind.memories.store("Ada is allergic to nuts", "semantic", importance=1.0, pinned=True)
    assert mind.memories.correct.pin(item, False).expires_at is None
    small = mind.memories.store("Ada wore a hat", "semantic", importance=0.2, pinned=True)
    assert mind.memories.correct.pin(small, False).expires_at == mind.clock.now() + 365 * DAY


def test_a_full_tier_of_knowledge_refuses_instead_of_dropping(make_mind: MakeMind) -> None:
    mind = make_mind(max_per_tier=10)
    for at in range(10):
        mind.memories.store(f"fact number {at}", "semantic")
    with pytest.raises(LimitExceeded, match="no room"):
        mind.memories.store("one fact more", "semantic")
    assert len(mind.texts("fact number", limit=20)) == 10


def test_what_happened_waits_until_knowledge_has_room(make_mind: MakeMind) -> None:
    mind = make_mind(max_per_tier=10)
    items = [mind.memories.store(f"fact number {at}", "semantic") for at in range(10)]
    mind.memories.store("Ada moved to Paris", "episodic", importance=0.8)
    Consolidator(mind.memories).run()
    assert ("memory.full", {"tier": "semantic", "owner": "@host"}) in mind.told
    for item in items[:5]:
        mind.memories.forget(item)
    Consolidator(mind.memories).run()
    assert mind.texts("Ada Paris", tiers=["semantic"], limit=1) == ["Ada moved to Paris"]


def test_forgetting_one_of_two_that_belong_together_leaves_the_other(mind: Mind) -> None:
    items = [
        mind.memories.store("the blue door was painted on monday", "episodic", importance=0.9),
        mind.memories.store("on monday the blue door was painted", "episodic", importance=0.9),
    ]
    Consolidator(mind.memories).run()
    (made,) = mind.memories.recall("door", tiers=["semantic"]).items
    other, same = sorted(items, key=lambda item: mind.memories.get(item).text == made.text)  # type: ignore[union-attr]
    assert set(mind.memories.forget(other)) == {other, made.id}
    assert mind.memories.get(same) is not None


def test_forgetting_reaches_no_other_owner(mind: Mind) -> None:
    mine = mind.memories.store(PASSPORT, owner="greet")
    other = mind.memories.store(PASSPORT, owner="text")
    assert mind.memories.forget(mine, owner="greet") == (mine,)
    assert mind.memories.get(other, owner="text") is not None


def test_what_was_said_long_ago_is_stored_with_its_time_and_lives_from_now(mind: Mind) -> None:
    draft = MemoryDraft("Ada moved to Paris", "episodic", said_at=mind.clock.now() - 900 * DAY)
    (item,) = mind.memories.store_many([draft])
    found = mind.memories.get(item)
    assert found is not None
    assert found.created_at == mind.clock.now() - 900 * DAY
    assert found.expires_at == mind.clock.now() + 30 * DAY


class Watched:
    """A session that notes what it is asked."""

    def __init__(self, session: Any, seen: list[tuple[str, Any]]) -> None:
        self._session, self._seen = session, seen

    def execute(self, sql: str, values: Any = ()) -> Any:
        self._seen.append((sql, values))
        return self._session.execute(sql, values)

    def executemany(self, sql: str, values: Any) -> Any:
        return self._session.executemany(sql, values)


def test_forgetting_and_learning_read_no_edges_and_no_facts_of_other_memories(
    mind: Mind, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = mind.memories.table.store
    if store.dialect != "sqlite":
        return  # which plans by how many rows there are
    seen: list[tuple[str, Any]] = []
    apply, rows = store.apply, store.rows

    def applied(work: Any, **named: Any) -> Any:
        return apply(lambda session: work(Watched(session, seen)), **named)

    def asked(sql: str, values: Any = ()) -> Any:
        seen.append((sql, values))
        return rows(sql, values)

    item = mind.memories.store("I moved to Rome", "episodic", importance=0.6)
    with monkeypatch.context() as patch:
        patch.setattr(store, "apply", applied)
        patch.setattr(store, "rows", asked)
        Consolidator(mind.memories).run()
        assert mind.memories.edges(item)
        assert mind.memories.recall("Where do I live?").facts
        assert len(mind.memories.forget(item)) == 2
    plans = {
        sql: [row[3] for row in rows(f"EXPLAIN QUERY PLAN {sql}", values)]
        for sql, values in seen
        if not sql.startswith("INSERT")
    }
    edges = [step for sql, plan in plans.items() if "memory_edges" in sql for step in plan if "memory_edges" in step]
    assert len(edges) >= 7
    assert all("src=?" in step or "dst=?" in step for step in edges), edges
    about = [plan for sql, plan in plans.items() if "UNION ALL" in sql and "memory_facts" in sql]
    (plan,) = about
    subjects = sum("SEARCH memory_facts" in step for step in plan)
    # Those of each subject come in order of their time: they need to be sorted only where these are the same.
    assert 0 < subjects == sum("OF ORDER BY" in step for step in plan), plan
