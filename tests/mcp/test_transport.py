"""What `/mcp` does with requests that are no good, and with sessions: whose they are, how many, how long."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.api.conftest import ECHO, MANY, SLOW, until
from tests.mcp.clients import ERAS, HELLO, connected, initialize, message, played, text_of
from tests.mcp.hosting import McpHost

from omnicore.access.principal import Role
from omnicore.config.settings import McpSettings
from omnicore.sandbox.abi import Limits

_SESSION = "mcp-session-id"


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpHost]:
    """A host with little room, little time, and two tokens."""
    files = {"echo.wat": ECHO, "many.wat": MANY, "many.toml": SLOW}
    limits = {"mcp": McpSettings(sessions=3), "request_timeout_s": 0.5, "limits": Limits(timeout_s=20.0)}
    with McpHost(tmp_path_factory.mktemp("small"), files, **limits) as host:
        yield host


def token(served: McpHost, name: str, **rights: Any) -> dict[str, str]:
    """The header of a new token."""
    _, key = served.host.access.tokens.add(name, **{"owner": None, "role": Role.nobody, **rights})
    return {"authorization": f"Bearer {key}"}


def ended(served: McpHost, answer: httpx.Response, **headers: str) -> int:
    """Ends the session that an answer began, and returns the status of that."""
    told = {_SESSION: answer.headers[_SESSION], "accept": "text/event-stream", **headers}
    return served.client.delete("/mcp", headers=told).status_code


@pytest.mark.parametrize("body", [b"", b"{", b"[]", b"1", b'{"jsonrpc":"2.0"}', b"[" * 50_000, b'{"id":"\\ud800"}'])
def test_what_is_no_message_is_refused_and_begins_no_session(small: McpHost, body: bytes) -> None:
    for headers in ({}, {"mcp-protocol-version": "2026-07-28"}):
        told = {"content-type": "application/json", "accept": "application/json, text/event-stream", **headers}
        answer = small.client.post("/mcp", content=body, headers=told)
        assert answer.status_code == 400
        assert answer.json()["error"]["code"] < 0
    for _ in range(3):
        answer = initialize(small.client)
        assert answer.status_code == 200
        assert ended(small, answer) == 200


def test_a_session_that_is_not_there_is_told_apart_from_one_that_is_not_named(small: McpHost) -> None:
    assert small.client.post("/mcp", **message("tools/list", mcp_session_id="none")).status_code == 404
    assert small.client.post("/mcp", **message("tools/list")).status_code == 400
    listening = {"accept": "text/event-stream"}
    assert small.client.get("/mcp", headers={**listening, _SESSION: "none"}).status_code == 404
    assert small.client.get("/mcp", headers=listening).status_code == 400
    assert small.client.put("/mcp").status_code == 405


def test_a_session_belongs_to_the_token_that_opened_it(small: McpHost) -> None:
    first, second = (token(small, name, plugins={"echo": Role.operator}) for name in ("first", "second"))
    opened = initialize(small.client, **first)
    session = {"mcp_session_id": opened.headers[_SESSION]}
    for other in (second, {}):
        assert small.client.post("/mcp", **message("tools/list", **session, **other)).status_code == 404
        assert ended(small, opened, **other) == 404
    assert small.client.post("/mcp", **message("tools/list", **session, **first)).status_code == 200
    assert ended(small, opened, **first) == 200


def test_sessions_are_bounded_and_one_that_ends_makes_room(small: McpHost) -> None:
    opened = [initialize(small.client) for _ in range(4)]
    assert [answer.status_code for answer in opened] == [200, 200, 200, 503]
    assert ended(small, opened[0]) == 200
    again = initialize(small.client)
    assert again.status_code == 200
    for answer in (again, *opened[1:3]):
        assert ended(small, answer) == 200


def test_no_token_can_take_all_sessions(small: McpHost) -> None:
    greedy, other = (token(small, name, role=Role.operator) for name in ("greedy", "other"))
    opened = [initialize(small.client, **greedy), initialize(small.client, **other)]
    refused = initialize(small.client, **greedy, mcp_protocol_version="2025-11-25")
    assert [answer.status_code for answer in (*opened, refused)] == [200, 200, 503]
    assert refused.json()["code"] == "capacity-reached"
    for answer, header in zip(opened, (greedy, other), strict=True):
        assert ended(small, answer, **header) == 200


def test_neither_a_second_token_nor_a_second_header_takes_more(small: McpHost) -> None:
    user = small.host.access.users.add("greedy", Role.operator, password=None)
    first, second = (token(small, name, owner=user.id, role=Role.operator) for name in ("first", "second"))
    opened = initialize(small.client, **first)
    body = message("initialize", HELLO)["json"]
    versions = [("mcp-protocol-version", "2025-11-25"), ("mcp-protocol-version", "2026-07-28")]
    twice = [*versions, ("accept", "application/json, text/event-stream"), *first.items()]
    refused = [initialize(small.client, **second), small.client.post("/mcp", json=body, headers=twice)]
    assert [answer.status_code for answer in (opened, *refused)] == [200, 503, 503]
    assert ended(small, opened, **first) == 200
    small.host.access.users.remove("greedy")


def test_a_session_that_nobody_uses_ends(tmp_path: Path) -> None:
    with McpHost(tmp_path, {"echo.wat": ECHO}, mcp=McpSettings(sessions=1, idle_s=0.05)) as served:
        opened = initialize(served.client)
        until(lambda: initialize(served.client).status_code == 200)
        left = served.client.post("/mcp", **message("tools/list", mcp_session_id=opened.headers[_SESSION]))
        assert left.status_code == 404


def test_a_call_has_the_deadline_of_a_request(small: McpHost) -> None:
    async def scene(mode: str) -> None:
        async with connected(small.url, mode=mode, token=small.key) as client:
            result = await client.call_tool("many.spin", {})
        assert result.is_error
        assert "request_timeout_s" in text_of(result)

    for mode in ("legacy", "auto"):
        played(lambda mode=mode: scene(mode))
    until(lambda: not small.host.plugins.in_flight)


def test_a_page_of_another_site_and_a_strange_name_of_the_host_are_refused(small: McpHost) -> None:
    asked = message("initialize", HELLO)
    for header, status in ({"origin": "https://evil.example"}, 403), ({"host": "evil.example"}, 421):
        answer = small.client.post("/mcp", json=asked["json"], headers={**asked["headers"], **header})
        assert answer.status_code == status


def test_a_token_that_is_none_is_refused_before_the_protocol(small: McpHost) -> None:
    assert initialize(small.client, authorization="Bearer nothing").status_code == 401


def test_a_client_that_begins_again_and_again_leaves_nothing_behind(small: McpHost) -> None:
    opened = initialize(small.client)
    session = {"mcp_session_id": opened.headers[_SESSION]}
    for _ in range(20):
        assert small.client.post("/mcp", **message("notifications/initialized", id=None, **session)).status_code == 202
    server = small.host.mcp._server
    until(lambda: len(server._listening) == 1)
    (connection,) = server._listening
    assert len(connection.exit_stack._exit_callbacks) == 1
    assert ended(small, opened) == 200
    until(lambda: not server._listening)


def test_sessions_that_failed_altogether_begin_anew(tmp_path: Path) -> None:
    with McpHost(tmp_path, {"echo.wat": ECHO}) as served:
        opened = initialize(served.client)
        served._loop.call_soon_threadsafe(served.host.mcp._http._living.cancel)
        until(lambda: not served.host.mcp._http.alive)
        lost = served.client.post("/mcp", **message("tools/list", mcp_session_id=opened.headers[_SESSION]))
        assert lost.status_code == 404
        assert initialize(served.client).status_code == 200


def test_without_sessions_each_request_of_any_version_stands_alone(tmp_path: Path) -> None:
    with McpHost(tmp_path, {"echo.wat": ECHO}, mcp=McpSettings(stateless="always")) as served:
        assert _SESSION not in initialize(served.client).headers
        listed = served.client.post("/mcp", **message("tools/list", mcp_session_id="of another host"))
        assert (listed.status_code, "echo.echo" in listed.text) == (200, True)

        async def scene() -> None:
            for mode in ERAS:
                async with connected(served.url, mode=mode, token=served.key) as client:
                    assert text_of(await client.call_tool("echo.echo", {"input": "hi"})) == "hi"

        played(scene)
