"""Workflows that never end, write without end, or take the machine from everybody else."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from pathlib import Path
from time import process_time
from typing import Any

import pytest
from tests.workflows.engines import Steps, text, until, workflows_on

from omnicore.errors import CapacityReached, InvalidInput, WorkflowFailed
from omnicore.storage.store import Store
from omnicore.workflows.expressions.expression import expression
from omnicore.workflows.expressions.jq import SHARED, JqLimits
from omnicore.workflows.faults import Fault
from omnicore.workflows.language.triggers import pattern_of
from omnicore.workflows.live import Seats
from omnicore.workflows.service import WorkerThread

QUICK = JqLimits(fuel=500_000_000)


@pytest.fixture(autouse=True, scope="module")
def impatient() -> Iterator[None]:
    """Expressions are given less fuel, for the tests' own sake."""
    SHARED.configure(QUICK, cache=None)
    yield
    SHARED.configure(JqLimits(), cache=None)


LOOP = text("loops", "- a: {set: {n: '${ (.n // 0) + 1 }'}, then: a}")
CHATTY = text(
    "chatty",
    "- again: {set: {n: '${ (.n // 0) + 1 }', text: '${ .text // $input.text }'}}\n"
    "- call: {call: work.echo, with: {n: '${ .n }', text: '${ .text + (.n | tostring) }'}, then: again}",
)
SAME = text(
    "same", "- each: {for: {in: '${ .items }'}, do: [{keep: {call: work.echo, with: '${ $workflow.input.whole }'}}]}"
)


async def faulted(workflows: Any, name: str, given: Any = None) -> str:
    with pytest.raises(WorkflowFailed) as failed:
        await workflows.run(name, given, timeout_s=30)
    return str(failed.value)


async def test_a_loop_without_an_end_ends(store: Store) -> None:
    async with workflows_on(store, Steps(), steps=3000) as workflows:
        await workflows.apply(LOOP)
        handle = await workflows.start("loops")
        with pytest.raises(WorkflowFailed, match="end its loops"):
            await handle
        found = await workflows.audit(handle.id)
        assert found["ok"]
        assert found["rows"] <= 3000


async def test_a_loop_without_an_end_lets_others_run_and_is_cancelled(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(LOOP)
        await workflows.apply(text("quick", "- a: {call: work.echo, with: 1}"))
        handle = await workflows.start("loops")
        assert await workflows.run("quick", timeout_s=20) == 1
        await workflows.cancel(handle.id)
        await until(lambda: handle.id not in workflows.engine.runner.live)
        assert (await workflows.run_view(handle.id)).status == "cancelled"


async def test_a_run_that_writes_without_an_end_ends(store: Store) -> None:
    async with workflows_on(store, Steps(), run_bytes=200_000) as workflows:
        await workflows.apply(CHATTY)
        handle = await workflows.start("chatty", {"text": "x" * 2000})
        with pytest.raises(WorkflowFailed, match="hand on less from step to step"):
            await handle
        rows = (await workflows.steps(handle.id, limit=500)).items
        assert 50 < len(rows) < 250


async def test_a_value_that_is_handed_on_again_and_again_counts_once(store: Store) -> None:
    async with workflows_on(store, Steps(), run_bytes=200_000) as workflows:
        await workflows.apply(SAME)
        whole = {"items": list(range(30)), "whole": "x" * 20_000}
        assert await workflows.run("same", whole, timeout_s=30) == "x" * 20_000


async def test_what_was_written_before_a_rest_counts_after_it(store: Store) -> None:
    listens = text(
        "listens",
        "- each:\n    for: {in: '${ [range(100)] }', each: n}\n    do:\n"
        "      - keep: {call: work.echo, with: '${ $workflow.input + ($n | tostring) }'}\n"
        "      - rest: {wait: {milliseconds: 30}}",
    )
    async with workflows_on(store, Steps(), run_bytes=100_000, park_s=0.01) as workflows:
        await workflows.apply(listens)
        assert "has written over" in await faulted(workflows, "listens", "x" * 20_000)


async def test_workflows_that_begin_themselves_come_to_an_end(store: Store) -> None:
    bomb = text("bomb", "- on: {run: {workflow: {namespace: default, name: bomb, version: latest}}}")
    async with workflows_on(store, Steps(), most_depth=4) as workflows:
        await workflows.apply(bomb)
        assert "in a row" in await faulted(workflows, "bomb")
        assert len((await workflows.page_runs(limit=100)).items) == 5


async def test_a_bomb_of_runs_is_as_deep_as_is_allowed_and_no_deeper(store: Store) -> None:
    wide = text(
        "wide",
        "- all:\n    for: {in: '${ .n }'}\n    host: {concurrency: 9}\n    do:\n"
        "      - on: {run: {workflow: {namespace: default, name: wide, version: latest, input: '${ $input }'}}}",
    )
    async with workflows_on(store, Steps(), most_depth=2) as workflows:
        await workflows.apply(wide)
        assert await faulted(workflows, "wide", {"n": [1, 2, 3, 4]})
        await until(lambda: not workflows.engine.runner.live)
        assert len((await workflows.page_runs(limit=500)).items) <= 1 + 4 + 16


async def test_nothing_more_begins_while_too_much_waits(store: Store) -> None:
    async with workflows_on(store, Steps(), max_pending=3) as workflows:
        await workflows.apply(text("rests", "- a: {wait: {hours: 1}}"))
        for _ in range(3):
            await workflows.start("rests")
        workflows.engine.starting._count_due = 0.0
        with pytest.raises(CapacityReached, match="wait until some have ended"):
            await workflows.start("rests")


def test_a_regular_expression_that_doubles_with_each_character_is_refused() -> None:
    bad = ("(?:a?){20}a{20}", "(a?a?a?){12}b", "(a+)+", "(a|aa)*", "a{0,99}" * 6 + "b", "a?" * 27 + "a" * 27)
    for pattern in (*bad, "a{,}a{,}a{,}a{,}b", "(?:(?:){500}){500}", "a{99999999999999}", "a*" * 4, "(" * 200):
        with pytest.raises(InvalidInput):
            pattern_of(pattern)
    good = (r"com\.(?:example|acme)\.[a-z]+(\.v[0-9])?\.(created|updated)", r"order-[0-9]{4,12}", r"\?\*\+.*", "a{}b")
    for pattern in good:
        pattern_of(pattern)
    began = process_time()
    for pattern in ("a*a*a*b", ".*.*.*x", "(?:[ab][ab])*(?:[ab][ab])*[ab]*x", "a?" * 15 + "a" * 15):
        pattern_of(pattern).fullmatch("a" * 512)
    assert process_time() - began < 10, "a bound against hanging, and no measure"


async def test_people_wait_at_their_own_desk() -> None:
    desk, gate, begun = WorkerThread(most=3), threading.Event(), threading.Event()

    def held() -> str:
        begun.set()
        gate.wait(30)
        return "done"

    waiting = [asyncio.create_task(desk.do(held)) for _ in range(3)]
    await asyncio.to_thread(begun.wait, 30)
    with pytest.raises(CapacityReached):
        await desk.do(held)
    waiting[2].cancel()
    gate.set()
    assert await asyncio.gather(*waiting[:2]) == ["done", "done"]
    assert await desk.do(lambda: 1) == 1
    desk.close()


async def test_expressions_of_people_leave_a_sandbox_to_the_runs(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("asks", "- a: {set: {n: '${ [range(3)] | add }'}}"))
        hostile = [asyncio.create_task(workflows.evaluate("[range(1e9)] | length", None)) for _ in range(9)]
        for _ in range(2):
            assert await workflows.run("asks", timeout_s=20) == {"n": 3}
        assert not all(one.done() for one in hostile), "runs went in between"
        for one in hostile:
            one.cancel()
        await asyncio.gather(*hostile, return_exceptions=True)
        workflows.desk.close()


HOSTILE = (
    *("[range(1e9)]", "last(range(1e9))", "[limit(1e9; repeat(1))]", '"a" * 1e9', "def f: f; f", "def f: [f]; f"),
    *("reduce range(1e9) as $i (0; . + 1)", "[range(1e5)] | combinations(3)", '"a" * 200000 | test("(a*)*b")'),
    *(
        "$ENV",
        "env.PATH",
        "input_filename",
        "input",
        "debug",
        "halt",
        '"x" | halt_error',
        "$__loc__",
        "@sh",
        "getpath(1)",
    ),
    *('import "a" as a; .', 'include "/etc/passwd"; .', "get_search_list", "input_line_number", "ltrimstr(1)"),
    *("(" * 5000 + "1" + ")" * 5000, "[" * 9000 + "]" * 9000, "." * 9000, "\0", "\ud800", "1" * 30_000, "try error(.)"),
)


@pytest.mark.parametrize("filter", HOSTILE, ids=lambda text: ascii(text[:24]))
def test_a_hostile_expression_fails_or_says_nothing_of_this_machine(
    filter: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH_OF_SECRETS", "told by the environment")
    try:
        told = str(expression(filter)({"a": 1}, {}))
    except (InvalidInput, Fault) as error:
        told = str(error)
    for inner in ("told by", "root:", str(Path.home()) + "/", "site-packages"):
        assert inner not in told


def test_a_seat_is_given_back_however_its_block_ends() -> None:
    seats = Seats(most=1)
    with seats.taken() as first, seats.taken() as second:
        assert (first, second) == (True, False)
    with pytest.raises(ZeroDivisionError), seats.taken():
        raise ZeroDivisionError
    with seats.taken() as again:
        assert again


async def test_old_runs_of_a_workflow_that_was_removed_are_cleared_away(store: Store, tmp_path: Path) -> None:
    async with workflows_on(store, Steps(), keep_s=0, keep_failed_s=0) as workflows:
        for name in ("gone", "kept", "damaged"):
            await workflows.apply(text(name, "- a: {set: {n: 1}}", "keep: {for: {days: 9}}"))
            await workflows.run(name, timeout_s=20)
        await workflows.remove("gone")
        altered = "UPDATE workflows SET document = '{\"keep\": 1}' WHERE id = 'damaged'"
        store.apply(lambda session: session.execute(altered).rowcount)
        workflows.definitions.graphs._kept.clear()
        assert [one[0] for one in workflows.definitions.retained("")] == ["damaged", "gone", "kept"]
        await workflows.engine.hosts._work.sweep()
        assert {one.workflow for one in (await workflows.page_runs()).items} == {"kept"}
