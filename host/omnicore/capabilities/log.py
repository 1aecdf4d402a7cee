"""The log door: a line with a level. Open to every plugin."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, PluginScope, Verb
from omnicore.capabilities.request import Request
from omnicore.capabilities.services import Services
from omnicore.errors import InvalidInput
from omnicore.telemetry.logs import LEVELS, LINE_BYTES


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    least = LEVELS[plugin.log_level] if plugin.log_level else None

    def write(call: DoorCall, request: Request) -> Mapping[str, Any]:
        asked, message = request.text("level"), request.text("message")
        fields = request.table("fields")
        request.done()
        level = next((one for one in LEVELS if one == asked), None)
        if level is None:
            raise InvalidInput(f"{asked[:40]!r} is not a log level", remedy=f"use one of {', '.join(LEVELS)}")
        if least is not None and LEVELS[level] >= least:
            call.log(level, _line(message, fields))
        return {}

    return {"write": write}


def _line(message: str, fields: Mapping[str, Any]) -> str:
    """The message, then the fields as key=value, cut to 8 KiB."""
    parts = [message, *(f"{key}={json.dumps(value, ensure_ascii=False)}" for key, value in fields.items())]
    return " ".join(parts).encode()[:LINE_BYTES].decode(errors="ignore")


DOOR = Capability(
    name="log",
    purpose="Write to the plugin's log",
    verbs=("write",),
    resource="level",
    open=_open,
    needs_grant=False,
    lengthy=False,
)
