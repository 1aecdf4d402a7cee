"""The fields of nodes that have no tasks inside of them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from omnicore.workflows.graph import Case
from omnicore.workflows.language.build import Build, marked
from omnicore.workflows.language.events import filters_of
from omnicore.workflows.language.policies import schema_document
from omnicore.workflows.language.problems import Path, shown

__all__ = ["approval_of", "cases_of", "end_of", "error_of", "event_of", "run_of", "time_of", "value_of"]


def value_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `set`."""
    value, here = task["set"], (*path, "set")
    return {"value": build.expression(value, here) if isinstance(value, str) else build.template(value, here)}


def cases_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `switch`."""
    cases: list[Case] = []
    seen: set[str] = set()
    for index, item in enumerate(task["switch"]):
        name, case = next(iter(item.items()))
        here = (*path, "switch", index, name)
        if name in seen:
            build.report.error(here, f"another case is called {shown(name)} too", "give each case its own name")
        if "when" not in case and any(one.when is None for one in cases):
            build.report.error(here, "is a second case without `when`", "only one case can be the default")
        seen.add(name)
        cases.append(Case(name, build.condition(case, here, "when"), case["then"]))
    return {"cases": tuple(cases)}


def error_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `raise`."""
    error, here = task["raise"]["error"], (*path, "raise", "error")
    if isinstance(error, str):
        name, error = error, build.reference("errors", error, here)
        here = ("use", "errors", name)
    return {"error": None if error is None else build.template(error, here)}


def time_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `wait`, with a duration or a moment."""
    until = task.get("host", {}).get("until")
    here = (*path, "host", "until")
    if isinstance(until, str) and not marked(until):
        try:
            datetime.fromisoformat(until)
        except ValueError:
            build.report.error(here, f"{shown(until)} is no moment", "write it as 2030-01-31T08:00:00Z")
    return {
        "duration_s": build.duration(task["wait"], (*path, "wait")) if "wait" in task else 0.0,
        "until": None if until is None else build.template(until, here),
    }


def event_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `emit`."""
    return {"event": build.template(task["emit"]["event"]["with"], (*path, "emit", "event", "with"))}


def end_of(build: Build, to: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """When `listen` has heard enough."""
    until, here = to.get("until"), (*path, "until")
    if "any" in to and not to["any"] and "until" not in to:
        remedy = "name the events, or say with `until` when it has heard enough"
        build.report.error((*path, "any"), "listens to everything without end", remedy)
    if until is False:
        return {"forever": True}
    if isinstance(until, str):
        return {"until": build.expression(until, here)}
    if isinstance(until, Mapping):
        if len(until.get("all", ())) > 1:
            build.report.error((*here, "all"), "only one event can end it", "use `one`, or `any` of several")
        return {"until": filters_of(build, until, here)}
    return {}


def run_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of `run`: another workflow, or a script."""
    value = task["run"]
    waits = {"wait": value.get("await", True)}
    if "workflow" in value:
        other = value["workflow"]
        return {
            "workflow": other["name"],
            "namespace": other.get("namespace", "default"),
            "version": other.get("version", "latest"),
            "value": build.template(other["input"], (*path, "run", "workflow", "input")) if "input" in other else None,
            **waits,
        }
    script, here = value["script"], (*path, "run", "script")
    arguments = build.template(script["arguments"], (*here, "arguments")) if "arguments" in script else None
    return {"language": script["language"], "code": script["code"], "arguments": arguments, **waits}


def approval_of(build: Build, task: Mapping[str, Any], path: Path) -> dict[str, Any]:
    """Of an approval."""
    asked, here = task["host"]["approval"], (*path, "host", "approval")
    return {
        "title": build.template(asked["title"], (*here, "title")) if "title" in asked else None,
        "text": build.template(asked["text"], (*here, "text")) if "text" in asked else None,
        "form": schema_document(build, asked.get("form", {}), (*here, "form")),
        "role": asked.get("role", "operator"),
        "deadline_s": build.duration(asked["deadline"], (*here, "deadline")) if "deadline" in asked else None,
        "late": asked.get("late", "fail"),
    }
