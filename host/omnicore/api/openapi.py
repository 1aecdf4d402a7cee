"""The OpenAPI 3.1 document, generated from the table of operations and the plugins' own schemas."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from omnicore.api.operation import Operation, Query, ref
from omnicore.api.principals import COOKIE
from omnicore.api.problems import MEDIA, phrase
from omnicore.api.schema import TEXT, Schema, Schemas, object_of
from omnicore.plugins.schemas import FunctionSpec, embedded
from omnicore.plugins.view import PluginView
from omnicore.version import __version__

_EVERYWHERE = (400, 401, 403, 421, 500, 503)
_IN_PATH = {
    "call": "The id of a call that is kept.",
    "alarm": "Name of an alarm",
    "package": "Name of a plugin of the indexes",
    "lane": "The lane's name, such as `adaptive`.",
    "intelligence": "The intelligence's id.",
    "evolution": "Id of a search",
    "candidate": "Number of one of its candidates, from 0",
    "plugin": "Name of a plugin",
    "function": "Name of one of its functions",
    "capability": "Name of a capability",
    "task": "Id of a task",
    "memory": "Id of a memory",
    "block": "Name of a core block, such as persona",
    "entity": "Name of a person or a thing, such as `Ada`",
    "fact": "Id of a fact",
    "collection": "Name of a vector collection",
    "connector": "Name of a connector",
    "kind": "Name of a kind of connector",
    "action": "Name of one of its actions",
    "webhook": "Name of a webhook",
    "hook": "Where a webhook is: its random id",
    "delivery": "Id of a delivery",
    "schedule": "Name of a schedule",
    "workflow": "Name of a workflow; `namespace.name` outside of `default`",
    "draft": "Name of a workflow, or `~` and a name of its own for a new one",
    "number": "Number of a version",
    "run": "Id of a run",
    "seq": "Number of a row, from 1",
    "user": "Name of a user",
    "token": "Id of an API token",
    "session": "Id of a session",
    "host": "Name of a host of the fleet, or its id",
    "setting": "Dotted name of a setting",
    "backup": "Name of a backup",
}
_KEY_HEADER = {
    "name": "Idempotency-Key",
    "in": "header",
    "schema": {"type": "string", "minLength": 1, "maxLength": 255},
    "description": "Makes a repeated request answer as the first did, without doing it again",
}


_OWN: Schemas = {
    "Problem": object_of(
        type={**TEXT, "format": "uri"},
        title=TEXT,
        status={"type": "integer"},
        code={**TEXT, "description": "Stable; made for programs."},
        detail={**TEXT, "description": "What happened."},
        remedy={**TEXT, "description": "What to do about it."},
        instance={**TEXT, "description": "Names the request, as `x-request-id` and the log do."},
    ),
}


def document(operations: Sequence[Operation], views: Iterable[PluginView] = ()) -> dict[str, Any]:
    """The whole document, with a path for each function of the plugins that answer calls."""
    plugins, schemas = _Plugins(), schemas_of(operations)
    for view in views:
        if view.serving is not None:
            plugins.add(view)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "OmniCore",
            "version": __version__,
            "description": "Plugins in a sandbox: what is there, what they may, and calls into them.",
            "license": {"name": "MIT", "identifier": "MIT"},
        },
        "security": [{"token": []}, {"session": []}, {}],
        "paths": {**_paths(operations, schemas), **plugins.paths},
        "components": {
            "schemas": {**schemas, **plugins.schemas},
            "responses": {"Problem": _problem("What went wrong, and what to do about it.")},
            "securitySchemes": {
                "token": {"type": "http", "scheme": "bearer"},
                "session": {"type": "apiKey", "in": "cookie", "name": COOKIE},
            },
        },
    }


def schemas_of(operations: Iterable[Operation]) -> dict[str, Schema]:
    """The schemas of the modules that hold the endpoints, by name."""
    modules = dict.fromkeys(one.load().__module__ for one in operations)
    found = {name: shape for module in modules for name, shape in getattr(sys.modules[module], "SCHEMAS", {}).items()}
    return {**found, **_OWN}


def _paths(operations: Sequence[Operation], schemas: Schemas) -> dict[str, Any]:
    paths: dict[str, Any] = {}
    for operation in (one for one in operations if one.described):
        paths.setdefault(operation.path, {})[operation.method.lower()] = _operation(operation, schemas)
    return paths


def _operation(operation: Operation, schemas: Schemas) -> dict[str, Any]:
    parameters = [
        *(_in_path(name) for name in re.findall(r"{(\w+)}", operation.path)),
        *(_in_query(query, schemas) for query in operation.query),
        *([_KEY_HEADER] if operation.idempotent else []),
    ]
    described: dict[str, Any] = {
        "operationId": operation.name,
        "summary": operation.summary,
        "tags": [operation.tag],
        "responses": _responses(operation),
    }
    if parameters:
        described["parameters"] = parameters
    if operation.body:
        described["requestBody"] = _body(operation.body)
    if operation.open:
        described["security"] = []
    return described


def _responses(operation: Operation) -> dict[str, Any]:
    replies = {
        str(status): {
            "description": reply.description,
            **({"content": {reply.media: {"schema": reply.schema}}} if reply.media else {}),
        }
        for status, reply in operation.replies.items()
    }
    statuses = sorted({*_EVERYWHERE, *operation.problems})
    for status in map(str, statuses):
        replies[status] = _either(replies.get(status), _problem(phrase(int(status))))
    return replies


def _either(reply: dict[str, Any] | None, problem: dict[str, Any]) -> dict[str, Any]:
    """A status that is either an operation's own answer or a problem."""
    return problem if reply is None else {**reply, "content": {**reply.get("content", {}), **problem["content"]}}


def _body(media: Mapping[str, Mapping[str, Any]]) -> dict[str, Any]:
    return {"required": True, "content": {name: {"schema": schema} for name, schema in media.items()}}


def _in_path(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "path",
        "required": True,
        "schema": {"type": "string"},
        "description": _IN_PATH[name],
    }


def _in_query(query: Query, schemas: Schemas) -> dict[str, Any]:
    schema = query.schema
    if isinstance(schema, str):
        record, _, member = schema.partition(".")
        schema = schemas[record]["properties"][member]
    return {"name": query.name, "in": "query", "schema": schema, "description": query.description}


def _problem(description: str) -> dict[str, Any]:
    return {"description": description, "content": {MEDIA: {"schema": ref("Problem")}}}


class _Plugins:
    """Collects a path for each function, and its schemas."""

    def __init__(self) -> None:
        self.paths: dict[str, Any] = {}
        self.schemas: dict[str, Any] = {}

    def add(self, view: PluginView) -> None:
        """Adds all functions of a plugin."""
        for function in view.functions:
            path = f"/api/v1/plugins/{view.name}/functions/{function.name}"
            self.paths[path] = {"post": self._call(view, function)}

    def _call(self, view: PluginView, function: FunctionSpec) -> dict[str, Any]:
        name = f"{view.name}.{function.name}"
        given = self._schema(f"{name}.input", function.input)
        output = self._schema(f"{name}.output", function.output)
        return {
            "operationId": f"call:{name}",
            "summary": function.description.partition("\n")[0] or f"Calls {name}",
            "tags": [f"plugin {view.name}"],
            "requestBody": _body({function.input_media: given}),
            "responses": {
                "200": {"description": "The output.", "content": {function.output_media: {"schema": output}}},
                "default": {"$ref": "#/components/responses/Problem"},
            },
        }

    def _schema(self, name: str, schema: Mapping[str, Any] | None) -> dict[str, Any]:
        if schema is None:
            return {}
        key = re.sub(r"[^A-Za-z0-9._-]", "_", name)
        while key in self.schemas:  # two names may differ only in a character that keys cannot have
            key += "_"
        place = f"#/components/schemas/{key}"
        self.schemas[key] = embedded(schema, place)
        return {"$ref": place}
