"""jq terms evaluated in the searcher, which tells what a program would do before a run is spent on it.

It is a model of jq and no replacement: what it does not know fails, and what a program is worth is judged by real runs.

Source: jq 1.7 manual, "Builtin operators and functions".
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, TypeAlias

from omnicore.evolution.jq_programs import Term
from omnicore.workflows.expressions.fast_path import Unsure, compare, index, truth

_MOST_STEPS = 20_000
_LARGE = 10_000
_EXACT = 1 << 53


class NotModelled(Exception):
    """The program fails here, or does what is not modelled."""


def key_of(values: Any) -> str:
    """The same text for equal JSON values; True is not 1."""
    return json.dumps(values, sort_keys=True, separators=(",", ":"))


def whole(value: float) -> float:
    """The number as jq shows it. Raises: NotModelled: jq would lose digits."""
    if not -_EXACT < value < _EXACT:
        raise NotModelled
    return int(value) if value == int(value) else value


def is_number(value: Any) -> bool:
    """True for a number; a boolean is none."""
    return isinstance(value, int | float) and not isinstance(value, bool)


def rank(value: Any) -> tuple[Any, ...]:
    """A key for jq's order of all values."""
    if value is None or isinstance(value, bool):
        return (0 if value is None else 1 + value,)
    if isinstance(value, int | float):
        return (3, value)
    if isinstance(value, str):
        return (4, value)
    if isinstance(value, list):
        return (5, [rank(one) for one in value])
    return (6, sorted(value), [rank(value[name]) for name in sorted(value)])


def kind_of(values: Iterable[Any]) -> str:
    """The kind of all values that are not null: number, text, bool, list, object; `null`, or `mixed`."""
    kinds = {_NAMES.get(type(one), "object") for one in values if one is not None}
    return kinds.pop() if len(kinds) == 1 else ("mixed" if kinds else "null")


_NAMES = {bool: "bool", int: "number", float: "number", str: "text", list: "list"}


# -- evaluation

Scope: TypeAlias = Mapping[str, Any]


def _needs(kind: type | tuple[type, ...], operation: Callable[[Any], Any]) -> Callable[[Any], Any]:
    def checked(value: Any) -> Any:
        if not isinstance(value, kind) or isinstance(value, bool):
            raise NotModelled
        return operation(value)

    return checked


def summed(values: Any) -> Any:
    """`add`."""
    found = None
    for one in values.values() if isinstance(values, dict) else _list(values):
        found = plus(found, one)
    return found


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise NotModelled
    return value


def _length(value: Any) -> Any:
    if value is None or isinstance(value, str | list | dict):
        return 0 if value is None else len(value)
    if isinstance(value, bool):
        raise NotModelled
    return whole(abs(value))


def _flat(value: list[Any]) -> list[Any]:
    return [below for one in value for below in (_flat(one) if isinstance(one, list) else [one])]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _as_number(value: Any) -> Any:
    if is_number(value):
        return value
    if not isinstance(value, str) or not re.fullmatch(r"-?\d+(\.\d+)?", value):
        raise NotModelled
    return whole(float(value))


def unique(value: Any) -> list[Any]:
    """`unique`."""
    return [one for _, one in sorted({key_of(one): (rank(one), one) for one in _list(value)}.values(), key=_first_of)]


def _first_of(pair: tuple[Any, Any]) -> Any:
    return pair[0]


def _entries(value: Any) -> list[Any]:
    if not isinstance(value, dict):
        raise NotModelled
    return [{"key": name, "value": one} for name, one in value.items()]


def _from_entries(value: Any) -> dict[str, Any]:
    found = {}
    for one in _list(value):
        if not isinstance(one, dict) or not isinstance(one.get("key"), str):
            raise NotModelled
        found[one["key"]] = one.get("value")
    return found


def _end(value: Any, at: int) -> Any:
    return index(value, at) if isinstance(value, list) else _fail()


def _fail() -> Any:
    raise NotModelled


def _rounded(value: float) -> int:
    return int(abs(value) + 0.5) * (1 if value >= 0 else -1)


_NUMBERS, _TEXT, _LIST = (int, float), (str,), (list,)
_KINDS: Mapping[type, str] = {bool: "boolean", int: "number", float: "number", str: "string", list: "array"}
PLAIN: Mapping[str, Callable[[Any], Any]] = {
    "length": _length,
    "not": lambda value: not truth(value),
    "tostring": _text,
    "tonumber": _as_number,
    "add": summed,
    "sort": _needs(_LIST, lambda value: sorted(value, key=rank)),
    "unique": unique,
    "reverse": _needs((list, str), lambda value: value[::-1]),
    "min": _needs(_LIST, lambda value: min(value, key=rank, default=None)),
    "max": _needs(_LIST, lambda value: max(reversed(value), key=rank, default=None)),
    "first": lambda value: _end(value, 0),
    "last": lambda value: _end(value, -1),
    "flatten": _needs(_LIST, _flat),
    "any": _needs(_LIST, lambda value: any(map(truth, value))),
    "all": _needs(_LIST, lambda value: all(map(truth, value))),
    "ascii_downcase": _needs(_TEXT, lambda value: re.sub("[A-Z]", lambda one: one[0].lower(), value)),
    "ascii_upcase": _needs(_TEXT, lambda value: re.sub("[a-z]", lambda one: one[0].upper(), value)),
    "trim": _needs(_TEXT, lambda value: value.strip(" \t\n\r\f\v")),
    "floor": _needs(_NUMBERS, lambda value: int(value // 1)),
    "ceil": _needs(_NUMBERS, lambda value: int(-(-value // 1))),
    "round": _needs(_NUMBERS, _rounded),
    "fabs": _needs(_NUMBERS, abs),
    "keys": lambda value: sorted(value) if isinstance(value, dict) else list(range(len(_list(value)))),
    "to_entries": _entries,
    "from_entries": _from_entries,
    "explode": _needs(_TEXT, lambda value: [ord(one) for one in value]),
    "type": lambda value: "null" if value is None else _KINDS.get(type(value), "object"),
}


def plus(one: Any, other: Any) -> Any:
    """`+`."""
    if one is None or other is None:
        return other if one is None else one
    if is_number(one) and is_number(other):
        return whole(one + other)
    if type(one) is not type(other) or isinstance(one, bool):
        raise NotModelled
    if isinstance(one, dict):
        return {**one, **other}
    if len(one) + len(other) > _LARGE:
        raise NotModelled
    return one + other


def minus(one: Any, other: Any) -> Any:
    """`-`."""
    if isinstance(one, list) and isinstance(other, list):
        gone = {key_of(each) for each in other}
        return [each for each in one if key_of(each) not in gone]
    return whole(one - other) if is_number(one) and is_number(other) else _fail()


def divided(one: Any, other: Any) -> Any:
    """`/`."""
    if isinstance(one, str) and isinstance(other, str):
        return _split(one, other)
    return whole(one / other) if is_number(one) and is_number(other) and other else _fail()


def _rest(one: Any, other: Any) -> Any:
    if not (is_number(one) and is_number(other)) or not int(other):
        raise NotModelled
    found = abs(int(one)) % abs(int(other))
    return -found if one < 0 else found


def _split(value: Any, by: Any) -> Any:
    if not isinstance(value, str) or not isinstance(by, str):
        raise NotModelled
    if not value:
        return []
    return value.split(by) if by else list(value)


def joined(value: Any, by: Any) -> str:
    """`join(by)`."""
    if not isinstance(by, str) or any(isinstance(one, list | dict) for one in _list(value)):
        raise NotModelled
    return by.join("" if one is None else _text(one) for one in value)


def _texts(operation: Callable[[str, str], Any]) -> Callable[[Any, Any], Any]:
    return lambda one, other: operation(one, other) if isinstance(one, str) and isinstance(other, str) else _fail()


def _contains(one: Any, other: Any) -> bool:
    if isinstance(one, str) and isinstance(other, str):
        return other in one
    if isinstance(one, list) and isinstance(other, list):
        return all(any(type(a) is type(b) and (_contains(a, b)) for a in one) for b in other)
    if isinstance(one, dict) and isinstance(other, dict):
        return all(name in one and _contains(one[name], below) for name, below in other.items())
    return bool(type(one) is type(other) and one == other)


def _has(value: Any, name: Any) -> bool:
    if isinstance(value, dict) and isinstance(name, str):
        return name in value
    return bool(isinstance(value, list) and is_number(name) and 0 <= name < len(value)) if is_number(name) else _fail()


def _places_of(value: Any, wanted: Any) -> Any:
    if isinstance(value, str) and isinstance(wanted, str):
        return value.find(wanted) if wanted in value else None
    return next((at for at, one in enumerate(_list(value)) if key_of(one) == key_of(wanted)), None)


GIVEN: Mapping[str, Callable[[Any, Any], Any]] = {  # functions of `.` and one value
    "split": _split,
    "join": joined,
    "ltrimstr": lambda one, other: one.removeprefix(other) if isinstance(one, str) and isinstance(other, str) else one,
    "rtrimstr": lambda one, other: (
        one[: len(one) - len(other)] if isinstance(one, str) and isinstance(other, str) and one.endswith(other) else one
    ),
    "startswith": _texts(str.startswith),
    "endswith": _texts(str.endswith),
    "test": _texts(lambda one, other: re.search(other, one) is not None),
    "contains": _contains,
    "index": _places_of,
    "has": _has,
}
BINARY: Mapping[str, Callable[[Any, Any], Any]] = {
    "+": plus,
    "-": minus,
    "*": lambda one, other: whole(one * other) if is_number(one) and is_number(other) else _fail(),
    "/": divided,
    "%": _rest,
    "==": lambda one, other: compare(one, other) == 0,
    "!=": lambda one, other: compare(one, other) != 0,
    "<": lambda one, other: compare(one, other) < 0,
    "<=": lambda one, other: compare(one, other) <= 0,
    ">": lambda one, other: compare(one, other) > 0,
    ">=": lambda one, other: compare(one, other) >= 0,
}


def evaluated(term: Term, value: Any, scope: Mapping[str, Any] | None = None) -> Any:
    """The one output of a term. Raises: NotModelled: it fails, gives none or several, or is not modelled."""
    try:
        found = _Evaluation().of(term, value, scope or {})
    except (Unsure, RecursionError, re.error, KeyError, TypeError, ValueError, OverflowError):
        raise NotModelled from None
    if len(found) != 1:
        raise NotModelled
    return found[0]


@dataclass(slots=True)
class _Evaluation:
    steps: int = 0

    def of(self, term: Term, value: Any, scope: Scope) -> list[Any]:
        """All outputs."""
        self.steps += 1
        if self.steps > _MOST_STEPS:
            raise NotModelled
        return self._ways[term.kind](self, term, value, scope) if term.kind in self._ways else _fail()

    def _bind(self, term: Term, value: Any, scope: Scope) -> list[Any]:
        bound = self.of(term.terms[0], value, scope)
        return [one for held in bound for one in self.of(term.terms[1], value, {**scope, term.word: held})]

    def _below(self, term: Term, value: Any, scope: Scope) -> list[Any]:
        return [one for base in self.of(term.terms[0], value, scope) for one in _inside(term, base)]

    def _index(self, term: Term, value: Any, scope: Scope) -> list[Any]:
        keys = self.of(term.terms[1], value, scope)
        return [index(base, key) for base in self.of(term.terms[0], value, scope) for key in keys]

    def _object(self, term: Term, value: Any, scope: Scope) -> list[Any]:
        pairs = zip(term.word, term.terms, strict=True)
        return [{name: self.one(below, value, scope) for name, below in pairs}]

    def _if(self, term: Term, value: Any, scope: Scope) -> list[Any]:
        asked, yes, no = term.terms
        return self.of(yes if truth(self.one(asked, value, scope)) else no, value, scope)

    def one(self, term: Term, value: Any, scope: Scope) -> Any:
        """The only output. Raises: NotModelled."""
        found = self.of(term, value, scope)
        return found[0] if len(found) == 1 else _fail()

    def _binary(self, term: Term, value: Any, scope: Scope) -> list[Any]:
        left, right = term.terms
        match term.word:
            case "|":
                return [out for one in self.of(left, value, scope) for out in self.of(right, one, scope)]
            case ",":
                return self.of(left, value, scope) + self.of(right, value, scope)
            case "//":
                found = [one for one in self.of(left, value, scope) if truth(one)]
                return found or self.of(right, value, scope)
            case "and" | "or":
                first = truth(self.one(left, value, scope))
                if first == (term.word == "or"):
                    return [first]
                return [truth(self.one(right, value, scope))]
        return [BINARY[term.word](self.one(left, value, scope), self.one(right, value, scope))]

    def _call(self, term: Term, value: Any, scope: Scope) -> list[Any]:
        if not term.terms:
            return [PLAIN[term.word](value)] if term.word in PLAIN else _fail()
        asked = term.terms[0]
        if term.word == "gsub" and len(term.terms) == 2:
            pattern, new = (self.one(one, value, scope) for one in term.terms)
            return [re.sub(pattern, lambda _: new, value)]
        if len(term.terms) > 1:
            raise NotModelled
        if term.word == "select":
            return [value] if truth(self.one(asked, value, scope)) else []
        given = GIVEN.get(term.word)
        return [self._each(term, value, scope) if given is None else given(value, self.one(asked, value, scope))]

    def _each(self, term: Term, value: Any, scope: Scope) -> Any:
        """A function that applies its argument to each element or member."""
        asked = term.terms[0]
        if term.word == "with_entries":
            return _from_entries([out for one in _entries(value) for out in self.of(asked, one, scope)])
        if term.word == "map_values" and isinstance(value, dict):
            return {name: found[0] for name, one in value.items() if (found := self.of(asked, one, scope))}
        items = list(value.values()) if isinstance(value, dict) and term.word == "map" else _list(value)
        if term.word in ("map", "map_values"):
            return [out for one in items for out in self.of(asked, one, scope)]
        return GROUPING[term.word]([(self.one(asked, one, scope), one) for one in items])

    _ways: ClassVar[Mapping[str, Callable[[_Evaluation, Term, Any, Scope], list[Any]]]] = {
        ".": lambda self, term, value, scope: [value],
        "literal": lambda self, term, value, scope: [term.word],
        "variable": lambda self, term, value, scope: [scope[term.word]],
        "array": lambda self, term, value, scope: [self.of(term.terms[0], value, scope) if term.terms else []],
        "bind": _bind,
        **dict.fromkeys(("field", "each", "slice", "minus"), _below),
        "index": _index,
        "object": _object,
        "if": _if,
        "call": _call,
        "binary": _binary,
    }


def _inside(term: Term, base: Any) -> list[Any]:
    match term.kind:
        case "field":
            return [index(base, term.word)]
        case "slice":
            return [base[slice(*term.word)]] if isinstance(base, list | str) else ([None] if base is None else _fail())
        case "minus":
            return [whole(-base)] if is_number(base) else _fail()
    return list(base.values()) if isinstance(base, dict) else _list(base)


_Pairs = list[tuple[Any, Any]]


def _sorted_by(pairs: _Pairs) -> _Pairs:
    return sorted(pairs, key=lambda one: rank(one[0]))


def _grouped(pairs: _Pairs) -> list[list[Any]]:
    found: dict[str, list[Any]] = {}
    for key, one in _sorted_by(pairs):
        found.setdefault(key_of(key), []).append(one)
    return list(found.values())


GROUPING: Mapping[str, Callable[[_Pairs], Any]] = {
    "sort_by": lambda pairs: [one for _, one in _sorted_by(pairs)],
    "group_by": _grouped,
    "unique_by": lambda pairs: [one[0] for one in _grouped(pairs)],
    "min_by": lambda pairs: min(pairs, key=lambda one: rank(one[0]), default=(None, None))[1],
    "max_by": lambda pairs: max(reversed(pairs), key=lambda one: rank(one[0]), default=(None, None))[1],
    "any": lambda pairs: any(truth(key) for key, _ in pairs),
    "all": lambda pairs: all(truth(key) for key, _ in pairs),
}
