"""Doors of components: typed calls become the requests of `specs/abi.md`, replies come back as values."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from contextlib import closing
from typing import Any

import pytest
from tests.sandbox.component.conftest import LOG, Loader, asking, component, counting, door, logging

from omnicore.errors import (
    CallCancelled,
    DeadlineExceeded,
    EngineFailed,
    GuestFailed,
    LimitExceeded,
    LinkFailed,
    ModuleRejected,
)
from omnicore.sandbox.abi import Doors, HostCall, HostFunction
from omnicore.sandbox.capi.code import wat_to_wasm
from omnicore.sandbox.component.interfaces import door_functions
from omnicore.sandbox.inspect import inspect, unprovided


def scripted(reply: Any, seen: list[Any]) -> Doors:
    def answer(call: HostCall, handle: int) -> int:
        seen.append(json.loads(call.read(handle)))
        return call.write(json.dumps(reply).encode())

    return door(answer)


ROUNDS: dict[str, tuple[str, Any, Any, Any, bytes]] = {
    "a missing optional is left out": (
        "remember", {"key": "a", "value": "b"}, {"key": "a", "value": "b"}, {"version": 2**62}, b"4611686018427387904",
    ),
    "a maybe that is there": ("recall", "a", {"key": "a"}, {"value": "v", "version": 1}, b'"v"'),
    "a maybe that is not": ("recall", "a", {"key": "a"}, {"value": None, "version": None}, b"null"),
    "bytes": ("recall_bytes", "a", {"key": "a"}, {"value": {"base64": "/w=="}, "version": 1}, b'"/w=="'),
    "json": ("setting", "a", {"key": "a"}, {"value": {"b": [1, "c"]}}, rb'"{\"b\":[1,\"c\"]}"'),
    "a null json": ("setting", "a", {"key": "a"}, {"value": None}, b"null"),
    "json from the guest": (
        "publish", {"topic": "t", "data": '{"a": [1]}'}, {"topic": "t", "data": {"a": [1]}}, {"id": "7"}, b"7",
    ),
    "a record": (
        "fetch", "http://a", {"url": "http://a"}, {"status": 200, "headers": {"x": "y"}, "body": "hi"}, b"200 hi",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROUNDS)
def test_a_request_reaches_the_door_and_its_reply_the_guest(load: Loader, name: str) -> None:
    function, given, due, reply, output = ROUNDS[name]
    seen: list[Any] = []
    data = given.encode() if isinstance(given, str) else json.dumps(given).encode()
    assert load(doors=scripted(reply, seen)).instance().call(function, data) == output
    assert seen == [due]


def test_a_map_becomes_an_object(load: Loader) -> None:
    seen: list[Any] = []
    load(doors=scripted({}, seen)).instance().call("say", b"hello")
    assert seen == [{"level": "info", "message": "hello", "fields": {"length": 5}}]


def test_an_error_of_the_door_is_a_value_for_the_guest(load: Loader) -> None:
    error = {"code": "permission-denied", "message": "no grant", "remedy": "ask", "capability": "kv", "allowed": 3}
    instance = load(doors=scripted({"error": error}, [])).instance()
    with pytest.raises(GuestFailed, match=r"^permission-denied: no grant$"):
        instance.call("recall", b"a")
    assert instance.healthy


def test_a_door_the_host_lacks_answers_unavailable(load: Loader) -> None:
    with pytest.raises(GuestFailed, match=r"^unavailable: this host has no kv_get_v1$"):
        load().instance().call("recall", b"a")


@pytest.mark.parametrize("kind", [KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, ValueError])
def test_what_a_host_function_raises_reaches_the_caller_as_itself(load: Loader, kind: type[BaseException]) -> None:
    raised = kind("mine")

    def fail(call: HostCall, handle: int) -> int:
        raise raised

    instance = load(logging(5), door(fail)).instance()
    with pytest.raises(kind) as caught:
        instance.call("run", b"")
    assert caught.value is raised
    assert not instance.healthy


def test_two_threads_each_get_their_own_exception(load: Loader) -> None:
    template = load(logging(5), door(_raise_context))
    wrong: list[Any] = []

    def work(own: int) -> None:
        for number in range(200):
            with closing(template.instance()) as instance:
                try:
                    instance.call("run", b"", host_context=(own, number))
                except LookupError as error:
                    if error.args[0] != (own, number):
                        wrong.append(error.args)

    threads = [threading.Thread(target=work, args=(own,)) for own in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


def _raise_context(call: HostCall, handle: int) -> int:
    raise LookupError(call.host_context)


def test_a_coroutine_is_waited_for_and_cut_at_the_deadline(load: Loader) -> None:
    async def slow(call: HostCall, handle: int) -> int:
        await asyncio.sleep(call.host_context)
        return call.write(b"{}")

    template = load(logging(5), door(slow), timeout_s=0.2)
    assert template.instance().call("run", b"", host_context=0) == b""
    with pytest.raises(DeadlineExceeded):
        template.instance().call("run", b"", host_context=30)
    instance = template.instance()
    timer = threading.Timer(0.05, instance.cancel)
    timer.start()
    with pytest.raises(CallCancelled):
        instance.call("run", b"", host_context=30, timeout_s=30)
    timer.join()


def test_a_host_function_that_outlasts_the_deadline_is_reported(load: Loader) -> None:
    def slow(call: HostCall, handle: int) -> int:
        time.sleep(0.15)
        return call.write(b"{}")

    with pytest.raises(DeadlineExceeded):
        load(logging(5), door(slow), timeout_s=0.1).instance().call("run", b"")


def test_a_door_that_breaks_its_promise_is_the_hosts_fault(load: Loader) -> None:
    with pytest.raises(EngineFailed):
        load(doors=scripted({"status": 200, "headers": [], "body": ""}, [])).instance().call("fetch", b"x")


def test_requests_are_counted_when_the_door_says_so(load: Loader) -> None:
    def answer(call: Any, handle: int) -> int:
        call.spend_http()
        call.log("info", "sent")
        return call.write(b"{}")

    instance = load(logging(5), door(answer)).instance()
    instance.call("run", b"")
    assert (instance.usage().http_requests, instance.usage().host_calls) == (1, 1)
    with pytest.raises(LimitExceeded, match="log_lines"):
        load(logging(5), door(answer), log_lines=0).instance().call("run", b"")


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ('(import "wasi:http/outgoing-handler@0.2.0" (instance))', ModuleRejected),
        ('(import "a:b/c@1.0.0" (instance (export "f" (func))))', ModuleRejected),
        ('(import "f" (func))', ModuleRejected),
        ('(import "f" (core module))', ModuleRejected),
        ('(import "f" (component))', ModuleRejected),
        ('(import "omnicore:plugin/kv@2.0.0" (instance (export "get" (func))))', LinkFailed),
        ('(import "omnicore:plugin/kv@1.0.0" (instance (export "get" (func))))', LinkFailed),
        ('(import "omnicore:plugin/kv@1.0.0" (instance (export "nope" (func))))', LinkFailed),
        ('(import "omnicore:plugin/nope@1.0.0" (instance (export "get" (func))))', LinkFailed),
        ('(import "wasi:random/random@0.3.0" (instance (export "get-random-u64" (func (result u64)))))', LinkFailed),
        ('(import "wasi:random/random@0.2.0" (instance (export "get-random-u64" (func (result s64)))))', LinkFailed),
    ],
)
def test_what_nobody_provides_keeps_a_component_out(load: Loader, text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        load(wat_to_wasm(f"(component {text})".encode()))


def test_an_interface_of_types_alone_needs_nobody(load: Loader) -> None:
    parts = '(import "a:b/types@1.0.0" (instance (type $r (record (field "a" u8))) (export "r" (type (eq $r)))))'
    assert load(component('(func (export "run"))', parts=parts)).instance().call("run", b"") == b""


def test_a_door_of_another_type_does_not_link(load: Loader) -> None:
    other = LOG.replace('"message" string', '"message" u32')
    with pytest.raises(LinkFailed, match="another type"):
        load(wat_to_wasm(f"(component {other})".encode()))


def test_every_verb_has_a_function_of_its_interface() -> None:
    assert door_functions()["omnicore:plugin/kv"].keys() == {"get", "put", "delete", "list", "cas"}
    assert all(found for found in door_functions().values())


def test_a_component_calls_functions_of_an_application_by_their_names_and_no_others(load: Loader) -> None:
    def run(call: HostCall, handle: int) -> int:
        request = json.loads(call.read(handle))
        refused = {"error": {"code": "order-missing", "message": "there is none"}}
        return call.write(json.dumps({"value": "ü"} if request == {"id": 17} else refused).encode())

    own = HostFunction("extism:host/user", "orders_get_order_v1", ("i64",), ("i64",), run, application="orders")
    bare = HostFunction("extism:host/user", "bare", ("i64",), ("i64",), run)
    doors = Doors(functions=(own, bare, *door(run, "kv_get_v1").functions))

    def said(function: str, request: str) -> str:
        return load(asking(function, request), doors=doors).instance().call("run", b"").decode()

    assert json.loads(said("orders_get_order_v1", '{"id": 17}')) == {"value": "ü"}
    assert said("orders_get_order_v1", '{"id": 18}') == "order-missing"
    assert [said(name, "{}") for name in ("bare", "kv_get_v1", "orders_get_order_v2", "")] == ["unavailable"] * 4


def test_a_component_calls_an_application_by_the_types_that_it_imports(load: Loader) -> None:
    replies = iter([{"value": 2**40}, {"error": {"code": "order-missing", "message": "gone"}}, {"value": "none"}])
    seen: list[Any] = []

    def run(call: HostCall, handle: int) -> int:
        seen.append(json.loads(call.read(handle)))
        return call.write(json.dumps(next(replies)).encode())

    own = HostFunction("extism:host/user", "orders_count_v2", ("i64",), ("i64",), run, application="orders")
    instance = load(counting("s64"), doors=Doors(functions=(own,))).instance()
    assert [instance.call("run", b"") for _ in range(2)] == [str(2**40).encode(), b"-1"]
    assert seen == [{"the_id": 17}] * 2
    with pytest.raises(GuestFailed, match=r"the answer of count-v2 does not fit.*kit that the application has now"):
        instance.call("run", b"")
    info = inspect(counting("s64"))
    assert unprovided(info, {(own.namespace, own.name)}) == ()
    assert unprovided(info, {(own.namespace, "orders_count_v1")}) == (
        ("omnicore:application/orders@1.0.0", "count-v2"),
    )
    bare = HostFunction("extism:host/user", "orders_count_v2", ("i64",), ("i64",), run)
    assert load(counting("s64"), doors=Doors(functions=(bare,))).instance().call("run", b"") == b"-1"
    for odd in (counting("u64"), counting("s64", interface="omnicore:application/orders@2.0.0")):
        with pytest.raises(LinkFailed, match="omnicore:application/orders"):
            load(odd, doors=Doors(functions=(own,)))
