"""What follows from a definition: its schedules, and what it wants of webhooks, connectors and events. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from omnicore.runtime.ticks import Ticks, ticks_of
from omnicore.storage.tables.workflow_schedules import ScheduleRow
from omnicore.storage.tables.workflow_wants import WantRow
from omnicore.workflows.graph import EventFilter, Graph, Listen
from omnicore.workflows.triggering.documents import Trigger, triggers_of
from omnicore.workflows.triggering.matching import literal_of

__all__ = ["NO_PLACE", "all_filters", "schedules_of", "ticks_of_row", "wants_of"]

NO_PLACE = -1
"""Of wants that come from tasks, not from triggers."""


def schedules_of(workflow: str, graph: Graph, now: float) -> list[ScheduleRow]:
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


def wants_of(workflow: str, graph: Graph) -> list[WantRow]:
    """What a workflow's triggers and tasks want, each once."""
    found = dict.fromkeys((*_of_triggers(triggers_of(graph)), *_of_tasks(graph)))
    return [WantRow(workflow, number, *want) for number, want in enumerate(found)]


def all_filters(node: Listen) -> Sequence[EventFilter]:
    """What a task listens for, the events that end it among them; `any` of nothing is each event there is."""
    wanted = node.filters or ((EventFilter(),) if node.mode == "any" else ())
    return (*wanted, *(node.until if isinstance(node.until, tuple) else ()))


def _of_triggers(triggers: Sequence[Trigger]) -> Iterator[tuple[int, str, str]]:
    for place, trigger in enumerate(triggers):
        if trigger.kind in ("webhook", "connector"):
            yield place, trigger.kind, trigger.spec
        elif trigger.kind == "event":
            yield from ((place, "event", literal_of(one) or "") for one in trigger.filters)


def _of_tasks(graph: Graph) -> Iterator[tuple[int, str, str]]:
    for node in graph.nodes.values():
        if isinstance(node, Listen):
            yield from ((NO_PLACE, "listen", literal_of(one) or "") for one in all_filters(node))


def _schedule(workflow: str, place: int, trigger: Trigger, now: float) -> ScheduleRow:
    spec = trigger.spec if trigger.kind == "cron" else repr(trigger.seconds)
    row = ScheduleRow(workflow, place, trigger.kind, spec, trigger.timezone, trigger.missed, "null", now, now, None)
    first = now + trigger.seconds if trigger.kind == "after" else ticks_of_row(row).after(now)
    return replace(row, next_at=first)
