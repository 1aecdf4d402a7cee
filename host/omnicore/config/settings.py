"""The settings of a host: one dataclass that is schema, defaults and documentation at once."""

# ruff: noqa: RUF009 -- `setting` is `dataclasses.field` with what the loader checks
from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, fields, is_dataclass
from pathlib import Path
from typing import Any, Literal

from omnicore.config.sections.access import AccessSettings
from omnicore.config.sections.connectors import ConnectorSettings
from omnicore.config.sections.events import EventSettings
from omnicore.config.sections.health import HealthSettings
from omnicore.config.sections.loops import LoopSettings
from omnicore.config.sections.mcp import McpSettings
from omnicore.config.sections.memory import MemorySettings
from omnicore.config.sections.runtime import RuntimeSettings
from omnicore.config.sections.storage import StorageSettings
from omnicore.config.sections.tasks import TaskSettings
from omnicore.config.sections.telemetry import TelemetrySettings
from omnicore.config.sections.vectors import VectorSettings
from omnicore.config.sections.workflows import WorkflowSettings
from omnicore.config.setting import is_secret, setting
from omnicore.sandbox.abi import MIB, Limits

__all__ = ["LARGEST_LIMITS", "MASK", "Settings", "is_secret", "setting"]

MASK = "********"
_CREDENTIALS = re.compile(r"(://)[^/\s]*@")

LARGEST_LIMITS = Limits(
    timeout_s=60.0,
    fuel=None,
    memory_bytes=1024 * MIB,
    table_elements=1_000_000,
    input_bytes=64 * MIB,
    output_bytes=64 * MIB,
    log_bytes=1 * MIB,
    log_lines=100_000,
    var_bytes=64 * MIB,
    host_calls=1_000_000,
    http_requests=100,
    http_request_bytes=16 * MIB,
    http_response_bytes=64 * MIB,
    module_bytes=64 * MIB,
    component_bytes=64 * MIB,
    compile_s=120.0,
    compile_bytes=4096 * MIB,
)


@dataclass(frozen=True, slots=True)
class Settings:
    """What a host is told. Units: bytes, seconds, counts; relative paths count from the file's folder."""

    plugins: Path = setting(Path("plugins"), "Folder of .wasm and .wat files that are the plugins")
    data: Path = setting(Path(".omnicore"), "Folder of the database and the compiled-code cache")
    watch: bool = setting(True, "Take up changes in the plugin folder while the host runs")
    engine: Literal["omnicore", "extism"] = setting("omnicore", "What runs the modules")

    host: str = setting("127.0.0.1", "Address the server listens on; beyond loopback users or a token are required")
    port: int = setting(8080, "TCP port the server listens on; 0 takes a free one", minimum=0, maximum=65535)
    token: str | None = setting(None, "Bearer token that requests must carry", secret=True)
    allowed_hosts: tuple[str, ...] = setting(
        ("localhost", "127.0.0.1", "[::1]"), "Names that the Host header of a request may hold"
    )
    body_bytes: int = setting(16 * MIB, "Largest body of a request", minimum=1)
    request_timeout_s: float = setting(30.0, "Longest time a request may take", minimum=0.001)
    drain_s: float = setting(10.0, "Longest wait for running calls when the server stops", minimum=0)

    max_instances: int = setting(1000, "Sandboxes alive at the same time, all plugins together", minimum=1)
    max_warm: int = setting(8, "Warm sandboxes kept for one plugin, whatever its manifest asks", minimum=0)
    threads: int = setting(8, "Worker threads for plugins that compute long", minimum=1, maximum=1024)
    breaker_failures: int = setting(5, "Failures in a row that put a plugin in quarantine", minimum=1)
    breaker_reset_s: float = setting(60.0, "How long a quarantine lasts", minimum=0)

    kept_versions: int = setting(
        5, "Earlier versions of a plugin that are kept, to go back to one", minimum=0, maximum=1000
    )

    log_level: Literal["trace", "debug", "info", "warn", "error"] = setting(
        "info", "Lowest level of log lines that the server prints"
    )
    log_lines: int = setting(1_000, "Log lines kept in memory for each plugin", minimum=1)

    limits: Limits = setting(Limits(), "Limits of a plugin whose manifest sets none")
    max_limits: Limits = setting(LARGEST_LIMITS, "The most that a manifest may ask for")
    storage: StorageSettings = setting(StorageSettings(), "Where rows are kept")
    tasks: TaskSettings = setting(TaskSettings(), "Background tasks")
    events: EventSettings = setting(EventSettings(), "The event bus")
    health: HealthSettings = setting(HealthSettings(), "When parts count as failing")
    telemetry: TelemetrySettings = setting(TelemetrySettings(), "Where traces and metrics are sent")
    memory: MemorySettings = setting(MemorySettings(), "What plugins remember")
    vectors: VectorSettings = setting(VectorSettings(), "Vector collections and their index")
    connectors: ConnectorSettings = setting(ConnectorSettings(), "Services the host is connected to")
    loops: LoopSettings = setting(LoopSettings(), "The seven lanes")
    mcp: McpSettings = setting(McpSettings(), "Functions as tools of the Model Context Protocol")
    runtime: RuntimeSettings = setting(RuntimeSettings(), "Where and how the host runs")
    access: AccessSettings = setting(AccessSettings(), "Who may do what")
    workflows: WorkflowSettings = setting(WorkflowSettings(), "Workflows and their runs")
    brokers: Mapping[str, Mapping[str, Any]] = setting(
        {}, "Message brokers that events come from and go to, one table for each: `url`, `in`, `out`", secret=True
    )
    app: Mapping[str, Any] = setting({}, "Settings of the application around the host, in words of its own")
    plugin_settings: Mapping[str, Mapping[str, Any]] = setting(
        {}, "Settings handed to plugins, one table for each plugin's name", secret=True
    )

    def to_json(self) -> dict[str, Any]:
        """All settings as JSON values, secrets masked."""
        return {spec.name: _shown(spec.name, getattr(self, spec.name)) for spec in fields(self)}


def _shown(name: str, value: Any) -> Any:
    """A value as it may be shown: secrets masked, paths as text."""
    if is_secret(name) and value is not None:
        return MASK
    if is_dataclass(value):
        held = ((spec, getattr(value, spec.name)) for spec in fields(value))
        return {
            # Declared settings say themselves what they are: `token_days` is no secret.
            spec.name: MASK if spec.metadata.get("secret") and inner is not None else _shown("", inner)
            for spec, inner in held
        }
    if isinstance(value, Mapping):
        return {key: _shown(str(key), item) for key, item in value.items()}
    if isinstance(value, (tuple, list)):
        return [_shown("", item) for item in value]
    if isinstance(value, str):  # an address may have a password in it
        return _CREDENTIALS.sub(rf"\1{MASK}@", value)
    return str(value) if isinstance(value, Path) else value
