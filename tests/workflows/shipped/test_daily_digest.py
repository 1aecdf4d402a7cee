"""`daily-digest`: memory, four plugins and a channel."""

from __future__ import annotations

from tests.workflows.shipped.desk import Desk
from tests.workflows.shipped.services import World

SEND = "/telegram/bot123456:AAE-abcdefghijklmnop/sendMessage"


def ready(desk: Desk, world: World) -> None:
    desk.connect("channel", "telegram", {"base_url": f"{world.url}/telegram"}, token="123456:AAE-abcdefghijklmnop")
    desk.apply("daily-digest")


def test_what_is_remembered_is_sent_with_its_number_and_without_private_data(desk: Desk, world: World) -> None:
    ready(desk, world)
    world.on("POST", SEND, (200, {"ok": True, "result": {"message_id": 1}}))
    kept = desk.client.post("/api/v1/memory", json={"text": "The harbour opens; ask bob@example.com"})
    assert kept.status_code in (200, 201), kept.text
    runs = [desk.ended(desk.start("daily-digest", {"about": "harbour opens"})) for _ in range(2)]
    assert [run["status"] for run in runs] == ["completed", "completed"]
    assert [run["output"]["number"] for run in runs] == [1, 2]
    text = world.of(SEND)[0].body["text"]
    assert text.startswith("Digest 1: ")
    assert "ask [email]" in text
    shown = desk.client.get("/api/v1/workflows/daily-digest").json()
    assert shown["triggers"][0]["about"] == "30 7 * * MON-FRI (Europe/Berlin)"
    assert shown["triggers"][0]["next_at"]


def test_a_counter_that_is_not_granted_says_how_to_grant_it(desk: Desk, world: World) -> None:
    ready(desk, world)
    desk.client.post("/api/v1/memory", json={"text": "The lighthouse is green"})
    desk.do(lambda host: host.plugins.revoke("counter", "kv", who="tests"))
    try:
        run = desk.ended(desk.start("daily-digest", {"about": "lighthouse"}))
    finally:
        desk.do(lambda host: host.plugins.grant("counter", "kv", who="tests"))
    assert run["status"] == "faulted"
    assert "omnicore plugins grant counter kv" in run["fault"]["detail"]
    assert world.of(SEND) == []
