"""MCP in a host: its tools are the plugins' functions, called as everybody else's calls are."""

from __future__ import annotations

from omnicore.config.settings import Settings
from omnicore.events.bus import EventBus
from omnicore.mcp.service import McpService
from omnicore.plugins.host import PluginHost
from omnicore.storage.store import Store

__all__ = ["mcp_service"]


def mcp_service(settings: Settings, plugins: PluginHost, *, bus: EventBus, store: Store) -> McpService:
    """The service, with the limits that other requests have."""
    return McpService(
        plugins,
        bus,
        settings.mcp,
        version=store.data_version,
        call_s=settings.request_timeout_s,
        body_bytes=settings.body_bytes,
    )
