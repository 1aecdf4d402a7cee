"""What people need to look after a host: its settings, backups, figures over time, and diagnostics."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from omnicore.config.loader import Loaded
from omnicore.config.service import LIVE, SettingsDesk
from omnicore.config.settings import Settings
from omnicore.connectors.service import Connectors
from omnicore.storage.backup import Backups
from omnicore.telemetry.logs import LEVELS, PluginLogs
from omnicore.telemetry.metrics import Series
from omnicore.wiring.about import about_host, about_versions
from omnicore.wiring.diagnostics import Sources, bundle, secrets_of
from omnicore.wiring.events import EventPart
from omnicore.wiring.loops import LoopParts
from omnicore.wiring.series import Ticker, totals_of

__all__ = ["OperationsPart", "without_host"]


class OperationsPart:
    """`settings`, `backups`, `series` and `about` are what the faces show; as long as it runs, figures are taken."""

    def __init__(
        self,
        found: Loaded,
        parts: LoopParts,
        *,
        connectors: Connectors,
        events: EventPart,
        logs: PluginLogs,
    ) -> None:
        store, plugins, clock = parts.store, parts.plugins, parts.clock
        self._plugins, self._connectors, self._events = plugins, connectors, events
        self._health, self._metrics, self._logs = parts.health, parts.metrics, logs
        taken_up = {"log_level": _use_log_level, "log_lines": self._use_log_lines}
        self.settings = SettingsDesk(
            found,
            {name: taken_up.get(name, plugins.use) for name in LIVE},
            tell=lambda name: parts.bus.publish("settings.changed", {"name": name}),
        )
        self.backups = Backups(
            store,
            found.settings.data,
            clock=clock,
            tell=lambda name, how: parts.bus.publish(f"backups.{how}", {"name": name}),
        )
        self.series = Series(totals_of(parts.metrics, parts.tasks), clock)
        self.about = about_host(found.settings, plugins, store, clock)
        self._ticker = Ticker(self.series, (self.settings.refresh,))

    def rooms(self) -> Mapping[str, Any]:
        """What REST reaches."""
        return {
            "settings": self.settings,
            "backups": self.backups,
            "series": self.series,
            "about": self.about,
            "diagnostics": self.diagnostics,
        }

    def diagnostics(self, also: Mapping[str, Any] | None = None) -> bytes:
        """One ZIP without secrets, for somebody who helps. `also` holds more files, by name, as JSON values."""
        settings, vault = self.settings.now.settings, self._connectors.vault
        return bundle(
            Sources(
                about=self.about,
                health=lambda: asdict(self._health.monitor.report()),
                settings=self.settings.items,
                plugins=lambda: [view.to_json() for view in self._plugins.list()],
                events=self._last_events,
                logs=self._logs.tail,
                metrics=self._metrics.render,
                secrets=lambda: secrets_of(settings, vault, os.environ),
            ),
            also,
        )

    async def start(self) -> None:
        """Begins to take figures."""
        await self._ticker.start()

    async def stop(self) -> None:
        """Ends it."""
        await self._ticker.stop()
        await asyncio.to_thread(self.backups.close)

    def _last_events(self, limit: int) -> list[dict[str, Any]]:
        rows, _ = self._events.history("**", limit, None)
        return [row.to_json() for row in rows]

    def _use_log_lines(self, settings: Settings) -> None:
        self._logs.per_plugin = settings.log_lines


def without_host(found: Loaded, also: Mapping[str, Any]) -> bytes:
    """The ZIP of a host that does not start: versions, settings, and what `also` says."""
    sources = Sources(
        about=lambda: about_versions(found.settings),
        settings=SettingsDesk(found).items,
        secrets=lambda: secrets_of(found.settings, None, os.environ),
    )
    return bundle(sources, also)


def _use_log_level(settings: Settings) -> None:
    logging.getLogger("omnicore").setLevel(LEVELS[settings.log_level])
