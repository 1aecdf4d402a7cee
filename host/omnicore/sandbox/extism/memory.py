"""The memories of a sandbox: what guests and host share, the guest's own, and the charge for all of them."""

from __future__ import annotations

from collections.abc import Callable
from struct import Struct
from typing import NoReturn

from omnicore.errors import Conflict, EngineFailed, GuestFailed, MemoryExceeded, OmniError
from omnicore.sandbox.abi import KIB, MIB
from omnicore.sandbox.budget import BUDGET
from omnicore.sandbox.capi.functions import EXTERN_WORDS, FUNCTION_AT
from omnicore.sandbox.capi.library import Buffer, copy_bytes, decommit, lib, view_at
from omnicore.sandbox.wasm import PAGE_BYTES

__all__ = ["CLOSED", "COMMITTED_AT_START", "ExchangeMemory", "Footprint", "GuestMemory", "outcome_of"]

COMMITTED_AT_START = 17 * PAGE_BYTES
_FIRST = 16  # the first block; offset 0 is the empty handle
_ERROR, _TOP, _GENERATION, _DIRTY, _COMMITTED, _MAXIMUM = 4, 5, 6, 7, 8, 9
_TABLE = 128  # word of the table's first entry
_DEAD = 0xC0000000
_LENGTH = 0x3FFFFFFF
_FREED_BY_HOST = 0x40000000
_MOST_GENERATIONS = 0x7FFFFFF0
_put = Struct("=7q").pack_into
outcome_of = Struct("=3q").unpack_from


class ExchangeMemory:
    """The memory that guests and host share: blocks, and the header in `kernel.wat`.

    Guests can write any byte of the blocks and none of the header, so what is read here is what the kernel decided.

    Owns: nothing; valid while its store lives.
    """

    __slots__ = ("_blocks_at", "_commit", "_header_at", "blocks", "header", "header_bytes", "words")

    def __init__(self, blocks_at: int, header_at: int, maximum: int, commit: Callable[[int], bool]) -> None:
        self._blocks_at, self._header_at = blocks_at, header_at
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
        """The error that the guest set, cut to `most` bytes; None when it set none."""
        handle = self.header[_ERROR]
        if not handle:
            return None
        length = min(self.size(handle), most)
        return self.blocks[handle : handle + length].tobytes().decode(errors="replace")

    def size(self, handle: int) -> int:
        """The length of a live block; 0 for anything else."""
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
            f"handle {handle} is not a live block of the exchange memory",
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
        length = self.size(handle)
        if length:
            self.header[_TABLE + (handle >> 4)] |= _FREED_BY_HOST

    @property
    def committed(self) -> int:
        """Bytes of blocks that the kernel has made usable."""
        return self.header[_COMMITTED]

    def decommit(self) -> None:
        """Returns the pages of blocks and table to the machine. The exchange must not be used afterwards."""
        committed = self.header[_COMMITTED]
        decommit(self._blocks_at, committed)
        decommit(self._header_at, committed // 2)

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


class _Closed(ExchangeMemory):
    """The exchange of a closed store: every use is an error instead of a crash."""

    def __init__(self) -> None:
        pass

    def __getattribute__(self, name: str) -> NoReturn:
        raise Conflict("the call is over", remedy="use a host call only until the host function returns")


CLOSED: ExchangeMemory = _Closed()


_MEMORY_KIND = 3


class GuestMemory:
    """The memory that the calling module exports as `memory`. Every access is checked against its size now.

    Raises: GuestFailed: the module exports none.
    """

    __slots__ = ("_at", "_base", "_context", "_found", "_size")

    def __init__(self, caller: int) -> None:
        found = Buffer(EXTERN_WORDS)
        named = lib.wasmtime_caller_export_get(caller, b"memory", 6, found.address)
        if not named or found.words[0] & 0xFF != _MEMORY_KIND:
            raise GuestFailed("the module exports no memory", remedy="export its memory as `memory`")
        self._found = found
        self._context = context = lib.wasmtime_caller_context(caller)
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


LARGE_BYTES = 2 * MIB
"""A guest that held more gives its pages back when it is done, in 10 us."""

_FREE_BYTES = 256 * KIB  # of growth that is not counted
_FREE_HELD_BYTES = 2 * MIB  # by guests that are done: no more than the kernel's untouched pages
_MOST_HELD_BYTES = 16 * MIB  # by guests that are done: freed with the store, not before
_KEPT_BYTES = 3 * MIB  # an idle sandbox that holds more is given up after a while
_STEP_BYTES = 4 * MIB  # a store is charged for guests that are done in these steps
_KERNEL_BYTES = COMMITTED_AT_START + 9 * PAGE_BYTES  # the memories of `kernel.wat`


class Footprint:
    """The memory of one store, charged to the budget of all sandboxes. Units: bytes.

    `guests` counts those made so far and `held` is what those hold that are done; `noted` is the size of the present
    one when it was last measured, where it has grown, and `paid` what is charged for those that are done. `eager`:
    calls are admitted with all they may grow to. `watermark` is the size of a guest's memory and the committed
    exchange memory from which on the store must be charged again. `kept_bytes`: see `omnicore.sandbox.engine.Instance`.

    Args:
        limit: what one guest may hold.
        first: what the memories of a guest start with.
        stack: what a stack of its own takes.
    """

    # fmt: off
    __slots__ = (
        "_beside", "_context", "_exchange", "_first", "_limit", "_memories", "_noted", "_paid", "charged", "eager",
        "guests", "held", "kept_bytes", "watermark",
    )
    # fmt: on

    def __init__(self, context: int, exchange: ExchangeMemory, *, limit: int, first: int, stack: int) -> None:
        self._context, self._exchange = context, exchange
        self._limit, self._first = limit, first
        self._beside = _KERNEL_BYTES - _FREE_HELD_BYTES + stack
        self._memories: tuple[int, ...] = ()
        self._noted, self._paid = 0, _FREE_HELD_BYTES
        self._mark(first)
        self.charged = self.guests = self.held = 0
        self.eager = first > _STEP_BYTES or not BUDGET.is_ordinary(limit)
        self.kept_bytes = first if first > _KEPT_BYTES else 0
        BUDGET.charge(self, self._other_bytes() + (0 if self.eager else first))

    def follow(self, memories: tuple[int, ...]) -> None:
        """Measures these memories from now on: those of a fresh guest."""
        self._memories = memories
        self.guests += 1

    def follow_also(self, memory: int) -> None:
        """Measures one more memory."""
        self._memories = (*self._memories, memory)

    @property
    def memories(self) -> tuple[int, ...]:
        """The addresses of the memories of the present guest."""
        return self._memories

    def size(self) -> int:
        """Bytes of all memories of the present guest, and what the exchange memory grew."""
        size = self._exchange.committed - COMMITTED_AT_START
        for memory in self._memories:
            size += lib.wasmtime_memory_data_size(self._context, memory)
        return size

    def admit(self) -> None:
        """Has the budget reserve what the guest may grow to. Blocks. Raises: Unavailable."""
        BUDGET.admit(self, self._limit, beside=self._other_bytes())

    async def admit_async(self) -> None:
        """The same for an event loop. Raises: Unavailable."""
        await BUDGET.admit_async(self, self._limit, beside=self._other_bytes())

    def settle(self) -> None:
        """Charges what the store holds now, no more and no less."""
        size, first = self.size(), self._first
        self._noted = size if size > first else 0
        held = max(size, first)
        self._mark(held)
        self.kept_bytes = held if held > _KEPT_BYTES else 0
        if self.eager and not self.guests:
            first = 0
        BUDGET.charge(self, self._other_bytes() + max(size, first))

    def _mark(self, size: int) -> None:
        self.watermark = min(size + _FREE_BYTES, self._limit) + COMMITTED_AT_START

    def outgrown(self) -> OmniError | None:
        """The error for a guest that has grown further than it may, or than all sandboxes together may; None when it
        has not. Asked at every tick."""
        size = self.size()
        if size > self._limit:
            return self.oversize()
        if size > self._noted and size > self._first:
            self._noted = size
            wanted = self._other_bytes() + size
            if wanted > self.charged and not BUDGET.grow(self, wanted):
                return BUDGET.over()
        return None

    def oversize(self) -> MemoryExceeded | None:
        """The error for a guest that holds more memory than it may; None when it does not."""
        size = self.size()
        if size <= self._limit:
            return None
        return MemoryExceeded(
            f"oom: the plugin's memories hold {size} bytes, {self._limit} are allowed",
            remedy="use less memory, or raise limits.memory_bytes",
            limit="memory_bytes",
            allowed=self._limit,
        )

    def has_room(self, batch: int) -> bool:
        """Ends the present guest. True when another one may be made: of `batch` in all, while little is held."""
        size = self.size()
        self.held = held = self.held + size
        room = self.guests < batch and held <= _MOST_HELD_BYTES and not self._exchange.worn
        if size > LARGE_BYTES:
            self._give_back()
        self._memories = ()
        if room and (held > self._paid or size > LARGE_BYTES or self._noted):
            self._paid = held + _STEP_BYTES
            self.settle()
        return room

    def forget(self) -> None:
        """Ends the charge in a forked child, whose budget begins with none."""
        self.charged = 0

    def give_up(self) -> None:
        """Gives the pages back to the machine when the store is about to be freed."""
        self._give_back()
        if self._exchange.committed > LARGE_BYTES:
            self._exchange.decommit()

    def _give_back(self) -> None:
        """Gives the pages of the present guest, which is done, back to the machine."""
        for memory in self._memories:
            size = lib.wasmtime_memory_data_size(self._context, memory)
            if size > PAGE_BYTES:
                decommit(lib.wasmtime_memory_data(self._context, memory), size)

    def _other_bytes(self) -> int:
        """Bytes beside the guest: the kernel, guests that are done, a stack, the table of blocks."""
        return self._beside + self._paid + (self._exchange.committed - COMMITTED_AT_START) // 2
