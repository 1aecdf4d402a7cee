"""Runs as people see them: long values shortened, and names in place of secrets."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, cast

from omnicore.errors import InvalidInput, NotFound
from omnicore.storage.tables.workflow_runs import RunRow, RunsTable, StepRow, StepsTable
from omnicore.storage.tables.workflow_triggers import is_told
from omnicore.workflows.entries import Start
from omnicore.workflows.faults import Fault
from omnicore.workflows.journal_queries import JournalReader
from omnicore.workflows.language.graph import ForTask, WorkflowGraph
from omnicore.workflows.progress import KeptRows, checked, taken_over
from omnicore.workflows.steps.step import marked, placeholders
from omnicore.workflows.view import Page, RunView, StepView, shortened

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from omnicore.storage.store import Store
    from omnicore.workflows.view import RunStatus, StepStatus

__all__ = ["RunReader"]


_MOST = 500
_RUN = re.compile(r"[A-Za-z0-9_-]{1,80}")


class RunReader:
    """Reads runs and their rows. It blocks, so it is used on threads.

    Args:
        secrets: the names of a document's secrets, by its digest.
    """

    def __init__(self, store: Store, secrets: Callable[[str], tuple[str, ...]]) -> None:
        self.runs, self._steps, self._reading = RunsTable(store), StepsTable(store), JournalReader(store)
        self._secrets, self._store = secrets, store

    def told(self, run: str, place: str) -> bool:
        """True if the end of a run that was begun at a place waits to be taken."""
        return is_told(self._store, run, "child", place)

    def row(self, run: str) -> RunRow:
        """A run's row. Raises: NotFound."""
        row = self.runs.get(run)
        if row is None:
            raise NotFound(f"there is no run {run[:200]!r}", remedy="look at the list of runs", run=run[:200])
        return row

    def some(self, runs: Sequence[str], workflow: str | None, most: int) -> list[RunView]:
        """The first of some runs that are kept as running, of one workflow if it is named, their values shortened."""
        found: list[RunView] = []
        for run in runs:
            row = self.runs.get(run) if len(found) <= most else None
            if row is not None and row.status == "running" and workflow in (None, row.workflow):
                found.append(self._view(row, whole=False))
        return found

    def view(self, run: str) -> RunView:
        """A run with its values in full. Raises: NotFound."""
        return self._view(self.row(run), whole=True)

    def page(self, workflow: str | None, status: str | None, limit: int, cursor: str) -> Page:
        """Runs, newest first, their values shortened. Raises: InvalidInput: the cursor."""
        if cursor and not _RUN.fullmatch(cursor):
            raise InvalidInput("the cursor is not one of ours", remedy="pass `next` of the page before", path="cursor")
        limit = max(1, min(limit, _MOST))
        rows = self.runs.page(workflow, status, limit + 1, cursor or None)
        shown = [self._view(row, whole=False) for row in rows[:limit]]
        return Page(shown, rows[limit - 1].id if len(rows) > limit else None)

    def steps(self, run: str, after: int, limit: int) -> Page:
        """Rows of a run, their values shortened. Raises: NotFound."""
        row = self.row(run)
        limit = max(1, min(limit, _MOST))
        names = self._names(row)
        found = self._steps.page(run, after, limit + 1)
        shown = [self._step(one, names, whole=False) for one in found[:limit]]
        return Page(shown, str(shown[-1].seq) if len(found) > limit else None)

    def step(self, run: str, seq: int) -> StepView:
        """A row in full. Raises: NotFound."""
        names = self._names(self.row(run))
        found = self._steps.page(run, seq - 1, 1)
        if not found or found[0].seq != seq:
            raise NotFound(f"{run} has no step {seq}", remedy="look at its steps", run=run)
        return self._step(found[0], names, whole=True)

    def decided(self, run: str, until: int) -> list[str]:
        """The paths of the approvals that were decided within its first rows."""
        return self._steps.decided(run, until)

    def failed_at(self, row: RunRow, place: str | None, graph: WorkflowGraph) -> KeptRows:
        """The rows that a retry takes over, see `taken_over`. Raises: NotFound: nothing happened at the place."""

        def parallel(path: str) -> bool:
            node = graph.nodes.get(path)
            return isinstance(node, ForTask) and node.at_once > 1

        taken = taken_over(self._rows(row.id), place, status=row.status, parallel=parallel)
        if taken is None:
            raise NotFound(f"{row.id} never came to {(place or '')[:200]!r}", remedy="look at its steps", run=row.id)
        given, trigger = self.given(row)
        start = Start(row.id, given, row.created_at, trigger, placeholders(row.nonce, graph.secrets))
        return checked(taken, graph, start, lambda: map(self._reading.entry, self._rows(row.id)))

    def _rows(self, run: str) -> Iterator[StepRow]:
        after = 0
        while page := self._steps.page(run, after, _MOST):
            yield from page
            after = page[-1].seq

    def outcome(self, run: str) -> tuple[str, Any, Fault | None]:
        """Status, output and fault of a run, as they are. Raises: NotFound."""
        row = self.row(run)
        fault = self._reading.value(row.fault)
        return row.status, self._reading.value(row.output), None if fault is None else Fault.of(fault)

    def given(self, row: RunRow) -> tuple[Any, Mapping[str, Any]]:
        """The input and the trigger of a run, as they are."""
        return self._reading.value(row.input), self._reading.value(row.trigger)

    # -- inner parts

    def _names(self, row: RunRow) -> dict[str, str]:
        names = self._secrets(row.digest)
        return placeholders(row.nonce, names) if names else {}

    def _view(self, row: RunRow, *, whole: bool) -> RunView:
        names = self._names(row)

        def shown(text: str | None) -> Any:
            value = marked(self._reading.value(text), names)
            return value if whole else shortened(value)[0]

        return RunView(
            row.id,
            row.workflow,
            row.number or None,
            row.digest,
            cast("RunStatus", row.status),
            shown(row.trigger) or {},
            row.created_by,
            row.created_at,
            row.started_at,
            row.ended_at,
            row.due_at if row.status in ("waiting", "pending") else None,
            row.priority,
            shown(row.input),
            shown(row.output),
            shown(row.fault),
            row.parent_run,
            row.forked_from,
            row.seq,
            row.hash,
            bool(row.trial),
        )

    def _step(self, row: StepRow, names: Mapping[str, str], *, whole: bool) -> StepView:
        given, result, output, fault, meta = (
            marked(self._reading.value(text), names)
            for text in (row.input, row.result, row.output, row.fault, row.meta)
        )
        output = result if row.output is None else output
        cut = False
        if not whole:
            (given, one), (output, two) = shortened(given), shortened(output)
            cut = one or two
        return StepView(
            row.seq,
            row.place,
            row.path,
            row.name,
            row.kind,
            cast("StepStatus", row.status),
            row.attempt,
            row.at,
            row.began_at,
            given,
            output,
            fault,
            meta or {},
            cut,
        )
