"""A host's part in its fleet: joins it, tells what it serves, serves it, and sends calls where their plugin is."""

from __future__ import annotations

import asyncio
import logging
import platform
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from nats.aio.msg import Msg

from omnicore.errors import InvalidSetting, OmniError
from omnicore.events.bus import Event
from omnicore.fleet.calls import FleetCalls, Remote
from omnicore.fleet.connection import NatsConnection, Parcels
from omnicore.fleet.directory import HostDirectory, revision_of
from omnicore.fleet.messages import HostBeat, HostEvent, Seal, ServedFunction, ServedList, ServedPlugin
from omnicore.fleet.micro import MicroService
from omnicore.fleet.service import CallerCheck, FleetService
from omnicore.jobs.loop import Loop
from omnicore.plugins.placement import labels_of, matches
from omnicore.records import from_text, replace, to_text
from omnicore.version import __version__

if TYPE_CHECKING:
    from omnicore.access.audit import AuditTrail
    from omnicore.access.service import Access
    from omnicore.clock import Clock
    from omnicore.config.settings import FleetSettings, Settings
    from omnicore.events.bus import EventBus
    from omnicore.jobs.tasks import StoredTasks
    from omnicore.plugins.host import PluginHost
    from omnicore.resilience.health import HealthMonitor
    from omnicore.telemetry.metrics import Metrics


_log = logging.getLogger("omnicore.fleet")
_LEAST_SECRET = 32
_LOOK_S = 30.0
_SETTLE_S = 0.02
_TOPICS = "plugin.*"
_EVENTS, _SEEN_EVENTS = 1000, 10_000
_WAKE, _WAKE_S = "omnicore.wake", 0.002


def served_by(plugins: PluginHost, host: str) -> ServedList:
    """All that the plugins of a host answer calls with now. Blocks."""
    found = {}
    for view in plugins.list():
        if view.serving is None or view.state in ("disabled", "quarantined", "rejected"):
            continue
        if not matches(view.placement, plugins.routes.placements.labels):
            continue
        functions = {
            one.name: ServedFunction(
                safe=bool(one.hints.get("idempotent") or one.hints.get("read_only")),
                input_media=one.input_media,
                output_media=one.output_media,
            )
            for one in (view.functions if view.serving in (view.hash, "native") else plugins.functions(view.name))
        }
        found[view.name] = ServedPlugin(digest=view.serving, version=view.version or "", functions=functions)
    served = ServedList(host=host, revision=0, plugins=found)
    return replace(served, revision=revision_of(served))


@dataclass(frozen=True, slots=True)
class FleetServices:
    """The services of a host that its part in the fleet uses."""

    settings: Settings
    plugins: PluginHost
    access: Access
    audit: AuditTrail
    bus: EventBus
    metrics: Metrics
    health: HealthMonitor
    feed: bool
    """Events of other hosts come over NATS, and not from a database that they share."""


class EventFeed:
    """Events of all hosts for those who subscribed `everywhere`, where hosts have no database in common.

    Events of one host come in its order. Hosts on one PostgreSQL have them from there, in one order for all.
    """

    def __init__(self, connection: NatsConnection, seal: Seal, bus: EventBus) -> None:
        self._connection, self._seal, self._bus = connection, seal, bus
        self._seen: OrderedDict[str, None] = OrderedDict()
        bus.relays = True

    async def run(self) -> None:
        """Hands on the events of this host, here and to the others, and those of the others here."""
        await self._connection.hear("omnicore.event.>", self._heard)
        with self._bus.subscribe("**", queue=_EVENTS, own=True, lossy=True) as events:
            async for event in events:
                self._bus.relay(event)
                with suppress(OmniError):  # while no server is there, other hosts hear nothing
                    await self._send(event)

    async def _send(self, event: Event) -> None:
        told = HostEvent(
            id=event.id, topic=event.topic, source=event.source, at=event.at, hops=event.hops, data=event.data
        )
        data = to_text(told).encode()
        if len(data) > self._connection.room_bytes:
            data = to_text(replace(told, data={"omitted_bytes": event.size})).encode()
        subject = f"omnicore.event.{event.topic}"
        await self._connection.publish(subject, data, {"Authorization": self._seal.proof(subject, "", data)})

    async def _heard(self, message: Msg) -> None:
        given = (message.headers or {}).get("Authorization", "")
        if not self._seal.fits(given, message.subject, "", message.data):
            return
        try:
            told = from_text(HostEvent, message.data, "event")
        except OmniError:
            return
        if told.id in self._seen or message.subject != f"omnicore.event.{told.topic}":
            return
        self._seen[told.id] = None
        while len(self._seen) > _SEEN_EVENTS:
            self._seen.popitem(last=False)
        self._bus.relay(Event(told.id, told.topic, told.data, told.source, told.at, len(message.data), told.hops))


class FleetPart:
    """Started and stopped with its host. While no NATS server is there the host works alone.

    Raises: InvalidSetting: of the section `fleet`.
    """

    def __init__(self, services: FleetServices, clock: Clock, *, host: str) -> None:
        settings, plugins = services.settings, services.plugins
        chosen = settings.fleet
        self.host = host
        self._services, self._clock = services, clock
        self._about = _about(host, chosen, clock)
        seal = self._seal = Seal(_secret(chosen))
        self.connection = NatsConnection(chosen.url or "", f"omnicore {self.host}", clock)
        parcels = Parcels(self.connection)
        self._served = ServedList(host=self.host, revision=0, plugins={})
        self.directory = HostDirectory(
            *(self.connection, parcels, seal),
            clock=clock,
            beat=self.beat,
            served=lambda: self._served,
            beat_s=chosen.beat_s,
        )
        here = plugins.calls
        told = {**self._about.labels, "node": platform.node()}
        micro = MicroService(self.connection, host=self.host, version=__version__, metadata=told)
        admission = CallerCheck(settings, services.access, services.audit, seal)
        self.service = FleetService(
            *(self.connection, parcels, plugins, here, admission, micro),
            settings=settings,
            host=self.host,
            clock=clock,
            seal=seal,
        )
        self.remote = Remote(self.connection, parcels, self.directory, seal, host=self.host, clock=clock)
        self.calls = FleetCalls(here, self.remote, self.directory, plugins.routes.placements)
        self._parcels = parcels
        self._looking = Loop("omnicore-fleet-offer", self._look, lambda error: _LOOK_S)
        self._tasks: list[asyncio.Task[None]] = []
        self._telling: set[asyncio.Task[None]] = set()
        plugins.calls = self.calls
        self._show(services.metrics, services.health)

    def tell(self, came: Callable[[Sequence[str]], Awaitable[None]]) -> None:
        """Has somebody told of plugins that hosts of the fleet serve from now on, this one among them."""

        def told(plugins: frozenset[str]) -> None:
            if plugins:
                task = asyncio.ensure_future(_quietly(came(sorted(plugins))))
                self._telling.add(task)
                task.add_done_callback(self._telling.discard)

        self.directory.changed.append(told)

    def work(self, stored: StoredTasks, runs: Callable[[Sequence[str]], Awaitable[None]], *, shared: bool) -> None:
        """Has tasks and runs told of plugins that come, and hosts of one database woken by each other's tasks.

        Args:
            runs: lets runs begin again that waited for a plugin.
            shared: other hosts have the same tasks.
        """
        self.tell(runs)
        self.tell(lambda plugins: asyncio.to_thread(stored.served, plugins))
        if shared:
            self._share(stored)

    def _share(self, stored: StoredTasks) -> None:
        """Wakes the hosts of one database when a task is stored on one of them.

        The database stays the one place where tasks are claimed; see the decisions in docs/architecture.md.
        """
        loops: list[asyncio.AbstractEventLoop] = []
        pending: list[asyncio.Task[None]] = []

        async def wake(message: Msg) -> None:
            if self._seal.fits((message.headers or {}).get("Authorization", ""), _WAKE, "", message.data):
                stored.wake()

        async def say() -> None:
            await asyncio.sleep(_WAKE_S)  # of many tasks that are stored together, once
            pending.clear()
            with suppress(OmniError):
                await self.connection.publish(_WAKE, b"", {"Authorization": self._seal.proof(_WAKE, "", b"")})

        def begin() -> None:
            if not pending:
                pending.append(loops[0].create_task(say()))

        def heard(what: str, _task: str) -> None:
            if what == "submitted" and loops:
                with suppress(RuntimeError):  # the loop has been closed
                    loops[0].call_soon_threadsafe(begin)

        async def listen() -> None:
            loops[:] = [asyncio.get_running_loop()]
            await self.connection.hear(_WAKE, wake)

        self.connection.came.append(listen)
        stored.listen(heard)

    def beat(self) -> HostBeat:
        """This host as the others are told of it."""
        return replace(
            self._about,
            at=self._clock.now(),
            revision=self._served.revision,
            state=self.service.state,
            running=self.service.running,
            room=self.service.room,
            plugins=len(self._served.plugins),
        )

    def hosts(self) -> Sequence[HostBeat]:
        """All hosts of the fleet that are heard, this one first."""
        return [self.beat(), *self.directory.hosts()]

    async def start(self) -> None:
        """Joins the fleet, or goes on without it until its servers are there."""
        self.calls.start()
        await self.connection.open(self._services.settings.fleet.join_s)
        await self._parcels.start()
        with suppress(OmniError):
            await self._look()
        await self.service.start()
        await self.directory.start()
        self._looking.start()
        self._services.plugins.routes.following.append(self._followed(asyncio.get_running_loop()))
        self._tasks.append(asyncio.create_task(self._listen(), name="omnicore-fleet-listen"))
        if self._services.feed:
            feed = EventFeed(self.connection, self._seal, self._services.bus)
            self._tasks.append(asyncio.create_task(feed.run(), name="omnicore-fleet-events"))

    async def stop(self) -> None:
        """Takes no further calls, lets those that go on end, and leaves."""
        for task in self._tasks:
            task.cancel()
        await self._looking.stop(1.0)
        await self.service.stop(self._services.settings.drain_s)
        await self.directory.stop()
        self.calls.stop()
        await self.connection.close()

    async def drain(self, *, on: bool = True) -> None:
        """Takes no further calls of others until it is told otherwise; all hosts hear of it at once."""
        await (self.service.drain() if on else self.service.undrain())
        await self.directory.say()

    @property
    def trouble(self) -> str | None:
        """The reason why calls cannot leave this host or reach it; None: there is none."""
        return self.connection.trouble if not self.connection.connected else self.directory.trouble

    # -- inner parts

    async def _look(self) -> float:
        """Offers what the plugins serve now, if it has changed."""
        await asyncio.sleep(_SETTLE_S)  # changes come in groups
        served = await asyncio.to_thread(served_by, self._services.plugins, self.host)
        self.calls.forget()
        if served.revision != self._served.revision:
            new = frozenset(served.plugins) - frozenset(self._served.plugins)
            self._served, self.calls.own = served, frozenset(served.plugins)
            await self.service.offer(served)
            await self.directory.say()
            for told in self.directory.changed:
                told(new)
        return _LOOK_S

    def _followed(self, loop: asyncio.AbstractEventLoop) -> Callable[[object], None]:
        """Looks at once when another host has decided something about a plugin."""

        def followed(_: object) -> None:
            with suppress(RuntimeError):  # the loop has been closed
                loop.call_soon_threadsafe(self._looking.wake)

        return followed

    async def _listen(self) -> None:
        """Looks at once when a plugin changes here."""
        with self._services.bus.subscribe(_TOPICS, queue=1, own=True, lossy=True) as changes:
            async for _ in changes:
                self.calls.forget()
                self._looking.wake()

    def _show(self, metrics: Metrics, health: HealthMonitor) -> None:
        labels = ("what",)
        metrics.counts("fleet_calls", "Calls that left this host for others", labels, self._counts)
        metrics.gauge("fleet_hosts", "Hosts of the fleet that are heard", lambda: float(len(self.hosts())))
        metrics.gauge("fleet_serving", "Calls of others that run here", lambda: float(self.service.running))
        health.register("fleet", lambda: self.trouble, critical=False)

    def _counts(self) -> Mapping[tuple[str, ...], float]:
        remote = self.remote
        return {("sent",): float(remote.sent), ("again",): float(remote.again), ("lost",): float(remote.lost)}


def _about(host: str, chosen: FleetSettings, clock: Clock) -> HostBeat:
    """A beat of this host with what never changes."""
    return HostBeat(
        host=host,
        name=platform.node()[:256],
        version=__version__,
        at=clock.now(),
        began_at=clock.now(),
        revision=0,
        state="serving",
        running=0,
        room=0,
        plugins=0,
        labels=labels_of(chosen.labels),
    )


async def _quietly(work: Awaitable[None]) -> None:
    """Work that is done again later where the database does not take it now."""
    try:
        await work
    except OmniError as error:
        _log.info("what waits for a plugin is not told that it has come: %s", error)


def _secret(chosen: FleetSettings) -> str:
    secret = chosen.secret or ""
    if len(secret) < _LEAST_SECRET:
        raise InvalidSetting(
            f"fleet.secret has {len(secret)} characters",
            remedy=f"set the same random text of {_LEAST_SECRET} characters or more on all hosts, such as what"
            " `openssl rand -hex 32` prints",
            setting="fleet.secret",
        )
    return secret
