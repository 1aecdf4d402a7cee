"""What doors lead to, as far as doors need to know it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Protocol

from omnicore.clock import Clock, SystemClock
from omnicore.connectors.policy import HttpPolicy
from omnicore.sandbox.abi import HttpRequest, HttpResponse

__all__ = ["EventPublisher", "HttpSender", "KvStore", "Services"]


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
        """Writes if the version is `expected`; whether it did, and the version now."""

    def delete(self, plugin: str, key: str) -> bool:
        """Whether there was something to delete."""

    def list(
        self, plugin: str, prefix: str = "", limit: int = 100, cursor: str | None = None
    ) -> tuple[list[str], str | None]:
        """A page of keys and the next page's cursor."""


class HttpSender(Protocol):
    """Sends requests within a policy."""

    async def send(self, request: HttpRequest, policy: HttpPolicy) -> HttpResponse:
        """See `omnicore.connectors.http.HttpClient.send`."""


class EventPublisher(Protocol):
    """Hands events to whoever subscribed."""

    def publish(self, topic: str, data: Any = None, source: str = "host") -> str:
        """Returns the event's id."""


@dataclass(frozen=True, slots=True)
class Services:
    """The host's side of all doors."""

    kv: KvStore
    http: HttpSender
    events: EventPublisher
    clock: Clock = field(default_factory=SystemClock)
