"""Columns and vectors of memories in files, which a start maps in place of reading a hundred thousand rows.

A file is made beside the one before, is on the disk before it takes its place, and holds no text and no name. Only
`erase` changes it afterwards: what is forgotten is overwritten in place. Nothing in a file is believed before the
checksums of all its blocks fit, and the database must know its token: a file of another database, or of a time that a
restored backup has undone, is of no use.

Layout: a head (magic, length, checksum, JSON), the parts at places that the head names, the checksum of each block.
"""

from __future__ import annotations

import fcntl
import mmap
import os
import secrets
import struct
import zlib
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import blake2b
from pathlib import Path
from typing import TYPE_CHECKING, Any

from omnicore.errors import InvalidInput, StorageFailed
from omnicore.files import check_own, own_folder, own_opener
from omnicore.memory.columns import COLUMNS, Matrix, MemoryColumns, Speakers
from omnicore.memory.partition import NOWHERE, Partition, lists_of, safe
from omnicore.records import Record, from_text, replace, to_text
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import threading
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    import numpy.typing as npt

    from omnicore.storage.tables.memory import Space


FORMAT = 2
SPACES = ("sense", "given")
DEAD_WHEN_WRITTEN = -1
"""The hits of a memory that was gone before the file was made."""

_MAGIC = b"OMNIMEM\n"
_FRONT = struct.Struct("<8sII")
_MOST_HEAD = 64 * 1024
_BLOCK = 64 * 1024
_ALIGNED = 4096
_KINDS = frozenset(kind for kind, _ in COLUMNS.values()) | {"int16", "int32", "float32"}


class IndexFileBroken(Exception):
    """The file cannot be believed; the index is made of the rows in the database."""


class FilePart(Record, frozen=True):
    """An array in a file: its numpy kind, its shape (`width` 0 for one dimension) and where it begins."""

    name: str
    kind: str
    rows: int
    width: int
    at: int

    @property
    def bytes(self) -> int:
        """Its size."""
        return self.rows * max(self.width, 1) * np.dtype(self.kind).itemsize


class IndexHead(Record, frozen=True):
    """The head of a file. It holds the first `rows` places of a space as they were after the change `upto`."""

    format: int
    token: str
    owner: str
    upto: int
    rows: int
    sense_by: str | None
    parts: list[FilePart]
    begins: int
    ends: int


@dataclass(frozen=True, slots=True)
class IndexDraft:
    """The values of a file to be written: arrays by name, each with kind, shape and its rows in slices."""

    owner: str
    upto: int
    rows: int
    sense_by: str | None
    parts: Sequence[tuple[FilePart, Iterable[npt.NDArray[Any]]]]


@dataclass(frozen=True, slots=True)
class OpenIndexFile:
    """A file that was checked. Its arrays are mapped: writing to one changes this process's copy alone."""

    head: IndexHead
    arrays: Mapping[str, npt.NDArray[Any]]


def part_of(name: str, values: npt.NDArray[Any]) -> tuple[FilePart, Iterable[npt.NDArray[Any]]]:
    """An array as a part."""
    width = values.shape[1] if values.ndim == 2 else 0
    kind = "bool_" if values.dtype == np.bool_ else values.dtype.name
    return FilePart(name, kind, len(values), width, 0), [values]


class IndexFiles:
    """The files of one folder. Any process may open and erase, the first that asks for it may write.

    Owns: the right to write, from `may_write` until `close`.
    Raises: StorageFailed, OSError: the folder cannot be used.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writer: int | None = None

    def may_write(self) -> bool:
        """True if this process is the one that writes; it stays so until `close`."""
        if self._writer is None:
            own_folder(self.folder)
            handle = os.open(self.folder / "writer", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                return False
            self._writer = handle
            for left in self.folder.glob("*.partial"):  # a killed writer's
                left.unlink(missing_ok=True)
        return True

    def close(self) -> None:
        """Lets another process write."""
        if self._writer is not None:
            os.close(self._writer)
            self._writer = None

    def owners(self) -> list[str]:
        """Those that have a file. One whose head cannot be read is removed."""
        found = []
        for path in sorted(self.folder.glob("*.columns")):
            try:
                found.append(_head(path).owner)
            except FileNotFoundError:
                continue
            except (IndexFileBroken, OSError):
                path.unlink(missing_ok=True)
        return found

    def head(self, owner: str) -> IndexHead | None:
        """The head of an owner's file, not compared with the rest of it. Raises: IndexFileBroken."""
        try:
            return _head(self._path(owner))
        except FileNotFoundError:
            return None

    def open(self, owner: str) -> OpenIndexFile | None:
        """An owner's file, read whole and compared with its checksums. Raises: IndexFileBroken."""
        path = self._path(owner)
        if not path.exists():
            return None
        with self.changing(shared=True):
            try:
                check_own(path)
                with open(path, "rb", opener=own_opener) as file:
                    head = _checked(file.fileno(), path)
                    whole = mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_COPY)
            except FileNotFoundError:
                return None
            except (StorageFailed, OSError) as error:
                raise IndexFileBroken(f"the file cannot be used: {error}") from error
        if head.owner != owner:
            raise IndexFileBroken("the file is of another owner")
        return OpenIndexFile(head, {part.name: _array(whole, part) for part in head.parts})

    def write(self, draft: IndexDraft) -> tuple[IndexHead, Path]:
        """Makes a file that is on the disk and not yet in its place."""
        path = self._path(draft.owner)
        partial = path.with_name(f"{path.stem}.{secrets.token_hex(6)}.partial")
        head = _laid_out(draft)
        try:
            with open(partial, "xb", opener=own_opener) as file:
                os.fchmod(file.fileno(), 0o600)
                text = to_text(head).encode()
                file.write(_FRONT.pack(_MAGIC, len(text), zlib.crc32(text)) + text)
                sums = _Sums()
                file.write(b"\0" * (head.begins - file.tell()))
                for part, (_, slices) in zip(head.parts, draft.parts, strict=True):
                    gap = b"\0" * (part.at - file.tell())
                    file.write(gap)
                    sums.add(gap)
                    for values in slices:
                        data = np.ascontiguousarray(values).data.cast("B")
                        file.write(data)
                        sums.add(data)
                if file.tell() != head.ends:
                    raise IndexFileBroken(f"{file.tell()} bytes were written, not {head.ends}")
                file.write(sums.all())
                file.flush()
                os.fsync(file.fileno())
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
        return head, partial

    def publish(self, owner: str, partial: Path) -> None:
        """Puts a file in its place. The caller holds `changing`."""
        partial.replace(self._path(owner))
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)

    def erase(self, owner: str, seqs: Sequence[int]) -> None:
        """Overwrites memories by their numbers, and waits for the disk. A file that cannot be changed is removed."""
        path = self._path(owner)
        if not seqs or not path.exists():
            return
        with self.changing():
            self.erase_in(path, seqs)

    def erase_in(self, path: Path, seqs: Sequence[int]) -> None:
        """Overwrites memories in a file. The caller holds `changing`."""
        try:
            with open(path, "r+b", opener=own_opener) as file, mmap.mmap(file.fileno(), 0) as whole:
                _erase(whole, _head(path), np.array(seqs, np.int64))
                whole.flush()
        except FileNotFoundError:
            return
        except (IndexFileBroken, OSError, ValueError):
            path.unlink(missing_ok=True)

    def remove(self, owner: str) -> None:
        """Deletes an owner's file."""
        path = self._path(owner)
        if path.exists():
            with self.changing():
                path.unlink(missing_ok=True)

    @contextmanager
    def changing(self, *, shared: bool = False) -> Iterator[None]:
        """One process at a time changes files, and nobody compares checksums meanwhile."""
        own_folder(self.folder)
        handle = os.open(self.folder / "changes", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
        try:
            fcntl.flock(handle, fcntl.LOCK_SH if shared else fcntl.LOCK_EX)
            yield
        finally:
            os.close(handle)

    def _path(self, owner: str) -> Path:
        return self.folder / f"{blake2b(owner.encode('utf-8', 'surrogatepass'), digest_size=12).hexdigest()}.columns"


class _Sums:
    """The checksum of each block of what is written."""

    def __init__(self) -> None:
        self._found: list[int] = []
        self._crc = self._size = 0

    def add(self, data: memoryview | bytes) -> None:
        """Takes in the next bytes."""
        view = memoryview(data)
        while view:
            some = view[: _BLOCK - self._size]
            self._crc = zlib.crc32(some, self._crc)
            self._size += len(some)
            view = view[len(some) :]
            if self._size == _BLOCK:
                self._end()

    def all(self) -> bytes:
        """All checksums, as they lie at the file's end."""
        if self._size:
            self._end()
        return np.array(self._found, "<u4").tobytes()

    def _end(self) -> None:
        self._found.append(self._crc)
        self._crc = self._size = 0


def _laid_out(draft: IndexDraft) -> IndexHead:
    at = begins = _aligned(_FRONT.size + _MOST_HEAD)
    parts = []
    for part, _ in draft.parts:
        parts.append(replace(part, at=at))
        at = _aligned(at + part.bytes)
    ends = parts[-1].at + parts[-1].bytes
    return IndexHead(
        *(FORMAT, secrets.token_hex(8), draft.owner, draft.upto, draft.rows, draft.sense_by, parts, begins, ends)
    )


def _aligned(at: int) -> int:
    return -(-at // _ALIGNED) * _ALIGNED


def _head(path: Path) -> IndexHead:
    with open(path, "rb", opener=own_opener) as file:
        front = file.read(_FRONT.size)
        if len(front) < _FRONT.size:
            raise IndexFileBroken("the file is too short")
        magic, length, crc = _FRONT.unpack(front)
        text = file.read(length) if magic == _MAGIC and length <= _MOST_HEAD else b""
        size = os.fstat(file.fileno()).st_size
    if not text or zlib.crc32(text) != crc:
        raise IndexFileBroken("the file's head is damaged")
    try:
        head = from_text(IndexHead, text, "head")
    except InvalidInput as error:
        raise IndexFileBroken("the file's head has another form") from error
    blocks = -(-(head.ends - head.begins) // _BLOCK)
    inside = all(
        part.kind in _KINDS and part.rows >= 0 and part.width >= 0 and head.begins <= part.at <= head.ends - part.bytes
        for part in head.parts
    )
    if head.format != FORMAT or not inside or size != head.ends + 4 * blocks:
        raise IndexFileBroken("the file is of another format or length")
    return head


def _checked(handle: int, path: Path) -> IndexHead:
    """The head of a file whose blocks all have their checksums. It is read, not mapped, which would hold memory."""
    head = _head(path)
    blocks = -(-(head.ends - head.begins) // _BLOCK)
    wanted = np.frombuffer(os.pread(handle, 4 * blocks, head.ends), "<u4").tolist()
    buffer = bytearray(16 * _BLOCK)
    view = memoryview(buffer)
    for first in range(0, blocks, 16):
        at = head.begins + first * _BLOCK
        size = os.preadv(handle, [view[: min(len(buffer), head.ends - at)]], at)
        for number in range(first, min(first + 16, blocks)):
            start = (number - first) * _BLOCK
            if zlib.crc32(view[start : min(start + _BLOCK, size)]) != wanted[number]:
                raise IndexFileBroken("the file is damaged: a checksum differs")
    return head


def _array(whole: mmap.mmap, part: FilePart) -> npt.NDArray[Any]:
    count = part.rows * max(part.width, 1)
    flat = np.frombuffer(whole, part.kind, count, part.at) if count else np.zeros(0, part.kind)
    return flat.reshape(part.rows, part.width) if part.width else flat


def _erase(whole: mmap.mmap, head: IndexHead, seqs: npt.NDArray[np.int64]) -> None:
    """Overwrites memories in a file that is mapped, and puts the checksums right."""
    parts = {part.name: part for part in head.parts}
    arrays = {part.name: _array(whole, part) for part in head.parts}
    changed: set[int] = set()

    def put(name: str, places: npt.NDArray[Any], value: Any) -> None:
        part = parts[name]
        arrays[name][places] = value
        step = part.bytes // max(part.rows, 1)
        for place in np.unique(places).tolist():
            first = part.at + place * step - head.begins
            changed.update(range(first // _BLOCK, (first + step - 1) // _BLOCK + 1))

    try:
        places = np.flatnonzero(np.isin(arrays["seq"], seqs) & arrays["kept"])
        if not len(places):
            return
        for place in places.tolist():
            _unlink(arrays, place, put)
        speakers = np.unique(arrays["speaker"][places])
        for name, (_, empty) in COLUMNS.items():
            if name != "seq":
                put(name, places, empty)
        _erase_speakers(arrays, speakers, put)
        for space in SPACES:
            if space in arrays:
                put(space, places, 0)
                put(f"{space}_has", places, False)
            if f"{space}_lists" in arrays:
                _erase_lists(arrays, space, places, put)
        for block in sorted(changed):
            start = head.begins + block * _BLOCK
            crc = zlib.crc32(whole[start : min(start + _BLOCK, head.ends)])
            whole[head.ends + 4 * block : head.ends + 4 * block + 4] = struct.pack("<I", crc)
    finally:
        arrays.clear()  # views of the map, which could not be closed


def _unlink(arrays: Mapping[str, npt.NDArray[Any]], place: int, put: Any) -> None:
    """Joins the neighbours of a memory that goes."""
    before, behind = int(arrays["before"][place]), int(arrays["behind"][place])
    if before >= 0:
        put("behind", np.array([before]), behind)
    if behind >= 0:
        put("before", np.array([behind]), before)
        if before >= 0 and "sense" in arrays:
            rows = arrays["sense"][[before, behind]].astype(np.float32) / 32767
            put("closeness", np.array([behind]), rows[0] @ rows[1])


def _erase_speakers(arrays: Mapping[str, npt.NDArray[Any]], speakers: npt.NDArray[Any], put: Any) -> None:
    """Overwrites the words of speakers of whom nothing is left."""
    gone = speakers[~np.isin(speakers, arrays["speaker"])]
    ends = np.cumsum(arrays["speaker_sizes"])
    for at in np.flatnonzero(np.isin(arrays["speakers"], gone)).tolist():
        put("speakers", np.array([at]), NOWHERE)
        put("speaker_words", np.arange(ends[at] - arrays["speaker_sizes"][at], ends[at]), 0)


def _erase_lists(arrays: Mapping[str, npt.NDArray[Any]], space: str, places: npt.NDArray[Any], put: Any) -> None:
    """Takes memories out of their lists, and the centres of lists that have few left."""
    lists, centres = arrays[f"{space}_lists"], arrays[f"{space}_centres"]
    inside = places[places < len(lists)]
    touched = np.unique(lists[inside])
    put(f"{space}_lists", inside, NOWHERE)
    kept = safe(centres, lists)
    for one in touched[touched >= 0].tolist():
        put(f"{space}_centres", np.array([one]), kept[one])


_ROWS = 8192


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
    for at in range(0, count, _ROWS):
        with lock:
            rows = matrix.copied(at, min(count, at + _ROWS))
        yield rows
