"""Skills: procedural memories that know how often they were used and how often they worked."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Skill", "read_skill"]

_MOST_USES = 2**53


@dataclass(frozen=True, slots=True)
class Skill:
    """What a plugin's function is good for, kept as metadata of a procedural memory.

    >>> Skill("text.count").used(True).used(False).success_rate
    0.5
    """

    function: str
    usage_count: int = 0
    success_rate: float = 0.0

    def used(self, worked: bool) -> Skill:
        """The skill after one more use."""
        successes = self.success_rate * self.usage_count + worked
        return Skill(self.function, self.usage_count + 1, successes / (self.usage_count + 1))

    def to_metadata(self) -> dict[str, Any]:
        """As metadata hold it."""
        return {"function": self.function, "usage_count": self.usage_count, "success_rate": self.success_rate}


def read_skill(metadata: Mapping[str, Any]) -> Skill | None:
    """The skill in metadata; None when there is none, or it is no such thing."""
    function = metadata.get("function")
    count, rate = metadata.get("usage_count", 0), metadata.get("success_rate", 0.0)
    if (
        not isinstance(function, str)
        or isinstance(count, bool)
        or not isinstance(count, int)
        or not 0 <= count <= _MOST_USES
    ):
        return None
    if isinstance(rate, bool) or not isinstance(rate, (int, float)) or not 0 <= rate <= 1:
        return None
    return Skill(function, count, float(rate))
