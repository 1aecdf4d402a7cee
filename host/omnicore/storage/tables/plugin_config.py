"""Settings of plugins that were set while the host ran."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from omnicore.storage.store import Store

__all__ = ["PluginConfigTable"]


class PluginConfigTable:
    """One row for each setting, its value as JSON. They stand above those of the host's own settings."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def of(self, plugin: str) -> dict[str, Any]:
        """The settings of a plugin, by name."""
        found = self._store.rows("SELECT key, value FROM plugin_config WHERE plugin = ? ORDER BY key", (plugin,))
        return {key: json.loads(value) for key, value in found}

    def replace(self, plugin: str, values: Mapping[str, Any], *, who: str, at: float) -> None:
        """Keeps these settings and no others; on the disk when it returns."""
        rows = [(plugin, key, json.dumps(value), who, at) for key, value in values.items()]
        with self._store.write(durable=True) as session:
            session.execute("DELETE FROM plugin_config WHERE plugin = ?", (plugin,))
            session.executemany("INSERT INTO plugin_config VALUES (?, ?, ?, ?, ?)", rows)

    def forget(self, plugin: str) -> None:
        """Drops the settings of a plugin."""
        with self._store.write() as session:
            session.execute("DELETE FROM plugin_config WHERE plugin = ?", (plugin,))
