"""Runs as people see them, with names in place of secrets, and how they begin."""

from __future__ import annotations

import asyncio
import logging
import re
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, cast

from omnicore.errors import CapacityReached, Conflict, HostLost, InvalidInput, NotFound
from omnicore.ids import OrderedIds
from omnicore.jobs.engine import RunView, StepView
from omnicore.records import replace
from omnicore.storage.tables.run_searches import RunFilter, RunSearch
from omnicore.storage.tables.workflow_runs import RunRow, RunsTable, StepRow, StepsTable
from omnicore.storage.tables.workflow_triggers import is_told
from omnicore.workflows.definitions import Definitions, Present
from omnicore.workflows.entries import Start, StepAction
from omnicore.workflows.expressions.expression import Unanswered
from omnicore.workflows.faults import Fault
from omnicore.workflows.journal_queries import JournalReader
from omnicore.workflows.journal_records import Beginning, ordered
from omnicore.workflows.language.edits import changed_tasks
from omnicore.workflows.language.graph import ForTask, RunTask, WorkflowGraph, name_of
from omnicore.workflows.machine_tasks import conform
from omnicore.workflows.progress import KeptRows, checked, fitting, taken_over
from omnicore.workflows.steps.step import ANSWERED, hops_of, marked, placeholders, told
from omnicore.workflows.trials import TrialRecord
from omnicore.workflows.view import (
    Page,
    PlannedStep,
    RetryPlan,
    RunComparison,
    RunTimeline,
    compared,
    met,
    shortened,
    timeline,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from omnicore.clock import Clock
    from omnicore.config.settings import WorkflowSettings
    from omnicore.jobs.engine import NewRun, RunStatus, Started, StepStatus
    from omnicore.storage.store import Store
    from omnicore.workflows.journal import Journal
    from omnicore.workflows.live import LiveRun
    from omnicore.workflows.runner import Runner


_log = logging.getLogger("omnicore.workflows")


_MOST = 500
_FULL = 20
_RUN = re.compile(r"[A-Za-z0-9_-]{1,80}")


class RunReader:
    """Reads runs and their rows. It blocks, so it is used on threads.

    Args:
        secrets: the names of a document's secrets, by its digest.
    """

    def __init__(self, store: Store, secrets: Callable[[str], tuple[str, ...]]) -> None:
        self.runs, self._steps, self._reading = RunsTable(store), StepsTable(store), JournalReader(store)
        self._secrets, self._store = secrets, store
        self._search = RunSearch(store)
        self.labels = self._search.labels

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
        row = self.row(run)
        return self._view(row, whole=True, labels=self.labels([run]).get(run, ()))

    def search(self, wanted: RunFilter, limit: int, cursor: str) -> Page:
        """Runs that a filter wants, newest first, their values shortened. Raises: InvalidInput: the cursor."""
        limit = max(1, min(limit, _MOST))
        rows, then = self._search.page(wanted, limit, _cursor(cursor))
        return Page(self._views(rows), then)

    def page(self, workflow: str | None, status: str | None, limit: int, cursor: str) -> Page:
        """Runs, newest first, their values shortened. Raises: InvalidInput: the cursor."""
        limit = max(1, min(limit, _MOST))
        rows = self.runs.page(workflow, status, limit + 1, _cursor(cursor))
        return Page(self._views(rows[:limit]), rows[limit - 1].id if len(rows) > limit else None)

    def steps(self, run: str, after: int, limit: int) -> Page:
        """Rows of a run, their values shortened. Raises: NotFound."""
        row = self.row(run)
        limit = max(1, min(limit, _MOST))
        names = self._names(row)
        found = self._steps.page(run, after, limit + 1)
        shown = [self._step(one, names, whole=False) for one in found[:limit]]
        return Page(shown, str(shown[-1].seq) if len(found) > limit else None)

    def results(self, run: str, after: int, limit: int) -> list[StepView]:
        """Rows of a run in full. Raises: NotFound."""
        names = self._names(self.row(run))
        return [self._step(one, names, whole=True) for one in self._steps.page(run, after, max(1, min(limit, _MOST)))]

    def timeline(self, run: str, after: int, limit: int) -> RunTimeline:
        """The spans of so many rows of a run, on one line of time. Raises: NotFound."""
        page = self.steps(run, after, limit)
        return timeline(self.view(run), page.items, first=after == 0, following=page.next)

    def compared(self, first: str, second: str) -> RunComparison:
        """Two runs of one workflow, step by step. Raises: NotFound. InvalidInput: they are of two workflows."""
        one, other = self.view(first), self.view(second)
        return compared((one, *met(self._results(one))), (other, *met(self._results(other))))

    def _results(self, run: RunView) -> Iterator[StepView]:
        after = 0
        while page := self.results(run.id, after, _FULL):  # values in full may be large
            yield from page
            after = page[-1].seq

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

    def failed_at(
        self, row: RunRow, place: str | None, graph: WorkflowGraph, other: WorkflowGraph | None = None
    ) -> KeptRows:
        """The rows that a retry takes over, see `taken_over`. Raises: NotFound: nothing happened at the place.

        Args: other: the version that goes on, where it is not the one that ran.
        """

        def parallel(path: str) -> bool:
            node = graph.nodes.get(path)
            return isinstance(node, ForTask) and node.at_once > 1

        changed = None if other is None else _changes(graph, other)
        taken = taken_over(self._rows(row.id), place, status=row.status, parallel=parallel, changed=changed)
        if taken is None:
            raise NotFound(f"{row.id} never came to {(place or '')[:200]!r}", remedy="look at its steps", run=row.id)
        given, trigger = self.given(row)
        runs = other or graph
        start = Start(row.id, given, row.created_at, trigger, placeholders(row.nonce, runs.secrets))
        fit = checked if other is None else fitting
        return fit(taken, runs, start, lambda: map(self._reading.entry, self._rows(row.id)))

    def plan(
        self, row: RunRow, taken: KeptRows, number: int, graph: WorkflowGraph, other: WorkflowGraph | None = None
    ) -> RetryPlan:
        """The steps of a run that a retry keeps, and those that it does again, with the reason.

        Args: other: the version that goes on, where it is not the one that ran.
        """
        among = taken.sieve()
        kept, again = dict[str, PlannedStep](), dict[str, PlannedStep]()
        changed = None if other is None else _changes(graph, other)
        for one in self._rows(row.id):
            is_kept = among(one.seq, one.place, one.fed is not None)
            if not one.name or one.status not in ("completed", "faulted"):
                continue
            if is_kept:
                kept.setdefault(one.place, PlannedStep(one.place, one.path, one.name, one.kind))
            else:
                why = _reason(one, changed)
                again.setdefault(one.place, PlannedStep(one.place, one.path, one.name, one.kind, why))
        left = [one for place, one in again.items() if place not in kept]
        return RetryPlan(number, tuple(kept.values())[:_MOST], tuple(left[:_MOST]))

    def record(self, run: str) -> TrialRecord:
        """The values that a run has recorded, for a trial; names in place of secrets. Raises: NotFound."""
        names = self._names(self.row(run))
        steps, inputs, answers = dict[str, Any](), dict[str, Any](), dict[str, Any]()

        def value(text: str | None) -> Any:
            return marked(self._reading.value(text), names)

        for one in self._rows(run):
            if not one.name:
                continue
            inputs[one.path] = value(one.input)
            if one.status == "completed":
                result = value(one.result)
                steps[one.name] = result if one.output is None else value(one.output)
                if one.kind in ANSWERED:
                    answers[one.place] = result
        return TrialRecord(steps, inputs, answers)

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

    def _views(self, rows: Sequence[RunRow]) -> list[RunView]:
        labels = self.labels([row.id for row in rows])
        return [self._view(row, whole=False, labels=labels.get(row.id, ())) for row in rows]

    def _view(self, row: RunRow, *, whole: bool, labels: tuple[str, ...] = ()) -> RunView:
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
            told(shown(row.trigger) or {}),
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
            labels,
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


def _changes(before: WorkflowGraph, after: WorkflowGraph) -> Callable[[str], bool]:
    """Tells of a path if its task, or one around it, is another one in a later version."""
    changed = changed_tasks(before.document, after.document)

    def is_changed(path: str) -> bool:
        steps = path.split("/")
        return any("/".join(steps[:length]) in changed for length in range(4, len(steps) + 1))

    return is_changed


def _reason(row: StepRow, changed: Callable[[str], bool] | None) -> Literal["failed", "changed", "follows"]:
    """The reason why a retry does a step again."""
    if changed is not None and changed(row.path):
        return "changed"
    return "failed" if row.status == "faulted" else "follows"


def _cursor(text: str) -> str | None:
    if text and not _RUN.fullmatch(text):
        raise InvalidInput("the cursor is not one of ours", remedy="pass `next` of the page before", path="cursor")
    return text or None


_COUNT_S = 1.0
_COUNT_SHARE = 50.0


@dataclass(slots=True)
class TriedVersion:
    """A present version that is tried on a share of the runs, in per cent; the others begin with the one before."""

    version: int
    before: int
    share: int
    owed: int = 0

    def chosen(self, present: int) -> int:
        """The version of the next run: of each hundred in a row exactly the share gets the tried one."""
        if present != self.version:  # somebody applied another one, which ends the trial
            return present
        self.owed += self.share
        if self.owed < 100:
            return self.before
        self.owed -= 100
        return self.version


class RunStarter:
    """Begins runs from a name and an input, in this host if it has room. Belongs to one event loop.

    Args: runner: None in a process that only asks: then others claim what is started here.
    """

    def __init__(
        self,
        journal: Journal,
        definitions: Definitions,
        runs: RunsTable,
        *,
        settings: WorkflowSettings,
        clock: Clock,
    ) -> None:
        self._journal, self._definitions, self._runs = journal, definitions, runs
        self._settings, self._clock = settings, clock
        self.runner: Runner | None = None
        self.tried: dict[str, TriedVersion] = {}
        """By workflow: its present version gets only a share of the runs."""
        self._ids = OrderedIds("run")
        self._pending, self._count_due = 0, 0.0

    async def order(
        self, workflow: str, given: Any, how: Beginning, *, number: int | None = None, version: str | None = None
    ) -> NewRun:
        """The run to begin. Raises: NotFound. Conflict: it is switched off. InvalidInput. CapacityReached."""
        present = await self._definitions.present(workflow)
        if number is None and version is None:
            tried = self.tried.get(workflow)
            number = tried.chosen(present.number) if tried is not None else None
        if number is not None and number != present.number:
            earlier = await self._definitions.numbered(workflow, number)
            present = Present(workflow, earlier.number, present.enabled, earlier.graph)
        if version not in (None, "latest", present.graph.version):
            present = await self._of_version(present, str(version))
        if not present.enabled:
            raise Conflict(f"{workflow} is switched off", remedy="switch it on first", workflow=workflow)
        await self._check_room()
        graph = present.graph
        if graph.simple:
            _check_input(graph, given)
            with suppress(Unanswered):
                return ordered(workflow, graph, present.number, given, how, hasty=True)
        await asyncio.to_thread(_check_input, graph, given)
        return await asyncio.to_thread(ordered, workflow, graph, present.number, given, how)

    async def begin(self, new: NewRun) -> Started:
        """Keeps a run. Raises: Conflict: as many as may run of its key do. LimitExceeded: the input is too large."""
        room = self.runner is not None and self.runner.room > 0
        try:
            started = await self._journal.start(new, room=room)
        except HostLost:  # this host was silent for too long, and nothing was kept: any host may take the run
            started = await self._journal.start(new, room=False)
        if started.refused:
            raise Conflict(
                f"{new.workflow} may not run more than {new.most} at once for {new.key!r}",
                remedy="wait until one of them has ended",
                workflow=new.workflow,
            )
        await self.adopt(new, started)
        return started

    async def adopt(self, new: NewRun, started: Started) -> None:
        """Takes up a run that the journal has kept, where it is this host's."""
        if started.owned and self.runner is not None:
            graph = self._definitions.graphs.at_hand(new.digest) or await self._definitions.graphs.get(new.digest)
            self.runner.begin(new, started, graph)

    async def quietly(
        self, workflow: str, given: Any, *, trigger: Mapping[str, Any], key: str | None, by: str
    ) -> NewRun | None:
        """The run that a trigger begins; None with a log line where there is none to begin."""
        try:
            return await self.order(workflow, given, Beginning(by=by, trigger=trigger, key=key))
        except (NotFound, Conflict, InvalidInput) as error:
            _log.warning("no run of %s begins for its %s: %s", workflow, trigger.get("kind", "trigger"), error)
            return None

    async def child(self, live: LiveRun, action: StepAction) -> NewRun:
        """The run that a `run` task begins; see `omnicore.workflows.live.Children`."""
        node = cast("RunTask", action.node)
        depth = live.context.depth + 1
        if depth > self._settings.most_depth:
            raise Conflict(
                f"workflows have begun one another {depth} times in a row",
                remedy="end the recursion",
            )
        about = {"kind": "workflow", "run": live.id, "place": action.place, "workflow": live.context.workflow}
        hops = hops_of(live.context.trigger)  # a circle of events that leads through it has an end as well
        how = Beginning(
            by=live.context.by,
            trigger={**about, "hops": hops} if hops else about,
            parent_run=live.id if node.wait else None,
            parent_place=action.place if node.wait else None,
            root=live.context.root,
            depth=depth,
            key=None,
            priority=live.priority,
        )
        # What stands for a secret means nothing there, and people see that run's input.
        given = marked(action.value, live.context.secrets)
        new = await self.order(name_of(node.workflow, node.namespace), given, how, version=node.version)
        # Who waits for a run waits for one of its own: another one's end would be told to its own parent alone.
        return replace(new, id=self._ids.next(), dedupe=None if node.wait else new.dedupe)

    # -- inner parts

    async def _of_version(self, present: Present, version: str) -> Present:
        """The newest one whose document says this version."""
        rows = await asyncio.to_thread(self._definitions.table.versions, present.workflow)
        for row in rows:
            graph = await self._definitions.graphs.get(row.digest)
            if graph.version == version:
                return Present(present.workflow, row.number, present.enabled, graph)
        raise NotFound(
            f"{present.workflow} has no version {version[:80]!r}",
            remedy="name one that it has, or `latest`",
            workflow=present.workflow,
        )

    async def _check_room(self) -> None:
        """Counted once a second at most: the limit keeps the disk from filling, it need not be exact."""
        began = self._clock.monotonic()
        if began >= self._count_due:
            self._count_due = began + _COUNT_S
            self._pending = sum((await asyncio.to_thread(self._runs.counts)).values())
            took_s = self._clock.monotonic() - began
            self._count_due = began + max(_COUNT_S, took_s * _COUNT_SHARE)
        if self._pending >= self._settings.max_pending:
            raise CapacityReached(
                f"{self._settings.max_pending} runs wait already",
                remedy="wait until some have ended",
            )


def _check_input(graph: WorkflowGraph, given: Any) -> None:
    schema = graph.root.data.input_schema
    if schema is None:
        return
    try:
        conform(given, schema, "input")
    except Fault as fault:
        raise InvalidInput(
            f"the input of {graph.name} is not as asked: {fault.detail or fault.title}",
            remedy="correct it",
            path="input",
        ) from fault
