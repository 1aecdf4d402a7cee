"""Trials: runs of a text that is not applied, of all of it or a part, with what came before from a run or by hand.

`prepared` makes the document and the trigger of a trial. The trigger holds the outputs of the steps that are left out
(`steps`), the context (`context`) and the answers of calls (`answers`), so that a run that is taken up again has them
too. `omnicore.workflows.steps.step` reads them.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Literal

from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.records import Record, field
from omnicore.workflows.language.edits import entered, is_past, until
from omnicore.workflows.language.text import pointer, steps_of

_MOST_BYTES = 1 << 20
_NOTHING: Any = object()
_NAMED = re.compile(r"\$steps\s*+(?:\.\s*+([A-Za-z_][A-Za-z0-9_]*)|\.?\s*+\[?\s*+\"((?:[^\"\\]|\\.)*)\")")
_CONTEXT = re.compile(r"\$context\b")
_INDEX = re.compile(r"[0-9]{1,6}")


class TrialRecord(Record, frozen=True):
    """The values that a run has recorded. The latest of each counts."""

    steps: Mapping[str, Any] = field(default_factory=dict)
    """Outputs by the names of the tasks."""
    inputs: Mapping[str, Any] = field(default_factory=dict)
    """Inputs by the paths of the tasks."""
    answers: Mapping[str, Any] = field(default_factory=dict)
    """Results of what reached out of the run, by place."""


class TrialWishes(Record, frozen=True):
    """The part of a text that a trial runs, and the data that it has.

    Args:
        first, last: paths of the tasks to begin and to end with; None: those of the text.
        variables: of the loops around `first`, by name.
        run: an earlier run that stands for what is left out.
        steps: outputs of tasks that are left out, by name; over those of the run.
        context: `$context` at the beginning.
        answers: outputs of tasks that reach out of the run, by path; they are not begun. Over those of the run.
        calls: `recorded`: they are answered by the run, and one that it has no answer for fails.
    """

    first: str | None = None
    last: str | None = None
    variables: Mapping[str, Any] = field(default_factory=dict)
    run: str | None = None
    steps: Mapping[str, Any] = field(default_factory=dict)
    context: Mapping[str, Any] | None = None
    answers: Mapping[str, Any] = field(default_factory=dict)
    calls: Literal["real", "recorded"] = "real"


def prepared(
    document: Mapping[str, Any], wishes: TrialWishes, known: TrialRecord, given: Any = _NOTHING
) -> tuple[Mapping[str, Any], Any, dict[str, Any]]:
    """The document of a trial, its input and its trigger.

    Raises: InvalidInput: it cannot begin or end there, or an expression needs what is not there; details: `path`,
        `place`. LimitExceeded: the data is too large.
    """
    part = until(document, wishes.last) if wishes.last is not None else dict(document)
    before = 0
    if wishes.first is not None:
        part = entered(part, wishes.first, wishes.variables)
        before = _number(wishes.first)
    steps = {**known.steps, **wishes.steps}
    left_out = _names(document) - _names(part)
    if wishes.first is not None and left_out:
        _check_known(part, before, left_out, steps, wishes)
    if wishes.first is not None and given is _NOTHING:
        given = _input(wishes.first, wishes.run, known)
    by_hand = dict(_shifted(wishes.answers, before))
    for path in by_hand:
        part = _without_output(part, steps_of(path))
    mentioned = _mentioned(part, left_out)
    recorded = dict(_shifted(known.answers, before)) if wishes.calls == "recorded" else {}
    more: dict[str, Any] = {
        "from": wishes.first,
        "to": wishes.last,
        "run": wishes.run,
        "calls": "recorded" if wishes.calls == "recorded" else None,
        "steps": {name: {"output": steps[name]} for name in sorted(mentioned & steps.keys())},
        "answers": {**recorded, **by_hand},
        "context": wishes.context,
    }
    trigger = {"kind": "trial", **{name: value for name, value in more.items() if value}}
    size = len(json.dumps(trigger, ensure_ascii=False))
    if size > _MOST_BYTES:
        raise LimitExceeded(
            f"the data of the trial is {size} bytes", remedy="give less of it", limit="trial", allowed=_MOST_BYTES
        )
    return part, None if given is _NOTHING else given, trigger


def _number(path: str) -> int:
    steps = steps_of(path)
    return int(steps[1]) if len(steps) > 1 and str(steps[1]).isdigit() else 0


def _shifted(answers: Mapping[str, Any], before: int) -> Iterator[tuple[str, Any]]:
    """Answers by the places of the document that begins at a later task."""
    for path, value in answers.items():
        steps = path.split("/", 3)
        if len(steps) < 4 or not _INDEX.fullmatch(steps[2]) or int(steps[2]) < before:
            continue
        yield f"/do/{int(steps[2]) - before}/{steps[3]}", value


def _without_output(value: Any, steps: Sequence[str | int]) -> Any:
    """The document without the `output` of a task: what is given for it is its output already."""
    if not steps:
        return {name: one for name, one in value.items() if name != "output"} if isinstance(value, Mapping) else value
    first, *rest = steps
    if isinstance(value, list):
        return [_without_output(one, rest) if str(at) == first else one for at, one in enumerate(value)]
    if not isinstance(value, Mapping) or first not in value:
        return value
    return {**value, str(first): _without_output(value[str(first)], rest)}


def _input(first: str, run: str | None, known: TrialRecord) -> Any:
    if first in known.inputs or not _is_later(first):
        return known.inputs.get(first)
    where = f"{run} has none recorded" if run else "none is given"
    raise InvalidInput(
        f"{first} is a later step and needs an input; {where}",
        remedy="give `input`, or the `run` that came to this step",
        path="input",
        place=first,
    )


def _is_later(path: str) -> bool:
    """True if a task comes before, in its list or in one around it; branches of a fork are side by side."""
    steps = steps_of(path)
    return any(
        str(step).isdigit() and step != "0" and steps[index - 1] != "branches" for index, step in enumerate(steps)
    )


def _check_known(
    part: Mapping[str, Any], before: int, left_out: set[str], steps: Mapping[str, Any], wishes: TrialWishes
) -> None:
    """Raises: InvalidInput: an expression names the output of a step that is left out, and nobody has given it."""
    for path, text in _texts(part.get("do"), ("do",)):
        place = pointer(("do", int(path[1]) + before, *path[2:]))
        missing = next((name for name in _steps_in(text) if name in left_out and name not in steps), None)
        if missing is not None:
            raise InvalidInput(
                f"{place} needs the output of {missing!r}, which is not run in this trial",
                remedy="give it in `steps`, pin it, or name a `run` that has it",
                path="steps",
                place=place,
                step=missing,
            )
        if wishes.context is None and _CONTEXT.search(text) and not _exports(part):
            raise InvalidInput(
                f"{place} needs $context, which earlier steps fill",
                remedy="give `context`",
                path="context",
                place=place,
            )


def _exports(part: Mapping[str, Any]) -> bool:
    """True if the tasks that run fill the context themselves."""
    return any("export" in path for path, _ in _texts(part.get("do"), ("do",)))


def _mentioned(part: Mapping[str, Any], left_out: set[str]) -> set[str]:
    """Those of the steps that are left out whose outputs the expressions may ask for."""
    found: set[str] = set()
    for _, text in _texts(part, ()):
        if "$steps" in text:
            names = list(_steps_in(text))
            found.update(names)
            if len(names) < text.count("$steps"):
                return left_out  # a computed name may be any of them
    return found & left_out


def _steps_in(text: str) -> Iterator[str]:
    """The names that an expression writes out. One with a value in it, as in `$steps["\\(.name)"]`, is none."""
    for match in _NAMED.finditer(text):
        if match[1] is not None:
            yield match[1]
            continue
        with suppress(ValueError):
            yield str(json.loads(f'"{match[2]}"', strict=False))


def _texts(value: Any, path: tuple[str | int, ...]) -> Iterator[tuple[tuple[str | int, ...], str]]:
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, Mapping):
        for name, one in value.items():
            yield from _texts(one, (*path, str(name)))
    elif isinstance(value, list):
        for index, one in enumerate(value):
            yield from _texts(one, (*path, index))


def _names(document: Mapping[str, Any]) -> set[str]:
    """Names of the tasks that run."""
    return set(_tasks(document.get("do")))


def _tasks(value: Any) -> Iterator[str]:
    if isinstance(value, Mapping):
        for one in value.values():
            yield from _tasks(one)
    elif isinstance(value, list):
        for one in value:
            if isinstance(one, Mapping) and len(one) == 1:
                (name, task), *_ = one.items()
                if isinstance(task, Mapping) and not is_past(task):
                    yield str(name)
            yield from _tasks(one)
