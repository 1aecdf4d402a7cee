"""What a guest's descriptor can be, and the streams among them: standard input and output in memory."""

from __future__ import annotations

from omnicore.errors import LimitExceeded
from omnicore.sandbox.wasi.errno import BADF, NOTDIR, NOTSUP, SPIPE, WasiError
from omnicore.sandbox.wasi.layout import FILESTAT
from omnicore.sandbox.wasi.rights import FD_READ, FD_WRITE, STREAM, TYPE_UNKNOWN


class Descriptor:
    """One entry of a descriptor table. Each operation refuses with `BADF` where a kind does not have it."""

    __slots__ = ("filetype", "flags", "inheriting", "rights")

    def __init__(self, filetype: int, rights: int, *, inheriting: int = 0, flags: int = 0) -> None:
        self.filetype = filetype
        self.rights = rights
        self.inheriting = inheriting
        self.flags = flags

    def read(self, size: int) -> bytes:
        """Up to `size` bytes from where the descriptor stands; empty at the end."""
        raise WasiError(BADF)

    def write(self, data: bytes) -> int:
        """Writes where the descriptor stands; returns how much."""
        raise WasiError(BADF)

    def pread(self, size: int, at: int) -> bytes:
        """Up to `size` bytes from an offset."""
        raise WasiError(BADF)

    def pwrite(self, data: bytes, at: int) -> int:
        """Writes at an offset; returns how much."""
        raise WasiError(BADF)

    def seek(self, delta: int, whence: int) -> int:
        """Moves where the descriptor stands; returns the new offset. `whence` 0 start, 1 current, 2 end."""
        raise WasiError(BADF)

    def resize(self, size: int) -> None:
        """Cuts a file or grows it by a hole."""
        raise WasiError(BADF)

    def allocate(self, at: int, length: int) -> None:
        """Makes a file reach to `at + length`."""
        raise WasiError(BADF)

    def advise(self) -> None:
        """Takes advice about the use of a file, and does nothing with it."""
        raise WasiError(BADF)

    def sync(self) -> None:
        """Waits until what was written is on disk."""
        raise WasiError(BADF)

    def set_flags(self, flags: int) -> None:
        """Sets append and non-blocking mode."""
        self.flags = flags

    def filestat(self) -> bytes:
        """The `filestat` structure."""
        raise WasiError(BADF)

    def set_times(self, *, access_ns: int | None, modified_ns: int | None) -> None:
        """Sets the times that are given."""
        raise WasiError(BADF)

    def list_from(self, cookie: int, room: int) -> bytes:
        """Directory entries from a cookie on, `room` bytes at most; the last one may be cut."""
        raise WasiError(NOTDIR)

    def readable_bytes(self) -> int | None:
        """What is there to be read without waiting, None where reading is not possible."""
        return 0

    def writable_bytes(self) -> int:
        """What can be written without waiting."""
        return 0

    def close(self) -> None:
        """Gives back what the host holds for this descriptor."""


class Stream(Descriptor):
    """A pipe-like descriptor: no offset, no size."""

    __slots__ = ()

    def pread(self, size: int, at: int) -> bytes:
        raise WasiError(SPIPE)

    def pwrite(self, data: bytes, at: int) -> int:
        raise WasiError(SPIPE)

    def seek(self, delta: int, whence: int) -> int:
        raise WasiError(SPIPE)

    def advise(self) -> None:
        raise WasiError(SPIPE)

    def sync(self) -> None:
        raise WasiError(NOTSUP)

    def filestat(self) -> bytes:
        return FILESTAT.pack(0, 0, TYPE_UNKNOWN, 1, 0, 0, 0, 0)


class Input(Stream):
    """Standard input: bytes that are there from the start, then the end."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        super().__init__(TYPE_UNKNOWN, STREAM | FD_READ)
        self.refill(data)

    def refill(self, data: bytes) -> None:
        """Starts again with other bytes."""
        self._data = data
        self._at = 0

    def read(self, size: int) -> bytes:
        part = self._data[self._at : self._at + size]
        self._at += len(part)
        return part

    def readable_bytes(self) -> int | None:
        return len(self._data) - self._at


class Room:
    """Bytes of output that one call has left, shared by standard output and error."""

    __slots__ = ("allowed", "left", "limit")

    def __init__(self, allowed: int, *, limit: str) -> None:
        self.allowed = self.left = allowed
        self.limit = limit

    def take(self, amount: int) -> None:
        """Raises: LimitExceeded when fewer bytes are left."""
        if amount > self.left:
            raise LimitExceeded(
                f"the guest wrote more than {self.allowed} bytes to standard output and error",
                remedy=f"let it write less, or raise limits.{self.limit}",
                limit=self.limit,
                allowed=self.allowed,
            )
        self.left -= amount


class Output(Stream):
    """Standard output or error, kept in memory."""

    __slots__ = ("_room", "data")

    def __init__(self, room: Room) -> None:
        super().__init__(TYPE_UNKNOWN, STREAM | FD_WRITE)
        self._room = room
        self.data = bytearray()

    def write(self, data: bytes) -> int:
        self._room.take(len(data))
        self.data += data
        return len(data)

    def readable_bytes(self) -> int | None:
        return None

    def writable_bytes(self) -> int:
        return self._room.left
