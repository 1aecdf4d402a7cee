"""What the memory door leads to, and what the host does by itself."""

from __future__ import annotations

import asyncio
import functools
from collections.abc import Callable, Coroutine
from typing import Any

import pytest
from tests.memory.conftest import MakeMind, Mind

from omnicore.errors import LimitExceeded, PermissionDenied
from omnicore.memory.item import MemoryDraft, MemoryQuery
from omnicore.memory.service import MemoryService, PluginMemories
from omnicore.memory.tiers import MemoryTier


def awaited(test: Callable[..., Coroutine[Any, Any, None]]) -> Callable[..., None]:
    """A test that runs in a loop of its own."""

    @functools.wraps(test)
    def run(*args: Any, **named: Any) -> None:
        asyncio.run(test(*args, **named))

    return run


ROOM = {"max_items": 10, "max_bytes": 1000}


@pytest.fixture
def door(mind: Mind) -> PluginMemories:
    return PluginMemories(mind.memories)


def draft(text: str, tier: str = "semantic") -> MemoryDraft:
    return MemoryDraft(text, tier)


@awaited
async def test_a_plugin_stores_recalls_gets_and_forgets(door: PluginMemories) -> None:
    item = await door.store("a", draft("the door is blue"), **ROOM)
    found = await door.recall("a", MemoryQuery("door", None, ("semantic",), 5))
    assert [(one.id, one.text, one.tier) for one in found] == [(item, "the door is blue", "semantic")]
    assert found[0].score is not None
    assert await door.recall("a", MemoryQuery("gauge", None, ("semantic",), 5, min_score=0.5)) == []
    assert door.get("a", item, ("episodic",)) is None
    assert door.get("b", item, ("semantic",)) is None
    assert not door.forget("b", item, ("semantic",))
    assert door.forget("a", item, ("semantic",))
    assert door.get("a", item, ("semantic",)) is None


@awaited
async def test_a_quota_is_over_all_of_a_plugin_s_memories(door: PluginMemories) -> None:
    await door.store("a", draft("one"), max_items=1, max_bytes=1000)
    with pytest.raises(LimitExceeded):
        await door.store("a", draft("two", "episodic"), max_items=1, max_bytes=1000)


@pytest.mark.parametrize("tier", [MemoryTier.Evolutionary, MemoryTier.Planetary, MemoryTier.Cosmic])
@awaited
async def test_no_plugin_writes_where_only_the_host_or_a_person_does(door: PluginMemories, tier: MemoryTier) -> None:
    with pytest.raises(PermissionDenied, match=f"no plugin may write to {tier}"):
        await door.store("a", draft("x", tier), **ROOM)


@awaited
async def test_what_one_plugin_shares_another_finds_but_may_not_forget(door: PluginMemories) -> None:
    item = await door.store("a", draft("the wifi password is on the fridge", "civilizational"), **ROOM)
    tiers = ("semantic", "civilizational")
    found = await door.recall("b", MemoryQuery("wifi password", None, tiers, 5))
    assert [one.id for one in found] == [item]
    with pytest.raises(PermissionDenied):
        door.forget("b", item, tiers)
    assert door.forget("a", item, tiers)


@awaited
async def test_what_waits_for_approval_is_not_there_for_plugins(door: PluginMemories, mind: Mind) -> None:
    item = await door.store("a", draft("from elsewhere", "galactic"), **ROOM)
    assert door.get("a", item, ("galactic",)) is None
    assert await door.recall("a", MemoryQuery("elsewhere", None, ("galactic",), 5)) == []
    mind.memories.correct.approve(item)
    assert door.get("a", item, ("galactic",)) is not None


@awaited
async def test_the_host_s_own_face_is_awaited(mind: Mind) -> None:
    service = MemoryService(mind.memories, work=False)
    await service.start()
    old = await service.store("the door is blue", "short_term", importance=0.3)
    new = await service.store("the door is green", "short_term", importance=0.3, pinned=True)
    await service.supersede(old, new)
    assert [item.text for item in (await service.recall("door")).items] == ["the door is green"]
    assert (await service.stats()).by_tier["short_term"] == 2
    assert (await service.consolidate()).moved == {("short_term", "session"): 1, ("session", "episodic"): 1}
    assert (await service.pin(new)).pinned
    assert await service.forget(new)
    assert await service.get(new) is None
    assert service.health() is None
    assert len(service.tiers()) == 12
    await service.stop()


@pytest.mark.parametrize("work", [True, False])
@awaited
async def test_only_a_host_that_works_looks_after_memories_in_the_background(make_mind: MakeMind, work: bool) -> None:
    service = MemoryService(make_mind().memories, work=work)
    await service.start()
    assert sum(task.get_name() == "memory-consolidation" for task in asyncio.all_tasks()) == work
    await service.stop()


@awaited
async def test_where_nothing_is_consolidated_what_is_over_its_time_still_goes(make_mind: MakeMind) -> None:
    mind = make_mind(auto_consolidation=False)
    kept = mind.memories.store("it stays where it is", "session", importance=0.9)
    mind.memories.store("it is over soon", "short_term")
    mind.clock.advance(3_600)
    service = MemoryService(mind.memories, work=True)
    service.look_s = 0.01
    await service.start()
    async with asyncio.timeout(60):
        while (await service.stats()).items > 1:
            await asyncio.sleep(0.01)
    found = await service.get(kept)
    assert found is not None
    assert found.tier == "session"
    await service.stop()


@awaited
async def test_a_host_that_works_consolidates_by_itself(make_mind: MakeMind) -> None:
    consolidated = asyncio.Event()
    mind = make_mind(consolidate_every_s=1.0)
    loop = asyncio.get_running_loop()
    mind.memories.tell = lambda topic, data: loop.call_soon_threadsafe(consolidated.set)
    mind.memories.store("the task is done", "short_term", importance=0.5)
    consolidated.clear()
    mind.clock.advance(301)
    service = MemoryService(mind.memories, work=True)
    service.look_s = 0.01
    await service.start()
    async with asyncio.timeout(60):
        await consolidated.wait()
    await service.stop()
