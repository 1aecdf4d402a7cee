"""Opens the database that the settings name: SQLite in the data folder, or PostgreSQL by its URL."""

from __future__ import annotations

import logging
import os
import re
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Literal, Protocol

from omnicore.clock import Clock, SystemClock
from omnicore.errors import StorageFailed, ToolMissing
from omnicore.storage.database import Database

if TYPE_CHECKING:
    from omnicore.storage.store import Store

__all__ = ["FILE", "StorageOptions", "filesystem_of", "open_store", "refuse_network"]


_NETWORK = frozenset(
    {"nfs", "nfs4", "cifs", "smb3", "smbfs", "ncpfs", "afs", "ceph", "glusterfs", "lustre", "beegfs", "gpfs"}
    | {"fuse.sshfs", "fuse.glusterfs", "fuse.ceph", "fuse.s3fs", "fuse.rclone", "fuse.davfs2", "davfs"}
)
_MOUNTS = Path("/proc/self/mounts")
_ESCAPED = re.compile(r"\\([0-7]{3})")


def filesystem_of(path: Path, mounts: str) -> str:
    """The type of the file system that holds an absolute path; `mounts` as in /proc/self/mounts.

    >>> filesystem_of(Path("/srv/data/x.db"), "a / ext4 rw 0 0\\nb:/ /srv nfs4 rw 0 0")
    'nfs4'
    """
    found, length = "", -1
    for line in mounts.splitlines():
        fields = line.split(" ")
        if len(fields) < 3:
            continue
        point = _ESCAPED.sub(lambda code: chr(int(code.group(1), 8)), fields[1])
        # Of two mounts on one point the later lies on top.
        if len(point) >= length and path.is_relative_to(point):
            found, length = fields[2], len(point)
    return found


def refuse_network(file: Path) -> None:
    """Raises: StorageFailed: the file would lie on a network file system, as far as the system tells."""
    try:
        mounts = _MOUNTS.read_text("utf-8", "surrogateescape")
    except OSError:
        return
    kind = filesystem_of(Path(os.path.realpath(file)), mounts)
    if kind in _NETWORK:
        raise StorageFailed(
            f"{file} lies on a network file system ({kind}), where SQLite would damage it",
            remedy="put the data folder on a local disk, or use PostgreSQL by storage.url",
            path=str(file),
        )


FILE = "omnicore.db"
"""The name of the database in the data folder."""

_QUICK_S = 0.2
_LOCK_S = 2.0  # PostgreSQL: a session that stands still stalls nobody for longer
_log = logging.getLogger("omnicore.storage")


class StorageOptions(Protocol):
    """The settings under `storage`."""

    @property
    def url(self) -> str | None: ...

    @property
    def synchronous(self) -> Literal["normal", "full"]: ...

    @property
    def busy_timeout_s(self) -> float: ...

    @property
    def check_s(self) -> float: ...

    @property
    def connections(self) -> int: ...

    @property
    def connect_timeout_s(self) -> float: ...

    @property
    def statement_timeout_s(self) -> float: ...


def open_store(
    options: StorageOptions, data: Path, *, clock: Clock | None = None, check: bool = True, alone: bool = False
) -> Store:
    """Opens the database and brings its tables up to date, SQLite's after a copy beside it.

    Args:
        check: look for damage first; a command that is one of many leaves it to the server.
        alone: for PostgreSQL, no other process may have it open.

    Raises:
        StorageFailed: damaged, locked, full, not writable, on a network disk, away, or of a newer version.
        InvalidSetting: storage.url. ToolMissing: PostgreSQL's library is not installed.
    """
    clock = clock or SystemClock()
    if options.url is not None:
        return _postgresql(options, options.url, clock, alone)
    file = data / FILE
    refuse_network(file)
    unclean = check and left_open(file)
    store = Database.open(
        file, clock=clock, busy_timeout_s=options.busy_timeout_s, synchronous=options.synchronous, keep_copies=True
    )
    try:
        if check:
            _checked(store, options.check_s if unclean else min(_QUICK_S, options.check_s), unclean)
    except BaseException:
        store.close()
        raise
    return store


def left_open(file: Path) -> bool:
    """True if the last process did not close the file, or one has it open: its log is still there."""
    try:
        return file.with_name(f"{file.name}-wal").stat().st_size > 0
    except OSError:
        return False


def _checked(store: Database, seconds: float, unclean: bool) -> None:
    whole = store.check_for(seconds)
    if unclean and not whole:
        _log.warning("%s is too large to be checked in %s s; `omnicore db check` reads it all", store.place, seconds)


def _postgresql(options: StorageOptions, url: str, clock: Clock, alone: bool) -> Store:
    try:
        module = import_module("omnicore.storage.postgresql")
    except ImportError as error:
        raise ToolMissing(
            "the library psycopg is not installed",
            remedy="run `pip install 'omnicore[postgresql]'`",
            tool="psycopg",
        ) from error
    store: Store = module.PostgresDatabase.open(
        url,
        clock=clock,
        readers=options.connections,
        timeout_s=options.connect_timeout_s,
        statement_timeout_s=options.statement_timeout_s,
        lock_timeout_s=min(options.busy_timeout_s, _LOCK_S),
        alone=alone,
    )
    return store
