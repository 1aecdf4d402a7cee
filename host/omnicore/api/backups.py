"""Backups: made while the host runs, and put back when it starts the next time."""

from __future__ import annotations

import asyncio
import math
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import FileResponse, Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.principals import principal_of
from omnicore.api.requests import Json, read_object
from omnicore.errors import InvalidInput, Unavailable
from omnicore.storage.backups import Backups

__all__ = ["OPERATIONS"]

_BINARY = "application/octet-stream"


def _backups(request: Request) -> Backups:
    backups = parts_of(request).rooms.backups
    if backups is None:
        raise Unavailable("this host keeps no backups", remedy="ask a host of `omnicore run`")
    return backups


async def list_backups(request: Request) -> Response:
    """All there are, newest first, and what waits to be restored."""
    return Json(asdict(await asyncio.to_thread(_backups(request).overview)))


async def make_backup(request: Request) -> Response:
    """Makes one; a large one goes on being made after the answer."""
    backups = _backups(request)
    wait_s = parts_of(request).settings.request_timeout_s / 2
    made = await asyncio.to_thread(backups.make, wait_s=wait_s)
    return Json(asdict(made), 201 if made.state == "ready" else 202)


async def download_backup(request: Request) -> Response:
    """The file, as it is read from the disk."""
    path = await asyncio.to_thread(_backups(request).path, request.path_params["backup"])
    # The deadline is for the host's own work; how long this takes is the line's doing, and one that stalls is dropped.
    request.scope["exchange"].due = math.inf
    return FileResponse(path, media_type=_BINARY, filename=path.name)


async def delete_backup(request: Request) -> Response:
    """Deletes one."""
    await asyncio.to_thread(_backups(request).delete, request.path_params["backup"])
    return Response(status_code=204)


async def restore_backup(request: Request) -> Response:
    """Notes that it is to be put back when the host starts the next time."""
    backups, name = _backups(request), request.path_params["backup"]
    order = await read_object(request, allowed=frozenset({"confirm"}))
    if order.get("confirm") != name:
        raise InvalidInput(
            "confirm is not the backup's name", remedy="send its name once more as confirm", path="confirm"
        )
    staged = await asyncio.to_thread(backups.stage, name, by=principal_of(request).name)
    return Json(asdict(staged), 202)


async def keep_data(request: Request) -> Response:
    """Takes a restore back that has not happened yet."""
    await asyncio.to_thread(_backups(request).unstage, request.path_params["backup"])
    return Response(status_code=204)


_PLACE = "/api/v1/backups/{backup}"

OPERATIONS = (
    Operation(
        *("GET", "/api/v1/backups", list_backups, "listBackups", "Lists the backups", "backups"),
        replies={200: Reply("All of them.", schema=ref("Backups"))},
        problems=(503,),
        needs=Role.admin,
    ),
    Operation(
        *("POST", "/api/v1/backups", make_backup, "makeBackup", "Makes a backup while the host runs", "backups"),
        replies={
            201: Reply("The backup.", schema=ref("Backup")),
            202: Reply("It is being made; the list tells when it is ready.", schema=ref("Backup")),
        },
        problems=(409, 503, 507),
        needs=Role.admin,
    ),
    Operation(
        *("GET", _PLACE, download_backup, "downloadBackup", "Downloads a backup", "backups"),
        replies={200: Reply("The file.", _BINARY, {"type": "string", "format": "binary"})},
        problems=(404, 503),
        needs=Role.admin,
    ),
    Operation(
        *("DELETE", _PLACE, delete_backup, "deleteBackup", "Deletes a backup", "backups"),
        replies={204: Reply("It is gone.", None)},
        problems=(404, 409, 503),
        needs=Role.admin,
    ),
    Operation(
        *("POST", f"{_PLACE}/restore", restore_backup, "restoreBackup", "Restores one at the next start", "backups"),
        replies={202: Reply("It is put back when the host starts the next time.", schema=ref("StagedRestore"))},
        body={JSON: ref("RestoreOrder")},
        problems=(404, 409, 422, 503, 507),
        needs=Role.admin,
    ),
    Operation(
        *("DELETE", f"{_PLACE}/restore", keep_data, "cancelRestore", "Takes a restore back", "backups"),
        replies={204: Reply("The data stays as it is.", None)},
        problems=(404, 503),
        needs=Role.admin,
    ),
)
