"""The catalogue: which plugins there are, what they were granted, which version of each serves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from functools import wraps
from typing import Any, Concatenate, Literal, ParamSpec, TypeVar

from omnicore.capabilities.capability import CapabilityRequest, Grant
from omnicore.clock import Clock
from omnicore.errors import Conflict, NotFound, OmniError
from omnicore.plugins.acceptance import (
    NO_RULING,
    Consent,
    Facts,
    Newest,
    PluginStanding,
    Ruling,
    check_digest,
    check_revision,
    grant_of,
    next_state,
)
from omnicore.plugins.manifest import Manifest, asked_of, missing_of
from omnicore.plugins.view import GrantChange, PluginView, view_of
from omnicore.records import replace
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.engine import Template
from omnicore.storage.modules import ModuleStore
from omnicore.storage.store import Store
from omnicore.storage.tables.plugins import (
    CATALOGUE,
    Acceptance,
    FleetTable,
    GrantRow,
    GrantsTable,
    OvertakenError,
    PluginConfigTable,
    PluginRow,
    PluginsTable,
    SourceRow,
    TurnedAwayRow,
    VersionRow,
    VersionsTable,
    identity,
)

_ERROR_EVERY_S = 1.0
_ATTEMPTS = 10
_AWAY_S = 300.0
"""A host that was not seen for so long is not asked about: what its folder brought may be replaced by another's."""
_DIFFERS = "differs from"
Bringer = Literal["folder", "install", "hold"]
_P = ParamSpec("_P")
_T = TypeVar("_T")


def _repeated(method: Callable[Concatenate[Catalogue, _P], _T]) -> Callable[Concatenate[Catalogue, _P], _T]:
    """A decision that is made again from the row as it is by then, where another host changed it meanwhile."""

    @wraps(method)
    def decided(self: Catalogue, /, *args: _P.args, **named: _P.kwargs) -> _T:
        for _ in range(_ATTEMPTS - 1):
            try:
                return method(self, *args, **named)
            except OvertakenError:
                continue
        return method(self, *args, **named)

    return decided


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
class FoundFile:
    """A file of the folder as read: `manifest` and `module` when it is usable, else `problem`.

    `sidecar` is the manifest beside it as written, `text` what a module in text was made of.
    """

    name: str
    path: str
    signature: str
    module: bytes = b""
    manifest: Manifest | None = None
    problem: str = ""
    sidecar: str | None = None
    text: bytes | None = None


class Catalogue:
    """Everything the host remembers of its plugins. What a method changed is on the disk when it returns.

    Args:
        limits: the defaults, and the most a manifest may ask for.
        consent: which code was accepted for which name.
        keep: how many earlier versions of a plugin are kept.
        host: the identity of this host among those of the database, "" where it is alone.
        accept: tries a version before it begins to serve and returns why it cannot, or "".
        replacing: a block around each change of a plugin's row, at whose end calls reach what the row says.
    """

    def __init__(
        self,
        database: Store,
        modules: ModuleStore,
        clock: Clock,
        *,
        limits: tuple[Limits, Limits],
        consent: Consent,
        keep: int,
        host: str,
        accept: Callable[[Serving], str],
        replacing: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._database = database
        self._plugins = PluginsTable(database)
        self.versions = VersionsTable(database)
        self.config = PluginConfigTable(database)
        self._grants = GrantsTable(database)
        self.fleet = FleetTable(database, host)
        self.modules = modules
        self.clock = clock
        self.limits, self.consent = limits, consent
        self._keep = keep
        self._errors: dict[str, OmniError] = {}
        self._errors_due = 0.0
        self._accept, self._replacing = accept, replacing

    # -- what is there

    @property
    def host(self) -> str:
        """The identity of this host among those of the database, "" where it is alone."""
        return self.fleet.host

    def manifest(self, name: str, digest: str | None) -> Manifest | None:
        """The manifest of a version that is kept."""
        found = next((one for one in self.versions.of(name) if one.hash == digest), None)
        return Manifest.from_json(found.manifest) if found is not None else None

    def settings_schema(self, row: PluginRow) -> Mapping[str, Any] | None:
        """The schema that settings must fit: that of the version that serves, which must go on doing so."""
        newest = Manifest.from_json(row.manifest) if row.manifest else None
        chosen = self.manifest(row.name, row.serving) or newest
        return chosen.config if chosen is not None else None

    def rows(self) -> list[PluginRow]:
        """Every row, those whose file is gone among them."""
        return self._plugins.all()

    def placed(self) -> list[PluginRow]:
        """The rows of plugins that only some hosts are to serve."""
        return self._plugins.placed()

    def row(self, name: str) -> PluginRow:
        """The row of a plugin whose file is there. Raises: NotFound."""
        row = self._plugins.get(name)
        if row is None or not row.present:
            raise NotFound(f"there is no plugin {name!r}", remedy="see `omnicore plugins ls`", plugin=name)
        return row

    def states(self) -> dict[str, int]:
        """The number of plugins in each state, among those whose file exists."""
        return self._plugins.count_states()

    def kept(self) -> set[str]:
        """The hashes of the versions whose bytes are there."""
        return self.modules.kept()

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
        source = self.own(path)
        return self.view(source.plugin if source is not None else path)

    def own(self, path: str) -> SourceRow | None:
        """A file of this host's folder as it was taken in last."""
        return self.fleet.source(self.host, path)

    def own_named(self, name: str) -> SourceRow | None:
        """The file of this host's folder that has a plugin's name."""
        return self.fleet.named(self.host, name)

    def revisions(self) -> Mapping[str, tuple[int, float]]:
        """A mark for each plugin that changes with everything decided about it, by name."""
        return self._plugins.revisions()

    def serving(self, row: PluginRow) -> Serving | None:
        """The version that answers calls, or None: switched off, waiting, or never usable."""
        if row.serving is None or row.switched_off or not row.present:
            return None
        version = self._plugins.version(row.name, row.serving)
        if version is None:
            return None
        manifest = Manifest.from_json(version.manifest)
        quarantined = row.state == "quarantined"
        return Serving(row.name, row.serving, manifest, self.granted(row.name), quarantined, self.config.of(row.name))

    def sharing(self, row: PluginRow) -> list[tuple[Serving, int]]:
        """The versions that calls are divided among, with the per cent of each; none where one version has all."""
        if not row.shares or row.switched_off or not row.present or row.state == "quarantined":
            return []
        grants, settings, found = self.granted(row.name), self.config.of(row.name), []
        for hash_, percent in row.shares.items():
            version = self._plugins.version(row.name, hash_)
            if version is not None and not self._missing(version.manifest, grants):
                manifest = Manifest.from_json(version.manifest)
                found.append((Serving(row.name, hash_, manifest, grants, False, settings), percent))
        return found if len(found) > 1 else []

    def granted(self, name: str) -> tuple[Grant, ...]:
        """The grants of a plugin, requested or not."""
        return tuple(grant_of(row) for row in self._grants.of(name))

    def differences(self, name: str) -> list[GrantChange]:
        """The requests of the newest version beyond its grants. Raises: NotFound."""
        row = self.row(name)
        grants = self.granted(name)
        granted = {grant.capability: grant for grant in grants}
        approve = f"omnicore plugins upgrade {name} --approve" if self._newest(row, grants).review else ""
        return [
            GrantChange(
                request.name,
                "wider" if request.name in granted else "new",
                request.scope,
                granted[request.name].scope if request.name in granted else None,
                request.reason,
                approve or f"omnicore plugins grant {name} {request.name}",
            )
            for request in self._missing(row.manifest, grants)
        ]

    def waiting(self, row: PluginRow) -> tuple[str, str, list[CapabilityRequest]]:
        """The newest version as one digest, why a person has to accept it, and what it asks for beyond its grants."""
        if row.hash is None:
            return "", "", []
        grants = self.granted(row.name)
        return (
            identity(row.hash, row.sidecar),
            self._newest(row, grants).review,
            self._missing(row.manifest, grants),
        )

    # -- what changes

    def arrive(self, arrival: FoundFile, verified: str, *, by: Bringer = "folder") -> PluginRow:
        """Records what a look at a file of this host's folder found.

        Args:
            by: a person who puts the file there now replaces what the folders of other hosts have, or holds it back.
        """
        name, digest = arrival.name, None
        if arrival.manifest is not None:
            digest = self._keep_version(arrival, arrival.manifest)
        before = self.own(arrival.path)
        known = before if before is not None and before.plugin == name else None
        found = (digest, arrival.sidecar) if digest else (known.hash, known.sidecar) if known else (None, None)
        source = SourceRow(
            self.host,
            arrival.path,
            name,
            arrival.signature,
            *found,
            arrival.problem,
            verified,
            removed=False,
            at=self.clock.now(),
        )
        row = self._propose(source, arrival, None if known is None or known.removed else known, by=by)
        # Last: a host that is killed before takes the file in again.
        self.fleet.keep(source)
        return row

    @_repeated
    def _propose(self, source: SourceRow, arrival: FoundFile, before: SourceRow | None, *, by: Bringer) -> PluginRow:
        """Records what a file proposes for its name, unless it is what it proposed before."""
        now, row = self.clock.now(), self._plugins.get(source.plugin)
        base = row or _first_row(source, now)
        self.consent.settle(base)
        if arrival.problem:
            if row is not None and row.present and self._brought(source.plugin, but=source):
                return row  # it is listed with the file; what other hosts bring is as good as before
            changed = replace(base, problem=arrival.problem, path=source.path, present=True)
        elif base.present and row is not None and source.brings(base.hash, base.sidecar):
            manifest = arrival.manifest.to_json() if arrival.manifest is not None else base.manifest
            contested = self._waits(base, source, before, by) if base.contested else ""
            changed = replace(base, problem="", manifest=manifest, contested=contested)
        elif (
            row is not None
            and row.present
            and by == "folder"
            and before is not None
            and before.brings(source.hash, source.sidecar)
        ):
            return row
        else:
            changed = replace(
                base,
                path=source.path,
                hash=source.hash,
                sidecar=source.sidecar,
                manifest=arrival.manifest.to_json() if arrival.manifest is not None else base.manifest,
                problem="",
                present=True,
                contested=self._waits(base, source, before, by),
            )
        if by == "install":
            changed = replace(changed, shares=None)
        return self.decide(replace(changed, changed_at=now), installed=by == "install")

    def _waits(self, row: PluginRow, source: SourceRow, before: SourceRow | None, by: Bringer) -> str:
        """The reason why the version of a file waits for a person who chooses among versions, or ""."""
        if by == "hold" and row.serving is not None:
            return "is held back"
        if by == "folder" and row.shares and source.hash not in row.shares:
            return "is none of those that share the calls"
        return self._contested(row, (source.hash, source.sidecar), but=source, before=before) if by == "folder" else ""

    def _keep_version(self, arrival: FoundFile, manifest: Manifest) -> str:
        """Keeps the bytes of a usable file, and what else belongs to its version. Returns: its hash."""
        name, digest = arrival.name, self.modules.put(arrival.module)
        if arrival.text is not None:
            self.modules.put_text(digest, arrival.text)
        self.versions.keep_sidecar(name, digest, arrival.sidecar)
        # A manifest beside it may have changed alone: what serves keeps its own until the new one is accepted.
        row = self._plugins.get(name)
        served = self._plugins.version(name, digest) if row is not None and digest == row.serving else None
        says = served.manifest if served is not None else manifest.to_json()
        self._plugins.keep_version(VersionRow(name, digest, says, len(arrival.module), self.clock.now()))
        return digest

    def _brought(self, name: str, *, but: SourceRow | None = None) -> list[SourceRow]:
        """The usable files that hosts' folders have for a name, of hosts that were seen lately. `but`: leave it out."""
        if not self.host:
            return []
        hosts, since = self.fleet.hosts(), self.clock.now() - _AWAY_S
        lately = {self.host, *(one.host for one in hosts.values() if one.seen_at >= since)}
        return [
            one
            for one in self.fleet.proposals(name)
            if one.hash is not None
            and not one.removed
            and one.host in lately
            and (but is None or (one.host, one.path) != (but.host, but.path))
        ]

    def _contested(
        self,
        row: PluginRow,
        newest: tuple[str | None, str | None],
        *,
        but: SourceRow | None = None,
        before: SourceRow | None = None,
    ) -> str:
        """The reason why another version than the one that serves needs a person, as hosts' folders disagree, or "".

        Args:
            newest: the hash of that version and the manifest beside it.
            but, before: the file that proposes it and does not count, and that file as it was.
        """
        if not self.host or row.serving is None or not row.present:
            return ""
        accepted = next((one.sidecar for one in self.consent.of(row.name) if one.hash == row.serving), None)
        serving = (row.serving, accepted)
        if newest == serving:
            return ""
        other = next((one for one in self._brought(row.name, but=but) if one.brings(*serving)), None)
        if other is not None:
            known = self.fleet.hosts().get(other.host)
            return f"{_DIFFERS} {other.path} of host {known.name if known is not None else other.host}"
        if row.installed and not (before is not None and before.brings(*serving)):
            return f"{_DIFFERS} the version that a person installed"
        return ""

    @_repeated
    def withdraw(self, source: SourceRow) -> PluginRow | None:
        """Records that a file of this host's folder is no longer there. What was kept for its name stays.

        What only this folder brought is withdrawn; what another host's brings as well stays, and where the two differ
        that one is the newest version from now on. Returns: the row as it is now, None where nothing is left.
        """
        row = self._plugins.get(source.plugin)
        if row is None or not row.present or source.removed:
            self.fleet.drop(self.host, source.path)
            return row
        others = self._brought(row.name, but=source)
        same = next((one for one in others if one.brings(row.hash, row.sidecar)), None)
        heir = same or next((one for one in others if one.hash == row.serving), None) or next(iter(others), None)
        version = self._plugins.version(row.name, heir.hash or "") if heir is not None else None
        left: PluginRow | None = row
        if heir is not None and version is not None:
            contested = self._contested(row, (heir.hash, heir.sidecar), but=source)
            manifest = row.manifest if same else version.manifest
            changed = replace(row, path=heir.path, hash=heir.hash, sidecar=heir.sidecar, manifest=manifest)
            left = self.decide(replace(changed, problem="", contested=contested))
        elif self.host and source.hash not in (None, row.hash, row.serving):
            pass  # a person has brought another version meanwhile
        else:
            left = self._gone(row)
        self.fleet.drop(self.host, source.path)
        return left

    @_repeated
    def look_after(self, name: str) -> PluginRow:
        """Decides again about a version that waited because folders disagreed, which they may do no more."""
        row = self.row(name)
        if not row.contested.startswith(_DIFFERS):
            return row
        return row if self._contested(row, (row.hash, row.sidecar)) else self.decide(replace(row, contested=""))

    def decide(
        self, row: PluginRow, *, quarantine: str = "", ruling: Ruling = NO_RULING, installed: bool = False
    ) -> PluginRow:
        """Works out a row's state from what is known, and records it with what a person decided.

        Args:
            installed: a person brought the newest version, or chose it among several.

        Raises: OvertakenError: another host changed it since the row was read.
        """
        grants = ruling.of(self.granted(row.name))
        newest = self._newest(row, grants, ruling)
        away = self._is_turned_away(row, ruling)
        standing = self._standing(row, quarantine, grants, newest, away=away)
        if standing.serving not in (None, row.serving):
            problem = self._accept(self._candidate(row, grants))
            if problem:
                row = replace(row, problem=problem)
                standing = self._standing(row, quarantine, grants, newest, away=away)
        waits = bool(row.problem or newest.review or self._missing(row.manifest, grants))
        serves = row if row.hash is not None and standing.serving == row.hash and not waits else None
        decided = replace(row, state=standing.state, reason=standing.reason, serving=standing.serving)
        before = self._plugins.get(row.name)
        if installed or before is None or before.serving != standing.serving:
            by_person = installed and (standing.serving == row.hash or row.shares is not None)
            decided = replace(decided, installed=by_person and bool(self.host))
        if row.shares and standing.serving not in row.shares:
            decided = replace(decided, shares=None)
        begins = self.consent.begins(serves, newest) if serves is not None else None
        if ruling == NO_RULING and begins is None and before is not None and _same(before, decided):
            return before
        return self._record(decided, ruling, begins, serves)

    @_repeated
    def grant(self, name: str, capability: str | None, digest: str | None, *, who: str) -> PluginRow:
        """Grants what the newest version asks for: one capability, or for None all of it. `digest` is as for `approve`.

        Raises: NotFound: no such plugin. Conflict: it does not ask for that, or another version is the newest by now.
        """
        row = self.row(name)
        if row.hash is not None:
            check_digest(name, identity(row.hash, row.sidecar), digest)
        asked = asked_of(row.manifest, self.limits, self.consent.doors)
        chosen = [one for one in asked if capability in (None, one.name)]
        if capability is not None and not chosen:
            wanted = ", ".join(one.name for one in asked) or "nothing"
            raise Conflict(
                f"{name} does not ask for {capability}, only for {wanted}",
                remedy="a grant needs both sides: let its manifest ask first",
            )
        # Who gives a first version something means that code; new code for a known name is approved by its digest.
        newest = self._newest(row, self.granted(name))
        decided = newest.review or (newest.accepted is not None and not newest.accepted.unheld)
        accept = None if decided or row.hash is None else self.consent.by(row, who)
        return self.decide(row, ruling=Ruling(give=self._given(name, chosen, who), accept=accept, welcome=True))

    @_repeated
    def approve(self, name: str, digest: str | None, *, who: str, grants: bool) -> PluginRow:
        """Accepts the newest version, and where `grants` says so gives all it asks for.

        Args:
            digest: the version that was looked at, or its first 8 characters or more; None takes whichever is newest.

        Raises: NotFound: no such plugin. Conflict: no version waits, or another one is the newest by now.
        """
        row = self.row(name)
        newest, review, missing = self.waiting(row)
        if not (review or missing):
            raise Conflict(f"no version of {name} waits for a decision", remedy=f"see `omnicore plugins show {name}`")
        check_digest(name, newest, digest)
        given = self._given(name, missing, who) if grants else ()
        ruling = Ruling(give=given, accept=self.consent.by(row, who), welcome=True)
        return self.decide(replace(row, contested="", shares=None), ruling=ruling, installed=True)

    @_repeated
    def turn_away(self, name: str, digest: str | None, *, who: str) -> PluginRow:
        """Leaves the serving version in service and asks no more for the one that waits. `digest` is as for `approve`.

        Raises: NotFound: no such plugin. Conflict: no version waits, no other one serves, or another waits by now.
        """
        row = self.row(name)
        newest, review, missing = self.waiting(row)
        if not (review or missing):
            raise Conflict(
                f"no version of {name} waits for a decision",
                remedy=f"see `omnicore plugins versions {name}` for those to go back to",
            )
        if row.serving is None:
            raise Conflict(
                f"no earlier version of {name} serves that could be kept",
                remedy=f"grant what it asks for, or run `omnicore plugins disable {name}`",
            )
        check_digest(name, newest, digest)
        return self.decide(row, ruling=Ruling(turn_away=TurnedAwayRow(name, newest, who, self.clock.now())))

    @_repeated
    def revoke(self, name: str, capability: str) -> PluginRow:
        """Takes a grant back. Raises: NotFound: no such plugin or grant."""
        row = self.row(name)
        if capability not in [grant.capability for grant in self.granted(name)]:
            raise NotFound(f"{name} has no grant for {capability}", remedy=f"see `omnicore plugins show {name}`")
        return self.decide(row, ruling=Ruling(take=capability))

    @_repeated
    def switch(self, name: str, *, on: bool) -> PluginRow:
        """Enables or disables. Enabling also ends a quarantine. Raises: NotFound."""
        row = replace(self.row(name), switched_off=not on, changed_at=self.clock.now())
        return self.decide(row)

    @_repeated
    def quarantine(self, name: str, reason: str) -> PluginRow:
        """Records that a plugin failed too often. Raises: NotFound."""
        row = replace(self.row(name), changed_at=self.clock.now())
        return self.decide(row, quarantine=reason) if row.state == "enabled" else row

    @_repeated
    def recover(self, name: str) -> PluginRow:
        """Records that a plugin in quarantine answers again. Raises: NotFound."""
        row = self.row(name)
        return self.decide(row) if row.state == "quarantined" else row

    @_repeated
    def fail(self, name: str, digest: str, problem: str) -> PluginRow:
        """Records that a version turned out unusable when it was loaded. Raises: NotFound.

        One that this host's folder did not bring serves on at the others: it may be this host that cannot load it.
        """
        row, own = self.row(name), self.own_named(name)
        if self.host and (own is None or own.hash != digest):
            return row
        serving = None if row.serving == digest else row.serving
        return self.decide(replace(row, problem=problem if row.hash == digest else row.problem, serving=serving))

    @_repeated
    def put_back(self, name: str, version: VersionRow, sidecar: str | None) -> PluginRow:
        """Makes a version that is kept the newest one, as if its file were in a folder again. Raises: NotFound."""
        row = self.row(name)
        self.versions.keep_sidecar(name, version.hash, sidecar)
        changed = replace(row, hash=version.hash, sidecar=sidecar, manifest=version.manifest, problem="", shares=None)
        return self.decide(
            replace(changed, contested="", changed_at=self.clock.now()), ruling=Ruling(welcome=True), installed=True
        )

    @_repeated
    def divide(self, name: str, shares: Mapping[str, int], revision: int | None, *, who: str) -> PluginRow:
        """Divides the calls of a plugin among versions that are kept, see `PluginHost.divide`."""
        row = self.row(name)
        check_revision(row, revision)
        if len(shares) == 1:
            return self._choose(row, next(iter(shares)), who)
        sidecars = self.versions.sidecars(name)
        if row.serving not in shares:
            raise Conflict(
                f"version {(row.serving or 'none')[:8]} of {name} serves and has no share",
                remedy="give it one, or name a single version for all calls",
            )
        for hash_ in shares:
            version = self._plugins.version(name, hash_)
            missing = self._missing(version.manifest if version else None, self.granted(name))
            if version is None or missing:
                wanted = ", ".join(one.name for one in missing)
                raise Conflict(
                    f"version {hash_[:8]} of {name} " + (f"has no grant for {wanted}" if version else "is not kept"),
                    remedy=f"grant it first, with `omnicore plugins grant {name}`",
                )
        with self._database.write(durable=True, locks=CATALOGUE) as session:
            for hash_ in shares:
                if not self.consent.covers(name, hash_, sidecars.get(hash_)):
                    chosen = replace(row, hash=hash_, sidecar=sidecars.get(hash_))
                    self.consent.record(session, self.consent.by(chosen, who))
        state = replace(row, shares=dict(shares), contested="", changed_at=self.clock.now())
        return self.decide(state, installed=True)

    def _choose(self, row: PluginRow, hash_: str, who: str) -> PluginRow:
        """Has one version that is kept answer all calls."""
        sidecar, manifest = self.versions.sidecars(row.name).get(hash_), self.manifest(row.name, hash_)
        changed = replace(row, hash=hash_, sidecar=sidecar, manifest=manifest.to_json() if manifest else None)
        settled = replace(changed, problem="", contested="", shares=None, changed_at=self.clock.now())
        return self.decide(settled, ruling=Ruling(accept=self.consent.by(changed, who), welcome=True), installed=True)

    @_repeated
    def place(self, name: str, labels: Mapping[str, str] | None, revision: int | None) -> PluginRow:
        """Places a plugin on the hosts that have some labels, see `PluginHost.place`."""
        row = self.row(name)
        check_revision(row, revision)
        return self.decide(replace(row, placement=dict(labels) if labels else None, changed_at=self.clock.now()))

    def _gone(self, row: PluginRow) -> PluginRow | None:
        """Records that no folder has a plugin any more. What is kept for its name waits for code that was accepted."""
        if row.hash is None:
            self._plugins.forget(row.name)
            return None
        self.consent.settle(row)
        left = replace(row, present=False, serving=None, contested="", installed=False, shares=None)
        with self._replacing(row.name):
            self._plugins.save(left)
        return left

    @_repeated
    def look_again(self, name: str) -> str | None:
        """Has a file that could not be used looked at once more.

        Returns: its path in this host's folder, which is to be taken in; None where the file is not this host's, so
        that its bytes were tried again.
        """
        row, own = self._plugins.get(name), self.own_named(name)
        if own is not None and (row is None or not row.present or own.problem or own.hash == row.hash):
            self.fleet.keep(replace(own, signature="", removed=False))
            return own.path
        if row is not None and row.problem and row.hash is not None:
            self.decide(replace(row, problem=""))
        return None

    def rename(self, source: SourceRow, name: str) -> PluginRow | None:
        """Lists a file that never was usable under another name. Returns: its row, None where others have it."""
        self.fleet.keep(replace(source, plugin=name))
        row = self._plugins.get(source.plugin)
        if row is None or row.hash is not None:
            return None
        self._plugins.forget(row.name)
        renamed = replace(row, name=name, revision=0)
        self._plugins.save(renamed)
        return self.row(name)

    def forget(self, name: str) -> None:
        """Drops a plugin, its versions, grants and settings."""
        self._grants.forget(name)
        self.config.forget(name)
        self.versions.forget(name)
        self.consent.forget(name)
        self._plugins.forget(name)
        self.fleet.remove(self.host, name)

    def tidy(self) -> None:
        """Deletes the bytes of versions nobody serves or waits for, but for the last few of each plugin."""
        self.modules.keep_only(self._plugins.drop_unused(self._keep))

    def share_modules(self) -> None:
        """Puts the modules of this host's folder into the database that other hosts cannot fetch from there yet."""
        self.modules.share_all(self._plugins.hashes())

    def note_error(self, name: str, error: OmniError) -> None:
        """Keeps the last failure of a call; a plugin that fails a thousand times a second costs one write a second."""
        self._errors[name] = error
        if time.monotonic() >= self._errors_due:
            self.write_errors()

    def write_errors(self) -> None:
        """Records the failures that were noted since the last time."""
        self._errors_due = time.monotonic() + _ERROR_EVERY_S
        for name in tuple(self._errors):
            error = self._errors.pop(name)
            self._plugins.record_error(name, json.dumps(error.to_json(), default=str), self.clock.now())

    # -- inner parts

    def _record(
        self, row: PluginRow, ruling: Ruling, acceptance: Acceptance | None, serves: PluginRow | None
    ) -> PluginRow:
        with self._replacing(row.name), self._database.write(durable=True, locks=CATALOGUE) as session:
            self._grants.write(session, ruling.give)
            if ruling.take is not None:
                self._grants.take(session, row.name, ruling.take)
            if ruling.turn_away is not None:
                self.versions.turn_away(session, ruling.turn_away)
            if ruling.welcome and row.hash is not None:
                self.versions.welcome(session, row.name, identity(row.hash, row.sidecar))
            for one in dict.fromkeys((ruling.accept, acceptance)):
                if one is not None:
                    self.consent.record(session, one)
            if serves is not None and serves.hash is not None and serves.manifest is not None:
                self._plugins.write_manifest(session, serves.name, serves.hash, serves.manifest)
            return self._plugins.write(session, row)

    def _newest(self, row: PluginRow, grants: Sequence[Grant], ruling: Ruling = NO_RULING) -> Newest:
        if ruling.accept is not None:
            return Newest(ruling.accept)
        newest = self.consent.newest(row, self._missing(row.manifest, grants))
        return Newest(None, row.contested, newest.kept) if row.contested else newest

    def _missing(self, manifest: str | None, grants: Sequence[Grant]) -> list[CapabilityRequest]:
        return missing_of(manifest, grants, self.limits, self.consent.doors)

    def _given(self, name: str, requests: Sequence[CapabilityRequest], who: str) -> tuple[GrantRow, ...]:
        return tuple(GrantRow(name, one.name, one.scope, who, self.clock.now()) for one in requests)

    def _is_turned_away(self, row: PluginRow, ruling: Ruling) -> bool:
        if ruling.turn_away is not None or row.hash is None:
            return ruling.turn_away is not None
        return not ruling.welcome and identity(row.hash, row.sidecar) in self.versions.turned_away(row.name)

    def _standing(
        self, row: PluginRow, quarantine: str, grants: Sequence[Grant], newest: Newest, *, away: bool
    ) -> PluginStanding:
        serving = self._plugins.version(row.name, row.serving) if row.serving else None
        facts = Facts(
            newest=row.hash,
            serving=row.serving if serving else None,
            problem=row.problem,
            switched_off=row.switched_off,
            quarantine=quarantine,
            missing=self._missing(row.manifest, grants),
            serving_missing=self._missing(serving.manifest if serving else None, grants),
            turned_away=away,
            review=newest.review,
        )
        standing = next_state(facts)
        # While calls are divided, the accepted newest version has its share of them and no more.
        divided = row.shares or {}
        stays = {row.serving, standing.serving} <= divided.keys() and not facts.serving_missing
        return PluginStanding(standing.state, standing.reason, row.serving) if stays else standing

    def _candidate(self, row: PluginRow, grants: tuple[Grant, ...]) -> Serving:
        manifest = Manifest.from_json(row.manifest or "")
        settings = self.config.of(row.name)
        return Serving(row.name, row.hash or "", manifest, grants, quarantined=False, settings=settings)

    def _view(self, row: PluginRow, grants: Sequence[GrantRow]) -> PluginView:
        return view_of(row, [grant_of(one) for one in grants], self.limits)


def _same(before: PluginRow, after: PluginRow) -> bool:
    """True when nothing was decided that is not recorded already."""
    noted = replace(before, changed_at=after.changed_at, last_error=after.last_error)
    return replace(noted, last_error_at=after.last_error_at) == after


def _first_row(source: SourceRow, now: float) -> PluginRow:
    """The row of a plugin that was not known."""
    return PluginRow(
        name=source.plugin,
        path=source.path,
        hash=None,
        manifest=None,
        state="rejected",
        reason="",
        problem="",
        switched_off=False,
        serving=None,
        last_error=None,
        last_error_at=None,
        added_at=now,
        changed_at=now,
        present=True,
    )
