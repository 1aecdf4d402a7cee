"""With 100,000 tasks waiting, and as many over, a claim costs what it costs with a few."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from omnicore.clock import ManualClock
from omnicore.ids import new_id
from omnicore.jobs.tasks import StoredTasks
from omnicore.storage.database import Database
from omnicore.storage.tables.tasks import COLUMNS, TaskClaims, TaskOrder

MANY = 100_000
NOW = 2_000_000_000.0
LIMITS = {"full": 0}


def fill(database: Database, count: int, **columns: str) -> None:
    """Adds tasks, most of them in the way: delayed, or first in line in a queue that is held."""
    values = dict.fromkeys(COLUMNS.split(", "), "NULL")
    values |= {
        **{
            "id": "? || n",
            "owner": "'a'",
            "function": "'a.b'",
            "queue": "'q'",
            "input": "'null'",
            "state": "'waiting'",
        },
        **{
            "lane": "CASE n % 3 WHEN 0 THEN 'full' ELSE '' END",
            "priority": "n % 10",
            "token": "0",
            "lost": "0",
            "size": "4",
        },
        **{"due_at": f"{NOW} + CASE n % 3 WHEN 1 THEN 1000 ELSE -1 END", "stamped_at": "0", "created_at": "0"},
        **{"attempts": "0", "most_attempts": "3"},
        **columns,
    }
    numbers = f"WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < {count})"
    with database.write() as session:
        session.execute(
            f"INSERT INTO tasks ({', '.join(values)}) {numbers} SELECT {', '.join(values.values())} FROM numbers",
            (new_id("task"),),
        )
        session.execute("INSERT INTO task_totals VALUES ('a', ?) ON CONFLICT DO NOTHING", (count,))


def steps(database: Database, work: Callable[[], Any]) -> int:
    """How many steps SQLite's machine takes for some work, in hundreds: a measure without a clock."""
    count = 0

    def step() -> int:
        nonlocal count
        count += 1
        return 0

    with database.write() as session:  # the connection that writes, whose turns are counted
        writer: Any = session
    writer.set_progress_handler(step, 100)
    work()
    writer.set_progress_handler(None, 0)
    return count


@pytest.fixture
def few_and_many(tmp_path: Path) -> Any:
    databases = [Database.open(tmp_path / f"{count}.db") for count in (300, MANY)]
    for database, count in zip(databases, (300, MANY), strict=True):
        fill(database, count)
        fill(database, count, state="'done'", finished_at="n")
    yield databases
    for database in databases:
        database.close()


def test_claims_submits_and_ends_cost_the_same_however_many_tasks_there_are(few_and_many: Any) -> None:
    costs = []
    for database in few_and_many:
        claims, stored = TaskClaims(database), StoredTasks(database, clock=ManualClock(at=NOW))

        def work(claims: TaskClaims = claims, stored: StoredTasks = stored) -> None:
            for _ in range(10):
                stored.submit(TaskOrder("a.b"))
                claim = claims.turn("h", [], free=5, now=NOW, limits=LIMITS)
                assert len(claim.tasks) == 5
                assert {row.lane for row in claim.tasks} == {""}

        costs.append(steps(database, work))
    few, many = costs
    assert few > 0
    assert many < 2 * few + 20, costs
    assert [
        row.priority for row in TaskClaims(few_and_many[1]).turn("h", [], free=3, now=NOW, limits=LIMITS).tasks
    ] == [*(9, 9, 9)]
    assert TaskClaims(few_and_many[1]).next_due(("", "full")) == NOW - 1
