"""Memory in a host: the service over its database, what embeds and summarises for it, its figures and its health."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from typing import Any

from omnicore.clock import Clock
from omnicore.config.settings import Settings
from omnicore.errors import InvalidSetting, Unavailable
from omnicore.events.bus import EventBus
from omnicore.memory.consolidation import Summarise
from omnicore.memory.embedding import Embed, Sense, embedder_named
from omnicore.memory.memories import Memories
from omnicore.memory.service import MemoryService
from omnicore.resilience.breaker import Breaker
from omnicore.storage.store import Store
from omnicore.telemetry.metrics import Metrics
from omnicore.wiring.health import HealthPart

__all__ = ["Reach", "memory_service"]

_FIGURES = {
    "memories_stored": "Memories stored, since the start",
    "memories_recalled": "Memories recalled, since the start",
    "memory_recalls": "Questions to memory, since the start",
}

_SUMMARY_S = 30.0

Reach = Callable[[str, str, Any, float], Any]
"""Does an action: `connector` and NAME.ACTION, or `plugin` and PLUGIN.FUNCTION, with an input, in so many seconds."""


def memory_service(
    settings: Settings,
    store: Store,
    *,
    bus: EventBus,
    metrics: Metrics,
    health: HealthPart,
    clock: Clock,
    work: bool,
    reach: Reach,
) -> MemoryService:
    """The service. While its embedder or an index fails, memory is degraded and recall goes by words, or looks at each.

    Args:
        reach: calls connectors and plugins, once the host has them.

    Raises: InvalidSetting; ToolMissing.
    """

    def embed(kind: str, name: str) -> Embed:
        return lambda texts: _vectors(reach, kind, name, texts, settings.memory.embed_s)

    memories = Memories(
        store,
        settings=settings.memory,
        clock=clock,
        sense=Sense(embedder_named(settings.memory.embedder, embed), Breaker(clock=clock)),
        tell=bus.publish,
    )
    service = MemoryService(memories, work=work, summarise=_summariser(settings.memory.summariser, reach))
    for name, text in _FIGURES.items():
        metrics.gauge(name, text, lambda name=name: memories.figures[name])  # type: ignore[misc]
    health.monitor.register("memory", service.health, critical=False)
    return service


def _vectors(reach: Reach, kind: str, name: str, texts: Sequence[str], most_s: float) -> Sequence[Sequence[float]]:
    if kind == "connector":
        found = reach("connector", f"{name}.embeddings", {"input": list(texts)}, most_s)
    else:
        found = _value(reach("plugin", name, {"texts": list(texts)}, most_s))
    if not isinstance(found, dict) or not isinstance(found.get("vectors"), list):
        raise Unavailable(f"{kind} {name} answers without `vectors`", remedy="correct memory.embedder")
    vectors: Sequence[Sequence[float]] = found["vectors"]
    return vectors


def _value(found: Any) -> Any:
    """The JSON value a plugin answered with; a function without a media type gives its bytes. Raises: Unavailable."""
    if not isinstance(found, bytes):
        return found
    try:
        return json.loads(found)
    except (ValueError, RecursionError) as error:
        raise Unavailable("the plugin answers with what is no JSON", remedy="let it answer with JSON") from error


def _summariser(setting: str, reach: Reach) -> Summarise | None:
    if setting == "none":
        return None
    kind, _, name = setting.partition(":")
    if kind not in ("connector", "plugin") or not name:
        raise InvalidSetting(
            f"memory.summariser cannot be {setting[:80]!r}",
            remedy="use none, connector:NAME or plugin:PLUGIN.FUNCTION",
        )

    def summarise(texts: Sequence[str]) -> str | None:
        if kind == "plugin":
            found = _value(reach("plugin", name, {"texts": list(texts)}, _SUMMARY_S))
            return found.get("text") if isinstance(found, dict) else found
        words = "Say in one sentence what these notes have in common:\n" + "\n".join(f"- {text}" for text in texts)
        said = {"messages": [{"role": "user", "content": words}]}
        found = reach("connector", f"{name}.chat", said, _SUMMARY_S)
        return found.get("content") if isinstance(found, dict) else None

    return summarise
