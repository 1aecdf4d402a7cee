"""From a step of a live run to what the journal keeps of it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Sequence
from typing import Any

from omnicore.clock import Clock
from omnicore.errors import RunLost
from omnicore.storage.tables.workflow_waits import WaitRow
from omnicore.workflows.entries import Fault
from omnicore.workflows.journal_words import Kept, NewRun
from omnicore.workflows.live import LiveRun, Step
from omnicore.workflows.registering import drops_of

__all__ = ["given_up", "kept_of", "resting", "settled"]


def given_up(run: str) -> RunLost:
    """A run that is another host's by now, or is to be."""
    return RunLost(f"{run} was given up here", run=run)


def kept_of(
    live: LiveRun, step: Step, children: Sequence[NewRun], waits: tuple[WaitRow, ...], room: int, most: int
) -> Kept | None:
    """What is kept in one transaction; None: nothing is. The runs that are wanted no longer leave `live.children`.

    Raises: Fault: the run goes on for longer than `most` steps.
    """
    outcome = step.outcome
    if live.progress.seq > most and outcome is None:
        about = f"it has over {most} steps; end its loops, or raise workflows.steps"
        raise Fault("runtime", 500, "Too many steps", about)
    drops = drops_of(step.entries, step.cut, waits)
    if not (step.entries or step.taken or step.events or waits or drops or children or outcome):
        return None
    unwanted = list(live.children) if outcome is not None else step.cut
    return Kept(
        live.id,
        step.entries,
        status="running" if outcome is None else outcome.status,
        output=None if outcome is None else outcome.output,
        fault=None if outcome is None else outcome.fault,
        taken=step.taken,
        events=step.events,
        waits=waits,
        drops=drops,
        children=children,
        room=min(len(children), room),
        cancels=[live.children.pop(place) for place in unwanted if place in live.children],
    )


def resting(runs: Iterable[LiveRun], clock: Clock, park_s: float, most: int | None) -> list[LiveRun]:
    """Runs that have had nothing to do for `park_s` and will not for as long; the `most` that rest longest at once."""
    now, moment = clock.now(), clock.monotonic()
    enough_s = park_s if most is None else 0.0
    found: list[tuple[float, LiveRun]] = []
    for live in runs:
        if live.busy or live.inbox or live.idle_since is None or moment - live.idle_since < enough_s:
            continue
        due = live.next_due
        if due is not None and live.progress.at > now:
            continue  # the clock was set back: taken up again, it would wait from the beginning
        if due is None or due > now + park_s:
            found.append((live.idle_since, live))
    found.sort(key=lambda one: one[0])
    return [live for _, live in found[:most]]


async def settled(tasks: Callable[[], Collection[asyncio.Task[Any]]], clock: Clock, seconds: float | None) -> None:
    """Waits until none of these tasks goes on any more; so long at most."""
    end = None if seconds is None else clock.monotonic() + seconds
    while under_way := tasks():
        left = None if end is None else end - clock.monotonic()
        if left is not None and left <= 0:
            return
        await asyncio.wait(under_way, timeout=left)
