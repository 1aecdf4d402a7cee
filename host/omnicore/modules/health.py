"""`HealthModule`: how the application and each of its modules is."""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping
from typing import Any

from omnicore.core.bounded import Outcome, Side
from omnicore.core.extensions import explained
from omnicore.core.lifecycle import RuntimeState
from omnicore.errors import Conflict

_ORDER = ("Healthy", "Degraded", "Unhealthy")
_WORDS = {word.lower(): word for word in _ORDER} | {"ok": "Healthy", "true": "Healthy", "false": "Unhealthy"}
_STATUS = {RuntimeState.ShuttingDown: "SHUTTING_DOWN"}


class HealthModule:
    """Asks every module of its application that has `health`, each in its own time.

    ```python
    health = app.add_module(HealthModule())
    health.check()  # {"status": "RUNNING", "health": "Healthy", "modules": {...}, ...}
    ```

    A module answers True or False, "healthy", "degraded" or "unhealthy", or a mapping with such a `status`. One
    that raises or does not answer within `probe_s` is unhealthy; it is not asked again before it has answered.
    """

    name = "health"

    def __init__(self, *, probe_s: float = 1.0) -> None:
        self._probe_s = probe_s
        self._app: Any = None
        self._probes: dict[str, tuple[Side, asyncio.Task[Outcome]]] = {}

    def bind(self, app: Any) -> None:
        """Sets the application."""
        self._app = app

    def start(self) -> None:
        """Has nothing to begin: it asks when it is asked."""

    def stop(self) -> None:
        """Lets the threads of its probes end."""
        for side, _ in self._probes.values():
            side.close()
        self._probes.clear()

    def check(self) -> dict[str, Any]:
        """The health of the application, for any thread but its loop's. Raises: Conflict: there, await `report`."""
        kernel = self._kernel()
        if kernel is None or kernel.loop is None or kernel.state not in (RuntimeState.Running, RuntimeState.Paused):
            return self._about("Healthy", {})
        if kernel.loop is _loop_here():
            raise Conflict("check() would wait for itself on this loop", remedy="await report() there")
        work = asyncio.run_coroutine_threadsafe(self.report(), kernel.loop)
        try:
            return work.result(self._probe_s + 1.0)
        except TimeoutError:
            work.cancel()
            return self._about("Unhealthy", {"loop": _told("Unhealthy", "the event loop is blocked")})

    async def report(self) -> dict[str, Any]:
        """`check` for the application's own loop."""
        kernel = self._kernel()
        asked = [one for one in (kernel.modules if kernel else ()) if one is not self and hasattr(one, "health")]
        running = [one for one in asked if kernel.running(one)]
        found = dict(await asyncio.gather(*(self._probe(one) for one in running)))
        found |= {one.name: _told("Unhealthy", "it is not running") for one in asked if one not in running}
        worst = max((one["status"] for one in found.values()), key=_ORDER.index, default="Healthy")
        return self._about(worst, found)

    async def _probe(self, module: Any) -> tuple[str, dict[str, Any]]:
        side, task = self._probes.get(module.name) or (Side(f"{module.name}-health"), None)
        if task is None or task.done():
            task = asyncio.ensure_future(side.run(module.health, math.inf))
            self._probes[module.name] = (side, task)
        await asyncio.wait((task,), timeout=self._probe_s)
        outcome = task.result() if task.done() and not task.cancelled() else Outcome(overdue=True)
        return module.name, _judged(outcome, self._probe_s)

    def _kernel(self) -> Any:
        return getattr(self._app, "kernel", self._app)

    def _about(self, health: str, modules: Mapping[str, Any]) -> dict[str, Any]:
        app = self._app
        state = app.state if app is not None else RuntimeState.Uninitialized
        document = {"status": _STATUS.get(state, state.name.upper()), "health": health, "modules": dict(modules)}
        if app is not None:
            runtime = app.runtime
            document |= {"app": app.name, "instance_id": runtime.instance_id, "uptime_s": round(runtime.uptime(), 3)}
        return document


def _judged(outcome: Outcome, probe_s: float) -> dict[str, Any]:
    if not outcome.ended_well:
        return _told("Unhealthy", explained(outcome, probe_s))
    value = outcome.value
    if isinstance(value, Mapping):
        return {**value, "status": _word(value.get("status"))}
    return {"status": "Healthy" if value is None else _word(value)}


def _word(value: Any) -> str:
    text = str(getattr(value, "name", value)).lower()
    return _WORDS.get(text, "Degraded" if value else "Unhealthy")


def _told(status: str, detail: str) -> dict[str, Any]:
    return {"status": status, "detail": detail}


def _loop_here() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None
