"""The vectors door over a service that only takes notes."""

from __future__ import annotations

from typing import Any

import pytest
from tests.capabilities.double import House, ask, asks
from tests.capabilities.later import VectorsDouble, house_with, over

from omnicore.capabilities.services import Vector
from omnicore.sandbox.abi import Doors

ASKED = asks("vectors", {"collections": ["docs", "notes-*"], "max_vectors": 9, "max_dimensions": 4})
ONE = {"id": "a", "values": [1, 0.5]}


@pytest.fixture
def service() -> VectorsDouble:
    return VectorsDouble()


@pytest.fixture
def doors(house: House, service: VectorsDouble) -> Doors:
    return house_with(house, ASKED, vectors=service)


def test_every_verb_reaches_the_service_with_the_plugin_s_name_and_quota(doors: Doors, service: VectorsDouble) -> None:
    assert ask(doors, "vectors_create_v1", {"collection": "docs", "dimensions": 2}) == {"created": True}
    row = {**ONE, "metadata": {"page": 7}}
    assert ask(doors, "vectors_upsert_v1", {"collection": "docs", "vectors": [row]}) == {"count": 1}
    found = ask(doors, "vectors_search_v1", {"collection": "docs", "values": [1, 0], "filter": {"page": 7}})
    assert found == {"matches": [{"id": "a", "distance": 0.25, "metadata": {"page": 7}}], "exact": True}
    assert ask(doors, "vectors_delete_v1", {"collection": "notes-1", "ids": ["a", "b"]}) == {"deleted": 1}
    assert service.asked == [
        ("create", "text", "docs", 2, "cosine"),
        ("upsert", "text", "docs", [Vector("a", (1.0, 0.5), {"page": 7})], 9),
        ("search", "text", "docs", (1.0, 0.0), 10, {"page": 7}),
        ("delete", "text", "notes-1", ("a", "b")),
    ]


REQUESTS = {
    "create": {"dimensions": 2},
    "upsert": {"vectors": [ONE]},
    "search": {"values": [1, 0]},
    "delete": {"ids": ["a"]},
}


@pytest.mark.parametrize("verb", REQUESTS)
def test_a_collection_that_is_not_granted_is_refused(doors: Doors, service: VectorsDouble, verb: str) -> None:
    error = ask(doors, f"vectors_{verb}_v1", {"collection": "secrets", **REQUESTS[verb]})["error"]
    assert (error["code"], error["resource"]) == ("permission-denied", "secrets")
    assert "omnicore plugins grant text vectors" in error["remedy"]
    assert service.asked == []


@pytest.mark.parametrize("verb", REQUESTS)
def test_without_a_grant_every_verb_is_a_refusal(house: House, service: VectorsDouble, verb: str) -> None:
    doors = house_with(house, ASKED, granted=False, vectors=service)
    error = ask(doors, f"vectors_{verb}_v1", {"collection": "docs", **REQUESTS[verb]})["error"]
    assert (error["code"], error["resource"]) == ("permission-denied", "docs")
    assert service.asked == []


@pytest.mark.parametrize("verb", REQUESTS)
def test_a_host_without_the_service_says_that_it_has_none(house: House, verb: str) -> None:
    error = ask(house_with(house, ASKED), f"vectors_{verb}_v1", {"collection": "docs", **REQUESTS[verb]})["error"]
    assert (error["code"], error["message"]) == ("unavailable", "this host has no vectors service")


@pytest.mark.parametrize(
    ("verb", "request_", "problem"),
    [
        ("create", {"collection": "Docs", "dimensions": 2}, "`collection` of the request must be a name"),
        ("create", {"collection": "", "dimensions": 2}, "`collection` of the request must be a name"),
        ("create", {"collection": "docs", "dimensions": 0}, "`dimensions` of the request must be a whole number"),
        ("create", {"collection": "docs", "dimensions": 2, "metric": "L2"}, "`metric` of the request must be one of"),
        ("upsert", {"collection": "docs", "vectors": []}, "`vectors` of the request must be a list of 1 to 1000"),
        ("upsert", {"collection": "docs", "vectors": [1]}, "`vectors` of the request must hold objects"),
        ("upsert", {"collection": "docs", "vectors": [ONE, {"id": "b"}]}, "`values` of `vectors[1]` must be there"),
        ("upsert", {"collection": "docs", "vectors": [{**ONE, "id": ""}]}, "`id` of `vectors[0]` must not be empty"),
        ("upsert", {"collection": "docs", "vectors": [{**ONE, "x": 1}]}, "`vectors[0]` has an unknown field 'x'"),
        ("search", {"collection": "docs", "values": [None]}, "`values` of the request must hold finite numbers"),
        ("search", {"collection": "docs", "values": "1"}, "`values` of the request must be a list of 1 to 4096"),
        ("delete", {"collection": "docs", "ids": ["x" * 257]}, "`ids[0]` of the request must have at most 256"),
    ],
)
def test_a_malformed_request_names_the_field(doors: Doors, verb: str, request_: Any, problem: str) -> None:
    error = ask(doors, f"vectors_{verb}_v1", request_)["error"]
    assert error["code"] == "malformed-request"
    assert problem in error["message"]


@pytest.mark.parametrize(
    ("verb", "request_"),
    [
        ("create", {"dimensions": 5}),
        ("upsert", {"vectors": [ONE, {"id": "b", "values": [0] * 5}]}),
        ("search", {"values": [0] * 5}),
    ],
)
def test_more_dimensions_than_granted_are_a_limit(
    doors: Doors, service: VectorsDouble, verb: str, request_: dict[str, Any]
) -> None:
    error = ask(doors, f"vectors_{verb}_v1", {"collection": "docs", **request_})["error"]
    assert (error["code"], error["limit"], error["allowed"]) == ("limit-exceeded", "max_dimensions", 4)
    assert service.asked == []


def test_too_many_vectors_are_a_value(doors: Doors, service: VectorsDouble) -> None:
    service.answers["upsert"] = over("max_vectors")
    error = ask(doors, "vectors_upsert_v1", {"collection": "docs", "vectors": [ONE]})["error"]
    assert (error["code"], error["limit"], error["resource"]) == ("limit-exceeded", "max_vectors", "docs")
