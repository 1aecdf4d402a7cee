"""Recall: the question put to each index that it may see, the answers ranked together; and lists of memories."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from omnicore.errors import InvalidInput, NotFound, PermissionDenied
from omnicore.memory.bm25 import placed
from omnicore.memory.candidates import Pool, Ranked, Weights, gathered, nearest, rank
from omnicore.memory.columns import Bools, Floats, MemoryColumns, unit
from omnicore.memory.item import Memory, checked_embedding, shown, shown_scratch
from omnicore.memory.ranking import CANDIDATES, RankCandidate, Reranker
from omnicore.memory.selection import ALL, FEW, Selection
from omnicore.memory.tiers import BY_PLACE, SHARED, MemoryTier
from omnicore.memory.words import analysed, question_words
from omnicore.storage.tables.memory import SHARED_SPACE, KeptMemory
from omnicore.storage.tables.memory_words import LAST
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from omnicore.clock import Clock
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

    def upto(self, end: float | None) -> Made:
        """Only what was said by then as well; all of it for None."""
        return self if end is None else Made(self.since, end if self.until is None else min(end, self.until))

    def holds(self, at: float) -> bool:
        """True for a time within the bounds."""
        return (self.since is None or at >= self.since) and (self.until is None or at <= self.until)


ALWAYS = Made()
"""Any time."""


@dataclass(frozen=True, slots=True)
class Question:
    """A question: its owner, tiers and time; `sense` is the text's vector, if there is one.

    `least` is the score that a memory must have; `selection` says which ones are asked.
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
    selection: Selection = ALL


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

    def __init__(
        self,
        table: MemoryTable,
        indexes: MemoryIndexes,
        immediate: ImmediateTier,
        weights: Weights,
        reranker: Reranker | None = None,
    ) -> None:
        self._table = table
        self._indexes = indexes
        self._immediate = immediate
        self._weights = weights
        self._reranker = reranker

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
                    allowed = self._allowed(opened, source, tiers, question)
                    pools.append(self._ask(opened, asked, source, allowed, question))
                    indexes[source] = opened.columns
                    if MemoryTier.Cosmic in tiers:
                        rules = _rules(opened.columns, question)
        if MemoryTier.Immediate in question.tiers:
            pools += self._ask_immediate(question, asked, indexes)
        found: list[Found] = []
        seen: set[int] = set()
        for one in self._ranked(question, pools, 2 * question.most + len(rules), indexes):
            columns = indexes[one.source]
            same = int(columns.column("same")[one.place])
            if same not in seen and one.score >= question.least:  # of those that say the same, the one that fits best
                seen.add(same)
                space = _space(one.source, question)
                seq = int(columns.column("seq")[one.place])
                found.append(Found(space, seq, one.score, one.parts, scratch=one.source == _SCRATCH))
        return _within(_with_rules(found, rules), question.most)

    def _ranked(
        self, question: Question, pools: Sequence[Pool], most: int, indexes: Mapping[int, MemoryColumns]
    ) -> list[Ranked]:
        """The best candidates, the first of them in the order of the re-ranker if there is one."""
        if self._reranker is None or question.text is None:
            return rank(pools, self._weights, most)
        ranked = rank(pools, self._weights, max(most, CANDIDATES))
        head, rest = ranked[:CANDIDATES], ranked[CANDIDATES:]
        listed = {(one.source, one.place): at for at, one in enumerate(head)}
        texts = self._texts(question, head, indexes)
        candidates = []
        for at, one in enumerate(head):
            before, _ = indexes[one.source].neighbours(np.array([one.place], np.int64))
            candidates.append(RankCandidate(one.parts, texts[at], listed.get((one.source, int(before[0])), -1)))
        return [*(head[at] for at in self._reranker.order(question.text, candidates)), *rest]

    def _texts(self, question: Question, head: Sequence[Ranked], indexes: Mapping[int, MemoryColumns]) -> list[str]:
        """The texts of candidates, empty for those that went meanwhile."""
        seqs = [int(indexes[one.source].column("seq")[one.place]) for one in head]
        texts: dict[tuple[int, int], str] = {}
        for source in {one.source for one in head}:
            wanted = [seq for one, seq in zip(head, seqs, strict=True) if one.source == source]
            if source != _SCRATCH:
                kept = self._table.fetch(_space(source, question), wanted)
                texts |= {(source, row.seq): row.text for row in kept}
            elif (recent := self._immediate.known(question.plugin)) is not None:
                with recent.lock:
                    texts |= {(source, seq): row.text for seq in wanted for row in recent.rows([seq])}
        return [texts.get((one.source, seq), "") for one, seq in zip(head, seqs, strict=True)]

    def _allowed(self, opened: MemoryIndex, source: int, tiers: Sequence[MemoryTier], question: Question) -> Bools:
        """The memories of an index that may answer."""
        columns, wanted = opened.columns, question.selection
        allowed = question.made.within(columns, columns.open_to(tiers, question.now))
        if not wanted:
            return allowed
        allowed = wanted.within(columns, allowed, shared=source == _COMMON)
        return opened.values.passing(self._table, _space(source, question), columns, allowed, wanted.filter)

    def _ask(self, opened: MemoryIndex, asked: _Asked, source: int, allowed: Bools, question: Question) -> Pool:
        columns = opened.columns
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
        matches, held = None, None
        if words and question.selection and np.count_nonzero(allowed) <= FEW:
            matches, held = opened.few.find(self._table, _space(source, question), words, columns, allowed)
        elif words:
            matches, held = opened.words.find(self._table.texts, words, columns, allowed)
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
            if question.selection:
                allowed = np.copy(allowed)
                for place in np.flatnonzero(allowed).tolist():
                    allowed[place] = all(map(question.selection.passes, recent.rows(columns.seqs(np.array([place])))))
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


def _space(source: int, question: Question) -> str:
    return SHARED_SPACE if source == _COMMON else question.plugin


def _own(tiers: Iterable[MemoryTier]) -> tuple[MemoryTier, ...]:
    return tuple(tier for tier in tiers if tier not in SHARED and tier is not MemoryTier.Immediate)


def _shared(tiers: Iterable[MemoryTier]) -> tuple[MemoryTier, ...]:
    return tuple(tier for tier in tiers if tier in SHARED)


def _named(columns: MemoryColumns, said: frozenset[str]) -> frozenset[int]:
    """The speakers whose whole name is among the words of the question."""
    return frozenset(columns.speakers.named(said))


def _rules(columns: MemoryColumns, question: Question) -> list[Found]:
    allowed = columns.open_to((MemoryTier.Cosmic,), question.now)
    allowed = question.selection.within(columns, allowed, shared=True)
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


class Lookup:
    """Memories by id, of one owner or of all. Usable from any thread."""

    def __init__(self, table: MemoryTable, indexes: MemoryIndexes, immediate: ImmediateTier, clock: Clock) -> None:
        self._table = table
        self._indexes = indexes
        self._immediate = immediate
        self._clock = clock

    def owners(self, owner: str | None) -> tuple[str, ...]:
        """Owners of the memories that an owner may read: itself and the host; for None everyone."""
        if owner is not None:
            return (owner, SHARED_SPACE)
        return tuple(dict.fromkeys([*self._table.plugins(), *self._immediate.plugins(), SHARED_SPACE]))

    def kept(self, item: str, owners: Sequence[str]) -> KeptMemory | None:
        """A memory by its id, unless its time is over."""
        if not (item.isascii() and item.isprintable()):  # no id of ours, and not every database takes it
            return None
        found = self._table.get(owners, item)
        expired = found is not None and found.expires_at is not None and found.expires_at <= self._clock.now()
        return None if expired else found

    def newest(
        self, owner: str, tier: MemoryTier | None, wanted: Selection, *, before: int, most: int
    ) -> tuple[list[Memory], int | None]:
        """A page of an owner's memories, the newest first: of one tier, or of all that are kept for this owner alone.

        Args:
            before: where the page before ended.

        Returns: the memories, and where the next page goes on; None where there is no further one.
        """
        now = self._clock.now()
        if tier is MemoryTier.Immediate:
            return self._scratch(owner, wanted, before, most, now)
        space = SHARED_SPACE if tier in SHARED else owner
        if wanted:
            rows = self.selected(space, tier, wanted, before=before, most=most)
        else:
            rows = self._table.newest(space, None if tier is None else tier.place, before=before, most=most)
        kept = [row for row in rows if row.expires_at is None or row.expires_at > now]
        return [shown(row) for row in kept], rows[-1].seq if len(rows) == most else None

    def selected(
        self, space: str, tier: MemoryTier | None, wanted: Selection, *, before: int = LAST, most: int
    ) -> list[KeptMemory]:
        """The newest memories of a selection, the newest first; of all tiers for None."""
        rows: list[KeptMemory] = []
        while len(rows) < most:
            with self._indexes.of(space) as opened:
                if opened is None:
                    return []
                columns = opened.columns
                allowed = columns.column("kept") & (columns.column("seq") < before)
                if tier is not None:
                    allowed &= columns.column("tier") == np.int8(tier.place)
                allowed = wanted.within(columns, allowed)
                allowed = opened.values.passing(self._table, space, columns, allowed, wanted.filter)
                seqs = np.sort(columns.column("seq")[allowed])[::-1][:most].tolist()
            if not seqs:
                break
            found = self._table.fetch(space, seqs)
            rows += sorted((row for row in found if wanted.passes(row)), key=lambda one: -one.seq)
            before = seqs[-1]
        return rows[:most]

    def _scratch(
        self, owner: str, wanted: Selection, before: int, most: int, now: float
    ) -> tuple[list[Memory], int | None]:
        recent = self._immediate.known(owner)
        if recent is None:
            return [], None
        with recent.lock:
            recent.expire(now)
            found = [one for one in reversed(recent.all()) if one.seq < before and wanted.passes(one.row)][:most]
            shown_ones = [shown_scratch(owner, one.row, one.hits) for one in found]
        return shown_ones, found[-1].seq if len(found) == most else None

    def changeable(self, item: str) -> KeptMemory:
        """A memory that may change. Raises: NotFound; PermissionDenied."""
        kept = self.kept(item, self.owners(None))
        if kept is None:
            raise NotFound(f"there is no memory {item[:80]!r}", remedy="look for it with `omnicore memory recall`")
        if tier_of(kept) in (MemoryTier.Cosmic, MemoryTier.Planetary):
            raise PermissionDenied(
                f"memories of {tier_of(kept)} do not change",
                remedy="forget it and store another",
                resource=tier_of(kept),
            )
        return kept

    def again(self, item: str, plugin: str) -> Memory:
        """A memory after a change. Raises: NotFound: it was forgotten meanwhile."""
        kept = self.kept(item, (plugin,))
        if kept is None:
            raise NotFound(f"there is no memory {item[:80]!r} any more", remedy="it was forgotten meanwhile")
        return shown(kept)


def tier_of(kept: KeptMemory) -> MemoryTier:
    """The tier of a row."""
    return BY_PLACE[kept.tier]


def within_budget(items: Sequence[tuple[Memory, Found]], budget: int | None) -> tuple[list[tuple[Memory, Found]], int]:
    """Those whose texts fit into so many characters together, rules first, then the best; how many do not."""
    if budget is None:
        return list(items), 0
    room = budget
    kept: set[int] = set()
    for at in sorted(range(len(items)), key=lambda at: not items[at][1].pinned):
        length = len(items[at][0].text)
        if length <= room:
            room -= length
            kept.add(at)
    return [items[at] for at in sorted(kept)], len(items) - len(kept)
