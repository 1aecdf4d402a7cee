"""OmniFlow's own paths: plugins as a plain list, and calls with JSON in and out."""

from __future__ import annotations

import asyncio
import base64
import binascii
from time import monotonic
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.exchange import Exchange
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_object
from omnicore.errors import InvalidInput
from omnicore.plugins.view import PluginView

__all__ = ["OPERATIONS"]


async def list_plain(request: Request) -> Response:
    """Every plugin, as a plain list."""
    views = await asyncio.to_thread(parts_of(request).host.list)
    return Json([_short(view) for view in views])


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
    output = await host.call(reference, _value(values.get("input")))
    return Json({"output": _shown(output)})


def _value(given: Any) -> Any:
    """The input; `{"base64": ...}` alone stands for bytes, as it does in the doors of plugins."""
    if not isinstance(given, dict) or given.keys() != {"base64"} or not isinstance(given["base64"], str):
        return given
    try:
        return base64.b64decode(given["base64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("input.base64 is no base64", remedy="correct it", path="input.base64") from error


def _shown(output: Any) -> Any:
    if not isinstance(output, bytes):
        return output
    try:
        return output.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(output).decode()}


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
    ),
)
