"""A JSON service as a table of endpoints: each action is a method, a path with places, and a schema.

A request shows its credential as bearer, basic, a header, a parameter, or a fetched OAuth 2 token.
"""

from __future__ import annotations

import asyncio
import base64
import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Protocol
from urllib.parse import parse_qsl, quote, urlencode

from omnicore.connectors.addresses import join
from omnicore.connectors.http import HttpSession, ServiceAnswer, base_url
from omnicore.connectors.kind import Action, Opening, malformed, number, obj, of_status, temporary, text
from omnicore.errors import InvalidInput, OmniError, ServiceRefused

if TYPE_CHECKING:
    from omnicore.clock import Clock


AUTHS = ("none", "bearer", "basic", "header", "query", "oauth2")
_EARLY_S = 30.0  # a token is not used in its last seconds: it could end on the way
_SHORTEST_S = 60.0


class Auth(Protocol):
    """Gives what a request must carry."""

    async def headers(self) -> Mapping[str, str]:
        """Header fields, lower case. Raises: ServiceRefused, Unavailable."""

    def query(self) -> Mapping[str, str]:
        """Parameters of the query."""

    def refused(self) -> bool:
        """Tells that the service did not take it; whether another try could go better."""

    async def close(self) -> None:
        """Lets connections go."""


@dataclass(frozen=True, slots=True)
class FixedAuth:
    """A credential that stays the same."""

    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    parameters: Mapping[str, str] = field(default_factory=dict, repr=False)

    async def headers(self) -> Mapping[str, str]:
        """Header fields."""
        return self.fields

    def query(self) -> Mapping[str, str]:
        """Parameters of the query."""
        return self.parameters

    def refused(self) -> bool:
        """It will be the same the next time."""
        return False

    async def close(self) -> None:
        """Holds nothing."""


class OAuth2:
    """A token is fetched, kept until shortly before its end, and fetched once at a time.

    It is asked for with the refresh token where the credentials have one, else with the client's own credentials. A
    service that gives another refresh token each time is asked with the newest one until the connector is opened again.
    Credentials that stay the same are shown `beside` it.

    Source: RFC 6749, sections 4.4 and 6.
    """

    def __init__(
        self,
        session: HttpSession,
        credentials: Mapping[str, str],
        *,
        scope: str,
        clock: Clock,
        hide: Callable[[str], None],
        beside: FixedAuth | None = None,
    ) -> None:
        self._beside = beside or FixedAuth()
        self._session = session
        self._credentials = credentials
        self._scope = scope
        self._clock = clock
        self._hide = hide
        self._lock = asyncio.Lock()
        self._token = ""
        self._refresh = credentials.get("refresh_token", "")
        self._until = 0.0

    async def headers(self) -> Mapping[str, str]:
        """The token, fetched when there is none that lasts."""
        async with self._lock:
            if not self._token or self._clock.monotonic() >= self._until:
                await self._fetch()
            return {**self._beside.fields, "authorization": f"Bearer {self._token}"}

    def query(self) -> Mapping[str, str]:
        """Parameters that are shown beside the token."""
        return self._beside.parameters

    def refused(self) -> bool:
        """Forgets the token; another may be taken."""
        had, self._token = bool(self._token), ""
        return had

    async def close(self) -> None:
        """Closes the connections to the token's server."""
        await self._session.close()

    async def _fetch(self) -> None:
        grant = {"grant_type": "refresh_token", "refresh_token": self._refresh}
        form = grant if self._refresh else {"grant_type": "client_credentials"}
        form |= {"scope": self._scope} if self._scope else {}
        user = quote(self._credentials["client_id"], safe="")
        password = quote(self._credentials["client_secret"], safe="")
        answer = await self._session.send(
            "POST",
            "",
            headers={
                "authorization": _basic(user, password),
                "content-type": "application/x-www-form-urlencoded",
                "accept": "application/json",
            },
            body=urlencode(form).encode(),
        )
        host = self._session.base.host
        document = _document(answer.body)
        if answer.status >= 400:
            code = str(document.get("error", ""))[:80]
            status = 401 if answer.status == 400 else answer.status  # it says 400 to a wrong client
            raise of_status(host, status, answer.headers, code, now=self._clock.now(), code=code)
        token, lasts = document.get("access_token"), document.get("expires_in", 3600)
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable():
            raise temporary(f"{host} gave no token")
        self._hide(token)
        renewed = document.get("refresh_token")
        if self._refresh and isinstance(renewed, str) and renewed:
            self._hide(renewed)
            self._refresh = renewed
        seconds = float(lasts) if isinstance(lasts, (int, float)) and 0 < lasts < 1e9 else 3600.0
        self._token = token
        self._until = self._clock.monotonic() + max(seconds - _EARLY_S, min(seconds, _SHORTEST_S) / 2)


def make_auth(
    config: Mapping[str, Any],
    credentials: Mapping[str, str],
    *,
    token_session: Callable[[str], HttpSession],
    clock: Clock,
    hide: Callable[[str], None],
) -> Auth:
    """The way of `config["auth"]` with these credentials. Raises: InvalidInput: one of them is missing."""
    way = config.get("auth", "none")
    check_needs(way, credentials)
    if way == "oauth2":
        session = token_session(config["token_url"])
        return OAuth2(session, credentials, scope=config.get("scope", ""), clock=clock, hide=hide)
    token = credentials.get("token", "")
    if way == "bearer":
        return FixedAuth({"authorization": f"Bearer {token}"})
    if way == "basic":
        basic = _basic(credentials["user"], credentials["password"])
        hide(basic.removeprefix("Basic "))
        return FixedAuth({"authorization": basic})
    if way == "header":
        return FixedAuth({config.get("auth_name", "x-api-key").lower(): token})
    return FixedAuth(parameters={config.get("auth_name", "key"): token} if way == "query" else {})


_NEEDS: Mapping[str, tuple[str, ...]] = {
    "bearer": ("token",),
    "header": ("token",),
    "query": ("token",),
    "basic": ("user", "password"),
    "oauth2": ("client_id", "client_secret"),
}


def check_needs(way: str, credentials: Mapping[str, str]) -> None:
    """Raises: InvalidInput: a credential that this way needs is missing."""
    missing = [name for name in _NEEDS.get(way, ()) if name not in credentials]
    if missing:
        raise InvalidInput(f"auth {way} needs the credential {missing[0]}", remedy=f"give {', '.join(_NEEDS[way])}")


def _basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def _document(body: bytes) -> Mapping[str, Any]:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return document if isinstance(document, dict) else {}


_PLACE = re.compile(r"\{(\w+)\}")
_NEXT = re.compile(r'<([^<>]{1,4096})>\s{0,8};[^,<]*\brel="?next"?', re.IGNORECASE)
_TOLD = ("content-type", "etag", "last-modified", "link", "location", "retry-after", "x-request-id")

BASE: Mapping[str, Any] = {
    "base_url": text("where the service is; a private address must stand here itself", most=2048),
    "private_network": {"type": "boolean", "description": "the name in base_url may lead to a private address"},
}
"""Settings that every web service has."""

LIMIT = number("how many at most", least=1, most=1000)

REQUEST = Action(
    "request",
    "Sends any request to the service and returns its answer.",
    obj(
        "method",
        "path",
        method={"enum": ["GET", "POST", "PUT", "PATCH", "DELETE"]},
        path=text("below base_url, such as /user", most=4096),
        query={"type": "object", "maxProperties": 100},
        body={"description": "any JSON value"},
    ),
    obj("status", "headers", "body", status=number(), headers={"type": "object"}, body={}),
)


@dataclass(frozen=True, slots=True)
class Endpoint:
    """The request that an action becomes.

    Args:
        path: names of the input in braces are put there, percent-encoded.
        query: names of the input that go into the query; all others become the body, a JSON object.
        fixed: members of the body that are always the same.
        rename: names of the input that the service calls otherwise.
    """

    action: Action
    method: str
    path: str
    query: tuple[str, ...] = ()
    fixed: Mapping[str, Any] | None = None
    rename: Mapping[str, str] | None = None


@dataclass(frozen=True, slots=True)
class Failure:
    """The failure that a service's body describes. Units: `retry_after_s` seconds."""

    message: str = ""
    code: str = ""
    retry_after_s: float | None = None


def document_of(answer: ServiceAnswer) -> Any:
    """The JSON of an answer; None when it has no body. Raises: Unavailable: it is no JSON."""
    if not answer.body:
        return None
    try:
        return json.loads(answer.body)
    except (ValueError, RecursionError) as error:
        raise temporary(f"the service answers {answer.status} with something that is no JSON") from error


def failure_of(body: Any) -> Failure:
    """The failure as most services write it: `message`, `error` or `error_description`, and `code`."""
    if not isinstance(body, Mapping):
        return Failure()
    said = body.get("message") or body.get("error_description") or body.get("error") or ""
    if isinstance(said, Mapping):
        said, body = said.get("message", ""), said
    code = body.get("code") or body.get("type") or ""
    message = said if isinstance(said, str) else json.dumps(said)
    return Failure(message, str(code)[:80])


class JsonService:
    """A client of a web service whose answers are JSON."""

    def __init__(
        self,
        name: str,
        session: HttpSession,
        auth: Auth,
        *,
        endpoints: Mapping[str, Endpoint],
        clock: Clock,
        probe: str,
        headers: Mapping[str, str] | None = None,
        prefix: str = "",
        says: Callable[[Any], Failure] = failure_of,
    ) -> None:
        self.name = name
        self.session, self.auth = session, auth
        self._endpoints = endpoints
        self._clock = clock
        self._probe = probe
        self._headers = {"accept": "application/json", **(headers or {})}
        self._prefix = prefix
        self._says = says

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """The result of an action."""
        if action == REQUEST.name:
            return await self.request(given)
        endpoint = self._endpoints[action]
        path, query, body = _split(endpoint, given)
        answer = await self.send(endpoint.method, path, query=query, body=body)
        return document_of(answer)

    async def probe(self) -> None:
        """Asks for something that needs the credential."""
        await self.send("GET", self._probe)

    async def close(self) -> None:
        """Closes the connections."""
        await self.session.close()
        await self.auth.close()

    async def request(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Any request, with what the answer's head says."""
        answer = await self.send(given["method"], given["path"], query=given.get("query"), body=given.get("body"))
        told = {name: value for name, value in answer.headers.items() if name in _TOLD}
        return {"status": answer.status, "headers": told, "body": document_of(answer)}

    async def send(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Any = None,
        headers: Mapping[str, str] | None = None,
    ) -> ServiceAnswer:
        """Sends JSON, or bytes as they are, with the credential. Raises: as `kind.of_status` says."""
        try:
            return await self._once(method, path, query, body, headers or {})
        except ServiceRefused as error:
            if error.details.get("status") != 401 or not self.auth.refused():
                raise
        return await self._once(method, path, query, body, headers or {})

    def fault(self, answer: ServiceAnswer) -> OmniError:
        """The error that an answer of 400 and above means."""
        try:
            said = self._says(json.loads(answer.body))
        except (ValueError, RecursionError):
            said = Failure()
        headers = dict(answer.headers)
        if said.retry_after_s is not None:
            headers["retry-after"] = str(int(said.retry_after_s) + 1)
        return of_status(self.name, answer.status, headers, said.message, now=self._clock.now(), code=said.code)

    async def _once(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Any, more: Mapping[str, str]
    ) -> ServiceAnswer:
        headers = {**self._headers, **more, **await self.auth.headers()}
        data = body if isinstance(body, bytes) else b""
        if body is not None and not isinstance(body, bytes):
            data = json.dumps(body).encode()
            headers["content-type"] = "application/json"
        asked = {**(query or {}), **self.auth.query()}
        answer = await self.session.send(method, self._prefix + path, query=asked, headers=headers, body=data)
        if answer.status >= 400:
            raise self.fault(answer)
        return answer

    def following(self, answer: ServiceAnswer) -> tuple[str, dict[str, Any]] | None:
        """Path and query of the next page, which must lie where this one does; None: the header Link names none."""
        found = _NEXT.search(answer.headers.get("link", "")[:16384])
        if found is None:
            return None
        url, base = join(self.session.base, found[1]), self.session.base
        path, _, query = url.target.partition("?")
        root = base.target.rstrip("/") + self._prefix
        if url.origin != base.origin or not path.startswith(root + "/"):
            raise temporary(f"{self.name} names a next page at another place")
        pairs: dict[str, Any] = {}
        for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=100):
            pairs.setdefault(name, []).append(value)
        return path.removeprefix(root), pairs


def open_session(opening: Opening, usual: str = "") -> HttpSession:
    """The session to the connector's `base_url`. What the operator named may be private; what is usual may not."""
    own = opening.config.get("base_url", "")
    base = base_url(own or usual)
    # JSON of Python is longer than the service's own at most by escapes; the service bounds the output exactly.
    return HttpSession(
        base.url,
        private=(base.private and bool(own)) or bool(opening.config.get("private_network")),
        most_bytes=opening.output_bytes,
        reserved=opening.reserved,
        spelled=base.spelled and bool(own),
        connections=opening.concurrency,
    )


def token_session(opening: Opening, usual: str = "") -> HttpSession:
    """The session to the connector's `token_url`, where tokens come from; as `open_session`."""
    own = opening.config.get("token_url", "")
    base = base_url(own or usual)
    return HttpSession(
        base.url,
        private=(base.private and bool(own)) or bool(opening.config.get("private_network")),
        most_bytes=64 * 1024,
        reserved=opening.reserved,
        spelled=base.spelled and bool(own),
        connections=1,
    )


def _split(endpoint: Endpoint, given: Mapping[str, Any]) -> tuple[str, dict[str, Any], Any]:
    """Path, query and body of a request. Pure."""
    places = set(_PLACE.findall(endpoint.path))
    path = _PLACE.sub(lambda place: placed(place[1], given), endpoint.path)
    names = endpoint.rename or {}
    query = {names.get(name, name): given[name] for name in endpoint.query if name in given}
    rest = {
        names.get(name, name): value
        for name, value in given.items()
        if name not in places and name not in endpoint.query
    }
    body = {**rest, **(endpoint.fixed or {})}
    return path, query, body if body or endpoint.method in ("POST", "PUT", "PATCH") else None


def placed(name: str, given: Mapping[str, Any], raw: tuple[str, ...] = ()) -> str:
    """An input as a part of a path; the slashes of those in `raw` stay. Raises: InvalidInput."""
    value = str(given[name])
    if value in (".", "..") or not value:
        raise malformed(f"{name} cannot be {value!r}")
    return quote(value, safe="/" if name in raw else "")
