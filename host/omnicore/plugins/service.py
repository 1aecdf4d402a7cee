"""Versions in service: made as the catalogue decided, compiled when needed, retired when replaced."""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from omnicore.capabilities.doors import PluginScope, open_doors
from omnicore.capabilities.services import Services
from omnicore.clock import Clock
from omnicore.config.settings import Settings
from omnicore.errors import HostError, InvalidInput, NotFound, OmniError
from omnicore.plugins.calls import Target
from omnicore.plugins.catalogue import Serving
from omnicore.plugins.limits import effective_limits
from omnicore.plugins.media import Media
from omnicore.plugins.settings import settled_settings
from omnicore.plugins.version import Version
from omnicore.resilience.breaker import Breaker
from omnicore.sandbox.abi import Doors, HostFunction, Limits
from omnicore.sandbox.engine import Engine, Template
from omnicore.sandbox.variables import Variables
from omnicore.storage.modules import ModuleStore
from omnicore.telemetry.logs import PluginLogs
from omnicore.telemetry.metrics import Metrics

__all__ = ["ServiceParts", "VersionsInService", "WrapDoors", "unwrapped"]

WrapDoors = Callable[[PluginScope, Doors], Doors]
"""What stands between a plugin and its doors, in tests."""


def unwrapped(plugin: PluginScope, doors: Doors) -> Doors:
    """The doors as they are."""
    return doors


EAGER_LOADS = 8
_log = logging.getLogger("omnicore.plugins")


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """What versions are made with."""

    settings: Settings
    engine: Engine
    modules: ModuleStore
    services: Services
    metrics: Metrics
    logs: PluginLogs
    functions: Sequence[HostFunction]
    clock: Clock
    wrap_doors: WrapDoors


class VersionsInService:
    """At most one version of each plugin. Usable from any thread; compiling never holds its lock.

    `eager` is how many versions may still be compiled before they are accepted; the names of those that were
    accepted untried stand in `untried`, for whoever has time.
    """

    def __init__(self, parts: ServiceParts) -> None:
        self._parts = parts
        self._versions: dict[str, Version] = {}
        self._ready: dict[str, Version] = {}
        self._lock = threading.Lock()
        self.eager = EAGER_LOADS
        self.untried: deque[str] = deque()

    def accept(self, serving: Serving) -> str:
        """Tries a version before it begins to serve; returns why it cannot, or ""."""
        if self.eager <= 0:
            self.untried.append(serving.name)
            return ""
        self.eager -= 1
        version = self._make(serving)
        try:
            version.load()
        except HostError:
            # The machine's fault, not the file's: whoever calls it first tries again and is told.
            _log.exception("%s could not be loaded", serving.name)
            version.retire()
            return ""
        except OmniError as error:
            version.retire()
            return str(error)
        with self._lock:
            forgotten = self._ready.pop(serving.name, None)
            self._ready[serving.name] = version
        if forgotten is not None:
            forgotten.retire()
        return ""

    def current(self, name: str) -> Version | None:
        """The version of a plugin that takes calls, if one was needed yet."""
        return self._versions.get(name)

    def holds(self, name: str) -> bool:
        """Whether there is a version to keep in line."""
        return name in self._versions or name in self._ready

    def sync(self, name: str, serving: Serving | None) -> tuple[Version | None, Version | None]:
        """Brings what is in service in line with what the catalogue decided.

        Returns: the version that takes calls, and the one that was retired, if any.
        """
        with self._lock:
            current, ready = self._versions.get(name), self._ready.pop(name, None)
            old: Version | None = current
            new: Version | None = current
            if current is not None and serving is not None and current.serving == serving:
                old = ready
                if current.quarantined and not serving.quarantined:
                    current.quarantined = current.unwell = False
                    current.breaker.reset()
            else:
                new = self._chosen(serving, ready)
            if new is None:
                self._versions.pop(name, None)
            else:
                self._versions[name] = new
        if old is not None and old is not new:
            old.retire()
        return new, None if old is new or old is ready else old

    def target(self, version: Version, ref: str) -> Target:
        """All that calls of a function need.

        Raises:
            NotFound: the plugin has no such function.
            InvalidInput: none was named, and it has several.
        """
        name, _, wanted = ref.partition(".")
        manifest = version.serving.manifest
        offered = {function.name: function for function in manifest.functions}
        if not wanted and len(offered) != 1:
            raise InvalidInput(
                f"{name} has {len(offered)} functions", remedy=f"name one: {name}.{_some(tuple(offered))}"
            )
        spec = offered.get(wanted or next(iter(offered)))
        if spec is None:
            raise NotFound(f"{name} has no function {wanted!r}", remedy=f"it has {_some(tuple(offered))}", plugin=name)
        version.refs.add(ref)
        return Target(
            ref,
            spec.name,
            version=version,
            media=Media(name, spec, check_s=version.limits.timeout_s),
            recorder=self._parts.metrics.recorder(name, spec.name),
            threads=manifest.threads or not getattr(self._parts.engine, "on_loop", True),
        )

    def all(self) -> list[Version]:
        """Every version in service."""
        with self._lock:
            return list(self._versions.values())

    def trim(self) -> bool:
        """Closes instances that nobody uses now; whether there were any."""
        return sum(pool.trim() for version in self.all() for pool in version.pools()) > 0

    def retire_all(self) -> None:
        """Takes every version out of service; calls in flight finish."""
        with self._lock:
            versions = [*self._versions.values(), *self._ready.values()]
            self._versions.clear()
            self._ready.clear()
        for version in versions:
            version.retire()

    def use(self, settings: Settings) -> Sequence[str]:
        """Makes versions under other settings from now on; those in service are retired once their calls are over.

        Returns: the references whose targets are of yesterday.
        """
        with self._lock:
            self._parts = replace(self._parts, settings=settings)
            versions = [*self._versions.values(), *self._ready.values()]
            self._versions.clear()
            self._ready.clear()
        for version in versions:
            version.retire()
        return [ref for version in versions for ref in version.refs]

    def limits(self, serving: Serving) -> Limits:
        """The limits a version runs under."""
        settings = self._parts.settings
        return effective_limits(serving.manifest.limits, settings.limits, settings.max_limits)

    def _chosen(self, serving: Serving | None, ready: Version | None) -> Version | None:
        if ready is not None and ready.serving != serving:
            ready.retire()
            ready = None
        return ready or (None if serving is None else self._make(serving))

    def _make(self, serving: Serving) -> Version:
        settings = self._parts.settings
        breaker = Breaker(settings.breaker_failures, settings.breaker_reset_s, self._parts.clock)
        if serving.quarantined:  # of an earlier run of the host: the pause begins anew
            for _ in range(settings.breaker_failures):
                breaker.failure()
        return Version(
            serving,
            self.limits(serving),
            load=self._compile,
            breaker=breaker,
            warm=min(serving.manifest.warm, settings.max_warm),
            most=settings.max_instances,
        )

    def _compile(self, serving: Serving) -> Template:
        if serving.load is not None:
            return serving.load()
        parts, manifest = self._parts, serving.manifest
        given = {**parts.settings.plugin_settings.get(serving.name, {}), **serving.settings}
        limits = self.limits(serving)
        scope = PluginScope(
            name=serving.name,
            asked=manifest.capabilities,
            grants=serving.grants,
            settings=settled_settings(serving.name, manifest.config, given),
            limits=limits,
            log=parts.logs.sink(serving.name),
            wasi=manifest.wasi,
        )
        doors = open_doors(scope, parts.services)
        # Shared by all its instances: plugins keep state in variables between calls.
        variables = Variables(limits.var_bytes)
        doors = replace(doors, functions=(*doors.functions, *parts.functions), variables=variables)
        return parts.engine.load([("main", parts.modules.get(serving.hash))], limits, parts.wrap_doors(scope, doors))


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "") if names else "none"
