"""A process that only asks carries one run where no other host takes it, and nothing else."""

from __future__ import annotations

import asyncio

import pytest
from tests.workflows.engines import Steps, text, until, workflows_on

from omnicore.errors import NotFound
from omnicore.storage.store import Store

ONE = text("one", "- a: {call: work.echo}")
WAITS = text("waits", "- a: {call: work.wait}")
OUTER = text(
    "outer", "- inner: {run: {workflow: {namespace: default, name: one, version: 1.0.0}}}\n- b: {call: work.echo}"
)


async def test_a_run_and_those_it_begins_are_carried_and_others_stay(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps, work=False) as asking:
        await asking.apply(ONE)
        await asking.apply(OUTER)
        other = await asking.start("one", 1)
        mine = await asking.start("outer", 2)
        await asking.carry(mine.id)
        assert await mine == 2
        assert (await other.view()).status == "pending"
        await asking.carry(other.id)
        assert await other == 1
        with pytest.raises(NotFound):
            await asking.carry("run_none")


async def test_a_host_that_is_there_has_the_run_and_one_that_leaves_gives_it(store: Store) -> None:
    theirs, mine = Steps(), Steps()
    async with workflows_on(store, mine, work=False) as asking:
        async with workflows_on(store, theirs) as working:
            await working.apply(WAITS)
            run = await asking.start("waits", 3)
            await asking.carry(run.id)
            await asyncio.wait_for(theirs.begun.wait(), 20)
            assert not mine.begun.is_set()
        await asyncio.wait_for(mine.begun.wait(), 20)
        mine.gate.set()
        assert await run == 3


async def test_a_run_held_by_another_of_its_key_is_carried_once_it_may_begin(store: Store) -> None:
    steps = Steps()
    async with workflows_on(store, steps, work=False) as asking:
        keyed = text("keyed", "- a: {call: work.wait}", "concurrency: {key: '${ .k }', most: 1}")
        await asking.apply(keyed)
        first, second = await asking.start("keyed", {"k": 1}), await asking.start("keyed", {"k": 1})
        await asking.carry(first.id)
        await until(steps.begun.is_set)
        steps.gate.set()
        assert await first == {"k": 1}
        assert (await second.view()).status == "pending"
        await asking.carry(second.id)
        assert await second == {"k": 1}
