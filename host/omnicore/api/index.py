"""The way in: an index for who opens the root, and the OpenAPI document."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from omnicore import __version__
from omnicore.access.principal import Role
from omnicore.api.console import HOME
from omnicore.api.openapi import document
from omnicore.api.operation import Operation, Reply
from omnicore.api.parts import parts_of
from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, tagged

__all__ = ["OPERATIONS"]

_LINKS = {
    "console": HOME,
    "plugins": "/api/v1/plugins",
    "openapi": "/openapi.json",
    "events": "/ws",
    "health": "/healthz",
    "ready": "/readyz",
    "metrics": "/metrics",
}


async def index(request: Request) -> Response:
    """Where everything is; a browser is led to the console."""
    headers = {"vary": "accept"}
    if "text/html" in request.headers.get("accept", ""):
        return RedirectResponse(HOME, 303, headers)
    return Json({"name": "OmniCore", "version": __version__, "links": _LINKS}, headers=headers)


async def openapi(request: Request) -> Response:
    """The OpenAPI document, with a path for each function that can be called now."""
    principal = principal_of(request)
    found = await asyncio.to_thread(parts_of(request).host.list)
    views = [view for view in found if principal.can_see(view.name)]
    return tagged(request, await asyncio.to_thread(document, request.app.state.operations, views))


OPERATIONS = (
    Operation(
        *("GET", "/", index, "index", "Tells where everything is", "index"),
        replies={
            200: Reply("Names and paths.", schema={"type": "object"}),
            303: Reply("A browser is led to the console.", None),
        },
        needs=Role.nobody,
    ),
    Operation(
        *("GET", "/openapi.json", openapi, "openapi", "This document", "index"),
        replies={
            200: Reply("An OpenAPI 3.1 document.", schema={"type": "object"}),
            304: Reply("Not changed.", None),
        },
        needs=Role.nobody,
    ),
)
