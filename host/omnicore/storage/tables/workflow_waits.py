"""Waits: places where runs listen for events or for a person's decision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from operator import attrgetter
from typing import Any

from omnicore.storage.store import Session, Store

__all__ = ["WaitRow", "WaitsTable", "add_waits", "drop_waits", "still_waits"]


@dataclass(frozen=True, slots=True)
class WaitRow:
    """One place of a run that waits. `kind` is `event` or `approval`.

    `key` names the task, of whatever run: `<digest of the document>#<path>`; `correlation` is what of an event must be
    this text (empty: nothing); `data` is JSON: variables for filters, or what an approval shows.
    Units: times in seconds since the Unix epoch; `due_at` is shown only.
    """

    run: str
    place: str
    kind: str
    key: str = ""
    correlation: str = ""
    data: str = "{}"
    due_at: float | None = None
    at: float = 0.0


_COLUMNS = ", ".join(f'"{field.name}"' for field in fields(WaitRow))
_VALUES = attrgetter(*(field.name for field in fields(WaitRow)))
_ADD = (
    f"INSERT INTO workflow_waits ({_COLUMNS}) VALUES ({', '.join('?' for _ in fields(WaitRow))})"
    " ON CONFLICT (run, place) DO UPDATE SET kind = excluded.kind, key = excluded.key,"
    " correlation = excluded.correlation, data = excluded.data, due_at = excluded.due_at, at = excluded.at"
)


def add_waits(session: Session, waits: Sequence[WaitRow]) -> None:
    """Registers waits in a transaction of the caller's; one at the same place is replaced."""
    session.executemany(_ADD, [_VALUES(wait) for wait in waits])


def drop_waits(session: Session, places: Sequence[tuple[str, str]]) -> None:
    """Forgets waits by run and place."""
    session.executemany("DELETE FROM workflow_waits WHERE run = ? AND place = ?", places)


def still_waits(session: Session, wait: WaitRow) -> bool:
    """Whether this is what the run still waits for, in a transaction of the caller's."""
    sql = "SELECT 1 FROM workflow_waits WHERE run = ? AND place = ? AND kind = ? AND at = ?"
    return session.execute(sql, (wait.run, wait.place, wait.kind, wait.at)).fetchone() is not None


class WaitsTable:
    """Waits as dispatchers and people look for them."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, run: str, place: str) -> WaitRow | None:
        """One wait."""
        found = self._rows("run = ? AND place = ?", (run, place))
        return found[0] if found else None

    def of_run(self, run: str, limit: int = 1000) -> list[WaitRow]:
        """What a run waits for."""
        return self._rows("run = ? ORDER BY place LIMIT ?", (run, limit))

    def keys(self, limit: int = 10_000) -> list[str]:
        """The listening tasks that any run waits at. Costs one look into the index for each, not for each run."""
        found: list[str] = []
        sql = "SELECT key FROM workflow_waits WHERE kind = 'event' AND key > ? ORDER BY key LIMIT 1"
        while len(found) < limit and (row := self._store.rows(sql, (found[-1] if found else "",))):
            found.append(str(row[0][0]))
        return found

    def listening(self, key: str, correlation: str, limit: int = 500, after: str = "") -> list[WaitRow]:
        """Runs that wait at a task for events with this correlation, in pages by run."""
        return self._rows(
            "kind = 'event' AND key = ? AND correlation = ? AND run > ? ORDER BY run LIMIT ?",
            (key, correlation, after, limit),
        )

    def approvals(
        self, limit: int = 100, before: tuple[str, str] | None = None, run: str | None = None
    ) -> list[WaitRow]:
        """What people are asked, of the newest runs first, or of one run; those after a run and a place of it."""
        where, parameters = "kind = 'approval'", list[Any]()
        if run is not None:
            where, parameters = f"{where} AND run = ?", [run]
        if before is not None:
            where = f"{where} AND run <= ? AND (run < ? OR place > ?)"
            parameters += [before[0], before[0], before[1]]
        return self._rows(f"{where} ORDER BY run DESC, place LIMIT ?", (*parameters, limit))

    def _rows(self, where: str, parameters: Sequence[Any]) -> list[WaitRow]:
        found = self._store.rows(f"SELECT {_COLUMNS} FROM workflow_waits WHERE {where}", parameters)
        return [WaitRow(*row) for row in found]
