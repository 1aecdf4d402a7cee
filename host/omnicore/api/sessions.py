"""Sessions of people who are logged in: one's own, and to admins all of them."""

from __future__ import annotations

import asyncio
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Principal, Role
from omnicore.api.operation import Operation, Query, Reply, ref
from omnicore.api.principals import principal_of
from omnicore.api.requests import MOST_ITEMS, Json, read_count
from omnicore.api.session import access_of

__all__ = ["OPERATIONS", "PAGE", "after_of", "own_of", "paged"]

_AT = "/api/v1/sessions"
_NOBODY = "-"
_LONGEST_CURSOR = 64


def own_of(principal: Principal) -> str | None:
    """The user whose things somebody sees; None for an admin, who sees all.

    A lesser token sees nobody's: whoever it was handed to must not look at, or end, what else its owner holds.
    """
    if principal.role >= Role.admin:
        return None
    return _NOBODY if principal.via == "token" else principal.user or _NOBODY


def after_of(request: Request) -> str:
    """The id or name behind which a page begins, without what no database takes.

    A cursor that had that is none of ours, and finds a place all the same.
    """
    return "".join(char for char in request.query_params.get("cursor", "")[:_LONGEST_CURSOR] if char.isprintable())


def paged(items: list[dict[str, Any]], limit: int, key: str) -> dict[str, Any]:
    """A page of a list; its cursor is the last item's `key`."""
    return {"items": items, "next": items[-1][key] if len(items) == limit else None}


async def list_sessions(request: Request) -> Response:
    """Sessions that are not over."""
    principal, limit = principal_of(request), read_count(request, "limit", 100)
    after, whose = after_of(request), own_of(principal)
    found = await asyncio.to_thread(lambda: access_of(request).sessions(after, limit, user=whose))
    items = [{**one, "current": one["id"] == principal.key} for one in found]
    return Json(paged(items, limit, "id"))


async def end_session(request: Request) -> Response:
    """Ends a session."""
    session, whose = request.path_params["session"], own_of(principal_of(request))
    await asyncio.to_thread(lambda: access_of(request).end(session, user=whose))
    return Response(status_code=204)


PAGE = (
    Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "How many"),
    Query("cursor", {"type": "string"}, "`next` of the page before"),
)
OPERATIONS = (
    Operation(
        *("GET", _AT, list_sessions, "listSessions", "Lists one's own sessions, to admins all", "session"),
        replies={200: Reply("A page of sessions, the oldest first.", schema=ref("Sessions"))},
        query=PAGE,
        problems=(422,),
        needs=Role.nobody,
    ),
    Operation(
        *("DELETE", f"{_AT}/{{session}}", end_session, "endSession", "Ends a session", "session"),
        replies={204: Reply("It is over.", None)},
        problems=(404,),
        needs=Role.nobody,
    ),
)
