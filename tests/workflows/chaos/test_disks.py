"""Disks that are slow, and stall for longer than a lease: runs take longer, and that is all."""

from __future__ import annotations

import random
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.workflows.engines import Steps, text, until, workflows_on

from omnicore.storage.store import Session, Store

OpenStore = Callable[[], Store]
THREE = text("three", "- a: {call: work.echo}\n- b: {call: work.echo}\n- c: {call: work.echo}")


class SlowStore:
    """A store whose transactions take their time."""

    def __init__(self, store: Store) -> None:
        self._store, self._chance = store, random.Random(5)
        self.stall_s = 0.0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._store, name)

    async def apply_async(self, work: Callable[[Session], Any]) -> Any:
        def slow(session: Session) -> Any:
            found = work(session)
            stall_s, self.stall_s = self.stall_s, 0.0
            time.sleep(stall_s or self._chance.uniform(0, 0.02))
            return found

        return await self._store.apply_async(slow)


async def test_a_disk_that_stalls_for_longer_than_a_lease_loses_and_repeats_nothing(
    open_store: OpenStore, tmp_path: Path
) -> None:
    slow, steps = SlowStore(open_store()), Steps()
    async with workflows_on(slow, steps, tmp_path) as workflows:  # type: ignore[arg-type]
        await workflows.apply(THREE)
        async with workflows_on(open_store(), steps, tmp_path / "elsewhere") as other:
            handles = [await workflows.start("three", number) for number in range(10)]
            await until(lambda: steps.counts["echo"] > 5)
            slow.stall_s = 1.0
            handles += [await other.start("three", number) for number in range(10, 20)]
            assert [await one for one in handles] == list(range(20))
            assert not slow.stall_s, "nothing was written while the disk stalled"
        for handle in handles:
            rows = (await workflows.steps(handle.id)).items
            assert Counter(row.name for row in rows) == {"a": 1, "b": 1, "c": 1}
            assert (await workflows.audit(handle.id))["ok"]
    assert len(set(steps.keys)) == 60
