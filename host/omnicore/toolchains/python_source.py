"""Reads what a plugin in Python offers off its source, by parsing alone: nothing of it runs on the host."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from omnicore.capabilities.doors import DOORS
from omnicore.toolchains.python_hints import Hints, snake
from omnicore.toolchains.python_model import Field, Function, Plugin
from omnicore.toolchains.python_modules import Module, failed, parse

__all__ = ["NOUNS", "called", "read"]

_KIT = "omnicore_sdk"
NOUNS = tuple(door.name for door in DOORS if door.verbs)
"""What the kit has a module for."""

_AnyFunction = ast.FunctionDef | ast.AsyncFunctionDef


def read(folder: Path, entry: str) -> Plugin:
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
    return Plugin(
        doc=ast.get_docstring(main.tree) or "",
        functions=functions,
        types=hints.types,
        uses=uses,
        doors=tuple(door for door in NOUNS if any(door in _nouns(module) for module in known.values())),
        late=tuple(sorted(late)),
        modules={name: module.path for name, module in known.items()},
    )


def _nouns(module: Module) -> frozenset[str]:
    """The nouns of the kit that a module may use: those it names, and all where it has the kit as a whole."""
    found: set[str] = set()
    for node in ast.walk(module.tree):
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
        self._found: dict[str, Module | None] = {}

    def find(self, name: str, called: str = "") -> Module | None:
        if name not in self._found:
            found = None if name.split(".", maxsplit=1)[0] == _KIT else parse(self._folder, name)
            self._found[name] = replace(found, name=called) if found and called else found
        return self._found[name]

    def follow(self, module: Module) -> None:
        """Finds what a module imports, and what that imports."""
        for name in module.all_imports():
            parts = name.split(".")
            for known in (".".join(parts[:count]) for count in range(1, len(parts) + 1)):
                if known not in self._found and (found := self.find(known)):
                    self.follow(found)

    def known(self) -> dict[str, Module]:
        return {module.name: module for module in self._found.values() if module}


def _marked(module: Module) -> Iterator[_AnyFunction]:
    for node in module.tree.body:
        if isinstance(node, _AnyFunction) and any(_is_mark(one, module) for one in node.decorator_list):
            yield node


def _is_mark(node: ast.expr, module: Module) -> bool:
    if isinstance(node, ast.Name):
        return module.imported.get(node.id) == (_KIT, "function")
    return isinstance(node, ast.Attribute) and node.attr == "function" and ast.unparse(node.value) == _KIT


def _function(node: _AnyFunction, module: Module, hints: Hints) -> Function:
    if isinstance(node, ast.AsyncFunctionDef):
        raise failed(module, node, f"{node.name} is async, but a plugin has no event loop", "write `def`")
    given = node.args
    if given.posonlyargs or given.vararg or given.kwarg:
        fact = f"{node.name} has parameters that cannot be named (`/`, `*` or `**`)"
        raise failed(module, node, fact, "give each parameter a name and a type")
    snake(node.name, module, node, "a function")
    returns = node.returns
    nothing = isinstance(returns, ast.Constant) and returns.value is None
    return Function(
        name=node.name,
        doc=ast.get_docstring(node) or "",
        parameters=tuple(_parameters(node, module, hints)),
        result=None if nothing else hints.kind(returns, module, f"the result of {node.name}", node),
    )


def _parameters(node: ast.FunctionDef, module: Module, hints: Hints) -> Iterator[Field]:
    given = node.args
    defaults: list[ast.expr | None] = [None] * (len(given.args) - len(given.defaults))
    found = [*zip(given.args, [*defaults, *given.defaults], strict=True)]
    found += [*zip(given.kwonlyargs, given.kw_defaults, strict=True)]
    for one, default in found:
        snake(one.arg, module, one, "a parameter")
        kind = hints.kind(one.annotation, module, f"{node.name}.{one.arg}", one)
        yield Field(one.arg, kind, default is not None)
