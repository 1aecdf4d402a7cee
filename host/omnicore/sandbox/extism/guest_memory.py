"""The guest's own linear memory, for host functions that take pointers into it."""

from __future__ import annotations

from omnicore.errors import GuestFailed
from omnicore.sandbox.capi.library import lib
from omnicore.sandbox.capi.memory import Buffer, copy_bytes, view_at
from omnicore.sandbox.capi.store import EXTERN_WORDS, FUNCTION_AT

__all__ = ["GuestMemory"]

_MEMORY_KIND = 3


class GuestMemory:
    """The memory that the calling module exports as `memory`. Every access is checked against its size now.

    Raises: GuestFailed: the module exports none.
    """

    __slots__ = ("_at", "_base", "_context", "_found", "_size")

    def __init__(self, context: int, caller: int) -> None:
        found = Buffer(EXTERN_WORDS)
        named = caller and lib.wasmtime_caller_export_get(caller, b"memory", 6, found.address)
        if not named or found.words[0] & 0xFF != _MEMORY_KIND:
            raise GuestFailed("the module exports no memory", remedy="export its memory as `memory`")
        self._found = found
        self._context = context
        self._at = found.address + FUNCTION_AT
        # Memories never move: the presets reserve their whole address range.
        self._base: int = lib.wasmtime_memory_data(context, self._at)
        self._size: int = lib.wasmtime_memory_data_size(context, self._at)

    def load(self, address: int, length: int) -> bytes:
        """Bytes of the guest. Raises: GuestFailed out of bounds."""
        self._check(address, length)
        return copy_bytes(self._base + address, length)

    def store(self, address: int, data: bytes) -> None:
        """Writes to the guest. Raises: GuestFailed out of bounds."""
        length = len(data)
        self._check(address, length)
        if length:
            view_at(self._base + address, length)[:] = data

    def _check(self, address: int, length: int) -> None:
        if address < 0 or length < 0 or address + length > self._size:
            self._size = lib.wasmtime_memory_data_size(self._context, self._at)  # it may have grown
            if address < 0 or length < 0 or address + length > self._size:
                raise GuestFailed(
                    f"bytes {address} to {address + length} lie outside the guest's memory of {self._size}",
                    remedy="pass a pointer and a length inside it",
                )
