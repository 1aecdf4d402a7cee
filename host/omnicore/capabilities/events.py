"""The events door: publish to the host's bus and hear it, on the topics that were granted."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb
from omnicore.capabilities.request import Request, value_bytes
from omnicore.capabilities.scope import maximum, patterns
from omnicore.capabilities.services import EVENTS_PER_S, Services, SubscriptionService, present
from omnicore.errors import InvalidInput, LimitExceeded, PermissionDenied
from omnicore.events.bus import HOST_TOPICS, check_pattern, pattern_covers, topic_matches
from omnicore.events.subscriptions import MOST_HOPS, Handling
from omnicore.sandbox.abi import KIB

DATA_BYTES = 64 * KIB
RATE_PER_S = EVENTS_PER_S
_SAYS = "a list of 1 to 100 topics such as `counter.*`"


class _Events:
    """The door, opened for one plugin."""

    def __init__(self, plugin: str, scope: Mapping[str, Any], services: Services) -> None:
        self._plugin = plugin
        self._topics, self._heard = tuple(scope["topics"]), tuple(scope["subscribe"])
        self._most: int = scope["max_subscriptions"]
        self._rates, self._clock = services.rates, services.clock
        self._bus, self._found = services.events, services.subscriptions

    def publish(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        topic, data = request.text("topic", most=256), request.any("data")
        request.done()
        if not any(_may_publish(pattern, topic) for pattern in self._topics):
            raise _not_granted(self._plugin, "publish to", topic)
        _bound(data)
        hops = _next_hop(call.host_context)
        self._rates.spend(self._plugin, self._clock)
        return {"id": self._bus.publish(topic, data, self._plugin, hops=hops)}

    def subscribe(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        topic, function = request.text("topic", most=256), request.text("function", least=1, most=64)
        request.done()
        check_pattern(topic)
        if not any(pattern_covers(pattern, topic) for pattern in self._heard):
            raise _not_granted(self._plugin, "subscribe to", topic)
        return {"id": self._service.subscribe(self._plugin, topic, function, max_subscriptions=self._most)}

    def unsubscribe(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        subscription = request.text("id", least=1, most=64)
        request.done()
        return {"removed": self._service.unsubscribe(self._plugin, subscription)}

    def subscriptions(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        request.done()
        found = self._service.of(self._plugin)
        return {"items": [{"id": one.id, "topic": one.topic, "function": one.function} for one in found]}

    @property
    def _service(self) -> SubscriptionService:
        return present(self._found, "subscription")


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    events = _Events(plugin.name, scope, services)
    return {verb: getattr(events, verb) for verb in DOOR.verbs}


def may_hear(scope: Mapping[str, Any], topic: str) -> bool:
    """True when a scope, filled with its defaults, allows subscriptions to a topic pattern."""
    return any(pattern_covers(pattern, topic) for pattern in scope["subscribe"])


def _may_publish(pattern: str, topic: str) -> bool:
    return topic_matches(pattern, topic) and _names_host(pattern) >= _names_host(topic)


def _grant_covers(granted: str, asked: str) -> bool:
    return pattern_covers(granted, asked) and _names_host(granted) >= _names_host(asked)


def _names_host(pattern: str) -> bool:
    """True when a topic or pattern begins with a name reserved for the host; `*` and `**` do not."""
    return pattern.partition(".")[0] in HOST_TOPICS


def _next_hop(context: Any) -> int:
    """The distance of an event from the first of its chain. Raises: LimitExceeded, which ends a loop."""
    hops = context.hops + 1 if isinstance(context, Handling) else 1
    if hops > MOST_HOPS:
        raise LimitExceeded(
            f"this event would be the {hops}th that follows from one",
            remedy="do not publish what your own handler hears",
            limit="event_hops",
            allowed=MOST_HOPS,
        )
    return hops


def _not_granted(plugin: str, what: str, topic: str) -> PermissionDenied:
    return PermissionDenied(
        f"{plugin} may not {what} {topic}: no granted topic matches",
        remedy=f"name the topic in its manifest, then run `omnicore plugins grant {plugin} events`",
        capability="events",
        resource=topic,
    )


def _bound(data: Any) -> None:
    size = len(value_bytes(data))
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
    purpose="Publish events and hear them",
    verbs=("publish", "subscribe", "unsubscribe", "subscriptions"),
    resource="topic",
    open=_open,
    scope={
        "topics": patterns((), _SAYS, valid=_is_pattern, covers=_grant_covers),
        "subscribe": patterns((), _SAYS, valid=_is_pattern, covers=pattern_covers),
        "max_subscriptions": maximum(100),
    },
    request_bytes=lambda limits: 6 * DATA_BYTES + 4 * KIB,  # each character may be written as an escape
    large=frozenset({"publish"}),
)
