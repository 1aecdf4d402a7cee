"""A backup file: a ZIP of the database, the files beside it and their hashes; and its rows as JSON lines."""

from __future__ import annotations

import base64
import hashlib
import json
import lzma
import os
import re
import shutil
import sqlite3
import zipfile
import zlib
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

from omnicore.errors import InvalidInput, StorageFailed
from omnicore.files import own_folder, own_opener
from omnicore.storage.faults import storage_failed

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

__all__ = [
    "DATABASE",
    "KEPT",
    "MADE_AGAIN",
    "Contents",
    "Kept",
    "drop_made_again",
    "extract",
    "files_of",
    "is_kept",
    "read_contents",
    "write_archive",
    "write_rows",
]


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
    """True if a name in a backup is one that `files_of` gives."""
    folder, _, file = name.partition("/")
    return any(kept.folder == folder and kept.pattern.match(file) for kept in KEPT)


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
    """The contents of a backup. `dialect` wrote it, at migration `step`; `files` are names with size and SHA-256."""

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
            own_folder(target.parent)
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


_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,99}")


def write_rows(backup: Path, folder: Path) -> dict[str, int]:
    """Writes `TABLE.jsonl` for each table of a backup; how many rows of each. Bytes become `{"base64": ...}`.

    Rows are read one at a time, so that memory does not grow with them. Raises: StorageFailed, InvalidInput.
    """
    try:
        own_folder(folder)
        with TemporaryDirectory(dir=folder.parent, prefix=".rows-") as scratch:
            extract(backup, Path(scratch))
            file = Path(scratch) / DATABASE
            with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
                return {table: _write(connection, table, folder) for table in _tables(connection)}
    except OSError as error:
        raise StorageFailed(
            f"{folder} cannot be written: {error.strerror}", remedy="make room, or let the host write there"
        ) from error
    except sqlite3.Error as error:
        raise storage_failed(error, str(backup)) from error


def _tables(connection: sqlite3.Connection) -> list[str]:
    """Tables that hold rows of their own: what indexes of words keep beside them is made from others."""
    virtual = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'")
    ]
    names = [
        row[0]
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
    ]
    # A database that was restored can hold tables of a stranger: their names are no names of files.
    plain = [name for name in names if _NAME.fullmatch(name)]
    return [name for name in plain if not any(name == one or name.startswith(f"{one}_") for one in virtual)]


def _write(connection: sqlite3.Connection, table: str, folder: Path) -> int:
    count = 0
    with open(folder / f"{table}.jsonl", "w", encoding="utf-8", opener=own_opener) as file:
        for row in _rows(connection, table):
            file.write(json.dumps(row, ensure_ascii=False) + "\n")
            count += 1
    return count


def _rows(connection: sqlite3.Connection, table: str) -> Iterator[dict[str, Any]]:
    cursor = connection.execute('SELECT * FROM "' + table.replace('"', '""') + '"')
    names = [one[0] for one in cursor.description]
    for row in cursor:
        yield {name: _plain(value) for name, value in zip(names, row, strict=True)}


def _plain(value: Any) -> Any:
    return {"base64": base64.b64encode(value).decode()} if isinstance(value, bytes) else value
