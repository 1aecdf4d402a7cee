"""Full text over one space: words that nearly everything holds are left out, for they cost much and tell little."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from itertools import chain
from typing import TYPE_CHECKING, TypeAlias

from omnicore.memory.columns import Bools, MemoryColumns, best, numbered
from omnicore.storage.tables.memory_words import FullText, rarity
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    import numpy.typing as npt

    from omnicore.memory.columns import Floats, Places
    from omnicore.memory.words import Asked
    from omnicore.storage.tables.memory import MemoryTable


Matches: TypeAlias = "tuple[Places, Floats]"
"""Places and the BM25 of each."""

_SHARE = 0.2
_LEAST_BUDGET = 1_000
_MOST_BUDGET = 10_000
_KNOWN_WORDS = 50_000
_BEST = 200
_NEW_SHARE = 0.1
_POSTINGS_EACH = 4  # kept for each memory: 12 bytes, where its vector has a thousand
_POSTINGS_LEAST = 10_000
_FEW = 100


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
class HeldWords:
    """The words of a question that memories hold. Words that nearly all hold are not looked at, and have no rarity.

    Only some memories have bits, those at `places`, which are in order: there may be a million others.

    Shapes: `places: int64[some]`; `bits: uint32[some]`, a bit for each word; `rarities: float32[words]`.
    """

    places: Places
    bits: npt.NDArray[np.uint32]
    rarities: Floats
    allowed: Bools

    @classmethod
    def of(
        cls,
        asked: Sequence[Asked],
        places: Mapping[str, Places],
        counted: Mapping[str, int],
        allowed: Bools,
        among: int | None = None,
    ) -> HeldWords:
        """Args:
        places: the memories that hold a stem; one without them in `counted` was too frequent to look at.
        among: how many memories there are; by default all of them.
        """
        every = np.concatenate([np.zeros(0, np.int64), *places.values()])
        count = len(allowed) if among is None else among
        return cls.among(*np.unique(every, return_inverse=True), asked, places, counted, allowed, count)

    @classmethod
    def among(
        cls,
        known: Places,
        number: Places,
        asked: Sequence[Asked],
        places: Mapping[str, Places],
        counted: Mapping[str, int],
        allowed: Bools,
        count: int,
    ) -> HeldWords:
        """See `of`. Args: known, number: all places in order, and where each of those in `places` is among them."""
        bits = np.zeros(len(known), np.uint32)
        masks = [sum(1 << at for at, stems in enumerate(asked) if stem in stems) for stem in places]
        np.bitwise_or.at(bits, number, np.repeat(np.array(masks, np.uint32), [len(some) for some in places.values()]))
        rarities = np.zeros(len(asked), np.float32)
        among = max(count, _FEW)  # among three memories, a word that one holds is not a frequent one
        for at, stems in enumerate(asked):
            if all(stem in places or not counted.get(stem) for stem in stems):
                holders = sum(counted.get(stem, 0) for stem in stems)
                rarities[at] = rarity(min(holders, among), among)
        return cls(known, bits, rarities, allowed)

    @property
    def telling(self) -> bool:
        """False if all words of the question are too frequent to tell anything."""
        return bool(self.rarities.any())

    def at(self, places: Places) -> npt.NDArray[np.uint32]:
        """The bits of memories; -1 is none, and those that may not be recalled must not show in their neighbours."""
        if not len(self.places):
            return np.zeros(len(places), np.uint32)
        found = np.minimum(np.searchsorted(self.places, places), len(self.places) - 1)
        there = (self.places[found] == places) & self.allowed[places]
        return np.where(there, self.bits[found], np.uint32(0)).astype(np.uint32)

    def with_neighbours(self, places: Places, before: Places, behind: Places) -> npt.NDArray[np.uint32]:
        """The bits of some memories together with those before and behind them."""
        return self.at(places) | self.at(before) | self.at(behind)

    def share(self, bits: npt.NDArray[np.uint32]) -> Floats:
        """The share of the question's words, by rarity, that each set of bits has."""
        whole = float(self.rarities.sum())
        if not whole:
            return np.zeros(len(bits), np.float32)
        each = (bits[:, None] >> np.arange(len(self.rarities), dtype=np.uint32)) & np.uint32(1)
        return np.asarray(each.astype(np.float32) @ (self.rarities / np.float32(whole)), np.float32)


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

    def find(
        self, texts: FullText, asked: Sequence[Asked], columns: MemoryColumns, allowed: Bools
    ) -> tuple[Matches, HeldWords]:
        """The best memories that hold any of the words, of those that are allowed, and the words that each holds."""
        words = list(dict.fromkeys(chain.from_iterable(asked)))
        if columns is not self._columns or abs(columns.count - self._among) > _NEW_SHARE * self._among:
            self._frequencies, self._postings, self._kept = {}, {}, 0
            self._columns, self._among = columns, columns.count
        budget = int(max(_LEAST_BUDGET, min(_SHARE * self._among, _MOST_BUDGET)))
        counted = self._counted(texts, words)
        parts = {word: self._posted(texts, word, columns) for word in affordable(counted, budget)}
        every = np.concatenate([np.zeros(0, np.int64), *(places for places, _ in parts.values())])
        scores = np.concatenate([np.zeros(0, np.float32), *(scores for _, scores in parts.values())])
        known, number = np.unique(every, return_inverse=True)  # not by place: there may be a million of them
        each = {word: places for word, (places, _) in parts.items()}
        held = HeldWords.among(known, number, asked, each, counted, allowed, len(allowed))
        return _best_of(known, number, scores, allowed), held

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


_LENGTH_SHARE, _SATURATION = 0.75, 1.2
_FEW_KNOWN = 20_000  # memories whose words stay known: of twenty words each, 6 MB


class FewWords:
    """The words of single memories, for questions that only a few may answer. Used under the lock of its index.

    The text index finds the best of all memories, among which those of one user in a thousand may not be. So the
    words of the few are looked at one by one, and how rare one is follows from them alone.
    """

    def __init__(self) -> None:
        self._known: OrderedDict[int, npt.NDArray[np.int64]] = OrderedDict()

    def find(
        self, table: MemoryTable, plugin: str, asked: Sequence[Asked], columns: MemoryColumns, allowed: Bools
    ) -> tuple[Matches, HeldWords]:
        """The allowed memories that hold any of the words, with BM25, and the words that each holds."""
        places = np.flatnonzero(allowed)
        each = self._words(table, plugin, columns.seqs(places))
        lengths = np.array([len(one) for one in each], np.int64)
        words = np.concatenate([np.zeros(0, np.int64), *each])
        owners = np.repeat(np.arange(len(places)), lengths)
        longer = 1 - _LENGTH_SHARE + _LENGTH_SHARE * lengths / max(float(lengths.mean()) if len(places) else 1.0, 1.0)
        scores, held, counted = np.zeros(len(places)), {}, {}
        for stem in dict.fromkeys(chain.from_iterable(asked)):
            times = np.bincount(owners[words == numbered(stem)], minlength=len(places))
            there = np.flatnonzero(times)
            counted[stem] = len(there)
            if len(there):
                held[stem] = places[there]
                part = times * (_SATURATION + 1) / (times + _SATURATION * longer)
                scores += rarity(len(there), len(places)) * part
        found = scores > 0
        matches = places[found], scores[found].astype(np.float32)
        return matches, HeldWords.of(asked, held, counted, allowed, len(places))

    def _words(self, table: MemoryTable, plugin: str, seqs: Sequence[int]) -> list[npt.NDArray[np.int64]]:
        """The numbers of the words of some memories; none of those that are gone."""
        unknown = [seq for seq in seqs if seq not in self._known]
        if unknown:
            for seq, words in table.words(plugin, unknown).items():
                self._known[seq] = np.fromiter(map(numbered, words), np.int64)
        none = np.zeros(0, np.int64)
        found = [self._known.get(seq, none) for seq in seqs]
        while len(self._known) > _FEW_KNOWN:
            self._known.popitem(last=False)
        return found


def _best_of(places: Places, number: Places, scores: Floats, allowed: Bools) -> Matches:
    """The best of those that are allowed, by the sum of their scores: who is not takes no one's place."""
    totals = np.bincount(number, scores, minlength=len(places)).astype(np.float32)
    open_ = allowed[places] & (totals > 0)
    places, totals = places[open_], totals[open_]
    chosen = best(totals, _BEST)
    return places[chosen], totals[chosen]
