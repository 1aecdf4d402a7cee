"""When modules load: no cycles, nothing imported inside functions, by-name loading in two listed tables."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from graphlib import CycleError, TopologicalSorter

from tests.architecture.source import Source, at, imports

__all__ = ["LAZY", "check_cycles", "check_lazy", "check_local_imports"]

LAZY = frozenset(
    {"omnicore", "omnicore.cli.options", "omnicore.testing", "omnicore.toolchains.languages"}
    | {"omnicore.optional", "omnicore.storage.database", "omnicore.telemetry.traces"}
    | {"omnicore.storage.migrations", "omnicore.vectors.numeric", "omnicore.api.operation"}
    | {"omnicore.toolchains.build"}
)
"""Where modules may be imported by name: `omnicore --help` answers in 0.25 s because of these tables, a build loads
one language, a run of tests without a host none of the host, and `omnicore call` neither numpy nor sqlite-utils.
`omnicore kit` imports the application that it is named."""

_Graph = dict[str, dict[str, int]]


def check_local_imports(sources: Sequence[Source]) -> list[str]:
    """Imports inside functions and classes."""
    return [
        at(source, item.line, f"{item.target} is imported inside {item.inside}, not at the top of the file")
        for source in sources
        for item in imports(source)
        if item.inside
    ]


def check_lazy(sources: Sequence[Source]) -> list[str]:
    """Calls of `import_module` and `__import__` outside of the listed tables."""
    return [
        at(source, node.lineno, "imports by name: only the tables in tests/architecture/loading.py do")
        for source in sources
        if source.module not in LAZY
        for node in ast.walk(source.tree)
        if isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in ("import_module", "__import__")
    ]


def check_cycles(sources: Sequence[Source]) -> list[str]:
    """Circles of modules that import each other, types counted; each is named once."""
    by_name = {source.module: source for source in sources}
    graph = {source.module: _edges(source, by_name) for source in sources}
    findings = []
    while circle := _circle(graph):
        first, second = circle[0], circle[1]
        line = graph[first].pop(second)
        findings.append(at(by_name[first], line, f"import cycle: {' -> '.join(circle)}"))
    return findings


def _edges(source: Source, by_name: Mapping[str, Source]) -> dict[str, int]:
    edges: dict[str, int] = {}
    for item in imports(source):
        if item.inside:
            continue
        name = item.target if item.target in by_name else item.target.rpartition(".")[0]
        if name in by_name:
            edges.setdefault(name, item.line)
    return edges


def _circle(graph: _Graph) -> list[str]:
    try:
        TopologicalSorter({name: list(edges) for name, edges in graph.items()}).prepare()
    except CycleError as error:
        # graphlib names a node after what needs it, the first one twice; turned round, each imports the next.
        circle = error.args[1][:0:-1]
        start = circle.index(min(circle))
        return [*circle[start:], *circle[: start + 1]]
    return []
