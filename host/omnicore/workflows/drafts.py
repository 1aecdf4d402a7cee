"""Drafts and pins of workflows: what an editor keeps on the host beside their definitions.

A draft is a text that is not saved yet, of one person. A pin is an output that stands for a step in trials, and is
shared by all who edit the workflow.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from omnicore.errors import Conflict, InvalidInput
from omnicore.ids import random_hex
from omnicore.storage.tables.workflow_definitions import DraftsTable, PinsTable, WorkflowDraft, WorkflowPin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omnicore.clock import Clock
    from omnicore.storage.store import Store

MOST_DRAFTS = 50
"""The most drafts of one person."""


MOST_PINS = 100
"""The most pins of one workflow."""
_MOST_PIN_BYTES = 256 * 1024


class Pins:
    """Pinned outputs by workflow and step. Coroutines are for the host's event loop."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._table, self._clock = PinsTable(store), clock

    async def list(self, workflow: str) -> Sequence[WorkflowPin]:
        """All pins of a workflow."""
        return await asyncio.to_thread(self._table.of, workflow)

    async def keep(self, workflow: str, step: str, value: Any, *, by: str) -> WorkflowPin:
        """Pins an output to a step. Raises: InvalidInput: it is too large, or there are too many."""
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        if len(text) > _MOST_PIN_BYTES:
            raise InvalidInput(f"the value is over {_MOST_PIN_BYTES} bytes", remedy="pin a part of it", path="value")
        row = WorkflowPin(workflow, step, text, self._clock.now(), by)
        if not await asyncio.to_thread(self._table.put, row, MOST_PINS):
            raise InvalidInput(f"{workflow} has {MOST_PINS} pins already", remedy="remove some of them", path="step")
        return row

    async def remove(self, workflow: str, step: str) -> None:
        """Takes a pin away; one that is not there is no error."""
        await asyncio.to_thread(self._table.remove, workflow, step)


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
