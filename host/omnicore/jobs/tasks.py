"""Orders, looks up, cancels and retries stored tasks, whether or not this process runs any."""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import TaskSettings
from omnicore.errors import Conflict, InvalidInput, InvalidSetting, LimitExceeded, NotFound, OmniError
from omnicore.ids import new_id
from omnicore.records import checked, decode
from omnicore.storage.tables.tasks import HOST, Task, TaskFields, TaskFilter, TaskOrder, TasksTable

if TYPE_CHECKING:
    from omnicore.events.bus import EventBus
    from omnicore.storage.store import Store


_LIMIT = re.compile(r"([^=]{1,64})=([0-9]{1,4})")


def queue_limits(texts: Sequence[str]) -> Mapping[str, int]:
    """The number of tasks that may run at once in each queue with a limit; 0 holds a queue.

    >>> queue_limits(["mail=2"])
    {'mail': 2}

    Raises: InvalidSetting.
    """
    limits = {}
    for text in texts:
        found = _LIMIT.fullmatch(text.strip())
        if found is None:
            raise InvalidSetting(f"tasks.queues holds {text[:80]!r}", remedy="write queue=limit, such as mail=2")
        limits[found[1].strip()] = int(found[2])
    return limits


def lane_of(queue: str, limits: Mapping[str, int]) -> str:
    """The lane that a task of this queue waits in: its own where the queue has a limit, else the common one."""
    return queue if queue in limits else ""


_MOST_DEPTH = 512
_ID = re.compile(r"task_[0-9a-z]{26}")


def is_id(text: str) -> bool:
    """True if the text has the form of a task's id."""
    return _ID.fullmatch(text) is not None


def new_task(
    task: str, owner: str, order: TaskOrder, *, now: float, settings: TaskSettings, limits: Mapping[str, int]
) -> Task:
    """A new task. Raises: InvalidInput, LimitExceeded: the order cannot be used."""
    order = checked(order, "task")
    if order.timeout_s is not None and order.timeout_s > settings.attempt_s:
        raise InvalidInput(
            "timeout_s of the task cannot be used",
            remedy=f"pass a number of seconds above 0 to {settings.attempt_s:g}",
            path="timeout_s",
        )
    size = len(stored_json(order.input, settings.input_bytes, "input"))
    return Task(
        **{name: getattr(order, name) for name in TaskFields.__struct_fields__},
        id=task,
        owner=owner,
        most_attempts=order.attempts,
        lane=lane_of(order.queue, limits),
        size=size,
        backoff=order.backoff_s or None,
        stamped_at=now,
        created_at=now,
        due_at=now + order.delay_s,
        expires_at=None if order.expires_s is None else now + order.expires_s,
    )


def stored_json(value: Any, most: int, what: str) -> str:
    """A value as it is stored. Raises: InvalidInput: no JSON, or too deep; LimitExceeded: more than `most` bytes."""
    try:
        text = json.dumps(value, allow_nan=False, separators=(",", ":"))
    except (TypeError, ValueError, RecursionError) as error:
        raise InvalidInput(f"the {what} of the task is no JSON value: {error}", remedy="pass a JSON value") from error
    if len(text) > most:
        raise LimitExceeded(
            f"the {what} of the task is {len(text)} bytes, {most} are allowed",
            remedy="pass a reference to what is large, such as a key of the key-value store",
            limit=f"tasks.{what}_bytes",
            allowed=most,
        )
    if _deep(value):
        raise InvalidInput(f"the {what} of the task is nested deeper than {_MOST_DEPTH}", remedy="make it flatter")
    return text


def _deep(value: Any) -> bool:
    """True if values are nested deeper than the JSON parser can go on any thread."""
    layer = [value]
    for _ in range(_MOST_DEPTH + 1):
        layer = [
            inner
            for one in layer
            if isinstance(one, dict | list | tuple)
            for inner in (one.values() if isinstance(one, dict) else one)
        ]
        if not layer:
            return False
    return True


_log = logging.getLogger("omnicore.tasks")
Listener = Callable[[str, str], None]
"""Told what happened (`submitted`, `woken`, `cancelled`, `schedules`) and to which task; called on any thread."""


class StoredTasks:
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
        self.left: Callable[[], Sequence[str]] = lambda: ()
        """The plugins whose tasks this host leaves to others, which are to serve them."""

    def submit(self, order: TaskOrder, *, owner: str = HOST, max_pending: int | None = None) -> str:
        """Stores a task and returns its id; the id of the first one, when the owner has one with this key.

        Raises: InvalidInput: the order cannot be used; LimitExceeded: too much of it, or too many tasks wait.
        """
        row = new_task(new_id("task"), owner, order, now=self.clock.now(), settings=self.settings, limits=self.limits)
        most = self.settings.max_pending if max_pending is None else max_pending
        task, new = self._table.add(row, most_pending=most)
        if new:
            self.tell_submitted(row)
        return task

    def find(self, task: str, owner: str | None = None) -> Task | None:
        """A task as it is stored, of this owner if one is named."""
        return self._table.get(task, owner) if is_id(task) else None

    def get(self, task: str) -> Task:
        """One task. Raises: NotFound."""
        row = self.find(task)
        if row is None:
            raise _missing(task)
        return row

    def list(
        self, *, limit: int = 100, cursor: str | None = None, **wanted: str | None
    ) -> tuple[Sequence[Task], str | None]:
        """A page of tasks, newest first, and the next page's cursor.

        Args:
            wanted: values of `TaskFilter`, such as `state="failed"`.

        Raises: InvalidInput.
        """
        if cursor is not None and not is_id(cursor):
            raise InvalidInput("the cursor is not one of ours", remedy="pass that of the page before", path="cursor")
        return self._table.page(decode(TaskFilter, wanted, "list"), max(1, limit), cursor)

    def cancel(self, task: str, *, owner: str | None = None) -> bool:
        """Cancels a task that waits or runs and returns True if there was one. A running guest is cut."""
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

    def retry(self, task: str) -> Task:
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
        return row

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
        """The number of tasks that wait or run, of all owners."""
        return self._table.pending()

    # -- for those who run tasks

    def served(self, plugins: Sequence[str]) -> None:
        """Lets tasks begin at once that waited for a host with one of these plugins. Blocks."""
        if self._table.serve(plugins, self.clock.now()):
            self.wake()

    def wake(self) -> None:
        """Has this host look for tasks at once: somebody else has stored one."""
        self._changed("woken", "")

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Adds a listener to what happens in this process; returns what takes it away."""
        self._listeners = (*self._listeners, listener)

        def leave() -> None:
            self._listeners = tuple(one for one in self._listeners if one is not listener)

        return leave

    def tell(self, what: str, row: Task, **more: Any) -> None:
        """Publishes `task.<what>`; inputs and outputs stay in the database."""
        if self._bus is None:
            return
        try:
            self._bus.publish(f"task.{what}", {**about(row), **more}, "tasks")
        except OmniError:  # the task is stored, whether or not it can be told
            _log.warning("task.%s of %s could not be published", what, row.id, exc_info=True)

    def tell_submitted(self, row: Task) -> None:
        """Publishes that a task waits, and wakes who may run it."""
        self.tell("submitted", row)
        self._changed("submitted", row.id)

    def schedules_changed(self, name: str) -> None:
        """Tells that a schedule is new or other than before."""
        self._changed("schedules", name)

    def _changed(self, what: str, name: str) -> None:
        for listener in self._listeners:
            listener(what, name)


def about(row: Task) -> dict[str, Any]:
    """The data of an event about a task."""
    return {
        "id": row.id,
        "owner": row.owner,
        "function": row.function,
        "queue": row.queue,
        "attempt": row.attempts,
    }


def _missing(task: str) -> NotFound:
    return NotFound(f"there is no task {task[:80]}", remedy="see `omnicore tasks ls`")


class PluginTasks:
    """`omnicore.capabilities.services.TaskService` over the stored tasks."""

    def __init__(self, stored: StoredTasks) -> None:
        self._stored = stored

    def submit(self, plugin: str, order: TaskOrder, *, max_pending: int) -> str:
        """Stores a task of the plugin."""
        return self._stored.submit(order, owner=plugin, max_pending=max_pending)

    def get(self, plugin: str, task: str) -> Task | None:
        """A task of the plugin."""
        return self._stored.find(task, plugin)

    def list(
        self, plugin: str, state: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> tuple[Sequence[Task], str | None]:
        """A page of the plugin's tasks, newest first."""
        return self._stored.list(owner=plugin, state=state, limit=limit, cursor=cursor)

    def cancel(self, plugin: str, task: str) -> bool:
        """Cancels a task of the plugin."""
        return self._stored.cancel(task, owner=plugin)
