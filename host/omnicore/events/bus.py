"""The bus: topics, subscribers with bounded queues, and the last events.

A topic is a dotted name such as `plugin.added`. In a pattern `*` stands for one segment, and `**` as the last
segment for all that follow.
"""

from __future__ import annotations

import asyncio
import json
import re
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from omnicore.clock import Clock, SystemClock
from omnicore.errors import CapacityReached, Conflict, InvalidInput, LimitExceeded
from omnicore.ids import new_id

__all__ = ["Event", "EventBus", "Subscription", "check_pattern", "pattern_covers", "topic_matches"]

_TOPIC = re.compile(r"[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*")
_PATTERN = re.compile(r"(?:\*\*|(?:[A-Za-z0-9_-]+|\*)(?:\.(?:[A-Za-z0-9_-]+|\*))*(?:\.\*\*)?)")
_TOPIC_CHARACTERS = 256
_EVENT_COST = 200  # bytes an event costs beside its data


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened. Units: `at` seconds since the Unix epoch; `size` bytes of `data` as JSON."""

    id: str
    topic: str
    data: Any
    source: str
    at: float
    size: int = field(default=0, repr=False)


def check_pattern(pattern: str) -> str:
    """The pattern itself. Raises: InvalidInput when it cannot match any topic."""
    if len(pattern) > _TOPIC_CHARACTERS or not _PATTERN.fullmatch(pattern):
        raise InvalidInput(
            f"{pattern[:80]!r} is no topic pattern", remedy="write names, `*` or a last `**` between dots"
        )
    return pattern


def topic_matches(pattern: str, topic: str) -> bool:
    """True when the pattern covers the topic.

    >>> topic_matches("plugin.*", "plugin.added"), topic_matches("plugin.*", "plugin.call.failed")
    (True, False)
    """
    wanted, parts = pattern.split("."), topic.split(".")
    if wanted[-1] == "**":
        wanted.pop()
        parts, rest = parts[: len(wanted)], parts[len(wanted) :]
        if not rest:
            return False
    return len(wanted) == len(parts) and all(want in ("*", part) for want, part in zip(wanted, parts, strict=True))


def pattern_covers(wide: str, narrow: str) -> bool:
    """True when every topic that `narrow` matches is matched by `wide` too."""
    wanted, parts = wide.split("."), narrow.split(".")
    if wanted[-1] == "**":
        wanted.pop()
        if len(parts) <= len(wanted):
            return False
        parts = parts[: len(wanted)]
    elif parts[-1] == "**":
        return False
    return len(wanted) == len(parts) and all(want in ("*", part) for want, part in zip(wanted, parts, strict=True))


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

    def __init__(self, pattern: str, ring: _Ring, leave: Callable[[Subscription], None]) -> None:
        self.pattern = pattern
        self.dropped = 0
        self.closed = False
        self._ring = ring
        self._leave = leave
        self._lock = threading.Lock()
        self._waiter: asyncio.Future[None] | None = None

    def offer(self, event: Event) -> None:
        """Queues an event, from any thread; the bus calls this."""
        with self._lock:
            if self.closed:
                return
            self.dropped += self._ring.add(event)
            self._wake()

    def drain(self) -> list[Event]:
        """Takes all queued events at once, without waiting."""
        with self._lock:
            return [self._ring.take() for _ in range(len(self._ring.events))]

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
        while True:
            with self._lock:
                if self._ring.events:
                    return self._ring.take()
                if self.closed:
                    raise StopAsyncIteration
                if self._waiter is not None and not self._waiter.done():
                    raise Conflict("another task waits on this subscription", remedy="subscribe once per task")
                waiter = self._waiter = asyncio.get_running_loop().create_future()
            await waiter

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
        self._history = _Ring(history, history_bytes)
        self._subscriptions: tuple[Subscription, ...] = ()

    def publish(self, topic: str, data: Any = None, source: str = "host") -> str:
        """Hands an event to all matching subscribers and returns its id.

        Raises:
            InvalidInput: the topic is no dotted name, or `data` is no JSON value.
            LimitExceeded: `data` is over the bus's `event_bytes`.
        """
        if len(topic) > _TOPIC_CHARACTERS or not _TOPIC.fullmatch(topic):
            raise InvalidInput(f"{topic[:80]!r} is no topic", remedy="write names of a-z 0-9 _ - between dots")
        event = Event(new_id("evt"), topic, data, source, self._clock.now(), self._size(data))
        with self._lock:
            self._history.add(event)
            subscriptions = self._subscriptions
        for subscription in subscriptions:
            if topic_matches(subscription.pattern, topic):
                subscription.offer(event)
        return event.id

    def subscribe(self, pattern: str = "**", *, queue: int = 256, queue_bytes: int = 4 * 1024 * 1024) -> Subscription:
        """A new subscriber. Raises: InvalidInput, CapacityReached."""
        subscription = Subscription(check_pattern(pattern), _Ring(queue, queue_bytes), self._remove)
        with self._lock:
            if len(self._subscriptions) >= self._max_subscribers:
                raise CapacityReached(
                    f"the bus has its {self._max_subscribers} subscribers", remedy="close some of them"
                )
            self._subscriptions = (*self._subscriptions, subscription)
        return subscription

    def history(self, pattern: str = "**", n: int = 100) -> list[Event]:
        """The last `n` matching events, oldest first."""
        with self._lock:
            events = list(self._history.events)
        return [event for event in events if topic_matches(pattern, event.topic)][-n:] if n > 0 else []

    def _remove(self, subscription: Subscription) -> None:
        with self._lock:
            self._subscriptions = tuple(one for one in self._subscriptions if one is not subscription)

    def _size(self, data: Any) -> int:
        try:
            size = len(json.dumps(data, allow_nan=False))
        except (TypeError, ValueError, RecursionError) as error:
            raise InvalidInput(f"the event's data is no JSON value: {error}") from error
        if size > self._event_bytes:
            raise LimitExceeded(
                f"the event is {size} bytes, {self._event_bytes} are allowed",
                limit="event_bytes",
                allowed=self._event_bytes,
            )
        return size
