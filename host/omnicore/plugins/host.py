"""`PluginHost`: the plugins of one folder, and every call into them."""

from __future__ import annotations

import asyncio
import logging
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import suppress

from omnicore.capabilities.services import Services
from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import Settings
from omnicore.errors import (
    Conflict,
    GuestError,
    LinkFailed,
    ModuleRejected,
    NotFound,
    OmniError,
    Unavailable,
)
from omnicore.events.bus import EventBus
from omnicore.plugins.calls import Calls, Target
from omnicore.plugins.catalogue import Catalogue, Serving
from omnicore.plugins.folder import Folder
from omnicore.plugins.install import check_filename, remove_files, sidecar_beside, write_whole
from omnicore.plugins.intake import read_module
from omnicore.plugins.inventory import Inventory, judged_by
from omnicore.plugins.pool import RetiredError, Warm
from omnicore.plugins.refusals import not_serving
from omnicore.plugins.restoring import Restoring
from omnicore.plugins.service import EAGER_LOADS, ServiceParts, VersionsInService, WrapDoors, unwrapped
from omnicore.plugins.upkeep import Upkeep
from omnicore.plugins.version import Version
from omnicore.plugins.view import PluginView
from omnicore.sandbox.abi import HostFunction
from omnicore.sandbox.engine import Engine
from omnicore.storage.modules import ModuleStore
from omnicore.storage.store import Store
from omnicore.storage.tables.kv import KvTable
from omnicore.storage.tables.plugin_config import PluginConfigTable
from omnicore.storage.tables.plugins import PluginRow
from omnicore.storage.tables.versions import VersionsTable
from omnicore.telemetry.logs import PluginLogs
from omnicore.telemetry.metrics import Metrics

__all__ = ["PluginHost"]

_log = logging.getLogger("omnicore.plugins")
_PASS_EVERY_S = 2.0
_SOON_S = 0.11
_LOOK_S = 0.01
_ERROR_EVERY_S = 1.0
_SWEEP_EVERY_S = 60.0


class PluginHost(Upkeep, Calls):
    """The plugins of one folder: what they are, what they may, and calls into them.

    References are `plugin.function`, or `plugin` alone when it has one function. Methods may be used from any
    thread; `start` and `stop` belong to one event loop. Without `start`, one `scan` and then `close` serve a
    short command.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        engine: Engine,
        database: Store,
        services: Services,
        metrics: Metrics,
        logs: PluginLogs,
        events: EventBus,
        clock: Clock | None = None,
        functions: Sequence[HostFunction] = (),
        wrap_doors: WrapDoors = unwrapped,
    ) -> None:
        Calls.__init__(self, threads=settings.threads, reentrant=bool(functions))
        self._clock = clock = clock or SystemClock()
        limits = (settings.limits, settings.max_limits)
        modules = ModuleStore(settings.data / "modules")
        self._settings, self._database, self._logs = settings, database, logs
        self._metrics, self._events = metrics, events
        self._service = VersionsInService(
            ServiceParts(settings, engine, modules, services, metrics, logs, functions, clock, wrap_doors)
        )
        self._catalogue = Catalogue(
            database, modules, clock, limits=limits, keep=settings.kept_versions, accept=self._service.accept
        )
        self._kv, self._folder = KvTable(database, clock), Folder(settings.plugins)
        self._make_upkeep(modules)
        self._inventory = self._make_inventory(judged_by(settings, engine))
        self._changing = threading.RLock()
        self._data_version = database.data_version()
        self._errors: dict[str, OmniError] = {}
        self._errors_due = self._pass_due = self._sweep_due = 0.0
        self._closed = False
        self.forgetting: list[Callable[[str], None]] = []
        """Told the name of each plugin that is removed: whoever keeps something for plugins deletes it."""
        self.watching: list[Callable[[str, str, PluginRow | None], None]] = []
        """Told what was taken in from the folder: a plugin's name, `added`, `changed` or `removed`, and its row."""
        self._watching: asyncio.Task[None] | None = None
        metrics.watch_states(self.states)

    def _make_upkeep(self, modules: ModuleStore) -> None:
        self._versions, self._config = VersionsTable(self._database), PluginConfigTable(self._database)
        self._restoring = Restoring(self._settings.plugins, self._database, modules, self._clock)

    def _make_inventory(self, judge: str) -> Inventory:
        limits = (self._settings.limits, self._settings.max_limits)
        return Inventory(
            self._folder,
            self._catalogue,
            limits=limits,
            judged_by=judge,
            changed=self._brought,
            restore=self._restoring.finish,
        )

    # -- what runs

    def quarantined(self) -> Sequence[str]:
        """The plugins in service that are left alone now, for they failed too often in a row."""
        return sorted(version.serving.name for version in self._service.all() if version.quarantined)

    @property
    def in_flight(self) -> int:
        """How many calls run now."""
        return sum(version.in_flight for version in self._service.all())

    def warm(self) -> Warm:
        """The sandboxes that are kept for the next call, of all plugins."""
        kept = [pool.warm() for version in self._service.all() for pool in version.pools()]
        return Warm(sum(one.sandboxes for one in kept), sum(one.memory_bytes for one in kept))

    def scan(self) -> None:
        """Takes in what changed in the folder, waiting up to a second for files that are being written."""
        for _ in range(10):
            with self._changing:
                self._service.eager = EAGER_LOADS
                if not self._inventory.take_stock():
                    return
            time.sleep(_SOON_S)

    def install(self, filename: str, data: bytes, *, manifest: bytes | None = None) -> PluginView:
        """Puts a file, and a sidecar if given, into the folder and takes it in.

        Raises:
            InvalidInput: the file name cannot be used.
            ModuleRejected, ManifestInvalid: it cannot be a plugin; nothing was written.
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
        )
        with self._changing:
            self._refuse_taken(read.name, filename)
            if manifest is None:
                write_whole(self._settings.plugins, filename, data)
            else:
                self._restoring.install(read.name, filename, data, module=module, sidecar=manifest.decode())
            self._service.eager = 1
            self._inventory.take_stock(at_once=filename)
            return self._catalogue.view_at(filename)

    def remove(self, name: str) -> None:
        """Deletes a plugin: its file, grants, versions and all it stored. Raises: NotFound."""
        with self._changing:
            row = self._catalogue.row(name)
            self._sync(name, self._catalogue.switch(name, on=False))  # no call begins any more that could write
            self._kv.clear(name)
            for forget in self.forgetting:
                forget(name)
            remove_files(self._settings.plugins, row.path)  # last: what failed before is there to be removed
            self._catalogue.forget(name)
            self._changed(name, "removed")
            self._catalogue.tidy()
        self._metrics.forget(name)
        self._logs.forget(name)

    def enable(self, name: str) -> PluginView:
        """Ends a plugin's being disabled or in quarantine, and tries a rejected file again. Raises: NotFound."""
        with self._changing:
            row = self._catalogue.row(name)
            if row.problem:
                self._catalogue.look_again(row)
                self._service.eager = 1
                self._inventory.take_stock(at_once=row.path)
        return self._switch(name, on=True)

    def disable(self, name: str) -> PluginView:
        """Takes a plugin out of service; calls in flight finish. Raises: NotFound."""
        return self._switch(name, on=False)

    def use(self, settings: Settings) -> None:
        """Takes up other limits, breakers and counts of warm sandboxes.

        The next calls get versions that are made under them; those in flight end as they began.
        """
        with self._changing:
            self._settings = settings
            self._catalogue.limits = self._inventory.limits = (settings.limits, settings.max_limits)
            for ref in self._service.use(settings):
                self._targets.pop(ref, None)

    # -- the life of the host

    async def start(self) -> None:
        """Scans the folder and, where the settings say so, goes on watching it."""
        await asyncio.to_thread(self.scan)
        if self._settings.watch:
            self._watching = asyncio.create_task(self._watch(), name="omnicore-watch-plugins")

    async def stop(self) -> None:
        """Stops watching, lets running calls finish for `drain_s`, then cuts them."""
        if self._watching is not None:
            self._watching.cancel()
            with suppress(asyncio.CancelledError):
                await self._watching
            self._watching = None
        self._closed = True
        versions = self._service.all()
        self._targets.clear()
        self._service.retire_all()
        end = time.monotonic() + self._settings.drain_s
        # Calls end on many threads and tell nobody, hence looking instead of an event.
        while any(one.in_flight for one in versions) and time.monotonic() < end:  # noqa: ASYNC110
            await asyncio.sleep(_LOOK_S)
        for version in versions:
            version.cancel()
        await asyncio.to_thread(self.close)

    def close(self) -> None:
        """Frees everything; running calls finish first. A second time does nothing."""
        self._closed = True
        self._targets.clear()
        self._service.retire_all()
        self._close_threads()
        self._write_errors()

    # -- inner parts

    def _serving(self, name: str) -> Serving | None:
        row = self._catalogue.find(name)
        return self._catalogue.serving(row) if row is not None else None

    def _switch(self, name: str, *, on: bool) -> PluginView:
        with self._changing:
            self._service.eager = 1
            self._catalogue.switch(name, on=on)
            self._changed(name, "enabled" if on else "disabled")
        return self._catalogue.view(name)

    def _resolve(self, ref: str) -> Target:
        if self._closed:
            raise Unavailable("the host is shutting down", remedy="start it again")
        name = ref.partition(".")[0]
        version = self._version(name)
        try:
            target = self._targets[ref] = self._service.target(version, ref)
        except NotFound as error:
            raise self._held_back(name, error) from None
        return target

    def _held_back(self, name: str, error: NotFound) -> NotFound:
        """The error, with the version that may have what is missing while it waits for a grant."""
        row = self._catalogue.row(name)
        if row.state != "needs-grant":
            return error
        remedy = f"{error.remedy}; the newest version {row.reason}: see `omnicore plugins diff {name}`"
        return NotFound(error.fact, remedy=remedy, **error.details)

    def _version(self, name: str) -> Version:
        version = self._service.current(name)
        if version is None:
            row = self._catalogue.row(name)
            version, _ = self._service.sync(name, self._catalogue.serving(row))
            if version is None:
                raise not_serving(row, self._catalogue.differences(name))
        return version

    def _changed(self, name: str, how: str) -> None:
        """Brings what is in service in line with a plugin's row, and tells the bus."""
        row = self._catalogue.find(name)
        self._sync(name, row)
        state = row.state if row is not None and row.present else None
        self._events.publish(f"plugin.{how}", {"name": name, "state": state, "hash": row.hash if row else None})

    def _brought(self, name: str, how: str) -> None:
        self._changed(name, how)
        for tell in self.watching:
            tell(name, how, self._catalogue.find(name))

    def _sync(self, name: str, row: PluginRow | None) -> None:
        if not self._service.holds(name):
            return  # made when it is first called
        _, retired = self._service.sync(name, self._serving(name))
        for ref in tuple(retired.refs) if retired is not None else ():
            self._targets.pop(ref, None)

    def _failed(self, version: Version, error: OmniError, opened: bool) -> None:
        # No lock of the catalogue's changes here: a call must not wait for somebody who compiles.
        name = version.serving.name
        with suppress(NotFound):
            if isinstance(error, ModuleRejected | LinkFailed):
                self._catalogue.fail(name, version.serving.hash, str(error))
                self._changed(name, "changed")
            elif opened:
                self._catalogue.quarantine(name, f"failed {self._settings.breaker_failures} times: {error.fact}")
                self._changed(name, "quarantined")
        self._errors[name] = error
        if time.monotonic() >= self._errors_due:
            self._write_errors()

    def _pressed(self) -> bool:
        return self._service.trim()

    def _recovered(self, version: Version) -> None:
        with suppress(NotFound):
            self._catalogue.recover(version.serving.name)
            self._changed(version.serving.name, "recovered")

    def _write_errors(self) -> None:
        # A plugin that fails a thousand times a second costs one write a second.
        self._errors_due = time.monotonic() + _ERROR_EVERY_S
        for name in tuple(self._errors):
            self._catalogue.record_error(name, self._errors.pop(name))

    def _refuse_taken(self, name: str, filename: str) -> None:
        owner = self._catalogue.find(name)
        if owner is not None and owner.present and owner.hash is not None and owner.path != filename:
            raise Conflict(
                f"the name {name} is taken by {owner.path}",
                remedy=f"set another name in the manifest, or run `omnicore plugins remove {name}`",
            )

    async def _watch(self) -> None:
        async for changed in self._folder.changes():
            try:
                await asyncio.to_thread(self._tick, changed)
            except (OmniError, OSError):
                # A full disk or a folder out of reach now does not end the watch; the next look may succeed.
                _log.exception("the plugin folder could not be looked at")

    def _tick(self, changed: bool) -> None:
        self._write_errors()
        data_version = self._database.data_version()
        if data_version != self._data_version:  # another process granted, disabled, ...
            self._data_version = data_version
            for version in self._service.all():
                self._sync(version.serving.name, self._catalogue.find(version.serving.name))
        if changed or time.monotonic() >= self._pass_due:
            with self._changing:
                self._service.eager = EAGER_LOADS
                again = self._inventory.take_stock()
            self._pass_due = time.monotonic() + (0 if again else _PASS_EVERY_S)
        if time.monotonic() >= self._sweep_due:
            self._kv.sweep()
            self._sweep_due = time.monotonic() + _SWEEP_EVERY_S
        self._try_one()

    def _try_one(self) -> None:
        """Compiles one of the versions that were accepted untried, so that its first caller need not wait."""
        if self._service.untried:
            name = self._service.untried.popleft()
            with suppress(OmniError, RetiredError):
                version = self._version(name)
                try:
                    version.load()
                except GuestError as error:
                    self._failed(version, error, False)
