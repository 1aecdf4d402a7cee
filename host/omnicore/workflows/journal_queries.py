"""Queries of the journal: entries, values by hash, verification of a run's chain, and removal of old runs."""

from __future__ import annotations

import asyncio
import json
from collections import OrderedDict
from dataclasses import dataclass
from itertools import takewhile
from typing import TYPE_CHECKING, Any

from omnicore.errors import Conflict, JournalMismatch, NotFound, StorageFailed
from omnicore.storage.tables.audit import AuditTable
from omnicore.storage.tables.workflow_definitions import DefinitionsTable
from omnicore.storage.tables.workflow_runs import (
    RunRow,
    RunsTable,
    StepRow,
    StepsTable,
    ValuesTable,
    add_steps,
    add_values,
    first_rows,
    genesis,
    named,
    nonce_of,
    reference,
    rehashed,
    set_head,
    share_values,
    step_hash,
    sweep_runs,
    sweep_steps,
    value_of,
)
from omnicore.storage.tables.workflow_triggers import sweep_seen
from omnicore.workflows.entries import JournalEntry, StepResult
from omnicore.workflows.faults import Fault
from omnicore.workflows.journal_records import Starting, Verified
from omnicore.workflows.steps.step import PREFIX, placeholders

if TYPE_CHECKING:
    from collections.abc import AsyncIterator, Mapping, Sequence

    from omnicore.storage.store import Session, Store
    from omnicore.workflows.progress import KeptRows


PAGE = 200
_VALUES = 16
_BYTES = 32 * 1024 * 1024
_STEPS = 2000
_BATCHES = 20
_FIRST = (0.0, "")


@dataclass(frozen=True, slots=True)
class _Wrong:
    fact: str
    seq: int


class JournalReader:
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

    def entry(self, row: StepRow) -> JournalEntry:
        """The entry that a row was made of."""
        fault = self.value(row.fault)
        return JournalEntry(
            *(row.seq, row.place, row.path, row.name, row.kind),
            row.status,  # type: ignore[arg-type]
            *(row.attempt, row.fed is not None, row.at, row.began_at, self.value(row.input)),
            None if row.fed is None else self._result(row, fault),
            self.value(row.output),
            None if fault is None else Fault.of(fault),
        )

    def is_large(self, row: StepRow) -> bool:
        """True if a row names values that are read one by one."""
        columns = (row.input, row.result, row.output, row.fault, row.meta, row.about)
        return any(text is not None and named(text) is not None for text in columns)

    def _result(self, row: StepRow, fault: Any) -> StepResult:
        about = self.value(row.about) or {}
        told = about.get("fault", fault)
        return StepResult(
            row.fed,  # type: ignore[arg-type]
            about.get("place", row.place),
            about.get("attempt", row.attempt),
            about.get("at", row.at),
            self.value(row.result),
            None if told is None else Fault.of(told),
            about.get("began_at", row.began_at),
            self.value(row.meta) or {},
        )


class JournalQueries:
    """Reads a journal and deletes what is old. It waits for the database in threads."""

    def __init__(self, store: Store) -> None:
        self._store, self.reader = store, JournalReader(store)
        self._documents = _FIRST

    async def rows(self, run: str, after: int = 0) -> AsyncIterator[JournalEntry]:
        """The rows of a run, read in pages. Raises: StorageFailed. JournalMismatch: one is not as it was written."""
        last = await asyncio.to_thread(self._hash_before, run, after)
        while page := await asyncio.to_thread(self.reader.steps.page, run, after, PAGE):
            for row in page:
                if rehashed(row, last) != row.hash:
                    raise JournalMismatch(
                        f"row {row.seq} of {run} was altered in the database",
                        remedy="look who can write there; begin a new run",
                        run=run,
                        seq=row.seq,
                    )
                last = row.hash
                if self.reader.is_large(row):
                    yield await asyncio.to_thread(self.reader.entry, row)
                else:
                    yield self.reader.entry(row)
            after = page[-1].seq

    async def value(self, text: str | None) -> Any:
        """The value of a column of a row: `input`, `output`, `fault` and `trigger` of runs, and of steps."""
        return await asyncio.to_thread(self.reader.value, text)

    async def head(self, run: str) -> tuple[int, str]:
        """The number and hash of a run's last row; 0 and the hash that its first row follows where it has none."""
        return await asyncio.to_thread(self._head, run)

    async def verify(self, run: str) -> Verified:
        """Reads a run's rows and values and looks whether they are those that were written. Raises: NotFound."""
        return await asyncio.to_thread(verified, self._store, run)

    async def sweep(self, workflow: str, status: str, *, before: float, most: int) -> int:
        """Drops runs of a final status that ended before a time or are beyond the newest `most`, in bounded batches.

        Returns: how many runs, steps and values; 0 when there is nothing left to do.
        """

        def batch() -> int:
            gone = sweep_runs(self._store, workflow, status, before=before, most=most)
            return gone + sweep_steps(self._store, _STEPS)

        return await asyncio.to_thread(lambda: sum(takewhile(bool, (batch() for _ in range(_BATCHES)))))

    async def sweep_rest(self, *, now: float, before: float) -> int:
        """Forgets keys whose time is over, and documents from before a time that nothing is pinned to; how many.

        It goes through the documents bit by bit, from call to call.
        """

        def work() -> int:
            gone = sum(takewhile(bool, (sweep_seen(self._store, now) for _ in range(_BATCHES))))
            more, place = DefinitionsTable(self._store).sweep_documents(before, self._documents)
            self._documents = place or _FIRST
            return gone + more

        return await asyncio.to_thread(work)

    def _hash_before(self, run: str, after: int) -> str:
        if after > 0 and (found := self.reader.steps.page(run, after - 1, 1)):
            return found[0].hash
        row = RunsTable(self._store).get(run)
        return "" if row is None else genesis(row.id, row.workflow, row.digest, row.input, row.created_at)

    def _head(self, run: str) -> tuple[int, str]:
        found = self.reader.steps.head(run)
        if found is not None:
            return found
        row = RunsTable(self._store).get(run)
        return (0, "") if row is None else (row.seq, row.hash)


def verified(store: Store, run: str) -> Verified:
    """Reads all rows of a run; see `JournalQueries.verify`. It blocks. Raises: NotFound."""
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
    """The problem at the end of the chain; a run in memory cannot have one."""
    if row.host is None and (row.seq, row.hash) != (seq, last):
        return _grown(store, row, seq, last)
    if row.record_seq is None:
        return ""
    found = AuditTable(store).after(row.record_seq - 1, 1)
    if not found or found[0].seq != row.record_seq:  # it went because it was old
        return ""
    told = _parsed(found[0].after or "null")
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


_SEQ, _PLACE, _FED, _TEXTS = 1, 2, 8, 11
"""Positions in a row of its number, its place and its result's kind, and of its first JSON value."""


def copy_rows(session: Session, of: str, taken: KeptRows, one: Starting, secrets: Sequence[str]) -> None:
    """Copies rows, page by page, into a run that has none; they are numbered anew where some are left out.

    Each run has placeholders of its own for its secrets, so those of the other one are replaced: what came to be known
    of a run that is over stands for nothing in this one.

    Raises: NotFound: there is no such run. Conflict: it has fewer rows. JournalMismatch: a value was altered.
    """
    nonce = nonce_of(session, of)
    if nonce is None:
        raise NotFound(f"there is no run {of[:80]}", remedy="see the list of runs")
    mine, theirs = placeholders(one.nonce, secrets), placeholders(nonce, secrets)
    renamed = _Renamed(session, one.id, {theirs[name]: mine[name] for name in secrets})
    seq, after, last, among = 0, 0, one.genesis, taken.sieve()
    while after < taken.until and (page := first_rows(session, of, after, min(PAGE, taken.until - after))):
        rows = []
        for row in page:
            after = int(row[_SEQ])
            if not among(after, row[_PLACE], row[_FED] is not None):
                continue
            seq += 1
            columns = (seq, *row[_SEQ + 1 : _TEXTS], *(renamed.text(text) for text in row[_TEXTS:-1]))
            last = step_hash(last, columns)
            rows.append((one.id, *columns, last))
        add_steps(session, rows)
    if after < taken.until:
        raise Conflict(f"{of[:80]} has {after} rows only", remedy="begin from one of them")
    share_values(session, of, one.id)
    set_head(session, one.id, seq, last)


class _Renamed:
    """Texts of rows, with some placeholders in place of others. They have no sign that JSON writes otherwise."""

    def __init__(self, session: Session, run: str, by: Mapping[str, str]) -> None:
        self._session, self._run, self._by = session, run, by
        self._values: dict[str, str] = {}

    def text(self, text: Any) -> Any:
        """The text of a column, or what names the value that it stands for now."""
        if not self._by or text is None:
            return text
        found = named(text)
        if found is None:
            return self._in(text)
        if text not in self._values:
            self._values[text] = self._value(text, found[0])
        return self._values[text]

    def _value(self, text: str, digest: str) -> str:
        data = value_of(self._session, digest)
        if data is None or PREFIX not in data:
            return text
        if reference(data)[0] != digest:
            raise JournalMismatch(f"the value {digest} of a run was altered in the database", remedy="restore a backup")
        data = self._in(data)
        made, name = reference(data)
        add_values(self._session, [(made, data)], [(self._run, made)])
        return name

    def _in(self, text: str) -> str:
        if PREFIX in text:
            for theirs, mine in self._by.items():
                text = text.replace(theirs, mine)
        return text
