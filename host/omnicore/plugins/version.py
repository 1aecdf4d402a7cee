"""Versions of plugins in service: compiled when first needed, retired when replaced, freed after their last call."""

from __future__ import annotations

import logging
import threading
import weakref
from collections import OrderedDict, deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from contextlib import nullcontext
from copy import copy
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Literal

from omnicore.capabilities.doors import PluginScope, open_doors
from omnicore.errors import (
    DeadlineExceeded,
    GuestError,
    GuestTrapped,
    HostError,
    InvalidInput,
    LimitExceeded,
    NotFound,
    OmniError,
)
from omnicore.plugins.limits import granted_limits
from omnicore.plugins.pool import Pool, RetiredError
from omnicore.plugins.schemas import Media
from omnicore.plugins.settings import settled_settings
from omnicore.resilience.breaker import Breaker
from omnicore.sandbox.abi import Doors, HostFunction, Limits, Variables
from omnicore.sandbox.compiler import Deferred, compiling, only_cheap

if TYPE_CHECKING:
    import asyncio

    from omnicore.capabilities.services import Services
    from omnicore.clock import Clock
    from omnicore.config.settings import Settings
    from omnicore.plugins.catalogue import Serving
    from omnicore.sandbox.engine import Engine, Instance, Template
    from omnicore.storage.modules import ModuleStore
    from omnicore.telemetry.logs import PluginLogs
    from omnicore.telemetry.metrics import CallRecorder, Metrics

__all__ = [
    "BEING_COMPILED",
    "EAGER_LOADS",
    "Blame",
    "Outcome",
    "Patience",
    "ServiceParts",
    "Verdict",
    "Version",
    "VersionsInService",
    "WrapDoors",
    "counts",
    "unwrapped",
    "verdict",
]


Verdict = Literal["plugin", "caller", "none"]

SEVERAL = 3
"""Callers whose failures in a row say something about the plugin."""

_ENOUGH = 4  # times the failures in a row that open a breaker: calls from which a share is worth something
_SHARE = 0.5
_WINDOW = 200
_MOST_CALLERS = 256


@dataclass(frozen=True, slots=True)
class Outcome:
    """One call that was looked at: whose, and whether it went well. Units: `at` seconds of the clock."""

    caller: str
    well: bool
    at: float


def counts(error: GuestError, limit_s: float, timeout_s: float | None) -> bool:
    """Whether a failure counts towards quarantine; a caller's own short deadline must not.

    Args:
        limit_s: the plugin's own limit of time.
        timeout_s: the caller's, None where it set none.
    """
    if isinstance(error, DeadlineExceeded) and timeout_s is not None:
        return timeout_s >= limit_s
    return isinstance(error, GuestTrapped | LimitExceeded)


def verdict(outcomes: Sequence[Outcome], *, threshold: int, alone: bool) -> Verdict:
    """Who is to blame after the last outcome, a failure.

    The plugin, when `threshold` calls in a row failed that came from `SEVERAL` callers, or from the only one there is;
    or when half of many calls failed, those of two callers at least among them, where each caller counts `threshold`
    failures at most. The caller, when its own last `threshold` calls failed.

    Args:
        outcomes: oldest first.
        alone: whether nobody but the owner calls.
    """
    run: list[str] = []
    for one in reversed(outcomes):
        if one.well:
            break
        run.append(one.caller)
    if len(run) >= threshold and (alone or len(set(run)) >= SEVERAL):
        return "plugin"
    if _share_is_high(outcomes, threshold):
        return "plugin"
    own = [one.well for one in outcomes if one.caller == outcomes[-1].caller][-threshold:]
    return "caller" if len(own) == threshold and not any(own) else "none"


def _share_is_high(outcomes: Sequence[Outcome], threshold: int) -> bool:
    failed: dict[str, int] = {}
    well = 0
    for one in outcomes:
        if one.well:
            well += 1
        else:
            failed[one.caller] = min(threshold, failed.get(one.caller, 0) + 1)
    failures = sum(failed.values())
    count = well + failures
    return len(failed) > 1 and count >= _ENOUGH * threshold and failures >= _SHARE * count


class Blame:
    """The last outcomes of a plugin that is unwell, and the callers it refuses. Usable from any thread.

    A caller whose calls fail too often in a row is refused for `reset_s`, then tried again; the others are served.

    Owns: at most 200 outcomes of the last `reset_s`, and 256 callers; the least recent ones go first.
    """

    def __init__(self, threshold: int, reset_s: float, clock: Clock) -> None:
        self._threshold, self._reset_s, self._clock = threshold, reset_s, clock
        self._outcomes: deque[Outcome] = deque(maxlen=max(_WINDOW, 2 * _ENOUGH * threshold))
        self._refused: OrderedDict[str, Breaker] = OrderedDict()
        self._lock = threading.Lock()

    def wait_s(self, caller: str) -> float:
        """How long this caller is refused still; 0.0 when its call may pass, which it then reports about."""
        with self._lock:
            breaker = self._refused.get(caller)
        if breaker is None or breaker.allow():
            return 0.0
        return max(0.001, breaker.retry_after_s)

    def refuses(self, caller: str) -> bool:
        """Whether this caller's failures are its own by now."""
        return caller in self._refused

    def failed(self, caller: str, *, alone: bool) -> Verdict:
        """Notes a failure and says who is to blame for it."""
        with self._lock:
            self._note(caller, well=False)
            found = verdict(self._outcomes, threshold=self._threshold, alone=alone)
            breaker = self._refused.get(caller)
            if breaker is not None:
                breaker.failure()
            elif found == "caller":
                breaker = self._refused[caller] = Breaker(1, self._reset_s, self._clock)
                breaker.failure()
                if len(self._refused) > _MOST_CALLERS:
                    self._refused.popitem(last=False)
            return found

    def answered(self, caller: str) -> bool:
        """Notes an answer. True when there is nothing left to look at."""
        with self._lock:
            self._note(caller, well=True)
            self._refused.pop(caller, None)
            if self._refused or not all(one.well for one in self._outcomes):
                return False
            self._outcomes.clear()
            return True

    def clear(self) -> None:
        """Forgets all, as an operator who repaired the cause wants it."""
        with self._lock:
            self._outcomes.clear()
            self._refused.clear()

    def figures(self) -> tuple[int, int]:
        """Failures in a row, whoever called, and how many callers are refused now."""
        with self._lock:
            row = 0
            for one in reversed(self._outcomes):
                if one.well:
                    break
                row += 1
            return row, sum(one.state == "open" for one in self._refused.values())

    def _note(self, caller: str, *, well: bool) -> None:
        now = self._clock.monotonic()
        while self._outcomes and self._outcomes[0].at < now - self._reset_s:
            self._outcomes.popleft()
        for name, breaker in list(self._refused.items()):  # who does not come back is forgotten
            if breaker.figures().state_s > 2 * self._reset_s:
                del self._refused[name]
        self._outcomes.append(Outcome(caller, well, now))


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
        self._on_loop: weakref.WeakKeyDictionary[asyncio.AbstractEventLoop, Pool] = weakref.WeakKeyDictionary()

    @property
    def loaded(self) -> bool:
        """Whether the version is compiled."""
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
        """Whether a thread of its own compiles it now."""
        coming = self._coming
        return coming is not None and not coming.done()

    @property
    def failed(self) -> bool:
        """Whether the last try on a thread of its own ended without a template."""
        coming = self._coming
        return coming is not None and coming.done() and coming.exception() is not None

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

    def on_loop(self, loop: asyncio.AbstractEventLoop) -> Pool:
        """The pool of instances that live on an event loop."""
        pool = self._on_loop.get(loop)
        if pool is None:
            with self._lock:
                pool = self._on_loop[loop] = self._pool(on_loop=True)
                self._open_pools += 1
            if self._retired:  # it then refuses, as every pool of a retired version does
                pool.close()
        return pool

    def pools(self) -> list[Pool]:
        """Every pool of this version."""
        with self._lock:
            return [self.blocking, *self._on_loop.values()]

    @property
    def in_flight(self) -> int:
        """How many calls run now."""
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

    def _pool(self, *, on_loop: bool) -> Pool:
        def make() -> Instance:
            return (self._template or self.load()).instance(on_loop=on_loop)

        return Pool(make, warm=self._warm, most=self._most, idle=self._settled)

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
"""What stands between a plugin and its doors, in tests."""


def unwrapped(plugin: PluginScope, doors: Doors) -> Doors:
    """The doors as they are."""
    return doors


EAGER_LOADS = 8
_AGAIN_S = 30.0  # until a version is compiled again after the machine failed it
Patience = Literal["all", "replacing", "none"]
BEING_COMPILED = "is being compiled; it is taken in once that is done"
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


class Target:
    """What a reference such as `text.count` leads to: all that a call needs, worked out once."""

    __slots__ = ("export", "media", "metered", "plain_input", "plain_output", "record", "ref", "threads", "version")

    def __init__(
        self, ref: str, export: str, *, version: Version, media: Media, recorder: CallRecorder, threads: bool
    ) -> None:
        self.ref = ref
        self.export = export
        self.version = version
        self.media = media
        self.plain_input = media.plain_input
        self.plain_output = media.plain_output
        self.record = recorder.record
        self.threads = threads
        self.metered = version.limits.fuel is not None

    def measured(self) -> Target:
        """The same, for a call of which somebody wants to know what it costs."""
        twin = copy(self)
        twin.metered = True
        return twin


class VersionsInService:
    """At most one version of each plugin. Usable from any thread; compiling never holds its lock.

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
        """Whether a version of this plugin is being compiled before it may replace another."""
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

    def current(self, name: str) -> Version | None:
        """The version of a plugin that takes calls, if one was needed yet."""
        return self._versions.get(name)

    def holds(self, name: str) -> bool:
        """Whether there is a version to keep in line."""
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
        doors = open_doors(scope, parts.services)
        # Shared by all its instances: plugins keep state in variables between calls.
        variables = Variables(limits.var_bytes)
        doors = replace(doors, functions=(*doors.functions, *parts.functions), variables=variables)
        return parts.engine.load([("main", parts.modules.get(serving.hash))], limits, parts.wrap_doors(scope, doors))


def _some(names: tuple[str, ...]) -> str:
    return ", ".join(names[:10]) + (", ..." if len(names) > 10 else "") if names else "none"
