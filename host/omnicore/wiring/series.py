"""Figures over time of a host that runs: a tick every few seconds, which costs calls nothing."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress

from omnicore.runtime.tasks import TaskEngine
from omnicore.telemetry.metrics import FINE, Metrics, Series, Totals

__all__ = ["Ticker", "totals_of"]

_log = logging.getLogger("omnicore.telemetry")


def totals_of(metrics: Metrics, tasks: TaskEngine) -> Callable[[], Totals]:
    """What the counters of a host come to now."""

    def read() -> Totals:
        figures = metrics.figures()
        ended = tasks.finished + tasks.failed
        return Totals(figures.calls, figures.errors, ended, int(metrics.total("http_requests")), metrics.durations())

    return read


class Ticker:
    """Does what is to be done in every step of the figures, as long as the host runs."""

    def __init__(self, series: Series, also: Sequence[Callable[[], None]] = (), every_s: float = FINE.step_s) -> None:
        self._works = (series.tick, *also)
        self._every_s = every_s
        self._ticking: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begins, with a first look at once."""
        self._ticking = asyncio.ensure_future(self._tick())

    async def stop(self) -> None:
        """Ends it."""
        if self._ticking is not None:
            self._ticking.cancel()
            with suppress(asyncio.CancelledError):
                await self._ticking
            self._ticking = None

    async def _tick(self) -> None:
        while True:
            for work in self._works:
                try:
                    await asyncio.to_thread(work)
                except Exception:  # the next step may go well
                    _log.exception("figures over time were not taken in")
            await asyncio.sleep(self._every_s)
