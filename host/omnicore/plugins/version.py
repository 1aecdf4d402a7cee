"""Versions of plugins in service: compiled when first needed, retired when replaced, freed after their last call."""

from __future__ import annotations

import logging
import threading
import weakref
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from contextlib import nullcontext, suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from omnicore.capabilities.capability import Capability
from omnicore.capabilities.doors import PluginScope, open_doors
from omnicore.errors import (
    CapacityReached,
    GuestError,
    HostError,
    InvalidInput,
    NotFound,
    OmniError,
)
from omnicore.plugins.callers import Blame, VersionTally
from omnicore.plugins.manifest import granted_limits
from omnicore.plugins.schemas import Media
from omnicore.plugins.settings import settled_settings
from omnicore.plugins.view import BreakerStatus, CallStatus, LimitInForce, PluginStatus
from omnicore.resilience.breaker import Breaker
from omnicore.sandbox.abi import Doors, HostFunction, Limits, Variables
from omnicore.sandbox.budget import COOLING, register_idle_owner
from omnicore.sandbox.compiler import Deferred, compiling, only_cheap

if TYPE_CHECKING:
    import asyncio

    from omnicore.capabilities.services import Services
    from omnicore.clock import Clock
    from omnicore.config.settings import Settings
    from omnicore.plugins.callers import LimitGate
    from omnicore.plugins.catalogue import Serving
    from omnicore.sandbox.engine import Instance, SandboxEngine, Template
    from omnicore.storage.modules import ModuleStore
    from omnicore.telemetry.logs import PluginLogs
    from omnicore.telemetry.metrics import CallRecorder, Metrics


@dataclass(frozen=True, slots=True)
class Warm:
    """Sandboxes that are kept between calls. Units: bytes of all their memories."""

    sandboxes: int
    memory_bytes: int


class RetiredError(Exception):
    """The version of this pool no longer takes calls; another one may."""


class InstancePool:
    """Lends instances without a lock: every step is one deque or set operation, which CPython does whole.

    A permit stands for a call in flight, a spot for room to keep one more warm instance, so neither bound can
    be overrun by a race.

    Args:
        make: makes an instance.
        warm: how many are kept between calls; 0 makes a fresh one for each call.
        most: how many calls may be in flight.
        idle: called once, when the pool is closed and its last call is over.
    """

    __slots__ = (
        "__weakref__",
        "_busy",
        "_closed",
        "_idle",
        "_make",
        "_most",
        "_permits",
        "_settling",
        "_spots",
        "_when_idle",
    )

    def __init__(self, make: Callable[[], Instance], *, warm: int, most: int, idle: Callable[[], None]) -> None:
        self._make = make
        self._most = most
        self._when_idle = idle
        self._permits: deque[None] = deque([None] * most)
        self._spots: deque[None] = deque([None] * min(warm, most))
        self._idle: deque[Instance] = deque()
        self._busy: set[Instance] = set()
        self._closed = False
        self._settling = threading.Lock()
        register_idle_owner(self)

    def take(self) -> Instance:
        """Lends an instance until `give`.

        Raises:
            CapacityReached: too many calls are in flight.
            RetiredError: the pool was closed.
        """
        try:
            self._permits.pop()
        except IndexError:
            raise CapacityReached(
                f"{self._most} calls of this plugin run already", remedy="try again, or raise max_instances"
            ) from None
        try:
            if self._closed:  # looked at after the permit is taken: `close` sees that permit missing
                raise RetiredError
            instance = (self._kept() if self._idle else None) or self._make()
        except BaseException:
            self._permits.append(None)
            self._settle()
            raise
        self._busy.add(instance)
        return instance

    def give(self, instance: Instance) -> None:
        """Takes an instance back; it is kept when it is well and there is room."""
        self._busy.discard(instance)
        if instance.healthy and self._spots and not self._closed:
            try:
                self._spots.pop()
            except IndexError:
                instance.close()
            else:
                self._idle.append(instance)
                if instance.kept_bytes:
                    COOLING.note(self, instance, instance.kept_bytes)
        else:
            instance.close()
        self._permits.append(None)
        if self._closed:
            self._settle()

    def trim(self) -> int:
        """Closes the instances that nobody uses now and returns how many."""
        count = 0
        while (instance := self._kept()) is not None:
            instance.close()
            count += 1
        return count

    give_up = trim
    """As the budget of memory calls it when somebody else needs the room."""

    def holds(self, kept: Instance) -> bool:
        """True while this instance is idle."""
        return kept in self._idle

    def drop(self, kept: Instance) -> bool:
        """Closes this instance; False when it is in use, or gone."""
        try:
            self._idle.remove(kept)
        except (ValueError, IndexError):  # the latter: calls took and gave others meanwhile
            return False
        self._spots.append(None)
        kept.close()
        return True

    def warm(self) -> Warm:
        """The instances that nobody uses now, and their memory."""
        count = size = 0
        try:
            self._permits.pop()  # as a call does: a pool that is closed meanwhile waits for it
        except IndexError:
            return Warm(len(self._idle), 0)
        try:
            for _ in range(len(self._idle)):
                instance = self._idle.popleft()  # out of the pool, so that nobody begins a call in it
                count += 1
                with suppress(OmniError):
                    size += instance.usage().memory_bytes
                self._idle.append(instance)
        except IndexError:
            pass  # calls took the rest
        finally:
            self._permits.append(None)
            self._settle()
        return Warm(count, size)

    def cancel(self) -> None:
        """Cuts every call in flight."""
        for instance in list(self._busy):
            instance.cancel()

    def close(self) -> None:
        """Lends no more; calls in flight go on to their end."""
        self._closed = True
        self.trim()
        self._settle()

    @property
    def in_flight(self) -> int:
        """The number of calls that run now."""
        return self._most - len(self._permits)

    def _kept(self) -> Instance | None:
        try:
            instance = self._idle.pop()
        except IndexError:
            return None
        self._spots.append(None)
        return instance

    def _settle(self) -> None:
        if not self._closed or len(self._permits) < self._most:
            return
        with self._settling:
            self.trim()  # one that was given back while `close` ran
            when_idle, self._when_idle = self._when_idle, _nothing
        when_idle()


def _nothing() -> None:
    """Stands in for the callback of a pool that has settled."""


class Version:
    """A version, its template and its pools.

    Owns: the template, closed once the version is retired and no call runs.

    `unwell` is true from a failure until those of the last time are forgotten: only then need a call look at the
    breaker and at who is to blame.

    Args:
        load: compiles and links; called at most once at a time, on the thread that needs it first.
        most: how many calls may be in flight in each pool.
    """

    def __init__(
        self,
        serving: Serving,
        limits: Limits,
        *,
        load: Callable[[Serving], Template],
        breaker: Breaker,
        blame: Blame,
        warm: int,
        most: int,
    ) -> None:
        self.serving = serving
        self.limits = limits
        self.breaker = breaker
        self.blame = blame
        self.quarantined = serving.quarantined
        self.unwell = serving.quarantined
        self.refs: set[str] = set()
        self._load = load
        self._warm = warm
        self._most = most
        self._template: Template | None = None
        self._refusal: GuestError | None = None
        self._coming: Future[Template] | None = None
        self._retired = False
        self._over = threading.Event()
        self._lock = threading.RLock()
        self._loading = threading.Lock()  # held while compiling, when everything else goes on
        self._open_pools = 1
        self.blocking = self._pool(on_loop=False)
        self._on_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, InstancePool] = weakref.WeakKeyDictionary()

    @property
    def loaded(self) -> bool:
        """True once the version is compiled."""
        return self._template is not None

    def load(self) -> Template:
        """Compiles unless that is done; what cannot be compiled is refused at once from then on.

        Raises: what `Engine.load` raises; RetiredError.
        """
        if self._template is not None:
            return self._template
        if self._refusal is not None:
            raise _again(self._refusal)
        with self._loading:
            return self._template or self._made()

    def _made(self) -> Template:
        if self._retired:
            raise RetiredError
        if self._refusal is not None:
            raise _again(self._refusal)
        try:
            template = self._load(self.serving)
        except GuestError as error:
            self._refusal = error
            raise
        except Deferred:
            if self._retired:
                raise RetiredError from None
            raise
        with self._lock:
            self._template = template
            unused = self._retired and self._open_pools == 0
        if unused:  # it was retired meanwhile, and nobody is left to close what was not there yet
            template.close()
            raise RetiredError
        return template

    @property
    def is_coming(self) -> bool:
        """True while a thread of its own compiles it."""
        coming = self._coming
        return coming is not None and not coming.done()

    @property
    def failed(self) -> bool:
        """True when the last try on a thread of its own ended without a template."""
        coming = self._coming
        return coming is not None and coming.done() and coming.exception() is not None

    def condition(self) -> tuple[str, str]:
        """The state and the error, for people: `loaded`, `coming`, `failed`, or "" before it was needed."""
        coming = self._coming
        error = self._refusal or (coming.exception() if coming is not None and coming.done() else None)
        if self._template is not None:
            return "loaded", ""
        if error is not None:
            return "failed", str(error)[:_LONGEST_ERROR]
        return ("coming", "") if coming is not None else ("", "")

    def coming(self, *, called: bool = True, after_s: float = 0.0) -> Future[Template]:
        """The template once it is compiled, on a thread of its own. Asked for again, it is the same one, until it
        failed.

        Args:
            called: somebody waits for it; else others are compiled first.
            after_s: when to begin.
        """
        with self._lock:
            coming = self._coming
            if coming is not None and not (coming.done() and coming.exception()):
                return coming
            coming = self._coming = Future()
            coming.set_running_or_notify_cancel()  # whoever stops waiting does not end it for the others
        threading.Thread(target=self._come, args=(coming, called, after_s), name="omnicore-load", daemon=True).start()
        return coming

    def _come(self, coming: Future[Template], called: bool, after_s: float) -> None:
        self._over.wait(after_s)
        try:
            with compiling(ahead=not called, wanted=lambda: not self._retired):
                template = self.load()
        except BaseException as error:
            coming.set_exception(error)
        else:
            coming.set_result(template)

    def on_loop(self, loop: asyncio.AbstractEventLoop) -> InstancePool:
        """The pool of instances that live on an event loop."""
        pool = self._on_loop.get(loop)
        if pool is None:
            with self._lock:
                pool = self._on_loop[loop] = self._pool(on_loop=True)
                self._open_pools += 1
            if self._retired:  # it then refuses, as every pool of a retired version does
                pool.close()
        return pool

    def pools(self) -> list[InstancePool]:
        """Every pool of this version."""
        with self._lock:
            return [self.blocking, *self._on_loop.values()]

    @property
    def in_flight(self) -> int:
        """The number of calls that run now."""
        return sum(pool.in_flight for pool in self.pools())

    def cancel(self) -> None:
        """Cuts every call in flight."""
        for pool in self.pools():
            pool.cancel()

    def retire(self) -> None:
        """Takes no new calls; those in flight finish, then everything is freed."""
        with self._lock:
            if self._retired:
                return
            self._retired = True
        self._over.set()
        for pool in self.pools():
            pool.close()

    def _pool(self, *, on_loop: bool) -> InstancePool:
        def make() -> Instance:
            return (self._template or self.load()).instance(on_loop=on_loop)

        return InstancePool(make, warm=self._warm, most=self._most, idle=self._settled)

    def _settled(self) -> None:
        with self._lock:
            self._open_pools -= 1
            template = self._template if self._open_pools == 0 else None
        if template is not None:
            template.close()


def _again(refusal: GuestError) -> GuestError:
    """The same error for another caller: each is marked and traced by itself."""
    return type(refusal)(refusal.fact, remedy=refusal.remedy, **refusal.details)


WrapDoors = Callable[[PluginScope, Doors], Doors]
"""Layer between a plugin and its doors, in tests."""


def unwrapped(plugin: PluginScope, doors: Doors) -> Doors:
    """The doors as they are."""
    return doors


EAGER_LOADS = 8
_LONGEST_ERROR = 500
_AGAIN_S = 30.0  # until a version is compiled again after the machine failed it
Patience = Literal["all", "replacing", "none"]
BEING_COMPILED = "is being compiled; it is taken in once that is done"
_log = logging.getLogger("omnicore.plugins")


@dataclass(frozen=True, slots=True)
class ServiceParts:
    """Parts that versions are made with."""

    settings: Settings
    engine: SandboxEngine
    modules: ModuleStore
    services: Services
    metrics: Metrics
    logs: PluginLogs
    functions: Sequence[HostFunction]
    capabilities: Mapping[str, Capability]
    clock: Clock
    wrap_doors: WrapDoors


class Target:
    """Everything that calls of a reference such as `text.count` need, worked out once.

    `record` is told of calls that were answered, `failed` of all others. `tally` counts for one of several versions,
    `gate` lets calls through where they are limited. `sample_at`, `spoilt_at`: see `costs`.
    """

    # fmt: off
    __slots__ = (
        "export", "failed", "gate", "media", "plain_input", "plain_output", "record", "ref", "sample_at", "spoilt_at",
        "tally", "threads", "version",
    )
    # fmt: on

    def __init__(
        self, ref: str, export: str, *, version: Version, media: Media, recorder: CallRecorder, threads: bool
    ) -> None:
        self.ref = ref
        self.export = export
        self.version = version
        self.media = media
        self.plain_input = media.plain_input
        self.plain_output = media.plain_output
        self.record: Callable[..., None] = recorder.record
        self.failed = recorder.record
        self.tally: VersionTally | None = None
        self.gate: LimitGate | None = None
        self.threads = threads
        self.sample_at = self.spoilt_at = 0.0


class VersionsInService:
    """The version of each plugin, and those that share its calls. Usable from any thread; no compiler holds its lock.

    `eager` is how many versions may still be loaded before they are accepted. `patience` says for which of them
    whoever has them accepted waits for a compiler. The others are compiled while the host goes on: a new plugin is
    accepted untried, its name stands in `untried` for whoever has time, and a version that would replace another
    waits until that is done.

    Args:
        serves: whether a version of a plugin answers calls now.
        came: is told the name when a version that waited is compiled, or cannot be, on the thread that did it.
    """

    def __init__(self, parts: ServiceParts, *, serves: Callable[[str], bool], came: Callable[[str], None]) -> None:
        self._parts = parts
        self._versions: dict[str, Version] = {}
        self._ready: dict[str, Version] = {}
        self._lock = threading.Lock()
        self._serves, self._came = serves, came
        self._pending: dict[str, Version] = {}
        self.eager = EAGER_LOADS
        self.patience: Patience = "all"
        self.untried: deque[str] = deque()

    def accept(self, serving: Serving) -> str:
        """Tries a version before it begins to serve; returns why it cannot, or ""."""
        version = self._tried(serving)
        if self.eager <= 0 and not version.loaded:
            return self._later(version)
        self.eager -= 1
        try:
            with nullcontext() if self._waits_for(serving.name) else only_cheap():
                version.load()
        except Deferred:
            return self._later(version)
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

    def is_pending(self, name: str) -> bool:
        """True while a version of this plugin is compiled before it may replace another."""
        version = self._pending.get(name)
        return version is not None and version.is_coming

    def _tried(self, serving: Serving) -> Version:
        """The version as it was left by a compiler, or a new one."""
        with self._lock:
            pending = self._pending.pop(serving.name, None)
        if pending is None:
            return self._make(serving)
        if pending.serving == serving:
            return pending
        pending.retire()
        return self._make(serving)

    def _waits_for(self, name: str) -> bool:
        return self.patience == "all" or (self.patience == "replacing" and self._serves(name))

    def _later(self, version: Version) -> str:
        """Accepts a version untried. While nothing is waited for, one that would replace another is compiled first:
        returns why it does not serve until then, or ""."""
        name = version.serving.name
        if self.patience != "none" or not self._serves(name):
            version.retire()
            self.untried.append(name)
            return ""
        with self._lock:
            self._pending[name] = version
        again_s = _AGAIN_S if version.failed else 0.0
        version.coming(called=False, after_s=again_s).add_done_callback(lambda _: self._came(name))
        return BEING_COMPILED

    def succeed(self, name: str, serving: Serving | None, done: Callable[[], None]) -> bool:
        """Compiles the version that is to follow the current one, which answers calls until that is done.

        Nothing is awaited where another host has taken the current one out of service, or taken a grant from it. A
        version that cannot be compiled here leaves the current one in service; a failure of the machine is tried again.

        Args:
            done: called when it is compiled, on the thread that did it: the current version is to be replaced now.

        Returns: whether the current one goes on.
        """
        with self._lock:
            current, ready = self._versions.get(name), self._ready.get(name)
            if serving is None or current is None or not current.loaded or not _follows(current.serving, serving):
                return False
            if ready is not None and ready.serving == serving:
                return not ready.loaded
            following = self._ready[name] = self._make(serving)
        if ready is not None:
            ready.retire()
        self._follow(following, done)
        return True

    def _follow(self, following: Version, done: Callable[[], None], after_s: float = 0.0) -> None:
        def came(coming: Future[Template]) -> None:
            error = coming.exception()
            if error is None:
                done()
            elif isinstance(error, HostError):
                _log.error("version %s of %s: %s", following.serving.hash[:8], following.serving.name, error)
                self._follow(following, done, _AGAIN_S)

        following.coming(called=False, after_s=after_s).add_done_callback(came)

    def observed(self) -> list[tuple[str, str, str, str]]:
        """Plugin, hash, state (`coming`, `loaded` or `failed`) and error of each version that was needed so far."""
        with self._lock:
            versions = [*self._versions.values(), *self._ready.values()]
        states = {(one.serving.name, one.serving.hash): one.condition() for one in versions}
        return sorted((*version, *condition) for version, condition in states.items() if condition[0])

    def current(self, name: str) -> Version | None:
        """The version of a plugin that takes calls, if one was needed yet."""
        return self._versions.get(name)

    def holds(self, name: str) -> bool:
        """True when a version has to be kept in line with the catalogue."""
        return name in self._versions or name in self._ready or name in self._pending

    def sync(self, name: str, serving: Serving | None) -> tuple[Version | None, Version | None]:
        """Brings what is in service in line with what the catalogue decided.

        Returns: the version that takes calls, and the one that was retired, if any.
        """
        with self._lock:
            current, ready = self._versions.get(name), self._ready.pop(name, None)
            pending = self._pending.pop(name, None) if serving is None else None
            old: Version | None = current
            new: Version | None = current
            if current is not None and serving is not None and current.serving == serving:
                old = ready
                if current.quarantined and not serving.quarantined:
                    current.quarantined = current.unwell = False
                    current.breaker.reset()
                    current.blame.clear()
            else:
                new = self._chosen(serving, ready)
            if new is None:
                self._versions.pop(name, None)
            else:
                self._versions[name] = new
        if old is not None and old is not new:
            old.retire()
        if pending is not None:
            pending.retire()
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

    def sync_shares(self, name: str, sharing: Sequence[tuple[Serving, int]]) -> Sequence[tuple[Version, int]]:
        """The versions that calls of a plugin are divided among, with their per cent, compiled ahead; others retire."""
        current = self._versions.get(name)
        wanted = {f"{name}@{serving.hash}": serving for serving, _ in sharing}
        if current is not None:
            wanted.pop(f"{name}@{current.serving.hash}", None)
        for key in [key for key in tuple(self._versions) if key.startswith(f"{name}@") and key not in wanted]:
            self.sync(key, None)
        for key, serving in wanted.items():
            # The plugin is in no quarantine while its calls are divided; one of the versions may be, at this host.
            before = self._versions.get(key)
            held = replace(serving, quarantined=before is not None and before.quarantined)
            version, _ = self.sync(key, held)
            if version is not None and not version.loaded:
                version.coming(called=False)
        found = [(self._versions.get(f"{name}@{serving.hash}") or current, percent) for serving, percent in sharing]
        return [(version, percent) for version, percent in found if version is not None]

    def all(self) -> list[Version]:
        """Every version in service."""
        with self._lock:
            return list(self._versions.values())

    def trim(self) -> bool:
        """Closes instances that nobody uses now. Returns True when there were any."""
        return sum(pool.trim() for version in self.all() for pool in version.pools()) > 0

    def retire_all(self) -> None:
        """Takes every version out of service; calls in flight finish."""
        with self._lock:
            versions = [*self._versions.values(), *self._ready.values(), *self._pending.values()]
            self._versions.clear()
            self._ready.clear()
            self._pending.clear()
        for version in versions:
            version.retire()

    def close(self) -> None:
        """Ends what is still being compiled. To be called once every version is retired."""
        self._parts.engine.close()

    def use(self, settings: Settings) -> Sequence[str]:
        """Makes versions under other settings from now on; those in service are retired once their calls are over.

        Returns: the references whose targets are of yesterday.
        """
        with self._lock:
            self._parts = replace(self._parts, settings=settings)
            versions = [*self._versions.values(), *self._ready.values(), *self._pending.values()]
            self._versions.clear()
            self._ready.clear()
            self._pending.clear()
        for version in versions:
            version.retire()
        return [ref for version in versions for ref in version.refs]

    def limits(self, serving: Serving) -> Limits:
        """The limits a version runs under."""
        settings = self._parts.settings
        return granted_limits(serving.manifest, serving.grants, settings.limits, settings.max_limits)

    def _chosen(self, serving: Serving | None, ready: Version | None) -> Version | None:
        if ready is not None and ready.serving != serving:
            ready.retire()
            ready = None
        return ready or (None if serving is None else self._make(serving))

    def _make(self, serving: Serving) -> Version:
        settings = self._parts.settings
        breaker = Breaker(settings.breaker_failures, settings.breaker_reset_s, self._parts.clock)
        if serving.quarantined:  # of an earlier run of the host: the pause begins anew
            breaker.trip()
        return Version(
            serving,
            self.limits(serving),
            load=self._compile,
            breaker=breaker,
            blame=Blame(settings.breaker_failures, settings.breaker_reset_s, self._parts.clock),
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
        doors = open_doors(scope, parts.services, parts.capabilities)
        # Shared by all its instances: plugins keep state in variables between calls.
        variables = Variables(limits.var_bytes)
        doors = replace(doors, functions=(*doors.functions, *parts.functions), variables=variables)
        return parts.engine.load([("main", parts.modules.get(serving.hash))], limits, parts.wrap_doors(scope, doors))


def _follows(current: Serving, serving: Serving) -> bool:
    """True for other code that is granted all that the current version may do."""
    return current.hash != serving.hash and all(grant in serving.grants for grant in current.grants)


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "") if names else "none"


def warm_of(versions: Sequence[Version]) -> Warm:
    """The sandboxes that some versions keep for the next call."""
    kept = [pool.warm() for version in versions for pool in version.pools()]
    return Warm(sum(one.sandboxes for one in kept), sum(one.memory_bytes for one in kept))


def status_of(
    version: Version | None, calls: CallStatus, limits: Mapping[str, LimitInForce], *, threshold: int, now: float
) -> PluginStatus:
    """The condition of a plugin. `version` is the one that takes calls, None before it was needed."""
    breaker = BreakerStatus("closed", 0, threshold, 0, None)
    if version is not None:
        figures, wait_s = version.breaker.figures(), version.breaker.retry_after_s
        until = now + wait_s if figures.state == "open" else None
        in_a_row, refused = version.blame.figures()
        breaker = BreakerStatus(figures.state, in_a_row, threshold, refused, until)
    kept = warm_of([version] if version is not None else [])
    return PluginStatus(
        breaker,
        in_flight=version.in_flight if version is not None else 0,
        warm=kept.sandboxes,
        warm_bytes=kept.memory_bytes,
        calls=calls,
        limits=limits,
    )
