"""What is written beside a step's rows for the actions that it begins: who waits, and for what. Pure."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from omnicore.storage.tables.workflow_waits import WaitRow
from omnicore.workflows.effects.secrets import marked
from omnicore.workflows.entries import Action, Entry, Fault, Outcome, Result
from omnicore.workflows.graph import Approval, Graph, Listen
from omnicore.workflows.journal_words import Signal
from omnicore.workflows.triggering.definitions import all_filters
from omnicore.workflows.triggering.matching import wait_correlation

__all__ = ["REGISTERED", "asked", "broken", "drops_of", "failed", "late", "result_of", "waits_of"]

REGISTERED = frozenset({"listen", "approval"})
"""Kinds of actions that are rows for others to find."""


def waits_of(
    run: str, graph: Graph, begun: Iterable[Action], now: float, secrets: Mapping[str, str] | None = None
) -> tuple[WaitRow, ...]:
    """The waits of the actions that begin.

    Args: secrets: placeholder by name, as `Start.secrets`: people are shown the name, and cannot send the other back.
    """
    return tuple(_wait(run, graph, one, now, secrets or {}) for one in begun if one.kind in REGISTERED)


def _wait(run: str, graph: Graph, action: Action, now: float, secrets: Mapping[str, str]) -> WaitRow:
    approval = action.kind == "approval"
    held = marked(asked(action), secrets) if approval else dict(action.scope)
    return WaitRow(
        run,
        action.place,
        "approval" if approval else "event",
        key=f"{graph.digest}#{action.node.path}",
        correlation=_correlation(action),
        data=json.dumps(held, ensure_ascii=False, separators=(",", ":")),
        due_at=action.due_at,
        at=now,
    )


def _correlation(action: Action) -> str:
    return wait_correlation(all_filters(action.node), action.scope) if isinstance(action.node, Listen) else ""


def drops_of(entries: Iterable[Entry], cut: Iterable[str], waits: Iterable[WaitRow]) -> tuple[str, ...]:
    """The places whose waits are over: what was waited for came, or is not wanted any more."""
    over = {one.place for one in entries if one.kind in REGISTERED and one.status != "received"} | set(cut)
    return tuple(over.difference(one.place for one in waits)) if over else ()


def asked(action: Action) -> dict[str, Any]:
    """What an approval shows: title and text as the run's data made them, the form and who may decide."""
    node, value = action.node, action.value
    shown: Mapping[str, Any] = value if isinstance(value, Mapping) else {}
    found: dict[str, Any] = {"title": str(shown.get("title") or action.node.name), "text": str(shown.get("text") or "")}
    if isinstance(node, Approval):
        found |= {"form": dict(node.form), "role": node.role}
    return found


def result_of(signal: Signal, open_: Mapping[str, Action], now: float) -> Result | None:
    """The result that a signal is for the run it came to; None: its place does not wait any more."""
    match signal.kind:
        case "cancel" | "suspend" | "resume" as kind:
            return Result(kind, "", 0, now, output=signal.data)
    action = open_.get(signal.place)
    if action is None:
        return None
    place, attempt = action.place, action.attempt
    if signal.kind == "event":
        return Result("event", place, attempt, now, output=signal.data)
    if signal.kind == "approval":
        by = {"by": signal.data.get("by", "")} if isinstance(signal.data, Mapping) else {}
        return Result("done", place, attempt, now, output=signal.data, meta=by)
    ended = signal.data if isinstance(signal.data, Mapping) else {}
    meta = {"run": ended.get("run", "")}
    if ended.get("status") == "completed":
        return Result("done", place, attempt, now, output=ended.get("output"), meta=meta)
    fault = ended.get("fault") or {"type": "runtime", "status": 500, "title": f"the run was {ended.get('status')}"}
    return Result("failed", place, attempt, now, fault=Fault.of(fault), meta=meta)


def late(action: Action, now: float) -> Result:
    """What comes of an action whose time is over."""
    if action.kind == "timer":
        return Result("fired", action.place, action.attempt, now)
    fault = Fault("timeout", 408, "Time is over", "it was not done in its time", instance=action.place)
    return Result("failed", action.place, action.attempt, now, fault=fault)


def failed(action: Action, fault: Fault, now: float) -> Result:
    """What comes of an action that cannot be begun."""
    return Result("failed", action.place, action.attempt, now, fault=fault)


def broken(error: BaseException) -> Outcome:
    """How a run ends that cannot go on: its journal and graph do not fit, a value is too large, or progress failed."""
    if isinstance(error, Fault):
        return Outcome("faulted", fault=error)
    detail = str(error)[:2000] or type(error).__name__
    return Outcome("faulted", fault=Fault("runtime", 500, "The run cannot go on", detail))
