"""The states of health and of breakers: plain words, which events carry as well."""

from __future__ import annotations

from enum import StrEnum


class HealthStatus(StrEnum):
    """The health of a part. As text it is its own name: `f"{HealthStatus.Healthy}"` is `Healthy`."""

    Healthy = "Healthy"
    Degraded = "Degraded"
    Unhealthy = "Unhealthy"

    @property
    def score(self) -> int:
        """100, 50 or 0, for gauges."""
        return _SCORES[self]


_SCORES = {HealthStatus.Healthy: 100, HealthStatus.Degraded: 50, HealthStatus.Unhealthy: 0}


class CircuitState(StrEnum):
    """The state of a breaker; equal to the texts that `Breaker.state` gives."""

    Closed = "closed"
    Open = "open"
    HalfOpen = "half-open"
