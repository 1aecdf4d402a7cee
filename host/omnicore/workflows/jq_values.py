"""jq's rules for values, where they need no jq: what is read of them, how they compare and how they add up.

What is left to jq itself raises `Unsure`: rare numbers and everything that fails, so that jq has the last word.

Source: jq 1.8 manual, "sort", "Addition"; `jv_aux.c` and `jv.c` for the wording.
"""

from __future__ import annotations

import json
import operator
from collections.abc import Callable, Mapping
from typing import Any

__all__ = [
    "Failed",
    "Nothing",
    "Unsure",
    "add",
    "compare",
    "index",
    "kind",
    "length",
    "number",
    "same",
    "subtract",
    "text",
    "truth",
]

_EXACT = 1 << 53
_LONGEST = 1 << 20
_KINDS = {type(None): "null", bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
_NUMBERS = (int, float)
_RANKS = {"null": 0, "boolean": 1, "number": 3, "string": 4, "array": 5, "object": 6}


class Unsure(Exception):
    """Ask jq."""


class Failed(Unsure):
    """jq fails here, for certain. The message is jq's, but for the values that it would show of a sum."""


class Nothing(Exception):
    """No output at all."""


def kind(value: Any) -> str:
    """The name that jq has for a value's type."""
    found = _KINDS.get(type(value))
    if found is not None:
        return found
    if isinstance(value, Mapping):
        return "object"
    raise Unsure


def index(value: Any, key: Any) -> Any:
    """`value[key]` for a text or a whole number. Raises: Failed; Unsure: a slice or a search."""
    kind_of_key = type(key)
    if kind_of_key is str:
        if isinstance(value, Mapping):
            return value.get(key)
    elif kind_of_key is not int or not -_EXACT < key < _EXACT:
        raise Unsure
    elif type(value) is list:
        return value[key] if -len(value) <= key < len(value) else None
    if value is None:
        return None
    raise Failed(f"Cannot index {kind(value)} with {kind(key)} ({_shown(key)})")


def _shown(key: Any) -> str:
    """A key as jq's messages show it: JSON of at most 29 bytes."""
    whole = json.dumps(key, ensure_ascii=False).replace("\x7f", "\\u007f").encode("utf-8", "replace")
    return whole.decode() if len(whole) <= 29 else whole[:25].decode("utf-8", "ignore") + '..."'


def truth(value: Any) -> bool:
    """All but null and false is true."""
    return value is not None and value is not False


def same(one: Any, other: Any) -> bool:
    """`==`: True is not 1 here."""
    return one == other if type(one) is str and type(other) is str else compare(one, other) == 0


def compare(one: Any, other: Any) -> int:
    """Below 0, 0 or above 0 in jq's order of all values. Raises: Unsure."""
    if type(one) is type(other) is str:
        return (one > other) - (one < other)
    try:
        return _compare(one, other)
    except RecursionError:
        raise Unsure from None


def _compare(one: Any, other: Any) -> int:
    name, other_name = kind(one), kind(other)
    if name != other_name:
        return _RANKS[name] - _RANKS[other_name]
    if name == "number" and type(one) is not type(other) and max(abs(one), abs(other)) >= _EXACT:
        raise Unsure  # a float of that size is not what its digits say
    if name == "array":
        return _first_difference(one, other)
    if name == "object":
        keys, other_keys = sorted(one), sorted(other)
        if keys != other_keys:
            return 1 if keys > other_keys else -1
        return _first_difference([one[key] for key in keys], [other[key] for key in keys])
    return 0 if name == "null" else (one > other) - (one < other)


def _first_difference(some: list[Any], others: list[Any]) -> int:
    for one, other in zip(some, others, strict=False):
        if difference := _compare(one, other):
            return difference
    return len(some) - len(others)


def number(operate: Callable[[Any, Any], Any]) -> Callable[[Any, Any], Any]:
    """An operation on two numbers. Raises, when called: Unsure: they are none, or the result is not exact."""

    def calculate(one: Any, other: Any) -> Any:
        if type(one) not in _NUMBERS or type(other) not in _NUMBERS:
            raise Unsure
        if not (-_EXACT < one < _EXACT and -_EXACT < other < _EXACT):
            raise Unsure
        result = operate(one, other)
        if not -_EXACT < result < _EXACT:
            raise Unsure  # jq has double precision only
        return int(result) if result == int(result) else result

    return calculate


_sum, _difference = number(operator.add), number(operator.sub)


def add(one: Any, other: Any) -> Any:
    """`+`: null adds nothing; numbers, texts, lists and objects add up. Raises: Unsure."""
    if one is None:
        return other
    if other is None:
        return one
    if type(one) is type(other) and type(one) in (str, list):
        if len(one) + len(other) > _LONGEST:
            raise Unsure  # jq has a limit on memory
        return one + other
    if isinstance(one, dict) and isinstance(other, dict):
        return {**one, **other}
    if (kind(one), kind(other)) != ("number", "number"):
        raise Failed(f"{kind(one)} and {kind(other)} cannot be added")
    return _sum(one, other)


def subtract(one: Any, other: Any) -> Any:
    """`-` of numbers. Raises: Failed; Unsure: lists."""
    kinds = (kind(one), kind(other))
    if kinds not in (("number", "number"), ("array", "array")):
        raise Failed(f"{kinds[0]} and {kinds[1]} cannot be subtracted")
    return _difference(one, other)


def length(value: Any) -> Any:
    """`length`. Raises: Unsure."""
    if value is None:
        return 0
    if type(value) is bool:
        raise Failed(f"boolean ({str(value).lower()}) has no length")
    if isinstance(value, str | list | Mapping):
        return len(value)
    if type(value) is int and abs(value) < _EXACT:
        return abs(value)
    raise Unsure


def text(value: Any) -> str:
    """`tostring`, and what an expression within a text becomes. Raises: Unsure."""
    if type(value) is str:
        return value
    if value is None or type(value) is bool or (type(value) is int and abs(value) < _EXACT):
        return json.dumps(value)
    raise Unsure
