"""Core blocks of memory, which are always given, and what they said before."""

from __future__ import annotations

from typing import TYPE_CHECKING

from omnicore.errors import Conflict, LimitExceeded, NotFound
from omnicore.ids import new_id
from omnicore.records import Record, replace
from omnicore.storage.table import Table
from omnicore.storage.tables.memory_words import clean_by, space_locks

if TYPE_CHECKING:
    from collections.abc import Sequence

    from omnicore.storage.store import Session, Store
    from omnicore.storage.tables.memory_facts import FactScope

MOST_BLOCKS = 16
"""The most blocks of one scope."""

MOST_VERSIONS = 50
"""The most versions of a block; the oldest go."""

_SCOPED = ("user_id", "agent_id", "session", "app_id")


class BlockRow(Record, frozen=True):
    """A block as it is stored. A scope of "" is nobody in particular."""

    plugin: str
    id: str
    name: str
    text: str
    version: int
    changed_at: float
    changed_by: str
    user_id: str = ""
    agent_id: str = ""
    session: str = ""
    app_id: str = ""


class BlockVersionRow(Record, frozen=True):
    """A block's text that another one replaced."""

    plugin: str
    block: str
    version: int
    text: str
    changed_at: float
    changed_by: str


BLOCKS = Table(BlockRow, "memory_blocks", key=("plugin", "id"), unique=(("plugin", *_SCOPED, "name"),))
BLOCK_VERSIONS = Table(BlockVersionRow, "memory_block_versions", key=("plugin", "block", "version"))

_NAMED = "".join(f" AND {name} = ?" for name in (*_SCOPED, "name"))


class BlockTable:
    """The blocks of all owners of memories. Usable from any thread."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def given(self, plugin: str, scope: FactScope) -> list[BlockRow]:
        """The blocks of nobody in particular and of those whom a scope names, by name."""
        whose = [("",) if name is None else ("", name) for name in scope]
        where = "".join(
            f" AND {column} IN ({', '.join('?' * len(names))})" for column, names in zip(_SCOPED, whose, strict=True)
        )
        values = [name for names in whose for name in names]
        rows = self._store.rows(
            f"{BLOCKS.select} WHERE plugin = ?{where} ORDER BY name, user_id, agent_id, session, app_id",
            (plugin, *values),
        )
        return [BLOCKS.row(row) for row in rows]

    def page(self, plugin: str, scope: FactScope, *, after: str, most: int) -> list[BlockRow]:
        """The blocks that have all names of a scope, in the order in which they were made, from the one after an id."""
        where, values = _within(scope)
        rows = self._store.rows(
            f"{BLOCKS.select} WHERE plugin = ?{where} AND id > ? ORDER BY id LIMIT ?", (plugin, *values, after, most)
        )
        return [BLOCKS.row(row) for row in rows]

    def get(self, plugin: str, name: str, scope: FactScope) -> BlockRow | None:
        """The block of exactly a scope."""
        rows = self._store.rows(f"{BLOCKS.select} WHERE plugin = ?{_NAMED}", (plugin, *_exactly(scope), name))
        return BLOCKS.row(rows[0]) if rows else None

    def versions(self, block: BlockRow) -> list[BlockVersionRow]:
        """The texts that a block had before, the newest first."""
        rows = self._store.rows(
            f"{BLOCK_VERSIONS.select} WHERE plugin = ? AND block = ? ORDER BY version DESC LIMIT ?",
            (block.plugin, block.id, MOST_VERSIONS),
        )
        return [BLOCK_VERSIONS.row(row) for row in rows]

    def write(self, wanted: BlockRow, scope: FactScope, *, restored: int | None = None) -> BlockRow:
        """Makes a block, or changes the version that `wanted` has; the block as it is then.

        Args:
            restored: the version whose text it gets, in place of the text in `wanted`.

        Raises: Conflict: it has another version by now; NotFound: no such version to go back to; LimitExceeded.
        """

        def work(session: Session) -> BlockRow:
            key = (wanted.plugin, *_exactly(scope), wanted.name)
            row = session.execute(f"{BLOCKS.select} WHERE plugin = ?{_NAMED}", key).fetchone()
            known = None if row is None else BLOCKS.row(row)
            _check_version(wanted, known)
            if known is None:
                if restored is not None:
                    raise _no_block(wanted.name)
                return _made(session, wanted, scope)
            text = wanted.text if restored is None else _earlier(session, known, restored)
            return _changed(session, known, replace(wanted, text=text))

        return self._store.apply(work, locks=space_locks(wanted.plugin))

    def remove(self, plugin: str, name: str, scope: FactScope) -> bool:
        """True if there was such a block. Its history goes too."""

        def work(session: Session) -> bool:
            found = session.execute(
                f"SELECT id FROM memory_blocks WHERE plugin = ?{_NAMED}", (plugin, *_exactly(scope), name)
            ).fetchall()
            return _delete(session, plugin, [row[0] for row in found]) > 0

        return self._store.apply(work, locks=space_locks(plugin))

    def erase(self, plugin: str, scope: FactScope) -> int:
        """Deletes all blocks of a scope that names somebody, with their history; how many there were."""
        where, values = _within(scope)
        if not values:
            return 0

        def work(session: Session) -> int:
            found = session.execute(f"SELECT id FROM memory_blocks WHERE plugin = ?{where}", (plugin, *values))
            return _delete(session, plugin, [row[0] for row in found.fetchall()])

        return self._store.apply(work, locks=space_locks(plugin))


def _exactly(scope: FactScope) -> tuple[str, ...]:
    return tuple(name or "" for name in scope)


def _within(scope: FactScope) -> tuple[str, list[str]]:
    given = {column: name for column, name in zip(_SCOPED, scope, strict=True) if name is not None}
    return "".join(f" AND {column} = ?" for column in given), list(given.values())


def _check_version(wanted: BlockRow, known: BlockRow | None) -> None:
    there = 0 if known is None else known.version
    if wanted.version == there:
        return
    if known is None:
        raise _no_block(wanted.name)
    raise Conflict(
        f"the block {wanted.name} is at version {there}, changed by {known.changed_by}",
        remedy=f"read it, then send the change with version {there}",
        version=there,
    )


def _no_block(name: str) -> NotFound:
    return NotFound(f"there is no block {name} of this scope", remedy="see `omnicore memory blocks ls`")


def _made(session: Session, wanted: BlockRow, scope: FactScope) -> BlockRow:
    where = "".join(f" AND {column} = ?" for column in _SCOPED)
    whose = _exactly(scope)
    row = session.execute(
        f"SELECT count(*) FROM memory_blocks WHERE plugin = ?{where}", (wanted.plugin, *whose)
    ).fetchone()
    if row[0] >= MOST_BLOCKS:
        raise LimitExceeded(
            f"a scope may have {MOST_BLOCKS} blocks",
            remedy="remove one, or write into one that is there",
            limit="blocks",
            allowed=MOST_BLOCKS,
        )
    user, agent, talk, app = whose
    block = replace(wanted, id=new_id("blk"), version=1, user_id=user, agent_id=agent, session=talk, app_id=app)
    session.execute(BLOCKS.insert, BLOCKS.values(block))
    return block


def _earlier(session: Session, known: BlockRow, version: int) -> str:
    row = session.execute(
        "SELECT text FROM memory_block_versions WHERE plugin = ? AND block = ? AND version = ?",
        (known.plugin, known.id, version),
    ).fetchone()
    if row is None:
        raise NotFound(
            f"the block {known.name} has no earlier version {version}",
            remedy=f"see `omnicore memory blocks versions {known.name}`",
        )
    return str(row[0])


def _changed(session: Session, known: BlockRow, wanted: BlockRow) -> BlockRow:
    before = BlockVersionRow(known.plugin, known.id, known.version, known.text, known.changed_at, known.changed_by)
    session.execute(BLOCK_VERSIONS.insert, BLOCK_VERSIONS.values(before))
    session.execute(
        "DELETE FROM memory_block_versions WHERE plugin = ? AND block = ? AND version <= ?",
        (known.plugin, known.id, known.version - MOST_VERSIONS),
    )
    block = replace(
        known,
        text=wanted.text,
        version=known.version + 1,
        changed_at=wanted.changed_at,
        changed_by=wanted.changed_by,
    )
    session.execute(
        "UPDATE memory_blocks SET text = ?, version = ?, changed_at = ?, changed_by = ? WHERE plugin = ? AND id = ?",
        (block.text, block.version, block.changed_at, block.changed_by, block.plugin, block.id),
    )
    return block


def _delete(session: Session, plugin: str, ids: Sequence[str]) -> int:
    for table, column in (("memory_blocks", "id"), ("memory_block_versions", "block")):
        session.executemany(f"DELETE FROM {table} WHERE plugin = ? AND {column} = ?", [(plugin, one) for one in ids])
    if ids:
        clean_by(session, plugin, 0.0)
    return len(ids)
