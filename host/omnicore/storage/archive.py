"""A backup as one file: a ZIP of the database, the kept files, and a list with the hash of each."""

from __future__ import annotations

import hashlib
import json
import lzma
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from omnicore.errors import InvalidInput, StorageFailed
from omnicore.storage.faults import storage_failed
from omnicore.storage.kept_files import is_kept

__all__ = ["DATABASE", "Contents", "extract", "read_contents", "write_archive"]

DATABASE = "omnicore.db"
_LIST = "backup.json"
_FORMAT = 1
_LIST_BYTES = 32 * 1024 * 1024
_CHUNK = 1024 * 1024
_MOST_STEPS = 1_000_000
_LATEST = 253_402_300_800.0  # the end of the year 9999, after which no date can be shown
_DAMAGE = (
    *(zipfile.BadZipFile, zipfile.LargeZipFile, zlib.error, lzma.LZMAError),
    *(EOFError, RuntimeError, UnicodeDecodeError),
)


@dataclass(frozen=True, slots=True)
class Contents:
    """What a backup holds. `dialect` wrote it, at migration `step`; `files` are names with size and SHA-256."""

    dialect: str
    step: int
    made_at: float
    files: dict[str, tuple[int, str]]

    @property
    def size(self) -> int:
        """Bytes of all files together."""
        return sum(size for size, _ in self.files.values())


def write_archive(target: Path, contents: Contents, files: Iterable[tuple[str, Path]]) -> Contents:
    """Writes the archive whole or not at all. Files that went away meanwhile are left out.

    Returns: the contents with what was written. Raises: StorageFailed.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    entries: dict[str, tuple[int, str]] = {}
    try:
        partial.unlink(missing_ok=True)  # a killed process' own; what others put there, O_EXCL refuses
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream:
            with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
                for name, path in files:
                    try:
                        source = path.open("rb")
                    except FileNotFoundError:
                        continue
                    with source, archive.open(name, "w", force_zip64=True) as entry:
                        entries[name] = _copied(source, entry, None)
                document = {
                    "format": _FORMAT,
                    "dialect": contents.dialect,
                    "step": contents.step,
                    "made_at": contents.made_at,
                    "files": entries,
                }
                archive.writestr(_LIST, json.dumps(document))
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(target)
    except OSError as error:
        raise storage_failed(error, str(target)) from error
    finally:
        partial.unlink(missing_ok=True)
    return Contents(contents.dialect, contents.step, contents.made_at, entries)


def read_contents(file: Path) -> Contents:
    """The list of a backup. Raises: InvalidInput: it is none. StorageFailed: it cannot be read."""
    with _archive(file) as archive:
        return _contents(archive, file)


def extract(file: Path, folder: Path) -> Contents:
    """Unpacks a backup into an empty folder, each file checked against its hash.

    Raises: InvalidInput: it is no backup, or was altered. StorageFailed: no room for it.
    """
    with _archive(file) as archive:
        contents = _contents(archive, file)
        if contents.size > shutil.disk_usage(folder).free:
            raise StorageFailed(
                f"{folder} has no room for the {contents.size} bytes of {file}",
                remedy="free space on that disk; nothing was changed",
                path=str(folder),
            )
        for name, (size, digest) in contents.files.items():
            target = folder / name
            target.parent.mkdir(mode=0o700, exist_ok=True)
            with (
                archive.open(name) as entry,
                open(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as stream,
            ):
                if _copied(entry, stream, size) != (size, digest):
                    raise _altered(file, name)
                stream.flush()
                os.fsync(stream.fileno())
    return contents


@contextmanager
def _archive(file: Path) -> Iterator[zipfile.ZipFile]:
    try:
        with zipfile.ZipFile(file) as archive:
            yield archive
    except _DAMAGE as error:
        raise InvalidInput(f"{file} is no backup, or damaged", remedy="take another backup", path=str(file)) from error
    except OSError as error:
        raise storage_failed(error, str(file)) from error


def _contents(archive: zipfile.ZipFile, file: Path) -> Contents:
    try:
        entry = archive.getinfo(_LIST)
        if entry.file_size > _LIST_BYTES:
            raise ValueError("the list is too long")
        with archive.open(entry) as stream:
            contents = _read(json.loads(stream.read(_LIST_BYTES + 1)))
        for name in contents.files:
            archive.getinfo(name)
    except (KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
        raise InvalidInput(f"{file} is no backup of OmniCore", remedy="name a file of `omnicore db backup`") from error
    return contents


def _read(document: Any) -> Contents:
    if document["format"] != _FORMAT or document["dialect"] not in ("sqlite", "postgresql"):
        raise ValueError("another format")
    files = {str(name): (int(size), str(digest)) for name, (size, digest) in document["files"].items()}
    known = all(size >= 0 and (name == DATABASE or is_kept(name)) for name, (size, _) in files.items())
    if DATABASE not in files or not known:
        raise ValueError("files that a backup does not hold")
    step, made_at = int(document["step"]), float(document["made_at"])
    if not (0 <= step <= _MOST_STEPS and 0 <= made_at < _LATEST):
        raise ValueError("no step, or no time")
    return Contents(dialect=document["dialect"], step=step, made_at=made_at, files=files)


def _copied(source: IO[bytes], target: IO[bytes], most: int | None) -> tuple[int, str]:
    """Copies, and no more than one chunk beyond `most`. Returns: size and hash."""
    digest, size = hashlib.sha256(), 0
    while chunk := source.read(_CHUNK):
        digest.update(chunk)
        size += len(chunk)
        if most is not None and size > most:
            break
        target.write(chunk)
    return size, digest.hexdigest()


def _altered(file: Path, name: str) -> InvalidInput:
    return InvalidInput(f"{name} in {file} was altered", remedy="take another backup", path=str(file))
