"""Live logs over a WebSocket."""

from __future__ import annotations

import json
import threading
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.access.people import CHEAP, PASSWORD, make
from tests.api.conftest import ECHO, Site, many, raw, rest, until
from tests.api.hosting import Served
from websockets.exceptions import InvalidStatus
from websockets.sync.client import ClientConnection, connect
from websockets.typing import Subprotocol

from omnicore.access.principal import Role
from omnicore.api.events import TOO_SLOW
from omnicore.config.settings import AccessSettings


def follow(site: Site, query: str = "", **options: Any) -> ClientConnection:
    return connect(f"ws://127.0.0.1:{site.port}/ws/logs{query}", open_timeout=20, **options)


def heard(socket: ClientConnection) -> Any:
    return json.loads(socket.recv(timeout=20))


def test_the_last_lines_come_first_and_then_those_that_are_written(site: Site) -> None:
    calls = many(site)
    for text in ("one", "two", "three"):
        site.client.post(f"{calls}/warn", content=text)
    with follow(site, "?plugin=many&lines=2") as socket:
        assert [heard(socket)["message"] for _ in range(2)] == ["two", "three"]
        site.client.post(f"{calls}/warn", content="four \x1b[31m")
        frame = heard(socket)
    assert frame.pop("at") > 0
    assert frame == {"plugin": "many", "level": "warn", "message": "four \\x1b[31m", "dropped": 0}


def test_a_level_leaves_quieter_lines_out(site: Site) -> None:
    many(site)
    sink = site.logs.sink("many")
    with follow(site, "?plugin=many&level=warn") as socket:
        for level in ("info", "debug", "error"):
            sink(level, level)
        assert heard(socket)["message"] == "error"


def test_without_a_plugin_the_lines_of_all_are_heard(site: Site) -> None:
    many(site)
    site.logs.sink("many")("info", "before")
    with follow(site) as socket:
        site.logs.sink("other")("info", "hello")
        assert (heard(socket)["plugin"], len(site.logs.followers)) == ("other", 1)


@pytest.mark.parametrize(
    ("query", "status"), [("?plugin=nobody", 404), ("?level=loud", 422), ("?lines=0", 422), ("?lines=9999999", 422)]
)
def test_what_cannot_be_followed_is_refused_before_the_handshake(site: Site, query: str, status: int) -> None:
    with pytest.raises(InvalidStatus) as refused:
        follow(site, query)
    assert refused.value.response.status_code == status


def test_who_leaves_is_forgotten(site: Site) -> None:
    many(site)
    with follow(site, "?plugin=many") as socket:
        until(lambda: len(site.logs.followers) == 1)
        socket.send("noise")
    until(lambda: not site.logs.followers)
    assert site.traffic == 0


def test_a_flood_of_lines_is_thinned_and_the_rest_counted(site: Site) -> None:
    calls = many(site)
    sink, count = site.logs.sink("many"), 100_000
    with follow(site, "?plugin=many") as socket:
        flood = threading.Thread(target=lambda: [sink("info", f"line {number}") for number in range(count)])
        flood.start()
        assert site.client.post(f"{calls}/echo", content=b"still here").content == b"still here"
        flood.join()
        told = 0
        while True:
            frame = heard(socket)
            told += 1 + frame["dropped"]
            if frame["message"] == f"line {count - 1}":
                break
    assert told == count


def test_a_client_that_does_not_read_is_let_go(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnicore.api.logs._SEND_S", 0.3)
    many(site)
    shake = "GET /ws/logs?plugin=many HTTP/1.1\nConnection: Upgrade\nUpgrade: websocket\nSec-WebSocket-Version: 13\n"
    connection = raw(site, shake + "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==")
    until(lambda: len(site.logs.followers) == 1)
    sink = site.logs.sink("many")
    until(lambda: bool([sink("info", "x" * 8000) for _ in range(100)]) and not site.logs.followers)
    assert TOO_SLOW.to_bytes(2) in rest(connection)[-200:]


def test_nobody_takes_all_places_of_those_who_follow(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnicore.api.logs.MOST_FOLLOWERS", 4)
    with Served(tmp_path, {}, access=AccessSettings(**CHEAP)) as made, ExitStack() as stack:
        user = make(made.host.access, "linus", Role.viewer)
        make(made.host.access, "root", Role.admin)
        keys = [made.host.access.tokens.add("one", owner=user.id, role=Role.viewer)[1] for _ in range(2)]
        keys.append(made.host.access.tokens.add("other", owner=None, role=Role.viewer)[1])
        place = made.url.replace("http", "ws", 1) + "/ws/logs"

        def followed(key: str) -> ClientConnection:
            return stack.enter_context(connect(place, additional_headers={"authorization": f"Bearer {key}"}))

        followed(keys[0])
        last = followed(keys[1])
        with pytest.raises(InvalidStatus) as refused:
            followed(keys[1])
        assert refused.value.response.status_code == 503
        followed(keys[2])
        last.close()
        until(lambda: len(made.host.logs.followers) == 2)
        followed(keys[0])


def test_who_may_see_one_plugin_follows_that_one_only(tmp_path: Path) -> None:
    files = {"echo.wat": ECHO, "other.wat": ECHO}
    with Served(tmp_path, files, access=AccessSettings(**CHEAP)) as made:
        make(made.host.access, "root", Role.admin)
        make(made.host.access, "linus", Role.nobody, plugins={"echo": Role.viewer})
        with httpx.Client(base_url=made.url) as client:
            csrf = client.post("/api/v1/session", json={"name": "linus", "password": PASSWORD}).json()["csrf"]
            cookie = "; ".join(f"{one.name}={one.value}" for one in client.cookies.jar)
            assert [one["name"] for one in client.get("/api/v1/plugins").json()["items"]] == ["echo"]
            assert client.get("/api/v1/plugins?q=other").json()["items"] == []
            assert client.get("/api/v1/plugins/other/versions").status_code == 403
        place, headers = made.url.replace("http", "ws", 1), {"cookie": cookie}
        proof = [Subprotocol("omnicore"), Subprotocol(f"omnicore.csrf.{csrf}")]
        with connect(f"{place}/ws/logs?plugin=echo", additional_headers=headers, subprotocols=proof) as socket:
            made.host.logs.sink("echo")("info", "hello")
            assert heard(socket)["message"] == "hello"
        for query in ("", "?plugin=other"):
            with pytest.raises(InvalidStatus) as refused:
                connect(f"{place}/ws/logs{query}", additional_headers=headers, subprotocols=proof)
            assert refused.value.response.status_code == 403
