"""Brokers: what comes is kept before it is acknowledged, what goes is kept until it is confirmed."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.services.conftest import Servers
from tests.services.servers import Server
from tests.services.sides import SIDES, Side
from tests.workflows.triggering.rooms import Room, room, workflow

from omnicore.clock import SystemClock
from omnicore.config.brokers import read_brokers
from omnicore.errors import StorageFailed
from omnicore.storage.database import Database
from omnicore.workflows.triggers.brokers import Brokers, open_link

KINDS = ("redis", "rabbit", "nats")
WITHIN_S = 30.0


async def until(holds: Callable[[], bool | Awaitable[bool]], about: str, within_s: float = WITHIN_S) -> None:
    async with asyncio.timeout(within_s):
        while True:
            found = holds()
            if found if isinstance(found, bool) else await found:
                return
            await asyncio.sleep(0.02)


class Lines:
    """One host with one broker, and the other side of that broker."""

    def __init__(self, made: Room, brokers: Brokers, side: Side, server: Server) -> None:
        self.room, self.brokers, self.side, self.server = made, brokers, side, server

    def begun(self) -> list[Any]:
        return [given[0] for given in self.room.inputs()]


def brokers_of(made: Room, server: Server, side: Side, consumer: str) -> Brokers:
    given = {"main": {"url": server.url, "in": [side.inbound], "out": [side.outbound]}}
    return Brokers(
        *(read_brokers(given), made.triggers, made.store, SystemClock()),
        consumer=consumer,
        opened=lambda order: open_link(replace(order, reclaim_s=0.2)),
    )


@asynccontextmanager
async def lines(tmp_path: Path, server: Server, kind: str) -> AsyncIterator[Lines]:
    side = SIDES[kind](server.url, uuid.uuid4().hex[:8])
    await side.open()
    store = Database.open(tmp_path / "omnicore.db")
    try:
        async with room(store, SystemClock()) as made:  # type: ignore[arg-type]
            brokers = brokers_of(made, server, side, consumer="tests")
            await made.triggers.start()
            await brokers.start()
            try:
                await until(lambda: brokers.trouble is None, "it connects")
                yield Lines(made, brokers, side, server)
            finally:
                await brokers.stop()
                await made.triggers.stop()
    finally:
        await side.close()
        store.close()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_begins_a_run_and_is_acknowledged(tmp_path: Path, servers: Servers, kind: str) -> None:
    async with lines(tmp_path, servers(kind), kind) as one:
        one.room.apply(workflow("placed", "- {event: {with: {type: order.placed}}}"))
        await one.side.send(b'{"order": 1}')
        await one.side.send("grüße".encode())
        await one.side.send(b"\xff\x00")
        await until(lambda: len(one.begun()) == 3, "three runs begin")
        events = sorted(one.begun(), key=lambda event: str(event.get("data")))
        assert [event.get("data") for event in events] == [None, "grüße", {"order": 1}]
        assert events[0]["data_base64"] == "/wA="
        assert events[0]["source"] == f"omnicore:broker/main/{one.side.place}"
        await until(one.side.all_acknowledged, "nothing is left there")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cloud_event_comes_in_as_it_is_and_once(tmp_path: Path, servers: Servers, kind: str) -> None:
    event = {"specversion": "1.0", "id": "e1", "source": "/shop", "type": "shop.paid", "data": {"sum": 5}}
    async with lines(tmp_path, servers(kind), kind) as one:
        one.room.apply(workflow("paid", "- {event: {with: {type: shop.paid}}}"))
        for _ in range(3):
            await one.side.send(json.dumps(event).encode())
        await until(lambda: one.brokers.figures()["main"].received == 3, "all are taken")
        await until(lambda: len(one.begun()) == 1, "one run begins")
        assert one.brokers.figures()["main"].again == 2
        assert one.begun()[0]["data"] == {"sum": 5}


@pytest.mark.parametrize("kind", KINDS)
async def test_an_event_goes_out_and_leaves_the_outbox_once_it_is_confirmed(
    tmp_path: Path, servers: Servers, kind: str
) -> None:
    async with lines(tmp_path, servers(kind), kind) as one:
        await one.room.triggers.publish({"id": "1", "source": "/tests", "type": "done.well", "data": {"n": 1}})
        await one.room.triggers.publish({"id": "2", "source": "/tests", "type": "other", "data": {"n": 2}})
        got = json.loads(await one.side.receive())
        assert {name: got[name] for name in ("id", "source", "type", "data", "specversion")} == {
            **{"id": "1", "source": "/tests", "type": "done.well"},
            **{"data": {"n": 1}, "specversion": "1.0"},
        }
        left = "SELECT count(*) FROM workflow_outbox"
        await until(lambda: one.room.store.rows(left)[0][0] == 0, "the outbox is empty")


@pytest.mark.parametrize("kind", KINDS)
async def test_a_message_waits_at_the_broker_while_the_database_is_in_trouble(
    tmp_path: Path, servers: Servers, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lines(tmp_path, servers(kind), kind) as one:
        one.room.apply(workflow("placed", "- {event: {with: {type: order.placed}}}"))
        tried = asyncio.Event()

        async def failing(events: Any) -> int:
            tried.set()
            raise StorageFailed("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(one.room.journal, "emit", failing)
            await one.side.send(b'{"order": 1}')
            async with asyncio.timeout(WITHIN_S):
                await tried.wait()
            assert kind == "rabbit" or not await one.side.all_acknowledged()
        await until(lambda: len(one.begun()) == 1, "it is taken when that is over")
        await until(one.side.all_acknowledged, "and acknowledged then")


@pytest.mark.parametrize("kind", KINDS)
async def test_what_a_host_had_taken_and_not_kept_is_taken_by_the_next(
    tmp_path: Path, servers: Servers, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with lines(tmp_path, servers(kind), kind) as one:
        one.room.apply(workflow("placed", "- {event: {with: {type: order.placed}}}"))
        tried = asyncio.Event()

        async def failing(events: Any) -> int:
            tried.set()
            raise StorageFailed("the disk is full")

        with monkeypatch.context() as patch:
            patch.setattr(one.room.journal, "emit", failing)
            await one.side.send(b'{"order": 1}')
            async with asyncio.timeout(WITHIN_S):
                await tried.wait()
            await one.brokers.stop()
        assert one.begun() == []
        following = brokers_of(one.room, one.server, one.side, consumer="another")
        await following.start()
        # A host that leaves at once may take its refusal with it: JetStream then gives the message out after 30 s.
        await until(lambda: len(one.begun()) == 1, "the next host takes it", within_s=90.0)
        await following.stop()


@pytest.mark.parametrize("kind", KINDS)
async def test_a_broker_that_was_away_is_found_again_and_nothing_is_lost(
    tmp_path: Path, servers: Servers, kind: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("omnicore.workflows.triggers.brokers._PROBE_S", 0.2)
    monkeypatch.setattr("omnicore.workflows.triggers.brokers._ANSWER_S", 0.3)
    monkeypatch.setattr("omnicore.workflows.triggers.brokers._LONGEST_S", 0.5)
    async with lines(tmp_path, servers(kind), kind) as one:
        one.room.apply(workflow("placed", "- {event: {with: {type: order.placed}}}"))
        await one.side.close()  # clients of NATS that are closed while they reconnect leave a socket behind
        await asyncio.to_thread(one.server.stop)
        await until(lambda: one.brokers.trouble is not None, "its absence is noticed")
        await one.room.triggers.publish({"id": "1", "source": "/tests", "type": "done.late"})
        await asyncio.to_thread(one.server.start)
        await one.side.open()
        await one.side.send(b'{"order": 2}')
        await until(lambda: len(one.begun()) == 1, "messages come again")
        assert json.loads(await one.side.receive())["type"] == "done.late"
