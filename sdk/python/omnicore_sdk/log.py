# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Write to the plugin's log."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from omnicore_sdk import _core

__all__ = ["Level", "debug", "error", "info", "trace", "warn", "write"]


Level = Literal["trace", "debug", "info", "warn", "error"]
"""How much a line matters."""


def write(level: Level, message: str, *, fields: Mapping[str, Any] | None = None) -> None:
    """Writes a line, with its fields as `key=value` after the message. A line is cut at 8 KiB.

    Args:
        level: how much the line matters.
        message: what happened.
        fields: facts about it.

    Raises: DoorError: the door refused or failed.
    """
    request = _core.present(fields=None if fields is None else {**fields})
    request |= {"level": level, "message": message}
    _core.call("log_write_v1", request)


def trace(message: str, **fields: Any) -> None:
    """Writes a line that matters as much as `trace` says; the keywords are facts about it."""
    write("trace", message, fields=fields or None)


def debug(message: str, **fields: Any) -> None:
    """Writes a line that matters as much as `debug` says; the keywords are facts about it."""
    write("debug", message, fields=fields or None)


def info(message: str, **fields: Any) -> None:
    """Writes a line that matters as much as `info` says; the keywords are facts about it."""
    write("info", message, fields=fields or None)


def warn(message: str, **fields: Any) -> None:
    """Writes a line that matters as much as `warn` says; the keywords are facts about it."""
    write("warn", message, fields=fields or None)


def error(message: str, **fields: Any) -> None:
    """Writes a line that matters as much as `error` says; the keywords are facts about it."""
    write("error", message, fields=fields or None)
