"""`CacheModule`: values kept for a while, bounded in number, bytes and age."""

from __future__ import annotations

import sys
import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from dataclasses import asdict, dataclass
from typing import Any

from omnicore.clock import Clock, SystemClock
from omnicore.errors import InvalidSetting

_ENTRY_BYTES = 200  # what an entry costs beside its key and value


@dataclass(slots=True)
class CacheStats:
    """Counts of a cache since it was made, and its present contents. Units: `bytes` as estimated."""

    hits: int = 0
    misses: int = 0
    evicted: int = 0
    expired: int = 0
    refused: int = 0
    items: int = 0
    bytes: int = 0


@dataclass(frozen=True, slots=True)
class _Entry:
    value: Any
    size: int
    until: float


class CacheModule:
    """A cache for all threads of an application: the least recently used go first, and nothing outlives `ttl_s`.

    ```python
    cache = app.add_module(CacheModule(max_items=1000, ttl_s=60))
    rate = cache.get_or("rate:EUR", lambda: fetch_rate("EUR"))
    ```

    Args:
        max_items, max_bytes: its bounds. Sizes are those of bytes and texts, and a rough guess for other values:
            `set` takes a better one as `size`.
        ttl_s: how long a value lives, unless `set` says otherwise.

    Raises: InvalidSetting: a bound is not above 0.
    """

    name = "cache"

    def __init__(
        self,
        *,
        max_items: int = 10_000,
        max_bytes: int = 64 * 1024 * 1024,
        ttl_s: float = 300.0,
        clock: Clock | None = None,
    ) -> None:
        if min(max_items, max_bytes, ttl_s) <= 0:
            raise InvalidSetting("a cache needs room and time", remedy="give max_items, max_bytes and ttl_s above 0")
        self._max_items, self._max_bytes, self._ttl_s = max_items, max_bytes, ttl_s
        self._clock = clock or SystemClock()
        self._entries: OrderedDict[Hashable, _Entry] = OrderedDict()
        self._stats = CacheStats()
        self._lock = threading.Lock()

    def start(self) -> None:
        """Begins empty."""
        self.clear()

    def stop(self) -> None:
        """Lets everything go."""
        self.clear()

    def health(self) -> dict[str, Any]:
        """Always healthy, with its figures."""
        return {"status": "healthy", **asdict(self.stats())}

    def get(self, key: Hashable, default: Any = None) -> Any:
        """The value of a key, or `default`."""
        with self._lock:
            entry = self._entries.get(key)
            if entry is not None and entry.until <= self._clock.monotonic():
                self._drop(key)
                self._stats.expired += 1
                entry = None
            if entry is None:
                self._stats.misses += 1
                return default
            self._entries.move_to_end(key)
            self._stats.hits += 1
            return entry.value

    def get_or(self, key: Hashable, make: Callable[[], Any], *, ttl_s: float | None = None) -> Any:
        """The value of a key; a missing one is made and kept. Two callers at once may both make it."""
        found = self.get(key, _MISSING)
        if found is _MISSING:
            found = make()
            self.set(key, found, ttl_s=ttl_s)
        return found

    def set(self, key: Hashable, value: Any, *, ttl_s: float | None = None, size: int | None = None) -> bool:
        """Keeps a value; False when it is too big to be kept at all."""
        size = (_size(value) if size is None else size) + _size(key) + _ENTRY_BYTES
        with self._lock:
            self._drop(key)
            if size > self._max_bytes:
                self._stats.refused += 1
                return False
            until = self._clock.monotonic() + (self._ttl_s if ttl_s is None else ttl_s)
            self._entries[key] = _Entry(value, size, until)
            self._stats.bytes += size
            while len(self._entries) > self._max_items or self._stats.bytes > self._max_bytes:
                self._drop(next(iter(self._entries)))
                self._stats.evicted += 1
        return True

    def delete(self, key: Hashable) -> bool:
        """Lets a key go; whether it was there."""
        with self._lock:
            return self._drop(key)

    def clear(self) -> None:
        """Lets every key go."""
        with self._lock:
            self._entries.clear()
            self._stats.bytes = 0

    def stats(self) -> CacheStats:
        """Its figures at this moment."""
        with self._lock:
            return CacheStats(**{**asdict(self._stats), "items": len(self._entries)})

    def __len__(self) -> int:
        return len(self._entries)

    def _drop(self, key: Hashable) -> bool:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self._stats.bytes -= entry.size
        return entry is not None


_MISSING: Any = object()


def _size(value: Any) -> int:
    return len(value) if isinstance(value, bytes | bytearray | str) else sys.getsizeof(value)
