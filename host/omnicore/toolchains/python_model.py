"""What a plugin in Python offers, as its source says: functions, and the types they take and give."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

__all__ = ["Choice", "Field", "Function", "Group", "Kind", "Named", "Plain", "Plugin", "Record"]


@dataclass(frozen=True, slots=True)
class Plain:
    """`int`, `float`, `bool`, `str` or `bytes`."""

    name: str


@dataclass(frozen=True, slots=True)
class Group:
    """`list`, `map` (from text), `option` or `tuple` of other types."""

    outer: str
    items: tuple[Kind, ...]


@dataclass(frozen=True, slots=True)
class Named:
    """A record or a choice, by the name of its class."""

    name: str


Kind = Plain | Group | Named


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a record or a parameter of a function; one with a default may be left out."""

    name: str
    kind: Kind
    default: bool = False


@dataclass(frozen=True, slots=True)
class Record:
    """A dataclass of a module."""

    name: str
    module: str
    doc: str
    fields: tuple[Field, ...]


@dataclass(frozen=True, slots=True)
class Choice:
    """An enum of a module, or texts that a `Literal` lists. `values`: an expression and the case for each."""

    name: str
    doc: str
    values: tuple[tuple[str, str], ...]
    module: str = ""


@dataclass(frozen=True, slots=True)
class Function:
    """A function that callers see; `result` is None where it returns nothing."""

    name: str
    doc: str
    parameters: tuple[Field, ...]
    result: Kind | None


@dataclass(frozen=True, slots=True)
class Plugin:
    """A whole plugin.

    Args:
        types: in an order in which each stands after those it is made of.
        uses: modules that it imports anywhere.
        doors: the nouns of the kit that it imports.
        late: those of its imports that it imports inside of functions.
        modules: the files of its own that it imports, by module, the first one its own.
    """

    doc: str
    functions: tuple[Function, ...]
    types: Mapping[str, Record | Choice]
    uses: frozenset[str]
    doors: tuple[str, ...]
    late: tuple[str, ...]
    modules: Mapping[str, str]
