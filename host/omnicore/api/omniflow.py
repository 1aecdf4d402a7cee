"""OmniFlow's own paths for workflows: a plain list, definitions in its node form, and runs with JSON in and out."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.requests import MOST_ITEMS, Json, read_object, who
from omnicore.api.run_starts import MOST_WAIT_S, header_key
from omnicore.api.workflow_requests import MOST_TEXT_BYTES, service_of, workflow_of
from omnicore.errors import DeadlineExceeded, InvalidInput
from omnicore.texts import read_json
from omnicore.workflows.view import Definition

__all__ = ["OPERATIONS"]


async def list_workflows_plain(request: Request) -> Response:
    """The first workflows by name, as a plain list."""
    page = await service_of(request).page(limit=MOST_ITEMS)
    return Json([_short(one) for one in page.items])


async def add_workflow_plain(request: Request) -> Response:
    """Keeps a definition: OmniFlow's nodes, a document of our own, or `{"text": ...}`."""
    kept = await service_of(request).apply(await _definition(request), by=who(request))
    return Json({**_short(kept), "document": kept.document}, 201, {"location": f"/api/workflows/{kept.id}"})


async def show_workflow_plain(request: Request) -> Response:
    """One workflow."""
    found = await service_of(request).get(workflow_of(request))
    return Json({**_short(found), "document": found.document})


async def execute_workflow(request: Request) -> Response:
    """Runs a workflow and waits for what it gives; a longer one goes on, and the answer names its run."""
    values = await read_object(request, allowed=frozenset({"input"}))
    handle = await service_of(request).start(
        workflow_of(request), values.get("input"), key=header_key(request), by=who(request)
    )
    try:
        with service_of(request).seats.taken() as seated:
            async with asyncio.timeout(MOST_WAIT_S if seated else 0):
                output = await handle
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"the run takes longer than {MOST_WAIT_S:g} s and goes on", remedy=f"see /api/v1/runs/{handle.id}"
        ) from error
    return Json({"output": output, "run": handle.id})


async def _definition(request: Request) -> str | Mapping[str, Any]:
    try:
        values = read_json((await request.body()).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is no JSON: {error}", remedy="send a JSON object") from error
    if not isinstance(values, dict):
        raise InvalidInput("the body is no JSON object", remedy="send a JSON object", path="")
    text = values.get("text")
    return text if values.keys() == {"text"} and isinstance(text, str) else values


def _short(found: Definition) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.title or found.name,
        "description": found.summary,
        "version": found.version,
        "enabled": found.enabled,
    }


_TAG = "omniflow"
_ONE = Reply("The workflow.", schema=ref("PlainWorkflow"))
OPERATIONS = (
    Operation(
        *(
            "GET",
            "/api/workflows",
            list_workflows_plain,
            "listWorkflowsPlain",
            "Lists workflows as OmniFlow does",
            _TAG,
        ),
        replies={200: Reply("Workflows.", schema={"type": "array", "items": ref("PlainWorkflow")})},
    ),
    Operation(
        *("POST", "/api/workflows", add_workflow_plain, "addWorkflowPlain", "Keeps a workflow as OmniFlow does", _TAG),
        replies={201: _ONE},
        body={JSON: {"type": "object"}},
        problems=(409, 413, 422),
        idempotent=True,
        body_bytes=MOST_TEXT_BYTES,
    ),
    Operation(
        *("GET", "/api/workflows/{workflow}", show_workflow_plain, "showWorkflowPlain", "Shows a workflow", _TAG),
        replies={200: _ONE},
        problems=(404,),
    ),
    Operation(
        *("POST", "/api/workflows/{workflow}/execute", execute_workflow, "executeWorkflow", "Runs a workflow", _TAG),
        replies={200: Reply("The output.", schema=ref("WorkflowExecuted"))},
        body={JSON: ref("WorkflowExecution")},
        problems=(404, 409, 413, 422, 502, 504),
        idempotent=True,
        needs=Role.operator,
    ),
)
