"""The other side of a broker: what sends to a host and hears from it, by the plain client of each."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import aio_pika
import nats
import redis.asyncio

__all__ = ["SIDES", "Side"]

_WITHIN_S = 30.0


class Side(Protocol):
    """`place` is where the host hears."""

    place: str
    inbound: Mapping[str, Any]
    outbound: Mapping[str, Any]

    async def open(self) -> None: ...

    async def close(self) -> None: ...

    async def send(self, body: bytes) -> None: ...

    async def receive(self) -> bytes: ...

    async def all_acknowledged(self) -> bool: ...


class RedisSide:
    def __init__(self, url: str, name: str) -> None:
        self._url, self.place, self._to = url, f"in-{name}", f"out-{name}"
        self.inbound = {"stream": self.place, "group": "hosts", "type": "order.placed"}
        self.outbound = {"types": "done.*", "to": self._to}

    async def open(self) -> None:
        self._client = redis.asyncio.from_url(self._url)

    async def close(self) -> None:
        await self._client.aclose()

    async def send(self, body: bytes) -> None:
        await self._client.xadd(self.place, {"data": body})

    async def receive(self) -> bytes:
        async with asyncio.timeout(_WITHIN_S):
            while not (found := await self._client.xread({self._to: "0"}, count=1, block=500)):
                pass
        return bytes(found[0][1][0][1][b"event"])

    async def all_acknowledged(self) -> bool:
        groups = await self._client.xinfo_groups(self.place)
        return all(group["pending"] == 0 and not group["lag"] for group in groups)


class RabbitSide:
    def __init__(self, url: str, name: str) -> None:
        self._url, self.place, self._to = url, f"in-{name}", f"out-{name}"
        self.inbound = {"queue": self.place, "type": "order.placed"}
        self.outbound = {"types": "done.*", "to": self._to}

    async def open(self) -> None:
        self._connection = await aio_pika.connect(self._url)
        self._channel = await self._connection.channel()
        self._queue = await self._channel.declare_queue(self.place, durable=True)
        self._out = await self._channel.declare_queue(self._to, durable=True)

    async def close(self) -> None:
        await self._connection.close()

    async def send(self, body: bytes) -> None:
        message = aio_pika.Message(body, delivery_mode=aio_pika.DeliveryMode.PERSISTENT)
        await self._channel.default_exchange.publish(message, self.place)

    async def receive(self) -> bytes:
        async with asyncio.timeout(_WITHIN_S):
            while (found := await self._out.get(no_ack=True, fail=False)) is None:
                await asyncio.sleep(0.05)
        return bytes(found.body)

    async def all_acknowledged(self) -> bool:
        """What a host holds cannot be seen from here."""
        found = await self._channel.declare_queue(self.place, durable=True, passive=True)
        return not found.declaration_result.message_count


class NatsSide:
    def __init__(self, url: str, name: str) -> None:
        self._url, self.place, self._to = url, f"in.{name}", f"out.{name}"
        self._in_stream, self._out_stream = f"IN{name}", f"OUT{name}"
        self.inbound = {"subject": self.place, "stream": self._in_stream, "group": "hosts", "type": "order.placed"}
        self.outbound = {"types": "done.*", "to": self._to, "stream": self._out_stream}

    async def open(self) -> None:
        self._client = await nats.connect(self._url)
        self._js = self._client.jetstream()
        await self._js.add_stream(name=self._in_stream, subjects=[self.place])
        await self._js.add_stream(name=self._out_stream, subjects=[self._to])

    async def close(self) -> None:
        await self._client.close()

    async def send(self, body: bytes) -> None:
        await self._js.publish(self.place, body)

    async def receive(self) -> bytes:
        subscription = await self._js.pull_subscribe(self._to, stream=self._out_stream)
        found = await subscription.fetch(1, timeout=_WITHIN_S)
        await found[0].ack()
        return bytes(found[0].data)

    async def all_acknowledged(self) -> bool:
        about = await self._js.consumer_info(self._in_stream, "hosts")
        return about.num_ack_pending == 0 and about.num_pending == 0


SIDES: Mapping[str, Callable[[str, str], Side]] = {"redis": RedisSide, "rabbit": RabbitSide, "nats": NatsSide}
