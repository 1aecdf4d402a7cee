"""Acceptance of code for a plugin's name by a person, and the state of a plugin that follows from it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from omnicore.capabilities.capability import Capability, CapabilityRequest, Grant
from omnicore.capabilities.doors import BUILT_IN
from omnicore.errors import Conflict
from omnicore.plugins.view import State
from omnicore.records import replace
from omnicore.storage.tables.plugins import CATALOGUE, OPEN, Acceptance, AcceptancesTable, Holdings, identity
from omnicore.storage.tables.publishers import PublishersTable

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from omnicore.clock import Clock
    from omnicore.storage.store import Session, Store
    from omnicore.storage.tables.plugins import GrantRow, PluginRow, TurnedAwayRow


@dataclass(frozen=True, slots=True)
class Newest:
    """The newest version of a plugin: whether it was accepted, or why a person has to accept it first.

    `kept` is what is kept for the name, as far as that was looked for.
    """

    accepted: Acceptance | None = None
    review: str = ""
    kept: tuple[str, ...] = ()


class Consent:
    """The acceptances of all names.

    Args:
        review: when a person has to accept a version.
        configured: the names of the plugins that the host's own settings hold settings for.
        doors: the capabilities that can be granted, by name.
        patches: True when a patch of the same publisher that asks for nothing more needs nobody.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        *,
        review: Review,
        configured: Collection[str],
        doors: Mapping[str, Capability] = BUILT_IN,
        patches: bool = False,
    ) -> None:
        self._store, self._clock = store, clock
        self._acceptances, self._holdings = AcceptancesTable(store), Holdings(store)
        self._publishers, self._patches = PublishersTable(store), patches
        self.review, self.configured, self.doors = review, configured, doors

    def of(self, name: str) -> Sequence[Acceptance]:
        """The versions that were accepted for a name, the last one first."""
        return self._acceptances.of(name)

    def covers(self, name: str, digest: str | None, sidecar: str | None) -> bool:
        """True when a version was accepted for a name."""
        return any(one.covers(digest, sidecar) for one in self._acceptances.of(name))

    def newest(self, row: PluginRow, missing: Sequence[CapabilityRequest]) -> Newest:
        """Facts about the newest version. `missing` lists requests that have no grant."""
        if row.hash is None:
            return Newest()
        accepted = self._acceptances.of(row.name)
        same = next((one for one in accepted if one.covers(row.hash, row.sidecar)), None)
        if same is not None and (not same.unheld or same == _serving(row, accepted)):
            return Newest(same)
        kept = self._kept(row.name, known=bool(accepted))
        if same is not None and not OPEN & set(kept):  # it asks for nothing, so that no grant reaches it
            return Newest(same)
        reason = review_reason(self.review, known=bool(accepted), kept=kept, missing=missing)
        if reason and not missing and self._patches and self._is_patch(row, accepted):
            reason = ""
        return Newest(None, reason, tuple(kept))

    def by(self, row: PluginRow, who: str) -> Acceptance:
        """The newest version as somebody accepts it."""
        return Acceptance(row.name, row.hash or "", row.sidecar, None, unheld=False, who=who, at=self._clock.now())

    def begins(self, row: PluginRow, newest: Newest) -> Acceptance | None:
        """The row that is to be the last one of a version that begins to serve, None where it is that already."""
        if newest.accepted is None:
            return replace(self.by(row, "omnicore"), unheld=not newest.kept)
        return None if _serving(row, self._acceptances.of(row.name)) == newest.accepted else newest.accepted

    def settle(self, row: PluginRow) -> None:
        """Has the acceptance of what serves last, where something has been kept for its name since."""
        serving = _serving(row, self._acceptances.of(row.name)) if row.serving is not None else None
        if serving is not None and serving.unheld and self._kept(row.name, known=True):
            with self._store.write(locks=CATALOGUE) as session:
                self.record(session, replace(serving, unheld=False))

    def accept_first(self, row: PluginRow, *, who: str) -> None:
        """Records that a person gave something to a first version, and so to that code."""
        if row.hash is not None and not self._acceptances.of(row.name):
            with self._store.write(durable=True, locks=CATALOGUE) as session:
                self.record(session, self.by(row, who))

    def record(self, session: Session, acceptance: Acceptance) -> None:
        """Records an acceptance in a transaction that holds what follows from it."""
        self._acceptances.accept(session, acceptance)

    def forget(self, name: str) -> None:
        """Drops all of a name."""
        self._acceptances.forget(name)

    def _is_patch(self, row: PluginRow, accepted: Sequence[Acceptance]) -> bool:
        """True when the newest version is a patch of the accepted one, and one publisher signed both."""
        serving = _serving(row, accepted)
        if serving is None or row.hash is None:
            return False
        digests = (identity(serving.hash, serving.sidecar), identity(row.hash, row.sidecar))
        before, after = (self._publishers.version(row.name, digest) for digest in digests)
        if before is None or after is None or not is_patch(before.version, after.version):
            return False
        return self._publishers.same_publisher(row.name, *digests, now=self._clock.now())

    def _kept(self, name: str, *, known: bool) -> list[str]:
        """Names of the data kept for a plugin. Settings of the host may exist before the first file of that name."""
        kept = list(self._holdings.of(name))
        return [*kept, "settings"] if known and name in self.configured and "settings" not in kept else kept


def _serving(row: PluginRow, accepted: Sequence[Acceptance]) -> Acceptance | None:
    """The acceptance of what serves: the last one of its bytes."""
    return next((one for one in accepted if one.hash == row.serving), None)


_LEAST_DIGEST = 8
_RELEASE = re.compile(r"v?(\d{1,9})\.(\d{1,9})\.(\d{1,9})(?:\+.*)?")


def is_patch(before: str, after: str) -> bool:
    """True when a release differs from an earlier one in its last number only.

    >>> is_patch("1.2.3", "1.2.4"), is_patch("1.2.3", "1.3.0"), is_patch("1.2.3", "1.2.4-rc.1")
    (True, False, False)
    """
    old, new = (_RELEASE.fullmatch(version) for version in (before, after))
    return bool(old and new and old.group(1, 2) == new.group(1, 2) and int(new[3]) > int(old[3]))


@dataclass(frozen=True, slots=True)
class Ruling:
    """A person's decision, recorded together with its consequences or not at all."""

    give: tuple[GrantRow, ...] = ()
    take: str | None = None
    turn_away: TurnedAwayRow | None = None
    accept: Acceptance | None = None
    welcome: bool = False

    def of(self, grants: Sequence[Grant]) -> tuple[Grant, ...]:
        """The grants there will be."""
        over = {self.take, *(one.capability for one in self.give)}
        return (*(one for one in grants if one.capability not in over), *map(grant_of, self.give))


NO_RULING = Ruling()


def grant_of(row: GrantRow) -> Grant:
    """A grant as doors know it."""
    return Grant(capability=row.capability, scope=row.scope, granted_by=row.granted_by, granted_at=row.granted_at)


def check_revision(row: PluginRow, revision: int | None) -> None:
    """Raises: Conflict: the plugin was changed since this revision."""
    if revision is not None and revision != row.revision:
        raise Conflict(
            f"{row.name} was changed since revision {revision}",
            remedy=f"look at it with `omnicore plugins show {row.name}` and decide again",
            revision=row.revision,
        )


def check_digest(name: str, newest: str, wanted: str | None) -> None:
    """Raises: Conflict: the newest version is not the one that somebody looked at."""
    if wanted is not None and (len(wanted) < _LEAST_DIGEST or not newest.startswith(wanted.lower())):
        raise Conflict(
            f"the newest version of {name} is {newest[:12]}, not {wanted[:12]}",
            remedy=f"look at it with `omnicore plugins upgrade {name}`, then decide again",
            digest=newest,
        )


Review = Literal["changes", "new-requests", "never"]


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts that a decision is made from.

    `problem` says why the file as it is now cannot be used; `newest` is its last usable version and `serving`
    the accepted one; `missing` and `serving_missing` are what each of them asks for and was not granted. `review` says
    why a person has to accept the newest one first. Somebody who decided against it made it `turned_away`.
    """

    newest: str | None
    serving: str | None
    problem: str = ""
    switched_off: bool = False
    quarantine: str = ""
    missing: Sequence[CapabilityRequest] = ()
    serving_missing: Sequence[CapabilityRequest] = ()
    turned_away: bool = False
    review: str = ""


@dataclass(frozen=True, slots=True)
class PluginStanding:
    """The decision: the state, why, and which version answers calls once it is called again."""

    state: State
    reason: str
    serving: str | None


def review_reason(policy: Review, *, known: bool, kept: Sequence[str], missing: Sequence[CapabilityRequest]) -> str:
    """Why a person has to accept a version that nobody accepted yet, or "" when it may serve without.

    Args:
        known: other code was accepted for the name before.
        kept: what is kept for the name, see `omnicore.storage.tables.plugins`.
        missing: what the version asks for and was not granted.
    """
    if policy == "never":
        return ""
    if known and missing:
        return f"is new code that asks for {_names(missing)}"
    if kept and policy == "changes":
        return f"is new code under a name that holds {', '.join(kept)}"
    return ""


def next_state(facts: Facts) -> PluginStanding:
    """Decides, the strongest reason first.

    An operator's switch wins over everything. A file that cannot be used, that asks for more or that nobody accepted
    leaves the accepted version in service, unless what that one asks for was taken back.
    """
    kept = facts.serving if facts.serving and not facts.serving_missing else None
    also = f"; version {kept[:8]} serves until then" if kept else ""
    waits = bool(facts.missing or facts.review)
    accepted = kept if facts.problem or waits else facts.newest
    if facts.switched_off:
        return PluginStanding("disabled", "switched off", accepted)
    if facts.problem:
        return PluginStanding("rejected", facts.problem + also, kept)
    if waits and facts.turned_away and kept and facts.newest:
        what = "a changed manifest" if facts.newest == kept else f"version {facts.newest[:8]}"
        also = f"{what} was turned away; version {kept[:8]} serves"
        return PluginStanding("quarantined" if facts.quarantine else "enabled", facts.quarantine or also, kept)
    if waits:
        asks = f"asks for {_names(facts.missing)}"
        return PluginStanding("needs-review" if facts.review else "needs-grant", (facts.review or asks) + also, kept)
    if facts.quarantine and facts.newest == facts.serving:
        return PluginStanding("quarantined", facts.quarantine, accepted)
    return PluginStanding("enabled", "", accepted)


def _names(requests: Sequence[CapabilityRequest]) -> str:
    return ", ".join(request.name for request in requests)
