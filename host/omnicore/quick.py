"""Values that are made a hundred thousand times a second."""

from __future__ import annotations

from dataclasses import MISSING, field, fields, is_dataclass, make_dataclass
from typing import Any, TypeVar

__all__ = ["quick"]

_T = TypeVar("_T")


def quick(cls: type[_T]) -> type[_T]:
    """Makes a frozen dataclass with slots about three times as fast to make; put it above `@dataclass`.

    The type checker still refuses to change such a value. The program no longer does: what guards each member also has
    each of them set by a call of its own.

    >>> from dataclasses import dataclass
    >>> @quick
    ... @dataclass(frozen=True, slots=True)
    ... class Point:
    ...     x: int
    ...     y: int = 0
    >>> Point(1), Point(1) == Point(1, 0), len({Point(1), Point(1)})
    (Point(x=1, y=0), True, 1)
    """
    if not is_dataclass(cls) or "__setattr__" not in cls.__dict__:
        raise TypeError(f"{cls.__name__} is no frozen dataclass")
    members: list[Any] = [(one.name, Any, _like(one)) for one in fields(cls)]
    twin = make_dataclass(cls.__name__, members)
    made: Any = cls
    made.__init__ = vars(twin)["__init__"]
    del made.__setattr__, made.__delattr__
    return cls


def _like(one: Any) -> Any:
    if one.default_factory is not MISSING:
        return field(default_factory=one.default_factory)
    return field() if one.default is MISSING else field(default=one.default)
