"""Failures of the other side, in the host's words, with what a caller needs to know to try again. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.errors import DeadlineExceeded, InvalidInput, OmniError, ServiceRefused, Unavailable
from omnicore.resilience.retry import read_retry_after

__all__ = ["asked_pause_s", "counts_against", "malformed", "may_repeat", "of_status", "temporary", "wait_of"]

_LONGEST_PAUSE_S = 3600.0
_MESSAGE = 300


def temporary(fact: str, *, acted: bool | None = None, retry_after_s: float | None = None, **more: Any) -> Unavailable:
    """A failure that may pass by itself.

    Args:
        acted: False when the other side surely did nothing (no connection, over its rate), so that anything may be
            sent again; None when nobody knows.
    """
    details = {"temporary": True, "acted": acted, **more}
    if retry_after_s is not None:
        details["retry_after_s"] = retry_after_s
    return Unavailable(fact, remedy="try again later", **details)


def may_repeat(error: BaseException, *, harmless: bool) -> bool:
    """Whether a call that failed so may be sent again. `harmless`: sending it twice is as good as once."""
    if not isinstance(error, Unavailable) or not error.details.get("temporary"):
        return False
    return harmless or error.details.get("acted") is False


def counts_against(error: BaseException) -> bool:
    """Whether the failure says that the other side is ill, which a refusal does not."""
    if isinstance(error, DeadlineExceeded):
        return True
    return isinstance(error, Unavailable) and bool(error.details.get("temporary")) and not asked_pause_s(error)


def asked_pause_s(error: OmniError) -> float:
    """How long the other side asked to be left alone; 0.0 when it did not."""
    return float(error.details.get("retry_after_s") or 0.0) if error.details.get("temporary") else 0.0


def of_status(
    service: str, status: int, headers: Mapping[str, str], message: str, *, now: float, code: str = ""
) -> OmniError:
    """The error that an HTTP answer of 400 and above means.

    Args:
        message: what the service says, shown cut to size.
        code: the service's own name for the failure.
        now: seconds since the epoch, for `Retry-After` as a date.
    """
    said = f": {message[:_MESSAGE]}" if message else ""
    fact = f"{service} answers {status}{said}"
    wait = wait_of(headers, now)
    exhausted = status == 403 and (wait is not None or headers.get("x-ratelimit-remaining") == "0")
    if status == 429 or exhausted:
        return temporary(fact, acted=False, retry_after_s=1.0 if wait is None else wait, status=status)
    if status == 503 and wait is not None:
        return temporary(fact, acted=False, retry_after_s=wait, status=status)
    if status >= 500 or status == 408:
        return temporary(fact, status=status)
    return ServiceRefused(fact, remedy=_remedy(status), service=service, status=status, service_code=code)


def wait_of(headers: Mapping[str, str], now: float) -> float | None:
    """Seconds to wait as `Retry-After` or GitHub's `x-ratelimit-reset` say, at most an hour; None for neither."""
    found = read_retry_after(headers.get("retry-after", "")[:64], now)
    if found is None and headers.get("x-ratelimit-remaining") == "0":
        reset = headers.get("x-ratelimit-reset", "")
        found = float(reset) - now if reset.isascii() and reset.isdigit() and len(reset) < 12 else None
    return None if found is None else min(max(found, 0.0), _LONGEST_PAUSE_S)


def _remedy(status: int) -> str:
    if status in (401, 403):
        return "the operator gives the connector a credential that may do this"
    return "correct the input"


def malformed(fact: str, remedy: str = "correct the input") -> InvalidInput:
    """Input of an action that cannot be used."""
    return InvalidInput(fact, remedy=remedy)
