"""The life of an `OmegaRuntime`, its events, and what it does about what is unwell."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from omega_runtime import (
    CycleInput,
    HealthStatus,
    IntelligenceSpec,
    LoopType,
    MemoryTier,
    MetaSONAConfig,
    OmegaAPI,
    OmegaConfig,
    OmegaEvent,
    OmegaRuntime,
    RuntimeState,
)
from omnicore.errors import CapacityReached, Conflict, NotFound, Unavailable
from omnicore.evolution.architecture import EvolutionCase, EvolutionOrder, Knob


@asynccontextmanager
async def running(config: OmegaConfig | None = None) -> AsyncIterator[OmegaRuntime]:
    runtime = await OmegaRuntime.new(config or OmegaConfig.default())
    await runtime.start()
    try:
        yield runtime
    finally:
        if runtime.state is not RuntimeState.Stopped:
            await runtime.stop()


async def _until(true: Callable[[], object]) -> None:
    async with asyncio.timeout(60):
        while not true():
            await asyncio.sleep(0.001)


async def test_a_runtime_goes_through_its_states_and_only_the_steps_there_are() -> None:
    runtime = await OmegaRuntime.new()
    assert runtime.state is RuntimeState.Uninitialized
    with pytest.raises(Unavailable, match="not started"):
        runtime.health()
    with pytest.raises(Conflict):
        await runtime.stop()
    await runtime.start()
    assert runtime.is_running()
    with pytest.raises(Conflict):
        await runtime.start()
    await runtime.pause()
    assert (runtime.is_paused(), runtime.is_running()) == (True, False)
    await runtime.resume()
    with pytest.raises(Conflict):
        await runtime.resume()
    await runtime.stop()
    assert runtime.state is RuntimeState.Stopped
    with pytest.raises(Conflict):
        await runtime.start()


async def test_a_paused_runtime_refuses_work_and_still_says_how_it_is() -> None:
    async with running() as runtime:
        api = OmegaAPI.new(runtime)
        await runtime.pause()
        for work in (
            api.store_memory(MemoryTier.Semantic, "x"),
            api.recall_memories(text="x"),
            api.create_intelligence(IntelligenceSpec(name="A")),
            api.list_intelligences(),
            api.execute_loop_cycle(LoopType.Adaptive),
        ):
            with pytest.raises(Unavailable, match="Paused"):
                await work
        assert (await api.health_status()).overall is HealthStatus.Healthy
        assert (await api.metrics()).error_rate > 0
        await runtime.resume()
        assert (await api.execute_loop_cycle(LoopType.Adaptive)).success


async def test_a_runtime_that_cannot_start_leaves_nothing_behind(tmp_path: Path, monkeypatch: Any) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", None)
    blocked = tmp_path / "file"
    blocked.write_text("")
    runtime = await OmegaRuntime.new(OmegaConfig(plugins=blocked / "plugins"))
    with pytest.raises(OSError, match="plugins"):
        await runtime.start()
    assert runtime.state is RuntimeState.Stopped
    assert list(tmp_path.iterdir()) == [blocked]


async def test_its_own_data_goes_when_it_stops_and_configured_data_stays(tmp_path: Path) -> None:
    async with running() as runtime:
        folder = runtime.host.settings.data
        assert (folder / "omnicore.db").exists()
    assert not folder.exists()
    config = OmegaConfig(data=tmp_path / "data")
    async with running(config) as runtime:
        await OmegaAPI.new(runtime).store_memory(MemoryTier.Strategic, "stay", None, 0.9)
    async with running(config) as runtime:
        found = await OmegaAPI.new(runtime).recall_memories(text="stay", tiers=[MemoryTier.Strategic])
        assert [one.content for one in found] == ["stay"]


async def test_events_reach_subscribers_and_handlers_until_the_end() -> None:
    seen: list[Any] = []
    later: list[Any] = []
    runtime = await OmegaRuntime.new()
    runtime.on_event(seen.append)

    async def slow(event: Any) -> None:
        await asyncio.sleep(0)
        later.append(event)
        raise RuntimeError("its own fault")

    async with running() as runtime:
        runtime.on_event(seen.append)
        runtime.on_event(slow)
        receiver = await runtime.subscribe_events()
        api = OmegaAPI.new(runtime)
        kept = await api.store_memory(MemoryTier.Semantic, "x", None, 0.5)
        made = await api.create_intelligence(IntelligenceSpec(name="A"))
        done = await api.execute_loop_cycle(LoopType.Reflexive, CycleInput())
    events = []
    while (event := await receiver.recv()) is not None:
        events.append(event)
    assert events == [
        OmegaEvent.MemoryStored("semantic", kept),
        OmegaEvent.IntelligenceCreated(made.id, "A"),
        OmegaEvent.LoopCycleStarted(LoopType.Reflexive, done.cycle_id),
        OmegaEvent.LoopCycleCompleted(LoopType.Reflexive, done.cycle_id, True),
    ]
    assert seen == later == events


async def test_a_handler_given_before_the_start_hears_from_the_start() -> None:
    seen: list[Any] = []
    runtime = await OmegaRuntime.new()
    runtime.on_event(seen.append)
    await runtime.start()
    runtime.set_health("loops", HealthStatus.Degraded)
    await runtime.stop()
    assert OmegaEvent.HealthChanged("loops", HealthStatus.Healthy, HealthStatus.Degraded) in seen


async def test_the_last_events_are_remembered_until_they_are_cleared() -> None:
    async with running() as runtime:
        runtime.set_health("loops", HealthStatus.Degraded)
        assert OmegaEvent.HealthChanged("loops", HealthStatus.Healthy, HealthStatus.Degraded) in runtime.event_history()
        runtime.clear_event_history()
        assert runtime.event_history() == []
        runtime.set_health("loops", HealthStatus.Healthy)
        assert len(runtime.event_history()) >= 1


async def test_only_so_many_handlers_are_taken() -> None:
    runtime = await OmegaRuntime.new()
    for _ in range(100):
        runtime.on_event(lambda event: None)
    with pytest.raises(CapacityReached):
        runtime.on_event(lambda event: None)


async def test_an_unhealthy_agentdb_is_searched_exactly_until_it_recovers_by_itself() -> None:
    async with running() as runtime:
        api = OmegaAPI.new(runtime)
        await api.store_memory(MemoryTier.Semantic, "x", [0.1] * 768, 0.5)
        assert not runtime.exact_search
        runtime.set_health("agentdb", HealthStatus.Unhealthy)
        assert runtime.exact_search
        assert runtime.host.memory.memories.indexes.exact_only
        assert (await api.health_status()).overall is HealthStatus.Unhealthy
        assert [one.content for one in await api.recall_memories([0.1] * 768, [MemoryTier.Semantic])] == ["x"]
        for _ in range(5):  # as the rounds of probes do
            await runtime.host.health.check()
        assert (await api.health_status()).subsystems["agentdb"] is HealthStatus.Healthy
        await _until(lambda: not runtime.exact_search)


async def test_degraded_loops_leave_the_essential_lanes_until_they_are_well() -> None:
    async with running() as runtime:
        api = OmegaAPI.new(runtime)
        runtime.set_health("loops", HealthStatus.Degraded)
        with pytest.raises(Unavailable, match="degraded"):
            await api.execute_loop_cycle(LoopType.Deliberative)
        assert (await api.execute_loop_cycle(LoopType.Reflexive)).success
        assert not (await api.loop_status(LoopType.Adaptive)).scheduled
        runtime.set_health("loops", HealthStatus.Healthy)
        assert (await api.execute_loop_cycle(LoopType.Deliberative)).success


async def test_without_meta_sona_architectures_are_fixed() -> None:
    async with running() as runtime:
        assert runtime.fixed_architectures  # evolution is off unless the configuration says otherwise
        runtime.set_health("meta_sona", HealthStatus.Unhealthy)
        assert runtime.fixed_architectures
        made = await OmegaAPI.new(runtime).create_intelligence(IntelligenceSpec(name="A", architecture="fallback"))
        assert made.spec.architecture == "fallback"


async def test_a_search_begins_where_it_is_switched_on_with_the_settings_of_the_configuration() -> None:
    document = {
        "document": {"dsl": "1.0.3", "namespace": "default", "name": "sums", "version": "1.0.0"},
        "do": [{"count": {"set": "${ length }"}}],
    }
    cases = [EvolutionCase("a" * n, n + 1) for n in range(8)]
    order = EvolutionOrder(workflow=document, cases=cases, knobs=[Knob("program", "/do/0/count/set", "jq")])
    async with running(OmegaConfig(meta_sona=MetaSONAConfig(True, mcts_iterations=7, ppo_steps=9))) as runtime:
        begun = await OmegaAPI.new(runtime).evolve(order)
        assert (begun.wanted, begun.task["policy_steps"]) == (7, 9)
    async with running(OmegaConfig()) as runtime:
        with pytest.raises(Unavailable, match="architectures are fixed"):
            await OmegaAPI.new(runtime).evolve(order)


async def test_a_part_that_is_not_there_has_no_health_to_set() -> None:
    async with running() as runtime:
        with pytest.raises(NotFound):
            runtime.set_health("flux", HealthStatus.Degraded)


async def test_several_runtimes_live_side_by_side() -> None:
    async with running() as one, running() as other:
        await OmegaAPI.new(one).store_memory(MemoryTier.Semantic, "x", None, 0.5)
        assert (await OmegaAPI.new(other).metrics()).total_memories == 0
