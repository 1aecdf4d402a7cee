"""Vectors under `kill -9`: `python -m tests.chaos.vectors [ROUNDS] [--url postgresql://...]`.

A process writes, deletes and copies its index without pause and says what was kept; another kills it at some instant,
opens the data and compares. No write that was acknowledged is lost, no half of a batch is there, the index agrees with
the table, and every vector finds itself.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from omnicore.config.settings import VectorSettings
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.vectors.service import VectorService

__all__ = ["Tally", "run"]

DIMENSIONS = 32
BATCH = 8
NAMES = 4000
SETTINGS = VectorSettings(exact_up_to=200, refresh_s=0.0, m=8, ef=64, snapshot_s=0.1)


@dataclass
class Tally:
    """What came of the rounds."""

    rounds: int = 0
    acknowledged: int = 0
    from_copy: int = 0
    rebuilt: int = 0
    problems: list[str] = field(default_factory=list)


def run(rounds: int, *, folder: Path, url: str | None = None, seed: int = 0, most_s: float = 1.0) -> Tally:
    """Kills a writer so many times, on the same data, and looks each time. `folder` must be empty."""
    chance, tally = random.Random(seed), Tally()
    state: dict[str, int] = {}
    for number in range(rounds):
        pending = _killed(folder, url, number, chance.uniform(0.2, most_s), state, tally)
        tally.rounds += 1
        tally.problems += [f"round {number}: {problem}" for problem in _problems(folder, url, state, pending, tally)]
    return tally


def _killed(
    folder: Path, url: str | None, number: int, seconds: float, state: dict[str, int], tally: Tally
) -> dict[str, int | None]:
    """Lets a writer work for a while and kills it. Returns what it had begun and not acknowledged."""
    command = [
        sys.executable,
        "-m",
        "tests.chaos.vectors",
        "--write",
        str(folder),
        str(number),
        *([url] if url else []),
    ]
    pending: dict[str, int | None] = {}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        timer: threading.Timer | None = None
        for line in process.stdout:
            if not line.endswith("\n"):
                break  # killed in the middle of a word
            if timer is None:  # it has begun
                timer = threading.Timer(seconds, process.send_signal, (signal.SIGKILL,))
                timer.start()
            said = json.loads(line)
            if "begin" in said:
                pending = said["begin"]
            else:
                tally.acknowledged += 1
                _apply(state, pending)
                pending = {}
        process.wait()
        if timer is not None:
            timer.cancel()
    return pending


def _apply(state: dict[str, int], change: dict[str, int | None]) -> None:
    for name, value in change.items():
        if value is None:
            state.pop(name, None)
        else:
            state[name] = value


def _problems(
    folder: Path, url: str | None, state: dict[str, int], pending: dict[str, int | None], tally: Tally
) -> list[str]:
    store = _store(folder, url)
    try:
        return _compared(folder, store, state, pending, tally)
    finally:
        store.close()


def _compared(
    folder: Path, store: Store, state: dict[str, int], pending: dict[str, int | None], tally: Tally
) -> list[str]:
    problems = []
    store.check()
    service = VectorService(store, folder / "vectors", SETTINGS)
    kept = {row[0]: json.loads(row[1])["n"] for row in store.rows("SELECT id, metadata FROM vectors")}
    after = dict(state)
    _apply(after, pending)
    if kept not in (state, after):
        lost = [name for name in state if kept.get(name) not in (state[name], after.get(name))]
        problems.append(f"{len(kept)} vectors instead of {len(state)} or {len(after)}; differing: {lost[:5]}")
    state.clear()
    state.update(kept)
    if len(kept) != service.table.vectors("p"):
        problems.append(f"{len(kept)} vectors, {service.table.vectors('p')} counted")
    if len(kept) <= SETTINGS.exact_up_to:
        return problems
    copied = bool(list((folder / "vectors").glob("*.json")))
    names = random.Random(len(kept)).sample(sorted(kept), 20)
    service.search("p", "docs", _vector(names[0], kept[names[0]]), 1)
    service.round()
    (loaded,) = service._cache.collections()
    if copied:
        tally.from_copy += service.health().ok
        tally.rebuilt += not service.health().ok
    graph = loaded.served.graph
    if graph is not None:
        exact = loaded.served.exact
        living = set(exact.labels[: exact.rows][exact.alive[: exact.rows]].tolist())
        rows = {row[0] for row in store.rows("SELECT seq FROM vectors")}
        tail = set(exact.labels[loaded.served.folded : exact.rows].tolist())
        if living != rows or not rows - tail <= set(graph.labels().tolist()):
            problems.append("the index differs from the table")
    for name in names:
        found, _ = service.search("p", "docs", _vector(name, kept[name]), 1)
        if found[0].id != name:
            problems.append(f"{name} does not find itself")
    return problems


def _store(folder: Path, url: str | None) -> Store:
    if url is None:
        return Database.open(folder / "omnicore.db")
    from omnicore.storage.postgresql import PostgresDatabase

    return PostgresDatabase.open(url)


def _vector(name: str, value: int) -> Any:
    return np.random.default_rng([int(name), value]).standard_normal(DIMENSIONS).astype(np.float32)


def _write(folder: Path, number: int, url: str | None) -> None:
    """The writer: says what it begins, does it, and says that it is kept."""
    import asyncio

    service = VectorService(_store(folder, url), folder / "vectors", SETTINGS)
    service.create("p", "docs", DIMENSIONS)
    asyncio.run(service.start())
    chance, value = random.Random(number), number * 1_000_000
    while True:
        value += 1
        names = [str(chance.randrange(NAMES)) for _ in range(chance.choice((1, BATCH, 10 * BATCH)))]
        delete = chance.random() < 0.2
        change = dict.fromkeys(names, None if delete else value)
        print(json.dumps({"begin": change}), flush=True)
        if delete:
            service.delete("p", "docs", names)
        else:
            rows = np.array([_vector(name, value) for name in names])
            service.upsert_rows("p", "docs", names, rows, [{"n": value}] * len(names))
        print('{"kept": true}', flush=True)
        if chance.random() < 0.2:
            service.search("p", "docs", _vector("0", value), 3)


def main() -> int:
    """Runs the campaign. Exit code 1 when something was lost."""
    if sys.argv[1:2] == ["--write"]:
        _write(Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4] if len(sys.argv) > 4 else None)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", type=int, nargs="?", default=60)
    parser.add_argument("--url")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        tally = run(options.rounds, folder=Path(folder), url=options.url)
    print(tally)
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
