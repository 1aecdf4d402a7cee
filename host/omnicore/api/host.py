"""The machine: what runs where, since when, and what is known against its engines."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json
from omnicore.errors import Unavailable

__all__ = ["OPERATIONS"]


async def show_host(request: Request) -> Response:
    """What the host is and where it runs."""
    about = parts_of(request).rooms.about
    if about is None:
        raise Unavailable("this host does not tell where it runs", remedy="ask a host of `omnicore run`")
    return Json(await asyncio.to_thread(about))


OPERATIONS = (
    Operation(
        *("GET", "/api/v1/host", show_host, "showHost", "Tells what the host is and where it runs", "host"),
        replies={200: Reply("Versions, folders, engines and their advisories.", schema=ref("Host"))},
        problems=(503,),
        needs=Role.viewer,
    ),
)
