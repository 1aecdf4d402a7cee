"""Cases 76 to 84: exceptions, threads and re-entry on the host's side of a guest."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from typing import Any

import pytest
from tests.hostile import guests

from omnicore.errors import GuestTrapped, InstanceBusy, OmniError
from omnicore.sandbox.abi import Doors, HostCall, HostFunction, Limits
from omnicore.sandbox.engine import Template
from omnicore.sandbox.extism.engine import ExtismEngine

LIMITS = Limits(timeout_s=10.0, host_calls=1_000_000)


@pytest.fixture(scope="module")
def engine() -> ExtismEngine:
    """One engine, as a host has it."""
    return ExtismEngine(None)


@pytest.fixture
def load(engine: ExtismEngine) -> Iterator[Callable[..., Template]]:
    """Loads a guest with `ask` as its host function, and frees it after the test."""
    made: list[Template] = []

    def make(module: bytes, ask: Callable[..., Any] | None = None, limits: Limits = LIMITS) -> Template:
        functions = (HostFunction("extism:host/user", "ask", ("i64",), ("i64",), ask),) if ask else ()
        made.append(engine.load([("main", module)], limits, Doors(functions=functions)))
        return made[-1]

    yield make
    for template in made:
        template.close()


def _call(template: Template, data: bytes = b"") -> bytes:
    with closing(template.instance()) as instance:
        return instance.call("run", data)


@pytest.mark.parametrize(
    "kind", [ValueError, OverflowError, KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError]
)
def test_whatever_a_host_function_raises_reaches_the_caller_as_itself(
    load: Callable[..., Template], kind: type[BaseException]
) -> None:
    raised = kind("from the host")

    def ask(call: HostCall, handle: int) -> int:
        raise raised

    template = load(guests.ask(), ask)
    with pytest.raises(kind) as caught:
        _call(template)
    assert caught.value is raised
    assert _call(load(guests.echo()), b"still here") == b"still here"


@pytest.mark.parametrize("value", [None, 2**64, -(2**63) - 1, 1.5, "text", (1, 2), object()])
def test_what_a_host_function_must_not_return_never_reaches_the_guest(
    load: Callable[..., Template], value: object
) -> None:
    template = load(guests.ask(), lambda call, handle: value)
    if value is None:
        assert _call(template) == b""
        return
    with pytest.raises((TypeError, OverflowError, OmniError)):
        _call(template)


def test_exceptions_never_cross_threads(load: Callable[..., Template]) -> None:
    class OwnError(Exception):
        pass

    def ask(call: HostCall, handle: int) -> int:
        raise OwnError(call.host_context)

    template = load(guests.ask(), ask)

    def work(number: int) -> list[object]:
        seen: list[object] = []
        for turn in range(200):
            with closing(template.instance()) as instance:
                try:
                    instance.call("run", b"", host_context=(number, turn))
                except OwnError as error:
                    seen.append(error.args[0])
        return seen

    with ThreadPoolExecutor(4) as pool:
        for number, seen in enumerate(pool.map(work, range(4))):
            assert seen == [(number, turn) for turn in range(200)]


def test_outputs_never_cross_threads(load: Callable[..., Template]) -> None:
    template = load(guests.echo())

    def work(number: int) -> int:
        wrong = 0
        with closing(template.instance()) as instance:
            for turn in range(3_000):
                data = f"{number}:{turn}".encode() * (turn % 7 + 1)
                wrong += instance.call("run", data) != data
        return wrong

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [0] * 4


def test_threads_on_one_instance_get_their_own_answer_or_busy(load: Callable[..., Template]) -> None:
    with closing(load(guests.echo()).instance()) as instance:

        def work(number: int) -> tuple[int, int]:
            right = busy = 0
            for turn in range(3_000):
                data = f"{number}:{turn}".encode()
                try:
                    right += instance.call("run", data) == data
                except InstanceBusy:
                    busy += 1
            return right, busy

        with ThreadPoolExecutor(4) as pool:
            assert [sum(found) for found in pool.map(work, range(4))] == [3_000] * 4


def test_threads_that_trap_in_one_template_do_not_disturb_each_other(load: Callable[..., Template]) -> None:
    template, neighbour = load(guests.trap()), load(guests.echo())

    def work(number: int) -> int:
        traps = 0
        for turn in range(100):
            with closing(template.instance()) as instance, pytest.raises(GuestTrapped):
                instance.call("run", b"")
            traps += _call(neighbour, str(turn).encode()) == str(turn).encode()
        return traps

    with ThreadPoolExecutor(4) as pool:
        assert list(pool.map(work, range(4))) == [100] * 4


def test_instances_of_two_engines_work_inside_each_other(load: Callable[..., Template]) -> None:
    other = ExtismEngine(None).load([("main", guests.echo())], Limits(fuel=1_000_000), Doors())

    def ask(call: HostCall, handle: int) -> int:
        return call.write(_call(other, call.read(handle)) + b"!")

    try:
        assert _call(load(guests.ask(), ask), b"hello") == b"hello!"
    finally:
        other.close()


def test_an_instance_that_is_called_again_from_its_own_host_function_is_busy(
    load: Callable[..., Template],
) -> None:
    seen: list[type[BaseException]] = []

    def ask(call: HostCall, handle: int) -> int:
        try:
            call.host_context.call("run", b"again")
        except OmniError as error:
            seen.append(type(error))
        return handle

    with closing(load(guests.ask(), ask).instance()) as instance:
        assert instance.call("run", b"once", host_context=instance) == b"once"
    assert seen == [InstanceBusy]


def test_guests_that_call_each_other_without_end_stop_with_an_error(load: Callable[..., Template]) -> None:
    depth = 0

    def ask(call: HostCall, handle: int) -> int:
        nonlocal depth
        depth += 1
        return call.write(_call(template, b"deeper"))

    template = load(guests.ask(), ask)
    # Not RecursionError: Python may raise that at the first bytecode of a callback, before its `try`.
    with pytest.raises(OmniError):
        _call(template, b"start")
    assert depth > 2
    assert _call(load(guests.echo()), b"still here") == b"still here"


def test_closing_an_instance_in_its_own_host_function_is_refused_or_waits(
    load: Callable[..., Template],
) -> None:
    def ask(call: HostCall, handle: int) -> int:
        try:
            call.host_context.close()
        except OmniError:
            return handle
        return handle

    template = load(guests.ask(), ask)
    instance = template.instance()
    try:
        instance.call("run", b"once", host_context=instance)
    except OmniError as error:
        assert error.code  # noqa: PT017  both ends are sound: an answer, or a typed refusal
    instance.close()
    assert _call(load(guests.echo()), b"still here") == b"still here"


def test_closing_the_template_in_a_call_lets_the_call_finish(load: Callable[..., Template]) -> None:
    def ask(call: HostCall, handle: int) -> int:
        template.close()
        return handle

    template = load(guests.ask(), ask)
    assert _call(template, b"data") == b"data"


def test_one_plugins_deadline_does_not_cut_another(load: Callable[..., Template]) -> None:
    hurried = load(guests.loop(), limits=Limits(timeout_s=0.2))
    patient = load(guests.loop(), limits=Limits(timeout_s=30.0))
    begun, ended = threading.Event(), threading.Event()
    instance = patient.instance()

    def wait() -> None:
        begun.set()
        with pytest.raises(OmniError, match="cancel"):
            instance.call("run", b"")
        ended.set()

    thread = threading.Thread(target=wait)
    thread.start()
    begun.wait(60)
    for _ in range(3):
        with pytest.raises(OmniError, match="timeout"):
            _call(hurried)
    assert not ended.is_set()
    while thread.is_alive():
        instance.cancel()
        thread.join(0.05)
    assert ended.is_set()
    instance.close()
