"""CloudEvents: events of `emit`, of the host's bus, of brokers, and of HTTP requests, checked for the inbox. Pure.

The extension attribute `omnicorehops` counts how many events led to this one; `omnicoreorigin` names the broker that
it came from.

Source: CloudEvents 1.0.2, its JSON format and its HTTP binding.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.events.subscriptions import MOST_HOPS
from omnicore.ids import new_id
from omnicore.texts import is_whole, read_json
from omnicore.workflows.steps.step import hops_of, marked

if TYPE_CHECKING:
    from omnicore.events.bus import Event
    from omnicore.workflows.steps.step import StepWork


HOPS = "omnicorehops"
"""The extension attribute that counts how many events led to this one, so that no circle of events is without end."""

_NAME = re.compile(r"[a-z0-9]{1,40}")
_URI = re.compile(r"[^\x00-\x20<>\"{}|\\^`\x7f]{1,2048}")
_LONGEST = 4096
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_OURS = frozenset({"specversion", HOPS})
_HOST = "omnicore:"


def envelope(work: StepWork) -> dict[str, Any]:
    """The event of an action, complete. Its id is made of the action's key: emitted again, it is the same event.

    Events are stored and published, so no secret is put into them, and no placeholder either: somebody could send it
    back to the run, and have the secret sent to where it should not go.

    Raises: InvalidInput: it is no CloudEvent; LimitExceeded: it would be one of a circle without end.
    """
    given = marked(work.action.value, work.run.secrets)
    if not isinstance(given, Mapping):
        raise InvalidInput("an event is an object of attributes", remedy="give `with` a source, a type and data")
    own = f"{_HOST}workflow/{work.run.workflow}"
    event: dict[str, Any] = {
        "specversion": "1.0",
        "id": sha256(work.action.key.encode()).hexdigest()[:32],
        "time": datetime.fromtimestamp(work.clock.now(), UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "source": own,
    }
    for name, value in given.items():
        if name == "data" or (value is not None and name not in _OURS):
            event[name] = value if name == "data" else attribute(name, value)
    if event["source"].startswith(_HOST) and event["source"] not in (own, f"{_HOST}workflow"):
        raise InvalidInput(
            f"the source {event['source'][:80]!r} is a part of this host", remedy="name a source of your own, or none"
        )
    if "type" not in event:
        raise InvalidInput("an event has a type", remedy="give `with` one, such as com.example.order.placed")
    if not isinstance(event.get("data"), (str, type(None))):
        event.setdefault("datacontenttype", "application/json")
    event[HOPS] = _hops(work)
    return event


def attribute(name: Any, value: Any) -> Any:
    """The value of an attribute of an event, `data` aside. Raises: InvalidInput: it is none."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise InvalidInput(f"{str(name)[:80]!r} is no attribute of an event", remedy="use up to 40 of a-z 0-9")
    if isinstance(value, bool) or (type(value) is int and -(2**31) <= value < 2**31):
        if name in ("id", "type", "source", "subject", "time"):
            raise InvalidInput(f"the event's {name} is no text", remedy="give a text")
        return value
    if not isinstance(value, str) or not value or len(value) > _LONGEST or _CONTROL.search(value):
        raise InvalidInput(f"the event's {name} is no text of 1 to {_LONGEST} characters", remedy="correct it")
    if name in ("source", "dataschema") and not _URI.fullmatch(value):
        raise InvalidInput(f"the event's {name} is no URI", remedy="give a URI reference")
    return _time(value) if name == "time" else value


def _time(value: str) -> str:
    try:
        moment = datetime.fromisoformat(value)
    except ValueError as error:
        raise InvalidInput("the event's time is no date and time", remedy="write it as 2026-01-31T12:00:00Z") from error
    if moment.tzinfo is None:
        raise InvalidInput("the event's time has no zone", remedy="write it as 2026-01-31T12:00:00Z")
    return value


def _hops(work: StepWork) -> int:
    hops = hops_of(work.run.trigger) + 1
    if hops > MOST_HOPS:
        raise LimitExceeded(
            f"this event would be the {hops}th that follows from one",
            remedy="do not emit what starts the same workflow again",
            limit="event_hops",
            allowed=MOST_HOPS,
        )
    return hops


ORIGIN = "omnicoreorigin"
_NEEDED = ("id", "source", "type")
_LONGEST_NAME = 1024
_MOST_ATTRIBUTES = 100


def of_bus(event: Event) -> dict[str, Any]:
    """An event of the host's bus."""
    at = datetime.fromtimestamp(event.at, UTC).isoformat()
    known = {"specversion": "1.0", "id": event.id, "source": f"omnicore:{event.source}", "type": event.topic}
    return {**known, "time": at, "data": event.data, HOPS: event.hops}


def is_of_bus(event: Mapping[str, Any]) -> bool:
    """True if an event came from a part of the host or a plugin, and not from a workflow or a broker.

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
        if not isinstance(value, str) or not 0 < len(value) <= _LONGEST_NAME:
            raise InvalidInput(
                f"the event's {name} is no text of 1 to {_LONGEST_NAME} characters", remedy="give it one"
            )
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


def event_hops(event: Mapping[str, Any]) -> int:
    """The number of events that led to this one."""
    found = event.get(HOPS)
    return found if type(found) is int and found > 0 else 0


STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MOST_EVENTS = 1000
"""In one batch."""

_PREFIX = "ce-"
_REQUIRED = ("specversion", "id", "source", "type")
_MEDIA = "datacontenttype"
_OWN = "omnicore:"


def events_of(headers: Iterable[tuple[str, str]], body: bytes) -> list[dict[str, Any]]:
    """The events of a request. JSON without `ce-` headers is read as it says: an object is one event, a list a batch.

    Args: headers: with names in lower case.
    Raises: InvalidInput: it holds none, or too many; details: `path`.
    """
    given = list(headers)
    media = next((value for name, value in given if name == "content-type"), "")
    kind = media.partition(";")[0].strip().lower()
    if kind not in (STRUCTURED, BATCH) and any(name.startswith(_PREFIX) for name, _ in given):
        return [_complete(_binary(given, media, body), "")]
    value = _json(body)
    if isinstance(value, list) and kind != STRUCTURED:
        if len(value) > MOST_EVENTS:
            raise InvalidInput(f"the batch has over {MOST_EVENTS} events", remedy="send several smaller ones", path="")
        return [_complete(one, f"/{number}") for number, one in enumerate(value)]
    if kind == BATCH:
        raise InvalidInput("the batch is no list", remedy=f"send a list of events, or one as {STRUCTURED}", path="")
    return [_complete(value, "")]


def admitted(event: Mapping[str, Any], place: str, now: float) -> dict[str, Any]:
    """An event as it is published, with an id and a time.

    What the host, its plugins and its connectors tell has sources of their own, which nobody else may claim.

    Args: place: a JSON pointer to it, for errors.
    Raises: InvalidInput: it is none; details: `path`.
    """
    if not isinstance(event, Mapping):
        raise InvalidInput("an event is an object of attributes", remedy="give source, type and data", path=place)
    at = datetime.fromtimestamp(now, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    made: dict[str, Any] = {"specversion": "1.0", "id": new_id("evt"), "time": at}
    for name, value in event.items():
        if name in ("data", "data_base64"):
            made[name] = value
        elif value is not None:
            made[name] = _attribute(name, value, place)
    for name in ("source", "type"):
        if name not in made:
            raise InvalidInput(f"the event has no {name}", remedy="give it one", path=f"{place}/{name}")
    if str(made["source"]).lower().startswith(_OWN):
        fact = f"the source {str(made['source'])[:80]!a} is a part of this host"
        raise InvalidInput(fact, remedy="name a source of your own", path=f"{place}/source")
    return _with_data(made, place)


def _complete(event: Any, place: str) -> dict[str, Any]:
    """An event that came over the network, where its sender names it: else nobody could send it twice."""
    if not isinstance(event, dict):
        raise InvalidInput("an event is an object of attributes", remedy="send a CloudEvent", path=place)
    for name in _REQUIRED:
        if not isinstance(event.get(name), str) or not event[name]:
            fact = f"the event's {name} is missing or no text"
            raise InvalidInput(fact, remedy="give specversion, id, source and type", path=f"{place}/{name}")
    return event


def _attribute(name: Any, value: Any, place: str) -> Any:
    if name == "specversion" and value != "1.0":
        raise InvalidInput("specversion is not 1.0", remedy="send CloudEvents 1.0", path=f"{place}/specversion")
    try:
        return attribute(name, value)
    except InvalidInput as error:
        raise InvalidInput(error.fact, remedy=error.remedy, path=f"{place}/{str(name)[:80]}") from error


def _with_data(made: dict[str, Any], place: str) -> dict[str, Any]:
    encoded = made.get("data_base64")
    if encoded is None:
        made.pop("data_base64", None)
        return made
    where = f"{place}/data_base64"
    if "data" in made:
        raise InvalidInput("the event has data twice", remedy="send data or data_base64", path=where)
    try:
        base64.b64decode(encoded if isinstance(encoded, str) else "?", validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("data_base64 is no base64", remedy="encode the bytes in base64", path=where) from error
    return made


def _binary(headers: Iterable[tuple[str, str]], media: str, body: bytes) -> dict[str, Any]:
    """Attributes from headers; one that comes twice says nothing that can be relied on."""
    found: dict[str, Any] = {}
    for header, value in headers:
        name = header.removeprefix(_PREFIX)
        if not header.startswith(_PREFIX) or name in ("data", "data_base64", _MEDIA):
            continue
        if name in found:
            raise InvalidInput(f"the header {header[:80]} comes twice", remedy="send it once", path=f"/{name[:80]}")
        found[name] = unquote(value, errors="replace")
    if media:
        found[_MEDIA] = media
    return found | _data(media, body)


def _data(media: str, body: bytes) -> dict[str, Any]:
    if not body:
        return {}
    kind = media.partition(";")[0].strip().lower()
    if kind in ("", "application/json") or kind.endswith("+json"):
        return {"data": _json(body)}
    if kind.startswith("text/"):
        try:
            return {"data": body.decode()}
        except UnicodeDecodeError:
            pass
    return {"data_base64": base64.b64encode(body).decode()}


def _json(body: bytes) -> Any:
    try:
        return read_json(body.decode("utf-8-sig"))
    except (ValueError, RecursionError) as error:
        fact = f"the body is no JSON: {str(error)[:200]}"
        raise InvalidInput(fact, remedy="send a CloudEvent, or a list of them", path="") from error
