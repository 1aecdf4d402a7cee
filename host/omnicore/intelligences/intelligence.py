"""An intelligence: a named, versioned set of required functions, budgets and an architecture.

The architectures are fixed: they turn one request into calls of functions that provide the same. Nothing in them is
learned, so they work without a model.
"""

from __future__ import annotations

import json
import math
import re
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, fields
from enum import StrEnum
from typing import Any

from omnicore.errors import CapacityReached, GuestError, InvalidInput, Unavailable
from omnicore.memory.tiers import MemoryTier

__all__ = [
    "BUILT_IN",
    "Architecture",
    "Budget",
    "Call",
    "Intelligence",
    "IntelligenceSpec",
    "IntelligenceStatus",
    "checked_spec",
    "spec_from_json",
    "spec_text",
]


_WORD = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,99}")
_MOST_WORDS = 50
_NAME_CHARACTERS = 128
_LONGEST_MS = 86_400_000.0
_MOST_SECONDS = 1e15  # beyond it a database counts no parts of a second
_WORKING_TIERS = ("session", "episodic", "semantic", "procedural")


class IntelligenceStatus(StrEnum):
    """State of an intelligence. Unverified: it can work, but no evaluation has shown that it does so well enough."""

    Ready = "Ready"
    Unverified = "Unverified"
    MissingCapabilities = "MissingCapabilities"


@dataclass(frozen=True, slots=True)
class Budget:
    """Limits in each period; None is unlimited. Units: seconds, Wasm instructions.

    A call is refused once one of them is used up. Fuel is counted where a plugin's limits set it.
    """

    calls: int | None = None
    seconds: float | None = None
    fuel: int | None = None
    period_s: float = 86_400.0


@dataclass(frozen=True, slots=True)
class IntelligenceSpec:
    """The specification of an intelligence.

    Args:
        min_capability: the score, 0 to 1, that an evaluation has to show.
        required_capabilities: words that functions of plugins provide (`provides` in their manifest), or
            references such as `text.summarise`.
        max_inference_time: the longest one call may take. Units: milliseconds, None for the plugin's own limit.
        architecture: how its calls are made: single, retry, fallback or vote.
        memory_tiers: the tiers it may remember and recall in.
        strict: refuse it when something that it requires is not there.
    """

    name: str = ""
    min_capability: float = 0.0
    required_capabilities: Sequence[str] = ()
    max_inference_time: float | None = None
    architecture: str = "single"
    budget: Budget = field(default_factory=Budget)
    memory_tiers: Sequence[str] = _WORKING_TIERS
    description: str = ""
    strict: bool = False

    def to_json(self) -> dict[str, Any]:
        """The spec as REST, commands and the database have it."""
        values = asdict(self)
        return {
            **values,
            "required_capabilities": list(self.required_capabilities),
            "memory_tiers": [str(tier) for tier in self.memory_tiers],
        }


@dataclass(frozen=True, slots=True)
class Intelligence:
    """An intelligence as it stands now.

    `capabilities` says which functions provide each required word, `missing` lists those nobody provides. `score`
    is what its last evaluation gave, None before the first. Units: times in seconds since the epoch.
    """

    id: str
    name: str
    version: int
    spec: IntelligenceSpec
    status: IntelligenceStatus
    capabilities: Mapping[str, tuple[str, ...]]
    missing: tuple[str, ...]
    created_at: float
    retired_at: float | None = None
    score: float | None = None

    @property
    def budget(self) -> Budget:
        """The limits in each period."""
        return self.spec.budget

    @property
    def memory_scope(self) -> tuple[str, ...]:
        """The tiers it may use."""
        return tuple(str(tier) for tier in self.spec.memory_tiers)

    def to_json(self) -> dict[str, Any]:
        """The intelligence as REST and commands show it."""
        return {
            "id": self.id,
            "name": self.name,
            "version": self.version,
            "status": self.status.value,
            "capabilities": {word: list(refs) for word, refs in self.capabilities.items()},
            "missing": list(self.missing),
            "score": self.score,
            "created_at": self.created_at,
            "retired_at": self.retired_at,
            "spec": self.spec.to_json(),
        }


def checked_spec(spec: IntelligenceSpec, architectures: Sequence[str]) -> IntelligenceSpec:
    """The spec itself, its lists as tuples. Raises: InvalidInput, whose `path` names the field."""
    if not isinstance(spec.name, str) or not spec.name.strip() or len(spec.name) > _NAME_CHARACTERS:
        raise _wrong("name", f"must be a text of 1 to {_NAME_CHARACTERS} characters")
    if not spec.name.isprintable():
        raise _wrong("name", "must be printable")
    if not isinstance(spec.description, str) or len(spec.description) > 2_000:
        raise _wrong("description", "must be a text of at most 2000 characters")
    if not isinstance(spec.strict, bool):
        raise _wrong("strict", "must be true or false")
    if not _number(spec.min_capability, 0, 1):
        raise _wrong("min_capability", "must be a number from 0 to 1")
    if spec.max_inference_time is not None and not (0 < _as_number(spec.max_inference_time) <= _LONGEST_MS):
        raise _wrong("max_inference_time", "must be milliseconds above 0, at most a day")
    if spec.architecture not in architectures:
        raise _wrong("architecture", f"must be one of {', '.join(architectures)}")
    words = _words("required_capabilities", spec.required_capabilities)
    tiers = _tiers(spec.memory_tiers)
    _check_budget(spec.budget)
    return IntelligenceSpec(
        **{
            **{one.name: getattr(spec, one.name) for one in fields(spec)},
            "required_capabilities": words,
            "memory_tiers": tiers,
        }
    )


def spec_from_json(values: Mapping[str, Any]) -> IntelligenceSpec:
    """A spec from a document of REST, the command line or the database. Raises: InvalidInput."""
    known = {one.name for one in fields(IntelligenceSpec)}
    strange = sorted(values.keys() - known)
    if strange:
        raise _wrong(str(strange[0])[:80], f"is not known; fields are {', '.join(sorted(known))}")
    budget = values.get("budget", {})
    limits = {one.name for one in fields(Budget)}
    if not isinstance(budget, Mapping) or budget.keys() - limits:
        raise _wrong("budget", f"must be an object with {', '.join(sorted(limits))}")
    return IntelligenceSpec(**{**values, "budget": Budget(**budget)})


def spec_text(spec: IntelligenceSpec) -> str:
    """The spec as the database keeps it."""
    return json.dumps(spec.to_json(), sort_keys=True)


def _words(name: str, words: Any) -> tuple[str, ...]:
    listed = isinstance(words, Sequence) and not isinstance(words, str | bytes)
    if not listed or len(words) > _MOST_WORDS:
        raise _wrong(name, f"must be a list of at most {_MOST_WORDS} words")
    for word in words:
        if not isinstance(word, str) or not _WORD.fullmatch(word):
            raise _wrong(name, f"holds {str(word)[:80]!r}, which is no word of letters, digits, '_', '.' and '-'")
    return tuple(dict.fromkeys(words))


def _tiers(tiers: Any) -> tuple[str, ...]:
    known = {tier.value: tier for tier in MemoryTier}
    listed = isinstance(tiers, Sequence) and not isinstance(tiers, str | bytes)
    if not listed or any(not isinstance(tier, str) or tier not in known for tier in tiers):
        raise _wrong("memory_tiers", f"must be a list of {', '.join(known)}")
    return tuple(dict.fromkeys(known[tier].value for tier in tiers))


def _check_budget(budget: Any) -> None:
    if not isinstance(budget, Budget):
        raise _wrong("budget", "must be a Budget")
    for name in ("calls", "fuel"):
        value = getattr(budget, name)
        if value is not None and (not isinstance(value, int) or isinstance(value, bool) or not 0 < value < 2**62):
            raise _wrong(f"budget.{name}", "must be a whole number above 0, or null")
    if budget.seconds is not None and not 0 < _as_number(budget.seconds) < _MOST_SECONDS:
        raise _wrong("budget.seconds", "must be seconds above 0, or null")
    if not 1 <= _as_number(budget.period_s) <= 366 * 86_400:
        raise _wrong("budget.period_s", "must be 1 second to 366 days")


def _as_number(value: Any) -> float:
    """The value where it is a finite number, else one that no range takes."""
    return value if _number(value, -math.inf, math.inf) else math.nan


def _number(value: Any, least: float, most: float) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and least <= value <= most


def _wrong(path: str, says: str) -> InvalidInput:
    return InvalidInput(f"{path} {says}", remedy="correct the spec", path=path)


Call = Callable[[str], Awaitable[Any]]
"""Calls the function of a reference with the request's input, within the budget."""

Architecture = Callable[[Sequence[str], Call], Awaitable[Any]]
"""Works on the references that provide what is asked, the best one first; there is at least one.

Raises: what the last call raised.
"""

_ATTEMPTS = 3
_VOTERS = 5
_MEND = (GuestError, Unavailable, CapacityReached)  # what another call, or another function, may not meet


async def single(refs: Sequence[str], call: Call) -> Any:
    """The best one, once."""
    return await call(refs[0])


async def retry(refs: Sequence[str], call: Call) -> Any:
    """The best one, up to three times."""
    for _ in range(_ATTEMPTS - 1):
        try:
            return await call(refs[0])
        except _MEND:
            continue
    return await call(refs[0])


async def fallback(refs: Sequence[str], call: Call) -> Any:
    """One after the other, until one answers."""
    for ref in refs[:-1]:
        try:
            return await call(ref)
        except _MEND:
            continue
    return await call(refs[-1])


async def vote(refs: Sequence[str], call: Call) -> Any:
    """The best five, and what most of them say; where they are even, the better one's word."""
    voters = refs[:_VOTERS]
    answers: list[tuple[str, Any]] = []
    for ref in voters:
        try:
            value = await call(ref)
        except _MEND:
            if ref == voters[-1] and not answers:
                raise
            continue
        answers.append((json.dumps(value, sort_keys=True, default=repr), value))
    chosen, _ = Counter(text for text, _ in answers).most_common(1)[0]  # equal counts: the first that came
    return next(value for text, value in answers if text == chosen)


BUILT_IN: Mapping[str, Architecture] = {"single": single, "retry": retry, "fallback": fallback, "vote": vote}
"""By name."""
