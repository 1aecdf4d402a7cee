"""A compiled and linked component."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable

from omnicore.errors import CapacityReached, Unavailable
from omnicore.sandbox.component.cell import Cell
from omnicore.sandbox.component.instance import ComponentInstance
from omnicore.sandbox.component.parts import Parts
from omnicore.sandbox.extism import interrupt
from omnicore.sandbox.extism.kernel import generation

__all__ = ["ComponentTemplate"]


class ComponentTemplate:
    """See `omnicore.sandbox.engine.Template`. Safe to use from several threads.

    Args:
        build: makes the parts anew in a forked child, where nothing of the parent's engine may be used.
        room: a token for each sandbox that may still exist, of all templates of the engine.
    """

    def __init__(self, parts: Parts, build: Callable[[], Parts], room: deque[None]) -> None:
        self._parts = parts
        self._build = build
        self._room = room
        self._closed = False
        self.exports = tuple(parts.entries)

    @interrupt.shielded
    def instance(self, *, on_loop: bool = False) -> ComponentInstance:
        """A new sandbox. Raises: CapacityReached, Unavailable: the template is closed."""
        if self._closed:
            raise Unavailable("the plugin version is closed", remedy="call the plugin's present version")
        interrupt.install()
        try:
            if self._parts.generation != generation():
                self._parts = self._build()
            try:
                self._room.pop()
            except IndexError:
                raise CapacityReached(
                    "no room for another sandbox", remedy="let calls finish, or raise max_instances"
                ) from None
            try:
                return ComponentInstance(self, Cell(self._parts))
            except BaseException:
                self._room.append(None)
                raise
        finally:
            if interrupt.PENDING:
                interrupt.deliver()

    def take_back(self, cell: Cell) -> None:
        """Frees a cell whose instance is closed; a second time does nothing."""
        if cell.close():
            self._room.append(None)

    def close(self) -> None:
        """Makes no more instances; those that are out stay usable until they are closed."""
        self._closed = True
