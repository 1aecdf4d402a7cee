"""An engine of runs in memory: it proves that `jobs.Engine` is enough for the pure machine. It survives nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping, Sequence
from itertools import count
from typing import Any

from omnicore.errors import NotFound
from omnicore.jobs.engine import ENDED, Features, NewRun, RunEnd, RunView, SignalKind, Started, StepView
from omnicore.workflows.entries import (
    JournalEntry,
    Performer,
    RunChange,
    RunContext,
    RunOutcome,
    Start,
    StepAction,
    StepResult,
)
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import WorkflowGraph
from omnicore.workflows.progress import Progress

_RESULTS: Mapping[SignalKind, Any] = {"event": "event", "approval": "done"}


class _Kept:
    """A run with its rows and the tasks that do its actions."""

    def __init__(self, new: NewRun, graph: WorkflowGraph, run: str, now: float) -> None:
        self.new, self.run, self.at = new, run, now
        self.progress = Progress(graph, Start(run, new.input, now, new.trigger))
        self.context = RunContext(run, new.workflow, run, 0, new.trigger, {}, new.by)
        self.entries: list[JournalEntry] = []
        self.open: dict[str, StepAction] = {}
        self.under_way: dict[str, asyncio.Task[None]] = {}
        self.outcome: asyncio.Future[RunOutcome] = asyncio.get_running_loop().create_future()


class MemoryEngine:
    """Args: graphs: the compiled definitions, by digest."""

    features = Features()

    def __init__(self, graphs: Mapping[str, WorkflowGraph], performer: Performer) -> None:
        self._graphs, self._performer = graphs, performer
        self._runs: dict[str, _Kept] = {}
        self._keys: dict[str, str] = {}
        self._numbers = count(1)

    async def begin(self, new: NewRun) -> Started:
        if new.dedupe is not None and new.dedupe in self._keys:
            first = self._run(self._keys[new.dedupe])
            return Started(first.run, first.progress.status, new=False)
        kept = _Kept(new, self._graphs[new.digest], f"run_{next(self._numbers)}", time.time())
        self._runs[kept.run] = kept
        if new.dedupe is not None:
            self._keys[new.dedupe] = kept.run
        self._follow(kept, kept.progress.begin())
        return Started(kept.run, kept.progress.status, owned=True, created_at=kept.at)

    async def signal(
        self, run: str, kind: SignalKind, place: str = "", data: Any = None, *, key: str | None = None
    ) -> bool:
        kept = self._run(run)
        action = kept.open.get(place)
        if kept.outcome.done() or (kind in _RESULTS and action is None):
            return False
        attempt = action.attempt if action is not None else 1
        self._apply(kept, StepResult(_RESULTS.get(kind, kind), place, attempt, time.time(), data))
        return True

    async def cancel(self, run: str, *, by: str) -> bool:
        return await self.signal(run, "cancel", data={"by": by})

    async def query(self, run: str) -> RunView:
        kept, new = self._run(run), self._run(run).new
        end = kept.outcome.result() if kept.outcome.done() else None
        fault = None if end is None or end.fault is None else end.fault.to_json()
        ended_at = kept.progress.at if end is not None else None
        return RunView(
            *(run, new.workflow, new.number or None, new.digest, kept.progress.status, new.trigger, new.by),
            *(kept.at, kept.at, ended_at, kept.progress.next_due, new.priority, new.input),
            *(None if end is None else end.output, fault, None, None, len(kept.entries), ""),
        )

    async def results(self, run: str, *, after: int = 0, limit: int = 100) -> Sequence[StepView]:
        return [
            StepView(
                *(one.seq, one.place, one.path, one.name, one.kind, one.status, one.attempt, one.at, one.began_at),
                one.input,
                one.result.output if one.output is None and one.result is not None else one.output,
                None if one.fault is None else one.fault.to_json(),
                {} if one.result is None else one.result.meta,
            )
            for one in self._run(run).entries[after : after + limit]
        ]

    async def ended(self, run: str) -> RunEnd:
        end = await asyncio.shield(self._run(run).outcome)
        return RunEnd(end.status, end.output, None if end.fault is None else end.fault.to_json())

    def _run(self, run: str) -> _Kept:
        if run not in self._runs:
            raise NotFound(f"there is no run {run}", remedy="look at the list of runs")
        return self._runs[run]

    def _apply(self, kept: _Kept, result: StepResult) -> None:
        if not kept.outcome.done():
            kept.open.pop(result.place, None)
            self._follow(kept, kept.progress.apply(result))

    def _follow(self, kept: _Kept, change: RunChange) -> None:
        kept.entries += change.entries
        for place in (*change.cut, *(kept.under_way if change.outcome else ())):
            if place in kept.under_way and kept.under_way[place] is not asyncio.current_task():
                kept.under_way[place].cancel()
        for action in change.begin:
            kept.open[action.place] = action
            kept.under_way[action.place] = asyncio.create_task(self._do(kept, action))
        if change.outcome is not None and not kept.outcome.done():
            assert kept.progress.status in ENDED
            kept.outcome.set_result(change.outcome)

    async def _do(self, kept: _Kept, action: StepAction) -> None:
        if action.kind == "timer":
            await asyncio.sleep(max(0.0, (action.due_at or 0.0) - time.time()))
            self._apply(kept, StepResult("fired", action.place, action.attempt, time.time()))
        elif action.kind in ("call", "script", "emit"):
            try:
                done = await self._performer.perform(action, kept.context)
                result = StepResult("done", action.place, action.attempt, time.time(), done.output, meta=done.meta)
            except Fault as fault:
                result = StepResult("failed", action.place, action.attempt, time.time(), fault=fault)
            self._apply(kept, result)
