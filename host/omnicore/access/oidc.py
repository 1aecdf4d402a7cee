"""Login through an OpenID provider: the code flow with PKCE, and roles from claims.

Source: OpenID Connect Core 1.0, section 3.1; RFC 7636; RFC 9700, section 2.1.
"""

from __future__ import annotations

import base64
import hmac
import json
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlencode, urlsplit

from omnicore.access.principal import Role
from omnicore.clock import Clock
from omnicore.config.settings import OidcSettings
from omnicore.errors import InvalidSetting, OmniError, ServiceRefused, WrongCredentials
from omnicore.optional import optional
from omnicore.sandbox.abi import HttpRequest, HttpSend

_ALGORITHMS = ["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"]
_EXTRA = "oidc"
_DOCUMENT = "/.well-known/openid-configuration"
_MOST_BYTES = 256 * 1024
_KEPT_S = 3600.0
_KEYS_AGAIN_S = 60.0
_LEEWAY_S = 60
_LONGEST_SUBJECT = 255


@dataclass(frozen=True, slots=True)
class Pending:
    """A login on its way: what only the browser that began it knows."""

    state: str
    nonce: str
    verifier: str

    @classmethod
    def new(cls, chance: Callable[[int], str] = secrets.token_urlsafe) -> Pending:
        """One that nobody can guess."""
        return cls(chance(24), chance(24), chance(48))

    def written(self) -> str:
        """As a cookie's value."""
        return f"{self.state}.{self.nonce}.{self.verifier}"

    @classmethod
    def read(cls, text: str) -> Pending | None:
        """From a cookie's value."""
        parts = text.split(".")
        return cls(*parts) if len(parts) == 3 and all(parts) else None


@dataclass(frozen=True, slots=True)
class Vouched:
    """Somebody whom the provider knows, and the role that the settings give to such."""

    subject: str
    name: str
    role: Role


def role_of(claims: Mapping[str, Any], settings: OidcSettings) -> Role | None:
    """The highest role that a value of the role claim gives; None: no access. Raises: InvalidSetting."""
    given = claims.get(settings.role_claim)
    values = {one for one in (given if isinstance(given, list) else [given]) if isinstance(one, str)}
    found = [role for value, role in map(_rule, settings.roles) if value in values]
    if found:
        return max(found)
    return None if settings.default_role == "none" else Role[settings.default_role]


def vouched(claims: Mapping[str, Any], settings: OidcSettings) -> Vouched:
    """The person that verified claims describe. Raises: WrongCredentials: not allowed to log in; InvalidSetting."""
    subject, name = claims.get("sub"), claims.get(settings.name_claim)
    if not isinstance(subject, str) or not 0 < len(subject) <= _LONGEST_SUBJECT or not isinstance(name, str):
        raise _refused(f"the provider does not tell {settings.name_claim}")
    if (settings.domains or settings.name_claim == "email") and not _is_from(claims, settings.domains):
        raise _refused("the e-mail address is not verified, or of a domain that may not come in")
    role = role_of(claims, settings)
    if role is None:
        raise _refused("no role is meant for this person")
    return Vouched(f"{settings.issuer} {subject}", name, role)


class Oidc:
    """A provider, asked when somebody logs in. What it publishes about itself is kept for an hour.

    Args:
        send: sends a request within bounds.
    """

    def __init__(self, settings: OidcSettings, send: HttpSend, clock: Clock) -> None:
        self._settings, self._send, self._clock = settings, send, clock
        self._kept: dict[str, tuple[Any, float]] = {}

    async def address(self, pending: Pending, redirect: str) -> str:
        """The address to which the browser goes to log in. Raises: what asking the provider raises."""
        challenge = optional("authlib.oauth2.rfc7636", extra=_EXTRA).create_s256_code_challenge(pending.verifier)
        asked = {
            "response_type": "code",
            "client_id": self._settings.client_id,
            "redirect_uri": redirect,
            "scope": " ".join(self._settings.scopes),
            "state": pending.state,
            "nonce": pending.nonce,
            "code_challenge": challenge,
            "code_challenge_method": "S256",
        }
        endpoint = await self._endpoint("authorization_endpoint")
        return f"{endpoint}{'&' if '?' in endpoint else '?'}{urlencode(asked)}"

    async def finish(self, pending: Pending, *, state: str, code: str, redirect: str) -> Vouched:
        """The person that the provider sent back.

        Raises: WrongCredentials: nobody who may come in; ServiceRefused, InvalidSetting, ToolMissing, and what asking
        the provider raises.
        """
        if not hmac.compare_digest(state.encode(), pending.state.encode()):
            raise _refused("the answer belongs to another login")
        claims = await self._claims(await self._id_token(code, pending, redirect), pending.nonce)
        return vouched(claims, self._settings)

    async def _id_token(self, code: str, pending: Pending, redirect: str) -> str:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": redirect,
            "code_verifier": pending.verifier,
            "client_id": self._settings.client_id,
        }
        headers = {"content-type": "application/x-www-form-urlencoded", "accept": "application/json"}
        if self._settings.client_secret:
            headers["authorization"] = _basic(self._settings.client_id, self._settings.client_secret)
        url = await self._endpoint("token_endpoint")
        answer = await self._asked("POST", url, headers, urlencode(form).encode())
        token = answer.get("id_token")
        if not isinstance(token, str):
            raise self._fault("sent no id_token")
        return token

    async def _claims(self, token: str, nonce: str) -> Mapping[str, Any]:
        """The claims of an ID token whose signature, issuer, audience, time and nonce are right."""
        jwt, jose = optional("joserfc.jwt", extra=_EXTRA), optional("joserfc.errors", extra=_EXTRA)
        claims_kind = optional("authlib.oidc.core", extra=_EXTRA).CodeIDToken
        try:
            try:
                found = jwt.decode(token, await self._keys(), algorithms=_ALGORITHMS)
            except (jose.JoseError, ValueError):
                # The provider may have new keys since.
                found = jwt.decode(token, await self._keys(again=True), algorithms=_ALGORITHMS)
            options = {
                "iss": {"essential": True, "value": self._settings.issuer},
                "aud": {"essential": True, "value": self._settings.client_id},
            }
            params = {"nonce": nonce, "client_id": self._settings.client_id}
            claims = claims_kind(found.claims, found.header, options, params)
            claims.validate(now=int(self._clock.now()), leeway=_LEEWAY_S)
        except OmniError:
            raise
        except Exception as error:  # two libraries, each with errors of its own
            raise _refused("the provider's token is not valid") from error
        return dict(found.claims)

    async def _keys(self, *, again: bool = False) -> Any:
        url = await self._endpoint("jwks_uri")
        document = await self._known(url, _KEYS_AGAIN_S if again else _KEPT_S)
        return optional("joserfc.jwk", extra=_EXTRA).KeySet.import_key_set(document)

    async def _endpoint(self, name: str) -> str:
        issuer = self._settings.issuer or ""
        about = await self._known(issuer.rstrip("/") + _DOCUMENT, _KEPT_S)
        if about.get("issuer") != issuer:
            raise self._fault("calls itself by another name than the setting access.oidc.issuer")
        url = about.get(name)
        if not isinstance(url, str) or not _is_safe(url):
            raise self._fault(f"has no {name} that can be used")
        return url

    async def _known(self, url: str, most_s: float) -> Mapping[str, Any]:
        """A document of the provider, not older than `most_s`."""
        if not _is_safe(url):
            raise InvalidSetting(
                "the OpenID provider is not reached over https",
                remedy="correct access.oidc.issuer; http is for this machine only",
                setting="access.oidc.issuer",
            )
        kept, now = self._kept.get(url), self._clock.monotonic()
        if kept is not None and now - kept[1] < most_s:
            return dict(kept[0])
        document = await self._asked("GET", url, {"accept": "application/json"}, b"")
        if len(self._kept) > 8:
            self._kept.clear()
        self._kept[url] = (document, now)
        return document

    async def _asked(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
        request = HttpRequest(method, url, headers, body, timeout_s=self._settings.timeout_s, max_bytes=_MOST_BYTES)
        answer = await self._send(request)
        try:
            document = json.loads(answer.body)
        except (ValueError, RecursionError) as error:
            raise self._fault(f"answered {answer.status} without JSON") from error
        if answer.status != 200 or not isinstance(document, dict):
            if method == "POST" and 400 <= answer.status < 500:
                raise _refused("the provider does not know this login any more")
            raise self._fault(f"answered {answer.status}")
        return document

    def _fault(self, what: str) -> ServiceRefused:
        return ServiceRefused(
            f"the OpenID provider {what}", remedy="correct the settings access.oidc", service="oidc", status=502
        )


def _rule(text: str) -> tuple[str, Role]:
    value, arrow, role = text.rpartition("->")
    if not arrow or role.strip() not in Role.__members__:
        raise InvalidSetting(
            f"access.oidc.roles has {text[:80]!r}", remedy="write `VALUE -> ROLE`", setting="access.oidc.roles"
        )
    return value.strip(), Role[role.strip()]


def _is_from(claims: Mapping[str, Any], domains: tuple[str, ...]) -> bool:
    address = claims.get("email")
    if not isinstance(address, str) or claims.get("email_verified") is not True:
        return False
    return not domains or address.rpartition("@")[2].lower() in {one.lower() for one in domains}


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    here = parts.hostname in ("localhost", "127.0.0.1", "::1")
    return parts.scheme == "https" or (parts.scheme == "http" and here)


def _basic(name: str, secret: str) -> str:
    # RFC 6749, section 2.3.1: each is encoded as in a form first.
    both = f"{quote(name, safe='')}:{quote(secret, safe='')}"
    return f"Basic {base64.b64encode(both.encode()).decode()}"


def _refused(fact: str) -> WrongCredentials:
    return WrongCredentials(fact, remedy="log in again, or ask an admin")
