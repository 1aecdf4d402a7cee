"""Alarms: who is told, once for each state, whoever and however many look."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from typing import Any

import pytest

from omnicore.clock import ManualClock
from omnicore.errors import Conflict, InvalidInput, NotFound, Unavailable
from omnicore.jobs.alarms import EVERY_S, Alarms
from omnicore.jobs.tasks import StoredTasks
from omnicore.records import replace
from omnicore.storage.store import Store
from omnicore.storage.tables.alarms import MOST_ALARMS, Alarm, AlarmOrder
from omnicore.storage.tables.tasks import TaskOrder
from omnicore.telemetry.metrics import Metrics

SLIPS = AlarmOrder(
    kind="function",
    target="shop.pay",
    figure="error_rate",
    threshold=0.5,
    clear=0.2,
    window_s=60,
    least_calls=4,
    connector="chat.post",
    input={"text": "{alarm} is {state}: {value}"},
)


class Told:
    """Notes who was told what; the connector is away while `away` is set."""

    def __init__(self) -> None:
        self.events: list[str] = []
        self.recorded: list[str] = []
        self.sent: list[Any] = []
        self.away = False

    def publish(self, topic: str, data: Mapping[str, Any]) -> None:
        self.events.append(topic)

    def record(self, alarm: Alarm) -> None:
        self.recorded.append(alarm.state)

    async def connector(self, connector: str, action: str, given: Any, key: str) -> None:
        if self.away:
            raise Unavailable("chat does not answer")
        self.sent.append((connector, action, given))

    async def workflow(self, workflow: str, given: Any, key: str) -> None:
        self.sent.append((workflow, given))


class Host:
    """A host that checks alarms when it is told to."""

    def __init__(self, store: Store, clock: ManualClock, told: Told, name: str = "") -> None:
        self.metrics, self.clock = Metrics(), clock
        self.alarms = Alarms(store, self.metrics, clock, told, host=name, work=False)

    def look(self, good: int = 0, bad: int = 0) -> None:
        """So many calls, and a check after them."""
        recorder = self.metrics.recorder("shop", "pay")
        for count, outcome in ((good, "ok"), (bad, "guest-failed")):
            for _ in range(count):
                recorder.record(0.2, outcome)
        self.clock.advance(EVERY_S)
        asyncio.run(self.alarms.check())


def test_it_fires_beyond_the_threshold_and_ends_beyond_another(store: Store) -> None:
    told = Told()
    host = Host(store, ManualClock(), told)
    host.alarms.put("slips", SLIPS, by="ada")
    host.look()
    host.look(bad=3)
    assert host.alarms.get("slips").value is None, "three calls are too few to say anything"
    host.look(good=1, bad=2)
    assert (host.alarms.get("slips").state, told.events) == ("firing", ["alarm.fired"])
    assert told.sent == [("chat", "post", {"text": f"slips is firing: {5 / 6}"})]
    host.look(good=8)
    assert host.alarms.get("slips").state == "firing", "a third is below the threshold, and above where it ends"
    for _ in range(8):
        host.look(good=4)
    assert (host.alarms.get("slips").state, told.events) == ("quiet", ["alarm.fired", "alarm.ended"])
    assert told.recorded == ["firing", "quiet"]
    assert len(told.sent) == 2


def test_who_could_not_be_told_is_told_later_and_not_for_ever(store: Store) -> None:
    told = Told()
    host = Host(store, ManualClock(), told)
    host.alarms.put("slips", replace(SLIPS, least_calls=1, window_s=3600), by="ada")
    host.look()
    told.away = True
    host.look(bad=1)
    assert (host.alarms.get("slips").told, host.alarms.get("slips").trouble) == ("quiet", "chat does not answer")
    told.away = False
    host.look()
    assert (len(told.sent), host.alarms.get("slips").told, host.alarms.get("slips").trouble) == (1, "firing", "")
    host.alarms.put("calls", replace(SLIPS, figure="calls", threshold=0, clear=None), by="ada")
    told.away = True
    host.look()
    for _ in range(12):
        host.look(good=1)
    assert host.alarms.get("calls").told == "firing", "it was given up"
    assert told.events.count("alarm.fired") == 2


def test_a_connector_that_hangs_keeps_no_other_alarm_waiting(store: Store) -> None:
    class Slow(Told):
        """Its connector answers once a workflow was told of the other alarm."""

        other: asyncio.Event

        async def connector(self, connector: str, action: str, given: Any, key: str) -> None:
            await self.other.wait()
            await super().connector(connector, action, given, key)

        async def workflow(self, workflow: str, given: Any, key: str) -> None:
            self.other.set()
            await super().workflow(workflow, given, key)

    told = Slow()
    told.other = asyncio.Event()
    host = Host(store, ManualClock(), told)
    order = replace(SLIPS, least_calls=1, clear=None)
    host.alarms.put("a", order, by="ada")
    host.alarms.put("b", replace(order, connector=None, workflow="tidy"), by="ada")
    host.look()
    host.look(bad=1)
    assert [name for name, *_ in told.sent] == ["tidy", "chat"]


def test_hosts_of_one_database_add_up_their_calls_and_one_of_them_tells(store: Store) -> None:
    told, clock = Told(), ManualClock()
    one, other = Host(store, clock, told, "one"), Host(store, clock, told, "other")
    one.alarms.put(
        "calls", replace(SLIPS, figure="calls", threshold=5, clear=None, workflow="tidy", connector=None), by="ada"
    )
    for host in (one, other):
        host.look()
    one.look(good=3)
    other.look(good=3)
    for host in (one, other):
        asyncio.run(host.alarms.check())
    assert one.alarms.get("calls").value == 6
    assert told.events == ["alarm.fired"]
    assert [name for name, _ in told.sent] == ["tidy"]


def test_the_length_of_a_queue_is_that_of_the_tasks_that_wait_in_it(store: Store) -> None:
    clock, told = ManualClock(), Told()
    host, tasks = Host(store, clock, told), StoredTasks(store, clock=clock)
    order = AlarmOrder(kind="queue", target="slow", figure="length", threshold=1, workflow="tidy")
    host.alarms.put("backlog", order, by="ada")
    for queue in ("slow", "default", "slow"):
        tasks.submit(TaskOrder("shop.pay", None, queue))
    host.look()
    assert host.alarms.get("backlog").value == 2
    assert [(name, given["alarm"]) for name, given in told.sent] == [("tidy", "backlog")]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"figure": "length"}, "figure"),
        ({"clear": 0.9}, "clear"),
        ({"connector": "no action"}, "connector"),
        ({"input": "x" * 20_000}, "input"),
        ({"window_s": 1.0}, "window_s"),
    ],
)
def test_what_cannot_be_is_refused_with_its_place(store: Store, change: dict[str, Any], path: str) -> None:
    host = Host(store, ManualClock(), Told())
    with pytest.raises(InvalidInput) as refused:
        host.alarms.put("slips", replace(SLIPS, **change), by="ada")
    assert refused.value.details["path"] == path


def test_there_are_so_many_and_no_more(store: Store) -> None:
    host = Host(store, ManualClock(), Told())
    for number in range(MOST_ALARMS):
        host.alarms.put(f"a{number}", SLIPS, by="ada")
    host.alarms.put("a0", SLIPS, by="ada")
    with pytest.raises(Conflict):
        host.alarms.put("one-more", SLIPS, by="ada")
    host.alarms.remove("a0")
    with pytest.raises(NotFound):
        host.alarms.remove("a0")
