"""From something that happened to the run it begins: which workflow, with which input."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any, Protocol

from omnicore.workflows.graph import Graph
from omnicore.workflows.journal_words import NewRun, Started
from omnicore.workflows.triggering.documents import Trigger, triggers_of

__all__ = ["Beginnings", "Runs"]

_MOST_KEPT = 1000


class Runs(Protocol):
    """What triggers need of the service that owns runs (`omnicore.workflows.service.Workflows`)."""

    async def graph(self, workflow: str) -> Graph | None:
        """The graph of the definition as it stands; None: it was removed or switched off."""

    async def graph_of(self, digest: str) -> Graph | None:
        """The graph that runs are pinned to; None: nothing has it any more."""

    async def order(
        self, workflow: str, input: Any, *, trigger: Mapping[str, Any], key: str | None = None, by: str = "trigger"
    ) -> NewRun | None:
        """The run to begin, with everything that the definition says of it; not kept yet.

        `key` becomes its `dedupe`. None, with a log line: the definition is gone or switched off, or the input breaks
        its schema.
        """

    def adopt(self, new: NewRun, started: Started) -> Any:
        """Takes up a run once the journal has kept it (`Journal.tick`, `dispatch`, `start`): one that is `owned` begins
        now. Its `RunHandle`: `id`, `duplicate`, awaitable."""


class Beginnings:
    """Makes runs of triggers. Belongs to one event loop."""

    def __init__(self, runs: Runs) -> None:
        self._runs = runs
        self._kept: OrderedDict[str, tuple[Trigger, ...]] = OrderedDict()
        self.adopt = runs.adopt

    async def triggers(self, workflow: str) -> tuple[Trigger, ...]:
        """The triggers of a workflow as it stands; none when it was removed or switched off."""
        graph = await self._runs.graph(workflow)
        return () if graph is None else self._triggers(graph)

    async def trigger(self, workflow: str, place: int) -> Trigger | None:
        """One of them."""
        found = await self.triggers(workflow)
        return found[place] if 0 <= place < len(found) else None

    async def order(
        self, workflow: str, place: int, data: Any, about: Mapping[str, Any], *, key: str, by: str = "trigger"
    ) -> NewRun | None:
        """The run that a trigger begins: its input is `data`, or what the trigger makes of it. None: there is none.

        Raises: Fault: the trigger's expression failed. InvalidInput.
        """
        trigger = await self.trigger(workflow, place)
        if trigger is None:
            return None
        given = data
        if trigger.input is not None:
            scope = {"trigger": dict(about), "runtime": {"trigger": dict(about)}}
            if trigger.input.simple:
                given = trigger.input(data, scope)
            else:
                given = await asyncio.to_thread(trigger.input, data, scope)
        return await self._runs.order(workflow, given, trigger=about, key=key, by=by)

    def _triggers(self, graph: Graph) -> tuple[Trigger, ...]:
        found = self._kept.get(graph.digest)
        if found is None:
            found = self._kept[graph.digest] = triggers_of(graph)
            while len(self._kept) > _MOST_KEPT:
                self._kept.popitem(last=False)
        return found
