"""The memories of a host: stored, recalled, forgotten, corrected. Blocking, and usable from any thread."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from omnicore.clock import Clock
from omnicore.config.sections.memory import MemorySettings
from omnicore.errors import InvalidInput, PermissionDenied
from omnicore.memory.corrections import Corrections
from omnicore.memory.drafting import Origin, checked_owner, checked_text, drafted, tier_named, words_of
from omnicore.memory.embedding.embedder import Sense
from omnicore.memory.evicting import Evictor
from omnicore.memory.finding import ALWAYS, Finder, Found, Made, Question
from omnicore.memory.item import Memory, MemoryDraft, Recall
from omnicore.memory.lookup import Lookup, tier_of
from omnicore.memory.ranking import Weights
from omnicore.memory.rate import WriteRate
from omnicore.memory.ring import Rings
from omnicore.memory.shelves import Shelves
from omnicore.memory.showing import scored, shown, shown_scratch
from omnicore.memory.tiers import BY_PLACE, SHARED, MemoryTier, policy_of
from omnicore.memory.touches import Touches
from omnicore.storage.store import Store
from omnicore.storage.tables.memory import MemoryTable, Quota
from omnicore.storage.tables.memory_rows import SHARED_SPACE, KeptMemory, NewMemory
from omnicore.storage.tables.memory_words import LAST
from omnicore.vectors.numeric import np

__all__ = ["HOST", "Memories", "Tell"]

HOST = "@host"
"""Who owns what the operator stores for no plugin in particular."""

_MOST_ASKED = 1000
_QUESTION_BYTES = 64 * 1024

Tell = Callable[[str, Mapping[str, Any]], object]
"""Publishes an event: a topic and its data."""


@dataclass(frozen=True, slots=True)
class _Checked:
    row: NewMemory
    tier: MemoryTier


class Memories:
    """What the host and its plugins remember.

    Args:
        sense: the embedder behind its breaker.
        tell: is told of what was stored, forgotten and evicted.

    Owns: shelves in RAM and a thread that builds indexes, until `close`.
    """

    def __init__(self, store: Store, *, settings: MemorySettings, clock: Clock, sense: Sense, tell: Tell) -> None:
        self.table = MemoryTable(store, words_of)
        self.settings = settings
        self.clock = clock
        self.sense = sense
        self.tell = tell
        self.rings = Rings(sense.name)
        self.shelves = Shelves(
            self.table,
            clock=clock,
            sense_by=sense.name,
            most=settings.in_ram,
            exact_upto=settings.exact_upto,
            m=settings.m,
            ef=settings.ef,
        )
        self.lookup = Lookup(self.table, self.rings, clock)
        self.correct = Corrections(self.table, self.lookup, clock, tell)
        self._finder = Finder(self.table, self.shelves, self.rings, _weights(settings))
        self._touches = Touches(self.table, clock)
        self._rate = WriteRate(settings.writes_per_s, clock)
        self.evictor = Evictor(self.table, self.shelves, settings.max_per_tier, clock, tell)
        self.figures: Counter[str] = Counter(memories_stored=0, memories_recalled=0, memory_recalls=0)

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
    ) -> str:
        """Remembers a text and returns the memory's id: the same text in the same tier is the same memory.

        Raises: InvalidInput; LimitExceeded: the tier is full; StorageFailed.
        """
        given = None if embedding is None else tuple(embedding)
        draft = MemoryDraft(text, tier, importance, given, metadata or {})
        return self.store_many([draft], owner=owner, origin=Origin("host", source=source), pinned=pinned)[0]

    def store_many(
        self,
        drafts: Sequence[MemoryDraft],
        *,
        owner: str = HOST,
        origin: Origin | None = None,
        quota: Quota = (None, None),
        pinned: bool = False,
    ) -> list[str]:
        """Remembers all or none; their ids. Raises: as `store`."""
        now = self.clock.now()
        origin = origin or Origin("host")
        checked_owner(owner)
        checked = [self._check(drafted(draft, origin, now, pinned=pinned)) for draft in drafts]
        self._rate.take(owner, len(checked))
        rows = self.sensed([one.row for one in checked])
        ids: dict[int, str] = {}
        for space in (owner, SHARED_SPACE):
            wanted = [
                at
                for at, one in enumerate(checked)
                if one.tier is not MemoryTier.Immediate and (one.tier in SHARED) == (space == SHARED_SPACE)
            ]
            if wanted:
                ids.update(zip(wanted, self._keep(space, [rows[at] for at in wanted], quota), strict=True))
        for at, one in enumerate(checked):
            if one.tier is MemoryTier.Immediate:
                ids[at] = self._scratch(owner, rows[at], now)
        return [ids[at] for at in range(len(checked))]

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
    ) -> Recall:
        """What fits a text, an embedding or both, best first, each with its score and what that is made of.

        Args:
            tiers: where to look; None for all.
            budget: the most characters of all texts together; a text that does not fit makes room for the next.
            touch: whether what is found counts as used.
            made: when what is looked for was stored; the rules of the cosmic tier are there in any case.

        Raises: InvalidInput: nothing to look for, a wrong tier, or an embedding of another length.
        """
        if budget is not None and budget < 1:
            raise InvalidInput(f"nothing fits into {budget} characters", remedy="give 1 or more, or no budget")
        found = self._finder.find(replace(self._question(text, embedding, tiers, owner, limit), made=made))
        items, left = within_budget(self._fetched(owner, found), budget)
        if touch:
            self._touch(owner, items)
        self.figures["memory_recalls"] += 1
        self.figures["memories_recalled"] += len(items)
        return Recall(tuple(item for item, _ in items), (*self._notes(text), *_left(left, budget)))

    def _question(
        self, text: str | None, embedding: Sequence[float] | None, tiers: Iterable[str] | None, owner: str, limit: int
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
        )

    def get(self, item: str, *, owner: str | None = None, tiers: Iterable[str] | None = None) -> Memory | None:
        """A memory by its id, if it is the owner's or shared, and in one of the tiers."""
        owners = self.lookup.owners(owner)
        wanted = None if tiers is None else {tier_named(tier) for tier in tiers}
        for plugin in owners:
            ring = self.rings.known(plugin)
            if ring is not None:
                with ring.lock:
                    ring.expire(self.clock.now())
                    scratch = ring.named(item)
                if scratch is not None:
                    found = shown_scratch(plugin, scratch.row, scratch.hits)
                    return found if wanted is None or MemoryTier(found.tier) in wanted else None
        kept = self.lookup.kept(item, owners)
        if kept is None or (wanted is not None and tier_of(kept) not in wanted):
            return None
        return shown(kept)

    def newest(
        self, owner: str = HOST, tier: str | None = None, *, before: int | None = None, most: int = 100
    ) -> tuple[list[Memory], int | None]:
        """See `Lookup.newest`. Raises: InvalidInput."""
        wanted = None if tier is None else tier_named(tier)
        return self.lookup.newest(checked_owner(owner), wanted, before=LAST if before is None else before, most=most)

    def forget(
        self, item: str, *, owner: str | None = None, tiers: Iterable[str] | None = None, by: str | None = None
    ) -> bool:
        """Whether there was such a memory, which is erased now.

        Args:
            by: the plugin that asks; of the shared tiers it may forget only what it wrote itself.

        Raises: PermissionDenied.
        """
        found = self.get(item, owner=owner, tiers=tiers)
        if found is None:
            return False
        if found.tier == MemoryTier.Immediate:
            ring = self.rings.of(found.owner)
            with ring.lock:
                return ring.remove(item)
        tier = MemoryTier(found.tier)
        if by is not None and tier in SHARED and (found.writer != by or policy_of(tier).writer != "grant"):
            raise PermissionDenied(
                f"{by} may not forget what is shared in {tier}",
                remedy=f"the operator can, by `omnicore memory forget {item}`",
                resource=str(tier),
            )
        kept = self.lookup.kept(item, (found.owner,))
        if kept is None or not self.table.forget(kept.plugin, [kept.seq], self.clock.now()):
            return False
        self.tell("memory.forgotten", {"tier": found.tier, "id": item, "owner": kept.plugin})
        return True

    def clear(self, owner: str) -> None:
        """Forgets everything of an owner at once, for when a plugin is removed."""
        self.rings.drop(owner)
        self.table.clear(owner)
        self.shelves.drop(owner)

    def edges(self, item: str, *, owner: str | None = None) -> list[tuple[str, str, str, str]]:
        """What a memory was made of and what was made of it: from, what, to, note."""
        kept = self.lookup.kept(item, self.lookup.owners(owner))
        return [] if kept is None else self.table.edges(kept.plugin, item)

    def flush(self) -> None:
        """Writes down which memories were used."""
        self._touches.flush()

    def close(self) -> None:
        """Writes down what waits and frees the rest. The database stays open."""
        self.flush()
        self.shelves.close()

    def problems(self) -> list[str]:
        """Why recall is worse or slower than it could be, for health."""
        words = [f"the embedder fails: {self.sense.problem}"] if self.sense.problem else []
        return words + [f"the vector index fails: {problem}" for problem in self.shelves.problems()]

    def _check(self, row: NewMemory) -> _Checked:
        tier = BY_PLACE[row.tier]
        known = self.settings.dimensions
        if known and row.given is not None and len(row.given) // 4 != known:
            raise InvalidInput(
                f"an embedding of {len(row.given) // 4} numbers does not fit the setting memory.dimensions",
                remedy=f"give {known} numbers",
                dimensions=known,
            )
        return _Checked(row, tier)

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
        ring = self.rings.of(owner)
        with ring.lock:
            item, new = ring.add(row, now)
        if new:
            self.tell("memory.stored", {"tier": MemoryTier.Immediate.value, "id": item, "owner": owner})
        return item

    def _fetched(self, owner: str, found: list[Found]) -> list[tuple[Memory, Found]]:
        """The memories with their texts; those that went meanwhile are left out."""
        rows: dict[tuple[str, int], KeptMemory] = {}
        for space in {one.space for one in found if not one.scratch}:
            for kept in self.table.fetch(space, [one.seq for one in found if one.space == space and not one.scratch]):
                rows[space, kept.seq] = kept
        items: list[tuple[Memory, Found]] = []
        for one in found:
            memory = self._scratched(owner, one) if one.scratch else _shown_row(rows.get((one.space, one.seq)), one)
            if memory is not None:
                items.append((memory, one))
        return items

    def _scratched(self, owner: str, one: Found) -> Memory | None:
        scratch = next(iter(self.rings.of(owner).at([one.seq])), None)
        return (
            None if scratch is None else scored(shown_scratch(owner, scratch.row, scratch.hits), one.score, one.parts)
        )

    def _touch(self, owner: str, items: list[tuple[Memory, Found]]) -> None:
        ring = self.rings.known(owner)
        if ring is not None:
            for scratch in ring.at([one.seq for _, one in items if one.scratch]):
                scratch.hits += 1
        self._touches.note([(one.space, one.seq) for _, one in items if not one.scratch], self.clock.now())

    def _notes(self, text: str | None) -> list[str]:
        notes = self.problems()
        if text is not None and self.sense.name is None:
            notes.append("no embedder is set: texts are found by their words")
        return notes


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


def _left(count: int, budget: int | None) -> tuple[str, ...]:
    return (f"{count} more do not fit into {budget} characters",) if count else ()


def _shown_row(kept: KeptMemory | None, one: Found) -> Memory | None:
    return None if kept is None else shown(kept, one.score, one.parts)


def _weights(settings: MemorySettings) -> Weights:
    return Weights(**{name: getattr(settings, f"weight_{name}") for name in Weights.__dataclass_fields__})
