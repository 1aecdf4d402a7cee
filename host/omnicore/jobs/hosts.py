"""Hosts that share work: the beat and lease of this one, the silence of others, and a clock that was set back.

Dates decide when work is due; beats, leases and silence run on monotonic time, so a clock that is set makes nothing
run twice.
"""

from __future__ import annotations

import asyncio
import logging
from typing import TYPE_CHECKING, Protocol

from omnicore.errors import HostLost
from omnicore.jobs.loop import Loop

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from omnicore.clock import Clock
    from omnicore.storage.tables.hosts import Silence


_log = logging.getLogger("omnicore.jobs")

SET_BACK_S = 60.0
"""Hosts may disagree so much about the time; a date further ahead tells of a clock that was set back."""
_BEATS = 3
_LONGEST_BEAT_S = 2.0
_LOOKS = 12
"""Looks at the other hosts in a lease: two of them may pass beside the lease itself, so 1.2 leases are kept."""
_SWEEPS_AFTER_S = 1.0
"""The first sweep comes this long after the start, so that hosts that run for a short time delete old rows too."""
_SURE = 0.8
"""The part of a lease in which an action may begin; the rest is for it to get on its way."""


class SilenceWatch:
    """Remembers since when each host has shown the same beat. Units: seconds of one monotonic clock."""

    def __init__(self, lease_s: float) -> None:
        self._lease_s = lease_s
        self._since: dict[Silence, float] = {}

    def silent(self, seen: Iterable[Silence], now: float) -> list[Silence]:
        """Those of what is seen now that have been the same for the whole lease."""
        self._since = {one: self._since.get(one, now) for one in seen}
        return [one for one, since in self._since.items() if now - since >= self._lease_s]


class ClockWatch:
    """Compares the date with the monotonic clock."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._offset: float | None = None

    def look(self) -> float | None:
        """The seconds by which the clock was set back since the last look; None: it was not.

        The first look returns 0.0: the clock may have been set while no host ran.
        """
        offset = self._clock.now() - self._clock.monotonic()
        before, self._offset = self._offset, offset
        if before is None:
            return 0.0
        return before - offset if offset < before - SET_BACK_S / 2 else None


class Lease:
    """The time for which this host is sure that its work is its own. Belongs to one event loop.

    Times are of the moment before a beat was sent: others count from a later one.

    Args: lease_s: how long a host is silent before others take over.
    """

    def __init__(self, clock: Clock, lease_s: float) -> None:
        self._clock, self._sure_s = clock, lease_s * _SURE
        self._monotonic = self._now = 0.0
        self._proofs = asyncio.Event()
        self._holds = False

    def moment(self) -> tuple[float, float]:
        """Now, to be handed to `renew` once a beat that is sent after it was kept."""
        return self._clock.monotonic(), self._clock.now()

    def renew(self, moment: tuple[float, float]) -> None:
        """The host has shown that it lived at this moment, or later."""
        self._monotonic, self._now = moment
        self._holds = True
        self._proofs.set()
        self._proofs = asyncio.Event()

    def drop(self) -> None:
        """The host was buried, or may have been."""
        self._holds = False

    @property
    def sure(self) -> bool:
        """True if no other host can have taken over. Wall time counts too: only it advances while a machine sleeps."""
        clock = self._clock
        return (
            self._holds
            and clock.monotonic() - self._monotonic < self._sure_s
            and clock.now() - self._now < self._sure_s
        )

    async def renewed(self) -> None:
        """Returns when a beat was kept that is newer than this call, and was so in time."""
        asked = self._clock.monotonic()
        while self._monotonic < asked or not self.sure:
            await self._proofs.wait()


class SharedWork(Protocol):
    """Work that the hosts of one database share, such as stored tasks or runs of workflows."""

    async def beat(self) -> bool:
        """Shows that this host lives; False when it was declared dead. Raises: HostLost: the same."""

    def lost(self) -> None:
        """Gives up what this host has: others have it by now."""

    async def others(self) -> Sequence[Silence]:
        """The other hosts, with their beats."""

    def dead(self, host: str) -> bool:
        """True if the host's process is known to be gone, so that nobody need wait for its lease."""

    async def take_over(self, silence: Silence) -> None:
        """Lets the work of a dead host be claimed, unless it has shown meanwhile that it lives."""

    async def set_back(self, seconds: float) -> None:
        """Moves due times along after the clock was set back by so much."""

    async def looked(self) -> None:
        """Ends a look at the other hosts."""

    async def sweep(self) -> None:
        """Deletes what is over and too old."""


class Membership:
    """This host among those that share one kind of work; looks after it while it is started.

    Args:
        lease_s: silence after which others take over.
        sweep_s: the pause between two sweeps.
    """

    def __init__(
        self, name: str, work: SharedWork, *, clock: Clock, lease_s: float, sweep_s: float, lease: Lease | None = None
    ) -> None:
        self.lease = lease or Lease(clock, lease_s)
        self._name, self._work, self._clock = name, work, clock
        self._lease_s, self._sweep_s = lease_s, sweep_s
        self._silence, self._clock_watch = SilenceWatch(lease_s), ClockWatch(clock)
        self._beaten = clock.monotonic()
        self._loops: list[Loop] = []

    @property
    def beat_s(self) -> float:
        """The pause between two beats."""
        return min(self._lease_s / _BEATS, _LONGEST_BEAT_S)

    def start(self, *, sweep: bool = True) -> None:
        """Begins to beat, to look at the other hosts and, unless told otherwise, to sweep."""
        self._beaten = self._clock.monotonic()
        look_s = self._lease_s / _LOOKS
        self._loops = [
            Loop(f"{self._name}-beat", self._beat, lambda error: self.beat_s),
            Loop(f"{self._name}-others", self._look, self._failed("look at the other hosts", look_s)),
        ]
        if sweep:
            failed = self._failed("delete old rows", self._sweep_s)
            self._loops.append(
                Loop(f"{self._name}-sweep", self._sweep, failed, waits_s=min(self._sweep_s, _SWEEPS_AFTER_S))
            )
        for loop in self._loops:
            loop.start()

    async def stop(self, within_s: float | None = None) -> None:
        """Ends that; after `within_s` what is under way is cancelled."""
        loops, self._loops = self._loops, []
        for loop in loops:
            loop.end()
        await asyncio.gather(*(loop.stop(within_s) for loop in loops))

    async def look(self) -> None:
        """One look at the clock and the other hosts. Raises: StorageFailed."""
        back_s = self._clock_watch.look()
        if back_s is not None:
            await self._work.set_back(back_s)
        others = await self._work.others()
        silent = self._silence.silent(others, self._clock.monotonic())
        for one in {*silent, *(one for one in others if self._work.dead(one.host))}:
            await self._work.take_over(one)
        await self._work.looked()

    # -- inner parts

    async def _beat(self) -> float:
        moment = self.lease.moment()
        try:
            if await self._work.beat():
                self.lease.renew(moment)
                self._beaten = moment[0]
            else:
                self._lost()
        except HostLost:
            self._lost()
        except Exception:
            _log.warning("%s: the lease cannot be renewed now", self._name, exc_info=True)
            if self._clock.monotonic() - self._beaten > self._lease_s:
                # Others have taken over by now; what comes of the work here would be refused.
                self._lost()
        return self.beat_s

    def _lost(self) -> None:
        self._beaten = self._clock.monotonic()
        self._work.lost()

    async def _look(self) -> float:
        await self.look()
        return self._lease_s / _LOOKS

    async def _sweep(self) -> float:
        await self._work.sweep()
        return self._sweep_s

    def _failed(self, doing: str, rest_s: float) -> Callable[[Exception], float]:
        def note(error: Exception) -> float:
            _log.warning("%s: cannot %s now", self._name, doing, exc_info=error)
            return rest_s

        return note
