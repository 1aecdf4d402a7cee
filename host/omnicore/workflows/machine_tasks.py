"""Tasks of the machine, from raw input to output: data, time limits, attempts, blocks and `listen`. Pure."""

from __future__ import annotations

import hashlib
import threading
from collections import OrderedDict
from collections.abc import Callable, Generator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, cast

from omnicore.errors import InvalidInput
from omnicore.plugins.schemas import Schema, SchemaTooSlowError
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import (
    PLAIN,
    ApprovalTask,
    Block,
    CallTask,
    Catch,
    Data,
    DoTask,
    EmitTask,
    Evaluator,
    EventFilter,
    ForkTask,
    ForTask,
    ListenTask,
    RaiseTask,
    RetryRule,
    RunTask,
    ScriptTask,
    SetTask,
    SwitchTask,
    TryTask,
    WaitTask,
    evaluated_seconds,
    moment,
)
from omnicore.workflows.language.triggers import correlated, match
from omnicore.workflows.machine import (
    BREATH,
    DEEPEST,
    RESTING,
    Attempts,
    Frame,
    Join,
    Names,
    Open,
    Steps,
    Strand,
    Undo,
    WorkflowEnd,
    answered,
)

if TYPE_CHECKING:
    from omnicore.workflows.entries import JournalEntry, StepResult


_SPECIFIED = "serverlessworkflow.io"


def holds(condition: Evaluator, data: Any, scope: Mapping[str, Any]) -> bool:
    """True if a condition holds: as in jq, everything but false and null does."""
    found = condition(data, scope)
    return found is not None and found is not False


def placed(fault: Fault, place: str) -> Fault:
    """A copy of a fault that says where it came up, if it does not say so itself."""
    return Fault(fault.type, fault.status, fault.title, fault.detail, fault.instance or place, extra=fault.extra)


def fits(fault: Mapping[str, Any], wanted: Mapping[str, Any], data: Any, scope: Mapping[str, Any]) -> bool:
    """True if an error has the members that `errors.with` requires; they may be expressions."""
    for name, want in wanted.items():
        value = want(data, scope) if callable(want) else want
        found = fault.get(name)
        if found != value and not (name == "type" and _kind(found) == _kind(value)):
            return False
    return True


def _kind(uri: Any) -> Any:
    """The short name of a specified error type: its documents write the same ones with several beginnings."""
    if not isinstance(uri, str):
        return uri
    if ":" not in uri:
        return uri
    return uri.rpartition("/")[2] if _SPECIFIED in uri and "/errors/" in uri else uri


_Answer = Generator[Any, Any, Any]


def put(frame: Frame) -> Any:
    """`set`: the value."""
    return _value(cast("SetTask", frame.node).value, frame, {})


def choose(frame: Frame) -> Generator[Any, Any, str]:
    """`switch`: what comes next."""
    cases = cast("SwitchTask", frame.node).cases
    for case in cases:
        if case.when is not None and (
            yield from answered(frame.strand.machine, partial(holds, case.when, frame.input, frame.scope))
        ):
            return case.then
    return next((case.then for case in reversed(cases) if case.when is None), frame.node.then)


def fail(frame: Frame) -> Any:
    """`raise`: the error. Its instance is the task itself unless it names another."""
    error = _value(cast("RaiseTask", frame.node).error, frame, None)
    kind, status = (error.get("type"), error.get("status")) if isinstance(error, Mapping) else (None, None)
    if not isinstance(kind, str) or not isinstance(status, int) or isinstance(status, bool):
        raise Fault("configuration", 400, "No error", "raise needs an error with a text `type` and a number `status`")
    raise Fault.of({"instance": frame.place, **{name: one for name, one in error.items() if one is not None}})


def call(frame: Frame) -> _Answer:
    """`call`: what it is called with is `with`, or the task's input."""
    given = yield from _asked(cast("CallTask", frame.node).given, frame, frame.input)
    return (yield from _answered(frame, "call", given))


def script(frame: Frame) -> _Answer:
    """`run.script`: what it gives, or the input where nobody waits for it."""
    node = cast("ScriptTask", frame.node)
    output = yield from _answered(frame, "script", (yield from _asked(node.arguments, frame, {})))
    return output if node.wait else frame.input


def run(frame: Frame) -> _Answer:
    """`run.workflow`: the other run's output, or the input where nobody waits for it."""
    node = cast("RunTask", frame.node)
    output = yield from _answered(frame, "run", (yield from _asked(node.value, frame, frame.input)))
    return output if node.wait else frame.input


def emit(frame: Frame) -> _Answer:
    """`emit`: the event goes out and is the output, complete with its id and time."""
    event = yield from _asked(cast("EmitTask", frame.node).event, frame, None)
    if not isinstance(event, Mapping):
        raise Fault("expression", 400, "No event", "emit.event.with gave no object of attributes")
    return (yield from _answered(frame, "emit", event))


def wait(frame: Frame) -> _Answer:
    """`wait`: the input is handed on once the time has come."""
    node, machine = cast("WaitTask", frame.node), frame.strand.machine
    if node.until is not None:
        due_at = moment((yield from _asked(node.until, frame, None)))
    else:
        due_at = machine.at + (
            yield from answered(machine, partial(evaluated_seconds, node.duration_s, frame.input, frame.scope))
        )
    late = frame.due_at is not None and frame.due_at < due_at
    machine.ask(frame, "timer", due_at=frame.due_at if late else due_at)
    frame.result = yield None
    if late:
        raise Fault("timeout", 408, "Timed out", f"{frame.node.name} took longer than it may")
    return frame.input


def approval(frame: Frame) -> _Answer:
    """The decision of a person: `{approved, form, by}`; where it came too late, what the task says, and `late`."""
    node, machine = cast("ApprovalTask", frame.node), frame.strand.machine
    asked = {
        "title": (yield from _asked(node.title, frame, node.name)),
        "text": (yield from _asked(node.text, frame, "")),
        "form": node.form,
        "role": node.role,
        "late": node.late,
    }
    ours = False
    if node.deadline_s is not None:
        limit = partial(evaluated_seconds, node.deadline_s, frame.input, frame.scope)
        deadline = machine.at + (yield from answered(machine, limit))
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
    frame.strand.machine.ask(frame, kind, value=value, due_at=frame.due_at, scope=frame.scope)
    frame.result = result = yield None
    if result.kind == "failed":
        raise _failure(frame, result)
    return result.output


def _asked(template: Evaluator | None, frame: Frame, otherwise: Any) -> Generator[Any, Any, Any]:
    return (yield from answered(frame.strand.machine, partial(_value, template, frame, otherwise)))


def _failure(frame: Frame, result: StepResult) -> Fault:
    return placed(result.fault or Fault("runtime", 500, f"{frame.node.name} failed"), frame.place)


def _value(template: Evaluator | None, frame: Frame, otherwise: Any) -> Any:
    return otherwise if template is None else template(frame.input, frame.scope)


def run_block(frame: Frame, strand: Strand, block: Block, raw: Any, prefix: str, names: Names, cut: int = -1) -> Steps:
    """Tasks of a frame one after the other, as `then` says; the output of the last one.

    A task's place is `prefix` and what its path has beyond the first `cut` characters, those of the frame's own path.
    """
    machine, index = frame.strand.machine, 0
    visits: dict[int, int] = {}
    cut = len(frame.node.path) if cut < 0 else cut
    while index < len(block):
        node = block[index]
        visits[index] = seen = visits.get(index, 0) + 1
        place = prefix + node.path[cut:]
        inner = frame.inside(strand, node, place if seen == 1 else f"{place}~{seen}", raw, names)
        raw, then = yield machine.perform(inner)
        if then == "continue":
            index += 1
        elif then == "exit":
            break
        elif then == "end":
            raise WorkflowEnd(raw)
        else:
            index = _index(block, then)
    return raw


def do(frame: Frame) -> Steps:
    """`do`: the tasks of the block."""
    return run_block(frame, frame.strand, cast("DoTask", frame.node).block, frame.input, frame.place, frame.names)


def each(frame: Frame) -> Steps:
    """`for`: the block for each item, one after the other or several at once."""
    node = cast("ForTask", frame.node)
    items: Any = []
    if node.items is not None:
        items = yield from answered(frame.strand.machine, partial(node.items, frame.input, frame.scope))
    if not isinstance(items, Sequence) or isinstance(items, str):
        raise Fault("expression", 400, "No list", f"`for.in` of {node.name} gave no list to go through")
    return (yield from (_side_by_side if node.at_once > 1 else _in_turn)(frame, node, items))


def fork(frame: Frame) -> Steps:
    """`fork`: the branches side by side; all of their outputs, or that of the first to be done."""
    node = cast("ForkTask", frame.node)
    cut, race = len(frame.node.path), node.compete
    outputs: list[Any] = [None] * len(node.branches)
    join, begun, ended, failed = Join(frame), 0, 0, None
    while ended < len(outputs):
        while begun < len(outputs) and begun - ended < (node.at_once or len(outputs)):
            branch, strand = node.branches[begun], Strand(frame.strand.machine, frame.strand)
            place = frame.place + branch.path[cut:]
            inner = frame.inside(strand, branch, place, frame.input, frame.names)
            join.spawn(begun, strand, frame.strand.machine.perform(inner))
            begun += 1
        number, value, error = yield join
        ended += 1
        if isinstance(error, WorkflowEnd) or (error is not None and not race):
            raise error
        failed = failed or error
        if error is None:
            output, then = value
            if then == "end":
                raise WorkflowEnd(output)
            if race:
                return output
            outputs[number] = output
    if failed is not None:
        raise failed
    return outputs


def _in_turn(frame: Frame, node: ForTask, items: Sequence[Any]) -> Steps:
    raw = frame.input
    for index, item in enumerate(items):
        round_ = {node.each: item, node.at: index}
        if node.going is not None and not (
            yield from answered(frame.strand.machine, partial(holds, node.going, raw, frame.scope.with_(round_)))
        ):
            break
        prefix = f"{frame.place}/for/{index}"
        raw = yield run_block(frame, frame.strand, node.block, raw, prefix, {**frame.names, **round_})
    return raw


def _side_by_side(frame: Frame, node: ForTask, items: Sequence[Any]) -> Steps:
    join, begun, ended, most = Join(frame), 0, 0, len(items)
    outputs: list[Any] = []
    while True:
        while begun < most and begun - ended < node.at_once:
            round_ = {node.each: items[begun], node.at: begun}
            if node.going is not None and not (
                yield from answered(
                    frame.strand.machine, partial(holds, node.going, frame.input, frame.scope.with_(round_))
                )
            ):
                most = begun
                break
            strand, prefix = Strand(frame.strand.machine, frame.strand), f"{frame.place}/for/{begun}"
            names = {**frame.names, **round_}
            join.spawn(begun, strand, run_block(frame, strand, node.block, frame.input, prefix, names))
            begun += 1
            if node.collect:
                outputs.append(None)
        if ended == begun:
            return outputs if node.collect else frame.input
        number, value, error = yield join
        ended += 1
        if error is not None:
            raise error
        if node.collect:
            outputs[number] = value


def _index(block: Block, name: str) -> int:
    for index, node in enumerate(block):
        if node.name == name:
            return index
    raise Fault("configuration", 400, "No such task", f"`then` names {name!r}, which is not in this block")


_MOST_DOUBLINGS = 64


def next_delay(frame: Frame, retry: RetryRule, number: int, since: float, scope: Mapping[str, Any]) -> float | None:
    """The delay before retry `number` (from 1) of an attempt that began at `since`; None: no retry.

    Raises: Fault: an expression failed.
    """
    if retry.when is not None and not holds(retry.when, frame.input, scope):
        return None
    if retry.except_when is not None and holds(retry.except_when, frame.input, scope):
        return None
    if retry.attempts is not None and number > retry.attempts:
        return None
    delay = _delay(retry, number, evaluated_seconds(retry.delay_s, frame.input, scope)) + _jitter(frame, retry)
    if retry.duration_s is not None and frame.strand.machine.at + delay - since > retry.duration_s:
        return None
    return delay


def pause(frame: Frame, delay: float) -> Generator[None, Any, None]:
    """The time between two attempts; none passes without a timer."""
    if delay > 0:
        machine = frame.strand.machine
        machine.ask(frame, "timer", place=f"{frame.place}/retry", due_at=machine.at + delay, use="tick")
        yield None


def _delay(retry: RetryRule, number: int, delay: float) -> float:
    match retry.backoff:
        case "linear":
            delay *= number
        case "exponential":
            delay *= 2.0 ** min(number - 1, _MOST_DOUBLINGS)
    return min(delay, retry.longest_s)


def _jitter(frame: Frame, retry: RetryRule) -> float:
    """Drawn from the key of the attempt, so that the same journal gives the same times."""
    if retry.jitter_s is None:
        return 0.0
    least, most = retry.jitter_s
    key = f"{frame.strand.machine.start.run}{frame.place}/{frame.tries.attempt}"
    part = int.from_bytes(hashlib.sha256(key.encode()).digest()[:8], "big") / 2**64
    return least + part * (most - least)


def attempt(frame: Frame) -> Steps:
    """The block's output; once an error is caught and no retry is left, what the catch's block makes of the input.

    An error that was retried in vain is not swallowed: without a block that mends it, it goes on.
    """
    node = cast("TryTask", frame.node)
    catch, retry, since, number = node.catch, node.catch.retry, frame.strand.machine.at, 0
    if retry is not None:
        frame.tries = Attempts(frame.tries)
    while True:
        limit = _limited(frame, retry.attempt_s if retry is not None else None)
        try:
            return (yield run_block(frame, frame.strand, node.block, frame.input, frame.place, frame.names))
        except Fault as fault:
            error = fault
        if limit is not None:
            frame.strand.machine.actions.drop(limit)
        caught = {catch.as_: error.to_json()}
        if not (yield from answered(frame.strand.machine, partial(_catches, frame, catch, error, caught))):
            raise error
        if retry is None:
            break
        number += 1
        scope = frame.scope.with_(caught)
        delay: float | None = None
        if not error.final:
            delay = yield from answered(frame.strand.machine, partial(next_delay, frame, retry, number, since, scope))
        if delay is None:
            if not catch.block:
                raise error
            break
        frame.strand.machine.row(frame, "retried", fault=error)
        frame.tries.again()
        yield pause(frame, delay)
    if not catch.block:
        return frame.input
    return (yield run_block(frame, frame.strand, catch.block, frame.input, frame.place, {**frame.names, **caught}))


def _limited(frame: Frame, limit_s: float | None) -> Open | None:
    """A guard over one attempt; it interrupts the work inside of `attempt`, a level above the task itself."""
    if limit_s is None:
        return None
    machine = frame.strand.machine
    due_at = machine.at + limit_s
    place = f"{frame.place}/attempt"
    return machine.ask(frame, "timer", place=place, due_at=due_at, use="guard", level=frame.level + 1)


def _catches(frame: Frame, catch: Catch, error: Fault, caught: Mapping[str, Any]) -> bool:
    scope = frame.scope.with_(caught)
    if not fits(error.to_json(), catch.with_, frame.input, scope):
        return False
    if catch.when is not None and not holds(catch.when, frame.input, scope):
        return False
    return catch.except_when is None or not holds(catch.except_when, frame.input, scope)


_LONGEST_CHECK_S = 5.0
_MOST = 512


def conform(value: Any, schema: Mapping[str, Any], what: str) -> None:
    """Raises: Fault of type validation: the value breaks the schema; `what` is `input`, `output` or `export`."""
    try:
        problem = _compiled.get(schema).problem(value, timeout_s=_LONGEST_CHECK_S)
    except SchemaTooSlowError as error:
        problem = str(error)
    if problem is not None:
        raise Fault("validation", 400, f"The {what} breaks its schema", problem[:1000])


class _Compiled:
    """Compiled schemas by the identity of their documents, the latest used ones. Usable from any thread.

    By identity, because a schema is part of a graph that outlives its runs, and reading it all for a hash would cost
    more than the check. The document is kept with it, so that its identity stays its own.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[int, tuple[Mapping[str, Any], Schema]] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, document: Mapping[str, Any]) -> Schema:
        """The schema of a document."""
        with self._lock:
            kept = self._kept.get(id(document))
            if kept is not None:
                self._kept.move_to_end(id(document))
                return kept[1]
        made = Schema(document)
        with self._lock:
            self._kept[id(document)] = (document, made)
            if len(self._kept) > _MOST:
                self._kept.popitem(last=False)
        return made


_compiled = _Compiled()


def admitted(data: Data, raw: Any, scope: Mapping[str, Any]) -> Any:
    """A raw input, checked and made into the task's input. Raises: Fault."""
    if data is PLAIN:
        return raw
    if data.input_schema is not None:
        conform(raw, data.input_schema, "input")
    return raw if data.input_from is None else data.input_from(raw, scope)


def handed_on(frame: Frame, data: Data, value: Any, scope: Mapping[str, Any]) -> Any:
    """A raw output, made into what the next task gets, checked; and the context that is exported. Raises: Fault."""
    if data is PLAIN:
        frame.outputs = value, value
        return value
    frame.outputs = value, None
    output = value if data.output_as is None else data.output_as(value, scope)
    frame.outputs = value, output
    if data.output_schema is not None:
        conform(output, data.output_schema, "output")
    if data.export_as is not None:
        context = data.export_as(output, scope)
        if data.export_schema is not None:
            conform(context, data.export_schema, "export")
        frame.strand.machine.context = context
    elif data.export_schema is not None:
        conform(frame.strand.machine.context, data.export_schema, "export")
    return output


MOST_EVENTS = 10_000
"""Events that may wait for the ones before them to be gone through."""

_ROUNDS = "/foreach"


class ListenState:
    """The events that one `listen` has heard so far, those it accepts, and its end."""

    __slots__ = ("_before", "_node", "_scope", "_so_far", "_unmet", "over")

    def __init__(self, node: ListenTask, scope: Mapping[str, Any]) -> None:
        self._node, self._scope = node, scope
        self._before: dict[str, Any] = {}
        self._unmet = set(range(len(node.filters)))
        self._so_far: list[Any] = []
        self.over = False

    def hear(self, event: Mapping[str, Any]) -> Literal["no", "taken", "end"]:
        """The role of an event for this task: none, one to read, or the one that ends it and is not read.

        Raises: Fault: the condition of `until` failed.
        """
        node = self._node
        if isinstance(node.until, tuple) and any(self._fits(event, one) for one in node.until):
            self.over = True
            return "end"
        index = next((index for index in self._wanted() if self._fits(event, node.filters[index])), None)
        if index is None:
            return "no"
        self._unmet.discard(index)
        self._settle(event)
        return "taken"

    def _wanted(self) -> list[int]:
        return sorted(self._unmet) if self._node.mode == "all" else list(range(len(self._node.filters)))

    def _settle(self, event: Mapping[str, Any]) -> None:
        node = self._node
        if node.mode == "all":
            self.over = not self._unmet
        elif node.mode == "one" or (node.until is None and not node.forever):
            self.over = True
        elif node.until is not None and not isinstance(node.until, tuple):
            if len(self._so_far) >= MOST_EVENTS:
                raise Fault("runtime", 500, "Too many events", f"`until` did not hold over {MOST_EVENTS} events")
            so_far = [*self._so_far, read(node, event)]
            self.over = holds(node.until, so_far, self._scope)
            self._so_far = so_far

    def _fits(self, event: Mapping[str, Any], wanted: EventFilter) -> bool:
        """An expression that fails over an event does not fit it: events come from outside."""
        try:
            if not match(event, wanted, self._scope):
                return False
            if wanted.correlate:
                before = correlated(event, wanted, self._scope, self._before)
                if before is None:
                    return False
                self._before = before
        except (Fault, InvalidInput):  # the second for a regular expression that an expression gave
            return False
        return True


def read(node: ListenTask, event: Mapping[str, Any]) -> Any:
    """The part of an event that the output holds."""
    if node.read == "envelope":
        return event
    return event["data"] if "data" in event else event.get("data_base64")


def listen(frame: Frame) -> Steps:
    """The list of what was read of each event, or of what `foreach` made of it."""
    node, machine = cast("ListenTask", frame.node), frame.strand.machine
    scope = frame.scope.held()
    one = machine.ask(frame, "listen", due_at=frame.due_at, use="listen", scope=dict(scope))
    one.hearing = hearing = ListenState(node, scope)
    outputs: list[Any] = []
    index = 0
    while one.events or not hearing.over:
        if not one.events:
            one.wanted = True
            result = yield None
            if result is not None:
                frame.result = result
                raise placed(result.fault or Fault("runtime", 500, f"{node.name} failed"), frame.place)
            continue
        value = read(node, one.events.popleft())
        if node.each_block is not None or node.each_data is not PLAIN:
            value = yield _one_event(frame, node, value, index)
        if not node.forever:
            outputs.append(value)
        index += 1
    return outputs


def _one_event(frame: Frame, node: ListenTask, value: Any, index: int) -> Steps:
    round_ = {node.each: value, node.at: index}
    scope = frame.scope.with_(round_)
    machine = frame.strand.machine
    value = yield from answered(machine, partial(admitted, node.each_data, value, scope))
    if node.each_block:
        cut = len(node.path)
        if node.each_block[0].path.startswith(_ROUNDS, cut):
            cut += len(_ROUNDS)
        prefix, names = f"{frame.place}{_ROUNDS}/{index}", {**frame.names, **round_}
        value = yield run_block(frame, frame.strand, node.each_block, value, prefix, names, cut)
    return (yield from answered(machine, partial(handed_on, frame, node.each_data, value, scope)))


_AT_ONCE: Mapping[str, Callable[[Frame], Any]] = {"set": put, "raise": fail}
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
    node, strand, machine, tries = frame.node, frame.strand, frame.strand.machine, frame.tries
    frame.level = len(strand.stack) - 1
    strand.frames.append(frame)
    machine.effort += 1
    if machine.tired():
        yield RESTING
    if machine.effort > BREATH:
        machine.ask(frame, "timer", place=f"{frame.place}/breath", due_at=machine.at, use="tick")
        yield None
        machine.effort += 1
    if node.retry is not None:
        frame.tries = tries = Attempts(tries)
    since, number = machine.at, 0
    while True:
        try:
            return (yield from _once(frame))
        except Fault as fault:
            error = placed(fault, frame.place)
        except WorkflowEnd as end:
            _left(frame, "completed", output=end.output)
            raise
        machine.clear(frame)
        number += 1
        delay, error = yield from _retry_delay(frame, number, since, error)
        if delay is None:
            return _failed(frame, error)
        frame.tries = tries
        machine.row(frame, "retried", fault=error, result=frame.result)
        tries.again()
        yield pause(frame, delay)
        frame.anew()


def _once(frame: Frame) -> Steps:
    """One attempt."""
    node, machine = frame.node, frame.strand.machine
    if node.when is not None and not (yield from answered(machine, partial(holds, node.when, frame.raw, frame.scope))):
        return _skipped(frame)
    if node.data is not PLAIN:
        frame.input = yield from answered(machine, partial(admitted, node.data, frame.raw, frame.scope))
    at_once, then = _AT_ONCE.get(node.kind), node.then
    said = _said(frame) if machine.recorded is not None else None
    if said is not None:
        if said.fault is not None:
            raise Fault.of(said.fault.to_json())
        value = said.output
    elif at_once is not None:
        value = yield from answered(machine, partial(at_once, frame))
    elif node.kind == "switch":
        then, value = (yield from choose(frame)), frame.input
    else:
        value = yield (yield from answered(machine, partial(_steps, frame)))
    if node.data is not PLAIN:
        value = yield from answered(machine, partial(handed_on, frame, node.data, value, frame.scope))
    return _completed(frame, value, then)


def _said(frame: Frame) -> JournalEntry | None:
    """The row of a `set` in the journal, which saves its evaluation; None: there is none."""
    node, recorded = frame.node, frame.strand.machine.recorded
    if recorded is None or node.kind != "set" or node.data is not PLAIN:
        return None
    return recorded.said(frame.place, frame.tries.attempt)


def _steps(frame: Frame) -> Steps:
    """The work of a task that takes more than a moment, with its time limit."""
    node, machine = frame.node, frame.strand.machine
    if frame.depth > DEEPEST:
        raise Fault("configuration", 400, "Too deep", f"tasks are nested deeper than {DEEPEST}")
    if node.timeout_s is not None or (node.retry is not None and node.retry.attempt_s is not None):
        limits = [node.retry.attempt_s] if node.retry is not None and node.retry.attempt_s is not None else []
        if node.timeout_s is not None:
            limits.append(evaluated_seconds(node.timeout_s, frame.input, frame.scope))
        due_at = machine.at + min(limits)
        if node.kind in _BLOCKS or (isinstance(node, ListenTask) and node.each_block):
            place = f"{frame.place}/timeout"
            machine.ask(frame, "timer", place=place, due_at=due_at, use="guard", level=frame.level)
        else:
            frame.due_at = due_at
    return _STEPS[node.kind](frame)


def _retry_delay(
    frame: Frame, number: int, since: float, error: Fault
) -> Generator[Any, Any, tuple[float | None, Fault]]:
    retry = frame.node.retry
    if retry is None or error.final:
        return None, error
    try:
        scope = frame.scope.with_({"error": error.to_json()})
        delay = yield from answered(frame.strand.machine, partial(next_delay, frame, retry, number, since, scope))
        return delay, error
    except Fault as broken:
        return None, placed(broken, frame.place)


def _skipped(frame: Frame) -> tuple[Any, str]:
    _left(frame, "skipped", output=frame.raw)
    return frame.raw, "continue"


def _completed(frame: Frame, output: Any, then: str) -> tuple[Any, str]:
    _left(frame, "completed", output=output)
    node = frame.node
    frame.strand.steps[node.name] = {"output": output}
    if node.compensate:
        frame.strand.machine.undo.append(Undo(node, frame.place, frame.input, output, frame.names, frame.depth))
    return output, then


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
    machine = frame.strand.machine
    if frame.opens or frame.join is not None:
        machine.clear(frame)
    machine.row(frame, status, output=output, fault=fault, result=frame.result)
    frame.strand.frames.pop()
