"""What a plugin says of itself, from the first that is there: sidecar, embedded manifest, its exports."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from omnicore.capabilities.grants import CapabilityRequest, check_requests
from omnicore.errors import ManifestInvalid
from omnicore.plugins.document import MAX_BYTES, Document, read_json, read_toml
from omnicore.plugins.schemas import JsonPath
from omnicore.plugins.typed import described
from omnicore.sandbox.abi import WasiGrant
from omnicore.sandbox.inspect import ModuleInfo

__all__ = [
    "SECTION",
    "FunctionSpec",
    "Manifest",
    "Source",
    "callable_exports",
    "name_of_stem",
    "read_manifest",
]

Source = Literal["sidecar", "embedded", "inferred"]

SECTION = "omnicore:manifest"
NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
_FUNCTION_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$.:-]{0,127}")
_WASI = frozenset({"wasi_snapshot_preview1", "wasi_unstable"})
# Exports that toolchains add for themselves; they have the shape of a plugin's functions and are none.
_PLUMBING = re.compile(r"_initialize|hs_init|__.*|asyncify_.*|go_scheduler|_omnicore.*")
_WORDS = ("functions", "version", "description", "author")
_JSON, _BYTES = "application/json", "application/octet-stream"


@dataclass(frozen=True, slots=True)
class FunctionSpec:
    """A function callers see. `input` and `output` are JSON Schemas; None takes all the media type allows.

    `lane` names the lane whose cycles call it, `provides` the capabilities it gives to intelligences. `hints` says what
    a call does, such as `read_only`; what is not said is not known.
    """

    name: str
    description: str = ""
    input: Mapping[str, Any] | None = None
    output: Mapping[str, Any] | None = None
    input_media: str = _BYTES
    output_media: str = _BYTES
    lane: str = ""
    provides: tuple[str, ...] = ()
    hints: Mapping[str, bool] = field(default_factory=dict)

    def to_json(self) -> dict[str, Any]:
        """The function as a manifest would write it, its name aside."""
        more = {"lane": self.lane, "provides": list(self.provides), "hints": dict(self.hints)}
        return {
            "description": self.description,
            "input": self.input,
            "output": self.output,
            "input_media": self.input_media,
            "output_media": self.output_media,
            **{key: value for key, value in more.items() if value},
        }


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest with every default filled in. `wasi` is None when the plugin gets none of it."""

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


def read_manifest(stem: str, info: ModuleInfo, *, sidecar: bytes | None, sidecar_path: str = "") -> Manifest:
    """The manifest of a module.

    Args:
        stem: the file's name without its ending, from which a plugin without a manifest gets its name.
        sidecar: the bytes of `NAME.toml`, which wins over what is embedded; a sidecar that does not speak of
            functions, version, description or author leaves those that are embedded.

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
        *_bad_scopes(document),
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


def _document(stem: str, info: ModuleInfo, sidecar: bytes | None, sidecar_path: str) -> Document | None:
    if sidecar is not None:
        return read_toml(sidecar, sidecar_path or f"{stem}.toml")
    return _embedded(stem, info)


def _embedded(stem: str, info: ModuleInfo) -> Document | None:
    if SECTION in info.custom:
        return read_json(bytes(info.custom[SECTION][: MAX_BYTES + 1]), f"{stem}.wasm ({SECTION})")
    return None


def _embedded_words(stem: str, info: ModuleInfo, exports: tuple[str, ...]) -> dict[str, Any]:
    """What the module says of itself. What it asks for and how it runs, its sidecar alone decides."""
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
        limits=values.get("limits"),
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
        input_media=values.get("input_media", _JSON if "input" in values else _BYTES),
        output_media=values.get("output_media", _JSON if "output" in values else _BYTES),
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


def _missing_functions(document: Document, exports: tuple[str, ...]) -> list[tuple[JsonPath, str]]:
    offered = f"it has {', '.join(exports[:10])}" if exports else "it has none"
    return [
        (("functions", name), f"the module has no such function to call; {offered}")
        for name in document.values.get("functions", {})
        if name not in exports
    ]


def _repeated(document: Document) -> list[tuple[JsonPath, str]]:
    names = [one["name"] for one in document.values.get("capabilities", ())]
    return [
        (("capabilities", index, "name"), f"{name} is asked for twice; write one entry with both scopes")
        for index, name in enumerate(names)
        if name in names[:index]
    ]


def _bad_scopes(document: Document) -> Iterator[tuple[JsonPath, str]]:
    # What a scope may hold in detail, its door knows better than the schema.
    for index, one in enumerate(document.values.get("capabilities", ())):
        try:
            check_requests([_request(one)])
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


def _bad_name(document: Document) -> list[tuple[JsonPath, str]]:
    # The schema's `$` lets a newline at the end through; here the whole name counts.
    name = document.values.get("name")
    return [] if name is None or NAME.fullmatch(name) else [(("name",), "is no name a plugin can have")]
