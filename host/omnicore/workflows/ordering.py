"""From a definition and an input to the run that is to begin. Pure."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from omnicore.errors import InvalidInput
from omnicore.quick import quick
from omnicore.workflows.entries import Fault
from omnicore.workflows.graph import Graph, Template
from omnicore.workflows.journal_words import NewRun

__all__ = ["Beginning", "lane_of", "name_of", "ordered"]

_LONGEST_KEY = 200


@quick
@dataclass(frozen=True, slots=True)
class Beginning:
    """Who begins a run, and from where. `key` is a start's own; the same one again is the same run."""

    by: str = "host"
    trigger: Mapping[str, Any] = field(default_factory=lambda: {"kind": "manual"})
    key: str | None = None
    key_s: float = 30 * 86_400.0
    priority: int | None = None
    parent_run: str | None = None
    parent_place: str | None = None
    root: str = ""
    depth: int = 0
    trial: bool = False


def name_of(name: str, namespace: str = "default") -> str:
    """How a workflow is called: its name, or `namespace.name` outside of `default`."""
    return name if namespace == "default" else f"{namespace}.{name}"


def ordered(workflow: str, graph: Graph, number: int, given: Any, how: Beginning) -> NewRun:
    """The run to begin, with what the definition says of concurrency, rate, duplicates and priority.

    Raises: InvalidInput: an expression of these cannot be evaluated for this input.
    """
    host = graph.host
    new = NewRun(
        workflow,
        graph.digest,
        given,
        by=how.by,
        trigger=how.trigger,
        number=number,
        priority=host.priority if how.priority is None else how.priority,
        rate=host.rate,
        parent_run=how.parent_run,
        parent_place=how.parent_place,
        root=how.root,
        depth=how.depth,
        trial=how.trial,
    )
    if how.trial:  # a trial is one person's, and counts for nothing
        return replace(new, rate=None)
    if host.concurrency_key is not None or host.concurrency_most is not None:
        key = host.concurrency_key
        lane = "*" if key is None else lane_of(_value(key, "host.concurrency.key", given, how))
        new = replace(new, key=lane, most=host.concurrency_most or 1, full=host.concurrency_full)
    if how.key is not None:
        return replace(new, dedupe=f"key:{_short(how.key)}", dedupe_s=how.key_s)
    if host.dedupe_key is not None:
        key = _value(host.dedupe_key, "host.dedupe.key", given, how)
        return replace(new, dedupe=f"dedupe:{lane_of(key)}", dedupe_s=host.dedupe_s)
    return new


def lane_of(value: Any) -> str:
    """A JSON value as a key: a text as it is, others as JSON, long ones by their hash."""
    return _short(value if isinstance(value, str) else json.dumps(value, sort_keys=True, ensure_ascii=False))


def _short(text: str) -> str:
    if len(text) <= _LONGEST_KEY:
        return text
    return f"sha256:{hashlib.sha256(text.encode('utf-8', 'surrogatepass')).hexdigest()}"


def _value(template: Template, where: str, given: Any, how: Beginning) -> Any:
    try:
        return template(given, {"input": given, "runtime": {"trigger": dict(how.trigger)}, "trigger": how.trigger})
    except Fault as fault:
        about = fault.detail or fault.title
        remedy = "give an input that has what it needs"
        raise InvalidInput(f"{where} cannot be evaluated: {about}", remedy=remedy, path=where) from fault
