"""Adds up the fuel of calls for whoever pays for them: a lane, an intelligence."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from dataclasses import dataclass

from omnicore.errors import OmniError
from omnicore.sandbox.engine import Instance

__all__ = ["Meter", "metered", "spend"]


@dataclass(slots=True)
class Meter:
    """What the calls inside a `metered` block used. Only plugins whose limits set `fuel` count it."""

    fuel: int = 0


_meter: ContextVar[Meter | None] = ContextVar("omnicore_meter", default=None)


@contextmanager
def metered(meter: Meter) -> Iterator[Meter]:
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
            meter.fuel += instance.usage().fuel or 0
