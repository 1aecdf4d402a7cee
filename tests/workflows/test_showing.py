"""What people are shown of runs: what was sent, what is kept, and what was decided before them."""

from __future__ import annotations

import json

import pytest
from tests.workflows.engines import Steps, text, until, workflows_on

from omnicore.errors import Conflict, InvalidInput, NotFound, WorkflowFailed
from omnicore.storage.store import Store
from omnicore.workflows.steps.step import PREFIX

ASKS = text("asks", "- a: {call: work.echo}\n- sign: {host: {approval: {title: Sign}}}")


async def test_a_failed_call_shows_what_it_was_given_with_names_for_secrets_and_others_keep_nothing(
    store: Store,
) -> None:
    steps = Steps()
    steps.broken.add("maybe")
    tasks = (
        "- a: {call: work.echo, with: {v: '${ .v }'}}\n- b: {call: work.maybe, with: {sent: '${ .v + $secrets.x }'}}"
    )
    given = text("sends", tasks).replace("do:\n", "use: {secrets: [x]}\ndo:\n", 1)
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(given)
        run = await workflows.start("sends", {"v": "a" * 10})
        with pytest.raises(WorkflowFailed):
            await run
        rows = (await workflows.steps(run.id)).items
        assert [row.meta.get("given") for row in rows] == [None, {"sent": "a" * 10 + "<secret:x>"}]
        assert rows[1].input == {"v": "a" * 10}
        assert PREFIX not in json.dumps(rows[1].to_json()["meta"])
        assert (await workflows.audit(run.id))["ok"]


async def test_what_a_failed_call_was_given_is_kept_within_a_bound(store: Store) -> None:
    steps = Steps()
    steps.broken.add("maybe")
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("much", "- b: {call: work.maybe, with: {sent: '${ . }'}}"))
        run = await workflows.start("much", "x" * 20_000)
        with pytest.raises(WorkflowFailed):
            await run
        (row,) = (await workflows.steps(run.id)).items
        assert len(json.dumps(row.meta)) < 5000
        assert "(20000 characters)" in row.meta["given"]["sent"]


async def test_a_second_decision_is_told_who_took_the_first_also_when_the_run_is_over(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(ASKS)
        run = await workflows.start("asks")
        await until(lambda: workflows.engine.journal.holds(run.id))
        while not (await workflows.approvals(run=run.id)).items:
            pass
        (asked,) = (await workflows.approvals(run=run.id)).items
        await workflows.decide(run.id, asked.place, approve=True, by="ada")
        await run
        with pytest.raises(Conflict, match=r"already by ada \(approved\)"):
            await workflows.decide(run.id, asked.place, approve=False, by="bob")
        with pytest.raises(NotFound):
            await workflows.decide(run.id, "/do/0/a", approve=False, by="bob")


async def test_to_suspend_a_suspended_run_leaves_nothing_behind(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(ASKS)
        run = await workflows.start("asks")
        await workflows.suspend(run.id)
        while store.rows("SELECT status FROM workflow_runs WHERE id = ?", (run.id,)) != [("suspended",)]:
            await workflows.run_view(run.id)
        before = len((await workflows.steps(run.id)).items)
        assert (await workflows.suspend(run.id)).status == "suspended"
        assert store.rows("SELECT kind FROM workflow_signals WHERE run = ?", (run.id,)) == []
        assert len((await workflows.steps(run.id)).items) == before
        await workflows.resume(run.id)
        while not (await workflows.approvals(run=run.id)).items:
            await workflows.run_view(run.id)


async def test_a_run_that_goes_on_shows_the_hash_of_its_last_kept_row(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("two", "- a: {call: work.echo}\n- b: {call: work.wait}"))
        run = await workflows.start("two")
        await steps.begun.wait()
        view, audit = await workflows.run_view(run.id), await workflows.audit(run.id)
        assert (view.steps, view.hash) == (1, audit["hash"])


async def test_a_cursor_that_is_none_of_ours_is_refused(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        with pytest.raises(InvalidInput, match="cursor"):
            await workflows.page_runs(cursor="@@")
