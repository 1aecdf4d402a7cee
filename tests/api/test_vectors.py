"""Vector collections over REST."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from tests.api.conftest import Site

AT = "/api/v1/vectors/collections"


@pytest.fixture
def docs(site: Site) -> Site:
    assert site.client.post(AT, json={"name": "docs", "dimensions": 2}).status_code == 201
    vectors = [{"id": "a", "values": [1, 0], "metadata": {"page": 7}}, {"id": "b", "values": [0, 1]}]
    assert site.client.post(f"{AT}/docs/vectors", json={"vectors": vectors}).json() == {"count": 2}
    return site


def test_a_collection_is_made_once_and_shown(docs: Site) -> None:
    again = docs.client.post(AT, json={"name": "docs", "dimensions": 2})
    shown = docs.client.get(f"{AT}/docs").json()
    assert (again.status_code, again.json()) == (200, shown)
    assert again.headers["location"] == f"{AT}/docs"
    assert {**shown, "created_at": 0} == {
        "owner": "@host",
        "name": "docs",
        "dimensions": 2,
        "metric": "cosine",
        "count": 2,
        "created_at": 0,
    }
    other = docs.client.post(AT, json={"name": "docs", "dimensions": 3})
    assert (other.status_code, other.json()["code"]) == (422, "invalid-input")


def test_the_nearest_are_found_within_a_filter(docs: Site) -> None:
    found = docs.client.post(f"{AT}/docs/search", json={"values": [0.5, 1], "limit": 1}).json()
    assert (found["matches"][0]["id"], found["exact"]) == ("b", True)
    found = docs.client.post(f"{AT}/docs/search", json={"values": [0, 1], "filter": {"page": 7}}).json()
    assert found["matches"] == [{"id": "a", "distance": 1.0, "metadata": {"page": 7}}]


def test_vectors_are_deleted_by_id(docs: Site) -> None:
    assert docs.client.post(f"{AT}/docs/delete", json={"ids": ["a", "c"]}).json() == {"count": 1}
    assert docs.client.get(f"{AT}/docs").json()["count"] == 1


def test_every_owner_has_collections_of_its_own(docs: Site) -> None:
    asked = {"owner": "text"}
    assert docs.client.get(f"{AT}/docs", params=asked).status_code == 404
    assert docs.client.post(AT, params=asked, json={"name": "docs", "dimensions": 4}).status_code == 201
    assert docs.client.get(f"{AT}/docs", params=asked).json()["dimensions"] == 4
    assert [one["owner"] for one in docs.client.get(AT, params=asked).json()["items"]] == ["text"]


def test_collections_come_in_pages(docs: Site) -> None:
    for name in ("a", "z"):
        docs.client.post(AT, json={"name": name, "dimensions": 2})
    first = docs.client.get(AT, params={"limit": 2}).json()
    rest = docs.client.get(AT, params={"limit": 2, "cursor": first["next"]}).json()
    assert [one["name"] for one in [*first["items"], *rest["items"]]] == ["a", "docs", "z"]
    assert rest["next"] is None
    assert docs.client.get(AT, params={"cursor": "bm90aGluZw"}).status_code == 422


@pytest.mark.parametrize("owner", ["@dropped", "a\0b", "", "x" * 300])
def test_an_owner_that_cannot_be_has_nothing(docs: Site, owner: str) -> None:
    asked = f"?owner={quote(owner)}"
    assert docs.client.get(AT + asked).json() == {"items": [], "next": None}
    assert docs.client.get(f"{AT}/docs{asked}").status_code == 404
    assert docs.client.delete(f"{AT}/docs{asked}").status_code == 404
    assert docs.client.post(AT + asked, json={"name": "docs"}).status_code == 422


def test_a_dropped_collection_is_gone(docs: Site) -> None:
    assert docs.client.delete(f"{AT}/docs").status_code == 204
    for answer in (
        docs.client.delete(f"{AT}/docs"),
        docs.client.get(f"{AT}/docs"),
        docs.client.post(f"{AT}/docs/search", json={"values": [1, 0]}),
        docs.client.post(f"{AT}/docs/vectors", json={"vectors": [{"id": "a", "values": [1, 0]}]}),
        docs.client.post(f"{AT}/docs/delete", json={"ids": ["a"]}),
    ):
        assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("", {}),
        ("", {"name": "x", "dimensions": "2"}),
        ("", {"name": "x", "dimensions": True}),
        ("", {"name": "x", "dimensions": 5000}),
        ("", {"name": "x", "metric": "L2"}),
        ("", {"name": "x", "metric": ["l2"]}),
        ("", {"name": "\ud800", "dimensions": 2}),
        ("", {"name": "a\0b", "dimensions": 2}),
        ("", {"name": "x", "more": 1}),
        ("/docs/vectors", {}),
        ("/docs/vectors", {"vectors": []}),
        ("/docs/vectors", {"vectors": [1]}),
        ("/docs/vectors", {"vectors": [{"id": "a"}]}),
        ("/docs/vectors", {"vectors": [{"id": 1, "values": [1, 0]}]}),
        ("/docs/vectors", {"vectors": [{"id": "a", "values": [1, "0"]}]}),
        ("/docs/vectors", {"vectors": [{"id": "a", "values": [1, 10**400]}]}),
        ("/docs/vectors", {"vectors": [{"id": "a", "values": [0, 0]}]}),
        ("/docs/vectors", {"vectors": [{"id": "a", "values": [1, 0], "metadata": [1]}]}),
        ("/docs/vectors", {"vectors": [{"id": "a", "values": [1, 0], "more": 1}]}),
        ("/docs/search", {"values": [1, 0, 0]}),
        ("/docs/search", {"values": [1, 0], "limit": 0}),
        ("/docs/search", {"values": [1, 0], "limit": "3"}),
        ("/docs/search", {"values": [1, 0], "filter": [1]}),
        ("/docs/search", {"values": [1, 0], "filter": {str(n): n for n in range(65)}}),
        ("/docs/delete", {"ids": [1]}),
        ("/docs/delete", {"ids": "a"}),
    ],
)
def test_what_cannot_be_used_is_a_problem_that_says_why(docs: Site, path: str, body: dict[str, Any]) -> None:
    answer = docs.client.post(f"{AT}{path}", content=json.dumps(body))
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-input")
    assert answer.json()["remedy"]
