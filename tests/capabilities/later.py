"""Doubles of the services behind tasks, memory, vectors and connectors: they keep what they were asked."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

from tests.capabilities.double import House, plugin

from omnicore import records
from omnicore.capabilities.capability import CapabilityRequest
from omnicore.capabilities.doors import open_doors
from omnicore.capabilities.services import Connector, Match, MemoryItem, Task
from omnicore.errors import LimitExceeded
from omnicore.memory.item import ANYONE
from omnicore.sandbox.abi import Doors


def waiting_task(id: str, function: str) -> Task:
    """A task as its service shows it, stored just now."""
    at = 1_700_000_000.0
    return Task(
        function, id=id, owner="mail", most_attempts=3, created_at=at, due_at=at, lane="", size=0, stamped_at=at
    )


TASK = waiting_task("t1", "mail.send")
ITEM = MemoryItem("m1", "session", "the door is blue", 0.5, 1_700_000_000.0, {"room": 4})


@dataclass
class ServiceDouble:
    """Answers every method with what the test says, or raises it, and keeps what it was asked."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[Any, ...]] = field(default_factory=list)

    def _answer(self, name: str, *arguments: Any) -> Any:
        self.asked.append((name, *arguments))
        answer = self.answers.get(name)
        if isinstance(answer, Exception):
            raise answer
        return answer


class TasksDouble(ServiceDouble):
    def submit(self, plugin, order, *, max_pending):
        return self._answer("submit", plugin, order, max_pending) or "t1"

    def get(self, plugin, task):
        return self._answer("get", plugin, task)

    def list(self, plugin, state=None, limit=100, cursor=None):
        return self._answer("list", plugin, state, limit, cursor) or ([TASK], "next")

    def cancel(self, plugin, task):
        return self._answer("cancel", plugin, task) or False


class MemoryDouble(ServiceDouble):
    async def store(self, plugin, draft, *, max_items, max_bytes):
        return self._answer("store", plugin, draft, max_items, max_bytes) or "m1"

    async def recall(self, plugin, query):
        return self._answer("recall", plugin, query) or [records.replace(ITEM, score=0.75)]

    def get(self, plugin, item, tiers, scope=ANYONE):
        return self._answer("get", plugin, item, tiers, *([] if scope == ANYONE else [scope]))

    def forget(self, plugin, item, tiers, scope=ANYONE):
        return self._answer("forget", plugin, item, tiers, *([] if scope == ANYONE else [scope])) or False


class VectorsDouble(ServiceDouble):
    def create(self, plugin, collection, dimensions, metric):
        self._answer("create", plugin, collection, dimensions, metric)
        return True

    def upsert(self, plugin, collection, vectors, *, max_vectors):
        self._answer("upsert", plugin, collection, vectors, max_vectors)
        return len(vectors)

    def search(self, plugin, collection, values, limit, filter):
        self._answer("search", plugin, collection, values, limit, filter)
        return [Match("a", 0.25, {"page": 7})], True

    def delete(self, plugin, collection, ids):
        self._answer("delete", plugin, collection, ids)
        return 1


class ConnectorsDouble(ServiceDouble):
    def list(self):
        return [
            Connector("shop", "http", ("read", "write")),
            Connector("mail", "smtp", ("send",)),
            Connector("shed", "http", ("write",)),
        ]

    async def call(self, plugin, connector, action, input, *, timeout_s):
        return self._answer("call", plugin, connector, action, input, timeout_s)


def house_with(house: House, request: CapabilityRequest, *, granted: bool = True, **services: Any) -> Doors:
    """The doors of a plugin that asks for one capability, on a host with these services."""
    return open_doors(plugin(request, granted=granted), replace(house.services, **services))


def over(limit: str) -> LimitExceeded:
    """What a service raises over a quota."""
    return LimitExceeded("too many", remedy="make room", limit=limit)
