"""The catalogue: which plugins there are, what they were granted, which version of each serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field, replace

from omnicore.capabilities.grants import CapabilityRequest, Grant, missing
from omnicore.clock import Clock
from omnicore.errors import Conflict, NotFound, OmniError
from omnicore.plugins.intake import Arrival
from omnicore.plugins.limits import effective_limits
from omnicore.plugins.manifest import Manifest
from omnicore.plugins.states import Facts, Standing, next_state
from omnicore.plugins.view import Change, PluginView
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.engine import Template
from omnicore.storage.modules import ModuleStore
from omnicore.storage.store import Store
from omnicore.storage.tables.grants import GrantRow, GrantsTable
from omnicore.storage.tables.plugins import PluginRow, PluginsTable, VersionRow

__all__ = ["Catalogue", "Serving"]


@dataclass(frozen=True, slots=True)
class Serving:
    """A version that answers calls, with all that its doors are opened from.

    `load` makes what runs it where that is no file the host keeps.
    """

    name: str
    hash: str
    manifest: Manifest
    grants: tuple[Grant, ...]
    quarantined: bool = field(compare=False)
    load: Callable[[], Template] | None = field(default=None, compare=False, repr=False)


class Catalogue:
    """Everything the host remembers of its plugins. What a method changed is on the disk when it returns.

    Args:
        limits: the defaults, and the most a manifest may ask for.
        accept: tries a version before it begins to serve and returns why it cannot, or "".
    """

    def __init__(
        self,
        database: Store,
        modules: ModuleStore,
        clock: Clock,
        *,
        limits: tuple[Limits, Limits],
        accept: Callable[[Serving], str],
    ) -> None:
        self._plugins = PluginsTable(database)
        self._grants = GrantsTable(database)
        self._modules = modules
        self._clock = clock
        self._limits = limits
        self._accept = accept

    # -- what is there

    def rows(self) -> list[PluginRow]:
        """Every row, those whose file is gone among them."""
        return self._plugins.all()

    def row(self, name: str) -> PluginRow:
        """The row of a plugin whose file is there. Raises: NotFound."""
        row = self._plugins.get(name)
        if row is None or not row.present:
            raise NotFound(f"there is no plugin {name!r}", remedy="see `omnicore plugins ls`", plugin=name)
        return row

    def states(self) -> dict[str, int]:
        """How many plugins whose file is there are in each state."""
        return self._plugins.count_states()

    def kept(self) -> set[str]:
        """The hashes of the versions whose bytes are there."""
        return self._modules.kept()

    def find(self, name: str) -> PluginRow | None:
        """The row of a plugin, its file there or not, or None."""
        return self._plugins.get(name)

    def views(self) -> list[PluginView]:
        """Every plugin whose file is there, by name."""
        grants = self._grants.all()
        return [self._view(row, grants.get(row.name, ())) for row in self.rows() if row.present]

    def view(self, name: str) -> PluginView:
        """One plugin. Raises: NotFound."""
        return self._view(self.row(name), self._grants.of(name))

    def serving(self, row: PluginRow) -> Serving | None:
        """The version that answers calls, or None: switched off, waiting, or never usable."""
        if row.serving is None or row.switched_off or not row.present:
            return None
        version = self._plugins.version(row.name, row.serving)
        if version is None:
            return None
        manifest = Manifest.from_json(version.manifest)
        return Serving(row.name, row.serving, manifest, self._granted(row.name), row.state == "quarantined")

    def differences(self, name: str) -> list[Change]:
        """What the newest version asks for beyond its grants. Raises: NotFound."""
        row = self.row(name)
        granted = {grant.capability: grant for grant in self._granted(name)}
        return [
            Change(
                request.name,
                "wider" if request.name in granted else "new",
                request.scope,
                granted[request.name].scope if request.name in granted else None,
                request.reason,
                f"omnicore plugins grant {name} {request.name}",
            )
            for request in self._missing(row.manifest, tuple(granted.values()))
        ]

    # -- what changes

    def arrive(self, row: PluginRow | None, arrival: Arrival, verified: str) -> PluginRow:
        """Records what a look at a file found. `row` is what is known under its name."""
        now = self._clock.now()
        base = row or _blank(arrival, now)
        changed = replace(
            base,
            path=arrival.path,
            signature=arrival.signature,
            problem=arrival.problem,
            verified=verified,
            changed_at=now,
            present=True,
        )
        if arrival.manifest is not None:
            digest, text = self._modules.put(arrival.module), arrival.manifest.to_json()
            self._plugins.keep_version(VersionRow(base.name, digest, text, len(arrival.module), now))
            changed = replace(changed, hash=digest, manifest=text)
        return self.decide(changed)

    def decide(self, row: PluginRow, *, quarantine: str = "") -> PluginRow:
        """Works out a row's state from what is known, and records it."""
        standing = self._standing(row, quarantine)
        if standing.serving not in (None, row.serving):
            problem = self._accept(self._candidate(row))
            if problem:
                row = replace(row, problem=problem)
                standing = self._standing(row, quarantine)
        decided = replace(row, state=standing.state, reason=standing.reason, serving=standing.serving)
        self._plugins.save(decided)
        return decided

    def grant(self, name: str, capability: str | None, *, who: str) -> PluginRow:
        """Grants what the newest version asks for: one capability, or for None all of it.

        Raises: NotFound: no such plugin. Conflict: it does not ask for that.
        """
        row = self.row(name)
        asked = Manifest.from_json(row.manifest).capabilities if row.manifest else ()
        chosen = [one for one in missing(asked, ()) if capability in (None, one.name)]
        if capability is not None and not chosen:
            wanted = ", ".join(one.name for one in asked) or "nothing"
            raise Conflict(
                f"{name} does not ask for {capability}, only for {wanted}",
                remedy="a grant needs both sides: let its manifest ask first",
            )
        for request in chosen:
            self._grants.give(GrantRow(name, request.name, request.scope, who, self._clock.now()))
        return self.decide(row)

    def revoke(self, name: str, capability: str) -> PluginRow:
        """Takes a grant back. Raises: NotFound: no such plugin or grant."""
        row = self.row(name)
        if not self._grants.take(name, capability):
            raise NotFound(f"{name} has no grant for {capability}", remedy=f"see `omnicore plugins inspect {name}`")
        return self.decide(row)

    def switch(self, name: str, *, on: bool) -> PluginRow:
        """Enables or disables. Enabling also ends a quarantine. Raises: NotFound."""
        row = replace(self.row(name), switched_off=not on, changed_at=self._clock.now())
        return self.decide(row)

    def quarantine(self, name: str, reason: str) -> PluginRow:
        """Records that a plugin failed too often. Raises: NotFound."""
        row = replace(self.row(name), changed_at=self._clock.now())
        return self.decide(row, quarantine=reason) if row.state == "enabled" else row

    def recover(self, name: str) -> PluginRow:
        """Records that a plugin in quarantine answers again. Raises: NotFound."""
        row = self.row(name)
        return self.decide(row) if row.state == "quarantined" else row

    def fail(self, name: str, digest: str, problem: str) -> PluginRow:
        """Records that a version turned out unusable when it was loaded. Raises: NotFound."""
        row = self.row(name)
        serving = None if row.serving == digest else row.serving
        return self.decide(replace(row, problem=problem if row.hash == digest else row.problem, serving=serving))

    def gone(self, row: PluginRow) -> None:
        """Records that a file is no longer there; what was usable keeps its grants, should it come back."""
        if row.hash is None:
            self._plugins.forget(row.name)
        else:
            self._plugins.save(replace(row, present=False, signature=""))

    def look_again(self, row: PluginRow) -> PluginRow:
        """Makes the next pass read a file once more."""
        fresh = replace(row, signature="")
        self._plugins.save(fresh)
        return fresh

    def rename(self, row: PluginRow, name: str) -> PluginRow:
        """Lists a file that never was usable under another name."""
        self._plugins.forget(row.name)
        renamed = replace(row, name=name)
        self._plugins.save(renamed)
        return renamed

    def forget(self, name: str) -> None:
        """Drops a plugin, its versions and its grants."""
        self._grants.forget(name)
        self._plugins.forget(name)

    def tidy(self) -> None:
        """Deletes the bytes of versions nobody serves or waits for."""
        self._modules.keep_only(self._plugins.drop_unused())

    def record_error(self, name: str, error: OmniError) -> None:
        """Keeps the last failure of a call."""
        self._plugins.record_error(name, json.dumps(error.to_json(), default=str), self._clock.now())

    # -- inner parts

    def _standing(self, row: PluginRow, quarantine: str) -> Standing:
        grants = self._granted(row.name)
        serving = self._plugins.version(row.name, row.serving) if row.serving else None
        return next_state(
            Facts(
                newest=row.hash,
                serving=row.serving if serving else None,
                problem=row.problem,
                switched_off=row.switched_off,
                quarantine=quarantine,
                missing=self._missing(row.manifest, grants),
                serving_missing=self._missing(serving.manifest if serving else None, grants),
            )
        )

    def _candidate(self, row: PluginRow) -> Serving:
        manifest = Manifest.from_json(row.manifest or "")
        return Serving(row.name, row.hash or "", manifest, self._granted(row.name), quarantined=False)

    def _granted(self, name: str) -> tuple[Grant, ...]:
        return tuple(_grant(row) for row in self._grants.of(name))

    def _missing(self, manifest: str | None, grants: Sequence[Grant]) -> list[CapabilityRequest]:
        if manifest is None:
            return []
        asked = Manifest.from_json(manifest).capabilities
        return missing(asked, grants)

    def _view(self, row: PluginRow, grants: Sequence[GrantRow]) -> PluginView:
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
            granted=tuple(_grant(one) for one in grants),
            limits=asdict(effective_limits(manifest.limits, *self._limits)),
            config=manifest.config,
            last_error=error,
            path=row.path,
        )


def _blank(arrival: Arrival, now: float) -> PluginRow:
    return PluginRow(
        name=arrival.name,
        path=arrival.path,
        signature="",
        hash=None,
        manifest=None,
        state="rejected",
        reason="",
        problem="",
        switched_off=False,
        serving=None,
        verified="",
        last_error=None,
        last_error_at=None,
        added_at=now,
        changed_at=now,
        present=True,
    )


def _grant(row: GrantRow) -> Grant:
    return Grant(capability=row.capability, scope=row.scope, granted_by=row.granted_by, granted_at=row.granted_at)
