"""Calls, host functions and logs of the C library that the `extism` package ships."""

from __future__ import annotations

import asyncio
import base64
import concurrent.futures
import inspect
import json
import math
import queue
import re
import threading
import time
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, TypeVar, cast

from extism import extism
from extism.extism import _ffi as ffi
from extism.extism import _lib as lib

from omnicore.errors import GuestFailed, InvalidSetting, LimitExceeded, MemoryExceeded
from omnicore.sandbox.abi import LOG_LEVELS, Doors, HostCall, HostFunction, Limits, LogLevel, ValueType, WasiGrant
from omnicore.sandbox.call import CallBudget, background_loop, cancelled, overtime
from omnicore.sandbox.engine import Module

__all__ = [
    "CALLBACK",
    "LOGS",
    "NULL",
    "TURN",
    "Callbacks",
    "CallingPlugin",
    "Errands",
    "GuestLog",
    "ReferenceCall",
    "adapted",
    "enter",
    "ffi",
    "is_host_fn",
    "lib",
    "manifest",
    "message",
    "over",
    "version",
]


NULL: Final[Any] = ffi.NULL
CALLBACK: Final = "void(ExtismCurrentPlugin*, const ExtismVal*, ExtismSize, ExtismVal*, ExtismSize, void*)"

_PAGE_BYTES: Final = 65_536


def version() -> str:
    """The version of the library, not of the Python package."""
    return str(ffi.string(lib.extism_version()).decode())


def message(pointer: Any) -> str:
    """The text behind a `char*`."""
    return str(ffi.string(pointer).decode(errors="replace"))


def manifest(modules: Sequence[Module], limits: Limits, doors: Doors) -> bytes:
    """The Extism manifest of a plugin. No hosts are allowed: its own HTTP does not check redirects.

    Raises: InvalidSetting for a WASI grant that the library cannot keep to.
    """
    described: dict[str, Any] = {
        "wasm": [
            {"name": name, "data": base64.b64encode(wasm).decode()} if len(modules) > 1 else _only(wasm)
            for name, wasm in modules
        ],
        "memory": {
            "max_pages": limits.memory_bytes // _PAGE_BYTES,
            "max_var_bytes": limits.var_bytes,
            "max_http_response_bytes": limits.http_response_bytes,
        },
        "config": dict(doors.config),
    }
    if math.isfinite(limits.timeout_s):
        described["timeout_ms"] = max(1, round(limits.timeout_s * 1000))
    if doors.wasi is not None:
        described["allowed_paths"] = _allowed_paths(doors.wasi)
    return json.dumps(described).encode()


def _only(wasm: bytes) -> dict[str, str]:
    return {"data": base64.b64encode(wasm).decode()}


def _allowed_paths(grant: WasiGrant) -> dict[str, str]:
    if grant.arguments or grant.environment or grant.seed is not None or grant.frozen_clock_ns is not None:
        raise InvalidSetting(
            "the reference engine has no arguments, environment, frozen clock or seed for guests",
            remedy="take them out of the WASI grant, or use the engine `omnicore`",
        )
    return {host if writable else f"ro:{host}": guest for host, guest, writable in grant.preopens}


_LINE: Final = re.compile(rb'\S+\s+([A-Z]+) extism::pdk: (.*)\n? plugin="([0-9a-f-]{36})"\s*', re.DOTALL)


@dataclass(slots=True)
class GuestLog:
    """Lines of one instance that wait for the end of its call."""

    waiting: list[tuple[LogLevel, str]] = field(default_factory=list)

    def deliver(self, doors: Doors, limits: Limits) -> None:
        """Hands the lines to the door. Raises: LimitExceeded when they are too many, after the first ones."""
        lines, self.waiting = self.waiting, []
        if doors.log is None or doors.log_level is None:
            return
        lowest, lines_left, bytes_left = LOG_LEVELS.index(doors.log_level), limits.log_lines, limits.log_bytes
        for level, text in lines:
            if LOG_LEVELS.index(level) < lowest:
                continue
            lines_left, bytes_left = lines_left - 1, bytes_left - len(text.encode())
            if lines_left < 0 or bytes_left < 0:
                raise _too_much(limits, "log_lines" if lines_left < 0 else "log_bytes")
            doors.log(level, text)


class _Logs:
    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._started = False
        self._by_plugin: dict[bytes, GuestLog] = {}
        self._drained = ffi.callback("void(char*, ExtismSize)", self._take)

    def start(self) -> None:
        """Turns the library's logging on, once."""
        with self._lock:
            if not self._started:
                self._started = True
                lib.extism_log_custom(b"extism::pdk=trace")

    def register(self, plugin_id: bytes) -> GuestLog:
        """A place for the lines of a plugin."""
        log = GuestLog()
        with self._lock:
            self._by_plugin[plugin_id] = log
        return log

    def forget(self, plugin_id: bytes) -> None:
        """Ends it."""
        with self._lock:
            self._by_plugin.pop(plugin_id, None)

    def drain(self) -> None:
        """Sorts what the library has buffered into the places of all plugins."""
        with self._lock:
            lib.extism_log_drain(self._drained)

    def _take(self, pointer: Any, length: int) -> None:
        found = _LINE.fullmatch(bytes(ffi.buffer(pointer, length)))
        log = self._by_plugin.get(found[3]) if found else None
        if found and log is not None:
            level = found[1].decode().lower()
            log.waiting.append((cast("LogLevel", level), found[2].decode(errors="replace")))


LOGS: Final = _Logs()


def _too_much(limits: Limits, name: str) -> LimitExceeded:
    allowed = getattr(limits, name)
    return LimitExceeded(
        f"the guest logged more than limits.{name} = {allowed}",
        remedy=f"let it log less, or raise limits.{name}",
        limit=name,
        allowed=allowed,
    )


T = TypeVar("T")

_LOOK_S: Final = 0.02  # how often a waiting call looks whether it was cancelled

_Errand = tuple[Callable[[], Any], concurrent.futures.Future[Any]]


class Errands:
    """Does errands on the thread that made it, while that thread waits for a coroutine."""

    __slots__ = ("_lock", "_open", "_queue", "_thread")

    def __init__(self) -> None:
        self._thread = threading.get_ident()
        self._lock = threading.Lock()
        self._open = False
        self._queue: queue.SimpleQueue[_Errand | None] = queue.SimpleQueue()

    def run(self, work: Callable[[], T]) -> T:
        """Has `work` done on the guest's thread. Raises: GuestFailed when that does not wait any more."""
        if threading.get_ident() == self._thread:
            return work()
        future: concurrent.futures.Future[T] = concurrent.futures.Future()
        with self._lock:
            if not self._open:
                raise over()
            self._queue.put((work, future))
        return future.result()

    def wait(
        self,
        coroutine: Coroutine[Any, Any, T],
        loop: asyncio.AbstractEventLoop | None,
        *,
        deadline: float,
        interrupted: Callable[[], bool],
    ) -> T:
        """The outcome of a coroutine. Raises: DeadlineExceeded, CallCancelled, what the coroutine raises."""
        self._open = True
        future = asyncio.run_coroutine_threadsafe(coroutine, loop or background_loop())
        future.add_done_callback(lambda _: self._queue.put(None))
        try:
            while not future.done():
                self._serve(min(_LOOK_S, deadline - time.monotonic()))
                if interrupted():
                    raise cancelled()
                if time.monotonic() >= deadline:
                    raise overtime()
            return future.result()
        finally:
            future.cancel()
            self._close()

    def _serve(self, timeout_s: float) -> None:
        try:
            errand = self._queue.get(timeout=max(0.0, timeout_s))
        except queue.Empty:
            return
        if errand is not None:
            _settle(*errand)

    def _close(self) -> None:
        with self._lock:
            self._open = False
            while not self._queue.empty():
                errand = self._queue.get()
                if errand is not None:
                    errand[1].set_exception(over())


def over() -> GuestFailed:
    """A call object that was used after its host function."""
    return GuestFailed("the host function's call is over", remedy="use the call object only within it")


def _settle(work: Callable[[], Any], future: concurrent.futures.Future[Any]) -> None:
    try:
        future.set_result(work())
    except BaseException as error:
        future.set_exception(error)


class _Turn(threading.local):
    """The call that this thread is in: C calls host functions on the thread that called the guest."""

    call: ReferenceCall | None = None


class ReferenceCall:
    """One call of one instance; the `HostCall` of its host functions.

    `failure` is what a host function raised: the C API has no way to fail, so the guest goes on with zeros,
    no further host function runs, and the caller gets the exception when the guest has returned.
    """

    on_loop = False

    __slots__ = (
        "_budget",
        "_limits",
        "calls_left",
        "cancelled",
        "current",
        "deadline",
        "errands",
        "failure",
        "host_context",
        "loop",
    )

    def __init__(
        self,
        limits: Limits,
        *,
        timeout_s: float | None = None,
        host_context: Any = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._limits, self._budget = limits, CallBudget(limits)
        self.deadline = time.monotonic() + (limits.timeout_s if timeout_s is None else timeout_s)
        self.host_context = host_context
        self.loop = loop
        self.calls_left = limits.host_calls
        self.cancelled = False
        self.failure: BaseException | None = None
        self.current: Any = NULL
        self.errands = Errands()

    def interrupted(self) -> bool:
        """True when the call was cancelled."""
        return self.cancelled

    def count(self) -> None:
        """Takes one host call. Raises: LimitExceeded."""
        self.calls_left -= 1
        if self.calls_left < 0:
            raise LimitExceeded(
                f"the guest made more than {self._limits.host_calls} host calls",
                remedy="let it make fewer, or raise limits.host_calls",
                limit="host_calls",
                allowed=self._limits.host_calls,
            )

    def spend(self, name: str, most: int) -> None:
        """Counts a use of what a call may use `most` times. Raises: LimitExceeded."""
        self._budget.spend(name, most)

    def size(self, handle: int) -> int:
        """The length of a block, as far as the library knows it."""
        if handle == 0:
            return 0
        return self._at_home(lambda: int(lib.extism_current_plugin_memory_length(self.current, handle)))

    def read(self, handle: int) -> bytes:
        """The bytes of a block.

        The length stands in memory that the guest can write to. One over the memory limit is refused; a
        forged one below it is believed, as by every host on this library.
        """
        return self._at_home(lambda: self._read(handle))

    def _read(self, handle: int) -> bytes:
        if handle == 0:
            return b""
        length = lib.extism_current_plugin_memory_length(self.current, handle)
        if length == 0 or handle + length > self._limits.memory_bytes:
            raise GuestFailed(f"{handle} is not a live block", remedy="pass what `alloc` returned")
        memory = lib.extism_current_plugin_memory(self.current)
        return bytes(ffi.buffer(memory + handle, length))

    def write(self, data: bytes) -> int:
        """A new block that holds `data`."""
        return self._at_home(lambda: self._write(data))

    def _write(self, data: bytes) -> int:
        if not data:
            return 0
        handle = int(lib.extism_current_plugin_memory_alloc(self.current, len(data)))
        if handle == 0:
            raise MemoryExceeded(
                f"no room for {len(data)} bytes in the exchange memory",
                remedy="raise limits.memory_bytes",
                limit="memory_bytes",
                allowed=self._limits.memory_bytes,
            )
        ffi.memmove(lib.extism_current_plugin_memory(self.current) + handle, data, len(data))
        return handle

    def free(self, handle: int) -> None:
        """Gives a block back."""
        self._at_home(lambda: lib.extism_current_plugin_memory_free(self.current, handle))

    def _at_home(self, work: Callable[[], T]) -> T:
        if self.current == NULL:
            raise over()
        return self.errands.run(work)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The outcome of a coroutine host function."""
        return self.errands.wait(coroutine, self.loop, deadline=self.deadline, interrupted=self.interrupted)

    def load(self, address: int, length: int) -> bytes:
        """Always refuses: the library does not show the guest's own memory. Raises: GuestFailed."""
        raise _out_of_reach()

    def store(self, address: int, data: bytes) -> None:
        """Always refuses, as `load` does. Raises: GuestFailed."""
        raise _out_of_reach()


TURN = _Turn()


def enter(call: ReferenceCall) -> ReferenceCall | None:
    """Makes `call` this thread's; returns the one before it, for a guest called from a host function."""
    call.errands = Errands()
    before, TURN.call = TURN.call, call
    return before


def _out_of_reach() -> GuestFailed:
    return GuestFailed(
        "the reference engine cannot reach a guest's own memory",
        remedy="pass bytes as blocks, or use the engine `omnicore`",
    )


_TYPES: Final[dict[ValueType, int]] = {"i32": 0, "i64": 1, "f32": 2, "f64": 3}
_MASKS: Final[dict[ValueType, int]] = {"i32": 0xFFFFFFFF, "i64": 0xFFFFFFFFFFFFFFFF}


class Callbacks:
    """Doors as the library wants them.

    Owns: the callbacks, which must live as long as any plugin that was made with them, and the library's
    function objects, which are needed only until the plugin is compiled.
    """

    def __init__(self, functions: Sequence[HostFunction]) -> None:
        self._kept = [_callback(function) for function in functions]
        self._pointers = [_pointer(function, kept) for function, kept in zip(functions, self._kept, strict=True)]
        self.count = len(self._pointers)
        self.array = ffi.new("ExtismFunction*[]", self._pointers) if self._pointers else NULL

    def release(self) -> None:
        """Frees the function objects; the callbacks stay."""
        pointers, self._pointers = self._pointers, []
        self.array, self.count = NULL, 0
        for pointer in pointers:
            lib.extism_function_free(pointer)


def _pointer(function: HostFunction, callback: Any) -> Any:
    params = [_TYPES[kind] for kind in function.params]
    results = [_TYPES[kind] for kind in function.results]
    pointer = lib.extism_function_new(
        function.name.encode(), params, len(params), results, len(results), callback, NULL, NULL
    )
    lib.extism_function_set_namespace(pointer, function.namespace.encode())
    return pointer


def _callback(function: HostFunction) -> Any:
    awaited = function.may_wait or inspect.iscoroutinefunction(function.run)
    run = _awaited(function.run) if awaited else function.run

    def callback(current: Any, inputs: Any, _count: int, outputs: Any, _room: int, _data: Any) -> None:
        call = TURN.call
        values: Sequence[Any] = [0] * len(function.results)
        if call is not None and call.failure is None:
            call.current = current
            try:
                call.count()
                values = _values(function, run(call, *_arguments(function, inputs)))
            except BaseException as error:
                call.failure = error
            finally:
                call.current = NULL
        _return(function, outputs, values)

    return ffi.callback(CALLBACK, callback, onerror=_remember)


def _awaited(run: Callable[..., Any]) -> Callable[..., Any]:
    def wait(call: ReferenceCall, *arguments: Any) -> Any:
        found = run(call, *arguments)
        return call.wait(found) if asyncio.iscoroutine(found) else found

    return wait


def _remember(_kind: Any, error: BaseException, _trace: Any) -> None:
    """Keeps what was raised before or behind the callback's own `try`, such as KeyboardInterrupt."""
    call = TURN.call
    if call is not None and call.failure is None:
        call.failure = error


def _arguments(function: HostFunction, inputs: Any) -> list[Any]:
    return [
        getattr(inputs[index].v, kind) & _MASKS[kind] if kind in _MASKS else getattr(inputs[index].v, kind)
        for index, kind in enumerate(function.params)
    ]


def _values(function: HostFunction, result: Any) -> Sequence[Any]:
    values = result if isinstance(result, tuple) else (0 if result is None else result,)
    if not function.results:
        return ()
    if len(values) != len(function.results):
        raise TypeError(f"{function.name} returned {len(values)} values, its type has {len(function.results)}")
    return [_fitting(kind, value) for kind, value in zip(function.results, values, strict=True)]


def _fitting(kind: ValueType, value: Any) -> Any:
    """The value as C takes it. Raises: OverflowError, TypeError."""
    if kind not in _MASKS:
        return float(value)
    bits = 32 if kind == "i32" else 64
    if not -(1 << bits - 1) <= value <= _MASKS[kind]:
        raise OverflowError(f"{value} does not fit an {kind}")
    return value - (1 << bits) if value >> bits - 1 > 0 else value


def _return(function: HostFunction, outputs: Any, values: Sequence[Any]) -> None:
    for index, (kind, value) in enumerate(zip(function.results, values, strict=True)):
        outputs[index].t = _TYPES[kind]
        setattr(outputs[index].v, kind, value)


_NUMBERS: tuple[ValueType, ...] = ("i32", "i64", "f32", "f64")  # by the numbers that extism gives them
_USER = "extism:host/user"
_UNWRITTEN = 1 << 48  # handles of blocks that are allocated and not yet written; no real one is so large


def is_host_fn(function: Any) -> bool:
    """True for what `@extism.host_fn` makes."""
    return isinstance(function, extism.Function)


def adapted(function: Any) -> HostFunction:
    """The function for guests of this host. Raises: InvalidSetting: it takes what is no number."""
    found: Any = function
    if any(one >= len(_NUMBERS) for one in (*found.args, *found.returns)):
        raise InvalidSetting(f"{found.name} takes or returns a vector or a reference", remedy="use numbers and blocks")
    takes, returns = ([extism.ValType(one) for one in kinds] for kinds in (found.args, found.returns))
    given = tuple(ffi.from_handle(found.user_data))[:-1]  # without the number by which extism finds it

    def run(call: HostCall, *arguments: Any) -> Any:
        plugin = CallingPlugin(call)
        inputs = [extism.Val(kind, _signed(kind, one)) for kind, one in zip(takes, arguments, strict=True)]
        outputs = [extism.Val(kind, 0) for kind in returns]
        found(plugin, inputs, outputs, *given)
        values = tuple(plugin.settled(one.value) for one in outputs)
        return None if not values else values[0] if len(values) == 1 else values

    return HostFunction(
        found.namespace or _USER,
        found.name,
        tuple(_NUMBERS[one] for one in found.args),
        tuple(_NUMBERS[one] for one in found.returns),
        run,
    )


def _signed(kind: Any, value: Any) -> Any:
    bits = {extism.ValType.I32: 32, extism.ValType.I64: 64}.get(kind)
    return value - (1 << bits) if bits is not None and value >> (bits - 1) else value


class CallingPlugin:
    """The plugin that calls, with the methods of `extism.CurrentPlugin`."""

    def __init__(self, call: HostCall) -> None:
        self._call = call
        self._unwritten: list[bytearray] = []

    def host_context(self) -> Any:
        """The object that the caller of the plugin passed."""
        return self._call.host_context

    def alloc(self, size: int) -> Any:
        """A new block; its bytes reach the plugin when the function returns."""
        self._unwritten.append(bytearray(size))
        return extism.Memory(_UNWRITTEN + len(self._unwritten) - 1, size)

    def memory(self, memory: Any) -> Any:
        """The bytes of a block: those of a new one can be written."""
        if memory.offset >= _UNWRITTEN:
            return memoryview(self._unwritten[memory.offset - _UNWRITTEN])
        return memoryview(self._call.read(memory.offset))

    def memory_at_offset(self, offset: Any) -> Any:
        """The block at an offset, or of a value that holds one."""
        at = offset.value if isinstance(offset, extism.Val) else offset
        return extism.Memory(at, self._call.size(at))

    def free(self, memory: Any) -> None:
        """Frees a block."""
        if memory.offset < _UNWRITTEN:
            self._call.free(memory.offset)

    def input_buffer(self, value: Any) -> Any:
        """The bytes of a block that the plugin passed."""
        return self.memory(self.memory_at_offset(value))

    def input_bytes(self, value: Any) -> bytes:
        """The same, copied."""
        return self._call.read(value.value)

    def input_string(self, value: Any) -> str:
        """The same, as text."""
        return self.input_bytes(value).decode()

    def return_bytes(self, output: Any, data: bytes) -> None:
        """Has the function return a block."""
        output.value = self._call.write(data)

    def return_string(self, output: Any, text: str) -> None:
        """Has the function return a block with a text."""
        self.return_bytes(output, text.encode())

    def settled(self, value: Any) -> Any:
        """The value for the guest: the handle of a block that was allocated and is whole now."""
        if isinstance(value, int) and _UNWRITTEN <= value < _UNWRITTEN + len(self._unwritten):
            return self._call.write(bytes(self._unwritten[value - _UNWRITTEN]))
        return int(value) if isinstance(value, bool) else value
