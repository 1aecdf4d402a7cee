"""Plugins in Python stand in the same catalogue as sandboxed ones, and are listed, switched and called alike."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.plugins.guests import ECHO, says

from omnicore import Host
from omnicore.core.extensions import Extension, Extensions
from omnicore.errors import (
    Conflict,
    DeadlineExceeded,
    GuestFailed,
    InvalidInput,
    LimitExceeded,
    NotFound,
    Unavailable,
)
from omnicore.hookspecs import NativeFunction


class Greeter:
    """Greets people in Python."""

    name = "greeter"

    def __init__(self) -> None:
        self.let_go = threading.Event()
        self.host: Any = None

    def functions(self) -> list[Any]:
        async def later(value: Any) -> Any:
            await asyncio.sleep(0)
            return {"value": value}

        def shout(text: str) -> str:
            """Says it loudly."""
            return text.upper()

        def size(data: bytes) -> int:
            return len(data)

        def now() -> str:
            return "now"

        def slow() -> None:
            self.let_go.wait()

        async def slow_later() -> None:
            await asyncio.Event().wait()

        def bad(value: Any) -> None:
            raise {
                "exit": SystemExit(3),
                "odd": GeneratorExit(),
                "value": ValueError("not that"),
                "not": NotFound("gone"),
            }[value]

        def strange() -> Any:
            return {1, 2}

        def large() -> bytes:
            return bytes(5 * 1024 * 1024)

        async def again(depth: int) -> Any:
            return await self.host.call("greeter.again", depth + 1)

        checked = NativeFunction(
            lambda value: value["n"] + 1,
            name="checked",
            description="Adds one",
            input={"type": "object", "required": ["n"], "properties": {"n": {"type": "integer"}}},
            output={"type": "integer"},
        )
        return [later, shout, size, now, slow, slow_later, bad, strange, large, again, checked]

    def register(self, app: Any) -> None:
        self.host = app.host


@pytest.fixture
def greeter() -> Iterator[Greeter]:
    made = Greeter()
    yield made
    made.let_go.set()


def extensions_of(*plugins: Any) -> Extensions:
    extensions = Extensions()
    for plugin in plugins:
        extensions.add(Extension("entry", f"pack:{type(plugin).__name__}"), lambda plugin=plugin: plugin)
    return extensions


def a_host(folder: Path, *plugins: Any, **settings: Any) -> Host:
    (folder / "plugins").mkdir(exist_ok=True)
    settings = {"watch": False, **settings}
    return Host(plugins=folder / "plugins", data=folder / "data", extensions=extensions_of(*plugins), **settings)


def test_it_is_listed_beside_files_and_marked_as_trusted(tmp_path, greeter):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "echo.wat").write_text(ECHO)
    with a_host(tmp_path, greeter) as host:
        views = {view.name: view for view in host.plugins.list()}
        assert [(name, view.state, view.trust) for name, view in views.items()] == [
            ("echo", "enabled", "sandboxed"),
            ("greeter", "enabled", "native"),
        ]
        view = views["greeter"]
        assert (view.path, view.description, view.hash) == ("pack:Greeter", "Greets people in Python.", None)
        assert host.plugins.get("greeter") == view
        assert host.plugins.states() == {"enabled": 2}
        shout = view.to_json()["functions"]["shout"]
        assert (shout["description"], shout["input_media"], shout["output_media"]) == (
            "Says it loudly.", "text/plain", "text/plain"
        )  # fmt: skip


@pytest.mark.parametrize(
    ("function", "given", "answer"),
    [
        ("shout", "hello", "HELLO"),
        ("later", [1, None], {"value": [1, None]}),
        ("size", b"\0\1", 2),
        ("now", None, "now"),
        ("checked", {"n": 1}, 2),
    ],
)
def test_a_call_is_the_same_from_a_thread_and_from_a_loop(tmp_path, greeter, function, given, answer):
    async def on_loop() -> Any:
        async with a_host(tmp_path, greeter) as host:
            return await host.call(f"greeter.{function}", given)

    with a_host(tmp_path, greeter) as host:
        assert host.call(f"greeter.{function}", given) == answer
    assert asyncio.run(on_loop()) == answer


@pytest.mark.parametrize(
    ("function", "given", "error", "told"),
    [
        ("bad", "value", GuestFailed, "greeter.bad failed: ValueError: not that"),
        ("bad", "exit", GuestFailed, "greeter.bad failed: SystemExit: 3"),
        ("bad", "odd", GuestFailed, "greeter.bad failed: GeneratorExit"),
        ("bad", "not", NotFound, "gone"),
        ("strange", None, GuestFailed, "gave no JSON value"),
        ("large", None, LimitExceeded, "more than the 4194304 it may"),
        ("size", bytes(2 * 1024 * 1024), InvalidInput, "more than the 1048576"),
        ("checked", {"n": "x"}, InvalidInput, "'x' is not of type 'integer'"),
        ("later", b"{", InvalidInput, "no application/json"),
        ("missing", None, NotFound, "greeter has no function 'missing'"),
    ],
)
def test_what_goes_wrong_is_a_typed_error_and_the_host_goes_on(tmp_path, greeter, function, given, error, told):
    async def on_loop() -> None:
        async with a_host(tmp_path, greeter) as host:
            with pytest.raises(error, match=told):
                await host.call(f"greeter.{function}", given)
            assert await host.call("greeter.shout", "on") == "ON"

    with a_host(tmp_path, greeter) as host:
        with pytest.raises(error, match=told):
            host.call(f"greeter.{function}", given)
        assert host.call("greeter.shout", "on") == "ON"
    asyncio.run(on_loop())


@pytest.mark.parametrize("function", ["slow", "slow_later"])
def test_a_call_ends_at_its_deadline_whatever_the_code_does(tmp_path, greeter, function):
    async def on_loop() -> None:
        async with a_host(tmp_path, greeter) as host:
            with pytest.raises(DeadlineExceeded):
                await host.call(f"greeter.{function}", timeout_s=0.02)
            assert await host.call("greeter.shout", "on") == "ON"

    with a_host(tmp_path, greeter) as host, pytest.raises(DeadlineExceeded):
        host.call(f"greeter.{function}", timeout_s=0.02)
    asyncio.run(on_loop())


def test_so_many_calls_may_be_stuck_and_no_more(tmp_path, greeter):
    with a_host(tmp_path, greeter, max_limits={"timeout_s": 60}) as host:
        for _ in range(32):
            with pytest.raises(DeadlineExceeded):
                host.call("greeter.slow", timeout_s=0.001)
        with pytest.raises(Exception, match="32 calls of greeter did not end in time"):
            host.call("greeter.shout", "x")
        greeter.let_go.set()
        while True:  # the threads end by themselves now
            try:
                assert host.call("greeter.shout", "x") == "X"
                break
            except Exception as error:
                assert "did not end in time" in str(error)  # noqa: PT017


def test_one_that_calls_itself_without_end_is_stopped(tmp_path, greeter):
    async def on_loop() -> None:
        async with a_host(tmp_path, greeter) as host:
            greeter.host = host
            with pytest.raises(LimitExceeded, match="inside each other"):
                await host.call("greeter.again", 0)

    asyncio.run(on_loop())


def test_it_is_switched_off_for_every_process_on_the_same_data(tmp_path, greeter):
    with a_host(tmp_path, greeter) as host, a_host(tmp_path, greeter, watch=True) as server:
        assert server.call("greeter.shout", "x") == "X"
        with server.bus.subscribe("plugin.*") as events:
            assert host.plugins.disable("greeter").state == "disabled"
            assert host.bus.history("plugin.disabled")
            with pytest.raises(Unavailable, match="greeter is disabled"):
                host.call("greeter.shout", "x")
            server.plugins._folder.tick(False)
            with pytest.raises(Unavailable, match="omnicore plugins enable greeter"):
                server.call("greeter.shout", "x")
            assert events.drain() == []
    with a_host(tmp_path, greeter) as host:
        assert host.plugins.get("greeter").state == "disabled"
        assert host.plugins.enable("greeter").state == "enabled"
        assert host.call("greeter.shout", "x") == "X"


def test_there_is_nothing_to_grant_and_it_is_removed_with_its_package(tmp_path, greeter):
    with a_host(tmp_path, greeter) as host:
        for refused in (
            lambda: host.plugins.grant("greeter", who="test"),
            lambda: host.plugins.revoke("greeter", "kv", who="test"),
            lambda: host.plugins.remove("greeter"),
            lambda: host.plugins.rollback("greeter", "0" * 64, who="test"),
            lambda: host.plugins.approve("greeter", who="test"),
            lambda: host.plugins.keep("greeter", who="test"),
            lambda: host.plugins.configure("greeter", {}, who="test"),
        ):
            with pytest.raises(Conflict, match="greeter is a native plugin"):
                refused()
        assert (host.plugins.diff("greeter"), host.plugins.logs("greeter")) == ((), ())
        assert host.plugins.versions("greeter") == ()
        assert not host.plugins.upgrade("greeter").waiting
        assert host.plugins.config("greeter").values == {}


def test_a_page_has_native_and_sandboxed_plugins_by_name(tmp_path, greeter):
    (tmp_path / "plugins").mkdir()
    for name in ("echo", "zebra"):
        (tmp_path / "plugins" / f"{name}.wat").write_text(ECHO)

    def page(after: str, limit: int, **wanted: Any) -> tuple[list[str], bool]:
        views, more = host.plugins.page(after, limit, **wanted)
        return [view.name for view in views], more

    with a_host(tmp_path, greeter) as host:
        assert page("", 2) == (["echo", "greeter"], True)
        assert page("greeter", 2) == (["zebra"], False)
        assert page("", 9, text="PACK:") == (["greeter"], False)
        assert page("", 9, state="rejected") == ([], False)


def test_it_tells_how_it_fares(tmp_path, greeter):
    with a_host(tmp_path, greeter) as host:
        host.call("greeter.shout", "x")
        status = host.plugins.status("greeter")
        assert (status.calls.calls, status.calls.errors, status.breaker.state) == (1, 0, "closed")


def test_a_file_that_comes_later_cannot_take_its_name(tmp_path, greeter):
    with a_host(tmp_path, greeter) as host:
        (tmp_path / "plugins" / "greeter.wat").write_text(says("w", "shout"))
        host.plugins.scan()
        views = {view.name: view for view in host.plugins.list()}
        assert views["greeter"].trust == "native"
        assert views["greeter.wat"].state == "rejected"
        assert "its name greeter is taken by the native plugin pack:Greeter" in views["greeter.wat"].reason
        assert host.call("greeter.shout", "x") == "X"
        with pytest.raises(Conflict, match="taken by the native plugin"):
            host.plugins.install("greeter.wat", says("w", "shout").encode())


def test_a_package_that_comes_later_cannot_take_the_name_of_a_file(tmp_path, greeter):
    with a_host(tmp_path) as host:
        host.plugins.install("greeter.wat", says("w", "shout").encode())
    with a_host(tmp_path, greeter) as host:
        views = {view.name: view for view in host.plugins.list()}
        assert (views["greeter"].trust, views["greeter"].state) == ("sandboxed", "enabled")
        assert (views["native:greeter"].trust, views["native:greeter"].state) == ("native", "rejected")
        assert views["native:greeter"].reason == "its name greeter is taken by greeter.wat"
        assert host.call("greeter.shout") == b"w"
        with pytest.raises(Unavailable, match="native:greeter is rejected"):
            host.call("native:greeter.shout", "x")
        host.plugins.remove("greeter")
        assert host.plugins.get("greeter").trust == "native"
        assert host.call("greeter.shout", "x") == "X"


def test_a_file_is_used_again_once_the_package_that_had_its_name_is_gone(tmp_path, greeter):
    (tmp_path / "plugins").mkdir()
    (tmp_path / "plugins" / "greeter.wat").write_text(says("w", "shout"))
    with a_host(tmp_path, greeter) as host:
        host.plugins.scan()
        assert host.plugins.get("greeter.wat").state == "rejected"
    with a_host(tmp_path) as host:
        host.plugins.scan()
        assert host.plugins.get("greeter").state == "enabled"


@pytest.mark.parametrize(
    ("functions", "told"),
    [
        ([lambda a, b: a], "its functions cannot be used"),
        ([NativeFunction(len, input={"type": "nonsense"})], "the input schema of len: type"),
        ([NativeFunction(len, input={"$ref": "http://example.org/x"})], "the input schema of len"),
    ],
)
def test_one_whose_functions_cannot_be_called_is_listed_with_the_reason(tmp_path, functions, told):
    if not isinstance(functions[0], NativeFunction):
        functions = {"two": functions[0]}
    plugin = type("Odd", (), {"name": "odd", "functions": lambda self: functions})()
    with a_host(tmp_path, plugin) as host:
        view = host.plugins.get("odd")
        assert (view.state, view.trust) == ("rejected", "native")
        assert told in view.reason
        with pytest.raises(Unavailable, match="odd is rejected"):
            host.call("odd.two", 1)


def test_one_that_is_too_slow_too_often_is_left_alone_and_an_operator_ends_that(tmp_path, greeter):
    with a_host(
        tmp_path, greeter, breaker_failures=2, max_limits={"timeout_s": 0.01}, limits={"timeout_s": 0.01}
    ) as host:
        for _ in range(2):
            with pytest.raises(DeadlineExceeded):
                host.call("greeter.slow_later")
        view = host.plugins.get("greeter")
        assert (view.state, view.last_error["code"]) == ("quarantined", "deadline-exceeded")
        with pytest.raises(Unavailable, match="quarantine"):
            host.call("greeter.now")
        host.plugins.enable("greeter")
        assert host.call("greeter.now") == "now"


def test_two_of_one_name_are_both_listed(tmp_path, greeter):
    with a_host(tmp_path, greeter, Greeter()) as host:
        assert [(view.name, view.state) for view in host.plugins.list()] == [
            ("greeter", "enabled"),
            ("native:greeter", "rejected"),
        ]
