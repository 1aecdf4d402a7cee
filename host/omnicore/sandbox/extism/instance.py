"""One sandbox: a guest in a cell, and the call that everything else is there for."""

from __future__ import annotations

import asyncio
import functools
import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from omnicore.errors import (
    CallerError,
    CapacityReached,
    Conflict,
    GuestFailed,
    LimitExceeded,
    NotFound,
)
from omnicore.sandbox.abi import Usage
from omnicore.sandbox.capi.library import fast_call, fast_memory_size, lib, prepared
from omnicore.sandbox.extism.exchange import COMMITTED_AT_START, outcome_of
from omnicore.sandbox.extism.fiber import FIBERS, POLLING, drive
from omnicore.sandbox.extism.interrupt import PENDING, deliver, shielded
from omnicore.sandbox.extism.outcome import conclude
from omnicore.sandbox.extism.parts import NO_RESULT, OTHER_RESULT
from omnicore.sandbox.extism.ticker import TICKER
from omnicore.sandbox.reasons import busy, overtime, too_long, too_nested
from omnicore.sandbox.variables import Variables

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell
    from omnicore.sandbox.extism.template import ExtismTemplate

__all__ = ["ExtismInstance"]

_call = lib.wasmtime_func_call_unchecked
_running = TICKER.running
_monotonic = time.monotonic
_COMMAND = "_start"
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

_Entry = tuple[tuple[Any, ...], bool, int, bool, int, bytes]
"""An export: the arguments of its C call, whether its end needs care, how many results it has, whether those
are no exit code, its address, its name."""


class ExtismInstance:
    """See `omnicore.sandbox.engine.Instance`. The guest is made in the first call, under its deadline.

    Owns: its guest; the cell goes back to the template on `close`.
    """

    # fmt: off
    __slots__ = (
        "_cell", "_entries", "_free", "_handing_over", "_host_calls", "_input_bytes", "_made", "_memory", "_most",
        "_on_loop", "_output_bytes", "_plain", "_template", "_timeout_s", "_variables", "healthy",
    )
    # fmt: on

    def __init__(self, template: ExtismTemplate, cell: Cell, variables: Variables) -> None:
        limits = cell.limits
        self._template = template
        self._cell: Cell | None = cell
        self._on_loop = cell.on_loop
        self._variables = variables
        self._made = False
        self._entries: dict[str, _Entry] = {}
        self._memory: tuple[Any, ...] = ()
        # Whoever takes the one token has the instance; taking it is atomic and half the price of a lock.
        self._free = [None]
        self._handing_over = threading.Lock()
        self._timeout_s = limits.timeout_s
        self._host_calls = limits.host_calls
        self._input_bytes = limits.input_bytes
        self._output_bytes = limits.output_bytes
        self._most = limits.memory_bytes + COMMITTED_AT_START
        self._plain = limits.fuel is None and cell.doors.wasi is None
        self.healthy = True

    # Written out rather than divided: each Python call in it would cost 4 per cent of an empty one.
    @shielded
    def call(self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None) -> bytes:
        """Runs an export on this thread; see `omnicore.sandbox.engine.Instance.call`."""
        isinstance(data, _HEADROOM) if _COUNTS_ALL else _check_depth()
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None
        try:
            cell = self._cell
            if cell is None or cell.broken or len(data) > self._input_bytes or not self._plain:
                cell = self._open(data)
            cell.host_context, cell.calls_left = host_context, self._host_calls
            cell.cancelled = cell.spending = False
            cell.deadline = _monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
            if POLLING or len(_running) >= _MOST_NESTED:
                _check_nesting()
            _running.add(cell)
            if TICKER.idle:
                TICKER.wake()
            try:
                entry = self._entries.get(export) or self._enter(cell, export)
                exchange = cell.exchange
                exchange.begin(data)
                error = fast_call(*entry[0])
            finally:
                _running.discard(cell)
                called, cell.caller = cell.caller, 0
            offset, length, failed = outcome_of(exchange.header_bytes, 16)
            failed = error or failed or cell.trap_words[0] or cell.values.words[0] & 0xFFFFFFFF
            large = self._memory and fast_memory_size(*self._memory) + exchange.header[8] > self._most
            if failed or entry[1] or called or large or length > self._output_bytes:
                return self._end(cell, export, entry, error, called=called)
            return exchange.blocks[offset : offset + length].tobytes()
        except BaseException as error:
            self.healthy = self.healthy and isinstance(error, CallerError | GuestFailed)
            raise
        finally:
            self._free.append(None)
            if PENDING:
                deliver()

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """Runs an export on the running loop; see `omnicore.sandbox.engine.Instance.call_async`."""
        if not FIBERS or not self._on_loop:
            return await self._call_in_thread(export, data, timeout_s=timeout_s, host_context=host_context)
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None
        try:
            cell = self._open(data)
            cell.host_context, cell.calls_left = host_context, self._host_calls
            cell.cancelled = cell.spending = False
            cell.deadline = _monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
            _running.add(cell)
            if TICKER.idle:
                TICKER.wake()
            try:
                entry = self._entries.get(export) or await self._enter_async(cell, export)
                cell.exchange.begin(data)
                error = await drive(cell, entry[4], results=entry[2])
            finally:
                _running.discard(cell)
                called, cell.caller = cell.caller, 0
            exchange = cell.exchange
            offset, length, failed = outcome_of(exchange.header_bytes, 16)
            failed = error or failed or cell.trap_words[0] or cell.values.words[0] & 0xFFFFFFFF
            large = self._memory and fast_memory_size(*self._memory) + exchange.header[8] > self._most
            if failed or entry[1] or called or large or length > self._output_bytes:
                return self._end(cell, export, entry, error, called=called)
            return exchange.blocks[offset : offset + length].tobytes()
        except BaseException as error:
            cut = self._cell is None or self._cell.broken
            self.healthy = self.healthy and not cut and isinstance(error, CallerError | GuestFailed)
            raise
        finally:
            self._free.append(None)
            if PENDING:
                deliver()

    async def _call_in_thread(self, export: str, data: bytes, *, timeout_s: float | None, host_context: Any) -> bytes:
        """The same where stacks of their own are not to be had."""
        if not self._free:
            raise busy()
        cell, loop = self._cell, asyncio.get_running_loop()
        if cell is not None:
            cell.loop = loop
        work = functools.partial(self.call, export, data, timeout_s=timeout_s, host_context=host_context)
        task = loop.run_in_executor(None, work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.cancel()
            await asyncio.wait((task,))
            raise
        finally:
            if cell is not None:
                cell.loop = None  # the next call may come from a thread when this loop is gone

    def _open(self, data: bytes) -> Cell:
        cell = self._cell
        if cell is None or cell.broken:
            raise _closed()
        if len(data) > self._input_bytes:
            raise too_long(data, self._input_bytes)
        cell.refuel()
        cell.stdin = data
        if cell.wasi is not None:
            cell.wasi.begin(data)
        return cell

    def _end(self, cell: Cell, export: str, entry: _Entry, error: int | None, *, called: int) -> bytes:
        if error or cell.trap_words[0]:
            self.healthy = False
        if called and cell.error is None and _monotonic() >= cell.deadline:
            cell.error = overtime()  # a host function took too long: the engine looks only while guests run
        try:
            conclude(cell, error, odd=entry[3])
            if over := cell.oversize():
                raise over
            _, length, _ = cell.exchange.outcome()
            if length > self._output_bytes:
                raise _too_much(length, self._output_bytes)
            output = cell.exchange.output()
            return cell.wasi.stdout if export == _COMMAND and not output and cell.wasi is not None else output
        finally:
            if cell.wasi is not None:
                cell.log_streams(command=export == _COMMAND)
            if export == _COMMAND:  # a command has run once and for all: the next call finds everything new
                self._forget_guest(cell)

    def _forget_guest(self, cell: Cell) -> None:
        self._made = False
        self._entries.clear()
        self._variables.clear()
        try:
            self._cell = cell = self._template.renewed(cell)
        except CapacityReached:  # this call has its answer; the next one needs another instance
            self._cell, self.healthy = None, False
        else:
            cell.renew(self._variables)

    def _enter(self, cell: Cell, export: str) -> _Entry:
        if not self._made:
            guest = cell.guest
            guest.make()
            for function, zeros in guest.initialisers():
                cell.exchange.begin(b"")
                error = _call(cell.context, function, cell.values_at, max(1, zeros), cell.trap_at)
                self._check_start(cell, error)
            self._made = True
        return self._remember(cell, export)

    async def _enter_async(self, cell: Cell, export: str) -> _Entry:
        if not self._made:
            guest = cell.guest
            guest.make()
            for function, zeros in guest.initialisers():
                cell.exchange.begin(b"")
                self._check_start(cell, await drive(cell, function, zeros=zeros))
            self._made = True
        return self._remember(cell, export)

    def _remember(self, cell: Cell, export: str) -> _Entry:
        entry = cell.entries.get(export)
        if entry is None:
            entry = cell.entries[export] = self._described(cell, export)
        else:
            cell.guest.function(entry[5])
        self._entries[export] = entry
        if len(cell.linear) == 1:
            self._memory = cell.memory_arguments
        return entry

    def _described(self, cell: Cell, export: str) -> _Entry:
        described = cell.parts.entries.get(export)
        if described is None:
            raise NotFound(
                f"Function not found: {export[:200]}",
                remedy=f"the plugin exports {', '.join(list(cell.parts.entries)[:20]) or 'no function'}",
            )
        if described.refusal:
            raise NotFound(described.refusal, remedy="call a function without parameters and with one i32 result")
        odd = described.result == OTHER_RESULT
        careful = not self._plain or odd or export == _COMMAND or cell.parts.several
        name = export.encode()
        address = cell.guest.function(name)
        arguments = prepared(cell.context, address, cell.values_at, 1, cell.trap_at)
        cell.memory_arguments = prepared(cell.context, *cell.linear)
        return arguments, careful, int(described.result != NO_RESULT), odd, address, name

    def _check_start(self, cell: Cell, error: int | None) -> None:
        if error or cell.error is not None or cell.trap_words[0]:
            self.healthy = False
            cell.values.words[0] = 0
            conclude(cell, error, odd=False)

    def cancel(self) -> None:
        """Cuts the running call; see `omnicore.sandbox.engine.Instance.cancel`."""
        with self._handing_over:  # a cell that has gone back may be in a call of somebody else
            cell = self._cell
            if cell is not None and not self._free:
                cell.cancel()

    def usage(self) -> Usage:
        """What the last call used. Raises: InstanceBusy: it is in a call, whose store nobody else may look into."""
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None
        try:
            cell = self._cell
            if cell is None or cell.broken:
                raise _closed()
            return Usage(
                fuel=cell.fuel_used(),
                memory_bytes=cell.memory_bytes(),
                host_calls=cell.limits.host_calls - max(0, cell.calls_left),
                http_requests=cell.http_requests(),
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
                cell, self._cell = self._cell, None
            if cell is not None:
                self._template.take_back(cell, reusable=self.healthy)
        finally:
            self._free.append(None)
            if PENDING:
                deliver()


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
        if frame.f_code is drive.__code__:
            most = _MOST_ON_FIBER
        frame = frame.f_back  # type: ignore[assignment]
    if depth > most:
        raise too_nested(most)


def _closed() -> Conflict:
    return Conflict("the sandbox is closed or its call was cut", remedy="make a new instance")


def _too_much(length: int, allowed: int) -> LimitExceeded:
    return LimitExceeded(
        f"the output has {length} bytes, {allowed} are allowed",
        remedy="return less, or raise limits.output_bytes",
        limit="output_bytes",
        allowed=allowed,
    )
