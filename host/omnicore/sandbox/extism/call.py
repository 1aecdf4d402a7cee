"""The state of a call, the memory that it shares with guests, and host functions as C callbacks.

One callback serves every instance of a template; the environment passed to it identifies the store that runs.
An exception of a host function, KeyboardInterrupt and CancelledError included, is kept in the call and ends the guest
with a trap, so that the caller gets it unchanged.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import threading
import time
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass, field
from struct import Struct
from typing import Any, NoReturn

from omnicore.errors import Conflict, EngineFailed, GuestFailed, LimitExceeded, MemoryExceeded
from omnicore.sandbox.abi import LOG_LEVELS, Doors, HostFunction, Limits, LogLevel, Variables
from omnicore.sandbox.call import CallBudget, background_loop, cancelled, result_of, too_many_calls
from omnicore.sandbox.capi.code import RawEngine
from omnicore.sandbox.capi.library import (
    ALL_BITS,
    EXTERN_WORDS,
    FROM_WORD,
    FUNCTION_AT,
    LEAST_I64,
    Buffer,
    FunctionType,
    async_function,
    continuation,
    copy_bytes,
    decommit,
    finalizer,
    forwarding_callback,
    function_callback,
    guarded,
    lib,
    new_trap,
    shielded,
    store_continuation,
    store_word,
    take_error,
    to_words,
    view_at,
)
from omnicore.sandbox.wasi.session import WasiSession
from omnicore.sandbox.wasm import PAGE_BYTES

CALLS: dict[int, GuestCall] = {}
"""Calls by the number that C hands back to callbacks, the key of their store."""

CALLS_BY_CONTEXT: dict[int, GuestCall] = {}
"""Calls by the context of their store, for callbacks that are given no number."""

POLLING: set[Suspension] = set()
"""Those whose guests run on stacks of their own at this moment."""

_PARTING_S = 0.2  # how long a call that was cut waits for its coroutine to notice
_OFF = 0x7FFFFFFF
_NO_REPLY: tuple[int, Mapping[str, str]] = (0, {})
_monotonic = time.monotonic
_poll = lib.wasmtime_call_future_poll


COMMITTED_AT_START = 17 * PAGE_BYTES
_FIRST = 16  # the first block; offset 0 is the empty handle
_ERROR, _TOP, _GENERATION, _DIRTY, _COMMITTED, _MAXIMUM = 4, 5, 6, 7, 8, 9
_TABLE = 128  # word of the table's first entry
_DEAD = 0xC0000000
_LENGTH = 0x3FFFFFFF
_FREED_BY_HOST = 0x40000000
_MOST_GENERATIONS = 0x7FFFFFF0
_put = Struct("=7q").pack_into
outcome_of = Struct("=3q").unpack_from


class ExchangeMemory:
    """The memory that guests and host share: blocks, and the header in `kernel.wat`.

    Guests can write any byte of the blocks and none of the header, so what is read here is what the kernel decided.

    Owns: nothing; valid while its store lives.
    """

    __slots__ = ("_blocks_at", "_commit", "_header_at", "blocks", "header", "header_bytes", "words")

    def __init__(self, blocks_at: int, header_at: int, maximum: int, commit: Callable[[int], bool]) -> None:
        self._blocks_at, self._header_at = blocks_at, header_at
        self.blocks = view_at(blocks_at, maximum)
        self.words = self.blocks.cast("q")
        self.header_bytes = view_at(header_at, (_TABLE + maximum // 16) * 8)
        self.header = self.header_bytes.cast("q")
        self._commit = commit
        self.header[_TOP] = _FIRST
        self.header[_COMMITTED] = COMMITTED_AT_START
        self.header[_MAXIMUM] = maximum

    def begin(self, data: bytes) -> None:
        """A new generation with `data` as its input; all handles of the one before are dead.

        Raises: MemoryExceeded: the input does not fit.
        """
        header = self.header
        generation = header[_GENERATION] + 1
        size = len(data)
        if not size:
            _put(self.header_bytes, 0, 0, 0, 0, 0, 0, _FIRST, generation)
            return
        end = (size + 31) & -16
        if end > header[_DIRTY]:
            self._make_room(end)
        elif size & 15:
            # The rest of the block's last 16 bytes, which the guest may read, is from an earlier call.
            word = end >> 3
            self.words[word - 1] = self.words[word - 2] = 0
        self.blocks[_FIRST : _FIRST + size] = data
        try:
            header[_TABLE + 1] = generation << 32 | size
        except ValueError:
            raise EngineFailed("the sandbox is used up after 2^31 calls", remedy="make a new instance") from None
        _put(self.header_bytes, 0, _FIRST, size, 0, 0, 0, end, generation)

    def outcome(self) -> tuple[int, int, int]:
        """Output offset and length, and the error handle."""
        return outcome_of(self.header_bytes, 16)

    def output(self) -> bytes:
        """The bytes the guest set as its output."""
        offset, length, _ = self.outcome()
        return self.blocks[offset : offset + length].tobytes()

    def error_text(self, most: int) -> str | None:
        """The error that the guest set, cut to `most` bytes; None when it set none."""
        handle = self.header[_ERROR]
        if not handle:
            return None
        length = min(self.size(handle), most)
        return self.blocks[handle : handle + length].tobytes().decode(errors="replace")

    def size(self, handle: int) -> int:
        """The length of a live block; 0 for anything else."""
        header = self.header
        if handle & 15 or not _FIRST <= handle < header[_TOP]:
            return 0
        entry = header[_TABLE + (handle >> 4)]
        if entry >> 32 != header[_GENERATION] or entry & _DEAD:
            return 0
        return entry & _LENGTH

    def read(self, handle: int) -> bytes:
        """The bytes of a live block; handle 0 is the empty block. Raises: GuestFailed."""
        header = self.header
        if not handle & 15 and _FIRST <= handle < header[_TOP]:
            entry = header[_TABLE + (handle >> 4)]
            if entry >> 32 == header[_GENERATION] and not entry & _DEAD:
                return self.blocks[handle : handle + (entry & _LENGTH)].tobytes()
        if handle == 0:
            return b""
        raise GuestFailed(
            f"handle {handle} is not a live block of the exchange memory",
            remedy="pass what `alloc` returned, and not after `free`",
        )

    def write(self, data: bytes) -> int:
        """A new block that holds `data`; 0 for none. Raises: MemoryExceeded."""
        size = len(data)
        if not size:
            return 0
        header = self.header
        handle = header[_TOP]
        end = (handle + size + 15) & -16
        if end > header[_DIRTY]:
            self._make_room(end)
        if size & 15:
            word = end >> 3
            self.words[word - 1] = self.words[word - 2] = 0
        self.blocks[handle : handle + size] = data
        header[_TABLE + (handle >> 4)] = header[_GENERATION] << 32 | size
        header[_TOP] = end
        return handle

    def free(self, handle: int) -> None:
        """Ends a block. Its address is not used again in this call: several kits free a key once more after
        the host has consumed it, and would free whatever took its place."""
        length = self.size(handle)
        if length:
            self.header[_TABLE + (handle >> 4)] |= _FREED_BY_HOST

    @property
    def committed(self) -> int:
        """Bytes of blocks that the kernel has made usable."""
        return self.header[_COMMITTED]

    def decommit(self) -> None:
        """Returns the pages of blocks and table to the machine. The exchange must not be used afterwards."""
        committed = self.header[_COMMITTED]
        decommit(self._blocks_at, committed)
        decommit(self._header_at, committed // 2)

    @property
    def worn(self) -> bool:
        """True when generations run out: the next ones would bring dead handles back to life."""
        return self.header[_GENERATION] >= _MOST_GENERATIONS

    def _make_room(self, end: int) -> None:
        header = self.header
        if end <= header[_COMMITTED] or self._commit(end):
            header[_DIRTY] = end
        else:
            raise MemoryExceeded(
                f"oom: the exchange memory cannot hold {end} bytes",
                remedy="send less, or raise limits.memory_bytes",
                limit="memory_bytes",
                allowed=self.header[_MAXIMUM],
            )


class _Closed(ExchangeMemory):
    """The exchange of a closed store: every use is an error instead of a crash."""

    def __init__(self) -> None:
        pass

    def __getattribute__(self, name: str) -> NoReturn:
        raise Conflict("the call is over", remedy="use a host call only until the host function returns")


CLOSED: ExchangeMemory = _Closed()


_MEMORY_KIND = 3


class GuestMemory:
    """The memory that the calling module exports as `memory`. Every access is checked against its size now.

    Raises: GuestFailed: the module exports none.
    """

    __slots__ = ("_at", "_base", "_context", "_found", "_size")

    def __init__(self, caller: int) -> None:
        found = Buffer(EXTERN_WORDS)
        named = lib.wasmtime_caller_export_get(caller, b"memory", 6, found.address)
        if not named or found.words[0] & 0xFF != _MEMORY_KIND:
            raise GuestFailed("the module exports no memory", remedy="export its memory as `memory`")
        self._found = found
        self._context = context = lib.wasmtime_caller_context(caller)
        self._at = found.address + FUNCTION_AT
        # Memories never move: the presets reserve their whole address range.
        self._base: int = lib.wasmtime_memory_data(context, self._at)
        self._size: int = lib.wasmtime_memory_data_size(context, self._at)

    def load(self, address: int, length: int) -> bytes:
        """Bytes of the guest. Raises: GuestFailed out of bounds."""
        self._check(address, length)
        return copy_bytes(self._base + address, length)

    def store(self, address: int, data: bytes) -> None:
        """Writes to the guest. Raises: GuestFailed out of bounds."""
        length = len(data)
        self._check(address, length)
        if length:
            view_at(self._base + address, length)[:] = data

    def _check(self, address: int, length: int) -> None:
        if address < 0 or length < 0 or address + length > self._size:
            self._size = lib.wasmtime_memory_data_size(self._context, self._at)  # it may have grown
            if address < 0 or length < 0 or address + length > self._size:
                raise GuestFailed(
                    f"bytes {address} to {address + length} lie outside the guest's memory of {self._size}",
                    remedy="pass a pointer and a length inside it",
                )


@dataclass(frozen=True, slots=True)
class Policy:
    """Limits and doors of a plugin, as its calls use them.

    `log_rank` is the lowest level that is logged, as `get_log_level` gives it: trace 0 to error 4, none the largest
    i32. `several` says that more than one module may call host functions.
    """

    limits: Limits
    doors: Doors
    several: bool = False
    config: Mapping[str, bytes] = field(init=False)
    log_rank: int = field(init=False)

    def __post_init__(self) -> None:
        doors = self.doors
        logged = doors.log is not None and doors.log_level is not None
        object.__setattr__(self, "config", {key: value.encode() for key, value in doors.config.items()})
        object.__setattr__(self, "log_rank", LOG_LEVELS.index(doors.log_level) if logged else _OFF)


class Suspension:
    """The event loop of a call, and the host coroutine its guest waits for.

    `yields` is 1 while the guest runs on a stack of its own and gives way to the loop at every tick. `answer` is the
    awaited function and the addresses of its results and its trap. `fibers` are kept from call to call.
    """

    __slots__ = ("answer", "fibers", "loop", "on_loop", "waiter", "yields")

    def __init__(self, *, on_loop: bool) -> None:
        self.on_loop = on_loop
        self.yields = 0
        self.fibers: dict[int, Any] = {}
        self.loop: asyncio.AbstractEventLoop | None = None
        self.waiter: asyncio.Task[Any] | None = None
        self.answer: tuple[HostFunction, int, int]

    def poll(self, future: int) -> bool:
        """Runs the guest on its stack until it gives way; True when it has returned."""
        self.yields = 1
        POLLING.add(self)
        try:
            return bool(_poll(future))
        finally:
            POLLING.discard(self)
            self.yields = 0

    def abandon(self) -> None:
        """Cancels the coroutine that is still awaited."""
        waiter = self.take_waiter()
        if waiter is not None:
            waiter.add_done_callback(_forget)
            waiter.cancel()

    def wait_for(self, coroutine: Coroutine[Any, Any, Any], answer: tuple[HostFunction, int, int]) -> None:
        """Starts a host coroutine on the running loop."""
        self.loop = asyncio.get_running_loop()
        self.waiter = self.loop.create_task(coroutine)
        self.answer = answer

    def take_waiter(self) -> asyncio.Task[Any] | None:
        """Returns the awaited task and stops waiting for it."""
        waiter, self.waiter = self.waiter, None
        return waiter

    def use(self, loop: asyncio.AbstractEventLoop | None) -> None:
        """Has coroutines of a call that blocks its thread run on this loop; None for the one in the background."""
        self.loop = loop

    def cancel(self) -> None:
        """Cancels the awaited coroutine, from any thread."""
        waiter, loop = self.waiter, self.loop
        if waiter is not None and loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed in between: so is the call
                loop.call_soon_threadsafe(waiter.cancel)


def _forget(task: asyncio.Task[Any]) -> None:
    if not task.cancelled():
        task.exception()  # looked at, so that the loop does not report it: its call is over


class GuestCall:
    """The state of the running call of a store. Host functions are given it as their `omnicore.sandbox.abi.HostCall`.

    One for each store, used again for every call. `caller` is not 0 while a host function runs; `used` says that
    budgets must be filled before the next call. `exchange` is `CLOSED` once the call was cut: then the store cannot
    be used any more.
    """

    # fmt: off
    __slots__ = (
        "budget", "caller", "calls_left", "cancelled", "deadline", "error", "exchange", "guest_memory",
        "host_context", "http_reply", "policy", "suspension", "used", "variables", "wasi",
    )
    # fmt: on

    def __init__(self, policy: Policy, exchange: ExchangeMemory, *, on_loop: bool) -> None:
        self.policy = policy
        self.exchange = exchange
        self.suspension = Suspension(on_loop=on_loop)
        self.budget = CallBudget(policy.limits)
        self.wasi: WasiSession | None = None
        self.renew(Variables(policy.limits.var_bytes))

    def renew(self, variables: Variables) -> None:
        """Forgets the guest before: the next one starts with nothing but these variables."""
        self.variables = variables
        self.http_reply = _NO_REPLY
        self.guest_memory: GuestMemory | None = None
        self.caller = 0
        self.error: BaseException | None = None
        self.host_context: Any = None
        self.deadline = 0.0
        self._refill()
        if self.wasi is not None:
            self.end_session()

    def begin(self, host_context: Any, timeout_s: float | None) -> None:
        """Begins a call with full budgets."""
        if self.used:
            self._refill()
        self.host_context = host_context
        self.deadline = _monotonic() + (self.policy.limits.timeout_s if timeout_s is None else timeout_s)

    def _refill(self) -> None:
        self.used = self.cancelled = False
        self.calls_left = self.policy.limits.host_calls
        self.budget.filled = False

    def leave(self) -> None:
        """Ends a call in which the guest called the host."""
        self.caller = 0
        self.used = True

    def cancel(self) -> None:
        """Ends the running call, from any thread: at the next tick, or while its host function waits."""
        self.cancelled = self.used = True
        self.suspension.cancel()

    def cut(self) -> None:
        """Makes the store unusable: a host coroutine may outlive the call, and must find it over."""
        self.exchange = CLOSED

    # Used by host functions: `HostCall`.

    @property
    def on_loop(self) -> bool:
        """True when the call runs on an event loop, which no host function may hold for long."""
        return self.suspension.on_loop

    def size(self, handle: int) -> int:
        return self.exchange.size(handle)

    def read(self, handle: int) -> bytes:
        return self.exchange.read(handle)

    def write(self, data: bytes) -> int:
        return self.exchange.write(data)

    def free(self, handle: int) -> None:
        self.exchange.free(handle)

    def load(self, address: int, length: int) -> bytes:
        return self._guest_memory().load(address, length)

    def store(self, address: int, data: bytes) -> None:
        self._guest_memory().store(address, data)

    def _guest_memory(self) -> GuestMemory:
        if not self.caller:
            raise Conflict("the call is over", remedy="use a host call only until the host function returns")
        if self.guest_memory is None or self.policy.several:
            self.guest_memory = GuestMemory(self.caller)
        return self.guest_memory

    def interrupted(self) -> bool:
        """True when the call has been cancelled; long host functions ask and stop."""
        return self.cancelled

    def seconds_left(self) -> float:
        """Seconds until the deadline; negative after it."""
        return self.deadline - _monotonic()

    def log(self, level: LogLevel, message: str) -> None:
        """Hands a line to the log door. Raises: LimitExceeded."""
        self.budget.spend_line(message)
        if self.policy.doors.log is not None:
            self.policy.doors.log(level, message)

    def spend_http(self) -> None:
        """Counts a request. Raises: LimitExceeded."""
        self.budget.spend_request()

    def spend(self, name: str, most: int) -> None:
        """Counts a use of what a call may use `most` times. Raises: LimitExceeded."""
        self.budget.spend(name, most)

    def spend_call(self) -> None:
        """Counts a host call. Raises: LimitExceeded."""
        self.calls_left -= 1
        if self.calls_left < 0:
            raise too_many_calls(self.policy.limits.host_calls)

    def receive(self, status: int, headers: Mapping[str, str]) -> None:
        """Keeps status and headers of an HTTP response for the guest to ask for."""
        self.http_reply = (status, headers)

    # Failures.

    @shielded
    def fail(self, error: BaseException) -> int:
        """Keeps what a host function raised and returns the trap that ends the guest."""
        if self.error is None:
            self.error = error
        return new_trap("a host function failed")

    def fail_with(self, error: BaseException) -> None:
        """Keeps the error that ends the call from outside of the guest."""
        if self.error is None:
            self.error = error

    def take_error(self) -> BaseException | None:
        """The error that ended the call, if any, which is forgotten then."""
        error, self.error = self.error, None
        return error

    # WASI.

    def open_session(self, stdin: bytes) -> None:
        """Gives the guest its WASI side for a call; does nothing without a grant. Raises: InvalidSetting."""
        grant = self.policy.doors.wasi
        if self.wasi is not None:
            self.wasi.begin(stdin)
        elif grant is not None:
            self.wasi = WasiSession(grant, stdin=stdin, output_limit=self.policy.limits.output_bytes)

    def session(self) -> WasiSession:
        """The guest's WASI side."""
        assert self.wasi is not None  # noqa: S101  WASI functions are linked only with a grant
        return self.wasi

    def end_session(self) -> None:
        """Closes the guest's files."""
        if self.wasi is not None:
            self.wasi.close()
            self.wasi = None

    def log_streams(self, *, command: bool) -> None:
        """Hands what the guest printed to the log door, as far as its budget goes; a command's standard
        output is its answer and not logged."""
        if self.wasi is None or self.policy.doors.log is None:
            return
        streams: list[tuple[LogLevel, bytes]] = [("warn", self.wasi.stderr)]
        if not command:
            streams.append(("info", self.wasi.stdout))
        for level, data in streams:
            for line in data.decode(errors="replace").splitlines()[: self.budget.lines_left]:
                with contextlib.suppress(LimitExceeded):
                    self.log(level, line)
        self.used = True


def _is_coroutine(function: HostFunction) -> bool:
    """True for host functions that are awaited, always or sometimes."""
    return function.may_wait or inspect.iscoroutinefunction(function.run)


def blocking(run: Callable[..., Any]) -> Callable[..., Any]:
    """A function that returns coroutines as one that waits for them, until the call's deadline or its cancellation."""

    @functools.wraps(run)
    def wait(call: GuestCall, *arguments: Any) -> Any:
        found = run(call, *arguments)
        if type(found) is int or not asyncio.iscoroutine(found):  # the first saves 0.2 us
            return found
        over = threading.Event()

        async def result() -> Any:
            try:
                return await found
            finally:
                over.set()

        future = asyncio.run_coroutine_threadsafe(result(), call.suspension.loop or background_loop())
        try:
            return result_of(future, call)
        finally:
            if not future.done():
                # It may be about to touch memory that is freed when this call ends.
                call.cut()
                future.cancel()
                over.wait(_PARTING_S)

    return wait


def callback_for(function: HostFunction, *, counted: bool) -> Callable[..., int | None]:
    """The callback of a host function; `counted` ones use up `limits.host_calls`.

    A coroutine function blocks the guest's thread while it runs on a loop of its own.
    """
    run = blocking(function.run) if _is_coroutine(function) else function.run
    cost = 1 if counted else 0
    # The common shapes without loops: 0.5 us a call instead of 1.2.
    if function.results == ("i64",) and function.params in (("i64",), ("i64", "i64")):
        return _handles_to_handle(run, cost, two=len(function.params) > 1)
    return _general(function, run, cost)


def _handles_to_handle(run: Callable[..., Any], cost: int, *, two: bool) -> Callable[..., int | None]:
    @guarded
    def callback(key: int, caller: int, values: Any, _count: int) -> int | None:
        call = CALLS[key]
        try:
            call.caller = caller
            call.calls_left -= cost
            if call.calls_left < 0:
                raise too_many_calls(call.policy.limits.host_calls)
            first = values[0] & ALL_BITS
            result = run(call, first, values[2] & ALL_BITS) if two else run(call, first)
            if result is None:
                result = 0
            elif not LEAST_I64 <= result <= ALL_BITS:
                raise OverflowError(f"{result} does not fit an i64")
            values[0] = result
        except BaseException as error:
            return call.fail(error)
        return None

    return callback


def _general(function: HostFunction, run: Callable[..., Any], cost: int) -> Callable[..., int | None]:
    decoders = tuple((2 * index, FROM_WORD[kind]) for index, kind in enumerate(function.params))

    @guarded
    def callback(key: int, caller: int, values: Any, _count: int) -> int | None:
        call = CALLS[key]
        try:
            call.caller = caller
            call.calls_left -= cost
            if call.calls_left < 0:
                raise too_many_calls(call.policy.limits.host_calls)
            result = run(call, *[read(values[index]) for index, read in decoders])
            for index, word in enumerate(to_words(function, result)):
                values[2 * index] = word
        except BaseException as error:
            return call.fail(error)
        return None

    return callback


_KIND_OF = {"i32": 0, "i64": 1, "f32": 2, "f64": 3}
_UNCOUNTED = frozenset(("extism:host/env", "wasi_snapshot_preview1"))

Forwarded = tuple[FunctionType, Callable[[int, int, int, int], int | None]]
"""A type and a callback that gets its values as an address: see `commands_of`."""


class HostFunctions:
    """Host functions of a plan. Owns: callbacks, types and the linker of awaited functions."""

    def __init__(
        self, engine: RawEngine, functions: tuple[HostFunction, ...], forwarded: tuple[Forwarded, ...] = ()
    ) -> None:
        self._names = [str(index).encode() for index in range(len(functions))]
        self._functions = functions
        self._types = [FunctionType(function.params, function.results) for function in functions]
        self._awaited = [_is_coroutine(function) for function in functions]
        self._callbacks = [
            function_callback(callback_for(function, counted=function.namespace not in _UNCOUNTED))
            for function in functions
        ]
        self._forwarded = [(kind, forwarding_callback(guarded(run))) for kind, run in forwarded]
        self._engine = engine
        self._linker: int = lib.wasmtime_linker_new(engine.pointer)
        self._async = [
            self._define(index, function) for index, function in enumerate(functions) if self._awaited[index]
        ]

    def __del__(self) -> None:
        if self._engine.ours:
            lib.wasmtime_linker_delete(self._linker)

    def provide(self, key: int, context: int, *, on_loop: bool) -> Buffer:
        """The externs of all functions in a store, in the plan's order, then the forwarded ones."""
        externs = Buffer(EXTERN_WORDS * max(1, len(self._functions) + len(self._forwarded)))
        for index, (kind, callback) in enumerate(zip(self._types, self._callbacks, strict=True)):
            at = externs.address + 32 * index
            if on_loop and self._awaited[index]:
                name = self._names[index]
                lib.wasmtime_linker_get(self._linker, context, b"", 0, name, len(name), at)
                continue
            lib.wasmtime_func_new_unchecked(context, kind.pointer, callback[1], key, None, at + FUNCTION_AT)
        for index, (kind, callback) in enumerate(self._forwarded, len(self._functions)):
            at = externs.address + 32 * index
            lib.wasmtime_func_new_unchecked(context, kind.pointer, callback[1], key, None, at + FUNCTION_AT)
        return externs

    def _define(self, index: int, function: HostFunction) -> Any:
        callback = async_function(_suspending(function))
        name = self._names[index]
        error = lib.wasmtime_linker_define_async_func(
            self._linker, b"", 0, name, len(name), self._types[index].pointer, callback[1], None, None
        )
        if error:
            raise EngineFailed(f"{function.name} cannot be linked: {take_error(error).message}")
        return callback


def _suspending(function: HostFunction) -> Callable[..., None]:
    """The callback that suspends the guest on a task of the running loop, where the function gives a coroutine."""

    @guarded
    def callback(
        _environment: int,
        caller: int,
        arguments: int,
        count: int,
        results: int,
        _n: int,
        trap: int,
        then: int,
    ) -> None:
        context = lib.wasmtime_caller_context(caller)
        call = CALLS_BY_CONTEXT[context]
        try:
            call.caller = caller
            words = view_at(arguments, 32 * count).cast("q") if count else ()
            values = [FROM_WORD[kind](words[4 * i + 1]) for i, kind in enumerate(function.params)]
            if function.namespace not in _UNCOUNTED:
                call.spend_call()
            found = function.run(call, *values)
            if asyncio.iscoroutine(found):
                call.suspension.wait_for(found, (function, results, trap))
            else:
                call.suspension.take_waiter()
                _store(function, results, found)
        except BaseException as error:
            call.suspension.take_waiter()
            _failed(call, trap, error)
        _continued(context, then)

    return callback


@shielded
def _failed(call: GuestCall, trap: int, error: BaseException) -> None:
    store_word(trap, call.fail(error))


@shielded
def _continued(context: int, then: int) -> None:
    store_continuation(then, _WHEN_DONE[1], context, _NOTHING[1])


@shielded
def _when_done(context: int | None) -> bool:
    call = CALLS_BY_CONTEXT[context or 0]
    suspension = call.suspension
    waiter = suspension.waiter
    if waiter is None:
        return True
    if not waiter.done():
        return False
    suspension.take_waiter()
    function, results, trap = suspension.answer
    try:
        if call.cancelled and waiter.cancelled():
            raise cancelled()
        _store(function, results, waiter.result())
    except BaseException as error:
        store_word(trap, call.fail(error))
    return True


def _store(function: HostFunction, results: int, found: Any) -> None:
    for index, word in enumerate(to_words(function, found)):
        store_word(results + 32 * index, _KIND_OF[function.results[index]])
        store_word(results + 32 * index + 8, word)


_WHEN_DONE = continuation(_when_done)
_NOTHING = finalizer(guarded(lambda _environment: None))
