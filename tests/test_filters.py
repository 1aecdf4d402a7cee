"""Filters over metadata: what passes, and what is refused with its place."""

from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from omnicore.errors import InvalidInput
from omnicore.filters import CONDITIONS, DEEP, LISTED, Combination, read_filter, value_of, values_in

BIKE = {"topic": "bikes", "year": 2021, "tags": ["red", 7], "draft": False, "none": None, "at": {"x": 1}}


def passes(wanted: Any, metadata: dict[str, Any] = BIKE) -> bool:
    found = read_filter(wanted)
    return found is None or found.passes(metadata)


@pytest.mark.parametrize(
    "wanted",
    [
        {},
        {"topic": "bikes"},
        {"year": 2021.0},
        {"year": {"$gte": 2021, "$lt": 2022}},
        {"topic": {"$gt": "bike", "$lte": "bikes"}},
        {"topic": {"$in": ["trains", "bikes"]}},
        {"topic": {"$nin": ["trains"]}},
        {"missing": {"$ne": 1}},
        {"missing": {"$nin": [1]}},
        {"missing": {"$exists": False}},
        {"none": None},
        {"none": {"$exists": True}},
        {"at": {"x": 1.0}},
        {"tags": ["red", 7]},
        {"tags": {"$contains": "red"}},
        {"tags": {"$contains": 7.0}},
        {"$or": [{"year": 1900}, {"topic": "bikes", "draft": False}]},
        {"$and": [{"year": {"$gt": 2000}}, {"topic": "bikes"}]},
        {"$not": {"topic": "trains"}},
        {"year": {"$ne": 2020}, "$not": {"$or": [{"draft": True}, {"topic": "trains"}]}},
    ],
)
def test_what_fulfils_a_filter_passes(wanted: Any) -> None:
    assert passes(wanted)


@pytest.mark.parametrize(
    "wanted",
    [
        {"topic": "trains"},
        {"missing": None},
        {"draft": 0},
        {"year": {"$gt": 2021}},
        {"year": {"$gt": "2020"}},
        {"none": {"$gte": 0}},
        {"draft": {"$lte": 1}},
        {"topic": {"$lt": 5}},
        {"topic": {"$in": []}},
        {"missing": {"$gt": 0}},
        {"tags": "red"},
        {"tags": {"$contains": "7"}},
        {"topic": {"$contains": "b"}},
        {"$not": {}},
        {"$or": [{"year": 1900}, {"topic": "trains"}]},
    ],
)
def test_what_does_not_fulfil_a_filter_stays_out(wanted: Any) -> None:
    assert not passes(wanted)


def nested(deep: int) -> Any:
    return {"$not": nested(deep - 1)} if deep else {"a": 1}


@pytest.mark.parametrize(
    ("wanted", "path"),
    [
        ([], "filter"),
        ("topic", "filter"),
        ({"year": {"$gte": [1]}}, "filter.year.$gte"),
        ({"year": {"$gte": True}}, "filter.year.$gte"),
        ({"year": {"$gte": math.nan}}, "filter.year.$gte"),
        ({"year": 10**400}, "filter.year"),
        ({"topic": {"$like": "b"}}, "filter.topic.$like"),
        ({"topic": {"$eq": 1, "x": 2}}, "filter.topic.x"),
        ({"topic": {"$in": "bikes"}}, "filter.topic.$in"),
        ({"topic": {"$in": list(range(LISTED + 1))}}, "filter.topic.$in"),
        ({"topic": {"$exists": 1}}, "filter.topic.$exists"),
        ({"topic": {"$gt": "x" * 257}}, "filter.topic.$gt"),
        ({"$or": []}, "filter.$or"),
        ({"$or": [{"a": 1}, 5]}, "filter.$or[1]"),
        ({"$where": "1"}, "filter.$where"),
        ({"": 1}, "filter."),
        ({"a": "\ud800"}, "filter.a"),
        (nested(DEEP), f"filter{'.$not' * DEEP}"),
        ({str(at): at for at in range(CONDITIONS + 1)}, f"filter.{CONDITIONS}"),
    ],
)
def test_a_wrong_filter_is_refused_with_its_place(wanted: Any, path: str) -> None:
    with pytest.raises(InvalidInput) as caught:
        read_filter(wanted)
    assert caught.value.details["path"] == path
    assert caught.value.remedy


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(max_size=300),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(JSON, JSON)
def test_a_filter_and_the_index_compare_alike(one: Any, other: Any) -> None:
    try:
        found = read_filter({"a": {"$eq": one}})
        same = found is not None and found.passes({"a": other})
    except InvalidInput:  # half a character, or a number that no float holds
        return
    try:
        rows = {(text, number) for _, text, number in values_in({"a": other})}
    except UnicodeEncodeError:
        return
    assert same == (value_of(one) in {row for row in rows if not row[0].startswith("c")})


def test_members_of_one_object_are_one_filter() -> None:
    assert isinstance(read_filter({"a": 1, "b": 2}), Combination)
    assert read_filter({}) is None
    assert read_filter(None) is None
