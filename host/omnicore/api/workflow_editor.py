"""What an editor of workflows asks: is this text right, what may be called, what does this expression give."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.requests import Json, read_object
from omnicore.api.workflow_requests import MOST_TEXT_BYTES, read_text, service_of
from omnicore.errors import InvalidInput
from omnicore.workflows.entries import Fault
from omnicore.workflows.shipped import shipped_examples

__all__ = ["OPERATIONS"]


async def validate_workflow(request: Request) -> Response:
    """What is wrong with a text."""
    text = read_text(await read_object(request, allowed=frozenset({"text"})), "text")
    problems, document = await service_of(request).validate(text)
    shown = [asdict(one) for one in problems]
    valid = document is not None and all(one["severity"] != "error" for one in shown)
    return Json({"valid": valid, "problems": shown, "document": document})


async def show_palette(request: Request) -> Response:
    """What a workflow may call."""
    return Json(await service_of(request).palette())


async def show_examples(request: Request) -> Response:
    """The workflows to begin from."""
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


_TAG = "workflows"
OPERATIONS = (
    Operation(
        *("POST", "/api/v1/workflows/validate", validate_workflow, "validateWorkflow", "Checks a text", _TAG),
        replies={200: Reply("What is wrong with it.", schema=ref("WorkflowChecked"))},
        body={JSON: ref("WorkflowText")},
        problems=(413, 422),
        needs=Role.operator,
        body_bytes=MOST_TEXT_BYTES,
    ),
    Operation(
        *("GET", "/api/v1/workflows/palette", show_palette, "showPalette", "Shows what workflows may call", _TAG),
        replies={200: Reply("Plugins, connectors and the host's own.", schema=ref("WorkflowPalette"))},
    ),
    Operation(
        *("GET", "/api/v1/workflows/examples", show_examples, "showExamples", "Shows workflows to begin from", _TAG),
        replies={200: Reply("By name.", schema=ref("WorkflowExamples"))},
    ),
    Operation(
        *("POST", "/api/v1/workflows/evaluate", evaluate_expression, "evaluateExpression", "Evaluates jq", _TAG),
        replies={200: Reply("The value.", schema=ref("ExpressionValue"))},
        body={JSON: ref("ExpressionOrder")},
        problems=(413, 422),
        needs=Role.operator,
    ),
)
