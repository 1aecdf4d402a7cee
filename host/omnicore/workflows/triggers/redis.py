"""Redis streams with consumer groups.

An entry is acknowledged once it is kept. What a killed host had taken and not acknowledged is handed to another one
after a while.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from faststream import AckPolicy
from faststream.redis import RedisBroker, StreamSub
from faststream.redis.annotations import RedisStreamMessage

from omnicore.config.brokers import Inbound, Outbound
from omnicore.workflows.triggers.broker_links import LinkOrder, Message

__all__ = ["RedisLink", "open_link"]

_BODIES = (b"event", b"data", b"body", b"payload")
_POLL_MS = 500


class RedisLink:
    """See `Link`."""

    def __init__(self, order: LinkOrder) -> None:
        self._order = order
        self._broker = RedisBroker(order.settings.url, logger=logging.getLogger("omnicore.workflows.brokers"))
        for inbound in order.settings.inbound:
            self._hear(inbound, None)
            self._hear(inbound, max(1, round(order.reclaim_s * 1000)))

    async def start(self) -> None:
        """See `Link`."""
        await self._broker.start()

    async def stop(self) -> None:
        """See `Link`."""
        await self._broker.stop()

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """See `Link`."""
        client: Any = await self._broker.connect()
        await client.xadd(to.to, {"event": body})

    async def alive(self, within_s: float) -> bool:
        """See `Link`."""
        return await self._broker.ping(within_s)

    def _hear(self, inbound: Inbound, idle_ms: int | None) -> None:
        stream = StreamSub(
            inbound.place,
            group=inbound.group,
            consumer=self._order.consumer,
            max_records=inbound.prefetch,
            min_idle_time=idle_ms,
            polling_interval=_POLL_MS,
        )

        async def take(message: RedisStreamMessage) -> None:
            raw: Any = message.raw_message
            name = raw["message_ids"][0].decode()
            body, headers = _content(raw["fields"], message.body, message.headers)
            await self._order.take(inbound, Message(body, name, headers, str(headers.get("content-type", ""))))

        self._broker.subscriber(stream=stream, parser=_parsed, ack_policy=AckPolicy.NACK_ON_ERROR)(take)


async def _parsed(message: Any, original: Callable[[Any], Awaitable[Any]]) -> Any:
    """The library's message, which has to be text, with the entry's fields as they came."""
    fields = message["data"]
    try:
        return await original({**message, "fields": fields, "data": {b"__data__": fields.get(b"__data__", b"-")}})
    except Exception:  # not what it seemed to be: its bytes are the body
        return await original({**message, "fields": fields, "data": {b"__data__": b"-"}})


def _content(fields: Any, body: Any, headers: Any) -> tuple[bytes, dict[str, Any]]:
    """An entry's one body among its fields; else what a FastStream program wrote; else all fields as an object."""
    if b"__data__" in fields:
        return bytes(fields[b"__data__"] if body == b"-" else body), dict(headers)
    texts = {name.decode("utf-8", "replace"): value.decode("utf-8", "replace") for name, value in fields.items()}
    for name in _BODIES:
        if name in fields:
            return bytes(fields[name]), {one: text for one, text in texts.items() if one != name.decode()}
    return json.dumps(texts).encode(), {}


def open_link(order: LinkOrder) -> RedisLink:
    """See `omnicore.workflows.triggers.broker_links.open_link`."""
    return RedisLink(order)
