"""One sandbox of a component, and its calls."""

from __future__ import annotations

import asyncio
import functools
import sys
from typing import TYPE_CHECKING, Any

from omnicore.errors import CallerError, GuestFailed, NotFound
from omnicore.sandbox.abi import Usage
from omnicore.sandbox.capi.components import FUNCTION_WORDS
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer
from omnicore.sandbox.capi.value_writing import Arena
from omnicore.sandbox.component.outcome import conclude, out_of_fuel
from omnicore.sandbox.extism.interrupt import PENDING, deliver, shielded
from omnicore.sandbox.extism.ticker import TICKER
from omnicore.sandbox.reasons import busy, overtime, too_long, too_nested

if TYPE_CHECKING:
    from omnicore.sandbox.component.cell import Cell
    from omnicore.sandbox.component.entry import Entry
    from omnicore.sandbox.component.template import ComponentTemplate

__all__ = ["ComponentInstance"]

_VALUE_WORDS = 4
_MOST_PER_BYTE = 64  # what values may take for each byte of the longest input; a list of bytes takes 32
_MOST_NESTED = 8  # each guest may use 512 KiB of its thread's 8 MiB of stack
_ROOM = 60  # frames of Python that a callback and what it calls to fail need, generously


class ComponentInstance:
    """See `omnicore.sandbox.engine.Instance`. The component is instantiated in the first call, under its deadline.

    Owns: its cell.
    """

    __slots__ = ("_cell", "_free", "_functions", "_made", "_template", "healthy")

    def __init__(self, template: ComponentTemplate, cell: Cell) -> None:
        self._template = template
        self._cell = cell
        self._made = False
        self._functions: dict[str, Buffer] = {}
        # Whoever takes the one token has the instance; taking it is atomic.
        self._free = [None]
        self.healthy = True

    @shielded
    def call(self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None) -> bytes:
        """Runs an export on this thread; see `omnicore.sandbox.engine.Instance.call`."""
        _check_room()
        self._take()
        cell = self._cell
        try:
            limits = cell.limits
            cell.begin(limits.timeout_s if timeout_s is None else timeout_s, host_context)
            entry = self._entry(export)
            if len(data) > limits.input_bytes:
                raise too_long(data, limits.input_bytes)
            arena = Arena(_MOST_PER_BYTE * limits.input_bytes)
            arguments = entry.arguments(data, arena)
            TICKER.running.add(cell)
            if TICKER.idle:
                TICKER.wake()
            try:
                return self._run(cell, export, entry, arguments)
            finally:
                TICKER.running.discard(cell)
                cell.log_printed()
        except BaseException as error:
            cut = cell.error is not None or cell.broken
            self.healthy = self.healthy and not cut and isinstance(error, CallerError | GuestFailed)
            raise
        finally:
            self._free.append(None)
            if PENDING:
                deliver()

    def _run(self, cell: Cell, export: str, entry: Entry, arguments: int) -> bytes:
        function = self._functions.get(export) or self._enter(cell, export, entry)
        results = Buffer(_VALUE_WORDS)
        error = lib.wasmtime_component_func_call(
            function.address, cell.context, arguments, entry.params, results.address, entry.results
        )
        if error:
            self.healthy = False
            conclude(cell, error)
        try:
            # A host function may have outlasted the deadline: the engine looks only while guests run.
            if cell.seconds_left() <= 0:
                raise overtime()
            used = cell.fuel_used()
            if used is not None and used > (cell.limits.fuel or 0):
                raise out_of_fuel(cell)
            return entry.output(results.address, cell.limits.output_bytes)
        finally:
            if entry.results:
                lib.wasmtime_component_val_delete(results.address)

    def _enter(self, cell: Cell, export: str, entry: Entry) -> Buffer:
        parts = cell.parts
        if not self._made:
            error = lib.wasmtime_component_linker_instantiate(
                parts.linker.pointer, cell.context, parts.component.pointer, cell.instance.address
            )
            if error:
                self.healthy = False
                conclude(cell, error)
            self._made = True
        function = Buffer(FUNCTION_WORDS)
        if not lib.wasmtime_component_instance_get_func(
            cell.instance.address, cell.context, entry.index.pointer, function.address
        ):
            raise NotFound(f"the component has no function {export[:200]!r}")
        self._functions[export] = function
        return function

    def _entry(self, export: str) -> Entry:
        entry = self._cell.parts.entries.get(export)
        if entry is None:
            known = ", ".join(list(self._cell.parts.entries)[:20]) or "no function"
            raise NotFound(f"Function not found: {export[:200]}", remedy=f"the plugin exports {known}")
        return entry

    async def call_async(
        self, export: str, data: bytes, *, timeout_s: float | None = None, host_context: Any = None
    ) -> bytes:
        """The same for an event loop, on one of its worker threads. Cancelling cuts the call."""
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
        """Cuts the running call; see `omnicore.sandbox.engine.Instance.cancel`."""
        if not self._free:
            self._cell.cancel()

    def usage(self) -> Usage:
        """What the last call used; the engine does not tell how much memory a component holds, so that is 0.

        Raises: InstanceBusy: it is in a call.
        """
        self._take()
        try:
            cell = self._cell
            return Usage(
                fuel=None if cell.broken else cell.fuel_used(),
                host_calls=cell.limits.host_calls - max(0, cell.calls_left),
                http_requests=cell.http_requests(),
            )
        finally:
            self._free.append(None)

    @shielded
    def close(self) -> None:
        """Frees the sandbox; a second time does nothing. Raises: InstanceBusy: it is in a call."""
        self._take()
        try:
            self._functions.clear()
            self._template.take_back(self._cell)
        finally:
            self._free.append(None)
            if PENDING:
                deliver()

    def _take(self) -> None:
        try:
            self._free.pop()
        except IndexError:
            raise busy() from None


def _check_room() -> None:
    """Refuses a call that the stacks have no room for: an error at the first bytecode of a callback is lost."""
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
