"""Typed events: their fields, their topics, and a receiver that plugins cannot deceive."""

from __future__ import annotations

import asyncio
import json
from dataclasses import fields

import pytest

from omnicore.events.bus import EventBus
from omnicore.events.typed import TOPICS, OmegaEvent, Receiver, emit, typed
from omnicore.resilience.status import HealthStatus

FIELDS = {
    "MemoryStored": ("tier", "id"),
    "MemoryConsolidated": ("from_tier", "to_tier", "count"),
    "LoopCycleStarted": ("loop_type", "cycle_id"),
    "LoopCycleCompleted": ("loop_type", "cycle_id", "success"),
    "IntelligenceCreated": ("id", "name"),
    "ArchitectureEvolved": ("id", "generation", "fitness"),
    "HealthChanged": ("component", "old", "new"),
    "ErrorOccurred": ("component", "error"),
}
SAMPLES = [
    OmegaEvent.MemoryStored("semantic", "m1"),
    OmegaEvent.MemoryConsolidated("session", "episodic", 3),
    OmegaEvent.LoopCycleStarted("reactive", "c1"),
    OmegaEvent.LoopCycleCompleted("reactive", "c1", True),
    OmegaEvent.IntelligenceCreated("i1", "Assistant"),
    OmegaEvent.ArchitectureEvolved("a1", 2, 0.75),
    OmegaEvent.HealthChanged("agentdb", HealthStatus.Healthy, HealthStatus.Degraded),
    OmegaEvent.ErrorOccurred("loops", "broken"),
]


def test_there_are_eight_with_just_these_fields() -> None:
    assert {kind.__name__: tuple(one.name for one in fields(kind)) for kind in TOPICS} == FIELDS
    assert all(getattr(OmegaEvent, name) in TOPICS for name in FIELDS)


@pytest.mark.parametrize("event", SAMPLES, ids=lambda one: type(one).__name__)
def test_an_event_travels_as_plain_json_and_comes_back_as_it_was(event: object) -> None:
    bus = EventBus()
    emit(bus, event, reason="more travels along")  # type: ignore[arg-type]
    (carried,) = bus.history()
    assert carried.topic == TOPICS[type(event)]
    assert json.loads(json.dumps(carried.data))["reason"] == "more travels along"
    assert typed(carried) == event


def test_match_takes_an_event_apart() -> None:
    match SAMPLES[6]:
        case OmegaEvent.HealthChanged(component=component, new=HealthStatus.Degraded):
            assert component == "agentdb"
        case _:
            pytest.fail("it did not match")


def test_what_a_plugin_publishes_on_the_same_topic_is_not_taken_for_the_host_s() -> None:
    bus = EventBus()
    bus.publish("memory.stored", {"tier": "x", "id": "y"}, "host", hops=1)
    bus.publish("memory.stored", {"tier": "x"})
    bus.publish("memory.stored", [1])
    bus.publish("health.changed", {"component": "a", "old": "Healthy", "new": "Odd"})
    assert [typed(event) for event in bus.history()] == [None] * 4


def test_a_receiver_gives_typed_events_and_none_at_its_end() -> None:
    async def scene() -> None:
        bus = EventBus()
        receiver = Receiver(bus)
        bus.publish("other.thing", 1)
        for event in SAMPLES:
            emit(bus, event)  # type: ignore[arg-type]
        assert [await receiver.recv() for _ in SAMPLES] == SAMPLES
        waiting = asyncio.create_task(receiver.recv())
        await asyncio.sleep(0)
        receiver.close()
        assert await waiting is None
        assert await receiver.recv() is None
        assert receiver.dropped == 0

    asyncio.run(scene())
