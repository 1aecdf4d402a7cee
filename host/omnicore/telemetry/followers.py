"""Readers of log lines as they are written: each with a bounded queue, so that a talkative plugin harms nobody."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from omnicore.telemetry.logs import LogLine

__all__ = ["Follower", "Heard"]


@dataclass(frozen=True, slots=True)
class Heard:
    """A line, the plugin that wrote it, and how many lines before it were let go."""

    plugin: str
    line: LogLine
    dropped: int


class Follower:
    """A queue of lines of one plugin, or of all. Written to from any thread.

    The newest lines win: who reads a log live wants to see what happens now. What was let go is counted.

    Args:
        least: lines below this level are left out, by the numbers of `LEVELS`.
        most: how many lines wait at most.
        wake: called, on the writer's thread, when there is something again; once until `take`.
    """

    def __init__(self, plugin: str | None, *, least: int, most: int, wake: Callable[[], None]) -> None:
        self.plugin = plugin
        self._least, self._most, self._wake = least, most, wake
        self._lines: deque[tuple[str, LogLine]] = deque()
        self._dropped = 0
        self._awake = False
        self._lock = threading.Lock()

    def hear(self, plugin: str, line: LogLine, level: int) -> None:
        """Takes a line. It costs the writer a lock and an append, whatever the reader does."""
        if level < self._least:
            return
        with self._lock:
            if len(self._lines) >= self._most:
                self._lines.popleft()
                self._dropped += 1
            self._lines.append((plugin, line))
            asleep, self._awake = not self._awake, True
        if asleep:
            self._wake()

    def take(self, most: int) -> list[Heard]:
        """Up to `most` lines, oldest first; the first of them tells how many were let go."""
        with self._lock:
            chosen = [self._lines.popleft() for _ in range(min(most, len(self._lines)))]
            dropped, self._dropped = (self._dropped, 0) if chosen else (0, self._dropped)
            self._awake = bool(self._lines)
        return [Heard(plugin, line, 0 if number else dropped) for number, (plugin, line) in enumerate(chosen)]
