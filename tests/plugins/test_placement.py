"""Labels: which hosts have those that a plugin wants, and what cannot be a label."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from omnicore.errors import InvalidInput, NotServed, StorageFailed
from omnicore.plugins.placement import (
    MOST_LABELS,
    LabelledHost,
    Placements,
    check_selector,
    labels_of,
    labels_text,
    matches,
    read_selector,
)
from omnicore.records import replace
from omnicore.storage.tables.plugins import PluginRow

ROW = PluginRow("text", "text.wasm", None, None, "enabled", "", "", False, None, None, None, 0.0, 0.0, True)
EU, US = {"zone": "eu"}, {"zone": "us"}
NAMES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._/-]{0,20}", fullmatch=True)
VALUES = st.from_regex(r"[!-+\--~]{1,20}", fullmatch=True)


def test_all_labels_have_to_be_there_with_their_values() -> None:
    host = {"zone": "eu", "gpu": "true", "disk": "ssd"}
    assert matches({"zone": "eu", "gpu": "true"}, host)
    assert not matches({"zone": "eu", "gpu": "false"}, host)
    assert not matches({"zone": "eu", "arch": "arm"}, host)
    assert matches(None, host)
    assert matches(None, {})
    assert not matches(EU, {})


@given(st.dictionaries(NAMES, VALUES, min_size=1, max_size=MOST_LABELS))
def test_labels_read_as_they_are_written(labels: dict[str, str]) -> None:
    assert read_selector([labels_text(labels)]) == labels
    assert matches(check_selector(labels), labels_of([f"{name}={value}" for name, value in labels.items()]))


@given(st.lists(st.text(max_size=300), max_size=20))
def test_any_text_is_a_selector_or_a_typed_error(texts: list[str]) -> None:
    found: Mapping[str, str] = {}
    with suppress(InvalidInput):
        found = read_selector(texts)
    if found:
        assert check_selector(found) == found


@pytest.mark.parametrize(
    ("texts", "fact"),
    [
        ([], "no labels"),
        ([""], "is not a label"),
        (["zone"], "is not a label"),
        (["zone="], "has no value"),
        (["=eu"], "is not a name of a label"),
        (["zo ne=eu"], "is not a name of a label"),
        (["zone=eu,zone=us"], "has two values"),
        (["zone=" + "x" * 252], "cannot be used"),
        (["zone=a\x00b"], "has no value"),
        ([",".join(f"n{number}=1" for number in range(MOST_LABELS + 1))], "17 labels"),
    ],
)
def test_a_selector_that_no_host_can_have_is_refused(texts: Sequence[str], fact: str) -> None:
    with pytest.raises(InvalidInput, match=fact):
        read_selector(texts)


@pytest.mark.parametrize("labels", [{}, {"zone": 1}, {"zone": ""}, {"zone": " eu"}, {"zone": "a,b"}, {"a b": "c"}])
def test_labels_of_a_request_are_checked_like_those_of_a_command(labels: dict[str, str]) -> None:
    with pytest.raises(InvalidInput):
        check_selector(labels)


def placements(*others: LabelledHost) -> Placements:
    made = Placements(US)
    made.sources.append(lambda: others)
    return made


def test_a_host_without_the_labels_does_not_serve_until_the_plugin_is_placed_anywhere() -> None:
    placed, told = placements(), list[str]()
    placed.changed.append(told.append)
    assert placed.here(ROW)
    assert not placed.here(replace(ROW, placement=EU))
    assert placed.away("text")
    assert not placed.here(replace(ROW, placement={"zone": "eu", "gpu": "true"}))
    assert not placed.here(replace(ROW, placement={"zone": "eu", "gpu": "true"}))
    assert told == ["text"] * 2
    assert placed.here(replace(ROW, placement=US))
    assert not placed.away("text")
    assert told == ["text"] * 3
    placed.here(replace(ROW, placement=EU))
    placed.forget("text")
    assert not placed.away("text")


def test_the_refusal_names_the_labels_and_the_hosts_that_have_them() -> None:
    many = [LabelledHost(f"id{number}", f"host-{number}", EU) for number in range(7)]
    for others, fact, remedy in (
        ((), "text is placed on hosts with zone=eu, which no other host has", "--anywhere"),
        ((LabelledHost("b", "host-b", US),), "text is placed on hosts with zone=eu, which no other host has", "labels"),
        ((many[0],), "text is placed on hosts with zone=eu, which host-0 has", "fleet.url"),
        (tuple(many), "which host-0, host-1, host-2, host-3, host-4 and others have", "one of them"),
    ):
        placed = placements(*others)
        placed.here(replace(ROW, placement=EU))
        error = placed.refusal("text")
        assert isinstance(error, NotServed)
        assert fact in error.fact
        assert remedy in error.remedy
        assert (error.details["plugin"], error.details["labels"]) == ("text", "zone=eu")


def test_work_is_left_to_hosts_that_take_it_up_and_only_while_calls_do_not_reach_them() -> None:
    for other, left in (
        (LabelledHost("b", "host-b", EU, works=True), ["text"]),
        (LabelledHost("b", "host-b", EU), []),
        (LabelledHost("b", "host-b", US, works=True), []),
    ):
        placed = placements(other)
        placed.here(replace(ROW, placement=EU))
        placed.look()
        assert list(placed.left()) == left
        placed.reached = lambda: True
        assert list(placed.left()) == []


def test_a_host_that_is_known_twice_is_named_as_the_database_names_it() -> None:
    placed = placements(LabelledHost("b", "host-b", EU, works=True))
    placed.sources.append(lambda: [LabelledHost("b", "machine", EU)])
    placed.here(replace(ROW, placement=EU))
    assert placed.fit("text") == ["host-b"]
    assert [one.works for one in placed.hosts()] == [True]


def test_hosts_stay_known_while_the_database_does_not_answer() -> None:
    placed = placements(LabelledHost("b", "host-b", EU, works=True))
    placed.here(replace(ROW, placement=EU))
    assert placed.fit("text") == ["host-b"]

    def away() -> Sequence[LabelledHost]:
        raise StorageFailed("away", remedy="wait")

    placed.sources.append(away)
    placed._looked_at = float("-inf")
    assert placed.fit("text") == ["host-b"]
