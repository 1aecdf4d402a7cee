"""The catalogue: which plugins there are, what they were granted, which version of each serves."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from omnicore.capabilities.grants import CapabilityRequest, Grant, missing
from omnicore.clock import Clock
from omnicore.errors import Conflict, NotFound, OmniError
from omnicore.plugins.intake import Arrival
from omnicore.plugins.manifest import Manifest
from omnicore.plugins.states import Facts, Standing, next_state
from omnicore.plugins.view import Change, PluginView, view_of
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.engine import Template
from omnicore.storage.modules import ModuleStore
from omnicore.storage.store import Store
from omnicore.storage.tables.grants import GrantRow, GrantsTable
from omnicore.storage.tables.plugin_config import PluginConfigTable
from omnicore.storage.tables.plugins import PluginRow, PluginsTable, VersionRow
from omnicore.storage.tables.versions import TurnedAwayRow, VersionsTable

__all__ = ["Catalogue", "Serving"]


@dataclass(frozen=True, slots=True)
class Serving:
    """A version that answers calls, with all that its doors are opened from.

    `settings` are those that were stored for it, above the host's own. `load` makes what runs it where that is no
    file the host keeps.
    """

    name: str
    hash: str
    manifest: Manifest
    grants: tuple[Grant, ...]
    quarantined: bool = field(compare=False)
    settings: Mapping[str, Any] = field(default_factory=dict, repr=False)
    load: Callable[[], Template] | None = field(default=None, compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class _Ruling:
    """What a person decided, to be recorded together with what follows from it, or not at all."""

    give: tuple[GrantRow, ...] = ()
    take: str | None = None
    turn_away: TurnedAwayRow | None = None
    welcome: bool = False

    def of(self, grants: Sequence[Grant]) -> tuple[Grant, ...]:
        """The grants there will be."""
        over = {self.take, *(one.capability for one in self.give)}
        return (*(one for one in grants if one.capability not in over), *map(_grant, self.give))


_NO_RULING = _Ruling()


class Catalogue:
    """Everything the host remembers of its plugins. What a method changed is on the disk when it returns.

    Args:
        limits: the defaults, and the most a manifest may ask for.
        keep: how many earlier versions of a plugin are kept.
        accept: tries a version before it begins to serve and returns why it cannot, or "".
    """

    def __init__(
        self,
        database: Store,
        modules: ModuleStore,
        clock: Clock,
        *,
        limits: tuple[Limits, Limits],
        keep: int,
        accept: Callable[[Serving], str],
    ) -> None:
        self._database = database
        self._plugins = PluginsTable(database)
        self._versions = VersionsTable(database)
        self._config = PluginConfigTable(database)
        self._grants = GrantsTable(database)
        self._modules = modules
        self._clock = clock
        self.limits = limits
        self._keep = keep
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

    def page(self, after: str, limit: int, *, state: str | None = None, text: str = "") -> list[PluginView]:
        """Up to `limit` plugins by name, from behind `after` on; see `PluginsTable.page`."""
        rows = self._plugins.page(after, limit, state=state, text=text)
        grants = self._grants.between(rows[0].name, rows[-1].name) if rows else {}
        return [self._view(row, grants.get(row.name, ())) for row in rows]

    def view(self, name: str) -> PluginView:
        """One plugin. Raises: NotFound."""
        return self._view(self.row(name), self._grants.of(name))

    def view_at(self, path: str) -> PluginView:
        """The plugin whose file is at a path of the folder. Raises: NotFound."""
        row = self._plugins.at(path)
        return self.view(row.name if row is not None else path)

    def serving(self, row: PluginRow) -> Serving | None:
        """The version that answers calls, or None: switched off, waiting, or never usable."""
        if row.serving is None or row.switched_off or not row.present:
            return None
        version = self._plugins.version(row.name, row.serving)
        if version is None:
            return None
        manifest = Manifest.from_json(version.manifest)
        quarantined = row.state == "quarantined"
        return Serving(row.name, row.serving, manifest, self.granted(row.name), quarantined, self._config.of(row.name))

    def granted(self, name: str) -> tuple[Grant, ...]:
        """What a plugin was granted, whether it asks for it or not."""
        return tuple(_grant(row) for row in self._grants.of(name))

    def differences(self, name: str) -> list[Change]:
        """What the newest version asks for beyond its grants. Raises: NotFound."""
        row = self.row(name)
        granted = {grant.capability: grant for grant in self.granted(name)}
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
            if arrival.text is not None:
                self._modules.put_text(digest, arrival.text)
            self._versions.keep_sidecar(base.name, digest, arrival.sidecar)
            self._plugins.keep_version(VersionRow(base.name, digest, text, len(arrival.module), now))
            changed = replace(changed, hash=digest, manifest=text)
        return self.decide(changed)

    def decide(self, row: PluginRow, *, quarantine: str = "", ruling: _Ruling = _NO_RULING) -> PluginRow:
        """Works out a row's state from what is known, and records it with what a person decided."""
        grants = ruling.of(self.granted(row.name))
        away = self._is_turned_away(row, ruling)
        standing = self._standing(row, quarantine, grants, away=away)
        if standing.serving not in (None, row.serving):
            problem = self._accept(self._candidate(row, grants))
            if problem:
                row = replace(row, problem=problem)
                standing = self._standing(row, quarantine, grants, away=away)
        decided = replace(row, state=standing.state, reason=standing.reason, serving=standing.serving)
        self._record(decided, ruling)
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
        now = self._clock.now()
        given = tuple(GrantRow(name, one.name, one.scope, who, now) for one in chosen)
        return self.decide(row, ruling=_Ruling(give=given, welcome=True))

    def turn_away(self, name: str, *, who: str) -> PluginRow:
        """Leaves the serving version in service and asks no more for the one that waits.

        Raises: NotFound: no such plugin. Conflict: no version waits, or no other one serves.
        """
        row = self.row(name)
        if row.hash is None or not self._missing(row.manifest, self.granted(name)):
            raise Conflict(
                f"no version of {name} waits for a decision",
                remedy=f"see `omnicore plugins versions {name}` for those to go back to",
            )
        if row.serving in (None, row.hash):
            raise Conflict(
                f"no earlier version of {name} serves that could be kept",
                remedy=f"grant what it asks for, or run `omnicore plugins disable {name}`",
            )
        return self.decide(row, ruling=_Ruling(turn_away=TurnedAwayRow(name, row.hash, who, self._clock.now())))

    def revoke(self, name: str, capability: str) -> PluginRow:
        """Takes a grant back. Raises: NotFound: no such plugin or grant."""
        row = self.row(name)
        if capability not in [grant.capability for grant in self.granted(name)]:
            raise NotFound(f"{name} has no grant for {capability}", remedy=f"see `omnicore plugins inspect {name}`")
        return self.decide(row, ruling=_Ruling(take=capability))

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
        """Drops a plugin, its versions, grants and settings."""
        self._grants.forget(name)
        self._config.forget(name)
        self._versions.forget(name)
        self._plugins.forget(name)

    def tidy(self) -> None:
        """Deletes the bytes of versions nobody serves or waits for, but for the last few of each plugin."""
        self._modules.keep_only(self._plugins.drop_unused(self._keep))

    def record_error(self, name: str, error: OmniError) -> None:
        """Keeps the last failure of a call."""
        self._plugins.record_error(name, json.dumps(error.to_json(), default=str), self._clock.now())

    # -- inner parts

    def _record(self, row: PluginRow, ruling: _Ruling) -> None:
        with self._database.write(durable=True) as session:
            self._grants.write(session, ruling.give)
            if ruling.take is not None:
                self._grants.take(session, row.name, ruling.take)
            if ruling.turn_away is not None:
                self._versions.turn_away(session, ruling.turn_away)
            if ruling.welcome and row.hash is not None:
                self._versions.welcome(session, row.name, row.hash)
            self._plugins.write(session, row)

    def _is_turned_away(self, row: PluginRow, ruling: _Ruling) -> bool:
        if ruling.turn_away is not None or row.hash is None:
            return ruling.turn_away is not None
        return not ruling.welcome and row.hash in self._versions.turned_away(row.name)

    def _standing(self, row: PluginRow, quarantine: str, grants: Sequence[Grant], *, away: bool) -> Standing:
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
                turned_away=away,
            )
        )

    def _candidate(self, row: PluginRow, grants: tuple[Grant, ...]) -> Serving:
        manifest = Manifest.from_json(row.manifest or "")
        settings = self._config.of(row.name)
        return Serving(row.name, row.hash or "", manifest, grants, quarantined=False, settings=settings)

    def _missing(self, manifest: str | None, grants: Sequence[Grant]) -> list[CapabilityRequest]:
        if manifest is None:
            return []
        asked = Manifest.from_json(manifest).capabilities
        return missing(asked, grants)

    def _view(self, row: PluginRow, grants: Sequence[GrantRow]) -> PluginView:
        return view_of(row, [_grant(one) for one in grants], self.limits)


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
