"""Copies of indexes on disk: a file for each, without the vectors, and a manifest that says which bytes to believe.

`python -m omnicore.vectors.snapshots`: writes an index to a file, in a process of its own.

hnswlib holds the interpreter's lock while it writes (0.2 s for 100,000 vectors of 256 numbers), which would freeze
the host's event loop. So another process takes the copy before, adds what came since, and writes the next one.
A damaged copy can end that process, never the host.
"""

from __future__ import annotations

import fcntl
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import zlib
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import TYPE_CHECKING

from omnicore.files import own_folder, own_opener
from omnicore.vectors.ann import Graph, GraphFailed
from omnicore.vectors.links import nameless
from omnicore.vectors.numeric import np

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from omnicore.vectors.exact import Labels, Matrix


WORK = "work-"
"""Prefix of a folder in which a copy is made; the rest of the name is unique."""

_FORMAT = 2  # 1 held the vectors too
_MANIFEST_BYTES = 4096
_KEY = re.compile(r"[0-9a-f]{16}")
_CHUNK = 1 << 20
_ABANDONED_S = 3600.0


class SnapshotBroken(Exception):
    """The copy cannot be used; the index is built from the table."""


@dataclass(frozen=True, slots=True)
class SnapshotManifest:
    """A description of a copy. It holds `rows` labels, all that lived at `seq`; `bytes` and `crc` are the file's."""

    file: str
    seq: int
    rows: int
    bytes: int
    crc: int
    dimensions: int
    metric: str
    m: int
    format: int = _FORMAT


class IndexSnapshots:
    """The copies in one folder. Several processes may share it; the last one to publish wins.

    hnswlib trusts its files: 18 of 100 flipped bits crash the process. So a file is believed only with the
    manifest's checksum, and a manifest replaces the one before it in one step, after the file is on the disk.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def manifest(self, key: int) -> SnapshotManifest | None:
        """The manifest of the newest copy of a collection. Raises: SnapshotBroken."""
        try:
            with self._manifest(key).open("rb") as file:
                found = _parsed(file.read(_MANIFEST_BYTES + 1))
        except FileNotFoundError:
            return None
        except OSError as error:
            raise SnapshotBroken(f"the manifest cannot be read: {error.strerror}") from error
        if found.format != _FORMAT:
            self.remove(key)
            return None
        return found

    def keys(self) -> list[int]:
        """Collections that have a copy."""
        return [int(path.stem, 16) for path in self.folder.glob("*.json") if _KEY.fullmatch(path.stem)]

    def verified(self, manifest: SnapshotManifest) -> Path:
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
        own_folder(self.folder)
        place = Path(tempfile.mkdtemp(prefix=WORK, dir=self.folder))
        try:
            yield place
        finally:
            shutil.rmtree(place, ignore_errors=True)

    def publish(self, key: int, made: Path, manifest: SnapshotManifest) -> None:
        """Puts a file that is on the disk, and its manifest, in place of the copy before. Raises: OSError."""
        with self._alone():
            made.chmod(0o600)  # the library that wrote it went by the umask
            made.replace(self.folder / manifest.file)
            fresh = made.with_name("manifest")
            with open(fresh, "wb", opener=own_opener) as file:
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
        with open(self.folder / "lock", "ab", opener=own_opener) as file:
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


def _parsed(data: bytes) -> SnapshotManifest:
    try:
        found = json.loads(data) if len(data) <= _MANIFEST_BYTES else None
    except (ValueError, RecursionError) as error:
        raise SnapshotBroken("the manifest is no JSON") from error
    wanted = {spec.name: str if spec.type == "str" else int for spec in fields(SnapshotManifest)}
    if not isinstance(found, dict) or {name: type(value) for name, value in found.items()} != wanted:
        raise SnapshotBroken("the manifest has another form")
    manifest = SnapshotManifest(**found)
    if not 1 <= manifest.format <= _FORMAT or Path(manifest.file).name != manifest.file or manifest.rows < 1:
        raise SnapshotBroken("the manifest has another form")
    return manifest


_SLICE = 2000
_POLL_S = 0.05
_NICE = 10


@dataclass(frozen=True, slots=True)
class SnapshotOrder:
    """A file to write: the copy `base` of `base_rows` labels, if there is one, with the labels in `folder` added."""

    folder: str
    base: str
    base_rows: int
    base_crc: int
    dimensions: int
    metric: str
    m: int
    ef: int
    matrix: str = ""


def written(
    order: SnapshotOrder, labels: Labels, matrix: Matrix, stopping: Callable[[], bool]
) -> tuple[Path, int, int, int]:
    """Lets another process write the file. Returns it, how many labels are in it, its size and its checksum.

    Args:
        labels, matrix: all that live, in ascending order; what else is in the copy before is marked.

    Raises: GraphFailed: it did not come to an end, or `stopping` became true meanwhile.
    """
    folder = Path(order.folder)
    np.save(folder / "labels.npy", labels)
    with nameless(folder) as (file, path):  # a killed process leaves no vectors behind
        np.save(file, matrix)
        file.flush()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "omnicore.vectors.snapshots"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            pass_fds=(file.fileno(),),
        )
        said, failed = _outcome(process, json.dumps(asdict(replace(order, matrix=str(path)))).encode(), stopping)
    if process.returncode:
        raise GraphFailed(f"the process that writes the index ended with {process.returncode}: {failed[-200:]!r}")
    rows, size, crc = json.loads(said)
    return folder / "index", rows, size, crc


def _outcome(process: subprocess.Popen[bytes], order: bytes, stopping: Callable[[], bool]) -> tuple[bytes, bytes]:
    given: bytes | None = order
    with process:
        while True:
            try:
                return process.communicate(given, timeout=_POLL_S)
            except subprocess.TimeoutExpired:
                given = None  # it has been handed over
            if stopping():
                process.send_signal(signal.SIGKILL)
                process.communicate()
                raise GraphFailed("the host stops")


def main() -> None:
    """Reads an order from standard input and answers rows, size and checksum."""
    order = SnapshotOrder(**json.load(sys.stdin))
    os.nice(_NICE)
    path, rows = _write(order)
    json.dump([rows, *checksum(path)], sys.stdout)


def _write(order: SnapshotOrder) -> tuple[Path, int]:
    folder = Path(order.folder)
    labels = np.load(folder / "labels.npy", allow_pickle=False)
    matrix = np.load(order.matrix, mmap_mode="r", allow_pickle=False)
    graph = _base(order, labels, matrix)
    known = graph.labels() if order.base else labels[:0]
    fresh = np.flatnonzero(~np.isin(labels, known, assume_unique=True))
    for at in range(0, len(fresh), _SLICE):
        some = fresh[at : at + _SLICE]
        graph.add(labels[some], np.asarray(matrix[some]))
    graph.mark(np.setdiff1d(known, labels, assume_unique=True).tolist())
    path = folder / "index"
    graph.save(path)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path, graph.rows


def _base(order: SnapshotOrder, labels: Labels, matrix: Matrix) -> Graph:
    if not order.base:
        return Graph(order.dimensions, order.metric, m=order.m, ef=order.ef)
    if checksum(Path(order.base))[1] != order.base_crc:
        raise GraphFailed("the copy before is damaged")
    return Graph.restored(
        *(Path(order.base), order.dimensions, order.metric),
        vectors=(labels, matrix),
        rows=order.base_rows,
        m=order.m,
        ef=order.ef,
    )


if __name__ == "__main__":
    main()
