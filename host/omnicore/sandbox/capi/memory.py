"""Raw memory for C: buffers we own, views of memory the engine owns, pointers read and bytes copied."""

from __future__ import annotations

import ctypes
from functools import lru_cache
from typing import Any

__all__ = ["Buffer", "copy_bytes", "read_pointer", "view_at"]


@lru_cache(maxsize=64)
def _array_type(size: int) -> Any:
    return ctypes.c_ubyte * size


@lru_cache(maxsize=64)
def _word_type(words: int) -> Any:
    return ctypes.c_int64 * words


def view_at(address: int, size: int) -> memoryview:
    """A writable view of `size` bytes at `address`.

    Owns: nothing. The engine's memory must stay mapped while the view is used; reading a page that is not
    committed ends the process, so callers check lengths against what the kernel says it committed.
    """
    return memoryview(_array_type(size).from_address(address)).cast("B")


def copy_bytes(address: int, size: int) -> bytes:
    """The `size` bytes at `address`."""
    return ctypes.string_at(address, size)


def read_pointer(address: int) -> int:
    """The pointer stored at `address`; 0 for null."""
    return ctypes.c_void_p.from_address(address).value or 0


class Buffer:
    """Zeroed memory that C writes to and Python reads as signed 64-bit words.

    Owns: the memory, for as long as the buffer lives.
    """

    __slots__ = ("_array", "_words", "address")

    def __init__(self, words: int) -> None:
        self._array = _word_type(words)()
        self._words: memoryview | None = None
        self.address = ctypes.addressof(self._array)

    @property
    def words(self) -> memoryview:
        """A view of the whole buffer; made when first asked for, because most buffers are for C alone."""
        if self._words is None:
            self._words = memoryview(self._array).cast("B").cast("q")
        return self._words
