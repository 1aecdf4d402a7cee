"""A plugin host over real parts, and small guests in text."""

from __future__ import annotations

import dataclasses
import os
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from omnicore.capabilities.services import Services
from omnicore.clock import Clock, SystemClock
from omnicore.config.settings import Settings
from omnicore.connectors.http import HttpClient
from omnicore.events.bus import EventBus
from omnicore.plugins.host import PluginHost
from omnicore.sandbox.abi import HostFunction
from omnicore.sandbox.extism.engine import ExtismEngine
from omnicore.storage.database import Database
from omnicore.storage.store import Store
from omnicore.storage.tables.kv import KvTable
from omnicore.telemetry.logs import PluginLogs
from omnicore.telemetry.metrics import Metrics


class Rig:
    """A host with all its parts, and what tests do to it from outside."""

    def __init__(
        self,
        folder: Path,
        engine: ExtismEngine,
        *,
        clock: Clock | None = None,
        functions: tuple[HostFunction, ...] = (),
        database: Store | None = None,
        **changes: Any,
    ) -> None:
        self.settings = dataclasses.replace(Settings(), plugins=folder / "plugins", data=folder / "data", **changes)
        self.settings.plugins.mkdir(parents=True, exist_ok=True)
        self.clock = clock or SystemClock()
        self.database = database or Database.open(self.settings.data / "omnicore.db", clock=self.clock)
        self.kv = KvTable(self.database, self.clock)
        self.events = EventBus()
        self.metrics = Metrics()
        self.host = PluginHost(
            self.settings,
            engine=engine,
            database=self.database,
            services=Services(kv=self.kv, http=HttpClient(), events=self.events, clock=self.clock),
            metrics=self.metrics,
            logs=PluginLogs(),
            events=self.events,
            clock=self.clock,
            functions=functions,
        )

    def drop(self, name: str, content: str | bytes, *, age_s: float = 10.0) -> Path:
        """Writes a file into the plugin folder that looks as old as `age_s`."""
        path = self.settings.plugins / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        when = time.time() - age_s
        os.utime(path, (when, when))
        return path

    def scan(self) -> dict[str, str]:
        """One pass over the folder; the state of every plugin."""
        self.host.scan()
        return {view.name: view.state for view in self.host.list()}

    def close(self) -> None:
        self.host.close()
        self.database.close()


@pytest.fixture(scope="session")
def engine(tmp_path_factory: pytest.TempPathFactory) -> ExtismEngine:
    return ExtismEngine(tmp_path_factory.mktemp("compiled"))


@pytest.fixture
def rig_at(engine: ExtismEngine) -> Iterator[Callable[..., Rig]]:
    """Builds hosts, several over one folder if need be, and closes them."""
    rigs: list[Rig] = []

    def build(folder: Path, **changes: object) -> Rig:
        rigs.append(Rig(folder, changes.pop("engine", engine), **changes))
        return rigs[-1]

    yield build
    for rig in rigs:
        rig.close()


@pytest.fixture
def rig(rig_at: Callable[..., Rig], tmp_path: Path) -> Rig:
    return rig_at(tmp_path)
