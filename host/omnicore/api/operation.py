"""A row of the route table: what Starlette routes and what OpenAPI describes, written once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from omnicore.access.principal import Role

__all__ = ["JSON", "Operation", "Query", "Reply", "ref"]

JSON = "application/json"


def ref(name: str) -> dict[str, Any]:
    """A reference to one of the schemas of `schemas.py`."""
    return {"$ref": f"#/components/schemas/{name}"}


@dataclass(frozen=True, slots=True)
class Query:
    """A parameter of the query string, never required."""

    name: str
    schema: Mapping[str, Any]
    description: str


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer that is no problem. Without `media` it has no body."""

    description: str
    media: str | None = JSON
    schema: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Operation:
    """One method of one path.

    `endpoint` is a Starlette endpoint, or an ASGI application for the one that is measured. `body` maps media
    types to schemas; `problems` lists the statuses to be ready for, beside those that every path has.
    `idempotent` operations take an `Idempotency-Key`, `open` ones need nobody to be logged in. `needs` is the role that
    one must have: without it a viewer may read, and only an admin may change. Those that are not `described` are for
    browsers and not in the OpenAPI document. `body_bytes` bounds the body where less than the setting says is enough.
    """

    method: Literal["GET", "POST", "PUT", "DELETE"]
    path: str
    endpoint: Any
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
