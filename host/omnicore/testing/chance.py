"""Random bytes that a seed fixes, one stream for all instances of a plugin."""

from __future__ import annotations

import threading
from hashlib import shake_256

from omnicore.errors import GuestFailed
from omnicore.sandbox.abi import KIB, HostCall, HostFunction
from omnicore.sandbox.wasi.errno import FAULT, SUCCESS
from omnicore.sandbox.wasi.functions import NAMESPACE

__all__ = ["Chance"]

_CHUNK = 64 * KIB


class Chance:
    """The same bytes for the same sequence of requests.

    A seed in the WASI grant would begin anew with each instance, and each call has an instance of its own: what
    makes an id would make the same one in every call.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._drawn = 0
        self._lock = threading.Lock()
        self.function = HostFunction(NAMESPACE, "random_get", ("i32", "i32"), ("i32",), self._random_get)

    def draw(self, length: int) -> bytes:
        """The next bytes."""
        with self._lock:
            self._drawn += 1
            return shake_256(self._drawn.to_bytes(8, "little") + self._seed).digest(length)

    def _random_get(self, call: HostCall, address: int, length: int) -> int:
        try:
            for at in range(0, length, _CHUNK):
                call.store(address + at, self.draw(min(_CHUNK, length - at)))
        except GuestFailed:
            return FAULT
        return SUCCESS
