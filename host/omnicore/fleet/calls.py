"""Calls that leave this host: to which hosts they go, how long silence lasts, and what may be sent a second time.

A call is sent a second time only if it did not begin, or if it may be: it has a key, by which a host makes it once, or
its function is marked as idempotent or as one that only reads. A call with a key goes to the same host for as long as
that host is there, so that its key is known where it arrives.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import os
import random
import secrets
import threading
import time
from collections.abc import Iterator
from concurrent.futures import CancelledError
from contextlib import contextmanager
from dataclasses import dataclass, field
from dataclasses import replace as replace_call
from time import perf_counter
from typing import TYPE_CHECKING, Any

from nats.aio.msg import Msg

from omnicore.capabilities.capability import CallCosts
from omnicore.errors import (
    CallCancelled,
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    NotFound,
    NotServed,
    OmniError,
    Unavailable,
)
from omnicore.events.subscriptions import Handling
from omnicore.fleet.connection import NatsConnection, Parcels, Waiter, no_responder
from omnicore.fleet.directory import HostDirectory
from omnicore.fleet.messages import (
    ANSWER,
    CALL,
    AnswerHeader,
    CallHeader,
    CallOrigin,
    Parcel,
    Seal,
    call_subject,
    error_from,
)
from omnicore.plugins.call import CallPath, depth, not_begun, to_json
from omnicore.plugins.callers import Callers, caller
from omnicore.plugins.costs import used
from omnicore.plugins.schemas import JSON_MEDIA, TEXT_MEDIA
from omnicore.records import from_text, replace, to_text
from omnicore.sandbox.abi import MIB, Usage
from omnicore.storage.tables.tasks import TaskContext
from omnicore.workflows.steps.step import StepContext

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.plugins.placement import Placements
    from omnicore.plugins.version import Target


_SILENCE_S = 3.0
"""A host says that a call goes on twice a second; after this much silence it counts as lost."""
_BEGIN_S = 2.0
"""A call that has not begun by then is not begun any more: below the silence, so that two hosts do not do it."""
_LOOK_S = 0.25
_FIRST_AGAIN_S, _LAST_AGAIN_S = 0.01, 1.0
_PATIENCE_S, _SHORT_PATIENCE_S = 60.0, 2.0
"""Time for which hosts that are full are asked again: for work of runs and tasks, and for somebody who waits."""
_PLACED_AGAIN_S = 0.05
_GRACE_S = 0.5
_LONGEST_S = 3600.0
_ANSWER_BYTES = 64 * MIB
_KEY = 128
_MOST_AWAY = 10_000


@dataclass(frozen=True, slots=True)
class RemoteCall:
    """A call of a function on whichever host serves it."""

    ref: str
    data: Any = b""
    timeout_s: float | None = None
    context: Any = None
    raw: bool = False
    measured: bool = False
    hasty: bool = False
    """The caller makes the call if no other host takes it: `_NotBegunError` then, and hosts that are full are not
    asked again."""


@dataclass(slots=True)
class _Try:
    """A call under way: the hosts that refused it, and the moment after which nobody waits any more."""

    call: RemoteCall
    plugin: str
    function: str
    payload: bytes
    header: CallHeader
    due: float | None
    safe: bool
    refused: set[str] = field(default_factory=set)
    silent: bool = False
    gone: bool = False
    """A host that was heard lately has left NATS: it was killed, or it connects again."""
    last: OmniError | None = None


class _NotBegunError(Exception):
    """A host refused a call before it began; another one may be asked."""

    def __init__(self, error: OmniError, host: str) -> None:
        super().__init__(str(error))
        self.error, self.host = error, host


class _SilentError(Exception):
    """Nothing was heard of a call for too long."""

    def __init__(self, host: str) -> None:
        super().__init__(host)
        self.host = host


class Remote:
    """Calls of functions on other hosts. Belongs to one event loop."""

    def __init__(
        self,
        connection: NatsConnection,
        parcels: Parcels,
        directory: HostDirectory,
        seal: Seal,
        *,
        host: str,
        clock: Clock,
    ) -> None:
        self._connection, self._parcels, self._directory, self._seal = connection, parcels, directory, seal
        self._host, self._clock = host, clock
        self._prefix = f"{secrets.token_hex(12)}-"
        self._count = 0
        self._looking: asyncio.TimerHandle | None = None
        self.sent = self.again = self.lost = 0
        connection.passing = self._passing

    async def call(self, call: RemoteCall, costs: CallCosts | None = None) -> Any:
        """The output of a function as `PluginHost.call` gives it.

        Raises: NotServed: no host has it; Unavailable: it may or may not have been done; what the call raises there.
        """
        tried = self._begin(call)
        started = perf_counter()
        try:
            header, data = await self._answered(tried)
        finally:
            if costs is not None:
                costs.time_s = perf_counter() - started
        _count(header, costs)
        if isinstance(call.context, StepContext):
            call.context.served.update(plugin=header.plugin, hash=header.digest, host=header.host)
        return data if call.raw else _decoded(header.media, data)

    def _begin(self, call: RemoteCall) -> _Try:
        plugin, _, function = call.ref.partition(".")
        function = function or self._directory.only_function(plugin) or ""
        found = self._directory.find(plugin, function)
        wanted = call.context.version if isinstance(call.context, StepContext) else ""
        digest = self._directory.digest(plugin, wanted) if wanted else ""
        if not function or digest is None:
            raise _unserved(f"{call.ref}@{wanted}" if wanted else call.ref, plugin, function)
        value = not isinstance(call.data, (bytes, bytearray, memoryview))
        payload = json.dumps(to_json(call.data), allow_nan=False).encode() if value else bytes(call.data)
        origin = _origin(call.context)
        key = _key(origin)
        self._count += 1
        now = self._clock.now()
        limit_s = None if call.timeout_s is None else min(call.timeout_s, _LONGEST_S)
        header = CallHeader(
            id=f"{self._prefix}{self._count:x}",
            timeout_s=limit_s,
            deadline=None if limit_s is None else now + limit_s,
            key=key,
            digest=digest,
            value=value,
            parts=True,
            costs=call.measured,
            host=self._host,
            caller=caller()[:256],
            depth=depth() + 1,
            origin=origin,
        )
        due = None if limit_s is None else self._clock.monotonic() + limit_s
        return _Try(call, plugin, function, payload, header, due, key is not None or (found is not None and found.safe))

    async def _answered(self, tried: _Try) -> tuple[AnswerHeader, bytes]:
        """Tries until there is an answer, or no host is left that may be asked."""
        again_s = _FIRST_AGAIN_S
        patience_s = _PATIENCE_S if tried.header.origin is not None else _SHORT_PATIENCE_S
        now = self._clock.monotonic()
        end = now + (0.0 if tried.call.hasty else patience_s)
        while True:
            subject, host = self._subject(tried)
            if subject is None:
                full = isinstance(tried.last, CapacityReached)
                if not (full or tried.gone) or self._clock.monotonic() > (end if full else now + _SHORT_PATIENCE_S):
                    break
                tried.refused.clear()  # one of them may have room by now, or be there again
                again_s = min(2 * again_s, _LAST_AGAIN_S)
                await asyncio.sleep(again_s * (0.5 + random.random()))  # noqa: S311 -- spreads tries
                continue
            try:
                return await self._once(tried, subject)
            except _NotBegunError as refusal:
                tried.last = refusal.error
                tried.refused.add(refusal.host or host)
                tried.gone = tried.gone or (bool(host) and not refusal.host and not tried.call.hasty)
            except _SilentError as silence:
                self.lost += 1
                tried.last = _silent(tried, silence.host)
                tried.refused.add(silence.host or host)
                tried.silent = True
                if not tried.safe:
                    break
            self.again += 1
        if tried.call.hasty and tried.safe:
            raise _NotBegunError(tried.last or _unserved(tried.call.ref, tried.plugin, tried.function), "")
        again = tried.silent and tried.header.key is not None  # work that waits, and is sent again by its key
        if tried.last is None or again or isinstance(tried.last, NotFound):
            raise _unserved(tried.call.ref, tried.plugin, tried.function) from tried.last
        raise tried.last

    def _subject(self, tried: _Try) -> tuple[str | None, str]:
        """The subject to ask next, and whose it is: a host that was heard lately, the same one for a key; any where
        none is known."""
        plugin, function, key = tried.plugin, tried.function, tried.header.key
        places = self._directory.places(plugin, function, digest=tried.header.digest)
        left = [one for one in places if one.host not in tried.refused]
        if not left:
            return None if tried.refused else call_subject(plugin, function, digest=tried.header.digest), ""
        if key is not None:
            host = max((one.host for one in left), key=lambda one: _weight(key, one))
        else:
            roomy = [one.host for one in left if one.room > 0] or [left[0].host]
            host = random.choice(roomy)  # noqa: S311 -- spreads calls
        return call_subject(plugin, function, host=host), host

    async def _once(self, tried: _Try, subject: str) -> tuple[AnswerHeader, bytes]:
        header, payload = _timed(tried, self._clock), tried.payload
        held: Parcel | None = None
        if len(payload) > self._connection.room_bytes:
            held = self._parcels.hold(payload)
            header, payload = replace(header, parcel=held), b""
        text = to_text(header)
        headers = {CALL: text, "Authorization": self._seal.proof(subject, text, payload)}
        waiter: Waiter | None = None
        self.sent += 1
        try:
            waiter = await self._ask(tried, subject, payload, headers)
            async with asyncio.timeout(None if tried.due is None else self._left_s(tried) + _GRACE_S):
                message = await waiter.answer
            return await self._read(tried, message)
        except (TimeoutError, asyncio.CancelledError) as error:
            await asyncio.shield(self._cancel(header, waiter))
            if isinstance(error, TimeoutError):
                raise _too_late(tried) from None
            raise
        finally:
            if waiter is not None:
                self._connection.over(waiter)
            if held is not None:
                self._parcels.drop(held)

    async def _ask(self, tried: _Try, subject: str, payload: bytes, headers: dict[str, str]) -> Waiter:
        """Sends the call. Raises: NotServed: nothing can be sent, so nobody has it."""
        try:
            waiter = await self._connection.ask(subject, payload, headers)
        except Unavailable as error:
            unserved = _unserved(tried.call.ref, tried.plugin, tried.function)
            raise NotServed(f"{unserved.fact}: {error.fact}", remedy=error.remedy, **unserved.details) from error
        self._look()
        return waiter

    def _left_s(self, tried: _Try) -> float:
        left_s = (tried.due or 0.0) - self._clock.monotonic()
        if left_s <= 0:
            raise _too_late(tried)
        return left_s

    async def _read(self, tried: _Try, message: Msg) -> tuple[AnswerHeader, bytes]:
        """The answer in a message. Raises: _NotBegunError; the error that it holds."""
        if no_responder(message):
            raise _NotBegunError(_unserved(tried.call.ref, tried.plugin, tried.function), "")
        header = from_text(AnswerHeader, (message.headers or {}).get(ANSWER, ""), "answer of a host")
        data = bytes(message.data)
        if header.error:
            error = error_from(header.error, data)
            if not header.begun and isinstance(error, (CapacityReached, NotFound, Unavailable)):
                raise _NotBegunError(error, header.host)
            raise error
        if header.parcel is not None:
            data = await self._parcels.fetch(header.parcel, _ANSWER_BYTES)
        return header, data

    async def _cancel(self, header: CallHeader, waiter: Waiter | None) -> None:
        if waiter is None:
            return
        subject, data = "omnicore.cancel", header.id.encode()
        try:
            await self._connection.publish(subject, data, {"Authorization": self._seal.proof(subject, "", data)})
        except OmniError:
            return  # the host that makes the call sees its deadline

    def _passing(self, waiter: Waiter, message: Msg) -> bool:
        """Notes a sign of life. True where the answer is still to come."""
        text = (message.headers or {}).get(ANSWER, "")
        if '"progress":true' not in text:
            return False
        try:
            waiter.host = from_text(AnswerHeader, text, "answer of a host").host
        except OmniError:
            return False
        return True

    def _look(self) -> None:
        """Looks for calls that nothing is heard of, as long as there are any."""
        if self._looking is None:
            self._looking = asyncio.get_running_loop().call_later(_LOOK_S, self._looked)

    def _looked(self) -> None:
        self._looking = None
        for waiter in self._connection.silent(self._clock.monotonic() - _SILENCE_S):
            waiter.answer.set_exception(_SilentError(waiter.host))
        if self._connection.figures()["waiting"]:
            self._look()


def _timed(tried: _Try, clock: Clock) -> CallHeader:
    """The header of a try: a host begins it now or never."""
    begin_by = clock.now() + _BEGIN_S
    if tried.due is None:
        return replace(tried.header, begin_by=begin_by)
    left_s = max(0.001, tried.due - clock.monotonic())
    return replace(tried.header, begin_by=begin_by, timeout_s=left_s, deadline=clock.now() + left_s)


def _weight(key: str | None, host: str) -> bytes:
    """Orders hosts for a key, the same for everybody, so that few keys move when hosts come and go."""
    return hashlib.sha256(f"{key}\n{host}".encode()).digest()


def _origin(context: Any) -> CallOrigin | None:
    match context:
        case StepContext():
            return CallOrigin(
                kind="step",
                hops=context.hops,
                run=context.run,
                place=context.place,
                attempt=context.attempt,
                key=context.key,
            )
        case TaskContext():
            return CallOrigin(
                kind="task", task=context.task, owner=context.owner, attempt=context.attempt, key=context.key
            )
        case Handling():
            return CallOrigin(kind="event", hops=context.hops)
    return None


def _key(origin: CallOrigin | None) -> str | None:
    """The key of a step or of an attempt at a task."""
    if origin is None or origin.kind == "event":
        return None
    key = origin.key if origin.kind == "step" else f"{origin.task}/{origin.attempt}"
    if not key:
        return None
    return key if len(key) <= _KEY else hashlib.sha256(key.encode()).hexdigest()


def _decoded(media: str, data: bytes) -> Any:
    """The output as its media type says; the other host has checked it."""
    if media == JSON_MEDIA:
        return json.loads(data)
    return data.decode() if media == TEXT_MEDIA else data


def _count(header: AnswerHeader, costs: CallCosts | None) -> None:
    usage = Usage(fuel=header.fuel, memory_bytes=header.memory_bytes or 0)
    used(usage)
    if costs is not None:
        costs.take(usage)
        for verb, count in header.host_calls.items():
            costs.host_calls[verb] = costs.host_calls.get(verb, 0) + count


def _unserved(ref: str, plugin: str, function: str) -> NotServed:
    return NotServed(
        f"no host of the fleet serves {ref[:200]!r} now",
        remedy="start a host that has it, or install the plugin",
        plugin=plugin[:200],
        function=function[:200],
    )


def _silent(tried: _Try, host: str) -> OmniError:
    return Unavailable(
        f"the host {host or 'that'} was asked for {tried.call.ref} and is silent",
        remedy="the call may or may not have been made: look before you make it again, or mark the function idempotent",
        plugin=tried.plugin,
        host=host,
    )


def _too_late(tried: _Try) -> OmniError:
    return DeadlineExceeded(
        f"{tried.call.ref} was not answered by another host in its time",
        remedy="give it more time, or less to do",
        limit="timeout_s",
        allowed=tried.call.timeout_s,
    )


class FleetCalls:
    """The calls of a host in a fleet: here where the plugin is and there is room, else on another host.

    Calls of steps go here as many at once as the host has cores. Of those above, which are flights of loops, forks and
    runs that would wait for a core, each goes where fewer of them are under way, here or on a host with room.

    Used from any thread, as `omnicore.plugins.call.Calls`, which it stands in front of.
    """

    def __init__(self, here: CallPath, remote: Remote, directory: HostDirectory, placements: Placements) -> None:
        self._here, self._remote, self._directory, self._placements = here, remote, directory, placements
        self.targets, self.kept = here.targets, here.kept
        self.fleet = True
        self.own: frozenset[str] = frozenset()
        """The plugins that this host serves."""
        self._loop: asyncio.AbstractEventLoop | None = None
        self._away: dict[str, NotFound] = {}
        self._flights = _Flights()

    def forget(self) -> None:
        """Looks for every function here again: plugins have changed."""
        self._away.clear()

    def start(self) -> None:
        """Calls leave the host on the running loop from now on."""
        self._loop = asyncio.get_running_loop()

    def stop(self) -> None:
        """Calls stay here."""
        self._loop = None

    @property
    def callers(self) -> Callers:
        """Those who call."""
        return self._here.callers

    def serves(self, ref: str) -> bool:
        """True if this host or another one serves a function, as far as is known."""
        plugin, _, function = ref.partition(".")
        return plugin in self.own or bool(self._directory.places(plugin, function))

    def target(self, ref: str) -> Target:
        """The target of a reference on this host."""
        return self._here.target(ref)

    def close(self) -> None:
        """Ends the threads."""
        self._here.close()

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
        away: OmniError | None = None
        if ref not in self.targets and (away := self._known_away(ref)) is None:
            try:
                away = await asyncio.to_thread(self._look, ref)
            except CapacityReached as error:
                away = error
        call = RemoteCall(ref, data, timeout_s, host_context, raw, measured=costs is not None)
        if away is None and self._crowded(ref, host_context):
            try:
                with self._flights.away():
                    return await self._remote.call(replace_call(call, hasty=True), costs)
            except _NotBegunError:
                pass  # the others have no room by now, or are gone
        if away is None:
            try:
                with self._flights.here(host_context):
                    return await self._here.call(
                        ref, data, timeout_s=timeout_s, host_context=host_context, raw=raw, costs=costs
                    )
            except (CapacityReached, NotServed) as error:
                if not self._leaves(error, ref):
                    raise
        elif self._loop is None or (isinstance(away, CapacityReached) and not self._served(ref)):
            raise away
        return await self._sent(call, costs)

    def call_blocking(
        self, ref: str, data: Any = b"", *, timeout_s: float | None = None, host_context: Any = None, raw: bool = False
    ) -> Any:
        """See `omnicore.plugins.host.PluginHost.call_blocking`."""
        away: OmniError | None = None
        if ref not in self.targets and (away := self._known_away(ref)) is None:
            try:
                away = self._look(ref)
            except CapacityReached as error:
                away = error
        if away is None:
            try:
                return self._here.call_blocking(ref, data, timeout_s=timeout_s, host_context=host_context, raw=raw)
            except (CapacityReached, NotServed) as error:
                if not self._leaves(error, ref):
                    raise
        if isinstance(away, CapacityReached) and not self._served(ref):
            raise away
        call = RemoteCall(ref, data, timeout_s, host_context, raw)
        return self._on_loop(call, away)

    def _on_loop(self, call: RemoteCall, away: OmniError | None) -> Any:
        loop = self._loop
        if loop is None:
            raise away or Unavailable("the host leaves its fleet", remedy="try again")
        if _runs_here(loop):
            raise Conflict(
                f"{call.ref} is on another host, and its answer would be waited for on the event loop",
                remedy="await host.call",
            )
        future = asyncio.run_coroutine_threadsafe(self._sent(call), loop)
        try:
            return future.result()
        except CancelledError:
            raise CallCancelled(f"{call.ref} was cancelled: the host stops") from None

    async def _sent(self, call: RemoteCall, costs: CallCosts | None = None) -> Any:
        """The output from another host. A host that is to serve the plugin may learn of it only now: it has a moment.

        Raises: as `Remote.call`; NotServed: with the labels that are wanted, and the hosts that have them.
        """
        plugin, end = call.ref.partition(".")[0], time.monotonic() + _SHORT_PATIENCE_S
        away = self._placements.away(plugin)
        while True:
            try:
                return await self._remote.call(call, costs)
            except NotServed as gone:
                if gone.details.get("plugin") != plugin or not away:
                    raise
                if not self._placements.away(plugin):  # placed here meanwhile
                    return await self.call(
                        *(call.ref, call.data),
                        timeout_s=call.timeout_s,
                        host_context=call.context,
                        raw=call.raw,
                        costs=costs,
                    )
                if time.monotonic() > end or not await asyncio.to_thread(self._placements.fit, plugin):
                    wanted = await asyncio.to_thread(self._placements.refusal, plugin)
                    raise NotServed(f"{gone.fact}: {wanted.fact}", remedy=wanted.remedy, **wanted.details) from gone
            await asyncio.sleep(_PLACED_AGAIN_S)

    def _crowded(self, ref: str, context: Any) -> bool:
        """True if a call of a step would wait here for a core, and fewer of them are under way at another host."""
        flights, target = self._flights, self.targets.get(ref)
        if not isinstance(context, StepContext) or flights.at_home < flights.cores or context.version:
            return False
        if self._loop is None or target is None:
            return False
        plugin, _, function = ref.partition(".")
        places = self._directory.places(plugin, function, digest=target.version.serving.hash)
        roomy = sum(one.room > 0 for one in places)
        return flights.at_home * roomy > flights.abroad

    def _leaves(self, error: OmniError, ref: str) -> bool:
        """True if a call did not begin here and another host makes it."""
        if not not_begun(error, ref):
            return False
        return self._loop is not None if isinstance(error, NotServed) else self._elsewhere(ref)

    def _served(self, ref: str) -> bool:
        """True if another host makes calls of a reference that this one refuses."""
        plugin, _, function = ref.partition(".")
        return any(one.room > 0 for one in self._directory.places(plugin, function))

    def _known_away(self, ref: str) -> NotFound | None:
        plugin = ref.partition(".")[0]
        if self._placements.away(plugin):
            return NotServed(f"{plugin} is placed on other hosts", remedy="try again", plugin=plugin)
        return None if plugin in self.own else self._away.get(ref)

    def _look(self, ref: str) -> NotFound | None:
        """The reason why a function is not here; None: it is. Remembered until plugins change: it costs a thread."""
        try:
            self._here.target(ref)
        except NotServed as error:
            return error
        except NotFound as error:
            if len(self._away) >= _MOST_AWAY:
                self._away.clear()
            self._away[ref] = NotFound(error.fact, remedy=error.remedy, **error.details)
            return self._away[ref]
        return None

    def _elsewhere(self, ref: str) -> bool:
        """True if another host serves the same version and has room."""
        target = self.targets.get(ref)
        if self._loop is None or target is None:
            return False
        plugin, _, function = ref.partition(".")
        digest = target.version.serving.hash
        return any(one.room > 0 for one in self._directory.places(plugin, function, digest=digest))


class _Flights:
    """Calls of steps that are under way from this host: here, and those that left it though it has the plugin.

    Counted from any thread: a lost update would send calls away, or keep them here, for as long as the host lives.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        self.at_home = self.abroad = 0

    @contextmanager
    def here(self, context: Any) -> Iterator[None]:
        """Counts a call that is made here, if it is one of a step."""
        if not isinstance(context, StepContext):
            yield
            return
        with self._lock:
            self.at_home += 1
        try:
            yield
        finally:
            with self._lock:
                self.at_home -= 1

    @contextmanager
    def away(self) -> Iterator[None]:
        """Counts a call that is made elsewhere."""
        with self._lock:
            self.abroad += 1
        try:
            yield
        finally:
            with self._lock:
                self.abroad -= 1


def _runs_here(loop: asyncio.AbstractEventLoop) -> bool:
    try:
        return asyncio.get_running_loop() is loop
    except RuntimeError:
        return False
