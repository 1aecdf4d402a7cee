"""Silence of other hosts, measured between beats on this host's monotonic clock, so that no date matters. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Iterable
from typing import Generic, TypeVar

__all__ = ["Watch"]

Seen = TypeVar("Seen", bound=Hashable)


class Watch(Generic[Seen]):
    """Remembers since when each host has shown the same beat. Units: seconds of one monotonic clock."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._since: dict[Seen, float] = {}

    def silent(self, seen: Iterable[Seen], now: float) -> list[Seen]:
        """Those of what is seen now, a host with its beat, that have been the same for the whole lease."""
        self._since = {one: self._since.get(one, now) for one in seen}
        return [one for one, since in self._since.items() if now - since >= self._lease_s]
