"""The files beside the database that a backup must hold: what nothing else could make again."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

__all__ = ["KEPT", "MADE_AGAIN", "Kept", "drop_made_again", "files_of", "is_kept"]


@dataclass(frozen=True, slots=True)
class Kept:
    """Files of one folder inside the data folder.

    A file is written whole and never changed, as it is copied while the host runs.
    """

    folder: str
    pattern: re.Pattern[str]


KEPT: tuple[Kept, ...] = (Kept("modules", re.compile(r"[0-9a-f]{64}\.(?:wasm|wat)\Z")),)
"""Rooms that keep such files add a line. Compiled code and snapshots of indexes can be made again; the plugin folder
and the vault's master key belong to the operator, the key least of all beside what it opens."""

MADE_AGAIN = ("vectors",)
"""Folders of what is made from rows and names them by numbers: with other rows those would be wrong."""


def drop_made_again(data: Path) -> None:
    """Removes what belongs to the rows that are about to go."""
    for folder in MADE_AGAIN:
        shutil.rmtree(data / folder, ignore_errors=True)


def files_of(data: Path) -> Iterator[tuple[str, Path]]:
    """The files in a data folder, each with its name in a backup."""
    for kept in KEPT:
        folder = data / kept.folder
        if folder.is_dir():
            yield from (
                (f"{kept.folder}/{path.name}", path)
                for path in sorted(folder.iterdir())
                if kept.pattern.match(path.name) and path.is_file() and not path.is_symlink()
            )


def is_kept(name: str) -> bool:
    """Whether a name in a backup is one that `files_of` gives."""
    folder, _, file = name.partition("/")
    return any(kept.folder == folder and kept.pattern.match(file) for kept in KEPT)
