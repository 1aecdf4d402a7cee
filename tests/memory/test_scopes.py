"""Users of one plugin never meet, and filters find everything that fulfils them without reading the rest."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.memory.conftest import SHIPPED, MakeMind, Mind

from omnicore.clock import ManualClock
from omnicore.config.settings import MemorySettings
from omnicore.errors import InvalidInput
from omnicore.memory import selection
from omnicore.memory.consolidation import Consolidator
from omnicore.memory.embedder import Sense
from omnicore.memory.item import ANYONE, MemoryDraft, MemoryScope
from omnicore.memory.memories import Memories
from omnicore.memory.selection import FEW
from omnicore.memory.service import export_pack, import_pack
from omnicore.resilience.breaker import Breaker
from omnicore.storage.archive import extract
from omnicore.storage.backup import backup
from omnicore.storage.database import Database

USERS = ("ada", "bob", "cleo")
SUBJECTS = ("the blue bike", "a night train", "my old violin", "green tea", "the passport in the drawer")


def memories_at(folder: Path, clock: ManualClock | None = None, embedder: Any = SHIPPED) -> Memories:
    clock = clock or ManualClock()
    sense = Sense(embedder, Breaker(failures=3, reset_s=10, clock=clock))
    store = Database.open(folder / "omnicore.db")
    return Memories(
        store, settings=MemorySettings(), clock=clock, sense=sense, tell=lambda topic, data: None, folder=folder / "i"
    )


@contextmanager
def opened(folder: Path, **named: Any) -> Iterator[Memories]:
    found = memories_at(folder, **named)
    try:
        yield found
    finally:
        found.close()
        found.table.store.close()


# -- scopes


def test_with_a_user_given_only_what_is_this_users_is_found(mind: Mind) -> None:
    mind.memories.store("the red bike stands in the yard", user="ada")
    mind.memories.store("the red bike stands in the yard", user="bob")
    mind.memories.store("the red bike stands in the yard")
    found = mind.memories.recall("where is the red bike", user="ada").items
    assert [(item.user, item.text) for item in found] == [("ada", "the red bike stands in the yard")]
    assert mind.texts("red bike", user="nobody") == []
    assert {item.user for item in mind.memories.recall("red bike").items} == {"ada", "bob", None}


@pytest.mark.parametrize("part", ["user", "agent", "session", "app"])
def test_each_part_of_a_scope_holds_alone_and_together_with_others(mind: Mind, part: str) -> None:
    mind.memories.store("figs are sweet", **{part: "one"})
    mind.memories.store("figs are dry", **{part: "two"})
    assert mind.texts("figs", **{part: "one"}) == ["figs are sweet"]
    other = "app" if part != "app" else "user"
    assert mind.texts("figs", **{part: "one", other: "x"}) == []


def test_the_same_words_of_two_users_are_two_memories_and_of_one_user_one(mind: Mind) -> None:
    first = mind.memories.store("I like figs", user="ada")
    assert mind.memories.store("I like figs", user="bob") != first
    assert mind.memories.store("i like  FIGS", user="ada") == first
    assert mind.memories.store("I like figs", user="ada", session="s1") != first


def test_sessions_of_one_name_are_no_neighbours_when_their_users_differ(mind: Mind) -> None:
    mind.memories.store("the code word is heron", user="ada", session="1")
    mind.memories.store("what was that again?", user="bob", session="1")
    mind.memories.store("yes, exactly", user="ada", session="1")
    columns = mind.memories.indexes
    with columns.of("@host") as found:
        assert found is not None
        assert found.columns.column("before").tolist() == [-1, -1, 0]
    (found_for_bob,) = mind.memories.recall("heron", user="bob").items
    assert found_for_bob.text == "what was that again?"
    assert not {"words", "window", "covered", "around"} & found_for_bob.explain.keys()


def test_a_session_in_the_metadata_is_found_as_one_of_the_scope(mind: Mind) -> None:
    mind.memories.store("figs are sweet", metadata={"session": "s1"})
    assert mind.texts("figs", session="s1") == ["figs are sweet"]


def test_facts_of_two_users_never_meet(mind: Mind) -> None:
    mind.memories.store("I live in Rome", user="ada")
    mind.clock.advance(10)
    mind.memories.store("I live in Paris", user="bob")
    rome, paris = (mind.memories.recall("where do I live?", user=user) for user in ("ada", "bob"))
    assert [(fact.value, fact.until) for fact in rome.facts] == [("Rome", None)]
    assert [(fact.value, fact.until) for fact in paris.facts] == [("Paris", None)]
    assert {(fact.value, fact.user) for fact in mind.memories.recall("where do I live?").facts} == {
        ("Rome", "ada"),
        ("Paris", "bob"),
    }


def test_the_immediate_tier_and_the_shared_ones_have_scopes_too(mind: Mind) -> None:
    for tier in ("immediate", "civilizational"):
        mind.memories.store(f"{tier} figs of ada", tier, user="ada")
        mind.memories.store(f"{tier} figs of bob", tier, user="bob")
    mind.memories.store("figs grow on trees", "civilizational")
    mind.memories.store("never give figs away", "cosmic")
    found = set(mind.texts("figs", user="ada"))
    assert found == {
        "immediate figs of ada",
        "civilizational figs of ada",
        "figs grow on trees",
        "never give figs away",
    }


def test_a_memory_of_another_scope_is_not_there_by_its_id_either(mind: Mind) -> None:
    item = mind.memories.store("ada's secret", user="ada")
    assert mind.memories.get(item, scope=MemoryScope(user="bob")) is None
    assert mind.memories.forget(item, scope=MemoryScope(user="bob")) == ()
    assert mind.memories.get(item, scope=MemoryScope(user="ada")) is not None
    assert mind.memories.get(item, scope=ANYONE) is not None


def test_knowledge_is_never_made_of_what_two_users_said(mind: Mind) -> None:
    for user in ("ada", "bob"):
        mind.memories.store("on monday the blue door was painted", importance=0.9, user=user)
        mind.memories.store("the blue door was painted on monday", importance=0.8, user=user)
    Consolidator(mind.memories, lambda texts: " and ".join(texts)).run()
    made = mind.memories.recall("blue door", tiers=["semantic"]).items
    assert sorted(item.user or "" for item in made) == ["ada", "bob"]
    assert all(item.text.count("door") == 2 for item in made)
    assert len(mind.texts("blue door", tiers=["semantic"], user="ada")) == 1


@pytest.mark.parametrize("names", [{"user": ""}, {"user": "x" * 257}, {"agent": "a\0b"}, {"app": "\ud800"}])
def test_a_name_that_is_none_is_refused(mind: Mind, names: dict[str, str]) -> None:
    for ask in (lambda: mind.memories.store("x y", **names), lambda: mind.memories.recall("x", **names)):  # type: ignore[arg-type]
        with pytest.raises(InvalidInput) as caught:
            ask()
        assert caught.value.details["path"] in names


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["store", "store", "store", "consolidate", "forget", "restart"]),
        st.sampled_from(USERS),
        st.sampled_from(SUBJECTS),
        st.sampled_from(["s1", "s2", None]),
        st.sampled_from(["episodic", "session", "semantic", "immediate"]),
    ),
    min_size=4,
    max_size=14,
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=STEPS)
def test_users_never_meet_whatever_happens(steps: list[Any], tmp_path_factory: pytest.TempPathFactory) -> None:
    folder, clock = tmp_path_factory.mktemp("users"), ManualClock()
    memories = memories_at(folder, clock)
    try:
        for act, user, subject, session, tier in steps:
            clock.advance(5)
            if act == "store":
                text = f"{user} says: I like {subject}"
                memories.store(text, tier, importance=0.9, user=user, session=session, metadata={"by": user})
            elif act == "consolidate":
                Consolidator(memories, lambda texts: " ".join(texts)).run()
            elif act == "forget":
                memories.forget_all(user=user)
                assert memories.recall(subject, user=user).items == ()
                assert memories.newest(user=user) == ([], None)
            else:
                memories.close()
                memories.table.store.close()
                memories = memories_at(folder, clock)
            for one in USERS:
                others = set(USERS) - {one}
                told = memories.recall(f"what do I like about {subject}", user=one, limit=50, touch=False)
                texts = [item.text for item in told.items] + [item.text for item in memories.newest(user=one)[0]]
                assert not [text for text in texts if any(f"{other} says" in text for other in others)]
                assert all(fact.user == one for fact in told.facts)
    finally:
        memories.close()
        memories.table.store.close()


# -- forgetting, lists, packs


def test_forgetting_a_user_leaves_nothing_of_this_user_and_all_of_the_others(tmp_path: Path) -> None:
    data = tmp_path / "data"
    data.mkdir()
    with opened(data) as memories:
        for user, word in (("ada", "zebrafinch"), ("bob", "heron")):
            memories.store(f"my {word} sings", user=user, importance=0.9, metadata={"pet": f"{word}one"})
            memories.store(f"I like {word} songs", "semantic", user=user)
            memories.store(f"the {word} is mine", "immediate", user=user)
            memories.store(f"a {word} for all of us", "civilizational", user=user)
            names = MemoryScope(user=user).names
            memories.facts.state("@host", "me", "pet", word, since=0, now=0, scope=names)
            memories.blocks.write("@host", "human", f"{word} first", version=0, by="me", now=0, scope=names)
            memories.blocks.write("@host", "human", f"{word} again", version=1, by="me", now=0, scope=names)
        Consolidator(memories).run()
        gone = memories.forget_all(user="ada")
        assert (gone.memories, gone.facts, gone.blocks) == (5, 1, 1)
        memories.clean()
        assert memories.recall("zebrafinch", user="ada").items == ()
        found = memories.recall("heron", user="bob", limit=20)
        assert (len(found.items), [one.text for one in found.blocks]) == (4, ["heron again"])
        backup(memories.table.store, data, tmp_path / "made.backup", clock=ManualClock())
    with_bob = [path for path in data.rglob("*") if path.is_file() and b"heron" in path.read_bytes().lower()]
    assert with_bob
    (tmp_path / "restored").mkdir()
    extract(tmp_path / "made.backup", tmp_path / "restored")
    for folder in (data, tmp_path / "restored"):
        assert not [path for path in folder.rglob("*") if path.is_file() and b"zebrafinch" in path.read_bytes().lower()]


def test_a_fact_that_is_removed_is_in_no_file(tmp_path: Path) -> None:
    with opened(tmp_path) as memories:
        fact = memories.facts.state("@host", "ada", "home", "zanzibarix", since=1.0, now=1.0)
        memories.facts.remove("@host", fact)
        memories.clean()
        files = [path for path in tmp_path.rglob("*") if path.is_file()]
        assert [path.name for path in files if b"zanzibarix" in path.read_bytes()] == []


def test_forgetting_needs_somebody_or_something(mind: Mind) -> None:
    with pytest.raises(InvalidInput, match="whose memories go"):
        mind.memories.forget_all()


def test_forgetting_by_a_filter_takes_what_passes(mind: Mind) -> None:
    for year in (2019, 2020, 2021):
        mind.memories.store(f"figs of {year}", metadata={"year": year})
    assert mind.memories.forget_all(filter={"year": {"$lt": 2021}}).memories == 2
    assert mind.texts("figs") == ["figs of 2021"]


def test_a_plugin_takes_only_its_own_out_of_the_shared_tiers(mind: Mind) -> None:
    from omnicore.memory.item import MemoryOrigin

    for plugin in ("one", "two"):
        draft = MemoryDraft(f"figs of {plugin}", "civilizational", scope=MemoryScope(user="ada"))
        mind.memories.store_many([draft], owner=plugin, origin=MemoryOrigin(plugin))
    assert mind.memories.forget_all(owner="one", user="ada").memories == 1
    assert mind.texts("figs", user="ada", owner="two") == ["figs of two"]


def test_lists_are_of_a_scope_and_pass_a_filter(mind: Mind) -> None:
    for at in range(6):
        mind.memories.store(f"figs {at}", user=USERS[at % 2], metadata={"at": at})
    page, following = mind.memories.newest(user="ada", most=2)
    assert [item.text for item in page] == ["figs 4", "figs 2"]
    rest, end = mind.memories.newest(user="ada", most=2, before=following)
    assert ([item.text for item in rest], end) == (["figs 0"], None)
    assert [item.text for item in mind.memories.newest(filter={"at": {"$gte": 4}})[0]] == ["figs 5", "figs 4"]


def test_a_pack_keeps_scopes_and_may_hold_one_alone(mind: Mind) -> None:
    mind.memories.store("figs of ada", user="ada", session="s1")
    mind.memories.store("figs of bob", user="bob")
    mind.memories.store("turn", metadata={"session": "s2"})
    file = io.BytesIO()
    assert export_pack(mind.memories, file, owner="@host", name="a", version="1") == 3
    import_pack(mind.memories, file, owner="copy")
    assert mind.texts("figs", owner="copy", user="ada", session="s1") == ["figs of ada"]
    again = io.BytesIO()
    export_pack(mind.memories, again, owner="copy", name="a", version="1")
    assert import_pack(mind.memories, again, owner="copy").memories == 3
    assert len(mind.memories.newest("copy")[0]) == 3


# -- filters


def test_a_filter_chooses_by_metadata_in_all_ways_of_looking(mind: Mind) -> None:
    for year, topic in ((2019, "bikes"), (2021, "bikes"), (2022, "trains")):
        mind.memories.store(f"{topic} of {year} were loud", metadata={"year": year, "topic": topic})
    assert set(mind.texts("loud", filter={"year": {"$gte": 2020}})) == {
        "bikes of 2021 were loud",
        "trains of 2022 were loud",
    }
    assert mind.texts("loud", filter={"topic": {"$in": ["bikes"]}, "year": {"$ne": 2019}}) == [
        "bikes of 2021 were loud"
    ]
    vector = [1.0, 0.0]
    mind.memories.store("by vector", embedding=vector, metadata={"year": 2022})
    assert mind.texts(embedding=vector, filter={"year": 2021}, text=None) == []
    assert mind.texts(embedding=vector, filter={"year": 2022}, text=None) == ["by vector"]


def test_facts_of_memories_that_do_not_pass_are_left_out(mind: Mind) -> None:
    mind.memories.store("Bob lives in Rome", metadata={"sure": True})
    mind.clock.advance(5)
    mind.memories.store("Bob lives in Oslo", metadata={"sure": False})
    assert mind.memories.recall("where does Bob live?", filter={"sure": True}).facts == ()
    assert [fact.value for fact in mind.memories.recall("where does Bob live?", filter={"sure": False}).facts] == [
        "Oslo"
    ]


def test_a_skill_is_found_by_what_its_use_made_of_it(mind: Mind) -> None:
    item = mind.memories.store("count words", "procedural", metadata={"function": "text.count"})
    assert mind.texts("count", filter={"usage_count": {"$gte": 1}}) == []
    mind.memories.correct.practise(item, True)
    assert mind.texts("count", filter={"usage_count": {"$gte": 1}}) == ["count words"]


def many(memories: Memories, count: int, **each: Any) -> None:
    drafts = [
        MemoryDraft(
            f"note {at} about coffee and the garden",
            "episodic",
            0.5,
            metadata={"at": at, "kind": "rare" if at % 250 == 7 else "usual"},
            scope=MemoryScope(user=f"user{at % 150}"),
        )
        for at in range(count)
    ]
    for at in range(0, count, 1000):
        memories.store_many(drafts[at : at + 1000])


def counted(memories: Memories, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    read: list[int] = []
    rows = memories.table.store.rows

    def counting(sql: str, values: Any = ()) -> Any:
        found = rows(sql, values)
        read.append(len(found))
        return found

    monkeypatch.setattr(memories.table.store, "rows", counting)
    return read


@pytest.mark.parametrize("embedder", [SHIPPED, None], ids=["meaning", "words"])
def test_a_selective_question_finds_everything_and_reads_little(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, embedder: Any
) -> None:
    with opened(tmp_path, embedder=embedder) as memories:
        many(memories, 3000)
        memories.recall("warm", touch=False)
        read = counted(memories, monkeypatch)
        found = memories.recall("coffee garden", user="user3", limit=100, touch=False)
        assert {item.text for item in found.items} == {
            f"note {at} about coffee and the garden" for at in range(3, 3000, 150)
        }
        assert sum(read) < 200
        read.clear()
        rare = memories.recall("coffee garden", filter={"kind": "rare"}, limit=100, touch=False)
        assert len(rare.items) == 12
        assert sum(read) < 200
        read.clear()
        few = memories.recall("coffee", filter={"at": {"$gte": 150, "$lt": 160}}, user="user5", limit=100, touch=False)
        assert [item.metadata["at"] for item in few.items] == [155]
        assert sum(read) < 200
        read.clear()
        between = {"$and": [{"at": {"$gte": 1500}}, {"at": {"$lt": 1510, "$exists": True}}, {"kind": "usual"}]}
        both = memories.recall("coffee garden", filter={"at": {"$gt": 1499, "$lte": 1509}}, limit=100, touch=False)
        assert {item.metadata["at"] for item in both.items} == set(range(1500, 1510))
        assert sum(read) < 200  # what lies on either side of the range is not read
        nested = memories.recall("coffee garden", filter=between, limit=100, touch=False)
        assert {item.metadata["at"] for item in nested.items} == set(range(1500, 1510)) - {1507}
        odd = memories.recall("coffee", filter={"at": {"$gt": 1499, "$lt": "x"}}, limit=100, touch=False)
        assert odd.items == ()


def test_a_filter_that_was_asked_before_reads_only_what_came_since(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with opened(tmp_path, embedder=None) as memories:
        many(memories, 2 * FEW + 500)
        wanted = {"kind": "usual"}
        memories.recall("coffee", filter=wanted, touch=False)
        read = counted(memories, monkeypatch)
        memories.recall("coffee", filter=wanted, touch=False)
        assert sum(read) < 100
        memories.store("coffee again", metadata={"kind": "usual"})
        memories.store("tea again", metadata={"kind": "rare"})
        texts = [item.text for item in memories.recall("again", filter=wanted, touch=False).items]
        assert texts[0] == "coffee again"
        assert "tea again" not in texts
        assert not [item for item in memories.recall("again", filter={"$not": wanted}).items if item.text[0] == "c"]


def test_filters_that_are_asked_once_leave_no_more_than_a_bound_and_take_no_room_from_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(selection, "_KNOWN", 5000)
    with opened(tmp_path, embedder=None) as memories:
        uses = {"usage_count": 1, "kind": "usual"}
        memories.store_many([MemoryDraft(f"coffee {at}", "procedural", 0.5, metadata=uses) for at in range(FEW + 1)])
        for at in range(100):
            memories.recall("coffee", filter={"kind": {"$in": [f"{at}{'x' * 200}", at]}}, touch=False)
        with memories.indexes.of("@host") as index:
            assert index is not None
            assert 0 < len(index.values) < 50
        for _ in range(6):  # these are asked anew each time, since they change
            memories.recall("coffee", filter={"usage_count": 1}, touch=False)
        memories.recall("coffee", filter={"kind": "usual"}, touch=False)
        read = counted(memories, monkeypatch)
        memories.recall("coffee", filter={"kind": "usual"}, touch=False)
        assert sum(read) < 100


def test_memories_of_an_earlier_version_pass_filters_before_and_after_they_are_indexed(mind: Mind) -> None:
    for at in range(FEW + 100):
        mind.memories.store(f"figs number {at}", metadata={"at": at})
    store = mind.memories.table.store
    with store.write() as session:  # as a host of the version before leaves them
        session.execute("DELETE FROM memory_values")
        session.execute("UPDATE memories SET valued = NULL")
    wanted = {"at": {"$lt": 2}}
    assert set(mind.texts("figs", filter=wanted)) == {"figs number 0", "figs number 1"}
    Consolidator(mind.memories).run()
    assert store.rows("SELECT count(*) FROM memories WHERE valued IS NULL") == [(0,)]
    assert set(mind.texts("figs", filter=wanted)) == {"figs number 0", "figs number 1"}
    with store.write() as session:
        session.execute("UPDATE memories SET valued = NULL")
    Consolidator(mind.memories).sweep()  # which is all there is where nothing is consolidated
    assert store.rows("SELECT count(*) FROM memories WHERE valued IS NULL") == [(0,)]


def test_values_that_a_host_of_the_version_before_left_go_with_the_empty_rows(make_mind: MakeMind) -> None:
    mind = make_mind(grace_s=0.0)
    mind.memories.store("figs", metadata={"at": 1})
    store = mind.memories.table.store
    with store.write() as session:
        session.execute("UPDATE memories SET state = 2, text = '', metadata = '{}', changed = changed + 1")
        session.execute("UPDATE memory_spaces SET sequence = sequence + 1")
    mind.clock.advance(10)
    Consolidator(mind.memories).run()
    assert store.rows("SELECT count(*) FROM memory_values") == [(0,)]


def test_hostile_filters_are_refused_before_anything_is_read(mind: Mind) -> None:
    mind.memories.store("figs", metadata={"a": 1})
    deep: Any = {"a": 1}
    for _ in range(2000):
        deep = {"$not": deep}
    long: Any = [1]
    for _ in range(100_000):
        long = [long]
    for wanted in (
        deep,
        {"a": {"$in": ["x"] * 100_000}},
        {"a": long},
        {"$or": [{}] * 1000},
        {f"k{i}": i for i in range(999)},
    ):
        with pytest.raises(InvalidInput):
            mind.memories.recall("figs", filter=wanted)
