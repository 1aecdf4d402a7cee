"""Reads what a request brings: JSON bodies, query parameters, one page of a list."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Sequence
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from omnicore.capabilities.request import json_bytes
from omnicore.errors import InvalidInput
from omnicore.plugins.view import PluginView
from omnicore.texts import read_json

__all__ = ["MOST_ITEMS", "Json", "page", "read_count", "read_object", "tagged"]

MOST_ITEMS = 500


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
        raise InvalidInput(f"the body is no JSON: {error}", remedy="send a JSON object") from error
    if not isinstance(values, dict):
        raise InvalidInput("the body is no JSON object", remedy="send a JSON object", path="")
    strange = sorted(values.keys() - allowed)
    if strange:
        raise InvalidInput(
            f"{strange[0][:80]!r} is not known here",
            remedy=f"members are {', '.join(sorted(allowed))}",
            path=strange[0][:80],
        )
    return values


def read_count(request: Request, name: str, default: int, *, most: int = MOST_ITEMS) -> int:
    """A query parameter that counts something, from 1 to `most`. Raises: InvalidInput."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) < 10 and 1 <= int(text) <= most:
        return int(text)
    raise InvalidInput(f"{name} is no number from 1 to {most}", remedy="correct the query", path=name)


def page(request: Request, views: Sequence[PluginView]) -> tuple[list[PluginView], str | None]:
    """The plugins that `limit` and `cursor` ask for, by name, and the cursor of the next page.

    A cursor holds the last name, not a place, so that plugins which come and go shift nothing.
    """
    limit = read_count(request, "limit", 100)
    after = _after(request.query_params.get("cursor", ""))
    rest = sorted((view for view in views if view.name > after), key=lambda view: view.name)
    chosen = rest[:limit]
    if len(rest) <= limit:
        return chosen, None
    return chosen, base64.urlsafe_b64encode(chosen[-1].name.encode()).decode().rstrip("=")


def tagged(request: Request, content: Any) -> Response:
    """The content with its ETag, or 304 without it when the client has it already.

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


def _after(cursor: str) -> str:
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, UnicodeDecodeError, ValueError) as error:
        raise InvalidInput(
            "the cursor is not one of ours", remedy="pass `next` of the page before", path="cursor"
        ) from error
