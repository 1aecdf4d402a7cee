"""Runs in motion: each step once, in its time, whatever the others do."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
from tests.workflows.engines import Steps, Told, text, until, workflows_on

from omnicore.errors import CallCancelled, Conflict, DeadlineExceeded, NotFound, WorkflowFailed
from omnicore.storage.store import Store
from omnicore.workflows.service import Workflows

THREE = text("three", "- a: {call: work.echo}\n- b: {call: work.echo}\n- c: {call: work.echo}")
WAITS = text("waits", "- a: {call: work.echo}\n- b: {call: work.wait}\n- c: {call: work.echo}")


async def rows(workflows: Workflows, run: str) -> list[tuple[str, str]]:
    return [(one.name, one.status) for one in (await workflows.steps(run)).items]


async def test_a_run_gives_the_output_of_its_last_step_and_keeps_a_row_of_each(store: Store) -> None:
    steps, told = Steps(), Told()
    async with workflows_on(store, steps, told=told) as workflows:
        await workflows.apply(THREE)
        handle = await workflows.start("three", {"name": "Ada"}, by="anna")
        assert await handle == {"name": "Ada"}
        view = await handle.view()
        assert (view.status, view.by, view.output, view.steps) == ("completed", "anna", {"name": "Ada"}, 3)
        assert await rows(workflows, handle.id) == [("a", "completed"), ("b", "completed"), ("c", "completed")]
        assert (await workflows.audit(handle.id))["ok"]
        assert steps.keys[0].startswith(f"{handle.id}/")
        assert steps.keys[0].endswith("/1")
        assert told.runs == [(handle.id, "running"), (handle.id, "completed")]


async def test_a_start_with_the_key_of_another_is_that_ones_run(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(THREE)
        first = await workflows.start("three", 1, key="order-7")
        again = await workflows.start("three", 2, key="order-7")
        assert again.id == first.id
        assert again.duplicate
        assert not first.duplicate
        assert await again == 1


async def test_what_is_not_there_or_switched_off_is_not_run(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        with pytest.raises(NotFound):
            await workflows.run("three")
        await workflows.apply(THREE)
        await workflows.switch("three", on=False)
        with pytest.raises(Conflict):
            await workflows.run("three")
        await workflows.switch("three", on=True)
        assert await workflows.run("three", 5) == 5


@pytest.mark.parametrize("name", ["fail", "huge", "odd"])
async def test_a_step_that_goes_wrong_faults_its_run_and_no_other(store: Store, name: str) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("bad", f"- a: {{call: work.{name}}}"))
        await workflows.apply(THREE)
        bad, good = await asyncio.gather(workflows.run("bad"), workflows.run("three", 1), return_exceptions=True)
        assert isinstance(bad, WorkflowFailed)
        assert bad.details["fault"]["instance"]
        assert good == 1
        assert [one.status for one in (await workflows.dead()).items] == ["faulted"]


FIRST = "- first: {set: '${ . }'}\n"
LONG = "[range(20000)] | tostring"


@pytest.mark.parametrize(
    ("do", "more", "place"),
    [
        ("- a: {call: work.fail}", "", "/do/1/a"),
        ("- a: {call: work.huge}", "", "/do/1/a"),
        ("- a: {call: work.maybe}", "", "/do/1/a"),
        ("- a: {raise: {error: {type: https://a.example/e, status: 400}}}", "", "/do/1/a"),
        ("- a: {do: [{b: {set: '${ error(\"no\") }'}}]}", "", "/do/1/a/do/0/b"),
        ("- a: {set: {x: 1}, if: '${ error(\"no\") }'}", "", "/do/1/a"),
        ("- a: {set: {x: 1}, output: {as: '${ error(\"no\") }'}}", "", "/do/1/a"),
        ("- a: {set: {x: 1}, output: {schema: {document: {required: [y]}}}}", "", "/do/1/a"),
        ("- a: {call: work.wait, timeout: {after: {milliseconds: 50}}}", "", "/do/1/a"),
        ("- a: {do: [{b: {call: work.wait}}]}", "timeout: {after: {milliseconds: 100}}", "/do/1/a/do/0/b"),
        (
            "- a: {fork: {branches: [{b: {wait: PT9S}}, {c: {set: {x: 1}}}]}}",
            "timeout: {after: {milliseconds: 100}}",
            "/do/1/a/fork/branches/0/b",
        ),
        ("- a: {for: {in: '${ [1, 2] }'}, do: [{b: {call: work.maybe}}]}", "", "/do/1/a/for/0/do/0/b"),
        ("- a: {run: {workflow: {namespace: default, name: fails, version: latest}}}", "", "/do/1/a"),
        ("- a: {run: {workflow: {namespace: default, name: missing, version: latest}}}", "", "/do/1/a"),
        (f"- a: {{set: '${{ {LONG} }}'}}\n- b: {{set: {{x: 1}}}}", "", "/do/1/a"),
        ("- a: {set: {x: 1}}", "input: {from: '${ error(\"no\") }'}", "/input"),
        ("- a: {set: {x: 1}}", "output: {as: '${ error(\"no\") }'}", "/output"),
        ("- a: {set: {x: 1}}", "output: {schema: {document: {type: array}}}", "/output"),
        ("- a: {set: {x: 1}}", f"output: {{as: '${{ {LONG} }}'}}", "/output"),
    ],
)
async def test_a_fault_names_the_step_that_it_came_up_in(store: Store, do: str, more: str, place: str) -> None:
    steps = Steps()
    steps.broken.add("maybe")
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("fails", "- z: {do: [{y: {set: '${ error(\"no\") }'}}]}"))
        await workflows.apply(text("bad", FIRST + do) + f"\n{more}")
        with pytest.raises(WorkflowFailed, match=f" faulted at {place}: ") as failed:
            await workflows.run("bad", {}, timeout_s=30)
        assert failed.value.details["fault"]["instance"] == place


async def test_the_fault_of_a_child_names_the_parents_step_and_the_childs(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("fails", "- z: {do: [{y: {set: '${ error(\"no\") }'}}]}"))
        child = "{workflow: {namespace: default, name: fails, version: latest}}"
        await workflows.apply(text("bad", f"{FIRST}- a: {{run: {child}}}"))
        with pytest.raises(WorkflowFailed) as failed:
            await workflows.run("bad", {}, timeout_s=30)
        (run,) = (await workflows.page_runs(workflow="fails")).items
        fault = failed.value.details["fault"]
        assert (fault["instance"], fault["run"], fault["inside"]) == ("/do/1/a", run.id, "/do/0/z/do/0/y")


async def test_a_value_that_grows_too_large_on_the_way_faults_its_run(store: Store) -> None:
    tasks = "- a: {set: {v: '${ .v + .v }'}}\n" * 12
    numbered = "\n".join(line.replace("- a", f"- a{n}") for n, line in enumerate(tasks.splitlines()))
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("grows", numbered))
        with pytest.raises(WorkflowFailed):
            await workflows.run("grows", {"v": "x" * 1000})


async def test_a_run_tells_what_its_step_waits_for_on_this_host(store: Store) -> None:
    steps = Steps()
    steps.made["b"] = "the engine is being compiled"
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(WAITS)
        handle = await workflows.start("waits", 1)
        await steps.begun.wait()
        assert [(one.name, one.waits_for) for one in await workflows.open(handle.id)] == [("b", steps.made["b"])]
        steps.made.clear()
        assert [(one.name, one.waits_for) for one in await workflows.open(handle.id)] == [("b", "")]
        steps.gate.set()
        assert await handle == 1


async def test_a_failed_run_goes_on_where_it_failed(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("mend", "- a: {call: work.echo}\n- b: {call: work.maybe}\n- c: {call: work.echo}"))
        steps.broken.add("maybe")
        handle = await workflows.start("mend", 3)
        with pytest.raises(WorkflowFailed) as failed:
            await handle
        assert failed.value.details["fault"]["status"] == 503
        steps.broken.clear()
        again = await workflows.retry(handle.id, by="anna")
        assert await again == 3
        assert steps.counts["echo"] == 2, "the first step is not done again"
        view = await again.view()
        assert (view.forked_from, view.by, view.status) == (handle.id, "anna", "completed")
        assert (await workflows.audit(again.id))["ok"]
        with pytest.raises(Conflict):
            await workflows.retry(again.id)


async def test_a_fork_has_the_rows_up_to_a_step_and_another_input_begins_anew(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(THREE)
        first = await workflows.start("three", 1)
        await first
        assert await (await workflows.fork(first.id, 2)) == 1
        assert steps.counts["echo"] == 4
        assert await (await workflows.fork(first.id, 0, 9)) == 9
        assert steps.counts["echo"] == 7


async def test_cancelling_cuts_what_is_under_way(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(WAITS)
        handle = await workflows.start("waits", 1)
        await steps.begun.wait()
        await handle.cancel(by="anna")
        with pytest.raises(CallCancelled):
            await handle
        assert steps.cut == 1
        assert steps.counts["echo"] == 1
        with pytest.raises(Conflict):
            await handle.cancel()


async def test_a_suspended_run_finishes_its_step_and_goes_on_once_it_is_resumed(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(WAITS)
        handle = await workflows.start("waits", 1)
        await steps.begun.wait()
        await workflows.suspend(handle.id)
        live = workflows.engine.runner.live
        await until(lambda: handle.id in live and live[handle.id].progress.status == "suspended")
        steps.gate.set()
        await until(lambda: handle.id not in live)
        assert (await handle.view()).status == "suspended"
        assert steps.counts["echo"] == 1
        await workflows.resume(handle.id)
        assert await handle == 1
        assert steps.counts == {"echo": 2, "wait": 1}


async def test_a_step_is_cut_at_its_deadline(store: Store) -> None:
    steps = Steps()
    task = "- a:\n    call: work.wait\n    timeout: {after: {milliseconds: 50}}"
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("late", task))
        with pytest.raises(WorkflowFailed) as failed:
            await workflows.run("late")
        assert failed.value.details["fault"]["status"] == 408
        await until(lambda: steps.cut == 1)


async def test_a_step_that_sets_no_time_is_cut_after_the_longest_and_the_next_has_its_own(store: Store) -> None:
    steps = Steps()
    cut = "errors: {with: {status: 408}}, do: [{c: {set: {cut: true}}}]"
    caught = f"- a:\n    try: [{{b: {{call: work.wait}}}}]\n    catch: {{{cut}}}"
    async with workflows_on(store, steps, action_s=0.05) as workflows:
        await workflows.apply(text("slow", caught + "\n- d: {call: work.echo}"))
        assert await workflows.run("slow") == {"cut": True}
        assert steps.cut == 1
        steps.gate.set()
        assert await workflows.run("slow", 7) == 7


async def test_a_step_that_answers_its_cut_in_its_own_words_leaves_the_next_one_its_time(store: Store) -> None:
    steps = Steps()
    hung_up = "errors: {with: {status: 503}}, do: [{c: {set: {on: true}}}]"
    late = "errors: {with: {status: 408}}, do: [{e: {set: {cut: true}}}]"
    tasks = (
        f"- a:\n    try: [{{b: {{call: work.stubborn}}}}]\n    catch: {{{hung_up}}}\n"
        f"- d:\n    try: [{{w: {{call: work.wait}}}}]\n    catch: {{{late}}}"
    )
    async with workflows_on(store, steps, action_s=0.05) as workflows:
        await workflows.apply(text("twice", tasks))
        assert await workflows.run("twice", timeout_s=10) == {"cut": True}
        assert steps.counts == {"stubborn": 1, "wait": 1}


async def test_who_waits_no_longer_leaves_the_run_alone(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(WAITS)
        with pytest.raises(DeadlineExceeded):
            await workflows.run("waits", 4, timeout_s=0.05)
        steps.gate.set()
        (view,) = (await workflows.page_runs()).items
        assert await workflows.output(view.id) == 4


async def test_a_run_that_rests_leaves_memory_and_comes_back_in_time(store: Store) -> None:
    steps = Steps()
    tasks = "- a: {call: work.echo}\n- b: {wait: {milliseconds: 700}}\n- c: {call: work.echo}"
    async with workflows_on(store, steps, park_s=0.05) as workflows:
        await workflows.apply(text("rests", tasks))
        handle = await workflows.start("rests", 1)
        await until(lambda: handle.id not in workflows.engine.runner.live)
        assert (await handle.view()).status == "waiting"
        assert await handle == 1
        assert steps.counts["echo"] == 2


async def test_many_runs_wait_their_turn_when_few_may_run(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps, workers=10, actions=5) as workflows:
        await workflows.apply(THREE)
        handles = [await workflows.start("three", number) for number in range(200)]
        assert [await one for one in handles] == list(range(200))
        assert steps.counts["echo"] == 600
        assert steps.most_at_once <= 5
        assert not workflows.engine.runner.live


async def test_runs_of_one_key_follow_each_other(store: Store) -> None:
    steps = Steps()
    host = "concurrency: {key: '${ .who }', most: 1}"
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("keyed", "- a: {call: work.wait}", host))
        first, second = [await workflows.start("keyed", {"who": "ada"}) for _ in range(2)]
        other = await workflows.start("keyed", {"who": "bob"})
        await until(lambda: steps.counts["wait"] == 2)
        assert [one for _, one, _ in steps.calls] == [first.id, other.id]
        assert (await second.view()).status == "pending"
        steps.gate.set()
        assert await second == {"who": "ada"}


async def test_a_workflow_begins_another_and_goes_on_with_its_output(store: Store) -> None:
    steps = Steps()
    outer = "- a: {run: {workflow: {namespace: default, name: inner, version: latest, input: {n: '${ .n }'}}}}"
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("inner", "- x: {call: work.echo}\n- y: {set: {got: '${ .n }'}}"))
        await workflows.apply(text("outer", f"{outer}\n- b: {{call: work.echo}}"))
        handle = await workflows.start("outer", {"n": 7})
        assert await handle == {"got": 7}
        inner = next(one for one in (await workflows.page_runs(workflow="inner")).items)
        assert inner.parent == handle.id
        assert inner.trigger["kind"] == "workflow"


async def test_the_fault_of_the_inner_one_is_that_of_the_outer(store: Store) -> None:
    outer = "- a: {run: {workflow: {namespace: default, name: inner, version: latest}}}"
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("inner", "- x: {raise: {error: {type: 'urn:odd', status: 418, title: Odd}}}"))
        await workflows.apply(text("outer", outer))
        with pytest.raises(WorkflowFailed) as failed:
            await workflows.run("outer")
        assert failed.value.details["fault"]["status"] == 418


async def test_workflows_that_begin_one_another_for_ever_come_to_an_end(store: Store) -> None:
    again = "- a: {run: {workflow: {namespace: default, name: again, version: latest}}}"
    async with workflows_on(store, Steps(), most_depth=3) as workflows:
        await workflows.apply(text("again", again))
        with pytest.raises(WorkflowFailed):
            await workflows.run("again")
        assert len((await workflows.page_runs()).items) == 4


async def test_cancelling_a_run_cancels_those_it_began(store: Store) -> None:
    steps = Steps()
    outer = "- a: {run: {workflow: {namespace: default, name: inner, version: latest}}}"
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("inner", "- x: {call: work.wait}"))
        await workflows.apply(text("outer", outer))
        handle = await workflows.start("outer")
        await steps.begun.wait()
        await handle.cancel()
        with pytest.raises(CallCancelled):
            await handle
        (inner,) = (await workflows.page_runs(workflow="inner")).items
        with pytest.raises(CallCancelled):
            await workflows.output(inner.id)
        assert steps.cut == 1


async def test_a_person_decides_with_the_form_that_is_asked_for(store: Store) -> None:
    from omnicore.errors import InvalidInput, PermissionDenied

    ask = """
- ask:
    host:
      approval:
        title: Pay?
        text: ${ "for " + .who }
        role: admin
        form: {type: object, required: [sum], properties: {sum: {type: number}}}
- paid: {set: {sum: '${ .form.sum }'}}
"""
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("pay", ask))
        handle = await workflows.start("pay", {"who": "Ada"})
        page: Any = None
        async with asyncio.timeout(5):
            while not (page := await workflows.approvals(role="admin")).items:
                await asyncio.sleep(0.01)
        (one,) = page.items
        assert (one.title, one.text, one.role, one.workflow) == ("Pay?", "for Ada", "admin", "pay")
        assert not (await workflows.approvals(role="operator")).items
        with pytest.raises(PermissionDenied):
            await workflows.decide(handle.id, one.place, approve=True, form={"sum": 1}, role="operator")
        with pytest.raises(InvalidInput):
            await workflows.decide(handle.id, one.place, approve=True, form={"sum": "much"})
        assert [each.kind for each in await workflows.open(handle.id)] == ["approval"]
        await workflows.decide(handle.id, one.place, approve=True, form={"sum": 12}, by="anna")
        assert await handle == {"sum": 12}
        assert not (await workflows.approvals()).items
