"""The connectors door: the services the host is connected to, without their credentials."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb
from omnicore.capabilities.request import Request
from omnicore.capabilities.scope import REQUIRED, patterns
from omnicore.capabilities.services import Services, present
from omnicore.connectors.addresses import glob_covers, host_matches
from omnicore.errors import PermissionDenied
from omnicore.sandbox.abi import KIB, MIB

INPUT_BYTES = 1 * MIB
_NAME_BYTES = 64


class _Connectors:
    def __init__(self, plugin: str, scope: Mapping[str, Any], services: Services) -> None:
        self._plugin = plugin
        self._names = tuple(scope["connectors"])
        self._actions = tuple(scope["actions"])
        self._services = services

    def list(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        request.done()
        found = []
        for one in sorted(present(self._services.connectors, "connectors").list(), key=lambda one: one.name):
            actions = [action for action in one.actions if _matches(self._actions, action)]
            if actions and _matches(self._names, one.name):
                found.append({"name": one.name, "kind": one.kind, "actions": actions})
        return {"connectors": found}

    async def call(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        connector = request.text("connector", least=1, most=_NAME_BYTES)
        action = request.text("action", least=1, most=_NAME_BYTES)
        given = request.json("input", None, most=INPUT_BYTES)
        request.done()
        if not _matches(self._names, connector):
            raise self._refusal(f"the connector {connector}", connector)
        if not _matches(self._actions, action):
            raise self._refusal(f"the action {action} of {connector}", f"{connector}.{action}")
        timeout_s = max(0.001, call.deadline - self._services.clock.monotonic())
        service = present(self._services.connectors, "connectors")
        return {"output": await service.call(self._plugin, connector, action, given, timeout_s=timeout_s)}

    def _refusal(self, what: str, resource: str) -> PermissionDenied:
        return PermissionDenied(
            f"{self._plugin} may not use {what}: no granted pattern matches",
            remedy=f"name it in its manifest, then run `omnicore plugins grant {self._plugin} connectors`",
            resource=resource,
        )


def _matches(wanted: tuple[str, ...], name: str) -> bool:
    return any(host_matches(pattern, name) for pattern in wanted)


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    connectors = _Connectors(plugin.name, scope, services)
    return {"list": connectors.list, "call": connectors.call}


_SAYS = "a list of 1 to 100 names, `*` for any part"

DOOR = Capability(
    name="connectors",
    purpose="Use the services the host is connected to",
    verbs=("list", "call"),
    resource="connector",
    open=_open,
    scope={
        "connectors": patterns(REQUIRED, _SAYS, valid=bool, covers=glob_covers),
        "actions": patterns(("*",), _SAYS, valid=bool, covers=glob_covers),
    },
    request_bytes=lambda limits: 6 * INPUT_BYTES + 4 * KIB,  # each character may be written as an escape
    large=frozenset({"call"}),
)
