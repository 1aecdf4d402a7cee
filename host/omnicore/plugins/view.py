"""What people and programs are shown of a plugin."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

from omnicore.capabilities.grants import CapabilityRequest, Grant
from omnicore.plugins.limits import effective_limits
from omnicore.plugins.manifest import FunctionSpec, Manifest
from omnicore.sandbox.abi import Limits
from omnicore.storage.tables.plugins import PluginRow

__all__ = ["Change", "PluginView", "State", "Trust", "view_of"]

Trust = Literal["sandboxed", "native"]
State = Literal["enabled", "needs-grant", "disabled", "quarantined", "rejected"]


@dataclass(frozen=True, slots=True)
class Change:
    """Something the newest version of a plugin asks for and has not been granted, or no longer asks for.

    `granted` is the scope it has now, None when it has none; `command` is what grants it. Of what is narrower or
    dropped nothing is to be granted: `granted` is what the version before asks for, and `command` is empty.
    """

    capability: str
    change: Literal["new", "wider", "narrower", "dropped"]
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

    def fits(self, state: State | None, text: str) -> bool:
        """Whether it is in a state, None for any, and has a text in its name, path or reason."""
        part = text.lower()
        return state in (None, self.state) and any(part in one.lower() for one in (self.name, self.path, self.reason))

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


def view_of(row: PluginRow, grants: Sequence[Grant], limits: tuple[Limits, Limits]) -> PluginView:
    """A row of the catalogue as people are shown it. `limits` are the defaults and the most."""
    manifest = Manifest.from_json(row.manifest) if row.manifest else Manifest(row.name)
    error = {**json.loads(row.last_error), "at": row.last_error_at} if row.last_error else None
    return PluginView(
        name=row.name,
        version=manifest.version,
        description=manifest.description,
        author=manifest.author,
        hash=row.hash,
        serving=None if row.switched_off else row.serving,
        state=row.state,  # type: ignore[arg-type]  # the column holds what next_state decided
        reason=row.reason,
        functions=manifest.functions,
        asked=manifest.capabilities,
        granted=tuple(grants),
        limits=asdict(effective_limits(manifest.limits, *limits)),
        config=manifest.config,
        last_error=error,
        path=row.path,
    )
