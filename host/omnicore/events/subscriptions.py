"""Durable subscriptions as doors and people see them: kept in the database, checked, told to whoever delivers.

Durable subscriptions: the host calls a plugin's own function with each event that it asked for.

At most once: an event whose handler fails, or that comes while the plugin is out of service or its queue is full, is
counted and gone. What must not be lost belongs into a task.
"""

from __future__ import annotations

import asyncio
import logging
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.errors import InvalidInput, OmniError
from omnicore.ids import OrderedIds

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from omnicore.events.bus import Event, EventBus, Subscription


MOST_HOPS = 8
"""The number of handlers that may follow from one event of the host: the next one's event is refused."""

_QUEUE = 256
_QUEUE_BYTES = 1024 * 1024
_AT_ONCE = 4  # handlers of one plugin, so that a slow one holds up only itself
_REFRESH_S = 2.0
_TAKEN = 64  # events of other hosts at once, so that the rest of a row is for a host with more room

_log = logging.getLogger("omnicore.events")


class Order(Protocol):
    """A durable subscription, as it is kept."""

    @property
    def id(self) -> str: ...

    @property
    def plugin(self) -> str: ...

    @property
    def topic(self) -> str: ...

    @property
    def function(self) -> str: ...


class Relief(Protocol):
    """Hosts on one database that take over what this one cannot deliver. Its methods block."""

    def loads(self, plugin: str) -> bool:
        """True unless a plugin cannot be loaded on this host."""

    def give(self, order: Order, event: Event) -> None:
        """Hands an event over. Raises: LimitExceeded, StorageFailed."""

    def waiting(self) -> Sequence[str]:
        """The subscriptions for which events were handed over."""

    def take(self, order: Order, limit: int) -> Sequence[Event]:
        """Takes the oldest of them; no other host gets them."""


@dataclass(frozen=True, slots=True)
class Handling:
    """The event that a handler's host calls serve: how far it is from the one that began it all."""

    hops: int


@dataclass(frozen=True, slots=True)
class DeliveryFigures:
    """Deliveries since the start: calls that went well, that failed, and events that were lost unseen."""

    subscriptions: int
    delivered: int
    failed: int
    dropped: int


class _Delivery:
    """One subscription at work."""

    __slots__ = ("events", "order", "task")

    def __init__(self, order: Order, events: Subscription, task: asyncio.Task[None]) -> None:
        self.order, self.events, self.task = order, events, task


class Deliveries:
    """Delivers for as long as `run` does; used on one event loop.

    Args:
        orders: all subscriptions that stand; asked again when something changed.
        changed: a number that changes when another process may have subscribed.
        allowed: whether a plugin may still hear a topic pattern; a grant may have been taken back.
        call: calls `plugin.function` with an event as JSON, in the context of a `Handling`.
        relief: the other hosts, where there may be some.
    """

    def __init__(
        self,
        bus: EventBus,
        *,
        orders: Callable[[], Sequence[Order]],
        changed: Callable[[], int],
        allowed: Callable[[str, str], bool],
        call: Callable[[str, Any, Handling], Awaitable[Any]],
        relief: Relief | None = None,
    ) -> None:
        self._bus, self._relief = bus, relief
        self._unloadable: set[str] = set()
        self._orders, self._changed, self._allowed, self._call = orders, changed, allowed, call
        self._at_work: dict[str, _Delivery] = {}
        self._stirred = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._slots: dict[str, asyncio.Semaphore] = {}
        self._delivered = self._failed = self._dropped_before = 0

    def stir(self) -> None:
        """Tells, from any thread, that a subscription came or went."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop is closed: nothing is delivered any more
                self._loop.call_soon_threadsafe(self._stirred.set)

    def figures(self) -> DeliveryFigures:
        """Counts so far."""
        at_work = list(self._at_work.values())
        dropped = self._dropped_before + sum(one.events.dropped for one in at_work)
        return DeliveryFigures(len(at_work), self._delivered, self._failed, dropped)

    async def run(self) -> None:
        """Goes on without end. Raises: StorageFailed, after which it may be run again."""
        self._loop = asyncio.get_running_loop()
        with self._bus.subscribe("plugin.*", own=True) as plugins:
            watching = asyncio.create_task(self._watch(plugins), name="omnicore-deliveries-watch")
            try:
                await self._keep_up()
            finally:
                watching.cancel()
                for name in list(self._at_work):
                    await self._end(name)

    async def _watch(self, plugins: Subscription) -> None:
        async for event in plugins:
            if event.hops == 0:  # granted, removed, switched off: who may hear what may have changed
                self._stirred.set()

    async def _keep_up(self) -> None:
        version = None
        while True:
            now = await asyncio.to_thread(self._changed)
            if now != version or self._stirred.is_set():
                version = now
                self._stirred.clear()
                await self.refresh()
                if self._relief is not None and await self._relieve(self._relief):
                    version = None
            with suppress(TimeoutError):
                async with asyncio.timeout(_REFRESH_S):
                    await self._stirred.wait()

    async def refresh(self) -> None:
        """Brings what is delivered in line with what is kept. Raises: StorageFailed."""
        wanted = {order.id: order for order in await asyncio.to_thread(self._still_allowed)}
        for name in [name for name in self._at_work if name not in wanted]:
            await self._end(name)
        at_work = {delivery.order.plugin for delivery in self._at_work.values()}
        for plugin in self._slots.keys() - at_work:
            del self._slots[plugin]
        for name, order in wanted.items():
            if name not in self._at_work:
                events = self._bus.subscribe(order.topic, queue=_QUEUE, queue_bytes=_QUEUE_BYTES, own=True)
                task = asyncio.create_task(self._deliver(order, events), name=f"omnicore-deliver-{name}")
                self._at_work[name] = _Delivery(order, events, task)

    def _still_allowed(self) -> list[Order]:
        return [order for order in self._orders() if self._allowed(order.plugin, order.topic)]

    async def _end(self, name: str) -> None:
        delivery = self._at_work.pop(name)
        self._dropped_before += delivery.events.dropped + len(delivery.events.drain())
        delivery.events.close()
        delivery.task.cancel()
        with suppress(asyncio.CancelledError):
            await delivery.task

    async def _deliver(self, order: Order, events: Subscription) -> None:
        slots = self._slots.setdefault(order.plugin, asyncio.Semaphore(_AT_ONCE))
        async for event in events:
            async with slots:
                await self._hand_over(order, event)

    async def _relieve(self, relief: Relief) -> bool:
        """Takes what other hosts could not deliver and this one can, in line with its own; True: there may be more."""
        more = False
        for name in await asyncio.to_thread(relief.waiting):
            delivery = self._at_work.get(name)
            if delivery is None or not await asyncio.to_thread(relief.loads, delivery.order.plugin):
                continue
            events = await asyncio.to_thread(relief.take, delivery.order, _TAKEN)
            more = more or len(events) == _TAKEN
            for event in events:
                delivery.events.offer(event)
        return more

    async def _given_away(self, order: Order, event: Event) -> bool:
        """True where the plugin cannot be loaded here, and another host may have the event."""
        if self._relief is None or await asyncio.to_thread(self._relief.loads, order.plugin):
            self._unloadable.discard(order.plugin)
            return False
        self._unloadable.add(order.plugin)
        await asyncio.to_thread(self._relief.give, order, event)
        return True

    async def _called(self, order: Order, event: Event) -> bool:
        """True once the plugin has handled an event; False: another host may. Raises: as the call does."""
        if order.plugin in self._unloadable and await self._given_away(order, event):
            return False
        try:
            await self._call(f"{order.plugin}.{order.function}", as_input(event), Handling(event.hops))
        except OmniError:
            if not await self._given_away(order, event):
                raise
            return False
        return True

    async def _hand_over(self, order: Order, event: Event) -> None:
        ref = f"{order.plugin}.{order.function}"
        try:
            self._delivered += await self._called(order, event)
        except OmniError as error:
            # The plugin's breaker counted it, its log and metrics show it; the next event is tried as ever.
            self._failed += 1
            _log.debug("%s did not handle %s: %s", ref, event.id, error)
        except Exception:
            self._failed += 1
            _log.exception("%s could not be handed %s", ref, event.id)


def as_input(event: Event) -> dict[str, Any]:
    """An event as a handler gets it."""
    return {"id": event.id, "topic": event.topic, "data": event.data, "source": event.source, "at": event.at}


class OrderKeeper(Protocol):
    """A store of subscriptions."""

    def add(self, order: str, plugin: str, topic: str, function: str, *, most: int, most_all: int) -> str:
        """The id of the subscription, or of the same one that was there. Raises: LimitExceeded."""

    def remove(self, plugin: str, order: str) -> bool:
        """True if the plugin had it."""

    def forget(self, plugin: str) -> int:
        """Drops all of a plugin."""

    def of(self, plugin: str) -> Sequence[Order]:
        """A plugin's, oldest first."""


class Subscriptions:
    """Subscribes functions of plugins to topics.

    Args:
        offers: whether a plugin has a function.
        stir: told whenever a subscription came or went.
        most_all: how many all plugins together may have.
    """

    def __init__(
        self,
        keeper: OrderKeeper,
        *,
        offers: Callable[[str, str], bool],
        stir: Callable[[], None],
        most_all: int,
    ) -> None:
        self._keeper, self._offers, self._stir, self._most_all = keeper, offers, stir, most_all
        self._ids = OrderedIds("sub")

    def subscribe(self, plugin: str, topic: str, function: str, *, max_subscriptions: int) -> str:
        """The subscription's id; of the first one, when there is the same. Raises: InvalidInput, LimitExceeded."""
        if not self._offers(plugin, function):
            raise InvalidInput(f"{plugin} has no function {function[:64]!r}", remedy="name one that it exports")
        order = self._keeper.add(
            self._ids.next(), plugin, topic, function, most=max_subscriptions, most_all=self._most_all
        )
        self._stir()
        return order

    def unsubscribe(self, plugin: str, subscription: str) -> bool:
        """True if the plugin had it."""
        removed = self._keeper.remove(plugin, subscription)
        if removed:
            self._stir()
        return removed

    def of(self, plugin: str) -> Sequence[Order]:
        """The plugin's subscriptions, oldest first."""
        return self._keeper.of(plugin)

    def forget(self, plugin: str) -> None:
        """Ends all subscriptions of a plugin that is removed."""
        if self._keeper.forget(plugin):
            self._stir()
