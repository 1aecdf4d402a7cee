"""The limits a plugin runs under: what it asks for, below what the host allows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from omnicore.sandbox.abi import Limits

__all__ = ["effective_limits"]


def effective_limits(asked: Mapping[str, Any] | None, default: Limits, most: Limits) -> Limits:
    """Each field as the manifest asks, else the default; never above `most`, where None means no bound."""
    values = {field.name: getattr(default, field.name) for field in fields(Limits)} | dict(asked or {})
    return Limits(**{name: _least(value, getattr(most, name)) for name, value in values.items()})


def _least(value: Any, most: Any) -> Any:
    if value is None or most is None:
        return most if value is None else value
    return min(value, most)
