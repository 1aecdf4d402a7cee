"""A compiled and linked plugin, and the cells its instances are made in."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from omnicore.errors import Unavailable
from omnicore.sandbox.extism import interrupt
from omnicore.sandbox.extism.cell import Cell
from omnicore.sandbox.extism.fiber import FIBERS
from omnicore.sandbox.extism.instance import ExtismInstance
from omnicore.sandbox.extism.kernel import generation
from omnicore.sandbox.extism.parts import Parts
from omnicore.sandbox.variables import Variables

__all__ = ["ExtismTemplate"]

_MOST_IDLE = 8  # cells kept for the next call, each with the pages its last guests touched


class ExtismTemplate:
    """See `omnicore.sandbox.engine.Template`. Safe to use from several threads.

    `build` makes the parts anew in a forked child, where nothing of the parent's engine may be used.
    """

    def __init__(self, parts: Parts, build: Callable[[], Parts]) -> None:
        self._parts = parts
        self._build = build
        self._idle: dict[bool, deque[Cell]] = {False: deque(), True: deque()}
        self._closed = False
        self.exports = tuple(name for name, entry in parts.entries.items() if not entry.refusal)

    def instance(self, *, on_loop: bool = False) -> ExtismInstance:
        """A new sandbox. Raises: CapacityReached, Unavailable: the template is closed."""
        if self._closed:
            raise Unavailable("the plugin version is closed", remedy="call the plugin's present version")
        if self._parts.generation != generation():
            self._restart()
        if not on_loop:
            interrupt.install()
        on_loop = on_loop and FIBERS
        try:
            cell = self._idle[on_loop].pop()
        except IndexError:
            cell = Cell(self._parts, on_loop=on_loop)
        variables = self._parts.doors.variables or Variables(self._parts.limits.var_bytes)
        cell.renew(variables)
        return ExtismInstance(self, cell, variables)

    def exists(self, name: str) -> bool:
        """True for exports that take nothing and return nothing or one i32."""
        entry = self._parts.entries.get(name)
        return entry is not None and entry.plain

    def take_back(self, cell: Cell, *, reusable: bool) -> None:
        """Keeps a cell for the next instance, or frees it."""
        cell.end_session()
        parts = self._parts
        idle = self._idle[cell.on_loop]
        if (
            reusable
            and not self._closed
            and cell.parts is parts
            and cell.guests < parts.batch
            and not cell.broken
            and not cell.exchange.worn
            and len(idle) < _MOST_IDLE
        ):
            idle.append(cell)
        else:
            cell.close()

    def close(self) -> None:
        """Frees idle cells; instances that are out come back to be freed."""
        self._closed = True
        for idle in self._idle.values():
            while idle:
                idle.pop().close()

    def _restart(self) -> None:
        for idle in self._idle.values():
            idle.clear()
        self._parts = self._build()
