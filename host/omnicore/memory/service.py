"""The memory service: awaited by the host, guarded for plugins, consolidated while it runs, exported and imported.

A pack is a file of JSON lines between a head that names it and a foot with the hash of all before it.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import re
from collections.abc import Mapping
from functools import partial
from typing import IO, TYPE_CHECKING, Annotated, Any, ParamSpec, TypeVar, Unpack

from omnicore.errors import InvalidInput, PermissionDenied
from omnicore.jobs.loop import Loop
from omnicore.memory.blocks import MemoryBlock, MemoryBlockVersion
from omnicore.memory.consolidation import Consolidated, Consolidator, Summarise
from omnicore.memory.facts import MOST_NAMED, Fact
from omnicore.memory.item import (
    ANYONE,
    Forgotten,
    Memory,
    MemoryDraft,
    MemoryItem,
    MemoryOrigin,
    MemoryQuery,
    MemoryScope,
    Recall,
    ScopeNames,
    checked_owner,
    scoped,
    shown,
    text_hash,
    tier_named,
)
from omnicore.memory.memories import HOST, Memories
from omnicore.memory.recall import ALWAYS, Made
from omnicore.memory.selection import ALL, Selection
from omnicore.memory.tiers import BY_PLACE, TIER_POLICIES, MemoryTier, TierPolicy, policy_of
from omnicore.records import Meta, Record, asdict, field
from omnicore.resilience.turns import Turns
from omnicore.storage.tables.memory import SHARED_SPACE, KeptMemory

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence

    from omnicore.memory.memories import Memories


class MemoryStats(Record, frozen=True):
    """Memories and their bytes, expired ones not yet swept among them."""

    items: int
    bytes: int
    by_tier: Mapping[str, int]
    by_owner: Mapping[str, int]
    quarantined: Annotated[int, Meta(description="Memories that wait for approval.")]
    unread: Annotated[int, Meta(description="Memories that are still to be read for facts, in the background.")]
    embedder: str | None
    problems: tuple[str, ...]


def measured(memories: Memories, owner: str | None = None) -> MemoryStats:
    """The stats of one owner, or of all."""
    tiers = dict.fromkeys((tier.value for tier in MemoryTier), 0)
    owners: dict[str, int] = {}
    size = 0
    for total in memories.table.totals(owner):
        tiers[BY_PLACE[total.tier].value] += total.items
        owners[total.plugin] = owners.get(total.plugin, 0) + total.items
        size += total.bytes
    for plugin in memories.immediate.plugins() if owner is None else [owner]:
        recent = memories.immediate.known(plugin)
        if recent is not None:
            with recent.lock:
                recent.expire(memories.clock.now())
                held = len(recent.all())
            tiers[MemoryTier.Immediate] += held
            owners[plugin] = owners.get(plugin, 0) + held
    return MemoryStats(
        items=sum(tiers.values()),
        bytes=size,
        by_tier=tiers,
        by_owner={name: count for name, count in owners.items() if count},
        quarantined=memories.table.quarantined(),
        unread=memories.facts.waiting(owner),
        embedder=memories.sense.name,
        problems=tuple(memories.problems()),
    )


class MemoryEntity(Record, frozen=True):
    """All that is known of somebody or something, as it came about."""

    name: str
    facts: Annotated[tuple[Fact, ...], Meta(description="The facts, by the time from when on they hold.")]
    memories: Annotated[tuple[Memory, ...], Meta(description="What mentions it or was said by it, the oldest first.")]


_MENTIONS = 200


def known_of(memories: Memories, name: str, *, owner: str, scope: ScopeNames) -> MemoryEntity:
    """The facts about a name and the memories that mention it, of the 200 that fit it best. Raises: InvalidInput."""
    if not 0 < len(name.strip()) <= MOST_NAMED:
        raise InvalidInput("that is no name", remedy=f"use 1 to {MOST_NAMED} characters", path="entity")
    facts = memories.facts.timeline(checked_owner(owner), name, scope=scoped(scope).names)
    stated = {fact.memory for fact in facts}
    whole = re.compile(rf"(?<!\w){re.escape(name.strip())}(?!\w)", re.IGNORECASE)
    found = memories.recall(name, owner=owner, limit=_MENTIONS, touch=False, blocks=False, **scope).items
    about = [one for one in found if one.id in stated or whole.search(one.text) or _said_by(one, whole)]
    return MemoryEntity(name, tuple(facts), tuple(sorted(about, key=lambda one: (one.created_at, one.id))))


def _said_by(memory: Memory, name: re.Pattern[str]) -> bool:
    speaker = memory.metadata.get("speaker")
    return isinstance(speaker, str) and name.fullmatch(speaker) is not None


class Holding(Record, frozen=True):
    """The memories of one owner, counted."""

    owner: Annotated[
        str, Meta(description="A plugin, `@host`, or `@shared` for the tiers that belong to nobody alone.")
    ]
    items: int = 0
    bytes: int = 0
    by_tier: Mapping[str, int] = field(default_factory=dict)

    def plus(self, tier: str, items: int, size: int) -> Holding:
        """With what is in a further tier."""
        return Holding(self.owner, self.items + items, self.bytes + size, {**self.by_tier, tier: items})


def held_by(memories: Memories) -> Mapping[str, Holding]:
    """The holding of each owner, by name."""
    found: dict[str, Holding] = {}
    for total in memories.table.totals():
        if total.items:
            known = found.get(total.plugin) or Holding(total.plugin)
            found[total.plugin] = known.plus(BY_PLACE[total.tier].value, total.items, total.bytes)
    for owner, (items, size) in _scratch(memories).items():
        found[owner] = (found.get(owner) or Holding(owner)).plus(MemoryTier.Immediate.value, items, size)
    return dict(sorted(found.items()))


def _scratch(memories: Memories) -> dict[str, tuple[int, int]]:
    """The number and size of memories that each owner has in RAM."""
    found: dict[str, tuple[int, int]] = {}
    for owner in memories.immediate.plugins():
        recent = memories.immediate.known(owner)
        if recent is None:
            continue
        with recent.lock:
            recent.expire(memories.clock.now())
            held = recent.all()
        if held:
            found[owner] = (len(held), sum(one.row.size for one in held))
    return found


_log = logging.getLogger(__name__)
_LOOK_S = 60.0
_P = ParamSpec("_P")
_T = TypeVar("_T")


class PluginMemories:
    """Memories for the memory capability: each plugin sees its own memories and the shared tiers it was granted."""

    def __init__(self, memories: Memories) -> None:
        self._memories = memories
        # Several, for an embedder may be far away; few for each, for the host's own keeps a processor busy.
        self._turns = Turns(4, 2, name="omnicore-memory")

    async def store(self, plugin: str, draft: MemoryDraft, *, max_items: int, max_bytes: int) -> str:
        """Remembers for a plugin. Raises: LimitExceeded; InvalidInput; PermissionDenied."""
        tier = tier_named(draft.tier)
        if policy_of(tier).writer in ("host", "operator"):
            raise PermissionDenied(
                f"no plugin may write to {tier}",
                remedy=f"the {policy_of(tier).writer} does; use another tier",
                resource=str(tier),
            )
        store = partial(self._memories.store_many, [draft], owner=plugin, origin=MemoryOrigin(plugin))
        ids = await self._turns.take(plugin, partial(store, quota=(max_items, max_bytes)))
        return ids[0]

    async def recall(self, plugin: str, query: MemoryQuery) -> Sequence[MemoryItem]:
        """Memories that fit best, best first. Raises: InvalidInput."""
        recall = partial(self._memories.recall, query.text, embedding=query.embedding, owner=plugin, blocks=False)
        asked = partial(recall, tiers=query.tiers, limit=query.limit, min_score=query.min_score, filter=query.filter)
        asked = partial(asked, **asdict(query.scope))
        found = await self._turns.take(plugin, asked)
        return [item.item() for item in found.items]

    def get(self, plugin: str, item: str, tiers: tuple[str, ...], scope: MemoryScope = ANYONE) -> MemoryItem | None:
        """A memory in one of the tiers and in the scope; one that waits for approval is not there yet."""
        found = self._memories.get(item, owner=plugin, tiers=tiers, scope=scope)
        return None if found is None or found.state != "live" else found.item()

    def forget(self, plugin: str, item: str, tiers: tuple[str, ...], scope: MemoryScope = ANYONE) -> bool:
        """True if there was such a memory in one of the tiers and in the scope. Raises: PermissionDenied."""
        return bool(self._memories.forget(item, owner=plugin, tiers=tiers, by=plugin, scope=scope))


class MemoryService:
    """`host.memory`: the memories, on threads of their own, and their care in the background.

    `memories` is the same for callers without an event loop.

    Args:
        work: whether this process sweeps and, where the settings say so, consolidates by itself, looking each
            `look_s` seconds.

    Owns: the memories, from `start` to `stop`.
    """

    def __init__(self, memories: Memories, *, work: bool, summarise: Summarise | None = None) -> None:
        self.memories = memories
        self.plugins = PluginMemories(memories)
        self.consolidator = Consolidator(memories, summarise)
        self._work = work
        self.look_s = min(_LOOK_S, memories.settings.consolidate_every_s)
        self._loops: list[Loop] = []

    async def start(self) -> None:
        """Begins to consolidate now and then."""
        if self._work:
            self._loops = [
                Loop("memory-consolidation", self._turn, self._failed, waits_s=self.look_s),
                Loop("memory-cleaning", self._clean, self._failed, waits_s=self.look_s),
            ]
            for loop in self._loops:
                loop.start()

    async def stop(self) -> None:
        """Writes down what waits and frees the indexes."""
        loops, self._loops = self._loops, []
        for loop in loops:
            await loop.stop()
        await asyncio.to_thread(self.memories.close)

    async def store(
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
        """See `Memories.store`."""
        return await _aside(
            self.memories.store,
            text,
            tier,
            owner=owner,
            importance=importance,
            embedding=embedding,
            metadata=metadata,
            source=source,
            pinned=pinned,
            said_at=said_at,
            **scope,
        )

    async def store_many(self, drafts: Sequence[MemoryDraft], *, owner: str = HOST) -> list[str]:
        """See `Memories.store_many`."""
        return await _aside(self.memories.store_many, drafts, owner=owner)

    async def recall(
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
        """See `Memories.recall`."""
        return await _aside(
            self.memories.recall,
            text,
            embedding=embedding,
            tiers=tiers,
            owner=owner,
            limit=limit,
            budget=budget,
            touch=touch,
            made=made,
            valid_at=valid_at,
            as_of=as_of,
            min_score=min_score,
            filter=filter,
            blocks=blocks,
            **scope,
        )

    async def get(self, item: str, *, owner: str | None = None) -> Memory | None:
        """See `Memories.get`."""
        return await _aside(self.memories.get, item, owner=owner)

    async def newest(
        self,
        owner: str = HOST,
        tier: str | None = None,
        *,
        before: int | None = None,
        most: int = 100,
        filter: Mapping[str, Any] | None = None,
        **scope: Unpack[ScopeNames],
    ) -> tuple[list[Memory], int | None]:
        """See `Memories.newest`."""
        return await _aside(self.memories.newest, owner, tier, before=before, most=most, filter=filter, **scope)

    async def facts(self, about: str | None = None, *, owner: str = HOST, **scope: Unpack[ScopeNames]) -> list[Fact]:
        """See `MemoryFacts.timeline`."""
        names = scoped(scope).names
        return await _aside(self.memories.facts.timeline, checked_owner(owner), about, scope=names)

    async def about(self, name: str, *, owner: str = HOST, **scope: Unpack[ScopeNames]) -> MemoryEntity:
        """See `known_of`."""
        return await _aside(known_of, self.memories, name, owner=owner, scope=scope)

    async def state_fact(
        self,
        about: str,
        attribute: str,
        value: str,
        *,
        owner: str = HOST,
        since: float | None = None,
        ends: bool = False,
        **scope: Unpack[ScopeNames],
    ) -> str:
        """See `MemoryFacts.state`; `since` is now when it is left out."""
        now = self.memories.clock.now()
        begins = now if since is None else since
        state = partial(self.memories.facts.state, checked_owner(owner), about, attribute, value, since=begins, now=now)
        return await _aside(state, ends=ends, scope=scoped(scope).names)

    async def remove_fact(self, fact: str, *, owner: str = HOST) -> bool:
        """See `MemoryFacts.remove`. Its words leave the files right after."""
        gone = await _aside(self.memories.facts.remove, owner, fact)
        for loop in self._loops[1:] if gone else ():
            loop.wake()
        return gone

    async def blocks(
        self, *, owner: str = HOST, after: str = "", most: int = 100, **scope: Unpack[ScopeNames]
    ) -> tuple[list[MemoryBlock], str | None]:
        """See `MemoryBlocks.page`."""
        page = partial(self.memories.blocks.page, checked_owner(owner), scoped(scope).names)
        return await _aside(page, after=after, most=most)

    async def block(self, name: str, *, owner: str = HOST, **scope: Unpack[ScopeNames]) -> MemoryBlock:
        """See `MemoryBlocks.get`."""
        return await _aside(self.memories.blocks.get, checked_owner(owner), name, scoped(scope).names)

    async def block_versions(
        self, name: str, *, owner: str = HOST, **scope: Unpack[ScopeNames]
    ) -> list[MemoryBlockVersion]:
        """See `MemoryBlocks.versions`."""
        return await _aside(self.memories.blocks.versions, checked_owner(owner), name, scoped(scope).names)

    async def write_block(
        self,
        name: str,
        text: str,
        *,
        version: int = 0,
        by: str = "host",
        owner: str = HOST,
        **scope: Unpack[ScopeNames],
    ) -> MemoryBlock:
        """See `MemoryBlocks.write`."""
        write = partial(self.memories.blocks.write, checked_owner(owner), name, text, version=version, by=by)
        return await _aside(write, now=self.memories.clock.now(), scope=scoped(scope).names)

    async def restore_block(
        self,
        name: str,
        to: int,
        *,
        version: int,
        by: str = "host",
        owner: str = HOST,
        **scope: Unpack[ScopeNames],
    ) -> MemoryBlock:
        """See `MemoryBlocks.restore`."""
        restore = partial(self.memories.blocks.restore, checked_owner(owner), name, to, version=version, by=by)
        return await _aside(restore, now=self.memories.clock.now(), scope=scoped(scope).names)

    async def remove_block(self, name: str, *, owner: str = HOST, **scope: Unpack[ScopeNames]) -> bool:
        """See `MemoryBlocks.remove`. Its words leave the files right after."""
        gone = await _aside(self.memories.blocks.remove, checked_owner(owner), name, scoped(scope).names)
        for loop in self._loops[1:] if gone else ():
            loop.wake()
        return gone

    async def forget(self, item: str, *, owner: str | None = None) -> tuple[str, ...]:
        """See `Memories.forget`. Words of what is gone leave the full text right after."""
        gone = await _aside(self.memories.forget, item, owner=owner)
        for loop in self._loops[1:] if gone else ():
            loop.wake()
        return gone

    async def forget_all(
        self, *, owner: str = HOST, filter: Mapping[str, Any] | None = None, **scope: Unpack[ScopeNames]
    ) -> Forgotten:
        """See `Memories.forget_all`. Words of what is gone leave the full text right after."""
        gone = await _aside(self.memories.forget_all, owner=owner, filter=filter, **scope)
        for loop in self._loops[1:] if gone != Forgotten(0) else ():
            loop.wake()
        return gone

    async def pin(self, item: str, pinned: bool = True) -> Memory:
        """See `Corrections.pin`."""
        return await _aside(self.memories.correct.pin, item, pinned)

    async def approve(self, item: str) -> Memory:
        """See `Corrections.approve`."""
        return await _aside(self.memories.correct.approve, item)

    async def supersede(self, item: str, by: str) -> None:
        """See `Corrections.supersede`."""
        await _aside(self.memories.correct.supersede, item, by)

    async def practise(self, item: str, worked: bool) -> Memory:
        """See `Corrections.practise`."""
        return await _aside(self.memories.correct.practise, item, worked)

    async def edges(self, item: str) -> list[tuple[str, str, str, str]]:
        """See `Memories.edges`."""
        return await _aside(self.memories.edges, item)

    async def stats(self, owner: str | None = None) -> MemoryStats:
        """Counts of memories by tier and by owner."""
        return await _aside(measured, self.memories, owner)

    async def holdings(self) -> Mapping[str, Holding]:
        """The holding of each owner, by name."""
        return await _aside(held_by, self.memories)

    async def consolidate(self) -> Consolidated:
        """Consolidates now, memories that are new among them."""
        return await _aside(self.consolidator.run)

    def tiers(self) -> Mapping[MemoryTier, TierPolicy]:
        """The policy of every tier."""
        return TIER_POLICIES

    def health(self) -> str | None:
        """The reason why recall is worse or slower than it could be; None when there is none. Raises: StorageFailed."""
        self.memories.table.plugins()
        problems = self.memories.problems()
        return "; ".join(problems) or None

    async def _turn(self) -> float:
        """Moves on and sweeps; what did not change since the last time costs one row a plugin."""
        if self.memories.settings.auto_consolidation:
            await _aside(self.consolidator.run, young=False)
        else:
            await _aside(self.consolidator.sweep)
        await _aside(self.memories.indexes.tend)
        return self.look_s

    async def _clean(self) -> float:
        await _aside(self.memories.clean)
        return self.look_s

    def _failed(self, error: Exception) -> float:
        _log.error("consolidation failed", exc_info=error)  # the next round may go better; storage has its own probe
        return self.look_s


async def _aside(work: Callable[_P, _T], *args: _P.args, **named: _P.kwargs) -> _T:
    return await asyncio.to_thread(work, *args, **named)


_FORMAT = 1
_LINE_BYTES = 512 * 1024
_BATCH = 500
_NAME_CHARACTERS = 128
_SCOPE = ("user", "agent", "app")


class Imported(Record, frozen=True):
    """The result of an import."""

    pack: str
    version: str
    memories: Annotated[int, Meta(description="Memories that it brought, or that were there.")]
    replaced: Annotated[int, Meta(description="Memories of older versions that are gone.")]


def export_pack(
    memories: Memories,
    file: IO[bytes],
    *,
    owner: str,
    name: str,
    version: str,
    tiers: Iterable[str] | None = None,
    wanted: Selection = ALL,
) -> int:
    """Writes an owner's memories, those of a selection, and returns how many. Immediate ones are not among them."""
    places = {tier_named(tier).place for tier in (MemoryTier if tiers is None else tiers)}
    written = hashlib.sha256()

    def put(line: dict[str, Any], *, counted: bool = True) -> None:
        data = json.dumps(line, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"
        if counted:
            written.update(data)
        file.write(data)

    put({"format": _FORMAT, "pack": name, "version": version})
    after = count = 0
    while rows := memories.table.page(owner, places, after=after, most=_BATCH):
        for row in filter(wanted.passes, rows):
            put(_line(row))
            count += 1
        after = rows[-1].seq
    put({"sha256": written.hexdigest()}, counted=False)
    return count


def import_pack(memories: Memories, file: IO[bytes], *, owner: str, tier: str | None = None) -> Imported:
    """Takes in a pack, which is checked to its end before its first memory is kept. Again is a no-op.

    In the planetary tier the memories of other versions of the pack go.

    Args:
        file: can be read twice.
        tier: where all of it goes; None for where each line says.

    Raises: InvalidInput: no pack, damaged, or a line that is no memory; LimitExceeded.
    """
    name, version = _verified(file)
    source = f"pack:{name}@{version}"
    origin = MemoryOrigin("operator", source=source)
    batch: list[MemoryDraft] = []
    count = 0
    for line in _lines(file):
        batch.append(_draft(line, tier))
        if len(batch) == _BATCH:
            count += len(memories.store_many(batch, owner=owner, origin=origin))
            batch = []
    if batch:
        count += len(memories.store_many(batch, owner=owner, origin=origin))
    replaced = _replace_older(memories, name, source) if tier == MemoryTier.Planetary else 0
    return Imported(name, version, count, replaced)


def parts_of(file: IO[bytes], *, most_bytes: int) -> Iterator[bytes]:
    """A pack as packs of the same name and version that are no longer than some bytes, or hold one memory each.

    Raises: InvalidInput: no pack, or damaged.
    """
    _verified(file)
    file.seek(0)
    lines, held = _raw_lines(file), list[bytes]()
    head = next(lines)
    body = len(head)
    previous: bytes | None = None
    for raw in lines:
        if previous is not None:
            if held and body + len(previous) > most_bytes:
                yield _packed(head, held)
                held, body = [], len(head)
            held.append(previous)
            body += len(previous)
        previous = raw
    yield _packed(head, held)


def _packed(head: bytes, lines: Sequence[bytes]) -> bytes:
    data = head + b"".join(lines)
    return data + json.dumps({"sha256": hashlib.sha256(data).hexdigest()}).encode() + b"\n"


def _line(row: KeptMemory) -> dict[str, Any]:
    memory = shown(row)
    shown_fields = ("text", "tier", "importance", "created_at", "pinned", "writer", "source")
    line: dict[str, Any] = {name: getattr(memory, name) for name in shown_fields}
    line |= {name: value for name in _SCOPE if (value := getattr(memory, name)) is not None}
    whole = MemoryScope(user=memory.user, agent=memory.agent, session=memory.session, app=memory.app)
    if row.session and row.hash == text_hash(row.text, row.speaker, whole):
        line["session"] = row.session  # else it is in the metadata
    line["metadata"] = dict(memory.metadata)
    if memory.embedding is not None:
        line["embedding"] = memory.embedding
    return line


def _verified(file: IO[bytes]) -> tuple[str, str]:
    """The name and version of a pack whose hash is right."""
    file.seek(0)
    told = hashlib.sha256()
    head: dict[str, Any] | None = None
    last = b""
    for raw in _raw_lines(file):
        head = _object(raw, 1) if head is None else head
        told.update(last)
        last = raw
    foot = _object(last, 0) if last else {}
    if head is None or head.get("format") != _FORMAT or foot.get("sha256") != told.hexdigest():
        raise InvalidInput(
            "the file is not a memory pack, or it is damaged", remedy="make it with `omnicore memory export`"
        )
    name, version = head.get("pack"), head.get("version")
    if not all(isinstance(one, str) and 0 < len(one) <= _NAME_CHARACTERS for one in (name, version)):
        raise InvalidInput("the pack has no name or version", remedy="make it with `omnicore memory export`")
    return str(name), str(version)


def _lines(file: IO[bytes]) -> Iterator[dict[str, Any]]:
    """The lines between head and foot."""
    file.seek(0)
    held: bytes | None = None
    for number, raw in enumerate(_raw_lines(file)):
        if held is not None:
            yield _object(held, number)
        held = raw if number else None


def _raw_lines(file: IO[bytes]) -> Iterator[bytes]:
    while raw := file.readline(_LINE_BYTES + 1):
        if len(raw) > _LINE_BYTES:
            raise InvalidInput("a line of the pack is too long", remedy=f"keep lines to {_LINE_BYTES} bytes")
        yield raw


def _object(raw: bytes, number: int) -> dict[str, Any]:
    try:
        found = json.loads(raw)
    except (ValueError, RecursionError) as error:
        raise InvalidInput(f"line {number} of the pack is no JSON", remedy="make the pack anew") from error
    if not isinstance(found, dict):
        raise InvalidInput(f"line {number} of the pack is no object", remedy="make the pack anew")
    return found


def _draft(line: dict[str, Any], tier: str | None) -> MemoryDraft:
    text, importance = line.get("text"), line.get("importance")
    metadata, embedding = line.get("metadata", {}), line.get("embedding")
    wanted = tier or line.get("tier")
    fits = isinstance(text, str) and isinstance(wanted, str) and isinstance(metadata, dict)
    if not fits or not (embedding is None or isinstance(embedding, list)):
        raise InvalidInput("a line of the pack is no memory", remedy="give text, tier and metadata")
    given = None if embedding is None else tuple(embedding)
    return MemoryDraft(str(text), str(wanted), importance, given, metadata, line.get("created_at"), _scope(line))


def _scope(line: dict[str, Any]) -> MemoryScope:
    return scoped(
        {"user": line.get("user"), "agent": line.get("agent"), "session": line.get("session"), "app": line.get("app")}
    )


def _replace_older(memories: Memories, name: str, source: str) -> int:
    """Forgets memories of other versions of the pack."""
    place = MemoryTier.Planetary.place
    after = replaced = 0
    while rows := memories.table.page(SHARED_SPACE, (place,), after=after, most=_BATCH):
        after = rows[-1].seq
        old = [row.seq for row in rows if (row.source or "").startswith(f"pack:{name}@") and row.source != source]
        if old:
            replaced += memories.indexes.forget(SHARED_SPACE, old, memories.clock.now())
    return replaced
