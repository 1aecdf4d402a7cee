"""What people and programs are shown of a plugin."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from omnicore.capabilities.grants import CapabilityRequest, Grant
from omnicore.plugins.manifest import FunctionSpec

__all__ = ["Change", "PluginView", "State", "Trust"]

Trust = Literal["sandboxed", "native"]
State = Literal["enabled", "needs-grant", "disabled", "quarantined", "rejected"]


@dataclass(frozen=True, slots=True)
class Change:
    """Something the newest version of a plugin asks for and has not been granted.

    `granted` is the scope it has now, None when it has none; `command` is what grants it.
    """

    capability: str
    change: Literal["new", "wider"]
    asked: Mapping[str, Any]
    granted: Mapping[str, Any] | None
    reason: str
    command: str

    def to_json(self) -> dict[str, Any]:
        """The change as REST and `-o json` show it."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PluginView:
    """A plugin as the catalogue knows it.

    `hash` is the newest usable version of the file, `serving` the one that answers calls: None when none
    does, another one than `hash` while a change waits for a grant or cannot be used. `last_error` is the last
    failure of a call, with `at` in seconds since the Unix epoch. `path` is relative to the plugin folder.

    `trust` is `native` for a plugin in Python, which is code in the host's own process and has no sandbox: its
    `path` is `package.module:Name`.
    """

    name: str
    version: str
    description: str
    author: str
    hash: str | None
    serving: str | None
    state: State
    reason: str
    functions: tuple[FunctionSpec, ...]
    asked: tuple[CapabilityRequest, ...]
    granted: tuple[Grant, ...]
    limits: Mapping[str, Any]
    config: Mapping[str, Any] | None
    last_error: Mapping[str, Any] | None
    path: str
    trust: Trust = "sandboxed"

    def to_json(self) -> dict[str, Any]:
        """The view as REST and `-o json` show it."""
        values = {name: getattr(self, name) for name in self.__dataclass_fields__}
        values["functions"] = {function.name: function.to_json() for function in self.functions}
        values["asked"] = [{"name": one.name, "scope": dict(one.scope), "reason": one.reason} for one in self.asked]
        values["granted"] = [
            {
                "capability": one.capability,
                "scope": dict(one.scope),
                "granted_by": one.granted_by,
                "granted_at": one.granted_at,
            }
            for one in self.granted
        ]
        return values
