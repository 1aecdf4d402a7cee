"""Unit vectors in rows, searched one by one: exact, and fast enough for tens of thousands."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    import numpy.typing as npt

__all__ = ["Matrix", "best", "unit"]

Floats: TypeAlias = "npt.NDArray[np.float32]"
Places: TypeAlias = "npt.NDArray[np.int64]"
_FIRST = 64


def unit(values: npt.ArrayLike) -> Floats:
    """The vector with length 1; all zeros for one that has no direction or holds what is no number."""
    vector = np.nan_to_num(np.asarray(values, np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    # A large embedding's square would be infinite in 32 bits.
    length = float(np.sqrt(np.dot(vector.astype(np.float64), vector.astype(np.float64))))
    return vector / np.float32(length) if length > 1e-30 else np.zeros_like(vector)


def best(scores: Floats, count: int) -> Places:
    """The places of the highest scores, best first; equal ones in the order of their places.

    Places of scores that are not above minus infinity are left out.
    """
    if 0 < count < len(scores):
        places = np.argpartition(scores, len(scores) - count)[len(scores) - count :]
    else:
        places = np.arange(len(scores))
    places = places[scores[places] > -np.inf]
    order = np.lexsort((places, -scores[places]))
    return np.asarray(places[order][: max(count, 0)], np.int64)


def _products(rows: Floats, query: Floats) -> Floats:
    # BLAS would share this out to threads that wait for each other: on a busy machine that takes a hundred times as
    # long.
    return np.asarray(np.einsum("ij,j->i", rows, query), np.float32)


class Matrix:
    """Rows of unit vectors by place; a row that was never set, or was cleared, is all zeros and `has` nothing.

    Args:
        dimensions: numbers in a row; 0 until the first row says it.
    """

    def __init__(self, dimensions: int = 0) -> None:
        self.dimensions = dimensions
        self.count = 0
        self._rows: Floats = np.zeros((0, dimensions), np.float32)
        self._has = np.zeros(0, np.bool_)

    def set(self, place: int, vector: Floats) -> None:
        """Puts a vector at a place."""
        if not self.dimensions:
            self.dimensions = len(vector)
            self._rows = np.zeros((0, self.dimensions), np.float32)
        self._grow(place + 1)
        self.count += int(not self._has[place])
        self._rows[place] = vector
        self._has[place] = True

    def set_many(self, places: Places, rows: Floats, room: int) -> None:
        """Puts vectors at places, each once, and has zeros at all others below `room`."""
        if not self.dimensions:
            self.dimensions = rows.shape[1]
            self._rows = np.zeros((0, self.dimensions), np.float32)
        self._grow(room)
        self.count += len(places) - int(np.count_nonzero(self._has[places]))
        self._rows[places] = rows
        self._has[places] = True

    def clear(self, place: int) -> None:
        """Empties a place."""
        if place < len(self._has) and self._has[place]:
            self.count -= 1
            self._rows[place] = 0
            self._has[place] = False

    def has(self, places: Places) -> npt.NDArray[np.bool_]:
        """Which places hold a vector."""
        inside = places < len(self._has)
        found = np.zeros(len(places), np.bool_)
        found[inside] = self._has[places[inside]]
        return found

    def scores(self, query: Floats, places: Places) -> Floats:
        """The cosines of some rows."""
        found = np.zeros(len(places), np.float32)
        inside = places < len(self._rows)
        found[inside] = _products(self._rows[places[inside]], query)
        return found

    def all_scores(self, query: Floats, count: int) -> Floats:
        """The cosines of the first `count` rows; minus infinity where there is no vector."""
        found = np.full(count, -np.inf, np.float32)
        upto = min(count, len(self._rows))
        found[:upto] = _products(self._rows[:upto], query)
        found[:upto][~self._has[:upto]] = -np.inf
        return found

    def rows(self, places: Places) -> Floats:
        """Copies of some rows, all of which are there."""
        return self._rows[places]

    def row(self, place: int) -> Floats:
        """The vector at a place, zeros where there is none."""
        return self._rows[place] if place < len(self._rows) else np.zeros(self.dimensions, np.float32)

    def _grow(self, count: int) -> None:
        if count <= len(self._rows):
            return
        room = max(_FIRST, count, 2 * len(self._rows))
        rows = np.zeros((room, self.dimensions), np.float32)
        rows[: len(self._rows)] = self._rows
        has = np.zeros(room, np.bool_)
        has[: len(self._has)] = self._has
        self._rows, self._has = rows, has
