"""The tasks door: functions of plugins, run later by the host, with retries."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from typing import Any

from omnicore.capabilities.capability import Capability, DoorCall, Lengthy, PluginScope, Verb
from omnicore.capabilities.request import Request
from omnicore.capabilities.scope import REQUIRED, maximum, patterns
from omnicore.capabilities.services import Services, Task, TaskOrder, TaskService, present
from omnicore.connectors.addresses import glob_covers, host_matches
from omnicore.errors import PermissionDenied
from omnicore.sandbox.abi import KIB

INPUT_BYTES = 64 * KIB
STATES = ("waiting", "running", "done", "failed", "cancelled")
_ID_BYTES = 64
_PAGE = 1000
_FEW = 100  # tasks with their outputs that are read on an event loop
_SHOWN = ("id", "function", "state", "attempts", "output", "error")
_LONGEST_S = 10 * 366 * 86_400.0


class _Tasks:
    def __init__(self, plugin: str, scope: Mapping[str, Any], services: Services) -> None:
        self._plugin = plugin
        self._functions = tuple(scope["functions"])
        self._max_pending: int = scope["max_pending"]
        self._found = services.tasks

    @property
    def _service(self) -> TaskService:
        return present(self._found, "tasks")

    def submit(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        order = _order(request)
        request.done()
        if not any(host_matches(pattern, order.function) for pattern in self._functions):
            raise PermissionDenied(
                f"{self._plugin} may not submit {order.function}: no granted function matches",
                remedy=f"name the function in its manifest, then run `omnicore plugins grant {self._plugin} tasks`",
            )
        return {"id": self._service.submit(self._plugin, order, max_pending=self._max_pending)}

    def get(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        task = request.text("id", least=1, most=_ID_BYTES)
        request.done()
        found = self._service.get(self._plugin, task)
        return {"task": _shown(found) if found else None}

    def list(self, call: DoorCall, request: Request) -> Mapping[str, Any] | Lengthy:
        state = request.choice("state", STATES, None)
        limit = request.whole("limit", 100, least=1, most=_PAGE)
        cursor = request.text("cursor", None, most=512)
        request.done()
        read = partial(self._page, state, limit, cursor)
        return Lengthy(read) if limit > _FEW else read()

    def _page(self, state: str | None, limit: int, cursor: str | None) -> Mapping[str, Any]:
        tasks, following = self._service.list(self._plugin, state, limit, cursor)
        return {"tasks": [_shown(task) for task in tasks], "cursor": following}

    def cancel(self, call: DoorCall, request: Request) -> Mapping[str, Any]:
        task = request.text("id", least=1, most=_ID_BYTES)
        request.done()
        return {"cancelled": self._service.cancel(self._plugin, task)}


def _shown(task: Task) -> Mapping[str, Any]:
    return {name: getattr(task, name) for name in _SHOWN}


def _order(request: Request) -> TaskOrder:
    return TaskOrder(
        function=request.text("function", least=1, most=256),
        input=request.json("input", None, most=INPUT_BYTES),
        queue=request.text("queue", "default", least=1, most=64),
        delay_s=request.number("delay_s", 0.0, least=0, most=_LONGEST_S),
        priority=request.whole("priority", 5, least=0, most=9),
        attempts=request.whole("attempts", 3, least=1, most=20),
        timeout_s=request.seconds("timeout_s", most=_LONGEST_S),
        key=request.text("key", None, least=1, most=256),
    )


def _open(plugin: PluginScope, scope: Mapping[str, Any], services: Services) -> Mapping[str, Verb]:
    tasks = _Tasks(plugin.name, scope, services)
    return {"submit": tasks.submit, "get": tasks.get, "list": tasks.list, "cancel": tasks.cancel}


DOOR = Capability(
    name="tasks",
    purpose="Run functions of plugins later, with retries",
    verbs=("submit", "get", "list", "cancel"),
    resource="function",
    open=_open,
    scope={
        "functions": patterns(
            REQUIRED,
            "a list of 1 to 100 functions such as `mail.send`, `*` for any part",
            valid=bool,
            covers=glob_covers,
        ),
        "max_pending": maximum(100),
    },
    request_bytes=lambda limits: 6 * INPUT_BYTES + 8 * KIB,  # each character may be written as an escape
    large=frozenset({"submit"}),
)
