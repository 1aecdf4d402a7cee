"""Drafts of workflows over REST: kept for one person, never overwritten unseen, bounded, there after a crash."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.api.conftest import ECHO
from tests.api.hosting import Served
from tests.console.host import Account, ConsoleHost

from omnicore.workflows.drafts import MOST_DRAFTS

AT = "/api/v1/drafts/letters"


@pytest.fixture
def client(tmp_path: Path) -> Iterator[httpx.Client]:
    with Served(tmp_path, {"echo.wat": ECHO}) as served:
        yield served.client


def test_a_draft_is_kept_as_it_was_typed_with_the_version_it_came_from(client: httpx.Client) -> None:
    assert client.get(AT).json() == {"draft": None, "others": []}
    kept = client.put(AT, json={"text": "do: [", "number": 3, "digest": "abc"}).json()
    shown = client.get(AT).json()["draft"]
    assert shown == {**kept, "text": "do: [", "number": 3, "digest": "abc", "draft": "letters"}
    assert client.get("/api/v1/drafts").json() == {"items": [kept]}


def test_a_second_window_is_told_and_may_overwrite_once_it_has_seen_the_first(client: httpx.Client) -> None:
    first = client.put(AT, json={"text": "a"}).json()["revision"]
    second = client.put(AT, json={"text": "b", "revision": first}).json()["revision"]
    for stale in ("", first):
        told = client.put(AT, json={"text": "c", "revision": stale})
        assert (told.status_code, told.json()["revision"]) == (409, second)
        assert client.delete(AT, params={"revision": first}).status_code == 409
    assert client.get(AT).json()["draft"]["text"] == "b"
    assert client.put(AT, json={"text": "c", "revision": told.json()["revision"]}).status_code == 200


def test_a_discarded_draft_is_gone_and_a_late_window_overwrites_no_later_one(client: httpx.Client) -> None:
    old = client.put(AT, json={"text": "a"}).json()["revision"]
    assert client.delete(AT, params={"revision": old}).status_code == 204
    assert client.get(AT).json()["draft"] is None
    assert client.delete(AT).status_code == 204
    assert client.put(AT, json={"text": "new"}).status_code == 200
    assert client.put(AT, json={"text": "late", "revision": old}).status_code == 409


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({"text": 7}, 422),
        ({"text": "a\0b"}, 422),
        ({"text": "a", "what": 1}, 422),
        ({"text": "a" * (1024 * 1024 + 1)}, 422),
        ({"text": "a" * (2 * 1024 * 1024 + 1)}, 413),
    ],
)
def test_malformed_and_large_drafts_are_refused(client: httpx.Client, body: dict[str, object], status: int) -> None:
    assert client.put(AT, json=body).status_code == status
    assert client.get(AT).json()["draft"] is None


def test_half_a_character_and_a_strange_name_are_refused(client: httpx.Client) -> None:
    assert client.put(AT, content=b'{"text": "\\ud800"}').status_code == 422
    assert client.put("/api/v1/drafts/-", json={"text": "a"}).status_code == 404
    assert client.delete(AT, params={"revision": "?"}).status_code == 422
    assert client.put("/api/v1/drafts/~new1", json={"text": "a"}).status_code == 200


def test_the_last_draft_of_too_many_is_refused_and_those_there_can_still_change(client: httpx.Client) -> None:
    revisions = [
        client.put(f"/api/v1/drafts/w{number}", json={"text": "a"}).json()["revision"] for number in range(MOST_DRAFTS)
    ]
    refused = client.put(AT, json={"text": "a"})
    assert (refused.status_code, refused.json()["detail"]) == (422, "owner has 50 drafts already")
    assert client.put("/api/v1/drafts/w0", json={"text": "b", "revision": revisions[0]}).status_code == 200
    assert client.delete("/api/v1/drafts/w1").status_code == 204
    assert client.put(AT, json={"text": "a"}).status_code == 200


def test_people_have_drafts_of_their_own_hear_of_each_other_and_lose_none_by_a_kill(tmp_path: Path) -> None:
    host = ConsoleHost(tmp_path).start().set_up()
    try:
        ada, ben = host.session(), host.session(Account("ben", "admin"))
        assert ada.put(AT, json={"text": "ada's"}).status_code == 200
        assert ben.put(AT, json={"text": "ben's"}).status_code == 200
        host.restart(signal.SIGKILL)
        for person, other, text in ((ada, "ben", "ada's"), (ben, "ada", "ben's")):
            shown = person.get(AT).json()
            assert shown["draft"]["text"] == text
            assert [one["who"] for one in shown["others"]] == [other]
        assert ada.delete("/api/v1/users/ben").is_success
        assert ada.get(AT).json()["others"] == []
        operator = host.session(Account("otto", "operator"))
        assert operator.get(AT).status_code == 403
    finally:
        host.close()


def test_an_output_is_pinned_to_a_step_beside_the_definition(client: httpx.Client) -> None:
    text = "document: {dsl: 1.0.3, namespace: default, name: pinned, version: 1.0.0}\ndo:\n  - a: {set: {n: 1}}\n"
    at = "/api/v1/workflows/pinned/pins"
    assert client.put(at, json={"step": "a", "value": 1}).status_code == 404
    client.post("/api/v1/workflows", json={"text": text}).raise_for_status()
    for value in ({"n": 1}, {"n": 2}):
        kept = client.put(at, json={"step": "a", "value": value})
        assert (kept.status_code, kept.json()["value"]) == (200, value)
    (pin,) = client.get(at).json()["items"]
    assert (pin["step"], pin["value"]) == ("a", {"n": 2})
    assert client.put(at, json={"step": "", "value": 1}).status_code == 422
    assert client.put(at, json={"step": "a", "value": "x" * 300_000}).status_code == 422
    assert client.delete(at).status_code == 422
    assert client.delete(at, params={"step": "a"}).status_code == 204
    assert client.get(at).json()["items"] == []
    client.put(at, json={"step": "b", "value": None}).raise_for_status()
    client.delete("/api/v1/workflows/pinned").raise_for_status()
    client.post("/api/v1/workflows", json={"text": text}).raise_for_status()
    assert client.get(at).json()["items"] == []
