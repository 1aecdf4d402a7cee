"""What `jobs.Engine` promises, of the embedded engine and of one in memory."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest
from tests.workflows.engines import Steps, until, workflows_on
from tests.workflows.memory_engine import MemoryEngine

from omnicore.errors import Conflict, NotFound
from omnicore.jobs.engine import Engine, NewRun
from omnicore.storage.database import Database
from omnicore.workflows.language.document import compile_graph, read_document
from omnicore.workflows.language.graph import WorkflowGraph
from omnicore.workflows.service import Workflows

HEAD = "document: {{dsl: 1.0.3, namespace: default, name: {0}, version: 1.0.0}}\ndo:\n"
TEXTS = {
    "echo": "- a: {call: work.echo}\n- b: {call: work.echo}\n",
    "fails": "- a: {call: work.maybe}\n",
    "waits": "- a: {call: work.wait}\n",
    "asks": "- ask: {host: {approval: {title: Sign}}}\n- then: {call: work.echo}\n",
}


@asynccontextmanager
async def embedded(steps: Steps) -> AsyncIterator[tuple[Engine, dict[str, WorkflowGraph]]]:
    store = Database.open(None)
    async with workflows_on(store, steps) as workflows:
        for name, text in TEXTS.items():
            await workflows.apply(HEAD.format(name) + text)
        graphs = {name: (await workflows.definitions.present(name)).graph for name in TEXTS}
        yield workflows.engine, graphs
    store.close()


@asynccontextmanager
async def in_memory(steps: Steps) -> AsyncIterator[tuple[Engine, dict[str, WorkflowGraph]]]:
    graphs = {name: compile_graph(read_document(HEAD.format(name) + text).value) for name, text in TEXTS.items()}
    yield MemoryEngine({one.digest: one for one in graphs.values()}, steps), graphs


@pytest.mark.parametrize("opened", [embedded, in_memory])
async def test_an_engine_begins_queries_signals_and_cancels_runs(opened: Callable[..., object]) -> None:
    steps = Steps()
    async with asyncio.timeout(20), opened(steps) as (engine, graphs):  # type: ignore[attr-defined]

        async def begin(name: str, **more: object) -> str:
            started = await engine.begin(NewRun(name, graphs[name].digest, {"n": 1}, **more))
            return str(started.run)

        run = await begin("echo", dedupe="once")
        assert await begin("echo", dedupe="once") == run
        assert (await engine.ended(run)).output == {"n": 1}
        view = await engine.query(run)
        assert (view.workflow, view.status, view.output, view.input) == ("echo", "completed", {"n": 1}, {"n": 1})
        found = await engine.results(run)
        assert [(one.name, one.output) for one in found if one.kind == "call"] == [("a", {"n": 1}), ("b", {"n": 1})]
        assert [one.seq for one in await engine.results(run, after=1, limit=1)] == [2]
        assert not await engine.cancel(run, by="ann")

        steps.broken.add("maybe")
        failed = await engine.ended(await begin("fails"))
        assert failed.status == "faulted"
        assert failed.fault is not None
        assert failed.fault["status"] == 503

        run = await begin("waits")
        await steps.begun.wait()
        assert await engine.cancel(run, by="ann")
        assert (await engine.ended(run)).status == "cancelled"
        await until(lambda: steps.cut == 1)

        run = await begin("asks")
        place = "/do/0/ask"
        while not await engine.signal(run, "approval", place, {"approved": True, "form": None, "by": "ann"}, key=place):
            await asyncio.sleep(0.01)
        assert (await engine.ended(run)).status == "completed"
        assert not await engine.signal(run, "approval", place, {"approved": True, "form": None, "by": "bob"})
        with pytest.raises(NotFound):
            await engine.query("run_of_nobody")


async def test_the_service_runs_workflows_on_another_engine_and_refuses_what_that_lacks() -> None:
    steps, store = Steps(), Database.open(None)
    async with asyncio.timeout(20), workflows_on(store, steps) as own:
        await own.apply(HEAD.format("echo") + TEXTS["echo"])
        graph = (await own.definitions.present("echo")).graph
        workflows = Workflows(own.engine, runs=MemoryEngine({graph.digest: graph}, steps))
        handle = await workflows.start("echo", {"n": 1})
        assert await handle == {"n": 1}
        assert (await workflows.run_view(handle.id)).status == "completed"
        with pytest.raises(NotFound):
            await own.run_view(handle.id)
        for refused in (
            workflows.retry(handle.id, "/do/0/a"),
            workflows.fork(handle.id, 1),
            workflows.audit(handle.id),
        ):
            with pytest.raises(Conflict, match="engine") as lacks:
                await refused
            assert lacks.value.remedy
    store.close()
