"""Calls go to the host that has the plugin, with deadline, cancel, cost and errors as if it were here."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Any, ClassVar, cast

import pytest
from tests.fleet.fleets import Fleet, fleet, until
from tests.services.conftest import Servers

from omnicore import Limits
from omnicore.assembly import Host
from omnicore.capabilities.capability import CallCosts
from omnicore.errors import (
    CallCancelled,
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    GuestFailed,
    GuestTrapped,
    InvalidInput,
    LimitExceeded,
    NotServed,
    OmniError,
    PermissionDenied,
    Unavailable,
)
from omnicore.fleet.calls import FleetCalls, RemoteCall
from omnicore.fleet.messages import error_body, error_from
from omnicore.hookspecs import NativeFunction
from omnicore.storage.tables.tasks import TaskContext

pytestmark = pytest.mark.services


class Counter:
    """Counts its calls, and waits where it is told to."""

    name = "counter"

    def __init__(self) -> None:
        self.calls: list[Any] = []
        self.let_go = threading.Event()
        self.host: Host | None = None

    def functions(self) -> list[Any]:
        def add(text: str) -> str:
            self.calls.append(text)
            return str(len(self.calls))

        def wait(text: str) -> str:
            self.calls.append(text)
            self.let_go.wait(20)
            return "done"

        async def on(depth: int) -> Any:
            assert self.host is not None
            return await self.host.call("other.on", depth + 1)

        return [NativeFunction(add, name="add"), NativeFunction(wait, name="wait"), NativeFunction(on, name="on")]


class Other(Counter):
    """The same under another name, which calls back."""

    name = "other"

    def functions(self) -> list[Any]:
        async def on(depth: int) -> Any:
            assert self.host is not None
            return await self.host.call("counter.on", depth + 1)

        return [NativeFunction(on, name="on")]


async def two(made: Fleet, *plugins: str, **more: Any) -> tuple[Host, Host]:
    """A host without plugins, and one with some."""
    return await made.host("a"), await made.host("b", *plugins, **more)


async def test_a_call_is_answered_by_the_host_that_has_the_plugin(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a, b = await two(made, "text", "echo")
        assert await a.call("text.count_vowels", "hello") == {"count": 2} == await b.call("text.count_vowels", "hello")
        assert await a.call("echo.echo", b"\0\xff") == b"\0\xff"
        assert await a.call("echo", b"its only function") == b"its only function"
        assert await a.plugins.call("text.count_vowels", b"hello", raw=True) == b'{"count":2}'
        assert await asyncio.to_thread(a.plugins.call_blocking, "text.count_vowels", "aaa") == {"count": 3}
        with pytest.raises(Conflict, match="await"):
            a.plugins.call_blocking("text.count_vowels", "aaa")


async def test_what_nobody_has_is_told_as_such_and_a_host_without_a_fleet_says_what_it_always_did(
    tmp_path: Path, servers: Servers
) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a, _ = await two(made, "text")
        with pytest.raises(NotServed, match="no host of the fleet serves 'nope"):
            await a.call("nope.say", b"")
        with pytest.raises(NotServed):
            await a.call("text.nope", b"")


async def test_errors_of_the_other_host_keep_their_kind(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a, b = await two(made, "text", "moody")
        for function, kind in (("trap", GuestTrapped), ("fail", GuestFailed)):
            with pytest.raises(kind) as here:
                await b.call(f"moody.{function}", b"")
            with pytest.raises(kind) as there:
                await a.call(f"moody.{function}", b"")
            assert json.dumps(there.value.to_json()) == json.dumps(here.value.to_json())
        with pytest.raises(InvalidInput, match="takes text, not int"):
            await a.call("text.count_vowels", 3)


def test_every_error_comes_back_as_itself_and_a_strange_one_as_an_error_of_a_host() -> None:
    for error in (
        PermissionDenied("no grant", remedy="grant it", plugin="p", capability="kv"),
        LimitExceeded("too much", limit="input_bytes", allowed=3),
        Unavailable("disabled", retry_after_s=1.5),
    ):
        back = error_from(error.code, error_body(error))
        assert type(back) is type(error)
        assert back.to_json() == error.to_json()
    for body in (b"", b"[]", b"{", b'{"message": 3, "fact": "x", "a-b": 1}', b"[" * 9999):
        assert isinstance(error_from("from-the-future", body), OmniError)
    assert len(error_body(Unavailable("x" * 10**6, more="y" * 10**6))) < 20_000


async def test_deadlines_and_cancellations_cut_the_guest_on_the_other_host(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a, b = await two(made, "moody")
        with pytest.raises(DeadlineExceeded):
            await a.call("moody.spin", b"", timeout_s=0.1)
        await until(lambda: b.plugins.in_flight == 0)
        call = asyncio.ensure_future(a.call("moody.spin", b"", timeout_s=20))
        await until(lambda: b.plugins.in_flight == 1)
        call.cancel()
        await until(lambda: b.plugins.in_flight == 0)
        assert call.cancelled()
        waits = asyncio.create_task(asyncio.to_thread(a.plugins.call_blocking, "moody.spin", b"", timeout_s=20))
        await until(lambda: b.plugins.in_flight == 1)
        for task in asyncio.all_tasks():  # as the end of the loop does
            if getattr(task.get_coro(), "__qualname__", "") == "FleetCalls._sent":
                task.cancel()
        with pytest.raises(CallCancelled, match="the host stops"):
            await waits


async def test_a_call_that_takes_long_is_not_taken_for_lost(tmp_path: Path, servers: Servers) -> None:
    counter = Counter()
    async with fleet(tmp_path, servers("nats")) as made:
        a, _ = await two(made, native=counter)
        call = asyncio.ensure_future(a.call("counter.wait", "once"))
        await asyncio.sleep(3.6)  # longer than the silence after which a call is lost
        assert not call.done()
        counter.let_go.set()
        assert await call == "done"
        assert counter.calls == ["once"]


async def test_costs_cross_the_wire(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a, _ = await two(made, "echo")
        costs = CallCosts()
        await a.plugins.call("echo.echo", b"x", costs=costs, host_context=costs)
        assert costs.memory_bytes == 65_536
        assert costs.time_s > 0


async def test_payloads_over_what_a_message_holds_travel_in_parts(tmp_path: Path, servers: Servers) -> None:
    limits = {"limits": Limits(input_bytes=9_000_000, output_bytes=9_000_000)}
    async with fleet(tmp_path, servers("nats")) as made:
        a, _ = await two(made, "echo", **limits)
        data = bytes(range(256)) * 32_000
        assert await a.call("echo.echo", data) == data
        with pytest.raises(InvalidInput, match="input has 9000001 bytes"):
            await a.call("echo.echo", bytes(9_000_001))
        assert a.nats is not None
        assert a.nats.remote._parcels._bytes == 0  # nothing is held for longer than the call


async def test_calls_stay_here_while_there_is_room_and_go_elsewhere_when_there_is_none(
    tmp_path: Path, servers: Servers
) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a = await made.host("a", "moody", max_instances=1)
        await made.host("b", "moody")
        assert a.nats is not None
        assert await a.call("moody.well", b"") == b"w"
        assert a.nats.remote.sent == 0
        spin = asyncio.ensure_future(a.call("moody.spin", b"", timeout_s=20))
        await until(lambda: a.plugins.in_flight == 1)
        assert await a.call("moody.well", b"") == b"w"
        assert a.nats.remote.sent == 1
        spin.cancel()
        await asyncio.gather(spin, return_exceptions=True)


async def test_a_host_that_is_full_refuses_and_another_one_is_asked(tmp_path: Path, servers: Servers) -> None:
    counter = Counter()
    async with fleet(tmp_path, servers("nats")) as made:
        a, _ = await two(made, native=counter, fleet={"calls": 1})
        waits = asyncio.ensure_future(a.call("counter.wait", "x"))
        await until(lambda: counter.calls == ["x"])
        with pytest.raises(CapacityReached, match="calls of others"):
            await a.call("counter.add", "y")
        second = Counter()
        await made.host("c", native=second)
        assert [await a.call("counter.add", "y") for _ in range(6)] == [str(one) for one in range(1, 7)]
        counter.let_go.set()
        await waits
        assert counter.calls == ["x"]


async def test_a_call_with_a_key_is_made_once_however_often_it_is_sent(tmp_path: Path, servers: Servers) -> None:
    counter = Counter()
    async with fleet(tmp_path, servers("nats")) as made:
        a, _ = await two(made, native=counter)
        await made.host("c", native=Counter())
        assert a.nats is not None
        attempt = TaskContext("task_1", "@host", 1, None)
        call = RemoteCall("counter.add", "x", context=attempt)
        answers = await asyncio.gather(*(a.nats.remote.call(call) for _ in range(20)))
        assert len(set(answers)) == 1
        with pytest.raises(Conflict, match="another input"):
            await a.nats.remote.call(RemoteCall("counter.add", "y", context=attempt))
        again = RemoteCall("counter.add", "x", context=TaskContext("task_1", "@host", 2, None))
        assert await a.nats.remote.call(again) in ("1", "2")


async def test_a_call_that_failed_before_it_began_may_be_sent_again_under_its_key(
    tmp_path: Path, servers: Servers
) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a, b = await two(made, "echo")
        b.plugins.disable("echo")
        call = RemoteCall("echo.echo", b"x", context=TaskContext("task_1", "@host", 1, None))
        assert a.nats is not None
        with pytest.raises((Unavailable, NotServed)):
            await a.nats.remote.call(call)
        b.plugins.enable("echo")
        await made.known(lambda: bool(a.nats and a.nats.directory.places("echo")))
        assert await a.nats.remote.call(call) == b"x"


async def test_calls_between_hosts_that_call_each_other_come_to_an_end(tmp_path: Path, servers: Servers) -> None:
    counter, other = Counter(), Other()
    async with fleet(tmp_path, servers("nats")) as made:
        counter.host = await made.host("a", native=counter)
        other.host = await made.host("b", native=other)
        with pytest.raises(OmniError, match="calls inside each other"):
            await counter.host.call("counter.on", 0)


async def test_plugins_that_come_and_go_are_known_to_the_others(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a, b = await two(made)
        assert a.nats is not None
        assert b.nats is not None
        await asyncio.to_thread(b.plugins.install, "text.wasm", (Path("plugins/text/dist/text.wasm")).read_bytes())
        await made.known(lambda: "text" in a.nats.directory.plugins())  # type: ignore[union-attr]
        assert await a.call("text.count_vowels", "e") == {"count": 1}
        await b.nats.drain()
        await made.known(lambda: a.nats.hosts()[1].state == "draining")  # type: ignore[union-attr]
        with pytest.raises(NotServed):
            await a.call("text.count_vowels", "e")
        await b.nats.drain(on=False)
        await made.known(lambda: a.nats.hosts()[1].state == "serving")  # type: ignore[union-attr]
        assert await a.call("text.count_vowels", "e") == {"count": 1}
        await asyncio.to_thread(b.plugins.disable, "text")
        await made.known(lambda: "text" not in a.nats.directory.plugins())  # type: ignore[union-attr]
        assert [one.labels["name"] for one in a.nats.hosts()] == ["a", "b"]
        assert [one.plugins for one in a.nats.hosts()] == [0, 0]


async def test_events_of_all_hosts_are_heard_once_on_each(tmp_path: Path, servers: Servers) -> None:
    async with fleet(tmp_path, servers("nats")) as made:
        a, b = await two(made)
        everywhere = [one.bus.subscribe("round.*", everywhere=True) for one in (a, b)]
        own = a.bus.subscribe("round.*")
        client = await made.client()
        await client.publish("omnicore.event.round.forged", b'{"id":"e","topic":"round.forged"}')
        b.bus.publish("round.one", {"n": 1}, hops=2)
        b.bus.publish("round.two", "x")
        a.bus.publish("round.three", None)
        for heard in everywhere:
            async with asyncio.timeout(10):
                found = [await anext(heard) for _ in range(3)]
            assert {one.topic for one in found} == {"round.one", "round.two", "round.three"}
            assert next(one for one in found if one.topic == "round.one").data == {"n": 1}
            assert next(one for one in found if one.topic == "round.one").hops == 2
            assert heard.drain() == []
        assert [one.topic for one in own.drain()] == ["round.three"]


async def test_a_call_that_comes_back_since_its_plugin_is_placed_here_meanwhile_counts_its_costs() -> None:
    counted: list[Any] = []
    places = [True, True, False, False]  # away when it is called and sent, here when nobody else serves it

    class Here:
        targets: ClassVar[dict[str, Any]] = {}
        kept = None

        def target(self, ref: str) -> None:
            """It is here."""

        async def call(self, ref: str, data: Any, **named: Any) -> str:
            counted.append(named["costs"])
            return "done"

    class Nobody:
        async def call(self, call: Any, costs: Any = None) -> None:
            raise NotServed("no host serves it", remedy="wait", plugin="text")

    class Moving:
        def away(self, plugin: str) -> bool:
            return places.pop(0)

    calls = FleetCalls(*cast("Any", (Here(), Nobody(), None, Moving())))
    calls.start()
    costs = CallCosts()
    assert await calls.call("text.count", b"", costs=costs) == "done"
    assert [one is costs for one in counted] == [True]
