"""How a request of a workflow shows who it is from: basic, bearer, digest, OAuth 2, OpenID Connect.

Source: DSL 1.0.3, authentication; RFC 7617, RFC 6750, RFC 7616.
"""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from omnicore.connectors.urls import parse_url
from omnicore.errors import InvalidInput
from omnicore.sandbox.abi import HttpRequest
from omnicore.workflows.effects.oauth import Ask, Tokens
from omnicore.workflows.effects.work import Work
from omnicore.workflows.entries import Fault

__all__ = ["Credential", "digest_answer", "open_credential"]

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
    """What a request carries; at most one of the fields is there.

    Args:
        digest: user and password for the answer to a challenge.
        renew: fetches another token, for a server that does not take the one that was kept.
    """

    headers: Mapping[str, str] = field(default_factory=dict, repr=False)
    digest: tuple[str, str] | None = field(default=None, repr=False)
    renew: Callable[[], Awaitable[Mapping[str, str]]] | None = None


async def open_credential(given: Mapping[str, Any] | None, work: Work, tokens: Tokens, ask: Ask) -> Credential:
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
        return Credential({"authorization": f"Bearer {_text(values, 'token', scheme)}"})
    user, password = _text(values, "username", scheme), _text(values, "password", scheme, empty=True)
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


def _opened(scheme: str, given: Any, work: Work) -> Mapping[str, Any]:
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


def _text(values: Mapping[str, Any], name: str, scheme: str, *, empty: bool = False) -> str:
    value = values.get(name)
    if not isinstance(value, str) or not (value or empty):
        raise _unusable(f"{scheme} has no {name}")
    if _UNFIT.search(value):
        raise InvalidInput(f"the {name} of {scheme} holds control characters", remedy="correct it")
    return value


def _unusable(detail: str) -> Fault:
    return Fault("configuration", 400, "Authentication unusable", detail)
