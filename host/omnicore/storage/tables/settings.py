"""Settings changed at run time, where hosts share a database: one row for each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from omnicore.records import Json, Record, Time
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.storage.store import Session, Store


class OverrideRow(Record, frozen=True):
    """A setting that somebody changed, for all hosts."""

    name: str
    value: Json
    changed_at: Time


OVERRIDES = Table(OverrideRow, "setting_overrides", key="name")


class OverridesTable:
    """The settings changed at run time for all hosts; see `omnicore.config.overrides.OverrideKeeper`."""

    shared = True

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store, self._clock = store, clock
        self.place = store.place

    def read(self) -> dict[str, Any]:
        """The values by name."""
        return {row.name: row.value for row in map(OVERRIDES.row, self._store.rows(OVERRIDES.select))}

    def mark(self) -> object:
        """Another value after each change."""
        return sorted(self._store.rows(OVERRIDES.select))

    @contextmanager
    def changing(self) -> Iterator[_Change]:
        """The settings, for one process of all hosts at a time."""
        with self._store.write(durable=True, locks=("settings",)) as session:
            found = [OVERRIDES.row(row) for row in session.execute(OVERRIDES.select).fetchall()]
            before = {row.name: row.value for row in found}
            yield _Change(session, before, dict(before), self._clock.now())


@dataclass(frozen=True, slots=True)
class _Change:
    session: Session
    before: Mapping[str, Any]
    values: dict[str, Any]
    now: float

    def write(self) -> None:
        """Keeps what differs."""
        for name in self.before.keys() - self.values.keys():
            self.session.execute("DELETE FROM setting_overrides WHERE name = ?", (name,))
        for name, value in self.values.items():
            if name not in self.before or self.before[name] != value:
                self.session.execute(
                    f"{OVERRIDES.insert} ON CONFLICT (name) DO UPDATE"
                    " SET value = excluded.value, changed_at = excluded.changed_at",
                    OVERRIDES.values(OverrideRow(name, value, self.now)),
                )
