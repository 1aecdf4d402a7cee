"""Workflows: definitions, versions, and the questions of an editor."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

from starlette.responses import Response

from omnicore.api.parts import parts_of
from omnicore.api.principals import principal_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.requests import Json, read_count, read_object, who
from omnicore.api.schema import FLAG, TEXT, Schemas, list_of, object_of, page_of
from omnicore.errors import InvalidInput, NotFound, Unavailable
from omnicore.records import Json as JsonValue
from omnicore.records import Meta, Record, decode, field, schema
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.edits import Difference
from omnicore.workflows.language.sources import Example, shipped_examples
from omnicore.workflows.language.text import Diagnostic
from omnicore.workflows.view import Definition, WorkflowTrigger, WorkflowVersion

if TYPE_CHECKING:
    from starlette.requests import Request

    from omnicore.workflows.service import Workflows
    from omnicore.workflows.view import Page


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
        raise InvalidInput("the cursor is invalid", remedy="pass `next` of the page before", path="cursor")
    return cursor


def check_text(value: Any, name: str) -> str:
    """A text of a body that its own reader checks further. Raises: InvalidInput."""
    if not isinstance(value, str) or not value.strip():
        raise InvalidInput(f"{name} is missing or not text", remedy=f'send {{"{name}": "..."}}', path=name)
    return value


def page_reply(page: Page) -> Json:
    """A page of views."""
    return Json(page.to_json())


def _shown(name: str) -> str:
    return ascii(name[:80])


SourceMember: TypeAlias = Annotated[
    Any, Meta(extra_json_schema={"type": "string", "description": "YAML or JSON, as it was written."})
]
"""Checked by the reader of workflows, which reports what is wrong by line."""


class WorkflowText(Record, frozen=True):
    """The text of a workflow."""

    text: SourceMember


class WorkflowChange(WorkflowText, frozen=True):
    """Another version of a workflow."""

    digest: Annotated[str | None, Meta(description="The version that was edited; refused when it is stale.")] = None


class ExpressionOrder(Record, frozen=True):
    """An expression to evaluate."""

    expression: Annotated[Any, Meta(extra_json_schema={"type": "string", "description": "jq, with or without `${ }`."})]
    data: Annotated[JsonValue, Meta(description="What `.` is.")] = None
    variables: Annotated[Mapping[str, Any], Meta(description="By their names, without `$`.")] = field(
        default_factory=dict
    )


_LATEST = 10**9


async def list_workflows(request: Request) -> Response:
    """One page of workflows, by name."""
    limit, q = read_count(request, "limit", 50), request.query_params.get("q", "")
    if len(q) > 200 or "\0" in q:
        raise InvalidInput("q is too long, or not text", remedy="look for part of a name or title", path="q")
    page = await service_of(request).page(limit=limit, cursor=read_cursor_text(request), q=q)
    return Json({"items": [one.to_json(brief=True) for one in page.items], "next": page.next})


async def add_workflow(request: Request) -> Response:
    """Stores a new workflow."""
    text = await _text_of(request)
    kept = await service_of(request).apply(text, by=who(request), new=True)
    return _document(kept, 201, location=f"/api/v1/workflows/{kept.id}")


async def change_workflow(request: Request) -> Response:
    """Stores another version of a workflow, or its first one."""
    order = decode(WorkflowChange, await read_object(request, allowed=frozenset({"text", "digest"})), "workflow")
    name, text, digest = workflow_of(request), check_text(order.text, "text"), order.digest or _etag(request)
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
    return Json((await service_of(request).version(workflow_of(request), number)).to_json())


async def diff_workflow(request: Request) -> Response:
    """Changes between two versions."""
    first, last = (read_count(request, name, 0, most=_LATEST) for name in ("from", "to"))
    if not first or not last:
        raise InvalidInput("from and to must be numbers of versions", remedy="see /versions", path="from")
    changes = await service_of(request).diff(workflow_of(request), first, last)
    return Json({"changes": [one.to_json() for one in changes]})


def _document(found: Definition, status: int, **headers: str) -> Response:
    return Json(found.to_json(), status, {"etag": f'"{found.digest}"', **headers})


def _etag(request: Request) -> str | None:
    """The digest of the edited version, from `If-Match`."""
    tag = request.headers.get("if-match", "*").strip()
    return None if tag == "*" else tag.removeprefix("W/").strip('"')


async def _text_of(request: Request) -> str:
    values = await read_object(request, allowed=frozenset({"text"}))
    return check_text(decode(WorkflowText, values, "workflow").text, "text")


def _number(text: str) -> int:
    if text.isascii() and text.isdigit() and 0 < len(text) < 10:
        return int(text)
    raise NotFound(f"there is no version {text[:80]!a}", remedy="see /versions")


async def validate_workflow(request: Request) -> Response:
    """Problems of a text."""
    problems, document = await service_of(request).validate(await _text_of(request))
    shown = [one.to_json() for one in problems]
    valid = document is not None and all(one["severity"] != "error" for one in shown)
    return Json({"valid": valid, "problems": shown, "document": document})


async def show_palette(request: Request) -> Response:
    """Everything that a workflow may call."""
    return Json(await service_of(request).palette())


async def show_examples(request: Request) -> Response:
    """Workflows to start from."""
    found = await asyncio.to_thread(shipped_examples)
    return Json({"items": [one.to_json() for one in found]})


async def evaluate_expression(request: Request) -> Response:
    """The value of an expression."""
    values = await read_object(request, allowed=frozenset({"expression", "data", "variables"}))
    order = decode(ExpressionOrder, values, "expression")
    expression = check_text(order.expression, "expression")
    try:
        value = await service_of(request).evaluate(expression, order.data, order.variables)
    except Fault as fault:
        raise RefusalError(
            Problem(422, "expression-failed", fault.detail or fault.title, "correct the expression or its data")
        ) from fault
    return Json({"value": value})


_SCHEMA = {"type": ["object", "null"], "description": "JSON Schema; null where none is known."}
_CALLABLE: Schemas = {
    "ref": {**TEXT, "description": "What `call` names."},
    "description": TEXT,
    "input": _SCHEMA,
}


def _without(record: type[Record], *names: str) -> dict[str, Any]:
    """The schema of a record as it is shown, but for some members."""
    found = schema(record, shown=True)
    members = {name: one for name, one in found["properties"].items() if name not in names}
    return object_of(**members)


SCHEMAS: Schemas = {
    "WorkflowTrigger": schema(WorkflowTrigger, shown=True),
    "Workflow": _without(Definition, "last_run"),
    "WorkflowLine": _without(Definition, "text", "document", "same_version_as"),
    "Workflows": page_of("WorkflowLine"),
    "WorkflowText": schema(WorkflowText),
    "WorkflowChange": schema(WorkflowChange),
    "WorkflowVersion": object_of(
        **_without(WorkflowVersion, "document")["properties"], document=schema(Definition)["properties"]["document"]
    ),
    "WorkflowVersions": object_of(items=list_of(_without(WorkflowVersion, "text", "document"))),
    "WorkflowDiff": object_of(changes=list_of(schema(Difference))),
    "WorkflowProblem": schema(Diagnostic, shown=True),
    "WorkflowChecked": object_of(
        valid=FLAG,
        problems=list_of("WorkflowProblem"),
        document={"type": ["object", "null"], "description": "If readable."},
    ),
    "WorkflowPalette": object_of(
        plugins=list_of(
            object_of(
                plugin=TEXT,
                title=TEXT,
                state={**TEXT, "description": "As of the plugin; only an enabled one answers."},
                functions=list_of(object_of(**_CALLABLE, title=TEXT, output=_SCHEMA)),
            )
        ),
        connectors=list_of(object_of(connector=TEXT, kind=TEXT, actions=list_of(object_of(**_CALLABLE)))),
        host=list_of(object_of(**_CALLABLE)),
    ),
    "WorkflowExamples": object_of(items=list_of(schema(Example))),
    "ExpressionOrder": schema(ExpressionOrder),
    "ExpressionValue": object_of(value={}),
}
