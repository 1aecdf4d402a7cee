"""Claims: this host takes runs that are due, renews its lease, and takes over from hosts that are gone."""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Protocol

from omnicore.errors import HostLost, OmniError
from omnicore.runtime.pause import Pause
from omnicore.runtime.watch import Watch

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from omnicore.clock import Clock
    from omnicore.config.settings import WorkflowSettings
    from omnicore.storage.store import Changes
    from omnicore.storage.tables.workflow_runs import Silence
    from omnicore.workflows.actions import Lease
    from omnicore.workflows.journal import Journal
    from omnicore.workflows.runner import Runner

__all__ = ["Claiming", "Keeper", "Look"]


_log = logging.getLogger("omnicore.workflows")
_MOST_AT_ONCE = 100
_LONGEST_REST_S = 1.0
_PAGE = 500
_SHARE = 20.0
_QUIET_S, _EASE = 5.0, 5.0


class Look(Protocol):
    """Reads of the database that claims need, on threads."""

    def next_due(self) -> float | None:
        """The earliest time at which a run may be claimed."""

    def data_version(self) -> int:
        """Changes whenever another process has written."""

    def data_version_at_hand(self) -> int | None:
        """The same on the loop, where it needs no waiting; else None."""

    def changes(self) -> Changes | None:
        """Notifications that another process has written, if the database has them."""


class Claiming:
    """Two loops: one claims while there is room, one looks whether others have written.

    Args:
        ended: called with the runs that somebody here waits for and that may have ended elsewhere, so many at once.
    """

    def __init__(
        self,
        journal: Journal,
        runner: Runner,
        look: Look,
        *,
        clock: Clock,
        poll_s: float,
        ended: Callable[[Sequence[str]], Awaitable[None]],
    ) -> None:
        self._journal, self._runner, self._look = journal, runner, look
        self._clock, self._poll_s, self._ended = clock, poll_s, ended
        self._pause, self._watch = Pause(), Pause()
        self._version: int | None = None
        self._ends_due = 0.0
        self._quiet_since = clock.monotonic()
        self.lag_s = 0.0
        """How late the newest claim was."""
        self.root: str | None = None
        """The run whose family alone is claimed; None: whatever is due."""
        self.patience_s = 0.0
        """How long other hosts may take to claim it first."""

    def wake(self) -> None:
        """Looks for runs at once."""
        self._pause.wake()

    def end(self) -> None:
        """Says that no more rounds are wanted."""
        self._pause.end()
        self._watch.end()

    async def claim(self) -> None:
        """Claims until `end`."""
        while not self._pause.over:
            self._pause.clear()
            try:
                rest_s = await self._turn()
            except HostLost:
                self._runner.lost()
                rest_s = self._poll_s
            except OmniError as error:
                self._runner.trouble = str(error)
                rest_s = _LONGEST_REST_S
            except Exception:
                _log.exception("runs cannot be claimed now")
                rest_s = _LONGEST_REST_S
            if rest_s > 0:
                await self._pause.rest(rest_s)

    async def watch(self) -> None:
        """Looks at what others wrote until `end`: when the database tells of it, or again and again."""
        changes = await self._listening()
        try:
            while not self._watch.over:
                told = changes is not None and changes.works
                await self._watch.rest(_LONGEST_REST_S if told else self._poll_s * self._ease())
                self._watch.clear()
                await self._looked()
                if changes is not None and not changes.works:
                    changes = await self._listening() or changes
        finally:
            if changes is not None:
                changes.close()

    def _ease(self) -> float:
        """The factor by which pauses grow while nothing happens: an idle host costs little."""
        if self._runner.live or any(self._runner.waiters.beyond(())):
            self._quiet_since = self._clock.monotonic()
        return 1.0 if self._clock.monotonic() - self._quiet_since < _QUIET_S else _EASE

    async def _listening(self) -> Changes | None:
        with suppress(OmniError):  # then it is asked again and again
            changes = await asyncio.to_thread(self._look.changes)
            if changes is not None:
                changes.begin(self._heard)
            return changes
        return None

    def _heard(self) -> None:
        """Something was written: a run may be due, which must not wait until all else was looked at."""
        self._watch.wake()
        self._pause.wake()

    async def _looked(self) -> None:
        try:
            await self.look()
        except HostLost:
            self._runner.lost()
        except OmniError as error:
            self._runner.trouble = str(error)
        except Exception:
            _log.exception("what others wrote cannot be read now")

    async def look(self) -> None:
        """One look: signals for runs here, runs that became due, and ends that somebody here waits for."""
        version = self._look.data_version_at_hand()
        if version is None:
            version = await asyncio.to_thread(self._look.data_version)
        changed = version != self._version
        if changed and self._runner.live:
            for signal in await self._journal.signals(self._runner.known()):
                self._runner.signalled(signal)
        await self._look_at_ends(changed=changed)
        if changed:
            self._version = version
            self._quiet_since = self._clock.monotonic()
            self.wake()

    async def _look_at_ends(self, *, changed: bool) -> None:
        """Tells the ends of runs that ended elsewhere; takes only a small part of the time."""
        began = self._clock.monotonic()
        if began < self._ends_due or not (changed or began >= self._ends_due + _LONGEST_REST_S):
            return
        waited = list(self._runner.waiters.beyond(self._runner.live))
        for start in range(0, len(waited), _PAGE):
            await self._ended(waited[start : start + _PAGE])
        now = self._clock.monotonic()
        self._ends_due = now + (now - began) * _SHARE

    async def _turn(self) -> float:
        """Claims once. Returns: how long there will be nothing to do."""
        due = await asyncio.to_thread(self._look.next_due)
        due = None if due is None else due + self.patience_s
        now = self._clock.now()
        if due is None or due > now:
            return _LONGEST_REST_S if due is None else min(max(due - now, 0.001), _LONGEST_REST_S)
        room = self._runner.room
        if room <= 0:
            await self._runner.park(most=_MOST_AT_ONCE)
            return self._poll_s
        claimed = await self._journal.claim(min(room, _MOST_AT_ONCE), root=self.root, patience_s=self.patience_s)
        for one in claimed:
            self._runner.take_up(one)
        if not claimed:
            return self._poll_s
        self.lag_s = max(0.0, now - due)
        await asyncio.sleep(0)
        return 0.0


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
                await self._journal.queries.sweep(workflow, status, before=now - age_s, most=most)
        await self._journal.queries.sweep_rest(now=now, before=now - self._settings.keep_failed_s)

    async def _look_at_clock(self) -> None:
        offset = self._clock.now() - self._clock.monotonic()
        before, self._offset = self._offset, offset
        if before is None or offset < before - _SET_BACK_S / 2:
            await self._journal.set_back(_SET_BACK_S)
            if before is not None:
                self._runner.set_back(before - offset)
            self._woke()
