"""Functions about the process: arguments, environment, clocks, random bytes and its end; no sockets."""

from __future__ import annotations

import time
from typing import Final

from omnicore.errors import DeadlineExceeded
from omnicore.sandbox.abi import KIB, HostCall
from omnicore.sandbox.wasi.clocks import CPU_CLOCKS, MONOTONIC, REALTIME, RESOLUTION_NS
from omnicore.sandbox.wasi.errno import INVAL, NOTSUP, SUCCESS, WasiError
from omnicore.sandbox.wasi.layout import PAIR, U64, store_strings
from omnicore.sandbox.wasi.session import WasiExit, WasiSession

RANDOM_CHUNK: Final = 64 * KIB
"""What is drawn at once: a guest may ask for 4 GiB, and its memory ends before the host has made that."""


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
