"""What components print, kept for the plugin's log."""

from __future__ import annotations

from collections.abc import Iterator

from omnicore.sandbox.abi import LogLevel

__all__ = ["Printed", "Stream"]

_PERMIT = 4_096


class Printed:
    """Standard output and standard error of one sandbox, up to a number of bytes for both."""

    __slots__ = ("_left", "_most", "error", "output")

    def __init__(self, most: int) -> None:
        self._most = self._left = most
        self.output = Stream(self, "info")
        self.error = Stream(self, "warn")

    def permit(self) -> int:
        """How much may be written at once; 0 for nothing more."""
        return max(0, min(_PERMIT, self._left))  # a write that was too long has used up more than there was

    def spend(self, count: int) -> bool:
        """Whether so many bytes more may be kept."""
        self._left -= count
        return self._left >= 0

    def lines(self) -> Iterator[tuple[LogLevel, str]]:
        """What was written since, by line, standard error first; then there is room again."""
        self._left = self._most
        for stream in (self.error, self.output):
            data, stream.data = bytes(stream.data), bytearray()
            for line in data.decode(errors="replace").splitlines():
                yield stream.level, line


class Stream:
    """One of the two."""

    __slots__ = ("_printed", "data", "level")

    def __init__(self, printed: Printed, level: LogLevel) -> None:
        self._printed = printed
        self.level = level
        self.data = bytearray()

    def permit(self) -> int:
        """How many bytes the next write may have."""
        return self._printed.permit()

    def write(self, data: bytes) -> bool:
        """Keeps bytes; False when there is no room left."""
        if not self._printed.spend(len(data)):
            return False
        self.data += data
        return True
