"""Events of a host beyond the moment: their log in the database, and their delivery to plugins that subscribed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from omnicore.capabilities.events import may_hear
from omnicore.clock import Clock
from omnicore.config.settings import EventSettings
from omnicore.events.bus import Event, EventBus, EventLog, topic_matches
from omnicore.events.subscriptions import Deliveries, DeliveryFigures, Handling, Subscriptions
from omnicore.plugins.callers import APPLICATION
from omnicore.plugins.host import PluginHost
from omnicore.resilience.retry import RetryPolicy, Supervised
from omnicore.sandbox.abi import KIB
from omnicore.storage.store import Store
from omnicore.storage.tables.events import EventRow, EventsTable, SubscriptionsTable
from omnicore.wiring.health import HealthPart

__all__ = ["DeliveryPart", "EventPart"]

_PAGE = 500
_ALL = 1_000_000
_MOST_KEPT = 8 * KIB
_ENDLESS = RetryPolicy(retries=1_000_000_000)  # what fails is the database, and one day it is back
_MOST_READ = 20  # pages of rows that are looked at for one page of what was asked for


def _row(event: Event) -> EventRow:
    # 10,000 events of 256 KiB would be 2.5 GB: of large data only the size is kept.
    data = event.data if event.size <= _MOST_KEPT else {"omitted_bytes": event.size}
    return EventRow(event.id, event.topic, event.source, event.at, event.hops, data)


class _Keeper:
    """The events table as the log sees it."""

    def __init__(self, table: EventsTable) -> None:
        self._table = table

    def append(self, events: Sequence[Event]) -> None:
        self._table.append([_row(one) for one in events])

    def trim(self, *, keep: int, before: float) -> int:
        return self._table.trim(keep=keep, before=before)


class EventPart:
    """The log of events. Started it writes in the background; else when it is stopped.

    Args:
        work: whether it goes on in the background of this process.
    """

    def __init__(
        self, settings: EventSettings, *, bus: EventBus, store: Store, health: HealthPart, clock: Clock, work: bool
    ) -> None:
        self.bus = bus
        self._work, self._health = work, health
        self._table = EventsTable(store)
        self.log: EventLog | None = None
        if settings.log:
            keeper = _Keeper(self._table)
            self.log = EventLog(bus, keeper, keep=settings.log_events, days=settings.log_days, clock=clock)
            self._writing = Supervised("event-log", self.log.run, policy=_ENDLESS, failed=health.failed)
            health.monitor.register("event-log", self._writing.probe, critical=False)
        # Reads fall back on what is in memory while the database is away.
        health.degradation.register("events.history", "events of the past", fallback=self._recent, needs=("storage",))

    def history(
        self, pattern: str = "**", limit: int = 100, before: str | None = None
    ) -> tuple[list[EventRow], str | None]:
        """Events that match, newest first, older than the one with the id `before`; and where to go on, if at all."""
        return self._health.degradation.run("events.history", self._kept, pattern, limit, before)

    async def start(self) -> None:
        """Begins to write."""
        if self.log is not None and self._work:
            await self._writing.start()

    async def stop(self) -> None:
        """Writes what waits."""
        if self.log is not None:
            await self._writing.stop()
            await self.log.close()

    def _kept(self, pattern: str, limit: int, before: str | None) -> tuple[list[EventRow], str | None]:
        if self.log is None:
            return self._recent(pattern, limit, before)
        last = self.log.last  # before the table is read: what is written meanwhile is in both, and counts once
        found, following = self._written(pattern, limit, before)
        # With those that still wait for their batch: who subscribed first and reads then misses none.
        after = max(last, found[-1].id if found and following is not None else "")
        known = {row.id for row in found}
        waiting = (one for one in self.bus.history(pattern, _ALL) if one.id > after and one.id not in known)
        missing = [_row(one) for one in waiting if before is None or one.id < before]
        rows = sorted([*found, *missing], key=lambda row: row.id, reverse=True)
        return (rows, following) if len(rows) <= limit else (rows[:limit], rows[limit - 1].id)

    def _written(self, pattern: str, limit: int, before: str | None) -> tuple[list[EventRow], str | None]:
        prefix = pattern.partition("*")[0]
        found: list[EventRow] = []
        for _ in range(_MOST_READ):
            rows = self._table.newest(prefix, before, _PAGE)
            found += [row for row in rows if topic_matches(pattern, row.topic)]
            if len(found) > limit:
                return found[:limit], found[limit - 1].id
            if len(rows) < _PAGE:
                return found, None
            before = rows[-1].id
        return found, before

    def _recent(self, pattern: str, limit: int, before: str | None) -> tuple[list[EventRow], str | None]:
        events = [one for one in self.bus.history(pattern, _ALL) if before is None or one.id < before][::-1]
        rows = [_row(one) for one in events[:limit]]
        return rows, rows[-1].id if len(events) > limit else None


class DeliveryPart:
    """Durable subscriptions of plugins, and their delivery while it is started."""

    def __init__(
        self, settings: EventSettings, *, bus: EventBus, store: Store, health: HealthPart, clock: Clock
    ) -> None:
        self._table = SubscriptionsTable(store, clock)
        self._plugins: PluginHost | None = None
        self._health, self._bus, self._store = health, bus, store
        self._deliveries: Deliveries | None = None
        self._delivering: Supervised | None = None
        self.subscriptions = Subscriptions(
            self._table, offers=self._offers, stir=self._stir, most_all=settings.subscriptions
        )

    def serve(self, plugins: PluginHost, *, work: bool) -> None:
        """Takes the plugins whose functions are called."""
        self._plugins = plugins
        plugins.forgetting.append(self.subscriptions.forget)
        if not work:
            return
        self._deliveries = Deliveries(
            self._bus, orders=self._table.all, changed=self._store.data_version, allowed=self._allowed, call=self._call
        )
        self._delivering = Supervised(
            "event-delivery", self._deliveries.run, policy=_ENDLESS, failed=self._health.failed
        )
        self._health.monitor.register("event-delivery", self._delivering.probe, critical=False)

    def figures(self) -> DeliveryFigures:
        """What was delivered so far."""
        return self._deliveries.figures() if self._deliveries is not None else DeliveryFigures(0, 0, 0, 0)

    async def start(self) -> None:
        """Begins to deliver, where this process works."""
        if self._delivering is not None:
            await self._delivering.start()

    async def stop(self) -> None:
        """Ends it; events that wait are lost, as at-most-once has it."""
        if self._delivering is not None:
            await self._delivering.stop()

    def _stir(self) -> None:
        if self._deliveries is not None:
            self._deliveries.stir()

    def _offers(self, plugin: str, function: str) -> bool:
        return self._plugins is not None and self._plugins.offers(plugin, function)

    def _allowed(self, plugin: str, topic: str) -> bool:
        scope = self._plugins.scope(plugin, "events") if self._plugins is not None else None
        return scope is not None and may_hear(scope, topic)

    async def _call(self, ref: str, data: Any, handling: Handling) -> Any:
        assert self._plugins is not None  # noqa: S101 -- `serve` came before `start`
        source = data["source"]  # the host's own events are those of the program around it
        with self._plugins.callers.named(APPLICATION if source == "host" else f"events of {source}"):
            return await self._plugins.call(ref, data, host_context=handling)
