"""The way of a call, as short as it can be: one look-up, an instance, the guest, the counters.

Measured for a warm instance: about 1.4 us of this file and `pool.py` around `Instance.call`.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from concurrent.futures import ThreadPoolExecutor
from contextvars import ContextVar, copy_context
from copy import copy
from functools import partial
from time import perf_counter
from typing import Any

from omnicore.capabilities.costs import CallCosts
from omnicore.errors import (
    CallCancelled,
    CapacityReached,
    DeadlineExceeded,
    GuestError,
    GuestFailed,
    GuestTrapped,
    LimitExceeded,
    OmniError,
    Unavailable,
)
from omnicore.plugins.catalogue import Serving
from omnicore.plugins.media import Media
from omnicore.plugins.meter import metered, spend
from omnicore.plugins.pool import Pool, RetiredError
from omnicore.plugins.version import Version
from omnicore.sandbox.engine import Instance
from omnicore.telemetry.metrics import CallRecorder

__all__ = ["Calls", "Target"]

_MOST_DEPTH = 8
_QUEUED_PER_THREAD = 64
_CUT_AGAIN_S = 0.02
_depth: ContextVar[int] = ContextVar("omnicore_call_depth", default=0)


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


class Calls:
    """Calls functions by reference, from any thread or from an event loop.

    Whoever has the plugins derives from it, which saves every call one step, and fills in what a call may need.

    Args:
        threads: how many guests that compute long may run at once for tasks.
        reentrant: whether host functions exist that could call plugins themselves.
    """

    def __init__(self, *, threads: int, reentrant: bool) -> None:
        self._targets: dict[str, Target] = {}
        self._reentrant = reentrant
        self._room = threads * (1 + _QUEUED_PER_THREAD)
        self._queued = 0
        self._executor = ThreadPoolExecutor(threads, thread_name_prefix="omnicore-call")

    def call_blocking(
        self, ref: str, data: Any = b"", *, timeout_s: float | None = None, host_context: Any = None
    ) -> Any:
        """Calls a function on this thread.

        Args:
            data: bytes, text, or a JSON value, as the function's media type wants it.
            timeout_s: instead of the plugin's own limit.

        Returns: bytes, text or a JSON value, by the function's output media type.

        Raises:
            NotFound: no such plugin or function.
            InvalidInput: the input breaks the schema or a limit.
            PermissionDenied: the plugin waits for a grant.
            Unavailable: it is disabled, rejected or in quarantine, or the host is closed.
            CapacityReached: too many calls run.
            GuestError: the plugin failed, see `omnicore.errors`.
        """
        target = self._targets.get(ref) or self._resolve(ref)
        payload = data if target.plain_input and type(data) is bytes else target.media.encode(data)
        output = self._run(target, payload, timeout_s, host_context)
        return output if target.plain_output else self._finish(target, output)

    def call_bytes(
        self, ref: str, data: bytes = b"", *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """`call_blocking` with bytes in and out, still checked against the schemas."""
        target = self._targets.get(ref) or self._resolve(ref)
        payload = data if target.plain_input else target.media.encode(data)
        output = self._run(target, payload, timeout_s, host_context)
        if not target.plain_output:
            self._finish(target, output)
        return output

    async def call(self, ref: str, data: Any = b"", *, timeout_s: float | None = None, host_context: Any = None) -> Any:
        """`call_blocking` for an event loop. Cancelling the task cuts the guest."""
        target = self._targets.get(ref)
        if target is None:
            target = await asyncio.to_thread(self._resolve, ref)
        payload = data if target.plain_input and type(data) is bytes else target.media.encode(data)
        run = self._run_on_thread if target.threads else self._run_on_loop
        output = await run(target, payload, timeout_s, host_context)
        return output if target.plain_output else self._finish(target, output)

    async def call_bytes_async(
        self, ref: str, data: bytes = b"", *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """`call` with bytes in and out, still checked against the schemas."""
        target = self._targets.get(ref)
        if target is None:
            target = await asyncio.to_thread(self._resolve, ref)
        payload = data if target.plain_input else target.media.encode(data)
        run = self._run_on_thread if target.threads else self._run_on_loop
        output = await run(target, payload, timeout_s, host_context)
        if not target.plain_output:
            self._finish(target, output)
        return output

    async def call_measured(
        self, ref: str, data: bytes = b"", *, costs: CallCosts, timeout_s: float | None = None
    ) -> bytes:
        """`call_bytes_async` that fills in what the call costs, also when it fails."""
        started = perf_counter()
        try:
            target = (await asyncio.to_thread(self._resolve, ref)).measured()
            payload = data if target.plain_input else target.media.encode(data)
            run = self._run_on_thread if target.threads else self._run_on_loop
            with metered(costs):
                output = await run(target, payload, timeout_s, costs)
            if not target.plain_output:
                self._finish(target, output)
            return output
        finally:
            costs.time_s = perf_counter() - started

    async def call_counted(
        self, ref: str, data: Any, *, costs: CallCosts, timeout_s: float | None = None, host_context: Any = None
    ) -> Any:
        """`call` that fills in the fuel and memory of it, also when it fails."""
        known = self._targets.get(ref)
        target = (await asyncio.to_thread(self._resolve, ref) if known is None else known).measured()
        payload = data if target.plain_input and type(data) is bytes else target.media.encode(data)
        run = self._run_on_thread if target.threads else self._run_on_loop
        with metered(costs):
            output = await run(target, payload, timeout_s, host_context)
        return output if target.plain_output else self._finish(target, output)

    def serving(self, ref: str) -> Serving:
        """The version that answers a reference now. Blocks where it is asked for first. Raises: as a call does."""
        return (self._targets.get(ref) or self._resolve(ref)).version.serving

    # -- what the host of the plugins fills in

    @abstractmethod
    def _resolve(self, ref: str) -> Target:
        """Makes the target of a reference that is not known yet, and adds it to `_targets`."""

    @abstractmethod
    def _failed(self, version: Version, error: OmniError, opened: bool) -> None:
        """Is told of failures that are the plugin's, and whether this one opened the breaker."""

    @abstractmethod
    def _recovered(self, version: Version) -> None:
        """Is told when a plugin in quarantine has answered."""

    @abstractmethod
    def _pressed(self) -> bool:
        """Is told when no instance was left; returns whether it made room."""

    # -- inner parts

    def _close_threads(self) -> None:
        self._executor.shutdown()

    def _finish(self, target: Target, output: bytes) -> Any:
        try:
            return target.media.decode(output)
        except GuestError as error:
            self._failed(target.version, error, False)
            raise

    def _run(
        self,
        target: Target,
        payload: bytes,
        timeout_s: float | None,
        host_context: Any,
        job: _Job | None = None,
    ) -> bytes:
        version = target.version
        if self._reentrant or version.unwell:
            self._check(target)
        started = perf_counter()
        try:
            pool = version.blocking
            instance = pool.take()
        except RetiredError:
            return self._run(self._anew(target), payload, timeout_s, host_context, job)
        except OmniError as error:
            instance = self._retake(pool, target, error, started, timeout_s)
        inside = _depth.set(_depth.get() + 1) if self._reentrant else None
        try:
            if job is not None:
                job.bind(instance)
            output = instance.call(target.export, payload, timeout_s=timeout_s, host_context=host_context)
        except BaseException as error:
            self._note(target, error, started, timeout_s)
            raise
        finally:
            if target.metered:
                spend(instance)
            pool.give(instance)
            if inside is not None:
                _depth.reset(inside)
        target.record(perf_counter() - started)
        if version.unwell:
            self._answered(version)
        return output

    async def _run_on_loop(self, target: Target, payload: bytes, timeout_s: float | None, host_context: Any) -> bytes:
        version = target.version
        if self._reentrant or version.unwell:
            self._check(target)
        started = perf_counter()
        try:
            pool = version.on_loop(asyncio.get_running_loop())
            if not version.loaded:  # compiling takes milliseconds to seconds: never on the loop
                await asyncio.to_thread(version.load)
            instance = pool.take()
        except RetiredError:
            again = await asyncio.to_thread(self._anew, target)
            return await self._run_on_loop(again, payload, timeout_s, host_context)
        except OmniError as error:
            instance = self._retake(pool, target, error, started, timeout_s)
        inside = _depth.set(_depth.get() + 1) if self._reentrant else None
        try:
            output = await instance.call_async(target.export, payload, timeout_s=timeout_s, host_context=host_context)
        except BaseException as error:
            self._note(target, error, started, timeout_s)
            raise
        finally:
            if target.metered:
                spend(instance)
            pool.give(instance)
            if inside is not None:
                _depth.reset(inside)
        target.record(perf_counter() - started)
        if version.unwell:
            await asyncio.to_thread(self._answered, version)
        return output

    async def _run_on_thread(self, target: Target, payload: bytes, timeout_s: float | None, host_context: Any) -> bytes:
        if self._queued >= self._room:
            raise CapacityReached(
                f"{self._queued} calls wait for a worker thread", remedy="try again, or raise threads"
            )
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

    def _anew(self, target: Target) -> Target:
        """The target that took the place of one whose version was retired."""
        found = self._resolve(target.ref)
        return found.measured() if target.metered else found

    def _check(self, target: Target) -> None:
        """Refuses what only some calls need to be checked for."""
        depth = _depth.get()
        if depth >= _MOST_DEPTH:
            raise _too_deep(target, depth)
        if target.version.unwell and not target.version.breaker.allow():
            raise _quarantined(target)

    def _answered(self, version: Version) -> None:
        quarantined, version.unwell = version.quarantined, False
        version.breaker.success()
        if quarantined:
            version.quarantined = False
            self._recovered(version)

    def _over(self, job: _Job, future: asyncio.Future[bytes]) -> None:
        job.done = True
        self._queued -= 1
        if not future.cancelled():
            future.exception()  # looked at, so that a cut call leaves no complaint behind

    def _retake(
        self, pool: Pool, target: Target, error: OmniError, started: float, timeout_s: float | None
    ) -> Instance:
        if isinstance(error, CapacityReached) and self._pressed():
            return pool.take()
        self._note(target, error, started, timeout_s)
        raise error

    def _note(self, target: Target, error: BaseException, started: float, timeout_s: float | None) -> None:
        outcome = error.code if isinstance(error, OmniError) else type(error).__name__
        target.record(perf_counter() - started, outcome)
        if not isinstance(error, GuestError):
            return
        version = target.version
        # One failure passes through every call it was nested in, and counts where it began.
        if "_counted" in error.__dict__:
            return
        error.__dict__["_counted"] = True
        opened = False
        if isinstance(error, GuestFailed):
            if version.unwell:  # it answered, if only to say no
                self._answered(version)
        elif _counts(error, version, timeout_s):
            version.unwell = True
            opened = version.breaker.failure()
            version.quarantined = version.quarantined or opened
        self._failed(version, error, opened)


def _counts(error: GuestError, version: Version, timeout_s: float | None) -> bool:
    """Whether a failure counts towards quarantine; a caller's own short deadline must not."""
    if isinstance(error, DeadlineExceeded) and timeout_s is not None:
        return timeout_s >= version.limits.timeout_s
    return isinstance(error, GuestTrapped | LimitExceeded)


def _too_deep(target: Target, depth: int) -> OmniError:
    return LimitExceeded(
        f"{target.ref} was called from {depth} calls inside each other",
        remedy="plugins may call plugins, but not without end",
        limit="call_depth",
        allowed=_MOST_DEPTH,
    )


def _quarantined(target: Target) -> OmniError:
    name, wait_s = target.version.serving.name, target.version.breaker.retry_after_s
    return Unavailable(
        f"{name} is in quarantine, for it failed too often in a row",
        remedy=f"it is tried again in {wait_s:.0f} s; `omnicore plugins enable {name}` tries at once",
        plugin=name,
        retry_after_s=round(wait_s, 3),
    )
