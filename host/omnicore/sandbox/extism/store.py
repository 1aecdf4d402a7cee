"""Stores with a kernel and host functions, the part of a sandbox that outlives one guest; kernels of each preset, and
the thread that moves the epochs of their engines.

A store, a kernel and their links cost more than the guest itself (10 us against 3), so a store serves several fresh
guests one after the other. They share nothing: each has its own memory, tables and globals, and the exchange memory
starts a new generation with every call.
"""

from __future__ import annotations

import itertools
import os
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from importlib import resources
from typing import Any

from omnicore.errors import CapacityReached, EngineFailed, GuestTrapped, MemoryExceeded, NotFound, OmniError
from omnicore.sandbox.abi import KIB, MIB
from omnicore.sandbox.budget import BUDGET, reclaim
from omnicore.sandbox.call import Running, cancelled, overtime
from omnicore.sandbox.capi.code import STACK_BYTES, CompiledModule, Preset, RawEngine, compile_module, text_to_binary
from omnicore.sandbox.capi.library import (
    EXTERN_WORDS,
    FUNCTION_AT,
    PENDING,
    Buffer,
    Callback,
    EngineFault,
    FunctionType,
    decommit,
    deliver,
    epoch_callback,
    export,
    fast_instantiate,
    lib,
    new_error,
    prepared,
    shielded,
    take_error,
    take_fault,
    tick,
)
from omnicore.sandbox.extism.call import (
    CALLS,
    CALLS_BY_CONTEXT,
    CLOSED,
    COMMITTED_AT_START,
    ExchangeMemory,
    Forwarded,
    GuestCall,
    HostFunctions,
    Policy,
)
from omnicore.sandbox.extism.links import LinkedModule, LinkPlan
from omnicore.sandbox.inspect import OWN_PREFIX
from omnicore.sandbox.lines import SourceLines
from omnicore.sandbox.wasm import PAGE_BYTES

STORES: dict[int, WasmStore] = {}
"""Stores by their key, the number that C hands back to callbacks."""

NO_RESULT, I32_RESULT, OTHER_RESULT = 0, 1, 2
_COMMAND = "_start"
_MEMORY = (OWN_PREFIX + "memory").encode()
_SLACK_BYTES = 16 * MIB
_RESERVE = 10_000  # instructions
_keys = itertools.count(1)


TICK_S = 0.01
_LINGER = 50  # ticks without a running guest before the thread sleeps; waking it costs a call 20 us


class Ticker:
    """Ticks while `running` holds anything. `idle` says that the next call must `wake` it."""

    def __init__(self) -> None:
        self.running: set[Any] = set()
        self.engines: list[int] = []
        self._start_over()

    def _start_over(self) -> None:
        self.running.clear()
        self.idle = True
        self._started = False
        self._bell = threading.Event()
        self._lock = threading.Lock()

    def forked(self) -> None:
        """The thread did not come along into the child, nor do its engines' stores."""
        self.engines.clear()
        self._start_over()

    def wake(self) -> None:
        """Starts the thread, or ends its sleep."""
        with self._lock:
            self.idle = False
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="omnicore-ticker", daemon=True).start()
            self._bell.set()

    def _run(self) -> None:
        quiet = 0
        while True:
            # Half the rate while calls end between looks: every tick takes the interpreter's lock from another thread.
            time.sleep(TICK_S if self.running else 2 * TICK_S)
            for engine in self.engines:
                tick(engine)
            quiet = 0 if self.running else quiet + 1
            if quiet >= _LINGER:
                self._rest()
                quiet = 0

    def _rest(self) -> None:
        with self._lock:
            self._bell.clear()
            self.idle = True
        # A call that began before it could see `idle` is in `running` by now.
        if self.running:
            self.idle = False
            return
        self._bell.wait()


TICKER = Ticker()
os.register_at_fork(after_in_child=TICKER.forked)


class GuestKernel:
    """An engine with the compiled kernel, ready to be instantiated in any store of the engine."""

    __slots__ = ("engine", "module", "pre")

    def __init__(self, preset: Preset) -> None:
        self.engine = RawEngine(preset)
        text = resources.files("omnicore.sandbox.extism").joinpath("kernel.wat").read_bytes()
        self.module: CompiledModule = compile_module(self.engine, text_to_binary(text))
        linker, pre = lib.wasmtime_linker_new(self.engine.pointer), Buffer(1)
        error = lib.wasmtime_linker_instantiate_pre(linker, self.module.pointer, pre.address)
        lib.wasmtime_linker_delete(linker)
        if error:
            raise EngineFailed(f"the kernel cannot be prepared: {take_error(error).message}")
        self.pre: int = pre.words[0]
        TICKER.engines.append(self.engine.pointer)


class _Kernels:
    def __init__(self) -> None:
        self.made: dict[Preset, GuestKernel] = {}
        self.lock = threading.Lock()
        self.generation = 0

    def forked(self) -> None:
        """Nothing of the parent's engines is used in a child: their threads and locks did not come along."""
        self.made = {}
        self.lock = threading.Lock()
        self.generation += 1


_KERNELS = _Kernels()
os.register_at_fork(after_in_child=_KERNELS.forked)


def kernel_for(preset: Preset) -> GuestKernel:
    """The kernel of a preset. Raises: EngineFailed."""
    with _KERNELS.lock:
        kernel = _KERNELS.made.get(preset)
        if kernel is None:
            kernel = _KERNELS.made[preset] = GuestKernel(preset)
        return kernel


def generation() -> int:
    """Counts forks: what was made in another generation belongs to a parent's engine."""
    return _KERNELS.generation


LARGE_BYTES = 2 * MIB
"""A guest that held more gives its pages back when it is done, in 10 us."""

_FREE_BYTES = 256 * KIB  # of growth that is not counted
_FREE_HELD_BYTES = 2 * MIB  # by guests that are done: no more than the kernel's untouched pages
_MOST_HELD_BYTES = 16 * MIB  # by guests that are done: freed with the store, not before
_KEPT_BYTES = 3 * MIB  # an idle sandbox that holds more is given up after a while
_STEP_BYTES = 4 * MIB  # a store is charged for guests that are done in these steps
KERNEL_NAME = "omnicore_kernel"
"""The name that `kernel.wat` gives its module."""
_KERNEL_BYTES = COMMITTED_AT_START + 9 * PAGE_BYTES  # the memories of `kernel.wat`


class Footprint:
    """The memory of one store, charged to the budget of all sandboxes. Units: bytes.

    `guests` counts those made so far and `held` is what those hold that are done; `noted` is the size of the present
    one when it was last measured, where it has grown, and `paid` what is charged for those that are done. `eager`:
    calls are admitted with all they may grow to. `watermark` is the size of a guest's memory and the committed
    exchange memory from which on the store must be charged again. `kept_bytes`: see `omnicore.sandbox.engine.Instance`.

    Args:
        limit: what one guest may hold.
        first: what the memories of a guest start with.
        stack: what a stack of its own takes.
    """

    # fmt: off
    __slots__ = (
        "_beside", "_context", "_exchange", "_first", "_limit", "_memories", "_noted", "_paid", "charged", "eager",
        "guests", "held", "kept_bytes", "watermark",
    )
    # fmt: on

    def __init__(self, context: int, exchange: ExchangeMemory, *, limit: int, first: int, stack: int) -> None:
        self._context, self._exchange = context, exchange
        self._limit, self._first = limit, first
        self._beside = _KERNEL_BYTES - _FREE_HELD_BYTES + stack
        self._memories: tuple[int, ...] = ()
        self._noted, self._paid = 0, _FREE_HELD_BYTES
        self._mark(first)
        self.charged = self.guests = self.held = 0
        self.eager = first > _STEP_BYTES or not BUDGET.is_ordinary(limit)
        self.kept_bytes = first if first > _KEPT_BYTES else 0
        BUDGET.charge(self, self._other_bytes() + (0 if self.eager else first))

    def follow(self, memories: tuple[int, ...]) -> None:
        """Measures these memories from now on: those of a fresh guest."""
        self._memories = memories
        self.guests += 1

    def follow_also(self, memory: int) -> None:
        """Measures one more memory."""
        self._memories = (*self._memories, memory)

    @property
    def memories(self) -> tuple[int, ...]:
        """The addresses of the memories of the present guest."""
        return self._memories

    def size(self) -> int:
        """Bytes of all memories of the present guest, and what the exchange memory grew."""
        size = self._exchange.committed - COMMITTED_AT_START
        for memory in self._memories:
            size += lib.wasmtime_memory_data_size(self._context, memory)
        return size

    def admit(self) -> None:
        """Has the budget reserve what the guest may grow to. Blocks. Raises: Unavailable."""
        BUDGET.admit(self, self._limit, beside=self._other_bytes())

    async def admit_async(self) -> None:
        """The same for an event loop. Raises: Unavailable."""
        await BUDGET.admit_async(self, self._limit, beside=self._other_bytes())

    def settle(self) -> None:
        """Charges what the store holds now, no more and no less."""
        size, first = self.size(), self._first
        self._noted = size if size > first else 0
        held = max(size, first)
        self._mark(held)
        self.kept_bytes = held if held > _KEPT_BYTES else 0
        if self.eager and not self.guests:
            first = 0
        charged = self._other_bytes() + max(size, first)
        if charged != self.charged:
            BUDGET.charge(self, charged)

    def _mark(self, size: int) -> None:
        self.watermark = min(size + _FREE_BYTES, self._limit) + COMMITTED_AT_START

    def outgrown(self) -> OmniError | None:
        """The error for a guest that has grown further than it may, or than all sandboxes together may; None when it
        has not. Asked at every tick."""
        size = self.size()
        if size > self._limit:
            return self.oversize()
        if size > self._noted and size > self._first:
            self._noted = size
            wanted = self._other_bytes() + size
            if wanted > self.charged and not BUDGET.grow(self, wanted):
                return BUDGET.over()
        return None

    def oversize(self) -> MemoryExceeded | None:
        """The error for a guest that holds more memory than it may; None when it does not."""
        size = self.size()
        if size <= self._limit:
            return None
        return MemoryExceeded(
            f"oom: the plugin's memories hold {size} bytes, {self._limit} are allowed",
            remedy="use less memory, or raise limits.memory_bytes",
            limit="memory_bytes",
            allowed=self._limit,
        )

    def has_room(self, batch: int) -> bool:
        """Ends the present guest. True when another one may be made: of `batch` in all, while little is held."""
        size = self.size()
        self.held = held = self.held + size
        room = self.guests < batch and held <= _MOST_HELD_BYTES and not self._exchange.worn
        if size > LARGE_BYTES:
            self._give_back()
        self._memories = ()
        if room and (held > self._paid or size > LARGE_BYTES or self._noted):
            self._paid = held + _STEP_BYTES
            self.settle()
        return room

    def forget(self) -> None:
        """Ends the charge in a forked child, whose budget begins with none."""
        self.charged = 0

    def give_up(self) -> None:
        """Gives the pages back to the machine when the store is about to be freed."""
        self._give_back()
        if self._exchange.committed > LARGE_BYTES:
            self._exchange.decommit()

    def _give_back(self) -> None:
        """Gives the pages of the present guest, which is done, back to the machine."""
        for memory in self._memories:
            size = lib.wasmtime_memory_data_size(self._context, memory)
            if size > PAGE_BYTES:
                decommit(lib.wasmtime_memory_data(self._context, memory), size)

    def _other_bytes(self) -> int:
        """Bytes beside the guest: the kernel, guests that are done, a stack, the table of blocks."""
        return self._beside + self._paid + (self._exchange.committed - COMMITTED_AT_START) // 2


@dataclass(frozen=True, slots=True)
class EntryPoint:
    """An export of `main`: its kind of result, and why it cannot be called if it cannot."""

    result: int
    refusal: str = ""

    @property
    def plain(self) -> bool:
        """True when it takes nothing and returns nothing or one i32."""
        return not self.refusal and self.result != OTHER_RESULT


@dataclass(frozen=True, slots=True)
class LinkedPlugin:
    """Shared by all instances of one plugin.

    `batch` fresh guests are made in one store; `exchange_bytes` bounds its exchange memory; `first_bytes` is what the
    memories of a guest start with; `lines` are those of its code, where it is one module with DWARF.
    """

    engine: RawEngine
    kernel: GuestKernel
    plan: LinkPlan
    modules: tuple[CompiledModule, ...]
    host_functions: HostFunctions
    policy: Policy
    forwarded: Mapping[tuple[int, str], int]
    entry_points: Mapping[str, EntryPoint]
    exchange_bytes: int
    batch: int
    first_bytes: int
    generation: int
    lines: SourceLines | None


Entry = tuple[tuple[Any, ...], bool, int, bool, int, bytes]
"""An export: the arguments of its C call, whether its end needs care, how many results it has, whether those
are not exit codes, its address, its name."""


class WasmStore:
    """One store with a kernel, the call that runs in it, its guest, and what its memory costs.

    Used by one thread at a time; only `call.cancel` may come from another. Owns: everything in it; `close` frees it.
    Unfreed ones stay in `STORES`.

    Raises: CapacityReached: the engine's pool has no room for another.
    """

    # fmt: off
    __slots__ = (
        "_commit_at", "call", "context", "footprint", "guest", "key", "on_loop", "parts", "plain", "pointer",
        "result_words", "trap", "trap_words", "values",
    )
    # fmt: on

    def __init__(self, parts: LinkedPlugin, *, on_loop: bool) -> None:
        self.parts, self.on_loop = parts, on_loop
        self.key = next(_keys)
        self.values, self.trap, self._commit_at = Buffer(16), Buffer(1), Buffer(EXTERN_WORDS)
        self.result_words, self.trap_words = self.values.words, self.trap.words
        self.pointer: int = lib.wasmtime_store_new(parts.engine.pointer, None, None)
        self.context: int = lib.wasmtime_store_context(self.pointer)
        try:
            self._limit()
            kernel = self._kernel()
            exchange = self._exchange(kernel)
            self.call = GuestCall(parts.policy, exchange, on_loop=on_loop)
            functions = parts.host_functions.provide(self.key, self.context, on_loop=on_loop)
            self.guest = Guest(self, kernel=self._kernel_externs(kernel), host=functions)
            self.footprint = Footprint(
                self.context,
                exchange,
                limit=parts.policy.limits.memory_bytes,
                first=parts.first_bytes,
                stack=STACK_BYTES if on_loop else 0,
            )
        except BaseException:
            lib.wasmtime_store_delete(self.pointer)
            raise
        STORES[self.key] = self
        CALLS[self.key] = CALLS_BY_CONTEXT[self.context] = self.call
        policy = parts.policy
        self.plain = policy.limits.fuel is None and policy.doors.wasi is None and not self.footprint.eager

    def _limit(self) -> None:
        parts, limits = self.parts, self.parts.policy.limits
        # The limiter knows single memories only; the sum is looked at in every tick and after every call.
        # The slack lets a guest that grows step by step cross the line and get an error, instead of a bare -1.
        hard = max(limits.memory_bytes + _SLACK_BYTES, parts.exchange_bytes)
        lib.wasmtime_store_limiter(self.pointer, hard, limits.table_elements, -1, -1, -1)
        lib.wasmtime_store_epoch_deadline_callback(self.pointer, _AT_EPOCH[1], self.key, None)
        if limits.fuel is not None:
            lib.wasmtime_context_set_fuel(self.context, 1 << 40)

    def _kernel(self) -> Buffer:
        """The address of a kernel's instance. Raises: CapacityReached."""
        instance, trap = Buffer(2), Buffer(1)
        pre = self.parts.kernel.pre
        error = lib.wasmtime_instance_pre_instantiate(pre, self.context, instance.address, trap.address)
        fault = take_fault(error, trap.words[0])
        if fault is not None:
            raise _no_room(fault.message)
        return instance

    def _exchange(self, kernel: Buffer) -> ExchangeMemory:
        found, views = Buffer(EXTERN_WORDS), []
        for name in (b"memory", b"header"):
            if not export(self.context, kernel.address, name, found.address):
                raise EngineFailed(f"the kernel has no {name!r}")
            views.append(lib.wasmtime_memory_data(self.context, found.address + FUNCTION_AT))
        export(self.context, kernel.address, b"host:commit", self._commit_at.address)
        return ExchangeMemory(views[0], views[1], self.parts.exchange_bytes, self._commit)

    def _commit(self, end: int) -> bool:
        values, trap = Buffer(2), Buffer(1)
        values.words[0] = end
        error = lib.wasmtime_func_call_unchecked(
            self.context, self._commit_at.address + FUNCTION_AT, values.address, 1, trap.address
        )
        return take_fault(error, trap.words[0]) is None and bool(values.words[0] & 1)

    def _kernel_externs(self, kernel: Buffer) -> Buffer:
        names = self.parts.plan.kernel
        externs = Buffer(EXTERN_WORDS * max(1, len(names)))
        for index, name in enumerate(names):
            export(self.context, kernel.address, name.encode(), externs.address + 32 * index)
        return externs

    @property
    def broken(self) -> bool:
        """True when a call was cut where its guest or a host coroutine may still stand: no other call may run."""
        return self.call.exchange is CLOSED

    def refuel(self) -> None:
        """Fills the tank for a call. The engine looks at it at loops and function entries only, so a guest may
        run past the limit to the next of these: the tank holds a reserve, and the count afterwards decides."""
        fuel = self.parts.policy.limits.fuel
        if fuel is not None:
            lib.wasmtime_context_set_fuel(self.context, fuel + _RESERVE)

    def fuel_used(self) -> int | None:
        """Instructions of the last call; None without a limit."""
        fuel = self.parts.policy.limits.fuel
        if fuel is None:
            return None
        left = Buffer(1)
        lib.wasmtime_context_get_fuel(self.context, left.address)
        return fuel + _RESERVE - left.words[0]

    def orphan(self) -> None:
        """Gives the store up in a forked child: it belongs to the parent and is never touched."""
        self.call.cut()
        self.footprint.forget()

    def close(self) -> None:
        """Frees the store; a second time does nothing."""
        if STORES.pop(self.key, None) is None:
            return
        del CALLS[self.key], CALLS_BY_CONTEXT[self.context]
        self.call.cut()  # a host function that kept its call beyond its end must not touch freed memory
        self.call.end_session()
        if self.parts.engine.ours:
            self.footprint.give_up()
            lib.wasmtime_store_delete(self.pointer)
        BUDGET.charge(self.footprint, 0)


def _no_room(text: str) -> CapacityReached:
    return CapacityReached(f"no room for another sandbox: {text}", remedy="let calls finish, or raise max_instances")


def _orphan_stores() -> None:
    """Gives up a parent's stores in its child. They stay in `STORES`: it may have forked in a callback."""
    for store in STORES.values():
        store.orphan()


os.register_at_fork(after_in_child=_orphan_stores)


def cut_short(call: Running) -> BaseException | None:
    """The error that ends the call now: cancelled, over its deadline, or Ctrl-C; None to go on."""
    if call.cancelled:
        return cancelled()
    if time.monotonic() >= call.deadline:
        return overtime()
    if PENDING:
        try:
            deliver()
        except BaseException as error:
            return error
    return None


@shielded
def _at_epoch(_context: int, key: int, delta: Any, kind: Any) -> int | None:
    """Ends a guest that has to end. Asked at every tick, on the guest's own thread."""
    try:
        store = STORES[key]
        call = store.call
        delta[0] = 1
        kind[0] = call.suspension.yields  # 1: let the event loop run before going on
        reason = cut_short(call) or store.footprint.outgrown()
        if reason is None:
            return None
        call.fail_with(reason)
    except BaseException as error:
        return new_error(f"the epoch callback failed: {error!r}".encode())
    return new_error(b"the call was cut")


_AT_EPOCH: Callback = epoch_callback(_at_epoch)


class Guest:
    """The instances of a plugin's modules in a store; `make` puts fresh ones in their place, of which nothing has run.

    Everything that C writes to is allocated once for the store: it is a third of what a fresh guest costs.

    Args:
        kernel, host: the externs of the kernel's functions and the host's, in the plan's order.

    Owns: the buffers. The instances before go with the store; nothing refers to them any more.
    """

    # fmt: off
    __slots__ = (
        "_entries", "_exports", "_imports", "_instances", "_kept", "_linear", "_memories", "_prepared", "_store",
        "memory",
    )
    # fmt: on

    def __init__(self, store: WasmStore, *, kernel: Buffer, host: Buffer) -> None:
        self._store = store
        parts = store.parts
        modules = parts.plan.modules
        self._instances = [Buffer(2) for _ in modules]
        self._imports = [_imports(parts, module, kernel, host) for module in modules]
        self._exports: dict[bytes, Buffer] = {}
        self._entries: dict[str, Entry] = {}
        self._memories = [
            (index, Buffer(EXTERN_WORDS))
            for index, module in enumerate(modules)
            if not module.command and module.info.memories and not module.info.memories[0].imported
        ]
        self._prepared = [self._arguments(index, instance.address) for index, instance in enumerate(self._instances)]
        self._linear = tuple(memory.address + FUNCTION_AT for _, memory in self._memories)
        self._kept: list[Buffer] = []
        self.memory: tuple[Any, ...] = prepared(store.context, *self._linear) if len(self._linear) == 1 else ()

    def make(self) -> None:
        """Instantiates every module; none of their code runs. Raises: CapacityReached, MemoryExceeded."""
        store = self._store
        for index, module in enumerate(store.parts.plan.modules):
            if not module.command:
                refusal = self._refusal(index)
                if isinstance(refusal, CapacityReached) and reclaim():
                    refusal = self._refusal(index)
                if refusal is not None:
                    raise refusal
        for index, memory in self._memories:
            export(store.context, self._instances[index].address, _MEMORY, memory.address)
        store.footprint.follow(self._linear)
        self._kept.clear()

    def _refusal(self, index: int) -> OmniError | None:
        fault = self._instantiate(index, self._prepared[index])
        return None if fault is None else explain_refusal(fault)

    def command(self, index: int, instance_at: int) -> EngineFault | None:
        """Instantiates a command module once more. Returns what went wrong.

        Its memory stays until the store is freed, so it counts from now on.
        """
        store = self._store
        fault = self._instantiate(index, self._arguments(index, instance_at))
        memory = Buffer(EXTERN_WORDS)
        if fault is None and export(store.context, instance_at, _MEMORY, memory.address):
            self._kept.append(memory)
            store.footprint.follow_also(memory.address + FUNCTION_AT)
        return fault

    def _arguments(self, index: int, instance_at: int) -> tuple[Any, ...]:
        store, imports = self._store, self._imports[index]
        count = len(store.parts.plan.modules[index].sources)
        module = store.parts.modules[index].pointer
        return prepared(store.context, module, imports.address, count, instance_at, store.trap.address)

    def _instantiate(self, index: int, arguments: tuple[Any, ...]) -> EngineFault | None:
        store = self._store
        if store.parts.policy.several:
            imports = self._imports[index]
            for position, source in enumerate(store.parts.plan.modules[index].sources):
                if source.kind == "module":
                    provider = self._instances[source.index].address
                    export(store.context, provider, source.name.encode(), imports.address + 32 * position)
        error = fast_instantiate(*arguments)
        if not error and not store.trap_words[0]:
            return None
        fault = take_fault(error, store.trap_words[0])
        store.trap_words[0] = 0
        return fault

    def initialisers(self) -> Iterator[tuple[int, int]]:
        """Functions to call before any other, with how many zero arguments, in order."""
        for index, module in enumerate(self._store.parts.plan.modules):
            if not module.command:
                for initialiser in module.initialisers:
                    yield self._function(initialiser.name.encode(), index), initialiser.zeros

    def entry(self, name: str) -> Entry:
        """An export of `main`, ready to be called in the present guest. Raises: NotFound."""
        entry = self._entries.get(name)
        if entry is None:
            entry = self._entries[name] = self._described(name)
        else:
            self._function(entry[5])
        return entry

    def _described(self, name: str) -> Entry:
        store = self._store
        exports, policy = store.parts.entry_points, store.parts.policy
        described = exports.get(name)
        if described is None:
            raise NotFound(
                f"Function not found: {name[:200]}",
                remedy=f"the plugin exports {', '.join(list(exports)[:20]) or 'no function'}",
            )
        if described.refusal:
            raise NotFound(described.refusal, remedy="call a function without parameters and with one i32 result")
        odd = described.result == OTHER_RESULT
        careful = not store.plain or odd or name == _COMMAND or policy.several
        encoded = name.encode()
        address = self._function(encoded)
        arguments = prepared(store.context, address, store.values.address, 1, store.trap.address)
        return arguments, careful, int(described.result != NO_RESULT), odd, address, encoded

    def _function(self, name: bytes, index: int | None = None) -> int:
        """The address of an exported function of a module, `main` unless another is asked for."""
        found = self._exports.get(name)
        if found is None:
            found = self._exports[name] = Buffer(EXTERN_WORDS)
        store = self._store
        instance = self._instances[store.parts.plan.main if index is None else index]
        if not export(store.context, instance.address, name, found.address):
            raise EngineFailed(f"the engine does not find the export {name.decode()!r} that the module declares")
        return found.address + FUNCTION_AT


def _imports(parts: LinkedPlugin, module: LinkedModule, kernel: Buffer, host: Buffer) -> Buffer:
    """The externs a module imports, in its order; those of other modules are filled in when these are made."""
    imports = Buffer(EXTERN_WORDS * max(1, len(module.sources)))
    for position, source in enumerate(module.sources):
        if source.kind == "module":
            continue
        externs, index = kernel, source.index
        if source.kind == "host":
            externs = host
        elif source.kind == "command":
            externs, index = host, parts.forwarded[(source.index, source.name)]
        at = EXTERN_WORDS * position
        imports.words[at : at + EXTERN_WORDS] = externs.words[EXTERN_WORDS * index : EXTERN_WORDS * (index + 1)]
    return imports


def commands_of(plan: LinkPlan) -> dict[tuple[int, str], Forwarded]:
    """Functions that instantiate a command module and call an export of it, by module and export."""
    found: dict[tuple[int, str], Forwarded] = {}
    for module in plan.modules:
        for source in module.sources:
            key = (source.index, source.name)
            if source.kind == "command" and key not in found:
                kind = FunctionType(source.type.params, source.type.results)
                found[key] = (kind, _run_command(*key))
    return found


def _run_command(index: int, name: str) -> Callable[[int, int, int, int], int | None]:
    def run(key: int, _caller: int, values_at: int, count: int) -> int | None:
        store = STORES[key]
        context = store.context
        try:
            store.call.spend_call()
            instance, found, trap = Buffer(2), Buffer(EXTERN_WORDS), Buffer(1)
            fault = store.guest.command(index, instance.address)
            if fault is None:
                export(context, instance.address, name.encode(), found.address)
                error = lib.wasmtime_func_call_unchecked(
                    context, found.address + FUNCTION_AT, values_at, count, trap.address
                )
                fault = take_fault(error, trap.words[0])
            if over := store.footprint.oversize():
                raise over
            if fault is not None:
                raise GuestTrapped(f"{name} of a linked command failed: {fault.message}", backtrace=fault.backtrace)
        except BaseException as error:
            return store.call.fail(error)
        return None

    return run


def explain_refusal(fault: EngineFault) -> OmniError:
    """The error of an instance that the engine did not make."""
    text = fault.message
    if "concurrent" in text or "mmap failed" in text or ("maximum" in text and "limit" in text):
        return _no_room(text)
    if "memory minimum size" in text or "exceeds memory limits" in text:
        return MemoryExceeded(f"oom: {text}", remedy="raise limits.memory_bytes", limit="memory_bytes")
    return GuestTrapped(f"the module cannot be instantiated: {text}", remedy="rebuild it", backtrace=fault.backtrace)
