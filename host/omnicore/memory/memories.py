"""The memories of a host: stored, recalled, forgotten, corrected. Blocking, and usable from any thread.

Uses are noted in RAM and written in batches, so that a recall waits for no write. In a full tier the weakest memories
go, or, where nothing may be lost, new ones are refused. The text of a memory never changes.
"""

from __future__ import annotations

import dataclasses
import json
import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Unpack

from omnicore.errors import InvalidInput, LimitExceeded, NotFound, PermissionDenied
from omnicore.filters import read_filter
from omnicore.memory.blocks import MemoryBlocks
from omnicore.memory.cache import ImmediateTier, MemoryIndexes
from omnicore.memory.candidates import Weights
from omnicore.memory.facts import Fact, MemoryFacts
from omnicore.memory.item import (
    ANYONE,
    Forgotten,
    Memory,
    MemoryDraft,
    MemoryOrigin,
    MemoryScope,
    Recall,
    ScopeNames,
    checked_owner,
    checked_text,
    drafted,
    read_skill,
    scoped,
    scored,
    shown,
    shown_scratch,
    tier_named,
    words_of,
)
from omnicore.memory.ranking import reranker_in
from omnicore.memory.recall import ALWAYS, Finder, Found, Lookup, Made, Question, tier_of, within_budget
from omnicore.memory.selection import Selection
from omnicore.memory.tiers import BY_PLACE, SHARED, SPANS, MemoryTier, TierPolicy, expiry, policy_of
from omnicore.memory.times import spoken_time
from omnicore.records import replace
from omnicore.storage.tables.memory import (
    LIVE,
    QUARANTINED,
    SHARED_SPACE,
    KeptMemory,
    MemoryTable,
    NewMemory,
    Quota,
)
from omnicore.storage.tables.memory_blocks import BlockTable
from omnicore.storage.tables.memory_facts import FactTable
from omnicore.storage.tables.memory_words import LAST, clean_words
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from pathlib import Path

    from omnicore.clock import Clock
    from omnicore.config.settings import MemorySettings
    from omnicore.memory.columns import MemoryColumns
    from omnicore.memory.embedder import Sense
    from omnicore.storage.store import Store


_PLUGINS = 10_000


class WriteRate:
    """Buckets of two seconds' worth. Usable from any thread.

    Args:
        per_s: memories in a second, 0 for any number.
    """

    def __init__(self, per_s: float, clock: Clock) -> None:
        self._per_s = per_s
        self._clock = clock
        self._lock = threading.Lock()
        self._buckets: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, plugin: str, count: int) -> None:
        """Takes the right to store some. Raises: LimitExceeded: too many in too short a time; nothing was taken."""
        if self._per_s <= 0 or plugin.startswith("@"):
            return
        room = 2 * self._per_s
        now = self._clock.monotonic()
        with self._lock:
            left, at = self._buckets.get(plugin, (room, now))
            left = min(room, left + (now - at) * self._per_s)
            if count > left:
                raise LimitExceeded(
                    f"{plugin} stores more than {self._per_s:g} memories a second",
                    remedy="wait a second",
                    limit="memory.writes_per_s",
                    allowed=self._per_s,
                )
            self._buckets[plugin] = (left - count, now)
            self._buckets.move_to_end(plugin)
            if len(self._buckets) > _PLUGINS:
                self._buckets.popitem(last=False)


_BATCH = 1024
_EVERY_S = 5.0


class Touches:
    """Notes of use. A killed process loses those of the last seconds, which is all they are worth."""

    def __init__(self, table: MemoryTable, clock: Clock) -> None:
        self._table = table
        self._clock = clock
        self._lock = threading.Lock()
        self._noted: Counter[tuple[str, int]] = Counter()
        self._at = clock.now()
        self._flushed = clock.monotonic()

    def note(self, used: Sequence[tuple[str, int]], now: float) -> None:
        """Notes one use of each: a space and a number."""
        with self._lock:
            self._noted.update(used)
            self._at = now
            due = len(self._noted) >= _BATCH or self._clock.monotonic() - self._flushed >= _EVERY_S
        if due:
            self.flush()

    def flush(self) -> None:
        """Writes all notes."""
        with self._lock:
            noted, self._noted = self._noted, Counter()
            self._flushed = self._clock.monotonic()
            now = self._at
        by_plugin: dict[str, dict[int, int]] = {}
        for (plugin, seq), times in noted.items():
            by_plugin.setdefault(plugin, {})[seq] = times
        for plugin, seqs in by_plugin.items():
            self._table.touch(plugin, seqs, now, SPANS)


_LOOKS_EVERY = 64  # memories of a plugin; a tier may be over its cap by so many for a moment
_MORE_SHARE = 0.01  # beyond what is over, so that not every store evicts
_SLICE = 500


class Evictor:
    """Keeps tiers within their caps.

    Args:
        most: the setting `memory.max_per_tier`.
        tell: is told how many of a tier had to go.
    """

    def __init__(
        self,
        table: MemoryTable,
        indexes: MemoryIndexes,
        most: int,
        clock: Clock,
        tell: Callable[[str, Mapping[str, Any]], object],
    ) -> None:
        self._table = table
        self._indexes = indexes
        self._most = most
        self._clock = clock
        self._tell = tell
        self._lock = threading.Lock()
        self._since: Counter[str] = Counter()

    def cap(self, place: int) -> int | None:
        """The most memories of a tier that refuses more; None for a tier that lets the weakest go."""
        policy = policy_of(BY_PLACE[place])
        return None if policy.evicts else self._cap(policy)

    def stored(self, plugin: str, tiers: Iterable[MemoryTier], count: int) -> None:
        """Says that memories came: now and then, tiers that are over their cap are brought down."""
        with self._lock:
            self._since[plugin] += count
            # A small cap must not be overrun by as much as it holds.
            due = self._since[plugin] >= min(_LOOKS_EVERY, max(1, self._most // 10))
            if due:
                del self._since[plugin]
        if due:
            self.evict(plugin, tiers)

    def evict(self, plugin: str, tiers: Iterable[MemoryTier] = tuple(MemoryTier)) -> int:
        """Brings tiers down to their caps and returns how many memories had to go."""
        wanted = {tier.place: policy_of(tier) for tier in tiers}
        gone = 0
        for total in self._table.totals(plugin):
            policy = wanted.get(total.tier)
            if policy is not None and policy.evicts and total.items > self._cap(policy):
                over = total.items - self._cap(policy)
                gone += self._let_go(plugin, policy, over + int(_MORE_SHARE * self._cap(policy)))
        return gone

    def _cap(self, policy: TierPolicy) -> int:
        return min(policy.cap, self._most)

    def _let_go(self, plugin: str, policy: TierPolicy, count: int) -> int:
        with self._indexes.of(plugin) as opened:
            weakest = [] if opened is None else _weakest(opened.columns, policy, count, self._clock.now())
        gone = 0
        for at in range(0, len(weakest), _SLICE):
            gone += self._indexes.forget(plugin, weakest[at : at + _SLICE], self._clock.now())
        if gone:
            self._tell("memory.evicted", {"tier": policy.tier.value, "count": gone, "owner": plugin})
        return gone


def _weakest(columns: MemoryColumns, policy: TierPolicy, count: int, now: float) -> list[int]:
    """The numbers of the memories with the lowest standing; see `importance.standing`. Pinned ones stay."""
    # Superseded ones count too, and are the first to go.
    places = np.flatnonzero(
        (columns.column("tier") == policy.tier.place) & ~columns.column("pinned") & columns.column("kept")
    )
    age = np.maximum(now - columns.column("created")[places], 0)
    fades = 1.0 if policy.half_life_s is None else np.exp2(-age / policy.half_life_s)
    standing = columns.column("importance")[places] * fades + 0.1 * np.log1p(columns.column("hits")[places])
    standing = np.where(columns.column("live")[places], standing, -1.0)
    order = np.lexsort((columns.column("created")[places], standing))
    return columns.seqs(places[order[:count]])


class Corrections:
    """For the operator and the host. Usable from any thread."""

    def __init__(
        self,
        table: MemoryTable,
        lookup: Lookup,
        clock: Clock,
        tell: Callable[[str, Mapping[str, Any]], object],
    ) -> None:
        self._table = table
        self._lookup = lookup
        self._clock = clock
        self._tell = tell

    def pin(self, item: str, pinned: bool = True) -> Memory:
        """Keeps a memory for ever, or lets its tier decide again. Raises: NotFound; PermissionDenied."""
        kept = self._lookup.changeable(item)
        expires = expiry(policy_of(tier_of(kept)), kept.importance, self._clock.now(), pinned=pinned)
        self._table.change(kept.plugin, kept.seq, pinned=int(pinned), expires_at=expires)
        return self._lookup.again(item, kept.plugin)

    def approve(self, item: str) -> Memory:
        """Lets a quarantined memory be recalled. Raises: NotFound."""
        kept = self._lookup.kept(item, self._lookup.owners(None))
        if kept is None or kept.state != QUARANTINED:
            raise NotFound(f"no memory {item[:80]!r} waits for approval", remedy="see `omnicore memory stats`")
        self._table.change(kept.plugin, kept.seq, state=LIVE)
        self._tell("memory.approved", {"tier": str(tier_of(kept)), "id": item})
        return self._lookup.again(item, kept.plugin)

    def supersede(self, item: str, by: str) -> None:
        """Says that a memory is corrected by another of the same owner: the old one is no longer recalled.

        Raises: NotFound; PermissionDenied; InvalidInput.
        """
        old = self._lookup.changeable(item)
        new = self._lookup.kept(by, (old.plugin,))
        if new is None or old.id in (new.id, new.superseded_by):
            raise InvalidInput(f"{by[:80]!r} cannot take the place of {item[:80]!r}", remedy="name another memory")
        self._table.change(old.plugin, old.seq, superseded_by=new.id)
        self._table.link(old.plugin, [(new.id, "supersedes", old.id, "")], self._clock.now())

    def practise(self, item: str, worked: bool) -> Memory:
        """Notes that a skill, a procedural memory, was used: its success rate becomes its importance.

        Raises: NotFound; InvalidInput: no skill.
        """
        while True:
            kept = self._lookup.changeable(item)
            metadata = json.loads(kept.metadata)
            skill = read_skill(metadata)
            if skill is None or tier_of(kept) is not MemoryTier.Procedural:
                raise InvalidInput(f"{item[:80]!r} is no skill", remedy="store one in procedural, with a `function`")
            text = json.dumps(metadata | (skill := skill.used(worked)).to_metadata(), separators=(",", ":"))
            given: dict[str, Any] = {"before": kept.metadata, "metadata": text, "importance": skill.success_rate}
            if self._table.change(kept.plugin, kept.seq, **given):  # else another use was noted meanwhile
                return self._lookup.again(item, kept.plugin)


HOST = "@host"
"""The owner of memories that the operator stores for no plugin in particular."""

_MOST_ASKED = 1000
_QUESTION_BYTES = 64 * 1024
_ERASED_AT_ONCE = 500

Tell = Callable[[str, Mapping[str, Any]], object]
"""Publishes an event: a topic and its data."""


class Memories:
    """The memories of the host and its plugins.

    Args:
        sense: the embedder behind its breaker.
        tell: is told of what was stored, forgotten and evicted.
        folder: where indexes are kept for the next start; None keeps none.

    Owns: indexes in RAM and a thread that builds indexes, until `close`.
    """

    def __init__(
        self,
        store: Store,
        *,
        settings: MemorySettings,
        clock: Clock,
        sense: Sense,
        tell: Tell,
        folder: Path | None = None,
    ) -> None:
        self.table = MemoryTable(store, words_of)
        self.settings = settings
        self.clock = clock
        self.sense = sense
        self.tell = tell
        self.immediate = ImmediateTier(sense.name)
        self.indexes = MemoryIndexes(
            self.table,
            clock=clock,
            sense_by=sense.name,
            most=settings.in_ram,
            exact_upto=settings.exact_upto,
            folder=folder,
            file_least=settings.file_least,
            file_every_s=settings.file_every_s,
        )
        self.lookup = Lookup(self.table, self.indexes, self.immediate, clock)
        self.correct = Corrections(self.table, self.lookup, clock, tell)
        reranker = reranker_in(settings.reranker)
        self._finder = Finder(self.table, self.indexes, self.immediate, _weights(settings), reranker)
        self._touches = Touches(self.table, clock)
        self._rate = WriteRate(settings.writes_per_s, clock)
        self.evictor = Evictor(self.table, self.indexes, settings.max_per_tier, clock, tell)
        self.facts = MemoryFacts(FactTable(store))
        self.figures: Counter[str] = Counter(memories_stored=0, memories_recalled=0, memory_recalls=0)

    @property
    def blocks(self) -> MemoryBlocks:
        """The core blocks, which are given with every recall."""
        return MemoryBlocks(BlockTable(self.table.store))

    def store(
        self,
        text: str,
        tier: str = MemoryTier.Episodic,
        *,
        owner: str = HOST,
        importance: float | None = None,
        embedding: Sequence[float] | None = None,
        metadata: Mapping[str, Any] | None = None,
        source: str | None = None,
        pinned: bool = False,
        said_at: float | None = None,
        **scope: Unpack[ScopeNames],
    ) -> str:
        """Remembers a text and returns the memory's id: the same text in the same tier and scope is the same memory.

        Args:
            said_at: when it was said, in seconds since the epoch; None for now.
            scope: the `user`, `agent`, `session` and `app` whose it is. Who recalls with a scope finds what has it.

        Raises: InvalidInput; LimitExceeded: the tier is full; StorageFailed.
        """
        given = None if embedding is None else tuple(embedding)
        draft = MemoryDraft(text, tier, importance, given, metadata or {}, said_at, scoped(scope))
        return self.store_many([draft], owner=owner, origin=MemoryOrigin("host", source=source), pinned=pinned)[0]

    def store_many(
        self,
        drafts: Sequence[MemoryDraft],
        *,
        owner: str = HOST,
        origin: MemoryOrigin | None = None,
        quota: Quota = (None, None),
        pinned: bool = False,
    ) -> list[str]:
        """Remembers all or none; their ids. Raises: as `store`."""
        now = self.clock.now()
        origin = origin or MemoryOrigin("host")
        checked_owner(owner)
        checked = [self._check(drafted(draft, origin, now, pinned=pinned)) for draft in drafts]
        self._rate.take(owner, len(checked))
        rows = self.sensed(checked)
        tiers = [BY_PLACE[row.tier] for row in rows]
        ids: dict[int, str] = {}
        for space in (owner, SHARED_SPACE):
            wanted = [
                at
                for at, tier in enumerate(tiers)
                if tier is not MemoryTier.Immediate and (tier in SHARED) == (space == SHARED_SPACE)
            ]
            if wanted:
                ids.update(zip(wanted, self._keep(space, [rows[at] for at in wanted], quota), strict=True))
        for at, tier in enumerate(tiers):
            if tier is MemoryTier.Immediate:
                ids[at] = self._scratch(owner, rows[at], now)
        return [ids[at] for at in range(len(rows))]

    def recall(
        self,
        text: str | None = None,
        *,
        embedding: Sequence[float] | None = None,
        tiers: Iterable[str] | None = None,
        owner: str = HOST,
        limit: int = 10,
        budget: int | None = None,
        touch: bool = True,
        made: Made = ALWAYS,
        valid_at: float | None = None,
        as_of: float | None = None,
        min_score: float = 0.0,
        filter: Mapping[str, Any] | None = None,
        blocks: bool = True,
        **scope: Unpack[ScopeNames],
    ) -> Recall:
        """Memories that fit a text, an embedding or both, best first, each with its score and what that is made of.

        Args:
            tiers: where to look; None for all.
            budget: the most characters of all texts, blocks first; one that does not fit makes room for the next.
            touch: whether what is found counts as used.
            made: when it was said. Without, "what happened last week?" is answered from that time first.
            valid_at: the time that facts are asked of; by default the one that the question names, or now.
            as_of: leaves out all that was said later. Units of all times: seconds since the epoch.
            min_score: the score that a memory must have.
            filter: what their metadata must fulfil; see `omnicore.filters`. blocks: whether core blocks come along.
            scope: whose memories are asked for; of the shared tiers also what belongs to nobody.

        The rules of the cosmic tier are there in any case.

        Raises: InvalidInput: nothing to look for, a wrong tier, filter or name, or an embedding of another length.
        """
        wanted, least = Selection(scoped(scope), read_filter(filter)), _checked_score(min_score)
        asked = self._question(text, embedding, tiers, owner, limit, made.upto(as_of))
        question = dataclasses.replace(asked, least=least, selection=wanted)
        facts = () if text is None else self._facts(question, text, valid_at, as_of)
        return self._answered(question, facts, _checked_budget(budget), touch=touch, blocks=blocks)

    def _answered(
        self, question: Question, facts: tuple[Fact, ...], budget: int | None, *, touch: bool, blocks: bool
    ) -> Recall:
        names = question.selection.scope.names
        given, left_out = self.blocks.given(question.plugin, names, budget) if blocks else ([], [])
        room = None if budget is None else budget - sum(len(one.text) for one in given)
        told, notes = self._told(question, facts)
        items, left = within_budget(told, room)
        if touch:
            self._touch(question.plugin, items)
        self.figures.update(memory_recalls=1, memories_recalled=len(items))
        notes += [*self._notes(question.text), *left_out]
        notes += [f"{left} more do not fit into {room} characters"] if left else []
        return Recall(tuple(item for item, _ in items), tuple(notes), facts, tuple(given))

    def _facts(self, question: Question, text: str, valid_at: float | None, as_of: float | None) -> tuple[Fact, ...]:
        wanted = question.selection
        found = self.facts.asked(
            question.plugin, text, question.now, valid_at=valid_at, as_of=as_of, scope=wanted.scope.names
        )
        return found if wanted.filter is None else tuple(one for one in found if self._stated(question, one))

    def _told(self, question: Question, facts: Sequence[Fact]) -> tuple[list[tuple[Memory, Found]], list[str]]:
        """The memories that answer, those that state the facts before all others, and notes."""
        found, notes = self._found(question)
        told = self._telling(question, facts, self._fetched(question, found))
        if question.least and not any(not one.pinned for _, one in told):
            notes = [*notes, "nothing is known that fits"]
        return told, notes

    def _telling(
        self, question: Question, facts: Sequence[Fact], items: list[tuple[Memory, Found]]
    ) -> list[tuple[Memory, Found]]:
        """The found memories, with those that state the facts before all others."""
        by_id = {memory.id: (memory, found) for memory, found in items}
        best = max((found.score for _, found in items if not found.pinned), default=_OF_A_FACT)
        best = max(best, _OF_A_FACT)
        first: dict[str, tuple[Memory, Found]] = {}
        for fact in facts:
            kept = by_id.get(fact.memory or "") or self._stated(question, fact)
            if kept is not None:
                memory, found = kept
                parts = {**found.parts, "fact": 1.0}
                first[memory.id] = (scored(memory, best, parts), dataclasses.replace(found, score=best, parts=parts))
        rest = [one for one in items if one[0].id not in first]
        return [*first.values(), *rest][: question.most]

    def _stated(self, question: Question, fact: Fact) -> tuple[Memory, Found] | None:
        """The memory that states a fact, where the question reaches it."""
        kept = None if fact.memory is None else self.lookup.kept(fact.memory, (question.plugin,))
        open_ = kept is not None and tier_of(kept) in question.tiers and kept.state == LIVE
        if kept is None or not open_ or kept.superseded_by is not None or not question.made.holds(kept.created_at):
            return None
        if not question.selection.passes(kept):
            return None
        return shown(kept), Found(kept.plugin, kept.seq, 0.0, {})

    def _found(self, question: Question) -> tuple[list[Found], list[str]]:
        """The best memories, those of the time that a question speaks of first, and notes."""
        spoken = spoken_time(question.text, question.now) if question.text and question.made is ALWAYS else None
        if spoken is None:
            return self._finder.find(question), []
        then = self._finder.find(dataclasses.replace(question, made=Made(spoken.since, spoken.until)))
        notes = [] if any(not one.pinned for one in then) else [f"nothing is known from the time of {spoken.words!r}"]
        known = {(one.space, one.seq, one.scratch) for one in then}
        others = [one for one in self._finder.find(question) if (one.space, one.seq, one.scratch) not in known]
        return [*then, *others][: question.most], notes

    def _question(
        self,
        text: str | None,
        embedding: Sequence[float] | None,
        tiers: Iterable[str] | None,
        owner: str,
        limit: int,
        made: Made,
    ) -> Question:
        if text is not None and (len(text) > _QUESTION_BYTES or not text.strip()):
            text = checked_text(text)
        if text is None and embedding is None:
            raise InvalidInput("there is nothing to look for", remedy="give a text, an embedding, or both")
        if not 1 <= limit <= _MOST_ASKED:
            raise InvalidInput(f"{limit} memories cannot be recalled", remedy=f"ask for 1 to {_MOST_ASKED}")
        checked_owner(owner)
        wanted = tuple(dict.fromkeys(map(tier_named, MemoryTier if tiers is None else tiers)))
        sense = None if text is None else self.sense.of([text])
        return Question(
            plugin=owner,
            text=text,
            embedding=None if embedding is None else tuple(embedding),
            tiers=wanted,
            most=limit,
            now=self.clock.now(),
            sense=None if sense is None else sense[0],
            made=made,
        )

    def get(
        self,
        item: str,
        *,
        owner: str | None = None,
        tiers: Iterable[str] | None = None,
        scope: MemoryScope = ANYONE,
    ) -> Memory | None:
        """A memory by its id, if it is the owner's or shared, in one of the tiers and in the scope."""
        found = self._any(item, owner, tiers)
        if found is None:
            return None
        names = found.user, found.agent, found.session, found.app
        return found if scope.fits(names, shared=found.owner == SHARED_SPACE) else None

    def _any(self, item: str, owner: str | None, tiers: Iterable[str] | None) -> Memory | None:
        owners = self.lookup.owners(owner)
        wanted = None if tiers is None else {tier_named(tier) for tier in tiers}
        for plugin in owners:
            recent = self.immediate.known(plugin)
            if recent is not None:
                with recent.lock:
                    recent.expire(self.clock.now())
                    scratch = recent.named(item)
                if scratch is not None:
                    found = shown_scratch(plugin, scratch.row, scratch.hits)
                    return found if wanted is None or MemoryTier(found.tier) in wanted else None
        kept = self.lookup.kept(item, owners)
        if kept is None or (wanted is not None and tier_of(kept) not in wanted):
            return None
        return shown(kept)

    def newest(
        self,
        owner: str = HOST,
        tier: str | None = None,
        *,
        before: int | None = None,
        most: int = 100,
        filter: Mapping[str, Any] | None = None,
        **scope: Unpack[ScopeNames],
    ) -> tuple[list[Memory], int | None]:
        """See `Lookup.newest`. Raises: InvalidInput."""
        of = None if tier is None else tier_named(tier)
        wanted = Selection(scoped(scope), read_filter(filter))
        before = LAST if before is None else before
        return self.lookup.newest(checked_owner(owner), of, wanted, before=before, most=most)

    def forget_all(
        self, *, owner: str = HOST, filter: Mapping[str, Any] | None = None, **scope: Unpack[ScopeNames]
    ) -> Forgotten:
        """Erases all that a scope and a filter select, with what was made of it.

        Without a filter, the facts and the blocks of the scope go too.

        Of the shared tiers it erases what the owner wrote for the scope.

        Raises: InvalidInput: no scope and no filter.
        """
        wanted = Selection(scoped(scope), read_filter(filter))
        if not wanted:
            raise InvalidInput("it is not said whose memories go", remedy="name a user, an agent, a session or an app")
        gone = self._forget_scratch(checked_owner(owner), wanted)
        for space in (owner, SHARED_SPACE):
            before = LAST
            while rows := self.lookup.selected(space, None, wanted, before=before, most=_ERASED_AT_ONCE):
                before = rows[-1].seq
                own = [row for row in rows if owner in (space, HOST, row.writer)]
                ids = self.indexes.erase(space, [row.id for row in own], self.clock.now())
                if ids:
                    tier = BY_PLACE[own[0].tier].value
                    self.tell("memory.forgotten", {"tier": tier, "id": ids[0], "owner": space, "also": ids[1:]})
                gone += len(ids)
        if wanted.filter is not None:
            return Forgotten(gone)
        names = wanted.scope.names
        return Forgotten(gone, self.facts.erase(owner, names), self.blocks.erase(owner, names))

    def _forget_scratch(self, owner: str, wanted: Selection) -> int:
        recent = self.immediate.known(owner)
        if recent is None:
            return 0
        with recent.lock:
            return sum(recent.remove(one.row.id) for one in recent.all() if wanted.passes(one.row))

    def forget(
        self,
        item: str,
        *,
        owner: str | None = None,
        tiers: Iterable[str] | None = None,
        by: str | None = None,
        scope: MemoryScope = ANYONE,
    ) -> tuple[str, ...]:
        """Erases a memory, those of the same text and all that was made of them; the ids of what is gone.

        Its words leave the full text with the next `clean`.

        Args:
            by: the plugin that asks; of the shared tiers it may forget only what it wrote itself.

        Raises: PermissionDenied.
        """
        found = self.get(item, owner=owner, tiers=tiers, scope=scope)
        if found is None:
            return ()
        if found.tier == MemoryTier.Immediate:
            recent = self.immediate.of(found.owner)
            with recent.lock:
                return (item,) if recent.remove(item) else ()
        tier = MemoryTier(found.tier)
        if by is not None and tier in SHARED and (found.writer != by or policy_of(tier).writer != "grant"):
            raise PermissionDenied(
                f"{by} may not forget what is shared in {tier}",
                remedy=f"the operator can, by `omnicore memory rm {item}`",
                resource=str(tier),
            )
        gone = tuple(self.indexes.erase(found.owner, [item], self.clock.now()))
        if gone:
            told = {"tier": found.tier, "id": item, "owner": found.owner, "also": list(gone[1:])}
            self.tell("memory.forgotten", told)
        return gone

    def clean(self) -> None:
        """Removes what was forgotten from the full text and the database's log, where that is due."""
        if clean_words(self.table.store, self.clock.now()):
            self.table.store.clean()

    def clear(self, owner: str) -> None:
        """Forgets everything of an owner at once, for when a plugin is removed."""
        self.immediate.drop(owner)
        self.table.clear(owner)
        self.indexes.drop(owner)

    def edges(self, item: str, *, owner: str | None = None) -> list[tuple[str, str, str, str]]:
        """Edges to the memories that a memory was made of, and to those made of it: from, relation, to, note."""
        kept = self.lookup.kept(item, self.lookup.owners(owner))
        return [] if kept is None else self.table.edges(kept.plugin, item)

    def flush(self) -> None:
        """Writes down which memories were used."""
        self._touches.flush()

    def close(self) -> None:
        """Writes down what waits, cleans, and frees the rest. The database stays open."""
        self.flush()
        self.clean()
        self.indexes.close()

    def problems(self) -> list[str]:
        """Reasons why recall is worse or slower than it could be, for health."""
        words = [f"the embedder fails: {self.sense.problem}"] if self.sense.problem else []
        return words + [f"the vector index fails: {problem}" for problem in self.indexes.problems()]

    def _check(self, row: NewMemory) -> NewMemory:
        known = self.settings.dimensions
        if known and row.given is not None and len(row.given) // 4 != known:
            raise InvalidInput(
                f"an embedding of {len(row.given) // 4} numbers does not fit the others",
                remedy=f"give {known} numbers",
                dimensions=known,
            )
        return row

    def sensed(self, rows: list[NewMemory]) -> list[NewMemory]:
        """The rows with the embedder's vectors; without, when it fails: they are made up for later."""
        found = self.sense.of([row.text for row in rows])
        if found is None:
            return rows
        halves = found.astype(np.float16)
        return [
            replace(row, sense=half.tobytes(), sense_by=self.sense.name) for row, half in zip(rows, halves, strict=True)
        ]

    def _keep(self, space: str, rows: list[NewMemory], quota: Quota) -> list[str]:
        added = self.table.add(space, rows, quota=quota, cap=self.evictor.cap)
        for one, row in zip(added, rows, strict=True):
            if one.new:
                self.figures["memories_stored"] += 1
                tier = BY_PLACE[row.tier].value
                self.tell("memory.stored", {"tier": tier, "id": one.id, "owner": space})
        self.evictor.stored(space, {BY_PLACE[row.tier] for row in rows}, len(rows))
        return [one.id for one in added]

    def _scratch(self, owner: str, row: NewMemory, now: float) -> str:
        recent = self.immediate.of(owner)
        with recent.lock:
            item, new = recent.add(row, now)
        if new:
            self.tell("memory.stored", {"tier": MemoryTier.Immediate.value, "id": item, "owner": owner})
        return item

    def _fetched(self, question: Question, found: list[Found]) -> list[tuple[Memory, Found]]:
        """The memories with their texts; those that went meanwhile are left out."""
        owner, wanted = question.plugin, question.selection
        rows: dict[tuple[str, int], KeptMemory] = {}
        for space in {one.space for one in found if not one.scratch}:
            for kept in self.table.fetch(space, [one.seq for one in found if one.space == space and not one.scratch]):
                # Numbers stand for names in the columns: what leaves here is compared with the names themselves.
                rule = tier_of(kept) is MemoryTier.Cosmic  # which is there whatever the filter says
                asked = Selection(wanted.scope) if rule else wanted
                if not asked or asked.passes(kept, shared=space == SHARED_SPACE):
                    rows[space, kept.seq] = kept
        items: list[tuple[Memory, Found]] = []
        for one in found:
            memory = self._scratched(owner, one) if one.scratch else _shown_row(rows.get((one.space, one.seq)), one)
            if memory is not None:
                items.append((memory, one))
        return items

    def _scratched(self, owner: str, one: Found) -> Memory | None:
        scratch = next(iter(self.immediate.of(owner).at([one.seq])), None)
        return (
            None if scratch is None else scored(shown_scratch(owner, scratch.row, scratch.hits), one.score, one.parts)
        )

    def _touch(self, owner: str, items: list[tuple[Memory, Found]]) -> None:
        recent = self.immediate.known(owner)
        if recent is not None:
            for scratch in recent.at([one.seq for _, one in items if one.scratch]):
                scratch.hits += 1
        self._touches.note([(one.space, one.seq) for _, one in items if not one.scratch], self.clock.now())

    def _notes(self, text: str | None) -> list[str]:
        notes = self.problems()
        if text is not None and self.sense.name is None:
            notes.append("no embedder is set: texts are found by their words")
        return notes


_OF_A_FACT = 0.9
"""The least score of a memory that states a fact which was asked for and holds."""


def _shown_row(kept: KeptMemory | None, one: Found) -> Memory | None:
    return None if kept is None else shown(kept, one.score, one.parts)


def _checked_budget(value: int | None) -> int | None:
    if value is not None and value < 1:
        raise InvalidInput(f"nothing fits into {value} characters", remedy="give 1 or more, or no budget")
    return value


def _checked_score(value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not 0 <= value <= 1:
        raise InvalidInput("min_score is no number from 0 to 1", remedy="give a probability, such as 0.5")
    return float(value)


def _weights(settings: MemorySettings) -> Weights:
    return Weights(**{name: getattr(settings, f"weight_{name}") for name in Weights.__dataclass_fields__})
