"""`listen`: events that are waited for, held against the filters, and gone through one after the other."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, cast

from omnicore.errors import InvalidInput
from omnicore.workflows.entries import Fault
from omnicore.workflows.flow.around import admitted, handed_on
from omnicore.workflows.flow.blocks import run_block
from omnicore.workflows.flow.frames import Frame
from omnicore.workflows.flow.machine import Steps
from omnicore.workflows.flow.truth import holds, placed
from omnicore.workflows.graph import PLAIN, EventFilter, Listen
from omnicore.workflows.triggering.matching import correlated, match

__all__ = ["MOST_EVENTS", "Hearing", "listen"]

MOST_EVENTS = 10_000
"""Events that may wait for the ones before them to be gone through."""

_ROUNDS = "/foreach"


class Hearing:
    """What one `listen` has heard so far: which events it takes, and when it is over."""

    __slots__ = ("_before", "_node", "_scope", "_so_far", "_unmet", "over")

    def __init__(self, node: Listen, scope: Mapping[str, Any]) -> None:
        self._node, self._scope = node, scope
        self._before: dict[str, Any] = {}
        self._unmet = set(range(len(node.filters)))
        self._so_far: list[Any] = []
        self.over = False

    def hear(self, event: Mapping[str, Any]) -> Literal["no", "taken", "end"]:
        """What an event is to this task: nothing, one to read, or the one that ends it and is not read.

        Raises: Fault: the condition of `until` failed.
        """
        node = self._node
        if isinstance(node.until, tuple) and any(self._fits(event, one) for one in node.until):
            self.over = True
            return "end"
        index = next((index for index in self._wanted() if self._fits(event, node.filters[index])), None)
        if index is None and (node.filters or node.mode != "any"):
            return "no"
        self._unmet.discard(index if index is not None else -1)
        self._settle(event)
        return "taken"

    def _wanted(self) -> list[int]:
        return sorted(self._unmet) if self._node.mode == "all" else list(range(len(self._node.filters)))

    def _settle(self, event: Mapping[str, Any]) -> None:
        node = self._node
        if node.mode == "all":
            self.over = not self._unmet
        elif node.mode == "one" or (node.until is None and not node.forever):
            self.over = True
        elif node.until is not None and not isinstance(node.until, tuple):
            if len(self._so_far) >= MOST_EVENTS:
                raise Fault("runtime", 500, "Too many events", f"`until` did not hold over {MOST_EVENTS} events")
            self._so_far.append(read(node, event))
            self.over = holds(node.until, self._so_far, self._scope)

    def _fits(self, event: Mapping[str, Any], wanted: EventFilter) -> bool:
        """An expression that fails over an event does not fit it: events come from outside."""
        try:
            if not match(event, wanted, self._scope):
                return False
            if wanted.correlate:
                before = correlated(event, wanted, self._scope, self._before)
                if before is None:
                    return False
                self._before = before
        except (Fault, InvalidInput):  # the second for a regular expression that an expression gave
            return False
        return True


def read(node: Listen, event: Mapping[str, Any]) -> Any:
    """What the output holds of an event."""
    if node.read == "envelope":
        return event
    return event["data"] if "data" in event else event.get("data_base64")


def listen(frame: Frame) -> Steps:
    """The list of what was read of each event, or of what `foreach` made of it."""
    node, machine = cast(Listen, frame.node), frame.machine
    scope = dict(frame.scope)
    one = machine.ask(frame, "listen", due_at=frame.due_at, use="listen", scope=scope)
    one.hearing = hearing = Hearing(node, scope)
    outputs: list[Any] = []
    index = 0
    while one.events or not hearing.over:
        if not one.events:
            one.wanted = True
            result = yield None
            if result is not None:
                frame.result = result
                raise placed(result.fault or Fault("runtime", 500, f"{node.name} failed"), frame.place)
            continue
        value = read(node, one.events.popleft())
        if node.each_block is not None or node.each_data is not PLAIN:
            value = yield _one_event(frame, node, value, index)
        if not node.forever:
            outputs.append(value)
        index += 1
    return outputs


def _one_event(frame: Frame, node: Listen, value: Any, index: int) -> Steps:
    round_ = {node.each: value, node.at: index}
    scope = frame.scope.with_(round_)
    value = admitted(node.each_data, value, scope)
    if node.each_block:
        cut = len(node.path)
        if node.each_block[0].path.startswith(_ROUNDS, cut):
            cut += len(_ROUNDS)
        prefix, names = f"{frame.place}{_ROUNDS}/{index}", {**frame.names, **round_}
        value = yield run_block(frame, frame.strand, node.each_block, value, prefix, names, cut)
    return handed_on(frame, node.each_data, value, scope)
