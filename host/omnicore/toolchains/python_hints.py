"""Type hints to types that cross the border."""

from __future__ import annotations

import ast
import functools
import re
from collections.abc import Callable, Mapping
from typing import cast

from omnicore.toolchains.python_model import Choice, Field, Group, Kind, Named, Plain, Record
from omnicore.toolchains.python_modules import Module, failed

__all__ = ["Hints", "snake", "words"]

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


def word(name: str, module: Module, at: ast.AST, what: str) -> str:
    """A name as WIT has it. Raises: BuildFailed: it can have none of this kind."""
    found = words(name)
    if not _WORDS.fullmatch(found):
        remedy = "take words of a-z and digits that begin with a letter, such as `dark_blue`"
        raise failed(module, at, f"{what} cannot be called {name!r}", remedy)
    return found


def snake(name: str, module: Module, at: ast.AST, what: str) -> None:
    """Checks a name that is the same in Python and in JSON. Raises: BuildFailed."""
    word(name, module, at, what)
    if name != name.lower():
        raise failed(module, at, f"{what} cannot be called {name!r}", f"call it {words(name).replace('-', '_')}")


class Hints:
    """Reads hints, and keeps the records and choices they name, each after those it is made of."""

    def __init__(self, find: Callable[[str], Module | None]) -> None:
        """Args: find: the plugin's own module of a name."""
        self.types: dict[str, Record | Choice] = {}
        self._homes: dict[str, str] = {}
        self._find = find
        self._open: list[str] = []

    def kind(self, node: ast.expr | None, module: Module, place: str, at: ast.AST) -> Kind:
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

    def _union(self, nodes: list[ast.expr], module: Module, place: str, at: ast.AST) -> Kind:
        given = [node for node in nodes if not (isinstance(node, ast.Constant) and node.value is None)]
        kinds = {self.kind(node, module, place, at) for node in given}
        if kinds == {Plain("int"), Plain("float")}:
            kinds = {Plain("float")}
        if len(kinds) != 1:
            shown = functools.reduce(lambda left, right: ast.BinOp(left, ast.BitOr(), right), nodes)
            raise _unknown(shown, module, place, at)
        (kind,) = kinds
        nested = isinstance(kind, Group) and kind.outer == "option"
        return kind if len(given) == len(nodes) or nested else Group("option", (kind,))

    def _subscript(self, node: ast.Subscript, module: Module, place: str, at: ast.AST) -> Kind:
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
            return Group("list", kinds)
        if outer in _MAPS and len(kinds) == 2 and kinds[0] == Plain("str"):
            return Group("map", kinds[1:])
        raise _unknown(node, module, place, at)

    def _tuple(self, items: list[ast.expr], module: Module, place: str, at: ast.AST) -> Kind:
        if len(items) == 2 and isinstance(items[1], ast.Constant) and items[1].value is ...:
            return Group("list", (self.kind(items[0], module, place, at),))
        return Group("tuple", tuple(self.kind(item, module, place, at) for item in items))

    def _literal(self, items: list[ast.expr], module: Module, place: str, at: ast.AST) -> Kind:
        if not all(isinstance(item, ast.Constant) and isinstance(item.value, str) for item in items):
            raise _unknown(ast.Subscript(ast.Name("Literal"), items[0]), module, place, at)
        texts = [cast(str, cast(ast.Constant, item).value) for item in items]
        name = re.sub(r"\W+", "_", place)
        cases = tuple((repr(text), word(text, module, at, "a value of a Literal")) for text in texts)
        return self._keep(Choice(name, "", cases), module, at)

    def _name(self, name: str, module: Module, place: str, at: ast.AST) -> Kind:
        if name in _PLAIN:
            return Plain(name)
        key = f"{module.name}.{name}"
        if key in self._open:
            raise failed(module, at, f"{name} holds itself, which no type at the border can", "keep ids instead")
        self._open.append(key)
        try:
            return self._defined(name, module, place, at)
        finally:
            self._open.pop()

    def _defined(self, name: str, module: Module, place: str, at: ast.AST) -> Kind:
        if name in module.classes:
            return self._class(module.classes[name], module)
        if name in module.aliases:
            return self.kind(module.aliases[name], module, name, at)
        origin, original = module.imported.get(name, ("", ""))
        home = self._find(origin) if origin else None
        if home is None:
            raise _unknown(ast.Name(name), module, place, at)
        return self._name(original, home, place, at)

    def _class(self, node: ast.ClassDef, module: Module) -> Kind:
        if self._homes.get(node.name) == module.name and node.name in self.types:
            return Named(node.name)
        doc = ast.get_docstring(node) or ""
        if any(_last(base) in _ENUMS for base in node.bases):
            return self._keep(Choice(node.name, doc, self._members(node, module), module.name), module, node)
        fields = self._fields(node, module)
        if not fields:
            raise failed(module, node, f"{node.name} has no fields", "give it one, or return None")
        return self._keep(Record(node.name, module.name, doc, tuple(fields.values())), module, node)

    def _members(self, node: ast.ClassDef, module: Module) -> tuple[tuple[str, str], ...]:
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

    def _fields(self, node: ast.ClassDef, module: Module) -> Mapping[str, Field]:
        if not any(_last(_called(one)) == "dataclass" for one in node.decorator_list):
            raise failed(module, node, f"{node.name} is no dataclass and no Enum", "mark it with @dataclass")
        fields: dict[str, Field] = {}
        for base in node.bases:
            fields.update(self._inherited(base, node, module))
        for one in node.body:
            if isinstance(one, ast.AnnAssign) and isinstance(one.target, ast.Name):
                hint = _last(one.annotation.value if isinstance(one.annotation, ast.Subscript) else one.annotation)
                if hint in ("ClassVar", "KW_ONLY"):
                    continue
                place = f"{node.name}.{one.target.id}"
                snake(one.target.id, module, one, "a field")
                fields[one.target.id] = Field(
                    one.target.id, self.kind(one.annotation, module, place, one), _has_default(one.value)
                )
        return fields

    def _inherited(self, base: ast.expr, node: ast.ClassDef, module: Module) -> Mapping[str, Field]:
        name = _last(base)
        home: Module | None = module
        if name not in module.classes:
            origin, name = module.imported.get(name, ("", name))
            home = self._find(origin) if origin else None
        if home is None or name not in home.classes:
            raise failed(module, node, f"{node.name} has a base that is not here", "inherit from own dataclasses only")
        return self._fields(home.classes[name], home)

    def _keep(self, one: Record | Choice, module: Module, at: ast.AST) -> Named:
        name = word(one.name, module, at, "a type")
        if name in _TAKEN or name in _TAKEN_TOO:
            raise failed(module, at, f"{one.name} is a name that the bindings need themselves", "call it otherwise")
        same = next((known for known in self.types if words(known) == name), None)
        if same is not None and self.types[same] != one:
            raise failed(module, at, f"there are two types called {one.name}", "rename one of them")
        self.types[one.name] = one
        self._homes[one.name] = module.name
        return Named(one.name)


def _sides(node: ast.expr) -> list[ast.expr]:
    """What `A | B | C` joins."""
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


def _quoted(node: ast.Constant, module: Module, place: str) -> ast.expr:
    try:
        return ast.parse(str(node.value), mode="eval").body
    except SyntaxError as error:
        raise _unknown(node, module, place, node) from error


def _unknown(node: ast.expr, module: Module, place: str, at: ast.AST) -> Exception:
    shown = ast.unparse(ast.fix_missing_locations(node))
    return failed(module, at, f"{place} is {shown}, which cannot cross the border", _REMEDY)
