"""`call: openapi`: operations of OpenAPI 3.0 and 3.1 and Swagger 2.0 documents, found by id and sent as requests.

Source: DSL 1.0.3, OpenAPI call; OpenAPI Specification 3.1.0, 3.0.4 and 2.0.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, urljoin, urlsplit

from omnicore.errors import InvalidInput
from omnicore.sandbox.abi import MIB, HttpRequest
from omnicore.workflows.faults import of_status
from omnicore.workflows.language.text import Report, StopReadingError, read_yaml
from omnicore.workflows.steps.http import MULTIPART, NO_BODY, HttpCalls, Plan, is_file, output_of
from omnicore.workflows.steps.step import expanded, parse_json

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.workflows.entries import Performed
    from omnicore.workflows.steps.step import StepWork


_METHODS = ("get", "put", "post", "delete", "options", "head", "patch")
_REFS = 32
_FORM = "application/x-www-form-urlencoded"
_MEDIA = ("application/json", _FORM, MULTIPART, "text/plain", "application/octet-stream")
_SEPARATORS = {
    **{"csv": ",", "ssv": " ", "tsv": "\t", "pipes": "|"},
    **{"form": ",", "simple": ",", "spaceDelimited": " ", "pipeDelimited": "|"},
}


@dataclass(frozen=True, slots=True)
class OpenApiOperation:
    """One operation. `parameters` are those of its path and its own, references resolved."""

    id: str
    method: str
    path: str
    parameters: tuple[Mapping[str, Any], ...]
    body: Mapping[str, Any] | None
    servers: tuple[Mapping[str, Any], ...]
    consumes: tuple[str, ...]
    files: frozenset[str]
    """Members of a body of several parts that are files."""


def find_operation(document: Mapping[str, Any], name: str) -> OpenApiOperation:
    """The operation with an id. Raises: InvalidInput: there is none, or the document is broken there."""
    for path, item in document["paths"].items():
        holder = _resolved(document, item)
        for method in _METHODS:
            found = holder.get(method)
            if isinstance(found, Mapping) and found.get("operationId") == name:
                return _operation(document, name, (method, str(path)), holder, found)
    known = ", ".join(sorted(_ids(document))[:10])
    raise InvalidInput(f"the document has no operation {name[:80]!r}", remedy=f"it has {known or 'none with an id'}")


def plan_of(
    document: Mapping[str, Any], operation: OpenApiOperation, given: Mapping[str, Any], *, base: str, server: Any = None
) -> Plan:
    """The request of an operation.

    `given` has its parameters by name. A body is given as `body`; without one, what is no parameter is its members.

    Args:
        base: where the document is.
        server: the URL of one of its servers, instead of the first.
    Raises: InvalidInput: a parameter is missing, unknown, or cannot be written.
    """
    parts, left = _Parts(operation.path), dict(given)
    for one in operation.parameters:
        name = str(one.get("name", ""))
        value = left.pop(name, None)
        if value is not None:
            parts.take(one, name, value)
        elif one.get("required") or one.get("in") == "path":
            raise InvalidInput(f"{operation.id} needs the parameter {name[:80]!r}", remedy="give it", path=name)
    if parts.form:
        parts.body, media = parts.form, _form_media(operation.consumes, parts.form)
    elif parts.body is NO_BODY:
        parts.body, media = _body(operation, left)
        left = {}
    else:
        media = _chosen(operation.consumes)
    if left:
        raise _unknown(operation, left)
    headers = parts.headers | ({"cookie": "; ".join(parts.cookies)} if parts.cookies else {})
    headers |= {"content-type": media} if media else {}
    url = _server(document, operation, base, server).rstrip("/") + parts.path
    return Plan(operation.method.upper(), url, headers, parts.query, parts.body)


class _Parts:
    """The parts of a request, filled by its parameters."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.query: dict[str, Any] = {}
        self.headers: dict[str, str] = {}
        self.cookies: list[str] = []
        self.form: dict[str, Any] = {}
        self.body: Any = NO_BODY

    def take(self, parameter: Mapping[str, Any], name: str, value: Any) -> None:
        """Puts a parameter where it belongs."""
        match parameter.get("in"):
            case "path":
                self.path = self.path.replace(f"{{{name}}}", expanded("{value}", {"value": value}))
            case "query":
                self.query.update(_written(parameter, name, value))
            case "header":
                self.headers[name] = _joined(value, ",")
            case "cookie":
                self.cookies.append(f"{quote(name)}={quote(_joined(value, ','), safe='')}")
            case "formData":
                self.form[name] = _as_file(value, name) if parameter.get("type") == "file" else value
            case "body":
                self.body = value


def _operation(
    document: Mapping[str, Any], name: str, at: tuple[str, str], item: Mapping[str, Any], found: Mapping[str, Any]
) -> OpenApiOperation:
    merged: dict[tuple[Any, Any], Mapping[str, Any]] = {}
    for holder in (item, found):
        for one in _list(holder.get("parameters")):
            parameter = _resolved(document, one)
            merged[parameter.get("name"), parameter.get("in")] = parameter
    own, general = _list(found.get("servers")), _list(item.get("servers"))
    servers = own or general or _list(document.get("servers"))
    given = found.get("requestBody")
    body = None if given is None else _resolved(document, given)
    consumes = _list(found.get("consumes")) or _list(document.get("consumes"))
    return OpenApiOperation(
        *(name, *at, tuple(merged.values())),
        body,
        tuple(one for one in servers if isinstance(one, Mapping)),
        tuple(map(str, consumes)),
        _files(document, body),
    )


def _body(operation: OpenApiOperation, left: Mapping[str, Any]) -> tuple[Any, str]:
    """The body and its media type, of what is no parameter."""
    if operation.body is None:
        if left:
            raise _unknown(operation, left)
        return NO_BODY, ""
    if not left:
        if operation.body.get("required"):
            raise InvalidInput(f"{operation.id} needs a body", remedy="give it as the parameter body", path="body")
        return NO_BODY, ""
    found = operation.body.get("content")
    content = found if isinstance(found, Mapping) else {}
    body = left["body"] if left.keys() == {"body"} else left
    media = _chosen(tuple(content), files=isinstance(body, Mapping) and _has_files(body))
    if media.partition(";")[0].strip().lower() == MULTIPART and isinstance(body, Mapping):
        body = {name: _as_file(one, name) if name in operation.files else one for name, one in body.items()}
    return body, media


def _form_media(consumes: Sequence[str], form: Mapping[str, Any]) -> str:
    """The media type of a Swagger form: multipart if it has files, or if nothing else is accepted."""
    offered = {one.partition(";")[0].strip().lower() for one in consumes}
    return MULTIPART if _has_files(form) or (MULTIPART in offered and _FORM not in offered) else _FORM


def _has_files(body: Mapping[str, Any]) -> bool:
    return any(is_file(one) for value in body.values() for one in (value if isinstance(value, list) else [value]))


def _as_file(value: Any, name: str) -> Any:
    """A text for a parameter described as a file becomes the file's contents."""
    if isinstance(value, list):
        return [_as_file(one, name) for one in value]
    return {"text": value, "filename": name} if isinstance(value, str) else value


def _files(document: Mapping[str, Any], body: Mapping[str, Any] | None) -> frozenset[str]:
    """The members of a body of several parts that are files. Source: OpenAPI 3.1.0, 4.8.14.3; 3.0.4, 4.7.14.3."""
    content = {} if body is None else body.get("content")
    media = content.get(MULTIPART) if isinstance(content, Mapping) else None
    schema = media.get("schema") if isinstance(media, Mapping) else None
    found: set[str] = set()
    with suppress(InvalidInput):  # a schema that cannot be read names no files
        members = _resolved(document, schema).get("properties") if schema is not None else None
        for name, given in members.items() if isinstance(members, Mapping) else ():
            one = _resolved(document, given)
            one = _resolved(document, one["items"]) if one.get("type") == "array" and "items" in one else one
            if one.get("format") == "binary" or ("contentMediaType" in one and "contentEncoding" not in one):
                found.add(str(name))
    return frozenset(found)


def _chosen(offered: Sequence[str], *, files: bool = False) -> str:
    """The media type of a body, of those that are offered. Raises: InvalidInput: none that can be written."""
    parts = next((one for one in offered if one.partition(";")[0].strip().lower() == MULTIPART), None)
    if files and parts is not None:
        return parts
    if not offered or "*/*" in offered:
        return _MEDIA[0]
    plain = {one.partition(";")[0].strip().lower(): one for one in offered}
    for wanted in _MEDIA:
        if wanted in plain:
            return plain[wanted]
    found = next((one for name, one in plain.items() if name.endswith("+json") or name.startswith("text/")), None)
    if found is None:
        raise InvalidInput(f"a body of {', '.join(offered)[:200]} cannot be written", remedy="use call: http instead")
    return found


def _written(parameter: Mapping[str, Any], name: str, value: Any) -> Iterator[tuple[str, Any]]:
    """A query parameter by its style, as members of a plan's query."""
    style = parameter.get("style") or parameter.get("collectionFormat")
    if style is None:
        style = "csv" if "schema" not in parameter and "content" not in parameter else "form"
    explode = parameter.get("explode", style == "form") or style == "multi"
    if isinstance(value, Mapping):
        if style == "deepObject":
            yield from ((f"{name}[{key}]", one) for key, one in value.items())
        elif explode:
            yield from value.items()
        else:
            yield name, ",".join(f"{key},{_joined(one, ',')}" for key, one in value.items())
    elif isinstance(value, (list, tuple)) and not explode:
        yield name, _joined(value, _SEPARATORS.get(style, ","))
    else:
        yield name, value


def _joined(value: Any, between: str) -> str:
    if isinstance(value, Mapping):
        return between.join(f"{key}{between}{_joined(one, between)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return between.join(_joined(one, between) for one in value)
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _server(document: Mapping[str, Any], operation: OpenApiOperation, base: str, wanted: Any) -> str:
    if "swagger" in document:
        return _swagger_server(document, base)
    servers = operation.servers
    if wanted is not None:
        servers = tuple(one for one in servers if one.get("url") == wanted)
        if not servers:
            raise InvalidInput(f"the document has no server {str(wanted)[:200]!r}", remedy="give the URL of one it has")
    if not servers:
        return urljoin(base, "/")
    url = str(servers[0].get("url", "/"))
    variables = servers[0].get("variables")
    for name, variable in variables.items() if isinstance(variables, Mapping) else ():
        if isinstance(variable, Mapping):
            url = url.replace(f"{{{name}}}", str(variable.get("default", "")))
    return urljoin(base, url)


def _swagger_server(document: Mapping[str, Any], base: str) -> str:
    there, schemes = urlsplit(base), _list(document.get("schemes"))
    scheme = there.scheme if not schemes or there.scheme in schemes else str(schemes[0])
    host = str(document.get("host") or there.netloc)
    return f"{scheme}://{host}{str(document.get('basePath') or '').rstrip('/')}"


def _resolved(document: Mapping[str, Any], value: Any) -> Mapping[str, Any]:
    """The target of a reference within the document. Raises: InvalidInput."""
    for _ in range(_REFS):
        if not isinstance(value, Mapping):
            break
        ref = value.get("$ref")
        if ref is None:
            return value
        value = _at(document, str(ref))
    raise InvalidInput("the document has a reference that leads nowhere", remedy="name a document without it")


def _at(document: Mapping[str, Any], ref: str) -> Any:
    if not ref.startswith("#/"):
        raise InvalidInput(f"the document refers to {ref[:200]!r}, another one", remedy="bundle it into one document")
    found: Any = document
    for step in ref[2:].split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, Mapping) else None
    return found


def _ids(document: Mapping[str, Any]) -> Iterator[str]:
    for item in document["paths"].values():
        for method in _METHODS:
            found = item.get(method) if isinstance(item, Mapping) else None
            if isinstance(found, Mapping) and isinstance(found.get("operationId"), str):
                yield found["operationId"]


def _list(value: Any) -> Sequence[Any]:
    return value if isinstance(value, list) else ()


def _unknown(operation: OpenApiOperation, left: Mapping[str, Any]) -> InvalidInput:
    known = ", ".join(str(one.get("name")) for one in operation.parameters[:20])
    return InvalidInput(
        f"{operation.id} has no parameter {sorted(map(str, left))[0][:80]!r}", remedy=f"it has {known or 'none'}"
    )


_MEMBERS = frozenset({"document", "operationId", "parameters", "authentication", "output", "redirect", "server"})
_MOST, _KEPT_S, _BYTES = 32, 60.0, 8 * MIB


@dataclass(slots=True)
class _Kept:
    """A document, its tag, and when it is asked for again."""

    document: Mapping[str, Any]
    etag: str
    until: float
    operations: dict[str, OpenApiOperation] = field(default_factory=dict)


class OpenApiCalls:
    """Calls operations by their ids. The last documents are kept for a minute, and longer while they do not change."""

    def __init__(self, http: HttpCalls, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def call(self, work: StepWork) -> Performed:
        """Does `call: openapi`. Raises: Fault; InvalidInput and what the client raises."""
        given = work.action.value
        if not isinstance(given, Mapping) or given.keys() - _MEMBERS:
            raise InvalidInput("with of call: openapi is no object that it knows", remedy=", ".join(sorted(_MEMBERS)))
        url, guard = _address(given.get("document"), work)
        kept = await self._document(work, url, guard)
        operation = self._operation(kept, given.get("operationId"))
        parameters = given.get("parameters") or {}
        if not isinstance(parameters, Mapping):
            raise InvalidInput("parameters are no object", remedy="give names and values", path="parameters")
        plan = plan_of(kept.document, operation, parameters, base=url, server=given.get("server"))
        return await self._http.exchange(
            work,
            replace(
                plan,
                output=output_of(given.get("output")),
                redirect=given.get("redirect") is True,
                authentication=_authentication(given),
            ),
        )

    def _operation(self, kept: _Kept, name: Any) -> OpenApiOperation:
        if not isinstance(name, str) or not name:
            raise InvalidInput("operationId is no text", remedy="name an operation", path="operationId")
        if name not in kept.operations:
            kept.operations[name] = find_operation(kept.document, name)
        return kept.operations[name]

    async def _document(self, work: StepWork, url: str, guard: Mapping[str, Any] | None) -> _Kept:
        key, now = _key(work, url, guard), self._clock.monotonic()
        kept = self._kept.get(key)
        if kept is not None and now < kept.until:
            self._kept.move_to_end(key)
            return kept
        headers = {"accept": "application/json, application/yaml;q=0.9, */*;q=0.5"}
        headers |= {"if-none-match": kept.etag} if kept is not None and kept.etag else {}
        real = work.secrets.put_in_url(url)
        request = HttpRequest("GET", real, headers, b"", self._http.timeout_s(work), _BYTES)
        answer = await self._http.fetch(work, request, guard)
        if answer.status == 304 and kept is not None:
            kept.until = now + _KEPT_S
            return kept
        if answer.status != 200:
            raise of_status(answer.status, "the OpenAPI document cannot be read")
        document = await asyncio.to_thread(_parsed, answer.body)
        self._kept[key] = made = _Kept(document, answer.headers.get("etag", ""), now + _KEPT_S)
        self._kept.move_to_end(key)
        while len(self._kept) > _MOST:
            self._kept.popitem(last=False)
        return made


def _key(work: StepWork, url: str, guard: Mapping[str, Any] | None) -> str:
    """The cache key of a document. It includes the reader: others must show their own credential."""
    if guard is None:
        return url
    text = json.dumps([url, work.secrets.put(dict(guard))], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _address(document: Any, work: StepWork) -> tuple[str, Mapping[str, Any] | None]:
    """The address of the document and its authentication: a URI, or an external resource with an endpoint."""
    found = document.get("endpoint") if isinstance(document, Mapping) else document
    guard = found.get("authentication") if isinstance(found, Mapping) else None
    found = found.get("uri") if isinstance(found, Mapping) else found
    if not isinstance(found, str) or not found or not isinstance(guard, Mapping | None):
        raise InvalidInput("document has no endpoint", remedy="give the URI of the document", path="document")
    return expanded(found, work.input), guard


def _authentication(given: Mapping[str, Any]) -> Mapping[str, Any] | None:
    found = given.get("authentication")
    if found is not None and not isinstance(found, Mapping):
        raise InvalidInput("authentication is no object", remedy="give basic, bearer or another one")
    return found


def _parsed(body: bytes) -> Mapping[str, Any]:
    try:
        document = parse_json(body, "the OpenAPI document")
    except InvalidInput:
        document = _from_yaml(body)
    if not isinstance(document, dict) or not isinstance(document.get("paths"), dict):
        raise InvalidInput("the document describes no paths", remedy="name an OpenAPI or Swagger document")
    return document


def _from_yaml(body: bytes) -> Any:
    report = Report()
    try:
        document, _ = read_yaml(body.decode("utf-8", "replace"), report)
    except StopReadingError:
        document = None
    if report.errors:
        fact = report.problems[0].fact
        raise InvalidInput(f"the OpenAPI document is neither JSON nor YAML: {fact}", remedy="mend it")
    return document
