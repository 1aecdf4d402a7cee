"""Workflows in files: YAML, JSON and OmniFlow's node form, found by path, read, and checked without a host.

Problems of workflows as compilers show them: file, line and column, the line itself and a mark below it.

What differs between two versions of a workflow, for people.
"""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.text import Text

from omnicore.cli.output import Output, printable
from omnicore.errors import InvalidInput, NotFound, WorkflowInvalid
from omnicore.workflows.language.document import Diagnostic
from omnicore.workflows.language.graph import name_of
from omnicore.workflows.language.sources import look
from omnicore.workflows.language.text import Report, read

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from omnicore.workflows.language.edits import Difference
    from omnicore.workflows.language.graph import WorkflowGraph
    from omnicore.workflows.language.palette import Known


_ENDINGS = (".yaml", ".yml", ".json")
_LARGEST = 16 * 1024 * 1024
_MOST_FILES = 10_000


@dataclass(frozen=True, slots=True)
class Source:
    """A text and where it comes from; `-` is standard input."""

    name: str
    text: str


@dataclass(frozen=True, slots=True)
class Checked:
    """The result of checking a source: its graph, or problems of which at least one is an error.

    `given` is what is applied: the text, or that of the document that OmniFlow's nodes became. `foreign`: a file of a
    folder that is something else and no workflow.
    """

    source: Source
    problems: Sequence[Diagnostic] = ()
    graph: WorkflowGraph | None = None
    given: str = ""
    foreign: bool = False

    @property
    def workflow(self) -> str:
        """Its id; empty when it is invalid."""
        return "" if self.graph is None else name_of(self.graph.name, self.graph.namespace)


def read_source(path: str) -> Source:
    """A file's text, or that of standard input for `-`. Raises: NotFound. InvalidInput: it is no text, or too long."""
    try:
        data = _bytes(path)
    except OSError as cause:
        raise NotFound(f"{path} cannot be read ({cause.strerror})", remedy="check the path") from cause
    if len(data) > _LARGEST:
        raise InvalidInput(f"{path} is over {_LARGEST} bytes", remedy="make several workflows of it")
    try:
        return Source(path, data.decode("utf-8-sig"))
    except UnicodeDecodeError as cause:
        raise InvalidInput(f"{path} is no UTF-8 text", remedy="give a workflow in YAML or JSON") from cause


def read_document(file: str, remedy: str) -> Any:
    """The value that a file holds, YAML or JSON. Raises: NotFound. InvalidInput: it holds none, with its place."""
    report = Report()
    found = read(read_source(file).text, report)
    if found is None:
        told = report.problems[0]
        raise InvalidInput(f"{file}:{told.line}:{told.column}: {told.fact}", remedy=remedy)
    return found.value


def _found_in(paths: Sequence[str]) -> dict[str, bool]:
    """Files, and the YAML and JSON files in folders; whether each was found in a folder.

    Raises: NotFound: a folder has none. InvalidInput: too many.
    """
    found: dict[str, bool] = {}
    for path in paths:
        if path != "-" and Path(path).is_dir():
            inside = list(_inside(Path(path)))
            if not inside:
                raise NotFound(f"{path} has no YAML or JSON file", remedy="name the file, or another folder")
            found |= {name: True for name in inside if name not in found}
        else:
            found[path] = False
    return found


def check_source(source: Source, *, found: bool = False, known: Known | None = None) -> Checked:
    """The problems of a text, and its graph if there are no errors.

    Args:
        found: it is from a folder, where other files than workflows may be.
        known: what a host has, to warn of calls of other things.
    """
    looked = look(source.text, known)
    if found and looked.document is not None and not {"document", "do"} & looked.document.keys():
        return Checked(source, foreign=True)
    return Checked(source, looked.problems, looked.graph, looked.text)


def check_all(paths: Sequence[str]) -> list[Checked]:
    """All workflows of files and folders, each file once; one that is no text is a problem of that file.

    Raises: NotFound: nothing is there. InvalidInput: a folder has too many files.
    """
    return [_check_file(path, found=found) for path, found in _found_in(paths).items()]


def check_known(checked: Sequence[Checked], known: Known) -> list[Checked]:
    """The same with warnings of what they name and a host has not. What is among them is taken for there."""
    here = {one.workflow for one in checked}
    with_these = replace(known, workflow=lambda name: name in here or known.workflow(name))
    return [one if one.graph is None else check_source(one.source, known=with_these) for one in checked]


def _check_file(path: str, *, found: bool) -> Checked:
    try:
        return check_source(read_source(path), found=found)
    except InvalidInput as error:
        return Checked(Source(path, ""), (Diagnostic("", 0, 0, error.fact.removeprefix(f"{path} "), error.remedy),))


def graph_of(checked: Checked) -> WorkflowGraph:
    """Its graph. Raises: WorkflowInvalid: with the first problem; all of them are told before."""
    if checked.graph is not None:
        return checked.graph
    errors = [problem for problem in checked.problems if problem.severity == "error"]
    more = f" ({len(errors) - 1} more)" if errors[1:] else ""
    raise WorkflowInvalid(
        f"{place_of(checked, errors[0])}: {errors[0].fact}{more}", remedy=errors[0].remedy or "correct it"
    )


def refuse_invalid(checked: Iterable[Checked]) -> None:
    """Raises: WorkflowInvalid: one of them is invalid. InvalidInput: two of them are the same workflow."""
    seen: dict[str, str] = {}
    for one in checked:
        graph_of(one)
        before = seen.setdefault(one.workflow, one.source.name)
        if before != one.source.name:
            raise InvalidInput(
                f"{before} and {one.source.name} are both {one.workflow}", remedy="give one of them another name"
            )


def place_of(checked: Checked, problem: Diagnostic) -> str:
    """The place of a problem, in the form that editors and terminals link."""
    return f"{checked.source.name}:{problem.line}:{problem.column}" if problem.line else checked.source.name


def _bytes(path: str) -> bytes:
    if path == "-":
        return sys.stdin.buffer.read(_LARGEST + 1)
    with Path(path).open("rb") as stream:
        return stream.read(_LARGEST + 1)


def _inside(folder: Path) -> Iterator[str]:
    """Files below a folder by name; hidden ones are somebody else's."""
    count = 0
    for path in sorted(folder.rglob("*")):
        if path.suffix in _ENDINGS and path.is_file() and not any(part[0] == "." for part in _parts(path, folder)):
            count += 1
            if count > _MOST_FILES:
                raise InvalidInput(f"{folder} has over {_MOST_FILES} files", remedy="name a folder within it")
            yield str(path)


def _parts(path: Path, folder: Path) -> tuple[str, ...]:
    return path.relative_to(folder).parts


_WIDTH = 100


def problem_line(checked: Checked, problem: Diagnostic) -> str:
    """`file:line:column: fact (remedy)`."""
    remedy = f" ({problem.remedy})" if problem.remedy else ""
    severity = "" if problem.severity == "error" else f"{problem.severity}: "
    words = " ".join(f"{severity}{problem.fact}{remedy}".split())
    return f"{place_of(checked, problem)}: {words}"


def show_problems(output: Output, checked: Iterable[Checked], *, err: bool = False) -> None:
    """Prints what is wrong: on a terminal with the lines that are meant."""
    console = output.err if err else output.out
    for one in checked:
        for problem in one.problems:
            line = problem_line(one, problem)
            style = "red" if problem.severity == "error" else "yellow"
            console.print(Text(printable(line), style=style if console.is_terminal else ""), soft_wrap=True)
            if console.is_terminal:
                for shown in _excerpt(one.source.text, problem):
                    console.print(shown, soft_wrap=True)


def checked_document(checked: Checked) -> dict[str, Any]:
    """The same as JSON."""
    valid = checked.graph is not None
    problems = [one.to_json() for one in checked.problems]
    return {"file": checked.source.name, "valid": valid, "workflow": checked.workflow or None, "problems": problems}


def _excerpt(text: str, problem: Diagnostic) -> Iterator[Text]:
    lines = text.splitlines()
    if not 0 < problem.line <= len(lines):
        return
    line, column = lines[problem.line - 1], max(problem.column, 1)
    first = max(0, column - _WIDTH // 2) if len(line) > _WIDTH else 0
    number = f"{problem.line:>5} | "
    shown = printable(line[first : first + _WIDTH].replace("\t", " "))
    before = printable(line[first : column - 1].replace("\t", " "))
    yield Text(number, style="dim").append(shown, style="default")
    yield Text(" " * (len(number) + len(before))).append("^", style="bold red")


_MARKS = {"added": ("+", "green"), "removed": ("-", "red"), "changed": ("~", "yellow"), "moved": (">", "cyan")}
_MOST_LINES = 30


def show_changes(output: Output, changes: Sequence[Difference]) -> None:
    """Prints each change with what was there and what is there now."""
    for one in changes:
        mark, style = _MARKS[one.kind]
        if one.kind == "moved":
            output.line(f"{mark} {one.before or ''} -> {one.path}", style=style)
            continue
        output.line(f"{mark} {one.path or '/'}", style=style)
        if one.kind != "added":
            _value(output, "-", one.before, "red")
        if one.kind != "removed":
            _value(output, "+", one.after, "green")


def changes_document(changes: Sequence[Difference]) -> dict[str, Any]:
    """The same as JSON."""
    return {"changes": [one.to_json() for one in changes]}


def counted(changes: Sequence[Difference]) -> str:
    """Counts by kind, such as `1 added, 2 changed`."""
    kinds: list[str] = [one.kind for one in changes]
    return ", ".join(f"{kinds.count(kind)} {kind}" for kind in _MARKS if kind in kinds) or "nothing"


def _value(output: Output, mark: str, value: Any, style: str) -> None:
    for line in _lines(value):
        output.line(f"    {mark} {line}", style=style)


def _lines(value: Any) -> Iterator[str]:
    text = value if isinstance(value, str) else json.dumps(value, indent=2, ensure_ascii=False, default=str)
    lines = text.splitlines() or [""]
    yield from lines[:_MOST_LINES]
    if len(lines) > _MOST_LINES:
        yield f"... ({len(lines) - _MOST_LINES} lines more)"
