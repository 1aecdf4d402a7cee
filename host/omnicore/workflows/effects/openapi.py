"""`call: openapi`: an operation of a described service. Documents are OpenAPI 3.0 and 3.1, and Swagger 2.0.

Source: DSL 1.0.3, OpenAPI call; OpenAPI Specification 3.1.0; Swagger 2.0.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from omnicore.clock import Clock
from omnicore.errors import InvalidInput
from omnicore.sandbox.abi import MIB, HttpRequest
from omnicore.workflows.effects.faults import of_status
from omnicore.workflows.effects.http import HttpCalls
from omnicore.workflows.effects.operations import Operation, find_operation, plan_of
from omnicore.workflows.effects.plan import output_of
from omnicore.workflows.effects.uris import expanded
from omnicore.workflows.effects.values import parse_json
from omnicore.workflows.effects.work import Work
from omnicore.workflows.language.problems import Report
from omnicore.workflows.language.yaml_text import StopReadingError, read_yaml
from omnicore.workflows.performing import Performed

__all__ = ["OpenApiCalls"]

_MEMBERS = frozenset({"document", "operationId", "parameters", "authentication", "output", "redirect", "server"})
_MOST, _KEPT_S, _BYTES = 32, 60.0, 8 * MIB


@dataclass(slots=True)
class _Kept:
    """A document, its tag, and when it is asked for again."""

    document: Mapping[str, Any]
    etag: str
    until: float
    operations: dict[str, Operation] = field(default_factory=dict)


class OpenApiCalls:
    """Calls operations by their ids. The last documents are kept for a minute, and longer while they do not change."""

    def __init__(self, http: HttpCalls, clock: Clock) -> None:
        self._http = http
        self._clock = clock
        self._kept: OrderedDict[str, _Kept] = OrderedDict()

    async def call(self, work: Work) -> Performed:
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

    def _operation(self, kept: _Kept, name: Any) -> Operation:
        if not isinstance(name, str) or not name:
            raise InvalidInput("operationId is no text", remedy="name an operation", path="operationId")
        if name not in kept.operations:
            kept.operations[name] = find_operation(kept.document, name)
        return kept.operations[name]

    async def _document(self, work: Work, url: str, guard: Mapping[str, Any] | None) -> _Kept:
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


def _key(work: Work, url: str, guard: Mapping[str, Any] | None) -> str:
    """Who may read a document is part of what it is kept by: others must show their own credential."""
    if guard is None:
        return url
    text = json.dumps([url, work.secrets.put(dict(guard))], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()


def _address(document: Any, work: Work) -> tuple[str, Mapping[str, Any] | None]:
    """Where the document is, and who may read it: a URI, or an external resource with an endpoint."""
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
