"""OmniFlow's own paths: plugins and workflows as plain lists, calls and runs with JSON in and out."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import TYPE_CHECKING, Annotated, Any

from omnicore import records
from omnicore.api.operation import MOST_ITEMS
from omnicore.api.parts import parts_of
from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, read_record, who
from omnicore.api.runs import MOST_WAIT_S, header_key
from omnicore.api.schema import FLAG, TABLE, TEXT, Schemas, object_of
from omnicore.api.workflows import service_of, workflow_of
from omnicore.errors import DeadlineExceeded, InvalidInput
from omnicore.plugins.call import from_json, to_json
from omnicore.plugins.view import PluginView, State
from omnicore.records import Meta, Record, schema
from omnicore.texts import read_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.requests import Request
    from starlette.responses import Response

    from omnicore.api.exchange import Exchange
    from omnicore.workflows.view import Definition


class PlainPlugin(Record, frozen=True):
    """A plugin as OmniFlow shows it."""

    id: str
    name: str
    version: str
    description: str
    state: State
    functions: tuple[str, ...]


class Execution(Record, frozen=True):
    """A call of a plugin."""

    input: Annotated[records.Json, Meta(description='A JSON value, or {"base64": ...} alone for bytes.')] = None
    function: Annotated[str | None, Meta(description="Needed when the plugin has several.")] = None


class WorkflowExecution(Record, frozen=True):
    """A run of a workflow."""

    input: records.Json = None


async def list_workflows_plain(request: Request) -> Response:
    """The first workflows by name."""
    page = await service_of(request).page(limit=MOST_ITEMS)
    return Json([_workflow_line(one) for one in page.items])


async def add_workflow_plain(request: Request) -> Response:
    """Stores a definition: OmniFlow's nodes, a document of our own, or `{"text": ...}`."""
    kept = await service_of(request).apply(await _definition(request), by=who(request))
    return Json({**_workflow_line(kept), "document": kept.document}, 201, {"location": f"/api/workflows/{kept.id}"})


async def show_workflow_plain(request: Request) -> Response:
    """One workflow."""
    found = await service_of(request).get(workflow_of(request))
    return Json({**_workflow_line(found), "document": found.document})


async def execute_workflow(request: Request) -> Response:
    """Runs a workflow and waits for its output. A longer run continues, and the answer holds its id."""
    order = await read_record(request, WorkflowExecution, "order")
    handle = await service_of(request).start(
        workflow_of(request), order.input, key=header_key(request), by=who(request)
    )
    try:
        with service_of(request).seats.taken() as seated:
            async with asyncio.timeout(MOST_WAIT_S if seated else 0):
                output = await handle
    except TimeoutError as error:
        raise DeadlineExceeded(
            f"the run takes longer than {MOST_WAIT_S:g} s and continues", remedy=f"see /api/v1/runs/{handle.id}"
        ) from error
    return Json({"output": output, "run": handle.id})


async def _definition(request: Request) -> str | Mapping[str, Any]:
    try:
        values = read_json((await request.body()).decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not JSON: {error}", remedy="send a JSON object") from error
    if not isinstance(values, dict):
        raise InvalidInput("the body is not a JSON object", remedy="send a JSON object", path="")
    text = values.get("text")
    return text if values.keys() == {"text"} and isinstance(text, str) else values


def _workflow_line(found: Definition) -> dict[str, Any]:
    return {
        "id": found.id,
        "name": found.title or found.name,
        "description": found.summary,
        "version": found.version,
        "enabled": found.enabled,
    }


async def list_plugins_plain(request: Request) -> Response:
    """Every plugin."""
    principal = principal_of(request)
    views = await asyncio.to_thread(parts_of(request).host.list)
    return Json([_plugin_line(view) for view in views if principal.can_see(view.name)])


async def execute_plugin(request: Request) -> Response:
    """Calls a function with a JSON value. Without a name the plugin's only function is called."""
    order, plugin = await read_record(request, Execution, "order"), request.path_params["plugin"]
    host = parts_of(request).host
    reference = plugin if order.function is None else f"{plugin}.{order.function}"
    exchange: Exchange = request.scope["exchange"]
    exchange.waiting_since = monotonic()
    output = await host.call(reference, from_json(order.input))
    return Json({"output": to_json(output)})


def _plugin_line(view: PluginView) -> dict[str, Any]:
    functions = tuple(function.name for function in view.functions)
    return PlainPlugin(view.name, view.name, view.version, view.description, view.state, functions).to_json()


SCHEMAS: Schemas = {
    "PlainPlugin": schema(PlainPlugin),
    "Execution": schema(Execution),
    "Executed": object_of(output={"description": 'A JSON value, text, or {"base64": ...} for bytes.'}),
    "WorkflowExecution": schema(WorkflowExecution),
    "WorkflowExecuted": object_of(output={}, run={**TEXT, "description": "Id of the run."}),
    "PlainWorkflow": object_of(
        "document",
        id=TEXT,
        name=TEXT,
        description=TEXT,
        version=TEXT,
        enabled=FLAG,
        document={**TABLE, "description": "The definition as plain JSON values."},
    ),
}
