"""The shapes of workflows, their runs and decisions, for `schemas.py`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.api.operation import ref

__all__ = ["RUN_STATES", "WORKFLOW_SCHEMAS"]

RUN_STATES = ("pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled")

_TEXT = {"type": "string"}
_MAYBE_TEXT = {"type": ["string", "null"]}
_WHOLE = {"type": "integer"}
_FLAG = {"type": "boolean"}
_TABLE = {"type": "object"}
_TIME = {"type": "number", "description": "Seconds since the Unix epoch."}
_MAYBE_TIME = {"type": ["number", "null"], "description": "Seconds since the Unix epoch."}
_NEXT = {**_MAYBE_TEXT, "description": "Cursor, null at the end."}
_SOURCE = {**_TEXT, "description": "YAML or JSON, as it was written."}
_DOCUMENT = {**_TABLE, "description": "The definition as plain JSON values."}
_PLACE = {
    **_TEXT,
    "description": "One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`.",
}
_SCHEMA = {"type": ["object", "null"], "description": "JSON Schema; null where none is known."}
_STEP_STATES = ["completed", "faulted", "skipped", "retried", "fired", "received", "cancelled"]
_STATUS = {"enum": list(RUN_STATES)}
_WAIT = {"type": "number", "minimum": 0, "maximum": 60, "description": "Seconds to wait for the end; it goes on after."}
_FAULT = {"anyOf": [ref("WorkflowFault"), {"type": "null"}]}


def _object(*optional: str, **members: Mapping[str, Any]) -> dict[str, Any]:
    required = [name for name in members if name not in optional]
    return {"type": "object", "properties": members, **({"required": required} if required else {})}


def _list(of: str) -> dict[str, Any]:
    return {"type": "array", "items": ref(of)}


def _page(of: str) -> dict[str, Any]:
    return _object(items=_list(of), next=_NEXT)


_WORKFLOW: Mapping[str, Mapping[str, Any]] = {
    "id": {**_TEXT, "description": "`name`, or `namespace.name` outside of `default`."},
    "name": _TEXT,
    "namespace": _TEXT,
    "title": _TEXT,
    "summary": _TEXT,
    "version": {**_TEXT, "description": "As its document says."},
    "number": {**_WHOLE, "description": "Counts the versions that were kept, from 1."},
    "digest": {**_TEXT, "description": "SHA-256 of the document; runs keep to it."},
    "enabled": _FLAG,
    "triggers": _list("WorkflowTrigger"),
    "changed_at": _TIME,
    "changed_by": _TEXT,
}
_RUN: Mapping[str, Mapping[str, Any]] = {
    "id": _TEXT,
    "workflow": _TEXT,
    "number": {"type": ["integer", "null"], "description": "The version; null for a trial."},
    "digest": _TEXT,
    "status": _STATUS,
    "trigger": {**_TABLE, "description": "What began it: its `kind`, and what belongs to that."},
    "by": _TEXT,
    "created_at": _TIME,
    "started_at": _MAYBE_TIME,
    "ended_at": _MAYBE_TIME,
    "due_at": {**_MAYBE_TIME, "description": "When a waiting one goes on by itself."},
    "priority": {"type": "integer", "minimum": 0, "maximum": 9},
    "input": {},
    "output": {},
    "fault": _FAULT,
    "parent": {**_MAYBE_TEXT, "description": "The run that began it."},
    "forked_from": {**_MAYBE_TEXT, "description": "The run whose rows it began with."},
    "steps": {**_WHOLE, "description": "Rows of its journal."},
    "hash": {**_TEXT, "description": "Of the last row and so of all."},
    "trial": {**_FLAG, "description": "Of a text that was not applied."},
}
_CALLABLE: Mapping[str, Mapping[str, Any]] = {
    "ref": {**_TEXT, "description": "What `call` names."},
    "description": _TEXT,
    "input": _SCHEMA,
}

WORKFLOW_SCHEMAS: Mapping[str, Mapping[str, Any]] = {
    "WorkflowTrigger": _object(
        kind=_TEXT, about={**_TEXT, "description": "In words."}, next_at={**_MAYBE_TIME, "description": "Of schedules."}
    ),
    "Workflow": _object(**_WORKFLOW, text=_SOURCE, document=_DOCUMENT),
    "WorkflowLine": _object(
        **_WORKFLOW,
        last_run={
            "anyOf": [_object(id=_TEXT, status=_STATUS, at=_TIME), {"type": "null"}],
            "description": "The newest one.",
        },
    ),
    "Workflows": _page("WorkflowLine"),
    "WorkflowText": _object(text=_SOURCE),
    "WorkflowChange": _object(
        "digest",
        text=_SOURCE,
        digest={**_TEXT, "description": "The version that was edited; refused when it is stale."},
    ),
    "WorkflowVersion": _object(
        workflow=_TEXT,
        number=_WHOLE,
        digest=_TEXT,
        created_at=_TIME,
        created_by=_TEXT,
        text=_SOURCE,
        document=_DOCUMENT,
    ),
    "WorkflowVersions": _object(
        items={
            "type": "array",
            "items": _object(workflow=_TEXT, number=_WHOLE, digest=_TEXT, created_at=_TIME, created_by=_TEXT),
        }
    ),
    "WorkflowDiff": _object(
        changes={
            "type": "array",
            "items": _object(
                "before",
                "after",
                kind={"enum": ["added", "removed", "changed", "moved"]},
                path={**_TEXT, "description": "JSON pointer into the document."},
                before={},
                after={},
            ),
        }
    ),
    "WorkflowProblem": _object(
        path={**_TEXT, "description": "JSON pointer into the document."},
        line={**_WHOLE, "description": "From 1; 0 when unknown."},
        column={**_WHOLE, "description": "From 1; 0 when unknown."},
        fact=_TEXT,
        remedy=_TEXT,
        severity={"enum": ["error", "warning"]},
    ),
    "WorkflowChecked": _object(
        valid=_FLAG,
        problems=_list("WorkflowProblem"),
        document={"type": ["object", "null"], "description": "If readable."},
    ),
    "WorkflowPalette": _object(
        plugins={
            "type": "array",
            "items": _object(
                plugin=_TEXT,
                title=_TEXT,
                state={**_TEXT, "description": "As of the plugin; only an enabled one answers."},
                functions={"type": "array", "items": _object(**_CALLABLE, title=_TEXT, output=_SCHEMA)},
            ),
        },
        connectors={
            "type": "array",
            "items": _object(connector=_TEXT, kind=_TEXT, actions={"type": "array", "items": _object(**_CALLABLE)}),
        },
        host={"type": "array", "items": _object(**_CALLABLE)},
    ),
    "WorkflowExamples": _object(
        items={"type": "array", "items": _object(name=_TEXT, title=_TEXT, summary=_TEXT, text=_SOURCE)}
    ),
    "ExpressionOrder": _object(
        "data",
        "variables",
        expression={**_TEXT, "description": "jq, with or without `${ }`."},
        data={"description": "What `.` is."},
        variables={**_TABLE, "description": "By their names, without `$`."},
    ),
    "ExpressionValue": _object(value={}),
    "WorkflowFault": _object(
        "title",
        "detail",
        type={**_TEXT, "description": "A URI."},
        status=_WHOLE,
        title=_TEXT,
        detail=_TEXT,
        instance={**_TEXT, "description": "The place where it came up."},
    ),
    "Run": _object(**_RUN),
    "Runs": _page("Run"),
    "RunOrder": _object(
        "input",
        "key",
        "wait_s",
        "number",
        input={},
        key={**_MAYBE_TEXT, "maxLength": 255, "description": "A second start with this key is the first one."},
        wait_s=_WAIT,
        number={"type": ["integer", "null"], "minimum": 1, "description": "A version; the newest one."},
    ),
    "TrialOrder": _object(
        "input",
        "from",
        "variables",
        "wait_s",
        text=_SOURCE,
        input={},
        variables={
            "type": ["object", "null"],
            "description": "Of loops around `from`, by the names of `each`; without, they are the input.",
        },
        wait_s=_WAIT,
        **{"from": {**_MAYBE_TEXT, "description": "Path of the task to begin with, in blocks or not."}},
    ),
    "RunStep": _object(
        "cut",
        seq={**_WHOLE, "description": "Counts from 1."},
        place=_PLACE,
        path={**_TEXT, "description": "Of the task in the document."},
        name=_TEXT,
        kind=_TEXT,
        status={"enum": _STEP_STATES},
        attempt=_WHOLE,
        at=_TIME,
        began_at=_TIME,
        input={},
        output={},
        fault=_FAULT,
        meta={**_TABLE, "description": "What it cost and who did it."},
        cut={**_FLAG, "description": "Long values are shortened here."},
    ),
    "RunSteps": _page("RunStep"),
    "RunOpen": _object(
        items={
            "type": "array",
            "items": _object(place=_PLACE, kind=_TEXT, name=_TEXT, attempt=_WHOLE, due_at=_MAYBE_TIME),
        }
    ),
    "RunRetry": _object(
        "place", place={**_MAYBE_TEXT, "description": "Where it goes on; else where it failed or was cut."}
    ),
    "RunFork": _object(
        "input", seq={"type": "integer", "minimum": 0, "description": "The last row taken over."}, input={}
    ),
    "RunAudit": _object(
        "fact",
        "seq",
        ok={**_FLAG, "description": "The hashes of all rows hold."},
        rows=_WHOLE,
        hash=_TEXT,
        record_seq={"type": ["integer", "null"], "description": "Its row in the host's record of changes."},
        fact={**_TEXT, "description": "What is wrong, where something is."},
        seq={"type": ["integer", "null"], "description": "The row where it is."},
    ),
    "Approval": _object(
        run=_TEXT,
        place=_PLACE,
        workflow=_TEXT,
        title=_TEXT,
        text=_TEXT,
        form={**_TABLE, "description": "JSON Schema of what is filled in; empty for nothing."},
        role={**_TEXT, "description": "The role that may decide."},
        deadline_at=_MAYBE_TIME,
        asked_at=_TIME,
    ),
    "Approvals": _page("Approval"),
    "Decision": _object("form", place=_PLACE, approve=_FLAG, form={"description": "What the form asks for."}),
    "CloudEvent": {
        "type": "object",
        "description": "CloudEvents 1.0, with extension attributes of 1 to 40 of a-z 0-9.",
        "properties": {
            "specversion": {"const": "1.0"},
            "id": {**_TEXT, "description": "With `source`: a second one of the same has no effect."},
            "source": {**_TEXT, "description": "A URI reference; not one of this host's, `omnicore:...`."},
            "type": _TEXT,
            "subject": _TEXT,
            "time": {**_TEXT, "format": "date-time"},
            "datacontenttype": _TEXT,
            "dataschema": _TEXT,
            "data": {},
            "data_base64": _TEXT,
        },
        "required": ["specversion", "id", "source", "type"],
    },
    "Published": _object(
        accepted={**_WHOLE, "description": "How many came."},
        new={**_WHOLE, "description": "How many of them had not come before."},
    ),
    "WorkflowExecution": _object("input", input={}),
    "WorkflowExecuted": _object(output={}, run={**_TEXT, "description": "Id of the run."}),
    "PlainWorkflow": _object(
        "document", id=_TEXT, name=_TEXT, description=_TEXT, version=_TEXT, enabled=_FLAG, document=_DOCUMENT
    ),
}
