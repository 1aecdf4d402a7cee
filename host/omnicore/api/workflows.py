"""Workflows: definitions with their versions."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.requests import Json, read_count, read_object, who
from omnicore.api.workflow_requests import (
    MOST_TEXT_BYTES,
    PAGE,
    read_cursor_text,
    read_text,
    service_of,
    workflow_of,
)
from omnicore.errors import InvalidInput, NotFound
from omnicore.workflows.view import Definition

__all__ = ["OPERATIONS"]

_LATEST = 10**9


async def list_workflows(request: Request) -> Response:
    """One page of workflows, by name."""
    limit, q = read_count(request, "limit", 50), request.query_params.get("q", "")
    if len(q) > 200 or "\0" in q:
        raise InvalidInput("q is too long, or no text", remedy="look for part of a name or title", path="q")
    page = await service_of(request).page(limit=limit, cursor=read_cursor_text(request), q=q)
    return Json({"items": [one.to_json(brief=True) for one in page.items], "next": page.next})


async def add_workflow(request: Request) -> Response:
    """Keeps a new workflow."""
    text = read_text(await read_object(request, allowed=frozenset({"text"})), "text")
    kept = await service_of(request).apply(text, by=who(request), new=True)
    return _shown(kept, 201, location=f"/api/v1/workflows/{kept.id}")


async def change_workflow(request: Request) -> Response:
    """Keeps another version of a workflow, or its first one."""
    values = await read_object(request, allowed=frozenset({"text", "digest"}))
    name, text, digest = workflow_of(request), read_text(values, "text"), _began_with(request, values)
    kept = await service_of(request).apply(text, by=who(request), digest=digest, workflow=name)
    return _shown(kept, 200)


async def show_workflow(request: Request) -> Response:
    """One workflow with its text."""
    return _shown(await service_of(request).get(workflow_of(request)), 200)


async def remove_workflow(request: Request) -> Response:
    """Removes a workflow."""
    await service_of(request).remove(workflow_of(request))
    return Response(status_code=204)


async def enable_workflow(request: Request) -> Response:
    """Lets triggers and people start it."""
    return _shown(await service_of(request).switch(workflow_of(request), on=True, by=who(request)), 200)


async def disable_workflow(request: Request) -> Response:
    """Keeps triggers and people from starting it."""
    return _shown(await service_of(request).switch(workflow_of(request), on=False, by=who(request)), 200)


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
    """What changed from one version to another."""
    first, last = (read_count(request, name, 0, most=_LATEST) for name in ("from", "to"))
    if not first or not last:
        raise InvalidInput("from and to are numbers of versions", remedy="see /versions", path="from")
    changes = await service_of(request).diff(workflow_of(request), first, last)
    return Json({"changes": [asdict(one) for one in changes]})


def _shown(found: Definition, status: int, **headers: str) -> Response:
    return Json(found.to_json(), status, {"etag": f'"{found.digest}"', **headers})


def _began_with(request: Request, values: Mapping[str, Any]) -> str | None:
    """The digest of the version that was edited, from the body or `If-Match`. Raises: InvalidInput."""
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


_TAG = "workflows"
_AT = "/api/v1/workflows/{workflow}"
_ONE = {200: Reply("The workflow.", schema=ref("Workflow"))}
OPERATIONS = (
    Operation(
        *("GET", "/api/v1/workflows", list_workflows, "listWorkflows", "Lists workflows", _TAG),
        replies={200: Reply("A page of workflows.", schema=ref("Workflows"))},
        query=(*PAGE, Query("q", {"type": "string"}, "Part of a name or a title")),
        problems=(422,),
    ),
    Operation(
        *("POST", "/api/v1/workflows", add_workflow, "addWorkflow", "Adds a workflow", _TAG),
        replies={201: Reply("The workflow, kept.", schema=ref("Workflow"))},
        body={JSON: ref("WorkflowText")},
        problems=(409, 413, 422),
        idempotent=True,
        body_bytes=MOST_TEXT_BYTES,
    ),
    Operation(*("GET", _AT, show_workflow, "showWorkflow", "Shows a workflow", _TAG), replies=_ONE, problems=(404,)),
    Operation(
        *("PUT", _AT, change_workflow, "changeWorkflow", "Keeps another version of a workflow", _TAG),
        replies=_ONE,
        body={JSON: ref("WorkflowChange")},
        problems=(404, 409, 413, 422),
        idempotent=True,
        body_bytes=MOST_TEXT_BYTES,
    ),
    Operation(
        *("DELETE", _AT, remove_workflow, "removeWorkflow", "Removes a workflow; its runs stay", _TAG),
        replies={204: Reply("It is gone.", None)},
        problems=(404,),
        idempotent=True,
    ),
    Operation(
        *("POST", f"{_AT}/enable", enable_workflow, "enableWorkflow", "Lets a workflow be started", _TAG),
        replies=_ONE,
        problems=(404,),
        idempotent=True,
    ),
    Operation(
        *("POST", f"{_AT}/disable", disable_workflow, "disableWorkflow", "Keeps a workflow from being started", _TAG),
        replies=_ONE,
        problems=(404,),
        idempotent=True,
    ),
    Operation(
        *(
            "GET",
            f"{_AT}/versions",
            list_workflow_versions,
            "listWorkflowVersions",
            "Lists a workflow's versions",
            _TAG,
        ),
        replies={200: Reply("All versions, the newest first.", schema=ref("WorkflowVersions"))},
        problems=(404,),
    ),
    Operation(
        *("GET", f"{_AT}/versions/{{number}}", show_workflow_version, "showWorkflowVersion", "Shows a version", _TAG),
        replies={200: Reply("The version with its text.", schema=ref("WorkflowVersion"))},
        problems=(404,),
    ),
    Operation(
        *("GET", f"{_AT}/diff", diff_workflow, "diffWorkflow", "Shows what changed between two versions", _TAG),
        replies={200: Reply("The changes.", schema=ref("WorkflowDiff"))},
        query=(
            Query("from", {"type": "integer", "minimum": 1}, "Number of the earlier version; needed"),
            Query("to", {"type": "integer", "minimum": 1}, "Number of the later version; needed"),
        ),
        problems=(404, 422),
    ),
)
