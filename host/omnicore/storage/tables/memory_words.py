"""Full text of memories, with statistics for each space: FTS5 in SQLite, tsvector in PostgreSQL.

Beside it the values of their metadata, by which filters find memories without reading all of them.
"""

from __future__ import annotations

import json
import math
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.filters import NUMBER, RANGES, TEXT, Condition, values_in
from omnicore.records import Record
from omnicore.storage.table import Table

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from omnicore.storage.store import Session, Store


LAST = 2**62
"""A number that no memory reaches."""


class FullText(Protocol):
    """Finds memories by their words, which are letters and digits only. `space` is the number of a space."""

    def make(self, session: Session, space: int) -> None:
        """Prepares a new space."""

    def drop(self, session: Session, space: int) -> None:
        """Forgets all words of a space."""

    def add(self, session: Session, space: int, texts: Sequence[tuple[int, Sequence[str]]]) -> None:
        """Enters memories: their numbers and their words."""

    def remove(self, session: Session, space: int, seq: int, words: Sequence[str]) -> None:
        """Takes a memory out; `words` are those it was entered with."""

    def frequencies(self, space: int, words: Sequence[str], most: int) -> dict[str, int]:
        """The number of memories that hold each word; counting may stop beyond `most`."""

    def match(
        self, space: int, words: Mapping[str, float], most: int, *, after: int = 0, upto: int = LAST
    ) -> list[tuple[int, float]]:
        """The memories that hold any of the words, best first, with a score that grows; values are rarities.

        A score is the sum of what each word alone would give. Only numbers beyond `after` and up to `upto`.
        """

    def clean(self, space: int) -> None:
        """Leaves no trace of words whose memories were taken out, in many short transactions."""

    def check(self, space: int) -> None:
        """Looks for damage. Raises: StorageFailed."""


def full_text(store: Store) -> FullText:
    """The full text of a database, by its dialect."""
    return SqliteText(store) if store.dialect == "sqlite" else PostgresqlText(store)


_MERGED_PAGES = 500  # in one transaction: a few milliseconds, in which nobody else writes


class SqliteText:
    """An FTS5 table for each space. It holds no text, only the index: the text is in `memories`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(self, session: Session, space: int) -> None:
        """See `FullText`."""
        session.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS memory_text_{space:d} USING fts5(words, content='',"
            ' tokenize="unicode61 remove_diacritics 0")'
        )
        session.execute(
            f"CREATE VIRTUAL TABLE IF NOT EXISTS memory_vocabulary_{space:d}"
            f" USING fts5vocab('memory_text_{space:d}', 'row')"
        )

    def drop(self, session: Session, space: int) -> None:
        """See `FullText`."""
        session.execute(f"DROP TABLE IF EXISTS memory_vocabulary_{space:d}")
        session.execute(f"DROP TABLE IF EXISTS memory_text_{space:d}")

    def add(self, session: Session, space: int, texts: Sequence[tuple[int, Sequence[str]]]) -> None:
        """See `FullText`."""
        session.executemany(
            f"INSERT INTO memory_text_{space:d} (rowid, words) VALUES (?, ?)",
            [(seq, " ".join(words)) for seq, words in texts],
        )

    def remove(self, session: Session, space: int, seq: int, words: Sequence[str]) -> None:
        """See `FullText`."""
        table = f"memory_text_{space:d}"
        session.execute(f"INSERT INTO {table} ({table}, rowid, words) VALUES ('delete', ?, ?)", (seq, " ".join(words)))

    def frequencies(self, space: int, words: Sequence[str], most: int) -> dict[str, int]:
        """See `FullText`."""
        marks = ", ".join("?" * len(words))
        rows = self._store.rows(
            f"SELECT term, doc FROM memory_vocabulary_{space:d} WHERE term IN ({marks})", tuple(words)
        )
        return dict(rows)

    def match(
        self, space: int, words: Mapping[str, float], most: int, *, after: int = 0, upto: int = LAST
    ) -> list[tuple[int, float]]:
        """See `FullText`. Source: Okapi BM25, as FTS5 has it."""
        table = f"memory_text_{space:d}"
        rows = self._store.rows(
            f"SELECT rowid, -rank FROM {table} WHERE {table} MATCH ? AND rowid > ? AND rowid <= ?"
            " ORDER BY rank LIMIT ?",
            (" OR ".join(f'"{word}"' for word in words), after, upto, most),
        )
        return [(int(seq), float(score)) for seq, score in rows]

    def clean(self, space: int) -> None:
        """See `FullText`: FTS5 keeps words that were deleted until the parts of its index are merged."""
        table = f"memory_text_{space:d}"
        merge = f"INSERT INTO {table} ({table}, rank) VALUES ('merge', ?)"
        pages = -_MERGED_PAGES  # below 0 begins to merge all parts into one
        while self._merged(merge, pages) > 1:
            pages = _MERGED_PAGES

    def _merged(self, sql: str, pages: int) -> int:
        """The number of rows that a step of merging changed; below 2 there was nothing left to do."""

        def work(session: Session) -> int:
            before = session.execute("SELECT total_changes()").fetchone()[0]
            session.execute(sql, (pages,))
            return int(session.execute("SELECT total_changes()").fetchone()[0]) - int(before)

        return self._store.apply(work)

    def check(self, space: int) -> None:
        """See `FullText`."""
        table = f"memory_text_{space:d}"
        with self._store.write() as session:
            session.execute(f"INSERT INTO {table} ({table}) VALUES ('integrity-check')")


class PostgresqlText:
    """One table with a GIN index; each word carries its space's number, so that spaces never meet."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def make(self, session: Session, space: int) -> None:
        """See `FullText`: the table is there."""

    def drop(self, session: Session, space: int) -> None:
        """See `FullText`."""
        session.execute("DELETE FROM memory_words WHERE space = ?", (space,))

    def add(self, session: Session, space: int, texts: Sequence[tuple[int, Sequence[str]]]) -> None:
        """See `FullText`."""
        session.executemany(
            "INSERT INTO memory_words (space, seq, words) VALUES (?, ?, CAST(? AS tsvector))",
            [(space, seq, _vector(space, words)) for seq, words in texts],
        )

    def remove(self, session: Session, space: int, seq: int, words: Sequence[str]) -> None:
        """See `FullText`."""
        session.execute("DELETE FROM memory_words WHERE space = ? AND seq = ?", (space, seq))

    def frequencies(self, space: int, words: Sequence[str], most: int) -> dict[str, int]:
        """See `FullText`."""
        counted = (
            "(SELECT count(*) FROM (SELECT 1 FROM memory_words WHERE words @@ CAST(? AS tsquery) LIMIT ?) AS counted)"
        )
        values = [value for word in words for value in (_query(space, word), most + 1)]
        row = self._store.rows(f"SELECT {', '.join([counted] * len(words))}", values)[0]
        return {word: int(count) for word, count in zip(words, row, strict=True) if count}

    def match(
        self, space: int, words: Mapping[str, float], most: int, *, after: int = 0, upto: int = LAST
    ) -> list[tuple[int, float]]:
        """See `FullText`. `ts_rank` knows no rarity, so each word is ranked alone and weighed."""
        ranks = " + ".join(["CAST(? AS float8) * ts_rank(words, CAST(? AS tsquery), 1)"] * len(words))
        weighed = [value for word, rarity in words.items() for value in (rarity, _query(space, word))]
        rows = self._store.rows(
            f"SELECT seq, {ranks} AS score FROM memory_words WHERE words @@ CAST(? AS tsquery)"
            " AND seq > ? AND seq <= ? ORDER BY score DESC, seq DESC LIMIT ?",
            (*weighed, " | ".join(_query(space, word) for word in words), after, upto, most),
        )
        return [(int(seq), float(score)) for seq, score in rows]

    def clean(self, space: int) -> None:
        """See `FullText`: the rows are gone, and the server's vacuum frees their room."""

    def check(self, space: int) -> None:
        """See `FullText`: the server looks after its own indexes."""


_MOST_PLACES = 255  # of one word; PostgreSQL keeps no more


def _vector(space: int, words: Sequence[str]) -> str:
    """The words as a tsvector is written: their places matter only by their number, which is how ts_rank counts."""
    return " ".join(
        f"'{space}.{word}':{','.join(map(str, range(1, min(count, _MOST_PLACES) + 1)))}"
        for word, count in Counter(words).items()
    )


def _query(space: int, word: str) -> str:
    return f"'{space}.{word}'"


def rarity(count: int, among: int) -> float:
    """The weight of a word that `count` of `among` memories hold. Source: Okapi BM25's idf, never below 0."""
    return math.log(1 + (among - count + 0.5) / (count + 0.5)) if count <= among else 0.0


CLEANED_WITHIN_S = 3600.0
"""The longest that words of a memory whose time is over stay in the full text; those of an erased one go at once."""

_MOST_SPACES = 500


class Cleaning(Record, frozen=True):
    """A space whose full text holds words of what is gone, and when they have to leave it."""

    plugin: str
    due: float


CLEANINGS = Table(Cleaning, "memory_cleanings", key="plugin")


def space_locks(plugin: str) -> tuple[str, ...]:
    """The lock of a plugin's memories."""
    return (f"memory:{plugin}",)


def clean_by(session: Session, plugin: str, due: float) -> None:
    """Has the full text of a space cleaned by a time, in a transaction that is open."""
    session.execute(
        f"{CLEANINGS.insert} ON CONFLICT (plugin) DO UPDATE SET due = CASE"
        " WHEN excluded.due < memory_cleanings.due THEN excluded.due ELSE memory_cleanings.due END",
        (plugin, due),
    )


def clean_words(store: Store, now: float) -> bool:
    """Removes words of forgotten memories from the full texts that are due, in many short transactions.

    Again is a no-op. Returns: whether there was anything to clean.
    """
    rows = store.rows(f"{CLEANINGS.select} WHERE due <= ? ORDER BY due LIMIT {_MOST_SPACES:d}", (now,))
    for cleaning in map(CLEANINGS.row, rows):
        for (space,) in store.rows("SELECT number FROM memory_spaces WHERE plugin = ?", (cleaning.plugin,)):
            full_text(store).clean(space)
        _cleaned(store, cleaning)
    return bool(rows)


def _cleaned(store: Store, cleaning: Cleaning) -> None:
    done = "DELETE FROM memory_cleanings WHERE plugin = ? AND due = ?"
    store.apply(lambda session: session.execute(done, (cleaning.plugin, cleaning.due)))


def merge_words(connection: Session) -> None:
    """Takes words of forgotten memories out of all full texts of a SQLite database that nobody else uses."""
    waiting = "SELECT number FROM memory_spaces JOIN memory_cleanings USING (plugin)"
    for (space,) in connection.execute(waiting).fetchall():
        connection.execute(f"INSERT INTO memory_text_{space:d} (memory_text_{space:d}) VALUES ('optimize')")
    connection.execute("DELETE FROM memory_cleanings")


_PAGE = 1000


def enter_words_again(
    store: Store, session: Session, words: Callable[[str | None, str, str | None], Sequence[str]]
) -> None:
    """Makes the full text of every space from its memories.

    Args: words: those of a memory, from its speaker, its text and its language.
    """
    texts = full_text(store)
    for plugin, space in session.execute("SELECT plugin, number FROM memory_spaces").fetchall():
        texts.drop(session, space)
        texts.make(session, space)
        last = -1
        while page := session.execute(
            "SELECT seq, speaker, text, language FROM memories"
            " WHERE plugin = ? AND seq > ? AND state < 2 ORDER BY seq LIMIT ?",
            (plugin, last, _PAGE),
        ).fetchall():
            texts.add(session, space, [(seq, words(speaker, text, language)) for seq, speaker, text, language in page])
            last = page[-1][0]


_UNREAD = (
    "SELECT seq, speaker, text FROM memories WHERE plugin = ? AND language IS NULL AND state < 2 ORDER BY seq LIMIT ?"
)


def note_languages(session: Session, plugin: str, reworded: Mapping[str, int]) -> None:
    """Notes the languages of a space, with how many memories were entered again. English needs no note."""
    rows = [(plugin, code, count) for code, count in sorted(reworded.items()) if code not in ("", "en")]
    if rows:
        session.executemany(
            "INSERT INTO memory_languages (plugin, language, reworded) VALUES (?, ?, ?)"
            " ON CONFLICT (plugin, language) DO UPDATE SET reworded = memory_languages.reworded + excluded.reworded",
            rows,
        )


def unread(session: Session, plugin: str, most: int) -> list[tuple[int, str | None, str]]:
    """Memories whose language nobody looked for: number, speaker, text."""
    return list(session.execute(_UNREAD, (plugin, most)).fetchall())


def enter_by_language(
    texts: FullText,
    session: Session,
    plugin: str,
    space: int,
    rows: Sequence[tuple[int, str | None, str]],
    by: tuple[Callable[[str | None, str, str | None], Sequence[str]], Callable[[str], str]],
) -> None:
    """Enters memories by the words of their language. Args: by: the words of a memory, and the language of a text."""
    words, language_of = by
    found = [(seq, speaker, text, language_of(text)) for seq, speaker, text in rows]
    reworded: Counter[str] = Counter()
    for seq, speaker, text, language in found:
        before, after = words(speaker, text, None), words(speaker, text, language)
        if before != after:
            texts.remove(session, space, seq, before)
            texts.add(session, space, [(seq, after)])
            reworded[language] += 1
    session.executemany(
        "UPDATE memories SET language = ? WHERE plugin = ? AND seq = ?",
        [(language, plugin, seq) for seq, _, _, language in found],
    )
    note_languages(session, plugin, reworded)


class ValueRow(Record, frozen=True):
    """A value of a memory's metadata, as `omnicore.filters` compares it."""

    plugin: str
    name: str
    text: str
    number: float
    seq: int


VALUES = Table(ValueRow, "memory_values", key=("plugin", "name", "text", "number", "seq"))
_OF_VALUE = "plugin = ? AND name = ? AND text = ? AND number = ?"
_SIGNS = {"$gt": ">", "$gte": ">=", "$lt": "<", "$lte": "<="}
_UNVALUED = (
    "SELECT seq, metadata FROM memories WHERE plugin = ? AND valued IS NULL AND metadata <> '{}' AND state < 2"
    " ORDER BY seq LIMIT ?"
)


def add_values(session: Session, plugin: str, memories: Sequence[tuple[int, str]]) -> None:
    """Enters memories, by number and metadata, in a transaction that is open."""
    rows = [(plugin, *value, seq) for seq, text in memories if text != "{}" for value in values_in(json.loads(text))]
    if rows:
        session.executemany(f"{VALUES.insert} ON CONFLICT (plugin, name, text, number, seq) DO NOTHING", rows)


def drop_values(session: Session, plugin: str, seq: int, metadata: str) -> None:
    """Takes a memory out, in a transaction that is open."""
    rows = [] if metadata == "{}" else [(plugin, *value, seq) for value in values_in(json.loads(metadata))]
    if rows:
        session.executemany(f"DELETE FROM memory_values WHERE {_OF_VALUE} AND seq = ?", rows)


def replace_values(session: Session, plugin: str, seq: int, metadata: str) -> None:
    """Enters a memory by other metadata than it has still, in a transaction that is open."""
    sql = "SELECT metadata FROM memories WHERE plugin = ? AND seq = ? AND state < 2"
    row = session.execute(sql, (plugin, seq)).fetchone()
    if row is not None:
        drop_values(session, plugin, seq, row[0])
        add_values(session, plugin, [(seq, metadata)])


def unvalued(rows: Callable[[str, Sequence[Any]], list[Any]], plugin: str, most: int) -> list[tuple[int, str]]:
    """The first memories that are found by no filter yet: number and metadata. Args: rows: asks the database."""
    return [(int(seq), text) for seq, text in rows(_UNVALUED, (plugin, most))]


def fulfilling(store: Store, plugin: str, conditions: Sequence[Condition], *, after: int, upto: int) -> list[int]:
    """The numbers of memories that fulfil a condition, of those beyond `after` and up to `upto`, in no order.

    Args: conditions: one, or ranges of one member that hold together, so that what lies outside is not read.
    """
    within, condition = " AND seq > ? AND seq <= ?", conditions[0]
    if condition.operator == "$exists":
        found = f"SELECT DISTINCT seq FROM memory_values WHERE plugin = ? AND name = ?{within}"
        return [int(row[0]) for row in store.rows(found, (plugin, condition.name, after, upto))]
    if condition.operator not in RANGES:
        found = f"SELECT seq FROM memory_values WHERE {_OF_VALUE}{within}"
        asked = [(plugin, condition.name, *value, after, upto) for value in dict.fromkeys(condition.values)]
        return [int(row[0]) for values in asked for row in store.rows(found, values)]
    where, bounds = zip(*map(_bounds, conditions), strict=True)
    found = f"SELECT seq FROM memory_values WHERE plugin = ? AND name = ? AND {' AND '.join(where)}{within}"
    return [int(row[0]) for row in store.rows(found, (plugin, condition.name, *chain(*bounds), after, upto))]


def _bounds(condition: Condition) -> tuple[str, tuple[str | float, ...]]:
    """A range as a condition of the table of values, with what it is compared with."""
    (text, number), sign = condition.values[0], _SIGNS[condition.operator]
    if text[0] == NUMBER:
        return f"text = '{NUMBER}' AND number {sign} ?", (number,)
    # The next letter behind texts is the end of all of them.
    other, end = (">=", TEXT) if sign[0] == "<" else ("<", chr(ord(TEXT) + 1))
    return f"text {sign} ? AND text {other} ?", (text, end)


def drop_left_values(session: Session, dead: Sequence[tuple[str, int]]) -> None:
    """Deletes values of what a host of an earlier version forgot, in a transaction that is open."""
    left = [
        (plugin, seq)
        for plugin, seq in dead
        if session.execute(
            "SELECT 1 FROM memories WHERE plugin = ? AND seq = ? AND valued = 1", (plugin, seq)
        ).fetchone()
    ]
    session.executemany("DELETE FROM memory_values WHERE plugin = ? AND seq = ?", left)
