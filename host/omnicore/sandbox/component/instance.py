"""Templates of components, their instances, exported functions and calls."""

from __future__ import annotations

import asyncio
import base64
import functools
import json
import os
import re
import sys
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, NoReturn

from omnicore.errors import (
    CallerError,
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    FuelExhausted,
    GuestFailed,
    GuestTrapped,
    InvalidInput,
    LimitExceeded,
    LinkFailed,
    MemoryExceeded,
    NotFound,
    OmniError,
    Unavailable,
)
from omnicore.sandbox.abi import Doors, Limits, Usage
from omnicore.sandbox.budget import BUDGET
from omnicore.sandbox.call import busy, overtime, too_long, too_nested
from omnicore.sandbox.capi.code import (
    FUNCTION_WORDS,
    STACK_BYTES,
    CompiledComponent,
    ComponentLinker,
    ExportIndex,
    RawEngine,
)
from omnicore.sandbox.capi.library import (
    PENDING,
    Buffer,
    EngineFault,
    copy_bytes,
    deliver,
    install,
    lib,
    shielded,
    take_error,
)
from omnicore.sandbox.capi.values import VALUE_BYTES, Arena, CopyMeter, TooLargeError, UnfitValueError, decoder, encoder
from omnicore.sandbox.component.call import AT_EPOCH, CALLS, ComponentCall, WasiExitError
from omnicore.sandbox.extism.store import TICKER, generation
from omnicore.sandbox.wit import WitFunction, input_way, output_way
from omnicore.texts import too_deep

_DEPTH = 128
_TEXT = 8_192  # characters of an error: it goes into logs and answers


class ComponentFunction:
    """One export of a component, with the codecs of its types."""

    __slots__ = ("_decode", "_encoders", "_fallible", "_in", "_name", "_names", "_out", "index", "params", "results")

    def __init__(self, function: WitFunction, index: ExportIndex) -> None:
        signature = function.signature
        self.index = index
        self.params = len(signature.params)
        self.results = int(signature.result is not None)
        self._name = function.name
        self._names = [name.replace("-", "_") for name, _ in signature.params]
        self._encoders = [encoder(kind) for _, kind in signature.params]
        self._decode = None if signature.result is None else decoder(signature.result)
        self._fallible = signature.result is not None and signature.result.kind == "result"
        self._in, self._out = input_way(signature), output_way(signature)

    def arguments(self, data: bytes, arena: Arena) -> int:
        """The address of the arguments that an input makes. Raises: InvalidInput."""
        if self._in == "nothing":
            if data not in (b"", b"null"):
                self._refuse("it takes none")
            return 0
        values = self._values(data)
        try:
            written = [encode(value, arena) for encode, value in zip(self._encoders, values, strict=True)]
        except UnfitValueError as error:
            self._refuse(str(error), error)
        return arena.place(b"".join(written))

    def output(self, address: int, most: int) -> bytes:
        """The bytes of a result that stands at an address.

        Raises:
            LimitExceeded: it has more than `most` bytes.
            GuestFailed: the function returned an error, or a number that JSON does not have.
        """
        if self._decode is None:
            return b""
        try:
            value = self._decode(copy_bytes(address, VALUE_BYTES), 0, CopyMeter(2 * most))
        except TooLargeError as error:
            raise _too_much(most) from error
        if self._fallible:
            if "err" in value:
                raise GuestFailed(_told(value["err"]))
            value = value["ok"]
        output = self._bytes(value)
        if len(output) > most:
            raise _too_much(most)
        return output

    def _bytes(self, value: Any) -> bytes:
        if self._out == "nothing":
            return b""
        if self._out == "text":
            return str(value).encode()
        return bytes(value) if self._out == "bytes" else _to_json(value).encode()

    def _values(self, data: bytes) -> list[Any]:
        if self._in == "bytes":
            return [data]
        try:
            text = data.decode()
            if self._in == "text":
                return [text]
            if too_deep(data, _DEPTH):
                self._refuse(f"it is nested deeper than {_DEPTH}")
            value = json.loads(text, parse_constant=_no_constant)
        except UnicodeDecodeError as error:
            self._refuse("it is not UTF-8", error)
        except (ValueError, RecursionError) as error:
            self._refuse(f"it is not JSON: {error}", error)
        return [value] if self.params == 1 else self._named(value)

    def _named(self, value: Any) -> list[Any]:
        if not isinstance(value, dict) or value.keys() - set(self._names):
            self._refuse(f"it must be an object of {', '.join(self._names)}")
        return [value.get(name) for name in self._names]

    def _refuse(self, problem: str, cause: Exception | None = None) -> NoReturn:
        raise InvalidInput(
            f"the input of {self._name} is not valid: {problem}", remedy="see `omnicore plugins show`"
        ) from cause


def _no_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a JSON number")


def _told(error: Any) -> str:
    if error is None:
        return "the function returned an error without a text"
    text = error if isinstance(error, str) else _to_json(error)
    return text[:_TEXT] or "the function returned an empty error"


def _to_json(value: Any) -> str:
    try:
        return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), default=_blob)
    except ValueError as error:
        raise GuestFailed(
            "the result holds a number that JSON does not have", remedy="return finite numbers"
        ) from error


def _blob(value: Any) -> Any:
    """Bytes inside a JSON value: text when they are UTF-8, else base64."""
    data = bytes(value)
    try:
        return data.decode()
    except UnicodeDecodeError:
        return {"base64": base64.b64encode(data).decode()}


def _too_much(most: int) -> LimitExceeded:
    return LimitExceeded(
        f"the output has more than {most} bytes",
        remedy="return less, or raise limits.output_bytes",
        limit="output_bytes",
        allowed=most,
    )


@dataclass(frozen=True, slots=True)
class LinkedComponent:
    """A compiled and linked component, shared by all its instances.

    The engine's limiter knows single memories and tables, and how many there are. Each memory gets its share of the
    limit, so that together they cannot pass it; nearly all components have one. A table gets its share too, or what
    the largest one starts with where that is more.
    """

    engine: RawEngine
    component: CompiledComponent
    linker: ComponentLinker
    entries: Mapping[str, ComponentFunction]
    limits: Limits
    doors: Doors
    most_memories: int
    most_tables: int
    memory_share: int
    table_share: int
    generation: int


RESERVE: Final = 10_000  # instructions: the engine looks at the tank at loops and function entries only
_INSTANCES = 256
_STORES: dict[int, ComponentStore] = {}


class ComponentStore:
    """One store, the call that runs in it, and the place of its instance.

    Used by one thread at a time. Owns: the store; `close` frees it.
    """

    __slots__ = ("broken", "call", "charged", "context", "instance", "parts", "pointer")

    def __init__(self, parts: LinkedComponent) -> None:
        self.parts = parts
        self.broken = False
        self.charged = 0
        self.instance = Buffer(2)
        self.pointer: int = lib.wasmtime_store_new(parts.engine.pointer, None, None)
        self.context: int = lib.wasmtime_store_context(self.pointer)
        self.call = CALLS[self.context] = ComponentCall(parts.limits, parts.doors, self.context)
        _STORES[self.context] = self
        share = parts.memory_share
        lib.wasmtime_store_limiter(
            self.pointer, share, parts.table_share, _INSTANCES, parts.most_tables, parts.most_memories
        )
        lib.wasmtime_store_epoch_deadline_callback(self.pointer, AT_EPOCH[1], self.context, None)

    def admit(self) -> None:
        """Has the budget hold what the component may grow to, until the store is closed, because its memories
        cannot be measured. Fills the tank. Blocks.

        Raises: Unavailable: there is no memory for it. Conflict: the sandbox is gone.
        """
        if self.broken:
            raise Conflict("the sandbox is closed or its call was cut", remedy="make a new instance")
        limits = self.parts.limits
        if not self.charged:
            BUDGET.admit(self, limits.memory_bytes, whole=True)
            if self.broken:  # closed while it waited: nobody would give the memory back
                BUDGET.charge(self, 0)
                raise Conflict("the sandbox was closed while its call waited", remedy="make a new instance")
        if limits.fuel is not None:
            lib.wasmtime_context_set_fuel(self.context, limits.fuel + RESERVE)

    def fuel_used(self) -> int | None:
        """Instructions of the last call; None without a limit."""
        fuel = self.parts.limits.fuel
        if fuel is None:
            return None
        left = Buffer(1)
        lib.wasmtime_context_get_fuel(self.context, left.address)
        return fuel + RESERVE - left.words[0]

    def orphan(self) -> None:
        """Gives the store up in a forked child: it belongs to the parent and is never touched."""
        self.broken = True
        self.charged = 0  # the child's budget begins with none

    def close(self) -> bool:
        """Frees the store; False when that was done before."""
        if _STORES.get(self.context) is not self:
            return False
        del _STORES[self.context], CALLS[self.context]
        self.broken = True
        if self.parts.engine.ours:
            lib.wasmtime_store_delete(self.pointer)
        self.call.resources.clear()
        BUDGET.charge(self, 0)
        return True


def _orphan_stores() -> None:
    for store in _STORES.values():
        store.orphan()


os.register_at_fork(after_in_child=_orphan_stores)


_SAID = 4_096  # bytes of standard error that go into an error
_NUMBER = re.compile(r"^\d+: ")
# What the engine writes of a trap, which has no code in an error. The names are those of `capi.faults.TrapCode`.
_TRAPS = {
    "`unreachable` instruction": "unreachable-code-reached",
    "out of bounds memory access": "memory-out-of-bounds",
    "undefined element": "table-out-of-bounds",
    "uninitialized element": "indirect-call-to-null",
    "indirect call type mismatch": "bad-signature",
    "integer overflow": "integer-overflow",
    "integer divide by zero": "integer-division-by-zero",
    "invalid conversion to integer": "bad-conversion-to-integer",
}


def _conclude(store: ComponentStore, error: int) -> NoReturn:
    """Raises the error of a call: first one from outside or from a host function, then the trap."""
    fault = take_error(error)
    raised = store.call.take_error()
    if isinstance(raised, WasiExitError):
        raise GuestFailed(f"the guest exited with code {raised.code} instead of returning", exit_code=raised.code)
    if raised is not None:
        if fault.backtrace:
            raised.add_note("in the guest: " + " < ".join(fault.backtrace))
        raise raised
    raise _explained(store, fault)


def _explained(store: ComponentStore, fault: EngineFault) -> OmniError:
    text = fault.message
    lines = text.strip().splitlines() or ["no reason given"]
    last = _NUMBER.sub("", lines[-1].strip())[:1_000].removeprefix("wasm trap: ")
    for sign, explain in _SIGNS:
        if sign in text:
            return explain(store, last, fault)
    return _trapped(store, last, fault)


def _cut(store: ComponentStore, text: str, fault: EngineFault) -> OmniError:
    return DeadlineExceeded("timeout: the call was cut", limit="timeout_s")


def _too_deep(store: ComponentStore, text: str, fault: EngineFault) -> OmniError:
    return GuestTrapped(
        f"wasm trap: call stack exhausted ({STACK_BYTES} bytes)",
        remedy="recurse less deeply",
        trap="stack-overflow",
        backtrace=fault.backtrace,
    )


def _too_many_values(store: ComponentStore, text: str, fault: EngineFault) -> OmniError:
    return LimitExceeded(
        "the component passed more values at once than the engine copies",
        remedy="pass text or fewer values; lists of single bytes cost most",
        limit="values",
    )


def _unlinked(store: ComponentStore, text: str, fault: EngineFault) -> OmniError:
    return LinkFailed(f"the component cannot be linked: {fault.message[:500]}", remedy="rebuild it")


def _trapped(store: ComponentStore, text: str, fault: EngineFault) -> GuestTrapped:
    """The error of a trap, with the guest's standard error: runtimes write panics there and then trap."""
    name = next((name for sign, name in _TRAPS.items() if sign in text), "error")
    said = store.call.printed.error.data[-_SAID:].decode(errors="replace").strip()
    return GuestTrapped(
        f"wasm trap: {name}: {said or text}",
        remedy="the plugin has a bug, or it is out of memory and limits.memory_bytes must be raised",
        trap=name,
        backtrace=fault.backtrace,
    )


def _over(store: ComponentStore, text: str, fault: EngineFault) -> OmniError:
    limits = store.parts.limits
    if "memory" in text or "memories" in text:
        remedy, most = "raise limits.memory_bytes", limits.memory_bytes
        return MemoryExceeded(f"oom: {text}", remedy=remedy, limit="memory_bytes", allowed=most)
    if "table" in text:
        remedy, most = "raise limits.table_elements", limits.table_elements
        return LimitExceeded(text, remedy=remedy, limit="table_elements", allowed=most)
    return LimitExceeded(text, remedy="build it with fewer instances", limit="instances")


def _out_of_fuel(store: ComponentStore) -> FuelExhausted:
    """The error of a call that used too many instructions."""
    return FuelExhausted(
        "plugin ran out of fuel: all fuel consumed",
        remedy="do less in one call, or raise limits.fuel",
        limit="fuel",
        allowed=store.parts.limits.fuel,
    )


_Explain = Callable[["ComponentStore", str, EngineFault], OmniError]
# The engine gives components' failures as text alone.
_SIGNS: tuple[tuple[str, _Explain], ...] = (
    ("all fuel consumed", lambda store, text, fault: _out_of_fuel(store)),
    ("wasm trap: interrupt", _cut),
    ("call stack exhausted", _too_deep),
    ("resource limit exceeded", _over),
    ("exceeds memory limits", _over),
    ("minimum size", _over),
    ("too much data is being copied", _too_many_values),
    ("component imports", _unlinked),
    ("type mismatch", _unlinked),
)


_VALUE_WORDS = 4
_MOST_PER_BYTE = 64  # what values may take for each byte of the longest input; a list of bytes takes 32
_MOST_NESTED = 8  # each guest may use 512 KiB of its thread's 8 MiB of stack
_ROOM = 60  # frames of Python that a callback and what it calls to fail need, generously


class ComponentInstance:
    """See `omnicore.sandbox.engine.Instance`. The component is instantiated in the first call, under its deadline.

    Owns: its store, which is freed on `close`, or when the instance is garbage-collected.
    """

    __slots__ = ("_free", "_functions", "_made", "_store", "_template", "healthy", "kept_bytes")

    def __init__(self, template: ComponentTemplate, store: ComponentStore) -> None:
        self._template = template
        self._store = store
        self._made = False
        self._functions: dict[str, Buffer] = {}
        # Whoever takes the one token has the instance; taking it is atomic.
        self._free = [None]
        self.healthy = True
        self.kept_bytes = store.parts.limits.memory_bytes  # the part in use is unknown

    @shielded
    def call(self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None) -> bytes:
        """Runs an export on this thread; see `omnicore.sandbox.engine.Instance.call`."""
        _check_room()
        self._take()
        store, call = self._store, self._store.call
        try:
            limits = store.parts.limits
            store.admit()
            call.begin(limits.timeout_s if timeout_s is None else timeout_s, host_context)
            entry = self._entry(export)
            if len(data) > limits.input_bytes:
                raise too_long(data, limits.input_bytes)
            arena = Arena(_MOST_PER_BYTE * limits.input_bytes)
            arguments = entry.arguments(data, arena)
            TICKER.running.add(call)
            if TICKER.idle:
                TICKER.wake()
            try:
                return self._run(store, export, entry, arguments)
            finally:
                TICKER.running.discard(call)
                call.log_printed()
        except BaseException as error:
            cut = call.error is not None or store.broken
            self.healthy = self.healthy and not cut and isinstance(error, CallerError | GuestFailed)
            raise
        finally:
            self._free.append(None)
            if PENDING:
                deliver()

    def _run(self, store: ComponentStore, export: str, entry: ComponentFunction, arguments: int) -> bytes:
        function = self._functions.get(export) or self._enter(store, export, entry)
        results = Buffer(_VALUE_WORDS)
        error = lib.wasmtime_component_func_call(
            function.address, store.context, arguments, entry.params, results.address, entry.results
        )
        if error:
            self.healthy = False
            _conclude(store, error)
        try:
            # A host function may have outlasted the deadline: the engine looks only while guests run.
            if store.call.seconds_left() <= 0:
                raise overtime()
            limits = store.parts.limits
            if limits.fuel is not None and (store.fuel_used() or 0) > limits.fuel:
                raise _out_of_fuel(store)
            return entry.output(results.address, limits.output_bytes)
        finally:
            if entry.results:
                lib.wasmtime_component_val_delete(results.address)

    def _enter(self, store: ComponentStore, export: str, entry: ComponentFunction) -> Buffer:
        parts = store.parts
        if not self._made:
            error = lib.wasmtime_component_linker_instantiate(
                parts.linker.pointer, store.context, parts.component.pointer, store.instance.address
            )
            if error:
                self.healthy = False
                _conclude(store, error)
            self._made = True
        function = Buffer(FUNCTION_WORDS)
        if not lib.wasmtime_component_instance_get_func(
            store.instance.address, store.context, entry.index.pointer, function.address
        ):
            raise NotFound(f"the component has no function {export[:200]!r}")
        self._functions[export] = function
        return function

    def _entry(self, export: str) -> ComponentFunction:
        entry = self._store.parts.entries.get(export)
        if entry is None:
            known = ", ".join(list(self._store.parts.entries)[:20]) or "no function"
            raise NotFound(f"Function not found: {export[:200]}", remedy=f"the plugin exports {known}")
        return entry

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """The same for an event loop, on one of its worker threads. Cancelling ends the call."""
        work = functools.partial(self.call, export, data, timeout_s=timeout_s, host_context=host_context)
        task = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            while not task.done():  # a cancel that comes just before the call begins is forgotten by it
                self.cancel()
                await asyncio.wait((task,), timeout=0.02)
            if not task.cancelled():
                task.exception()
            raise

    def cancel(self) -> None:
        """Ends the running call; see `omnicore.sandbox.engine.Instance.cancel`."""
        if not self._free:
            self._store.call.cancel()

    def usage(self) -> Usage:
        """Resources that the last call used; the engine does not report the memory of a component, so that is 0.

        Raises: InstanceBusy: it is in a call.
        """
        self._take()
        try:
            store = self._store
            return Usage(
                fuel=None if store.broken else store.fuel_used(),
                host_calls=store.parts.limits.host_calls - max(0, store.call.calls_left),
                http_requests=store.call.budget.requests,
                doors=tuple(store.call.budget.asked),
            )
        finally:
            self._free.append(None)

    @shielded
    def close(self) -> None:
        """Frees the sandbox; a second time does nothing. Raises: InstanceBusy: it is in a call."""
        self._take()
        try:
            self._functions.clear()
            self._template.take_back(self._store)
        finally:
            self._free.append(None)
            if PENDING:
                deliver()

    @shielded
    def __del__(self) -> None:
        if self._free and not sys.is_finalizing():
            self._template.take_back(self._store)

    def _take(self) -> None:
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None


def _check_room() -> None:
    """Refuses a call for which the stacks have no room: an error at the first bytecode of a callback would be lost."""
    try:
        sys._getframe(max(1, sys.getrecursionlimit() - _ROOM))
    except ValueError:  # the stack is not that deep
        pass
    else:
        raise RecursionError("too few frames are left to call a guest")
    if len(TICKER.running) >= _MOST_NESTED:
        _check_nesting()


def _check_nesting() -> None:
    depth, frame = 0, sys._getframe(1)
    while frame is not None:
        depth += frame.f_code is ComponentInstance.call.__code__
        frame = frame.f_back  # type: ignore[assignment]
    if depth > _MOST_NESTED:
        raise too_nested(_MOST_NESTED)


class ComponentTemplate:
    """See `omnicore.sandbox.engine.Template`. Safe to use from several threads.

    Args:
        build: makes the parts again in a forked child, which must not use the parent's engine.
        room: a token for each sandbox that may still exist, of all templates of the engine.
    """

    def __init__(self, parts: LinkedComponent, build: Callable[[], LinkedComponent], room: deque[None]) -> None:
        self._parts = parts
        self._build = build
        self._room = room
        self._closed = False
        self.exports = tuple(parts.entries)

    @shielded
    def instance(self, *, on_loop: bool = False) -> ComponentInstance:
        """A new sandbox. Raises: CapacityReached, Unavailable: the template is closed."""
        if self._closed:
            raise Unavailable("the plugin version is closed", remedy="call the plugin's present version")
        install()
        try:
            if self._parts.generation != generation():
                self._parts = self._build()
            try:
                self._room.pop()
            except IndexError:
                raise CapacityReached(
                    "no room for another sandbox", remedy="let calls finish, or raise max_instances"
                ) from None
            try:
                return ComponentInstance(self, ComponentStore(self._parts))
            except BaseException:
                self._room.append(None)
                raise
        finally:
            if PENDING:
                deliver()

    def take_back(self, store: ComponentStore) -> None:
        """Frees a store whose instance is closed; a second time does nothing."""
        if store.close():
            self._room.append(None)

    def close(self) -> None:
        """Makes no more instances; existing ones stay usable until they are closed."""
        self._closed = True
