"""Who takes part in a lane's cycles: functions of plugins that name the lane, and the application's own."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from omnicore.loops.answer import Wish
from omnicore.loops.lane import LoopType

__all__ = ["Fuel", "Handler", "Handlers", "OwnHandler"]

OwnHandler = Callable[[Mapping[str, Any]], Awaitable[Any]]
"""A handler in Python: it gets the cycle as a document and returns what a plugin's would."""


@dataclass(frozen=True, slots=True)
class Handler:
    """One handler. `run` is given the cycle's document and the seconds it has.

    Raises, from `run`: whatever went wrong; nobody else is hurt.
    """

    name: str
    run: Callable[[Mapping[str, Any], float], Awaitable[Any]]
    plugin: str = ""


@dataclass(slots=True)
class Fuel:
    """What a cycle's handlers have used together, and may. Units: Wasm instructions."""

    allowed: int | None
    used: int = 0

    @property
    def gone(self) -> bool:
        """Whether no handler may begin any more."""
        return self.allowed is not None and self.used >= self.allowed


class Handlers(Protocol):
    """Finds the handlers among the plugins, and does what their answers ask for."""

    def of(self, lane: LoopType, fuel: Fuel) -> Sequence[Handler]:
        """The handlers of a lane, in a stable order."""

    def close(self) -> None:
        """Frees what finding them takes."""

    async def act(self, plugin: str, wish: Wish) -> Mapping[str, Any]:
        """Does it within what the plugin was granted. Raises: PermissionDenied and what the door raises."""
