"""The errors of calls that are cut short from outside the guest."""

from __future__ import annotations

from omnicore.errors import CallCancelled, DeadlineExceeded

__all__ = ["cancelled", "overtime"]


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
