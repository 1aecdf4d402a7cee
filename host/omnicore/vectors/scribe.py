"""`python -m omnicore.vectors.scribe`: writes an index to a file, in a process of its own.

hnswlib holds the interpreter's lock while it writes (0.2 s for 100,000 vectors of 256 numbers), which would freeze
the host's event loop. So another process takes the copy before, adds what came since, and writes the next one.
A damaged copy can end that process, never the host.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from omnicore.vectors.distance import Matrix
from omnicore.vectors.graph import Graph, GraphFailed
from omnicore.vectors.numeric import np
from omnicore.vectors.snapshots import checksum
from omnicore.vectors.twin import Labels

__all__ = ["Order", "written"]

_SLICE = 2000
_POLL_S = 0.05
_NICE = 10


@dataclass(frozen=True, slots=True)
class Order:
    """What to write: the copy `base` of `base_rows` labels, if there is one, with the rows in `folder` added."""

    folder: str
    base: str
    base_rows: int
    base_crc: int
    dimensions: int
    metric: str
    m: int
    ef: int


def written(
    order: Order, labels: Labels, matrix: Matrix, living: Labels, stopping: Callable[[], bool]
) -> tuple[Path, int, int, int]:
    """Lets another process write the file. Returns it, how many labels are in it, its size and its checksum.

    Args:
        labels, matrix: what to add to the copy before.
        living: all labels that are to be found; the others are marked.

    Raises: GraphFailed: it did not come to an end, or `stopping` became true meanwhile.
    """
    folder = Path(order.folder)
    np.save(folder / "labels.npy", labels)
    np.save(folder / "matrix.npy", matrix)
    np.save(folder / "living.npy", living)
    command = [sys.executable, "-P", "-m", "omnicore.vectors.scribe"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said, failed = _outcome(process, json.dumps(asdict(order)).encode(), stopping)
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
    order = Order(**json.load(sys.stdin))
    os.nice(_NICE)
    path = _write(order)
    size, crc = checksum(path)
    json.dump([np.load(path.with_name("labels.npy"), mmap_mode="r").shape[0] + order.base_rows, size, crc], sys.stdout)


def _write(order: Order) -> Path:
    folder = Path(order.folder)
    labels = np.load(folder / "labels.npy", allow_pickle=False)
    matrix = np.load(folder / "matrix.npy", mmap_mode="r", allow_pickle=False)
    graph = _base(order)
    for at in range(0, len(labels), _SLICE):
        graph.add(labels[at : at + _SLICE], np.asarray(matrix[at : at + _SLICE]))
    living = np.load(folder / "living.npy", allow_pickle=False)
    graph.mark(np.setdiff1d(graph.labels(), living, assume_unique=True).tolist())
    path = folder / "index"
    graph.save(path)
    with path.open("rb") as file:
        os.fsync(file.fileno())
    return path


def _base(order: Order) -> Graph:
    if not order.base:
        return Graph(order.dimensions, order.metric, m=order.m, ef=order.ef)
    if checksum(Path(order.base))[1] != order.base_crc:
        raise GraphFailed("the copy before is damaged")
    return Graph.loaded(
        *(Path(order.base), order.dimensions, order.metric), rows=order.base_rows, m=order.m, ef=order.ef
    )


if __name__ == "__main__":
    main()
