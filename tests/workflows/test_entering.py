"""A trial begins at any task that something leads to by itself, and says why where it cannot."""

from __future__ import annotations

from typing import Any

import pytest
from tests.workflows.engines import Steps, text, workflows_on

from omnicore.errors import Conflict, InvalidInput, NotFound, WorkflowFailed
from omnicore.storage.store import Store
from omnicore.workflows.trials import TrialWishes

DEEP = text(
    "deep",
    """
- first: {set: {v: 0}}
- loop:
    if: ${ false }
    for: {each: pet, in: .pets, at: n}
    while: $n > 5
    do:
      - a: {call: work.echo, with: {no: 1}}
      - b: {set: {b: '${ .x }', pet: '${ $pet }', n: '${ $n }'}}
      - guarded:
          input: {from: .nothing}
          try:
            - c: {call: work.maybe, with: {was: '${ . }'}}
            - d: {set: {d: '${ .was }'}}
          catch:
            do:
              - e: {set: {caught: true}}
      - side:
          fork:
            branches:
              - left: {set: {left: '${ . }'}}
              - right:
                  do:
                    - r1: {call: work.echo}
                    - r2: {set: {right: '${ . }'}}
- last: {set: {last: '${ . }'}}
- heard: {if: '${ false }', listen: {to: {one: {with: {type: t}}}}, foreach: {do: [{f: {set: {v: 1}}}]}}
- undone: {if: '${ false }', set: {v: 1}, host: {compensate: [{u: {set: {v: 2}}}]}}
- end: {set: '${ .last }'}
""",
)
LOOP = "/do/1/loop/do"


async def tried(store: Store, path: str, given: Any = None, steps: Steps | None = None, **more: Any) -> Any:
    async with workflows_on(store, steps or Steps()) as workflows:
        return await (await workflows.trial("deep", DEEP, given, from_path=path, **more))


@pytest.mark.parametrize(
    ("path", "given", "output"),
    [
        ("/do/2/last", 1, 1),
        (f"{LOOP}/3/side", {"x": 1}, [{"left": {"x": 1}}, {"right": {"x": 1}}]),
        (f"{LOOP}/3/side/fork/branches/0/left", 7, [{"left": 7}, 7]),
        (f"{LOOP}/3/side/fork/branches/1/right", 7, [7, {"right": 7}]),
        (f"{LOOP}/3/side/fork/branches/1/right/do/1/r2", 7, [7, {"right": 7}]),
        (f"{LOOP}/2/guarded/try/1/d", {"was": 3}, [{"left": {"d": 3}}, {"right": {"d": 3}}]),
    ],
)
async def test_a_run_begins_in_the_midst_of_blocks(store: Store, path: str, given: Any, output: Any) -> None:
    steps = Steps()
    assert await tried(store, path, given, steps) == output
    assert "maybe" not in steps.counts


async def test_a_loop_goes_one_round_with_the_variables_that_are_given(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        item = {"says": 'a "\\(quote)" of ${ }'}
        run = await workflows.trial(
            "deep", DEEP, {"x": 1}, from_path=f"{LOOP}/1/b", variables={"pet": item, "other": 1}
        )
        await run
        rows = (await workflows.steps(run.id)).items
        (b,) = [row for row in rows if row.name == "b"]
        assert (b.path, b.output) == ("/do/0/loop/do/1/b", {"b": 1, "pet": item, "n": 0})
        assert [row.name for row in rows if row.status == "skipped"][:1] == ["a"]
        assert (await workflows.run_view(run.id)).trigger["from"] == f"{LOOP}/1/b"
        bare = await workflows.trial("deep", DEEP, {"x": 2}, from_path=f"{LOOP}/1/b")
        await bare
        (b,) = [row for row in (await workflows.steps(bare.id)).items if row.name == "b"]
        assert b.output == {"b": 2, "pet": {"x": 2}, "n": 0}


async def test_what_a_try_around_it_catches_is_caught(store: Store) -> None:
    steps = Steps()
    steps.broken.add("maybe")
    output = await tried(store, f"{LOOP}/2/guarded/try/0/c", {}, steps)
    assert output == [{"left": {"caught": True}}, {"right": {"caught": True}}]


async def test_of_branches_that_compete_the_one_is_the_first(store: Store) -> None:
    race = text(
        "race",
        """
- who:
    fork: {compete: true, branches: [{a: {set: {v: a}}}, {b: {set: {v: b}}}]}
    output: {as: '${ .v }'}
""",
    )
    async with workflows_on(store, Steps()) as workflows:
        assert await (await workflows.trial("race", race, from_path="/do/0/who/fork/branches/1/b")) == "b"


@pytest.mark.parametrize(
    ("path", "says"),
    [
        ("/do/9/x", "no such task"),
        ("/do/2/first", "no such task"),
        ("/do/1/loop/do", "no such task"),
        ("/do/1/loop/for/in", "no task"),
        ("/do/2/last/set", "no task"),
        ("/do/²/last", "no such task"),
        ("/document/name", "no task"),
        ("last", "no task"),
        ("/use/functions/f", "put in where it is called"),
        (f"{LOOP}/2/guarded/catch/do/0/e", "it follows an error"),
        ("/do/3/heard/foreach/do/0/f", "it follows an event"),
        ("/do/4/undone/host/compensate/0/u", "it undoes what was done"),
    ],
)
async def test_where_a_run_cannot_begin_is_told_with_the_reason(store: Store, path: str, says: str) -> None:
    with pytest.raises(InvalidInput, match=says) as caught:
        await tried(store, path)
    assert caught.value.details["path"] == "from"
    assert caught.value.remedy


async def test_a_task_after_which_something_leads_back_is_refused(store: Store) -> None:
    back = text("back", "- a: {set: {v: 1}}\n- b: {set: {v: 2}}\n- c: {switch: [{again: {when: .x, then: a}}]}")
    async with workflows_on(store, Steps()) as workflows:
        with pytest.raises(InvalidInput, match="'c' leads back to 'a'"):
            await workflows.trial("back", back, from_path="/do/1/b")
        assert await (await workflows.trial("back", back, from_path="/do/0/a")) == {"v": 2}


CHAIN = text(
    "chain",
    """
- fetch: {call: work.echo, with: {price: 7}}
- rate: {call: work.echo, with: {v: 3}}
- sum: {set: {sum: '${ .v + $steps.fetch.output.price * $steps["rate"].output.v }'}}
- send: {call: work.echo, with: '${ .sum }'}
- tell: {call: work.maybe}
""",
)


def wishes(**more: Any) -> TrialWishes:
    return TrialWishes(**more)


async def test_a_step_that_needs_an_earlier_output_is_refused_without_it(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        with pytest.raises(InvalidInput, match="needs the output of 'fetch'") as caught:
            await workflows.trial("chain", CHAIN, {"v": 1}, wishes=wishes(first="/do/2/sum"))
        told = caught.value.details
        assert (told["path"], told["place"], told["step"]) == ("steps", "/do/2/sum/set/sum", "fetch")
        with pytest.raises(InvalidInput, match="needs the output of 'rate'"):
            await workflows.trial("chain", CHAIN, {"v": 1}, wishes=wishes(first="/do/2/sum", steps={"fetch": {}}))
        with pytest.raises(InvalidInput, match="needs an input") as caught:
            await workflows.trial("chain", CHAIN, wishes=wishes(first="/do/3/send"))
        assert (caught.value.details["path"], caught.value.details["place"]) == ("input", "/do/3/send")
        with pytest.raises(NotFound):
            await workflows.trial("chain", CHAIN, wishes=wishes(first="/do/2/sum", run="run_x"))


async def test_one_step_runs_with_pinned_outputs_of_those_before_it(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps) as workflows:
        one = wishes(first="/do/2/sum", last="/do/2/sum", steps={"fetch": {"price": 5}, "rate": {"v": 2}})
        run = await workflows.trial("chain", CHAIN, {"v": 1}, wishes=one)
        assert await run == {"sum": 11}
        assert not steps.calls
        assert (await workflows.run_view(run.id)).trigger["steps"] == ["fetch", "rate"]


async def test_a_trial_of_a_text_that_computes_the_name_of_a_step_runs(store: Store) -> None:
    named = text(
        "named",
        r"""
- one: {set: {v: 5}}
- which: {set: {name: one}}
- back: {set: {v: '${ $steps["\(.name)"].output.v }'}}
""",
    )
    async with workflows_on(store, Steps()) as workflows:
        assert await (await workflows.trial("named", named)) == {"v": 5}
        later = wishes(first="/do/2/back", steps={"one": {"v": 7}}, answers={"/do/²/one": 1})
        assert await (await workflows.trial("named", named, {"name": "one"}, wishes=later)) == {"v": 7}


async def test_a_later_step_has_the_values_of_a_chosen_run_and_calls_are_answered_by_it(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(CHAIN)
        steps.broken.add("maybe")
        whole = await workflows.start("chain", {"v": 1})
        with pytest.raises(WorkflowFailed):
            await whole
        made = len(steps.calls)
        real = await workflows.trial("chain", CHAIN, wishes=wishes(first="/do/2/sum", last="/do/3/send", run=whole.id))
        assert await real == 24
        assert len(steps.calls) == made + 1
        told = await workflows.trial(
            "chain", CHAIN, wishes=wishes(first="/do/2/sum", last="/do/3/send", run=whole.id, calls="recorded")
        )
        assert await told == 24
        assert len(steps.calls) == made + 1, "a recorded answer is no call"
        alone = await workflows.trial("chain", CHAIN, wishes=wishes(first="/do/2/sum", run=whole.id, calls="recorded"))
        with pytest.raises(WorkflowFailed, match="No answer is recorded"):
            await alone
        by_hand = wishes(first="/do/2/sum", run=whole.id, answers={"/do/3/send": 1, "/do/4/tell": "told"})
        assert await (await workflows.trial("chain", CHAIN, wishes=by_hand)) == "told"


async def test_the_values_of_a_run_of_another_workflow_are_not_taken(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("other", "- fetch: {set: {price: 1}}"))
        other = await workflows.start("other", {})
        await other
        with pytest.raises(Conflict, match="is a run of other, not of chain"):
            await workflows.trial("chain", CHAIN, wishes=wishes(first="/do/2/sum", run=other.id))


ROUNDS = text(
    "rounds",
    """
- first: {set: {v: 0}}
- each:
    for: {each: pet, in: '${ [1, 2] }'}
    do:
      - a: {call: work.echo}
      - b: {set: {pet: '${ $pet }'}}
      - c: {call: work.maybe}
- last: {set: {last: '${ . }'}, then: first}
""",
)


@pytest.mark.parametrize(
    ("last", "output"),
    [
        ("/do/0/first", {"v": 0}),
        ("/do/1/each/do/1/b", {"pet": 2}),
        ("/do/2/last", {"last": "told"}),
    ],
)
async def test_a_run_ends_with_a_task_in_each_round_of_its_loop(store: Store, last: str, output: Any) -> None:
    async with workflows_on(store, Steps()) as workflows:
        to_there = wishes(last=last, answers={"/do/1/each/do/2/c": "told"})
        assert await (await workflows.trial("rounds", ROUNDS, {}, wishes=to_there)) == output


async def test_where_a_run_cannot_end_is_told(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        for path, says in (
            ("/do/9/x", "no such task"),
            ("/do/4/undone/host/compensate/0/u", "undoes"),
            ("x", "no task"),
        ):
            with pytest.raises(InvalidInput, match=says) as caught:
                await workflows.trial("deep", DEEP, {}, wishes=wishes(last=path))
            assert caught.value.details["path"] == "to"
