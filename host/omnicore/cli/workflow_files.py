"""Workflows in files: YAML, JSON and OmniFlow's node form, found by path, read, and checked without a host."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from omnicore.errors import InvalidInput, NotFound, WorkflowInvalid
from omnicore.workflows.document import Problem
from omnicore.workflows.forms import look
from omnicore.workflows.graph import Graph
from omnicore.workflows.knowing import Known
from omnicore.workflows.ordering import name_of

__all__ = [
    "Checked",
    "Source",
    "check_all",
    "check_known",
    "check_source",
    "graph_of",
    "place_of",
    "read_source",
    "refuse_invalid",
]

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
    """What became of a source: its graph, or problems of which one at least is an error.

    `given` is what is applied: the text, or that of the document that OmniFlow's nodes became. `foreign`: a file of a
    folder that is something else and no workflow.
    """

    source: Source
    problems: Sequence[Problem] = ()
    graph: Graph | None = None
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
    """What is wrong with a text, and its graph where nothing is.

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
        return Checked(Source(path, ""), (Problem("", 0, 0, error.fact.removeprefix(f"{path} "), error.remedy),))


def graph_of(checked: Checked) -> Graph:
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


def place_of(checked: Checked, problem: Problem) -> str:
    """Where a problem is, as editors and terminals link it."""
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
