"""Facts in time: taken from sentences, ended by newer ones, asked for as of any time, gone with what stated them."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.memory.conftest import MakeMind, Mind

from omnicore.errors import InvalidInput
from omnicore.memory.consolidation import Consolidator
from omnicore.memory.facts import ME, facts_in
from omnicore.memory.service import known_of, measured

DAY = 86_400.0
SAID = datetime(2026, 11, 23, 12).timestamp()


@pytest.mark.parametrize(
    ("text", "subject", "attribute", "value", "ends"),
    [
        ("Bob lives in Rome", "bob", "home", "Rome", False),
        ("Bob moved to Paris because of his work", "bob", "home", "Paris", False),
        ("I've moved from Rome to Paris", ME, "home", "Paris", False),
        ("Bob no longer lives in Rome", "bob", "home", "Rome", True),
        ("Ada Lovelace used to live in London", "ada lovelace", "home", "London", True),
        ("I live in Berlin now and I like it", ME, "home", "Berlin", False),
        ("Ada works for Google", "ada", "work", "Google", False),
        ("I quit Google", ME, "work", "Google", True),
        ("Ada works as a doctor", "ada", "job", "doctor", False),
        ("Ada turned 30", "ada", "age", "30", False),
        ("I am allergic to nuts", ME, "allergy", "nuts", False),
        ("Bob doesn't like walnuts any more", "bob", "likes", "walnuts", True),
        ("Ada's favorite drink is green tea.", "ada", "favourite drink", "green tea", False),
        ("My phone number is 0171 555", ME, "phone number", "0171 555", False),
        ("Ich bin allergisch gegen Nüsse", ME, "allergy", "Nüsse", False),
        ("Bob ist nach Paris gezogen", "bob", "home", "Paris", False),
        ("Anna wohnt nicht mehr in Wien", "anna", "home", "Wien", True),
        ("Anna arbeitet jetzt bei Siemens", "anna", "work", "Siemens", False),
        ("Bobs Lieblingsfarbe ist blau", "bob", "lieblingsfarbe", "blau", False),
        ("Meine Adresse ist Hauptstr. 1", ME, "home", "Hauptstr. 1", False),
    ],
)
def test_a_sentence_states_a_fact(text: str, subject: str, attribute: str, value: str, ends: bool) -> None:
    found = [(one.subject, one.attribute, one.value, one.ends) for one in facts_in(text, SAID)]
    assert (subject, attribute, value, ends) in found


@pytest.mark.parametrize(
    "text",
    ["She moved to Paris", "The meeting is at 10", "who lives in Rome?", "it is not", "They like it", "is is is"],
)
def test_what_says_nothing_of_anybody_known_states_no_fact(text: str) -> None:
    assert facts_in(text, SAID) == ()


def test_a_fact_begins_when_the_sentence_says_so() -> None:
    (fact,) = facts_in("Ada moved to Rome in March 2024", SAID)
    assert (fact.value, fact.since) == ("Rome", datetime(2024, 3, 1).timestamp())


def test_the_first_person_is_the_speaker_where_one_is_named() -> None:
    (fact,) = facts_in("I live in Rome", SAID, "Ada")
    assert fact.subject == "ada"


_PIECES = [
    "Bob",
    "I",
    "moved",
    "to",
    "lives",
    "in",
    "Rome",
    "my",
    "is",
    "'s",
    ",",
    ".",
    "no",
    "longer",
    "not",
    "a",
    "Ada's",
]


@given(st.text(max_size=300) | st.lists(st.sampled_from(_PIECES), max_size=40).map(" ".join), st.floats(0, 4e9))
def test_no_text_breaks_the_rules(text: str, now: float) -> None:
    found = facts_in(text, now)
    assert len(found) <= 16
    assert all(one.subject and one.value and one.since <= now for one in found)


def test_the_newest_value_comes_first(mind: Mind) -> None:
    now = mind.clock.now()
    mind.memories.store("Bob lives in Rome", said_at=now - 900 * DAY)
    mind.memories.store("Bob moved to Paris", said_at=now - 30 * DAY)
    mind.memories.store("Bob and Ada talked about where to live in Rome one day")
    found = mind.memories.recall("Where does Bob live?")
    assert found.items[0].text == "Bob moved to Paris"
    assert [(fact.value, fact.until) for fact in found.facts] == [("Paris", None)]


def test_what_came_late_does_not_change_what_holds_now(mind: Mind) -> None:
    now = mind.clock.now()
    mind.memories.store("Bob moved to Paris", said_at=now - 30 * DAY)
    mind.memories.store("Bob lives in Rome", said_at=now - 900 * DAY)
    assert mind.texts("Where does Bob live?")[0] == "Bob moved to Paris"


def test_a_question_about_an_earlier_time_is_answered_by_what_held_then(mind: Mind) -> None:
    now = mind.clock.now()
    mind.memories.store("I live in Rome", said_at=now - 900 * DAY)
    mind.memories.store("I moved to Paris", said_at=now - 30 * DAY)
    assert mind.texts("Where did I live before I moved?")[0] == "I live in Rome"
    assert mind.texts("Where do I live?")[0] == "I moved to Paris"
    assert mind.texts("Where do I live?", valid_at=now - 100 * DAY)[0] == "I live in Rome"
    assert mind.texts("Wo habe ich gewohnt, bevor ich umgezogen bin? Wohnort", limit=1) == ["I live in Rome"]


def test_as_of_a_time_nothing_is_known_that_was_said_later(mind: Mind) -> None:
    now = mind.clock.now()
    mind.memories.store("Bob lives in Rome", said_at=now - 900 * DAY)
    mind.memories.store("Bob moved to Paris", said_at=now - 30 * DAY)
    found = mind.memories.recall("Where does Bob live?", as_of=now - 100 * DAY)
    assert [item.text for item in found.items] == ["Bob lives in Rome"]
    assert [fact.value for fact in found.facts] == ["Rome"]


def test_a_value_that_ended_is_no_answer(mind: Mind) -> None:
    now = mind.clock.now()
    mind.memories.store("Bob works for Google", said_at=now - 900 * DAY)
    mind.memories.store("Bob quit Google", said_at=now - 30 * DAY)
    assert mind.memories.recall("Where does Bob work?").facts == ()


def test_several_likes_hold_at_once(mind: Mind) -> None:
    for text in ("Bob likes tea", "Bob likes rum", "Bob no longer likes tea"):
        mind.clock.advance(DAY)
        mind.memories.store(text)
    found = mind.memories.recall("What does Bob like?")
    assert [fact.value for fact in found.facts] == ["rum"]


def test_values_of_the_same_time_are_both_shown_and_marked(mind: Mind) -> None:
    mind.memories.store("Ada lives in Rome")
    mind.memories.store("Ada lives in Wien")
    found = mind.memories.recall("Where does Ada live?")
    assert {(fact.value, fact.disputed) for fact in found.facts} == {("Rome", True), ("Wien", True)}


def test_a_forgotten_memory_takes_its_facts_along_and_the_older_value_holds_again(mind: Mind) -> None:
    now = mind.clock.now()
    mind.memories.store("Bob lives in Rome", said_at=now - 900 * DAY)
    item = mind.memories.store("Bob moved to Paris", said_at=now - 30 * DAY)
    mind.memories.forget(item)
    assert [fact.value for fact in mind.memories.facts.timeline("@host", "Bob")] == ["Rome"]
    assert [fact.value for fact in mind.memories.recall("Where does Bob live?").facts] == ["Rome"]


def test_a_person_can_state_and_remove_a_fact(mind: Mind) -> None:
    now = mind.clock.now()
    facts = mind.memories.facts
    fact = facts.state("@host", "Ada", "Favourite colour", "green", since=now - DAY, now=now)
    assert [one.value for one in mind.memories.recall("What is Ada's favourite colour?").facts] == ["green"]
    assert [(one.subject, one.attribute) for one in facts.timeline("@host")] == [("ada", "favourite colour")]
    assert facts.remove("@host", fact)
    assert not facts.remove("@host", fact)
    assert facts.timeline("@host") == []


@pytest.mark.parametrize("value", ["", " ", "x" * 300, "a\0b"])
def test_a_fact_without_a_proper_value_is_refused(mind: Mind, value: str) -> None:
    with pytest.raises(InvalidInput):
        mind.memories.facts.state("@host", "Ada", "colour", value, since=0.0, now=0.0)


def test_facts_of_one_owner_are_no_other_s(mind: Mind) -> None:
    mind.memories.store("Bob lives in Rome", owner="greet")
    assert mind.memories.recall("Where does Bob live?", owner="text").facts == ()
    mind.memories.clear("greet")
    assert mind.memories.facts.timeline("greet") == []


def test_a_fact_s_memory_comes_only_where_the_question_looks(mind: Mind) -> None:
    mind.memories.store("Bob lives in Rome", "semantic")
    found = mind.memories.recall("Where does Bob live?", tiers=["episodic"])
    assert found.items == ()


# -- all that is known of somebody


def test_an_entity_has_its_facts_and_what_mentions_it_as_it_came_about(mind: Mind) -> None:
    for text, speaker in (
        ("Ada lives in Rome", None),
        ("I met Ada's brother", "Bob"),
        ("the train was late", "Ada"),
        ("Adam likes figs", None),
        ("Ada moved to Paris", None),
    ):
        mind.memories.store(text, metadata={"speaker": speaker} if speaker else {})
        mind.clock.advance(60)
    found = known_of(mind.memories, "Ada", owner="@host", scope={})
    assert [(fact.attribute, fact.value, fact.until is None) for fact in found.facts] == [
        ("home", "Rome", False),
        ("home", "Paris", True),
    ]
    texts = [one.text for one in found.memories]
    assert texts == ["Ada lives in Rome", "I met Ada's brother", "the train was late", "Ada moved to Paris"]
    assert all(one.hits == 0 for one in found.memories)


def test_an_entity_is_known_within_a_scope(mind: Mind) -> None:
    mind.memories.store("Ada lives in Rome", user="bob")
    mind.memories.store("Ada lives in Oslo", user="cleo")
    found = known_of(mind.memories, "ada", owner="@host", scope={"user": "bob"})
    assert [fact.value for fact in found.facts] == ["Rome"]
    assert [one.text for one in found.memories] == ["Ada lives in Rome"]


@pytest.mark.parametrize("name", ["", " ", "x" * 201])
def test_what_is_no_name_is_known_of_nobody(mind: Mind, name: str) -> None:
    with pytest.raises(InvalidInput):
        known_of(mind.memories, name, owner="@host", scope={})


def test_memories_that_nobody_read_for_facts_are_read_in_the_background(make_mind: MakeMind) -> None:
    mind = make_mind()
    store, said = mind.memories.table.store, mind.clock.now() - DAY
    old = mind.memories.store("Bob lives in Rome", "semantic", user="ada", said_at=said)
    known = mind.memories.store("Bob works for Google", "semantic", user="ada")
    mind.memories.store("Bob likes tea", "session", user="ada")
    with store.write() as session:  # as a host of an earlier version left them
        session.execute("UPDATE memories SET stated = NULL")
        session.execute("DELETE FROM memory_facts WHERE memory = ?", (old,))
    assert measured(mind.memories).unread == 2
    assert Consolidator(make_mind(auto_consolidation=False, clock=mind.clock).memories).sweep().facts == 1
    assert measured(mind.memories).unread == 0
    facts = {fact.attribute: fact for fact in mind.memories.facts.timeline("@host", "Bob")}
    assert (facts.keys(), facts["work"].memory) == ({"home", "work"}, known)
    assert (facts["home"].since, facts["home"].user, facts["home"].memory) == (said, "ada", old)
    assert Consolidator(mind.memories).sweep().facts == 0


def test_what_leaves_the_working_tiers_is_read_for_facts(mind: Mind) -> None:
    mind.memories.store("Bob lives in Rome", "session", importance=0.5)
    assert Consolidator(mind.memories).run().facts == 1
    assert [fact.value for fact in mind.memories.recall("where does Bob live?").facts] == ["Rome"]
