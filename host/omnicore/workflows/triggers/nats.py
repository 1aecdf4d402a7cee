"""NATS JetStream: durable pull consumers, and publishing that waits for the stream's acknowledgement."""

from __future__ import annotations

import logging

from faststream import AckPolicy
from faststream.nats import JStream, NatsBroker, PullSub
from faststream.nats.annotations import NatsMessage

from omnicore.config.brokers import Inbound, Outbound
from omnicore.workflows.triggers.broker_links import STRUCTURED, LinkOrder, Message

__all__ = ["NatsLink", "open_link"]

_FOR_EVER = -1
_PUBLISH_S = 10.0


class NatsLink:
    """See `Link`. Streams are the operator's: one that is not there yet is made for what is heard only."""

    def __init__(self, order: LinkOrder) -> None:
        self._order = order
        self._broker = NatsBroker(
            order.settings.url,
            max_reconnect_attempts=_FOR_EVER,
            logger=logging.getLogger("omnicore.workflows.brokers"),
        )
        for inbound in order.settings.inbound:
            self._hear(inbound)

    async def start(self) -> None:
        """See `Link`."""
        await self._broker.start()

    async def stop(self) -> None:
        """See `Link`."""
        await self._broker.stop()

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """See `Link`. JetStream drops a second one of the same key within its window."""
        headers = {"content-type": STRUCTURED, "Nats-Msg-Id": key}
        await self._broker.publish(body, to.to, headers=headers, stream=to.stream, timeout=_PUBLISH_S)

    async def alive(self, within_s: float) -> bool:
        """See `Link`."""
        return await self._broker.ping(within_s)

    def _hear(self, inbound: Inbound) -> None:
        async def take(message: NatsMessage) -> None:
            place = message.raw_message.metadata
            name = f"{place.stream}:{place.sequence.stream}"
            kind = message.content_type or str(message.headers.get("Content-Type", ""))
            await self._order.take(inbound, Message(bytes(message.body), name, dict(message.headers), kind))

        self._broker.subscriber(
            inbound.place,
            stream=JStream(str(inbound.stream)),
            durable=inbound.group,
            pull_sub=PullSub(batch_size=inbound.prefetch),
            ack_policy=AckPolicy.NACK_ON_ERROR,
        )(take)


def open_link(order: LinkOrder) -> NatsLink:
    """See `omnicore.workflows.triggers.broker_links.open_link`."""
    return NatsLink(order)
