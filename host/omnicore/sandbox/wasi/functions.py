"""All 46 functions of `wasi_snapshot_preview1`, with their types, as host functions of the engine."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from inspect import iscoroutinefunction
from typing import Any, Final

from omnicore.errors import CallCancelled, DeadlineExceeded, GuestFailed
from omnicore.sandbox.abi import KIB, HostCall, HostFunction, ValueType
from omnicore.sandbox.wasi import calls
from omnicore.sandbox.wasi import calls as path_calls
from omnicore.sandbox.wasi.clocks import CPU_CLOCKS, MONOTONIC, REALTIME, RESOLUTION_NS, Clocks
from omnicore.sandbox.wasi.preview1 import (
    BADF,
    EVENT,
    FAULT,
    INVAL,
    NOTSUP,
    PAIR,
    SUBSCRIPTION,
    SUCCESS,
    U32,
    U64,
    WasiError,
    from_host,
    store_strings,
)
from omnicore.sandbox.wasi.session import WasiExit, WasiSession

MAX_SUBSCRIPTIONS: Final = 1024
SLICE_S: Final = 0.010

_CLOCK, _READ, _WRITE = range(3)
_ABSOLUTE: Final = 1
_HANGUP: Final = 1


@dataclass(frozen=True, slots=True)
class ClockSubscription:
    """A clock subscription. Units: `wait_ns` nanoseconds from now."""

    userdata: int
    wait_ns: int


async def poll_oneoff(
    session: WasiSession, call: HostCall, subscriptions: int, events: int, count: int, out: int
) -> int:
    """Waits for the first of the subscriptions and writes the events that have happened.

    Waiting means sleeping, because everything a guest can open here is ready at once. It is a coroutine, so a sleeping
    guest holds no thread of an event loop. A sleep ends at the call's deadline. A call object with `interrupted()` is
    checked every 10 ms; an engine that cancels the coroutine leaves that method out, and a thousand sleeping guests
    then cost no wake-ups.
    """
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


def _sort(session: WasiSession, blob: bytes) -> tuple[list[bytes], list[ClockSubscription]]:
    """Events that have happened already, and timers to wait for."""
    ready: list[bytes] = []
    timers: list[ClockSubscription] = []
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


def _timer(clocks: Clocks, userdata: int, *, clock: int, timeout: int, flags: int) -> bytes | ClockSubscription:
    try:
        now = clocks.read(clock)
    except WasiError as refusal:
        return _event(userdata, refusal.number, _CLOCK)
    wait_ns = max(0, timeout - now) if flags & _ABSOLUTE else timeout
    return ClockSubscription(userdata, wait_ns) if wait_ns else _event(userdata, SUCCESS, _CLOCK)


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


RANDOM_CHUNK: Final = 64 * KIB
"""Bytes drawn at once: a guest may ask for 4 GiB, and its memory ends before the host has made that."""


def args_get(session: WasiSession, call: HostCall, pointers: int, buffer: int) -> int:
    """Writes the arguments and the table of pointers to them."""
    store_strings(call, pointers, buffer, session.arguments)
    return SUCCESS


def args_sizes_get(session: WasiSession, call: HostCall, count: int, size: int) -> int:
    """Writes how many arguments there are and how much room they take."""
    return _store_sizes(call, session.arguments, count, size)


def environ_get(session: WasiSession, call: HostCall, pointers: int, buffer: int) -> int:
    """Writes the environment and the table of pointers to its variables."""
    store_strings(call, pointers, buffer, session.environment)
    return SUCCESS


def environ_sizes_get(session: WasiSession, call: HostCall, count: int, size: int) -> int:
    """Writes how many variables there are and how much room they take."""
    return _store_sizes(call, session.environment, count, size)


def _store_sizes(call: HostCall, strings: tuple[bytes, ...], count: int, size: int) -> int:
    packed = PAIR.pack(len(strings), sum(len(text) + 1 for text in strings))
    call.store(count, packed[:4])
    call.store(size, packed[4:])
    return SUCCESS


def clock_res_get(session: WasiSession, call: HostCall, clock: int, out: int) -> int:
    """Writes the resolution of a clock."""
    if clock not in (REALTIME, MONOTONIC):
        raise WasiError(NOTSUP if clock in CPU_CLOCKS else INVAL)
    call.store(out, U64.pack(RESOLUTION_NS))
    return SUCCESS


def clock_time_get(session: WasiSession, call: HostCall, clock: int, precision: int, out: int) -> int:
    """Writes the time of a clock; the precision asked for is not looked at."""
    call.store(out, U64.pack(session.clocks.read(clock)))
    return SUCCESS


def random_get(session: WasiSession, call: HostCall, address: int, length: int) -> int:
    """Fills a buffer with random bytes."""
    if length <= RANDOM_CHUNK:
        call.store(address, session.random(length))
        return SUCCESS
    for at in range(0, length, RANDOM_CHUNK):
        call.store(address + at, session.random(min(RANDOM_CHUNK, length - at)))
        if time.monotonic() > call.deadline:
            raise DeadlineExceeded("the call ran out of time while the guest drew random bytes", limit="timeout_s")
    return SUCCESS


def proc_exit(session: WasiSession, call: HostCall, code: int) -> None:
    """Ends the guest. Raises: WasiExit."""
    raise WasiExit(code)


def sched_yield(session: WasiSession, call: HostCall) -> int:
    """Does nothing: the epoch decides when a guest gives way."""
    return SUCCESS


def refuse(session: WasiSession, call: HostCall, *arguments: int) -> int:
    """Signals and sockets: there are none."""
    return NOTSUP


NAMESPACE: Final = "wasi_snapshot_preview1"

SessionOf = Callable[[HostCall], WasiSession]
"""The session of the instance that runs the call."""

Implementation = Callable[..., Any]

# One letter a parameter: i is i32, l is i64.
_TABLE: Final[dict[str, tuple[Implementation, str]]] = {
    "args_get": (args_get, "ii"),
    "args_sizes_get": (args_sizes_get, "ii"),
    "environ_get": (environ_get, "ii"),
    "environ_sizes_get": (environ_sizes_get, "ii"),
    "clock_res_get": (clock_res_get, "ii"),
    "clock_time_get": (clock_time_get, "ili"),
    "fd_advise": (calls.fd_advise, "illi"),
    "fd_allocate": (calls.fd_allocate, "ill"),
    "fd_close": (calls.fd_close, "i"),
    "fd_datasync": (calls.fd_sync, "i"),
    "fd_fdstat_get": (calls.fd_fdstat_get, "ii"),
    "fd_fdstat_set_flags": (calls.fd_fdstat_set_flags, "ii"),
    "fd_fdstat_set_rights": (calls.fd_fdstat_set_rights, "ill"),
    "fd_filestat_get": (calls.fd_filestat_get, "ii"),
    "fd_filestat_set_size": (calls.fd_filestat_set_size, "il"),
    "fd_filestat_set_times": (calls.fd_filestat_set_times, "illi"),
    "fd_pread": (calls.fd_pread, "iiili"),
    "fd_prestat_get": (calls.fd_prestat_get, "ii"),
    "fd_prestat_dir_name": (calls.fd_prestat_dir_name, "iii"),
    "fd_pwrite": (calls.fd_pwrite, "iiili"),
    "fd_read": (calls.fd_read, "iiii"),
    "fd_readdir": (calls.fd_readdir, "iiili"),
    "fd_renumber": (calls.fd_renumber, "ii"),
    "fd_seek": (calls.fd_seek, "ilii"),
    "fd_sync": (calls.fd_sync, "i"),
    "fd_tell": (calls.fd_tell, "ii"),
    "fd_write": (calls.fd_write, "iiii"),
    "path_create_directory": (path_calls.path_create_directory, "iii"),
    "path_filestat_get": (path_calls.path_filestat_get, "iiiii"),
    "path_filestat_set_times": (path_calls.path_filestat_set_times, "iiiilli"),
    "path_link": (path_calls.path_link, "iiiiiii"),
    "path_open": (path_calls.path_open, "iiiiillii"),
    "path_readlink": (path_calls.path_readlink, "iiiiii"),
    "path_remove_directory": (path_calls.path_remove_directory, "iii"),
    "path_rename": (path_calls.path_rename, "iiiiii"),
    "path_symlink": (path_calls.path_symlink, "iiiii"),
    "path_unlink_file": (path_calls.path_unlink_file, "iii"),
    "poll_oneoff": (poll_oneoff, "iiii"),
    "proc_exit": (proc_exit, "i"),
    "proc_raise": (refuse, "i"),
    "random_get": (random_get, "ii"),
    "sched_yield": (sched_yield, ""),
    "sock_accept": (refuse, "iii"),
    "sock_recv": (refuse, "iiiiii"),
    "sock_send": (refuse, "iiiii"),
    "sock_shutdown": (refuse, "ii"),
}

_LETTERS: Final[dict[str, ValueType]] = {"i": "i32", "l": "i64"}


def wasi_functions(session_of: SessionOf) -> tuple[HostFunction, ...]:
    """The functions, defined once for every instance whose session `session_of` finds.

    Each returns an error number. Beyond those, `proc_exit` raises WasiExit, output over its limit
    LimitExceeded, and `poll_oneoff`, which is a coroutine function, DeadlineExceeded and CallCancelled.
    """
    return tuple(
        HostFunction(
            namespace=NAMESPACE,
            name=name,
            params=tuple(_LETTERS[letter] for letter in letters),
            results=() if name == "proc_exit" else ("i32",),
            run=_bound(implementation, session_of),
        )
        for name, (implementation, letters) in _TABLE.items()
    )


def _bound(implementation: Implementation, session_of: SessionOf) -> Callable[..., Any]:
    if iscoroutinefunction(implementation):
        return _bound_coroutine(implementation, session_of)

    def run(call: HostCall, *arguments: int) -> Any:
        try:
            return implementation(session_of(call), call, *arguments)
        except WasiError as refusal:
            return refusal.number
        except GuestFailed:
            return FAULT
        except OSError as error:
            return from_host(error)

    return run


def _bound_coroutine(implementation: Implementation, session_of: SessionOf) -> Callable[..., Any]:
    async def run(call: HostCall, *arguments: int) -> Any:
        try:
            return await implementation(session_of(call), call, *arguments)
        except WasiError as refusal:
            return refusal.number
        except GuestFailed:
            return FAULT

    return run
