"""The life of a runtime as six states and the eight steps between them; no effects, so that any runtime can use it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from enum import Enum

from omnicore.clock import Clock, SystemClock
from omnicore.errors import Conflict
from omnicore.ids import new_id


class RuntimeState(Enum):
    """The state of a runtime. `Stopped` is final: a runtime starts once."""

    Uninitialized = "uninitialized"
    Initializing = "initializing"
    Running = "running"
    Paused = "paused"
    ShuttingDown = "shutting-down"
    Stopped = "stopped"

    def __str__(self) -> str:
        return self.name


_S = RuntimeState
TRANSITIONS: Mapping[RuntimeState, frozenset[RuntimeState]] = {
    _S.Uninitialized: frozenset({_S.Initializing}),
    _S.Initializing: frozenset({_S.Running, _S.Stopped}),
    _S.Running: frozenset({_S.Paused, _S.ShuttingDown}),
    _S.Paused: frozenset({_S.Running, _S.ShuttingDown}),
    _S.ShuttingDown: frozenset({_S.Stopped}),
    _S.Stopped: frozenset(),
}


def may_become(state: RuntimeState, following: RuntimeState) -> bool:
    """True when a step is one of the eight.

    >>> may_become(RuntimeState.Running, RuntimeState.Paused), may_become(RuntimeState.Stopped, RuntimeState.Running)
    (True, False)
    """
    return following in TRANSITIONS[state]


class Lifecycle:
    """The state of one runtime; steps are taken whole, from any thread. A step costs about 1 us."""

    __slots__ = ("_lock", "_name", "_state")

    def __init__(self, name: str) -> None:
        self._name = name
        self._state = RuntimeState.Uninitialized
        self._lock = threading.Lock()

    @property
    def state(self) -> RuntimeState:
        """The present state."""
        return self._state

    def become(self, following: RuntimeState) -> RuntimeState:
        """Takes a step and returns the state before it. Raises: Conflict: the step is none of the eight."""
        with self._lock:
            before = self._state
            if following not in TRANSITIONS[before]:
                raise _refused(self._name, before, following)
            self._state = following
        return before


_REMEDIES = {
    (_S.Stopped, _S.Initializing): "an application runs once: make another one",
    (_S.Running, _S.Initializing): "it runs already: stop it first, or use it as it is",
    (_S.Paused, _S.Initializing): "it is paused: resume it",
}


def _refused(name: str, before: RuntimeState, following: RuntimeState) -> Conflict:
    allowed = ", ".join(sorted(state.name for state in TRANSITIONS[before])) or "nothing"
    return Conflict(
        f"{name} is {before}, and cannot become {following}",
        remedy=_REMEDIES.get((before, following), f"from there it can become {allowed}"),
        state=before.value,
        wanted=following.value,
    )


class RuntimeContext:
    """Identity and uptime of one application. Units: `started_at` and `stopped_at` seconds since the Unix epoch."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self.instance_id = new_id("app")
        self.started_at: float | None = None
        self.stopped_at: float | None = None
        self._from: float | None = None
        self._until: float | None = None

    def mark_start(self) -> None:
        """Notes that the application starts now."""
        self.started_at, self._from = self._clock.now(), self._clock.monotonic()
        self.stopped_at = self._until = None

    def mark_stop(self) -> None:
        """Notes that the application has stopped; it never started, or stopped before, changes nothing."""
        if self._from is not None and self._until is None:
            self.stopped_at, self._until = self._clock.now(), self._clock.monotonic()

    def uptime(self) -> float:
        """Seconds it has run, 0.0 before the start; the clock on the wall may jump meanwhile."""
        if self._from is None:
            return 0.0
        return (self._clock.monotonic() if self._until is None else self._until) - self._from
