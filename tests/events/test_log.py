"""The log of events on both databases: batches, bounds, pages, and a database that is away."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from tests.storage.stores import OpenStore

from omnicore.clock import ManualClock
from omnicore.errors import StorageFailed
from omnicore.events.bus import Event, EventBus, EventLog
from omnicore.storage.store import Store
from omnicore.storage.tables.events import EventRow, EventsTable


class Keeper:
    """A table that can be out of reach."""

    def __init__(self) -> None:
        self.kept: list[Event] = []
        self.trims: list[tuple[int, float]] = []
        self.away = False
        self.batches = 0

    def append(self, events: Sequence[Event]) -> None:
        if self.away:
            raise StorageFailed("the disk is full")
        self.batches += 1
        self.kept += events

    def trim(self, *, keep: int, before: float) -> int:
        self.trims.append((keep, before))
        return 0


def rows(count: int, *, topic: str = "a.b", at: float = 0.0) -> list[EventRow]:
    return [EventRow(f"evt_{number:04}", topic, "host", at + number, 0, {"n": number}) for number in range(count)]


def test_events_are_written_in_batches_and_trimmed_as_they_come() -> None:
    clock, keeper = ManualClock(), Keeper()
    bus = EventBus(clock=clock)
    log = EventLog(bus, keeper, keep=1000, days=2, clock=clock)
    for number in range(700):
        bus.publish("a", number)
    asyncio.run(log.flush())
    assert ([event.data for event in keeper.kept], keeper.batches) == (list(range(700)), 2)
    assert keeper.trims == [(1000, clock.now() - 2 * 86400)] * 2
    assert (log.written, log.dropped) == (700, 0)


def test_what_could_not_be_written_is_written_later_and_once() -> None:
    async def scene() -> None:
        keeper, bus = Keeper(), EventBus()
        log = EventLog(bus, keeper, keep=10, days=1)
        keeper.away = True
        bus.publish("a", 1)
        with pytest.raises(StorageFailed):
            await log.flush()
        bus.publish("a", 2)
        keeper.away = False
        await log.close()
        assert [event.data for event in keeper.kept] == [1, 2]
        bus.publish("a", 3)
        await log.flush()
        assert len(keeper.kept) == 2

    asyncio.run(scene())


def test_a_host_stops_although_its_database_is_away() -> None:
    async def scene() -> None:
        keeper, bus = Keeper(), EventBus()
        log = EventLog(bus, keeper, keep=10, days=1)
        keeper.away = True
        bus.publish("a", 1)
        await log.close()

    asyncio.run(scene())


def test_events_are_kept_once_and_read_newest_first(store: Store) -> None:
    table = EventsTable(store)
    table.append(rows(5))
    table.append(rows(6))
    assert [row.data["n"] for row in table.newest("", None, 3)] == [5, 4, 3]
    assert [row.id for row in table.newest("a.", "evt_0002", 9)] == ["evt_0001", "evt_0000"]
    assert table.newest("b", None, 9) == []


def test_a_prefix_is_taken_word_for_word(store: Store) -> None:
    table = EventsTable(store)
    table.append([EventRow("evt_1", "a_b.c", "host", 0.0, 0, None), EventRow("evt_2", "axb.c", "host", 0.0, 0, None)])
    assert [row.topic for row in table.newest("a_b.", None, 9)] == ["a_b.c"]
    assert table.newest("%", None, 9) == []


def test_only_the_newest_stay_and_none_that_is_too_old(store: Store) -> None:
    table = EventsTable(store)
    table.append(rows(100))
    assert table.trim(keep=10, before=0) == 90
    assert table.trim(keep=10, before=0) == 0
    assert [row.data["n"] for row in table.newest("", None, 99)][-1] == 90
    assert table.trim(keep=10, before=95.0) == 5
    assert table.trim(keep=10, before=1000.0) == 5


def test_a_write_that_was_cancelled_and_ends_late_takes_no_other_batch_with_it() -> None:
    class Slow(Keeper):
        """The first write goes on until the second batch is on its way."""

        def append(self, events: Sequence[Event]) -> None:
            if not began.is_set():
                began.set()
                assert second.wait(60)
            elif [event.data for event in events] == [2]:
                second.set()
                assert late.wait(60)
            super().append(events)

    class Told(EventLog):
        """Tells when the first write has ended."""

        def _write(self, batch: Sequence[Event]) -> None:
            is_first = not began.is_set()
            super()._write(batch)
            if is_first:
                late.set()

    began, second, late = threading.Event(), threading.Event(), threading.Event()
    keeper, bus = Slow(), EventBus()
    log = Told(bus, keeper, keep=10, days=1)
    bus.publish("a", 1)
    first = threading.Thread(target=lambda: asyncio.run(log.flush()))
    first.start()
    assert began.wait(60)
    asyncio.run(log.flush())  # what a stop does: the same batch once more
    bus.publish("a", 2)
    asyncio.run(log.flush())
    first.join(60)
    assert {event.data for event in keeper.kept} == {1, 2}
    assert log.written == len(keeper.kept)


def test_hosts_number_events_in_one_order_and_who_reads_on_from_a_number_misses_none(open_store: OpenStore) -> None:
    tables = [EventsTable(open_store(), shared=True) for _ in range(3)]
    threads = [threading.Thread(target=append_all, args=(table, str(n))) for n, table in enumerate(tables)]
    for thread in threads:
        thread.start()
    heard: list[tuple[int, EventRow]] = []
    while len(heard) < 300:  # while they are written
        heard += tables[0].after(heard[-1][0] if heard else 0, 7)
    for thread in threads:
        thread.join()
    assert [number for number, _ in heard] == list(range(1, 301))
    assert len({row.id for _, row in heard}) == 300
    assert tables[2].after(0, 1000) == heard
    for host in "012":
        own = [row.id for _, row in heard if row.source == host]
        assert own == sorted(own)
    tables[1].append([heard[0][1]])  # one that is kept already
    assert tables[1].last_number() == 300
    tables[1].trim(keep=10, before=0.0)
    kept = tables[0].after(0, 1000)
    assert [number for number, _ in kept] == list(range(301 - len(kept), 301))
    assert 0 < len(kept) <= 10
    tables[1].append(rows(1))
    assert tables[0].last_number() == 301


def append_all(table: EventsTable, host: str) -> None:
    for batch in range(10):
        ids = [f"evt_{batch:02}{number:02}{host}" for number in range(10)]
        table.append([EventRow(one, "a.b", host, 0.0, 0, None) for one in ids])


def test_a_subscriber_everywhere_hears_what_is_relayed_and_the_details_of_its_own_host() -> None:
    bus = EventBus()
    bus.relays = True
    with bus.subscribe("a.**", everywhere=True) as wide, bus.subscribe("a.**") as own:
        bus.publish("a.b", 1)
        bus.publish("a.detail", 2, passing=True)
        bus.relay(Event("evt_x", "a.b", 3, "elsewhere", 0.0))
        assert ([one.data for one in wide.drain()], [one.data for one in own.drain()]) == ([2, 3], [1, 2])
        assert bus.hears("a.b")
    with bus.subscribe("b.*", everywhere=True):
        assert bus.hears("b.c")
    assert not bus.hears("b.c")
    alone = EventBus()
    with alone.subscribe("a.b", everywhere=True) as events:
        alone.publish("a.b", 4)
        assert [one.data for one in events.drain()] == [4]
