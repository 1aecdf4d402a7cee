"""The errors of calls that are refused or cut short from outside the guest, the same from every engine of ours."""

from __future__ import annotations

from omnicore.errors import CallCancelled, DeadlineExceeded, InstanceBusy, InvalidInput, LimitExceeded

__all__ = ["busy", "cancelled", "overtime", "too_long", "too_nested"]


def overtime() -> DeadlineExceeded:
    """The error of a call that ran too long."""
    return DeadlineExceeded(
        "timeout: the call ran longer than it may",
        remedy="do less in one call, or raise limits.timeout_s",
        limit="timeout_s",
    )


def cancelled() -> CallCancelled:
    """The error of a call that somebody cancelled. The word timeout stands in it because the Extism host has
    one text for both, and callers look for it."""
    return CallCancelled("the call was cancelled (timeout)")


def busy() -> InstanceBusy:
    """The error of a second call on an instance."""
    return InstanceBusy("the instance is in a call", remedy="use another instance; the host's pools do so")


def too_long(data: bytes, allowed: int) -> InvalidInput:
    """The error of a call with more input than it may have. Units: bytes."""
    return InvalidInput(
        f"the input has {len(data)} bytes, {allowed} are allowed",
        remedy="send less, or raise limits.input_bytes",
        limit="input_bytes",
        allowed=allowed,
    )


def too_nested(most: int) -> LimitExceeded:
    """The error of calls that go through guests and host functions in a circle."""
    return LimitExceeded(
        f"the call is nested in {most} others",
        remedy="guests and host functions call each other in a circle: end it, or let them await each other",
        limit="nesting",
        allowed=most,
    )
