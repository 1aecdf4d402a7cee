"""The service itself: without its package, with many tools, with news of other processes, and with progress."""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
from mcp import Client
from tests.api.conftest import ASKS, ECHO, MANY
from tests.mcp.clients import ERAS, initialize, played, text_of
from tests.mcp.hosting import McpHost

from omnicore.access.principal import LOCAL
from omnicore.assembly import Host
from omnicore.core.extensions import Extension, Extensions
from omnicore.mcp.server import ToolServer
from omnicore.mcp.tools import Caller, ToolCatalogue

_BUILT = ("server", "stdio")


def host_of(folder: Path, *plugins: str) -> Host:
    (folder / "plugins").mkdir()
    for name in plugins:
        (folder / "plugins" / f"{name}.wat").write_text(ECHO)
    return Host(plugins=folder / "plugins", data=folder / "data", watch=False)


def test_without_the_package_the_path_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in _BUILT:
        monkeypatch.delitem(sys.modules, f"omnicore.mcp.{module}", raising=False)
    monkeypatch.setitem(sys.modules, "mcp", None)
    with McpHost(tmp_path, {"echo.wat": ECHO}) as served:
        answers = [initialize(served.client), served.client.get("/mcp")]
    for answer in answers:
        assert (answer.status_code, answer.json()["code"]) == (501, "tool-missing")
        assert "pip install 'omnicore[mcp]'" in answer.json()["remedy"]


@pytest.mark.parametrize("mode", ERAS)
def test_many_tools_come_in_pages_whatever_comes_and_goes_between(tmp_path: Path, mode: str) -> None:
    async def scene() -> None:
        async with host_of(tmp_path, *(f"p{number}" for number in range(7))) as host:
            tools = ToolCatalogue(host.plugins, host.bus, host.store.data_version, page=3)
            server = ToolServer(tools, host.call, caller=lambda _: Caller(LOCAL), call_s=5, listeners=1)
            async with Client(server.protocol, mode=mode) as client:
                first = await client.list_tools()
                assert [tool.name for tool in first.tools] == ["p0.echo", "p1.echo", "p2.echo"]
                await asyncio.to_thread(host.plugins.disable, "p2")
                await asyncio.to_thread(host.plugins.disable, "p3")
                second = await client.list_tools(cursor=first.next_cursor)
            assert [tool.name for tool in second.tools] == ["p4.echo", "p5.echo", "p6.echo"]
            assert second.next_cursor is None
            tools.close()

    played(scene)


def test_what_another_process_changed_is_found_by_a_look_at_the_database(tmp_path: Path) -> None:
    async def scene() -> None:
        async with host_of(tmp_path, "one", "two") as host:
            tools = ToolCatalogue(host.plugins, host.bus, host.store.data_version)
            await tools.refresh()
            other = Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, work=False)
            async with other:
                await asyncio.to_thread(other.plugins.disable, "two")
            edition = tools.edition
            await tools.refresh(look=True)
            assert tools.edition > edition
            assert await names(tools) == ["one.echo"]
            tools.close()

    played(scene)


def test_who_asks_for_progress_hears_that_a_call_still_runs(tmp_path: Path) -> None:
    heard: list[float] = []
    goes_on = asyncio.Event()

    async def listens(progress: float, total: float | None, message: str | None) -> None:
        assert total is not None
        assert message == "echo.echo runs"
        heard.append(progress)
        goes_on.set()

    async def slow(_ref: str, value: Any) -> Any:
        await goes_on.wait()
        return value

    async def scene() -> None:
        async with host_of(tmp_path, "echo") as host:
            tools = ToolCatalogue(host.plugins, host.bus, host.store.data_version)
            server = ToolServer(tools, slow, caller=lambda _: Caller(LOCAL), call_s=30, listeners=1, beat_s=0.01)
            async with Client(server.protocol, mode="legacy") as client:
                result = await client.call_tool("echo.echo", {"input": "a"}, progress_callback=listens)
            assert text_of(result) == "a"
            assert heard
            tools.close()

    played(scene)


def test_the_tools_are_those_of_the_version_that_serves_while_a_larger_one_waits(tmp_path: Path) -> None:
    async def scene() -> None:
        async with host_of(tmp_path, "echo") as host:
            tools = ToolCatalogue(host.plugins, host.bus, host.store.data_version)
            assert await names(tools) == ["echo.echo"]
            asks = ASKS.format(name="echo").encode()
            await asyncio.to_thread(host.plugins.install, "echo.wat", MANY.encode(), manifest=asks)
            assert await names(tools) == ["echo.echo"]
            await asyncio.to_thread(host.plugins.grant, "echo", None, who="test")
            assert "echo.spin" in await names(tools)
            tools.close()

    played(scene)


def test_functions_of_native_plugins_are_tools(tmp_path: Path) -> None:
    class Adder:
        name = "adder"

        def functions(self) -> list[Any]:
            def add(numbers: list[int]) -> int:
                """Adds numbers."""
                return sum(numbers)

            return [add]

    async def scene() -> None:
        (tmp_path / "plugins").mkdir()
        native = Extensions()
        native.add(Extension("entry", "pack:Adder"), Adder)
        host = Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, extensions=native)
        async with host:
            tools = ToolCatalogue(host.plugins, host.bus, host.store.data_version)
            server = ToolServer(tools, host.call, caller=lambda _: Caller(LOCAL), call_s=5, listeners=1)
            async with Client(server.protocol) as client:
                (tool,) = (await client.list_tools()).tools
                assert (tool.name, tool.description) == ("adder.add", "Adds numbers.")
                assert text_of(await client.call_tool("adder.add", {"input": [1, 2]})) == "3"
            tools.close()

    played(scene)


async def names(tools: ToolCatalogue) -> list[str]:
    return [tool.name for tool in (await tools.page(LOCAL, None))[0]]
