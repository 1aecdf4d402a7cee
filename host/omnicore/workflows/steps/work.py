"""One action in progress, with its run, its opened secrets and the clock."""

from __future__ import annotations

import re
from dataclasses import dataclass
from hashlib import sha256
from typing import TYPE_CHECKING, Any, cast

from omnicore.errors import DeadlineExceeded
from omnicore.events.subscriptions import Handling
from omnicore.records import Record

if TYPE_CHECKING:
    from collections.abc import Mapping

    from omnicore.clock import Clock
    from omnicore.workflows.entries import Action, RunContext
    from omnicore.workflows.language.graph import CallTask
    from omnicore.workflows.steps.secrets import StepSecrets

__all__ = ["StepContext", "StepWork", "hops_of"]


_LONGEST_KEY = 128
_PLAIN = re.compile("[!-~]+")


@dataclass(frozen=True, slots=True)
class StepContext(Handling):
    """The value of `call.host_context` for host functions while a plugin works for a run.

    `hops` counts how many events led here, so that events that follow from events come to an end. `key` is the same
    when a lost attempt is made again.
    """

    run: str
    place: str
    attempt: int
    key: str


class StepWork(Record, frozen=True):
    """An action, its run, and the run's secrets, opened."""

    action: Action
    run: RunContext
    secrets: StepSecrets
    clock: Clock

    @property
    def call(self) -> CallTask:
        """The node, where the action is a call."""
        return cast("CallTask", self.action.node)

    @property
    def input(self) -> Any:
        """The task's input, for URI templates."""
        return self.action.scope.get("input")

    def opened(self) -> Any:
        """The value with the secrets in their places."""
        return self.secrets.put(self.action.value)

    def left_s(self, most: float) -> float:
        """The time left. Raises: DeadlineExceeded: its time is over."""
        if self.action.due_at is None:
            return most
        left = self.action.due_at - self.clock.now()
        if left <= 0:
            raise DeadlineExceeded("the step's time was over before it began", limit="timeout", allowed=0)
        return min(left, most)

    @property
    def key(self) -> str:
        """The action's idempotency key, as headers and other services can hold it."""
        key = self.action.key
        return key if len(key) <= _LONGEST_KEY and _PLAIN.fullmatch(key) else sha256(key.encode()).hexdigest()

    def context(self) -> StepContext:
        """The context of the run for a plugin's host functions."""
        action = self.action
        return StepContext(hops_of(self.run.trigger), self.run.run, action.place, action.attempt, action.key)


def hops_of(trigger: Mapping[str, Any]) -> int:
    """The number of events that led to a run, from its trigger."""
    hops = trigger.get("hops", 0)
    return hops if type(hops) is int and hops > 0 else 0
