"""The record of changes in a host: changes of the plugin folder and of the host itself, and the record's upkeep."""

from __future__ import annotations

import asyncio
import os
import platform
import secrets
from collections.abc import Iterator
from dataclasses import fields, is_dataclass
from functools import partial
from typing import Any

from omnicore.access.audit import AuditOptions, AuditTrail, is_abandoned, is_alive, process_name
from omnicore.clock import Clock
from omnicore.config.settings import Settings, is_secret
from omnicore.connectors.redaction import Redactor
from omnicore.errors import StorageFailed
from omnicore.events.bus import EventBus
from omnicore.parts import HealthPart
from omnicore.resilience.retry import RetryPolicy, Supervised
from omnicore.storage.store import Store
from omnicore.storage.tables.audit import AuditTable, HeadFile
from omnicore.storage.tables.plugins import PluginRow

_BATCH_S = 0.5
_CARE_S = 600.0
_ENDLESS = RetryPolicy(retries=1_000_000_000)  # what fails is the database, and one day it is back
_TOPICS = ("plugin.quarantined", "plugin.recovered")


def audit_trail(settings: Settings, store: Store, *, clock: Clock) -> AuditTrail:
    """The record that a host, or a command without one, keeps on a database."""
    hide = Redactor(_secrets(settings)).value
    process = process_name(platform.node(), os.getpid(), secrets.token_hex(4))
    options: AuditOptions = settings.access
    return AuditTrail(AuditTable(store), HeadFile(settings.data), options, clock=clock, process=process, hide=hide)


class AuditPart:
    """The part that writes the record: in the background while it is started, and once more when it is stopped.

    Args:
        work: True when this process writes in the background and trims the record.
    """

    def __init__(self, trail: AuditTrail, *, bus: EventBus, health: HealthPart, clock: Clock, work: bool) -> None:
        self.trail = trail
        self._clock, self._work = clock, work
        self._care_due = 0.0
        self._events = [bus.subscribe(topic, own=True) for topic in _TOPICS]
        self._writing = Supervised("audit", self._run, policy=_ENDLESS, failed=health.failed)
        if work:
            health.monitor.register("audit", self._writing.probe, critical=False)

    def folder_brought(self, name: str, how: str, row: PluginRow | None) -> None:
        """Records a plugin taken in from the plugin folder, on the thread that did it; uploads are recorded as such."""
        after = None if row is None else {"path": row.path, "hash": row.hash, "state": row.state}
        if how == "removed" and row is not None:
            after = {"path": row.path}
        self.trail.aside(**_host("folder", self.trail), action=f"plugin {how}", target=f"plugin:{name}", after=after)

    async def start(self) -> None:
        """Settles the entries of ended processes, and begins to write."""
        if self._work:
            await self._writing.start()

    async def stop(self) -> None:
        """Writes the waiting entries."""
        if self._work:
            await self._writing.stop()
        for events in self._events:
            self._take(events)
        try:
            await asyncio.to_thread(self.trail.flush)
        except StorageFailed:
            pass  # the health of the storage shows it; the host stops anyway
        finally:
            for events in self._events:
                events.close()

    async def _run(self) -> None:
        while True:
            for events in self._events:
                self._take(events)
            if self._clock.monotonic() >= self._care_due:
                await asyncio.to_thread(self._care)
                self._care_due = self._clock.monotonic() + _CARE_S
            if self.trail.waiting:
                await asyncio.to_thread(self.trail.flush)
            await asyncio.sleep(_BATCH_S)

    def _care(self) -> None:
        self.trail.settle(partial(is_abandoned, here=self.trail.process, now=self._clock.now(), alive=is_alive))
        self.trail.trim()

    def _take(self, events: Any) -> None:
        for event in events.drain():
            name = str(event.data.get("name", ""))
            after = {"state": event.data.get("state"), "hash": event.data.get("hash")}
            self.trail.note(
                **_host("host", self.trail),
                action=event.topic.replace(".", " "),
                target=f"plugin:{name}",
                after=after,
            )


def _secrets(value: Any) -> Iterator[str]:
    """The texts of settings that are secret, at any depth."""
    for spec in fields(value):
        inner = getattr(value, spec.name)
        if is_dataclass(inner):
            yield from _secrets(inner)
        elif isinstance(inner, str) and (spec.metadata.get("secret") or is_secret(spec.name)):
            yield inner


def _host(actor: str, trail: AuditTrail) -> dict[str, str]:
    return {"actor": actor, "via": actor, "origin": trail.process.rpartition(":")[0]}
