"""Users, API tokens, sessions, and login by password, setup link or OpenID provider."""

from __future__ import annotations

import asyncio
import json
import logging
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, Literal

from starlette.responses import RedirectResponse, Response

from omnicore.access.keys import csrf_of
from omnicore.access.oidc import Oidc, Pending, Vouched
from omnicore.access.principal import Principal, Role
from omnicore.access.service import DEVICE_S, Access, Arrival, Opened
from omnicore.access.tokens import token_json
from omnicore.access.users import checked_plugins
from omnicore.api.exchange import prefix_of
from omnicore.api.operation import ref
from omnicore.api.parts import parts_of
from omnicore.api.principals import (
    COOKIE,
    DEVICE,
    SECURE_COOKIE,
    SECURE_DEVICE,
    is_secure,
    origin_of,
    principal_of,
    session_key,
)
from omnicore.api.problems import Problem, RefusalError
from omnicore.api.requests import Json, read_count, read_object, read_record
from omnicore.api.schema import MAYBE_TEXT, TEXT, Schemas, object_of, page_of
from omnicore.clock import SystemClock
from omnicore.connectors.addresses import parse_url
from omnicore.connectors.http import HttpClient, HttpPolicy
from omnicore.errors import InvalidInput, NotFound, OmniError, Unavailable, WrongCredentials
from omnicore.records import UNSET, schema
from omnicore.storage.tables.access import SessionRow, TokenOrder, TokenRow, UserChange, UserOrder, UserRow
from omnicore.version import __version__

if TYPE_CHECKING:
    from collections.abc import Sequence

    from starlette.requests import Request

    from omnicore.config.settings import OidcSettings
    from omnicore.sandbox.abi import HttpRequest, HttpResponse


def access_of(request: Request) -> Access:
    """The host's users. Raises: Unavailable: it has none."""
    access = parts_of(request).rooms.access
    if access is None:
        raise Unavailable("this host has no users", remedy="ask a host that has a database")
    return access


def arrival_of(request: Request) -> Arrival:
    """The address, browser and device of a login."""
    device = request.cookies.get(SECURE_DEVICE if is_secure(request) else DEVICE, "")
    return Arrival(origin_of(request), request.headers.get("user-agent", ""), _key(request), device)


async def read_texts(request: Request, *names: str) -> list[str]:
    """Members of a JSON object that must all be text, in this order. Raises: InvalidInput."""
    values = await read_object(request, allowed=frozenset(names))
    for name in names:
        if not isinstance(values.get(name), str):
            raise InvalidInput(
                f"{name} is not text", remedy=f"send {json.dumps(dict.fromkeys(names, '...'))}", path=name
            )
    return [values[name] for name in names]


async def session_document(request: Request, principal: Principal | None, key: str | None) -> dict[str, Any]:
    """The caller and what a page needs to continue."""
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
    """The answer to a login, with its cookies."""
    request.scope["signed_in"] = opened.principal.name  # for the record: people type names in many ways
    answer = Json(await session_document(request, opened.principal, opened.key), status)
    set_cookies(request, answer, opened)
    return answer


def set_cookies(request: Request, answer: Response, opened: Opened) -> None:
    """Sets the cookies of session and browser. Scripts cannot read them, and other sites cannot send them."""
    secure = is_secure(request)
    fixed: dict[str, Any] = {"path": "/", "secure": secure, "httponly": True, "samesite": "strict"}
    session_s = int(parts_of(request).settings.access.session_s)
    answer.set_cookie(SECURE_COOKIE if secure else COOKIE, opened.key, max_age=session_s, **fixed)
    if opened.device is not None:
        answer.set_cookie(SECURE_DEVICE if secure else DEVICE, opened.device, max_age=int(DEVICE_S), **fixed)


async def show_session(request: Request) -> Response:
    """The caller."""
    principal = request.scope.get("principal")
    return Json(await session_document(request, principal, _key(request)))


async def log_in(request: Request) -> Response:
    """Opens a session by name and password. The previous one ends."""
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
    """Sets the caller's password. All sessions end; this browser gets a new one."""
    old, new = await read_texts(request, "old", "new")
    principal = principal_of(request)
    opened = await access_of(request).change_own_password(principal, old, new, arrival_of(request))
    return await with_cookie(request, opened)


async def log_in_plainly(request: Request) -> Response:
    """Opens a session as OmniFlow does: the answer holds its key, to be sent as a bearer token."""
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


_NOBODY = "-"
_LONGEST_CURSOR = 64


def own_of(principal: Principal) -> str | None:
    """The user whose objects the caller may see; None for an admin, who sees all.

    A token with a lesser role sees nobody's: its holder must not see or end what else its owner has.
    """
    if principal.role >= Role.admin:
        return None
    return _NOBODY if principal.via == "token" else principal.user or _NOBODY


def after_of(request: Request) -> str:
    """The id or name after which a page begins, without characters that no database accepts."""
    return "".join(char for char in request.query_params.get("cursor", "")[:_LONGEST_CURSOR] if char.isprintable())


def paged(items: list[dict[str, Any]], limit: int, key: str) -> dict[str, Any]:
    """A page of a list; its cursor is the last item's `key`."""
    return {"items": items, "next": items[-1][key] if len(items) == limit else None}


async def list_sessions(request: Request) -> Response:
    """Open sessions."""
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


_AT = "/api/v1/users"


async def list_users(request: Request) -> Response:
    """Users by name."""
    limit, after = read_count(request, "limit", 100), after_of(request)
    rows = await asyncio.to_thread(access_of(request).users.page, after, limit)
    return Json(paged([row.to_json() for row in rows], limit, "name"))


async def add_user(request: Request) -> Response:
    """Makes a user."""
    order = await read_record(request, UserOrder, "user")
    plugins = checked_plugins(order.plugins)
    row = await access_of(request).add_user(order.name, Role[order.role], password=order.password, plugins=plugins)
    return Json(row.to_json(), 201, {"location": f"{_AT}/{row.name}"})


async def show_user(request: Request) -> Response:
    """One user."""
    return Json((await asyncio.to_thread(access_of(request).users.get, request.path_params["user"])).to_json())


async def change_user(request: Request) -> Response:
    """Changes the given members. The sessions of the user end."""
    change, name = await read_record(request, UserChange, "user"), request.path_params["user"]
    row = await access_of(request).change_user(
        name,
        role=Role[change.role] if change.role else None,
        plugins=None if change.plugins is UNSET else checked_plugins(change.plugins),
        disabled=None if change.disabled is UNSET else change.disabled,
        password=None if change.password is UNSET else change.password,
    )
    return Json(row.to_json())


async def unlock_user(request: Request) -> Response:
    """Lets a name log in again that failed logins have locked."""
    access = access_of(request)
    row = await asyncio.to_thread(access.users.get, request.path_params["user"])
    await asyncio.to_thread(access.lockout.forget, row.name)
    return Json(row.to_json())


async def remove_user(request: Request) -> Response:
    """Removes a user with sessions and tokens."""
    await asyncio.to_thread(access_of(request).users.remove, request.path_params["user"])
    return Response(status_code=204)


_TOKENS = "/api/v1/tokens"


async def list_tokens(request: Request) -> Response:
    """Tokens, without their keys."""
    limit, after = read_count(request, "limit", 100), after_of(request)
    whose = own_of(principal_of(request))
    items = await asyncio.to_thread(lambda: access_of(request).tokens.page(after, limit, owner=whose))
    return Json(paged(items, limit, "id"))


async def add_token(request: Request) -> Response:
    """Makes a token of the caller. The owner of the host makes tokens without a user."""
    principal = principal_of(request)
    if principal.via in ("token", "application"):
        # It would outlive the limits and the time that it was given.
        fact = f"{'a token' if principal.via == 'token' else 'whom the application names'} makes no tokens"
        raise RefusalError(Problem(403, "forbidden", fact, "log in, or use `omnicore tokens add`"))
    order = await read_record(request, TokenOrder, "token")
    role, plugins = Role[order.role], checked_plugins(order.plugins)
    _check_reach(principal, role, plugins)
    whose, owner = await _owner_of(request, principal, order.owner)
    row, key = await asyncio.to_thread(
        lambda: access_of(request).tokens.add(
            order.name,
            owner=whose,
            role=role,
            plugins=plugins,
            scopes=_scopes(request, order.scopes),
            expires_at=order.expires_at,
        )
    )
    return Json({**token_json(row, owner), "secret": key}, 201, {"location": f"{_TOKENS}/{row.id}"})


async def remove_token(request: Request) -> Response:
    """Revokes a token. Each token may revoke itself."""
    token, principal = request.path_params["token"], principal_of(request)
    whose = None if principal.via == "token" and token == principal.key else own_of(principal)
    await asyncio.to_thread(lambda: access_of(request).tokens.remove(token, owner=whose))
    return Response(status_code=204)


async def _owner_of(request: Request, principal: Principal, given: str | None) -> tuple[str | None, str | None]:
    """The id and name of the user whose token it becomes: the caller, or somebody whom the host's owner names."""
    if given is None:
        return (principal.user, principal.name) if principal.user else (None, None)
    if principal.user is not None:
        raise RefusalError(Problem(403, "forbidden", "users make tokens for themselves only", "leave owner out"))
    row = await asyncio.to_thread(access_of(request).users.get, given)
    return row.id, row.name


def _check_reach(principal: Principal, role: Role, plugins: dict[str, Role]) -> None:
    """Raises: RefusalError: 403, the token would exceed the role of its owner."""
    beyond = [plugin for plugin, one in plugins.items() if one > principal.role_for(plugin)]
    if role > principal.role or beyond:
        about = f" for the plugin {beyond[0][:80]}" if beyond else ""
        fact = f"{principal.name} has no such role{about}"
        raise RefusalError(Problem(403, "forbidden", fact, "ask for no more than you have"))


def _scopes(request: Request, given: Sequence[str] | None) -> list[str] | None:
    if given is None:
        return None
    known = {operation.tag for operation in request.app.state.operations}
    if not known.issuperset(given):
        raise InvalidInput("a scope is not a tag", remedy=f"use some of {', '.join(sorted(known))}", path="scopes")
    return sorted(set(given))


_PASSWORD = {**TEXT, "format": "password", "maxLength": 1024}
_USER, _TOKEN = schema(UserRow)["properties"], schema(TokenRow)["properties"]
_TOKEN = {**_TOKEN, "owner": {**MAYBE_TEXT, "description": "Name of a user; null for whoever runs the host."}}
SCHEMAS: Schemas = {
    "SessionUser": object_of(
        id={**MAYBE_TEXT, "description": "Null for whoever runs the host."},
        **{name: _USER[name] for name in ("name", "role", "plugins")},
    ),
    "Session": object_of(
        user={"anyOf": [ref("SessionUser"), {"type": "null"}], "description": "Who is logged in."},
        via={
            "enum": ["session", "token", "setting", "owner", "application", "local", None],
            "description": "How that was recognised.",
        },
        scopes=_TOKEN["scopes"],
        csrf={**MAYBE_TEXT, "description": "What unsafe requests with the session's cookie send as `x-csrf-token`."},
        setup={"type": "boolean", "description": "No user was made yet."},
        oidc={
            "anyOf": [object_of(name=TEXT), {"type": "null"}],
            "description": "The service by which one can log in too.",
        },
        host=object_of(name=TEXT, version=TEXT),
    ),
    "Credentials": object_of(name=TEXT, password=_PASSWORD),
    "SetupOrder": object_of(
        key={**TEXT, "description": "From the link that `omnicore run` prints."}, name=TEXT, password=_PASSWORD
    ),
    "PasswordChange": object_of(old=_PASSWORD, new=_PASSWORD),
    "PlainCredentials": object_of(username=TEXT, password=_PASSWORD),
    "PlainToken": object_of(token={**TEXT, "description": "To be sent as `Authorization: Bearer TOKEN`."}),
    "LoggedIn": object_of(
        **schema(SessionRow)["properties"],
        user=TEXT,
        current={"type": "boolean", "description": "It is the one that asks."},
    ),
    "Sessions": page_of("LoggedIn"),
    "User": schema(UserRow, shown=True),
    "Users": page_of("User"),
    "UserOrder": schema(UserOrder),
    "UserChange": schema(UserChange),
    "Token": object_of(**_TOKEN),
    "NewToken": object_of(**_TOKEN, secret={**TEXT, "description": "The token itself. It cannot be read again."}),
    "Tokens": page_of("Token"),
    "TokenOrder": schema(TokenOrder),
}


async def set_up(request: Request) -> Response:
    """Makes the first user, an admin, and logs them in."""
    key, name, password = await read_texts(request, "key", "name", "password")
    opened = await access_of(request).set_up(key, name, password, arrival_of(request))
    return await with_cookie(request, opened, 201)


_log = logging.getLogger("omnicore.access")

_OIDC = "/api/v1/oidc"
_COOKIE, _SECURE_COOKIE = "omnicore_oidc", "__Host-omnicore_oidc"
_PENDING_S = 600
_LONGEST = 4096
_SECOND: Literal["oidc"] = "oidc"


async def begin_oidc(request: Request) -> Response:
    """Redirects the browser to the provider."""
    pending = Pending.new()
    address = await _oidc(request).address(pending, _redirect(request))
    answer = RedirectResponse(address, 303)
    # The way back is a link of another site's page, which no stricter cookie would come along with.
    answer.set_cookie(value=pending.written(), max_age=_PENDING_S, **_cookie(request))
    return answer


async def finish_oidc(request: Request) -> Response:
    """Opens a session for the user whom the provider returns. The console shows failures."""
    _settings(request)
    try:
        user = await _vouched_user(request, await _vouched(request))
        opened = await access_of(request).open(user, _SECOND, arrival_of(request))
    except OmniError as error:
        _log.warning("a login through the OpenID provider failed: %s", error)
        answer: Response = RedirectResponse(f"/console/login#problem={error.code}", 303)
    else:
        answer = RedirectResponse("/console/", 303)
        request.scope["signed_in"] = user.name  # for the record: the request does not say who comes
        set_cookies(request, answer, opened)
    answer.delete_cookie(**_cookie(request))
    return answer


def _cookie(request: Request) -> dict[str, Any]:
    """The cookie of a pending login. Over https its name is one that a neighbouring site cannot set."""
    secure = is_secure(request)
    named = {"key": _SECURE_COOKIE, "path": "/"} if secure else {"key": _COOKIE, "path": _OIDC}
    return {**named, "secure": secure, "httponly": True, "samesite": "lax"}


async def _vouched(request: Request) -> Vouched:
    asked = request.query_params
    pending = Pending.read(request.cookies.get(_cookie(request)["key"], ""))
    state, code = asked.get("state", ""), asked.get("code", "")
    if pending is None or not code or len(state) > _LONGEST or len(code) > _LONGEST:
        raise WrongCredentials("this browser began no such login", remedy="log in again")
    return await _oidc(request).finish(pending, state=state, code=code, redirect=_redirect(request))


async def _vouched_user(request: Request, one: Vouched) -> UserRow:
    """The provider's user, made at the first login. The role follows the provider's."""
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
    url = parse_url(request.url)
    policy = HttpPolicy(hosts=(f"{url.host}:{url.port}",), methods=("GET", "POST"), private="allow", max_redirects=0)
    client = HttpClient()
    try:
        return await client.send(request, policy)
    finally:
        client.close()


def _redirect(request: Request) -> str:
    """The callback address, the same in both requests, because the provider compares them."""
    public = _settings(request).public_url
    base = public.rstrip("/") if public else f"{'https' if is_secure(request) else 'http'}://{request.headers['host']}"
    return f"{base}{'' if public else prefix_of(request.scope)}{_OIDC}/callback"
