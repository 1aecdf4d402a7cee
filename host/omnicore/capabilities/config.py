"""The config door: the plugin's settings, as its operator set them. Open to every plugin."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb
from omnicore.capabilities.request import Request
from omnicore.capabilities.services import Services


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    settings = dict(plugin.settings)

    def get(call: DoorCall, request: Request) -> Mapping[str, Any]:
        key = request.text("key", None, most=512)
        request.done()
        return {"values": settings} if key is None else {"value": settings.get(key)}

    return {"get": get}


DOOR = Capability(
    name="config",
    purpose="Read the plugin's settings",
    verbs=("get",),
    resource="key",
    open=_open,
    needs_grant=False,
    lengthy=False,
)
