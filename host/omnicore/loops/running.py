"""One cycle at work: the duty and the handlers side by side, within the lane's deadline."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from omnicore.errors import DeadlineExceeded, FuelExhausted, OmniError
from omnicore.loops.answer import Answer, Wish, read_answer
from omnicore.loops.cycle import Action, CycleInput, CycleOutput
from omnicore.loops.handlers import Fuel, Handler
from omnicore.loops.lane import Lane

__all__ = ["Act", "Done", "Duty", "run_cycle"]

_log = logging.getLogger("omnicore.loops")
_GRACE_S = 1.0


@dataclass(frozen=True, slots=True)
class Done:
    """What a duty did: numbers, insights, and what should come next. `problem` is why it is not whole."""

    results: Mapping[str, Any] = field(default_factory=dict)
    insights: Sequence[Mapping[str, Any]] = ()
    next_objectives: Sequence[str] = ()
    problem: str = ""


Duty = Callable[[CycleInput], Awaitable[Done]]
Act = Callable[[str, Wish], Awaitable[Mapping[str, Any]]]


@dataclass(slots=True)
class _Given:
    """What one handler gave."""

    report: Mapping[str, Any]
    answer: Answer = field(default_factory=Answer)
    actions: tuple[Action, ...] = ()
    cut: bool = False


async def run_cycle(
    lane: Lane, cycle_id: str, given: CycleInput, *, duty: Duty, handlers: Sequence[Handler], fuel: Fuel, act: Act
) -> tuple[CycleOutput, int]:
    """Runs a cycle to its end, or to its deadline; what then still runs is cut. It fails only where its duty does.

    Returns: what came of it, and how many were cut.
    """
    began = time.monotonic()
    end = began + lane.deadline_s
    document = _document(lane, cycle_id, given)
    turns = asyncio.Semaphore(lane.concurrency)
    tasks: dict[str, asyncio.Task[Any]] = {"": asyncio.ensure_future(duty(given))}
    for one in handlers:
        tasks[one.name] = asyncio.ensure_future(_handle(one, document, end, turns=turns, fuel=fuel, act=act))
    pending = await _all(tasks.values(), lane.deadline_s)
    done, success = _duty_result(tasks.pop(""), lane, pending)
    gave = {name: _handler_result(task, lane, pending) for name, task in tasks.items()}
    results = dict(done.results)
    if gave:
        results["handlers"] = {name: one.report for name, one in gave.items()}
    if done.problem:
        results["problem"] = done.problem
    output = CycleOutput(
        cycle_id,
        lane.type,
        success,
        results,
        (*done.insights, *({**insight, "by": name} for name, one in gave.items() for insight in one.answer.insights)),
        tuple(action for one in gave.values() for action in one.actions),
        (*done.next_objectives, *(text for one in gave.values() for text in one.answer.next_objectives)),
        timedelta(seconds=time.monotonic() - began),
    )
    return output, sum(one.cut for one in gave.values())


async def _all(tasks: Iterable[asyncio.Task[Any]], timeout_s: float) -> set[asyncio.Task[Any]]:
    """Waits for all, then cuts; one that does not let itself be cut is left behind, to hurt nobody."""
    waited = list(tasks)
    try:
        _, pending = await asyncio.wait(waited, timeout=timeout_s)
    except asyncio.CancelledError:
        for task in waited:
            task.cancel()
        await asyncio.wait(waited, timeout=_GRACE_S)
        raise
    for task in pending:
        task.cancel()
    if pending:
        _, stuck = await asyncio.wait(pending, timeout=_GRACE_S)
        for task in stuck:
            task.add_done_callback(_forget)
    return pending


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _log.warning("a handler that was cut ended later with: %s", task.exception())


def _document(lane: Lane, cycle_id: str, given: CycleInput) -> dict[str, Any]:
    return {
        "cycle_id": cycle_id,
        "lane": lane.type.value,
        "data": dict(given.data),
        "context": given.context,
        "objectives": list(given.objectives),
    }


async def _handle(
    handler: Handler, document: Mapping[str, Any], end: float, *, turns: asyncio.Semaphore, fuel: Fuel, act: Act
) -> _Given:
    async with turns:
        left_s = end - time.monotonic()
        if fuel.gone:
            raise FuelExhausted("the cycle's fuel was used up", remedy="raise the lane's fuel", limit="fuel")
        if left_s <= 0:
            raise DeadlineExceeded("no time was left in the cycle", limit="deadline_s")
        began = time.monotonic()
        answer = read_answer(await handler.run(document, left_s))
        actions = [await _acted(handler, wish, act) for wish in answer.wishes]
        report = {"ok": True, "seconds": round(time.monotonic() - began, 6), "result": answer.result}
        return _Given({**report, **({"problem": answer.problem} if answer.problem else {})}, answer, tuple(actions))


async def _acted(handler: Handler, wish: Wish, act: Act) -> Action:
    try:
        done = await act(handler.plugin, wish)
    except OmniError as error:
        status = "refused" if error.code == "permission-denied" else "failed"
        return Action(handler.name, wish.verb, wish.input, status, error.to_json())
    except Exception as error:  # a door's fault is the host's, but a cycle goes on
        _log.exception("the action %s of %s failed", wish.verb, handler.name)
        return Action(handler.name, wish.verb, wish.input, "failed", {"message": str(error)})
    return Action(handler.name, wish.verb, wish.input, "done", dict(done))


def _duty_result(task: asyncio.Task[Any], lane: Lane, pending: set[asyncio.Task[Any]]) -> tuple[Done, bool]:
    if task in pending:
        return Done(problem=f"the duty was cut after {lane.deadline_s:g} s"), False
    error = task.exception()
    if error is not None:
        _log.error("the duty of the %s lane failed", lane.type.value, exc_info=error)
        return Done(problem=str(error) or type(error).__name__), False
    done: Done = task.result()
    return done, not done.problem


def _handler_result(task: asyncio.Task[Any], lane: Lane, pending: set[asyncio.Task[Any]]) -> _Given:
    if task in pending:
        return _Given(
            {"ok": False, "error": "deadline-exceeded", "message": f"cut after {lane.deadline_s:g} s"}, cut=True
        )
    if task.cancelled():
        return _Given({"ok": False, "error": "cancelled", "message": "it ended itself"})
    error = task.exception()
    if error is None:
        given: _Given = task.result()
        return given
    code = error.code if isinstance(error, OmniError) else type(error).__name__
    report = {"ok": False, "error": code, "message": str(error)[:500]}
    return _Given(report, cut=isinstance(error, DeadlineExceeded))
