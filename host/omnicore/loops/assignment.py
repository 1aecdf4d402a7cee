"""Who does what: tasks matched to those who can do them, the same way every time. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from omnicore.loops.chores import Worker

__all__ = ["assign", "needs_of"]

_MOST_TASKS = 1_000
_MOST_NEEDS = 50


def assign(tasks: Any, workers: Sequence[Worker]) -> dict[str, Any]:
    """Gives each task to somebody who has all that it needs.

    Those who can begin now come first, then those with the fewest other abilities, then those with the least to
    do, then by name. A task nobody can do is unmatched, with what is missing.

    Args:
        tasks: a list of objects with `id` and `needs`, a text or a list of texts; anything else is no task.
    """
    load: dict[str, int] = {}
    assignments, unmatched = [], []
    listed = tasks if isinstance(tasks, list) else []
    for place, task in enumerate(listed[:_MOST_TASKS]):
        if not isinstance(task, Mapping):
            unmatched.append({"task": str(place), "needs": [], "reason": "it is no object with id and needs"})
            continue
        name, needs = str(task.get("id", place))[:200], needs_of(task)
        chosen = _best(needs, workers, load)
        if chosen is None:
            unmatched.append({"task": name, "needs": sorted(needs), "reason": _reason(needs, workers)})
            continue
        load[chosen.id] = load.get(chosen.id, 0) + 1
        assignments.append(
            {
                "task": name,
                "intelligence": chosen.id,
                "name": chosen.name,
                "needs": sorted(needs),
                "ready": chosen.ready,
            }
        )
    return {"assignments": assignments, "unmatched": unmatched, "left_out": max(0, len(listed) - _MOST_TASKS)}


def needs_of(task: Mapping[str, Any]) -> frozenset[str]:
    """What a task needs."""
    needs = task.get("needs", ())
    words = [needs] if isinstance(needs, str) else needs if isinstance(needs, list) else []
    return frozenset(word[:200] for word in words[:_MOST_NEEDS] if isinstance(word, str) and word)


def _best(needs: frozenset[str], workers: Sequence[Worker], load: Mapping[str, int]) -> Worker | None:
    able = [one for one in workers if needs <= one.capabilities]
    return min(
        able,
        key=lambda one: (not one.ready, len(one.capabilities - needs), load.get(one.id, 0), one.name, one.id),
        default=None,
    )


def _reason(needs: frozenset[str], workers: Sequence[Worker]) -> str:
    known = frozenset().union(*(one.capabilities for one in workers))
    missing = sorted(needs - known)
    return f"nobody has {', '.join(missing)}" if missing else "nobody has all of it"
