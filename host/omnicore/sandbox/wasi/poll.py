"""`poll_oneoff`: waiting, which is sleeping, for everything a guest can open here is ready at once.

It is a coroutine, so a sleeping guest holds no thread of an event loop. A sleep ends at the call's deadline.
A call object with `interrupted()` is asked every 10 ms; an engine that cuts sleeping calls by cancelling the
coroutine leaves that method out, and a thousand sleeping guests then cost no wake-ups.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass
from typing import Any, Final

from omnicore.errors import CallCancelled, DeadlineExceeded
from omnicore.sandbox.abi import HostCall
from omnicore.sandbox.wasi.clocks import Clocks
from omnicore.sandbox.wasi.errno import BADF, INVAL, SUCCESS, WasiError
from omnicore.sandbox.wasi.layout import EVENT, SUBSCRIPTION, U32
from omnicore.sandbox.wasi.session import WasiSession

MAX_SUBSCRIPTIONS: Final = 1024
SLICE_S: Final = 0.010

_CLOCK, _READ, _WRITE = range(3)
_ABSOLUTE: Final = 1
_HANGUP: Final = 1


@dataclass(frozen=True, slots=True)
class Timer:
    """A clock subscription. Units: `wait_ns` nanoseconds from now."""

    userdata: int
    wait_ns: int


async def poll_oneoff(
    session: WasiSession, call: HostCall, subscriptions: int, events: int, count: int, out: int
) -> int:
    """Waits for the first of the subscriptions and writes the events that have happened."""
    if not 0 < count <= MAX_SUBSCRIPTIONS:
        raise WasiError(INVAL)
    ready, timers = _sort(session, call.load(subscriptions, count * SUBSCRIPTION.size))
    if not ready:
        wait_ns = min(timer.wait_ns for timer in timers)
        await _sleep(session.clocks, call, wait_ns)
        ready = [_event(timer.userdata, SUCCESS, _CLOCK) for timer in timers if timer.wait_ns <= wait_ns]
    call.store(events, b"".join(ready))
    call.store(out, U32.pack(len(ready)))
    return SUCCESS


def _sort(session: WasiSession, blob: bytes) -> tuple[list[bytes], list[Timer]]:
    """Events that have happened already, and timers to wait for."""
    ready: list[bytes] = []
    timers: list[Timer] = []
    for userdata, kind, subject, timeout, flags in SUBSCRIPTION.iter_unpack(blob):
        if kind == _CLOCK:
            found = _timer(session.clocks, userdata, clock=subject, timeout=timeout, flags=flags)
        elif kind in (_READ, _WRITE):
            found = _stream(session, userdata, kind=kind, fd=subject)
        else:
            raise WasiError(INVAL)
        if isinstance(found, bytes):
            ready.append(found)
        else:
            timers.append(found)
    return ready, timers


def _timer(clocks: Clocks, userdata: int, *, clock: int, timeout: int, flags: int) -> bytes | Timer:
    try:
        now = clocks.read(clock)
    except WasiError as refusal:
        return _event(userdata, refusal.number, _CLOCK)
    wait_ns = max(0, timeout - now) if flags & _ABSOLUTE else timeout
    return Timer(userdata, wait_ns) if wait_ns else _event(userdata, SUCCESS, _CLOCK)


def _stream(session: WasiSession, userdata: int, *, kind: int, fd: int) -> bytes:
    try:
        entry = session.entry(fd)
    except WasiError as refusal:
        return _event(userdata, refusal.number, kind)
    size = entry.readable_bytes() if kind == _READ else entry.writable_bytes()
    if size is None:
        return _event(userdata, BADF, kind)
    return _event(userdata, SUCCESS, kind, size=size, flags=_HANGUP if kind == _READ and not size else 0)


def _event(userdata: int, error: int, kind: int, *, size: int = 0, flags: int = 0) -> bytes:
    return EVENT.pack(userdata, error, kind, size, flags)


async def _sleep(clocks: Clocks, call: HostCall, wait_ns: int) -> None:
    """Sleeps, on a frozen clock by moving it. Raises: DeadlineExceeded, CallCancelled."""
    interrupted: Any = getattr(call, "interrupted", None)
    wake = time.monotonic() + (0 if clocks.frozen else wait_ns / 1e9)
    while True:
        if interrupted is not None and interrupted():
            raise CallCancelled("the call was cancelled while the guest slept")
        now = time.monotonic()
        if now >= call.deadline:
            raise _too_late()
        if now >= wake:
            break
        left = min(wake, call.deadline) - now
        await asyncio.sleep(left if interrupted is None else min(left, SLICE_S))
    if clocks.frozen:
        clocks.skip(wait_ns)


def _too_late() -> DeadlineExceeded:
    return DeadlineExceeded(
        "the call ran out of time while the guest slept",
        remedy="let it sleep less, or raise limits.timeout_s",
        limit="timeout_s",
    )
