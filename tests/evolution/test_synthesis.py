"""Programs from examples: the model of jq agrees with jq, what is found is right, and nothing held out is looked at."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.evolution.test_evolution import adults, ended, host_in, order, workflow

from omnicore.evolution import search, synthesis
from omnicore.evolution.architecture import (
    EvolutionCase,
    EvolutionJudge,
    EvolutionOrder,
    Knob,
    division,
    example_places,
)
from omnicore.evolution.jq_evaluation import NotModelled, evaluated, key_of
from omnicore.evolution.jq_programs import read_program, write_program
from omnicore.evolution.synthesis import synthesised

ITEMS = [
    {"name": "Ada", "n": 4, "price": 2.5, "ok": True, "tags": ["x", "y"]},
    {"name": " bo,b ", "n": -3, "price": 8, "ok": False, "tags": []},
    {"name": "", "n": 4, "price": 1, "ok": None, "tags": ["y"]},
]
INPUTS: Sequence[Any] = ({"items": ITEMS, "limit": 3}, {"items": [], "limit": None}, {"items": ITEMS[1:], "limit": 8})
PROGRAMS = (
    ".items | map(.n) | sort",
    ".items | map(select(.n > 0 and .ok)) | length",
    ".items | sort_by(.price) | map(.name)",
    ".items | group_by(.n) | map({n: .[0].n, all: (map(.price) | add)})",
    ".items | unique_by(.n) | map(.name)",
    ".items | max_by(.n) | .name",
    ".items | min_by(.n) | .name",
    ".items | map(.tags) | flatten | unique",
    '.items | map(.name | ascii_downcase | split(",")) | flatten | join("-")',
    ".items[1:] | map(.price) | add",
    ".items[:-1] | length",
    ".items[-2:] | map(.n - 1)",
    ".items[0].name[0:1]",
    '.items | map({key: .name, value: .n}) | from_entries | to_entries | map(.key + "=" + (.value | tostring))',
    '.items | map(.name | gsub("[^a-zA-Z]+"; "_"))',
    '.items | map(.name | test("^[A-Z]"))',
    '.items | map(.name | trim | ltrimstr("A") | rtrimstr("b"))',
    '.items | map(.name | startswith("A") or endswith(" "))',
    ".items | any(.n < 0), all(.n < 0) | not",
    "[.items[] | .n * 2 % 3]",
    "[.items[] | .price / 2 | floor, ceil, round]",
    ".items | map(-.n | fabs)",
    '.items | map(if .ok then .n elif .n == 4 then "four" else null end)',
    "(. as $root | .items | map(select(.n > $root.limit)))",
    ".limit // 7",
    '.items | map(.tags | index("y"))',
    '.items | map(.name | contains("b"))',
    ".items | map(.tags) | add",
    ".items | map(.n) | (max - min)",
    ".items | map(.name | length) | reverse",
    ".items | map(.n) | unique | last",
    ".limit | tostring | tonumber",
)


@pytest.mark.parametrize("program", PROGRAMS)
async def test_the_model_gives_what_jq_gives(tmp_path: Path, program: str) -> None:
    agreed = 0
    async with host_in(tmp_path) as host:
        for given in INPUTS:
            try:
                modelled = evaluated(read_program(program), given)
            except NotModelled:  # the model may know less, and never something else
                continue
            assert key_of(await host.workflows.evaluate(program, given)) == key_of(modelled)
            agreed += 1
    assert agreed or "," in program


def _people(number: int) -> Any:
    names = ("Ada", "Bo", "Cyrus", "Dee", "Eli")
    return {
        "first": names[number % 5],
        "last": ("Lee", "Ray", "O'Neil")[number % 3],
        "age": number * 7 % 90,
        "scores": [number * k % 11 for k in range(1, 2 + number % 4)],
        "items": [
            {"n": (number * 5 + k * 3) % 17, "price": (number + k) % 7 + 1, "team": "rgb"[(number + k) % 3]}
            for k in range(1 + number % 5)
        ],
    }


@pytest.mark.parametrize(
    ("failing", "meant"),
    [
        (".scores | add", ".scores | add / length | floor"),
        (".scores | max", ".scores | (max - min)"),
        (".first", '"Dear " + .first + " " + .last + ", you are " + (.age | tostring) + "."'),
        (".first", ".first[:1] + .last[:1]"),
        (".age", ".age >= 37"),
        (".items | map(.n)", ".items | map(.n * .price) | add"),
        (".items | length", ".items | any(.price > 5)"),
        (".items | length", ".items | map(.team) | unique | length"),
        (".items | map(.n)", '.items | map(select(.team == "r")) | map(.n)'),
        (".items | map(.n)", ".items | max_by(.n) | .price"),
        (".", "{name: .first, best: (.scores | max)}"),
    ],
)
def test_a_program_is_put_together_from_its_examples(failing: str, meant: str) -> None:
    inputs = [_people(number) for number in range(90)]
    pairs = [(one, evaluated(read_program(meant), one)) for one in inputs]
    found = synthesised(read_program(failing), pairs[:40])
    assert found
    assert [evaluated(found[0], one) for one, _ in pairs[40:]] == [wanted for _, wanted in pairs[40:]]
    assert read_program(write_program(found[0])) == found[0]


def test_the_same_examples_give_the_same_programs_in_the_same_order() -> None:
    pairs = [(one, max(one["scores"]) - min(one["scores"])) for one in map(_people, range(40))]
    first, second = (synthesised(read_program(".scores | max"), pairs) for _ in "ab")
    assert first == second


def test_what_follows_from_nothing_in_the_input_is_not_found_and_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(synthesis, "_SIZES", synthesis._SIZES[:2])  # the last takes ten times as long to end as well
    noise = [int.from_bytes(json.dumps(n * n).encode()[-2:], "big") * 7919 % 101 for n in range(40)]
    pairs = [({"a": [n % 3, n % 5], "b": str(n % 4)}, value) for n, value in enumerate(noise)]
    for one in synthesised(read_program(".a | add"), pairs):
        right = 0
        for given, wanted in pairs:
            right += evaluated(one, given) == wanted
        assert right < len(pairs)


async def test_what_is_expected_of_the_cases_held_out_is_never_shown_to_the_searcher(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    cases = [EvolutionCase({"ages": [number]}, f"secret {number}") for number in range(30)]
    train, held = division(cases)
    shown: list[str] = []
    real = search.synthesised
    monkeypatch.setattr(search, "synthesised", lambda program, pairs: shown.append(str(pairs)) or real(program, pairs))
    async with host_in(tmp_path) as host:
        await ended(host, await host.evolution.begin(order(cases=cases, candidates=3), who="ada"))
    assert shown
    assert all(f"'secret {at}'" in shown[0] for at in train)
    assert not any(f"'secret {at}'" in text for at in held for text in shown)


async def test_a_program_behind_other_tasks_is_put_together_from_what_they_give_it(tmp_path: Path) -> None:
    document = workflow({"take": {"set": "${ .ages }"}}, {"count": {"set": {"adults": "${ length }"}}})
    cases = [EvolutionCase(one.input, {"adults": one.expect}) for one in adults(18)]
    knobs = [Knob("program", "/do/1/count/set/adults", "jq")]
    async with host_in(tmp_path) as host:
        begun = await host.evolution.begin(order(workflow=document, cases=cases, knobs=knobs, candidates=60), who="ada")
        one = await ended(host, begun)
        assert one.best is not None, one.reason
        found = (await host.evolution.candidates(one.id, limit=1, cursor=one.best - 1))[0][0]
        assert found.proposer in ("examples", "simplify")
        assert found.quality == 1.0


def test_a_judge_that_is_a_function_gives_no_examples() -> None:
    one: EvolutionOrder = order()
    assert example_places(one, one.workflow) == {"program": (0, "")}
    judged = order(judge=EvolutionJudge("function", function="a.b"))
    assert example_places(judged, judged.workflow) == {}
