"""The host's services as the effects need them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from omnicore.capabilities.services import HttpSender
from omnicore.clock import Clock
from omnicore.connectors.vault.vault import Vault
from omnicore.memory.service import MemoryService
from omnicore.plugins.calls import Calls
from omnicore.runtime.desk import TaskDesk
from omnicore.sandbox.engine import Engine
from omnicore.storage.tables.kv import KvTable
from omnicore.vectors.service import VectorService

__all__ = ["ConnectorUse", "Means", "Scripting"]


class ConnectorUse(Protocol):
    """The host's connectors."""

    async def use(
        self, who: str, connector: str, action: str, given: Any = None, *, timeout_s: float = 3600.0, key: str = ""
    ) -> Any:
        """See `omnicore.connectors.service.Connectors.use`."""


@dataclass(frozen=True, slots=True)
class Scripting:
    """What scripts are run by.

    Args:
        build: makes a plugin of the source of one file in a language, blocking. Raises: ToolMissing, BuildFailed.
        engine: makes what runs those plugins, called once a script is run.
    """

    build: Callable[[Literal["js", "python"], str], bytes]
    engine: Callable[[], Engine]


@dataclass(frozen=True, slots=True)
class Means:
    """All services; None is one that this host does not have."""

    plugins: Calls
    connectors: ConnectorUse
    http: HttpSender
    vault: Vault
    kv: KvTable
    clock: Clock
    memory: MemoryService | None = None
    vectors: VectorService | None = None
    tasks: TaskDesk | None = None
    scripting: Scripting | None = None
