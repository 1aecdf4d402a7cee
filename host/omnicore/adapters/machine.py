"""Facts about the machine: its variables, and the few files that identify it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

FILES = (
    ".dockerenv",
    "run/.containerenv",
    "proc/1/cgroup",
    "proc/device-tree/model",
    "proc/meminfo",
    "sys/fs/cgroup/memory.max",
    "sys/fs/cgroup/cpu.max",
    "var/run/secrets/kubernetes.io/serviceaccount/namespace",
)
FOLDERS = ("run/secrets", "var/lib/omnicore")
_MOST_BYTES = 16 * 1024


@dataclass(frozen=True, slots=True)
class Machine:
    """A machine as it was found: `files` by their path without the first `/`, `folders` that can be used.

    `lent` folders hold no state and belong to another user, as a mounted volume does whose group may write.
    """

    environ: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, str] = field(default_factory=dict)
    folders: frozenset[str] = frozenset()
    lent: frozenset[str] = frozenset()
    cpus: int = 1
    root: Path = Path("/")

    def place(self, folder: str) -> str:
        """The path of one of its folders."""
        return str(self.root / folder)


def look(environ: Mapping[str, str], root: Path = Path("/")) -> Machine:
    """Looks at the machine; what cannot be read is not there."""
    files = {name: text for name in FILES if (text := _read(root / name)) is not None}
    usable = frozenset(name for name in FOLDERS if _usable(root / name, write=name.startswith("var")))
    lent = frozenset(name for name in usable if _lent(root / name))
    return Machine(environ, files, usable, lent, os.cpu_count() or 1, root)


def _read(file: Path) -> str | None:
    try:
        with file.open("rb") as stream:
            return stream.read(_MOST_BYTES).decode("utf-8", "replace")
    except OSError:
        return None


def _lent(folder: Path) -> bool:
    return folder.stat().st_uid != os.geteuid() and not (folder / "omnicore.db").exists()


def _usable(folder: Path, *, write: bool) -> bool:
    return folder.is_dir() and os.access(folder, os.R_OK | os.X_OK | (os.W_OK if write else 0))
