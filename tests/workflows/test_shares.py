"""Turns and shares: who is next, whatever the others ask for."""

from __future__ import annotations

import asyncio
from collections import Counter

from omnicore.workflows.expressions.jq import JqTurns, Shares


def test_what_waits_comes_out_in_turn_and_of_one_owner_in_its_order() -> None:
    shares: Shares[str] = Shares()
    for owner, work in (("a", "a1"), ("a", "a2"), ("b", "b1"), ("a", "a3")):
        shares.add(owner, work)
    found = []
    while (turn := shares.next()) is not None:
        found.append(turn[1])
        shares.charge(turn[0], 1.0)
    assert found == ["a1", "b1", "a2", "a3"]
    assert not shares


def test_an_owner_that_used_nothing_goes_before_fifty_that_use_all_they_get() -> None:
    shares: Shares[str] = Shares()
    for number in range(50):
        shares.add(f"hog {number}", "burn")
    for _ in range(200):
        turn = shares.next()
        assert turn is not None
        shares.charge(turn[0], 0.5)
        shares.add(turn[0], "burn")
    shares.add("light", "one value")
    assert shares.next() == ("light", "one value")


def test_each_gets_as_much_as_the_others_though_its_pieces_are_larger() -> None:
    shares: Shares[str] = Shares()
    used: Counter[str] = Counter()
    cost = {"large": 10, "small": 1, "middle": 3}
    for owner in cost:
        shares.add(owner, owner)
    for _ in range(3000):
        turn = shares.next()
        assert turn is not None
        owner = turn[0]
        used[owner] += cost[owner]
        shares.charge(owner, cost[owner])
        shares.add(owner, owner)
    assert max(used.values()) - min(used.values()) <= 10


def test_who_has_used_much_alone_owes_nothing_once_it_was_quiet() -> None:
    shares: Shares[str] = Shares()
    shares.charge("once", 100.0)
    shares.rest()
    shares.add("once", "first")
    shares.add("other", "second")
    assert [shares.next(), shares.next()] == [("once", "first"), ("other", "second")]


def test_owners_that_are_gone_are_forgotten() -> None:
    shares: Shares[int] = Shares()
    for number in range(10_000):
        shares.add(f"run {number}", number)
        assert shares.next() is not None
        shares.charge(f"run {number}", 1.0)
        shares.add("ahead", number)
        shares.next()
        shares.charge("ahead", 1.0)
    assert len(shares._used) <= 2048


async def test_who_is_cancelled_while_it_waits_leaves_the_line() -> None:
    turns = JqTurns(1)
    assert turns.at_once()
    assert not turns.at_once()
    gone, stays = asyncio.create_task(turns.come("gone")), asyncio.create_task(turns.come("stays"))
    await asyncio.sleep(0)
    gone.cancel()
    await asyncio.gather(gone, return_exceptions=True)
    turns.over("first", 1.0)
    await stays
    assert not turns.at_once()
    turns.over("stays", 1.0)
    assert turns.at_once()


async def test_a_turn_that_comes_as_its_owner_is_cancelled_goes_to_the_next() -> None:
    turns = JqTurns(1)
    assert turns.at_once()
    late = asyncio.create_task(turns.come("late"))
    await asyncio.sleep(0)
    turns.over("first", 0.0)  # the turn is given, and nobody has taken it yet
    late.cancel()
    await asyncio.gather(late, return_exceptions=True)
    assert turns.at_once()
