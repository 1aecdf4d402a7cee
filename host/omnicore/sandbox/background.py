"""One event loop on a thread, for host coroutines of guests that block theirs."""

from __future__ import annotations

import asyncio
import os
import threading

__all__ = ["background_loop"]


class _Background:
    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """The thread does not come along into a forked child."""
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
    """The loop, running; started when first asked for."""
    return _BACKGROUND.loop()
