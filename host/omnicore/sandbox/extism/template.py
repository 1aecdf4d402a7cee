"""A compiled and linked plugin, and the cells its instances are made in."""

from __future__ import annotations

import contextlib
from collections import deque
from collections.abc import Callable

from omnicore.errors import CapacityReached, Unavailable
from omnicore.sandbox.extism import interrupt
from omnicore.sandbox.extism.cell import Cell
from omnicore.sandbox.extism.fiber import FIBERS
from omnicore.sandbox.extism.idle import keeps, reclaim
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
        keeps(self)
        self.exports = tuple(name for name, entry in parts.entries.items() if not entry.refusal)

    @interrupt.shielded
    def instance(self, *, on_loop: bool = False) -> ExtismInstance:
        """A new sandbox. Raises: CapacityReached, Unavailable: the template is closed."""
        if self._closed:
            raise Unavailable("the plugin version is closed", remedy="call the plugin's present version")
        interrupt.install()
        try:
            if self._parts.generation != generation():
                self._restart()
            # A linked command is run by a blocking call inside the call, which the engine refuses on a fiber.
            cell = self.take(on_loop=on_loop and FIBERS and not self._parts.forwarded)
            variables = self._parts.doors.variables or Variables(self._parts.limits.var_bytes)
            cell.renew(variables)
            return ExtismInstance(self, cell, variables)
        finally:
            if interrupt.PENDING:
                interrupt.deliver()

    def take(self, *, on_loop: bool) -> Cell:
        """A cell for a fresh guest. Raises: CapacityReached."""
        try:
            return self._idle[on_loop].pop()
        except IndexError:
            pass
        try:
            return Cell(self._parts, on_loop=on_loop)
        except CapacityReached:
            if not reclaim():
                raise
            return Cell(self._parts, on_loop=on_loop)

    def renewed(self, cell: Cell) -> Cell:
        """A cell for the guest after one that is done: the same while it has room. Raises: CapacityReached."""
        if not cell.broken and cell.has_room():
            return cell
        cell.close()
        return self.take(on_loop=cell.on_loop)

    def exists(self, name: str) -> bool:
        """True for exports that take nothing and return nothing or one i32."""
        entry = self._parts.entries.get(name)
        return entry is not None and entry.plain

    def take_back(self, cell: Cell, *, reusable: bool) -> None:
        """Keeps a cell for the next instance, or frees it."""
        cell.end_session()
        idle = self._idle[cell.on_loop]
        if (
            reusable
            and not self._closed
            and cell.parts is self._parts
            and not cell.broken
            and cell.has_room()
            and len(idle) < _MOST_IDLE
        ):
            idle.append(cell)
            if self._closed:  # by another thread, a moment ago
                self.close()
        else:
            cell.close()

    def close(self) -> None:
        """Frees idle cells; instances that are out come back to be freed."""
        self._closed = True
        self.give_up()

    def give_up(self) -> int:
        """Frees idle cells and returns how many."""
        count = 0
        for idle in self._idle.values():
            with contextlib.suppress(IndexError):  # another thread took the last one
                while idle:
                    idle.pop().close()
                    count += 1
        return count

    def _restart(self) -> None:
        for idle in self._idle.values():
            idle.clear()
        self._parts = self._build()
