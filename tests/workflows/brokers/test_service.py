"""Brokers as a part of the host: what they keep, what they tell of trouble, and settings that are wrong."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.triggering.rooms import room

from omnicore.config.brokers import Outbound, read_brokers
from omnicore.config.loader import load_settings
from omnicore.errors import InvalidSetting, ToolMissing
from omnicore.storage.store import Store
from omnicore.workflows.triggers.brokers import BrokerLink, Brokers, LinkOrder, Message

GIVEN = {
    "main": {
        "url": "redis://:topsecret@127.0.0.1:1",
        "in": [{"stream": "in", "type": "placed"}],
        "out": [{"types": "done.*", "to": "out"}],
    }
}


class MemoryLink:
    """A broker of the test's own."""

    def __init__(self, order: LinkOrder) -> None:
        self.order = order
        self.sent: list[tuple[str, dict[str, Any]]] = []
        self.refusing = 0

    async def start(self) -> None:
        pass

    async def stop(self) -> None:
        pass

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        if self.refusing:
            self.refusing -= 1
            raise ConnectionError("not now")
        self.sent.append((to.to, json.loads(body)))

    async def alive(self, within_s: float) -> bool:
        return True


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(20):
        while not holds():
            await asyncio.sleep(0.005)


async def test_what_a_broker_brought_goes_out_through_none(store: Store) -> None:
    links: list[MemoryLink] = []

    def opened(order: LinkOrder) -> BrokerLink:
        links.append(MemoryLink(order))
        return links[-1]

    async with room(store) as made:
        brokers = Brokers(read_brokers(GIVEN), made.triggers, store, made.clock, consumer="c", opened=opened)
        await brokers.start()
        await until(lambda: bool(links) and brokers.trouble is None)
        links[0].refusing = 1
        await made.triggers.publish({"id": "1", "source": "/s", "type": "done.here"})
        event = {"specversion": "1.0", "id": "2", "source": "/s", "type": "done.there", "omnicorehops": 3}
        await links[0].order.take(links[0].order.settings.inbound[0], Message(json.dumps(event).encode(), "m"))
        await made.dispatch()
        await until(lambda: bool(links[0].sent))
        ((to, sent),) = links[0].sent
        assert (to, sent["id"]) == ("out", "1")
        assert "omnicoreorigin" not in sent
        await until(lambda: not store.rows("SELECT 1 FROM workflow_outbox"))
        await brokers.stop()


async def test_a_message_that_can_be_no_event_is_let_go_and_counted(store: Store) -> None:
    async with room(store) as made:
        links: list[MemoryLink] = []

        def opened(order: LinkOrder) -> BrokerLink:
            links.append(MemoryLink(order))
            return links[-1]

        brokers = Brokers(
            read_brokers(GIVEN), made.triggers, store, made.clock, consumer="c", opened=opened, event_bytes=100
        )
        await brokers.start()
        await until(lambda: bool(links) and brokers.trouble is None)
        await links[0].order.take(links[0].order.settings.inbound[0], Message(b"x" * 101, "m"))
        assert brokers.figures()["main"].dropped == 1
        await brokers.stop()


async def test_a_broker_that_is_away_is_told_without_its_password(
    store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    class Away(MemoryLink):
        async def start(self) -> None:
            raise ConnectionError(f"cannot reach {self.order.settings.url}")

    async with room(store) as made:
        brokers = Brokers(read_brokers(GIVEN), made.triggers, store, made.clock, consumer="c", opened=Away)
        with caplog.at_level(logging.WARNING):
            await brokers.start()
            await until(lambda: "is lost" in caplog.text)
        assert brokers.trouble is not None
        assert "topsecret" not in brokers.trouble + caplog.text
        await brokers.stop()


async def test_without_its_library_a_broker_says_what_to_install(store: Store) -> None:
    def missing(order: LinkOrder) -> BrokerLink:
        raise ToolMissing("the library faststream is not installed", remedy="run `pip install 'omnicore[brokers]'`")

    async with room(store) as made:
        brokers = Brokers(read_brokers(GIVEN), made.triggers, store, made.clock, consumer="c", opened=missing)
        await brokers.start()
        await until(lambda: "omnicore[brokers]" in (brokers.trouble or ""))
        await brokers.stop()


@pytest.mark.parametrize(
    ("given", "place"),
    [
        ({"Main!": {"url": "redis://x"}}, "brokers.Main!"),
        ({"m": "redis://x"}, "brokers.m"),
        ({"m": {}}, "brokers.m.url"),
        ({"m": {"url": "http://x"}}, "brokers.m.url"),
        ({"m": {"url": "redis://x", "inn": []}}, "brokers.m.inn"),
        ({"m": {"url": "redis://x", "in": {"stream": "s"}}}, "brokers.m.in"),
        ({"m": {"url": "redis://x", "in": [{"queue": "q"}]}}, "brokers.m.in[0].queue"),
        ({"m": {"url": "redis://x", "in": [{"stream": "s", "prefetch": 0}]}}, "brokers.m.in[0].prefetch"),
        ({"m": {"url": "nats://x", "in": [{"subject": "s"}]}}, "brokers.m.in[0].stream"),
        ({"m": {"url": "redis://x", "out": [{"to": "x"}]}}, "brokers.m.out[0].types"),
    ],
)
def test_a_setting_that_is_wrong_is_named(given: Any, place: str) -> None:
    with pytest.raises(InvalidSetting) as caught:
        read_brokers(given)
    assert place in str(caught.value)


def test_brokers_are_read_from_a_settings_file_and_shown_masked(tmp_path: Path) -> None:
    file = tmp_path / "omnicore.toml"
    file.write_text('[brokers.main]\nurl = "nats://u:p@h"\nin = [{ subject = "a", stream = "A" }]\n')
    settings = load_settings(file, {}, {}).settings
    assert read_brokers(settings.brokers)[0].inbound[0].stream == "A"
    assert settings.to_json()["brokers"]["main"]["url"] == "nats://********@h"
