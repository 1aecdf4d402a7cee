"""Grants: what a plugin asks for, what it was given, give and take back."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_object, who
from omnicore.errors import InvalidInput
from omnicore.plugins.view import PluginView

__all__ = ["OPERATIONS"]


async def list_grants(request: Request) -> Response:
    """What the plugin asks for and what it was granted."""
    view = await asyncio.to_thread(parts_of(request).host.get, request.path_params["plugin"])
    return Json(_grants(view))


async def give_grant(request: Request) -> Response:
    """Grants one capability, or without a name all that the plugin asks for."""
    values = await read_object(request, allowed=frozenset({"capability"}))
    capability = values.get("capability")
    if capability is not None and not isinstance(capability, str):
        raise InvalidInput(
            "capability is no name", remedy='send {"capability": "kv"}, or null for all', path="capability"
        )
    host = parts_of(request).host
    view = await asyncio.to_thread(host.grant, request.path_params["plugin"], capability, who=who(request))
    return Json(_grants(view))


async def take_grant(request: Request) -> Response:
    """Takes a grant back."""
    plugin, capability = request.path_params["plugin"], request.path_params["capability"]
    view = await asyncio.to_thread(parts_of(request).host.revoke, plugin, capability, who=who(request))
    return Json(_grants(view))


def _grants(view: PluginView) -> dict[str, object]:
    values = view.to_json()
    return {"state": view.state, "asked": values["asked"], "granted": values["granted"]}


_GRANTS = {200: Reply("What is asked and what is granted.", schema=ref("Grants"))}
OPERATIONS = (
    Operation(
        *("GET", "/api/v1/plugins/{plugin}/grants", list_grants, "listGrants", "Shows grants", "grants"),
        replies=_GRANTS,
        problems=(404,),
    ),
    Operation(
        *(
            "POST",
            "/api/v1/plugins/{plugin}/grants",
            give_grant,
            "giveGrant",
            "Grants a capability",
            "grants",
        ),
        replies=_GRANTS,
        body={JSON: ref("GrantOrder")},
        problems=(404, 409, 422),
        idempotent=True,
    ),
    Operation(
        "DELETE",
        *(
            "/api/v1/plugins/{plugin}/grants/{capability}",
            take_grant,
            "takeGrant",
            "Takes a grant back",
            "grants",
        ),
        replies=_GRANTS,
        problems=(404,),
        idempotent=True,
    ),
)
