"""Turns: a few things at a time, in turn for each who asks."""

from __future__ import annotations

import asyncio
import os
import threading
from concurrent.futures import Future
from typing import Any

import pytest

from omnicore.errors import CapacityReached
from omnicore.resilience.turns import Turns


class Held:
    """Work that ends when it is told to, and what of it was begun."""

    def __init__(self, turns: Turns) -> None:
        self._turns = turns
        self.begun: list[str] = []
        self.gates: dict[str, threading.Event] = {}
        self._began: dict[str, threading.Event] = {}

    def submit(self, who: str, name: str) -> Future[str]:
        self.gates[name], self._began[name] = threading.Event(), threading.Event()

        def work() -> str:
            self.begun.append(name)
            self._began[name].set()
            assert self.gates[name].wait(60)
            return name

        return self._turns.submit(who, work)

    def await_begun(self, name: str) -> None:
        assert self._began[name].wait(60)


def test_one_who_asks_for_much_has_one_thing_done_at_a_time() -> None:
    held = Held(Turns(2, name="test"))
    futures = [held.submit("a", f"a{number}") for number in range(3)]
    held.await_begun("a0")
    other = held.submit("b", "b0")
    held.await_begun("b0")
    assert held.begun == ["a0", "b0"]
    for gate in held.gates.values():
        gate.set()
    assert [future.result(60) for future in (*futures, other)] == ["a0", "a1", "a2", "b0"]


def test_turns_go_round() -> None:
    held = Held(Turns(1, name="test"))
    futures = [held.submit(who, f"{who}{number}") for who in "abc" for number in range(3)]
    for gate in held.gates.values():
        gate.set()
    for future in futures:
        future.result(60)
    assert held.begun[0] == "a0"
    assert held.begun[1:] in (
        ["a1", "b0", "c0", "a2", "b1", "c1", "b2", "c2"],  # begun before the others asked
        ["b0", "c0", "a1", "b1", "c1", "a2", "b2", "c2"],
    )


def test_one_may_have_several_done_where_it_is_said_so() -> None:
    held = Held(Turns(3, 2, name="test"))
    futures = [held.submit("a", f"a{number}") for number in range(3)]
    held.await_begun("a0")
    held.await_begun("a1")
    futures.append(held.submit("b", "b0"))
    held.await_begun("b0")
    assert sorted(held.begun) == ["a0", "a1", "b0"]
    for gate in held.gates.values():
        gate.set()
    for future in futures:
        future.result(60)


def test_who_has_too_much_waiting_is_refused_and_others_are_not() -> None:
    turns = Turns(1, name="test")
    held = Held(turns)
    held.submit("a", "first")
    held.await_begun("first")
    futures = [turns.submit("a", int) for _ in range(256)]
    with pytest.raises(CapacityReached, match="256 requests of a wait") as refused:
        turns.submit("a", int)
    assert refused.value.details["limit"] == "waiting_requests"
    futures.append(turns.submit("b", int))
    held.gates["first"].set()
    assert [future.result(60) for future in futures] == [0] * 257


def test_what_is_cancelled_before_its_turn_is_not_done() -> None:
    turns = Turns(1, name="test")
    held = Held(turns)
    held.submit("a", "first")
    held.await_begun("first")
    done: list[int] = []

    async def main() -> None:
        task = asyncio.ensure_future(turns.take("a", lambda: done.append(1)))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        held.gates["first"].set()
        assert await turns.take("a", lambda: 7) == 7

    asyncio.run(main())
    assert done == []


def test_what_work_raises_reaches_who_asked_and_the_next_turn_comes() -> None:
    turns = Turns(1, name="test")

    def fails() -> Any:
        raise KeyError("no")

    with pytest.raises(KeyError, match="no"):
        turns.submit("a", fails).result(60)
    assert turns.submit("a", lambda: 1).result(60) == 1


@pytest.mark.skipif(not hasattr(os, "fork"), reason="forks")
def test_a_child_of_a_fork_has_threads_of_its_own() -> None:
    turns = Turns(1, name="test")
    assert turns.submit("a", lambda: 1).result(60) == 1
    if (child := os.fork()) == 0:
        os._exit(0 if turns.submit("a", lambda: 2).result(60) == 2 else 1)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
