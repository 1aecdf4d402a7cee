"""The identity of a host, and locks that show which hosts on this machine live.

Each host locks its own file, and the system unlocks it at its end.
"""

from __future__ import annotations

import fcntl
import os
import re
from contextlib import suppress
from pathlib import Path

from omnicore.files import check_own, only_one, own_folder, write_whole
from omnicore.ids import new_id

_NAME = re.compile(r"[a-z]+_[0-9a-z]{26}")


def host_identity(data: Path) -> str:
    """The identity of the host with this data folder, which is the same after a restart; made when first asked for.

    Raises: StorageFailed: the folder cannot be written, or somebody else may write to the file.
    """
    file = data / "host.id"
    with only_one(file):
        if check_own(file):
            known = file.read_text(encoding="ascii", errors="replace").strip()
            if _NAME.fullmatch(known):
                return known
        made = new_id("host")
        write_whole(file, f"{made}\n".encode())
    return made


class HostLocks:
    """Locks in a folder. Nothing is known of hosts that use another folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._held: dict[str, int] = {}

    def hold(self, host: str) -> None:
        """Holds the lock of a running host. Without the right to write to the folder it does nothing."""
        with suppress(OSError):
            own_folder(self._folder)
            handle = os.open(self._file(host), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                os.close(handle)
                raise
            self._held[host] = handle

    def leave(self) -> None:
        """Releases all locks."""
        for host, handle in self._held.items():
            with suppress(OSError):
                self._file(host).unlink()
            os.close(handle)
        self._held.clear()

    def dead(self, host: str) -> bool:
        """True if the process of a host is known to have ended."""
        if host in self._held or not _NAME.fullmatch(host):
            return False
        try:
            handle = os.open(self._file(host), os.O_RDWR | os.O_CLOEXEC)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            return False
        finally:
            os.close(handle)
        return True

    def forget(self, host: str) -> None:
        """Deletes the file of a host that has ended, after its work was taken over."""
        if host not in self._held and _NAME.fullmatch(host):
            with suppress(OSError):
                self._file(host).unlink()

    def _file(self, host: str) -> Path:
        return self._folder / f"{host}.lock"
