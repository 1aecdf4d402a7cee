"""One sandbox: a guest in a cell, and the call that everything else is there for."""

from __future__ import annotations

import asyncio
import functools
import threading
import time
from typing import TYPE_CHECKING, Any

from omnicore.errors import (
    Conflict,
    InstanceBusy,
    InvalidInput,
    LimitExceeded,
    NotFound,
)
from omnicore.sandbox.abi import Usage
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.extism.fiber import FIBERS, drive
from omnicore.sandbox.extism.guest import Guest
from omnicore.sandbox.extism.outcome import conclude
from omnicore.sandbox.extism.parts import NO_RESULT, OTHER_RESULT, Entry
from omnicore.sandbox.extism.ticker import TICKER
from omnicore.sandbox.variables import Variables

if TYPE_CHECKING:
    from omnicore.sandbox.extism.cell import Cell
    from omnicore.sandbox.extism.template import ExtismTemplate

__all__ = ["ExtismInstance"]

_call = lib.wasmtime_func_call_unchecked
_running = TICKER.running
_monotonic = time.monotonic
_COMMAND = "_start"

_Entry = tuple[int, bool, int, bool]
"""An export's address, whether its end needs care, its number of results, and whether that is no exit code."""


class ExtismInstance:
    """See `omnicore.sandbox.engine.Instance`. The guest is made in the first call, under its deadline.

    Owns: its guest; the cell goes back to the template on `close`.
    """

    __slots__ = (
        *("_cell", "_entries", "_guest", "_input_bytes", "_lock", "_output_bytes", "_plain"),
        *("_template", "_timeout_s", "_variables", "healthy"),
    )

    def __init__(self, template: ExtismTemplate, cell: Cell, variables: Variables) -> None:
        limits = cell.limits
        self._template = template
        self._cell: Cell | None = cell
        self._variables = variables
        self._guest: Guest | None = None
        self._entries: dict[str, _Entry] = {}
        self._lock = threading.Lock()
        self._timeout_s = limits.timeout_s
        self._input_bytes = limits.input_bytes
        self._output_bytes = limits.output_bytes
        self._plain = limits.fuel is None and cell.doors.wasi is None
        self.healthy = True

    def call(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """Runs an export on this thread; see `omnicore.sandbox.engine.Instance.call`."""
        if not self._lock.acquire(False):
            raise _busy()
        try:
            cell = self._begin(data, timeout_s, host_context)
            try:
                entry = self._entries.get(export)
                if entry is None:
                    entry = self._enter(cell, export)
                cell.exchange.begin(data)
                cell.values.words[0] = 0
                error = _call(cell.context, entry[0], cell.values_at, 1, cell.trap_at)
            except NotFound:
                raise
            except BaseException:
                self.healthy = False
                raise
            finally:
                _running.discard(cell)
            return self._end(cell, export, entry, error)
        finally:
            self._lock.release()

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """Runs an export on the running loop; see `omnicore.sandbox.engine.Instance.call_async`."""
        if not FIBERS:
            return await self._call_in_thread(export, data, timeout_s=timeout_s, host_context=host_context)
        if not self._lock.acquire(False):
            raise _busy()
        try:
            cell = self._begin(data, timeout_s, host_context)
            try:
                entry = self._entries.get(export)
                if entry is None:
                    entry = await self._enter_async(cell, export)
                cell.exchange.begin(data)
                error = await drive(cell, entry[0], results=entry[2])
            except NotFound:
                raise
            except BaseException:
                self.healthy = False
                raise
            finally:
                _running.discard(cell)
            return self._end(cell, export, entry, error)
        finally:
            self._lock.release()

    async def _call_in_thread(
        self, export: str, data: bytes, *, timeout_s: float | None, host_context: Any
    ) -> bytes:
        """The same where stacks of their own are not to be had."""
        if self._cell is not None:
            self._cell.loop = asyncio.get_running_loop()
        work = functools.partial(self.call, export, data, timeout_s=timeout_s, host_context=host_context)
        task = asyncio.get_running_loop().run_in_executor(None, work)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            self.cancel()
            await asyncio.wait((task,))
            raise

    def _begin(self, data: bytes, timeout_s: float | None, host_context: Any) -> Cell:
        cell = self._cell
        if cell is None or cell.broken:
            raise _closed()
        if len(data) > self._input_bytes:
            raise _too_long(data, self._input_bytes)
        cell.open_budgets(host_context)
        cell.deadline = _monotonic() + (self._timeout_s if timeout_s is None else timeout_s)
        if not self._plain:
            self._open_extras(cell, data)
        _running.add(cell)
        if TICKER.idle:
            TICKER.wake()
        return cell

    def _end(self, cell: Cell, export: str, entry: _Entry, error: int | None) -> bytes:
        exchange = cell.exchange
        offset, length, failure = exchange.outcome()
        if (
            error
            or failure
            or cell.error is not None
            or cell.trap_words[0]
            or entry[1]
            or cell.values.words[0] & 0xFFFFFFFF
            or not self._plain
            or (cell.linear and cell.oversize())
        ):
            return self._end_with_care(cell, export, entry, error)
        if length > self._output_bytes:
            raise _too_much(length, self._output_bytes)
        return exchange.blocks[offset : offset + length].tobytes()

    def _end_with_care(self, cell: Cell, export: str, entry: _Entry, error: int | None) -> bytes:
        trapped = bool(error or cell.trap_words[0] or cell.error is not None)
        try:
            if conclude(cell, error, odd=entry[3]) and (over := cell.oversize()):
                raise over
            _, length, _ = cell.exchange.outcome()
            if length > self._output_bytes:
                raise _too_much(length, self._output_bytes)
            output = cell.exchange.output()
            return cell.wasi.stdout if export == _COMMAND and not output and cell.wasi is not None else output
        except LimitExceeded:
            self.healthy = False
            raise
        finally:
            if trapped:
                self.healthy = False
            self._close_extras(cell, export)

    def _enter(self, cell: Cell, export: str) -> _Entry:
        described = self._described(cell, export)
        if self._guest is None:
            guest = Guest(cell)
            for function, zeros in guest.initialisers():
                cell.exchange.begin(b"")
                cell.values.clear()
                error = _call(cell.context, function, cell.values_at, max(1, zeros), cell.trap_at)
                self._check_start(cell, error)
            self._guest = guest
        return self._remember(export, described)

    async def _enter_async(self, cell: Cell, export: str) -> _Entry:
        described = self._described(cell, export)
        if self._guest is None:
            guest = Guest(cell)
            for function, zeros in guest.initialisers():
                cell.exchange.begin(b"")
                self._check_start(cell, await drive(cell, function, zeros=zeros))
            self._guest = guest
        return self._remember(export, described)

    @staticmethod
    def _described(cell: Cell, export: str) -> Entry:
        described = cell.parts.entries.get(export)
        if described is None:
            raise NotFound(
                f"Function not found: {export[:200]}",
                remedy=f"the plugin exports {', '.join(list(cell.parts.entries)[:20]) or 'no function'}",
            )
        if described.refusal:
            raise NotFound(described.refusal, remedy="call a function without parameters and with one i32 result")
        return described

    def _remember(self, export: str, described: Entry) -> _Entry:
        assert self._guest is not None  # noqa: S101  both callers have just made it
        odd = described.result == OTHER_RESULT
        careful = odd or export == _COMMAND
        entry = (self._guest.function(export), careful, int(described.result != NO_RESULT), odd)
        self._entries[export] = entry
        return entry

    @staticmethod
    def _check_start(cell: Cell, error: int | None) -> None:
        if error or cell.error is not None or cell.trap_words[0]:
            cell.values.words[0] = 0
            conclude(cell, error, odd=False)

    def _open_extras(self, cell: Cell, data: bytes) -> None:
        if cell.limits.fuel is not None:
            lib.wasmtime_context_set_fuel(cell.context, cell.limits.fuel)
        cell.stdin = data
        if cell.wasi is not None:
            cell.wasi.begin(data)

    def _close_extras(self, cell: Cell, export: str) -> None:
        if cell.wasi is not None:
            cell.log_streams(command=export == _COMMAND)
        if export == _COMMAND:  # a command has run once and for all: the next call finds everything new
            self._guest = None
            self._entries.clear()
            self._variables.clear()
            cell.renew(self._variables)

    def cancel(self) -> None:
        """Cuts the running call; see `omnicore.sandbox.engine.Instance.cancel`."""
        cell = self._cell
        if cell is not None and self._lock.locked():
            cell.cancel()

    def usage(self) -> Usage:
        """What the last call used."""
        cell = self._cell
        if cell is None:
            raise _closed()
        limits = cell.limits
        return Usage(
            fuel=cell.fuel_used(),
            memory_bytes=cell.memory_bytes(),
            host_calls=limits.host_calls - max(0, cell.calls_left),
            http_requests=limits.http_requests - max(0, cell.http_left),
        )

    def close(self) -> None:
        """Frees the sandbox; a second time does nothing. Raises: InstanceBusy: it is in a call."""
        if not self._lock.acquire(False):
            raise _busy()
        try:
            cell, self._cell = self._cell, None
            if cell is not None:
                self._template.take_back(cell, reusable=self.healthy)
        finally:
            self._lock.release()


def _busy() -> InstanceBusy:
    return InstanceBusy("the instance is in a call", remedy="use another instance; the host's pools do so")


def _closed() -> Conflict:
    return Conflict("the sandbox is closed or its call was cut", remedy="make a new instance")


def _too_long(data: bytes, allowed: int) -> InvalidInput:
    return InvalidInput(
        f"the input has {len(data)} bytes, {allowed} are allowed",
        remedy="send less, or raise limits.input_bytes",
        limit="input_bytes",
        allowed=allowed,
    )


def _too_much(length: int, allowed: int) -> LimitExceeded:
    return LimitExceeded(
        f"the output has {length} bytes, {allowed} are allowed",
        remedy="return less, or raise limits.output_bytes",
        limit="output_bytes",
        allowed=allowed,
    )
