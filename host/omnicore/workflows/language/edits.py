"""Edits of graphs, and the differences between two of them. Pure.

    graph = insert(graph, "/do", 1, "tell", {"call": "notify.send@connectors"})
    graph = rename(graph, "/do/1/tell", "inform")
    for change in diff(before, graph): ...

An edit takes a graph and returns another one, checked again; the first one stays as it is. Paths are JSON pointers
into the document: of a task (`/do/0/fetch`), of a list of tasks (`/do`, `/do/2/each/do`), or of any value in it.

`entered` returns a document that begins at one of its tasks, for a trial. Tasks before it are left out. The blocks
around it are entered unconditionally: their `if`, `input` and `while` do not count. A loop goes one round, a fork takes
one branch, and an enclosing `try` catches. Paths stay as in the whole document, except that the first task counts from
the chosen one.

Raises, all of them: NotFound: nothing is there; WorkflowInvalid: the result cannot be run.
"""

from __future__ import annotations

import json
import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Annotated, Any, Literal, TypeAlias

from omnicore.errors import InvalidInput, NotFound
from omnicore.records import Meta, Record
from omnicore.workflows.language.document import compile_graph
from omnicore.workflows.language.text import Path, canonical, pointer, steps_of

if TYPE_CHECKING:
    from omnicore.workflows.language.graph import WorkflowGraph


_Names: TypeAlias = tuple[str, ...]
_BLOCKS: tuple[Path, ...] = (
    ("do",),
    ("try",),
    ("catch", "do"),
    ("fork", "branches"),
    ("foreach", "do"),
    ("host", "compensate"),
)


class Difference(Record, frozen=True):
    """One change. `path` is its present place, or its last one; `before` and `after` are values, of `moved` paths."""

    kind: Literal["added", "removed", "changed", "moved"]
    path: Annotated[str, Meta(description="JSON pointer into the document.")]
    before: Any = None
    after: Any = None


@dataclass(slots=True)
class _Task:
    path: Path
    whole: Any
    own: Mapping[str, Any]
    """The task without the tasks inside of it."""
    block: _Names
    order: int


@dataclass(slots=True)
class _Tasks:
    """The tasks of a document by the names that lead to them, which do not change when others come and go."""

    found: dict[_Names, _Task] = field(default_factory=dict)

    def read(self, tasks: Any, path: Path, names: _Names) -> None:
        for index, item in enumerate(tasks if isinstance(tasks, list) else ()):
            for name, task in item.items():
                here, called = (*path, index, name), (*names, name)
                self.found[called] = _Task(here, task, _own(task), names, index)
                for steps in _BLOCKS:
                    self.read(_inside(task, steps), (*here, *steps), (*called, "/".join(map(str, steps))))


def differences(before: Mapping[str, Any], after: Mapping[str, Any]) -> Sequence[Difference]:
    """Added, removed, changed and moved tasks, in the order of their paths."""
    old, new = _Tasks(), _Tasks()
    old.read(before.get("do"), ("do",), ("do",))
    new.read(after.get("do"), ("do",), ("do",))
    found = [*_values(_without(before, "do"), _without(after, "do"), ())]
    gone = {names: task for names, task in old.found.items() if names not in new.found}
    come = {names: task for names, task in new.found.items() if names not in old.found}
    found += _moved(gone, come)
    found += [
        Difference("removed", pointer(task.path), before=task.whole)
        for names, task in gone.items()
        if names[:-2] not in gone
    ]
    found += [
        Difference("added", pointer(task.path), after=task.whole)
        for names, task in come.items()
        if names[:-2] not in come
    ]
    kept = [names for names in new.found if names in old.found]
    for names in kept:
        found += _values(old.found[names].own, new.found[names].own, new.found[names].path)
    found += _reordered(old.found, new.found, kept)
    return sorted(found, key=lambda one: _sortable(one.path))


def _moved(gone: dict[_Names, _Task], come: dict[_Names, _Task]) -> list[Difference]:
    """Tasks that are the same but for their name or list. They and what is in them leave `gone` and `come`."""
    found = []
    places: dict[str, list[_Names]] = {}
    for names, task in come.items():
        places.setdefault(canonical(task.whole), []).append(names)
    for names, task in list(gone.items()):
        if names not in gone or names[:-2] in gone:
            continue
        candidates = [one for one in places.get(canonical(task.whole), ()) if one in come and one[:-2] not in come]
        if candidates:
            best = next((one for one in candidates if one[-1] == names[-1]), candidates[0])
            found.append(Difference("moved", pointer(come[best].path), pointer(task.path), pointer(come[best].path)))
            _forget(gone, names)
            _forget(come, best)
    return found


def _forget(tasks: dict[_Names, _Task], names: _Names) -> None:
    for one in [one for one in tasks if one[: len(names)] == names]:
        del tasks[one]


def _reordered(old: dict[_Names, _Task], new: dict[_Names, _Task], kept: Sequence[_Names]) -> Iterator[Difference]:
    """The fewest tasks that have to be moved to come from one order to the other."""
    blocks: dict[_Names, list[_Names]] = {}
    for names in kept:
        blocks.setdefault(new[names].block, []).append(names)
    for members in blocks.values():
        stay = _longest_rising([old[names].order for names in members])
        for index, names in enumerate(members):
            if index not in stay:
                was, now = pointer(old[names].path), pointer(new[names].path)
                yield Difference("moved", now, was, now)


def _longest_rising(numbers: Sequence[int]) -> set[int]:
    """The indexes of a longest rising part of a sequence."""
    tails: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, number in enumerate(numbers):
        at = bisect_left(tails, number)
        before.append(ends[at - 1] if at else -1)
        tails[at : at + 1] = [number]
        ends[at : at + 1] = [index]
    found: set[int] = set()
    index = ends[-1] if ends else -1
    while index >= 0:
        found.add(index)
        index = before[index]
    return found


def _values(before: Any, after: Any, path: Path) -> Iterator[Difference]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in dict.fromkeys((*before, *after)):
            here = (*path, key)
            if key not in after:
                yield Difference("removed", pointer(here), before=before[key])
            elif key not in before:
                yield Difference("added", pointer(here), after=after[key])
            else:
                yield from _values(before[key], after[key], here)
    elif canonical(before) != canonical(after):
        yield Difference("changed", pointer(path), before, after)


def _own(task: Any) -> Mapping[str, Any]:
    if not isinstance(task, Mapping):
        return {}
    found = dict(task)
    for first, *rest in _BLOCKS:
        if not rest:
            found.pop(str(first), None)
        elif isinstance(found.get(str(first)), Mapping):
            found[str(first)] = _without(found[str(first)], str(rest[0]))
    return found


def _inside(task: Any, steps: Path) -> Any:
    for step in steps:
        task = task.get(step) if isinstance(task, Mapping) else None
    return task


def _without(value: Mapping[str, Any], key: str) -> dict[str, Any]:
    return {name: part for name, part in value.items() if name != key}


def _sortable(path: str) -> tuple[tuple[int, str], ...]:
    return tuple((int(step), "") if step.isdigit() else (-1, step) for step in path.split("/"))


_WORD = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


def renamed(graph: WorkflowGraph, block: Path, index: int, name: str) -> dict[str, Any]:
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


def _is_plain(graph: WorkflowGraph, old: str, new: str) -> bool:
    """True if `$steps.old` can only mean that task, and nothing means the new name yet."""
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


_Change = Callable[[Any], Any]


def document_of(graph: WorkflowGraph) -> dict[str, Any]:
    """The graph's document, for the taking: changing it changes no graph."""
    copied: dict[str, Any] = _copied(graph.document)
    return copied


def value_at(graph: WorkflowGraph, path: str) -> Any:
    """The value of the document at a path. Raises: NotFound."""
    value: Any = graph.document
    for step in _steps(value, path):
        value = value[step]
    return _copied(value)


def insert(graph: WorkflowGraph, block: str, index: int, name: str, task: Mapping[str, Any]) -> WorkflowGraph:
    """With a task more, before the one at `index` of a list of tasks; at the end when there is none.

    A block that is not there yet, such as `/do/0/fetch/catch/do`, is begun.
    """
    item = {name: _copied(task)}
    steps = _steps(graph.document, block, begin=True)
    return _edited(graph, steps, lambda tasks: [*_list(tasks, block)[:index], item, *_list(tasks, block)[index:]])


def replace(graph: WorkflowGraph, path: str, value: Any) -> WorkflowGraph:
    """With another value at a path: a task of the same name, or any part of the document."""
    return _edited(graph, _steps(graph.document, path), lambda _: _copied(value))


def remove(graph: WorkflowGraph, path: str) -> WorkflowGraph:
    """Without a task, or any other part of the document."""
    steps = _steps(graph.document, path)
    block, index = _task_of(graph, steps)
    if index is None:
        return _edited(graph, steps[:-1], lambda value: _left(value, steps[-1]))
    return _edited(graph, block, lambda tasks: [*tasks[:index], *tasks[index + 1 :]])


def move(graph: WorkflowGraph, path: str, block: str, index: int) -> WorkflowGraph:
    """With a task in another place; `block` and `index` are those of the graph without it."""
    steps = _steps(graph.document, path)
    source, at = _task_of(graph, steps)
    if at is None:
        raise InvalidInput(f"{path} is not a task", remedy="give the path of a task, such as /do/0/fetch")
    item = _found(graph.document, (*source, at))
    without = _changed(graph.document, source, lambda tasks: [*tasks[:at], *tasks[at + 1 :]])
    target = _steps(without, block, begin=True)
    moved = _changed(without, target, lambda tasks: [*_list(tasks, block)[:index], item, *_list(tasks, block)[index:]])
    return compile_graph(moved)


def rename(graph: WorkflowGraph, path: str, name: str) -> WorkflowGraph:
    """With another name for a task; each `then` and `$steps` that means it follows.

    `$steps` follows where one task only has the old name, and nothing the new one.
    """
    block, index = _task_of(graph, _steps(graph.document, path))
    if index is None:
        raise InvalidInput(f"{path} is not a task", remedy="give the path of a task, such as /do/0/fetch")
    return compile_graph(renamed(graph, block, index, name))


def changed_tasks(before: Mapping[str, Any], after: Mapping[str, Any]) -> frozenset[str]:
    """Paths of tasks in `before` whose recorded results do not count in `after`.

    A task counts when it has the same name, path and text, not counting the tasks inside of it, and names nothing of
    `use` that changed. Other members of the document than `use`, `do` and `input` do not matter.
    """
    old, new = _Tasks(), _Tasks()
    old.read(before.get("do"), ("do",), ("do",))
    new.read(after.get("do"), ("do",), ("do",))
    used = _changed_names(before.get("use"), after.get("use"))
    everything = before.get("input") != after.get("input")

    def is_same(names: _Names, task: _Task) -> bool:
        other, said = new.found.get(names), canonical(task.own)
        return (
            other is not None
            and other.path == task.path
            and canonical(other.own) == said
            and not any(name in said for name in used)
        )

    return frozenset(pointer(task.path) for names, task in old.found.items() if everything or not is_same(names, task))


def _changed_names(before: Any, after: Any) -> set[str]:
    """Names of functions, errors, retries and so on that `use` defines in another way, or no longer."""
    old, new = (one if isinstance(one, Mapping) else {} for one in (before, after))
    found: set[str] = set()
    for kind, members in old.items():
        others = new.get(kind)
        if isinstance(members, Mapping):
            known = others if isinstance(others, Mapping) else {}
            found |= {str(name) for name, one in members.items() if known.get(name) != one}
        elif isinstance(members, list):
            found |= {str(one) for one in members if not isinstance(others, list) or one not in others}
    return found


def diff(before: WorkflowGraph, after: WorkflowGraph) -> Sequence[Difference]:
    """Added, removed, changed and moved tasks, in the order of the documents."""
    return differences(before.document, after.document)


def _edited(graph: WorkflowGraph, steps: Path, change: _Change) -> WorkflowGraph:
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


def _task_of(graph: WorkflowGraph, steps: Path) -> tuple[Path, int | None]:
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
        raise InvalidInput(f"{block} is not a list of tasks", remedy="give one such as /do")
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


_ASKED = ("if", "input", "while")
_PAST: Mapping[str, Any] = {"set": "${ . }", "if": "${ false }"}
"""Stands for a task that is before: it keeps its name and its number."""
_CLOSED: Mapping[Path, str] = {
    ("catch", "do"): "it follows an error, and there is none: begin with the `try`, or let `raise` make one",
    ("foreach", "do"): "it follows an event, and there is none: begin with the `listen`, and publish the event",
    ("host", "compensate"): "it undoes what was done before, and nothing was: begin with the task that it undoes",
}
_OPEN: tuple[Path, ...] = (("do",), ("try",), ("fork", "branches"))


def entered(document: Mapping[str, Any], path: str, variables: Mapping[str, Any]) -> dict[str, Any]:
    """The document that begins at a task.

    Args: variables: what the variables of the loops around it are, by name; without it the run's input.
    Raises: InvalidInput: there is no such task, or it cannot be begun with, and why; details: `path`.
    """
    steps = steps_of(path)
    if not path.startswith("/do/"):
        where = "it is put in where it is called: begin with a task that calls it" if steps[:1] == ("use",) else ""
        raise _refused(path, where or "it is no task: name one by its JSON pointer, such as /do/1/send")
    tasks, index, name, rest = _task_in(document.get("do"), steps[1:], path)
    first = {name: _entered(tasks[index][name], rest, variables, path)} if rest else tasks[index]
    made = [first, *tasks[index + 1 :]]
    _check_back(tasks, index, made, path)
    return {**{key: value for key, value in document.items() if key != "input"}, "do": made}


def _entered(task: Any, steps: Path, variables: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A task that goes straight to what is inside of it."""
    held: Path = next((one for one in (*_CLOSED, *_OPEN) if steps[: len(one)] == one), ())
    if held in _CLOSED:
        raise _refused(path, _CLOSED[held])
    if not held or not isinstance(task, Mapping):
        raise _refused(path, "it is no task: name one by its JSON pointer, such as /do/1/each/do/0/send")
    holder = task[held[0]] if len(held) > 1 and isinstance(task.get(held[0]), Mapping) else task
    tasks, index, name, rest = _task_in(holder.get(held[-1]), steps[len(held) :], path)
    chosen = {name: _entered(tasks[index][name], rest, variables, path)} if rest else tasks[index]
    open_task = {key: value for key, value in task.items() if key not in _ASKED}
    if held[0] == "fork":
        branches = [chosen if number == index else _past(one) for number, one in enumerate(tasks)]
        return _one_branch(open_task, branches, index, path)
    made = [*map(_past, tasks[:index]), chosen, *tasks[index + 1 :]]
    _check_back(tasks, index, made[index:], path)
    if "for" in task:
        return {**open_task, "for": _one_round(task["for"], variables), "do": made}
    return {**open_task, held[0]: made}


def _task_in(tasks: Any, steps: Path, path: str) -> tuple[Sequence[Mapping[str, Any]], int, str, Path]:
    """The list, the task's number and name in it, and the steps that go on inside of it."""
    number, name = (str(one) for one in (*steps[:2], "", "")[:2])
    known = isinstance(tasks, list) and number.isascii() and number.isdigit() and len(number) < 6
    if not known or int(number) >= len(tasks) or tasks[int(number)].keys() != {name}:
        raise _refused(path, "there is no such task: name one by its JSON pointer, such as /do/1/send")
    return tasks, int(number), name, steps[2:]


def _one_round(loop: Mapping[str, Any], variables: Mapping[str, Any]) -> dict[str, Any]:
    name = str(loop.get("each", "item"))
    item = json.dumps(variables[name], ensure_ascii=True, allow_nan=False) if name in variables else "."
    return {**loop, "in": f"${{ [{item}] }}"}


def _one_branch(
    task: Mapping[str, Any], branches: Sequence[Mapping[str, Any]], index: int, path: str
) -> dict[str, Any]:
    """The fork with one branch; the first of those that compete is that one, and its output the fork's."""
    fork = {**task["fork"], "branches": list(branches)}
    if not fork.get("compete"):
        return {**task, "fork": fork}
    output = task.get("output") or {}
    own = output.get("as", ".")
    if not isinstance(own, str):
        raise _refused(path, "the fork it is in makes an object of the first branch's output: begin with the fork")
    bare = own.strip()
    bare = bare[2:-1] if bare.startswith("${") and bare.endswith("}") else bare
    return {**task, "fork": {**fork, "compete": False}, "output": {**output, "as": f"${{ .[{index}] | ({bare}) }}"}}


def until(document: Mapping[str, Any], path: str) -> dict[str, Any]:
    """The document that ends with a task: what comes after it, and beside it in a fork, is left out.

    The blocks around the task end with it, in each of their rounds. Whatever leads on to a task that is left out ends
    the run, and `output` and `export` of those blocks and of the workflow do not count.

    Raises: InvalidInput: there is no such task, or it cannot be ended with, and why; details: `path`.
    """
    try:
        steps = steps_of(path)
        if not path.startswith("/do/"):
            raise _refused(path, "it is no task: name one by its JSON pointer, such as /do/1/send")
        made = _cut_list(document.get("do"), steps[1:], path)
    except InvalidInput as error:
        told = str(error.fact).replace("a run cannot begin at", "a run cannot end with")
        raise InvalidInput(told, remedy=error.remedy, path="to") from error
    return {**{key: value for key, value in document.items() if key != "output"}, "do": made}


def _cut_list(given: Any, steps: Path, path: str) -> list[dict[str, Any]]:
    tasks, index, name, rest = _task_in(given, steps, path)
    last = _cut_in(tasks[index][name], rest, path) if rest else dict(tasks[index][name])
    last.pop("then", None)
    kept = [*tasks[:index], {name: last}]
    names = {one for task in kept for one in task}
    return [{one: _without_targets(task, names, is_last=one == name) for one, task in item.items()} for item in kept]


def _cut_in(task: Any, steps: Path, path: str) -> dict[str, Any]:
    held: Path = next((one for one in (*_CLOSED, *_OPEN) if steps[: len(one)] == one), ())
    if held == ("host", "compensate"):
        raise _refused(path, _CLOSED[held])
    if not held or not isinstance(task, Mapping):
        raise _refused(path, "it is no task: name one by its JSON pointer, such as /do/1/each/do/0/send")
    open_task = {key: value for key, value in task.items() if key not in ("output", "export")}
    if held[0] == "fork":
        tasks, index, name, rest = _task_in(task["fork"].get("branches"), steps[len(held) :], path)
        chosen = {name: _cut_in(tasks[index][name], rest, path) if rest else tasks[index][name]}
        branches = [chosen if number == index else _past(one) for number, one in enumerate(tasks)]
        return _one_branch(open_task, branches, index, path)
    if len(held) == 1:
        return {**open_task, held[0]: _cut_list(task.get(held[0]), steps[1:], path)}
    holder = task[held[0]] if isinstance(task.get(held[0]), Mapping) else {}
    return {**open_task, held[0]: {**holder, held[1]: _cut_list(holder.get(held[1]), steps[2:], path)}}


def _without_targets(task: Mapping[str, Any], names: set[str], *, is_last: bool) -> dict[str, Any]:
    """The task with its ways to what is left out leading to the end; the last one has no way on."""

    def leads(then: Any) -> Any:
        known = then in names or then in ("continue", "exit", "end", None)
        return "continue" if is_last else (then if known else "end")

    made = dict(task)
    if "then" in made:
        made["then"] = leads(made["then"])
    if isinstance(made.get("switch"), list):
        made["switch"] = [
            {name: {**way, "then": leads(way.get("then"))} for name, way in case.items()} for case in made["switch"]
        ]
    return made


def is_past(task: Mapping[str, Any]) -> bool:
    """True if a task only stands for one that is before."""
    return task == _PAST


def _past(task: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(_PAST) for name in task}


def _check_back(tasks: Sequence[Mapping[str, Any]], index: int, made: Sequence[Mapping[str, Any]], path: str) -> None:
    """Raises: InvalidInput: from there on something leads back to a task that is left out."""
    before = {name for one in tasks[:index] for name in one}
    for one in made:
        for name, task in one.items():
            back = next((target for target in _targets(task) if target in before), None)
            if back is not None:
                raise _refused(path, f"{name!a} leads back to {back!a}, which is before it: begin with {back!a}")


def _targets(task: Any) -> Iterator[Any]:
    if not isinstance(task, Mapping):
        return
    yield task.get("then")
    cases = task.get("switch")
    for case in cases if isinstance(cases, list) else ():
        yield from (way.get("then") for way in case.values() if isinstance(way, Mapping))


def _refused(path: str, why: str) -> InvalidInput:
    reason, _, remedy = why.partition(": ")
    shown = path if len(path) <= 200 else f"{path[:200]}..."
    return InvalidInput(f"a run cannot begin at {shown!a}: {reason}", remedy=remedy, path="from")
