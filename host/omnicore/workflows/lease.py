"""The host's own lease: whether it may take itself for alive, and so begin what cannot be undone.

What a host writes is refused once it was buried; what it does outside cannot be. A process that was stopped, or a
machine that slept, would do what another host has done and recorded meanwhile. So nothing is begun too long after the
last beat: before the others can have taken over, the host rests, until it has shown again that it lives.
"""

from __future__ import annotations

import asyncio

from omnicore.clock import Clock

__all__ = ["Lease"]

_SURE = 0.8
"""The part of a lease in which an action may begin; the rest is for it to get on its way."""


class Lease:
    """Belongs to one event loop. Times are of the moment before a beat was sent: others count from a later one.

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
        """Whether nobody else can have taken over. The date counts too: a machine that slept may know it alone."""
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
