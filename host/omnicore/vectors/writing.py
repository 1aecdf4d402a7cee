"""Writing vectors: the steps of one transaction."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.storage.store import Session
from omnicore.storage.tables.vectors import Collection, Kept, Row, VectorTable
from omnicore.vectors.checked import check_ids, metadata_text, tags_of, tags_of_text
from omnicore.vectors.distance import Matrix
from omnicore.vectors.numeric import np
from omnicore.vectors.resident import Change

__all__ = ["Batch", "batch_of", "remove", "write"]

_GAP_BITS = 20
_PURGE_EVERY = 64


@dataclass(frozen=True, slots=True)
class Batch:
    """Vectors to write, each id once. Shapes: `matrix: float32[len(ids), dimensions]`."""

    ids: list[str]
    matrix: Matrix
    metadata: list[str]
    tags: list[list[int]]


def batch_of(ids: Sequence[str], matrix: Matrix, metadata: Sequence[Mapping[str, Any]] | None) -> Batch:
    """Raises: InvalidInput. Of two with one id the last one counts."""
    check_ids(ids)
    if len(ids) != len(matrix) or (metadata is not None and len(metadata) != len(ids)):
        raise InvalidInput("ids, vectors and metadata differ in number", remedy="give one of each")
    last = {one: place for place, one in enumerate(ids)}
    places = list(last.values())
    given = [metadata[place] for place in places] if metadata is not None else [{}] * len(places)
    return Batch(
        list(last),
        matrix if len(last) == len(ids) else matrix[places],
        [metadata_text(one) for one in given],
        [tags_of(one) for one in given],
    )


def write(
    table: VectorTable,
    session: Session,
    collection: Collection,
    batch: Batch,
    max_vectors: int | None,
    random_bits: Callable[[int], int],
) -> Change:
    """Writes a batch; what is there already, values and metadata, is left as it is.

    Raises: InvalidInput: the collection is gone. LimitExceeded: over the owner's quota; only growth is refused.
    """
    count, size = len(batch.ids), 4 * collection.dimensions
    before, after = _reserved(table, session, collection, count, random_bits)
    there = {one.id: one for one in table.kept(session, collection.key, batch.ids)}
    blob = batch.matrix.tobytes()
    rows, places = [], []
    for place, (id_, text, tags) in enumerate(zip(batch.ids, batch.metadata, batch.tags, strict=True)):
        vector = blob[place * size : (place + 1) * size]
        old = there.get(id_)
        if old is None or (old.vector, old.metadata) != (vector, text):
            rows.append(Row(before + 1 + place, id_, vector, text, tags))
            places.append(place)
    gone = [there[row.id] for row in rows if row.id in there]
    _bury(table, session, collection, gone, after)
    table.insert(session, collection.key, rows)
    if len(rows) > len(gone):
        total = table.settle(session, collection.owner, collection.key, len(rows) - len(gone))
        if max_vectors is not None and total > max_vectors:
            raise _over(collection.owner, max_vectors)
    matrix = batch.matrix if len(places) == count else batch.matrix[places]
    return Change(
        *(collection, before, after, count, [row.seq for row in rows], matrix), gone=[one.seq for one in gone]
    )


def remove(
    table: VectorTable,
    session: Session,
    collection: Collection,
    ids: Sequence[str],
    random_bits: Callable[[int], int],
) -> Change:
    """Deletes vectors, those that are there. Raises: InvalidInput: the collection is gone."""
    before, after = _reserved(table, session, collection, 0, random_bits)
    gone = table.kept(session, collection.key, list(dict.fromkeys(ids)))
    _bury(table, session, collection, gone, after)
    if gone:
        table.settle(session, collection.owner, collection.key, -len(gone))
    empty = np.empty((0, collection.dimensions), np.float32)
    return Change(collection, before, after, len(gone), [], empty, [one.seq for one in gone])


def _reserved(
    table: VectorTable, session: Session, collection: Collection, count: int, random_bits: Callable[[int], int]
) -> tuple[int, int]:
    """The collection's `seq` before and after this write.

    The gap is random: after a backup is restored, the writes that follow get other numbers than those the backup
    has not seen, so a copy of the index from before is never taken for one of now.
    """
    step = count + 1 + random_bits(_GAP_BITS)
    after = table.reserve(session, collection.key, step)
    if after is None:
        raise InvalidInput(f"there is no collection {collection.name}", remedy="create it first")
    return after - step, after


def _bury(table: VectorTable, session: Session, collection: Collection, gone: Sequence[Kept], at: int) -> None:
    if not gone:
        return
    table.remove(session, collection.key, [(one.seq, tags_of_text(one.metadata)) for one in gone], at=at)
    if at % _PURGE_EVERY == 0:
        table.purge(session, collection.key)


def _over(owner: str, allowed: int) -> LimitExceeded:
    return LimitExceeded(
        f"{owner} may keep {allowed} vectors and has no room left",
        remedy="delete some, or ask for more by max_vectors in the scope of its vectors capability",
        limit="max_vectors",
        allowed=allowed,
    )
