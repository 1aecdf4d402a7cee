"""Logging in and out, and who one is."""

from __future__ import annotations

import asyncio
import json
from contextlib import suppress
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from omnicore import __version__
from omnicore.access.keys import csrf_of
from omnicore.access.principal import Principal, Role
from omnicore.access.service import Access, Arrival, Opened
from omnicore.api.operation import JSON, Operation, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.principals import COOKIE, SECURE_COOKIE, is_secure, origin_of, principal_of, session_key
from omnicore.api.requests import Json, read_object
from omnicore.errors import InvalidInput, NotFound, Unavailable

__all__ = [
    "MOST_BYTES",
    "OPERATIONS",
    "access_of",
    "arrival_of",
    "read_texts",
    "session_document",
    "set_cookie",
    "with_cookie",
]

_AT = "/api/v1/session"
MOST_BYTES = 16 * 1024
"""The most that somebody whom nobody knows may send."""


def access_of(request: Request) -> Access:
    """The host's users. Raises: Unavailable: it has none."""
    access = parts_of(request).rooms.access
    if access is None:
        raise Unavailable("this host has no users", remedy="ask a host that has a database")
    return access


def arrival_of(request: Request) -> Arrival:
    """Where a request comes from."""
    return Arrival(origin_of(request), request.headers.get("user-agent", ""), _key(request))


async def read_texts(request: Request, *names: str) -> list[str]:
    """Members of a JSON object that are all texts, in this order. Raises: InvalidInput."""
    values = await read_object(request, allowed=frozenset(names))
    for name in names:
        if not isinstance(values.get(name), str):
            raise InvalidInput(
                f"{name} is no text", remedy=f"send {json.dumps(dict.fromkeys(names, '...'))}", path=name
            )
    return [values[name] for name in names]


async def session_document(request: Request, principal: Principal | None, key: str | None) -> dict[str, Any]:
    """Who one is, and what a page needs to go on."""
    parts = parts_of(request)
    access, oidc = parts.rooms.access, parts.settings.access.oidc
    by_cookie = principal is not None and principal.via == "session" and key is not None
    return {
        "user": None if principal is None else _user(principal),
        "via": None if principal is None else principal.via,
        "scopes": None if principal is None or principal.scopes is None else sorted(principal.scopes),
        "csrf": csrf_of(key) if by_cookie and key else None,
        "setup": access is not None and not await access.recognition.has_users(),
        "oidc": {"name": oidc.name} if oidc.issuer and access is not None else None,
        "host": {"name": "OmniCore", "version": __version__},
    }


async def with_cookie(request: Request, opened: Opened, status: int = 200) -> Response:
    """The answer to a login."""
    request.scope["signed_in"] = opened.principal.name  # for the record: people type names in many ways
    answer = Json(await session_document(request, opened.principal, opened.key), status)
    set_cookie(request, answer, opened.key)
    return answer


def set_cookie(request: Request, answer: Response, key: str) -> None:
    """Hands the key of a session to the browser, where no script reads it and no other site sends it."""
    secure = is_secure(request)
    answer.set_cookie(
        SECURE_COOKIE if secure else COOKIE,
        key,
        max_age=int(parts_of(request).settings.access.session_s),
        path="/",
        secure=secure,
        httponly=True,
        samesite="strict",
    )


async def show_session(request: Request) -> Response:
    """Who is logged in."""
    principal = request.scope.get("principal")
    return Json(await session_document(request, principal, _key(request)))


async def log_in(request: Request) -> Response:
    """Opens a session by name and password; the one before ends."""
    name, password = await read_texts(request, "name", "password")
    return await with_cookie(request, await access_of(request).log_in(name, password, arrival_of(request)))


async def log_out(request: Request) -> Response:
    """Ends the session."""
    principal = principal_of(request)
    if principal.via == "session" and principal.key is not None:
        with suppress(NotFound):  # another request may have ended it
            await asyncio.to_thread(access_of(request).end, principal.key)
    answer = Response(status_code=204)
    for name, secure in ((COOKIE, False), (SECURE_COOKIE, True)):
        answer.delete_cookie(name, path="/", secure=secure, httponly=True, samesite="strict")
    return answer


async def change_password(request: Request) -> Response:
    """Sets one's own password. All sessions end; the browser that asks gets a new one."""
    old, new = await read_texts(request, "old", "new")
    principal = principal_of(request)
    opened = await access_of(request).change_own_password(principal, old, new, arrival_of(request))
    return await with_cookie(request, opened)


async def log_in_plainly(request: Request) -> Response:
    """Opens a session as OmniFlow does: its key comes in the answer, to be sent as a bearer token."""
    name, password = await read_texts(request, "username", "password")
    origin, agent = origin_of(request), request.headers.get("user-agent", "")
    opened = await access_of(request).log_in(name, password, Arrival(origin, agent))
    request.scope["signed_in"] = opened.principal.name
    return Json({"token": opened.key})


def _key(request: Request) -> str | None:
    return session_key(dict(request.scope["headers"]), secure=is_secure(request))


def _user(principal: Principal) -> dict[str, Any]:
    return {
        "id": principal.user,
        "name": principal.name,
        "role": principal.role.name,
        "plugins": {plugin: role.name for plugin, role in principal.plugins.items()},
    }


_SESSION = Reply("Who one is, and what a page needs to go on.", schema=ref("Session"))
_TAG = "session"
OPERATIONS = (
    Operation(
        *("GET", _AT, show_session, "showSession", "Tells who is logged in", _TAG),
        replies={200: _SESSION},
        open=True,
    ),
    Operation(
        *("POST", _AT, log_in, "logIn", "Logs in by name and password", _TAG),
        replies={200: Reply("The session; its cookie comes along.", schema=ref("Session"))},
        body={JSON: ref("Credentials")},
        body_bytes=MOST_BYTES,
        problems=(413, 422, 429),
        open=True,
    ),
    Operation(
        *("DELETE", _AT, log_out, "logOut", "Ends the session", _TAG),
        replies={204: Reply("It is over.", None)},
        needs=Role.nobody,
    ),
    Operation(
        *("PUT", f"{_AT}/password", change_password, "changePassword", "Sets one's own password", _TAG),
        replies={200: Reply("The new session; all others are over.", schema=ref("Session"))},
        body={JSON: ref("PasswordChange")},
        body_bytes=MOST_BYTES,
        problems=(409, 413, 422, 429),
        needs=Role.nobody,
    ),
    Operation(
        *("POST", "/api/login", log_in_plainly, "logInPlainly", "Logs in as OmniFlow does", "omniflow"),
        replies={200: Reply("A token that lasts as long as a session.", schema=ref("PlainToken"))},
        body={JSON: ref("PlainCredentials")},
        body_bytes=MOST_BYTES,
        problems=(413, 422, 429),
        open=True,
    ),
)
