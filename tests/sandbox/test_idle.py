from __future__ import annotations

import gc
import time

from omnicore.sandbox.abi import MIB
from omnicore.sandbox.budget import NEVER_KEPT, Cooling


class Keeper:
    """Keeps what it is told and knows what was dropped."""

    def __init__(self, *kept: str) -> None:
        self.kept = list(kept)
        self.dropped: list[str] = []

    def give_up(self) -> int:
        return 0

    def holds(self, kept: str) -> bool:
        return kept in self.kept

    def drop(self, kept: str) -> bool:
        self.kept.remove(kept)
        self.dropped.append(kept)
        return True


def cooling(mib: int = 48) -> Cooling:
    """One whose own thread comes too late to be seen."""
    return Cooling(kept_bytes=mib * MIB, after_s=1000.0)


def later(seconds: float = 1001.0) -> float:
    return time.monotonic() + seconds


def test_what_was_used_a_moment_ago_stays() -> None:
    one, keeper = cooling(0), Keeper("a")
    one.note(keeper, "a", 100 * MIB)
    assert one.cool(later(10)) == 0
    assert one.cool(later()) == 1
    assert keeper.dropped == ["a"]


def test_the_longest_unused_go_until_the_rest_fits() -> None:
    one, keeper = cooling(48), Keeper("a", "b", "c")
    for name in ("a", "b", "c"):
        one.note(keeper, name, 20 * MIB)
    one.note(keeper, "a", 20 * MIB)  # used again
    assert one.cool(later()) == 1
    assert keeper.dropped == ["b"]


def test_what_stays_counts_at_the_next_look() -> None:
    one, keeper = cooling(48), Keeper("a", "b", "c")
    one.note(keeper, "a", 30 * MIB)
    assert one.cool(later()) == 0
    one.note(keeper, "b", 30 * MIB)
    one.cool(later())
    assert keeper.dropped == ["a"]


def test_what_is_in_use_is_neither_dropped_nor_counted() -> None:
    one, keeper = cooling(48), Keeper("b")
    one.note(keeper, "a", 40 * MIB)
    one.note(keeper, "b", 40 * MIB)
    assert one.cool(later()) == 0


def test_some_things_are_never_worth_their_room() -> None:
    one, keeper = cooling(48), Keeper("cell", "b")
    one.note(keeper, "b", 40 * MIB)
    one.note(keeper, "cell", NEVER_KEPT)
    one.cool(later())
    assert keeper.dropped == ["cell"]


def test_a_keeper_that_is_gone_is_forgotten() -> None:
    one, keeper = cooling(0), Keeper("a")
    one.note(keeper, "a", MIB)
    del keeper
    gc.collect()
    assert one.cool(later()) == 0
    assert not one._kept


def test_its_own_thread_drops_too() -> None:
    one, keeper = Cooling(kept_bytes=0, after_s=0.01), Keeper("a")
    one.note(keeper, "a", MIB)
    end = time.monotonic() + 30
    while not keeper.dropped and time.monotonic() < end:
        time.sleep(0.01)
    assert keeper.dropped == ["a"]
