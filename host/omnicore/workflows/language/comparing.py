"""What differs between two documents, told by tasks and not by lines. Pure."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from omnicore.workflows.language.problems import Path, pointer
from omnicore.workflows.language.values import canonical

__all__ = ["Difference", "differences"]

_Names: TypeAlias = tuple[str, ...]
_BLOCKS: tuple[Path, ...] = (
    ("do",),
    ("try",),
    ("catch", "do"),
    ("fork", "branches"),
    ("foreach", "do"),
    ("host", "compensate"),
)


@dataclass(frozen=True, slots=True)
class Difference:
    """One change. `path` is where it is now, or was; `before` and `after` are the values, of `moved` the paths."""

    kind: Literal["added", "removed", "changed", "moved"]
    path: str
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
    """What was added, removed, changed and moved, as the paths come."""
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
