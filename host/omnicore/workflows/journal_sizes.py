"""How much a run has written: its rows, and each of its large values once. There is an end to it."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

from omnicore.errors import LimitExceeded
from omnicore.storage.tables.workflow_values import ValuesTable
from omnicore.workflows.journal_owned import Owned

__all__ = ["check_size"]

_REMEMBERED = 256


async def check_size(
    owned: Owned, rows: Sequence[tuple[Any, ...]], values: Sequence[tuple[str, str]], table: ValuesTable, most: int
) -> None:
    """Notes what a run is about to write.

    Which values it has written before is remembered for the last ones only; when that seems to be too much, and when
    the run was taken up again, they are counted in the database.

    Raises: LimitExceeded: with it the run would have written more than `most` bytes.
    """
    owned.rows_bytes += sum(len(text) for row in rows for text in row if type(text) is str)
    grown = sum(len(data) for digest, data in values if digest not in owned.seen)
    if grown == 0 and owned.rows_bytes <= most:
        return
    if owned.values_bytes is None or owned.rows_bytes + owned.values_bytes + grown > most:
        owned.values_bytes = await asyncio.to_thread(table.size_of, owned.run)
    owned.values_bytes += grown
    owned.seen.update(dict.fromkeys(digest for digest, _ in values))
    while len(owned.seen) > _REMEMBERED:
        del owned.seen[next(iter(owned.seen))]
    if owned.rows_bytes + owned.values_bytes > most:
        raise LimitExceeded(
            f"the run has written over {most} bytes",
            remedy="hand on less from step to step, or raise workflows.run_bytes",
            limit="run_bytes",
            allowed=most,
        )
