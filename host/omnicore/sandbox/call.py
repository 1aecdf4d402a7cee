"""Parts of a call that all engines share: errors, budgets, coroutines of host functions, and Ctrl-C.

Python runs signal handlers at the first bytecode after the signal. While a guest runs on the main thread, that is
the first bytecode of a callback, before its `try`: an exception raised there is lost and leaves C with an undefined
result. Our handler therefore runs before the installed one, Python's own or the application's, and checks the code it
interrupts. In code that must not be left half-way it only records the signal, and the other handler runs at the next
tick or at the end of the call. Anywhere else, host functions included, it runs at once.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, Protocol, TypeVar

from omnicore.errors import CallCancelled, DeadlineExceeded, InstanceBusy, InvalidInput, LimitExceeded
from omnicore.sandbox.abi import Limits

__all__ = [
    "PENDING",
    "CallBudget",
    "Running",
    "background_loop",
    "busy",
    "cancelled",
    "cut_short",
    "deliver",
    "guarded",
    "install",
    "overtime",
    "result_of",
    "shielded",
    "too_long",
    "too_many_calls",
    "too_much",
    "too_nested",
]

_LOOK_S = 0.02  # how often a waiting call looks whether it was cancelled


def overtime() -> DeadlineExceeded:
    """The error of a call that ran too long."""
    return DeadlineExceeded(
        "timeout: the call ran longer than it may",
        remedy="do less in one call, or raise limits.timeout_s",
        limit="timeout_s",
    )


def cancelled() -> CallCancelled:
    """The error of a cancelled call. Its text contains the word timeout because the Extism host has one text for both,
    and callers look for it."""
    return CallCancelled("the call was cancelled (timeout)")


def busy() -> InstanceBusy:
    """The error of a second call on an instance."""
    return InstanceBusy("the instance is in a call", remedy="use another instance; the host's pools do so")


def too_long(data: bytes, allowed: int) -> InvalidInput:
    """The error of a call whose input is too long. Units: bytes."""
    return InvalidInput(
        f"the input has {len(data)} bytes, {allowed} are allowed",
        remedy="send less, or raise limits.input_bytes",
        limit="input_bytes",
        allowed=allowed,
    )


def too_much(length: int, allowed: int) -> LimitExceeded:
    """The error of a call whose output is too long. Units: bytes."""
    return LimitExceeded(
        f"the output has {length} bytes, {allowed} are allowed",
        remedy="return less, or raise limits.output_bytes",
        limit="output_bytes",
        allowed=allowed,
    )


def too_nested(most: int) -> LimitExceeded:
    """The error of calls that go through guests and host functions in a circle."""
    return LimitExceeded(
        f"the call is nested in {most} others",
        remedy="guests and host functions call each other in a circle: end it, or let them await each other",
        limit="nesting",
        allowed=most,
    )


def too_many_calls(allowed: int) -> LimitExceeded:
    """The error of a guest that called the host too often."""
    return LimitExceeded(
        f"the call used more than {allowed} host calls",
        remedy="call the host less often, or raise limits.host_calls",
        limit="host_calls",
        allowed=allowed,
    )


class CallBudget:
    """HTTP requests and log output that one call may still use. Filled when a call first uses it."""

    __slots__ = ("_bytes_left", "_filled", "_limits", "_lines_left", "_requests_left")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._filled = False
        self._requests_left = self._lines_left = self._bytes_left = 0

    def reset(self) -> None:
        """Begins another call."""
        self._filled = False

    def _fill(self) -> None:
        if not self._filled:
            self._filled = True
            self._requests_left = self._limits.http_requests
            self._lines_left = self._limits.log_lines
            self._bytes_left = self._limits.log_bytes

    @property
    def lines_left(self) -> int:
        """Log lines that are left."""
        self._fill()
        return max(0, self._lines_left)

    @property
    def requests(self) -> int:
        """HTTP requests of the running or last call."""
        self._fill()
        return self._limits.http_requests - max(0, self._requests_left)

    def spend_line(self, message: str) -> None:
        """Counts a log line. Raises: LimitExceeded."""
        self._fill()
        self._lines_left -= 1
        self._bytes_left -= len(message.encode(errors="replace"))
        if self._lines_left < 0:
            raise _logged_too_much("log_lines", self._limits.log_lines)
        if self._bytes_left < 0:
            raise _logged_too_much("log_bytes", self._limits.log_bytes)

    def spend_request(self) -> None:
        """Counts an HTTP request. Raises: LimitExceeded."""
        self._fill()
        self._requests_left -= 1
        if self._requests_left < 0:
            raise LimitExceeded(
                f"the call made more than {self._limits.http_requests} HTTP requests",
                remedy="make fewer, or raise limits.http_requests",
                limit="http_requests",
                allowed=self._limits.http_requests,
            )


def _logged_too_much(limit: str, allowed: int) -> LimitExceeded:
    return LimitExceeded(
        f"the call logged more than {allowed} {limit.removeprefix('log_')}",
        remedy=f"log less, or raise limits.{limit}",
        limit=limit,
        allowed=allowed,
    )


class Running(Protocol):
    """A running call as seen from outside. Units: seconds on the `time.monotonic()` clock."""

    deadline: float
    cancelled: bool


def cut_short(call: Running) -> BaseException | None:
    """The error that ends the call now: cancelled, over its deadline, or Ctrl-C; None to go on."""
    if call.cancelled:
        return cancelled()
    if time.monotonic() >= call.deadline:
        return overtime()
    if PENDING:
        try:
            deliver()
        except BaseException as error:
            return error
    return None


def result_of(future: concurrent.futures.Future[Any], call: Running) -> Any:
    """The result of a coroutine that runs on another thread. Blocks.

    Raises: CallCancelled, DeadlineExceeded: the call ends first.
    """
    while True:
        left = call.deadline - time.monotonic()
        try:
            return future.result(timeout=max(0.0, min(_LOOK_S, left)))
        except concurrent.futures.TimeoutError:
            if future.done():  # a moment ago, or with a TimeoutError of its own
                return future.result()
        if call.cancelled:
            raise cancelled()
        if left <= 0:
            raise overtime()


class _Background:
    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Starts again in a forked child, which does not have the thread."""
        self._lock = threading.Lock()
        self._loop: asyncio.AbstractEventLoop | None = None

    def loop(self) -> asyncio.AbstractEventLoop:
        with self._lock:
            if self._loop is None:
                self._loop = asyncio.new_event_loop()
                threading.Thread(target=self._loop.run_forever, name="omnicore-background", daemon=True).start()
            return self._loop


_BACKGROUND = _Background()
os.register_at_fork(after_in_child=_BACKGROUND.forget)


def background_loop() -> asyncio.AbstractEventLoop:
    """One running event loop on a thread, for host coroutines of guests that block theirs."""
    return _BACKGROUND.loop()


_F = TypeVar("_F", bound=Callable[..., Any])
_SIGINT = int(signal.SIGINT)

PENDING: list[int] = []
"""Not empty while a signal waits to be delivered; checked after every call, so a plain list."""

# The builtin beneath `signal.getsignal`, which spends 3 us on making an enum of what is none: 0.04 us.
_current_handler: Callable[[int], Any] = getattr(signal, "_signal", signal).getsignal


class _State:
    entries: set[CodeType] = set()  # noqa: RUF012  one for the process, as signals are
    shields: set[CodeType] = set()  # noqa: RUF012
    main = threading.main_thread().ident
    before: Any = signal.default_int_handler


def _forked() -> None:
    _State.main = threading.get_ident()
    PENDING.clear()


os.register_at_fork(after_in_child=_forked)


def guarded(callback: _F) -> _F:
    """Marks a function that C calls: a signal must not raise in it, but may raise in functions that it calls."""
    _State.entries.add(callback.__code__)
    return callback


def shielded(function: _F) -> _F:
    """Marks a function in which a signal must not raise, nor in anything it calls except host functions."""
    _State.shields.add(function.__code__)
    return function


def install() -> None:
    """Installs our handler before the present one for SIGINT; on the main thread only."""
    if threading.get_ident() != _State.main:
        return
    current = _current_handler(_SIGINT)
    if current is _on_interrupt or not callable(current):
        return
    _State.before = current
    signal.signal(_SIGINT, _on_interrupt)
    task = _runners_task(current)
    if task is not None and not task.get_loop().is_closed():
        task.add_done_callback(lambda _task: _give_back(current))


def _runners_task(handler: Any) -> asyncio.Task[Any] | None:
    """The main task of the asyncio runner that installed this handler. A runner removes its handler when it ends, but
    only if it is still the installed one."""
    task: asyncio.Task[Any] | None = getattr(handler, "keywords", {}).get("main_task")
    return task


def _give_back(handler: Any) -> None:
    if _current_handler(_SIGINT) is _on_interrupt and _State.before is handler:
        signal.signal(_SIGINT, handler)


def _hand_on(number: int, frame: FrameType | None) -> None:
    task = _runners_task(_State.before)
    if task is not None and task.get_loop().is_closed():  # an interrupt cut the runner's own end short
        _State.before = signal.default_int_handler
    _State.before(number, frame)


def deliver() -> None:
    """Runs the handler for a waiting signal; on the main thread only. Raises: any exception of the handler."""
    if PENDING and threading.get_ident() == _State.main:
        PENDING.clear()
        _hand_on(_SIGINT, sys._getframe(1))


def _on_interrupt(number: int, frame: FrameType | None) -> None:
    if _may_raise(frame):
        _hand_on(number, frame)
    else:
        PENDING[:] = [number]


def _may_raise(frame: FrameType | None) -> bool:
    innermost = frame
    while frame is not None:
        if frame.f_code in _State.shields:
            return False
        if frame.f_code in _State.entries:  # what it calls is a host function
            return frame is not innermost
        frame = frame.f_back
    return True
