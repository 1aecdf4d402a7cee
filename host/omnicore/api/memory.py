"""Memories: store, recall with an explanation of each score, list, change and forget."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from io import BytesIO
from tempfile import SpooledTemporaryFile
from typing import TYPE_CHECKING, Annotated, Any, Literal

from starlette.responses import Response, StreamingResponse

from omnicore.api.operation import ref
from omnicore.api.parts import parts_of, present
from omnicore.api.requests import Json, read_count, read_cursor, read_record, who, write_cursor
from omnicore.api.schema import FLAG, TEXT, TEXTS, WHOLE, Schemas, list_of, maybe, object_of, page_of
from omnicore.capabilities.doors import granted_scope
from omnicore.errors import InvalidInput, NotFound
from omnicore.filters import read_filter
from omnicore.memory.blocks import BLOCK_CHARACTERS, MemoryBlock, MemoryBlockVersion
from omnicore.memory.facts import MOST_NAMED, Fact
from omnicore.memory.item import MOST_DIMENSIONS, Forgotten, Memory, MemoryScope, Recall, ScopeNames, scoped
from omnicore.memory.memories import HOST
from omnicore.memory.recall import ALWAYS, Made
from omnicore.memory.selection import Selection
from omnicore.memory.service import Holding, Imported, MemoryEntity, MemoryStats, export_pack, import_pack
from omnicore.memory.tiers import TIERS, MemoryTier, TierPolicy
from omnicore.records import Meta, Record, field, schema
from omnicore.texts import read_json

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from typing import IO

    from starlette.requests import Request

    from omnicore.memory.service import MemoryService
    from omnicore.plugins.host import PluginHost


_MOST_RECALLED = 100
_MOST_CHARACTERS = 10_000_000
_LINES = "application/jsonl"
_VERSIONS = 2**31 - 1
_LATEST = 1e12  # seconds; what is beyond is not a time but a mistake

_Embedding = Annotated[tuple[float, ...], Meta(min_length=1, max_length=MOST_DIMENSIONS)]
_When = Annotated[float, Meta(ge=-_LATEST, le=_LATEST)]


class MemoryOrder(MemoryScope, frozen=True, kw_only=True):
    """A memory to be stored, and whose it is."""

    text: Annotated[str, Meta(min_length=1)]
    tier: Annotated[MemoryTier, Meta(description="episodic when left out.")] = MemoryTier.Episodic
    importance: Annotated[float, Meta(ge=0, le=1)] | None = None
    embedding: _Embedding | None = None
    metadata: Annotated[Mapping[str, Any], Meta(description="`session` and `speaker` among them help recall.")] = field(
        default_factory=dict
    )
    source: str | None = None
    pinned: bool = False
    said_at: Annotated[_When | None, Meta(description="When it was said; now when left out.")] = None


_Filter = Annotated[
    Mapping[str, Any] | None,
    Meta(
        description='What the metadata must fulfil: values by name, or operators such as `{"$gte": 2020}`;'
        " `$and`, `$or` and `$not` take filters."
    ),
]


class MemoryQuestion(MemoryScope, frozen=True, kw_only=True):
    """A question to the memories of an owner, or of a user, an agent, a session or an application of the owner."""

    text: str | None = None
    embedding: _Embedding | None = None
    tiers: tuple[MemoryTier, ...] | None = None
    limit: Annotated[int, Meta(ge=1, le=_MOST_RECALLED)] = 10
    min_score: Annotated[
        float, Meta(ge=0, le=1, description="Only memories with this score, the probability that one answers.")
    ] = 0.0
    touch: Annotated[bool, Meta(description="True counts what is found as used.")] = True
    since: Annotated[
        _When | None, Meta(description="Only what was said then or later. Seconds since the Unix epoch.")
    ] = None
    until: Annotated[
        _When | None, Meta(description="Only what was said then or before. Seconds since the Unix epoch.")
    ] = None
    valid_at: Annotated[
        _When | None, Meta(description="The time that facts are asked of; else the one that the text names, or now.")
    ] = None
    as_of: Annotated[_When | None, Meta(description="Leaves out all that was said later.")] = None
    filter: _Filter = None
    budget: Annotated[
        Annotated[int, Meta(ge=1, le=_MOST_CHARACTERS)] | None,
        Meta(description="The most characters of all texts together: core blocks first, then what fits best."),
    ] = None


class MemoryErasure(MemoryScope, frozen=True, kw_only=True):
    """The memories to be erased: those of a scope, those that pass a filter, or both together."""

    filter: _Filter = None


class MemoryFactOrder(MemoryScope, frozen=True, kw_only=True):
    """A fact to be stated, and whose it is."""

    about: Annotated[str, Meta(min_length=1, max_length=MOST_NAMED, description="Such as `Ada`, or `@me`.")]
    attribute: Annotated[str, Meta(min_length=1, max_length=MOST_NAMED, description="Such as `home`.")]
    value: Annotated[str, Meta(min_length=1, max_length=MOST_NAMED)]
    since: Annotated[_When | None, Meta(description="From when on it holds; now when left out.")] = None
    ends: Annotated[bool, Meta(description="True says that the value holds no more.")] = False


class MemoryBlockOrder(Record, frozen=True, kw_only=True):
    """The new text of a core block, or the earlier version whose text it gets."""

    text: Annotated[str, Meta(min_length=1, max_length=BLOCK_CHARACTERS)] | None = None
    restore: Annotated[
        Annotated[int, Meta(ge=1, le=_VERSIONS)] | None, Meta(description="An earlier version, in place of a text.")
    ] = None
    version: Annotated[
        int, Meta(ge=0, le=_VERSIONS, description="The version that you read and change; 0 makes a new block.")
    ] = 0


class MemoryChange(Record, frozen=True, kw_only=True):
    """A change of a memory. What is left out stays as it is."""

    pinned: bool | None = None
    approved: Literal[True] | None = None
    superseded_by: str | None = None


class MemoryEdge(Record, frozen=True):
    """A relation of two memories."""

    source: str = field(name="from")
    relation: str
    to: str
    note: str


_TIER = {"enum": list(TIERS)}
_MEMORY = schema(Memory, shown=True)

SCHEMAS: Schemas = {
    "MemoryImported": schema(Imported, shown=True),
    "Memory": {**_MEMORY, "properties": {**_MEMORY["properties"], "edges": list_of("MemoryEdge")}},
    "MemoryEdge": schema(MemoryEdge),
    "MemoryOrder": schema(MemoryOrder),
    "MemoryQuestion": schema(MemoryQuestion),
    "Memories": page_of("Memory"),
    "MemoryOwner": object_of(
        **schema(Holding)["properties"],
        quota={"anyOf": [ref("MemoryQuota"), {"type": "null"}], "description": "What a plugin's grant allows."},
    ),
    "MemoryQuota": object_of(max_items=maybe(WHOLE), max_bytes=maybe(WHOLE), tiers=TEXTS, write=FLAG),
    "MemoryOwners": page_of("MemoryOwner"),
    "Recalled": schema(Recall, shown=True),
    "Fact": schema(Fact, shown=True),
    "MemoryFactOrder": schema(MemoryFactOrder),
    "MemoryEntity": schema(MemoryEntity, shown=True),
    "MemoryErasure": schema(MemoryErasure),
    "MemoriesErased": schema(Forgotten, shown=True),
    "MemoryFactStated": object_of(id=TEXT),
    "MemoryFacts": object_of(items=list_of("Fact")),
    "MemoryBlock": schema(MemoryBlock, shown=True),
    "MemoryBlocks": page_of("MemoryBlock"),
    "MemoryBlockOrder": schema(MemoryBlockOrder),
    "MemoryBlockVersion": schema(MemoryBlockVersion, shown=True),
    "MemoryBlockVersions": object_of(items=list_of("MemoryBlockVersion")),
    "MemoryStats": schema(MemoryStats, shown=True),
    "MemoryTier": schema(TierPolicy, shown=True),
    "MemoryTiers": object_of(items=list_of("MemoryTier")),
    "MemoryChange": schema(MemoryChange),
    "MemoriesForgotten": object_of(forgotten=TEXTS),
    "Consolidated": object_of(
        moved=list_of(object_of(from_tier=_TIER, to_tier=_TIER, count=WHOLE)),
        **dict.fromkeys(("linked", "expired", "evicted", "purged", "embedded", "facts"), WHOLE),
    ),
}


async def memory_stats(request: Request) -> Response:
    """Counts of memories."""
    found = await _memory_of(request).stats(request.query_params.get("owner"))
    return Json(found.to_json())


async def memory_tiers(request: Request) -> Response:
    """The policies of all tiers."""
    return Json({"items": [policy.to_json() for policy in _memory_of(request).tiers().values()]})


async def store_memory(request: Request) -> Response:
    """Stores a text. The same text in the same tier is the same memory."""
    order, service = await read_record(request, MemoryOrder, "memory"), _memory_of(request)
    given = {name: getattr(order, name) for name in MemoryOrder.__struct_fields__}
    item = await service.store(**given, owner=_owner_of(request))
    found = await service.get(item, owner=_owner_of(request))
    if found is None:  # it expired or was forgotten at once
        raise NotFound(f"memory {item} is gone already", remedy="store it again, or pinned")
    return Json(found.to_json(), 201, {"location": f"/api/v1/memory/{item}"})


async def recall_memories(request: Request) -> Response:
    """The memories that fit a question best."""
    asked = await read_record(request, MemoryQuestion, "question")
    found = await _memory_of(request).recall(
        asked.text or None,
        embedding=asked.embedding,
        tiers=asked.tiers,
        owner=_owner_of(request),
        limit=asked.limit,
        touch=asked.touch,
        made=Made(asked.since, asked.until) if (asked.since, asked.until) != (None, None) else ALWAYS,
        valid_at=asked.valid_at,
        as_of=asked.as_of,
        min_score=asked.min_score,
        filter=asked.filter,
        budget=asked.budget,
        **_names(asked),
    )
    return Json(found.to_json())


async def show_memory(request: Request) -> Response:
    """A memory with its sources."""
    service, item = _memory_of(request), request.path_params["memory"]
    found = await service.get(item)
    if found is None:
        raise _gone(item)
    edges = [MemoryEdge(*edge).to_json() for edge in await service.edges(item)]
    return Json({**found.to_json(), "edges": edges})


async def change_memory(request: Request) -> Response:
    """Pins, approves or corrects a memory."""
    change = await read_record(request, MemoryChange, "change")
    service, item = _memory_of(request), request.path_params["memory"]
    if change == MemoryChange():
        raise InvalidInput("there is nothing to change", remedy="send pinned, approved or superseded_by")
    if change.approved:
        await service.approve(item)
    if change.superseded_by is not None:
        await service.supersede(item, change.superseded_by)
    if change.pinned is not None:
        await service.pin(item, change.pinned)
    return await show_memory(request)


async def forget_memory(request: Request) -> Response:
    """Erases a memory and all that was made of it."""
    item = request.path_params["memory"]
    gone = await _memory_of(request).forget(item)
    if not gone:
        raise _gone(item)
    return Json({"forgotten": gone})


async def erase_memories(request: Request) -> Response:
    """Erases all memories of a scope, and its facts."""
    order = await read_record(request, MemoryErasure, "order")
    gone = await _memory_of(request).forget_all(owner=_owner_of(request), filter=order.filter, **_names(order))
    return Json(gone.to_json())


async def list_facts(request: Request) -> Response:
    """The facts about a subject, or all."""
    about, owner = request.query_params.get("about"), _owner_of(request)
    found = await _memory_of(request).facts(about, owner=owner, **_scope_asked(request))
    return Json({"items": [fact.to_json() for fact in found]})


async def show_entity(request: Request) -> Response:
    """All that is known of a name."""
    name, owner = request.path_params["entity"], _owner_of(request)
    found = await _memory_of(request).about(name, owner=owner, **_scope_asked(request))
    return Json(found.to_json())


async def state_fact(request: Request) -> Response:
    """Keeps a fact that a person states."""
    order, service = await read_record(request, MemoryFactOrder, "fact"), _memory_of(request)
    fact = await service.state_fact(
        *(order.about, order.attribute, order.value),
        owner=_owner_of(request),
        since=order.since,
        ends=order.ends,
        **_names(order),
    )
    return Json({"id": fact}, 201)


async def remove_fact(request: Request) -> Response:
    """Removes a fact."""
    fact = request.path_params["fact"]
    if not await _memory_of(request).remove_fact(fact, owner=_owner_of(request)):
        raise NotFound(f"there is no fact {fact[:80]}", remedy="see GET /api/v1/memory/facts")
    return Response(status_code=204)


async def list_blocks(request: Request) -> Response:
    """A page of core blocks."""
    page = _memory_of(request).blocks(
        owner=_owner_of(request),
        after=read_cursor(request),
        most=read_count(request, "limit", 100),
        **_scope_asked(request),
    )
    items, following = await page
    return Json({"items": [one.to_json() for one in items], "next": following and write_cursor(following)})


async def show_block(request: Request) -> Response:
    """A core block."""
    name, owner = request.path_params["block"], _owner_of(request)
    return Json((await _memory_of(request).block(name, owner=owner, **_scope_asked(request))).to_json())


async def list_block_versions(request: Request) -> Response:
    """The texts of a core block."""
    name, owner = request.path_params["block"], _owner_of(request)
    found = await _memory_of(request).block_versions(name, owner=owner, **_scope_asked(request))
    return Json({"items": [one.to_json() for one in found]})


async def write_block(request: Request) -> Response:
    """Makes a core block, or changes the version that the caller read."""
    order, service = await read_record(request, MemoryBlockOrder, "block"), _memory_of(request)
    name, owner, scope = request.path_params["block"], _owner_of(request), _scope_asked(request)
    if (order.text is None) == (order.restore is None):
        raise InvalidInput("it is not clear what the block shall say", remedy="send text, or restore", path="text")
    version, by = order.version, who(request)
    if order.text is not None:
        block = await service.write_block(name, order.text, version=version, by=by, owner=owner, **scope)
    else:
        block = await service.restore_block(name, order.restore or 0, version=version, by=by, owner=owner, **scope)
    return Json(block.to_json())


async def remove_block(request: Request) -> Response:
    """Removes a core block."""
    name, owner = request.path_params["block"], _owner_of(request)
    if not await _memory_of(request).remove_block(name, owner=owner, **_scope_asked(request)):
        raise NotFound(f"there is no block {name} of this scope", remedy="see GET /api/v1/memory/blocks")
    return Response(status_code=204)


async def consolidate_memories(request: Request) -> Response:
    """Consolidates now."""
    return Json((await _memory_of(request).consolidate()).to_json())


_SPOOLED = 8 * 1024 * 1024
_CHUNK = 256 * 1024


async def export_memories(request: Request) -> Response:
    """A pack of an owner's memories, made before its first byte is sent."""
    service, owner, asked = _memory_of(request), _owner_of(request), request.query_params
    tiers = asked.getlist("tier")
    for tier in tiers:
        _check_tier(tier)
    wanted = Selection(scoped(_scope_asked(request)), read_filter(_filter_asked(request)))

    def made() -> IO[bytes]:
        file = SpooledTemporaryFile(_SPOOLED)  # noqa: SIM115 closed when it was sent
        try:
            name, version = asked.get("name") or owner, asked.get("version") or "1"
            export_pack(
                *(service.memories, file),
                owner=owner,
                name=name,
                version=version,
                tiers=tiers or None,
                wanted=wanted,
            )
            file.seek(0)
        except BaseException:
            file.close()
            raise
        return file

    return StreamingResponse(_chunks(await asyncio.to_thread(made)), media_type=_LINES)


async def import_memories(request: Request) -> Response:
    """Takes in a pack, whose hash is checked first."""
    service, owner, tier = _memory_of(request), _owner_of(request), request.query_params.get("tier")
    if tier is not None:
        _check_tier(tier)
    pack = BytesIO(await request.body())
    done = await asyncio.to_thread(import_pack, service.memories, pack, owner=owner, tier=tier)
    return Json(done.to_json())


def _chunks(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while chunk := file.read(_CHUNK):
            yield chunk


def _check_tier(tier: str) -> None:
    if tier not in TIERS:
        raise InvalidInput(f"there is no tier {tier[:40]!r}", remedy=f"use one of {', '.join(TIERS)}", path="tier")


def _memory_of(request: Request) -> MemoryService:
    """The host's memory. Raises: Unavailable: it has none."""
    return present(parts_of(request).rooms.memory, "has no memory", "ask a host that has one")


def _owner_of(request: Request) -> str:
    """The owner whose memories a request is about."""
    return request.query_params.get("owner") or HOST


def _names(record: MemoryScope) -> ScopeNames:
    """The names in a record that were given."""
    return {"user": record.user, "agent": record.agent, "session": record.session, "app": record.app}


def _scope_asked(request: Request) -> ScopeNames:
    """The names of a scope in the query."""
    get = request.query_params.get
    return {"user": get("user"), "agent": get("agent"), "session": get("session"), "app": get("app")}


def _filter_asked(request: Request) -> Any:
    """The filter in the query. Raises: InvalidInput."""
    text = request.query_params.get("filter")
    try:
        return None if text is None else read_json(text)
    except (ValueError, RecursionError) as error:
        raise InvalidInput("the filter is no JSON", remedy='send {"name": value}', path="filter") from error


def _gone(item: str) -> NotFound:
    return NotFound(f"there is no memory {item[:80]}", remedy="recall one with POST /api/v1/memory/recall")


_CAPABILITY = "memory"
_LONGEST_CURSOR = 19


async def list_memories(request: Request) -> Response:
    """A page of an owner's memories, the newest first."""
    limit, tier = read_count(request, "limit", 100), request.query_params.get("tier")
    items, following = await _memory_of(request).newest(
        *(_owner_of(request), tier),
        before=_before(request),
        most=limit,
        filter=_filter_asked(request),
        **_scope_asked(request),
    )
    return Json({"items": [one.to_json() for one in items], "next": None if following is None else str(following)})


async def list_memory_owners(request: Request) -> Response:
    """A page of owners of memories, with the limits of their grants."""
    limit, after = read_count(request, "limit", 100), read_cursor(request)
    held = [one for name, one in (await _memory_of(request).holdings()).items() if name > after]
    page = held[:limit]
    quotas = await asyncio.to_thread(_quotas, parts_of(request).host, [one.owner for one in page])
    items = [{**one.to_json(), "quota": quota} for one, quota in zip(page, quotas, strict=True)]
    return Json({"items": items, "next": write_cursor(page[-1].owner) if len(held) > limit else None})


def _quotas(host: PluginHost, owners: Sequence[str]) -> list[dict[str, Any] | None]:
    return [None if owner.startswith("@") else _quota(host, owner) for owner in owners]


def _quota(host: PluginHost, owner: str) -> dict[str, Any] | None:
    """The limits of a plugin's grant of memory. None without one."""
    try:
        view = host.get(owner)
    except NotFound:
        return None
    return granted_scope(_CAPABILITY, view.asked, view.granted)


def _before(request: Request) -> int | None:
    cursor = request.query_params.get("cursor", "")
    if not cursor:
        return None
    if cursor.isascii() and cursor.isdigit() and len(cursor) < _LONGEST_CURSOR:
        return int(cursor)
    raise InvalidInput("the cursor is invalid", remedy="pass `next` of the page before", path="cursor")
