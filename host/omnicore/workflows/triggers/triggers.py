"""Triggers that begin runs: schedules, webhooks, and events of the host's bus.

A tick of a schedule begins one run however many hosts tick. A webhook delivery is marked as handled after its runs have
begun; the key of a run makes a repeated delivery harmless. Only events that some trigger or task asks for go into the
inbox.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.connectors.webhooks import Hooks, Offer, Taken
from omnicore.errors import HostError, InvalidInput, LimitExceeded, NotFound, OmniError
from omnicore.events.bus import check_topic
from omnicore.events.subscriptions import MOST_HOPS
from omnicore.ids import OrderedIds
from omnicore.jobs.loop import Pause
from omnicore.jobs.ticks import Tick, choose
from omnicore.records import replace
from omnicore.storage.tables.workflow_triggers import (
    PartialsTable,
    ScheduleRow,
    WaitsTable,
    WantRow,
    WantsTable,
    WorkflowEventsTable,
    WorkflowSchedulesTable,
    begin_again,
    replace_wants,
    settle_schedules,
)
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.triggers import Trigger, schedules_of, ticks_of_row, wants_of
from omnicore.workflows.live import Seats
from omnicore.workflows.steps.cloud_events import checked, of_bus
from omnicore.workflows.triggers.inbox import Beginnings, Dispatcher, DispatchFigures, Gathering, Outgoing, Runs

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence

    from omnicore.clock import Clock
    from omnicore.events.bus import Event, EventBus, Subscription
    from omnicore.jobs.engine import NewRun
    from omnicore.storage.store import Session, Store
    from omnicore.workflows.journal import Journal
    from omnicore.workflows.language.graph import WorkflowGraph

__all__ = ["BusListener", "Runs", "ScheduleTicker", "Triggers", "WebhookTaker", "patterns_of"]


_log = logging.getLogger("omnicore.workflows")
_QUEUE = 10_000
_QUEUE_BYTES = 16 * 1024 * 1024
_BATCH = 500
_OWN = "workflow"
_EMITTED = "workflow.event"


def patterns_of(types: Iterable[str], connectors: Iterable[str]) -> frozenset[str]:
    """The topics to listen to for these types of events; an empty type may be any of them.

    Of what workflows tell of themselves only what somebody names is heard: a workflow that wants everything would never
    come to rest over its own steps. What they emit is in the inbox already.
    """
    wanted = set(types)
    topics = {one for one in wanted if _is_topic(one) and one != _EMITTED}
    if "" in wanted:
        topics |= {"**"}
    return frozenset({*topics, *(f"connector.{name}.**" for name in connectors)})


def heard(event: Event, patterns: frozenset[str]) -> bool:
    """True if an event that matched several patterns is for the inbox."""
    return event.topic in patterns or not event.topic.startswith(f"{_OWN}.")


class BusListener:
    """Listens for as long as `run` does. A host's bus forgets: what was not put into the inbox is gone with it.

    Args: more: further types that are wanted, such as those of runs that listen by an older definition.
    """

    def __init__(
        self,
        bus: EventBus,
        journal: Journal,
        wants: WantsTable,
        *,
        more: Callable[[], Awaitable[Iterable[str]]],
        poke: Callable[[], None] = lambda: None,
        refresh_s: float = 1.0,
    ) -> None:
        self._bus, self._journal, self._wants = bus, journal, wants
        self._more, self._poke, self._refresh_s = more, poke, refresh_s
        self._patterns: frozenset[str] = frozenset()
        self._heard: dict[str, tuple[Subscription, asyncio.Task[None]]] = {}
        self.pause = Pause()

    async def run(self) -> None:
        """Goes on until its pause ends."""
        try:
            while not self.pause.over:
                self.pause.clear()
                try:
                    await self.refresh()
                except OmniError as error:
                    _log.warning("what workflows want to hear cannot be read now: %s", error)
                await self.pause.rest(self._refresh_s)
        finally:
            await self._leave(tuple(self._heard))

    async def refresh(self) -> None:
        """Subscribes to what is wanted now, and to nothing else."""
        wanted = await asyncio.to_thread(self._wanted, await self._more())
        if wanted == self._patterns:
            return
        self._patterns = wanted
        # With `**` all others would only bring the same events again.
        needed = frozenset({"**"}) if "**" in wanted else wanted
        for pattern in needed - self._heard.keys():
            subscription = self._bus.subscribe(pattern, queue=_QUEUE, queue_bytes=_QUEUE_BYTES, own=True)
            self._heard[pattern] = subscription, asyncio.create_task(self._take(pattern, subscription))
        await self._leave(tuple(self._heard.keys() - needed))

    def _wanted(self, more: Iterable[str]) -> frozenset[str]:
        types = {*self._wants.names("event"), *self._wants.names("listen"), *more}
        return patterns_of(types, self._wants.names("connector"))

    async def _leave(self, patterns: Sequence[str]) -> None:
        gone = [self._heard.pop(pattern) for pattern in patterns]
        for subscription, _ in gone:
            subscription.close()
        await asyncio.gather(*(task for _, task in gone))

    async def _take(self, pattern: str, subscription: Subscription) -> None:
        while await subscription.wait():
            events = [one for one in subscription.drain(_BATCH) if self._is_for_us(pattern, one)]
            if not events:
                continue
            try:
                if await self._journal.emit([of_bus(one) for one in events]):
                    self._poke()
            except OmniError as error:  # the database: the bus promises no more than it does to others
                _log.warning("%d events are lost for workflows: %s", len(events), error)

    def _is_for_us(self, pattern: str, event: Event) -> bool:
        """Each event comes in once, through one of the patterns it fits."""
        if event.topic == _EMITTED or not heard(event, self._patterns):
            return False
        if event.topic.startswith(f"{_OWN}.") and event.hops > MOST_HOPS:
            return False
        return pattern in ("**", event.topic) or event.topic not in self._patterns


def _is_topic(text: str) -> bool:
    try:
        check_topic(text)
    except InvalidInput:
        return False
    return True


class _Handle(Protocol):
    id: str

    def __await__(self) -> Any: ...


class WebhookTaker:
    """Takes deliveries for the triggers that name their webhook; see `omnicore.connectors.webhooks.Taker`.

    Args: told: has a delivery published once it is kept.
    """

    def __init__(
        self, beginnings: Beginnings, journal: Journal, wants: WantsTable, told: Callable[[Offer], None]
    ) -> None:
        self._beginnings, self._journal, self._wants, self._told = beginnings, journal, wants, told
        self._seats = Seats()

    def wanted(self, hook: str) -> Sequence[WantRow]:
        """The triggers that name a webhook; from the database, so that a definition counts at once on every host."""
        return self._wants.of("webhook", hook)

    async def take(self, offer: Offer, wanted: Sequence[WantRow]) -> Taken | None:
        """Begins the runs and keeps the delivery; then waits for the result where a trigger answers that.

        Raises: WorkflowFailed, CallCancelled: of a run whose result was waited for. OmniError: nothing was kept.
        """
        orders, unfit = await self._orders(offer, wanted)
        started = await asyncio.gather(*(self._journal.start(new) for _, new in orders))
        begun = [
            (trigger, self._beginnings.adopt(order, one))
            for (trigger, order), one in zip(orders, started, strict=True)
            if not one.refused
        ]
        keeping = asyncio.create_task(self._kept(offer))
        try:
            answer = await _answer(begun, self._seats, unfit=unfit)
        finally:
            new = await keeping
        again = not new and not any(one.new for one in started)
        return None if again and answer.status == 202 else answer

    async def _kept(self, offer: Offer) -> bool:
        new = await self._journal.apply(offer.keep)
        if new:
            self._told(offer)
        return new

    async def _orders(self, offer: Offer, wanted: Sequence[WantRow]) -> tuple[list[tuple[Trigger, NewRun]], bool]:
        """The runs to begin, and whether a payload broke the schema of a workflow's input."""
        about = {
            **{"kind": "webhook", "webhook": offer.hook.name, "delivery": offer.row.id, "event": offer.row.event},
            "connector": offer.hook.connector,
        }
        found: list[tuple[Trigger, NewRun]] = []
        unfit = False
        for want in wanted:
            trigger = await self._beginnings.trigger(want.workflow, want.place)
            if trigger is None or trigger.kind != "webhook":  # changed since
                continue
            key = f"webhook:{want.place}:{offer.hook.id}:{offer.row.dedupe}"
            by = f"webhook:{offer.hook.name}"
            new = await self._beginnings.order(want.workflow, want.place, offer.payload, about, key=key, by=by)
            if new is None:
                unfit = True
            else:
                found.append((trigger, new))
        return found, unfit


async def _answer(begun: Sequence[tuple[Trigger, _Handle]], seats: Seats, *, unfit: bool) -> Taken:
    if not begun and unfit:  # kept all the same: it may be delivered again once the workflow takes it
        return Taken({"status": "unfit", "detail": "the payload breaks the schema of the workflow's input"}, status=422)
    if not begun:
        return Taken({"status": "ok"})
    waited = next(((trigger, handle) for trigger, handle in begun if trigger.waits), None)
    if waited is not None:
        trigger, handle = waited
        with seats.taken() as seated, suppress(TimeoutError):
            async with asyncio.timeout(trigger.seconds if seated else 0):
                return Taken(await handle)
        return Taken({"status": "running", "run": handle.id}, status=202)
    runs = [handle.id for _, handle in begun]
    return Taken({"status": "accepted", "run": runs[0], **({"runs": runs} if len(runs) > 1 else {})}, status=202)


_DUE = 100
_TOLERANCE_S = 1.0


class ScheduleTicker:
    """Ticks for as long as `run` does. Hosts that tick at once agree in the database who does.

    Args:
        poll_s: longest time until it sees what another process has changed.
        grace_s: for how long a tick counts as on time.
        most: ticks that are run at once after a break, with `missed: all`.
    """

    def __init__(
        self,
        beginnings: Beginnings,
        journal: Journal,
        schedules: WorkflowSchedulesTable,
        clock: Clock,
        *,
        poll_s: float = 1.0,
        grace_s: float = 60.0,
        most: int = 100,
    ) -> None:
        self._beginnings, self._journal = beginnings, journal
        self._schedules, self._clock = schedules, clock
        self._poll_s, self._grace_s, self._most = poll_s, grace_s, most
        self._ids = OrderedIds("run")
        self.resting: frozenset[str] = frozenset()
        """Workflows with a schedule that waits for the end of a run."""
        self.pause = Pause()

    async def run(self) -> None:
        """Goes on until its pause ends."""
        while not self.pause.over:
            self.pause.clear()
            try:
                wait_s = await self.round()
            except Exception:  # whatever it is: schedules that are well go on
                _log.warning("the schedules of workflows cannot be read or moved on now", exc_info=True)
                wait_s = self._poll_s
            await self.pause.rest(wait_s)

    async def round(self) -> float:
        """Begins what is due; how long to rest then."""
        await self._settle()
        now = self._clock.now()
        due = await asyncio.to_thread(self._schedules.due, now, _DUE)
        # Side by side, so that many of them are kept in one transaction.
        done = await asyncio.gather(*(self._tick(row, now) for row in due), return_exceptions=True)
        for error in done:
            if isinstance(error, BaseException):
                raise error
        next_at = await asyncio.to_thread(self._schedules.next_at)
        ahead_s = self._poll_s if next_at is None else next_at - self._clock.now()
        return min(self._poll_s, max(0.001, ahead_s))

    async def _settle(self) -> None:
        """Settles a row without a tick: the clock was set back, or a run ended whose schedule waited for that."""
        now = self._clock.now()
        for row in await asyncio.to_thread(self._schedules.from_the_future, now, _TOLERANCE_S):
            next_at = now + float(row.spec) if row.kind == "after" else ticks_of_row(row).after(now)
            await self._journal.tick(row, (), next_at)
        resting = await asyncio.to_thread(self._schedules.resting)
        self.resting = frozenset(row.workflow for row in resting)
        for row in resting:
            ended_at = await self._ended(row)
            if ended_at is not None:
                await self._begin_again(row, ended_at + float(row.spec))

    async def _begin_again(self, row: ScheduleRow, next_at: float) -> None:
        now = self._clock.now()
        await self._journal.apply(lambda session: begin_again(session, row, next_at=next_at, now=now))

    async def _ended(self, row: ScheduleRow) -> float | None:
        """The end time of the last run of a schedule; None: it goes on."""
        if row.last_run is not None:
            with suppress(NotFound):
                return await self._beginnings.ended_at(row.last_run)
        return self._clock.now()

    async def _tick(self, row: ScheduleRow, now: float) -> None:
        chosen = self._chosen(row, now)
        try:
            orders = [await self._order(row, tick) for tick in chosen.runs]
            # Ids that sort as the ticks do: what is due at the same time begins in their order.
            news = [replace(one, id=self._ids.next()) for one in orders if one is not None]
            # Nothing began: `after` would wait for the end of a run that never was.
            next_at = now + float(row.spec) if row.kind == "after" and not news else chosen.next_at
            await self._begin(row, news, next_at)
        except LimitExceeded as error:  # no room for the run: this tick is missed
            _log.warning("a tick of workflow %s is left out: %s", row.workflow, error)
            await self._journal.tick(row, (), now + float(row.spec) if row.kind == "after" else chosen.next_at)

    def _chosen(self, row: ScheduleRow, now: float) -> Tick:
        due = row.next_at if row.next_at is not None else now
        if row.kind == "after":
            return Tick((due,), None)
        try:
            return choose(ticks_of_row(row), due, now, row.missed, grace_s=self._grace_s, most=self._most)
        except OmniError as error:  # time zones changed under it; others must not wait for it
            _log.warning("a schedule of workflow %s never ticks again: %s", row.workflow, error)
            return Tick((), None)

    async def _order(self, row: ScheduleRow, tick: float) -> NewRun | None:
        about: dict[str, Any] = {"kind": row.kind, "at": tick, "spec": row.spec}
        try:
            return await self._beginnings.order(
                row.workflow, row.place, {"at": tick}, about, key=f"tick:{row.place}:{row.kind}:{row.spec}@{tick:.3f}"
            )
        except (OmniError, Fault) as error:
            if isinstance(error, HostError):  # the database: the tick is still due
                raise
            _log.warning("a tick of workflow %s begins nothing: %s", row.workflow, error)
            return None

    async def _begin(self, row: ScheduleRow, news: Sequence[NewRun], next_at: float | None) -> None:
        started = await self._journal.tick(row, news, next_at)
        for new, one in zip(news, started or (), strict=False):
            if not one.refused:
                self._beginnings.adopt(new, one)


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
        self._schedules, self._wants = WorkflowSchedulesTable(store), WantsTable(store)
        beginnings = Beginnings(runs)
        self._gathering = Gathering(beginnings, journal, PartialsTable(store), clock)
        self._ticker = ScheduleTicker(beginnings, journal, self._schedules, clock, poll_s=poll_s)
        self._dispatcher = Dispatcher(
            runs,
            beginnings,
            journal,
            self._gathering,
            events=WorkflowEventsTable(store),
            waits=WaitsTable(store),
            wants=self._wants,
            clock=clock,
            poll_s=poll_s,
        )
        self._hearing = BusListener(
            bus, journal, self._wants, more=self._dispatcher.listened, poke=self.poke, refresh_s=poll_s
        )
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
        """Counts of events since the start."""
        return self._dispatcher.figures

    def use_brokers(self, outgoing: Outgoing | None) -> None:
        """Lets brokers keep the events that go out through them."""
        self._dispatcher.outgoing = outgoing

    # -- definitions

    def changes(self, workflow: str, graph: WorkflowGraph | None) -> Callable[[Session], None]:
        """The write that updates schedules and wants in the transaction that changes a definition.

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
        """The next ticks of its triggers, by their place among `Graph.host.triggers`. Blocks."""
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
