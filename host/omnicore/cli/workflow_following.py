"""A run as it goes on, look by look, for commands that show it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from omnicore.errors import CallCancelled, WorkflowFailed
from omnicore.workflows.entries import ENDED
from omnicore.workflows.service import Workflows
from omnicore.workflows.view import OpenView, RunView, StepView

__all__ = ["Following", "Look", "output_of"]

_PAGE = 500
_EVERY_S = 0.1
_LONGEST_S = 1.0


@dataclass(frozen=True, slots=True)
class Look:
    """What is new: the run, the rows since the last look, and what is under way. `more`: there are further rows."""

    run: RunView
    steps: Sequence[StepView]
    open: Sequence[OpenView]
    more: bool = False

    @property
    def over(self) -> bool:
        """Whether nothing more will come."""
        return self.run.status in ENDED and not self.more


class Following:
    """Looks at one run. Its coroutines are for the host's loop, one at a time.

    Args: after: the row behind which rows are new.
    """

    def __init__(self, workflows: Workflows, run: str, *, after: int = 0) -> None:
        self._workflows, self._run, self._after = workflows, run, after
        self._status = ""
        self._task: asyncio.Task[Any] | None = None
        self._open: list[tuple[str, int]] = []
        self._shown: Sequence[OpenView] = ()

    async def look(self) -> Look:
        """The run as it stands, with at most a page of new rows. Raises: NotFound."""
        # The run first: rows that come after it was read as ended would be missed.
        run = await self._workflows.run_view(self._run)
        page = await self._workflows.steps(self._run, after=self._after, limit=_PAGE)
        shown = await self._workflows.open(self._run) if run.status not in ENDED else ()
        if run.status == "waiting" and not shown:  # it has left memory, and the moments that it waits for with it
            came = {one.place for one in page.items}
            shown = [one for one in self._shown if one.place not in came]
        self._shown = shown
        if page.items:
            self._after = page.items[-1].seq
        return Look(run, page.items, shown, more=page.next is not None)

    async def next(self, seconds: float = _LONGEST_S) -> Look:
        """The next look in which something is new, or that of a while later. Raises: NotFound."""
        self._task = asyncio.current_task()
        end = asyncio.get_running_loop().time() + seconds
        while True:
            found = await self.look()
            state = [(one.place, one.attempt) for one in found.open]
            new = bool(found.steps) or found.run.status != self._status or state != self._open
            self._status, self._open = found.run.status, state
            if new or found.over or asyncio.get_running_loop().time() >= end:
                return found
            await asyncio.sleep(_EVERY_S)

    async def close(self) -> None:
        """Ends a `next` that nobody waits for any more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])


def output_of(run: RunView) -> Any:
    """What a run that is over gave. Raises: WorkflowFailed. CallCancelled."""
    if run.status == "completed":
        return run.output
    if run.status == "cancelled":
        raise CallCancelled(f"{run.id} was cancelled", run=run.id)
    fault = run.fault or {}
    told = ": ".join(str(fault[name]) for name in ("title", "detail") if fault.get(name))
    raise WorkflowFailed(
        f"{run.id} faulted at {fault.get('instance') or 'its root'}: {told or fault.get('type', 'the run faulted')}",
        remedy=f"see `omnicore workflows logs {run.id}`; retry it with `omnicore workflows retry {run.id}`",
        run=run.id,
        fault=dict(fault),
    )
