"""The limits a plugin runs under: those it asks for, as far as they were granted and the host allows."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, Any

from omnicore.capabilities.grants import CapabilityRequest, Grant, missing
from omnicore.plugins.manifest import Manifest
from omnicore.sandbox.abi import Limits

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

__all__ = ["LIMITS", "asked_of", "effective_limits", "granted_limits", "limits_covered", "limits_request", "missing_of"]


LIMITS = "limits"
"""The name under which limits above the host's own are granted."""


def effective_limits(asked: Mapping[str, Any] | None, default: Limits, most: Limits) -> Limits:
    """Each field as the manifest asks, else the default; never above `most`, where None means no bound."""
    values = {field.name: getattr(default, field.name) for field in fields(Limits)} | dict(asked or {})
    return Limits(**{name: _least(value, getattr(most, name)) for name, value in values.items()})


def limits_request(manifest: Manifest, default: Limits, most: Limits) -> CapabilityRequest | None:
    """What the manifest asks for above the host's own limits, with its reason; None where that is nothing.

    Above `most` nothing is given, so nothing is asked for.
    """
    whole, own = effective_limits(manifest.limits, default, most), effective_limits(None, default, most)
    above = {
        name: getattr(whole, name)
        for name in manifest.limits or ()
        if not _within(getattr(whole, name), getattr(own, name))
    }
    return CapabilityRequest(LIMITS, above, manifest.limits_reason) if above else None


def limits_covered(grants: Iterable[Grant], request: CapabilityRequest) -> bool:
    """True when a grant gives all the limits that are asked for."""
    given = _given(grants)
    return all(name in given and _within(value, given[name]) for name, value in request.scope.items())


def granted_limits(manifest: Manifest, grants: Iterable[Grant], default: Limits, most: Limits) -> Limits:
    """The limits that hold: those the manifest asks for, above the host's own no more than was granted."""
    request = limits_request(manifest, default, most)
    if request is None:
        return effective_limits(manifest.limits, default, most)
    given = _given(grants)
    granted = {
        name: _least(value, given[name])
        for name, value in request.scope.items()
        if name in given and not _within(given[name], getattr(default, name))
    }
    asked = {name: value for name, value in (manifest.limits or {}).items() if name not in request.scope}
    return effective_limits(asked | granted, default, most)


def _given(grants: Iterable[Grant]) -> Mapping[str, Any]:
    return next((one.scope for one in grants if one.capability == LIMITS), {})


def _within(value: Any, bound: Any) -> bool:
    return bound is None or (value is not None and value <= bound)


def _least(value: Any, most: Any) -> Any:
    if value is None or most is None:
        return most if value is None else value
    return min(value, most)


def asked_of(manifest: str | None, limits: tuple[Limits, Limits]) -> list[CapabilityRequest]:
    """All that a manifest asks for and that needs a grant. `limits` are the defaults and the most."""
    if manifest is None:
        return []
    asks = Manifest.from_json(manifest)
    above = limits_request(asks, *limits)
    return [*missing(asks.capabilities, ()), *([above] if above is not None else ())]


def missing_of(manifest: str | None, grants: Sequence[Grant], limits: tuple[Limits, Limits]) -> list[CapabilityRequest]:
    """What of it no grant covers."""
    return [
        one
        for one in asked_of(manifest, limits)
        if (not limits_covered(grants, one) if one.name == LIMITS else missing([one], grants))
    ]
