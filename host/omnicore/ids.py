"""Identifiers that sort by the time they were made."""

from __future__ import annotations

import hashlib
import os
import threading
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"  # Crockford base 32: no i, l, o, u to misread


_PAIRS = tuple(first + second for first in _ALPHABET for second in _ALPHABET)
_SHIFTS = tuple(range(120, -1, -10))
_CHUNK, _CHUNKS = 16, 256
_random: list[bytes] = []
"""Random bytes of the system that nobody has had yet: asking it for each id on its own takes longer than the id."""
os.register_at_fork(after_in_child=_random.clear)


def new_id(prefix: str) -> str:
    """Returns `prefix_` and 26 characters: 48 bits of milliseconds, then 80 random bits.

    Source: the ULID specification, in lower case.
    """
    return _written(prefix, _number())


def first_id(prefix: str, at: float) -> str:
    """The smallest id that `new_id` could have made at a time. Units: seconds since the Unix epoch."""
    return _written(prefix, max(0, min(int(at * 1000), (1 << 48) - 1)) << 80)


def random_hex() -> str:
    """32 characters that nobody can guess: 128 random bits of the system."""
    return _chunk().hex()


def id_of(prefix: str, data: bytes) -> str:
    """The id that stands for some data, in the form of `new_id`: the first 128 bits of its SHA-256."""
    return _written(prefix, int.from_bytes(hashlib.sha256(data).digest()[:16], "big"))


class OrderedIds:
    """Ids that sort in the order they were made, within a millisecond and after the clock was set back too.

    Source: the ULID specification, monotonicity. Usable from any thread, not on both sides of a fork.
    """

    def __init__(self, prefix: str) -> None:
        self._prefix = prefix
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> str:
        """The next id."""
        number = _number()
        with self._lock:
            if number >> 80 <= self._last >> 80:
                number = self._last + 1
            self._last = number
        return _written(self._prefix, number)


def _number() -> int:
    return (time.time_ns() // 1_000_000 << 80) | int.from_bytes(_chunk()[:10], "big")


def _chunk() -> bytes:
    while True:
        try:
            return _random.pop()
        except IndexError:
            fresh = os.urandom(_CHUNK * _CHUNKS)
            _random.extend(fresh[place : place + _CHUNK] for place in range(0, len(fresh), _CHUNK))


def _written(prefix: str, number: int) -> str:
    return f"{prefix}_" + "".join([_PAIRS[number >> shift & 1023] for shift in _SHIFTS])
