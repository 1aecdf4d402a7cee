"""An operation of the network interface: what Starlette routes, OpenAPI describes and the commands are made from."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from typing import Any, Literal

from omnicore.access.principal import Role
from omnicore.records import Record, fields, not_null, ref

__all__ = [
    "CURSOR",
    "JSON",
    "MOST_ITEMS",
    "UNCHANGED",
    "Endpoint",
    "Operation",
    "Query",
    "Reply",
    "delete",
    "get",
    "gone",
    "limit",
    "made",
    "ok",
    "post",
    "put",
    "queries",
    "ref",
    "shows",
    "text",
]

JSON = "application/json"

MOST_ITEMS = 500
"""The most items on a page of any list."""

Endpoint = Callable[..., Any]
"""A coroutine function that takes a Starlette request or socket, or an ASGI application."""


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string, never required. A schema `Task.state` is that of the member of another."""

    name: str
    schema: Mapping[str, Any] | str
    description: str


def queries(record: type[Record]) -> tuple[Query, ...]:
    """A parameter of the query string for each field of a record."""
    return tuple(
        Query(one.json_name, not_null(one.schema), str(one.schema.get("description", ""))) for one in fields(record)
    )


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is not a problem. Without `media` it has no body."""

    description: str
    media: str | None = JSON
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    Args:
        endpoint: `module.function` below `omnicore.api`, imported when it is first routed; or the endpoint itself.
        tag: the noun, by which tokens are scoped.
        body: schemas by media type.
        problems: statuses to expect beside those that every path has.
        idempotent: takes an `Idempotency-Key`.
        open: needs no login.
        needs: the required role. Default: a viewer may read, only an admin may change.
        described: part of the OpenAPI document.
        body_bytes: limit of the body, where it is lower than the setting.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    endpoint: str | Endpoint
    name: str
    summary: str
    tag: str
    replies: Mapping[int, Reply]
    query: tuple[Query, ...] = ()
    body: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    problems: tuple[int, ...] = ()
    idempotent: bool = False
    open: bool = False
    websocket: bool = False
    needs: Role | None = None
    described: bool = True
    body_bytes: int | None = None

    @property
    def role(self) -> Role:
        """The role that a caller must have, unless the operation is open."""
        if self.needs is not None:
            return self.needs
        return Role.viewer if self.method == "GET" else Role.admin

    @property
    def module(self) -> str:
        """The module that holds the endpoint and its schemas."""
        return self.endpoint.partition(".")[0] if isinstance(self.endpoint, str) else self.endpoint.__module__

    def load(self) -> Endpoint:
        """The endpoint, imported if need be."""
        return _imported(self.endpoint) if isinstance(self.endpoint, str) else self.endpoint


@cache
def _imported(endpoint: str) -> Endpoint:
    module, _, name = endpoint.partition(".")
    found: Endpoint = getattr(import_module(f"omnicore.api.{module}"), name)
    return found


def get(path: str, endpoint: str, summary: str, replies: Mapping[int, Reply], **more: Any) -> Operation:
    """An operation that reads."""
    return _operation("GET", path, endpoint, summary, replies, more)


def post(path: str, endpoint: str, summary: str, replies: Mapping[int, Reply], **more: Any) -> Operation:
    """An operation that adds or does something."""
    return _operation("POST", path, endpoint, summary, replies, more)


def put(path: str, endpoint: str, summary: str, replies: Mapping[int, Reply], **more: Any) -> Operation:
    """An operation that replaces something."""
    return _operation("PUT", path, endpoint, summary, replies, more)


def delete(path: str, endpoint: str, summary: str, replies: Mapping[int, Reply], **more: Any) -> Operation:
    """An operation that removes something."""
    return _operation("DELETE", path, endpoint, summary, replies, more)


def _operation(
    method: Any, path: str, endpoint: str, summary: str, replies: Mapping[int, Reply], more: dict[str, Any]
) -> Operation:
    """The name is the function's in camel case, the tag the module's unless it is given."""
    module, _, function = endpoint.partition(".")
    first, *rest = function.split("_")
    name = first + "".join(word.capitalize() for word in rest)
    tag, body = more.pop("tag", module), more.pop("body", {})
    if isinstance(body, str):
        body = {JSON: ref(body)}
    return Operation(method, path, endpoint, name, summary, tag, replies, body=body, **more)


def shows(description: str, schema: str) -> Reply:
    """A JSON answer of a schema."""
    return Reply(description, schema=ref(schema))


def ok(description: str, schema: str) -> dict[int, Reply]:
    """Status 200 with a JSON answer."""
    return {200: shows(description, schema)}


def made(description: str, schema: str) -> dict[int, Reply]:
    """Status 201 with a JSON answer."""
    return {201: shows(description, schema)}


def gone(description: str) -> dict[int, Reply]:
    """Status 204, without a body."""
    return {204: Reply(description, None)}


def text(name: str, description: str) -> Query:
    """A query parameter that is a text."""
    return Query(name, {"type": "string"}, description)


def limit(description: str = "How many") -> Query:
    """The length of a page."""
    return Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, description)


CURSOR = text("cursor", "`next` of the page before")
UNCHANGED = {304: Reply("Not changed.", None)}
