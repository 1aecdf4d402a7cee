"""What the plain part of jq is built of: each maker gives a function of the input and the variables.

Parts are looked at in the order in which jq does: the first that fails or has no output decides what comes of it all.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, TypeAlias

from omnicore.workflows.jq_values import Failed, Nothing, Unsure, index, text, truth

__all__ = [
    "DOT",
    "Function",
    "Path",
    "alternative",
    "applied",
    "both",
    "built",
    "calculated",
    "constant",
    "either",
    "indexed",
    "listed",
    "now",
    "piped",
    "text_of",
    "when",
]

Scope: TypeAlias = Mapping[str, Any]
Function: TypeAlias = Callable[[Any, Scope], Any]


class Path:
    """Keys followed from `.` or a variable; by far the most usual expression."""

    __slots__ = ("keys", "root")

    def __init__(self, root: str | None, keys: tuple[str | int, ...] = ()) -> None:
        self.root, self.keys = root, keys

    def __call__(self, data: Any, scope: Scope) -> Any:
        if self.root is not None:
            try:
                data = scope[self.root]
            except KeyError:
                raise Unsure from None
        for key in self.keys:
            data = data.get(key) if type(data) is dict and type(key) is str else index(data, key)
        return data


class Constant:
    """A literal."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value

    def __call__(self, _data: Any, _scope: Scope) -> Any:
        return self.value


DOT = Path(None)
constant = Constant


def now(_data: Any, scope: Scope) -> Any:
    """The time of the run."""
    return scope.get("now", 0)


def piped(first: Function, then: Function) -> Function:
    """`first | then`."""
    if isinstance(first, Path) and isinstance(then, Path) and then.root is None:
        return Path(first.root, first.keys + then.keys)
    return lambda data, scope: then(first(data, scope), scope)


def indexed(base: Function, key: Function, *, optional: bool) -> Function:
    """`base[key]`; an optional one that fails has no output."""
    if isinstance(base, Path) and isinstance(key, Constant) and type(key.value) in (str, int) and not optional:
        return Path(base.root, (*base.keys, key.value))

    def get(data: Any, scope: Scope) -> Any:
        wanted = key(data, scope)
        whole = base(data, scope)
        try:
            return index(whole, wanted)
        except Failed:
            if optional:
                raise Nothing from None
            raise

    return get


def alternative(first: Function, then: Function) -> Function:
    """`first // then`: what has no output, is null or false gives way; what fails does not."""

    def choose(data: Any, scope: Scope) -> Any:
        try:
            value = first(data, scope)
        except Nothing:
            return then(data, scope)
        return value if truth(value) else then(data, scope)

    return choose


def either(first: Function, then: Function) -> Function:
    """`first or then`."""
    return lambda data, scope: truth(first(data, scope)) or truth(then(data, scope))


def both(first: Function, then: Function) -> Function:
    """`first and then`."""
    return lambda data, scope: truth(first(data, scope)) and truth(then(data, scope))


def when(condition: Function, yes: Function, no: Function) -> Function:
    """`if condition then yes else no end`."""
    return lambda data, scope: (yes if truth(condition(data, scope)) else no)(data, scope)


def applied(operation: Callable[[Any], Any]) -> Function:
    """An operation on `.`."""
    return lambda data, _scope: operation(data)


def calculated(operation: Callable[[Any, Any], Any], left: Function, right: Function) -> Function:
    """An operation on two values; jq looks at the right one first."""

    def calculate(data: Any, scope: Scope) -> Any:
        other = right(data, scope)
        return operation(left(data, scope), other)

    return calculate


def listed(items: tuple[Function, ...]) -> Function:
    """`[a, b]`: what has no output is left out."""

    def collect(data: Any, scope: Scope) -> list[Any]:
        found = []
        for item in items:
            try:
                found.append(item(data, scope))
            except Nothing:
                continue
        return found

    return collect


def built(pairs: tuple[tuple[Function, Function], ...]) -> Function:
    """`{a: b}`."""

    def build(data: Any, scope: Scope) -> dict[str, Any]:
        found = {}
        for key, value in pairs:
            name = key(data, scope)
            found[name] = value(data, scope)
        return found

    return build


def text_of(parts: tuple[str | Function, ...]) -> Function:
    """A text with expressions in it; jq looks at the last one first."""
    if all(isinstance(part, str) for part in parts):
        return constant("".join(part for part in parts if isinstance(part, str)))

    def join(data: Any, scope: Scope) -> str:
        found = [part if isinstance(part, str) else text(part(data, scope)) for part in reversed(parts)]
        return "".join(reversed(found))

    return join
