"""How values of the author's types cross the border: lifted when they come in, lowered when they go out."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

__all__ = [
    "BOOL",
    "BYTES",
    "FLOAT",
    "INT",
    "TEXT",
    "Choice",
    "Kind",
    "ListOf",
    "MapOf",
    "OptionOf",
    "RecordOf",
    "TupleOf",
]

_LEAST, _MOST = -(2**63), 2**63 - 1


class Kind(Protocol):
    """A type."""

    def lift(self, value: Any) -> Any:
        """The author's value for one of the bindings'."""

    def lower(self, value: Any, place: str) -> Any:
        """The bindings' value for one of the author's. Raises: TypeError or ValueError that name the place."""


def _wrong(place: str, value: object, wanted: str) -> TypeError:
    return TypeError(f"{place} is {type(value).__name__}, not {wanted}")


class _Plain:
    def __init__(self, wanted: str, *types: type) -> None:
        self._wanted = wanted
        self._types = types

    def lift(self, value: Any) -> Any:
        return value

    def lower(self, value: Any, place: str) -> Any:
        if not isinstance(value, self._types) or (isinstance(value, bool) and bool not in self._types):
            raise _wrong(place, value, self._wanted)
        return value


class _Int(_Plain):
    def lower(self, value: Any, place: str) -> Any:
        if not _LEAST <= super().lower(value, place) <= _MOST:
            raise ValueError(f"{place} is over 64 bits")
        return int(value)


class _Float(_Plain):
    def lower(self, value: Any, place: str) -> Any:
        return float(super().lower(value, place))


class _Text(_Plain):
    def lower(self, value: Any, place: str) -> Any:
        text = str(super().lower(value, place))
        if not text.isascii():
            text.encode()  # raises here for a lone surrogate, which would end the plugin further down
        return text


class _Bytes(_Plain):
    def lower(self, value: Any, place: str) -> Any:
        return bytes(super().lower(value, place))


INT: Kind = _Int("int", int)
FLOAT: Kind = _Float("float", int, float)
TEXT: Kind = _Text("str", str)
BOOL: Kind = _Plain("bool", bool)
BYTES: Kind = _Bytes("bytes", bytes, bytearray, memoryview)


class ListOf:
    """A list; a tuple will do on the way out."""

    def __init__(self, item: Kind) -> None:
        self._item = item

    def lift(self, value: Any) -> Any:
        """A list of lifted items."""
        return [self._item.lift(one) for one in value]

    def lower(self, value: Any, place: str) -> Any:
        """A list of lowered items."""
        if not isinstance(value, list | tuple):
            raise _wrong(place, value, "list")
        return [self._item.lower(one, f"{place}[{index}]") for index, one in enumerate(value)]


class MapOf:
    """A dict with texts for keys, pairs at the border."""

    def __init__(self, item: Kind) -> None:
        self._item = item

    def lift(self, value: Any) -> Any:
        """A dict of lifted items."""
        return {key: self._item.lift(one) for key, one in value}

    def lower(self, value: Any, place: str) -> Any:
        """Pairs of a text and a lowered item."""
        if not isinstance(value, Mapping):
            raise _wrong(place, value, "dict")
        return [
            (TEXT.lower(key, f"a key of {place}"), self._item.lower(one, f"{place}[{key!r}]"))
            for key, one in value.items()
        ]


class TupleOf:
    """A tuple with a type for each of its items."""

    def __init__(self, *items: Kind) -> None:
        self._items = items

    def lift(self, value: Any) -> Any:
        """A tuple of lifted items."""
        return tuple(kind.lift(one) for kind, one in zip(self._items, value, strict=True))

    def lower(self, value: Any, place: str) -> Any:
        """A tuple of lowered items."""
        if not isinstance(value, list | tuple) or len(value) != len(self._items):
            raise _wrong(place, value, f"a tuple of {len(self._items)}")
        pairs = zip(self._items, value, strict=True)
        return tuple(kind.lower(one, f"{place}[{index}]") for index, (kind, one) in enumerate(pairs))


class OptionOf:
    """A value or None."""

    def __init__(self, item: Kind) -> None:
        self._item = item

    def lift(self, value: Any) -> Any:
        """None, or the lifted value."""
        return None if value is None else self._item.lift(value)

    def lower(self, value: Any, place: str) -> Any:
        """None, or the lowered value."""
        return None if value is None else self._item.lower(value, place)


class Choice:
    """One of several values, such as the members of an enum."""

    def __init__(self, pairs: Iterable[tuple[Any, Any]]) -> None:
        """Args: pairs: of the author's value and the bindings'."""
        self._pairs = tuple(pairs)

    def lift(self, value: Any) -> Any:
        """The author's value."""
        return next(mine for mine, theirs in self._pairs if theirs == value)

    def lower(self, value: Any, place: str) -> Any:
        """The bindings' value."""
        for mine, theirs in self._pairs:
            if mine == value:
                return theirs
        raise ValueError(f"{place} is {value!r}, not one of {', '.join(str(mine) for mine, _ in self._pairs)}")


class RecordOf:
    """A dataclass. Fields with a default are options at the border, and left to the class when they are absent."""

    def __init__(self, mine: type, theirs: type, fields: Mapping[str, Kind], defaults: Sequence[str] = ()) -> None:
        self._mine = mine
        self._theirs = theirs
        self._fields = fields
        self._defaults = frozenset(defaults)

    def lift(self, value: Any) -> Any:
        """An object of the author's class. Raises: whatever its `__post_init__` does."""
        found = {name: (kind, getattr(value, name)) for name, kind in self._fields.items()}
        return self._mine(
            **{
                name: kind.lift(one)
                for name, (kind, one) in found.items()
                if one is not None or name not in self._defaults
            }
        )

    def lower(self, value: Any, place: str) -> Any:
        """An object of the bindings' class."""
        if not isinstance(value, self._mine):
            raise _wrong(place, value, self._mine.__name__)
        fields = self._fields.items()
        return self._theirs(**{name: kind.lower(getattr(value, name), f"{place}.{name}") for name, kind in fields})
