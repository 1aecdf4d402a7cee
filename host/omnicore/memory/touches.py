"""Which memories were used: noted in RAM, written in batches, for a recall must not wait for a write."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Sequence

from omnicore.clock import Clock
from omnicore.storage.tables.memory import MemoryTable

__all__ = ["Touches"]

_BATCH = 1024
_EVERY_S = 5.0


class Touches:
    """Notes of use. A killed process loses those of the last seconds, which is all they are worth."""

    def __init__(self, table: MemoryTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: Counter[tuple[str, int]] = Counter()
        self._at = clock.now()
        self._flushed = clock.monotonic()

    def note(self, used: Sequence[tuple[str, int]], now: float) -> None:
        """Notes one use of each: a space and a number."""
        with self._lock:
            self._noted.update(used)
            self._at = now
            due = len(self._noted) >= _BATCH or self._clock.monotonic() - self._flushed >= _EVERY_S
        if due:
            self.flush()

    def flush(self) -> None:
        """Writes all notes."""
        with self._lock:
            noted, self._noted = self._noted, Counter()
            self._flushed = self._clock.monotonic()
            now = self._at
        by_plugin: dict[str, dict[int, int]] = {}
        for (plugin, seq), times in noted.items():
            by_plugin.setdefault(plugin, {})[seq] = times
        for plugin, seqs in by_plugin.items():
            self._table.touch(plugin, seqs, now)
