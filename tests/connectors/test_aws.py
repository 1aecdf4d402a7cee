"""S3 and SQS connectors, against a local server that behaves like theirs."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.request import urlopen

import pytest
from moto.server import ThreadedMotoServer

from omnicore.connectors.kind import Opening, ServiceClient, find_kind
from omnicore.errors import InvalidInput, LimitExceeded, ServiceRefused, Unavailable

KEYS = {"access_key_id": "AKIAIOSFODNN7EXAMPLE", "secret_access_key": "never-shown"}


@pytest.fixture(scope="module")
def base_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@asynccontextmanager
async def opened(kind: str, base_url: str, *, make: bool = True, **config: Any) -> AsyncIterator[ServiceClient]:
    more = {"output_bytes": config.pop("output_bytes")} if "output_bytes" in config else {}
    opening = Opening("cloud", {"region": "us-east-1", "base_url": base_url, **config}, KEYS, **more)
    client: Any = await find_kind(kind).open(opening)
    try:
        if make and kind == "s3":
            await client.aws.create_bucket(Bucket=config["bucket"])
        elif make:
            fifo = {"FifoQueue": "true"} if config["queue"].endswith(".fifo") else {}
            await client.aws.create_queue(QueueName=config["queue"], Attributes=fifo)
        yield client
    finally:
        await client.close()


async def do(client: ServiceClient, action: str, **given: Any) -> Any:
    return await client.call(action, given, timeout_s=10)


def run(body: Any) -> None:
    asyncio.run(asyncio.wait_for(body, 60))


def test_an_object_is_written_listed_read_linked_and_deleted(base_url: str) -> None:
    async def body() -> None:
        async with opened("s3", base_url, bucket="shop") as client:
            await client.probe()
            assert (await do(client, "put", key="a/1.txt", body="hello", media="text/plain"))["tag"]
            await do(client, "put", key="a/2.bin", body={"base64": "/w=="})
            page = await do(client, "list", prefix="a/", limit=1)
            assert [(one["key"], one["bytes"]) for one in page["objects"]] == [("a/1.txt", 5)]
            page = await do(client, "list", prefix="a/", limit=1, cursor=page["cursor"])
            assert [one["key"] for one in page["objects"]] == ["a/2.bin"]
            assert page["cursor"] is None
            assert await do(client, "get", key="a/1.txt") == {"body": "hello", "media": "text/plain"}
            assert (await do(client, "get", key="a/2.bin"))["body"] == {"base64": "/w=="}
            link = (await do(client, "link", key="a/1.txt", ttl_s=60))["url"]
            assert (await asyncio.to_thread(read, link)) == b"hello"
            await do(client, "delete", key="a/1.txt")
            with pytest.raises(ServiceRefused, match="404"):
                await do(client, "get", key="a/1.txt")

    run(body())


def read(link: str) -> bytes:
    with urlopen(link) as answer:
        data: bytes = answer.read()
    return data


def test_an_object_that_is_too_large_is_not_read(base_url: str) -> None:
    async def body() -> None:
        async with opened("s3", base_url, bucket="large", output_bytes=100) as client:
            await do(client, "put", key="x", body="x" * 101)
            with pytest.raises(LimitExceeded, match="make a link"):
                await do(client, "get", key="x")
            with pytest.raises(InvalidInput, match="base64"):
                await do(client, "put", key="x", body={"base64": "?"})

    run(body())


def test_a_message_is_sent_received_and_deleted(base_url: str) -> None:
    async def body() -> None:
        async with opened("sqs", base_url, queue="orders") as client:
            await client.probe()
            sent = await do(client, "send", body="one")
            (message,) = (await do(client, "receive", limit=10))["messages"]
            assert (message["id"], message["body"]) == (sent["id"], "one")
            assert (await do(client, "receive"))["messages"] == []
            await do(client, "delete", receipt=message["receipt"])

    run(body())


def test_a_fifo_queue_takes_a_key_once(base_url: str) -> None:
    async def body() -> None:
        async with opened("sqs", base_url, queue="orders.fifo") as client:
            for _ in range(2):
                await do(client, "send", body="one", group="g", idempotency_key="k")
            assert len((await do(client, "receive", limit=10))["messages"]) == 1

    run(body())


@pytest.mark.parametrize(("kind", "config"), [("s3", {"bucket": "missing"}), ("sqs", {"queue": "missing"})])
def test_what_is_not_there_is_refused_and_a_server_that_is_away_passes(
    kind: str, config: dict[str, str], base_url: str
) -> None:
    async def body() -> None:
        async with opened(kind, base_url, make=False, **config) as client:
            with pytest.raises(ServiceRefused) as caught:
                await client.probe()
            assert KEYS["secret_access_key"] not in str(caught.value)
        async with opened(kind, "http://127.0.0.1:1", make=False, **config) as client:
            with pytest.raises(Unavailable, match="cannot be reached"):
                await client.probe()

    run(body())


def test_the_machines_own_credentials_are_not_used(base_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "of-a-person")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "of-a-person")

    async def body() -> None:
        async with opened("s3", base_url, bucket="own") as client:
            link = (await do(client, "link", key="x"))["url"]
            assert KEYS["access_key_id"] in link
            assert "of-a-person" not in link

    run(body())
