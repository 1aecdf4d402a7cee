"""The health of parts: failures in a row make them degraded, then unhealthy; successes in a row heal them.

Runs probes side by side, each within its time; one that hangs is left behind and counts as a failure.

Alerts: what is to happen when a part's health changes, as rules that fit on a line.

overall Unhealthy -> call pager.page
storage * -> event ops.storage
* Unhealthy -> connector chat.send {"text": "{component} is {new}: {reason}"}
"""

from __future__ import annotations

import asyncio
import inspect
import json
import logging
import re
import threading
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from omnicore.clock import Clock, SystemClock
from omnicore.errors import Conflict, InvalidSetting, NotFound, StorageAway
from omnicore.resilience.retry import Retry
from omnicore.resilience.status import HealthStatus

__all__ = [
    "ACTIONS",
    "OVERALL",
    "AlertRule",
    "Alerts",
    "Change",
    "Finding",
    "HealthMonitor",
    "HealthReport",
    "HealthStatus",
    "Probe",
    "Prober",
    "SubsystemHealth",
    "Thresholds",
    "read_rule",
]


Probe = Callable[[], str | None] | Callable[[], Awaitable[str | None]]
"""Asks a part how it is. Nothing: well. A text: it works, but less well, and the text says why. What it raises
is a failure. A coroutine function runs on the loop, a plain one on a thread of its own."""


@dataclass(frozen=True, slots=True)
class Finding:
    """The result of a probe. `failed`: the part did not answer; else `reason` says what is reduced, if anything.

    `certain`: one such failure is enough, because the part itself is away and no probe of it went wrong.
    """

    failed: bool
    reason: str = ""
    certain: bool = False


class Prober:
    """Remembers probes that hang, so that a part which never answers costs one thread or task, not one a round.

    Owns: the tasks and threads of probes; used on one event loop at a time.
    """

    def __init__(self) -> None:
        self._hanging: dict[str, asyncio.Future[str | None]] = {}

    async def run(self, probes: Mapping[str, Probe], timeout_s: float) -> dict[str, Finding]:
        """What each probe found, after at most `timeout_s`."""
        found: dict[str, Finding] = {}
        begun: dict[str, asyncio.Future[str | None]] = {}
        for name, probe in probes.items():
            if self._hangs(name):
                found[name] = Finding(failed=True, reason="the probe of an earlier round still hangs")
            else:
                begun[name] = _begin(name, probe)
        if begun:
            await asyncio.wait(begun.values(), timeout=timeout_s)
        late = [future.cancel() for future in begun.values() if not future.done() and isinstance(future, asyncio.Task)]
        if late:
            await asyncio.sleep(0)  # a task that heeds the cancellation is over after that
        for name, future in begun.items():
            found[name] = self._finding(name, future, timeout_s)
        return found

    def cancel(self) -> None:
        """Gives up what still hangs."""
        for future in self._hanging.values():
            future.cancel()
        self._hanging.clear()

    def _hangs(self, name: str) -> bool:
        future = self._hanging.get(name)
        if future is None:
            return False
        # A future of a loop that is gone ends no more; its probe may be tried on the present one.
        if future.done() or future.get_loop() is not asyncio.get_running_loop():
            del self._hanging[name]
            return False
        return True

    def _finding(self, name: str, future: asyncio.Future[str | None], timeout_s: float) -> Finding:
        late = Finding(failed=True, reason=f"no answer within {timeout_s:g} s")
        if not future.done():
            # Not waited for: a probe may swallow the cancellation, and a thread cannot be cancelled at all.
            self._hanging[name] = future
            future.add_done_callback(_looked_at)
            return late
        if future.cancelled():
            return late
        error = future.exception()
        if error is not None:
            reason = str(error)[:500] or type(error).__name__
            return Finding(failed=True, reason=reason, certain=isinstance(error, StorageAway))
        return Finding(failed=False, reason=(future.result() or "")[:500])


def _begin(name: str, probe: Probe) -> asyncio.Future[str | None]:
    if inspect.iscoroutinefunction(probe):
        return asyncio.ensure_future(probe())
    return _on_thread(name, probe)  # type: ignore[arg-type]


def _on_thread(name: str, probe: Callable[[], str | None]) -> asyncio.Future[str | None]:
    # A thread of its own, a daemon: in the loop's common pool a hanging probe would take a place from everybody,
    # and the interpreter would wait for it at its end.
    loop = asyncio.get_running_loop()
    future: asyncio.Future[str | None] = loop.create_future()

    def work() -> None:
        try:
            result, error = probe(), None
        except Exception as caught:
            result, error = None, caught
        with suppress(RuntimeError):  # the loop is closed: nobody waits for it any more
            loop.call_soon_threadsafe(_settle, future, result, error)

    threading.Thread(target=work, name=f"omnicore-probe-{name}", daemon=True).start()
    return future


def _settle(future: asyncio.Future[str | None], result: str | None, error: Exception | None) -> None:
    if future.done():
        return
    if error is None:
        future.set_result(result)
    else:
        future.set_exception(error)


def _looked_at(future: asyncio.Future[str | None]) -> None:
    if not future.cancelled():
        future.exception()  # else the loop complains that nobody asked


OVERALL = "overall"
"""The name under which changes of the whole are told."""

_log = logging.getLogger("omnicore.health")


@dataclass(frozen=True, slots=True)
class Thresholds:
    """When a part's state changes. Units: `stale_s` seconds, 0 for never; the others checks in a row."""

    degraded: int = 3
    unhealthy: int = 5
    recovery: int = 5
    stale_s: float = 300.0


@dataclass(frozen=True, slots=True)
class Change:
    """A part, or `overall`, has another state than before."""

    component: str
    old: HealthStatus
    new: HealthStatus
    reason: str = ""


@dataclass(frozen=True, slots=True)
class SubsystemHealth:
    """One part as it is seen now. Units: `last_check` seconds since the Unix epoch, None before the first."""

    name: str
    status: HealthStatus
    reason: str
    critical: bool
    last_check: float | None
    consecutive_failures: int
    consecutive_successes: int
    total_checks: int
    total_failures: int
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HealthReport:
    """All parts at one moment: each one's state, and why where it is not well."""

    overall: HealthStatus
    subsystems: Mapping[str, HealthStatus]
    reasons: Mapping[str, str]
    at: float


@dataclass(slots=True)
class _Part:
    """What is known of one part; `status` is what counting says, `reduced` what the part says itself."""

    name: str
    critical: bool
    probe: Probe | None
    heard: float | None
    status: HealthStatus = HealthStatus.Healthy
    reason: str = ""
    reduced: str = ""
    shown: HealthStatus = HealthStatus.Healthy
    last_check: float | None = None
    failures: int = 0
    successes: int = 0
    certain: bool = False
    checks: int = 0
    failed: int = 0
    metadata: dict[str, Any] = field(default_factory=dict)


class HealthMonitor:
    """Every part's health, from its probe or from what it tells of itself. Usable from any thread.

    Args:
        changed: told of each change, in order, outside of any lock.
        interval_s, probe_s: how often all probes run once it is started, and how long each may take.
    """

    def __init__(
        self,
        thresholds: Thresholds | None = None,
        *,
        changed: Callable[[Change], None] | None = None,
        interval_s: float = 10.0,
        probe_s: float = 2.0,
        clock: Clock | None = None,
    ) -> None:
        self.thresholds = thresholds or Thresholds()
        self._changed = changed
        self._interval_s, self._probe_s = interval_s, probe_s
        self._clock = clock or SystemClock()
        self._lock = threading.Lock()
        self._parts: dict[str, _Part] = {}
        self._overall = HealthStatus.Healthy
        self._changes: deque[Change] = deque()
        self._telling = threading.Lock()
        self._prober = Prober()
        self._watching: asyncio.Task[None] | None = None

    # -- parts

    def register(
        self,
        name: str,
        probe: Probe | None = None,
        *,
        critical: bool = True,
        metadata: Mapping[str, Any] | None = None,
    ) -> None:
        """Adds a part, healthy until the contrary shows.

        Args:
            probe: see `omnicore.resilience.health.Probe`; without one the part tells by `update`.
            critical: whether its being unhealthy makes the whole unhealthy; else at most degraded.

        Raises: Conflict: the name is taken.
        """
        with self._lock:
            if name in self._parts or name == OVERALL:
                raise Conflict(f"the health of {name} is watched already", remedy="register it once")
            heard = self._clock.monotonic() if probe is not None else None
            self._parts[name] = _Part(name, critical, probe, heard, metadata=dict(metadata or {}))

    def unregister(self, name: str) -> bool:
        """True if there was such a part to forget."""
        with self._lock:
            found = self._parts.pop(name, None) is not None
            self._sum_up()
        self._tell()
        return found

    def clear(self) -> None:
        """Forgets all parts."""
        for name in list(self._parts):
            self.unregister(name)

    def update(self, name: str, ok: bool, reason: str = "") -> HealthStatus:
        """Counts one check of a part and returns its state. Raises: NotFound."""
        return self._note(name, Finding(failed=not ok, reason="" if ok else reason or "it reports a failure"))

    def set_health(self, name: str, status: HealthStatus, reason: str = "") -> None:
        """Sets a part's state, as whoever knows better wants it; later checks count from there. Raises: NotFound."""
        with self._lock:
            part = self._part(name)
            part.status, part.failures, part.successes, part.reduced = status, 0, 0, ""
            part.reason = "" if status is HealthStatus.Healthy else reason or f"set to {status}"
            self._show(part)
        self._tell()

    def update_metadata(self, name: str, **values: Any) -> None:
        """Adds what people may want to know of a part. Raises: NotFound."""
        with self._lock:
            self._part(name).metadata.update(values)

    # -- looking

    def report(self) -> HealthReport:
        """All parts now; a part that was silent for too long counts as degraded."""
        with self._lock:
            self._look_for_stale()
            subsystems = {part.name: part.shown for part in self._parts.values()}
            reasons = {part.name: why for part in self._parts.values() if (why := self._why(part))}
            report = HealthReport(self._overall, subsystems, reasons, self._clock.now())
        self._tell()
        return report

    def overall(self) -> HealthStatus:
        """The worst of all parts, those that are not critical at most degraded."""
        return self.report().overall

    def subsystem(self, name: str) -> SubsystemHealth:
        """One part. Raises: NotFound."""
        with self._lock:
            self._look_for_stale()
            seen = self._seen(self._part(name))
        self._tell()
        return seen

    def subsystems(self) -> list[SubsystemHealth]:
        """All parts, in the order they were registered."""
        with self._lock:
            self._look_for_stale()
            seen = [self._seen(part) for part in self._parts.values()]
        self._tell()
        return seen

    def counts(self) -> dict[HealthStatus, int]:
        """How many parts are in each state."""
        found = list(self.report().subsystems.values())
        return {status: found.count(status) for status in HealthStatus}

    def named(self, status: HealthStatus) -> list[str]:
        """The parts in a state."""
        return [name for name, one in self.report().subsystems.items() if one is status]

    def __contains__(self, name: str) -> bool:
        return name in self._parts

    def __len__(self) -> int:
        return len(self._parts)

    # -- asking the parts

    async def check(self) -> HealthReport:
        """Runs all probes at once, counts what they found and reports. Takes at most the time of one probe."""
        with self._lock:
            probes = {part.name: part.probe for part in self._parts.values() if part.probe is not None}
        for name, finding in (await self._prober.run(probes, self._probe_s)).items():
            with suppress(NotFound):  # it was unregistered meanwhile
                self._note(name, finding)
        return self.report()

    async def start(self) -> None:
        """Goes on running all probes, the first time at once."""
        self._watching = asyncio.create_task(self._watch(), name="omnicore-health")

    async def stop(self) -> None:
        """Runs no more probes."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None
        self._prober.cancel()

    # -- inner parts

    async def _watch(self) -> None:
        while True:
            try:
                await self.check()
            except Exception:  # nothing may end the watch but its stop
                _log.exception("a round of health checks failed")
            await asyncio.sleep(self._interval_s)

    def _part(self, name: str) -> _Part:
        try:
            return self._parts[name]
        except KeyError:
            raise NotFound(f"no part {name} is watched", remedy="register it first") from None

    def _note(self, name: str, finding: Finding) -> HealthStatus:
        with self._lock:
            part = self._part(name)
            part.checks += 1
            part.last_check, part.heard = self._clock.now(), self._clock.monotonic()
            if finding.failed:
                self._count_failure(part, finding)
            else:
                self._count_success(part)
            # What a part says of itself is no noise to be counted: it holds at once, and ends at once.
            part.reduced = "" if finding.failed else finding.reason
            shown = self._show(part)
        self._tell()
        return shown

    def _count_failure(self, part: _Part, finding: Finding) -> None:
        part.failed += 1
        part.failures, part.successes = part.failures + 1, 0
        part.reason, part.certain = finding.reason, finding.certain
        if finding.certain or part.failures >= self.thresholds.unhealthy:
            part.status = HealthStatus.Unhealthy
        elif part.failures >= self.thresholds.degraded and part.status is HealthStatus.Healthy:
            part.status = HealthStatus.Degraded

    def _count_success(self, part: _Part) -> None:
        part.successes, part.failures = part.successes + 1, 0
        if part.status is HealthStatus.Healthy or part.certain or part.successes >= self.thresholds.recovery:
            part.status, part.reason, part.certain = HealthStatus.Healthy, "", False

    def _show(self, part: _Part) -> HealthStatus:
        """Works out what a part looks like, and queues the change if it is one. Called under the lock."""
        shown = part.status
        if shown is HealthStatus.Healthy and (part.reduced or self._stale(part)):
            shown = HealthStatus.Degraded
        if shown is not part.shown:
            old, part.shown = part.shown, shown
            self._changes.append(Change(part.name, old, shown, self._why(part)))
            self._sum_up()
        return shown

    def _sum_up(self) -> None:
        overall = HealthStatus.Healthy
        for part in self._parts.values():
            if part.shown is HealthStatus.Unhealthy and part.critical:
                overall = HealthStatus.Unhealthy
                break
            if part.shown is not HealthStatus.Healthy:
                overall = HealthStatus.Degraded
        if overall is not self._overall:
            old, self._overall = self._overall, overall
            why = "; ".join(f"{part.name}: {self._why(part)}" for part in self._parts.values() if self._why(part))
            self._changes.append(Change(OVERALL, old, overall, why[:1000]))

    def _look_for_stale(self) -> None:
        for part in self._parts.values():
            if part.heard is not None:
                self._show(part)

    def _stale(self, part: _Part) -> bool:
        stale_s = self.thresholds.stale_s
        return bool(stale_s) and part.heard is not None and self._clock.monotonic() - part.heard > stale_s

    def _why(self, part: _Part) -> str:
        if part.shown is HealthStatus.Healthy:
            return ""
        if part.status is not HealthStatus.Healthy:
            return part.reason
        return part.reduced or f"no check for more than {self.thresholds.stale_s:g} s"

    def _seen(self, part: _Part) -> SubsystemHealth:
        return SubsystemHealth(
            name=part.name,
            status=part.shown,
            # Failures that are not enough to change the state are worth seeing too.
            reason=self._why(part) or part.reason,
            critical=part.critical,
            last_check=part.last_check,
            consecutive_failures=part.failures,
            consecutive_successes=part.successes,
            total_checks=part.checks,
            total_failures=part.failed,
            metadata=dict(part.metadata),
        )

    def _tell(self) -> None:
        # One thread tells at a time, so that changes arrive in order; whoever finds it busy has been told for.
        while self._changes and self._telling.acquire(blocking=False):
            try:
                while self._changes:
                    change = self._changes.popleft()
                    if self._changed is not None:
                        self._changed(change)
            finally:
                self._telling.release()


ACTIONS = ("call", "connector", "event")
"""What an alert may do: call a function of a plugin, an action of a connector, or publish an event."""

_RULE = re.compile(r"\s*(\S+)\s+(\S+)\s*->\s*(\S+)\s+(\S+)\s*(\{.*\})?\s*", re.DOTALL)
_QUEUE = 256
_log = logging.getLogger("omnicore.alerts")

Act = Callable[[str, Any], Awaitable[Any]]
"""Does what an alert wants with its target and its input."""


@dataclass(frozen=True, slots=True)
class AlertRule:
    """When `component` (`*` for any part) comes into `status` (None for any), `action` is done to `target`."""

    component: str
    status: HealthStatus | None
    action: str
    target: str
    input: Mapping[str, Any] | None = None

    def fits(self, change: Change) -> bool:
        """True if the rule speaks of this change; `*` means each part, not the whole, which is told besides."""
        named = change.component == self.component or (self.component == "*" and change.component != OVERALL)
        return named and self.status in (None, change.new)

    def filled(self, change: Change) -> Any:
        """The input: the change itself, or the rule's own with the change's words in the place of their names."""
        words = {"component": change.component, "old": str(change.old), "new": str(change.new), "reason": change.reason}
        return words if self.input is None else _fill(dict(self.input), words)


def read_rule(text: str) -> AlertRule:
    """A rule from its line. Raises: InvalidSetting."""
    found = _RULE.fullmatch(text)
    if found is None:
        raise _wrong(text, "write `PART STATUS -> call|connector|event TARGET`")
    component, status, action, target, given = found.groups()
    if action not in ACTIONS:
        raise _wrong(text, f"after the arrow comes one of {', '.join(ACTIONS)}")
    if status != "*" and status not in tuple(HealthStatus):
        raise _wrong(text, f"the status is one of {', '.join(HealthStatus)} or *")
    try:
        values = json.loads(given) if given else None
    except ValueError as error:
        raise _wrong(text, f"its input is no JSON object: {error}") from error
    return AlertRule(component, None if status == "*" else HealthStatus(status), action, target, values)


class Alerts:
    """Carries out rules, one alert after the other, for as long as `run` does.

    Args:
        acts: how each action is done.
        retry: failures that may pass are tried again.
        act_s: how long one try may take, so that no alert holds up the next for ever.
    """

    def __init__(
        self, rules: Iterable[AlertRule], acts: Mapping[str, Act], *, retry: Retry | None = None, act_s: float = 30.0
    ) -> None:
        self._rules = tuple(rules)
        self._acts = acts
        self._retry = retry or Retry()
        self._act_s = act_s
        self._queue: asyncio.Queue[tuple[AlertRule, Change]] = asyncio.Queue(_QUEUE)
        self._loop: asyncio.AbstractEventLoop | None = None
        self.sent = self.failed = 0

    def tell(self, change: Change) -> None:
        """Queues what the change leads to, from any thread. Without a running `run` nothing is sent."""
        fitting = [rule for rule in self._rules if rule.fits(change)]
        if fitting and self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self._enqueue, fitting, change)

    async def run(self) -> None:
        """Goes on without end."""
        self._loop = asyncio.get_running_loop()
        while True:
            rule, change = await self._queue.get()
            await self._send(rule, change)

    async def _within_time(self, act: Act, target: str, given: Any) -> None:
        async with asyncio.timeout(self._act_s):
            await act(target, given)

    def _enqueue(self, rules: list[AlertRule], change: Change) -> None:
        for rule in rules:
            try:
                self._queue.put_nowait((rule, change))
            except asyncio.QueueFull:
                self.failed += 1
                _log.error("an alert on %s is lost: %d wait already", change.component, _QUEUE)

    async def _send(self, rule: AlertRule, change: Change) -> None:
        act, given = self._acts[rule.action], rule.filled(change)
        try:
            await self._retry.run(lambda: self._within_time(act, rule.target, given))
        except Exception as error:  # an alert that cannot be sent must not end those that can
            self.failed += 1
            _log.error("the alert on %s did not reach %s %s: %s", change.component, rule.action, rule.target, error)
        else:
            self.sent += 1


def _fill(value: Any, words: Mapping[str, str]) -> Any:
    if isinstance(value, str):
        return re.sub(r"\{(component|old|new|reason)\}", lambda found: words[found[1]], value)
    if isinstance(value, dict):
        return {key: _fill(one, words) for key, one in value.items()}
    if isinstance(value, list):
        return [_fill(one, words) for one in value]
    return value


def _wrong(text: str, remedy: str) -> InvalidSetting:
    return InvalidSetting(f"{text[:120]!r} is no alert", remedy=remedy, path="health.alerts")
