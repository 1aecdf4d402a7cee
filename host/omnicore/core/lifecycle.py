"""The life of a runtime as six states and the eight steps between them; no effects, so that any runtime can use it."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from enum import Enum

from omnicore.errors import Conflict


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
