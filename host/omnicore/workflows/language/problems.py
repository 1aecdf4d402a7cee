"""Problems of a workflow, each with its place in the text, a fact and a remedy."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from itertools import islice
from typing import Any, Literal, TypeAlias

from omnicore.errors import WorkflowInvalid

__all__ = ["Diagnostic", "Path", "Position", "Report", "closest", "invalid", "pointer", "shown", "step", "steps_of"]

Path: TypeAlias = tuple[str | int, ...]
Position: TypeAlias = tuple[int, int]
"""Line and column, both from 1."""

_MOST = 200
_MOST_KNOWN = 500
_LONGEST = 60


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """Something that is wrong in a text. `path` is a JSON pointer; line and column count from 1, 0 when unknown."""

    path: str
    line: int
    column: int
    fact: str
    remedy: str = ""
    severity: Literal["error", "warning"] = "error"


@dataclass(slots=True)
class Report:
    """Gathers problems, up to a bound; beyond it they are counted only."""

    positions: Mapping[str, Position] = field(default_factory=dict)
    problems: list[Diagnostic] = field(default_factory=list)
    errors: int = 0
    warnings: int = 0

    def error(self, path: Path, fact: str, remedy: str = "") -> None:
        """Something that keeps the workflow from running."""
        self.errors += 1
        if self.errors <= _MOST:
            self.problems.append(self._problem(path, fact, remedy, "error"))

    def error_at(self, place: str, position: Position, fact: str, remedy: str) -> None:
        """An error where the reader is, whose place is not known from `positions` yet."""
        self.errors += 1
        self.problems.append(Diagnostic(place, *position, fact, remedy))

    def warning(self, path: Path, fact: str, remedy: str = "") -> None:
        """Something that runs, but hardly as it was meant."""
        self.warnings += 1
        if self.warnings <= _MOST:
            self.problems.append(self._problem(path, fact, remedy, "warning"))

    def take(self, problem: Diagnostic, path: Path) -> None:
        """Takes over a problem of another report, at a place of this one's."""
        line, column = self._position(path)
        self.errors += problem.severity == "error"
        self.warnings += problem.severity == "warning"
        self.problems.append(replace(problem, line=line, column=column))

    def closest(self, word: str, known: Iterable[str], *, otherwise: str = "") -> str:
        """As the function; looked for while there is room for what it says only, for it takes its time."""
        return otherwise if self.errors > _MOST or self.warnings > _MOST else closest(word, known, otherwise=otherwise)

    def ordered(self) -> Sequence[Diagnostic]:
        """All of them as the lines come; the same thing once."""
        unique = dict.fromkeys(self.problems)
        return tuple(sorted(unique, key=lambda one: (one.line, one.column, one.path)))

    def invalid(self) -> WorkflowInvalid:
        """The error that carries them all."""
        return invalid(self.ordered())

    def _problem(self, path: Path, fact: str, remedy: str, severity: Literal["error", "warning"]) -> Diagnostic:
        line, column = self._position(path)
        return Diagnostic(pointer(path), line, column, fact, remedy, severity)

    def _position(self, path: Path) -> Position:
        # What was put in by the compiler, or is missing, stands where the nearest thing around it stands.
        for length in range(len(path), -1, -1):
            found = self.positions.get(pointer(path[:length]))
            if found:
                return found
        return (0, 0)


def invalid(problems: Sequence[Diagnostic]) -> WorkflowInvalid:
    """The error for problems, of which one is an error at least."""
    errors = [one for one in problems if one.severity == "error"]
    first = errors[0]
    place = f"line {first.line}, column {first.column}: " if first.line else ""
    more = f" ({len(errors) - 1} more)" if errors[1:] else ""
    return WorkflowInvalid(
        f"{place}{first.path or 'the document'}: {first.fact}{more}",
        remedy=first.remedy or "correct the workflow",
        problems=[asdict(one) for one in problems],
    )


def pointer(path: Path) -> str:
    """A path as JSON pointer. Source: RFC 6901."""
    return "".join([f"/{step(one)}" for one in path])


def step(name: str | int) -> str:
    """One step of a JSON pointer."""
    text = str(name)
    return text.replace("~", "~0").replace("/", "~1") if "/" in text or "~" in text else text


def steps_of(path: str) -> Path:
    """The path that a JSON pointer says.

    >>> steps_of("/do/0/a~1b")
    ('do', '0', 'a/b')
    """
    return tuple(one.replace("~1", "/").replace("~0", "~") for one in path.split("/")[1:])


def closest(word: str, known: Iterable[str], *, otherwise: str = "") -> str:
    """A remedy: the known word that is most like this one, or what to say when there is none."""
    found = difflib.get_close_matches(word[:_LONGEST], islice(known, _MOST_KNOWN), n=1)
    return f"did you mean `{found[0]}`?" if found else otherwise


def shown(value: Any) -> str:
    """A value as a message names it."""
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, str):
        return f"`{value}`" if len(value) <= _LONGEST else f"`{value[:_LONGEST]}...`"
    if value is None:
        return "nothing"
    return f"`{value}`".lower() if isinstance(value, bool) else f"`{value}`"[: _LONGEST + 2]
