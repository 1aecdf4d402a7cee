"""A LoopEngine over a real store and bus, with duties that tests can see into."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from omnicore.clock import Clock, ManualClock
from omnicore.config.settings import LaneSettings, LoopSettings
from omnicore.events.bus import EventBus
from omnicore.loops.engine import LoopEngine
from omnicore.loops.handlers import Fuel, Handler, Wish
from omnicore.loops.lane import CycleInput, Done, Duty, LoopType
from omnicore.storage.store import Store
from omnicore.storage.tables.loops import LoopsTable

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


class NoPlugins:
    """A host without plugins that subscribe."""

    def of(self, lane: LoopType, fuel: Fuel) -> Sequence[Handler]:
        return ()

    def close(self) -> None:
        pass

    async def act(self, plugin: str, wish: Wish) -> Mapping[str, Any]:
        raise AssertionError("nobody asks for this")


class Duties:
    """A duty for each lane that notes its inputs and does what `then` says."""

    def __init__(self) -> None:
        self.ran: list[LoopType] = []
        self.then: Callable[[LoopType, CycleInput], Any] = lambda kind, given: None

    def by_lane(self) -> Mapping[LoopType, Duty]:
        return {kind: self._duty(kind) for kind in LoopType if kind is not LoopType.Reflexive}

    def _duty(self, kind: LoopType) -> Duty:
        async def duty(given: CycleInput) -> Done:
            self.ran.append(kind)
            result = self.then(kind, given)
            return await result if hasattr(result, "__await__") else Done({"lane": kind.value})

        return duty


class Lanes:
    """An engine and its parts."""

    def __init__(self, store: Store, settings: LoopSettings, clock: Clock, work: bool) -> None:
        self.bus, self.duties, self.clock = EventBus(), Duties(), clock
        self.engine = LoopEngine(
            settings,
            table=LoopsTable(store),
            bus=self.bus,
            duties=self.duties.by_lane(),
            handlers=NoPlugins(),
            clock=clock,
            work=work,
        )

    async def due(self) -> list[LoopType]:
        """What ran because it was due now."""
        before = len(self.duties.ran)
        self.engine.tick()
        await self.engine.idle()
        return self.duties.ran[before:]


@asynccontextmanager
async def lanes(
    store: Store,
    *,
    clock: Clock | None = None,
    settings: LoopSettings | None = None,
    work: bool = True,
    **changes: Any,
) -> AsyncIterator[Lanes]:
    """An engine that runs. Changes are settings of lanes, such as `adaptive={"deadline_s": 1.0}`."""
    base = settings or LoopSettings()
    base = replace(base, **{name: _changed(getattr(base, name), value) for name, value in changes.items()})
    made = Lanes(store, base, clock or ManualClock(), work)
    await made.engine.start()
    try:
        yield made
    finally:
        await made.engine.stop()


def _changed(now: Any, value: Any) -> Any:
    return replace(now, **value) if isinstance(now, LaneSettings) and isinstance(value, dict) else value
