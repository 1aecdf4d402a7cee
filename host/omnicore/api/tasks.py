"""Tasks: submitted, shown, cancelled and retried; and schedules, which submit them again and again or at a set time."""

from __future__ import annotations

import asyncio
import hashlib
from typing import TYPE_CHECKING

from starlette.requests import Request
from starlette.responses import Response

from omnicore.api.parts import parts_of, present
from omnicore.api.requests import Json, read_count, read_object, read_record, who
from omnicore.api.schema import TEXT, TIME, WHOLE, Schemas, list_of, maybe, object_of, order_of, page_of
from omnicore.errors import InvalidInput, NotFound
from omnicore.jobs.schedules import Scheduler
from omnicore.records import replace, schema
from omnicore.storage.tables.tasks import Schedule, ScheduleOrder, Task, TaskFilter, TaskOrder

if TYPE_CHECKING:
    from starlette.requests import Request
    from starlette.responses import Response

    from omnicore.jobs.tasks import StoredTasks
    from omnicore.runtime.tasks import TaskEngine


_RETRIED_AT_ONCE = 100
_LATEST = 253_370_764_800.0  # the year 9999
_MOST_TICKS = 20


def _engine_of(request: Request) -> TaskEngine:
    """The host's task engine. Raises: Unavailable: it has none."""
    return present(parts_of(request).rooms.tasks, "has no tasks", "ask a host that runs them")


async def list_tasks(request: Request) -> Response:
    """One page of tasks, newest first."""
    limit, asked = read_count(request, "limit", 100), request.query_params
    tasks, following = await asyncio.to_thread(
        _stored(request).list,
        limit=limit,
        cursor=asked.get("cursor"),
        **{name: asked.get(name) for name in TaskFilter.__struct_fields__},
    )
    return Json({"items": [task.to_json() for task in tasks], "next": following})


async def submit_task(request: Request) -> Response:
    """Stores a task; it runs on one of the hosts of this database."""
    order = await read_record(request, TaskOrder, "task")
    stored, sent = _stored(request), request.headers.get("idempotency-key")
    if sent is not None and order.key is None:
        # The answers kept in memory are one host's; as the task's own key it holds for all hosts, and for good.
        order = replace(order, key=f"{who(request)}:{hashlib.blake2b(sent.encode(), digest_size=16).hexdigest()}")
    task = await asyncio.to_thread(stored.submit, order)
    view = await asyncio.to_thread(stored.get, task)
    if sent is not None and (view.function, view.input) != (order.function, order.input):
        raise InvalidInput("this Idempotency-Key came with another task", remedy="use a new key for each request")
    return Json(view.to_json(), 201, {"location": f"/api/v1/tasks/{task}"})


async def show_task(request: Request) -> Response:
    """One task."""
    view = await asyncio.to_thread(_stored(request).get, request.path_params["task"])
    return Json(view.to_json())


async def cancel_task(request: Request) -> Response:
    """Cancels a task that waits or runs."""
    stored, task = _stored(request), request.path_params["task"]
    cancelled = await asyncio.to_thread(stored.cancel, task)
    if not cancelled and await asyncio.to_thread(stored.find, task) is None:
        raise NotFound(f"there is no task {task[:80]}", remedy="see /api/v1/tasks")
    return Json({"cancelled": cancelled})


async def retry_task(request: Request) -> Response:
    """Retries a failed or cancelled task."""
    view = await asyncio.to_thread(_stored(request).retry, request.path_params["task"])
    return Json(view.to_json())


async def retry_dead_tasks(request: Request) -> Response:
    """Retries tasks that failed until a given time, oldest first, one batch a request."""
    stored = _stored(request)
    before = (await read_object(request, allowed=frozenset({"before"}))).get("before")
    if before is None:
        before = stored.clock.now()
    elif isinstance(before, bool) or not isinstance(before, int | float) or not 0 <= before <= _LATEST:
        raise InvalidInput("before is not a time", remedy="pass on `before` of the first answer", path="before")
    retried, more = await asyncio.to_thread(stored.retry_dead, float(before), _RETRIED_AT_ONCE)
    return Json({"retried": retried, "more": more, "before": before})


async def list_queues(request: Request) -> Response:
    """Queues with their limits and counts."""
    return Json({"items": await asyncio.to_thread(_stored(request).queues)})


def _stored(request: Request) -> StoredTasks:
    return present(_engine_of(request).stored, "stores no tasks", "ask a host that has a database")


_COUNTS = {"limit": maybe(WHOLE), "waiting": WHOLE, "running": WHOLE}


async def list_schedules(request: Request) -> Response:
    """One page of schedules, by name."""
    limit = read_count(request, "limit", 100)
    found, following = await asyncio.to_thread(_scheduler(request).list, limit, request.query_params.get("cursor"))
    return Json({"items": [one.to_json() for one in found], "next": following})


async def add_schedule(request: Request) -> Response:
    """Stores a schedule."""
    order = await read_record(request, ScheduleOrder, "schedule")
    view = await asyncio.to_thread(_scheduler(request).add, order)
    return Json(view.to_json(), 201, {"location": f"/api/v1/schedules/{view.name}"})


async def show_schedule(request: Request) -> Response:
    """One schedule."""
    view = await asyncio.to_thread(_scheduler(request).get, request.path_params["schedule"])
    return Json(view.to_json())


async def switch_schedule(request: Request) -> Response:
    """Switches a schedule on or off."""
    on = (await read_object(request, allowed=frozenset({"enabled"}))).get("enabled")
    if not isinstance(on, bool):
        raise InvalidInput("enabled is neither true nor false", remedy='send {"enabled": true}', path="enabled")
    view = await asyncio.to_thread(_scheduler(request).switch, request.path_params["schedule"], on=on)
    return Json(view.to_json())


async def remove_schedule(request: Request) -> Response:
    """Removes a schedule."""
    await asyncio.to_thread(_scheduler(request).remove, request.path_params["schedule"])
    return Response(status_code=204)


async def show_next_ticks(request: Request) -> Response:
    """The next times of a schedule."""
    most = read_count(request, "limit", 5, most=_MOST_TICKS)
    items, words = await asyncio.to_thread(_scheduler(request).next_ticks, request.path_params["schedule"], most)
    return Json({"items": items, "words": words})


async def preview_ticks(request: Request) -> Response:
    """The next times of a schedule that is not stored yet."""
    most, asked = read_count(request, "limit", 5, most=_MOST_TICKS), request.query_params
    kind, spec, timezone = asked.get("kind", "cron"), asked.get("spec", ""), asked.get("timezone", "UTC")
    items, words = await asyncio.to_thread(_scheduler(request).preview, kind, spec, timezone, most)
    return Json({"items": items, "words": words})


def _scheduler(request: Request) -> Scheduler:
    return present(_engine_of(request).schedules, "keeps no schedules", "ask a host that has a database")


SCHEMAS: Schemas = {
    "Task": schema(Task, shown=True),
    "Tasks": page_of("Task"),
    "TaskOrder": schema(TaskOrder),
    "TaskCancelled": object_of(cancelled={"type": "boolean", "description": "False when it was over."}),
    "TasksRetry": order_of(before={**TIME, "description": "Those that failed until then; now."}),
    "TasksRetried": object_of(retried=WHOLE, more={"type": "boolean"}, before=TIME),
    "Queue": object_of(queue=TEXT, **_COUNTS),
    "Queues": object_of(items=list_of("Queue")),
    "Schedule": schema(Schedule, shown=True),
    "Schedules": page_of("Schedule"),
    "ScheduleOrder": schema(ScheduleOrder),
    "Ticks": object_of(
        items={"type": "array", "items": TIME, "description": "Fewer than asked for where no more come."},
        words={**TEXT, "description": "What a cron expression says; empty for other kinds."},
    ),
    "ScheduleSwitch": object_of(enabled={"type": "boolean"}),
}
