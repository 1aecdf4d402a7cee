"""Searches for better workflows on a real host: they find, they prove, they promote, and they are not deceived."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.evolution.killed import Killed, outcome, places_of, points_told

from omnicore import Host
from omnicore.errors import Conflict, InvalidInput, Unavailable, WorkflowFailed
from omnicore.evolution import service
from omnicore.evolution.architecture import (
    EvolutionCanary,
    EvolutionCase,
    EvolutionJudge,
    EvolutionOrder,
    Knob,
    division,
    document_with,
    lower_bound,
    score,
    verdict,
)
from omnicore.evolution.search import ProposerPolicy
from omnicore.records import decode
from omnicore.storage.tables.evolution import Edit, Evolution, EvolutionCandidate, Genes
from omnicore.workflows.language.text import Report, read

EXAMPLES = Path(__file__).parents[2] / "specs" / "examples" / "evolve"


@contextlib.asynccontextmanager
async def host_in(folder: Path) -> AsyncIterator[Host]:
    (folder / "plugins").mkdir(exist_ok=True)
    async with Host(plugins=folder / "plugins", data=folder / "data", watch=False) as host:
        yield host


def workflow(*tasks: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "document": {"dsl": "1.0.3", "namespace": "default", "name": "sums", "version": "1.0.0"},
        "do": list(tasks),
    }


def adults(limit: int, count: int = 60) -> list[EvolutionCase]:
    """Cases of `.ages | map(select(. >= limit)) | length`, of ages around the limit."""
    lists = [[limit + (7 * n + 3 * k) % 9 - 4 for k in range(n % 5)] for n in range(count)]
    return [EvolutionCase({"ages": ages}, sum(age >= limit for age in ages)) for ages in lists]


def order(**given: Any) -> EvolutionOrder:
    usual = {
        "workflow": workflow({"count": {"set": "${ .ages | map(select(. > 15)) | length }"}}),
        "cases": adults(18),
        "knobs": [Knob("program", "/do/0/count/set", "jq")],
        "candidates": 800,
    }
    return EvolutionOrder(**(usual | given))


async def ended(host: Host, begun: Evolution) -> Evolution:
    while (one := await host.evolution.get(begun.id)).state == "running":
        await asyncio.sleep(0.05)
    return one


async def found(host: Host, one: Evolution) -> Sequence[EvolutionCandidate]:
    return (await host.evolution.candidates(one.id, limit=1000))[0]


async def test_a_wrong_program_is_mended_proven_promoted_and_taken_back(tmp_path: Path) -> None:
    async with host_in(tmp_path) as host:
        one = await ended(host, await host.evolution.begin(order(), who="ada"))
        assert one.best is not None, one.reason
        assert one.least_gain is not None
        assert one.least_gain > 0
        best = (await found(host, one))[one.best]
        assert best.quality == 1.0
        assert best.held is not None
        assert set(best.held) == {1.0}
        await host.evolution.promote(one.id, who="ada")
        assert await host.workflows.run("sums", {"ages": [17, 18, 30]}) == 2
        with pytest.raises(Conflict, match="promoted already"):
            await host.evolution.promote(one.id, who="ada")
        await host.evolution.roll_back(one.id, who="ada")
        assert await host.workflows.run("sums", {"ages": [17, 18, 30]}) == 3


async def test_a_search_that_is_killed_at_ten_places_ends_as_one_that_was_not(tmp_path: Path) -> None:
    small = order(cases=adults(18, 24), candidates=8, seed=7)
    async with host_in(tmp_path) as host:
        points: list[str] = []
        with points_told(points.append):
            whole = await ended(host, await host.evolution.begin(small, who="ada"))
        kills = set(places_of(points, 10))

        def die(point: str) -> None:
            if point in kills:
                kills.remove(point)
                raise Killed(point)

        with points_told(die):
            begun = await host.evolution.begin(small, who="ada")
            for _ in range(10):
                carried = host.evolution._task
                assert carried is not None
                await asyncio.wait({carried}, timeout=60)
                assert isinstance(carried.exception(), Killed)
                await host.evolution.start()
            one = await ended(host, begun)
        assert not kills
        assert outcome(one, await found(host, one)) == outcome(whole, await found(host, whole))
        assert whole.best is not None, whole.reason


async def test_a_promoted_candidate_gets_its_share_of_the_runs_and_then_serves_all_of_them(tmp_path: Path) -> None:
    async with host_in(tmp_path) as host:
        given = order(cases=adults(18, 24), candidates=8, promotion=EvolutionCanary(share=25, runs=3))
        one = await ended(host, await host.evolution.begin(given, who="ada"))
        await _until(host, one, lambda now: now.share == 25)
        got = [await host.workflows.run("sums", {"ages": [17, 18, 30]}) for _ in range(8)]
        assert got == [3, 3, 3, 2] * 2
        assert (await host.evolution.get(one.id)).share == 25
        assert not host.events.history("architecture.evolved")[0]
        assert [await host.workflows.run("sums", {"ages": [17, 18, 30]}) for _ in range(4)] == [3, 3, 3, 2]
        now = await _until(host, one, lambda now: now.share is None)
        assert (now.promoted, now.version) == (one.best, 2)
        assert await host.workflows.run("sums", {"ages": [17, 18, 30]}) == 2
        await _until(host, one, lambda _: host.events.history("architecture.evolved")[0])


async def test_a_promoted_candidate_that_fails_more_often_is_taken_back(tmp_path: Path) -> None:
    async with host_in(tmp_path) as host:
        small = order(cases=adults(18, 24), candidates=8)
        one = await ended(host, await host.evolution.begin(small, who="ada"))
        await host.evolution.promote(one.id, who="ada", canary=EvolutionCanary(share=50, runs=2))
        for given in ({"ages": [1]}, {"ages": ["x"]}, {"ages": [1]}, {"ages": "x"}):  # each second run is its own
            with contextlib.suppress(WorkflowFailed):
                await host.workflows.run("sums", given)
        now = await _until(host, one, lambda now: now.promoted is None)
        assert "of its 2 runs failed, and 0 of 2 of the version before" in now.reason
        assert (await host.workflows.get("sums")).document == one.document


async def _until(host: Host, one: Evolution, true: Callable[[Evolution], object]) -> Evolution:
    async with asyncio.timeout(60):
        while not true(now := await host.evolution.get(one.id)):
            await asyncio.sleep(0.02)
    return now


def test_a_trial_ends_early_only_when_it_is_certain() -> None:
    assert verdict(20, 15, 200, 2, 100) is not None
    assert verdict(20, 1, 200, 2, 100) is None
    assert verdict(100, 1, 900, 9, 100) == ""
    assert verdict(100, 0, 0, 0, 100) == ""
    assert verdict(3, 3, 0, 0, 100) is None
    assert verdict(100, 9, 900, 9, 100)


async def test_edits_of_the_graph_are_found(tmp_path: Path) -> None:
    async with host_in(tmp_path) as host:
        report = Report()
        source = read((EXAMPLES / "fewer-faults.yaml").read_text("utf-8"), report)
        assert source is not None, report.problems
        one = await ended(host, await host.evolution.begin(decode(EvolutionOrder, source.value, "search"), who="ada"))
        assert one.best is not None, one.reason
        assert [edit.kind for edit in (await found(host, one))[one.best].genes.edits] == ["catch"]


async def test_what_is_as_good_and_does_less_is_proposed_where_cost_is_an_objective(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    rounds = {"for": {"each": "one", "in": "${ [range(.rounds)] }"}, "do": [{"again": {"set": "${ . }"}}]}
    document = workflow(
        {"old": {"set": {"ages": "${ .ages }", "limit": 18, "rounds": 4}}},
        {"grown": {"set": {"count": "${ .ages | length }", "rounds": "${ .rounds }"}}},
        {"rest": rounds},
        {"count": {"set": "${ .count }"}},
    )
    cases = [EvolutionCase(one.input, len(one.input["ages"])) for one in adults(18, 24)]
    knobs = [Knob("rounds", "/do/0/old/set/rounds", "int", least=1, most=6)]
    given = order(
        workflow=document,
        cases=cases,
        knobs=knobs,
        edits=["merge"],
        objectives=["quality", "cost"],
        sampler="nsga2",
        policy_steps=20,
        candidates=40,
    )
    async with host_in(tmp_path) as host:
        one = await ended(host, await host.evolution.begin(given, who="ada"))
        assert one.best is not None, one.reason
        candidates = await found(host, one)
        best = candidates[one.best]
        assert best.quality == 1.0
        assert best.cost < candidates[0].cost
        assert "merge" in [edit.kind for edit in best.genes.edits]
        assert best.genes.values["rounds"] < 4
        assert "no case held out is worse" in one.reason
        await host.evolution.promote(one.id, who="ada")
        assert await host.workflows.run("sums", {"ages": [17, 18, 30]}) == 3


async def test_numbers_are_drawn_within_their_range(tmp_path: Path) -> None:
    pytest.importorskip("optuna")
    document = workflow({"limit": {"set": {"most": 3, "all": "${ . }"}}}, {"cut": {"set": "${ .all[0:.most] | add }"}})
    cases = [EvolutionCase([n, n + 1, n + 2, n + 3, n + 4, 1], 5 * n + 10) for n in range(30)]
    knobs = [Knob("most", "/do/0/limit/set/most", "int", least=1, most=6)]
    async with host_in(tmp_path) as host:
        begun = await host.evolution.begin(order(workflow=document, cases=cases, knobs=knobs, candidates=30), who="ada")
        one = await ended(host, begun)
        assert one.best is not None, one.reason
        candidates = await found(host, one)
        assert candidates[one.best].genes.values == {"most": 5}
        assert all(1 <= candidate.genes.values["most"] <= 6 for candidate in candidates)


def script(code: str) -> dict[str, Any]:
    return workflow(
        {"count": {"run": {"script": {"language": "js", "arguments": {"ages": "${ .ages }"}, "code": code}}}}
    )


CODE = Knob("code", "/do/0/count/run/script/code", "javascript")


async def test_a_script_is_mended_by_edits_of_its_syntax_tree(tmp_path: Path) -> None:
    pytest.importorskip("tree_sitter_javascript")
    document = script("const old = ages.filter((age) => age > 15);\nreturn old.length;")
    async with host_in(tmp_path) as host:
        given = order(workflow=document, cases=adults(18, 30), knobs=[CODE], candidates=300)
        one = await ended(host, await host.evolution.begin(given, who="ada"))
        assert one.best is not None, one.reason
        best = (await found(host, one))[one.best]
        assert best.quality == 1.0
        assert best.held is not None
        assert set(best.held) == {1.0}
        await host.evolution.promote(one.id, who="ada")
        assert await host.workflows.run("sums", {"ages": [17, 18, 30]}) == 2


async def test_what_is_right_for_the_cases_for_training_alone_is_never_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    train = set(division(cases := adults(18))[0])
    learned = {json.dumps(one.input["ages"]): one.expect for at, one in enumerate(cases) if at in train}
    planted = " else ".join(f"if .ages == {ages} then {count}" for ages, count in learned.items())
    async with host_in(tmp_path) as host:
        _plant(monkeypatch, f"{planted} else 99{' end' * len(learned)}")
        one = await ended(host, await host.evolution.begin(order(cases=cases, candidates=2), who="ada"))
        candidates = await found(host, one)
        assert candidates[1].quality == 1.0
        assert "no candidate is better" in one.reason
        await _never_promoted(host, one)


async def test_a_candidate_that_reaches_further_than_its_workflow_dies(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked = {"call": "http", "with": {"method": "get", "endpoint": "${ .url }"}}
    document = workflow({"ask": asked}, {"count": {"set": "${ 1 }"}})
    knobs = [Knob("where", "/do/0/ask/with/endpoint", "jq")]
    async with host_in(tmp_path) as host:
        _plant(monkeypatch, '"http://127.0.0.1:9/" + .url', name="where")
        _let_the_first_pass(monkeypatch)
        one = await ended(
            host, await host.evolution.begin(order(workflow=document, knobs=knobs, candidates=2), who="a")
        )
        planted = (await found(host, one))[1]
        assert planted.state == "dead"
        assert "which the workflow it comes from lacks" in planted.reason
        await _never_promoted(host, one)


async def test_a_candidate_that_hangs_costs_its_time_and_is_not_proposed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = workflow(
        {"rest": {"wait": {"milliseconds": "${ .ms // 0 }"}}},
        {"count": {"set": "${ .ages | map(select(. > 16)) | length }"}},
    )
    knobs = [Knob("rest", "/do/0/rest/wait/milliseconds", "jq")]
    async with host_in(tmp_path) as host:
        _plant(monkeypatch, "600000", name="rest")
        begun = await host.evolution.begin(order(workflow=document, knobs=knobs, candidates=2, case_s=0.2), who="ada")
        one = await ended(host, begun)
        assert (await found(host, one))[1].state == "dropped"
        await _never_promoted(host, one)


async def _never_promoted(host: Host, one: Evolution) -> None:
    assert one.best is None
    with pytest.raises(Conflict, match="has no candidate to promote"):
        await host.evolution.promote(one.id, who="ada")


def _plant(monkeypatch: pytest.MonkeyPatch, program: str, name: str = "program") -> None:
    """Has the search propose a program of the test's own."""
    genes = service.Genes({name: program})
    monkeypatch.setattr(service.Search, "propose", lambda self, optuna: (genes, 0, "planted"))


def _let_the_first_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    """Judges without running: what is tested comes before any run."""

    async def scores(self: Any, graph: Any, number: int, cases: Sequence[int]) -> list[tuple[float, int]]:
        return [(0.5, 1) for _ in cases]

    monkeypatch.setattr(service._Carried, "_scores", scores)


@pytest.mark.parametrize(
    ("given", "path"),
    [
        ({"knobs": []}, "knobs"),
        ({"knobs": [Knob("a", "/do/9/x", "jq")]}, "knobs[0].at"),
        ({"knobs": [Knob("a", "/document/name", "jq")]}, "knobs[0].at"),
        ({"knobs": [Knob("a", "/document/name", "choice")]}, "knobs[0].values"),
        ({"knobs": [Knob("a", "/document/name", "int")]}, "knobs[0].least"),
        ({"judge": EvolutionJudge("function")}, "judge.function"),
        ({"knobs": [Knob("a", "/document/name", "javascript")]}, "knobs[0].at"),
        ({"workflow": script("return ("), "knobs": [CODE]}, "knobs[0].at"),
    ],
)
async def test_an_order_that_is_wrong_is_refused_with_its_place(
    tmp_path: Path, given: Mapping[str, Any], path: str
) -> None:
    async with host_in(tmp_path) as host:
        with pytest.raises(InvalidInput) as told:
            await host.evolution.begin(order(**given), who="ada")
        assert told.value.details["path"] == path


async def test_a_workflow_that_was_changed_meanwhile_is_not_replaced(tmp_path: Path) -> None:
    async with host_in(tmp_path) as host:
        one = await ended(host, await host.evolution.begin(order(), who="ada"))
        await host.workflows.apply(workflow({"count": {"set": "${ 0 }"}}))
        with pytest.raises(Conflict, match="was changed since"):
            await host.evolution.promote(one.id, who="ada")


async def test_a_command_without_a_running_host_is_told_to_start_one(tmp_path: Path) -> None:
    (tmp_path / "plugins").mkdir()
    async with Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, work=False) as host:
        with pytest.raises(Unavailable, match="goes on running"):
            await host.evolution.begin(order(), who="ada")


def test_a_task_that_was_done_before_is_taken_from_there() -> None:
    look = {"call": "text.look:1.0.0@default", "with": {"at": 1}}
    document = workflow({"first": look}, {"other": {"set": {"a": 1}}}, {"again": look})
    made = document_with(order(knobs=[]), document, Genes({}, [Edit("cache", "/do/2")]))
    assert made["do"][2] == {"again": {"set": "${ $steps.first.output }"}}
    with pytest.raises(InvalidInput, match="no task"):
        document_with(order(knobs=[]), document, Genes({}, [Edit("cache", "/do/1")]))
    with pytest.raises(InvalidInput, match="no task"):
        document_with(order(knobs=[]), document, Genes({}, [Edit("merge", "/do/0")]))


def test_a_policy_prefers_the_proposer_whose_children_gain() -> None:
    policy = ProposerPolicy()
    for _ in range(40):
        policy.learn("good", 0.3, 20)
        policy.learn("bad", -0.3, 20)
    good, bad = policy.shares(["good", "bad"])
    assert good > 3 * bad
    assert bad >= 0.05


def test_a_case_stays_on_its_side_when_others_are_added() -> None:
    cases = adults(18)
    held = {json.dumps(cases[at].input) for at in division(cases)[1]}
    more = [*cases, *adults(40)]
    assert held <= {json.dumps(more[at].input) for at in division(more)[1]}


def test_what_resembles_the_answer_scores_less_than_half_and_never_counts_as_right() -> None:
    judge = EvolutionJudge()
    assert score(judge, {"a": [1, 2]}, {"a": [1, 2]}) == 1.0
    assert 0 < score(judge, {"a": [1, 2]}, {"a": [1, 3]}) < 0.5
    assert score(judge, True, 1) == 0.0
    assert score(EvolutionJudge("number", tolerance=0.1), 1.0, 1.05) == 1.0


def test_a_gain_in_few_cases_is_not_taken_for_certain() -> None:
    assert lower_bound([1.0, 0.0, 0.0], 0) == 0.0
    assert lower_bound([1.0] * 10, 0) == 1.0
    assert lower_bound([1.0, -1.0] * 10, 0) < 0
