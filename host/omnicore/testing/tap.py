"""Between guests and their doors: scripts answer, cassettes record and play, and everything asked is noted."""

from __future__ import annotations

import base64
import inspect
import json
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from hashlib import sha256
from typing import Any, cast

from omnicore.capabilities import clock
from omnicore.capabilities.capability import DoorCall, PluginScope
from omnicore.capabilities.doors import DOORS, NAMESPACE, open_doors
from omnicore.capabilities.request import to_value
from omnicore.capabilities.services import Services
from omnicore.errors import GuestFailed, OmniError
from omnicore.sandbox.abi import Doors, HostFunction, HttpRequest, HttpResponse, HttpSend, WasiGrant
from omnicore.testing.cassette import LIVE, Cassette
from omnicore.testing.chance import Chance
from omnicore.testing.gates import ReachedServiceError, gated, stopping
from omnicore.testing.notes import AskedCall
from omnicore.testing.scripts import Script, Scripts, error_of

__all__ = ["Tap"]

_VERBS = {f"{door.name}_{verb}_v1": (door.name, verb) for door in DOORS for verb in door.verbs}
_FETCH = "http_request"


class Tap:
    """What a test's host puts between its plugins and their doors.

    Args:
        calls: grows with every call of a door.
        deny: capabilities that stay closed although they are granted.
        clock_ns, seed: what guests see of time and chance; None leaves them the machine's.
    """

    def __init__(
        self,
        scripts: Scripts,
        calls: list[AskedCall],
        *,
        deny: frozenset[str] = frozenset(),
        cassette: Cassette | None = None,
        clock_ns: int | None = None,
        seed: bytes | None = None,
    ) -> None:
        self.scripts = scripts
        self.calls = calls
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
        closed = open_doors(replace(plugin, grants=(), wasi=wasi), cast(Services, self._services))
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
        serve = self._awaited if inspect.iscoroutinefunction(function.run) else self._served
        return replace(function, run=serve(plugin, function))

    def _served(self, plugin: str, function: HostFunction) -> Callable[[DoorCall, int], int]:
        def serve(call: DoorCall, handle: int) -> int:
            turn = _Turn(self, plugin, function.name, _read(call, handle))
            if (ready := turn.played()) is not None:
                return _write(call, ready)
            door = _Overheard(call)
            with turn.watched():
                function.run(door, handle)
            return _write(call, turn.settle(door.reply()))

        return serve

    def _awaited(self, plugin: str, function: HostFunction) -> Callable[[DoorCall, int], Awaitable[int]]:
        async def serve(call: DoorCall, handle: int) -> int:
            turn = _Turn(self, plugin, function.name, _read(call, handle))
            if (ready := turn.played()) is not None:
                return _write(call, ready)
            door = _Overheard(call)
            with turn.watched():
                await function.run(door, handle)
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
        """What the door said; None where a script is to answer."""
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
        """What the guest is told: the door's reply, or the script's where the door had nothing against it."""
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
        self._tap.calls.append(note)


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
