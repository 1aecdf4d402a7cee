"""One task from its raw input to what it hands on: the data around it, its time, its attempts and its row.

Order, from DSL 1.0.3: `if` over the raw input, `input.schema`, `input.from`, the task itself, `output.as`,
`output.schema`, `export.as`, `export.schema`. What the dialect retries is all of it, as a `try` around the task would.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from omnicore.workflows.entries import Fault
from omnicore.workflows.flow.around import admitted, handed_on
from omnicore.workflows.flow.blocks import do, each, fork
from omnicore.workflows.flow.catching import attempt
from omnicore.workflows.flow.frames import DEEPEST, Frame, Tries
from omnicore.workflows.flow.leaves import approval, call, choose, emit, fail, put, run, script, wait
from omnicore.workflows.flow.listening import listen
from omnicore.workflows.flow.machine import BREATH, End, Steps, Undo
from omnicore.workflows.flow.moments import seconds_of
from omnicore.workflows.flow.retrying import next_delay, pause
from omnicore.workflows.flow.truth import holds, placed
from omnicore.workflows.graph import PLAIN, Listen

__all__ = ["perform"]

_AT_ONCE: Mapping[str, Callable[[Frame], Any]] = {"set": put, "switch": choose, "raise": fail}
_STEPS: Mapping[str, Callable[[Frame], Steps]] = {
    "call": call,
    "script": script,
    "run": run,
    "emit": emit,
    "approval": approval,
    "wait": wait,
    "do": do,
    "for": each,
    "fork": fork,
    "try": attempt,
    "listen": listen,
}
_BLOCKS = frozenset({"do", "for", "fork", "try"})


def perform(frame: Frame) -> Steps:
    """A task with all its attempts: its output, and what comes next. Raises: Fault, End."""
    node, strand, machine, tries = frame.node, frame.strand, frame.machine, frame.tries
    frame.level = len(strand.stack) - 1
    strand.frames.append(frame)
    machine.effort += 1
    if machine.effort > BREATH:
        machine.ask(frame, "timer", place=f"{frame.place}/breath", due_at=machine.at, use="tick")
        yield None
        machine.effort += 1
    if node.retry is not None:
        frame.tries = tries = Tries(tries)
    since, number = machine.at, 0
    while True:
        try:
            if node.when is not None and not holds(node.when, frame.raw, frame.scope):
                return _skipped(frame)
            if node.data is not PLAIN:
                frame.input = admitted(node.data, frame.raw, frame.scope)
            at_once = _AT_ONCE.get(node.kind)
            value = at_once(frame) if at_once else (yield _steps(frame))
            if node.data is not PLAIN:
                value = handed_on(frame, node.data, value, frame.scope)
            return _completed(frame, value)
        except Fault as fault:
            error = placed(fault, frame.place)
        except End as end:
            _left(frame, "completed", output=end.output)
            raise
        machine.clear(frame)
        number += 1
        delay, error = _delay(frame, number, since, error)
        if delay is None:
            return _failed(frame, error)
        frame.tries = tries
        machine.row(frame, "retried", fault=error, result=frame.result)
        tries.again()
        yield pause(frame, delay)
        frame.anew()


def _steps(frame: Frame) -> Steps:
    """The work of a task that takes more than a moment, with its time limit."""
    node, machine = frame.node, frame.machine
    if frame.depth > DEEPEST:
        raise Fault("configuration", 400, "Too deep", f"tasks are nested deeper than {DEEPEST}")
    if node.timeout_s is not None or (node.retry is not None and node.retry.attempt_s is not None):
        limits = [node.retry.attempt_s] if node.retry is not None and node.retry.attempt_s is not None else []
        if node.timeout_s is not None:
            limits.append(seconds_of(node.timeout_s, frame.input, frame.scope))
        due_at = machine.at + min(limits)
        if node.kind in _BLOCKS or (isinstance(node, Listen) and node.each_block):
            place = f"{frame.place}/timeout"
            machine.ask(frame, "timer", place=place, due_at=due_at, use="guard", level=frame.level)
        else:
            frame.due_at = due_at
    return _STEPS[node.kind](frame)


def _delay(frame: Frame, number: int, since: float, error: Fault) -> tuple[float | None, Fault]:
    retry = frame.node.retry
    if retry is None:
        return None, error
    try:
        return next_delay(frame, retry, number, since, frame.scope.with_({"error": error.to_json()})), error
    except Fault as broken:
        return None, placed(broken, frame.place)


def _skipped(frame: Frame) -> tuple[Any, str]:
    _left(frame, "skipped", output=frame.raw)
    return frame.raw, "continue"


def _completed(frame: Frame, output: Any) -> tuple[Any, str]:
    _left(frame, "completed", output=output)
    node = frame.node
    frame.strand.steps[node.name] = {"output": output}
    if node.compensate:
        frame.machine.undo.append(Undo(node, frame.place, frame.input, output, frame.names, frame.depth))
    return output, frame.then


def _failed(frame: Frame, error: Fault) -> tuple[Any, str]:
    """Raises the error, unless the run is to go on with it as output."""
    if frame.node.on_error != "continue":
        _left(frame, "faulted", fault=error)
        raise error
    output = {"error": error.to_json()}
    _left(frame, "faulted", output=output, fault=error)
    frame.strand.steps[frame.node.name] = {"output": output}
    return output, frame.node.then


def _left(frame: Frame, status: str, *, output: Any = None, fault: Fault | None = None) -> None:
    machine = frame.machine
    if frame.opens or frame.join is not None:
        machine.clear(frame)
    machine.row(frame, status, output=output, fault=fault, result=frame.result)
    frame.strand.frames.pop()
