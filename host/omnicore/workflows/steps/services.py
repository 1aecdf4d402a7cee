"""The host's services as steps use them: `StepServices`, the functions behind `call: room.verb@host`, and limits."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal, Protocol

from omnicore.capabilities.services import HttpSender, present
from omnicore.errors import InvalidInput
from omnicore.memory.tiers import MemoryTier
from omnicore.sandbox.abi import KIB, MIB, Limits
from omnicore.storage.tables.tasks import TaskOrder
from omnicore.telemetry.logs import LEVELS, harmless
from omnicore.vectors.vector import HOST, Vector
from omnicore.workflows.steps.secrets import marked
from omnicore.workflows.steps.values import parse_json
from omnicore.workflows.steps.work import StepWork

if TYPE_CHECKING:
    from omnicore.clock import Clock
    from omnicore.connectors.vault import Vault
    from omnicore.jobs.tasks import TaskDesk
    from omnicore.memory.service import MemoryService
    from omnicore.plugins.host import PluginHost
    from omnicore.sandbox.engine import Engine
    from omnicore.storage.tables.kv import KvTable
    from omnicore.vectors.service import VectorService

__all__ = ["SCRIPT_LIMITS", "SERVE", "ConnectorUse", "EffectLimits", "Scripting", "StepServices", "namespace_of"]


class ConnectorUse(Protocol):
    """The host's connectors."""

    async def use(
        self, who: str, connector: str, action: str, given: Any = None, *, timeout_s: float = 3600.0, key: str = ""
    ) -> Any:
        """See `omnicore.connectors.service.Connectors.use`."""


@dataclass(frozen=True, slots=True)
class Scripting:
    """The build and the engine of scripts.

    Args:
        build: makes a plugin of the source of one file in a language, blocking. Raises: ToolMissing, BuildFailed.
        engine: makes what runs those plugins, called once a script is run.
    """

    build: Callable[[Literal["js", "python"], str], bytes]
    engine: Callable[[], Engine]


@dataclass(frozen=True, slots=True)
class StepServices:
    """All services; None is one that this host does not have."""

    plugins: PluginHost
    connectors: ConnectorUse
    http: HttpSender
    vault: Vault
    kv: KvTable
    clock: Clock
    memory: MemoryService | None = None
    vectors: VectorService | None = None
    tasks: TaskDesk | None = None
    scripting: Scripting | None = None


_log = logging.getLogger("omnicore.workflows.log")
_Serve = Callable[[StepServices, StepWork, Mapping[str, Any]], Awaitable[Any]]
_KV_BYTES, _KV_KEYS, _VALUE_BYTES = 16 * MIB, 10_000, 256 * KIB


def namespace_of(workflow: str) -> str:
    """The namespace of a workflow's keys and values. No plugin's name begins with `@`."""
    return f"@workflow:{workflow}"


async def _store(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    tier = given.get("tier", MemoryTier.Episodic)
    item = await present(services.memory, "memory").store(
        given["text"],
        tier,
        importance=given.get("importance"),
        embedding=given.get("embedding"),
        metadata=given.get("metadata"),
        source=f"workflow:{work.run.workflow}",
        pinned=given.get("pinned", False),
    )
    return {"id": item}


async def _recall(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    found = await present(services.memory, "memory").recall(
        given.get("text"), embedding=given.get("embedding"), tiers=given.get("tiers"), limit=given.get("limit", 10)
    )
    return {"items": [asdict(memory.item()) for memory in found.items]}


async def _forget(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    return {"forgotten": await present(services.memory, "memory").forget(given["id"])}


async def _search(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    service = present(services.vectors, "vectors")
    found, exact = await asyncio.to_thread(
        service.search, HOST, given["collection"], given["values"], given.get("limit", 10), given.get("filter")
    )
    return {"matches": [asdict(match) for match in found], "exact": exact}


async def _upsert(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    vectors = [Vector(one["id"], one["values"], one.get("metadata", {})) for one in given["vectors"]]
    count = await asyncio.to_thread(present(services.vectors, "vectors").upsert, HOST, given["collection"], vectors)
    return {"count": count}


async def _submit(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    order = TaskOrder(**{"key": work.key, **given})
    return {"id": await asyncio.to_thread(present(services.tasks, "tasks").submit, order)}


async def _get(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    found = await asyncio.to_thread(services.kv.get, namespace_of(work.run.workflow), given["key"])
    if found is None:
        return {"value": given.get("default"), "version": None}
    return {"value": parse_json(found[0], "the stored value"), "version": found[1]}


async def _put(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
    data = _bounded(given["value"])
    version = await asyncio.to_thread(
        services.kv.put,
        namespace_of(work.run.workflow),
        given["key"],
        data,
        given.get("ttl_s"),
        max_bytes=_KV_BYTES,
        max_keys=_KV_KEYS,
    )
    return {"version": version}


async def _write(services: StepServices, work: StepWork, given: Mapping[str, Any]) -> Any:
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


SERVE: Mapping[str, _Serve] = {
    "memory.store": _store,
    "memory.recall": _recall,
    "memory.forget": _forget,
    "vectors.search": _search,
    "vectors.upsert": _upsert,
    "tasks.submit": _submit,
    "kv.get": _get,
    "kv.put": _put,
    "log.write": _write,
}
"""The function behind each verb of `omnicore.workflows.language.palette.VERBS`."""


SCRIPT_LIMITS = Limits(
    timeout_s=10.0,
    memory_bytes=64 * MIB,
    input_bytes=4 * MIB,
    output_bytes=4 * MIB,
    module_bytes=32 * MIB,
    component_bytes=64 * MIB,
    compile_s=120.0,
    compile_bytes=2048 * MIB,
)
"""Of a script. Its doors are closed, so it needs no others."""


@dataclass(frozen=True, slots=True)
class EffectLimits:
    """Settings of the effects, as the section `workflows` has them.

    Args:
        http_hosts: hosts with their ports that `call: http` and `call: openapi` may reach.
        http_private: hosts by their exact names or addresses, with their ports, that may be on a private network.
        costs: whether plugin calls tell their fuel and memory; it costs a look-up per call.

    Units: `http_bytes` of an answer, `output_bytes` of any output as JSON, `longest_s` of a call without a timeout.
    """

    http_hosts: tuple[str, ...] = ("*:*",)
    http_private: tuple[str, ...] = ()
    http_bytes: int = 4 * MIB
    output_bytes: int = 16 * MIB
    longest_s: float = 300.0
    costs: bool = False
    script: Limits = SCRIPT_LIMITS
