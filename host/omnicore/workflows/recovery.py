"""Recovery: shows that this host lives, takes over from hosts that do not, and clears away what is old."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence

from omnicore.clock import Clock
from omnicore.config.sections.workflows import WorkflowSettings
from omnicore.errors import HostLost, OmniError
from omnicore.runtime.pause import Pause
from omnicore.runtime.watch import Watch
from omnicore.storage.tables.workflow_claims import Silence
from omnicore.workflows.journal import Journal
from omnicore.workflows.lease import Lease
from omnicore.workflows.runner import Runner

__all__ = ["Keeper"]

_log = logging.getLogger("omnicore.workflows")
_BEATS = 3
_LONGEST_BEAT_S = 2.0
_LOOKS = 12
"""Looks at the other hosts in a lease: two of them may pass beside the lease itself, so 1.2 leases are kept."""
_SET_BACK_S = 60.0
_STATUSES = ("completed", "cancelled", "faulted")


class Keeper:
    """Looks after the leases of one host's runs.

    Args:
        dead: whether a host's process is known to be gone, so that nobody need wait for the lease.
        buried: told of each host whose runs were taken over.
        retained: workflows after a name, in pages, with how long their ended runs are kept: (name, kept, failed, most).
    """

    def __init__(
        self,
        journal: Journal,
        runner: Runner,
        lease: Lease,
        *,
        settings: WorkflowSettings,
        clock: Clock,
        woke: Callable[[], None],
        dead: Callable[[str], bool],
        buried: Callable[[str], None],
        retained: Callable[[str], Sequence[tuple[str, float, float, int]]],
    ) -> None:
        self._journal, self._runner, self._lease = journal, runner, lease
        self._settings, self._clock = settings, clock
        self._woke, self._dead, self._buried, self._retained = woke, dead, buried, retained
        self._watch: Watch[Silence] = Watch(settings.lease_s)
        self.beat_s = min(settings.lease_s / _BEATS, _LONGEST_BEAT_S)
        self._look_s = settings.lease_s / _LOOKS
        self._offset: float | None = None
        self._swept = ""
        self.pause = Pause()

    async def run(self) -> None:
        """Shows that this host lives, until the pause ends."""
        beaten = self._clock.monotonic()
        while not self.pause.over:
            moment = self._lease.moment()
            try:
                if not await self._journal.beat():
                    raise HostLost("this host was declared dead", host=self._journal.host)
                self._lease.renew(moment)
                beaten = self._clock.monotonic()
            except HostLost:
                self._runner.lost()
                beaten = self._clock.monotonic()
            except Exception:
                _log.warning("the runs' lease cannot be renewed now", exc_info=True)
                if self._clock.monotonic() - beaten > self._settings.lease_s:
                    # Others have taken over by now; what comes of the runs here would be refused.
                    self._runner.lost()
                    beaten = self._clock.monotonic()
            await self.pause.rest(self.beat_s)

    async def watch(self) -> None:
        """Looks at the other hosts and the clock, until the pause ends."""
        while not self.pause.over:
            try:
                await self.look()
            except OmniError:
                _log.warning("the hosts of runs cannot be looked at now", exc_info=True)
            await self.pause.rest(self._look_s)

    async def look(self) -> None:
        """One look."""
        await self._look_at_clock()
        others = await self._journal.others()
        silent = self._watch.silent(others, self._clock.monotonic())
        for one in {*silent, *(one for one in others if self._dead(one.host))}:
            taken = await self._journal.bury(one)
            self._buried(one.host)
            if taken:
                _log.warning("took over %d runs of %s, which is gone", taken, one.host)
                self._woke()
        await self._runner.park()

    async def sweep(self) -> None:
        """Clears away ended runs, a page of workflows in each round, until the pause ends."""
        while not self.pause.over:
            await self.pause.rest(self._settings.sweep_s)
            try:
                await self.clear()
            except OmniError:
                _log.warning("old runs cannot be cleared away now", exc_info=True)

    async def clear(self) -> None:
        """One round."""
        page = await asyncio.to_thread(self._retained, self._swept)
        self._swept = page[-1][0] if page else ""
        now = self._clock.now()
        for workflow, keep_s, failed_s, most in page:
            for status in _STATUSES:
                age_s = failed_s if status == "faulted" else keep_s
                await self._journal.sweep(workflow, status, before=now - age_s, most=most)
        await self._journal.sweep_rest(now=now, before=now - self._settings.keep_failed_s)

    async def _look_at_clock(self) -> None:
        offset = self._clock.now() - self._clock.monotonic()
        before, self._offset = self._offset, offset
        if before is None or offset < before - _SET_BACK_S / 2:
            await self._journal.set_back(_SET_BACK_S)
            if before is not None:
                self._runner.set_back(before - offset)
            self._woke()
