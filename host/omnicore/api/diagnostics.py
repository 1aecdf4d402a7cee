"""Diagnostics to hand to somebody who helps: one file that holds no secret."""

from __future__ import annotations

import asyncio
import time

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import Operation, Reply
from omnicore.api.parts import parts_of
from omnicore.errors import Unavailable

__all__ = ["OPERATIONS"]

_ZIP = "application/zip"


async def diagnostics(request: Request) -> Response:
    """The file, made now; it is small, so it is held in memory."""
    make = parts_of(request).rooms.diagnostics
    if make is None:
        raise Unavailable("this host gathers no diagnostics", remedy="ask a host of `omnicore run`")
    data = await asyncio.to_thread(make)
    name = time.strftime("omnicore-diagnostics-%Y%m%d-%H%M%S.zip", time.gmtime())
    return Response(data, media_type=_ZIP, headers={"content-disposition": f'attachment; filename="{name}"'})


OPERATIONS = (
    Operation(
        *("GET", "/api/v1/diagnostics", diagnostics, "diagnostics", "Health, versions, logs, without secrets", "host"),
        replies={200: Reply("A ZIP of JSON and text files.", _ZIP, {"type": "string", "format": "binary"})},
        problems=(503,),
        needs=Role.admin,
    ),
)
