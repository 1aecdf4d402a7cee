"""An index as the arrays of a file, and back."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from omnicore.memory.columns import COLUMNS, Matrix, MemoryColumns, Speakers
from omnicore.memory.index_file import DEAD_WHEN_WRITTEN, SPACES, FilePart, IndexDraft, part_of
from omnicore.memory.partition import NOWHERE, Partition, lists_of, safe
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator, Mapping

    import numpy.typing as npt

    from omnicore.memory.index_file import IndexHead, OpenIndexFile
    from omnicore.storage.tables.memory import Space


_SLICE = 8192


def draft_of(
    owner: str, columns: MemoryColumns, partitions: Mapping[str, Partition | None], lock: threading.RLock
) -> IndexDraft:
    """An index as a file. The caller holds its lock, which is taken again for each slice of the vectors."""
    count = columns.count
    copied = columns.copied()
    copied["hits"][~copied["kept"]] = DEAD_WHEN_WRITTEN
    parts = [part_of(name, copied[name]) for name in COLUMNS] + _speakers(columns.speakers, copied["speaker"])
    for space in SPACES:
        matrix: Matrix = getattr(columns, space)
        if matrix.dimensions:
            has = matrix.begin_copy(count)
            whole = FilePart(space, "int16", count, matrix.dimensions, 0)
            parts += [(whole, _slices(lock, matrix, count)), part_of(f"{space}_has", has)]
            partition = partitions[space]
            if partition is not None:
                lists = np.where(has[: partition.upto], partition.lists, np.int16(NOWHERE))
                parts.append(part_of(f"{space}_lists", lists))
                parts.append(part_of(f"{space}_centres", safe(partition.centres, lists)))
    return IndexDraft(owner, columns.upto, count, columns.sense_by, parts)


def opened_columns(found: OpenIndexFile, sense_by: str | None) -> MemoryColumns:
    """The columns of a file; vectors stay in it, mapped."""
    arrays = found.arrays
    copied = {name: np.array(arrays[name]) for name in COLUMNS}
    copied["hits"][~copied["kept"]] = 0
    speakers = Speakers()
    words = iter(arrays["speaker_words"].tolist())
    for number, size in zip(arrays["speakers"].tolist(), arrays["speaker_sizes"].tolist(), strict=True):
        name = frozenset(next(words) for _ in range(size))
        if number != NOWHERE:
            speakers.add(number, name)
    columns = MemoryColumns.restored(sense_by, copied, speakers, found.head.upto)
    for space in SPACES:
        if space in arrays:
            setattr(columns, space, Matrix.mapped(arrays[space], arrays[f"{space}_has"]))
    columns.sensed()
    return columns


def opened_partition(found: OpenIndexFile, space: str) -> Partition | None:
    """The partition of a file. Those whose centre was erased get another one."""
    arrays = found.arrays
    if f"{space}_lists" not in arrays:
        return None
    lists, centres = np.array(arrays[f"{space}_lists"]), np.array(arrays[f"{space}_centres"])
    shown = np.abs(centres).max(axis=1, initial=0) > 0
    alone = np.flatnonzero(~shown[lists] & (lists != NOWHERE))
    if len(alone):
        rows = arrays[space][alone].astype(np.float32) / np.float32(32767)
        lists[alone] = lists_of(rows, centres)
    return Partition(centres, lists)


def divided_in(head: IndexHead) -> tuple[str, ...]:
    """The spaces whose partition is in a file."""
    return tuple(part.name.removesuffix("_lists") for part in head.parts if part.name.endswith("_lists"))


def stale(head: IndexHead, space: Space) -> str | None:
    """The reason why a file does not belong to a space as the database has it now; None when it does."""
    if head.token not in space.copies.split():
        return "it is of another database, or of a time that a restored backup has undone"
    if head.upto > space.sequence:
        return "it is newer than the database"
    if head.upto < space.purged:
        return "memories that were forgotten since are purged, so nothing tells which"
    return None


def _speakers(speakers: Speakers, spoken: npt.NDArray[Any]) -> list[tuple[FilePart, Iterable[npt.NDArray[Any]]]]:
    """The numbers of speakers of whom something is kept, and of the words of their names."""
    numbers = [number for number in np.unique(spoken).tolist() if number in speakers.words]
    words = [sorted(speakers.words[number]) for number in numbers]
    return [
        part_of("speakers", np.array(numbers, np.int64)),
        part_of("speaker_sizes", np.array([len(name) for name in words], np.int32)),
        part_of("speaker_words", np.array([word for name in words for word in name], np.int64)),
    ]


def _slices(lock: threading.RLock, matrix: Matrix, count: int) -> Iterator[npt.NDArray[np.int16]]:
    for at in range(0, count, _SLICE):
        with lock:
            rows = matrix.copied(at, min(count, at + _SLICE))
        yield rows
