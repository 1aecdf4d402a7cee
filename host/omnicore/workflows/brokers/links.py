"""What all brokers have in common: a link that hands messages over and takes events away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any, Protocol, TypeAlias, cast

from omnicore.config.sections.brokers import BrokerSettings, Inbound, Outbound
from omnicore.optional import optional
from omnicore.workflows.brokers.envelopes import Message

__all__ = ["Link", "LinkOrder", "Take", "open_link"]

Take: TypeAlias = Callable[[Inbound, Message], Awaitable[None]]
"""Keeps a message durably; the broker hears that it has arrived only after this returns."""


@dataclass(frozen=True, slots=True)
class LinkOrder:
    """What a link is made of. `consumer` tells this host from others of its group."""

    settings: BrokerSettings
    take: Take
    consumer: str
    reclaim_s: float = 60.0
    """How long a message may be with a host that says nothing before another takes it over (Redis)."""


class Link(Protocol):
    """A connection to one broker, used on one event loop; once stopped another one is made."""

    async def start(self) -> None:
        """Connects and begins to hand over. Raises: whatever its library raises."""

    async def stop(self) -> None:
        """Ends it; what was not kept yet stays with the broker."""

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """Sends an event; the broker has it on record when this returns. Raises: whatever its library raises."""

    async def alive(self, within_s: float) -> bool:
        """Whether the broker answers."""


def open_link(order: LinkOrder) -> Link:
    """A link for a broker's kind, not started yet. Raises: ToolMissing: its library is not installed."""
    module: Any = optional(f"omnicore.workflows.brokers.{order.settings.kind}", extra="brokers")
    return cast(Link, module.open_link(order))
