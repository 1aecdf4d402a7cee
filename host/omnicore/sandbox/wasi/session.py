"""The WASI side of one instance: descriptors, output, clocks, random bytes and what it may still write."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Final

from omnicore.errors import InvalidSetting
from omnicore.sandbox.abi import WasiGrant
from omnicore.sandbox.wasi.clocks import Clocks, random_source
from omnicore.sandbox.wasi.files import (
    CountedQuota,
    Descriptor,
    Directory,
    HostDescriptor,
    InputStream,
    OutputRoom,
    OutputStream,
)
from omnicore.sandbox.wasi.preview1 import BADF, NFILE, NOMEM, NOTDIR, WasiError

MAX_NAMES: Final = 65_536
"""Directory entries that a session's listings may hold together."""


class WasiExit(Exception):
    """The guest called `proc_exit`. The engine takes code 0 for success and any other for GuestFailed."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class WasiSession:
    """The WASI side of one instance.

    One thread uses it at a time. `begin` starts another call on the same instance: descriptors and clocks
    stay; output, standard input and the disk budget are new.

    Args:
        output_limit: bytes that one call may write to standard output and error together.
        limit_name: what the setting behind `output_limit` is called in the error.
        wall_ns, monotonic_ns: where the clocks come from, unless the grant freezes them.

    Raises:
        InvalidSetting: a preopened directory is not there.

    Owns: host descriptors of preopens and open files; `close` gives them back.
    """

    def __init__(
        self,
        grant: WasiGrant,
        *,
        stdin: bytes = b"",
        output_limit: int,
        limit_name: str = "output_bytes",
        wall_ns: Callable[[], int] = time.time_ns,
        monotonic_ns: Callable[[], int] = time.monotonic_ns,
    ) -> None:
        self.arguments = tuple(text.encode() for text in grant.arguments)
        self.environment = tuple(f"{name}={value}".encode() for name, value in grant.environment.items())
        self.clocks = Clocks(wall_ns=wall_ns, monotonic_ns=monotonic_ns, frozen_at_ns=grant.frozen_clock_ns)
        self.random = random_source(grant.seed)
        self.budget = CountedQuota(grant.max_disk_bytes)
        self.names = CountedQuota(MAX_NAMES, refusal=NOMEM)
        self._grant = grant
        self._room = OutputRoom(output_limit, limit=limit_name)
        self._stdin, self._stdout, self._stderr = InputStream(stdin), OutputStream(self._room), OutputStream(self._room)
        self._table: dict[int, Descriptor] = dict(enumerate((self._stdin, self._stdout, self._stderr)))
        self._open_files = 0
        self._open_preopens()

    def _open_preopens(self) -> None:
        try:
            for number, (host, guest, writable) in enumerate(self._grant.preopens, 3):
                folder = _open_folder(host)
                self._table[number] = Directory(folder, writable=writable, names=self.names, preopen=guest.encode())
        except BaseException:
            self.close()
            raise

    @property
    def stdout(self) -> bytes:
        """Standard output of this call."""
        return bytes(self._stdout.data)

    @property
    def stderr(self) -> bytes:
        """Standard error of this call."""
        return bytes(self._stderr.data)

    def begin(self, stdin: bytes = b"") -> None:
        """Starts another call: empty output, this standard input, a whole disk budget."""
        self._stdin.refill(stdin)
        self._stdout.data.clear()
        self._stderr.data.clear()
        self._room.left = self._room.allowed
        self.budget.left = self._grant.max_disk_bytes

    def close(self) -> None:
        """Closes every descriptor; a second time does nothing."""
        table, self._table = self._table, {}
        self._open_files = 0
        for entry in table.values():
            with suppress(OSError):
                entry.close()

    def entry(self, fd: int) -> Descriptor:
        """The descriptor of a number. Raises: WasiError `BADF`."""
        found = self._table.get(fd)
        if found is None:
            raise WasiError(BADF)
        return found

    def directory(self, fd: int) -> Directory:
        """The directory of a number. Raises: WasiError `BADF` or `NOTDIR`."""
        found = self.entry(fd)
        if not isinstance(found, Directory):
            raise WasiError(NOTDIR)
        return found

    def check_room_for_file(self) -> None:
        """Raises: WasiError `NFILE` when the guest has as many open files as the grant allows."""
        if self._open_files >= self._grant.max_files:
            raise WasiError(NFILE)

    def add(self, entry: HostDescriptor) -> int:
        """Gives an opened file the lowest free number."""
        fd = next(number for number in range(len(self._table) + 1) if number not in self._table)
        self._table[fd] = entry
        self._open_files += 1
        return fd

    def remove(self, fd: int) -> None:
        """Closes a descriptor."""
        entry = self.entry(fd)
        del self._table[fd]
        self._forget(entry)

    def renumber(self, fd: int, to: int) -> None:
        """Moves a descriptor onto the number of another one, which is closed. Raises: WasiError `BADF`."""
        entry, replaced = self.entry(fd), self.entry(to)
        if fd == to:
            return
        del self._table[fd]
        self._table[to] = entry
        self._forget(replaced)

    def _forget(self, entry: Descriptor) -> None:
        granted = isinstance(entry, Directory) and entry.preopen is not None
        if isinstance(entry, HostDescriptor) and not granted:
            self._open_files -= 1
        entry.close()


def _open_folder(path: str) -> int:
    try:
        return os.open(path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    except OSError as error:
        raise InvalidSetting(
            f"{path} cannot be opened for the guest: {error.strerror}",
            remedy="create the directory or take it out of the preopens",
            path=path,
        ) from error
