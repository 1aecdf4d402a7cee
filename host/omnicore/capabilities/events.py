"""The events door: publish to the host's bus, on the topics that were granted."""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb
from omnicore.capabilities.request import Request
from omnicore.capabilities.scope import REQUIRED, patterns
from omnicore.capabilities.services import Services
from omnicore.clock import Clock
from omnicore.errors import InvalidInput, LimitExceeded, PermissionDenied
from omnicore.events.bus import check_pattern, pattern_covers, topic_matches
from omnicore.sandbox.abi import KIB

__all__ = ["DATA_BYTES", "DOOR", "RATE_PER_S"]

DATA_BYTES = 64 * KIB
RATE_PER_S = 100


class _Rate:
    """At most `RATE_PER_S` events a second, as many at once after a rest. Usable from any thread."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._left = float(RATE_PER_S)
        self._at = clock.monotonic()

    def spend(self) -> None:
        with self._lock:
            now = self._clock.monotonic()
            self._left = min(RATE_PER_S, self._left + (now - self._at) * RATE_PER_S)
            self._at = now
            if self._left < 1:
                raise LimitExceeded(
                    f"more than {RATE_PER_S} events in a second",
                    remedy="publish less often",
                    limit="events_per_s",
                    allowed=RATE_PER_S,
                )
            self._left -= 1


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    topics, rate = tuple(scope["topics"]), _Rate(services.clock)

    def publish(call: DoorCall, request: Request) -> Mapping[str, Any]:
        topic, data = request.text("topic", most=256), request.any("data")
        request.done()
        if not any(topic_matches(pattern, topic) for pattern in topics):
            raise _not_granted(plugin.name, topic)
        _bound(data)
        rate.spend()
        return {"id": services.events.publish(topic, data, plugin.name)}

    return {"publish": publish}


def _not_granted(plugin: str, topic: str) -> PermissionDenied:
    return PermissionDenied(
        f"{plugin} may not publish to {topic}: no granted topic matches",
        remedy=f"name the topic in its manifest, then run `omnicore plugins grant {plugin} events`",
        capability="events",
        resource=topic,
    )


def _bound(data: Any) -> None:
    size = len(json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode())
    if size > DATA_BYTES:
        raise LimitExceeded(
            f"the event's data has {size} bytes, {DATA_BYTES} are allowed",
            limit="event_bytes",
            allowed=DATA_BYTES,
        )


def _is_pattern(text: str) -> bool:
    try:
        return bool(check_pattern(text))
    except InvalidInput:
        return False


DOOR = Capability(
    name="events",
    purpose="Publish events",
    verbs=("publish",),
    resource="topic",
    open=_open,
    scope={
        "topics": patterns(
            REQUIRED,
            "a list of 1 to 100 topics such as `counter.*`",
            valid=_is_pattern,
            covers=pattern_covers,
        )
    },
    request_bytes=lambda limits: 6 * DATA_BYTES + 4 * KIB,  # each character may be written as an escape
)
