"""Handlers of plugins: functions that name a lane and were granted to it, found in the catalogue and called."""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections.abc import Mapping, Sequence
from typing import Any

from omnicore.capabilities.acting import act
from omnicore.capabilities.capability import PluginScope
from omnicore.capabilities.doors import granted_scope
from omnicore.capabilities.loops import may_take_part
from omnicore.capabilities.services import Services
from omnicore.errors import PermissionDenied
from omnicore.events.bus import EventBus
from omnicore.loops.answer import Wish
from omnicore.loops.handlers import Fuel, Handler
from omnicore.loops.lane import LoopType
from omnicore.plugins.host import PluginHost
from omnicore.plugins.manifest import FunctionSpec
from omnicore.plugins.meter import Meter, metered
from omnicore.plugins.view import PluginView
from omnicore.sandbox.abi import Limits, LogLevel

__all__ = ["PluginHandlers"]

_JSON = "application/json"
_REFRESH_S = 30.0


class PluginHandlers:
    """The handlers of one host's plugins. Usable from any thread.

    What the catalogue says is kept until an event of a plugin, or `_REFRESH_S`, for another process may change it.
    """

    def __init__(self, plugins: PluginHost, services: Services, bus: EventBus) -> None:
        self._plugins, self._services = plugins, services
        self._changes = bus.subscribe("plugin.*", queue=1, own=True, lossy=True)
        self._lock = threading.Lock()
        self._found: dict[str, list[tuple[str, FunctionSpec, float]]] = {}
        self._limits: dict[str, float] = {}
        self._fresh_until = 0.0

    def close(self) -> None:
        """Stops listening."""
        self._changes.close()

    def of(self, lane: LoopType, fuel: Fuel) -> Sequence[Handler]:
        """The handlers of a lane, by reference."""
        return [self._handler(*one, fuel=fuel) for one in self._catalogue().get(lane.value, ())]

    async def act(self, plugin: str, wish: Wish) -> Mapping[str, Any]:
        """Does what an answer asks for, through the plugin's own doors. Raises: PermissionDenied and others."""
        if not plugin:
            raise PermissionDenied(
                "a handler that is no plugin has no grants", remedy="let it do itself what it wants done"
            )
        view = await asyncio.to_thread(self._plugins.get, plugin)
        return await act(_scope(view), self._services, wish.verb, wish.input)

    def limit_s(self, ref: str) -> float:
        """How long a call of a function may take; 0 for one of a plugin that is gone."""
        self._catalogue()
        return self._limits.get(ref.partition(".")[0], 0.0)

    def _catalogue(self) -> Mapping[str, list[tuple[str, FunctionSpec, float]]]:
        with self._lock:
            if self._changes.drain() or time.monotonic() >= self._fresh_until:
                self._fresh_until = time.monotonic() + _REFRESH_S
                views = self._plugins.list()
                self._limits = {view.name: _limit_s(view) for view in views}
                self._found = _by_lane(views)
            return self._found

    def _handler(self, ref: str, spec: FunctionSpec, limit_s: float, *, fuel: Fuel) -> Handler:
        plugin = ref.partition(".")[0]

        async def run(document: Mapping[str, Any], left_s: float) -> Any:
            data = dict(document) if spec.input_media == _JSON else json.dumps(document)
            await asyncio.to_thread(self._check, plugin, spec.lane)
            with metered(Meter()) as meter:
                try:
                    return await self._plugins.call(ref, data, timeout_s=min(left_s, limit_s))
                finally:
                    fuel.used += meter.fuel

        return Handler(ref, run, plugin=plugin)

    def _check(self, plugin: str, lane: str) -> None:
        """What was found may be older than the last word on grants: that one counts. Raises: PermissionDenied."""
        if not may_take_part(self._plugins.scope(plugin, "loops"), lane):
            raise PermissionDenied(
                f"{plugin} has no grant for the {lane} lane",
                remedy=f"run `omnicore plugins grant {plugin} loops`",
                capability="loops",
            )


def _by_lane(views: Sequence[PluginView]) -> dict[str, list[tuple[str, FunctionSpec, float]]]:
    found: dict[str, list[tuple[str, FunctionSpec, float]]] = {}
    for view in views:
        scope = granted_scope("loops", view.asked, view.granted)
        for spec in view.functions if view.state == "enabled" else ():
            if may_take_part(scope, spec.lane):
                found.setdefault(spec.lane, []).append((f"{view.name}.{spec.name}", spec, _limit_s(view)))
    return found


def _limit_s(view: PluginView) -> float:
    return float(view.limits.get("timeout_s", Limits().timeout_s))


def _scope(view: PluginView) -> PluginScope:
    return PluginScope(view.name, view.asked, view.granted, settings={}, limits=Limits(), log=_silent)


def _silent(_level: LogLevel, _message: str) -> None:
    """These verbs write no log."""
