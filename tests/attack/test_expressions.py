"""Expressions and tasks that use all they may, again and again: others get their turns, and cancel ends each."""

from __future__ import annotations

import asyncio
import threading
from typing import Any

import pytest
from tests.storage.stores import OpenStore
from tests.workflows.engines import Steps, text, until, workflows_on

from omnicore.errors import CallCancelled
from omnicore.storage.store import Store
from omnicore.workflows.expressions.expression import expression
from omnicore.workflows.expressions.jq import SHARED, JqCall, JqLimits
from omnicore.workflows.faults import Fault

BURNS = """
- again:
    try:
      - burn: {set: {n: '${ last(range(1e12)) }'}}
    catch: {as: error, do: [{back: {set: {back: true}}}]}
    then: again
"""
HOG = text("hog", BURNS)
ASKS = text("asks", "- a: {set: {n: '${ [range(100)] | add }'}}")
SPINS = text("spins", "- a: {set: {n: '${ (.n // 0) + 1 }'}, then: a}")


async def hogs(workflows: Any, count: int, what: str = HOG, given: Any = None) -> list[str]:
    name = (await workflows.apply(what)).id
    return [(await workflows.start(name, given)).id for _ in range(count)]


async def cancelled(workflows: Any, run: str) -> None:
    await workflows.cancel(run)
    with pytest.raises(CallCancelled):
        async with asyncio.timeout(20):
            await workflows.output(run)
    assert (await workflows.run_view(run)).status == "cancelled"


async def rows_of(workflows: Any, run: str, most: int) -> None:
    async with asyncio.timeout(30):
        while len((await workflows.steps(run)).items) < most:
            await asyncio.sleep(0.01)


async def test_runs_that_burn_all_their_steps_again_and_again_keep_no_expression_of_others_waiting(
    store: Store,
) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(ASKS)
        await hogs(workflows, 6)
        for _ in range(20):
            assert await workflows.run("asks", timeout_s=20) == {"n": 4950}


async def test_a_run_that_burns_all_its_steps_again_and_again_is_cancelled(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        for run in await hogs(workflows, 6):
            await cancelled(workflows, run)
        assert not workflows.engine.runner.live


async def test_rows_of_a_run_that_burns_all_its_steps_are_kept_while_it_does(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        (run,) = await hogs(workflows, 1)
        await rows_of(workflows, run, 3)
        await cancelled(workflows, run)
        assert (await workflows.audit(run))["ok"]


async def test_a_run_that_burns_all_its_steps_is_cancelled_from_where_nothing_is_run(open_store: OpenStore) -> None:
    here, there = open_store(), open_store()
    async with workflows_on(here, Steps()) as working, workflows_on(there, Steps(), work=False) as asking:
        (run,) = await hogs(working, 1)
        await rows_of(working, run, 3)
        await cancelled(asking, run)


async def test_a_run_that_burns_all_its_steps_is_cancelled_once_another_host_has_it(store: Store) -> None:
    async with workflows_on(store, Steps()) as first:
        (run,) = await hogs(first, 1)
        await rows_of(first, run, 6)
    async with workflows_on(store, Steps()) as second:
        await until(lambda: run in second.engine.runner.live)
        await cancelled(second, run)
        assert (await second.audit(run))["ok"]
    async with workflows_on(store, Steps()) as third:
        assert (await third.run_view(run)).status == "cancelled"
        assert run not in third.engine.runner.live


async def test_what_undoes_a_run_without_an_end_is_cancelled(store: Store) -> None:
    undoes = text(
        "undoes",
        "- done:\n    set: {n: 1}\n    host:\n      compensate:\n"
        "        - again: {set: {n: '${ (.n // 0) + 1 }'}, then: again}\n"
        "- fails: {raise: {error: {type: 'https://example.com/no', status: 500}}}",
    )
    async with workflows_on(store, Steps()) as workflows:
        (run,) = await hogs(workflows, 1, undoes)
        await rows_of(workflows, run, 10)
        await cancelled(workflows, run)


async def test_a_run_that_waits_for_its_turn_is_cancelled(store: Store) -> None:
    lane = "concurrency: {key: '${ .lane }', most: 1}"
    async with workflows_on(store, Steps()) as workflows:
        first, second = await hogs(workflows, 2, text("hog", BURNS, lane), {"lane": "one"})
        await cancelled(workflows, second)
        await cancelled(workflows, first)


async def test_tasks_without_effects_that_go_on_for_ever_keep_no_other_run_waiting(store: Store) -> None:
    async with workflows_on(store, Steps(), steps=10_000_000) as workflows:
        await workflows.apply(ASKS)
        await workflows.apply(text("quick", "- a: {call: work.echo, with: 1}"))
        runs = await hogs(workflows, 10, SPINS)
        for _ in range(5):
            assert await workflows.run("quick", timeout_s=20) == 1
            assert await workflows.run("asks", timeout_s=20) == {"n": 4950}
        for run in runs:
            await cancelled(workflows, run)


async def test_the_event_loop_never_waits_for_jq(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, waited = threading.get_ident(), []
    before = JqCall.wait

    def wait(call: JqCall) -> JqCall:
        if threading.get_ident() == loop:
            waited.append(call)
        return before(call)

    monkeypatch.setattr(JqCall, "wait", wait)
    host = "concurrency: {key: '${ .large - 1 }', most: 5}\ndedupe: {key: '${ .large - 1 }'}"
    large = text("large", "- a: {set: {n: '${ .large - 1 }', m: '${ .large * 3 }'}}", host)
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(large)
        found = await workflows.run("large", {"large": 2**60}, timeout_s=20)
        assert found == {"n": pytest.approx(2**60), "m": pytest.approx(3 * 2**60)}
    assert waited == []


def test_a_valid_expression_on_a_host_without_time_is_not_its_authors_fault() -> None:
    ask = expression("[range(20000)] | map(. * 2) | add")
    SHARED.configure(JqLimits(timeout_s=0.02), cache=None)
    try:
        assert ask(None, {}) == 399980000
    except Fault as fault:
        assert fault.status == 503  # noqa: PT017  both are right: what is wrong is a 400
    finally:
        SHARED.configure(JqLimits(), cache=None)
