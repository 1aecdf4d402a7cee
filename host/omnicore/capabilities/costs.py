"""The costs of one call: time, fuel, memory, and its requests to the host."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from omnicore.sandbox.abi import Usage


@dataclass(slots=True)
class CallCosts:
    """Filled in while a call runs. As the call's host context it reaches the doors, which count themselves in it.

    `fuel` and `memory_bytes` are None where the engine does not tell them; `host_calls` counts by verb, such as
    `kv.get`. Units: `time_s` seconds, `fuel` instructions.
    """

    time_s: float = 0.0
    fuel: int | None = None
    memory_bytes: int | None = None
    host_calls: dict[str, int] = field(default_factory=dict)

    def count(self, verb: str) -> None:
        """Notes one request of the guest."""
        self.host_calls[verb] = self.host_calls.get(verb, 0) + 1

    def take(self, usage: Usage) -> None:
        """Notes what the sandbox says of the call."""
        self.fuel = usage.fuel
        self.memory_bytes = usage.memory_bytes or None

    def to_json(self) -> dict[str, Any]:
        """The costs as REST shows them."""
        return {
            "time_ms": round(self.time_s * 1000, 4),
            "fuel": self.fuel,
            "memory_bytes": self.memory_bytes,
            "host_calls": dict(self.host_calls),
        }
