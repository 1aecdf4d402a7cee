"""The catalogue: which plugins there are, what they were granted, which version of each serves."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from typing import Any

from omnicore.capabilities.grants import CapabilityRequest, Grant
from omnicore.clock import Clock
from omnicore.errors import Conflict, NotFound, OmniError
from omnicore.plugins.acceptance import NO_RULING, Consent, Newest, Ruling, check_digest, grant_of
from omnicore.plugins.limits import asked_of, missing_of
from omnicore.plugins.manifest import Manifest
from omnicore.plugins.states import Facts, Standing, next_state
from omnicore.plugins.view import Change, PluginView, view_of
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.engine import Template
from omnicore.storage.modules import ModuleStore
from omnicore.storage.store import Store
from omnicore.storage.tables.plugins import (
    CATALOGUE,
    Acceptance,
    GrantRow,
    GrantsTable,
    PluginConfigTable,
    PluginRow,
    PluginsTable,
    TurnedAwayRow,
    VersionRow,
    VersionsTable,
    identity,
)

__all__ = ["Arrival", "Catalogue", "Serving"]

_ERROR_EVERY_S = 1.0


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
class Arrival:
    """What a look at a file found: `manifest` and `module` when it is usable, else `problem`.

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
        accept: Callable[[Serving], str],
        replacing: Callable[[str], AbstractContextManager[None]],
    ) -> None:
        self._database = database
        self._plugins = PluginsTable(database)
        self.versions = VersionsTable(database)
        self.config = PluginConfigTable(database)
        self._grants = GrantsTable(database)
        self.modules = modules
        self.clock = clock
        self.limits, self.consent = limits, consent
        self._keep = keep
        self._errors: dict[str, OmniError] = {}
        self._errors_due = 0.0
        self._accept, self._replacing = accept, replacing

    # -- what is there

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
        return Serving(row.name, row.serving, manifest, self.granted(row.name), quarantined, self.config.of(row.name))

    def granted(self, name: str) -> tuple[Grant, ...]:
        """What a plugin was granted, whether it asks for it or not."""
        return tuple(grant_of(row) for row in self._grants.of(name))

    def differences(self, name: str) -> list[Change]:
        """What the newest version asks for beyond its grants. Raises: NotFound."""
        row = self.row(name)
        grants = self.granted(name)
        granted = {grant.capability: grant for grant in grants}
        approve = f"omnicore plugins upgrade {name} --approve" if self._newest(row, grants).review else ""
        return [
            Change(
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

    def arrive(self, row: PluginRow | None, arrival: Arrival, verified: str) -> PluginRow:
        """Records what a look at a file found. `row` is what is known under its name."""
        now = self.clock.now()
        base = row or _first_row(arrival, now)
        self.consent.settle(base)
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
            digest, text = self.modules.put(arrival.module), arrival.manifest.to_json()
            if arrival.text is not None:
                self.modules.put_text(digest, arrival.text)
            self.versions.keep_sidecar(base.name, digest, arrival.sidecar)
            # A manifest beside it may have changed alone: what serves keeps its own until the new one is accepted.
            served = self._plugins.version(base.name, digest) if digest == base.serving else None
            says = served.manifest if served is not None else text
            self._plugins.keep_version(VersionRow(base.name, digest, says, len(arrival.module), now))
            changed = replace(changed, hash=digest, manifest=text, sidecar=arrival.sidecar)
        return self.decide(changed)

    def decide(self, row: PluginRow, *, quarantine: str = "", ruling: Ruling = NO_RULING) -> PluginRow:
        """Works out a row's state from what is known, and records it with what a person decided."""
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
        begins = self.consent.begins(serves, newest) if serves is not None else None
        self._record(decided, ruling, begins, serves)
        return decided

    def grant(self, name: str, capability: str | None, digest: str | None, *, who: str) -> PluginRow:
        """Grants what the newest version asks for: one capability, or for None all of it. `digest` is as for `approve`.

        Raises: NotFound: no such plugin. Conflict: it does not ask for that, or another version is the newest by now.
        """
        row = self.row(name)
        if row.hash is not None:
            check_digest(name, identity(row.hash, row.sidecar), digest)
        asked = asked_of(row.manifest, self.limits)
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
        return self.decide(row, ruling=Ruling(give=given, accept=self.consent.by(row, who), welcome=True))

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

    def revoke(self, name: str, capability: str) -> PluginRow:
        """Takes a grant back. Raises: NotFound: no such plugin or grant."""
        row = self.row(name)
        if capability not in [grant.capability for grant in self.granted(name)]:
            raise NotFound(f"{name} has no grant for {capability}", remedy=f"see `omnicore plugins show {name}`")
        return self.decide(row, ruling=Ruling(take=capability))

    def switch(self, name: str, *, on: bool) -> PluginRow:
        """Enables or disables. Enabling also ends a quarantine. Raises: NotFound."""
        row = replace(self.row(name), switched_off=not on, changed_at=self.clock.now())
        return self.decide(row)

    def quarantine(self, name: str, reason: str) -> PluginRow:
        """Records that a plugin failed too often. Raises: NotFound."""
        row = replace(self.row(name), changed_at=self.clock.now())
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
        """Records that a file is no longer there. What is kept for its name waits for code that was accepted."""
        if row.hash is None:
            self._plugins.forget(row.name)
        else:
            self.consent.settle(row)
            with self._replacing(row.name):
                self._plugins.save(replace(row, present=False, signature="", serving=None))

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
        self.config.forget(name)
        self.versions.forget(name)
        self.consent.forget(name)
        self._plugins.forget(name)

    def tidy(self) -> None:
        """Deletes the bytes of versions nobody serves or waits for, but for the last few of each plugin."""
        self.modules.keep_only(self._plugins.drop_unused(self._keep))

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

    def _record(self, row: PluginRow, ruling: Ruling, acceptance: Acceptance | None, serves: PluginRow | None) -> None:
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
            self._plugins.write(session, row)

    def _newest(self, row: PluginRow, grants: Sequence[Grant], ruling: Ruling = NO_RULING) -> Newest:
        if ruling.accept is not None:
            return Newest(ruling.accept)
        return self.consent.newest(row, self._missing(row.manifest, grants))

    def _missing(self, manifest: str | None, grants: Sequence[Grant]) -> list[CapabilityRequest]:
        return missing_of(manifest, grants, self.limits)

    def _given(self, name: str, requests: Sequence[CapabilityRequest], who: str) -> tuple[GrantRow, ...]:
        return tuple(GrantRow(name, one.name, one.scope, who, self.clock.now()) for one in requests)

    def _is_turned_away(self, row: PluginRow, ruling: Ruling) -> bool:
        if ruling.turn_away is not None or row.hash is None:
            return ruling.turn_away is not None
        return not ruling.welcome and identity(row.hash, row.sidecar) in self.versions.turned_away(row.name)

    def _standing(
        self, row: PluginRow, quarantine: str, grants: Sequence[Grant], newest: Newest, *, away: bool
    ) -> Standing:
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
                review=newest.review,
            )
        )

    def _candidate(self, row: PluginRow, grants: tuple[Grant, ...]) -> Serving:
        manifest = Manifest.from_json(row.manifest or "")
        settings = self.config.of(row.name)
        return Serving(row.name, row.hash or "", manifest, grants, quarantined=False, settings=settings)

    def _view(self, row: PluginRow, grants: Sequence[GrantRow]) -> PluginView:
        return view_of(row, [grant_of(one) for one in grants], self.limits)


def _first_row(arrival: Arrival, now: float) -> PluginRow:
    """The row of a plugin that was not known."""
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
