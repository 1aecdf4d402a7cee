"""What becomes of a plugin: one decision over what is known of it, without any effect."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnicore.capabilities.grants import CapabilityRequest
from omnicore.plugins.view import State

__all__ = ["Facts", "Standing", "next_state"]


@dataclass(frozen=True, slots=True)
class Facts:
    """What a decision rests on.

    `problem` says why the file as it is now cannot be used; `newest` is its last usable version and `serving`
    the accepted one; `missing` and `serving_missing` are what each of them asks for and was not granted. Somebody
    who decided against the newest one made it `turned_away`.
    """

    newest: str | None
    serving: str | None
    problem: str = ""
    switched_off: bool = False
    quarantine: str = ""
    missing: Sequence[CapabilityRequest] = ()
    serving_missing: Sequence[CapabilityRequest] = ()
    turned_away: bool = False


@dataclass(frozen=True, slots=True)
class Standing:
    """The decision: the state, why, and which version answers calls once it is called again."""

    state: State
    reason: str
    serving: str | None


def next_state(facts: Facts) -> Standing:
    """Decides, the strongest reason first.

    An operator's switch wins over everything. A file that cannot be used, or that asks for more, leaves the
    accepted version in service, unless what that one asks for was taken back.
    """
    kept = facts.serving if facts.serving and not facts.serving_missing else None
    also = f"; version {kept[:8]} serves until then" if kept else ""
    accepted = kept if facts.problem or facts.missing else facts.newest
    if facts.switched_off:
        return Standing("disabled", "switched off", accepted)
    if facts.problem:
        return Standing("rejected", facts.problem + also, kept)
    if facts.missing and facts.turned_away and kept and facts.newest:
        also = f"version {facts.newest[:8]} was turned away; version {kept[:8]} serves"
        return Standing("quarantined" if facts.quarantine else "enabled", facts.quarantine or also, kept)
    if facts.missing:
        names = ", ".join(request.name for request in facts.missing)
        return Standing("needs-grant", f"asks for {names}{also}", kept)
    if facts.quarantine and facts.newest == facts.serving:
        return Standing("quarantined", facts.quarantine, accepted)
    return Standing("enabled", "", accepted)
