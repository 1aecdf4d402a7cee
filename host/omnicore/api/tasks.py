"""Tasks: order them, look at them, cancel them, begin failed ones again."""

from __future__ import annotations

import asyncio

from starlette.requests import Request
from starlette.responses import Response

from omnicore.access.principal import Role
from omnicore.api.operation import JSON, Operation, Query, Reply, ref
from omnicore.api.parts import parts_of
from omnicore.api.requests import MOST_ITEMS, Json, read_count, read_object
from omnicore.errors import InvalidInput, NotFound, Unavailable
from omnicore.runtime.desk import TaskDesk
from omnicore.runtime.orders import read_order
from omnicore.runtime.task import STATES, TaskOrder
from omnicore.runtime.tasks import TaskEngine

__all__ = ["OPERATIONS", "engine_of"]

_RETRIED_AT_ONCE = 100
_LATEST = 253_370_764_800.0  # the year 9999
_FIELDS = frozenset(TaskOrder.__dataclass_fields__)


def engine_of(request: Request) -> TaskEngine:
    """The host's task engine. Raises: Unavailable: it has none."""
    engine = parts_of(request).rooms.tasks
    if engine is None:
        raise Unavailable("this host has no tasks", remedy="ask a host that runs them")
    return engine


async def list_tasks(request: Request) -> Response:
    """One page of tasks, newest first."""
    limit, asked = read_count(request, "limit", 100), request.query_params
    tasks, following = await asyncio.to_thread(
        _desk(request).list,
        owner=asked.get("owner"),
        state=asked.get("state"),
        limit=limit,
        cursor=asked.get("cursor"),
    )
    return Json({"items": [task.to_json() for task in tasks], "next": following})


async def submit_task(request: Request) -> Response:
    """Stores a task; it runs on one of the hosts of this database."""
    order = read_order(await read_object(request, allowed=_FIELDS))
    desk = _desk(request)
    task = await asyncio.to_thread(desk.submit, order)
    view = await asyncio.to_thread(desk.get, task)
    return Json(view.to_json(), 201, {"location": f"/api/v1/tasks/{task}"})


async def show_task(request: Request) -> Response:
    """One task."""
    view = await asyncio.to_thread(_desk(request).get, request.path_params["task"])
    return Json(view.to_json())


async def cancel_task(request: Request) -> Response:
    """Cancels a task that waits or runs."""
    desk, task = _desk(request), request.path_params["task"]
    cancelled = await asyncio.to_thread(desk.cancel, task)
    if not cancelled and await asyncio.to_thread(desk.find, task) is None:
        raise NotFound(f"there is no task {task[:80]}", remedy="see /api/v1/tasks")
    return Json({"cancelled": cancelled})


async def retry_task(request: Request) -> Response:
    """Lets a failed or cancelled task begin again."""
    view = await asyncio.to_thread(_desk(request).retry, request.path_params["task"])
    return Json(view.to_json())


async def retry_dead_tasks(request: Request) -> Response:
    """Lets the tasks that failed until a moment begin again, the oldest first, a batch in each request."""
    desk = _desk(request)
    before = (await read_object(request, allowed=frozenset({"before"}))).get("before")
    if before is None:
        before = desk.clock.now()
    elif isinstance(before, bool) or not isinstance(before, int | float) or not 0 <= before <= _LATEST:
        raise InvalidInput("before is no time", remedy="pass on `before` of the first answer", path="before")
    retried, more = await asyncio.to_thread(desk.retry_dead, float(before), _RETRIED_AT_ONCE)
    return Json({"retried": retried, "more": more, "before": before})


async def list_queues(request: Request) -> Response:
    """Queues with their limits and what waits and runs in them."""
    return Json({"items": await asyncio.to_thread(_desk(request).queues)})


def _desk(request: Request) -> TaskDesk:
    desk = engine_of(request).desk
    if desk is None:
        raise Unavailable("this host stores no tasks", remedy="ask a host that has a database")
    return desk


_TASK = {200: Reply("The task.", schema=ref("Task"))}
_PAGE = (
    Query("limit", {"type": "integer", "minimum": 1, "maximum": MOST_ITEMS}, "How many"),
    Query("cursor", {"type": "string"}, "`next` of the page before"),
)
OPERATIONS = (
    Operation(
        *("GET", "/api/v1/tasks", list_tasks, "listTasks", "Lists tasks, newest first", "tasks"),
        replies={200: Reply("A page of tasks.", schema=ref("Tasks"))},
        query=(
            Query("state", {"enum": list(STATES)}, "Only these; failed ones are the dead letters"),
            Query("owner", {"type": "string"}, "Only those of a plugin, `@host` or `@schedules`"),
            *_PAGE,
        ),
        problems=(422,),
    ),
    Operation(
        *("POST", "/api/v1/tasks", submit_task, "submitTask", "Orders a task", "tasks"),
        replies={201: Reply("The task, stored.", schema=ref("Task"))},
        body={JSON: ref("TaskOrder")},
        problems=(413, 422),
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("GET", "/api/v1/tasks/{task}", show_task, "showTask", "Shows a task", "tasks"),
        replies=_TASK,
        problems=(404,),
    ),
    Operation(
        *("POST", "/api/v1/tasks/{task}/cancel", cancel_task, "cancelTask", "Cancels a task", "tasks"),
        replies={200: Reply("Whether it was cancelled.", schema=ref("TaskCancelled"))},
        problems=(404,),
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("POST", "/api/v1/tasks/{task}/retry", retry_task, "retryTask", "Begins a failed task again", "tasks"),
        replies=_TASK,
        problems=(404, 409),
        idempotent=True,
        needs=Role.operator,
    ),
    Operation(
        *("POST", "/api/v1/tasks/retry", retry_dead_tasks, "retryDeadTasks", "Begins failed tasks again", "tasks"),
        replies={200: Reply("How many did; send `before` again while there are more.", schema=ref("TasksRetried"))},
        body={JSON: ref("TasksRetry")},
        problems=(413, 422),
        needs=Role.operator,
    ),
    Operation(
        *("GET", "/api/v1/queues", list_queues, "listQueues", "Shows the queues of tasks", "tasks"),
        replies={200: Reply("All queues that have a limit or tasks.", schema=ref("Queues"))},
    ),
)
