"""Settings: what holds and why, and what the console sets over it."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import Json, read_object
from omnicore.config.desk import SettingsDesk
from omnicore.errors import InvalidInput, Unavailable

__all__ = ["OPERATIONS"]


def _desk(request: Request) -> SettingsDesk:
    desk = parts_of(request).rooms.settings
    if desk is None:
        raise Unavailable("this host's settings are held by another program", remedy="ask a host of `omnicore run`")
    return desk


async def list_settings(request: Request) -> Response:
    """Every setting; secrets are masked."""
    items = await asyncio.to_thread(_desk(request).items)
    return Json({"items": [asdict(item) for item in items], "waiting": any(item.waiting for item in items)})


async def show_setting(request: Request) -> Response:
    """One of them."""
    return Json(asdict(await asyncio.to_thread(_desk(request).item, request.path_params["setting"])))


async def set_setting(request: Request) -> Response:
    """Sets one over the settings file."""
    desk = _desk(request)
    order = await read_object(request, allowed=frozenset({"value"}))
    if "value" not in order:
        raise InvalidInput("the body has no value", remedy='send {"value": ...}', path="value")
    item = await asyncio.to_thread(desk.set, request.path_params["setting"], order["value"])
    return Json(asdict(item))


async def unset_setting(request: Request) -> Response:
    """Takes back what was set, so that file and default hold again."""
    item = await asyncio.to_thread(_desk(request).unset, request.path_params["setting"])
    return Json(asdict(item))


_ONE = {200: Reply("The setting as it is now.", schema=ref("Setting"))}

OPERATIONS = (
    Operation(
        *("GET", "/api/v1/settings", list_settings, "listSettings", "Lists the settings and their origins", "settings"),
        replies={200: Reply("All of them.", schema=ref("Settings"))},
        problems=(422, 503),
        needs=Role.admin,
    ),
    Operation(
        *("GET", "/api/v1/settings/{setting}", show_setting, "showSetting", "Shows a setting", "settings"),
        replies=_ONE,
        problems=(404, 422, 503),
        needs=Role.admin,
    ),
    Operation(
        *("PUT", "/api/v1/settings/{setting}", set_setting, "setSetting", "Sets a setting", "settings"),
        replies=_ONE,
        body={JSON: ref("SettingOrder")},
        problems=(404, 409, 422, 503, 507),
        needs=Role.admin,
    ),
    Operation(
        *("DELETE", "/api/v1/settings/{setting}", unset_setting, "unsetSetting", "Takes a setting back", "settings"),
        replies=_ONE,
        problems=(404, 409, 503, 507),
        needs=Role.admin,
    ),
)
