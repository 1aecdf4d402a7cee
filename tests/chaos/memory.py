"""Memories under `kill -9`: nothing acknowledged is lost, and what is searched is what is in the table.

`python -m tests.chaos.memory [--rounds N] [--url postgresql://...]` runs the campaign by itself; `run` is for
others. A process stores, forgets and consolidates as fast as it can, writes down each memory after it was
acknowledged, and is killed at a random moment.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
import threading
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from omnicore.clock import SystemClock
from omnicore.config.settings import MemorySettings, StorageSettings
from omnicore.memory.consolidation import Consolidator
from omnicore.memory.embedding import Sense, embedder_named
from omnicore.memory.memories import Memories
from omnicore.memory.tiers import MemoryTier
from omnicore.storage.database import open_store
from omnicore.storage.postgresql import PostgresDatabase
from omnicore.storage.store import Store

__all__ = ["Report", "run"]

_OWNER = "survivor"
_SHORTEST_S, _LONGEST_S = 0.05, 0.4
_SETTLED_S = 60.0


@dataclass(frozen=True, slots=True)
class Report:
    """What came of a campaign."""

    kills: int
    stored: int
    forgotten: int
    problems: tuple[str, ...]


def run(rounds: int, store_url: str | None, folder: Path, *, seed: int = 0) -> Report:
    """Kills a process `rounds` times while it works on memories, and looks at everything after each time.

    Args:
        store_url: of a PostgreSQL database with room for tables; None is SQLite in the folder.
    """
    chance = random.Random(seed)
    problems: list[str] = []
    stored: dict[str, str] = {}
    forgotten: set[str] = set()
    for number in range(rounds):
        log = folder / f"log-{number}"
        _killed(number, store_url, folder, log, chance)
        _settled(store_url)
        _read(log, stored, forgotten)
        problems += [f"after kill {number + 1}: {problem}" for problem in _wrong(store_url, folder, stored, forgotten)]
    return Report(rounds, len(stored), len(forgotten), tuple(problems))


def _killed(number: int, url: str | None, folder: Path, log: Path, chance: random.Random) -> None:
    command = [sys.executable, "-m", "tests.chaos.memory", "--work", str(number), "--folder", str(folder)]
    child = subprocess.Popen([*command, "--log", str(log), *(["--url", url] if url else [])], stdout=subprocess.PIPE)
    assert child.stdout is not None
    try:
        child.stdout.readline()  # it works
        threading.Event().wait(chance.uniform(_SHORTEST_S, _LONGEST_S))
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait()
        child.stdout.close()


def _settled(url: str | None) -> None:
    """Waits until the server has noticed the kill.

    A commit that was sent is still done, and between two looks at the tables it would be a difference.
    """
    if url is not None:
        PostgresDatabase.open(url, alone=True, timeout_s=_SETTLED_S).close()


def _read(log: Path, stored: dict[str, str], forgotten: set[str]) -> None:
    """What was acknowledged; a last line that was cut does not count."""
    for line in log.read_text().split("\n")[:-1]:
        kind, item, text = line.split("\t")
        if kind == "stored":
            stored[item] = text
        elif kind == "forgetting":  # killed before it was acknowledged, it may be there or not
            stored.pop(item, None)
        else:
            forgotten.add(item)


def _wrong(url: str | None, folder: Path, stored: dict[str, str], forgotten: set[str]) -> list[str]:
    store, memories = _opened(url, folder)
    try:
        store.check()
        rows = {row[0]: row[1] for row in store.rows("SELECT id, text FROM memories WHERE state < 2")}
        problems = [
            f"{item} is lost" for item, text in stored.items() if item not in forgotten and rows.get(item) != text
        ]
        problems += [f"{item} is back" for item in forgotten & rows.keys()]
        counted = sum(total.items for total in memories.table.totals(_OWNER))
        if counted != len(rows):
            problems.append(f"{counted} memories are counted, {len(rows)} are there")
        with memories.shelves.of(_OWNER) as opened:
            if opened is not None:
                memories.table.texts.check(opened.number)
                found = int(np.count_nonzero(opened.shelf.column("kept")))
                if found != len(rows):
                    problems.append(f"{found} memories are searched, {len(rows)} are there")
        alive = [(item, text) for item, text in stored.items() if item not in forgotten][-20:]
        for item, text in alive:
            hits = memories.recall(text, owner=_OWNER, limit=5, touch=False).items
            if not any(hit.id == item or hit.text == text for hit in hits):
                problems.append(f"{item} does not find itself")
        derived = store.rows("SELECT dst, count(*) FROM memory_edges WHERE rel = 'derived_from' GROUP BY dst")
        problems += [f"{item} was derived from {count} times" for item, count in derived if count > 1]
        return problems
    finally:
        memories.close()
        store.close()


def _work(number: int, url: str | None, folder: Path, log: Path) -> None:
    """Stores, forgets and consolidates until it is killed."""
    chance = random.Random(number)
    memories = _opened(url, folder)[1]
    consolidator = Consolidator(memories)
    held: list[str] = []
    with log.open("w", buffering=1) as told:
        turn = 0
        while True:
            turn += 1
            text = f"fact {number} {turn} about {chance.choice(('doors', 'gardens', 'rivers'))} {chance.random()}"
            about = {"speaker": chance.choice(("Ann", "Bob")), "session": str(turn // 10)}
            tier = chance.choice((MemoryTier.Session, MemoryTier.Episodic, MemoryTier.Semantic))
            item = memories.store(text, tier, owner=_OWNER, importance=0.6, metadata=about)
            told.write(f"stored\t{item}\t{text}\n")
            held.append(item)
            if turn == 1:
                sys.stdout.write("working\n")
                sys.stdout.flush()
            if turn % 7 == 0:
                gone = held.pop(chance.randrange(len(held)))
                told.write(f"forgetting\t{gone}\t\n")
                memories.forget(gone, owner=_OWNER)
                told.write(f"forgotten\t{gone}\t\n")
            if turn % 25 == 0:
                consolidator.run()


def _opened(url: str | None, folder: Path) -> tuple[Store, Memories]:
    store = open_store(StorageSettings(url=url), folder, check=False)
    memories = Memories(
        store,
        settings=MemorySettings(max_per_tier=1_000_000),
        clock=SystemClock(),
        sense=Sense(embedder_named("static")),
        tell=lambda topic, data: None,
    )
    return store, memories


def main() -> None:
    """The campaign, or with `--work` the process that is killed."""
    parser = argparse.ArgumentParser(description="Memories under kill -9.")
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--url")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--work", type=int)
    parser.add_argument("--folder", type=Path)
    parser.add_argument("--log", type=Path)
    asked = parser.parse_args()
    if asked.work is not None:
        _work(asked.work, asked.url, asked.folder, asked.log)
        return
    with tempfile.TemporaryDirectory() as folder:
        report = run(asked.rounds, asked.url, asked.folder or Path(folder), seed=asked.seed)
    print(f"{report.kills} kills, {report.stored} stored, {report.forgotten} forgotten")
    for problem in report.problems:
        print(problem)
    sys.exit(bool(report.problems))


if __name__ == "__main__":
    main()
