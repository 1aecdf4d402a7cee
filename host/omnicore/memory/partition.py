"""Vectors divided among centres, so that a search compares only those of the nearest ones.

It names candidates, whose cosines come from the matrix. Measured on two cores with 256 numbers: 100,000 vectors are
divided in 2 processor seconds, where a graph of neighbours takes 15 to 30, and both are numpy arrays that a file can
hold.

Source: "Video Google: A Text Retrieval Approach to Object Matching in Videos" (2003), inverted files over k-means.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import numpy.typing as npt

    from omnicore.memory.columns import Bools, Floats, Places


Lists: TypeAlias = "npt.NDArray[np.int16]"
NOWHERE = -1
"""The list of a place that is in none."""

_MOST_CENTRES = 2048
_SAMPLE = 16  # of each centre
_ROUNDS = 4
_BLOCK = 512
_LEAST_IN_LIST = 8  # a centre of fewer would show what each of them is
_LEAST_IN_SAMPLE = 4
_COMPARED = 5_000  # rows of each search: 1 ms, and 0.95 of the nearest among 100,000 texts
_COMPARED_SHARE = 0.01


class Partition:
    """The centres, and the list of each place below `upto`. Used under the lock of its index.

    Shapes: `centres: float32[lists, dimensions]`, `lists: int16[upto]`.
    """

    def __init__(self, centres: Floats, lists: Lists) -> None:
        self.centres = centres
        self.lists = lists
        self._order, self._begins = _sorted(lists, len(centres))

    @property
    def upto(self) -> int:
        """The number of places that were looked at; those behind it are compared one by one."""
        return len(self.lists)

    def extended(self, more: Lists) -> Partition:
        """With the lists of the places behind."""
        return Partition(self.centres, np.concatenate([self.lists, more]))

    def near(self, query: Floats, allowed: Bools, share: float) -> Places:
        """The allowed places of the lists nearest to a query.

        Args:
            share: about how many of all places are allowed; the fewer, the more lists are looked at.
        """
        wanted = max(_COMPARED, _COMPARED_SHARE * self.upto) / max(share, 1e-6)
        lists = np.argsort(-np.vecdot(self.centres, query), kind="stable")
        sizes = np.cumsum(self._begins[lists + 1] - self._begins[lists])
        most = int(np.searchsorted(sizes, wanted)) + 1
        parts = [self._order[self._begins[one] : self._begins[one + 1]] for one in lists[:most].tolist()]
        places = np.concatenate(parts)
        found: Places = np.sort(places[allowed[places]]).astype(np.int64)  # in order, they are gathered faster
        return found


def safe(centres: Floats, lists: Lists) -> Floats:
    """The centres, zeros for those of so few that they would show what these are."""
    sizes = np.bincount(lists[lists != NOWHERE], minlength=len(centres))
    return np.where((sizes >= _LEAST_IN_LIST)[:, None], centres, np.float32(0))


def centres_of(sample: Floats, count: int, pause: Callable[[], None] = lambda: None) -> Floats:
    """Centres of a sample by k-means, none of them of less than a handful.

    Args:
        pause: called after each step of at most 10 ms.
    """
    count = max(1, min(count, len(sample) // (2 * _LEAST_IN_SAMPLE)))
    centres = _normal(sample[np.linspace(0, len(sample) - 1, count).astype(np.int64)])
    for _ in range(_ROUNDS):
        lists = np.concatenate(list(_nearest(sample, centres, pause)))
        sizes = np.bincount(lists, minlength=len(centres))
        sums = np.zeros_like(centres)
        np.add.at(sums, lists, sample)
        centres = _normal(sums[sizes >= min(_LEAST_IN_SAMPLE, int(sizes.max()))])
        pause()
    return centres


def centre_count(rows: int) -> int:
    """The number of centres for so many rows: about as many as rows in a list."""
    return int(max(1, min(_MOST_CENTRES, 3 * rows**0.5)))


def sample_size(rows: int) -> int:
    """The number of rows that say where the centres are."""
    return min(rows, _SAMPLE * centre_count(rows))


def lists_of(rows: Floats, centres: Floats, pause: Callable[[], None] = lambda: None) -> Lists:
    """The nearest centre of each row."""
    found = list(_nearest(rows, centres, pause))
    return np.concatenate(found).astype(np.int16) if found else np.zeros(0, np.int16)


def _nearest(rows: Floats, centres: Floats, pause: Callable[[], None]) -> Iterator[Places]:
    across = np.ascontiguousarray(centres.T)
    for at in range(0, len(rows), _BLOCK):
        yield np.argmax(rows[at : at + _BLOCK] @ across, axis=1)
        pause()


def _normal(sums: Floats) -> Floats:
    lengths = np.sqrt(np.vecdot(sums, sums))[:, None]
    return np.asarray(np.divide(sums, lengths, out=np.zeros_like(sums), where=lengths > 0), np.float32)


def _sorted(lists: Lists, count: int) -> tuple[npt.NDArray[np.int32], Places]:
    """The places by list, and where each list begins among them."""
    order = np.argsort(lists, kind="stable").astype(np.int32)  # of 16 bits numpy sorts by digits: 1,000,000 in 8 ms
    begins = np.searchsorted(lists[order], np.arange(count + 1), side="left")
    return order, begins
