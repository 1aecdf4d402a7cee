"""What a handler gave back, read with suspicion: it comes from a plugin."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from omnicore.texts import is_whole, made_whole

__all__ = ["Answer", "Wish", "read_answer"]

_MOST_INSIGHTS = 50
_MOST_ACTIONS = 20
_MOST_OBJECTIVES = 20
_TEXT = 2_000
_RESULT_BYTES = 64 * 1024
_INPUT_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """An action a handler asks for."""

    verb: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """A handler's answer, cut to what is allowed; `problem` tells what was left out, or is empty."""

    result: Any = None
    insights: tuple[Mapping[str, Any], ...] = ()
    wishes: tuple[Wish, ...] = ()
    next_objectives: tuple[str, ...] = ()
    problem: str = ""


def read_answer(value: Any) -> Answer:
    """Reads what a handler returned: a JSON object with `results`, `insights`, `actions` and `next_objectives`,
    each optional; anything else is its result.
    """
    value = _parsed(value)
    if not isinstance(value, Mapping) or not value.keys() & {"results", "insights", "actions", "next_objectives"}:
        result, problem = _bounded(value)
        return Answer(result, problem=problem)
    result, problem = _bounded(value.get("results"))
    insights, wishes = _list(value.get("insights")), _list(value.get("actions"))
    objectives = _list(value.get("next_objectives"))
    if len(insights) > _MOST_INSIGHTS or len(wishes) > _MOST_ACTIONS or len(objectives) > _MOST_OBJECTIVES:
        problem = f"more than {_MOST_INSIGHTS} insights, {_MOST_ACTIONS} actions or {_MOST_OBJECTIVES} objectives"
    return Answer(
        result,
        tuple(_insight(one) for one in insights[:_MOST_INSIGHTS]),
        tuple(wish for one in wishes[:_MOST_ACTIONS] if (wish := _wish(one))),
        tuple(str(one)[:_TEXT] for one in objectives[:_MOST_OBJECTIVES] if isinstance(one, str)),
        problem,
    )


def _parsed(value: Any) -> Any:
    """JSON out of bytes and texts of functions without a schema, where it is JSON."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and value[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    with suppress(TypeError, ValueError, RecursionError):  # no JSON value, which `_bounded` says
        return value if is_whole(value) else made_whole(value)
    return value


def _bounded(value: Any) -> tuple[Any, str]:
    try:
        size = len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None, "the result is no JSON value"
    return (value, "") if size <= _RESULT_BYTES else (None, f"the result has {size} bytes, {_RESULT_BYTES} are kept")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _insight(value: Any) -> dict[str, Any]:
    """An insight: its kind and description, and for an improvement how much it matters."""
    if not isinstance(value, Mapping):
        return {"kind": "note", "description": str(value)[:_TEXT]}
    weight = value.get("importance")
    numbers = isinstance(weight, int | float) and not isinstance(weight, bool)
    numbers = numbers and not (isinstance(weight, float) and math.isnan(weight))
    return {
        "kind": str(value.get("kind", "note"))[:64],
        "description": str(value.get("description", ""))[:_TEXT],
        **({"importance": float(min(1, max(0, weight)))} if numbers and weight is not None else {}),
    }


def _wish(value: Any) -> Wish | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("verb"), str):
        return None
    given = value.get("input", {})
    return Wish(value["verb"][:128], given) if isinstance(given, Mapping) and _fits(given) else None


def _fits(given: Mapping[str, Any]) -> bool:
    """Whether it can be shown as JSON, and is no larger than what the doors take."""
    try:
        return len(json.dumps(given, allow_nan=False)) <= _INPUT_BYTES
    except (TypeError, ValueError, RecursionError):
        return False
