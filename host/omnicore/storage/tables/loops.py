"""Lanes on disk: when each ran last, what came of it, and which host runs it now."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from omnicore.records import Record
from omnicore.storage.store import Session, Store
from omnicore.storage.table import Table

_WEEKS_KEPT = 520


class LaneRow(Record, frozen=True):
    """A lane. Units: `since` (first seen), `last_run_at` and `lease_until` seconds since the epoch."""

    lane: str
    since: float
    last_run_at: float | None
    cycles: int
    failures: int
    seconds: float
    owner: str
    lease_until: float
    fence: int


LANES = Table(LaneRow, "lanes", key="lane")


class LoopsTable:
    """One row for each lane. A lease says which host runs it; the fence lets only its holder report."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def enter(self, lanes: Iterable[str], now: float) -> dict[str, LaneRow]:
        """The rows of these lanes; those that are not known yet begin now."""
        names = tuple(lanes)
        known = self.all()
        if known.keys() >= set(names):
            return {name: known[name] for name in names}

        def work(session: Session) -> None:
            session.executemany(
                "INSERT INTO lanes (lane, since) VALUES (?, ?) ON CONFLICT (lane) DO NOTHING",
                [(name, now) for name in names],
            )

        self._store.apply(work)
        return {name: row for name, row in self.all().items() if name in names}

    def all(self) -> dict[str, LaneRow]:
        """Every lane."""
        return {row[0]: LANES.row(row) for row in self._store.rows(LANES.select)}

    def claim(self, lane: str, owner: str, *, now: float, until: float, due_before: float | None) -> int | None:
        """Takes the lease of a lane and returns its fence, or None: another holds it, or it has just run.

        Args:
            due_before: the lane must not have begun or run after this time; None runs it in any case.
        """

        def work(session: Session) -> int | None:
            found = session.execute(
                "UPDATE lanes SET owner = ?, lease_until = ?, fence = fence + 1"
                " WHERE lane = ? AND lease_until <= ? AND coalesce(last_run_at, since) <= ? RETURNING fence",
                (owner, until, lane, now, 1e300 if due_before is None else due_before),
            ).fetchone()
            return None if found is None else int(found[0])

        return self._store.apply(work)

    def finish(self, lane: str, fence: int, *, at: float, failed: bool, seconds: float) -> bool:
        """Records a cycle and gives the lease back; False when another host has taken it over meanwhile."""

        def work(session: Session) -> bool:
            done = session.execute(
                "UPDATE lanes SET last_run_at = ?, cycles = cycles + 1, failures = failures + ?,"
                " seconds = seconds + ?, owner = '', lease_until = 0 WHERE lane = ? AND fence = ?",
                (at, int(failed), seconds, lane, fence),
            )
            return done.rowcount > 0

        return self._store.apply(work)

    def give_back(self, lane: str, fence: int) -> None:
        """Ends a lease without a cycle, for one that was broken off."""

        def work(session: Session) -> None:
            session.execute("UPDATE lanes SET owner = '', lease_until = 0 WHERE lane = ? AND fence = ?", (lane, fence))

        self._store.apply(work)

    def add(self, lane: str, *, at: float, cycles: int, failures: int, seconds: float) -> None:
        """Counts cycles of a lane that every host runs for itself."""

        def work(session: Session) -> None:
            session.execute(
                "UPDATE lanes SET last_run_at = ?, cycles = cycles + ?, failures = failures + ?,"
                " seconds = seconds + ? WHERE lane = ?",
                (at, cycles, failures, seconds, lane),
            )

        self._store.apply(work)

    def set_back(self, leases: Mapping[str, float], now: float, tolerance_s: float) -> None:
        """Takes back runs and leases that lie ahead only because the clock was set back.

        Args:
            leases: the lanes, and how long a lease of each can last.
        """

        def work(session: Session) -> None:
            late = now + tolerance_s
            session.execute("UPDATE lanes SET last_run_at = ? WHERE last_run_at > ?", (now, late))
            session.execute("UPDATE lanes SET since = ? WHERE since > ?", (now, late))
            session.executemany(
                "UPDATE lanes SET lease_until = ? WHERE lane = ? AND lease_until > ?",
                [(now + lasts, lane, late + lasts) for lane, lasts in leases.items()],
            )

        self._store.apply(work)

    def measure(self, week: int, document: Mapping[str, Any], at: float) -> None:
        """Keeps the measures of a week, the last that came in it; the oldest weeks go."""

        def work(session: Session) -> None:
            session.execute(
                "INSERT INTO lane_measures (week, at, document) VALUES (?, ?, ?)"
                " ON CONFLICT (week) DO UPDATE SET at = excluded.at, document = excluded.document",
                (week, at, json.dumps(document)),
            )
            session.execute("DELETE FROM lane_measures WHERE week < ?", (week - _WEEKS_KEPT,))

        self._store.apply(work)

    def measured(self, week: int) -> Mapping[str, Any]:
        """The measures of a week, empty where there are none yet."""
        found = self._store.rows("SELECT document FROM lane_measures WHERE week = ?", (week,))
        return json.loads(found[0][0]) if found else {}

    def measured_before(self, week: int) -> tuple[int, Mapping[str, Any]] | None:
        """The newest measures from before a week, and of which week they are."""
        found = self._store.rows(
            "SELECT week, document FROM lane_measures WHERE week < ? ORDER BY week DESC LIMIT 1", (week,)
        )
        return (int(found[0][0]), json.loads(found[0][1])) if found else None
