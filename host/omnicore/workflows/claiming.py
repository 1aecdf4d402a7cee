"""Claiming: takes up runs that are due, whoever made them so, and hears what other processes wrote."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from contextlib import suppress
from typing import Protocol

from omnicore.clock import Clock
from omnicore.errors import HostLost, OmniError
from omnicore.runtime.pause import Pause
from omnicore.storage.store import Changes
from omnicore.workflows.journal import Journal
from omnicore.workflows.runner import Runner

__all__ = ["Claiming", "Look"]

_log = logging.getLogger("omnicore.workflows")
_MOST_AT_ONCE = 100
_LONGEST_REST_S = 1.0
_PAGE = 500
_SHARE = 20.0
_QUIET_S, _EASE = 5.0, 5.0


class Look(Protocol):
    """What is read of the database, on threads."""

    def next_due(self) -> float | None:
        """When the first run may be claimed."""

    def data_version(self) -> int:
        """Changes whenever another process has written."""

    def data_version_at_hand(self) -> int | None:
        """The same on the loop, where it needs no waiting; else None."""

    def changes(self) -> Changes | None:
        """What tells that another process has written, where the database does."""


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
        """How many times longer it may rest than while something goes on: a host with nothing to do costs little."""
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
        """Which of the runs that are waited for ended elsewhere; that takes no more than a small part of the time."""
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
