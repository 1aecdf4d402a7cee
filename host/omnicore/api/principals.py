"""Principals: recognised by a session, a token or the key of the owner, and checked against the required role."""

from __future__ import annotations

import getpass
import hmac
import logging
import os
import re
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import TYPE_CHECKING, Any

from starlette.requests import HTTPConnection
from starlette.types import ASGIApp, Receive, Scope, Send

from omnicore.access.keys import SESSION, csrf_of, is_key
from omnicore.access.principal import LOCAL, OWNER, SETTING, Principal, Role
from omnicore.access.service import Access
from omnicore.api.operation import Operation
from omnicore.api.parts import parts_of
from omnicore.api.problems import Problem, RefusalError
from omnicore.config.settings import Settings
from omnicore.errors import InvalidSetting

if TYPE_CHECKING:
    from omnicore.fleet.hosts import Fleet


_log = logging.getLogger("omnicore.access")

COOKIE = "omnicore"
SECURE_COOKIE = "__Host-omnicore"
"""The cookie's name over https: browsers take it from this host alone, and only over https."""

DEVICE = "omnicore_device"
SECURE_DEVICE = "__Host-omnicore_device"
"""The cookie of a browser in which somebody has logged in before, by the same rule."""

COMMAND = "omnicore.command"
"""Member of the ASGI scope that holds the words of the command which the owner runs, such as `plugins enable`."""

NAMED = "omnicore.principal"
"""Member of the ASGI scope by which an application around the host, or its own Unix socket, names who asks. Whoever is
on the network sets no member of the scope."""

LIVE = "omnicore"
"""The WebSocket protocol of `/ws`. A page names it beside `omnicore.csrf.TOKEN`, for it cannot set headers."""

_PROOF = f"{LIVE}.csrf."
_LONGEST_ADDRESS = 64
_LONGEST_COMMAND = 80
_LONGEST_COOKIE = 8192
_BY_PROXIES = frozenset(
    {b"forwarded", b"via", b"x-real-ip", b"x-client-ip", b"true-client-ip", b"cf-connecting-ip"}
    | {b"x-forwarded-for", b"x-forwarded-host", b"x-forwarded-proto", b"x-forwarded-port", b"x-forwarded-server"}
)
"""Headers that proxies add."""

_HOST_SCHEME = b"omnicore-host"
_OF_HOSTS = frozenset({"fleet"})


def principal_of(connection: HTTPConnection) -> Principal:
    """The caller. Raises: RefusalError: 401, nobody was recognised, which happens in open operations only."""
    principal: Principal | None = connection.scope.get("principal")
    if principal is None:
        raise unauthenticated()
    return principal


def origin_of(connection: HTTPConnection) -> str:
    """The caller's address as trusted proxies report it; empty if there is none."""
    return _origin(connection.scope, parts_of(connection).settings.access.trusted_proxies)


def is_secure(connection: HTTPConnection) -> bool:
    """True if the browser uses https, to us or to a trusted proxy."""
    return over_https(connection.scope, parts_of(connection).settings.access.trusted_proxies)


def session_key(headers: Mapping[bytes, bytes], *, secure: bool) -> str | None:
    """The key of a session from the cookie.

    Over https only the `__Host-` cookie counts: a neighbouring site could set the other one and log the browser in as
    somebody else.
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


def over_https(scope: Scope, proxies: Sequence[str]) -> bool:
    """True if the browser uses https, to us or to a trusted proxy."""
    if scope["scheme"] in ("https", "wss"):
        return True
    if not proxies:
        return False
    told = _told(scope, b"x-forwarded-proto").rpartition(",")[2].strip().lower()
    return told in ("https", "wss") and _is_within(_peer(scope), proxies)


def forwarded_host(scope: Scope, proxies: Sequence[str]) -> str:
    """The host name that a trusted proxy reports, in lower case; else empty."""
    if not proxies or not _is_within(_peer(scope), proxies):
        return ""
    return _told(scope, b"x-forwarded-host").rpartition(",")[2].strip().lower()


def forwarded_prefix(scope: Scope, proxies: Sequence[str]) -> str:
    """The path that a trusted proxy serves this host at; empty when none tells it."""
    if not proxies or scope["type"] == "lifespan" or not _is_within(_peer(scope), proxies):
        return ""
    return _told(scope, b"x-forwarded-prefix").rpartition(",")[2].strip()


def live_protocol(connection: HTTPConnection) -> str | None:
    """The protocol to accept a WebSocket with: ours if a page asked for it, else None."""
    return LIVE if LIVE in _protocols(dict(connection.scope["headers"])) else None


def of_owner(app: ASGIApp) -> ASGIApp:
    """The application for connections that belong to the owner according to the operating system.

    A request that names a command of `omnicore` is recorded as that command of the person at the terminal.
    """

    async def named(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "lifespan":
            command = next((value for name, value in scope["headers"] if name == b"omnicore-command"), None)
            scope[NAMED] = OWNER if command is None else Principal(_person(), Role.admin, "cli")
            scope[COMMAND] = None if command is None else command.decode("latin-1")[:_LONGEST_COMMAND]
        await app(scope, receive, send)

    return named


def _person() -> str:
    """The person at the terminal: the user of this process."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # a user id without a name, as in containers
        return str(os.getuid())


class OpenPaths:
    """The operations that need no login, by method and path."""

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
    """Finds the principal of a request.

    With `access.open`, requests from this machine need no proof as long as there is no user, no token is set and
    the host listens on loopback only.
    """

    def __init__(self, settings: Settings, access: Access | None, fleet: Fleet | None = None) -> None:
        """Raises: InvalidSetting: a trusted proxy is not an address."""
        self._settings, self._access, self.fleet = settings, access, fleet
        self._token = settings.token.encode() if settings.token else None
        self._unproven = settings.access.open and self._token is None and _is_loopback(settings.host.strip("[]"))
        _networks(settings.access.trusted_proxies)
        if self._unproven:
            _log.warning(
                "access.open is set: until the first user is made, whoever is on this machine may do everything"
            )

    async def recognise(self, scope: Scope, headers: Mapping[bytes, bytes], *, quiet: bool = False) -> Principal | None:
        """The principal, or None. Raises: RefusalError: 403, a page sends a request without its CSRF token.

        Args:
            quiet: does not count as a use and changes nothing.
        """
        named: Principal | None = scope.get(NAMED)
        if named is not None:
            return named
        scheme, _, given = headers.get(b"authorization", b"").partition(b" ")
        if scheme.lower() == b"bearer":  # other schemes are for a proxy before us
            return await self._bearer(given.strip(), quiet)
        if scheme.lower() == _HOST_SCHEME and self.fleet is not None:
            return await self._host(self.fleet, scope, given)
        key = session_key(headers, secure=self.is_secure(scope)) if self._access is not None else None
        if key is not None and self._access is not None:
            principal = await self._access.recognition.principal(key, quiet=quiet)
            if principal is not None:
                if not quiet:
                    _check_csrf(scope, headers, key)
                return principal
        return LOCAL if self._unproven and await self._is_local(scope, headers) else None

    def turn(self) -> int:
        """A number that changes when the rights of somebody may have changed."""
        return 0 if self._access is None else self._access.recognition.turn

    def is_secure(self, scope: Scope) -> bool:
        """True if the browser uses https, to us or to a trusted proxy."""
        return over_https(scope, self._settings.access.trusted_proxies)

    async def _host(self, fleet: Fleet, scope: Scope, given: bytes) -> Principal | None:
        """Another host of the fleet, which may read what concerns the fleet."""
        query = scope["query_string"].decode("latin-1")
        target = f"{scope['path']}?{query}" if query else scope["path"]
        method = scope.get("method", "")
        if method != "GET":
            return None  # a signature covers no body
        host = await fleet.sender(method, target, given.decode("latin-1").strip())
        return None if host is None else Principal(host.name, Role.operator, "host", scopes=_OF_HOSTS, key=host.id)

    async def _bearer(self, value: bytes, quiet: bool) -> Principal | None:
        if self._token is not None and hmac.compare_digest(value, self._token):
            return SETTING
        if self._access is None or not value.isascii():
            return None
        return await self._access.bearer(value.decode("ascii"), quiet=quiet)

    async def _is_local(self, scope: Scope, headers: Mapping[bytes, bytes]) -> bool:
        """True for a request that starts on this machine, not one that a proxy of ours forwards."""
        # nginx says nothing of itself unless it is told to, but speaks HTTP/1.0, which nobody else does any more.
        if scope.get("http_version") == "1.0" or not _BY_PROXIES.isdisjoint(headers):
            proxies = self._settings.access.trusted_proxies
            if b"x-forwarded-for" not in headers or not proxies or not _is_loopback(_origin(scope, proxies)):
                return False
        if not _is_loopback(_peer(scope)):
            return False
        return self._access is None or not await self._access.recognition.has_users()


class Allowed:
    """A route application for callers with the required role."""

    def __init__(self, app: ASGIApp, operation: Operation) -> None:
        self._app, self._operation = app, operation

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        check_allowed(scope, self._operation)
        with scope["app"].state.parts.host.callers.of(scope.get("principal")):
            await self._app(scope, receive, send)


def check_allowed(scope: Scope, operation: Operation) -> None:
    """Notes the operation in the scope. Raises: RefusalError: 401 for nobody, 403 without the role."""
    scope["operation"] = operation
    if operation.body_bytes is not None:
        scope["exchange"].body.narrow(operation.body_bytes)
    if not operation.open:
        principal: Principal | None = scope.get("principal")
        if principal is None:
            raise unauthenticated()
        plugin = scope["path_params"].get("plugin") if "path_params" in scope else None
        check_role(principal, operation.role, tag=operation.tag, plugin=plugin)


def may_go_on(scope: Scope, principal: Principal | None) -> bool:
    """True if the holder of a connection still has the right to it and is the same principal."""
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
    """The refusal of a request without a known principal."""
    return RefusalError(
        Problem(
            401,
            "unauthenticated",
            "nobody is known by what this request carries",
            "log in, or send an API token: `Authorization: Bearer TOKEN`; `omnicore auth` prints the owner's",
            headers=((b"www-authenticate", b'Bearer realm="omnicore"'),),
        )
    )


def _forbidden(fact: str, remedy: str, *, needs: Role, **details: Any) -> RefusalError:
    return RefusalError(Problem(403, "forbidden", fact, remedy, details={"needs": needs.name, **details}))


def _check_csrf(scope: Scope, headers: Mapping[bytes, bytes], key: str) -> None:
    """Checks the CSRF token. Any page can make a browser send the cookie; only ours can read the token."""
    if scope["type"] == "websocket":
        given = [one.removeprefix(_PROOF).encode() for one in _protocols(headers) if one.startswith(_PROOF)]
        remedy = f"open it with the protocols `{LIVE}` and `{_PROOF}` before `csrf` of GET /api/v1/session"
    elif scope["method"] in ("GET", "HEAD", "OPTIONS"):
        return
    else:
        given = [headers.get(b"x-csrf-token", b"")]
        remedy = "send the header x-csrf-token with `csrf` of GET /api/v1/session"
    if any(hmac.compare_digest(one, csrf_of(key).encode()) for one in given):
        return
    fact = "the request carries a session's cookie without its CSRF token"
    raise RefusalError(Problem(403, "wrong-csrf", fact, remedy))


def _protocols(headers: Mapping[bytes, bytes]) -> list[str]:
    """The protocols that a WebSocket asks for, of a bounded header."""
    listed = headers.get(b"sec-websocket-protocol", b"")[:_LONGEST_COOKIE].decode("latin-1")
    return [one.strip() for one in listed.split(",")]


def _origin(scope: Scope, proxies: Sequence[str]) -> str:
    """The nearest address that is not a trusted proxy. Anybody may have written what stands to the left of it."""
    peer = _peer(scope)
    forwarded = _told(scope, b"x-forwarded-for") if proxies else ""
    for told in reversed(forwarded[-4096:].split(",")) if forwarded else ():
        if not _is_within(peer, proxies):
            break
        peer = told.strip()
    return peer[:_LONGEST_ADDRESS]


def _told(scope: Scope, name: bytes) -> str:
    """All values of a header, the nearest proxy's last: some proxies add a line of their own."""
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
