"""A run that is looked at: what it waits for is told also once it has left memory."""

from __future__ import annotations

import asyncio

from tests.workflows.engines import Steps, text, until, workflows_on

from omnicore.cli.run_view import Following
from omnicore.storage.store import Store


def test_a_parked_run_still_has_the_place_where_it_waits(store: Store) -> None:
    asyncio.run(_scene(store))


async def _scene(store: Store) -> None:
    async with workflows_on(store, Steps()) as workflows:
        await workflows.apply(text("rests", "- a: {call: work.echo}\n- long: {wait: {hours: 1}}"))
        run = (await workflows.start("rests")).id
        looks = Following(workflows, run)
        while not (before := await looks.look()).open:
            continue
        await until(lambda: run not in workflows.engine.runner.live)
        after = await looks.look()
        assert after.run.status == "waiting"
        assert [(one.place, one.kind) for one in after.open] == [("/do/1/long", "timer")]
        assert after.open == before.open
        await workflows.cancel(run)
        while not (last := await looks.look()).over:
            continue
        assert list(last.open) == []
