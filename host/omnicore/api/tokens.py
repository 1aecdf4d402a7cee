"""API tokens: one's own, and to admins all of them. A token is shown once, when it is made."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Principal, Role
from omnicore.access.tokens import token_json
from omnicore.access.users import checked_plugins, checked_role
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.principals import principal_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.requests import Json, read_count, read_object
from omnicore.api.session import access_of
from omnicore.api.sessions import PAGE, after_of, own_of, paged
from omnicore.errors import InvalidInput

__all__ = ["OPERATIONS"]

_AT = "/api/v1/tokens"


async def list_tokens(request: Request) -> Response:
    """Tokens, without their keys."""
    limit, after = read_count(request, "limit", 100), after_of(request)
    whose = own_of(principal_of(request))
    items = await asyncio.to_thread(lambda: access_of(request).tokens.page(after, limit, owner=whose))
    return Json(paged(items, limit, "id"))


async def add_token(request: Request) -> Response:
    """Makes a token for oneself; whoever runs the host makes one without an owner."""
    principal = principal_of(request)
    if principal.via == "token":
        # It would outlive the limits and the time that it was given.
        raise RefusalError(Problem(403, "forbidden", "a token makes no tokens", "log in, or use `omnicore tokens add`"))
    values = await read_object(request, allowed=frozenset({"name", "role", "plugins", "scopes", "expires_at"}))
    name = values.get("name")
    if not isinstance(name, str):
        raise InvalidInput("name is no text", remedy="send a text", path="name")
    role, plugins = checked_role(values.get("role", "viewer")), checked_plugins(values.get("plugins", {}))
    _check_reach(principal, role, plugins)
    row, key = await asyncio.to_thread(
        lambda: access_of(request).tokens.add(
            name,
            owner=principal.user,
            role=role,
            plugins=plugins,
            scopes=_scopes(request, values.get("scopes")),
            expires_at=_time(values.get("expires_at")),
        )
    )
    owner = principal.name if principal.user else None
    return Json({**token_json(row, owner), "secret": key}, 201, {"location": f"{_AT}/{row.id}"})


async def remove_token(request: Request) -> Response:
    """Revokes a token; each may revoke itself."""
    token, principal = request.path_params["token"], principal_of(request)
    whose = None if principal.via == "token" and token == principal.key else own_of(principal)
    await asyncio.to_thread(lambda: access_of(request).tokens.remove(token, owner=whose))
    return Response(status_code=204)


def _check_reach(principal: Principal, role: Role, plugins: dict[str, Role]) -> None:
    """Raises: RefusalError: 403, it would be capped at each use, which nobody expects."""
    beyond = [plugin for plugin, one in plugins.items() if one > principal.role_for(plugin)]
    if role > principal.role or beyond:
        about = f" for the plugin {beyond[0][:80]}" if beyond else ""
        fact = f"{principal.name} has no such role{about}"
        raise RefusalError(Problem(403, "forbidden", fact, "ask for no more than you have"))


def _scopes(request: Request, given: Any) -> list[str] | None:
    if given is None:
        return None
    known = {operation.tag for operation in request.app.state.operations}
    if not isinstance(given, list) or not all(isinstance(one, str) and one in known for one in given):
        raise InvalidInput("scopes is no list of tags", remedy=f"use some of {', '.join(sorted(known))}", path="scopes")
    return sorted(set(given))


def _time(given: Any) -> float | None:
    if given is None:
        return None
    if isinstance(given, bool) or not isinstance(given, int | float) or not 0 < given < 1e12:
        raise InvalidInput(
            "expires_at is no time", remedy="send seconds since the Unix epoch, or null", path="expires_at"
        )
    return float(given)


_TAG = "tokens"
OPERATIONS = (
    Operation(
        *("GET", _AT, list_tokens, "listTokens", "Lists one's own API tokens, to admins all", _TAG),
        replies={200: Reply("A page of tokens, the oldest first.", schema=ref("Tokens"))},
        query=PAGE,
        problems=(422,),
        needs=Role.nobody,
    ),
    Operation(
        *("POST", _AT, add_token, "addToken", "Makes an API token", _TAG),
        replies={201: Reply("The token, with the secret that is shown only now.", schema=ref("NewToken"))},
        body={JSON: ref("TokenOrder")},
        problems=(409, 422),
        needs=Role.nobody,
    ),
    Operation(
        *("DELETE", f"{_AT}/{{token}}", remove_token, "removeToken", "Revokes an API token", _TAG),
        replies={204: Reply("It is worth nothing any more.", None)},
        problems=(404,),
        needs=Role.nobody,
    ),
)
