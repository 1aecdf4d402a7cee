"""How one plugin fares: its breaker, its sandboxes, its calls, the limits that hold for it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, Literal

from omnicore.plugins.manifest import Manifest
from omnicore.sandbox.abi import Limits
from omnicore.telemetry.metrics import BUCKETS_S, CallRecorder

__all__ = ["BreakerStatus", "CallStatus", "LimitInForce", "PluginStatus", "call_status", "limits_in_force"]

Origin = Literal["manifest", "settings", "most"]


@dataclass(frozen=True, slots=True)
class BreakerStatus:
    """`failures` are those in a row. Units: `open_until` seconds since the Unix epoch, None while calls pass."""

    state: Literal["closed", "open", "half-open"]
    failures: int
    threshold: int
    open_until: float | None


@dataclass(frozen=True, slots=True)
class LimitInForce:
    """A limit, and who set it: the manifest, the host's `limits`, or its `max_limits` where they are lower."""

    value: Any
    origin: Origin


@dataclass(frozen=True, slots=True)
class CallStatus:
    """Calls since the host started. `p95_ms` is None without calls."""

    calls: int = 0
    errors: int = 0
    p95_ms: float | None = None


@dataclass(frozen=True, slots=True)
class PluginStatus:
    """How a plugin fares now."""

    breaker: BreakerStatus
    in_flight: int
    warm: int
    warm_bytes: int
    calls: CallStatus
    limits: Mapping[str, LimitInForce]

    def to_json(self) -> dict[str, Any]:
        """The status as REST and `-o json` show it."""
        values = {name: getattr(self, name) for name in ("in_flight", "warm", "warm_bytes")}
        limits = {name: asdict(one) for name, one in self.limits.items()}
        return {"breaker": asdict(self.breaker), **values, **asdict(self.calls), "limits": limits}


def call_status(recorders: Sequence[CallRecorder]) -> CallStatus:
    """All calls of some functions together. The percentile is known as well as the buckets are narrow."""
    calls = errors = 0
    below = [0] * (len(BUCKETS_S) + 1)
    for recorder in recorders:
        counts, cumulative, _ = recorder.totals()
        calls += sum(counts.values())
        errors += sum(count for outcome, count in counts.items() if outcome != "ok")
        below = [one + more for one, more in zip(below, cumulative, strict=True)]
    return CallStatus(calls, errors, _percentile_ms(below, 0.95))


def _percentile_ms(below: Sequence[int], part: float) -> float | None:
    """From cumulative counts: as far into its bucket as its rank is among the bucket's calls."""
    if not below[-1]:
        return None
    rank = part * below[-1]
    place = next(number for number, count in enumerate(below) if count >= rank)
    if place >= len(BUCKETS_S):
        return BUCKETS_S[-1] * 1000
    low, before = (BUCKETS_S[place - 1], below[place - 1]) if place else (0.0, 0)
    within = (rank - before) / (below[place] - before)
    return round((low + (BUCKETS_S[place] - low) * within) * 1000, 4)


def limits_in_force(manifest: Manifest, default: Limits, most: Limits) -> Mapping[str, LimitInForce]:
    """Each limit as `effective_limits` decides it, with where it comes from."""
    asked = manifest.limits or {}
    return {field.name: _limit(field.name, asked, default, most) for field in fields(Limits)}


def _limit(name: str, asked: Mapping[str, Any], default: Limits, most: Limits) -> LimitInForce:
    wanted, origin = (asked[name], "manifest") if name in asked else (getattr(default, name), "settings")
    highest = getattr(most, name)
    if highest is not None and (wanted is None or wanted > highest):
        return LimitInForce(highest, "most")
    return LimitInForce(wanted, "manifest" if origin == "manifest" else "settings")
