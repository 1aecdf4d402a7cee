"""Which tools there are depends on who asks, and calls are recorded as those by REST are."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import AsyncExitStack
from typing import Any

import pytest
from mcp import MCPError
from tests.api.conftest import ECHO
from tests.mcp.clients import ERAS, connected, eventually, played
from tests.mcp.hosting import McpHost

from omnicore.access.principal import Role

pytestmark = pytest.mark.parametrize("mode", ERAS)


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[McpHost]:
    with McpHost(tmp_path_factory.mktemp("rights"), {"one.wat": ECHO, "two.wat": ECHO}) as host:
        yield host


def key(served: McpHost, **rights: Any) -> str:
    _, made = served.host.access.tokens.add("a token", owner=None, **{"role": Role.nobody, **rights})
    return made


@pytest.mark.parametrize(
    ("rights", "tools"),
    [
        ({"role": Role.operator}, ["one.echo", "two.echo"]),
        ({"plugins": {"two": Role.operator}}, ["two.echo"]),
        ({"role": Role.viewer}, []),
        ({"role": Role.operator, "scopes": ["calls"]}, ["one.echo", "two.echo"]),
    ],
)
def test_a_token_sees_the_functions_that_it_may_call(
    served: McpHost, mode: str, rights: dict[str, Any], tools: list[str]
) -> None:
    async def scene() -> None:
        async with connected(served.url, mode=mode, token=key(served, **rights)) as client:
            assert [tool.name for tool in (await client.list_tools()).tools] == tools

    played(scene)


def test_a_tool_that_one_may_not_call_is_like_one_that_is_not_there(served: McpHost, mode: str) -> None:
    async def scene() -> None:
        token = key(served, plugins={"two": Role.operator})
        async with connected(served.url, mode=mode, token=token) as client:
            assert not (await client.call_tool("two.echo", {"input": "a"})).is_error
            errors = []
            for name in ("one.echo", "one.none"):
                with pytest.raises(MCPError) as refused:
                    await client.call_tool(name, {"input": "a"})
                errors.append(str(refused.value).replace(name, "NAME"))
            assert errors[0] == errors[1]

    played(scene)


def test_calls_and_refusals_leave_a_row_of_the_record(served: McpHost, mode: str) -> None:
    async def scene() -> None:
        token = key(served, plugins={"two": Role.operator})
        async with connected(served.url, mode=mode, token=token) as client:
            await client.call_tool("two.echo", {"input": "a"})
            with pytest.raises(MCPError):
                await client.call_tool("one.echo", {"input": "a"})

    before = len(rows(served))
    played(scene)
    made = rows(served)[before:]
    assert [(entry.action, entry.target, entry.outcome) for entry in made] == [
        ("callFunction", "plugin:two.echo", "done"),
        ("callFunction", "plugin:one.echo", "refused"),
    ]
    assert {entry.via for entry in made} == {"token"}


def test_a_token_that_is_revoked_loses_its_stream_and_its_tools(served: McpHost, mode: str) -> None:
    async def scene() -> None:
        row, made = served.host.access.tokens.add("short", owner=None, role=Role.operator)
        async with AsyncExitStack() as stack:
            client = await stack.enter_async_context(connected(served.url, mode=mode, token=made))
            if mode == "auto":
                await stack.enter_async_context(client.listen(tools_list_changed=True))
            await eventually(lambda: served.streams() == 1)
            await asyncio.to_thread(served.host.access.tokens.remove, row.id)
            await eventually(lambda: served.streams() == 0)
            with pytest.raises(MCPError):
                await client.call_tool("one.echo", {"input": "a"})

    played(scene)


def rows(served: McpHost) -> list[Any]:
    """What the record holds of calls, oldest first."""
    served.host.audit.flush()
    return [entry for entry in served.host.audit.table.after(0, 500) if entry.action == "callFunction"]
