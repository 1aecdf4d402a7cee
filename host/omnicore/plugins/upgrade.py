"""Upgrades: the kept versions of a plugin, and the difference between two of them, for the person who decides."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass, replace
from typing import Any

from omnicore.capabilities.capability import Capability, CapabilityRequest, Grant
from omnicore.capabilities.doors import covers
from omnicore.errors import InvalidInput, NotFound, StorageFailed
from omnicore.plugins.catalogue import Catalogue
from omnicore.plugins.manifest import Manifest, effective_limits, missing_of
from omnicore.plugins.schemas import FunctionSpec
from omnicore.plugins.view import FleetView, GrantChange, HostView, SourceView
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.inspect import ModuleInfo, inspect
from omnicore.storage.modules import ModuleStore
from omnicore.storage.tables.plugins import Acceptance, PluginRow, VersionRow, identity


@dataclass(frozen=True, slots=True)
class VersionView:
    """A version that is kept. `newest` is the one in the folder; `accepted` says who accepted it and when.

    Units: `seen_at` seconds since the Unix epoch.
    """

    hash: str
    version: str
    size_bytes: int
    seen_at: float
    serving: bool
    newest: bool
    turned_away: bool
    accepted: Mapping[str, Any] | None
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
class CodeChange:
    """Names in the code itself: what it exports, and what it imports as `namespace::name`."""

    exports_added: tuple[str, ...] = ()
    exports_removed: tuple[str, ...] = ()
    imports_added: tuple[str, ...] = ()
    imports_removed: tuple[str, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """The change as REST and `-o json` show it."""
        return {
            "exports": {"added": list(self.exports_added), "removed": list(self.exports_removed)},
            "imports": {"added": list(self.imports_added), "removed": list(self.imports_removed)},
        }


@dataclass(frozen=True, slots=True)
class Upgrade:
    """From the version that answers calls, or was accepted last, to the one in the folder.

    `digest` stands for the newer one, its bytes and the manifest beside them; `review` says why a person has to accept
    it. `waiting` says that it waits for a person; `kept` who turned it away and when. `lower` says that its version is
    lower than the one before. `limits` maps names to what they are and what they would be.
    """

    before: VersionView | None
    after: VersionView | None
    digest: str
    review: str
    lower: bool
    waiting: bool
    kept: Mapping[str, Any] | None
    changes: tuple[GrantChange, ...]
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[FunctionChange, ...]
    limits: Mapping[str, tuple[Any, Any]]
    code: CodeChange

    def to_json(self) -> dict[str, Any]:
        """The difference as REST and `-o json` show it."""
        return {
            "from": self.before.to_json() if self.before else None,
            "to": self.after.to_json() if self.after else None,
            "digest": self.digest,
            "review": self.review,
            "lower": self.lower,
            "waiting": self.waiting,
            "kept": self.kept,
            "changes": [change.to_json() for change in self.changes],
            "functions": {
                "added": list(self.added),
                "removed": list(self.removed),
                "changed": [change.to_json() for change in self.changed],
            },
            "limits": {name: {"from": old, "to": new} for name, (old, new) in self.limits.items()},
            "code": self.code.to_json(),
        }


NO_CODE = CodeChange()
NO_UPGRADE = Upgrade(None, None, "", "", False, False, None, (), (), (), (), {}, NO_CODE)
"""That of a plugin without versions."""


def capability_changes(
    plugin: str,
    before: Manifest | None,
    after: Manifest,
    *,
    missing: Sequence[CapabilityRequest],
    grants: Sequence[Grant],
    doors: Mapping[str, Capability],
    review: bool = False,
) -> Iterator[GrantChange]:
    """Requests of the newer version beyond its grants, then those that it dropped or reduced. `doors`: all by name."""
    granted = {grant.capability: grant.scope for grant in grants}
    approve = f"omnicore plugins upgrade {plugin} --approve" if review else ""
    for request in missing:
        yield GrantChange(
            request.name,
            "wider" if request.name in granted else "new",
            request.scope,
            granted.get(request.name),
            request.reason,
            approve or f"omnicore plugins grant {plugin} {request.name}",
        )
    waits = {request.name for request in missing}
    asked = {request.name: request for request in after.capabilities}
    for old in before.capabilities if before is not None else ():
        new = asked.get(old.name)
        if new is None:
            yield GrantChange(old.name, "dropped", {}, old.scope, old.reason, "")
        elif old.name not in waits and not covers(Grant(old.name, new.scope, "", 0.0), old, doors):
            yield GrantChange(old.name, "narrower", new.scope, old.scope, new.reason, "")


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


def code_change(before: ModuleInfo, after: ModuleInfo) -> CodeChange:
    """Exports and imports that the newer code added and dropped."""
    exports = [[one.name for one in info.exports if one.kind == "function"] for info in (before, after)]
    imports = [[f"{one.module}::{one.name}" for one in info.imports] for info in (before, after)]
    return CodeChange(
        _beyond(exports[1], exports[0]),
        _beyond(exports[0], exports[1]),
        _beyond(imports[1], imports[0]),
        _beyond(imports[0], imports[1]),
    )


def is_lower(before: str, after: str) -> bool:
    """True when a version comes before another one; words that are no versions have no order."""
    old, new = version_order(before), version_order(after)
    return old is not None and new is not None and new < old


def version_order(text: str) -> tuple[Any, ...] | None:
    """The place of a version among others, None for words that are no version."""
    found = _VERSION.fullmatch(text)
    return _order(found) if found is not None else None


def version_views(catalogue: Catalogue, row: PluginRow) -> list[VersionView]:
    """The versions of a plugin that are kept, the one seen last first."""
    away, sidecars = catalogue.versions.turned_away(row.name), catalogue.versions.sidecars(row.name)
    accepted = catalogue.consent.of(row.name)
    return [
        _version_view(
            one,
            row,
            turned_away=identity(one.hash, sidecars.get(one.hash)) in away,
            accepted=next((each for each in accepted if each.hash == one.hash), None),
        )
        for one in catalogue.versions.of(row.name)
    ]


def kept_version(catalogue: Catalogue, row: PluginRow, digest: str) -> VersionRow:
    """The version of a plugin with a hash, or with one that begins so. Raises: InvalidInput, NotFound."""
    if len(digest) < _LEAST_HASH or not digest.isalnum():
        raise InvalidInput(
            f"{digest[:80]!r} is no hash of a version", remedy=f"give its first {_LEAST_HASH} characters or more"
        )
    found = [one for one in catalogue.versions.of(row.name) if one.hash.startswith(digest)]
    if len(found) > 1:
        raise InvalidInput(f"{digest} fits {len(found)} versions", remedy="give more of its characters")
    if not found:
        raise NotFound(
            f"no version {digest[:64]} of {row.name} is kept", remedy=f"see `omnicore plugins versions {row.name}`"
        )
    return found[0]


def fleet_view(catalogue: Catalogue, row: PluginRow) -> FleetView:
    """A plugin at all hosts."""
    fleet, hosts = catalogue.fleet, catalogue.fleet.hosts()
    named = {"": "this host"} | {host: one.name for host, one in hosts.items()}
    accepted = {row.serving, *(row.shares or ())}
    sources = tuple(
        SourceView(
            named.get(one.host, one.host),
            one.host,
            one.path,
            one.hash,
            one.problem,
            agrees=one.hash in accepted,
            removed=one.removed,
            at=one.at,
        )
        for one in fleet.proposals(row.name)
    )
    seen = tuple(
        HostView(
            named.get(one.host, one.host),
            one.host,
            one.hash,
            one.state,  # type: ignore[arg-type]  # the column holds what `Version.condition` says
            one.error,
            lags=one.hash not in accepted,
            since=one.since,
        )
        for one in fleet.observed(row.name)
    )
    return FleetView(sources, seen)


def whole_shares(catalogue: Catalogue, row: PluginRow, shares: Mapping[str, int]) -> Mapping[str, int]:
    """Shares of calls by whole hashes. Raises: NotFound: no such version. InvalidInput: they are no shares."""
    whole = {
        kept_version(catalogue, row, digest).hash: percent for digest, percent in list(shares.items())[:_MOST_SHARES]
    }
    fair = all(type(percent) is int and percent > 0 for percent in whole.values()) and sum(whole.values()) == 100
    if not fair or len(whole) != len(shares):
        raise InvalidInput(
            f"these are no shares of 1 to {_MOST_SHARES} versions",
            remedy="give whole numbers above 0 that are 100 together",
            path="shares",
        )
    return whole


def _version_view(
    version: VersionRow, row: PluginRow, *, turned_away: bool, accepted: Acceptance | None
) -> VersionView:
    manifest = Manifest.from_json(version.manifest)
    return VersionView(
        version.hash,
        manifest.version,
        version.size,
        version.seen_at,
        serving=version.hash == row.serving and not row.switched_off,
        newest=version.hash == row.hash,
        turned_away=turned_away,
        accepted={"who": accepted.who, "at": accepted.at} if accepted is not None else None,
        functions=tuple(one.name for one in manifest.functions),
    )


def upgrade_of(catalogue: Catalogue, row: PluginRow) -> Upgrade:
    """Everything that differs between the version that answers calls and the one in the folder."""
    name = row.name
    views = {one.hash: one for one in version_views(catalogue, row)}
    digest, review, missing = catalogue.waiting(row)
    # What was accepted may not serve, as where its file was away: it is what the newer one is compared with.
    held = row.serving or next((one.hash for one in catalogue.consent.of(name) if review), "")
    before, after = views.get(held), views.get(row.hash or "")
    new = Manifest.from_json(row.manifest) if row.manifest and after is not None else Manifest(name)
    old = catalogue.manifest(name, held) if before is not None else None
    if before == after and old == new:
        old = None
    elif before is not None and before == after and old is not None:
        after = replace(before, version=new.version, functions=tuple(one.name for one in new.functions))
    away = catalogue.versions.turned_away(name).get(digest)
    added, removed, changed = function_changes(old, new) if old is not None else ((), (), ())
    grants = catalogue.granted(name)
    return Upgrade(
        before,
        after,
        digest=digest,
        review=review,
        lower=before is not None and after is not None and is_lower(before.version, after.version),
        waiting=bool(review or missing) and away is None,
        kept={"who": away.who, "at": away.at} if away is not None else None,
        changes=tuple(
            capability_changes(
                name, old, new, missing=missing, grants=grants, doors=catalogue.consent.doors, review=bool(review)
            )
        ),
        added=added,
        removed=removed,
        changed=changed,
        limits=limit_changes(old, new, catalogue.limits),
        code=_code_between(catalogue.modules, before, after),
    )


def proposal(catalogue: Catalogue, manifest: Manifest, module: bytes) -> Upgrade:
    """Everything that would differ if a file were installed that is not here yet: it asks for all it has no grant for.

    Its `digest` is empty, for nothing of it is kept.
    """
    name, row = manifest.name, catalogue.find(manifest.name)
    known = row if row is not None and row.present else None
    held = (known.serving or known.hash or "") if known is not None else ""
    before = next((one for one in version_views(catalogue, known) if one.hash == held), None) if known else None
    old, info = catalogue.manifest(name, held) if before is not None else None, inspect(module)
    hash_ = hashlib.sha256(module).hexdigest()
    functions = tuple(one.name for one in manifest.functions)
    after = VersionView(hash_, manifest.version, len(module), 0.0, False, True, False, None, functions)
    grants = catalogue.granted(name) if known is not None else ()
    missing = missing_of(manifest.to_json(), grants, catalogue.limits, catalogue.consent.doors)
    added, removed, changed = function_changes(old, manifest) if old is not None else (functions, (), ())
    code, doors = NO_CODE, catalogue.consent.doors
    if before is not None and before.hash != hash_:
        with suppress(StorageFailed):  # the bytes of the one before are gone; all else is still shown
            code = code_change(inspect(catalogue.modules.get(before.hash)), info)
    return Upgrade(
        before,
        after,
        digest="",
        review="",
        lower=before is not None and is_lower(before.version, after.version),
        waiting=bool(missing),
        kept=None,
        changes=tuple(capability_changes(name, old, manifest, missing=missing, grants=grants, doors=doors)),
        added=added,
        removed=removed,
        changed=changed,
        limits=limit_changes(old, manifest, catalogue.limits),
        code=code,
    )


def _code_between(modules: ModuleStore, before: VersionView | None, after: VersionView | None) -> CodeChange:
    if before is None or after is None or before.hash == after.hash:
        return NO_CODE
    try:
        return code_change(inspect(modules.get(before.hash)), inspect(modules.get(after.hash)))
    except StorageFailed:  # the bytes of one of them are gone; all else is still shown
        return NO_CODE


_VERSION = re.compile(r"v?(\d{1,18}(?:\.\d{1,18}){0,7})(?:-([0-9A-Za-z.-]{1,128}))?(?:\+.*)?")
_PARTS = 8
_LEAST_HASH = 8
_MOST_SHARES = 4


def _order(version: re.Match[str]) -> tuple[Any, ...]:
    """Source: Semantic Versioning 2.0.0, section 11, with any count of numbers."""
    numbers = [int(one) for one in version[1].split(".")]
    early = [(not one.isdigit(), int(one) if one.isdigit() else 0, one) for one in (version[2] or "").split(".")]
    return (*numbers, *[0] * (_PARTS - len(numbers)), version[2] is None, early)


def _beyond(names: Iterable[str], others: Iterable[str]) -> tuple[str, ...]:
    known = set(others)
    return tuple(sorted({name for name in names if name not in known}))
