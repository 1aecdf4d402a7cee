"""Doors of an application in a whole host: declared, asked for, granted, called, refused, measured."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path
from typing import Annotated, Any

import extism
import msgspec
import pytest
from tests.plugins.guests import door as guest_of
from tests.plugins.guests import with_manifest

from omnicore import Host, PluginCaller, door
from omnicore.errors import Conflict, DeadlineExceeded, InvalidSetting, PermissionDenied


class Order(msgspec.Struct):
    id: int
    customer: str


class OrderMissing(Exception):
    """The application has no such order."""


ORDERS = {17: Order(17, "ada")}


def application(folder: Path, **given: Any) -> Host:
    host = Host(plugins=folder / "plugins", data=folder / "data", watch=False, **given)

    @host.door(capability="orders", reason="reads an order", scope="id", errors={OrderMissing: "order-missing"})
    async def get_order(id: int) -> Order:
        await asyncio.sleep(0)
        if id not in ORDERS:
            raise OrderMissing(f"there is no order {id}")
        return ORDERS[id]

    @host.door(capability="orders", reason="reads an order", audit=True)
    def customer(caller: PluginCaller, fail: bool = False) -> list[Any]:
        if fail:
            raise RuntimeError("the disk is gone")
        return [caller.plugin, caller.host_context, threading.current_thread() is threading.main_thread()]

    @host.door(capability="orders", reason="reads an order")
    async def endless() -> None:
        await asyncio.Event().wait()

    return host


def shop(folder: Path, function: str = "orders_get_order_v1", scope: Any = None, name: str = "shop") -> None:
    scope = {"id": ["17", "4*"]} if scope is None else scope
    manifest = {"name": name, "capabilities": [{"name": "orders", "reason": "shows orders", "scope": scope}]}
    (folder / "plugins").mkdir(exist_ok=True)
    (folder / "plugins" / f"{name}.wasm").write_bytes(with_manifest(guest_of(function), manifest))


async def ask(host: Any, given: Any, ref: str = "shop.ask", **options: Any) -> Any:
    data = given if isinstance(given, bytes) else json.dumps(given).encode()
    return json.loads(await host.call(ref, data, **options))


def test_a_plugin_reads_an_order_once_it_was_granted_orders(tmp_path: Path) -> None:
    shop(tmp_path)

    async def scene() -> None:
        async with application(tmp_path) as host:
            view = host.plugins.get("shop")
            assert (view.state, view.reason) == ("needs-grant", "asks for orders")
            with pytest.raises(PermissionDenied, match="omnicore plugins grant shop"):
                await ask(host, {"id": 17})
            assert (await asyncio.to_thread(host.plugins.grant, "shop", who="ada")).state == "enabled"
            assert await ask(host, {"id": 17}) == {"value": {"id": 17, "customer": "ada"}}
            assert (await ask(host, {"id": 41}))["error"]["code"] == "order-missing"
            denied = (await ask(host, {"id": 18}))["error"]
            assert (denied["code"], denied["capability"], denied["resource"]) == ("permission-denied", "orders", "18")
            assert host.plugins.scope("shop", "orders") == {"id": ["17", "4*"]}
            await asyncio.to_thread(host.plugins.revoke, "shop", "orders", who="ada")
            with pytest.raises(PermissionDenied):
                await ask(host, {"id": 17})

    asyncio.run(scene())


@pytest.mark.parametrize(
    "request_",
    [
        b"",
        b"{",
        b"null",
        b'{"id": "17"}',
        b'{"id": 17, "x": 1}',
        b"[" * 10_000,
        b'{"id":' + b"1" * 70_000 + b"}",
        b"\xff",
    ],
)
def test_what_a_hostile_plugin_sends_is_an_error_value(tmp_path: Path, request_: bytes) -> None:
    shop(tmp_path)

    async def scene() -> None:
        async with application(tmp_path) as host:
            await asyncio.to_thread(host.plugins.grant, "shop", who="ada")
            assert (await ask(host, request_))["error"]["code"] == "malformed-request"
            assert await ask(host, {"id": 17}) == {"value": {"id": 17, "customer": "ada"}}

    asyncio.run(scene())


def test_a_failure_reaches_the_caller_and_shows_in_health_metrics_and_audit(tmp_path: Path) -> None:
    shop(tmp_path, "orders_customer_v1")

    async def scene() -> None:
        async with application(tmp_path, breaker_failures=1000) as host:
            await asyncio.to_thread(host.plugins.grant, "shop", who="ada")
            assert (await ask(host, {}, host_context="user 7"))["value"][:2] == ["shop", "user 7"]
            for _ in range(5):
                with pytest.raises(RuntimeError, match="the disk is gone"):
                    await ask(host, {"fail": True})
            await host.health.check()
            assert "RuntimeError: the disk is gone" in str(host.health.subsystem("door orders"))
            await asyncio.to_thread(host.audit.flush)
            rows = await asyncio.to_thread(host.audit.table.after, 0, 100)
            used = [(one.actor, one.outcome) for one in rows if one.action == "door orders.customer"]
            assert used == [("plugin:shop", "done"), *[("plugin:shop", "failed")] * 5]
            text = (await asyncio.to_thread(host.metrics.render)).decode()
            assert 'omnicore_door_calls_total{door="orders",outcome="ok",plugin="shop",verb="customer"} 1.0' in text

    asyncio.run(scene())


def test_a_coroutine_that_waits_too_long_is_cut_at_the_deadline(tmp_path: Path) -> None:
    shop(tmp_path, "orders_endless_v1")

    async def scene() -> None:
        async with application(tmp_path) as host:
            await asyncio.to_thread(host.plugins.grant, "shop", who="ada")
            with pytest.raises(DeadlineExceeded):
                await ask(host, {}, timeout_s=0.05)

    asyncio.run(scene())


def test_blocking_programs_and_the_reference_engine_have_the_same_doors(tmp_path: Path) -> None:
    shop(tmp_path)
    with application(tmp_path, engine="extism") as host:
        host.plugins.grant("shop", who="ada")
        assert json.loads(host.call("shop.ask", b'{"id": 17}'))["value"]["customer"] == "ada"
        assert json.loads(host.call("shop.ask", b'{"id": 18}'))["error"]["code"] == "permission-denied"


def test_doors_are_declared_before_the_host_is_opened(tmp_path: Path) -> None:
    host = application(tmp_path)
    with host, pytest.raises(Conflict, match="open already"):
        host.door("late", "is late")
    assert [one.capability.name for one in host.doors] == ["orders"]


def test_a_host_without_the_application_rejects_its_plugins(tmp_path: Path) -> None:
    shop(tmp_path)
    with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        view = host.plugins.get("shop")
        assert view.state == "rejected"
        assert "there is no capability 'orders'" in view.reason


def test_a_command_on_the_same_data_grants_and_cannot_call(tmp_path: Path) -> None:
    shop(tmp_path)
    with application(tmp_path) as host:
        assert host.plugins.get("shop").state == "needs-grant"
    with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, work=False) as command:
        assert command.plugins.get("shop").state == "needs-grant"
        assert command.plugins.grant("shop", "orders", who="ada").state == "enabled"
        error = json.loads(command.call("shop.ask", b'{"id": 17}'))["error"]
        assert (error["code"], error["capability"]) == ("unavailable", "orders")
        assert "belongs to an application" in error["message"]
    with application(tmp_path) as host:
        assert json.loads(host.call("shop.ask", b'{"id": 17}'))["value"]["id"] == 17


def test_a_record_of_doors_that_cannot_be_read_is_as_none(tmp_path: Path) -> None:
    shop(tmp_path)
    with application(tmp_path):
        pass
    (tmp_path / "data" / "doors.json").write_bytes(b'{"doors": [{}]}')
    with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        assert host.ready()


def test_declared_functions_may_be_given_as_functions(tmp_path: Path) -> None:
    @door("orders", "reads an order", scope="id")
    def get_order(id: int) -> Order:
        return ORDERS[id]

    shop(tmp_path)
    with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, functions=[get_order]) as host:
        host.plugins.grant("shop", who="ada")
        assert json.loads(host.call("shop.ask", b'{"id": 17}'))["value"]["id"] == 17


def test_functions_of_extism_work_unchanged(tmp_path: Path) -> None:
    @extism.host_fn()
    def shout(text: str) -> str:
        return text.upper()

    @extism.host_fn()
    def total(values: Annotated[Any, extism.Json]) -> Annotated[Any, extism.Json]:
        return {"total": sum(values)}

    pointer = ([extism.ValType.PTR], [extism.ValType.PTR])

    @extism.host_fn(name="raw", signature=pointer, user_data=b"!")
    def by_hand(plugin: extism.CurrentPlugin, inputs: list[Any], outputs: list[Any], mark: bytes) -> None:
        given = bytes(plugin.input_buffer(inputs[0])) + mark + str(plugin.host_context()).encode()
        block = plugin.alloc(len(given))
        plugin.memory(block)[:] = given
        outputs[0].value = block.offset

    (tmp_path / "plugins").mkdir()
    for name in ("shout", "total", "raw"):
        (tmp_path / "plugins" / f"{name}.wat").write_text(guest_of(name))
    given = {"plugins": tmp_path / "plugins", "data": tmp_path / "data", "watch": False}
    with Host(**given, functions=[shout, total, by_hand]) as host:
        assert host.call("shout.ask", b"hello") == b"HELLO"
        assert json.loads(host.call("total.ask", b"[1, 2]")) == {"total": 3}
        assert host.call("raw.ask", b"by hand", host_context=7) == b"by hand!7"


def test_a_plain_function_is_refused_where_it_is_given() -> None:
    def get_order(id: int) -> Order:
        return ORDERS[id]

    with pytest.raises(InvalidSetting, match="above `def get_order`"):
        Host(functions=[get_order])
