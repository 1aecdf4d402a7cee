"""What is required, matched to what plugins provide. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from omnicore.intelligences.intelligence import IntelligenceSpec, IntelligenceStatus
from omnicore.plugins.view import PluginView

__all__ = ["Offers", "offers_of", "rate", "resolve", "status_of"]

Offers = Mapping[str, tuple[str, ...]]
"""Words and references that are provided, each with the functions that do."""


def offers_of(views: Sequence[PluginView]) -> dict[str, tuple[str, ...]]:
    """What plugins that answer now provide: the words of their functions, and each function under its reference."""
    found: dict[str, list[str]] = {}
    for view in views:
        for spec in view.functions if view.state == "enabled" else ():
            ref = f"{view.name}.{spec.name}"
            for word in dict.fromkeys((*spec.provides, ref)):
                found.setdefault(word, []).append(ref)
    return {word: tuple(refs) for word, refs in found.items()}


def resolve(spec: IntelligenceSpec, offers: Offers) -> tuple[dict[str, tuple[str, ...]], tuple[str, ...]]:
    """Who provides each required word, and which nobody does."""
    found = {word: offers[word] for word in spec.required_capabilities if offers.get(word)}
    return found, tuple(word for word in spec.required_capabilities if word not in found)


def status_of(spec: IntelligenceSpec, missing: Sequence[str], score: float | None) -> IntelligenceStatus:
    """Whether it can work, and whether it was shown to do so well enough."""
    if missing:
        return IntelligenceStatus.MissingCapabilities
    if spec.min_capability > 0 and (score is None or score < spec.min_capability):
        return IntelligenceStatus.Unverified
    return IntelligenceStatus.Ready


def rate(calls: int, failures: int) -> float:
    """How likely the next call is to succeed, after so many; one half before the first (Laplace's rule)."""
    return (calls - failures + 1) / (calls + 2)
