"""Authentication of a workflow's requests: basic, bearer, digest, OAuth 2, OpenID Connect.

Tokens are fetched when they are needed and kept until shortly before they expire.

Source: DSL 1.0.3, authentication; RFC 7617, RFC 6750, RFC 7616; RFC 6749, RFC 8693 (token exchange), RFC 7523
(assertions); OpenID Connect Discovery 1.0.
"""

from __future__ import annotations

import asyncio
import base64
import hashlib
import hmac
import json
import re
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urlencode

from omnicore.connectors.addresses import parse_url
from omnicore.errors import InvalidInput
from omnicore.sandbox.abi import KIB, HttpRequest, HttpResponse
from omnicore.workflows.faults import Fault
from omnicore.workflows.steps.step import StepWork, expanded, parse_json

if TYPE_CHECKING:
    from omnicore.clock import Clock


Ask = Callable[[StepWork, HttpRequest], Awaitable[HttpResponse]]
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


class TokenCache:
    """Keeps the last tokens, each for the policy that it was fetched by; on one event loop."""

    def __init__(self, clock: Clock, most: int = _MOST) -> None:
        self._clock = clock
        self._most = most
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def header(self, scheme: str, values: Mapping[str, Any], work: StepWork, ask: Ask) -> tuple[bool, str]:
        """True if the token came from the cache, and the Authorization header.

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

    async def _fetch(self, scheme: str, values: Mapping[str, Any], work: StepWork, ask: Ask) -> tuple[str, float]:
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


async def _endpoint(scheme: str, values: Mapping[str, Any], work: StepWork, ask: Ask) -> str:
    """The endpoint that issues tokens."""
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
    """The client's own authentication."""
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
    """The refusal of a token server by its code alone; its texts may contain what was sent."""
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


_SCHEMES = ("basic", "bearer", "digest", "oauth2", "oidc")
_HASHES: Mapping[str, Callable[[bytes], Any]] = {
    "MD5": hashlib.md5,
    "MD5-SESS": hashlib.md5,
    "SHA-256": hashlib.sha256,
    "SHA-256-SESS": hashlib.sha256,
}
_CHALLENGE = re.compile(r"(?:^|,)\s*digest\s+(.*)", re.IGNORECASE | re.DOTALL)
_PART = re.compile(r"""([A-Za-z-]{1,40})\s*=\s*(?:"((?:[^"\\]|\\.){0,2000})"|([^\s,"]{1,2000}))\s*(?:,|$)""")
_UNFIT = re.compile("[\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Credential:
    """Credentials of a request; at most one of the fields is set.

    Args:
        digest: user and password for the answer to a challenge.
        renew: fetches another token, for a server that does not take the one that was kept.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: tuple[str, str] | None = field(default=None, repr=False)
    renew: Callable[[], Awaitable[Mapping[str, str]]] | None = None


async def open_credential(given: Mapping[str, Any] | None, work: StepWork, tokens: TokenCache, ask: Ask) -> Credential:
    """The credential of an authentication policy.

    `use` within a scheme names a secret: JSON of the scheme's own members, or a plain text, which is the token of
    `bearer` and `user:password` of `basic` and `digest`.

    Raises: Fault: the policy cannot be used, or no token was given for it.
    """
    if not given:
        return Credential()
    scheme = next((name for name in _SCHEMES if given.get(name) is not None), None)
    if scheme is None:
        raise _unusable(f"there is no authentication by {', '.join(sorted(map(str, given)))[:80]}")
    values = _opened(scheme, given[scheme], work)
    if scheme in ("oauth2", "oidc"):
        kept, header = await tokens.header(scheme, values, work, ask)
        if not kept:
            return Credential({"authorization": header})

        async def renew() -> Mapping[str, str]:
            tokens.forget(scheme, values)
            return {"authorization": (await tokens.header(scheme, values, work, ask))[1]}

        return Credential({"authorization": header}, renew=renew)
    if scheme == "bearer":
        return Credential({"authorization": f"Bearer {_credential(values, 'token', scheme)}"})
    user, password = (
        _credential(values, "username", scheme),
        _credential(values, "password", scheme, empty=True),
    )
    if scheme == "digest":
        return Credential(digest=(user, password))
    if ":" in user:
        raise _unusable("the user of basic authentication has a colon in its name")
    return Credential({"authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()})


def digest_answer(login: tuple[str, str], request: HttpRequest, challenge: str, nonce: str = "") -> str:
    """The Authorization header that answers a challenge. Source: RFC 7616, 3.4.

    Args: nonce: the client's own, a random one by default.
    Raises: Fault: there is no challenge that can be answered.
    """
    found = _CHALLENGE.search(challenge)
    parts = {name.lower(): quoted or plain for name, quoted, plain in _PART.findall(found[1])} if found else {}
    algorithm = parts.get("algorithm", "MD5").upper()
    offers = [one.strip() for one in parts.get("qop", "").split(",")]
    fits = algorithm in _HASHES and {"realm", "nonce"} <= parts.keys() and (offers == [""] or "auth" in offers)
    if not fits:
        raise Fault("authentication", 401, "No digest challenge", "the server asks for no digest that can be answered")
    url, own = parse_url(request.url), nonce or secrets.token_hex(16)
    realm, theirs = parts["realm"], parts["nonce"]

    def hashed(text: str) -> str:
        return str(_HASHES[algorithm](text.encode()).hexdigest())

    who = hashed(f"{login[0]}:{realm}:{login[1]}")
    who = hashed(f"{who}:{theirs}:{own}") if algorithm.endswith("-SESS") else who
    what = hashed(f"{request.method}:{url.target}")
    quality = "auth" in offers
    proof = hashed(f"{who}:{theirs}:00000001:{own}:auth:{what}" if quality else f"{who}:{theirs}:{what}")
    fields = {"username": login[0], "realm": realm, "nonce": theirs, "uri": url.target, "response": proof}
    fields |= {"opaque": parts["opaque"]} if "opaque" in parts else {}
    written = [f'{name}="{_quoted(value)}"' for name, value in fields.items()] + [f"algorithm={algorithm}"]
    if quality:
        written += ["qop=auth", "nc=00000001", f'cnonce="{own}"']
    return "Digest " + ", ".join(written)


def _quoted(value: str) -> str:
    return _UNFIT.sub("", value).replace("\\", "\\\\").replace('"', '\\"')


def _opened(scheme: str, given: Any, work: StepWork) -> Mapping[str, Any]:
    """The scheme's members with their secrets, which are hidden from here on in every form."""
    if not isinstance(given, Mapping):
        raise _unusable(f"{scheme} is no object")
    if "use" not in given:
        opened: Mapping[str, Any] = work.secrets.put(dict(given))
        return opened
    name = given["use"]
    stands = work.run.secrets.get(name) if isinstance(name, str) else None
    if stands is None:
        raise _unusable(f"{scheme} uses the secret {str(name)[:80]!r}, which use.secrets does not name")
    values = _members(scheme, str(work.secrets.put(stands)))
    work.secrets.hide(*_texts(values))
    return values


def _members(scheme: str, secret: str) -> Mapping[str, Any]:
    try:
        values = json.loads(secret)
    except (ValueError, RecursionError):
        values = None
    if isinstance(values, dict):
        return values
    if scheme == "bearer":
        return {"token": secret}
    user, colon, password = secret.partition(":")
    if colon and scheme in ("basic", "digest"):
        return {"username": user, "password": password}
    raise _unusable(f"the secret of {scheme} is no JSON object with its members")


def _texts(values: Any) -> list[str]:
    """Texts that may be secrets: not those that name a grant, an address or a user."""
    if isinstance(values, Mapping):
        return [text for name, one in values.items() if name not in _PUBLIC for text in _texts(one)]
    return [values] if isinstance(values, str) else []


_PUBLIC = frozenset(
    {"authority", "grant", "scopes", "audiences", "issuers", "endpoints", "request", "username", "id", "authentication"}
)


def _credential(values: Mapping[str, Any], name: str, scheme: str, *, empty: bool = False) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not (value or empty):
        raise _unusable(f"{scheme} has no {name}")
    if _UNFIT.search(value):
        raise InvalidInput(f"the {name} of {scheme} holds control characters", remedy="correct it")
    return value
