"""More tasks than a test could order: written into the database of a host that does not run."""

from __future__ import annotations

from dataclasses import astuple, fields, replace
from pathlib import Path

from omnicore.clock import SystemClock
from omnicore.config.sections.storage import StorageSettings
from omnicore.config.sections.tasks import TaskSettings
from omnicore.ids import new_id
from omnicore.runtime.orders import new_row
from omnicore.runtime.task import HOST, TaskOrder
from omnicore.storage.opening import open_store
from omnicore.storage.tables.tasks import TaskRow

__all__ = ["finished_tasks"]


def finished_tasks(folder: Path, count: int) -> None:
    """Puts tasks that are done into the data of the host that runs in a folder, or will."""
    now, settings = SystemClock().now(), TaskSettings()
    done = {"state": "done", "attempts": 1, "output": '"x"', "started_at": now, "finished_at": now}
    rows = [
        replace(new_row(new_id("task"), HOST, TaskOrder("text.slug"), now=now, settings=settings, limits={}), **done)
        for _ in range(count)
    ]
    names = [field.name for field in fields(TaskRow)]
    statement = f"INSERT INTO tasks ({', '.join(names)}) VALUES ({', '.join('?' for _ in names)})"
    store = open_store(StorageSettings(), folder / ".omnicore")
    try:
        store.apply(lambda session: session.executemany(statement, [astuple(row) for row in rows]))
    finally:
        store.close()
