"""Durations and moments as workflows write them, as seconds.

Source: CNCF Serverless Workflow DSL 1.0.3, duration; ISO 8601-1:2019, 5.5.2.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from omnicore.workflows.entries import Fault
from omnicore.workflows.graph import Template
from omnicore.workflows.language.durations import LONGEST_S
from omnicore.workflows.language.durations import seconds_of as written

__all__ = ["described", "moment", "seconds", "seconds_of"]


_LAST = 253_402_300_800.0
"""The end of the year 9999: calendars go no further."""


def seconds(value: Any) -> float:
    """The seconds of a duration: a number, ISO 8601 text (`P1DT2H`), or its members.

    Raises: Fault of type expression: it is none of these, negative, or over a hundred years.
    """
    found = _seconds(value)
    if found is None or not 0 <= found <= LONGEST_S:
        raise Fault("expression", 400, "No duration", f"{_short(value)} is no duration; write one such as PT5M")
    return found


def seconds_of(given: Template | float, data: Any, scope: Mapping[str, Any]) -> float:
    """The seconds of what the graph holds: a number, or a template that gives a duration."""
    return seconds(given(data, scope)) if callable(given) else given


def moment(value: Any) -> float:
    """A moment as seconds since the Unix epoch, from such a number or ISO 8601 text; without a zone it is UTC.

    Raises: Fault of type expression: it is neither.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _LAST:
        return float(value)
    if isinstance(value, str):
        try:
            found = datetime.fromisoformat(value)
            return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()
        except (ValueError, OverflowError):
            pass
    raise Fault("expression", 400, "No moment", f"{_short(value)} is no moment; write one such as 2030-01-31T08:00:00Z")


def described(at: float) -> dict[str, Any]:
    """A moment as the specification's date time descriptor."""
    iso = datetime.fromtimestamp(at, UTC).isoformat().replace("+00:00", "Z")
    return {"iso8601": iso, "epoch": {"seconds": int(at), "milliseconds": int(at * 1000)}}


def _seconds(value: Any) -> float | None:
    if isinstance(value, int | float) and not isinstance(value, bool):
        return float(value)
    return written(value)


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 80 else f"{text[:80]}..."
