"""Full text over one space: words that nearly everything holds are left out, for they cost much and tell little."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING

from omnicore.memory.columns import Bools, MemoryColumns, best
from omnicore.storage.tables.memory_words import FullText, rarity
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from omnicore.memory.candidates import Matches
    from omnicore.memory.words import Asked


_SHARE = 0.2
_LEAST_BUDGET = 1_000
_MOST_BUDGET = 10_000
_KNOWN_WORDS = 50_000
_BEST = 200
_NEW_SHARE = 0.1
_POSTINGS_EACH = 4  # kept for each memory: 12 bytes, where its vector has a thousand
_POSTINGS_LEAST = 10_000


def affordable(frequencies: dict[str, int], budget: int) -> list[str]:
    """The rarest words whose memories together are within the budget; the rarest that is anywhere, always.

    >>> affordable({"zebra": 2, "blue": 30, "say": 900}, 100)
    ['zebra', 'blue']
    """
    chosen: list[str] = []
    used = 0
    for word in sorted(frequencies, key=lambda word: (frequencies[word], word)):
        if used and used + frequencies[word] > budget:
            break
        used += frequencies[word]
        chosen.append(word)
    return chosen


def placed(columns: MemoryColumns, found: Iterable[tuple[int, float]]) -> Matches:
    """Matches by their places in the columns, without those that are not there."""
    pairs = list(found)
    places = columns.placed(np.array([seq for seq, _ in pairs], np.int64))
    scores = np.array([score for _, score in pairs], np.float32)
    here = places >= 0
    return places[here], scores[here]


@dataclass(frozen=True, slots=True)
class _Posted:
    """The memories that hold a word, up to a number; `first` is their number when its rarity was last computed."""

    found: Matches
    upto: int
    first: int


class WordIndex:
    """Matches of words in one space. Used under the lock of its index.

    The text index is asked once for each word: BM25 is a sum over words, so what it said of one is kept and added
    up. Later it is asked for new memories only, until so many are new that the word's rarity is another.
    """

    def __init__(self, number: int) -> None:
        self._number = number
        self._reworded = 0
        self._frequencies: dict[str, int] = {}
        self._postings: dict[str, _Posted] = {}
        self._kept = 0
        self._columns: MemoryColumns | None = None
        self._among = 0

    def find(self, texts: FullText, asked: Sequence[Asked], columns: MemoryColumns, allowed: Bools) -> Matches:
        """The places of the best memories that hold any of the words, of those that are allowed, and their BM25."""
        words = list(dict.fromkeys(chain.from_iterable(asked)))
        if columns is not self._columns or abs(columns.count - self._among) > _NEW_SHARE * self._among:
            self._frequencies, self._postings, self._kept = {}, {}, 0
            self._columns, self._among = columns, columns.count
        budget = int(max(_LEAST_BUDGET, min(_SHARE * self._among, _MOST_BUDGET)))
        chosen = affordable(self._counted(texts, words), budget)
        parts = [self._posted(texts, word, columns) for word in chosen]
        if not parts:
            return np.zeros(0, np.int64), np.zeros(0, np.float32)
        return _best_of(parts, allowed)

    def follow(self, reworded: int) -> None:
        """Forgets what the text index said, when memories are in it by other words now."""
        if reworded != self._reworded:
            self._reworded, self._columns = reworded, None

    def _counted(self, texts: FullText, words: Sequence[str]) -> dict[str, int]:
        # Counting a frequent word costs as much as finding it, and its share changes slowly.
        if len(self._frequencies) > _KNOWN_WORDS:
            self._frequencies = {}
        unknown = [word for word in words if word not in self._frequencies]
        if unknown:
            counted = texts.frequencies(self._number, unknown, _MOST_BUDGET)
            self._frequencies.update({word: counted.get(word, 0) for word in unknown})
        # A word that was in nothing when it was counted may be in something now: it costs nothing to look.
        return {word: self._frequencies[word] for word in words}

    def _posted(self, texts: FullText, word: str, columns: MemoryColumns) -> Matches:
        posted = self._postings.get(word)
        if posted is not None and posted.upto < columns.newest:
            posted = self._continued(texts, word, posted, columns)
            if posted is None:
                self._frequencies.update(texts.frequencies(self._number, [word], _MOST_BUDGET))
        if posted is None:
            found = self._asked(texts, word, columns, 0)
            posted = _Posted(found, columns.newest, len(found[0]))
            if self._kept > _POSTINGS_EACH * self._among + _POSTINGS_LEAST:  # words come from outside
                self._postings, self._kept = {}, 0
            self._kept += len(found[0]) + 1
        self._postings[word] = posted
        return posted.found

    def _continued(self, texts: FullText, word: str, posted: _Posted, columns: MemoryColumns) -> _Posted | None:
        """With those that came since; None when they are so many that all must be asked for."""
        new = self._asked(texts, word, columns, posted.upto)
        places = np.concatenate([posted.found[0], new[0]])
        if len(places) > (1 + _NEW_SHARE) * posted.first:
            return None
        self._kept += len(new[0])
        return _Posted((places, np.concatenate([posted.found[1], new[1]])), columns.newest, posted.first)

    def _asked(self, texts: FullText, word: str, columns: MemoryColumns, after: int) -> Matches:
        weight = rarity(self._frequencies[word], max(self._among, self._frequencies[word]))
        return placed(
            columns, texts.match(self._number, {word: weight}, _MOST_BUDGET, after=after, upto=columns.newest)
        )


def _best_of(parts: Sequence[Matches], allowed: Bools) -> Matches:
    """The best of those that are allowed, by the sum of their parts: who is not takes no one's place."""
    places = np.concatenate([places for places, _ in parts])
    scores = np.concatenate([scores for _, scores in parts])
    if not len(places):
        return places, scores
    places, number = np.unique(places, return_inverse=True)  # not by place: there may be a million of them
    totals = np.bincount(number, scores).astype(np.float32)
    open_ = allowed[places] & (totals > 0)
    places, totals = places[open_], totals[open_]
    chosen = best(totals, _BEST)
    return places[chosen], totals[chosen]
