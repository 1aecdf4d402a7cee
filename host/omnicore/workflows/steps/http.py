"""`call: http`: the request plan, form bodies, the policy, and the request itself, sent by the host's own client.

The plan is read once per task and holds placeholders where secrets go. In a `multipart/form-data` body a member that
is a text, a number or a truth value is a field, a list repeats it, and null is left out. An object with `base64` or
`text`, and optionally `filename` and `type`, is a file; any other object is a field of JSON.

Source: DSL 1.0.3, HTTP call, HTTP response, authentication; RFC 7578.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any, Literal, cast
from urllib.parse import urlencode

from omnicore.connectors.addresses import Url, is_private, parse_host, parse_url
from omnicore.connectors.http import method_name
from omnicore.connectors.policy import Destination, HttpPolicy, parse_destination, spells
from omnicore.errors import InvalidInput, PermissionDenied
from omnicore.sandbox.abi import HttpRequest, HttpResponse
from omnicore.workflows.entries import Performed
from omnicore.workflows.faults import of_status
from omnicore.workflows.steps.authentication import Credential, digest_answer, open_credential
from omnicore.workflows.steps.step import expanded, marked, parse_json, text_or_bytes

if TYPE_CHECKING:
    from omnicore.workflows.steps.authentication import TokenCache
    from omnicore.workflows.steps.step import EffectLimits, StepServices, StepWork


MULTIPART = "multipart/form-data"
_FILE_MEMBERS = frozenset({"base64", "text", "filename", "type"})
_MEDIA = re.compile(
    r"[A-Za-z0-9!#$&^_.+-]{1,100}/[A-Za-z0-9!#$&^_.+-]{1,100}(; ?[A-Za-z0-9-]{1,40}=[A-Za-z0-9_.-]{1,80})?"
)
_MOST = 1000


def is_file(value: Any) -> bool:
    """True if a value is a file: its contents, name and type."""
    return isinstance(value, Mapping) and value.keys() <= _FILE_MEMBERS and ("base64" in value) != ("text" in value)


def multipart(body: Mapping[str, Any]) -> tuple[bytes, str]:
    """The body, and its media type with the boundary, which is the same for the same contents. Raises: InvalidInput."""
    parts = list(_parts(body))
    if len(parts) > _MOST:
        raise InvalidInput(f"the body has over {_MOST} parts", remedy="send fewer fields and files", path="body")
    digest = hashlib.sha256(b"\0".join(part for pair in parts for part in pair)).hexdigest()[:48]
    mark = f"omnicore-{digest}".encode()
    while any(mark in content for _, content in parts):
        mark = b"x" + mark
    lines = (b"--" + mark + b"\r\n" + head + b"\r\n\r\n" + content + b"\r\n" for head, content in parts)
    return b"".join((*lines, b"--" + mark + b"--\r\n")), f"{MULTIPART}; boundary={mark.decode()}"


def _parts(body: Mapping[str, Any]) -> Iterator[tuple[bytes, bytes]]:
    """The headers and the content of each part."""
    for name, value in body.items():
        for one in value if isinstance(value, (list, tuple)) else [value]:
            if one is not None:
                yield _file(str(name), one) if is_file(one) else _field(str(name), one)


def _field(name: str, value: Any) -> tuple[bytes, bytes]:
    head = f'content-disposition: form-data; name="{_quoted(name)}"'
    if isinstance(value, str):
        return _bytes(head), _bytes(value)
    try:
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput(f"the field {name[:80]!a} is no JSON value", remedy="correct it", path="body") from error
    media = "\r\ncontent-type: application/json" if isinstance(value, (Mapping, list, tuple)) else ""
    return _bytes(head + media), _bytes(text)


def _file(name: str, value: Mapping[str, Any]) -> tuple[bytes, bytes]:
    filename = value.get("filename", name)
    media = value.get("type", "text/plain; charset=utf-8" if "text" in value else "application/octet-stream")
    if not isinstance(filename, str) or not isinstance(media, str) or not _MEDIA.fullmatch(media):
        raise InvalidInput(f"the file {name[:80]!a} has no sound filename or type", remedy="correct it", path="body")
    where = f'content-disposition: form-data; name="{_quoted(name)}"; filename="{_quoted(filename)}"'
    return _bytes(f"{where}\r\ncontent-type: {media}"), _content(name, value)


def _content(name: str, value: Mapping[str, Any]) -> bytes:
    given = value.get("text", value.get("base64"))
    try:
        if not isinstance(given, str):
            raise ValueError
        return _bytes(given) if "text" in value else base64.b64decode(given, validate=True)
    except (binascii.Error, ValueError) as error:
        fact = f"the file {name[:80]!a} is neither a text nor base64"
        raise InvalidInput(fact, remedy="give text or base64", path="body") from error


def _bytes(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("the body holds half of a character", remedy="give whole texts", path="body") from error


def _quoted(name: str) -> str:
    return name.replace('"', "%22").replace("\r", "%0D").replace("\n", "%0A")


Output = Literal["raw", "content", "response"]
_OUTPUTS = ("raw", "content", "response")
_ARGUMENTS = frozenset({"method", "endpoint", "headers", "body", "query", "output", "redirect"})
_FORM = "application/x-www-form-urlencoded"
NO_BODY: Any = object()


@dataclass(frozen=True, slots=True)
class Plan:
    """A request before its secrets are put in.

    Args:
        body: any JSON value, or `NO_BODY`.
        redirect: whether redirects are followed, and statuses from 300 to 399 are good ones.
        authentication: `{"basic": {...}}` and the like.
    """

    method: str
    url: str
    headers: Mapping[str, str] = field(default_factory=dict)
    query: Mapping[str, Any] = field(default_factory=dict)
    body: Any = NO_BODY
    output: Output = "content"
    redirect: bool = False
    authentication: Mapping[str, Any] | None = None


def read_plan(given: Any, variables: Any) -> Plan:
    """The plan of `with`.

    Args: variables: the task's input, for the URI's template.
    Raises: InvalidInput: what is wrong first.
    """
    if not isinstance(given, Mapping):
        raise InvalidInput("with of call: http is no object", remedy="give a method and an endpoint")
    strange = sorted(str(name)[:80] for name in given.keys() - _ARGUMENTS)
    if strange:
        raise InvalidInput(f"call: http knows no {strange[0]}", remedy=f"it has {', '.join(sorted(_ARGUMENTS))}")
    uri, own = _endpoint(given.get("endpoint"))
    return Plan(
        method=_text(given, "method").upper(),
        url=expanded(uri, variables),
        headers=headers_of(given.get("headers")),
        query=_table(given, "query"),
        body=given.get("body", NO_BODY),
        output=output_of(given.get("output")),
        redirect=given.get("redirect") is True,
        authentication=own,
    )


def _endpoint(endpoint: Any) -> tuple[str, Mapping[str, Any] | None]:
    if isinstance(endpoint, str) and endpoint:
        return endpoint, None
    if isinstance(endpoint, Mapping) and isinstance(endpoint.get("uri"), str):
        own = endpoint.get("authentication")
        if own is not None and not isinstance(own, Mapping):
            raise InvalidInput("the endpoint's authentication is no object", remedy="give basic, bearer or another one")
        return endpoint["uri"], own
    raise InvalidInput("the endpoint is neither a URI nor an object with one", remedy="give https://...")


def output_of(value: Any) -> Output:
    """The part of the answer that is handed on. Raises: InvalidInput."""
    if value is None:
        return "content"
    if value not in _OUTPUTS:
        raise InvalidInput(f"output is none of {', '.join(_OUTPUTS)}", remedy="correct it", path="output")
    return cast("Output", value)


def headers_of(value: Any) -> dict[str, str]:
    """Fields with texts as values. Raises: InvalidInput."""
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput("headers are no object", remedy="give names and values", path="headers")
    return {str(name): _plain(one, f"the header {str(name)[:80]}") for name, one in value.items() if one is not None}


def query_text(query: Mapping[str, Any]) -> str:
    """The query of a URL; lists are repeated, null is left out.

    >>> query_text({"a": [1, 2], "b": None, "c": True})
    'a=1&a=2&c=true'
    """
    pairs = [
        (name, _plain(one, f"the parameter {name[:80]}"))
        for name, value in query.items()
        for one in (value if isinstance(value, (list, tuple)) else [value])
        if one is not None
    ]
    try:
        return urlencode(pairs)
    except UnicodeEncodeError as error:
        raise InvalidInput("the query holds half of a character", remedy="give whole texts") from error


def body_bytes(body: Any, content_type: str) -> tuple[bytes, str]:
    """A body and its media type: a text as it is, forms by their type, `{"base64"}` as bytes, all else as JSON.

    Raises: InvalidInput.
    """
    if body is NO_BODY:
        return b"", content_type
    media = content_type.partition(";")[0].strip().lower()
    jsonlike = media == "application/json" or media.endswith("+json")
    if media == _FORM and isinstance(body, Mapping):
        return query_text(body).encode(), content_type
    if media == MULTIPART and "boundary" not in content_type:
        if isinstance(body, Mapping):
            return multipart(body)
        raise InvalidInput("a body of several parts is no object", remedy="give fields and files by name", path="body")
    if isinstance(body, Mapping) and body.keys() == {"base64"} and not jsonlike:
        return _decoded(body["base64"]), content_type or "application/octet-stream"
    if isinstance(body, str) and not jsonlike:
        return _encoded(body), content_type or "text/plain; charset=utf-8"
    try:
        text = json.dumps(body, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput("the body is no JSON value", remedy="correct it", path="body") from error
    return _encoded(text), content_type or "application/json"


def _encoded(text: str) -> bytes:
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        raise InvalidInput("the body holds half of a character", remedy="give whole texts", path="body") from error


def _decoded(text: Any) -> bytes:
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise InvalidInput("body.base64 is no base64", remedy="correct it", path="body.base64") from error


def _table(given: Mapping[str, Any], name: str) -> Mapping[str, Any]:
    value = given.get(name)
    if value is None:
        return {}
    if not isinstance(value, Mapping):
        raise InvalidInput(f"{name} is no object", remedy="give names and values", path=name)
    return {str(key): one for key, one in value.items()}


def _text(given: Mapping[str, Any], name: str) -> str:
    value = given.get(name)
    if not isinstance(value, str) or not value:
        raise InvalidInput(f"{name} is no text", remedy="give one", path=name)
    return value


def _plain(value: Any, what: str) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, (str, int, float)):
        return str(value)
    raise InvalidInput(f"{what} is neither a text nor a number", remedy="give one, or write it as a text yourself")


@dataclass(frozen=True, slots=True)
class WorkflowPolicy(HttpPolicy):
    """The policy of one request.

    Args:
        inside: hosts that may have private addresses, by their exact names, with their ports.
        home: the only origin that may be reached, for a request whose headers or body carry a secret; None: any.
    """

    inside: tuple[Destination, ...] = ()
    home: tuple[str, str, int] | None = None

    def check_hop(self, method: str, url: Url) -> None:
        """Raises: PermissionDenied for a host that the settings do not name, or a redirect that carries a secret."""
        if self.home not in (None, url.origin):
            raise PermissionDenied(
                f"a redirect leads to {url.host}, and the request carries a secret",
                remedy="call that host itself, if it may know the secret",
                capability="http",
                resource=url.host,
            )
        if self._is_inside(url):
            return
        try:
            HttpPolicy.check_hop(self, method, url)
        except PermissionDenied as error:
            raise _with_remedy(error, f"{url.host}:{url.port}", "workflows.http_hosts") from None

    def check_address(self, url: Url, address: str) -> None:
        """Raises: PermissionDenied for a private address of a host that may have none."""
        if self._is_inside(url) or not is_private(ip_address(address.partition("%")[0])):
            return
        where = address if url.host.strip("[]") == address else f"{url.host} ({address})"
        raise PermissionDenied(
            f"{where} is not an address of the public internet",
            remedy=f"add {url.host}:{url.port} to the setting workflows.http_private",
            capability="http",
            resource=url.host,
        )

    def spells(self, url: Url) -> bool:
        """True when the settings have host and port of the URL written out."""
        return HttpPolicy.spells(self, url) or spells(map(str, self.inside), url.host, url.port)

    def _is_inside(self, url: Url) -> bool:
        return any(one.literal and one.names(url) for one in self.inside)


def _with_remedy(error: PermissionDenied, place: str, setting: str) -> PermissionDenied:
    remedy = f"add {place} to the setting {setting}"
    return PermissionDenied(error.fact, remedy=remedy, capability="http", resource=error.details["resource"])


_UNSAFE = frozenset({"POST", "PUT", "PATCH", "DELETE"})
_STRIPPED = frozenset({"authorization", "cookie"})
_EXCERPT = 500
_MUCH = 256 * 1024  # parsed aside: it takes the loop's time


class HttpCalls:
    """Sends what tasks ask for. Every request has its own connection and policy; see `HttpClient`."""

    def __init__(self, services: StepServices, limits: EffectLimits, tokens: TokenCache) -> None:
        self._http = services.http
        self._limits = limits
        self._tokens = tokens
        self._inside = tuple(map(_private, limits.http_private))

    async def call(self, work: StepWork) -> Performed:
        """Does `call: http`. Raises: Fault; InvalidInput, PermissionDenied, LimitExceeded, DeadlineExceeded."""
        plan = read_plan(work.action.value, work.input)
        return await self.exchange(work, plan)

    async def exchange(self, work: StepWork, plan: Plan) -> Performed:
        """Sends a request and gives what its `output` asks for. Raises: as `call`; Fault: the status is no good one."""
        request = self._request(work, plan)
        credential = await open_credential(plan.authentication, work, self._tokens, self.ask)
        policy = self.policy(redirect=plan.redirect, home=_home(work, plan, request, credential))
        answer = await self._authenticated(work, request, policy, credential)
        if not 200 <= answer.status < (400 if plan.redirect else 300):
            raise of_status(answer.status, work.secrets.hidden(_excerpt(answer)))
        shown = marked({"url": plan.url, "headers": dict(plan.headers)}, work.run.secrets)
        if len(answer.body) > _MUCH:
            output = await asyncio.to_thread(_output, plan, answer, shown)
        else:
            output = _output(plan, answer, shown)
        return Performed(output, {"status": answer.status, "bytes": len(answer.body)})

    async def ask(self, work: StepWork, request: HttpRequest) -> HttpResponse:
        """Sends a request of the authentication itself, such as for a token; to that host and no other."""
        policy = self.policy(redirect=False, home=parse_url(request.url).origin)
        return await self._http.send(request, policy)

    async def fetch(
        self, work: StepWork, request: HttpRequest, authentication: Mapping[str, Any] | None = None
    ) -> HttpResponse:
        """Reads a document: wherever redirects lead, or with a credential from that host alone."""
        if authentication is None:
            return await self._http.send(request, self.policy(redirect=True))
        credential = await open_credential(authentication, work, self._tokens, self.ask)
        policy = self.policy(redirect=True, home=parse_url(request.url).origin)
        return await self._authenticated(work, request, policy, credential)

    def timeout_s(self, work: StepWork) -> float:
        """The time limit of a request."""
        return work.left_s(self._limits.longest_s)

    def policy(self, *, redirect: bool, home: tuple[str, str, int] | None = None) -> WorkflowPolicy:
        """The hosts that a request may reach."""
        return WorkflowPolicy(
            hosts=self._limits.http_hosts,
            max_request_bytes=self._limits.http_bytes,
            follow=redirect,
            inside=self._inside,
            home=home,
        )

    async def _authenticated(
        self, work: StepWork, request: HttpRequest, policy: WorkflowPolicy, credential: Credential
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

    def _again(self, work: StepWork, request: HttpRequest, headers: Mapping[str, str]) -> HttpRequest:
        return replace(_with(request, headers), timeout_s=self.timeout_s(work))

    def _request(self, work: StepWork, plan: Plan) -> HttpRequest:
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


def _private(text: str) -> Destination:
    """An entry of `workflows.http_private`. Raises: InvalidInput: it is no host and port."""
    found = parse_destination(text)
    if found is None:
        raise InvalidInput(f"{text[:200]!r} in workflows.http_private is no host", remedy="write HOST or HOST:PORT")
    return replace(found, host=parse_host(found.host)) if found.literal else found


def _home(work: StepWork, plan: Plan, request: HttpRequest, credential: Credential) -> tuple[str, str, int] | None:
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


def _excerpt(answer: HttpResponse) -> str:
    """The beginning of what a server says about its refusal."""
    text = answer.body[: 4 * _EXCERPT].decode("utf-8", "replace")
    return "".join(sign for sign in text if sign.isprintable() or sign == " ")[:_EXCERPT]
