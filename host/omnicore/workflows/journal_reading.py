"""What the journal kept, read back: entries of rows, values by their hash, and whether a run's chain holds."""

from __future__ import annotations

import json
from collections import OrderedDict
from dataclasses import dataclass
from typing import Any

from omnicore.errors import JournalMismatch, NotFound, StorageFailed
from omnicore.storage.store import Store
from omnicore.storage.tables.audit import AuditTable
from omnicore.storage.tables.workflow_runs import RunRow, RunsTable
from omnicore.storage.tables.workflow_steps import StepRow, StepsTable, genesis, rehashed
from omnicore.storage.tables.workflow_values import ValuesTable, named, reference
from omnicore.workflows.entries import Entry, Fault, Result
from omnicore.workflows.journal_words import Verified

__all__ = ["PAGE", "Reading", "verified"]

PAGE = 200
_VALUES = 16
_BYTES = 32 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class _Wrong:
    fact: str
    seq: int


class Reading:
    """Reads values and entries; it blocks, so it is used in a thread. Remembers the last large values.

    What it returns may be shared: nothing alters it.
    """

    def __init__(self, store: Store) -> None:
        self.values, self.steps = ValuesTable(store), StepsTable(store)
        self._last: OrderedDict[str, tuple[int, Any]] = OrderedDict()

    def value(self, text: str | None) -> Any:
        """The value of a column. Raises: StorageFailed: it is gone or no JSON. JournalMismatch: it was altered."""
        if text is None:
            return None
        found = named(text)
        if found is None:
            return _parsed(text)
        digest, _ = found
        if digest not in self._last:
            data = self.values.get(digest)
            if data is None:
                raise StorageFailed(f"the value {digest} of a run is gone", remedy="restore a backup")
            if reference(data)[0] != digest:
                raise JournalMismatch(
                    f"the value {digest} of a run was altered in the database", remedy="restore a backup"
                )
            self._last[digest] = (len(data), _parsed(data))
            while len(self._last) > _VALUES or (
                len(self._last) > 1 and sum(s for s, _ in self._last.values()) > _BYTES
            ):
                self._last.popitem(last=False)
        return self._last[digest][1]

    def entry(self, row: StepRow) -> Entry:
        """The entry that a row was made of."""
        fault = self.value(row.fault)
        return Entry(
            *(row.seq, row.place, row.path, row.name, row.kind),
            row.status,  # type: ignore[arg-type]
            *(row.attempt, row.fed is not None, row.at, row.began_at, self.value(row.input)),
            None if row.fed is None else self._result(row, fault),
            self.value(row.output),
            None if fault is None else Fault.of(fault),
        )

    def is_large(self, row: StepRow) -> bool:
        """Whether a row names values that are read one by one."""
        columns = (row.input, row.result, row.output, row.fault, row.meta, row.about)
        return any(text is not None and named(text) is not None for text in columns)

    def _result(self, row: StepRow, fault: Any) -> Result:
        about = self.value(row.about) or {}
        told = about.get("fault", fault)
        return Result(
            row.fed,  # type: ignore[arg-type]
            about.get("place", row.place),
            about.get("attempt", row.attempt),
            about.get("at", row.at),
            self.value(row.result),
            None if told is None else Fault.of(told),
            about.get("began_at", row.began_at),
            self.value(row.meta) or {},
        )


def verified(store: Store, run: str) -> Verified:
    """Reads all rows of a run; see `Journal.verify`. It blocks. Raises: NotFound."""
    row = RunsTable(store).get(run)
    if row is None:
        raise NotFound(f"there is no run {run[:80]}", remedy="see the list of runs")
    steps, seen = StepsTable(store), set[str]()
    seq, last = 0, genesis(row.id, row.workflow, row.digest, row.input, row.created_at)
    while page := steps.page(run, seq, PAGE):
        for step in page:
            wrong = _break(store, step, seq, last, seen)
            if wrong is not None:
                return Verified(False, seq, last, row.record_seq, wrong.fact, wrong.seq)
            seq, last = step.seq, step.hash
    fact = _end_of(store, row, seq, last)
    return Verified(not fact, seq, last, row.record_seq, fact, seq if fact else None)


def _break(store: Store, step: StepRow, before: int, last: str, seen: set[str]) -> _Wrong | None:
    if step.seq != before + 1:
        return _Wrong(f"row {before + 1} is missing", before + 1)
    if rehashed(step, last) != step.hash:
        return _Wrong(f"row {step.seq} was altered, or one before it", step.seq)
    for text in (step.input, step.result, step.output, step.fault, step.meta, step.about):
        if text is not None and (wrong := _lost(store, text, seen)):
            return _Wrong(f"{wrong} of row {step.seq}", step.seq)
    return None


def _lost(store: Store, text: str, seen: set[str]) -> str:
    found = named(text)
    if found is None or found[0] in seen:
        return ""
    data = ValuesTable(store).get(found[0])
    if data is None:
        return "a value is missing"
    if reference(data)[0] != found[0]:
        return "a value was altered"
    seen.add(found[0])
    return ""


def _end_of(store: Store, row: RunRow, seq: int, last: str) -> str:
    """What is wrong with where the chain ends; a run in memory says nothing about that."""
    if row.host is None and (row.seq, row.hash) != (seq, last):
        return _grown(store, row, seq, last)
    if row.record_seq is None:
        return ""
    found = AuditTable(store).after(row.record_seq - 1, 1)
    if not found or found[0].seq != row.record_seq:  # it went because it was old
        return ""
    told = _parsed(found[0].entry.after or "null")
    return "" if isinstance(told, dict) and told.get("hash") == last else "the host's record holds another hash"


def _grown(store: Store, row: RunRow, seq: int, last: str) -> str:
    """A run that was taken over by nobody yet after its host died has more rows than it had when it was parked."""
    if row.ended_at is None and row.status == "pending" and seq > row.seq:
        return ""
    now = RunsTable(store).get(row.id)
    if now is not None and (now.seq, now.hash, now.host) != (row.seq, row.hash, row.host):
        return ""  # it went on while it was read
    return f"the last row should be {row.seq}"


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        raise StorageFailed("a row of a run is damaged", remedy="restore a backup") from error
