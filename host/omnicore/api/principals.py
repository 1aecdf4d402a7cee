"""Who makes a request: by a session, a token or from this machine; and whether that one may."""

from __future__ import annotations

import hmac
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from omnicore.access.keys import SESSION, csrf_of, is_key
from omnicore.access.principal import LOCAL, Principal, Role
from omnicore.access.service import Access
from omnicore.api.operation import Operation
from omnicore.api.parts import parts_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.config.settings import Settings
from omnicore.errors import InvalidSetting

__all__ = [
    "COOKIE",
    "SECURE_COOKIE",
    "Allowed",
    "OpenPaths",
    "Recogniser",
    "check_allowed",
    "check_role",
    "is_secure",
    "may_go_on",
    "origin_of",
    "principal_of",
    "session_key",
    "unauthenticated",
]

COOKIE = "omnicore"
SECURE_COOKIE = "__Host-omnicore"
"""The cookie's name over https: browsers take it from this host alone, and only over https."""

_LONGEST_ADDRESS = 64
_LONGEST_COOKIE = 8192
_BY_PROXIES = frozenset(
    {b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip"}
    | {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-server"}
)
"""Headers that proxies add."""

_SETTING = Principal("host", Role.admin, "setting")


def principal_of(connection: HTTPConnection) -> Principal:
    """Who makes a request. Raises: RefusalError: 401, nobody was recognised, which only open operations see."""
    principal: Principal | None = connection.scope.get("principal")
    if principal is None:
        raise unauthenticated()
    return principal


def origin_of(connection: HTTPConnection) -> str:
    """The address a request comes from, as trusted proxies tell it; empty when there is none."""
    return _origin(connection.scope, parts_of(connection).settings.access.trusted_proxies)


def is_secure(connection: HTTPConnection) -> bool:
    """Whether the browser speaks https: to us, or to a trusted proxy before us."""
    return _is_secure(connection.scope, parts_of(connection).settings.access.trusted_proxies)


def session_key(headers: Mapping[bytes, bytes], *, secure: bool) -> str | None:
    """The key of a session that a browser sends.

    Over https only the name that nobody else can set counts: a neighbour's cookie would log one in as that neighbour.
    """
    cookie = headers.get(b"cookie")
    if cookie is None or len(cookie) > _LONGEST_COOKIE:
        return None
    wanted = SECURE_COOKIE if secure else COOKIE
    for part in cookie.decode("latin-1").split(";"):
        name, _, value = part.strip().partition("=")
        if name == wanted and is_key(value) and value.startswith(SESSION):
            return value
    return None


class OpenPaths:
    """The operations that need nobody to be logged in, by method and path."""

    def __init__(self, operations: Iterable[Operation]) -> None:
        opened = [one for one in operations if one.open]
        self._exact = {(one.method, one.path) for one in opened if "{" not in one.path}
        self._shapes = [(one.method, _shape(one.path)) for one in opened if "{" in one.path]

    def __contains__(self, asked: tuple[str, str]) -> bool:
        method, path = "GET" if asked[0] == "HEAD" else asked[0], asked[1]
        return (method, path) in self._exact or any(
            method == shape[0] and shape[1].fullmatch(path) for shape in self._shapes
        )


class Recogniser:
    """Finds who makes a request.

    Somebody on this machine is let in without a name as long as no user was made, no token is set, and the host
    listens on loopback only.
    """

    def __init__(self, settings: Settings, access: Access | None) -> None:
        """Raises: InvalidSetting: a trusted proxy is no address."""
        self._settings, self._access = settings, access
        self._token = settings.token.encode() if settings.token else None
        self._alone = self._token is None and _is_loopback(settings.host.strip("[]"))
        _networks(settings.access.trusted_proxies)

    async def recognise(self, scope: Scope, headers: Mapping[bytes, bytes], *, quiet: bool = False) -> Principal | None:
        """Who it is, None for nobody. Raises: RefusalError: 403, a page sends a request without its CSRF token.

        Args:
            quiet: nothing is asked for but this, so it counts as no use and changes nothing.
        """
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer":  # other schemes are for a proxy before us
            return await self._bearer(given.strip(), quiet)
        key = session_key(headers, secure=self.is_secure(scope)) if self._access is not None else None
        if key is not None and self._access is not None:
            principal = await self._access.recognition.principal(key, quiet=quiet)
            if principal is not None:
                if not quiet:
                    _check_csrf(scope, headers, key)
                return principal
        return LOCAL if self._alone and await self._is_local(scope, headers) else None

    def turn(self) -> int:
        """A number that changes whenever somebody's rights may have."""
        return 0 if self._access is None else self._access.recognition.turn

    def is_secure(self, scope: Scope) -> bool:
        """Whether the browser speaks https: to us, or to a trusted proxy before us."""
        return _is_secure(scope, self._settings.access.trusted_proxies)

    async def _bearer(self, value: bytes, quiet: bool) -> Principal | None:
        if self._token is not None and hmac.compare_digest(value, self._token):
            return _SETTING
        if self._access is None or not value.isascii():
            return None
        key = value.decode("ascii")
        if hmac.compare_digest(key, self._access.own_key):
            return LOCAL
        return await self._access.recognition.principal(key, quiet=quiet) if is_key(key) else None

    async def _is_local(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        """Whether a request begins on this machine; one that some proxy of ours hands on does not."""
        # nginx says nothing of itself unless it is told to, but speaks HTTP/1.0, which nobody else does any more.
        if scope.get("http_version") == "1.0" or not _BY_PROXIES.isdisjoint(headers):
            proxies = self._settings.access.trusted_proxies
            if b"x-forwarded-for" not in headers or not proxies or not _is_loopback(_origin(scope, proxies)):
                return False
        peer = _peer(scope)
        if peer and not _is_loopback(peer):
            return False
        return self._access is None or not await self._access.recognition.has_users()


class Allowed:
    """A route's application, for those who may use it."""

    def __init__(self, app: ASGIApp, operation: Operation) -> None:
        self._app, self._operation = app, operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        check_allowed(scope, self._operation)
        await self._app(scope, receive, send)


def check_allowed(scope: Scope, operation: Operation) -> None:
    """Notes the operation in the scope. Raises: RefusalError: 401 for nobody, 403 without the role."""
    scope["operation"] = operation
    if operation.body_bytes is not None:
        scope["exchange"].narrow(operation.body_bytes)
    if not operation.open:
        principal: Principal | None = scope.get("principal")
        if principal is None:
            raise unauthenticated()
        plugin = scope["path_params"].get("plugin") if "path_params" in scope else None
        check_role(principal, operation.role, tag=operation.tag, plugin=plugin)


def may_go_on(scope: Scope, principal: Principal | None) -> bool:
    """Whether somebody who holds a connection may still have it, and is the same one."""
    before: Principal | None = scope.get("principal")
    operation: Operation | None = scope.get("operation")
    if operation is None or operation.open or before is None:
        return True
    if principal is None or (principal.user, principal.key) != (before.user, before.key):
        return False
    plugin = scope["path_params"].get("plugin") if "path_params" in scope else None
    return principal.may(operation.role, tag=operation.tag, plugin=plugin)


def check_role(principal: Principal, needs: Role, *, tag: str, plugin: str | None = None) -> None:
    """Raises: RefusalError: 403, with the role that is needed."""
    if principal.may(needs, tag=tag, plugin=plugin):
        return
    if principal.scopes is not None and tag not in principal.scopes:
        raise _forbidden(
            f"the token is not made for {tag}", f"use a token whose scopes name {tag}", needs=needs, scope=tag
        )
    about = f" for the plugin {plugin[:80]}" if plugin else ""
    raise _forbidden(
        f"this needs the role {needs.name}{about}, and {principal.name} has {principal.role_for(plugin).name}",
        f"ask an admin for the role {needs.name}{about}",
        needs=needs,
    )


def unauthenticated() -> RefusalError:
    """The refusal of a request that nobody known makes."""
    return RefusalError(
        Problem(
            401,
            "unauthenticated",
            "nobody is known by what this request carries",
            "log in, or send the header `Authorization: Bearer TOKEN` with an API token or the setting token",
            headers=((b"www-authenticate", b'Bearer realm="omnicore"'),),
        )
    )


def _forbidden(fact: str, remedy: str, *, needs: Role, **details: Any) -> RefusalError:
    return RefusalError(Problem(403, "forbidden", fact, remedy, details={"needs": needs.name, **details}))


def _check_csrf(scope: Scope, headers: Mapping[bytes, bytes], key: str) -> None:
    """A cookie comes with requests of any page; the token only from one that could read our answers."""
    if scope["type"] == "websocket" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return
    if hmac.compare_digest(headers.get(b"x-csrf-token", b""), csrf_of(key).encode()):
        return
    raise RefusalError(
        Problem(
            403,
            "wrong-csrf",
            "the request carries a session's cookie without its CSRF token",
            "send the header x-csrf-token with `csrf` of GET /api/v1/session",
        )
    )


def _origin(scope: Scope, proxies: Sequence[str]) -> str:
    """The nearest address that is no trusted proxy: what stands left of it, anybody may have written."""
    peer = _peer(scope)
    forwarded = _told(scope, b"x-forwarded-for") if proxies else ""
    for told in reversed(forwarded[-4096:].split(",")) if forwarded else ():
        if not _is_within(peer, proxies):
            break
        peer = told.strip()
    return peer[:_LONGEST_ADDRESS]


def _is_secure(scope: Scope, proxies: Sequence[str]) -> bool:
    if scope["scheme"] in ("https", "wss"):
        return True
    if not proxies:
        return False
    told = _told(scope, b"x-forwarded-proto").rpartition(",")[2].strip().lower()
    return told in ("https", "wss") and _is_within(_peer(scope), proxies)


def _told(scope: Scope, name: bytes) -> str:
    """All values of a header, the nearest proxy's last: some add a line of their own below those of the client."""
    return ",".join(value.decode("latin-1") for known, value in scope["headers"] if known == name)


def _peer(scope: Scope) -> str:
    client = scope.get("client")
    return str(client[0]) if client else ""


def _is_within(address: str, networks: Sequence[str]) -> bool:
    try:
        found = ip_address(address)
    except ValueError:
        return False
    return any(found in network for network in _networks(tuple(networks)))


@lru_cache(maxsize=8)
def _networks(texts: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    try:
        return tuple(ip_network(text, strict=False) for text in texts)
    except ValueError as error:
        raise InvalidSetting(
            f"access.trusted_proxies: {error}",
            remedy="use addresses or networks, such as 10.0.0.0/8",
            setting="access.trusted_proxies",
        ) from error


def _is_loopback(address: str) -> bool:
    if address.lower() == "localhost":
        return True
    try:
        return ip_address(address).is_loopback
    except ValueError:
        return False


def _shape(path: str) -> re.Pattern[str]:
    pieces = re.split(r"{(\w+)(?::path)?}", path)
    if ":path}" in path:
        return re.compile("".join(re.escape(one) if at % 2 == 0 else ".*" for at, one in enumerate(pieces)), re.DOTALL)
    return re.compile("".join(re.escape(one) if at % 2 == 0 else "[^/]+" for at, one in enumerate(pieces)))
