"""Lists of runs by labels, times, owners and words of their input, never without a bound."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from tests.workflows.engines import Steps, text, workflows_on

from omnicore.errors import InvalidInput
from omnicore.ids import OrderedIds, first_id, new_id
from omnicore.storage.store import Store
from omnicore.storage.tables import run_searches
from omnicore.storage.tables.run_searches import RunFilter, RunSearch, add_labels
from omnicore.storage.tables.workflow_runs import RunsTable, add_runs
from omnicore.workflows.service import Workflows

ECHO = text("echo", "- a: {call: work.echo}")
TAGGED = text("tagged", "- a: {call: work.echo}").replace("version: '1.0.0'", "version: '1.0.0', tags: {team: a, n: 1}")


async def shown(workflows: Workflows, **wanted: Any) -> list[str]:
    return [one.id for one in (await workflows.page_runs(**wanted)).items]


async def test_runs_are_found_by_label_owner_time_and_words_of_their_input(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(ECHO)
        await workflows.apply(TAGGED)
        one = await workflows.start("echo", {"name": 'Ada "the first"'}, by="user:anna", labels=["env=prod", "vip"])
        two = await workflows.start("echo", {"name": "Zoë", "more": "x" * 2000 + " ADA"}, by="user:ben")
        three = await workflows.start("tagged", ["ada", "100%_"], by="user:anna", labels=["vip"])
        for handle in (one, two, three):
            await handle
        assert await shown(workflows, label="vip") == [three.id, one.id]
        assert await shown(workflows, label="vip", workflow="echo") == [one.id]
        assert await shown(workflows, label="team=a") == [three.id]
        assert await shown(workflows, label="env") == []
        assert await shown(workflows, owner="user:anna") == [three.id, one.id]
        assert await shown(workflows, owner="user:anna", workflow="tagged", status="completed") == [three.id]
        assert await shown(workflows, owner="user:anna", status="faulted") == []
        assert await shown(workflows, q="ada") == [three.id, two.id, one.id]
        assert await shown(workflows, q="ZOË") == [two.id]
        assert await shown(workflows, q='"the first"') == [one.id]
        assert await shown(workflows, q="100%_", label="vip") == [three.id]
        assert await shown(workflows, q="%") == [three.id]
        begun = [(await workflows.run_view(one_.id)).created_at for one_ in (one, two, three)]
        assert await shown(workflows, since=begun[0] - 60) == [three.id, two.id, one.id]
        assert await shown(workflows, since=begun[2] + 60) == []
        assert await shown(workflows, until=begun[0] - 60) == []
        assert await shown(workflows, until=begun[2] + 60, workflow="tagged") == [three.id]
        (found,) = (await workflows.page_runs(label="env=prod")).items
        assert found.labels == ("env=prod", "vip")
        assert (await workflows.run_view(three.id)).labels == ("n=1", "team=a", "vip")
        assert [one.labels for one in (await workflows.page_runs(workflow="echo")).items] == [(), ("env=prod", "vip")]


async def test_a_retried_run_keeps_its_labels_and_a_swept_one_leaves_none(store: Store) -> None:
    steps = Steps()
    steps.broken.add("maybe")
    async with workflows_on(store, steps, keep_failed_s=0.0, keep_s=0.0) as workflows:
        await workflows.apply(text("bad", "- a: {call: work.maybe}"))
        handle = await workflows.start("bad", labels=["vip"])
        with pytest.raises(Exception, match="faulted"):
            await handle
        steps.broken.clear()
        again = await workflows.retry(handle.id)
        await again
        assert await shown(workflows, label="vip") == [again.id, handle.id]
        assert store.rows("SELECT count(*) FROM workflow_run_labels")[0][0] == 2
        await workflows.engine.journal.queries.sweep("bad", "faulted", before=2**40, most=0)
        await workflows.engine.journal.queries.sweep_rest(now=2**40, before=0)
        assert store.rows("SELECT run FROM workflow_run_labels") == [(again.id,)]


@pytest.mark.parametrize("labels", [[""], ["a\nb"], ["x" * 201], [str(n) for n in range(17)]])
async def test_labels_are_few_and_short(store: Store, labels: list[str]) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(ECHO)
        with pytest.raises(InvalidInput, match="label"):
            await workflows.start("echo", labels=labels)


async def test_a_search_waits_for_no_more_runs_than_its_bound(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(run_searches, "SEARCHED", 20)
    monkeypatch.setattr(run_searches, "_CHUNK", 10)
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(ECHO)
        first = await workflows.start("echo", "needle")
        await first
        pattern = RunsTable(store).get(first.id)
        assert pattern is not None
        ids = OrderedIds("run")
        more = [replace(pattern, id=ids.next(), input='"hay"') for _ in range(45)]
        store.apply(lambda session: add_runs(session, more))
        found, cursor, pages = [], "", 0
        while True:
            page = await workflows.page_runs(q="needle", cursor=cursor)
            found += [one.id for one in page.items]
            pages += 1
            if page.next is None:
                break
            cursor = page.next
        assert (found, pages) == ([first.id], 3)


async def test_an_owner_is_found_by_name_however_they_came(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(ECHO)
        rest, cli = [await workflows.start("echo", by=f"{way}:anna") for way in ("rest", "cli")]
        await workflows.start("echo", by="rest:hanna")
        assert await shown(workflows, owner="anna") == [cli.id, rest.id]
        assert await shown(workflows, owner="cli:anna") == [cli.id]
        assert await shown(workflows, owner="anna", q="null", workflow="echo") == [cli.id, rest.id]


async def test_pages_of_a_search_follow_each_other(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(ECHO)
        begun = [await workflows.start("echo", n, labels=["many"]) for n in range(7)]
        wanted = [one.id for one in reversed(begun)]
        first = await workflows.page_runs(label="many", limit=3)
        assert [one.id for one in first.items] == wanted[:3]
        second = await workflows.page_runs(label="many", limit=3, cursor=first.next)
        assert [one.id for one in second.items] == wanted[3:6]
        last = await workflows.page_runs(label="many", limit=3, cursor=second.next)
        assert ([one.id for one in last.items], last.next) == (wanted[6:], None)


async def test_a_run_that_rests_in_memory_is_found_as_waiting(store: Store) -> None:
    async with workflows_on(store, Steps(), park_s=60.0) as workflows:
        await workflows.apply(text("rests", "- a: {wait: PT9S}"))
        handle = await workflows.start("rests", labels=["slow"])
        while (await workflows.run_view(handle.id)).status != "waiting":
            pass
        assert await shown(workflows, label="slow", status="waiting") == [handle.id]
        assert await shown(workflows, label="slow", status="running") == []
        await handle.cancel()


@pytest.mark.parametrize("wanted", [{"label": ""}, {"q": "x" * 201}, {"status": "odd", "q": "a"}, {"since": "soon"}])
async def test_a_filter_that_is_none_is_refused(store: Store, wanted: dict[str, Any]) -> None:
    async with workflows_on(store, Steps()) as workflows:
        with pytest.raises(InvalidInput):
            await workflows.page_runs(**wanted)


def test_the_first_id_of_a_moment_is_before_those_of_it_and_behind_those_before() -> None:
    made = new_id("run")
    now_ms = int.from_bytes(bytes(1), "big")
    assert first_id("run", now_ms) < made < first_id("run", 2**32)
    assert first_id("run", -5.0) == first_id("run", 0.0)


def test_each_filter_reads_an_index(store: Store) -> None:
    if store.dialect != "sqlite":
        pytest.skip("the plan is SQLite's")
    seen: list[str] = []
    real = store.rows
    search = RunSearch(store)
    store.apply(lambda session: add_labels(session, [("run_1", "a")]))

    def rows(sql: str, parameters: Any = ()) -> Any:
        seen.extend(str(row[-1]) for row in real(f"EXPLAIN QUERY PLAN {sql}", parameters))
        return real(sql, parameters)

    store.rows = rows  # type: ignore[method-assign]
    try:
        for wanted in ({"label": "a"}, {"owner": "a"}, {"q": "a"}, {"since": 1.0}, {"workflow": "a", "q": "b"}):
            search.page(RunFilter(**wanted), 10, None)
    finally:
        del store.rows
    assert seen
    assert all(one.startswith("SEARCH") or "TEMP B-TREE" in one for one in seen), seen
    assert not any("TEMP B-TREE" in one for one in seen if "run IN" not in one and "id IN" not in one), seen
