"""When what failed begins again."""

from __future__ import annotations

import hashlib
from collections.abc import Generator, Mapping
from typing import Any

from omnicore.workflows.flow.frames import Frame
from omnicore.workflows.flow.moments import seconds_of
from omnicore.workflows.flow.truth import holds
from omnicore.workflows.graph import Retry

__all__ = ["next_delay", "pause"]

_MOST_DOUBLINGS = 64


def next_delay(frame: Frame, retry: Retry, number: int, since: float, scope: Mapping[str, Any]) -> float | None:
    """How long until retry `number` (from 1) of what began at `since`; None: it is not retried.

    Raises: Fault: an expression failed.
    """
    if retry.when is not None and not holds(retry.when, frame.input, scope):
        return None
    if retry.except_when is not None and holds(retry.except_when, frame.input, scope):
        return None
    if retry.attempts is not None and number > retry.attempts:
        return None
    delay = _delay(retry, number, seconds_of(retry.delay_s, frame.input, scope)) + _jitter(frame, retry)
    if retry.duration_s is not None and frame.machine.at + delay - since > retry.duration_s:
        return None
    return delay


def pause(frame: Frame, delay: float) -> Generator[None, Any, None]:
    """The time between two attempts; none passes without a timer."""
    if delay > 0:
        machine = frame.machine
        machine.ask(frame, "timer", place=f"{frame.place}/retry", due_at=machine.at + delay, use="tick")
        yield None


def _delay(retry: Retry, number: int, delay: float) -> float:
    match retry.backoff:
        case "linear":
            delay *= number
        case "exponential":
            delay *= 2.0 ** min(number - 1, _MOST_DOUBLINGS)
    return min(delay, retry.longest_s)


def _jitter(frame: Frame, retry: Retry) -> float:
    """Drawn from the key of the attempt, so that the same journal gives the same times."""
    if retry.jitter_s is None:
        return 0.0
    least, most = retry.jitter_s
    key = f"{frame.machine.start.run}{frame.place}/{frame.tries.attempt}"
    part = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    return least + part * (most - least)
