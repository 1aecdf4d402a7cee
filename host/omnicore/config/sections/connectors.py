"""Services the host is connected to: settings."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from omnicore.config.setting import setting

__all__ = ["ConnectorSettings"]


@dataclass(frozen=True, slots=True)
class ConnectorSettings:
    """Services the host is connected to. Each connector may have stricter or wider limits of its own."""

    timeout_s: float = setting(30.0, "Longest time a connector may take for one action", minimum=0.001)
    retries: int = setting(2, "How often an action is tried again where that is safe", minimum=0, maximum=20)
    concurrency: int = setting(10, "Calls of one connector that run at once", minimum=1, maximum=1000)
    waiting: int = setting(100, "Calls of one connector that may wait for their turn", minimum=0)
    rate: float = setting(50.0, "Calls a second of one connector, all callers together", minimum=0.001)
    plugin_rate: float = setting(20.0, "Calls a second of one connector by one plugin", minimum=0.001)
    output_bytes: int = setting(4 * 1024 * 1024, "Largest answer of an action, as JSON", minimum=1)
    breaker_failures: int = setting(5, "Failures in a row after which a connector is left alone", minimum=1)
    breaker_reset_s: float = setting(60.0, "How long it is left alone", minimum=0)
    most: int = setting(1000, "Connectors that may be made, and as many webhooks", minimum=0)
    uses_days: float = setting(30.0, "How long the record of who used a connector is kept", minimum=0)

    master_key: Literal["auto", "variable", "file", "keyring"] = setting(
        "auto",
        "Where the vault's master key is; auto: OMNICORE_MASTER_KEY when set, else master.key in the data folder",
    )
    secret_variables: tuple[str, ...] = setting(("CONNECTOR_*",), "Variables that may be named as credentials")
    secret_folders: tuple[Path, ...] = setting((Path("/run/secrets"),), "Folders of files that may be named as such")

    hook_bytes: int = setting(1024 * 1024, "Largest body of a webhook", minimum=1)
    hook_rate: float = setting(50.0, "Deliveries a second that one webhook takes", minimum=0.001)
    deliveries_days: float = setting(7.0, "How long deliveries of webhooks are kept", minimum=0)
    deliveries_most: int = setting(1_000, "Deliveries that are kept for one webhook", minimum=1)
