"""Rows of one run as the first rows of another."""

from __future__ import annotations

from omnicore.errors import Conflict, NotFound
from omnicore.storage.store import Session
from omnicore.storage.tables.workflow_runs import set_head, state_of
from omnicore.storage.tables.workflow_steps import add_steps, first_rows, step_hash
from omnicore.storage.tables.workflow_values import share_values
from omnicore.workflows.journal_reading import PAGE

__all__ = ["copy_rows"]


def copy_rows(session: Session, of: str, until: int, run: str, genesis: str) -> None:
    """Copies rows up to one, page by page, into a run that has none.

    Raises: NotFound: there is no such run. Conflict: it has fewer rows.
    """
    if state_of(session, of) is None:
        raise NotFound(f"there is no run {of[:80]}", remedy="see the list of runs")
    seq, last = 0, genesis
    while seq < until and (page := first_rows(session, of, seq, min(PAGE, until - seq))):
        rows = []
        for row in page:
            last, seq = step_hash(last, row[1:-1]), int(row[1])
            rows.append((run, *row[1:-1], last))
        add_steps(session, rows)
    if seq < until:
        raise Conflict(f"{of[:80]} has {seq} rows only", remedy="begin from one of them")
    share_values(session, of, run)
    set_head(session, run, seq, last)
