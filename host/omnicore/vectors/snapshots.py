"""Copies of indexes on disk: a file for each, and a manifest that says which bytes to believe."""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import tempfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields
from pathlib import Path

__all__ = ["WORK", "Manifest", "SnapshotBroken", "Snapshots", "checksum"]

WORK = "work-"
"""How the name of a folder begins in which a copy is made; what follows is in no other name."""

_FORMAT = 1
_MANIFEST_BYTES = 4096
_KEY = re.compile(r"[0-9a-f]{16}")
_CHUNK = 1 << 20
_ABANDONED_S = 3600.0


class SnapshotBroken(Exception):
    """The copy cannot be used; the index is built from the table."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a copy is. It holds `rows` labels, all that lived at `seq`; `bytes` and `crc` are the file's."""

    file: str
    seq: int
    rows: int
    bytes: int
    crc: int
    dimensions: int
    metric: str
    m: int
    format: int = _FORMAT


class Snapshots:
    """The copies in one folder. Several processes may share it; the last one to publish wins.

    hnswlib trusts its files: 18 of 100 flipped bits crash the process. So a file is believed only with the
    manifest's checksum, and a manifest replaces the one before it in one step, after the file is on the disk.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def manifest(self, key: int) -> Manifest | None:
        """What the newest copy of a collection is. Raises: SnapshotBroken."""
        try:
            with self._manifest(key).open("rb") as file:
                return _parsed(file.read(_MANIFEST_BYTES + 1))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SnapshotBroken(f"the manifest cannot be read: {error.strerror}") from error

    def keys(self) -> list[int]:
        """Collections that have a copy."""
        return [int(path.stem, 16) for path in self.folder.glob("*.json") if _KEY.fullmatch(path.stem)]

    def verified(self, manifest: Manifest) -> Path:
        """The copy's file, read whole and compared. Raises: SnapshotBroken."""
        path = self.folder / manifest.file
        try:
            size, crc = checksum(path)
        except OSError as error:
            raise SnapshotBroken(f"{manifest.file} cannot be read: {error.strerror}") from error
        if (size, crc) != (manifest.bytes, manifest.crc):
            raise SnapshotBroken(f"{manifest.file} is damaged: its checksum differs")
        return path

    @contextmanager
    def workplace(self) -> Iterator[Path]:
        """A folder for a copy in the making, on the same disk."""
        self.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        place = Path(tempfile.mkdtemp(prefix=WORK, dir=self.folder))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def publish(self, key: int, made: Path, manifest: Manifest) -> None:
        """Puts a file that is on the disk, and its manifest, in place of the copy before. Raises: OSError."""
        with self._alone():
            made.replace(self.folder / manifest.file)
            fresh = made.with_name("manifest")
            with fresh.open("wb") as file:
                file.write(json.dumps(asdict(manifest)).encode())
                file.flush()
                os.fsync(file.fileno())
            fresh.replace(self._manifest(key))
            self._sync()
            self._forget(key, manifest.file)

    def remove(self, key: int) -> None:
        """Deletes the copies of a collection."""
        if self.folder.is_dir():
            with suppress(OSError), self._alone():
                self._manifest(key).unlink(missing_ok=True)
                self._forget(key, "")

    def tidy(self, now: float) -> None:
        """Deletes what killed processes left behind an hour ago or earlier."""
        for place in self.folder.glob(f"{WORK}*"):
            with suppress(OSError):
                if place.stat().st_mtime < now - _ABANDONED_S:
                    shutil.rmtree(place, ignore_errors=True)

    def _manifest(self, key: int) -> Path:
        return self.folder / f"{key:016x}.json"

    def _forget(self, key: int, but: str) -> None:
        for path in self.folder.glob(f"{key:016x}.*.hnsw"):
            if path.name != but:
                path.unlink(missing_ok=True)

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Without it, a process could delete the file that another has named in its manifest a moment ago."""
        with (self.folder / "lock").open("ab") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            yield

    def _sync(self) -> None:
        folder = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)


def checksum(path: Path) -> tuple[int, int]:
    """Size and CRC-32 of a file. Raises: OSError."""
    size = crc = 0
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            size += len(chunk)
            crc = zlib.crc32(chunk, crc)
    return size, crc


def _parsed(data: bytes) -> Manifest:
    try:
        found = json.loads(data) if len(data) <= _MANIFEST_BYTES else None
    except (ValueError, RecursionError) as error:
        raise SnapshotBroken("the manifest is no JSON") from error
    wanted = {spec.name: str if spec.type == "str" else int for spec in fields(Manifest)}
    if not isinstance(found, dict) or {name: type(value) for name, value in found.items()} != wanted:
        raise SnapshotBroken("the manifest has another form")
    manifest = Manifest(**found)
    if manifest.format != _FORMAT or Path(manifest.file).name != manifest.file or manifest.rows < 1:
        raise SnapshotBroken("the manifest has another form")
    return manifest
