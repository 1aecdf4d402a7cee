"""Edits of graphs, and what differs between two of them.

    graph = insert(graph, "/do", 1, "tell", {"call": "notify.send@connectors"})
    graph = rename(graph, "/do/1/tell", "inform")
    for change in diff(before, graph): ...

An edit takes a graph and gives another one, checked from new; the first one stays as it is. Paths are JSON pointers
into the document: of a task (`/do/0/fetch`), of a list of tasks (`/do`, `/do/2/each/do`), or of any value in it.

Raises, all of them: NotFound: nothing is there; WorkflowInvalid: what came of it cannot be run.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omnicore.errors import InvalidInput, NotFound
from omnicore.workflows.document import compile_graph
from omnicore.workflows.graph import Graph
from omnicore.workflows.language.comparing import Difference, differences
from omnicore.workflows.language.naming import renamed
from omnicore.workflows.language.problems import Path, pointer

__all__ = ["Difference", "diff", "document_of", "insert", "move", "remove", "rename", "replace", "value_at"]

_Change = Callable[[Any], Any]


def document_of(graph: Graph) -> dict[str, Any]:
    """The graph's document, for the taking: changing it changes no graph."""
    copied: dict[str, Any] = _copied(graph.document)
    return copied


def value_at(graph: Graph, path: str) -> Any:
    """What the document has at a path. Raises: NotFound."""
    value: Any = graph.document
    for step in _steps(value, path):
        value = value[step]
    return _copied(value)


def insert(graph: Graph, block: str, index: int, name: str, task: Mapping[str, Any]) -> Graph:
    """With a task more, before the one at `index` of a list of tasks; at the end when there is none.

    A block that is not there yet, such as `/do/0/fetch/catch/do`, is begun.
    """
    item = {name: _copied(task)}
    steps = _steps(graph.document, block, begin=True)
    return _edited(graph, steps, lambda tasks: [*_list(tasks, block)[:index], item, *_list(tasks, block)[index:]])


def replace(graph: Graph, path: str, value: Any) -> Graph:
    """With another value at a path: a task of the same name, or any part of the document."""
    return _edited(graph, _steps(graph.document, path), lambda _: _copied(value))


def remove(graph: Graph, path: str) -> Graph:
    """Without a task, or any other part of the document."""
    steps = _steps(graph.document, path)
    block, index = _task_of(graph, steps)
    if index is None:
        return _edited(graph, steps[:-1], lambda value: _left(value, steps[-1]))
    return _edited(graph, block, lambda tasks: [*tasks[:index], *tasks[index + 1 :]])


def move(graph: Graph, path: str, block: str, index: int) -> Graph:
    """With a task in another place; `block` and `index` are those of the graph without it."""
    steps = _steps(graph.document, path)
    source, at = _task_of(graph, steps)
    if at is None:
        raise InvalidInput(f"{path} is no task", remedy="give the path of a task, such as /do/0/fetch")
    item = _found(graph.document, (*source, at))
    without = _changed(graph.document, source, lambda tasks: [*tasks[:at], *tasks[at + 1 :]])
    target = _steps(without, block, begin=True)
    moved = _changed(without, target, lambda tasks: [*_list(tasks, block)[:index], item, *_list(tasks, block)[index:]])
    return compile_graph(moved)


def rename(graph: Graph, path: str, name: str) -> Graph:
    """With another name for a task; each `then` and `$steps` that means it follows.

    `$steps` follows where one task only has the old name, and nothing the new one.
    """
    block, index = _task_of(graph, _steps(graph.document, path))
    if index is None:
        raise InvalidInput(f"{path} is no task", remedy="give the path of a task, such as /do/0/fetch")
    return compile_graph(renamed(graph, block, index, name))


def diff(before: Graph, after: Graph) -> Sequence[Difference]:
    """What was added, removed, changed and moved, in the order of the documents."""
    return differences(before.document, after.document)


def _edited(graph: Graph, steps: Path, change: _Change) -> Graph:
    return compile_graph(_changed(graph.document, steps, change))


def _changed(value: Any, steps: Path, change: _Change) -> Any:
    """The value with a part of it changed; what is not on the way there is shared."""
    if not steps:
        return change(value)
    first, rest = steps[0], steps[1:]
    if isinstance(value, list):
        return [_changed(one, rest, change) if index == first else one for index, one in enumerate(value)]
    known = dict(value) if isinstance(value, Mapping) else {}
    return {**known, first: _changed(known.get(str(first)), rest, change)}


def _left(value: Any, step: str | int) -> Any:
    if isinstance(value, list):
        return [one for index, one in enumerate(value) if index != step]
    return {key: part for key, part in value.items() if key != step}


def _task_of(graph: Graph, steps: Path) -> tuple[Path, int | None]:
    """The list of tasks and the index in it that a path means; None: it is not that of a task."""
    if len(steps) < 3 or not isinstance(steps[-2], int):
        return steps, None
    item = _found(graph.document, steps[:-1])
    is_task = isinstance(item, Mapping) and len(item) == 1 and steps[-3] in ("do", "try", "branches", "compensate")
    return steps[:-2], steps[-2] if is_task else None


def _found(value: Any, steps: Path) -> Any:
    for step in steps:
        value = value[step]
    return value


def _list(value: Any, block: str) -> list[Any]:
    if value is None:
        return []
    if not isinstance(value, list):
        raise InvalidInput(f"{block} is no list of tasks", remedy="give one such as /do")
    return value


def _steps(document: Any, path: str, *, begin: bool = False) -> Path:
    """The steps of a JSON pointer to something that is there, or to a key that may be begun. Raises: NotFound."""
    found: list[str | int] = []
    value = document
    for text in path.split("/")[1:]:
        step = text.replace("~1", "/").replace("~0", "~")
        if isinstance(value, list) and step.isascii() and step.isdigit() and int(step) < len(value):
            found.append(int(step))
            value = value[int(step)]
        elif isinstance(value, Mapping) and (step in value or begin):
            found.append(step)
            value = value.get(step, {} if begin else None)
        else:
            raise _nothing(path, tuple(found))
    if path and not path.startswith("/"):
        raise _nothing(path, ())
    return tuple(found)


def _nothing(path: str, known: Path) -> NotFound:
    where = pointer(known) or "the document"
    return NotFound(f"nothing is at {path[:200]!r}; {where[:200]} is the last that is there", remedy="correct the path")


def _copied(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {key: _copied(part) for key, part in value.items()}
    return [_copied(part) for part in value] if isinstance(value, list | tuple) else value
