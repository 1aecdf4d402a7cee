"""Runs that are tried again, on an engine: what runs again, what does not, and with which secrets."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
from tests.connectors.local_server import Seen, reply, serve
from tests.workflows.engines import Steps, text, workflows_on

from omnicore.assembly import Host
from omnicore.errors import CallCancelled, Conflict, NotFound, PermissionDenied, WorkflowFailed
from omnicore.storage.store import Store
from omnicore.workflows.steps.step import PREFIX

SIDES = """
- both:
    fork:
      branches:
        - shaky: {call: work.maybe, with: 1, host: {retry: {delay: {milliseconds: 30}, limit: {attempt: {count: 2}}}}}
        - steady: {do: [{one: {call: work.echo, with: 2}}, {hold: {call: work.wait}}]}
"""
ROUNDS = """
- each:
    for: {each: item, in: '${ [1, 2, 3] }'}
    do:
      - done: {call: work.echo, with: '${ $item }'}
      - shaky: {if: $item == 2, call: work.maybe, with: 7, host: {retry: {limit: {attempt: {count: 2}}}}}
    host: {concurrency: 3}
"""


@pytest.mark.parametrize(("tasks", "output"), [(SIDES, [1, 2]), (ROUNDS, [1, 7, 3])])
async def test_a_failed_step_has_all_its_attempts_again_and_no_strand_runs_twice(
    store: Store, tasks: str, output: Any
) -> None:
    steps = Steps()
    steps.broken.add("maybe")
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("sides", tasks))
        run = (await workflows.start("sides")).id
        for round_ in (1, 2, 3):  # a retry of a retry has them all as well
            with pytest.raises(WorkflowFailed):
                await workflows.output(run)
            assert steps.counts["maybe"] == 3 * round_
            if round_ == 3:
                steps.broken.clear()
                steps.gate.set()
            run = (await workflows.retry(run)).id
        assert await workflows.output(run) == output
        assert steps.counts["echo"] == (1 if "fork" in tasks else 3)
        assert (await workflows.audit(run))["ok"]
        rows = (await workflows.steps(run)).items
        assert [row.seq for row in rows] == list(range(1, len(rows) + 1))
        assert [row.attempt for row in rows if row.name == "shaky" and row.status == "completed"][-1:] == [1]


async def test_a_block_whose_time_was_over_has_it_again(store: Store) -> None:
    steps = Steps()
    tasks = "- a: {call: work.echo}\n- b: {do: [{c: {call: work.wait}}], timeout: {after: {milliseconds: 80}}}"
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("late", tasks))
        handle = await workflows.start("late", 5)
        with pytest.raises(WorkflowFailed):
            await handle
        steps.gate.set()
        assert await (await workflows.retry(handle.id)) == 5
        assert steps.counts == {"echo": 1, "wait": 2}


async def test_a_run_whose_time_was_over_has_it_again(store: Store) -> None:
    steps = Steps()
    tasks = "- a: {call: work.echo}\n- c: {call: work.wait}"
    late = text("late", tasks).replace("do:\n", "timeout: {after: {milliseconds: 80}}\ndo:\n", 1)
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(late)
        handle = await workflows.start("late", 5)
        with pytest.raises(WorkflowFailed):
            await handle
        steps.gate.set()
        assert await (await workflows.retry(handle.id)) == 5
        assert steps.counts == {"echo": 1, "wait": 2}


async def test_placeholders_of_a_run_that_is_over_stand_for_nothing_in_the_one_that_follows(store: Store) -> None:
    tasks = "- a: {set: {key: '${ $secrets.bank }', long: .long}}\n- b: {call: work.echo}\n- c: {call: work.maybe}"
    given = (
        text("keeps", tasks)
        .replace("do:\n", "use: {secrets: [bank]}\ndo:\n", 1)
        .replace("long: .long", "long: '${ .long }'")
    )
    steps = Steps()
    steps.broken.add("maybe")
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(given)
        handle = await workflows.start("keeps", {"long": "x" * 1000})  # so that the rows name it by its hash
        with pytest.raises(WorkflowFailed):
            await handle
        steps.broken.clear()
        again = await workflows.retry(handle.id)
        ended = await again
        first, second = (call[2]["key"] for call in steps.calls if call[0] == "maybe")
        assert first.startswith(PREFIX)
        assert second.startswith(PREFIX)
        assert first != second
        assert ended["key"] == second
        views = [(await workflows.run_view(again.id)).to_json()]
        views += [one.to_json() for one in (await workflows.steps(again.id)).items]
        assert PREFIX not in json.dumps(views)
        assert (await workflows.audit(again.id))["ok"]


SECRET = "hush-0815-hush"
CARRIED = """
document: { dsl: '1.0.3', namespace: default, name: carried, version: '1.0.0' }
use: { secrets: [quiet] }
do:
  - made: { set: { header: '${ "Bearer " + $secrets.quiet }', filler: '${ .filler }' } }
  - first:
      call: http
      with: { method: get, endpoint: SERVERfirst, headers: { X: '${ .header }' } }
      output: { as: '$input' }
  - second: { call: http, with: { method: get, endpoint: SERVERsecond, headers: { X: '${ .header }' } } }
"""


@pytest.mark.parametrize("filler", ["", "x" * 20_000])
def test_a_secret_in_a_recorded_output_is_the_real_one_where_a_retry_uses_it(tmp_path: Path, filler: str) -> None:
    healthy = False

    def answer(seen: Seen) -> bytes:
        return reply(
            503 if seen.target == "/second" and not healthy else 200, b'{"ok": true}', "Content-Type: application/json"
        )

    async def scene() -> tuple[list[Seen], str]:
        nonlocal healthy
        more = {"workflows.http_private": ("127.0.0.1:*",)}
        host = Host(plugins=tmp_path / "plugins", data=tmp_path / "data", watch=False, **more)
        async with serve(answer) as server, host:
            await asyncio.to_thread(host.connectors.vault.set, "quiet", SECRET)
            await host.workflows.apply(CARRIED.replace("SERVER", server.url()), by="tests")
            run = await host.workflows.start("carried", {"filler": filler})
            with pytest.raises(WorkflowFailed):
                await run
            healthy = True
            again = await host.workflows.retry(run.id)
            await again
            third = await host.workflows.fork(again.id, 2)  # a fork of a retry
            await third
            views = [(await host.workflows.run_view(one.id)).to_json() for one in (run, again, third)]
            for one in (run, again, third):
                views += [step.to_json() for step in (await host.workflows.steps(one.id)).items]
                assert (await host.workflows.audit(one.id))["ok"]
            return server.seen, json.dumps(views)

    seen, views = asyncio.run(asyncio.wait_for(scene(), 50))
    assert [one.target for one in seen] == ["/first", "/second", "/second", "/second"]
    assert {one.headers["x"] for one in seen} == {f"Bearer {SECRET}"}
    assert SECRET not in views
    assert PREFIX not in views
    kept = [path for path in (tmp_path / "data").rglob("*") if path.is_file()]
    assert not [path.name for path in kept if SECRET.encode() in path.read_bytes()]


@pytest.mark.parametrize("suspended", [False, True])
async def test_a_cancelled_run_goes_on_where_it_was_cut(store: Store, suspended: bool) -> None:
    steps = Steps()
    branches = "{a: {call: work.echo, with: 2}}, {b: {call: work.wait}}"
    sides = f"- one: {{call: work.echo}}\n- both: {{fork: {{branches: [{branches}]}}}}"
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("cut", sides))
        run = await workflows.start("cut", 1)
        await steps.begun.wait()
        if suspended:
            await workflows.suspend(run.id)
        await run.cancel()
        with pytest.raises(CallCancelled):
            await run
        steps.gate.set()
        again = await workflows.retry(run.id)
        if suspended:
            await workflows.resume(again.id)
        assert await again == [2, 1]
        assert steps.counts == {"echo": 2, "wait": 2}
        assert (await workflows.audit(again.id))["ok"]


async def test_a_run_that_was_cancelled_before_it_began_can_be_begun_after_all(store: Store) -> None:
    steps = Steps()
    one = text("queued", "- a: {call: work.wait}").replace("do:\n", "host: {concurrency: {most: 1}}\ndo:\n", 1)
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(one)
        first, second = await workflows.start("queued", 1), await workflows.start("queued", 2)
        await second.cancel()
        with pytest.raises(CallCancelled):
            await second
        again = await workflows.retry(second.id)
        steps.gate.set()
        assert (await first, await again) == (1, 2)


async def test_only_a_place_makes_a_completed_run_be_tried_again_and_nothing_one_that_goes_on(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("done", "- a: {call: work.echo}\n- b: {call: work.wait}"))
        run = await workflows.start("done", 3)
        await steps.begun.wait()
        with pytest.raises(Conflict, match="cancel it first"):
            await workflows.retry(run.id, "/do/1/b")
        steps.gate.set()
        assert await run == 3
        with pytest.raises(Conflict, match="name the step"):
            await workflows.retry(run.id)
        assert await (await workflows.retry(run.id, "/do/1/b")) == 3
        assert steps.counts == {"echo": 1, "wait": 2}


@pytest.mark.parametrize(
    ("mended", "kept", "output", "counts"),
    [
        (
            "- a: {call: work.echo}\n- b: {call: work.echo}\n- c: {call: work.echo}",
            ["a", "b"],
            5,
            {"echo": 3, "maybe": 1},
        ),
        (
            "- a: {call: work.echo}\n- b: {call: work.echo, with: 7}\n- c: {call: work.echo}",
            ["a"],
            7,
            {"echo": 4, "maybe": 1},
        ),
        ("- b: {call: work.echo}\n- c: {call: work.echo}", [], 5, {"echo": 4, "maybe": 1}),
        (
            "- a: {call: work.echo}\n- b: {call: work.echo}\n- new: {call: work.echo}\n- c: {call: work.echo}",
            ["a", "b"],
            5,
            {"echo": 4, "maybe": 1},
        ),
    ],
)
async def test_a_mended_version_goes_on_with_the_steps_that_are_the_same_in_it(
    store: Store, mended: str, kept: list[str], output: Any, counts: dict[str, int]
) -> None:
    steps = Steps()
    steps.broken.add("maybe")
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("mend", "- a: {call: work.echo}\n- b: {call: work.echo}\n- c: {call: work.maybe}"))
        run = await workflows.start("mend", 5)
        with pytest.raises(WorkflowFailed):
            await run
        await workflows.apply(text("mend", mended))
        plan = await workflows.retry_plan(run.id, version=2)
        assert ([one.name for one in plan.kept], plan.version) == (kept, 2)
        assert [one.name for one in plan.again] == [name for name in "abc" if name not in kept]
        assert {one.why for one in plan.kept} <= {""}
        assert plan.again[0].why == "changed"
        assert steps.counts == {"echo": 2, "maybe": 1}  # a plan does nothing
        again = await workflows.retry(run.id, version=2)
        assert await again == output
        assert steps.counts == counts
        view = await workflows.run_view(again.id)
        assert (view.number, view.forked_from) == (2, run.id)
        assert (await workflows.audit(again.id))["ok"]


async def test_in_a_mended_block_the_rounds_before_the_change_stay_and_a_step_after_it_waits(store: Store) -> None:
    loop = (
        "- each:\n    for: {each: item, in: '${ [1, 2] }'}\n    do:\n      - x: {call: work.echo, with: '${ $item }'}\n"
    )
    added = "      - y: {call: work.echo, with: '${ $item }'}\n"
    steps = Steps()
    steps.broken.add("maybe")
    async with workflows_on(store, steps) as workflows:
        await workflows.apply(text("rounds", f"{loop}- c: {{call: work.maybe}}"))
        run = await workflows.start("rounds", 5)
        with pytest.raises(WorkflowFailed):
            await run
        await workflows.apply(text("rounds", f"{loop}{added}- c: {{call: work.echo}}"))
        await (await workflows.retry(run.id, version=2))
        assert steps.counts == {"echo": 2 + 2 + 1 + 1, "maybe": 1}  # the first x stays, the second follows y


async def test_only_who_is_asked_may_go_on_with_another_version(store: Store) -> None:
    steps = Steps()
    steps.broken.add("maybe")
    async with workflows_on(store, steps) as workflows:
        for name in ("a", "b", "c"):
            await workflows.apply(text("mine", f"- {name}: {{call: work.maybe}}"))
        run = await workflows.start("mine", 5)
        with pytest.raises(WorkflowFailed):
            await run
        with pytest.raises(PermissionDenied, match="not the present one"):
            await workflows.retry(run.id, version=2, role="operator")
        with pytest.raises(NotFound, match="no version 9"):
            await workflows.retry(run.id, version=9)
        await workflows.switch("mine", on=False)
        with pytest.raises(Conflict, match="switched off"):
            await workflows.retry_plan(run.id, version=2)
