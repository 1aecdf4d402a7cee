"""Parts of a call that all engines share: errors, budgets and coroutines of host functions."""

from __future__ import annotations

import asyncio
import concurrent.futures
import os
import threading
import time
from collections import deque
from typing import Any, Protocol

from omnicore.errors import CallCancelled, DeadlineExceeded, InstanceBusy, InvalidInput, LimitExceeded
from omnicore.sandbox.abi import DoorNote, Limits

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


MOST_NOTES = 32
"""So many of the things that a call asks of doors are noted for those who look at it."""


class CallBudget:
    """HTTP requests and log output that one call may still use. Filled when a call first uses it; set `filled` to False
    when another call begins. `asked` has the last things that this call and those before it asked of doors."""

    __slots__ = ("_bytes_left", "_limits", "_lines_left", "_requests_left", "_uses", "asked", "filled")

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self.filled = False
        self._requests_left = self._lines_left = self._bytes_left = 0
        self._uses: dict[str, int] = {}
        self.asked: deque[DoorNote] = deque(maxlen=MOST_NOTES)

    def _fill(self) -> None:
        if not self.filled:
            self.filled = True
            self._uses.clear()
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

    def spend(self, name: str, most: int) -> None:
        """Counts a use of what a call may use `most` times. Raises: LimitExceeded."""
        self._fill()
        count = self._uses[name] = self._uses.get(name, 0) + 1
        if count > most:
            raise LimitExceeded(
                f"the call used {name} more than {most} times",
                remedy="use it less often in one call",
                limit=f"{name} per call",
                allowed=most,
            )

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
