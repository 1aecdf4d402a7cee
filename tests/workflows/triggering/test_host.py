"""Triggers in a whole host: a delivery over HTTP, an event that one workflow emits and another hears, a clock."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx
from tests.workflows.triggering.rooms import workflow

from omnicore.assembly import Host

SECRET = "a-secret-of-tests"


@asynccontextmanager
async def hosted(tmp_path: Path) -> AsyncIterator[tuple[Host, Callable[..., Any]]]:
    async with Host(tmp_path / "plugins", data=tmp_path / "data", watch=False) as host:
        host.connectors.hooks.add("in", "token", SECRET)
        path = host.connectors.hooks.named("in").to_json()["path"]
        client = httpx.AsyncClient(transport=httpx.ASGITransport(host.asgi()), base_url="http://localhost")

        async def send(body: Any) -> httpx.Response:
            return await client.post(path, json=body, headers={"authorization": f"Bearer {SECRET}"})

        async with client:
            yield host, send


async def ended(host: Host, name: str, count: int = 1) -> list[Any]:
    async with asyncio.timeout(12):
        while True:
            page = await host.workflows.page_runs(workflow=name, status="completed")
            if len(page.items) >= count:
                return [await host.workflows.run_view(one.id) for one in page.items]
            await asyncio.sleep(0.02)


async def test_a_sender_is_answered_with_the_result_or_with_the_fault(tmp_path: Path) -> None:
    do = "- twice: {set: {n: '${ .n + .n }'}}\n- checked: {switch: [{low: {when: '${ .n < 9 }', then: end}}]}"
    fail = '\n- wrong: {raise: {error: {type: "https://example.com/large", status: 422, title: Too large}}}'
    async with hosted(tmp_path) as (host, send):
        await host.workflows.apply(workflow("double", "- {webhook: in, respond: result}", do + fail))
        good = await send({"n": 4})
        assert (good.status_code, good.json()) == (200, {"n": 8})
        bad = await send({"n": 5})
        assert bad.status_code >= 400
        assert "Too large" in bad.text
        assert bad.headers["content-type"].startswith("application/problem+json")


async def test_a_payload_that_breaks_the_schema_of_the_input_is_told_to_its_sender(tmp_path: Path) -> None:
    strict = workflow("strict", "- {webhook: in, respond: result}", "- kept: {set: {n: '${ .n }'}}")
    strict += "\ninput: {schema: {document: {type: object, required: [n]}}}"
    async with hosted(tmp_path) as (host, send):
        await host.workflows.apply(strict)
        unfit = await send({"m": 4})
        assert (unfit.status_code, unfit.json()["status"]) == (422, "unfit")
        assert (await send({"n": 4})).json() == {"n": 4}
        assert len((await host.workflows.page_runs(workflow="strict")).items) == 1


async def test_what_one_workflow_emits_begins_another_and_wakes_a_third(tmp_path: Path) -> None:
    emits = "- told: {emit: {event: {with: {type: order.placed, source: https://example.com, data: '${ . }'}}}}"
    hears = (
        "- heard: {listen: {to: {one: {with: {type: order.placed},"
        " correlate: {order: {from: .data.order, expect: '${ $workflow.input.order }'}}}}}}"
    )
    async with hosted(tmp_path) as (host, send):
        await host.workflows.apply(workflow("shop", "- {webhook: in}", emits))
        await host.workflows.apply(workflow("ship", "- {event: {with: {type: order.placed}}, input: '${ .[0].data }'}"))
        await host.workflows.apply(workflow("hear", do=hears))
        mine = await host.workflows.start("hear", {"order": 2})
        other = await host.workflows.start("hear", {"order": 3})
        async with asyncio.timeout(12):
            while len(host.workflows.engine._waits.keys()) == 0 or len(await host.workflows.open(other.id)) == 0:
                await asyncio.sleep(0.02)
        taken = await send({"order": 2})
        assert taken.status_code == 202
        assert taken.json()["run"]
        (run,) = await ended(host, "ship")
        assert run.input == {"order": 2}
        assert (await mine)[0]["order"] == 2
        assert (await host.workflows.run_view(other.id)).status in ("running", "waiting")
        await other.cancel()


async def test_after_a_run_the_clock_begins_the_next(tmp_path: Path) -> None:
    async with hosted(tmp_path) as (host, _):
        await host.workflows.apply(workflow("again", more="schedule: {after: {milliseconds: 50}}\n"))
        runs = await ended(host, "again", 3)
        assert runs[0].trigger["kind"] == "after"
        shown = await host.workflows.get("again")
        assert shown.triggers[0].kind == "after"
