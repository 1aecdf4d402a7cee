"""The watch for changes: a look after each write of another process, and after a failure another one."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections.abc import Callable

import pytest
from tests.storage.stores import OpenStore

from omnicore.clock import SystemClock
from omnicore.errors import StorageFailed
from omnicore.storage.change_watch import ChangeWatch
from omnicore.storage.store import Store
from omnicore.storage.tables.settings import OverridesTable


def put(store: Store, value: int) -> None:
    with OverridesTable(store, SystemClock()).changing() as change:
        change.values["log_lines"] = value
        change.write()


def watched(store: Store, look: Callable[[], object], scene: Callable[[ChangeWatch], object]) -> None:
    """Plays a scene on a thread while a watch looks; without notifications it looks every 10 ms."""

    async def play() -> None:
        watch = ChangeWatch("test", store, look, pause_s=0.0, poll_s=0.01)
        await watch.start()
        async with asyncio.timeout(20):
            await asyncio.to_thread(scene, watch)
        await watch.stop()

    asyncio.run(play())


class Looks:
    """Looks that a scene waits for."""

    def __init__(self, look: Callable[[], object]) -> None:
        self._look, self._news = look, threading.Condition()
        self.seen: list[object] = []

    def __call__(self) -> None:
        found = self._look()
        with self._news:
            self.seen.append(found)
            self._news.notify_all()

    def until(self, value: object) -> None:
        with self._news:
            assert self._news.wait_for(lambda: value in self.seen, timeout=20)


def test_a_write_of_another_process_is_seen_and_one_of_its_own_when_it_is_stirred(open_store: OpenStore) -> None:
    store, other = open_store(), open_store()
    looks = Looks(lambda: OverridesTable(store, SystemClock()).read().get("log_lines"))

    def scene(watch: ChangeWatch) -> None:
        looks.until(None)
        put(other, 1)
        looks.until(1)
        put(store, 2)
        watch.stir()
        looks.until(2)

    watched(store, looks, scene)


def test_a_look_that_fails_is_told_once_and_made_again(store: Store, caplog: pytest.LogCaptureFixture) -> None:
    count = 0

    def look() -> int:
        nonlocal count
        count += 1
        if count < 4:
            raise StorageFailed("the database is away", remedy="wait")
        return count

    looks = Looks(look)
    with caplog.at_level(logging.WARNING, "omnicore.storage"):
        watched(store, looks, lambda _: looks.until(4))
    assert [record.getMessage() for record in caplog.records] == ["test waits: the database is away; wait"]
