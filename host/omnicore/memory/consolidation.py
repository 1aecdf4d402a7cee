"""Consolidation: what proved worth it moves on, what belongs together becomes knowledge, what is over goes.

A memory that moves on keeps its id and its text: only its tier changes. Knowledge is derived: a new memory with an
edge to each one it was made of, which stay. Every piece is bounded, may be cut at any time and done again: nothing is
derived twice from one memory, and nothing moves twice.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.memory.columns import Floats, MemoryColumns
from omnicore.memory.item import MemoryDraft, MemoryOrigin, MemoryScope, drafted
from omnicore.memory.languages import language_of
from omnicore.memory.memories import Memories
from omnicore.memory.tiers import MemoryTier, TierPolicy, policy_of
from omnicore.records import replace
from omnicore.storage.tables.memory import Added, KeptMemory, MemoryCare, NewMemory
from omnicore.vectors.numeric import np

_log = logging.getLogger(__name__)

Summarise = Callable[[Sequence[str]], str | None]
"""Makes one text of several, or None."""

_BATCH = 500
_BATCHES = 20
_VALUED = 100  # batches, of 10 ms each: until they are done, filters read the rest row by row
_READ, _READS, _READS_S = 250, 100, 1.0
_BOOST = 1.1
_YOUNG_SHARE = 0.5
_ALIKE = 0.85
_THE_SAME = 0.97
_SOURCES_SHOWN = 20


@dataclass(slots=True)
class Consolidated:
    """The work of a consolidation: memories by where they went from and to, and what went."""

    moved: dict[tuple[str, str], int] = field(default_factory=dict)
    linked: int = 0
    expired: int = 0
    evicted: int = 0
    purged: int = 0
    embedded: int = 0
    facts: int = 0

    def to_json(self) -> dict[str, Any]:
        """As events, REST and commands show it."""
        moved = [{"from_tier": a, "to_tier": b, "count": count} for (a, b), count in sorted(self.moved.items())]
        others = ("linked", "expired", "evicted", "purged", "embedded", "facts")
        return {"moved": moved, **{name: getattr(self, name) for name in others}}


class Consolidator:
    """Looks after memories in the background.

    Args:
        summarise: makes knowledge of what belongs together; without one, or when it fails, the memory in the middle
            speaks for the others.
    """

    def __init__(self, memories: Memories, summarise: Summarise | None = None) -> None:
        self._memories = memories
        self._table = memories.table
        self._care = MemoryCare(memories.table)
        self._clock = memories.clock
        self.summarise = summarise

    def run(self, *, young: bool = True) -> Consolidated:
        """Everything, for all plugins.

        Args:
            young: whether memories move on however new they are; otherwise after half of their time.
        """
        done = Consolidated()
        self._memories.flush()
        for plugin in self._memories.immediate.plugins():
            self._keep_flagged(plugin, done)
        for plugin in self._table.plugins():
            self._run_for(plugin, done, young=young)
        self._read(done)
        self._sweep(done)
        for (source, target), count in sorted(done.moved.items()):
            data: Mapping[str, Any] = {"from_tier": source, "to_tier": target, "count": count}
            self._memories.tell("memory.consolidated", data)
        return done

    def sweep(self) -> Consolidated:
        """Only what must go on even where nothing is consolidated: what is over goes, and facts are read."""
        done = Consolidated()
        self._memories.flush()
        for plugin in self._table.plugins():
            self._revalue(plugin)
        self._read(done)
        self._sweep(done)
        return done

    def _run_for(self, plugin: str, done: Consolidated, *, young: bool) -> None:
        space = self._table.space(plugin)
        if space is None:
            return
        self._embed(plugin, done)
        self._reword(plugin)
        self._revalue(plugin)
        if space.sequence > space.consolidated or not young:
            for tier in (MemoryTier.ShortTerm, MemoryTier.Session):
                self._move(plugin, policy_of(tier), done, young=young)
        self._derive(plugin, done)
        done.evicted += self._memories.evictor.evict(plugin)

    def _keep_flagged(self, plugin: str, done: Consolidated) -> None:
        """Immediate memories whose metadata say `keep` become short-term ones."""
        recent = self._memories.immediate.known(plugin)
        if recent is None:
            return
        with recent.lock:
            recent.expire(self._clock.now())
            flagged = [one for one in recent.all() if '"keep":true' in one.row.metadata]
        policy = policy_of(MemoryTier.ShortTerm)
        for scratch in flagged:
            now = self._clock.now()
            row = replace(scratch.row, tier=policy.tier.place, expires_at=now + (policy.ttl_s or 0))
            added = self._taken_in(plugin, row)
            with recent.lock:
                there = recent.remove(row.id)
            if added is None:
                continue
            if added.new and not there and (scratch.row.expires_at or now) > now:  # it was forgotten meanwhile
                self._memories.indexes.erase(plugin, [added.id], now)
                continue
            _count(done, MemoryTier.Immediate, MemoryTier.ShortTerm, 1)

    def _taken_in(self, plugin: str, row: NewMemory) -> Added | None:
        """None if it cannot be kept: an embedding of another length must not end the care of all the others."""
        try:
            return self._table.add(plugin, [row], cap=self._memories.evictor.cap)[0]
        except (InvalidInput, LimitExceeded) as error:
            _log.warning("an immediate memory of %s was not kept: %s", plugin, error.fact)
            return None

    def _move(self, plugin: str, policy: TierPolicy, done: Consolidated, *, young: bool) -> None:
        target = policy.promote_to
        if target is None:
            return
        now = self._clock.now()
        ttl = policy_of(target).ttl_s  # no tier that is moved to keeps anything for ever
        with self._memories.indexes.of(plugin) as opened:
            seqs = [] if opened is None else _worthy(opened.columns, policy, now, young=young)
        for at in range(0, len(seqs), _BATCH):
            rows = self._table.fetch(plugin, seqs[at : at + _BATCH])
            rows = [row for row in rows if row.tier == policy.tier.place]
            expires = None if ttl is None else now + ttl
            count = self._care.move(plugin, rows, target.place, expires_at=expires, boost=_BOOST, now=now)
            _count(done, policy.tier, target, count)

    def _derive(self, plugin: str, done: Consolidated) -> None:
        """Knowledge from what happened, a batch at a time from where the last run came to."""
        policy = policy_of(MemoryTier.Episodic)
        for _ in range(_BATCHES):
            space = self._table.space(plugin)
            if space is None or space.sequence <= space.consolidated:
                return
            rows = self._care.fresh(
                plugin,
                policy.tier.place,
                after=space.consolidated,
                importance=policy.promote_at or 0.0,
                most=_BATCH,
            )
            if rows and not self._derive_from(plugin, [row for _, row in rows], done):
                return
            self._care.reached(plugin, rows[-1][0] if len(rows) == _BATCH else space.sequence)
            if len(rows) < _BATCH:
                return

    def _derive_from(self, plugin: str, rows: list[KeptMemory], done: Consolidated) -> bool:
        """False when there is no room for knowledge: what happened waits until there is."""
        whose: dict[tuple[str | None, ...], list[KeptMemory]] = {}
        for row in rows:
            whose.setdefault((row.user_id, row.agent_id, row.app_id), []).append(row)
        return all(self._derive_for_one(plugin, some, done) for some in whose.values())

    def _derive_for_one(self, plugin: str, rows: list[KeptMemory], done: Consolidated) -> bool:
        """The same for the memories of one user, agent and application: no memory is made of what two of them said."""
        vectors = self._vectors(plugin, rows)
        self._link_twins(plugin, rows, vectors, done)
        try:
            for cluster in clustered(vectors, _ALIKE):
                self._learn(plugin, [rows[at] for at in cluster], vectors[cluster], done)
        except LimitExceeded as error:
            _log.warning("nothing is learned from what happened to %s: %s", plugin, error.fact)
            self._memories.tell("memory.full", {"tier": MemoryTier.Semantic.value, "owner": plugin})
            return False
        return True

    def _learn(self, plugin: str, group: list[KeptMemory], vectors: Floats, done: Consolidated) -> None:
        """Makes knowledge of a group, without those of it that are forgotten meanwhile: a summary takes its time."""
        while group:
            middle = group[medoid(vectors)]
            text = self._summary([row.text for row in group]) or middle.text
            if self._store_derived(plugin, text, middle, group):
                _count(done, MemoryTier.Episodic, MemoryTier.Semantic, len(group))
                return
            left = {row.seq for row in self._table.fetch(plugin, [row.seq for row in group])}
            places = [at for at, row in enumerate(group) if row.seq in left]
            group, vectors = [group[at] for at in places], vectors[places]

    def _store_derived(self, plugin: str, text: str, middle: KeptMemory, group: list[KeptMemory]) -> bool:
        """False if some of the group are gone. Raises: LimitExceeded."""
        now = self._clock.now()
        same = text == middle.text
        draft = MemoryDraft(
            text,
            MemoryTier.Semantic,
            min(1.0, _BOOST * max(row.importance for row in group)),
            tuple(np.frombuffer(middle.given, np.float32).tolist()) if middle.given and same else None,
            {
                "derived_from": [row.id for row in group[:_SOURCES_SHOWN]],
                **({"speaker": middle.speaker} if middle.speaker and same else {}),
            },
            min(middle.created_at, now),
            MemoryScope(user=middle.user_id, agent=middle.agent_id, app=middle.app_id),
        )
        row = drafted(draft, MemoryOrigin(middle.writer, source="consolidation"), now)
        row = self._memories.sensed([row])[0]
        sources = [one.id for one in group]
        return self._table.derive(plugin, row, sources, now, cap=self._memories.evictor.cap) is not None

    def _summary(self, texts: Sequence[str]) -> str | None:
        if self.summarise is None or len(texts) < 2:
            return None
        try:
            found = self.summarise(texts)
        except Exception as error:  # a plugin or a network: the memory in the middle speaks for the others
            _log.warning("the summariser failed: %s", error)
            return None
        return found.strip() or None if isinstance(found, str) else None

    def _vectors(self, plugin: str, rows: list[KeptMemory]) -> Floats:
        """The embedder's vectors of memories; zeros, which are like nothing, where there are none."""
        with self._memories.indexes.of(plugin) as opened:
            if opened is None or not opened.columns.sense.dimensions:
                return np.zeros((len(rows), 1), np.float32)
            places = opened.columns.places(row.seq for row in rows)
            return np.array([opened.columns.sense.row(place) for place in places], np.float32)

    def _link_twins(self, plugin: str, rows: list[KeptMemory], vectors: Floats, done: Consolidated) -> None:
        """Says of memories that they are nearly the same; none of them goes."""
        alike = np.triu(vectors @ vectors.T >= _THE_SAME, 1)
        edges = [(rows[one].id, "same_as", rows[other].id, "") for one, other in np.argwhere(alike)[:_BATCH].tolist()]
        if edges:
            self._table.link(plugin, edges, self._clock.now())
            done.linked += len(edges)

    def _embed(self, plugin: str, done: Consolidated) -> None:
        """Makes up for vectors that are missing: the embedder failed, or is another one now."""
        name = self._memories.sense.name
        if name is None:
            return
        with self._memories.indexes.of(plugin) as opened:
            waiting = [] if opened is None else opened.columns.seqs(np.array(sorted(opened.columns.unsensed), np.int64))
        for at in range(0, min(len(waiting), _BATCH * _BATCHES), _BATCH):
            rows = self._table.fetch(plugin, waiting[at : at + _BATCH])
            found = self._memories.sense.of([row.text for row in rows])
            if found is None or not rows:
                return
            halves = found.astype(np.float16)
            self._care.sensed(plugin, [(row.seq, half.tobytes()) for row, half in zip(rows, halves, strict=True)], name)
            done.embedded += len(rows)

    def _reword(self, plugin: str) -> None:
        """Enters memories of earlier versions by the stems of their language."""
        for _ in range(_BATCHES):
            if self._table.reword(plugin, language_of, _BATCH) < _BATCH:
                return

    def _revalue(self, plugin: str) -> None:
        """Enters the metadata of memories of earlier versions by their values."""
        for _ in range(_VALUED):
            if self._table.revalue(plugin, _BATCH) < _BATCH:
                return

    def _read(self, done: Consolidated) -> None:
        """Reads memories for facts that nobody read: those of earlier versions, and those that left the working tiers.

        It ends after a second, and goes on from there with the next round: a sixtieth of a processor.
        """
        end = self._clock.monotonic() + _READS_S
        for plugin in self._table.plugins():
            after: int | None = 0
            for _ in range(_READS):
                if after is None:
                    break
                if self._clock.monotonic() > end:
                    return
                count, after = self._memories.facts.read(plugin, most=_READ, after=after)
                done.facts += count

    def _sweep(self, done: Consolidated) -> None:
        now = self._clock.now()
        for _ in range(_BATCHES):
            over = self._care.expired(now, _BATCH)
            for plugin in sorted({plugin for plugin, _ in over}):
                done.expired += self._memories.indexes.forget(plugin, [seq for one, seq in over if one == plugin], now)
            if len(over) < _BATCH:
                break
        for _ in range(_BATCHES):
            count = self._care.purge(now - self._memories.settings.grace_s, _BATCH)
            done.purged += count
            if count < _BATCH:
                break


def clustered(vectors: Floats, least: float) -> list[list[int]]:
    """Groups of rows of which each is like the first one of its group; one that is like none stands alone."""
    groups: list[list[int]] = []
    left = np.ones(len(vectors), np.bool_)
    for place in range(len(vectors)):
        if left[place]:
            alike = (vectors @ vectors[place] >= least) & left
            alike[place] = True
            left &= ~alike
            groups.append(np.flatnonzero(alike).tolist())
    return groups


def medoid(vectors: Floats) -> int:
    """The row that is most like all others."""
    return int(np.argmax((vectors @ vectors.T).sum(axis=1)))


def _worthy(columns: MemoryColumns, policy: TierPolicy, now: float, *, young: bool) -> list[int]:
    """The numbers of the memories of a tier that move on; ones that expired unseen may still do."""
    places = columns.in_tier(policy.tier)
    worth = columns.column("importance")[places] >= np.float32(2.0 if policy.promote_at is None else policy.promote_at)
    if policy.promote_hits is not None:
        worth |= columns.column("hits")[places] >= policy.promote_hits
    if not young and policy.ttl_s is not None:
        worth &= columns.column("created")[places] <= now - _YOUNG_SHARE * policy.ttl_s
    return columns.seqs(places[worth][: _BATCH * _BATCHES])


def _count(done: Consolidated, source: MemoryTier, target: MemoryTier, count: int) -> None:
    if count:
        key = (source.value, target.value)
        done.moved[key] = done.moved.get(key, 0) + count
