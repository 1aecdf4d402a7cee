"""The exact index: a collection's vectors as one matrix in memory.

Its searches compare all rows, so they surely find the nearest.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import numpy.typing as npt


Matrix: TypeAlias = "npt.NDArray[np.float32]"
Floats: TypeAlias = "npt.NDArray[np.float64]"
Rows: TypeAlias = "npt.NDArray[np.intp]"

_UNIT = 2.0**-24  # relative error of one rounded operation on 32 bits
_BLOCK = 8192


def directed(matrix: Matrix) -> Matrix:
    """The rows at length 1. They are divided on 64 bits, so that the tiniest and largest keep their direction."""
    wide = matrix.astype(np.float64)
    lengths = np.sqrt(np.einsum("ij,ij->i", wide, wide))
    narrow: Matrix = (wide / lengths[:, None]).astype(np.float32)
    return narrow


def prepared(matrix: Matrix, metric: str) -> tuple[Matrix, Floats]:
    """Rows as they are compared, and their squared lengths."""
    rows = directed(matrix) if metric == "cosine" else matrix
    if metric == "cosine":
        return rows, np.ones(len(rows))
    return rows, np.einsum("ij,ij->i", rows, rows, dtype=np.float64)


def nearest(
    matrix: Matrix, squares: Floats, alive: npt.NDArray[np.bool_], query: Matrix, k: int, metric: str
) -> tuple[Rows, Floats]:
    """The `k` nearest living rows, nearest first, and their distances.

    One product on 32 bits rates all rows. Its error is bounded, and every row that could belong to the nearest
    within that bound is measured again on 64 bits; so no rounding keeps a row out.

    Shapes: `matrix: float32[n, dimensions]` as `prepared`, `squares: float64[n]`, `query: float32[dimensions]`.
    """
    k = min(k, int(np.count_nonzero(alive)))
    if k < 1:
        return np.empty(0, np.intp), np.empty(0)
    rating, error = _rated(matrix, squares, query, metric)
    rating[~alive] = np.inf
    worst = np.partition(rating + error, k - 1)[k - 1]
    candidates = np.flatnonzero(rating - error <= worst)
    if len(candidates) < k:  # no number compared with infinity: lengths at the edge of what 64 bits hold
        candidates = np.flatnonzero(alive)
    found = distances(matrix, candidates, query, metric)
    order = np.argsort(found, kind="stable")[:k]
    return candidates[order], found[order]


def distances(matrix: Matrix, rows: Rows, query: Matrix, metric: str) -> Floats:
    """Distances of some rows, on 64 bits. Units: cosine 0 to 2, l2 a length, dot one minus the product."""
    wide = query.astype(np.float64)
    parts = [_measured(matrix[rows[at : at + _BLOCK]], wide, metric) for at in range(0, len(rows), _BLOCK)]
    return np.concatenate(parts) if parts else np.empty(0)


def _rated(matrix: Matrix, squares: Floats, query: Matrix, metric: str) -> tuple[Floats, Floats | float]:
    """A number for each row that grows with its distance, and how wrong it may be."""
    # `@` would use BLAS's threads: 0.6 ms for 20,000 rows alone, but 8 ms when other work has the cores.
    products = np.vecdot(matrix, query).astype(np.float64)
    bound = (matrix.shape[1] + 8) * _UNIT  # of a sum of products in whatever order, and of rows not quite of length 1
    length = float(np.linalg.norm(query.astype(np.float64)))
    if metric == "cosine":
        return -products, bound * (1 + 1e-6)
    error = bound * length * np.sqrt(squares)
    if metric == "dot":
        return -products, error
    return squares - 2 * products, 2 * error + 1e-15 * squares


def _measured(rows: Matrix, query: Floats, metric: str) -> Floats:
    wide = rows.astype(np.float64)
    if metric == "dot":
        product: Floats = 1.0 - np.vecdot(wide, query)
        return product
    wide -= query
    squares: Floats = np.einsum("ij,ij->i", wide, wide)
    # Half the square is the cosine's distance of rows of length 1, and precisely 0 for the same row.
    return np.minimum(squares / 2, 2.0) if metric == "cosine" else np.sqrt(squares)


Labels: TypeAlias = "npt.NDArray[np.int64]"
Flags: TypeAlias = "npt.NDArray[np.bool_]"

_LEAST = 64


@dataclass(frozen=True, slots=True)
class ExactIndex:
    """Rows in the order of their labels, which grow. Every change returns a new index over the same memory.

    Older ones stay right for those who are still reading: rows are added behind what they see. Only `alive`
    changes under them, and only from true to false. One thread changes at a time.

    Shapes: `matrix: float32[capacity, dimensions]` as `prepared`, the others `[capacity]`; `rows` of them are used.
    """

    metric: str
    rows: int
    living: int
    matrix: Matrix
    squares: Floats
    labels: Labels
    alive: Flags

    @classmethod
    def empty(cls, dimensions: int, metric: str) -> ExactIndex:
        """An index without rows."""
        return cls(
            *(metric, 0, 0, np.empty((0, dimensions), np.float32), np.empty(0), np.empty(0, np.int64)),
            np.empty(0, np.bool_),
        )

    @property
    def dead(self) -> int:
        """Rows that are no longer found."""
        return self.rows - self.living

    def added(self, labels: Sequence[int], matrix: Matrix) -> ExactIndex:
        """With more rows. `labels` are greater than all before."""
        grown = self.with_room(self.rows + len(labels))
        place = slice(self.rows, self.rows + len(labels))
        grown.matrix[place], grown.squares[place] = prepared(matrix, self.metric)
        grown.labels[place] = labels
        grown.alive[place] = True
        return replace(grown, rows=place.stop, living=self.living + len(labels))

    def buried(self, labels: Sequence[int]) -> tuple[ExactIndex, Rows]:
        """Without these vectors, and the rows they had."""
        rows = self.rows_of(np.array(labels, np.int64))
        rows = rows[self.alive[rows]]
        self.alive[rows] = False
        return replace(self, living=self.living - len(rows)), rows

    def compact(self) -> ExactIndex:
        """A copy of the living rows."""
        keep = np.flatnonzero(self.alive[: self.rows])
        return ExactIndex(
            *(self.metric, len(keep), len(keep), self.matrix[keep], self.squares[keep], self.labels[keep]),
            np.ones(len(keep), np.bool_),
        )

    def rows_of(self, labels: Labels) -> Rows:
        """The rows of those labels that have one."""
        known = self.labels[: self.rows]
        rows = np.searchsorted(known, labels)
        there = rows < self.rows
        there[there] = known[rows[there]] == labels[there]
        found: Rows = rows[there]
        return found

    def nearest(self, query: Matrix, k: int, start: int = 0) -> tuple[Rows, Floats]:
        """The nearest rows from `start` on, and their distances."""
        place = slice(start, self.rows)
        rows, distances = nearest(
            self.matrix[place], self.squares[place], self.alive[place].copy(), query, k, self.metric
        )
        return rows + start, distances

    def nearest_of(self, rows: Rows, query: Matrix, k: int) -> tuple[Rows, Floats]:
        """The nearest of some rows, and their distances."""
        found, distances = nearest(self.matrix[rows], self.squares[rows], self.alive[rows], query, k, self.metric)
        return rows[found], distances

    def with_room(self, rows: int) -> ExactIndex:
        """With memory for that many rows."""
        if rows <= len(self.labels):
            return self
        room = max(rows, _LEAST, len(self.labels) * 3 // 2)
        return replace(
            self,
            matrix=_longer(self.matrix, room, self.rows),
            squares=_longer(self.squares, room, self.rows),
            labels=_longer(self.labels, room, self.rows),
            alive=_longer(self.alive, room, self.rows),
        )


def _longer(array: npt.NDArray[Any], room: int, rows: int) -> npt.NDArray[Any]:
    longer = np.empty((room, *array.shape[1:]), array.dtype)
    longer[:rows] = array[:rows]
    return longer
