"""The service of a host: calls that come over NATS, who may make them, and what becomes of a call that comes twice.

Everything that comes is a stranger's until its proof or token was looked at, and is bounded before that.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import logging
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from time import perf_counter
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from nats.aio.msg import Msg

from omnicore.access.principal import SETTING, Principal, Role
from omnicore.capabilities.capability import CallCosts
from omnicore.errors import (
    CallCancelled,
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    HostError,
    InvalidInput,
    LimitExceeded,
    NotFound,
    OmniError,
    PermissionDenied,
    Unavailable,
    WrongCredentials,
)
from omnicore.events.subscriptions import Handling
from omnicore.fleet.connection import NatsConnection, Parcels
from omnicore.fleet.messages import (
    ANSWER,
    CALL,
    QUEUE,
    AnswerHeader,
    CallHeader,
    CallOrigin,
    Seal,
    ServedList,
    error_body,
    named,
    token,
)
from omnicore.fleet.micro import MicroService, may_answer
from omnicore.plugins.call import CallPath, deeper, from_json, not_begun, too_deep
from omnicore.records import from_text, replace, to_text
from omnicore.sandbox.abi import KIB, MIB
from omnicore.storage.tables.tasks import TaskContext
from omnicore.workflows.steps.step import StepContext

if TYPE_CHECKING:
    from omnicore.access.audit import AuditTrail
    from omnicore.access.service import Access
    from omnicore.clock import Clock
    from omnicore.config.settings import Settings
    from omnicore.plugins.host import PluginHost


_log = logging.getLogger("omnicore.fleet")

_HEADER_BYTES = 16 * KIB
_PROGRESS_S = 0.5
_MOST_DEPTH = 8
_AHEAD_S = 60.0
_SEEN = 100_000
_ACTION = "callFunction"
_UNNAMED = frozenset({"owner", "cli", "local"})


@dataclass(frozen=True, slots=True)
class _Caller:
    """Somebody who was let in. `host`: another host of the fleet, which may say for whom it calls."""

    name: str
    host: bool = False
    principal: Principal | None = None


class CallerCheck:
    """Decides who may call: other hosts by their proof, everybody else by a token of REST.

    Args:
        trail: the record of changes, which takes in refusals, and calls where the settings say so.
    """

    def __init__(self, settings: Settings, access: Access, trail: AuditTrail, seal: Seal) -> None:
        self._access, self._trail, self._seal = access, trail, seal
        self._anonymous = settings.fleet.anonymous
        self._token = settings.token.encode() if settings.token else None

    async def admit(self, message: Msg, header: str, ref: str) -> _Caller:
        """The caller of a function. Raises: WrongCredentials, PermissionDenied."""
        given = (message.headers or {}).get("Authorization", "")
        scheme, _, value = given.partition(" ")
        if scheme == "Omnicore":
            if not self._seal.fits(given, message.subject, header, bytes(message.data)):
                raise self._refused("host", ref, _wrong("the call is not signed by a host of this fleet"))
            return _Caller("host", host=True)
        if scheme.lower() == "bearer":
            return await self._bearer(value.strip(), ref)
        if given or not self._anonymous:
            raise self._refused("anonymous", ref, _wrong("the call carries no token"))
        return _Caller("nats anonymous")

    async def _bearer(self, key: str, ref: str) -> _Caller:
        principal: Principal | None = None
        if self._token is not None and hmac.compare_digest(key.encode("utf-8", "replace"), self._token):
            principal = SETTING
        elif key.isascii():
            principal = await self._access.bearer(key)
        if principal is None:
            raise self._refused("anonymous", ref, _wrong("the token of the call is nobody's"))
        plugin = ref.partition(".")[0]
        if not principal.may(Role.operator, tag="calls", plugin=plugin):
            error = PermissionDenied(
                f"{principal.name} may not call {ref}",
                remedy=f"give the user or the token the role operator, or operator of {plugin}",
                resource=ref,
            )
            raise self._refused(principal.name, ref, error, via=principal.via)
        return _Caller(principal.person, principal=principal)

    def note(self, caller: _Caller, ref: str, *, well: bool) -> None:
        """Records a call of somebody, if calls are recorded."""
        principal = caller.principal
        if principal is not None and self._trail.calls and principal.via not in _UNNAMED:
            self._trail.note(
                actor=principal.name,
                via=principal.via,
                origin="nats",
                action=_ACTION,
                target=f"plugin:{ref}",
                outcome="done" if well else "failed",
            )

    def _refused(self, actor: str, ref: str, error: OmniError, *, via: str = "anonymous") -> OmniError:
        self._trail.refuse(
            actor=actor, via=via, origin="nats", action=_ACTION, target=f"plugin:{ref}"[:256], outcome="refused"
        )
        return error


def _wrong(fact: str) -> WrongCredentials:
    return WrongCredentials(
        fact,
        remedy="send the header `Authorization: Bearer TOKEN`; `omnicore tokens add` makes one",
    )


_KEPT, _KEPT_BYTES, _KEPT_ONE = 10_000, 64 * MIB, 1 * MIB


@dataclass(frozen=True, slots=True)
class _Answer:
    """An answer as it is sent, and the error that it tells."""

    header: AnswerHeader
    payload: bytes = b""
    error: OmniError | None = None


@dataclass(slots=True, eq=False)
class _Keyed:
    """A call that has a key: the work while it goes on, then its answer. `waiters` wait for it now."""

    digest: bytes
    work: asyncio.Task[_Answer]
    waiters: int = 0
    answer: _Answer | None = None
    gone: bool = False


class _KeyedAnswers:
    """Answers by the key of their call, so that a call that is sent again is not made again.

    Owns: 10,000 answers and 64 MiB at most; the oldest go first.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str, str], _Keyed] = OrderedDict()
        self._bytes = 0

    async def once(
        self, name: tuple[str, str, str], payload: bytes, begin: Callable[[], Coroutine[Any, Any, _Answer]]
    ) -> tuple[_Answer, bool]:
        """The answer, and whether it is that of an earlier call. Raises: Conflict: that one had another input."""
        digest = hashlib.sha256(payload).digest()
        kept = self._kept.get(name)
        again = kept is not None
        if kept is None:
            kept = self._kept[name] = _Keyed(digest, asyncio.ensure_future(begin()))
            kept.work.add_done_callback(partial(self._over, name, kept))
            self._trim()
        elif kept.digest != digest:
            raise Conflict("a call of this key had another input", remedy="use a key of its own for each call")
        if kept.answer is not None:
            return kept.answer, again
        if kept.gone:
            raise Conflict(
                "the call of this key was made, and its answer was too long to keep", remedy="look what it has done"
            )
        kept.waiters += 1
        try:
            return await asyncio.shield(kept.work), again
        except asyncio.CancelledError:
            if kept.waiters == 1:  # nobody else wants to know
                kept.work.cancel()
            raise
        finally:
            kept.waiters -= 1

    def _over(self, name: tuple[str, str, str], kept: _Keyed, work: asyncio.Task[_Answer]) -> None:
        failed = work.cancelled() or work.exception() is not None
        if failed or not work.result().header.begun:
            if self._kept.get(name) is kept:
                del self._kept[name]
            return
        answer = work.result()
        if len(answer.payload) > _KEPT_ONE:
            kept.gone = True
            return
        kept.answer = answer
        self._bytes += len(answer.payload)
        self._trim()

    def _trim(self) -> None:
        while len(self._kept) > _KEPT or self._bytes > _KEPT_BYTES:
            name = next((name for name, one in self._kept.items() if one.work.done()), None)
            if name is None:
                return
            gone = self._kept.pop(name)
            self._bytes -= len(gone.answer.payload) if gone.answer is not None else 0


class _Seen:
    """Calls of hosts that have begun, until they would be refused for their age: none is begun twice."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._until: OrderedDict[str, float] = OrderedDict()

    def enter(self, header: CallHeader) -> None:
        """Notes a call that begins. Raises: Conflict: it has begun before."""
        now = self._clock.now()
        while self._until and (len(self._until) > _SEEN or next(iter(self._until.values())) < now):
            self._until.popitem(last=False)
        if header.id in self._until:
            raise Conflict("this call was sent before", remedy="send a new one with an id of its own")
        self._until[header.id] = header.begin_by or now


@dataclass(slots=True, eq=False)
class _Running:
    """A call that came, and the task that makes it. `header` is there once it was read and its caller let in."""

    message: Msg
    ref: str
    task: asyncio.Task[None] | None = None
    header: CallHeader | None = None
    host: bool = False


@dataclass(frozen=True, slots=True)
class _Offer:
    """All that this host serves now, and the subjects that it hears for it."""

    served: ServedList
    subjects: frozenset[str] = frozenset()


ServiceState: TypeAlias = Literal["serving", "draining", "gone"]


class FleetService:
    """Answers calls of other hosts and of NATS' clients. Belongs to one event loop.

    Args:
        here: makes the calls, on this host only.
        micro: tells NATS' tools of the functions and their figures.
    """

    def __init__(
        self,
        connection: NatsConnection,
        parcels: Parcels,
        plugins: PluginHost,
        here: CallPath,
        admission: CallerCheck,
        micro: MicroService,
        *,
        settings: Settings,
        host: str,
        clock: Clock,
        seal: Seal,
    ) -> None:
        self._connection, self._parcels, self._plugins, self._here = connection, parcels, plugins, here
        self._admission, self._micro, self._settings, self._seal = admission, micro, settings, seal
        self._host, self._clock = host, clock
        self._keyed, self._seen = _KeyedAnswers(), _Seen(clock)
        self._running: set[_Running] = set()
        self._offer = _Offer(ServedList(host=host, revision=0, plugins={}))
        self.state: ServiceState = "serving"

    @property
    def running(self) -> int:
        """Calls that came and go on."""
        return len(self._running)

    @property
    def room(self) -> int:
        """Further calls that fit."""
        return max(0, self._settings.fleet.calls - len(self._running)) if self.state == "serving" else 0

    async def start(self) -> None:
        """Hears calls that are for this host alone, and cancellations; `offer` adds the others."""
        await self._micro.start()
        await self._connection.hear(f"omnicore.host.{self._host}.call.*.*", self._heard)
        await self._connection.hear("omnicore.cancel", self._cancelled)

    async def offer(self, served: ServedList) -> None:
        """Serves exactly these functions from now on."""
        before, self._micro.served = self._offer, served
        subjects: dict[str, None] = {}
        if self.state == "serving":
            for name, one in served.plugins.items():
                subjects[f"omnicore.call.{token(name)}.*"] = None
                subjects[f"omnicore.version.{one.digest}.{token(name)}.*"] = None
        self._offer = _Offer(served, frozenset(subjects))
        for subject in before.subjects - self._offer.subjects:
            await self._connection.leave(subject)
        for subject in subjects:
            await self._connection.hear(subject, self._heard, queue=QUEUE)

    async def drain(self) -> None:
        """Takes no further calls, which other hosts get; those that go on end here."""
        self.state = "draining"
        await self.offer(self._offer.served)

    async def undrain(self) -> None:
        """Takes calls again."""
        self.state = "serving"
        await self.offer(self._offer.served)

    async def stop(self, within_s: float) -> None:
        """Takes no further calls, and cuts those that go on after so long."""
        await self.drain()
        self.state = "gone"
        tasks = [one.task for one in self._running if one.task is not None]
        if tasks:
            await asyncio.wait(tasks, timeout=within_s)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # -- what comes

    async def _heard(self, message: Msg) -> None:
        if not may_answer(message.reply):
            return
        plugin, function = message.subject.split(".")[-2:]
        ref = f"{named(plugin)}.{named(function)}"
        running = _Running(message, ref)
        if len(self._running) >= self._settings.fleet.calls:
            full = CapacityReached(
                f"the host makes {len(self._running)} calls of others", remedy="try again, or add a host"
            )
            await self._answer(message, self._refusal(full, ref))
            return
        self._running.add(running)
        running.task = asyncio.create_task(self._serve(running))
        running.task.add_done_callback(lambda _: self._running.discard(running))

    async def _cancelled(self, message: Msg) -> None:
        headers = message.headers or {}
        if len(message.data) > KIB or not self._seal.fits(
            headers.get("Authorization", ""), message.subject, "", message.data
        ):
            return
        wanted = message.data.decode("ascii", "replace")
        for one in self._running:
            if one.host and one.header is not None and one.header.id == wanted and one.task is not None:
                one.task.cancel()

    async def _serve(self, running: _Running) -> None:
        progress = asyncio.get_running_loop().call_later(_PROGRESS_S, self._go_on, running)
        began = perf_counter()
        try:
            answer = await self._made(running)
        except OmniError as error:
            answer = self._refusal(error, running.ref)
        except asyncio.CancelledError:
            self._micro.note(running.ref, perf_counter() - began, CallCancelled("cancelled"))
            return
        except Exception:
            _log.exception("a call of %s that came over NATS failed", running.ref[:200])
            answer = self._refusal(HostError("the host failed", remedy="see its log"), running.ref, begun=True)
        finally:
            progress.cancel()
        self._micro.note(running.ref, perf_counter() - began, answer.error)
        await self._answer(running.message, answer, parts=running.header is not None and running.header.parts)

    def _go_on(self, running: _Running) -> None:
        """Says that a call goes on, every half a second while it does."""
        if running not in self._running:
            return
        loop = asyncio.get_running_loop()
        if running.header is not None and running.header.parts:
            text = to_text(AnswerHeader(host=self._host, progress=True))
            loop.create_task(self._send(running.message.reply, b"", {ANSWER: text}))  # noqa: RUF006 -- as short as a send
        loop.call_later(_PROGRESS_S, self._go_on, running)

    async def _made(self, running: _Running) -> _Answer:
        """Lets the caller in and makes the call. Raises: OmniError: before it began."""
        message = running.message
        text = (message.headers or {}).get(CALL, "")
        if len(text) > _HEADER_BYTES:
            raise InvalidInput("the header of the call is too long", remedy=f"send at most {_HEADER_BYTES} bytes")
        caller = await self._admission.admit(message, text, running.ref)
        header = from_text(CallHeader, text, "header of the call") if text else CallHeader()
        if message.subject.startswith("omnicore.version."):
            header = replace(header, digest=message.subject.split(".")[2])
        if not caller.host:  # who is no host speaks for nobody else
            header = replace(header, host="", caller="", depth=0, origin=None)
        running.header, running.host = header, caller.host
        self._check_age(header, host=caller.host)
        payload = bytes(message.data)
        if header.parcel is not None:
            payload = await self._parcels.fetch(header.parcel, self._settings.max_limits.input_bytes)
        name = header.caller if caller.host else caller.name
        make = partial(self._call, running.ref, header, payload, name)
        if header.key is None:
            if caller.host:
                self._seen.enter(header)
            answer = await make()
        else:
            answer, again = await self._keyed.once((name, running.ref, header.key), payload, make)
            answer = _Answer(replace(answer.header, replayed=True), answer.payload, answer.error) if again else answer
        self._admission.note(caller, running.ref, well=answer.error is None)
        return answer

    def _check_age(self, header: CallHeader, *, host: bool) -> None:
        now = self._clock.now()
        if host and (not header.id or header.begin_by is None or header.begin_by > now + _AHEAD_S):
            raise InvalidInput("a host's call needs an id, and a time by which it begins", remedy="update that host")
        if header.begin_by is not None and header.begin_by < now:
            raise Unavailable(
                f"the call came {now - header.begin_by:.3f} s too late to begin",
                remedy="try again; if it happens often, set the clocks of all hosts by NTP",
            )
        if header.deadline is not None and header.deadline <= now:
            raise DeadlineExceeded(
                f"the deadline of the call was {now - header.deadline:.3f} s ago",
                remedy="give it more time, and set the clocks of all hosts by NTP",
                limit="timeout_s",
            )
        if header.depth >= _MOST_DEPTH:
            raise too_deep("a call of the fleet", header.depth, _MOST_DEPTH)

    # -- one call

    async def _call(self, ref: str, header: CallHeader, payload: bytes, caller: str) -> _Answer:
        """Makes a call on this host. Its failures are answers too."""
        costs = CallCosts()
        begun = False
        try:
            target = self._here.targets.get(ref)
            if target is None:
                target = await asyncio.to_thread(self._here.target, ref)
            serving = target.version.serving
            if header.digest and serving.hash != header.digest:
                raise NotFound(
                    f"{serving.name} is served here at {serving.hash[:8]}, not at {header.digest[:8]}",
                    remedy="ask for the version in service",
                )
            data = _value(payload) if header.value else payload
            begun = True
            with self._plugins.callers.named(caller), deeper(header.depth):
                output = await self._here.call(
                    ref,
                    data,
                    timeout_s=self._left_s(header),
                    host_context=_context(header.origin) or costs,
                    raw=True,
                    costs=costs if header.costs else None,
                )
        except OmniError as error:
            return self._refusal(error, ref, begun=begun and not not_begun(error, ref))
        told = AnswerHeader(
            host=self._host,
            plugin=serving.name,
            digest=serving.hash,
            media=target.media.output_media,
            time_s=costs.time_s if header.costs else None,
            fuel=costs.fuel,
            memory_bytes=costs.memory_bytes,
            host_calls=costs.host_calls,
        )
        return _Answer(told, output)

    def _left_s(self, header: CallHeader) -> float | None:
        if header.deadline is None:
            return header.timeout_s
        left_s = max(0.001, header.deadline - self._clock.now())
        return left_s if header.timeout_s is None else min(left_s, header.timeout_s)

    def _refusal(self, error: OmniError, ref: str, *, begun: bool = False) -> _Answer:
        header = AnswerHeader(host=self._host, error=error.code, begun=begun, media="application/json")
        return _Answer(header, error_body(error), error)

    # -- answers

    async def _answer(self, message: Msg, answer: _Answer, *, parts: bool = False) -> None:
        header, payload = answer.header, answer.payload
        if len(payload) > self._connection.room_bytes:
            try:
                header, payload = self._in_parts(header, payload, wanted=parts)
            except OmniError as error:
                told = self._refusal(error, "", begun=True)
                header, payload, answer = told.header, told.payload, told
        headers = {ANSWER: to_text(header)}
        if answer.error is not None:
            headers["Nats-Service-Error"] = _line(answer.error.fact)
            headers["Nats-Service-Error-Code"] = answer.error.code
        await self._send(message.reply, payload, headers)

    def _in_parts(self, header: AnswerHeader, payload: bytes, *, wanted: bool) -> tuple[AnswerHeader, bytes]:
        most = self._connection.room_bytes
        if not wanted:
            raise LimitExceeded(
                f"the answer has {len(payload)} bytes",
                remedy='send `{"parts": true}` in the header Omnicore-Call and fetch the parcel, or use REST',
                limit="max_payload",
                allowed=most,
            )
        parcel = self._parcels.hold(payload)
        asyncio.get_running_loop().call_later(_FETCH_S, self._parcels.drop, parcel)
        return replace(header, parcel=parcel), b""

    async def _send(self, reply: str, payload: bytes, headers: Mapping[str, str]) -> None:
        with suppress(OmniError):  # the caller hears nothing, and asks again if it may
            await self._connection.publish(reply, payload, headers)


_FETCH_S = 60.0
_LINE = 256


def _line(text: str) -> str:
    """A text as a header can hold it."""
    return "".join(one if one.isprintable() else " " for one in text[:_LINE])


def _value(payload: bytes) -> Any:
    try:
        return from_json(json.loads(payload))
    except (ValueError, RecursionError) as error:
        raise InvalidInput(
            f"the payload is not JSON: {str(error)[:200]}", remedy="send JSON, or leave `value` out"
        ) from error


def _context(origin: CallOrigin | None) -> Any:
    """The value of `call.host_context` for work that another host began."""
    if origin is None:
        return None
    if origin.kind == "step":
        return StepContext(origin.hops, origin.run, origin.place, origin.attempt, origin.key or "")
    if origin.kind == "task":
        return TaskContext(origin.task, origin.owner, origin.attempt, origin.key)
    return Handling(origin.hops)
