"""Native plugins: found by entry point, and none of them can hurt another."""

from __future__ import annotations

import asyncio
import importlib.metadata
import threading
import types

import pytest
from tests.core.modules import Failing, Noting

from omnicore.core.app import OmniApp
from omnicore.core.extensions import Extension, Extensions
from omnicore.core.kernel import Kernel
from omnicore.hookspecs import GROUP, NativeFunction, hookimpl


class Point:
    """An entry point, which an installed package would have."""

    def __init__(self, name: str, load, group: str = GROUP) -> None:
        self.name, self.group, self.value, self._load = name, group, f"pack.{name}:Plugin", load

    def load(self):
        return self._load()


@pytest.fixture
def installed(monkeypatch):
    """Installs plugins by their entry points' names."""

    def install(**plugins) -> None:
        points = [Point(name, lambda one=one: one) for name, one in plugins.items()]
        monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)

    return install


def problems(extensions: Extensions) -> dict[str, str]:
    return {one.name: one.problem for one in extensions.all()}


class Good:
    name = "good"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def register(self, app) -> None:
        self.seen.append(app.name)


def test_a_class_an_object_and_a_module_are_plugins(installed):
    """Each may have a name; one without has its entry point's."""
    seen: list[str] = []
    module = types.ModuleType("some_module")
    module.register = lambda app: seen.append(f"module {app.name}")

    class Class:
        def register(self, app) -> None:
            seen.append(f"class {app.name}")

    thing = Good()
    installed(a_class=Class, b=thing, c_module=module)
    with OmniApp("app"):
        pass
    assert (seen, thing.seen) == (["class app", "module app"], ["app"])
    assert list(problems(Extensions.discover())) == ["a-class", "good", "c-module"]


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (RuntimeError("bad plugin"), "failed: RuntimeError: bad plugin"),
        (type("Odd", (BaseException,), {})("odd"), "failed: Odd: odd"),
        (ImportError("no module named x"), "no module named x"),
    ],
)
@pytest.mark.parametrize("where", ["load", "make", "functions", "register", "startup"])
def test_one_that_fails_anywhere_is_named_and_the_others_are_used(monkeypatch, where, broken, told):
    def fail(*_):
        raise broken

    methods = {where: fail} if where in ("functions", "register", "startup") else {}
    bad = type("Bad", (), {"name": "bad", "__init__": fail} if where == "make" else {"name": "bad", **methods})
    points = [Point("bad", fail if where == "load" else lambda: bad), Point("good", Good)]
    points[1]._load = lambda: Good
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    app = OmniApp("app")
    with app:
        found = problems(app.kernel.extensions)
    assert told in found["bad"]
    assert found["good"] == ""


@pytest.mark.parametrize("where", ["load", "register"])
def test_one_that_does_not_end_is_named_and_the_others_are_used(monkeypatch, where):
    let_go = threading.Event()

    class Slow:
        name = "slow"

        def __init__(self) -> None:
            if where == "load":
                let_go.wait()

        def register(self, app) -> None:
            let_go.wait()

    points = [Point("a", lambda: Slow), Point("good", lambda: Good)]
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: points)
    extensions = Extensions.discover(deadline_s=0.05)
    with OmniApp("app", extensions=extensions):
        found = problems(extensions)
    assert [problem for problem in found.values() if "did not end within 0.05 s" in problem]
    assert found["good"] == ""
    let_go.set()


@pytest.mark.parametrize("exit_", [SystemExit(1), KeyboardInterrupt()])
def test_an_exit_is_no_plugin_s_failure(monkeypatch, exit_):
    def leave():
        raise exit_

    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [Point("a", leave)])
    with pytest.raises(type(exit_)):
        Extensions.discover()


@pytest.mark.parametrize("name", ["Has Space", "", 7, "a" * 64, "a.b"])
def test_a_name_that_no_plugin_may_have_is_told(installed, name):
    installed(one=type("P", (), {"name": name}))
    (extension,) = Extensions.discover().all()
    assert ("is not a name" in extension.problem) is bool(name)  # an empty one is none: the entry point's counts


def test_the_second_of_two_with_one_name_is_told_who_has_it(installed):
    installed(a=type("A", (), {"name": "same"}), b=type("B", (), {"name": "same"}))
    first, second = Extensions.discover().all()
    assert (first.problem, second.problem) == ("", "its name same is taken by pack.a:Plugin")


def test_a_package_without_its_metadata_has_no_version_and_is_used(monkeypatch):
    class Damaged:
        @property
        def version(self):
            raise TypeError("the metadata is gone")

    point = Point("good", lambda: Good)
    point.dist = Damaged()
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [point])
    (found,) = Extensions.discover().all()
    assert (found.name, found.version, found.problem) == ("good", "", "")


def test_entry_points_of_other_groups_are_not_touched(monkeypatch):
    monkeypatch.setattr(importlib.metadata, "entry_points", lambda **_: [Point("a", Good, group="console_scripts")])
    assert Extensions.discover().all() == ()


def test_a_hook_may_have_another_name_and_fewer_arguments(installed):
    seen: list[str] = []

    class Marked:
        @hookimpl(specname="register")
        def when_loaded(self) -> None:
            seen.append("loaded")

    installed(marked=Marked)
    with OmniApp("app"):
        pass
    assert seen == ["loaded"]


def test_a_hook_that_wants_what_there_is_not_is_told(installed):
    installed(odd=type("Odd", (), {"register": lambda self, app, moon: None}))
    (extension,) = Extensions.discover().all()
    assert "moon" in extension.problem


def test_hooks_come_in_their_order_around_the_modules_of_all(installed):
    log: list[str] = []

    class Whole:
        name = "whole"

        async def register(self, app) -> None:
            log.append("register")
            app.add_module(Noting("its-own", log))

        def startup(self) -> None:
            log.append("startup")

        async def shutdown(self) -> None:
            log.append("shutdown")

    installed(whole=Whole)
    app = OmniApp("app")
    app.add_module(Noting("a", log))
    with app:
        pass
    assert log == ["register", "start a", "start its-own", "startup", "shutdown", "stop its-own", "stop a"]


@pytest.mark.parametrize("at", ["start", "stop"])
def test_a_plugin_s_module_that_fails_takes_only_that_plugin_out(installed, at):
    log: list[str] = []

    class Bringing:
        name = "bringing"

        def register(self, app) -> None:
            app.add_module(Failing("bad", log, at=at, error=OSError("x")))

    installed(bringing=Bringing)
    app = OmniApp("app")
    app.add_module(Noting("a", log))
    with app:
        pass
    doing = "starting" if at == "start" else "stopping"
    assert f"{doing} its module bad failed" in problems(app.kernel.extensions)["bringing"]
    assert (log[0], log[-1]) == ("start a", "stop a")


async def test_events_reach_a_plugin_one_after_the_other_until_it_fails_five_times_in_a_row():
    seen: list[int] = []

    class Listening:
        def on_event(self, event) -> None:
            if event.topic == "app.tick":
                seen.append(event.data)
                if event.data != 2:
                    raise ValueError(event.data)

    extensions = Extensions()
    extensions.add(Extension("l", "x:L"), lambda: Listening)
    async with Kernel("k", extensions=extensions) as kernel:
        (task,) = kernel._listeners
        for number in range(10):
            kernel.bus.publish("app.tick", number)
        async with asyncio.timeout(60):
            await task
    assert seen == [0, 1, 2, 3, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("offered", "told"),
    [
        ([7], "is not a function"),
        ({"bad name": len}, "is not a function"),
        ([NativeFunction(len, name="a"), NativeFunction(max, name="a")], "a is offered twice"),
        ({f"f{number}": len for number in range(257)}, "over 256 functions"),
        (42, "failed: TypeError"),
    ],
)
def test_functions_that_cannot_be_offered_are_told(installed, offered, told):
    installed(one=type("P", (), {"functions": lambda self: offered}))
    (extension,) = Extensions.discover().all()
    assert told in extension.problem
