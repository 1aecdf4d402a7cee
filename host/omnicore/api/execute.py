"""OmniFlow's own paths: plugins as a plain list, and calls with JSON in and out."""

from __future__ import annotations

import asyncio
from time import monotonic
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.exchange import Exchange
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, read_object
from omnicore.errors import InvalidInput
from omnicore.plugins.json_calls import from_json, to_json
from omnicore.plugins.view import PluginView

__all__ = ["OPERATIONS"]


async def list_plain(request: Request) -> Response:
    """Every plugin, as a plain list."""
    principal = principal_of(request)
    views = await asyncio.to_thread(parts_of(request).host.list)
    return Json([_short(view) for view in views if principal.can_see(view.name)])


async def execute(request: Request) -> Response:
    """Calls a function with a JSON value; one that is not named must be the plugin's only one."""
    values = await read_object(request, allowed=frozenset({"input", "function"}))
    plugin, function = request.path_params["plugin"], values.get("function")
    if function is not None and not isinstance(function, str):
        raise InvalidInput("function is no name", remedy="send the function's name", path="function")
    host = parts_of(request).host
    reference = plugin if function is None else f"{plugin}.{function}"
    exchange: Exchange = request.scope["exchange"]
    exchange.waiting_since = monotonic()
    output = await host.call(reference, from_json(values.get("input")))
    return Json({"output": to_json(output)})


def _short(view: PluginView) -> dict[str, Any]:
    return {
        "id": view.name,
        "name": view.name,
        "version": view.version,
        "description": view.description,
        "state": view.state,
        "functions": [function.name for function in view.functions],
    }


OPERATIONS = (
    Operation(
        *(
            "GET",
            "/api/plugins",
            list_plain,
            "listPluginsPlain",
            "Lists plugins as OmniFlow does",
            "omniflow",
        ),
        replies={200: Reply("All plugins.", schema={"type": "array", "items": ref("PlainPlugin")})},
        needs=Role.nobody,
    ),
    Operation(
        *(
            "POST",
            "/api/plugins/{plugin}/execute",
            execute,
            "executePlugin",
            "Calls as OmniFlow does",
            "omniflow",
        ),
        replies={200: Reply("The output.", schema=ref("Executed"))},
        body={JSON: ref("Execution")},
        problems=(403, 404, 413, 422, 502, 503, 504),
        needs=Role.operator,
    ),
)
