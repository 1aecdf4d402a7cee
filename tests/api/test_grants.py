"""Grants over REST."""

from __future__ import annotations

import pytest
from tests.api.conftest import ASKS, ECHO, Site

GRANTS = "/api/v1/plugins/counter/grants"


@pytest.fixture
def asking(site: Site) -> Site:
    site.drop("counter.wat", ECHO, ASKS.format(name="counter"))
    return site


def test_a_plugin_that_asks_waits_and_the_refusal_names_the_command(asking: Site) -> None:
    refused = asking.client.post("/api/v1/plugins/counter/functions/echo")
    assert refused.status_code == 403
    problem = refused.json()
    assert (problem["code"], problem["plugin"]) == ("permission-denied", "counter")
    assert "omnicore plugins grant counter" in problem["remedy"]


def test_all_that_is_asked_is_granted_at_once(asking: Site) -> None:
    shown = asking.client.get(GRANTS).json()
    assert (shown["state"], shown["granted"]) == ("needs-grant", [])
    assert {one["name"]: one["reason"] for one in shown["asked"]}["kv"] == "Stores the count"
    given = asking.client.post(GRANTS)
    assert given.json()["state"] == "enabled"
    assert {(one["capability"], one["granted_by"]) for one in given.json()["granted"]} == {
        ("kv", "rest:local"),
        ("events", "rest:local"),
    }
    assert asking.client.post("/api/v1/plugins/counter/functions/echo", content=b"x").content == b"x"


def test_one_grant_is_given_and_taken_back(asking: Site) -> None:
    given = asking.client.post(GRANTS, json={"capability": "kv"}).json()
    assert [one["capability"] for one in given["granted"]] == ["kv"]
    assert given["state"] == "needs-grant"
    taken = asking.client.delete(f"{GRANTS}/kv").json()
    assert taken["granted"] == []


def test_what_is_not_asked_for_cannot_be_granted(asking: Site) -> None:
    assert asking.client.post(GRANTS, json={"capability": "http"}).status_code in (404, 409, 422)
    assert asking.client.post(GRANTS, json={"capability": 7}).status_code == 422
    assert asking.client.post(GRANTS, json={"capabilities": "kv"}).status_code == 422


def test_grants_of_an_unknown_plugin_are_not_found(site: Site) -> None:
    for answer in (
        site.client.get(GRANTS),
        site.client.post(GRANTS),
        site.client.delete(f"{GRANTS}/kv"),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")
