"""A text as a document: plain JSON values and where each of them stands."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from omnicore.workflows.language.json_text import NotJsonError, read_json
from omnicore.workflows.language.problems import Position, Report
from omnicore.workflows.language.values import MOST_CHARACTERS, admitted
from omnicore.workflows.language.yaml_text import StopReadingError, read_yaml

__all__ = ["Document", "document_of", "read"]


@dataclass(frozen=True, slots=True)
class Document:
    """A definition as plain JSON values, and where each of them stands: JSON pointer -> (line, column) from 1."""

    value: Mapping[str, Any]
    positions: Mapping[str, Position] = field(default_factory=dict)


def read(text: str, report: Report) -> Document | None:
    """The document of a text in YAML 1.2 or JSON; None, once it is reported what is wrong."""
    if len(text) > MOST_CHARACTERS:
        report.positions = {"": (1, 1)}
        report.error((), f"the text has more than {MOST_CHARACTERS} characters", "make several workflows of it")
        return None
    value: Any = None
    try:
        value, positions = _read(text, report)
    except StopReadingError:
        return None
    return document_of(Document(value, positions), report)


def document_of(given: Document, report: Report) -> Document | None:
    """A document with values of its own, all of them plain JSON; None, once it is reported what is wrong."""
    report.positions = given.positions or {"": (1, 1)}
    value = admitted(given.value, report)
    if not isinstance(value, dict):
        report.error((), "a workflow is an object", "begin with `document:` and `do:`; specs/workflow.md has examples")
    return None if report.errors else Document(value, given.positions)


def _read(text: str, report: Report) -> tuple[Any, Mapping[str, Position]]:
    if text.lstrip()[:1] in ("{", "["):
        try:
            return read_json(text, report)
        except NotJsonError:
            report.problems.clear()
            report.errors = 0
    return read_yaml(text.removeprefix("\ufeff"), report)
