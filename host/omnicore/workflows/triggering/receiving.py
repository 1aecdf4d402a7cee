"""Events that somebody sends to this host: HTTP's bodies and headers as CloudEvents, and what each must have. Pure.

Source: CloudEvents 1.0.2, its JSON format and its HTTP binding.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

from omnicore.errors import InvalidInput
from omnicore.ids import new_id
from omnicore.texts import read_json
from omnicore.workflows.effects.emitting import attribute

__all__ = ["BATCH", "MOST_EVENTS", "STRUCTURED", "admitted", "events_of"]

STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
MOST_EVENTS = 1000
"""In one batch."""

_PREFIX = "ce-"
_NEEDED = ("specversion", "id", "source", "type")
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
    for name in _NEEDED:
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
