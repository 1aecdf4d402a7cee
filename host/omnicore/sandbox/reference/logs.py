"""Guest logs from the library: one buffer for the whole process, sorted out by plugin id.

The library's logging is global and can be set up once. It is set up when the first plugin with a log door is
loaded; if something else in the process was faster, guests of this engine log nothing.
"""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field
from typing import Any, Final, cast

from omnicore.errors import LimitExceeded
from omnicore.sandbox.abi import Doors, Limits, LogLevel
from omnicore.sandbox.reference.library import ffi, lib

__all__ = ["LOGS", "GuestLog"]

_LINE: Final = re.compile(rb'\S+\s+([A-Z]+) extism::pdk: (.*)\n? plugin="([0-9a-f-]{36})"\s*', re.DOTALL)
_LEVELS: Final[tuple[LogLevel, ...]] = ("trace", "debug", "info", "warn", "error")


@dataclass(slots=True)
class GuestLog:
    """Lines of one instance that wait for the end of its call."""

    waiting: list[tuple[LogLevel, str]] = field(default_factory=list)

    def deliver(self, doors: Doors, limits: Limits) -> None:
        """Hands the lines to the door. Raises: LimitExceeded when they are too many, after the first ones."""
        lines, self.waiting = self.waiting, []
        if doors.log is None or doors.log_level is None:
            return
        lowest, lines_left, bytes_left = _LEVELS.index(doors.log_level), limits.log_lines, limits.log_bytes
        for level, text in lines:
            if _LEVELS.index(level) < lowest:
                continue
            lines_left, bytes_left = lines_left - 1, bytes_left - len(text.encode())
            if lines_left < 0 or bytes_left < 0:
                raise _too_much(limits, "log_lines" if lines_left < 0 else "log_bytes")
            doors.log(level, text)


class _Logs:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = False
        self._by_plugin: dict[bytes, GuestLog] = {}
        self._drained = ffi.callback("void(char*, ExtismSize)", self._take)

    def start(self) -> None:
        """Turns the library's logging on, once."""
        with self._lock:
            if not self._started:
                self._started = True
                lib.extism_log_custom(b"extism::pdk=trace")

    def register(self, plugin_id: bytes) -> GuestLog:
        """A place for the lines of a plugin."""
        log = GuestLog()
        with self._lock:
            self._by_plugin[plugin_id] = log
        return log

    def forget(self, plugin_id: bytes) -> None:
        """Ends it."""
        with self._lock:
            self._by_plugin.pop(plugin_id, None)

    def drain(self) -> None:
        """Sorts what the library has buffered into the places of all plugins."""
        with self._lock:
            lib.extism_log_drain(self._drained)

    def _take(self, pointer: Any, length: int) -> None:
        found = _LINE.fullmatch(bytes(ffi.buffer(pointer, length)))
        log = self._by_plugin.get(found[3]) if found else None
        if found and log is not None:
            level = found[1].decode().lower()
            log.waiting.append((cast(LogLevel, level), found[2].decode(errors="replace")))


LOGS: Final = _Logs()


def _too_much(limits: Limits, name: str) -> LimitExceeded:
    allowed = getattr(limits, name)
    return LimitExceeded(
        f"the guest logged more than limits.{name} = {allowed}",
        remedy=f"let it log less, or raise limits.{name}",
        limit=name,
        allowed=allowed,
    )
