"""Calls of plugins, as short as they can be: one look-up, an instance, the guest, the counters.

Measured for a warm instance: about 1.4 us of this file and the pool around `Instance.call`.

Calls with JSON values take and give `{"base64": ...}` alone for bytes, as doors do.
"""

from __future__ import annotations

import asyncio
import base64
import binascii
import random
import threading
from bisect import bisect_right
from collections import deque
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from contextvars import ContextVar, Token, copy_context
from functools import partial
from itertools import accumulate
from time import perf_counter
from typing import TYPE_CHECKING, Any, Protocol

from omnicore.errors import (
    CallCancelled,
    CapacityReached,
    GuestError,
    GuestFailed,
    InvalidInput,
    LimitExceeded,
    NotFound,
    NotServed,
    OmniError,
    PermissionDenied,
    Unavailable,
)
from omnicore.plugins.callers import Callers, VersionTally, at_fault, caller, counts
from omnicore.plugins.costs import METER, KeptCalls, measured
from omnicore.plugins.version import RetiredError, Target, Version

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from omnicore.capabilities.capability import CallCosts
    from omnicore.config.settings import Settings
    from omnicore.plugins.callers import LimitGate
    from omnicore.plugins.catalogue import Catalogue, Serving
    from omnicore.plugins.native import NativePlugins
    from omnicore.plugins.placement import Placements
    from omnicore.plugins.version import InstancePool, VersionsInService
    from omnicore.plugins.view import GrantChange
    from omnicore.sandbox.engine import Instance
    from omnicore.storage.tables.plugins import PluginRow


def not_serving(row: PluginRow, missing: Sequence[GrantChange]) -> OmniError:
    """The error for a call to a plugin of which no version is in service."""
    if row.state == "needs-grant" and missing:
        first = missing[0]
        return PermissionDenied(
            f"{row.name} has no grant for {', '.join(change.capability for change in missing)}",
            remedy=f"run `{first.command if len(missing) == 1 else f'omnicore plugins grant {row.name}'}`",
            plugin=row.name,
            capability=first.capability,
            resource=first.asked,
        )
    if row.state == "needs-review":
        return PermissionDenied(
            f"{row.name} {row.reason}",
            remedy=f"look at it with `omnicore plugins upgrade {row.name}`, then add `--approve`",
            plugin=row.name,
        )
    if row.state == "disabled":
        return Unavailable(
            f"{row.name} is disabled", remedy=f"run `omnicore plugins enable {row.name}`", plugin=row.name
        )
    return Unavailable(
        f"{row.name} cannot be used: {row.reason or 'no version of it is kept'}",
        remedy=f"correct the file, or run `omnicore plugins enable {row.name}` to try it once more",
        plugin=row.name,
    )


def too_deep(ref: str, depth: int, allowed: int) -> OmniError:
    """The error for a call inside of too many others."""
    return LimitExceeded(
        f"{ref} was called from {depth} calls inside each other",
        remedy="plugins may call plugins, but not without end",
        limit="call_depth",
        allowed=allowed,
    )


def refused_caller(name: str, who: str, wait_s: float) -> OmniError:
    """The error for a caller whose calls failed too often, while others are served."""
    return Unavailable(
        f"{name} failed too often in a row for this caller, and answers others",
        remedy=f"correct what is sent; it is tried again in {wait_s:.0f} s",
        plugin=name,
        caller=who,
        retry_after_s=round(wait_s, 3),
    )


def quarantined(name: str, wait_s: float) -> OmniError:
    """The error for a call to a plugin that failed too often."""
    return Unavailable(
        f"{name} is in quarantine, for it failed too often in a row",
        remedy=f"it is tried again in {wait_s:.0f} s; `omnicore plugins enable {name}` tries at once",
        plugin=name,
        retry_after_s=round(wait_s, 3),
    )


_SILENT_REMEDY = "try again, at another host if there is one; this host goes on by itself once its database answers"
_MOST_DEPTH = 8
_QUEUED_PER_THREAD = 64
_CUT_AGAIN_S = 0.02
_FULL = "_full"
_depth: ContextVar[int] = ContextVar("omnicore_call_depth", default=0)


class _Job:
    """A call that runs on a worker thread for a task, and can be cut from the task's side."""

    __slots__ = ("cancelled", "done", "instance")

    def __init__(self) -> None:
        self.cancelled = False
        self.done = False
        self.instance: Instance | None = None

    def bind(self, instance: Instance) -> None:
        self.instance = instance
        if self.cancelled:
            raise CallCancelled("the call was cancelled before it began")

    def cut(self, loop: asyncio.AbstractEventLoop) -> None:
        # Repeated, because a cancel that comes just before the guest starts finds nothing to cut.
        if not self.done:
            self.cancelled = True
            if self.instance is not None:
                self.instance.cancel()
            loop.call_later(_CUT_AGAIN_S, self.cut, loop)


class Split:
    """The targets of a reference whose calls are divided among versions. The first answers where one is not compiled.

    A call is counted for its version as well as for its function.
    """

    __slots__ = ("_bounds", "_targets")

    def __init__(self, targets: Sequence[tuple[Target, int]]) -> None:
        self._targets = [target for target, _ in targets]
        self._bounds = list(accumulate(percent for _, percent in targets))

    def choose(self) -> Target:
        """The target of one call."""
        place = bisect_right(self._bounds, random.random() * self._bounds[-1])  # noqa: S311 -- no secret
        target = self._targets[min(place, len(self._targets) - 1)]
        return target if target.version.loaded else self._targets[0]


def not_begun(error: OmniError, ref: str) -> bool:
    """True where a call of this reference did not begin: no room, or placed elsewhere; False for calls inside of it."""
    return isinstance(error, CapacityReached | NotServed) and error.__dict__.get(_FULL) == ref


def depth() -> int:
    """The number of calls that the running code is inside of."""
    return _depth.get()


@contextmanager
def deeper(calls: int) -> Iterator[None]:
    """A block inside of so many calls, such as one that another host has sent."""
    before = _depth.set(calls)
    try:
        yield
    finally:
        _depth.reset(before)


class CallPath(Protocol):
    """The way that calls of plugins take: those of this host, or of a fleet."""

    targets: dict[str, Target]
    fleet: bool
    """True where calls may leave this host."""
    kept: KeptCalls
    """The calls that this host keeps."""

    def serves(self, ref: str) -> bool:
        """True if a call can be made now. Costs no more than a look-up or two."""

    @property
    def callers(self) -> Callers:
        """Those who call."""

    def target(self, ref: str) -> Target:
        """The target of a reference on this host. Raises: as a call does."""

    def call_blocking(
        self, ref: str, data: Any = b"", *, timeout_s: float | None = None, host_context: Any = None, raw: bool = False
    ) -> Any:
        """See `omnicore.plugins.host.PluginHost.call_blocking`."""

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
        """See `omnicore.plugins.host.PluginHost.call`."""

    def close(self) -> None:
        """Ends the threads."""


class CallRoutes:
    """The version that answers a reference such as `text.count`, worked out once. Usable from any thread.

    `catalogue` is set before the first call.

    Args:
        versions: those in service.
        natives: the plugins in Python, whose names come first.
        placements: the plugins that this host is not to serve.
    """

    catalogue: Catalogue

    def __init__(self, versions: VersionsInService, natives: NativePlugins, placements: Placements) -> None:
        self.targets: dict[str, Target] = {}
        """Those of versions in service, by reference; what is not there is resolved when it is called."""
        self.compiled: deque[str] = deque()
        """Plugins whose next version is compiled now and may replace the current one."""
        self._versions, self._natives, self.placements = versions, natives, placements
        self._switching = threading.RLock()
        self._refused: Callable[[], OmniError] | None = None
        self._closed = False
        self._splits: dict[str, Split] = {}
        self._shares: dict[str, Sequence[tuple[Version, int]]] = {}
        self._tallies: dict[tuple[str, str], VersionTally] = {}
        self._silent = ""
        self.following: list[Callable[[PluginRow], None]] = []
        """Called with the row of each plugin about which a host decided something."""
        self.gates: dict[str, LimitGate] = {}
        """Those of plugins whose calls are limited on all hosts, by name."""

    def divided(self, ref: str) -> Target | None:
        """The target of one call of a reference whose calls are divided among versions, if it was resolved before."""
        split = self._splits.get(ref)
        return split.choose() if split is not None else None

    def counted(self, name: str) -> Mapping[str, VersionTally | None]:
        """The tally of each version of a plugin that has a share of its calls, by hash; None without calls."""
        found = {version.serving.hash for version, _ in self._shares.get(name, ())}
        return {hash_: self._tallies.get((name, hash_)) for hash_ in sorted(found)}

    def tripped(self, name: str) -> set[str]:
        """The hashes of versions with a share of a plugin's calls whose breaker opened at this host."""
        return {version.serving.hash for version, _ in self._shares.get(name, ()) if version.quarantined}

    def resolve(self, ref: str) -> Target:
        """The target of a reference that has none, or whose version was retired. Blocks. Raises: as a call does."""
        if self._closed:
            raise Unavailable("the host is shutting down", remedy="start it again")
        name = ref.partition(".")[0]
        self._refuse_silent(name)  # before the lock, which somebody may hold who waits for the database
        with self._switching:
            self._refuse_silent(name)
            refused = self._refused() if self._refused is not None else None
            if refused is not None:
                refused.__dict__[_FULL] = ref  # another host may make the call
                raise refused
            try:
                version = self.version(name)
            except NotServed as elsewhere:
                elsewhere.__dict__[_FULL] = ref
                raise
            shares = self._shares.get(name)
            try:
                if shares:
                    split = self._splits[ref] = self._split(ref, version, shares)
                    return split.choose()
                target = self._versions.target(version, ref)
                target.gate = self.gates.get(name)
                self.targets[ref] = target
            except NotFound as error:
                raise self._held_back(name, error) from None
            return target

    def renew(self, name: str) -> None:
        """Has the targets of a plugin made again: it has another gate."""
        with self._switching:
            for targets in (self.targets, self._splits):
                for ref in [ref for ref in tuple(targets) if ref.partition(".")[0] == name]:
                    targets.pop(ref, None)

    def _split(self, ref: str, first: Version, shares: Sequence[tuple[Version, int]]) -> Split:
        """Targets of a reference by their shares, the version that always answers first. Raises: NotFound."""
        name, targets = first.serving.name, []
        for version, percent in sorted(shares, key=lambda one: one[0] is not first):
            with suppress(NotFound):  # a function that only some versions have
                target = self._versions.target(version, ref)
                target.tally = self._tallies.setdefault((name, version.serving.hash), VersionTally(name))
                target.record = target.tally.both(target.record)
                target.gate = self.gates.get(name)
                targets.append((target, percent))
        if not targets:
            self._versions.target(first, ref)
        return Split(targets)

    def refuse(self, why: Callable[[], OmniError] | None) -> None:
        """Refuses calls that begin from now on; None takes calls again. Those under way go on."""
        with self._switching:
            self._refused = why
            # A call looks for its target first, so this costs those that are taken nothing.
            self.targets.clear()
            self._splits.clear()

    def version(self, name: str) -> Version:
        """The version of a plugin that takes calls, made when needed. Raises: as a call does."""
        version = self._versions.current(name)
        if version is not None:
            return version
        native = self._natives.find(name)
        if native is not None:
            version, _ = self._versions.sync(name, self._natives.serving(native))
            if version is None:
                raise self._natives.refusal(native)
            return version
        row = self.catalogue.row(name)
        if not self.placements.here(row):
            raise self.placements.refusal(name)
        version, _ = self._versions.sync(name, self.catalogue.serving(row))
        if version is None:
            raise not_serving(row, self.catalogue.differences(name))
        self._sync_shares(name, row)
        return version

    def serving(self, name: str) -> Serving | None:
        """The version that is to answer calls of a plugin, as it was decided."""
        native = self._natives.find(name)
        if native is not None:
            return self._natives.serving(native)
        row = self.catalogue.find(name)
        return self.catalogue.serving(row) if row is not None else None

    @contextmanager
    def replacing(self, name: str) -> Iterator[None]:
        """A change of a plugin's row. Calls that begin meanwhile wait for its end, some milliseconds, so that whoever
        has seen the new row never reaches the version before."""
        with self._switching:
            version = self._versions.current(name)
            self._drop_targets(version)
            try:
                yield
            finally:
                self.sync(name)

    def sync(self, name: str) -> None:
        """Brings what is in service in line with the catalogue for one plugin."""
        native = self._natives.find(name)
        row = self.catalogue.find(name) if native is None else None
        here = self._here(name, row)
        if not self._versions.holds(name):
            return  # made when it is first called
        _, retired = self._versions.sync(name, self.serving(name) if here else None)
        self._drop_targets(retired)
        self._sync_shares(name, row if here else None)

    def learn(self) -> None:
        """Learns where plugins are placed, before any is called. Blocks."""
        for row in self.catalogue.placed():
            self.placements.here(row)

    def _here(self, name: str, row: PluginRow | None) -> bool:  # and notes where the plugin is placed
        return self.placements.here(row) if row is not None else self.placements.forget(name)

    def _sync_shares(self, name: str, row: PluginRow | None) -> None:
        """Brings the versions that share the calls of a plugin in line with its row."""
        sharing = self.catalogue.sharing(row) if row is not None and row.shares else []
        if not sharing and name not in self._shares:
            return
        with self._switching:
            before = [(version.serving.hash, percent) for version, percent in self._shares.pop(name, ())]
            shares = self._versions.sync_shares(name, sharing)
            for ref in [ref for ref in tuple(self._splits) if ref.partition(".")[0] == name]:
                self._splits.pop(ref, None)
            if before != [(serving.hash, percent) for serving, percent in sharing]:  # counted anew
                for key in [key for key in self._tallies if key[0] == name]:
                    self._tallies.pop(key, None)
            if shares:
                self._shares[name] = shares
                self._drop_targets(self._versions.current(name))

    def follow(self, name: str) -> None:
        """Brings what is in service in line with what another host decided. A version that is to be replaced answers
        calls until the next one is compiled here; one that was disabled, or that lost a grant, ends at once."""
        row = self.catalogue.find(name) if self._natives.find(name) is None else None
        serving = self.serving(name) if self._here(name, row) else None
        if not self._versions.succeed(name, serving, lambda: self.compiled.append(name)):
            self.sync(name)
        if serving is None:
            with self._switching:  # a call that has read the row before has made a version of it by now
                self.sync(name)
        if serving is not None and not self._versions.holds(name):
            self._versions.untried.append(name)
        if row is not None:
            for told in self.following:
                told(row)

    @property
    def silent(self) -> str:
        """The reason why calls of sandboxed plugins are refused while nothing is heard of other hosts, or ""."""
        return self._silent

    def hush(self, reason: str) -> None:
        """Refuses calls of sandboxed plugins, which may have been forbidden meanwhile; with "" they are served again.
        Calls in flight finish."""
        self._silent = reason
        self._forget_sandboxed()
        with self._switching:  # a target may have been resolved at this moment
            self._forget_sandboxed()

    def _forget_sandboxed(self) -> None:
        for ref in [ref for ref in tuple(self.targets) if self._natives.find(ref.partition(".")[0]) is None]:
            self.targets.pop(ref, None)
        self._splits.clear()

    def _refuse_silent(self, name: str) -> None:
        if self._silent and self._natives.find(name) is None:
            raise Unavailable(self._silent, remedy=_SILENT_REMEDY, plugin=name)

    def use(self, settings: Settings) -> None:
        """Has versions made under other settings from now on."""
        with self._switching:
            for ref in self._versions.use(settings):
                self.targets.pop(ref, None)
            self._splits.clear()
            self._shares.clear()

    def close(self) -> None:
        """Takes everything out of service; calls in flight finish."""
        self._closed = True
        self.targets.clear()
        self._splits.clear()
        self._versions.retire_all()

    def _drop_targets(self, version: Version | None) -> None:
        for ref in tuple(version.refs) if version is not None else ():
            self.targets.pop(ref, None)

    def _held_back(self, name: str, error: NotFound) -> NotFound:
        """The error, with the version that may have what is missing while it waits for a grant."""
        if self._natives.find(name) is not None:
            return error
        row = self.catalogue.row(name)
        if row.state not in ("needs-grant", "needs-review"):
            return error
        remedy = f"{error.remedy}; the newest version {row.reason}: see `omnicore plugins upgrade {name}`"
        return NotFound(error.fact, remedy=remedy, **error.details)


class Calls:
    """Every call of one host, from any thread or from an event loop.

    Args:
        settings: `threads`, how many guests that compute long may run at once for tasks; `telemetry`.
        reentrant: True when host functions exist that could call plugins themselves.
        routes: knows the targets of references.
        failed: called with a failure that is the plugin's, and True when it opened the breaker.
        recovered: called when a plugin in quarantine has answered.
        make_room: called when no instance is left; returns True when it closed idle ones.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        reentrant: bool,
        routes: CallRoutes,
        failed: Callable[[Version, OmniError, bool], None],
        recovered: Callable[[Version], None],
        make_room: Callable[[], bool],
    ) -> None:
        self.callers, self.kept = Callers(), KeptCalls(excerpt=settings.telemetry.call_input)
        self._slow_s = self.kept.slow_s
        self.targets, self._resolve, self._divided = routes.targets, routes.resolve, routes.divided
        self._reentrant, self._placements = reentrant, routes.placements
        self._failed, self._recovered, self._make_room = failed, recovered, make_room
        self._room = settings.threads * (1 + _QUEUED_PER_THREAD)
        self._queued = 0
        self._executor = ThreadPoolExecutor(settings.threads, thread_name_prefix="omnicore-call")

    fleet = False

    def serves(self, ref: str) -> bool:
        """True unless the plugin is placed on other hosts: what else this host cannot call, nobody else can."""
        return not self._placements.away(ref.partition(".")[0])

    def close(self) -> None:
        """Lets running calls on worker threads finish and ends the threads."""
        self._executor.shutdown()

    def target(self, ref: str) -> Target:
        """The target of a reference. Blocks where it is asked for first. Raises: as a call does."""
        return self.targets.get(ref) or self._divided(ref) or self._resolve(ref)

    def call_blocking(
        self,
        ref: str,
        data: Any = b"",
        *,
        timeout_s: float | None = None,
        host_context: Any = None,
        raw: bool = False,
    ) -> Any:
        """See `omnicore.plugins.host.PluginHost.call_blocking`."""
        target = self.targets.get(ref) or self._divided(ref) or self._resolve(ref)
        payload = data if target.plain_input and type(data) is bytes else target.media.encode(data)
        if target.gate is None:
            output = self._run(target, payload, timeout_s, host_context)
        else:
            output = target.gate.call(self._run, target, payload, timeout_s, host_context)
        return output if target.plain_output else self._decoded(target, output, raw=raw)

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
        """See `omnicore.plugins.host.PluginHost.call`."""
        if costs is not None:
            with measured(costs):
                return await self.call(ref, data, timeout_s=timeout_s, host_context=host_context, raw=raw)
        target = self.targets.get(ref) or self._divided(ref)
        if target is None:
            target = await asyncio.to_thread(self._resolve, ref)
        payload = data if target.plain_input and type(data) is bytes else target.media.encode(data)
        run = self._run_on_thread if target.threads else self._run_on_loop
        if target.gate is None:
            output = await run(target, payload, timeout_s, host_context)
        else:
            output = await target.gate.call_async(run, target, payload, timeout_s, host_context)
        return output if target.plain_output else self._decoded(target, output, raw=raw)

    def _decoded(self, target: Target, output: bytes, *, raw: bool) -> Any:
        """The output as its media type says, or the bytes themselves once they fit the schema."""
        try:
            value = target.media.decode(output)
        except GuestError as error:
            if target.tally is not None:
                target.tally.broken()
            self._failed(target.version, error, False)
            raise
        return output if raw else value

    # `_run` and `_run_on_loop` differ in `await` alone; what both do around it stands in the methods below them.

    def _run(
        self, target: Target, payload: bytes, timeout_s: float | None, host_context: Any, job: _Job | None = None
    ) -> bytes:
        """One call on this thread."""
        version = target.version
        if self._reentrant or version.unwell:
            self._check(target)
        started, pool = perf_counter(), version.blocking
        try:
            instance = self._begin(target, pool, started, timeout_s)
        except RetiredError:
            return self._run(self._resolve(target.ref), payload, timeout_s, host_context, job)
        inside = _depth.set(_depth.get() + 1) if self._reentrant else None
        try:
            if job is not None:
                job.bind(instance)
            output = instance.call(target.export, payload, timeout_s=timeout_s, host_context=host_context)
            ended = perf_counter()
            if ended >= target.sample_at or ended - started >= self._slow_s:
                self.kept.note(target, instance, (started, ended), (payload, host_context))
        except BaseException as error:
            self.kept.note(target, instance, (started, perf_counter()), (payload, host_context), error)
            self._note(target, error, started, timeout_s)
            raise
        finally:
            self._end(pool, instance, inside)
        target.record(ended - started)
        if version.unwell:
            self._answered(version)
        return output

    async def _run_on_loop(self, target: Target, payload: bytes, timeout_s: float | None, host_context: Any) -> bytes:
        """One call on the running loop."""
        version = target.version
        if self._reentrant or version.unwell:
            self._check(target)
        started = perf_counter()
        try:
            pool = version.on_loop(asyncio.get_running_loop())
            if not version.loaded:  # compiling takes milliseconds to seconds: never on the loop
                await asyncio.wrap_future(version.coming())
            instance = self._begin(target, pool, started, timeout_s)
        except RetiredError:
            again = await asyncio.to_thread(self._resolve, target.ref)
            return await self._run_on_loop(again, payload, timeout_s, host_context)
        inside = _depth.set(_depth.get() + 1) if self._reentrant else None
        try:
            output = await instance.call_async(target.export, payload, timeout_s=timeout_s, host_context=host_context)
            ended = perf_counter()
            if ended >= target.sample_at or ended - started >= self._slow_s:
                self.kept.note(target, instance, (started, ended), (payload, host_context))
        except BaseException as error:
            self.kept.note(target, instance, (started, perf_counter()), (payload, host_context), error)
            self._note(target, error, started, timeout_s)
            raise
        finally:
            self._end(pool, instance, inside)
        target.record(ended - started)
        if version.quarantined:  # that it is well again is written to the database
            await asyncio.to_thread(self._answered, version)
        elif version.unwell:
            self._answered(version)
        return output

    def _begin(self, target: Target, pool: InstancePool, started: float, timeout_s: float | None) -> Instance:
        """An instance for a call. Raises: RetiredError; CapacityReached or another OmniError, which is counted."""
        try:
            return pool.take()
        except OmniError as error:
            if isinstance(error, CapacityReached):
                if self._make_room():
                    return pool.take()
                error.__dict__[_FULL] = target.ref
            self._note(target, error, started, timeout_s)
            raise

    def _end(self, pool: InstancePool, instance: Instance, inside: Token[int] | None) -> None:
        meter = METER.get()
        if meter is not None:
            with suppress(OmniError):  # one that was closed meanwhile tells nothing
                meter.take(instance.usage())
        pool.give(instance)
        if inside is not None:
            _depth.reset(inside)

    async def _run_on_thread(self, target: Target, payload: bytes, timeout_s: float | None, host_context: Any) -> bytes:
        """One call of a plugin that computes long, on a worker thread."""
        if self._queued >= self._room:
            full = CapacityReached(
                f"{self._queued} calls wait for a worker thread", remedy="try again, or raise threads"
            )
            full.__dict__[_FULL] = target.ref
            raise full
        if not target.version.loaded:  # nor on a thread that other calls wait for; the worker tells what went wrong
            await asyncio.gather(asyncio.wrap_future(target.version.coming()), return_exceptions=True)
        job, loop = _Job(), asyncio.get_running_loop()
        work = partial(self._run, target, payload, timeout_s, host_context, job)
        future = loop.run_in_executor(self._executor, copy_context().run, work)
        self._queued += 1
        future.add_done_callback(partial(self._over, job))
        try:
            # Shielded, so that the future tells when the worker is really done with the instance.
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            job.cut(loop)
            raise

    def _check(self, target: Target) -> None:
        """Refuses what only some calls need to be checked for."""
        depth = _depth.get()
        if depth >= _MOST_DEPTH:
            raise too_deep(target.ref, depth, _MOST_DEPTH)
        if target.version.unwell:
            who = caller()
            if wait_s := target.version.blame.wait_s(who):
                raise refused_caller(target.version.serving.name, who, wait_s)
            if not target.version.breaker.allow():
                raise quarantined(target.version.serving.name, target.version.breaker.retry_after_s)

    def _answered(self, version: Version) -> None:
        quarantined = version.quarantined
        version.breaker.success()
        if version.blame.answered(caller()):
            version.unwell = False
        if quarantined:
            version.quarantined = False
            self._recovered(version)

    def _over(self, job: _Job, future: asyncio.Future[bytes]) -> None:
        job.done = True
        self._queued -= 1
        if not future.cancelled():
            future.exception()  # looked at, so that a cut call leaves no complaint behind

    def _note(self, target: Target, error: BaseException, started: float, timeout_s: float | None) -> None:
        seconds, nested = perf_counter() - started, "_counted" in error.__dict__
        target.failed(seconds, error.code if isinstance(error, OmniError) else type(error).__name__)
        if target.tally is not None and not nested and at_fault(error, target.version.limits.timeout_s, timeout_s):
            target.tally.fault(seconds)
        if not isinstance(error, GuestError):
            return
        version = target.version
        if nested:  # one failure passes through every call it was nested in, and counts where it began
            return
        error.__dict__["_counted"] = True
        opened = False
        if isinstance(error, GuestFailed):
            if version.unwell:  # it answered, if only to say no
                self._answered(version)
        elif counts(error, version.limits.timeout_s, timeout_s):
            version.unwell = True
            opened = self._blamed(version)
            version.quarantined = version.quarantined or opened
        self._failed(version, error, opened)

    def _blamed(self, version: Version) -> bool:
        """Counts a failure. Returns True when it puts the plugin in quarantine."""
        who = caller()
        alone, known = self.callers.alone(who), version.blame.refuses(who)
        found = version.blame.failed(who, alone=alone)
        if version.breaker.state == "half-open":
            if known and not alone:  # a trial by somebody whose calls fail anyway proves nothing
                version.breaker.release()
                return False
            return version.breaker.failure()
        return found == "plugin" and version.breaker.trip()


def from_json(given: Any) -> Any:
    """The input of a function, from JSON. Raises: InvalidInput: invalid base64."""
    if not isinstance(given, dict) or given.keys() != {"base64"} or not isinstance(given["base64"], str):
        return given
    try:
        return base64.b64decode(given["base64"], validate=True)
    except (binascii.Error, ValueError) as error:
        raise InvalidInput("input.base64 is no base64", remedy="correct it", path="input.base64") from error


def to_json(output: Any) -> Any:
    """The output of a function as JSON: a value, text, or bytes as `{"base64": ...}`."""
    if not isinstance(output, bytes):
        return output
    try:
        return output.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(output).decode()}
