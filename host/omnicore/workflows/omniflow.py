"""Workflows in OmniFlow's node form, made into documents of the DSL.

    workflow:
      id, name, description, start_node
      nodes: [{id, type, name, plugin, condition, next: [id] or {true: [id], false: [id]}}]

Each node becomes a task of its id in one list, `next` becomes `then`, so that a cycle of nodes is a loop. Several nodes
in one `next` become a fork up to the node where they meet again.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

from omnicore.workflows.language.nodes import Chart, read_chart
from omnicore.workflows.language.order import DIRECTIVES
from omnicore.workflows.language.problems import Path, Report, shown
from omnicore.workflows.language.reading import Document, document_of, read

__all__ = ["from_omniflow", "is_omniflow"]

_COMPARED = re.compile(r"(?:input\.|\$)?([A-Za-z_][\w.]*+)\s*+(===?|!==?|<=|>=|<|>)\s*+(.+)", re.DOTALL)
_DEEPEST = 16
_ON = "${ . }"
"""The input as it is."""
_SEMVER = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")


def is_omniflow(value: Any) -> bool:
    """Whether a value is a workflow in node form."""
    inner = value.get("workflow") if isinstance(value, Mapping) else None
    return isinstance(inner, Mapping) and "nodes" in inner and "do" not in value


def from_omniflow(given: str | Mapping[str, Any] | Document) -> dict[str, Any]:
    """The document of a workflow in node form, ready for `compile_graph`.

    Raises: WorkflowInvalid: with all that is wrong in it, at the places of the node form.
    """
    report = Report()
    if isinstance(given, str):
        document = read(given, report)
    else:
        document = document_of(given if isinstance(given, Document) else Document(given), report)
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
            self._report.error(path, f"{shown(value)} is no condition", "write it as jq, such as `.value > 10`")
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
