"""Adds up the fuel of calls for whoever pays for them: a lane, an intelligence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Protocol, TypeVar

from omnicore.errors import OmniError
from omnicore.sandbox.abi import Usage
from omnicore.sandbox.engine import Instance

__all__ = ["Meter", "Taker", "metered", "spend"]


class Taker(Protocol):
    """Whoever wants to know what calls used."""

    def take(self, usage: Usage) -> None:
        """Is told of each call as it ends."""


@dataclass(slots=True)
class Meter:
    """What the calls inside a `metered` block used. Only plugins whose limits set `fuel` count it."""

    fuel: int = 0

    def take(self, usage: Usage) -> None:
        """Adds the fuel of a call."""
        self.fuel += usage.fuel or 0


_T = TypeVar("_T", bound=Taker)
_meter: ContextVar[Taker | None] = ContextVar("omnicore_meter", default=None)


@contextmanager
def metered(meter: _T) -> Iterator[_T]:
    """Counts the fuel of all calls made in this block, those of other threads for it among them."""
    before = _meter.set(meter)
    try:
        yield meter
    finally:
        _meter.reset(before)


def spend(instance: Instance) -> None:
    """Notes what the last call of an instance used, if somebody counts."""
    meter = _meter.get()
    if meter is not None:
        with suppress(OmniError):  # one that was closed meanwhile tells nothing
            meter.take(instance.usage())
