"""A whole host: plugins that hear events, health that names its reasons, alerts that arrive, events that are kept."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.plugins.guests import module

from omnicore.assembly import Host
from omnicore.config.settings import EventSettings, HealthSettings, Settings
from omnicore.errors import InvalidSetting, StorageFailed
from omnicore.resilience.health import HealthStatus, Thresholds
from omnicore.sandbox.abi import HostFunction

# `hear` hands its input to the test; `again` publishes on the topic it hears; `trap` fails as hard as one can.
LISTENER = module(
    """(data (i32.const 0) "{\\"topic\\":\\"round.a\\",\\"data\\":1}")
    (func (export "ask") (result i32) (local $reply i64)
      (local.set $reply (call $subscribe (call $input)))
      (call $output (local.get $reply) (call $block_length (local.get $reply))) (i32.const 0))
    (func (export "hear") (result i32) (call $note (call $input)) (i32.const 0))
    (func (export "trap") (result i32) unreachable)
    (func (export "again") (result i32) (local $i i32) (local $at i64)
      (local.set $at (call $alloc (i64.const 28)))
      (loop $next
        (call $store (i64.add (local.get $at) (i64.extend_i32_u (local.get $i))) (i32.load8_u (local.get $i)))
        (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 28))))
      (call $note (call $publish (local.get $at))) (i32.const 0))""",
    imports="""
      (import "extism:host/user" "events_subscribe_v1" (func $subscribe (param i64) (result i64)))
      (import "extism:host/user" "events_publish_v1" (func $publish (param i64) (result i64)))
      (import "test" "note" (func $note (param i64)))""",
)
MANIFEST = """
name = "listener"
[[capabilities]]
name = "events"
reason = "Hears what goes on"
scope = { topics = ["round.*"], subscribe = ["**"] }
"""


class House:
    """A folder with the listener in it, and what the listener noted."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.notes: list[Any] = []
        (folder / "plugins").mkdir()
        (folder / "plugins" / "listener.wat").write_text(LISTENER)
        (folder / "plugins" / "listener.toml").write_text(MANIFEST)

    def host(self, *, work: bool = True, **sections: Any) -> Host:
        quick = {"health": HealthSettings(interval_s=3600.0), **sections}
        settings = replace(Settings(), plugins=self.folder / "plugins", data=self.folder / "data", watch=False, **quick)
        note = HostFunction("test", "note", ("i64",), (), self._note)
        return Host(settings=settings, functions=[note], work=work)

    def _note(self, call: Any, handle: int) -> None:
        self.notes.append(json.loads(call.read(handle)))


@pytest.fixture
def house(tmp_path: Path) -> House:
    return House(tmp_path)


async def until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.002)


async def subscribe(host: Host, topic: str, function: str) -> str:
    if "events" not in {grant.capability for grant in host.plugins.get("listener").granted}:
        await asyncio.to_thread(host.plugins.grant, "listener", who="test")
    reply = json.loads(await host.call("listener.ask", json.dumps({"topic": topic, "function": function})))
    wanted = host.deliveries.figures().subscriptions + 1
    await until(lambda: host.deliveries.figures().subscriptions >= wanted or "error" in reply)
    return str(reply["id"])


def test_a_plugin_s_own_function_hears_events_and_still_does_after_a_restart(house: House) -> None:
    async def scene() -> None:
        async with house.host() as host:
            await subscribe(host, "order.*", "hear")
            host.bus.publish("order.made", {"n": 1}, "till")
            await until(lambda: house.notes)
            assert house.notes[0].keys() == {"id", "topic", "data", "source", "at"}
            assert (house.notes[0]["topic"], house.notes[0]["data"], house.notes[0]["source"]) == (
                *("order.made", {"n": 1}, "till"),
            )
        async with house.host() as host:
            await until(lambda: host.deliveries.figures().subscriptions == 1)
            host.bus.publish("order.paid", {"n": 2})
            await until(lambda: host.deliveries.figures().delivered == 1)
            assert len(house.notes) == 2
            text = (await asyncio.to_thread(host.metrics.render)).decode()
            assert 'omnicore_event_deliveries_total{outcome="ok"} 1.0' in text
            assert 'omnicore_health{part="storage"} 100.0' in text
            assert 'omnicore_door_calls_total{door="events"' not in text  # of this host; the one before subscribed
            await asyncio.to_thread(host.plugins.remove, "listener")
            await until(lambda: host.deliveries.figures().subscriptions == 0)

    asyncio.run(scene())


def test_a_plugin_that_answers_its_own_event_is_cut_after_some_rounds(house: House) -> None:
    async def scene() -> None:
        async with house.host() as host:
            await subscribe(host, "round.*", "again")
            host.bus.publish("round.a", 0)
            await until(lambda: house.notes and "error" in house.notes[-1])
            assert house.notes[-1]["error"]["limit"] == "event_hops"
            assert [event.hops for event in host.bus.history("round.*")] == list(range(9))

    asyncio.run(scene())


def test_a_taken_grant_ends_the_hearing(house: House) -> None:
    async def scene() -> None:
        async with house.host() as host:
            await subscribe(host, "order.*", "hear")
            await asyncio.to_thread(host.plugins.revoke, "listener", "events", who="test")
            await until(lambda: host.deliveries.figures().subscriptions == 0)
            host.bus.publish("order.made", 1)
            await asyncio.to_thread(host.plugins.grant, "listener", who="test")
            await until(lambda: host.deliveries.figures().subscriptions == 1)
            assert house.notes == []

    asyncio.run(scene())


def test_a_handler_that_traps_puts_its_plugin_in_quarantine_and_health_says_so(house: House) -> None:
    async def scene() -> None:
        async with house.host() as host:
            await subscribe(host, "order.*", "trap")
            for number in range(5):
                host.bus.publish("order.made", number)
            await until(lambda: host.deliveries.figures().failed == 5)
            report = await host.health.check()
            assert report.reasons == {"plugins": "in quarantine: listener"}
            assert report.overall is HealthStatus.Degraded
            await asyncio.to_thread(host.plugins.enable, "listener")
            assert (await host.health.check()).overall is HealthStatus.Healthy

    asyncio.run(scene())


def test_a_command_delivers_nothing_but_what_it_tells_is_kept(house: House) -> None:
    async def first() -> None:
        async with house.host(work=False) as host:
            await asyncio.to_thread(host.plugins.grant, "listener", who="test")

    async def second() -> None:
        async with house.host() as host:
            rows, more = host.events.history("plugin.granted")
            assert [(row.topic, row.data["name"], more) for row in rows] == [("plugin.granted", "listener", None)]

    asyncio.run(first())
    asyncio.run(second())


def test_events_are_read_page_by_page_newest_first_by_pattern(house: House) -> None:
    async def scene() -> None:
        async with house.host() as host:
            for number in range(7):
                host.bus.publish("n.even" if number % 2 == 0 else "n.odd.deep", number)
            await host.events.log.flush()
            rows, more = host.events.history("n.*", 3)
            assert [row.data for row in rows] == [6, 4, 2]
            rows, more = host.events.history("n.*", 3, more)
            assert ([row.data for row in rows], more) == ([0], None)

    asyncio.run(scene())


def test_of_large_data_only_the_size_is_kept(house: House) -> None:
    async def scene() -> None:
        async with house.host() as host:
            host.bus.publish("n.large", "x" * 10_000)
            await host.events.log.flush()
            assert host.events.history("n.*")[0][0].data == {"omitted_bytes": 10_002}

    asyncio.run(scene())


def test_a_plugin_that_is_switched_off_and_on_hears_again(house: House) -> None:
    async def scene() -> None:
        async with house.host() as host:
            await subscribe(host, "order.*", "hear")
            await asyncio.to_thread(host.plugins.disable, "listener")
            await until(lambda: host.deliveries.figures().subscriptions == 0)
            await asyncio.to_thread(host.plugins.enable, "listener")
            await until(lambda: host.deliveries.figures().subscriptions == 1)

    asyncio.run(scene())


@pytest.mark.parametrize("kept", [True, False])
def test_while_the_database_is_away_health_names_it_and_the_past_is_read_from_memory(house: House, kept: bool) -> None:
    async def scene() -> None:
        async with house.host(events=EventSettings(log=kept)) as host:
            host.bus.publish("n.one", 1)
            host.bus.publish("n.two", 2)
            apply, host.store.apply = host.store.apply, _full_disk  # type: ignore[method-assign]
            for _ in range(2 * Thresholds().unhealthy):  # a round of the host's own may come between
                report = await host.health.check()
            assert (report.overall, report.subsystems["storage"]) == (HealthStatus.Unhealthy,) * 2
            assert "the disk is full" in report.reasons["storage"]
            assert not host.degradation.enabled("events.history")
            rows, more = host.events.history("n.*", 1)
            assert ([row.data for row in rows], host.events.history("n.*", 1, more)[0][0].data) == ([2], 1)
            host.store.apply = apply  # type: ignore[method-assign]
            for _ in range(2 * Thresholds().recovery):
                report = await host.health.check()
            assert report.subsystems["storage"] is HealthStatus.Healthy
            assert host.degradation.enabled("events.history")

    asyncio.run(scene())


def _full_disk(work: Any, **how: Any) -> Any:
    raise StorageFailed("the disk is full")


def test_subscribers_that_lose_events_make_the_bus_degraded_for_a_round(house: House) -> None:
    async def scene() -> None:
        async with house.host() as host:
            with host.bus.subscribe("n", queue=1):
                for _ in range(3):
                    host.bus.publish("n")
                report = await host.health.check()
                assert report.reasons == {"events": "slow subscribers lost 2 events"}
                assert (await host.health.check()).overall is HealthStatus.Healthy

    asyncio.run(scene())


def test_an_alert_reaches_a_plugin_a_connector_and_the_bus(house: House) -> None:
    async def scene() -> None:
        alerts = (
            "storage Unhealthy -> call listener.hear",
            "overall Unhealthy -> event ops.alert",
            'storage Unhealthy -> connector chat.send {"text": "{component}: {reason}"}',
        )
        sent: list[Any] = []
        told = asyncio.Event()

        async def connector(name: str, action: str, given: Any) -> None:
            sent.append((name, action, given))
            told.set()

        async with house.host(health=HealthSettings(interval_s=3600.0, alerts=alerts)) as host:
            await asyncio.to_thread(host.plugins.grant, "listener", who="test")
            host.health_part.use_connectors(connector)
            with host.bus.subscribe("ops.alert") as events:
                host.health.set_health("storage", HealthStatus.Unhealthy, "disk full")
                async with asyncio.timeout(60):
                    event = await anext(events)
                    await told.wait()
            assert event.data["component"] == "overall"
            assert sent == [("chat", "send", {"text": "storage: disk full"})]
            await until(lambda: house.notes)
            assert house.notes[0] == {
                **{"component": "storage", "old": "Healthy", "new": "Unhealthy", "reason": "disk full"}
            }

    asyncio.run(scene())


def test_an_alert_that_cannot_be_read_keeps_the_host_from_starting(house: House) -> None:
    async def scene() -> None:
        async with house.host(health=HealthSettings(alerts=("what",))):
            pass

    with pytest.raises(InvalidSetting, match="'what' is no alert"):
        asyncio.run(scene())
