"""What begins runs and what reaches them: clocks, webhooks, events.

`Triggers` is a part of the host. It is told of each change of a definition, keeps the schedules, takes deliveries of
webhooks, and hands events of the inbox to the runs and triggers that want them.

It begins runs through the journal: one transaction for the run and for what must be true with it, such as a schedule's
move; the service says what a run is made of and takes it up (`Runs`).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

from omnicore.clock import Clock
from omnicore.connectors.hooks.service import Hooks
from omnicore.errors import InvalidInput
from omnicore.events.bus import EventBus
from omnicore.runtime.pause import Pause
from omnicore.storage.store import Session, Store
from omnicore.storage.tables.workflow_events import EventsTable
from omnicore.storage.tables.workflow_partials import PartialsTable
from omnicore.storage.tables.workflow_runs import RunsTable
from omnicore.storage.tables.workflow_schedules import WorkflowSchedulesTable, settle_schedules
from omnicore.storage.tables.workflow_waits import WaitsTable
from omnicore.storage.tables.workflow_wants import WantsTable, replace_wants
from omnicore.workflows.graph import Graph
from omnicore.workflows.journal import Journal
from omnicore.workflows.triggering.beginning import Beginnings, Runs
from omnicore.workflows.triggering.definitions import all_filters, schedules_of, wants_of
from omnicore.workflows.triggering.dispatching import Dispatcher, DispatchFigures, Outgoing
from omnicore.workflows.triggering.envelopes import checked
from omnicore.workflows.triggering.gathering import Gathering
from omnicore.workflows.triggering.hearing import Hearing
from omnicore.workflows.triggering.matching import literal_of
from omnicore.workflows.triggering.ticking import Ticker
from omnicore.workflows.triggering.webhooks import WebhookTaker

__all__ = ["Runs", "Triggers"]

_SWEEP_S = 30.0


class Triggers:
    """A part of the host: `start` and `stop`; used on its event loop.

    Args:
        work: whether clocks tick and events are dispatched in this process; a process that only asks leaves them to the
            server on the same data.
        event_bytes: the largest event from outside.
    """

    def __init__(
        self,
        store: Store,
        journal: Journal,
        runs: Runs,
        bus: EventBus,
        clock: Clock,
        *,
        hooks: Hooks | None = None,
        work: bool = True,
        poll_s: float = 1.0,
        event_bytes: int = 1024 * 1024,
    ) -> None:
        self._journal, self._clock = journal, clock
        self._hooks, self._work, self._event_bytes = hooks, work, event_bytes
        self._schedules, self._wants, self._waits = WorkflowSchedulesTable(store), WantsTable(store), WaitsTable(store)
        beginnings = Beginnings(runs)
        self._gathering = Gathering(beginnings, journal, PartialsTable(store), clock)
        self._ticker = Ticker(beginnings, journal, self._schedules, RunsTable(store), clock, poll_s=poll_s)
        self._dispatcher = Dispatcher(
            runs,
            beginnings,
            journal,
            self._gathering,
            events=EventsTable(store),
            waits=self._waits,
            wants=self._wants,
            clock=clock,
            poll_s=poll_s,
        )
        self._hearing = Hearing(bus, journal, self._wants, more=self._listened, poke=self.poke, refresh_s=poll_s)
        self._taker = None if hooks is None else WebhookTaker(beginnings, journal, self._wants, hooks.told)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._tasks: list[asyncio.Task[None]] = []
        self._sweeping = Pause()

    async def start(self) -> None:
        """Begins to tick, to listen and to dispatch."""
        self._loop = asyncio.get_running_loop()
        if self._hooks is not None:
            self._hooks.taker = self._taker
        if not self._work:
            return
        await self._hearing.refresh()
        loops = (self._ticker.run(), self._dispatcher.run(), self._hearing.run(), self._sweep())
        self._tasks = [asyncio.create_task(one) for one in loops]

    def dispatch(self) -> None:
        """Hands events to who wants them, in a process that otherwise only asks."""
        if not self._tasks:
            self._tasks = [asyncio.create_task(self._dispatcher.run())]

    async def stop(self) -> None:
        """Ends all of that; what is half done is done by the next host."""
        if self._hooks is not None:
            self._hooks.taker = None
            await self._hooks.settle()
        for pause in (self._ticker.pause, self._dispatcher.pause, self._hearing.pause, self._sweeping):
            pause.end()
        await asyncio.gather(*self._tasks)
        self._tasks, self._loop = [], None

    @property
    def figures(self) -> DispatchFigures:
        """What became of events since the start."""
        return self._dispatcher.figures

    def use_brokers(self, outgoing: Outgoing | None) -> None:
        """Lets brokers keep the events that go out through them."""
        self._dispatcher.outgoing = outgoing

    # -- definitions

    def changes(self, workflow: str, graph: Graph | None) -> Callable[[Session], None]:
        """What to do in the transaction that changes a definition: its schedules and wants follow it.

        `graph` None: it was removed or switched off. Call `changed` after the commit. Raises: InvalidInput: a schedule
        of the definition can never tick.
        """
        schedules = [] if graph is None else schedules_of(workflow, graph, self._clock.now())
        wants = [] if graph is None else wants_of(workflow, graph)

        def work(session: Session) -> None:
            settle_schedules(session, workflow, schedules)
            replace_wants(session, workflow, wants)

        return work

    def changed(self, workflow: str) -> None:
        """Tells that a definition has changed, was switched or removed, after the commit. From any thread."""
        self._tell(self._wake_all)

    def poke(self) -> None:
        """Tells that the inbox has events, after the commit. From any thread."""
        self._tell(self._dispatcher.pause.wake)

    def ended(self, workflow: str) -> None:
        """Tells that a run of a workflow ended, after the commit. From any thread."""
        if workflow in self._ticker.resting:
            self._tell(self._ticker.pause.wake)

    def next_at(self, workflow: str) -> Mapping[int, float | None]:
        """When its triggers tick next, by their place among `Graph.host.triggers`. Blocks."""
        return {row.place: row.next_at for row in self._schedules.of(workflow)}

    # -- events from outside

    async def publish(self, event: Mapping[str, Any], *, hops: int = 0, origin: str = "") -> bool:
        """Puts an event into the inbox, durably; False: one of its source and id came before.

        Args: origin: the broker that it came from.
        Raises: InvalidInput: it is no CloudEvents envelope, or too large.
        """
        made = checked(event, hops=hops, origin=origin, most_bytes=self._event_bytes)
        new = await self._journal.emit([made]) > 0
        self._dispatcher.pause.wake()
        return new

    async def publish_all(self, events: Sequence[Mapping[str, Any]]) -> int:
        """Puts events into the inbox together or not at all; how many are new by source and id.

        Raises: InvalidInput: one of them is no CloudEvents envelope, or too large; details: `path`, its number.
        """
        made = [self._numbered(number, one) for number, one in enumerate(events)]
        new = await self._journal.emit(made)
        self._dispatcher.pause.wake()
        return new

    # -- its own rounds

    def _numbered(self, number: int, event: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return checked(event, most_bytes=self._event_bytes)
        except InvalidInput as error:
            raise InvalidInput(error.fact, remedy=error.remedy, path=f"/{number}") from error

    def _wake_all(self) -> None:
        self._ticker.pause.wake()
        self._hearing.pause.wake()
        self._dispatcher.pause.wake()

    def _tell(self, wake: Callable[[], None]) -> None:
        loop = self._loop
        if loop is not None and not loop.is_closed():
            loop.call_soon_threadsafe(wake)

    async def _sweep(self) -> None:
        while not self._sweeping.over:
            self._sweeping.clear()
            await self._gathering.sweep()
            await self._sweeping.rest(_SWEEP_S)

    async def _listened(self) -> Iterable[str]:
        """What runs listen for, by tasks of definitions that may have changed since."""
        found: set[str] = set()
        for key in await asyncio.to_thread(self._waits.keys):
            node = await self._dispatcher.listener(key)
            found |= set() if node is None else {literal_of(one) or "" for one in all_filters(node)}
        return found
