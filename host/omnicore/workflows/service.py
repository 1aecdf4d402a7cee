"""`Workflows`: definitions and runs as the API, the commands and `host.workflows` use them."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

from omnicore.errors import NotFound
from omnicore.jobs.engine import RunView, StepView
from omnicore.records import decode, replace
from omnicore.storage.tables.run_searches import RunFilter, checked_labels
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import WorkflowGraph
from omnicore.workflows.progress import KeptRows
from omnicore.workflows.view import Definition, Page

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omnicore.workflows.engine import EmbeddedEngine
    from omnicore.workflows.runs import RunReader

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context
from typing import TYPE_CHECKING, Protocol, TypeVar

from omnicore.errors import (
    CallCancelled,
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    PermissionDenied,
    Unavailable,
    WorkflowFailed,
)
from omnicore.jobs.engine import ENDED
from omnicore.workflows.approvals import decided_already, may_decide
from omnicore.workflows.expressions.expression import expression
from omnicore.workflows.expressions.jq import asking_as
from omnicore.workflows.journal_records import Beginning
from omnicore.workflows.language.edits import diff
from omnicore.workflows.language.graph import ApprovalTask
from omnicore.workflows.language.palette import Known, known_of
from omnicore.workflows.live import Seats
from omnicore.workflows.steps.cloud_events import admitted
from omnicore.workflows.trials import TrialWishes
from omnicore.workflows.view import OpenView, RetryPlan, RunComparison, RunTimeline, WorkflowVersion

if TYPE_CHECKING:
    from collections.abc import Callable, Generator, Mapping, Sequence

    from omnicore.jobs.engine import Engine, NewRun, SignalKind, Started
    from omnicore.workflows.definitions import Definitions
    from omnicore.workflows.engine import EmbeddedEngine


_ADMIN = "admin"


class Rights:
    """Looks before a run begins; used on the host's event loop."""

    def __init__(self, definitions: Definitions, reader: RunReader) -> None:
        self._definitions, self._reader = definitions, reader

    async def check_version(self, workflow: str, number: int | None, role: str) -> None:
        """Raises: PermissionDenied: an earlier version, and no administrator asks. NotFound."""
        if role != _ADMIN and number is not None and number != (await self._definitions.present(workflow)).number:
            raise _denied(f"the version {number} of {workflow} is not the present one", workflow)

    async def check_again(self, row: RunView, role: str, *, until: int | None) -> None:
        """Checks that a run may begin that follows from another one.

        Args:
            until: how many rows of the other one it takes over; 0: it begins anew. None: it goes on where that failed.
        Raises: NotFound: the workflow was removed. Conflict: it is switched off. PermissionDenied: it runs what is not
            applied, or repeats what somebody of a higher role has approved once.
        """
        if row.trial:
            if role != _ADMIN:
                raise _denied(f"{row.id} ran a text that was not applied", row.workflow)
            return
        present = await self._definitions.present(row.workflow)
        if not present.enabled:
            raise Conflict(f"{row.workflow} is switched off", remedy="switch it on first", workflow=row.workflow)
        if role == _ADMIN or until is None:
            return
        if row.digest != present.graph.digest:
            raise _denied(f"{row.id} ran an earlier version of {row.workflow}", row.workflow)
        await self._check_decisions(row.id, present.graph, role, until)

    async def check_mended(self, row: RunView, role: str, version: int | None, *, until: int) -> None:
        """Checks that a run may go on in another version, with so many rows. Raises: as `check_again` does."""
        present = await self._definitions.present(row.workflow)
        if not present.enabled:
            raise Conflict(f"{row.workflow} is switched off", remedy="switch it on first", workflow=row.workflow)
        if row.trial and {"from", "to"} & row.trigger.keys():
            raise Conflict(f"{row.id} ran a part of the workflow", remedy="start another trial", run=row.id)
        if role == _ADMIN:
            return
        if row.trial:
            raise _denied(f"{row.id} ran a text that was not applied", row.workflow)
        await self.check_version(row.workflow, version, role)
        ran = await self._definitions.graphs.get(row.digest)
        await self._check_decisions(row.id, ran, role, until)

    async def _check_decisions(self, run: str, graph: WorkflowGraph, role: str, until: int) -> None:
        above = {
            path: node.role
            for path, node in graph.nodes.items()
            if isinstance(node, ApprovalTask) and not may_decide(role, node.role)
        }
        found = await asyncio.to_thread(self._reader.decided, run, until) if above else ()
        taken = next((above[path] for path in found if path in above), None)
        if taken is not None:
            raise PermissionDenied(
                f"{run} holds a decision of {taken}, which counts once",
                remedy=f"begin from a step before it, or ask somebody who is {taken}",
                resource=run,
            )


def _denied(fact: str, workflow: str) -> PermissionDenied:
    return PermissionDenied(fact, remedy="ask an administrator to run it", resource=workflow)


_T = TypeVar("_T")
_MOST = 32


class WorkerThread:
    """A thread of its own, made when it is first needed. Used on one event loop.

    Args: most: what may wait for its turn.
    """

    def __init__(self, most: int = _MOST) -> None:
        self._most, self._waiting = most, 0
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="omnicore-workflow-desk")

    async def do(self, work: Callable[[], _T]) -> _T:
        """The result of the work. Work whose caller has gone before its turn is skipped. Raises: CapacityReached."""
        if self._waiting >= self._most:
            raise CapacityReached(
                f"{self._most} texts and expressions wait to be checked already", remedy="try again in a moment"
            )
        self._waiting += 1
        try:
            with asking_as("people"):
                context = copy_context()
            return await asyncio.get_running_loop().run_in_executor(self._thread, context.run, work)
        finally:
            self._waiting -= 1

    def close(self) -> None:
        """Ends the thread; what waits is left out."""
        self._thread.shutdown(wait=False, cancel_futures=True)


class _Runs(Protocol):
    """The part of the service that a handle uses."""

    async def output(self, run: str) -> Any: ...

    async def run_view(self, run: str) -> RunView: ...

    async def cancel(self, run: str, *, by: str = "host") -> RunView: ...


class RunHandle:
    """A run. Awaiting it gives the output once it has completed, on whichever host it ran.

    Raises: WorkflowFailed: it faulted; details: `run`, `fault`. CallCancelled: somebody cancelled it.

    Args: duplicate: the start had the key of an earlier one, and this is that one's run.
    """

    __slots__ = ("_runs", "duplicate", "id")

    def __init__(self, runs: _Runs, run: str, *, duplicate: bool = False) -> None:
        self.id = run
        self.duplicate = duplicate
        self._runs = runs

    def __await__(self) -> Generator[Any, None, Any]:
        return self._wait().__await__()

    async def view(self) -> RunView:
        """The run as it stands."""
        return await self._runs.run_view(self.id)

    async def cancel(self, *, by: str = "host") -> RunView:
        """Has it cancelled. Raises: Conflict: it is over."""
        return await self._runs.cancel(self.id, by=by)

    async def _wait(self) -> Any:
        return await self._runs.output(self.id)


def failed(run: str, fault: Fault | None) -> WorkflowFailed:
    """The error raised for somebody who waits for a run that failed."""
    told = fault or Fault("runtime", 500, "the run faulted")
    about = ": ".join(part for part in (told.title, told.detail) if part)
    return WorkflowFailed(
        f"{run} faulted{f' at {told.instance}' if told.instance else ''}: {about}",
        remedy=f"once the cause is gone, retry it: `omnicore workflows retry {run}`",
        run=run,
        fault=told.to_json(),
    )


_LOOK_S = 2.0
_NOTHING: Any = object()


class Workflows:
    """Definitions, runs and what people do with them. All coroutines are for the host's own event loop.

    ```python
    await host.workflows.apply(text)
    output = await host.workflows.run("greet", {"name": "Ada"})
    handle = await host.workflows.start("greet", {"name": "Ada"})
    output = await handle
    ```

    Args:
        engine: keeps definitions, and runs unless `runs` is given.
        runs: another engine that keeps and runs them. What its `features` lack is refused.
        palette: what steps may call, blocking.
        webhook: whether there is one of a name, blocking.
        forget: deletes what a removed workflow kept for itself, blocking.
    """

    def __init__(
        self,
        engine: EmbeddedEngine,
        *,
        palette: Callable[[], Mapping[str, Any]] = dict,
        webhook: Callable[[str], bool] = lambda name: True,
        forget: Callable[[str], None] = lambda workflow: None,
        runs: Engine | None = None,
    ) -> None:
        self.engine = engine
        self.runs: Engine = runs or engine
        self.definitions = engine.definitions
        self._starting, self._reader, self._approvals = engine.starting, engine.reader, engine.approvals
        self._palette, self._webhook, self._forget = palette, webhook, forget
        self._lists = Lists(engine)
        self.drafts = engine.definitions.drafts
        self.rights, self.desk = Rights(engine.definitions, engine.reader), WorkerThread()
        self.seats = Seats()
        """Of those who wait over the network; without one they are told at once that the run goes on."""

    # -- definitions

    async def apply(
        self,
        text: str | Mapping[str, Any],
        *,
        by: str = "host",
        new: bool | None = None,
        digest: str | None = None,
        workflow: str | None = None,
    ) -> Definition:
        """Keeps a definition, YAML or JSON text or a document; the same one again changes nothing.

        One in OmniFlow's node form is kept as the document that its nodes become.

        Args:
            new: True refuses when there is one of that name, False when there is none.
            digest: the version that was edited; refuses when there is a newer one.
            workflow: its id; refuses the definition of another.

        Raises: WorkflowInvalid: it is no workflow; details: `problems`. Conflict: see args. InvalidInput: it is
        another's. CapacityReached.
        """
        return await self.definitions.apply(text, by=by, new=new, digest=digest, workflow=workflow)

    async def validate(self, text: str | Mapping[str, Any]) -> tuple[Sequence[Any], Mapping[str, Any] | None]:
        """Problems (`omnicore.workflows.language.document.Problem`), and the document where it can be read at all.

        What it names and this host has not is a warning; the document of OmniFlow's nodes is what they become.
        """
        return await self.desk.do(lambda: self.definitions.problems(text, self.known()))

    def known(self) -> Known | None:
        """Names that this host has and workflows may use, blocking; None: nothing is known of them."""
        return known_of(self._palette(), webhook=self._webhook, workflow=self.definitions.has)

    async def page(self, *, limit: int = 50, cursor: str = "", q: str = "") -> Page:
        """Definitions by id without their texts, with the last run of each."""
        page = await self.definitions.page(limit=limit, cursor=cursor, q=q)
        return Page([self._lists.with_last_run(one) for one in page.items], page.next)

    async def get(self, workflow: str, number: int | None = None) -> Definition:
        """A definition; an earlier version with `number`. Raises: NotFound."""
        return await self.definitions.get(workflow, number)

    async def versions(self, workflow: str) -> Sequence[WorkflowVersion]:
        """Versions, the newest first. Raises: NotFound."""
        return await self.definitions.versions(workflow)

    async def version(self, workflow: str, number: int) -> WorkflowVersion:
        """One version with its text and document. Raises: NotFound."""
        one = await self.definitions.get(workflow, number)
        return WorkflowVersion(workflow, number, one.digest, one.changed_at, one.changed_by, one.text, one.document)

    async def diff(self, workflow: str, a: int, b: int) -> Sequence[Any]:
        """Changes from version `a` to `b`. Raises: NotFound."""
        before, after = [(await self.definitions.numbered(workflow, number)).graph for number in (a, b)]
        return await asyncio.to_thread(diff, before, after)

    async def remove(self, workflow: str) -> None:
        """Removes a definition with its triggers; its runs stay and those under way go on. Raises: NotFound."""
        await self.definitions.remove(workflow)
        await asyncio.to_thread(self._forget, workflow)

    async def switch(self, workflow: str, *, on: bool, by: str = "host") -> Definition:
        """Lets triggers and people start it, or not. Raises: NotFound."""
        return await self.definitions.switch(workflow, on=on)

    # -- runs begin

    async def run(
        self,
        workflow: str,
        input: Any = None,
        *,
        timeout_s: float | None = None,
        key: str | None = None,
        by: str = "host",
    ) -> Any:
        """Starts a run and waits for its output. After `timeout_s` it goes on without the caller.

        Raises: NotFound. WorkflowFailed. CallCancelled. DeadlineExceeded. Conflict: switched off, or full.
        """
        handle = await self.start(workflow, input, key=key, by=by)
        return await self.output(handle.id, timeout_s=timeout_s)

    async def start(
        self,
        workflow: str,
        input: Any = None,
        *,
        key: str | None = None,
        by: str = "host",
        trigger: Mapping[str, Any] | None = None,
        number: int | None = None,
        priority: int | None = None,
        labels: Sequence[str] = (),
    ) -> RunHandle:
        """Starts a run; it is kept when this returns. With the `key` of an earlier start it is that one's run.

        Raises: NotFound. InvalidInput: the input breaks the schema, or a label is none. LimitExceeded: it is too large.
        Conflict: switched off, or as many as may run of its concurrency key do. CapacityReached.
        """
        begun = trigger or {"kind": "manual"}
        how = Beginning(
            by=by, trigger=begun, key=key, priority=priority, labels=checked_labels(labels) if labels else ()
        )
        new = await self._starting.order(workflow, input, how, number=number)
        return await self._begun(new)

    async def trial(
        self,
        workflow: str,
        text: str | Mapping[str, Any],
        input: Any = _NOTHING,
        *,
        from_path: str | None = None,
        variables: Mapping[str, Any] | None = None,
        wishes: TrialWishes | None = None,
        by: str = "host",
    ) -> RunHandle:
        """Starts a run of a text that is not applied, under a workflow's name; from a task on with `from_path`.

        Args:
            input: of the first task; where that is a later one and `wishes` names a run, it is the recorded one.
            variables: of loops around that task, see `omnicore.workflows.language.edits`.
            wishes: the part to run and the data of what is left out, instead of the two above.
        Raises: WorkflowInvalid. InvalidInput: it cannot begin there or lacks data, and why. Conflict: it is another's
            name. NotFound: the run. LimitExceeded.
        """
        wished = wishes or TrialWishes(first=from_path, variables=variables or {})
        given = () if input is _NOTHING else (input,)
        new = await self.engine.trial(workflow, text, wished, *given, by=by)
        return await self._begun(new)

    async def retry(
        self,
        run: str,
        place: str | None = None,
        *,
        version: int | None = None,
        by: str = "host",
        role: str = "admin",
    ) -> RunHandle:
        """A new run that goes on where one failed or was cancelled, or before `place`, with what was recorded by then.

        Args: version: number of the version that goes on; without, the one that ran. Recorded steps that are the same
            in it are kept; what changed, and what follows from that, runs again. `retry_plan` shows which.
        Raises: NotFound. Conflict: it has completed and no place is named, or it is not over. PermissionDenied.
        """
        return await self._forked(run, await self._retaken(run, place, version, role), by, version)

    async def retry_plan(
        self, run: str, place: str | None = None, *, version: int | None = None, role: str = "admin"
    ) -> RetryPlan:
        """The steps that the same `retry` would keep and do again; nothing is done. Raises: as `retry` does."""
        return await self.engine.plan(run, await self._retaken(run, place, version, role), version)

    async def _retaken(self, run: str, place: str | None, version: int | None, role: str) -> KeptRows:
        self._check_forks()
        row = await self.runs.query(run)
        if row.status not in ENDED or (place is None and row.status == "completed"):
            remedy = "name the step that it begins again from" if row.status in ENDED else "cancel it first"
            raise Conflict(f"{run} is {row.status}", remedy=remedy, run=run)
        taken = await self.engine.taken(run, place, version)
        if version not in (None, row.number):
            await self.rights.check_mended(row, role, version, until=taken.until)
            return taken
        failed = place is None and row.status == "faulted"  # to cancel is no way to have a decision count twice
        await self.rights.check_again(row, role, until=None if failed else taken.until)
        return taken

    async def fork(
        self, run: str, seq: int, input: Any = _NOTHING, *, by: str = "host", role: str = "admin"
    ) -> RunHandle:
        """A new run with the rows of another up to `seq`; with an input of its own it begins anew.

        Raises: NotFound. InvalidInput: the other has no such row.
        """
        self._check_forks()
        row = await self.runs.query(run)
        await self.rights.check_again(row, role, until=seq if input is _NOTHING else 0)
        if input is _NOTHING:
            return await self._forked(run, KeptRows(seq), by)
        new = await self.engine.again(run, by, input)
        return await self._begun(new)

    def _check_forks(self) -> None:
        if not self.runs.features.forks:
            raise Conflict("the engine of this host cannot continue from another run", remedy="start a new run")

    async def _forked(self, run: str, taken: KeptRows, by: str, version: int | None = None) -> RunHandle:
        started = await self.engine.fork(run, taken, by, version)
        return RunHandle(self, started.run)

    async def _begun(self, new: NewRun) -> RunHandle:
        started = await self.runs.begin(new)
        return RunHandle(self, started.run, duplicate=not started.new)

    # -- what triggers need, see `omnicore.workflows.triggers.inbox.Runs`

    async def graph(self, workflow: str) -> WorkflowGraph | None:
        """The graph of the definition as it stands; None: it was removed or switched off."""
        try:
            present = await self.definitions.present(workflow)
        except NotFound:
            return None
        return present.graph if present.enabled else None

    async def graph_of(self, digest: str) -> WorkflowGraph | None:
        """The graph that runs are pinned to; None: nothing has it any more."""
        try:
            return await self.definitions.graphs.get(digest)
        except NotFound:
            return None

    async def ended_at(self, run: str) -> float | None:
        """The time at which a run ended; None: it goes on. Raises: NotFound."""
        return await self.engine.ended_at(run)

    async def order(
        self, workflow: str, input: Any, *, trigger: Mapping[str, Any], key: str | None = None, by: str = "trigger"
    ) -> NewRun | None:
        """The run that a trigger begins; None, with a log line, where there is none to begin."""
        return await self._starting.quietly(workflow, input, trigger=trigger, key=key, by=by)

    def adopt(self, new: NewRun, started: Started) -> RunHandle:
        """Takes up a run that the journal has kept."""
        self.engine.adopt(new, started)
        return RunHandle(self, started.run, duplicate=not started.new)

    async def carry(self, run: str) -> None:
        """Has a run, and those it began, run in this process unless other hosts do; for one that else only asks.

        It goes on with that until the host is closed; what is not over then is left to others. Raises: NotFound.
        """
        await self.engine.carry(run)
        if self.definitions.triggers is not None:
            self.definitions.triggers.dispatch()

    # -- events

    async def publish(self, *events: Mapping[str, Any]) -> int:
        """Publishes CloudEvents to workflows, durably, all or none; how many are new by source and id.

        Each has a `source` of its own and a `type`; `id` and `time` are made where there is none.

        Raises: InvalidInput: one is no event, or too large; details: `path`. Unavailable: nothing here hands them on.
        """
        triggers = self.definitions.triggers
        if triggers is None:
            raise Unavailable("this host hands no events to workflows", remedy="ask a host that does")
        now = self.engine.clock.now()
        return await triggers.publish_all(
            [admitted(one, f"/{number}" if events[1:] else "", now) for number, one in enumerate(events)]
        )

    # -- runs as they stand

    async def output(self, run: str, *, timeout_s: float | None = None) -> Any:
        """The output of a run, once it has completed.

        Raises: NotFound. WorkflowFailed: it faulted. CallCancelled. DeadlineExceeded: it goes on all the same.
        """
        try:
            async with asyncio.timeout(timeout_s) as limit:
                end = await self.runs.ended(run)
        except TimeoutError:
            if not limit.expired():
                raise
            raise DeadlineExceeded(
                f"{run} goes on longer than {timeout_s:g} s",
                remedy="look at it later, or wait longer",
                limit="timeout",
                allowed=timeout_s,
            ) from None
        if end.status == "completed":
            return end.output
        if end.status == "cancelled":
            raise CallCancelled(f"{run} was cancelled", run=run)
        raise failed(run, None if end.fault is None else Fault.of(end.fault))

    async def page_runs(
        self, *, workflow: str | None = None, status: str | None = None, limit: int = 50, cursor: str = "", **more: Any
    ) -> Page:
        """Runs, newest first, with their values shortened. Those that rest in this host's memory count as waiting.

        Args: more: further values of `RunFilter`: `label`, `owner`, `since`, `until`, `q`. With these a page may be
            short, or empty, and others follow: a request looks at 5,000 runs at most.

        Raises: InvalidInput: the filter or the cursor.
        """
        wanted = decode(RunFilter, {"workflow": workflow, "status": status, **more}, "list")
        if wanted.plain:
            return await self._lists.page(workflow, status, limit, cursor)
        return await self._lists.search(wanted, limit, cursor)

    async def dead(self, *, limit: int = 50, cursor: str = "") -> Page:
        """Faulted runs, newest first."""
        return await self.page_runs(status="faulted", limit=limit, cursor=cursor)

    async def run_view(self, run: str) -> RunView:
        """A run with its values in full. Raises: NotFound."""
        return await self.runs.query(run)

    async def steps(self, run: str, *, after: int = 0, limit: int = 100) -> Page:
        """Rows of its journal, long values shortened; `next` is the seq to go on after. Raises: NotFound."""
        return await asyncio.to_thread(self._reader.steps, run, after, limit)

    async def step(self, run: str, seq: int) -> StepView:
        """A row with its values in full. Raises: NotFound."""
        return await asyncio.to_thread(self._reader.step, run, seq)

    async def timeline(self, run: str, *, after: int = 0, limit: int = 100) -> RunTimeline:
        """Its spans on one line of time, down to calls of the host. Raises: NotFound."""
        return await asyncio.to_thread(self._reader.timeline, run, after, limit)

    async def compared(self, run: str, other: str) -> RunComparison:
        """It and another run of its workflow, step by step. Raises: NotFound. InvalidInput: of another workflow."""
        return await asyncio.to_thread(self._reader.compared, run, other)

    async def open(self, run: str) -> Sequence[OpenView]:
        """Open actions and waits of the run. Raises: NotFound."""
        return await self.engine.open_of(run)

    async def audit(self, run: str) -> Mapping[str, Any]:
        """The result of checking the hashes of its rows. Raises: NotFound. Conflict: the engine does not chain them."""
        if not self.runs.features.chained:
            raise Conflict("the engine of this host does not chain the rows of a run", remedy="look at its steps")
        found = await self.engine.verify(run)
        shown: dict[str, Any] = {"ok": found.ok, "rows": found.rows, "hash": found.hash, "record_seq": found.record_seq}
        return shown if found.ok else {**shown, "fact": found.fact, "seq": found.seq}

    # -- people

    async def cancel(self, run: str, *, by: str = "host") -> RunView:
        """Has it cancelled, with the runs it began. Raises: NotFound. Conflict: it is over."""
        return await self._tell(run, "cancel", by)

    async def suspend(self, run: str, *, by: str = "host") -> RunView:
        """Lets it rest until `resume`: what is under way ends, nothing new begins. Raises: NotFound. Conflict."""
        return await self._tell(run, "suspend", by)

    async def resume(self, run: str, *, by: str = "host") -> RunView:
        """Lets a suspended one go on. Raises: NotFound. Conflict."""
        return await self._tell(run, "resume", by)

    async def approvals(
        self, *, role: str = "admin", limit: int = 50, cursor: str = "", run: str | None = None
    ) -> Page:
        """Decisions that somebody of this role may take, of the newest runs first, or of one run."""
        return await asyncio.to_thread(self._approvals.page, role, limit, cursor, run)

    async def decide(
        self, run: str, place: str, *, approve: bool, form: Any = None, by: str = "host", role: str = "admin"
    ) -> None:
        """Takes a decision. Raises: NotFound. PermissionDenied. InvalidInput: the form. Conflict: it was taken."""
        check = self._approvals.check
        await asyncio.to_thread(lambda: check(run, place, approve=approve, form=form, role=role))
        said = {"approved": approve, "form": form, "by": by}
        if not await self.runs.signal(run, "approval", place, said, key=f"approval:{place}"):
            raise decided_already(run, place)

    async def _tell(self, run: str, kind: SignalKind, by: str) -> RunView:
        signalled = await self.runs.signal(run, kind, data={"by": by}, key=kind)
        view = await self.run_view(run)
        if not signalled and view.status in ENDED:
            raise Conflict(f"{run} is {view.status} already", remedy="there is nothing left to do", run=run)
        return view

    # -- the editor's

    async def evaluate(self, expression_: str, data: Any, variables: Mapping[str, Any] | None = None) -> Any:
        """The value of a runtime expression, `${ ... }` or bare. Raises: ExpressionInvalid. Fault."""
        return await self.desk.do(lambda: expression(expression_)(data, dict(variables or {})))

    async def palette(self) -> Mapping[str, Any]:
        """The palette {plugins, connectors, host}, as `GET /workflows/palette` has it."""
        return await asyncio.to_thread(self._palette)


class Lists:
    """Used on the engine's event loop.

    A run that waits for a moment leaves memory only when that is far enough away (`workflows.park_s`); until then its
    row says `running`, for to write each wait would cost as much as a step.
    """

    def __init__(self, engine: EmbeddedEngine) -> None:
        self._engine, self._reader = engine, engine.reader

    async def page(self, workflow: str | None, status: str | None, limit: int, cursor: str) -> Page:
        """See `Workflows.page_runs`. A page of `running` may be shorter than it might: some of them wait."""
        page = await asyncio.to_thread(self._reader.page, workflow, status, limit, cursor)
        shown = [self._engine.as_it_is(one) for one in page.items]
        if status == "running":
            shown = [one for one in shown if one.status == status]
        if status != "waiting":
            return Page(shown, page.next)
        resting = await asyncio.to_thread(self._reader.some, self._engine.resting(cursor), workflow, limit)
        waiting = {one.id: one for one in [*map(self._engine.as_it_is, resting), *shown] if one.status == status}
        found = sorted(waiting, reverse=True)
        return Page([waiting[run] for run in found[:limit]], found[limit - 1] if len(found) > limit else page.next)

    async def search(self, wanted: RunFilter, limit: int, cursor: str) -> Page:
        """See `Workflows.page_runs`."""
        page = await asyncio.to_thread(self._reader.search, wanted, limit, cursor)
        shown = [self._engine.as_it_is(one) for one in page.items]
        return Page([one for one in shown if wanted.status in (None, one.status)], page.next)

    def with_last_run(self, one: Definition) -> Definition:
        """A workflow of a list whose last run is as it is now."""
        last = one.last_run
        if last is None or last["status"] != "running" or not self._engine.rests(last["id"]):
            return one
        return replace(one, last_run={**last, "status": "waiting"})
