"""Drafts of workflows: texts that are edited and not saved yet, one for each person and workflow."""

from __future__ import annotations

from typing import Annotated

from omnicore.records import HIDDEN, Meta, Record, Time
from omnicore.storage.store import Store
from omnicore.storage.table import Table

_REVISION = "Another one after each change; the next change names it."


class WorkflowDraft(Record, frozen=True):
    """A draft. `revision` is random: that of a draft which is gone is never that of a later one."""

    who: Annotated[str, HIDDEN]
    draft: Annotated[str, Meta(description="Name of the workflow; `~` and a name of its own for a new one.")]
    revision: Annotated[str, Meta(description=_REVISION)]
    text: Annotated[str, Meta(description="As it was typed, valid or not. Left out of lists.")]
    number: Annotated[int, Meta(description="The version that was edited; 0 for a new workflow.")]
    digest: Annotated[str, Meta(description="Of that version.")]
    changed_at: Time


DRAFTS = Table(WorkflowDraft, "workflow_drafts", key=("who", "draft"), indexes=(("draft",),))


class DraftsTable:
    """Reads and writes drafts. Every change is on the disk when it returns."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def get(self, who: str, draft: str) -> WorkflowDraft | None:
        """A person's draft of a workflow."""
        found = self._store.rows(f"{DRAFTS.select} WHERE who = ? AND draft = ?", (who, draft))
        return DRAFTS.row(found[0]) if found else None

    def of(self, who: str) -> list[WorkflowDraft]:
        """All drafts of a person without their texts, newest first."""
        columns = DRAFTS.columns.replace("text", "CAST('' AS text)")
        sql = f"SELECT {columns} FROM workflow_drafts WHERE who = ? ORDER BY changed_at DESC, draft"
        return [DRAFTS.row(row) for row in self._store.rows(sql, (who,))]

    def others(self, who: str, draft: str, limit: int = 20) -> list[tuple[str, float]]:
        """Other people with a draft of this workflow, and when they changed it last. Newest first."""
        sql = "SELECT who, changed_at FROM workflow_drafts WHERE draft = ? AND who <> ? ORDER BY changed_at DESC, who"
        return [(str(name), float(at)) for name, at in self._store.rows(f"{sql} LIMIT ?", (draft, who, limit))]

    def put(self, row: WorkflowDraft, expected: str, most: int) -> WorkflowDraft | int | None:
        """Stores a draft in place of the one with the expected revision, or where there is none.

        Returns: None: it is stored. The draft that is there instead. The count, when the person has `most` drafts.
        """
        with self._store.write(durable=True, locks=(f"drafts:{row.who}",)) as session:
            found = session.execute(f"{DRAFTS.select} WHERE who = ? AND draft = ?", (row.who, row.draft)).fetchone()
            if found is not None:
                kept = DRAFTS.row(found)
                if kept.revision != expected:
                    return kept
                session.execute("DELETE FROM workflow_drafts WHERE who = ? AND draft = ?", (row.who, row.draft))
            else:
                counted = session.execute("SELECT count(*) FROM workflow_drafts WHERE who = ?", (row.who,)).fetchone()
                if int(counted[0]) >= most:
                    return int(counted[0])
            session.execute(DRAFTS.insert, DRAFTS.values(row))
            return None

    def remove(self, who: str, draft: str, expected: str | None) -> WorkflowDraft | None:
        """Removes a draft, if it has the expected revision. Returns: the draft that stays because it has another."""
        with self._store.write(durable=True, locks=(f"drafts:{who}",)) as session:
            found = session.execute(f"{DRAFTS.select} WHERE who = ? AND draft = ?", (who, draft)).fetchone()
            if found is None:
                return None
            kept = DRAFTS.row(found)
            if expected is not None and kept.revision != expected:
                return kept
            session.execute("DELETE FROM workflow_drafts WHERE who = ? AND draft = ?", (who, draft))
            return None
