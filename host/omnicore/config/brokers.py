"""Message brokers: messages that a host takes from them and events that it sends to them.

```toml
[brokers.orders]
url = "amqp://user:password@rabbit:5672/"        # redis://, rediss://, amqp://, amqps://, nats://, tls:// or kafka://
in = [{ queue = "orders", type = "order.placed" }]
out = [{ types = "order.done*", to = "orders-done" }]
```
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, Literal, TypeAlias, cast
from urllib.parse import urlsplit

from omnicore.errors import InvalidSetting

BrokerKind: TypeAlias = Literal["redis", "rabbit", "nats", "kafka"]
_KINDS: Mapping[str, BrokerKind] = {
    **{"redis": "redis", "rediss": "redis", "amqp": "rabbit", "amqps": "rabbit"},
    **{"nats": "nats", "tls": "nats", "kafka": "kafka"},
}
_PLACES: Mapping[BrokerKind, str] = {"redis": "stream", "rabbit": "queue", "nats": "subject", "kafka": "topic"}
_NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_MOST = 100
_TEXT = 256


@dataclass(frozen=True, slots=True)
class Inbound:
    """A source of messages. `type` is the event type of a message that is not a CloudEvent.

    `place` is the stream of Redis, the queue of RabbitMQ, the subject of NATS or the topic of Kafka. `stream` is the
    stream of JetStream that holds the subject. Hosts with the same `group` share the messages. `prefetch` bounds how
    many of them are held before they are kept.
    """

    place: str
    type: str | None = None
    group: str = "omnicore"
    stream: str | None = None
    prefetch: int = 100


@dataclass(frozen=True, slots=True)
class Outbound:
    """A target for events whose type fits `types`, a pattern with `*` and `?`. `stream` as in `Inbound`."""

    types: str
    to: str
    stream: str | None = None

    def fits(self, kind: str) -> bool:
        """True if events of a type go there."""
        return fnmatchcase(kind, self.types)


@dataclass(frozen=True, slots=True)
class BrokerSettings:
    """One broker."""

    name: str
    kind: BrokerKind
    url: str
    inbound: tuple[Inbound, ...] = ()
    outbound: tuple[Outbound, ...] = ()

    @property
    def shown(self) -> str:
        """The URL without credentials."""
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"


def read_brokers(given: Mapping[str, Mapping[str, Any]]) -> tuple[BrokerSettings, ...]:
    """The brokers of the setting `brokers`. Raises: InvalidSetting."""
    return tuple(_broker(str(name), one) for name, one in given.items())


def _broker(name: str, given: Any) -> BrokerSettings:
    where = f"brokers.{name[:80]}"
    if not _NAME.fullmatch(name):
        raise _wrong(where, "is not a name", "use up to 63 of a-z 0-9 _ -")
    values = _object(where, given, {"url", "in", "out"})
    url = _text(where, values, "url")
    kind = _KINDS.get(urlsplit(url).scheme)
    if kind is None:
        raise _wrong(f"{where}.url", "is of no known kind", f"begin it with one of {', '.join(_KINDS)} and ://")
    inbound = tuple(_inbound(f"{where}.in[{at}]", kind, one) for at, one in enumerate(_list(where, values, "in")))
    outbound = tuple(_outbound(f"{where}.out[{at}]", kind, one) for at, one in enumerate(_list(where, values, "out")))
    return BrokerSettings(name, kind, url, inbound, outbound)


def _inbound(where: str, kind: BrokerKind, given: Any) -> Inbound:
    place = _PLACES[kind]
    values = _object(where, given, {place, "type", "group", "prefetch", *(["stream"] if kind == "nats" else [])})
    prefetch = values.get("prefetch", 100)
    if type(prefetch) is not int or not 1 <= prefetch <= 10_000:
        raise _wrong(f"{where}.prefetch", "is not a number from 1 to 10000", "100 suits most")
    return Inbound(
        _text(where, values, place),
        _text(where, values, "type") if "type" in values else None,
        _text(where, values, "group") if "group" in values else "omnicore",
        _text(where, values, "stream") if kind == "nats" else None,
        prefetch,
    )


def _outbound(where: str, kind: BrokerKind, given: Any) -> Outbound:
    values = _object(where, given, {"types", "to", *(["stream"] if kind == "nats" else [])})
    stream = _text(where, values, "stream") if kind == "nats" else None
    return Outbound(_text(where, values, "types"), _text(where, values, "to"), stream)


def _object(where: str, given: Any, known: set[str]) -> Mapping[str, Any]:
    if not isinstance(given, Mapping):
        raise _wrong(where, "is not a table", f"give it {', '.join(sorted(known))}")
    for name in given:
        if name not in known:
            raise _wrong(f"{where}.{str(name)[:80]}", "is not known", f"use {', '.join(sorted(known))}")
    return cast("Mapping[str, Any]", given)


def _list(where: str, values: Mapping[str, Any], name: str) -> list[Any]:
    found = values.get(name, [])
    if not isinstance(found, (list, tuple)) or len(found) > _MOST:
        raise _wrong(f"{where}.{name}", f"is not a list of up to {_MOST}", "write it as [{ ... }]")
    return list(found)


def _text(where: str, values: Mapping[str, Any], name: str) -> str:
    found = values.get(name)
    if not isinstance(found, str) or not found or (len(found) > _TEXT and name != "url"):
        raise _wrong(f"{where}.{name}", "is not text, or too long", f"write up to {_TEXT} characters")
    return found


def _wrong(where: str, fact: str, remedy: str) -> InvalidSetting:
    return InvalidSetting(f"{where} {fact}", remedy=remedy, setting=where)
