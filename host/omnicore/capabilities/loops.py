"""The loops door: functions of a plugin take part in the cycles of lanes. It has no verbs, only a scope."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from omnicore.capabilities.capability import Capability, PluginScope, Verb
from omnicore.capabilities.scope import REQUIRED, patterns
from omnicore.capabilities.services import Services

LANES = ("reflexive", "reactive", "adaptive", "deliberative", "evolutionary", "transformative", "transcendent")


def may_take_part(scope: Mapping[str, Any] | None, lane: str) -> bool:
    """True when a scope, None where the door is closed, lets a lane call the plugin's functions."""
    return scope is not None and lane in scope["lanes"]


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    return {}  # lanes call the plugin; there is nothing it could call


DOOR = Capability(
    name="loops",
    purpose="Take part in lanes",
    verbs=(),
    resource="lane",
    open=_open,
    scope={
        "lanes": patterns(
            REQUIRED,
            f"a list of lanes, each one of {', '.join(LANES)}",
            valid=lambda lane: lane in LANES,
            covers=lambda granted, asked: granted == asked,
        ),
    },
)
