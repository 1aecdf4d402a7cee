"""A backup file: a ZIP of the database, the files beside it and their hashes; its rows, and copies of them."""

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
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any

from omnicore.errors import InvalidInput, StorageFailed
from omnicore.files import own_folder, own_opener
from omnicore.storage.database import DATABASE
from omnicore.storage.modules import MODULE_PARTS
from omnicore.storage.store import storage_failed

if TYPE_CHECKING:
    from omnicore.storage.store import Dialect, Session, Store


@dataclass(frozen=True, slots=True)
class KeptFiles:
    """Files of one folder inside the data folder.

    Each file is written atomically and never changed, as it is copied while the host runs.
    """

    folder: str
    pattern: re.Pattern[str]


KEPT: tuple[KeptFiles, ...] = (KeptFiles("modules", re.compile(r"[0-9a-f]{64}\.(?:wasm|wat)\Z")),)
"""The files that a backup holds beside the database. Compiled code and snapshots of indexes can be rebuilt; the plugin
folder and the vault's master key are for the operator to keep, the key never beside the data that it opens."""

MADE_AGAIN = ("memory", "vectors")
"""Folders that are built from rows and refer to them by number: they are wrong beside other rows."""


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
    """Writes the archive whole or not at all. Files that were deleted meanwhile are left out.

    Returns: the contents with what was written. Raises: StorageFailed.
    """
    partial = target.with_name(f".{target.name}.{os.getpid()}.partial")
    entries: dict[str, tuple[int, str]] = {}
    try:
        partial.unlink(missing_ok=True)  # of a killed process; O_EXCL refuses the files of others
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
    """Copies at most one chunk beyond `most`. Returns: size and hash."""
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
    """Writes `TABLE.jsonl` for each table of a backup; bytes become `{"base64": ...}`.

    Rows are read one at a time, so that memory does not grow with them.

    Returns: the number of rows by table. Raises: StorageFailed, InvalidInput.
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
    """Tables with rows of their own, without those that SQLite derives for indexes of words."""
    virtual = [
        row[0] for row in connection.execute("SELECT name FROM sqlite_master WHERE sql LIKE 'CREATE VIRTUAL TABLE%'")
    ]
    names = [
        row[0]
        for row in connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
        )
    ]
    # A restored database can hold foreign tables, whose names must not become names of files.
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


def stored_bytes(store: Store) -> int:
    """Bytes on the disk: of SQLite's file with its journal, of PostgreSQL's database. Raises: StorageFailed."""
    if store.dialect == "postgresql":
        return int(store.rows("SELECT pg_database_size(current_database())")[0][0])
    size = 0
    for ending in ("", "-wal"):
        with suppress(OSError):  # a database in memory has no file
            size += Path(store.place + ending).stat().st_size
    return size


Rows = Callable[[str], Iterator[tuple[Any, ...]]]
_BATCH = 1000
_STEPS = ("migrations", "schema_steps")
_OWN = (*_STEPS, "changes", MODULE_PARTS)
_TABLES = {
    # Without virtual tables and the tables that SQLite keeps for them: they are rebuilt from the others.
    "sqlite": "SELECT name FROM pragma_table_list WHERE schema = 'main' AND type = 'table'"
    " AND name NOT LIKE 'sqlite#_%' ESCAPE '#' ORDER BY name",
    "postgresql": "SELECT CAST(tablename AS text) FROM pg_tables WHERE schemaname = current_schema() ORDER BY 1",
}
_COLUMNS = {
    "sqlite": "SELECT name FROM pragma_table_info(?) ORDER BY cid",
    "postgresql": "SELECT CAST(attname AS text) FROM pg_attribute WHERE attrelid = to_regclass(quote_ident(?))"
    " AND attnum > 0 AND NOT attisdropped AND attgenerated = '' ORDER BY attnum",
}


def tables_of(store: Store) -> list[str]:
    """The tables with rows of their own, by name."""
    return [name for (name,) in store.rows(_TABLES[store.dialect]) if name not in _OWN]


def columns_of(store: Store, table: str) -> list[str]:
    """The columns of a table, in their order."""
    return [name for (name,) in store.rows(_COLUMNS[store.dialect], (table,))]


def count_rows(store: Store) -> dict[str, int]:
    """The number of rows of each table."""
    return {name: int(store.rows(f"SELECT count(*) FROM {_quoted(name)}")[0][0]) for name in tables_of(store)}


def copy_into_sqlite(source: Store, rows: Rows, target: Store) -> None:
    """Fills the empty tables of a SQLite database; `rows` answers queries to the source, all as of one instant."""
    shared = _shared(source, target)
    with target.write(durable=True) as session:
        # The totals that triggers maintain are copied with the other rows.
        triggers = session.execute("SELECT name, sql FROM sqlite_master WHERE type = 'trigger'").fetchall()
        for name, _ in triggers:
            session.execute(f"DROP TRIGGER {_quoted(name)}")
        for table, columns in shared.items():
            _fill(session, table, columns, rows(_select(table, columns)))
        for _, sql in triggers:
            session.execute(sql)


def copy_into_postgresql(file: Path, source: Store, target: Store, derive: Callable[[Store, Session], None]) -> None:
    """Replaces the rows of a PostgreSQL database with those of a SQLite file, in one transaction.

    Args: derive: rebuilds what is derived from the rows, in the same transaction.
    """
    shared = _shared(source, target)
    held = [_quoted(name) for name in tables_of(target)]
    with closing(sqlite3.connect(file)) as origin, target.write(durable=True) as session:
        session.execute(f"TRUNCATE {', '.join(held)}")
        for table, columns in shared.items():
            session.execute(f"ALTER TABLE {_quoted(table)} DISABLE TRIGGER USER")
            _fill(session, table, columns, origin.execute(_select(table, columns)))
            session.execute(f"ALTER TABLE {_quoted(table)} ENABLE TRIGGER USER")
            _number_on(session, table, columns)
        derive(target, session)


def _shared(source: Store, target: Store) -> dict[str, list[str]]:
    both = set(tables_of(source)) & set(tables_of(target))
    found = {}
    for table in sorted(both):
        theirs = set(columns_of(source, table))
        found[table] = [name for name in columns_of(target, table) if name in theirs]
    return found


def _fill(session: Session, table: str, columns: Sequence[str], rows: Iterable[tuple[Any, ...]]) -> None:
    marks, left = ", ".join("?" * len(columns)), iter(rows)
    insert = f"INSERT INTO {_quoted(table)} ({_listed(columns)}) VALUES ({marks})"
    session.execute(f"DELETE FROM {_quoted(table)}")
    while batch := list(islice(left, _BATCH)):
        session.executemany(insert, batch)


def _number_on(session: Session, table: str, columns: Sequence[str]) -> None:
    """Sets the sequence of a table to its highest number."""
    for column in columns:
        found = session.execute(
            "SELECT pg_get_serial_sequence(quote_ident(CAST(? AS text)), CAST(? AS text))", (table, column)
        ).fetchone()
        if found[0]:
            session.execute(
                f"SELECT setval(CAST(? AS regclass), coalesce(max({_quoted(column)}), 0) + 1, false)"
                f" FROM {_quoted(table)}",
                (found[0],),
            )


def _select(table: str, columns: Sequence[str]) -> str:
    return f"SELECT {_listed(columns)} FROM {_quoted(table)}"


def _listed(names: Sequence[str]) -> str:
    return ", ".join(map(_quoted, names))


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


@dataclass(frozen=True, slots=True)
class Description:
    """A database. Units: `size` in bytes, its log included; `rows` by table; `step` of the migrations."""

    dialect: Dialect
    place: str
    size: int
    step: int
    rows: dict[str, int]


def describe(store: Store) -> Description:
    """The description of a database; counts the rows of every table. Raises: StorageFailed."""
    names = {name for (name,) in store.rows(_TABLES[store.dialect])}
    step = max(int(store.rows(f"SELECT max(number) FROM {name}")[0][0] or 0) for name in _STEPS if name in names)
    return Description(store.dialect, store.place, stored_bytes(store), step, count_rows(store))
