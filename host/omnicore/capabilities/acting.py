"""Doing for a plugin what it asked for in an answer: through the same doors, within the same grants."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Mapping
from typing import Any

from omnicore.capabilities.capability import PluginScope
from omnicore.capabilities.detached import DetachedCall
from omnicore.capabilities.doors import DOORS, open_scope, refusal
from omnicore.capabilities.request import plain_request
from omnicore.capabilities.services import Services
from omnicore.errors import InvalidInput

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
    call = DetachedCall(time.monotonic() + plugin.limits.timeout_s, log=plugin.log)
    if inspect.iscoroutinefunction(serve):
        reply: Mapping[str, Any] = await serve(call, request)
    else:  # it may wait for the database, and the loop should not
        reply = await asyncio.to_thread(serve, call, request)  # type: ignore[arg-type]
    return reply
