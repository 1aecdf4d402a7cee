"""A room of triggers over a real database and journal; the runs that begin are looked at, not run."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from omnicore.clock import ManualClock
from omnicore.config.settings import WorkflowSettings
from omnicore.connectors.webhooks import Hooks
from omnicore.errors import NotFound
from omnicore.events.bus import EventBus
from omnicore.jobs.engine import NewRun, Started
from omnicore.storage.store import Session, Store
from omnicore.storage.tables.workflow_definitions import DefinitionsTable
from omnicore.storage.tables.workflow_runs import RunRow, RunsTable
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_records import Beginning, ordered
from omnicore.workflows.language.document import compile_graph, read_document
from omnicore.workflows.language.graph import WorkflowGraph
from omnicore.workflows.triggers.triggers import Triggers

NOW = 1_700_000_000.0


@dataclass
class Handle:
    """A run that began; awaiting it gives what the test has put into `outcomes`."""

    id: str
    duplicate: bool
    outcome: Any = None

    def __await__(self) -> Any:
        return self._wait().__await__()

    async def _wait(self) -> Any:
        if callable(self.outcome):
            return await self.outcome()
        return self.outcome


@dataclass
class Service:
    """What triggers ask of the service that owns runs: definitions from the database, runs handed to the test."""

    table: DefinitionsTable
    runs: RunsTable
    adopted: list[Handle] = field(default_factory=list)
    outcome: Any = None
    _graphs: dict[str, WorkflowGraph] = field(default_factory=dict)

    async def graph(self, workflow: str) -> WorkflowGraph | None:
        row = self.table.get(workflow)
        return None if row is None or not row.enabled else await self.graph_of(row.digest)

    async def graph_of(self, digest: str) -> WorkflowGraph | None:
        if digest not in self._graphs:
            text = self.table.document(digest)
            if text is None:
                return None
            self._graphs[digest] = compile_graph(json.loads(text))
        return self._graphs[digest]

    async def ended_at(self, run: str) -> float | None:
        row = self.runs.get(run)
        if row is None:
            raise NotFound(f"there is no run {run}", remedy="look at the list of runs")
        return row.ended_at

    async def order(
        self, workflow: str, input: Any, *, trigger: Mapping[str, Any], key: str | None = None, by: str = "trigger"
    ) -> NewRun | None:
        graph = await self.graph(workflow)
        return None if graph is None else ordered(workflow, graph, 1, input, Beginning(by=by, trigger=trigger, key=key))

    def adopt(self, new: NewRun, started: Started) -> Handle:
        handle = Handle(started.run, not started.new, self.outcome)
        self.adopted.append(handle)
        return handle


class Room:
    """One host's triggers. `tick` and `dispatch` do one round; nothing goes on by itself."""

    def __init__(self, store: Store, clock: ManualClock, hooks: Hooks | None = None) -> None:
        self.store, self.clock = store, clock
        self.bus = EventBus(clock=clock)
        self.journal = Journal(store, clock, WorkflowSettings())
        self.table = DefinitionsTable(store)
        self.runs = RunsTable(store)
        self.service = Service(self.table, self.runs)
        self.triggers = Triggers(store, self.journal, self.service, self.bus, clock, hooks=hooks)

    def apply(self, text: str) -> str:
        """Keeps a definition with what follows from it, in one transaction, as the service does."""
        document = read_document(text).value
        graph = compile_graph(document)
        also = self.triggers.changes(graph.name, graph)

        def work(session: Session, number: int) -> None:
            also(session)

        self.table.put(
            graph.name,
            digest=graph.digest,
            text=text,
            document=json.dumps(graph.document),
            by="tests",
            now=self.clock.now(),
            also=work,
        )
        return graph.digest

    def switch(self, name: str, *, on: bool) -> None:
        row = self.table.get(name)
        assert row is not None
        graph = compile_graph(json.loads(row.document)) if on else None
        also = self.triggers.changes(name, graph)
        self.table.switch(name, on=on, now=self.clock.now(), also=lambda session, number: also(session))

    async def tick(self) -> float:
        return await self.triggers._ticker.round()

    async def dispatch(self) -> None:
        while await self.triggers._dispatcher.round():
            pass

    def begun(self, workflow: str = "") -> list[RunRow]:
        """Runs that are there, oldest first."""
        return sorted(self.runs.page(workflow or None, None, 500), key=lambda run: run.id)

    def inputs(self, workflow: str = "") -> list[Any]:
        return [json.loads(run.input) for run in self.begun(workflow)]

    def about(self, workflow: str = "") -> list[Any]:
        return [json.loads(run.trigger) for run in self.begun(workflow)]

    def schedule(self, name: str) -> Sequence[float | None]:
        return list(self.triggers.next_at(name).values())


@asynccontextmanager
async def room(store: Store, clock: ManualClock | None = None, hooks: Hooks | None = None) -> AsyncIterator[Room]:
    made = Room(store, clock or ManualClock(at=NOW), hooks)
    await made.journal.open()
    try:
        yield made
    finally:
        await made.journal.close()


def workflow(name: str, host: str = "", do: str = "- one: {set: {a: 1}}", more: str = "") -> str:
    """A definition of one task with the triggers of `host`."""
    triggers = f"host:\n  triggers:\n{_indented(host, 4)}\n" if host else ""
    return (
        f"document: {{dsl: '1.0.3', namespace: default, name: {name}, version: '1.0.0'}}\n"
        f"{triggers}{more}do:\n{_indented(do, 2)}\n"
    )


def _indented(text: str, by: int) -> str:
    return "\n".join(" " * by + line for line in text.splitlines())
