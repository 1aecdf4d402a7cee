"""The architectures that come with the host: how one request becomes calls of functions that provide the same.

They are fixed: nothing here is searched for or learned, so they are what remains when nothing else does.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from omnicore.errors import CapacityReached, GuestError, Unavailable

__all__ = ["BUILT_IN", "Architecture", "Call"]

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
