"""Recall: the question put to each shelf it may see, the answers ranked together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from omnicore.errors import InvalidInput
from omnicore.memory.bm25 import placed
from omnicore.memory.columns import Bools, Floats, Shelf, unit
from omnicore.memory.item import checked_embedding
from omnicore.memory.ranking import Pool, Weights, gathered, nearest, rank
from omnicore.memory.tiers import SHARED, MemoryTier
from omnicore.memory.words import analysed, question_words
from omnicore.storage.tables.memory import SHARED_SPACE
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omnicore.memory.cache import OpenShelf, Rings, Shelves
    from omnicore.storage.tables.memory import MemoryTable

__all__ = ["ALWAYS", "Finder", "Found", "Made", "Question"]


"""The space of the tiers that belong to the host."""

_OWN, _COMMON, _SCRATCH = range(3)


@dataclass(frozen=True, slots=True)
class Made:
    """When a memory was stored: from `since` to `until`, None for no such bound. Units: seconds since the epoch."""

    since: float | None = None
    until: float | None = None

    def within(self, shelf: Shelf, allowed: Bools) -> Bools:
        """Those of the allowed memories that were stored then."""
        created = shelf.column("created")
        for bound, fits in ((self.since, np.greater_equal), (self.until, np.less_equal)):
            if bound is not None:
                allowed = allowed & fits(created, np.float64(bound))
        return allowed


ALWAYS = Made()
"""Whenever it was stored."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked by whom, in which tiers, and when; `sense` is the text's vector, if there is one."""

    plugin: str
    text: str | None
    embedding: tuple[float, ...] | None
    tiers: tuple[MemoryTier, ...]
    most: int
    now: float
    sense: Floats | None
    made: Made = ALWAYS


@dataclass(frozen=True, slots=True)
class Found:
    """A memory's space and number, its score and what that is made of; `scratch` is in a ring."""

    space: str
    seq: int
    score: float
    parts: Mapping[str, float]
    scratch: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question as one shelf hears it."""

    words: list[str]
    said: frozenset[str]
    sense: Floats | None
    given: Floats | None


class Finder:
    """Answers questions. Usable from any thread."""

    def __init__(self, table: MemoryTable, shelves: Shelves, rings: Rings, weights: Weights) -> None:
        self._table = table
        self._shelves = shelves
        self._rings = rings
        self._weights = weights

    def find(self, question: Question) -> list[Found]:
        """What fits best, best first; then the pinned rules of the cosmic tier, if it was asked for.

        Raises: InvalidInput: an embedding of another length than the memories have.
        """
        asked = _heard(question)
        pools: list[Pool] = []
        shelves: dict[int, Shelf] = {}
        rules: list[Found] = []
        spaces = ((_OWN, question.plugin, _own(question.tiers)), (_COMMON, SHARED_SPACE, _shared(question.tiers)))
        for source, space, tiers in spaces:
            if not tiers:
                continue
            with self._shelves.of(space) as opened:
                if opened is not None:
                    pools.append(self._ask(opened, asked, source, tiers, question))
                    shelves[source] = opened.shelf
                    if MemoryTier.Cosmic in tiers:
                        rules = _rules(opened.shelf, question)
        if MemoryTier.Immediate in question.tiers:
            pools += self._ask_ring(question, asked, shelves)
        found: list[Found] = []
        seen: set[int] = set()
        for one in rank(pools, self._weights, 2 * question.most + len(rules)):
            shelf = shelves[one.source]
            same = int(shelf.column("same")[one.place])
            if same not in seen:  # of those that say the same, the one that fits best
                seen.add(same)
                space = SHARED_SPACE if one.source == _COMMON else question.plugin
                seq = int(shelf.column("seq")[one.place])
                found.append(Found(space, seq, one.score, one.parts, scratch=one.source == _SCRATCH))
        return _within(_with_rules(found, rules), question.most)

    def _ask(
        self, opened: OpenShelf, asked: _Asked, source: int, tiers: Sequence[MemoryTier], question: Question
    ) -> Pool:
        shelf = opened.shelf
        allowed = question.made.within(shelf, shelf.open_to(tiers, question.now))
        fits = asked.given is not None and len(asked.given) == opened.dimensions
        # What one plugin put into a shared tier must not spoil the recall of another.
        if asked.given is not None and opened.dimensions and not fits and source == _OWN:
            raise InvalidInput(
                f"an embedding of {len(asked.given)} numbers does not fit the {opened.dimensions} of the memories",
                remedy="ask with the embedding model that the memories were stored with, or with text",
                dimensions=opened.dimensions,
            )
        sense = asked.sense if asked.sense is not None and len(asked.sense) == shelf.sense.dimensions else None
        given = asked.given if fits and shelf.given.count else None
        near = {
            space: opened.near[space].places(shelf, vector, allowed)
            for space, vector in (("sense", sense), ("given", given))
            if vector is not None
        }
        return gathered(
            shelf,
            allowed,
            source=source,
            sense=sense,
            given=given,
            near=near,
            matches=opened.words.find(self._table.texts, asked.words, shelf, allowed) if asked.words else None,
            speakers=_named(shelf, asked.said),
        )

    def _ask_ring(self, question: Question, asked: _Asked, shelves: dict[int, Shelf]) -> list[Pool]:
        ring = self._rings.known(question.plugin)
        if ring is None:
            return []
        with ring.lock:
            ring.expire(question.now)
            shelf = ring.shelf
            allowed = question.made.within(shelf, shelf.open_to((MemoryTier.Immediate,), question.now))
            matches = placed(shelf, ring.find(asked.words))
            sense = asked.sense if asked.sense is not None and len(asked.sense) == shelf.sense.dimensions else None
            given = asked.given if asked.given is not None and len(asked.given) == shelf.given.dimensions else None
            near = {
                space: nearest(shelf, space, vector, allowed)
                for space, vector in (("sense", sense), ("given", given))
                if vector is not None
            }
            shelves[_SCRATCH] = shelf
            return [
                gathered(
                    shelf,
                    allowed,
                    source=_SCRATCH,
                    sense=sense,
                    given=given,
                    near=near,
                    matches=matches,
                    speakers=_named(shelf, asked.said),
                )
            ]


def _heard(question: Question) -> _Asked:
    text = question.text or ""
    given = None if question.embedding is None else unit(checked_embedding(question.embedding))
    return _Asked(question_words(text), frozenset(analysed(text)), question.sense, given)


def _own(tiers: Iterable[MemoryTier]) -> tuple[MemoryTier, ...]:
    return tuple(tier for tier in tiers if tier not in SHARED and tier is not MemoryTier.Immediate)


def _shared(tiers: Iterable[MemoryTier]) -> tuple[MemoryTier, ...]:
    return tuple(tier for tier in tiers if tier in SHARED)


def _named(shelf: Shelf, said: frozenset[str]) -> frozenset[int]:
    """The speakers whose whole name is among the words of the question."""
    return frozenset(shelf.named(said))


def _rules(shelf: Shelf, question: Question) -> list[Found]:
    allowed = shelf.open_to((MemoryTier.Cosmic,), question.now)
    places = np.flatnonzero(allowed)[: question.most]
    return [Found(SHARED_SPACE, seq, 0.0, {}, pinned=True) for seq in shelf.seqs(places)]


def _with_rules(found: list[Found], rules: list[Found]) -> list[Found]:
    """The rules are always there: where they fit, else at the end."""
    wanted = {rule.seq for rule in rules}
    marked = [replace(one, pinned=True) if one.space == SHARED_SPACE and one.seq in wanted else one for one in found]
    there = {one.seq for one in marked if one.pinned}
    return marked + [rule for rule in rules if rule.seq not in there]


def _within(found: list[Found], most: int) -> list[Found]:
    """The best within a number, the rules among them in any case."""
    room = most - min(sum(one.pinned for one in found), most)
    kept: list[Found] = []
    for one in found:
        if one.pinned or room > 0:
            kept.append(one)
            room -= not one.pinned
    return kept[:most]
