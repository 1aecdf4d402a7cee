"""Places at which a search writes something down, and its death there."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable, Iterator, Sequence
from random import Random
from typing import Any

from omnicore.storage.tables.evolution import Evolution, EvolutionCandidate, EvolutionTable
from omnicore.workflows.engine import EmbeddedEngine


class Killed(BaseException):
    """The search's host is gone: nothing of what it has in memory goes on."""


@contextlib.contextmanager
def points_told(tell: Callable[[str], None]) -> Iterator[None]:
    """Tells each place before something is written and after it, by a name that no other place has."""
    real = (EvolutionTable.add, EvolutionTable.hold, EvolutionTable.end, EmbeddedEngine.begin)
    add, hold, end, begin = real
    EvolutionTable.add = _told(add, lambda one, *_: f"candidate {one.number}", tell)  # type: ignore[method-assign]
    EvolutionTable.hold = _told(hold, lambda _, number, __: f"held {number}", tell)  # type: ignore[method-assign]
    EvolutionTable.end = _told(end, lambda _: "end", tell)  # type: ignore[method-assign]

    @functools.wraps(begin)
    async def begun(engine: Any, new: Any) -> Any:
        case = new.dedupe.partition(":")[2]
        tell(f"before run {case}")
        made = await begin(engine, new)
        tell(f"after run {case}")
        return made

    EmbeddedEngine.begin = begun  # type: ignore[method-assign]
    try:
        yield
    finally:
        EvolutionTable.add, EvolutionTable.hold, EvolutionTable.end = real[:3]  # type: ignore[method-assign]
        EmbeddedEngine.begin = begin  # type: ignore[method-assign]


def _told(write: Callable[..., Any], name: Callable[..., str], tell: Callable[[str], None]) -> Any:
    @functools.wraps(write)
    def call(table: Any, *given: Any) -> Any:
        tell(f"before {name(*given)}")
        made = write(table, *given)
        tell(f"after {name(*given)}")
        return made

    return call


def places_of(points: Sequence[str], count: int, seed: int = 0) -> list[str]:
    """As many places in their order: one of each kind, and others by chance."""
    kinds: dict[str, list[str]] = {}
    for point in points:
        kinds.setdefault(" ".join(point.split()[:2]), []).append(point)
    some = [found[len(found) // 2] for found in kinds.values()]
    others = Random(seed).sample(sorted(set(points) - set(some)), count)  # the same places each time
    return sorted([*some, *others][:count], key=points.index)


def outcome(one: Evolution, candidates: Sequence[EvolutionCandidate]) -> list[Any]:
    """All that a search found, without its name and the time it took."""
    found = [
        (each.number, each.parent, each.proposer, each.genes, each.state, each.reason, each.scores, each.held)
        for each in candidates
    ]
    return [one.state, one.count, one.best, one.gain, one.least_gain, one.reason, *found]
