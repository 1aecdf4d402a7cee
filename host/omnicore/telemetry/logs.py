"""Readers of log lines as they are written: each with a bounded queue, so that a talkative plugin harms nobody.

What plugins log: the last lines of each, bounded, and harmless to print.

Log records as JSON documents, one on each line, as collectors of containers read them.
"""

from __future__ import annotations

import json
import logging
import re
import secrets
import threading
from collections import deque
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import TYPE_CHECKING, Literal, cast

from omnicore.clock import Clock, SystemClock
from omnicore.errors import CapacityReached

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@dataclass(frozen=True, slots=True)
class Trace:
    """A trace of OpenTelemetry that calls and log lines belong to, and the span above them; 0 for none."""

    id: int
    parent: int = 0


TRACE: ContextVar[Trace | None] = ContextVar("omnicore_trace", default=None)
"""The trace of the request that is served here; set while somebody collects traces or logs."""

_TRACEPARENT = re.compile(rb"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-[0-9a-f]{2}(?:-.*)?")


def trace_of(header: bytes | None) -> Trace:
    """The trace that a `traceparent` header names, or a new one. Source: W3C Trace Context, section 3.2.

    >>> trace_of(b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01").parent
    67667974448284343
    """
    found = _TRACEPARENT.fullmatch(header) if header is not None else None
    if found is not None and header[:2] != b"ff":  # type: ignore[index]
        trace, parent = int(found[1], 16), int(found[2], 16)
        if trace and parent:
            return Trace(trace, parent)
    return Trace(secrets.randbits(128) or 1)


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


Level = Literal["trace", "debug", "info", "warn", "error"]

LEVELS: dict[Level, int] = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40}
"""The levels of guests and the numbers Python's logging gives them."""

LINE_BYTES = 8 * 1024
MOST_FOLLOWERS = 256
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
        self._plugin = plugin
        self._python = logging.getLogger(f"omnicore.plugin.{plugin}")

    def __call__(self, level: Level, text: str) -> None:
        line = LogLine(self._logs.clock.now(), level, _short(text))
        with self._lock:
            self.lines.append(line)
            self._bytes += _cost(line)
            while len(self.lines) > self._logs.per_plugin or self._bytes > self._logs.bytes_per_plugin:
                self._bytes -= _cost(self.lines.popleft())
                self.dropped += 1
            followers = self._logs.followers
            for follower in followers:  # within the lock, so that who begins to follow misses nothing
                if follower.plugin in (None, self._plugin):
                    follower.hear(self._plugin, line, LEVELS[level])
        if self._logs.forward:
            self._python.log(LEVELS[level], "%s", harmless(line.message))

    def snapshot(self, then: Callable[[], None] | None = None) -> list[LogLine]:
        """The lines kept now, oldest first. `then` is called before another line can come."""
        with self._lock:
            if then is not None:
                then()
            return list(self.lines)

    def since(self, after: int) -> tuple[list[LogLine], int, int]:
        """The lines from a number on, the number of the next one, and how many between were let go.

        Lines count from 0. A number that was not reached yet is one of an earlier run: all lines are new then.
        """
        with self._lock:
            following = self.dropped + len(self.lines)
            begin = after if after <= following else 0
            lines = list(islice(self.lines, max(begin - self.dropped, 0), None))
            return lines, following, max(self.dropped - begin, 0)


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
        self._following = threading.Lock()
        self.followers: tuple[Follower, ...] = ()
        """Whoever reads along. Replaced, never changed: writers go through it without a lock."""

    def sink(self, plugin: str) -> LogWriter:
        """The log of the plugin; the same one every time."""
        return self._writers.get(plugin) or self._writers.setdefault(plugin, LogWriter(plugin, self))

    def tail(self, plugin: str, n: int = 100, level: Level = "trace") -> list[LogLine]:
        """The last `n` lines at `level` or above, oldest first, harmless to print."""
        writer = self._writers.get(plugin)
        return _loudest(writer.snapshot() if writer else [], n, level)

    @contextmanager
    def follow(
        self, plugin: str | None, n: int, level: Level = "trace", *, most: int, wake: Callable[[], None]
    ) -> Iterator[tuple[list[LogLine], Follower]]:
        """The last `n` lines of a plugin, and a queue of those that come; for None only those of all that come.

        Args:
            most: how many lines may wait in the queue.
            wake: called from any thread when there is something in it.

        Raises: CapacityReached: many read along already.
        """
        follower = Follower(plugin, least=LEVELS[level], most=most, wake=wake)
        try:
            if plugin is None:
                self._join(follower)
                yield [], follower
            else:
                lines = self.sink(plugin).snapshot(lambda: self._join(follower))
                yield _loudest(lines, n, level), follower
        finally:
            with self._following:
                self.followers = tuple(one for one in self.followers if one is not follower)

    def _join(self, follower: Follower) -> None:
        with self._following:
            if len(self.followers) >= MOST_FOLLOWERS:  # each line goes through all of them
                raise CapacityReached(
                    f"{MOST_FOLLOWERS} clients read logs along already", remedy="close one of them, or try again later"
                )
            self.followers = (*self.followers, follower)

    def since(self, plugin: str, after: int, n: int = 100, level: Level = "trace") -> tuple[list[LogLine], int, int]:
        """Lines that came since `after`, what to pass next time, and how many were let go or are over `n`.

        Without lines it costs the same whatever was logged before.
        """
        writer = self._writers.get(plugin)
        lines, following, dropped = writer.since(after) if writer else ([], 0, 0)
        loud = sum(LEVELS[line.level] >= LEVELS[level] for line in lines)
        return _loudest(lines, n, level), following, dropped + max(loud - n, 0)

    def dropped(self, plugin: str) -> int:
        """The number of lines of the plugin that were dropped."""
        writer = self._writers.get(plugin)
        return writer.dropped if writer else 0

    def forget(self, plugin: str) -> None:
        """Drops the lines of a plugin that was removed."""
        self._writers.pop(plugin, None)


def _loudest(lines: list[LogLine], n: int, level: Level) -> list[LogLine]:
    if n <= 0:
        return []
    loud = [line for line in lines if LEVELS[line.level] >= LEVELS[level]][-n:]
    return [LogLine(line.at, line.level, harmless(line.message)) for line in loud]


def _short(text: str) -> str:
    raw = text.encode("utf-8", "surrogatepass")
    if len(raw) <= LINE_BYTES:
        return text
    return raw[:LINE_BYTES].decode("utf-8", "ignore") + " [cut]"


def _cost(line: LogLine) -> int:
    # Characters beyond Latin-1 make Python store four bytes for each; this bounds memory, not text.
    return _LINE_COST + len(line.message) * (1 if line.message.isascii() else 4)


_LEVELS = {"WARNING": "warn", "CRITICAL": "error"}


class HostLines(logging.Handler):
    """The last lines that the host itself logged, without those of plugins, which have a log of their own."""

    def __init__(self, most: int) -> None:
        super().__init__()
        self._logs = PluginLogs(most)
        self._writer = self._logs.sink("")

    def emit(self, record: logging.LogRecord) -> None:
        """Keeps one record."""
        if not record.name.startswith("omnicore.plugin."):
            level = _LEVELS.get(record.levelname, record.levelname.lower())
            text = f"{record.name}: {record.getMessage()}"
            self._writer(cast("Level", level) if level in LEVELS else "debug", text)

    def tail(self, n: int, level: Level = "trace") -> list[LogLine]:
        """The last `n` lines at `level` or above, oldest first, harmless to print."""
        return self._logs.tail("", n, level)


class JsonLines(logging.Formatter):
    """Time, level, logger and message; a traceback as text in `error`, the trace where there is one.

    Nothing in a message can break the line.
    """

    def format(self, record: logging.LogRecord) -> str:
        """One record as one line."""
        document = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": _LEVELS.get(record.levelname, record.levelname.lower()),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info and record.exc_info[0] is not None:
            document["error"] = self.formatException(record.exc_info)
        if (trace := TRACE.get()) is not None:
            document["trace_id"] = f"{trace.id:032x}"
        return json.dumps(document)
