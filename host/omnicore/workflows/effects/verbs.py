"""The host's own services as steps: what `call: room.verb@host` can do. One table for the palette, checks and calls."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from omnicore.capabilities.services import present
from omnicore.connectors.checking import check_value
from omnicore.connectors.kind import Schema, number, obj, text
from omnicore.errors import InvalidInput
from omnicore.memory.tiers import TIERS, MemoryTier
from omnicore.runtime.task import TaskOrder
from omnicore.sandbox.abi import KIB, MIB
from omnicore.telemetry.logs import LEVELS, harmless
from omnicore.vectors.vector import HOST, Vector
from omnicore.workflows.effects.means import Means
from omnicore.workflows.effects.secrets import marked
from omnicore.workflows.effects.values import parse_json
from omnicore.workflows.effects.work import Work

__all__ = ["VERBS", "HostVerb", "namespace_of"]

_log = logging.getLogger("omnicore.workflows.log")
_Serve = Callable[[Means, Work, Mapping[str, Any]], Awaitable[Any]]
_KV_BYTES, _KV_KEYS, _VALUE_BYTES = 16 * MIB, 10_000, 256 * KIB
_LONGEST_S = 10 * 366 * 86_400
_MOST_VECTORS = 1000


@dataclass(frozen=True, slots=True)
class HostVerb:
    """One thing the host can do for a step.

    Args:
        input: the JSON Schema of what it takes.
        keeps: whether it stores what it is given, where a secret must not be.
    """

    ref: str
    says: str
    input: Schema
    serve: _Serve
    keeps: bool = True

    def check(self, given: Any) -> None:
        """Raises: InvalidInput: what is wrong first, with its place."""
        check_value(self.input, given, what=f"{self.ref}@host", within="input")

    def to_json(self) -> dict[str, Any]:
        """As the palette shows it."""
        return {"ref": f"{self.ref}@host", "description": self.says, "input": self.input}


def namespace_of(workflow: str) -> str:
    """Whose keys and values those of a workflow are. No plugin's name begins with `@`."""
    return f"@workflow:{workflow}"


async def _store(means: Means, work: Work, given: Mapping[str, Any]) -> Any:
    tier = given.get("tier", MemoryTier.Episodic)
    item = await present(means.memory, "memory").store(
        given["text"],
        tier,
        importance=given.get("importance"),
        embedding=given.get("embedding"),
        metadata=given.get("metadata"),
        source=f"workflow:{work.run.workflow}",
        pinned=given.get("pinned", False),
    )
    return {"id": item}


async def _recall(means: Means, work: Work, given: Mapping[str, Any]) -> Any:
    found = await present(means.memory, "memory").recall(
        given.get("text"), embedding=given.get("embedding"), tiers=given.get("tiers"), limit=given.get("limit", 10)
    )
    return {"items": [asdict(memory.item()) for memory in found.items]}


async def _forget(means: Means, work: Work, given: Mapping[str, Any]) -> Any:
    return {"forgotten": await present(means.memory, "memory").forget(given["id"])}


async def _search(means: Means, work: Work, given: Mapping[str, Any]) -> Any:
    service = present(means.vectors, "vectors")
    found, exact = await asyncio.to_thread(
        service.search, HOST, given["collection"], given["values"], given.get("limit", 10), given.get("filter")
    )
    return {"matches": [asdict(match) for match in found], "exact": exact}


async def _upsert(means: Means, work: Work, given: Mapping[str, Any]) -> Any:
    vectors = [Vector(one["id"], one["values"], one.get("metadata", {})) for one in given["vectors"]]
    count = await asyncio.to_thread(present(means.vectors, "vectors").upsert, HOST, given["collection"], vectors)
    return {"count": count}


async def _submit(means: Means, work: Work, given: Mapping[str, Any]) -> Any:
    order = TaskOrder(**{"key": work.key, **given})
    return {"id": await asyncio.to_thread(present(means.tasks, "tasks").submit, order)}


async def _get(means: Means, work: Work, given: Mapping[str, Any]) -> Any:
    found = await asyncio.to_thread(means.kv.get, namespace_of(work.run.workflow), given["key"])
    if found is None:
        return {"value": given.get("default"), "version": None}
    return {"value": parse_json(found[0], "the stored value"), "version": found[1]}


async def _put(means: Means, work: Work, given: Mapping[str, Any]) -> Any:
    data = _bounded(given["value"])
    version = await asyncio.to_thread(
        means.kv.put,
        namespace_of(work.run.workflow),
        given["key"],
        data,
        given.get("ttl_s"),
        max_bytes=_KV_BYTES,
        max_keys=_KV_KEYS,
    )
    return {"version": version}


async def _write(means: Means, work: Work, given: Mapping[str, Any]) -> Any:
    message = marked(given["message"], work.run.secrets)
    level = LEVELS[given.get("level", "info")]
    _log.log(level, "%s %s %s", work.run.workflow, work.run.run, harmless(message))
    return None


def _bounded(value: Any) -> bytes:
    try:
        data = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode()
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidInput("the value is no JSON", remedy="give a JSON value") from error
    if len(data) > _VALUE_BYTES:
        raise InvalidInput(f"the value is over {_VALUE_BYTES} bytes as JSON", remedy="keep less, or in several keys")
    return data


_NUMBERS: Schema = {"type": "array", "items": {"type": "number"}, "minItems": 1, "maxItems": 4096}
_TABLE: Schema = {"type": "object"}
_TIER: Schema = {"enum": list(TIERS), "description": "where it is kept"}
_KEY = text("the workflow's own key", most=512)
_COLLECTION = text("one of the host's collections", most=128)
_SECONDS: Schema = {"type": "number", "exclusiveMinimum": 0, "maximum": _LONGEST_S}

_ALL: Sequence[HostVerb] = (
    HostVerb(
        "memory.store",
        "Remembers a text in the host's memory. Output: its id.",
        obj(
            "text",
            text=text("what to remember", most=64 * KIB),
            tier=_TIER,
            importance={"type": "number", "minimum": 0, "maximum": 1},
            embedding=_NUMBERS,
            metadata=_TABLE,
            pinned={"type": "boolean"},
        ),
        _store,
    ),
    HostVerb(
        "memory.recall",
        "Finds what fits a text in the host's memory. Output: items, best first.",
        {
            **obj(
                text=text("what to look for", most=8 * KIB),
                embedding=_NUMBERS,
                tiers={"type": "array", "items": _TIER, "minItems": 1, "maxItems": len(TIERS)},
                limit=number("how many", least=1, most=100),
            ),
            "anyOf": [{"required": ["text"]}, {"required": ["embedding"]}],
        },
        _recall,
    ),
    HostVerb(
        "memory.forget",
        "Forgets a memory. Output: whether it was there.",
        obj("id", id=text("the memory's id", most=64)),
        _forget,
    ),
    HostVerb(
        "vectors.search",
        "Finds the nearest vectors of one of the host's collections. Output: matches, nearest first.",
        obj(
            *("collection", "values"),
            collection=_COLLECTION,
            values=_NUMBERS,
            limit=number("how many", least=1, most=_MOST_VECTORS),
            filter={**_TABLE, "description": "metadata that must be equal"},
        ),
        _search,
    ),
    HostVerb(
        "vectors.upsert",
        "Keeps vectors in one of the host's collections, all or none. Output: how many.",
        obj(
            *("collection", "vectors"),
            collection=_COLLECTION,
            vectors={
                "type": "array",
                "items": obj("id", "values", id=text(most=512), values=_NUMBERS, metadata=_TABLE),
                "minItems": 1,
                "maxItems": _MOST_VECTORS,
            },
        ),
        _upsert,
    ),
    HostVerb(
        "tasks.submit",
        "Stores a task that calls a plugin's function later. Output: its id; the step made again is the same task.",
        obj(
            "function",
            function=text("plugin.function", most=256),
            input={"description": "any JSON value"},
            queue=text(most=64),
            delay_s={"type": "number", "minimum": 0, "maximum": _LONGEST_S},
            priority=number("higher first", most=9),
            attempts=number("that may fail", least=1, most=100),
            timeout_s=_SECONDS,
            key=text("tasks with the same key are one", most=128),
            expires_s=_SECONDS,
        ),
        _submit,
    ),
    HostVerb(
        "kv.get",
        "Reads what the workflow keeps under a key. Output: value, and version or null.",
        obj("key", key=_KEY, default={"description": "the value where there is none"}),
        _get,
    ),
    HostVerb(
        "kv.put",
        "Keeps a JSON value for all runs of this workflow. Output: its version.",
        obj("key", "value", key=_KEY, value={"description": "any JSON value"}, ttl_s=_SECONDS),
        _put,
    ),
    HostVerb(
        "log.write",
        "Writes a line into the host's log.",
        obj("message", message=text("the line", most=8 * KIB), level={"enum": list(LEVELS)}),
        _write,
        keeps=False,
    ),
)

VERBS: Mapping[str, HostVerb] = {verb.ref: verb for verb in _ALL}
"""By `room.verb`."""
