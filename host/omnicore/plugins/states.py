"""What becomes of a plugin: one decision over what is known of it, without any effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from omnicore.capabilities.grants import CapabilityRequest
from omnicore.plugins.view import State

__all__ = ["Facts", "Review", "Standing", "next_state", "review_reason"]

Review = Literal["changes", "new-requests", "never"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision rests on.

    `problem` says why the file as it is now cannot be used; `newest` is its last usable version and `serving`
    the accepted one; `missing` and `serving_missing` are what each of them asks for and was not granted. `review` says
    why a person has to accept the newest one first. Somebody who decided against it made it `turned_away`.
    """

    newest: str | None
    serving: str | None
    problem: str = ""
    switched_off: bool = False
    quarantine: str = ""
    missing: Sequence[CapabilityRequest] = ()
    serving_missing: Sequence[CapabilityRequest] = ()
    turned_away: bool = False
    review: str = ""


@dataclass(frozen=True, slots=True)
class Standing:
    """The decision: the state, why, and which version answers calls once it is called again."""

    state: State
    reason: str
    serving: str | None


def review_reason(policy: Review, *, known: bool, kept: Sequence[str], missing: Sequence[CapabilityRequest]) -> str:
    """Why a person has to accept a version that nobody accepted yet, or "" when it may serve without.

    Args:
        known: other code was accepted for the name before.
        kept: what is kept for the name, see `omnicore.storage.tables.plugins`.
        missing: what the version asks for and was not granted.
    """
    if policy == "never":
        return ""
    if known and missing:
        return f"is new code that asks for {_names(missing)}"
    if kept and policy == "changes":
        return f"is new code under a name that holds {', '.join(kept)}"
    return ""


def next_state(facts: Facts) -> Standing:
    """Decides, the strongest reason first.

    An operator's switch wins over everything. A file that cannot be used, that asks for more or that nobody accepted
    leaves the accepted version in service, unless what that one asks for was taken back.
    """
    kept = facts.serving if facts.serving and not facts.serving_missing else None
    also = f"; version {kept[:8]} serves until then" if kept else ""
    waits = bool(facts.missing or facts.review)
    accepted = kept if facts.problem or waits else facts.newest
    if facts.switched_off:
        return Standing("disabled", "switched off", accepted)
    if facts.problem:
        return Standing("rejected", facts.problem + also, kept)
    if waits and facts.turned_away and kept and facts.newest:
        what = "a changed manifest" if facts.newest == kept else f"version {facts.newest[:8]}"
        also = f"{what} was turned away; version {kept[:8]} serves"
        return Standing("quarantined" if facts.quarantine else "enabled", facts.quarantine or also, kept)
    if waits:
        asks = f"asks for {_names(facts.missing)}"
        return Standing("needs-review" if facts.review else "needs-grant", (facts.review or asks) + also, kept)
    if facts.quarantine and facts.newest == facts.serving:
        return Standing("quarantined", facts.quarantine, accepted)
    return Standing("enabled", "", accepted)


def _names(requests: Sequence[CapabilityRequest]) -> str:
    return ", ".join(request.name for request in requests)
