"""Core blocks: small named texts that are given with every recall, whatever was asked.

A block belongs to an owner, or to a user, an agent, a session or an application of the owner. Who recalls for a user
and an agent is given the blocks of nobody in particular, those of the user and those of the agent. A block is changed
as a whole: a writer names the version that it read, so that no edit is lost, and earlier texts can be put back.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Annotated

from omnicore.errors import InvalidInput, NotFound
from omnicore.records import Meta, Record, Time
from omnicore.storage.tables.memory_blocks import BlockRow, BlockTable, BlockVersionRow
from omnicore.storage.tables.memory_facts import EVERYONE
from omnicore.texts import is_whole

if TYPE_CHECKING:
    from omnicore.storage.tables.memory_facts import FactScope

BLOCK_CHARACTERS = 8000
"""The longest text of a block."""

BLOCK_NAME = r"^[^\W_][\w.-]{0,63}$"
"""The names that a block may have."""

_NAME = re.compile(BLOCK_NAME)
_WRITER_CHARACTERS = 200
_NEWEST = 2**31  # versions


class MemoryBlock(Record, frozen=True, kw_only=True):
    """A core block as it is now. Units: seconds since the epoch."""

    name: str
    text: str
    version: Annotated[int, Meta(description="Counts its changes from 1; a writer sends the one that it read.")]
    changed_at: Time
    changed_by: Annotated[str, Meta(description="Who wrote this version.")]
    id: str
    owner: Annotated[str, Meta(description="A plugin, or `@host`.")]
    user: str | None = None
    agent: str | None = None
    session: str | None = None
    app: str | None = None


class MemoryBlockVersion(Record, frozen=True, kw_only=True):
    """A text of a core block. Units: seconds since the epoch."""

    version: int
    text: str
    changed_at: Time
    changed_by: Annotated[str, Meta(description="Who wrote this version.")]


class MemoryBlocks:
    """The core blocks of owners. Usable from any thread."""

    def __init__(self, table: BlockTable) -> None:
        self._table = table

    def given(self, owner: str, scope: FactScope, budget: int | None = None) -> tuple[list[MemoryBlock], list[str]]:
        """The blocks of nobody in particular and of those whom a scope names, by name; a note on those left out.

        Args:
            budget: the most characters of their texts together.
        """
        blocks = [_shown(row) for row in self._table.given(owner, scope)]
        room = sum(len(block.text) for block in blocks) if budget is None else budget
        fitting: list[MemoryBlock] = []
        for block in blocks:
            if len(block.text) <= room:
                room -= len(block.text)
                fitting.append(block)
        over = len(blocks) - len(fitting)
        return fitting, [f"core blocks that do not fit into {budget} characters: {over}"] if over else []

    def page(
        self, owner: str, scope: FactScope = EVERYONE, *, after: str = "", most: int = 100
    ) -> tuple[list[MemoryBlock], str | None]:
        """Blocks that have all names of a scope, the oldest first, and the id after which the next page begins."""
        rows = self._table.page(owner, scope, after=after, most=most + 1)
        return [_shown(row) for row in rows[:most]], rows[most - 1].id if len(rows) > most else None

    def get(self, owner: str, name: str, scope: FactScope = EVERYONE) -> MemoryBlock:
        """The block of exactly a scope. Raises: NotFound; InvalidInput."""
        return _shown(self._row(owner, name, scope))

    def versions(self, owner: str, name: str, scope: FactScope = EVERYONE) -> list[MemoryBlockVersion]:
        """The text that a block has and those that it had, the newest first; 51 at most. Raises: as `get`."""
        row = self._row(owner, name, scope)
        return [_version(row), *map(_version, self._table.versions(row))]

    def write(
        self,
        owner: str,
        name: str,
        text: str,
        *,
        version: int,
        by: str,
        now: float,
        scope: FactScope = EVERYONE,
    ) -> MemoryBlock:
        """Makes a block, or changes it.

        Args:
            version: the version that is changed; 0 makes a block that is not there yet.
            by: the writer's name, for the history.

        Raises: InvalidInput; Conflict: it has another version by now; NotFound; LimitExceeded: the scope has 16.
        """
        wanted = _wanted(owner, name, _checked_text(text), version=version, by=by, now=now)
        return _shown(self._table.write(wanted, scope))

    def restore(
        self, owner: str, name: str, to: int, *, version: int, by: str, now: float, scope: FactScope = EVERYONE
    ) -> MemoryBlock:
        """Gives a block the text of an earlier version, as a new version.

        Raises: as `write`; NotFound: no such version, or it is too old.
        """
        wanted = _wanted(owner, name, "", version=version, by=by, now=now)
        return _shown(self._table.write(wanted, scope, restored=_checked_version(to)))

    def remove(self, owner: str, name: str, scope: FactScope = EVERYONE) -> bool:
        """True if there was such a block. Its history goes too."""
        return self._table.remove(owner, _checked_name(name), scope)

    def erase(self, owner: str, scope: FactScope) -> int:
        """Erases all blocks that have all names of a scope, with their history; how many there were."""
        return self._table.erase(owner, scope)

    def _row(self, owner: str, name: str, scope: FactScope) -> BlockRow:
        row = self._table.get(owner, _checked_name(name), scope)
        if row is None:
            raise NotFound(f"there is no block {name} of this scope", remedy="see `omnicore memory blocks ls`")
        return row


def _wanted(owner: str, name: str, text: str, *, version: int, by: str, now: float) -> BlockRow:
    return BlockRow(
        owner, "", _checked_name(name), text, _checked_version(version), now, by[:_WRITER_CHARACTERS] or "host"
    )


def _checked_name(name: str) -> str:
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            f"{name[:40]!a} is no name of a block",
            remedy="use 1 to 64 letters, digits, `_`, `.` and `-`, such as persona",
            path="block",
        )
    return name


def _checked_text(text: str) -> str:
    if not text.strip() or "\0" in text or not is_whole(text):
        raise InvalidInput("the text of the block is empty or no valid Unicode", remedy="give text", path="text")
    if len(text) > BLOCK_CHARACTERS:
        raise InvalidInput(
            f"a block of {len(text)} characters is too long",
            remedy=f"keep to {BLOCK_CHARACTERS}, and store the rest as memories",
            path="text",
        )
    return text


def _checked_version(version: int) -> int:
    if isinstance(version, bool) or not isinstance(version, int) or not 0 <= version < _NEWEST:
        raise InvalidInput("the version is no number", remedy="send the version that you read", path="version")
    return version


def _version(row: BlockRow | BlockVersionRow) -> MemoryBlockVersion:
    return MemoryBlockVersion(version=row.version, text=row.text, changed_at=row.changed_at, changed_by=row.changed_by)


def _shown(row: BlockRow) -> MemoryBlock:
    return MemoryBlock(
        name=row.name,
        text=row.text,
        version=row.version,
        changed_at=row.changed_at,
        changed_by=row.changed_by,
        id=row.id,
        owner=row.plugin,
        user=row.user_id or None,
        agent=row.agent_id or None,
        session=row.session or None,
        app=row.app_id or None,
    )
