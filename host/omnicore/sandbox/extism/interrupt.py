"""Ctrl-C while a guest runs on the main thread.

Python runs signal handlers at the first bytecode after the signal. When a guest runs, that is the first
bytecode of a callback, before its `try`: an exception raised there is lost and leaves C with an undefined
result. So our handler stands before the one that is installed, Python's own or the application's, and looks at
where it interrupts. In code that must not be left half-way it only notes the signal, and the other handler runs
at the next tick or at the end of the call; anywhere else, host functions included, it runs at once.
"""

from __future__ import annotations

import asyncio
import os
import signal
import sys
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, TypeVar

__all__ = ["PENDING", "deliver", "guarded", "install", "shielded"]

_F = TypeVar("_F", bound=Callable[..., Any])
_SIGINT = int(signal.SIGINT)

PENDING: list[int] = []
"""Not empty when a signal waits to be delivered; looked at after every call, so a plain list."""

# The builtin beneath `signal.getsignal`, which spends 3 us on making an enum of what is none: 0.04 us.
_current_handler: Callable[[int], Any] = getattr(signal.getsignal, "__wrapped__", signal.getsignal)


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
    """Marks a function that C calls: a signal must not raise in it, but may in what it calls."""
    _State.entries.add(callback.__code__)
    return callback


def shielded(function: _F) -> _F:
    """Marks a function in which a signal must not raise, nor in anything it calls but host functions."""
    _State.shields.add(function.__code__)
    return function


def install() -> None:
    """Puts our handler before the one for SIGINT; on the main thread only, where guests can be interrupted."""
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
    """The main task of an asyncio runner whose handler this is. A runner takes its handler away when it ends, but
    only where it finds it."""
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
    """Runs the handler for a signal that waits; on the main thread only. Raises: whatever the handler does."""
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
