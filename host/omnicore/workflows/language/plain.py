"""A document in the pure DSL: what the dialect adds in `host` objects is taken out, or said in the DSL's own words."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from omnicore.workflows.language.build import marked

__all__ = ["plain"]

_BLOCKS = ("do", "try")
_ASKED = "omnicore.approval.asked"
_DECIDED = "omnicore.approval.decided"


def plain(document: Mapping[str, Any]) -> dict[str, Any]:
    """The document without `host`: it counts as plain DSL 1.0.3, and other engines can read it.

    An approval becomes an event that asks and one that is waited for. Triggers beside `schedule`, limits, retention,
    compensation and what tasks have in `host` are not in it.
    """
    found = {key: value for key, value in document.items() if key != "host"}
    found["do"] = _block(document["do"])
    use = document.get("use")
    if isinstance(use, Mapping):
        found["use"] = _use(use)
    return found


def _use(use: Mapping[str, Any]) -> dict[str, Any]:
    found = dict(use)
    if "functions" in use:
        found["functions"] = {name: _task(task) for name, task in use["functions"].items()}
    if "extensions" in use:
        found["extensions"] = [
            {name: _blocks(one, ("before", "after")) for name, one in item.items()} for item in use["extensions"]
        ]
    return found


def _block(block: Any) -> list[Any]:
    return [{name: _task(task) for name, task in item.items()} for item in block]


def _blocks(value: Mapping[str, Any], keys: tuple[str, ...]) -> dict[str, Any]:
    return {key: _block(part) if key in keys else part for key, part in value.items()}


def _task(task: Mapping[str, Any]) -> dict[str, Any]:
    host: Mapping[str, Any] = task.get("host", {})
    found = _blocks({key: part for key, part in task.items() if key != "host"}, _BLOCKS)
    if "fork" in found:
        found["fork"] = _blocks(found["fork"], ("branches",))
    for key in ("catch", "foreach"):
        if key in found:
            found[key] = _blocks(found[key], ("do",))
    if "approval" in host:
        found["do"] = _asking(host["approval"])
    elif "until" in host and "wait" not in found:
        found["wait"] = "PT0S"
    if "run" in found and "workflow" in found["run"]:
        filled = {"namespace": "default", "version": "latest", **found["run"]["workflow"]}
        found["run"] = {**found["run"], "workflow": filled}
    return _with_object(found) if "call" in found else found


def _asking(approval: Mapping[str, Any]) -> list[Any]:
    data = {key: approval[key] for key in ("title", "text", "form", "role") if key in approval}
    event = {"source": "omnicore:workflow", "type": _ASKED, "data": data}
    decided: dict[str, Any] = {"listen": {"to": {"one": {"with": {"type": _DECIDED}}}}}
    if "deadline" in approval:
        decided["timeout"] = {"after": approval["deadline"]}
    return [{"asked": {"emit": {"event": {"with": event}}}}, {"decided": decided}]


def _with_object(task: dict[str, Any]) -> dict[str, Any]:
    """The DSL hands functions an object; another value becomes the task's input, which they are then called with."""
    given = task.get("with", {})
    if isinstance(given, Mapping):
        return task
    rest = {key: part for key, part in task.items() if key != "with"}
    if "from" in task.get("input", {}) or not isinstance(given, str):
        return {**rest, "with": {"input": given}}
    text = given if marked(given) else json.dumps(given)  # a bare text would be read as an expression there
    return {**rest, "input": {**task.get("input", {}), "from": text}}
