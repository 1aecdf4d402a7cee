"""What a failed attempt means: whether another one may help, and when it begins. Decisions only."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from random import Random

from omnicore.errors import (
    CallCancelled,
    CallerError,
    InstanceBusy,
    LinkFailed,
    ManifestInvalid,
    ModuleRejected,
    OmniError,
)
from omnicore.resilience.retry import RetryPolicy, wanted_pause_s

__all__ = ["Failure", "failure_of", "retryable", "wait_s"]

_FINAL = (CallerError, ManifestInvalid, ModuleRejected, LinkFailed)
_PASSING = (CallCancelled, InstanceBusy)
_TEXT = 4096
_LONGEST_WAIT_S = 3600.0


def retryable(error: BaseException) -> bool:
    """Whether the same call may succeed later.

    A wrong input, a missing function or grant stays wrong; traps, failures, limits and a host in trouble pass.
    """
    return isinstance(error, _PASSING) or not isinstance(error, _FINAL)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why an attempt failed. `wait_s` is what the one who refused asked for, 0 when nothing."""

    code: str
    text: str
    retry: bool
    wait_s: float = 0.0


def failure_of(error: BaseException) -> Failure:
    """The failure that an exception stands for, its text bounded."""
    if isinstance(error, OmniError):
        return Failure(error.code, str(error)[:_TEXT], retryable(error), min(wanted_pause_s(error), _LONGEST_WAIT_S))
    return Failure(type(error).__name__, f"{type(error).__name__}: {error}"[:_TEXT], True)


def wait_s(failed: int, steps: Sequence[float], failure: Failure, random: Random) -> float:
    """The wait after the failure of this number, which counts from 1: of the task's own steps, or growing.

    Jitter spreads both by 30 %; who refused may ask for more.
    """
    policy = RetryPolicy()
    if steps:
        own = RetryPolicy(first_s=steps[min(failed, len(steps)) - 1], most_s=math.inf, factor=1)
        return max(own.delay_s(1, random.random()), failure.wait_s)
    return max(policy.delay_s(failed, random.random()), failure.wait_s)
