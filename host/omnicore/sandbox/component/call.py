"""A call of a component: its state, which host functions are given, and what the component prints."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from typing import Any

from omnicore.errors import GuestFailed, LimitExceeded
from omnicore.sandbox.abi import Doors, Limits, LogLevel
from omnicore.sandbox.call import CallBudget, cancelled, overtime, too_many_calls
from omnicore.sandbox.capi.library import Callback, epoch_callback, new_error, shielded
from omnicore.sandbox.extism.store import cut_short
from omnicore.sandbox.wasi.clocks import Clocks, random_source

CALLS: dict[int, ComponentCall] = {}
"""Calls by the context of their store, which the engine hands to callbacks."""

REQUEST, REPLY = 1, 2
"""The handles of a door call's request and reply."""

_MOST_RESOURCES = 1_024
_PERMIT = 4_096


class Printed:
    """Standard output and standard error of one sandbox, up to `most` bytes for both, of which `left` are left."""

    __slots__ = ("error", "left", "most", "output")

    def __init__(self, most: int) -> None:
        self.most = self.left = most
        self.output = PrintedStream(self, "info")
        self.error = PrintedStream(self, "warn")

    def permit(self) -> int:
        """Bytes that may be written at once; 0 when there is no room left."""
        return max(0, min(_PERMIT, self.left))  # a write that was too long has used up more than there was

    def spend(self, count: int) -> bool:
        """Takes room for bytes. Returns False when there is not enough."""
        self.left -= count
        return self.left >= 0

    def lines(self) -> Iterator[tuple[LogLevel, str]]:
        """Takes the lines written so far, standard error first, which makes room again."""
        self.left = self.most
        for stream in (self.error, self.output):
            data, stream.data = bytes(stream.data), bytearray()
            for line in data.decode(errors="replace").splitlines():
                yield stream.level, line


class PrintedStream:
    """Standard output or standard error."""

    __slots__ = ("_printed", "data", "level")

    def __init__(self, printed: Printed, level: LogLevel) -> None:
        self._printed = printed
        self.level = level
        self.data = bytearray()

    def permit(self) -> int:
        """Bytes that the next write may have."""
        return self._printed.permit()

    def write(self, data: bytes) -> bool:
        """Keeps bytes; False when there is no room left."""
        if not self._printed.spend(len(data)):
            return False
        self.data += data
        return True


class WasiExitError(Exception):
    """The guest exited. Args: its code."""

    def __init__(self, code: int) -> None:
        super().__init__(f"the guest exited with code {code}")
        self.code = code


class ComponentCall:
    """The state of the running call of a component. Host functions are given it as their `HostCall`.

    One for each sandbox, used again for every call. Only `cancel` may come from another thread.
    """

    on_loop = False

    # fmt: off
    __slots__ = (
        "_cut", "budget", "calls_left", "cancelled", "clocks", "context", "deadline", "door", "doors", "error",
        "host_context", "limits", "printed", "random", "resources",
    )
    # fmt: on

    def __init__(self, limits: Limits, doors: Doors, context: int) -> None:
        self.limits, self.doors, self.context = limits, doors, context
        self.cancelled = False
        self.deadline = 0.0
        self.error: BaseException | None = None
        self.host_context: Any = None
        self.calls_left = limits.host_calls
        self.budget = CallBudget(limits)
        self._cut: threading.Event | None = None
        self.door = DoorExchange()
        self.resources = Resources()
        self.printed = Printed(limits.log_bytes)
        wasi = doors.wasi
        frozen, seed = (wasi.frozen_clock_ns, wasi.seed) if wasi is not None else (None, None)
        self.clocks = Clocks(wall_ns=time.time_ns, monotonic_ns=time.monotonic_ns, frozen_at_ns=frozen)
        self.random = random_source(seed)

    def begin(self, timeout_s: float, host_context: Any) -> None:
        """Begins a call with full budgets."""
        self.host_context = host_context
        self.calls_left = self.limits.host_calls
        self.budget.filled = False
        self.cancelled = False
        self.error = None
        self.deadline = time.monotonic() + timeout_s

    # Used by doors: `HostCall`.

    def size(self, handle: int) -> int:
        """The length of the running door call's request; 0 for another handle."""
        return len(self.door.request) if handle == REQUEST else 0

    def read(self, handle: int) -> bytes:
        """The request of the running door call. Raises: GuestFailed for another handle."""
        if handle != REQUEST:
            raise GuestFailed(f"there is no block {handle}")
        return self.door.request

    def write(self, data: bytes) -> int:
        """Keeps the reply of the running door call."""
        self.door.answer(data)
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
        """Seconds until the deadline; negative after it."""
        return self.deadline - time.monotonic()

    def spend_call(self) -> None:
        """Counts a host call. Raises: LimitExceeded."""
        self.calls_left -= 1
        if self.calls_left < 0:
            raise too_many_calls(self.limits.host_calls)

    def spend_http(self) -> None:
        """Counts a request. Raises: LimitExceeded."""
        self.budget.spend_request()

    def spend(self, name: str, most: int) -> None:
        """Counts a use of what a call may use `most` times. Raises: LimitExceeded."""
        self.budget.spend(name, most)

    def log(self, level: LogLevel, message: str) -> None:
        """Hands a line to the log door. Raises: LimitExceeded."""
        self.budget.spend_line(message)
        if self.doors.log is not None:
            self.doors.log(level, message)

    def log_printed(self) -> None:
        """Hands what the guest printed to the log, as far as its budget goes."""
        printed = self.printed
        if printed.left == printed.most:
            return
        for level, line in printed.lines():
            if self.doors.log is None:
                return
            try:
                self.log(level, line)
            except LimitExceeded:
                return

    # The end of the call.

    @shielded
    def fail(self, error: BaseException) -> int:
        """Keeps what a host function raised and returns the error that ends the guest."""
        self.fail_with(error)
        return new_error(b"a host function failed")

    def fail_with(self, error: BaseException) -> None:
        """Keeps the error that ends the call, unless there is one already."""
        if self.error is None:
            self.error = error

    def take_error(self) -> BaseException | None:
        """The error that ended the call, if any, which is forgotten then."""
        error, self.error = self.error, None
        return error

    def wait(self, seconds: float) -> None:
        """Sleeps for the guest. Raises: DeadlineExceeded, CallCancelled: the call's end comes first."""
        self._cut = cut = threading.Event()  # made here: a new one for each sandbox would cost it 1 us
        self.check()
        cut.wait(max(0.0, min(seconds, self.seconds_left())))
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
        if self._cut is not None:
            self._cut.set()


class DoorExchange:
    """Request and reply of the running door call."""

    __slots__ = ("reply", "request")

    def __init__(self) -> None:
        self.begin(b"")

    def begin(self, request: bytes) -> None:
        """Puts a request in place; there is no reply yet."""
        self.request, self.reply = request, b""

    def answer(self, reply: bytes) -> None:
        """Keeps the reply."""
        self.reply = reply


class Resources:
    """Objects of the host that a component holds handles to, by number."""

    __slots__ = ("_held", "_last")

    def __init__(self) -> None:
        self._held: dict[int, Any] = {}
        self._last = 0

    def keep(self, resource: Any) -> int:
        """Gives a resource its number. Raises: LimitExceeded."""
        if len(self._held) >= _MOST_RESOURCES:
            raise LimitExceeded(
                f"the component holds more than {_MOST_RESOURCES} resources of the host",
                remedy="drop streams and pollables that are no longer needed",
                limit="resources",
                allowed=_MOST_RESOURCES,
            )
        self._last = (self._last + 1) & 0x7FFFFFFF
        self._held[self._last] = resource
        return self._last

    def __getitem__(self, number: int) -> Any:
        return self._held[number]

    def drop(self, number: int) -> None:
        """Forgets a resource."""
        self._held.pop(number, None)

    def clear(self) -> None:
        """Forgets all."""
        self._held.clear()


@shielded
def _at_epoch(_context: int, key: int, delta: Any, kind: Any) -> int | None:
    """Ends a guest that has to end. Asked at every tick, on the guest's own thread."""
    try:
        delta[0] = 1
        kind[0] = 0
        call = CALLS[key]
        reason = cut_short(call)
        if reason is None:
            return None
        call.fail_with(reason)
    except BaseException as error:
        return new_error(f"the epoch callback failed: {error!r}".encode())
    return new_error(b"the call was cut")


AT_EPOCH: Callback = epoch_callback(_at_epoch)
