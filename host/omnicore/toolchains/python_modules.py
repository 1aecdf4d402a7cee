"""A plugin's own Python files, parsed and never run."""

from __future__ import annotations

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from omnicore.errors import BuildFailed

__all__ = ["Module", "failed", "parse"]


@dataclass(frozen=True, slots=True)
class Module:
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


def failed(module: Module | str, node: ast.AST | int, fact: str, remedy: str) -> BuildFailed:
    """The error for a place in a file."""
    line = node if isinstance(node, int) else getattr(node, "lineno", 1)
    place = f"{module if isinstance(module, str) else module.path}:{line}"
    return BuildFailed(f"{place}: {fact}", remedy=remedy, output=f"{place}: {fact}")


def parse(folder: Path, name: str) -> Module | None:
    """A module of the folder, None where it has none of this name. Raises: BuildFailed: it is no Python."""
    for path in (Path(*name.split(".")).with_suffix(".py"), Path(*name.split("."), "__init__.py")):
        if folder.joinpath(path).is_file():
            return _parsed(folder, path, name)
    return None


def _parsed(folder: Path, path: Path, name: str) -> Module:
    try:
        tree = ast.parse(folder.joinpath(path).read_bytes(), path.as_posix())
    except SyntaxError as error:
        fact = f"{type(error).__name__}: {error.msg}"
        raise failed(path.as_posix(), error.lineno or 1, fact, "mend the Python source") from error
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL byte; nested too deeply
        raise failed(path.as_posix(), 1, f"it cannot be parsed: {error}", "mend the Python source") from error
    return Module(
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
        elif type(node).__name__ == "TypeAlias":  # `type X = ...`, which Python 3.12 brought
            alias = next(ast.iter_child_nodes(node))
            yield getattr(alias, "id", ""), getattr(node, "value", ast.Constant(None))


def _imported(tree: ast.Module) -> Iterator[tuple[str, tuple[str, str]]]:
    for node in ast.walk(tree):  # `if TYPE_CHECKING:` holds some, too
        if isinstance(node, ast.ImportFrom) and node.module and not node.level:
            for alias in node.names:
                yield alias.asname or alias.name, (node.module, alias.name)
