"""Requests, grants, and the requests that no grant covers. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from omnicore.capabilities.capability import Capability, CapabilityRequest, Grant
from omnicore.capabilities.doors import BUILT_IN, DOORS, check_requests, covers

__all__ = ["CapabilityRequest", "Grant", "check_requests", "covers", "missing"]

_OPEN_TO_ALL = frozenset(door.name for door in DOORS if not door.needs_grant)


def missing(
    asked: Iterable[CapabilityRequest], granted: Iterable[Grant], doors: Mapping[str, Capability] = BUILT_IN
) -> list[CapabilityRequest]:
    """The requests that need a grant and that no grant covers."""
    grants = tuple(granted)
    return [
        request
        for request in asked
        if request.name not in _OPEN_TO_ALL and not any(covers(grant, request, doors) for grant in grants)
    ]
