"""A store with its kernel and host functions: the part of a sandbox that outlives one guest.

Making a store, a kernel and their links costs more than the guest itself (10 us against 3), so a cell serves
several fresh guests one after the other. They share nothing: each has its own memory, tables and globals, and
the exchange memory starts a new generation with every call.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
from typing import TYPE_CHECKING, Any

from omnicore.errors import CapacityReached, Conflict, EngineFailed, LimitExceeded, MemoryExceeded
from omnicore.sandbox.abi import HostFunction, LogLevel
from omnicore.sandbox.capi.faults import new_trap
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer
from omnicore.sandbox.capi.store import EXTERN_WORDS, FUNCTION_AT, export, take_fault
from omnicore.sandbox.extism.env import log_rank
from omnicore.sandbox.extism.exchange import CLOSED, COMMITTED_AT_START, Exchange
from omnicore.sandbox.extism.guest import Guest
from omnicore.sandbox.extism.guest_memory import GuestMemory
from omnicore.sandbox.extism.hosting import CELLS, CELLS_BY_CONTEXT
from omnicore.sandbox.extism.interrupt import shielded
from omnicore.sandbox.extism.watch import AT_EPOCH
from omnicore.sandbox.variables import Variables
from omnicore.sandbox.wasi.session import WasiSession

if TYPE_CHECKING:
    from omnicore.sandbox.extism.fiber import Fiber
    from omnicore.sandbox.extism.parts import Parts

__all__ = ["Cell"]

_keys = itertools.count(1)
_SLACK_BYTES = 16 * 1024 * 1024
_RESERVE = 10_000  # instructions
_MOST_HELD_BYTES = 16 * 1024 * 1024  # by guests that are done: freed with the cell, not before


class Cell:
    """One store. What host functions are given as their call, see `omnicore.sandbox.abi.HostCall`.

    Used by one thread at a time. Owns: the store and everything in it; `close` frees them.

    Raises: CapacityReached: the engine's pool has no room for another.
    """

    # fmt: off
    __slots__ = (
        "_commit_at", "answer", "broken", "caller", "calls_left", "cancelled", "config", "context", "deadline",
        "doors", "entries", "error", "exchange", "externs", "fibers", "functions", "guest", "guests", "held",
        "host_context", "http_left", "http_response_headers", "http_status", "key", "limits", "linear",
        "log_bytes_left", "log_lines_left", "log_rank", "loop", "memory", "memory_arguments", "on_loop",
        "parts", "raw_store", "spending", "stdin", "trap", "trap_at", "trap_words", "values", "values_at",
        "variables", "waiter", "wasi", "yields",
    )
    # fmt: on

    def __init__(self, parts: Parts, *, on_loop: bool) -> None:
        self.parts = parts
        self.limits, self.doors, self.config = parts.limits, parts.doors, parts.config
        self.log_rank = log_rank(parts.doors.log_level if parts.doors.log else None)
        self.on_loop = on_loop
        self.yields = 0
        self.key = next(_keys)
        self.guests = self.held = 0
        self.linear: tuple[int, ...] = ()
        self.loop: asyncio.AbstractEventLoop | None = None
        self.waiter: asyncio.Task[Any] | None = None
        self.answer: tuple[HostFunction, int, int]  # of the awaited function: itself, results, trap
        self.wasi: WasiSession | None = None
        self.memory: GuestMemory | None = None
        self.values, self.trap = Buffer(16), Buffer(1)
        self.values_at, self.trap_at = self.values.address, self.trap.address
        self.trap_words = self.trap.words
        self.broken = False
        self.entries: dict[str, Any] = {}
        self.fibers: dict[int, Fiber] = {}
        self.memory_arguments: tuple[Any, ...] = ()
        self.raw_store: int = lib.wasmtime_store_new(parts.engine.pointer, None, None)
        self.context: int = lib.wasmtime_store_context(self.raw_store)
        CELLS[self.key] = CELLS_BY_CONTEXT[self.context] = self
        try:
            self._furnish()
        except BaseException:
            self.close()
            raise
        self.renew(Variables(parts.limits.var_bytes))

    def _furnish(self) -> None:
        parts, limits = self.parts, self.limits
        # The limiter knows single memories only; the sum is looked at in every tick and after every call.
        # The slack lets a guest that grows step by step cross the line and be told so, instead of a bare -1.
        hard = limits.memory_bytes + _SLACK_BYTES
        lib.wasmtime_store_limiter(self.raw_store, max(hard, parts.exchange_bytes), limits.table_elements, -1, -1, -1)
        lib.wasmtime_store_epoch_deadline_callback(self.raw_store, AT_EPOCH[1], self.key, None)
        if limits.fuel is not None:
            lib.wasmtime_context_set_fuel(self.context, 1 << 40)
        instance, trap = Buffer(2), Buffer(1)
        error = lib.wasmtime_instance_pre_instantiate(parts.kernel.pre, self.context, instance.address, trap.address)
        fault = take_fault(error, trap.words[0])
        if fault is not None:
            raise CapacityReached(
                f"no room for another sandbox: {fault.message}",
                remedy="let calls finish, or raise max_instances",
            )
        self._open_exchange(instance)
        self.externs = Buffer(EXTERN_WORDS * max(1, len(parts.plan.kernel)))
        for index, name in enumerate(parts.plan.kernel):
            export(self.context, instance.address, name.encode(), self.externs.address + 32 * index)
        self.functions = parts.host_functions.provide(self)
        self.guest = Guest(self)

    def _open_exchange(self, instance: Buffer) -> None:
        found, views = Buffer(EXTERN_WORDS), []
        for name in (b"memory", b"header"):
            if not export(self.context, instance.address, name, found.address):
                raise EngineFailed(f"the kernel has no {name!r}")
            views.append(lib.wasmtime_memory_data(self.context, found.address + FUNCTION_AT))
        commit = Buffer(EXTERN_WORDS)
        export(self.context, instance.address, b"host:commit", commit.address)
        self._commit_at = commit
        self.exchange = Exchange(views[0], views[1], self.parts.exchange_bytes, self._commit)

    def _commit(self, end: int) -> bool:
        values, trap = Buffer(2), Buffer(1)
        values.words[0] = end
        error = lib.wasmtime_func_call_unchecked(
            self.context, self._commit_at.address + FUNCTION_AT, values.address, 1, trap.address
        )
        return take_fault(error, trap.words[0]) is None and bool(values.words[0] & 1)

    def renew(self, variables: Variables) -> None:
        """Forgets the guest before: the next one starts with nothing but these variables."""
        self.variables = variables
        self.http_status = 0
        self.http_response_headers: dict[str, str] = {}
        self.memory = None
        self.linear = ()
        self.caller = 0
        self.error: BaseException | None = None
        self.cancelled = False
        self.stdin = b""
        self.host_context: Any = None
        self.deadline = 0.0
        self.calls_left = self.limits.host_calls
        self.spending = False
        self.end_session()

    def has_room(self) -> bool:
        """Whether another guest may be made here, asked when one is done."""
        self.held += self.memory_bytes()
        return self.guests < self.parts.batch and self.held <= _MOST_HELD_BYTES and not self.exchange.worn

    def end_session(self) -> None:
        """Closes the guest's files."""
        if self.wasi is not None:
            self.wasi.close()
            self.wasi = None

    # What host functions use: `HostCall`.

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
        if self.memory is None or self.parts.several:
            self.memory = GuestMemory(self.context, self.caller)
        return self.memory

    def interrupted(self) -> bool:
        """True when the call has been cancelled; long host functions ask and stop."""
        return self.cancelled

    def seconds_left(self) -> float:
        """Until the deadline; negative after it."""
        return self.deadline - time.monotonic()

    # Budgets and failures of the running call.

    @shielded
    def fail(self, error: BaseException) -> int:
        """Keeps what a host function raised and returns the trap that ends the guest."""
        if self.error is None:
            self.error = error
        return new_trap("a host function failed")

    def _open_budgets(self) -> None:
        """Fills the rarer budgets when a call first uses one."""
        if not self.spending:
            self.spending = True
            self.http_left = self.limits.http_requests
            self.log_lines_left = self.limits.log_lines
            self.log_bytes_left = self.limits.log_bytes

    def log(self, level: LogLevel, message: str) -> None:
        """Hands a line to the log door. Raises: LimitExceeded."""
        self._open_budgets()
        self.log_lines_left -= 1
        self.log_bytes_left -= len(message.encode(errors="replace"))
        if self.log_lines_left < 0 or self.log_bytes_left < 0:
            name = "log_lines" if self.log_lines_left < 0 else "log_bytes"
            allowed = getattr(self.limits, name)
            raise LimitExceeded(
                f"the call logged more than {allowed} {name.split('_')[1]}",
                remedy=f"log less, or raise limits.{name}",
                limit=name,
                allowed=allowed,
            )
        if self.doors.log is not None:
            self.doors.log(level, message)

    def spend_call(self) -> None:
        """Counts a host call. Raises: LimitExceeded."""
        self.calls_left -= 1
        if self.calls_left < 0:
            raise self.too_many_calls()

    def too_many_calls(self) -> LimitExceeded:
        """The error of a guest that called the host too often."""
        return LimitExceeded(
            f"the call used more than {self.limits.host_calls} host calls",
            remedy="call the host less often, or raise limits.host_calls",
            limit="host_calls",
            allowed=self.limits.host_calls,
        )

    def spend_http(self) -> None:
        """Counts a request. Raises: LimitExceeded."""
        self._open_budgets()
        self.http_left -= 1
        if self.http_left < 0:
            raise LimitExceeded(
                f"the call made more than {self.limits.http_requests} HTTP requests",
                remedy="make fewer, or raise limits.http_requests",
                limit="http_requests",
                allowed=self.limits.http_requests,
            )

    def session(self) -> WasiSession:
        """The guest's WASI side, made when it is first used."""
        if self.wasi is None:
            assert self.doors.wasi is not None  # noqa: S101  WASI functions are linked only with a grant
            self.wasi = WasiSession(self.doors.wasi, stdin=self.stdin, output_limit=self.limits.output_bytes)
        return self.wasi

    def log_streams(self, *, command: bool) -> None:
        """Hands what the guest printed to the log door, as far as its budget goes; a command's standard
        output is its answer and not logged."""
        if self.wasi is None or self.doors.log is None:
            return
        self._open_budgets()
        streams: list[tuple[LogLevel, bytes]] = [("warn", self.wasi.stderr)]
        if not command:
            streams.append(("info", self.wasi.stdout))
        for level, data in streams:
            for line in data.decode(errors="replace").splitlines()[: max(0, self.log_lines_left)]:
                with contextlib.suppress(LimitExceeded):
                    self.log(level, line)

    def http_requests(self) -> int:
        """How many the running or last call made."""
        self._open_budgets()
        return self.limits.http_requests - max(0, self.http_left)

    def memory_bytes(self) -> int:
        """Bytes of all memories of the guest, and what the exchange memory grew."""
        size = self.exchange.committed - COMMITTED_AT_START
        for memory in self.linear:
            size += lib.wasmtime_memory_data_size(self.context, memory)
        return size

    def oversize(self) -> MemoryExceeded | None:
        """The error for a guest that holds more memory than it may; None when it does not."""
        allowed = self.limits.memory_bytes
        size = self.memory_bytes()
        if size <= allowed:
            return None
        return MemoryExceeded(
            f"oom: the plugin's memories hold {size} bytes, {allowed} are allowed",
            remedy="use less memory, or raise limits.memory_bytes",
            limit="memory_bytes",
            allowed=allowed,
        )

    def cancel(self) -> None:
        """Ends the running call, from any thread: at the next tick, or while its host function waits."""
        self.cancelled = True
        waiter, loop = self.waiter, self.loop
        if waiter is not None and loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop was closed in between: so is the call
                loop.call_soon_threadsafe(waiter.cancel)

    def refuel(self) -> None:
        """Fills the tank for a call. The engine looks at it at loops and function entries only, so a guest may
        run past the limit to the next of these: the tank holds a reserve, and the count afterwards decides."""
        if self.limits.fuel is not None:
            lib.wasmtime_context_set_fuel(self.context, self.limits.fuel + _RESERVE)

    def fuel_used(self) -> int | None:
        """Instructions of the last call; None without a limit."""
        if self.limits.fuel is None:
            return None
        left = Buffer(1)
        lib.wasmtime_context_get_fuel(self.context, left.address)
        return self.limits.fuel + _RESERVE - left.words[0]

    def orphan(self) -> None:
        """What a fork makes of the cell in the child: its store belongs to the parent and is never touched."""
        self.broken = True
        self.exchange = CLOSED

    def close(self) -> None:
        """Frees the store; a second time does nothing."""
        if CELLS.pop(self.key, None) is None:
            return
        del CELLS_BY_CONTEXT[self.context]
        self.exchange = CLOSED  # a host function that kept its call beyond its end must not touch freed memory
        self.broken = True
        self.end_session()
        if self.parts.engine.ours:
            lib.wasmtime_store_delete(self.raw_store)
