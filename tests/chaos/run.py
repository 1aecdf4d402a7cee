"""The whole campaign: `python -m tests.chaos.run [--rounds N] [--kills N] [--only NAME] [--seed N]`.

Random `kill -9` over tasks, memory, vectors, keys, migrations and workflows, on SQLite and on a private PostgreSQL.
Each part looks after every kill: nothing acknowledged is lost, nothing finished is repeated, the index agrees with the
table.
"""

from __future__ import annotations

import argparse
import secrets
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from functools import partial
from itertools import chain, product
from pathlib import Path
from typing import Any

from tests.chaos import memory, storage, tasks, vectors, workflows, workflows_load
from tests.storage.postgresql_server import PostgresServer, find_binaries, private_server

__all__ = ["PARTS", "WORKFLOWS", "campaign", "main", "workflow_campaign"]

Part = Callable[[int, Path, str | None, int], Any]
PARTS: Mapping[str, Part] = {
    "tasks": lambda rounds, folder, url, seed: tasks.run(rounds, url, folder, seed=seed),
    "memory": lambda rounds, folder, url, seed: memory.run(rounds, url, folder, seed=seed),
    "vectors": lambda rounds, folder, url, seed: vectors.run(rounds, folder=folder, url=url, seed=seed),
    "storage": lambda rounds, folder, url, seed: storage.run(rounds, folder=folder, url=url, seed=seed),
}
"""What is killed; `storage` is keys and values, and migrations."""

WORKFLOWS = ("workflows", "workflows-load")
"""Runs of workflows under kills, and many at once."""

_ROUNDS = 40  # of each part on each database: 320 kills in all
_KILLS = 1000  # of hosts that run workflows, half of them on each database, and as if on one machine and on two


def campaign(rounds: int, *, only: str | None, seed: int, server: PostgresServer | None) -> Iterator[tuple[str, Any]]:
    """Each part on each database, with what it reports."""
    for name, part in PARTS.items():
        if only not in (None, name):
            continue
        for dialect in ("sqlite", "postgresql") if server else ("sqlite",):
            with tempfile.TemporaryDirectory() as folder:
                url = _database(server) if server and dialect == "postgresql" else None
                yield f"{name} on {dialect}", part(rounds, Path(folder), url, seed)


def workflow_campaign(
    kills: int, machines: Sequence[int], *, only: str | None, seed: int, server: PostgresServer | None
) -> Iterator[tuple[str, Any]]:
    """The same for workflows. Args: machines: as if the hosts were on one, or on so many."""
    dialects = ("sqlite", "postgresql") if server else ("sqlite",)
    for name in WORKFLOWS:
        if only not in (None, name):
            continue
        for dialect, count in product(dialects, machines if name == "workflows" else (1,)):
            with tempfile.TemporaryDirectory() as folder:
                postgres = server if dialect == "postgresql" else None
                url = _database(postgres) if postgres else None
                if name == "workflows-load":
                    yield f"{name} on {dialect}", workflows_load.run(Path(folder), url)
                    continue
                crash = partial(_crash, postgres) if postgres else None
                most = kills // (len(dialects) * len(machines))
                found = workflows.run(most, url, Path(folder), seed=seed, crash=crash, machines=count)
                yield f"{name} on {dialect}, {count} machine{'s' * (count > 1)}", found


def _crash(server: PostgresServer) -> None:
    server.kill()
    server.start()


def _database(server: PostgresServer) -> str:
    name = f"chaos_{secrets.token_hex(4)}"
    server.sql(f"CREATE DATABASE {name}")
    return server.url(name)


def main() -> int:
    """Runs the campaign; 1 when anything was lost, repeated or left inconsistent."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=_ROUNDS, help="kills of each part on each database")
    parser.add_argument("--kills", type=int, default=_KILLS, help="kills of hosts that run workflows, in all")
    about = "the hosts of workflows see each other's end at once, or wait for the lease as on two machines"
    parser.add_argument("--machines", type=int, nargs="+", choices=[1, 2], default=[1, 2], help=about)
    parser.add_argument("--only", choices=[*PARTS, *WORKFLOWS])
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
        how: dict[str, Any] = {"only": options.only, "seed": options.seed, "server": server}
        for name, report in chain(
            campaign(options.rounds, **how), workflow_campaign(options.kills, options.machines, **how)
        ):
            failed = failed or bool(report.problems)
            took = time.perf_counter() - began
            print(f"{'FAIL' if report.problems else 'ok  '} {name:22} {took:6.0f} s  {report}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
