from __future__ import annotations

import random
import threading

import pytest

from omnicore.errors import CapacityReached
from omnicore.plugins.version import InstancePool, RetiredError


class Guest:
    """Stands for an instance and knows whether two threads were in it at once."""

    def __init__(self) -> None:
        self.healthy = True
        self.kept_bytes = 0
        self.closed = 0
        self.cancelled = False
        self.inside = threading.Lock()

    def close(self) -> None:
        self.closed += 1

    def cancel(self) -> None:
        self.cancelled = True


class Makers:
    def __init__(self, warm: int, most: int = 4) -> None:
        self.made: list[Guest] = []
        self.settled = 0
        self.fails = False
        self.pool = InstancePool(self._make, warm=warm, most=most, idle=self._idle)

    def _make(self) -> Guest:
        if self.fails:
            raise CapacityReached("no more")
        self.made.append(Guest())
        return self.made[-1]

    def _idle(self) -> None:
        self.settled += 1


def test_without_warm_ones_every_call_gets_a_fresh_instance() -> None:
    makers = Makers(warm=0)
    for _ in range(3):
        makers.pool.give(makers.pool.take())
    assert [guest.closed for guest in makers.made] == [1, 1, 1]


def test_a_warm_instance_is_used_again() -> None:
    makers = Makers(warm=1)
    first = makers.pool.take()
    makers.pool.give(first)
    assert makers.pool.take() is first
    assert makers.made[0].closed == 0


def test_no_more_than_the_bound_are_kept_warm() -> None:
    makers = Makers(warm=2)
    lent = [makers.pool.take() for _ in range(4)]
    for guest in lent:
        makers.pool.give(guest)
    assert sum(guest.closed for guest in makers.made) == 2
    assert makers.pool.trim() == 2
    assert [guest.closed for guest in makers.made] == [1] * 4


def test_an_unwell_instance_is_dropped() -> None:
    makers = Makers(warm=1)
    guest = makers.pool.take()
    guest.healthy = False
    makers.pool.give(guest)
    assert guest.closed == 1
    assert makers.pool.take() is not guest


def test_more_calls_than_allowed_are_refused_until_one_is_over() -> None:
    makers = Makers(warm=0, most=2)
    first, _ = makers.pool.take(), makers.pool.take()
    with pytest.raises(CapacityReached, match="2 calls of this plugin run already"):
        makers.pool.take()
    makers.pool.give(first)
    makers.pool.take()


def test_a_failure_to_make_one_gives_the_permit_back() -> None:
    makers = Makers(warm=0, most=1)
    makers.fails = True
    for _ in range(3):
        with pytest.raises(CapacityReached, match="no more"):
            makers.pool.take()
    makers.fails = False
    makers.pool.take()
    assert makers.pool.in_flight == 1


def test_a_closed_pool_lends_nothing_and_settles_with_its_last_call() -> None:
    makers = Makers(warm=2)
    lent, idle = makers.pool.take(), makers.pool.take()
    makers.pool.give(idle)
    makers.pool.close()
    assert idle.closed == 1
    assert makers.settled == 0
    with pytest.raises(RetiredError):
        makers.pool.take()
    assert makers.settled == 0
    makers.pool.give(lent)
    assert (lent.closed, makers.settled) == (1, 1)
    makers.pool.close()
    assert makers.settled == 1


def test_cancel_cuts_the_calls_in_flight() -> None:
    makers = Makers(warm=1)
    idle, busy = makers.pool.take(), makers.pool.take()
    makers.pool.give(idle)
    makers.pool.cancel()
    assert (idle.cancelled, busy.cancelled) == (False, True)


def test_threads_never_share_an_instance_and_bounds_hold_while_it_closes() -> None:
    makers = Makers(warm=2, most=3)
    shared: list[Guest] = []

    def work(seed: int) -> None:
        chance = random.Random(seed)
        while True:
            try:
                guest = makers.pool.take()
            except CapacityReached:
                continue
            except RetiredError:
                return
            if not guest.inside.acquire(blocking=False):
                shared.append(guest)
            guest.healthy = chance.random() > 0.1
            guest.inside.release()
            makers.pool.give(guest)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(6)]
    for thread in threads:
        thread.start()
    while len(makers.made) < 300:
        pass
    makers.pool.close()
    for thread in threads:
        thread.join()
    assert shared == []
    assert makers.settled == 1
    assert [guest.closed for guest in makers.made] == [1] * len(makers.made)


def test_an_idle_instance_that_holds_much_is_dropped_alone() -> None:
    makers = Makers(warm=2)
    first, second = makers.pool.take(), makers.pool.take()
    makers.pool.give(first)
    makers.pool.give(second)
    assert makers.pool.holds(first)
    assert makers.pool.drop(first)
    assert (first.closed, second.closed) == (1, 0)
    assert not makers.pool.drop(first)
    assert makers.pool.take() is second
    third = makers.pool.take()  # the spot of the first is free again
    makers.pool.give(second)
    makers.pool.give(third)
    assert (second.closed, third.closed) == (0, 0)


def test_one_that_is_in_use_is_not_dropped() -> None:
    makers = Makers(warm=1)
    guest = makers.pool.take()
    guest.kept_bytes = 100 << 20
    makers.pool.give(guest)
    assert makers.pool.take() is guest
    assert not makers.pool.holds(guest)
    assert not makers.pool.drop(guest)
    assert guest.closed == 0
