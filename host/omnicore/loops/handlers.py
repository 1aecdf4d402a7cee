"""Handlers take part in a lane's cycles: the application's own, and functions of plugins that name the lane.

Answers of plugins are not trusted: they are cut to what is allowed.
"""

from __future__ import annotations

import asyncio
import json
import math
import threading
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.capabilities.capability import PluginScope
from omnicore.capabilities.doors import act, granted_scope
from omnicore.capabilities.loops import may_take_part
from omnicore.errors import PermissionDenied
from omnicore.plugins.costs import Meter, metered
from omnicore.sandbox.abi import Limits, LogLevel
from omnicore.texts import is_whole, made_whole

if TYPE_CHECKING:
    from omnicore.capabilities.services import Services
    from omnicore.events.bus import EventBus
    from omnicore.loops.lane import LoopType
    from omnicore.plugins.host import PluginHost
    from omnicore.plugins.schemas import FunctionSpec
    from omnicore.plugins.view import PluginView


_MOST_INSIGHTS = 50
_MOST_ACTIONS = 20
_MOST_OBJECTIVES = 20
_TEXT = 2_000
_RESULT_BYTES = 64 * 1024
_INPUT_BYTES = 2 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Wish:
    """An action a handler asks for."""

    verb: str
    input: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class HandlerAnswer:
    """A handler's answer, cut to what is allowed; `problem` tells what was left out, or is empty."""

    result: Any = None
    insights: tuple[Mapping[str, Any], ...] = ()
    wishes: tuple[Wish, ...] = ()
    next_objectives: tuple[str, ...] = ()
    problem: str = ""


def read_answer(value: Any) -> HandlerAnswer:
    """Reads what a handler returned: a JSON object with `results`, `insights`, `actions` and `next_objectives`,
    each optional; anything else is its result.
    """
    value = _parsed(value)
    if not isinstance(value, Mapping) or not value.keys() & {"results", "insights", "actions", "next_objectives"}:
        result, problem = _bounded(value)
        return HandlerAnswer(result, problem=problem)
    result, problem = _bounded(value.get("results"))
    insights, wishes = _list(value.get("insights")), _list(value.get("actions"))
    objectives = _list(value.get("next_objectives"))
    if len(insights) > _MOST_INSIGHTS or len(wishes) > _MOST_ACTIONS or len(objectives) > _MOST_OBJECTIVES:
        problem = f"more than {_MOST_INSIGHTS} insights, {_MOST_ACTIONS} actions or {_MOST_OBJECTIVES} objectives"
    return HandlerAnswer(
        result,
        tuple(_insight(one) for one in insights[:_MOST_INSIGHTS]),
        tuple(wish for one in wishes[:_MOST_ACTIONS] if (wish := _wish(one))),
        tuple(str(one)[:_TEXT] for one in objectives[:_MOST_OBJECTIVES] if isinstance(one, str)),
        problem,
    )


def _parsed(value: Any) -> Any:
    """JSON out of bytes and texts of functions without a schema, where it is JSON."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if isinstance(value, str) and value[:1] in ("{", "["):
        with suppress(ValueError, RecursionError):
            value = json.loads(value)
    with suppress(TypeError, ValueError, RecursionError):  # no JSON value, which `_bounded` says
        return value if is_whole(value) else made_whole(value)
    return value


def _bounded(value: Any) -> tuple[Any, str]:
    try:
        size = len(json.dumps(value, allow_nan=False))
    except (TypeError, ValueError, RecursionError):
        return None, "the result is no JSON value"
    return (value, "") if size <= _RESULT_BYTES else (None, f"the result has {size} bytes, {_RESULT_BYTES} are kept")


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _insight(value: Any) -> dict[str, Any]:
    """An insight: its kind and description, and for an improvement how much it matters."""
    if not isinstance(value, Mapping):
        return {"kind": "note", "description": str(value)[:_TEXT]}
    weight = value.get("importance")
    numbers = isinstance(weight, int | float) and not isinstance(weight, bool)
    numbers = numbers and not (isinstance(weight, float) and math.isnan(weight))
    return {
        "kind": str(value.get("kind", "note"))[:64],
        "description": str(value.get("description", ""))[:_TEXT],
        **({"importance": float(min(1, max(0, weight)))} if numbers and weight is not None else {}),
    }


def _wish(value: Any) -> Wish | None:
    if not isinstance(value, Mapping) or not isinstance(value.get("verb"), str):
        return None
    given = value.get("input", {})
    return Wish(value["verb"][:128], given) if isinstance(given, Mapping) and _fits(given) else None


def _fits(given: Mapping[str, Any]) -> bool:
    """True if the value can be written as JSON and is no larger than the limit for plugins."""
    try:
        return len(json.dumps(given, allow_nan=False)) <= _INPUT_BYTES
    except (TypeError, ValueError, RecursionError):
        return False


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
    """Fuel used by the handlers of a cycle together, and its limit. Units: Wasm instructions."""

    allowed: int | None
    used: int = 0

    @property
    def gone(self) -> bool:
        """True once no handler may begin any more."""
        return self.allowed is not None and self.used >= self.allowed


class Handlers(Protocol):
    """Finds the handlers among the plugins, and does what their answers ask for."""

    def of(self, lane: LoopType, fuel: Fuel) -> Sequence[Handler]:
        """The handlers of a lane, in a stable order."""

    def close(self) -> None:
        """Frees what finding them takes."""

    async def act(self, plugin: str, wish: Wish) -> Mapping[str, Any]:
        """Does it within what the plugin was granted. Raises: PermissionDenied and what the door raises."""


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
        asked, granted = await asyncio.to_thread(self._plugins.rights, plugin)
        scope = PluginScope(plugin, asked, granted, settings={}, limits=Limits(), log=_silent)
        return await act(scope, self._services, wish.verb, wish.input)

    def limit_s(self, ref: str) -> float:
        """The time limit of a call; 0 for a function of a plugin that was removed."""
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
                    with self._plugins.callers.named(f"lane {spec.lane}"):
                        return await self._plugins.call(ref, data, timeout_s=min(left_s, limit_s))
                finally:
                    fuel.used += meter.fuel

        return Handler(ref, run, plugin=plugin)

    def _check(self, plugin: str, lane: str) -> None:
        """Checks the current grants, which may be newer than the catalogue entry. Raises: PermissionDenied."""
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


def _silent(_level: LogLevel, _message: str) -> None:
    """These verbs write no log."""
