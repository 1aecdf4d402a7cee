"""The functions and types of a plugin in Python, read from its source.

The source is parsed and never run on the host.
"""

from __future__ import annotations

import ast
import functools
import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import cast

from omnicore.capabilities.doors import DOORS
from omnicore.errors import BuildFailed


@dataclass(frozen=True, slots=True)
class PlainType:
    """`int`, `float`, `bool`, `str` or `bytes`."""

    name: str


@dataclass(frozen=True, slots=True)
class GroupType:
    """`list`, `map` (from text), `option` or `tuple` of other types."""

    outer: str
    items: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class NamedType:
    """A record or a choice, by the name of its class."""

    name: str


Kind = PlainType | GroupType | NamedType


@dataclass(frozen=True, slots=True)
class TypedField:
    """A field of a record or a parameter of a function; one with a default may be left out."""

    name: str
    kind: Kind
    default: bool = False


@dataclass(frozen=True, slots=True)
class RecordType:
    """A dataclass of a module."""

    name: str
    module: str
    doc: str
    fields: tuple[TypedField, ...]


@dataclass(frozen=True, slots=True)
class ChoiceType:
    """An enum of a module, or texts that a `Literal` lists. `values`: an expression and the case for each."""

    name: str
    doc: str
    values: tuple[tuple[str, str], ...]
    module: str = ""


@dataclass(frozen=True, slots=True)
class PythonFunction:
    """A function that callers see; `result` is None where it returns nothing."""

    name: str
    doc: str
    parameters: tuple[TypedField, ...]
    result: Kind | None


@dataclass(frozen=True, slots=True)
class PythonPlugin:
    """A whole plugin.

    Args:
        types: in an order in which each stands after those it is made of.
        uses: modules that it imports anywhere.
        doors: the nouns of the kit that it imports.
        late: those of its imports that it imports inside of functions.
        modules: the files of its own that it imports, by module, the first one its own.
    """

    doc: str
    functions: tuple[PythonFunction, ...]
    types: Mapping[str, RecordType | ChoiceType]
    uses: frozenset[str]
    doors: tuple[str, ...]
    late: tuple[str, ...]
    modules: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class PythonModule:
    """A file with the names it defines at its top.

    `imported` says for a name from which module it comes and what it is called there.
    """

    name: str
    path: str
    tree: ast.Module
    classes: Mapping[str, ast.ClassDef]
    aliases: Mapping[str, ast.expr]
    imported: Mapping[str, tuple[str, str]]

    def late_imports(self) -> Iterator[str]:
        """Modules that are imported inside of functions, `a.b` for `from a import b`, which may be one."""
        for outer in ast.walk(self.tree):
            if isinstance(outer, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
                for node in ast.walk(outer):
                    yield from _imports(node)

    def all_imports(self) -> Iterator[str]:
        """Modules that are imported anywhere."""
        for node in ast.walk(self.tree):
            yield from _imports(node)


def _imports(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
        yield node.module
        yield from (f"{node.module}.{alias.name}" for alias in node.names if alias.name != "*")


def failed(module: PythonModule | str, node: ast.AST | int, fact: str, remedy: str) -> BuildFailed:
    """The error for a place in a file."""
    line = node if isinstance(node, int) else getattr(node, "lineno", 1)
    place = f"{module if isinstance(module, str) else module.path}:{line}"
    return BuildFailed(f"{place}: {fact}", remedy=remedy, output=f"{place}: {fact}")


def parse(folder: Path, name: str) -> PythonModule | None:
    """A module of the folder, None where it has none of this name. Raises: BuildFailed: it is not Python."""
    for path in (Path(*name.split(".")).with_suffix(".py"), Path(*name.split("."), "__init__.py")):
        if folder.joinpath(path).is_file():
            return _parsed(folder, path, name)
    return None


def _parsed(folder: Path, path: Path, name: str) -> PythonModule:
    try:
        tree = ast.parse(folder.joinpath(path).read_bytes(), path.as_posix())
    except SyntaxError as error:
        fact = f"{type(error).__name__}: {error.msg}"
        raise failed(path.as_posix(), error.lineno or 1, fact, "fix the Python source") from error
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL byte; nested too deeply
        raise failed(path.as_posix(), 1, f"it cannot be parsed: {error}", "fix the Python source") from error
    return PythonModule(
        name=name,
        path=path.as_posix(),
        tree=tree,
        classes={node.name: node for node in tree.body if isinstance(node, ast.ClassDef)},
        aliases=dict(_aliases(tree)),
        imported=dict(_imported(tree)),
    )


def _aliases(tree: ast.Module) -> Iterator[tuple[str, ast.expr]]:
    for node in tree.body:
        if isinstance(node, ast.Assign) and len(node.targets) == 1 and isinstance(node.targets[0], ast.Name):
            yield node.targets[0].id, node.value
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name) and node.value is not None:
            yield node.target.id, node.value
        elif type(node).__name__ == "TypeAlias":  # `type X = ...`, new in Python 3.12
            alias = next(ast.iter_child_nodes(node))
            yield getattr(alias, "id", ""), getattr(node, "value", ast.Constant(None))


def _imported(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in ast.walk(tree):  # `if TYPE_CHECKING:` holds some, too
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, (node.module, alias.name)


_PLAIN = frozenset({"int", "float", "bool", "str", "bytes"})
_LISTS = frozenset({"list", "List", "Sequence", "Iterable", "Collection"})
_MAPS = frozenset({"dict", "Dict", "Mapping", "MutableMapping"})
_ENUMS = frozenset({"Enum", "StrEnum", "IntEnum"})
_TAKEN = frozenset({"any", "callable", "enum", "err", "flag", "generic", "list", "ok", "optional", "protocol", "self"})
_TAKEN_TOO = frozenset({"some", "tuple", "type-var", "union", "wit-world"})
_REMEDY = (
    "take int, float, bool, str, bytes, list[T], dict[str, T], tuple[A, B], T | None, a dataclass, an Enum, "
    "or a Literal of texts"
)
_WORDS = re.compile(r"[a-z][a-z0-9]*(-[a-z][a-z0-9]*)*")


def words(name: str) -> str:
    """`HTTPServer` and `http_server` as `http-server`."""
    name = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name)
    return name.replace("_", "-").replace(" ", "-").lower()


def word(name: str, module: PythonModule, at: ast.AST, what: str) -> str:
    """A name as WIT has it. Raises: BuildFailed: it can have none of this kind."""
    found = words(name)
    if not _WORDS.fullmatch(found):
        remedy = "take words of a-z and digits that begin with a letter, such as `dark_blue`"
        raise failed(module, at, f"{what} cannot be called {name!r}", remedy)
    return found


def snake(name: str, module: PythonModule, at: ast.AST, what: str) -> None:
    """Checks a name that is the same in Python and in JSON. Raises: BuildFailed."""
    word(name, module, at, what)
    if name != name.lower():
        raise failed(module, at, f"{what} cannot be called {name!r}", f"call it {words(name).replace('-', '_')}")


class Hints:
    """Reads hints, and keeps the records and choices they name, each after those it is made of."""

    def __init__(self, find: Callable[[str], PythonModule | None]) -> None:
        """Args: find: the plugin's own module of a name."""
        self.types: dict[str, RecordType | ChoiceType] = {}
        self._homes: dict[str, str] = {}
        self._find = find
        self._open: list[str] = []

    def kind(self, node: ast.expr | None, module: PythonModule, place: str, at: ast.AST) -> Kind:
        """The type that a hint means. Args: place: who has the hint, for an error. Raises: BuildFailed."""
        if node is None:
            raise failed(module, at, f"{place} has no type hint", _REMEDY)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            return self.kind(_quoted(node, module, place), module, place, at)
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
            return self._union(_sides(node), module, place, at)
        if isinstance(node, ast.Subscript):
            return self._subscript(node, module, place, at)
        if isinstance(node, ast.Name | ast.Attribute):
            return self._name(_last(node), module, place, at)
        raise _unknown(node, module, place, at)

    def _union(self, nodes: list[ast.expr], module: PythonModule, place: str, at: ast.AST) -> Kind:
        given = [node for node in nodes if not (isinstance(node, ast.Constant) and node.value is None)]
        kinds = {self.kind(node, module, place, at) for node in given}
        if kinds == {PlainType("int"), PlainType("float")}:
            kinds = {PlainType("float")}
        if len(kinds) != 1:
            shown = functools.reduce(lambda left, right: ast.BinOp(left, ast.BitOr(), right), nodes)
            raise _unknown(shown, module, place, at)
        (kind,) = kinds
        nested = isinstance(kind, GroupType) and kind.outer == "option"
        return kind if len(given) == len(nodes) or nested else GroupType("option", (kind,))

    def _subscript(self, node: ast.Subscript, module: PythonModule, place: str, at: ast.AST) -> Kind:
        outer = _last(node.value)
        items = list(node.slice.elts) if isinstance(node.slice, ast.Tuple) else [node.slice]
        special = {"Literal": self._literal, "tuple": self._tuple, "Tuple": self._tuple, "Union": self._union}
        if outer in ("Annotated", "Final"):
            return self.kind(items[0], module, place, at)
        if outer == "Optional":
            return self._union([*items, ast.Constant(None)], module, place, at)
        if outer in special:
            return special[outer](items, module, place, at)
        kinds = tuple(self.kind(item, module, place, at) for item in items)
        if outer in _LISTS and len(kinds) == 1:
            return GroupType("list", kinds)
        if outer in _MAPS and len(kinds) == 2 and kinds[0] == PlainType("str"):
            return GroupType("map", kinds[1:])
        raise _unknown(node, module, place, at)

    def _tuple(self, items: list[ast.expr], module: PythonModule, place: str, at: ast.AST) -> Kind:
        if len(items) == 2 and isinstance(items[1], ast.Constant) and items[1].value is ...:
            return GroupType("list", (self.kind(items[0], module, place, at),))
        return GroupType("tuple", tuple(self.kind(item, module, place, at) for item in items))

    def _literal(self, items: list[ast.expr], module: PythonModule, place: str, at: ast.AST) -> Kind:
        if not all(isinstance(item, ast.Constant) and isinstance(item.value, str) for item in items):
            raise _unknown(ast.Subscript(ast.Name("Literal"), items[0]), module, place, at)
        texts = [cast("str", cast("ast.Constant", item).value) for item in items]
        name = re.sub(r"\W+", "_", place)
        cases = tuple((repr(text), word(text, module, at, "a value of a Literal")) for text in texts)
        return self._keep(ChoiceType(name, "", cases), module, at)

    def _name(self, name: str, module: PythonModule, place: str, at: ast.AST) -> Kind:
        if name in _PLAIN:
            return PlainType(name)
        key = f"{module.name}.{name}"
        if key in self._open:
            raise failed(module, at, f"{name} holds itself, which no type at the border can", "keep ids instead")
        self._open.append(key)
        try:
            return self._defined(name, module, place, at)
        finally:
            self._open.pop()

    def _defined(self, name: str, module: PythonModule, place: str, at: ast.AST) -> Kind:
        if name in module.classes:
            return self._class(module.classes[name], module)
        if name in module.aliases:
            return self.kind(module.aliases[name], module, name, at)
        origin, original = module.imported.get(name, ("", ""))
        home = self._find(origin) if origin else None
        if home is None:
            raise _unknown(ast.Name(name), module, place, at)
        return self._name(original, home, place, at)

    def _class(self, node: ast.ClassDef, module: PythonModule) -> Kind:
        if self._homes.get(node.name) == module.name and node.name in self.types:
            return NamedType(node.name)
        doc = ast.get_docstring(node) or ""
        if any(_last(base) in _ENUMS for base in node.bases):
            return self._keep(ChoiceType(node.name, doc, self._members(node, module), module.name), module, node)
        fields = self._fields(node, module)
        if not fields:
            raise failed(module, node, f"{node.name} has no fields", "give it one, or return None")
        return self._keep(RecordType(node.name, module.name, doc, tuple(fields.values())), module, node)

    def _members(self, node: ast.ClassDef, module: PythonModule) -> tuple[tuple[str, str], ...]:
        found = []
        for one in node.body:
            if isinstance(one, ast.Assign) and isinstance(one.targets[0], ast.Name):
                name = one.targets[0].id
                value = one.value.value if isinstance(one.value, ast.Constant) else None
                text = value if isinstance(value, str) and _WORDS.fullmatch(words(value)) else name
                case = word(text, module, one, f"a member of {node.name}")
                found.append((f"{module.name}.{node.name}.{name}", case))
        if not found:
            raise failed(module, node, f"{node.name} has no members", "give it some")
        return tuple(found)

    def _fields(self, node: ast.ClassDef, module: PythonModule) -> Mapping[str, TypedField]:
        if not any(_last(_called(one)) == "dataclass" for one in node.decorator_list):
            raise failed(module, node, f"{node.name} is neither a dataclass nor an Enum", "mark it with @dataclass")
        fields: dict[str, TypedField] = {}
        for base in node.bases:
            fields.update(self._inherited(base, node, module))
        for one in node.body:
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                hint = _last(one.annotation.value if isinstance(one.annotation, ast.Subscript) else one.annotation)
                if hint in ("ClassVar", "KW_ONLY"):
                    continue
                place = f"{node.name}.{one.target.id}"
                snake(one.target.id, module, one, "a field")
                fields[one.target.id] = TypedField(
                    one.target.id, self.kind(one.annotation, module, place, one), _has_default(one.value)
                )
        return fields

    def _inherited(self, base: ast.expr, node: ast.ClassDef, module: PythonModule) -> Mapping[str, TypedField]:
        name = _last(base)
        home: PythonModule | None = module
        if name not in module.classes:
            origin, name = module.imported.get(name, ("", name))
            home = self._find(origin) if origin else None
        if home is None or name not in home.classes:
            raise failed(module, node, f"{node.name} has a base that is not here", "inherit from own dataclasses only")
        return self._fields(home.classes[name], home)

    def _keep(self, one: RecordType | ChoiceType, module: PythonModule, at: ast.AST) -> NamedType:
        name = word(one.name, module, at, "a type")
        if name in _TAKEN or name in _TAKEN_TOO:
            raise failed(module, at, f"{one.name} is a name that the bindings need themselves", "call it otherwise")
        same = next((known for known in self.types if words(known) == name), None)
        if same is not None and self.types[same] != one:
            raise failed(module, at, f"there are two types called {one.name}", "rename one of them")
        self.types[one.name] = one
        self._homes[one.name] = module.name
        return NamedType(one.name)


def _sides(node: ast.expr) -> list[ast.expr]:
    """The parts of `A | B | C`."""
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.BitOr):
        return [*_sides(node.left), *_sides(node.right)]
    return [node]


def _has_default(value: ast.expr | None) -> bool:
    if isinstance(value, ast.Call) and _last(value.func) == "field":
        return any(one.arg in ("default", "default_factory") for one in value.keywords)
    return value is not None


def _called(node: ast.expr) -> ast.expr:
    return node.func if isinstance(node, ast.Call) else node


def _last(node: ast.expr) -> str:
    """`List` of `typing.List`."""
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def _quoted(node: ast.Constant, module: PythonModule, place: str) -> ast.expr:
    try:
        return ast.parse(str(node.value), mode="eval").body
    except SyntaxError as error:
        raise _unknown(node, module, place, node) from error


def _unknown(node: ast.expr, module: PythonModule, place: str, at: ast.AST) -> Exception:
    shown = ast.unparse(ast.fix_missing_locations(node))
    return failed(module, at, f"{place} is {shown}, which cannot cross the border", _REMEDY)


_KIT = "omnicore_sdk"
NOUNS = tuple(door.name for door in DOORS if door.verbs)
"""Capabilities for which the kit has a module."""
MODULES = (*NOUNS, "application")
"""These, and the module of the kit for functions of an application that embeds the host."""

_AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


def read(folder: Path, entry: str) -> PythonPlugin:
    """The plugin whose functions are in the module `entry`.

    Raises: BuildFailed: a syntax error, a hint that cannot cross the border, or no function; with file and line.
    """
    modules = _Modules(folder)
    main = modules.find(entry, called(entry))
    if main is None:
        raise failed(f"{entry}.py", 1, "the file is gone", "build again")
    hints = Hints(modules.find)
    functions = tuple(_function(node, main, hints) for node in _marked(main))
    if not functions:
        remedy = f"write `from {_KIT} import function` and `@function` above what callers shall see"
        raise failed(main, 1, "no function is marked with @function", remedy)
    modules.follow(main)
    known = modules.known()
    uses = frozenset(name for module in known.values() for name in module.all_imports())
    late = {name for module in known.values() for name in module.late_imports()}
    return PythonPlugin(
        doc=ast.get_docstring(main.tree) or "",
        functions=functions,
        types=hints.types,
        uses=uses,
        doors=tuple(door for door in MODULES if any(door in _nouns(module.tree) for module in known.values())),
        late=tuple(sorted(late)),
        modules={name: module.path for name, module in known.items()},
    )


def packaged_doors(folder: Path) -> frozenset[str]:
    """The nouns of the kit that packages in a folder may use; all where a module that has the kit cannot be read."""
    found: set[str] = set()
    for path in folder.rglob("*.py"):
        source = path.read_bytes()
        if _KIT.encode() in source:
            try:
                found.update(_nouns(ast.parse(source)))
            except (SyntaxError, ValueError, RecursionError):
                return frozenset(NOUNS)
    return frozenset(found).intersection(MODULES)


def _nouns(tree: ast.Module) -> frozenset[str]:
    """The nouns of the kit that a module may use: those it names, and all where it has the kit as a whole."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            found.update(*(NOUNS for alias in node.names if alias.name == _KIT))
            found.update(alias.name.removeprefix(f"{_KIT}.") for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module == _KIT:
            found.update(*(NOUNS if alias.name == "*" else (alias.name,) for alias in node.names))
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.removeprefix(f"{_KIT}."))
    return frozenset(found)


def called(entry: str) -> str:
    """The module that a file becomes: `plugin` where its own name is none, or one of the standard library's."""
    return entry if entry.isidentifier() and entry not in sys.stdlib_module_names else "plugin"


class _Modules:
    """The plugin's own modules, each parsed once."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._found: dict[str, PythonModule | None] = {}

    def find(self, name: str, called: str = "") -> PythonModule | None:
        if name not in self._found:
            found = None if name.split(".", maxsplit=1)[0] == _KIT else parse(self._folder, name)
            self._found[name] = replace(found, name=called) if found and called else found
        return self._found[name]

    def follow(self, module: PythonModule) -> None:
        """Finds what a module imports, and what that imports."""
        for name in module.all_imports():
            parts = name.split(".")
            for known in (".".join(parts[:count]) for count in range(1, len(parts) + 1)):
                if known not in self._found and (found := self.find(known)):
                    self.follow(found)

    def known(self) -> dict[str, PythonModule]:
        return {module.name: module for module in self._found.values() if module}


def _marked(module: PythonModule) -> Iterator[_AnyFunction]:
    for node in module.tree.body:
        if isinstance(node, _AnyFunction) and any(_is_mark(one, module) for one in node.decorator_list):
            yield node


def _is_mark(node: ast.expr, module: PythonModule) -> bool:
    if isinstance(node, ast.Name):
        return module.imported.get(node.id) == (_KIT, "function")
    return isinstance(node, ast.Attribute) and node.attr == "function" and ast.unparse(node.value) == _KIT


def _function(node: _AnyFunction, module: PythonModule, hints: Hints) -> PythonFunction:
    if isinstance(node, ast.AsyncFunctionDef):
        raise failed(module, node, f"{node.name} is async, but a plugin has no event loop", "write `def`")
    given = node.args
    if given.posonlyargs or given.vararg or given.kwarg:
        fact = f"{node.name} has parameters that cannot be named (`/`, `*` or `**`)"
        raise failed(module, node, fact, "give each parameter a name and a type")
    snake(node.name, module, node, "a function")
    returns = node.returns
    nothing = isinstance(returns, ast.Constant) and returns.value is None
    return PythonFunction(
        name=node.name,
        doc=ast.get_docstring(node) or "",
        parameters=tuple(_parameters(node, module, hints)),
        result=None if nothing else hints.kind(returns, module, f"the result of {node.name}", node),
    )


def _parameters(node: ast.FunctionDef, module: PythonModule, hints: Hints) -> Iterator[TypedField]:
    given = node.args
    defaults: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults))
    found = [*zip(given.args, [*defaults, *given.defaults], strict=True)]
    found += [*zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    for one, default in found:
        snake(one.arg, module, one, "a parameter")
        kind = hints.kind(one.annotation, module, f"{node.name}.{one.arg}", one)
        yield TypedField(one.arg, kind, default is not None)
