"""The bus: topics, subscribers with bounded queues, and the last events."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from omnicore.clock import Clock, SystemClock
from omnicore.compact import json_writer
from omnicore.errors import CapacityReached, Conflict, InvalidInput, LimitExceeded
from omnicore.events.routes import Routes
from omnicore.events.topics import check_pattern, check_topic, pattern_covers, topic_matches
from omnicore.ids import OrderedIds
from omnicore.texts import is_whole

__all__ = ["BusFigures", "Event", "EventBus", "Subscription", "check_pattern", "pattern_covers", "topic_matches"]

_EVENT_COST = 200  # bytes an event costs beside its data
_write = json_writer(spaces=True)


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Units: `at` seconds since the Unix epoch; `size` bytes of `data` as JSON.

    `hops` is 0 for what the host tells; an event of a plugin has 1, and one more than the event that its publisher
    was handling. So nobody but the host makes an event with 0.
    """

    id: str
    topic: str
    data: Any
    source: str
    at: float
    size: int = field(default=0, repr=False)
    hops: int = 0


@dataclass(frozen=True, slots=True)
class BusFigures:
    """What the bus counted since it was made."""

    published: int
    dropped: int
    subscribers: int


class _Ring:
    """The newest events within a count and a number of bytes."""

    def __init__(self, events: int, size: int) -> None:
        self._room = (events, size)
        self._size = 0
        self.events: deque[Event] = deque()

    def add(self, event: Event) -> int:
        """Returns how many old events had to go."""
        self.events.append(event)
        self._size += event.size + _EVENT_COST
        dropped = 0
        while len(self.events) > self._room[0] or (self._size > self._room[1] and len(self.events) > 1):
            self.take()
            dropped += 1
        return dropped

    def take(self) -> Event:
        event = self.events.popleft()
        self._size -= event.size + _EVENT_COST
        return event


class Subscription:
    """The events of one subscriber: an async iterator for one task, or `drain` without a loop.

    When the subscriber is slow the oldest events go and `dropped` counts them. Owns: a place on the bus until
    `close` or the end of a `with` block.
    """

    def __init__(
        self,
        pattern: str,
        ring: _Ring,
        leave: Callable[[Subscription], None],
        only: Callable[[Event], bool] | None = None,
    ) -> None:
        self.pattern = pattern
        self._only = only
        self.dropped = 0
        self.closed = False
        self.lossy = False
        self._ring = ring
        self._leave = leave
        self._lock = threading.Lock()
        self._waiter: asyncio.Future[None] | None = None

    def offer(self, event: Event) -> None:
        """Queues an event, from any thread; the bus calls this."""
        if self._only is not None and not self._only(event):
            return
        with self._lock:
            if self.closed:
                return
            self.dropped += self._ring.add(event)
            self._wake()

    def drain(self, most: int | None = None) -> list[Event]:
        """Takes all queued events at once, or the oldest `most`, without waiting."""
        with self._lock:
            waiting = len(self._ring.events)
            return [self._ring.take() for _ in range(waiting if most is None else min(waiting, most))]

    async def wait(self) -> bool:
        """Waits until an event is queued, without taking it; False when it is closed and empty."""
        while (waiter := self._waiting()) is not None:
            await waiter
        return bool(self._ring.events)

    def close(self) -> None:
        """Leaves the bus; iteration ends after the events that are queued."""
        self._leave(self)
        with self._lock:
            self.closed = True
            self._wake()

    def _wake(self) -> None:
        waiter, self._waiter = self._waiter, None
        if waiter is None:
            return
        try:
            waiter.get_loop().call_soon_threadsafe(_finish, waiter)
        except RuntimeError:  # the subscriber's loop is closed: nobody waits any more
            self.closed = True

    def __aiter__(self) -> Subscription:
        return self

    async def __anext__(self) -> Event:
        while await self.wait():
            with self._lock:
                if self._ring.events:
                    return self._ring.take()
        raise StopAsyncIteration

    def _waiting(self) -> asyncio.Future[None] | None:
        """What to wait for; nothing when there is an event, or will be none."""
        with self._lock:
            if self._ring.events or self.closed:
                return None
            if self._waiter is not None and not self._waiter.done():
                raise Conflict("another task waits on this subscription", remedy="subscribe once per task")
            self._waiter = asyncio.get_running_loop().create_future()
            return self._waiter

    def __enter__(self) -> Subscription:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _finish(waiter: asyncio.Future[None]) -> None:
    if not waiter.done():
        waiter.set_result(None)


class EventBus:
    """Hands events to whoever subscribed. `publish` from any thread; it never waits for a subscriber.

    Units: sizes in bytes of JSON. History and queues are bounded by count and by bytes.
    """

    def __init__(
        self,
        *,
        history: int = 1000,
        history_bytes: int = 4 * 1024 * 1024,
        event_bytes: int = 256 * 1024,
        max_subscribers: int = 1000,
        clock: Clock | None = None,
    ) -> None:
        self._clock = clock or SystemClock()
        self._event_bytes = event_bytes
        self._max_subscribers = max_subscribers
        self._lock = threading.Lock()
        self._ids = OrderedIds("evt")
        self._history = _Ring(history, history_bytes)
        self._routes: Routes[Subscription] = Routes()
        self._members: dict[int, tuple[Subscription, bool]] = {}
        self._guests = 0
        self._published = 0
        self._dropped_before = 0

    def publish(
        self, topic: str, data: Any = None, source: str = "host", *, hops: int = 0, passing: bool = False
    ) -> str:
        """Hands an event to all matching subscribers and returns its id.

        A `passing` one is a detail that comes in thousands: it goes only to those whose pattern has its first segment,
        so that neither `**`, what is kept, nor the history is filled with it.

        Raises:
            InvalidInput: the topic is no dotted name, or `data` is no JSON value.
            LimitExceeded: `data` is over the bus's `event_bytes`.
        """
        check_topic(topic)
        size = self._size(data)
        with self._lock:  # ids, history and the log agree on the order
            event = Event(self._ids.next(), topic, data, source, self._clock.now(), size, hops)
            self._published += 1
            if not passing:
                self._history.add(event)
        for subscription in self._routes.find(topic, named=passing):
            subscription.offer(event)
        return event.id

    def subscribe(
        self,
        pattern: str = "**",
        *,
        queue: int = 256,
        queue_bytes: int = 4 * 1024 * 1024,
        own: bool = False,
        lossy: bool = False,
        only: Callable[[Event], bool] | None = None,
    ) -> Subscription:
        """A new subscriber. `own` ones, of the host's parts, take no place from guests; what `lossy` ones lose, for
        they only want to be woken, is no loss in the figures. `only` says which of the events to queue.

        Raises: InvalidInput, CapacityReached.
        """
        subscription = Subscription(check_pattern(pattern), _Ring(queue, queue_bytes), self._remove, only)
        with self._lock:
            if not own and self._guests >= self._max_subscribers:
                raise CapacityReached(
                    f"the bus has its {self._max_subscribers} subscribers", remedy="close some of them"
                )
            self._guests += not own
            self._members[id(subscription)] = (subscription, own)
            subscription.lossy = lossy
            self._routes.add(pattern, subscription)
        return subscription

    def history(self, pattern: str = "**", n: int = 100) -> list[Event]:
        """The last `n` matching events, oldest first."""
        with self._lock:
            events = list(self._history.events)
        return [event for event in events if topic_matches(pattern, event.topic)][-n:] if n > 0 else []

    def hears(self, topic: str) -> bool:
        """Whether a `passing` event of this topic would reach anybody; costs two look-ups where it would not."""
        return any(True for _ in self._routes.find(topic, named=True))

    def clear_history(self) -> None:
        """Forgets the last events."""
        with self._lock:
            while self._history.events:
                self._history.take()

    def subscribers(self) -> tuple[Subscription, ...]:
        """All subscriptions that are open."""
        with self._lock:
            return tuple(one for one, _ in self._members.values())

    def figures(self) -> BusFigures:
        """What went through, what slow subscribers lost, and how many subscribers there are."""
        with self._lock:
            members = list(self._members.values())
            before = self._dropped_before
        return BusFigures(
            self._published, before + sum(one.dropped for one, _ in members if not one.lossy), len(members)
        )

    def _remove(self, subscription: Subscription) -> None:
        with self._lock:
            found = self._members.pop(id(subscription), None)
            self._guests -= bool(found and not found[1])
            if found and not subscription.lossy:
                self._dropped_before += subscription.dropped
            self._routes.remove(subscription.pattern, subscription)

    def _size(self, data: Any) -> int:
        try:
            text = _write(data)
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(f"the event's data is no JSON value: {error}") from error
        if "\\ud" in text and not is_whole(data):  # nobody could be sent it
            raise InvalidInput("the event's data holds half of a character", remedy="send whole texts")
        size = len(text)
        if size > self._event_bytes:
            raise LimitExceeded(
                f"the event is {size} bytes, {self._event_bytes} are allowed",
                limit="event_bytes",
                allowed=self._event_bytes,
            )
        return size
