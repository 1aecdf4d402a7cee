"""A store with what one component's calls need: deadline, budgets, resources, and what doors are given as a call."""

from __future__ import annotations

import os
import threading
import time
from typing import TYPE_CHECKING, Any, Final

from omnicore.errors import Conflict, GuestFailed, LimitExceeded, OmniError
from omnicore.sandbox.abi import LogLevel
from omnicore.sandbox.capi.callbacks import Callback, epoch_callback
from omnicore.sandbox.capi.faults import new_error
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer
from omnicore.sandbox.component.streams import Printed
from omnicore.sandbox.extism import interrupt
from omnicore.sandbox.extism.interrupt import shielded
from omnicore.sandbox.reasons import cancelled, overtime
from omnicore.sandbox.wasi.chance import random_source
from omnicore.sandbox.wasi.clocks import Clocks

if TYPE_CHECKING:
    from omnicore.sandbox.component.parts import Parts

__all__ = ["CELLS", "Cell"]

CELLS: dict[int, Cell] = {}
"""Cells by the context of their store, which the engine hands to callbacks."""

REQUEST, REPLY = 1, 2
"""The handles of a door call's request and reply."""

RESERVE: Final = 10_000  # instructions: the engine looks at the tank at loops and function entries only
_MOST_RESOURCES = 1_024
_INSTANCES = 256


class Cell:
    """One store. It is also the `HostCall` that doors are given.

    Used by one thread at a time; only `cancel` may come from another. Owns: the store; `close` frees it.
    """

    # fmt: off
    __slots__ = (
        "_budget_open", "_cut", "_next", "answer", "broken", "calls_left", "cancelled", "clocks", "context",
        "deadline", "error", "host_context", "http_left", "instance", "limits", "log_bytes_left",
        "log_lines_left", "parts", "printed", "random", "raw_store", "request", "resources",
    )
    # fmt: on

    def __init__(self, parts: Parts) -> None:
        limits = parts.limits
        self.parts, self.limits = parts, limits
        self.broken = self.cancelled = False
        self.deadline = 0.0
        self.error: BaseException | None = None
        self.host_context: Any = None
        self.calls_left = limits.host_calls
        self._budget_open = False
        self._cut = threading.Event()
        self._next = 0
        self.request, self.answer = b"", b""
        self.resources: dict[int, Any] = {}
        self.printed = Printed(limits.log_bytes)
        wasi = parts.doors.wasi
        frozen, seed = (wasi.frozen_clock_ns, wasi.seed) if wasi is not None else (None, None)
        self.clocks = Clocks(wall_ns=time.time_ns, monotonic_ns=time.monotonic_ns, frozen_at_ns=frozen)
        self.random = random_source(seed)
        self.instance = Buffer(2)
        self.raw_store: int = lib.wasmtime_store_new(parts.engine.pointer, None, None)
        self.context: int = lib.wasmtime_store_context(self.raw_store)
        CELLS[self.context] = self
        share = parts.memory_share
        lib.wasmtime_store_limiter(
            self.raw_store, share, parts.table_share, _INSTANCES, parts.most_tables, parts.most_memories
        )
        lib.wasmtime_store_epoch_deadline_callback(self.raw_store, _AT_EPOCH[1], self.context, None)

    # What doors use: `HostCall`.

    def read(self, handle: int) -> bytes:
        """The request of the running door call. Raises: GuestFailed for another handle."""
        if handle != REQUEST:
            raise GuestFailed(f"there is no block {handle}")
        return self.request

    def write(self, data: bytes) -> int:
        """Keeps the reply of the running door call."""
        self.answer = data
        return REPLY

    def free(self, handle: int) -> None:
        """Does nothing: a component's door calls leave no blocks."""

    def load(self, address: int, length: int) -> bytes:
        """Raises: GuestFailed, always: a component's memory is its own."""
        raise GuestFailed("a component's memory cannot be read from outside")

    def store(self, address: int, data: bytes) -> None:
        """Raises: GuestFailed, always: a component's memory is its own."""
        raise GuestFailed("a component's memory cannot be written from outside")

    def interrupted(self) -> bool:
        """True when the call has been cancelled; long host functions ask and stop."""
        return self.cancelled

    def seconds_left(self) -> float:
        """Until the deadline; negative after it."""
        return self.deadline - time.monotonic()

    # The running call.

    def begin(self, timeout_s: float, host_context: Any) -> None:
        """Fills the budgets for a call. Raises: Conflict: the sandbox is gone."""
        if self.broken:
            raise Conflict("the sandbox is closed or its call was cut", remedy="make a new instance")
        self.host_context = host_context
        self.calls_left = self.limits.host_calls
        self.cancelled = self._budget_open = False
        self._cut.clear()
        self.error = None
        if self.limits.fuel is not None:
            lib.wasmtime_context_set_fuel(self.context, self.limits.fuel + RESERVE)
        self.deadline = time.monotonic() + timeout_s

    @shielded
    def fail(self, error: BaseException) -> int:
        """Keeps what a host function raised and returns the error that ends the guest."""
        if self.error is None:
            self.error = error
        return new_error(b"a host function failed")

    def wait(self, seconds: float) -> None:
        """Sleeps for the guest. Raises: DeadlineExceeded, CallCancelled: the call's end comes first."""
        self._cut.wait(max(0.0, min(seconds, self.seconds_left())))
        self.check()

    def check(self) -> None:
        """Raises: CallCancelled, DeadlineExceeded."""
        if self.cancelled:
            raise cancelled()
        if self.seconds_left() <= 0:
            raise overtime()

    def cancel(self) -> None:
        """Ends the running call, from any thread."""
        self.cancelled = True
        self._cut.set()

    def keep(self, resource: Any) -> int:
        """Gives a resource its number. Raises: LimitExceeded."""
        if len(self.resources) >= _MOST_RESOURCES:
            raise LimitExceeded(
                f"the component holds more than {_MOST_RESOURCES} resources of the host",
                remedy="drop streams and pollables that are no longer needed",
                limit="resources",
                allowed=_MOST_RESOURCES,
            )
        self._next = (self._next + 1) & 0x7FFFFFFF
        self.resources[self._next] = resource
        return self._next

    # Budgets.

    def _open_budgets(self) -> None:
        if not self._budget_open:
            self._budget_open = True
            self.http_left = self.limits.http_requests
            self.log_lines_left = self.limits.log_lines
            self.log_bytes_left = self.limits.log_bytes

    def spend_call(self) -> None:
        """Counts a host call. Raises: LimitExceeded."""
        self.calls_left -= 1
        if self.calls_left < 0:
            raise _spent("host_calls", self.limits.host_calls, "made more than {} host calls")

    def spend_http(self) -> None:
        """Counts a request. Raises: LimitExceeded."""
        self._open_budgets()
        self.http_left -= 1
        if self.http_left < 0:
            raise _spent("http_requests", self.limits.http_requests, "made more than {} HTTP requests")

    def log(self, level: LogLevel, message: str) -> None:
        """Hands a line to the log door. Raises: LimitExceeded."""
        self._open_budgets()
        self.log_lines_left -= 1
        self.log_bytes_left -= len(message.encode(errors="replace"))
        if self.log_lines_left < 0:
            raise _spent("log_lines", self.limits.log_lines, "logged more than {} lines")
        if self.log_bytes_left < 0:
            raise _spent("log_bytes", self.limits.log_bytes, "logged more than {} bytes")
        if self.parts.doors.log is not None:
            self.parts.doors.log(level, message)

    def http_requests(self) -> int:
        """How many the running or last call made."""
        self._open_budgets()
        return self.limits.http_requests - max(0, self.http_left)

    def log_printed(self) -> None:
        """Hands what the guest printed to the log, as far as its budget goes."""
        for level, line in self.printed.lines():
            if self.parts.doors.log is None:
                return
            try:
                self.log(level, line)
            except LimitExceeded:
                return

    def fuel_used(self) -> int | None:
        """Instructions of the last call; None without a limit."""
        if self.limits.fuel is None:
            return None
        left = Buffer(1)
        lib.wasmtime_context_get_fuel(self.context, left.address)
        return self.limits.fuel + RESERVE - left.words[0]

    def orphan(self) -> None:
        """What a fork makes of the cell in the child: its store belongs to the parent and is never touched."""
        self.broken = True

    def close(self) -> bool:
        """Frees the store; False when that was done before."""
        if CELLS.get(self.context) is not self:
            return False
        del CELLS[self.context]
        self.broken = True
        if self.parts.engine.ours:
            lib.wasmtime_store_delete(self.raw_store)
        self.resources.clear()
        return True


def _spent(limit: str, allowed: int, text: str) -> OmniError:
    return LimitExceeded(
        f"the call {text.format(allowed)}",
        remedy=f"use fewer, or raise limits.{limit}",
        limit=limit,
        allowed=allowed,
    )


def _orphan_cells() -> None:
    for cell in CELLS.values():
        cell.orphan()


os.register_at_fork(after_in_child=_orphan_cells)


@interrupt.shielded
def _at_epoch(_context: int, key: int, delta: Any, kind: Any) -> int | None:
    try:
        delta[0] = 1
        kind[0] = 0
        cell = CELLS[key]
        reason = _reason(cell)
        if reason is None:
            return None
        if cell.error is None:
            cell.error = reason
    except BaseException as error:
        return new_error(f"the epoch callback failed: {error!r}".encode())
    return new_error(b"the call was cut")


def _reason(cell: Cell) -> BaseException | None:
    if cell.cancelled:
        return cancelled()
    if cell.seconds_left() <= 0:
        return overtime()
    if interrupt.PENDING:
        try:
            interrupt.deliver()
        except BaseException as error:
            return error
    return None


_AT_EPOCH: Callback = epoch_callback(_at_epoch)
