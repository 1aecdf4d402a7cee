# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Publish events and hear them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omnicore_sdk import _core

__all__ = ["Subscription", "publish", "subscribe", "subscriptions", "unsubscribe"]


@dataclass(frozen=True, slots=True)
class Subscription:
    """A function of the plugin that hears a topic."""

    id: str
    """Given by the host."""
    topic: str
    """The pattern."""
    function: str
    """Which is called with each event."""


def _read_subscription(reply: _core.Wire) -> Subscription:
    return Subscription(id=reply["id"], topic=reply["topic"], function=reply["function"])


def publish(topic: str, data: Any) -> str:
    """Hands an event to whoever subscribed; returns its id. At most 100 a second.

    Args:
        topic: to publish: names of `a-z A-Z 0-9 _ -` between dots.
        data: any JSON value of at most 64 KiB.

    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"topic": topic, "data": data}
    reply = _core.call("events_publish_v1", request)
    id: str = reply["id"]
    return id


def subscribe(topic: str, function: str) -> str:
    """Lets the host call a function of this plugin with each event; the same again is the same one.

    Args:
        topic: to subscribe: names, `*` for one of them, a last `**` for all that follow.
        function: takes `{"id", "topic", "data", "source", "at"}` as JSON; what it returns is dropped.

    Returns: of the subscription.
    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"topic": topic, "function": function}
    reply = _core.call("events_subscribe_v1", request)
    id: str = reply["id"]
    return id


def unsubscribe(id: str) -> bool:
    """Ends a subscription; returns whether there was one.

    Args:
        id: what subscribe returned.

    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"id": id}
    reply = _core.call("events_unsubscribe_v1", request)
    removed: bool = reply["removed"]
    return removed


def subscriptions() -> Sequence[Subscription]:
    """All subscriptions of this plugin, oldest first.

    Returns: oldest first.
    Raises: DoorError: the door refused or failed.
    """
    reply = _core.call("events_subscriptions_v1", {})
    return [_read_subscription(one) for one in reply["items"]]
