"""The desk: tasks are ordered, looked at, cancelled and begun again here, whether or not this process runs any."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Any

from omnicore.clock import Clock, SystemClock
from omnicore.config.sections.tasks import TaskSettings
from omnicore.errors import Conflict, InvalidInput, NotFound, OmniError
from omnicore.events.bus import EventBus
from omnicore.ids import new_id
from omnicore.runtime.orders import check_text, is_id, new_row, seen_by_operator
from omnicore.runtime.queues import lane_of, queue_limits
from omnicore.runtime.task import HOST, STATES, TaskOrder, TaskView
from omnicore.storage.store import Store
from omnicore.storage.tables.tasks import TaskRow, TasksTable

__all__ = ["Listener", "TaskDesk", "about"]

_log = logging.getLogger("omnicore.tasks")
Listener = Callable[[str, str], None]
"""Told what happened (`submitted`, `cancelled`, `schedules`) and to which task; called on any thread."""


class TaskDesk:
    """The tasks of one database. Usable from any thread; a task is stored before `submit` returns."""

    def __init__(
        self,
        store: Store,
        settings: TaskSettings | None = None,
        *,
        clock: Clock | None = None,
        bus: EventBus | None = None,
    ) -> None:
        self.store = store
        self.settings = settings or TaskSettings()
        self.clock = clock or SystemClock()
        self.limits = queue_limits(self.settings.queues)
        self._table = TasksTable(store)
        self._bus = bus
        self._listeners: tuple[Listener, ...] = ()

    def submit(self, order: TaskOrder, *, owner: str = HOST, max_pending: int | None = None) -> str:
        """Stores a task and returns its id; the id of the first one, when the owner has one with this key.

        Raises: InvalidInput: the order cannot be used; LimitExceeded: too much of it, or too many tasks wait.
        """
        row = new_row(new_id("task"), owner, order, now=self.clock.now(), settings=self.settings, limits=self.limits)
        most = self.settings.max_pending if max_pending is None else max_pending
        task, new = self._table.add(row, most_pending=most)
        if new:
            self.tell_submitted(row)
        return task

    def find(self, task: str, owner: str | None = None) -> TaskRow | None:
        """A task as it is stored, of this owner if one is named."""
        return self._table.get(task, owner) if is_id(task) else None

    def get(self, task: str) -> TaskView:
        """One task. Raises: NotFound."""
        row = self.find(task)
        if row is None:
            raise _missing(task)
        return seen_by_operator(row)

    def list(
        self, *, owner: str | None = None, state: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> tuple[Sequence[TaskView], str | None]:
        """A page of tasks, newest first, and the next page's cursor. Raises: InvalidInput."""
        rows, following = self.page(owner, state, limit, cursor)
        return [seen_by_operator(row) for row in rows], following

    def page(
        self, owner: str | None, state: str | None, limit: int, cursor: str | None
    ) -> tuple[Sequence[TaskRow], str | None]:
        """The same as rows."""
        if state is not None and state not in STATES:
            raise InvalidInput(f"{state[:80]!r} is no state", remedy=f"use one of {', '.join(STATES)}", path="state")
        if cursor is not None and not is_id(cursor):
            raise InvalidInput("the cursor is not one of ours", remedy="pass that of the page before", path="cursor")
        if owner is not None:
            check_text("owner", owner, 256)
        return self._table.page(owner, state, max(1, limit), cursor)

    def cancel(self, task: str, *, owner: str | None = None) -> bool:
        """Whether a task that waits or runs was cancelled. A running guest is cut."""
        row = self._table.cancel(task, owner, self.clock.now()) if is_id(task) else None
        if row is None:
            return False
        self.tell("cancelled", row)
        self._changed("cancelled", task)
        return True

    def forget(self, owner: str) -> None:
        """Ends and deletes all tasks of a plugin that is removed: a later one of its name must not find them."""
        for task in self._table.forget(owner):
            self._changed("cancelled", task)

    def retry(self, task: str) -> TaskView:
        """Lets a failed or cancelled task begin again, with all its attempts.

        Raises: NotFound; Conflict: it waits, runs or is done.
        """
        found = self.find(task)
        if found is None:
            raise _missing(task)
        row = self._table.retry(task, lane_of(found.queue, self.limits), self.clock.now())
        if row is None:
            raise Conflict(f"task {task} is {found.state}", remedy="only failed and cancelled tasks are begun again")
        self.tell_submitted(row)
        return seen_by_operator(row)

    def retry_dead(self, before: float, most: int) -> tuple[int, bool]:
        """Lets up to `most` tasks begin again that had failed until then; how many did, and whether more are left.

        Each is begun again by itself: what stops in between has begun some and lost none.
        """
        found = self._table.dead(before, most + 1)
        begun = 0
        for task, queue in found[:most]:
            row = self._table.retry(task, lane_of(queue, self.limits), self.clock.now(), only_failed=True)
            if row is not None:  # None: somebody else was first
                begun += 1
                self.tell_submitted(row)
        return begun, len(found) > most

    def queues(self) -> Sequence[dict[str, Any]]:
        """Queues with their limits and what waits and runs in them, by name."""
        found: dict[str, dict[str, int]] = {name: {} for name in self.limits}
        for queue, state, count in self._table.queues():
            found.setdefault(queue, {})[state] = count
        return [
            {
                "queue": name,
                "limit": self.limits.get(name),
                "waiting": counts.get("waiting", 0),
                "running": counts.get("running", 0),
            }
            for name, counts in sorted(found.items())
        ]

    def pending(self) -> int:
        """How many tasks wait or run, of all owners."""
        return self._table.pending()

    # -- for those who run tasks

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Adds a listener to what happens in this process; returns what takes it away."""
        self._listeners = (*self._listeners, listener)

        def leave() -> None:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

        return leave

    def tell(self, what: str, row: TaskRow, **more: Any) -> None:
        """Publishes `task.<what>`; inputs and outputs stay in the database."""
        if self._bus is None:
            return
        try:
            self._bus.publish(f"task.{what}", {**about(row), **more}, "tasks")
        except OmniError:  # the task is stored, whether or not it can be told
            _log.warning("task.%s of %s could not be published", what, row.id, exc_info=True)

    def tell_submitted(self, row: TaskRow) -> None:
        """Publishes that a task waits, and wakes who may run it."""
        self.tell("submitted", row)
        self._changed("submitted", row.id)

    def schedules_changed(self, name: str) -> None:
        """Tells that a schedule is new or other than before."""
        self._changed("schedules", name)

    def _changed(self, what: str, name: str) -> None:
        for listener in self._listeners:
            listener(what, name)


def about(row: TaskRow) -> dict[str, Any]:
    """What events say of a task."""
    return {
        "id": row.id,
        "owner": row.owner,
        "function": row.function,
        "queue": row.queue,
        "attempt": row.attempts,
    }


def _missing(task: str) -> NotFound:
    return NotFound(f"there is no task {task[:80]}", remedy="see `omnicore tasks ls`")
