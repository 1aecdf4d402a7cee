"""One file for a noun: how many modules there are, who needs them, what they are called, and how wide a class is."""

from __future__ import annotations

import ast
import re
from collections import defaultdict
from collections.abc import Iterator, Sequence, Set
from itertools import pairwise

from tests.architecture.source import Source, at, imports

__all__ = [
    "ATTRIBUTES",
    "check_attributes",
    "check_class_names",
    "check_file_names",
    "check_importers",
    "check_openings",
]

ATTRIBUTES = 15

_GERUNDS = {"encoding", "ranking", "setting", "string", "testing"}
"""Words that end like an action and are nouns of the field. `omnicore.memory.ranking` is named so by its command,
`python -m omnicore.memory.ranking.train`. `omnicore.testing` is the public name that authors import,
as those of Python's own kits are (`numpy.testing`)."""

_QUESTION = re.compile(r"(?:What|Whether|Who|Whom|How|When|Where|Which)\b")


_REGISTRIES = frozenset({"omnicore.api.operations", "omnicore.capabilities.doors", "omnicore.cli.main"})
"""Modules with a table of things of one kind, from a file each: who adds a door, an endpoint or a command adds a file
and a line there."""


def check_importers(sources: Sequence[Source]) -> list[str]:
    """Modules that a single other module imports, and that are in no registry's table."""
    importers = _importers(sources)
    known = {source.module for source in sources}
    tables = [source for source in sources if source.module in _REGISTRIES]
    listed = {module for source in tables for module in (*_listed(source), *_named(source, known))}
    lonely = [
        source
        for source in sources
        if source.path.name != "__init__.py" and len(importers[source.module]) == 1 and source.module not in listed
    ]
    return [
        at(source, 1, f"only {next(iter(importers[source.module]))} imports it: is it a noun of its own?")
        for source in lonely
    ]


def _listed(source: Source) -> Iterator[str]:
    """Modules of which a table at the top of a registry holds an attribute."""
    modules = {item.target.rpartition(".")[2]: item.target for item in imports(source)}
    for node in source.tree.body:
        table = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
        for entry in table.elts if isinstance(table, ast.Tuple) else ():
            if isinstance(entry, ast.Attribute) and ast.unparse(entry.value) in modules:
                yield modules[ast.unparse(entry.value)]


def _named(source: Source, known: Set[str]) -> Iterator[str]:
    """Modules beside a registry that it names by text, to import them when they are needed: `tasks.list_tasks`."""
    package = source.module.rpartition(".")[0]
    for node in ast.walk(source.tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            beside = f"{package}.{node.value.partition('.')[0]}"
            if beside in known:
                yield beside


def _importers(sources: Sequence[Source]) -> dict[str, set[str]]:
    known = {source.module for source in sources}
    importers: dict[str, set[str]] = defaultdict(set)
    for source in sources:
        for item in imports(source):
            target = item.target if item.target in known else item.target.rpartition(".")[0]
            if target != source.module:
                importers[target].add(source.module)
    return importers


def check_attributes(sources: Sequence[Source]) -> list[str]:
    """Classes with more attributes than one thing has."""
    return [
        at(source, node.lineno, f"{node.name} has {len(found)} attributes; {ATTRIBUTES} is the most")
        for source in sources
        for node in ast.walk(source.tree)
        if isinstance(node, ast.ClassDef) and not _is_record(node) and len(found := _attributes(node)) > ATTRIBUTES
    ]


def _is_record(node: ast.ClassDef) -> bool:
    """True for declarations of data, whose fields are what is stored or sent."""
    marks = [ast.unparse(mark) for mark in (*node.bases, *node.decorator_list)]
    return any(re.search(r"Struct|Record|dataclass|TypedDict|NamedTuple|Enum|Structure", mark) for mark in marks)


def _attributes(node: ast.ClassDef) -> set[str]:
    names: set[str] = set()
    for part in ast.walk(node):
        if isinstance(part, ast.Attribute) and isinstance(part.ctx, ast.Store) and ast.unparse(part.value) == "self":
            names.add(part.attr)
        elif isinstance(part, ast.Assign) and ast.unparse(part.targets[0]) == "__slots__":
            names.update(word.value for word in ast.walk(part.value) if isinstance(word, ast.Constant))
    return names


def check_class_names(sources: Sequence[Source]) -> list[str]:
    """Public classes that share their name with another one."""
    seen: dict[str, str] = {}
    findings = []
    for source in sources:
        for node in source.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                if node.name in seen:
                    findings.append(at(source, node.lineno, f"{node.name} means something else in {seen[node.name]}"))
                seen.setdefault(node.name, source.module)
    return findings


def check_file_names(sources: Sequence[Source]) -> list[str]:
    """Files and folders that are named after an action."""
    return list(dict.fromkeys(finding for source in sources for finding in _actions(source)))


def _actions(source: Source) -> Iterator[str]:
    word = source.module.rpartition(".")[2]
    if any(part.endswith("ing") and part not in _GERUNDS for part in word.split("_")):
        yield at(source, 1, f"{word} is an action: a file is named after the noun that it holds")


def check_openings(sources: Sequence[Source]) -> list[str]:
    """Docstrings, of attributes and constants too, that begin with a question word in place of what a thing is."""
    return [
        at(source, line, f"docstring begins with {opening[0]}: say what it is or returns")
        for source in sources
        for line, text in _docstrings(source.tree)
        if (opening := _QUESTION.match(text))
    ]


def _docstrings(tree: ast.Module) -> Iterator[tuple[int, str]]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""
            for named, text in pairwise(node.body):
                if isinstance(named, ast.Assign | ast.AnnAssign) and isinstance(text, ast.Expr):
                    yield text.lineno, str(getattr(text.value, "value", ""))
