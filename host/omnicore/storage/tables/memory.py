"""Memories of plugins: rows, counts by tier, and background changes in bounded batches."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.records import Record, replace
from omnicore.storage.table import Table
from omnicore.storage.tables.memory_facts import (
    MADE_OF,
    NOTHING_MADE_OF,
    NewFact,
    add_edges,
    add_facts,
    drop_edges,
    edges_of,
)
from omnicore.storage.tables.memory_words import (
    CLEANED_WITHIN_S,
    FullText,
    add_values,
    clean_by,
    drop_left_values,
    drop_values,
    enter_by_language,
    full_text,
    note_languages,
    replace_values,
    space_locks,
    unread,
    unvalued,
)

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from omnicore.storage.store import Session, Store


LIVE, QUARANTINED, DEAD = 0, 1, 2
"""States: recalled, waiting for a person, gone (its text is erased, the row tells copies in RAM)."""

SHARED_SPACE = "@shared"
"""The space of the tiers that belong to nobody alone."""


class Space(Record, frozen=True):
    """The memories of one plugin, or of all. `dimensions` of the embeddings that callers gave, 0 before the first.

    `copies` are the tokens of the files that hold its index, the newest last.
    """

    plugin: str
    number: int
    sequence: int
    purged: int
    dimensions: int
    consolidated: int
    copies: str = ""


class KeptMemory(Record, frozen=True):
    """A memory with everything that is known of it, except the vector of the embedder."""

    id: str
    tier: int
    text: str
    metadata: str
    importance: float
    judged: int
    created_at: float
    accessed_at: float
    hash: str
    writer: str
    size: int
    plugin: str = ""
    seq: int = 0
    state: int = LIVE
    hits: int = 0
    session: str | None = None
    speaker: str | None = None
    expires_at: float | None = None
    valid_from: float | None = None
    valid_to: float | None = None
    pinned: int = 0
    superseded_by: str | None = None
    call_id: str | None = None
    source: str | None = None
    given: bytes | None = None
    user_id: str | None = None
    agent_id: str | None = None
    app_id: str | None = None

    @property
    def scope(self) -> tuple[str | None, str | None, str | None, str | None]:
        """Its user, agent, session and application."""
        return self.user_id, self.agent_id, self.session, self.app_id


class MemoryRow(KeptMemory, frozen=True):
    """A memory as it is stored. `changed` is the number of its last change in its space.

    `language` is that of its words in the full text: empty where it could not be told, None where nobody looked.
    `valued` is 1 if the values of its metadata are in their index, `stated` if its text was read for facts.
    """

    changed: int = 0
    sense: bytes | None = None
    sense_by: str | None = None
    language: str | None = None
    valued: int | None = None
    stated: int | None = None


class NewMemory(MemoryRow, frozen=True):
    """A memory to be stored, which gets its plugin and number then.

    `words` are those of its full text, `facts` what it states.
    """

    words: tuple[str, ...] = ()
    facts: tuple[NewFact, ...] = ()


@dataclass(frozen=True, slots=True)
class Added:
    """The result of adding a memory: its own id, or that of the one with the same text."""

    id: str
    seq: int
    new: bool


class Outline(NamedTuple):
    """A memory without its text, as ranking needs it. A tuple: 100,000 of them are made when an index is opened."""

    seq: int
    changed: int
    tier: int
    state: int
    importance: float
    created_at: float
    hits: int
    expires_at: float | None
    valid_from: float | None
    valid_to: float | None
    pinned: int
    superseded: int
    session: str | None
    speaker: str | None
    given: bytes | None
    sense: bytes | None
    sense_by: str | None
    hash: str = ""
    user: str | None = None
    agent: str | None = None
    app: str | None = None


class TierTotals(Record, frozen=True):
    """The totals of a plugin in a tier."""

    plugin: str
    tier: int
    items: int
    bytes: int


SPACES = Table(Space, "memory_spaces", key="plugin", unique=(("number",),))
MEMORIES = Table(MemoryRow, "memories", key=("plugin", "seq"), indexes=(("plugin", "changed"),), unique=(("id",),))
TIERS = Table(TierTotals, "memory_tiers", key=("plugin", "tier"))

Quota = tuple[int | None, int | None]
"""The most memories of a plugin and the most bytes; None for any number."""

_KEPT = ", ".join(KeptMemory.__struct_fields__)
_OUTLINE = (
    "seq, changed, tier, state, importance, created_at, hits, expires_at, valid_from, valid_to, pinned,"
    " CASE WHEN superseded_by IS NULL THEN 0 ELSE 1 END, session, speaker, given, sense, sense_by, hash,"
    " user_id, agent_id, app_id"
)
_PAGE = 500
_COPIES = 8  # hosts that share a database each have one
_OF_A_SPACE = tuple(
    f"memory_{name}"
    for name in (
        *("edges", "facts", "blocks", "block_versions", "tiers", "cleanings", "languages", "values", "spaces"),
    )
)

Words = Callable[[str | None, str, str | None], Sequence[str]]
"""The words of a memory's full text, from its speaker, its text and its language; always the same ones."""


class MemoryTable:
    """The memories of all plugins. Usable from any thread."""

    def __init__(self, store: Store, words: Words) -> None:
        self.store = store
        self.texts: FullText = full_text(store)
        self._words = words

    def space(self, plugin: str) -> Space | None:
        """The space of a plugin, or None if it never had a memory."""
        rows = self.store.rows(f"{SPACES.select} WHERE plugin = ?", (plugin,))
        return SPACES.row(rows[0]) if rows else None

    def languages(self, plugin: str) -> dict[str, int]:
        """The languages of a plugin's memories other than English, with how many were entered again."""
        return dict(self.store.rows("SELECT language, reworded FROM memory_languages WHERE plugin = ?", (plugin,)))

    def plugins(self) -> list[str]:
        """Everyone who ever had a memory."""
        return [row[0] for row in self.store.rows("SELECT plugin FROM memory_spaces ORDER BY plugin")]

    def add(
        self, plugin: str, drafts: Sequence[NewMemory], *, quota: Quota = (None, None), cap: Callable[[int], int | None]
    ) -> list[Added]:
        """Keeps all or none. A text that is there already, in the same tier, is the memory that is there.

        Args:
            cap: the most memories of a tier that lets nobody go; None for no such end.

        Raises:
            LimitExceeded: over the quota or a tier's cap.
            InvalidInput: an embedding of another length than the plugin's first one.
        """
        lengths = {len(draft.given) // 4 for draft in drafts if draft.given is not None}
        return self.store.apply(
            lambda session: self._add(session, plugin, drafts, lengths, quota, cap), locks=space_locks(plugin)
        )

    def derive(
        self,
        plugin: str,
        draft: NewMemory,
        sources: Sequence[str],
        now: float,
        *,
        cap: Callable[[int], int | None] = lambda tier: None,
    ) -> Added | None:
        """Keeps a memory that was made of others, and the edges to them, in one transaction; None if some are gone.

        Raises: LimitExceeded: its tier is full.
        """
        lengths = set() if draft.given is None else {len(draft.given) // 4}
        marks = ", ".join("?" * len(sources))
        there = f"SELECT count(*) FROM memories WHERE plugin = ? AND id IN ({marks}) AND state < {DEAD:d}"

        def work(session: Session) -> Added | None:
            if session.execute(there, (plugin, *sources)).fetchone()[0] < len(sources):
                return None
            added = self._add(session, plugin, [draft], lengths, (None, None), cap)[0]
            add_edges(session, plugin, [(added.id, "derived_from", source, "") for source in sources], now)
            return added

        return self.store.apply(work, locks=space_locks(plugin))

    def _add(
        self,
        session: Session,
        plugin: str,
        drafts: Sequence[NewMemory],
        lengths: set[int],
        quota: Quota,
        cap: Callable[[int], int | None],
    ) -> list[Added]:
        space = advance(self, session, plugin, len(drafts))
        if lengths:
            _set_dimensions(session, plugin, space, lengths)
        first = space.sequence - len(drafts) + 1
        added = [_insert(session, plugin, first + place, draft) for place, draft in enumerate(drafts)]
        fresh = [(one.seq, draft) for one, draft in zip(added, drafts, strict=True) if one.new]
        if fresh:
            self.texts.add(session, space.number, [(seq, draft.words) for seq, draft in fresh])
            note_languages(session, plugin, dict.fromkeys({draft.language or "" for _, draft in fresh}, 0))
            _count_new(session, plugin, [draft for _, draft in fresh], quota, cap)
            add_values(session, plugin, [(seq, draft.metadata) for seq, draft in fresh])
            for _, draft in fresh:
                add_facts(session, plugin, draft.facts, draft.id, draft.scope)
        return added

    def outlines(self, plugin: str, *, after: int = 0, seq: int = 0, most: int = 5000) -> list[Outline]:
        """A page of outlines: of all memories by number from `seq` on, or of those changed `after`, in that order."""
        if after:
            rows = self.store.rows(
                f"SELECT {_OUTLINE} FROM memories WHERE plugin = ? AND changed > ? ORDER BY changed LIMIT ?",
                (plugin, after, most),
            )
        else:
            rows = self.store.rows(
                f"SELECT {_OUTLINE} FROM memories WHERE plugin = ? AND seq > ? AND state < ? ORDER BY seq LIMIT ?",
                (plugin, seq, DEAD, most),
            )
        return list(map(Outline._make, rows))

    def fetch(self, plugin: str, seqs: Sequence[int]) -> list[KeptMemory]:
        """Memories by their numbers, in no order; those that are gone are left out."""
        found: list[KeptMemory] = []
        for at in range(0, len(seqs), _PAGE):
            part = seqs[at : at + _PAGE]
            marks = ", ".join("?" * len(part))
            found += self._kept(f"plugin = ? AND seq IN ({marks}) AND state < {DEAD:d}", (plugin, *part))
        return found

    def get(self, plugins: Sequence[str], item: str) -> KeptMemory | None:
        """A memory by its id, if one of these plugins has it."""
        marks = ", ".join("?" * len(plugins))
        found = self._kept(f"id = ? AND plugin IN ({marks}) AND state < {DEAD:d}", (item, *plugins))
        return found[0] if found else None

    def page(self, plugin: str, tiers: Iterable[int], *, after: int, most: int) -> list[KeptMemory]:
        """Memories of some tiers in the order they came, from the one after `after`."""
        wanted = tuple(tiers)
        marks = ", ".join("?" * len(wanted))
        return self._kept(
            f"plugin = ? AND seq > ? AND state < {DEAD:d} AND tier IN ({marks}) ORDER BY seq LIMIT ?",
            (plugin, after, *wanted, most),
        )

    def newest(self, plugin: str, tier: int | None, *, before: int, most: int) -> list[KeptMemory]:
        """Memories of a tier, of all for None, the newest first, from the one before a number."""
        within, values = ("", ()) if tier is None else (" AND tier = ?", (tier,))
        return self._kept(
            f"plugin = ?{within} AND seq < ? AND state < {DEAD:d} ORDER BY seq DESC LIMIT ?",
            (plugin, *values, before, most),
        )

    def forget(self, plugin: str, seqs: Sequence[int], now: float) -> int:
        """Puts away memories whose time is over and returns how many there were; what was made of them stays.

        Their rows stay, empty, until `purge`.
        """

        def work(session: Session) -> int:
            return self._forget(session, plugin, seqs, now, due=now + CLEANED_WITHIN_S)

        return self.store.apply(work, locks=space_locks(plugin))

    def erase(self, plugin: str, items: Sequence[str], now: float) -> list[str]:
        """Erases memories, all that say the same and all that was made of them; the ids of what is gone.

        What else a derived memory was made of may be derived from again.
        """

        def work(session: Session) -> list[str]:
            gone: dict[str, int] = {}
            for item in items:
                gone |= {} if item in gone else self._with_copies(session, plugin, item)
            if not gone:
                return []
            others: set[str] = set()
            for one in gone:
                rows = session.execute(
                    "SELECT dst FROM memory_edges WHERE plugin = ? AND src = ? AND rel = 'derived_from'", (plugin, one)
                )
                others.update(row[0] for row in rows.fetchall())
            self._forget(session, plugin, list(gone.values()), now, due=now)
            left = sorted(others - gone.keys())
            first = advance(self, session, plugin, len(left)).sequence - len(left) + 1 if left else 0
            session.executemany(
                f"UPDATE memories SET changed = ? WHERE plugin = ? AND id = ? AND state < {DEAD:d}",
                [(first + at, plugin, one) for at, one in enumerate(left)],
            )
            return list(gone)

        return self.store.apply(work, locks=space_locks(plugin))

    def _with_copies(self, session: Session, plugin: str, item: str) -> dict[str, int]:
        """A memory, those of the same text, and all that was made of any of these: their numbers by id."""
        row = session.execute(
            f"SELECT id, seq, hash FROM memories WHERE plugin = ? AND id = ? AND state < {DEAD:d}", (plugin, item)
        ).fetchone()
        if row is None:
            return {}
        found = {row[0]: int(row[1])}
        same = session.execute(_SAME_TEXT, (plugin, row[2])).fetchall()
        found |= {one: int(seq) for one, seq in same}
        waiting = list(found)
        while waiting:
            made = session.execute(MADE_OF, (plugin, waiting.pop())).fetchall()
            fresh = {one: int(seq) for one, seq in made if one not in found}
            found |= fresh
            waiting += fresh
        return found

    def seqs(self, plugin: str, items: Sequence[str]) -> list[int]:
        """The numbers of memories by their ids, of those that are gone too."""
        sql = "SELECT seq FROM memories WHERE plugin = ? AND id = ?"
        return [int(row[0]) for item in items for row in self.store.rows(sql, (plugin, item))]

    def _forget(self, session: Session, plugin: str, seqs: Sequence[int], now: float, *, due: float) -> int:
        space = advance(self, session, plugin, len(seqs))
        changed = space.sequence - len(seqs)
        clean_by(session, plugin, due)
        gone = 0
        for seq in seqs:
            changed += 1
            row = session.execute(
                "SELECT tier, size, speaker, text, language, id, metadata FROM memories"
                f" WHERE plugin = ? AND seq = ? AND state < {DEAD:d}",
                (plugin, seq),
            ).fetchone()
            if row is None:
                continue
            tier, size, speaker, text, language, item, metadata = row
            session.execute(f"{_ERASE} WHERE plugin = ? AND seq = ?", (DEAD, changed, now, plugin, seq))
            drop_values(session, plugin, seq, metadata)
            drop_edges(session, plugin, item)
            session.execute("DELETE FROM memory_facts WHERE plugin = ? AND memory = ?", (plugin, item))
            self.texts.remove(session, space.number, seq, self._words(speaker, text, language))
            count_tier(session, plugin, tier, -1, -size)
            gone += 1
        return gone

    def change(self, plugin: str, seq: int, *, before: str | None = None, **values: Any) -> bool:
        """Sets columns of a memory, which copies in RAM will see. Returns True if it is there.

        Args: before: the metadata that it must still have; else nothing is set.
        """
        names = ", ".join(f"{name} = ?" for name in values)
        now = "SELECT metadata FROM memories WHERE plugin = ? AND seq = ?"

        def work(session: Session) -> bool:
            if before is not None and session.execute(now, (plugin, seq)).fetchone() != (before,):
                return False
            space = advance(self, session, plugin)
            if "metadata" in values:
                replace_values(session, plugin, seq, values["metadata"])
            found = session.execute(
                f"UPDATE memories SET {names}, changed = ? WHERE plugin = ? AND seq = ? AND state < {DEAD:d}",
                (*values.values(), space.sequence, plugin, seq),
            )
            return found.rowcount > 0

        return self.store.apply(work, locks=space_locks(plugin))

    def touch(self, plugin: str, seqs: Mapping[int, int], now: float, spans: Mapping[int, float]) -> None:
        """Notes how often memories were recalled: each lives on for the span of its tier from now, in seconds."""
        longer = "".join(
            f" WHEN tier = {tier:d} AND expires_at < {now + span!r} THEN {now + span!r}" for tier, span in spans.items()
        )
        until = f"CASE{longer} ELSE expires_at END" if longer else "expires_at"

        def work(session: Session) -> None:
            space = advance(self, session, plugin, len(seqs))
            first = space.sequence - len(seqs) + 1
            session.executemany(
                f"UPDATE memories SET hits = hits + ?, accessed_at = ?, changed = ?, expires_at = {until}"
                f" WHERE plugin = ? AND seq = ? AND state < {DEAD:d}",
                [(times, now, first + at, plugin, seq) for at, (seq, times) in enumerate(sorted(seqs.items()))],
            )

        self.store.apply(work, locks=space_locks(plugin))

    def totals(self, plugin: str | None = None) -> list[TierTotals]:
        """The totals of each tier, of one plugin or of all."""
        where = "" if plugin is None else " WHERE plugin = ?"
        values = () if plugin is None else (plugin,)
        return [TIERS.row(row) for row in self.store.rows(f"{TIERS.select}{where} ORDER BY plugin, tier", values)]

    def quarantined(self) -> int:
        """The number of memories that wait for a person; counting stops at 10,000."""
        rows = self.store.rows(
            f"SELECT count(*) FROM (SELECT 1 FROM memories WHERE state = {QUARANTINED:d} LIMIT 10000) AS waiting"
        )
        return int(rows[0][0])

    def link(self, plugin: str, edges: Sequence[tuple[str, str, str, str]], now: float) -> None:
        """Adds edges: from, what, to, and a note. One that is there stays as it is."""
        self.store.apply(lambda session: add_edges(session, plugin, edges, now))

    def edges(self, plugin: str, item: str) -> list[tuple[str, str, str, str]]:
        """The edges that begin or end at a memory: from, what, to, and a note."""
        return edges_of(self.store, plugin, item)

    def vouch(self, plugin: str, number: int, token: str, instead: str | None) -> bool:
        """Says that a file holds a space as the database has it; True if that is still the plugin's space.

        A database that was put back to a time before does not know the token, so the file is not believed there.
        """

        def work(session: Session) -> bool:
            row = session.execute(
                "SELECT copies FROM memory_spaces WHERE plugin = ? AND number = ?", (plugin, number)
            ).fetchone()
            if row is None:
                return False
            kept = [one for one in row[0].split() if one != instead][1 - _COPIES :]
            session.execute("UPDATE memory_spaces SET copies = ? WHERE plugin = ?", (" ".join([*kept, token]), plugin))
            return True

        return self.store.apply(work, locks=space_locks(plugin))

    def reword(self, plugin: str, language_of: Callable[[str], str], most: int) -> int:
        """Enters memories of earlier versions by the words of their language; returns how many were looked at."""

        def work(session: Session) -> int:
            rows = unread(session, plugin, most)
            if rows:
                space = advance(self, session, plugin)
                enter_by_language(self.texts, session, plugin, space.number, rows, (self._words, language_of))
            return len(rows)

        return self.store.apply(work, locks=space_locks(plugin))

    def revalue(self, plugin: str, most: int) -> int:
        """Enters the metadata of memories of earlier versions by their values; returns how many there were."""
        if not unvalued(self.store.rows, plugin, 1):
            return 0

        def work(session: Session) -> int:
            rows = unvalued(lambda *asked: session.execute(*asked).fetchall(), plugin, most)
            add_values(session, plugin, rows)
            session.executemany(
                "UPDATE memories SET valued = 1 WHERE plugin = ? AND seq = ?", [(plugin, seq) for seq, _ in rows]
            )
            return len(rows)

        return self.store.apply(work, locks=space_locks(plugin))

    def words(self, plugin: str, seqs: Sequence[int]) -> dict[int, Sequence[str]]:
        """The words of some memories, as their full text has them."""
        rows = self._some("seq, speaker, text, language", plugin, seqs)
        return {int(seq): self._words(speaker, text, language) for seq, speaker, text, language in rows}

    def metadata(self, plugin: str, seqs: Sequence[int]) -> dict[int, str]:
        """The metadata of some memories."""
        return {int(seq): text for seq, text in self._some("seq, metadata", plugin, seqs)}

    def _some(self, columns: str, plugin: str, seqs: Sequence[int]) -> list[Any]:
        found: list[Any] = []
        for at in range(0, len(seqs), _PAGE):
            part = seqs[at : at + _PAGE]
            where = f"plugin = ? AND seq IN ({', '.join('?' * len(part))}) AND state < {DEAD:d}"
            found += self.store.rows(f"SELECT {columns} FROM memories WHERE {where}", (plugin, *part))
        return found

    def clear(self, plugin: str) -> None:
        """Forgets all that a plugin stored, for when it is removed."""
        with self.store.write(durable=True, locks=space_locks(plugin)) as session:
            row = session.execute("SELECT number FROM memory_spaces WHERE plugin = ?", (plugin,)).fetchone()
            if row is not None:
                self.texts.drop(session, row[0])
            for table in ("memories", *_OF_A_SPACE):
                session.execute(f"DELETE FROM {table} WHERE plugin = ?", (plugin,))

    def _kept(self, where: str, values: Sequence[Any]) -> list[KeptMemory]:
        return [KeptMemory(*row) for row in self.store.rows(f"SELECT {_KEPT} FROM memories WHERE {where}", values)]


_NEW_SPACE = 0x4F4D4E53


def advance(table: MemoryTable, session: Session, plugin: str, by: int = 1) -> Space:
    """Takes the next numbers of a space, and holds it until the transaction ends."""
    found = session.execute(
        f"UPDATE memory_spaces SET sequence = sequence + ? WHERE plugin = ? RETURNING {SPACES.columns}", (by, plugin)
    ).fetchone()
    if found is not None:
        return SPACES.row(found)
    if table.store.dialect == "postgresql":  # one new number at a time
        session.execute("SELECT pg_advisory_xact_lock(?)", (_NEW_SPACE,))
    row = session.execute(
        "INSERT INTO memory_spaces (plugin, number, sequence, purged, dimensions, consolidated)"
        " VALUES (?, (SELECT coalesce(max(number), 0) + 1 FROM memory_spaces), ?, 0, 0, 0) ON CONFLICT (plugin)"
        f" DO UPDATE SET sequence = memory_spaces.sequence + excluded.sequence RETURNING {SPACES.columns}",
        (plugin, by),
    ).fetchone()
    space = SPACES.row(row)
    if space.sequence == by:
        # A host of an earlier version may have left values of a space of this name.
        session.execute("DELETE FROM memory_values WHERE plugin = ?", (plugin,))
        table.texts.make(session, space.number)
    return space


_ERASE = (
    "UPDATE memories SET state = ?, changed = ?, text = '', metadata = '{}', given = NULL, sense = NULL,"
    " session = NULL, speaker = NULL, user_id = NULL, agent_id = NULL, app_id = NULL, hash = '', source = NULL,"
    " valued = NULL, accessed_at = ?"
)
_SAME_TEXT = (  # the tiers are named so that the index of texts serves it
    f"SELECT id, seq FROM memories WHERE plugin = ? AND tier IN ({', '.join(map(str, range(12)))}) AND hash = ?"
    f" AND state < {DEAD:d}"
)
_INSERT = (
    MEMORIES.insert + " ON CONFLICT (plugin, tier, hash) WHERE state < 2 DO UPDATE SET hits = memories.hits + 1,"
    " changed = excluded.changed, accessed_at = excluded.accessed_at, superseded_by = NULL,"
    " expires_at = CASE WHEN memories.expires_at IS NULL THEN NULL ELSE excluded.expires_at END,"
    " given = coalesce(memories.given, excluded.given), importance = CASE"
    " WHEN excluded.importance > memories.importance THEN excluded.importance ELSE memories.importance END"
    " RETURNING id, seq"
)


def _insert(session: Session, plugin: str, seq: int, draft: NewMemory) -> Added:
    valued = None if draft.metadata == "{}" else 1
    values = MEMORIES.values(replace(draft, plugin=plugin, seq=seq, changed=seq, valued=valued))
    row = session.execute(_INSERT, values).fetchone()
    return Added(row[0], int(row[1]), int(row[1]) == seq)


def _set_dimensions(session: Session, plugin: str, space: Space, lengths: set[int]) -> None:
    known = space.dimensions or min(lengths)
    if lengths != {known}:
        wrong = next(iter(lengths - {known}))
        raise InvalidInput(
            f"an embedding of {wrong} numbers does not fit the {known} of the memories that are there",
            remedy="use one embedding model for all memories of a plugin, or forget the old ones",
            dimensions=known,
        )
    if not space.dimensions:
        session.execute("UPDATE memory_spaces SET dimensions = ? WHERE plugin = ?", (known, plugin))


def _count_new(
    session: Session, plugin: str, drafts: Sequence[NewMemory], quota: Quota, cap: Callable[[int], int | None]
) -> None:
    for tier in {draft.tier for draft in drafts}:
        part = [draft for draft in drafts if draft.tier == tier]
        items = count_tier(session, plugin, tier, len(part), sum(draft.size for draft in part))
        most = cap(tier)
        if most is not None and items > most:
            raise _full(plugin, "memory.max_per_tier", most, "memories in this tier")
    if quota != (None, None):
        row = _held(session, plugin, drafts[0].writer)
        for total, most, limit, unit in zip(
            row, quota, ("max_items", "max_bytes"), ("memories", "bytes of memories"), strict=True
        ):
            if most is not None and total > most:
                raise _full(plugin, limit, most, unit)


def _held(session: Session, plugin: str, writer: str) -> tuple[int, int]:
    """The number of a plugin's memories and their bytes: all of its own space, in the shared one those it wrote."""
    if plugin == SHARED_SPACE:
        # The space stands in the statement itself, so that the index of shared memories may serve it.
        sql = (
            "SELECT count(*), coalesce(sum(size), 0) FROM memories"
            f" WHERE plugin = '{SHARED_SPACE}' AND state < 2 AND writer = ?"
        )
        row = session.execute(sql, (writer,)).fetchone()
    else:
        row = session.execute("SELECT sum(items), sum(bytes) FROM memory_tiers WHERE plugin = ?", (plugin,)).fetchone()
    return int(row[0]), int(row[1])


def count_tier(session: Session, plugin: str, tier: int, items: int, size: int) -> int:
    """Adds to what a plugin has in a tier, in a transaction that is open; how many memories that are now."""
    row = session.execute(
        "INSERT INTO memory_tiers (plugin, tier, items, bytes) VALUES (?, ?, ?, ?) ON CONFLICT (plugin, tier)"
        " DO UPDATE SET items = memory_tiers.items + excluded.items, bytes = memory_tiers.bytes + excluded.bytes"
        " RETURNING items",
        (plugin, tier, items, size),
    ).fetchone()
    return int(row[0])


def _full(plugin: str, limit: str, allowed: int, unit: str) -> LimitExceeded:
    return LimitExceeded(
        f"{plugin} may keep {allowed} {unit} and has no room left",
        remedy=f"forget some, or ask for more by {limit}",
        limit=limit,
        allowed=allowed,
    )


class MemoryCare:
    """Moves, finds what is new, sweeps and purges. Usable from any thread."""

    def __init__(self, table: MemoryTable) -> None:
        self._table = table
        self._store: Store = table.store

    def move(
        self, plugin: str, rows: Sequence[KeptMemory], to: int, *, expires_at: float | None, boost: float, now: float
    ) -> int:
        """Moves memories to another tier, where a memory with the same text takes them in; how many there were.

        One that is no longer in its tier, because somebody else moved it, is let be.
        """

        def work(session: Session) -> int:
            space = advance(self._table, session, plugin, len(rows))
            changed = space.sequence - len(rows)
            moved = 0
            for row in rows:
                changed += 1
                moved += _moved(session, row, to, changed, expires_at=expires_at, boost=boost, now=now)
            return moved

        return self._store.apply(work, locks=space_locks(plugin))

    def fresh(
        self, plugin: str, tier: int, *, after: int, importance: float, most: int
    ) -> list[tuple[int, KeptMemory]]:
        """Memories of a tier that changed after a cursor and from which nothing was derived yet, with their change."""
        rows = self._store.rows(
            f"SELECT changed, {_KEPT} FROM memories"
            f" WHERE plugin = ? AND changed > ? AND tier = ? AND state = {LIVE:d}"
            f" AND superseded_by IS NULL AND importance >= ? AND {NOTHING_MADE_OF} ORDER BY changed LIMIT ?",
            (plugin, after, tier, importance, most),
        )
        return [(int(row[0]), KeptMemory(*row[1:])) for row in rows]

    def reached(self, plugin: str, cursor: int) -> None:
        """Notes how far consolidation has come."""
        self._store.apply(
            lambda session: session.execute(
                "UPDATE memory_spaces SET consolidated = ? WHERE plugin = ? AND consolidated < ?",
                (cursor, plugin, cursor),
            )
        )

    def expired(self, now: float, most: int) -> list[tuple[str, int]]:
        """Memories whose time is over: plugin and number."""
        rows = self._store.rows(
            f"SELECT plugin, seq FROM memories WHERE expires_at IS NOT NULL AND expires_at <= ? AND state < {DEAD:d}"
            " ORDER BY expires_at LIMIT ?",
            (now, most),
        )
        return [(row[0], int(row[1])) for row in rows]

    def purge(self, before: float, most: int) -> int:
        """Deletes the empty rows of what was forgotten before a time, and returns how many."""

        def work(session: Session) -> int:
            rows = session.execute(
                f"SELECT plugin, seq, changed FROM memories WHERE state = {DEAD:d} AND accessed_at <= ?"
                " ORDER BY accessed_at LIMIT ?",
                (before, most),
            ).fetchall()
            for plugin in sorted({row[0] for row in rows}):
                # Who holds a copy that is older than this cannot be told any more what is gone: it begins anew.
                session.execute(
                    "UPDATE memory_spaces SET purged = ? WHERE plugin = ? AND purged < ?",
                    (newest := max(row[2] for row in rows if row[0] == plugin), plugin, newest),
                )
            drop_left_values(session, [row[:2] for row in rows])
            session.executemany("DELETE FROM memories WHERE plugin = ? AND seq = ?", [row[:2] for row in rows])
            return len(rows)

        return self._store.apply(work)

    def sensed(self, plugin: str, vectors: Sequence[tuple[int, bytes]], by: str) -> None:
        """Gives memories the vectors of an embedder."""

        def work(session: Session) -> None:
            space = advance(self._table, session, plugin, len(vectors))
            first = space.sequence - len(vectors) + 1
            session.executemany(
                f"UPDATE memories SET sense = ?, sense_by = ?, changed = ?"
                f" WHERE plugin = ? AND seq = ? AND state < {DEAD:d}",
                [(vector, by, first + place, plugin, seq) for place, (seq, vector) in enumerate(vectors)],
            )

        self._store.apply(work, locks=space_locks(plugin))


def _moved(
    session: Session,
    row: KeptMemory,
    to: int,
    changed: int,
    *,
    expires_at: float | None,
    boost: float,
    now: float,
) -> int:
    there = session.execute(
        f"SELECT id FROM memories WHERE plugin = ? AND tier = ? AND hash = ? AND state < {DEAD:d}",
        (row.plugin, to, row.hash),
    ).fetchone()
    if there is not None:
        done = session.execute(
            "UPDATE memories SET superseded_by = ?, changed = ?"
            " WHERE plugin = ? AND seq = ? AND tier = ? AND superseded_by IS NULL",
            (there[0], changed, row.plugin, row.seq, row.tier),
        )
        if done.rowcount:
            add_edges(session, row.plugin, [(there[0], "same_as", row.id, "")], now)
        return int(done.rowcount > 0)
    done = session.execute(
        "UPDATE memories SET tier = ?, changed = ?, importance = ?, expires_at = ?"
        f" WHERE plugin = ? AND seq = ? AND tier = ? AND state = {LIVE:d}",
        (
            *(to, changed, min(1.0, row.importance * boost), None if row.pinned else expires_at),
            *(row.plugin, row.seq, row.tier),
        ),
    )
    if not done.rowcount:
        return 0
    count_tier(session, row.plugin, row.tier, -1, -row.size)
    count_tier(session, row.plugin, to, 1, row.size)
    add_edges(session, row.plugin, [(row.id, "consolidated_from", f"tier:{row.tier}", f"tier:{to}")], now)
    return 1
