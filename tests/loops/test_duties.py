"""What each lane does by itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from omnicore.clock import ManualClock
from omnicore.loops.duties import Chores, Duties, PluginFacts, Worker, old_bundles
from omnicore.loops.lane import CycleInput, CycleOutput, Done, LoopType, extract_improvements
from omnicore.storage.database import Database
from omnicore.storage.tables.intelligences import SkillRow
from omnicore.storage.tables.loops import LoopsTable

WEEK_S = 7 * 86_400.0
_opened: list[Database] = []


@pytest.fixture(autouse=True)
def closed() -> Iterator[None]:
    """Stores in memory end with their test."""
    yield
    while _opened:
        _opened.pop().close()


def _duties(clock: ManualClock | None = None, kept: int = 3, **chores: Any) -> Duties:
    _opened.append(Database.open(None))
    table = LoopsTable(_opened[-1])
    return Duties(Chores(**chores), table=table, clock=clock or ManualClock(), kept=kept)


def _improvements(done: Done) -> list[str]:
    output = CycleOutput("c", LoopType.Evolutionary, True, {}, tuple(done.insights), (), (), duration_s=0.0)
    return [one.description for one in extract_improvements(output)]


async def test_a_host_without_any_part_has_duties_that_do_nothing() -> None:
    for kind, duty in _duties().by_lane().items():
        done = await duty(CycleInput())
        assert bool(done.problem) == (kind is LoopType.Transcendent)


async def test_the_reactive_lane_probes_health_and_drains_what_waits() -> None:
    async def probe() -> Mapping[str, str]:
        return {"memory": "Healthy", "agentdb": "Degraded"}

    async def drain() -> Mapping[str, int]:
        return {"tasks": 3}

    done = await _duties(probe=probe, drain=drain).reactive(CycleInput())
    assert done.results == {"health": {"memory": "Healthy", "agentdb": "Degraded"}, "retries": {"tasks": 3}}
    assert [one["description"] for one in done.insights] == ["agentdb is Degraded"]


async def test_the_adaptive_lane_consolidates_and_learns_how_functions_did() -> None:
    async def consolidate() -> Mapping[str, int]:
        return {"session>episodic": 4}

    rows = [SkillRow("a.f", "a", 20, 15, 0.01, 1.0), SkillRow("b.g", "b", 20, 0, 0.95, 1.0)]
    done = await _duties(consolidate=consolidate, learn=lambda: rows, limit_s=lambda ref: 1.0).adaptive(CycleInput())
    assert (done.results["moved"], done.results["skills_updated"]) == ({"session>episodic": 4}, 2)
    assert [one["kind"] for one in done.insights] == ["skill", "timeout"]


async def test_the_deliberative_lane_plans_and_says_what_should_come_next() -> None:
    async def consolidate() -> Mapping[str, int]:
        return {"expired": 7}

    staff = [Worker("int_1", "Researcher", frozenset({"research"}), ready=False)]
    given = CycleInput({"tasks": [{"id": "t1", "needs": "research"}, {"id": "t2", "needs": "flying"}]})
    done = await _duties(staff=lambda: staff, consolidate=consolidate).deliberative(given)
    assert done.results["assignments"][0]["name"] == "Researcher"
    assert done.results["moved"] == {"expired": 7}
    assert done.next_objectives == [
        "find somebody for t2: nobody has flying",
        "make Researcher ready: see what it lacks",
    ]


async def test_the_evolutionary_lane_compares_weeks_and_remembers_what_to_improve() -> None:
    clock, kept, numbers = ManualClock(), [], {"error_rate": 0.1}

    async def remember(text: str, importance: float) -> str:
        kept.append((text, importance))
        return f"mem_{len(kept)}"

    duties = _duties(clock, measure=lambda: numbers, remember=remember)
    first = await duties.evolutionary(CycleInput())
    assert (first.results["compared_with"], first.results["memories"]) == (None, [])
    numbers["error_rate"] = 0.5
    again = await duties.evolutionary(CycleInput())  # the same week: nothing to compare with yet
    assert again.results["memories"] == []
    clock.advance(WEEK_S)
    numbers["error_rate"] = 0.9
    second = await duties.evolutionary(CycleInput({"custom.p95_s": 3.0}))
    assert second.results["memories"] == ["mem_1"]
    assert second.results["measures"]["custom.p95_s"] == 3.0
    assert kept[0][0].startswith("error_rate went from 0.5 to 0.9")
    assert _improvements(second) == [kept[0][0]]


async def test_the_transformative_lane_proposes() -> None:
    plugin = PluginFacts("text", "enabled", frozenset(), {}, newest=True, calls=0)
    done = await _duties(survey=lambda: [plugin], versions=lambda: {"omnicore": "1"}).transformative(CycleInput())
    assert (done.results["findings"], done.results["versions"]) == ({"unused": 1}, {"omnicore": "1"})
    assert done.insights[0]["description"] == "text: it was never called; omnicore plugins disable text"


async def test_the_transcendent_lane_archives_verifies_and_keeps_so_many(tmp_path: Path) -> None:
    def export(folder: Path) -> Mapping[str, int]:
        (folder / "rows.jsonl").write_text("{}\n")
        return {"rows": 1}

    clock = ManualClock()
    duties = _duties(clock, kept=2, export=export, archives=tmp_path)
    for _ in range(3):
        done = await duties.transcendent(CycleInput())
        clock.advance(86_400)
    assert (done.results["verified"], done.results["broken"]) == (2, {})
    names = [path.name for path in old_bundles(tmp_path)]
    assert len(names) == 2
    assert names[-1] == done.results["bundle"]
    (tmp_path / names[0] / "rows.jsonl").write_text("changed")
    done = await duties.transcendent(CycleInput())
    assert list(done.results["broken"]) == [names[0]]
    assert "is not whole" in done.insights[0]["description"]
    assert (tmp_path / names[0]).is_dir()
