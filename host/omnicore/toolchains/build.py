"""Builds of plugins from source, compiled, described, checked, with the manifest embedded, and the watch that repeats
them.

A built module describes its own functions: its exports `__omnicore_describe...` are run in a sealed sandbox.
"""

from __future__ import annotations

import difflib
import hashlib
import json
import os
import re
import sys
from collections.abc import AsyncIterator, Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import lru_cache
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any, cast

from watchfiles import awatch

from omnicore.capabilities import clock
from omnicore.capabilities.application import ApplicationDoor, ApplicationParts
from omnicore.capabilities.doors import BUILT_IN, DOORS, NAMESPACE
from omnicore.capabilities.scope import REQUIRED
from omnicore.config.settings import LARGEST_LIMITS
from omnicore.config.trust import TrustRecord, inside, refuse_native
from omnicore.errors import (
    BuildFailed,
    InvalidSetting,
    LinkFailed,
    ManifestInvalid,
    NotFound,
    OmniError,
    PermissionDenied,
)
from omnicore.plugins.folder import write_whole
from omnicore.plugins.inventory import read_module
from omnicore.plugins.manifest import Manifest, callable_exports, name_of_stem, read_manifest
from omnicore.sandbox.abi import MIB, Doors, HostFunction, Limits, ValueType, WasiGrant
from omnicore.sandbox.engine import Template
from omnicore.sandbox.extism.engine import ENV, ExtismEngine
from omnicore.sandbox.extism.links import KERNEL_TYPES
from omnicore.sandbox.extism.links import NAMESPACE as ENV_NAMESPACE
from omnicore.sandbox.inspect import FuncType, Import, ModuleInfo, inspect
from omnicore.texts import too_deep
from omnicore.toolchains.languages import Built, PluginSource, Report, Toolchain, kit, native_part
from omnicore.toolchains.manifest import FILE, embedded, merged, toml_values, with_manifest

WASI = frozenset({"wasi_snapshot_preview1", "wasi_unstable"})
_SERVED = frozenset({"extism:host/env", *WASI})
_PLAIN = frozenset({"i32", "i64", "f32", "f64"})


def sealed(wasm: bytes, *, limits: Limits = LARGEST_LIMITS, cache: Path | None = None) -> Template:
    """The module, compiled, without any door: other imports than those of the ABI and WASI refuse when they are called.

    Raises: ModuleRejected, LinkFailed, LimitExceeded: see `omnicore.sandbox.engine.Engine.load`.
    """
    info = inspect(wasm)
    wasi = WasiGrant() if any(item.module in WASI for item in info.imports) else None
    doors = Doors(functions=tuple(map(_refusing, _foreign(info))), wasi=wasi, log_level=None)
    return ExtismEngine(cache, instances=8).load([("main", wasm)], limits, doors)


def _foreign(info: ModuleInfo) -> list[Import]:
    return [
        item
        for item in info.imports
        if item.module not in _SERVED and isinstance(item.type, FuncType) and _PLAIN.issuperset(_types(item.type))
    ]


def _types(kind: FuncType) -> tuple[str, ...]:
    return kind.params + kind.results


def _refusing(item: Import) -> HostFunction:
    kind = cast("FuncType", item.type)
    params, results = (cast("tuple[ValueType, ...]", part) for part in (kind.params, kind.results))
    return HostFunction(item.module, item.name, params, results, _refusal(item.name))


def _refusal(name: str) -> Callable[..., Any]:
    def refuse(*_arguments: Any) -> Any:
        raise PermissionDenied(f"{name} cannot be called here", remedy="call it from a function, not at the start")

    return refuse


PREFIX = "__omnicore_describe"
_DEPTH = 100
_DESCRIBE_LIMITS = replace(
    LARGEST_LIMITS, timeout_s=5.0, memory_bytes=512 * MIB, output_bytes=1 * MIB, host_calls=1_000, http_requests=0
)


def described(wasm: bytes, info: ModuleInfo, report: Report) -> dict[str, Any]:
    """The merged results of its describing exports, in the order of their names; empty when it has none.

    Raises: BuildFailed: one of them fails or says something else than a manifest.
    """
    names = sorted(one.name for one in info.exports if one.kind == "function" and one.name.startswith(PREFIX))
    if not names:
        return {}
    report("asking the module what it offers")
    try:
        template = sealed(wasm, limits=_DESCRIBE_LIMITS)
    except OmniError as error:
        raise BuildFailed(f"the built module cannot be run: {error.fact}", remedy=error.remedy) from error
    try:
        # An instance for each, so that none depends on the memory that another leaves.
        return merged(*(_said(name, template.instance()) for name in names))
    finally:
        template.close()


def _said(name: str, instance: Any) -> Mapping[str, Any]:
    try:
        data = instance.call(name, b"")
    except OmniError as error:
        raise BuildFailed(f"{name} failed while it described the plugin: {error.fact}", remedy=error.remedy) from error
    finally:
        instance.close()
    values = _read(name, data)
    if not isinstance(values, dict) or not isinstance(functions := values.get("functions", {}), dict):
        raise _no_manifest(name, "no object with `functions`")
    if not all(isinstance(one, dict) for one in functions.values()):
        raise _no_manifest(name, "functions that are not objects")
    said = _without_nulls(values)
    if not isinstance(said.get("limits", {}), dict):
        raise _no_manifest(name, "`limits` that are not an object")
    return {**said, "functions": {key: _without_nulls(one) for key, one in functions.items()}} if functions else said


def _read(name: str, data: bytes) -> Any:
    if too_deep(data, _DEPTH):
        raise _no_manifest(name, f"JSON that is nested deeper than {_DEPTH}")
    try:
        values = json.loads(data)
        json.dumps(values, ensure_ascii=False).encode()  # escapes can hold halves of characters
    except ValueError as error:
        raise _no_manifest(name, f"no JSON: {error}") from error
    return values


def _without_nulls(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}


def _no_manifest(name: str, what: str) -> BuildFailed:
    return BuildFailed(f"{name} returned {what}", remedy="use the kit of the version that this host has")


_VERB = FuncType(("i64",), ("i64",))
_ENV: Mapping[str, FuncType] = {
    **{name: FuncType(*kind) for name, kind in KERNEL_TYPES.items()},
    **{one.name: FuncType(one.params, one.results) for one in ENV},
}
_INTERFACES = "omnicore:plugin/"
_APPLICATION = (f"{_INTERFACES}application@", "omnicore:application/")
_NAMES = frozenset(door.name for door in DOORS if door.verbs)
_SCOPES = {
    "hosts": 'hosts = ["example.com"]',
    "topics": 'topics = ["news"]',
    "functions": 'functions = ["plugin.function"]',
    "tiers": 'tiers = ["episodic"]',
    "collections": 'collections = ["docs"]',
    "connectors": 'connectors = ["name"]',
    "lanes": 'lanes = ["adaptive"]',
}


@dataclass(frozen=True, slots=True)
class Imports:
    """Imports of a module, by provider.

    `doors` has the functions of each door, `env` those of the guest ABI and of the clock that is open to all, `wasi`
    those of WASI preview 1; `others` are all else, as `(namespace, name)`.
    """

    doors: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    env: tuple[str, ...] = ()
    wasi: tuple[str, ...] = ()
    others: tuple[tuple[str, str], ...] = ()

    @property
    def used(self) -> frozenset[str]:
        """The doors it can reach: a request of the guest ABI goes through the http door's grant."""
        return frozenset(self.doors) | ({"http"} if "http_request" in self.env else set())


@lru_cache(maxsize=1)
def door_verbs() -> Mapping[str, str]:
    """Every function of every door, and the door it belongs to."""
    return {f"{door.name}_{verb}_v1": door.name for door in DOORS for verb in door.verbs}


def sorted_imports(info: ModuleInfo) -> Imports:
    """The imports of a module by who provides them."""
    doors = dict[str, list[str]]()
    env, wasi, others = [], [], []
    for item in info.imports:
        if door := _door(item):
            doors.setdefault(door, []).append(item.name)
        elif item.module.startswith(_APPLICATION):
            env.append(f"application.{item.name}")
        elif item.module == ENV_NAMESPACE or (item.module == NAMESPACE and item.name in clock.NAMES):
            env.append(item.name)
        elif _is_wasi(item):
            wasi.append(item.name if item.module in WASI else f"{item.module}::{item.name}")
        else:
            others.append((item.module, item.name))
    return Imports({door: tuple(names) for door, names in doors.items()}, tuple(env), tuple(wasi), tuple(others))


def check_imports(info: ModuleInfo, allowed: Collection[str] = ()) -> Imports:
    """The imports of a module that this host can run.

    Args:
        allowed: names that a host application provides, or `NAMESPACE::NAME`.

    Raises: LinkFailed: an import has no provider, or another type.
    """
    for item in info.imports:
        for fact, remedy in _wrong(item, allowed):
            raise LinkFailed(fact, remedy=remedy, namespace=item.module, name=item.name)
    return sorted_imports(info)


def _of_applications(info: ModuleInfo, values: Mapping[str, Any]) -> Iterator[str]:
    """The imports of capabilities that no host has by itself and that the manifest asks an application for."""
    found = values.get("capabilities", ())
    names = [str(one.get("name")) for one in (found if isinstance(found, list) else ()) if isinstance(one, dict)]
    starts = tuple(f"{name}_" for name in names if name not in BUILT_IN)
    for item in info.imports:
        if starts and item.module == NAMESPACE and item.name.startswith(starts) and item.type == _VERB:
            yield item.name


def lines_to_ask(
    door: str, reason: str = "say why it needs this", scope: Mapping[str, Sequence[str]] | None = None
) -> str:
    """The lines of a manifest that ask for a door. Args: scope: fields with their values; examples, if None."""
    needed = [_SCOPES.get(name, f"{name} = ...") for name in needed_fields(door)]
    if scope is not None:
        needed = [f"{name} = {json.dumps(list(values), ensure_ascii=False)}" for name, values in scope.items()]
    fields = f"\nscope = {{ {', '.join(needed)} }}" if needed else ""
    return f'[[capabilities]]\nname = "{door}"\nreason = {json.dumps(reason, ensure_ascii=False)}{fields}'


def needed_fields(door: str) -> tuple[str, ...]:
    """The fields that a request for a door has to name."""
    fields = next(one.scope for one in DOORS if one.name == door)
    needed = tuple(name for name, one in fields.items() if one.default is REQUIRED)
    return needed or ("topics",) * (door == "events")  # all its fields may be left out, but not at once


def unasked(imports: Imports, asked: Collection[str]) -> tuple[str, ...]:
    """The doors that a module can reach and that nobody asks for on its behalf: every call of them is refused."""
    return tuple(sorted(imports.used - set(asked) - _OPEN))


def _door(item: Import) -> str | None:
    """The door an import belongs to: of a core module by its function, of a component by its interface."""
    if item.module == NAMESPACE:
        return door_verbs().get(item.name)
    interface = item.module.removeprefix(_INTERFACES).partition("@")[0]
    return interface if item.module.startswith(_INTERFACES) and interface in _NAMES else None


def _is_wasi(item: Import) -> bool:
    return item.module in WASI or item.module.startswith("wasi:")


def _wrong(item: Import, allowed: Collection[str]) -> Iterator[tuple[str, str]]:
    name, full = item.name[:100], f"{item.module[:100]}::{item.name[:100]}"
    if item.module == ENV_NAMESPACE:
        if item.name not in _ENV:
            yield f"the import {full} is not a function of the guest ABI", _nearest(name, _ENV)
        elif item.type != _ENV[item.name]:
            yield f"the import {full} has another type than the guest ABI gives it", "build with a kit of version 1"
    elif _door(item):
        if item.module == NAMESPACE and item.type != _VERB:
            yield f"the import {full} has another type than the door gives it", "it takes an i64 and returns an i64"
    elif (item.module == NAMESPACE and item.name in clock.NAMES) or item.module.startswith(_APPLICATION):
        return
    elif not _is_wasi(item) and not {item.name, full} & set(allowed):
        hint = _nearest(name, door_verbs()) if item.module == NAMESPACE else "remove what needs it from the source"
        yield f"no provider for the import {full}", f"{hint}; if your host application does, add --allow-import {name}"


def _nearest(name: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(name, known, n=1, cutoff=0.5)
    return f"did you mean {close[0]}?" if close else "see specs/abi.md for the doors of this host"


_OPEN = frozenset(door.name for door in DOORS if not door.needs_grant)
_IMPORTED = frozenset(door.name for door in DOORS if door.verbs)
_MANIFEST_LIMITS = (Limits(), LARGEST_LIMITS)


@dataclass(frozen=True, slots=True)
class BuiltPlugin:
    """A built plugin. `warnings` are for the author to fix, `notes` are information."""

    language: str
    wasm: bytes
    kind: str
    manifest: Manifest
    imports: Imports
    warnings: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The plugin as `-o json` shows it, its bytes as size and hash."""
        manifest = self.manifest
        return {
            "plugin": manifest.name,
            "version": manifest.version,
            "language": self.language,
            "kind": self.kind,
            "size_bytes": len(self.wasm),
            "sha256": hashlib.sha256(self.wasm).hexdigest(),
            "functions": {function.name: function.to_json() for function in manifest.functions},
            "asks": [
                {"name": one.name, "scope": dict(one.scope), "reason": one.reason} for one in manifest.capabilities
            ],
            "doors": {door: list(names) for door, names in self.imports.doors.items()},
            "wasi": list(self.imports.wasi),
            "others": [f"{namespace}::{name}" for namespace, name in self.imports.others],
            "warnings": list(self.warnings),
            "notes": list(self.notes),
        }


def build(
    toolchain: Toolchain,
    source: PluginSource,
    *,
    report: Report,
    name: str | None = None,
    allowed: Collection[str] = (),
) -> BuiltPlugin:
    """Compiles a source and makes a plugin of it; nothing is written.

    Args:
        name: instead of the one in the manifest.
        allowed: imports that a host application provides.

    Raises:
        PermissionDenied: the language's compiler would run code of a folder that is not trusted.
        ToolMissing, BuildFailed: see `omnicore.toolchains.languages.Toolchain.build`.
        LinkFailed: an import has no provider.
        ManifestInvalid, ModuleRejected: a host would not take it.
    """
    if native := native_part(source.language):
        refuse_native(source.folder, native)
    toml, values = toml_values(source.folder)
    if toml is not None and not values:
        _check_toml(toml, source, ModuleInfo("core", 0))
    built = toolchain.build(source, report)
    info = inspect(built.wasm)
    imports = check_imports(info, [*allowed, *_of_applications(info, values)])
    says = merged(built.described, described(built.wasm, info, report))
    if toml is not None:
        _check_toml(toml, source, info)
    given = {"name": name} if name else {}
    own_name = {"name": name_of_stem(source.name)}
    return _finished(source, built, imports, merged(own_name, says, values, given))


def plugin_folder(source: Path) -> Path:
    """The folder that takes what is built of a source's folder.

    Raises: InvalidSetting: it is a link out of a folder that is not trusted, such as to another project's plugins.
    """
    folder = source / "plugins"
    if not inside(folder, source) and TrustRecord().of(source) is None:
        raise InvalidSetting(
            f"the plugin folder {folder} leads out of {source.resolve()}, to {folder.resolve()}",
            remedy="remove the link, or run `omnicore trust` if that is meant",
        )
    return folder


def target(path: Path, plugin: BuiltPlugin, out: Path | None) -> Path:
    """The file a plugin is written to: `out`, else `plugins/NAME.wasm` in a folder and `NAME.wasm` beside a file.

    Raises: InvalidSetting: that would overwrite the source, or as `plugin_folder`.
    """
    if out is not None:
        if path.is_file() and out.exists() and out.samefile(path):
            raise InvalidSetting(f"{out} is the source itself", remedy="name another file with -o")
        return out
    name = f"{plugin.manifest.name}.wasm"
    return plugin_folder(path) / name if path.is_dir() else path.with_name(name)


def write(file: Path, plugin: BuiltPlugin) -> None:
    """Writes the file atomically. Raises: StorageFailed."""
    write_whole(file.absolute().parent, file.name, plugin.wasm)


def _check_toml(toml: bytes, source: PluginSource, info: ModuleInfo) -> None:
    """Reports errors in the author's own file, with their line, before it is merged with anything."""
    try:
        read_manifest(source.name, info, sidecar=toml, sidecar_path=FILE)
    except ManifestInvalid as error:
        error.details["path"] = str(source.folder / FILE)
        raise


def _finished(source: PluginSource, built: Built, imports: Imports, values: Mapping[str, Any]) -> BuiltPlugin:
    wasm = with_manifest(built.wasm, embedded(values))
    _, manifest = read_module(source.name, wasm, text=False, sidecar=None, sidecar_path="", limits=_MANIFEST_LIMITS)
    info = inspect(wasm)
    return BuiltPlugin(
        language=source.language,
        wasm=wasm,
        kind=info.kind,
        manifest=manifest,
        imports=imports,
        warnings=tuple(_warnings(source, manifest, imports, info)),
        notes=tuple(_notes(built, manifest, imports, info)),
    )


def _warnings(source: PluginSource, manifest: Manifest, imports: Imports, info: ModuleInfo) -> Iterator[str]:
    if info.kind == "core" and not manifest.functions:
        yield "it has no function to call: export one that takes nothing and returns an i32"
    if _chosen(imports, info):
        # A JavaScript engine takes Extism's globals along wherever it cannot rule out that they are used.
        used = frozenset(imports.doors) if source.language == "js" else imports.used
        for door in sorted(used - {one.name for one in manifest.capabilities} - _OPEN):
            yield f"it uses {door} and does not ask for it, so every call of it is refused; add to {FILE}:\n" + (
                lines_to_ask(door)
            )


def _chosen(imports: Imports, info: ModuleInfo) -> bool:
    """True when it imports only what it uses: a component may import the whole world."""
    return info.kind == "core" or len(imports.doors) < len(_IMPORTED)


def _notes(built: Built, manifest: Manifest, imports: Imports, info: ModuleInfo) -> Iterator[str]:
    yield from built.notes
    if _chosen(imports, info):
        for one in manifest.capabilities:
            if one.name in _IMPORTED - imports.used - _OPEN:
                yield f"it asks for {one.name} and never uses it: take it out of the manifest"
    if imports.wasi and info.kind == "core":
        yield f"it imports {len(imports.wasi)} WASI functions: it gets a clock and random bytes, no files, no network"
    if imports.others:
        others = ", ".join(f"{namespace}::{name}" for namespace, name in imports.others)
        yield f"only a host application that provides {others} can run it"
    hidden = sorted({*callable_exports(info)} - {function.name for function in manifest.functions})
    if hidden:
        names = ", ".join(hidden[:10])
        yield f"exported, but not in the manifest, so not callable: {names}; add [functions.{hidden[0]}] to {FILE}"


_LOOK_MS = 1_000
_SKIPPED = frozenset({"target", "node_modules", "dist", "build", "zig-out", "__pycache__"})


@dataclass(frozen=True, slots=True)
class _Look:
    """The state of a file: time of writing, length and content."""

    stamp: tuple[int, int]
    digest: bytes


_State = Mapping[str, _Look]


class SourceWatch:
    """Looks at the files a build depends on.

    What counts is what is in the files compared with what was when the last build began: a compiler may write
    a source of its own anew. The system's word only says when to look, and a look every second does where it
    says nothing.
    """

    def __init__(self, source: PluginSource, toolchain: Toolchain) -> None:
        self._folder = source.folder
        self._patterns = (FILE, *toolchain.watched)
        if not source.entry.is_dir():
            self._patterns += (os.path.relpath(source.entry, source.folder),)
        self._seen: _State = {}
        self._seen = self._state()

    async def saves(self) -> AsyncIterator[list[str]]:
        """Yields the files that changed since the last time, by their paths in the source's folder."""
        while True:
            if changed := self.changed():
                yield changed
            await self._wait()

    def changed(self) -> list[str]:
        """The files that look different from the last time they were asked for."""
        before, self._seen = self._seen, self._state()
        digests = {path: look.digest for path, look in before.items()}
        now = {path: look.digest for path, look in self._seen.items()}
        return sorted(path for path in digests.keys() | now if digests.get(path) != now.get(path))

    async def _wait(self) -> None:
        async for _ in awatch(
            *self._folders(),
            recursive=False,
            debounce=100,
            step=50,
            yield_on_timeout=True,
            rust_timeout=_LOOK_MS,
            watch_filter=None,
        ):
            return

    def _state(self) -> _State:
        state = {}
        for folder in self._folders():
            for entry in os.scandir(folder):
                path = os.path.relpath(entry.path, self._folder)
                if entry.is_file() and any(_pattern(one).fullmatch(path) for one in self._patterns):
                    with suppress(OSError):  # gone between two looks
                        state[path] = self._look(path, entry)
        return state

    def _look(self, path: str, entry: os.DirEntry[str]) -> _Look:
        found = entry.stat()
        stamp, last = (found.st_mtime_ns, found.st_size), self._seen.get(path)
        if last is not None and last.stamp == stamp:
            return last
        return _Look(stamp, hashlib.sha256(Path(entry.path).read_bytes()).digest())

    def _folders(self) -> Iterator[Path]:
        for folder, inner, _ in os.walk(self._folder):
            inner[:] = [name for name in inner if name not in _SKIPPED and not name.startswith(".")]
            yield Path(folder)


@lru_cache(maxsize=256)
def _pattern(glob: str) -> re.Pattern[str]:
    """A pattern such as `src/**/*.rs`; `**` is any number of folders."""
    parts = {"**/": "(?:[^/]+/)*", "**": ".*", "*": "[^/]*", "?": "[^/]"}
    pieces = re.split(r"(\*\*/|\*\*|\*|\?)", glob.removeprefix("./"))
    return re.compile("".join(parts.get(piece, re.escape(piece)) for piece in pieces))


DESCRIPTION = "doors.json"
"""The file of a kit by which later ones are compared with it."""
ALIASES = {"ts": "js", "typescript": "js", "javascript": "js", "rs": "rust", "golang": "go"} | {
    "py": "python",
    "as": "assemblyscript",
    "c++": "c",
    "cpp": "c",
}


def application_at(place: str, folder: Path) -> tuple[ApplicationDoor, ...]:
    """The doors of an application, such as `myapp:host`: a `Host`, or a sequence of functions for one.

    Args:
        folder: where modules are looked for first. Their code runs.

    Raises: InvalidSetting: no place, or something else stands there; NotFound: no such module or name.
    """
    module, _, name = place.partition(":")
    if not module or not name:
        raise InvalidSetting(f"{place!r} names no application", remedy="write MODULE:NAME, such as myapp:host")
    found: Any = _imported(module, folder)
    for part in name.split("."):
        if not hasattr(found, part):
            raise NotFound(f"{module} has no {name}", remedy="name a Host, or a list of functions with doors")
        found = getattr(found, part)
    doors = ApplicationParts.of(found).doors if isinstance(found, list | tuple) else getattr(found, "doors", None)
    if not isinstance(doors, tuple) or not all(isinstance(one, ApplicationDoor) for one in doors) or not doors:
        raise InvalidSetting(f"{place} has no doors", remedy="declare some with `@host.door`; see docs/embedding.md")
    return doors


def _imported(module: str, folder: Path) -> ModuleType:
    sys.path.insert(0, str(folder))
    try:
        return import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise NotFound(f"there is no module {module}", remedy="run the command in the folder that has it") from error
    finally:
        sys.path.remove(str(folder))


def languages_named(words: Sequence[str]) -> tuple[str, ...]:
    """The languages of a list such as `rust,ts`. Raises: InvalidSetting: there is no kit for one."""
    known = tuple(_generator().LANGUAGES)
    given = [one.strip().lower() for word in words for one in word.split(",") if one.strip()]
    for one in given:
        if ALIASES.get(one, one) not in known:
            remedy = f"use {', '.join(known)}, or import the functions by hand, as specs/abi.md says"
            raise InvalidSetting(f"there is no kit of doors for {one[:40]!r}", remedy=remedy)
    return tuple(dict.fromkeys(ALIASES.get(one, one) for one in given)) or known


def kit_files(
    doors: Sequence[ApplicationDoor], languages: Sequence[str], earlier: bytes | None = None
) -> Mapping[str, str]:
    """The files of the kits by path: a folder for each language, `README.md`, and `doors.json`, which describes them.

    Args:
        earlier: the `doors.json` of an earlier kit, whose plugins are to go on working.

    Raises: InvalidSetting: a name that a language cannot spell, or changes that break plugins, each with its place.
    """
    generator = _generator()
    description = {"doors": [one.described() for one in doors]}
    try:
        made = generator.doors_of(description)
    except ValueError as error:
        raise InvalidSetting(str(error), remedy="use `name=` of `@host.door`, or another capability") from error
    if breaches := generator.breaches(_described_doors(generator, earlier), made) if earlier is not None else []:
        raise InvalidSetting(
            "plugins that were built with the earlier kit would break:\n" + "\n".join(f"- {one}" for one in breaches),
            remedy="keep the old function and declare the new one with `version=2`, or accept it with `--breaking`",
        )
    found = {"README.md": generator.page(description, made), DESCRIPTION: json.dumps(description, indent=1) + "\n"}
    for language in languages:
        found |= {f"{language}/{path}": text for path, text in generator.files(made, language).items()}
    return found


def _described_doors(generator: Any, text: bytes) -> Any:
    try:
        return generator.doors_of(json.loads(text))
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidSetting(
            f"{DESCRIPTION} of the earlier kit cannot be read: {str(error)[:200]}",
            remedy="bring it back from version control, or go on without it by `--breaking`",
        ) from error


def _generator() -> Any:
    if "sdk" not in sys.modules:
        package = ModuleType("sdk")  # its folder travels inside of ours, and is a package of its own
        package.__path__ = [str(kit("go").parent)]
        sys.modules["sdk"] = package
    return import_module("sdk.generate.application")
