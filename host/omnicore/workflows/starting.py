"""Starting: from a name and an input to a run that is kept, and in this host's hands where there is room."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Mapping
from dataclasses import replace
from typing import Any, cast

from omnicore.clock import Clock
from omnicore.config.sections.workflows import WorkflowSettings
from omnicore.errors import CapacityReached, Conflict, HostLost, InvalidInput, NotFound
from omnicore.ids import OrderedIds
from omnicore.storage.tables.workflow_runs import RunsTable
from omnicore.workflows.definitions import Definitions, Present
from omnicore.workflows.effects.secrets import marked
from omnicore.workflows.effects.work import hops_of
from omnicore.workflows.entries import Action, Fault
from omnicore.workflows.flow.schemas import conform
from omnicore.workflows.graph import Graph, Run
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_words import NewRun, Started
from omnicore.workflows.live import LiveRun
from omnicore.workflows.ordering import Beginning, name_of, ordered
from omnicore.workflows.runner import Runner

__all__ = ["Starting"]

_log = logging.getLogger("omnicore.workflows")
_COUNT_S = 1.0
_COUNT_SHARE = 50.0


class Starting:
    """Belongs to one event loop.

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
        self._ids = OrderedIds("run")
        self._pending, self._count_due = 0, 0.0

    async def order(
        self, workflow: str, given: Any, how: Beginning, *, number: int | None = None, version: str | None = None
    ) -> NewRun:
        """The run to begin. Raises: NotFound. Conflict: it is switched off. InvalidInput. CapacityReached."""
        present = await self._definitions.present(workflow)
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
            return ordered(workflow, graph, present.number, given, how)
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

    async def child(self, live: LiveRun, action: Action) -> NewRun:
        """The run that a `run` task begins; see `omnicore.workflows.live.Children`."""
        node = cast(Run, action.node)
        depth = live.context.depth + 1
        if depth > self._settings.most_depth:
            raise Conflict(
                f"workflows have begun one another {depth} times in a row",
                remedy="end the recursion, or raise workflows.most_depth",
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
                remedy="wait until some have ended, or raise workflows.max_pending",
            )


def _check_input(graph: Graph, given: Any) -> None:
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
