"""`CombinedHost`: sandboxed plugins and native ones in one catalogue, listed, switched and called alike."""

from __future__ import annotations

import asyncio
import builtins
import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import Settings
from omnicore.core.extensions import Extension
from omnicore.errors import Conflict, NotFound, OmniError
from omnicore.plugins.catalogue import Serving
from omnicore.plugins.configuring import PluginConfig
from omnicore.plugins.host import PluginHost
from omnicore.plugins.inventory import Inventory
from omnicore.plugins.native import NativePlugin, NativePlugins
from omnicore.plugins.status import PluginStatus
from omnicore.plugins.upgrade import NO_UPGRADE, Upgrade, VersionView
from omnicore.plugins.version import Version
from omnicore.plugins.view import Change, PluginView, State
from omnicore.sandbox.abi import HostFunction
from omnicore.storage.store import Store
from omnicore.storage.tables.native import NativeTable
from omnicore.telemetry.logs import Level, LogLine

__all__ = ["CombinedHost"]


class CombinedHost(PluginHost):
    """A plugin host that also has native plugins. They are trusted: they ask for nothing and are granted nothing.

    Args:
        extensions: the native plugins; all others are those of `PluginHost`.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        database: Store,
        extensions: Sequence[Extension] = (),
        clock: Clock | None = None,
        functions: Sequence[HostFunction] = (),
        **parts: Any,
    ) -> None:
        clock = clock or SystemClock()
        self._natives = NativePlugins(
            extensions,
            NativeTable(database),
            clock,
            limits=(settings.limits, settings.max_limits),
            taken=self._file_named,
        )
        super().__init__(settings, database=database, clock=clock, functions=functions, **parts)
        # Python can call the host again, and so without end: its calls are counted as those of host functions are.
        self._reentrant = self._reentrant or len(self._natives) > 0

    def list(self) -> builtins.list[PluginView]:
        """Every plugin, by name, rejected ones among them."""
        return sorted([*super().list(), *self._natives.views()], key=lambda view: view.name)

    def get(self, name: str) -> PluginView:
        """One plugin. Raises: NotFound."""
        native = self._natives.find(name)
        return super().get(name) if native is None else self._natives.view(native)

    def page(
        self, after: str, limit: int, *, state: State | None = None, text: str = ""
    ) -> tuple[Sequence[PluginView], bool]:
        """Plugins by name, from behind `after` on, and whether there are more."""
        found, more = super().page(after, limit, state=state, text=text)
        natives = [one for one in self._natives.views() if one.name > after and one.fits(state, text)]
        both = sorted([*found, *natives], key=lambda view: view.name)
        return both[:limit], more or len(both) > limit

    def states(self) -> Mapping[str, int]:
        """How many plugins are in each state."""
        return Counter(super().states()) + Counter(view.state for view in self._natives.views())

    def diff(self, name: str) -> Sequence[Change]:
        """What the newest version asks for beyond its grants. Raises: NotFound."""
        return super().diff(name) if self._natives.find(name) is None else ()

    def logs(self, name: str, limit: int = 100, *, level: Level = "trace") -> Sequence[LogLine]:
        """The last lines a plugin logged; native ones log as the host does. Raises: NotFound."""
        return super().logs(name, limit, level=level) if self._natives.find(name) is None else ()

    def remove(self, name: str) -> None:
        """Deletes a plugin. Raises: NotFound; Conflict: it is native, and goes with its package."""
        self._refuse(name, "is removed by uninstalling its package", f"omnicore plugins disable {name}")
        super().remove(name)

    def enable(self, name: str) -> PluginView:
        """Ends a plugin's being disabled or in quarantine. Raises: NotFound."""
        native = self._natives.find(name)
        return super().enable(name) if native is None else self._switch_native(native, on=True)

    def disable(self, name: str) -> PluginView:
        """Takes a plugin out of service; calls in flight finish. Raises: NotFound."""
        native = self._natives.find(name)
        return super().disable(name) if native is None else self._switch_native(native, on=False)

    def grant(self, name: str, capability: str | None = None, *, who: str) -> PluginView:
        """Grants what a plugin asks for. Raises: NotFound; Conflict: it is native, or does not ask."""
        self._refuse(name, "is trusted code and has no doors to open", f"omnicore plugins disable {name}")
        return super().grant(name, capability, who=who)

    def revoke(self, name: str, capability: str, *, who: str) -> PluginView:
        """Takes a grant back. Raises: NotFound; Conflict: it is native."""
        self._refuse(name, "is trusted code and has no grants", f"omnicore plugins disable {name}")
        return super().revoke(name, capability, who=who)

    def versions(self, name: str) -> Sequence[VersionView]:
        """The versions that are kept; of native plugins none are. Raises: NotFound."""
        return super().versions(name) if self._natives.find(name) is None else ()

    def rollback(self, name: str, digest: str, *, who: str) -> PluginView:
        """Puts an earlier version back. Raises: see `Upkeep.rollback`; Conflict: it is native."""
        self._refuse(name, "changes with its package", f"omnicore plugins disable {name}")
        return super().rollback(name, digest, who=who)

    def upgrade(self, name: str) -> Upgrade:
        """What differs between the serving version and the newest one; for a native one nothing. Raises: NotFound."""
        return super().upgrade(name) if self._natives.find(name) is None else NO_UPGRADE

    def approve(self, name: str, *, who: str) -> PluginView:
        """Grants all that the newest version asks for. Raises: NotFound; Conflict, also for a native one."""
        self._refuse(name, "asks for nothing", f"omnicore plugins disable {name}")
        return super().approve(name, who=who)

    def keep(self, name: str, *, who: str) -> PluginView:
        """Turns the newest version away. Raises: NotFound; Conflict, also for a native one."""
        self._refuse(name, "asks for nothing", f"omnicore plugins disable {name}")
        return super().keep(name, who=who)

    def config(self, name: str) -> PluginConfig:
        """A plugin's settings; a native one reads those of the application instead. Raises: NotFound."""
        return super().config(name) if self._natives.find(name) is None else PluginConfig(None, {}, {}, ())

    def configure(self, name: str, values: Mapping[str, Any], *, who: str) -> PluginConfig:
        """Stores the settings of a plugin. Raises: see `Upkeep.configure`; Conflict: it is native."""
        self._refuse(name, "reads the settings of its application", f"omnicore plugins disable {name}")
        return super().configure(name, values, who=who)

    def status(self, name: str) -> PluginStatus:
        """How a plugin fares now. Raises: NotFound."""
        native = self._natives.find(name)
        if native is None:
            return super().status(name)
        return self._status(native.name, native.manifest, self._service.current(native.name))

    async def start(self) -> None:
        """Scans the folder; coroutine functions of native plugins run on this loop from now on."""
        self._natives.loop = asyncio.get_running_loop()
        await super().start()

    # -- what differs inside

    def _make_inventory(self, judge: str) -> Inventory:
        inventory = super()._make_inventory(judge)
        if len(self._natives):
            inventory.respect(self._natives.claim, f"{judge} {self._names()}")
        return inventory

    def _names(self) -> str:
        """Stands for the names that are claimed: a file is judged again once they are others."""
        return hashlib.sha256("\n".join(sorted(self._natives.names())).encode()).hexdigest()[:8]

    def _file_named(self, name: str) -> str | None:
        row = self._catalogue.find(name)
        return row.path if row is not None and row.present and row.hash is not None else None

    def _serving(self, name: str) -> Serving | None:
        native = self._natives.find(name)
        return super()._serving(name) if native is None else self._natives.serving(native)

    def _version(self, name: str) -> Version:
        native = self._natives.find(name)
        if native is None:
            return super()._version(name)
        version = self._service.current(name)
        if version is None:
            version, _ = self._service.sync(name, self._natives.serving(native))
            if version is None:
                raise self._natives.refusal(native)
        return version

    def _held_back(self, name: str, error: NotFound) -> NotFound:
        return error if self._natives.find(name) is not None else super()._held_back(name, error)

    def _switch_native(self, native: NativePlugin, *, on: bool) -> PluginView:
        with self._changing:
            self._natives.switch(native, on=on)
            self._changed(native.name, "enabled" if on else "disabled")
        return self._natives.view(native)

    def _changed(self, name: str, how: str) -> None:
        native = self._natives.find(name)
        if native is None:
            super()._changed(name, how)
            return
        self._sync(name, None)
        view = self._natives.view(native)
        self._events.publish(f"plugin.{how}", {"name": name, "state": view.state, "hash": None})

    def _failed(self, version: Version, error: OmniError, opened: bool) -> None:
        native = self._natives.find(version.serving.name)
        if native is None:
            super()._failed(version, error, opened)
            return
        self._natives.failed(native, error)
        if opened:
            native.quarantine = f"failed {self._settings.breaker_failures} times: {error.fact}"
            self._changed(native.name, "quarantined")

    def _recovered(self, version: Version) -> None:
        native = self._natives.find(version.serving.name)
        if native is None:
            super()._recovered(version)
            return
        native.quarantine = ""
        self._changed(native.name, "recovered")

    def _refuse_taken(self, name: str, filename: str) -> None:
        claimant = self._natives.claim(name)
        if claimant is not None:
            raise Conflict(
                f"the name {name} is taken by {claimant}", remedy="set another name in the manifest", plugin=name
            )
        super()._refuse_taken(name, filename)

    def _refuse(self, name: str, why: str, instead: str) -> None:
        if self._natives.find(name) is not None:
            raise Conflict(f"{name} is a native plugin: it {why}", remedy=f"`{instead}` takes it out of use")
