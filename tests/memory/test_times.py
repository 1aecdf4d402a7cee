"""Questions that speak of a time, in English and German, and memories that were said then."""

from __future__ import annotations

from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.memory.conftest import Mind

from omnicore.errors import InvalidInput
from omnicore.memory.recall import Made
from omnicore.memory.times import spoken_time

NOW = datetime(2026, 11, 23, 12)  # a Monday
DAY = 86_400.0


@pytest.mark.parametrize(
    ("text", "since", "until"),
    [
        ("what happened yesterday?", "2026-11-22", "2026-11-23"),
        ("Was habe ich gestern gekauft?", "2026-11-22", "2026-11-23"),
        ("the day before yesterday", "2026-11-21", "2026-11-22"),
        ("vorgestern", "2026-11-21", "2026-11-22"),
        ("who called today?", "2026-11-23", "2026-11-24"),
        ("what did we say last week?", "2026-11-16", "2026-11-23"),
        ("letzte Woche", "2026-11-16", "2026-11-23"),
        ("this month", "2026-11-01", "2026-12-01"),
        ("letzten Monat", "2026-10-01", "2026-11-01"),
        ("last year", "2025-01-01", "2026-01-01"),
        ("three days ago", "2026-11-20", "2026-11-21"),
        ("vor drei Tagen", "2026-11-20", "2026-11-21"),
        ("two weeks ago", "2026-11-06", "2026-11-13"),
        ("vor 2 Monaten", "2026-09-01", "2026-10-01"),
        ("in the last 3 days", "2026-11-20", "2026-11-24"),
        ("in den letzten zwei Wochen", "2026-11-09", "2026-11-24"),
        ("what did she paint in March?", "2026-03-01", "2026-04-01"),
        ("im Dezember", "2025-12-01", "2026-01-01"),
        ("in May 2025", "2025-05-01", "2025-06-01"),
        ("on May 5", "2026-05-05", "2026-05-06"),
        ("on 5 December", "2025-12-05", "2025-12-06"),
        ("am 3. Mai 2025", "2025-05-03", "2025-05-04"),
        ("am 3.4.2026", "2026-04-03", "2026-04-04"),
        ("on 2026-02-28", "2026-02-28", "2026-03-01"),
        ("last Tuesday", "2026-11-17", "2026-11-18"),
        ("am Montag", "2026-11-16", "2026-11-17"),
        ("in 2024", "2024-01-01", "2025-01-01"),
        ("since March", "2026-03-01", None),
        ("seit gestern", "2026-11-22", None),
        ("after 5 May 2025", "2025-05-06", None),
        ("before 2024", None, "2024-01-01"),
        ("until last month", None, "2026-10-01"),
    ],
)
def test_a_time_is_understood_as_it_is_said(text: str, since: str | None, until: str | None) -> None:
    found = spoken_time(text, NOW.timestamp())
    assert found is not None
    assert (found.since, found.until) == tuple(
        None if one is None else datetime.fromisoformat(one).timestamp() for one in (since, until)
    )


@pytest.mark.parametrize(
    "text", ["what may I eat?", "who lives in Rome?", "room 2025", "on 31 February", "March on!", "one day", "im Saal"]
)
def test_a_question_about_no_time_has_none(text: str) -> None:
    assert spoken_time(text, NOW.timestamp()) is None


_PIECES = [
    "in",
    "vor",
    "31",
    "0",
    "9999",
    "may",
    "month",
    "ago",
    "last",
    "29",
    "february",
    "2100",
    "day",
    ".",
    "before",
]


@given(st.text(max_size=80) | st.lists(st.sampled_from(_PIECES)).map(" ".join), st.floats(0, 4e9))
def test_no_text_breaks_it(text: str, now: float) -> None:
    found = spoken_time(text, now)
    assert found is None or found.since is None or found.until is None or found.since < found.until


def test_a_question_about_yesterday_is_answered_by_what_was_said_yesterday(mind: Mind) -> None:
    now = mind.clock.now()
    mind.memories.store("I bought a bike and much happened", said_at=now - 8 * DAY)
    mind.memories.store("tea with Ada", said_at=now - DAY)
    assert mind.texts("what happened yesterday?", limit=1) == ["tea with Ada"]
    assert mind.texts("what happened yesterday?")[1:] == ["I bought a bike and much happened"]


def test_a_time_of_which_nothing_is_known_is_said(mind: Mind) -> None:
    mind.memories.store("I bought a bike", said_at=mind.clock.now() - 8 * DAY)
    found = mind.memories.recall("what did I buy yesterday?")
    assert [one.text for one in found.items] == ["I bought a bike"]
    assert "nothing is known from the time of 'yesterday'" in found.notes


def test_a_time_that_is_given_holds_whatever_the_words_say(mind: Mind) -> None:
    now = mind.clock.now()
    mind.memories.store("I bought a bike", said_at=now - 8 * DAY)
    mind.memories.store("tea with Ada", said_at=now - DAY)
    found = mind.memories.recall("what happened yesterday?", made=Made(until=now - 2 * DAY))
    assert [one.text for one in found.items] == ["I bought a bike"]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), 1e300, "monday", True])
def test_a_time_of_saying_that_is_none_is_refused(mind: Mind, value: object) -> None:
    with pytest.raises(InvalidInput, match="said_at"):
        mind.memories.store("x", said_at=value)  # type: ignore[arg-type]


def test_nothing_was_said_in_the_future(mind: Mind) -> None:
    with pytest.raises(InvalidInput, match="future"):
        mind.memories.store("x", said_at=mind.clock.now() + 3 * DAY)
