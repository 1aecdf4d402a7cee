"""Alarms: rules about figures that one host checks at a time, and who is told when one fires and when it ends.

Each host counts the calls of its plugins; where hosts share a database it keeps what fell into the window there. Checks
are claimed in the database, as ticks of schedules are. A state that changed is kept before anybody is told of it, and
told again until that succeeds or was tried ten times.
"""

from __future__ import annotations

import asyncio
import json
import logging
import re
from collections import deque
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.errors import Conflict, InvalidInput, NotFound, OmniError
from omnicore.jobs.loop import Loop
from omnicore.records import checked, replace, view
from omnicore.storage.tables.alarms import MOST_ALARMS, Alarm, AlarmCount, AlarmOrder, AlarmsTable, filled
from omnicore.telemetry.metrics import BUCKETS_S, percentile_ms

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.storage.store import Store
    from omnicore.telemetry.metrics import Metrics

EVERY_S = 10.0
"""The time between two checks of an alarm, and between two countings of a host."""

_FRESH_S = 3 * EVERY_S
_TELL_S = 30.0
_MOST_TRIES = 10
_MOST_TEXT = 300
_INPUT_BYTES = 16_384
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}")
_CONNECTOR = re.compile(r"[A-Za-z0-9._-]{1,100}\.[A-Za-z0-9_-]{1,100}")
_FIGURES = {
    "function": ("calls", "failures", "error_rate", "p95_ms"),
    "workflow": ("calls", "failures", "error_rate", "p95_ms"),
    "queue": ("length",),
}
_log = logging.getLogger("omnicore.alarms")

_Totals = tuple[int, int, tuple[int, ...]]
"""Calls, failures, and calls by duration."""


class AlarmTellers(Protocol):
    """The ways in which people and workflows are told."""

    def publish(self, topic: str, data: Mapping[str, Any]) -> object: ...

    def record(self, alarm: Alarm) -> None:
        """Notes in the record of changes that an alarm came into its state."""

    async def connector(self, connector: str, action: str, given: Any, key: str) -> None: ...

    async def workflow(self, workflow: str, given: Any, key: str) -> None: ...


class Alarms:
    """The alarms of one database. What blocks is done on threads while it runs; `put`, `get`, `all` and `remove` block.

    Args:
        host: the name by which this host keeps its counts; empty where it has its database for itself.
    """

    def __init__(
        self, store: Store, metrics: Metrics, clock: Clock, tellers: AlarmTellers, *, host: str, work: bool
    ) -> None:
        self._table, self._metrics, self._clock = AlarmsTable(store), metrics, clock
        self._tellers, self._host, self._work = tellers, host, work
        self._seen: dict[str, deque[tuple[float, _Totals]]] = {}
        self._loop = Loop("omnicore-alarms", self._turn, self._failed)

    async def start(self) -> None:
        """Begins to count and to check."""
        if self._work:
            self._loop.start()

    async def stop(self) -> None:
        """Ends that; what is being told is told again by the next host."""
        if self._work:
            await self._loop.stop(1.0)

    # -- people

    def put(self, name: str, order: AlarmOrder, *, by: str) -> Alarm:
        """Keeps an alarm in the place of one of its name; it is quiet until it was checked.

        Raises: InvalidInput: with its path. Conflict: there are too many.
        """
        order, now = checked(order, "alarm"), self._clock.now()
        _check(name, order)
        fields = {field: getattr(order, field) for field in AlarmOrder.__struct_fields__}
        one = Alarm(
            **fields,
            name=name,
            changed_by=by,
            changed_at=now,
            state="quiet",
            since=now,
            value=None,
            checked_at=None,
            next_at=now,
            told="quiet",
            tries=0,
            trouble="",
        )
        if not self._table.put(one):
            raise Conflict(f"there are {MOST_ALARMS} alarms", remedy="remove one")
        return one

    def get(self, name: str) -> Alarm:
        """One alarm. Raises: NotFound."""
        found = self._table.get(name) if _NAME.fullmatch(name) else None
        if found is None:
            raise NotFound(f"there is no alarm {name[:80]}", remedy="see `omnicore alarms ls`")
        return found

    def all(self) -> Sequence[Alarm]:
        """Every alarm, by name."""
        return self._table.all()

    def remove(self, name: str) -> None:
        """Removes an alarm. Raises: NotFound."""
        if not _NAME.fullmatch(name) or not self._table.remove(name):
            raise NotFound(f"there is no alarm {name[:80]}", remedy="see `omnicore alarms ls`")

    # -- checks

    async def check(self) -> None:
        """Counts, and checks the alarms that are due."""
        alarms, counts = await asyncio.to_thread(self._counted)
        due = [one for one in alarms if one.enabled and one.next_at <= self._clock.now()]
        # Side by side: a connector that hangs keeps nobody else's alarm waiting.
        ends = await asyncio.gather(*(self._checked(one, counts.get(one.name)) for one in due), return_exceptions=True)
        for end in ends:
            if end is not None:
                raise end

    def _counted(self) -> tuple[Sequence[Alarm], Mapping[str, AlarmCount]]:
        """All alarms, and what this host has counted for those of functions."""
        alarms, now = self._table.all(), self._clock.now()
        wanted = {one.name: one for one in alarms if one.kind == "function" and one.enabled}
        for gone in self._seen.keys() - wanted.keys():
            del self._seen[gone]
        counts = {name: self._window(one, now) for name, one in wanted.items()}
        if self._host and counts:
            self._table.count(tuple(counts.values()))
        return alarms, counts

    def _window(self, one: Alarm, now: float) -> AlarmCount:
        seen = self._seen.setdefault(one.name, deque())
        seen.append((now, self._totals(one.target)))
        while len(seen) > 2 and seen[1][0] <= now - one.window_s:
            seen.popleft()
        (_, (calls, failures, buckets)), (_, (more, failed, longer)) = seen[0], seen[-1]
        added = tuple(max(0, new - old) for old, new in zip(buckets, longer, strict=True))
        return AlarmCount(one.name, self._host, now, max(0, more - calls), max(0, failed - failures), added)

    def _totals(self, target: str) -> _Totals:
        plugin, _, function = target.partition(".")
        calls = failures = 0
        buckets = [0] * (len(BUCKETS_S) + 1)
        for recorder in self._metrics.recorders():
            if target != "*" and (recorder.plugin != plugin or function not in ("", recorder.function)):
                continue
            counts, cumulative, _ = recorder.totals()
            calls += sum(counts.values())
            failures += sum(counts.values()) - counts.get("ok", 0)
            for place, upto in enumerate(cumulative):
                buckets[place] += upto - (cumulative[place - 1] if place else 0)
        return calls, failures, tuple(buckets)

    async def _checked(self, one: Alarm, mine: AlarmCount | None) -> None:
        now = self._clock.now()
        if not await asyncio.to_thread(self._table.claim, one, now + EVERY_S * 0.9):
            return
        value = await asyncio.to_thread(self._value, one, mine, now)
        state = _state(one, value)
        turned = state != one.state
        found = replace(one, value=value, checked_at=now, state=state, since=now if turned else one.since)
        if turned:
            found = replace(found, tries=0, trouble="")
        if not await asyncio.to_thread(self._table.check, found):
            return
        if turned:
            await asyncio.to_thread(self._tellers.record, found)
            self._tellers.publish(f"alarm.{'fired' if state == 'firing' else 'ended'}", told(found))
        if found.told != state:
            await self._tell(found)

    def _value(self, one: Alarm, mine: AlarmCount | None, now: float) -> float | None:
        if one.kind == "queue":
            return float(self._table.length(one.target))
        if one.kind == "workflow":
            return _of_runs(one, self._table.runs(one.target, now - one.window_s))
        counts = self._table.counted(one.name, now - _FRESH_S) if self._host else [] if mine is None else [mine]
        buckets = [sum(of_bound) for of_bound in zip(*(count.buckets for count in counts), strict=True)]
        calls, failures = sum(count.calls for count in counts), sum(count.failures for count in counts)
        return _figure(one, calls, failures, percentile_ms(buckets, 0.95) if buckets else None)

    async def _tell(self, one: Alarm) -> None:
        """Tells the connector and the workflow of an alarm its state, each once for a state unless that fails."""
        words = told(one)
        given = words if one.input is None else filled(one.input, dict(words))
        key = f"alarm:{one.name}:{one.state}:{one.since}"
        try:
            async with asyncio.timeout(_TELL_S):
                if one.workflow is not None:
                    await self._tellers.workflow(one.workflow, given, key)
                if one.connector is not None:
                    connector, _, action = one.connector.rpartition(".")
                    await self._tellers.connector(connector, action, given, key)
        except Exception as error:  # whatever it is: alarms behind it are checked
            text = (error.fact if isinstance(error, OmniError) else type(error).__name__)[:_MOST_TEXT]
            _log.warning("alarm %s could not be told: %s", one.name, text)
            given_up = one.tries + 1 >= _MOST_TRIES
            one = replace(one, tries=one.tries + 1, trouble=text, told=one.state if given_up else one.told)
        else:
            one = replace(one, tries=0, trouble="", told=one.state)
        await asyncio.to_thread(self._table.check, one)

    async def _turn(self) -> float:
        await self.check()
        return EVERY_S

    def _failed(self, error: Exception) -> float:
        _log.warning("alarms cannot be checked now", exc_info=error)
        return EVERY_S


def told(one: Alarm) -> dict[str, Any]:
    """The words of an alarm for those who are told of it."""
    names = ("state", "kind", "target", "figure", "value", "threshold", "side", "window_s", "since")
    return {"alarm": one.name, **{name: getattr(one, name) for name in names}}


def _state(one: Alarm, value: float | None) -> Any:
    """The state that follows from a figure: it fires beyond the threshold, and ends on the other side of `clear`."""
    if value is None:
        return "quiet"
    limit = one.threshold if one.state == "quiet" or one.clear is None else one.clear
    wrong = value > limit if one.side == "above" else value < limit
    return "firing" if wrong else "quiet"


def _figure(one: Alarm, calls: int, failures: int, p95_ms: float | None) -> float | None:
    if one.figure in ("calls", "failures"):
        return float(calls if one.figure == "calls" else failures)
    if calls < max(1, one.least_calls):
        return None
    return failures / calls if one.figure == "error_rate" else p95_ms


def _of_runs(one: Alarm, runs: Mapping[str, Sequence[float]]) -> float | None:
    """The figure of ended runs; those that were cancelled are neither good nor bad, and not counted."""
    took = sorted([*runs["completed"], *runs["faulted"]])
    p95_ms = took[min(len(took) - 1, int(len(took) * 0.95))] * 1000 if took else None
    return _figure(one, len(took), len(runs["faulted"]), p95_ms)


def _check(name: str, order: AlarmOrder) -> None:
    """Raises: InvalidInput: an alarm cannot be so."""
    if not _NAME.fullmatch(name):
        raise InvalidInput(
            "the alarm's name cannot be used", remedy="use up to 100 letters, digits, . _ -", path="name"
        )
    if order.figure not in _FIGURES[order.kind]:
        remedy = f"use {' or '.join(_FIGURES[order.kind])}"
        raise InvalidInput(f"a {order.kind} has no figure {order.figure}", remedy=remedy, path="figure")
    if order.clear is not None:
        beyond = order.clear > order.threshold if order.side == "above" else order.clear < order.threshold
        if beyond:
            side = "below" if order.side == "above" else "above"
            raise InvalidInput(
                "an alarm cannot end where it fires", remedy=f"set it {side} the threshold", path="clear"
            )
    if order.connector is not None and not _CONNECTOR.fullmatch(order.connector):
        raise InvalidInput("that is no action of a connector", remedy="write connector.action", path="connector")
    if len(json.dumps(view(order.input) if hasattr(order.input, "__struct_fields__") else order.input)) > _INPUT_BYTES:
        raise InvalidInput("the input is too long", remedy=f"use {_INPUT_BYTES} bytes at most", path="input")
    if any(one is not None and "\0" in one for one in (order.target, order.workflow)):
        raise InvalidInput("a name holds a zero byte", remedy="correct it", path="target")
