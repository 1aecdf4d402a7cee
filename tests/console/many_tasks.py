"""More tasks than a test could order: written into the database of a host that does not run."""

from __future__ import annotations

from pathlib import Path

from omnicore.clock import SystemClock
from omnicore.config.folders import project_data
from omnicore.config.settings import StorageSettings, TaskSettings
from omnicore.ids import new_id
from omnicore.jobs.tasks import new_task
from omnicore.records import replace
from omnicore.storage.database import open_store
from omnicore.storage.tables.tasks import HOST, TASKS, TaskOrder

__all__ = ["finished_tasks"]


def finished_tasks(folder: Path, count: int) -> None:
    """Puts tasks that are done into the data of the host that runs in a folder, or will."""
    now, settings = SystemClock().now(), TaskSettings()
    done = {"state": "done", "attempts": 1, "output": "x", "started_at": now, "finished_at": now}
    rows = [
        replace(new_task(new_id("task"), HOST, TaskOrder("text.slug"), now=now, settings=settings, limits={}), **done)
        for _ in range(count)
    ]
    statement = f"INSERT INTO tasks ({TASKS.columns}) VALUES ({TASKS.marks})"
    store = open_store(StorageSettings(), project_data(folder))
    try:
        store.apply(lambda session: session.executemany(statement, [TASKS.values(row) for row in rows]))
    finally:
        store.close()
