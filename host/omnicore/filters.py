"""Filters over metadata: conditions in JSON, read once with all that is wrong in its place, then asked of each object.

```json
{"topic": {"$in": ["bikes", "trains"]}, "year": {"$gte": 2020, "$lt": 2024}, "$not": {"draft": true}}
```

Members of an object hold together. A member that is missing fulfils `$ne`, `$nin` and `{"$exists": false}` only. Equal
are values of one kind: 1 and 1.0, but not 1 and true. Ranges compare numbers with numbers, on 64 bits, and texts with
texts, by their characters; texts of more than 256 characters are equal or not, and lie in no range. `$contains` looks
for a value in a list.
"""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from operator import ge, gt, le, lt
from typing import Any, Literal, NoReturn, TypeAlias, get_args

from omnicore.errors import InvalidInput

Operator = Literal["$eq", "$ne", "$in", "$nin", "$gt", "$gte", "$lt", "$lte", "$exists", "$contains"]
OPERATORS: tuple[Operator, ...] = get_args(Operator)
RANGES: Mapping[str, Callable[[Any, Any], bool]] = {"$gt": gt, "$gte": ge, "$lt": lt, "$lte": le}
CONDITIONS, LISTED, DEEP, NAMED = 64, 1000, 8, 256
"""The most conditions of a filter, values of a list, filters in filters, and characters of a name or a ranged text."""

_NEGATIONS: Mapping[str, Operator] = {"$ne": "$eq", "$nin": "$in"}
_ELEMENTS = 64  # of a list that `$contains` finds
DEEPEST = 64
"""The most levels of a value; in those below, 1 and 1.0 are not the same."""
NUMBER, TEXT, ELEMENT = "n", "s", "c"
"""The first letter of the text of a value: a number, a text, and what is in a list."""

IndexedValue: TypeAlias = tuple[str, float]
"""A value as it is compared and as an index holds it: a text that begins with its kind, and a number, else 0."""


def value_of(value: Any) -> IndexedValue:
    """A JSON value as it is compared.

    >>> value_of(1) == value_of(1.0), value_of(1) == value_of(True)
    (True, False)
    """
    if value is None or isinstance(value, bool):
        return "b" + json.dumps(value), 0.0
    if isinstance(value, (int, float)):
        number = _number(value)
        return ("i" + _digest(value), 0.0) if number is None else (NUMBER, number)
    if isinstance(value, str) and len(value) <= NAMED and "\0" not in value:
        return TEXT + value, 0.0
    return "j" + _digest(value), 0.0


def values_in(metadata: Mapping[str, Any]) -> Iterator[tuple[str, str, float]]:
    """The values of an object as an index holds them: name, text and number. Names that no filter has are left out."""
    for name, value in metadata.items():
        if _is_name(name):
            found = {value_of(value)}
            if isinstance(value, (list, tuple)):
                found |= {_element(one) for one in value[:_ELEMENTS]}
            yield from ((name, text, number) for text, number in found)


@dataclass(frozen=True, slots=True)
class Condition:
    """A condition on one member. `given` are the values as they came, `values` as they are compared."""

    name: str
    operator: Operator
    given: tuple[Any, ...] = field(compare=False)  # lists and objects have no hash
    values: tuple[IndexedValue, ...]

    def passes(self, metadata: Mapping[str, Any]) -> bool:
        """True if the object fulfils it."""
        if self.name not in metadata:
            return False
        if self.operator == "$exists":
            return True
        value = metadata[self.name]
        if self.operator == "$contains":
            inside = value[:_ELEMENTS] if isinstance(value, (list, tuple)) else ()
            return self.values[0] in {_element(one) for one in inside}
        text, number = value_of(value)
        compared = RANGES.get(self.operator)
        if compared is None:
            return (text, number) in self.values
        bound, least = self.values[0]
        return text[0] == bound[0] and compared((text, number), (bound, least))


@dataclass(frozen=True, slots=True)
class Combination:
    """Filters of which all have to be fulfilled, any, or (the one there is) none."""

    kind: Literal["all", "any", "none"]
    parts: tuple[MetadataFilter, ...]

    def passes(self, metadata: Mapping[str, Any]) -> bool:
        """True if the object fulfils it."""
        found = (part.passes(metadata) for part in self.parts)
        return any(found) == (self.kind == "any") if self.kind != "all" else all(found)


MetadataFilter: TypeAlias = "Condition | Combination"


def read_filter(given: Any, path: str = "filter") -> MetadataFilter | None:
    """The filter in a JSON value; None for one that everything passes.

    Raises: InvalidInput, whose `path` names the place.
    """
    if given is None or given == {}:
        return None
    return _Reading().filter(given, path, 0)


def equalities(found: MetadataFilter | None) -> Iterator[Condition]:
    """The conditions that an object has to fulfil in any case and that name one value of a member."""
    if isinstance(found, Condition):
        if found.operator == "$eq":
            yield found
    elif found is not None and found.kind == "all":
        for part in found.parts:
            yield from equalities(part)


class _Reading:
    """The reading of one filter, which counts its conditions."""

    def __init__(self) -> None:
        self._left = CONDITIONS

    def filter(self, given: Any, path: str, deep: int) -> MetadataFilter:
        if not isinstance(given, Mapping):
            _wrong(path, f"a filter is an object, not {_shown(given)}", 'write {"name": value}')
        if deep >= DEEP:
            _wrong(path, f"filters are nested deeper than {DEEP}", "write it flatter")
        return _all([self._member(name, value, path, deep) for name, value in given.items()])

    def _member(self, name: Any, value: Any, path: str, deep: int) -> MetadataFilter:
        place = f"{path}.{name if isinstance(name, str) else '?'}"[:200]
        if name == "$not":
            return Combination("none", (self.filter(value, place, deep + 1),))
        if name in ("$and", "$or"):
            if not isinstance(value, (list, tuple)) or not 0 < len(value) <= CONDITIONS:
                _wrong(place, f"{name} takes a list of 1 to {CONDITIONS} filters", 'write [{"name": value}, ...]')
            parts = tuple(self.filter(one, f"{place}[{at}]", deep + 1) for at, one in enumerate(value))
            return Combination("all" if name == "$and" else "any", parts)
        if not isinstance(name, str) or name.startswith("$") or not _is_name(name):
            remedy = "$and, $or and $not stand before filters, operators behind a name"
            _wrong(place, f"{_shown(name)} is no name of a member", remedy)
        if isinstance(value, Mapping) and any(isinstance(one, str) and one.startswith("$") for one in value):
            return _all([self._condition(name, word, one, f"{place}.{word}"[:200]) for word, one in value.items()])
        return self._condition(name, "$eq", value, place)

    def _condition(self, name: str, word: Any, value: Any, place: str) -> MetadataFilter:
        self._left -= 1
        if self._left < 0:
            _wrong(place, f"a filter of more than {CONDITIONS} conditions", "use $in for many values of one member")
        if word == "$exists":
            if not isinstance(value, bool):
                _wrong(place, "$exists takes true or false", "write true or false")
            found = Condition(name, "$exists", (), ())
            return found if value else Combination("none", (found,))
        if word not in OPERATORS:
            _wrong(place, f"there is no operator {_shown(word)}", f"use one of {', '.join(OPERATORS)}")
        if word in ("$in", "$nin") and (not isinstance(value, (list, tuple)) or len(value) > LISTED):
            _wrong(place, f"{word} takes a list of at most {LISTED} values", "write [value, ...]")
        values = tuple(value) if word in ("$in", "$nin") else (value,)
        if word in RANGES and (isinstance(value, bool) or not isinstance(value, (int, float, str))):
            _wrong(place, f"{word} takes a number or a text, not {_shown(value)}", "write a number or a text")
        found = Condition(
            name, _NEGATIONS.get(word, word), values, tuple(_compared(word, one, place) for one in values)
        )
        return Combination("none", (found,)) if word in _NEGATIONS else found


def _compared(word: str, value: Any, place: str) -> IndexedValue:
    """A value of a filter as it is compared."""
    if isinstance(value, (int, float)) and not isinstance(value, bool) and _number(value) is None:
        _wrong(place, "a number is not finite, or beyond 1.8e308", "write another")
    try:
        found = _element(value) if word == "$contains" else value_of(value)
        found[0].encode()
    except (TypeError, ValueError, RecursionError):  # half a character is a ValueError too
        _wrong(place, f"{_shown(value)} is no JSON value", "write JSON")
    if word in RANGES and found[0][0] not in (NUMBER, TEXT):
        _wrong(place, f"{word} takes a text of at most {NAMED} characters", "write a shorter one")
    return found


def _element(value: Any) -> IndexedValue:
    text, number = value_of(value)
    return ELEMENT + text, number


def _all(parts: list[MetadataFilter]) -> MetadataFilter:
    return parts[0] if len(parts) == 1 else Combination("all", tuple(parts))


def _is_name(name: str) -> bool:
    return 0 < len(name) <= NAMED and "\0" not in name and not any("\ud800" <= one <= "\udfff" for one in name)


def _number(value: float) -> float | None:
    try:
        number = float(value)
    except OverflowError:
        return None
    return number if math.isfinite(number) else None


def _digest(value: Any) -> str:
    text = json.dumps(plain(value), sort_keys=True, separators=(",", ":"))
    return hashlib.blake2b(text.encode(), digest_size=16).hexdigest()


def plain(value: Any, deep: int = DEEPEST) -> Any:
    """A JSON value in which 1 and 1.0 are the same."""
    if isinstance(value, float) and value.is_integer():
        return int(value)
    if deep and isinstance(value, Mapping):
        return {str(key): plain(item, deep - 1) for key, item in value.items()}
    if deep and isinstance(value, (list, tuple)):
        return [plain(item, deep - 1) for item in value]
    return value


def _shown(value: Any) -> str:
    return f"{value!r:.40}" if isinstance(value, (str, int, float, bool, type(None))) else f"a {type(value).__name__}"


def _wrong(path: str, fact: str, remedy: str) -> NoReturn:
    raise InvalidInput(f"{path}: {fact}", remedy=remedy, path=path)
