"""The operations of `specs/openapi.json` as the clients in `sdk/clients` have them, with every reference resolved."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sdk.generate.contract import ROOT
from sdk.generate.text import pascal

__all__ = ["MADE", "Document", "Member", "Operation", "Parameter", "Record", "Shape", "document", "words"]

MADE = "Made from specs/openapi.json by `python -m sdk.generate`; change the host's operations, not this file."
_BODIES = ("application/json", "application/cloudevents+json", "application/wasm", "application/octet-stream")
_LEFT_OUT = re.compile(r"/|/openapi\.json|/mcp|/ws(/.*)?|/api/login|/api/v1/oidc/.*")
"""Pages, protocols of their own, and streams, for which each client has a way of its own."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A type: `kind` is text, whole, number, boolean, any, bytes, none, list, map, record or enum.

    `item` is what a list or map holds, `name` a record's, `values` an enum's. `null` may be there too.
    """

    kind: str
    item: Shape | None = None
    name: str = ""
    values: tuple[Any, ...] = ()
    null: bool = False


@dataclass(frozen=True, slots=True)
class Member:
    """A member of a record."""

    name: str
    shape: Shape
    words: str
    required: bool


@dataclass(frozen=True, slots=True)
class Record:
    """A JSON object with known members."""

    name: str
    words: str
    members: tuple[Member, ...]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A part of the path or of the query."""

    name: str
    shape: Shape
    words: str


@dataclass(frozen=True, slots=True)
class Operation:
    """Something to ask of a host.

    `body` is None where there is none; `media` its type. `keyed`: a repetition with the same Idempotency-Key has no
    further effect. `paged`: the answer is a page with `items` and `next`.
    """

    name: str
    method: str
    path: str
    words: str
    parts: tuple[Parameter, ...]
    query: tuple[Parameter, ...]
    body: Shape | None
    media: str
    answer: Shape
    keyed: bool
    paged: bool


@dataclass(frozen=True, slots=True)
class Document:
    """Everything that a client is made of."""

    version: str
    records: tuple[Record, ...]
    operations: tuple[Operation, ...]


@cache
def document() -> Document:
    """The document of this repository."""
    whole = json.loads((ROOT / "specs" / "openapi.json").read_text("utf-8"))
    reader = _Reader(whole["components"]["schemas"])
    operations = tuple(reader.operations(whole["paths"]))
    return Document(
        whole["info"]["version"], tuple(sorted(reader.records.values(), key=lambda one: one.name)), operations
    )


class _Reader:
    def __init__(self, schemas: Mapping[str, Any]) -> None:
        self.records: dict[str, Record] = {}
        self._schemas = schemas
        for name, schema in schemas.items():
            self._record(name, schema)

    def operations(self, paths: Mapping[str, Any]) -> Iterator[Operation]:
        for path, methods in paths.items():
            for method, about in methods.items():
                if not _LEFT_OUT.fullmatch(path):
                    yield self._operation(path, method.upper(), about)

    def _operation(self, path: str, method: str, about: Mapping[str, Any]) -> Operation:
        name = about["operationId"]
        given = about.get("parameters", ())
        content = about.get("requestBody", {}).get("content", {})
        media = next((one for one in _BODIES if one in content), next(iter(content), ""))
        answers = {
            one
            for status, answer in about["responses"].items()
            if status[0] == "2"
            for one in [self._answer(name, answer)]
        }
        answers = {one for one in answers if one.kind != "none"} or answers
        query = tuple(self._parameter(name, one) for one in given if one["in"] == "query")
        answer = answers.pop() if len(answers) == 1 else Shape("any")
        members = {one.name for one in self.records[answer.name].members} if answer.kind == "record" else set()
        return Operation(
            name, method, path,
            about.get("summary", name),
            tuple(self._parameter(name, one) for one in given if one["in"] == "path"),
            query,
            self._body(name, content[media], media) if media else None,
            media, answer,
            keyed=any(one["name"] == "Idempotency-Key" for one in given),
            paged={"items", "next"} <= members and any(one.name == "cursor" for one in query),
        )  # fmt: skip

    def _parameter(self, operation: str, about: Mapping[str, Any]) -> Parameter:
        shape = self.shape(about["schema"], f"{pascal_of(operation)}{pascal(about['name'])}")
        return Parameter(about["name"], shape, about.get("description", ""))

    def _body(self, name: str, content: Mapping[str, Any], media: str) -> Shape:
        return (
            self.shape(content.get("schema", {}), f"{pascal_of(name)}Body")
            if media.endswith("json")
            else Shape("bytes")
        )

    def _answer(self, name: str, answer: Mapping[str, Any]) -> Shape:
        content = answer.get("content", {})
        if not content:
            return Shape("none")
        if "application/json" not in content:
            return Shape("bytes")
        return self.shape(content["application/json"].get("schema", {}), f"{pascal_of(name)}Answer")

    def shape(self, schema: Mapping[str, Any], name: str) -> Shape:
        """The type that a schema describes; records without a name get this one."""
        if "$ref" in schema:
            return Shape("record", name=schema["$ref"].rpartition("/")[2])
        if "anyOf" in schema:
            options = [one for one in schema["anyOf"] if one.get("type") != "null"]
            inner = self.shape(options[0], name) if len(options) == 1 else Shape("any")
            return Shape(inner.kind, inner.item, inner.name, inner.values, len(options) < len(schema["anyOf"]))
        if "enum" in schema or "const" in schema:
            values = tuple(schema.get("enum", (schema.get("const"),)))
            kept = tuple(one for one in values if one is not None)
            return Shape("enum", values=kept, null=len(kept) < len(values))
        kinds = schema.get("type", [])
        kinds = [kinds] if isinstance(kinds, str) else list(kinds)
        null = "null" in kinds
        kinds = [one for one in kinds if one != "null"]
        if len(kinds) != 1:
            return Shape("any", null=null)
        return self._plain(kinds[0], schema, name, null)

    def _plain(self, kind: str, schema: Mapping[str, Any], name: str, null: bool) -> Shape:
        if kind == "array":
            return Shape("list", self.shape(schema.get("items", {}), f"{name}Item"), null=null)
        if kind == "object" and schema.get("properties"):
            self._record(name, schema)
            return Shape("record", name=name, null=null)
        if kind == "object":
            further = schema.get("additionalProperties")
            item = self.shape(further, f"{name}Value") if isinstance(further, Mapping) else Shape("any")
            return Shape("map", item, null=null)
        return Shape({"string": "text", "integer": "whole"}.get(kind, kind), null=null)

    def _record(self, name: str, schema: Mapping[str, Any]) -> None:
        required = set(schema.get("required", ()))
        members = tuple(
            Member(key, self.shape(value, f"{name}{pascal(key)}"), words(value.get("description", "")), key in required)
            for key, value in schema.get("properties", {}).items()
        )
        self.records[name] = Record(name, words(schema.get("description", "")), members)


def pascal_of(name: str) -> str:
    """`listPlugins` as `ListPlugins`."""
    return name[:1].upper() + name[1:]


def words(text: str) -> str:
    """A description on one line that no comment can be ended by."""
    return " ".join(text.split()).replace("*/", "* /")
