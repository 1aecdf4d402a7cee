"""What others are told of runs and steps: topics of the bus, without values. Pure, but for the publishing."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from omnicore.events.bus import EventBus
from omnicore.storage.tables.workflow_waits import WaitRow
from omnicore.workflows.effects.work import hops_of
from omnicore.workflows.entries import ENDED, Entry, Fault
from omnicore.workflows.live import LiveRun

__all__ = ["Telling"]


class Telling:
    """Publishes `workflow.run.<status>` and `workflow.approval.asked` or `.over`, and `workflow.step.<status>` while
    somebody listens to topics of workflows.

    `ended` is told the workflow of each run that ended, and `emitted` that the inbox has events.
    """

    def __init__(self, bus: EventBus) -> None:
        self._bus = bus
        self.ended: Callable[[str], None] = lambda workflow: None
        self.emitted: Callable[[], None] = lambda: None

    def __call__(self, what: str, live: LiveRun, told: Mapping[str, Any]) -> None:
        """Tells of a run or of its steps."""
        if what == "step":
            self._approvals(live, told["entries"], told["waits"])
            self._steps(live, told["entries"])
            return
        status = told["status"]
        topic = f"workflow.run.{status}"
        fault = told.get("fault")
        about = {"run": live.id, "workflow": live.context.workflow, "trigger": live.context.trigger.get("kind")}
        self._publish(topic, live, {**about, **(_about(fault) if fault is not None else {})})
        if status in ENDED:
            self.ended(live.context.workflow)

    def _approvals(self, live: LiveRun, entries: Sequence[Entry], waits: Sequence[WaitRow]) -> None:
        asked = [("asked", one.place) for one in waits if one.kind == "approval"]
        over = [("over", one.place) for one in entries if one.kind == "approval"]
        for what, place in asked + over:
            about = {"run": live.id, "workflow": live.context.workflow, "place": place}
            self._publish(f"workflow.approval.{what}", live, about)

    def _steps(self, live: LiveRun, entries: Sequence[Entry]) -> None:
        if any(entry.kind == "emit" and entry.status == "completed" for entry in entries):
            self.emitted()
        for entry in entries:
            topic = f"workflow.step.{entry.status}"
            if self._bus.hears(topic):
                self._publish(topic, live, _step(live, entry), passing=True)

    def _publish(self, topic: str, live: LiveRun, data: Mapping[str, Any], *, passing: bool = False) -> None:
        """Counts on from what began the run: a workflow that wants to hear of its own runs comes to an end."""
        self._bus.publish(topic, data, hops=hops_of(live.context.trigger) + 1, passing=passing)


def _about(fault: Fault) -> dict[str, Any]:
    return {"fault": {"type": fault.type, "status": fault.status, "title": fault.title[:200]}}


def _step(live: LiveRun, entry: Entry) -> dict[str, Any]:
    return {
        "run": live.id,
        "workflow": live.context.workflow,
        "seq": entry.seq,
        "place": entry.place,
        "name": entry.name,
        "kind": entry.kind,
        "status": entry.status,
        "attempt": entry.attempt,
        "at": entry.at,
        "took_s": max(0.0, entry.at - entry.began_at),
    }
