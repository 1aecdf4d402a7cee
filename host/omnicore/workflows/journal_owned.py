"""What a host knows of a run in its hands, beside its progress: who it belongs to and where its chain ends."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field, replace

from omnicore.storage.tables.workflow_runs import RunRow
from omnicore.workflows.journal_starts import Starting

__all__ = ["Owned", "claimed_row", "owned_of"]


@dataclass(slots=True)
class Owned:
    """A run in this host's hands. `seq` and `hash` are those of the last row that is kept for sure."""

    run: str
    workflow: str
    lane: str | None
    held: bool
    parent: tuple[str, str] | None
    by: str
    seq: int
    hash: str
    tried: str | None = None
    """The hash of a last row of which nobody knows whether it was kept."""
    busy: asyncio.Future[object] | None = None
    """What is being kept of it now."""
    rows_bytes: int = 0
    """What its rows hold that were kept since it is in this host's hands."""
    values_bytes: int | None = 0
    """What its large values hold; None: they are not counted yet."""
    seen: dict[str, None] = field(default_factory=dict)
    """The large values that it wrote last, by their hash."""


def owned_of(row: RunRow | Starting, head: tuple[int, str]) -> Owned:
    """What is known of a run that was claimed, or begun here."""
    if isinstance(row, RunRow):
        parent = None if row.parent_run is None else (row.parent_run, row.parent_place or "")
        count = 0 if head[0] == 0 else None
        return Owned(row.id, row.workflow, row.lane, bool(row.held), parent, row.created_by, *head, values_bytes=count)
    new = row.new
    parent = None if new.parent_run is None else (new.parent_run, new.parent_place or "")
    return Owned(row.id, new.workflow, row.lane, False, parent, new.by, *head)


def claimed_row(row: RunRow, head: tuple[int, str]) -> RunRow:
    """A claimed run with the end of its chain as it is now."""
    return replace(row, seq=head[0], hash=head[1])
