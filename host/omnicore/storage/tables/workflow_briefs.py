"""Workflows as lists show them: without their texts and documents, and with the newest run of each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from omnicore.storage.store import Session, Store
from omnicore.storage.tables.workflow_runs import STATUSES

__all__ = ["BriefRow", "BriefsTable", "LastRun", "LineRow", "keep_brief"]


@dataclass(frozen=True, slots=True)
class BriefRow:
    """What is kept of a version for lists. `about` is JSON; `words` is what it is found by, in lower case."""

    workflow: str
    digest: str
    words: str
    about: str


@dataclass(frozen=True, slots=True)
class LineRow:
    """A workflow of a list; `about` None: nothing is kept of this version yet. Units: seconds since the Unix epoch."""

    workflow: str
    number: int
    digest: str
    enabled: bool
    changed_at: float
    changed_by: str
    about: str | None


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of a workflow."""

    id: str
    status: str
    created_at: float


_PAGE = (
    "SELECT w.id, w.version, v.digest, w.state, w.changed_at, v.created_by, b.about FROM workflows w"
    " JOIN workflow_versions v ON v.workflow = w.id AND v.number = w.version"
    " LEFT JOIN workflow_briefs b ON b.workflow = w.id AND b.digest = v.digest"
    " WHERE w.id > ? AND (w.id LIKE ? ESCAPE '#' OR b.words LIKE ? ESCAPE '#') ORDER BY w.id LIMIT ?"
)
_STATUSES = " UNION ALL ".join(f"SELECT '{status}' AS status" for status in STATUSES)


def keep_brief(session: Session, row: BriefRow) -> None:
    """Keeps it in the place of what was kept before, in a transaction of the caller's."""
    session.execute(
        "INSERT INTO workflow_briefs (workflow, digest, words, about) VALUES (?, ?, ?, ?) ON CONFLICT (workflow)"
        " DO UPDATE SET digest = excluded.digest, words = excluded.words, about = excluded.about",
        (row.workflow, row.digest, row.words, row.about),
    )


class BriefsTable:
    """Reads what lists show."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def keep(self, rows: Sequence[BriefRow]) -> None:
        """Keeps some that were missing."""
        with self._store.write() as session:
            for row in rows:
                keep_brief(session, row)

    def page(self, limit: int, after: str = "", containing: str = "") -> list[LineRow]:
        """Workflows by name, those after `after` whose name or words have `containing` in them."""
        like = "%" + containing.lower().replace("#", "##").replace("%", "#%").replace("_", "#_") + "%"
        return [_line(row) for row in self._store.rows(_PAGE, (after, like, like, limit))]

    def last_runs(self, workflows: Sequence[str]) -> dict[str, LastRun]:
        """The newest run of each that has any. Costs some looks into an index for each, however many runs there are."""
        if not workflows:
            return {}
        marks = ", ".join("?" for _ in workflows)
        newest = (
            "SELECT w.id, (SELECT max(r.id) FROM workflow_runs r WHERE r.workflow = w.id AND r.status = s.status)"
            f" FROM workflows w CROSS JOIN ({_STATUSES}) s WHERE w.id IN ({marks})"
        )
        found: dict[str, str] = {}
        for workflow, run in self._store.rows(newest, tuple(workflows)):
            if run is not None:
                found[workflow] = max(run, found.get(workflow, ""))
        return self._runs(tuple(found.values()))

    def _runs(self, ids: tuple[str, ...]) -> dict[str, LastRun]:
        if not ids:
            return {}
        marks = ", ".join("?" for _ in ids)
        sql = f"SELECT workflow, id, status, created_at FROM workflow_runs WHERE id IN ({marks})"
        return {str(workflow): LastRun(*more) for workflow, *more in self._store.rows(sql, ids)}


def _line(row: tuple[object, ...]) -> LineRow:
    values = list(row)
    values[3] = values[3] == "enabled"
    return LineRow(*values)  # type: ignore[arg-type]
