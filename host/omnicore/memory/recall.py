"""Recall: the question put to each index that it may see, the answers ranked together."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from omnicore.errors import InvalidInput
from omnicore.memory.bm25 import placed
from omnicore.memory.candidates import Pool, Weights, gathered, nearest, rank
from omnicore.memory.columns import Bools, Floats, MemoryColumns, unit
from omnicore.memory.item import checked_embedding
from omnicore.memory.tiers import SHARED, MemoryTier
from omnicore.memory.words import analysed, question_words
from omnicore.storage.tables.memory import SHARED_SPACE
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omnicore.memory.cache import ImmediateTier, MemoryIndex, MemoryIndexes
    from omnicore.storage.tables.memory import MemoryTable


"""The space of the tiers that belong to the host."""

_OWN, _COMMON, _SCRATCH = range(3)


@dataclass(frozen=True, slots=True)
class Made:
    """The time in which a memory was said; None for no bound. Units: seconds since the epoch."""

    since: float | None = None
    until: float | None = None

    def within(self, columns: MemoryColumns, allowed: Bools) -> Bools:
        """Those of the allowed memories that were said then."""
        created = columns.column("created")
        for bound, fits in ((self.since, np.greater_equal), (self.until, np.less_equal)):
            if bound is not None:
                allowed = allowed & fits(created, np.float64(bound))
        return allowed


ALWAYS = Made()
"""Any time."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question: its owner, tiers and time; `sense` is the text's vector, if there is one.

    `least` is the score that a memory must have.
    """

    plugin: str
    text: str | None
    embedding: tuple[float, ...] | None
    tiers: tuple[MemoryTier, ...]
    most: int
    now: float
    sense: Floats | None
    made: Made = ALWAYS
    least: float = 0.0


@dataclass(frozen=True, slots=True)
class Found:
    """A memory's space and number, the probability that it answers, and the signals behind that.

    `parts` are the shares of its rank, the rank itself and its raw signals. `scratch` is in the immediate tier.
    """

    space: str
    seq: int
    score: float
    parts: Mapping[str, float]
    scratch: bool = False
    pinned: bool = False


@dataclass(frozen=True, slots=True)
class _Asked:
    """A question, prepared for an index."""

    text: str
    said: frozenset[str]
    sense: Floats | None
    given: Floats | None


class Finder:
    """Answers questions. Usable from any thread."""

    def __init__(self, table: MemoryTable, indexes: MemoryIndexes, immediate: ImmediateTier, weights: Weights) -> None:
        self._table = table
        self._indexes = indexes
        self._immediate = immediate
        self._weights = weights

    def find(self, question: Question) -> list[Found]:
        """Memories that fit best, best first; then the pinned rules of the cosmic tier, if it was asked for.

        Raises: InvalidInput: an embedding of another length than the memories have.
        """
        asked = _heard(question)
        pools: list[Pool] = []
        indexes: dict[int, MemoryColumns] = {}
        rules: list[Found] = []
        spaces = ((_OWN, question.plugin, _own(question.tiers)), (_COMMON, SHARED_SPACE, _shared(question.tiers)))
        for source, space, tiers in spaces:
            if not tiers:
                continue
            with self._indexes.of(space) as opened:
                if opened is not None:
                    pools.append(self._ask(opened, asked, source, tiers, question))
                    indexes[source] = opened.columns
                    if MemoryTier.Cosmic in tiers:
                        rules = _rules(opened.columns, question)
        if MemoryTier.Immediate in question.tiers:
            pools += self._ask_immediate(question, asked, indexes)
        found: list[Found] = []
        seen: set[int] = set()
        for one in rank(pools, self._weights, 2 * question.most + len(rules)):
            columns = indexes[one.source]
            same = int(columns.column("same")[one.place])
            if same not in seen and one.score >= question.least:  # of those that say the same, the one that fits best
                seen.add(same)
                space = SHARED_SPACE if one.source == _COMMON else question.plugin
                seq = int(columns.column("seq")[one.place])
                found.append(Found(space, seq, one.score, one.parts, scratch=one.source == _SCRATCH))
        return _within(_with_rules(found, rules), question.most)

    def _ask(
        self, opened: MemoryIndex, asked: _Asked, source: int, tiers: Sequence[MemoryTier], question: Question
    ) -> Pool:
        columns = opened.columns
        allowed = question.made.within(columns, columns.open_to(tiers, question.now))
        fits = asked.given is not None and len(asked.given) == opened.dimensions
        # What one plugin put into a shared tier must not spoil the recall of another.
        if asked.given is not None and opened.dimensions and not fits and source == _OWN:
            raise InvalidInput(
                f"an embedding of {len(asked.given)} numbers does not fit the {opened.dimensions} of the memories",
                remedy="ask with the embedding model that the memories were stored with, or with text",
                dimensions=opened.dimensions,
            )
        sense = asked.sense if asked.sense is not None and len(asked.sense) == columns.sense.dimensions else None
        given = asked.given if fits and columns.given.count else None
        near = {
            space: opened.near[space].places(columns, vector, allowed)
            for space, vector in (("sense", sense), ("given", given))
            if vector is not None
        }
        words = question_words(asked.text, opened.languages)
        matches, held = opened.words.find(self._table.texts, words, columns, allowed) if words else (None, None)
        return gathered(
            columns,
            allowed,
            source=source,
            sense=sense,
            given=given,
            near=near,
            matches=matches,
            held=held,
            speakers=_named(columns, asked.said),
        )

    def _ask_immediate(self, question: Question, asked: _Asked, indexes: dict[int, MemoryColumns]) -> list[Pool]:
        recent = self._immediate.known(question.plugin)
        if recent is None:
            return []
        with recent.lock:
            recent.expire(question.now)
            columns = recent.columns
            allowed = question.made.within(columns, columns.open_to((MemoryTier.Immediate,), question.now))
            words = question_words(asked.text, recent.languages)
            matches = placed(columns, recent.find(words))
            sense = asked.sense if asked.sense is not None and len(asked.sense) == columns.sense.dimensions else None
            given = asked.given if asked.given is not None and len(asked.given) == columns.given.dimensions else None
            near = {
                space: nearest(columns, space, vector, allowed)
                for space, vector in (("sense", sense), ("given", given))
                if vector is not None
            }
            indexes[_SCRATCH] = columns
            return [
                gathered(
                    columns,
                    allowed,
                    source=_SCRATCH,
                    sense=sense,
                    given=given,
                    near=near,
                    matches=matches,
                    held=recent.held(words, allowed) if words else None,
                    speakers=_named(columns, asked.said),
                )
            ]


def _heard(question: Question) -> _Asked:
    text = question.text or ""
    given = None if question.embedding is None else unit(checked_embedding(question.embedding))
    return _Asked(text, frozenset(analysed(text)), question.sense, given)


def _own(tiers: Iterable[MemoryTier]) -> tuple[MemoryTier, ...]:
    return tuple(tier for tier in tiers if tier not in SHARED and tier is not MemoryTier.Immediate)


def _shared(tiers: Iterable[MemoryTier]) -> tuple[MemoryTier, ...]:
    return tuple(tier for tier in tiers if tier in SHARED)


def _named(columns: MemoryColumns, said: frozenset[str]) -> frozenset[int]:
    """The speakers whose whole name is among the words of the question."""
    return frozenset(columns.speakers.named(said))


def _rules(columns: MemoryColumns, question: Question) -> list[Found]:
    allowed = columns.open_to((MemoryTier.Cosmic,), question.now)
    places = np.flatnonzero(allowed)[: question.most]
    return [Found(SHARED_SPACE, seq, 0.0, {}, pinned=True) for seq in columns.seqs(places)]


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
