"""One plugin under care: its settings, and how it fares."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_object, who
from omnicore.errors import InvalidInput

__all__ = ["OPERATIONS"]


async def show_config(request: Request) -> Response:
    """The settings in force, and where each comes from."""
    config = await asyncio.to_thread(parts_of(request).host.config, request.path_params["plugin"])
    return Json(config.to_json())


async def set_config(request: Request) -> Response:
    """Stores settings; they hold from the next call on."""
    values = (await read_object(request, allowed=frozenset({"values"}))).get("values")
    if not isinstance(values, dict):
        raise InvalidInput("values is no object", remedy='send {"values": {...}}', path="values")
    host = parts_of(request).host
    config = await asyncio.to_thread(host.configure, request.path_params["plugin"], values, who=who(request))
    return Json(config.to_json())


async def show_status(request: Request) -> Response:
    """How the plugin fares now."""
    status = await asyncio.to_thread(parts_of(request).host.status, request.path_params["plugin"])
    return Json(status.to_json())


_AT = "/api/v1/plugins/{plugin}"
_CONFIG = {200: Reply("The settings in force.", schema=ref("PluginConfig"))}
OPERATIONS = (
    Operation(
        *("GET", f"{_AT}/config", show_config, "showPluginConfig", "Shows a plugin's settings", "plugins"),
        replies=_CONFIG,
        problems=(404,),
        needs=Role.operator,  # what a plugin is told may be nobody else's business
    ),
    Operation(
        *("PUT", f"{_AT}/config", set_config, "setPluginConfig", "Stores a plugin's settings", "plugins"),
        replies=_CONFIG,
        body={JSON: ref("PluginConfigOrder")},
        problems=(404, 409, 422),
        needs=Role.admin,
    ),
    Operation(
        *("GET", f"{_AT}/status", show_status, "showPluginStatus", "Shows how a plugin fares", "plugins"),
        replies={200: Reply("Breaker, sandboxes, calls, limits.", schema=ref("PluginStatus"))},
        problems=(404,),
    ),
)
