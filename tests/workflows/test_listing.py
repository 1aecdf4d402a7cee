"""Lists of workflows compile nothing, and lists of runs say what those do now."""

from __future__ import annotations

import pytest
from tests.workflows.engines import Steps, text, until, workflows_on

from omnicore.storage.store import Store
from omnicore.workflows import definitions

HEAD = "{dsl: '1.0.3', namespace: shop, name: %s, version: '1.0.0', title: %s}"
TICKS = "document: " + HEAD % ("ticks", "Ticks 50% more") + "\nschedule: {every: PT1H}\ndo:\n- a: {set: {v: 1}}\n"
REST = text("rest", "- a: {wait: PT5M}")


async def test_a_list_shows_what_was_kept_when_they_were_applied(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async with workflows_on(store, Steps()) as workflows:
        for one in (TICKS, REST):
            await workflows.apply(one)
    monkeypatch.setattr(definitions, "compile_graph", None)
    async with workflows_on(store, Steps()) as workflows:
        rest, ticks = (await workflows.page()).items
        assert (rest.id, rest.triggers, rest.last_run) == ("rest", (), None)
        assert (ticks.id, ticks.title, ticks.version) == ("shop.ticks", "Ticks 50% more", "1.0.0")
        assert [(one.kind, one.about) for one in ticks.triggers] == [("every", "every 3600 s")]
        assert [one.id for one in (await workflows.page(q="50% MORE")).items] == ["shop.ticks"]
        first = await workflows.page(limit=1)
        assert [one.id for one in (await workflows.page(limit=1, cursor=first.next or "")).items] == ["shop.ticks"]


async def test_what_was_applied_before_lists_kept_anything_is_listed_and_kept(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(TICKS)
    store.apply(lambda session: session.execute("DELETE FROM workflow_briefs"))
    async with workflows_on(store, Steps()) as workflows:
        (first,) = (await workflows.page()).items
        monkeypatch.setattr(definitions, "compile_graph", None)
        assert (await workflows.page()).items == [first]
        assert first.triggers[0].kind == "every"


async def test_one_that_this_host_cannot_compile_does_not_hide_the_others(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(TICKS)
        await workflows.apply(REST)
    broken = '{"document": {"name": "ticks", "namespace": "shop", "title": "Old"}, "do": 1}'
    sql = "UPDATE workflow_documents SET document = ? WHERE document LIKE '%ticks%'"
    store.apply(lambda session: session.execute(sql, (broken,)))
    store.apply(lambda session: session.execute("DELETE FROM workflow_briefs"))
    async with workflows_on(store, Steps()) as workflows:
        shown = [(one.id, one.title, one.triggers) for one in (await workflows.page()).items]
        assert shown == [("rest", "", ()), ("shop.ticks", "Old", ())]


async def test_a_run_that_rests_in_memory_is_shown_as_waiting(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps, park_s=3600) as workflows:
        await workflows.apply(REST)
        await workflows.apply(text("busy", "- a: {call: work.wait}"))
        resting = [(await workflows.start("rest")).id for _ in range(3)]
        busy = (await workflows.start("busy")).id
        await until(lambda: all(workflows.engine.runner.live[run].progress.status == "waiting" for run in resting))
        await steps.begun.wait()

        async def shown(status: str, **more: object) -> list[str]:
            page = await workflows.page_runs(status=status, **more)
            assert {one.status for one in page.items} <= {status}
            return [one.id for one in page.items]

        newest = sorted(resting, reverse=True)
        assert await shown("waiting") == await shown("waiting", workflow="rest") == newest
        assert await shown("waiting", workflow="busy") == []
        assert await shown("running") == [busy]
        first = await workflows.page_runs(status="waiting", limit=2)
        assert [one.id for one in first.items] == newest[:2]
        assert await shown("waiting", limit=2, cursor=first.next) == newest[2:]
        listed = {one.id: one.last_run["status"] for one in (await workflows.page()).items}
        assert listed == {"busy": "running", "rest": "waiting"}
        steps.gate.set()
