"""Labels of workflow runs, and searches of runs that look at a bounded number of them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Literal, TypeAlias

from omnicore.errors import InvalidInput
from omnicore.ids import first_id
from omnicore.records import Meta, Record
from omnicore.storage.table import Table
from omnicore.storage.tables.workflow_runs import COLUMNS, STATUSES, RunRow, as_run, named

if TYPE_CHECKING:
    from omnicore.storage.store import Session, Store


MOST_LABELS = 16
LONGEST_LABEL = 200
SEARCHED = 5_000
"""Runs that one search looks at; on a busy machine of two cores this takes 0.2 s."""
_SEARCHED_BYTES = 32 * 1024 * 1024
_CHUNK = 500
_WAYS = ("rest", "cli", "ws")
_AFTER_ALL = "s"  # behind every id that begins with run_

_Status: TypeAlias = Literal["pending", "running", "waiting", "suspended", "completed", "faulted", "cancelled"]
_Text: TypeAlias = Annotated[str, Meta(min_length=1, max_length=200)]


class RunFilter(Record, frozen=True, kw_only=True):
    """A filter for a list of runs: those that have all of these values. Units: seconds since the Unix epoch."""

    workflow: Annotated[_Text | None, Meta(description="Only those of a workflow")] = None
    status: Annotated[_Status | None, Meta(description="Only these; faulted ones are the dead letters")] = None
    label: Annotated[_Text | None, Meta(description="Only those with this label")] = None
    owner: Annotated[_Text | None, Meta(description="Only those begun by this one: a user's name, or all of `by`")] = (
        None
    )
    since: Annotated[float | None, Meta(description="Only those begun at this time or later, in Unix seconds")] = None
    until: Annotated[float | None, Meta(description="Only those begun before this time, in Unix seconds")] = None
    q: Annotated[_Text | None, Meta(description="Only those with this text in their input")] = None

    @property
    def plain(self) -> bool:
        """True if an index of workflows and statuses finds them without looking at others."""
        return (self.label, self.owner, self.since, self.until, self.q) == (None,) * 5


class RunLabel(Record, frozen=True):
    """A label of a run."""

    run: str
    label: str


LABELS = Table(RunLabel, "workflow_run_labels", key=("run", "label"), indexes=(("label", "run"),))


def checked_labels(labels: Sequence[str]) -> tuple[str, ...]:
    """The labels, each once. Raises: InvalidInput: too many, too long, empty."""
    found = tuple(dict.fromkeys(labels))
    odd = next((one for one in found if not 0 < len(one) <= LONGEST_LABEL or not one.isprintable()), None)
    if odd is not None or len(found) > MOST_LABELS:
        told = f"{odd[:80]!r} is no label" if odd is not None else f"a run has over {MOST_LABELS} labels"
        raise InvalidInput(told, remedy=f"give up to {MOST_LABELS} short texts on one line", path="labels")
    return found


def add_labels(session: Session, rows: Sequence[tuple[str, str]]) -> None:
    """Keeps (run, label), in a transaction of the caller's."""
    session.executemany("INSERT INTO workflow_run_labels (run, label) VALUES (?, ?) ON CONFLICT DO NOTHING", rows)


class RunSearch:
    """Searches runs. Costs a bounded number of rows, however many runs there are."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def labels(self, runs: Sequence[str]) -> dict[str, tuple[str, ...]]:
        """The labels of those runs that have any."""
        found: dict[str, tuple[str, ...]] = {}
        if runs:
            marks = ", ".join("?" for _ in runs)
            sql = f"SELECT run, label FROM workflow_run_labels WHERE run IN ({marks}) ORDER BY run, label"
            for run, label in self._store.rows(sql, tuple(runs)):
                found[run] = (*found.get(run, ()), label)
        return found

    def page(self, wanted: RunFilter, limit: int, before: str | None) -> tuple[list[RunRow], str | None]:
        """Runs, newest first, those with an id before `before`, and the id to go on before; None: there are no more.

        It looks at `SEARCHED` runs, and 32 MiB of their inputs. So a page may be short, or empty, and others follow.
        """
        at = min(before or _AFTER_ALL, _AFTER_ALL if wanted.until is None else first_id("run", wanted.until))
        found: list[RunRow] = []
        looked = size = 0
        while looked < SEARCHED and size < _SEARCHED_BYTES:
            ids = self._candidates(wanted, at)
            for row in self._rows(ids):
                looked, at, size = looked + 1, row.id, size + self._size(wanted, row)
                if self._fits(wanted, row):
                    found.append(row)
                    if len(found) > limit:
                        return found[:limit], found[limit - 1].id
            if len(ids) < _CHUNK:
                return found, None
        return found, at

    def _candidates(self, wanted: RunFilter, before: str) -> list[str]:
        since = "" if wanted.since is None else first_id("run", wanted.since)
        span = (since, before, _CHUNK)
        if wanted.label is not None:
            sql = (
                "SELECT run FROM workflow_run_labels WHERE label = ? AND run >= ? AND run < ? ORDER BY run DESC LIMIT ?"
            )
            return self._ids(sql, wanted.label, *span)
        sql = "SELECT id FROM workflow_runs WHERE {}id >= ? AND id < ? ORDER BY id DESC LIMIT ?"
        if wanted.owner is not None:
            owned = sql.format("created_by = ? AND ")
            found = [run for owner in _owners(wanted.owner) for run in self._ids(owned, owner, *span)]
            return sorted(found, reverse=True)[:_CHUNK]
        statuses = _statuses(wanted)
        if wanted.workflow is None and statuses == STATUSES:
            return self._ids(sql.format(""), *span)
        both = sql.format("status = ? AND " if wanted.workflow is None else "workflow = ? AND status = ? AND ")
        names = () if wanted.workflow is None else (wanted.workflow,)
        found = [run for status in statuses for run in self._ids(both, *names, status, *span)]
        return sorted(found, reverse=True)[:_CHUNK]

    def _ids(self, sql: str, *parameters: object) -> list[str]:
        return [str(row[0]) for row in self._store.rows(sql, parameters)]

    def _rows(self, ids: Sequence[str]) -> list[RunRow]:
        if not ids:
            return []
        marks = ", ".join("?" for _ in ids)
        sql = f"SELECT {COLUMNS} FROM workflow_runs WHERE id IN ({marks}) ORDER BY id DESC"
        return [as_run(values) for values in self._store.rows(sql, tuple(ids))]

    def _size(self, wanted: RunFilter, row: RunRow) -> int:
        """The bytes of its input that are to be searched beside its row."""
        large = None if wanted.q is None else named(row.input)
        return 0 if large is None else large[1]

    def _fits(self, wanted: RunFilter, row: RunRow) -> bool:
        if row.status not in _statuses(wanted) or wanted.workflow not in (None, row.workflow):
            return False
        if wanted.owner is not None and row.created_by not in _owners(wanted.owner):
            return False
        return wanted.q is None or _holds(self._input(row), wanted.q)

    def _input(self, row: RunRow) -> str:
        large = named(row.input)
        if large is None:
            return row.input
        found = self._store.rows("SELECT data FROM workflow_values WHERE hash = ?", (large[0],))
        return str(found[0][0]) if found else ""


def _holds(data: str, text: str) -> bool:
    """True if a JSON text holds a text in either case. Inputs are kept in ASCII, other letters as escapes."""
    if not text.isascii():
        data = json.dumps(json.loads(data), ensure_ascii=False) if "\\u" in data else ""
    return json.dumps(text, ensure_ascii=False)[1:-1].lower() in data.lower()


def _owners(name: str) -> tuple[str, ...]:
    """The values of `created_by` that a name stands for: with or without the way by which they came."""
    return (name,) if ":" in name else (name, *(f"{way}:{name}" for way in _WAYS))


def _statuses(wanted: RunFilter) -> tuple[str, ...]:
    """Statuses of rows; one that rests in a host's memory is kept as running."""
    if wanted.status is None:
        return STATUSES
    return ("running", "waiting") if wanted.status in ("running", "waiting") else (wanted.status,)
