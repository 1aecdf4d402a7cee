"""Tokens of OAuth 2 and OpenID Connect, fetched when they are needed and kept until shortly before their end.

Source: RFC 6749; RFC 8693 for the exchange of tokens; RFC 7523 for assertions; OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, urlencode

from omnicore.clock import Clock
from omnicore.errors import InvalidInput
from omnicore.sandbox.abi import KIB, HttpRequest, HttpResponse
from omnicore.workflows.effects.uris import expanded
from omnicore.workflows.effects.values import parse_json
from omnicore.workflows.effects.work import Work
from omnicore.workflows.entries import Fault

__all__ = ["Ask", "Tokens"]

Ask = Callable[[Work, HttpRequest], Awaitable[HttpResponse]]
"""Sends a request to the server of the tokens."""

_MOST = 256
_BYTES = 256 * KIB
_ASK_S = 30.0
_EARLY_S = 30.0  # a token is not used in its last seconds: it could end on the way
_EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
_ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
_GRANTS = ("client_credentials", "password", "refresh_token", _EXCHANGE)
_FORM, _JSON = "application/x-www-form-urlencoded", "application/json"


@dataclass(slots=True)
class _Kept:
    """A token, and who fetches it now."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    token: str = field(default="", repr=False)
    until: float = 0.0


class Tokens:
    """Keeps the last tokens, each for the policy that it was fetched by; on one event loop."""

    def __init__(self, clock: Clock, most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def header(self, scheme: str, values: Mapping[str, Any], work: Work, ask: Ask) -> tuple[bool, str]:
        """Whether the token was kept from before, and the Authorization header.

        Args:
            scheme: `oauth2`, or `oidc`, whose token endpoint is looked up.
            values: the policy with its secrets.
        Raises: Fault: the policy cannot be used, or its server gives no token.
        """
        kept = self._of(_digest(scheme, values))
        async with kept.lock:
            fresh = not kept.token or self._clock.monotonic() >= kept.until
            if fresh:
                kept.token, kept.until = await self._fetch(scheme, values, work, ask)
            work.secrets.hide(kept.token)
            return not fresh, f"Bearer {kept.token}"

    def forget(self, scheme: str, values: Mapping[str, Any]) -> None:
        """Drops the token of a policy: a server did not take it."""
        self._kept.pop(_digest(scheme, values), None)

    def _of(self, digest: str) -> _Kept:
        kept = self._kept.setdefault(digest, _Kept())
        self._kept.move_to_end(digest)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return kept

    async def _fetch(self, scheme: str, values: Mapping[str, Any], work: Work, ask: Ask) -> tuple[str, float]:
        url = await _endpoint(scheme, values, work, ask)
        headers, form = _asked(values, url, now=self._clock.now())
        coding = _table(values, "request").get("encoding", _FORM)
        body = json.dumps(form) if coding == _JSON else urlencode(form)
        headers |= {"content-type": _JSON if coding == _JSON else _FORM, "accept": _JSON}
        answer = await ask(work, HttpRequest("POST", url, headers, body.encode(), work.left_s(_ASK_S), _BYTES))
        if answer.status != 200:
            raise _refused(answer)
        given = _object(answer, "the answer of the token's server")
        token, lasts = given.get("access_token"), given.get("expires_in", 3600)
        if not isinstance(token, str) or not token or not token.isascii() or not token.isprintable() or " " in token:
            raise Fault("authentication", 401, "No token", "the server of the tokens gave none")
        seconds = float(lasts) if isinstance(lasts, (int, float)) and 0 < lasts < 1e9 else 3600.0
        return token, self._clock.monotonic() + max(seconds - _EARLY_S, seconds / 2)


async def _endpoint(scheme: str, values: Mapping[str, Any], work: Work, ask: Ask) -> str:
    """Where tokens are fetched."""
    authority = expanded(_text(values, "authority"), work.input).rstrip("/")
    if scheme == "oauth2":
        path = _table(values, "endpoints").get("token", "/oauth2/token")
        return path if str(path).startswith(("http://", "https://")) else f"{authority}/{str(path).lstrip('/')}"
    url = f"{authority}/.well-known/openid-configuration"
    answer = await ask(work, HttpRequest("GET", url, {"accept": _JSON}, b"", work.left_s(_ASK_S), _BYTES))
    if answer.status != 200:
        raise _refused(answer)
    found = _object(answer, "the configuration of the OpenID provider")
    issuer = found.get("issuer")
    if isinstance(issuer, str) and issuer.rstrip("/") != authority and issuer not in (values.get("issuers") or ()):
        raise Fault("authentication", 401, "Another issuer", f"{authority} says that it is {issuer[:200]}")
    return _text(found, "token_endpoint")


def _asked(values: Mapping[str, Any], url: str, *, now: float) -> tuple[dict[str, str], dict[str, str]]:
    """The headers and the form of a request for a token."""
    grant = values.get("grant", "client_credentials")
    if grant not in _GRANTS:
        raise _unusable(f"the grant {str(grant)[:80]} needs a person at a browser; use {_GRANTS[0]}")
    form = {"grant_type": grant}
    for name, member in (("scopes", "scope"), ("audiences", "audience")):
        found = values.get(name)
        if isinstance(found, (list, tuple)) and found:
            form[member] = " ".join(map(str, found))
    if grant == "password":
        form |= {"username": _text(values, "username"), "password": _text(values, "password")}
    elif grant == "refresh_token":
        form["refresh_token"] = _text(_table(values, "subject"), "token")
    elif grant == _EXCHANGE:
        for name in ("subject", "actor"):
            if name == "subject" or name in values:
                about = _table(values, name)
                form |= {f"{name}_token": _text(about, "token"), f"{name}_token_type": _text(about, "type")}
    return _client(_table(values, "client"), form, url, now=now)


def _client(
    client: Mapping[str, Any], form: dict[str, str], url: str, *, now: float
) -> tuple[dict[str, str], dict[str, str]]:
    """How the client says who it is."""
    way = client.get("authentication", "client_secret_post")
    if way == "client_secret_basic":
        login = f"{quote(_text(client, 'id'), safe='')}:{quote(_text(client, 'secret'), safe='')}"
        return {"authorization": "Basic " + base64.b64encode(login.encode()).decode()}, form
    named = {"client_id": _text(client, "id")} if "id" in client else {}
    if way == "none":
        return {}, {**form, **named}
    if way == "client_secret_post":
        secret = {"client_secret": _text(client, "secret")} if "secret" in client else {}
        return {}, {**form, **named, **secret}
    if way == "client_secret_jwt":
        assertion = _signed(_text(client, "id"), _text(client, "secret"), url, now=now)
    elif way == "private_key_jwt":
        assertion = _text(client, "assertion")
    else:
        raise _unusable(f"there is no client authentication {str(way)[:80]}")
    return {}, {**form, **named, "client_assertion_type": _ASSERTION, "client_assertion": assertion}


def _signed(client: str, secret: str, url: str, *, now: float) -> str:
    """A JSON Web Token by which a client shows that it knows its secret. Source: RFC 7519, HS256."""
    claims = {"iss": client, "sub": client, "aud": url, "iat": int(now), "exp": int(now) + 60}
    parts = [{"alg": "HS256", "typ": "JWT"}, {**claims, "jti": secrets.token_hex(16)}]
    text = ".".join(_base64(json.dumps(part, separators=(",", ":")).encode()) for part in parts)
    return f"{text}.{_base64(hmac.digest(secret.encode(), text.encode(), 'sha256'))}"


def _base64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def _digest(scheme: str, values: Mapping[str, Any]) -> str:
    text = json.dumps([scheme, values], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _object(answer: HttpResponse, what: str) -> Mapping[str, Any]:
    try:
        found = parse_json(answer.body, what)
    except InvalidInput as error:
        raise Fault("authentication", 401, "No token", error.fact) from None
    if not isinstance(found, dict):
        raise Fault("authentication", 401, "No token", f"{what} is no object")
    return found


def _refused(answer: HttpResponse) -> Fault:
    """What a token's server says by its code alone; its texts may hold what was sent."""
    try:
        found = json.loads(answer.body)
        code = found.get("error", "") if isinstance(found, dict) else ""
    except (ValueError, RecursionError):
        code = ""
    told = f" {code[:80]}" if isinstance(code, str) and code.isprintable() else ""
    if answer.status >= 500:
        return Fault("communication", answer.status, "No token", f"the server of the tokens failed{told}")
    return Fault("authentication", 401, "No token", f"the server of the tokens answers {answer.status}{told}")


def _table(values: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    found = values.get(name)
    if found is None:
        return {}
    if not isinstance(found, Mapping):
        raise _unusable(f"{name} is no object")
    return found


def _text(values: Mapping[str, Any], name: str) -> str:
    found = values.get(name)
    if not isinstance(found, str) or not found:
        raise _unusable(f"the policy has no {name}")
    return found


def _unusable(detail: str) -> Fault:
    return Fault("configuration", 400, "Authentication unusable", detail)
