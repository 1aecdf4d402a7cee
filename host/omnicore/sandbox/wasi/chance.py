"""Random bytes: the system's, or a stream that a seed fixes."""

from __future__ import annotations

import os
from collections.abc import Callable
from hashlib import shake_256

RandomBytes = Callable[[int], bytes]


def random_source(seed: bytes | None) -> RandomBytes:
    """`os.urandom`, or for a seed a source that gives the same bytes to the same sequence of requests."""
    if seed is None:
        return os.urandom
    drawn = 0

    def draw(length: int) -> bytes:
        nonlocal drawn
        drawn += 1
        return shake_256(drawn.to_bytes(8, "little") + seed).digest(length)

    return draw
