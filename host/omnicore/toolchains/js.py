"""JavaScript and TypeScript: the source runs once in a JavaScript engine, and its memory becomes the plugin.

Plain JavaScript needs nothing but this package. TypeScript, and sources that import npm packages, are bundled by
esbuild first. A plugin imports the host functions that its source mentions, so that no further grants are needed.
"""

from __future__ import annotations

import functools
import json
import os
import posixpath
import re
import shutil
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from omnicore.config.trust import refuse_native
from omnicore.errors import BuildFailed, EngineFailed, GuestError, ToolMissing
from omnicore.sandbox.abi import MIB, Limits
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.sandbox.inspect import FuncType, inspect
from omnicore.sandbox.snapshot import FIRST_DOOR, Evaluation, HostImport, LanguageEngine
from omnicore.texts import too_deep, with_more
from omnicore.toolchains.languages import Built, PluginSource, Report, kit, run
from omnicore.toolchains.manifest import toml_values

_ENV, _USER = "extism:host/env", "extism:host/user"
_WORD = re.compile(r"[A-Za-z_$][\w$]*")
_KIT = r"""["']omnicore["']"""
_NAMED = re.compile(rf"""import\s*\{{([^{{}}]*)\}}\s*from\s*{_KIT}|\{{([^{{}}]*)\}}\s*=\s*require\(\s*{_KIT}""")
# Words from their start only: a long one would be searched to its end from each of its letters.
_WHOLE = re.compile(
    rf"""import\s*\*\s*as\s+([\w$]+)\s+from\s*{_KIT}|(?<![\w$])([\w$]+)\s*=\s*require\(\s*{_KIT}\s*\)\s*[;,\n]"""
)
_MENTION = re.compile(_KIT)
_TYPES = {"i": "i32", "I": "i64", "f": "f32", "F": "f64"}
_MOST = 120
_LEVELS = ("trace", "debug", "info", "warn", "error")


@dataclass(frozen=True, slots=True)
class Door:
    """A host function that JavaScript may call.

    Args:
        type: its parameters and, behind a colon, its result: i and I are i32 and i64, f and F f32 and f64.
        words: the names in a source for which it is imported.
        noun: what of "omnicore" it belongs to.
        user: the name by which `Host.getFunctions()` has it; such a function is always imported.
    """

    module: str
    name: str
    type: str
    words: tuple[str, ...] = ()
    noun: str = ""
    user: str = ""

    def used(self, words: Set[str], nouns: Set[str]) -> bool:
        """True when sources with these words, which import these nouns of the kit, can call it."""
        return bool(self.user) or bool(self.noun and self.noun in nouns) or not words.isdisjoint(self.words)


# The engine's C code knows these by the slots 2 to 8; see `sdk/js/engine/engine.h`.
_TIMED = (
    "Date",
    "performance",
    "timeEnd",
    "timeLog",
    "Event",
    "CustomEvent",
    "AbortController",
    "AbortSignal",
    "DateTimeFormat",
)
_CLOCK = Door(_USER, "clock_now_v1", "i:I", _TIMED)
_RANDOM = Door(_USER, "random_fill_v1", "I:I", ("random", "crypto", "getRandomValues", "randomUUID"))
_LOGS = tuple(Door(_ENV, f"log_{level}", "I:", ("console",)) for level in _LEVELS)
_OWN = {2: _CLOCK, 3: _RANDOM, **dict(enumerate(_LOGS, 4))}

_GLOBALS = (
    Door(_ENV, "config_get", "I:I", ("Config",)),
    Door(_ENV, "var_get", "I:I", ("Var",)),
    Door(_ENV, "var_set", "II:", ("Var",)),
    Door(_ENV, "http_request", "II:I", ("Http",)),
    Door(_ENV, "http_status_code", ":i", ("Http",)),
    Door(_ENV, "http_headers", ":I", ("Http",)),
    Door(_USER, "http_fetch_v1", "I:I", ("fetch",)),
)


@functools.cache
def _nouns() -> Mapping[str, list[str]]:
    found: Mapping[str, list[str]] = json.loads((kit("js") / "src" / "nouns.json").read_text("utf-8"))["nouns"]
    return found


class Bindings:
    """The host functions that one plugin may call, each with its slot.

    Args:
        user: functions of a host application, declared beside the source.
    """

    def __init__(self, user: Sequence[Door]) -> None:
        doors: dict[tuple[str, str], Door] = {(one.module, one.name): one for one in _GLOBALS}
        for noun, functions in _nouns().items():
            for function in functions:
                words = doors[_USER, function].words if (_USER, function) in doors else ()
                doors[_USER, function] = Door(_USER, function, "I:I", words, noun)
        doors.update({(one.module, one.name): one for one in user})
        self._doors = {**_OWN, **dict(enumerate(doors.values(), FIRST_DOOR))}
        self._bound: list[int] = []

    @property
    def table(self) -> Mapping[str, Mapping[str, Any]]:
        """The functions as the prelude needs them, by module and name."""
        return {
            f"{door.module} {door.name}": {
                "slot": slot,
                "type": door.type,
                "word": " or ".join(filter(None, (*door.words, door.noun))),
                "user": door.user,
            }
            for slot, door in self._doors.items()
        }

    def chosen(self, sources: Iterable[str], *, omnicore: bool) -> bytes:
        """Binds what the sources mention, and returns what the engine has to know of it."""
        words: set[str] = set()
        nouns: set[str] = set()
        for source in sources:
            words.update(_WORD.findall(source))
            nouns.update(_of_kit(source) if omnicore else ())
        self._bound = [slot for slot, door in self._doors.items() if door.used(words, nouns)]
        if len(self._bound) > _MOST:
            raise BuildFailed(
                f"the plugin calls {len(self._bound)} host functions, {_MOST} are possible",
                remedy="declare fewer host functions",
            )
        live = {"clock": 2 in self._bound, "random": 3 in self._bound}
        return json.dumps({"bound": self._bound, **live}).encode()

    def imports(self) -> list[HostImport]:
        """The bound functions, as the module imports them."""
        return [_import(slot, self._doors[slot]) for slot in self._bound]


def _of_kit(source: str) -> set[str]:
    """Names of "omnicore" that a file imports; all of its words when that is unknown."""
    names: set[str] = set()
    named = [one or other for one, other in _NAMED.findall(source)]
    for part in ",".join(named).split(","):
        names.update(_WORD.findall(part)[:1])
    wholes = [one or other for one, other in _WHOLE.findall(source)]
    for whole in wholes:
        uses = re.findall(rf"(?<![\w$]){re.escape(whole)}(?![\w$])\s*(?:\.\s*([\w$]+))?", source)
        if uses.count("") != 1:  # more than where it is declared: it is handed on
            return set(_WORD.findall(source))
        names.update(uses)
    known = len(named) + len(wholes) == len(_MENTION.findall(source))
    return names if known else set(_WORD.findall(source))


def _import(slot: int, door: Door) -> HostImport:
    params, _, result = door.type.partition(":")
    kind = FuncType(tuple(_TYPES[one] for one in params), tuple(_TYPES[one] for one in result))
    return HostImport(slot, door.module, door.name, kind)


_COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.DOTALL)
_MODULE = re.compile(r"""declare\s+module\s+["'](main|extism:host)["']\s*\{""")
_EXPORT = re.compile(r"export\s+function\s+([\w$]+)\s*\(")
_INTERFACE = re.compile(r"interface\s+([\w$]+)\s*\{([^{}]*)\}")
_METHOD = re.compile(r"([\w$]+)\s*\(([^()]*)\)\s*:\s*(\w+)")
_KINDS = {"I32": "i", "I64": "I", "PTR": "I", "F32": "f", "F64": "F", "void": ""}
_MOST_PARAMETERS = 16


@dataclass(frozen=True, slots=True)
class Declared:
    """The functions that are to be exported, and what is imported; both empty where nothing is declared."""

    functions: tuple[str, ...] = ()
    imports: tuple[Door, ...] = ()


def declared(entry: Path) -> Declared:
    """The declarations of `NAME.d.ts` or else `index.d.ts` beside a source, as Extism's kit for JavaScript reads them.

    ```ts
    declare module "main" { export function greet(): I32; }
    declare module "extism:host" { interface user { shout(text: PTR): PTR; } }
    ```

    Raises: BuildFailed: an unknown type.
    """
    for path in (entry.with_suffix(".d.ts"), entry.with_name("index.d.ts")):
        if path.is_file():
            blocks = list(_blocks(_COMMENT.sub("", path.read_text("utf-8", errors="replace"))))
            if blocks:
                functions = [name for kind, body in blocks if kind == "main" for name in _EXPORT.findall(body)]
                imports = [door for kind, body in blocks if kind != "main" for door in _doors(body, path.name)]
                return Declared(tuple(functions), tuple(imports))
    return Declared()


def _blocks(text: str) -> Iterator[tuple[str, str]]:
    """Each module that counts, with what stands between its braces."""
    for match in _MODULE.finditer(text):
        depth, at = 1, match.end()
        while at < len(text) and depth:
            depth += {"{": 1, "}": -1}.get(text[at], 0)
            at += 1
        yield match[1], text[match.end() : at - 1]


def _doors(body: str, file: str) -> Iterator[Door]:
    for namespace, methods in _INTERFACE.findall(body):
        for name, parameters, result in _METHOD.findall(methods):
            kinds = [_kind(one.rpartition(":")[2], name, file) for one in parameters.split(",") if one.strip()]
            if len(kinds) > _MOST_PARAMETERS:
                raise BuildFailed(f"{file}: {name} has more than {_MOST_PARAMETERS} parameters", remedy="pass JSON")
            kind = f"{''.join(kinds)}:{_kind(result, name, file)}"
            yield Door(f"extism:host/{namespace}", name, kind, user=name)


def _kind(text: str, name: str, file: str) -> str:
    kind = _KINDS.get(text.strip())
    if kind is None:
        raise BuildFailed(f"{file}: {name} has the type {text.strip()[:40]}", remedy=f"use one of {', '.join(_KINDS)}")
    return kind


ENGINE = Path(__file__).with_name("js") / "engine.wasm"
LICENSES = ENGINE.with_name("LICENSES.txt")
"""Of what is in the engine, and so in every plugin."""

_CACHE = Path(".cache") / "omnicore" / "engines"
_SLOT = "omnicore:slot"

LIMITS = Limits(
    timeout_s=10.0,
    memory_bytes=128 * MIB,
    input_bytes=16 * MIB,
    output_bytes=4 * MIB,
    host_calls=100_000,
    module_bytes=16 * MIB,
    compile_s=120.0,
    compile_bytes=2048 * MIB,
)
"""Limits of a source while it is built; a loop at its top ends the build."""

# What the files of the kit are called in each other, in the order in which they run.
_PARTS = {
    "doors": "doorway",
    "errors": "errors",
    "clone": "clone",
    "encoding": "encoding",
    "hosts": "hosts",
    "url": "url",
    "timers": "timers",
    "random": "random",
    "console": "console",
    "host": "host",
    "fetch": "fetch",
    "shapes": "shapes",
    "loading": "loading",
}


# Globals that few sources use, by the file of `src/globals` that makes them: the names a source has them by.
_RARE: Mapping[str, tuple[str, ...]] = {
    "buffer": ("Buffer",),
    "events": ("Event", "CustomEvent", "EventTarget", "AbortController", "AbortSignal"),
    "subtle": ("CryptoKey",),
    "intl": ("Intl",),
}
_LOCALE = ("Intl", "toLocaleString", "toLocaleDateString", "toLocaleTimeString", "localeCompare")
_MENTIONS = {**_RARE, "subtle": ("subtle", "CryptoKey"), "intl": _LOCALE}
_EXTISM = "Host"


@functools.cache
def guest() -> LanguageEngine:
    """The engine, compiled once for each user and made once for each process.

    Raises: EngineFailed: the installation is damaged.
    """
    wasm = ENGINE.read_bytes()
    first = next(at for at, one in enumerate(inspect(wasm).imports) if one.module == _SLOT)
    try:
        return LanguageEngine(ExtismEngine(Path.home() / _CACHE, instances=8), wasm, first_slot=first, limits=LIMITS)
    except (EngineFailed, RuntimeError):  # no home to keep compiled code in: it takes a second each time
        return LanguageEngine(ExtismEngine(instances=8), wasm, first_slot=first, limits=LIMITS)


@functools.cache
def prelude() -> bytes:
    """The kit's files as one function of the engine's own object."""
    folder = kit("js") / "src"
    parts = [(folder / f"{name}.js").read_text("utf-8") for name in (*_PARTS, "main")]
    calls = "".join(f"kit.{name}();\n" for name in _PARTS.values())
    return f"(function (native) {{\nconst kit = {{}};\n{''.join(parts)}{calls}return kit.main();\n}})".encode()


_ENDINGS = ("", ".js", ".mjs", ".cjs", ".json", "/index.js", "/index.mjs", "/index.json")
_KIT_NAME, _NOUNS = "omnicore", "omnicore:nouns"
_RARE_FILES = {f"omnicore:globals/{name}": f"{name}.js" for name in (*_RARE, "extism")}
_RARE_FILES["omnicore:globals/locales"] = "locales.json"
_MOST_BYTES = 4 << 20
_MOST_DEPTH = 200


class Files:
    """Answers an engine's questions; remembers what was asked.

    Attributes:
        sources: the text of each file that was read, by its path.
        packages: names of npm packages that were asked for.
        omnicore: whether the kit was.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self.sources: dict[str, str] = {}
        self.packages: list[str] = []
        self.omnicore = False

    def answer(self, question: bytes) -> bytes:
        """The answer behind a `=`, or a refusal behind a `!`."""
        verb, base, name = question.decode(errors="replace").split("\0", 2)
        try:
            if verb == "mentioned":
                return b"=" + json.dumps(self._mentioned()).encode()
            return b"=" + (self._find(base, name) if verb == "find" else self._text(verb, name)).encode()
        except (OSError, ValueError) as error:
            return f"!{error}".encode()

    def _mentioned(self) -> list[str]:
        """The files of globals that the sources so far mention."""
        words = {word for source in self.sources.values() for word in _WORD.findall(source)}
        rare = [file for file, names in _MENTIONS.items() if not words.isdisjoint(names)]
        return [*rare, "extism"] if _EXTISM in words and not self.omnicore else rare

    def _find(self, base: str, name: str) -> str:
        if name == _KIT_NAME:
            self.omnicore = True
            return _KIT_NAME
        if not name.startswith(("./", "../", "/")) and name not in (".", ".."):
            self.packages.append(name)
            raise ValueError(f"there is no package {name} in a plain build")
        path = posixpath.normpath(posixpath.join(posixpath.dirname(base), name))
        for ending in _ENDINGS:
            if self._inside(path + ending).is_file():
                return path + ending
        raise ValueError(f"{base} asks for {name}, which is not there")

    def _inside(self, path: str) -> Path:
        found = (self._folder / path).resolve()
        if not found.is_relative_to(self._folder):
            raise ValueError(f"{path} lies outside of the plugin's folder")
        return found

    def _text(self, verb: str, name: str) -> str:
        if name == _KIT_NAME:
            return (kit("js") / "src" / "omnicore.mjs").read_text("utf-8")
        if name == _NOUNS:
            return _nouns_module()
        if name in _RARE_FILES:
            return (kit("js") / "src" / "globals" / _RARE_FILES[name]).read_text("utf-8")
        path = self._inside(name)
        if path.stat().st_size > _MOST_BYTES:
            raise ValueError(f"{name} is larger than {_MOST_BYTES} bytes")
        text = path.read_text("utf-8")
        self.sources[name] = text
        if verb == "module" and name.endswith(".json"):
            if too_deep(text.encode(), _MOST_DEPTH):
                raise ValueError(f"{name} is nested deeper than {_MOST_DEPTH}")
            return f"export default {json.dumps(json.loads(text))};"
        return text


def _nouns_module() -> str:
    """The kit's nouns as one function of the kit and the object that takes them."""
    files = sorted((kit("js") / "src" / "nouns").glob("*.js"))
    return f"(function (kit, nouns) {{\n{''.join(file.read_text('utf-8') for file in files)}}})"


_DIGITS = {sign: at for at, sign in enumerate("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")}
_ELSEWHERE = -1


def stretches(mappings: str, sources: Sequence[str]) -> dict[str, Any]:
    """The origin of each stretch of a bundle.

    Returns: `sources`, and `stretches`: for each `line, column, source, line, column`, lines and columns from 1;
    a source of -1 is a package's, whose lines stay those of the bundle.
    """
    own = [name for name in sources if "node_modules/" not in name]
    places = {at: own.index(name) for at, name in enumerate(sources) if name in own}
    found: list[int] = []
    last = (0, _ELSEWHERE)
    for line, column, source, source_line, source_column in _decoded(mappings):
        place = places.get(source, _ELSEWHERE)
        if place == _ELSEWHERE and (last[0] != line or last[1] == _ELSEWHERE):
            continue  # a line without any stretch has no origin
        last = line, place
        found += (line, column, place, source_line, source_column)
    return {"sources": own, "stretches": found}


def _decoded(mappings: str) -> Iterator[tuple[int, int, int, int, int]]:
    source = line = column = 0
    for number, text in enumerate(mappings.split(";"), 1):
        made = 0
        for segment in filter(None, text.split(",")):
            values = list(_numbers(segment))
            made += values[0]
            if len(values) < 4:
                continue
            source, line, column = source + values[1], line + values[2], column + values[3]
            yield number, made + 1, source, line + 1, column + 1


def _numbers(segment: str) -> Iterator[int]:
    value = shift = 0
    for sign in segment:
        digit = _DIGITS[sign]
        value |= (digit & 31) << shift
        shift += 5
        if not digit & 32:
            yield -(value >> 1) if value & 1 else value >> 1
            value = shift = 0


_NAME = "plugin.js"
_FLAGS = (
    "--bundle",
    "--format=cjs",
    "--platform=browser",  # the builds of packages that need nothing of Node
    "--target=es2023",
    "--external:omnicore",
    '--define:process.env.NODE_ENV="production"',
    "--define:global=globalThis",
    "--sourcemap=external",
    "--charset=utf8",
    "--log-level=warning",
    "--color=false",
)


@dataclass(frozen=True, slots=True)
class SourceBundle:
    """One file of JavaScript. `map` leads from its lines to those of the author, for errors."""

    name: str
    text: str
    map: Mapping[str, Any] | None = None


def bundled(source: PluginSource, report: Report) -> SourceBundle:
    """The source with all it imports, the kit aside.

    Raises:
        PermissionDenied: the folder is not trusted.
        ToolMissing: there is no esbuild.
        BuildFailed: it does not parse, or imports what is not there.
    """
    refuse_native(source.folder, "esbuild, perhaps its own one,")
    program = _esbuild(source.folder)
    entry = source.entry.relative_to(source.folder).as_posix()
    report(f"bundling {entry}")
    with tempfile.TemporaryDirectory(prefix="omnicore-js-") as scratch:
        made = Path(scratch) / _NAME
        try:
            run([program, f"./{entry}", *_FLAGS, f"--outfile={made}"], cwd=source.folder, language="JavaScript")
        except BuildFailed as error:
            raise _unbundled(error, source.folder) from error
        text = made.read_text("utf-8")
        found = json.loads(made.with_name(f"{_NAME}.map").read_text("utf-8"))
        sources = [_relative(made.parent / one, source.folder) for one in found["sources"]]
    return SourceBundle(_NAME, text, {"name": _NAME, **stretches(found["mappings"], sources)})


_MISFIT = re.compile(r"\[ERROR\] ([^\n]+)\n\n {4}(\S[^\n]*:\d+:\d+):\n")
_UNRESOLVED = re.compile(r'Could not resolve "([^"]+)"')
_OF_NODE = re.compile(r'The package "[^"]+" wasn\'t found on the file system but is built into node')


def _unbundled(error: BuildFailed, folder: Path) -> BuildFailed:
    """The first thing that esbuild found, with its place and a remedy; `output` keeps all it said."""
    said = str(error.details.get("output", ""))
    first, *others = said.split("\u2718 ")[1:] or [said]
    found = _MISFIT.search(first)
    if found is None:
        return error
    fact, remedy = found[1], "fix the source"
    if missing := _UNRESOLVED.match(fact):
        name = missing[1]
        package = "/".join(name.split("/")[: 2 if name.startswith("@") else 1])
        if _OF_NODE.search(first):
            fact = f"{name} is a part of Node, which no plugin has"
            remedy = "use what sdk/js/README.md lists; the host's doors are in the package omnicore"
        elif name.startswith((".", "/")):
            fact, remedy = f"there is no {name}", "fix the path"
        else:
            fact, remedy = f"there is no package {package}", f"run `npm install {package}` in {folder.name}"
    return BuildFailed(f"{found[2]}: {fact}", remedy=with_more(remedy, len(others)), output=said)


def _relative(path: Path, folder: Path) -> str:
    return Path(os.path.relpath(os.path.realpath(path), folder.resolve())).as_posix()


def _esbuild(folder: Path) -> str:
    """The nearest one: of the project, of a folder above it, or on PATH. Raises: ToolMissing."""
    places = [above / "node_modules" / ".bin" / "esbuild" for above in (folder, *folder.resolve().parents)]
    found = next((str(place) for place in places if place.is_file()), None) or shutil.which("esbuild")
    if found is None:
        first = "" if shutil.which("npm") else "`pip install 'omnicore[js]'` for npm, then "
        raise ToolMissing(
            "TypeScript and npm packages need esbuild, which is not on this machine",
            remedy=f"{first}run `npm install --save-dev esbuild` in {folder.name}; plain JavaScript needs nothing",
            tool="esbuild",
        )
    return found


_MOST_TYPES = 1 << 20


def typed_functions(source: PluginSource) -> tuple[Mapping[str, Any], Sequence[str]]:
    """Descriptions and schemas of functions by their types in TypeScript, and notes for the author.

    The package `typescript` reads them, where the project has it; without it nothing is said.
    """
    compiler, node = _typescript(source.folder), _beside("node")
    if compiler is None or node is None:
        lacks = "typescript" if compiler is None else "Node.js"
        return {}, [f"functions that are not described have no schemas: {lacks} is not here to read their types"]
    entry = source.entry.relative_to(source.folder).as_posix()
    words = [node, str(kit("js") / "schemas.mjs"), str(source.folder.resolve()), entry, str(compiler)]
    try:
        said = run(words, cwd=source.folder, language="TypeScript")
        found = json.loads(said[-_MOST_TYPES:].splitlines()[-1])["functions"]
    except (BuildFailed, ValueError, LookupError) as error:
        return {}, [f"functions that are not described have no schemas: {str(error)[:500]}"]
    return found, []


def _typescript(folder: Path) -> Path | None:
    """The nearest one: of the project, of a folder above it, or the one whose `tsc` is on PATH."""
    main = Path("typescript", "lib", "typescript.js")
    places = [above / "node_modules" / main for above in (folder, *folder.resolve().parents)]
    on_path = shutil.which("tsc")
    places += [Path(on_path).resolve().parents[2] / main] if on_path else []
    return next((place for place in places if place.is_file()), None)


def _beside(name: str) -> str | None:
    """A program beside Python, where pip puts it, or on PATH."""
    beside = Path(sys.executable).parent / name
    return str(beside) if beside.is_file() else shutil.which(name)


_TYPED = (".ts", ".mts", ".cts", ".tsx")
_SUFFIXES = (".js", ".mjs", ".cjs", ".jsx", *_TYPED)
_NAMES = ("plugin.ts", "plugin.js", "plugin.mjs", "plugin.cjs", "src/index.ts", "src/index.js", "index.ts", "index.js")
_FUNCTION_NAME = re.compile(r"[A-Za-z_$][A-Za-z0-9_$]{0,127}")


class JavaScript:
    """See `omnicore.toolchains.languages.Toolchain`."""

    language = "js"
    watched: tuple[str, ...] = (*(f"**/*{suffix}" for suffix in _SUFFIXES), "**/*.json", "plugin.toml")
    kit_files: tuple[str, ...] = (
        "index.d.ts",
        "omnicore.d.ts",
        "package.json",
        "testing.d.ts",
        "testing.mjs",
        "src/nouns",
    )
    """Files that `omnicore new` copies of sdk/js: types for editors and a host for tests; a build needs none of it."""

    def find(self, path: Path) -> PluginSource | None:
        """A source file, or a folder with `plugin.js`, `plugin.ts` or a package's index."""
        if path.is_file() and path.suffix in _SUFFIXES and not path.name.endswith(".d.ts"):
            return PluginSource(self.language, path.parent, path, path.stem)
        entry = next((path / name for name in _NAMES if (path / name).is_file()), None)
        return None if entry is None else PluginSource(self.language, path, entry, path.name)

    def build(self, source: PluginSource, report: Report) -> Built:
        """Runs the source once and keeps what it became. See `Toolchain.build` for what it raises."""
        text = _read(source.entry)
        if source.entry.suffix in _TYPED:
            return self._build(source, bundled(source, report), report, types=typed_functions(source))
        if source.entry.suffix == ".jsx":
            return self._build(source, bundled(source, report), report)
        name = source.entry.relative_to(source.folder).as_posix()
        files = Files(source.folder)
        try:
            return self._build(source, SourceBundle(name, text), report, files)
        except BuildFailed:
            if not files.packages:
                raise
        # It imports a package: that takes a bundler.
        return self._build(source, bundled(source, report), report)

    def _build(
        self,
        source: PluginSource,
        bundle: SourceBundle,
        report: Report,
        files: Files | None = None,
        types: tuple[Mapping[str, Any], Sequence[str]] = ({}, ()),
    ) -> Built:
        files = files or Files(source.folder)
        files.sources[bundle.name] = bundle.text
        says = declared(source.entry)
        bindings = Bindings(says.imports)
        report(f"running {bundle.name} once, to keep what it makes")
        evaluation = Evaluation(files.answer)
        given = {**_given(source, bundle, bindings, says), "types": types[0]}

        def bind(_said: bytes) -> bytes:
            return bindings.chosen(files.sources.values(), omnicore=files.omnicore)

        try:
            engine = guest()
            said = json.loads(
                engine.evaluate(evaluation, prelude=prelude(), plugin=json.dumps(given).encode(), bind=bind)
            )
        except GuestError as error:
            lines = "".join(f"\n{line}" for line in evaluation.lines)
            raise BuildFailed(
                f"{bundle.name} does not run: {error.fact}{lines}", remedy="fix the source", output=error.fact
            ) from error
        names = [one["name"] for one in said["functions"]]
        _check(names, bundle.name, says)
        wasm = engine.module(evaluation, functions=names, imports=bindings.imports())
        inspect(wasm)
        described = {one["name"]: one["spec"] for one in said["functions"]}
        bare = any(not {"input", "output"} & spec.keys() for spec in described.values())
        return Built(wasm, {"functions": described}, (*evaluation.lines, *(types[1] if bare else ())))


def _given(source: PluginSource, bundle: SourceBundle, bindings: Bindings, says: Declared) -> Mapping[str, Any]:
    _, values = toml_values(source.folder)
    settings = values.get("functions", {})
    return {
        "name": bundle.name,
        "source": bundle.text,
        "doors": bindings.table,
        "settings": settings if isinstance(settings, dict) else {},
        "only": list(says.functions) if says.functions else None,
        "map": bundle.map,
        "rare": _RARE,
    }


def _check(names: list[str], name: str, says: Declared) -> None:
    missing = sorted(set(says.functions) - set(names))
    if missing:
        raise BuildFailed(
            f"{name} has no function {missing[0]}, which its declarations promise",
            remedy='export it, or take it out of `declare module "main"`',
        )
    odd = next((one for one in names if not _FUNCTION_NAME.fullmatch(one)), None)
    if odd is not None:
        raise BuildFailed(
            f"{name} exports {odd[:100]!r}, which cannot be called", remedy="use plain letters and digits"
        )
    if not names:
        raise BuildFailed(
            f"{name} exports no function",
            remedy="write `export function greet(input) { ... }`, or set module.exports",
        )


def _read(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BuildFailed(f"{path.name} cannot be read: {error}", remedy="save it as UTF-8") from error


TOOLCHAIN = JavaScript()
