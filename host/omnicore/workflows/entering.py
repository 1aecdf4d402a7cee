"""Workflows that begin at one of their tasks, to try it: a document that enters the blocks around it. Pure.

What is before the task is left out, and the blocks it is in are gone into without being asked: their `if`, `input` and
`while` do not count. A loop goes one round, of a fork one branch is gone, and what a `try` around it catches is caught.
Paths stay as they are in the whole document, but for the number of the first task, which counts from there.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.workflows.language.problems import Path, steps_of

__all__ = ["entered"]

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
    tasks, index, name, rest = _found(document.get("do"), steps[1:], path)
    first = {name: _inside(tasks[index][name], rest, variables, path)} if rest else tasks[index]
    made = [first, *tasks[index + 1 :]]
    _check_back(tasks, index, made, path)
    return {**{key: value for key, value in document.items() if key != "input"}, "do": made}


def _inside(task: Any, steps: Path, variables: Mapping[str, Any], path: str) -> dict[str, Any]:
    """A task that goes straight to what is inside of it."""
    held: Path = next((one for one in (*_CLOSED, *_OPEN) if steps[: len(one)] == one), ())
    if held in _CLOSED:
        raise _refused(path, _CLOSED[held])
    if not held or not isinstance(task, Mapping):
        raise _refused(path, "it is no task: name one by its JSON pointer, such as /do/1/each/do/0/send")
    holder = task[held[0]] if len(held) > 1 and isinstance(task.get(held[0]), Mapping) else task
    tasks, index, name, rest = _found(holder.get(held[-1]), steps[len(held) :], path)
    chosen = {name: _inside(tasks[index][name], rest, variables, path)} if rest else tasks[index]
    open_task = {key: value for key, value in task.items() if key not in _ASKED}
    if held[0] == "fork":
        branches = [chosen if number == index else _past(one) for number, one in enumerate(tasks)]
        return _one_branch(open_task, branches, index, path)
    made = [*map(_past, tasks[:index]), chosen, *tasks[index + 1 :]]
    _check_back(tasks, index, made[index:], path)
    if "for" in task:
        return {**open_task, "for": _one_round(task["for"], variables), "do": made}
    return {**open_task, held[0]: made}


def _found(tasks: Any, steps: Path, path: str) -> tuple[Sequence[Mapping[str, Any]], int, str, Path]:
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
