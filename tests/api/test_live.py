"""Events over a WebSocket."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from tests.api.conftest import ECHO, Site, raw, rest, until
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.sync.client import ClientConnection, connect

from omnicore.api.events import TOO_SLOW


def listen(site: Site, query: str = "", **options: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{site.port}/ws{query}", open_timeout=60, **options)


def test_events_arrive_as_json_frames(site: Site) -> None:
    with listen(site) as socket:
        identifier = site.bus.publish("counted", {"n": 1}, source="counter")
        frame = json.loads(socket.recv(timeout=60))
    assert frame.pop("at") > 0
    assert frame == {"id": identifier, "topic": "counted", "source": "counter", "data": {"n": 1}}


def test_a_topic_filters_events(site: Site) -> None:
    with listen(site, "?topic=plugin.*") as socket:
        site.bus.publish("other")
        site.drop("echo.wat", ECHO)
        frame = json.loads(socket.recv(timeout=60))
    assert (frame["topic"], frame["data"]["name"]) == ("plugin.added", "echo")


def test_who_follows_a_run_hears_of_no_other_and_keeps_its_place_however_fast_it_goes(site: Site) -> None:
    with listen(site, "?topic=workflow.step.*&run=mine") as socket:
        for seq in range(2000):
            for run in ("other", "mine"):
                site.bus.publish("workflow.step.completed", {"run": run, "seq": seq}, passing=True)
        site.bus.publish("workflow.step.completed", "no object", passing=True)
        heard = [json.loads(socket.recv(timeout=60))["data"]]
        while heard[-1]["seq"] < 1999:
            heard.append(json.loads(socket.recv(timeout=60))["data"])
    assert {one["run"] for one in heard} == {"mine"}
    assert site.bus.figures().dropped == 0


def test_a_topic_that_is_none_is_refused_before_the_handshake(site: Site) -> None:
    with pytest.raises(InvalidStatus) as refused:
        listen(site, "?topic=a..b")
    assert refused.value.response.status_code == 422
    assert json.loads(refused.value.response.body)["code"] == "invalid-input"


def test_only_one_path_takes_websockets(site: Site) -> None:
    with pytest.raises(InvalidStatus) as refused:
        connect(f"ws://127.0.0.1:{site.port}/elsewhere")
    assert refused.value.response.status_code == 404
    assert httpx.get(f"{site.url}/ws").status_code == 404


@pytest.mark.parametrize("origin", ["https://evil.example", "null"])
def test_pages_of_other_sites_may_not_listen(site: Site, origin: Any) -> None:
    with pytest.raises(InvalidStatus) as refused:
        listen(site, origin=origin)
    assert refused.value.response.status_code == 403


def test_the_token_is_needed_here_too(site_with: Callable[..., Site]) -> None:
    site = site_with(token="s3cret")
    with pytest.raises(InvalidStatus) as refused:
        listen(site)
    assert refused.value.response.status_code == 401
    with listen(site, additional_headers={"authorization": "Bearer s3cret"}) as socket:
        site.bus.publish("heard")
        assert json.loads(socket.recv(timeout=60))["topic"] == "heard"


def test_a_client_that_leaves_gives_its_place_back(site: Site) -> None:
    with listen(site):
        assert site.traffic == 1
    until(lambda: site.traffic == 0)
    assert site.bus.subscribers() == ()


def test_what_a_client_sends_is_dropped(site: Site) -> None:
    with listen(site) as socket:
        for _ in range(100):
            socket.send("noise")
        site.bus.publish("heard")
        assert json.loads(socket.recv(timeout=60))["topic"] == "heard"


def test_a_frame_over_the_limit_ends_the_connection(site: Site) -> None:
    with listen(site) as socket:
        socket.send("x" * 100_000)
        with pytest.raises(ConnectionClosed) as ended:
            socket.recv(timeout=60)
    assert ended.value.rcvd is not None
    assert ended.value.rcvd.code == 1009


def test_a_client_that_reads_too_slowly_is_told_so_and_dropped(site: Site) -> None:
    shake = "GET /ws HTTP/1.1\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
    connection = raw(site, shake + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    until(lambda: len(site.bus.subscribers()) == 1)
    (subscription,) = site.bus.subscribers()
    text = "x" * 200_000
    until(lambda: bool(site.bus.publish("much", text)) and subscription.dropped > 0)
    frames = rest(connection)
    reason = b"events come faster than you read; narrow the topic"
    assert frames.endswith(TOO_SLOW.to_bytes(2) + reason)
    until(lambda: site.traffic == 0)
