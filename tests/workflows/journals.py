"""Journals for tests, and entries as `Progress` makes them."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from omnicore.clock import Clock, ManualClock
from omnicore.jobs.engine import NewRun
from omnicore.storage.store import Session, Store
from omnicore.storage.tables.audit import AuditRow
from omnicore.workflows.entries import JournalEntry, StepResult
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_records import RunRecord, Signal

__all__ = ["DIGEST", "Breaking", "Sizes", "done", "entry", "everything", "journal_on", "new", "step"]

DIGEST = "d" * 64
TABLES = ("runs", "steps", "values", "value_refs", "signals", "waits", "events", "keys", "rates", "dedupe", "drops")


@dataclass(frozen=True)
class Sizes:
    """The journal's settings, small."""

    inline_bytes: int = 256
    value_bytes: int = 100_000
    run_bytes: int = 10_000_000
    audit: bool = True
    event_s: float = 3600.0


class Told:
    """What a journal told its host."""

    def __init__(self) -> None:
        self.woken = 0
        self.signals: list[Signal] = []
        self.signed: list[AuditRow] = []

    def woke(self) -> None:
        self.woken += 1

    def sign(self, rows: Sequence[AuditRow]) -> None:
        self.signed += rows


@asynccontextmanager
async def journal_on(
    store: Store, clock: Clock | None = None, sizes: Sizes | None = None, told: Told | None = None
) -> AsyncIterator[Journal]:
    """An open journal; closed with the block."""
    told = told or Told()
    journal = Journal(
        store,
        clock or ManualClock(),
        sizes or Sizes(),
        signed=told.sign,
        woke=told.woke,
        signalled=told.signals.append,
    )
    await journal.open()
    yield journal
    await journal.close()


def new(**more: Any) -> NewRun:
    """A run to begin."""
    return NewRun("orders", DIGEST, **{"input": {"n": 1}, **more})


def entry(seq: int, output: Any = None, *, input: Any = None, at: float = 1.0) -> JournalEntry:
    """The row of a step that was done."""
    place = f"/do/{seq}/step"
    result = StepResult("done", place, 1, at, output, None, at, {"plugin": "text"})
    return JournalEntry(seq, place, place, "step", "call", "completed", 1, True, at, at, input, result)


def step(run: str, seq: int, output: Any = None) -> RunRecord:
    """A step of a run that goes on."""
    return RunRecord(run, (entry(seq, output),))


def done(run: str, seq: int, output: Any = None) -> RunRecord:
    """The last step of a run."""
    return RunRecord(run, (entry(seq, output),), "completed", output=output)


def everything(store: Store) -> dict[str, list[Any]]:
    """All rows that belong to runs."""
    return {name: sorted(store.rows(f"SELECT * FROM workflow_{name}"), key=repr) for name in TABLES} | {
        "audit": store.rows("SELECT seq, hash FROM audit ORDER BY seq")
    }


class Breaking:
    """A store whose transactions break before their `at`-th statement from now on; 0: they do not."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self.at = 0
        self.count = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def apply_async(self, work: Callable[[Session], Any]) -> Any:
        def broken(session: Session) -> Any:
            return work(_BreakingSession(self, session))  # type: ignore[arg-type]

        return await self._store.apply_async(broken)

    def said(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise KeyError("broken here")


class _BreakingSession:
    def __init__(self, store: Breaking, session: Session) -> None:
        self._store, self._session = store, session

    def execute(self, *arguments: Any) -> Any:
        self._store.said()
        return self._session.execute(*arguments)

    def executemany(self, *arguments: Any) -> Any:
        self._store.said()
        return self._session.executemany(*arguments)
