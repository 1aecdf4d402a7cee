"""A cursor over a module's bytes that never reads past its end and never trusts a count."""

from __future__ import annotations

from typing import NoReturn

from omnicore.errors import ModuleRejected

__all__ = ["Reader", "reject", "write_u32"]

_NAME_BYTES = 4_096
_BROKEN = "build the plugin again or copy the whole file"


def reject(reason: str, offset: int, remedy: str = _BROKEN) -> NoReturn:
    """Raises: ModuleRejected, always."""
    raise ModuleRejected(f"{reason} (at byte {offset})", remedy=remedy, offset=offset)


def write_u32(value: int) -> bytes:
    """The shortest LEB128 form of a number. Source: Wasm core specification 5.2.2."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


class Reader:
    """Reads `data[position:end]` forward. Raises: ModuleRejected from every method that meets the end."""

    __slots__ = ("data", "end", "position")

    def __init__(self, data: bytes, position: int, end: int) -> None:
        self.data = data
        self.position = position
        self.end = end

    def byte(self) -> int:
        """One byte."""
        at = self.position
        if at >= self.end:
            reject("the file ends inside a section", at)
        self.position = at + 1
        return self.data[at]

    def u32(self) -> int:
        """An unsigned number of up to 32 bits."""
        return self._unsigned(32)

    def u64(self) -> int:
        """An unsigned number of up to 64 bits."""
        return self._unsigned(64)

    def _unsigned(self, bits: int) -> int:
        start = self.position
        first = self.byte()
        if first < 0x80:
            return first
        value, shift = first & 0x7F, 7
        while shift < bits:
            part = self.byte()
            value |= (part & 0x7F) << shift
            if part < 0x80:
                return value if value >> bits == 0 else reject("a number is too large", start)
            shift += 7
        reject("a number is longer than its type allows", start)

    def skip_number(self, longest: int) -> None:
        """Passes a LEB128 number of at most `longest` bytes."""
        for _ in range(longest):
            if self.byte() < 0x80:
                return
        reject("a number is longer than its type allows", self.position)

    def count(self, what: str, most: int, *, entry_bytes: int = 1) -> int:
        """The length of a vector of at most `most` entries that take at least `entry_bytes` each."""
        start = self.position
        number = self.u32()
        if number * entry_bytes > self.end - self.position:
            reject(f"the file announces {number} {what}, more than it has bytes for", start)
        if number > most:
            reject(f"{number} {what} where {most} are allowed", start, "split the plugin into smaller ones")
        return number

    def take(self, length: int) -> bytes:
        """The next `length` bytes."""
        at = self.position
        if length > self.end - at:
            reject("the file ends inside a section", at)
        self.position = at + length
        return self.data[at : at + length]

    def name(self) -> str:
        """A name: UTF-8, at most 4,096 bytes."""
        start = self.position
        length = self.u32()
        if length > _NAME_BYTES and length <= self.end - self.position:
            reject(f"a name of {length} bytes where {_NAME_BYTES} are allowed", start, "use shorter names")
        try:
            return self.take(length).decode()
        except UnicodeDecodeError:
            reject("a name is not UTF-8 text", start)

    def finish(self, what: str) -> None:
        """Raises: ModuleRejected when bytes are left over."""
        if self.position != self.end:
            reject(f"{what} has {self.end - self.position} bytes too many", self.position)
