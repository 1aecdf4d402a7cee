"""Definitions in whichever form they come: documents of the DSL, and OmniFlow's nodes, which are made into one."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from omnicore.errors import WorkflowInvalid
from omnicore.workflows.document import Document, Problem, compile_graph, read_document
from omnicore.workflows.graph import Graph
from omnicore.workflows.knowing import Known, tell_unknown
from omnicore.workflows.language.compiling import graph_of
from omnicore.workflows.language.nodes import Chart, read_chart
from omnicore.workflows.language.problems import Path, Report, invalid, pointer, steps_of
from omnicore.workflows.omniflow import from_omniflow, is_omniflow

__all__ = ["Looked", "compiled", "look"]

_HEAD = {"name": ("id", "name"), "title": ("name",), "summary": ("description",), "version": ("version",)}
_CALLED = ("plugin", "connector")
_GIVEN = ("input", "with", "params", "config")


@dataclass(frozen=True, slots=True)
class Looked:
    """What a text is: its problems, its document in the DSL, and its graph where no problem is an error.

    `text` is what is kept of it: as it was written, or what nodes became.
    """

    problems: Sequence[Problem]
    document: Mapping[str, Any] | None = None
    graph: Graph | None = None
    text: str = ""


def compiled(given: str | Mapping[str, Any]) -> tuple[Graph, str]:
    """The graph of a definition, and the text to keep. Raises: WorkflowInvalid with every error there is."""
    if not isinstance(given, str) and not is_omniflow(given):
        return compile_graph(given), _text(given)
    found = look(given if isinstance(given, str) else _text(given))
    if found.graph is None:
        raise invalid(found.problems)
    return found.graph, found.text


def look(text: str, known: Known | None = None) -> Looked:
    """What is wrong with a text, errors and warnings, each at its place in the form that it has. Raises nothing.

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


def _look_at_nodes(document: Document, known: Known | None) -> Looked:
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
    """Where in the nodes stands what a path of their document names: the node, and the member of it if it has one."""
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


def _problems(error: WorkflowInvalid) -> list[Problem]:
    return [Problem(**one) for one in error.details["problems"]]
