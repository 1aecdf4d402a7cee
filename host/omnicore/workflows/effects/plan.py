"""What `call: http` asks for, read once; with placeholders where secrets go. Pure."""

from __future__ import annotations

import base64
import binascii
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, cast
from urllib.parse import urlencode

from omnicore.errors import InvalidInput
from omnicore.workflows.effects.multipart import MULTIPART, multipart
from omnicore.workflows.effects.uris import expanded

__all__ = ["NO_BODY", "Plan", "body_bytes", "headers_of", "output_of", "query_text", "read_plan"]

Output = Literal["raw", "content", "response"]
_OUTPUTS = ("raw", "content", "response")
_MEMBERS = frozenset({"method", "endpoint", "headers", "body", "query", "output", "redirect"})
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
    strange = sorted(str(name)[:80] for name in given.keys() - _MEMBERS)
    if strange:
        raise InvalidInput(f"call: http knows no {strange[0]}", remedy=f"it has {', '.join(sorted(_MEMBERS))}")
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
    """What of the answer is handed on. Raises: InvalidInput."""
    if value is None:
        return "content"
    if value not in _OUTPUTS:
        raise InvalidInput(f"output is none of {', '.join(_OUTPUTS)}", remedy="correct it", path="output")
    return cast(Output, value)


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
