from __future__ import annotations

import asyncio
import threading

import pytest

from omnicore.errors import Unavailable
from omnicore.sandbox.abi import MIB
from omnicore.sandbox.budget import Charge, MemoryBudget, register_idle_owner


def budget(mib: int = 1024, *, wait_s: float = 0.0) -> tuple[MemoryBudget, list[None]]:
    short: list[None] = []
    return MemoryBudget(mib * MIB, wait_s=wait_s, short=short), short


def charged(of: MemoryBudget, mib: int) -> Charge:
    holder = Charge()
    of.charge(holder, mib * MIB)
    return holder


def test_a_charge_replaces_the_one_before_and_nothing_is_left_of_it() -> None:
    one, _ = budget()
    holder = charged(one, 100)
    assert one.charge(holder, 40 * MIB)
    assert (holder.charged, one.use().used_bytes) == (40 * MIB, 40 * MIB)
    one.charge(holder, 0)
    assert one.use().used_bytes == 0


def test_it_is_short_while_more_than_half_is_used() -> None:
    one, short = budget(100)
    holder = charged(one, 50)
    assert not short
    one.charge(holder, 51 * MIB)
    assert short
    one.charge(holder, 10 * MIB)
    assert not short


@pytest.mark.parametrize(("limit_mib", "taken_mib"), [(64, 64), (500, 500), (1024, 512)])
def test_one_is_admitted_with_what_it_may_grow_to_up_to_half(limit_mib: int, taken_mib: int) -> None:
    one, _ = budget(1024)
    holder = Charge()
    one.admit(holder, limit_mib * MIB)
    assert holder.charged == taken_mib * MIB


def test_what_it_holds_beside_makes_no_limit_a_large_one() -> None:
    one, _ = budget(1024)
    charged(one, 900)
    holder = Charge()
    one.admit(holder, 64 * MIB, beside=3 * MIB)
    assert holder.charged == 67 * MIB


def test_a_quarter_is_kept_from_large_limits() -> None:
    one, _ = budget(1024)
    charged(one, 300)
    with pytest.raises(Unavailable):
        one.admit(Charge(), 512 * MIB)
    ordinary = Charge()
    one.admit(ordinary, 64 * MIB)
    assert ordinary.charged == 64 * MIB


def test_one_that_is_alone_is_admitted_whatever_it_wants() -> None:
    one, _ = budget(16)
    holder = Charge()
    one.admit(holder, 4096 * MIB)
    assert holder.charged == 8 * MIB


def test_who_does_not_fit_is_told_in_time_what_to_do() -> None:
    one, _ = budget(128)
    charged(one, 127)
    with pytest.raises(Unavailable, match=r"127 of 128 MiB; .*raise sandbox_memory_bytes") as refused:
        one.admit(Charge(), 64 * MIB, whole=True)
    details = refused.value.details
    assert (details["limit"], details["allowed"]) == ("sandbox_memory_bytes", 128 * MIB)
    assert details["retry_after_s"] >= 1
    assert one.use().refused == 1
    assert one.use().waiting == 0


def test_who_waits_is_let_in_when_there_is_room() -> None:
    one, _ = budget(128, wait_s=60)
    other, holder = charged(one, 100), Charge()
    waiting = threading.Thread(target=one.admit, args=(holder, 64 * MIB), kwargs={"whole": True})
    waiting.start()
    while not one.use().waiting:
        pass
    one.charge(other, 0)
    waiting.join(30)
    assert not waiting.is_alive()
    assert holder.charged == 64 * MIB


def test_a_smaller_one_passes_one_that_does_not_fit() -> None:
    one, _ = budget(1024, wait_s=60)
    other, large = charged(one, 600), Charge()
    waiting = threading.Thread(target=one.admit, args=(large, 500 * MIB))
    waiting.start()
    while not one.use().waiting:
        pass
    one.admit(Charge(), 10 * MIB)
    assert not large.charged
    one.charge(other, 0)
    waiting.join(30)
    assert large.charged == 500 * MIB


async def test_on_an_event_loop_others_run_while_one_waits() -> None:
    one, _ = budget(128, wait_s=60)
    other, holder = charged(one, 128), Charge()
    waiting = asyncio.ensure_future(one.admit_async(holder, 64 * MIB))
    while not one.use().waiting:
        await asyncio.sleep(0)
    one.charge(other, 0)
    await waiting
    assert holder.charged == 128 * MIB // 16


async def test_one_that_is_cancelled_while_it_waits_holds_nothing() -> None:
    one, _ = budget(128, wait_s=60)
    other, holder = charged(one, 128), Charge()
    waiting = asyncio.ensure_future(one.admit_async(holder, 64 * MIB))
    while not one.use().waiting:
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    one.charge(other, 0)
    assert (one.use().waiting, one.use().used_bytes, holder.charged) == (0, 0, 0)


async def test_an_event_loop_hears_no_when_its_time_is_over() -> None:
    one, _ = budget(128, wait_s=0.0)
    charged(one, 128)
    with pytest.raises(Unavailable):
        await one.admit_async(Charge(), 64 * MIB)


class Keeper:
    """Keeps something idle."""

    def __init__(self, of: MemoryBudget, mib: int) -> None:
        self.of, self.kept = of, charged(of, mib)
        register_idle_owner(self)

    def give_up(self) -> int:
        freed, _ = self.kept.charged, self.of.charge(self.kept, 0)
        return int(freed > 0)

    def holds(self, kept: object) -> bool:
        return False

    def drop(self, kept: object) -> bool:
        return False


def test_what_is_idle_is_given_up_before_anybody_waits() -> None:
    one, _ = budget(128)
    keeper, holder = Keeper(one, 100), Charge()
    one.admit(holder, 64 * MIB, whole=True)
    assert keeper.kept.charged == 0
    assert one.use().refused == 0


def test_a_guest_that_grows_is_refused_only_when_nothing_idle_makes_room() -> None:
    one, _ = budget(128)
    keeper, holder = Keeper(one, 100), Charge()
    assert one.grow(holder, 60 * MIB)
    assert keeper.kept.charged == 0
    charged(one, 60)
    assert not one.grow(holder, 70 * MIB)
    assert one.use().refused == 1


def test_many_threads_leave_nothing_behind() -> None:
    one, short = budget(64, wait_s=60)

    def work() -> None:
        for size in range(1, 60):
            holder = Charge()
            one.admit(holder, size * MIB, whole=True)
            one.charge(holder, MIB)
            one.charge(holder, 0)

    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    use = one.use()
    assert (use.used_bytes, use.waiting, use.refused, short) == (0, 0, 0, [])


def test_a_forked_child_begins_with_nothing_used() -> None:
    one, short = budget(64)
    charged(one, 60)
    one.forked()
    assert (one.use().used_bytes, short) == (0, [])
