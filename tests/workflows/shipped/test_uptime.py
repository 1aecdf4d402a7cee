"""`uptime` and `uptime-alert`: probes, changes as events, and a chat that is not flooded."""

from __future__ import annotations

import pytest
from tests.workflows.shipped.desk import Desk
from tests.workflows.shipped.services import World

SEND = "/telegram/bot123456:AAE-abcdefghijklmnop/sendMessage"
EVERY = "every: PT1M"


@pytest.fixture
def watched(desk: Desk, world: World) -> Desk:
    desk.connect("alarm", "telegram", {"base_url": f"{world.url}/telegram"}, token="123456:AAE-abcdefghijklmnop")
    world.on("POST", SEND, (200, {"ok": True, "result": {"message_id": 1}}))
    for site in ("a", "b"):
        world.on("GET", f"/{site}", (200, {}))
    sites = "sites: [https://example.com/, https://www.example.com/health]"
    desk.drop("uptime-alert")
    desk.apply("uptime", (sites, f"sites: [{world.url}/a, {world.url}/b]"))
    desk.apply("uptime-alert", ("{starts: 6, per: PT1M}", "{starts: 600, per: PT1M}"))
    return desk


def probe(desk: Desk, world: World) -> None:
    run = desk.ended(desk.start("uptime", {"sites": [f"{world.url}/a", f"{world.url}/b"]}))
    assert (run["status"], run["output"]) == ("completed", {"asked": 2})


def told(world: World) -> list[str]:
    return [one.body["text"].split("\n")[0].replace(world.url, "") for one in world.of(SEND)]


def test_a_site_that_goes_down_and_comes_back_is_told_once_each(watched: Desk, world: World) -> None:
    probe(watched, world)
    assert told(world) == []
    world.on("GET", "/b", (500, {}))
    probe(watched, world)
    watched.until(lambda: told(world))
    assert len(world.of("/b", "GET")) == 4  # once while it was up, then three times
    assert "DOWN" in world.of(SEND)[0].body["text"]
    probe(watched, world)  # it is still down, which is known
    world.on("GET", "/b", (200, {}))
    probe(watched, world)
    watched.until(lambda: len(told(world)) == 2)
    assert told(world) == ["DOWN /b", "UP /b"]


def test_one_failure_is_not_down(watched: Desk, world: World) -> None:
    world.on("GET", "/a", (503, {}), (200, {}))
    probe(watched, world)
    assert len(world.of("/a", "GET")) == 2
    assert watched.runs("uptime")[0]["status"] == "completed"
    assert told(world) == []


def test_alerts_wait_for_their_turn(watched: Desk, world: World) -> None:
    watched.apply("uptime-alert", ("{starts: 6, per: PT1M}", "{starts: 1, per: PT10M}"))
    runs = [watched.start("uptime-alert", {"up": True, "site": str(number)}) for number in range(3)]
    assert watched.ended(runs[0])["status"] == "completed"
    later = [watched.view(run) for run in runs[1:]]
    assert [one["status"] for one in later] == ["pending", "pending"]
    assert later[1]["due_at"] - later[0]["due_at"] == pytest.approx(600, abs=5)
    assert told(world) == ["UP 0"]
    for run in runs[1:]:
        assert watched.client.post(f"/api/v1/runs/{run}/cancel", json={}).status_code in (200, 202)
        assert watched.ended(run)["status"] == "cancelled"
