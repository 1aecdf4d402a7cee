"""How one verb of a door is served: at once where little is asked, in a turn where much is."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, Lengthy, Verb
from omnicore.capabilities.costs import CallCosts
from omnicore.capabilities.detached import DetachedCall
from omnicore.capabilities.request import (
    Request,
    error_reply,
    parse_request,
    read_block,
    read_request,
    value_bytes,
    weighs,
    write_reply,
)
from omnicore.errors import (
    CapacityReached,
    InvalidInput,
    LimitExceeded,
    OmniError,
    PermissionDenied,
    ServiceRefused,
    Unavailable,
)
from omnicore.resilience.turns import Turns
from omnicore.sandbox.abi import KIB
from omnicore.telemetry.metrics import Metrics

__all__ = ["LARGE_BYTES", "Allowance", "Bounds", "Desk", "Timer"]

LARGE_BYTES = 64 * KIB
"""Requests above this are not read on an event loop: parsing one takes a millisecond and more."""

_SHARE = 0.1
_BURST_S = 0.005

# What a guest gets as a value. Everything else ends its call: a guest cannot repair the host.
_EXPECTED = (InvalidInput, PermissionDenied, LimitExceeded, ServiceRefused, Unavailable, CapacityReached)


class Allowance:
    """How long the doors of one plugin may hold event loops: 5 ms at once, and a tenth of the time in the long run.

    What it asks beyond that is served in turns, so that many small requests cost the others no more than a large one.
    """

    __slots__ = ("_at", "_left_s")

    def __init__(self) -> None:
        self._left_s, self._at = _BURST_S, 0.0

    def spent(self, now: float) -> bool:
        """True when nothing is left. Units: `now` seconds of `perf_counter`."""
        return self._left_s <= 0 and self._left_s + (now - self._at) * _SHARE <= 0

    def spend(self, begun: float, now: float) -> None:
        """Counts that a loop was held."""
        self._left_s = min(_BURST_S, self._left_s + (begun - self._at) * _SHARE) - (now - begun)
        self._at = now


@dataclass(frozen=True, slots=True)
class Bounds:
    """What one verb may cost: the largest request, turns for what is large, and the plugin's allowance on loops."""

    plugin: str
    most: int
    turns: Turns
    allowance: Allowance


class Desk:
    """Serves one verb of one door for one plugin."""

    def __init__(self, door: Capability, verb: str, run: Verb, bounds: Bounds, timer: Timer) -> None:
        self._door, self._verb, self._run, self._timer = door, verb, run, timer
        self._plugin, self._turns = bounds.plugin, bounds.turns
        self._most, self._allowance = bounds.most, bounds.allowance

    def serve(self) -> Callable[[DoorCall, int], Any]:
        """The host function: a coroutine function where the verb is one, else one that `may_wait`."""
        return self._awaited() if inspect.iscoroutinefunction(self._run) else self._quick()

    def _quick(self) -> Callable[[DoorCall, int], Any]:
        run, most, lengthy, allowance = self._run, self._most, self._door.lengthy, self._allowance

        def serve(call: DoorCall, handle: int) -> Any:
            request, outcome, begun = None, "ok", perf_counter()
            if lengthy and (call.size(handle) > LARGE_BYTES or (call.on_loop and allowance.spent(begun))):
                return self._in_turn(call, handle)
            try:
                request = read_request(call, handle, most)
                reply: Any = run(call, request)
                if type(reply) is Lengthy:
                    return self._finished(call, begun, request, reply)
            except _EXPECTED as error:
                outcome, reply = error.code, self._refused(error, request)
            self._timer.note(call, begun, outcome)
            handle = write_reply(call, reply)
            if call.on_loop:
                allowance.spend(begun, perf_counter())
            return handle

        return serve

    async def _in_turn(self, call: DoorCall, handle: int) -> int:
        begun = perf_counter()
        try:
            data = read_block(call, handle, self._most)
            work = partial(self._done, DetachedCall(call.deadline, call.host_context), data)
            reply, outcome = await self._turns.take(self._plugin, work)
        except _EXPECTED as error:
            reply, outcome = value_bytes(self._refused(error, None)), error.code
        self._timer.note(call, begun, outcome)
        return call.write(reply)

    async def _finished(self, call: DoorCall, begun: float, request: Request, rest: Lengthy) -> int:
        reply, outcome = await self._turns.take(self._plugin, partial(self._answered, rest, request))
        self._timer.note(call, begun, outcome)
        return call.write(reply)

    def _done(self, call: DetachedCall, data: bytes) -> tuple[bytes, str]:
        request = None
        try:
            request = parse_request(data, self._most)
            reply: Any = self._run(call, request)
        except _EXPECTED as error:
            return value_bytes(self._refused(error, request)), error.code
        return self._answered(reply, request) if type(reply) is Lengthy else (value_bytes(reply), "ok")

    def _answered(self, rest: Lengthy, request: Request) -> tuple[bytes, str]:
        try:
            return value_bytes(rest.work()), "ok"
        except _EXPECTED as error:
            return value_bytes(self._refused(error, request)), error.code

    def _awaited(self) -> Callable[[DoorCall, int], Coroutine[Any, Any, int]]:
        async def serve(call: DoorCall, handle: int) -> int:
            request, outcome, begun = None, "ok", perf_counter()
            try:
                request = await self._read(call, handle)
                reply: Any = await self._run(call, request)  # type: ignore[misc]
            except _EXPECTED as error:
                outcome, reply = error.code, self._refused(error, request)
            self._timer.note(call, begun, outcome)
            if weighs(reply, LARGE_BYTES):
                return call.write(await self._turns.take(self._plugin, partial(value_bytes, reply)))
            return write_reply(call, reply)

        return serve

    async def _read(self, call: DoorCall, handle: int) -> Request:
        if call.size(handle) <= LARGE_BYTES:
            return read_request(call, handle, self._most)
        data = read_block(call, handle, self._most)
        return await self._turns.take(self._plugin, partial(parse_request, data, self._most))

    def _refused(self, error: OmniError, request: Request | None) -> dict[str, Any]:
        resource = (request and request.shown(self._door.resource)) or f"{self._door.name}.{self._verb}"
        return error_reply(error, self._door.name, resource)


class Timer:
    """Notes how long one verb takes for one plugin. The recorder is made when the verb is first used."""

    __slots__ = ("_metrics", "_names", "_record")

    def __init__(self, metrics: Metrics | None, plugin: str, verb: str) -> None:
        self._metrics, self._names = metrics, (plugin, verb)
        self._record: Callable[[float, str], None] | None = None

    def note(self, call: DoorCall, begun: float, outcome: str) -> None:
        """Notes a request that has been served, for whoever counts the call's costs too."""
        if isinstance(call.host_context, CallCosts):
            call.host_context.count(self._names[1])
        if self._record is None:
            if self._metrics is None:
                return
            self._record = self._metrics.door(*self._names).record
        self._record(perf_counter() - begun, outcome)
