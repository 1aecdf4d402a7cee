"""The table of a record: its rows, and the statements that make it.

```python
PETS = Table(Pet, "pets", key="name", indexes=(("kind", "legs"),))

session.execute(f"INSERT INTO pets ({PETS.columns}) VALUES ({PETS.marks})", PETS.values(pet))
[PETS.row(values) for values in store.rows(f"SELECT {PETS.columns} FROM pets")]
```

The migrations make the tables of a database. `Table.sql` is what they must come to; a test compares the two.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, TypeVar, get_type_hints

import msgspec

from omnicore.records import Field, Record, fields, view
from omnicore.storage.store import Dialect

_R = TypeVar("_R", bound=Record)
_SQL_TYPES: Mapping[Dialect, Mapping[type, str]] = {
    "sqlite": {str: "TEXT", int: "INTEGER", float: "REAL", bytes: "BLOB", bool: "INTEGER"},
    "postgresql": {str: "TEXT", int: "BIGINT", float: "DOUBLE PRECISION", bytes: "BYTEA", bool: "BIGINT"},
}


class Table(Generic[_R]):
    """The table of a record.

    Args:
        key: the column of the primary key, or several.
        indexes, unique: further indexes, as tuples of columns. Partial ones stand in the migrations only.
        defaults: what columns hold in rows that were there before them.
    """

    def __init__(
        self,
        record: type[_R],
        name: str,
        *,
        key: str | tuple[str, ...],
        indexes: tuple[tuple[str, ...], ...] = (),
        unique: tuple[tuple[str, ...], ...] = (),
        defaults: Mapping[str, Any] | None = None,
    ) -> None:
        self.record, self.name = record, name
        self.key = (key,) if isinstance(key, str) else key
        self.indexes, self.unique, self.defaults = indexes, unique, defaults or {}
        self._names = record.__struct_fields__
        self.columns = ", ".join(self._names)
        self.marks = ", ".join("?" * len(self._names))
        self.select = f"SELECT {self.columns} FROM {name}"
        self.insert = f"INSERT INTO {name} ({self.columns}) VALUES ({self.marks})"
        self._pick: Callable[[Any], tuple[Any, ...]] = attrgetter(*self._names)

    def row(self, values: Sequence[Any]) -> _R:
        """The record in a row that a query for `columns` returned."""
        given = dict(zip(self._names, values, strict=True))
        for name, _, load in self._codecs:
            given[name] = load(given[name])
        return self.record(**given)

    def values(self, record: _R) -> tuple[Any, ...]:
        """The values to store for a record, in the order of `columns`."""
        if not self._codecs:
            return self._pick(record)
        given = dict(zip(self._names, self._pick(record), strict=True))
        for name, dump, _ in self._codecs:
            given[name] = dump(given[name])
        return tuple(given.values())

    def sql(self, dialect: Dialect) -> Iterator[str]:
        """The statements that make the table as it is now, whichever migrations brought it about."""
        columns = [self._column(one, dialect) for one in fields(self.record)]
        yield f"CREATE TABLE {self.name} ({', '.join([*columns, f'PRIMARY KEY ({_listed(self.key)})'])})"
        for words, several in (("INDEX", self.indexes), ("UNIQUE INDEX", self.unique)):
            for names in several:
                yield f"CREATE {words} idx_{self.name}_{'_'.join(names)} ON {self.name} ({_listed(names)})"

    def _column(self, one: Field, dialect: Dialect) -> str:
        words = [f'"{one.name}"', _SQL_TYPES[dialect][one.column]]
        if not one.nullable and one.name not in self.key:
            words.append("NOT NULL")
        if one.name in self.defaults:
            words.append(f"DEFAULT {_literal(self.defaults[one.name])}")
        return " ".join(words)

    @cached_property
    def _codecs(self) -> list[tuple[str, Callable[[Any], Any], Callable[[Any], Any]]]:
        hints = get_type_hints(self.record, include_extras=True)
        found = (one for one in fields(self.record) if one.coded or one.column is bool)
        return [(one.name, *_codec(one, hints[one.name])) for one in found]


def _codec(one: Field, hint: Any) -> tuple[Callable[[Any], Any], Callable[[Any], Any]]:
    """The conversions of a field's value to its column and back."""
    if one.column is bool:
        return _int, _bool
    typed = one.schema.keys() & {"type", "anyOf", "$ref"}

    def dump(value: Any) -> str | None:
        if value is None and one.nullable:
            return None
        return json.dumps(value, separators=(",", ":"), default=view)

    def load(text: str | None) -> Any:
        value = None if text is None else json.loads(text)
        return msgspec.convert(value, hint) if typed and value is not None else value

    return dump, load


def _int(value: bool | None) -> int | None:
    return None if value is None else int(value)


def _bool(value: int | None) -> bool | None:
    return None if value is None else bool(value)


def _literal(value: Any) -> str:
    if isinstance(value, str):
        return "'" + value.replace("'", "''") + "'"
    return "NULL" if value is None else str(int(value) if isinstance(value, bool) else value)


def _listed(names: tuple[str, ...]) -> str:
    return ", ".join(f'"{name}"' for name in names)
