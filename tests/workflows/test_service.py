"""Definitions and runs, as every face has them."""

from __future__ import annotations

import pytest
from tests.workflows.engines import Steps, text, workflows_on

from omnicore.errors import Conflict, InvalidInput, NotFound, WorkflowInvalid
from omnicore.storage.store import Store

ONE = text("one", "- a: {set: {v: 1}}\n- b: {set: {w: '${ .v }'}}")
TWO = text("one", "- a: {set: {v: 2}}\n- b: {set: {w: '${ .v }'}}")


async def test_each_change_is_a_version_and_the_same_text_is_none(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        first = await workflows.apply(ONE, by="anna", new=True)
        assert (await workflows.apply(ONE)).number == first.number == 1
        second = await workflows.apply(TWO, digest=first.digest)
        assert [one.number for one in await workflows.versions("one")] == [2, 1]
        assert (await workflows.get("one", 1)).text == ONE
        assert [one.kind for one in await workflows.diff("one", 1, 2)] == ["changed"]
        assert await workflows.run("one") == {"w": 2}
        assert await (await workflows.start("one", number=1)) == {"w": 1}
        with pytest.raises(Conflict):
            await workflows.apply(ONE, digest=first.digest)
        with pytest.raises(Conflict):
            await workflows.apply(ONE, new=True)
        (shown,) = (await workflows.page()).items
        assert (shown.digest, shown.last_run["status"]) == (second.digest, "completed")


async def test_another_text_of_the_same_version_is_a_new_number_and_says_so(store: Store) -> None:
    first, second = text("same", "- a: {set: {n: 1}}"), text("same", "- a: {set: {n: 2}}")
    third = text("same", "- a: {set: {n: 3}}").replace("1.0.0", "1.1.0")
    pinned = "- a: {run: {workflow: {namespace: default, name: same, version: '1.0.0'}}}"
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("caller", pinned))
        assert (await workflows.apply(first)).same_version_as is None
        assert (await workflows.apply(first)).same_version_as is None
        again = await workflows.apply(second)
        assert (again.number, again.version, again.same_version_as) == (2, "1.0.0", 1)
        assert (await workflows.get("same")).same_version_as is None
        raised = await workflows.apply(third)
        assert (raised.number, raised.version, raised.same_version_as) == (3, "1.1.0", None)
        assert (await workflows.version("same", 1)).text == first
        assert await workflows.run("same") == {"n": 3}
        assert await workflows.run("caller") == {"n": 2}


async def test_what_is_no_workflow_is_refused_with_its_place(store: Store) -> None:
    async with workflows_on(store, Steps(), document_bytes=2000) as workflows:
        with pytest.raises(WorkflowInvalid):
            await workflows.apply(text("bad", "- a: {walk: {}}"))
        problems, _ = await workflows.validate(text("bad", "- a: {walk: {}}"))
        assert problems[0].line == 5
        with pytest.raises(InvalidInput):
            await workflows.apply(ONE + "#" * 3000)


async def test_an_input_that_breaks_the_schema_begins_nothing(store: Store) -> None:
    asked = ONE + "input: {schema: {document: {type: object, required: [name]}}}\n"
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(asked)
        with pytest.raises(InvalidInput):
            await workflows.start("one", {})
        assert not (await workflows.page_runs()).items
        assert await workflows.run("one", {"name": 1}) == {"w": 1}


async def test_a_trial_runs_a_text_that_is_not_applied_from_a_task_on(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        handle = await workflows.trial("one", ONE, {"v": 7}, from_path="/do/1/b", by="anna")
        assert await handle == {"w": 7}
        view = await handle.view()
        assert (view.trial, view.trigger["kind"], view.by) == (True, "trial", "anna")
        with pytest.raises(NotFound):
            await workflows.get("one")
        with pytest.raises(InvalidInput):
            await workflows.trial("one", ONE, from_path="/do/9/x")
        with pytest.raises(Conflict):
            await workflows.trial("other", ONE)


async def test_a_removed_workflow_leaves_its_runs_behind(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(ONE)
        handle = await workflows.start("one")
        await handle
        await workflows.remove("one")
        with pytest.raises(NotFound):
            await workflows.run("one")
        assert (await handle.view()).status == "completed"
        with pytest.raises(NotFound):
            await workflows.run_view("run_none")


async def test_a_long_value_is_shortened_in_lists_and_whole_in_its_step(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("long", "- a: {call: work.echo}"))
        handle = await workflows.start("long", {"text": "x" * 20_000, "many": list(range(500))})
        await handle
        (row,) = (await workflows.steps(handle.id)).items
        assert row.cut
        assert "20000 characters" in row.output["text"]
        whole = await workflows.step(handle.id, 1)
        assert len(whole.output["text"]) == 20_000
        (listed,) = (await workflows.page_runs()).items
        assert len(str(listed.output)) < 5000


async def test_an_expression_is_evaluated_as_in_a_run(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        assert await workflows.evaluate("${ .a + $b }", {"a": 2}, {"b": 3}) == 5
