"""The bounds of one connector: those of the settings, with what its operator changed. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from omnicore.config.sections.connectors import ConnectorSettings
from omnicore.errors import InvalidInput

__all__ = ["CallLimits"]


@dataclass(frozen=True, slots=True)
class CallLimits:
    """What one connector may take. Units: seconds, calls a second, bytes of JSON."""

    timeout_s: float = 30.0
    retries: int = 2
    concurrency: int = 10
    waiting: int = 100
    rate: float = 50.0
    plugin_rate: float = 20.0
    output_bytes: int = 4 * 1024 * 1024
    breaker_failures: int = 5
    breaker_reset_s: float = 60.0

    @classmethod
    def of(cls, settings: ConnectorSettings, own: Mapping[str, Any]) -> CallLimits:
        """The limits of a connector. Raises: InvalidInput for names and numbers that make no sense."""
        usual = cls(**{spec.name: getattr(settings, spec.name) for spec in fields(cls)})
        for name, value in own.items():
            if name not in cls.__slots__:
                raise InvalidInput(f"there is no limit {name[:80]!r}", remedy=f"limits are {', '.join(cls.__slots__)}")
            _check(name, value, whole=isinstance(getattr(usual, name), int))
        return replace(usual, **own)


_FROM_ZERO = frozenset({"retries", "waiting", "breaker_reset_s"})
_MOST = {"retries": 20, "concurrency": 1000, "waiting": 100_000}
_LARGEST = 1e9


def _check(name: str, value: Any, *, whole: bool) -> None:
    fits = isinstance(value, int if whole else (int, float)) and not isinstance(value, bool)
    least = 0 if name in _FROM_ZERO else 1 if whole else 0.001
    if not fits or not least <= value <= _MOST.get(name, _LARGEST):
        kind = "whole number" if whole else "number"
        raise InvalidInput(
            f"the limit {name} is no {kind} from {least} to {_MOST.get(name, _LARGEST):g}", remedy="correct it"
        )
