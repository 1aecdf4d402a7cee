"""A run that begins others may lose its host at any moment: each of them begins once, and nobody waits for ever."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.engines import Steps, crash, text, until, workflows_on

from omnicore.errors import StorageFailed, WorkflowFailed
from omnicore.storage.store import Session, Store
from omnicore.workflows.journal_records import RunRecord
from omnicore.workflows.service import Workflows

OpenStore = Callable[[], Store]
RUN = "{run: {workflow: {namespace: default, name: inner, version: latest}%s}}"
WAITING, BEGINNING, MISSING = RUN % "", RUN % ", await: false", (RUN % "").replace("inner", "nobody")
INNER = text("inner", "- x: {call: work.echo}")


async def _dying(store: Store, locks: Path, outer: str, after: Callable[[RunRecord], object]) -> str:
    """Begins `outer` on a host that dies once it has kept something."""
    async with workflows_on(store, Steps(), locks) as workflows:
        await workflows.apply(INNER)
        await workflows.apply(outer)
        kept = _dies_after(workflows, after)
        run = (await workflows.start("outer", {"n": 1})).id
        await until(kept.is_set)
        await crash()
    return run


def _dies_after(workflows: Workflows, after: Callable[[RunRecord], object]) -> asyncio.Event:
    journal, reached = workflows.engine.journal, asyncio.Event()
    keep = journal.keep

    async def kept(one: RunRecord) -> Any:
        found = await keep(one)
        if after(one):
            reached.set()
            await asyncio.Event().wait()
        return found

    async def closed() -> None:
        raise StorageFailed("the process is dead")

    journal.keep, journal.close = kept, closed  # type: ignore[method-assign]
    return reached


@pytest.mark.parametrize(
    "tasks",
    [f"- a: {WAITING}", f"- a: {BEGINNING}", f"- z: {{set: {{n: 1}}}}\n- a: {BEGINNING}"],
    ids=["waiting", "beginning", "later"],
)
async def test_a_run_is_begun_once_when_its_host_dies_right_after(
    open_store: OpenStore, tmp_path: Path, tasks: str
) -> None:
    outer = text("outer", f"{tasks}\n- b: {{call: work.echo}}")
    dying = _dying(open_store(), tmp_path, outer, lambda kept: kept.children)
    run = await asyncio.to_thread(asyncio.run, dying)
    steps = Steps()
    async with workflows_on(open_store(), steps, tmp_path) as workflows:
        await workflows.output(run, timeout_s=10)
        await until(lambda: steps.counts["echo"] == 2)
        (inner,) = (await workflows.page_runs(workflow="inner")).items
        await workflows.output(inner.id, timeout_s=10)


async def test_a_run_that_cannot_be_begun_fails_its_task_when_the_host_dies_meanwhile(
    open_store: OpenStore, tmp_path: Path
) -> None:
    outer = text("outer", f"- b: {{call: work.echo}}\n- a: {MISSING}")
    dying = _dying(open_store(), tmp_path, outer, lambda kept: kept.entries)
    run = await asyncio.to_thread(asyncio.run, dying)
    async with workflows_on(open_store(), Steps(), tmp_path) as workflows:
        with pytest.raises(WorkflowFailed):
            await workflows.output(run, timeout_s=10)


async def test_who_waits_for_a_run_that_begins_once_for_each_key_has_one_of_its_own(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("inner", "- x: {call: work.echo}", "dedupe: {key: '\"same\"', within: P1D}"))
        await workflows.apply(text("outer", f"- a: {WAITING}"))
        for _ in range(2):
            await workflows.run("outer", timeout_s=5)


async def test_a_run_that_nobody_waits_for_may_be_refused(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps) as workflows:
        lane = "concurrency: {key: '\"same\"', most: 1, full: refuse}"
        await workflows.apply(text("inner", "- x: {call: work.wait}", lane))
        await workflows.apply(text("outer", f"- a: {BEGINNING}\n- b: {{call: work.echo}}"))
        for _ in range(2):
            await workflows.run("outer", timeout_s=5)
        steps.gate.set()
        assert len((await workflows.page_runs(workflow="inner")).items) == 1


class DoubtfulStore:
    """A store whose connection breaks right after a commit, once it is told to."""

    def __init__(self, store: Store) -> None:
        self._store, self.breaks = store, False

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def apply_async(self, work: Callable[[Session], Any]) -> Any:
        found = await self._store.apply_async(work)
        if self.breaks:
            self.breaks = False
            raise StorageFailed("the server does not answer", remedy="look whether the change is there")
        return found


@pytest.mark.parametrize("task", [WAITING, BEGINNING], ids=["waiting", "beginning"])
async def test_a_connection_that_breaks_at_the_commit_begins_no_run_twice(store: Store, task: str) -> None:
    doubtful, steps = DoubtfulStore(store), Steps()
    async with workflows_on(doubtful, steps) as workflows:  # type: ignore[arg-type]
        await workflows.apply(INNER)
        await workflows.apply(text("outer", f"- b: {{call: work.echo}}\n- a: {task}"))
        keep, broken = workflows.engine.journal.keep, list[bool]()

        async def kept(one: RunRecord) -> Any:
            doubtful.breaks = bool(one.children) and not broken
            broken.extend([True] * doubtful.breaks)
            return await keep(one)

        handle = await workflows.start("outer", {"n": 1})
        workflows.engine.journal.keep = kept  # type: ignore[method-assign]
        await workflows.output(handle.id, timeout_s=10)
        (inner,) = (await workflows.page_runs(workflow="inner")).items
        await workflows.output(inner.id, timeout_s=10)
