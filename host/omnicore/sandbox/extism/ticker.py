"""The clock behind deadlines: while guests run, a thread moves the engines' epochs every 10 to 20 ms."""

from __future__ import annotations

import os
import threading
import time
from typing import Any

from omnicore.sandbox.capi.library import tick

__all__ = ["TICKER", "TICK_S", "Ticker"]

TICK_S = 0.01
_LINGER = 50  # ticks without a running guest before the thread sleeps; waking it costs a call 20 us


class Ticker:
    """Ticks while `running` holds anything. `idle` says that the next call must `wake` it."""

    def __init__(self) -> None:
        self.running: set[Any] = set()
        self.engines: list[int] = []
        self._start_over()

    def _start_over(self) -> None:
        self.running.clear()
        self.idle = True
        self._started = False
        self._bell = threading.Event()
        self._lock = threading.Lock()

    def forked(self) -> None:
        """The thread did not come along into the child, nor do its engines' stores."""
        self.engines.clear()
        self._start_over()

    def wake(self) -> None:
        """Starts the thread, or ends its sleep."""
        with self._lock:
            self.idle = False
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="omnicore-ticker", daemon=True).start()
            self._bell.set()

    def _run(self) -> None:
        quiet = 0
        while True:
            # Half the rate while calls end between looks: every tick takes the interpreter's lock from somebody.
            time.sleep(TICK_S if self.running else 2 * TICK_S)
            for engine in self.engines:
                tick(engine)
            quiet = 0 if self.running else quiet + 1
            if quiet >= _LINGER:
                self._rest()
                quiet = 0

    def _rest(self) -> None:
        with self._lock:
            self._bell.clear()
            self.idle = True
        # A call that began before it could see `idle` is in `running` by now.
        if self.running:
            self.idle = False
            return
        self._bell.wait()


TICKER = Ticker()
os.register_at_fork(after_in_child=TICKER.forked)
