"""Services of the doors that the host does not have yet, small and in memory, for the kits' cases."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import dist
from typing import Any

import msgspec
from tests.capabilities.later import waiting_task

from omnicore.capabilities.services import (
    Connector,
    Match,
    MemoryDraft,
    MemoryItem,
    MemoryQuery,
    Services,
    Task,
    TaskOrder,
    Vector,
)
from omnicore.errors import InvalidInput, LimitExceeded
from omnicore.filters import read_filter
from omnicore.memory.item import ANYONE, MemoryScope


def with_services(plain: Services) -> Services:
    """The services with all that are missing."""
    return replace(plain, tasks=Tasks(), memory=Memory(), vectors=Vectors(), connectors=Connectors())


class Tasks:
    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}
        self._keys: dict[str, str] = {}

    def submit(self, plugin: str, order: TaskOrder, *, max_pending: int) -> str:
        if order.key in self._keys:
            return self._keys[order.key]
        _bound(len(self._tasks) + 1, max_pending, "max_pending")
        task = waiting_task(f"task-{len(self._tasks)}", order.function)
        self._tasks[task.id] = task
        if order.key is not None:
            self._keys[order.key] = task.id
        return task.id

    def get(self, plugin: str, task: str) -> Task | None:
        return self._tasks.get(task)

    def list(
        self, plugin: str, state: str | None = None, limit: int = 100, cursor: str | None = None
    ) -> tuple[Sequence[Task], str | None]:
        found = [task for task in reversed(self._tasks.values()) if state in (None, task.state)]
        return found[:limit], None

    def cancel(self, plugin: str, task: str) -> bool:
        found = self._tasks.get(task)
        if found is None or found.state != "waiting":
            return False
        self._tasks[task] = msgspec.structs.replace(found, state="cancelled")
        return True


class Memory:
    def __init__(self) -> None:
        self._items: dict[str, MemoryItem] = {}
        self._embeddings: dict[str, tuple[float, ...] | None] = {}
        self._scopes: dict[str, MemoryScope] = {}

    async def store(self, plugin: str, draft: MemoryDraft, *, max_items: int, max_bytes: int) -> str:
        _bound(len(self._items) + 1, max_items, "max_items")
        said_at = 1.5e9 if draft.said_at is None else draft.said_at
        item = MemoryItem(
            f"memory-{len(self._items)}", draft.tier, draft.text, draft.importance or 0.1, said_at, draft.metadata
        )
        self._scopes[item.id] = draft.scope
        self._items[item.id] = item
        self._embeddings[item.id] = draft.embedding
        return item.id

    async def recall(self, plugin: str, query: MemoryQuery) -> Sequence[MemoryItem]:
        wanted = read_filter(query.filter)
        return [
            msgspec.structs.replace(item, score=1.0)
            for item in self._items.values()
            if item.tier in query.tiers
            and (query.text is None or query.text in item.text)
            and (query.embedding is None or query.embedding == self._embeddings[item.id])
            and query.scope.fits(self._scopes[item.id].names)
            and (wanted is None or wanted.passes(item.metadata))
        ][: query.limit]

    def get(self, plugin: str, item: str, tiers: tuple[str, ...], scope: MemoryScope = ANYONE) -> MemoryItem | None:
        found = self._items.get(item)
        return found if found and found.tier in tiers else None

    def forget(self, plugin: str, item: str, tiers: tuple[str, ...], scope: MemoryScope = ANYONE) -> bool:
        return self.get(plugin, item, tiers) is not None and self._items.pop(item) is not None


class Vectors:
    def __init__(self) -> None:
        self._collections: dict[str, dict[str, Vector]] = {}

    def create(self, plugin: str, collection: str, dimensions: int, metric: str) -> bool:
        new = collection not in self._collections
        self._collections.setdefault(collection, {})
        return new

    def upsert(self, plugin: str, collection: str, vectors: Sequence[Vector], *, max_vectors: int) -> int:
        kept = self._kept(collection)
        _bound(len(kept.keys() | {vector.id for vector in vectors}), max_vectors, "max_vectors")
        kept.update({vector.id: vector for vector in vectors})
        return len(vectors)

    def search(
        self, plugin: str, collection: str, values: tuple[float, ...], limit: int, filter: Mapping[str, Any]
    ) -> tuple[Sequence[Match], bool]:
        fitting = [one for one in self._kept(collection).values() if filter.items() <= one.metadata.items()]
        fitting.sort(key=lambda one: dist(one.values, values))
        return [Match(one.id, dist(one.values, values), one.metadata) for one in fitting[:limit]], True

    def delete(self, plugin: str, collection: str, ids: Sequence[str]) -> int:
        return sum(self._kept(collection).pop(one, None) is not None for one in ids)

    def _kept(self, collection: str) -> dict[str, Vector]:
        if collection not in self._collections:
            raise InvalidInput(f"there is no collection {collection}", remedy="create it first")
        return self._collections[collection]


class Connectors:
    def list(self) -> Sequence[Connector]:
        return [
            Connector("mail", "smtp", ("send", "list")),
            Connector("case-echo", "echo", ("echo", "delete", "list")),
        ]

    async def call(self, plugin: str, connector: str, action: str, input: Any, *, timeout_s: float) -> Any:
        if connector == "case-busy":
            raise LimitExceeded("asked too often", remedy="try again later", limit="calls_per_s", allowed=1)
        return input if action == "echo" else None


def _bound(count: int, most: int, name: str) -> None:
    if count > most:
        raise LimitExceeded(f"{count} where {most} are granted", limit=name, allowed=most)
