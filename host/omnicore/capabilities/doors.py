"""All doors, and how they are opened for one plugin: what is not granted is linked as a refusal."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from omnicore.capabilities import clock, config, connectors, events, http, kv, log, loops, memory, tasks, vectors
from omnicore.capabilities.capability import Capability, CapabilityRequest, DoorCall, Grant, PluginScope, Verb
from omnicore.capabilities.desk import LARGE_BYTES, Allowance, Bounds, Desk, Timer
from omnicore.capabilities.request import Request
from omnicore.capabilities.scope import fill, scope_covers
from omnicore.capabilities.services import Services
from omnicore.errors import ManifestInvalid, OmniError, PermissionDenied
from omnicore.sandbox.abi import Doors, HostFunction, HttpRequest, HttpResponse, HttpSend

__all__ = [
    "DOORS",
    "NAMESPACE",
    "PluginScope",
    "check_requests",
    "covers",
    "granted_scope",
    "open_doors",
    "open_scope",
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

_BY_NAME = {door.name: door for door in DOORS}


def open_doors(plugin: PluginScope, services: Services) -> Doors:
    """All that the plugin can reach: every verb of every door, open where it was asked for and granted.

    Raises:
        ManifestInvalid: the plugin asks for something that does not exist, twice, or with a wrong scope.
    """
    check_requests(plugin.asked)
    functions: list[HostFunction] = [*clock.functions(plugin, NAMESPACE)]
    send, allowance = _closed_send(plugin), Allowance()
    for door in DOORS:
        scope = open_scope(door, plugin)
        verbs = _closed_verbs(door, plugin) if scope is None else door.open(plugin, scope, services)
        most = door.request_bytes(plugin.limits)
        for verb in door.verbs:
            largest = most if verb in door.large else min(most, LARGE_BYTES)
            bounds = Bounds(plugin.name, largest, services.turns, allowance)
            timer = Timer(services.metrics, plugin.name, f"{door.name}.{verb}")
            run = Desk(door, verb, verbs[verb], bounds, timer).serve()
            name = f"{door.name}_{verb}_v1"
            functions.append(HostFunction(NAMESPACE, name, ("i64",), ("i64",), run, may_wait=door.lengthy))
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


def covers(grant: Grant, request: CapabilityRequest) -> bool:
    """True when the grant allows all that the request asks."""
    door = _BY_NAME.get(request.name)
    if door is None or grant.capability != request.name:
        return False
    try:
        granted, asked = (fill(door.name, door.scope, one.scope) for one in (grant, request))
    except ManifestInvalid:  # a scope nobody understands allows nothing
        return False
    return scope_covers(door.scope, granted, asked)


def granted_scope(name: str, asked: Iterable[CapabilityRequest], grants: Iterable[Grant]) -> dict[str, Any] | None:
    """The scope that was asked, with its defaults, when a grant covers it; None for a door that is closed."""
    for request in asked:
        if request.name == name and any(covers(grant, request) for grant in grants):
            return fill(name, _BY_NAME[name].scope, request.scope)
    return None


def review_warnings(
    name: str, scope: Mapping[str, Any], concerns: Callable[[str], str] = lambda entry: ""
) -> list[str]:
    """What is wide or near to the host itself in a scope; `concerns` as `http.warnings` takes it."""
    return http.warnings(scope, concerns) if name == http.DOOR.name else []


def check_requests(asked: Iterable[CapabilityRequest]) -> None:
    """Raises: ManifestInvalid for a capability that does not exist, stands twice or has a wrong scope."""
    seen: set[str] = set()
    for request in asked:
        door = _BY_NAME.get(request.name)
        if door is None:
            raise ManifestInvalid(
                f"there is no capability {request.name!r}",
                remedy=f"ask for one of {', '.join(_BY_NAME)}",
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


def open_scope(door: Capability, plugin: PluginScope) -> dict[str, Any] | None:
    """The scope the plugin asked for, when a grant covers it; None for a closed door."""
    if not door.needs_grant:
        return {}
    return granted_scope(door.name, plugin.asked, plugin.grants)


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
    """What a closed door says, with the command that opens it."""
    command = f"run `omnicore plugins grant {plugin.name} {door.name}`"
    if not any(request.name == door.name for request in plugin.asked):
        command = f"ask for {door.name} in its manifest, then {command}"
    return PermissionDenied(f"{plugin.name} has no grant for {verb}", remedy=command, capability=door.name)


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
