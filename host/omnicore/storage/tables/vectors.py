"""Rows of vectors: collections, the vectors themselves, tags of their metadata, and who is gone since when."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Literal, TypeVar

from omnicore.records import HIDDEN, Meta, Record, Time, field
from omnicore.storage.store import Session, Store
from omnicore.storage.table import Table

_T = TypeVar("_T")


DROPPED = "@dropped"
"""Owner of collections whose rows are still being deleted."""

Metric = Literal["cosine", "l2", "dot"]

_IN = 500  # marks of one IN list: both databases take many more, short statements are parsed faster
_READ = 4096
_DELETE = 5000
_DEATHS = 10_000


class Collection(Record, frozen=True):
    """A collection. `seq` grows with every write; deaths up to `purged` are forgotten."""

    key: Annotated[int, HIDDEN]
    owner: Annotated[str, Meta(description="A plugin, or `@host`.")]
    name: str
    dimensions: int
    metric: Metric
    seq: Annotated[int, HIDDEN]
    purged: Annotated[int, HIDDEN]
    live: int = field(name="count")
    created_at: Time


class VectorRow(Record, frozen=True):
    """A stored vector. Shapes: `vector: float32[dimensions]` in native little-endian bytes."""

    collection: int
    seq: int
    id: str
    vector: bytes
    metadata: str


class NewVector(VectorRow, frozen=True):
    """A vector to insert, with the tags of its metadata."""

    tags: Sequence[int]


COLLECTIONS = Table(Collection, "vector_collections", key="key", unique=(("owner", "name"),))
VECTORS = Table(VectorRow, "vectors", key=("collection", "seq"), unique=(("collection", "id"),))


@dataclass(frozen=True, slots=True)
class Block:
    """Some vectors in the order of `seq`. Shapes: `vectors` holds `len(seqs)` rows, one after the other."""

    seqs: list[int]
    vectors: bytes


class VectorTable:
    """Statements over vectors. Those that take a `Session` are steps of the caller's transaction."""

    def __init__(self, store: Store) -> None:
        self.store = store

    # Collections.

    def find(self, owner: str, name: str) -> Collection | None:
        """A collection by name."""
        found = self.store.rows(f"{COLLECTIONS.select} WHERE owner = ? AND name = ?", (owner, name))
        return COLLECTIONS.row(found[0]) if found else None

    def at(self, key: int) -> Collection | None:
        """A collection by key, unless it was dropped."""
        found = self.store.rows(f"{COLLECTIONS.select} WHERE key = ? AND owner <> ?", (key, DROPPED))
        return COLLECTIONS.row(found[0]) if found else None

    def collections(self, owner: str | None, after: tuple[str, str] = ("", ""), limit: int = 100) -> list[Collection]:
        """Collections behind (owner, name), in that order; of one owner, or of all."""
        own, given = ("AND owner = ?", (owner,)) if owner is not None else ("", ())
        found = self.store.rows(
            f"{COLLECTIONS.select} WHERE (owner, name) > (?, ?) AND owner <> ? {own} ORDER BY owner, name LIMIT ?",
            (*after, DROPPED, *given, limit),
        )
        return [COLLECTIONS.row(row) for row in found]

    def dropped(self) -> list[int]:
        """Keys of collections whose rows are not all deleted."""
        found = self.store.rows("SELECT key FROM vector_collections WHERE owner = ? LIMIT 100", (DROPPED,))
        return [row[0] for row in found]

    def create(self, session: Session, collection: Collection) -> int | None:
        """Adds a collection. Returns how many its owner has now, or None when there was one of the name."""
        added = session.execute(
            f"{COLLECTIONS.insert} ON CONFLICT (owner, name) DO NOTHING", COLLECTIONS.values(collection)
        ).rowcount
        return self._count(session, collection.owner, vectors=0, collections=1)[1] if added else None

    def drop(self, session: Session, owner: str, name: str) -> int | None:
        """Makes a collection vanish; its rows are deleted by `sweep`. Returns its key."""
        found = session.execute(
            f"UPDATE vector_collections SET owner = '{DROPPED}', name = CAST(key AS TEXT)"
            " WHERE owner = ? AND name = ? RETURNING key, live",
            (owner, name),
        ).fetchone()
        if found is None:
            return None
        self._count(session, owner, vectors=-found[1], collections=-1)
        return int(found[0])

    def sweep(self, key: int) -> None:
        """Deletes the rows of a dropped collection, a few thousand in each transaction."""
        for table, order in (("vectors", "seq"), ("vector_tags", "tag, seq"), ("vector_deaths", "seq, gone")):
            while self.store.apply(lambda session, table=table, order=order: _cut(session, table, order, key)):  # type: ignore[misc]
                pass
        with self.store.write() as session:
            session.execute("DELETE FROM vector_collections WHERE key = ? AND owner = ?", (key, DROPPED))

    # Writing.

    def reserve(self, session: Session, key: int, step: int) -> int | None:
        """Moves the collection's `seq` on and returns it; until the transaction ends, nobody else writes to it."""
        found = session.execute(
            f"UPDATE vector_collections SET seq = seq + ? WHERE key = ? AND owner <> '{DROPPED}' RETURNING seq",
            (step, key),
        ).fetchone()
        return None if found is None else int(found[0])

    def kept(self, session: Session, key: int, ids: Sequence[str]) -> list[VectorRow]:
        """The vectors of these ids that are there."""
        return [
            VECTORS.row(row) for few in _slices(ids) for row in session.execute(_by_id(few), (key, *few)).fetchall()
        ]

    def insert(self, session: Session, rows: Sequence[NewVector]) -> None:
        """Adds vectors whose ids are not there."""
        session.executemany(VECTORS.insert, [VECTORS.values(row) for row in rows])
        tags = [(row.collection, tag, row.seq) for row in rows for tag in row.tags]
        if tags:
            session.executemany("INSERT INTO vector_tags (collection, tag, seq) VALUES (?, ?, ?)", tags)

    def remove(self, session: Session, key: int, gone: Sequence[tuple[int, Sequence[int]]], *, at: int) -> None:
        """Deletes vectors, given by `seq` and tags, and notes their deaths under the `seq` of now."""
        session.executemany("DELETE FROM vectors WHERE collection = ? AND seq = ?", [(key, seq) for seq, _ in gone])
        tags = [(key, tag, seq) for seq, tags in gone for tag in tags]
        if tags:
            session.executemany("DELETE FROM vector_tags WHERE collection = ? AND tag = ? AND seq = ?", tags)
        session.executemany(
            "INSERT INTO vector_deaths (collection, seq, gone) VALUES (?, ?, ?)", [(key, at, seq) for seq, _ in gone]
        )

    def settle(self, session: Session, owner: str, key: int, more: int) -> int:
        """Counts what was added or removed. Returns how many vectors the owner has now."""
        session.execute("UPDATE vector_collections SET live = live + ? WHERE key = ?", (more, key))
        return self._count(session, owner, vectors=more, collections=0)[0]

    def purge(self, session: Session, key: int) -> None:
        """Forgets all but the last deaths; who has not seen them compares everything."""
        found = session.execute(
            "SELECT seq FROM vector_deaths WHERE collection = ? ORDER BY seq DESC LIMIT 1 OFFSET ?", (key, _DEATHS)
        ).fetchone()
        if found:
            session.execute("DELETE FROM vector_deaths WHERE collection = ? AND seq <= ?", (key, found[0]))
            session.execute("UPDATE vector_collections SET purged = ? WHERE key = ?", (found[0], key))

    # Reading.

    def vectors(self, owner: str) -> int:
        """The number of vectors of the owner in all collections."""
        found = self.store.rows("SELECT vectors FROM vector_totals WHERE owner = ?", (owner,))
        return int(found[0][0]) if found else 0

    def blocks(self, key: int, after: int, upto: int, tags: Sequence[int] = ()) -> Iterator[Block]:
        """Vectors with `after < seq <= upto` that have all tags, in blocks."""
        source, given = _tagged("v.seq", key, tags[1:])
        first = "vectors v"
        if tags:
            first = "vector_tags t JOIN vectors v ON v.collection = t.collection AND v.seq = t.seq"
            source, given = f"AND t.tag = ? {source}", (tags[0], *given)
        order = "t" if tags else "v"
        while True:
            found = self.store.rows(
                f"SELECT v.seq, v.vector FROM {first} WHERE {order}.collection = ? AND {order}.seq > ?"
                f" AND {order}.seq <= ? {source} ORDER BY {order}.seq LIMIT {_READ}",
                (key, after, upto, *given),
            )
            if found:
                yield Block([row[0] for row in found], b"".join([row[1] for row in found]))
                after = found[-1][0]
            if len(found) < _READ:
                return

    def seqs(self, key: int) -> list[int]:
        """All vectors, by `seq`."""
        found = self.store.rows("SELECT seq FROM vectors WHERE collection = ? ORDER BY seq", (key,))
        return [row[0] for row in found]

    def purged(self, key: int) -> int:
        """The `seq` up to which deaths are forgotten."""
        found = self.store.rows("SELECT purged FROM vector_collections WHERE key = ?", (key,))
        return int(found[0][0]) if found else 0

    def deaths(self, key: int, after: int, upto: int) -> list[int]:
        """Vectors that went between two points, by `seq`."""
        found = self.store.rows(
            "SELECT gone FROM vector_deaths WHERE collection = ? AND seq > ? AND seq <= ?", (key, after, upto)
        )
        return [row[0] for row in found]

    def matching(self, key: int, tags: Sequence[int], after: int, limit: int) -> list[int]:
        """The `seq` of vectors behind `after` that have all tags, in order, at most `limit`."""
        rest, given = _tagged("t.seq", key, tags[1:])
        found = self.store.rows(
            "SELECT t.seq FROM vector_tags t WHERE t.collection = ? AND t.tag = ? AND t.seq > ?"
            f" {rest} ORDER BY t.seq LIMIT ?",
            (key, tags[0], after, *given, limit),
        )
        return [row[0] for row in found]

    def described(self, key: int, tags: Sequence[int], after: int) -> Iterator[tuple[int, str]]:
        """The `seq` and the metadata of vectors behind `after` that have all tags, in order."""
        rest, given = _tagged("v.seq", key, tags)
        while True:
            found = self.store.rows(
                f"SELECT v.seq, v.metadata FROM vectors v WHERE v.collection = ? AND v.seq > ? {rest}"
                f" ORDER BY v.seq LIMIT {_READ}",
                (key, after, *given),
            )
            yield from ((int(seq), text) for seq, text in found)
            if len(found) < _READ:
                return
            after = found[-1][0]

    def share(self, key: int, tag: int, most: int) -> int:
        """The number of vectors with the tag, counted up to `most`."""
        found = self.store.rows(
            "SELECT count(*) FROM (SELECT 1 FROM vector_tags WHERE collection = ? AND tag = ? LIMIT ?) AS few",
            (key, tag, most),
        )
        return int(found[0][0])

    def having(self, key: int, seqs: Sequence[int], tags: Sequence[int]) -> set[int]:
        """Those of the vectors that have all tags."""
        left = list(seqs)
        for tag in tags:
            left = [
                row[0]
                for few in _slices(left)
                for row in self.store.rows(
                    f"SELECT seq FROM vector_tags WHERE collection = ? AND tag = ? AND seq IN ({_marks(few)})",
                    (key, tag, *few),
                )
            ]
        return set(left)

    def named(self, key: int, seqs: Sequence[int]) -> dict[int, tuple[str, str]]:
        """Id and metadata of vectors by `seq`; one that is gone is left out."""
        return {
            row[0]: (row[1], row[2])
            for few in _slices(seqs)
            for row in self.store.rows(
                f"SELECT seq, id, metadata FROM vectors WHERE collection = ? AND seq IN ({_marks(few)})", (key, *few)
            )
        }

    def by_id(self, key: int, ids: Sequence[str]) -> list[VectorRow]:
        """Vectors by id, those that are there."""
        return [VECTORS.row(row) for few in _slices(ids) for row in self.store.rows(_by_id(few), (key, *few))]

    def _count(self, session: Session, owner: str, *, vectors: int, collections: int) -> tuple[int, int]:
        found = session.execute(
            "INSERT INTO vector_totals (owner, vectors, collections) VALUES (?, ?, ?) ON CONFLICT (owner) DO UPDATE"
            " SET vectors = vector_totals.vectors + excluded.vectors,"
            " collections = vector_totals.collections + excluded.collections RETURNING vectors, collections",
            (owner, vectors, collections),
        ).fetchone()
        return int(found[0]), int(found[1])


def owner_locks(owner: str) -> tuple[str, ...]:
    """The lock of an owner's collections and their totals."""
    return (f"vectors:{owner}",)


def _cut(session: Session, table: str, order: str, key: int) -> bool:
    """Deletes the first rows of a collection. Returns True if there may be more."""
    backwards = ", ".join(f"{column} DESC" for column in order.split(", "))
    last = session.execute(
        f"SELECT {order} FROM (SELECT {order} FROM {table} WHERE collection = ? ORDER BY {order} LIMIT ?) AS few"
        f" ORDER BY {backwards} LIMIT 1",
        (key, _DELETE),
    ).fetchone()
    if last is None:
        return False
    session.execute(f"DELETE FROM {table} WHERE collection = ? AND ({order}) <= ({_marks(last)})", (key, *last))
    return True


def _tagged(seq: str, key: int, tags: Sequence[int]) -> tuple[str, tuple[int, ...]]:
    """The condition that a vector has these tags too."""
    one = f"AND EXISTS (SELECT 1 FROM vector_tags o WHERE o.collection = ? AND o.tag = ? AND o.seq = {seq})"
    return " ".join([one] * len(tags)), tuple(value for tag in tags for value in (key, tag))


def _by_id(ids: Sequence[str]) -> str:
    return f"{VECTORS.select} WHERE collection = ? AND id IN ({_marks(ids)})"


def _marks(values: Sequence[object]) -> str:
    return ", ".join("?" * len(values))


def _slices(values: Sequence[_T]) -> Iterator[Sequence[_T]]:
    return (values[start : start + _IN] for start in range(0, len(values), _IN))
