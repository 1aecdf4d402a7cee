"""OmniFlow's nodes and what leads where between them, read and checked."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.workflows.language.problems import Path, Report, shown

__all__ = ["TYPES", "Chart", "read_chart"]

TYPES = ("start", "task", "decision", "end", "plugin", "connector", "conditional", "loop")
_CHOOSING = frozenset({"decision", "conditional", "loop"})
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Chart:
    """The nodes by id. `places` are their indexes in the document."""

    about: Mapping[str, Any]
    start: str
    nodes: Mapping[str, Mapping[str, Any]]
    places: Mapping[str, int]

    def path(self, node: str) -> Path:
        """Where a node stands in the document."""
        return ("workflow", "nodes", self.places[node])

    def ends(self, node: str) -> bool:
        """Whether the workflow ends at a node."""
        return bool(self.nodes[node]["type"] == "end")

    def next(self, node: str) -> Mapping[str, tuple[str, ...]]:
        """Where a node leads: by `true` and `false`, or by `` where nothing is chosen."""
        return _ways(self.nodes[node].get("next"))

    def reached(self, start: str, stop: str | None) -> list[str]:
        """The nodes that come from one on, it first, without what comes from `stop` on; forks are passed over."""
        found: dict[str, None] = {}
        waiting = [start]
        while waiting:
            node = waiting.pop()
            if node in found or node == stop:
                continue
            found[node] = None
            ways = self.next(node)
            if len(ways.get("", ())) > 1:
                meeting = self.meeting(ways[""], stop)
                waiting += [meeting] if meeting else []
            else:
                waiting += [target for targets in reversed(list(ways.values())) for target in reversed(targets)]
        return list(found)

    def meeting(self, targets: tuple[str, ...], stop: str | None) -> str | None:
        """The first node that all of these lead to."""
        first, *others = (dict.fromkeys(self._walk(target, stop)) for target in targets)
        shared = [node for node in first if all(node in other for other in others) and not self.ends(node)]
        return shared[0] if shared else stop

    def _walk(self, start: str, stop: str | None) -> Iterator[str]:
        seen = {start}
        waiting = [start]
        for node in waiting:
            if node == stop:
                continue
            yield node
            for targets in self.next(node).values():
                fresh = [target for target in targets if target not in seen]
                seen.update(fresh)
                waiting.extend(fresh)


def read_chart(document: Mapping[str, Any], report: Report) -> Chart | None:
    """The chart of a document in node form; None, once it is reported what is wrong."""
    about = document.get("workflow")
    if not isinstance(about, Mapping):
        report.error((), "`workflow` is missing", "write `workflow: {id, name, start_node, nodes}`")
        return None
    given = about.get("nodes")
    if not isinstance(given, list) or not 0 < len(given) <= _MOST:
        report.error(("workflow", "nodes"), f"must be a list of 1 to {_MOST} nodes", "write each as {id, type, next}")
        return None
    nodes: dict[str, Mapping[str, Any]] = {}
    places: dict[str, int] = {}
    for index, node in enumerate(given):
        name = _checked(node, ("workflow", "nodes", index), nodes, report)
        if name is not None:
            nodes[name], places[name] = node, index
    chart = Chart(about, _start(about, nodes, report), nodes, places)
    for name in nodes:
        _check_next(chart, name, report)
    return None if report.errors else chart


def _checked(node: Any, path: Path, known: Mapping[str, Any], report: Report) -> str | None:
    if not isinstance(node, Mapping):
        report.error(path, f"a node is an object, not {shown(node)}", "write {id, type, next}")
        return None
    name, kind = node.get("id"), node.get("type")
    if not isinstance(name, str) or not 0 < len(name) <= 190:
        report.error(path, "`id` is missing", "give the node a short text as its id")
        return None
    if name in known:
        report.error((*path, "id"), f"another node is called {shown(name)} too", "give each node its own id")
        return None
    if kind not in TYPES:
        remedy = report.closest(str(kind), TYPES, otherwise=f"use one of {', '.join(TYPES)}")
        report.error((*path, "type"), f"{shown(kind)} is no type of node", remedy)
    return name


def _start(about: Mapping[str, Any], nodes: Mapping[str, Mapping[str, Any]], report: Report) -> str:
    named = about.get("start_node")
    if isinstance(named, str) and named in nodes:
        return named
    if named is not None:
        remedy = report.closest(str(named), nodes, otherwise="name the node that comes first")
        report.error(("workflow", "start_node"), f"no node is called {shown(named)}", remedy)
        return ""
    first = next((name for name, node in nodes.items() if node.get("type") == "start"), "")
    if not first:
        report.error(("workflow",), "`start_node` is missing", "name the node that comes first")
    return first


def _check_next(chart: Chart, name: str, report: Report) -> None:
    node, path = chart.nodes[name], (*chart.path(name), "next")
    value = node.get("next")
    sound = value is None or isinstance(value, str | list | Mapping)
    parts = value.values() if isinstance(value, Mapping) else (value,)
    texts = [one for part in parts for one in (part if isinstance(part, list) else [part]) if one is not None]
    if not sound or not all(isinstance(one, str) for one in texts):
        report.error(path, "must be ids of nodes", "write [id], or {true: [id], false: [id]}")
        return
    ways = _ways(value)
    if not set(ways) <= {"true", "false"} and isinstance(value, Mapping):
        report.error(path, "leads by something that is neither true nor false", "write {true: [id], false: [id]}")
    elif isinstance(value, Mapping) != (node.get("type") in _CHOOSING) and texts:
        wanted = "{true: [id], false: [id]}" if node.get("type") in _CHOOSING else "[id]"
        report.error(path, f"a node of type {shown(node.get('type'))} does not lead on like this", f"write {wanted}")
    if isinstance(value, Mapping) and any(len(targets) > 1 for targets in ways.values()):
        report.error(path, "leads to several nodes on one side", "put a task in front of them that leads to them all")
    for target in (one for targets in ways.values() for one in targets if one not in chart.nodes):
        remedy = report.closest(target, chart.nodes, otherwise="use the id of a node")
        report.error(path, f"no node is called {shown(target)}", remedy)


def _ways(value: Any) -> Mapping[str, tuple[str, ...]]:
    if isinstance(value, Mapping):
        return {str(way).lower(): _targets(part) for way, part in value.items()}
    return {"": _targets(value)}


def _targets(value: Any) -> tuple[str, ...]:
    found = value if isinstance(value, list) else [] if value is None else [value]
    return tuple(dict.fromkeys(found))
