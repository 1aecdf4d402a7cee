"""A package read for the rules: its files, their syntax trees and what they import."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

__all__ = ["Import", "Source", "at", "imports", "package", "read"]


@dataclass(frozen=True, slots=True)
class Source:
    """One file. `module` is its dotted name; a package's `__init__` has the package's name."""

    path: Path
    module: str
    text: str
    tree: ast.Module


@dataclass(frozen=True, slots=True)
class Import:
    """One imported module or name, and how it is imported.

    `target` is `a.b` for `import a.b` and `a.b.c` for `from a.b import c`, whatever c is.
    """

    target: str
    line: int
    for_types: bool
    inside: str
    """The function or class the import stands in; empty at module level."""


def read(root: Path) -> list[Source]:
    """Every Python file of the package folder `root`, in order of its path; templates are other people's sources."""
    return [_source(path, root) for path in sorted(root.rglob("*.py")) if "templates" not in path.parts]


@cache
def package() -> list[Source]:
    """The files of `omnicore`. Parsing takes three seconds, so only who asks pays, and once."""
    return read(Path(__file__).parents[2] / "host" / "omnicore")


def _source(path: Path, root: Path) -> Source:
    parts = list(path.relative_to(root.parent).with_suffix("").parts)
    if parts[-1] == "__init__":
        parts.pop()
    text = path.read_text(encoding="utf-8")
    return Source(path, ".".join(parts), text, ast.parse(text, str(path)))


def imports(source: Source) -> Iterator[Import]:
    """What a file imports, from its first line to its last."""
    yield from _walk(source.tree.body, source, for_types=False, inside="")


def _walk(body: list[ast.stmt], source: Source, *, for_types: bool, inside: str) -> Iterator[Import]:
    for node in body:
        if isinstance(node, ast.Import):
            yield from (Import(name.name, node.lineno, for_types, inside) for name in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = _base(node, source)
            yield from (Import(f"{base}.{name.name}", node.lineno, for_types, inside) for name in node.names)
        else:
            scope = node.name if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) else inside
            types = for_types or (isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test))
            for block in _blocks(node):
                yield from _walk(block, source, for_types=types, inside=scope)


def _blocks(node: ast.stmt) -> Iterator[list[ast.stmt]]:
    for field in ("body", "orelse", "finalbody"):
        yield getattr(node, field, [])
    for part in [*getattr(node, "handlers", []), *getattr(node, "cases", [])]:
        yield part.body


def _base(node: ast.ImportFrom, source: Source) -> str:
    if not node.level:
        return node.module or ""
    package = source.module.split(".")
    up = node.level - (1 if source.path.name == "__init__.py" else 0)
    return ".".join([*package[: len(package) - up], *([node.module] if node.module else [])])


def at(source: Source, line: int, message: str) -> str:
    """A finding as editors and people read it: `path:line message`."""
    return f"{source.path}:{line} {message}"
