"""How a request shows its credential: bearer, basic, a header, a parameter, or a token of OAuth 2 that is fetched."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol
from urllib.parse import quote, urlencode

from omnicore.clock import Clock
from omnicore.connectors.faults import of_status, temporary
from omnicore.connectors.session import Session
from omnicore.errors import InvalidInput

__all__ = ["AUTHS", "Auth", "FixedAuth", "OAuth2", "check_needs", "make_auth"]

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
    """The client credentials grant: a token is fetched, kept until shortly before its end, and fetched once at a time.

    Source: RFC 6749, section 4.4.
    """

    def __init__(
        self, session: Session, credentials: Mapping[str, str], *, scope: str, clock: Clock, hide: Callable[[str], None]
    ) -> None:
        self._session = session
        self._credentials = credentials
        self._scope = scope
        self._clock = clock
        self._hide = hide
        self._lock = asyncio.Lock()
        self._token = ""
        self._until = 0.0

    async def headers(self) -> Mapping[str, str]:
        """The token, fetched when there is none that lasts."""
        async with self._lock:
            if not self._token or self._clock.monotonic() >= self._until:
                await self._fetch()
            return {"authorization": f"Bearer {self._token}"}

    def query(self) -> Mapping[str, str]:
        """Nothing."""
        return {}

    def refused(self) -> bool:
        """Forgets the token; another may be taken."""
        had, self._token = bool(self._token), ""
        return had

    async def close(self) -> None:
        """Closes the connections to the token's server."""
        await self._session.close()

    async def _fetch(self) -> None:
        form = {"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}
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
        seconds = float(lasts) if isinstance(lasts, (int, float)) and 0 < lasts < 1e9 else 3600.0
        self._token = token
        self._until = self._clock.monotonic() + max(seconds - _EARLY_S, min(seconds, _SHORTEST_S) / 2)


def make_auth(
    config: Mapping[str, Any],
    credentials: Mapping[str, str],
    *,
    token_session: Callable[[str], Session],
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
