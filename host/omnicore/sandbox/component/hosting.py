"""Host functions of components as C callbacks: values in, a value out, nothing raised.

What a host function raises, KeyboardInterrupt too, is kept in the cell and ends the guest, so that the caller
gets it as itself.
"""

from __future__ import annotations

import asyncio
import concurrent.futures
import inspect
import json
import time
from collections.abc import Callable
from typing import Any

from omnicore.errors import EngineFailed, LimitExceeded, PermissionDenied
from omnicore.sandbox.abi import MIB, HostFunction
from omnicore.sandbox.background import background_loop
from omnicore.sandbox.capi.callbacks import Callback, component_function, resource_destructor
from omnicore.sandbox.capi.components import borrowed, free_handle, handle
from omnicore.sandbox.capi.memory import copy_bytes
from omnicore.sandbox.capi.value_layout import VALUE_BYTES
from omnicore.sandbox.capi.value_reading import Decoder, Meter, TooLargeError, decoder
from omnicore.sandbox.capi.value_writing import Arena, encoder, hand_over
from omnicore.sandbox.component.cell import CELLS, REQUEST, Cell
from omnicore.sandbox.component.doors import DoorFunction
from omnicore.sandbox.component.wasi import WasiFunction
from omnicore.sandbox.extism.interrupt import guarded
from omnicore.sandbox.wit_types import Signature, WitType

__all__ = ["DESTROY", "door_callback", "refusal_callback", "resource_kind", "wasi_callback"]

_REQUEST_BYTES = 4 * MIB  # the largest that a door reads by itself
_LOOK_S = 0.02  # how often a waiting call looks whether it was cancelled
_KINDS = (
    *("pollable", "input-stream", "output-stream", "error", "network", "terminal-input", "terminal-output"),
    *("descriptor", "directory-entry-stream", "tcp-socket", "udp-socket", "incoming-datagram-stream"),
    *("outgoing-datagram-stream", "resolve-address-stream"),
)
_Body = Callable[[Cell, list[Any]], Any]


def resource_kind(name: str) -> int:
    """The number of a resource's type; all that nobody ever gets share one."""
    return _KINDS.index(name) + 1 if name in _KINDS else 0


def door_callback(door: DoorFunction, behind: HostFunction | None) -> Callback:
    """The callback of a door's function; `behind` is the host function that core modules import for it."""
    name = door.name

    def call(cell: Cell, values: list[Any]) -> Any:
        cell.spend_call()
        if behind is None:
            return {"err": _unavailable(door.function)}
        cell.request, cell.answer = door.request(values).encode(), b""
        if _awaited(behind):
            _wait(cell, behind.run)
        else:
            behind.run(cell, REQUEST)
        reply = json.loads(cell.answer)
        cell.request = cell.answer = b""
        return door.reply(reply)

    return component_function(_callback(name, door.signature, call))


def wasi_callback(name: str, function: WasiFunction) -> Callback:
    """The callback of a WASI function, which is given the host's objects for handles."""
    lent = [_taker(kind) for _, kind in function.signature.params]
    given = function.signature.result
    run = function.run

    def call(cell: Cell, values: list[Any]) -> Any:
        taken = [take(cell, value) for take, value in zip(lent, values, strict=True)]
        return run(cell, *taken)

    if given is None or given.kind != "own":
        return component_function(_callback(name, function.signature, call))
    assert given.items[0] is not None  # noqa: S101  handles are to something
    kind = resource_kind(given.items[0].names[0])

    def give(cell: Cell, values: list[Any]) -> int:
        return handle(cell.context, cell.keep(call(cell, values)), kind)

    return component_function(_callback(name, function.signature, give, release=free_handle))


def refusal_callback(interface: str, name: str) -> Callback:
    """The callback of a function that plugins are not given: it ends the call."""

    @guarded
    def callback(_environment: int, context: int, *_rest: int) -> int | None:
        cell = CELLS[context]
        try:
            raise PermissionDenied(
                f"the component called {name} of {interface}, which plugins are not given",
                remedy="use a door of omnicore:plugin for it",
                capability="wasi",
                resource=f"{interface}.{name}",
            )
        except BaseException as error:  # an interrupt may come in its place
            return cell.fail(error)

    return component_function(callback)


def _callback(
    name: str, signature: Signature, call: _Body, *, release: Callable[[Any], None] | None = None
) -> Callable[..., int | None]:
    """The callback; `release` is given what `call` answered once the engine has a copy of it."""
    decoders = [decoder(kind) for _, kind in signature.params]
    encode = encoder(signature.result) if signature.result is not None else None

    @guarded
    def callback(
        _env: int, context: int, _type: int, arguments: int, count: int, results: int, given: int
    ) -> int | None:
        cell = CELLS[context]
        try:
            if count != len(decoders) or given != (encode is not None):
                raise EngineFailed(f"{name} was called with {count} values, its type has {len(decoders)}")
            answer = call(cell, _values(name, cell, decoders, arguments))
            if encode is not None:
                arena = Arena()
                hand_over(encode(answer, arena), arena, results)
            if release is not None:
                release(answer)
        except BaseException as error:
            return cell.fail(error)
        return None

    return callback


def _values(name: str, cell: Cell, decoders: list[Decoder], arguments: int) -> list[Any]:
    buffer = copy_bytes(arguments, VALUE_BYTES * len(decoders)) if decoders else b""
    meter = Meter(_most(cell))
    try:
        return [decode(buffer, VALUE_BYTES * index, meter) for index, decode in enumerate(decoders)]
    except TooLargeError as error:
        raise _too_large(name, error) from error


def _most(cell: Cell) -> int:
    """How many bytes one host call may bring: the largest request that a door reads, and as much again, for base64
    and escapes are longer."""
    return 2 * max(cell.limits.http_request_bytes, _REQUEST_BYTES)


def _too_large(name: str, error: TooLargeError) -> LimitExceeded:
    return LimitExceeded(
        f"the component passed more than {error.allowed} bytes to {name}",
        remedy="pass less at once",
        limit="http_request_bytes",
        allowed=error.allowed,
    )


def _taker(kind: WitType) -> Callable[[Cell, Any], Any]:
    if kind.kind == "borrow":
        assert kind.items[0] is not None  # noqa: S101  handles are to something
        number = resource_kind(kind.items[0].names[0])
        return lambda cell, value: cell.resources[borrowed(cell.context, value, number)]
    if kind.kind == "list" and kind.handles:
        assert kind.items[0] is not None  # noqa: S101  lists always hold something
        take = _taker(kind.items[0])
        return lambda cell, value: [take(cell, one) for one in value]
    return lambda cell, value: value


def _awaited(function: HostFunction) -> bool:
    return inspect.iscoroutinefunction(function.run)


def _wait(cell: Cell, run: Callable[..., Any]) -> None:
    """Runs a coroutine function on the loop in the background, until the call's deadline or its cancellation."""
    future = asyncio.run_coroutine_threadsafe(run(cell, REQUEST), background_loop())
    try:
        while True:
            left = cell.deadline - time.monotonic()
            try:
                future.result(timeout=max(0.0, min(_LOOK_S, left)))
                return
            except concurrent.futures.TimeoutError:
                if future.done():
                    future.result()
                    return
            cell.check()
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
    cell = CELLS.get(context)
    if cell is not None:
        cell.resources.pop(number, None)
    return None


DESTROY: Callback = resource_destructor(_destroy)
