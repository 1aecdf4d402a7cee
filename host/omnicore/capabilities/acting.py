"""Doing for a plugin what it asked for in an answer: through the same doors, within the same grants."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Mapping
from typing import Any, NoReturn

from omnicore.capabilities.capability import PluginScope
from omnicore.capabilities.doors import DOORS, open_scope, refusal
from omnicore.capabilities.request import plain_request
from omnicore.capabilities.services import Services
from omnicore.errors import InvalidInput
from omnicore.sandbox.abi import LogLevel

__all__ = ["ACTIONS", "act"]

ACTIONS: Mapping[str, frozenset[str]] = {
    "tasks": frozenset({"submit", "cancel"}),
    "events": frozenset({"publish"}),
    "memory": frozenset({"store", "forget"}),
    "kv": frozenset({"put", "delete"}),
}
"""What can be asked for: verbs that change something, and answer at once."""

_DOORS = {door.name: door for door in DOORS}


async def act(plugin: PluginScope, services: Services, verb: str, values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Serves one request, such as `tasks.submit`, as if the plugin had made it in a call.

    Raises: InvalidInput: there is no such verb; PermissionDenied and all that the door raises.
    """
    name, _, wanted = verb.partition(".")
    if wanted not in ACTIONS.get(name, ()):
        known = ", ".join(sorted(f"{door}.{one}" for door, verbs in ACTIONS.items() for one in verbs))
        raise InvalidInput(f"{verb[:80]!r} is no action", remedy=f"actions are {known}")
    door = _DOORS[name]
    scope = open_scope(door, plugin)
    if scope is None:
        raise refusal(door, plugin, verb)
    request = plain_request(values, door.request_bytes(plugin.limits))
    serve = door.open(plugin, scope, services)[wanted]
    if inspect.iscoroutinefunction(serve):
        reply: Mapping[str, Any] = await serve(_Outside(plugin), request)
    else:  # it may wait for the database, and the loop should not
        reply = await asyncio.to_thread(serve, _Outside(plugin), request)  # type: ignore[arg-type]
    return reply


class _Outside:
    """A host call without a guest: it has the plugin's log and limits, and no memory to read or write."""

    host_context: Any = None

    def __init__(self, plugin: PluginScope) -> None:
        self._log = plugin.log
        self.deadline = time.monotonic() + plugin.limits.timeout_s

    def log(self, level: LogLevel, message: str) -> None:
        self._log(level, message)

    def read(self, _handle: int) -> bytes:
        self._nothing()

    def write(self, _data: bytes) -> int:
        self._nothing()

    def free(self, _handle: int) -> None:
        self._nothing()

    def load(self, _address: int, _length: int) -> bytes:
        self._nothing()

    def store(self, _address: int, _data: bytes) -> None:
        self._nothing()

    def spend_http(self) -> None:
        self._nothing()

    def _nothing(self) -> NoReturn:
        raise InvalidInput("an action has no guest's memory and sends nothing", remedy="do it in a call of a function")
