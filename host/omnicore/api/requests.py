"""The content of requests: JSON bodies, query parameters and cursors."""

from __future__ import annotations

import base64
import binascii
import hashlib
from typing import Any, TypeVar

from starlette.requests import HTTPConnection, Request
from starlette.responses import JSONResponse, Response

from omnicore.api.operation import MOST_ITEMS
from omnicore.api.principals import principal_of
from omnicore.capabilities.request import json_bytes
from omnicore.errors import InvalidInput
from omnicore.records import Record, decode, fields
from omnicore.texts import read_json

_R = TypeVar("_R", bound=Record)


class Json(JSONResponse):
    """A JSON answer; mappings of any kind become objects."""

    def render(self, content: Any) -> bytes:
        return json_bytes(content, _plain)


def _plain(value: Any) -> Any:
    return dict(value) if hasattr(value, "keys") else str(value)


async def read_object(request: Request, *, allowed: frozenset[str]) -> dict[str, Any]:
    """The body as a JSON object; an empty body is an empty object.

    Raises: InvalidInput: no JSON object, or a member that is not `allowed`.
    """
    body = await request.body()
    try:
        values = read_json(body.decode("utf-8-sig") or "{}")
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"the body is not JSON: {error}", remedy="send a JSON object") from error
    if not isinstance(values, dict):
        raise InvalidInput("the body is not a JSON object", remedy="send a JSON object", path="")
    strange = sorted(values.keys() - allowed)
    if strange:
        raise InvalidInput(
            f"{strange[0][:80]!r} is not known here",
            remedy=f"members are {', '.join(sorted(allowed))}",
            path=strange[0][:80],
        )
    return values


async def read_record(request: Request, record: type[_R], what: str) -> _R:
    """The record that the body holds. `what` is its noun for messages. Raises: InvalidInput."""
    names = frozenset(one.json_name for one in fields(record) if not one.hidden)
    return decode(record, await read_object(request, allowed=names), what)


def read_count(request: HTTPConnection, name: str, default: int, *, least: int = 1, most: int = MOST_ITEMS) -> int:
    """A query parameter that counts something, from `least` to `most`. Raises: InvalidInput."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    raise InvalidInput(f"{name} is not a number from {least} to {most}", remedy="correct the query", path=name)


def who(connection: HTTPConnection) -> str:
    """The caller as grants and decisions record them."""
    principal = principal_of(connection)
    return f"{'cli' if principal.via == 'cli' else 'rest'}:{principal.name}"


def read_cursor(request: HTTPConnection) -> str:
    """The name after which a page begins, from `cursor`; "" for the first page. Raises: InvalidInput.

    A cursor holds the last name, not a position, so added or removed items shift nothing.
    """
    cursor = request.query_params.get("cursor", "")
    try:
        name = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
        if "\0" in name:  # which no name contains and PostgreSQL refuses
            raise ValueError
        return name
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise InvalidInput("the cursor is invalid", remedy="pass `next` of the page before", path="cursor") from error


def write_cursor(name: str) -> str:
    """The cursor of the page after a name."""
    return base64.urlsafe_b64encode(name.encode()).decode().rstrip("=")


def tagged(request: Request, content: Any) -> Response:
    """The content with its ETag, or 304 if the client has it already.

    Source: RFC 9110, section 13.1.2; tags are compared weakly.
    """
    response = Json(content)
    tag = f'"{hashlib.blake2b(response.body, digest_size=12).hexdigest()}"'
    headers = {"etag": tag, "cache-control": "private, no-cache"}
    known = [one.strip().removeprefix("W/") for one in request.headers.get("if-none-match", "").split(",")]
    if tag in known or "*" in known:
        return Response(status_code=304, headers=headers)
    response.headers.update(headers)
    return response
