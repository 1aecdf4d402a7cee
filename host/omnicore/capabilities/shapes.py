"""The types of an application's functions: taken from JSON, given as JSON, and described by JSON Schema.

A type is a msgspec struct or record, a dataclass, a TypedDict, a Pydantic model or a plain JSON type, and what these
hold.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import msgspec

from omnicore.capabilities.request import check_structure, json_bytes
from omnicore.errors import InvalidInput, InvalidSetting

_MODEL = ("model_validate", "model_dump", "model_json_schema")
_REF = "#/$defs/{name}"
_FIELDS = msgspec.structs.asdict


@dataclass(frozen=True, slots=True)
class PluginCaller:
    """The plugin that calls a door of the application.

    A function that has a parameter of this type is given it; plugins do not see that parameter. `host_context` is the
    object that whoever called the plugin passed. Units: `deadline` seconds on the `time.monotonic()` clock.
    """

    plugin: str
    host_context: Any
    deadline: float


@dataclass(frozen=True, slots=True)
class DoorShape:
    """The parameters and the result of a function. `request` has a field for each parameter that plugins give.

    `caller` names the parameter for the `PluginCaller`, "" where there is none. `result` is None for nothing.
    """

    request: type[msgspec.Struct]
    result: Any
    caller: str
    remedy: str

    @property
    def parse(self) -> Callable[[bytes, int], dict[str, Any]]:
        """Makes the arguments, by name, of a request's bytes.

        Raises: InvalidInput: it is too large or too deep, or a field is missing, unknown or of another type.
        """
        read = msgspec.json.Decoder(self.request, dec_hook=_from_plain).decode
        remedy = self.remedy

        def parse(data: bytes, most: int) -> dict[str, Any]:
            check_structure(data, most)
            try:
                return _FIELDS(read(data))
            except (ValueError, RecursionError) as error:  # msgspec's own are ValueErrors
                what = "does not fit" if isinstance(error, msgspec.ValidationError) else "is not JSON"
                fact = " ".join(str(error).split())[:500]
                raise InvalidInput(f"the request {what}: {fact}", remedy=remedy) from error

        return parse

    def give(self, result: Any) -> bytes:
        """The reply. Raises: TypeError: the function returned what cannot be JSON."""
        if self.result is None:
            return b"{}"
        try:
            return _ENCODE({"value": result})
        except UnicodeEncodeError:  # half of a character, which stays an escape
            return json_bytes({"value": msgspec.to_builtins(result, enc_hook=_to_plain, str_keys=True)})

    def schemas(self) -> tuple[dict[str, Any], dict[str, Any] | None, dict[str, Any]]:
        """JSON Schemas of the request and of the result, and the definitions to which both refer."""
        kinds = [self.request] if self.result is None else [self.request, self.result]
        defined: dict[str, Any] = {}

        def hook(kind: type) -> dict[str, Any]:
            return _model_schema(kind, defined)

        found, more = msgspec.json.schema_components(kinds, schema_hook=hook, ref_template=_REF)
        defined |= more
        request = defined.pop(found[0]["$ref"].rpartition("/")[2])
        return request, (found[1] if len(found) > 1 else None), defined


def shape_of(function: Callable[..., Any], verb: str) -> DoorShape:
    """The shape of a function, by its annotations. Raises: InvalidSetting, which names the parameter at fault."""
    hints = _hints(function, verb)
    fields: list[Any] = []
    caller = ""
    for name, one in inspect.signature(function).parameters.items():
        if one.kind not in (one.POSITIONAL_OR_KEYWORD, one.KEYWORD_ONLY) or name not in hints:
            fact = f"the parameter `{name}` of {verb} " + ("has no type" if name not in hints else "has no name")
            raise InvalidSetting(fact, remedy="annotate each parameter with its type, and write no `*` and no `/`")
        if hints[name] is PluginCaller:
            caller = name
            continue
        default = () if one.default is one.empty else (one.default,)
        fields.append((name, hints[name], *default))
    if "return" not in hints:
        raise InvalidSetting(f"{verb} has no type for its result", remedy="annotate it with `-> TYPE`, or `-> None`")
    result = None if hints["return"] is type(None) else hints["return"]
    made = _struct(fields, verb)
    remedy = f"see the types of {verb} in its kit (`omnicore kit`)"
    shape = DoorShape(made, result, caller, remedy)
    try:
        shape.schemas()
        msgspec.json.Decoder(made, dec_hook=_from_plain)
    except TypeError as error:
        raise InvalidSetting(
            f"{verb} has a type that JSON cannot carry: {str(error)[:300]}",
            remedy="use a msgspec struct, a dataclass, a TypedDict, a Pydantic model or a plain JSON type",
        ) from error
    return shape


def _hints(function: Callable[..., Any], verb: str) -> dict[str, Any]:
    try:
        return typing.get_type_hints(function, include_extras=True)
    except Exception as error:  # whatever stands in an annotation is evaluated
        raise InvalidSetting(
            f"the types of {verb} cannot be read: {error}",
            remedy="define them in the module of the function, before it",
        ) from error


def _struct(fields: list[Any], verb: str) -> type[msgspec.Struct]:
    name = "".join(part.capitalize() for part in verb.replace(".", "_").split("_")) + "Request"
    try:
        return msgspec.defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
    except TypeError as error:  # a default that is shared, such as a list that is not empty
        raise InvalidSetting(f"{verb} has a default that cannot be used: {error}", remedy="use None") from error


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and all(hasattr(kind, name) for name in _MODEL)


def _from_plain(kind: type, value: Any) -> Any:
    if not _is_model(kind):
        raise TypeError(f"{kind.__name__} is no type that JSON can carry")
    try:
        return kind.model_validate(value)  # type: ignore[attr-defined]  # a Pydantic model
    except ValueError as error:
        raise ValueError(_problems(error)) from error


def _problems(error: Any) -> str:
    if not hasattr(error, "errors"):
        return str(error)
    found = error.errors(include_url=False, include_context=False, include_input=False)
    return "; ".join(f"{'.'.join(map(str, one['loc'])) or 'it'}: {one['msg']}" for one in found[:5])


def _to_plain(value: Any) -> Any:
    if not _is_model(type(value)):
        raise TypeError(f"{type(value).__name__} is no type that JSON can carry")
    return value.model_dump(mode="json")


_ENCODE = msgspec.json.Encoder(enc_hook=_to_plain).encode


def _model_schema(kind: type, defined: dict[str, Any]) -> dict[str, Any]:
    """The schema of a Pydantic model as a reference; the model and those within it join the definitions."""
    if not _is_model(kind):
        raise TypeError(f"{kind.__name__} is no type that JSON can carry")
    schema = kind.model_json_schema(ref_template="#/$defs/{model}")  # type: ignore[attr-defined]
    defined |= schema.pop("$defs", {})
    defined[kind.__name__] = schema
    return {"$ref": _REF.format(name=kind.__name__)}
