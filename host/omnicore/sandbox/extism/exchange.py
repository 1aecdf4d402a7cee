"""The exchange memory as the host sees it: one view of the blocks, one of the header in `kernel.wat`.

Guests can write any byte of the blocks and none of the header, so what is read here is what the kernel decided.
"""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NoReturn

from omnicore.errors import Conflict, EngineFailed, GuestFailed, MemoryExceeded
from omnicore.sandbox.capi.memory import view_at

__all__ = ["CLOSED", "COMMITTED_AT_START", "Exchange", "outcome_of"]

COMMITTED_AT_START = 17 * 65_536
_FIRST = 16  # the first block; offset 0 is the empty handle
_ERROR, _TOP, _GENERATION, _DIRTY, _COMMITTED, _MAXIMUM = 4, 5, 6, 7, 8, 9
_TABLE = 128  # word of the table's first entry
_DEAD = 0xC0000000
_LENGTH = 0x3FFFFFFF
_FREED_BY_HOST = 0x40000000
_MOST_GENERATIONS = 0x7FFFFFF0
_put = Struct("=7q").pack_into
outcome_of = Struct("=3q").unpack_from


class Exchange:
    """Blocks and header of one kernel instance. Owns: nothing; valid while its store lives."""

    __slots__ = ("_commit", "blocks", "header", "header_bytes", "words")

    def __init__(self, blocks_at: int, header_at: int, maximum: int, commit: Callable[[int], bool]) -> None:
        self.blocks = view_at(blocks_at, maximum)
        self.words = self.blocks.cast("q")
        self.header_bytes = view_at(header_at, (_TABLE + maximum // 16) * 8)
        self.header = self.header_bytes.cast("q")
        self._commit = commit
        self.header[_TOP] = _FIRST
        self.header[_COMMITTED] = COMMITTED_AT_START
        self.header[_MAXIMUM] = maximum

    def begin(self, data: bytes) -> None:
        """A new generation with `data` as its input; all handles of the one before are dead.

        Raises: MemoryExceeded: the input does not fit.
        """
        header = self.header
        generation = header[_GENERATION] + 1
        size = len(data)
        if not size:
            _put(self.header_bytes, 0, 0, 0, 0, 0, 0, _FIRST, generation)
            return
        end = (size + 31) & -16
        if end > header[_DIRTY]:
            self._make_room(end)
        elif size & 15:
            # The rest of the block's last 16 bytes, which the guest may read, is from an earlier call.
            word = end >> 3
            self.words[word - 1] = self.words[word - 2] = 0
        self.blocks[_FIRST : _FIRST + size] = data
        try:
            header[_TABLE + 1] = generation << 32 | size
        except ValueError:
            raise EngineFailed("the sandbox is used up after 2^31 calls", remedy="make a new instance") from None
        _put(self.header_bytes, 0, _FIRST, size, 0, 0, 0, end, generation)

    def outcome(self) -> tuple[int, int, int]:
        """Output offset and length, and the error handle."""
        return outcome_of(self.header_bytes, 16)

    def output(self) -> bytes:
        """The bytes the guest set as its output."""
        offset, length, _ = self.outcome()
        return self.blocks[offset : offset + length].tobytes()

    def error_text(self, most: int) -> str | None:
        """What the guest set as its error, cut to `most` bytes; None when it set none."""
        handle = self.header[_ERROR]
        if not handle:
            return None
        length = min(self._length(handle), most)
        return self.blocks[handle : handle + length].tobytes().decode(errors="replace")

    def _length(self, handle: int) -> int:
        header = self.header
        if handle & 15 or not _FIRST <= handle < header[_TOP]:
            return 0
        entry = header[_TABLE + (handle >> 4)]
        if entry >> 32 != header[_GENERATION] or entry & _DEAD:
            return 0
        return entry & _LENGTH

    def read(self, handle: int) -> bytes:
        """The bytes of a live block; handle 0 is the empty block. Raises: GuestFailed."""
        header = self.header
        if not handle & 15 and _FIRST <= handle < header[_TOP]:
            entry = header[_TABLE + (handle >> 4)]
            if entry >> 32 == header[_GENERATION] and not entry & _DEAD:
                return self.blocks[handle : handle + (entry & _LENGTH)].tobytes()
        if handle == 0:
            return b""
        raise GuestFailed(
            f"handle {handle} is no live block of the exchange memory",
            remedy="pass what `alloc` returned, and not after `free`",
        )

    def write(self, data: bytes) -> int:
        """A new block that holds `data`; 0 for none. Raises: MemoryExceeded."""
        size = len(data)
        if not size:
            return 0
        header = self.header
        handle = header[_TOP]
        end = (handle + size + 15) & -16
        if end > header[_DIRTY]:
            self._make_room(end)
        if size & 15:
            word = end >> 3
            self.words[word - 1] = self.words[word - 2] = 0
        self.blocks[handle : handle + size] = data
        header[_TABLE + (handle >> 4)] = header[_GENERATION] << 32 | size
        header[_TOP] = end
        return handle

    def free(self, handle: int) -> None:
        """Ends a block. Its address is not used again in this call: several kits free a key once more after
        the host has consumed it, and would free whatever took its place."""
        length = self._length(handle)
        if length:
            self.header[_TABLE + (handle >> 4)] |= _FREED_BY_HOST

    @property
    def committed(self) -> int:
        """Bytes of blocks that the kernel has made usable."""
        return self.header[_COMMITTED]

    @property
    def worn(self) -> bool:
        """True when generations run out: the next ones would bring dead handles back to life."""
        return self.header[_GENERATION] >= _MOST_GENERATIONS

    def _make_room(self, end: int) -> None:
        header = self.header
        if end <= header[_COMMITTED] or self._commit(end):
            header[_DIRTY] = end
        else:
            raise MemoryExceeded(
                f"oom: the exchange memory cannot hold {end} bytes",
                remedy="send less, or raise limits.memory_bytes",
                limit="memory_bytes",
                allowed=self.header[_MAXIMUM],
            )


class _Closed(Exchange):
    """The exchange of a closed cell: every use is an error instead of a crash."""

    def __init__(self) -> None:
        pass

    def __getattribute__(self, name: str) -> NoReturn:
        raise Conflict("the call is over", remedy="use a host call only until the host function returns")


CLOSED: Exchange = _Closed()
