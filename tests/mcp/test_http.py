"""Tools over `/mcp`, with the official client on a real socket, in both ways of the protocol."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from mcp import MCPError
from tests.api.conftest import ECHO
from tests.mcp.clients import ERAS, connected, eventually, message, played, text_of
from tests.mcp.hosting import McpHost

from omnicore.config.settings import McpSettings

pytestmark = pytest.mark.parametrize("mode", ERAS)


def test_each_function_of_a_plugin_that_answers_calls_is_a_tool(served: McpHost, mode: str) -> None:
    async def scene() -> None:
        async with connected(served.url, mode=mode, token=served.key) as client:
            tools = {tool.name: tool for tool in (await client.list_tools()).tools}
            assert client.server_capabilities.tools.list_changed
        assert tools.keys() >= {"echo.echo", "double.echo", "many.spin"}
        assert not any(name.startswith("counter.") for name in tools)  # it waits for a grant
        assert tools["double.echo"].description == "Gives the value back"
        assert tools["double.echo"].input_schema["required"] == ["value"]
        assert tools["double.echo"].output_schema == {"type": "object"}
        assert tools["double.echo"].annotations is None
        assert tools["hinted.echo"].annotations.model_dump(exclude_none=True) == {"read_only_hint": True}

    played(scene)


def test_a_call_gives_json_text_or_bytes(served: McpHost, mode: str) -> None:
    async def scene() -> None:
        async with connected(served.url, mode=mode, token=served.key) as client:
            counted = await client.call_tool("double.echo", {"value": 1})
            assert counted.structured_content == {"value": 1}
            assert json.loads(text_of(counted)) == {"value": 1}
            assert text_of(await client.call_tool("echo.echo", {"input": "hé"})) == "hé"
            (block,) = (await client.call_tool("echo.echo", {"base64": "/w=="})).content
            assert block.resource.blob == "/w=="

    played(scene)


@pytest.mark.parametrize(
    ("name", "arguments", "code"),
    [
        ("double.echo", {"value": "x"}, "invalid-input"),
        ("echo.echo", {"other": 1}, "invalid-input"),
        ("many.fail", {"input": "no luck"}, "guest-failed"),
        ("many.trap", {}, "guest-trapped"),
    ],
)
def test_a_call_that_fails_is_a_result_with_fact_and_remedy(
    served: McpHost, mode: str, name: str, arguments: dict[str, Any], code: str
) -> None:
    async def scene() -> None:
        async with connected(served.url, mode=mode, token=served.key) as client:
            result = await client.call_tool(name, arguments)
        assert result.is_error
        assert text_of(result)
        assert result.meta is not None
        assert result.meta["omnicore/error"]["code"] == code

    played(scene)


def test_a_tool_that_is_not_there_and_a_strange_cursor_are_errors_of_the_protocol(served: McpHost, mode: str) -> None:
    async def scene() -> None:
        async with connected(served.url, mode=mode, token=served.key) as client:
            with pytest.raises(MCPError) as missing:
                await client.call_tool("nobody.nothing", {})
            with pytest.raises(MCPError) as strange:
                await client.list_tools(cursor="?")
        assert (missing.value.code, missing.value.data["code"]) == (-32602, "not-found")
        assert (strange.value.code, strange.value.data["code"]) == (-32602, "invalid-input")

    played(scene)


def test_a_cancelled_call_cuts_the_guest(served: McpHost, mode: str) -> None:
    async def scene() -> None:
        async with connected(served.url, mode=mode, token=served.key) as client:
            calling = asyncio.ensure_future(client.call_tool("many.spin", {}))
            await eventually(lambda: served.host.plugins.in_flight)
            calling.cancel()
            await asyncio.wait((calling,))
            await eventually(lambda: not served.host.plugins.in_flight)
            assert text_of(await client.call_tool("echo.echo", {"input": "goes on"})) == "goes on"

    played(scene)


def test_other_tools_are_told_after_a_grant_and_there_when_it_is_answered(tmp_path: Path, mode: str) -> None:
    files = {
        "counter.wat": ECHO,
        "counter.toml": 'name = "counter"\n[[capabilities]]\nname = "kv"\nreason = "Counts"\n',
    }
    heard: list[Any] = []

    async def listens(item: Any) -> None:
        heard.append(item)

    async def scene(served: McpHost) -> None:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(
                connected(served.url, mode=mode, token=served.key, message_handler=listens)
            )
            if mode == "auto":
                news = await stack.enter_async_context(client.listen(tools_list_changed=True))
            else:
                await eventually(served.streams)
            assert (await client.list_tools(cache_mode="bypass")).tools == []
            granted = await asyncio.to_thread(served.client.post, "/api/v1/plugins/counter/grants", json={})
            assert granted.status_code == 200
            tools = (await client.list_tools(cache_mode="bypass")).tools
            assert [tool.name for tool in tools] == ["counter.echo"]
            if mode == "auto":
                assert "ToolsListChanged" in type(await anext(aiter(news))).__name__
            else:
                await eventually(lambda: any("ToolListChanged" in type(one).__name__ for one in heard))

    with McpHost(tmp_path, files) as served:
        played(lambda: scene(served))


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpHost]:
    """A host with little room."""
    limits = {"body_bytes": 20_000, "mcp": McpSettings(sessions=3), "request_timeout_s": 1.0}
    manifest = "[limits]\ninput_bytes = 1000\n"
    with McpHost(tmp_path_factory.mktemp("small"), {"echo.wat": ECHO, "echo.toml": manifest}, **limits) as host:
        yield host


def test_too_much_input_is_refused_by_the_plugins_limit_and_by_the_hosts(small: McpHost, mode: str) -> None:
    async def scene() -> None:
        async with connected(small.url, mode=mode, token=small.key) as client:
            result = await client.call_tool("echo.echo", {"input": "x" * 2000})
            assert result.is_error
            assert result.meta["omnicore/error"]["limit"] == "input_bytes"

    played(scene)
    answer = small.client.post(
        "/mcp", **message("tools/call", {"name": "echo.echo", "arguments": {"input": "x" * 30_000}})
    )
    assert (answer.status_code, answer.json()["code"]) == (413, "body-too-large")


def test_a_stop_ends_open_streams_at_once(tmp_path: Path, mode: str) -> None:
    async def scene(served: McpHost) -> None:
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(connected(served.url, mode=mode, token=served.key))
            if mode == "auto":
                await stack.enter_async_context(client.listen(tools_list_changed=True))
            await eventually(lambda: served.streams() == 1)
            served.begin_stop()
            await eventually(lambda: not served.running)

    with McpHost(tmp_path, {"echo.wat": ECHO}, drain_s=3600.0) as served:
        played(lambda: scene(served))
