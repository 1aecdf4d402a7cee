"""Intelligences on disk, the ledger of what they used, and the record of functions as skills."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from omnicore.records import Json, Record
from omnicore.storage.store import Session, Store
from omnicore.storage.table import Table

_ENDLESS = 9_000_000_000_000_000_000


class IntelligenceRow(Record, frozen=True):
    """An intelligence. Units: times in seconds since the epoch."""

    id: str
    name: str
    version: int
    spec: Json
    created_at: float
    retired_at: float | None = None
    score: float | None = None


@dataclass(frozen=True, slots=True)
class UsageRow:
    """The use of an intelligence in a period. Units: `seconds` of calls, `fuel` Wasm instructions."""

    calls: int = 0
    seconds: float = 0.0
    fuel: int = 0


@dataclass(frozen=True, slots=True)
class Room:
    """The limits of use in a period; None is unlimited."""

    calls: int | None = None
    seconds: float | None = None
    fuel: int | None = None


class SkillRow(Record, frozen=True):
    """The record of a plugin's function so far. Units: seconds."""

    ref: str
    plugin: str
    calls: int
    failures: int
    p95_s: float
    updated_at: float


INTELLIGENCES = Table(
    *(IntelligenceRow, "intelligences"),
    key="id",
    indexes=(("retired_at", "id"),),
    unique=(("name", "version"),),
)
SKILLS = Table(SkillRow, "skills", key="ref", indexes=(("plugin",),))


class IntelligencesTable:
    """Rows of intelligences, their ledger and skills; what they mean is decided elsewhere."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def add(self, id_: str, name: str, spec: Mapping[str, Any], at: float, *, most: int) -> IntelligenceRow | None:
        """Keeps an intelligence as the next version of its name; None when there are `most` of them already."""

        with self._store.write(durable=True, locks=("intelligences",)) as session:
            if session.execute("SELECT count(*) FROM intelligences WHERE retired_at IS NULL").fetchone()[0] >= most:
                return None
            while True:
                last = session.execute("SELECT max(version) FROM intelligences WHERE name = ?", (name,)).fetchone()[0]
                row = IntelligenceRow(id_, name, (last or 0) + 1, spec, at)
                done = session.execute(
                    f"{INTELLIGENCES.insert} ON CONFLICT (name, version) DO NOTHING", INTELLIGENCES.values(row)
                )
                if done.rowcount:  # else another host has just taken this version: the next one, then
                    return row

    def get(self, id_: str) -> IntelligenceRow | None:
        """One intelligence, retired or not."""
        found = self._store.rows(f"{INTELLIGENCES.select} WHERE id = ?", (id_,))
        return INTELLIGENCES.row(found[0]) if found else None

    def page(self, *, after: str, limit: int, retired: bool, name: str | None) -> list[IntelligenceRow]:
        """Intelligences by id, which is by age."""
        clauses = ["id > ?", f"retired_at IS {'NOT ' if retired else ''}NULL"]
        values: list[object] = [after]
        if name is not None:
            clauses.append("name = ?")
            values.append(name)
        found = self._store.rows(
            f"{INTELLIGENCES.select} WHERE {' AND '.join(clauses)} ORDER BY id LIMIT ?", (*values, limit)
        )
        return [INTELLIGENCES.row(row) for row in found]

    def count(self) -> int:
        """The number of intelligences that are not retired."""
        return int(self._store.rows("SELECT count(*) FROM intelligences WHERE retired_at IS NULL")[0][0])

    def retire(self, id_: str, at: float) -> bool:
        """Retires one with its ledger and returns True if there was one; on the disk when it returns."""
        with self._store.write(durable=True) as session:
            done = session.execute(
                "UPDATE intelligences SET retired_at = ? WHERE id = ? AND retired_at IS NULL", (at, id_)
            ).rowcount
            session.execute("DELETE FROM intelligence_usage WHERE intelligence = ?", (id_,))
        return done > 0

    def measure(self, id_: str, score: float) -> None:
        """Keeps the score of the last practice; on the disk when it returns."""
        with self._store.write(durable=True) as session:
            session.execute("UPDATE intelligences SET score = ? WHERE id = ?", (score, id_))

    # -- the ledger

    def take(self, id_: str, period: int, room: Room) -> bool:
        """Counts a call before it is made; False when a bound is reached, and then nothing is counted."""

        def work(session: Session) -> bool:
            session.execute("DELETE FROM intelligence_usage WHERE intelligence = ? AND period < ?", (id_, period))
            done = session.execute(
                "INSERT INTO intelligence_usage (intelligence, period, calls, seconds, fuel) VALUES (?, ?, 1, 0, 0)"
                " ON CONFLICT (intelligence, period) DO UPDATE SET calls = intelligence_usage.calls + 1"
                " WHERE intelligence_usage.calls < ? AND intelligence_usage.seconds < ?"
                " AND intelligence_usage.fuel < ?",
                (
                    *(id_, period),
                    _ENDLESS if room.calls is None else room.calls,
                    1e300 if room.seconds is None else room.seconds,
                    _ENDLESS if room.fuel is None else room.fuel,
                ),
            )
            return done.rowcount > 0

        return self._store.apply(work)

    def spend(self, id_: str, period: int, *, seconds: float, fuel: int) -> None:
        """Adds what a call took."""

        def work(session: Session) -> None:
            session.execute(
                "UPDATE intelligence_usage SET seconds = seconds + ?, fuel = fuel + ?"
                " WHERE intelligence = ? AND period = ?",
                (seconds, fuel, id_, period),
            )

        self._store.apply(work)

    def usage(self, id_: str, period: int) -> UsageRow:
        """The use in a period."""
        found = self._store.rows(
            "SELECT calls, seconds, fuel FROM intelligence_usage WHERE intelligence = ? AND period = ?", (id_, period)
        )
        return UsageRow(*found[0]) if found else UsageRow()

    # -- skills

    def learn(self, rows: Iterable[SkillRow]) -> None:
        """Adds calls and failures to what is known of functions; the 95th percentile is the new one."""
        values = sorted(SKILLS.values(row) for row in rows)

        def work(session: Session) -> None:
            session.executemany(
                f"{SKILLS.insert} ON CONFLICT (ref) DO UPDATE SET calls = skills.calls + excluded.calls,"
                " failures = skills.failures + excluded.failures, p95_s = excluded.p95_s,"
                " updated_at = excluded.updated_at",
                values,
            )

        if values:
            self._store.apply(work)

    def skills(self) -> dict[str, SkillRow]:
        """Every function that was ever called, by reference."""
        return {row[0]: SKILLS.row(row) for row in self._store.rows(SKILLS.select)}

    def forget_skills(self, plugin: str) -> None:
        """Forgets the record of a plugin that is removed."""

        def work(session: Session) -> None:
            session.execute("DELETE FROM skills WHERE plugin = ?", (plugin,))

        self._store.apply(work)
