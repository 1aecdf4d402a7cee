"""Workflows: definitions, versions, and the questions of an editor."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

from starlette.responses import Response

from omnicore.api.operation import ref
from omnicore.api.parts import parts_of
from omnicore.api.principals import principal_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.requests import Json, read_count, read_object, who
from omnicore.api.schema import (
    FLAG,
    MAYBE_TEXT,
    MAYBE_TIME,
    TABLE,
    TEXT,
    TIME,
    WHOLE,
    Schemas,
    list_of,
    object_of,
    page_of,
)
from omnicore.errors import InvalidInput, NotFound, Unavailable
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.sources import shipped_examples

if TYPE_CHECKING:
    from starlette.requests import Request

    from omnicore.workflows.service import Workflows
    from omnicore.workflows.view import Definition, Page

__all__ = [
    "RUN_STATES",
    "SCHEMAS",
    "add_workflow",
    "change_workflow",
    "diff_workflow",
    "disable_workflow",
    "enable_workflow",
    "evaluate_expression",
    "list_workflow_versions",
    "list_workflows",
    "page_reply",
    "read_cursor_text",
    "read_text",
    "remove_workflow",
    "role_of",
    "run_of",
    "service_of",
    "show_examples",
    "show_palette",
    "show_workflow",
    "show_workflow_version",
    "validate_workflow",
    "workflow_of",
]


_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,126}[A-Za-z0-9])?")
_RUN = re.compile(r"[A-Za-z0-9_-]{1,80}")
_CURSOR = re.compile(r"[\x21-\x7e]{0,8000}")  # of approvals they hold a place, which names tasks


def service_of(request: Request) -> Workflows:
    """The host's workflows. Raises: Unavailable: it has none."""
    service = parts_of(request).rooms.workflows
    if service is None:
        raise Unavailable("this host runs no workflows", remedy="ask a host that does")
    return service


def workflow_of(request: Request) -> str:
    """The workflow that a path names. Raises: NotFound: the name is invalid."""
    name: str = request.path_params["workflow"]
    if not _NAME.fullmatch(name):
        raise NotFound(f"there is no workflow {_shown(name)}", remedy="see /api/v1/workflows")
    return name


def role_of(request: Request) -> str:
    """The role of the caller, as approvals and rights name it."""
    return principal_of(request).role.name


def run_of(request: Request) -> str:
    """The run that a path names. Raises: NotFound: the id is invalid."""
    run: str = request.path_params["run"]
    if not _RUN.fullmatch(run):
        raise NotFound(f"there is no run {_shown(run)}", remedy="see /api/v1/runs")
    return run


def read_cursor_text(request: Request) -> str:
    """The cursor of a list. Raises: InvalidInput: it is not one of ours."""
    cursor = request.query_params.get("cursor", "")
    if not _CURSOR.fullmatch(cursor):
        raise InvalidInput("the cursor is not one of ours", remedy="pass `next` of the page before", path="cursor")
    return cursor


def read_text(values: dict[str, Any], name: str, default: str | None = None) -> str:
    """A text member. Raises: InvalidInput."""
    value = values.get(name)
    if value is None and default is not None:
        return default
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{name} is missing or no text", remedy=f'send {{"{name}": "..."}}', path=name)
    return value


def page_reply(page: Page) -> Json:
    """A page of views."""
    return Json(page.to_json())


def _shown(name: str) -> str:
    return ascii(name[:80])


_LATEST = 10**9


async def list_workflows(request: Request) -> Response:
    """One page of workflows, by name."""
    limit, q = read_count(request, "limit", 50), request.query_params.get("q", "")
    if len(q) > 200 or "\0" in q:
        raise InvalidInput("q is too long, or no text", remedy="look for part of a name or title", path="q")
    page = await service_of(request).page(limit=limit, cursor=read_cursor_text(request), q=q)
    return Json({"items": [one.to_json(brief=True) for one in page.items], "next": page.next})


async def add_workflow(request: Request) -> Response:
    """Stores a new workflow."""
    text = read_text(await read_object(request, allowed=frozenset({"text"})), "text")
    kept = await service_of(request).apply(text, by=who(request), new=True)
    return _document(kept, 201, location=f"/api/v1/workflows/{kept.id}")


async def change_workflow(request: Request) -> Response:
    """Stores another version of a workflow, or its first one."""
    values = await read_object(request, allowed=frozenset({"text", "digest"}))
    name, text, digest = workflow_of(request), read_text(values, "text"), _began_with(request, values)
    kept = await service_of(request).apply(text, by=who(request), digest=digest, workflow=name)
    return _document(kept, 200)


async def show_workflow(request: Request) -> Response:
    """One workflow with its text, as it stands or as an earlier version."""
    number = read_count(request, "number", 0, most=_LATEST) or None
    return _document(await service_of(request).get(workflow_of(request), number), 200)


async def remove_workflow(request: Request) -> Response:
    """Removes a workflow."""
    await service_of(request).remove(workflow_of(request))
    return Response(status_code=204)


async def enable_workflow(request: Request) -> Response:
    """Allows a workflow to be started."""
    return _document(await service_of(request).switch(workflow_of(request), on=True, by=who(request)), 200)


async def disable_workflow(request: Request) -> Response:
    """Prevents a workflow from being started."""
    return _document(await service_of(request).switch(workflow_of(request), on=False, by=who(request)), 200)


async def list_workflow_versions(request: Request) -> Response:
    """All versions, the newest first."""
    found = await service_of(request).versions(workflow_of(request))
    return Json({"items": [one.to_json() for one in found]})


async def show_workflow_version(request: Request) -> Response:
    """One version with its text."""
    number = _number(request.path_params["number"])
    found = await service_of(request).get(workflow_of(request), number)
    return Json(
        {
            "workflow": found.id,
            "number": found.number,
            "digest": found.digest,
            "created_at": found.changed_at,
            "created_by": found.changed_by,
            "text": found.text,
            "document": found.document,
        }
    )


async def diff_workflow(request: Request) -> Response:
    """Changes between two versions."""
    first, last = (read_count(request, name, 0, most=_LATEST) for name in ("from", "to"))
    if not first or not last:
        raise InvalidInput("from and to are numbers of versions", remedy="see /versions", path="from")
    changes = await service_of(request).diff(workflow_of(request), first, last)
    return Json({"changes": [asdict(one) for one in changes]})


def _document(found: Definition, status: int, **headers: str) -> Response:
    return Json(found.to_json(), status, {"etag": f'"{found.digest}"', **headers})


def _began_with(request: Request, values: Mapping[str, Any]) -> str | None:
    """The digest of the edited version, from the body or `If-Match`. Raises: InvalidInput."""
    given = values.get("digest")
    if given is None:
        tag = request.headers.get("if-match", "*").strip()
        return None if tag == "*" else tag.removeprefix("W/").strip('"')
    if not isinstance(given, str):
        raise InvalidInput("digest is no text", remedy="send that of the version you began with", path="digest")
    return given


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < len(text) < 10:
        return int(text)
    raise NotFound(f"there is no version {text[:80]!a}", remedy="see /versions")


async def validate_workflow(request: Request) -> Response:
    """Problems of a text."""
    text = read_text(await read_object(request, allowed=frozenset({"text"})), "text")
    problems, document = await service_of(request).validate(text)
    shown = [asdict(one) for one in problems]
    valid = document is not None and all(one["severity"] != "error" for one in shown)
    return Json({"valid": valid, "problems": shown, "document": document})


async def show_palette(request: Request) -> Response:
    """Everything that a workflow may call."""
    return Json(await service_of(request).palette())


async def show_examples(request: Request) -> Response:
    """Workflows to start from."""
    found = await asyncio.to_thread(shipped_examples)
    return Json({"items": [asdict(one) for one in found]})


async def evaluate_expression(request: Request) -> Response:
    """The value of an expression."""
    values = await read_object(request, allowed=frozenset({"expression", "data", "variables"}))
    variables = values.get("variables")
    if variables is not None and not isinstance(variables, Mapping):
        raise InvalidInput("variables is no object", remedy='send {"variables": {"input": ...}}', path="variables")
    expression = read_text(values, "expression")
    try:
        value = await service_of(request).evaluate(expression, values.get("data"), variables)
    except Fault as fault:
        raise RefusalError(
            Problem(422, "expression-failed", fault.detail or fault.title, "correct the expression or its data")
        ) from fault
    return Json({"value": value})


RUN_STATES = ("pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled")

_SOURCE = {**TEXT, "description": "YAML or JSON, as it was written."}
_DOCUMENT = {**TABLE, "description": "The definition as plain JSON values."}
_PLACE = {
    **TEXT,
    "description": "One occurrence of a task: its path with rounds and visits, `/do/1/each/for/3/do/0/send`.",
}
_SCHEMA = {"type": ["object", "null"], "description": "JSON Schema; null where none is known."}
_STEP_STATES = ["completed", "faulted", "skipped", "retried", "fired", "received", "cancelled"]
_STATUS = {"enum": list(RUN_STATES)}
_WAIT = {"type": "number", "minimum": 0, "maximum": 60, "description": "Seconds to wait for the end; it goes on after."}
_FAULT = {"anyOf": [ref("WorkflowFault"), {"type": "null"}]}


_WORKFLOW: Schemas = {
    "id": {**TEXT, "description": "`name`, or `namespace.name` outside of `default`."},
    "name": TEXT,
    "namespace": TEXT,
    "title": TEXT,
    "summary": TEXT,
    "version": {**TEXT, "description": "As its document says."},
    "number": {**WHOLE, "description": "Counts the versions that were kept, from 1."},
    "digest": {**TEXT, "description": "SHA-256 of the document; runs keep to it."},
    "enabled": FLAG,
    "triggers": list_of("WorkflowTrigger"),
    "changed_at": TIME,
    "changed_by": TEXT,
}
_RUN_MEMBERS: Schemas = {
    "id": TEXT,
    "workflow": TEXT,
    "number": {"type": ["integer", "null"], "description": "The version; null for a trial."},
    "digest": TEXT,
    "status": _STATUS,
    "trigger": {**TABLE, "description": "What began it: its `kind`, and what belongs to that."},
    "by": TEXT,
    "created_at": TIME,
    "started_at": MAYBE_TIME,
    "ended_at": MAYBE_TIME,
    "due_at": {**MAYBE_TIME, "description": "When a waiting one goes on by itself."},
    "priority": {"type": "integer", "minimum": 0, "maximum": 9},
    "input": {},
    "output": {},
    "fault": _FAULT,
    "parent": {**MAYBE_TEXT, "description": "The run that began it."},
    "forked_from": {**MAYBE_TEXT, "description": "The run whose rows it began with."},
    "steps": {**WHOLE, "description": "Rows of its journal."},
    "hash": {**TEXT, "description": "Of the last row and so of all."},
    "trial": {**FLAG, "description": "Of a text that was not applied."},
}
_CALLABLE: Schemas = {
    "ref": {**TEXT, "description": "What `call` names."},
    "description": TEXT,
    "input": _SCHEMA,
}

SCHEMAS: Schemas = {
    "WorkflowTrigger": object_of(
        kind=TEXT, about={**TEXT, "description": "In words."}, next_at={**MAYBE_TIME, "description": "Of schedules."}
    ),
    "Workflow": object_of(**_WORKFLOW, text=_SOURCE, document=_DOCUMENT),
    "WorkflowLine": object_of(
        **_WORKFLOW,
        last_run={
            "anyOf": [object_of(id=TEXT, status=_STATUS, at=TIME), {"type": "null"}],
            "description": "The newest one.",
        },
    ),
    "Workflows": page_of("WorkflowLine"),
    "WorkflowText": object_of(text=_SOURCE),
    "WorkflowChange": object_of(
        "digest",
        text=_SOURCE,
        digest={**TEXT, "description": "The version that was edited; refused when it is stale."},
    ),
    "WorkflowVersion": object_of(
        workflow=TEXT,
        number=WHOLE,
        digest=TEXT,
        created_at=TIME,
        created_by=TEXT,
        text=_SOURCE,
        document=_DOCUMENT,
    ),
    "WorkflowVersions": object_of(
        items={
            "type": "array",
            "items": object_of(workflow=TEXT, number=WHOLE, digest=TEXT, created_at=TIME, created_by=TEXT),
        }
    ),
    "WorkflowDiff": object_of(
        changes={
            "type": "array",
            "items": object_of(
                "before",
                "after",
                kind={"enum": ["added", "removed", "changed", "moved"]},
                path={**TEXT, "description": "JSON pointer into the document."},
                before={},
                after={},
            ),
        }
    ),
    "WorkflowProblem": object_of(
        path={**TEXT, "description": "JSON pointer into the document."},
        line={**WHOLE, "description": "From 1; 0 when unknown."},
        column={**WHOLE, "description": "From 1; 0 when unknown."},
        fact=TEXT,
        remedy=TEXT,
        severity={"enum": ["error", "warning"]},
    ),
    "WorkflowChecked": object_of(
        valid=FLAG,
        problems=list_of("WorkflowProblem"),
        document={"type": ["object", "null"], "description": "If readable."},
    ),
    "WorkflowPalette": object_of(
        plugins={
            "type": "array",
            "items": object_of(
                plugin=TEXT,
                title=TEXT,
                state={**TEXT, "description": "As of the plugin; only an enabled one answers."},
                functions={"type": "array", "items": object_of(**_CALLABLE, title=TEXT, output=_SCHEMA)},
            ),
        },
        connectors={
            "type": "array",
            "items": object_of(connector=TEXT, kind=TEXT, actions={"type": "array", "items": object_of(**_CALLABLE)}),
        },
        host={"type": "array", "items": object_of(**_CALLABLE)},
    ),
    "WorkflowExamples": object_of(
        items={"type": "array", "items": object_of(name=TEXT, title=TEXT, summary=TEXT, text=_SOURCE)}
    ),
    "ExpressionOrder": object_of(
        "data",
        "variables",
        expression={**TEXT, "description": "jq, with or without `${ }`."},
        data={"description": "What `.` is."},
        variables={**TABLE, "description": "By their names, without `$`."},
    ),
    "ExpressionValue": object_of(value={}),
    "WorkflowFault": object_of(
        "title",
        "detail",
        type={**TEXT, "description": "A URI."},
        status=WHOLE,
        title=TEXT,
        detail=TEXT,
        instance={**TEXT, "description": "The place where it came up."},
    ),
    "Run": object_of(**_RUN_MEMBERS),
    "Runs": page_of("Run"),
    "RunOrder": object_of(
        "input",
        "key",
        "wait_s",
        "number",
        "priority",
        input={},
        key={**MAYBE_TEXT, "maxLength": 255, "description": "A second start with this key is the first one."},
        wait_s=_WAIT,
        number={"type": ["integer", "null"], "minimum": 1, "description": "A version; the newest one."},
        priority={
            "type": ["integer", "null"],
            "minimum": 0,
            "maximum": 9,
            "description": "Higher ones first; default: that of the workflow.",
        },
    ),
    "TrialOrder": object_of(
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
        **{"from": {**MAYBE_TEXT, "description": "Path of the task to begin with, in blocks or not."}},
    ),
    "RunStep": object_of(
        "cut",
        seq={**WHOLE, "description": "Counts from 1."},
        place=_PLACE,
        path={**TEXT, "description": "Of the task in the document."},
        name=TEXT,
        kind=TEXT,
        status={"enum": _STEP_STATES},
        attempt=WHOLE,
        at=TIME,
        began_at=TIME,
        input={},
        output={},
        fault=_FAULT,
        meta={**TABLE, "description": "What it cost and who did it."},
        cut={**FLAG, "description": "Long values are shortened here."},
    ),
    "RunSteps": page_of("RunStep"),
    "RunOpen": object_of(
        items={
            "type": "array",
            "items": object_of(place=_PLACE, kind=TEXT, name=TEXT, attempt=WHOLE, due_at=MAYBE_TIME),
        }
    ),
    "RunRetry": object_of(
        "place", place={**MAYBE_TEXT, "description": "Where it goes on; else where it failed or was cut."}
    ),
    "RunFork": object_of(
        "input", seq={"type": "integer", "minimum": 0, "description": "The last row taken over."}, input={}
    ),
    "RunAudit": object_of(
        "fact",
        "seq",
        ok={**FLAG, "description": "The hashes of all rows hold."},
        rows=WHOLE,
        hash=TEXT,
        record_seq={"type": ["integer", "null"], "description": "Its row in the host's record of changes."},
        fact={**TEXT, "description": "What is wrong, where something is."},
        seq={"type": ["integer", "null"], "description": "The row where it is."},
    ),
    "Approval": object_of(
        run=TEXT,
        place=_PLACE,
        workflow=TEXT,
        title=TEXT,
        text=TEXT,
        form={**TABLE, "description": "JSON Schema of what is filled in; empty for nothing."},
        role={**TEXT, "description": "The role that may decide."},
        deadline_at=MAYBE_TIME,
        asked_at=TIME,
    ),
    "Approvals": page_of("Approval"),
    "Decision": object_of("form", place=_PLACE, approve=FLAG, form={"description": "What the form asks for."}),
}
