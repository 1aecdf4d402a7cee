"""Triggers as values: what `Graph.host.triggers` holds once a document was checked.

Each is a mapping with `kind` and, with all defaults filled in (durations as seconds; templates compiled):

| kind | members |
|---|---|
| `cron` | `cron`, `timezone` ("UTC"), `missed` ("one"), `input` |
| `every` | `every` seconds, `missed`, `input` |
| `after` | `after` seconds since the last run ended (the first run: since the definition came), `input` |
| `webhook` | `webhook`: its name, `respond` ("accepted" or "result"), `timeout` seconds up to 60, `input` |
| `event` | `mode` ("one", "any" or "all"), `filters`: a tuple of `EventFilter`, `within` seconds (`all`), `input` |
| `connector` | `connector`, `event` ("*" is each of its events), `input` |

`input` is None or a `Template`; its data is what a run is given without it: `{"at": moment}` of a tick, the payload of
a delivery or of a connector's event, the list of the events' envelopes. `any` begins a run for each event that fits one
of its filters; `all` begins one when each filter had an event, and those that correlate agree; `one` is a single one.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from omnicore.errors import InvalidInput
from omnicore.workflows.graph import EventFilter, Graph, Template

__all__ = ["Kind", "Missed", "Trigger", "about", "triggers_of"]

Kind: TypeAlias = Literal["cron", "every", "after", "webhook", "event", "connector"]
Missed: TypeAlias = Literal["skip", "one", "all"]
_KINDS: tuple[Kind, ...] = ("cron", "every", "after", "webhook", "event", "connector")
LONGEST_WAIT_S = 60.0
"""How long a sender may be kept waiting for a result."""
WITHIN_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Trigger:
    """One trigger of a workflow. `id` stays the same while the trigger says the same. Units: seconds."""

    id: str
    kind: Kind
    spec: str = ""
    """The cron expression; the name of the webhook or connector."""
    timezone: str = "UTC"
    missed: Missed = "one"
    seconds: float = 0.0
    """Of `every` and `after`; how long a webhook's sender waits; how long `all` waits for the rest of its events."""
    waits: bool = False
    """A webhook's sender is answered with the result."""
    event: str = "*"
    mode: Literal["one", "any", "all"] = "one"
    filters: tuple[EventFilter, ...] = ()
    input: Template | None = None


def triggers_of(graph: Graph) -> tuple[Trigger, ...]:
    """The triggers of a workflow. Raises: InvalidInput."""
    found: list[Trigger] = []
    seen: set[str] = set()
    for number, one in enumerate(graph.host.triggers):
        trigger = _trigger(number, one)
        if trigger.id in seen:  # said twice: they are told apart by their place
            trigger = _trigger(number, {**one, "": number})
        seen.add(trigger.id)
        found.append(trigger)
    return tuple(found)


def about(trigger: Trigger) -> str:
    """What a person reads about it."""
    match trigger.kind:
        case "cron":
            return trigger.spec + (f" ({trigger.timezone})" if trigger.timezone != "UTC" else "")
        case "every":
            return f"every {trigger.seconds:g} s"
        case "after":
            return f"{trigger.seconds:g} s after the last run"
        case "webhook":
            return f"webhook {trigger.spec}"
        case "connector":
            return f"{trigger.spec}: {trigger.event}"
    types = [str(one.attributes.get("type", "any")) for one in trigger.filters]
    return f"{trigger.mode} of {', '.join(types)}" if len(types) > 1 else f"event {types[0] if types else 'any'}"


def _trigger(number: int, given: Mapping[str, Any]) -> Trigger:
    kind = given.get("kind") or next((one for one in _KINDS if one in given), None)
    if kind not in _KINDS:
        raise InvalidInput("a trigger says nothing that begins a run", remedy=f"use one of {', '.join(_KINDS)}")
    shared: dict[str, Any] = {"id": _id(kind, number, given), "kind": cast(Kind, kind), "input": given.get("input")}
    match kind:
        case "cron":
            missed = given.get("missed", "one")
            return Trigger(**shared, spec=given["cron"], timezone=given.get("timezone", "UTC"), missed=missed)
        case "every":
            return Trigger(**shared, seconds=float(given["every"]), missed=given.get("missed", "one"))
        case "after":
            return Trigger(**shared, seconds=float(given["after"]))
        case "webhook":
            wait_s = min(LONGEST_WAIT_S, float(given.get("timeout") or 30.0))
            return Trigger(**shared, spec=given["webhook"], waits=given.get("respond") == "result", seconds=wait_s)
        case "connector":
            return Trigger(**shared, spec=given["connector"], event=given.get("event") or "*")
    filters = tuple(given.get("filters", ()))
    within_s = float(given.get("within") or WITHIN_S)
    return Trigger(**shared, mode=given.get("mode", "one"), filters=filters, seconds=within_s)


def _id(kind: str, number: int, given: Mapping[str, Any]) -> str:
    """By what it says, so that changing one trigger leaves the ticks of the others alone.

    What events are filtered by is compiled here, so those go by their place.
    """
    said = {name: value for name, value in given.items() if name not in ("input", "filters", "kind")}
    if kind == "event":
        said["at"] = number
    text = json.dumps([kind, said], sort_keys=True, default=str)
    return f"{kind}-{hashlib.sha256(text.encode()).hexdigest()[:12]}"
