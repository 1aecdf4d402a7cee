"""The runs that a run begins: they begin in the transaction that keeps the rows they follow from."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from omnicore.errors import OmniError, StorageFailed
from omnicore.workflows.entries import Action, Fault, Result
from omnicore.workflows.graph import Run
from omnicore.workflows.journal_words import NewRun
from omnicore.workflows.live import Came, Children, LiveRun, Step
from omnicore.workflows.registering import failed

__all__ = ["only_begun", "ordered"]


async def ordered(
    live: LiveRun, step: Step, children: Children, now: float
) -> tuple[list[tuple[Action, NewRun]], list[Came]]:
    """The runs to begin with a step, with their actions, and what is known at once of others.

    A run that was taken up again began them before its host died, but for those that could not be begun.
    Raises: StorageFailed.
    """
    found: list[tuple[Action, NewRun]] = []
    came: list[Came] = []
    for action in [one for one in step.begin if one.kind == "run"]:
        if step.registered and not cast(Run, action.node).wait:
            came.append(only_begun(action, "", now))
        elif not (step.registered and await _known(live, action, children)):
            try:
                new = await children.order(live, action)
            except StorageFailed:
                raise
            except OmniError as error:
                about = Fault("configuration", 400, "The run cannot be begun", str(error), instance=action.place)
                came.append(Came(failed(action, about, now)))
            else:
                found.append((action, _keyed(action, new) if step.again or step.registered else new))
    return found, came


def only_begun(action: Action, run: str, now: float) -> Came:
    """What comes of a task that begins a run and does not wait for it."""
    return Came(Result("done", action.place, action.attempt, now, meta={"run": run} if run else {}))


async def _known(live: LiveRun, action: Action, children: Children) -> bool:
    """Whether the run of an action goes on, or has ended and the end waits to be taken."""
    return action.place in live.children or await children.told(live.id, action.place)


def _keyed(action: Action, new: NewRun) -> NewRun:
    """A run that may have been begun already, and begins once."""
    return new if new.dedupe is not None else replace(new, dedupe=f"child:{action.key}")
