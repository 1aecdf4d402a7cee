"""The approximate index: hnswlib behind the rules that keep it from crashing or returning wrong results.

Measured with hnswlib 0.8: `resize_index` during a search is a segmentation fault, `save_index` during an insertion
writes broken files, a search during an insertion may raise, a query for more than there is raises and leaks, a
second `load_index` on one object that fails leaves a dangling pointer, `get_ids_list` names deleted labels too,
and saving, loading and resizing hold the interpreter's lock.
"""

from __future__ import annotations

import mmap
import threading
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Any

from omnicore.errors import ToolMissing
from omnicore.vectors.links import filled, nameless, stripped
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from pathlib import Path

    from omnicore.vectors.exact import Labels, Matrix


class TurnLock:
    """Readers share, a writer is alone, and neither starves the other.

    A writer that waits holds back new readers; when it leaves, all readers that came meanwhile go before the next
    writer. So a search waits for one slice of an insertion at most.
    """

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._reading = 0
        self._writing = False
        self._writers = 0  # that wait or write
        self._waiting = 0  # readers
        self._due = 0  # readers that go before the next writer
        self._turn = 0

    @contextmanager
    def reading(self) -> Iterator[None]:
        """The block of a reader."""
        with self._changed:
            if self._writers:
                self._await_turn()
            self._reading += 1
        try:
            yield
        finally:
            with self._changed:
                self._reading -= 1
                if not self._reading:
                    self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        """The block of a writer."""
        with self._changed:
            self._writers += 1
            while self._writing or self._reading or self._due:
                self._changed.wait()
            self._writing = True
        try:
            yield
        finally:
            with self._changed:
                self._writing = False
                self._writers -= 1
                self._due = self._waiting
                self._turn += 1
                self._changed.notify_all()

    def _await_turn(self) -> None:
        turn = self._turn
        self._waiting += 1
        while self._turn == turn:
            self._changed.wait()
        self._waiting -= 1
        self._due -= 1
        if not self._due:
            self._changed.notify_all()


try:
    import hnswlib
except ImportError:  # the extra `hnsw`; without it all vectors are compared
    hnswlib = None


_SPACES = {"cosine": "ip", "dot": "ip", "l2": "l2"}  # cosine too: its rows have length 1 already
_LEAST = 1024
_SHORT = "Cannot return the results"
_MOST_SHORT = 100


class GraphFailed(Exception):
    """The index did not do what it should; its vectors are elsewhere, so it can be thrown away."""


def available() -> bool:
    """True if hnswlib is installed."""
    return hnswlib is not None


def missing() -> ToolMissing:
    """The error for a host without hnswlib."""
    return ToolMissing(
        "hnswlib is not installed, so every vector of a collection is compared",
        remedy="pip install 'omnicore[hnsw]'; it is compiled then, which needs a C++ compiler (apt install g++)",
        tool="hnswlib",
    )


class Graph:
    """An index over labels. Any thread may search; changes wait for searches and searches for changes.

    Deleting marks a label; its place is taken up by no other, a graph with many of them is built anew.
    Rows come in as the exact index holds them, so that cosine is an inner product.

    Raises: GraphFailed, from every method.
    """

    def __init__(self, dimensions: int, metric: str, *, m: int, ef: int, threads: int = 1) -> None:
        if hnswlib is None:
            raise GraphFailed("hnswlib is not installed")
        self._ef, self._m, self._threads = ef, m, threads
        self._lock = TurnLock()
        self._dimensions = dimensions
        self._index: Any = hnswlib.Index(space=_SPACES[metric], dim=dimensions)
        self._marked = 0
        self._rows = 0
        self._short = 0

    @classmethod
    def restored(
        cls,
        copy: Path,
        dimensions: int,
        metric: str,
        *,
        vectors: tuple[Labels, Matrix],
        rows: int,
        m: int,
        ef: int,
        threads: int = 1,
    ) -> Graph:
        """The graph of a copy that was verified, with its vectors put in again.

        Args:
            vectors: labels in ascending order, and their rows. Who is not among them is to be marked.
        """
        with _translated(), nameless(copy.parent) as (file, path):
            for piece in filled(memoryview(copy.read_bytes()), dimensions, *vectors):
                file.write(piece)
            file.flush()
            return cls.loaded(path, dimensions, metric, rows=rows, m=m, ef=ef, threads=threads)

    @classmethod
    def loaded(cls, path: Path, dimensions: int, metric: str, *, rows: int, m: int, ef: int, threads: int = 1) -> Graph:
        """The graph of a file that was verified: hnswlib believes whatever a file says."""
        graph = cls(dimensions, metric, m=m, ef=ef, threads=threads)
        with _translated():
            graph._index.load_index(str(path), max_elements=rows + _LEAST)
            graph._index.set_ef(ef)
            graph._rows = int(graph._index.element_count)
        if graph._rows != rows:
            raise GraphFailed(f"the index holds {graph._rows} vectors, not {rows}")
        return graph

    @property
    def rows(self) -> int:
        """Labels, marked ones among them."""
        return self._rows

    @property
    def marked(self) -> int:
        """Labels that are deleted."""
        return self._marked

    def add(self, labels: Labels, matrix: Matrix) -> None:
        """Adds rows under labels that were never there."""
        with self._lock.writing(), _translated():
            self._make_room(self._rows + len(labels))
            self._index.add_items(matrix, labels, num_threads=self._threads)
            self._rows += len(labels)

    def mark(self, labels: Iterable[int]) -> None:
        """Deletes labels that are there. A graph that was loaded may have them marked already."""
        with self._lock.writing():
            for label in labels:
                with suppress(RuntimeError):  # the only way to learn that it is marked
                    self._index.mark_deleted(label)
                self._marked += 1

    def search(self, query: Matrix, k: int) -> Labels:
        """About the `k` nearest labels, in no order that matters; none when it does not come upon so many."""
        with self._lock.reading(), _translated():
            k = min(k, self._rows - self._marked)
            if k < 1:
                return np.empty(0, np.int64)
            try:
                found, _ = self._index.knn_query(query.reshape(1, -1), k=k, num_threads=1)
            except RuntimeError as error:
                if _SHORT not in str(error) or self._short >= _MOST_SHORT:
                    raise
                self._short += 1  # each of them leaks 12 bytes for each of k
                return np.empty(0, np.int64)
            return np.asarray(found[0]).astype(np.int64)

    def labels(self) -> Labels:
        """All labels in order, marked ones among them."""
        with self._lock.reading(), _translated():
            return np.sort(np.asarray(self._index.get_ids_list(), np.int64))

    def save(self, path: Path) -> None:
        """Writes the graph without its vectors. Holds the interpreter's lock: for a process without other work."""
        with self._lock.writing(), _translated(), nameless(path.parent) as (file, whole):
            self._index.save_index(str(whole))
            size, written = int(self._index.index_file_size()), whole.stat().st_size
            if written != size:  # a full disk is no error to hnswlib
                raise GraphFailed(f"{written} of {size} bytes were written")
            data = mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ)
            with path.open("wb") as copy:
                for piece in stripped(memoryview(data), self._dimensions):
                    copy.write(piece)

    def _make_room(self, rows: int) -> None:
        if self._rows == 0:
            self._index.init_index(max_elements=max(rows, _LEAST), M=self._m, ef_construction=self._ef)
            self._index.set_ef(self._ef)
        elif rows > self._index.max_elements:
            self._index.resize_index(max(rows, self._index.max_elements * 3 // 2))


class _translated:  # noqa: N801 -- used like a function; a class is a third of a generator's cost in each search
    """Turns whatever hnswlib raises into GraphFailed."""

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: Any, error: BaseException | None, trace: Any) -> None:
        if isinstance(error, Exception) and not isinstance(error, GraphFailed):
            raise GraphFailed(f"the index failed: {error}") from error
