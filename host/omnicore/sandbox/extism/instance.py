"""Templates of plugins, their instances, and calls.

Guests on the event loop run on stacks of their own, and the engine returns control when they wait. Every Python
function that the engine calls returns before a stack is left, so no Python frame is ever suspended on one. CPython
3.11 to 3.13 can run on foreign stacks; 3.14 checks its C stack by address and cannot, so calls use a thread there.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import sys
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from omnicore.errors import (
    CallerError,
    CapacityReached,
    Conflict,
    DeadlineExceeded,
    FuelExhausted,
    GuestFailed,
    GuestTrapped,
    OmniError,
    Unavailable,
)
from omnicore.sandbox.abi import MIB, Usage, Variables
from omnicore.sandbox.budget import COOLING, NEVER_KEPT, SHORT, reclaim, register_idle_owner
from omnicore.sandbox.call import busy, cancelled, overtime, too_long, too_much, too_nested
from omnicore.sandbox.capi.code import STACK_BYTES
from omnicore.sandbox.capi.library import (
    PENDING,
    Buffer,
    EngineFault,
    TrapCode,
    deliver,
    fast_call,
    fast_call_async,
    fast_memory_size,
    install,
    lib,
    prepared,
    shielded,
    take_fault,
)
from omnicore.sandbox.extism.call import CLOSED, POLLING, GuestCall, outcome_of
from omnicore.sandbox.extism.store import KERNEL_NAME, TICKER, Entry, LinkedPlugin, WasmStore, generation
from omnicore.sandbox.wasi.session import WasiExit

FIBERS = (3, 11) <= sys.version_info[:2] <= (3, 13)

_call = lib.wasmtime_func_call_unchecked
_running = TICKER.running
_COMMAND = "_start"
_TEXT = 8_192  # bytes of a guest's error: it goes into logs and answers
_HEAVY_BYTES = 2 * MIB  # a store in which guests that are done hold more is not kept idle for long
_MOST_IDLE = 8  # stores kept for the next call, each with the pages its last guests touched
# Each guest may use 512 KiB of its thread's 8 MiB of stack, and of a fiber's 1.5 MiB.
_MOST_NESTED, _MOST_ON_FIBER = 8, 1


def _nested(levels: int) -> tuple[Any, ...]:
    return (_nested(levels - 1),) if levels else (type(None),)


_COUNTS_ALL = sys.version_info < (3, 12)
_ROOM = 40  # frames of Python that a callback and what it calls to fail need, generously
_HEADROOM = _nested(16)
"""`isinstance` with this raises RecursionError unless 16 more calls fit, in 0.05 us. A callback needs half of
them: where it does not get them its exception is lost, and C goes on with an undefined result. From Python 3.12
on the limit counts frames of Python only, and `_check_depth` looks for them in 0.3 us."""


class ExtismInstance:
    """See `omnicore.sandbox.engine.Instance`. The guest is made in the first call, under its deadline.

    Owns: its guest; the store goes back to the template on `close`, or when the instance is garbage-collected.
    """

    # fmt: off
    __slots__ = (
        "_call", "_entries", "_free", "_handing_over", "_input_bytes", "_made", "_memory", "_most", "_output_bytes",
        "_plain", "_reserved", "_store", "_template", "healthy",
    )
    # fmt: on

    def __init__(self, template: ExtismTemplate, store: WasmStore) -> None:
        limits = store.parts.policy.limits
        self._template = template
        self._store: WasmStore | None = store
        self._call = store.call
        self._made = False
        self._entries: dict[str, Entry] = {}
        self._memory: tuple[Any, ...] = ()
        # Whoever takes the one token has the instance; taking it is atomic and half the price of a lock.
        self._free = [None]
        self._handing_over = threading.Lock()
        self._input_bytes = limits.input_bytes
        self._output_bytes = limits.output_bytes
        self._most = store.footprint.watermark
        self._plain = store.plain
        self._reserved = False
        self.healthy = True

    @property
    def kept_bytes(self) -> int:
        """See `omnicore.sandbox.engine.Instance.kept_bytes`."""
        return 0 if self._store is None else self._store.footprint.kept_bytes

    # Written out rather than divided: each Python call in it would cost 3 per cent of an empty one.
    @shielded
    def call(self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None) -> bytes:
        """Runs an export on this thread; see `omnicore.sandbox.engine.Instance.call`."""
        isinstance(data, _HEADROOM) if _COUNTS_ALL else _check_depth()
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None
        try:
            store, call = self._store, self._call
            exchange = call.exchange
            if store is None or exchange is CLOSED or len(data) > self._input_bytes or SHORT or not self._plain:
                store = self._admitted(data)
            call.begin(host_context, timeout_s)
            if POLLING or len(_running) >= _MOST_NESTED:
                _check_nesting()
            _running.add(call)
            if TICKER.idle:
                TICKER.wake()
            try:
                entry = self._entries.get(export) or self._enter(store, export)
                exchange.begin(data)
                error = fast_call(*entry[0])
            finally:
                _running.discard(call)
                called = call.caller
                if called:
                    call.leave()
            offset, length, failed = outcome_of(exchange.header_bytes, 16)
            failed = error or failed or store.trap_words[0] or store.result_words[0] & 0xFFFFFFFF
            large = self._memory and fast_memory_size(*self._memory) + exchange.header[8] > self._most
            if failed or entry[1] or self._reserved or called or large or length > self._output_bytes:
                return self._end(store, export, entry, error, called=called)
            return exchange.blocks[offset : offset + length].tobytes()
        except BaseException as error:
            self._failed(error)
            raise
        finally:
            self._free.append(None)
            if PENDING:
                deliver()

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """Runs an export on the running loop; see `omnicore.sandbox.engine.Instance.call_async`."""
        if not FIBERS or not self._call.suspension.on_loop:
            return await self._call_in_thread(export, data, timeout_s=timeout_s, host_context=host_context)
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None
        try:
            store, call = await self._admitted_async(data), self._call
            exchange = call.exchange
            call.begin(host_context, timeout_s)
            _running.add(call)
            if TICKER.idle:
                TICKER.wake()
            try:
                entry = self._entries.get(export) or await self._enter_async(store, export)
                exchange.begin(data)
                error = await _drive(store, entry[4], results=entry[2])
            finally:
                _running.discard(call)
                called = call.caller
                if called:
                    call.leave()
            offset, length, failed = outcome_of(exchange.header_bytes, 16)
            failed = error or failed or store.trap_words[0] or store.result_words[0] & 0xFFFFFFFF
            large = self._memory and fast_memory_size(*self._memory) + exchange.header[8] > self._most
            if failed or entry[1] or self._reserved or called or large or length > self._output_bytes:
                return self._end(store, export, entry, error, called=called)
            return exchange.blocks[offset : offset + length].tobytes()
        except BaseException as error:
            self._failed(error)
            raise
        finally:
            self._free.append(None)
            if PENDING:
                deliver()

    def _failed(self, error: BaseException) -> None:
        store = self._store
        cut = store is None or store.broken
        self.healthy = self.healthy and not cut and isinstance(error, CallerError | GuestFailed)
        if store is not None and cut:  # it cannot be used again: its memory is freed at once
            with self._handing_over:
                self._store = None
            store.close()
        elif self._reserved:
            self._settle()

    async def _call_in_thread(self, export: str, data: bytes, *, timeout_s: float | None, host_context: Any) -> bytes:
        """The same where stacks of their own are not to be had."""
        if not self._free:
            raise busy()
        suspension, loop = self._call.suspension, asyncio.get_running_loop()
        suspension.use(loop)
        work = functools.partial(self.call, export, data, timeout_s=timeout_s, host_context=host_context)
        task = loop.run_in_executor(None, work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.cancel()
            await asyncio.wait((task,))
            raise
        finally:
            suspension.use(None)  # the next call may come from a thread when this loop is gone

    def _open(self, data: bytes) -> WasmStore:
        store = self._store
        if store is None or store.broken:
            raise _closed()
        if len(data) > self._input_bytes:
            raise too_long(data, self._input_bytes)
        store.refuel()
        store.call.open_session(data)
        return store

    def _admitted(self, data: bytes) -> WasmStore:
        store = self._open(data)
        if SHORT or store.footprint.eager:
            self._reserved = True
            store.footprint.admit()
        return store

    async def _admitted_async(self, data: bytes) -> WasmStore:
        store = self._open(data)
        if SHORT or store.footprint.eager:
            self._reserved = True
            await store.footprint.admit_async()
        return store

    def _end(self, store: WasmStore, export: str, entry: Entry, error: int | None, *, called: int) -> bytes:
        call = store.call
        if error or store.trap_words[0]:
            self.healthy = False
        if called and call.error is None and call.seconds_left() <= 0:
            call.fail_with(overtime())  # a host function took too long: the engine looks only while guests run
        try:
            _conclude(store, error, odd=entry[3])
            if over := store.footprint.oversize():
                raise over
            _, length, _ = call.exchange.outcome()
            if length > self._output_bytes:
                raise too_much(length, self._output_bytes)
            output = call.exchange.output()
            return call.wasi.stdout if export == _COMMAND and not output and call.wasi is not None else output
        finally:
            self._settle()
            call.log_streams(command=export == _COMMAND)
            if export == _COMMAND:  # a command has run once and for all: the next call finds everything new
                self._forget_guest(store)

    def _settle(self) -> None:
        """Charges what the sandbox holds after a call instead of what it might have grown to."""
        store, self._reserved = self._store, False
        if store is not None and not store.broken:
            store.footprint.settle()
            self._most = store.footprint.watermark

    def _forget_guest(self, store: WasmStore) -> None:
        self._made = False
        self._entries.clear()
        variables = store.call.variables
        variables.clear()
        try:
            store = self._template.renewed(store)
        except CapacityReached:  # this call has its answer; the next one needs another instance
            self._store, self.healthy = None, False
        else:
            self._store, self._call = store, store.call
            store.call.renew(variables)

    def _enter(self, store: WasmStore, export: str) -> Entry:
        if not self._made:
            store.guest.make()
            for function, zeros in store.guest.initialisers():
                store.call.exchange.begin(b"")
                error = _call(store.context, function, store.values.address, max(1, zeros), store.trap.address)
                self._check_start(store, error)
            self._made = True
        entry = self._entries[export] = store.guest.entry(export)
        self._memory = store.guest.memory
        return entry

    async def _enter_async(self, store: WasmStore, export: str) -> Entry:
        if not self._made:
            store.guest.make()
            for function, zeros in store.guest.initialisers():
                store.call.exchange.begin(b"")
                self._check_start(store, await _drive(store, function, zeros=zeros))
            self._made = True
        entry = self._entries[export] = store.guest.entry(export)
        self._memory = store.guest.memory
        return entry

    def _check_start(self, store: WasmStore, error: int | None) -> None:
        if error or store.call.error is not None or store.trap_words[0]:
            self.healthy = False
            store.result_words[0] = 0
            _conclude(store, error, odd=False)

    def cancel(self) -> None:
        """Ends the running call; see `omnicore.sandbox.engine.Instance.cancel`."""
        with self._handing_over:  # a store that has gone back may be in use by another caller
            if self._store is not None and not self._free:
                self._store.call.cancel()

    def usage(self) -> Usage:
        """The usage of the last call. Raises: InstanceBusy: it is in a call, and its store must not be read then."""
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None
        try:
            store, call = self._store, self._call
            if store is None:
                raise _closed()
            lost = store.broken  # its memory must not be looked at
            return Usage(
                fuel=None if lost else store.fuel_used(),
                memory_bytes=0 if lost else store.footprint.size(),
                host_calls=call.policy.limits.host_calls - max(0, call.calls_left),
                http_requests=call.budget.requests,
                doors=tuple(call.budget.asked),
            )
        finally:
            self._free.append(None)

    @shielded
    def close(self) -> None:
        """Frees the sandbox; a second time does nothing. Raises: InstanceBusy: it is in a call."""
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None
        try:
            with self._handing_over:
                store, self._store = self._store, None
            if store is not None:
                self._template.take_back(store, reusable=self.healthy)
        finally:
            self._free.append(None)
            if PENDING:
                deliver()

    @shielded
    def __del__(self) -> None:
        # Without the token a coroutine of a call was dropped before the call ended.
        if self._store is not None and self._free and not sys.is_finalizing():
            self._template.take_back(self._store, reusable=self.healthy)


def _check_depth() -> None:
    try:
        sys._getframe(max(1, sys.getrecursionlimit() - _ROOM))
    except ValueError:  # the stack is not that deep
        return
    raise RecursionError("too few frames are left to call a guest")


def _check_nesting() -> None:
    """Ends calls that go through guests and host functions in circles, before Python's own stack does: a
    RecursionError at the first bytecode of a callback could not be caught."""
    depth, most, frame = 0, _MOST_NESTED, sys._getframe(1)
    while frame is not None:
        depth += frame.f_code is ExtismInstance.call.__code__
        if frame.f_code is _drive.__code__:
            most = _MOST_ON_FIBER
        frame = frame.f_back  # type: ignore[assignment]
    if depth > most:
        raise too_nested(most)


def _closed() -> Conflict:
    return Conflict("the sandbox is closed or its call was cut", remedy="make a new instance")


# Calls on stacks of their own.


class _Fiber:
    """The arguments of one function's C call and where its answer goes, made once for a store.

    Owns: the buffers that C writes to.
    """

    __slots__ = ("_kept", "answer", "arguments", "error")

    def __init__(self, store: WasmStore, function: int, *, zeros: int, results: int) -> None:
        values, answer, error = Buffer(4 * max(1, zeros)), Buffer(4), Buffer(1)
        self._kept = (values, answer, error)
        self.answer, self.error = answer.words, error.words
        self.arguments = prepared(
            *(store.context, function, values.address, zeros, answer.address, results),
            *(store.trap.address, error.address),
        )


async def _drive(store: WasmStore, function: int, *, zeros: int = 0, results: int = 0) -> int:
    """Runs a function until it returns and gives its error pointer; trap and first result go where a
    blocking call puts them.

    A guest that loops gives way to the event loop at every tick; one whose host function waits is polled
    again when that is done. Cancelling this coroutine, or the deadline, drops the guest's stack: the store
    cannot be used again then.
    """
    call, suspension = store.call, store.call.suspension
    fiber = suspension.fibers.get(function)
    if fiber is None:
        fiber = suspension.fibers[function] = _Fiber(store, function, zeros=zeros, results=results)
    # The store's deadline may lie ticks back; the first check would give way before the guest has done anything.
    lib.wasmtime_context_set_epoch_deadline(store.context, 1)
    fiber.error[0] = 0
    future = fast_call_async(*fiber.arguments)
    done = False
    try:
        while not suspension.poll(future):
            if suspension.waiter is None:
                await asyncio.sleep(0)
            else:
                await _settled(call, suspension.waiter)
        done = True
    finally:
        lib.wasmtime_call_future_delete(future)
        if not done:
            call.cut()  # the host coroutine that is cancelled now finds its call over
        if suspension.waiter is not None:
            suspension.abandon()
    store.result_words[0] = fiber.answer[1]
    error: int = fiber.error[0]
    return error


async def _settled(call: GuestCall, waiter: asyncio.Task[Any]) -> None:
    await asyncio.wait((waiter,), timeout=max(0.0, call.seconds_left()))
    if not waiter.done():
        raise cancelled() if call.cancelled else overtime()


# The end of a call that did not simply return.


def _conclude(store: WasmStore, error: int | None, *, odd: bool) -> None:
    """Raises the error of a call; returns when it succeeded after all, by an exit with code 0.

    First what ended the call from outside or in a host function, then the text the guest set, then the trap,
    then the exit code. `odd` marks an export whose result is not an exit code.

    Source: the Extism host's precedence of error texts.
    """
    fault = take_fault(error, store.trap_words[0])
    code = -1 if odd else _signed(store.result_words[0])
    store.trap_words[0] = store.result_words[0] = 0
    raised = store.call.take_error()
    if isinstance(raised, WasiExit):
        _after_exit(store, raised.code)
        return
    if raised is not None:
        if fault is not None and fault.backtrace:
            raised.add_note("in the guest: " + " < ".join(fault.backtrace))
        raise raised
    used = store.fuel_used()
    if used is not None and used > (store.parts.policy.limits.fuel or 0):
        raise _out_of_fuel(store)
    text = store.call.exchange.error_text(_TEXT)
    if text is not None:
        raise _reported(text)
    if fault is not None:
        raise _trapped(store, fault)
    if code:
        raise GuestFailed(f"Error code: {code}", remedy="see `omnicore plugins logs`", exit_code=code)


def _after_exit(store: WasmStore, code: int) -> None:
    text = store.call.exchange.error_text(_TEXT)
    if text is not None:
        raise _reported(text)
    if code:
        raise GuestFailed(f"Error code: {code} (the guest exited)", exit_code=code)


def _reported(text: str) -> GuestFailed:
    return GuestFailed(text or "the guest reported an error without a text")


def _signed(word: int) -> int:
    low = word & 0xFFFFFFFF
    return low - (1 << 32) if low >> 31 else low


def _trapped(store: WasmStore, fault: EngineFault) -> OmniError:
    if fault.code is TrapCode.OUT_OF_FUEL:
        return _out_of_fuel(store)
    if fault.code is TrapCode.INTERRUPT:
        return DeadlineExceeded("timeout: the call was cut", limit="timeout_s")
    if fault.code is TrapCode.STACK_OVERFLOW:
        return GuestTrapped(
            f"wasm trap: call stack exhausted ({STACK_BYTES} bytes)",
            remedy="recurse less deeply",
            trap="stack-overflow",
            backtrace=_backtrace(store, fault),
        )
    name = fault.code.name.lower().replace("_", "-") if fault.code is not None else "error"
    text = f"wasm trap: {name}: {fault.message.splitlines()[-1] if fault.message else ''}".rstrip(": ")
    places = _places(store, fault)
    return GuestTrapped(
        text + (f" at {places[0]}" if places and places[0] else ""),
        remedy=_advice(store),
        trap=name,
        backtrace=_backtrace(store, fault),
    )


def _backtrace(store: WasmStore, fault: EngineFault) -> tuple[str, ...]:
    """The guest's frames, with files and lines where the module tells them."""
    pairs = zip(fault.backtrace, _places(store, fault), strict=True)
    return tuple(f"{name} at {place}" if place else name for name, place in pairs)


def _places(store: WasmStore, fault: EngineFault) -> tuple[str, ...]:
    lines = store.parts.lines
    return tuple(
        lines.place(frame.offset) if lines is not None and frame.module != KERNEL_NAME else "" for frame in fault.frames
    )


def _out_of_fuel(store: WasmStore) -> FuelExhausted:
    return FuelExhausted(
        "plugin ran out of fuel: all fuel consumed",
        remedy="do less in one call, or raise limits.fuel",
        limit="fuel",
        allowed=store.parts.policy.limits.fuel,
    )


def _advice(store: WasmStore) -> str:
    held, allowed = store.footprint.size(), store.parts.policy.limits.memory_bytes
    if held * 10 >= allowed * 8:
        return f"it may be out of memory (it holds {held} of {allowed} bytes): raise limits.memory_bytes"
    return "the plugin has a bug; its backtrace is in the error's details"


class ExtismTemplate:
    """See `omnicore.sandbox.engine.Template`. Safe to use from several threads.

    `build` makes the parts again in a forked child, which must not use the parent's engine.
    """

    def __init__(self, parts: LinkedPlugin, build: Callable[[], LinkedPlugin]) -> None:
        self._parts = parts
        self._build = build
        self._idle: dict[bool, deque[WasmStore]] = {False: deque(), True: deque()}
        self._cooling: set[WasmStore] = set()
        self._closed = False
        register_idle_owner(self)
        self.exports = tuple(name for name, entry in parts.entry_points.items() if not entry.refusal)

    @shielded
    def __del__(self) -> None:
        if not sys.is_finalizing():
            self.give_up()

    @shielded
    def instance(self, *, on_loop: bool = False) -> ExtismInstance:
        """A new sandbox. Raises: CapacityReached, Unavailable: the template is closed."""
        if self._closed:
            raise Unavailable("the plugin version is closed", remedy="call the plugin's present version")
        install()
        try:
            if self._parts.generation != generation():
                self._restart()
            # A linked command is run by a blocking call inside the call, which the engine refuses on a fiber.
            store = self._take(on_loop=on_loop and FIBERS and not self._parts.forwarded)
            policy = self._parts.policy
            store.call.renew(policy.doors.variables or Variables(policy.limits.var_bytes))
            return ExtismInstance(self, store)
        finally:
            if PENDING:
                deliver()

    def with_fuel(self, fuel: int) -> ExtismTemplate:
        """The same code for calls with more or less fuel; a template of its own. This one has to count fuel, too."""

        def fuelled(parts: LinkedPlugin) -> LinkedPlugin:
            limits = replace(parts.policy.limits, fuel=fuel)
            return replace(parts, policy=replace(parts.policy, limits=limits))

        return ExtismTemplate(fuelled(self._parts), lambda: fuelled(self._build()))

    def _take(self, *, on_loop: bool) -> WasmStore:
        """A store for a fresh guest. Raises: CapacityReached."""
        try:
            return self._idle[on_loop].pop()
        except IndexError:
            pass
        try:
            return WasmStore(self._parts, on_loop=on_loop)
        except CapacityReached:
            if not reclaim():
                raise
            return WasmStore(self._parts, on_loop=on_loop)

    def renewed(self, store: WasmStore) -> WasmStore:
        """A store for the guest after one that is done: the same while it has room. Raises: CapacityReached."""
        if not store.broken and store.footprint.has_room(store.parts.batch):
            return store
        store.close()
        return self._take(on_loop=store.on_loop)

    def exists(self, name: str) -> bool:
        """True for exports that take nothing and return nothing or one i32."""
        entry = self._parts.entry_points.get(name)
        return entry is not None and entry.plain

    def take_back(self, store: WasmStore, *, reusable: bool) -> None:
        """Keeps a store for the next instance, or frees it."""
        call = store.call
        if call.wasi is not None:
            call.end_session()
        idle = self._idle[store.on_loop]
        if (
            reusable
            and not self._closed
            and store.parts is self._parts
            and call.exchange is not CLOSED
            and store.footprint.has_room(store.parts.batch)
            and len(idle) < _MOST_IDLE
        ):
            idle.append(store)
            if store.footprint.held > _HEAVY_BYTES and store not in self._cooling:
                self._cooling.add(store)
                COOLING.note(self, store, NEVER_KEPT)  # another one costs 10 us
            if self._closed:  # by another thread, a moment ago
                self.close()
        else:
            store.close()

    def close(self) -> None:
        """Frees idle stores; instances that are out come back to be freed."""
        self._closed = True
        self.give_up()

    def give_up(self) -> int:
        """Frees idle stores and returns how many."""
        count = 0
        for idle in self._idle.values():
            with contextlib.suppress(IndexError):  # another thread took the last one
                while idle:
                    idle.pop().close()
                    count += 1
        return count

    def holds(self, kept: WasmStore) -> bool:
        """True while this store is idle."""
        idle = kept in self._idle[kept.on_loop]
        if not idle:
            self._cooling.discard(kept)
        return idle

    def drop(self, kept: WasmStore) -> bool:
        """Frees this store; False when it is in use, or gone."""
        self._cooling.discard(kept)
        try:
            self._idle[kept.on_loop].remove(kept)
        except (ValueError, IndexError):  # the latter: other threads took and gave meanwhile
            return False
        kept.close()
        return True

    def _restart(self) -> None:
        for idle in self._idle.values():
            idle.clear()
        self._parts = self._build()
