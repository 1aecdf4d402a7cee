"""What host functions are given by the reference engine, and what one call may still do."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from omnicore.errors import GuestFailed, LimitExceeded, MemoryExceeded
from omnicore.sandbox.abi import Limits
from omnicore.sandbox.reference.errands import Errands, over
from omnicore.sandbox.reference.library import NULL, ffi, lib

__all__ = ["TURN", "ReferenceCall", "enter"]

T = TypeVar("T")


class _Turn(threading.local):
    """The call that this thread is in: C calls host functions on the thread that called the guest."""

    call: ReferenceCall | None = None


class ReferenceCall:
    """One call of one instance; the `HostCall` of its host functions.

    `failure` is what a host function raised: the C API has no way to fail, so the guest goes on with zeros,
    no further host function runs, and the caller gets the exception when the guest has returned.
    """

    __slots__ = (
        "_limits",
        "calls_left",
        "cancelled",
        "current",
        "deadline",
        "errands",
        "failure",
        "host_context",
        "loop",
    )

    def __init__(
        self,
        limits: Limits,
        *,
        timeout_s: float | None = None,
        host_context: Any = None,
        loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._limits = limits
        self.deadline = time.monotonic() + (limits.timeout_s if timeout_s is None else timeout_s)
        self.host_context = host_context
        self.loop = loop
        self.calls_left = limits.host_calls
        self.cancelled = False
        self.failure: BaseException | None = None
        self.current: Any = NULL
        self.errands = Errands()

    def interrupted(self) -> bool:
        """Whether the call was cancelled."""
        return self.cancelled

    def count(self) -> None:
        """Takes one host call. Raises: LimitExceeded."""
        self.calls_left -= 1
        if self.calls_left < 0:
            raise LimitExceeded(
                f"the guest made more than {self._limits.host_calls} host calls",
                remedy="let it make fewer, or raise limits.host_calls",
                limit="host_calls",
                allowed=self._limits.host_calls,
            )

    def read(self, handle: int) -> bytes:
        """The bytes of a block.

        The length stands in memory that the guest can write to. One over the memory limit is refused; a
        forged one below it is believed, as by every host on this library.
        """
        return self._at_home(lambda: self._read(handle))

    def _read(self, handle: int) -> bytes:
        if handle == 0:
            return b""
        length = lib.extism_current_plugin_memory_length(self.current, handle)
        if length == 0 or handle + length > self._limits.memory_bytes:
            raise GuestFailed(f"{handle} is no live block", remedy="hand over what alloc returned")
        memory = lib.extism_current_plugin_memory(self.current)
        return bytes(ffi.buffer(memory + handle, length))

    def write(self, data: bytes) -> int:
        """A new block that holds `data`."""
        return self._at_home(lambda: self._write(data))

    def _write(self, data: bytes) -> int:
        if not data:
            return 0
        handle = int(lib.extism_current_plugin_memory_alloc(self.current, len(data)))
        if handle == 0:
            raise MemoryExceeded(
                f"no room for {len(data)} bytes in the exchange memory",
                remedy="raise limits.memory_bytes",
                limit="memory_bytes",
                allowed=self._limits.memory_bytes,
            )
        ffi.memmove(lib.extism_current_plugin_memory(self.current) + handle, data, len(data))
        return handle

    def free(self, handle: int) -> None:
        """Gives a block back."""
        self._at_home(lambda: lib.extism_current_plugin_memory_free(self.current, handle))

    def _at_home(self, work: Callable[[], T]) -> T:
        if self.current == NULL:
            raise over()
        return self.errands.run(work)

    def wait(self, coroutine: Coroutine[Any, Any, T]) -> T:
        """The outcome of a coroutine host function."""
        return self.errands.wait(coroutine, self.loop, deadline=self.deadline, interrupted=self.interrupted)

    def load(self, address: int, length: int) -> bytes:
        """Always refuses: the library does not show the guest's own memory. Raises: GuestFailed."""
        raise _out_of_reach()

    def store(self, address: int, data: bytes) -> None:
        """Always refuses, as `load` does. Raises: GuestFailed."""
        raise _out_of_reach()


TURN = _Turn()


def enter(call: ReferenceCall) -> ReferenceCall | None:
    """Makes `call` this thread's; returns the one before it, for a guest called from a host function."""
    call.errands = Errands()
    before, TURN.call = TURN.call, call
    return before


def _out_of_reach() -> GuestFailed:
    return GuestFailed(
        "the reference engine cannot reach a guest's own memory",
        remedy="pass bytes as blocks, or use the engine `omnicore`",
    )
