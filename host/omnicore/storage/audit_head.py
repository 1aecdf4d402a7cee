"""The head of the record, signed off in a file of the data folder: whoever cuts rows off the end does not reach it."""

from __future__ import annotations

import fcntl
import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from omnicore.errors import StorageFailed
from omnicore.files import check_own, own_folder
from omnicore.storage.faults import storage_failed
from omnicore.storage.tables.audit import Anchor

__all__ = ["FILE", "HeadFile"]

FILE = "audit.head"
"""The name of the file in the data folder."""

_SIZE = 160  # less than a sector of a disk, and always as much: no write of it is ever half done


class HeadFile:
    """One row's number and hash. It is written after the row is on the disk, so it is never ahead of the chain."""

    def __init__(self, data: Path) -> None:
        self.path = data / FILE
        self._mine: Anchor | None = None

    def read(self) -> Anchor | None:
        """The head that was signed last, or None. Raises: StorageFailed: the file is damaged."""
        try:
            return self._parsed(self.path.read_bytes())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise storage_failed(error, str(self.path)) from error

    def advance(self, head: Anchor, confirmed: Callable[[Anchor], bool]) -> bool:
        """Signs off a newer row, unless the one that was signed off is not in the chain: that must stay to be seen.

        Args:
            confirmed: whether a row that somebody else signed off is in the chain.

        Returns: whether the file is part of the chain. Raises: StorageFailed.
        """
        with self._held() as handle:
            known = self._parsed(os.pread(handle, _SIZE, 0))
            if known is not None and known != self._mine and not confirmed(known):
                return False
            if known is None or known.seq < head.seq:
                self._write(handle, head)
            return True

    def replace(self, head: Anchor) -> None:
        """Signs off a row whatever was signed off before. Raises: StorageFailed."""
        with self._held() as handle:
            self._write(handle, head)

    def _write(self, handle: int, head: Anchor) -> None:
        text = json.dumps({"seq": head.seq, "hash": head.hash})
        os.pwrite(handle, text.ljust(_SIZE - 1).encode() + b"\n", 0)
        os.ftruncate(handle, _SIZE)
        self._mine = head

    @contextmanager
    def _held(self) -> Iterator[int]:
        """The file, for this process alone."""
        try:
            own_folder(self.path.parent)
            check_own(self.path)
            handle = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX)
                yield handle
            finally:
                os.close(handle)
        except OSError as error:
            raise storage_failed(error, str(self.path)) from error

    def _parsed(self, data: bytes) -> Anchor | None:
        if not data:
            return None
        try:
            found = json.loads(data)
            return Anchor(int(found["seq"]), str(found["hash"]))
        except (ValueError, TypeError, KeyError, RecursionError) as error:
            raise StorageFailed(
                f"{self.path} is no signed-off head",
                remedy="look who changed it; `omnicore audit verify --accept` signs off the chain as it is",
                path=str(self.path),
            ) from error
