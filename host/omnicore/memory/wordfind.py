"""Full text over one space: words that nearly everything holds are left out, for they cost much and tell little."""

from __future__ import annotations

from collections.abc import Sequence

from omnicore.storage.tables.memory_words import FullText, rarity

__all__ = ["WordFinder", "affordable"]

_SHARE = 0.2
_LEAST_BUDGET = 1_000
_MOST_BUDGET = 10_000
_KNOWN_WORDS = 50_000
_FIRST, _ALL = 200, 5_000


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


class WordFinder:
    """Matches of words in one space, and a copy of how frequent they are. Used under its shelf's lock."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._known: dict[str, int] = {}
        self._counted_at = 0

    def find(self, texts: FullText, words: Sequence[str], among: int, *, deep: bool = False) -> list[tuple[int, float]]:
        """The numbers of memories that hold the words, and their BM25. `deep` looks beyond the first 200."""
        budget = int(max(_LEAST_BUDGET, min(_SHARE * among, _MOST_BUDGET)))
        frequencies = self._frequencies(texts, words, among)
        chosen = affordable(frequencies, budget)
        if not chosen:
            return []
        weights = {word: rarity(frequencies[word], max(among, frequencies[word])) for word in chosen}
        return texts.match(self._number, weights, _ALL if deep else _FIRST)

    @staticmethod
    def cut(found: Sequence[tuple[int, float]]) -> bool:
        """Whether there may be more than what was found."""
        return len(found) == _FIRST

    def _frequencies(self, texts: FullText, words: Sequence[str], among: int) -> dict[str, int]:
        # Counting a frequent word costs as much as finding it, and its share changes slowly.
        if abs(among - self._counted_at) > 0.1 * self._counted_at + 50 or len(self._known) > _KNOWN_WORDS:
            self._known, self._counted_at = {}, among
        unknown = [word for word in words if word not in self._known]
        if unknown:
            counted = texts.frequencies(self._number, unknown, _MOST_BUDGET)
            self._known.update({word: counted.get(word, 0) for word in unknown})
        # A word that was in nothing when it was counted may be in something now: it costs nothing to look.
        return {word: self._known[word] for word in words}
