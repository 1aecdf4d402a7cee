"""A task's name, changed everywhere it is said."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from omnicore.workflows.graph import Graph
from omnicore.workflows.language.problems import Path

__all__ = ["renamed"]

_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def renamed(graph: Graph, block: Path, index: int, name: str) -> dict[str, Any]:
    """The document with another name for the task at `index` of a block."""
    tasks: Any = graph.document
    for step in block:
        tasks = tasks[step]
    old = next(iter(tasks[index]))
    changed = [_with_targets(item, old, name) for item in tasks]
    changed[index] = {name: changed[index][old]}
    document: dict[str, Any] = _put(graph.document, block, changed)
    return _follow(document, old, name) if _is_plain(graph, old, name) else document


def _put(value: Any, steps: Path, part: Any) -> Any:
    if not steps:
        return part
    if isinstance(value, list):
        return [_put(one, steps[1:], part) if at == steps[0] else one for at, one in enumerate(value)]
    return {key: _put(one, steps[1:], part) if key == steps[0] else one for key, one in value.items()}


def _with_targets(item: Mapping[str, Any], old: str, new: str) -> dict[str, Any]:
    """A task whose own `then`s lead to the new name."""
    return {key: _led(task, old, new) for key, task in item.items()}


def _led(task: Any, old: str, new: str) -> Any:
    if not isinstance(task, Mapping):
        return task
    found = dict(task)
    if found.get("then") == old:
        found["then"] = new
    if "switch" in found:
        found["switch"] = [{key: _led(case, old, new) for key, case in one.items()} for one in found["switch"]]
    return found


def _is_plain(graph: Graph, old: str, new: str) -> bool:
    """Whether `$steps.old` can mean that task only, and nothing means the new name yet."""
    names = [node.name for node in graph.nodes.values()]
    text = json.dumps(graph.document, ensure_ascii=False)
    return names.count(old) == 1 and new not in names and not _mentions(new).search(text.replace('\\"', '"'))


def _mentions(name: str) -> re.Pattern[str]:
    word = re.escape(name)
    return re.compile(rf'(\$steps\s*+)(?:\.\s*+{word}(?![A-Za-z0-9_])|(\.?\s*+\[?\s*+)"{word}")')


def _follow(value: Any, old: str, new: str) -> Any:
    pattern = _mentions(old)

    def said(match: re.Match[str]) -> str:
        if match[2] is not None:
            return f"{match[1]}{match[2]}{json.dumps(new, ensure_ascii=False)}"
        return f"{match[1]}.{new}" if _WORD.fullmatch(new) else f"{match[1]}[{json.dumps(new, ensure_ascii=False)}]"

    def walk(part: Any) -> Any:
        if isinstance(part, str):
            return pattern.sub(said, part) if "$steps" in part else part
        if isinstance(part, Mapping):
            return {key: walk(one) for key, one in part.items()}
        return [walk(one) for one in part] if isinstance(part, list) else part

    return walk(value)
