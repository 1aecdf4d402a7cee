"""A host call without a guest: what verbs are given whose request was read before."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NoReturn

from omnicore.errors import InvalidInput
from omnicore.sandbox.abi import LogLevel

__all__ = ["DetachedCall"]


class DetachedCall:
    """It has a deadline and what the caller handed down, and no memory to read or write.

    The guest's own call may be over, and its sandbox in use by another one, before the work is done that it asked for.
    """

    on_loop = False

    def __init__(
        self, deadline: float, host_context: Any = None, *, log: Callable[[LogLevel, str], None] | None = None
    ) -> None:
        self.deadline, self.host_context = deadline, host_context
        self._log = log

    def log(self, level: LogLevel, message: str) -> None:
        if self._log is None:
            self._nothing()
        self._log(level, message)

    def size(self, _handle: int) -> int:
        self._nothing()

    def read(self, _handle: int) -> bytes:
        self._nothing()

    def write(self, _data: bytes) -> int:
        self._nothing()

    def free(self, _handle: int) -> None:
        self._nothing()

    def load(self, _address: int, _length: int) -> bytes:
        self._nothing()

    def store(self, _address: int, _data: bytes) -> None:
        self._nothing()

    def spend_http(self) -> None:
        self._nothing()

    def _nothing(self) -> NoReturn:
        raise InvalidInput("an action has no guest's memory and sends nothing", remedy="do it in a call of a function")
