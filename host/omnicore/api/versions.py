"""Versions: those that are kept of a plugin, and the way back to one of them; an upgrade and what to do about it."""

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


async def list_versions(request: Request) -> Response:
    """Every version that is kept, the newest first."""
    found = await asyncio.to_thread(parts_of(request).host.versions, request.path_params["plugin"])
    return Json({"items": [version.to_json() for version in found]})


async def roll_back(request: Request) -> Response:
    """Puts an earlier version back into the folder."""
    values = await read_object(request, allowed=frozenset({"hash"}))
    wanted = values.get("hash")
    if not isinstance(wanted, str):
        raise InvalidInput("hash names no version", remedy='send {"hash": "..."} with one of /versions', path="hash")
    host = parts_of(request).host
    view = await asyncio.to_thread(host.rollback, request.path_params["plugin"], wanted, who=who(request))
    return Json(view.to_json())


async def show_upgrade(request: Request) -> Response:
    """What is different between the version that serves and the one in the folder."""
    upgrade = await asyncio.to_thread(parts_of(request).host.upgrade, request.path_params["plugin"])
    return Json(upgrade.to_json())


async def decide_upgrade(request: Request) -> Response:
    """Approves the version that waits, or keeps the one that serves."""
    values = await read_object(request, allowed=frozenset({"decision"}))
    host = parts_of(request).host
    choices = {"approve": host.approve, "keep": host.keep}
    decision = values.get("decision")
    if not isinstance(decision, str) or decision not in choices:
        raise InvalidInput(
            "decision is neither approve nor keep", remedy='send {"decision": "approve"}', path="decision"
        )
    view = await asyncio.to_thread(choices[decision], request.path_params["plugin"], who=who(request))
    return Json(view.to_json())


_AT = "/api/v1/plugins/{plugin}"
_PLUGIN = {200: Reply("The plugin.", schema=ref("Plugin"))}
OPERATIONS = (
    Operation(
        *("GET", f"{_AT}/versions", list_versions, "listVersions", "Lists the versions that are kept", "plugins"),
        replies={200: Reply("Its versions, the newest first.", schema=ref("Versions"))},
        problems=(404,),
    ),
    Operation(
        *("POST", f"{_AT}/rollback", roll_back, "rollBack", "Goes back to an earlier version", "plugins"),
        replies=_PLUGIN,
        body={JSON: ref("RollbackOrder")},
        problems=(404, 409, 422, 507),
        idempotent=True,
        needs=Role.admin,
    ),
    Operation(
        *("GET", f"{_AT}/upgrade", show_upgrade, "showUpgrade", "Shows what a newer version changes", "plugins"),
        replies={200: Reply("The whole difference.", schema=ref("Upgrade"))},
        problems=(404,),
    ),
    Operation(
        *("POST", f"{_AT}/upgrade", decide_upgrade, "decideUpgrade", "Approves a newer version or not", "plugins"),
        replies=_PLUGIN,
        body={JSON: ref("UpgradeOrder")},
        problems=(404, 409, 422),
        idempotent=True,
        needs=Role.admin,
    ),
)
