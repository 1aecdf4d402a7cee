"""The services behind doors, as far as doors need to know them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, TypeVar

from omnicore.clock import Clock, SystemClock
from omnicore.connectors.kind import Connector
from omnicore.connectors.policy import HttpPolicy
from omnicore.errors import LimitExceeded, Unavailable
from omnicore.memory.item import ANYONE, MemoryDraft, MemoryItem, MemoryQuery, MemoryScope
from omnicore.resilience.turns import Turns
from omnicore.sandbox.abi import HttpRequest, HttpResponse
from omnicore.storage.tables.tasks import Task, TaskOrder
from omnicore.telemetry.metrics import Metrics
from omnicore.vectors.vector import Match, Vector

__all__ = [
    "EVENTS_PER_S",
    "Connector",
    "ConnectorService",
    "EventPublisher",
    "HeardTopic",
    "HttpSender",
    "KvStore",
    "Match",
    "MemoryAccess",
    "MemoryDraft",
    "MemoryItem",
    "MemoryQuery",
    "Rates",
    "Services",
    "SubscriptionService",
    "Task",
    "TaskOrder",
    "TaskService",
    "Vector",
    "VectorAccess",
    "present",
]

_Service = TypeVar("_Service")


class KvStore(Protocol):
    """Keys and values of all plugins; each sees only its own. Writes raise LimitExceeded over a quota."""

    def get(self, plugin: str, key: str) -> tuple[bytes, int] | None:
        """The value and its version."""

    def put(
        self,
        plugin: str,
        key: str,
        value: bytes,
        ttl_s: float | None = None,
        *,
        max_bytes: int | None = None,
        max_keys: int | None = None,
    ) -> int:
        """Writes and returns the new version."""

    def cas(
        self,
        plugin: str,
        key: str,
        expected: int | None,
        value: bytes,
        ttl_s: float | None = None,
        *,
        max_bytes: int | None = None,
        max_keys: int | None = None,
    ) -> tuple[bool, int | None]:
        """Writes if the version is `expected`. Returns True when it did, and the present version."""

    def delete(self, plugin: str, key: str) -> bool:
        """Deletes a key; True when it existed."""

    def list(
        self, plugin: str, prefix: str = "", limit: int = 100, cursor: str | None = None
    ) -> tuple[list[str], str | None]:
        """A page of keys and the next page's cursor."""


class HttpSender(Protocol):
    """Sends requests within a policy."""

    async def send(self, request: HttpRequest, policy: HttpPolicy) -> HttpResponse:
        """See `omnicore.connectors.http.HttpClient.send`."""


class EventPublisher(Protocol):
    """Publishes events to subscribers."""

    def publish(self, topic: str, data: Any = None, source: str = "host", *, hops: int = 0) -> str:
        """Returns the event's id."""


class HeardTopic(Protocol):
    """A durable subscription."""

    @property
    def id(self) -> str: ...

    @property
    def topic(self) -> str: ...

    @property
    def function(self) -> str: ...


class SubscriptionService(Protocol):
    """Durable subscriptions of all plugins; each sees only its own."""

    def subscribe(self, plugin: str, topic: str, function: str, *, max_subscriptions: int) -> str:
        """The subscription's id; of the first one, when there is the same. Raises: InvalidInput, LimitExceeded."""

    def unsubscribe(self, plugin: str, subscription: str) -> bool:
        """Ends a subscription; True when the plugin had it."""

    def of(self, plugin: str) -> Sequence[HeardTopic]:
        """The plugin's subscriptions, oldest first."""


class TaskService(Protocol):
    """Tasks of all plugins; each sees only its own."""

    def submit(self, plugin: str, order: TaskOrder, *, max_pending: int) -> str:
        """The task's id; of the first one, when there is one with the key. Raises: LimitExceeded."""

    def get(self, plugin: str, task: str) -> Task | None:
        """A task of the plugin."""

    def list(
        self, plugin: str, state: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> tuple[Sequence[Task], str | None]:
        """A page of the plugin's tasks, newest first, and the next page's cursor."""

    def cancel(self, plugin: str, task: str) -> bool:
        """Cancels a task; True when it was waiting or running."""


class MemoryAccess(Protocol):
    """Memories of all plugins; each sees only its own. Embedding may take a while, so two of these wait."""

    async def store(self, plugin: str, draft: MemoryDraft, *, max_items: int, max_bytes: int) -> str:
        """The memory's id; the same text again is the same memory. Raises: LimitExceeded."""

    async def recall(self, plugin: str, query: MemoryQuery) -> Sequence[MemoryItem]:
        """The best matches, best first, each with its score."""

    def get(self, plugin: str, item: str, tiers: tuple[str, ...], scope: MemoryScope = ANYONE) -> MemoryItem | None:
        """A memory, if it is in one of the tiers and in the scope."""

    def forget(self, plugin: str, item: str, tiers: tuple[str, ...], scope: MemoryScope = ANYONE) -> bool:
        """Removes a memory; True when one of the tiers had it in the scope."""


class VectorAccess(Protocol):
    """Collections of all plugins; each sees only its own.

    Raises: InvalidInput, for a collection that is not there or has another shape; LimitExceeded.
    """

    def create(self, plugin: str, collection: str, dimensions: int, metric: str) -> bool:
        """Creates a collection; True when it is new. `metric` is cosine, l2 or dot."""

    def upsert(self, plugin: str, collection: str, vectors: Sequence[Vector], *, max_vectors: int) -> int:
        """Keeps all or none, within the quota over all collections; how many."""

    def search(
        self, plugin: str, collection: str, values: tuple[float, ...], limit: int, filter: Mapping[str, Any]
    ) -> tuple[Sequence[Match], bool]:
        """The nearest whose metadata pass the filter, nearest first, and whether they surely are the nearest."""

    def delete(self, plugin: str, collection: str, ids: Sequence[str]) -> int:
        """Deletes vectors; returns how many existed."""


class ConnectorService(Protocol):
    """The operator's connectors. What a plugin may use of them is the door's business."""

    def list(self) -> Sequence[Connector]:
        """All connectors."""

    async def call(self, plugin: str, connector: str, action: str, input: Any, *, timeout_s: float) -> Any:
        """Calls a connector; returns the result, a JSON value.

        Raises: InvalidInput, for what is not there or not understood; DeadlineExceeded, LimitExceeded, Unavailable.
        """


EVENTS_PER_S = 100
_MOST_PLUGINS = 1000


class Rates:
    """At most so many events a second for each plugin, as many at once after a rest. Usable from any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._left: dict[str, tuple[float, float]] = {}  # what is left, and as of when

    def spend(self, plugin: str, clock: Clock, *, most: int = EVENTS_PER_S, what: str = "events") -> None:
        """Counts one of `what`, of which `most` are allowed in a second. Raises: LimitExceeded."""
        key = plugin if what == "events" else f"{plugin} {what}"
        with self._lock:
            now = clock.monotonic()
            left, at = self._left.get(key, (float(most), now))
            left = min(most, left + (now - at) * most)
            self._left[key] = (left - 1 if left >= 1 else left, now)
            if len(self._left) > _MOST_PLUGINS:  # who has rested for a second has all of it again
                self._left = {name: one for name, one in self._left.items() if now - one[1] < 1}
        if left < 1:
            raise LimitExceeded(
                f"more than {most} {what} in a second",
                remedy="publish less often" if what == "events" else "use it less often",
                limit="events_per_s" if what == "events" else f"{what} per second",
                allowed=most,
            )


def _door_turns() -> Turns:
    """Two threads: Python runs one at a time anyway, and the second works while the first waits for the database."""
    return Turns(2, name="omnicore-door")


@dataclass(frozen=True, slots=True)
class Services:
    """The host's side of all doors; None is a service that this host does not have."""

    kv: KvStore
    http: HttpSender
    events: EventPublisher
    clock: Clock = field(default_factory=SystemClock)
    tasks: TaskService | None = None
    memory: MemoryAccess | None = None
    vectors: VectorAccess | None = None
    connectors: ConnectorService | None = None
    subscriptions: SubscriptionService | None = None
    metrics: Metrics | None = None
    rates: Rates = field(default_factory=Rates)
    used: Callable[[str, str, str], None] | None = None
    """Records that a plugin used a verb, and the outcome."""
    turns: Turns = field(default_factory=_door_turns)


def present(service: _Service | None, door: str) -> _Service:
    """The service itself. Raises: Unavailable."""
    if service is None:
        raise Unavailable(
            f"this host has no {door} service", remedy=f"run the plugin on a host that has one, or without {door}"
        )
    return service
