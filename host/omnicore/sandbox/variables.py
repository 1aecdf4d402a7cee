"""A plugin's variables: small values that live as long as the plugin is loaded."""

from __future__ import annotations

import threading

from omnicore.errors import LimitExceeded

__all__ = ["Variables"]

_ENTRY_BYTES = 48  # what a variable costs beside its key and value; the figure of the Extism runtime


class Variables:
    """Values by key, together at most `limit` bytes. Safe to share between instances and threads.

    Source: the Extism host's accounting: a variable costs 48 bytes, its key and its value; a limit of 0
    turns variables off.
    """

    __slots__ = ("_limit", "_lock", "_used", "_values")

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._values: dict[str, bytes] = {}
        self._used = 0
        self._lock = threading.Lock()

    def get(self, key: str) -> bytes | None:
        """The value, or None."""
        return self._values.get(key)

    def set(self, key: str, value: bytes | None) -> None:
        """Stores a value; None deletes. Raises: LimitExceeded."""
        if not self._limit:
            raise self._refusal("Vars are disabled by this host")
        with self._lock:
            old = self._values.get(key)
            if value is None:
                if old is not None:
                    del self._values[key]
                    self._used -= _cost(key, old)
                return
            # An overwrite counts the old value too: so does the reference, and plugins are tuned to it.
            if self._used + _cost(key, value) > self._limit:
                raise self._refusal("Variable store is full")
            self._values[key] = value
            self._used += _cost(key, value) - (_cost(key, old) if old is not None else 0)

    def clear(self) -> None:
        """Forgets all."""
        with self._lock:
            self._values.clear()
            self._used = 0

    def _refusal(self, fact: str) -> LimitExceeded:
        return LimitExceeded(fact, remedy="raise limits.var_bytes", limit="var_bytes", allowed=self._limit)


def _cost(key: str, value: bytes) -> int:
    return _ENTRY_BYTES + len(key.encode()) + len(value)
