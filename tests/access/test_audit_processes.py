"""Processes that write to one record at once, and one that is killed in the middle of it."""

from __future__ import annotations

import multiprocessing
import os
from contextlib import closing
from pathlib import Path

import pytest
from tests.access.test_audit import ANN, trail_on

from omnicore.access.audit import verify
from omnicore.storage import postgresql
from omnicore.storage.database import Database
from omnicore.storage.store import Store

SPAWN = multiprocessing.get_context("spawn")


def opened(place: str) -> Store:
    return postgresql.PostgresDatabase.open(place) if "://" in place else Database.open(Path(place))


@pytest.fixture
def place(dialect: str, tmp_path: Path, request: pytest.FixtureRequest) -> str:
    """A database with every table."""
    if dialect == "sqlite":
        return str(tmp_path / "omnicore.db")
    return str(request.getfixturevalue("postgresql_url"))


def record(place: str, data: str, number: int, count: int) -> None:
    with closing(opened(place)) as store:
        trail = trail_on(store, Path(data), process=f"here:{number}:x")
        for turn in range(count):
            entered = trail.begin(**ANN, action="giveGrant", target=f"plugin:p{number}-{turn}")
            trail.finish(entered, "done", {"turn": turn})


def record_for_ever(place: str, data: str, answers: int) -> None:
    trail = trail_on(opened(place), Path(data), process="here:1:x")
    for turn in range(1_000_000):
        trail.finish(trail.begin(**ANN, action="giveGrant", target=f"plugin:p{turn}"))
        os.write(answers, f"{turn}\n".encode())


def test_two_processes_that_record_at_once_make_one_chain(place: str, tmp_path: Path) -> None:
    opened(place).close()
    processes = [SPAWN.Process(target=record, args=(place, str(tmp_path), number, 40)) for number in range(2)]
    for process in processes:
        process.start()
    for process in processes:
        process.join()
    assert [process.exitcode for process in processes] == [0, 0]
    with closing(opened(place)) as store:
        trail = trail_on(store, tmp_path)
        verdict = verify(trail)
        assert (verdict.ok, verdict.rows) == (True, 80)
        assert len({row.target for row in trail.table.after(0, 100)}) == 80
        assert trail.head.read() == verdict.last


@pytest.mark.filterwarnings("ignore:This process:DeprecationWarning")
@pytest.mark.parametrize("acknowledged", [1, 23])
def test_a_killed_process_leaves_a_whole_chain_with_all_that_it_acknowledged(
    place: str, tmp_path: Path, acknowledged: int
) -> None:
    opened(place).close()
    reading, writing = os.pipe()
    process = multiprocessing.get_context("fork").Process(target=record_for_ever, args=(place, str(tmp_path), writing))
    process.start()
    os.close(writing)
    with os.fdopen(reading) as answers:
        said = [next(answers) for _ in range(acknowledged)]
        process.kill()
        said += [line for line in answers if line.endswith("\n")]
    process.join()
    with closing(opened(place)) as store:
        trail = trail_on(store, tmp_path)
        assert verify(trail).ok
        rows, left = trail.table.after(0, 1_000_000), trail.table.intents()
        assert {f"plugin:p{int(line)}" for line in said} <= {row.target for row in rows}
        assert len(left) <= 1
        assert trail.settle(lambda _intent: True) == len(left)
        assert [row.outcome for row in trail.table.after(len(rows), 5)] == ["unknown"] * len(left)
        assert verify(trail).ok
