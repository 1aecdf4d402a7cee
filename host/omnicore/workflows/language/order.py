"""What comes after what in a list of tasks: names, where `then` leads, and what nothing leads to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from omnicore.workflows.language.problems import Path, Report, shown

__all__ = ["DIRECTIVES", "check_order"]

DIRECTIVES = frozenset({"continue", "exit", "end"})


def check_order(tasks: list[tuple[str, Any, Path]], report: Report, *, side_by_side: bool = False) -> None:
    """Checks a list of tasks: name, definition and path of each.

    `side_by_side`: the branches of a fork, which no `then` can tie together.
    """
    names: set[str] = set()
    for name, _, path in tasks:
        if name in names:
            report.error(
                path, f"another task here is called {shown(name)} too", "give each task of a list its own name"
            )
        elif name in DIRECTIVES:
            report.warning(path, f"no `then` can lead to a task called `{name}`", "give it another name")
        names.add(name)
    known = set() if side_by_side else names
    sound = [_targets_known(task, path, known, report) for _, task, path in tasks]
    if all(sound) and not side_by_side:
        _check_reached(tasks, report)


def _targets_known(task: Any, path: Path, names: set[str], report: Report) -> bool:
    sound = True
    for target, where in _targets(task, path):
        if target not in DIRECTIVES and target not in names:
            sound = False
            otherwise = "use continue, exit, end or the name of a task in the same list"
            report.error(
                where,
                f"no task in this list is called {shown(target)}",
                report.closest(target, names, otherwise=otherwise),
            )
    return sound


def _targets(task: Any, path: Path) -> Iterator[tuple[str, Path]]:
    if not isinstance(task, Mapping):
        return
    if isinstance(task.get("then"), str):
        yield task["then"], (*path, "then")
    for index, (name, case) in enumerate(_cases(task)):
        if isinstance(case.get("then"), str):
            yield case["then"], (*path, "switch", index, name, "then")


def _cases(task: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    cases = task.get("switch")
    found = []
    for item in cases if isinstance(cases, list) else ():
        if isinstance(item, Mapping) and len(item) == 1:
            found += [(name, case) for name, case in item.items() if isinstance(case, Mapping)]
    return found


def _check_reached(tasks: list[tuple[str, Any, Path]], report: Report) -> None:
    places = {name: index for index, (name, _, _) in reversed(list(enumerate(tasks)))}
    reached: set[int] = set()
    waiting = [0]
    while waiting:
        index = waiting.pop()
        if index >= len(tasks) or index in reached:
            continue
        reached.add(index)
        for target in _ways_on(tasks[index][1]):
            if target == "continue":
                waiting.append(index + 1)
            elif target in places:
                waiting.append(places[target])
    for index, (name, _, path) in enumerate(tasks):
        if index not in reached:
            report.warning(path, f"nothing leads to {shown(name)}", "remove it, or lead to it with `then`")


def _ways_on(task: Any) -> set[str]:
    if not isinstance(task, Mapping):
        return {"continue"}
    onward = str(task.get("then", "continue"))
    cases = _cases(task)
    ways = {str(case.get("then")) for _, case in cases}
    if "raise" not in task and (not cases or all("when" in case for _, case in cases)):
        ways.add(onward)
    host = task.get("host")
    if "if" in task or (isinstance(host, Mapping) and host.get("onError") == "continue"):
        ways |= {onward, "continue"}
    return ways
