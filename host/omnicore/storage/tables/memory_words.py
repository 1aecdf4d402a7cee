"""Full text of memories, with statistics for each space: FTS5 in SQLite, tsvector in PostgreSQL."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING, Protocol

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
