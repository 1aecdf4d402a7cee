"""Keys and migrations under `kill -9`: `python -m tests.chaos.storage [ROUNDS] [--url postgresql://...]`.

A process writes keys from several threads, so that they share commits, and says what was kept; it is killed at some
instant. Nothing it acknowledged is lost, no version goes back, the totals agree with the keys. Every third round it is
killed while it makes the tables of a new database instead: they are all there afterwards, once.
"""

from __future__ import annotations

import argparse
import itertools
import random
import subprocess
import sys
import tempfile
import threading
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import psycopg
from tests.storage.stores import STEPS_SEEN

from omnicore.clock import SystemClock
from omnicore.config.settings import StorageSettings
from omnicore.storage.database import DATABASE, open_store
from omnicore.storage.migrations import NEWEST
from omnicore.storage.store import Store
from omnicore.storage.tables.kv import KvTable, KvTotals

__all__ = ["Tally", "run"]

_THREADS = 4
_MIGRATING_S = 0.25


@dataclass
class Tally:
    """What came of the rounds: `acknowledged` writes, `halved` migrations that a kill met before their end."""

    rounds: int = 0
    acknowledged: int = 0
    halved: int = 0
    problems: list[str] = field(default_factory=list)


def run(rounds: int, *, folder: Path, url: str | None = None, seed: int = 0, most_s: float = 0.5) -> Tally:
    """Kills a writer so many times, on the same data, and looks each time. What the database holds is dropped."""
    chance, tally = random.Random(seed), Tally()
    for number in range(rounds):
        if number % 3 == 0:
            _empty(folder, url)
            _killed(folder, url, "migrate", chance.uniform(0, _MIGRATING_S))
            found = _migrated(folder, url, tally)
        else:
            said = _killed(folder, url, "write", chance.uniform(0, most_s))
            tally.acknowledged += len(said)
            found = _written(folder, url, said)
        tally.rounds += 1
        tally.problems += [f"round {number}: {problem}" for problem in found]
    return tally


def _killed(folder: Path, url: str | None, what: str, seconds: float) -> list[str]:
    """Lets a process work for that long after its first line, and kills it. Returns the lines that followed."""
    command = [sys.executable, "-m", "tests.chaos.storage", "--do", what, "--folder", str(folder)]
    with subprocess.Popen([*command, *(["--url", url] if url else [])], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        timer = threading.Timer(seconds, process.kill)
        timer.start()
        lines = [line.strip() for line in process.stdout if line.endswith("\n")]
        timer.cancel()
    return lines


def _migrated(folder: Path, url: str | None, tally: Tally) -> list[str]:
    tally.halved += not _has_tables(folder, url)
    with closing(_open(folder, url)) as store:
        steps = store.rows(STEPS_SEEN)[0]
        store.rows("SELECT count(*) FROM workflows")
        return [] if steps == (NEWEST, NEWEST) else [f"steps {steps} instead of {NEWEST}"]


def _written(folder: Path, url: str | None, said: list[str]) -> list[str]:
    last = dict(line.split(" ", 1) for line in said)
    problems = []
    with closing(_open(folder, url)) as store:
        table = KvTable(store, SystemClock())
        for thread, words in last.items():
            value, version = map(int, words.split())
            found = table.get("p", thread)
            # One write may have been kept without the time to say so.
            if found is None or int(found[0]) not in (value, value + 1) or found[1] < version:
                problems.append(f"key {thread} is {found}, acknowledged were {value} and version {version}")
        counted = store.rows("SELECT coalesce(sum(length(key) + length(value)), 0), count(*) FROM kv")[0]
        if table.totals("p") != KvTotals(*counted):
            problems.append(f"totals {table.totals('p')} instead of {counted}")
        store.check()
    return problems


def _empty(folder: Path, url: str | None) -> None:
    if url is not None:
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("DROP SCHEMA public CASCADE")
            connection.execute("CREATE SCHEMA public")
        return
    for path in folder.glob(f"{DATABASE}*"):
        path.unlink()


def _has_tables(folder: Path, url: str | None) -> bool:
    if url is None:
        return (folder / DATABASE).exists() and b"workflows" in (folder / DATABASE).read_bytes()
    with psycopg.connect(url) as connection:
        return connection.execute("SELECT to_regclass('workflows') IS NOT NULL").fetchone() == (True,)


def _open(folder: Path, url: str | None) -> Store:
    return open_store(StorageSettings(url=url), folder)


def _write(folder: Path, url: str | None) -> None:
    table = KvTable(_open(folder, url), SystemClock())
    mutex = threading.Lock()
    # Each thread has a connection of its own. On a loaded machine to open them takes longer than a round lasts.
    ready = threading.Barrier(_THREADS, action=lambda: print("begin", flush=True))

    def worker(name: str) -> None:
        found = table.get("p", name)
        value = int(found[0]) if found else 0
        for number in itertools.count(value + 1):
            version = table.put("p", name, b"%d" % number)
            if number == value + 1:
                ready.wait()
            else:
                with mutex:
                    print(name, number, version, flush=True)

    for number in range(_THREADS):
        threading.Thread(target=worker, args=(f"t{number}",)).start()


def _migrate(folder: Path, url: str | None) -> None:
    print("begin", flush=True)
    _open(folder, url).close()


def main() -> int:
    """Runs the rounds and prints what came of them; 1 when something was lost."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("rounds", nargs="?", type=int, default=100)
    parser.add_argument("--url")
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--do", choices=["write", "migrate"])
    options = parser.parse_args()
    if options.do:
        {"write": _write, "migrate": _migrate}[options.do](options.folder, options.url)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        tally = run(options.rounds, folder=options.folder or Path(folder), url=options.url)
    print(tally)
    return 1 if tally.problems else 0


if __name__ == "__main__":
    sys.exit(main())
