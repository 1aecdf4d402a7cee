"""Counts that run down: what a call may still put on disk, what a session may still hold."""

from __future__ import annotations

from typing import Final

from omnicore.sandbox.wasi.errno import NOSPC, WasiError

ENTRY_BYTES: Final = 4096
"""What a new name costs: a file, directory or link takes about a block even when it is empty."""


class Budget:
    """A count with an end. `refusal` is the error number for what goes over it."""

    __slots__ = ("_refusal", "left")

    def __init__(self, allowed: int, *, refusal: int = NOSPC) -> None:
        self.left = allowed
        self._refusal = refusal

    def charge(self, amount: int) -> None:
        """Takes `amount`. Raises: WasiError when less is left."""
        if amount > self.left:
            raise WasiError(self._refusal)
        self.left -= amount

    def refund(self, amount: int) -> None:
        """Gives `amount` back."""
        self.left += amount


def write_cost(*, length: int, end: int, size: int) -> int:
    """What writing `length` bytes up to `end` costs in a file of `size` bytes: a hole counts as written."""
    return max(length, end - size)
