"""Kafka: consumer groups whose offsets move after the insert, and idempotent publishing to all replicas."""

from __future__ import annotations

import logging
from typing import Any
from urllib.parse import urlsplit

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage
from faststream.security import BaseSecurity, SASLPlaintext

from omnicore.config.brokers import Inbound, Outbound
from omnicore.workflows.triggers.broker_links import STRUCTURED, LinkOrder, Message

__all__ = ["KafkaLink", "open_link"]


class KafkaLink:
    """See `Link`."""

    def __init__(self, order: LinkOrder) -> None:
        self._order = order
        parts = urlsplit(order.settings.url)
        servers = parts.netloc.rpartition("@")[2].split(",")
        self.broker = KafkaBroker(
            servers,
            acks="all",
            enable_idempotence=True,
            security=_security(parts.username, parts.password),
            logger=logging.getLogger("omnicore.workflows.brokers"),
        )
        for inbound in order.settings.inbound:
            self._hear(inbound)

    async def start(self) -> None:
        """See `Link`."""
        await self.broker.start()

    async def stop(self) -> None:
        """See `Link`."""
        await self.broker.stop()

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """See `Link`."""
        await self.broker.publish(body, to.to, key=key.encode(), headers={"content-type": STRUCTURED})

    async def alive(self, within_s: float) -> bool:
        """See `Link`."""
        return await self.broker.ping(within_s)

    def _hear(self, inbound: Inbound) -> None:
        async def take(message: KafkaMessage) -> None:
            raw: Any = message.raw_message
            name = f"{raw.topic}:{raw.partition}:{raw.offset}"
            kind = message.content_type or ""
            await self._order.take(inbound, Message(bytes(message.body), name, dict(message.headers), kind))

        self.broker.subscriber(
            inbound.place,
            group_id=inbound.group,
            auto_offset_reset="earliest",
            max_poll_records=inbound.prefetch,
            ack_policy=AckPolicy.NACK_ON_ERROR,
        )(take)


def _security(user: str | None, password: str | None) -> BaseSecurity | None:
    return SASLPlaintext(username=user, password=password or "") if user else None


def open_link(order: LinkOrder) -> KafkaLink:
    """See `omnicore.workflows.triggers.broker_links.open_link`."""
    return KafkaLink(order)
