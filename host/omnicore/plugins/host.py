"""`PluginHost`: the plugins of one folder and those in Python, and every call into them."""

from __future__ import annotations

import asyncio
import builtins
import threading
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from socket import gethostname
from typing import Any

from omnicore.capabilities.capability import CallCosts, Capability, CapabilityRequest, Grant
from omnicore.capabilities.doors import Provided, granted_scope, provided
from omnicore.capabilities.services import Services
from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import Settings
from omnicore.core.extensions import Extension
from omnicore.errors import Conflict, LinkFailed, ModuleRejected, NotFound, OmniError, StorageFailed
from omnicore.events.bus import EventBus
from omnicore.plugins.acceptance import Consent
from omnicore.plugins.call import CallPath, CallRoutes, Calls
from omnicore.plugins.callers import Callers
from omnicore.plugins.catalogue import Catalogue, Serving
from omnicore.plugins.folder import Folder, Rollbacks, check_filename, remove_files, sidecar_beside, write_whole
from omnicore.plugins.inventory import FleetWatch, FolderWatch, Inventory, judged_by, read_module
from omnicore.plugins.manifest import Manifest
from omnicore.plugins.native import NativePlugin, NativePlugins, own_limits
from omnicore.plugins.placement import Placements, check_selector, labels_of
from omnicore.plugins.schemas import FunctionSpec
from omnicore.plugins.settings import PluginConfig, config_of, to_store
from omnicore.plugins.upgrade import (
    NO_UPGRADE,
    Upgrade,
    VersionView,
    fleet_view,
    kept_version,
    upgrade_of,
    version_views,
    whole_shares,
)
from omnicore.plugins.version import (
    Patience,
    ServiceParts,
    Version,
    VersionsInService,
    Warm,
    WrapDoors,
    status_of,
    unwrapped,
    warm_of,
)
from omnicore.plugins.view import (
    CallStatus,
    FleetView,
    GrantChange,
    PluginStatus,
    PluginView,
    State,
    call_status,
    limits_in_force,
)
from omnicore.sandbox.abi import HostFunction
from omnicore.sandbox.engine import SandboxEngine
from omnicore.storage.host_locks import host_identity
from omnicore.storage.modules import ModuleStore
from omnicore.storage.store import Store
from omnicore.storage.tables.kv import KvTable
from omnicore.storage.tables.plugins import NativeTable, ObservedRow, PluginRow
from omnicore.telemetry.logs import Level, LogLine, PluginLogs
from omnicore.telemetry.metrics import Metrics

_LOOK_S = 0.01
_COMPILING = ("compile_s", "compile_bytes")


class PluginHost:
    """The plugins of one folder and native ones: what they are, what they may do, and calls into them.

    References are `plugin.function`, or `plugin` alone when it has one function. Methods may be used from any
    thread; `start` and `stop` belong to one event loop. Without `start`, one `scan` and then `close` serve a
    short command.

    Native plugins are trusted: they ask for nothing and are granted nothing.

    Args:
        extensions: the native plugins.
        functions: host functions that plugins may import.
        doors: capabilities of the embedding application.
        wrap_doors: replaces the doors of a plugin, in tests.
        modules: the bytes of modules; None: in the data folder and the database.
    """

    wanted: Sequence[str] = ()
    """Plugins that a host which watches its folder takes in before all others."""
    forgetting: list[Callable[[str], None]]
    """Called with the name of each plugin that is removed: whoever stores something for plugins deletes it."""
    watching: list[Callable[[str, str, PluginRow | None], None]]
    """Called with what was taken in from the folder: a plugin's name, `added`, `changed` or `removed`, its row."""

    def __init__(
        self,
        settings: Settings,
        *,
        engine: SandboxEngine,
        database: Store,
        services: Services,
        metrics: Metrics,
        logs: PluginLogs,
        events: EventBus,
        clock: Clock | None = None,
        extensions: Sequence[Extension] = (),
        functions: Sequence[HostFunction] = (),
        doors: Sequence[Capability] = (),
        wrap_doors: WrapDoors = unwrapped,
        modules: ModuleStore | None = None,
    ) -> None:
        known, clock = provided(functions, doors), clock or SystemClock()
        modules, kv = modules or ModuleStore(settings.data / "modules", database), KvTable(database, clock)
        self._settings, self._logs, self._metrics, self._events = settings, logs, metrics, events
        self._changing, most = threading.RLock(), (settings.limits, settings.max_limits)
        self._natives = NativePlugins(extensions, NativeTable(database), clock, limits=most, taken=self._file_named)
        given = (metrics, logs, functions, known.doors, clock, wrap_doors)
        parts = ServiceParts(settings, engine, modules, services, *given)
        self._versions = VersionsInService(parts, serves=self._serves, came=self._came)
        self._routes = CallRoutes(self._versions, self._natives, Placements(labels_of(settings.fleet.labels)))
        self._catalogue = self._routes.catalogue = self._make_catalogue(database, modules, clock, known)
        self._rollbacks = Rollbacks(settings.plugins, database, modules, clock, host=self._catalogue.host)
        self._folder = self._make_watch(database, kv, judged_by(settings, engine, known, self._natives.names()), known)
        self._fleet = self._make_fleet(database) if self._catalogue.host else None
        self.calls: CallPath = Calls(
            settings,
            reentrant=bool(functions or doors or len(self._natives)),  # Python can call the host again, without end
            routes=self._routes,
            failed=self._failed,
            recovered=self._recovered,
            make_room=self._versions.trim,
        )
        self.forgetting, self.watching = [kv.clear, self.calls.kept.forget], []
        metrics.watch_states(self.states)

    def _make_catalogue(self, database: Store, modules: ModuleStore, clock: Clock, known: Provided) -> Catalogue:
        settings = self._settings
        names = settings.plugin_settings.keys()
        review, patches = settings.plugin_review, settings.trust.auto_update == "patch"
        consent = Consent(database, clock, review=review, configured=names, doors=known.doors, patches=patches)
        return Catalogue(
            database,
            modules,
            clock,
            limits=(settings.limits, settings.max_limits),
            consent=consent,
            keep=settings.kept_versions,
            host=host_identity(settings.data) if database.dialect == "postgresql" else "",
            accept=self._versions.accept,
            replacing=self._routes.replacing,
        )

    def _make_inventory(self, judge: str, known: Provided) -> Inventory:
        return Inventory(
            Folder(self._settings.plugins),
            self._catalogue,
            limits=(self._settings.limits, self._settings.max_limits),
            judged_by=judge,
            changed=self._brought,
            restore=self._rollbacks.finish,
            claimed=self._natives.claim,
            provided=known,
        )

    def _make_watch(self, database: Store, kv: KvTable, judge: str, known: Provided) -> FolderWatch:
        return FolderWatch(
            inventory=self._make_inventory(judge, known),
            catalogue=self._catalogue,
            versions=self._versions,
            database=database,
            kv=kv,
            changing=self._changing,
            version=self._routes.version,
            sync=self._routes.sync,
            failed=self._failed,
        )

    def _make_fleet(self, database: Store) -> FleetWatch:
        return FleetWatch(
            self._catalogue,
            self._versions,
            database,
            name=gethostname(),
            follow=self._routes.follow,
            compiled=self._routes.compiled,
            hush=self._routes.hush,
            compile_ahead=lambda: self._folder.compile_ahead(self._routes.placements.look),
        )

    # -- calls

    @property
    def callers(self) -> Callers:
        """The callers: `with host.callers.named("user 7")` around what is done for somebody."""
        return self.calls.callers

    def call_blocking(
        self,
        ref: str,
        data: Any = b"",
        *,
        timeout_s: float | None = None,
        host_context: Any = None,
        raw: bool = False,
    ) -> Any:
        """Calls a function on this thread.

        Args:
            data: bytes, text, or a JSON value, as the function's media type wants it.
            timeout_s: instead of the plugin's own limit.
            raw: returns the bytes of the output, still checked against the schema.

        Returns: bytes, text or a JSON value, by the function's output media type.

        Raises:
            NotFound: no such plugin or function.
            InvalidInput: the input breaks the schema or a limit.
            PermissionDenied: the plugin waits for a grant.
            Unavailable: it is disabled, rejected or in quarantine, or the host is closed.
            CapacityReached: too many calls run.
            GuestError: the plugin failed, see `omnicore.errors`.
        """
        return self.calls.call_blocking(ref, data, timeout_s=timeout_s, host_context=host_context, raw=raw)

    async def call(
        self,
        ref: str,
        data: Any = b"",
        *,
        timeout_s: float | None = None,
        host_context: Any = None,
        raw: bool = False,
        costs: CallCosts | None = None,
    ) -> Any:
        """`call_blocking` for an event loop. Cancelling the task cuts the guest. `costs` is filled in with the time,
        fuel and memory of the call, also when it fails."""
        return await self.calls.call(ref, data, timeout_s=timeout_s, host_context=host_context, raw=raw, costs=costs)

    def refuse(self, why: Callable[[], OmniError] | None) -> None:
        """Refuses calls that begin from now on; None takes calls again. Those under way go on."""
        self._routes.refuse(why)

    def serving(self, ref: str) -> Serving:
        """The version that answers a reference now. Blocks where it is asked for first. Raises: as a call does."""
        return self.calls.target(ref).version.serving

    # -- the plugins

    def list(self) -> builtins.list[PluginView]:
        """Every plugin, by name, rejected ones among them."""
        self._catalogue.write_errors()
        return sorted([*self._catalogue.views(), *self._natives.views()], key=lambda view: view.name)

    def page(
        self, after: str, limit: int, *, state: State | None = None, text: str = ""
    ) -> tuple[Sequence[PluginView], bool]:
        """Plugins by name, from behind `after` on, and whether there are more; a page costs no more in a long list.

        `text` is a part of the name, the file or the reason."""
        self._catalogue.write_errors()
        found = self._catalogue.page(after, limit + 1, state=state, text=text)
        natives = [one for one in self._natives.views() if one.name > after and one.fits(state, text)]
        both = sorted([*found, *natives], key=lambda view: view.name)
        return both[:limit], len(both) > limit

    def get(self, name: str) -> PluginView:
        """One plugin. Raises: NotFound."""
        self._catalogue.write_errors()
        native = self._natives.find(name)
        return self._catalogue.view(name) if native is None else self._natives.view(native)

    def states(self) -> Mapping[str, int]:
        """The number of plugins in each state."""
        return Counter(self._catalogue.states()) + Counter(view.state for view in self._natives.views())

    def functions(self, name: str) -> Sequence[FunctionSpec]:
        """The functions of the version that answers calls; none when there is no such version."""
        serving = self._routes.serving(name)
        return serving.manifest.functions if serving is not None else ()

    def offers(self, name: str, function: str) -> bool:
        """True when the version that answers calls has a function."""
        return any(one.name == function for one in self.functions(name))

    def loads(self, name: str) -> bool:
        """True unless the version that answers calls cannot be loaded on this host. Blocks while it is compiled."""
        try:
            self._routes.version(name).load()
        except OmniError:
            return False
        return True

    def rights(self, name: str) -> tuple[tuple[CapabilityRequest, ...], tuple[Grant, ...]]:
        """The requests and the grants of the version that answers calls; none when there is no such version."""
        serving = self._routes.serving(name)
        return (serving.manifest.capabilities, serving.grants) if serving is not None else ((), ())

    def scope(self, name: str, capability: str) -> Mapping[str, Any] | None:
        """The scope a plugin has of a capability now, with its defaults; None when it has no such grant."""
        serving = self._routes.serving(name)
        if serving is None:
            return None
        doors = self._catalogue.consent.doors
        return granted_scope(capability, serving.manifest.capabilities, serving.grants, doors)

    def logs(self, name: str, limit: int = 100, *, level: Level = "trace") -> Sequence[LogLine]:
        """The last lines a plugin logged, oldest first; native ones log as the host does. Raises: NotFound."""
        if self._natives.find(name) is not None:
            return ()
        self._catalogue.row(name)
        return self._logs.tail(name, limit, level)

    def quarantined(self) -> Sequence[str]:
        """The plugins in quarantine, which failed too often in a row."""
        return sorted(version.serving.name for version in self._versions.all() if version.quarantined)

    def silence(self) -> str:
        """The reason why calls are refused while the hosts' database does not answer, or "" while it does."""
        return self._routes.silent

    @property
    def in_flight(self) -> int:
        """The number of calls that run now."""
        return sum(version.in_flight for version in self._versions.all())

    def observed(self) -> Sequence[ObservedRow]:
        """The versions in service here now, or that cannot be. `since` is now: a host alone keeps no record of it."""
        now = self._catalogue.clock.now()
        return [ObservedRow("", *one, now) for one in self._versions.observed()]

    def warm(self) -> Warm:
        """The sandboxes that are kept for the next call, of all plugins."""
        return warm_of(self._versions.all())

    def status(self, name: str) -> PluginStatus:
        """The breaker, sandboxes, calls and limits of a plugin now. Raises: NotFound."""
        native = self._natives.find(name)
        if native is not None:
            return self._status(native.name, native.manifest, own_limits(native.manifest))
        row = self._catalogue.row(name)
        manifest = self._catalogue.manifest(name, row.serving) or Manifest(name)
        return self._status(name, manifest, self._catalogue.granted(name))

    # -- files and states

    def scan(self, patience: Patience = "all") -> None:
        """Takes in what changed in the folder, waiting up to a second for files that are being written.

        `patience` says which versions it waits for until they are compiled; with "none" it does not read for long.
        """
        if self._fleet is not None:
            self._fleet.look()
        self._folder.scan(patience)

    def install(self, filename: str, data: bytes, *, manifest: bytes | None = None, hold: bool = False) -> PluginView:
        """Puts a file, and a sidecar if given, into the folder and takes it in.

        With `hold` the version that serves goes on until this one is approved or gets a share of the calls.

        Raises:
            InvalidInput: the file name cannot be used.
            ModuleRejected, ManifestInvalid, LinkFailed: it cannot be a plugin; nothing was written.
            Conflict: another file has the plugin's name, or would share its manifest.
        """
        stem = check_filename(filename)
        beside = sidecar_beside(self._settings.plugins, filename)
        module, read = read_module(
            stem,
            data,
            text=filename.endswith(".wat"),
            sidecar=beside if manifest is None else manifest,
            sidecar_path=f"{stem}.toml",
            limits=(self._settings.limits, self._settings.max_limits),
            provided=self._folder.inventory.provided,
        )
        with self._changing:
            self._check_name(read.name, filename)
            if manifest is None:
                write_whole(self._settings.plugins, filename, data)
            else:
                self._rollbacks.install(read.name, filename, data, module=module, sidecar=manifest.decode())
            self._folder.take_in(filename, by="hold" if hold else "install")
            return self._catalogue.view_at(filename)

    def remove(self, name: str) -> None:
        """Deletes a plugin: its file, grants, versions and all it stored.

        Raises: NotFound; Conflict: it is native, and is removed with its package.
        """
        self._refuse_native(name, "is removed by uninstalling its package")
        with self._changing:
            self._catalogue.switch(name, on=False)
            own = self._catalogue.own_named(name)
            self._routes.sync(name)  # no call begins any more that could write
            for forget in self.forgetting:
                forget(name)
            if own is not None:
                remove_files(self._settings.plugins, own.path)  # last: what failed before is there to be removed
            self._catalogue.forget(name)
            self._changed(name, "removed")
            self._catalogue.tidy()
        self._metrics.forget(name)
        self._logs.forget(name)

    def enable(self, name: str) -> PluginView:
        """Ends a plugin's being disabled or in quarantine, and tries a rejected file again. Raises: NotFound."""
        if self._natives.find(name) is None:
            with self._changing:
                if self._catalogue.row(name).problem:
                    self._look_again(name)
        return self._switch(name, on=True)

    def disable(self, name: str) -> PluginView:
        """Takes a plugin out of service; calls in flight finish. Raises: NotFound."""
        return self._switch(name, on=False)

    # -- grants

    def diff(self, name: str) -> Sequence[GrantChange]:
        """The grants that the newest version asks for and does not have. Raises: NotFound."""
        return self._catalogue.differences(name) if self._natives.find(name) is None else ()

    def grant(self, name: str, capability: str | None = None, *, who: str, digest: str | None = None) -> PluginView:
        """Grants what a plugin asks for, one capability or all. `digest` is as for `approve`.

        Raises: NotFound; Conflict: it does not ask for that, or is native.
        """
        self._refuse_native(name, "is trusted code and has no doors to open")
        with self._changing:
            self._versions.eager = 1
            self._catalogue.grant(name, capability, digest, who=who)
            self._changed(name, "granted")
        return self._catalogue.view(name)

    def revoke(self, name: str, capability: str, *, who: str) -> PluginView:
        """Takes a grant back; the plugin waits until it is granted again. Raises: NotFound; Conflict: it is native."""
        self._refuse_native(name, "is trusted code and has no grants")
        with self._changing:
            self._catalogue.revoke(name, capability)
            self._events.publish("plugin.revoked", {"name": name, "capability": capability, "who": who})
            self._changed(name, "changed")
        return self._catalogue.view(name)

    # -- versions

    def versions(self, name: str) -> Sequence[VersionView]:
        """The versions of a plugin that are kept, the one seen last first; native ones have none. Raises: NotFound."""
        return version_views(self._catalogue, self._catalogue.row(name)) if self._natives.find(name) is None else ()

    def rollback(self, name: str, digest: str, *, who: str) -> PluginView:
        """Puts an earlier version back: its file replaces the one in the folder, its manifest the one beside it.

        Grants stay as they are. A version that was accepted and asks for no more than those serves at once; any other
        waits, while the version before serves on. `digest` is a hash, or its first 8 characters or more.

        Raises:
            NotFound: no such plugin or version. InvalidInput: the hash is too short, or fits several.
            Conflict: it is what lies in the folder already, it cannot be put back, or the plugin is native.
            StorageFailed: the disk does not take it; it is tried again at the next look into the folder.
        """
        self._refuse_native(name, "changes with its package")
        with self._changing:
            row = self._catalogue.row(name)
            version = kept_version(self._catalogue, row, digest)
            same = version.hash == row.hash and self._rollbacks.sidecar(name, version.hash) == row.sidecar
            if same and not row.problem:
                raise Conflict(
                    f"{name} is at version {version.hash[:8]} already", remedy=f"see `omnicore plugins versions {name}`"
                )
            own, done = self._catalogue.own_named(name), list[str]()
            if own is None:  # another host's folder has its file, or none: that one stays as it is
                self._versions.eager = 1
                self._catalogue.put_back(name, version, self._rollbacks.sidecar(name, version.hash))
                self._changed(name, "changed")
            else:
                self._rollbacks.begin(name, own.path, version.hash)
                done = self._rollbacks.finish()
                self._folder.take_in(own.path, by="install")
            if own is not None and own.path not in done:
                raise StorageFailed(
                    f"the file of {name} could not be written",
                    remedy="see the host's log; it is tried again at the next look into the folder",
                )
            self._events.publish("plugin.rolled-back", {"name": name, "hash": version.hash, "who": who})
        return self._catalogue.view(name)

    def divide(self, name: str, shares: Mapping[str, int], *, who: str, revision: int | None = None) -> PluginView:
        """Divides the calls of a plugin among versions of it that are kept; it holds at all hosts within a second.

        `{"9f2c...": 95, "41aa...": 5}` sends each call to the first version with a probability of 95 %. Whoever divides
        accepts all of them. The version that serves must be among them, and answers where another one is not compiled
        yet. One version with 100 ends it, as do an approval, an install and a rollback; a file that changes in a folder
        waits meanwhile. `PluginView.shares` shows it, and `PluginHost.tallies` how each version has answered here.

        `shares` are whole numbers above 0, 100 together. `revision` is that of the plugin as it was looked at
        (`PluginView.revision`), so that of two who decide at the same time one is refused.

        Raises:
            NotFound: no such plugin or version. InvalidInput: no shares of 100 per cent, or of over four versions.
            Conflict: another revision, a version without a grant, or the plugin is native.
        """
        self._refuse_native(name, "changes with its package")
        with self._changing:
            row = self._catalogue.row(name)
            whole = whole_shares(self._catalogue, row, shares)
            self._versions.eager = 1
            self._catalogue.divide(name, whole, revision, who=who)
            self._events.publish("plugin.divided", {"name": name, "shares": dict(whole), "who": who})
            self._changed(name, "changed")
        return self._catalogue.view(name)

    def place(
        self, name: str, labels: Mapping[str, str] | None, *, who: str, revision: int | None = None
    ) -> PluginView:
        """Places a plugin on the hosts that have all of these labels (`fleet.labels`), or for None on every host.

        Within a second the others unload it once its calls there have ended, and send calls to those hosts over NATS.

        Raises: NotFound; InvalidInput: labels that no host can have; Conflict: another `revision`, or it is native.
        """
        self._refuse_native(name, "is on every host that has its package")
        wanted = None if labels is None else check_selector(labels)
        with self._changing:
            self._versions.eager = 1
            self._catalogue.place(name, wanted, revision)
            self._events.publish("plugin.placed", {"name": name, "labels": wanted, "who": who})
            self._changed(name, "changed")
        return self._catalogue.view(name)

    def fleet_view(self, name: str) -> FleetView:
        """Files in hosts' folders that have a plugin's name, and versions in service at hosts. Raises: NotFound."""
        native = self._natives.find(name) is not None
        return FleetView((), ()) if native else fleet_view(self._catalogue, self._catalogue.row(name))

    def tallies(self, name: str) -> Mapping[str, CallStatus]:
        """The calls of each version with a share of them at this host, by hash, as `VersionTally` counts them."""
        return {hash_: one.status() if one else CallStatus() for hash_, one in self._routes.counted(name).items()}

    @property
    def routes(self) -> CallRoutes:
        """The versions that answer calls, and what each has counted."""
        return self._routes

    def upgrade(self, name: str) -> Upgrade:
        """Everything that differs between the version that answers calls and the one in the folder.

        Raises: NotFound.
        """
        return (
            upgrade_of(self._catalogue, self._catalogue.row(name)) if self._natives.find(name) is None else NO_UPGRADE
        )

    def approve(self, name: str, digest: str | None = None, *, who: str, grants: bool = True) -> PluginView:
        """Accepts the newest version, gives all it asks for, and has it serve.

        `digest` is of the version that was looked at, as `upgrade` shows it, or its first 8 characters or more; None
        takes whichever is the newest. Without `grants` the code alone is accepted, and what it asks for waits.

        Raises: NotFound; Conflict: no version waits, the newest one is another by now, or it is native.
        """
        self._refuse_native(name, "asks for nothing")
        with self._changing:
            self._versions.eager = 1
            row = self._catalogue.approve(name, digest, who=who, grants=grants)
            self._events.publish("plugin.approved", {"name": name, "hash": row.hash, "who": who})
            self._changed(name, "granted")
        return self._catalogue.view(name)

    def keep(self, name: str, digest: str | None = None, *, who: str) -> PluginView:
        """Turns the newest version away: the one that serves goes on, and nobody is asked for that version again.

        It can be approved later. `digest` is as for `approve`.

        Raises: NotFound; Conflict: none waits, no other version serves, the newest one is another by now, or native.
        """
        self._refuse_native(name, "asks for nothing")
        with self._changing:
            self._catalogue.turn_away(name, digest, who=who)
            self._events.publish("plugin.turned-away", {"name": name, "who": who})
            self._changed(name, "changed")
        return self._catalogue.view(name)

    # -- settings

    def config(self, name: str) -> PluginConfig:
        """The settings of a plugin in force, and where each comes from; a native one reads those of the application.

        Raises: NotFound.
        """
        if self._natives.find(name) is not None:
            return PluginConfig(None, {}, {}, ())
        schema = self._catalogue.settings_schema(self._catalogue.row(name))
        return config_of(schema, self._settings.plugin_settings.get(name, {}), self._catalogue.config.of(name))

    def configure(self, name: str, values: Mapping[str, Any], *, who: str) -> PluginConfig:
        """Stores the settings of a plugin, which hold from the next call on, in the place of all that were stored.

        One that is left out is again what the host's settings or its manifest say.

        Raises:
            NotFound; Conflict: it is native.
            InvalidSetting: they break the schema in its manifest. InvalidInput: too long or too deep.
        """
        self._refuse_native(name, "reads the settings of its application")
        catalogue = self._catalogue
        with self._changing:
            row = catalogue.row(name)
            given, stored = self._settings.plugin_settings.get(name, {}), catalogue.config.of(name)
            chosen = to_store(name, catalogue.settings_schema(row), given, stored, values)
            catalogue.consent.accept_first(row, who=who)
            catalogue.config.replace(name, chosen, who=who, at=catalogue.clock.now())
            if row.problem:  # the settings may have been what was wrong
                self._look_again(name)
            self._events.publish("plugin.configured", {"name": name, "keys": sorted(chosen), "who": who})
            self._changed(name, "changed")
        return self.config(name)

    def use(self, settings: Settings) -> None:
        """Replaces the limits, breakers and counts of warm sandboxes.

        The next calls get versions that are made under them; those in flight end as they began.
        """
        with self._changing:
            self._settings = settings
            self._catalogue.limits = self._folder.inventory.limits = (settings.limits, settings.max_limits)
            consent = self._catalogue.consent
            consent.review, consent.configured = settings.plugin_review, settings.plugin_settings.keys()
            self._routes.use(settings)

    # -- the life of the host

    async def start(self) -> None:
        """Scans the folder and, where the settings say so, goes on watching it.

        Coroutine functions of native plugins run on this loop from now on.
        """
        self._natives.loop = asyncio.get_running_loop()
        if self._fleet is not None:
            await asyncio.to_thread(self._fleet.beat)
        if self.wanted and self._settings.watch:
            await asyncio.to_thread(self._folder.take_in_first, self.wanted)
        else:
            await asyncio.to_thread(self._folder.scan, "none" if self._settings.watch else "replacing")
        await asyncio.to_thread(self._routes.learn)
        if self._settings.watch:
            await self._folder.start()
        if self._fleet is not None:
            self._fleet.start()

    async def stop(self) -> None:
        """Stops watching, lets running calls finish for `drain_s`, then cuts them."""
        await self._folder.stop()
        if self._fleet is not None:
            await asyncio.to_thread(self._fleet.stop)
        versions = self._versions.all()
        self._retire()
        end = time.monotonic() + self._settings.drain_s
        # Calls end on many threads without a signal, hence looking instead of an event.
        while any(one.in_flight for one in versions) and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)
        for version in versions:
            version.cancel()
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Frees everything; running calls finish first, those that wait for a compiler end. A second time does
        nothing."""
        if self._fleet is not None:
            self._fleet.stop()
        self._retire()
        self._versions.close()
        with self._changing:
            pass  # a version may have come at this moment: the database stays open until it is decided
        self.calls.close()
        self._catalogue.write_errors()

    # -- inner parts

    def _retire(self) -> None:
        self._folder.closed = True
        self._routes.close()

    def _look_again(self, name: str) -> None:
        """Tries a plugin whose file could not be used once more. The caller holds `_changing`."""
        self._versions.eager = 1
        path = self._catalogue.look_again(name)
        if path is not None:
            self._folder.take_in(path)

    def _came(self, name: str) -> None:
        self._folder.look_again(name)

    def _serves(self, name: str) -> bool:
        row = self._catalogue.find(name)
        return row is not None and row.serving is not None and row.present

    def _file_named(self, name: str) -> str | None:
        row = self._catalogue.find(name)
        return row.path if row is not None and row.present and row.hash is not None else None

    def _switch(self, name: str, *, on: bool) -> PluginView:
        how = "enabled" if on else "disabled"
        with self._changing:
            native = self._natives.find(name)
            if native is not None:
                self._natives.switch(native, on=on)
                self._native_changed(native, how)
                return self._natives.view(native)
            self._versions.eager = 1
            self._catalogue.switch(name, on=on)
            self._changed(name, how)
        return self._catalogue.view(name)

    def _changed(self, name: str, how: str) -> None:
        """Brings what is in service in line with a plugin's row, and publishes the change."""
        native = self._natives.find(name)
        if native is not None:
            self._native_changed(native, how)
            return
        row = self._catalogue.find(name)
        self._routes.sync(name)
        state = row.state if row is not None and row.present else None
        self._events.publish(f"plugin.{how}", {"name": name, "state": state, "hash": row.hash if row else None})

    def _native_changed(self, native: NativePlugin, how: str) -> None:
        self._routes.sync(native.name)
        view = self._natives.view(native)
        self._events.publish(f"plugin.{how}", {"name": native.name, "state": view.state, "hash": None})

    def _brought(self, name: str, how: str) -> None:
        self._changed(name, how)
        row = self._catalogue.find(name)
        if row is not None and row.present and row.state == "needs-review":
            self._events.publish("plugin.needs-review", {"name": name, "hash": row.hash, "reason": row.reason})
        for notify in self.watching:
            notify(name, how, row)

    def _failed(self, version: Version, error: OmniError, opened: bool) -> None:
        # No lock of the catalogue's changes here: a call must not wait for somebody who compiles.
        name = version.serving.name
        reason = f"failed {self._settings.breaker_failures} times: {error.fact}"
        native = self._natives.find(name)
        if native is not None:
            self._natives.failed(native, error)
            if opened:
                native.quarantine = reason
                self._native_changed(native, "quarantined")
            return
        with suppress(NotFound):
            if isinstance(error, ModuleRejected | LinkFailed) or error.details.get("limit") in _COMPILING:
                self._catalogue.fail(name, version.serving.hash, str(error))
                self._changed(name, "changed")
            elif opened:
                self._catalogue.quarantine(name, reason)
                self._changed(name, "quarantined")
        self._catalogue.note_error(name, error)

    def _recovered(self, version: Version) -> None:
        native = self._natives.find(version.serving.name)
        if native is not None:
            native.quarantine = ""
            self._native_changed(native, "recovered")
            return
        with suppress(NotFound):
            self._catalogue.recover(version.serving.name)
            self._changed(version.serving.name, "recovered")

    def _check_name(self, name: str, filename: str) -> None:
        claimant = self._natives.claim(name)
        if claimant is not None:
            raise Conflict(
                f"the name {name} is taken by {claimant}", remedy="set another name in the manifest", plugin=name
            )
        owner = self._catalogue.own_named(name)
        if owner is not None and owner.hash is not None and owner.path != filename and not owner.removed:
            raise Conflict(
                f"the name {name} is taken by {owner.path}",
                remedy=f"set another name in the manifest, or run `omnicore plugins rm {name}`",
            )

    def _refuse_native(self, name: str, why: str) -> None:
        if self._natives.find(name) is not None:
            raise Conflict(
                f"{name} is a native plugin: it {why}", remedy=f"`omnicore plugins disable {name}` takes it out of use"
            )

    def _status(self, name: str, manifest: Manifest, grants: Sequence[Grant]) -> PluginStatus:
        recorders = [self._metrics.recorder(name, one.name) for one in manifest.functions]
        limits = limits_in_force(manifest, grants, self._settings.limits, self._settings.max_limits)
        threshold, now = self._settings.breaker_failures, self._catalogue.clock.now()
        return status_of(self._versions.current(name), call_status(recorders), limits, threshold=threshold, now=now)
