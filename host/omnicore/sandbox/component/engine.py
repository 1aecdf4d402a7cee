"""The engine for components: compile, check, link.

Each import is linked to a door, a WASI function or a refusal; a component with any other import is rejected. Host
functions are C callbacks that take values, return a value and never raise: an error, KeyboardInterrupt included, is
kept in the call and ends the guest, and the caller gets it unchanged.
"""

from __future__ import annotations

import asyncio
import functools
import json
import os
import threading
from collections import deque
from collections.abc import Callable, Coroutine, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from omnicore.errors import EngineFailed, GuestFailed, LimitExceeded, LinkFailed, PermissionDenied
from omnicore.sandbox.abi import MIB, Doors, HostFunction, Limits
from omnicore.sandbox.call import background_loop, result_of
from omnicore.sandbox.capi.code import ComponentLinker, Preset, RawEngine, borrowed, free_handle, handle, preset_for
from omnicore.sandbox.capi.library import (
    LIBRARY_VERSION,
    Callback,
    component_function,
    copy_bytes,
    guarded,
    resource_destructor,
)
from omnicore.sandbox.capi.values import (
    VALUE_BYTES,
    Arena,
    CopyMeter,
    Decoder,
    TooLargeError,
    UnfitValueError,
    decoder,
    encoder,
    hand_over,
)
from omnicore.sandbox.compiler import Compiler
from omnicore.sandbox.component.call import CALLS, REQUEST, ComponentCall
from omnicore.sandbox.component.instance import ComponentFunction, ComponentTemplate, LinkedComponent
from omnicore.sandbox.component.interfaces import (
    APPLICATION,
    DoorFunction,
    WasiFunction,
    application_signature,
    door_functions,
    refused_value,
    typed_function,
    wasi_functions,
)
from omnicore.sandbox.engine import Module
from omnicore.sandbox.extism.store import TICKER, generation
from omnicore.sandbox.inspect import WASI_PACKAGES, admit, inspect
from omnicore.sandbox.wasm import ComponentInfo
from omnicore.sandbox.wit import Signature, WitType

_REQUEST_BYTES = 4 * MIB  # the largest that a door reads by itself
_KINDS = (
    *("pollable", "input-stream", "output-stream", "error", "network", "terminal-input", "terminal-output"),
    *("descriptor", "directory-entry-stream", "tcp-socket", "udp-socket", "incoming-datagram-stream"),
    *("outgoing-datagram-stream", "resolve-address-stream"),
)
_Body = Callable[[ComponentCall, list[Any]], Any]


def resource_kind(name: str) -> int:
    """The number of a resource's type; types that no guest ever gets share one."""
    return _KINDS.index(name) + 1 if name in _KINDS else 0


def door_callback(door: DoorFunction, behind: HostFunction | None) -> Callback:
    """The callback of a door's function; `behind` is the host function that core modules import for it."""
    name = door.name

    def body(call: ComponentCall, values: list[Any]) -> Any:
        call.spend_call()
        if behind is None:
            return {"err": _unavailable(door.function)}
        return door.reply(json.loads(_asked(call, behind, door.request(values))))

    return component_function(_callback(name, door.signature, body))


def application_callback(functions: Mapping[str, HostFunction]) -> Callback:
    """The callback of `call` of the interface `application`: it takes the name of one of these functions."""

    def body(call: ComponentCall, values: list[Any]) -> Any:
        call.spend_call()
        name, request = values
        behind = functions.get(name)
        if behind is None:
            return {"err": _unavailable(f"function {name[:100]!r} of an application")}
        reply = _asked(call, behind, request)
        return refused_value(json.loads(reply)) or {"ok": reply.decode()}

    return component_function(_callback("call", application_signature(), body))


def _asked(call: ComponentCall, behind: HostFunction, request: str) -> bytes:
    """The reply of a door to a request."""
    call.door.begin(request.encode())
    found = behind.run(call, REQUEST)
    if asyncio.iscoroutine(found):
        _wait(call, found)
    reply = call.door.reply
    call.door.begin(b"")
    return reply


def wasi_callback(name: str, function: WasiFunction) -> Callback:
    """The callback of a WASI function, which takes the host's objects in place of handles."""
    lent = [_taker(kind) for _, kind in function.signature.params]
    given = function.signature.result
    run = function.run

    def body(call: ComponentCall, values: list[Any]) -> Any:
        taken = [take(call, value) for take, value in zip(lent, values, strict=True)]
        return run(call, *taken)

    if given is None or given.kind != "own":
        return component_function(_callback(name, function.signature, body))
    assert given.items[0] is not None  # noqa: S101  handles are to something
    kind = resource_kind(given.items[0].names[0])

    def give(call: ComponentCall, values: list[Any]) -> int:
        return handle(call.context, call.resources.keep(body(call, values)), kind)

    return component_function(_callback(name, function.signature, give, release=free_handle))


def refusal_callback(interface: str, name: str) -> Callback:
    """The callback of a function that plugins may not call: it ends the call."""

    @guarded
    def callback(_environment: int, context: int, *_rest: int) -> int | None:
        call = CALLS[context]
        try:
            raise PermissionDenied(
                f"the component called {name} of {interface}, which plugins are not given",
                remedy="use a door of omnicore:plugin for it",
                capability="wasi",
                resource=f"{interface}.{name}",
            )
        except BaseException as error:  # an interrupt may come in its place
            return call.fail(error)

    return component_function(callback)


def _callback(
    name: str, signature: Signature, body: _Body, *, release: Callable[[Any], None] | None = None
) -> Callable[..., int | None]:
    """The callback; `release` is given what `body` returned once the engine has a copy of it."""
    decoders = [decoder(kind) for _, kind in signature.params]
    encode = encoder(signature.result) if signature.result is not None else None

    @guarded
    def callback(
        _env: int, context: int, _type: int, arguments: int, count: int, results: int, given: int
    ) -> int | None:
        call = CALLS[context]
        try:
            if count != len(decoders) or given != (encode is not None):
                raise EngineFailed(f"{name} was called with {count} values, its type has {len(decoders)}")
            answer = body(call, _values(name, call, decoders, arguments))
            if encode is not None:
                arena = Arena()
                hand_over(_fitting(name, encode, answer, arena), arena, results)
            if release is not None:
                release(answer)
        except BaseException as error:
            return call.fail(error)
        return None

    return callback


def _fitting(name: str, encode: Callable[[Any, Arena], bytes], answer: Any, arena: Arena) -> bytes:
    try:
        return encode(answer, arena)
    except UnfitValueError as error:
        raise GuestFailed(
            f"the answer of {name} does not fit the type with which the component imports it: {error}",
            remedy="build it with the kit that the application has now",
        ) from error


def _values(name: str, call: ComponentCall, decoders: list[Decoder], arguments: int) -> list[Any]:
    buffer = copy_bytes(arguments, VALUE_BYTES * len(decoders)) if decoders else b""
    meter = CopyMeter(_most(call))
    try:
        return [decode(buffer, VALUE_BYTES * index, meter) for index, decode in enumerate(decoders)]
    except TooLargeError as error:
        raise _too_large(name, error) from error


def _most(call: ComponentCall) -> int:
    """Bytes that one host call may pass: twice the largest request that a door reads, because base64 and escapes are
    longer."""
    return 2 * max(call.limits.http_request_bytes, _REQUEST_BYTES)


def _too_large(name: str, error: TooLargeError) -> LimitExceeded:
    return LimitExceeded(
        f"the component passed more than {error.allowed} bytes to {name}",
        remedy="pass less at once",
        limit="http_request_bytes",
        allowed=error.allowed,
    )


def _taker(kind: WitType) -> Callable[[ComponentCall, Any], Any]:
    if kind.kind == "borrow":
        assert kind.items[0] is not None  # noqa: S101  handles are to something
        number = resource_kind(kind.items[0].names[0])
        return lambda call, value: call.resources[borrowed(call.context, value, number)]
    if kind.kind == "list" and kind.handles:
        assert kind.items[0] is not None  # noqa: S101  lists always hold something
        take = _taker(kind.items[0])
        return lambda call, value: [take(call, one) for one in value]
    return lambda call, value: value


def _wait(call: ComponentCall, found: Coroutine[Any, Any, Any]) -> None:
    """Runs a coroutine on the loop in the background, until the call's deadline or its cancellation."""
    future = asyncio.run_coroutine_threadsafe(found, background_loop())
    try:
        result_of(future, call)
    finally:
        future.cancel()


def _unavailable(function: str) -> dict[str, Any]:
    return {
        **dict.fromkeys(("remedy", "capability", "resource", "limit")),
        "code": "unavailable",
        "message": f"this host has no {function}",
    }


@guarded
def _destroy(_environment: int, context: int, number: int) -> int | None:
    call = CALLS.get(context)
    if call is not None:
        call.resources.drop(number)
    return None


DESTROY: Callback = resource_destructor(_destroy)


_NAMESPACE = "extism:host/user"
_MOST_WEIGHT = 10_000


def link(engine: RawEngine, info: ComponentInfo, doors: Doors) -> ComponentLinker:
    """A linker with everything that the component imports.

    Raises: LinkFailed: an import without a provider, or of another type than ours.
    """
    linker = ComponentLinker(engine)
    behind = {
        one.name: one
        for one in doors.functions
        if one.namespace == _NAMESPACE and one.params == ("i64",) and one.results == ("i64",)
    }
    for interface, wanted in info.imports.items():
        functions = {name: one for name, one in wanted.items() if isinstance(one, Signature)}
        resources = {name: resource_kind(one.names[0]) for name, one in wanted.items() if isinstance(one, WitType)}
        if functions or resources:
            found = _provided(interface, functions, behind, doors)
            linker.define(interface, found, resources, DESTROY)
    return linker


def _provided(
    interface: str, wanted: Mapping[str, Signature], behind: Mapping[str, HostFunction], doors: Doors
) -> dict[str, Callback]:
    name, _, version = interface.partition("@")
    typed = {one: typed_function(name, one, signature) for one, signature in wanted.items()}
    if typed and all(typed.values()) and version.startswith("1."):
        own = {function: one for function, one in behind.items() if one.application}
        return {one: door_callback(door, own.get(door.function)) for one, door in typed.items() if door is not None}
    if name in door_functions() or name == APPLICATION:
        if not version.startswith("1."):
            raise _unknown(interface, f"this host has {name}@1.0.0")
        return {one: _door(interface, one, signature, behind) for one, signature in wanted.items()}
    if name.partition("/")[0] in WASI_PACKAGES and version.startswith("0.2."):
        if doors.wasi is None:
            raise _unknown(interface, "set wasi = true in the plugin's manifest")
        return {one: _wasi(interface, one, signature) for one, signature in wanted.items()}
    raise _unknown(interface, "import interfaces of omnicore:plugin and WASI 0.2 only")


def _door(interface: str, name: str, wanted: Signature, behind: Mapping[str, HostFunction]) -> Callback:
    home = interface.partition("@")[0]
    if (home, name) == (APPLICATION, "call"):
        _same(interface, name, wanted, application_signature())
        return application_callback({function: one for function, one in behind.items() if one.application})
    door = door_functions().get(home, {}).get(name)
    if door is None:
        raise _unknown(f"{interface}.{name}", "build the plugin against the WIT files of this host")
    _same(interface, name, wanted, door.signature)
    return door_callback(door, behind.get(door.function))


def _wasi(interface: str, name: str, wanted: Signature) -> Callback:
    found = wasi_functions(interface.partition("@")[0]).get(name)
    if found is None:
        return refusal_callback(interface, name)
    _same(interface, name, wanted, found.signature)
    return wasi_callback(name, found)


def _same(interface: str, name: str, wanted: Signature, ours: Signature) -> None:
    if wanted.weight > _MOST_WEIGHT or wanted != ours:
        raise LinkFailed(
            f"the component imports {interface}.{name} with another type than this host's",
            remedy="build it against the WIT files in specs/wit and WASI 0.2",
        )


def _unknown(what: str, remedy: str) -> LinkFailed:
    return LinkFailed(f"the component imports {what[:200]}, which this host does not provide", remedy=remedy)


class _Engines:
    """One engine for each preset, made when first needed."""

    def __init__(self) -> None:
        self.forget()

    def forget(self) -> None:
        """Starts again in a forked child, which must not use engines of the parent."""
        self._made: dict[Preset, RawEngine] = {}
        self._lock = threading.Lock()

    def get(self, preset: Preset) -> RawEngine:
        with self._lock:
            engine = self._made.get(preset)
            if engine is None:
                engine = self._made[preset] = RawEngine(preset)
                TICKER.engines.append(engine.pointer)
            return engine


_ENGINES = _Engines()
os.register_at_fork(after_in_child=_ENGINES.forget)


class ComponentEngine:
    """Runs components against the interfaces of `omnicore:plugin`.

    Args:
        cache: a folder of this user for compiled code; None compiles every time.
        instances: how many sandboxes may exist at once.
    """

    name = "component"
    version = LIBRARY_VERSION
    on_loop = False

    def __init__(self, cache: Path | None = None, *, instances: int = 1_000) -> None:
        self._compiler = Compiler(cache)
        self._room: deque[None] = deque([None] * instances)

    def load(self, modules: Sequence[Module], limits: Limits, doors: Doors) -> ComponentTemplate:
        """See `omnicore.sandbox.engine.Engine.load`."""
        if [name for name, _ in modules] != ["main"]:
            raise LinkFailed("a component stands alone", remedy="give it as the only module, named `main`")
        build = functools.partial(self._build, bytes(modules[0][1]), limits, doors)
        return ComponentTemplate(build(), build, self._room)

    def close(self) -> None:
        """See `omnicore.sandbox.engine.Engine.close`."""
        self._compiler.close()

    def _build(self, wasm: bytes, limits: Limits, doors: Doors) -> LinkedComponent:
        info = inspect(wasm)
        admit(info, limits)
        found = info.component
        if found is None:
            raise LinkFailed("the file is a core module", remedy="load it with the engine for core modules")
        preset = preset_for(fuel=limits.fuel is not None, instances=0)
        engine = _ENGINES.get(replace(preset, pooled=False, components=True))
        linker = link(engine, found, doors)  # before compiling: it costs less and refuses more
        component = self._compiler.compile_component(engine, wasm, info, limits)
        memories, tables = max(1, found.memories), max(1, found.tables)
        return LinkedComponent(
            engine=engine,
            component=component,
            linker=linker,
            entries={one.name: ComponentFunction(one, component.export_index(one.path)) for one in found.functions},
            limits=limits,
            doors=doors,
            most_memories=memories,
            most_tables=tables,
            memory_share=limits.memory_bytes // memories,
            table_share=max(found.largest_table, limits.table_elements // tables),
            generation=generation(),
        )
