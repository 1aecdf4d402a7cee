"""Links to message brokers: connections that deliver messages as CloudEvents and send events."""

from __future__ import annotations

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Protocol, TypeAlias, cast

from omnicore.config.brokers import BrokerSettings, Inbound, Outbound
from omnicore.errors import InvalidInput
from omnicore.optional import optional
from omnicore.texts import is_whole

__all__ = ["STRUCTURED", "BrokerLink", "LinkOrder", "Message", "Take", "event_of", "open_link", "written"]


STRUCTURED = "application/cloudevents+json"
_PREFIXES = ("ce-", "ce_", "cloudevents:", "cloudevents_")
_NEEDED = ("id", "source", "type")
_MOST_ATTRIBUTES = 50
_LONGEST = 1024


@dataclass(frozen=True, slots=True)
class Message:
    """A message from a broker. `id` is the broker's own name for it, the same when it is delivered again."""

    body: bytes
    id: str
    headers: Mapping[str, Any] = field(default_factory=dict)
    media: str = ""


def event_of(message: Message, *, source: str, kind: str, now: float, most_bytes: int) -> dict[str, Any]:
    """The event of a message. Raises: InvalidInput: it is too large, or no text can hold it."""
    if len(message.body) > most_bytes:
        raise InvalidInput(
            f"a message of {source} has {len(message.body)} bytes", remedy=f"send {most_bytes} at most, or a reference"
        )
    data = _data(message.body)
    structured = message.media.startswith(STRUCTURED)
    if isinstance(data, dict) and (structured or "specversion" in data) and _is_event(data):
        return dict(data)
    attributes = _attributes(message.headers)
    if _is_event(attributes):
        return {**attributes, **_of_data(message.body, data)}
    at = datetime.fromtimestamp(now, UTC).isoformat()
    wrapped = {"specversion": "1.0", "id": message.id, "source": source, "type": kind, "time": at}
    return {**wrapped, **_of_data(message.body, data)}


def written(event: Mapping[str, Any]) -> bytes:
    """An event in structured mode."""
    return json.dumps({"specversion": "1.0", **event}, separators=(",", ":")).encode()


def _attributes(headers: Mapping[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in headers.items():
        low = str(name).lower()
        prefix = next((one for one in _PREFIXES if low.startswith(one)), None)
        if prefix is not None and len(found) < _MOST_ATTRIBUTES:
            text = value.decode("utf-8", "replace") if isinstance(value, bytes) else str(value)
            found[low.removeprefix(prefix)] = text[:_LONGEST]
    return found


def _is_event(found: Mapping[str, Any]) -> bool:
    return all(isinstance(found.get(name), str) and 0 < len(found[name]) <= _LONGEST for name in _NEEDED)


def _data(body: bytes) -> Any:
    """The value of a JSON body, else its text, else None."""
    try:
        text = body.decode()
    except UnicodeDecodeError:
        return None
    try:
        value = json.loads(text, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return text
    return value if is_whole(value) else text


def _of_data(body: bytes, data: Any) -> dict[str, Any]:
    if data is None and body != b"null":
        return {"data_base64": base64.b64encode(body).decode()}
    return {"data": data}


def _no_number(text: str) -> Any:
    raise ValueError(text)


Take: TypeAlias = Callable[[Inbound, Message], Awaitable[None]]
"""Keeps a message durably; the broker hears that it has arrived only after this returns."""


@dataclass(frozen=True, slots=True)
class LinkOrder:
    """The settings of a link. `consumer` distinguishes this host from others of its group."""

    settings: BrokerSettings
    take: Take
    consumer: str
    reclaim_s: float = 60.0
    """How long a message may be with a host that says nothing before another takes it over (Redis)."""


class BrokerLink(Protocol):
    """A connection to one broker, used on one event loop; once stopped another one is made."""

    async def start(self) -> None:
        """Connects and begins to hand over. Raises: whatever its library raises."""

    async def stop(self) -> None:
        """Ends it; what was not kept yet stays with the broker."""

    async def send(self, to: Outbound, body: bytes, key: str) -> None:
        """Sends an event; the broker has it on record when this returns. Raises: whatever its library raises."""

    async def alive(self, within_s: float) -> bool:
        """True if the broker answers."""


def open_link(order: LinkOrder) -> BrokerLink:
    """A link for a broker's kind, not started yet. Raises: ToolMissing: its library is not installed."""
    module: Any = optional(f"omnicore.workflows.triggers.{order.settings.kind}", extra="brokers")
    return cast("BrokerLink", module.open_link(order))
