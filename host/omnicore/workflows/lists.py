"""Lists of runs, with what only this host knows: which of them rest in its memory, and so wait."""

from __future__ import annotations

import asyncio
from dataclasses import replace

from omnicore.workflows.engine import Engine
from omnicore.workflows.view import Definition, Page

__all__ = ["Lists"]


class Lists:
    """Used on the engine's event loop.

    A run that waits for a moment leaves memory only when that is far enough away (`workflows.park_s`); until then its
    row says `running`, for to write each wait would cost as much as a step.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine, self._reader = engine, engine.reader

    async def page(self, workflow: str | None, status: str | None, limit: int, cursor: str) -> Page:
        """See `Workflows.page_runs`. A page of `running` may be shorter than it might: some of them wait."""
        page = await asyncio.to_thread(self._reader.page, workflow, status, limit, cursor)
        shown = [self._engine.as_it_is(one) for one in page.items]
        if status == "running":
            shown = [one for one in shown if one.status == status]
        if status != "waiting":
            return Page(shown, page.next)
        resting = await asyncio.to_thread(self._reader.some, self._resting(cursor), workflow, limit)
        waiting = {one.id: one for one in [*map(self._engine.as_it_is, resting), *shown] if one.status == status}
        found = sorted(waiting, reverse=True)
        return Page([waiting[run] for run in found[:limit]], found[limit - 1] if len(found) > limit else page.next)

    def with_last_run(self, one: Definition) -> Definition:
        """A workflow of a list whose last run is as it is now."""
        last = one.last_run
        live = None if last is None else self._engine.runner.live.get(last["id"])
        if last is None or live is None or last["status"] != "running" or live.progress.status != "waiting":
            return one
        return replace(one, last_run={**last, "status": "waiting"})

    def _resting(self, before: str) -> list[str]:
        """Ids of runs that wait in this host's memory, newest first."""
        live = self._engine.runner.live
        found = [run for run, one in live.items() if one.progress.status == "waiting" and (not before or run < before)]
        return sorted(found, reverse=True)
