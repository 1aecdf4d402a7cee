"""Grants: what covers what, and what is still missing."""

from __future__ import annotations

from typing import Any

import pytest
from tests.capabilities.double import House, ask, asks, grants, plugin

from omnicore.capabilities import clock
from omnicore.capabilities.doors import DOORS, check_requests, covers, missing
from omnicore.errors import ManifestInvalid


@pytest.mark.parametrize(
    ("name", "granted", "asked", "covered"),
    [
        ("kv", {}, {}, True),
        ("kv", {"max_bytes": 100}, {"max_bytes": 100}, True),
        ("kv", {"max_bytes": 100}, {"max_bytes": 99}, True),
        ("kv", {"max_bytes": 100}, {"max_bytes": 101}, False),
        ("kv", {"max_bytes": 100}, {}, False),
        ("kv", {}, {"max_bytes": 1024 * 1024}, True),
        ("kv", {}, {"max_bytes": 1024 * 1024 + 1}, False),
        ("kv", {}, {"max_keys": 1001}, False),
        ("http", {"hosts": ["a.com"]}, {"hosts": ["a.com"]}, True),
        ("http", {"hosts": ["a.com"]}, {"hosts": ["a.com", "b.com"]}, False),
        ("http", {"hosts": ["a.com", "b.com"]}, {"hosts": ["b.com"]}, True),
        ("http", {"hosts": ["*.a.com"]}, {"hosts": ["x.a.com", "*.y.a.com"]}, True),
        ("http", {"hosts": ["*.a.com"]}, {"hosts": ["a.com"]}, False),
        ("http", {"hosts": ["x.a.com"]}, {"hosts": ["*.a.com"]}, False),
        ("http", {"hosts": ["?.com"]}, {"hosts": ["*.com"]}, False),
        ("http", {"hosts": ["?.com"]}, {"hosts": ["[ab].com", "?.com", "c.com"]}, True),
        ("http", {"hosts": ["[ab].com"]}, {"hosts": ["a.com", "[ab].com"]}, True),
        ("http", {"hosts": ["[ab].com"]}, {"hosts": ["?.com"]}, False),
        ("http", {"hosts": ["[ab].com"]}, {"hosts": ["c.com"]}, False),
        ("http", {"hosts": ["*"]}, {"hosts": ["**", "[x].y*"]}, True),
        ("http", {"hosts": ["a**"]}, {"hosts": ["a**"]}, True),
        ("http", {"hosts": ["*"]}, {"hosts": ["*"], "methods": ["POST"]}, False),
        ("http", {"hosts": ["*"], "methods": ["GET", "POST"]}, {"hosts": ["*"], "methods": ["POST"]}, True),
        ("http", {"hosts": ["*"]}, {"hosts": ["*"], "private": True}, False),
        ("http", {"hosts": ["*"], "private": True}, {"hosts": ["*"]}, True),
        ("http", {"hosts": ["*"]}, {"hosts": ["*"], "max_response_bytes": 1}, True),
        ("http", {"hosts": ["*"], "max_response_bytes": 9}, {"hosts": ["*"]}, False),
        ("http", {"hosts": ["*"], "max_response_bytes": 9}, {"hosts": ["*"], "max_response_bytes": 9}, True),
        ("events", {"topics": ["a.*"]}, {"topics": ["a.b", "a.*"]}, True),
        ("events", {"topics": ["a.*"]}, {"topics": ["a.**"]}, False),
        ("events", {"topics": ["a.**"]}, {"topics": ["a.*", "a.b.c", "a.b.**"]}, True),
        ("events", {"topics": ["a.**"]}, {"topics": ["a"]}, False),
        ("events", {"topics": ["a.*.**"]}, {"topics": ["a.**"]}, False),
        ("events", {"topics": ["**"]}, {"topics": ["x.y.**"]}, True),
        ("events", {"topics": ["*"]}, {"topics": ["**"]}, False),
    ],
)
def test_a_grant_covers_what_asks_for_no_more(
    name: str, granted: dict[str, Any], asked: dict[str, Any], covered: bool
) -> None:
    assert covers(grants(name, granted), asks(name, asked)) is covered


def test_a_grant_covers_its_own_capability_only() -> None:
    assert not covers(grants("kv"), asks("http", {"hosts": ["a"]}))
    assert not covers(grants("kv"), asks("nothing"))


def test_a_grant_whose_scope_nobody_understands_allows_nothing() -> None:
    assert not covers(grants("http", {"hosts": "a.com"}), asks("http", {"hosts": ["a.com"]}))
    assert not covers(grants("kv", {"from_the_future": 1}), asks("kv"))


def test_what_no_grant_covers_is_missing() -> None:
    asked = [asks("kv"), asks("http", {"hosts": ["a.com"]}), asks("log"), asks("config")]
    assert missing(asked, []) == asked[:2]
    assert missing(asked, [grants("kv")]) == asked[1:2]
    assert missing(asked, [grants("http", {"hosts": ["*"]}), grants("kv")]) == []


def test_a_door_needs_both_the_asking_and_the_grant(house: House) -> None:
    only_granted = house.doors(plugin(grants=(grants("kv"),)))
    only_asked = house.doors(plugin(asks("kv"), granted=False))
    both = house.doors(plugin(asks("kv")))
    replies = [ask(doors, "kv_put_v1", {"key": "k", "value": ""}) for doors in (only_granted, only_asked, both)]
    assert ["error" in reply for reply in replies] == [True, True, False]


def test_a_grant_that_is_too_small_leaves_the_door_closed(house: House) -> None:
    doors = house.doors(plugin(asks("kv", {"max_keys": 5}), grants=(grants("kv", {"max_keys": 4}),)))
    assert ask(doors, "kv_get_v1", {"key": "k"})["error"]["code"] == "permission-denied"


def test_a_wider_grant_opens_the_door_only_as_far_as_was_asked(house: House) -> None:
    doors = house.doors(plugin(asks("kv", {"max_keys": 1}), grants=(grants("kv", {"max_keys": 9}),)))
    ask(doors, "kv_put_v1", {"key": "a", "value": ""})
    assert ask(doors, "kv_put_v1", {"key": "b", "value": ""})["error"]["limit"] == "max_keys"


@pytest.mark.parametrize(
    ("asked", "problem"),
    [
        ([asks("disk")], "there is no capability 'disk'; ask for one of log, config, kv, http, events"),
        ([asks("kv"), asks("kv")], "kv is asked for twice"),
        ([asks("kv", {"max_byte": 1})], "kv has no scope field 'max_byte'; its fields: max_bytes, max_keys"),
        (
            [asks("kv", {"max_bytes": 0})],
            "`max_bytes` in the scope of kv is 0; it must be a whole number",
        ),
        ([asks("kv", {"max_bytes": True})], "`max_bytes` in the scope of kv is True"),
        ([asks("http")], "the scope of http lacks `hosts`"),
        ([asks("http", {"hosts": []})], "`hosts` in the scope of http"),
        ([asks("http", {"hosts": "a.com"})], "`hosts` in the scope of http"),
        ([asks("http", {"hosts": ["a"], "methods": ["get"]})], "`methods` in the scope of http"),
        ([asks("http", {"hosts": ["a"], "private": 1})], "`private` in the scope of http is 1"),
        ([asks("events", {"topics": ["a..b"]})], "`topics` in the scope of events"),
        ([asks("log", {"level": "info"})], "log has no scope field 'level'; its fields: none"),
    ],
)
def test_a_request_that_means_nothing_is_refused(house: House, asked: list[Any], problem: str) -> None:
    with pytest.raises(ManifestInvalid) as caught:
        check_requests(asked)
    assert str(caught.value).startswith(problem)
    with pytest.raises(ManifestInvalid):
        house.doors(plugin(*asked))


def test_the_path_of_a_wrong_scope_is_told() -> None:
    with pytest.raises(ManifestInvalid) as caught:
        check_requests([asks("kv", {"max_keys": -1})])
    assert caught.value.details["path"] == "capabilities.kv.scope.max_keys"


def test_every_door_links_every_verb_whether_open_or_closed(house: House) -> None:
    names = [f"{door.name}_{verb}_v1" for door in DOORS for verb in door.verbs]
    everything = [asks("kv"), asks("http", {"hosts": ["a"]}), asks("events", {"topics": ["a"]})]
    for doors in (house.doors(plugin()), house.doors(plugin(*everything))):
        linked = [one for one in doors.functions if one.name not in clock.NAMES]
        assert [one.name for one in linked] == names
        assert all(one.params == one.results == ("i64",) for one in linked)
