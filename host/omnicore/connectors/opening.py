"""Puts the room together: vault, register, webhooks and the service over them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from omnicore.clock import Clock, SystemClock
from omnicore.config.sections.connectors import ConnectorSettings
from omnicore.connectors.hooks.service import Hooks
from omnicore.connectors.register import Register
from omnicore.connectors.service import Connectors, Publish
from omnicore.connectors.vault.master import place_of
from omnicore.connectors.vault.references import Credentials
from omnicore.connectors.vault.vault import Vault
from omnicore.storage.store import Store
from omnicore.storage.tables.connectors import ConnectorsTable
from omnicore.storage.tables.secrets import SecretsTable
from omnicore.storage.tables.webhooks import WebhooksTable

__all__ = ["open_connectors"]


def open_connectors(
    store: Store,
    settings: ConnectorSettings,
    *,
    data: Path,
    environ: Mapping[str, str],
    publish: Publish,
    clock: Clock | None = None,
    work: bool = True,
) -> Connectors:
    """The connectors of a host. Nothing is read or connected to before it is needed.

    Args:
        data: the data folder, where the master key is unless the settings say otherwise.
        environ: for the master key and for credentials that are variables.
        work: whether this process takes up what a killed one left.

    Raises: ToolMissing: the settings name the keyring, and its library is not installed.
    """
    clock = clock or SystemClock()
    vault = Vault(SecretsTable(store), place_of(settings.master_key, data=data, environ=environ), clock)
    credentials = Credentials(vault, environ, variables=settings.secret_variables, folders=settings.secret_folders)
    register = Register(ConnectorsTable(store), vault, credentials, settings, clock)
    hooks = Hooks(WebhooksTable(store), vault, credentials, settings, publish=publish, clock=clock)
    return Connectors(register, settings, data=data, hooks=hooks, publish=publish, clock=clock, work=work)
