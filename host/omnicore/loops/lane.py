"""The seven lanes: names, order and intervals; input and output of one cycle; status of a lane."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from dataclasses import field as member
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any

from omnicore.errors import InvalidInput, NotFound
from omnicore.records import Meta, Record, Seconds, Time, checked, field

if TYPE_CHECKING:
    from omnicore.config.settings import LoopSettings


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
"""Lanes that continue to run when the others are degraded."""

LOCAL = frozenset({LoopType.Reflexive, LoopType.Reactive})
"""Lanes that every host runs for itself; of the others one host among several runs a cycle."""

SLOW = frozenset({LoopType.Evolutionary, LoopType.Transformative, LoopType.Transcendent})
"""Lanes that run by themselves only when the settings say so."""


@dataclass(frozen=True, slots=True)
class LaneTempo:
    """Settings of one lane. Units: seconds; `fuel` is Wasm instructions of all handlers in a cycle."""

    type: LoopType
    interval_s: float
    deadline_s: float
    concurrency: int
    fuel: int | None
    scheduled: bool


def lanes_of(settings: LoopSettings) -> Mapping[LoopType, LaneTempo]:
    """All seven, as the settings have them."""
    found = {}
    for kind in LoopType:
        one = getattr(settings, kind.value)
        scheduled = settings.enabled and (settings.all or kind not in SLOW)
        found[kind] = LaneTempo(kind, one.interval_s, one.deadline_s, one.concurrency, one.fuel, scheduled)
    return found


def lane_named(name: str) -> LoopType:
    """The lane of a name such as `adaptive`. Raises: NotFound."""
    try:
        return LoopType(name.lower())
    except ValueError:
        known = ", ".join(kind.value for kind in LoopType)
        raise NotFound(f"there is no lane {name[:80]!r}", remedy=f"the lanes are {known}") from None


def next_due(interval_s: float, *, since: float, last_run_at: float | None, now: float) -> float:
    """The time of the next cycle; a past time means overdue, and runs once however often it was missed.

    A last run in the future is one from before the clock was set back, and counts as now.

    >>> next_due(10, since=0, last_run_at=95, now=100), next_due(10, since=0, last_run_at=500, now=100)
    (105, 110)
    """
    return min(now, since if last_run_at is None else last_run_at) + interval_s


DATA_BYTES = 256 * 1024


class CycleInput(Record, frozen=True):
    """Input of a cycle."""

    data: Annotated[Mapping[str, Any], Meta(description="What the cycle works on.")] = field(default_factory=dict)
    context: Annotated[str, Meta(max_length=10_000)] = ""
    objectives: Annotated[
        Sequence[Annotated[str, Meta(max_length=1_000)]], Meta(max_length=100, description="Texts for handlers.")
    ] = ()


class CycleAction(Record, frozen=True):
    """Something a handler wanted done, and what came of it.

    `verb` is a door and its verb, such as `tasks.submit`, and `input` its request.
    """

    by: str
    verb: str
    input: Mapping[str, Any]
    status: Annotated[str, Meta(description="done, refused or failed.")]
    result: Any = None


@dataclass(frozen=True, slots=True)
class Improvement:
    """A proposal to keep in mind. The embedding is None where the memory makes its own."""

    description: str
    importance: float = 0.8
    embedding: Sequence[float] | None = None


class CycleOutput(Record, frozen=True):
    """Output of a cycle. `results` holds the numbers of the duty and, under `handlers`, the answer of each handler."""

    cycle_id: str
    loop_type: LoopType
    success: bool
    results: Mapping[str, Any]
    insights: tuple[Mapping[str, Any], ...]
    actions: tuple[CycleAction, ...]
    next_objectives: tuple[str, ...]
    duration_s: Seconds

    @property
    def duration(self) -> timedelta:
        """The time that the cycle took."""
        return timedelta(seconds=self.duration_s)


class LoopStatus(Record, frozen=True):
    """Status of a lane, or of all of them together."""

    loop_type: Annotated[LoopType | None, Meta(description="Null for all lanes as one.")] = field(name="lane")
    scheduled: Annotated[bool, Meta(description="True if it runs by itself.")]
    running: bool
    cycles_completed: int
    failures: int
    last_run_at: Time | None
    next_run_at: Time | None
    avg_duration_s: Seconds
    handlers: tuple[str, ...] = ()

    @property
    def avg_duration(self) -> timedelta:
        """The mean time of a cycle."""
        return timedelta(seconds=self.avg_duration_s)


def checked_input(given: CycleInput) -> CycleInput:
    """The input itself, when it is small and plain. Raises: InvalidInput."""
    given = checked(given, "cycle")
    try:
        size = len(json.dumps(given.data, allow_nan=False))
    except (TypeError, ValueError, RecursionError) as error:
        raise _wrong(f"data is no JSON object: {error}", "data") from error
    if size > DATA_BYTES:
        raise _wrong(f"data has {size} bytes, {DATA_BYTES} are allowed", "data")
    return given


def extract_improvements(output: CycleOutput) -> list[Improvement]:
    """The proposals among a cycle's insights."""
    return [
        Improvement(str(one["description"]), float(one.get("importance", 0.8)), one.get("embedding"))
        for one in output.insights
        if one.get("kind") == "improvement" and one.get("description")
    ]


def _wrong(fact: str, path: str) -> InvalidInput:
    return InvalidInput(fact, remedy="send less, or plainer values", path=path)


@dataclass(frozen=True, slots=True)
class Done:
    """Result of a duty: numbers, insights, and next objectives. `problem` is the reason why it is incomplete."""

    results: Mapping[str, Any] = member(default_factory=dict)
    insights: Sequence[Mapping[str, Any]] = ()
    next_objectives: Sequence[str] = ()
    problem: str = ""


Duty = Callable[[CycleInput], Awaitable[Done]]
