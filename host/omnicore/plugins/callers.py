"""Callers of plugins, and the question which of them a plugin fails for.

A name goes along with every call, so that failures are counted where they come from.
"""

from __future__ import annotations

import threading
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from contextvars import ContextVar, Token
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from omnicore.access.principal import Principal, Role
from omnicore.errors import DeadlineExceeded, EngineFailed, GuestError, GuestTrapped, LimitExceeded
from omnicore.plugins.view import CallStatus, percentile_ms
from omnicore.resilience.breaker import Breaker
from omnicore.telemetry.metrics import CallRecorder

if TYPE_CHECKING:
    from omnicore.clock import Clock


APPLICATION = "application"
"""Caller without a name: the program that embeds the host."""

OWNER = "owner"
"""Whoever the host belongs to, by its own key or by being the only one on this machine."""

_OURS = frozenset({APPLICATION, OWNER})
_caller: ContextVar[str] = ContextVar("omnicore_caller", default=APPLICATION)


def caller() -> str:
    """The name of the caller of the running call."""
    return _caller.get()


class Callers:
    """Those who call the plugins of one host. Usable from any thread."""

    def __init__(self) -> None:
        self._others = False

    def named(self, name: str) -> _Named:
        """A block whose calls are made by `name`, such as `user 7`, `plugin text` or `workflow pay`."""
        if not self._others and name not in _OURS:
            self._others = True
        return _Named(name)

    def of(self, principal: Principal | None) -> _Named:
        """The same for who was recognised: a user whatever with, a token that is nobody's, the owner, or a stranger."""
        if principal is None:
            return self.named("stranger")
        owner = principal.user is None and principal.via != "token" and principal.role is Role.admin
        return self.named(OWNER if owner else principal.person)

    def alone(self, name: str) -> bool:
        """True when this is the owner, or the owner's program, and nobody else has called so far."""
        return name in _OURS and not self._others


class _Named:
    """A class and no generator: it costs each request half a microsecond instead of two."""

    __slots__ = ("_before", "_name")

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None:
        self._before: Token[str] = _caller.set(self._name)

    def __exit__(self, *_: object) -> None:
        _caller.reset(self._before)


Verdict = Literal["plugin", "caller", "none"]

SEVERAL = 3
"""Callers whose failures in a row say something about the plugin."""

_ENOUGH = 4  # times the failures in a row that open a breaker: calls from which a share is worth something
_SHARE = 0.5
_WINDOW = 200
_MOST_CALLERS = 256


@dataclass(frozen=True, slots=True)
class CallOutcome:
    """One call that was looked at: whose, and whether it went well. Units: `at` seconds of the clock."""

    caller: str
    well: bool
    at: float


def counts(error: GuestError, limit_s: float, timeout_s: float | None) -> bool:
    """True when a failure counts towards quarantine; a caller's own short deadline must not.

    Args:
        limit_s: the plugin's own limit of time.
        timeout_s: the caller's, None where it set none.
    """
    return isinstance(error, GuestTrapped | LimitExceeded) and at_fault(error, limit_s, timeout_s)


def at_fault(error: BaseException, limit_s: float, timeout_s: float | None) -> bool:
    """True when a call failed because of the plugin or its sandbox: a trap, a limit, a failure that it reports, an
    output that is not what it promises, a broken engine. False for what its caller spoiled (`CallerError`, a
    cancelled call, a deadline shorter than the plugin's own), and for other failures of the host.

    Args: as `counts`.
    """
    if isinstance(error, DeadlineExceeded) and timeout_s is not None:
        return timeout_s >= limit_s
    return isinstance(error, GuestError | EngineFailed)


def verdict(outcomes: Sequence[CallOutcome], *, threshold: int, alone: bool) -> Verdict:
    """The party to blame after the last outcome, a failure.

    The plugin, when `threshold` calls in a row failed that came from `SEVERAL` callers, or from the only one there is;
    or when half of many calls failed, those of two callers at least among them, where each caller counts `threshold`
    failures at most. The caller, when its own last `threshold` calls failed.

    Args:
        outcomes: oldest first.
        alone: whether nobody but the owner calls.
    """
    run: list[str] = []
    for one in reversed(outcomes):
        if one.well:
            break
        run.append(one.caller)
    if len(run) >= threshold and (alone or len(set(run)) >= SEVERAL):
        return "plugin"
    if _share_is_high(outcomes, threshold):
        return "plugin"
    own = [one.well for one in outcomes if one.caller == outcomes[-1].caller][-threshold:]
    return "caller" if len(own) == threshold and not any(own) else "none"


def _share_is_high(outcomes: Sequence[CallOutcome], threshold: int) -> bool:
    failed: dict[str, int] = {}
    well = 0
    for one in outcomes:
        if one.well:
            well += 1
        else:
            failed[one.caller] = min(threshold, failed.get(one.caller, 0) + 1)
    failures = sum(failed.values())
    count = well + failures
    return len(failed) > 1 and count >= _ENOUGH * threshold and failures >= _SHARE * count


class Blame:
    """The last outcomes of a plugin that is unwell, and the callers it refuses. Usable from any thread.

    A caller whose calls fail too often in a row is refused for `reset_s`, then tried again; the others are served.

    Owns: at most 200 outcomes of the last `reset_s`, and 256 callers; the least recent ones go first.
    """

    def __init__(self, threshold: int, reset_s: float, clock: Clock) -> None:
        self._threshold, self._reset_s, self._clock = threshold, reset_s, clock
        self._outcomes: deque[CallOutcome] = deque(maxlen=max(_WINDOW, 2 * _ENOUGH * threshold))
        self._refused: OrderedDict[str, Breaker] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, caller: str) -> float:
        """Seconds until this caller is served again; 0.0 when its call may pass, which then reports its outcome."""
        with self._lock:
            breaker = self._refused.get(caller)
        if breaker is None or breaker.allow():
            return 0.0
        return max(0.001, breaker.retry_after_s)

    def refuses(self, caller: str) -> bool:
        """True when this caller's failures count against the caller alone."""
        return caller in self._refused

    def failed(self, caller: str, *, alone: bool) -> Verdict:
        """Notes a failure and returns the party to blame for it."""
        with self._lock:
            self._note(caller, well=False)
            found = verdict(self._outcomes, threshold=self._threshold, alone=alone)
            breaker = self._refused.get(caller)
            if breaker is not None:
                breaker.failure()
            elif found == "caller":
                breaker = self._refused[caller] = Breaker(1, self._reset_s, self._clock)
                breaker.failure()
                if len(self._refused) > _MOST_CALLERS:
                    self._refused.popitem(last=False)
            return found

    def answered(self, caller: str) -> bool:
        """Notes an answer. True when there is nothing left to look at."""
        with self._lock:
            self._note(caller, well=True)
            self._refused.pop(caller, None)
            if self._refused or not all(one.well for one in self._outcomes):
                return False
            self._outcomes.clear()
            return True

    def clear(self) -> None:
        """Forgets all, as an operator who repaired the cause wants it."""
        with self._lock:
            self._outcomes.clear()
            self._refused.clear()

    def figures(self) -> tuple[int, int]:
        """Failures in a row, whoever called, and how many callers are refused now."""
        with self._lock:
            row = 0
            for one in reversed(self._outcomes):
                if one.well:
                    break
                row += 1
            return row, sum(one.state == "open" for one in self._refused.values())

    def _note(self, caller: str, *, well: bool) -> None:
        now = self._clock.monotonic()
        while self._outcomes and self._outcomes[0].at < now - self._reset_s:
            self._outcomes.popleft()
        for name, breaker in list(self._refused.items()):  # who does not come back is forgotten
            if breaker.figures().state_s > 2 * self._reset_s:
                del self._refused[name]
        self._outcomes.append(CallOutcome(caller, well, now))


class VersionTally:
    """Calls of one version at this host since it got its share. Usable from any thread.

    Counts calls that were answered and those that the version failed (`at_fault`). A call that its caller
    spoiled, or the host, says nothing about a version, and so is in no figure.
    """

    __slots__ = ("_broken", "_lock", "_recorder")

    def __init__(self, plugin: str) -> None:
        self._recorder = CallRecorder(plugin, "")
        self._lock = threading.Lock()
        self._broken = 0

    def both(self, record: Callable[[float, str], None]) -> Callable[..., None]:
        """A recorder of calls that were answered, for their function and for the version."""
        own = self._recorder.record

        def noted(seconds: float, outcome: str = "ok") -> None:
            record(seconds, outcome)
            own(seconds, outcome)

        return noted

    def fault(self, seconds: float) -> None:
        """Counts a call that the version failed."""
        self._recorder.record(seconds, "fault")

    def broken(self) -> None:
        """Counts a call that was answered already as failed: its output is not what it promises."""
        with self._lock:
            self._broken += 1

    def totals(self) -> tuple[int, int, list[int]]:
        """Calls, how many of them the version failed, and the cumulative counts of their durations."""
        outcomes, durations, _ = self._recorder.totals()
        with self._lock:
            return sum(outcomes.values()), outcomes.get("fault", 0) + self._broken, durations

    def status(self) -> CallStatus:
        """The same for people."""
        calls, faults, durations = self.totals()
        return CallStatus(calls, faults, percentile_ms(durations, 0.95))
