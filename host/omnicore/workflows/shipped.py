"""The workflows that come with the package, to begin from: `specs/examples` in the repository."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from omnicore.errors import NotFound
from omnicore.workflows.document import read_document

__all__ = ["Example", "shipped_examples"]

_PACKAGE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Example:
    """One of them.

    Args:
        summary: what it does, as its first lines say.
        text: YAML, with its comments.
    """

    name: str
    title: str
    summary: str
    text: str


@cache
def shipped_examples() -> tuple[Example, ...]:
    """All of them, by name. Raises: NotFound: the package is not whole."""
    for folder in (_PACKAGE / "workflows" / "examples", _PACKAGE.parents[1] / "specs" / "examples"):
        files = sorted(folder.glob("*.yaml"), key=lambda file: file.stem)
        if files:
            return tuple(_example(file.stem, file.read_text(encoding="utf-8")) for file in files)
    raise NotFound("the examples are not installed", remedy="install omnicore again")


def _example(name: str, text: str) -> Example:
    about = read_document(text).value["document"]
    return Example(name, about["title"], _summary(text), text)


def _summary(text: str) -> str:
    """The first comment, up to its first empty line.

    >>> _summary("# Does this\\n# and that.\\n#\\n# Before: nothing\\ndo: []")
    'Does this and that.'
    """
    lines: list[str] = []
    for line in text.splitlines():
        said = line.removeprefix("#").strip()
        if not line.startswith("#") or not said:
            break
        lines.append(said)
    return " ".join(lines)
