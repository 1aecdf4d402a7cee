"""Tasks without tasks inside: those that are done at once, and those that ask for one thing and wait for it."""

from __future__ import annotations

from collections.abc import Generator, Mapping
from typing import Any, cast

from omnicore.workflows.entries import Fault, Result
from omnicore.workflows.flow.frames import Frame
from omnicore.workflows.flow.moments import moment, seconds_of
from omnicore.workflows.flow.truth import holds, placed
from omnicore.workflows.graph import Approval, Call, Emit, Raise, Run, Script, Set, Switch, Template, Wait

__all__ = ["approval", "call", "choose", "emit", "fail", "put", "run", "script", "wait"]

_Answer = Generator[None, Result, Any]


def put(frame: Frame) -> Any:
    """`set`: the value."""
    return _value(cast(Set, frame.node).value, frame, {})


def choose(frame: Frame) -> Any:
    """`switch`: hands its input on, and says what comes next."""
    default = None
    for case in cast(Switch, frame.node).cases:
        if case.when is None:
            default = case
        elif holds(case.when, frame.input, frame.scope):
            frame.then = case.then
            return frame.input
    if default is not None:
        frame.then = default.then
    return frame.input


def fail(frame: Frame) -> Any:
    """`raise`: the error. Its instance is the task itself unless it names another."""
    error = _value(cast(Raise, frame.node).error, frame, None)
    kind, status = (error.get("type"), error.get("status")) if isinstance(error, Mapping) else (None, None)
    if not isinstance(kind, str) or not isinstance(status, int) or isinstance(status, bool):
        raise Fault("configuration", 400, "No error", "raise needs an error with a text `type` and a number `status`")
    raise Fault.of({"instance": frame.place, **{name: one for name, one in error.items() if one is not None}})


def call(frame: Frame) -> _Answer:
    """`call`: what it is called with is `with`, or the task's input."""
    return (yield from _answered(frame, "call", _value(cast(Call, frame.node).given, frame, frame.input)))


def script(frame: Frame) -> _Answer:
    """`run.script`: what it gives, or the input where nobody waits for it."""
    node = cast(Script, frame.node)
    output = yield from _answered(frame, "script", _value(node.arguments, frame, {}))
    return output if node.wait else frame.input


def run(frame: Frame) -> _Answer:
    """`run.workflow`: the other run's output, or the input where nobody waits for it."""
    node = cast(Run, frame.node)
    output = yield from _answered(frame, "run", _value(node.value, frame, frame.input))
    return output if node.wait else frame.input


def emit(frame: Frame) -> _Answer:
    """`emit`: the event goes out and is the output, complete with its id and time."""
    event = _value(cast(Emit, frame.node).event, frame, None)
    if not isinstance(event, Mapping):
        raise Fault("expression", 400, "No event", "emit.event.with gave no object of attributes")
    return (yield from _answered(frame, "emit", event))


def wait(frame: Frame) -> _Answer:
    """`wait`: the input is handed on once the time has come."""
    node, machine = cast(Wait, frame.node), frame.machine
    if node.until is not None:
        due_at = moment(node.until(frame.input, frame.scope))
    else:
        due_at = machine.at + seconds_of(node.duration_s, frame.input, frame.scope)
    late = frame.due_at is not None and frame.due_at < due_at
    machine.ask(frame, "timer", due_at=frame.due_at if late else due_at)
    frame.result = yield None
    if late:
        raise Fault("timeout", 408, "Timed out", f"{frame.node.name} took longer than it may")
    return frame.input


def approval(frame: Frame) -> _Answer:
    """The decision of a person: `{approved, form, by}`; where it came too late, what the task says, and `late`."""
    node, machine = cast(Approval, frame.node), frame.machine
    asked = {
        "title": _value(node.title, frame, node.name),
        "text": _value(node.text, frame, ""),
        "form": node.form,
        "role": node.role,
        "late": node.late,
    }
    ours = False
    if node.deadline_s is not None:
        deadline = machine.at + seconds_of(node.deadline_s, frame.input, frame.scope)
        ours = frame.due_at is None or deadline <= frame.due_at
        frame.due_at = deadline if ours else frame.due_at
    machine.ask(frame, "approval", value=asked, due_at=frame.due_at)
    frame.result = result = yield None
    if result.kind == "done":
        return result.output
    fault = result.fault
    if ours and node.late != "fail" and fault is not None and fault.type.rpartition("/")[2] == "timeout":
        return {"approved": node.late == "approve", "form": None, "by": None, "late": True}
    raise _failure(frame, result)


def _answered(frame: Frame, kind: str, value: Any) -> _Answer:
    frame.machine.ask(frame, kind, value=value, due_at=frame.due_at, scope=frame.scope)
    frame.result = result = yield None
    if result.kind == "failed":
        raise _failure(frame, result)
    return result.output


def _failure(frame: Frame, result: Result) -> Fault:
    return placed(result.fault or Fault("runtime", 500, f"{frame.node.name} failed"), frame.place)


def _value(template: Template | None, frame: Frame, otherwise: Any) -> Any:
    return otherwise if template is None else template(frame.input, frame.scope)
