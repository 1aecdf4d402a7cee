"""Kafka, by FastStream's broker in memory: what is heard goes to the inbox, what is sent has its headers."""

from __future__ import annotations

import asyncio
from typing import Any

from faststream.kafka import TestKafkaBroker

from omnicore.config.brokers import Inbound, read_brokers
from omnicore.workflows.triggers.brokers import KafkaLink, LinkOrder, Message

GIVEN = {
    "k": {
        "url": "kafka://user:secret@one:9092,two:9092",
        "in": [{"topic": "orders", "type": "order.placed"}],
        "out": [{"types": "*", "to": "done"}],
    }
}


async def test_messages_of_a_topic_are_taken_and_events_sent() -> None:
    (settings,) = read_brokers(GIVEN)
    taken: list[tuple[Inbound, Message]] = []

    async def take(inbound: Inbound, message: Message) -> None:
        taken.append((inbound, message))

    link = KafkaLink(LinkOrder(settings, take, "tests"))
    sent: asyncio.Queue[Any] = asyncio.Queue()

    @link.broker.subscriber("done")
    async def other_side(body: bytes) -> None:
        await sent.put(body)

    async with TestKafkaBroker(link.broker):
        await link.broker.publish(b'{"n": 1}', "orders", headers={"ce_id": "5"})
        await link.send(settings.outbound[0], b'{"id": "1"}', "1")
        assert await sent.get() == b'{"id": "1"}'
    ((inbound, message),) = taken
    assert inbound.type == "order.placed"
    assert message.body == b'{"n": 1}'
    assert message.headers["ce_id"] == "5"
    assert message.id.startswith("orders:0:")


def test_no_password_is_shown() -> None:
    (settings,) = read_brokers(GIVEN)
    assert settings.shown == "kafka://one:9092,two:9092"
