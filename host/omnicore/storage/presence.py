"""Who has a database file open: each process shares a lock beside it, and a restore wants it alone."""

from __future__ import annotations

import fcntl
import os
import time
from pathlib import Path

from omnicore.errors import StorageFailed
from omnicore.storage.faults import storage_failed

__all__ = ["Presence"]

_AGAIN_S = 0.02


class Presence:
    """A lock on `<file>.lock`, from here until `leave`; the system lets go of it when the process dies.

    Args: alone: nobody else may be there; otherwise all but those who are alone may.
    Raises: StorageFailed: it cannot be had within `timeout_s`, or the folder cannot be written.
    """

    def __init__(self, file: Path, *, alone: bool, timeout_s: float) -> None:
        path = file.with_name(f"{file.name}.lock")
        try:
            self._handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise storage_failed(error, str(file)) from error
        try:
            self._wait(file, fcntl.LOCK_EX if alone else fcntl.LOCK_SH, timeout_s)
        except BaseException:
            self.leave()
            raise

    def leave(self) -> None:
        """Lets go; a second time does nothing."""
        handle, self._handle = self._handle, -1
        if handle >= 0:
            os.close(handle)

    def _wait(self, file: Path, way: int, timeout_s: float) -> None:
        end = time.monotonic() + timeout_s
        while True:
            try:
                fcntl.flock(self._handle, way | fcntl.LOCK_NB)
                return
            except BlockingIOError as error:
                if time.monotonic() >= end:
                    doing = "is open in another process" if way == fcntl.LOCK_EX else "is being restored"
                    remedy = "stop the server and the commands that use it, then try again"
                    raise StorageFailed(f"{file} {doing}", remedy=remedy, path=str(file)) from error
            except OSError as error:
                raise storage_failed(error, str(file)) from error
            time.sleep(_AGAIN_S)
