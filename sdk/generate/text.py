"""Names and lines, as the languages write them."""

from __future__ import annotations

import textwrap

__all__ = ["MADE", "camel", "kebab", "pascal", "words", "wrapped"]

MADE = "Made from specs/doors by `python -m sdk.generate`; change it there."


def pascal(name: str) -> str:
    """`tasks_page` as `TasksPage`."""
    return "".join(part.capitalize() for part in name.split("_"))


def camel(name: str) -> str:
    """`tasks_page` as `tasksPage`."""
    whole = pascal(name)
    return whole[:1].lower() + whole[1:]


def kebab(name: str) -> str:
    """`tasks_page` as `tasks-page`."""
    return name.replace("_", "-")


def words(text: str) -> frozenset[str]:
    """The words of a text, such as those that a language keeps for itself."""
    return frozenset(text.split())


def wrapped(text: str, start: str, width: int = 110) -> str:
    """Text in lines that each begin with `start`, for comments."""
    lines = textwrap.wrap(text, width - len(start), break_long_words=False)
    return "\n".join(f"{start}{line}" for line in lines)
