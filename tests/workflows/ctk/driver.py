"""Whole workflows in memory: document, graph, progress and real effects, without journal, queue and triggers."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from tests.connectors.local_server import LocalServer, serve
from tests.workflows.ctk.servers import Web
from tests.workflows.effects.bench import Bench

from omnicore.errors import WorkflowFailed
from omnicore.workflows.entries import JournalEntry, RunChange, RunContext, RunOutcome, Start, StepAction, StepResult
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.document import compile_graph, read_document
from omnicore.workflows.language.graph import RunTask
from omnicore.workflows.progress import Progress
from omnicore.workflows.steps.step import placeholders

__all__ = ["Played", "play", "play_on_host"]

_DONE = ("call", "script", "emit")


@dataclass
class Played:
    """How a workflow ended, and what it did on the way."""

    outcome: RunOutcome
    entries: list[Any]
    events: list[Mapping[str, Any]]
    web: Web
    server: LocalServer

    @property
    def output(self) -> Any:
        assert self.outcome.status == "completed", self.outcome.fault and self.outcome.fault.to_json()
        return self.outcome.output

    @property
    def fault(self) -> dict[str, Any]:
        assert self.outcome.fault is not None, self.outcome
        return self.outcome.fault.to_json()

    @property
    def order(self) -> list[str]:
        """Names of the tasks, as they were completed."""
        return [one.name for one in self.entries if one.status in ("completed", "received") and one.path != "/do"]


@dataclass
class _World:
    """What the runs of one play share."""

    bench: Bench
    others: Mapping[str, str]
    happenings: list[Mapping[str, Any]]
    events: list[Mapping[str, Any]] = field(default_factory=list)
    runs: int = 0


def play(
    bench: Bench,
    text: str,
    input: Any = None,
    *,
    others: Mapping[str, str] | None = None,
    happenings: Sequence[Mapping[str, Any]] = (),
    web: Web | None = None,
    secrets: Mapping[str, str] | None = None,
) -> Played:
    """Runs a workflow to its end against a web of this machine; `SERVER` in its text is where that is.

    Args:
        others: texts of workflows by name, for `run`.
        happenings: events that come from outside, when the workflow listens and has nothing else to do.
        secrets: values by name, which the vault holds meanwhile.
    """
    web = web or Web()

    async def scene() -> Played:
        async with serve(web) as server:

            def placed(one: str) -> str:
                return one.replace("SERVER", server.url("").rstrip("/"))

            for name, value in (secrets or {}).items():
                await asyncio.to_thread(bench.secret, name, placed(value))
            world = _World(bench, {name: placed(one) for name, one in (others or {}).items()}, list(happenings))
            run = _Running(world, placed(text), input)
            outcome = await run.to_the_end()
            return Played(outcome, run.entries, world.events, web, server)

    return bench.wait(scene())


def play_on_host(bench: Bench, text: str, input: Any = None) -> Played:
    """The same on the host itself: applied, queued, run and journalled."""
    web = Web()

    async def scene() -> Played:
        workflows = bench.host.workflows
        async with serve(web) as server:
            made = await workflows.apply(text.replace("SERVER", server.url("").rstrip("/")), by="tests")
            run = await workflows.start(made.id, input, by="tests")
            try:
                outcome = RunOutcome("completed", await run)
            except WorkflowFailed as error:
                outcome = RunOutcome("faulted", fault=Fault.of(error.details["fault"]))
            steps = (await workflows.steps(run.id, limit=100)).items
            events = [step.output for step in steps if step.kind == "emit"]
            return Played(outcome, list(steps), events, web, server)

    return bench.wait(scene())


class _Running:
    """One run, and what it waits for."""

    def __init__(self, world: _World, text: str, input: Any) -> None:
        world.runs += 1
        graph = compile_graph(read_document(text))
        secrets = placeholders("the tests' own number", graph.secrets)
        self.world, self.clock = world, world.bench.clock
        self.id = f"run{world.runs}"
        self.context = RunContext(self.id, graph.name, self.id, 0, secrets=secrets, by="tests")
        self.progress = Progress(graph, Start(self.id, input, self.clock.now(), secrets=secrets))
        self.entries: list[JournalEntry] = []
        self.tasks: dict[str, asyncio.Task[StepResult]] = {}
        self.timers: dict[str, StepAction] = {}
        self.listens: dict[str, StepAction] = {}

    async def to_the_end(self) -> RunOutcome:
        self._follow(self.progress.begin())
        while self.progress.outcome is None:
            self._follow(self.progress.apply(await self._next()))
        return self.progress.outcome

    def _follow(self, change: RunChange) -> None:
        self.entries += change.entries
        for place in change.cut:
            self.timers.pop(place, None)
            self.listens.pop(place, None)
            if place in self.tasks:
                self.tasks.pop(place).cancel()
        for action in change.begin:
            if action.kind == "timer":
                self.timers[action.place] = action
            elif action.kind == "listen":
                self.listens[action.place] = action
            else:
                self.tasks[action.place] = asyncio.create_task(self._done(action))

    async def _next(self) -> StepResult:
        if self.tasks:
            done, _ = await asyncio.wait(self.tasks.values(), return_when=asyncio.FIRST_COMPLETED)
            result = next(iter(sorted(one.result().place for one in done)))
            return self.tasks.pop(result).result()
        if self.listens and self.world.happenings:
            action, event = next(iter(self.listens.values())), self.world.happenings.pop(0)
            return StepResult("event", action.place, action.attempt, self.clock.now(), event)
        assert self.timers, "the workflow waits for what nobody brings"
        timer = min(self.timers.values(), key=lambda one: one.due_at or 0.0)
        self.clock.advance(max(0.0, (timer.due_at or 0.0) - self.clock.now()))
        del self.timers[timer.place]
        return StepResult("fired", timer.place, timer.attempt, self.clock.now())

    async def _done(self, action: StepAction) -> StepResult:
        try:
            output = await self._output(action)
        except Fault as fault:
            return StepResult("failed", action.place, action.attempt, self.clock.now(), fault=fault)
        return StepResult("done", action.place, action.attempt, self.clock.now(), output)

    async def _output(self, action: StepAction) -> Any:
        if action.kind in _DONE:
            performed = await self.world.bench.effects.perform(action, self.context)
            self.world.events += performed.events
            return performed.output
        assert isinstance(action.node, RunTask), action
        outcome = await _Running(self.world, self.world.others[action.node.workflow], action.value).to_the_end()
        if outcome.fault is not None:
            raise outcome.fault
        return outcome.output
