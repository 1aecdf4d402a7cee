"""What plugins log: the last lines of each, bounded, and harmless to print."""

from __future__ import annotations

import logging
import re
import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

from omnicore.clock import Clock, SystemClock

__all__ = ["LEVELS", "LogLine", "LogWriter", "PluginLogs", "harmless"]

Level = Literal["trace", "debug", "info", "warn", "error"]

LEVELS: dict[Level, int] = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40}
"""The levels of guests and the numbers Python's logging gives them."""

LINE_BYTES = 8 * 1024
_LINE_COST = 100  # bytes a line costs beside its text, so that empty lines count too

# C0 and C1 controls (terminal escapes begin with one), line and paragraph separators, and the marks
# that turn the direction of text round; lone surrogates cannot be printed at all.
_HARMFUL = re.compile("[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
_SHORT = {"\n": "\\n", "\r": "\\r"}


def harmless(text: str) -> str:
    """The text with everything that could steer a terminal or forge a line shown as an escape.

    >>> harmless("red: \\x1b[31m!")
    'red: \\\\x1b[31m!'
    """
    return _HARMFUL.sub(lambda found: _SHORT.get(found[0]) or _escape(ord(found[0])), text)


def _escape(code: int) -> str:
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"


@dataclass(frozen=True, slots=True)
class LogLine:
    """One line a plugin logged. Units: `at` seconds since the Unix epoch."""

    at: float
    level: Level
    message: str


class LogWriter:
    """The sink of one plugin: `writer(level, text)`, from any thread."""

    def __init__(self, plugin: str, logs: PluginLogs) -> None:
        self.lines: deque[LogLine] = deque()
        self.dropped = 0
        self._logs = logs
        self._bytes = 0
        self._lock = threading.Lock()
        self._python = logging.getLogger(f"omnicore.plugin.{plugin}")

    def __call__(self, level: Level, text: str) -> None:
        line = LogLine(self._logs.clock.now(), level, _short(text))
        with self._lock:
            self.lines.append(line)
            self._bytes += _cost(line)
            while len(self.lines) > self._logs.per_plugin or self._bytes > self._logs.bytes_per_plugin:
                self._bytes -= _cost(self.lines.popleft())
                self.dropped += 1
        if self._logs.forward:
            self._python.log(LEVELS[level], "%s", harmless(line.message))

    def snapshot(self) -> list[LogLine]:
        """The lines kept now, oldest first."""
        with self._lock:
            return list(self.lines)


class PluginLogs:
    """Ring buffers: for each plugin the last `per_plugin` lines within `bytes_per_plugin`.

    Args:
        forward: hand each line to Python's logging too, as `omnicore.plugin.<name>`.
    """

    def __init__(
        self,
        per_plugin: int = 1000,
        *,
        bytes_per_plugin: int = 256 * 1024,
        forward: bool = False,
        clock: Clock | None = None,
    ) -> None:
        self.per_plugin = per_plugin
        self.bytes_per_plugin = bytes_per_plugin
        self.forward = forward
        self.clock = clock or SystemClock()
        self._writers: dict[str, LogWriter] = {}

    def sink(self, plugin: str) -> LogWriter:
        """Where the plugin's lines go; the same one every time."""
        return self._writers.get(plugin) or self._writers.setdefault(plugin, LogWriter(plugin, self))

    def tail(self, plugin: str, n: int = 100, level: Level = "trace") -> list[LogLine]:
        """The last `n` lines at `level` or above, oldest first, harmless to print."""
        writer = self._writers.get(plugin)
        lines = writer.snapshot() if writer and n > 0 else []
        loud = [line for line in lines if LEVELS[line.level] >= LEVELS[level]][-n:] if lines else []
        return [LogLine(line.at, line.level, harmless(line.message)) for line in loud]

    def dropped(self, plugin: str) -> int:
        """How many lines of the plugin the ring has let go."""
        writer = self._writers.get(plugin)
        return writer.dropped if writer else 0

    def forget(self, plugin: str) -> None:
        """Drops the lines of a plugin that was removed."""
        self._writers.pop(plugin, None)


def _short(text: str) -> str:
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) <= LINE_BYTES:
        return text
    return raw[:LINE_BYTES].decode("utf-8", "ignore") + " [cut]"


def _cost(line: LogLine) -> int:
    # Characters beyond Latin-1 make Python store four bytes for each; this bounds memory, not text.
    return _LINE_COST + len(line.message) * (1 if line.message.isascii() else 4)
