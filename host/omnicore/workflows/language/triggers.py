"""Triggers and event filters as values, and the correlation of several events. Pure.

An event is an envelope of CloudEvents: a mapping with `id`, `source`, `type` and optional `data`.

Triggers as values: the content of `Graph.host.triggers` after a document was checked.

Each is a mapping with `kind` and, with all defaults filled in (durations as seconds; templates compiled):

| kind | members |
|---|---|
| `cron` | `cron`, `timezone` ("UTC"), `missed` ("one"), `input` |
| `every` | `every` seconds, `missed`, `input` |
| `after` | `after` seconds since the last run ended (the first run: since the definition came), `input` |
| `webhook` | `webhook`: its name, `respond` ("accepted" or "result"), `timeout` seconds up to 60, `input` |
| `event` | `mode` ("one", "any" or "all"), `filters`: a tuple of `EventFilter`, `within` seconds (`all`), `input` |
| `connector` | `connector`, `event` ("*" is each of its events), `input` |

`input` is None or a `Evaluator`; its data is what a run is given without it: `{"at": moment}` of a tick, the payload of
a delivery or of a connector's event, the list of the events' envelopes. `any` begins a run for each event that fits one
of its filters; `all` begins one when each filter had an event, and those that correlate agree; `one` is a single one.

From them follow the rows of a definition: its schedules, and the webhooks, connectors and events it subscribes to.

Source: CNCF Serverless Workflow DSL 1.0.3, event filters; CloudEvents 1.0.
"""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from omnicore.errors import InvalidInput
from omnicore.jobs.ticks import Ticks, ticks_of
from omnicore.records import replace
from omnicore.storage.tables.workflow_triggers import ScheduleRow, WantRow
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.graph import Evaluator, EventFilter, ListenTask, WorkflowGraph

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence


_LONGEST_PATTERN = 256
_LONGEST_TEXT = 200
_LONGEST_VALUE = 512  # characters of an attribute that a regular expression is held against
_SPECIAL = re.compile(r"[\\^$*+?()\[\]{}|]")
_TOKENS = re.compile(r"\\.|\[\^?\]?(?:[^\]\\]|\\.)*\]|\(\??|\)|[*+?|]|\{\d*(?:,\d*)?\}", re.DOTALL)
_MOST_REPEATS = 3
_MOST_WAYS: int = _LONGEST_VALUE**_MOST_REPEATS


def match(event: Mapping[str, Any], wanted: EventFilter, scope: Mapping[str, Any]) -> bool:
    """True if an event matches a filter; correlation is not checked.

    A text is compared as it is where it holds nothing of a regular expression but dots, else as a regular
    expression over the whole value. `data` is evaluated over the event's data: true or false decide, anything
    else has to be equal to the data.

    Raises: Fault: an expression failed.
    """
    if not all(_attribute(event, name, want, scope) for name, want in wanted.attributes.items()):
        return False
    if wanted.data is None:
        return True
    found = wanted.data(event.get("data"), scope)
    return found if isinstance(found, bool) else bool(found == event.get("data"))


def correlation_of(event: Mapping[str, Any], wanted: EventFilter, scope: Mapping[str, Any]) -> dict[str, Any] | None:
    """The values by name that tie an event to others; `from` is evaluated over the envelope.

    None: one of them is not there, so the event is tied to nothing. Raises: Fault: an expression failed.
    """
    found = {name: source(event, scope) for name, (source, _) in wanted.correlate.items()}
    return None if any(value is None for value in found.values()) else found


def expected_of(wanted: EventFilter, scope: Mapping[str, Any]) -> dict[str, Any]:
    """The values that a filter's `expect` gives, by name; those that the first event decides are left out.

    `.` is the input of the task that listens.
    """
    given = scope.get("input")
    return {name: expect(given, scope) for name, (_, expect) in wanted.correlate.items() if expect is not None}


def correlated(
    event: Mapping[str, Any], wanted: EventFilter, scope: Mapping[str, Any], before: Mapping[str, Any]
) -> dict[str, Any] | None:
    """The correlation after this event, or None: it belongs to another correlation.

    `before` is what the events before it have decided, across all filters of one `listen` or trigger: names that
    several filters share have to have one value.
    """
    found = correlation_of(event, wanted, scope)
    if found is None:
        return None
    fixed = {**before, **expected_of(wanted, scope)}
    if any(name in fixed and fixed[name] != value for name, value in found.items()):
        return None
    return {**before, **found}


def text_of(values: Mapping[str, Any]) -> str:
    """Values that correlate as one short text, to find waits by."""
    text = json.dumps(values, sort_keys=True, separators=(",", ":"), default=str)
    return text if len(text) <= _LONGEST_TEXT else "sha256:" + hashlib.sha256(text.encode()).hexdigest()


def wait_correlation(filters: Sequence[EventFilter], scope: Mapping[str, Any]) -> str:
    """The text of `WaitRow.correlation` for a `listen`: the values its events must have, if they are fixed.

    Empty: any event of the right kind may be for it. An event is looked for under its own text and under the empty one.
    """
    texts = {_wait_text(one, scope) for one in filters}
    return texts.pop() if len(texts) == 1 else ""


def event_correlation(event: Mapping[str, Any], wanted: EventFilter, scope: Mapping[str, Any]) -> str | None:
    """The text under which waits for this event stand; None: it lacks what they would be tied by."""
    found = correlation_of(event, wanted, scope)
    return None if found is None else text_of(found) if found else ""


def _wait_text(wanted: EventFilter, scope: Mapping[str, Any]) -> str:
    try:
        expected = expected_of(wanted, scope)
    except Fault:  # it is found under the empty text, and then fails or fits
        return ""
    return text_of(expected) if expected and len(expected) == len(wanted.correlate) else ""


def literal_of(wanted: EventFilter) -> str | None:
    """The one `type` that a filter can fit, to find it by; None: it may fit several."""
    kind = wanted.attributes.get("type")
    return kind if isinstance(kind, str) and not _SPECIAL.search(kind) else None


def check_attribute(text: str) -> str:
    """The text itself. Raises: InvalidInput: a regular expression that is wrong, or could take very long."""
    if _SPECIAL.search(text):
        pattern_of(text)
    return text


@lru_cache(maxsize=1024)
def pattern_of(text: str) -> re.Pattern[str]:
    """The compiled regular expression. Raises: InvalidInput."""
    if len(text) > _LONGEST_PATTERN:
        raise InvalidInput(
            f"the regular expression {text[:40]!r}... is too long",
            remedy=f"keep it within {_LONGEST_PATTERN} characters",
        )
    if _explodes(text):
        raise InvalidInput(
            f"the regular expression {text[:80]!r} could take very long",
            remedy=f"use {_MOST_REPEATS} repeats at most, and no repeat or choice inside of a repeated group",
        )
    try:
        return re.compile(text)
    except (re.error, RecursionError, OverflowError) as error:
        raise InvalidInput(
            f"{text[:80]!r} is not a regular expression: {error}", remedy="correct or escape it"
        ) from error


def _explodes(text: str) -> bool:
    """True if a pattern can be tried in too many ways: those of each repeat and choice, multiplied.

    A repeated group with a repeat or a choice in it can take time that doubles with each character.
    """
    inside: list[bool] = [False]
    ways = 1
    for token in _TOKENS.finditer(text):
        found = token.group()
        if found in ("(", "(?"):
            inside.append(False)
        elif found == ")" and len(inside) > 1:
            held = inside.pop()
            if held and text[token.end() : token.end() + 1] in ("*", "+", "{"):
                return True
            inside[-1] = inside[-1] or held
        elif (more := _ways(found)) > 0:
            inside[-1] = True
            ways *= more
    return ways > _MOST_WAYS


def _ways(sign: str) -> int:
    """In how many ways a repeat or a choice can be tried; 0: it is neither."""
    if sign in ("*", "+"):
        return _LONGEST_VALUE
    if sign in ("?", "|"):
        return 3  # more than there are: many in a row cost more than one after the other
    if sign[0] != "{" or sign == "{}":
        return 0
    least, comma, most = sign[1:-1].partition(",")
    if max(int(least or 0), int(most or 0)) > _LONGEST_VALUE:
        return _MOST_WAYS + 1
    return (int(most or _LONGEST_VALUE) - int(least or 0) + 1) if comma else 1


def _attribute(event: Mapping[str, Any], name: str, want: Any, scope: Mapping[str, Any]) -> bool:
    if callable(want):  # an expression
        want = want(event, scope)
    found = event.get(name)
    if not isinstance(want, str) or not isinstance(found, str):
        return type(found) is type(want) and bool(found == want)
    if found == want:
        return True
    if not _SPECIAL.search(want):
        return False
    return len(found) <= _LONGEST_VALUE and pattern_of(want).fullmatch(found) is not None


Kind: TypeAlias = Literal["cron", "every", "after", "webhook", "event", "connector"]
Missed: TypeAlias = Literal["skip", "one", "all"]
_KINDS: tuple[Kind, ...] = ("cron", "every", "after", "webhook", "event", "connector")
LONGEST_WAIT_S = 60.0
"""The longest time that a sender waits for a result."""
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
    input: Evaluator | None = None


def triggers_of(graph: WorkflowGraph) -> tuple[Trigger, ...]:
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
    """A description for people."""
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
    shared: dict[str, Any] = {"id": _id(kind, number, given), "kind": cast("Kind", kind), "input": given.get("input")}
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


NO_PLACE = -1
"""Of wants that come from tasks, not from triggers."""


def schedules_of(workflow: str, graph: WorkflowGraph, now: float) -> list[ScheduleRow]:
    """The schedules of a workflow that begin now. Raises: InvalidInput: a time zone or expression is wrong."""
    return [
        _schedule(workflow, place, trigger, now)
        for place, trigger in enumerate(triggers_of(graph))
        if trigger.kind in ("cron", "every", "after")
    ]


def ticks_of_row(row: ScheduleRow) -> Ticks:
    """The ticks of a schedule; of `after` the one moment that it stands at. Raises: InvalidInput."""
    if row.kind == "after":
        return ticks_of("once", repr(row.next_at or row.begin_at), "UTC", row.begin_at)
    if row.kind == "every":  # by its phase, so that a clock that was set back before the beginning finds ticks too
        return ticks_of("interval", row.spec, row.timezone, row.begin_at % float(row.spec))
    return ticks_of("cron", row.spec, row.timezone, row.begin_at)


def wants_of(workflow: str, graph: WorkflowGraph) -> list[WantRow]:
    """The subscriptions of a workflow's triggers and tasks, each once."""
    found = dict.fromkeys((*_of_triggers(triggers_of(graph)), *_of_tasks(graph)))
    return [WantRow(workflow, number, *want) for number, want in enumerate(found)]


def all_filters(node: ListenTask) -> Sequence[EventFilter]:
    """The filters of a task, including those of `until`."""
    return (*node.filters, *(node.until if isinstance(node.until, tuple) else ()))


def _of_triggers(triggers: Sequence[Trigger]) -> Iterator[tuple[int, str, str]]:
    for place, trigger in enumerate(triggers):
        if trigger.kind in ("webhook", "connector"):
            yield place, trigger.kind, trigger.spec
        elif trigger.kind == "event":
            yield from ((place, "event", literal_of(one) or "") for one in trigger.filters)


def _of_tasks(graph: WorkflowGraph) -> Iterator[tuple[int, str, str]]:
    for node in graph.nodes.values():
        if isinstance(node, ListenTask):
            yield from ((NO_PLACE, "listen", literal_of(one) or "") for one in all_filters(node))


def _schedule(workflow: str, place: int, trigger: Trigger, now: float) -> ScheduleRow:
    spec = trigger.spec if trigger.kind == "cron" else repr(trigger.seconds)
    row = ScheduleRow(workflow, place, trigger.kind, spec, trigger.timezone, trigger.missed, "null", now, now, None)
    first = now + trigger.seconds if trigger.kind == "after" else ticks_of_row(row).after(now)
    return replace(row, next_at=first)
