"""The kind `http`: any web service, with the credential put into each request by the host."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from functools import partial
from typing import Any

from omnicore.clock import Clock
from omnicore.connectors.http import HttpSession, ServiceAnswer
from omnicore.connectors.kind import Action, Kind, Opening, Repeat, malformed, number, obj, of_status, text
from omnicore.connectors.rest import AUTHS, BASE, Auth, check_needs, failure_of, make_auth, open_session, token_session
from omnicore.errors import InvalidInput

_HEADERS = {"type": "object", "maxProperties": 50, "additionalProperties": {"type": "string", "maxLength": 8192}}
_ASKED: dict[str, Any] = {
    "path": text("below base_url, such as /orders/7", least=0, most=4096),
    "query": {"type": "object", "maxProperties": 100},
    "headers": _HEADERS,
}
_SENT: dict[str, Any] = {
    **_ASKED,
    "json": {"description": "any JSON value, sent as application/json"},
    "text": {"type": "string", "description": "sent as it is"},
    "base64": {"type": "string", "description": "bytes"},
    "idempotency_key": text("sent as Idempotency-Key: the request may be repeated", most=255),
}
_GIVEN = obj(
    "status",
    "headers",
    status=number("whatever it is, unless `fail` is asked for"),
    headers={"type": "object"},
    json={"description": "the answer, when it is JSON"},
    text={"type": "string", "description": "the answer, when it is other text"},
    base64={"type": "string", "description": "the answer, when it is neither"},
)
# Not a caller's to set: what shows who asks, and what makes a server see another method or another caller.
HOSTS_OWN = frozenset(
    {
        *("authorization", "cookie", "cookie2", "x-http-method-override", "x-http-method", "x-method-override"),
        *("forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "x-original-url"),
        *("x-rewrite-url", "x-original-host", "x-host"),
    }
)
_UNTOLD = frozenset({"set-cookie", "set-cookie2", "www-authenticate", "proxy-authenticate"})


def _action(method: str, says: str, repeat: Repeat) -> Action:
    members = _ASKED if method in ("GET", "HEAD", "DELETE") else _SENT
    return Action(method.lower(), says, obj("path", **members), _GIVEN, repeat)


ACTIONS = (
    _action("GET", "Reads something.", "always"),
    _action("HEAD", "Reads what the head of an answer says.", "always"),
    _action("POST", "Sends something.", "keyed"),
    _action("PUT", "Puts something in its place.", "always"),
    _action("PATCH", "Changes something.", "keyed"),
    _action("DELETE", "Removes something.", "always"),
)


class _Web:
    def __init__(self, name: str, session: HttpSession, auth: Auth, config: Mapping[str, Any], clock: Clock) -> None:
        self._name = name
        self._session, self._auth = session, auth
        self._fixed = {key.lower(): value for key, value in config.get("headers", {}).items()}
        self._probe_path = config.get("probe", "/")
        self._own = HOSTS_OWN | self._fixed.keys()
        self._clock = clock

    async def call(self, action: str, given: Mapping[str, Any], *, timeout_s: float) -> Any:
        """Sends a request; every status is an answer, but those that say to come back later."""
        answer = await self._send(action.upper(), given)
        if answer.status == 401 and self._auth.refused():
            answer = await self._send(action.upper(), given)
        if answer.status == 429 or answer.status >= 500 or answer.status == 401:
            raise self._fault(answer)
        headers = {name: value for name, value in answer.headers.items() if name not in _UNTOLD}
        return {"status": answer.status, "headers": headers, **_told(answer)}

    async def probe(self) -> None:
        """Any answer will do that takes the credential."""
        answer = await self._send("GET", {"path": self._probe_path})
        if answer.status in (401, 403) or answer.status >= 500:
            raise self._fault(answer)

    async def close(self) -> None:
        """Closes the connections."""
        await self._session.close()
        await self._auth.close()

    async def _send(self, method: str, given: Mapping[str, Any]) -> ServiceAnswer:
        shown = await self._auth.headers()
        headers = {name.lower(): value for name, value in given.get("headers", {}).items()}
        refused = sorted(headers.keys() & (self._own | shown.keys()))
        if refused:
            raise malformed(f"the header {refused[0]} is the connector's own", "leave it out")
        asked = self._auth.query()
        if given.get("query", {}).keys() & asked.keys():
            raise malformed("the query names the connector's own credential", "leave it out")
        body, media = _body(given)
        if media:
            headers.setdefault("content-type", media)
        if key := given.get("idempotency_key"):
            headers["idempotency-key"] = key
        return await self._session.send(
            method,
            given["path"],
            query={**given.get("query", {}), **asked},
            headers={**headers, **self._fixed, **shown},
            body=body,
        )

    def _fault(self, answer: ServiceAnswer) -> Exception:
        try:
            said = failure_of(json.loads(answer.body))
        except (ValueError, RecursionError):
            said = failure_of(None)
        return of_status(self._name, answer.status, answer.headers, said.message, now=self._clock.now(), code=said.code)


def _body(given: Mapping[str, Any]) -> tuple[bytes, str]:
    forms = [form for form in ("json", "text", "base64") if form in given]
    if len(forms) > 1:
        raise malformed(f"there are two bodies, {forms[0]} and {forms[1]}", "send one")
    if not forms:
        return b"", ""
    if forms == ["json"]:
        return json.dumps(given["json"]).encode(), "application/json"
    if forms == ["text"]:
        return given["text"].encode("utf-8", "replace"), "text/plain; charset=utf-8"
    try:
        return base64.b64decode(given["base64"], validate=True), "application/octet-stream"
    except (ValueError, binascii.Error) as error:
        raise malformed("base64 is not base64") from error


def _told(answer: ServiceAnswer) -> dict[str, Any]:
    """The body as its media type says it is; JSON that is none is text."""
    if not answer.body:
        return {}
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    try:
        text = answer.body.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(answer.body).decode()}
    if media == "application/json" or media.endswith("+json"):
        try:
            return {"json": json.loads(text, parse_constant=_no_constant)}
        except (ValueError, RecursionError):
            return {"text": text}
    return {"text": text}


def _no_constant(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _check(config: Mapping[str, Any], credentials: Mapping[str, str]) -> None:
    way = config.get("auth", "none")
    check_needs(way, credentials)
    if way == "oauth2" and "token_url" not in config:
        raise InvalidInput("auth oauth2 needs a token_url", remedy="give the address that tokens come from")


async def _open(opening: Opening) -> _Web:
    session = open_session(opening)

    auth = make_auth(
        opening.config,
        opening.credentials,
        token_session=partial(token_session, opening),
        clock=opening.clock,
        hide=opening.hide,
    )
    return _Web(opening.name, session, auth, opening.config, opening.clock)


KIND = Kind(
    name="http",
    title="HTTP",
    says="Any web service",
    config=obj(
        "base_url",
        **BASE,
        auth={"enum": list(AUTHS), "description": "how the credential is shown"},
        auth_name=text("the header's or the parameter's name", most=100, pattern="^[A-Za-z0-9_-]+$"),
        token_url=text("where oauth2 fetches its tokens", most=2048),
        scope=text("what oauth2 asks for", most=2048),
        headers={**_HEADERS, "description": "sent with every request; no place for secrets"},
        probe=text("the path that a test asks for", most=4096),
    ),
    secrets={
        "token": "for bearer, header and query",
        "user": "for basic",
        "password": "for basic",
        "client_id": "for oauth2",
        "client_secret": "for oauth2",
        "refresh_token": "for oauth2, where a person allowed it and the service gave one",
    },
    actions=ACTIONS,
    open=_open,
    hook="standard",
    echoes=True,
    check=_check,
)
