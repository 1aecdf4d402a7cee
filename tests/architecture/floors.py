"""The floors: a room imports itself and lower floors only, and rooms on one floor do not know each other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import takewhile

from tests.architecture.source import Import, Source, at, imports

__all__ = [
    "ABOVE_ENGINE",
    "FLOORS",
    "GROUND_READS",
    "LANDINGS",
    "OPEN_NAMES",
    "STOREYS",
    "SUBROOMS",
    "check_engine",
    "check_floors",
]

FLOORS: Mapping[str, int] = {
    "errors": 1,
    "clock": 1,
    "ids": 1,
    "version": 1,
    "records": 1.2,
    "texts": 1,
    "filters": 1.2,
    "files": 1.2,
    "optional": 1.2,
    "advisories": 1,
    "hookspecs": 1,
    "storage": 2,
    "config": 2,
    "events": 2,
    "resilience": 2,
    "telemetry": 2,
    "sandbox": 3,
    "vectors": 3,
    "connectors": 3,
    "jobs": 3,
    "runtime": 4,
    "core": 3,
    "adapters": 3,
    "access": 3,
    "memory": 4,
    "capabilities": 5,
    "plugins": 6,
    "packages": 7,
    "toolchains": 7,
    "workflows": 7,
    "loops": 8,
    "fleet": 8,
    "intelligences": 8,
    "evolution": 8,
    "api": 10,
    "mcp": 10,
    "parts": 10.2,
    "audit": 10.4,
    "restore": 10.5,
    "automation": 10.5,
    "diagnostics": 10.5,
    "blocking_types": 10.8,
    "portal": 10.9,
    "assembly": 11,
    "modules": 11.3,
    "omega": 11.5,
    "testing": 12,
    "cli": 13,
    "__main__": 14,
}

LANDINGS: Mapping[str, float] = {
    "sandbox.abi": 1.5,
    "resilience.status": 1.5,
}
"""Files that stand apart from their room, between two floors: plain words that lower rooms need as well.
Settings hold `Limits` and connectors answer an `HttpRequest`; neither may know an engine. Events carry health."""

SUBROOMS: Mapping[str, Mapping[str, frozenset[str]]] = {
    "sandbox": {
        "capi": frozenset(),
        "wasi": frozenset({"capi"}),
        "extism": frozenset({"capi", "wasi"}),
        "reference": frozenset({"capi"}),
        "component": frozenset({"capi", "extism", "wasi"}),
    },
}
"""Which subrooms of a room each of them may import. A room's own files are ground to all of its subrooms."""

GROUND_READS: Mapping[str, frozenset[str]] = {
    "omnicore.sandbox.compiler": frozenset({"capi"}),
    "omnicore.sandbox.compiler_child": frozenset({"capi"}),
    "omnicore.sandbox.engines": frozenset({"component", "extism", "reference"}),
}
"""Files of a room's ground that may import a subroom of it."""

STOREYS: Mapping[str, Sequence[str]] = {
    "workflows": ("faults", "expressions", "language", "entries", "steps", "*", "triggers", "service"),
}
"""Files and subrooms of a room, lowest first, `*` for those not named; none of them imports a higher one."""

ABOVE_ENGINE = (
    "api",
    "mcp",
    "cli",
    "omega",
    "modules",
    "loops",
    "intelligences",
    "workflows.triggers",
    "workflows.service",
)
"""What begins and shows runs and tasks. It knows `omnicore.jobs.engine`, and nothing of how an engine keeps them."""

_ENGINE = (
    "storage.tables.hosts",
    "storage.tables.workflow_runs",
    "storage.tables.tasks.HOSTS",
    "storage.tables.tasks.SCHEDULE_TABLE",
    "storage.tables.tasks.SchedulesTable",
    "storage.tables.tasks.TASKS",
    "storage.tables.tasks.TaskClaims",
    "storage.tables.tasks.TaskSweep",
    "storage.tables.tasks.TasksTable",
    "storage.tables.tasks.insert",
    "storage.tables.tasks.no_longer_pending",
    "workflows.journal_batch",
    "workflows.journal_queries",
    "jobs.hosts.Membership",
    "jobs.runner",
)
"""Tables, claims and leases of the embedded engine: modules, and names of modules that hold records as well."""
_JOURNAL = "workflows.journal"
"""It writes triggers' rows and their runs in one transaction, so triggers alone may name it."""

OPEN_NAMES = frozenset({"omnicore.__version__"})
"""Names of the package itself that every floor may import."""


def check_floors(sources: Sequence[Source]) -> list[str]:
    """Imports that go upstairs, across a floor or into a closed subroom."""
    return [finding for source in sources for finding in _of_file(source)]


def check_engine(sources: Sequence[Source]) -> list[str]:
    """Imports of an engine's tables and journal by what only begins and shows runs."""
    return [
        at(source, item.line, f"{source.module} knows {item.target}: use omnicore.jobs.engine")
        for source in sources
        if _is_in(source.module.partition(".")[2], ABOVE_ENGINE)
        for item in imports(source)
        if _is_in(item.target.partition(".")[2], _ENGINE)
        or (_is_in(item.target.partition(".")[2], (_JOURNAL,)) and ".triggers" not in source.module)
    ]


def _is_in(module: str, places: Sequence[str]) -> bool:
    return any(module == place or module.startswith(f"{place}.") for place in places)


def _of_file(source: Source) -> Iterable[str]:
    package, *own = source.module.split(".")
    if own and own[0] not in FLOORS:
        yield at(source, 1, f"room {own[0]} has no floor: enter it in tests/architecture/floors.py")
        return
    for item in imports(source):
        if not own or item.target.split(".")[0] != package or item.target in OPEN_NAMES:
            continue
        problem = _problem(source.module, own, item)
        if problem:
            yield at(source, item.line, problem)


def _problem(module: str, own: list[str], item: Import) -> str | None:
    target = item.target.split(".")[1:]
    if target[:1] == own[:1] and _floor(target) <= _floor(own):
        return _subroom_problem(module, own, target) or _storey_problem(own, target)
    if not target or target[0] not in FLOORS:
        return f"{module} imports {item.target}, which is in no room"
    mine, theirs = _floor(own), _floor(target)
    if theirs < mine:
        return None
    way = "across its floor" if theirs == mine else "upstairs"
    return f"{own[0]} (floor {mine:g}) imports {way}: {item.target} (floor {theirs:g})"


def _floor(parts: list[str]) -> float:
    return LANDINGS.get(".".join(parts[:2]), FLOORS[parts[0]])


def _subroom_problem(module: str, own: list[str], target: list[str]) -> str | None:
    subrooms = SUBROOMS.get(own[0], {})
    here, there = _subroom(own, subrooms), _subroom(target, subrooms)
    if there is None or here == there:
        return None
    allowed = subrooms[here] if here else GROUND_READS.get(module, frozenset())
    if there in allowed:
        return None
    return f"{own[0]}/{here or '(ground)'} may not import {own[0]}/{there}"


def _storey_problem(own: list[str], target: list[str]) -> str | None:
    order = STOREYS.get(own[0])
    if order is None or len(own) < 2 or len(target) < 2:
        return None
    mine, theirs = (order.index(name if name in order else "*") for name in (own[1], target[1]))
    return f"{own[0]}/{own[1]} imports upstairs: {own[0]}/{target[1]}" if theirs > mine else None


def _subroom(parts: list[str], subrooms: Mapping[str, frozenset[str]]) -> str | None:
    return next(takewhile(subrooms.__contains__, parts[1:2]), None)
