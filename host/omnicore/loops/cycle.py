"""One cycle of a lane: what goes in, what comes out, and how a lane stands."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.loops.lane import LoopType

__all__ = ["Action", "CycleInput", "CycleOutput", "Improvement", "LoopStatus", "checked_input", "extract_improvements"]

DATA_BYTES = 256 * 1024
_CONTEXT_CHARACTERS = 10_000
_MOST_OBJECTIVES = 100
_OBJECTIVE_CHARACTERS = 1_000


@dataclass(frozen=True, slots=True)
class CycleInput:
    """What a cycle works on. `data` is a JSON object; `objectives` are short texts for handlers."""

    data: Mapping[str, Any] = field(default_factory=dict)
    context: str = ""
    objectives: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """Something a handler wanted done, and what came of it: done, refused or failed.

    `verb` is a door and its verb, such as `tasks.submit`, and `input` its request.
    """

    by: str
    verb: str
    input: Mapping[str, Any]
    status: str
    result: Any = None


@dataclass(frozen=True, slots=True)
class Improvement:
    """A proposal to keep in mind. The embedding is None where the memory makes its own."""

    description: str
    importance: float = 0.8
    embedding: Sequence[float] | None = None


@dataclass(frozen=True, slots=True)
class CycleOutput:
    """What a cycle did. `results` holds the duty's numbers and, under `handlers`, what each handler gave."""

    cycle_id: str
    loop_type: LoopType
    success: bool
    results: Mapping[str, Any]
    insights: tuple[Mapping[str, Any], ...]
    actions: tuple[Action, ...]
    next_objectives: tuple[str, ...]
    duration: timedelta

    def to_json(self) -> dict[str, Any]:
        """The cycle as REST and `-o json` show it. Units: `duration_s` seconds."""
        return {
            "cycle_id": self.cycle_id,
            "loop_type": self.loop_type.value,
            "success": self.success,
            "results": dict(self.results),
            "insights": [dict(one) for one in self.insights],
            "actions": [
                {"by": one.by, "verb": one.verb, "input": dict(one.input), "status": one.status, "result": one.result}
                for one in self.actions
            ],
            "next_objectives": list(self.next_objectives),
            "duration_s": self.duration.total_seconds(),
        }


@dataclass(frozen=True, slots=True)
class LoopStatus:
    """How a lane stands, or all of them together, when `loop_type` is None. Units: seconds since the epoch."""

    loop_type: LoopType | None
    scheduled: bool
    running: bool
    cycles_completed: int
    failures: int
    last_run_at: float | None
    next_run_at: float | None
    avg_duration: timedelta
    handlers: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The status as REST and `-o json` show it."""
        return {
            "lane": self.loop_type.value if self.loop_type else None,
            "scheduled": self.scheduled,
            "running": self.running,
            "cycles_completed": self.cycles_completed,
            "failures": self.failures,
            "last_run_at": self.last_run_at,
            "next_run_at": self.next_run_at,
            "avg_duration_s": self.avg_duration.total_seconds(),
            "handlers": list(self.handlers),
        }


def checked_input(given: CycleInput) -> CycleInput:
    """The input itself, when it is small and plain. Raises: InvalidInput."""
    if not isinstance(given.data, Mapping) or not isinstance(given.context, str):
        raise _wrong("data is no JSON object, or context no text", "data")
    if isinstance(given.objectives, str) or not all(isinstance(one, str) for one in given.objectives):
        raise _wrong("objectives are no list of texts", "objectives")
    if len(given.context) > _CONTEXT_CHARACTERS:
        raise _wrong(f"context has more than {_CONTEXT_CHARACTERS} characters", "context")
    if len(given.objectives) > _MOST_OBJECTIVES or any(len(one) > _OBJECTIVE_CHARACTERS for one in given.objectives):
        raise _wrong(
            f"more than {_MOST_OBJECTIVES} objectives, or one over {_OBJECTIVE_CHARACTERS} characters", "objectives"
        )
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
