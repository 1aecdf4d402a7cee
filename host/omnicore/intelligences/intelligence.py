"""An intelligence: a named, versioned set of required functions, budgets and an architecture.

The architectures are fixed: they turn one request into calls of functions that provide the same. Nothing in them is
learned, so they work without a model.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from enum import StrEnum
from typing import Annotated, Any, Literal

from omnicore.errors import CapacityReached, GuestError, InvalidInput, Unavailable
from omnicore.memory.tiers import MemoryTier
from omnicore.records import Meta, Record, Seconds, Time, checked, field, replace

_WORD = r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$(?!\n)"
_MOST_WORDS = 50
_LONGEST_MS = 86_400_000.0
_MOST_SECONDS = 1e15  # beyond it a database counts no parts of a second
_WORKING_TIERS = (MemoryTier.Session, MemoryTier.Episodic, MemoryTier.Semantic, MemoryTier.Procedural)


class IntelligenceStatus(StrEnum):
    """State of an intelligence. Unverified: it can work, but no evaluation has shown that it does so well enough."""

    Ready = "Ready"
    Unverified = "Unverified"
    MissingCapabilities = "MissingCapabilities"


_Count = Annotated[int, Meta(gt=0, lt=2**62)]


class Budget(Record, frozen=True):
    """Limits in each period; None is unlimited.

    A call is refused once one of them is used up. Fuel is counted where a plugin's limits set it.
    """

    calls: _Count | None = None
    seconds: Annotated[float, Meta(gt=0, lt=_MOST_SECONDS)] | None = None
    fuel: Annotated[_Count | None, Meta(description="Wasm instructions, of plugins whose limits count them.")] = None
    period_s: Annotated[Seconds, Meta(ge=1, le=366 * 86_400)] = 86_400.0


class IntelligenceSpec(Record, frozen=True):
    """The specification of an intelligence."""

    name: Annotated[str, Meta(min_length=1, max_length=128)]
    min_capability: Annotated[float, Meta(ge=0, le=1, description="The score that an evaluation has to show.")] = 0.0
    required_capabilities: Annotated[
        Sequence[Annotated[str, Meta(pattern=_WORD)]],
        Meta(max_length=_MOST_WORDS, description="Words that functions provide, or references like `text.summarise`."),
    ] = ()
    max_inference_time: Annotated[
        Annotated[float, Meta(gt=0, le=_LONGEST_MS)] | None,
        Meta(description="Milliseconds that one call may take; null for the plugin's own limit."),
    ] = None
    architecture: Literal["single", "retry", "fallback", "vote"] = "single"
    budget: Budget = field(default_factory=Budget)
    memory_tiers: Annotated[Sequence[MemoryTier], Meta(description="Tiers that it may remember and recall in.")] = (
        _WORKING_TIERS
    )
    description: Annotated[str, Meta(max_length=2_000)] = ""
    strict: Annotated[bool, Meta(description="Refuse it when something it requires is not there.")] = False


class Intelligence(Record, frozen=True):
    """An intelligence as it stands now. Units: times in seconds since the epoch."""

    id: str
    name: str
    version: int
    spec: IntelligenceSpec
    status: IntelligenceStatus
    capabilities: Annotated[
        Mapping[str, tuple[str, ...]], Meta(description="Each required word with the functions that provide it.")
    ]
    missing: Annotated[tuple[str, ...], Meta(description="Required words that nobody provides.")]
    created_at: Time
    retired_at: Time | None = None
    score: Annotated[float | None, Meta(description="The result of its last evaluation.")] = None

    @property
    def budget(self) -> Budget:
        """The limits in each period."""
        return self.spec.budget

    @property
    def memory_scope(self) -> tuple[str, ...]:
        """The tiers it may use."""
        return tuple(map(str, self.spec.memory_tiers))


def checked_spec(spec: IntelligenceSpec) -> IntelligenceSpec:
    """The spec itself, its lists as tuples without repetition. Raises: InvalidInput, whose `path` names the field."""
    spec = checked(spec, "spec")
    if not spec.name.strip() or not spec.name.isprintable():
        raise InvalidInput("name of the spec is not printable text", remedy="correct the spec", path="name")
    words, tiers = tuple(dict.fromkeys(spec.required_capabilities)), tuple(dict.fromkeys(spec.memory_tiers))
    return replace(spec, required_capabilities=words, memory_tiers=tiers)


class PracticeCase(Record, frozen=True):
    """Something an intelligence is asked to do, and the answer that is right. It sees the input alone."""

    capability: Annotated[str, Meta(max_length=200)]
    input: Annotated[Any, Meta(description="A JSON value for the function.")] = b""
    expect: Annotated[Any, Meta(description="The JSON value, or the text, that is right.")] = None


MOST_CASES = 1_000
"""Cases of one practice: each is a call that its budget pays."""


class Practice(Record, frozen=True):
    """A test of an intelligence, whose result is its score."""

    cases: Annotated[Sequence[PracticeCase], Meta(min_length=1, max_length=MOST_CASES)]


def answered(case: PracticeCase, answer: Any) -> bool:
    """True if an answer is the JSON value, or the text, that is expected."""
    if isinstance(answer, bytes) and not isinstance(case.expect, bytes):
        answer = answer.decode("utf-8", "replace")
    return json.dumps(answer, sort_keys=True, default=repr) == json.dumps(case.expect, sort_keys=True, default=repr)


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
