"""A room of connectors over a real store, with the events it published."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, TypeVar

from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import ConnectorSettings
from omnicore.connectors.service import Connectors, open_connectors
from omnicore.events.bus import EventBus
from omnicore.storage.database import Database
from omnicore.storage.store import Store

T = TypeVar("T")


@dataclass
class Room:
    """The service, the bus it publishes on, and the store under it."""

    service: Connectors
    bus: EventBus
    store: Store
    environ: dict[str, str] = field(default_factory=dict)

    def events(self, pattern: str = "**") -> list[tuple[str, Any]]:
        return [(event.topic, event.data) for event in self.bus.history(pattern)]

    def add(self, name: str, kind: str, url: str = "", secrets: dict[str, str] | None = None, **config: Any) -> None:
        """A connector without rates that a test would meet by chance."""
        limits = {"rate": 1e6, "plugin_rate": 1e6, **config.pop("limits", {})}
        given = {**({"base_url": url} if url else {}), **config}
        self.service.register.add(name, kind, given, secrets, limits)

    def use(self, name: str, action: str, **given: Any) -> Any:
        return self.service.use_blocking("plugin:text", name, action, given, timeout_s=20)


@contextmanager
def room(
    folder: Path,
    *,
    store: Store | None = None,
    clock: Clock | None = None,
    environ: dict[str, str] | None = None,
    **changes: Any,
):
    """A room whose data are in a folder; the same folder again is the same room after a restart."""
    folder.mkdir(parents=True, exist_ok=True)
    own = store or Database.open(folder / "omnicore.db")
    bus, variables = EventBus(), {} if environ is None else environ
    settings = replace(ConnectorSettings(), **changes)
    service = open_connectors(
        own, settings, data=folder, environ=variables, publish=bus.publish, clock=clock or SystemClock()
    )
    try:
        yield Room(service, bus, own, variables)
    finally:
        service.close()
        if store is None:
            own.close()


def during(work: Callable[[], T]) -> Coroutine[Any, Any, T]:
    """Blocking work on a thread, while servers of the test answer on its loop."""
    return asyncio.to_thread(work)
