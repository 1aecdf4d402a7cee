"""What a file says: no left-overs, and everything public is explained."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence

from tests.architecture.source import Source, at

__all__ = ["check_docstrings", "check_exports", "check_leftovers"]

_LEFTOVER = re.compile(r"\b(?:TODO|FIXME|XXX|NotImplementedError)\b|pragma: no cover")


def check_leftovers(sources: Sequence[Source]) -> list[str]:
    """Lines that say something is unfinished or not tested."""
    return [
        at(source, number, f"left-over {match.group()}")
        for source in sources
        for number, line in enumerate(source.text.splitlines(), 1)
        if (match := _LEFTOVER.search(line))
    ]


def check_docstrings(sources: Sequence[Source]) -> list[str]:
    """Modules, and public classes and functions at their top level, without a docstring."""
    return [finding for source in sources for finding in _undocumented(source)]


def _undocumented(source: Source) -> Iterator[str]:
    if not ast.get_docstring(source.tree):
        yield at(source, 1, f"{source.module} has no docstring: say in one line what it holds")
    for node in source.tree.body:
        named = isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
        if named and not node.name.startswith("_") and not ast.get_docstring(node):
            yield at(source, node.lineno, f"{node.name} is public and has no docstring")


def check_exports(sources: Sequence[Source]) -> list[str]:
    """Names in `__all__` that the module does not have, or that are listed twice."""
    return [finding for source in sources for finding in _exports(source)]


def _exports(source: Source) -> Iterator[str]:
    for node in source.tree.body:
        if isinstance(node, ast.Assign) and ast.unparse(node.targets[0]) == "__all__":
            names = ast.literal_eval(node.value)
            missing = set(names) - _bound(source.tree)
            if missing:
                yield at(source, node.lineno, f"__all__ names what is not there: {', '.join(sorted(missing))}")
            if len(set(names)) != len(names):
                yield at(source, node.lineno, "__all__ names something twice")


def _bound(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            names.add(node.name)
        elif isinstance(node, ast.alias):
            names.add(node.asname or node.name.split(".")[0])
        elif isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            names.add(node.id)
    return names
