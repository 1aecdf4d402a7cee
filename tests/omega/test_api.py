"""`OmegaAPI` over real parts."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest
from tests.guests_that_answer import answers
from tests.omega.test_runtime import running

from omega_runtime import (
    AgentDBConfig,
    CycleInput,
    HealthStatus,
    IntelligenceSpec,
    IntelligenceStatus,
    LoopType,
    MemoryTier,
    OmegaAPI,
    OmegaConfig,
    extract_improvements,
)
from omnicore.errors import InvalidInput, PermissionDenied

SMALL = OmegaConfig(agentdb=AgentDBConfig(dimension=4))


async def test_memories_come_back_with_all_that_is_known_of_them() -> None:
    async with running(SMALL) as runtime:
        api = OmegaAPI.new(runtime)
        kept = await api.store_memory(MemoryTier.Semantic, "cats sleep", [1, 0, 0, 0], 0.75)
        await api.store_memory(MemoryTier.Semantic, "dogs run", [0, 1, 0, 0], 0.5)
        found = (await api.recall_memories([1, 0.1, 0, 0], [MemoryTier.Semantic], 1))[0]
        assert (found.id, found.tier, found.content, found.importance) == (
            kept,
            MemoryTier.Semantic,
            "cats sleep",
            0.75,
        )
        assert found.score is not None
        assert found.embedding == pytest.approx((1, 0, 0, 0))
        assert (found.access_count, found.source) == (0, None)
        assert 0 < found.score <= 1
        assert found.created_at <= found.accessed_at
        assert (found.tags, found.metadata) == ((), {})


@pytest.mark.parametrize("embedding", [[0.1] * 3, [0.1] * 5, [], [float("nan")] * 4])
async def test_an_embedding_of_another_length_or_that_is_no_number_is_refused(embedding: list[float]) -> None:
    async with running(SMALL) as runtime:
        api = OmegaAPI.new(runtime)
        with pytest.raises(InvalidInput):
            await api.store_memory(MemoryTier.Semantic, "x", embedding, 0.5)
        with pytest.raises(InvalidInput):
            await api.recall_memories(embedding, [MemoryTier.Semantic], 1)
        assert (await api.metrics()).total_memories == 0


async def test_tasks_go_to_intelligences_whose_plugins_can_do_them(tmp_path: Path) -> None:
    plugins = tmp_path / "plugins"
    plugins.mkdir()
    manifest = {"name": "lab", "functions": {"run": {"provides": ["research"], "output_media": "application/json"}}}
    (plugins / "lab.wasm").write_bytes(answers({"found": 7}, manifest))
    async with running(OmegaConfig(plugins=plugins)) as runtime:
        api = OmegaAPI.new(runtime)
        able = await api.create_intelligence(IntelligenceSpec(name="R", required_capabilities=["research"]))
        lame = await api.create_intelligence(IntelligenceSpec(name="X", required_capabilities=["flying"]))
        assert (able.status, lame.status) == (IntelligenceStatus.Ready, IntelligenceStatus.MissingCapabilities)
        assert [one.id for one in await api.list_intelligences(status=IntelligenceStatus.Ready)] == [able.id]
        tasks = [{"id": "t1", "needs": "research"}, {"id": "t2", "needs": "flying"}, {"id": "t3", "needs": "magic"}]
        plan = await api.execute_loop_cycle(LoopType.Deliberative, CycleInput({"tasks": tasks}))
        assert [(one["task"], one["name"], one["ready"]) for one in plan.results["assignments"]] == [
            ("t1", "R", True),
            ("t2", "X", False),
        ]
        assert [one["task"] for one in plan.results["unmatched"]] == ["t3"]
        assert await runtime.host.intelligences.call(able.id, "research") == {"found": 7}


async def test_an_intelligence_remembers_for_itself_within_its_tiers() -> None:
    async with running() as runtime:
        api = OmegaAPI.new(runtime)
        people = runtime.host.intelligences
        spec = IntelligenceSpec(name="R", memory_tiers=[MemoryTier.Semantic, MemoryTier.Episodic])
        one, other = await api.create_intelligence(spec), await api.create_intelligence(spec)
        await people.remember(one.id, "the key is under the mat", MemoryTier.Semantic, importance=0.9)
        assert [item.text for item in await people.recall(one.id, "key")] == ["the key is under the mat"]
        assert await people.recall(other.id, "key") == ()
        assert await people.recall(one.id, "key", tiers=[MemoryTier.Episodic]) == ()
        for work in (
            people.remember(one.id, "x", MemoryTier.Cosmic),
            people.recall(one.id, "x", tiers=[MemoryTier.Cosmic]),
        ):
            with pytest.raises(PermissionDenied, match="cosmic"):
                await work


async def test_every_lane_does_its_duty_on_a_whole_host() -> None:
    async with running() as runtime:
        api = OmegaAPI.new(runtime)
        await api.store_memory(MemoryTier.Session, "worth keeping", None, 0.9)
        done = {kind: await api.execute_loop_cycle(kind) for kind in LoopType}
        assert [kind for kind, output in done.items() if not output.success] == []
        assert done[LoopType.Reactive].results["health"]["memory"] == "Healthy"
        assert done[LoopType.Adaptive].results["moved"]["session>episodic"] == 1
        assert done[LoopType.Evolutionary].results["measures"]["rss_bytes"] > 0
        assert done[LoopType.Transformative].results["versions"]["database"] == "sqlite"
        archive = done[LoopType.Transcendent].results
        assert archive["counts"]["memories"] >= 1
        bundle = runtime.host.settings.data / "archives" / archive["bundle"]
        assert (bundle / "omnicore-backup.zip").is_file()
        assert "worth keeping" in (bundle / "rows" / "memories.jsonl").read_text()
        again = await api.execute_loop_cycle(LoopType.Transcendent)
        assert (again.results["verified"], again.results["broken"]) == (1, {})


async def test_a_week_that_was_worse_becomes_strategic_memories() -> None:
    async with running() as runtime:
        api = OmegaAPI.new(runtime)
        table = runtime.host.loops._table
        output = await api.execute_loop_cycle(LoopType.Evolutionary, CycleInput({"mine.error_rate": 0.5}))
        table.measure(output.results["week"] - 1, {"numbers": {"mine.error_rate": 0.1}}, 0.0)
        output = await api.execute_loop_cycle(LoopType.Evolutionary, CycleInput({"mine.error_rate": 0.5}))
        improvements = extract_improvements(output)
        assert [one.description.split(" in a week")[0] for one in improvements] == [
            "mine.error_rate went from 0.1 to 0.5"
        ]
        again = await api.execute_loop_cycle(LoopType.Evolutionary, CycleInput({"mine.error_rate": 0.6}))
        assert again.results["memories"] == []  # it was told this week
        found = await api.recall_memories(text="error_rate", tiers=[MemoryTier.Strategic])
        assert [one.content for one in found] == [improvements[0].description]
        assert found[0].source == "loops"


async def test_the_metrics_are_what_happened() -> None:
    async with running() as runtime:
        api = OmegaAPI.new(runtime)
        fresh = await api.metrics()
        assert (fresh.total_memories, fresh.total_cycles, fresh.intelligence_count, fresh.error_rate) == (0, 0, 0, 0.0)
        await api.store_memory(MemoryTier.Semantic, "x", None, 0.5)
        await api.store_memory(MemoryTier.Immediate, "y", None, 0.5)
        await api.create_intelligence(IntelligenceSpec(name="A"))
        await api.execute_loop_cycle(LoopType.Evolutionary)
        with pytest.raises(InvalidInput):
            await api.store_memory(MemoryTier.Semantic, "x", [1.0], 0.5)
        now = await api.metrics()
        assert (now.total_memories, now.memories_by_tier[MemoryTier.Immediate]) == (2, 1)
        assert set(now.memories_by_tier) == set(MemoryTier)
        assert (now.total_cycles, now.cycles_by_loop[LoopType.Evolutionary], now.intelligence_count) == (1, 1, 1)
        assert now.error_rate == pytest.approx(1 / 6)
        assert timedelta() < now.avg_response_time < now.uptime


async def test_health_names_the_four_subsystems() -> None:
    async with running() as runtime:
        report = await OmegaAPI.new(runtime).health_status()
        assert report.overall is HealthStatus.Healthy
        assert {"agentdb", "memory", "loops", "meta_sona"} <= set(report.subsystems)
        assert report.reasons == {}


async def test_the_status_of_all_lanes_is_their_sum() -> None:
    async with running() as runtime:
        api = OmegaAPI.new(runtime)
        await api.execute_loop_cycle(LoopType.Adaptive)
        await api.execute_loop_cycle(LoopType.Deliberative)
        status = await api.loop_status()
        assert (status.loop_type, status.cycles_completed, status.failures) == (None, 2, 0)
        assert status.next_run_at is not None
        assert status.avg_duration > timedelta()
