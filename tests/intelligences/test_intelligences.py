"""Intelligences: what they can, what they may, and what they cost."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from tests.guests_that_answer import answers, fails, loops_on
from tests.plugins.conftest import Rig

from omnicore.clock import ManualClock
from omnicore.errors import (
    Conflict,
    DeadlineExceeded,
    GuestTrapped,
    InvalidInput,
    LimitExceeded,
    NotFound,
    PermissionDenied,
)
from omnicore.events.typed import OmegaEvent, Receiver
from omnicore.intelligences.intelligence import Budget, IntelligenceSpec, IntelligenceStatus, PracticeCase
from omnicore.intelligences.registry import Intelligences, Skills, rate
from omnicore.records import decode
from omnicore.storage.tables.intelligences import IntelligencesTable, SkillRow

Ready, Unverified, Missing = IntelligenceStatus


def _plugin(name: str, word: str, value: Any = None, **more: Any) -> bytes:
    made: Callable[..., bytes] = more.pop("made", None) or (lambda manifest: answers(value, manifest))
    function = {"provides": [word], "output_media": "application/json"}
    return made({"name": name, "functions": {"run": function}, **more})


def _people(rig: Rig, **more: Any) -> Intelligences:
    return Intelligences(IntelligencesTable(rig.database), rig.host, rig.events, clock=rig.clock, **more)


def test_creating_never_fails_for_want_of_plugins_unless_it_is_strict(rig: Rig) -> None:
    people = _people(rig)
    spec = IntelligenceSpec(name="Researcher", required_capabilities=["research"], min_capability=0.85)
    made = people.create(spec)
    assert (made.status, made.missing, made.version, made.score) == (Missing, ("research",), 1, None)
    with pytest.raises(InvalidInput, match="no plugin provides research"):
        people.create(IntelligenceSpec(name="Strict", required_capabilities=["research"], strict=True))
    assert [one.name for one in people.list()] == ["Researcher"]


def test_what_plugins_declare_makes_it_able_and_an_evaluation_is_still_wanted(rig: Rig) -> None:
    people = _people(rig)
    modest = people.create(IntelligenceSpec(name="Modest", required_capabilities=["research", "text.run"]))
    proud = people.create(IntelligenceSpec(name="Proud", required_capabilities=["research"], min_capability=0.8))
    assert modest.status is Missing
    rig.drop("text.wasm", _plugin("text", "research"))
    rig.scan()
    now = people.get(modest.id)
    assert (now.status, now.capabilities) == (Ready, {"research": ("text.run",), "text.run": ("text.run",)})
    assert people.get(proud.id).status is Unverified
    rig.host.disable("text")
    assert people.get(modest.id).status is Missing


async def test_its_measured_score_decides_if_it_meets_what_is_asked_of_it(rig: Rig) -> None:
    people = _people(rig)
    rig.drop("text.wasm", _plugin("text", "research", {"found": 1}))
    rig.drop("poor.wasm", _plugin("poor", "broken", made=fails))
    rig.scan()
    words = ["research", "broken"]
    proud = people.create(IntelligenceSpec(name="Proud", required_capabilities=words, min_capability=0.75))
    good, wrong = PracticeCase("research", b"q", {"found": 1}), PracticeCase("research", b"q", {"found": True})
    practised = await people.practise(proud.id, [good, good, good, wrong])
    assert (practised.score, practised.status) == (0.75, Ready)
    practised = await people.practise(proud.id, [good, wrong, PracticeCase("broken", b"", None)])
    assert (practised.score, practised.status) == (1 / 3, Unverified)
    with pytest.raises(PermissionDenied):
        await people.practise(proud.id, [good, PracticeCase("else", b"", None)])
    with pytest.raises(InvalidInput, match="no cases"):
        await people.practise(proud.id, [])
    assert people.get(proud.id).score == 1 / 3


def test_one_that_needs_nothing_is_ready(rig: Rig) -> None:
    assert _people(rig).create(IntelligenceSpec(name="Simple")).status is Ready


def test_the_same_name_again_is_another_version(rig: Rig) -> None:
    people = _people(rig)
    first, second = (people.create(IntelligenceSpec(name="A")) for _ in range(2))
    assert (first.version, second.version) == (1, 2)
    assert first.id != second.id


async def test_the_bus_is_told_of_each_that_is_made(rig: Rig) -> None:
    receiver = Receiver(rig.events)
    made = _people(rig).create(IntelligenceSpec(name="A"))
    receiver.close()
    assert await receiver.recv() == OmegaEvent.IntelligenceCreated(made.id, "A")


def test_lists_filter_and_pages_go_on_where_the_last_ended(rig: Rig) -> None:
    people = _people(rig)
    rig.drop("text.wasm", _plugin("text", "research"))
    rig.scan()
    for number in range(5):
        words = ["research"] if number % 2 else ["flying"]
        people.create(IntelligenceSpec(name=f"n{number}", required_capabilities=words))
    assert [one.name for one in people.list(status=Ready)] == ["n1", "n3"]
    assert [one.name for one in people.list(capability="flying")] == ["n0", "n2", "n4"]
    assert [one.name for one in people.list(name="n4")] == ["n4"]
    page, cursor = people.page(2)
    assert [one.name for one in page] == ["n0", "n1"]
    rest, end = people.page(5, cursor)
    assert ([one.name for one in rest], end) == (["n2", "n3", "n4"], None)


async def test_a_retired_one_takes_no_calls_and_leaves_the_lists(rig: Rig) -> None:
    people = _people(rig)
    made = people.create(IntelligenceSpec(name="A", required_capabilities=["research"]))
    people.retire(made.id)
    assert people.list() == []
    assert [one.id for one in people.list(retired=True)] == [made.id]
    with pytest.raises(Conflict, match="retired already"):
        people.retire(made.id)
    with pytest.raises(Conflict, match="retired"):
        await people.call(made.id, "research")
    with pytest.raises(NotFound):
        people.retire("int_nobody")


def test_they_are_still_there_after_a_restart(rig: Rig) -> None:
    spec = IntelligenceSpec(
        name="A", required_capabilities=["a", "b"], budget=Budget(calls=3), memory_tiers=["semantic"], description="d"
    )
    made = _people(rig).create(spec)
    again = _people(rig).get(made.id)
    assert again == made
    assert again.memory_scope == ("semantic",)
    assert again.budget == Budget(calls=3)


def test_only_so_many_are_kept(rig: Rig) -> None:
    people = _people(rig, most=2)
    for name in "ab":
        people.create(IntelligenceSpec(name=name))
    with pytest.raises(LimitExceeded, match="retire"):
        people.create(IntelligenceSpec(name="c"))
    assert people.count() == 2


async def test_it_does_what_it_requires_and_nothing_else(rig: Rig) -> None:
    rig.drop("text.wasm", _plugin("text", "research", {"found": 7}))
    rig.drop("bomb.wasm", _plugin("bomb", "explode"))
    rig.scan()
    people = _people(rig)
    made = people.create(IntelligenceSpec(name="A", required_capabilities=["research", "flying"]))
    assert await people.call(made.id, "research", b"what") == {"found": 7}
    with pytest.raises(PermissionDenied, match="may not use explode"):
        await people.call(made.id, "explode")
    with pytest.raises(NotFound, match="no plugin provides flying"):
        await people.call(made.id, "flying")


async def test_a_budget_of_calls_is_enforced_and_begins_anew_with_its_period(rig_at: Any, tmp_path: Any) -> None:
    clock = ManualClock()
    rig = rig_at(tmp_path, clock=clock)
    rig.drop("text.wasm", _plugin("text", "research", 1))
    rig.scan()
    people = _people(rig)
    spec = IntelligenceSpec(name="A", required_capabilities=["research"], budget=Budget(calls=2, period_s=60))
    made = people.create(spec)
    results = await asyncio.gather(*(people.call(made.id, "research") for _ in range(5)), return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["LimitExceeded"] * 3 + ["int"] * 2
    assert people.usage(made.id).calls == 2
    clock.advance(60)
    assert await people.call(made.id, "research") == 1


async def test_fuel_is_counted_and_ends_the_budget(rig: Rig) -> None:
    rig.drop("text.wasm", _plugin("text", "research", 1, limits={"fuel": 1_000_000}))
    rig.scan()
    people = _people(rig)
    spec = IntelligenceSpec(name="A", required_capabilities=["research"], budget=Budget(fuel=10))
    made = people.create(spec)
    assert await people.call(made.id, "research") == 1
    assert people.usage(made.id).fuel > 10
    assert people.usage(made.id).seconds > 0
    with pytest.raises(LimitExceeded, match="used up"):
        await people.call(made.id, "research")


async def test_a_call_that_takes_longer_than_it_may_is_cut(rig: Rig) -> None:
    rig.drop("slow.wasm", _plugin("slow", "research", made=loops_on, limits={"timeout_s": 30.0}))
    rig.scan()
    rig.host.grant("slow", "limits", who="test")
    people = _people(rig)
    made = people.create(IntelligenceSpec(name="A", required_capabilities=["research"], max_inference_time=100.0))
    with pytest.raises(DeadlineExceeded):
        await people.call(made.id, "research")
    assert people.usage(made.id).seconds >= 0.1


@pytest.mark.parametrize(
    ("architecture", "answer"), [("single", None), ("retry", None), ("fallback", "good"), ("vote", "good")]
)
async def test_architectures_differ_in_what_they_do_when_the_best_function_fails(
    rig: Rig, architecture: str, answer: str | None
) -> None:
    rig.drop("a.wasm", _plugin("a", "research", made=fails))
    rig.drop("b.wasm", _plugin("b", "research", "good"))
    rig.drop("c.wasm", _plugin("c", "research", "good"))
    rig.drop("d.wasm", _plugin("d", "research", "odd"))
    rig.scan()
    people = _people(rig)
    spec = IntelligenceSpec(name="A", required_capabilities=["research"], architecture=architecture)
    made = people.create(spec)
    if answer is None:
        with pytest.raises(GuestTrapped):
            await people.call(made.id, "research")
        assert people.usage(made.id).calls == (3 if architecture == "retry" else 1)
    else:
        assert await people.call(made.id, "research") == answer


async def test_alternates_with_a_better_record_come_first(rig: Rig) -> None:
    for name in ("a", "b"):
        rig.drop(f"{name}.wasm", _plugin(name, "research", name))
    rig.scan()
    people = _people(rig)
    made = people.create(IntelligenceSpec(name="A", required_capabilities=["research"]))
    assert await people.call(made.id, "research") == "a"
    IntelligencesTable(rig.database).learn([SkillRow("a.run", "a", 10, 9, 0.1, 1.0)])
    assert await people.call(made.id, "research") == "b"


async def test_skills_are_learned_from_what_was_counted(rig: Rig) -> None:
    rig.drop("a.wasm", _plugin("a", "research", 1))
    rig.drop("b.wasm", _plugin("b", "research", made=fails))
    rig.scan()
    table = IntelligencesTable(rig.database)
    skills = Skills(rig.metrics, table, rig.clock)
    assert skills.learn() == []
    for _ in range(3):
        await rig.host.call("a.run")
    with pytest.raises(GuestTrapped):
        await rig.host.call("b.run")
    assert {row.ref: (row.calls, row.failures) for row in skills.learn()} == {"a.run": (3, 0), "b.run": (1, 1)}
    await rig.host.call("a.run")
    assert [(row.ref, row.calls) for row in skills.learn()] == [("a.run", 1)]
    assert table.skills()["a.run"].calls == 4
    assert 0 < table.skills()["a.run"].p95_s <= 1


def test_a_function_nobody_called_is_as_likely_to_fail_as_not() -> None:
    assert (rate(0, 0), rate(8, 8), rate(8, 0)) == (0.5, 0.1, 0.9)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("name", ""),
        ("name", "  "),
        ("name", "x" * 129),
        ("name", "a\x1b[31m"),
        ("name", 7),
        ("min_capability", 1.1),
        ("min_capability", float("nan")),
        ("min_capability", "high"),
        ("required_capabilities", "research"),
        ("required_capabilities", ["two words"]),
        ("required_capabilities", ["w"] * 51),
        ("required_capabilities", 7),
        ("max_inference_time", 0),
        ("max_inference_time", float("inf")),
        ("max_inference_time", True),
        ("architecture", "cosmic"),
        ("memory_tiers", ["attic"]),
        ("memory_tiers", "semantic"),
        ("budget", Budget(calls=0)),
        ("budget", Budget(calls=True)),
        ("budget", Budget(fuel=2**63)),
        ("budget", Budget(seconds=-1)),
        ("budget", Budget(seconds=10**400)),
        ("strict", [[[]]]),
        ("strict", None),
        ("budget", Budget(period_s=0)),
        ("budget", None),
        ("description", None),
    ],
)
def test_a_spec_that_cannot_be_meant_is_refused_by_the_field(rig: Rig, field: str, value: Any) -> None:
    with pytest.raises(InvalidInput) as refused:
        _people(rig).create(IntelligenceSpec(**{"name": "A", field: value}))
    assert refused.value.details["path"].startswith(field)


@pytest.mark.parametrize("values", [{"nam": "A"}, {"budget": 7}, {"budget": {"cals": 1}}])
def test_a_document_with_strange_fields_is_no_spec(values: dict[str, Any]) -> None:
    with pytest.raises(InvalidInput):
        decode(IntelligenceSpec, values, "spec")
