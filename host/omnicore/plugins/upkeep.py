"""What people do to single plugins: grants, versions and the way back, upgrades, settings, how one fares."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from typing import Any

from omnicore.clock import Clock
from omnicore.config.settings import Settings
from omnicore.errors import Conflict, InvalidInput, NotFound, StorageFailed
from omnicore.events.bus import EventBus
from omnicore.plugins.configuring import PluginConfig, config_of, to_store
from omnicore.plugins.inventory import Inventory
from omnicore.plugins.manifest import Manifest
from omnicore.plugins.restoring import Restoring
from omnicore.plugins.roster import Roster
from omnicore.plugins.service import VersionsInService
from omnicore.plugins.status import BreakerStatus, PluginStatus, call_status, limits_in_force
from omnicore.plugins.upgrade import Upgrade, VersionView, capability_changes, function_changes, limit_changes
from omnicore.plugins.version import Version
from omnicore.plugins.view import Change, PluginView
from omnicore.storage.tables.plugin_config import PluginConfigTable
from omnicore.storage.tables.plugins import PluginRow, VersionRow
from omnicore.storage.tables.versions import VersionsTable
from omnicore.telemetry.metrics import Metrics

__all__ = ["Upkeep"]

_LEAST_HASH = 8


class Upkeep(Roster):
    """Looks after the plugins that a `PluginHost` has; what it needs of the host, the host sets."""

    _settings: Settings
    _inventory: Inventory
    _service: VersionsInService
    _versions: VersionsTable
    _config: PluginConfigTable
    _restoring: Restoring
    _changing: threading.RLock
    _events: EventBus
    _metrics: Metrics
    _clock: Clock

    @abstractmethod
    def _changed(self, name: str, how: str) -> None:
        """Brings what is in service in line with a plugin's row, and tells the bus."""

    # -- grants

    def diff(self, name: str) -> Sequence[Change]:
        """What the newest version asks for beyond its grants. Raises: NotFound."""
        return self._catalogue.differences(name)

    def grant(self, name: str, capability: str | None = None, *, who: str) -> PluginView:
        """Grants what a plugin asks for, one capability or all. Raises: NotFound, Conflict."""
        with self._changing:
            self._service.eager = 1
            self._catalogue.grant(name, capability, who=who)
            self._changed(name, "granted")
        return self._catalogue.view(name)

    def revoke(self, name: str, capability: str, *, who: str) -> PluginView:
        """Takes a grant back; the plugin waits until it is granted again. Raises: NotFound."""
        with self._changing:
            self._catalogue.revoke(name, capability)
            self._events.publish("plugin.revoked", {"name": name, "capability": capability, "who": who})
            self._changed(name, "changed")
        return self._catalogue.view(name)

    # -- versions

    def versions(self, name: str) -> Sequence[VersionView]:
        """The versions of a plugin that are kept, the one seen last first. Raises: NotFound."""
        row = self._catalogue.row(name)
        away = self._versions.turned_away(name)
        return [_version_view(one, row, away) for one in self._versions.of(name)]

    def rollback(self, name: str, digest: str, *, who: str) -> PluginView:
        """Puts an earlier version back: its file replaces the one in the folder, its manifest the one beside it.

        Grants stay as they are. A version that asks for no more than those serves at once; one that asks for more
        waits for them, while the version before serves on. The version that was left stays among those kept.

        Args:
            digest: the hash of a version that is kept, or its first 8 characters or more.

        Raises:
            NotFound: no such plugin, or no such version of it is kept.
            InvalidInput: the hash is too short, or fits several.
            Conflict: it is what lies in the folder already, or it cannot be put back.
            StorageFailed: the disk does not take it; it is tried again at the next look into the folder.
        """
        with self._changing:
            row = self._catalogue.row(name)
            version = self._kept(row, digest)
            if version.hash == row.hash and not row.problem:
                raise Conflict(
                    f"{name} is at version {version.hash[:8]} already", remedy=f"see `omnicore plugins versions {name}`"
                )
            self._restoring.begin(row, version.hash)
            done = self._restoring.finish()
            self._service.eager = 1
            self._inventory.take_stock(at_once=row.path)
            if row.path not in done:
                raise StorageFailed(
                    f"the file of {name} could not be written",
                    remedy="see the host's log; it is tried again at the next look into the folder",
                )
            self._events.publish("plugin.rolled-back", {"name": name, "hash": version.hash, "who": who})
        return self._catalogue.view(name)

    def upgrade(self, name: str) -> Upgrade:
        """Everything that differs between the version that answers calls and the one in the folder.

        Raises: NotFound.
        """
        row = self._catalogue.row(name)
        views = {one.hash: one for one in self.versions(name)}
        before, after = views.get(row.serving or ""), views.get(row.hash or "")
        new = Manifest.from_json(row.manifest) if row.manifest and after is not None else Manifest(name)
        old = self._manifest(name, row.serving) if before is not None and before != after else None
        changes = self._catalogue.differences(name)
        missing = [one for one in new.capabilities if one.name in {change.capability for change in changes}]
        grants = self._catalogue.granted(name)
        away = self._versions.turned_away(name).get(row.hash or "")
        added, removed, changed = function_changes(old, new) if old is not None else ((), (), ())
        return Upgrade(
            before,
            after,
            waiting=bool(changes) and away is None,
            kept={"who": away.who, "at": away.at} if away is not None else None,
            changes=tuple(capability_changes(name, old, new, missing=missing, grants=grants)),
            added=added,
            removed=removed,
            changed=changed,
            limits=limit_changes(old, new, (self._settings.limits, self._settings.max_limits)),
        )

    def approve(self, name: str, *, who: str) -> PluginView:
        """Grants all that the newest version asks for at once, and has it serve. Raises: NotFound, Conflict."""
        with self._changing:
            if not self._catalogue.differences(name):
                raise Conflict(
                    f"no version of {name} waits for a decision", remedy=f"see `omnicore plugins inspect {name}`"
                )
            return self.grant(name, None, who=who)

    def keep(self, name: str, *, who: str) -> PluginView:
        """Turns the newest version away: the one that serves goes on, and nobody is asked for that version again.

        It can be approved later. Raises: NotFound; Conflict: none waits, or no other version serves.
        """
        with self._changing:
            self._catalogue.turn_away(name, who=who)
            self._events.publish("plugin.turned-away", {"name": name, "who": who})
            self._changed(name, "changed")
        return self._catalogue.view(name)

    # -- settings

    def config(self, name: str) -> PluginConfig:
        """A plugin's settings in force, and where each comes from. Raises: NotFound."""
        row = self._catalogue.row(name)
        schema = self._schema(row)
        return config_of(schema, self._settings.plugin_settings.get(name, {}), self._config.of(name))

    def configure(self, name: str, values: Mapping[str, Any], *, who: str) -> PluginConfig:
        """Stores the settings of a plugin, which hold from the next call on, in the place of all that were stored.

        One that is left out is again what the host's settings or its manifest say.

        Raises: NotFound; InvalidSetting: they break the schema in its manifest; InvalidInput: too long or too deep.
        """
        with self._changing:
            row = self._catalogue.row(name)
            given, stored = self._settings.plugin_settings.get(name, {}), self._config.of(name)
            chosen = to_store(name, self._schema(row), given, stored, values)
            self._config.replace(name, chosen, who=who, at=self._clock.now())
            if row.problem:  # the settings may have been what was wrong
                self._catalogue.look_again(row)
                self._service.eager = 1
                self._inventory.take_stock(at_once=row.path)
            self._events.publish("plugin.configured", {"name": name, "keys": sorted(chosen), "who": who})
            self._changed(name, "changed")
        return self.config(name)

    # -- how it fares

    def status(self, name: str) -> PluginStatus:
        """How a plugin fares now. Raises: NotFound."""
        row = self._catalogue.row(name)
        manifest = self._manifest(name, row.serving) or Manifest(name)
        return self._status(name, manifest, self._service.current(name))

    def _status(self, name: str, manifest: Manifest, version: Version | None) -> PluginStatus:
        threshold = self._settings.breaker_failures
        breaker = BreakerStatus("closed", 0, threshold, None)
        kept = []
        if version is not None:
            figures, wait_s = version.breaker.figures(), version.breaker.retry_after_s
            until = self._clock.now() + wait_s if figures.state == "open" else None
            breaker = BreakerStatus(figures.state, figures.failures_in_a_row, threshold, until)
            kept = [pool.warm() for pool in version.pools()]
        return PluginStatus(
            breaker,
            in_flight=version.in_flight if version is not None else 0,
            warm=sum(one.sandboxes for one in kept),
            warm_bytes=sum(one.memory_bytes for one in kept),
            calls=call_status([self._metrics.recorder(name, one.name) for one in manifest.functions]),
            limits=limits_in_force(manifest, self._settings.limits, self._settings.max_limits),
        )

    # -- inner parts

    def _kept(self, row: PluginRow, digest: str) -> VersionRow:
        if len(digest) < _LEAST_HASH or not digest.isalnum():
            raise InvalidInput(
                f"{digest[:80]!r} is no hash of a version", remedy=f"give its first {_LEAST_HASH} characters or more"
            )
        found = [one for one in self._versions.of(row.name) if one.hash.startswith(digest)]
        if len(found) > 1:
            raise InvalidInput(f"{digest} fits {len(found)} versions", remedy="give more of its characters")
        if not found:
            raise NotFound(
                f"no version {digest[:64]} of {row.name} is kept", remedy=f"see `omnicore plugins versions {row.name}`"
            )
        return found[0]

    def _manifest(self, name: str, digest: str | None) -> Manifest | None:
        found = [one for one in self._versions.of(name) if one.hash == digest]
        return Manifest.from_json(found[0].manifest) if found else None

    def _schema(self, row: PluginRow) -> Mapping[str, Any] | None:
        """The schema that settings must fit: of the version that serves, which must go on doing so."""
        serving = self._manifest(row.name, row.serving)
        newest = Manifest.from_json(row.manifest) if row.manifest else None
        chosen = serving or newest
        return chosen.config if chosen is not None else None


def _version_view(version: VersionRow, row: PluginRow, away: Mapping[str, Any]) -> VersionView:
    manifest = Manifest.from_json(version.manifest)
    return VersionView(
        version.hash,
        manifest.version,
        version.size,
        version.seen_at,
        serving=version.hash == row.serving and not row.switched_off,
        newest=version.hash == row.hash,
        turned_away=version.hash in away,
        functions=tuple(one.name for one in manifest.functions),
    )
