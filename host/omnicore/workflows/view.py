"""Views of workflows and runs: records for people, long values shortened, secrets as names."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal, TypeAlias, get_args

from omnicore.jobs.engine import MaybeTime, Place, RunStatus
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
