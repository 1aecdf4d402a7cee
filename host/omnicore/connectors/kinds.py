"""The kinds of connectors of a host: those it comes with, and those that operators added."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omnicore.connectors.described import ServiceDescription, kind_of, read_description
from omnicore.connectors.kind import KINDS, Kind, find_kind
from omnicore.errors import Conflict, LimitExceeded, ToolMissing
from omnicore.records import decode
from omnicore.records import replace as replaced
from omnicore.storage.tables.connectors import KindRow, KindsTable

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from omnicore.clock import Clock

_MOST_KINDS = 100
_MOVING = ("base", "prefix", "variables", "auth", "headers")


def known_kinds() -> Iterator[tuple[str, Kind | ToolMissing]]:
    """The kinds that come with the host by name, or why this host cannot use one."""
    for name in KINDS:
        try:
            yield name, find_kind(name)
        except ToolMissing as error:
            yield name, error


class Kinds:
    """The kinds of connectors of a host: those it comes with, and those that operators added. Its methods block."""

    def __init__(self, table: KindsTable, clock: Clock) -> None:
        self._table, self._clock = table, clock
        self._made: dict[str, tuple[int, float, Kind]] = {}

    def find(self, name: str) -> Kind:
        """The kind of this name. Raises: InvalidInput: there is none; ToolMissing: its driver is not installed."""
        if name in KINDS:
            return find_kind(name)
        row = self._table.get(name)
        return find_kind(name) if row is None else self._kind(row)

    def version(self, name: str) -> int:
        """Another one each time a kind changes."""
        return 0 if name in KINDS else self._table.version(name)

    def all(self) -> Iterator[tuple[str, Kind | ToolMissing]]:
        """All kinds by name, or why this host cannot use one."""
        yield from known_kinds()
        for row in self._table.all():
            yield row.name, self._kind(row)

    def add(self, values: Any, *, replace: bool = False) -> Kind:
        """Adds the kind that a description makes, or puts it in the place of another one.

        Raises:
            InvalidInput: the description is at fault.
            Conflict: the name is taken, or connectors of the kind have credentials that would go elsewhere.
            LimitExceeded: there are too many kinds.
        """
        found = read_description(values)
        if found.kind in KINDS:
            raise Conflict(f"the host has a kind {found.kind} of its own", remedy="take another name")
        now = self._clock.now()
        old, row = self._table.get(found.kind), KindRow(found.kind, values, 1, now, now)
        if old is None:
            if not self._table.add(row, most=_MOST_KINDS):
                raise LimitExceeded(
                    f"there are {_MOST_KINDS} kinds", remedy="remove some", limit="kinds", allowed=_MOST_KINDS
                )
        elif not replace:
            raise Conflict(f"there is a kind {found.kind} already", remedy="replace it, or take another name")
        else:
            moved = any(old.description.get(part) != values.get(part) for part in _MOVING)
            if not self._table.change(replaced(old, description=values, changed_at=now), moved=moved):
                raise Conflict(
                    f"connectors of the kind {found.kind} have credentials for another place",
                    remedy="remove them first, or take another name",
                )
        return kind_of(found)

    def remove(self, name: str) -> bool:
        """True if there was such a kind. Raises: Conflict: connectors are of it."""
        removed = self._table.remove(name)
        if removed is None:
            raise Conflict(f"there are connectors of the kind {name[:80]}", remedy="remove them first")
        return removed

    def _kind(self, row: KindRow) -> Kind:
        known = self._made.get(row.name)
        if known is None or known[:2] != (row.version, row.added_at):
            kind = kind_of(decode(ServiceDescription, row.description, "description"))
            known = self._made[row.name] = (row.version, row.added_at, kind)
        return known[2]


def kind_json(name: str, found: Kind | ToolMissing) -> Mapping[str, Any]:
    """A kind as REST and `-o json` show it, also where this host cannot use it."""
    if isinstance(found, Kind):
        return found.to_json()
    empty = {"description": "", "docs": "", "config": {}, "secrets": {}, "required_secrets": [], "actions": []}
    return {"name": name, "title": name, **empty, "limits": {}, "webhook": "standard", "problem": str(found)}
