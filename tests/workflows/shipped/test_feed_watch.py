"""`feed-watch`: a feed, a model, a person, a channel."""

from __future__ import annotations

from typing import Any

import pytest
from tests.workflows.shipped.desk import Desk
from tests.workflows.shipped.services import World

CHAT, SEND = "/writer/chat/completions", "/telegram/bot123456:AAE-abcdefghijklmnop/sendMessage"


def feed(*names: str) -> dict[str, Any]:
    return {
        "version": "https://jsonfeed.org/version/1.1",
        "items": [{"id": name, "url": f"https://e.example/{name}", "title": name.upper()} for name in names],
    }


@pytest.fixture
def watching(desk: Desk, world: World) -> Desk:
    desk.connect(
        "writer", "openai", {"base_url": f"{world.url}/writer", "chat_model": "small"}, token="sk-0123456789abcdef"
    )
    desk.connect("channel", "telegram", {"base_url": f"{world.url}/telegram"}, token="123456:AAE-abcdefghijklmnop")
    world.on("POST", CHAT, lambda asked: (200, _said(asked.body["messages"][1]["content"])))
    world.on("POST", SEND, (200, {"ok": True, "result": {"message_id": 1}}))
    desk.apply("feed-watch", ("    - {every: PT15M, input: {feed: https://example.com/feed.json}}\n", "    []\n"))
    return desk


def _said(text: str) -> dict[str, Any]:
    message = {"role": "assistant", "content": f"In short: {text.split(maxsplit=1)[0]}"}
    return {"model": "small", "choices": [{"index": 0, "message": message, "finish_reason": "stop"}], "usage": {}}


def waits(desk: Desk, run: str) -> dict[str, Any]:
    """The decision that a run waits for."""
    return desk.until(
        lambda: next((one for one in desk.client.get("/api/v1/approvals").json()["items"] if one["run"] == run), None)
    )


def decide(desk: Desk, asked: dict[str, Any], approve: bool, form: Any = None) -> Any:
    given = {"place": asked["place"], "approve": approve, "form": form or {}}
    return desk.client.post(f"/api/v1/runs/{asked['run']}/approvals", json=given)


def test_what_a_person_agrees_to_is_published_and_not_asked_about_again(watching: Desk, world: World) -> None:
    world.on("GET", "/feed", (200, feed("a", "b")))
    run = watching.start("feed-watch", {"feed": f"{world.url}/feed"})
    asked = waits(watching, run)
    assert asked["title"] == "Publish 2 summaries?"
    assert "In short: A" in asked["text"]
    assert world.of(SEND) == []
    watching.until(lambda: watching.view(run)["status"] == "waiting")  # out of memory
    assert decide(watching, asked, True, {"remark": 5}).status_code == 422
    assert decide(watching, asked, True, {"remark": "good"}).status_code in (200, 202, 204)
    assert watching.ended(run)["output"] == {"summaries": 2, "published": True}
    assert [one.body["text"].split("\n")[0] for one in world.of(SEND)] == ["A", "B"]
    assert decide(watching, asked, False).status_code in (404, 409)
    world.on("GET", "/feed", (200, feed("a", "b")))
    again = watching.ended(watching.start("feed-watch", {"feed": f"{world.url}/feed"}))
    assert again["output"] == {"summaries": 0, "published": False}


def test_what_a_person_refuses_is_not_published(watching: Desk, world: World) -> None:
    world.on("GET", "/feed", (200, feed("c")))
    run = watching.start("feed-watch", {"feed": f"{world.url}/feed"})
    assert decide(watching, waits(watching, run), False).status_code in (200, 202, 204)
    assert watching.ended(run)["output"] == {"summaries": 1, "published": False}
    assert world.of(SEND) == []


def test_while_a_person_thinks_no_second_run_of_the_feed_begins(watching: Desk, world: World) -> None:
    world.on("GET", "/feed", (200, feed("d")))
    run = watching.start("feed-watch", {"feed": f"{world.url}/feed"})
    asked = waits(watching, run)
    second = watching.client.post("/api/v1/workflows/feed-watch/runs", json={"input": {"feed": f"{world.url}/feed"}})
    assert second.status_code == 409
    decide(watching, asked, False)
    watching.ended(run)


def test_a_model_that_is_away_is_asked_again_and_fails_the_run_in_the_end(watching: Desk, world: World) -> None:
    world.on("GET", "/feed", (200, feed("e")))
    world.on("POST", CHAT, (500, {"error": {"message": "overloaded"}}))
    run = watching.ended(watching.start("feed-watch", {"feed": f"{world.url}/feed"}))
    assert (run["status"], run["fault"]["status"]) == ("faulted", 503)
    assert "/do/4/summarise" in run["fault"]["instance"]
    assert len(world.of(CHAT)) == 5  # then the connector itself spares a service that is overloaded
    assert watching.client.get("/api/v1/approvals").json()["items"] == []
