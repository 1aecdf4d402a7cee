"""Manifests: a plugin's name, functions, capabilities and limits, and the limits that it is granted.

A manifest comes from the first source that exists: the sidecar file, the manifest embedded in the module, or the
module's exports. For a component, the types of its functions give the schemas. A fault in a document is reported
with its path and line.
"""

from __future__ import annotations

import difflib
import json
import math
import re
import time
import tomllib
from dataclasses import dataclass, fields, replace
from functools import lru_cache
from importlib import resources
from typing import TYPE_CHECKING, Any, Literal

from omnicore.capabilities.capability import Capability, CapabilityRequest, Grant
from omnicore.capabilities.doors import BUILT_IN, check_requests, missing
from omnicore.config.documents import JsonPath, json_lines, line_of, toml_lines
from omnicore.errors import ManifestInvalid
from omnicore.optional import optional
from omnicore.plugins.schemas import BYTES_MEDIA, JSON_MEDIA, FunctionSpec, problems_of_schema, write_path
from omnicore.sandbox.abi import Limits, WasiGrant
from omnicore.sandbox.wit import Signature, Way, WitType, entry_of, input_way, output_way, returned
from omnicore.texts import too_deep, with_more

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    from jsonschema import Draft202012Validator, ValidationError

    from omnicore.sandbox.inspect import ModuleInfo


MAX_BYTES = 256 * 1024
_MAX_DEPTH = 32
_MAX_OPEN = 100  # beyond this not even the line is looked for: that would recurse
_SCHEMAS_S = 2.0  # for all schemas of a manifest together
_MAX_DOTS = 300
_TOML_PLACE = re.compile(r"\(at line (\d+), column \d+\)")


@dataclass(frozen=True, slots=True)
class ManifestDocument:
    """A manifest as written: plain values, and where it came from."""

    path: str
    text: str
    values: Mapping[str, Any]
    locate: Callable[[str], Mapping[JsonPath, int]]

    def line(self, path: JsonPath) -> int:
        """The line of a key or item; lines count from 1."""
        return line_of(self.locate(self.text), path)

    def invalid(self, problems: list[tuple[JsonPath, str]]) -> ManifestInvalid:
        """The error for what is wrong, the first in the file on top."""
        found = sorted((self.line(path), write_path(path), message) for path, message in problems)
        line, place, message = found[0]
        return ManifestInvalid(
            f"{self.path}:{line}: {place + ': ' if place else ''}{message}",
            remedy=with_more("correct the manifest", len(found) - 1),
            path=self.path,
            line=line,
            problems=[{"line": number, "path": where, "message": text} for number, where, text in found],
        )


def read_toml(data: bytes, path: str) -> ManifestDocument:
    """Reads a sidecar. Raises: ManifestInvalid."""
    text = _text(data, path)
    for number, content in enumerate(text.split("\n"), start=1):
        if content.count(".") > _MAX_DOTS:  # tomllib takes time by the square of the parts of a dotted key
            raise _at(path, number, f"more than {_MAX_DOTS} dots on one line")
    try:
        values = tomllib.loads(text)
    except RecursionError as error:
        raise _at(path, 1, "nested too deep") from error
    except ValueError as error:
        place = _TOML_PLACE.search(str(error))
        line = int(place[1]) if place else text.count("\n") + 1
        raise _at(path, line, f"no valid TOML: {_TOML_PLACE.sub('', str(error)).strip()}") from error
    return _checked(ManifestDocument(path, text, values, toml_lines))


def read_json(data: bytes, path: str) -> ManifestDocument:
    """Reads an embedded manifest. Raises: ManifestInvalid."""
    text = _text(data, path)
    if too_deep(data, _MAX_OPEN):
        raise _at(path, 1, "nested too deep")
    try:
        values = json.loads(text)
    except ValueError as error:
        line = getattr(error, "lineno", 1)
        raise _at(path, line, f"no valid JSON: {getattr(error, 'msg', error)}") from error
    if not isinstance(values, dict):
        raise _at(path, 1, "must be an object")
    return _checked(ManifestDocument(path, text, values, json_lines))


def _text(data: bytes, path: str) -> str:
    if len(data) > MAX_BYTES:
        raise _at(path, 1, f"has {len(data)} bytes where {MAX_BYTES} are allowed")
    try:
        return data.decode().replace("\r\n", "\n")
    except UnicodeDecodeError as error:
        raise _at(path, data.count(b"\n", 0, error.start) + 1, "is not UTF-8 text") from error


def _at(path: str, line: int, message: str) -> ManifestInvalid:
    return ManifestDocument(path, "", {}, lambda _: {(): line}).invalid([((), message)])


def _checked(document: ManifestDocument) -> ManifestDocument:
    # Depth and kinds first: what comes after may then recurse and serialise without surprises.
    for look in (_unplain(document.values, ()), _breaches(document.values), _bad_schemas(document.values)):
        problems = list(look)
        if problems:
            raise document.invalid(problems)
    return document


def _unplain(value: Any, path: JsonPath) -> Iterator[tuple[JsonPath, str]]:
    if len(path) > _MAX_DEPTH:
        yield path, f"nested deeper than {_MAX_DEPTH}"
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from _unplain(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unplain(item, (*path, index))
    elif isinstance(value, float) and not math.isfinite(value):
        yield path, "must be a finite number"
    elif not isinstance(value, str | int | float | type(None)):
        yield path, "dates and times are not taken; write text"


@lru_cache(maxsize=1)
def _validator() -> Draft202012Validator:
    text = resources.files(__package__).joinpath("plugin.schema.json").read_text(encoding="utf-8")
    validator: Draft202012Validator = optional("jsonschema").Draft202012Validator(json.loads(text))
    return validator


def _breaches(values: Mapping[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    for error in _validator().iter_errors(values):
        path = tuple(error.absolute_path)
        if error.validator == "additionalProperties" and isinstance(error.schema, dict):
            yield from _unknown_keys(error, path)
        elif error.validator == "required":
            wanted: Any = error.validator_value
            instance: Any = error.instance
            missing = [key for key in wanted if key not in instance]
            yield path, f"lacks {', '.join(missing)}"
        elif error.validator == "propertyNames" or (error.parent is None and "propertyNames" in error.schema_path):
            yield (*path, str(error.instance)), "is no name a function can have"
        else:
            yield path, error.message[:200]


def _unknown_keys(error: ValidationError, path: JsonPath) -> Iterator[tuple[JsonPath, str]]:
    schema: Any = error.schema
    known = list(schema["properties"])
    instance: Any = error.instance
    for key in instance:
        if key not in known:
            close = difflib.get_close_matches(key[:64], known, n=1)
            yield (*path, key), "is no known key" + (f"; did you mean {close[0]!r}?" if close else "")


def _bad_schemas(values: Mapping[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    places: list[JsonPath] = [
        ("functions", name, side)
        for name, function in values.get("functions", {}).items()
        for side in ("input", "output")
        if side in function
    ]
    if "config" in values:
        places.append(("config",))
    end = time.monotonic() + _SCHEMAS_S
    for place in places:
        schema: Any = values
        for step in place:
            schema = schema[step]
        for path, message in problems_of_schema(schema, timeout_s=end - time.monotonic()):
            yield (*place, *path), message


_MEDIA: dict[Way, str] = {
    "nothing": "application/octet-stream",
    "text": "text/plain",
    "bytes": "application/octet-stream",
    "json": "application/json",
}
_INTEGERS = {f"{sign}{bits}": (sign, bits) for sign in "su" for bits in (8, 16, 32, 64)}
_BASE64 = {
    "type": "object",
    "properties": {"base64": {"type": "string"}},
    "required": ["base64"],
    "additionalProperties": False,
}
_BYTES = {"anyOf": [{"type": "string"}, _BASE64]}


def described(signature: Signature) -> dict[str, Any]:
    """`input`, `output` and their media types, as a manifest would write them; None where bytes travel as they are."""
    given, taken = returned(signature), input_way(signature)
    if len(signature.params) > 1:
        fields: dict[str, Any] | None = _object([(name, kind) for name, kind in signature.params])
    else:
        fields = _schema(signature.params[0][1]) if signature.params else None
    return {
        "input": fields if taken in ("text", "json") else None,
        "output": _schema(given) if given is not None and output_way(signature) in ("text", "json") else None,
        "input_media": _MEDIA[taken],
        "output_media": _MEDIA[output_way(signature)],
    }


def _schema(kind: WitType) -> dict[str, Any]:
    if kind.kind in _INTEGERS:
        return _whole(*_INTEGERS[kind.kind])
    return _SCHEMAS[kind.kind](kind)


def _whole(sign: str, bits: int) -> dict[str, Any]:
    least, most = (0, (1 << bits) - 1) if sign == "u" else (-(1 << bits - 1), (1 << bits - 1) - 1)
    return {"type": "integer", "minimum": least, "maximum": most}


def _object(fields: list[tuple[str, WitType]]) -> dict[str, Any]:
    required = [_snake(name) for name, kind in fields if kind.kind != "option"]
    return {
        "type": "object",
        "properties": {_snake(name): _schema(kind) for name, kind in fields},
        **({"required": required} if required else {}),
        "additionalProperties": False,
    }


def _record(kind: WitType) -> dict[str, Any]:
    return _object([(name, item) for name, item in zip(kind.names, kind.items, strict=True) if item is not None])


def _list(kind: WitType) -> dict[str, Any]:
    (item,) = _inside(kind)
    if (value := entry_of(kind)) is not None:
        return {"type": "object", "additionalProperties": _schema(value)}
    return dict(_BYTES) if item.kind == "u8" else {"type": "array", "items": _schema(item)}


def _tuple(kind: WitType) -> dict[str, Any]:
    items = [_schema(item) for item in _inside(kind)]
    return {"type": "array", "prefixItems": items, "minItems": len(items), "maxItems": len(items)}


def _option(kind: WitType) -> dict[str, Any]:
    return {"anyOf": [{"type": "null"}, *(_schema(item) for item in _inside(kind))]}


def _variant(kind: WitType) -> dict[str, Any]:
    return {"oneOf": [_case(name, item) for name, item in zip(kind.names, kind.items, strict=True)]}


def _case(name: str, item: WitType | None) -> dict[str, Any]:
    tag = {"tag": {"const": name}}
    properties = tag if item is None else {**tag, "value": _schema(item)}
    return {"type": "object", "properties": properties, "required": list(properties), "additionalProperties": False}


def _result(kind: WitType) -> dict[str, Any]:
    sides = zip(("ok", "err"), kind.items, strict=True)
    return {"oneOf": [_side(name, {"type": "null"} if item is None else _schema(item)) for name, item in sides]}


def _side(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "properties": {name: schema}, "required": [name], "additionalProperties": False}


def _flags(kind: WitType) -> dict[str, Any]:
    return {"type": "array", "items": {"enum": list(kind.names)}, "uniqueItems": True}


def _inside(kind: WitType) -> list[WitType]:
    return [item for item in kind.items if item is not None]


def _snake(name: str) -> str:
    return name.replace("-", "_")


_SCHEMAS: dict[str, Callable[[WitType], dict[str, Any]]] = {
    "bool": lambda kind: {"type": "boolean"},
    "f32": lambda kind: {"type": "number"},
    "f64": lambda kind: {"type": "number"},
    "char": lambda kind: {"type": "string", "minLength": 1, "maxLength": 1},
    "string": lambda kind: {"type": "string"},
    "list": _list,
    "tuple": _tuple,
    "record": _record,
    "variant": _variant,
    "enum": lambda kind: {"enum": list(kind.names)},
    "option": _option,
    "result": _result,
    "flags": _flags,
}


Source = Literal["sidecar", "embedded", "inferred"]

SECTION = "omnicore:manifest"
NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_FUNCTION_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.:-]{0,127}")
_WASI = frozenset({"wasi_snapshot_preview1", "wasi_unstable"})
# Exports that toolchains add for themselves; they have the shape of a plugin's functions and are none.
_PLUMBING = re.compile(r"_initialize|hs_init|__.*|asyncify_.*|go_scheduler|_omnicore.*")
_WORDS = ("functions", "version", "description", "author")


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest with every default filled in. `wasi` is None when the plugin gets none of it.

    `limits_reason` says why it asks for more than the host gives to every plugin.
    """

    name: str
    version: str = ""
    description: str = ""
    author: str = ""
    warm: int = 0
    threads: bool = False
    wasi: WasiGrant | None = None
    functions: tuple[FunctionSpec, ...] = ()
    capabilities: tuple[CapabilityRequest, ...] = ()
    config: Mapping[str, Any] | None = None
    limits: Mapping[str, Any] | None = None
    limits_reason: str = ""
    source: Source = "inferred"

    def to_json(self) -> str:
        """The manifest as the catalogue keeps it."""
        wasi = {"args": self.wasi.arguments, "env": dict(self.wasi.environment)} if self.wasi else None
        values = {
            "name": self.name,
            "version": self.version,
            "description": self.description,
            "author": self.author,
            "warm": self.warm,
            "threads": self.threads,
            "wasi": wasi,
            "functions": {function.name: function.to_json() for function in self.functions},
            "capabilities": [
                {"name": one.name, "scope": dict(one.scope), "reason": one.reason} for one in self.capabilities
            ],
            "config": self.config,
            "limits": self.limits,
            "limits_reason": self.limits_reason,
            "source": self.source,
        }
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> Manifest:
        """The manifest that `to_json` wrote."""
        values = json.loads(text)
        return cls(
            **{
                **values,
                "wasi": _wasi(values["wasi"]),
                "functions": tuple(
                    FunctionSpec(name, **{**spec, "provides": tuple(spec.get("provides", ()))})
                    for name, spec in values["functions"].items()
                ),
                "capabilities": tuple(CapabilityRequest(**one) for one in values["capabilities"]),
            }
        )


def read_manifest(
    stem: str,
    info: ModuleInfo,
    *,
    sidecar: bytes | None,
    sidecar_path: str = "",
    doors: Mapping[str, Capability] | None = None,
) -> Manifest:
    """The manifest of a module.

    Args:
        stem: the file's name without its ending, from which a plugin without a manifest gets its name.
        sidecar: the bytes of `NAME.toml`, which wins over what is embedded; a sidecar that does not speak of
            functions, version, description or author leaves those that are embedded.
        doors: all capabilities of the host by name. None is no host: an application may provide what is unknown.

    Raises: ManifestInvalid: with `path` and `line`.
    """
    exports = callable_exports(info)
    document = _document(stem, info, sidecar, sidecar_path)
    if document is None:
        component = info.component is not None
        return Manifest(_checked_name(stem), threads=component, wasi=_inferred_wasi(info), functions=_specs(info))
    problems = [
        *_missing_functions(document, exports),
        *_repeated(document),
        *_bad_scopes(document, doors),
        *_bad_name(document),
    ]
    if problems:
        raise document.invalid(problems)
    words = {} if sidecar is None else _embedded_words(stem, info, exports)
    values = {**words, **document.values}
    if unasked := list(_unasked_lanes(values)):
        raise document.invalid(unasked)
    return _build(values, stem, info, "embedded" if sidecar is None else "sidecar")


def callable_exports(info: ModuleInfo) -> tuple[str, ...]:
    """Functions without parameters and with at most one result, those of the toolchain left out."""
    found = [
        export.name
        for export in info.exports
        if export.kind == "function"
        and not getattr(export.type, "params", ())
        and len(getattr(export.type, "results", ())) <= 1
        and _FUNCTION_NAME.fullmatch(export.name)
        and not _PLUMBING.fullmatch(export.name)
    ]
    # A command has one entry; where there are other functions, `_start` is only how its runtime begins.
    return tuple(name for name in found if name != "_start") or tuple(found)


def name_of_stem(stem: str) -> str:
    """The name a plugin gets from its file: `Count_Vowels` becomes `count-vowels`."""
    return re.sub(r"[^a-z0-9]+", "-", stem.lower()).strip("-")


def _document(stem: str, info: ModuleInfo, sidecar: bytes | None, sidecar_path: str) -> ManifestDocument | None:
    if sidecar is not None:
        return read_toml(sidecar, sidecar_path or f"{stem}.toml")
    return _embedded(stem, info)


def _embedded(stem: str, info: ModuleInfo) -> ManifestDocument | None:
    if SECTION in info.custom:
        return read_json(bytes(info.custom[SECTION][: MAX_BYTES + 1]), f"{stem}.wasm ({SECTION})")
    return None


def _embedded_words(stem: str, info: ModuleInfo, exports: tuple[str, ...]) -> dict[str, Any]:
    """Descriptions that the module embeds. Its requests and how it runs are up to the sidecar alone."""
    document = _embedded(stem, info)
    if document is None:
        return {}
    problems = _missing_functions(document, exports)
    if problems:
        raise document.invalid(problems)
    return {key: document.values[key] for key in _WORDS if key in document.values}


def _build(values: Mapping[str, Any], stem: str, info: ModuleInfo, source: Source) -> Manifest:
    known = {function.name: function for function in _specs(info)}
    make = _retold if info.component is not None else _function
    functions = tuple(make(known[name], one) for name, one in values.get("functions", {}).items())
    wasi = values.get("wasi", _inferred_wasi(info) is not None)
    limits = {name: value for name, value in values.get("limits", {}).items() if name != "reason"}
    return Manifest(
        values["name"] if "name" in values else _checked_name(stem),
        version=values.get("version", ""),
        description=values.get("description", ""),
        author=values.get("author", ""),
        warm=values.get("warm", 0),
        threads=values.get("threads", False) or info.component is not None,
        wasi=_wasi({} if wasi is True else wasi or None),
        functions=functions or tuple(known.values()),
        capabilities=tuple(_request(one) for one in values.get("capabilities", ())),
        config=values.get("config"),
        limits=limits or None,
        limits_reason=values.get("limits", {}).get("reason", ""),
        source=source,
    )


def _specs(info: ModuleInfo) -> tuple[FunctionSpec, ...]:
    """The functions as the file itself shows them: by name alone, or of a component with their types."""
    if info.component is None:
        return tuple(FunctionSpec(name) for name in callable_exports(info))
    return tuple(FunctionSpec(one.name, **described(one.signature)) for one in info.component.functions)


def _retold(known: FunctionSpec, values: Mapping[str, Any]) -> FunctionSpec:
    """A component's function: its types decide how values travel, the manifest may say more of them."""
    told = {key: values[key] for key in ("description", "input", "output", "lane", "hints") if key in values}
    return replace(known, **told, provides=tuple(values.get("provides", ())))


def _function(known: FunctionSpec, values: Mapping[str, Any]) -> FunctionSpec:
    return FunctionSpec(
        known.name,
        description=values.get("description", ""),
        input=values.get("input"),
        output=values.get("output"),
        input_media=values.get("input_media", JSON_MEDIA if "input" in values else BYTES_MEDIA),
        output_media=values.get("output_media", JSON_MEDIA if "output" in values else BYTES_MEDIA),
        lane=values.get("lane", ""),
        provides=tuple(values.get("provides", ())),
        hints=values.get("hints", {}),
    )


def _request(values: Mapping[str, Any]) -> CapabilityRequest:
    return CapabilityRequest(name=values["name"], scope=values.get("scope", {}), reason=values["reason"])


def _wasi(values: Mapping[str, Any] | None) -> WasiGrant | None:
    if values is None:
        return None
    return WasiGrant(arguments=tuple(values.get("args", ())), environment=dict(values.get("env", {})))


def _inferred_wasi(info: ModuleInfo) -> WasiGrant | None:
    wanted = any(one.module in _WASI or one.module.startswith("wasi:") for one in info.imports)
    return WasiGrant() if wanted else None


def _checked_name(stem: str) -> str:
    name = name_of_stem(stem)
    if not NAME.fullmatch(name):
        raise ManifestInvalid(
            f"the file name {stem[:80]!r} gives no plugin name",
            remedy="rename the file to letters, digits and '-', or set name in a manifest",
            path=stem,
            line=1,
        )
    return name


def _missing_functions(document: ManifestDocument, exports: tuple[str, ...]) -> list[tuple[JsonPath, str]]:
    offered = f"it has {', '.join(exports[:10])}" if exports else "it has none"
    return [
        (("functions", name), f"the module has no such function to call; {offered}")
        for name in document.values.get("functions", {})
        if name not in exports
    ]


def _repeated(document: ManifestDocument) -> list[tuple[JsonPath, str]]:
    names = [one["name"] for one in document.values.get("capabilities", ())]
    return [
        (("capabilities", index, "name"), f"{name} is asked for twice; write one entry with both scopes")
        for index, name in enumerate(names)
        if name in names[:index]
    ]


def _bad_scopes(document: ManifestDocument, doors: Mapping[str, Capability] | None) -> Iterator[tuple[JsonPath, str]]:
    # What a scope may hold in detail, its door knows better than the schema.
    for index, one in enumerate(document.values.get("capabilities", ())):
        name = one["name"]
        if name not in (doors or BUILT_IN):
            close = difflib.get_close_matches(name, doors or BUILT_IN, n=1)
            if close or doors is not None:
                hint = f"did you mean {close[0]!r}?" if close else f"this host has {', '.join(doors or BUILT_IN)}"
                yield ("capabilities", index, "name"), f"there is no capability {name!r}; {hint}"
            continue
        try:
            check_requests([_request(one)], doors or BUILT_IN)
        except ManifestInvalid as error:
            key = str(error.details.get("path", "")).rpartition(".")[2]
            yield ("capabilities", index, "scope", key), str(error)


def _unasked_lanes(values: Mapping[str, Any]) -> Iterator[tuple[JsonPath, str]]:
    """Functions that name a lane the plugin does not ask for; a sidecar asks for what the module names, too."""
    found = [one.get("scope", {}) for one in values.get("capabilities", ()) if one["name"] == "loops"]
    asked = {lane for scope in found for lane in scope.get("lanes", ())}
    wanted = list(dict.fromkeys(one["lane"] for one in values.get("functions", {}).values() if "lane" in one))
    lanes = ", ".join(f'"{lane}"' for lane in dict.fromkeys([*asked & set(wanted), *wanted]))
    for name, one in values.get("functions", {}).items():
        if one.get("lane", "") not in {*asked, ""}:
            yield (
                ("functions", name, "lane"),
                f"the plugin does not ask to take part in the {one['lane']} lane; add [[capabilities]] with "
                f'name = "loops", a reason and scope = {{ lanes = [{lanes}] }}',
            )


def _bad_name(document: ManifestDocument) -> list[tuple[JsonPath, str]]:
    # The schema's `$` lets a newline at the end through; here the whole name counts.
    name = document.values.get("name")
    return [] if name is None or NAME.fullmatch(name) else [(("name",), "is no name a plugin can have")]


LIMITS = "limits"
"""The name under which limits above the host's own are granted."""


def effective_limits(asked: Mapping[str, Any] | None, default: Limits, most: Limits) -> Limits:
    """Each field as the manifest asks, else the default; never above `most`, where None means no bound."""
    values = {field.name: getattr(default, field.name) for field in fields(Limits)} | dict(asked or {})
    return Limits(**{name: _least(value, getattr(most, name)) for name, value in values.items()})


def limits_request(manifest: Manifest, default: Limits, most: Limits) -> CapabilityRequest | None:
    """The request for limits above the host's own, with its reason; None without one.

    Above `most` nothing is given, so nothing is asked for.
    """
    whole, own = effective_limits(manifest.limits, default, most), effective_limits(None, default, most)
    above = {
        name: getattr(whole, name)
        for name in manifest.limits or ()
        if not _within(getattr(whole, name), getattr(own, name))
    }
    return CapabilityRequest(LIMITS, above, manifest.limits_reason) if above else None


def limits_covered(grants: Iterable[Grant], request: CapabilityRequest) -> bool:
    """True when a grant gives all the limits that are asked for."""
    given = _given(grants)
    return all(name in given and _within(value, given[name]) for name, value in request.scope.items())


def granted_limits(manifest: Manifest, grants: Iterable[Grant], default: Limits, most: Limits) -> Limits:
    """The limits that hold: those the manifest asks for, above the host's own no more than was granted."""
    request = limits_request(manifest, default, most)
    if request is None:
        return effective_limits(manifest.limits, default, most)
    given = _given(grants)
    granted = {
        name: _least(value, given[name])
        for name, value in request.scope.items()
        if name in given and not _within(given[name], getattr(default, name))
    }
    asked = {name: value for name, value in (manifest.limits or {}).items() if name not in request.scope}
    return effective_limits(asked | granted, default, most)


def _given(grants: Iterable[Grant]) -> Mapping[str, Any]:
    return next((one.scope for one in grants if one.capability == LIMITS), {})


def _within(value: Any, bound: Any) -> bool:
    return bound is None or (value is not None and value <= bound)


def _least(value: Any, most: Any) -> Any:
    if value is None or most is None:
        return most if value is None else value
    return min(value, most)


def asked_of(
    manifest: str | None, limits: tuple[Limits, Limits], doors: Mapping[str, Capability] = BUILT_IN
) -> list[CapabilityRequest]:
    """All that a manifest asks for and that needs a grant. `limits` are the defaults and the most."""
    if manifest is None:
        return []
    asks = Manifest.from_json(manifest)
    above = limits_request(asks, *limits)
    return [*missing(asks.capabilities, (), doors), *([above] if above is not None else ())]


def missing_of(
    manifest: str | None,
    grants: Sequence[Grant],
    limits: tuple[Limits, Limits],
    doors: Mapping[str, Capability] = BUILT_IN,
) -> list[CapabilityRequest]:
    """The requests among them that no grant covers."""
    return [
        one
        for one in asked_of(manifest, limits, doors)
        if (not limits_covered(grants, one) if one.name == LIMITS else missing([one], grants, doors))
    ]
