"""Source texts of workflows: documents of the DSL, OmniFlow's nodes converted into documents, and shipped examples."""

from __future__ import annotations

import json
import pathlib
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Annotated, Any

from omnicore.errors import NotFound, WorkflowInvalid
from omnicore.records import Meta, Record, replace
from omnicore.workflows.language.document import Diagnostic, compile_graph, graph_of, read_document
from omnicore.workflows.language.palette import Known, tell_unknown
from omnicore.workflows.language.tasks import DIRECTIVES
from omnicore.workflows.language.text import (
    Path,
    Report,
    SourceText,
    document_of,
    invalid,
    pointer,
    read,
    shown,
    steps_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omnicore.workflows.language.graph import WorkflowGraph


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
        """The path of a node in the document."""
        return ("workflow", "nodes", self.places[node])

    def ends(self, node: str) -> bool:
        """True if the workflow ends at a node."""
        return bool(self.nodes[node]["type"] == "end")

    def next(self, node: str) -> Mapping[str, tuple[str, ...]]:
        """The successors of a node: by `true` and `false`, or by `` where nothing is chosen."""
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
        report.error((*path, "type"), f"{shown(kind)} is not a type of node", remedy)
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


_COMPARED = re.compile(r"(?:input\.|\$)?([A-Za-z_][\w.]*+)\s*+(===?|!==?|<=|>=|<|>)\s*+(.+)", re.DOTALL)
_DEEPEST = 16
_ON = "${ . }"
"""The input as it is."""
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def is_omniflow(value: Any) -> bool:
    """True if a value is a workflow in node form."""
    inner = value.get("workflow") if isinstance(value, Mapping) else None
    return isinstance(inner, Mapping) and "nodes" in inner and "do" not in value


def from_omniflow(given: str | Mapping[str, Any] | SourceText) -> dict[str, Any]:
    """The document of a workflow in node form, ready for `compile_graph`.

    Raises: WorkflowInvalid: with all that is wrong in it, at the places of the node form.
    """
    report = Report()
    if isinstance(given, str):
        document = read(given, report)
    else:
        document = document_of(given if isinstance(given, SourceText) else SourceText(given), report)
    chart = read_chart(document.value, report) if document is not None else None
    found = _Import(chart, report).document() if chart is not None else None
    if found is None or report.errors:
        raise report.invalid()
    return found


class _Import:
    """One import."""

    def __init__(self, chart: Chart, report: Report) -> None:
        self._chart, self._report = chart, report
        self._depth = 0

    def document(self) -> dict[str, Any]:
        about = self._chart.about
        version = str(about.get("version", ""))
        head: dict[str, Any] = {
            "dsl": "1.0.3",
            "namespace": "default",
            "name": _slug(str(about.get("id") or about.get("name") or "imported")),
            "version": version if _SEMVER.fullmatch(version) else "1.0.0",
        }
        for key, source in (("title", "name"), ("summary", "description")):
            if isinstance(about.get(source), str) and about[source]:
                head[key] = about[source]
        found: dict[str, Any] = {"document": head, "do": self._block(self._chart.start, None, "end")}
        cron = about.get("cron") or about.get("schedule")
        if isinstance(cron, str):
            found["schedule"] = {"cron": cron}
        return found

    def _block(self, start: str, stop: str | None, ending: str) -> list[dict[str, Any]]:
        """The tasks from a node on, up to the one where branches meet; `ending` is how an end is said here."""
        nodes = [node for node in self._chart.reached(start, stop) if not self._chart.ends(node)]
        tasks = [{self._name(node): self._task(node, stop, ending)} for node in nodes]
        return tasks or [{"nothing": {"set": _ON}}]

    def _task(self, node: str, stop: str | None, ending: str) -> dict[str, Any]:
        value, path = self._chart.nodes[node], self._chart.path(node)
        title = {"metadata": {"title": value["name"]}} if isinstance(value.get("name"), str) else {}
        ways = self._chart.next(node)
        lead = {way: self._lead(targets, stop, ending) for way, targets in ways.items()}
        if "true" in ways or "false" in ways:
            condition = self._condition(value.get("condition"), (*path, "condition"))
            yes, no = ({"then": lead.get(way, ending)} for way in ("true", "false"))
            return {"switch": [{"yes": {"when": condition, **yes}}, {"no": no}], **title}
        targets = ways.get("", ())
        if len(targets) > 1:
            return {**self._fork(node, targets, stop, ending), **title}
        return {**self._work(value, path), "then": lead.get("", ending), **title}

    def _lead(self, targets: tuple[str, ...], stop: str | None, ending: str) -> str:
        if not targets or (len(targets) == 1 and self._chart.ends(targets[0])):
            return ending
        return "exit" if targets[0] == stop else self._name(targets[0])

    def _fork(self, node: str, targets: tuple[str, ...], stop: str | None, ending: str) -> dict[str, Any]:
        value, path = self._chart.nodes[node], self._chart.path(node)
        if self._depth >= _DEEPEST:
            fact = f"branches within branches go deeper than {_DEEPEST}"
            self._report.error((*path, "next"), fact, "make several workflows of it")
            return {"set": _ON}
        self._depth += 1
        meeting = self._chart.meeting(targets, stop)
        seen: set[str] = set()
        branches: list[dict[str, Any]] = []
        for target in targets:
            inside = [one for one in self._chart.reached(target, meeting) if not self._chart.ends(one)]
            if node in inside or seen & set(inside):
                self._report.error((*path, "next"), "its branches run into each other", "let them meet in one node")
                return {"set": _ON}
            seen |= set(inside)
            branches.append({self._name(target): {"do": self._block(target, meeting, "exit")}})
        self._depth -= 1
        after = self._lead((meeting,) if meeting else (), stop, ending)
        work = self._work(value, path)
        fork = {"fork": {"branches": branches}}
        return (
            {"do": [{"work": work}, {"branches": fork}], "then": after} if "call" in work else {**fork, "then": after}
        )

    def _work(self, value: Mapping[str, Any], path: Path) -> dict[str, Any]:
        given = next((value[key] for key in ("input", "with", "params", "config") if key in value), None)
        arguments = {} if given is None else {"with": given}
        if isinstance(value.get("connector"), str):
            action = value.get("action") or value.get("event")
            if not isinstance(action, str):
                self._report.error(path, "`action` is missing", "say what the connector is to do")
            return {"call": f"{value['connector']}.{action}@connectors", **arguments}
        if isinstance(value.get("plugin"), str):
            plugin = value["plugin"]
            function = value.get("function") or value.get("action") or "execute"
            return {"call": plugin if "." in plugin else f"{plugin}.{function}", **arguments}
        if value["type"] in ("plugin", "connector"):
            self._report.error(path, f"`{value['type']}` is missing", "name it")
        return {"set": _ON}

    def _condition(self, value: Any, path: Path) -> str:
        if isinstance(value, bool):
            return str(value).lower()
        if not isinstance(value, str) or not value.strip():
            self._report.error(path, f"{shown(value)} is not a condition", "write it as jq, such as `.value > 10`")
            return "false"
        compared = _COMPARED.fullmatch(value.strip())
        if compared is None:
            return value
        left, sign, right = compared.groups()
        literal = right if not (right[:1] == right[-1:] == "'") else f'"{right[1:-1]}"'
        return f".{left} {sign[:2]} {literal}"

    def _name(self, node: str) -> str:
        return f"{node}_" if node in DIRECTIVES else node


def _slug(text: str) -> str:
    found = re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:63].strip("-")
    return found or "imported"


_HEAD = {"name": ("id", "name"), "title": ("name",), "summary": ("description",), "version": ("version",)}
_CALLED = ("plugin", "connector")
_GIVEN = ("input", "with", "params", "config")


@dataclass(frozen=True, slots=True)
class Looked:
    """A checked text: its problems, its document in the DSL, and its graph where no problem is an error.

    `text` is what is kept of it: as it was written, or what nodes became.
    """

    problems: Sequence[Diagnostic]
    document: Mapping[str, Any] | None = None
    graph: WorkflowGraph | None = None
    text: str = ""


def compiled(given: str | Mapping[str, Any]) -> tuple[WorkflowGraph, str]:
    """The graph of a definition, and the text to keep. Raises: WorkflowInvalid with every error there is."""
    if not isinstance(given, str) and not is_omniflow(given):
        return compile_graph(given), _text(given)
    found = look(given if isinstance(given, str) else _text(given))
    if found.graph is None:
        raise invalid(found.problems)
    return found.graph, found.text


def look(text: str, known: Known | None = None) -> Looked:
    """The problems of a text, errors and warnings, each at its place in the form that it has. Raises nothing.

    Args: known: what the host has; None: nothing is said of what it names.
    """
    try:
        document = read_document(text)
    except WorkflowInvalid as error:
        return Looked(_problems(error))
    if is_omniflow(document.value):
        return _look_at_nodes(document, known)
    report = Report(document.positions)
    graph = graph_of(document.value, report)
    if graph is not None and known is not None:
        tell_unknown(graph, known, report)
    return Looked(report.ordered(), document.value, graph, text)


def _look_at_nodes(document: SourceText, known: Known | None) -> Looked:
    try:
        made = from_omniflow(document)
    except WorkflowInvalid as error:
        return Looked(_problems(error))
    report, own = Report(), Report(document.positions)
    graph = graph_of(made, report)
    if graph is not None and known is not None:
        tell_unknown(graph, known, report)
    chart = read_chart(document.value, Report())
    for one in report.problems:
        path = _in_nodes(steps_of(one.path), chart) if chart is not None else ()
        own.take(replace(one, path=pointer(path)), path)
    return Looked(own.ordered(), made, graph, _text(made))


def _in_nodes(path: Path, chart: Chart) -> Path:
    """The path in the nodes of a path in their document: the node, and the member of it if it has one."""
    about: Path = ("workflow",)
    if path[:1] == ("document",):
        return (*about, *_first(chart.about, _HEAD.get(str(path[-1]), ())))
    if path[:1] == ("schedule",):
        return (*about, *_first(chart.about, ("cron", "schedule")))
    for end in range(len(path), 2, -1):
        container, number, task = path[end - 3 : end]
        node = _node(chart, str(task)) if container in ("do", "branches") and str(number).isdecimal() else None
        if node is not None:
            return (*chart.path(node), *_member(chart.nodes[node], path[end:]))
    return about


def _node(chart: Chart, task: str) -> str | None:
    """The node that became a task; one whose id says where to go has a mark behind it."""
    return next((one for one in (task, task.removesuffix("_")) if one in chart.nodes), None)


def _member(node: Mapping[str, Any], rest: Path) -> Path:
    match rest:
        case ("call", *_):
            return _first(node, _CALLED)
        case ("with", *inner):
            return (*_first(node, _GIVEN), *inner)
        case ("switch", *_):
            return _first(node, ("condition",)) if rest[-1] == "when" else _first(node, ("next",))
        case ("then", *_):
            return _first(node, ("next",))
    return ()


def _first(holder: Mapping[str, Any], names: Sequence[str]) -> Path:
    return next(((name,) for name in names if name in holder), ())


def _text(document: Mapping[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=2)


def _problems(error: WorkflowInvalid) -> list[Diagnostic]:
    return [Diagnostic(**one) for one in error.details["problems"]]


_PACKAGE = pathlib.Path(__file__).parents[2]


class Example(Record, frozen=True):
    """A shipped workflow. `summary` is from its first lines."""

    name: str
    title: str
    summary: str
    text: Annotated[str, Meta(description="YAML or JSON, as it was written.")]


@cache
def shipped_examples() -> tuple[Example, ...]:
    """All of them, by name. Raises: NotFound: the package is not whole."""
    for folder in (_PACKAGE / "workflows" / "examples", _PACKAGE.parents[1] / "specs" / "examples"):
        files = sorted(folder.glob("*.yaml"), key=lambda file: file.stem)
        if files:
            return tuple(_example(file.stem, file.read_text(encoding="utf-8")) for file in files)
    raise NotFound("the examples are not installed", remedy="install omnicore again")


def _example(name: str, text: str) -> Example:
    about = read_document(text).value["document"]
    return Example(name, about["title"], _summary(text), text)


def _summary(text: str) -> str:
    """The first comment, up to its first empty line.

    >>> _summary("# Does this\\n# and that.\\n#\\n# Before: nothing\\ndo: []")
    'Does this and that.'
    """
    lines: list[str] = []
    for line in text.splitlines():
        said = line.removeprefix("#").strip()
        if not line.startswith("#") or not said:
            break
        lines.append(said)
    return " ".join(lines)
