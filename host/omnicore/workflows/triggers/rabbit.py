"""RabbitMQ: durable queues, acknowledgements after the insert, and publishing with confirms."""

from __future__ import annotations

import hashlib
import logging

from faststream import AckPolicy
from faststream.rabbit import Channel, RabbitBroker, RabbitQueue
from faststream.rabbit.annotations import RabbitMessage

from omnicore.config.brokers import Inbound, Outbound
from omnicore.workflows.triggers.broker_links import STRUCTURED, LinkOrder, Message

__all__ = ["RabbitLink", "open_link"]

_CONFIRM_S = 30.0


class RabbitLink:
    """See `Link`."""

    def __init__(self, order: LinkOrder) -> None:
        self._order = order
        self._broker = RabbitBroker(
            order.settings.url,
            default_channel=Channel(publisher_confirms=True, on_return_raises=True),
            logger=logging.getLogger("omnicore.workflows.brokers"),
        )
        for inbound in order.settings.inbound:
            self._hear(inbound)

    async def start(self) -> None:
        """See `Link`."""
        await self._broker.start()
        for outbound in self._order.settings.outbound:
            await self._broker.declare_queue(RabbitQueue(outbound.to, durable=True))

    async def stop(self) -> None:
        """See `Link`."""
        await self._broker.stop()

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """See `Link`."""
        await self._broker.publish(
            body,
            to.to,
            persist=True,
            mandatory=True,
            timeout=_CONFIRM_S,
            content_type=STRUCTURED,
            message_id=hashlib.sha256(key.encode()).hexdigest(),
        )

    async def alive(self, within_s: float) -> bool:
        """See `Link`."""
        return await self._broker.ping(within_s)

    def _hear(self, inbound: Inbound) -> None:
        queue = RabbitQueue(inbound.place, durable=True)

        async def take(message: RabbitMessage) -> None:
            name = message.raw_message.message_id or message.message_id
            kind = message.content_type or ""
            await self._order.take(inbound, Message(bytes(message.body), str(name), dict(message.headers), kind))

        self._broker.subscriber(
            queue, channel=Channel(prefetch_count=inbound.prefetch), ack_policy=AckPolicy.NACK_ON_ERROR
        )(take)


def open_link(order: LinkOrder) -> RabbitLink:
    """See `omnicore.workflows.triggers.broker_links.open_link`."""
    return RabbitLink(order)
