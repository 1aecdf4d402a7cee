"""Taps between guests and their doors: scripts answer, cassettes record and play, and every request is noted.

Random bytes come from a seed, one stream for all instances of a plugin. A scripted request passes its door's checks and
stops at a gate before the service.
"""

from __future__ import annotations

import base64
import inspect
import json
import threading
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, replace
from hashlib import sha256, shake_256
from typing import TYPE_CHECKING, Any, cast

from omnicore import errors
from omnicore.capabilities import clock
from omnicore.capabilities.doors import DOORS, NAMESPACE, open_doors
from omnicore.capabilities.request import error_reply, to_value
from omnicore.capabilities.services import Services, present
from omnicore.connectors.addresses import parse_url
from omnicore.connectors.http import from_guest, method_name
from omnicore.errors import GuestFailed, InvalidInput, InvalidSetting, OmniError
from omnicore.sandbox.abi import KIB, Doors, HostCall, HostFunction, HttpRequest, HttpResponse, HttpSend, WasiGrant
from omnicore.sandbox.wasi import functions as wasi
from omnicore.sandbox.wasi.preview1 import FAULT, SUCCESS
from omnicore.testing.cassette import LIVE, Cassette

if TYPE_CHECKING:
    from omnicore.capabilities.capability import DoorCall, PluginScope
    from omnicore.connectors.policy import HttpPolicy


@dataclass(frozen=True, slots=True)
class AskedCall:
    """A call of a door. `request` and `reply` are as on the wire; a refusal's reply is `{"error": {...}}`.

    `function` is what the guest imported: `kv_get_v1`, or `http_request` for a request by `extism:host/env`,
    which stands under the door `http`, too. `request` is None where the guest sent no JSON.
    """

    plugin: str
    door: str
    verb: str
    function: str
    request: Any
    reply: Mapping[str, Any]

    @property
    def ref(self) -> str:
        """The door and its verb, such as `kv.get`."""
        return f"{self.door}.{self.verb}"


Answer = Mapping[str, Any] | OmniError | str | Callable[[Any], Any]
"""The fields of a reply, an error or its code, or a function from the request to one of these."""

_REFS = {f"{door.name}.{verb}" for door in DOORS for verb in door.verbs}
_CODES = {cls.code: cls for cls in map(errors.__dict__.get, errors.__all__) if cls is not None}


class Script:
    """The answers of one verb, one after the other or always the same."""

    def __init__(self, ref: str, when: Any, answers: list[Answer], *, always: bool) -> None:
        self._ref = ref
        self._when = when
        self._answers = answers
        self._always = always
        self._next = 0

    def matches(self, request: Any) -> bool:
        """True when the script is about this request."""
        if callable(self._when):
            return bool(self._when(request))
        fields = request if isinstance(request, Mapping) else {}
        return all(name in fields and fields[name] == value for name, value in (self._when or {}).items())

    def answer(self, request: Any) -> dict[str, Any]:
        """The reply as it goes over the wire. Raises: AssertionError once every answer was given."""
        if self._next >= len(self._answers):
            raise AssertionError(
                f"{self._ref} was asked {self._next + 1} times and has {self._next} scripted answers; now: {request!r}"
            )
        answer = self._answers[self._next]
        self._next += 0 if self._always else 1
        return _reply(self._ref, answer(request) if callable(answer) else answer)


class Scripts:
    """The scripts of a host, by verb, and the calls of doors so far; usable from any thread."""

    def __init__(self) -> None:
        self.calls: list[AskedCall] = []
        self._scripts: dict[str, list[Script]] = {}
        self._lock = threading.Lock()

    def add(self, ref: str, *, reply: Any, replies: Any, error: Any, when: Any) -> None:
        """Adds a script, which is looked at before older ones. Raises: InvalidSetting."""
        if ref not in _REFS:
            raise InvalidSetting(f"there is no door {ref!r}", remedy=f"use one of {', '.join(sorted(_REFS))}")
        if replies is None and isinstance(reply, (list, tuple)):
            reply, replies = None, reply
        if sum(one is not None for one in (reply, replies, error)) != 1:
            raise InvalidSetting(f"the script of {ref} needs one answer", remedy="give reply, replies or error")
        answers: list[Any] = [reply if error is None else _failure(error)] if replies is None else list(replies)
        with self._lock:
            script = Script(ref, when, answers, always=replies is None)
            self._scripts.setdefault(ref, []).insert(0, script)

    def find(self, ref: str, request: Any) -> Script | None:
        """The script that answers a request, if there is one."""
        with self._lock:
            return next((script for script in self._scripts.get(ref, ()) if script.matches(request)), None)


def error_of(values: Mapping[str, Any]) -> OmniError:
    """The error that was shown as these values."""
    details = {key: value for key, value in values.items() if key not in ("code", "message", "remedy")}
    code = values.get("code", "error")
    cls = InvalidInput if code == "malformed-request" else _CODES.get(code, OmniError)
    return cls(str(values.get("message", code)), remedy=str(values.get("remedy", "")), **details)


def _failure(error: Any) -> OmniError:
    if isinstance(error, OmniError):
        return error
    if isinstance(error, str):
        return error_of({"code": error, "message": f"scripted: {error}"})
    if isinstance(error, Mapping):
        return error_of(error)
    raise InvalidSetting(f"{error!r:.80} is no error of a door", remedy="give a code, its fields or an OmniError")


def _reply(ref: str, answer: Any) -> dict[str, Any]:
    if isinstance(answer, str):
        answer = _failure(answer)
    if isinstance(answer, OmniError):
        return error_reply(answer, ref.partition(".")[0], ref)
    if not isinstance(answer, Mapping):
        raise InvalidSetting(f"{answer!r:.80} is no reply of {ref}", remedy="give the fields of the reply as a dict")
    return {str(key): _on_wire(value) for key, value in answer.items()}


def _on_wire(value: Any) -> Any:
    if isinstance(value, bytes):
        return to_value(value)
    if isinstance(value, Mapping):
        return {str(key): _on_wire(one) for key, one in value.items()}
    return [_on_wire(one) for one in value] if isinstance(value, (list, tuple)) else value


_CHUNK = 64 * KIB


class Chance:
    """The same bytes for the same sequence of requests.

    A seed in the WASI grant would begin anew with each instance, and each call has an instance of its own: what
    makes an id would make the same one in every call.
    """

    def __init__(self, seed: bytes) -> None:
        self._seed = seed
        self._drawn = 0
        self._lock = threading.Lock()
        self.function = HostFunction(wasi.NAMESPACE, "random_get", ("i32", "i32"), ("i32",), self._random_get)

    def draw(self, length: int) -> bytes:
        """The next bytes."""
        with self._lock:
            self._drawn += 1
            return shake_256(self._drawn.to_bytes(8, "little") + self._seed).digest(length)

    def _random_get(self, call: HostCall, address: int, length: int) -> int:
        try:
            for at in range(0, length, _CHUNK):
                call.store(address + at, self.draw(min(_CHUNK, length - at)))
        except GuestFailed:
            return FAULT
        return SUCCESS


_DOORS = ("kv", "events", "tasks", "memory", "vectors", "connectors")
_stops: ContextVar[bool] = ContextVar("omnicore_stops_at_service", default=False)


class ReachedServiceError(Exception):
    """A request passed the grant and every check of its door: a script may answer it."""


class _Gate:
    """Stands for a service: only who is not to stop gets its methods."""

    def __init__(self, door: str, service: Any) -> None:
        self._door = door
        self._service = service

    def __getattr__(self, name: str) -> Any:
        if _stops.get():
            raise ReachedServiceError
        return getattr(present(self._service, self._door), name)


class _HttpGate:
    """Stands for the HTTP client, which checks hosts and methods itself."""

    def __init__(self, service: Any) -> None:
        self._service = service

    async def send(self, request: HttpRequest, policy: HttpPolicy) -> HttpResponse:
        """Checks what can be checked without a network, or sends."""
        if not _stops.get():
            response: HttpResponse = await self._service.send(request, policy)
            return response
        from_guest(request.headers)
        policy.check_hop(method_name(request.method), parse_url(request.url))
        raise ReachedServiceError


def gated(services: Services) -> Services:
    """The services with a gate before each, also before those that the host does not have."""
    gates: dict[str, Any] = {name: _Gate(name, getattr(services, name)) for name in _DOORS}
    return replace(services, http=_HttpGate(services.http), **gates)


@contextmanager
def stopping(stops: bool) -> Iterator[None]:
    """Stops requests at the gates, or not, within the block in this task or thread."""
    token = _stops.set(stops)
    try:
        yield
    finally:
        _stops.reset(token)


_VERBS = {f"{door.name}_{verb}_v1": (door.name, verb) for door in DOORS for verb in door.verbs}
_FETCH = "http_request"


class Tap:
    """The layer that a test's host puts between its plugins and their doors.

    Args:
        deny: capabilities that stay closed although they are granted.
        clock_ns, seed: what guests see of time and chance; None leaves them the machine's.
    """

    def __init__(
        self,
        scripts: Scripts,
        *,
        deny: frozenset[str] = frozenset(),
        cassette: Cassette | None = None,
        clock_ns: int | None = None,
        seed: bytes | None = None,
    ) -> None:
        self.scripts = scripts
        self.cassette = cassette
        self._deny = deny
        self._clock_ns = clock_ns
        self._seed = seed
        self._services: Services | None = None

    def services(self, services: Services) -> Services:
        """The services with a gate before each."""
        self._services = gated(services)
        return self._services

    def wrap(self, plugin: PluginScope, doors: Doors) -> Doors:
        """The doors of one plugin with the tap before each."""
        seed = None if self._seed is None else sha256(self._seed + plugin.name.encode()).digest()
        wasi = replace(doors.wasi or WasiGrant(), frozen_clock_ns=self._clock_ns, seed=seed)
        closed = open_doors(replace(plugin, grants=(), wasi=wasi), cast("Services", self._services))
        instead = {one.name: one for one in closed.functions if self._replaces(one.name)}
        functions = [self._tapped(plugin.name, instead.get(one.name, one)) for one in doors.functions]
        if doors.wasi is not None and seed is not None:
            functions.append(Chance(seed).function)
        send = closed.http if "http" in self._deny else doors.http
        return replace(
            doors,
            functions=tuple(functions),
            http=send and self._tapped_send(plugin.name, send),
            wasi=doors.wasi and wasi,
        )

    def _replaces(self, function: str) -> bool:
        return function in clock.NAMES or _VERBS.get(function, ("",))[0] in self._deny

    def _tapped(self, plugin: str, function: HostFunction) -> HostFunction:
        if function.namespace != NAMESPACE or function.name not in _VERBS:
            return function  # a host function of the test itself
        waits = function.may_wait or inspect.iscoroutinefunction(function.run)
        return replace(function, run=self._served(plugin, function), may_wait=waits)

    def _served(self, plugin: str, function: HostFunction) -> Callable[[DoorCall, int], Any]:
        async def finished(call: DoorCall, turn: _Turn, door: _Overheard, found: Awaitable[int]) -> int:
            with turn.watched():
                await found
            return _write(call, turn.settle(door.reply()))

        def serve(call: DoorCall, handle: int) -> Any:
            turn = _Turn(self, plugin, function.name, _read(call, handle))
            if (ready := turn.played()) is not None:
                return _write(call, ready)
            door, found = _Overheard(call), None
            with turn.watched():
                found = function.run(door, handle)
            if inspect.iscoroutine(found):
                return finished(call, turn, door, found)
            return _write(call, turn.settle(door.reply()))

        return serve

    def _tapped_send(self, plugin: str, send: HttpSend) -> HttpSend:
        async def serve(request: HttpRequest) -> HttpResponse:
            turn = _Turn(self, plugin, _FETCH, _shown_request(request))
            if (ready := turn.played()) is not None:
                return _response(ready)
            reply = None
            with turn.watched():
                reply = _shown_response(await send(request))
            return _response(turn.settle(reply))

        return serve


class _Overheard:
    """The guest's call as a door sees it, save that the reply comes to us."""

    def __init__(self, call: DoorCall) -> None:
        self._call = call
        self._said: bytes | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._call, name)

    def write(self, data: bytes) -> int:
        self._said = data
        return 0

    def reply(self) -> Any:
        """The door's reply; None where a script is to answer."""
        return None if self._said is None else json.loads(self._said)


class _Turn:
    """One call of a door, from the request to the note about it."""

    def __init__(self, tap: Tap, plugin: str, function: str, request: Any) -> None:
        self._tap = tap
        self._plugin = plugin
        self._function = function
        self._request = request
        self._door, self._verb = _VERBS.get(function, ("http", "fetch"))
        self._script: Script | None = tap.scripts.find(f"{self._door}.{self._verb}", request)

    def played(self) -> dict[str, Any] | None:
        """The reply that a cassette holds, unless a script or the door itself answers. Raises: what it holds."""
        cassette = self._tap.cassette
        if self._script is not None or cassette is None or not cassette.playing:
            return None
        outcome = cassette.play(self._plugin, self._function, self._request)
        if self._function in LIVE:
            return None
        if "raised" in outcome:
            self._note({"error": outcome["raised"]})
            raise error_of(outcome["raised"])
        self._note(outcome["reply"])
        return dict(outcome["reply"])

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Around the door itself. Swallows that a scripted request reached the service; notes what it raises."""
        try:
            with stopping(self._script is not None):
                yield
        except ReachedServiceError:
            return
        except OmniError as error:
            if self._recorder is not None:
                self._recorder.record(self._plugin, self._function, self._request, raised=error.to_json())
            self._note({"error": error.to_json()})
            raise

    def settle(self, reply: Any) -> dict[str, Any]:
        """The reply to the guest: the door's, or the script's where the door did not refuse."""
        if self._script is not None and (reply is None or "error" not in reply):
            reply = self._script.answer(self._request)
        elif self._recorder is not None:
            outcome = {} if self._function in LIVE else {"reply": reply}
            self._recorder.record(self._plugin, self._function, self._request, **outcome)
        self._note(reply)
        return dict(reply)

    @property
    def _recorder(self) -> Cassette | None:
        cassette = self._tap.cassette
        return None if cassette is None or cassette.playing or self._script is not None else cassette

    def _note(self, reply: Mapping[str, Any]) -> None:
        note = AskedCall(self._plugin, self._door, self._verb, self._function, self._request, reply)
        self._tap.scripts.calls.append(note)


def _read(call: DoorCall, handle: int) -> Any:
    """The JSON in a block; None for what is none, which the door itself then refuses."""
    try:
        return json.loads(call.read(handle))
    except (GuestFailed, ValueError, RecursionError):
        return None


def _write(call: DoorCall, reply: Mapping[str, Any]) -> int:
    return call.write(json.dumps(reply, ensure_ascii=False, separators=(",", ":")).encode())


def _shown_request(request: HttpRequest) -> dict[str, Any]:
    shown = {"url": request.url, "method": request.method, "headers": dict(request.headers)}
    return {**shown, "body": to_value(request.body)} if request.body else shown


def _shown_response(response: HttpResponse) -> dict[str, Any]:
    return {"status": response.status, "headers": dict(response.headers), "body": to_value(response.body)}


def _response(reply: Mapping[str, Any]) -> HttpResponse:
    if "error" in reply:
        raise error_of(reply["error"])
    body = reply.get("body", "")
    data = body.encode() if isinstance(body, str) else base64.b64decode(body["base64"])
    return HttpResponse(reply["status"], reply.get("headers", {}), data)
