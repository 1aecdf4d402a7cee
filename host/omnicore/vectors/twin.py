"""The exact twin: a collection's vectors as one matrix in memory."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeAlias

from omnicore.vectors.distance import Floats, Matrix, Rows, nearest, prepared
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Labels", "Twin"]

Labels: TypeAlias = "npt.NDArray[np.int64]"
Flags: TypeAlias = "npt.NDArray[np.bool_]"

_LEAST = 64


@dataclass(frozen=True, slots=True)
class Twin:
    """Rows in the order of their labels, which grow. Every change returns a new twin over the same memory.

    Older twins stay right for those who are still reading: rows are added behind what they see. Only `alive`
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
    def empty(cls, dimensions: int, metric: str) -> Twin:
        """A twin without rows."""
        return cls(
            *(metric, 0, 0, np.empty((0, dimensions), np.float32), np.empty(0), np.empty(0, np.int64)),
            np.empty(0, np.bool_),
        )

    @property
    def dead(self) -> int:
        """Rows that are no longer found."""
        return self.rows - self.living

    def added(self, labels: Sequence[int], matrix: Matrix) -> Twin:
        """With more rows. `labels` are greater than all before."""
        grown = self.with_room(self.rows + len(labels))
        place = slice(self.rows, self.rows + len(labels))
        grown.matrix[place], grown.squares[place] = prepared(matrix, self.metric)
        grown.labels[place] = labels
        grown.alive[place] = True
        return replace(grown, rows=place.stop, living=self.living + len(labels))

    def buried(self, labels: Sequence[int]) -> tuple[Twin, Rows]:
        """Without these vectors, and the rows they had."""
        rows = self.rows_of(np.array(labels, np.int64))
        rows = rows[self.alive[rows]]
        self.alive[rows] = False
        return replace(self, living=self.living - len(rows)), rows

    def compact(self) -> Twin:
        """A copy of the living rows."""
        keep = np.flatnonzero(self.alive[: self.rows])
        return Twin(
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

    def with_room(self, rows: int) -> Twin:
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
