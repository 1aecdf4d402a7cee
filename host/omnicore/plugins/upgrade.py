"""What is different between two versions of a plugin, for the person who decides. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from omnicore.capabilities.grants import CapabilityRequest, Grant, covers
from omnicore.plugins.limits import effective_limits
from omnicore.plugins.manifest import FunctionSpec, Manifest
from omnicore.plugins.view import Change
from omnicore.sandbox.abi import Limits

__all__ = [
    "NO_UPGRADE",
    "FunctionChange",
    "Upgrade",
    "VersionView",
    "capability_changes",
    "function_changes",
    "limit_changes",
]


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version that is kept. `newest` is the one in the folder. Units: `seen_at` seconds since the Unix epoch."""

    hash: str
    version: str
    size_bytes: int
    seen_at: float
    serving: bool
    newest: bool
    turned_away: bool
    functions: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """The version as REST and `-o json` show it."""
        return {**asdict(self), "functions": list(self.functions)}


@dataclass(frozen=True, slots=True)
class FunctionChange:
    """A function that both versions have, and that takes or gives something else in the newer one."""

    name: str
    before: FunctionSpec
    after: FunctionSpec

    def to_json(self) -> dict[str, Any]:
        """The change as REST and `-o json` show it."""
        return {"name": self.name, "before": self.before.to_json(), "after": self.after.to_json()}


@dataclass(frozen=True, slots=True)
class Upgrade:
    """From the version that answers calls to the one in the folder.

    `waiting` says that the newer one asks for more than was granted; `kept` who turned it away and when.
    `limits` maps names to what they are and what they would be.
    """

    before: VersionView | None
    after: VersionView | None
    waiting: bool
    kept: Mapping[str, Any] | None
    changes: tuple[Change, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[FunctionChange, ...]
    limits: Mapping[str, tuple[Any, Any]]

    def to_json(self) -> dict[str, Any]:
        """The difference as REST and `-o json` show it."""
        return {
            "from": self.before.to_json() if self.before else None,
            "to": self.after.to_json() if self.after else None,
            "waiting": self.waiting,
            "kept": self.kept,
            "changes": [change.to_json() for change in self.changes],
            "functions": {
                "added": list(self.added),
                "removed": list(self.removed),
                "changed": [change.to_json() for change in self.changed],
            },
            "limits": {name: {"from": old, "to": new} for name, (old, new) in self.limits.items()},
        }


NO_UPGRADE = Upgrade(None, None, False, None, (), (), (), (), {})
"""That of a plugin without versions."""


def capability_changes(
    plugin: str,
    before: Manifest | None,
    after: Manifest,
    *,
    missing: Sequence[CapabilityRequest],
    grants: Sequence[Grant],
) -> Iterator[Change]:
    """What the newer version asks for beyond its grants, and then what it asks for no more or less of."""
    granted = {grant.capability: grant.scope for grant in grants}
    for request in missing:
        yield Change(
            request.name,
            "wider" if request.name in granted else "new",
            request.scope,
            granted.get(request.name),
            request.reason,
            f"omnicore plugins grant {plugin} {request.name}",
        )
    waits = {request.name for request in missing}
    asked = {request.name: request for request in after.capabilities}
    for old in before.capabilities if before is not None else ():
        new = asked.get(old.name)
        if new is None:
            yield Change(old.name, "dropped", {}, old.scope, old.reason, "")
        elif old.name not in waits and not covers(Grant(old.name, new.scope, "", 0.0), old):
            yield Change(old.name, "narrower", new.scope, old.scope, new.reason, "")


def function_changes(
    before: Manifest | None, after: Manifest
) -> tuple[tuple[str, ...], tuple[str, ...], tuple[FunctionChange, ...]]:
    """Functions that came, that went, and that take or give something else."""
    old = {one.name: one for one in before.functions} if before is not None else {}
    new = {one.name: one for one in after.functions}
    changed = (FunctionChange(name, old[name], one) for name, one in new.items() if name in old and one != old[name])
    return (
        tuple(name for name in new if name not in old),
        tuple(name for name in old if name not in new),
        tuple(changed),
    )


def limit_changes(
    before: Manifest | None, after: Manifest, limits: tuple[Limits, Limits]
) -> Mapping[str, tuple[Any, Any]]:
    """Limits that would be others, each with what holds now. `limits` are the defaults and the most."""
    if before is None:
        return {}
    old, new = (asdict(effective_limits(one.limits, *limits)) for one in (before, after))
    return {name: (old[name], new[name]) for name in new if old[name] != new[name]}
