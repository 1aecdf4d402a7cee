"""Views of workflows and runs: records for people, long values shortened, secrets as names.

Runs over time, from what began a run down to what its plugins asked of the host; and two runs compared.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Annotated, Any, Literal, TypeAlias, get_args

from omnicore.errors import InvalidInput
from omnicore.jobs.engine import MaybeTime, Place, RunStatus, RunView, StepView
from omnicore.records import Meta, Record, Time, field, view

_Source: TypeAlias = Annotated[str, Meta(description="YAML or JSON, as it was written.")]
_Document: TypeAlias = Annotated[Mapping[str, Any], Meta(description="The definition as plain JSON values.")]
_LAST_RUN = {
    "type": "object",
    "properties": {
        "id": {"type": "string"},
        "status": {"enum": list(get_args(RunStatus))},
        "at": {"type": "number", "description": "Seconds since the Unix epoch."},
    },
    "required": ["id", "status", "at"],
}


class PlannedStep(Record, frozen=True):
    """A step of a run, as a retry sees it."""

    place: Place
    path: Annotated[str, Meta(description="Of the task in the version that ran.")]
    name: str
    kind: str
    why: Annotated[
        Literal["", "failed", "changed", "follows"],
        Meta(
            description="The reason why it is done again: it failed, it is another one in the version that goes on, or"
            " it follows from a step that is done again."
        ),
    ] = ""


class RetryPlan(Record, frozen=True):
    """The recorded steps that a retry keeps, and those that it does again. At most 500 of each."""

    version: Annotated[int, Meta(description="Number of the version that goes on; 0 for a trial.")]
    kept: Annotated[tuple[PlannedStep, ...], Meta(description="Their results stay; they are not called again.")]
    again: Annotated[tuple[PlannedStep, ...], Meta(description="They failed, changed, or follow from one that did.")]


class WorkflowTrigger(Record, frozen=True):
    """One way in which a workflow begins."""

    kind: str
    about: Annotated[str, Meta(description="In words.")]
    next_at: Annotated[float | None, Meta(description="Of schedules.")] = None


class Definition(Record, frozen=True):
    """A workflow as it stands. Lists have `last_run`, and neither text nor document."""

    id: Annotated[str, Meta(description="`name`, or `namespace.name` outside of `default`.")]
    name: str
    namespace: str
    title: str
    summary: str
    version: Annotated[str, Meta(description="As its document says.")]
    number: Annotated[int, Meta(description="Counts the versions that were kept, from 1.")]
    digest: Annotated[str, Meta(description="SHA-256 of the document; runs keep to it.")]
    enabled: bool
    changed_at: Time
    changed_by: str
    triggers: tuple[WorkflowTrigger, ...] = ()
    text: _Source = ""
    document: _Document = field(default_factory=dict)
    last_run: Annotated[
        Any, Meta(description="The newest one.", extra_json_schema={"anyOf": [_LAST_RUN, {"type": "null"}]})
    ] = None
    same_version_as: Annotated[
        int | None,
        Meta(
            description="Of a text that was just kept: the number before it, where that has another text and the same"
            " `version`. Runs that ask for this version begin the newest text of it."
        ),
    ] = None

    def to_json(self, *, brief: bool = False) -> dict[str, Any]:
        """As a JSON value; `brief` as lists have it."""
        left_out = ("text", "document", "same_version_as") if brief else ("last_run",)
        return {name: value for name, value in view(self).items() if name not in left_out}


class WorkflowVersion(Record, frozen=True):
    """One version of a workflow. Lists leave text and document out."""

    workflow: str
    number: int
    digest: str
    created_at: Time
    created_by: str
    text: _Source = ""
    document: _Document | None = None

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        left_out = ("text", "document") if self.document is None else ()
        return {name: value for name, value in view(self).items() if name not in left_out}


class OpenView(Record, frozen=True):
    """Something a run waits for."""

    place: Place
    kind: str
    name: str
    attempt: int
    due_at: MaybeTime
    waits_for: Annotated[
        str,
        Meta(description="The reason why it has not begun: no host can do it, or its engine is missing; empty: none."),
    ] = ""


class ApprovalView(Record, frozen=True):
    """A decision that a run waits for."""

    run: str
    place: Place
    workflow: str
    title: str
    text: str
    form: Annotated[Mapping[str, Any], Meta(description="JSON Schema of what is filled in; empty for nothing.")]
    role: Annotated[str, Meta(description="The role that may decide.")]
    deadline_at: MaybeTime
    asked_at: Time


class Page(Record, frozen=True):
    """Some of many. `next` is handed over for those that follow; None at the end."""

    items: Sequence[Any]
    next: str | None = None

    def to_json(self) -> dict[str, Any]:
        """As a JSON value."""
        return {"items": [one.to_json() for one in self.items], "next": self.next}


_SHOWN_TEXT, _SHOWN_ITEMS, _SHOWN_DEPTH, _SHOWN_BYTES = 500, 20, 6, 4096


def shortened(value: Any) -> tuple[Any, bool]:
    """A JSON value of a few thousand characters at most, and whether something was left out."""
    if value is None or isinstance(value, (bool, int, float)):
        return value, False
    text = json.dumps(value, ensure_ascii=False)
    if len(text) <= _SHOWN_BYTES:
        return value, False
    left = [_SHOWN_BYTES]
    return _short(value, left, 0), True


def _short(value: Any, left: list[int], depth: int) -> Any:
    if isinstance(value, str):
        kept = value[: max(0, min(_SHOWN_TEXT, left[0]))]
        left[0] -= len(kept) + 2
        return kept if len(kept) == len(value) else f"{kept}… ({len(value)} characters)"
    left[0] -= 8
    if isinstance(value, (list, tuple)):
        if depth >= _SHOWN_DEPTH or left[0] <= 0:
            return f"… ({len(value)} items)"
        items = [_short(one, left, depth + 1) for one in value[:_SHOWN_ITEMS]]
        return items if len(items) == len(value) else [*items, f"… ({len(value) - len(items)} more)"]
    if isinstance(value, Mapping):
        if depth >= _SHOWN_DEPTH or left[0] <= 0:
            return f"… ({len(value)} members)"
        names = list(value)[:_SHOWN_ITEMS]
        shown = {str(name)[:_SHOWN_TEXT]: _short(value[name], left, depth + 1) for name in names}
        return shown if len(names) == len(value) else {**shown, "…": f"{len(value) - len(names)} more"}
    return value


MOST_ROWS = 2000
"""Rows of a run that are looked at for a comparison."""

_MOST_DIFFERENCES = 20
_DEEPEST = 6

_Ms = Annotated[float, Meta(description="After the first span began.")]


class RunSpan(Record, frozen=True):
    """Something that took time in a run."""

    kind: Annotated[
        Literal["trigger", "run", "step", "call", "host"],
        Meta(description="`call`: of a plugin in a step; `host`: what that asked of the host."),
    ]
    name: str
    depth: Annotated[int, Meta(description="How deep it is inside of others.")]
    begin_ms: _Ms
    time_ms: Annotated[float | None, Meta(description="Null while it goes on.")]
    state: Annotated[str, Meta(description="The status of a run or step; `ok` or a code of all else.")]
    place: Annotated[Place | None, Meta(description="Of a step.")] = None
    about: Annotated[
        str, Meta(description="The delivery or event, the plugin's hash, or the run that a step began.")
    ] = ""


class RunTimeline(Record, frozen=True):
    """A run as spans on one line of time, those inside of others behind them."""

    run: str
    began_at: Annotated[float, Meta(description="When the first span began; seconds since the Unix epoch.")]
    spans: tuple[RunSpan, ...]
    next: Annotated[str | None, Meta(description="The row after which the next page begins.")]


class StepSide(Record, frozen=True):
    """A step in one of two runs."""

    status: str
    attempts: int
    time_ms: Annotated[float, Meta(description="Of all its attempts.")]
    output: Any
    fault: Any


class ValueDifference(Record, frozen=True):
    """A part of an output that differs."""

    path: Annotated[str, Meta(description="A JSON pointer; empty for the whole.")]
    first: Any
    second: Any


class StepComparison(Record, frozen=True):
    """A step in two runs."""

    place: Place
    path: str
    name: str
    kind: str
    first: StepSide | None
    second: StepSide | None
    differs: Annotated[
        tuple[Literal["status", "output", "fault", "attempts", "missing"], ...],
        Meta(description="What is not the same; times are never."),
    ]
    outputs: Annotated[
        tuple[ValueDifference, ...], Meta(description="Where the outputs differ, as far as they are shown here.")
    ] = ()


class RunSide(Record, frozen=True):
    """One of two runs that are compared."""

    id: str
    number: Annotated[int | None, Meta(description="The version; null for a trial.")]
    status: str
    created_at: Time
    ended_at: MaybeTime
    time_ms: Annotated[float | None, Meta(description="From its beginning to its end.")]


class RunComparison(Record, frozen=True):
    """Two runs of one workflow, step by step."""

    workflow: str
    first: RunSide
    second: RunSide
    steps: tuple[StepComparison, ...]
    cut: Annotated[bool, Meta(description=f"A run has more than {MOST_ROWS} rows; those behind are left out.")]


def timeline(run: RunView, rows: Iterable[StepView], *, first: bool, following: str | None) -> RunTimeline:
    """The spans of some rows of a run, in their order; the first page begins with the run and with what began it."""
    zero, spans = run.created_at, []
    if first:
        spans = [_trigger(run), RunSpan("run", run.workflow, 1, 0.0, _run_ms(run), run.status, about=run.id)]
    for row in rows:
        spans += _spans(row, zero)
    return RunTimeline(run.id, zero, tuple(spans), following)


def _trigger(run: RunView) -> RunSpan:
    told = run.trigger
    kind = str(told.get("kind", "")) or "started"
    about = next((str(told[name]) for name in ("delivery", "ids", "schedule", "by") if told.get(name)), run.by)
    name = f"webhook {told['webhook']}" if kind == "webhook" and "webhook" in told else kind
    return RunSpan("trigger", name[:200], 0, 0.0, _run_ms(run), "ok", about=about[:200])


def _run_ms(run: RunView) -> float | None:
    return None if run.ended_at is None else _ms(run.ended_at - run.created_at)


def _spans(row: StepView, zero: float) -> Iterator[RunSpan]:
    begin, depth = _ms(row.began_at - zero), 2 + row.place.count("/do/")
    child = str(row.meta.get("run", ""))[:80]
    yield RunSpan("step", row.name, depth, begin, _ms(row.at - row.began_at), row.status, row.place, child)
    call = row.meta.get("call")
    if not isinstance(call, Mapping):
        return
    state = "ok" if row.fault is None else "failed"
    plugin, took_ms = str(row.meta.get("plugin", "")), float(call.get("ms", 0.0))
    begin = max(begin, _ms(row.at - zero) - took_ms)  # what came before it is waiting for its turn
    yield RunSpan("call", plugin, depth + 1, round(begin, 3), took_ms, state, about=str(row.meta.get("hash", "")))
    for verb, after_ms, ms, outcome in call.get("asked", ()):
        yield RunSpan("host", verb, depth + 2, round(begin + after_ms, 4), ms, outcome)


def _ms(seconds: float) -> float:
    return round(max(0.0, seconds) * 1000, 3)


@dataclass(slots=True)
class _Met:
    """A step as it was met in the rows of one run."""

    path: str
    name: str
    kind: str
    status: str = ""
    attempts: int = 0
    time_s: float = 0.0
    output: Any = None
    digest: bytes = b""
    fault: Any = None
    order: int = 0

    def take(self, row: StepView) -> None:
        self.status, self.attempts = row.status, max(self.attempts, row.attempt)
        self.time_s += max(0.0, row.at - row.began_at)
        self.output, self.fault = shortened(row.output)[0], row.fault
        self.digest = hashlib.sha256(json.dumps(row.output, sort_keys=True, default=str).encode()).digest()

    def side(self) -> StepSide:
        return StepSide(self.status, self.attempts, _ms(self.time_s), self.output, self.fault)


def met(rows: Iterable[StepView]) -> tuple[dict[str, _Met], bool]:
    """The steps of a run by place, from its rows with values in full; True if there are more rows than are read."""
    found: dict[str, _Met] = {}
    following = iter(rows)
    for row in islice(following, MOST_ROWS):
        one = found.setdefault(row.place, _Met(row.path, row.name, row.kind, order=len(found)))
        one.take(row)
    return found, next(following, None) is not None


def compared(
    first: tuple[RunView, dict[str, _Met], bool], second: tuple[RunView, dict[str, _Met], bool]
) -> RunComparison:
    """Two runs step by step, in the order of the first. Raises: InvalidInput: they are of two workflows."""
    (one, mine, cut), (other, theirs, more) = first, second
    if one.workflow != other.workflow:
        raise InvalidInput(
            f"{one.id} is a run of {one.workflow}, {other.id} of {other.workflow}",
            remedy="compare runs of one workflow",
            path="other",
        )
    places = sorted({*mine, *theirs}, key=lambda place: (mine.get(place) or theirs[place]).order)
    steps = tuple(_step(place, mine.get(place), theirs.get(place)) for place in places)
    return RunComparison(one.workflow, _side(one), _side(other), steps, cut or more)


def _side(run: RunView) -> RunSide:
    return RunSide(run.id, run.number, run.status, run.created_at, run.ended_at, _run_ms(run))


def _step(place: str, mine: _Met | None, theirs: _Met | None) -> StepComparison:
    if mine is None or theirs is None:
        return _missing(place, mine, theirs)
    about = (place, mine.path, mine.name, mine.kind)
    same = {
        "status": mine.status == theirs.status,
        "output": mine.digest == theirs.digest,
        "fault": mine.fault == theirs.fault,
        "attempts": mine.attempts == theirs.attempts,
    }
    outputs = () if same["output"] else tuple(islice(_differences(mine.output, theirs.output), _MOST_DIFFERENCES))
    differs: Any = tuple(name for name, is_same in same.items() if not is_same)
    return StepComparison(*about, mine.side(), theirs.side(), differs, outputs)


def _missing(place: str, mine: _Met | None, theirs: _Met | None) -> StepComparison:
    told = [(place, one.path, one.name, one.kind) for one in (mine, theirs) if one is not None]
    first, second = (None if one is None else one.side() for one in (mine, theirs))
    return StepComparison(*told[0], first, second, ("missing",))


def _differences(one: Any, other: Any, path: str = "", depth: int = 0) -> Iterator[ValueDifference]:
    if isinstance(one, Mapping) and isinstance(other, Mapping) and depth < _DEEPEST:
        for name in dict.fromkeys((*one, *other)):
            escaped = str(name).replace("~", "~0").replace("/", "~1")
            yield from _differences(one.get(name), other.get(name), f"{path}/{escaped}", depth + 1)
    elif isinstance(one, list) and isinstance(other, list) and len(one) == len(other) and depth < _DEEPEST:
        for place, (mine, theirs) in enumerate(zip(one, other, strict=True)):
            yield from _differences(mine, theirs, f"{path}/{place}", depth + 1)
    elif one != other:
        yield ValueDifference(path, one, other)
