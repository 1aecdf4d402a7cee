"""Events that pretend to be of the host, that follow from one another without end, or that come in without measure."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from tests.workflows.effects.bench import action, emit, run_of
from tests.workflows.engines import Steps, text, until, workflows_on
from tests.workflows.triggering.rooms import room, workflow
from tests.workflows.triggering.test_dispatching import publish
from tests.workflows.triggering.test_host import SECRET, hosted

from omnicore.clock import ManualClock
from omnicore.connectors.webhooks import Taken
from omnicore.errors import InvalidInput
from omnicore.events.subscriptions import MOST_HOPS
from omnicore.storage.store import Store
from omnicore.workflows.language.graph import EventFilter, ListenTask
from omnicore.workflows.machine_tasks import ListenState
from omnicore.workflows.steps.cloud_events import HOPS, envelope
from omnicore.workflows.steps.step import StepSecrets, StepWork


def pushed(source: str, id: str = "1") -> dict[str, Any]:
    return {"id": id, "source": source, "type": "connector.github.push", "data": {"payload": {"ref": "main"}}}


async def test_a_connectors_event_is_one_that_this_host_told(store: Store) -> None:
    async with room(store) as made:
        made.apply(workflow("deploy", "- {connector: github, event: push}"))
        for number, source in enumerate(("omnicore:workflow/evil", "omnicore:workflow", "/anybody", "OMNICORE:x")):
            await publish(made, pushed(source, str(number)))
        await made.triggers.publish(pushed("omnicore:webhook:github", "broker"), origin="nats")
        await made.dispatch()
        assert made.begun() == []
        await publish(made, pushed("omnicore:webhook:github", "real"))
        assert made.inputs() == [{"ref": "main"}]


@pytest.mark.parametrize("source", ["omnicore:host", "omnicore:webhook:github", "omnicore:workflow/other", "omnicore:"])
def test_no_workflow_emits_in_the_name_of_another_part(source: str) -> None:
    work = StepWork(action(emit(), {"type": "plugin.added", "source": source}), run_of(), StepSecrets(), ManualClock())
    with pytest.raises(InvalidInput, match="a part of this host"):
        envelope(work)


@pytest.mark.parametrize("name", [HOPS, "omnicoreorigin"])
def test_the_count_of_hops_is_the_hosts_own(name: str) -> None:
    run = run_of(trigger={"kind": "event", "hops": 3})
    work = StepWork(
        action(emit(), {"type": "t", name: -100 if name == HOPS else "x"}), run, StepSecrets(), ManualClock()
    )
    assert envelope(work)[HOPS] == 4


async def test_hops_are_counted_on_through_a_run_that_another_begins(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("inner", "- a: {call: work.echo, with: 1}"))
        for name, wait in (("outer", "true"), ("loose", "false")):
            run = f"{{workflow: {{namespace: default, name: inner, version: latest}}, await: {wait}}}"
            await workflows.apply(text(name, f"- a: {{run: {run}}}"))
            handle = await workflows.start(name, trigger={"kind": "event", "hops": 5})
            await handle
        await until(lambda: not workflows.engine.runner.live)
        inner = (await workflows.page_runs(workflow="inner")).items
        assert [one.trigger["hops"] for one in inner] == [5, 5]


async def test_a_workflow_that_hears_of_its_own_ends_comes_to_rest(tmp_path: Path) -> None:
    async with hosted(tmp_path) as (host, _):
        events = "- {event: {with: {type: workflow.run.completed}}}"
        await host.workflows.apply(workflow("echoes", events))
        host.workflows.definitions.triggers._wake_all()  # type: ignore[union-attr]
        await until(lambda: any(one.pattern == "workflow.run.completed" for one in host.events.bus.subscribers()))
        await host.workflows.run("echoes", timeout_s=20)
        quiet, before = 0, 0
        while quiet < 20:
            await asyncio.sleep(0.05)
            runs = len((await host.workflows.page_runs(workflow="echoes", limit=500)).items)
            quiet, before = (quiet + 1 if runs == before else 0), runs
        assert 1 < before <= MOST_HOPS + 2


async def test_a_circle_of_emitted_events_ends(tmp_path: Path) -> None:
    async with hosted(tmp_path) as (host, _):
        emits = "- again: {emit: {event: {with: {type: round.and.round, source: /circle, data: 1}}}}"
        await host.workflows.apply(workflow("circle", "- {event: {with: {type: round.and.round}}}", emits))
        await host.workflows.start("circle")
        async with asyncio.timeout(20):
            while not (await host.workflows.dead()).items:
                await asyncio.sleep(0.02)
        assert len((await host.workflows.page_runs(limit=500)).items) == MOST_HOPS + 1


def test_a_listener_whose_end_never_comes_hears_no_more_than_its_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("omnicore.workflows.machine_tasks.MOST_EVENTS", 5)

    class Never:
        simple, source, variables = True, "", frozenset[str]()

        def __call__(self, data: Any, scope: Any) -> Any:
            return False

    node = ListenTask("/do/0/l", "l", "listen", mode="any", filters=(EventFilter({"type": "t"}),), until=Never())
    hearing = ListenState(node, {})
    for number in range(5):
        assert hearing.hear({"type": "t", "id": str(number), "source": "/s"}) == "taken"
    with pytest.raises(Exception, match="Too many events"):
        hearing.hear({"type": "t", "id": "6", "source": "/s"})


async def test_a_sender_learns_no_more_of_a_fault_than_its_title(tmp_path: Path) -> None:
    do = "- ask: {call: http, with: {method: get, endpoint: 'http://127.0.0.1:1/inside'}}"
    async with hosted(tmp_path) as (host, send):
        await host.workflows.apply(workflow("asks", "- {webhook: in, respond: result}", do))
        bad = await send({"n": 1})
        assert bad.status_code == 502
        for inner in ("127.0.0.1", "/do/0", "http_private", "omnicore workflows"):
            assert inner not in bad.text
        assert SECRET not in bad.text


async def test_a_sender_who_waits_for_too_long_a_line_is_answered_at_once(tmp_path: Path) -> None:
    async with hosted(tmp_path) as (host, send):
        await host.workflows.apply(workflow("slow", "- {webhook: in, respond: result}", "- a: {wait: {hours: 1}}"))
        host.workflows.definitions.triggers._taker._seats._free = 2  # type: ignore[union-attr]
        waiting = [asyncio.create_task(send({"n": number})) for number in range(2)]
        async with asyncio.timeout(20):
            while len((await host.workflows.page_runs(workflow="slow")).items) < 2:
                await asyncio.sleep(0.02)
            third = await send({"n": 3})
        assert (third.status_code, third.json()["status"]) == (202, "running")
        for one in waiting:
            one.cancel()
        await asyncio.gather(*waiting, return_exceptions=True)


ODD = (
    b"NaN",
    b'{"n": 1e999}',
    b"[" * 900 + b"]" * 900,
    b'"\\ud800"',
    b'{"\\u0000": "\\u0000"}',
    b"\xff\xfe",
    b"",
    b"[[[",
)


@pytest.mark.parametrize("body", ODD, ids=lambda body: ascii(body[:16]))
async def test_an_odd_body_begins_a_run_or_is_refused_with_a_reason(tmp_path: Path, body: bytes) -> None:
    async with hosted(tmp_path) as (host, _):
        await host.workflows.apply(workflow("odd", "- {webhook: in}"))
        hooks = host.connectors.hooks
        headers = {"authorization": f"Bearer {SECRET}", "content-type": "application/json"}
        taken: Taken | None
        try:
            taken = await hooks.deliver(hooks.named("in"), headers, body)
        except InvalidInput as error:
            taken, refused = None, error
        if taken is None:
            assert refused.remedy
            return
        assert taken.status in (200, 202)
        await until(lambda: not host.workflows.engine.runner.live)
        for one in (await host.workflows.page_runs(workflow="odd")).items:
            view = await host.workflows.run_view(one.id)
            assert view.status in ("completed", "faulted")
            view.to_json()
