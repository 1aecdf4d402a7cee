"""Which collections there are, as this process saw them a moment ago."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass

from omnicore.clock import Clock
from omnicore.errors import InvalidInput
from omnicore.storage.tables.vectors import Collection, VectorTable
from omnicore.vectors.checked import can_be

__all__ = ["Directory"]

_KNOWN = 4096


@dataclass(frozen=True, slots=True)
class _Seen:
    collection: Collection
    at: float


class Directory:
    """Rows of collections by owner and name, read again after `refresh_s`.

    Args:
        on_gone: told the key of a collection that another process dropped, or made anew.
    """

    def __init__(self, table: VectorTable, *, refresh_s: float, clock: Clock, on_gone: Callable[[int], None]) -> None:
        self._table = table
        self._refresh_s = refresh_s
        self._clock = clock
        self._on_gone = on_gone
        self._lock = threading.Lock()
        self._seen: dict[tuple[str, str], _Seen] = {}

    def fresh(self, owner: str, name: str) -> Collection | None:
        """The collection, if it was read a moment ago."""
        seen = self._seen.get((owner, name))
        if seen is None or self._clock.monotonic() - seen.at >= self._refresh_s:
            return None
        return seen.collection

    def read(self, owner: str, name: str) -> Collection:
        """The collection as it is now. Raises: InvalidInput: there is none."""
        at = self._clock.monotonic()
        row = self._table.find(owner, name) if can_be(owner, name) else None
        seen = self._seen.get((owner, name))
        if seen is not None and (row is None or row.key != seen.collection.key):
            self.forget(owner, name)
            self._on_gone(seen.collection.key)
        if row is None:
            raise InvalidInput(f"there is no collection {name[:80]}", remedy="create it first")
        with self._lock:
            if len(self._seen) >= _KNOWN:
                self._seen.clear()
            self._seen[owner, name] = _Seen(row, at)
        return row

    def now(self, owner: str, name: str) -> Collection:
        """The collection as it was a moment ago at most. Raises: InvalidInput."""
        return self.fresh(owner, name) or self.read(owner, name)

    def forget(self, owner: str, name: str) -> None:
        """The collection was dropped."""
        with self._lock:
            self._seen.pop((owner, name), None)
