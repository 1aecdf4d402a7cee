"""`call: http`: requests of workflows, sent by the host's own client within the settings' policy.

Source: DSL 1.0.3, HTTP call, HTTP response, authentication.
"""

from __future__ import annotations

import asyncio
import base64
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from omnicore.connectors.headers import method_name
from omnicore.connectors.urls import parse_host, parse_url
from omnicore.errors import InvalidInput
from omnicore.sandbox.abi import HttpRequest, HttpResponse
from omnicore.workflows.effects.authentication import Credential, digest_answer, open_credential
from omnicore.workflows.effects.faults import of_status
from omnicore.workflows.effects.limits import EffectLimits
from omnicore.workflows.effects.means import Means
from omnicore.workflows.effects.oauth import Tokens
from omnicore.workflows.effects.plan import NO_BODY, Plan, body_bytes, query_text, read_plan
from omnicore.workflows.effects.policy import WorkflowPolicy
from omnicore.workflows.effects.secrets import marked
from omnicore.workflows.effects.values import parse_json, text_or_bytes
from omnicore.workflows.effects.work import Work
from omnicore.workflows.performing import Performed

__all__ = ["HttpCalls"]

_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_STRIPPED = frozenset({"authorization", "cookie"})
_TOLD = 500
_MUCH = 256 * 1024  # parsed aside: it takes the loop's time


class HttpCalls:
    """Sends what tasks ask for. Every request has its own connection and policy; see `HttpClient`."""

    def __init__(self, means: Means, limits: EffectLimits, tokens: Tokens) -> None:
        self._http = means.http
        self._limits = limits
        self._tokens = tokens
        self._inside = frozenset(parse_host(host) for host in limits.http_private)

    async def call(self, work: Work) -> Performed:
        """Does `call: http`. Raises: Fault; InvalidInput, PermissionDenied, LimitExceeded, DeadlineExceeded."""
        plan = read_plan(work.action.value, work.input)
        return await self.exchange(work, plan)

    async def exchange(self, work: Work, plan: Plan) -> Performed:
        """Sends a request and gives what its `output` asks for. Raises: as `call`; Fault: the status is no good one."""
        request = self._request(work, plan)
        credential = await open_credential(plan.authentication, work, self._tokens, self.ask)
        policy = self.policy(redirect=plan.redirect, home=_home(work, plan, request, credential))
        answer = await self._authenticated(work, request, policy, credential)
        if not 200 <= answer.status < (400 if plan.redirect else 300):
            raise of_status(answer.status, work.secrets.hidden(_told(answer)))
        shown = marked({"url": plan.url, "headers": dict(plan.headers)}, work.run.secrets)
        if len(answer.body) > _MUCH:
            output = await asyncio.to_thread(_output, plan, answer, shown)
        else:
            output = _output(plan, answer, shown)
        return Performed(output, {"status": answer.status, "bytes": len(answer.body)})

    async def ask(self, work: Work, request: HttpRequest) -> HttpResponse:
        """Sends a request of the authentication itself, such as for a token; to that host and no other."""
        policy = self.policy(redirect=False, home=parse_url(request.url).origin)
        return await self._http.send(request, policy)

    async def fetch(
        self, work: Work, request: HttpRequest, authentication: Mapping[str, Any] | None = None
    ) -> HttpResponse:
        """Reads a document: wherever redirects lead, or with a credential from that host alone."""
        if authentication is None:
            return await self._http.send(request, self.policy(redirect=True))
        credential = await open_credential(authentication, work, self._tokens, self.ask)
        policy = self.policy(redirect=True, home=parse_url(request.url).origin)
        return await self._authenticated(work, request, policy, credential)

    def timeout_s(self, work: Work) -> float:
        """How long a request may take."""
        return work.left_s(self._limits.longest_s)

    def policy(self, *, redirect: bool, home: tuple[str, str, int] | None = None) -> WorkflowPolicy:
        """What a request may reach."""
        return WorkflowPolicy(
            hosts=self._limits.http_hosts,
            max_request_bytes=self._limits.http_bytes,
            follow=redirect,
            inside=self._inside,
            home=home,
        )

    async def _authenticated(
        self, work: Work, request: HttpRequest, policy: WorkflowPolicy, credential: Credential
    ) -> HttpResponse:
        """The answer; once more where a challenge must be answered, or a token was not taken that was kept."""
        answer = await self._http.send(_with(request, credential.headers), policy)
        if answer.status != 401:
            return answer
        if credential.digest is not None:
            header = digest_answer(credential.digest, request, answer.headers.get("www-authenticate", ""))
            return await self._http.send(self._again(work, request, {"authorization": header}), policy)
        if credential.renew is not None:
            return await self._http.send(self._again(work, request, await credential.renew()), policy)
        return answer

    def _again(self, work: Work, request: HttpRequest, headers: Mapping[str, str]) -> HttpRequest:
        return replace(_with(request, headers), timeout_s=self.timeout_s(work))

    def _request(self, work: Work, plan: Plan) -> HttpRequest:
        secrets, method = work.secrets, method_name(plan.method)
        headers = {name.lower(): value for name, value in secrets.put(dict(plan.headers)).items()}
        body = NO_BODY if plan.body is NO_BODY else secrets.put(plan.body)
        data, media = body_bytes(body, headers.get("content-type", ""))
        if media and data:
            headers["content-type"] = media
        if method in _UNSAFE:
            headers.setdefault("idempotency-key", work.key)
        headers.setdefault("accept", "application/json, */*;q=0.5")
        url = _joined(secrets.put_in_url(plan.url), query_text(secrets.put(dict(plan.query))))
        return HttpRequest(method, url, headers, data, self.timeout_s(work), self._limits.http_bytes)


def _home(work: Work, plan: Plan, request: HttpRequest, credential: Credential) -> tuple[str, str, int] | None:
    """The client strips credentials where a redirect leads elsewhere; other headers and a body it does not know."""
    open_headers = [value for name, value in plan.headers.items() if name.lower() not in _STRIPPED]
    carried = [*open_headers, *([] if plan.body is NO_BODY else [plan.body])]
    return parse_url(request.url).origin if work.secrets.within(carried) or credential.digest else None


def _with(request: HttpRequest, headers: Mapping[str, str]) -> HttpRequest:
    return replace(request, headers={**request.headers, **headers}) if headers else request


def _joined(url: str, query: str) -> str:
    if not query:
        return url
    base, mark, fragment = url.partition("#")
    return f"{base}{'&' if '?' in base else '?'}{query}{mark}{fragment}"


def _output(plan: Plan, answer: HttpResponse, shown: Mapping[str, Any]) -> Any:
    if plan.output == "raw":
        return base64.b64encode(answer.body).decode()
    content = content_of(answer)
    if plan.output == "content":
        return content
    return {
        "request": {"method": plan.method, "uri": shown["url"], "headers": shown["headers"]},
        "statusCode": answer.status,
        "headers": dict(answer.headers),
        "content": content,
    }


def content_of(answer: HttpResponse) -> Any:
    """The body, deserialised by its media type. Raises: InvalidInput: it says JSON and is none."""
    if not answer.body:
        return None
    media = answer.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media == "application/json" or media.endswith("+json"):
        return parse_json(answer.body, "the answer")
    if media:
        return text_or_bytes(answer.body)
    try:
        return parse_json(answer.body, "the answer")
    except InvalidInput:
        return text_or_bytes(answer.body)


def _told(answer: HttpResponse) -> str:
    """The beginning of what a server says about its refusal."""
    text = answer.body[: 4 * _TOLD].decode("utf-8", "replace")
    return "".join(sign for sign in text if sign.isprintable() or sign == " ")[:_TOLD]
