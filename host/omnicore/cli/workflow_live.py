"""A run on the screen until it is over: a tree that lives on a terminal, lines in a pipe."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from typing import Literal, TypeAlias

from rich.live import Live

from omnicore.assembly import BlockingHost
from omnicore.cli.output import Output
from omnicore.cli.session import who
from omnicore.cli.workflow_following import Following, Look
from omnicore.cli.workflow_text import COLOURS, fault_line, moment, span
from omnicore.cli.workflow_tree import RunTree, open_line
from omnicore.errors import CallerError, DeadlineExceeded
from omnicore.workflows.entries import ENDED
from omnicore.workflows.view import RunView, StepView

__all__ = ["Watched", "following", "left", "settle", "step_line", "watch"]

_FRAME_S, _LINE_S = 0.25, 1.0
Show: TypeAlias = Callable[[Look], None]


@dataclass(frozen=True, slots=True)
class Watched:
    """The run as it was seen last, and why nobody looks any more."""

    run: RunView
    why: Literal["over", "interrupted", "late"] = "over"


def watch(
    host: BlockingHost, output: Output, run: str, *, timeout_s: float | None = None, cancels: bool = False
) -> Watched:
    """Shows a run until it is over, so long at most, or until Ctrl-C.

    Args: cancels: the first Ctrl-C has the run cancelled; the next one leaves it.
    """
    began = time.monotonic()
    seen: Look | None = None
    with following(host, run) as looks, _screen(output) as (show, every_s):
        while True:
            try:
                left_s = every_s if timeout_s is None else timeout_s - (time.monotonic() - began)
                if seen is not None and left_s <= 0:
                    return Watched(seen.run, "late")
                seen = host.wait(looks.next(max(0.0, min(every_s, left_s))))
                show(seen)
                if seen.over:
                    return Watched(seen.run)
            except KeyboardInterrupt:
                host.wait(looks.close())
                if not cancels:
                    return Watched(host.wait(host.workflows.run_view(run)), "interrupted")
                cancels = False
                _cancel(host, output, run)


def settle(host: BlockingHost, run: str, *, until: frozenset[str], seconds: float) -> RunView:
    """Waits until a run has one of some states, so long at most."""
    end = time.monotonic() + seconds
    with following(host, run) as looks:
        while True:
            found = host.wait(looks.next(_FRAME_S))
            if found.run.status in until or found.run.status in ENDED or time.monotonic() >= end:
                return found.run


@contextmanager
def following(host: BlockingHost, run: str, *, after: int = 0) -> Iterator[Following]:
    """Looks at a run; what is under way when the block ends, as by Ctrl-C, ends with it."""
    looks = Following(host.workflows, run, after=after)
    try:
        yield looks
    finally:
        host.wait(looks.close())


def left(watched: Watched, timeout_s: float | None) -> DeadlineExceeded:
    """What is told of a run that took longer than somebody wanted to wait."""
    return DeadlineExceeded(
        f"{watched.run.id} goes on longer than {timeout_s or 0:g} s",
        remedy=f"go on with `omnicore workflows resume {watched.run.id}`; a server on the same data does by itself",
        limit="timeout",
        allowed=timeout_s,
    )


def step_line(one: StepView) -> str:
    """A row of a run's journal in a line."""
    again = f", attempt {one.attempt}" if one.attempt > 1 else ""
    fault = f": {fault_line(one.fault)}" if one.fault and one.status in ("faulted", "retried") else ""
    moved = f", taken over by {one.meta['taken_over_by']}" if "taken_over_by" in one.meta else ""
    return f"{one.status:<9}  {one.place}  {one.kind}, {span(one.at - one.began_at)}{again}{moved}{fault}"


@contextmanager
def _screen(output: Output) -> Iterator[tuple[Show, float]]:
    """What shows looks, and how often it wants one."""
    if output.is_json:
        yield lambda look: None, _LINE_S
    elif output.err.is_terminal:
        tree = RunTree()
        with Live(console=output.err, auto_refresh=False, transient=False) as live:

            def draw(look: Look) -> None:
                tree.take(look.steps, look.open)
                if not look.more:
                    live.update(tree.shown(look.run, time.time()), refresh=True)

            yield draw, _FRAME_S
    else:
        yield _Lines(output).show, _LINE_S


class _Lines:
    def __init__(self, output: Output) -> None:
        self._output = output
        self._status = ""
        self._waits: set[str] = set()

    def show(self, look: Look) -> None:
        if not self._status:
            self._output.say(f"{look.run.workflow}  {look.run.id}")
        for step in look.steps:
            self._output.say(f"  {step_line(step)}", style=COLOURS.get(step.status, ""))
        waits = {f"  {'waiting':<9}  {one.place}  {open_line(one, time.time())}" for one in look.open if _rests(one)}
        if look.run.status == "waiting" and not waits and look.run.due_at is not None:
            waits.add(f"  {'waiting':<9}  until {moment(look.run.due_at, time.time())}")
        for line in sorted(waits - self._waits):
            self._output.say(line)
        self._waits = waits
        if look.run.status != self._status and (look.over or look.run.status == "suspended"):
            self._output.say(f"{look.run.id} {look.run.status}")
        self._status = look.run.status


def _rests(one: object) -> bool:
    return getattr(one, "kind", "") in ("timer", "listen", "approval")


def _cancel(host: BlockingHost, output: Output, run: str) -> None:
    output.say(f"Cancelling {run}; Ctrl-C once more leaves it.")
    with suppress(CallerError):  # it is over already: what there is to show comes
        host.wait(host.workflows.cancel(run, by=who()))
