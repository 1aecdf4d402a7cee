from __future__ import annotations

import threading

import pytest

from omnicore.sandbox.compiler import CompilerQueue, Deferred, check_cheap, compiling, only_cheap


def wait_for(lane: CompilerQueue, count: int) -> None:
    while len(lane._waiting) < count:
        pass


def in_line(lane: CompilerQueue, order: list[str], name: str, **how: object) -> threading.Thread:
    """Somebody who waits for a turn and says so when it comes."""

    def run() -> None:
        with compiling(ahead=bool(how.get("ahead")), wanted=lambda: bool(how.get("wanted", True))):
            try:
                with lane.turn():
                    order.append(name)
            except Deferred:
                order.append(f"not {name}")

    waiting = len(lane._waiting)
    thread = threading.Thread(target=run)
    thread.start()
    wait_for(lane, waiting + 1)
    return thread


def test_who_is_waited_for_goes_first_then_who_came_first() -> None:
    lane, order = CompilerQueue(1), []
    with lane.turn():
        threads = [
            in_line(lane, order, "ahead", ahead=True),
            in_line(lane, order, "first"),
            in_line(lane, order, "second"),
        ]
    for thread in threads:
        thread.join(30)
    assert order == ["first", "second", "ahead"]


def test_what_nobody_wants_any_more_has_no_turn() -> None:
    lane, order = CompilerQueue(1), []
    with lane.turn():
        threads = [in_line(lane, order, "gone", wanted=False), in_line(lane, order, "next")]
    for thread in threads:
        thread.join(30)
    assert order == ["not gone", "next"]
    with lane.turn():
        assert lane._inside == 1


def test_as_many_as_the_lane_is_wide_are_in_at_once() -> None:
    lane = CompilerQueue(2)
    with lane.turn(), lane.turn():
        assert lane._inside == 2
    assert lane._inside == 0


def test_a_turn_that_fails_is_over() -> None:
    lane = CompilerQueue(1)
    with pytest.raises(ValueError, match="no"), lane.turn():
        raise ValueError("no")
    with lane.turn():
        pass


def test_who_takes_only_what_is_cheap_waits_for_no_process() -> None:
    check_cheap()
    with only_cheap(), pytest.raises(Deferred):
        check_cheap()
    check_cheap()
