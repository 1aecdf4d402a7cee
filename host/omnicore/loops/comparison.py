"""This week against the one before: what got worse, and what to do about it. Pure."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Proposal", "compare", "numbers_of", "week_of"]

_WEEK_S = 7 * 86_400
_LEAST_CALLS = 20  # fewer calls than these say nothing about a rate


@dataclass(frozen=True, slots=True)
class Proposal:
    """An improvement of something measured, and how much it matters, 0 to 1."""

    name: str
    description: str
    importance: float


@dataclass(frozen=True, slots=True)
class _Rule:
    """Something that must not grow: by this factor, and by this much at least."""

    suffix: str
    factor: float
    least: float
    says: str


_RULES = (
    _Rule("error_rate", 1.25, 0.01, "calls fail more often; look at the last errors with `omnicore plugins inspect`"),
    _Rule("avg_response_s", 1.5, 0.005, "answers take longer; look for the slow function in the metrics"),
    _Rule("p95_s", 1.5, 0.005, "its slowest calls take longer; raise its limits or keep it warm"),
    _Rule("rss_bytes", 1.5, 64 * 1024 * 1024, "the process has grown; look at warm instances and vector collections"),
    _Rule("storage_bytes", 2.0, 64 * 1024 * 1024, "the database has grown; lower what tiers may hold"),
    _Rule("loop_failures", 1.0, 1.0, "cycles of lanes failed; see `omnicore loops ls`"),
    _Rule("dead_letters", 1.0, 1.0, "tasks were given up; see `omnicore tasks ls --state failed`"),
)


def week_of(at: float) -> int:
    """The number of a week, counted from the epoch."""
    return int(at // _WEEK_S)


def numbers_of(data: Mapping[str, Any]) -> dict[str, float]:
    """The finite numbers among the values of an object."""
    return {
        str(key)[:100]: float(value)
        for key, value in list(data.items())[:200]
        if isinstance(value, int | float) and not isinstance(value, bool) and _finite(value)
    }


def compare(now: Mapping[str, float], before: Mapping[str, float]) -> tuple[dict[str, Any], list[Proposal]]:
    """What changed, as `{name: [before, now]}`, and what should be done about what got worse."""
    changes = {
        name: [before[name], value] for name, value in sorted(now.items()) if name in before and before[name] != value
    }
    proposals = [
        proposal
        for name, (old, new) in changes.items()
        for rule in _RULES
        if _is_of(name, rule) and (proposal := _judge(name, rule, old, new, now))
    ]
    return changes, proposals


def _is_of(name: str, rule: _Rule) -> bool:
    return name == rule.suffix or name.endswith(f".{rule.suffix}")


def _judge(name: str, rule: _Rule, old: float, new: float, now: Mapping[str, float]) -> Proposal | None:
    if new < old * rule.factor or new - old < rule.least:
        return None
    calls = now.get(name.removesuffix(rule.suffix) + "calls")
    if calls is not None and calls < _LEAST_CALLS:
        return None
    growth = (new - old) / max(abs(old), rule.least)
    text = f"{name} went from {old:.6g} to {new:.6g} in a week: {rule.says}"
    return Proposal(name, text, round(min(0.95, 0.6 + 0.1 * math.log2(1 + growth)), 3))


def _finite(value: float) -> bool:
    try:
        return math.isfinite(value)
    except OverflowError:
        return False
