"""A function as a tool: how it is listed, and the value that its arguments stand for."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.mcp.names import tool_names
from omnicore.plugins.embed import embedded
from omnicore.plugins.manifest import FunctionSpec
from omnicore.plugins.view import PluginView

__all__ = ["Tool", "is_object", "tools_of"]

_JSON, _TEXT = "application/json", "text/plain"
_HINTS = {
    "read_only": "readOnlyHint",
    "destructive": "destructiveHint",
    "idempotent": "idempotentHint",
    "open_world": "openWorldHint",
}
_PLAIN = {"input": {"type": "string", "description": "Text for the function"}}
_BYTES = {
    "input": {"type": "string", "description": "Text for the function, which gets it as UTF-8"},
    "base64": {"type": "string", "contentEncoding": "base64", "description": "Bytes for the function, instead of text"},
}


@dataclass(frozen=True, slots=True)
class Tool:
    """One function of a plugin that answers calls. Units: `timeout_s` the plugin's own limit of a call."""

    name: str
    plugin: str
    function: FunctionSpec
    about: str
    timeout_s: float

    @property
    def reference(self) -> str:
        """What the host calls it."""
        return f"{self.plugin}.{self.function.name}"

    def listed(self) -> dict[str, Any]:
        """The tool as `tools/list` shows it."""
        spec = self.function
        hints = {_HINTS[name]: value for name, value in spec.hints.items() if name in _HINTS}
        return {
            "name": self.name,
            "description": spec.description or f"The function {spec.name} of {self.plugin}. {self.about}".strip(),
            "inputSchema": _input_schema(spec),
            **({} if spec.output is None else {"outputSchema": _output_schema(spec.output)}),
            **({"annotations": hints} if hints else {}),
        }

    def value(self, arguments: Mapping[str, Any]) -> Any:
        """What the function is called with. Raises: InvalidInput: no such arguments."""
        spec = self.function
        if spec.input is not None and is_object(spec.input):
            return dict(arguments)
        known = _BYTES if _takes_bytes(spec) else _PLAIN
        if strange := sorted(arguments.keys() - known.keys()):
            raise _wrong(f"has no argument {strange[0][:80]!r}", self.name)
        if "base64" in arguments:
            return _decoded(arguments, self.name)
        if "input" not in arguments:
            if spec.input is not None:
                raise _wrong("needs the argument input", self.name)
            return b""
        value = arguments["input"]
        if spec.input is None and spec.input_media != _JSON and not isinstance(value, str):
            raise _wrong("takes text as its argument input", self.name)
        return value


def tools_of(plugins: Mapping[str, tuple[PluginView, tuple[FunctionSpec, ...]]]) -> Iterator[Tool]:
    """The tools of plugins, given as their view and the functions that answer calls."""
    names = tool_names(f"{name}.{spec.name}" for name, (_, specs) in plugins.items() for spec in specs)
    for name, (view, specs) in plugins.items():
        for spec in specs:
            yield Tool(names[f"{name}.{spec.name}"], name, spec, view.description, float(view.limits["timeout_s"]))


def is_object(schema: Mapping[str, Any]) -> bool:
    """Whether a schema takes nothing but objects, as the protocol wants it of a tool's."""
    return schema.get("type") == "object"


def _takes_bytes(spec: FunctionSpec) -> bool:
    return spec.input is None and spec.input_media not in (_JSON, _TEXT)


def _input_schema(spec: FunctionSpec) -> dict[str, Any]:
    if spec.input is not None:
        if is_object(spec.input):
            return dict(spec.input)
        return _wrapped("input", spec.input)
    if spec.input_media == _JSON:
        return _closed({"input": {"description": "Any JSON value"}})
    return _closed(_BYTES if _takes_bytes(spec) else _PLAIN)


def _output_schema(schema: Mapping[str, Any]) -> dict[str, Any]:
    return dict(schema) if is_object(schema) else _wrapped("result", schema)


def _wrapped(member: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """An object with the schema's value as its only member; references follow it there."""
    return {**_closed({member: embedded(schema, f"#/properties/{member}")}), "required": [member]}


def _closed(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _decoded(arguments: Mapping[str, Any], name: str) -> bytes:
    text = arguments["base64"]
    if len(arguments) > 1:
        raise _wrong("takes input or base64, not both", name)
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError) as error:
        raise _wrong("takes base64 as its argument base64", name) from error


def _wrong(problem: str, name: str) -> InvalidInput:
    return InvalidInput(f"the tool {name} {problem}", remedy="see its schema in `tools/list`")
