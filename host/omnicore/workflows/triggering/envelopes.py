"""Events as the inbox has them: CloudEvents with two attributes of the host's own. Pure.

`omnicorehops` counts how many events led to this one, and `omnicoreorigin` names the broker that it came from.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.events.bus import Event
from omnicore.texts import is_whole
from omnicore.workflows.effects.emitting import HOPS

__all__ = ["HOPS", "MOST_HOPS", "ORIGIN", "checked", "hops_of", "is_of_bus", "of_bus"]

ORIGIN = "omnicoreorigin"
MOST_HOPS = 32
"""How many events may lead to one that still begins runs or reaches them."""
_NEEDED = ("id", "source", "type")
_LONGEST = 1024
_MOST_ATTRIBUTES = 100


def of_bus(event: Event) -> dict[str, Any]:
    """An event of the host's bus."""
    at = datetime.fromtimestamp(event.at, UTC).isoformat()
    known = {"specversion": "1.0", "id": event.id, "source": f"omnicore:{event.source}", "type": event.topic}
    return {**known, "time": at, "data": event.data, HOPS: event.hops}


def is_of_bus(event: Mapping[str, Any]) -> bool:
    """Whether an event was told by a part of the host or a plugin, and not emitted by a workflow or sent by a broker.

    What is emitted has a source of its own choice; who wants a connector's events wants the connector's.
    """
    source = str(event.get("source", ""))
    return ORIGIN not in event and source.startswith("omnicore:") and not source.startswith("omnicore:workflow")


def checked(
    event: Mapping[str, Any], *, hops: int = 0, origin: str = "", most_bytes: int = 1024 * 1024
) -> dict[str, Any]:
    """An event from outside as the inbox has it. Raises: InvalidInput: it is none, or too large."""
    for name in _NEEDED:
        value = event.get(name)
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST:
            raise InvalidInput(f"the event's {name} is no text of 1 to {_LONGEST} characters", remedy="give it one")
    if len(event) > _MOST_ATTRIBUTES:
        raise InvalidInput(f"the event has over {_MOST_ATTRIBUTES} attributes", remedy="put them into its data")
    made = {name: value for name, value in event.items() if name not in (HOPS, ORIGIN)}
    made["specversion"] = "1.0"
    made[HOPS] = hops
    if origin:
        made[ORIGIN] = origin
    try:
        text = json.dumps(made, allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput("the event is no JSON value", remedy="send whole JSON") from error
    if len(text) > most_bytes:
        raise InvalidInput(f"the event has {len(text)} bytes", remedy=f"send {most_bytes} at most, or a reference")
    if "\\ud" in text and not is_whole(made):
        raise InvalidInput("the event holds half of a character", remedy="send whole texts")
    return made


def hops_of(event: Mapping[str, Any]) -> int:
    """How many events led to this one."""
    found = event.get(HOPS)
    return found if type(found) is int and found > 0 else 0
