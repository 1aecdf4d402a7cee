"""Vectors: those to keep, those that were found, and the steps of a transaction that writes them.

Values from outside are checked here: numbers become arrays, metadata become text and tags.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, get_args

from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.filters import DEEPEST, plain
from omnicore.records import Meta, Record, field
from omnicore.storage.tables.vectors import DROPPED, Collection, Metric, NewVector, VectorRow, VectorTable
from omnicore.texts import is_whole, too_deep
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy.typing as npt

    from omnicore.storage.store import Session


HOST = "@host"
"""Owner of the host's own collections. No plugin's name begins with `@`."""


DIMENSIONS = 4096
_ID_BYTES = 256
_NAME_BYTES = 256


class Vector(Record, frozen=True):
    """A vector to keep. Shapes: `values: float[dimensions]`."""

    id: Annotated[str, Meta(min_length=1, max_length=_ID_BYTES)]
    values: Annotated[Sequence[float], Meta(min_length=1, max_length=DIMENSIONS)]
    metadata: Annotated[Mapping[str, Any] | None, Meta(description="At most 64 members.")] = None


class Match(Record, frozen=True):
    """A vector that was found.

    Units: `distance` by the collection's metric, 0 is the same: cosine 0 to 2, l2 the length of the difference,
    dot one minus the product.
    """

    id: str
    distance: Annotated[float, Meta(description="By the collection's metric; 0 is the same.")]
    metadata: Mapping[str, Any] = field(default_factory=dict)


class CollectionIndex(Collection, frozen=True):
    """A collection with its index and the copy on disk."""

    in_memory: Annotated[bool, Meta(description="True while the collection is held in memory.")]
    indexed: Annotated[int, Meta(description="Vectors in the index; 0 where searches compare all.")]
    reason: Annotated[str, Meta(description="The reason why there is no index; else empty.")]
    copy: Annotated[Mapping[str, Any] | None, Meta(description="Rows and bytes of the copy on disk, or its error.")]


@dataclass(frozen=True, slots=True)
class VectorHealth:
    """True if every index does its work. When one does not, all vectors are compared instead and `reason` says why."""

    ok: bool = True
    reason: str = ""


Matrix: TypeAlias = "npt.NDArray[np.float32]"

METRICS: tuple[Metric, ...] = get_args(Metric)
METADATA_KEYS = 64
METADATA_BYTES = 16 * 1024
LARGEST = 1e15
"""Largest number under l2 and dot: 4096 squares of it are still numbers of 32 bits, with room for their sum."""


def can_be(owner: str, name: str) -> bool:
    """True if a collection may be called this. What cannot be printed, PostgreSQL would not even look for."""
    return owner != DROPPED and all(
        0 < len(one.encode("utf-8", "replace")) <= _NAME_BYTES and one.isprintable() for one in (owner, name)
    )


def checked_shape(owner: str, name: str, dimensions: int, metric: str) -> None:
    """Raises: InvalidInput: no collection can look like this."""
    if not can_be(owner, name):
        raise InvalidInput(f"{name[:80]!r} is no name of a collection", remedy="use 1 to 256 printable bytes")
    if isinstance(dimensions, bool) or not isinstance(dimensions, int) or not 1 <= dimensions <= DIMENSIONS:
        raise InvalidInput(f"{dimensions!r} dimensions are not possible", remedy=f"give 1 to {DIMENSIONS}")
    if metric not in METRICS:
        raise InvalidInput(f"there is no metric {str(metric)[:80]!r}", remedy=f"use one of {', '.join(METRICS)}")


def check_ids(ids: Sequence[str]) -> None:
    """Raises: InvalidInput: an id that the databases cannot keep."""
    for one in ids:
        try:
            size = len(one.encode())
        except UnicodeEncodeError as error:
            raise InvalidInput("an id is no valid Unicode text", remedy="use text without lone surrogates") from error
        if not 0 < size <= _ID_BYTES or "\0" in one:
            raise InvalidInput(f"{one[:80]!r} is no id", remedy=f"use 1 to {_ID_BYTES} bytes without a zero byte")


def packed(vectors: Sequence[Vector], dimensions: int) -> npt.NDArray[np.float64]:
    """The values of vectors as a matrix. Raises: InvalidInput: one has another number of dimensions."""
    for vector in vectors:
        if len(vector.values) != dimensions:
            raise _wrong_length(len(vector.values), dimensions)
    try:
        return np.array([vector.values for vector in vectors], np.float64).reshape(len(vectors), dimensions)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("a vector holds what is no number", remedy="send finite numbers") from error


def checked_matrix(collection: Collection, values: npt.ArrayLike) -> Matrix:
    """Vectors as they are stored. Shapes: `float32[n, dimensions]`.

    Raises: InvalidInput: not finite, too large for the metric, a zero vector under cosine, another shape.
    """
    matrix = np.asarray(values)
    if matrix.ndim != 2 or matrix.shape[1] != collection.dimensions:
        raise _wrong_length(matrix.shape[-1] if matrix.ndim else 0, collection.dimensions)
    with np.errstate(over="ignore"):  # what becomes infinite is refused in the next line
        narrow = np.ascontiguousarray(matrix, dtype="<f4")
    if not np.isfinite(narrow).all():
        raise InvalidInput("a vector is not finite", remedy="send numbers within -3.4e38 and 3.4e38")
    if collection.metric == "cosine":
        if not narrow.any(axis=1).all():
            raise InvalidInput("a zero vector has no direction", remedy="send another, or use the metric l2 or dot")
    elif narrow.size and float(np.abs(narrow).max()) > LARGEST:
        raise InvalidInput(f"a vector has a number beyond {LARGEST:g}", remedy="scale the vectors down")
    return narrow


def checked_query(collection: Collection, values: Sequence[float]) -> Matrix:
    """The vector to search by. Shapes: `float32[dimensions]`. Raises: InvalidInput."""
    try:
        row = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError, OverflowError) as error:
        raise InvalidInput("the vector holds what is no number", remedy="send finite numbers") from error
    query: Matrix = checked_matrix(collection, row.reshape(1, -1))[0]
    return query


def metadata_text(metadata: Mapping[str, Any]) -> str:
    """Metadata as they are stored: JSON in ASCII. Raises: InvalidInput: no JSON, too much, too many members."""
    if not metadata:
        return "{}"
    if len(metadata) > METADATA_KEYS:
        raise InvalidInput(
            f"{len(metadata)} members of metadata are too many",
            remedy=f"use at most {METADATA_KEYS}; put what is not filtered by into one of them",
        )
    text = _json(metadata)
    if "\\ud" in text and not is_whole(metadata):
        raise InvalidInput("the metadata hold half of a character", remedy="use text without lone surrogates")
    if len(text) > 6 * METADATA_BYTES:  # escapes make up to six characters of a byte
        raise InvalidInput("the metadata are too long", remedy=f"keep to {METADATA_BYTES} bytes")
    if too_deep(text.encode(), DEEPEST):
        raise InvalidInput(f"the metadata are nested deeper than {DEEPEST}", remedy="write them flatter")
    return text


def tags_of(metadata: Mapping[str, Any]) -> list[int]:
    """A number of 64 bits for each member, the same for equal members."""
    return [tag_of(key, value) for key, value in metadata.items()]


def tags_of_text(text: str) -> list[int]:
    """The same from metadata that are stored."""
    return [] if text == "{}" else tags_of(json.loads(text))


def tag_of(key: str, value: Any) -> int:
    """A number that equal members share: 1 and 1.0 are equal, 1 and true are not."""
    digest = hashlib.blake2b(_json([key, plain(value)]).encode(), digest_size=8).digest()
    return int.from_bytes(digest, "little", signed=True)


def _json(value: Any) -> str:
    try:
        return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the metadata are no JSON: {error}", remedy="send a JSON object") from error


def _wrong_length(found: int, wanted: int) -> InvalidInput:
    return InvalidInput(
        f"a vector of {found} dimensions where the collection has {wanted}", remedy="send vectors of its dimensions"
    )


@dataclass(frozen=True, slots=True)
class VectorChange:
    """A committed write: the collection's `seq` before and after it, what came and what went."""

    collection: Collection
    before: int
    after: int
    count: int
    seqs: Sequence[int]
    matrix: Matrix
    gone: Sequence[int]


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
) -> VectorChange:
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
            rows.append(NewVector(collection.key, before + 1 + place, id_, vector, text, tags))
            places.append(place)
    gone = [there[row.id] for row in rows if row.id in there]
    _bury(table, session, collection, gone, after)
    table.insert(session, rows)
    if len(rows) > len(gone):
        total = table.settle(session, collection.owner, collection.key, len(rows) - len(gone))
        if max_vectors is not None and total > max_vectors:
            raise _over(collection.owner, max_vectors)
    matrix = batch.matrix if len(places) == count else batch.matrix[places]
    return VectorChange(
        *(collection, before, after, count, [row.seq for row in rows], matrix), gone=[one.seq for one in gone]
    )


def remove(
    table: VectorTable,
    session: Session,
    collection: Collection,
    ids: Sequence[str],
    random_bits: Callable[[int], int],
) -> VectorChange:
    """Deletes vectors, those that are there. Raises: InvalidInput: the collection is gone."""
    before, after = _reserved(table, session, collection, 0, random_bits)
    gone = table.kept(session, collection.key, list(dict.fromkeys(ids)))
    _bury(table, session, collection, gone, after)
    if gone:
        table.settle(session, collection.owner, collection.key, -len(gone))
    empty = np.empty((0, collection.dimensions), np.float32)
    return VectorChange(collection, before, after, len(gone), [], empty, [one.seq for one in gone])


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


def _bury(table: VectorTable, session: Session, collection: Collection, gone: Sequence[VectorRow], at: int) -> None:
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
