"""What the file system under a database is: write-ahead logs need the memory that processes of one machine share."""

from __future__ import annotations

import os
import re
from pathlib import Path

from omnicore.errors import StorageFailed

__all__ = ["filesystem_of", "refuse_network"]

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
