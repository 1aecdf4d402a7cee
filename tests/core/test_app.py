"""An application starts its modules in order, stops them in reverse, and none of them can hold it up."""

from __future__ import annotations

import asyncio
import threading
import time
from contextlib import suppress

import pytest
from tests.core.modules import Deaf, Failing, Hanging, Noting, NotingAsync

from omnicore.core.app import OmniApp
from omnicore.core.extensions import Extension, Extensions
from omnicore.core.kernel import Kernel
from omnicore.core.lifecycle import RuntimeState
from omnicore.errors import Conflict, InvalidInput, ModuleFailed


def an_app(*modules, **settings) -> OmniApp:
    app = OmniApp("test", extensions=Extensions(), **settings)
    for module in modules:
        app.add_module(module)
    return app


def test_modules_start_as_they_were_added_and_stop_in_reverse_plain_and_async_alike():
    log: list[str] = []
    app = an_app(Noting("a", log), NotingAsync("b", log), Noting("c", log))
    app.start()
    assert app.state is RuntimeState.Running
    app.stop()
    assert log == ["start a", "start b", "start c", "stop c", "stop b", "stop a"]
    assert app.state is RuntimeState.Stopped


def test_the_start_is_marked_then_plugins_load_then_modules_start_and_the_stop_is_marked_last():
    log: list[str] = []
    marks: list[tuple[bool, bool]] = []

    class Marking(Noting):
        def start(self) -> None:
            super().start()
            marks.append((app.runtime.started_at is not None, app.runtime.stopped_at is not None))

        def stop(self) -> None:
            super().stop()
            marks.append((app.runtime.started_at is not None, app.runtime.stopped_at is not None))

    class Plugin:
        name = "plugin"

        def register(self, app) -> None:
            log.append("register plugin")
            marks.append((app.runtime.started_at is not None, app.runtime.stopped_at is not None))

    extensions = Extensions()
    extensions.add(Extension("plugin", "pack:Plugin"), lambda: Plugin)
    app = OmniApp("test", extensions=extensions)
    app.add_module(Marking("a", log))
    with app:
        pass
    assert log == ["register plugin", "start a", "stop a"]
    assert marks == [(True, False)] * 3
    assert app.runtime.stopped_at is not None


def test_when_one_does_not_start_those_before_it_are_stopped_and_it_is_named():
    log: list[str] = []
    app = an_app(
        Noting("a", log),
        NotingAsync("b", log),
        Failing("bad", log, at="start", error=OSError("no disk")),
        Noting("c", log),
    )
    with pytest.raises(
        ModuleFailed, match="the module bad of test did not start: it failed: OSError: no disk"
    ) as caught:
        app.start()
    assert log == ["start a", "start b", "start bad", "stop b", "stop a"]
    assert caught.value.details == {"modules": ["bad"], "phase": "start"}
    assert isinstance(caught.value.__cause__, OSError)
    assert app.state is RuntimeState.Stopped
    assert app.runtime.stopped_at is not None
    app.stop()


def test_one_that_hangs_in_its_start_is_cut_and_named():
    log: list[str] = []
    hanging = Hanging("slow", log, at="start")
    app = an_app(Noting("a", log), hanging, start_s=0.5)
    with pytest.raises(ModuleFailed, match=r"slow of test did not start: it did not end within 0\.5 s"):
        app.start()
    assert log == ["start a", "start slow", "stop a"]
    hanging.let_go.set()


def test_one_that_hangs_in_its_stop_is_cut_and_named_and_the_others_still_stop():
    log: list[str] = []
    hanging, deaf = Hanging("slow", log, at="stop"), Deaf("deaf", log)
    app = an_app(Noting("a", log), hanging, Noting("b", log), deaf, stop_s=0.2)
    app.start()
    started = time.monotonic()
    with pytest.raises(ModuleFailed) as caught:
        app.stop()
    assert time.monotonic() - started < 20  # they would hang for ever
    assert caught.value.details == {"modules": ["deaf", "slow"], "phase": "stop"}
    assert log[4:] == ["stop deaf", "stop b", "stop slow", "stop a"]
    assert app.state is RuntimeState.Stopped
    hanging.let_go.set()


def test_one_that_fails_in_its_stop_is_named_after_all_others_have_stopped():
    log: list[str] = []
    app = an_app(Noting("a", log), Failing("bad", log, at="stop", error=ValueError("x")), Noting("c", log))
    app.start()
    with pytest.raises(ModuleFailed, match="bad failed: ValueError: x"):
        app.stop()
    assert log[3:] == ["stop c", "stop bad", "stop a"]


def test_one_whose_coroutine_blocks_the_loop_is_named():
    let_go = threading.Event()

    class Blocking(Noting):
        async def stop(self) -> None:
            let_go.wait()

    app = an_app(Blocking("rude", []), stop_s=0.05)
    app.start()
    try:
        with pytest.raises(ModuleFailed, match="rude of test blocks the event loop in stop"):
            app.stop()
        assert app.state is RuntimeState.Stopped
    finally:
        let_go.set()


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()])
def test_an_exit_in_a_start_goes_on_its_way_after_the_others_were_stopped(error):
    log: list[str] = []
    app = an_app(Noting("a", log), Failing("bad", log, at="start", error=error))
    with pytest.raises(type(error)):
        app.start()
    assert log == ["start a", "start bad", "stop a"]


def test_plain_starts_and_stops_of_an_app_are_called_on_one_thread():
    threads: list[int] = []

    class Bound:
        def __init__(self, name: str) -> None:
            self.name = name

        def start(self) -> None:
            threads.append(threading.get_ident())

        stop = start

    with an_app(Bound("a"), Bound("b")):
        pass
    assert len(threads) == 4
    assert len(set(threads)) == 1
    assert threads[0] != threading.get_ident()


def test_a_plain_function_may_return_something_to_await():
    log: list[str] = []
    inner = NotingAsync("a", log)

    class Wrapped:
        name = "wrapped"

        def start(self):
            return inner.start()

        def stop(self):
            return inner.stop()

    with an_app(Wrapped()):
        assert log == ["start a"]
    assert log == ["start a", "stop a"]


def test_stopping_twice_or_before_the_start_does_nothing():
    app = an_app(Noting("a", []))
    app.stop()
    assert app.state is RuntimeState.Uninitialized
    app.start()
    app.stop()
    app.stop()


def test_starting_twice_is_refused_and_the_app_goes_on():
    log: list[str] = []
    app = an_app(Noting("a", log))
    with app:
        with pytest.raises(Conflict, match="it runs already"):
            app.start()
        assert app.state is RuntimeState.Running
    with pytest.raises(Conflict, match="runs once"):
        app.start()
    assert log == ["start a", "stop a"]


def test_a_module_comes_before_the_start_and_has_a_name_of_its_own():
    app = an_app(Noting("a", []))
    with pytest.raises(Conflict, match="has a module a already"):
        app.add_module(Noting("a", []))
    with app, pytest.raises(Conflict, match="comes too late"):
        app.add_module(Noting("b", []))


@pytest.mark.parametrize(
    ("thing", "lacks"), [(object(), "start and stop"), (Noting, "an instance"), (Noting("", []), "a name")]
)
def test_what_is_no_module_is_told_what_it_lacks(thing, lacks):
    with pytest.raises(InvalidInput, match=lacks):
        an_app(thing)


def test_an_app_needs_a_name():
    with pytest.raises(InvalidInput, match="needs a name"):
        OmniApp("")


async def test_it_works_inside_a_running_loop_and_its_loop_is_another():
    loops: list[asyncio.AbstractEventLoop] = []

    class Looking(NotingAsync):
        async def start(self) -> None:
            loops.append(asyncio.get_running_loop())

    with an_app(Looking("a", [])) as app:
        assert app.wait(asyncio.sleep(0, "done")) == "done"
    assert loops[0] is not asyncio.get_running_loop()


def test_what_has_an_error_on_the_loop_raises_it_here():
    async def bad() -> None:
        raise ZeroDivisionError

    app = an_app()
    with app, pytest.raises(ZeroDivisionError):
        app.wait(bad())
    with pytest.raises(Conflict, match="no loop"):
        app.wait(bad())


def test_stop_on_the_app_s_own_loop_is_refused_instead_of_waiting_for_ever():
    async def stop(app: OmniApp) -> None:
        app.stop()

    with an_app() as app, pytest.raises(Conflict, match="wait for itself"):
        app.wait(stop(app))


def test_pause_and_resume_reach_the_modules_that_have_them():
    log: list[str] = []

    class Pausing(Noting):
        def pause(self) -> None:
            log.append("pause")

        async def resume(self) -> None:
            log.append("resume")

    with an_app(Pausing("a", log), Noting("b", log)) as app:
        app.pause()
        assert app.state is RuntimeState.Paused
        with pytest.raises(Conflict):
            app.pause()
        app.resume()
        assert app.state is RuntimeState.Running
        app.pause()  # a paused application can be stopped
    assert log == ["start a", "start b", "pause", "resume", "pause", "stop b", "stop a"]


def test_its_life_is_told_on_its_bus():
    app = an_app()
    with app.bus.subscribe("system.*") as events:
        with app:
            app.pause()
            app.resume()
        told = events.drain()
    assert [event.topic for event in told] == ["system.started", "system.paused", "system.resumed", "system.shutdown"]
    assert told[0].data == {"name": "test", "instance_id": app.runtime.instance_id}


def test_a_module_is_told_its_application():
    class Bound(Noting):
        def bind(self, app) -> None:
            self.app = app

    module = Bound("a", [])
    app = an_app(module)
    assert module.app is app


def test_run_in_another_thread_ends_when_it_is_asked_to():
    log: list[str] = []
    started = threading.Event()

    class Ready(Noting):
        def start(self) -> None:
            super().start()
            started.set()

    app = an_app(Noting("a", log), Ready("b", log))
    thread = threading.Thread(target=app.run)
    thread.start()
    assert started.wait(60)
    app.request_stop()
    thread.join(60)
    assert not thread.is_alive()
    assert log == ["start a", "start b", "stop b", "stop a"]


def test_no_thread_is_left_behind():
    before = set(threading.enumerate())
    with an_app(Noting("a", []), NotingAsync("b", [])):
        pass
    left = {one for one in set(threading.enumerate()) - before if not one.name.startswith("asyncio")}
    for thread in left:
        thread.join(60)
    assert not [one for one in left if one.is_alive()]


def test_two_that_stop_at_once_both_return_when_it_has_stopped():
    log: list[str] = []
    app = an_app(NotingAsync("a", log))
    app.start()
    threads = [threading.Thread(target=app.stop) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert log == ["start a", "stop a"]


async def test_the_kernel_is_the_same_for_programs_that_await():
    log: list[str] = []
    kernel = Kernel("k", extensions=Extensions())
    kernel.add_module(Noting("a", log))
    kernel.add_module(NotingAsync("b", log))
    async with kernel as app:
        assert app.running(app.modules[0])
    await kernel.stop()
    assert log == ["start a", "start b", "stop b", "stop a"]


async def test_a_start_that_is_cancelled_stops_what_has_started():
    log: list[str] = []
    begun = asyncio.Event()

    class Slow(NotingAsync):
        async def start(self) -> None:
            begun.set()
            await asyncio.Event().wait()

    kernel = Kernel("k", extensions=Extensions())
    kernel.add_module(Noting("a", log))
    kernel.add_module(Slow("b", log))
    task = asyncio.create_task(kernel.start())
    await begun.wait()
    task.cancel()
    with suppress(asyncio.CancelledError):
        await task
    assert log == ["start a", "stop a"]
    assert kernel.state is RuntimeState.Stopped


def test_a_signal_that_comes_as_the_start_ends_stops_the_modules(monkeypatch):
    log: list[str] = []
    told = threading.Event()

    class Slow(Noting):
        def start(self) -> None:
            app._news.put("signal")  # as the handler of a signal does
            told.wait(60)
            super().start()

    def late(starting):
        told.set()
        assert starting.result(60).ended_well  # it ends between the look at it and the attempt to cancel it
        give_back(starting)

    app = an_app(Slow("a", log))
    give_back = app._give_back
    monkeypatch.setattr(app, "_give_back", late)
    app.run()
    assert log == ["start a", "stop a"]
    assert app.state is RuntimeState.Stopped
