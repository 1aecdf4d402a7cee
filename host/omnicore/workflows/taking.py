"""Live runs made of what was started here, and of what was claimed."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator

from omnicore.workflows.effects.secrets import placeholders
from omnicore.workflows.entries import Entry, Start
from omnicore.workflows.graph import Graph
from omnicore.workflows.journal import Journal
from omnicore.workflows.journal_words import Claimed, NewRun, Started
from omnicore.workflows.live import LiveRun
from omnicore.workflows.performing import RunContext
from omnicore.workflows.progress import Progress

__all__ = ["live_claimed", "live_started", "rows_of"]

_PAGE = 200


def live_started(new: NewRun, started: Started, graph: Graph) -> LiveRun:
    """The run that was just started into this host's hands."""
    secrets = placeholders(started.nonce, graph.secrets) if graph.secrets else {}
    root = new.root or started.run
    context = RunContext(started.run, new.workflow, root, new.depth, new.trigger, secrets, new.by)
    start = Start(started.run, new.input, started.created_at, new.trigger, secrets)
    return LiveRun(context, graph, Progress(graph, start), new.priority, started.created_at)


def live_claimed(claimed: Claimed, graph: Graph) -> LiveRun:
    """The run that was claimed."""
    run = claimed.run
    secrets = placeholders(run.nonce, graph.secrets) if graph.secrets else {}
    context = RunContext(run.id, run.workflow, run.root, run.depth, claimed.trigger, secrets, run.created_by)
    start = Start(run.id, claimed.input, run.created_at, claimed.trigger, secrets)
    live = LiveRun(context, graph, Progress(graph, start), run.priority, run.created_at)
    live.moved = run.host or "" if claimed.moved else ""
    return live


def rows_of(journal: Journal, run: str, loop: asyncio.AbstractEventLoop) -> Iterator[Entry]:
    """The rows of a run, for a thread beside the loop: page by page, so that no long journal is whole in memory."""
    rows = journal.rows(run)
    while True:
        page = asyncio.run_coroutine_threadsafe(_page(rows), loop).result()
        yield from page
        if len(page) < _PAGE:
            return


async def _page(rows: AsyncIterator[Entry]) -> list[Entry]:
    found: list[Entry] = []
    async for entry in rows:
        found.append(entry)
        if len(found) == _PAGE:
            break
    return found
