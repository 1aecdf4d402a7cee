"""What can be asked of a journal without writing to it, and the care for what is old."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from itertools import takewhile
from typing import Any

from omnicore.errors import JournalMismatch
from omnicore.storage.store import Store
from omnicore.storage.tables.workflow_definitions import DefinitionsTable
from omnicore.storage.tables.workflow_limits import sweep_seen
from omnicore.storage.tables.workflow_runs import RunsTable
from omnicore.storage.tables.workflow_steps import genesis, rehashed
from omnicore.storage.tables.workflow_sweep import sweep_runs, sweep_steps
from omnicore.workflows.entries import Entry
from omnicore.workflows.journal_reading import PAGE, Reading, verified
from omnicore.workflows.journal_words import Verified

__all__ = ["Reads"]

_STEPS = 2000
_BATCHES = 20
_FIRST = (0.0, "")


class Reads:
    """The reading half of a journal. It waits for the database in threads."""

    def __init__(self, store: Store) -> None:
        self._store, self._reading = store, Reading(store)
        self._documents = _FIRST

    async def rows(self, run: str, after: int = 0) -> AsyncIterator[Entry]:
        """The rows of a run, read in pages. Raises: StorageFailed. JournalMismatch: one is not as it was written."""
        last = await asyncio.to_thread(self._hash_before, run, after)
        while page := await asyncio.to_thread(self._reading.steps.page, run, after, PAGE):
            for row in page:
                if rehashed(row, last) != row.hash:
                    raise JournalMismatch(
                        f"row {row.seq} of {run} was altered in the database",
                        remedy="look who can write there; begin a new run",
                        run=run,
                        seq=row.seq,
                    )
                last = row.hash
                if self._reading.is_large(row):
                    yield await asyncio.to_thread(self._reading.entry, row)
                else:
                    yield self._reading.entry(row)
            after = page[-1].seq

    async def value(self, text: str | None) -> Any:
        """The value of a column of a row: `input`, `output`, `fault` and `trigger` of runs, and of steps."""
        return await asyncio.to_thread(self._reading.value, text)

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
        if after > 0 and (found := self._reading.steps.page(run, after - 1, 1)):
            return found[0].hash
        row = RunsTable(self._store).get(run)
        return "" if row is None else genesis(row.id, row.workflow, row.digest, row.input, row.created_at)

    def _head(self, run: str) -> tuple[int, str]:
        found = self._reading.steps.head(run)
        if found is not None:
            return found
        row = RunsTable(self._store).get(run)
        return (0, "") if row is None else (row.seq, row.hash)
