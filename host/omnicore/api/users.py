"""Users: made, changed and removed by admins."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.access.users import checked_plugins, checked_role, user_json
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.requests import Json, read_count, read_object
from omnicore.api.session import access_of
from omnicore.api.sessions import PAGE, after_of, paged
from omnicore.errors import InvalidInput

__all__ = ["OPERATIONS"]

_AT = "/api/v1/users"


async def list_users(request: Request) -> Response:
    """Users by name."""
    limit, after = read_count(request, "limit", 100), after_of(request)
    rows = await asyncio.to_thread(access_of(request).users.page, after, limit)
    return Json(paged([user_json(row) for row in rows], limit, "name"))


async def add_user(request: Request) -> Response:
    """Makes a user."""
    values = await read_object(request, allowed=frozenset({"name", "role", "plugins", "password"}))
    row = await access_of(request).add_user(
        _text(values, "name"),
        checked_role(values.get("role")),
        password=_text(values, "password"),
        plugins=checked_plugins(values.get("plugins", {})),
    )
    return Json(user_json(row), 201, {"location": f"{_AT}/{row.name}"})


async def show_user(request: Request) -> Response:
    """One user."""
    return Json(user_json(await asyncio.to_thread(access_of(request).users.get, request.path_params["user"])))


async def change_user(request: Request) -> Response:
    """Changes what is given. The user's sessions end."""
    values = await read_object(request, allowed=frozenset({"role", "plugins", "disabled", "password"}))
    access, name = access_of(request), request.path_params["user"]
    disabled = values.get("disabled")
    if disabled is not None and not isinstance(disabled, bool):
        raise InvalidInput("disabled is neither true nor false", remedy="send one of them", path="disabled")
    row = await access.change_user(
        name,
        role=checked_role(values["role"]) if "role" in values else None,
        plugins=checked_plugins(values["plugins"]) if "plugins" in values else None,
        disabled=disabled,
        password=_text(values, "password") if "password" in values else None,
    )
    return Json(user_json(row))


async def remove_user(request: Request) -> Response:
    """Removes a user with sessions and tokens."""
    await asyncio.to_thread(access_of(request).users.remove, request.path_params["user"])
    return Response(status_code=204)


def _text(values: dict[str, Any], name: str) -> str:
    value = values.get(name)
    if not isinstance(value, str):
        raise InvalidInput(f"{name} is no text", remedy="send a text", path=name)
    return value


_USER = Reply("The user.", schema=ref("User"))
_TAG = "users"
OPERATIONS = (
    Operation(
        *("GET", _AT, list_users, "listUsers", "Lists users by name", _TAG),
        replies={200: Reply("A page of users.", schema=ref("Users"))},
        query=PAGE,
        problems=(422,),
        needs=Role.admin,
    ),
    Operation(
        *("POST", _AT, add_user, "addUser", "Makes a user", _TAG),
        replies={201: _USER},
        body={JSON: ref("UserOrder")},
        problems=(409, 422),
        needs=Role.admin,
    ),
    Operation(
        *("GET", f"{_AT}/{{user}}", show_user, "showUser", "Shows a user", _TAG),
        replies={200: _USER},
        problems=(404,),
        needs=Role.admin,
    ),
    Operation(
        *("PUT", f"{_AT}/{{user}}", change_user, "changeUser", "Changes a user, whose sessions end", _TAG),
        replies={200: _USER},
        body={JSON: ref("UserChange")},
        problems=(404, 409, 422),
        needs=Role.admin,
    ),
    Operation(
        *("DELETE", f"{_AT}/{{user}}", remove_user, "removeUser", "Removes a user with sessions and tokens", _TAG),
        replies={204: Reply("That one is gone.", None)},
        problems=(404, 409),
        needs=Role.admin,
    ),
)
