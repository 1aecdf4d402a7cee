"""The health of parts: failures in a row make them degraded, then unhealthy; successes in a row heal them."""

from __future__ import annotations

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from omnicore.clock import Clock, SystemClock
from omnicore.errors import Conflict, NotFound
from omnicore.resilience.probing import Finding, Probe, Prober
from omnicore.resilience.status import HealthStatus

__all__ = [
    "OVERALL",
    "Change",
    "HealthMonitor",
    "HealthReport",
    "HealthStatus",
    "SubsystemHealth",
    "Thresholds",
]

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
            probe: see `omnicore.resilience.probing.Probe`; without one the part tells by `update`.
            critical: whether its being unhealthy makes the whole unhealthy; else at most degraded.

        Raises: Conflict: the name is taken.
        """
        with self._lock:
            if name in self._parts or name == OVERALL:
                raise Conflict(f"the health of {name} is watched already", remedy="register it once")
            heard = self._clock.monotonic() if probe is not None else None
            self._parts[name] = _Part(name, critical, probe, heard, metadata=dict(metadata or {}))

    def unregister(self, name: str) -> bool:
        """Whether there was such a part to forget."""
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
                self._count_failure(part, finding.reason)
            else:
                self._count_success(part)
            # What a part says of itself is no noise to be counted: it holds at once, and ends at once.
            part.reduced = "" if finding.failed else finding.reason
            shown = self._show(part)
        self._tell()
        return shown

    def _count_failure(self, part: _Part, reason: str) -> None:
        part.failed += 1
        part.failures, part.successes = part.failures + 1, 0
        part.reason = reason
        if part.failures >= self.thresholds.unhealthy:
            part.status = HealthStatus.Unhealthy
        elif part.failures >= self.thresholds.degraded and part.status is HealthStatus.Healthy:
            part.status = HealthStatus.Degraded

    def _count_success(self, part: _Part) -> None:
        part.successes, part.failures = part.successes + 1, 0
        if part.status is HealthStatus.Healthy or part.successes >= self.thresholds.recovery:
            part.status, part.reason = HealthStatus.Healthy, ""

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
