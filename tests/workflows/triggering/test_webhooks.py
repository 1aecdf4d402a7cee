"""Webhooks that begin runs: durably, once, and with the result as the answer where that is wanted."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.rooms import Room as Connected
from tests.connectors.rooms import room as connected
from tests.workflows.triggering.rooms import NOW, Room, room, workflow

from omnicore.clock import ManualClock
from omnicore.connectors.webhooks import Taken
from omnicore.errors import PermissionDenied, StorageFailed, WorkflowFailed
from omnicore.storage.store import Store

SECRET = "a-secret-of-tests"


@asynccontextmanager
async def hooked(tmp_path: Path, store: Store) -> AsyncIterator[tuple[Room, Connected]]:
    clock = ManualClock(at=NOW)
    with connected(tmp_path, store=store, clock=clock) as made:
        async with room(store, clock, made.service.hooks) as workflows:
            made.service.hooks.add("in", "token", SECRET)
            made.service.hooks.taker = workflows.triggers._taker
            yield workflows, made
            await made.service.hooks.settle()


async def deliver(made: Connected, body: dict[str, Any], name: str = "d1", token: str = SECRET) -> Taken:
    headers = {"authorization": f"Bearer {token}", "x-delivery-id": name, "content-type": "application/json"}
    hooks = made.service.hooks
    return await hooks.deliver(hooks.named("in"), headers, json.dumps(body).encode())


async def test_a_delivery_begins_a_run_and_is_answered_with_it(tmp_path: Path, store: Store) -> None:
    async with hooked(tmp_path, store) as (workflows, made):
        workflows.apply(workflow("taken", "- {webhook: in}\n- {webhook: other}"))
        taken = await deliver(made, {"n": 1})
        (run,) = workflows.begun()
        assert (taken.status, taken.document) == (202, {"status": "accepted", "run": run.id})
        assert workflows.inputs() == [{"n": 1}]
        assert workflows.about()[0]["delivery"] == taken.delivery
        await made.service.hooks.settle()
        assert [data["payload"] for _, data in made.events("webhook.in")] == [{"n": 1}]
        row = made.service.hooks.delivery("in", str(taken.delivery))
        assert row.state == "published"


async def test_a_delivery_that_comes_again_begins_nothing(tmp_path: Path, store: Store) -> None:
    async with hooked(tmp_path, store) as (workflows, made):
        workflows.apply(workflow("taken", "- {webhook: in}"))
        await deliver(made, {"n": 1})
        again = await deliver(made, {"n": 1})
        assert again.duplicate
        assert len(workflows.begun()) == 1
        await deliver(made, {"n": 1}, name="d2")
        assert len(workflows.begun()) == 2


async def test_an_operator_may_have_a_delivery_begin_a_run_again(tmp_path: Path, store: Store) -> None:
    async with hooked(tmp_path, store) as (workflows, made):
        workflows.apply(workflow("taken", "- {webhook: in}"))
        taken = await deliver(made, {"n": 1})
        await made.service.hooks.settle()
        await made.service.hooks.redeliver_all("in", str(taken.delivery))
        assert workflows.inputs() == [{"n": 1}, {"n": 1}]


async def test_a_kill_between_the_run_and_the_delivery_loses_and_repeats_nothing(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hooked(tmp_path, store) as (workflows, made):
        workflows.apply(workflow("taken", "- {webhook: in}"))

        def killed(*given: Any) -> bool:
            raise StorageFailed("the disk went away")

        with monkeypatch.context() as patch:
            patch.setattr(made.service.hooks.table, "receive_in", killed)
            with pytest.raises(StorageFailed):
                await deliver(made, {"n": 1})
        assert len(workflows.begun()) == 1
        await deliver(made, {"n": 1})  # its sender heard nothing, and sends it again
        await made.service.hooks.settle()
        assert len(workflows.begun()) == 1
        assert len(made.events("webhook.in")) == 1


async def test_a_kill_before_the_bus_was_told_is_made_up_for_without_a_second_run(
    tmp_path: Path, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with hooked(tmp_path, store) as (workflows, made):
        workflows.apply(workflow("taken", "- {webhook: in}"))
        hooks = made.service.hooks
        with monkeypatch.context() as patch:
            patch.setattr(hooks, "told", lambda offer: None)
            patch.setattr(workflows.triggers._taker, "_told", lambda offer: None)
            await deliver(made, {"n": 1})
            await hooks.settle()
        assert made.events("webhook.in") == []
        workflows.clock.advance(10)
        assert await asyncio.to_thread(hooks.recover) == 1
        assert len(made.events("webhook.in")) == 1
        assert len(workflows.begun()) == 1


async def test_the_result_is_the_answer_where_a_trigger_says_so(tmp_path: Path, store: Store) -> None:
    async with hooked(tmp_path, store) as (workflows, made):
        workflows.apply(workflow("asked", "- {webhook: in, respond: result, timeout: {seconds: 1}}"))
        workflows.service.outcome = {"sum": 3}
        taken = await deliver(made, {})
        assert (taken.status, taken.document) == (200, {"sum": 3})
        again = await deliver(made, {})
        assert (again.status, again.document) == (200, {"sum": 3}), "the same run answers"
        assert len(workflows.begun()) == 1


async def test_a_fault_is_told_and_the_delivery_kept(tmp_path: Path, store: Store) -> None:
    async with hooked(tmp_path, store) as (workflows, made):
        workflows.apply(workflow("asked", "- {webhook: in, respond: result}"))

        async def faulted() -> Any:
            raise WorkflowFailed("it faulted")

        workflows.service.outcome = faulted
        with pytest.raises(WorkflowFailed):
            await deliver(made, {})
        assert len(made.service.hooks.table.page(made.service.hooks.named("in").id)) == 1


async def test_who_waits_too_long_hears_that_it_goes_on(tmp_path: Path, store: Store) -> None:
    async with hooked(tmp_path, store) as (workflows, made):
        workflows.apply(workflow("slow", "- {webhook: in, respond: result, timeout: {milliseconds: 20}}"))
        workflows.service.outcome = asyncio.Event().wait
        taken = await deliver(made, {})
        (run,) = workflows.begun()
        assert (taken.status, taken.document) == (202, {"status": "running", "run": run.id})


async def test_nothing_begins_for_who_cannot_prove_a_thing_or_when_it_is_off(tmp_path: Path, store: Store) -> None:
    async with hooked(tmp_path, store) as (workflows, made):
        workflows.apply(workflow("taken", "- {webhook: in}"))
        with pytest.raises(PermissionDenied):
            await deliver(made, {}, token="another-secret")
        workflows.switch("taken", on=False)
        assert (await deliver(made, {})).status == 200
        assert workflows.begun() == []


async def test_deliveries_without_an_id_by_token_are_each_their_own(tmp_path: Path, store: Store) -> None:
    async with hooked(tmp_path, store) as (workflows, made):
        workflows.apply(workflow("taken", "- {webhook: in}"))
        hooks = made.service.hooks
        for _ in range(2):
            await hooks.deliver(hooks.named("in"), {"x-webhook-token": SECRET}, b"{}")
        assert len(workflows.begun()) == 2
