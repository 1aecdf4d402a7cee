"""What the tests of Ctrl-C, fork and late use run as a process: `python -m tests.hostile.signals WHAT`."""

from __future__ import annotations

import os
import signal
import sys
import threading
import time
from contextlib import closing, suppress

from tests.hostile import guests
from tests.hostile.corpus import compute

from omnicore.errors import DeadlineExceeded, OmniError
from omnicore.sandbox.abi import Doors, HostCall, HostFunction, Limits
from omnicore.sandbox.engine import Template
from omnicore.sandbox.extism.engine import ExtismEngine

_LIMITS = Limits(timeout_s=20.0, host_calls=10**9)


def _interrupt_soon(after_s: float) -> list[float]:
    """Sends this process SIGINT once, and notes when."""
    sent: list[float] = []

    def send() -> None:
        time.sleep(after_s)
        sent.append(time.monotonic())
        os.kill(os.getpid(), signal.SIGINT)

    threading.Thread(target=send, daemon=True).start()
    return sent


def _interrupted(template: Template, neighbour: Template) -> None:
    waits = []
    for turn in range(5):
        with closing(template.instance()) as instance:
            sent = _interrupt_soon(0.1 + 0.013 * turn)
            try:
                instance.call("run", b"")
            except KeyboardInterrupt:
                waits.append(time.monotonic() - sent[0])
        with closing(neighbour.instance()) as instance:
            assert instance.call("run", b"still here") == b"still here"
    assert len(waits) == 5
    print(f"{sorted(waits)[2]:.4f}")


def _ask(call: HostCall, handle: int) -> int:
    return handle


def ctrl_c_loop(engine: ExtismEngine, neighbour: Template) -> None:
    """Case 78: a guest that calls nobody."""
    _interrupted(engine.load([("main", guests.loop())], _LIMITS, Doors()), neighbour)


def ctrl_c_host_calls(engine: ExtismEngine, neighbour: Template) -> None:
    """Case 77: a guest that is in and out of a host function."""
    doors = Doors(functions=(HostFunction("extism:host/user", "ask", ("i64",), ("i64",), _ask),))
    _interrupted(engine.load([("main", guests.ask_for_ever())], _LIMITS, doors), neighbour)


def _in_child(engine: ExtismEngine, neighbour: Template) -> None:
    with closing(neighbour.instance()) as instance:
        assert instance.call("run", b"in the child") == b"in the child"
    looping = engine.load([("main", compute.loop())], Limits(timeout_s=0.3), Doors())
    with closing(looping.instance()) as instance, suppress(DeadlineExceeded):
        instance.call("run", b"")
        raise AssertionError("the loop ended")


def fork(engine: ExtismEngine, neighbour: Template) -> None:
    """Case 85: a forked child loads, compiles, calls and times out; the parent goes on."""
    with closing(neighbour.instance()) as instance:
        instance.call("run", b"before")
    started = time.monotonic()
    child = os.fork()
    if child == 0:
        try:
            _in_child(engine, neighbour)
            os._exit(0)
        finally:
            os._exit(1)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    with closing(neighbour.instance()) as instance:
        assert instance.call("run", b"after") == b"after"
    print(f"{time.monotonic() - started:.4f}")


def late(engine: ExtismEngine, neighbour: Template) -> None:
    """Case 83: a host function keeps what it was given and uses it after the call, and after the store."""
    kept: list[HostCall] = []

    def ask(call: HostCall, handle: int) -> int:
        kept.append(call)
        return handle

    doors = Doors(functions=(HostFunction("extism:host/user", "ask", ("i64",), ("i64",), ask),))
    template = engine.load([("main", guests.ask())], _LIMITS, doors)
    instance = template.instance()
    instance.call("run", b"data")
    _use(kept[0])
    instance.close()
    template.close()
    _use(kept[0])
    with closing(neighbour.instance()) as other:
        assert other.call("run", b"after") == b"after"
    print(0)


def _use(call: HostCall) -> None:
    for use in (
        lambda: call.write(b"late"),
        lambda: call.read(64),
        lambda: call.load(0, 4),
        lambda: call.free(64),
    ):
        with suppress(OmniError, RuntimeError, ValueError):
            use()


def main() -> None:
    """The command."""
    engine = ExtismEngine(None)
    neighbour = engine.load([("main", guests.echo())], Limits(), Doors())
    parts = {"loop": ctrl_c_loop, "host-calls": ctrl_c_host_calls, "fork": fork, "late": late}
    parts[sys.argv[1]](engine, neighbour)


if __name__ == "__main__":
    main()
