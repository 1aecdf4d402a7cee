"""`issue-desk`: GitHub's deliveries over a real socket, a memory that is masked, a channel that is told."""

from __future__ import annotations

from typing import Any

import pytest
from tests.workflows.shipped.desk import Desk, signed_by_github
from tests.workflows.shipped.services import World

MESSAGES = "/discord/channels/123456789012345678/messages"
COMMENTS = "/github/repos/ada/engine/issues/7/comments"


def opened(text: str = "It stops at night. Write to ada@example.com", **more: Any) -> dict[str, Any]:
    issue = {"id": 4711, "number": 7, "title": "Engine stops", "body": text, "html_url": "https://github.example/7"}
    return {"action": "opened", "issue": issue, "repository": {"full_name": "ada/engine"}, **more}


@pytest.fixture(scope="module")
def path(desk: Desk) -> str:
    return desk.hook("issues", "github")


def connect(desk: Desk, world: World) -> None:
    desk.connect("discord", "discord", {"base_url": f"{world.url}/discord"}, token="MTk4NjIy.Cl2FMQ.abcdefgh")


@pytest.fixture
def ready(desk: Desk, world: World) -> Desk:
    desk.connect("github", "github", {"base_url": f"{world.url}/github"}, token="ghp_0123456789abcdef")
    connect(desk, world)
    world.on("POST", MESSAGES, (200, {"id": "1"}))
    world.on("POST", COMMENTS, (201, {"id": 1}))
    desk.apply("issue-desk")
    return desk


def test_an_issue_is_masked_remembered_and_told(ready: Desk, world: World, path: str) -> None:
    body = opened()
    answer = ready.deliver(path, body, signed_by_github(body, "issues", "d-1"))
    assert answer.status_code == 202
    run = ready.ended(answer.json()["run"])
    assert (run["status"], run["output"]["found"]) == ("completed", {"email": 1, "phone": 0, "card": 0})
    (told,) = world.of(MESSAGES)
    assert told.body["content"] == "https://github.example/7\nEngine stops\n\nIt stops at night. Write to [email]"
    assert told.body["nonce"] == "4711"
    assert len(world.of(COMMENTS)) == 1
    found = ready.client.post("/api/v1/memory/recall", json={"text": "engine stops at night"}).json()["items"]
    assert "[email]" in found[0]["text"]
    assert "ada@example.com" not in str(found)
    assert ready.sound(run["id"])


def test_a_delivery_that_comes_twice_or_is_not_proven_tells_nobody(ready: Desk, world: World, path: str) -> None:
    body = opened("no secrets here")
    forged = signed_by_github(body, "issues", "d-2", secret="another-secret")
    assert ready.deliver(path, body, forged).status_code in (401, 403)
    first = ready.deliver(path, body, signed_by_github(body, "issues", "d-2"))
    assert ready.ended(first.json()["run"])["status"] == "completed"
    again = ready.deliver(path, body, signed_by_github(body, "issues", "d-2"))
    assert again.status_code == 200
    assert len(world.of(MESSAGES)) == 1
    assert world.of(COMMENTS) == []


def test_what_is_no_new_issue_ends_at_once(ready: Desk, world: World, path: str) -> None:
    body = opened(action="closed")
    run = ready.deliver(path, body, signed_by_github(body, "issues", "d-3")).json()["run"]
    assert ready.ended(run)["status"] == "completed"
    assert world.asked == []


def test_a_channel_that_is_away_is_tried_again_and_a_retried_run_remembers_nothing_twice(
    ready: Desk, world: World, path: str
) -> None:
    world.on("POST", MESSAGES, (503, {"message": "away"}))
    body = opened("the boiler leaks", repository={"full_name": "ada/engine"})
    run = ready.ended(ready.deliver(path, body, signed_by_github(body, "issues", "d-4")).json()["run"])
    assert (run["status"], run["fault"]["instance"]) == ("faulted", "/do/3/tell")
    assert len(world.of(MESSAGES)) == 5  # then the connector itself spares a service that is away
    connect(ready, world)
    world.on("POST", MESSAGES, (200, {"id": "1"}))
    again = ready.client.post(f"/api/v1/runs/{run['id']}/retry", json={})
    assert again.status_code == 201, again.text
    assert ready.ended(again.json()["id"])["status"] == "completed"
    found = ready.client.post("/api/v1/memory/recall", json={"text": "boiler leaks"}).json()["items"]
    assert len([one for one in found if "boiler" in one["text"]]) == 1
