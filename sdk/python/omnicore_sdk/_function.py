"""The mark of the functions that callers see."""

from __future__ import annotations

from collections.abc import Callable
from typing import ParamSpec, TypeVar

__all__ = ["function"]

P = ParamSpec("P")
R = TypeVar("R")


def function(author: Callable[P, R], /) -> Callable[P, R]:
    """Makes a function one that callers see. It stays the function it was, so that tests call it as it is.

    The build reads its type hints and its docstring: they become the JSON Schemas and the description.
    """
    return author
