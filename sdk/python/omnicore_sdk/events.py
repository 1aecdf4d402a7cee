# Made from specs/doors by `python -m sdk.generate`; change it there.
"""Publish events."""

from __future__ import annotations

from typing import Any

from omnicore_sdk import _core

__all__ = ["publish"]


def publish(topic: str, data: Any) -> str:
    """Hands an event to whoever subscribed; returns its id. At most 100 a second.

    Args:
        topic: names of `a-z A-Z 0-9 _ -` between dots.
        data: any JSON value of at most 64 KiB.

    Raises: DoorError: the door refused or failed.
    """
    request: _core.Wire = {"topic": topic, "data": data}
    reply = _core.call("events_publish_v1", request)
    id: str = reply["id"]
    return id
