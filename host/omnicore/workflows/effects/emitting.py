"""The events of `emit`. Source: CloudEvents 1.0.2."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.events.delivery import MOST_HOPS
from omnicore.workflows.effects.secrets import marked
from omnicore.workflows.effects.work import Work, hops_of

__all__ = ["HOPS", "attribute", "envelope"]

HOPS = "omnicorehops"
"""The extension attribute that counts how many events led to this one, so that no circle of events is without end."""

_NAME = re.compile(r"[a-z0-9]{1,40}")
_URI = re.compile(r"[^\x00-\x20<>\"{}|\\^`\x7f]{1,2048}")
_LONGEST = 4096
_CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_OURS = frozenset({"specversion", HOPS})
_HOST = "omnicore:"


def envelope(work: Work) -> dict[str, Any]:
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


def _hops(work: Work) -> int:
    hops = hops_of(work.run.trigger) + 1
    if hops > MOST_HOPS:
        raise LimitExceeded(
            f"this event would be the {hops}th that follows from one",
            remedy="do not emit what starts the same workflow again",
            limit="event_hops",
            allowed=MOST_HOPS,
        )
    return hops
