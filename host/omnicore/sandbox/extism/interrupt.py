"""Ctrl-C while a guest runs on the main thread.

Python runs signal handlers at the first bytecode after the signal. When a guest runs, that is the first
bytecode of a callback, before its `try`: an exception raised there is lost and leaves C with an undefined
result. So the handler looks at where it interrupts: in a callback of ours it only raises a flag, which the
epoch callback turns into a clean end of the guest; anywhere else it raises KeyboardInterrupt as ever.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from types import CodeType, FrameType
from typing import Any, TypeVar

__all__ = ["guarded", "install", "take"]

_F = TypeVar("_F", bound=Callable[..., Any])


_MAIN = threading.main_thread().ident


class _Interrupt:
    callbacks: set[CodeType] = set()  # noqa: RUF012  one for the process, as signals are
    pending = False
    installed = False


def guarded(callback: _F) -> _F:
    """Marks a function that C calls, in which a signal must not raise."""
    _Interrupt.callbacks.add(callback.__code__)
    return callback


def install() -> None:
    """Takes SIGINT over from Python's own handler. Elsewhere than on the main thread, or where the
    application has a handler of its own (asyncio's runner has), it does nothing."""
    if _Interrupt.installed or threading.get_ident() != _MAIN:
        return
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _on_interrupt)
        _Interrupt.installed = True


def take() -> bool:
    """True once after a Ctrl-C that came while a guest ran, on the main thread."""
    if not _Interrupt.pending or threading.get_ident() != _MAIN:
        return False
    _Interrupt.pending = False
    return True


def _on_interrupt(number: int, frame: FrameType | None) -> None:
    if frame is not None and frame.f_code in _Interrupt.callbacks:
        _Interrupt.pending = True
        return
    signal.default_int_handler(number, frame)
