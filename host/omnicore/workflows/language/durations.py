"""Durations as the language writes them: ISO 8601, or an object with days, hours, minutes, seconds, milliseconds.

Source: DSL 1.0.3, duration; ISO 8601. A year counts 365 days and a month 30: a workflow has no calendar.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

__all__ = ["LONGEST_S", "seconds_of"]

LONGEST_S = 100 * 365 * 86_400.0
_MEMBERS = {"days": 86_400.0, "hours": 3_600.0, "minutes": 60.0, "seconds": 1.0, "milliseconds": 0.001}
_PART = r"(?:([0-9]+(?:\.[0-9]+)?){})?"
_ISO = re.compile(
    "P" + "".join(_PART.format(unit) for unit in "YMWD") + "(?:T" + "".join(_PART.format(unit) for unit in "HMS") + ")?"
)
_UNITS = (365 * 86_400.0, 30 * 86_400.0, 7 * 86_400.0, 86_400.0, 3_600.0, 60.0, 1.0)


def seconds_of(value: Any) -> float | None:
    """How long a duration is, in seconds; None when it is none, or over a hundred years."""
    seconds = _members(value) if isinstance(value, Mapping) else _iso(value)
    return seconds if seconds is not None and 0 <= seconds <= LONGEST_S else None


def _members(value: Mapping[Any, Any]) -> float | None:
    known = all(
        key in _MEMBERS and isinstance(part, int | float) and not isinstance(part, bool) for key, part in value.items()
    )
    return sum(part * _MEMBERS[key] for key, part in value.items()) if value and known else None


def _iso(text: Any) -> float | None:
    found = _ISO.fullmatch(text) if isinstance(text, str) and len(text) <= 100 else None
    if found is None or not any(found.groups()) or text.endswith("T"):
        return None
    return sum(float(part) * unit for part, unit in zip(found.groups(), _UNITS, strict=True) if part)
