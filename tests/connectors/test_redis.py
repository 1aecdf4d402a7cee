"""The Redis connector, against a real server."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from tests.connectors.database_servers import redis_server

from omnicore.connectors.kind import Opening, ServiceClient, find_kind
from omnicore.errors import InvalidInput, ServiceRefused, Unavailable

PASSWORD = "open-sesame"


@pytest.fixture(scope="module")
def port() -> Iterator[int]:
    if not shutil.which("redis-server"):
        pytest.skip("Redis is not on this machine: apt install redis-server")
    with redis_server(PASSWORD) as port:
        yield port


@asynccontextmanager
async def opened(
    port: int, *, password: str = PASSWORD, prefix: str = "shop:", **more: Any
) -> AsyncIterator[ServiceClient]:
    config = {"port": port, "prefix": prefix}
    client = await find_kind("redis").open(Opening("cache", config, {"password": password}, **more))
    try:
        yield client
    finally:
        await client.close()


def with_client(test: Callable[[ServiceClient], Awaitable[None]]) -> Callable[[int], None]:
    def run(port: int) -> None:
        async def body() -> None:
            async with asyncio.timeout(60), opened(port) as client:
                await test(client)

        asyncio.run(body())

    run.__name__ = test.__name__
    return run


async def do(client: ServiceClient, action: str, **given: Any) -> Any:
    return await client.call(action, given, timeout_s=5)


@with_client
async def test_a_value_is_written_read_and_deleted(client: ServiceClient) -> None:
    assert await do(client, "set", key="a", value="1") == {"set": True}
    assert await do(client, "set", key="a", value="2", only_new=True) == {"set": False}
    assert await do(client, "get", key="a") == {"value": "1"}
    assert await do(client, "increment", key="a", by=4) == {"value": 5}
    assert await do(client, "delete", key="a") == {"deleted": True}
    assert await do(client, "get", key="a") == {"value": None}
    await client.probe()


@with_client
async def test_bytes_come_back_as_they_went(client: ServiceClient) -> None:
    await do(client, "set", key="b", value={"base64": "/w=="}, ttl_s=60)
    assert await do(client, "get", key="b") == {"value": {"base64": "/w=="}}
    with pytest.raises(InvalidInput, match="not text, a number or base64"):
        await do(client, "set", key="b", value={"base64": "?"})


@with_client
async def test_a_list_is_a_queue(client: ServiceClient) -> None:
    assert await do(client, "push", key="q", value="x") == {"length": 1}
    assert await do(client, "push", key="q", value="y") == {"length": 2}
    assert [(await do(client, "pop", key="q"))["value"] for _ in range(3)] == ["x", "y", None]


def test_a_connector_sees_only_keys_below_its_prefix(port: int) -> None:
    async def body() -> None:
        async with opened(port, prefix="one:") as one, opened(port, prefix="o*:") as other:
            await do(one, "set", key="k", value="1")
            await do(other, "set", key="k", value="2")
            assert (await do(one, "get", key="k"))["value"] == "1"
            assert (await do(other, "keys"))["keys"] == ["k"]
            assert (await do(one, "keys", prefix="k"))["keys"] == ["k"]

    asyncio.run(asyncio.wait_for(body(), 60))


@with_client
async def test_a_key_of_another_type_is_refused_in_the_servers_words(client: ServiceClient) -> None:
    await do(client, "push", key="list", value="x")
    with pytest.raises(ServiceRefused, match="WRONGTYPE"):
        await do(client, "increment", key="list")


def test_a_value_that_is_too_large_is_not_fetched(port: int) -> None:
    async def body() -> None:
        async with opened(port, output_bytes=10) as client:
            await do(client, "set", key="large", value="x" * 11)
            with pytest.raises(InvalidInput, match="over 10 bytes"):
                await do(client, "get", key="large")

    asyncio.run(asyncio.wait_for(body(), 60))


def test_wrong_credentials_and_a_missing_server_are_told_apart(port: int) -> None:
    async def body() -> None:
        async with opened(port, password="wrong") as client:
            with pytest.raises(ServiceRefused, match="credentials") as caught:
                await client.probe()
            assert "wrong" not in str(caught.value)
        async with opened(1) as client:
            with pytest.raises(Unavailable, match="cannot be reached"):
                await client.probe()

    asyncio.run(asyncio.wait_for(body(), 60))


@with_client
async def test_a_message_is_published(client: ServiceClient) -> None:
    assert await do(client, "publish", channel="news", message="hello") == {"receivers": 0}
