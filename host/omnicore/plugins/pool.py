"""Instances of one version: lent to one call at a time, kept warm up to a bound, dropped when unwell."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass

from omnicore.errors import CapacityReached, OmniError
from omnicore.sandbox.budget import COOLING, register_idle_owner
from omnicore.sandbox.engine import Instance

__all__ = ["Pool", "RetiredError", "Warm"]


@dataclass(frozen=True, slots=True)
class Warm:
    """Sandboxes that are kept between calls. Units: bytes of all their memories."""

    sandboxes: int
    memory_bytes: int


class RetiredError(Exception):
    """The version of this pool no longer takes calls; another one may."""


class Pool:
    """Lends instances without a lock: every step is one deque or set operation, which CPython does whole.

    A permit stands for a call in flight, a spot for room to keep one more warm instance, so neither bound can
    be overrun by a race.

    Args:
        make: makes an instance.
        warm: how many are kept between calls; 0 makes a fresh one for each call.
        most: how many calls may be in flight.
        idle: called once, when the pool is closed and its last call is over.
    """

    __slots__ = (
        "__weakref__",
        "_busy",
        "_closed",
        "_idle",
        "_make",
        "_most",
        "_permits",
        "_settling",
        "_spots",
        "_when_idle",
    )

    def __init__(self, make: Callable[[], Instance], *, warm: int, most: int, idle: Callable[[], None]) -> None:
        self._make = make
        self._most = most
        self._when_idle = idle
        self._permits: deque[None] = deque([None] * most)
        self._spots: deque[None] = deque([None] * min(warm, most))
        self._idle: deque[Instance] = deque()
        self._busy: set[Instance] = set()
        self._closed = False
        self._settling = threading.Lock()
        register_idle_owner(self)

    def take(self) -> Instance:
        """Lends an instance until `give`.

        Raises:
            CapacityReached: too many calls are in flight.
            RetiredError: the pool was closed.
        """
        try:
            self._permits.pop()
        except IndexError:
            raise CapacityReached(
                f"{self._most} calls of this plugin run already", remedy="try again, or raise max_instances"
            ) from None
        try:
            if self._closed:  # looked at after the permit is taken: `close` sees that permit missing
                raise RetiredError
            instance = (self._kept() if self._idle else None) or self._make()
        except BaseException:
            self._permits.append(None)
            self._settle()
            raise
        self._busy.add(instance)
        return instance

    def give(self, instance: Instance) -> None:
        """Takes an instance back; it is kept when it is well and there is room."""
        self._busy.discard(instance)
        if instance.healthy and self._spots and not self._closed:
            try:
                self._spots.pop()
            except IndexError:
                instance.close()
            else:
                self._idle.append(instance)
                if instance.kept_bytes:
                    COOLING.note(self, instance, instance.kept_bytes)
        else:
            instance.close()
        self._permits.append(None)
        if self._closed:
            self._settle()

    def trim(self) -> int:
        """Closes the instances that nobody uses now and returns how many."""
        count = 0
        while (instance := self._kept()) is not None:
            instance.close()
            count += 1
        return count

    give_up = trim
    """As the budget of memory calls it when somebody else needs the room."""

    def holds(self, kept: Instance) -> bool:
        """Whether this instance is idle."""
        return kept in self._idle

    def drop(self, kept: Instance) -> bool:
        """Closes this instance; False when it is in use, or gone."""
        try:
            self._idle.remove(kept)
        except (ValueError, IndexError):  # the latter: calls took and gave others meanwhile
            return False
        self._spots.append(None)
        kept.close()
        return True

    def warm(self) -> Warm:
        """The instances that nobody uses now, and their memory."""
        count = size = 0
        try:
            self._permits.pop()  # as a call does: a pool that is closed meanwhile waits for it
        except IndexError:
            return Warm(len(self._idle), 0)
        try:
            for _ in range(len(self._idle)):
                instance = self._idle.popleft()  # out of the pool, so that nobody begins a call in it
                count += 1
                with suppress(OmniError):
                    size += instance.usage().memory_bytes
                self._idle.append(instance)
        except IndexError:
            pass  # calls took the rest
        finally:
            self._permits.append(None)
            self._settle()
        return Warm(count, size)

    def cancel(self) -> None:
        """Cuts every call in flight."""
        for instance in list(self._busy):
            instance.cancel()

    def close(self) -> None:
        """Lends no more; calls in flight go on to their end."""
        self._closed = True
        self.trim()
        self._settle()

    @property
    def in_flight(self) -> int:
        """How many calls run now."""
        return self._most - len(self._permits)

    def _kept(self) -> Instance | None:
        try:
            instance = self._idle.pop()
        except IndexError:
            return None
        self._spots.append(None)
        return instance

    def _settle(self) -> None:
        if not self._closed or len(self._permits) < self._most:
            return
        with self._settling:
            self.trim()  # one that was given back while `close` ran
            when_idle, self._when_idle = self._when_idle, _nothing
        when_idle()


def _nothing() -> None:
    """What is left to call once a pool has settled."""
