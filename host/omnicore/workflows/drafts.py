"""Drafts of workflows: what an editor keeps on the host until it is saved, so that no edit is lost."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

from omnicore.errors import Conflict, InvalidInput
from omnicore.ids import random_hex
from omnicore.storage.tables.workflow_definitions import DraftsTable, WorkflowDraft

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omnicore.clock import Clock
    from omnicore.storage.store import Store

MOST_DRAFTS = 50
"""The most drafts of one person."""


class Drafts:
    """Drafts by person and workflow. Coroutines are for the host's event loop.

    Args: most_bytes: the largest text, in UTF-8.
    """

    def __init__(self, store: Store, clock: Clock, most_bytes: int) -> None:
        self._table, self._clock, self._most_bytes = DraftsTable(store), clock, most_bytes

    async def list(self, who: str) -> Sequence[WorkflowDraft]:
        """All drafts of a person without their texts, newest first."""
        return await asyncio.to_thread(self._table.of, who)

    async def get(self, who: str, draft: str) -> WorkflowDraft | None:
        """The draft, if there is one."""
        return await asyncio.to_thread(self._table.get, who, draft)

    async def others(self, who: str, draft: str) -> Sequence[tuple[str, float]]:
        """Other people who have a draft of the same workflow, and when they changed it last."""
        return await asyncio.to_thread(self._table.others, who, draft)

    async def keep(
        self, who: str, draft: str, text: str, *, revision: str = "", number: int = 0, digest: str = ""
    ) -> WorkflowDraft:
        """Stores a draft and returns it with its new revision.

        Args:
            revision: of the draft that this one follows; "" for the first.
            number, digest: the version that was edited; 0 and "" for a new workflow.
        Raises: Conflict: the draft has another revision; details: `revision`. InvalidInput: the text is too large or
            not Unicode, or the person has as many drafts as allowed.
        """
        self._check(text)
        row = WorkflowDraft(who, draft, random_hex(), text, number, digest, self._clock.now())
        found = await asyncio.to_thread(self._table.put, row, revision, MOST_DRAFTS)
        if isinstance(found, int):
            raise InvalidInput(f"{who} has {found} drafts already", remedy="save or discard some of them")
        if found is not None:
            raise _elsewhere(found)
        return row

    async def remove(self, who: str, draft: str, revision: str | None = None) -> None:
        """Discards a draft; one that is not there is no error. Raises: Conflict: it has another revision."""
        found = await asyncio.to_thread(self._table.remove, who, draft, revision)
        if found is not None:
            raise _elsewhere(found)

    def _check(self, text: str) -> None:
        try:
            size = len(text.encode())
        except UnicodeEncodeError as error:
            raise InvalidInput(
                "the text is no valid Unicode", remedy="use text without lone surrogates", path="text"
            ) from error
        if "\0" in text:
            raise InvalidInput("the text holds a null character", remedy="take it out", path="text")
        if size > self._most_bytes:
            raise InvalidInput(
                f"the text is over {self._most_bytes} bytes", remedy="split the workflow into several", path="text"
            )


def _elsewhere(found: WorkflowDraft) -> Conflict:
    return Conflict(
        f"the draft of {found.draft} was changed in another window",
        remedy="look at that draft, then send its revision or take it",
        revision=found.revision,
    )
