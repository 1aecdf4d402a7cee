"""Logging in through an OpenID provider: the way there, and the way back."""

from __future__ import annotations

import asyncio
import logging
from functools import partial
from typing import Any
from urllib.parse import urlsplit

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from omnicore.access.oidc import Oidc, Pending, Vouched
from omnicore.api.operation import Operation, Query, Reply
from omnicore.api.parts import parts_of
from omnicore.api.principals import is_secure
from omnicore.api.session import access_of, arrival_of, set_cookie
from omnicore.clock import SystemClock
from omnicore.config.sections.access import OidcSettings
from omnicore.connectors.http import HttpClient, HttpPolicy
from omnicore.errors import NotFound, OmniError, WrongCredentials
from omnicore.sandbox.abi import HttpRequest, HttpResponse
from omnicore.storage.tables.users import UserRow

__all__ = ["OPERATIONS"]

_log = logging.getLogger("omnicore.access")

_AT = "/api/v1/oidc"
_COOKIE, _SECURE_COOKIE = "omnicore_oidc", "__Host-omnicore_oidc"
_PENDING_S = 600
_LONGEST = 4096
_SECOND = "oidc"


async def begin(request: Request) -> Response:
    """Sends the browser to the provider."""
    pending = Pending.new()
    address = await _oidc(request).address(pending, _redirect(request))
    answer = RedirectResponse(address, 303)
    # The way back is a link of another site's page, which no stricter cookie would come along with.
    answer.set_cookie(value=pending.written(), max_age=_PENDING_S, **_cookie(request))
    return answer


async def finish(request: Request) -> Response:
    """Opens a session for whom the provider sends back; the console tells what went wrong."""
    _settings(request)
    try:
        user = await _user(request, await _vouched(request))
        opened = await access_of(request).open(user, _SECOND, arrival_of(request))
    except OmniError as error:
        _log.warning("a login through the OpenID provider failed: %s", error)
        answer: Response = RedirectResponse(f"/console/login#problem={error.code}", 303)
    else:
        answer = RedirectResponse("/console/", 303)
        request.scope["signed_in"] = user.name  # for the record: the request does not say who comes
        set_cookie(request, answer, opened.key)
    answer.delete_cookie(**_cookie(request))
    return answer


def _cookie(request: Request) -> dict[str, Any]:
    """Over https by a name that no neighbour can set: whoever could would log others in as somebody else."""
    secure = is_secure(request)
    named = {"key": _SECURE_COOKIE, "path": "/"} if secure else {"key": _COOKIE, "path": _AT}
    return {**named, "secure": secure, "httponly": True, "samesite": "lax"}


async def _vouched(request: Request) -> Vouched:
    asked = request.query_params
    pending = Pending.read(request.cookies.get(_cookie(request)["key"], ""))
    state, code = asked.get("state", ""), asked.get("code", "")
    if pending is None or not code or len(state) > _LONGEST or len(code) > _LONGEST:
        raise WrongCredentials("this browser began no such login", remedy="log in again")
    return await _oidc(request).finish(pending, state=state, code=code, redirect=_redirect(request))


async def _user(request: Request, one: Vouched) -> UserRow:
    """The user that somebody is, made at the first login; the role follows what the provider says now."""
    users = access_of(request).users
    row = await asyncio.to_thread(users.vouched, _SECOND, one.subject)
    if row is None:
        # A name that is taken stays whose it is: who chooses names at the provider must not become somebody here.
        return await asyncio.to_thread(
            lambda: users.add(one.name, one.role, password=None, second=(_SECOND, one.subject))
        )
    if row.disabled:
        raise WrongCredentials(f"{row.name} is disabled", remedy="ask an admin")
    if row.role == one.role.name:
        return row
    _, changed = await asyncio.to_thread(partial(users.change, row.name, role=one.role))
    return changed


def _settings(request: Request) -> OidcSettings:
    settings = parts_of(request).settings.access.oidc
    if not settings.issuer:
        raise NotFound("this host has no OpenID provider", remedy="set access.oidc.issuer, or log in by password")
    return settings


def _oidc(request: Request) -> Oidc:
    settings = _settings(request)
    known: Oidc | None = getattr(request.app.state, "oidc", None)
    if known is None:
        known = request.app.state.oidc = Oidc(settings, _send, SystemClock())
    return known


async def _send(request: HttpRequest) -> HttpResponse:
    # The settings name the provider, so it may well stand in a private network. It leads nowhere else.
    host = urlsplit(request.url).hostname or ""
    policy = HttpPolicy(hosts=(host,), methods=("GET", "POST"), private="allow", max_redirects=0)
    client = HttpClient()
    try:
        return await client.send(request, policy)
    finally:
        client.close()


def _redirect(request: Request) -> str:
    """Where the provider sends the browser back: the same for both ways, so that the provider can compare."""
    public = _settings(request).public_url
    base = public.rstrip("/") if public else f"{'https' if is_secure(request) else 'http'}://{request.headers['host']}"
    return f"{base}{_AT}/callback"


_TAG = "session"
OPERATIONS = (
    Operation(
        *("GET", f"{_AT}/login", begin, "beginOidc", "Sends the browser to the OpenID provider", _TAG),
        replies={303: Reply("On to the provider.", None)},
        problems=(404, 422, 502, 504),
        open=True,
    ),
    Operation(
        *("GET", f"{_AT}/callback", finish, "finishOidc", "Takes the browser back from the OpenID provider", _TAG),
        replies={303: Reply("On to the console: with a session, or to its login page with a problem.", None)},
        query=(
            Query("code", {"type": "string"}, "What the provider gives the browser"),
            Query("state", {"type": "string"}, "Which login it belongs to"),
        ),
        problems=(404,),
        open=True,
    ),
)
