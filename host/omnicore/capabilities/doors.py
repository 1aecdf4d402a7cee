"""All doors: opened for one plugin by its grants, served verb by verb, and used for what a plugin asks in an answer.

A door that is not granted is linked as a refusal.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import time
from collections.abc import Callable, Coroutine, Iterable, Mapping
from dataclasses import dataclass, field
from functools import partial
from time import perf_counter
from typing import Any

from omnicore.capabilities import clock, config, connectors, events, http, kv, log, loops, memory, tasks, vectors
from omnicore.capabilities.capability import (
    CallCosts,
    Capability,
    CapabilityRequest,
    DetachedCall,
    DoorCall,
    Grant,
    Lengthy,
    PluginScope,
    Verb,
    VerbLimits,
)
from omnicore.capabilities.request import (
    Request,
    error_reply,
    parse_request,
    plain_request,
    read_block,
    reply_bytes,
    value_bytes,
    weighs,
    write_reply,
)
from omnicore.capabilities.scope import fill, scope_covers
from omnicore.capabilities.services import Services
from omnicore.errors import (
    CapacityReached,
    DoorRefused,
    InvalidInput,
    LimitExceeded,
    ManifestInvalid,
    OmniError,
    PermissionDenied,
    ServiceRefused,
    Unavailable,
)
from omnicore.resilience.turns import Turns
from omnicore.sandbox.abi import KIB, Doors, HostFunction, HttpRequest, HttpResponse, HttpSend
from omnicore.telemetry.metrics import Metrics

__all__ = [
    "ACTIONS",
    "BUILT_IN",
    "DOORS",
    "LARGE_BYTES",
    "NAMESPACE",
    "Allowance",
    "Bounds",
    "PluginScope",
    "Provided",
    "Timer",
    "VerbService",
    "act",
    "check_requests",
    "covers",
    "granted_scope",
    "open_doors",
    "open_scope",
    "provided",
    "refusal",
    "review_warnings",
]


NAMESPACE = "extism:host/user"

DOORS: tuple[Capability, ...] = (
    log.DOOR,
    config.DOOR,
    kv.DOOR,
    http.DOOR,
    events.DOOR,
    tasks.DOOR,
    memory.DOOR,
    vectors.DOOR,
    connectors.DOOR,
    loops.DOOR,
)

BUILT_IN: Mapping[str, Capability] = {door.name: door for door in DOORS}


@dataclass(frozen=True, slots=True)
class Provided:
    """All that plugins of a host may import and ask for.

    `functions` are namespace and name of each host function, those of doors among them; `doors` all capabilities by
    name, those of the embedding application among them.
    """

    functions: frozenset[tuple[str, str]]
    doors: Mapping[str, Capability] = field(default_factory=lambda: BUILT_IN)


def open_doors(plugin: PluginScope, services: Services, doors: Mapping[str, Capability] = BUILT_IN) -> Doors:
    """All that the plugin can reach: every verb of every door, open where it was asked for and granted.

    Args:
        doors: all capabilities by name, where the embedding application has some of its own.

    Raises:
        ManifestInvalid: the plugin asks for something that does not exist, twice, or with a wrong scope.
    """
    check_requests(plugin.asked, doors)
    functions: list[HostFunction] = [*clock.functions(plugin, NAMESPACE)]
    send, allowance = _closed_send(plugin), Allowance()
    for door in doors.values():
        scope = open_scope(door, plugin, doors)
        verbs = _closed_verbs(door, plugin) if scope is None else door.open(plugin, scope, services)
        most = door.request_bytes(plugin.limits)
        for verb in door.verbs:
            largest = most if verb in door.large else min(most, LARGE_BYTES)
            bounds = Bounds(plugin.name, largest, services.turns, allowance, _meter(plugin, door, verb, services))
            timer = Timer(services.metrics, plugin.name, f"{door.name}.{verb}")
            run = VerbService(door, verb, verbs[verb], bounds, timer).serve()
            own = "" if door.name in BUILT_IN else door.name
            functions.append(HostFunction(NAMESPACE, door.function(verb), ("i64",), ("i64",), run, door.lengthy, own))
        if door is http.DOOR and scope is not None:
            send = http.extism_send(plugin, scope, services)
    return Doors(
        functions=tuple(functions),
        config={key: _as_text(value) for key, value in plugin.settings.items()},
        http=send,
        log=plugin.log,
        log_level=plugin.log_level,
        wasi=plugin.wasi,
    )


def provided(functions: Iterable[HostFunction] = (), doors: Iterable[Capability] = ()) -> Provided:
    """All that plugins may import and ask for. `functions` and `doors` are those of the embedding application."""
    known = {**BUILT_IN, **{door.name: door for door in doors}}
    verbs = (door.function(verb) for door in known.values() for verb in door.verbs)
    given = ((function.namespace, function.name) for function in functions)
    return Provided(frozenset((*((NAMESPACE, name) for name in (*clock.NAMES, *verbs)), *given)), known)


def covers(grant: Grant, request: CapabilityRequest, doors: Mapping[str, Capability] = BUILT_IN) -> bool:
    """True when the grant allows all that the request asks."""
    door = doors.get(request.name)
    if door is None or grant.capability != request.name:
        return False
    try:
        granted, asked = (fill(door.name, door.scope, one.scope) for one in (grant, request))
    except ManifestInvalid:  # a scope that cannot be read allows nothing
        return False
    return scope_covers(door.scope, granted, asked)


def granted_scope(
    name: str,
    asked: Iterable[CapabilityRequest],
    grants: Iterable[Grant],
    doors: Mapping[str, Capability] = BUILT_IN,
) -> dict[str, Any] | None:
    """The scope that was asked, with its defaults, when a grant covers it; None for a door that is closed."""
    for request in asked:
        if request.name == name and any(covers(grant, request, doors) for grant in grants):
            return fill(name, doors[name].scope, request.scope)
    return None


def review_warnings(
    name: str, scope: Mapping[str, Any], concerns: Callable[[str], str] = lambda entry: ""
) -> list[str]:
    """Warnings about entries of a scope that are wide or reach the host itself; `concerns` as in `http.warnings`."""
    return http.warnings(scope, concerns) if name == http.DOOR.name else []


def check_requests(asked: Iterable[CapabilityRequest], doors: Mapping[str, Capability] = BUILT_IN) -> None:
    """Raises: ManifestInvalid for a capability that does not exist, stands twice or has a wrong scope."""
    seen: set[str] = set()
    for request in asked:
        door = doors.get(request.name)
        if door is None:
            raise ManifestInvalid(
                f"there is no capability {request.name[:64]!r}",
                remedy=f"ask for one of {', '.join(doors)}",
                path="capabilities",
            )
        if request.name in seen:
            raise ManifestInvalid(
                f"{request.name} is asked for twice",
                remedy="join the scopes in one entry",
                path="capabilities",
            )
        seen.add(request.name)
        fill(door.name, door.scope, request.scope)


def open_scope(
    door: Capability, plugin: PluginScope, doors: Mapping[str, Capability] = BUILT_IN
) -> dict[str, Any] | None:
    """The scope the plugin asked for, when a grant covers it; None for a closed door."""
    if not door.needs_grant:
        return {}
    return granted_scope(door.name, plugin.asked, plugin.grants, doors)


def _meter(plugin: PluginScope, door: Capability, verb: str, services: Services) -> Callable[[DoorCall], None] | None:
    """Counts a use of a verb that may be used only so often; None for all others."""
    limits, name = door.limits.get(verb), f"{door.name}.{verb}"
    if limits is None or limits == VerbLimits():
        return None

    def meter(call: DoorCall) -> None:
        if limits.per_call is not None:
            call.spend(name, limits.per_call)
        if limits.per_second is not None:
            services.rates.spend(plugin.name, services.clock, most=limits.per_second, what=name)

    return meter


def _closed_verbs(door: Capability, plugin: PluginScope) -> Mapping[str, Verb]:
    def closed(verb: str) -> Verb:
        def refuse(call: DoorCall, request: Request) -> Mapping[str, Any]:
            raise refusal(door, plugin, f"{door.name}.{verb}")

        return refuse

    return {verb: closed(verb) for verb in door.verbs}


def _closed_send(plugin: PluginScope) -> HttpSend:
    async def refuse(request: HttpRequest) -> HttpResponse:
        error = refusal(http.DOOR, plugin, "http_request")
        error.details["resource"] = request.url[:200]
        raise error

    return refuse


def refusal(door: Capability, plugin: PluginScope, verb: str) -> OmniError:
    """The error of a closed door, with the command that opens it."""
    command = f"run `omnicore plugins grant {plugin.name} {door.name}`"
    if not any(request.name == door.name for request in plugin.asked):
        command = f"ask for {door.name} in its manifest, then {command}"
    return PermissionDenied(f"{plugin.name} has no grant for {verb}", remedy=command, capability=door.name)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


ACTIONS: Mapping[str, frozenset[str]] = {
    "tasks": frozenset({"submit", "cancel"}),
    "events": frozenset({"publish"}),
    "memory": frozenset({"store", "forget"}),
    "kv": frozenset({"put", "delete"}),
}
"""Verbs that handlers may request: they change something and answer at once."""


async def act(plugin: PluginScope, services: Services, verb: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Serves one request, such as `tasks.submit`, as if the plugin had made it in a call.

    Raises: InvalidInput: the verb is unknown; PermissionDenied, and each error of the door.
    """
    name, _, wanted = verb.partition(".")
    if wanted not in ACTIONS.get(name, ()):
        known = ", ".join(sorted(f"{door}.{one}" for door, verbs in ACTIONS.items() for one in verbs))
        raise InvalidInput(f"{verb[:80]!r} is not an action", remedy=f"actions are {known}")
    door = BUILT_IN[name]
    scope = open_scope(door, plugin)
    if scope is None:
        raise refusal(door, plugin, verb)
    request = plain_request(values, door.request_bytes(plugin.limits))
    serve = door.open(plugin, scope, services)[wanted]
    call = DetachedCall(time.monotonic() + plugin.limits.timeout_s, log=plugin.log)
    if inspect.iscoroutinefunction(serve):
        reply: Mapping[str, Any] = await serve(call, request)
    else:  # it may wait for the database, and the loop should not
        reply = await asyncio.to_thread(serve, call, request)  # type: ignore[arg-type]
    return reply


LARGE_BYTES = 64 * KIB
"""Requests above this are not read on an event loop: parsing one takes a millisecond and more."""

_SHARE = 0.1
_BURST_S = 0.005

# What a guest gets as a value. Everything else ends its call: a guest cannot repair the host.
_EXPECTED = (InvalidInput, PermissionDenied, DoorRefused, LimitExceeded, ServiceRefused, Unavailable, CapacityReached)


class Allowance:
    """The time the doors of one plugin may hold event loops: 5 ms at once, and a tenth of the time in the long run.

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
    """The limits of one verb: the largest request, turns for large requests, the plugin's allowance on loops, and what
    counts its uses where they are counted."""

    plugin: str
    most: int
    turns: Turns
    allowance: Allowance
    meter: Callable[[DoorCall], None] | None = None


class VerbService:
    """Serves one verb of one door for one plugin."""

    def __init__(self, door: Capability, verb: str, run: Verb, bounds: Bounds, timer: Timer) -> None:
        self._door, self._verb, self._run, self._timer = door, verb, run, timer
        self._plugin, self._turns = bounds.plugin, bounds.turns
        self._most, self._allowance, self._meter = bounds.most, bounds.allowance, bounds.meter
        self._parse = door.parse.get(verb, parse_request)

    def serve(self) -> Callable[[DoorCall, int], Any]:
        """The host function: a coroutine function where the verb is one, else one that `may_wait`."""
        return self._awaited() if inspect.iscoroutinefunction(self._run) else self._quick()

    def _quick(self) -> Callable[[DoorCall, int], Any]:
        run, most, lengthy, allowance = self._run, self._most, self._door.lengthy, self._allowance
        meter, parse, note = self._meter, self._parse, self._timer.note
        large = most > LARGE_BYTES  # else a large request is refused before it is read

        def serve(call: DoorCall, handle: int) -> Any:
            request, outcome, begun = None, "ok", perf_counter()
            if lengthy and ((large and call.size(handle) > LARGE_BYTES) or (call.on_loop and allowance.spent(begun))):
                return self._in_turn(call, handle)
            try:
                if meter is not None:
                    meter(call)
                request = parse(read_block(call, handle, most), most)
                reply: Any = run(call, request)
                if type(reply) is Lengthy:
                    return self._finished(call, begun, request, reply)
            except _EXPECTED as error:
                outcome, reply = error.code, self._refused(error, request)
            note(call, begun, outcome)
            handle = write_reply(call, reply)
            if call.on_loop:
                allowance.spend(begun, perf_counter())
            return handle

        return serve

    async def _in_turn(self, call: DoorCall, handle: int) -> int:
        begun = perf_counter()
        try:
            if self._meter is not None:
                self._meter(call)
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
            request = self._parse(data, self._most)
            reply: Any = self._run(call, request)
        except _EXPECTED as error:
            return value_bytes(self._refused(error, request)), error.code
        return self._answered(reply, request) if type(reply) is Lengthy else (reply_bytes(reply), "ok")

    def _answered(self, rest: Lengthy, request: Request) -> tuple[bytes, str]:
        try:
            return value_bytes(rest.work()), "ok"
        except _EXPECTED as error:
            return value_bytes(self._refused(error, request)), error.code

    def _awaited(self) -> Callable[[DoorCall, int], Coroutine[Any, Any, int]]:
        async def serve(call: DoorCall, handle: int) -> int:
            request, outcome, begun = None, "ok", perf_counter()
            try:
                if self._meter is not None:
                    self._meter(call)
                request = await self._read(call, handle)
                reply: Any = await self._run(call, request)  # type: ignore[misc]
            except _EXPECTED as error:
                outcome, reply = error.code, self._refused(error, request)
            self._timer.note(call, begun, outcome)
            if weighs(reply, LARGE_BYTES):
                return call.write(await self._turns.take(self._plugin, partial(reply_bytes, reply)))
            return write_reply(call, reply)

        return serve

    async def _read(self, call: DoorCall, handle: int) -> Any:
        if call.size(handle) <= LARGE_BYTES:
            return self._parse(read_block(call, handle, self._most), self._most)
        data = read_block(call, handle, self._most)
        return await self._turns.take(self._plugin, partial(self._parse, data, self._most))

    def _refused(self, error: OmniError, request: Any) -> dict[str, Any]:
        shown = request.shown(self._door.resource) if isinstance(request, Request) else None
        resource = shown or f"{self._door.name}.{self._verb}"
        return error_reply(error, self._door.name, resource)


class Timer:
    """Notes how long one verb takes for one plugin. The recorder is made when the verb is first used."""

    __slots__ = ("_metrics", "_names", "_record")

    def __init__(self, metrics: Metrics | None, plugin: str, verb: str) -> None:
        self._metrics, self._names = metrics, (plugin, verb)
        self._record: Callable[[float, str], None] | None = None

    def note(self, call: DoorCall, begun: float, outcome: str) -> None:
        """Records a served request, and notes it for the costs of its call."""
        ended = perf_counter()
        budget = getattr(call, "budget", None)
        if budget is not None:  # calls of applications and of tests may have none
            budget.asked.append((self._names[1], begun, ended, outcome))
        if isinstance(call.host_context, CallCosts):
            call.host_context.count(self._names[1])
        if self._record is None:
            if self._metrics is None:
                return
            self._record = self._metrics.door(*self._names).record
        self._record(ended - begun, outcome)


_OPEN_TO_ALL = frozenset(door.name for door in DOORS if not door.needs_grant)


def missing(
    asked: Iterable[CapabilityRequest], granted: Iterable[Grant], doors: Mapping[str, Capability] = BUILT_IN
) -> list[CapabilityRequest]:
    """The requests that need a grant and that no grant covers."""
    grants = tuple(granted)
    return [
        request
        for request in asked
        if request.name not in _OPEN_TO_ALL and not any(covers(grant, request, doors) for grant in grants)
    ]
