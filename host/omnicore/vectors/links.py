"""Files of hnswlib without their vectors: a copy on disk holds links and labels, and a start puts the vectors of the
table in. So no copy outlives the deletion of a vector, and it is a sixth as large.

Source: `saveIndex` of hnswlib 0.8: a head, for each element its links, its vector and its label, then the links of the
upper layers.
"""

from __future__ import annotations

import os
import struct
import tempfile
from contextlib import contextmanager
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterator

    import numpy.typing as npt

    from omnicore.vectors.exact import Labels, Matrix


_HEAD = struct.Struct("<6Q2I3QdQ")
_FLOAT, _LABEL = 4, 8
_ROWS = 8192


class OtherForm(Exception):
    """The bytes are not what hnswlib 0.8 writes."""


def stripped(data: memoryview, dimensions: int) -> Iterator[bytes]:
    """The pieces of an index without its vectors."""
    count, size, before = _shape(data, dimensions, _FLOAT * dimensions)
    yield bytes(data[: _HEAD.size])
    elements = _elements(data, count, size)
    for at in range(0, count, _ROWS):
        rows = elements[at : at + _ROWS]
        yield np.concatenate([rows[:, :before], rows[:, size - _LABEL :]], axis=1).tobytes()
    yield bytes(data[_HEAD.size + count * size :])


def filled(data: memoryview, dimensions: int, labels: Labels, matrix: Matrix) -> Iterator[bytes]:
    """The pieces of an index with its vectors again; zeros for labels that are not among those given.

    Args:
        labels: in ascending order, the labels of the rows of `matrix`.
    """
    count, size, before = _shape(data, dimensions, 0)
    yield bytes(data[: _HEAD.size])
    elements = _elements(data, count, size)
    for at in range(0, count, _ROWS):
        rows = elements[at : at + _ROWS]
        wanted = np.ascontiguousarray(rows[:, before:]).view("<i8")[:, 0]
        places = np.minimum(np.searchsorted(labels, wanted), max(len(labels) - 1, 0))
        vectors = np.zeros((len(rows), dimensions), "<f4")
        if len(labels):
            there = labels[places] == wanted
            vectors[there] = matrix[places[there]]
        raw = vectors.view(np.uint8).reshape(len(rows), -1)
        yield np.concatenate([rows[:, :before], raw, rows[:, before:]], axis=1).tobytes()
    yield bytes(data[_HEAD.size + count * size :])


@contextmanager
def nameless(folder: Path | None = None) -> Iterator[tuple[IO[bytes], Path]]:
    """A file that has no name on a disk and is gone with its process, and a path that leads to it."""
    if hasattr(os, "memfd_create"):
        with open(os.memfd_create("index"), "w+b") as file:
            yield file, Path(f"/proc/self/fd/{file.fileno()}")
    else:
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            yield file, Path(file.name)


def _shape(data: memoryview, dimensions: int, vector: int) -> tuple[int, int, int]:
    """The number of elements, the bytes of each as they are here, and of its links. Raises: OtherForm."""
    if len(data) < _HEAD.size:
        raise OtherForm("the index is too short")
    first, most, count, size, label, offset = _HEAD.unpack_from(data)[:6]
    whole = offset + _FLOAT * dimensions + _LABEL
    if first or count > most or size != whole or label != size - _LABEL:
        raise OtherForm("the index has another form than that of hnswlib 0.8")
    here = offset + vector + _LABEL
    if len(data) < _HEAD.size + count * here:
        raise OtherForm("the index is too short")
    return count, here, offset


def _elements(data: memoryview, count: int, size: int) -> npt.NDArray[Any]:
    return np.frombuffer(data, np.uint8, count * size, _HEAD.size).reshape(count, size)
