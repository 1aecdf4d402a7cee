"""The seven lanes: their names, their order, and how often each runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from omnicore.config.sections.loops import LoopSettings
from omnicore.errors import NotFound

__all__ = ["ESSENTIAL", "LOCAL", "SLOW", "Lane", "LoopType", "lane_named", "lanes_of", "next_due"]


class LoopType(StrEnum):
    """The lanes, from the fastest to the slowest; as texts they are the names that manifests and REST use."""

    Reflexive = "reflexive"
    Reactive = "reactive"
    Adaptive = "adaptive"
    Deliberative = "deliberative"
    Evolutionary = "evolutionary"
    Transformative = "transformative"
    Transcendent = "transcendent"


ESSENTIAL = frozenset({LoopType.Reflexive, LoopType.Reactive})
"""What goes on running when the lanes are degraded."""

LOCAL = frozenset({LoopType.Reflexive, LoopType.Reactive})
"""What every host runs for itself; of the others one host among several runs a cycle."""

SLOW = frozenset({LoopType.Evolutionary, LoopType.Transformative, LoopType.Transcendent})
"""What runs by itself only when the settings say so."""


@dataclass(frozen=True, slots=True)
class Lane:
    """How one lane runs. Units: seconds; `fuel` Wasm instructions of all handlers in a cycle."""

    type: LoopType
    interval_s: float
    deadline_s: float
    concurrency: int
    fuel: int | None
    scheduled: bool


def lanes_of(settings: LoopSettings) -> Mapping[LoopType, Lane]:
    """All seven, as the settings have them."""
    found = {}
    for kind in LoopType:
        one = getattr(settings, kind.value)
        scheduled = settings.enabled and (settings.all or kind not in SLOW)
        found[kind] = Lane(kind, one.interval_s, one.deadline_s, one.concurrency, one.fuel, scheduled)
    return found


def lane_named(name: str) -> LoopType:
    """The lane of a name such as `adaptive`. Raises: NotFound."""
    try:
        return LoopType(name.lower())
    except ValueError:
        known = ", ".join(kind.value for kind in LoopType)
        raise NotFound(f"there is no lane {name[:80]!r}", remedy=f"the lanes are {known}") from None


def next_due(interval_s: float, *, since: float, last_run_at: float | None, now: float) -> float:
    """When a lane runs next; a past time is one that is overdue and runs once, however often it was missed.

    A last run in the future is one from before the clock was set back, and counts as now.

    >>> next_due(10, since=0, last_run_at=95, now=100), next_due(10, since=0, last_run_at=500, now=100)
    (105, 110)
    """
    return min(now, since if last_run_at is None else last_run_at) + interval_s
