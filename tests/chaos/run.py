"""The whole campaign: `python -m tests.chaos.run [--rounds N] [--only NAME] [--seed N]`.

Random `kill -9` over tasks, memory, vectors, keys and migrations, on SQLite and on a private PostgreSQL. Each part
looks after every kill: nothing acknowledged is lost, nothing finished is repeated, the index agrees with the table.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path
from typing import Any

from tests.chaos import memory, storage, tasks, vectors
from tests.storage.postgresql_server import PostgresServer, find_binaries, private_server

__all__ = ["PARTS", "campaign", "main"]

Part = Callable[[int, Path, str | None, int], Any]
PARTS: Mapping[str, Part] = {
    "tasks": lambda rounds, folder, url, seed: tasks.run(rounds, url, folder, seed=seed),
    "memory": lambda rounds, folder, url, seed: memory.run(rounds, url, folder, seed=seed),
    "vectors": lambda rounds, folder, url, seed: vectors.run(rounds, folder=folder, url=url, seed=seed),
    "storage": lambda rounds, folder, url, seed: storage.run(rounds, folder=folder, url=url, seed=seed),
}
"""What is killed; `storage` is keys and values, and migrations."""

_ROUNDS = 40  # of each part on each database: 320 kills in all


def campaign(rounds: int, *, only: str | None, seed: int, server: PostgresServer | None) -> Iterator[tuple[str, Any]]:
    """Each part on each database, with what it reports."""
    for name, part in PARTS.items():
        if only not in (None, name):
            continue
        for dialect in ("sqlite", "postgresql") if server else ("sqlite",):
            with tempfile.TemporaryDirectory() as folder:
                url = _database(server) if server and dialect == "postgresql" else None
                yield f"{name} on {dialect}", part(rounds, Path(folder), url, seed)


def _database(server: PostgresServer) -> str:
    name = f"chaos_{secrets.token_hex(4)}"
    server.sql(f"CREATE DATABASE {name}")
    return server.url(name)


def main() -> int:
    """Runs the campaign; 1 when anything was lost, repeated or left inconsistent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="kills of each part on each database")
    parser.add_argument("--only", choices=[*PARTS])
    parser.add_argument("--seed", type=int, default=time.time_ns() % 2**32)
    options = parser.parse_args()
    print(f"seed {options.seed}")
    failed = False
    with ExitStack() as stack:
        binaries = find_binaries()
        server = stack.enter_context(private_server(binaries)) if binaries else None
        if server is None:
            print("PostgreSQL is not on this machine: SQLite only")
        began = time.perf_counter()
        for name, report in campaign(options.rounds, only=options.only, seed=options.seed, server=server):
            failed = failed or bool(report.problems)
            took = time.perf_counter() - began
            print(f"{'FAIL' if report.problems else 'ok  '} {name:22} {took:6.0f} s  {report}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
